//! Browsers of the people of the story: at terminals with device certificate and card, and at the center.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use authority::CaKind;
use browser::{Browser, Options, Papers, Timings, policies};

use crate::configuration::{CENTER, CONSOLE_PORT, PAGES_PORT, SIGN_IN_PORT};
use crate::set::Set;
use crate::stage::{Stage, StageError, put};

/// How a browser looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// `ja` or `en`.
    pub lang: &'static str,
    /// Dark colours.
    pub dark: bool,
    /// Width and height of the window.
    pub window: (u32, u32),
}

impl Look {
    /// A desk's window, light.
    pub fn of(lang: &'static str) -> Self {
        Self { lang, dark: false, window: (1280, 900) }
    }
}

impl Stage {
    /// Address of every terminal's console.
    pub fn console_url(&self) -> String {
        format!("https://{CENTER}:{CONSOLE_PORT}/")
    }

    /// Address of the live picture.
    pub fn pages_url(&self) -> String {
        format!("https://{CENTER}:{PAGES_PORT}/live")
    }

    /// A browser at a terminal; somebody's card, by its label, lies in the reader.
    pub fn browser(&self, at: &str, card: Option<&str>, look: Look) -> Result<Browser, StageError> {
        let papers = self.papers(&format!("{}-{}", at.replace('/', "-"), card.unwrap_or("nobody")))?;
        let terminal = self.terminal_config(at);
        let terminal = terminal.parent().unwrap_or(Path::new("/"));
        papers.hold("terminal", &terminal.join("cert.pem"), &terminal.join("key.pem"))?;
        if let Some(card) = card {
            let (chain, key) = self.card_files(card)?;
            papers.hold("card", &chain, &key)?;
        }
        let mut hosts = vec![(CENTER, self.gateway_of(at)?)];
        let records = self.record_server_if_any().map(|r| (r.tls.clone(), r.address));
        if let Some((Some((name, pem)), address)) = &records {
            papers.trust("records", &put(papers.home(), "records.pem", pem)?)?;
            hosts.push((name, *address));
        }
        let options = Options { papers: &papers, hosts: &hosts, lang: look.lang, window: look.window, dark: look.dark };
        Ok(Browser::start(self.lab().netns(&format!("sk-{}", at.replace('/', "-")))?, &options)?)
    }

    /// Chain and key of a card as files. Not those of the authority: two cards of one name share its folder.
    pub fn card_files(&self, card: &str) -> Result<(PathBuf, PathBuf), StageError> {
        let issued = self.cards().issued(card);
        let issued = issued.ok_or_else(|| StageError::Product(format!("nobody has the card {card}")))?;
        let home = self.dir().join("browser-cards").join(card);
        Ok((put(&home, "chain.pem", &issued.chain_pem)?, put(&home, "key.pem", &issued.key_pem)?))
    }

    /// An operator's browser at the center.
    pub fn operator_browser(&mut self, name: &str, look: Look) -> Result<Browser, StageError> {
        let issued = self.authority().issue_operator(name)?;
        let papers = self.papers(&format!("operator-{name}-{}-{}", look.lang, look.dark))?;
        papers.hold("operator", &issued.folder.join("chain.pem"), &issued.folder.join("key.pem"))?;
        let hosts = [(CENTER, self.lab().scenario().internet.center.into())];
        let options = Options { papers: &papers, hosts: &hosts, lang: look.lang, window: look.window, dark: look.dark };
        Ok(Browser::start(self.lab().center(), &options)?)
    }

    /// The gateway's address in the segment of a terminal.
    pub fn gateway_of(&self, at: &str) -> Result<IpAddr, StageError> {
        let (site, host) = at.split_once('/').unwrap_or((at, ""));
        let spec = &self.lab().site(site)?.spec;
        let segment = spec.host(host).and_then(|h| spec.segment(&h.segment));
        segment.map(|s| s.gateway).ok_or_else(|| StageError::Product(format!("{at} is in no segment")))
    }

