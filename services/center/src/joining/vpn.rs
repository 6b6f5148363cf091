//! `[joining.vpn]`: the client VPN as members use it (R7): who may come in follows the accounts, who came and went is put on
//! record, and its profiles and manuals are handed out (R6).

use audit::Event as Audited;
use files::Fault;
use ipnet::Ipv4Net;
use joining::VpnId;
use model::{LocalizedName, Timestamp};
use portal::joining::{Contents, Download, Later, VpnLine, VpnLines};
use reception::Joining;
use registry::{Commit, Registry};
use remote_access::profiles::{Client, Profile, manual};
use remote_access::{Accounts, Config, Event, RemoteAccess, Session};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};
use texts::{Arg, Lang, Texts};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use crate::fault::{Part, Setting};

/// How often accounts are read without a change of this process: a lock ends by its time, and another replica changes
/// them too.
const LOOK_AT_ACCOUNTS: Duration = Duration::from_secs(10);
/// Changes that come together are read once.
const GATHER: Duration = Duration::from_millis(100);
/// Events that wait for the registry.
const WAITING: usize = 512;
/// Refusals put on record in a minute; whoever knocks without end does not fill the log.
const REFUSALS_A_MINUTE: u32 = 120;

/// `[joining.vpn]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct VpnSide {
    /// VICI socket of the strongSwan that clients connect to.
    pub vici: PathBuf,
    /// Name in the VPN server's certificate (subjectAltName DNS), which clients check.
    pub name: String,
    /// Where clients find it: a DNS name or an address; `name` if absent.
    pub address: Option<String>,
    /// Its certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The CA that issued its certificate, PEM: goes into the profiles.
    pub server_ca: PathBuf,
    /// CAs of machine certificates, PEM; those in the trust folder `device` if absent.
    #[serde(default)]
    pub machine_ca: Vec<PathBuf>,
    /// Their revocation lists; those in the trust folder `device` if absent.
    #[serde(default)]
    pub machine_crl: Vec<PathBuf>,
    /// Addresses for clients whose machine certificate was checked.
    pub pool: Ipv4Net,
    /// Addresses for clients that cannot show one (Windows, Apple, NetworkManager). Absent: not let in.
    pub pool_unchecked: Option<Ipv4Net>,
    /// Name servers for clients.
    #[serde(default)]
    pub dns: Vec<IpAddr>,
}

impl VpnSide {
    /// Relative paths count from the configuration's folder.
    pub(super) fn beside(&mut self, folder: &Path) {
        for path in [&mut self.vici, &mut self.certificate, &mut self.key, &mut self.server_ca] {
            *path = folder.join(&*path);
        }
        for path in self.machine_ca.iter_mut().chain(&mut self.machine_crl) {
            *path = folder.join(&*path);
        }
    }

    /// Addresses of who is in.
    pub(super) fn ranges(&self) -> Vec<Ipv4Net> {
        [Some(self.pool), self.pool_unchecked].into_iter().flatten().collect()
    }

    /// As the room that drives strongSwan takes it. `login` is the entrance inside as browsers call it, and where it
    /// listens.
    fn config(&self, (login, inside): (&str, IpAddr), trust: &Path) -> Result<Config, Fault> {
        let inside = match inside {
            IpAddr::V4(address) if address != Ipv4Addr::UNSPECIFIED => address,
            other => {
                let found = other.to_string();
                return Err(Fault::at("[joining.inside] listen", Setting::InsideAddress { found }));
            }
        };
        let (mut machine_ca, mut machine_crl) = (self.machine_ca.clone(), self.machine_crl.clone());
        if machine_ca.is_empty() {
            machine_ca = named(&trust.join("device"), "pem")?;
        }
        if machine_crl.is_empty() {
            machine_crl = named(&trust.join("device"), "crl")?;
        }
        Ok(Config {
            vici: self.vici.clone(),
            name: self.name.clone(),
            address: self.address.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            server_ca: self.server_ca.clone(),
            machine_ca,
            machine_crl,
            pool: self.pool,
            pool_unchecked: self.pool_unchecked,
            dns: self.dns.clone(),
            login: format!("{}/", login.trim_end_matches('/')),
            inside,
        })
    }
}

