//! The documents people write: TOML in, nouns out, every error with its place and the mend.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

use crate::{
    Agreement, AgreementId, AgreementSignature, AllowRule, Checksheet, DocumentFault, Gateway, Host, HostId,
    InHouseRule, Institution, InstitutionId, Line, LocalizedName, NeverId, NeverRule, Part, Segment, Service,
    ServiceId, Side, Site, SiteId, SiteModel, Switch, Timestamp, TransitRule,
};

mod checksheet;
mod read;
mod service;
mod write;

use checksheet::RawChecksheet;
use service::RawService;
pub use write::write_document;

/// What one document says. A document describes at most one institution, one site and one checksheet, and any number
/// of agreements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The institution it describes.
    pub institution: Option<Institution>,
    /// The site it describes.
    pub site: Option<Site>,
    /// Services offered at that site.
    pub services: Vec<Service>,
    /// Agreements it brings.
    pub agreements: Vec<Agreement>,
    /// What people answered of a site.
    pub checksheet: Option<Checksheet>,
}

/// Why a document is not accepted; nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {fault}", self.place())]
pub struct DocumentError {
    /// The document's name, as given.
    pub document: String,
    /// Line, from 1, where known.
    pub line: Option<usize>,
    /// Which table of it, e.g. `[[service]] records`, where no line is known.
    pub part: Option<String>,
    /// What is wrong.
    pub fault: Box<DocumentFault>,
}

impl DocumentError {
    /// Where it is: `clinic.toml:12`, `clinic.toml [[service]] records`.
    pub fn place(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let part = self.part.as_ref().map(|part| format!(" {part}")).unwrap_or_default();
        format!("{}{line}{part}", self.document)
    }
}

/// Reads a document. `name` is what errors call it, usually its file name.
///
/// # Errors
/// [`DocumentError`] for broken TOML, unknown fields, values of the wrong shape, and things said twice.
pub fn parse_document(name: &str, text: &str) -> Result<Document, DocumentError> {
    let document = || name.to_owned();
    let raw: RawDocument = read::read(text).map_err(|(line, fault)| DocumentError {
        document: document(),
        line,
        part: None,
        fault: fault.into(),
    })?;
    raw.into_document().map_err(|(part, fault)| DocumentError {
        document: document(),
        line: None,
        part: (!part.is_empty()).then_some(part),
        fault: fault.into(),
    })
}

