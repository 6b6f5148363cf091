//! The documents that say of a scenario's wires what the product is to know of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lab::{Scenario, SiteModel, SiteSpec, Zone};
use model::{Document, Network, Protocol, ProxyKind, parse_document};

use crate::RealityError;

/// What wires do not tell of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extras {
    /// Hosts that are proxies.
    pub proxies: BTreeMap<String, ProxyKind>,
    /// In-house rules: from, to, protocol, ports.
    pub in_house: Vec<(String, String, Protocol, Vec<u16>)>,
}

/// One document a site, by site.
pub fn documents(scenario: &Scenario, extras: &BTreeMap<String, Extras>) -> BTreeMap<String, String> {
    let none = Extras::default();
    let sites = scenario.sites.iter();
    sites.map(|site| (site.id.clone(), document(site, extras.get(&site.id).unwrap_or(&none)))).collect()
}

/// The network that documents make.
///
/// # Errors
/// [`RealityError::Document`] with every fault.
pub fn network(documents: &BTreeMap<String, String>) -> Result<Network, RealityError> {
    let parsed: Result<Vec<Document>, _> = documents.iter().map(|(name, text)| parse_document(name, text)).collect();
    let parsed = parsed.map_err(|error| RealityError::Document(error.to_string()))?;
    Network::default().with(&parsed).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        RealityError::Document(faults.join("\n"))
    })
}

fn document(site: &SiteSpec, extras: &Extras) -> String {
    let mut out = String::new();
    let model = match site.model {
        SiteModel::Large => "large",
        SiteModel::Small => "small",
        SiteModel::ServiceProvider => "service-provider",
    };
    let institution = &site.institution;
    let _ = writeln!(
        out,
        "[institution]\nid = \"{institution}\"\nname = {{ ja = \"{institution}\", en = \"{institution}\" }}\n\n\
         [site]\nid = \"{id}\"\nmodel = \"{model}\"\n\n\
         [[line]]\nid = \"main\"\nkind = \"internet\"\naddress = \"{wan}\"\n\n\
         [[switch]]\nid = \"sw1\"\ndpid = \"{dpid:016x}\"\n\n\
         [gateway]\nuplink = \"sw1/{uplink}\"\nmac = \"{mac}\"\nike_identity = \"{id}.gate.sekisho.test\"\n",
        id = site.id,
        wan = site.wan,
        dpid = site.datapath_id,
        uplink = site.uplink_port,
        mac = site.gateway_mac,
    );
    for (number, segment) in site.segments.iter().enumerate() {
        let zone = match segment.zone {
            Zone::HighSecure => "high-secure",
            Zone::Secure => "secure",
            Zone::Dmz => "dmz",
        };
        let _ = writeln!(
            out,
            "[[segment]]\nid = \"{}\"\nzone = \"{zone}\"\nvlan = {}\nprefix = \"{}\"\ngateway = \"{}\"\n",
            segment.id,
            (number + 1) * 10,
            segment.prefix,
            segment.gateway,
        );
    }
    for host in &site.hosts {
        let _ = writeln!(
            out,
            "[[host]]\nid = \"{}\"\nsegment = \"{}\"\naddress = \"{}\"\nmac = \"{}\"\nport = \"sw1/{}\"\nterminal = {}",
            host.id, host.segment, host.address, host.mac, host.port, host.terminal,
        );
        let proxy = extras.proxies.get(&host.id).map(|kind| match kind {
            ProxyKind::Internal => "internal",
            ProxyKind::External => "external",
        });
        let _ = writeln!(out, "{}", proxy.map(|kind| format!("proxy = \"{kind}\"\n")).unwrap_or_default());
    }
    for (from, to, protocol, ports) in &extras.in_house {
        let _ = writeln!(
            out,
            "[[inhouse]]\nfrom = \"{from}\"\nto = \"{to}\"\nprotocol = \"{protocol}\"\nports = {ports:?}\n"
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_sites_become_a_network_with_what_is_said_besides() {
        let extras = Extras {
            proxies: BTreeMap::from([("portal".to_owned(), ProxyKind::External)]),
            in_house: vec![("ward-1".into(), "portal".into(), Protocol::Tcp, vec![443])],
        };
        let scenario = Scenario::three_sites();
        let network = network(&documents(&scenario, &BTreeMap::from([("hospital".to_owned(), extras)]))).unwrap();
        assert_eq!(network.sites.len(), 3);
        let hospital = &network.sites[&"hospital".parse().unwrap()];
        assert_eq!(hospital.in_house.len(), 1);
        assert_eq!(hospital.hosts.len(), 3);
        let wrong = Extras { in_house: vec![("x".into(), "y".into(), Protocol::Tcp, vec![1])], ..Extras::default() };
        let wrong = super::network(&documents(&scenario, &BTreeMap::from([("clinic".to_owned(), wrong)])));
        assert!(wrong.unwrap_err().to_string().contains("host-unknown host=`x`"));
    }
}