/// Files of a folder with this ending.
fn named(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Fault> {
    let entries = std::fs::read_dir(folder).map_err(|e| Fault::io(folder, &e))?;
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == ending));
    found.sort();
    if found.is_empty() {
        return Err(Fault::of(folder, Setting::NothingNamed { ending: ending.to_owned() }));
    }
    Ok(found)
}

/// The VPN as it is told to strongSwan, and to people.
pub(super) struct Vpn {
    config: Config,
    server_ca: String,
}

impl Vpn {
    /// Reads and checks every file it names.
    pub fn read(side: &VpnSide, login: (&str, IpAddr), trust: &Path) -> Result<Self, Fault> {
        let config = side.config(login, trust)?;
        remote_access::Material::read(&config)?;
        let server_ca = String::from_utf8_lossy(&files::read(&side.server_ca)?).into_owned();
        Ok(Self { config, server_ca })
    }

    /// Profiles and manuals, for each kind of client that is let in.
    pub fn downloads(&self) -> Vec<Download> {
        let texts = [Texts::new(Lang::Ja), Texts::new(Lang::En)];
        let say = |key: &str, facts: &dyn Fn(&Texts) -> Vec<(&'static str, Arg)>| {
            let [ja, en] = [0, 1].map(|i| texts[i].say(key, &facts(&texts[i])));
            LocalizedName { ja, en }
        };
        let kind =
            |profile: Profile| move |texts: &Texts| texts.say(&format!("remote-access-kind-{}", profile.name()), &[]);
        let mut all: Vec<Download> = Vec::new();
        for profile in Profile::ALL.into_iter().filter(|p| p.is_offered(&self.config)) {
            // Which files there are does not depend on whose they are.
            let Ok(anybody) = "v".parse() else { continue };
            for file in profile.files(&self.client(&anybody)) {
                // The server's CA is the same for all.
                if all.iter().any(|one| one.name == file.name) {
                    continue;
                }
                let title = say("remote-access-download", &|texts| {
                    vec![("kind", Arg::text(kind(profile)(texts))), ("file", Arg::text(file.name))]
                });
                let (config, server_ca) = (self.config.clone(), self.server_ca.clone());
                let make = move |vpn: &VpnId| {
                    let Ok(vpn_id) = vpn.as_str().parse() else { return Vec::new() };
                    let client = Client { config: &config, server_ca: &server_ca, vpn_id: &vpn_id };
                    let files = profile.files(&client).into_iter();
                    files.filter(|one| one.name == file.name).flat_map(|one| one.contents.into_bytes()).collect()
                };
                let contents = Contents::Profile { kind: file.media_type.to_owned(), make: Arc::new(make) };
                all.push(Download { name: file.name.to_owned(), title, contents });
            }
            let title = say("remote-access-manual", &|texts| vec![("kind", Arg::text(kind(profile)(texts)))]);
            let [ja, en] = [Lang::Ja, Lang::En].map(|lang| manual(profile, lang, &self.config));
            all.push(Download {
                name: format!("manual-{}", profile.name()),
                title,
                contents: Contents::Manual { ja, en },
            });
        }
        all
    }

    fn client<'a>(&'a self, vpn_id: &'a remote_access::VpnId) -> Client<'a> {
        Client { config: &self.config, server_ca: &self.server_ca, vpn_id }
    }

