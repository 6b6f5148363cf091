//! Flow entries as text in the syntax of `ovs-ofctl`, for people and golden files.
//!
//! Raw and unknown parts appear as `raw(…)`, which Open vSwitch does not parse.

use std::fmt;

use crate::action::{Action, BitRange};
use crate::ct::{Ct, CtZone};
use crate::field::{FieldKind, OxmField};
use crate::flow::{FlowMod, FlowModFlags, FlowStats};
use crate::instruction::Instruction;
use crate::matching::Match;
use crate::monitor::ChangedFlow;
use crate::packet::PacketInReason;
use crate::port::PortNo;

/// Field conditions joined by commas; nothing for a match of every packet.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        join(f, &self.0)
    }
}

impl fmt::Display for OxmField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.kind()) {
            (_, Some(kind)) => write!(f, "{kind}={}", self.value_text()),
            (Self::Raw { class, field, masked, .. }, None) => {
                write!(f, "raw({class:#06x}:{field}{}={})", if *masked { "/m" } else { "" }, self.value_text())
            }
            (_, None) => write!(f, "raw({})", self.value_text()),
        }
    }
}

impl fmt::Display for FlowMod {
    /// What `ovs-ofctl add-flow` reads. Command, buffer and cookie mask are not part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = Entry {
            table: self.table,
            cookie: self.cookie,
            priority: self.priority,
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            flags: self.flags,
            matching: &self.matching,
            instructions: &self.instructions,
        };
        entry.fmt(f)
    }
}

impl fmt::Display for FlowStats {
    /// What `ovs-ofctl add-flow` reads. Counters and durations are not part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = Entry {
            table: self.table,
            cookie: self.cookie,
            priority: self.priority,
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            flags: self.flags,
            matching: &self.matching,
            instructions: &self.instructions,
        };
        entry.fmt(f)
    }
}

impl fmt::Display for ChangedFlow {
    /// What `ovs-ofctl add-flow` reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = Entry {
            table: self.table,
            cookie: self.cookie,
            priority: self.priority,
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            flags: FlowModFlags::default(),
            matching: &self.matching,
            instructions: &self.instructions,
        };
        entry.fmt(f)
    }
}

struct Entry<'a> {
    table: u8,
    cookie: u64,
    priority: u16,
    idle_timeout: u16,
    hard_timeout: u16,
    flags: FlowModFlags,
    matching: &'a Match,
    instructions: &'a [Instruction],
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table={},cookie={:#x},priority={}", self.table, self.cookie, self.priority)?;
        if self.idle_timeout != 0 {
            write!(f, ",idle_timeout={}", self.idle_timeout)?;
        }
        if self.hard_timeout != 0 {
            write!(f, ",hard_timeout={}", self.hard_timeout)?;
        }
        for (flag, name) in [
            (FlowModFlags::SEND_FLOW_REMOVED, "send_flow_rem"),
            (FlowModFlags::CHECK_OVERLAP, "check_overlap"),
            (FlowModFlags::RESET_COUNTS, "reset_counts"),
            (FlowModFlags::NO_PACKET_COUNTS, "no_packet_counts"),
            (FlowModFlags::NO_BYTE_COUNTS, "no_byte_counts"),
        ] {
            if self.flags.contains(flag) {
                write!(f, ",{name}")?;
            }
        }
        if !self.matching.0.is_empty() {
            write!(f, ",{}", self.matching)?;
        }
        f.write_str(" actions=")?;
        if self.instructions.is_empty() {
            return f.write_str("drop");
        }
        // Open vSwitch wants the order in which instructions take effect (§5.9).
        let mut ordered: Vec<_> = self.instructions.iter().collect();
        ordered.sort_by_key(|instruction| effect_order(instruction));
        join(f, ordered)
    }
}

