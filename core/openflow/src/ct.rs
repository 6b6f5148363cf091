//! Connection tracking: state bits, the `ct` action and NXT_CT_FLUSH (`nicira-ext.h`).

use std::net::{IpAddr, Ipv6Addr};

use crate::action::{Action, BitRange};
use crate::buffer::{Decoded, Reader, Writer, bit_set};
use crate::failure::DecodeReason;

bit_set! {
    /// Connection tracking state of a packet, as in `ct_state`.
    CtState: u32 {
        /// First packet of a connection not committed yet.
        NEW = 0x01,
        /// Belongs to a committed connection.
        ESTABLISHED = 0x02,
        /// Related to a committed connection, e.g. an ICMP error.
        RELATED = 0x04,
        /// In the reply direction.
        REPLY = 0x08,
        /// Could not be tracked.
        INVALID = 0x10,
        /// Has been through `ct`.
        TRACKED = 0x20,
        /// Source address translated.
        SNAT = 0x40,
        /// Destination address translated.
        DNAT = 0x80,
    }
}

impl CtState {
    /// Open vSwitch's `+trk-new` notation of `self` under `mask`; hex if a bit has no name.
    pub(crate) fn text_under(self, mask: Self) -> String {
        const NAMES: [&str; 8] = ["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"];
        if mask.0 >> NAMES.len() != 0 {
            return format!("{:#x}/{:#x}", self.0, mask.0);
        }
        let mut text = String::new();
        for (bit, name) in NAMES.iter().enumerate() {
            if mask.0 & (1 << bit) != 0 {
                text.push(if self.0 & (1 << bit) != 0 { '+' } else { '-' });
                text.push_str(name);
            }
        }
        text
    }
}

/// Zone of a `ct` action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CtZone {
    /// This zone.
    Number(u16),
    /// The zone in these 16 bits of a field. The field must not have the all-zero header.
    Field(BitRange),
}

/// The `ct` action (NXAST_CT, subtype 35): tracks the packet, and may commit its connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ct {
    /// Remember the connection.
    pub commit: bool,
    /// With `commit`: replace a connection that exists in the other direction.
    pub force: bool,
    /// Zone to track in.
    pub zone: CtZone,
    /// Table in which the tracked packet continues; `None` tracks without recirculation.
    pub table: Option<u8>,
    /// Application layer gateway by port number (21 ftp, 69 tftp); 0 for none.
    pub alg: u16,
    /// Done to the connection when committed: set `ct_mark`, NAT.
    pub exec: Vec<Action>,
}

const COMMIT: u16 = 1;
const FORCE: u16 = 2;
const NO_RECIRCULATION: u8 = 0xff;

impl Ct {
    /// Tracks in `zone` and continues in `table`.
    pub fn track(zone: u16, table: u8) -> Self {
        Self { commit: false, force: false, zone: CtZone::Number(zone), table: Some(table), alg: 0, exec: Vec::new() }
    }

    /// Commits in `zone` and goes on with the next action.
    pub fn commit(zone: u16) -> Self {
        Self { commit: true, force: false, zone: CtZone::Number(zone), table: None, alg: 0, exec: Vec::new() }
    }

    /// Everything after the subtype.
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u16((u16::from(self.commit) * COMMIT) | (u16::from(self.force) * FORCE));
        match self.zone {
            CtZone::Number(zone) => {
                w.u32(0);
                w.u16(zone);
            }
            CtZone::Field(range) => {
                w.u32(range.header);
                range.put_packed(w);
            }
        }
        w.u8(self.table.unwrap_or(NO_RECIRCULATION));
        w.zeros(3);
        w.u16(self.alg);
        for action in &self.exec {
            action.encode(w);
        }
    }

    /// `None` if it uses flags this crate does not know; the caller then keeps the raw bytes.
    pub(crate) fn decode(r: &mut Reader<'_>, depth: u8) -> Decoded<Option<Self>> {
        r.clause("nicira-ext.h NXAST_CT");
        let flags = r.u16("flags")?;
        let source = r.u32("zone_src")?;
        let zone = r.u16("zone_imm")?;
        let table = r.u8("recirc_table")?;
        r.skip(3)?;
        let alg = r.u16("alg")?;
        let exec = Action::decode_list(r, depth)?;
        if flags & !(COMMIT | FORCE) != 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            commit: flags & COMMIT != 0,
            force: flags & FORCE != 0,
            zone: match source {
                0 => CtZone::Number(zone),
                header => CtZone::Field(BitRange::unpacked(header, zone)),
            },
            table: (table != NO_RECIRCULATION).then_some(table),
            alg,
            exec,
        }))
    }
}

/// One direction of a connection; `None` matches anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CtTuple {
    /// Source address.
    pub source: Option<IpAddr>,
    /// Destination address.
    pub destination: Option<IpAddr>,
    /// Source port.
    pub source_port: Option<u16>,
    /// Destination port.
    pub destination_port: Option<u16>,
    /// ICMP or ICMPv6 in place of ports.
    pub icmp: Option<CtIcmp>,
}

/// The ICMP part of a [`CtTuple`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CtIcmp {
    /// Echo identifier.
    pub id: u16,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
}

/// NXT_CT_FLUSH (subtype 32, Open vSwitch 3.1): forgets tracked connections. All of them if
/// nothing is given; those in `zone`; those whose tuples agree. There is no reply: follow with a
/// barrier and watch for an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CtFlush {
    /// IP protocol of the tuples; 0 if there are none.
    pub ip_proto: u8,
    /// As seen in the original direction.
    pub original: Option<CtTuple>,
    /// As seen in the reply direction.
    pub reply: Option<CtTuple>,
    /// Only in this zone.
    pub zone: Option<u16>,
}