/// Reads TOML into a type of somebody's own, a program's configuration for instance; errors are told as those of
/// documents. `name` is what they call the text, usually its file name.
///
/// # Errors
/// [`DocumentError`] with line and field, for broken TOML and whatever does not fit the type.
pub fn read_table<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, DocumentError> {
    let error = |(line, fault)| DocumentError { document: name.to_owned(), line, part: None, fault: Box::new(fault) };
    read::read(text).map_err(error)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDocument {
    institution: Option<Institution>,
    site: Option<RawSite>,
    gateway: Option<Gateway>,
    #[serde(default)]
    line: Vec<Line>,
    #[serde(default)]
    switch: Vec<Switch>,
    #[serde(default)]
    segment: Vec<Segment>,
    #[serde(default)]
    host: Vec<Host>,
    #[serde(default)]
    allow: Vec<RawAllow>,
    #[serde(default)]
    inhouse: Vec<InHouseRule>,
    #[serde(default)]
    transit: Vec<TransitRule>,
    #[serde(default)]
    never: Vec<RawNever>,
    #[serde(default)]
    service: Vec<RawService>,
    #[serde(default)]
    agreement: Vec<RawAgreement>,
    checksheet: Option<RawChecksheet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSite {
    id: SiteId,
    model: SiteModel,
    /// Needed only where the document does not bring the institution itself.
    institution: Option<InstitutionId>,
    name: Option<LocalizedName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAllow {
    who: RawWho,
    from: Vec<HostId>,
    service: ServiceId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWho {
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNever {
    /// By its place among the others if absent.
    id: Option<NeverId>,
    from: Part,
    to: Part,
    because: LocalizedName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAgreement {
    id: AgreementId,
    consumer: InstitutionId,
    provider: InstitutionId,
    service: ServiceId,
    valid_from: Timestamp,
    valid_until: Timestamp,
    #[serde(default)]
    signature: BTreeMap<Side, AgreementSignature>,
}

/// In which table, and what is wrong.
type Fault = (String, DocumentFault);

fn fault(part: impl Into<String>, fault: DocumentFault) -> Fault {
    (part.into(), fault)
}

impl RawDocument {
    fn into_document(self) -> Result<Document, Fault> {
        let site_parts = !self.line.is_empty()
            || !self.switch.is_empty()
            || !self.segment.is_empty()
            || !self.host.is_empty()
            || !self.allow.is_empty()
            || !self.inhouse.is_empty()
            || !self.transit.is_empty()
            || !self.never.is_empty()
            || !self.service.is_empty()
            || self.gateway.is_some();
        let Some(raw) = self.site else {
            if site_parts {
                return Err(fault("", DocumentFault::NoSite {}));
            }
            let agreements = self.agreement.into_iter().map(RawAgreement::into_agreement).collect::<Result<_, _>>()?;
            let checksheet = self.checksheet.map(|sheet| sheet.into_checksheet(None)).transpose()?;
            return Ok(Document { institution: self.institution, agreements, checksheet, ..Document::default() });
        };
        let institution = match (&self.institution, raw.institution) {
            (Some(i), None) => i.id.clone(),
            (Some(i), Some(named)) if i.id == named => named,
            (None, Some(named)) => named,
            (Some(i), Some(named)) => {
                return Err(fault(
                    "[site]",
                    DocumentFault::TwoInstitutions { named: named.to_string(), institution: i.id.to_string() },
                ));
            }
            (None, None) => {
                return Err(fault("[site]", DocumentFault::NoInstitution { site: raw.id.to_string() }));
            }
        };
        let site = Site {
            name: raw.name,
            institution: institution.clone(),
            model: raw.model,
            lines: self.line,
            switch: one_switch(&raw.id, self.switch)?,
            gateway: self.gateway.ok_or_else(|| fault("", DocumentFault::NoGateway { site: raw.id.to_string() }))?,
            segments: by_id("segment", self.segment, |s| s.id.clone())?,
            hosts: by_id("host", self.host, |h| h.id.clone())?,
            allow: self.allow.into_iter().map(RawAllow::into_rule).collect::<Result<_, _>>()?,
            in_house: self
                .inhouse
                .into_iter()
                .enumerate()
                .map(|(n, r)| Ok(InHouseRule { ports: ports(&format!("inhouse[{n}]"), r.ports)?, ..r }))
                .collect::<Result<_, Fault>>()?,
            transit: self
                .transit
                .into_iter()
                .enumerate()
                .map(|(n, r)| Ok(TransitRule { ports: ports(&format!("transit[{n}]"), r.ports)?, ..r }))
                .collect::<Result<_, Fault>>()?,
            never: nevers(&raw.id, self.never)?,
            id: raw.id,
        };
        let services =
            self.service.into_iter().map(|s| s.into_service(&institution, &site.id)).collect::<Result<Vec<_>, _>>()?;
        let agreements = self.agreement.into_iter().map(RawAgreement::into_agreement).collect::<Result<_, _>>()?;
        let checksheet = self.checksheet.map(|sheet| sheet.into_checksheet(Some(&site.id))).transpose()?;
        Ok(Document { institution: self.institution, site: Some(site), services, agreements, checksheet })
    }
}

fn one_switch(site: &SiteId, mut switches: Vec<Switch>) -> Result<Switch, Fault> {
    match (switches.pop(), switches.is_empty()) {
        (Some(switch), true) => Ok(switch),
        (None, _) => Err(fault("", DocumentFault::NoSwitch { site: site.to_string() })),
        (Some(_), false) => Err(fault("[[switch]]", DocumentFault::SeveralSwitches { site: site.to_string() })),
    }
}

fn by_id<K: Ord + fmt::Display + Clone, T>(
    kind: &'static str,
    items: Vec<T>,
    id: impl Fn(&T) -> K,
) -> Result<BTreeMap<K, T>, Fault> {
    let mut map = BTreeMap::new();
    for item in items {
        let key = id(&item);
        if map.insert(key.clone(), item).is_some() {
            return Err(fault(format!("[[{kind}]]"), DocumentFault::DescribedTwice { kind, id: key.to_string() }));
        }
    }
    Ok(map)
}

fn nevers(site: &SiteId, rules: Vec<RawNever>) -> Result<Vec<NeverRule>, Fault> {
    let mut seen = std::collections::BTreeSet::new();
    let mut out = Vec::new();
    for (n, RawNever { id, from, to, because }) in rules.into_iter().enumerate() {
        let place = format!("never[{n}]");
        let by_place = || u16::try_from(n + 1).ok().filter(|n| *n < 1000).map(NeverId);
        let id = id.or_else(by_place).ok_or_else(|| fault(&place, DocumentFault::TooManyNevers {}))?;
        if !seen.insert(id) {
            return Err(fault(place, DocumentFault::NeverTwice { id: id.to_string() }));
        }
        if !from.is_within(site) && !to.is_within(site) {
            let (from, to, site) = (from.to_string(), to.to_string(), site.to_string());
            return Err(fault(place, DocumentFault::NeverOutside { from, to, site }));
        }
        if because.ja.trim().is_empty() || because.en.trim().is_empty() {
            return Err(fault(place, DocumentFault::NeverUnreasoned {}));
        }
        out.push(NeverRule { id, from, to, because });
    }
    Ok(out)
}

fn ports(place: &str, mut ports: Vec<u16>) -> Result<Vec<u16>, Fault> {
    ports.sort_unstable();
    let count = ports.len();
    ports.dedup();
    if ports.is_empty() || ports.len() != count || ports[0] == 0 {
        return Err(fault(place, DocumentFault::Ports {}));
    }
    Ok(ports)
}

fn roles(place: &str, roles: Vec<String>) -> Result<Vec<String>, Fault> {
    if roles.is_empty() || roles.iter().any(|r| r.trim().is_empty()) {
        return Err(fault(place, DocumentFault::NoRole {}));
    }
    Ok(roles)
}

impl RawAllow {
    fn into_rule(self) -> Result<AllowRule, Fault> {
        let place = format!("[[allow]] {}", self.service);
        if self.from.is_empty() {
            return Err(fault(place, DocumentFault::NoTerminal {}));
        }
        Ok(AllowRule { roles: roles(&place, self.who.roles)?, from: self.from, service: self.service })
    }
}

impl RawAgreement {
    fn into_agreement(self) -> Result<Agreement, Fault> {
        let place = format!("[[agreement]] {}", self.id);
        if self.service.institution != self.provider {
            let (service, provider) = (self.service.to_string(), self.provider.to_string());
            return Err(fault(place, DocumentFault::OtherProvider { service, provider }));
        }
        if self.consumer == self.provider {
            return Err(fault(place, DocumentFault::OneParty { institution: self.consumer.to_string() }));
        }
        if self.valid_from >= self.valid_until {
            return Err(fault(place, DocumentFault::AgreementEndsFirst {}));
        }
        Ok(Agreement {
            id: self.id,
            consumer: self.consumer,
            provider: self.provider,
            service: self.service,
            valid_from: self.valid_from,
            valid_until: self.valid_until,
            signatures: self.signature,
        })
    }
}

#[cfg(test)]
mod tests;
