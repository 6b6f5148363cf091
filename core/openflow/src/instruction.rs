//! Instructions of a flow entry (§7.2.4).

use crate::action::Action;
use crate::buffer::{Decoded, Reader, Writer};
use crate::failure::DecodeReason;

/// What a matching flow entry does. Switches accept at most one instruction of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// Continue in a later table.
    GotoTable(u8),
    /// Write masked bits of the metadata.
    WriteMetadata {
        /// The bits.
        value: u64,
        /// 1-bits are written.
        mask: u64,
    },
    /// Merge into the action set.
    WriteActions(Vec<Action>),
    /// Do at once, in order.
    ApplyActions(Vec<Action>),
    /// Empty the action set.
    ClearActions,
    /// Pass a meter first.
    Meter(u32),
    /// An instruction this crate has no name for.
    Raw {
        /// Instruction type.
        kind: u16,
        /// What follows the 4-byte header; its length plus 4 must be a multiple of 8.
        data: Vec<u8>,
    },
}

const GOTO_TABLE: u16 = 1;
const WRITE_METADATA: u16 = 2;
const WRITE_ACTIONS: u16 = 3;
const APPLY_ACTIONS: u16 = 4;
const CLEAR_ACTIONS: u16 = 5;
const METER: u16 = 6;

impl Instruction {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        let kind = match self {
            Self::GotoTable(_) => GOTO_TABLE,
            Self::WriteMetadata { .. } => WRITE_METADATA,
            Self::WriteActions(_) => WRITE_ACTIONS,
            Self::ApplyActions(_) => APPLY_ACTIONS,
            Self::ClearActions => CLEAR_ACTIONS,
            Self::Meter(_) => METER,
            Self::Raw { kind, .. } => *kind,
        };
        w.u16(kind);
        w.u16(0);
        match self {
            Self::GotoTable(table) => {
                w.u8(*table);
                w.zeros(3);
            }
            Self::WriteMetadata { value, mask } => {
                w.zeros(4);
                w.u64(*value);
                w.u64(*mask);
            }
            Self::WriteActions(actions) | Self::ApplyActions(actions) => {
                w.zeros(4);
                for action in actions {
                    action.encode(w);
                }
            }
            Self::ClearActions => w.zeros(4),
            Self::Meter(meter) => w.u32(*meter),
            Self::Raw { data, .. } => w.bytes(data),
        }
        w.patch_length(start + 2, start);
    }

    /// Every instruction up to the end of the window.
    pub(crate) fn decode_list(r: &mut Reader<'_>) -> Decoded<Vec<Self>> {
        let mut instructions = Vec::new();
        while !r.is_empty() {
            instructions.push(Self::decode(r)?);
        }
        Ok(instructions)
    }

    fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.2.4");
        let kind = r.u16("type")?;
        let length = r.u16("len")?;
        if length < 8 || length % 8 != 0 {
            return Err(r.error("len", DecodeReason::BadLength(usize::from(length))));
        }
        let mut body = r.rest_of(length, 4, "instruction body")?;
        let instruction = match kind {
            GOTO_TABLE => {
                let table = body.u8("table_id")?;
                body.skip(3)?;
                Self::GotoTable(table)
            }
            WRITE_METADATA => {
                body.skip(4)?;
                Self::WriteMetadata { value: body.u64("metadata")?, mask: body.u64("metadata_mask")? }
            }
            WRITE_ACTIONS | APPLY_ACTIONS => {
                body.skip(4)?;
                let actions = Action::decode_list(&mut body, 0)?;
                match kind {
                    WRITE_ACTIONS => Self::WriteActions(actions),
                    _ => Self::ApplyActions(actions),
                }
            }
            CLEAR_ACTIONS => {
                body.skip(4)?;
                Self::ClearActions
            }
            METER => Self::Meter(body.u32("meter_id")?),
            kind => Self::Raw { kind, data: body.rest().to_vec() },
        };
        if !body.is_empty() {
            return Err(r.error("len", DecodeReason::BadLength(usize::from(length))));
        }
        Ok(instruction)
    }
}
