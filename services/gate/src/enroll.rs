//! A new gate becomes one (G1, N10): the key is made here, the certificate and every other paper come from the center,
//! and what is left is to start it. Later the same way keeps certificate and lists fresh.

use enrolment::{Client, Failure, Fetched, Key, OneTimeToken, ServerTrust, keep};
use files::Fault;
use keys::KeyFault;
use model::{Section, SiteId, Timestamp};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use texts::Words;
use wire::enrolment::GatePapers;

use crate::config::Config;
use crate::element::Element;
use crate::trust::{Trust, TrustError};
use crate::{fault, first_tier, report};

const PAPERS: &str = "/.well-known/sekisho/gate";
/// Kinds of certificates a gate judges, by the names the center gives them.
const TRUSTED: [&str; 3] = ["center", "gate", "switch"];
/// A configuration that begins with this is ours to write again; without it, it is a person's.
const OURS: &str = "# Written by sekisho-gate. Take this line away to keep changes of your own.";

/// Why a gate is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The text is no token, or not a gate's.
    #[error(transparent)]
    Token(Box<fault::Fault>),
    /// The center was not reached, or refused.
    #[error(transparent)]
    Fetch(#[from] Failure),
    /// The center's papers do not fit.
    #[error(transparent)]
    Papers(Box<fault::Fault>),
    /// The configuration as it now is, or another file.
    #[error(transparent)]
    File(#[from] Fault),
    /// The certificates as they now are.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl EnrollError {
    pub(crate) fn token(fault: fault::Fault) -> Self {
        Self::Token(Box::new(fault))
    }

    pub(crate) fn papers(fault: fault::Fault) -> Self {
        Self::Papers(Box::new(fault))
    }

    /// The words of it.
    pub fn words(&self) -> Words {
        match self {
            Self::Token(fault) | Self::Papers(fault) => fault.words(),
            Self::Fetch(failure) => failure.words(),
            Self::File(fault) => fault.words().clone(),
            Self::Trust(error) => error.words(),
        }
    }

    /// Whose section it lies in, and the key of who answers there (N12).
    pub fn side(&self) -> (Section, &'static str) {
        match self {
            Self::Fetch(Failure::Unreachable { .. } | Failure::Silent { .. }) => {
                (Section::AccessLine, "startup-side-line")
            }
            Self::Papers(_) | Self::Fetch(Failure::Refused { .. } | Failure::Nonsense { .. }) => {
                (Section::Operator, "startup-side-network")
            }
            Self::Trust(TrustError::NotAGate { .. }) => (Section::Operator, "startup-side-authority"),
            _ => (Section::InHouseLan, "startup-side-gate"),
        }
    }
}

impl From<KeyFault> for EnrollError {
    fn from(fault: KeyFault) -> Self {
        Self::Fetch(fault.into())
    }
}

/// How this machine is laid out; the defaults are those of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Folder for `gate-<site>.toml`, and the papers in `gate-<site>` beside it.
    pub folder: PathBuf,
    /// Folder for the gate's state; `/var/lib/sekisho-gate-<site>` if absent.
    pub data: Option<PathBuf>,
    /// The red network namespace; `/run/netns/sk-<site>-red` if absent.
    pub red: Option<PathBuf>,
    /// Where the switch dials in, in red.
    pub openflow: SocketAddr,
    /// strongSwan's VICI socket; `/run/sekisho-charon-<site>/charon.vici` if absent.
    pub vici: Option<PathBuf>,
    /// The secure element that the key is made in; a file of the papers if absent. What was chosen once stays.
    pub element: Option<Element>,
}

impl Layout {
    fn papers(&self, site: &str) -> PathBuf {
        self.folder.join(format!("gate-{site}"))
    }

    fn config(&self, site: &str) -> PathBuf {
        self.folder.join(format!("gate-{site}.toml"))
    }

    /// The gate's key; made if there is none.
    fn key(&self, site: &str) -> Result<Key, KeyFault> {
        match &self.element {
            Some(element) => Key::open_or_make(&element.place()?),
            None => Key::in_file(&self.papers(site).join("gate.key.pem")),
        }
    }
}

