//! A new site from its model (G9): the few things somebody must say of it, and the rest that follows.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::{
    Dpid, Gateway, InstitutionId, Line, LineKind, LocalizedName, Mac, PortNo, Segment, Site, SiteId, SiteModel, Switch,
    SwitchPort, Zone,
};

/// What is said of a new site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blueprint {
    /// Its id.
    pub id: SiteId,
    /// Its legal entity.
    pub institution: InstitutionId,
    /// Its name.
    pub name: LocalizedName,
    /// The model it is made from.
    pub model: SiteModel,
    /// Kind of its WAN line (G17).
    pub line: LineKind,
    /// Address of its gateway on that line.
    pub address: IpAddr,
    /// Datapath id of its switch.
    pub dpid: Dpid,
    /// Port of the switch on which the gateway hangs.
    pub uplink: u32,
    /// MAC of the gateway's in-house interface.
    pub mac: Mac,
    /// Prefix of each zone of the model that the site has; at least one.
    pub prefixes: BTreeMap<Zone, IpNet>,
}

/// A segment every site of a model begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentTemplate {
    /// Its zone.
    pub zone: Zone,
    /// Its id.
    pub id: &'static str,
    /// Its VLAN.
    pub vlan: u16,
}

impl SiteModel {
    /// The models, as they are offered.
    pub const ALL: [Self; 3] = [Self::Large, Self::Small, Self::ServiceProvider];

    /// Stable name, as documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Small => "small",
            Self::ServiceProvider => "service-provider",
        }
    }

    /// One segment a zone of the model.
    pub fn template(self) -> Vec<SegmentTemplate> {
        let of = |zone: Zone| match zone {
            Zone::HighSecure => SegmentTemplate { zone, id: "high-secure", vlan: 30 },
            Zone::Secure => SegmentTemplate { zone, id: "secure", vlan: 20 },
            Zone::Dmz => SegmentTemplate { zone, id: "dmz", vlan: 10 },
        };
        self.zones().iter().copied().map(of).collect()
    }
}

impl Blueprint {
    /// The site: no hosts yet, so nothing can open. Whether it fits among the others is for [`crate::Network::with`].
    pub fn site(&self) -> Site {
        let segment = |t: &SegmentTemplate| {
            let prefix = *self.prefixes.get(&t.zone)?;
            let id: crate::SegmentId = t.id.parse().ok()?;
            Some((id.clone(), Segment { id, zone: t.zone, vlan: t.vlan, prefix, gateway: None }))
        };
        let switch: crate::SwitchId = SWITCH.parse().expect("a constant that is an id");
        Site {
            id: self.id.clone(),
            name: Some(self.name.clone()),
            institution: self.institution.clone(),
            model: self.model,
            lines: vec![Line {
                id: LINE.parse().expect("a constant that is an id"),
                kind: self.line,
                address: self.address,
            }],
            switch: Switch { id: switch.clone(), dpid: self.dpid },
            gateway: Gateway {
                uplink: SwitchPort { switch, port: PortNo(self.uplink) },
                mac: self.mac,
                ike_identity: format!("{}.{GATES}", self.id),
            },
            segments: self.model.template().iter().filter_map(segment).collect(),
            hosts: BTreeMap::new(),
            allow: Vec::new(),
            in_house: Vec::new(),
            transit: Vec::new(),
            never: Vec::new(),
        }
    }
}

const SWITCH: &str = "sw1";
const LINE: &str = "main";
/// Names of gateways in IKE: site ids are unique, so nobody can ask for a certificate with another's name. `internal` is
/// kept for private use (ICANN, 2024) and is in no public DNS.
const GATES: &str = "gate.sekisho.internal";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Institution, Network, parse_document, write_document};

    fn blueprint(model: SiteModel) -> Blueprint {
        Blueprint {
            id: "new".parse().unwrap(),
            institution: "aoba".parse().unwrap(),
            name: LocalizedName { ja: "分院".into(), en: "Branch".into() },
            model,
            line: LineKind::Internet,
            address: "192.0.2.99".parse().unwrap(),
            dpid: "00000000000000ff".parse().unwrap(),
            uplink: 1,
            mac: "02:00:00:09:00:01".parse().unwrap(),
            prefixes: model
                .zones()
                .iter()
                .zip(1..)
                .map(|(zone, n)| (*zone, format!("10.9.{n}.0/24").parse().unwrap()))
                .collect(),
        }
    }

    #[test]
    fn each_model_makes_a_site_that_fits_and_is_written_and_read_the_same_g9() {
        let institution =
            Institution { id: "aoba".parse().unwrap(), name: LocalizedName { ja: "青".into(), en: "A".into() } };
        for model in SiteModel::ALL {
            let site = blueprint(model).site();
            let document =
                Document { institution: Some(institution.clone()), site: Some(site.clone()), ..Document::default() };
            let read = parse_document("new.toml", &write_document(&document).unwrap()).unwrap();
            let network = Network::default().with(&[read]).unwrap();
            assert_eq!(network.sites.values().collect::<Vec<_>>(), [&site]);
            let zones: Vec<Zone> = site.segments.values().map(|s| s.zone).collect();
            assert_eq!(zones.len(), model.zones().len());
            assert!(model.zones().iter().all(|z| zones.contains(z)), "{model:?}: {zones:?}");
        }
    }

    #[test]
    fn a_zone_without_a_prefix_is_left_out_and_one_of_another_model_never_comes_in() {
        let mut one = blueprint(SiteModel::Small);
        one.prefixes.remove(&Zone::HighSecure);
        one.prefixes.insert(Zone::Dmz, "10.9.9.0/24".parse().unwrap());
        let site = one.site();
        assert_eq!(site.segments.values().map(|s| s.zone).collect::<Vec<_>>(), [Zone::Secure]);
    }
}
