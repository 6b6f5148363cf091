//! Actions (§7.2.5) and the Nicira ones of `nicira-ext.h`.

use crate::buffer::{Decoded, Reader, Writer};
use crate::ct::Ct;
use crate::failure::{DecodeReason, EncodeError};
use crate::field::{FieldKind, OxmField};
use crate::group::GroupId;
use crate::message::NICIRA;
use crate::packet::PacketInReason;
use crate::port::PortNo;

/// One action of a list or set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send out of a port.
    Output {
        /// The port, physical or reserved.
        port: PortNo,
        /// For [`PortNo::CONTROLLER`]: bytes to send, 0xffff for the whole packet. Else 0.
        max_len: u16,
    },
    /// Apply a group.
    Group(GroupId),
    /// Choose a queue.
    SetQueue(u32),
    /// Add a VLAN tag of this Ethernet type (0x8100, 0x88a8).
    PushVlan(u16),
    /// Remove the outer VLAN tag.
    PopVlan,
    /// Decrement the IP TTL.
    DecNwTtl,
    /// Set the IP TTL.
    SetNwTtl(u8),
    /// Write a field. A mask is an Open vSwitch extension.
    SetField(OxmField),
    /// Track the connection.
    Ct(Ct),
    /// Forget the packet's tracking state.
    CtClear,
    /// Write an integer into some bits of a field (NXAST_REG_LOAD, subtype 7).
    RegLoad {
        /// Bits written, 64 at most.
        to: BitRange,
        /// The integer.
        value: u64,
    },
    /// Copy bits between fields (NXAST_REG_MOVE, subtype 6). `to.bits` must equal `from.bits`;
    /// the wire holds it once.
    RegMove {
        /// Bits read.
        from: BitRange,
        /// Bits written.
        to: BitRange,
    },
    /// To one controller, with a reason (NXAST_CONTROLLER, subtype 20).
    Controller(ControllerAction),
    /// Another vendor's action, or one of ours this crate has no name for.
    Experimenter {
        /// Experimenter id.
        experimenter: u32,
        /// What follows the id; its length plus 8 must be a multiple of 8.
        data: Vec<u8>,
    },
    /// A standard action this crate has no name for.
    Raw {
        /// Action type.
        kind: u16,
        /// What follows the 4-byte header; its length plus 4 must be a multiple of 8.
        data: Vec<u8>,
    },
}

/// To one controller, with a reason (NXAST_CONTROLLER).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ControllerAction {
    /// Bytes to send, 0xffff for the whole packet.
    pub max_len: u16,
    /// Controller id as set by NXT_SET_CONTROLLER_ID; 0 unless set.
    pub controller_id: u16,
    /// Reason shown in the packet-in.
    pub reason: PacketInReason,
}

/// Some bits of a field, as in `reg0[4..7]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRange {
    /// OXM header of the field.
    pub header: u32,
    /// First bit, 0 being the least significant; 10 bits on the wire.
    pub offset: u16,
    /// Number of bits, 1 to 64.
    pub bits: u16,
}

impl BitRange {
    /// The whole field.
    pub fn whole(field: FieldKind) -> Self {
        Self::part(field, 0, field.bits())
    }

    /// `bits` bits of the field from `offset`.
    pub fn part(field: FieldKind, offset: u16, bits: u16) -> Self {
        Self { header: field.header(), offset, bits }
    }

    /// `ofs_nbits` of `nicira-ext.h`: ten bits of offset, six of width minus one.
    pub(crate) fn put_packed(self, w: &mut Writer<'_>) {
        if self.offset > 0x3ff || !(1..=64).contains(&self.bits) {
            w.fail(EncodeError::FieldTooLong {
                field: "ofs_nbits",
                length: usize::from(self.offset.max(self.bits)),
                max: 0x3ff,
            });
        }
        w.u16((self.offset << 6) | (self.bits.wrapping_sub(1) & 0x3f));
    }

    pub(crate) fn unpacked(header: u32, packed: u16) -> Self {
        Self { header, offset: packed >> 6, bits: (packed & 0x3f) + 1 }
    }
}

const OUTPUT: u16 = 0;
const PUSH_VLAN: u16 = 17;
const POP_VLAN: u16 = 18;
const SET_QUEUE: u16 = 21;
const GROUP: u16 = 22;
const SET_NW_TTL: u16 = 23;
const DEC_NW_TTL: u16 = 24;
const SET_FIELD: u16 = 25;
const EXPERIMENTER: u16 = 0xffff;

const REG_MOVE: u16 = 6;
const REG_LOAD: u16 = 7;
const CONTROLLER: u16 = 20;
const CT: u16 = 35;
const CT_CLEAR: u16 = 43;

/// `ct(exec(ct(…)))` deeper than this is kept raw: no switch accepts it, and the recursion of a
/// decoder must not be in the peer's hands.
const MAX_DEPTH: u8 = 4;

