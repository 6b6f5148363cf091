//! Flow monitors: the switch tells of every change of its tables as it happens (ONF EXT-187 on OpenFlow 1.3, the form
//! Open vSwitch speaks there; the same thing is NXST_FLOW_MONITOR in 1.0 and OFPMP_FLOW_MONITOR in 1.4).

use crate::buffer::{Decoded, Reader, Writer, bit_set, closed_enum};
use crate::failure::DecodeReason;
use crate::flow::FlowRemovedReason;
use crate::instruction::Instruction;
use crate::matching::Match;
use crate::port::PortNo;
use crate::session::Role;

/// Experimenter type of the multipart request and its replies, and of the message that cancels a monitor.
pub(crate) const MONITOR: u32 = 1870;
/// Experimenter type of "updates pause here".
pub(crate) const PAUSED: u32 = 1871;
/// Experimenter type of "updates go on here".
pub(crate) const RESUMED: u32 = 1872;
/// Experimenter type of a role status (EXT-191).
pub(crate) const ROLE_STATUS: u32 = 1911;

const ADDED: u16 = 0;
const DELETED: u16 = 1;
const MODIFIED: u16 = 2;
const ABBREVIATED: u16 = 3;

bit_set! {
    /// What a monitor tells (ONFFMF_*).
    FlowMonitorFlags: u16 {
        /// What stands at the time of the request.
        INITIAL = 0x01,
        /// Entries that come.
        ADD = 0x02,
        /// Entries that go.
        DELETE = 0x04,
        /// Entries whose instructions or cookie change.
        MODIFY = 0x08,
        /// With their instructions.
        ACTIONS = 0x10,
        /// Changes of this controller in full, not abbreviated.
        OWN = 0x20,
    }
}

/// Asks the switch to tell of changes until the connection ends: one part of an EXT-187 multipart request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlowMonitorRequest {
    /// Number of the monitor, unique on the connection.
    pub id: u32,
    /// What to tell.
    pub flags: FlowMonitorFlags,
    /// Only entries that output here; [`PortNo::ANY`] for all.
    pub out_port: PortNo,
    /// Table; 0xff for all.
    pub table: u8,
    /// Only entries this match covers.
    pub matching: Match,
}

impl FlowMonitorRequest {
    /// Everything anybody else changes in any table, with instructions; own changes come abbreviated.
    pub fn others(id: u32) -> Self {
        use FlowMonitorFlags as F;
        Self {
            id,
            flags: F::ADD | F::DELETE | F::MODIFY | F::ACTIONS,
            out_port: PortNo::ANY,
            table: 0xff,
            matching: Match::any(),
        }
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u32(self.id);
        w.u16(self.flags.0);
        let length = match_length(&self.matching, w);
        w.u16(length);
        w.u32(self.out_port.0);
        w.u8(self.table);
        w.zeros(3);
        self.matching.encode(w);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("EXT-187 flow monitor request");
        let id = r.u32("id")?;
        let flags = FlowMonitorFlags(r.u16("flags")?);
        let length = r.u16("match_len")?;
        let out_port = PortNo(r.u32("out_port")?);
        let table = r.u8("table_id")?;
        r.skip(3)?;
        Ok(Self { id, flags, out_port, table, matching: read_match(r, length)? })
    }
}

closed_enum! {
    /// What happened to an entry.
    FlowEvent: u16 {
        /// It came, or took another's place.
        Added = 0,
        /// It went.
        Deleted = 1,
        /// Its instructions or cookie changed.
        Modified = 2,
    }
}

/// One change, as the switch tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowUpdate {
    /// In full.
    Changed(Box<ChangedFlow>),
    /// This controller's own change. Open vSwitch says only the first of those it carries out together.
    Own {
        /// Transaction id of the message that asked for it.
        xid: u32,
    },
}

/// An entry that came, changed or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFlow {
    /// What happened.
    pub event: FlowEvent,
    /// Why it went; of no meaning otherwise.
    pub reason: FlowRemovedReason,
    /// Table it is or was in.
    pub table: u8,
    /// Larger wins.
    pub priority: u16,
    /// Idle timeout in seconds; 0 never.
    pub idle_timeout: u16,
    /// Hard timeout in seconds; 0 never.
    pub hard_timeout: u16,
    /// Identifier chosen by whoever wrote it.
    pub cookie: u64,
    /// Which packets.
    pub matching: Match,
    /// What happens to them; empty for one that went.
    pub instructions: Vec<Instruction>,
}

