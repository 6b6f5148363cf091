//! A whole small network, raised and taken down.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use authority::{Authority, AuthorityError, CaKind, Issued, RevocationReason};
use lab::{HttpsIdentity, HttpsTarget, Lab, LabError, Proc, SecureElement, Server, SwitchTls};
use texts::Lang;

use crate::command::{self, Answered};
use crate::configuration;
use crate::documents::{self, DocumentFiles, Signer};
use crate::people::{Cards, Person};
use crate::set::Set;

mod element;
mod flood;
mod pair;
pub use flood::{FLOOD_PER_SECOND, Flooded};
pub use pair::{Failover, Watched};

const UP: Duration = Duration::from_secs(30);
const HOUR: i64 = 3600;

/// Why the stage could not be raised or used. None of these is a check that failed.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The test authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The browser.
    #[error(transparent)]
    Browser(#[from] browser::BrowserError),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The product did not do what it must before a story can begin.
    #[error("{0}")]
    Product(String),
}

impl StageError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

/// Three sites, a center, a gate each, cards, documents applied.
pub struct Stage {
    // Dropped in this order: the product first, then the servers, then the network under them.
    center: Option<Proc>,
    gates: BTreeMap<String, Proc>,
    elements: BTreeMap<String, SecureElement>,
    servers: Vec<Server>,
    cards: Cards,
    authority: Authority,
    issued_gates: BTreeMap<String, Issued>,
    documents: DocumentFiles,
    record_server: Option<HttpsTarget>,
    site_ids: Vec<String>,
    dir: PathBuf,
    binaries: PathBuf,
    lang: Lang,
    lab: Lab,
}

impl Stage {
    /// Raises everything and applies the documents. [`lab::enter`] must have been called.
    pub fn raise(lang: Lang, progress: &(dyn Fn(&str) + Sync)) -> Result<Self, StageError> {
        Self::raise_lingering(lang, 0, progress)
    }

    /// The same with gates that keep an IKE SA without children for so many milliseconds.
    pub fn raise_lingering(lang: Lang, linger_ms: u32, progress: &(dyn Fn(&str) + Sync)) -> Result<Self, StageError> {
        Self::raise_set(lang, linger_ms, Set::story(), progress)
    }

