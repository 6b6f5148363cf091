//! What a site forbids itself: invariants of its own, written in its document (X1, G8).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::{CookieOwner, Grant, HostId, HostRef, LocalizedName, SegmentId, Site, SiteId, Zone};

/// A promise of a site (拠点独自の不変条件): no connection ever begins at `from` and ends at `to`, whoever permits it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeverRule {
    /// Its id within the site; checksheets point to it as `clinic/S01`.
    pub id: NeverId,
    /// Where connections would originate.
    pub from: Part,
    /// Where they would end.
    pub to: Part,
    /// Why, as the site says it.
    pub because: LocalizedName,
}

impl NeverRule {
    /// Does it forbid a connection between these hosts? `site` is the one whose document holds the rule.
    pub fn forbids(&self, site: &Site, from: &HostRef, to: &HostRef) -> bool {
        self.from.holds(site, from) && self.to.holds(site, to)
    }
}

impl Site {
    /// The first of its promises that a connection between these hosts would break.
    pub fn forbids(&self, from: &HostRef, to: &HostRef) -> Option<&NeverRule> {
        self.never.iter().find(|rule| rule.forbids(self, from, to))
    }

    /// The first of its promises that a grant would break.
    pub fn forbids_grant(&self, grant: &Grant) -> Option<&NeverRule> {
        if self.never.is_empty() {
            return None;
        }
        self.forbids(&grant.origin.host_ref(), &grant.destination.host_ref())
    }

    /// The in-house rules and transit wishes of its own document that one of its promises forbids.
    pub fn forbidden_wishes(&self) -> Vec<(CookieOwner, &NeverRule)> {
        let own = |host: &HostId| HostRef { site: self.id.clone(), host: host.clone() };
        let in_house =
            self.in_house.iter().zip(0..).filter_map(|(rule, n)| {
                Some((CookieOwner::InHouse(n), self.forbids(&own(&rule.from), &own(&rule.to))?))
            });
        let transit = self
            .transit
            .iter()
            .zip(0..)
            .filter_map(|(rule, n)| Some((CookieOwner::Transit(n), self.forbids(&rule.from, &rule.to)?)));
        in_house.chain(transit).collect()
    }
}

/// Number of a site's promise, `S01` and on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NeverId(pub u16);

impl FromStr for NeverId {
    type Err = NeverError;
    fn from_str(text: &str) -> Result<Self, NeverError> {
        let wrong = || NeverError { text: text.to_owned(), expected: "an id like S01, S01 to S999" };
        let digits = text.strip_prefix('S').filter(|d| (2..=3).contains(&d.len())).ok_or_else(wrong)?;
        let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        // One way to write each: S01, never S001.
        let id = number.filter(|n| *n > 0).map(Self).ok_or_else(wrong)?;
        if id.to_string() == text { Ok(id) } else { Err(wrong()) }
    }
}
impl fmt::Display for NeverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{:02}", self.0)
    }
}

/// A part of the network, as a site names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Part {
    /// `zone:high-secure`: hosts of this zone of the site.
    Zone(Zone),
    /// `segment:exam-rooms`: hosts of this segment of the site.
    Segment(SegmentId),
    /// `host:exam-1`: this host of the site.
    Host(HostId),
    /// `host:hospital/portal`: this host, named from outside its site.
    HostAt(HostRef),
    /// `site:hospital`: all hosts of this site.
    Site(SiteId),
    /// `outside`: all hosts of all other sites.
    Outside,
}

impl Part {
    /// Is the host in it? `site` is the one whose document speaks.
    pub fn holds(&self, site: &Site, host: &HostRef) -> bool {
        let own = (host.site == site.id).then(|| site.hosts.get(&host.host)).flatten();
        match self {
            Self::Zone(zone) => own.and_then(|h| site.zone_of(h)) == Some(*zone),
            Self::Segment(segment) => own.is_some_and(|h| h.segment == *segment),
            Self::Host(id) => own.is_some_and(|h| h.id == *id),
            Self::HostAt(there) => there == host,
            Self::Site(there) => *there == host.site,
            Self::Outside => host.site != site.id,
        }
    }

