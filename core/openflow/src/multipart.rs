//! Multipart requests and replies (§7.3.5).

use std::collections::BTreeMap;

use thiserror::Error;

use crate::buffer::{Decoded, Reader, Writer};
use crate::failure::DecodeReason;
use crate::flow::{FlowStats, FlowStatsRequest};
use crate::group::Group;
use crate::message::ONF;
use crate::meter::Meter;
use crate::monitor::{self, FlowMonitorRequest, FlowUpdate};
use crate::port::{PortDescription, PortNo, PortStats};

/// OFPT_MULTIPART_REQUEST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartRequest {
    /// OFPMPF_REQ_MORE: another part of this request follows under the same xid.
    pub more: bool,
    /// What is asked.
    pub body: MultipartRequestBody,
}

/// What a multipart request asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MultipartRequestBody {
    /// OFPMP_DESC: who made the switch.
    Desc,
    /// OFPMP_FLOW: flow entries one by one.
    Flow(FlowStatsRequest),
    /// OFPMP_AGGREGATE: flow entries in sum.
    Aggregate(FlowStatsRequest),
    /// OFPMP_TABLE: table counters.
    Table,
    /// OFPMP_PORT_STATS: counters of one port, or of all with [`PortNo::ANY`].
    PortStats(PortNo),
    /// OFPMP_GROUP_DESC: all groups.
    GroupDesc,
    /// OFPMP_METER_CONFIG: one meter, or all with 0xffffffff.
    MeterConfig(u32),
    /// OFPMP_PORT_DESC: all ports.
    PortDesc,
    /// EXT-187: tell of changes from now on.
    FlowMonitor(FlowMonitorRequest),
    /// A request this crate has no name for.
    Raw {
        /// Multipart type.
        kind: u16,
        /// Its body.
        data: Vec<u8>,
    },
}

/// OFPT_MULTIPART_REPLY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartReply {
    /// OFPMPF_REPLY_MORE: another part follows under the same xid. See [`Reassembly`].
    pub more: bool,
    /// What is answered.
    pub body: MultipartReplyBody,
}

/// What a multipart reply answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MultipartReplyBody {
    /// OFPMP_DESC.
    Desc(SwitchDescription),
    /// OFPMP_FLOW.
    Flow(Vec<FlowStats>),
    /// OFPMP_AGGREGATE.
    Aggregate(AggregateStats),
    /// OFPMP_TABLE.
    Table(Vec<TableStats>),
    /// OFPMP_PORT_STATS.
    PortStats(Vec<PortStats>),
    /// OFPMP_GROUP_DESC.
    GroupDesc(Vec<Group>),
    /// OFPMP_METER_CONFIG.
    MeterConfig(Vec<Meter>),
    /// OFPMP_PORT_DESC.
    PortDesc(Vec<PortDescription>),
    /// EXT-187: what stood, under the request's xid, or what changed, under xid 0.
    FlowMonitor(Vec<FlowUpdate>),
    /// A reply this crate has no name for.
    Raw {
        /// Multipart type.
        kind: u16,
        /// Its body.
        data: Vec<u8>,
    },
}

/// Who made the switch (§7.3.5.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SwitchDescription {
    /// Maker, at most 256 bytes.
    pub manufacturer: String,
    /// Hardware, at most 256 bytes.
    pub hardware: String,
    /// Software, at most 256 bytes.
    pub software: String,
    /// Serial number, at most 32 bytes.
    pub serial: String,
    /// Name of the datapath for people, at most 256 bytes.
    pub datapath: String,
}

/// Sum over flow entries (§7.3.5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AggregateStats {
    /// Packets counted.
    pub packets: u64,
    /// Bytes counted.
    pub bytes: u64,
    /// Number of entries.
    pub flows: u32,
}

/// Counters of a table (§7.3.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableStats {
    /// The table.
    pub table: u8,
    /// Number of entries.
    pub active: u32,
    /// Packets looked up.
    pub lookups: u64,
    /// Packets that hit an entry.
    pub matched: u64,
}

const DESC: u16 = 0;
const FLOW: u16 = 1;
const AGGREGATE: u16 = 2;
const TABLE: u16 = 3;
const PORT_STATS: u16 = 4;
const GROUP_DESC: u16 = 7;
const METER_CONFIG: u16 = 10;
const PORT_DESC: u16 = 13;
const EXPERIMENTER: u16 = 0xffff;
const MORE: u16 = 1;

