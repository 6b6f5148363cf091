//! The whole network, checked as one.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::{
    Agreement, AgreementId, Checksheet, Document, DocumentFault, HostId, HostRef, Institution, InstitutionId, Part,
    PortNo, Service, ServiceId, Site, SiteFacts, SiteId,
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
    /// What people answered of their sites (G11). What a network without any is written as, it always was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checksheets: BTreeMap<SiteId, Checksheet>,
}

/// Why documents do not fit together; nothing of them is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct NetworkError {
    /// Which object, e.g. `clinic/exam-1`.
    pub place: String,
    /// What is wrong.
    pub fault: DocumentFault,
    /// Sites of which the text tells something: it is theirs and the operator's to read.
    pub sites: BTreeSet<SiteId>,
}

fn error(place: impl ToString, fault: DocumentFault) -> NetworkError {
    NetworkError { place: place.to_string(), fault, sites: BTreeSet::new() }
}

impl NetworkError {
    fn about<const N: usize>(self, sites: [&SiteId; N]) -> Self {
        Self { sites: sites.map(SiteId::clone).into(), ..self }
    }
}

impl Network {
    /// The network with these documents taken in: an object of the same id is replaced, a site brings all its services,
    /// its checksheet stays unless a new one is brought.
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
                    faults.push(error(&site.id, DocumentFault::SiteTwice {}));
                }
                next.services.retain(|_, s| s.host.site != site.id);
                next.sites.insert(site.id.clone(), site.clone());
            }
            for service in &document.services {
                if next.services.insert(service.id.clone(), service.clone()).is_some() {
                    faults.push(error(&service.id, DocumentFault::ServiceTwice {}));
                }
            }
            for agreement in &document.agreements {
                next.agreements.insert(agreement.id.clone(), agreement.clone());
            }
            if let Some(sheet) = &document.checksheet {
                next.checksheets.insert(sheet.site.clone(), sheet.clone());
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

    /// A host as the end of a line; nothing if there is none, or it is in no zone.
    pub fn endpoint(&self, at: &HostRef) -> Option<crate::Endpoint> {
        let (site, host) = self.host(at)?;
        Some(crate::Endpoint {
            site: site.id.clone(),
            institution: site.institution.clone(),
            host: host.id.clone(),
            address: host.address,
            zone: site.zone_of(host)?,
        })
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
                let host = service.host.to_string();
                let fault = error(&service.id, DocumentFault::ServiceHostUnknown { host });
                faults.push(fault.about([&service.host.site]));
            }
        }
        for agreement in self.agreements.values() {
            if !self.services.contains_key(&agreement.service) {
                let service = agreement.service.to_string();
                faults.push(error(&agreement.id, DocumentFault::AgreementServiceUnknown { service }));
            }
            if !self.institutions.contains_key(&agreement.consumer) {
                let institution = agreement.consumer.to_string();
                faults.push(error(&agreement.id, DocumentFault::ConsumerUnknown { institution }));
            }
        }
        for sheet in self.checksheets.keys().filter(|site| !self.sites.contains_key(*site)) {
            let site = sheet.to_string();
            faults.push(error("[checksheet]", DocumentFault::ChecksheetSiteUnknown { site }));
        }
        faults
    }

    fn site_faults(&self, site: &Site, faults: &mut Vec<NetworkError>) {
        let at = |part: &dyn std::fmt::Display| format!("{}/{part}", site.id);
        if !self.institutions.contains_key(&site.institution) {
            let institution = site.institution.to_string();
            faults.push(error(&site.id, DocumentFault::InstitutionUnknown { institution }));
        }
        if site.lines.is_empty() {
            faults.push(error(&site.id, DocumentFault::NoLine {}));
        }
        if site.gateway.uplink.switch != site.switch.id {
            let (switch, own) = (site.gateway.uplink.switch.to_string(), site.switch.id.to_string());
            faults.push(error(&site.id, DocumentFault::UplinkElsewhere { switch, own }));
        }
        let mut vlans = BTreeMap::new();
        for segment in site.segments.values() {
            if !site.model.zones().contains(&segment.zone) {
                faults.push(error(at(&segment.id), DocumentFault::ZoneNotOfModel { zone: segment.zone }));
            }
            if !(1..=4094).contains(&segment.vlan) {
                faults.push(error(at(&segment.id), DocumentFault::NoSuchVlan { vlan: segment.vlan.into() }));
            }
            if let Some(other) = vlans.insert(segment.vlan, &segment.id) {
                let (vlan, other) = (segment.vlan.into(), other.to_string());
                faults.push(error(at(&segment.id), DocumentFault::VlanTaken { vlan, other }));
            }
            if !segment.prefix.contains(&segment.gateway_address()) {
                faults.push(error(at(&segment.id), DocumentFault::GatewayOutside {}));
            }
            if let IpAddr::V6(address) = segment.prefix.addr()
                && (address.is_unicast_link_local() || address.is_multicast())
            {
                let prefix = segment.prefix.to_string();
                faults.push(error(at(&segment.id), DocumentFault::NotRouted { prefix }));
            }
        }
        let mut ports: BTreeMap<PortNo, &HostId> = BTreeMap::new();
        let mut macs = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for host in site.hosts.values() {
            match site.segments.get(&host.segment) {
                None => {
                    let segment = host.segment.to_string();
                    faults.push(error(at(&host.id), DocumentFault::SegmentUnknown { segment }));
                }
                Some(segment) => {
                    if !segment.prefix.contains(&host.address) {
                        let address = host.address.to_string();
                        let (segment, prefix) = (segment.id.to_string(), segment.prefix.to_string());
                        faults.push(error(at(&host.id), DocumentFault::AddressOutside { address, segment, prefix }));
                    }
                    if segment.gateway_address() == host.address {
                        let address = host.address.to_string();
                        faults.push(error(at(&host.id), DocumentFault::AddressOfGateway { address }));
                    }
                    for other in
                        site.segments.values().filter(|s| s.id != segment.id && s.prefix.contains(&host.address))
                    {
                        if other.zone != segment.zone {
                            let fault = DocumentFault::TwoZones { one: segment.zone, other: other.zone };
                            faults.push(error(at(&host.id), fault));
                        }
                    }
                }
            }
            if host.port.switch != site.switch.id {
                let (switch, own) = (host.port.switch.to_string(), site.switch.id.to_string());
                faults.push(error(at(&host.id), DocumentFault::SwitchUnknown { switch, own }));
            }
            if host.port == site.gateway.uplink {
                faults.push(error(at(&host.id), DocumentFault::PortOfGateway { port: host.port.to_string() }));
            }
            if host.mac == site.gateway.mac {
                faults.push(error(at(&host.id), DocumentFault::MacOfGateway { mac: host.mac.to_string() }));
            }
            for (taken, what) in [
                (ports.insert(host.port.port, &host.id), "port"),
                (macs.insert(host.mac, &host.id), "mac"),
                (addresses.insert(host.address, &host.id), "address"),
            ] {
                if let Some(other) = taken {
                    let other = other.to_string();
                    faults.push(error(at(&host.id), DocumentFault::HostsAlike { what, other }));
                }
            }
        }
        let known = |id: &HostId| site.hosts.contains_key(id);
        for (n, rule) in site.allow.iter().enumerate() {
            let place = at(&format!("allow[{n}]"));
            for host in rule.from.iter().filter(|h| !known(h)) {
                faults.push(error(&place, DocumentFault::HostUnknown { host: host.to_string() }));
            }
            for host in rule.from.iter().filter_map(|h| site.hosts.get(h)).filter(|h| !h.terminal) {
                faults.push(error(&place, DocumentFault::NotATerminal { host: host.id.to_string() }));
            }
        }
        for (n, rule) in site.in_house.iter().enumerate() {
            for host in [&rule.from, &rule.to].into_iter().filter(|h| !known(h)) {
                let host = host.to_string();
                faults.push(error(at(&format!("inhouse[{n}]")), DocumentFault::HostUnknown { host }));
            }
            let ends = [&rule.from, &rule.to].map(|host| site.hosts.get(host).map(|host| host.address));
            if let [Some(from), Some(to)] = ends
                && from.is_ipv4() != to.is_ipv4()
            {
                let (from, to) = (from.to_string(), to.to_string());
                faults.push(error(at(&format!("inhouse[{n}]")), DocumentFault::TwoFamilies { from, to }));
            }
        }
        for (n, rule) in site.transit.iter().enumerate() {
            for host in [&rule.from, &rule.to].into_iter().filter(|h| self.host(h).is_none()) {
                let host = host.to_string();
                faults.push(error(at(&format!("transit[{n}]")), DocumentFault::TransitHostUnknown { host }));
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
                    faults.push(error(at(&rule.id), DocumentFault::PartUnknown { part: part.to_string() }));
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
                let (prefix, of) = (item.0.to_string(), format!("{}/{}", other.1.id, other.2.id));
                let fault = DocumentFault::Overlap { prefix, other: other.0.to_string(), of };
                let place = format!("{}/{}", item.1.id, item.2.id);
                faults.push(error(place, fault).about([&item.1.id, &other.1.id]));
            }
            open.push(item);
        }
        let mut dpids = BTreeMap::new();
        let mut wans = BTreeMap::new();
        let mut names = BTreeMap::new();
        for site in self.sites.values() {
            if let Some(other) = dpids.insert(site.switch.dpid, &site.id) {
                let fault = DocumentFault::DpidTaken { dpid: site.switch.dpid.to_string(), other: other.to_string() };
                faults.push(error(&site.id, fault).about([&site.id, other]));
            }
            if let Some(other) = names.insert(&site.gateway.ike_identity, &site.id) {
                let (identity, of) = (site.gateway.ike_identity.clone(), other.to_string());
                let fault = DocumentFault::IkeIdentityTaken { identity, other: of };
                faults.push(error(&site.id, fault).about([&site.id, other]));
            }
            for line in &site.lines {
                if let Some(other) = wans.insert(line.address, &site.id) {
                    let (address, of) = (line.address.to_string(), other.to_string());
                    let fault = DocumentFault::LineAddressTaken { address, other: of };
                    faults.push(error(&site.id, fault).about([&site.id, other]));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clash, parse_document};

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
    fn what_does_not_fit_is_named() {
        let cases: &[(&str, &str, &str)] = &[
            ("prefix = \"10.2.20.0/24\"", "prefix = \"10.1.20.0/23\"", "overlap "),
            ("prefix = \"10.2.20.0/24\"", "prefix = \"10.2.0.0/16\"", "two-zones"),
            (
                "address = \"10.2.20.11\"",
                "address = \"10.2.21.11\"",
                "address-outside address=`10.2.21.11` segment=`wards`",
            ),
            ("address = \"10.2.10.20\"", "address = \"10.2.10.10\"", "hosts-alike what=`address`"),
            ("port = \"sw1/5\"", "port = \"sw1/1\"", "port-of-gateway"),
            ("port = \"sw1/5\"", "port = \"sw9/5\"", "switch-unknown switch=`sw9`"),
            ("segment = \"wards\"", "segment = \"attic\"", "segment-unknown segment=`attic`"),
            ("model = \"large\"", "model = \"service-provider\"", "zone-not-of-model zone=`zone-secure`"),
            ("dpid = \"0000000000000002\"", "dpid = \"0000000000000001\"", "dpid-taken"),
            ("address = \"192.0.2.12\"", "address = \"192.0.2.11\"", "line-address-taken"),
            ("from = \"ward-1\"", "from = \"ward-9\"", "host-unknown host=`ward-9`"),
            ("host = \"record-server\"", "host = \"nobody\"", "service-host-unknown host=`hospital/nobody`"),
            ("vlan = 20", "vlan = 10", "vlan-taken vlan=`10`"),
            ("prefix = \"10.2.20.0/24\"", "prefix = \"fe80:2::/64\"", "not-routed"),
            ("prefix = \"10.2.20.0/24\"", "prefix = \"ff02::/64\"", "not-routed"),
            ("address = \"10.2.20.11\"", "address = \"fd00:2::11\"", "two-families"),
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
            .filter_map(|fault| (fault.sites == both).then(|| fault.fault.clash()).flatten())
            .collect();
        assert_eq!(found, [Clash::Prefix, Clash::Dpid, Clash::LineAddress].into());
        let not_a_terminal = CLINIC.replacen("terminal = true", "terminal = false", 1);
        assert!(network(&not_a_terminal, HOSPITAL).unwrap_err()[0].to_string().contains("not-a-terminal"));
    }
}
