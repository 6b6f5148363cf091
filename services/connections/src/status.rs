//! What is, for operators and for terminals.

use model::HostRef;
use wire::api::{SiteStatus, Status, TerminalStatus};

use crate::Center;
use crate::live::services_for;

/// Sites and connections.
pub async fn status(center: &Center) -> Status {
    let state = center.state().await;
    let site = |(id, site): (&model::SiteId, &model::Site)| {
        let gate = state.gates.get(id).cloned().unwrap_or_default();
        SiteStatus {
            site: id.clone(),
            institution: site.institution.clone(),
            linked: gate.link.is_some(),
            wanted: state.verifier.site(id).map(|s| s.generation()).unwrap_or_default(),
            in_force: gate.in_force,
            software: gate.software,
            alarms: gate.alarms.lately(center.now()),
        }
    };
    Status {
        now: center.now(),
        software: center.settings().software.clone(),
        sites: state.network.sites.iter().map(site).collect(),
        connections: state.live.values().map(|l| l.view()).collect(),
    }
}

/// What a terminal may know.
pub async fn terminal_status(center: &Center, device: HostRef) -> TerminalStatus {
    let state = center.state().await;
    TerminalStatus {
        now: center.now(),
        services: services_for(&state.network, &device),
        connections: state.live.values().filter(|l| l.grant.origin.host_ref() == device).map(|l| l.view()).collect(),
        device,
    }
}
