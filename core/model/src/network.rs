//! The whole network, checked as one.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::{
    Agreement, AgreementId, Document, HostId, HostRef, Institution, InstitutionId, Part, PortNo, Service, ServiceId,
    Site, SiteFacts, SiteId,
};

/// Everything that was applied. Whatever holds a `Network` made by [`Network::with`] holds a consistent one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Legal entities.
    pub institutions: BTreeMap<InstitutionId, Institution>,
    /// Sites.
    pub sites: BTreeMap<SiteId, Site>,
    /// Services.
    pub services: BTreeMap<ServiceId, Service>,
    /// Agreements.
    pub agreements: BTreeMap<AgreementId, Agreement>,
}

/// Why documents do not fit together; nothing of them is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}; {mend}")]
pub struct NetworkError {
    /// Which object, e.g. `clinic/exam-1`.
    pub place: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
    /// Sites of which the text tells something: it is theirs and the operator's to read.
    pub sites: BTreeSet<SiteId>,
    /// What two sites cannot both have, if that is what is wrong.
    pub clash: Option<Clash>,
}

/// What a site has alone in the whole network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// Addresses of a segment.
    Prefix,
    /// Datapath id of its switch.
    Dpid,
    /// Name of its gateway in IKE.
    IkeIdentity,
    /// Address of a line.
    LineAddress,
}

impl Clash {
    /// Stable name, also of its case in the text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Dpid => "dpid",
            Self::IkeIdentity => "ike-identity",
            Self::LineAddress => "line-address",
        }
    }
}

fn error(place: impl ToString, what: impl Into<String>, mend: impl Into<String>) -> NetworkError {
    let (what, mend) = (what.into(), mend.into());
    NetworkError { place: place.to_string(), what, mend, sites: BTreeSet::new(), clash: None }
}

impl NetworkError {
    fn about<const N: usize>(self, sites: [&SiteId; N]) -> Self {
        Self { sites: sites.map(SiteId::clone).into(), ..self }
    }

    fn of(self, clash: Clash) -> Self {
        Self { clash: Some(clash), ..self }
    }
}

impl Network {
    /// The network with these documents taken in: an object of the same id is replaced, a site brings all its services.
    /// Taking the same documents again changes nothing.
    ///
    /// # Errors
    /// Every fault found, not only the first; this network stays as it was.
    pub fn with(&self, documents: &[Document]) -> Result<Self, Vec<NetworkError>> {
        let mut next = self.clone();
        let mut faults = Vec::new();
        let mut seen_sites = BTreeSet::new();
        for document in documents {
            if let Some(institution) = &document.institution {
                next.institutions.insert(institution.id.clone(), institution.clone());
            }
            if let Some(site) = &document.site {
                if !seen_sites.insert(site.id.clone()) {
                    faults.push(error(&site.id, "two documents describe this site", "apply one of them"));
                }
                next.services.retain(|_, s| s.host.site != site.id);
                next.sites.insert(site.id.clone(), site.clone());
            }
            for service in &document.services {
                if next.services.insert(service.id.clone(), service.clone()).is_some() {
                    faults.push(error(&service.id, "two services have this id", "rename one of them"));
                }
            }
            for agreement in &document.agreements {
                next.agreements.insert(agreement.id.clone(), agreement.clone());
            }
        }
        faults.extend(next.faults());
        if faults.is_empty() { Ok(next) } else { Err(faults) }
    }

    /// A host anywhere.
    pub fn host(&self, at: &HostRef) -> Option<(&Site, &crate::Host)> {
        let site = self.sites.get(&at.site)?;
        site.hosts.get(&at.host).map(|h| (site, h))
    }

    /// What a site's tables are judged against.
    pub fn facts(&self, site: &SiteId) -> Option<SiteFacts> {
        self.facts_among(site, &self.peers())
    }

    /// The same of every site; what they know of each other is made once and shared.
    pub fn all_facts(&self) -> impl Iterator<Item = SiteFacts> {
        let peers = self.peers();
        self.sites.keys().filter_map(move |id| self.facts_among(id, &peers))
    }

    fn peers(&self) -> BTreeMap<SiteId, Arc<crate::PeerFacts>> {
        self.sites.iter().filter_map(|(id, s)| Some((id.clone(), Arc::new(s.as_peer()?)))).collect()
    }

    fn facts_among(&self, site: &SiteId, peers: &BTreeMap<SiteId, Arc<crate::PeerFacts>>) -> Option<SiteFacts> {
        let others = peers.iter().filter(|(id, _)| *id != site);
        let peers = others.map(|(id, peer)| (id.clone(), Arc::clone(peer))).collect();
        Some(SiteFacts { site: self.sites.get(site)?.clone(), peers })
    }

