//! Sites, what belongs to them, and agreements, as they go in and out (G12).

use registration::{DraftView, MemberView, Once, SitePage, SiteView};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{At, Keyed, Words};
use crate::reader::Reader;

/// The id of an institution in the network, asked for or given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct MemberGiven {
    /// Number in the directory; only an operator says it.
    #[serde(default)]
    pub institution: Option<i64>,
    /// Id in the network: small letters, digits, `-`.
    pub network: String,
    /// Its name; the directory's if left out.
    pub name: Option<Words>,
}

/// An institution with its id in the network.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Member {
    /// Its number in the directory.
    institution: i64,
    /// Its name in the directory.
    listed: String,
    /// Its id in the network.
    network: String,
    /// Its name there.
    name: Words,
    /// Has an operator seen that it is so?
    confirmed: bool,
}

impl Member {
    pub fn of(view: MemberView) -> Self {
        Self {
            institution: view.institution,
            listed: view.listed,
            network: view.network,
            name: view.name.into(),
            confirmed: view.confirmed,
        }
    }
}

impl Keyed for Member {
    fn key(&self) -> String {
        self.institution.to_string()
    }
}

/// A new site. What is not asked follows from the model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct SiteGiven {
    /// Number of the institution in the directory; only an operator says it.
    #[serde(default)]
    pub institution: Option<i64>,
    /// Id of the site, unique in the network.
    pub site: String,
    /// Its name.
    pub name: Words,
    /// `large`, `small` or `service-provider`.
    pub model: String,
    /// Kind of the WAN line: `leased`, `isdn`, `closed-ip`, `wide-ethernet`, `ip-vpn` or `internet`.
    pub line: String,
    /// Address of the gateway on that line.
    pub address: String,
    /// Datapath id of the switch, 16 hexadecimal digits.
    pub dpid: String,
    /// Number of the switch port on which the gateway hangs.
    pub uplink: u32,
    /// MAC of the gateway's in-house interface.
    pub mac: String,
    /// Prefix of the High Secure zone, if the site has one.
    #[serde(default)]
    pub high_secure: String,
    /// Prefix of the Secure zone, if the site has one.
    #[serde(default)]
    pub secure: String,
    /// Prefix of the DMZ, if the site has one.
    #[serde(default)]
    pub dmz: String,
}

/// A proposed site.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct SiteProposal {
    /// Its number.
    number: i64,
    /// Its version: whoever decides sends it back.
    version: i64,
    /// Number of the institution in the directory.
    institution: i64,
    /// Its name there.
    institution_name: String,
    /// Its id in the network.
    network: String,
    /// Is that id confirmed already?
    confirmed: bool,
    /// Id of the site.
    site: String,
    /// Who proposed it.
    by: String,
    /// When.
    at: At,
    /// `proposed`, `registered`, `rejected` or `withdrawn`.
    stand: String,
    /// The document (TOML) it becomes.
    document: String,
}

impl SiteProposal {
    pub fn of(view: DraftView) -> Self {
        Self {
            number: view.number,
            version: view.version,
            institution: view.draft.institution.0,
            institution_name: view.institution,
            network: view.network,
            confirmed: view.confirmed,
            site: view.draft.blueprint.id.to_string(),
            by: view.draft.by,
            at: view.draft.at.into(),
            stand: view.draft.stand.as_str().to_owned(),
            document: view.document,
        }
    }
}

impl Keyed for SiteProposal {
    fn key(&self) -> String {
        self.number.to_string()
    }
}

/// A site in the list.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Site {
    /// Its id.
    site: String,
    /// Its name.
    name: Words,
    /// Id of its institution in the network.
    institution: String,
    /// The model it was made from.
    model: String,
    /// What it lacks until a line could open: `enroll`, `link`, `hosts`, `use`, `devices`, `agree`.
    lacking: Vec<String>,
}

impl Site {
    pub fn of(view: SiteView) -> Self {
        Self {
            site: view.site.to_string(),
            name: view.name.into(),
            institution: view.institution.to_string(),
            model: view.model.as_str().to_owned(),
            lacking: view.lacking.iter().map(|step| step.as_str().to_owned()).collect(),
        }
    }
}

impl Keyed for Site {
    fn key(&self) -> String {
        self.site.clone()
    }
}

/// A site, whole.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct WholeSite {
    /// As in the list.
    #[serde(flatten)]
    site: Site,
    /// Changes with everything of the site: whoever changes it sends it back.
    version: String,
    /// Ids of its services in the network, `institution/name`.
    services: Vec<String>,
    /// Terminals that have a certificate.
    certified: Vec<String>,
    /// Lines that are foreseen.
    prospects: Vec<Prospect>,
    /// The document (TOML) it is: segments, hosts, services, whitelist.
    document: String,
}

/// A line that the whitelists foresee.
#[derive(Debug, Serialize, JsonSchema)]
struct Prospect {
    /// The terminal, `site/host`.
    from: String,
    /// The service, `institution/name`.
    service: String,
    /// Why it would not open now; empty if it would.
    lacking: Vec<String>,
}

impl WholeSite {
    pub fn of(page: SitePage, reader: &Reader) -> Self {
        let prospect = |one: &connections::Prospect| Prospect {
            from: one.from.to_string(),
            service: one.service.to_string(),
            lacking: one.lacking.iter().map(|reason| reason.lines(reader.texts).refused).collect(),
        };
        Self {
            version: page.version,
            services: page.services.iter().map(|service| service.id.to_string()).collect(),
            certified: page.certified.iter().map(ToString::to_string).collect(),
            prospects: page.prospects.iter().map(prospect).collect(),
            document: page.document,
            site: Site::of(page.view),
        }
    }
}

/// A one-time token for a certificate: answered here and never again.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Enrolment {
    /// Who the certificate will be for.
    identity: String,
    /// The code, as a person types it.
    code: String,
    /// Address, server's key, name and code in one text, as a machine reads it.
    token: String,
    /// It ends then.
    until: At,
}

impl Enrolment {
    pub fn of(once: Once) -> Self {
        Self { identity: once.identity, code: once.code, token: once.token, until: once.until.into() }
    }
}
