//! What is, for operators and for terminals.

use model::HostRef;
use wire::api::{SiteStatus, Status, TerminalStatus, Waiting};

use crate::Center;
use crate::live::services_for;

/// Sites and connections.
pub async fn status(center: &Center) -> Status {
    // A registry that does not answer is told elsewhere, and hides nothing of what is known here.
    let letters = center.registry().letters_waiting().await.ok().flatten();
    let files = center.registry().submissions_waiting().await.ok().flatten();
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
        letters: letters.map(|w| Waiting { count: w.count, since: w.since, why: w.why }),
        files: files.map(|(count, since)| Waiting { count, since, why: None }),
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