    /// Drives strongSwan until the process ends. Sessions that are there stay: they are strongSwan's.
    pub async fn serve(self, joining: Joining, lines: Arc<Lines>, parts: &mut JoinSet<Part>) -> Result<(), Fault> {
        let registry = joining.registry().clone();
        let mut changes = registry.accounts_changed();
        let vici = self.config.vici.clone();
        let poke = Arc::new(Notify::new());
        let source = move || {
            let joining = joining.clone();
            async move {
                let roll = joining.vpn_roll().await.map_err(|no| format!("{} {no:?}", no.code()))?;
                let all = roll.into_iter().map(|one| (one.vpn.to_string(), one.nt_hash, one.institution));
                Ok::<_, String>(Accounts::listed(all))
            }
        };
        let accounts = remote_access::follow(source, LOOK_AT_ACCOUNTS, Arc::clone(&poke)).await;
        let accounts = accounts.map_err(|said| Fault::at("[joining.vpn]", Setting::Accounts { said }))?;
        let (tell, told) = mpsc::channel(WAITING);
        let (handle, link) = remote_access::serve(self.config, accounts, tell)?;
        tracing::info!(vici = %vici.display(), "the client VPN is driven");
        parts.spawn(async move {
            link.await;
            Part::Vpn
        });
        parts.spawn(async move {
            while changes.changed().await.is_ok() {
                poke.notify_one();
                tokio::time::sleep(GATHER).await;
            }
            Part::Accounts
        });
        parts.spawn(async move {
            // Dropping the last handle would end the link.
            let _ = lines.0.set(handle);
            record(registry, told).await;
            drop(lines);
            Part::VpnRecord
        });
        Ok(())
    }
}

/// Who is in, for operators; empty until strongSwan is driven.
#[derive(Default)]
pub(super) struct Lines(OnceLock<RemoteAccess>);

impl VpnLines for Lines {
    fn lines(&self) -> Option<Vec<VpnLine>> {
        let handle = self.0.get().filter(|handle| *handle.ready().borrow())?;
        Some(handle.sessions().iter().map(line).collect())
    }

    fn cut<'a>(&'a self, vpn: &'a str) -> Later<'a, bool> {
        Box::pin(async move {
            match self.0.get() {
                Some(handle) => handle.cut(vpn).await.is_ok(),
                None => false,
            }
        })
    }
}

fn line(session: &Session) -> VpnLine {
    let since = session.since.duration_since(UNIX_EPOCH).unwrap_or_default();
    VpnLine {
        vpn: session.vpn_id.clone(),
        institution: session.institution.clone().unwrap_or_default(),
        address: session.address.map(|address| address.to_string()).unwrap_or_default(),
        inside: session.inside.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        machine: session.machine.shown(),
        since: Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
    }
}

/// Puts on record who came, who went, and who was refused.
async fn record(registry: Registry, mut told: mpsc::Receiver<Event>) {
    let mut measure = Measure::default();
    while let Some(event) = told.recv().await {
        let now = model_now();
        if matches!(event, Event::Refused(_)) && !measure.takes(now) {
            continue;
        }
        let commit = Commit::at(now).event(audited(&event));
        if let Err(error) = registry.commit(commit).await {
            tracing::error!(%error, "what happened in the client VPN could not be recorded");
        }
    }
}

fn model_now() -> Timestamp {
    connections::Clock::now(&connections::SystemClock)
}

fn audited(event: &Event) -> Audited {
    match event {
        Event::Began(session) => Audited::ClientVpnBegan {
            vpn: session.vpn_id.clone(),
            address: session.address,
            inside: session.inside.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            machine: session.machine.shown(),
        },
        Event::Ended(session, why) => {
            Audited::ClientVpnEnded { vpn: session.vpn_id.clone(), why: why.code().to_owned() }
        }
        Event::Refused(refusal) => Audited::ClientVpnRefused {
            cause: refusal.cause.code().to_owned(),
            vpn: refusal.vpn_id.clone(),
            address: refusal.address,
        },
    }
}

/// So many in a minute; how many were left out is said once the minute is over.
#[derive(Debug, Default)]
struct Measure {
    minute: i64,
    taken: u32,
    left_out: u32,
}

