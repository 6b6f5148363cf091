//! A switch: tables by (table, priority, match), atomic bundles, entries that are forgotten on restart.

use openflow::{
    ChangedFlow, FlowEvent, FlowMod, FlowModCommand, FlowRemoved, FlowRemovedReason, FlowStats, Frame, Message,
    PacketOut,
};
use site::{Event, Output, RuleKey};
use std::collections::BTreeMap;

/// A switch in memory.
#[derive(Debug, Default)]
pub struct Switch {
    entries: BTreeMap<RuleKey, FlowMod>,
    /// Tells the machine of entries that go (OFPFF_SEND_FLOW_REM).
    removed: Vec<FlowRemoved>,
    /// Tells the machine of what others did (EXT-187), with its next answer.
    told: Vec<ChangedFlow>,
    /// Packets the machine sent into the pipeline.
    released: Vec<PacketOut>,
    /// Packets that every entry of a grant has counted, by cookie.
    counted: BTreeMap<u64, u64>,
    /// Another controller is master: changes are refused (OpenFlow 1.3.5 §6.3.4), readings are not.
    slave: bool,
}

impl Switch {
    /// Carries out what the machine wants; the answers come back in order.
    pub fn carry_out(&mut self, output: Output) -> Vec<Event> {
        let answer = match output {
            Output::Meter(_) | Output::Refurnish(_) => return Vec::new(),
            Output::Send(messages) => {
                for message in messages {
                    match message {
                        Message::FlowMod(change) => self.apply(over_the_wire(change)),
                        Message::PacketOut(packet) => self.released.push(packet),
                        _ => {}
                    }
                }
                return Vec::new();
            }
            Output::ReadFlows { read } => Event::FlowStats { read, entries: self.stats() },
            Output::Bundle { bundle, .. } if self.slave => Event::BundleRejected(bundle, "IS_SLAVE".into()),
            Output::Bundle { bundle, changes } => {
                for change in changes {
                    self.apply(over_the_wire(change));
                }
                Event::BundleCommitted(bundle)
            }
            Output::FlushConntrack { flush, .. } => Event::ConntrackFlushed(flush, Ok(())),
            other => unreachable!("not for a switch: {other:?}"),
        };
        let told = self.told.drain(..).map(|change| Event::FlowChanged(Box::new(change)));
        let mut events: Vec<Event> = told.collect();
        let removed = self.removed.drain(..).map(|r| Event::FlowRemoved(Box::new(r)));
        events.extend(removed);
        events.push(answer);
        events
    }

    /// What the machine sent into the pipeline since it was last asked.
    pub fn released(&mut self) -> Vec<PacketOut> {
        std::mem::take(&mut self.released)
    }

    /// So many more packets pass by every entry of this cookie.
    pub fn pass(&mut self, cookie: u64, packets: u64) {
        *self.counted.entry(cookie).or_default() += packets;
    }

    /// Forgets everything, as a restarted ovs-vswitchd does.
    pub fn restart(&mut self) {
        self.told.clear();
        self.entries.clear();
    }

    /// A strange hand adds an entry; the monitor tells.
    pub fn intrude(&mut self, change: FlowMod) {
        self.told.push(ChangedFlow {
            event: FlowEvent::Added,
            reason: FlowRemovedReason::IdleTimeout,
            table: change.table,
            priority: change.priority,
            idle_timeout: change.idle_timeout,
            hard_timeout: change.hard_timeout,
            cookie: change.cookie,
            matching: change.matching.clone(),
            instructions: change.instructions.clone(),
        });
        self.apply(change);
    }

    /// A strange hand adds an entry to a switch that has no monitor.
    pub fn slip_in(&mut self, change: FlowMod) {
        self.apply(change);
    }

    /// Another controller becomes master, or leaves again.
    pub fn usurped(&mut self, by_another: bool) {
        self.slave = by_another;
    }

    /// A strange hand takes the n-th entry away, without a word.
    pub fn steal(&mut self, n: usize) {
        let key = self.entries.keys().nth(n.checked_rem(self.entries.len()).unwrap_or(0)).cloned();
        if let Some(key) = key {
            self.entries.remove(&key);
        }
    }

    /// What stands, as the machine would read it.
    pub fn stats(&self) -> Vec<FlowStats> {
        self.entries
            .values()
            .map(|entry| FlowStats {
                table: entry.table,
                duration_s: 0,
                duration_ns: 0,
                priority: entry.priority,
                idle_timeout: entry.idle_timeout,
                hard_timeout: entry.hard_timeout,
                flags: entry.flags,
                cookie: entry.cookie,
                packets: 1 + self.counted.get(&entry.cookie).copied().unwrap_or(0),
                bytes: 60,
                matching: entry.matching.clone(),
                instructions: entry.instructions.clone(),
            })
            .collect()
    }

    fn apply(&mut self, change: FlowMod) {
        let key = RuleKey { table: change.table, priority: change.priority, matching: change.matching.normalized() };
        match change.command {
            FlowModCommand::DeleteStrict => {
                let Some(gone) = self.entries.remove(&key) else { return };
                if gone.flags.contains(openflow::FlowModFlags::SEND_FLOW_REMOVED) {
                    self.removed.push(FlowRemoved {
                        cookie: gone.cookie,
                        priority: gone.priority,
                        reason: FlowRemovedReason::Delete,
                        table: gone.table,
                        duration_s: 0,
                        duration_ns: 0,
                        idle_timeout: 0,
                        hard_timeout: 0,
                        packets: 1,
                        bytes: 60,
                        matching: gone.matching,
                    });
                }
            }
            // A change touches what stands and adds nothing (OpenFlow 1.3.5 §6.4).
            FlowModCommand::ModifyStrict => {
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.instructions = change.instructions;
                }
            }
            _ => drop(self.entries.insert(key, change)),
        }
    }
}

fn over_the_wire(change: FlowMod) -> FlowMod {
    let message = Message::FlowMod(change);
    let bytes = openflow::encode(&message, 1).expect("a planned rule fits an OpenFlow message");
    match Frame::decode(&bytes).map(|frame| frame.message) {
        Ok(Message::FlowMod(read)) => read,
        other => unreachable!("a flow-mod came back as {other:?}"),
    }
}