    /// Raises any network and applies its documents. Every host with `terminal = true` gets its papers; a host that
    /// serves HTTPS does so with the certificate of the record server.
    pub fn raise_set(
        lang: Lang,
        linger_ms: u32,
        set: Set,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, StageError> {
        let binaries = binaries()?;
        let scenario = &set.scenario;
        progress("demo-raise-network");
        let lab = Lab::up(scenario, &|_| {})?;
        let dir = lab.scratch().join("product");
        fs::create_dir_all(&dir).map_err(StageError::file(&dir))?;

        progress("demo-raise-papers");
        let now = seconds();
        let mut authority = Authority::new(&dir.join("authority"), now - HOUR)?;
        let mut forger = Authority::new(&dir.join("forger"), now - HOUR)?;
        let cards = Cards::issue(&dir.join("cards"), &mut authority, &mut forger, &set.cards)?;
        let mut issued_gates = BTreeMap::new();
        let site_ids: Vec<String> = scenario.sites.iter().map(|s| s.id.clone()).collect();
        for site in &site_ids {
            let gate = authority.issue_gate(site)?;
            configuration::write_gate(&dir, &lab, &authority, &gate, site, linger_ms)?;
            issued_gates.insert(site.clone(), gate);
        }
        configuration::write_center(&dir, &lab, &mut authority)?;
        for site in &scenario.sites {
            for host in site.hosts.iter().filter(|h| h.terminal) {
                configuration::write_terminal(&dir, &lab, &mut authority, &site.id, &host.id)?;
            }
        }
        let signers: BTreeMap<&str, Signer> = set
            .institutions()
            .into_iter()
            .map(|id| Ok((id, configuration::write_signer(&dir, &mut authority, id)?)))
            .collect::<Result<_, StageError>>()?;
        let signer = |id: &str| {
            let found = &signers[id];
            Signer { certificate: found.certificate.clone(), key: found.key.clone() }
        };
        let documents = documents::write(&dir.join("documents"), &binaries.join("sekisho"), &set, &signer)?;
        let has_records = scenario.site("hospital").is_some_and(|s| s.host("record-server").is_some());
        let (record_identity, record_server) =
            if has_records { record_server(&lab).map(|(i, t)| (Some(i), Some(t)))? } else { (None, None) };
        let mut servers = Vec::new();
        for site in &scenario.sites {
            for host in site.hosts.iter().filter(|h| !h.serves.is_empty()) {
                let identity = record_identity.as_ref().filter(|_| host.id == "record-server");
                servers.extend(lab.serve(&site.id, &host.id, identity)?);
            }
        }
        let mut stage = Self {
            center: None,
            gates: BTreeMap::new(),
            elements: BTreeMap::new(),
            servers,
            cards,
            authority,
            issued_gates,
            documents,
            record_server,
            site_ids: site_ids.clone(),
            dir,
            binaries,
            lang,
            lab,
        };
        stage.write_lists(now)?;

        progress("demo-raise-center");
        stage.start_center()?;
        progress("demo-raise-gates");
        stage.plug_switches()?;
        for site in &site_ids {
            stage.start_gate(site)?;
        }
        stage.settle()?;
        progress("demo-raise-documents");
        let files: Vec<String> = stage.documents.all.iter().map(|p| p.display().to_string()).collect();
        let mut arguments = vec!["--json", "apply"];
        for file in &files {
            arguments.extend(["-f", file]);
        }
        let applied = stage.operator(&arguments)?;
        if applied.code != 0 {
            return Err(StageError::Product(format!("apply: {}\n{}", applied.seen(), stage.center_log(20))));
        }
        stage.in_force()?;
        Ok(stage)
    }

    /// The network under it.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }
    /// The same, to plug more in.
    pub fn lab_mut(&mut self) -> &mut Lab {
        &mut self.lab
    }
    /// Where its files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// The document that asks for a relay.
    pub fn relay_document(&self) -> PathBuf {
        self.documents.dir.join(documents::RELAYING)
    }
    /// The hospital's record server as a client sees it.
    ///
    /// # Panics
    /// On a stage without one.
    pub fn record_server(&self) -> &HttpsTarget {
        self.record_server.as_ref().expect("the story's hospital has a record server")
    }
    /// Issues and revokes; publish with [`Stage::write_lists`].
    pub fn authority(&mut self) -> &mut Authority {
        &mut self.authority
    }
    /// The folder of the documents.
    pub fn documents(&self) -> &Path {
        &self.documents.dir
    }
    /// One of the product's binaries.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }
    /// Certificate of an authority.
    pub fn ca(&self, kind: CaKind) -> PathBuf {
        self.authority.ca_pem_path(kind)
    }
    pub(crate) fn record_server_if_any(&self) -> Option<&HttpsTarget> {
        self.record_server.as_ref()
    }
    /// Certificate of the gates' authority.
    pub fn gate_ca(&self) -> PathBuf {
        self.authority.ca_pem_path(CaKind::Gate)
    }
    /// A terminal's configuration file.
    pub fn terminal_config(&self, at: &str) -> PathBuf {
        configuration::terminal_config(&self.dir, at)
    }
    /// The cards.
    pub fn cards(&self) -> &Cards {
        &self.cards
    }
    pub(crate) fn pin_file(&self) -> &Path {
        &self.cards.pin
    }
    pub(crate) fn lang(&self) -> &'static str {
        self.lang.as_str()
    }
    /// Every server's count of arrivals.
    pub fn served(&self) -> u64 {
        self.servers.iter().map(Server::served).sum()
    }

    /// `sekisho …` at a terminal, with somebody's card in its reader.
    pub fn at_terminal(&self, at: &str, person: Person, arguments: &[&str]) -> Result<Answered, StageError> {
        self.at_terminal_as(at, person.label(), arguments)
    }

    /// The same with any card of the set, by its label.
    pub fn at_terminal_as(&self, at: &str, card: &str, arguments: &[&str]) -> Result<Answered, StageError> {
        let config = configuration::terminal_config(&self.dir, at);
        let netns = format!("sk-{}", at.replace('/', "-"));
        let token = self.cards.token_of(card).ok_or_else(|| StageError::Product(format!("no card `{card}`")))?;
        command::run(self, &netns, &config, &[("SOFTHSM2_CONF", token.conf())], arguments)
    }

    /// `sekisho open SERVICE` at a terminal, as JSON.
    pub fn open(&self, at: &str, person: Person, service: &str) -> Result<Answered, StageError> {
        self.open_as(at, person.label(), service)
    }

    /// The same with any card of the set.
    pub fn open_as(&self, at: &str, card: &str, service: &str) -> Result<Answered, StageError> {
        self.at_terminal_as(at, card, &["--json", "open", service, "--pin-fd", "9"])
    }