    fn papers(&self, name: &str) -> Result<Papers, StageError> {
        let (device, card) = ("TEST Sekisho Device CA", "HPKI-01-TEST-forAuthentication-forIndividual");
        let shown: Vec<(String, &str)> =
            [(CONSOLE_PORT, device), (SIGN_IN_PORT, card), (PAGES_PORT, "TEST Sekisho Operator CA")]
                .into_iter()
                .map(|(port, issuer)| (format!("https://{CENTER}:{port}"), issuer))
                .collect();
        let shown: Vec<(&str, &str)> = shown.iter().map(|(pattern, issuer)| (pattern.as_str(), *issuer)).collect();
        if !Path::new("/etc/chromium/policies/managed/certificates.json").exists() {
            policies(self.lab().scratch(), &shown)?;
        }
        // A home of its own each time: what an ended browser left behind may still write to the old one.
        let homes = self.dir().join("browser");
        let mut number = 1;
        while homes.join(format!("{name}-{number}")).exists() {
            number += 1;
        }
        let papers = Papers::create(&homes.join(format!("{name}-{number}")))?;
        papers.trust("center", &self.ca(CaKind::Center))?;
        Ok(papers)
    }
}

/// Where pictures for people are left: `target/demo`.
pub fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/demo")
}

/// The story's network, with so many services more that the clinic's first terminal may use.
pub fn with_services(count: usize) -> Set {
    use std::fmt::Write as _;
    let mut set = Set::story();
    for (file, text) in &mut set.documents {
        for n in 0..count {
            let _ = match file.as_str() {
                "hospital.toml" => write!(
                    text,
                    "\n[[service]]\nid = \"more-{n}\"\nname = {{ ja = \"検査結果の閲覧 {n}\", en = \"Test results {n}\" }}\n\
                     host = \"record-server\"\nprotocol = \"tcp\"\nports = [{}]\nroles = [\"Medical Doctor\"]\n",
                    9000 + n
                ),
                "clinic.toml" => write!(
                    text,
                    "\n[[allow]]\nwho = {{ roles = [\"Medical Doctor\"] }}\nfrom = [\"exam-1\"]\nservice = \"keyaki/more-{n}\"\n"
                ),
                _ => Ok(()),
            };
        }
    }
    set
}

/// Signs in by the pages, as a person does.
pub fn sign_in(stage: &Stage, browser: &mut Browser) -> Result<(), StageError> {
    browser.go(&stage.console_url())?;
    browser.press("#sign-in")?;
    browser.until("location.port === '7446' && !!document.querySelector('form button')", "the question")?;
    browser.press("form button")?;
    Ok(browser.until("!!document.querySelector('#sign-out')", "the services")?)
}

/// Loads the console of somebody who is signed in, so many times: each time how fast it was there.
pub fn console_timings(stage: &Stage, browser: &mut Browser, times: usize) -> Result<Vec<Timings>, StageError> {
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        browser.go(&stage.console_url())?;
        all.push(browser.timings()?);
    }
    Ok(all)
}

/// A shell's way to the pages, for requests that no browser would make: `curl` at a terminal with its certificate.
pub fn curl(stage: &Stage, at: &str, arguments: &[&str]) -> Result<String, StageError> {
    let home = stage.terminal_config(at);
    let home = home.parent().unwrap_or(Path::new("/"));
    let mut command = std::process::Command::new("curl");
    command.args(["-sS", "-i", "--max-time", "20", "--cacert"]).arg(stage.ca(CaKind::Center));
    let gateway = stage.gateway_of(at)?;
    for port in [CONSOLE_PORT, SIGN_IN_PORT] {
        command.args(["--resolve", &format!("{CENTER}:{port}:{gateway}")]);
    }
    if !arguments.contains(&"--cert") {
        command.arg("--cert").arg(home.join("cert.pem")).arg("--key").arg(home.join("key.pem"));
    }
    command.args(arguments);
    let netns = format!("sk-{}", at.replace('/', "-"));
    let finished = stage.lab().run_in(&netns, command, std::time::Duration::from_secs(30))?;
    Ok(format!("{}{}", finished.stdout, finished.stderr))
}

/// Writes a page's source where a person can look at it.
pub fn keep(name: &str, text: &str) -> Result<(), StageError> {
    let path = pictures().join(name);
    fs::create_dir_all(pictures()).map_err(StageError::file(&path))?;
    fs::write(&path, text).map_err(StageError::file(&path))
}
