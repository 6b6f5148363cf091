//! A scenario: which sites, wires, addresses and servers a lab has, read from TOML.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Deserializer, de};

/// The physical network of a lab. Only [`Scenario::parse`] and [`Scenario::load`] make one, so it is consistent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Name, for people.
    pub name: String,
    /// The segment between the sites.
    pub internet: Internet,
    /// The sites, each with a gateway of its own.
    #[serde(rename = "site")]
    pub sites: Vec<SiteSpec>,
}

/// The "Internet": one bridge that every gateway and the center are plugged into.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Internet {
    /// Its prefix.
    pub prefix: Ipv4Net,
    /// Address of the center.
    pub center: Ipv4Addr,
}

/// A place with a gate (拠点).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteSpec {
    /// Names its namespaces: `sk-<id>-…`.
    pub id: String,
    /// The model it is made from (G9).
    pub model: SiteModel,
    /// Legal entity.
    pub institution: String,
    /// Address of the black side on the Internet segment.
    pub wan: Ipv4Addr,
    /// OpenFlow datapath id, 16 hexadecimal digits.
    #[serde(deserialize_with = "datapath_id")]
    pub datapath_id: u64,
    /// MAC of the red side on the LAN.
    pub gateway_mac: String,
    /// OpenFlow port number of the red side.
    pub uplink_port: u16,
    /// Segments.
    #[serde(rename = "segment")]
    pub segments: Vec<Segment>,
    /// Hosts.
    #[serde(rename = "host", default)]
    pub hosts: Vec<Host>,
}

/// Models of a site (G9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteModel {
    /// A hospital.
    Large,
    /// A clinic.
    Small,
    /// A vendor that maintains equipment from afar.
    ServiceProvider,
}

/// Zones; every segment is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// 高セキュア.
    HighSecure,
    /// セキュア.
    Secure,
    /// DMZ.
    Dmz,
}

/// A prefix of a site with its gateway address on the red side.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Segment {
    /// Name within the site.
    pub id: String,
    /// Zone.
    pub zone: Zone,
    /// Prefix.
    pub prefix: IpNet,
    /// Address of the red side in it.
    pub gateway: IpAddr,
}

/// A host in a namespace of its own, bound to (switch port, MAC, address).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Host {
    /// Name within the site; at most 15 bytes, since the switch's interface is called so.
    pub id: String,
    /// Its segment.
    pub segment: String,
    /// Its address.
    pub address: IpAddr,
    /// Its MAC.
    pub mac: String,
    /// Its OpenFlow port number.
    pub port: u16,
    /// Whether a person sits at it.
    #[serde(default)]
    pub terminal: bool,
    /// What it serves.
    #[serde(default)]
    pub serves: Vec<Served>,
}

/// One open port of a host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Served {
    /// What answers there.
    pub protocol: Protocol,
    /// Port.
    pub port: u16,
}

/// What answers at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTPS with a small record and an endless download.
    Https,
    /// TCP echo that says the host's name first.
    Tcp,
    /// UDP echo.
    Udp,
}

/// Why a document is not a scenario. The document is at fault; each text names the place.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file is not readable.
    #[error("{path}: {source}")]
    Read {
        /// File.
        path: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or not of this shape.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A name that cannot become a namespace or an interface.
    #[error(
        "{place}: `{name}` must be 1 to {max} of a-z, 0-9 and `-`, and not one of br0, lo, mgmt0, uplink, sw, red, black"
    )]
    Name {
        /// Where.
        place: String,
        /// The name.
        name: String,
        /// Longest length in bytes.
        max: usize,
    },
    /// Something that must be unique is there twice.
    #[error("{place}: {what} {value} is used twice")]
    Twice {
        /// Where the second one is.
        place: String,
        /// Kind of value.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// An address lies outside its prefix, or a reference names nothing.
    #[error("{place}: {what}")]
    Misplaced {
        /// Where.
        place: String,
        /// What is wrong and how to mend it.
        what: String,
    },
}

