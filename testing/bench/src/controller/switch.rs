//! The switch a controller believes to speak to: a flow table, bundles, barriers; no packets but the load's.

use std::collections::BTreeMap;

use model::Cookie;
use openflow::{
    BundleControl, BundleControlKind, Features, FlowMod, FlowModCommand, FlowStats, Frame, Match, Message,
    MultipartReply, MultipartReplyBody, MultipartRequestBody, PortDescription, PortNo, SwitchConfig, SwitchDescription,
    encode_into,
};

use crate::network::TERMINALS;

/// Entries a multipart reply carries; each is well below 600 bytes, so a reply stays below 64 KiB (§7.3.5).
const ENTRIES: usize = 100;

pub(super) struct Switch {
    datapath: u64,
    table: BTreeMap<(u8, u16, Match), FlowStats>,
    bundles: BTreeMap<u32, Vec<FlowMod>>,
    /// The features request came: the controller knows who this is.
    pub known: bool,
}

impl Switch {
    pub(super) fn new(datapath: u64) -> Self {
        Self { datapath, table: BTreeMap::new(), bundles: BTreeMap::new(), known: false }
    }

    /// Entries that some Sekisho owns.
    pub(super) fn owned(&self) -> usize {
        self.table.values().filter(|entry| Cookie(entry.cookie).owner().is_some()).count()
    }

    /// Answers whatever is no answer to the load.
    pub(super) fn take(&mut self, frame: Frame, out: &mut Vec<u8>) {
        let mut reply = |message: Message| {
            // Replies are short or cut to fit.
            let _ = encode_into(&message, frame.xid, out);
        };
        match frame.message {
            Message::EchoRequest(data) => reply(Message::EchoReply(data)),
            Message::FeaturesRequest => {
                self.known = true;
                let features = Features {
                    datapath_id: self.datapath,
                    n_buffers: 0,
                    n_tables: 254,
                    auxiliary_id: 0,
                    capabilities: 0x4f,
                };
                reply(Message::FeaturesReply(features));
            }
            Message::GetConfigRequest => {
                reply(Message::GetConfigReply(SwitchConfig { flags: 0, miss_send_len: 0xffff }));
            }
            Message::BarrierRequest => reply(Message::BarrierReply),
            Message::RoleRequest(role) => reply(Message::RoleReply(role)),
            Message::FlowMod(flow) => self.apply(&flow),
            Message::BundleAdd(add) => {
                if let Message::FlowMod(flow) = *add.message {
                    self.bundles.entry(add.bundle_id).or_default().push(flow);
                }
            }
            Message::BundleControl(control) => {
                if let Some(kind) = self.bundle(control) {
                    reply(Message::BundleControl(BundleControl { kind, ..control }));
                }
            }
            Message::MultipartRequest(request) => match request.body {
                MultipartRequestBody::Flow(_) => {
                    let all: Vec<FlowStats> = self.table.values().cloned().collect();
                    let mut parts = all.chunks(ENTRIES).peekable();
                    if parts.peek().is_none() {
                        reply(part(false, MultipartReplyBody::Flow(Vec::new())));
                    }
                    while let Some(entries) = parts.next() {
                        reply(part(parts.peek().is_some(), MultipartReplyBody::Flow(entries.to_vec())));
                    }
                }
                MultipartRequestBody::Desc => {
                    reply(part(false, MultipartReplyBody::Desc(SwitchDescription::default())))
                }
                MultipartRequestBody::PortDesc => reply(part(false, MultipartReplyBody::PortDesc(ports()))),
                MultipartRequestBody::Table => reply(part(false, MultipartReplyBody::Table(Vec::new()))),
                _ => {}
            },
            // Meters, roles of flushes, configuration: done, and no answer is due.
            _ => {}
        }
    }

    fn bundle(&mut self, control: BundleControl) -> Option<BundleControlKind> {
        match control.kind {
            BundleControlKind::OpenRequest => {
                self.bundles.insert(control.bundle_id, Vec::new());
                Some(BundleControlKind::OpenReply)
            }
            BundleControlKind::CloseRequest => Some(BundleControlKind::CloseReply),
            BundleControlKind::CommitRequest => {
                for flow in self.bundles.remove(&control.bundle_id).unwrap_or_default() {
                    self.apply(&flow);
                }
                Some(BundleControlKind::CommitReply)
            }
            BundleControlKind::DiscardRequest => {
                self.bundles.remove(&control.bundle_id);
                Some(BundleControlKind::DiscardReply)
            }
            _ => None,
        }
    }

    fn apply(&mut self, flow: &FlowMod) {
        // Temporary entries would fill the table with what nobody looks at.
        if flow.hard_timeout != 0 || flow.idle_timeout != 0 {
            return;
        }
        let key = (flow.table, flow.priority, flow.matching.normalized());
        match flow.command {
            FlowModCommand::Add => {
                self.table.insert(key, entry(flow));
            }
            FlowModCommand::DeleteStrict => {
                self.table.remove(&key);
            }
            FlowModCommand::Delete => {
                self.table.retain(|_, e| e.cookie & flow.cookie_mask != flow.cookie & flow.cookie_mask);
            }
            FlowModCommand::Modify | FlowModCommand::ModifyStrict => {}
        }
    }
}

fn entry(flow: &FlowMod) -> FlowStats {
    FlowStats {
        table: flow.table,
        duration_s: 0,
        duration_ns: 0,
        priority: flow.priority,
        idle_timeout: 0,
        hard_timeout: 0,
        flags: flow.flags,
        cookie: flow.cookie,
        packets: 0,
        bytes: 0,
        matching: flow.matching.clone(),
        instructions: flow.instructions.clone(),
    }
}

fn part(more: bool, body: MultipartReplyBody) -> Message {
    Message::MultipartReply(MultipartReply { more, body })
}

fn ports() -> Vec<PortDescription> {
    (1..u32::from(TERMINALS) + 3)
        .map(|port| PortDescription { port: PortNo(port), name: format!("p{port}"), ..PortDescription::default() })
        .collect()
}
