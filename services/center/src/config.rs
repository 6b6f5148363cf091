//! What a center is told once: a TOML file. Relative paths count from the file's folder.

use connections::{RevocationSettings, TrustSettings};
use files::Fault;
use pki::{OcspHash, Purpose, RevocationPolicy};
use registry::{Durability, Settings};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::equipment::EquipmentSide;
pub use crate::issuing::{IssuingSide, TokenSide};
use crate::joining::JoiningSide;

/// A center's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Folder of the SQLite registry; must be writable.
    pub data: PathBuf,
    /// Another registry than `<data>/registry.db`: `sqlite:///path` or `postgres://user@host/database`.
    pub registry: Option<String>,
    /// What a commit waits for on SQLite: `process` (default) or `power`.
    #[serde(default)]
    pub durability: Wait,
    /// Whom to believe.
    pub trust: TrustFolder,
    /// The side of the gates.
    pub gates: GateSide,
    /// The side of the operators.
    pub operator: OperatorSide,
    /// The consoles of terminals.
    #[serde(default)]
    pub console: ConsoleSide,
    /// The center's own certificate.
    pub certificates: Certificates,
    /// The key orders are signed with.
    #[serde(default)]
    pub orders: Orders,
    /// The center's certification authorities; nothing is issued here if absent.
    pub issuing: Option<IssuingSide>,
    /// Whether gates must stand on registered equipment (G1).
    pub equipment: Option<EquipmentSide>,
    /// Times.
    #[serde(default)]
    pub limits: Limits,
    /// Joining the network; nobody can where it is absent.
    pub joining: Option<JoiningSide>,
}

/// What a commit waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// Survives the death of the process.
    #[default]
    Process,
    /// Survives a power loss.
    Power,
}

/// `[trust]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustFolder {
    /// Folder with `hpki`, `gate`, `device` and `institution`, each with CA certificates and revocation lists.
    pub dir: PathBuf,
    /// Policies accepted of cards, dotted.
    #[serde(default)]
    pub hpki_policies: Vec<String>,
    /// Age at which a revocation list is refused even before its nextUpdate.
    pub max_crl_age_hours: Option<u32>,
    /// `[trust.revocation.<folder>]`: what the anchors of a folder demand to hear; `crl` where absent.
    #[serde(default)]
    pub revocation: BTreeMap<Folder, Demand>,
}

impl TrustFolder {
    /// As the use cases take it.
    pub(crate) fn settings(&self) -> TrustSettings {
        let hours = |hours: u32| i64::from(hours) * 3600;
        let demand = |demand: &Demand| RevocationSettings {
            policy: demand.policy.0,
            responders: demand.responders.iter().map(|(ca, url)| (ca.clone(), url.0.clone())).collect(),
            responder: demand.responder.as_ref().map(|url| url.0.clone()),
            hash: match demand.hash {
                Hash::Sha1 => OcspHash::Sha1,
                Hash::Sha256 => OcspHash::Sha256,
            },
            max_age: demand.max_age_hours.map(hours),
        };
        TrustSettings {
            dir: self.dir.clone(),
            hpki_policies: self.hpki_policies.clone(),
            max_crl_age: self.max_crl_age_hours.map(hours),
            revocation: self.revocation.iter().map(|(folder, d)| (folder.purpose(), demand(d))).collect(),
        }
    }
}

/// A folder of trust anchors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names of the folders")]
pub enum Folder {
    Hpki,
    Gate,
    Device,
    Institution,
}

impl Folder {
    fn purpose(self) -> Purpose {
        match self {
            Self::Hpki => Purpose::HpkiAuthentication,
            Self::Gate => Purpose::Gate,
            Self::Device => Purpose::Device,
            Self::Institution => Purpose::Institution,
        }
    }
}

/// `[trust.revocation.<folder>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Demand {
    /// `crl`, `ocsp`, `both` or `either`.
    pub policy: Policy,
    /// OCSP responder, `http://…`; without one only the answers in the folder count.
    pub responder: Option<HttpUrl>,
    /// Responders by the commonName of the issuing CA, where they differ.
    #[serde(default)]
    pub responders: BTreeMap<String, HttpUrl>,
    /// Digest in requests, `sha1` (RFC 5019) or `sha256`.
    #[serde(default)]
    pub hash: Hash,
    /// Age at which an answer is refused even before its nextUpdate.
    pub max_age_hours: Option<u32>,
}

/// Whose good word about revocation is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Policy(pub RevocationPolicy);

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: [&str; 4] = ["crl", "ocsp", "both", "either"];
        let name = String::deserialize(deserializer)?;
        RevocationPolicy::from_name(&name).map(Self).ok_or_else(|| D::Error::unknown_variant(&name, &NAMES))
    }
}

/// Digest in OCSP requests.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names of the digests")]
pub enum Hash {
    #[default]
    Sha1,
    Sha256,
}

/// `http://host[:port]/path`: what responders answer is signed, so TLS would only add another thing to trust.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct HttpUrl(pub String);

impl TryFrom<String> for HttpUrl {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let uri = text.parse::<axum::http::Uri>().ok();
        let (scheme, host) = uri.as_ref().map_or((None, None), |uri| (uri.scheme_str(), uri.host()));
        match (scheme, host) {
            (Some("http"), Some(_)) => Ok(Self(text)),
            // The reader of configurations knows it by these words.
            _ => Err(format!("`{text}` is not an http:// address")),
        }
    }
}

