//! A center behind a VPN server that is split in two (black has the Internet, red the door inside), a client, and another
//! host of the Internet.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use audit::Event;
use authority::{Authority, CaKind, Issued};
use joining::InstitutionId;
use lab::{Answer, Lab, LabError, Probe, Proc, Scenario, Server, StrongSwan};
use members::Newcomer;
use reception::{Hashing, Joining, Operator, RealWorld, Settings};
use registry::Registry;
use tokio::runtime::Runtime;

/// Generous: whatever is waited for happens at once on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// For an answer through the VPN, which may go down while it is on its way.
const ANSWER: Duration = Duration::from_secs(20);
/// For probes that must stay without an answer.
const SILENCE: Duration = Duration::from_millis(700);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const LOGIN: Ipv4Addr = Ipv4Addr::new(10, 250, 0, 1);
const MAIL: &str = "ichiro@clinic.example";
const OWN: &str = "tsukimi-4-dango";

/// Fields are dropped in this order: servers want their namespace, which goes with the lab.
pub struct Inner {
    _web: Server,
    center: Option<Proc>,
    server: StrongSwan,
    client: StrongSwan,
    machine: Issued,
    runtime: Runtime,
    /// The session between initial password and first log-in.
    token: String,
    pub vpn_id: String,
    pub user: String,
    profile: String,
    lab: Lab,
}

impl Inner {
    pub fn raise() -> Result<Self, LabError> {
        let scenario = "name = 'member'\nsite = []\n[internet]\nprefix = '192.0.2.0/24'\ncenter = '192.0.2.1'";
        let mut lab = Lab::up(&Scenario::parse(scenario).unwrap(), &|_| {})?;
        for (name, address) in [("vpn", SERVER), ("pc", CLIENT), ("web", ELSEWHERE)] {
            lab.add_internet_host(name, address)?;
        }
        lab.add_namespace("vpn-red")?;
        lab.netns("vpn-red")?.ip(&[format!("addr add {LOGIN}/32 dev lo")])?;
        let web = lab.serve_https("web", 80, None)?;
        let server = lab.strongswan("vpn", false)?;
        // The tunnel's device to red, a decoy in black: no path in clear between the Internet and the door inside.
        lab.netns("vpn")?.ip(&[
            "link set ipsec0 netns sk-vpn-red".into(),
            "tuntap add dev ipsec0 mode tun".into(),
            "link set ipsec0 up".into(),
        ])?;
        lab.netns("vpn-red")?
            .ip(&["link set ipsec0 mtu 1400 up".into(), "route replace 10.99.0.0/16 dev ipsec0".into()])?;
        let client = lab.strongswan("pc", true)?;

        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - 3600;
        let home = lab.scratch().join("center");
        fs::create_dir_all(&home).unwrap();
        let mut authority = Authority::new(&lab.scratch().join("authority"), now).unwrap();
        let machine = authority.issue_device("aoba", "pc1").unwrap();
        write_center(&home, &mut authority, &server.vici_socket());
        let runtime = Runtime::new().unwrap();
        let (token, user, vpn_id) = runtime.block_on(approved(&home));
        let mut world = Self {
            _web: web,
            center: None,
            server,
            client,
            machine,
            runtime,
            token,
            vpn_id,
            user,
            profile: String::new(),
            lab,
        };
        world.start()?;
        Ok(world)
    }