impl Scenario {
    /// Reads a scenario file.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Read { path: path.display().to_string(), source })?;
        Self::parse(&text)
    }

    /// Reads a scenario document and checks that it can be built.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    /// The three sites of the demo.
    #[must_use]
    pub fn three_sites() -> Self {
        Self::parse(crate::THREE_SITES).expect("the scenario in the repository is valid (a test reads it)")
    }

    /// A site by id.
    #[must_use]
    pub fn site(&self, id: &str) -> Option<&SiteSpec> {
        self.sites.iter().find(|site| site.id == id)
    }

    /// The prefixes behind all gateways but `site`'s: what its red side routes into the tunnel device.
    #[must_use]
    pub fn remote_prefixes(&self, site: &str) -> Vec<IpNet> {
        let others = self.sites.iter().filter(|other| other.id != site);
        others.flat_map(|other| other.segments.iter().map(|segment| segment.prefix)).collect()
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let mut seen = Seen::default();
        let mut prefixes = vec![(IpNet::V4(self.internet.prefix), "internet".to_owned())];
        in_prefix("internet.center", self.internet.center.into(), self.internet.prefix.into())?;
        seen.once("internet.center", "address", self.internet.center)?;
        for site in &self.sites {
            let place = format!("site `{}`", site.id);
            name(&place, &site.id, 12)?;
            seen.once(&place, "site id", &site.id)?;
            seen.once(&place, "datapath-id", format!("{:016x}", site.datapath_id))?;
            in_prefix(&place, site.wan.into(), self.internet.prefix.into())?;
            seen.once(&place, "address", site.wan)?;
            mac(&place, &site.gateway_mac)?;
            seen.once(&place, "MAC", site.gateway_mac.to_lowercase())?;
            for segment in &site.segments {
                let place = format!("{place} segment `{}`", segment.id);
                seen.once(&place, "segment", format!("{}/{}", site.id, segment.id))?;
                in_prefix(&place, segment.gateway, segment.prefix)?;
                seen.once(&place, "address", segment.gateway)?;
                let clash = prefixes
                    .iter()
                    .find(|(other, _)| other.contains(&segment.prefix) || segment.prefix.contains(other));
                if let Some((other, owner)) = clash {
                    let what = format!("{} overlaps {other} of {owner}: choose another prefix", segment.prefix);
                    return Err(ScenarioError::Misplaced { place, what });
                }
                prefixes.push((segment.prefix, place));
            }
            site.check_hosts(&place, &mut seen)?;
        }
        Ok(())
    }
}

impl SiteSpec {
    /// Does any of its segments speak IPv6? Only then its namespaces do.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        self.segments.iter().any(|segment| segment.gateway.is_ipv6())
    }

    /// A host by id.
    #[must_use]
    pub fn host(&self, id: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.id == id)
    }

    /// A segment by id.
    #[must_use]
    pub fn segment(&self, id: &str) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.id == id)
    }

    fn check_hosts(&self, place: &str, seen: &mut Seen) -> Result<(), ScenarioError> {
        let site = &self.id;
        port(place, self.uplink_port)?;
        seen.once(place, "switch port", format!("{site}:{}", self.uplink_port))?;
        for host in &self.hosts {
            let place = format!("{place} host `{}`", host.id);
            name(&place, &host.id, 15)?;
            seen.once(&place, "host", format!("{site}/{}", host.id))?;
            seen.once(&place, "address", host.address)?;
            mac(&place, &host.mac)?;
            seen.once(&place, "MAC", host.mac.to_lowercase())?;
            port(&place, host.port)?;
            seen.once(&place, "switch port", format!("{site}:{}", host.port))?;
            let Some(segment) = self.segment(&host.segment) else {
                let what = format!("segment `{}` is not one of this site", host.segment);
                return Err(ScenarioError::Misplaced { place, what });
            };
            in_prefix(&place, host.address, segment.prefix)?;
            for served in &host.serves {
                let layer = if served.protocol == Protocol::Udp { "udp" } else { "tcp" };
                seen.once(&place, "served port", format!("{site}/{}:{layer}/{}", host.id, served.port))?;
            }
        }
        Ok(())
    }
}

/// Values that must be unique, by kind.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, BTreeSet<String>>);

impl Seen {
    fn once(&mut self, place: &str, what: &'static str, value: impl ToString) -> Result<(), ScenarioError> {
        let value = value.to_string();
        if self.0.entry(what).or_default().insert(value.clone()) {
            return Ok(());
        }
        Err(ScenarioError::Twice { place: place.into(), what, value })
    }
}

fn name(place: &str, name: &str, max: usize) -> Result<(), ScenarioError> {
    let taken = ["br0", "lo", "mgmt0", "uplink", "sw", "red", "black"].contains(&name);
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    // A leading dash would be read as an option by the tools.
    if taken || !plain || name.is_empty() || name.len() > max || name.starts_with('-') {
        return Err(ScenarioError::Name { place: place.into(), name: name.into(), max });
    }
    Ok(())
}

