//! The message enumeration, its header (§7.1.1) and its bytes.

use crate::buffer::{Decoded, Reader, Writer};
use crate::bundle::{self, BundleAdd, BundleControl};
use crate::ct::CtFlush;
use crate::failure::{DecodeReason, EncodeError};
use crate::flow::{FlowMod, FlowRemoved};
use crate::group::GroupMod;
use crate::meter::MeterMod;
use crate::monitor::{self, RoleStatus};
use crate::multipart::{MultipartReply, MultipartRequest};
use crate::packet::{PacketIn, PacketOut};
use crate::port::PortStatus;
use crate::session::{Features, Hello, RoleRequest, SwitchConfig};
use crate::switch_error::ErrorMessage;

/// Wire version of OpenFlow 1.3.
pub const VERSION: u8 = 0x04;
/// Experimenter id of the Open Networking Foundation.
pub const ONF: u32 = 0x4f4e_4600;
/// Experimenter id of Nicira, used by Open vSwitch.
pub const NICIRA: u32 = 0x0000_2320;

/// One OpenFlow 1.3 message without its xid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// OFPT_HELLO.
    Hello(Hello),
    /// OFPT_ERROR.
    Error(ErrorMessage),
    /// OFPT_ECHO_REQUEST with arbitrary data.
    EchoRequest(Vec<u8>),
    /// OFPT_ECHO_REPLY with the data of the request.
    EchoReply(Vec<u8>),
    /// OFPT_FEATURES_REQUEST.
    FeaturesRequest,
    /// OFPT_FEATURES_REPLY.
    FeaturesReply(Features),
    /// OFPT_GET_CONFIG_REQUEST.
    GetConfigRequest,
    /// OFPT_GET_CONFIG_REPLY.
    GetConfigReply(SwitchConfig),
    /// OFPT_SET_CONFIG.
    SetConfig(SwitchConfig),
    /// OFPT_PACKET_IN.
    PacketIn(PacketIn),
    /// OFPT_FLOW_REMOVED.
    FlowRemoved(FlowRemoved),
    /// OFPT_PORT_STATUS.
    PortStatus(PortStatus),
    /// OFPT_PACKET_OUT.
    PacketOut(PacketOut),
    /// OFPT_FLOW_MOD.
    FlowMod(FlowMod),
    /// OFPT_GROUP_MOD.
    GroupMod(GroupMod),
    /// OFPT_METER_MOD.
    MeterMod(MeterMod),
    /// OFPT_MULTIPART_REQUEST.
    MultipartRequest(MultipartRequest),
    /// OFPT_MULTIPART_REPLY.
    MultipartReply(MultipartReply),
    /// OFPT_BARRIER_REQUEST.
    BarrierRequest,
    /// OFPT_BARRIER_REPLY.
    BarrierReply,
    /// OFPT_ROLE_REQUEST.
    RoleRequest(RoleRequest),
    /// OFPT_ROLE_REPLY.
    RoleReply(RoleRequest),
    /// EXT-230 bundle control, request or reply.
    BundleControl(BundleControl),
    /// EXT-230 bundle add.
    BundleAdd(BundleAdd),
    /// EXT-187: ends the flow monitor of this number.
    FlowMonitorCancel(u32),
    /// EXT-187: the switch cannot keep up; changes from here on are not told one by one.
    FlowMonitorPaused,
    /// EXT-187: what had changed was told, changes are told again.
    FlowMonitorResumed,
    /// EXT-191.
    RoleStatus(RoleStatus),
    /// NXT_CT_FLUSH.
    CtFlush(CtFlush),
    /// NXT_CT_FLUSH_ZONE: forget every connection of a zone.
    CtFlushZone(u16),
    /// OFPT_EXPERIMENTER this crate has no name for.
    Experimenter {
        /// Experimenter id.
        experimenter: u32,
        /// Message number of that experimenter.
        exp_type: u32,
        /// What follows.
        data: Vec<u8>,
    },
    /// A message type this crate has no name for.
    Raw {
        /// Message type.
        kind: u8,
        /// What follows the 8-byte header.
        data: Vec<u8>,
    },
}

/// The bytes of a message.
///
/// # Errors
/// If the message is longer than OpenFlow's 16-bit length allows.
pub fn encode(message: &Message, xid: u32) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(128);
    encode_into(message, xid, &mut out)?;
    Ok(out)
}

/// Appends the bytes of a message to `out`, which is left as it was on error.
///
/// # Errors
/// If the message is longer than OpenFlow's 16-bit length allows.
pub fn encode_into(message: &Message, xid: u32, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    let mut w = Writer::new(out);
    write(message, xid, &mut w);
    let result = w.finish();
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// The 8 bytes before every message (§7.1.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) length: u16,
    pub(crate) xid: u32,
}

impl Header {
    pub(crate) const LENGTH: usize = 8;

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.1.1");
        Ok(Self { version: r.u8("version")?, kind: r.u8("type")?, length: r.u16("length")?, xid: r.u32("xid")? })
    }
}

