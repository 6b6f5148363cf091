//! Flow entries: modify, removed, statistics (§7.3.4.1, §7.4.2, §7.3.5.2).

use crate::buffer::{Decoded, Reader, Writer, bit_set, closed_enum, open_enum};
use crate::failure::DecodeReason;
use crate::group::GroupId;
use crate::instruction::Instruction;
use crate::matching::Match;
use crate::port::PortNo;

/// All tables, in deletes and requests (OFPTT_ALL).
const TABLE_ALL: u8 = 0xff;
/// Buffer id of a message without a buffered packet (OFP_NO_BUFFER).
pub(crate) const NO_BUFFER: u32 = 0xffff_ffff;

closed_enum! {
    /// What a flow-mod does (§7.3.4.1).
    FlowModCommand: u8 {
        /// Insert; an entry with the same match and priority is replaced.
        Add = 0,
        /// Change the instructions of every entry the match covers.
        Modify = 1,
        /// Change the instructions of the entry with this match and priority.
        ModifyStrict = 2,
        /// Delete every entry the match covers.
        Delete = 3,
        /// Delete the entry with this match and priority.
        DeleteStrict = 4,
    }
}

bit_set! {
    /// Flow entry flags (OFPFF_*).
    FlowModFlags: u16 {
        /// Tell the controller when the entry goes.
        SEND_FLOW_REMOVED = 0x01,
        /// Refuse if an entry of the same priority overlaps.
        CHECK_OVERLAP = 0x02,
        /// Start the counters anew.
        RESET_COUNTS = 0x04,
        /// Do not count packets.
        NO_PACKET_COUNTS = 0x08,
        /// Do not count bytes.
        NO_BYTE_COUNTS = 0x10,
    }
}

/// OFPT_FLOW_MOD (§7.3.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlowMod {
    /// Identifier chosen by the controller.
    pub cookie: u64,
    /// For modify and delete: 1-bits of the entry's cookie that must equal `cookie`; 0 matches all.
    pub cookie_mask: u64,
    /// Table; 0xff in a delete means every table.
    pub table: u8,
    /// What to do.
    pub command: FlowModCommand,
    /// Seconds without a packet before the entry goes; 0 never.
    pub idle_timeout: u16,
    /// Seconds before the entry goes; 0 never.
    pub hard_timeout: u16,
    /// Larger wins.
    pub priority: u16,
    /// Buffered packet to send through the entry.
    pub buffer_id: Option<u32>,
    /// In a delete: only entries that output here; [`PortNo::ANY`] for all.
    pub out_port: PortNo,
    /// In a delete: only entries that use this group; [`GroupId::ANY`] for all.
    pub out_group: GroupId,
    /// Flags.
    pub flags: FlowModFlags,
    /// Which packets.
    pub matching: Match,
    /// What happens to them; none drops.
    pub instructions: Vec<Instruction>,
}

impl FlowMod {
    /// An entry to insert, without timeouts or flags.
    pub fn add(table: u8, priority: u16, cookie: u64, matching: Match, instructions: Vec<Instruction>) -> Self {
        Self {
            cookie,
            cookie_mask: 0,
            table,
            command: FlowModCommand::Add,
            idle_timeout: 0,
            hard_timeout: 0,
            priority,
            buffer_id: None,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            flags: FlowModFlags::default(),
            matching,
            instructions,
        }
    }

    /// Deletes, in every table, the entries whose cookie equals `cookie` in the 1-bits of `mask`.
    pub fn delete_by_cookie(cookie: u64, mask: u64) -> Self {
        Self {
            cookie_mask: mask,
            command: FlowModCommand::Delete,
            ..Self::add(TABLE_ALL, 0, cookie, Match::any(), Vec::new())
        }
    }