const ORIGINAL: u16 = 0;
const REPLY: u16 = 1;
const ZONE: u16 = 2;
const SOURCE: u16 = 0;
const DESTINATION: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;
const ICMP_ID: u16 = 4;
const ICMP_TYPE: u16 = 5;
const ICMP_CODE: u16 = 6;

impl CtFlush {
    /// The body after the experimenter header.
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u8(self.ip_proto);
        w.zeros(7);
        for (kind, tuple) in [(ORIGINAL, &self.original), (REPLY, &self.reply)] {
            if let Some(tuple) = tuple {
                property(w, kind, |w| {
                    w.zeros(4);
                    tuple.encode(w);
                });
            }
        }
        if let Some(zone) = self.zone {
            put_u16(w, ZONE, zone);
        }
    }

    /// `None` if it holds properties this crate does not know, as later versions add some.
    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Option<Self>> {
        r.clause("nicira-ext.h NXT_CT_FLUSH");
        let ip_proto = r.u8("ip_proto")?;
        r.skip(7)?;
        let mut flush = Self { ip_proto, ..Self::default() };
        let mut last = None;
        while !r.is_empty() {
            let (kind, mut body) = next_property(r)?;
            // Only the order and form this crate writes is typed, so that nothing is lost.
            if last.is_some_and(|last| last >= kind) {
                return Ok(None);
            }
            last = Some(kind);
            match kind {
                ORIGINAL | REPLY => {
                    body.skip(4)?;
                    let Some(tuple) = CtTuple::decode(&mut body)? else {
                        return Ok(None);
                    };
                    match kind {
                        ORIGINAL => flush.original = Some(tuple),
                        _ => flush.reply = Some(tuple),
                    }
                }
                ZONE => flush.zone = Some(get_u16(&mut body)?),
                _ => return Ok(None),
            }
        }
        Ok(Some(flush))
    }
}

impl CtTuple {
    fn encode(&self, w: &mut Writer<'_>) {
        for (kind, address) in [(SOURCE, self.source), (DESTINATION, self.destination)] {
            if let Some(address) = address {
                let address = match address {
                    IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                    IpAddr::V6(v6) => v6,
                };
                property(w, kind, |w| w.bytes(&address.octets()));
            }
        }
        if let Some(port) = self.source_port {
            put_u16(w, SOURCE_PORT, port);
        }
        if let Some(port) = self.destination_port {
            put_u16(w, DESTINATION_PORT, port);
        }
        if let Some(icmp) = self.icmp {
            put_u16(w, ICMP_ID, icmp.id);
            property(w, ICMP_TYPE, |w| w.u8(icmp.kind));
            property(w, ICMP_CODE, |w| w.u8(icmp.code));
        }
    }

    fn decode(r: &mut Reader<'_>) -> Decoded<Option<Self>> {
        let mut tuple = Self::default();
        let mut icmp = (None, None, None);
        let mut last = None;
        while !r.is_empty() {
            let (kind, mut body) = next_property(r)?;
            if last.is_some_and(|last| last >= kind) {
                return Ok(None);
            }
            last = Some(kind);
            match kind {
                SOURCE => tuple.source = Some(get_address(&mut body)?),
                DESTINATION => tuple.destination = Some(get_address(&mut body)?),
                SOURCE_PORT => tuple.source_port = Some(get_u16(&mut body)?),
                DESTINATION_PORT => tuple.destination_port = Some(get_u16(&mut body)?),
                ICMP_ID => icmp.0 = Some(get_u16(&mut body)?),
                ICMP_TYPE => icmp.1 = Some(body.u8("icmp_type")?),
                ICMP_CODE => icmp.2 = Some(body.u8("icmp_code")?),
                _ => return Ok(None),
            }
            if !body.is_empty() && !matches!(kind, SOURCE_PORT | DESTINATION_PORT | ICMP_ID) {
                return Ok(None);
            }
        }
        tuple.icmp = match icmp {
            (None, None, None) => None,
            (Some(id), Some(kind), Some(code)) => Some(CtIcmp { id, kind, code }),
            _ => return Ok(None),
        };
        Ok(Some(tuple))
    }
}

/// Type, length without padding, value, padding to eight bytes.
fn property(w: &mut Writer<'_>, kind: u16, value: impl FnOnce(&mut Writer<'_>)) {
    let start = w.len();
    w.u16(kind);
    w.u16(0);
    value(w);
    w.patch_length(start + 2, start);
    w.pad_from(start);
}

/// Open vSwitch counts the padding of a 16-bit property in its length.
fn put_u16(w: &mut Writer<'_>, kind: u16, value: u16) {
    property(w, kind, |w| {
        w.u16(value);
        w.zeros(2);
    });
}

fn next_property<'a>(r: &mut Reader<'a>) -> Decoded<(u16, Reader<'a>)> {
    let kind = r.u16("property type")?;
    let length = r.u16("property length")?;
    let body = r.rest_of(length, 4, "property value")?;
    r.skip_padding(usize::from(length))?;
    Ok((kind, body))
}

fn get_u16(body: &mut Reader<'_>) -> Decoded<u16> {
    let value = body.u16("property value")?;
    body.skip(2)?;
    match body.remaining() {
        0 => Ok(value),
        extra => Err(body.error("property length", DecodeReason::BadLength(extra))),
    }
}

fn get_address(body: &mut Reader<'_>) -> Decoded<IpAddr> {
    Ok(Ipv6Addr::from(body.array::<16>("address")?).to_canonical())
}