/// Keeps a certificate in its file, and beside its key if that is in an element (G1).
pub(crate) fn put(path: &Path, key: &Key, fetched: &Fetched) -> Result<(), EnrollError> {
    let leaf = fetched.chain.first().map(|der| pki::Certificate::parse(der));
    if let (Some(token), Some(Ok(leaf))) = (key.token(), leaf) {
        token.put_certificate(leaf.der(), leaf.subject().der()).map_err(KeyFault::from)?;
    }
    Ok(keep(path, &fetched.pem(), 0o644)?)
}

/// A gate that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Its site.
    pub site: SiteId,
    /// Its configuration.
    pub config: PathBuf,
    /// End of its certificate's validity, seconds since 1970.
    pub not_after: i64,
    /// The certificate was fetched now, not only looked at.
    pub fetched: bool,
}

/// Makes the key, fetches certificate and papers with a one-time token, and writes the configuration. May be repeated
/// with the same token until it has worked.
///
/// # Errors
/// [`EnrollError`] says whose side it is on.
pub async fn enroll(token: &str, layout: &Layout, now: i64, language: &str) -> Result<Ready, EnrollError> {
    let token = OneTimeToken::read(token).map_err(|_| EnrollError::token(fault::Fault::NotAToken {}))?;
    if token.label != "gate" {
        return Err(EnrollError::token(fault::Fault::OtherToken { label: token.label }));
    }
    // A site's id can stand in a path; anything else could lead elsewhere.
    let site: SiteId =
        token.name.parse().map_err(|_| EnrollError::token(fault::Fault::NoSite { name: token.name.clone() }))?;
    let folder = &layout.papers(site.as_str());
    let key = layout.key(site.as_str())?;
    // A registered device shows its first tier; only on such a one its site's second tier may be given.
    let device = first_tier::shown(layout)?;
    let mut client = Client::reach(&token.url, &ServerTrust::Key(token.server_key), device, language).await?;
    let fetched = client.enroll(&token.label, &token.name, &token.code, &key).await?;
    // The papers bring the CA that the center will be known by from now on.
    let shown = Some((fetched.chain.clone(), key.clone()));
    let mut client = Client::reach(&token.url, &ServerTrust::Key(token.server_key), shown, language).await?;
    let papers = read(&client.get(PAPERS).await?)?;
    if papers.site != site {
        return Err(other_papers(&site, &papers.site));
    }
    write_papers(layout, &papers, &token.url)?;
    // The second tier is not taken from who only claims to be the VPN operator.
    if let Ok(device) = crate::applications::device(&Config::load(&layout.config(site.as_str()))?) {
        let at = Timestamp::from_unix_seconds(now);
        report::provider_stands(&mut client, &folder.join("gate-ca.pem"), &device, at).await?;
    }
    put(&folder.join("gate.pem"), &key, &fetched)?;
    check(layout, &site, now, true)
}

/// Fetches lists and papers again, and a new certificate when two thirds of the present one's time are over.
///
/// # Errors
/// [`EnrollError`]; what is there stays as it is.
pub async fn refresh(site: &SiteId, layout: &Layout, now: i64, language: &str) -> Result<Ready, EnrollError> {
    let folder = &layout.papers(site.as_str());
    let url = files::text(&folder.join("center.url"))?;
    let path = folder.join("gate.pem");
    let chain = certificates(&path)?;
    let leaf = chain.first().and_then(|der| pki::Certificate::parse(der).ok());
    let leaf = leaf.ok_or_else(|| Fault::of(&path, fault::Fault::EnrollAgain {}))?;
    let config = layout.config(site.as_str());
    let element = if config.exists() { Config::load(&config)?.certificates.element } else { None };
    let layout = &Layout { element, ..layout.clone() };
    let asks_for_its_pin = report::asks_for_its_pin(layout);
    let key = layout.key(site.as_str())?;
    let trust = ServerTrust::File(folder.join("center-ca.pem"));
    let mut client = Client::reach(url.trim(), &trust, Some((chain, key.clone())), language).await?;
    let papers = read(&client.get(PAPERS).await?)?;
    if papers.site != *site {
        return Err(other_papers(site, &papers.site));
    }
    // A registered device takes nothing more from who only claims to be its VPN operator. The list first: it grew old here.
    if let Some(list) = papers.lists.get("registration") {
        first_tier::keep_list(layout, list)?;
    }
    let device = Config::load(&config).ok().and_then(|own| crate::applications::device(&own).ok());
    if let Some(device) = device {
        let at = Timestamp::from_unix_seconds(now);
        report::provider_stands(&mut client, &folder.join("gate-ca.pem"), &device, at).await?;
    }
    if now >= due(&leaf) {
        let fetched = client.renew("gate", papers.site.as_str(), &key).await?;
        put(&path, &key, &fetched)?;
    }
    write_papers(layout, &papers, url.trim())?;
    if let Err(error) = first_tier::renew(url.trim(), &trust, layout, now, language).await {
        tracing::warn!(%error, "the device's first-tier certificate was not renewed");
    }
    let ready = check(layout, site, now, now >= due(&leaf))?;
    let (config, at) = (Config::load(&ready.config)?, Timestamp::from_unix_seconds(now));
    if let Err(error) = report::send(url.trim(), &trust, layout, asks_for_its_pin, (&config, at), language).await {
        // Certificates and lists are there; the rows of the table that only the device can answer wait for the next time.
        tracing::warn!(%error, "the device's report was not taken");
    }
    Ok(ready)
}