    /// Does it name hosts of the site whose document speaks?
    pub fn is_within(&self, site: &SiteId) -> bool {
        match self {
            Self::Zone(_) | Self::Segment(_) | Self::Host(_) => true,
            Self::HostAt(host) => host.site == *site,
            Self::Site(there) => there == site,
            Self::Outside => false,
        }
    }
}

impl FromStr for Part {
    type Err = NeverError;
    fn from_str(text: &str) -> Result<Self, NeverError> {
        const SHAPE: &str = "a part like zone:high-secure, segment:exam-rooms, host:exam-1, host:hospital/portal, \
                             site:hospital or outside";
        let wrong = || NeverError { text: text.to_owned(), expected: SHAPE };
        if text == "outside" {
            return Ok(Self::Outside);
        }
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        match kind {
            "zone" => Zone::ALL.into_iter().find(|z| z.to_string() == name).map(Self::Zone).ok_or_else(wrong),
            "segment" => name.parse().map(Self::Segment).map_err(|_| wrong()),
            "host" if name.contains('/') => name.parse().map(Self::HostAt).map_err(|_| wrong()),
            "host" => name.parse().map(Self::Host).map_err(|_| wrong()),
            "site" => name.parse().map(Self::Site).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(zone) => write!(f, "zone:{zone}"),
            Self::Segment(segment) => write!(f, "segment:{segment}"),
            Self::Host(host) => write!(f, "host:{host}"),
            Self::HostAt(host) => write!(f, "host:{host}"),
            Self::Site(site) => write!(f, "site:{site}"),
            Self::Outside => f.write_str("outside"),
        }
    }
}

/// Why a text names no promise or part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct NeverError {
    /// What was found.
    pub text: String,
    /// What it should look like.
    pub expected: &'static str,
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = NeverError;
            fn try_from(text: String) -> Result<Self, NeverError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    )*};
}
as_text!(NeverId, Part);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_document;

    const HOSPITAL: &str = include_str!("../tests/documents/hospital.toml");

    #[test]
    fn ids_and_parts_are_written_one_way() {
        for good in ["S01", "S12", "S999"] {
            assert_eq!(good.parse::<NeverId>().unwrap().to_string(), good);
        }
        for bad in ["S1", "S00", "S001", "s01", "I01", "S1000", "S+1", ""] {
            assert!(bad.parse::<NeverId>().is_err(), "{bad}");
        }
        for good in ["zone:dmz", "segment:wards", "host:portal", "host:clinic/exam-1", "site:clinic", "outside"] {
            assert_eq!(good.parse::<Part>().unwrap().to_string(), good);
        }
        for bad in ["zone:attic", "wards", "segment:", "host:a/b/c", "site:A", "Outside", "outside:all"] {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_promise_forbids_exactly_what_it_names() {
        let text = format!(
            "{HOSPITAL}\n[[never]]\nfrom = \"zone:secure\"\nto = \"outside\"\n\
             because = {{ ja = \"病棟は外へつながない\", en = \"Wards never reach out\" }}\n"
        );
        let site = parse_document("hospital", &text).unwrap().site.unwrap();
        let host = |name: &str| name.parse::<HostRef>().unwrap();
        let forbids = |from: &str, to: &str| site.forbids(&host(from), &host(to)).map(|r| r.id.to_string());
        assert_eq!(forbids("hospital/ward-1", "clinic/exam-1").as_deref(), Some("S01"));
        assert_eq!(forbids("hospital/ward-1", "hospital/portal"), None);
        assert_eq!(forbids("hospital/portal", "clinic/exam-1"), None);
        assert_eq!(forbids("clinic/exam-1", "hospital/ward-1"), None);
        assert!(site.forbidden_wishes().is_empty());
        let own = text.replace("to = \"outside\"", "to = \"host:portal\"");
        let site = parse_document("hospital", &own).unwrap().site.unwrap();
        assert_eq!(site.forbidden_wishes()[0].0, CookieOwner::InHouse(0));
    }
}
