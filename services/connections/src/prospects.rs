//! What could open at a site, and what is lacking until it can: asked before anybody stands at a terminal.

use decision::{Check, HypotheticalQuestion, Outcome, explain};
use model::{AllowRule, ConnectionRequest, HostRef, Network, ServiceId, Site, SiteId};
use texts::Reason;

use crate::Center;
use crate::open::gates_of;

/// A line that policy foresees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// The terminal.
    pub from: HostRef,
    /// The service.
    pub service: ServiceId,
    /// Why it would not open now; nothing if it would, to who holds a qualification the policy names.
    pub lacking: Vec<Reason>,
}

/// Lines looked at; each costs the verification of an agreement's signatures.
const MOST: usize = 200;

/// Lines that begin or end at a site, by the whitelists that are applied. The hour is left out: a site is not less ready
/// at night.
pub async fn prospects(center: &Center, site: &SiteId) -> Vec<Prospect> {
    let state = center.state().await;
    let (trust, now) = (center.trust(), center.now());
    let mut all = Vec::new();
    for (origin, rule, host) in lines(&state.network, site).take(MOST) {
        let from = HostRef { site: origin.id.clone(), host: host.clone() };
        let request = ConnectionRequest { from: from.clone(), service: rule.service.clone() };
        let admitted = state.network.services.get(&rule.service).map(|s| s.roles.as_slice()).unwrap_or_default();
        let role = rule.roles.iter().find(|role| admitted.contains(role)).or(rule.roles.first());
        let steps = explain(&HypotheticalQuestion {
            request: &request,
            role: role.map(String::as_str).unwrap_or_default(),
            network: &state.network,
            trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
            gates: gates_of(&state, &request),
            already_open: None,
            rivals: &[],
            answer: decision::Answer::Open,
            now,
        });
        let lacking =
            steps.into_iter().filter(|step| step.check != Check::Hours).filter_map(|step| match step.outcome {
                Outcome::Failed(reasons) => Some(reasons),
                _ => None,
            });
        let lacking = lacking.flatten().collect();
        all.push(Prospect { from, service: rule.service.clone(), lacking });
    }
    all
}

fn lines<'n>(
    network: &'n Network,
    at: &'n SiteId,
) -> impl Iterator<Item = (&'n Site, &'n AllowRule, &'n model::HostId)> {
    let ends_here =
        move |rule: &AllowRule| network.services.get(&rule.service).is_some_and(|service| service.host.site == *at);
    network.sites.values().flat_map(move |site| {
        let rules = site.allow.iter().filter(move |rule| site.id == *at || ends_here(rule));
        rules.flat_map(move |rule| rule.from.iter().map(move |host| (site, rule, host)))
    })
}