/// When a certificate is renewed: two thirds of its time are over.
pub(crate) fn due(certificate: &pki::Certificate) -> i64 {
    certificate.not_before() + (certificate.not_after() - certificate.not_before()) / 3 * 2
}

fn read(answer: &[u8]) -> Result<GatePapers, EnrollError> {
    serde_json::from_slice(answer).map_err(|e| EnrollError::papers(fault::Fault::Papers { said: e.to_string() }))
}

fn write_papers(layout: &Layout, papers: &GatePapers, url: &str) -> Result<(), EnrollError> {
    let folder = &layout.papers(papers.site.as_str());
    let of = |all: &std::collections::BTreeMap<String, String>, kind: &str| {
        let lack = || EnrollError::papers(fault::Fault::PapersLack { kind: kind.to_owned() });
        all.get(kind).cloned().ok_or_else(lack)
    };
    for kind in TRUSTED {
        keep(&folder.join(format!("{kind}-ca.pem")), &of(&papers.authorities, kind)?, 0o644)?;
        keep(&folder.join(format!("{kind}.crl.pem")), &of(&papers.lists, kind)?, 0o644)?;
    }
    if let Some(list) = papers.lists.get("registration") {
        first_tier::keep_list(layout, list)?;
    }
    keep(&folder.join("order.pub.pem"), &papers.order_key, 0o644)?;
    keep(&folder.join("center.url"), &format!("{url}\n"), 0o644)?;
    let path = layout.config(papers.site.as_str());
    let theirs = std::fs::read_to_string(&path).is_ok_and(|text| !text.starts_with(OURS));
    if !theirs {
        keep(&path, &configuration(layout, papers), 0o644)?;
    }
    Ok(())
}

/// Everything the gate needs is there and is believed; nothing is started.
fn check(layout: &Layout, site: &SiteId, now: i64, fetched: bool) -> Result<Ready, EnrollError> {
    let path = layout.config(site.as_str());
    let config = Config::load(&path)?;
    Trust::new(&config, now)?;
    crate::trust::order_key(&config.center.order_key)?;
    let chain = certificates(&config.certificates.chain)?;
    let not_after = chain.first().and_then(|der| pki::Certificate::parse(der).ok()).map_or(0, |leaf| leaf.not_after());
    Ok(Ready { site: config.site, config: path, not_after, fetched })
}