impl Measure {
    fn takes(&mut self, now: Timestamp) -> bool {
        let minute = now.0.div_euclid(60_000);
        if minute != self.minute {
            if self.left_out > 0 {
                tracing::warn!(left_out = self.left_out, "refusals of the client VPN were too many to record");
            }
            *self = Self { minute, taken: 0, left_out: 0 };
        }
        let takes = self.taken < REFUSALS_A_MINUTE;
        if takes {
            self.taken += 1
        } else {
            self.left_out += 1
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side() -> VpnSide {
        toml::from_str(
            "vici = 'charon.vici'\nname = 'vpn.center.example'\ncertificate = 'vpn.crt'\nkey = 'vpn.key'\n\
             server-ca = 'server-ca.crt'\npool = '10.99.0.0/17'\npool-unchecked = '10.99.128.0/17'\n",
        )
        .unwrap()
    }

    #[test]
    fn machines_are_those_of_the_trust_folder_and_the_login_is_the_inner_door_r7() {
        let dir = tempfile::tempdir().unwrap();
        let mut side = side();
        side.beside(Path::new("/etc/sekisho"));
        let login = ("https://inside.example", "10.250.0.1".parse().unwrap());
        let said = side.config(login, dir.path()).unwrap_err().to_string();
        assert!(said.contains("device"), "{said}");
        std::fs::create_dir(dir.path().join("device")).unwrap();
        let said = side.config(login, dir.path()).unwrap_err().to_string();
        assert!(said.contains("machine-ca"), "{said}");
        for name in ["ca.pem", "ca.crl", "note.txt"] {
            std::fs::write(dir.path().join("device").join(name), "").unwrap();
        }
        let config = side.config(login, dir.path()).unwrap();
        assert_eq!(config.machine_ca, [dir.path().join("device/ca.pem")]);
        assert_eq!(config.machine_crl, [dir.path().join("device/ca.crl")]);
        assert_eq!(
            (config.login.as_str(), config.vici),
            ("https://inside.example/", "/etc/sekisho/charon.vici".into())
        );
        for nowhere in ["0.0.0.0", "::1"] {
            let said = side.config((login.0, nowhere.parse().unwrap()), dir.path()).unwrap_err().to_string();
            assert!(said.contains("one IPv4 address"), "{said}");
        }
    }

    #[test]
    fn each_kind_of_client_gets_its_files_for_its_own_vpn_id_r6() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("device")).unwrap();
        for name in ["ca.pem", "ca.crl"] {
            std::fs::write(dir.path().join("device").join(name), "").unwrap();
        }
        let mut side = side();
        let login = ("https://inside.example", "10.250.0.1".parse().unwrap());
        let vpn = |side: &VpnSide| Vpn { config: side.config(login, dir.path()).unwrap(), server_ca: "CA".into() };
        let all = vpn(&side).downloads();
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "sekisho.conf",
                "sekisho-vpn-only.nft",
                "sekisho-server-ca.crt",
                "manual-strongswan",
                "sekisho.nmconnection",
                "manual-networkmanager",
                "sekisho-vpn.ps1",
                "manual-windows",
                "sekisho.mobileconfig",
                "manual-apple"
            ]
        );
        let mine: VpnId = "v23456789b".parse().unwrap();
        for one in &all {
            assert!(!one.title.ja.is_empty() && !one.title.en.is_empty());
            match &one.contents {
                Contents::Profile { make, .. } => {
                    let text = String::from_utf8(make(&mine)).unwrap();
                    assert!(!text.is_empty(), "{}", one.name);
                    let personal = ["sekisho.conf", "sekisho.nmconnection", "sekisho-vpn.ps1", "sekisho.mobileconfig"];
                    assert_eq!(text.contains("v23456789b"), personal.contains(&one.name.as_str()), "{}", one.name);
                }
                Contents::Manual { ja, en } => assert!(ja.contains("<h2>") && en.contains("<h2>") && ja != en),
            }
        }
        side.pool_unchecked = None;
        let few = vpn(&side).downloads();
        assert!(few.iter().all(|one| !one.name.contains("windows") && !one.name.contains("mobileconfig")));
    }

    #[test]
    fn who_knocks_without_end_does_not_fill_the_record() {
        let mut measure = Measure::default();
        let taken = (0..1_000).filter(|_| measure.takes(Timestamp(120_000))).count();
        assert_eq!(taken, REFUSALS_A_MINUTE as usize);
        assert!(measure.takes(Timestamp(180_000)), "a new minute");
    }
}
