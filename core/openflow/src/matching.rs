//! The flow match structure (§7.2.3.1).

use crate::buffer::{Decoded, Reader, Writer};
use crate::failure::DecodeReason;
use crate::field::{EthAddr, Masked, OxmField};
use crate::port::PortNo;

const OFPMT_OXM: u16 = 1;

/// A conjunction of fields; empty matches every packet.
///
/// The order of fields is kept as given. Switches check that prerequisites (`eth_type` before
/// `ipv4_src`, …) come first: push them in that order or use [`Match::normalized`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Match(pub Vec<OxmField>);

impl Match {
    /// Matches every packet.
    pub const fn any() -> Self {
        Self(Vec::new())
    }

    /// Adds a condition.
    #[must_use]
    pub fn with(mut self, field: OxmField) -> Self {
        self.0.push(field);
        self
    }

    /// Equal for two matches exactly if they hold the same conditions, however written: sorted,
    /// without empty masks, with masked-out bits cleared. What a switch reports back compares
    /// equal to what was sent only in this form.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut fields: Vec<_> = self.0.iter().filter_map(OxmField::normalized).collect();
        fields.sort();
        fields.dedup();
        Self(fields)
    }

    /// The ingress port, as in the match of a packet-in.
    pub fn in_port(&self) -> Option<PortNo> {
        self.0.iter().find_map(|field| match field {
            OxmField::InPort(port) => Some(*port),
            _ => None,
        })
    }

    /// The exact value of a register, as in the match of a packet-in.
    pub fn reg(&self, number: u8) -> Option<u32> {
        self.0.iter().find_map(|field| match field {
            OxmField::Reg(n, Masked { value, mask: None }) if *n == number => Some(*value),
            _ => None,
        })
    }

    /// The metadata value, as in the match of a packet-in.
    pub fn metadata(&self) -> Option<u64> {
        self.0.iter().find_map(|field| match field {
            OxmField::Metadata(Masked { value, mask: None }) => Some(*value),
            _ => None,
        })
    }

    /// The exact Ethernet source, if there is one.
    pub fn eth_src(&self) -> Option<EthAddr> {
        self.0.iter().find_map(|field| match field {
            OxmField::EthSrc(Masked { value, mask: None }) => Some(*value),
            _ => None,
        })
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        let start = w.len();
        w.u16(OFPMT_OXM);
        w.u16(0);
        for field in &self.0 {
            field.encode(w);
        }
        w.patch_length(start + 2, start);
        w.pad_from(start);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.2.3.1");
        let kind = r.u16("type")?;
        if kind != OFPMT_OXM {
            return Err(r.error("type", DecodeReason::BadValue(u64::from(kind))));
        }
        let length = r.u16("length")?;
        let mut body = r.rest_of(length, 4, "oxm_fields")?;
        let mut fields = Vec::new();
        while !body.is_empty() {
            fields.push(OxmField::decode(&mut body)?);
        }
        r.skip_padding(usize::from(length))?;
        Ok(Self(fields))
    }
}

impl FromIterator<OxmField> for Match {
    fn from_iter<I: IntoIterator<Item = OxmField>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}
