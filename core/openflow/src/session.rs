//! Messages about the session itself: hello, features, configuration, role (§7.5.1, §7.3.1,
//! §7.3.2, §7.3.9).

use crate::buffer::{Decoded, Reader, Writer, closed_enum};
use crate::failure::DecodeReason;
use crate::message::VERSION;

/// OFPT_HELLO (§7.5.1). The only message whose header version is meaningful in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Header version: the highest one the sender supports.
    pub version: u8,
    /// Elements; Open vSwitch with default protocols sends none.
    pub elements: Vec<HelloElement>,
}

/// A part of a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelloElement {
    /// Supported versions: bit n of word k is version 32k+n.
    VersionBitmap(Vec<u32>),
    /// An element this crate has no name for; §7.5.1 says to ignore it.
    Raw {
        /// Element type.
        kind: u16,
        /// Its body.
        data: Vec<u8>,
    },
}

const VERSION_BITMAP: u16 = 1;

impl Hello {
    /// OpenFlow 1.3 and nothing else.
    pub fn ours() -> Self {
        Self { version: VERSION, elements: vec![HelloElement::VersionBitmap(vec![1 << VERSION])] }
    }

    /// The version both sides speak, by the rules of §6.3.1: the highest common one if there is a
    /// bitmap, else the smaller of the two header versions. `None` if that is not 1.3.
    pub fn negotiate(&self) -> Option<u8> {
        let bitmap = self.elements.iter().find_map(|element| match element {
            HelloElement::VersionBitmap(words) => Some(words),
            HelloElement::Raw { .. } => None,
        });
        let agreed = match bitmap {
            Some(words) => words.first().is_some_and(|word| word & (1 << VERSION) != 0),
            None => self.version >= VERSION,
        };
        agreed.then_some(VERSION)
    }

    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        for element in &self.elements {
            let start = w.len();
            match element {
                HelloElement::VersionBitmap(words) => {
                    w.u16(VERSION_BITMAP);
                    w.u16(0);
                    for word in words {
                        w.u32(*word);
                    }
                }
                HelloElement::Raw { kind, data } => {
                    w.u16(*kind);
                    w.u16(0);
                    w.bytes(data);
                }
            }
            w.patch_length(start + 2, start);
            w.pad_from(start);
        }
    }

    pub(crate) fn decode(version: u8, r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.5.1");
        let mut elements = Vec::new();
        while !r.is_empty() {
            let kind = r.u16("type")?;
            let length = r.u16("length")?;
            let mut body = r.rest_of(length, 4, "hello element")?;
            elements.push(match kind {
                VERSION_BITMAP => {
                    let mut words = Vec::new();
                    while !body.is_empty() {
                        words.push(body.u32("bitmaps")?);
                    }
                    HelloElement::VersionBitmap(words)
                }
                kind => HelloElement::Raw { kind, data: body.rest().to_vec() },
            });
            r.skip_padding(usize::from(length))?;
        }
        Ok(Self { version, elements })
    }
}

/// OFPT_FEATURES_REPLY (§7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// Datapath id: who the switch says it is. Nothing vouches for it but the TLS certificate.
    pub datapath_id: u64,
    /// Packets it can buffer.
    pub n_buffers: u32,
    /// Number of tables.
    pub n_tables: u8,
    /// 0 for the main connection.
    pub auxiliary_id: u8,
    /// OFPC_* bits.
    pub capabilities: u32,
}

impl Features {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u64(self.datapath_id);
        w.u32(self.n_buffers);
        w.u8(self.n_tables);
        w.u8(self.auxiliary_id);
        w.zeros(2);
        w.u32(self.capabilities);
        w.zeros(4);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.1");
        let datapath_id = r.u64("datapath_id")?;
        let n_buffers = r.u32("n_buffers")?;
        let n_tables = r.u8("n_tables")?;
        let auxiliary_id = r.u8("auxiliary_id")?;
        r.skip(2)?;
        let capabilities = r.u32("capabilities")?;
        r.skip(4)?;
        Ok(Self { datapath_id, n_buffers, n_tables, auxiliary_id, capabilities })
    }
}

/// OFPT_SET_CONFIG and OFPT_GET_CONFIG_REPLY (§7.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SwitchConfig {
    /// OFPC_FRAG_* handling of fragments.
    pub flags: u16,
    /// Bytes of a packet sent on a table miss.
    pub miss_send_len: u16,
}

impl SwitchConfig {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u16(self.flags);
        w.u16(self.miss_send_len);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.2");
        Ok(Self { flags: r.u16("flags")?, miss_send_len: r.u16("miss_send_len")? })
    }
}

closed_enum! {
    /// Controller role (§7.3.9).
    Role: u32 {
        /// Only ask.
        NoChange = 0,
        /// Full access, shared.
        Equal = 1,
        /// Full access, at most one; the former becomes slave.
        Master = 2,
        /// Read only.
        Slave = 3,
    }
}

/// OFPT_ROLE_REQUEST and OFPT_ROLE_REPLY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleRequest {
    /// Role asked for, or held.
    pub role: Role,
    /// Election number; the switch refuses master or slave from an older one.
    pub generation_id: u64,
}

impl RoleRequest {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u32(self.role.to_wire());
        w.zeros(4);
        w.u64(self.generation_id);
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("OF1.3.5 §7.3.9");
        let role = r.u32("role")?;
        let role = Role::from_wire(role).ok_or_else(|| r.error("role", DecodeReason::BadValue(u64::from(role))))?;
        r.skip(4)?;
        Ok(Self { role, generation_id: r.u64("generation_id")? })
    }
}