const HELLO: u8 = 0;
const ERROR: u8 = 1;
const ECHO_REQUEST: u8 = 2;
const ECHO_REPLY: u8 = 3;
const EXPERIMENTER: u8 = 4;
const FEATURES_REQUEST: u8 = 5;
const FEATURES_REPLY: u8 = 6;
const GET_CONFIG_REQUEST: u8 = 7;
const GET_CONFIG_REPLY: u8 = 8;
const SET_CONFIG: u8 = 9;
const PACKET_IN: u8 = 10;
const FLOW_REMOVED: u8 = 11;
const PORT_STATUS: u8 = 12;
const PACKET_OUT: u8 = 13;
const FLOW_MOD: u8 = 14;
const GROUP_MOD: u8 = 15;
const MULTIPART_REQUEST: u8 = 18;
const MULTIPART_REPLY: u8 = 19;
const BARRIER_REQUEST: u8 = 20;
const BARRIER_REPLY: u8 = 21;
const ROLE_REQUEST: u8 = 24;
const ROLE_REPLY: u8 = 25;
const METER_MOD: u8 = 29;

const NXT_CT_FLUSH_ZONE: u32 = 29;
const NXT_CT_FLUSH: u32 = 32;

impl Message {
    fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => HELLO,
            Self::Error(_) => ERROR,
            Self::EchoRequest(_) => ECHO_REQUEST,
            Self::EchoReply(_) => ECHO_REPLY,
            Self::FeaturesRequest => FEATURES_REQUEST,
            Self::FeaturesReply(_) => FEATURES_REPLY,
            Self::GetConfigRequest => GET_CONFIG_REQUEST,
            Self::GetConfigReply(_) => GET_CONFIG_REPLY,
            Self::SetConfig(_) => SET_CONFIG,
            Self::PacketIn(_) => PACKET_IN,
            Self::FlowRemoved(_) => FLOW_REMOVED,
            Self::PortStatus(_) => PORT_STATUS,
            Self::PacketOut(_) => PACKET_OUT,
            Self::FlowMod(_) => FLOW_MOD,
            Self::GroupMod(_) => GROUP_MOD,
            Self::MeterMod(_) => METER_MOD,
            Self::MultipartRequest(_) => MULTIPART_REQUEST,
            Self::MultipartReply(_) => MULTIPART_REPLY,
            Self::BarrierRequest => BARRIER_REQUEST,
            Self::BarrierReply => BARRIER_REPLY,
            Self::RoleRequest(_) => ROLE_REQUEST,
            Self::RoleReply(_) => ROLE_REPLY,
            Self::BundleControl(_)
            | Self::BundleAdd(_)
            | Self::FlowMonitorCancel(_)
            | Self::FlowMonitorPaused
            | Self::FlowMonitorResumed
            | Self::RoleStatus(_)
            | Self::CtFlush(_)
            | Self::CtFlushZone(_)
            | Self::Experimenter { .. } => EXPERIMENTER,
            Self::Raw { kind, .. } => *kind,
        }
    }
}

/// Appends header and body.
pub(crate) fn write(message: &Message, xid: u32, w: &mut Writer<'_>) {
    let start = w.len();
    w.u8(match message {
        Message::Hello(hello) => hello.version,
        _ => VERSION,
    });
    w.u8(message.kind());
    w.u16(0);
    w.u32(xid);
    match message {
        Message::Hello(hello) => hello.encode(w),
        Message::Error(error) => error.encode(w),
        Message::EchoRequest(data) | Message::EchoReply(data) | Message::Raw { data, .. } => {
            w.bytes(data);
        }
        Message::FeaturesRequest | Message::GetConfigRequest | Message::BarrierRequest | Message::BarrierReply => {}
        Message::FeaturesReply(features) => features.encode(w),
        Message::GetConfigReply(config) | Message::SetConfig(config) => config.encode(w),
        Message::PacketIn(packet) => packet.encode(w),
        Message::FlowRemoved(removed) => removed.encode(w),
        Message::PortStatus(status) => status.encode(w),
        Message::PacketOut(packet) => packet.encode(w),
        Message::FlowMod(flow) => flow.encode(w),
        Message::GroupMod(group) => group.encode(w),
        Message::MeterMod(meter) => meter.encode(w),
        Message::MultipartRequest(request) => request.encode(w),
        Message::MultipartReply(reply) => reply.encode(w),
        Message::RoleRequest(role) | Message::RoleReply(role) => role.encode(w),
        Message::BundleControl(control) => {
            experimenter(w, ONF, bundle::CONTROL);
            control.encode(w);
        }
        Message::BundleAdd(add) => {
            experimenter(w, ONF, bundle::ADD);
            add.encode(xid, w);
        }
        Message::FlowMonitorCancel(id) => {
            experimenter(w, ONF, monitor::MONITOR);
            w.u32(*id);
        }
        Message::FlowMonitorPaused => experimenter(w, ONF, monitor::PAUSED),
        Message::FlowMonitorResumed => experimenter(w, ONF, monitor::RESUMED),
        Message::RoleStatus(status) => {
            experimenter(w, ONF, monitor::ROLE_STATUS);
            status.encode(w);
        }
        Message::CtFlush(flush) => {
            experimenter(w, NICIRA, NXT_CT_FLUSH);
            flush.encode(w);
        }
        Message::CtFlushZone(zone) => {
            experimenter(w, NICIRA, NXT_CT_FLUSH_ZONE);
            w.zeros(6);
            w.u16(*zone);
        }
        Message::Experimenter { experimenter: id, exp_type, data } => {
            experimenter(w, *id, *exp_type);
            w.bytes(data);
        }
    }
    w.patch_length(start + 2, start);
}