impl Action {
    /// Sends out of `port`; to the controller, whole.
    pub fn output(port: PortNo) -> Self {
        let max_len = if port == PortNo::CONTROLLER { 0xffff } else { 0 };
        Self::Output { port, max_len }
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        match self {
            Self::Output { port, max_len } => {
                head(w, OUTPUT);
                w.u32(port.0);
                w.u16(*max_len);
                w.zeros(6);
            }
            Self::Group(group) => word(w, GROUP, group.0),
            Self::SetQueue(queue) => word(w, SET_QUEUE, *queue),
            Self::PushVlan(ethertype) => word(w, PUSH_VLAN, u32::from(*ethertype) << 16),
            Self::PopVlan => word(w, POP_VLAN, 0),
            Self::DecNwTtl => word(w, DEC_NW_TTL, 0),
            Self::SetNwTtl(ttl) => word(w, SET_NW_TTL, u32::from(*ttl) << 24),
            Self::SetField(field) => {
                head(w, SET_FIELD);
                field.encode(w);
                w.pad_from(start);
            }
            Self::Ct(ct) => {
                nicira(w, CT);
                ct.encode(w);
            }
            Self::CtClear => {
                nicira(w, CT_CLEAR);
                w.zeros(6);
            }
            Self::RegLoad { to, value } => {
                nicira(w, REG_LOAD);
                to.put_packed(w);
                w.u32(to.header);
                w.u64(*value);
            }
            Self::RegMove { from, to } => {
                nicira(w, REG_MOVE);
                w.u16(from.bits);
                w.u16(from.offset);
                w.u16(to.offset);
                w.u32(from.header);
                w.u32(to.header);
            }
            Self::Controller(controller) => {
                nicira(w, CONTROLLER);
                w.u16(controller.max_len);
                w.u16(controller.controller_id);
                w.u8(controller.reason.into());
                w.u8(0);
            }
            Self::Experimenter { experimenter, data } => {
                head(w, EXPERIMENTER);
                w.u32(*experimenter);
                w.bytes(data);
            }
            Self::Raw { kind, data } => {
                head(w, *kind);
                w.bytes(data);
            }
        }
        w.patch_length(start + 2, start);
    }

    /// Every action up to the end of the window.
    pub(crate) fn decode_list(r: &mut Reader<'_>, depth: u8) -> Decoded<Vec<Self>> {
        let mut actions = Vec::new();
        while !r.is_empty() {
            actions.push(Self::decode(r, depth)?);
        }
        Ok(actions)
    }

    fn decode(r: &mut Reader<'_>, depth: u8) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.2.5");
        let kind = r.u16("type")?;
        let length = r.u16("len")?;
        if length < 8 || length % 8 != 0 {
            return Err(r.error("len", DecodeReason::BadLength(usize::from(length))));
        }
        let mut body = r.rest_of(length, 4, "action body")?;
        let action = match kind {
            OUTPUT => {
                let port = PortNo(body.u32("port")?);
                let max_len = body.u16("max_len")?;
                body.skip(6)?;
                Self::Output { port, max_len }
            }
            GROUP => Self::Group(GroupId(body.u32("group_id")?)),
            SET_QUEUE => Self::SetQueue(body.u32("queue_id")?),
            PUSH_VLAN => {
                let ethertype = body.u16("ethertype")?;
                body.skip(2)?;
                Self::PushVlan(ethertype)
            }
            POP_VLAN => {
                body.skip(4)?;
                Self::PopVlan
            }
            DEC_NW_TTL => {
                body.skip(4)?;
                Self::DecNwTtl
            }
            SET_NW_TTL => {
                let ttl = body.u8("nw_ttl")?;
                body.skip(3)?;
                Self::SetNwTtl(ttl)
            }
            SET_FIELD => {
                let field = OxmField::decode(&mut body)?;
                if body.remaining() >= 8 {
                    return Err(r.error("len", DecodeReason::BadLength(usize::from(length))));
                }
                body.rest();
                Self::SetField(field)
            }
            EXPERIMENTER => Self::decode_experimenter(&mut body, depth)?,
            kind => Self::Raw { kind, data: body.rest().to_vec() },
        };
        if !body.is_empty() {
            return Err(r.error("len", DecodeReason::BadLength(usize::from(length))));
        }
        Ok(action)
    }

    fn decode_experimenter(body: &mut Reader<'_>, depth: u8) -> Decoded<Self> {
        let experimenter = body.u32("experimenter")?;
        let offset = body.offset();
        let data = body.rest();
        if experimenter == NICIRA {
            let mut r = Reader::new(data, offset, "nicira-ext.h NXAST");
            if let Some(action) = Self::decode_nicira(&mut r, depth)?
                && r.is_empty()
            {
                return Ok(action);
            }
        }
        Ok(Self::Experimenter { experimenter, data: data.to_vec() })
    }

    fn decode_nicira(r: &mut Reader<'_>, depth: u8) -> Decoded<Option<Self>> {
        if r.remaining() < 2 {
            return Ok(None);
        }
        Ok(Some(match r.u16("subtype")? {
            CT if depth < MAX_DEPTH => {
                return Ok(Ct::decode(r, depth + 1)?.map(Self::Ct));
            }
            CT_CLEAR => {
                r.skip(6)?;
                Self::CtClear
            }
            REG_LOAD => {
                let packed = r.u16("ofs_nbits")?;
                let to = BitRange::unpacked(r.u32("dst")?, packed);
                Self::RegLoad { to, value: r.u64("value")? }
            }
            REG_MOVE => {
                let bits = r.u16("n_bits")?;
                let from = r.u16("src_ofs")?;
                let to = r.u16("dst_ofs")?;
                Self::RegMove {
                    from: BitRange { header: r.u32("src")?, offset: from, bits },
                    to: BitRange { header: r.u32("dst")?, offset: to, bits },
                }
            }
            CONTROLLER => {
                let controller = ControllerAction {
                    max_len: r.u16("max_len")?,
                    controller_id: r.u16("controller_id")?,
                    reason: r.u8("reason")?.into(),
                };
                r.skip(1)?;
                Self::Controller(controller)
            }
            _ => return Ok(None),
        }))
    }
}

fn head(w: &mut Writer<'_>, kind: u16) {
    w.u16(kind);
    w.u16(0);
}

fn word(w: &mut Writer<'_>, kind: u16, value: u32) {
    head(w, kind);
    w.u32(value);
}

fn nicira(w: &mut Writer<'_>, subtype: u16) {
    head(w, EXPERIMENTER);
    w.u32(NICIRA);
    w.u16(subtype);
}