/// `[gates]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GateSide {
    /// Where gates dial in.
    pub listen: SocketAddr,
}

/// `[operator]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OperatorSide {
    /// Unix socket; whoever may open it is an operator.
    pub socket: PathBuf,
    /// Address of the live picture for browsers: TLS, operators show a certificate whose anchor lies in the trust
    /// folder `operator`. Nobody listens if absent.
    pub pages: Option<SocketAddr>,
}

/// `[console]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ConsoleSide {
    /// Port at which every gate has its entrance for consoles.
    pub port: u16,
    /// Port at which every gate has its entrance for cards.
    pub sign_in_port: u16,
}

impl Default for ConsoleSide {
    fn default() -> Self {
        let portal::Ports { console, sign_in } = portal::Ports::default();
        Self { port: console, sign_in_port: sign_in }
    }
}

impl ConsoleSide {
    pub(crate) fn ports(self) -> portal::Ports {
        portal::Ports { console: self.port, sign_in: self.sign_in_port }
    }
}

/// `[certificates]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Certificates {
    /// PEM chain, the center's certificate first.
    pub chain: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// `[orders]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Orders {
    /// ECDSA P-256 private key, PKCS#8 PEM.
    pub key: PathBuf,
}

impl Default for Orders {
    fn default() -> Self {
        Self { key: "order.key.pem".into() }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// How long gates have to confirm an opening.
    pub confirm_seconds: u16,
    /// How long gates have to come back after a start.
    pub return_seconds: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self { confirm_seconds: 5, return_seconds: 30 }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let mut config: Self = files::configuration(path)?;
        let folder = std::path::absolute(path).map_err(|e| Fault::io(path, &e))?;
        let folder = folder.parent().unwrap_or(Path::new("/")).to_owned();
        for relative in [
            &mut config.data,
            &mut config.trust.dir,
            &mut config.operator.socket,
            &mut config.certificates.chain,
            &mut config.certificates.key,
            &mut config.orders.key,
        ] {
            *relative = folder.join(&*relative);
        }
        if let Some(issuing) = &mut config.issuing {
            issuing.below(&folder);
        }
        if let Some(equipment) = &mut config.equipment {
            equipment.below(&folder);
        }
        if let Some(side) = &mut config.joining {
            side.beside(&folder);
            if let Some(service) = &mut side.service_entrance {
                service.below(&config.data);
            }
        }
        Ok(config)
    }

    /// Where the registry is; makes the data folder.
    pub(crate) fn registry(&self) -> Result<Settings, Fault> {
        let url = match &self.registry {
            Some(url) => url.clone(),
            None => {
                std::fs::create_dir_all(&self.data).map_err(|e| Fault::io(&self.data, &e))?;
                format!("sqlite://{}", self.data.join("registry.db").display())
            }
        };
        let mut settings = Settings::new(&url);
        settings.durability = match self.durability {
            Wait::Process => Durability::Process,
            Wait::Power => Durability::Power,
        };
        if let Some(side) = &self.joining {
            settings.seals = side.seals()?;
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = "data = \"data\"\n[trust]\ndir = \"trust\"\n[gates]\nlisten = \"192.0.2.2:7443\"\n\
                            [operator]\nsocket = \"center.sock\"\n[certificates]\nchain = \"c\"\nkey = \"k\"\n";

    fn load(text: &str) -> Result<Config, Fault> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("center.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path)
    }

    #[test]
    fn the_smallest_file_is_enough_and_paths_count_from_it() {
        let config = load(SMALLEST).unwrap();
        assert!(config.orders.key.is_absolute() && config.orders.key.ends_with("order.key.pem"));
        assert_eq!(config.limits.confirm_seconds, 5);
    }

    #[test]
    fn revocation_is_asked_for_as_written_and_by_lists_where_nothing_is_n2() {
        let demand = "[trust.revocation.hpki]\npolicy = \"both\"\nresponder = \"http://192.0.2.9:8080/ocsp\"\n\
                      max-age-hours = 4\nresponders = { \"HPKI-01-X\" = \"http://192.0.2.8/\" }\n";
        let config = load(&format!("{SMALLEST}{demand}")).unwrap();
        let settings = config.trust.settings();
        let hpki = &settings.revocation[&Purpose::HpkiAuthentication];
        assert_eq!((hpki.policy, hpki.max_age), (RevocationPolicy::Both, Some(4 * 3600)));
        assert_eq!(hpki.responders["HPKI-01-X"], "http://192.0.2.8/");
        assert!(!settings.revocation.contains_key(&Purpose::Gate));
        assert!(load(SMALLEST).unwrap().trust.settings().revocation.is_empty());
        for (right, wrong, told) in [
            ("\"both\"", "\"oscp\"", "crl, ocsp, both, either"),
            ("http://192.0.2.8/", "https://192.0.2.8/", "https is not needed"),
            ("hpki", "hpkl", "hpkl"),
        ] {
            let said = load(&format!("{SMALLEST}{}", demand.replacen(right, wrong, 1))).unwrap_err().to_string();
            assert!(said.contains(told), "{said}");
        }
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        let said = load(&SMALLEST.replace("listen", "lisen")).unwrap_err().to_string();
        assert!(said.contains("lisen") && said.contains("center.toml:5"), "{said}");
    }
}