    /// Deletes the one entry with this match and priority.
    pub fn delete_strict(table: u8, priority: u16, matching: Match) -> Self {
        Self { command: FlowModCommand::DeleteStrict, ..Self::add(table, priority, 0, matching, Vec::new()) }
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u64(self.cookie);
        w.u64(self.cookie_mask);
        w.u8(self.table);
        w.u8(self.command.to_wire());
        w.u16(self.idle_timeout);
        w.u16(self.hard_timeout);
        w.u16(self.priority);
        w.u32(self.buffer_id.unwrap_or(NO_BUFFER));
        w.u32(self.out_port.0);
        w.u32(self.out_group.0);
        w.u16(self.flags.0);
        w.zeros(2);
        self.matching.encode(w);
        for instruction in &self.instructions {
            instruction.encode(w);
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.4.1");
        let cookie = r.u64("cookie")?;
        let cookie_mask = r.u64("cookie_mask")?;
        let table = r.u8("table_id")?;
        let command = r.u8("command")?;
        let command = FlowModCommand::from_wire(command)
            .ok_or_else(|| r.error("command", DecodeReason::BadValue(u64::from(command))))?;
        let idle_timeout = r.u16("idle_timeout")?;
        let hard_timeout = r.u16("hard_timeout")?;
        let priority = r.u16("priority")?;
        let buffer_id = r.u32("buffer_id")?;
        let out_port = PortNo(r.u32("out_port")?);
        let out_group = GroupId(r.u32("out_group")?);
        let flags = FlowModFlags(r.u16("flags")?);
        r.skip(2)?;
        Ok(Self {
            cookie,
            cookie_mask,
            table,
            command,
            idle_timeout,
            hard_timeout,
            priority,
            buffer_id: (buffer_id != NO_BUFFER).then_some(buffer_id),
            out_port,
            out_group,
            flags,
            matching: Match::decode(r)?,
            instructions: Instruction::decode_list(r)?,
        })
    }
}

open_enum! {
    /// Why an entry went (§7.4.2).
    FlowRemovedReason: u8 {
        /// No packet for `idle_timeout`.
        IdleTimeout = 0,
        /// `hard_timeout` passed.
        HardTimeout = 1,
        /// Deleted by a flow-mod.
        Delete = 2,
        /// Its group was deleted.
        GroupDelete = 3,
        /// Its meter was deleted.
        MeterDelete = 4,
    }
}

/// OFPT_FLOW_REMOVED (§7.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRemoved {
    /// Cookie of the entry.
    pub cookie: u64,
    /// Priority of the entry.
    pub priority: u16,
    /// Why it went.
    pub reason: FlowRemovedReason,
    /// Table it was in.
    pub table: u8,
    /// Seconds it lived.
    pub duration_s: u32,
    /// Nanoseconds beyond the seconds.
    pub duration_ns: u32,
    /// Idle timeout it had.
    pub idle_timeout: u16,
    /// Hard timeout it had.
    pub hard_timeout: u16,
    /// Packets it counted.
    pub packets: u64,
    /// Bytes it counted.
    pub bytes: u64,
    /// Which packets it matched.
    pub matching: Match,
}

impl FlowRemoved {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u64(self.cookie);
        w.u16(self.priority);
        w.u8(self.reason.into());
        w.u8(self.table);
        w.u32(self.duration_s);
        w.u32(self.duration_ns);
        w.u16(self.idle_timeout);
        w.u16(self.hard_timeout);
        w.u64(self.packets);
        w.u64(self.bytes);
        self.matching.encode(w);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.4.2");
        Ok(Self {
            cookie: r.u64("cookie")?,
            priority: r.u16("priority")?,
            reason: r.u8("reason")?.into(),
            table: r.u8("table_id")?,
            duration_s: r.u32("duration_sec")?,
            duration_ns: r.u32("duration_nsec")?,
            idle_timeout: r.u16("idle_timeout")?,
            hard_timeout: r.u16("hard_timeout")?,
            packets: r.u64("packet_count")?,
            bytes: r.u64("byte_count")?,
            matching: Match::decode(r)?,
        })
    }
}

