//! Groups and meters of the switch: none are ours but the meters of first packets, one a terminal's port (N1), and those
//! of questions for an address, one a port (G16).

use openflow::{
    Group, GroupId, GroupMod, GroupModCommand, GroupType, Instruction, Message, Meter, MeterBand, MeterFlags, MeterMod,
    MeterModCommand,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::conversion::{RuleBody, RuleKey};
use crate::event::{Outbox, Output, Place, Report};

/// The meters that wanted entries name, and those that are left over from entries that are wanted no more.
pub(crate) struct Meters {
    rate: u32,
    wanted: BTreeMap<u32, BTreeSet<RuleKey>>,
    left: BTreeSet<u32>,
}

impl Meters {
    /// `rate` is first packets, and questions, a second and port.
    pub(crate) fn new(rate: u32) -> Self {
        Self { rate, wanted: BTreeMap::new(), left: BTreeSet::new() }
    }

    /// An entry is wanted. Returns the meter it needs first, if no other entry needed it.
    pub(crate) fn want(&mut self, key: &RuleKey, body: &RuleBody) -> Option<MeterMod> {
        let meter = meter_of(body)?;
        self.left.remove(&meter);
        let users = self.wanted.entry(meter).or_default();
        let first = users.is_empty();
        users.insert(key.clone());
        first.then(|| limit(meter, self.rate))
    }

    /// An entry is wanted no more.
    pub(crate) fn unwant(&mut self, key: &RuleKey, body: &RuleBody) {
        let Some(meter) = meter_of(body) else { return };
        let Some(users) = self.wanted.get_mut(&meter) else { return };
        users.remove(key);
        if users.is_empty() {
            self.wanted.remove(&meter);
            self.left.insert(meter);
        }
    }

    /// Every meter wanted; entries cannot stand before what they name.
    pub(crate) fn all(&self) -> impl Iterator<Item = MeterMod> + '_ {
        self.wanted.keys().map(|meter| limit(*meter, self.rate))
    }

    /// Takes away what no entry names any more. A meter takes its entries with it, so those must have gone before.
    pub(crate) fn clear(&mut self, observed: &BTreeMap<RuleKey, RuleBody>, out: &mut Outbox) {
        if self.left.is_empty() || observed.values().filter_map(meter_of).any(|meter| self.left.contains(&meter)) {
            return;
        }
        let removals = std::mem::take(&mut self.left).into_iter().map(|meter| Message::MeterMod(meter_removal(meter)));
        out.push(Output::Refurnish(removals.collect()));
    }

    /// Takes away what is not ours and puts ours right.
    pub(crate) fn put_right(&self, groups: &[Group], meters: &[Meter], out: &mut Outbox) {
        let mut changes = Vec::new();
        let strangers: Vec<u32> =
            meters.iter().map(|m| m.meter).filter(|m| !self.wanted.contains_key(m) && !self.left.contains(m)).collect();
        for what in others(groups, &strangers) {
            out.report(Report::Foreign { place: Place::Switch, what });
        }
        for group in groups {
            changes.push(Message::GroupMod(group_removal(group.group)));
        }
        changes.extend(strangers.into_iter().map(|meter| Message::MeterMod(meter_removal(meter))));
        let standing: BTreeMap<u32, &Meter> = meters.iter().map(|m| (m.meter, m)).collect();
        for ours in self.all() {
            match standing.get(&ours.meter) {
                Some(stands) if is_as(stands, &ours) => {}
                // Also after a change of the configured rate, hence no alarm.
                Some(_) => changes.push(Message::MeterMod(MeterMod { command: MeterModCommand::Modify, ..ours })),
                None => changes.push(Message::MeterMod(ours)),
            }
        }
        if !changes.is_empty() {
            out.push(Output::Refurnish(changes));
        }
    }

    /// What is not as it should be, for people.
    pub(crate) fn strange(&self, groups: &[Group], meters: &[Meter]) -> Vec<String> {
        let strangers: Vec<u32> = meters.iter().map(|m| m.meter).filter(|m| !self.wanted.contains_key(m)).collect();
        let mut found = others(groups, &strangers);
        let standing: BTreeMap<u32, &Meter> = meters.iter().map(|m| (m.meter, m)).collect();
        for ours in self.all() {
            match standing.get(&ours.meter) {
                Some(stands) if is_as(stands, &ours) => {}
                Some(stands) => found.push(format!("meter {} lets through {:?}", ours.meter, stands.bands)),
                None => found.push(format!("no meter {}", ours.meter)),
            }
        }
        found
    }
}

fn limit(meter: u32, rate: u32) -> MeterMod {
    MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::PKTPS | MeterFlags::BURST,
        meter,
        bands: vec![MeterBand::Drop { rate, burst: rate }],
    }
}

fn is_as(stands: &Meter, ours: &MeterMod) -> bool {
    stands.flags == ours.flags && stands.bands == ours.bands
}

fn meter_of(body: &RuleBody) -> Option<u32> {
    body.instructions.iter().find_map(|instruction| match instruction {
        Instruction::Meter(meter) => Some(*meter),
        _ => None,
    })
}

fn others(groups: &[Group], meters: &[u32]) -> Vec<String> {
    let groups = groups.iter().map(|g| format!("group {} ({:?}, {} buckets)", g.group.0, g.kind, g.buckets.len()));
    groups.chain(meters.iter().map(|m| format!("meter {m}"))).collect()
}

fn group_removal(group: GroupId) -> GroupMod {
    GroupMod { command: GroupModCommand::Delete, kind: GroupType::All, group, buckets: Vec::new() }
}

fn meter_removal(meter: u32) -> MeterMod {
    MeterMod {
        command: MeterModCommand::Delete,
        flags: MeterFlags::PKTPS | MeterFlags::BURST,
        meter,
        bands: Vec::new(),
    }
}
