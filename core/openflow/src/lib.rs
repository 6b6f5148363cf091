//! OpenFlow 1.3.5 codec and channel handshake, with the ONF and Nicira extensions Sekisho uses.
//!
//! Bytes in, values out, and back: no socket, clock or thread. [`Decoder`] splits and decodes a
//! stream, [`encode`] writes one message, [`Channel`] does the handshake and keepalive, and
//! [`BundleTransaction`] applies many messages as one atomic change.
//!
//! This crate must not know any noun of the network it controls: no grant, zone, site or host.
//! Clause numbers in the docs refer to the OpenFlow Switch Specification 1.3.5 unless another
//! document is named; `EXT-230` is the ONF bundle extension, `nicira-ext.h` the Open vSwitch one.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod action;
mod buffer;
mod bundle;
mod channel;
mod ct;
mod decoder;
mod failure;
mod field;
mod flow;
mod group;
mod instruction;
mod matching;
mod message;
mod meter;
mod monitor;
mod multipart;
mod packet;
mod port;
mod session;
mod switch_error;
mod text;
mod transaction;

pub use action::{Action, BitRange, ControllerAction};
pub use bundle::{BundleAdd, BundleControl, BundleControlKind, BundleFlags};
pub use channel::{Channel, ChannelConfig, ChannelError, ChannelEvent};
pub use ct::{Ct, CtFlush, CtIcmp, CtState, CtTuple, CtZone};
pub use decoder::{Decoder, Frame};
pub use failure::{DecodeError, DecodeReason, EncodeError};
pub use field::{EthAddr, FieldKind, Masked, OxmField, VLAN_PRESENT};
pub use flow::{FlowMod, FlowModCommand, FlowModFlags, FlowRemoved, FlowRemovedReason, FlowStats, FlowStatsRequest};
pub use group::{Bucket, Group, GroupId, GroupMod, GroupModCommand, GroupType};
pub use instruction::Instruction;
pub use matching::Match;
pub use message::{Message, NICIRA, ONF, VERSION, encode, encode_into};
pub use meter::{Meter, MeterBand, MeterFlags, MeterMod, MeterModCommand};
pub use monitor::{ChangedFlow, FlowEvent, FlowMonitorFlags, FlowMonitorRequest, FlowUpdate, RoleStatus};
pub use multipart::{
    AggregateStats, MultipartReply, MultipartReplyBody, MultipartRequest, MultipartRequestBody, Reassembly,
    ReassemblyError, SwitchDescription, TableStats,
};
pub use packet::{PacketIn, PacketInReason, PacketOut};
pub use port::{PortDescription, PortNo, PortStats, PortStatus, PortStatusReason};
pub use session::{Features, Hello, HelloElement, Role, RoleRequest, SwitchConfig};
pub use switch_error::{ErrorMessage, ErrorType, SwitchError};
pub use transaction::{BundleOutcome, BundleTransaction};
