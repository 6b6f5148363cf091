//! The documents people write: TOML in, nouns out, every error with its place and the mend.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

use crate::{
    Agreement, AgreementId, AgreementSignature, AllowRule, Gateway, Host, HostId, InHouseRule, Institution,
    InstitutionId, Line, LocalizedName, NeverId, NeverRule, Part, Segment, Service, ServiceId, Side, Site, SiteId,
    SiteModel, Switch, Timestamp, TransitRule,
};

mod service;
mod write;

use service::RawService;
pub use write::write_document;

/// What one document says. A document describes at most one institution and one site, and any number of agreements.
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
}

/// Why a document is not accepted; nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DocumentError {
    /// The document's name, as given.
    pub document: String,
    /// Line, from 1, where known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.document)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}; {}", self.what, self.mend)
    }
}

/// Reads a document. `name` is what errors call it, usually its file name.
///
/// # Errors
/// [`DocumentError`] for broken TOML, unknown fields, values of the wrong shape, and things said twice.
pub fn parse_document(name: &str, text: &str) -> Result<Document, DocumentError> {
    let raw: RawDocument = toml::from_str(text).map_err(|e| DocumentError {
        document: name.to_owned(),
        line: e.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1),
        what: e.message().to_owned(),
        mend: "correct this place and apply again".to_owned(),
    })?;
    raw.into_document().map_err(|(what, mend)| DocumentError { document: name.to_owned(), line: None, what, mend })
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

/// What is wrong, and what to do.
type Fault = (String, String);

fn fault(what: impl Into<String>, mend: impl Into<String>) -> Fault {
    (what.into(), mend.into())
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
                return Err(fault("parts of a site stand here without a [site]", "add [site] with its id and model"));
            }
            let agreements = self.agreement.into_iter().map(RawAgreement::into_agreement).collect::<Result<_, _>>()?;
            return Ok(Document { institution: self.institution, site: None, services: Vec::new(), agreements });
        };
        let institution = match (&self.institution, raw.institution) {
            (Some(i), None) => i.id.clone(),
            (Some(i), Some(named)) if i.id == named => named,
            (None, Some(named)) => named,
            (Some(i), Some(named)) => {
                return Err(fault(
                    format!("[site] names institution {named}, [institution] is {}", i.id),
                    "let both name the same institution",
                ));
            }
            (None, None) => {
                return Err(fault(
                    format!("site {} names no institution", raw.id),
                    "add [institution], or `institution = \"…\"` under [site]",
                ));
            }
        };
        let site = Site {
            name: raw.name,
            institution: institution.clone(),
            model: raw.model,
            lines: self.line,
            switch: one_switch(&raw.id, self.switch)?,
            gateway: self.gateway.ok_or_else(|| {
                fault(format!("site {} has no [gateway]", raw.id), "add [gateway] with uplink, mac and ike_identity")
            })?,
            segments: by_id("segment", self.segment, |s| s.id.clone())?,
            hosts: by_id("host", self.host, |h| h.id.clone())?,
            allow: self.allow.into_iter().map(RawAllow::into_rule).collect::<Result<_, _>>()?,
            in_house: self
                .inhouse
                .into_iter()
                .map(|r| Ok(InHouseRule { ports: ports("inhouse", r.ports)?, ..r }))
                .collect::<Result<_, Fault>>()?,
            transit: self
                .transit
                .into_iter()
                .map(|r| Ok(TransitRule { ports: ports("transit", r.ports)?, ..r }))
                .collect::<Result<_, Fault>>()?,
            never: nevers(&raw.id, self.never)?,
            id: raw.id,
        };
        let services =
            self.service.into_iter().map(|s| s.into_service(&institution, &site.id)).collect::<Result<Vec<_>, _>>()?;
        let agreements = self.agreement.into_iter().map(RawAgreement::into_agreement).collect::<Result<_, _>>()?;
        Ok(Document { institution: self.institution, site: Some(site), services, agreements })
    }
}

fn one_switch(site: &SiteId, mut switches: Vec<Switch>) -> Result<Switch, Fault> {
    match (switches.pop(), switches.is_empty()) {
        (Some(switch), true) => Ok(switch),
        (None, _) => Err(fault(format!("site {site} has no [[switch]]"), "add its switch with id and dpid")),
        (Some(_), false) => Err(fault(
            format!("site {site} has several switches"),
            "describe one switch; a site of this release has exactly one",
        )),
    }
}

fn by_id<K: Ord + fmt::Display + Clone, T>(
    kind: &str,
    items: Vec<T>,
    id: impl Fn(&T) -> K,
) -> Result<BTreeMap<K, T>, Fault> {
    let mut map = BTreeMap::new();
    for item in items {
        let key = id(&item);
        if map.insert(key.clone(), item).is_some() {
            return Err(fault(
                format!("{kind} {key} is described twice"),
                "keep one of the two, or give one another id",
            ));
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
        let id = id
            .or_else(by_place)
            .ok_or_else(|| fault(format!("{place} is one too many"), "a site has at most 999 of them"))?;
        if !seen.insert(id) {
            return Err(fault(format!("{place} is {id}, and so is another"), "give each [[never]] an id of its own"));
        }
        if !from.is_within(site) && !to.is_within(site) {
            return Err(fault(
                format!("{place} speaks of {from} and {to}, both outside {site}"),
                "a site forbids what begins or ends in it: name a zone, segment or host of its own on one side",
            ));
        }
        if because.ja.trim().is_empty() || because.en.trim().is_empty() {
            return Err(fault(format!("{place} gives no reason"), "say why in both languages under `because`"));
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
        return Err(fault(format!("the ports of {place} are empty, repeated or 0"), "list each port once, 1 to 65535"));
    }
    Ok(ports)
}

fn roles(place: &str, roles: Vec<String>) -> Result<Vec<String>, Fault> {
    if roles.is_empty() || roles.iter().any(|r| r.trim().is_empty()) {
        return Err(fault(format!("{place} names no role"), "name at least one role, e.g. \"Medical Doctor\""));
    }
    Ok(roles)
}

impl RawAllow {
    fn into_rule(self) -> Result<AllowRule, Fault> {
        let place = format!("[[allow]] for {}", self.service);
        if self.from.is_empty() {
            return Err(fault(format!("{place} names no terminal"), "name at least one host in `from`"));
        }
        Ok(AllowRule { roles: roles(&place, self.who.roles)?, from: self.from, service: self.service })
    }
}

impl RawAgreement {
    fn into_agreement(self) -> Result<Agreement, Fault> {
        let place = format!("agreement {}", self.id);
        if self.service.institution != self.provider {
            return Err(fault(
                format!("{place}: service {} is not offered by provider {}", self.service, self.provider),
                "name the institution that offers the service as provider",
            ));
        }
        if self.consumer == self.provider {
            return Err(fault(
                format!("{place}: both sides are {}", self.consumer),
                "an agreement needs two institutions",
            ));
        }
        if self.valid_from >= self.valid_until {
            return Err(fault(format!("{place} ends before it begins"), "let valid_until be later than valid_from"));
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