    fn faults(&self) -> Vec<NetworkError> {
        let mut faults = Vec::new();
        for site in self.sites.values() {
            let before = faults.len();
            self.site_faults(site, &mut faults);
            faults[before..].iter_mut().for_each(|fault| fault.sites = BTreeSet::from([site.id.clone()]));
        }
        self.overlaps(&mut faults);
        for service in self.services.values() {
            if !self.sites.get(&service.host.site).is_some_and(|s| s.hosts.contains_key(&service.host.host)) {
                let mend = "describe the host at that site";
                let fault = error(&service.id, format!("its host {} is unknown", service.host), mend);
                faults.push(fault.about([&service.host.site]));
            }
        }
        for agreement in self.agreements.values() {
            if !self.services.contains_key(&agreement.service) {
                faults.push(error(
                    &agreement.id,
                    format!("service {} is unknown", agreement.service),
                    "apply the provider's document first",
                ));
            }
            if !self.institutions.contains_key(&agreement.consumer) {
                faults.push(error(
                    &agreement.id,
                    format!("institution {} is unknown", agreement.consumer),
                    "apply the consumer's document first",
                ));
            }
        }
        faults
    }

    fn site_faults(&self, site: &Site, faults: &mut Vec<NetworkError>) {
        let at = |part: &dyn std::fmt::Display| format!("{}/{part}", site.id);
        if !self.institutions.contains_key(&site.institution) {
            faults.push(error(
                &site.id,
                format!("institution {} is unknown", site.institution),
                "describe it in [institution]",
            ));
        }
        if site.lines.is_empty() {
            faults.push(error(&site.id, "it has no line", "add a [[line]] with the gateway's address"));
        }
        if site.gateway.uplink.switch != site.switch.id {
            faults.push(error(
                &site.id,
                format!("the uplink names switch {}", site.gateway.uplink.switch),
                format!("name {}", site.switch.id),
            ));
        }
        let mut vlans = BTreeMap::new();
        for segment in site.segments.values() {
            if !site.model.zones().contains(&segment.zone) {
                faults.push(error(
                    at(&segment.id),
                    format!("a site of this model has no {} zone (G9)", segment.zone),
                    "move the segment to a zone of the model, or make the site from another model",
                ));
            }
            if !(1..=4094).contains(&segment.vlan) {
                faults.push(error(
                    at(&segment.id),
                    format!("VLAN {} does not exist", segment.vlan),
                    "choose 1 to 4094",
                ));
            }
            if let Some(other) = vlans.insert(segment.vlan, &segment.id) {
                faults.push(error(
                    at(&segment.id),
                    format!("VLAN {} is also that of {other}", segment.vlan),
                    "give each segment its own VLAN",
                ));
            }
            if !segment.prefix.contains(&segment.gateway_address()) {
                faults.push(error(at(&segment.id), "the gateway's address is outside the prefix", "choose one inside"));
            }
            if let IpAddr::V6(address) = segment.prefix.addr()
                && (address.is_unicast_link_local() || address.is_multicast())
            {
                faults.push(error(
                    at(&segment.id),
                    format!("nothing is routed to {}: it is link-local or multicast", segment.prefix),
                    "choose a prefix of your own, global or unique local (RFC 4193)",
                ));
            }
        }
        let mut ports: BTreeMap<PortNo, &HostId> = BTreeMap::new();
        let mut macs = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for host in site.hosts.values() {
            match site.segments.get(&host.segment) {
                None => faults.push(error(
                    at(&host.id),
                    format!("segment {} is unknown", host.segment),
                    "name a segment of this site",
                )),
                Some(segment) => {
                    if !segment.prefix.contains(&host.address) {
                        faults.push(error(
                            at(&host.id),
                            format!("{} is outside {} ({})", host.address, segment.id, segment.prefix),
                            "give it an address of its segment",
                        ));
                    }
                    if segment.gateway_address() == host.address {
                        faults.push(error(
                            at(&host.id),
                            format!("{} is the gateway's address", host.address),
                            "give it another address",
                        ));
                    }
                    for other in
                        site.segments.values().filter(|s| s.id != segment.id && s.prefix.contains(&host.address))
                    {
                        if other.zone != segment.zone {
                            faults.push(error(
                                at(&host.id),
                                format!("its address puts it in two zones: {} and {}", segment.zone, other.zone),
                                "let the prefixes of the two segments not overlap",
                            ));
                        }
                    }
                }
            }
            if host.port.switch != site.switch.id {
                faults.push(error(
                    at(&host.id),
                    format!("switch {} is unknown", host.port.switch),
                    format!("name {}", site.switch.id),
                ));
            }
            if host.port == site.gateway.uplink {
                faults.push(error(
                    at(&host.id),
                    format!("port {} is the gateway's", host.port),
                    "plug it into another port",
                ));
            }
            if host.mac == site.gateway.mac {
                faults.push(error(
                    at(&host.id),
                    format!("{} is the gateway's MAC", host.mac),
                    "correct one of the two",
                ));
            }
            for (taken, what) in [
                (ports.insert(host.port.port, &host.id), "port"),
                (macs.insert(host.mac, &host.id), "MAC"),
                (addresses.insert(host.address, &host.id), "address"),
            ] {
                if let Some(other) = taken {
                    faults.push(error(
                        at(&host.id),
                        format!("its {what} is also that of {other}"),
                        format!("give each host its own {what}"),
                    ));
                }
            }
        }
        let known = |id: &HostId| site.hosts.contains_key(id);
        for (n, rule) in site.allow.iter().enumerate() {
            let place = at(&format!("allow[{n}]"));
            for host in rule.from.iter().filter(|h| !known(h)) {
                faults.push(error(&place, format!("host {host} is unknown"), "name hosts of this site"));
            }
            for host in rule.from.iter().filter_map(|h| site.hosts.get(h)).filter(|h| !h.terminal) {
                faults.push(error(
                    &place,
                    format!("host {} is no terminal", host.id),
                    "set `terminal = true` on it, or name another",
                ));
            }
        }
        for (n, rule) in site.in_house.iter().enumerate() {
            for host in [&rule.from, &rule.to].into_iter().filter(|h| !known(h)) {
                faults.push(error(
                    at(&format!("inhouse[{n}]")),
                    format!("host {host} is unknown"),
                    "name hosts of this site",
                ));
            }
            let ends = [&rule.from, &rule.to].map(|host| site.hosts.get(host).map(|host| host.address));
            if let [Some(from), Some(to)] = ends
                && from.is_ipv4() != to.is_ipv4()
            {
                faults.push(error(
                    at(&format!("inhouse[{n}]")),
                    format!("{from} and {to} are of two families: neither can speak to the other"),
                    "name two hosts with IPv4, or two with IPv6",
                ));
            }
        }
        for (n, rule) in site.transit.iter().enumerate() {
            for host in [&rule.from, &rule.to].into_iter().filter(|h| self.host(h).is_none()) {
                faults.push(error(
                    at(&format!("transit[{n}]")),
                    format!("host {host} is unknown"),
                    "name hosts as site/host",
                ));
            }
        }
        for rule in &site.never {
            for part in [&rule.from, &rule.to] {
                let there = match part {
                    Part::Zone(_) | Part::Outside => true,
                    Part::Segment(segment) => site.segments.contains_key(segment),
                    Part::Host(host) => known(host),
                    Part::HostAt(host) => self.host(host).is_some(),
                    Part::Site(other) => self.sites.contains_key(other),
                };
                if !there {
                    faults.push(error(
                        at(&rule.id),
                        format!("{part} is unknown"),
                        "name what is described; a promise about nothing protects nothing",
                    ));
                }
            }
        }
    }