fn other_papers(site: &SiteId, found: &SiteId) -> EnrollError {
    EnrollError::papers(fault::Fault::OtherPapers { site: site.to_string(), found: found.to_string() })
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Fault> {
    Ok(files::certificates(path)?.iter().map(|der| der.to_vec()).collect())
}

fn configuration(layout: &Layout, papers: &GatePapers) -> String {
    // A JSON string is a TOML basic string too.
    let text = |value: &dyn std::fmt::Display| serde_json::Value::String(value.to_string()).to_string();
    let path = |value: &Path| text(&value.display());
    let doors = |port: u16| {
        let addresses = papers.gateways.iter().map(|gateway| text(&SocketAddr::new(*gateway, port)));
        addresses.collect::<Vec<_>>().join(", ")
    };
    let site = &papers.site;
    let or = |given: &Option<PathBuf>, usual: String| given.clone().unwrap_or_else(|| usual.into());
    let red = or(&layout.red, format!("/run/netns/sk-{site}-red"));
    let data = or(&layout.data, format!("/var/lib/sekisho-gate-{site}"));
    let vici = or(&layout.vici, format!("/run/sekisho-charon-{site}/charon.vici"));
    // Ids of sites hold nothing that would have to be escaped.
    let paper = |name: &str| format!("\"gate-{site}/{name}\"");
    let mut out = format!("{OURS}\nsite = {}\ndata = {}\n", text(site), path(&data));
    let (center, name) = (text(&papers.center), text(&papers.center_name));
    let (key, element) = match &layout.element {
        None => (format!("key = {}\n", paper("gate.key.pem")), String::new()),
        Some(Element { module, token, key, pin }) => {
            let (module, token, key, pin) = (path(module), text(token), text(key), path(pin));
            let told = format!("module = {module}\ntoken = {token}\nkey = {key}\npin = {pin}");
            (String::new(), format!("\n[certificates.element]\n{told}\n"))
        }
    };
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "\n[namespaces]\nred = {}\n\n[openflow]\nlisten = {}\n\n[terminals]\nlisten = [{}]\nconsole = [{}]\n\
         sign-in = [{}]\n\n[center]\naddress = {center}\nname = {name}\norder-key = {}\n\n\
         [certificates]\nchain = {}\n{key}center-ca = {}\nswitch-ca = {}\ngate-ca = {}\n\
         crls = [{}, {}, {}]\n{element}\n[ike]\nvici = {}\n",
        path(&red),
        text(&layout.openflow),
        doors(7444),
        doors(7445),
        doors(7446),
        paper("order.pub.pem"),
        paper("gate.pem"),
        paper("center-ca.pem"),
        paper("switch-ca.pem"),
        paper("gate-ca.pem"),
        paper("center.crl.pem"),
        paper("gate.crl.pem"),
        paper("switch.crl.pem"),
        path(&vici),
    );
    out += &first_tier::configuration(layout);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_written_configuration_is_one_and_a_persons_own_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout {
            folder: dir.path().to_owned(),
            data: None,
            red: None,
            openflow: "169.254.77.1:6653".parse().unwrap(),
            vici: None,
            element: None,
        };
        let all = |what: &str| TRUSTED.map(|kind| (kind.to_owned(), format!("{what} {kind}\n"))).into();
        let papers = GatePapers {
            site: "clinic".parse().unwrap(),
            center: "192.0.2.2:7443".parse().unwrap(),
            center_name: "main".into(),
            order_key: "key\n".into(),
            authorities: all("ca"),
            lists: all("list"),
            gateways: vec!["10.1.20.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
        };
        write_papers(&layout, &papers, "https://center.example:7448").unwrap();
        let path = dir.path().join("gate-clinic.toml");
        let config = Config::load(&path).unwrap();
        assert_eq!((config.site.as_str(), config.center.name.as_str()), ("clinic", "main"));
        assert_eq!(config.namespaces.red, Path::new("/run/netns/sk-clinic-red"));
        assert_eq!(config.terminals.console[1], "[2001:db8::1]:7445".parse().unwrap());
        assert!(config.certificates.crls.iter().all(|path| path.exists()));

        let element = Element {
            module: "/usr/lib/softhsm/libsofthsm2.so".into(),
            token: "clinic \"one\"".into(),
            key: "gate".into(),
            pin: dir.path().join("pin"),
        };
        let inside = Layout { element: Some(element.clone()), ..layout.clone() };
        write_papers(&inside, &papers, "https://center.example:7448").unwrap();
        let certificates = Config::load(&path).unwrap().certificates;
        assert_eq!((certificates.key, certificates.element), (None, Some(element)));

        let own = std::fs::read_to_string(&path).unwrap().replacen(OURS, "# mine", 1);
        std::fs::write(&path, &own).unwrap();
        write_papers(&layout, &papers, "https://center.example:7448").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), own);

        let lacking = GatePapers { lists: BTreeMap::new(), ..papers };
        assert!(matches!(write_papers(&layout, &lacking, "x"), Err(EnrollError::Papers(_))));
    }
}