impl MultipartRequest {
    /// A request of one part.
    pub fn new(body: MultipartRequestBody) -> Self {
        Self { more: false, body }
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u16(match &self.body {
            MultipartRequestBody::Desc => DESC,
            MultipartRequestBody::Flow(_) => FLOW,
            MultipartRequestBody::Aggregate(_) => AGGREGATE,
            MultipartRequestBody::Table => TABLE,
            MultipartRequestBody::PortStats(_) => PORT_STATS,
            MultipartRequestBody::GroupDesc => GROUP_DESC,
            MultipartRequestBody::MeterConfig(_) => METER_CONFIG,
            MultipartRequestBody::PortDesc => PORT_DESC,
            MultipartRequestBody::FlowMonitor(_) => EXPERIMENTER,
            MultipartRequestBody::Raw { kind, .. } => *kind,
        });
        w.u16(u16::from(self.more) * MORE);
        w.zeros(4);
        match &self.body {
            MultipartRequestBody::Desc
            | MultipartRequestBody::Table
            | MultipartRequestBody::GroupDesc
            | MultipartRequestBody::PortDesc => {}
            MultipartRequestBody::Flow(request) | MultipartRequestBody::Aggregate(request) => {
                request.encode(w);
            }
            MultipartRequestBody::PortStats(port) => {
                w.u32(port.0);
                w.zeros(4);
            }
            MultipartRequestBody::MeterConfig(meter) => {
                w.u32(*meter);
                w.zeros(4);
            }
            MultipartRequestBody::FlowMonitor(request) => {
                w.u32(ONF);
                w.u32(monitor::MONITOR);
                request.encode(w);
            }
            MultipartRequestBody::Raw { data, .. } => w.bytes(data),
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5");
        let kind = r.u16("type")?;
        let more = r.u16("flags")? & MORE != 0;
        r.skip(4)?;
        let body = match kind {
            DESC => MultipartRequestBody::Desc,
            FLOW => MultipartRequestBody::Flow(FlowStatsRequest::decode(r)?),
            AGGREGATE => MultipartRequestBody::Aggregate(FlowStatsRequest::decode(r)?),
            TABLE => MultipartRequestBody::Table,
            PORT_STATS => {
                let port = PortNo(r.u32("port_no")?);
                r.skip(4)?;
                MultipartRequestBody::PortStats(port)
            }
            GROUP_DESC => MultipartRequestBody::GroupDesc,
            METER_CONFIG => {
                let meter = r.u32("meter_id")?;
                r.skip(4)?;
                MultipartRequestBody::MeterConfig(meter)
            }
            PORT_DESC => MultipartRequestBody::PortDesc,
            EXPERIMENTER => match monitored(r) {
                Ok(mut body) => {
                    let request = FlowMonitorRequest::decode(&mut body)?;
                    match body.remaining() {
                        0 => MultipartRequestBody::FlowMonitor(request),
                        extra => return Err(body.error("end of flow monitor", DecodeReason::BadLength(extra))),
                    }
                }
                Err(data) => MultipartRequestBody::Raw { kind, data },
            },
            kind => MultipartRequestBody::Raw { kind, data: r.rest().to_vec() },
        };
        Ok(Self { more, body })
    }
}

impl MultipartReply {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u16(self.body.kind());
        w.u16(u16::from(self.more) * MORE);
        w.zeros(4);
        match &self.body {
            MultipartReplyBody::Desc(desc) => desc.encode(w),
            MultipartReplyBody::Flow(flows) => flows.iter().for_each(|flow| flow.encode(w)),
            MultipartReplyBody::Aggregate(sum) => {
                w.u64(sum.packets);
                w.u64(sum.bytes);
                w.u32(sum.flows);
                w.zeros(4);
            }
            MultipartReplyBody::Table(tables) => {
                for table in tables {
                    w.u8(table.table);
                    w.zeros(3);
                    w.u32(table.active);
                    w.u64(table.lookups);
                    w.u64(table.matched);
                }
            }
            MultipartReplyBody::PortStats(ports) => ports.iter().for_each(|port| port.encode(w)),
            MultipartReplyBody::GroupDesc(groups) => groups.iter().for_each(|group| group.encode(w)),
            MultipartReplyBody::MeterConfig(meters) => meters.iter().for_each(|meter| meter.encode(w)),
            MultipartReplyBody::PortDesc(ports) => ports.iter().for_each(|port| port.encode(w)),
            MultipartReplyBody::FlowMonitor(updates) => {
                w.u32(ONF);
                w.u32(monitor::MONITOR);
                updates.iter().for_each(|update| update.encode(w));
            }
            MultipartReplyBody::Raw { data, .. } => w.bytes(data),
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5");
        let kind = r.u16("type")?;
        let more = r.u16("flags")? & MORE != 0;
        r.skip(4)?;
        let body = match kind {
            DESC => MultipartReplyBody::Desc(SwitchDescription::decode(r)?),
            FLOW => {
                let mut flows = Vec::new();
                while !r.is_empty() {
                    flows.push(FlowStats::decode(r)?);
                }
                MultipartReplyBody::Flow(flows)
            }
            AGGREGATE => {
                let sum = AggregateStats {
                    packets: r.u64("packet_count")?,
                    bytes: r.u64("byte_count")?,
                    flows: r.u32("flow_count")?,
                };
                r.skip(4)?;
                MultipartReplyBody::Aggregate(sum)
            }
            TABLE => {
                let mut tables = Vec::new();
                while !r.is_empty() {
                    let table = r.u8("table_id")?;
                    r.skip(3)?;
                    tables.push(TableStats {
                        table,
                        active: r.u32("active_count")?,
                        lookups: r.u64("lookup_count")?,
                        matched: r.u64("matched_count")?,
                    });
                }
                MultipartReplyBody::Table(tables)
            }
            PORT_STATS => {
                let mut ports = Vec::with_capacity(r.remaining() / PortStats::LENGTH);
                while !r.is_empty() {
                    ports.push(PortStats::decode(r)?);
                }
                MultipartReplyBody::PortStats(ports)
            }
            PORT_DESC => {
                let mut ports = Vec::with_capacity(r.remaining() / PortDescription::LENGTH);
                while !r.is_empty() {
                    ports.push(PortDescription::decode(r)?);
                }
                MultipartReplyBody::PortDesc(ports)
            }
            GROUP_DESC => MultipartReplyBody::GroupDesc(list(r, Group::decode)?),
            METER_CONFIG => MultipartReplyBody::MeterConfig(list(r, Meter::decode)?),
            EXPERIMENTER => match monitored(r) {
                Ok(mut body) => MultipartReplyBody::FlowMonitor(list(&mut body, FlowUpdate::decode)?),
                Err(data) => MultipartReplyBody::Raw { kind, data },
            },
            kind => MultipartReplyBody::Raw { kind, data: r.rest().to_vec() },
        };
        Ok(Self { more, body })
    }
}

/// What follows the experimenter ids of a flow monitor, or everything if it is another experimenter's.
fn monitored<'a>(r: &mut Reader<'a>) -> Result<Reader<'a>, Vec<u8>> {
    let offset = r.offset();
    let data = r.rest();
    let ids = [ONF.to_be_bytes(), monitor::MONITOR.to_be_bytes()].concat();
    match data.strip_prefix(ids.as_slice()) {
        Some(body) => Ok(Reader::new(body, offset + ids.len(), "EXT-187")),
        None => Err(data.to_vec()),
    }
}