    /// The center, in red: it has no way to the Internet but strongSwan's.
    fn start(&mut self) -> Result<(), LabError> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho-center"));
        command.arg("--config").arg(self.lab.scratch().join("center/center.toml"));
        command.env("SEKISHO_LOG", "info,remote_access=debug");
        self.center = Some(self.lab.spawn_in("vpn-red", command)?);
        let socket = self.lab.scratch().join("center/center.sock");
        self.until("the center is up", |_| std::os::unix::net::UnixStream::connect(&socket).is_ok());
        Ok(())
    }

    /// `kill -9`, and its return.
    pub fn center_dies(&mut self) -> Result<(), LabError> {
        self.center.take().unwrap().kill9();
        self.start()
    }

    /// A page of the public door, as whoever settles sees it; with a form it is sent.
    pub fn public(&self, path: &str, form: Option<&str>) -> Result<String, LabError> {
        let url = format!("https://join.center.test:8443{path}");
        let cookie = format!("__Host-joining={}", self.token);
        self.curl("vpn-red", &url, Some(&cookie), form, PATIENCE).map(|found| found.unwrap_or_default())
    }

    /// A page of the operators'.
    pub fn operators(&self, path: &str, form: Option<&str>) -> Result<String, LabError> {
        let url = format!("https://login.center.test:7447{path}");
        self.curl("vpn-red", &url, None, form, PATIENCE).map(|found| found.unwrap_or_default())
    }

    /// A page of the door inside, from the client; none if it does not come.
    pub fn inside(&self, path: &str, form: Option<&str>) -> Result<Option<String>, LabError> {
        self.curl("pc", &format!("https://login.center.test{path}"), None, form, ANSWER)
    }

    /// Does the door inside answer soon?
    pub fn login_answers(&self, from: &str) -> Result<bool, LabError> {
        let page = self.curl(from, "https://login.center.test/login", None, None, SILENCE * 3)?;
        Ok(page.is_some_and(|page| page.contains("id=\"login\"")))
    }

    fn curl(
        &self,
        from: &str,
        url: &str,
        cookie: Option<&str>,
        form: Option<&str>,
        patience: Duration,
    ) -> Result<Option<String>, LabError> {
        let mut command = Command::new("curl");
        command.args(["--silent", "--max-time", &patience.as_secs_f32().to_string(), "--cacert"]);
        command.arg(self.lab.scratch().join("center/center-ca.pem"));
        command.args(["--resolve", &format!("login.center.test:443:{LOGIN}")]);
        command.args(["--resolve", "join.center.test:8443:127.0.0.1", "--resolve", "login.center.test:7447:127.0.0.1"]);
        if url.contains(":7447/") {
            let home = self.lab.scratch().join("center");
            command.arg("--cert").arg(home.join("operator.pem")).arg("--key").arg(home.join("operator.key"));
        }
        command.args(["--header", "Accept-Language: en"]);
        if let Some(cookie) = cookie {
            command.args(["--cookie", cookie]);
        }
        if let Some(form) = form {
            let host: String = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            command.args(["--header", &format!("Origin: {host}"), "--data", form]);
        }
        command.arg(url);
        let done = self.lab.run_in(from, command, patience + Duration::from_secs(10))?;
        Ok(done.success().then_some(done.stdout))
    }

    /// How often the record of the running center has this.
    pub fn recorded(&self, what: &str) -> usize {
        let mut command = Command::new("curl");
        command.args(["--silent", "--max-time", "30", "--unix-socket"]);
        command.arg(self.lab.scratch().join("center/center.sock")).arg("http://localhost/v1/log?limit=1000");
        self.lab.run_in("vpn-red", command, PATIENCE).map_or(0, |done| done.stdout.matches(what).count())
    }

    /// What another host of the Internet answers the client.
    pub fn elsewhere(&self) -> Result<Answer, LabError> {
        Ok(self.lab.probe_all(&[Probe::tcp("sk-pc", ELSEWHERE, 80).within(SILENCE)])?[0])
    }

    /// Does any other door of the center answer a member inside?
    pub fn other_doors(&self) -> Result<bool, LabError> {
        let probes = [22, 80, 7443, 8443].map(|port| Probe::tcp("sk-pc", LOGIN, port).within(SILENCE));
        Ok(self.lab.probe_all(&probes)?.contains(&Answer::Answered))
    }

    /// Files where the manual says.
    pub fn set_client_up(&mut self, profile: &str, server_ca: &str) {
        let folder = self.client.directory();
        for part in ["x509", "x509ca", "private"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        fs::write(folder.join("x509/sekisho-machine.crt"), &self.machine.cert_pem).unwrap();
        fs::write(folder.join("private/sekisho-machine.key"), &self.machine.key_pem).unwrap();
        fs::write(folder.join("x509ca/sekisho-server-ca.crt"), server_ca).unwrap();
        profile.clone_into(&mut self.profile);
    }

    /// Connects with a VPN password.
    pub fn connect(&self, password: &str) -> Result<(), LabError> {
        self.disconnect();
        let conf = self.profile.replace("PUT-YOUR-VPN-PASSWORD-HERE", password);
        fs::write(self.client.directory().join("swanctl.conf"), conf).unwrap();
        self.client.swanctl(&["--load-all", "--noprompt", "--clear"])?;
        self.client.swanctl(&["--initiate", "--child", "sekisho", "--timeout", "25"]).map(drop)
    }

    pub fn disconnect(&self) {
        // Nothing to end is fine.
        let _ = self.client.swanctl(&["--terminate", "--ike", "sekisho", "--force", "--timeout", "5"]);
    }

    /// The client's line, by its number; none if there is none.
    pub fn line(&self) -> Option<String> {
        let listed = self.client.swanctl(&["--list-sas"]).unwrap();
        let line = listed.lines().find(|line| line.starts_with("sekisho: #") && line.contains("ESTABLISHED"))?;
        Some(line.split(',').next().unwrap_or_default().to_owned())
    }

    /// Ends the center, and reads what it put on record.
    pub fn stop_and_read(&mut self) -> Vec<Event> {
        assert!(self.center.take().unwrap().stop(PATIENCE).unwrap().success());
        let url = format!("sqlite://{}", self.lab.scratch().join("center/data/registry.db").display());
        self.runtime.block_on(async {
            let registry = Registry::open(&url).await.unwrap();
            registry.verify_log(None).await.unwrap();
            registry.audit_last(500).await.unwrap().into_iter().map(|entry| entry.event).collect()
        })
    }

    pub fn until(&self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done(self) {
            let log = || {
                let center = self.center.as_ref().map(|c| c.log_tail(30)).unwrap_or_default();
                let (server, client) = (self.server.log_tail(30), self.client.log_tail(20));
                format!("--- center\n{center}\n--- server\n{server}\n--- client\n{client}")
            };
            assert!(Instant::now() < end, "waited in vain: {what}\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn write_center(home: &Path, authority: &mut Authority, vici: &Path) {
    for (folder, kind) in [
        ("hpki", CaKind::HpkiRoot),
        ("hpki", CaKind::HpkiAuthentication),
        ("gate", CaKind::Gate),
        ("device", CaKind::Device),
        ("institution", CaKind::Institution),
        ("operator", CaKind::Operator),
    ] {
        let folder = home.join("trust").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(authority.ca_pem_path(kind), folder.join(format!("{}.pem", kind.name()))).unwrap();
        fs::write(folder.join(format!("{}.crl", kind.name())), authority.crl_der(kind).unwrap()).unwrap();
    }
    let center = authority.issue_center("center", &["login.center.test", "join.center.test"], &[]).unwrap();
    let vpn = authority.issue_center("vpn", &["vpn.center.test"], &[]).unwrap();
    let operator = authority.issue_operator("tanaka").unwrap();
    for (name, text) in [
        ("operator.pem", &operator.chain_pem),
        ("operator.key", &operator.key_pem),
        ("cert.pem", &center.chain_pem),
        ("key.pem", &center.key_pem),
        ("order.key.pem", &center.key_pem),
        ("vpn.pem", &vpn.chain_pem),
        ("vpn.key", &vpn.key_pem),
    ] {
        fs::write(home.join(name), text).unwrap();
    }
    fs::copy(authority.ca_pem_path(CaKind::Center), home.join("center-ca.pem")).unwrap();
    fs::write(home.join("seal.key"), "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").unwrap();
    let text = format!(
        "data = 'data'\n[trust]\ndir = 'trust'\n[gates]\nlisten = '127.0.0.1:7443'\n[operator]\nsocket = 'center.sock'\n\
         pages = '127.0.0.1:7447'\n\
         [certificates]\nchain = 'cert.pem'\nkey = 'key.pem'\n\
         [joining]\ncontact = '03-0000-0000'\nseal = 'seal.key'\ngenerous = 100\n\
         [joining.public]\nlisten = '127.0.0.1:8443'\nurl = 'https://join.center.test:8443'\n\
         [joining.inside]\nlisten = '{LOGIN}:443'\nurl = 'https://login.center.test'\n\
         [joining.vpn]\nvici = '{}'\nname = 'vpn.center.test'\naddress = '{SERVER}'\ncertificate = 'vpn.pem'\nkey = 'vpn.key'\n\
         server-ca = 'center-ca.pem'\npool = '10.99.0.0/17'\n",
        vici.display()
    );
    fs::write(home.join("center.toml"), text).unwrap();
}

/// An institution's manager who has just changed the initial password: token of the session, user ID, VPN-ID.
async fn approved(home: &Path) -> (String, String, String) {
    fs::create_dir_all(home.join("data")).unwrap();
    let url = format!("sqlite://{}", home.join("data/registry.db").display());
    let registry = Registry::open(&url).await.unwrap();
    let mut settings = Settings::new("https://join.center.test:8443", "https://login.center.test", "03-0000-0000");
    settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
    let joining = Joining::new(registry.clone(), settings, Arc::new(RealWorld));
    let operator = Operator::new("ito");
    joining.put_institutions(&operator, directory::institutions(5, 1)).await.unwrap();
    let Newcomer { user, vpn, initial } = members::approved(&joining, &operator, MAIL, InstitutionId(1)).await;
    let settled = members::settled(&joining, user, &initial, OWN).await;
    registry.close().await.unwrap();
    (settled.token.reveal().to_owned(), user.to_string(), vpn.to_string())
}
