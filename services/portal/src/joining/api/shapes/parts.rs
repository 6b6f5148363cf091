//! Hosts, services, whitelist lines and agreements, as they go in and out (N1, G12).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use registration::AgreementView;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{At, Keyed, Words};

/// A host to be registered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct HostGiven {
    /// `version` of the site that was seen.
    pub version: String,
    /// Its id.
    pub host: String,
    /// Its segment.
    pub segment: String,
    /// Its address.
    pub address: String,
    /// Its MAC.
    pub mac: String,
    /// Number of the switch port.
    pub port: u32,
    /// Do people open connections from it?
    #[serde(default)]
    pub terminal: bool,
    /// What it is for, if services ask for it, e.g. `claims-terminal`.
    #[serde(default)]
    pub kind: String,
}

/// A service to be registered. Other conditions come with documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct OfferGiven {
    /// `version` of the site that was seen.
    pub version: String,
    /// Its id within the institution.
    pub service: String,
    /// Its name.
    pub name: Words,
    /// The host that offers it.
    pub host: String,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Port numbers.
    pub ports: Vec<u16>,
    /// Qualifications admitted (hcRole texts).
    #[serde(default)]
    pub roles: Vec<String>,
    /// Minutes a connection lasts at most; 60 if left out.
    pub lease: Option<u32>,
}

/// A whitelist line to be registered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct LineGiven {
    /// `version` of the site that was seen.
    pub version: String,
    /// The service, `institution/name`.
    pub service: String,
    /// Qualifications that may (hcRole texts).
    pub roles: Vec<String>,
    /// Terminals they may use.
    pub from: Vec<String>,
}

/// The version that was seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct SiteVersion {
    /// `version` of the site that was seen.
    pub version: String,
}

/// Terms to be proposed to the other institution.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct AgreementGiven {
    /// Its number, e.g. `A-0012`.
    pub agreement: String,
    /// The service, `institution/name`; its institution is the provider.
    pub service: String,
    /// Id of the institution whose people use it; one's own if left out.
    #[serde(default)]
    pub consumer: String,
    /// First day, `2026-04-01`, in Japan.
    pub valid_from: String,
    /// Last day, in Japan.
    pub valid_until: String,
}

/// One's institution's signature: the document that `sekisho agreement sign` wrote, or certificate and value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct SignatureGiven {
    /// What `sekisho agreement sign` wrote.
    #[serde(default)]
    pub signed: String,
    /// PEM chain of the signing certificate.
    #[serde(default)]
    pub certificate: String,
    /// ECDSA P-256 with SHA-256 over `to_sign`, ASN.1 DER, in base 64.
    #[serde(default)]
    pub value: String,
}

/// Why the other side does not agree.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct WhyGiven {
    /// Why.
    pub reason: String,
}

/// An agreement of two institutions.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Agreement {
    /// Its number.
    agreement: String,
    /// Id of the institution whose people use the service.
    consumer: String,
    /// Id of the institution that offers it.
    provider: String,
    /// The service, `institution/name`.
    service: String,
    /// From.
    valid_from: At,
    /// Until.
    valid_until: At,
    /// Whether the sites of each side pass their checksheets, before anybody signs.
    checksheets: Vec<SideChecksheets>,
    /// Who has signed: `consumer`, `provider`.
    signed_by: Vec<String>,
    /// Have both?
    complete: bool,
    /// Does it wait for the first signature?
    proposed: bool,
    /// Did one's own institution propose it?
    own_proposal: bool,
    /// The document (TOML) to be signed with `sekisho agreement sign`.
    document: String,
    /// The octets that are signed, in base 64.
    to_sign: String,
}

/// Checksheets of one side of an agreement: numbers, and no names of sites.
#[derive(Debug, Serialize, JsonSchema)]
struct SideChecksheets {
    /// `consumer` or `provider`.
    side: String,
    /// Items of the other side's sheets that they answer, e.g. `1-1-2`.
    items: Vec<String>,
    /// Sites of this side that the agreement is about.
    sites: usize,
    /// How many of them pass.
    passing: usize,
}

impl SideChecksheets {
    fn of(view: &registration::PartySheets) -> Self {
        let items = view.items.iter().map(ToString::to_string).collect();
        Self { side: view.side.to_string(), items, sites: view.sites, passing: view.passing }
    }
}

impl Agreement {
    pub fn of(view: AgreementView) -> Self {
        let terms = view.terms;
        Self {
            agreement: terms.id.to_string(),
            consumer: terms.consumer.to_string(),
            provider: terms.provider.to_string(),
            service: terms.service.to_string(),
            valid_from: terms.valid_from.into(),
            valid_until: terms.valid_until.into(),
            checksheets: view.sheets.iter().map(SideChecksheets::of).collect(),
            signed_by: view.signed_by.iter().map(ToString::to_string).collect(),
            complete: view.complete,
            proposed: view.proposed,
            own_proposal: view.own_proposal,
            document: view.document,
            to_sign: STANDARD.encode(terms.signed_bytes()),
        }
    }
}

impl Keyed for Agreement {
    fn key(&self) -> String {
        self.agreement.clone()
    }
}