fn list<'a, T>(r: &mut Reader<'a>, one: impl Fn(&mut Reader<'a>) -> Decoded<T>) -> Decoded<Vec<T>> {
    let mut all = Vec::new();
    while !r.is_empty() {
        all.push(one(r)?);
    }
    Ok(all)
}

impl MultipartReplyBody {
    fn kind(&self) -> u16 {
        match self {
            Self::Desc(_) => DESC,
            Self::Flow(_) => FLOW,
            Self::Aggregate(_) => AGGREGATE,
            Self::Table(_) => TABLE,
            Self::PortStats(_) => PORT_STATS,
            Self::GroupDesc(_) => GROUP_DESC,
            Self::MeterConfig(_) => METER_CONFIG,
            Self::PortDesc(_) => PORT_DESC,
            Self::FlowMonitor(_) => EXPERIMENTER,
            Self::Raw { kind, .. } => *kind,
        }
    }

    /// Number of entries, for the limit of [`Reassembly`].
    fn weight(&self) -> usize {
        match self {
            Self::Desc(_) | Self::Aggregate(_) => 1,
            Self::Flow(entries) => entries.len(),
            Self::Table(entries) => entries.len(),
            Self::PortStats(entries) => entries.len(),
            Self::GroupDesc(entries) => entries.len(),
            Self::MeterConfig(entries) => entries.len(),
            Self::PortDesc(entries) => entries.len(),
            Self::FlowMonitor(entries) => entries.len(),
            Self::Raw { data, .. } => data.len(),
        }
    }

