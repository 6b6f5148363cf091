//! A center that somebody can join, an Internet before it, and a mail server.

use authority::{Authority, CaKind};
use browser::{Browser, Options, Papers, policies};
use joining::LetterKind;
use lab::{Answer, Lab, Probe, Proc, Scenario, Server, StrongSwan};
use postbox::{Letter, Postbox};
use scanner::Scanner;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use story::StageError;
use texts::{Lang, Texts};

use crate::client::Client;
use crate::configuration::put;
use crate::configuration::{
    Beside, CENTER, INSIDE, INSIDE_ADDRESS, INSIDE_PORT, PAGES_PORT, POOL, PUBLIC_PORT, SERVICE_PORT, certificates,
    configure,
};
use crate::partner;
use crate::person::{Person, Pictures};

const APPLICANT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 77);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const UP: Duration = Duration::from_secs(60);
const NETWORK: &str = include_str!("../scenario.toml");

/// Everything that stands before anybody comes.
pub struct House {
    // Dropped in this order: servers want their namespace, which goes with the lab.
    _elsewhere: Server,
    center: Proc,
    server: StrongSwan,
    client: Client,
    _scanner: Arc<Scanner>,
    postbox: Postbox,
    runtime: tokio::runtime::Runtime,
    partner: String,
    authority: Authority,
    dir: PathBuf,
    lab: Lab,
    lang: Lang,
    pictures: Pictures,
}

