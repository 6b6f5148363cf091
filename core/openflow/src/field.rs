//! OXM and NXM match fields (§7.2.3, `nicira-ext.h`).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::buffer::{Decoded, Reader, Writer};
use crate::ct::CtState;
use crate::failure::{DecodeReason, EncodeError};
use crate::message::ONF;
use crate::port::PortNo;

/// OFPVID_PRESENT: set in [`OxmField::VlanVid`] when the packet carries a VLAN tag (§7.2.3.7).
pub const VLAN_PRESENT: u16 = 0x1000;

const CLASS_EXPERIMENTER: u16 = 0xffff;
const NXM_NX: u16 = 0x0001;
const REGISTERS: u8 = 16;

/// A 48-bit Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EthAddr(pub [u8; 6]);

/// A value and the bits of it that count; no mask means all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Masked<T> {
    /// The value to compare with.
    pub value: T,
    /// 1-bits are compared; `None` compares all.
    pub mask: Option<T>,
}

impl<T> Masked<T> {
    /// All bits count.
    pub const fn exact(value: T) -> Self {
        Self { value, mask: None }
    }

    /// Only the 1-bits of `mask` count.
    pub const fn with_mask(value: T, mask: T) -> Self {
        Self { value, mask: Some(mask) }
    }
}

impl<T> From<T> for Masked<T> {
    fn from(value: T) -> Self {
        Self::exact(value)
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident($type:ty) = $class:literal, $field:literal, $name:literal;)*) => {
        /// One match field. Variants stand in the order in which prerequisites require them
        /// (§7.2.3.6), so sorted fields are in a valid order.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum OxmField {
            $($(#[$doc])* $variant($type),)*
            /// Nicira register 0 to 15, the first part being its number.
            Reg(u8, Masked<u32>),
            /// A field this crate has no name for, or a mask where the specification allows none.
            Raw {
                /// OXM class.
                class: u16,
                /// Field number in the class, 7 bits.
                field: u8,
                /// True if the second half of the payload is a mask.
                masked: bool,
                /// Everything after the 4-byte OXM header (for class 0xffff with the experimenter id).
                payload: Vec<u8>,
            },
        }

        /// Which field, without a value: the target of load, move and `ct(zone=…)`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FieldKind {
            $(#[doc = $name] $variant,)*
            /// Nicira register.
            Reg(u8),
        }

        impl FieldKind {
            /// The exact-match OXM header of §7.2.3.2.
            pub fn header(self) -> u32 {
                match self {
                    $(Self::$variant => header($class, $field, <$type as Shape>::LENGTH),)*
                    Self::Reg(number) => header(NXM_NX, number, 4),
                }
            }

            /// The field behind an exact-match OXM header, if this crate has a name for it.
            pub fn from_header(value: u32) -> Option<Self> {
                let class = (value >> 16) as u16;
                let field = (value >> 9) as u8 & 0x7f;
                let kind = match (class, field) {
                    $(($class, $field) => Self::$variant,)*
                    (NXM_NX, number) if number < REGISTERS => Self::Reg(number),
                    _ => return None,
                };
                (kind.header() == value).then_some(kind)
            }

            /// Width in bits as carried on the wire.
            pub fn bits(self) -> u16 {
                (self.header() as u8 as u16) * 8
            }
        }

        /// The name Open vSwitch uses in its text syntax.
        impl fmt::Display for FieldKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => f.write_str($name),)*
                    Self::Reg(number) => write!(f, "reg{number}"),
                }
            }
        }

        impl OxmField {
            /// Which field it is; `None` for [`OxmField::Raw`].
            pub fn kind(&self) -> Option<FieldKind> {
                match self {
                    $(Self::$variant(_) => Some(FieldKind::$variant),)*
                    Self::Reg(number, _) => Some(FieldKind::Reg(*number)),
                    Self::Raw { .. } => None,
                }
            }

            pub(crate) fn encode(&self, w: &mut Writer<'_>) {
                match self {
                    $(Self::$variant(value) => put($class, $field, value, w),)*
                    Self::Reg(number, value) => put(NXM_NX, number & 0x7f, value, w),
                    Self::Raw { class, field, masked, payload } => {
                        let length = u8::try_from(payload.len()).unwrap_or_else(|_| {
                            w.fail(EncodeError::FieldTooLong {
                                field: "oxm_length",
                                length: payload.len(),
                                max: 255,
                            });
                            255
                        });
                        w.u32(header(*class, *field, length) | u32::from(*masked) << 8);
                        w.bytes(payload);
                    }
                }
            }

            fn known(class: u16, field: u8, masked: bool, payload: &[u8]) -> Known {
                match (class, field) {
                    $(($class, $field) => read(masked, payload, Self::$variant),)*
                    (NXM_NX, number) if number < REGISTERS =>
                        read(masked, payload, |value| Self::Reg(number, value)),
                    // Open vSwitch and ONF know TCP flags under three headers (EXT-109, OpenFlow 1.5).
                    (0x8000, 42) => read(masked, payload, Self::TcpFlags),
                    (CLASS_EXPERIMENTER, 42) if payload.starts_with(&ONF.to_be_bytes()) =>
                        read(masked, &payload[4..], Self::TcpFlags),
                    _ => Known::No,
                }
            }

            /// The same condition in its only normal form, or `None` if it compares no bit: masked
            /// bits cleared, a full mask dropped.
            pub fn normalized(&self) -> Option<Self> {
                Some(match self {
                    $(Self::$variant(value) => Self::$variant(value.normalized()?),)*
                    Self::Reg(number, value) => Self::Reg(*number, value.normalized()?),
                    Self::Raw { .. } => self.clone(),
                })
            }

            fn shape_text(&self) -> String {
                match self {
                    $(Self::$variant(value) => value.text(),)*
                    Self::Reg(_, value) => value.text(),
                    Self::Raw { payload, .. } => payload.iter().map(|b| format!("{b:02x}")).collect(),
                }
            }
        }
    };
}

