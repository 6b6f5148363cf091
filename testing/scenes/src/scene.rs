//! A scenario as it lies in its folder.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use lab::Scenario;
use model::{LocalizedName, Site, SiteModel, Zone, parse_document};
use serde::Deserialize;
use story::{Accord, CardOrder, Set};

use crate::plays::Letter;
use crate::threats::Threat;

/// Why a folder is no scenario: a fault of the sources.
#[derive(Debug)]
pub struct SceneError(pub String);

impl std::fmt::Display for SceneError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for SceneError {}

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Which of the six.
    pub letter: Letter,
    /// Its name.
    pub name: LocalizedName,
    /// What happens in it.
    pub summary: LocalizedName,
    /// Requirements it answers.
    pub requirements: Vec<String>,
    /// Hosts on the Internet: those of no site, and second lines of hosts of a site.
    pub internet: Vec<OnInternet>,
    /// What is raised.
    pub set: Set,
    /// Its own threats; those common to all are [`crate::common`].
    pub threats: Vec<Threat>,
}

/// A host on the Internet segment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnInternet {
    /// `site/host` if a host of a site has a line of its own there; else the name of a host of no site.
    pub host: String,
    /// Its address there.
    pub address: Ipv4Addr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScene {
    name: LocalizedName,
    summary: LocalizedName,
    requirements: Vec<String>,
    agreement: Vec<RawAgreement>,
    card: Vec<RawCard>,
    #[serde(default)]
    internet: Vec<OnInternet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAgreement {
    id: String,
    consumer: String,
    provider: String,
    service: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCard {
    label: String,
    name: String,
    role: String,
    /// OU of the subject: `Director` for an office in a facility.
    unit: Option<String>,
}

impl RawCard {
    fn order(self) -> CardOrder {
        let mut order = CardOrder::new(&self.label, &self.name, &self.role);
        order.spec.organizational_unit = self.unit;
        order
    }
}

impl Scene {
    /// All six.
    ///
    /// # Errors
    /// [`SceneError`] with the file that is wrong.
    pub fn all() -> Result<Vec<Self>, SceneError> {
        Letter::ALL.into_iter().map(Self::load).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// [`SceneError`] with the file that is wrong.
    pub fn load(letter: Letter) -> Result<Self, SceneError> {
        let files = letter.files();
        let wrong = |name: &str, why: &dyn std::fmt::Display| SceneError(format!("{}/{name}: {why}", letter.folder()));
        let raw: RawScene = toml::from_str(files.scene).map_err(|e| wrong("scene.toml", &e))?;
        let threats = crate::threats::parse(files.threats).map_err(|e| wrong("threats.toml", &e))?;
        let mut sites = Vec::new();
        for (name, text) in files.documents {
            let document = parse_document(name, text).map_err(|e| wrong(name, &e))?;
            sites.push(document.site.ok_or_else(|| wrong(name, &"it describes no site"))?);
        }
        let wiring = wiring(letter, &sites);
        let scenario = Scenario::parse(&wiring).map_err(|e| wrong("wiring", &e))?;
        let accord = |a: RawAgreement| Accord {
            id: a.id,
            consumer: a.consumer,
            provider: a.provider,
            service: a.service,
            both_sign: true,
        };
        let set = Set {
            scenario,
            documents: files.documents.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect(),
            beside: Vec::new(),
            accords: raw.agreement.into_iter().map(accord).collect(),
            cards: raw.card.into_iter().map(RawCard::order).collect(),
        };
        Ok(Self {
            letter,
            name: raw.name,
            summary: raw.summary,
            requirements: raw.requirements,
            internet: raw.internet,
            set,
            threats,
        })
    }
}

/// The wires that documents speak of: the same addresses, ports and MACs, so that nobody writes them twice.
fn wiring(letter: Letter, sites: &[Site]) -> String {
    let mut out =
        format!("name = \"{}\"\n[internet]\nprefix = \"192.0.2.0/24\"\ncenter = \"192.0.2.2\"\n", letter.folder());
    for site in sites {
        let model = match site.model {
            SiteModel::Large => "large",
            SiteModel::Small => "small",
            SiteModel::ServiceProvider => "service-provider",
        };
        let port = |port: &dyn std::fmt::Display| {
            let text = port.to_string();
            text.rsplit('/').next().unwrap_or_default().to_owned()
        };
        let wan = site.wan_address().map(|a| a.to_string()).unwrap_or_default();
        let _ = writeln!(
            out,
            "[[site]]\nid = \"{}\"\nmodel = \"{model}\"\ninstitution = \"{}\"\nwan = \"{wan}\"\ndatapath-id = \"{}\"\n\
             gateway-mac = \"{}\"\nuplink-port = {}",
            site.id,
            site.institution,
            site.switch.dpid,
            site.gateway.mac,
            port(&site.gateway.uplink),
        );
        for segment in site.segments.values() {
            let zone = match segment.zone {
                Zone::HighSecure => "high-secure",
                Zone::Secure => "secure",
                Zone::Dmz => "dmz",
            };
            let (prefix, gateway) = (segment.prefix, segment.gateway_address());
            let _ = writeln!(
                out,
                "[[site.segment]]\nid = \"{}\"\nzone = \"{zone}\"\nprefix = \"{prefix}\"\ngateway = \"{gateway}\"",
                segment.id
            );
        }
        for host in site.hosts.values() {
            let _ = writeln!(
                out,
                "[[site.host]]\nid = \"{}\"\nsegment = \"{}\"\naddress = \"{}\"\nmac = \"{}\"\nport = {}\nterminal = {}",
                host.id,
                host.segment,
                host.address,
                host.mac,
                port(&host.port),
                host.terminal,
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_a_scenario_whose_wires_fit_its_documents_n7() {
        let scenes = Scene::all().unwrap();
        assert_eq!(scenes.len(), 6);
        for scene in scenes {
            assert!(scene.requirements.contains(&"N7".to_owned()), "{}", scene.letter.folder());
            assert!(!scene.set.cards.is_empty() && scene.set.scenario.sites.len() >= 2);
            let documents: Vec<_> =
                scene.set.documents.iter().map(|(name, text)| parse_document(name, text).unwrap()).collect();
            let network = model::Network::default()
                .with(&documents)
                .unwrap_or_else(|e| panic!("{}: {e:?}", scene.letter.folder()));
            for site in network.sites.keys() {
                assert!(checksheet::judge(&network, site).passes(), "{}: {site}", scene.letter.folder());
            }
        }
    }
}
