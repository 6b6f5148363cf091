//! Groups and meters of the switch: none but the meter of first packets is ours.

use openflow::{
    Group, GroupId, GroupMod, GroupModCommand, GroupType, Message, Meter, MeterBand, MeterFlags, MeterMod,
    MeterModCommand,
};

use crate::conversion::FIRST_PACKET_METER;
use crate::event::{Outbox, Output, Place, Report};

pub(crate) fn first_packet_meter(rate: u32) -> MeterMod {
    MeterMod {
        command: MeterModCommand::Add,
        flags: MeterFlags::PKTPS | MeterFlags::BURST,
        meter: FIRST_PACKET_METER,
        bands: vec![MeterBand::Drop { rate, burst: rate }],
    }
}

/// Takes away what is not ours and puts our meter right.
pub(crate) fn put_right(rate: u32, groups: &[Group], meters: &[Meter], out: &mut Outbox) {
    let ours = first_packet_meter(rate);
    let mut changes = Vec::new();
    for what in others(groups, meters) {
        out.report(Report::Foreign { place: Place::Switch, what });
    }
    for group in groups {
        changes.push(Message::GroupMod(removal(group.group)));
    }
    for meter in meters.iter().filter(|m| m.meter != FIRST_PACKET_METER) {
        let (command, meter) = (MeterModCommand::Delete, meter.meter);
        changes.push(Message::MeterMod(MeterMod { command, meter, bands: Vec::new(), ..ours.clone() }));
    }
    match meters.iter().find(|m| m.meter == FIRST_PACKET_METER) {
        Some(stands) if stands.flags == ours.flags && stands.bands == ours.bands => {}
        // Also after a change of the configured rate, hence no alarm.
        Some(_) => changes.push(Message::MeterMod(MeterMod { command: MeterModCommand::Modify, ..ours })),
        None => changes.push(Message::MeterMod(ours)),
    }
    if !changes.is_empty() {
        out.push(Output::Refurnish(changes));
    }
}

/// What is not as it should be, for people.
pub(crate) fn strange(rate: u32, groups: &[Group], meters: &[Meter]) -> Vec<String> {
    let ours = first_packet_meter(rate);
    let mut found = others(groups, meters);
    match meters.iter().find(|m| m.meter == FIRST_PACKET_METER) {
        Some(stands) if stands.flags == ours.flags && stands.bands == ours.bands => {}
        Some(stands) => found.push(format!("meter {FIRST_PACKET_METER} lets through {:?}", stands.bands)),
        None => found.push(format!("no meter {FIRST_PACKET_METER}")),
    }
    found
}

fn others(groups: &[Group], meters: &[Meter]) -> Vec<String> {
    let groups = groups.iter().map(|g| format!("group {} ({:?}, {} buckets)", g.group.0, g.kind, g.buckets.len()));
    let meters = meters.iter().filter(|m| m.meter != FIRST_PACKET_METER).map(|m| format!("meter {}", m.meter));
    groups.chain(meters).collect()
}

fn removal(group: GroupId) -> GroupMod {
    GroupMod { command: GroupModCommand::Delete, kind: GroupType::All, group, buckets: Vec::new() }
}