fields! {
    /// Ingress port.
    InPort(PortNo) = 0x8000, 0, "in_port";
    /// Metadata passed between tables.
    Metadata(Masked<u64>) = 0x8000, 2, "metadata";
    /// Ethernet destination.
    EthDst(Masked<EthAddr>) = 0x8000, 3, "eth_dst";
    /// Ethernet source.
    EthSrc(Masked<EthAddr>) = 0x8000, 4, "eth_src";
    /// Ethernet type after VLAN tags.
    EthType(u16) = 0x8000, 5, "eth_type";
    /// VLAN id with [`VLAN_PRESENT`]; 0 means untagged.
    VlanVid(Masked<u16>) = 0x8000, 6, "vlan_vid";
    /// VLAN priority.
    VlanPcp(u8) = 0x8000, 7, "vlan_pcp";
    /// DSCP, 6 bits.
    IpDscp(u8) = 0x8000, 8, "ip_dscp";
    /// ECN, 2 bits.
    IpEcn(u8) = 0x8000, 9, "nw_ecn";
    /// IP protocol.
    IpProto(u8) = 0x8000, 10, "nw_proto";
    /// IPv4 source.
    Ipv4Src(Masked<Ipv4Addr>) = 0x8000, 11, "nw_src";
    /// IPv4 destination.
    Ipv4Dst(Masked<Ipv4Addr>) = 0x8000, 12, "nw_dst";
    /// IPv6 source.
    Ipv6Src(Masked<Ipv6Addr>) = 0x8000, 26, "ipv6_src";
    /// IPv6 destination.
    Ipv6Dst(Masked<Ipv6Addr>) = 0x8000, 27, "ipv6_dst";
    /// TCP source port.
    TcpSrc(Masked<u16>) = 0x8000, 13, "tcp_src";
    /// TCP destination port.
    TcpDst(Masked<u16>) = 0x8000, 14, "tcp_dst";
    /// TCP flags, 12 bits (`NXM_NX_TCP_FLAGS`).
    TcpFlags(Masked<u16>) = 0x0001, 34, "tcp_flags";
    /// UDP source port.
    UdpSrc(Masked<u16>) = 0x8000, 15, "udp_src";
    /// UDP destination port.
    UdpDst(Masked<u16>) = 0x8000, 16, "udp_dst";
    /// SCTP source port.
    SctpSrc(Masked<u16>) = 0x8000, 17, "sctp_src";
    /// SCTP destination port.
    SctpDst(Masked<u16>) = 0x8000, 18, "sctp_dst";
    /// ICMP type.
    Icmpv4Type(u8) = 0x8000, 19, "icmp_type";
    /// ICMP code.
    Icmpv4Code(u8) = 0x8000, 20, "icmp_code";
    /// ICMPv6 type.
    Icmpv6Type(u8) = 0x8000, 29, "icmpv6_type";
    /// ICMPv6 code.
    Icmpv6Code(u8) = 0x8000, 30, "icmpv6_code";
    /// Neighbour discovery target.
    Ipv6NdTarget(Masked<Ipv6Addr>) = 0x8000, 31, "nd_target";
    /// Neighbour discovery source link-layer address.
    Ipv6NdSll(Masked<EthAddr>) = 0x8000, 32, "nd_sll";
    /// Neighbour discovery target link-layer address.
    Ipv6NdTll(Masked<EthAddr>) = 0x8000, 33, "nd_tll";
    /// Reserved word of a neighbour message, whose first bits are the flags R, S and O of an advertisement
    /// (Open vSwitch: `ERICOXM_OF_ICMPV6_ND_RESERVED`; to be set, not matched).
    Ipv6NdReserved(u32) = 0x1000, 1, "nd_reserved";
    /// Type of a neighbour message's first option: 1 source, 2 target link-layer address
    /// (Open vSwitch: `ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE`; to be set, not matched).
    Ipv6NdOptionsType(u8) = 0x1000, 2, "nd_options_type";
    /// ARP opcode.
    ArpOp(u16) = 0x8000, 21, "arp_op";
    /// ARP sender protocol address.
    ArpSpa(Masked<Ipv4Addr>) = 0x8000, 22, "arp_spa";
    /// ARP target protocol address.
    ArpTpa(Masked<Ipv4Addr>) = 0x8000, 23, "arp_tpa";
    /// ARP sender hardware address.
    ArpSha(Masked<EthAddr>) = 0x8000, 24, "arp_sha";
    /// ARP target hardware address.
    ArpTha(Masked<EthAddr>) = 0x8000, 25, "arp_tha";
    /// Connection tracking state; see [`CtState`].
    CtState(Masked<CtState>) = 0x0001, 105, "ct_state";
    /// Connection tracking zone.
    CtZone(u16) = 0x0001, 106, "ct_zone";
    /// Connection mark.
    CtMark(Masked<u32>) = 0x0001, 107, "ct_mark";
    /// Protocol of the connection's original direction.
    CtNwProto(u8) = 0x0001, 119, "ct_nw_proto";
    /// IPv4 source of the connection's original direction.
    CtNwSrc(Masked<Ipv4Addr>) = 0x0001, 120, "ct_nw_src";
    /// IPv4 destination of the connection's original direction.
    CtNwDst(Masked<Ipv4Addr>) = 0x0001, 121, "ct_nw_dst";
    /// Source port of the connection's original direction.
    CtTpSrc(Masked<u16>) = 0x0001, 124, "ct_tp_src";
    /// Destination port of the connection's original direction.
    CtTpDst(Masked<u16>) = 0x0001, 125, "ct_tp_dst";
}