impl FlowUpdate {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        w.u16(0);
        match self {
            Self::Own { xid } => {
                w.u16(ABBREVIATED);
                w.u32(*xid);
            }
            Self::Changed(flow) => {
                w.u16(flow.event.to_wire());
                w.u16(u16::from(u8::from(flow.reason)));
                w.u16(flow.priority);
                w.u16(flow.idle_timeout);
                w.u16(flow.hard_timeout);
                let length = match_length(&flow.matching, w);
                w.u16(length);
                w.u8(flow.table);
                w.zeros(1);
                w.u64(flow.cookie);
                flow.matching.encode(w);
                for instruction in &flow.instructions {
                    instruction.encode(w);
                }
            }
        }
        w.patch_length(start, start);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("EXT-187 flow update");
        let length = r.u16("length")?;
        let mut body = r.rest_of(length, 2, "flow update")?;
        let event = body.u16("event")?;
        let update = match event {
            ABBREVIATED => Self::Own { xid: body.u32("xid")? },
            ADDED | DELETED | MODIFIED => {
                let event = FlowEvent::from_wire(event)
                    .ok_or_else(|| body.error("event", DecodeReason::BadValue(u64::from(event))))?;
                let reason = body.u16("reason")?;
                let reason = u8::try_from(reason)
                    .map_err(|_| body.error("reason", DecodeReason::BadValue(u64::from(reason))))?
                    .into();
                let priority = body.u16("priority")?;
                let idle_timeout = body.u16("idle_timeout")?;
                let hard_timeout = body.u16("hard_timeout")?;
                let match_len = body.u16("match_len")?;
                let table = body.u8("table_id")?;
                body.skip(1)?;
                Self::Changed(Box::new(ChangedFlow {
                    event,
                    reason,
                    table,
                    priority,
                    idle_timeout,
                    hard_timeout,
                    cookie: body.u64("cookie")?,
                    matching: read_match(&mut body, match_len)?,
                    instructions: Instruction::decode_list(&mut body)?,
                }))
            }
            event => return Err(body.error("event", DecodeReason::BadValue(u64::from(event)))),
        };
        match body.remaining() {
            0 => Ok(update),
            extra => Err(body.error("end of flow update", DecodeReason::BadLength(extra))),
        }
    }
}

/// The switch gives this controller another role: another one became master (EXT-191 on OpenFlow 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleStatus {
    /// Role held from now on.
    pub role: Role,
    /// 0: another controller became master; 1: by configuration; 2: an experimenter's reason.
    pub reason: u8,
    /// Election number of the master.
    pub generation_id: u64,
}

impl RoleStatus {
    pub(crate) fn encode(self, w: &mut Writer<'_>) {
        w.u32(self.role.to_wire());
        w.u8(self.reason);
        w.zeros(3);
        w.u64(self.generation_id);
    }

    /// Properties, of which no kind is defined but "experimenter", are ignored.
    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("EXT-191 role status");
        let role = r.u32("role")?;
        let role = Role::from_wire(role).ok_or_else(|| r.error("role", DecodeReason::BadValue(u64::from(role))))?;
        let reason = r.u8("reason")?;
        r.skip(3)?;
        let generation_id = r.u64("generation_id")?;
        r.rest();
        Ok(Self { role, reason, generation_id })
    }
}

/// The match's own length field, which EXT-187 repeats before it: without padding.
fn match_length(matching: &Match, w: &mut Writer<'_>) -> u16 {
    let mut bytes = Vec::new();
    let mut inner = Writer::new(&mut bytes);
    matching.encode(&mut inner);
    if let Err(failure) = inner.finish() {
        w.fail(failure);
        return 0;
    }
    match bytes.get(2..4) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => 0,
    }
}

/// A match whose length was said before: both must agree.
fn read_match(r: &mut Reader<'_>, length: u16) -> Decoded<Match> {
    let before = r.remaining();
    let padded = usize::from(length).div_ceil(8) * 8;
    let matching = Match::decode(r)?;
    match before - r.remaining() {
        taken if taken == padded => Ok(matching),
        _ => Err(r.error("match_len", DecodeReason::BadLength(usize::from(length)))),
    }
}