fn mac(place: &str, mac: &str) -> Result<(), ScenarioError> {
    let octets: Vec<_> =
        mac.split(':').map(|octet| (octet.len() == 2).then(|| u8::from_str_radix(octet, 16).ok())).collect();
    match octets.first().copied().flatten().flatten() {
        Some(first) if first & 1 == 0 && octets.len() == 6 && octets.iter().all(|o| o.flatten().is_some()) => Ok(()),
        _ => Err(ScenarioError::Misplaced {
            place: place.into(),
            what: format!("`{mac}` is not a unicast MAC; write it as 02:00:00:00:00:01"),
        }),
    }
}

/// OpenFlow 1.3.5 §7.2.1 reserves the numbers above 0xff00 (of 16-bit ports) and OVS needs 0 for "any".
fn port(place: &str, port: u16) -> Result<(), ScenarioError> {
    if (1..0xff00).contains(&port) {
        return Ok(());
    }
    Err(ScenarioError::Misplaced { place: place.into(), what: format!("switch port {port} is not in 1..65280") })
}

fn in_prefix(place: &str, address: IpAddr, prefix: IpNet) -> Result<(), ScenarioError> {
    let inside = prefix.contains(&address) && address != prefix.network() && address != prefix.broadcast();
    if inside {
        return Ok(());
    }
    Err(ScenarioError::Misplaced { place: place.into(), what: format!("{address} is not a host address of {prefix}") })
}

fn datapath_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let id = (text.len() == 16).then(|| u64::from_str_radix(&text, 16).ok()).flatten();
    id.ok_or_else(|| de::Error::custom(format!("datapath-id `{text}` must be 16 hexadecimal digits")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_sites_are_valid() {
        let scenario = Scenario::three_sites();
        assert_eq!(scenario.sites.len(), 3);
        let remote: Vec<_> = scenario.remote_prefixes("clinic").iter().map(ToString::to_string).collect();
        assert_eq!(remote, ["10.2.10.0/24", "10.2.20.0/24", "10.3.10.0/24"]);
    }

    #[test]
    fn every_mistake_names_its_place() {
        let cases = [
            ("id = \"exam-2\"", "id = \"exam-1\"", "host clinic/exam-1 is used twice"),
            ("address = \"10.1.20.12\"", "address = \"10.1.20.11\"", "address 10.1.20.11 is used twice"),
            ("mac = \"02:00:0a:01:14:0c\"", "mac = \"02:00:0A:01:14:0b\"", "MAC 02:00:0a:01:14:0b is used twice"),
            ("mac = \"02:00:0a:01:14:0c\"", "mac = \"03:00:0a:01:14:0c\"", "unicast MAC"),
            ("port = 4\nterminal", "port = 1\nterminal", "switch port clinic:1 is used twice"),
            ("address = \"10.1.20.12\"", "address = \"10.9.20.12\"", "not a host address of 10.1.20.0/24"),
            ("prefix = \"10.3.10.0/24\"", "prefix = \"10.1.0.0/16\"", "not a host address of 10.1.0.0/16"),
            (
                "prefix = \"10.2.20.0/24\"\ngateway = \"10.2.20.1\"",
                "prefix = \"10.2.0.0/16\"\ngateway = \"10.2.20.1\"",
                "overlaps 10.2.10.0/24",
            ),
            ("wan = \"192.0.2.12\"", "wan = \"192.0.2.11\"", "address 192.0.2.11 is used twice"),
            ("id = \"ops-1\"", "id = \"operations-terminal-1\"", "must be 1 to 15"),
            ("id = \"ops-1\"", "id = \"red\"", "not one of"),
            ("datapath-id = \"0000000000000013\"", "datapath-id = \"13\"", "16 hexadecimal digits"),
            ("terminal = true", "terminl = true", "unknown field `terminl`"),
            ("model = \"small\"", "model = \"tiny\"", "unknown variant `tiny`"),
        ];
        for (from, to, expected) in cases {
            assert!(crate::THREE_SITES.contains(from), "{from}");
            let error = Scenario::parse(&crate::THREE_SITES.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(cut in 0usize..4000, noise in "\\PC{0,12}") {
            let at = crate::THREE_SITES.char_indices().map(|(i, _)| i).nth(cut % crate::THREE_SITES.chars().count()).unwrap();
            let _ = Scenario::parse(&format!("{}{noise}{}", &crate::THREE_SITES[..at], &crate::THREE_SITES[at..]));
        }
    }
}
