//! The structural audit: from the dump of a live switch back to the rules it means, and to the proof of those (X1).
//!
//! The inline proof stands on facts about what is installed: nobody else wrote, a miss drops, tags are written at
//! admission alone. Here the tables are read as they are, not as they were meant: each entry is decoded, what the
//! pipeline cannot say is named, and the rest is judged as a whole state.

use model::{CookieOwner, FlowRule, GrantId, SiteState, SwitchId, Timestamp};
use openflow::{FlowStats, Group, Meter};
use std::collections::BTreeSet;
use verify::{Refutation, VerifiedState};

use crate::conversion::{self, NotOurs};
use crate::furniture::Meters;

/// The rules a switch really holds.
#[derive(Debug, Clone, Default)]
pub struct Installed {
    /// Entries that are rules of the pipeline.
    pub rules: BTreeSet<FlowRule>,
    /// Entries that no rule says, as `ovs-ofctl` writes them, and why not.
    pub strange: Vec<(String, NotOurs)>,
}

/// Decodes a dump. Nothing is assumed of it but its bytes.
pub fn installed(switch: &SwitchId, entries: &[FlowStats]) -> Installed {
    let mut found = Installed::default();
    for entry in entries {
        let (key, body) = conversion::observed_entry(entry);
        match conversion::to_rule(switch, &key, &body) {
            Ok(rule) => drop(found.rules.insert(rule)),
            Err(why) => found.strange.push((entry.to_string(), why)),
        }
    }
    found
}

/// What an audit found.
#[derive(Debug)]
pub struct Audit {
    /// Entries read.
    pub entries: usize,
    /// Rules wanted that do not stand.
    pub missing: BTreeSet<FlowRule>,
    /// Rules that stand and are not wanted, refusals of first packets and drops of ended grants aside.
    pub surplus: BTreeSet<FlowRule>,
    /// Entries no rule says, with the reason; groups and meters that are not ours.
    pub strange: Vec<String>,
    /// The proof of what stands: the rules as dumped, with the grants, tunnels and filters wanted.
    pub verdict: Result<VerifiedState, Box<Refutation>>,
}

impl Audit {
    /// The switch holds exactly what is wanted, and that is proved.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty() && self.strange.is_empty() && self.verdict.is_ok()
    }
}

/// Audits a switch against the state wanted at this instant; grants whose lease has ended are not wanted any more (X4).
pub fn audit(
    wanted: &SiteState,
    (entries, groups, meters): (&[FlowStats], &[Group], &[Meter]),
    first_packets_per_second: u32,
    now: Timestamp,
) -> Audit {
    let wanted = in_force(wanted, now);
    let mut found = installed(&wanted.facts.site.switch.id, entries);
    // They drop what the grant let through, until their last counts are told (G13).
    found.rules.retain(|rule| !(rule.actions.is_empty() && is_ended(&wanted, rule.owner)));
    let aside = |rule: &&FlowRule| !(rule.owner == CookieOwner::Refusal && rule.actions.is_empty());
    let missing = wanted.rules.difference(&found.rules).cloned().collect();
    let surplus = found.rules.difference(&wanted.rules).filter(aside).cloned().collect();
    let mut strange: Vec<String> = found.strange.iter().map(|(entry, why)| format!("{entry} ({why})")).collect();
    strange.extend(meters_wanted(&wanted, first_packets_per_second).strange(groups, meters));
    let verdict = verify::check_state(SiteState { rules: found.rules, ..wanted });
    Audit { entries: entries.len(), missing, surplus, strange, verdict }
}

fn meters_wanted(wanted: &SiteState, rate: u32) -> Meters {
    let mut meters = Meters::new(rate);
    for (key, body) in wanted.rules.iter().filter_map(|rule| conversion::to_entry(rule).ok()) {
        let _ = meters.want(&key, &body);
    }
    meters
}

fn is_ended(state: &SiteState, owner: CookieOwner) -> bool {
    matches!(owner, CookieOwner::Grant(id) if !state.grants.contains_key(&id))
}

fn in_force(state: &SiteState, now: Timestamp) -> SiteState {
    let mut state = state.clone();
    let over: BTreeSet<GrantId> = state.grants.values().filter(|g| g.lease_until <= now).map(|g| g.id).collect();
    if over.is_empty() {
        return state;
    }
    let lives = |owner: CookieOwner| !matches!(owner, CookieOwner::Grant(id) if over.contains(&id));
    state.grants.retain(|id, _| !over.contains(id));
    state.rules.retain(|rule| lives(rule.owner));
    state.filters.retain(|filter| lives(filter.owner));
    state.tunnels.retain(|tunnel| !over.contains(&tunnel.grant));
    state
}
