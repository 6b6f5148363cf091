//! A VPN server split in two (black has the Internet, red the login page), a client, and another host of the Internet.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use authority::{Authority, CaKind, Issued, RevocationReason};
use lab::{Answer, HttpsIdentity, HttpsTarget, Lab, LabError, Probe, Scenario, Server, StrongSwan};
use remote_access::{
    Account, Accounts, Config, Event, Machines, NtHash, RemoteAccess, Session, Standing, VpnId, profiles, serve,
};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// Generous: whatever is waited for happens at once on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// For probes that must stay without an answer.
pub const SILENCE: Duration = Duration::from_millis(700);
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);
pub const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
pub const LOGIN: Ipv4Addr = Ipv4Addr::new(10, 250, 0, 1);
pub const PASSWORD: &str = "kX7-pQ2m-Zt9w";

/// Fields are dropped in this order: servers want their namespace, which goes with the lab.
pub struct World {
    _servers: Vec<Server>,
    runtime: Runtime,
    server: StrongSwan,
    pub client: StrongSwan,
    pub authority: Authority,
    pub foreign: Authority,
    /// A machine's certificate that was revoked before everything began.
    pub revoked: Issued,
    pub config: Config,
    pub accounts: watch::Sender<Arc<Accounts>>,
    pub vpn: RemoteAccess,
    events: Arc<Mutex<Vec<Event>>>,
    login: HttpsTarget,
    pub lab: Lab,
}