/// Decodes the body that follows `header`. `in_bundle` refuses a bundle in a bundle, which EXT-230
/// does not allow and which would let the peer choose the depth of our recursion.
pub(crate) fn read(header: &Header, r: &mut Reader<'_>, in_bundle: bool) -> Decoded<Message> {
    if header.version != VERSION && !matches!(header.kind, HELLO | ERROR) {
        return Err(r.error("version", DecodeReason::BadVersion(header.version)));
    }
    let message = match header.kind {
        HELLO => Message::Hello(Hello::decode(header.version, r)?),
        ERROR => Message::Error(ErrorMessage::decode(r)?),
        ECHO_REQUEST => Message::EchoRequest(r.rest().to_vec()),
        ECHO_REPLY => Message::EchoReply(r.rest().to_vec()),
        EXPERIMENTER => read_experimenter(header, r, in_bundle)?,
        FEATURES_REQUEST => Message::FeaturesRequest,
        FEATURES_REPLY => Message::FeaturesReply(Features::decode(r)?),
        GET_CONFIG_REQUEST => Message::GetConfigRequest,
        GET_CONFIG_REPLY => Message::GetConfigReply(SwitchConfig::decode(r)?),
        SET_CONFIG => Message::SetConfig(SwitchConfig::decode(r)?),
        PACKET_IN => Message::PacketIn(PacketIn::decode(r)?),
        FLOW_REMOVED => Message::FlowRemoved(FlowRemoved::decode(r)?),
        PORT_STATUS => Message::PortStatus(PortStatus::decode(r)?),
        PACKET_OUT => Message::PacketOut(PacketOut::decode(r)?),
        FLOW_MOD => Message::FlowMod(FlowMod::decode(r)?),
        GROUP_MOD => Message::GroupMod(GroupMod::decode(r)?),
        METER_MOD => Message::MeterMod(MeterMod::decode(r)?),
        MULTIPART_REQUEST => Message::MultipartRequest(MultipartRequest::decode(r)?),
        MULTIPART_REPLY => Message::MultipartReply(MultipartReply::decode(r)?),
        BARRIER_REQUEST => Message::BarrierRequest,
        BARRIER_REPLY => Message::BarrierReply,
        ROLE_REQUEST => Message::RoleRequest(RoleRequest::decode(r)?),
        ROLE_REPLY => Message::RoleReply(RoleRequest::decode(r)?),
        kind => Message::Raw { kind, data: r.rest().to_vec() },
    };
    match r.remaining() {
        0 => Ok(message),
        extra => Err(r.error("end of message", DecodeReason::BadLength(extra))),
    }
}

fn read_experimenter(header: &Header, r: &mut Reader<'_>, in_bundle: bool) -> Decoded<Message> {
    r.clause("OF1.3.5 §7.5.4");
    let experimenter = r.u32("experimenter")?;
    let exp_type = r.u32("exp_type")?;
    match (experimenter, exp_type) {
        (ONF, bundle::CONTROL | bundle::ADD) if in_bundle => {
            r.clause("EXT-230 bundle add");
            Err(r.error("message", DecodeReason::BadValue(u64::from(exp_type))))
        }
        (ONF, bundle::CONTROL) => Ok(Message::BundleControl(BundleControl::decode(r)?)),
        (ONF, bundle::ADD) => Ok(Message::BundleAdd(BundleAdd::decode(header.xid, r)?)),
        (ONF, monitor::MONITOR) => Ok(Message::FlowMonitorCancel(r.u32("id")?)),
        (ONF, monitor::PAUSED) => Ok(Message::FlowMonitorPaused),
        (ONF, monitor::RESUMED) => Ok(Message::FlowMonitorResumed),
        (ONF, monitor::ROLE_STATUS) => Ok(Message::RoleStatus(RoleStatus::decode(r)?)),
        (NICIRA, NXT_CT_FLUSH_ZONE) => {
            r.skip(6)?;
            Ok(Message::CtFlushZone(r.u16("zone_id")?))
        }
        _ => {
            let offset = r.offset();
            let data = r.rest();
            if (experimenter, exp_type) == (NICIRA, NXT_CT_FLUSH) {
                let mut body = Reader::new(data, offset, "nicira-ext.h NXT_CT_FLUSH");
                if let Some(flush) = CtFlush::decode(&mut body)? {
                    return Ok(Message::CtFlush(flush));
                }
            }
            Ok(Message::Experimenter { experimenter, exp_type, data: data.to_vec() })
        }
    }
}

fn experimenter(w: &mut Writer<'_>, id: u32, exp_type: u32) {
    w.u32(id);
    w.u32(exp_type);
}