fn effect_order(instruction: &Instruction) -> u8 {
    match instruction {
        Instruction::Meter(_) => 0,
        Instruction::ApplyActions(_) => 1,
        Instruction::ClearActions => 2,
        Instruction::WriteActions(_) => 3,
        Instruction::WriteMetadata { .. } => 4,
        Instruction::GotoTable(_) => 5,
        Instruction::Raw { .. } => 6,
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GotoTable(table) => write!(f, "goto_table:{table}"),
            Self::WriteMetadata { value, mask } => write!(f, "write_metadata:{value:#x}/{mask:#x}"),
            Self::WriteActions(actions) => {
                f.write_str("write_actions(")?;
                join(f, actions)?;
                f.write_str(")")
            }
            Self::ApplyActions(actions) if actions.is_empty() => f.write_str("drop"),
            Self::ApplyActions(actions) => join(f, actions),
            Self::ClearActions => f.write_str("clear_actions"),
            Self::Meter(meter) => write!(f, "meter:{meter}"),
            Self::Raw { kind, data } => write!(f, "raw({kind:#x}:{})", hex(data)),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output { port, max_len } if *port == PortNo::CONTROLLER => {
                write!(f, "CONTROLLER:{max_len}")
            }
            Self::Output { port, .. } if port.is_reserved() => write!(f, "{port}"),
            Self::Output { port, .. } => write!(f, "output:{port}"),
            Self::Group(group) => write!(f, "group:{}", group.0),
            Self::SetQueue(queue) => write!(f, "set_queue:{queue}"),
            Self::PushVlan(ethertype) => write!(f, "push_vlan:{ethertype:#06x}"),
            Self::PopVlan => f.write_str("pop_vlan"),
            Self::DecNwTtl => f.write_str("dec_ttl"),
            Self::SetNwTtl(ttl) => write!(f, "mod_nw_ttl:{ttl}"),
            Self::SetField(field) => match field.kind() {
                Some(kind) => write!(f, "set_field:{}->{kind}", field.value_text()),
                None => write!(f, "set_{field}"),
            },
            Self::Ct(ct) => write!(f, "{ct}"),
            Self::CtClear => f.write_str("ct_clear"),
            Self::RegLoad { to, value } => write!(f, "load:{value:#x}->{to}"),
            Self::RegMove { from, to } => write!(f, "move:{from}->{to}"),
            Self::Controller(controller) => {
                let reason = match controller.reason {
                    PacketInReason::NoMatch => "no_match".to_owned(),
                    PacketInReason::Action => "action".to_owned(),
                    PacketInReason::InvalidTtl => "invalid_ttl".to_owned(),
                    PacketInReason::Other(reason) => reason.to_string(),
                };
                write!(f, "controller(reason={reason},max_len={},id={})", controller.max_len, controller.controller_id)
            }
            Self::Experimenter { experimenter, data } => {
                write!(f, "raw(experimenter {experimenter:#x}:{})", hex(data))
            }
            Self::Raw { kind, data } => write!(f, "raw({kind:#x}:{})", hex(data)),
        }
    }
}

impl fmt::Display for BitRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match FieldKind::from_header(self.header) {
            Some(kind) => write!(f, "{kind}")?,
            None => write!(f, "{:#010x}", self.header)?,
        }
        let last = u32::from(self.offset) + u32::from(self.bits).saturating_sub(1);
        write!(f, "[{}..{last}]", self.offset)
    }
}

impl fmt::Display for Ct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.commit {
            parts.push("commit".to_owned());
        }
        if self.force {
            parts.push("force".to_owned());
        }
        if let Some(table) = self.table {
            parts.push(format!("table={table}"));
        }
        match self.zone {
            CtZone::Number(zone) => parts.push(format!("zone={zone}")),
            CtZone::Field(range) => parts.push(format!("zone={range}")),
        }
        if self.alg != 0 {
            parts.push(match self.alg {
                21 => "alg=ftp".to_owned(),
                69 => "alg=tftp".to_owned(),
                port => format!("alg={port}"),
            });
        }
        if !self.exec.is_empty() {
            let exec: Vec<_> = self.exec.iter().map(ToString::to_string).collect();
            parts.push(format!("exec({})", exec.join(",")));
        }
        write!(f, "ct({})", parts.join(","))
    }
}

fn join<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: impl IntoIterator<Item = T>) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(",")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