impl OxmField {
    /// The value (and `/mask`) in Open vSwitch syntax; hex for a raw field.
    pub(crate) fn value_text(&self) -> String {
        match self {
            Self::EthType(value) => format!("{value:#06x}"),
            field => field.shape_text(),
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.2.3.2");
        let head = r.u32("oxm_header")?;
        let class = (head >> 16) as u16;
        let field = (head >> 9) as u8 & 0x7f;
        let masked = head & 0x100 != 0;
        let payload = r.take((head & 0xff) as usize, "oxm_value")?;
        match Self::known(class, field, masked, payload) {
            Known::Yes(field) => Ok(field),
            Known::No => Ok(Self::Raw { class, field, masked, payload: payload.to_vec() }),
            Known::WrongLength => Err(r.error("oxm_length", DecodeReason::BadLength(payload.len()))),
        }
    }
}

enum Known {
    Yes(OxmField),
    No,
    WrongLength,
}

fn header(class: u16, field: u8, length: u8) -> u32 {
    u32::from(class) << 16 | u32::from(field & 0x7f) << 9 | u32::from(length)
}

fn put<S: Shape>(class: u16, field: u8, value: &S, w: &mut Writer<'_>) {
    match value.mask_bytes() {
        None => {
            w.u32(header(class, field, S::LENGTH));
            value.put_value(w);
        }
        Some(()) => {
            w.u32(header(class, field, S::LENGTH * 2) | 0x100);
            value.put_value(w);
            value.put_mask(w);
        }
    }
}

fn read<S: Shape>(masked: bool, payload: &[u8], wrap: impl Fn(S) -> OxmField) -> Known {
    let length = usize::from(S::LENGTH);
    let expected = if masked { length * 2 } else { length };
    if payload.len() != expected {
        return Known::WrongLength;
    }
    let (value, mask) = payload.split_at(length);
    S::get(value, masked.then_some(mask)).map_or(Known::No, |shape| Known::Yes(wrap(shape)))
}

/// A field's value with or without room for a mask.
pub(crate) trait Shape: Sized {
    const LENGTH: u8;
    fn get(value: &[u8], mask: Option<&[u8]>) -> Option<Self>;
    fn mask_bytes(&self) -> Option<()>;
    fn put_value(&self, w: &mut Writer<'_>);
    fn put_mask(&self, w: &mut Writer<'_>);
    fn normalized(&self) -> Option<Self>;
    fn text(&self) -> String;
}

impl<T: Value> Shape for T {
    const LENGTH: u8 = T::LENGTH;

    fn get(value: &[u8], mask: Option<&[u8]>) -> Option<Self> {
        match mask {
            None => T::get(value),
            Some(_) => None,
        }
    }

    fn mask_bytes(&self) -> Option<()> {
        None
    }

    fn put_value(&self, w: &mut Writer<'_>) {
        self.put(w);
    }

    fn put_mask(&self, _: &mut Writer<'_>) {}

    fn normalized(&self) -> Option<Self> {
        Some(*self)
    }

    fn text(&self) -> String {
        self.exact_text()
    }
}

impl<T: Value> Shape for Masked<T> {
    const LENGTH: u8 = T::LENGTH;

    fn get(value: &[u8], mask: Option<&[u8]>) -> Option<Self> {
        let mask = match mask {
            None => None,
            Some(bytes) => Some(T::get(bytes)?),
        };
        T::get(value).map(|value| Self { value, mask })
    }

    fn mask_bytes(&self) -> Option<()> {
        self.mask.map(|_| ())
    }

    fn put_value(&self, w: &mut Writer<'_>) {
        self.value.put(w);
    }

    fn put_mask(&self, w: &mut Writer<'_>) {
        if let Some(mask) = &self.mask {
            mask.put(w);
        }
    }

    fn normalized(&self) -> Option<Self> {
        match self.mask {
            None => Some(*self),
            Some(mask) if mask == T::ALL => Some(Self::exact(self.value)),
            Some(mask) if mask == T::NONE => None,
            Some(mask) => Some(Self::with_mask(self.value.and(mask), mask)),
        }
    }

    fn text(&self) -> String {
        match self.mask {
            None => self.value.exact_text(),
            Some(mask) => self.value.masked_text(mask),
        }
    }
}

/// A fixed-width value that can be compared under a mask.
pub(crate) trait Value: Copy + PartialEq {
    const LENGTH: u8;
    const ALL: Self;
    const NONE: Self;
    fn get(bytes: &[u8]) -> Option<Self>;
    fn put(&self, w: &mut Writer<'_>);
    fn and(self, mask: Self) -> Self;
    fn exact_text(&self) -> String;
    fn masked_text(&self, mask: Self) -> String;
}

macro_rules! value {
    ($type:ty, $length:literal, $all:expr, $none:expr, $from:expr, $to:expr, $and:expr, $exact:expr, $masked:expr) => {
        impl Value for $type {
            const LENGTH: u8 = $length;
            const ALL: Self = $all;
            const NONE: Self = $none;
            fn get(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(|array: [u8; $length]| ($from)(array))
            }
            fn put(&self, w: &mut Writer<'_>) {
                let array: [u8; $length] = ($to)(*self);
                w.bytes(&array);
            }
            fn and(self, mask: Self) -> Self {
                ($and)(self, mask)
            }
            fn exact_text(&self) -> String {
                ($exact)(*self)
            }
            fn masked_text(&self, mask: Self) -> String {
                ($masked)(*self, mask)
            }
        }
    };
}

macro_rules! integer_value {
    ($type:ty, $length:literal, $exact:literal) => {
        value!(
            $type,
            $length,
            <$type>::MAX,
            0,
            <$type>::from_be_bytes,
            <$type>::to_be_bytes,
            |a: $type, b: $type| a & b,
            |a: $type| format!($exact, a),
            |a: $type, b: $type| format!("{a:#x}/{b:#x}")
        );
    };
}

integer_value!(u8, 1, "{}");
integer_value!(u16, 2, "{}");
integer_value!(u32, 4, "{:#x}");
integer_value!(u64, 8, "{:#x}");
value!(
    EthAddr,
    6,
    EthAddr([0xff; 6]),
    EthAddr([0; 6]),
    EthAddr,
    |a: EthAddr| a.0,
    |a: EthAddr, b: EthAddr| EthAddr(std::array::from_fn(|i| a.0[i] & b.0[i])),
    |a: EthAddr| a.to_string(),
    |a: EthAddr, b: EthAddr| format!("{a}/{b}")
);
value!(
    Ipv4Addr,
    4,
    Ipv4Addr::BROADCAST,
    Ipv4Addr::UNSPECIFIED,
    Ipv4Addr::from,
    |a: Ipv4Addr| a.octets(),
    |a: Ipv4Addr, b: Ipv4Addr| a & b,
    |a: Ipv4Addr| a.to_string(),
    |a: Ipv4Addr, b: Ipv4Addr| format!("{a}/{b}")
);
value!(
    Ipv6Addr,
    16,
    Ipv6Addr::from_bits(u128::MAX),
    Ipv6Addr::UNSPECIFIED,
    Ipv6Addr::from,
    |a: Ipv6Addr| a.octets(),
    |a: Ipv6Addr, b: Ipv6Addr| a & b,
    |a: Ipv6Addr| a.to_string(),
    |a: Ipv6Addr, b: Ipv6Addr| format!("{a}/{b}")
);
value!(
    PortNo,
    4,
    PortNo(u32::MAX),
    PortNo(0),
    |a| PortNo(u32::from_be_bytes(a)),
    |a: PortNo| a.0.to_be_bytes(),
    |a: PortNo, b: PortNo| PortNo(a.0 & b.0),
    |a: PortNo| a.to_string(),
    |a: PortNo, b: PortNo| format!("{:#x}/{:#x}", a.0, b.0)
);
value!(
    CtState,
    4,
    CtState(u32::MAX),
    CtState(0),
    |a| CtState(u32::from_be_bytes(a)),
    |a: CtState| a.0.to_be_bytes(),
    |a: CtState, b: CtState| CtState(a.0 & b.0),
    |a: CtState| format!("{:#x}", a.0),
    |a: CtState, b: CtState| a.text_under(b)
);

impl fmt::Display for EthAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for EthAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
