//! Errors a switch reports (§7.4.4).

use std::fmt;

use crate::buffer::{Decoded, Reader, Writer, open_enum};
use crate::message::ONF;

open_enum! {
    /// Class of an error (OFPET_*).
    ErrorType: u16 {
        /// Hello protocol failed.
        HelloFailed = 0,
        /// Request was not understood.
        BadRequest = 1,
        /// Error in an action.
        BadAction = 2,
        /// Error in an instruction.
        BadInstruction = 3,
        /// Error in a match.
        BadMatch = 4,
        /// Problem modifying a flow entry.
        FlowModFailed = 5,
        /// Problem modifying a group.
        GroupModFailed = 6,
        /// Port mod failed.
        PortModFailed = 7,
        /// Table mod failed.
        TableModFailed = 8,
        /// Queue operation failed.
        QueueOpFailed = 9,
        /// Switch config failed.
        SwitchConfigFailed = 10,
        /// Role request failed.
        RoleRequestFailed = 11,
        /// Error in a meter.
        MeterModFailed = 12,
        /// Setting table features failed.
        TableFeaturesFailed = 13,
    }
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SwitchError {
    /// An error of the specification. `kind` is never 0xffff.
    Standard {
        /// Class.
        kind: ErrorType,
        /// Code in the class.
        code: u16,
    },
    /// An experimenter's error (OFPET_EXPERIMENTER); EXT-230 reports bundle errors so.
    Experimenter {
        /// Experimenter id.
        experimenter: u32,
        /// Error number of that experimenter.
        exp_type: u16,
    },
}

impl SwitchError {
    /// OFPHFC_INCOMPATIBLE.
    pub const INCOMPATIBLE: Self = Self::standard(ErrorType::HelloFailed, 0);
    /// OFPBRC_IS_SLAVE: this controller is slave.
    pub const IS_SLAVE: Self = Self::standard(ErrorType::BadRequest, 10);
    /// OFPRRFC_STALE: generation id older than one the switch has seen.
    pub const STALE_ROLE: Self = Self::standard(ErrorType::RoleRequestFailed, 0);
    /// OFPFMFC_TABLE_FULL.
    pub const TABLE_FULL: Self = Self::standard(ErrorType::FlowModFailed, 1);
    /// OFPFMFC_OVERLAP.
    pub const OVERLAP: Self = Self::standard(ErrorType::FlowModFailed, 3);

    const fn standard(kind: ErrorType, code: u16) -> Self {
        Self::Standard { kind, code }
    }

    /// The name in the specification (`OFPBRC_IS_SLAVE`), if there is one.
    pub fn name(&self) -> Option<&'static str> {
        let (names, code): (&[&'static str], u16) = match *self {
            Self::Standard { kind, code } => (standard_names(kind), code),
            Self::Experimenter { experimenter: ONF, exp_type } => (BUNDLE_ERRORS, exp_type.checked_sub(2300)?),
            Self::Experimenter { .. } => return None,
        };
        names.get(usize::from(code)).copied()
    }
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self) {
            (Some(name), _) => f.write_str(name),
            (None, Self::Standard { kind, code }) => {
                write!(f, "error type {} code {code}", u16::from(*kind))
            }
            (None, Self::Experimenter { experimenter, exp_type }) => {
                write!(f, "experimenter {experimenter:#010x} error {exp_type}")
            }
        }
    }
}

/// OFPT_ERROR.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorMessage {
    /// What went wrong.
    pub error: SwitchError,
    /// The start of the request that failed (64 bytes at least, or all of it); for a failed hello,
    /// a text.
    pub data: Vec<u8>,
}

const EXPERIMENTER: u16 = 0xffff;

impl ErrorMessage {
    /// Type and xid of the request that failed, from its header in `data`.
    pub fn failed_request(&self) -> Option<(u8, u32)> {
        match *self.data.as_slice() {
            [_, kind, _, _, a, b, c, d, ..] => Some((kind, u32::from_be_bytes([a, b, c, d]))),
            _ => None,
        }
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        match self.error {
            SwitchError::Standard { kind, code } => {
                w.u16(kind.into());
                w.u16(code);
            }
            SwitchError::Experimenter { experimenter, exp_type } => {
                w.u16(EXPERIMENTER);
                w.u16(exp_type);
                w.u32(experimenter);
            }
        }
        w.bytes(&self.data);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.4.4");
        let kind = r.u16("type")?;
        let code = r.u16("code")?;
        let error = match kind {
            EXPERIMENTER => SwitchError::Experimenter { exp_type: code, experimenter: r.u32("experimenter")? },
            kind => SwitchError::Standard { kind: kind.into(), code },
        };
        Ok(Self { error, data: r.rest().to_vec() })
    }
}