/// Which entries to report: body of OFPMP_FLOW and OFPMP_AGGREGATE requests (§7.3.5.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FlowStatsRequest {
    /// Table; 0xff for all.
    pub table: u8,
    /// Only entries that output here; [`PortNo::ANY`] for all.
    pub out_port: PortNo,
    /// Only entries that use this group; [`GroupId::ANY`] for all.
    pub out_group: GroupId,
    /// Cookie to compare.
    pub cookie: u64,
    /// 1-bits of the cookie that count; 0 for all entries.
    pub cookie_mask: u64,
    /// Only entries this match covers.
    pub matching: Match,
}

impl FlowStatsRequest {
    /// Every entry of every table.
    pub fn all() -> Self {
        Self::by_cookie(0, 0)
    }

    /// Entries of every table whose cookie equals `cookie` in the 1-bits of `mask`.
    pub fn by_cookie(cookie: u64, mask: u64) -> Self {
        Self {
            table: TABLE_ALL,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            cookie,
            cookie_mask: mask,
            matching: Match::any(),
        }
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u8(self.table);
        w.zeros(3);
        w.u32(self.out_port.0);
        w.u32(self.out_group.0);
        w.zeros(4);
        w.u64(self.cookie);
        w.u64(self.cookie_mask);
        self.matching.encode(w);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5.2");
        let table = r.u8("table_id")?;
        r.skip(3)?;
        let out_port = PortNo(r.u32("out_port")?);
        let out_group = GroupId(r.u32("out_group")?);
        r.skip(4)?;
        Ok(Self {
            table,
            out_port,
            out_group,
            cookie: r.u64("cookie")?,
            cookie_mask: r.u64("cookie_mask")?,
            matching: Match::decode(r)?,
        })
    }
}

/// One entry as the switch reports it (§7.3.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowStats {
    /// Table it is in.
    pub table: u8,
    /// Seconds it has lived.
    pub duration_s: u32,
    /// Nanoseconds beyond the seconds.
    pub duration_ns: u32,
    /// Larger wins.
    pub priority: u16,
    /// Idle timeout in seconds; 0 never.
    pub idle_timeout: u16,
    /// Hard timeout in seconds; 0 never.
    pub hard_timeout: u16,
    /// Flags.
    pub flags: FlowModFlags,
    /// Identifier chosen by the controller.
    pub cookie: u64,
    /// Packets counted; `u64::MAX` if not.
    pub packets: u64,
    /// Bytes counted; `u64::MAX` if not.
    pub bytes: u64,
    /// Which packets.
    pub matching: Match,
    /// What happens to them.
    pub instructions: Vec<Instruction>,
}

impl FlowStats {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        w.u16(0);
        w.u8(self.table);
        w.u8(0);
        w.u32(self.duration_s);
        w.u32(self.duration_ns);
        w.u16(self.priority);
        w.u16(self.idle_timeout);
        w.u16(self.hard_timeout);
        w.u16(self.flags.0);
        w.zeros(4);
        w.u64(self.cookie);
        w.u64(self.packets);
        w.u64(self.bytes);
        self.matching.encode(w);
        for instruction in &self.instructions {
            instruction.encode(w);
        }
        w.patch_length(start, start);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5.2");
        let length = r.u16("length")?;
        let mut body = r.rest_of(length, 2, "flow_stats")?;
        let table = body.u8("table_id")?;
        body.skip(1)?;
        let duration_s = body.u32("duration_sec")?;
        let duration_ns = body.u32("duration_nsec")?;
        let priority = body.u16("priority")?;
        let idle_timeout = body.u16("idle_timeout")?;
        let hard_timeout = body.u16("hard_timeout")?;
        let flags = FlowModFlags(body.u16("flags")?);
        body.skip(4)?;
        Ok(Self {
            table,
            duration_s,
            duration_ns,
            priority,
            idle_timeout,
            hard_timeout,
            flags,
            cookie: body.u64("cookie")?,
            packets: body.u64("packet_count")?,
            bytes: body.u64("byte_count")?,
            matching: Match::decode(&mut body)?,
            instructions: Instruction::decode_list(&mut body)?,
        })
    }
}
