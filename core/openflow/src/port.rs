//! Ports: numbers, descriptions, counters, status (§7.2.1, §7.3.5.6, §7.3.5.7, §7.4.3).

use std::fmt;

use crate::buffer::{Decoded, Reader, Writer, open_enum};
use crate::field::EthAddr;

/// A port number; the reserved ones of §7.2.1 are constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PortNo(pub u32);

impl PortNo {
    /// OFPP_MAX: largest number of a physical or logical port.
    pub const MAX: Self = Self(0xffff_ff00);
    /// OFPP_IN_PORT: back out of the ingress port.
    pub const IN_PORT: Self = Self(0xffff_fff8);
    /// OFPP_TABLE: submit to the first table (packet-out only).
    pub const TABLE: Self = Self(0xffff_fff9);
    /// OFPP_NORMAL: the switch's own layer 2 processing.
    pub const NORMAL: Self = Self(0xffff_fffa);
    /// OFPP_FLOOD.
    pub const FLOOD: Self = Self(0xffff_fffb);
    /// OFPP_ALL.
    pub const ALL: Self = Self(0xffff_fffc);
    /// OFPP_CONTROLLER: to the controller, as a packet-in.
    pub const CONTROLLER: Self = Self(0xffff_fffd);
    /// OFPP_LOCAL: the bridge's own device.
    pub const LOCAL: Self = Self(0xffff_fffe);
    /// OFPP_ANY: wildcard in requests and deletes.
    pub const ANY: Self = Self(0xffff_ffff);

    /// True for the numbers above [`PortNo::MAX`].
    pub const fn is_reserved(self) -> bool {
        self.0 > Self::MAX.0
    }
}

/// The name Open vSwitch uses in its text syntax, or the number.
impl fmt::Display for PortNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::IN_PORT => f.write_str("IN_PORT"),
            Self::TABLE => f.write_str("TABLE"),
            Self::NORMAL => f.write_str("NORMAL"),
            Self::FLOOD => f.write_str("FLOOD"),
            Self::ALL => f.write_str("ALL"),
            Self::CONTROLLER => f.write_str("CONTROLLER"),
            Self::LOCAL => f.write_str("LOCAL"),
            Self::ANY => f.write_str("ANY"),
            Self(number) => write!(f, "{number}"),
        }
    }
}

/// A port as the switch describes it (§7.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortDescription {
    /// Its number.
    pub port: PortNo,
    /// Its hardware address.
    pub address: EthAddr,
    /// Its name, at most 16 bytes.
    pub name: String,
    /// OFPPC_* bits; bit 0 is "administratively down".
    pub config: u32,
    /// OFPPS_* bits; bit 0 is "no link", bit 2 "live".
    pub state: u32,
    /// Current features, OFPPF_* bits.
    pub current: u32,
    /// Advertised features.
    pub advertised: u32,
    /// Supported features.
    pub supported: u32,
    /// Features advertised by the peer.
    pub peer: u32,
    /// Current bit rate in kbit/s.
    pub current_speed: u32,
    /// Largest bit rate in kbit/s.
    pub max_speed: u32,
}

impl PortDescription {
    pub(crate) const LENGTH: usize = 64;

    /// OFPPS_LINK_DOWN: no carrier.
    pub const fn link_down(&self) -> bool {
        self.state & 1 != 0
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u32(self.port.0);
        w.zeros(4);
        w.bytes(&self.address.0);
        w.zeros(2);
        w.text(&self.name, 16, "name");
        for value in [
            self.config,
            self.state,
            self.current,
            self.advertised,
            self.supported,
            self.peer,
            self.current_speed,
            self.max_speed,
        ] {
            w.u32(value);
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.2.1");
        let port = PortNo(r.u32("port_no")?);
        r.skip(4)?;
        let address = EthAddr(r.array("hw_addr")?);
        r.skip(2)?;
        Ok(Self {
            port,
            address,
            name: r.text(16, "name")?,
            config: r.u32("config")?,
            state: r.u32("state")?,
            current: r.u32("curr")?,
            advertised: r.u32("advertised")?,
            supported: r.u32("supported")?,
            peer: r.u32("peer")?,
            current_speed: r.u32("curr_speed")?,
            max_speed: r.u32("max_speed")?,
        })
    }
}

open_enum! {
    /// Why a port status was sent (§7.4.3).
    PortStatusReason: u8 {
        /// The port was added.
        Add = 0,
        /// The port was removed.
        Delete = 1,
        /// An attribute of the port changed.
        Modify = 2,
    }
}

/// OFPT_PORT_STATUS (§7.4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortStatus {
    /// What happened.
    pub reason: PortStatusReason,
    /// The port after it (before it, for a removal).
    pub port: PortDescription,
}

impl PortStatus {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u8(self.reason.into());
        w.zeros(7);
        self.port.encode(w);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.4.3");
        let reason = r.u8("reason")?.into();
        r.skip(7)?;
        Ok(Self { reason, port: PortDescription::decode(r)? })
    }
}

/// Counters of a port (§7.3.5.6); `u64::MAX` means "not counted".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortStats {
    /// The port.
    pub port: PortNo,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets dropped on receive.
    pub rx_dropped: u64,
    /// Packets dropped on send.
    pub tx_dropped: u64,
    /// Receive errors.
    pub rx_errors: u64,
    /// Transmit errors.
    pub tx_errors: u64,
    /// Frame alignment errors.
    pub rx_frame_errors: u64,
    /// Receive overruns.
    pub rx_over_errors: u64,
    /// CRC errors.
    pub rx_crc_errors: u64,
    /// Collisions.
    pub collisions: u64,
    /// Time alive, seconds.
    pub duration_s: u32,
    /// Time alive, nanoseconds beyond the seconds.
    pub duration_ns: u32,
}

impl PortStats {
    pub(crate) const LENGTH: usize = 112;

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u32(self.port.0);
        w.zeros(4);
        for value in [
            self.rx_packets,
            self.tx_packets,
            self.rx_bytes,
            self.tx_bytes,
            self.rx_dropped,
            self.tx_dropped,
            self.rx_errors,
            self.tx_errors,
            self.rx_frame_errors,
            self.rx_over_errors,
            self.rx_crc_errors,
            self.collisions,
        ] {
            w.u64(value);
        }
        w.u32(self.duration_s);
        w.u32(self.duration_ns);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5.6");
        let port = PortNo(r.u32("port_no")?);
        r.skip(4)?;
        Ok(Self {
            port,
            rx_packets: r.u64("rx_packets")?,
            tx_packets: r.u64("tx_packets")?,
            rx_bytes: r.u64("rx_bytes")?,
            tx_bytes: r.u64("tx_bytes")?,
            rx_dropped: r.u64("rx_dropped")?,
            tx_dropped: r.u64("tx_dropped")?,
            rx_errors: r.u64("rx_errors")?,
            tx_errors: r.u64("tx_errors")?,
            rx_frame_errors: r.u64("rx_frame_err")?,
            rx_over_errors: r.u64("rx_over_err")?,
            rx_crc_errors: r.u64("rx_crc_err")?,
            collisions: r.u64("collisions")?,
            duration_s: r.u32("duration_sec")?,
            duration_ns: r.u32("duration_nsec")?,
        })
    }
}
