//! Meter modification (§7.3.4.4).

use crate::buffer::{Decoded, Reader, Writer, bit_set, closed_enum};
use crate::failure::DecodeReason;

closed_enum! {
    /// What a meter-mod does.
    MeterModCommand: u16 {
        /// Create.
        Add = 0,
        /// Replace flags and bands.
        Modify = 1,
        /// Delete, with every flow entry that uses it.
        Delete = 2,
    }
}

bit_set! {
    /// Meter flags (OFPMF_*).
    MeterFlags: u16 {
        /// Rates are in kbit/s.
        KBPS = 0x1,
        /// Rates are in packets/s.
        PKTPS = 0x2,
        /// Burst sizes count.
        BURST = 0x4,
        /// Collect statistics.
        STATS = 0x8,
    }
}

/// What happens above a rate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MeterBand {
    /// Drop.
    Drop {
        /// Rate above which the band applies.
        rate: u32,
        /// Burst size.
        burst: u32,
    },
    /// Raise the drop precedence of DSCP.
    DscpRemark {
        /// Rate above which the band applies.
        rate: u32,
        /// Burst size.
        burst: u32,
        /// Precedence levels to add.
        levels: u8,
    },
    /// A band this crate has no name for.
    Raw {
        /// Band type.
        kind: u16,
        /// Rate above which the band applies.
        rate: u32,
        /// Burst size.
        burst: u32,
        /// What follows the 12-byte band header.
        data: Vec<u8>,
    },
}

const DROP: u16 = 1;
const DSCP_REMARK: u16 = 2;

impl MeterBand {
    fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        let (kind, rate, burst) = match self {
            Self::Drop { rate, burst } => (DROP, rate, burst),
            Self::DscpRemark { rate, burst, .. } => (DSCP_REMARK, rate, burst),
            Self::Raw { kind, rate, burst, .. } => (*kind, rate, burst),
        };
        w.u16(kind);
        w.u16(0);
        w.u32(*rate);
        w.u32(*burst);
        match self {
            Self::Drop { .. } => w.zeros(4),
            Self::DscpRemark { levels, .. } => {
                w.u8(*levels);
                w.zeros(3);
            }
            Self::Raw { data, .. } => w.bytes(data),
        }
        w.patch_length(start + 2, start);
    }

    fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.4.4");
        let kind = r.u16("type")?;
        let length = r.u16("len")?;
        let mut body = r.rest_of(length, 4, "meter band")?;
        let rate = body.u32("rate")?;
        let burst = body.u32("burst_size")?;
        let band = match kind {
            DROP => {
                body.skip(4)?;
                Self::Drop { rate, burst }
            }
            DSCP_REMARK => {
                let levels = body.u8("prec_level")?;
                body.skip(3)?;
                Self::DscpRemark { rate, burst, levels }
            }
            kind => Self::Raw { kind, rate, burst, data: body.rest().to_vec() },
        };
        match body.remaining() {
            0 => Ok(band),
            _ => Err(r.error("len", DecodeReason::BadLength(usize::from(length)))),
        }
    }
}

/// OFPT_METER_MOD.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MeterMod {
    /// What to do.
    pub command: MeterModCommand,
    /// How to measure.
    pub flags: MeterFlags,
    /// Which meter, from 1.
    pub meter: u32,
    /// What happens above which rate.
    pub bands: Vec<MeterBand>,
}

impl MeterMod {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u16(self.command.to_wire());
        w.u16(self.flags.0);
        w.u32(self.meter);
        for band in &self.bands {
            band.encode(w);
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.4.4");
        let command = r.u16("command")?;
        let command = MeterModCommand::from_wire(command)
            .ok_or_else(|| r.error("command", DecodeReason::BadValue(u64::from(command))))?;
        let flags = MeterFlags(r.u16("flags")?);
        let meter = r.u32("meter_id")?;
        let mut bands = Vec::new();
        while !r.is_empty() {
            bands.push(MeterBand::decode(r)?);
        }
        Ok(Self { command, flags, meter, bands })
    }
}

/// A meter as the switch describes it (OFPMP_METER_CONFIG, §7.3.5.12).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Meter {
    /// How it measures.
    pub flags: MeterFlags,
    /// Which meter.
    pub meter: u32,
    /// What happens above which rate.
    pub bands: Vec<MeterBand>,
}

impl Meter {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        w.u16(0);
        w.u16(self.flags.0);
        w.u32(self.meter);
        for band in &self.bands {
            band.encode(w);
        }
        w.patch_length(start, start);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.5.12");
        let length = r.u16("length")?;
        let mut body = r.rest_of(length, 2, "meter_config")?;
        let flags = MeterFlags(body.u16("flags")?);
        let meter = body.u32("meter_id")?;
        let mut bands = Vec::new();
        while !body.is_empty() {
            bands.push(MeterBand::decode(&mut body)?);
        }
        Ok(Self { flags, meter, bands })
    }
}