impl House {
    /// Raises it for people who read a language. [`lab::enter`] must have been called.
    pub fn raise(lang: Lang, pictures: Pictures) -> Result<Self, StageError> {
        let scenario = Scenario::parse(NETWORK).map_err(said)?;
        let mut lab = Lab::up(&scenario, &|_| {})?;
        for (name, address) in [("applicant", APPLICANT), ("elsewhere", ELSEWHERE)] {
            lab.add_internet_host(name, address)?;
        }
        let elsewhere = lab.serve_https("elsewhere", 80, None)?;
        let server = lab.strongswan("sk-center", false)?;
        // Nobody gets from the VPN to the Internet through the center.
        lab.center().within(|| fs::write("/proc/sys/net/ipv4/ip_forward", "0"))?.map_err(said)?;
        lab.center().ip(&[
            format!("addr add {INSIDE_ADDRESS}/32 dev lo"),
            "link set ipsec0 mtu 1400 up".into(),
            format!("route replace {POOL} dev ipsec0"),
        ])?;
        let dir = lab.scratch().join("product");
        fs::create_dir_all(&dir).map_err(said)?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(said)?;
        // On the center's own machine, as many institutions have it.
        let handle = runtime.handle().clone();
        let postbox = lab.center().within(move || handle.block_on(Postbox::start(postbox::Options::default())))?;
        let postbox = postbox.map_err(said)?;
        let mut authority = Authority::new(&dir.join("authority"), seconds() - 3600)?;
        let scanner = Scanner::shared().map_err(said)?;
        let vici = server.vici_socket();
        let beside = Beside { postbox: &postbox, vici: &vici, clamd: &scanner.socket };
        let config = configure(&dir, &lab, &mut authority, &beside)?;
        policies(lab.scratch(), &[(&pages(), OPERATORS)])?;
        let partner = runtime.block_on(partner::joined(&dir.join("data")))?;
        let machine = authority.issue_device("aoba", "pc1")?;
        let client = Client::new(lab.strongswan("sk-applicant", true)?, &machine)?;
        let mut command = Command::new(binary("sekisho-center")?);
        command.arg("--config").arg(config);
        let mut center = lab.spawn_in("sk-center", command)?;
        let begun = Instant::now();
        while !answers(&lab) {
            if begun.elapsed() > UP || !center.is_running() {
                return Err(StageError::Product(format!("the center does not answer\n{}", center.log_tail(30))));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Self {
            _elsewhere: elsewhere,
            center,
            server,
            client,
            _scanner: scanner,
            postbox,
            runtime,
            partner,
            authority,
            dir,
            lab,
            lang,
            pictures,
        })
    }

    /// The public entrance.
    pub fn public(&self) -> String {
        format!("https://{CENTER}:{PUBLIC_PORT}")
    }

    /// The entrance behind the client VPN.
    pub fn inside(&self) -> String {
        format!("https://{INSIDE}:{INSIDE_PORT}")
    }

    /// The operators' pages.
    pub fn review(&self) -> String {
        format!("{}/review", pages())
    }

    /// The entrance of the service.
    pub fn service(&self) -> String {
        format!("https://{INSIDE}:{SERVICE_PORT}")
    }

    /// The client VPN of the applicant's machine.
    pub fn vpn(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Does any other host of the Internet answer the applicant's machine within a time?
    pub fn elsewhere_answers(&self, within: Duration) -> Result<bool, StageError> {
        let probe = Probe::tcp("sk-applicant", ELSEWHERE, 80).within(within);
        Ok(self.lab.probe_all(&[probe])?[0] == Answer::Answered)
    }

    /// A browser somewhere on the Internet.
    pub fn applicant(&self) -> Result<Person, StageError> {
        let papers = self.papers("applicant")?;
        let internet = self.lab.scenario().internet.center;
        self.person(&papers, self.lab.netns("sk-applicant")?, &[(CENTER, internet), (INSIDE, internet)])
    }

    /// The same machine's browser for what is inside; with a service certificate, once there is one.
    pub fn member(&self) -> Result<Person, StageError> {
        let papers = self.papers("member")?;
        let (chain, key) = self.certificate();
        if chain.exists() {
            papers.hold("service", &chain, &key)?;
        }
        self.person(&papers, self.lab.netns("sk-applicant")?, &[(INSIDE, INSIDE_ADDRESS)])
    }

    /// Fetches a service certificate on the applicant's machine with the code from the page.
    pub fn enroll(&self, user: &str, code: &str) -> Result<(), StageError> {
        self.fetch_certificate(user, code, TERMINAL)?;
        let (chain, _) = self.certificate();
        let issuer = issuer(&chain)?;
        Ok(policies(self.lab.scratch(), &[(&pages(), OPERATORS), (&self.service(), &issuer)])?)
    }

    /// The same with another key, into another folder.
    pub fn enroll_again(&self, user: &str, code: &str) -> Result<(), StageError> {
        self.fetch_certificate(user, code, "elsewhere")
    }

    fn fetch_certificate(&self, user: &str, code: &str, folder: &str) -> Result<(), StageError> {
        let (into, code_file) = (self.dir.join(folder), self.dir.join("code"));
        put(&code_file, code.as_bytes())?;
        fs::create_dir_all(&into).map_err(said)?;
        let mut command = Command::new("sh");
        command.args(["-c", "exec 9<\"$0\"; exec \"$@\""]).arg(&code_file).arg(binary("sekisho")?);
        command.args(["card", "enroll", "--server", &certificates()]);
        command.args(["--user", user, "--code-fd", "9", "--ca"]).arg(self.dir.join("center-ca.pem"));
        command.arg("--into").arg(&into);
        let finished = self.lab.run_in("sk-applicant", command, UP)?;
        if !finished.success() {
            return Err(StageError::Product(format!("{}{}", finished.stdout, finished.stderr)));
        }
        Ok(())
    }

    /// A maker describes a device it built, and signs.
    pub fn described(&mut self) -> Result<String, StageError> {
        let maker = self.authority.issue_registered("maker", "aoba-seiki")?;
        let element = self.authority.issue_element("st33-0001")?;
        let key = maker.folder.join("key.pem");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).map_err(said)?;
        let file = self.dir.join("ge-01.toml");
        let mut command = Command::new(binary("sekisho")?);
        command.args(["equipment", "describe", "--maker", "aoba-seiki", "--model", "GE-01", "--serial", "0001"]);
        command.args(["--made", "2026-11-01", "--element-kind", "tpm2", "--element"]);
        command.arg(element.folder.join("chain.pem")).arg("--certificate").arg(maker.folder.join("chain.pem"));
        command.arg("--key").arg(key).arg("-o").arg(&file);
        let finished = self.lab.run_in("sk-applicant", command, UP)?;
        if !finished.success() {
            return Err(StageError::Product(format!("{}{}", finished.stdout, finished.stderr)));
        }
        fs::read_to_string(file).map_err(said)
    }

    /// A gate, or a device, that knows nothing fetches its certificate with the token from the page, on the applicant's
    /// machine.
    pub fn enroll_gate(&self, token: &str) -> Result<(), StageError> {
        let into = self.dir.join("gate");
        fs::create_dir_all(&into).map_err(said)?;
        let mut command = Command::new(binary("sekisho-gate")?);
        command.args(["enroll", "--token", token, "--into"]).arg(&into).arg("--data").arg(into.join("state"));
        let finished = self.lab.run_in("sk-applicant", command, UP)?;
        if !finished.success() {
            return Err(StageError::Product(format!("{}{}", finished.stdout, finished.stderr)));
        }
        Ok(())
    }

    /// User ID of the manager of the other institution.
    pub fn partner(&self) -> &str {
        &self.partner
    }

    /// Runs a command that a page told, on the applicant's machine, in the folder of an institution; what it wrote. What
    /// it asks for is given to it.
    pub fn told(&self, who: &str, command: &str, answer: Option<&str>) -> Result<String, StageError> {
        let folder = self.dir.join("institutions").join(who);
        fs::create_dir_all(&folder).map_err(said)?;
        let (asked, given) = match answer {
            Some(answer) => {
                put(&folder.join("asked"), answer.as_bytes())?;
                (" --code-fd 9", "exec 9<asked; ")
            }
            None => ("", ""),
        };
        let tool = binary("sekisho")?;
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{given}{command}{asked}")]).current_dir(&folder);
        let tools = tool.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        shell.env("PATH", format!("{tools}:{}", std::env::var("PATH").unwrap_or_default()));
        let finished = self.lab.run_in("sk-applicant", shell, UP)?;
        if !finished.success() {
            return Err(StageError::Product(format!("{command}: {}{}", finished.stdout, finished.stderr)));
        }
        Ok(finished.stdout)
    }

    /// Signs a document that a page gave with the command that the page told.
    pub fn sign(&self, who: &str, name: &str, document: &str, command: &str) -> Result<String, StageError> {
        put(&self.dir.join("institutions").join(who).join(name), document.as_bytes())?;
        self.told(who, command, None)
    }

    /// Signs bytes (Base64) with another tool; Base64 too.
    pub fn sign_bytes(&self, who: &str, bytes: &str) -> Result<String, StageError> {
        put(&self.dir.join("institutions").join(who).join("bytes.b64"), bytes.as_bytes())?;
        let command = "openssl base64 -d -A -in bytes.b64 -out bytes.bin && openssl dgst -sha256 -sign \
                       sekisho-institution/sekisho-service.key.pem -out bytes.sig bytes.bin && openssl base64 -A -in bytes.sig";
        self.told(who, command, None)
    }

    /// Certificate of an institution's signing key.
    pub fn certificate_of(&self, who: &str) -> Result<String, StageError> {
        let folder = self.dir.join("institutions").join(who);
        fs::read_to_string(folder.join("sekisho-institution/sekisho-service.pem")).map_err(said)
    }

    fn certificate(&self) -> (PathBuf, PathBuf) {
        let folder = self.dir.join(TERMINAL);
        (folder.join("sekisho-service.pem"), folder.join("sekisho-service.key.pem"))
    }

    /// A file of the applicant's.
    pub fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, StageError> {
        let path = self.dir.join(name);
        put(&path, bytes)?;
        Ok(path)
    }

    /// A browser of an operator, with their certificate.
    pub fn operator(&mut self, name: &str) -> Result<Person, StageError> {
        let issued = self.authority.issue_operator(name)?;
        let papers = self.papers(&format!("operator-{name}"))?;
        papers.hold("operator", &issued.folder.join("chain.pem"), &issued.folder.join("key.pem"))?;
        self.person(&papers, self.lab.center(), &[(CENTER, self.lab.scenario().internet.center)])
    }

    fn person(&self, papers: &Papers, at: &lab::Netns, hosts: &[(&str, Ipv4Addr)]) -> Result<Person, StageError> {
        let hosts: Vec<(&str, std::net::IpAddr)> =
            hosts.iter().map(|(name, address)| (*name, (*address).into())).collect();
        let options = Options { papers, hosts: &hosts, lang: self.lang.as_str(), window: (1280, 900), dark: false };
        Ok(Person::new(Browser::start(at, &options)?, self.lang, self.pictures.clone()))
    }

    /// A letter of a kind to somebody.
    pub fn letter(&self, kind: LetterKind, to: &str) -> Result<Letter, StageError> {
        let subject = Texts::new(self.lang).say(&format!("mail-{}-subject", kind.as_str()), &[]);
        let fits = |letter: &Letter| letter.subject() == subject && letter.to.iter().any(|one| one == to);
        match self.runtime.block_on(self.postbox.wait_for(fits)) {
            Some(letter) => Ok(letter),
            None => {
                let come: Vec<String> = self.postbox.letters().iter().map(Letter::subject).collect();
                Err(StageError::Product(format!("no letter `{subject}` to {to}, but {come:?}")))
            }
        }
    }

    /// Every letter that came.
    pub fn letters(&self) -> Vec<Letter> {
        self.postbox.letters()
    }

    /// What center and VPN said last.
    pub fn log(&self) -> String {
        format!("{}\n{}\n{}", self.center.log_tail(30), self.server.log_tail(30), self.client.log())
    }

    fn papers(&self, name: &str) -> Result<Papers, StageError> {
        let homes = (1..).map(|n| self.dir.join("browser").join(format!("{name}-{n}")));
        let home = homes.into_iter().find(|home| !home.exists()).unwrap_or_default();
        let papers = Papers::create(&home)?;
        papers.trust("center", &self.authority.ca_pem_path(CaKind::Center))?;
        Ok(papers)
    }
}

/// Folder of the terminal.
const TERMINAL: &str = "terminal";
/// Who certifies operators.
const OPERATORS: &str = "TEST Sekisho Operator CA";

fn pages() -> String {
    format!("https://{CENTER}:{PAGES_PORT}")
}

/// commonName of who issued a certificate.
fn issuer(certificate: &std::path::Path) -> Result<String, StageError> {
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-issuer", "-nameopt", "multiline", "-in"]).arg(certificate);
    let output = command.output().map_err(said)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = text.lines().find_map(|line| line.trim().strip_prefix("commonName")?.trim().strip_prefix("= "));
    name.map(str::to_owned).ok_or_else(|| StageError::Product(format!("no issuer in {text}")))
}

fn answers(lab: &Lab) -> bool {
    let public = lab.scenario().internet.center;
    let connects = |port: u16, address: Ipv4Addr| {
        lab.center().within(move || std::net::TcpStream::connect((address, port)).is_ok()).unwrap_or(false)
    };
    connects(PUBLIC_PORT, public) && connects(SERVICE_PORT, INSIDE_ADDRESS) && connects(PAGES_PORT, public)
}

pub(crate) fn said(error: impl std::fmt::Display) -> StageError {
    StageError::Product(error.to_string())
}

pub(crate) fn seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn binary(name: &str) -> Result<PathBuf, StageError> {
    let me = std::env::current_exe().map_err(said)?;
    let found = me.ancestors().skip(1).map(|dir| dir.join(name)).find(|file| file.exists());
    found.ok_or_else(|| StageError::Product(format!("{name} is not built; run this through `cargo xtask`")))
}