fn standard_names(kind: ErrorType) -> &'static [&'static str] {
    match kind {
        ErrorType::HelloFailed => &["OFPHFC_INCOMPATIBLE", "OFPHFC_EPERM"],
        ErrorType::BadRequest => &[
            "OFPBRC_BAD_VERSION",
            "OFPBRC_BAD_TYPE",
            "OFPBRC_BAD_MULTIPART",
            "OFPBRC_BAD_EXPERIMENTER",
            "OFPBRC_BAD_EXP_TYPE",
            "OFPBRC_EPERM",
            "OFPBRC_BAD_LEN",
            "OFPBRC_BUFFER_EMPTY",
            "OFPBRC_BUFFER_UNKNOWN",
            "OFPBRC_BAD_TABLE_ID",
            "OFPBRC_IS_SLAVE",
            "OFPBRC_BAD_PORT",
            "OFPBRC_BAD_PACKET",
            "OFPBRC_MULTIPART_BUFFER_OVERFLOW",
        ],
        ErrorType::BadAction => &[
            "OFPBAC_BAD_TYPE",
            "OFPBAC_BAD_LEN",
            "OFPBAC_BAD_EXPERIMENTER",
            "OFPBAC_BAD_EXP_TYPE",
            "OFPBAC_BAD_OUT_PORT",
            "OFPBAC_BAD_ARGUMENT",
            "OFPBAC_EPERM",
            "OFPBAC_TOO_MANY",
            "OFPBAC_BAD_QUEUE",
            "OFPBAC_BAD_OUT_GROUP",
            "OFPBAC_MATCH_INCONSISTENT",
            "OFPBAC_UNSUPPORTED_ORDER",
            "OFPBAC_BAD_TAG",
            "OFPBAC_BAD_SET_TYPE",
            "OFPBAC_BAD_SET_LEN",
            "OFPBAC_BAD_SET_ARGUMENT",
        ],
        ErrorType::BadInstruction => &[
            "OFPBIC_UNKNOWN_INST",
            "OFPBIC_UNSUP_INST",
            "OFPBIC_BAD_TABLE_ID",
            "OFPBIC_UNSUP_METADATA",
            "OFPBIC_UNSUP_METADATA_MASK",
            "OFPBIC_BAD_EXPERIMENTER",
            "OFPBIC_BAD_EXP_TYPE",
            "OFPBIC_BAD_LEN",
            "OFPBIC_EPERM",
        ],
        ErrorType::BadMatch => &[
            "OFPBMC_BAD_TYPE",
            "OFPBMC_BAD_LEN",
            "OFPBMC_BAD_TAG",
            "OFPBMC_BAD_DL_ADDR_MASK",
            "OFPBMC_BAD_NW_ADDR_MASK",
            "OFPBMC_BAD_WILDCARDS",
            "OFPBMC_BAD_FIELD",
            "OFPBMC_BAD_VALUE",
            "OFPBMC_BAD_MASK",
            "OFPBMC_BAD_PREREQ",
            "OFPBMC_DUP_FIELD",
            "OFPBMC_EPERM",
        ],
        ErrorType::FlowModFailed => &[
            "OFPFMFC_UNKNOWN",
            "OFPFMFC_TABLE_FULL",
            "OFPFMFC_BAD_TABLE_ID",
            "OFPFMFC_OVERLAP",
            "OFPFMFC_EPERM",
            "OFPFMFC_BAD_TIMEOUT",
            "OFPFMFC_BAD_COMMAND",
            "OFPFMFC_BAD_FLAGS",
        ],
        ErrorType::GroupModFailed => &[
            "OFPGMFC_GROUP_EXISTS",
            "OFPGMFC_INVALID_GROUP",
            "OFPGMFC_WEIGHT_UNSUPPORTED",
            "OFPGMFC_OUT_OF_GROUPS",
            "OFPGMFC_OUT_OF_BUCKETS",
            "OFPGMFC_CHAINING_UNSUPPORTED",
            "OFPGMFC_WATCH_UNSUPPORTED",
            "OFPGMFC_LOOP",
            "OFPGMFC_UNKNOWN_GROUP",
            "OFPGMFC_CHAINED_GROUP",
            "OFPGMFC_BAD_TYPE",
            "OFPGMFC_BAD_COMMAND",
            "OFPGMFC_BAD_BUCKET",
            "OFPGMFC_BAD_WATCH",
            "OFPGMFC_EPERM",
        ],
        ErrorType::SwitchConfigFailed => &["OFPSCFC_BAD_FLAGS", "OFPSCFC_BAD_LEN", "OFPSCFC_EPERM"],
        ErrorType::RoleRequestFailed => &["OFPRRFC_STALE", "OFPRRFC_UNSUP", "OFPRRFC_BAD_ROLE"],
        ErrorType::MeterModFailed => &[
            "OFPMMFC_UNKNOWN",
            "OFPMMFC_METER_EXISTS",
            "OFPMMFC_INVALID_METER",
            "OFPMMFC_UNKNOWN_METER",
            "OFPMMFC_BAD_COMMAND",
            "OFPMMFC_BAD_FLAGS",
            "OFPMMFC_BAD_RATE",
            "OFPMMFC_BAD_BURST",
            "OFPMMFC_BAD_BAND",
            "OFPMMFC_BAD_BAND_VALUE",
            "OFPMMFC_OUT_OF_METERS",
            "OFPMMFC_OUT_OF_BANDS",
        ],
        ErrorType::PortModFailed
        | ErrorType::TableModFailed
        | ErrorType::QueueOpFailed
        | ErrorType::TableFeaturesFailed
        | ErrorType::Other(_) => &[],
    }
}

/// EXT-230 §"errors", from 2300.
const BUNDLE_ERRORS: &[&str] = &[
    "OFPBFC_UNKNOWN",
    "OFPBFC_EPERM",
    "OFPBFC_BAD_ID",
    "OFPBFC_BUNDLE_EXIST",
    "OFPBFC_BUNDLE_CLOSED",
    "OFPBFC_OUT_OF_BUNDLES",
    "OFPBFC_BAD_TYPE",
    "OFPBFC_BAD_FLAGS",
    "OFPBFC_MSG_BAD_LEN",
    "OFPBFC_MSG_BAD_XID",
    "OFPBFC_MSG_UNSUP",
    "OFPBFC_MSG_CONFLICT",
    "OFPBFC_MSG_TOO_MANY",
    "OFPBFC_MSG_FAILED",
    "OFPBFC_TIMEOUT",
    "OFPBFC_BUNDLE_IN_PROGRESS",
];