    /// `sekisho close WHAT` at a terminal, as JSON.
    pub fn close(&self, at: &str, what: &str) -> Result<Answered, StageError> {
        // No card is asked for: any reader does.
        let config = configuration::terminal_config(&self.dir, at);
        command::run(self, &format!("sk-{}", at.replace('/', "-")), &config, &[], &["--json", "close", what])
    }

    /// `sekisho …` at the centre.
    pub fn operator(&self, arguments: &[&str]) -> Result<Answered, StageError> {
        command::run(self, "sk-center", &configuration::operator_config(&self.dir), &[], arguments)
    }

    /// `sekisho --json status --watch` at the centre: a line in its log for each change, until it is dropped.
    pub fn watch(&self) -> Result<Proc, StageError> {
        let arguments = ["--json", "status", "--watch"];
        let command = command::typed(self, &configuration::operator_config(&self.dir), &arguments);
        Ok(self.lab.spawn_in("sk-center", command)?)
    }

    /// Starts the center and waits for its socket to answer.
    pub fn start_center(&mut self) -> Result<(), StageError> {
        let mut command = Command::new(self.binary("sekisho-center"));
        command.arg("--config").arg(configuration::center_config(&self.dir));
        self.center = Some(self.lab.spawn_in("sk-center", command)?);
        let answers = until(UP, || self.operator(&["--json", "status"]).is_ok_and(|a| a.code == 0));
        if answers {
            Ok(())
        } else {
            Err(StageError::Product(format!("the center does not answer\n{}", self.center_log(30))))
        }
    }

    /// `kill -9` of the center.
    pub fn kill_center(&mut self) {
        if let Some(mut center) = self.center.take() {
            center.kill9();
        }
    }

    /// Starts a site's gate.
    pub fn start_gate(&mut self, site: &str) -> Result<(), StageError> {
        let mut command = Command::new(self.binary("sekisho-gate"));
        command.arg("--config").arg(configuration::gate_config(&self.dir, site));
        if let Some(element) = self.elements.get(site) {
            command.envs(element.environment().iter().cloned());
        }
        let gate = self.lab.spawn_in(&format!("sk-{site}-black"), command)?;
        self.gates.insert(site.to_owned(), gate);
        Ok(())
    }

    /// `kill -9` of a site's gate.
    pub fn kill_gate(&mut self, site: &str) {
        if let Some(mut gate) = self.gates.remove(site) {
            gate.kill9();
        }
    }

    /// `kill -9` of the center by another thread than the one that holds it.
    pub fn signal_center(&self) -> Result<(), StageError> {
        self.center.as_ref().map_or(Ok(()), kill9)
    }

    /// `kill -9` of a site's gate, likewise.
    pub fn signal_gate(&self, site: &str) -> Result<(), StageError> {
        self.gates.get(site).map_or(Ok(()), kill9)
    }

    /// Last lines of the center's log.
    pub fn center_log(&self, lines: usize) -> String {
        self.center.as_ref().map(|c| c.log_tail(lines)).unwrap_or_default()
    }

    /// Last lines of a gate's log.
    pub fn gate_log(&self, site: &str, lines: usize) -> String {
        self.gates.get(site).map(|g| g.log_tail(lines)).unwrap_or_default()
    }

    /// Waits until every gate is linked.
    pub fn settle(&self) -> Result<(), StageError> {
        let linked = || {
            let status = self.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
            let sites = status["sites"].as_array().cloned().unwrap_or_default();
            // Before documents are applied the center knows no site: then the gates' processes are what can be seen.
            sites
                .iter()
                .all(|s| s["linked"] == true || !self.gates.contains_key(s["site"].as_str().unwrap_or_default()))
        };
        if until(UP, linked) { Ok(()) } else { Err(self.not_settled("the gates are not linked to the center")) }
    }

    /// Waits until every linked gate says that the generation wanted is in force.
    pub fn in_force(&self) -> Result<(), StageError> {
        let mut last = String::new();
        let done = until(UP, || {
            let status = self.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
            last = status["sites"].to_string();
            let sites = status["sites"].as_array().cloned().unwrap_or_default();
            sites.len() == self.site_ids.len()
                && sites.iter().all(|s| s["linked"] == true && s["wanted"] == s["in_force"])
        });
        if done { Ok(()) } else { Err(self.not_settled(&format!("the gates do not converge: {last}"))) }
    }

    fn not_settled(&self, what: &str) -> StageError {
        let logs: Vec<String> =
            self.site_ids.iter().map(|s| format!("--- gate {s}\n{}", self.gate_log(s, 15))).collect();
        StageError::Product(format!("{what}\n--- center\n{}\n{}", self.center_log(15), logs.join("\n")))
    }

