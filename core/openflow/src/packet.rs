//! Packets to and from the controller (§7.4.1, §7.3.7).

use crate::action::Action;
use crate::buffer::{Decoded, Reader, Writer, open_enum};
use crate::flow::NO_BUFFER;
use crate::matching::Match;
use crate::port::PortNo;

open_enum! {
    /// Why a packet came (§7.4.1).
    PacketInReason: u8 {
        /// The table-miss entry.
        NoMatch = 0,
        /// An output to the controller.
        Action = 1,
        /// Its TTL expired.
        InvalidTtl = 2,
    }
}

/// OFPT_PACKET_IN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketIn {
    /// Buffer that holds the packet in the switch; Open vSwitch has none.
    pub buffer_id: Option<u32>,
    /// Full length of the packet in bytes.
    pub total_len: u16,
    /// Why it came.
    pub reason: PacketInReason,
    /// Table that sent it.
    pub table: u8,
    /// Cookie of the entry that sent it.
    pub cookie: u64,
    /// Ingress port, metadata, registers: what the packet itself does not say.
    pub matching: Match,
    /// The Ethernet frame, possibly cut.
    pub data: Vec<u8>,
}

impl PacketIn {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u32(self.buffer_id.unwrap_or(NO_BUFFER));
        w.u16(self.total_len);
        w.u8(self.reason.into());
        w.u8(self.table);
        w.u64(self.cookie);
        self.matching.encode(w);
        w.zeros(2);
        w.bytes(&self.data);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.4.1");
        let buffer_id = r.u32("buffer_id")?;
        let total_len = r.u16("total_len")?;
        let reason = r.u8("reason")?.into();
        let table = r.u8("table_id")?;
        let cookie = r.u64("cookie")?;
        let matching = Match::decode(r)?;
        r.skip(2)?;
        Ok(Self {
            buffer_id: (buffer_id != NO_BUFFER).then_some(buffer_id),
            total_len,
            reason,
            table,
            cookie,
            matching,
            data: r.rest().to_vec(),
        })
    }
}

/// OFPT_PACKET_OUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketOut {
    /// Buffer to send instead of `data`.
    pub buffer_id: Option<u32>,
    /// Ingress port the packet is treated as having, or [`PortNo::CONTROLLER`].
    pub in_port: PortNo,
    /// What to do with it; [`PortNo::TABLE`] as output sends it through the pipeline.
    pub actions: Vec<Action>,
    /// The Ethernet frame.
    pub data: Vec<u8>,
}

impl PacketOut {
    /// Sends `data` as if it came from `in_port`.
    pub fn new(in_port: PortNo, actions: Vec<Action>, data: Vec<u8>) -> Self {
        Self { buffer_id: None, in_port, actions, data }
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u32(self.buffer_id.unwrap_or(NO_BUFFER));
        w.u32(self.in_port.0);
        let length = w.len();
        w.u16(0);
        w.zeros(6);
        let actions = w.len();
        for action in &self.actions {
            action.encode(w);
        }
        w.patch_length(length, actions);
        w.bytes(&self.data);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.7");
        let buffer_id = r.u32("buffer_id")?;
        let in_port = PortNo(r.u32("in_port")?);
        let length = r.u16("actions_len")?;
        r.skip(6)?;
        let mut actions = r.window(usize::from(length), "actions")?;
        Ok(Self {
            buffer_id: (buffer_id != NO_BUFFER).then_some(buffer_id),
            in_port,
            actions: Action::decode_list(&mut actions, 0)?,
            data: r.rest().to_vec(),
        })
    }
}