    /// Prefixes are one address space: two segments that overlap could never be told apart by a tunnel.
    fn overlaps(&self, faults: &mut Vec<NetworkError>) {
        let mut all: Vec<_> =
            self.sites.values().flat_map(|s| s.segments.values().map(move |g| (g.prefix, s, g))).collect();
        all.sort_by_key(|(p, _, _)| (p.network(), p.prefix_len()));
        // Sorted by first address, a prefix overlaps an earlier one only if one of those still open contains it.
        let mut open: Vec<&(ipnet::IpNet, &Site, &crate::Segment)> = Vec::new();
        for item in &all {
            open.retain(|o| o.0.contains(&item.0.network()));
            if let Some(other) = open.last() {
                let fault = error(
                    format!("{}/{}", item.1.id, item.2.id),
                    format!("its prefix {} overlaps {} of {}/{}", item.0, other.0, other.1.id, other.2.id),
                    "give one of the two another prefix",
                );
                faults.push(fault.about([&item.1.id, &other.1.id]).of(Clash::Prefix));
            }
            open.push(item);
        }
        let mut dpids = BTreeMap::new();
        let mut wans = BTreeMap::new();
        let mut names = BTreeMap::new();
        for site in self.sites.values() {
            if let Some(other) = dpids.insert(site.switch.dpid, &site.id) {
                let what = format!("datapath id {} is also that of {other}", site.switch.dpid);
                let fault = error(&site.id, what, "give each switch its own");
                faults.push(fault.about([&site.id, other]).of(Clash::Dpid));
            }
            if let Some(other) = names.insert(&site.gateway.ike_identity, &site.id) {
                let what = format!("IKE identity {} is also that of {other}", site.gateway.ike_identity);
                let fault = error(&site.id, what, "give each gateway its own");
                faults.push(fault.about([&site.id, other]).of(Clash::IkeIdentity));
            }
            for line in &site.lines {
                if let Some(other) = wans.insert(line.address, &site.id) {
                    let what = format!("line address {} is also that of {other}", line.address);
                    let fault = error(&site.id, what, "correct one of the two");
                    faults.push(fault.about([&site.id, other]).of(Clash::LineAddress));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_document;

    const CLINIC: &str = include_str!("../tests/documents/clinic.toml");
    const HOSPITAL: &str = include_str!("../tests/documents/hospital.toml");
    const PROVIDER: &str = include_str!("../tests/documents/provider.toml");

    fn network(clinic: &str, hospital: &str) -> Result<Network, Vec<NetworkError>> {
        let documents: Vec<_> = [("clinic", clinic), ("hospital", hospital), ("provider", PROVIDER)]
            .into_iter()
            .map(|(n, t)| parse_document(n, t).unwrap())
            .collect();
        Network::default().with(&documents)
    }

    #[test]
    fn three_sites_fit_together_and_taking_them_twice_changes_nothing() {
        let one = network(CLINIC, HOSPITAL).unwrap();
        assert_eq!(one.sites.len(), 3);
        assert_eq!(one.services.len(), 3);
        let again = one.with(&[parse_document("clinic", CLINIC).unwrap()]).unwrap();
        assert_eq!(one, again);
        assert_eq!(one.facts(&"clinic".parse().unwrap()).unwrap().peers.len(), 2);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_mend() {
        let cases: &[(&str, &str, &str)] = &[
            ("prefix = \"10.2.20.0/24\"", "prefix = \"10.1.20.0/23\"", "overlaps"),
            ("prefix = \"10.2.20.0/24\"", "prefix = \"10.2.0.0/16\"", "two zones"),
            ("address = \"10.2.20.11\"", "address = \"10.2.21.11\"", "outside wards"),
            ("address = \"10.2.10.20\"", "address = \"10.2.10.10\"", "address is also that of"),
            ("port = \"sw1/5\"", "port = \"sw1/1\"", "is the gateway's"),
            ("port = \"sw1/5\"", "port = \"sw9/5\"", "switch sw9 is unknown"),
            ("segment = \"wards\"", "segment = \"attic\"", "segment attic is unknown"),
            ("model = \"large\"", "model = \"service-provider\"", "has no secure zone"),
            ("dpid = \"0000000000000002\"", "dpid = \"0000000000000001\"", "datapath id"),
            ("address = \"192.0.2.12\"", "address = \"192.0.2.11\"", "line address"),
            ("from = \"ward-1\"", "from = \"ward-9\"", "host ward-9 is unknown"),
            ("host = \"record-server\"", "host = \"nobody\"", "its host hospital/nobody is unknown"),
            ("vlan = 20", "vlan = 10", "VLAN 10 is also that of"),
            ("prefix = \"10.2.20.0/24\"", "prefix = \"fe80:2::/64\"", "link-local or multicast"),
            ("prefix = \"10.2.20.0/24\"", "prefix = \"ff02::/64\"", "link-local or multicast"),
            ("address = \"10.2.20.11\"", "address = \"fd00:2::11\"", "are of two families"),
        ];
        for (from, to, expected) in cases {
            let text = HOSPITAL.replacen(from, to, 1);
            assert_ne!(text, HOSPITAL, "the case `{to}` changes nothing");
            let faults = network(CLINIC, &text).unwrap_err();
            assert!(faults.iter().any(|f| f.to_string().contains(expected)), "{faults:?} do not say `{expected}`");
        }
        let clashes = HOSPITAL
            .replace("0000000000000002", "0000000000000001")
            .replace("10.2.20.0/24", "10.1.20.0/24")
            .replace("192.0.2.12", "192.0.2.11");
        let both: BTreeSet<SiteId> = ["clinic", "hospital"].map(|id| id.parse().unwrap()).into();
        let found: BTreeSet<Clash> = network(CLINIC, &clashes)
            .unwrap_err()
            .into_iter()
            .filter_map(|fault| (fault.sites == both).then_some(fault.clash).flatten())
            .collect();
        assert_eq!(found, [Clash::Prefix, Clash::Dpid, Clash::LineAddress].into());
        let not_a_terminal = CLINIC.replacen("terminal = true", "terminal = false", 1);
        assert!(network(&not_a_terminal, HOSPITAL).unwrap_err()[0].to_string().contains("is no terminal"));
    }
}