    /// Appends the next part; false if it is of another kind or not a list.
    fn append(&mut self, next: Self) -> bool {
        match (self, next) {
            (Self::Flow(all), Self::Flow(more)) => all.extend(more),
            (Self::Table(all), Self::Table(more)) => all.extend(more),
            (Self::PortStats(all), Self::PortStats(more)) => all.extend(more),
            (Self::GroupDesc(all), Self::GroupDesc(more)) => all.extend(more),
            (Self::MeterConfig(all), Self::MeterConfig(more)) => all.extend(more),
            (Self::PortDesc(all), Self::PortDesc(more)) => all.extend(more),
            (Self::FlowMonitor(all), Self::FlowMonitor(more)) => all.extend(more),
            (Self::Raw { kind, data }, Self::Raw { kind: k, data: d }) if *kind == k => {
                data.extend(d);
            }
            _ => return false,
        }
        true
    }
}

impl SwitchDescription {
    fn encode(&self, w: &mut Writer<'_>) {
        w.text(&self.manufacturer, 256, "mfr_desc");
        w.text(&self.hardware, 256, "hw_desc");
        w.text(&self.software, 256, "sw_desc");
        w.text(&self.serial, 32, "serial_num");
        w.text(&self.datapath, 256, "dp_desc");
    }

    fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5.1");
        Ok(Self {
            manufacturer: r.text(256, "mfr_desc")?,
            hardware: r.text(256, "hw_desc")?,
            software: r.text(256, "sw_desc")?,
            serial: r.text(32, "serial_num")?,
            datapath: r.text(256, "dp_desc")?,
        })
    }
}

/// Puts the parts of multipart replies together.
#[derive(Debug, Clone)]
pub struct Reassembly {
    parts: BTreeMap<u32, MultipartReplyBody>,
    limit: usize,
}

/// Why parts cannot be put together; the parts of that xid are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReassemblyError {
    /// Parts under one xid do not belong together: the switch's fault.
    #[error("multipart reply {xid:#x} mixes kinds")]
    Mixed {
        /// Transaction id of the reply.
        xid: u32,
    },
    /// More entries than the limit, or more than 64 replies unfinished: ask for less.
    #[error("multipart reply {xid:#x} exceeds {limit} entries or too many are unfinished")]
    TooMany {
        /// Transaction id of the reply.
        xid: u32,
        /// The limit.
        limit: usize,
    },
}

/// Replies that may be under way at once, so that a switch cannot fill our memory.
const MAX_UNFINISHED: usize = 64;

impl Reassembly {
    /// Keeps at most `limit` entries (bytes, for kinds without a name) per reply.
    pub fn new(limit: usize) -> Self {
        Self { parts: BTreeMap::new(), limit }
    }

    /// Takes a part; returns the whole reply with the last one.
    ///
    /// # Errors
    /// If the parts do not belong together, or are too many.
    pub fn push(&mut self, xid: u32, reply: MultipartReply) -> Result<Option<MultipartReplyBody>, ReassemblyError> {
        let whole = match self.parts.remove(&xid) {
            None => reply.body,
            Some(mut whole) => {
                if !whole.append(reply.body) {
                    return Err(ReassemblyError::Mixed { xid });
                }
                whole
            }
        };
        let unfinished = self.parts.len() >= MAX_UNFINISHED && reply.more;
        if whole.weight() > self.limit || unfinished {
            return Err(ReassemblyError::TooMany { xid, limit: self.limit });
        }
        if reply.more {
            self.parts.insert(xid, whole);
            return Ok(None);
        }
        Ok(Some(whole))
    }
}