    /// Switches speak TLS to their gate, each with its own certificate.
    fn plug_switches(&mut self) -> Result<(), StageError> {
        for site in &self.site_ids {
            let found = self.lab.site(site)?;
            let issued = self.authority.issue_switch(site, found.switch.datapath_id())?;
            let dir = self.dir.join("switch").join(site);
            let tls = SwitchTls {
                key: put(&dir, "key.pem", &issued.key_pem)?,
                cert: put(&dir, "cert.pem", &issued.chain_pem)?,
                ca: self.authority.ca_pem_path(CaKind::Gate),
            };
            found.switch.set_controller("ssl:169.254.77.1:6653", Some(&tls))?;
        }
        self.write_lists(seconds())
    }

    /// Writes fresh revocation lists of every authority to where the center and the gates read them.
    pub fn write_lists(&mut self, now: i64) -> Result<(), StageError> {
        self.write_lists_until(now - HOUR / 2, now + 24 * HOUR)
    }

    /// Writes revocation lists with the given validity.
    fn write_lists_until(&mut self, this_update: i64, next_update: i64) -> Result<(), StageError> {
        self.authority.write_crls(this_update, next_update)?;
        configuration::publish_lists(&self.dir, &self.authority)
    }

    /// Lets the list of the cards' authority be one that ended an hour ago.
    pub fn let_card_list_expire(&mut self) -> Result<(), StageError> {
        let now = seconds();
        self.authority.write_crl(CaKind::HpkiAuthentication, now - 25 * HOUR, now - HOUR)?;
        configuration::publish_lists(&self.dir, &self.authority)
    }

    /// Revokes a card and lets its authority write a new list; nobody sees it before [`Stage::publish_lists`].
    pub fn revoke_card(&mut self, label: &str) -> Result<(), StageError> {
        let issued = self.cards.issued(label).ok_or_else(|| StageError::Product(format!("no card `{label}`")))?.clone();
        self.authority.revoke_issued(&issued, RevocationReason::KeyCompromise)?;
        let now = seconds();
        Ok(self.authority.write_crls(now - HOUR / 2, now + 24 * HOUR)?)
    }

    /// Puts the authorities' lists where the center and the gates read them.
    pub fn publish_lists(&self) -> Result<(), StageError> {
        configuration::publish_lists(&self.dir, &self.authority)
    }

    /// Revokes a site's gate certificate and publishes the list.
    pub fn revoke_gate(&mut self, site: &str) -> Result<(), StageError> {
        let issued = self.issued_gates[site].clone();
        self.authority.revoke_issued(&issued, RevocationReason::KeyCompromise)?;
        self.write_lists(seconds())
    }
}

/// Polls until `done` or the end of time; says which. Never a fixed sleep: a loaded machine only takes longer.
pub fn until(timeout: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + timeout;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Seconds since the epoch.
pub fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

pub(crate) fn put(dir: &Path, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, StageError> {
    fs::create_dir_all(dir).map_err(StageError::file(dir))?;
    let path = dir.join(name);
    fs::write(&path, text).map_err(StageError::file(&path))?;
    Ok(path)
}

fn kill9(process: &Proc) -> Result<(), StageError> {
    let status = Command::new("kill").args(["-9", &process.id().to_string()]).status();
    status.map(drop).map_err(StageError::file("kill"))
}

/// A record server with a certificate of its own, which a client of the story trusts.
fn record_server(lab: &Lab) -> Result<(HttpsIdentity, HttpsTarget), StageError> {
    const NAME: &str = "records.keyaki.test";
    let made = lab::byhand::SelfSigned::create(lab, NAME)?;
    let identity = made.https()?;
    let target = HttpsTarget {
        address: lab.address("hospital", "record-server")?,
        port: 443,
        tls: Some((NAME.to_owned(), identity.cert_pem.clone())),
    };
    Ok((identity, target))
}

/// Where the product's binaries are: beside this program, or one above it if this is a test.
fn binaries() -> Result<PathBuf, StageError> {
    let me = std::env::current_exe().map_err(StageError::file("this program"))?;
    let dir = me.ancestors().skip(1).find(|d| d.join("sekisho-center").exists() && d.join("sekisho-gate").exists());
    dir.map(Path::to_path_buf).ok_or_else(|| {
        StageError::Product("sekisho-center and sekisho-gate are not built; run this through `cargo xtask`".to_owned())
    })
}