impl World {
    pub fn raise(unchecked: bool) -> Result<Self, LabError> {
        let scenario = "name = 'clients'\nsite = []\n[internet]\nprefix = '192.0.2.0/24'\ncenter = '192.0.2.1'";
        let mut lab = Lab::up(&Scenario::parse(scenario).unwrap(), &|_| {})?;
        for (name, address) in [("vpn", SERVER), ("pc", CLIENT), ("web", ELSEWHERE)] {
            lab.add_internet_host(name, address)?;
        }
        lab.add_namespace("vpn-red")?;
        lab.netns("vpn-red")?.ip(&[format!("addr add {LOGIN}/32 dev lo")])?;

        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - 3600;
        let mut authority = Authority::new(&lab.scratch().join("authority"), now).unwrap();
        let revoked = authority.issue_device("aoba", "pc2").unwrap();
        revoke(&mut authority, &revoked);
        let foreign = Authority::new(&lab.scratch().join("foreign"), now).unwrap();
        let identity = authority.issue_center("vpn", &["vpn.center.test"], &[]).unwrap();
        let page = authority.issue_center("login", &["login.center.test"], &[]).unwrap();
        let ca = fs::read_to_string(authority.ca_pem_path(CaKind::Center)).unwrap();
        let https = HttpsIdentity { cert_pem: page.cert_pem, key_pem: page.key_pem };
        let servers = vec![lab.serve_https("vpn-red", 443, Some(&https))?, lab.serve_https("web", 80, None)?];
        let login = HttpsTarget { address: LOGIN.into(), port: 443, tls: Some(("login.center.test".into(), ca)) };

        let server = lab.strongswan("vpn", false)?;
        split(&lab)?;
        let config = config(&authority, &identity, &server.vici_socket(), unchecked);
        let client = lab.strongswan("pc", true)?;
        let runtime = Runtime::new().unwrap();
        let (accounts, told) = watch::channel(Arc::default());
        let (tell, mut hear) = mpsc::channel(256);
        let (vpn, work) = serve(config.clone(), told, tell).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&events);
        runtime.spawn(work);
        runtime.spawn(async move {
            while let Some(event) = hear.recv().await {
                heard.lock().unwrap().push(event);
            }
        });
        let world = Self {
            _servers: servers,
            runtime,
            server,
            client,
            authority,
            foreign,
            revoked,
            config,
            accounts,
            vpn,
            events,
            login,
            lab,
        };
        world.wait("strongSwan has everything", || *world.vpn.ready().borrow());
        Ok(world)
    }

    /// Account V0000001 as given, V0000002 locked, V0000003 closed.
    pub fn account(&self, standing: Standing, password: &str, machines: Machines) {
        let account = |name: &str, standing, machines| Account {
            vpn_id: name.parse().unwrap(),
            nt_hash: nt_hash(password),
            standing,
            institution: "Aoba Clinic".into(),
            machines,
        };
        let all = [
            account("V0000001", standing, machines),
            account("V0000002", Standing::Locked, Machines::Any),
            account("V0000003", Standing::Closed, Machines::Any),
        ];
        self.accounts.send_replace(Arc::new(all.into_iter().collect()));
    }

    /// Account V0000001 open, and strongSwan told so.
    pub fn open(&self) -> Result<(), LabError> {
        self.account(Standing::Closed, PASSWORD, Machines::Any);
        self.told("vpn-V0000001", false)?;
        self.account(Standing::Open, PASSWORD, Machines::Any);
        self.told("vpn-V0000001", true)
    }

    /// Waits until strongSwan has (or no longer has) a secret.
    pub fn told(&self, secret: &str, there: bool) -> Result<(), LabError> {
        let shared = || secrets(&self.server.vici_socket());
        self.wait(secret, || shared().contains(&secret.to_owned()) == there);
        Ok(())
    }

    /// Connects as the profile says; strongSwan's words if it could not.
    pub fn connect(&self, vpn_id: &str, password: &str, machine: Option<&Issued>) -> Result<(), String> {
        self.disconnect();
        let folder = self.client.directory();
        let vpn_id: VpnId = vpn_id.parse().unwrap();
        let server_ca = fs::read_to_string(&self.config.server_ca).unwrap();
        let client = profiles::Client { config: &self.config, server_ca: &server_ca, vpn_id: &vpn_id };
        let files = profiles::Profile::StrongSwan.files(&client);
        let mut conf = files[0].contents.replace("PUT-YOUR-VPN-PASSWORD-HERE", password);
        for part in ["x509", "x509ca", "private"] {
            let _ = fs::remove_dir_all(folder.join(part));
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        match machine {
            Some(issued) => {
                fs::write(folder.join("x509/sekisho-machine.crt"), &issued.cert_pem).unwrap();
                fs::write(folder.join("private/sekisho-machine.key"), &issued.key_pem).unwrap();
            }
            None => {
                let (from, to) = (conf.find("local-1").unwrap(), conf.find("local-2").unwrap());
                conf.replace_range(from..to, "");
            }
        }
        fs::write(folder.join("x509ca/sekisho-server-ca.crt"), &files[2].contents).unwrap();
        fs::write(folder.join("swanctl.conf"), conf).unwrap();
        let said = |e: LabError| e.to_string();
        self.client.swanctl(&["--load-all", "--noprompt", "--clear"]).map_err(said)?;
        self.client.swanctl(&["--initiate", "--child", "sekisho", "--timeout", "25"]).map_err(said)?;
        Ok(())
    }

    pub fn disconnect(&self) {
        // Nothing to end is fine.
        let _ = self.client.swanctl(&["--terminate", "--ike", "sekisho", "--force", "--timeout", "5"]);
    }

    /// The login page, as the client sees it.
    pub fn login_page(&self) -> Result<String, LabError> {
        self.login.get(self.lab.netns("pc")?, "/", Duration::from_secs(20))
    }

    /// The same, where no answer is expected.
    pub fn no_login_page(&self, from: &str) -> Result<(), LabError> {
        assert!(!self.answers(from)?, "the login page answers {from}");
        Ok(())
    }

    /// Does the login page answer soon?
    pub fn answers(&self, from: &str) -> Result<bool, LabError> {
        Ok(self.login.get(self.lab.netns(from)?, "/", SILENCE).is_ok())
    }

    /// What another host of the Internet answers the client.
    pub fn elsewhere(&self) -> Result<Answer, LabError> {
        let probe = Probe::tcp("sk-pc", ELSEWHERE, 80).within(SILENCE);
        Ok(self.lab.probe_all(&[probe])?[0])
    }

    /// The client's filter, as its profile has it.
    pub fn load_filter(&self) -> Result<(), LabError> {
        let vpn_id: VpnId = "V0000001".parse().unwrap();
        let client = profiles::Client { config: &self.config, server_ca: "", vpn_id: &vpn_id };
        let file = self.lab.scratch().join("sekisho-vpn-only.nft");
        fs::write(&file, &profiles::Profile::StrongSwan.files(&client)[1].contents).unwrap();
        let mut nft = std::process::Command::new("nft");
        nft.arg("-f").arg(&file);
        let done = self.lab.run_in("pc", nft, PATIENCE)?;
        assert!(done.success(), "nft: {}", done.stderr);
        Ok(())
    }

    /// The first event from `since` on that is wanted; waits for it. Gives it with the place after it.
    pub fn event<T>(&self, since: usize, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let find = || self.events.lock().unwrap().iter().skip(since).find_map(&wanted);
        self.wait("an event", || find().is_some());
        find().unwrap()
    }

    /// How many events there are.
    pub fn mark(&self) -> usize {
        self.events.lock().unwrap().len()
    }

    pub fn heard(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    pub fn sessions(&self) -> Vec<Session> {
        self.vpn.sessions().to_vec()
    }

    pub fn cut(&self, vpn_id: &str) -> Result<usize, remote_access::CutError> {
        self.runtime.block_on(self.vpn.cut(vpn_id))
    }

    /// Revokes a machine's certificate and publishes the list.
    pub fn revoke(&mut self, issued: &Issued) {
        revoke(&mut self.authority, issued);
    }

    /// `kill -9` of the server's strongSwan, and its return.
    pub fn server_dies(&mut self) -> Result<(), LabError> {
        self.server.kill9();
        self.wait("the end is seen", || !*self.vpn.ready().borrow());
        // With the decoy still there strongSwan would name its device ipsec1.
        self.lab.netns("vpn")?.ip(&["link del ipsec0".into()])?;
        self.server.again()?;
        split(&self.lab)?;
        self.wait("strongSwan has everything again", || *self.vpn.ready().borrow());
        Ok(())
    }

    pub fn wait(&self, what: &str, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done() {
            let log = || {
                let (server, client) = (self.server.log_tail(40), self.client.log_tail(30));
                format!("{:#?}\n--- server\n{server}\n--- client\n{client}", self.heard())
            };
            assert!(Instant::now() < end, "waited in vain: {what}\n{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The tunnel device to red, a decoy in black: no path in clear between the Internet and the login page.
fn split(lab: &Lab) -> Result<(), LabError> {
    lab.netns("vpn")?.ip(&[
        "link set ipsec0 netns sk-vpn-red".into(),
        "tuntap add dev ipsec0 mode tun".into(),
        "link set ipsec0 up".into(),
    ])?;
    lab.netns("vpn-red")?.ip(&["link set ipsec0 mtu 1400 up".into(), "route replace 10.99.0.0/16 dev ipsec0".into()])
}

fn config(authority: &Authority, identity: &Issued, vici: &Path, unchecked: bool) -> Config {
    Config {
        vici: vici.to_owned(),
        name: "vpn.center.test".into(),
        address: Some(SERVER.to_string()),
        certificate: file(&identity.folder, "chain.pem"),
        key: file(&identity.folder, "key.pem"),
        server_ca: authority.ca_pem_path(CaKind::Center),
        machine_ca: vec![authority.ca_pem_path(CaKind::Device)],
        machine_crl: vec![authority.crl_path(CaKind::Device)],
        pool: "10.99.0.0/17".parse().unwrap(),
        pool_unchecked: unchecked.then(|| "10.99.128.0/17".parse().unwrap()),
        dns: vec![],
        login: "https://login.center.test/".into(),
        inside: LOGIN,
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

fn revoke(authority: &mut Authority, issued: &Issued) {
    authority.revoke_issued(issued, RevocationReason::KeyCompromise).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    authority.write_crl(CaKind::Device, now - 60, now + 86_400).unwrap();
}

/// RFC 2759 §8.3.
fn nt_hash(password: &str) -> NtHash {
    use md4::{Digest, Md4};
    let utf16: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
    NtHash::from_bytes(Md4::digest(&utf16).into())
}

/// Names of the secrets a strongSwan has.
fn secrets(socket: &Path) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Keys {
        #[serde(default)]
        keys: Vec<String>,
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Ok(mut client) = rsvici::unix::connect(socket).await else { return vec![] };
        client.request::<(), Keys>("get-shared", ()).await.map(|all| all.keys).unwrap_or_default()
    })
}
