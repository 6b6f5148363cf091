//! What a gate is told once: a TOML file, parsed into what the rest needs. A wrong file is refused with its mend.

use crate::element::Element;
use crate::fault;
use files::Fault;
use model::SiteId;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A gate's configuration. Relative paths count from the file's folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The site this gate serves; its certificate must name the same.
    pub site: SiteId,
    /// Which of the site's two gates this is, e.g. `a`; absent if the site has one. Two share the switch, strongSwan and
    /// the red namespace, and have each a folder and an OpenFlow listener of their own.
    pub gate: Option<String>,
    /// Folder for the last verified state; must be writable.
    pub data: PathBuf,
    /// Network namespaces.
    pub namespaces: Namespaces,
    /// The switch's channel.
    pub openflow: OpenFlow,
    /// The in-house service for terminals.
    pub terminals: Terminals,
    /// The gate's own face toward browsers, for when there is no link to the center; absent: the connection just ends.
    pub console: Option<Console>,
    /// The center.
    pub center: Center,
    /// The gate's own certificate and whom it trusts.
    pub certificates: Certificates,
    /// Who this device is in the trust chain of equipment (G1); absent: it takes no applications.
    pub equipment: Option<Equipment>,
    /// strongSwan.
    pub ike: Ike,
    /// The red namespace's filter.
    #[serde(default)]
    pub filter: Filter,
    /// Milliseconds between two looks at what really stands.
    #[serde(default = "default_audit_ms")]
    pub audit_ms: i64,
}

/// Red forwards between LAN and tunnel; black holds the WAN.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Namespaces {
    /// Path of the red namespace, e.g. `/run/netns/clinic-red`.
    pub red: PathBuf,
    /// Path of the black namespace; absent if the gate is started in it.
    pub black: Option<PathBuf>,
}

/// The OpenFlow listener, in red.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OpenFlow {
    /// Address in red, e.g. `169.254.77.1:6653`.
    pub listen: SocketAddr,
    /// First packets a second the switch may send from each port; as many questions for an address it answers there.
    #[serde(default = "default_first_packets")]
    pub first_packets_per_second: u32,
}

/// The relay from terminals to the center, in red.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Terminals {
    /// For programs: the gateway's address in each segment, port 7444.
    pub listen: Vec<SocketAddr>,
    /// For browsers, with the terminal's certificate: the same addresses, port 7445.
    #[serde(default)]
    pub console: Vec<SocketAddr>,
    /// For browsers, with the person's card: the same addresses, port 7446.
    #[serde(default)]
    pub sign_in: Vec<SocketAddr>,
}

/// A certificate that the terminals' browsers believe, and its key; PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Console {
    /// The certificate for the gateway's addresses, then subordinate CAs.
    pub chain: PathBuf,
    /// Its private key, PKCS#8.
    pub key: PathBuf,
}

/// How to reach the center and how to know its word.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Center {
    /// Where it listens for gates, e.g. `192.0.2.2:7443`.
    pub address: SocketAddr,
    /// The name its certificate carries (`urn:sekisho:center:<name>`).
    pub name: String,
    /// PEM file of the public key its orders are signed with (ECDSA P-256, SubjectPublicKeyInfo).
    pub order_key: PathBuf,
}

/// PEM files. Lists are read again at every handshake, so a new one needs no restart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Certificates {
    /// The gate's certificate, then subordinate CAs.
    pub chain: PathBuf,
    /// Its private key, PKCS#8; absent if it is in a secure element.
    pub key: Option<PathBuf>,
    /// The secure element that its private key is in; absent if it is in a file (G1).
    pub element: Option<Element>,
    /// CA of centers.
    pub center_ca: PathBuf,
    /// CA of switches.
    pub switch_ca: PathBuf,
    /// CA of gates: the peers in IKE.
    pub gate_ca: PathBuf,
    /// Revocation lists of all of them, PEM or DER.
    pub crls: Vec<PathBuf>,
}

/// The device's first-tier certificate and the registration authority (登録認定機関), PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Equipment {
    /// The certificate that names the device's id, `urn:sekisho:equipment:<id>`.
    pub certificate: PathBuf,
    /// The registration authority's certificate: permits verify against it.
    pub registration_ca: PathBuf,
    /// Its revocation lists, PEM or DER.
    pub crls: Vec<PathBuf>,
}

/// strongSwan's control socket and tunnel habits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ike {
    /// Path of the VICI socket, e.g. `/run/charon.vici`.
    pub vici: PathBuf,
    /// Milliseconds an IKE SA without children is kept for the next grant.
    #[serde(default)]
    pub linger_ms: i64,
    /// `strict`: a peer whose revocation status is unknown is refused (G2); `ifuri` and `relaxed` as in swanctl.conf.
    #[serde(default)]
    pub revocation: Revocation,
}

/// swanctl's revocation policies.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Revocation {
    #[default]
    Strict,
    Ifuri,
    Relaxed,
}

impl Revocation {
    /// swanctl's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Ifuri => "ifuri",
            Self::Relaxed => "relaxed",
        }
    }
}

/// Interfaces of red.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Filter {
    /// Toward the switch.
    pub lan: String,
    /// The tunnel device.
    pub tunnel: String,
}

impl Default for Filter {
    fn default() -> Self {
        Self { lan: "lan0".into(), tunnel: "ipsec0".into() }
    }
}

fn default_audit_ms() -> i64 {
    5_000
}
fn default_first_packets() -> u32 {
    200
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`Fault`] names the file, the place in it and what was expected.
    pub fn load(path: &Path) -> Result<Self, Fault> {
        let mut config: Self = files::configuration(path)?;
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        let c = &mut config.certificates;
        match (&c.key, &mut c.element) {
            (Some(_), None) => {}
            (None, Some(element)) => element.below(&folder),
            (Some(_), Some(_)) => return Err(Fault::of(path, fault::Fault::TwoKeys {})),
            (None, None) => return Err(Fault::of(path, fault::Fault::NoKey {})),
        }
        let files = [&mut c.chain, &mut c.center_ca, &mut c.switch_ca, &mut c.gate_ca].into_iter().chain(&mut c.key);
        let others = [&mut config.data, &mut config.center.order_key, &mut config.ike.vici];
        let console = config.console.iter_mut().flat_map(|console| [&mut console.chain, &mut console.key]);
        let equipment = config.equipment.iter_mut();
        let equipment =
            equipment.flat_map(|e| [&mut e.certificate, &mut e.registration_ca].into_iter().chain(&mut e.crls));
        for file in equipment {
            *file = folder.join(&*file);
        }
        for file in files.chain(others).chain(&mut c.crls).chain(console) {
            *file = folder.join(&*file);
        }
        Ok(config)
    }
}
