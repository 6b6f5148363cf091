//! The live picture: who is connected to what, and until when (G14).

use model::{Site, Zone};
use std::collections::BTreeMap;
use wire::live::{LiveHost, LiveLine, LiveSite, LiveView, LiveZone};

use crate::Center;
use crate::center::State;

/// Sites with their zones and hosts, and the lines that are not closed, at one moment.
pub async fn live(center: &Center) -> LiveView {
    let state = center.state().await;
    LiveView {
        now: center.now(),
        software: center.settings().software.clone(),
        sites: state.network.sites.values().map(|site| live_site(center, &state, site)).collect(),
        lines: state.live.values().map(|line| live_line(&state, line)).collect(),
    }
}

fn live_site(center: &Center, state: &State, site: &Site) -> LiveSite {
    let gate = state.gates.get(&site.id).cloned().unwrap_or_default();
    let wanted = state.verifier.site(&site.id).map(|s| s.generation()).unwrap_or_default();
    let of_institution = || state.network.institutions.get(&site.institution).map(|i| i.name.clone());
    let of_id = || model::LocalizedName { ja: site.id.to_string(), en: site.id.to_string() };
    LiveSite {
        site: site.id.clone(),
        name: site.name.clone().or_else(of_institution).unwrap_or_else(of_id),
        institution: site.institution.clone(),
        model: site.model,
        linked: gate.link.is_some(),
        in_force: gate.in_force == Some(wanted),
        alarms: gate.alarms.lately(center.now()).iter().filter(|alarm| alarm.over.is_none()).count(),
        zones: zones(site),
    }
}

fn zones(site: &Site) -> Vec<LiveZone> {
    let mut zones: BTreeMap<Zone, Vec<LiveHost>> = BTreeMap::new();
    for host in site.hosts.values() {
        let Some(zone) = site.zone_of(host) else { continue };
        let host = LiveHost { host: host.id.clone(), address: host.address, terminal: host.terminal };
        zones.entry(zone).or_default().push(host);
    }
    zones.into_iter().map(|(zone, hosts)| LiveZone { zone, hosts }).collect()
}

pub(crate) fn live_line(state: &State, line: &crate::live::Live) -> LiveLine {
    let service = &line.grant.service;
    let name = state.network.services.get(service).map(|s| s.name.clone());
    let of_id = || model::LocalizedName { ja: service.to_string(), en: service.to_string() };
    LiveLine {
        connection: line.view(),
        service_name: name.unwrap_or_else(of_id),
        person: line.person.name.clone(),
        role: line.person.role.clone(),
    }
}
