//! Bundles on OpenFlow 1.3 (ONF EXT-230).

use crate::buffer::{Decoded, Reader, Writer, bit_set, open_enum};
use crate::failure::DecodeReason;
use crate::message::{self, Message};

/// Experimenter type of a bundle control message.
pub(crate) const CONTROL: u32 = 2300;
/// Experimenter type of a bundle add message.
pub(crate) const ADD: u32 = 2301;

open_enum! {
    /// What a bundle control message says.
    BundleControlKind: u16 {
        /// Create the bundle.
        OpenRequest = 0,
        /// Created.
        OpenReply = 1,
        /// No more messages.
        CloseRequest = 2,
        /// Closed.
        CloseReply = 3,
        /// Apply all messages.
        CommitRequest = 4,
        /// Applied.
        CommitReply = 5,
        /// Forget the bundle.
        DiscardRequest = 6,
        /// Forgotten.
        DiscardReply = 7,
    }
}

bit_set! {
    /// How a bundle is applied.
    BundleFlags: u16 {
        /// All or nothing.
        ATOMIC = 1,
        /// In the order given.
        ORDERED = 2,
    }
}

/// Opens, closes, commits or discards a bundle, or answers so (exp type 2300).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BundleControl {
    /// Which bundle of this connection.
    pub bundle_id: u32,
    /// What to do, or what was done.
    pub kind: BundleControlKind,
    /// Must be the same in every message of a bundle.
    pub flags: BundleFlags,
}

impl BundleControl {
    pub(crate) fn encode(&self, w: &mut Writer<'_>) {
        w.u32(self.bundle_id);
        w.u16(self.kind.into());
        w.u16(self.flags.0);
    }

    /// Properties, of which no kind is defined but "experimenter", are ignored.
    pub(crate) fn decode(r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("EXT-230 bundle control");
        let control =
            Self { bundle_id: r.u32("bundle_id")?, kind: r.u16("type")?.into(), flags: BundleFlags(r.u16("flags")?) };
        r.rest();
        Ok(control)
    }
}

/// Puts a message into a bundle (exp type 2301). The message is sent under the xid of the add, as
/// EXT-230 demands, so errors about it carry that xid at once or at commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleAdd {
    /// Which bundle of this connection.
    pub bundle_id: u32,
    /// Must be the same in every message of a bundle.
    pub flags: BundleFlags,
    /// The message; not itself a bundle message.
    pub message: Box<Message>,
}

impl BundleAdd {
    pub(crate) fn encode(&self, xid: u32, w: &mut Writer<'_>) {
        w.u32(self.bundle_id);
        w.zeros(2);
        w.u16(self.flags.0);
        message::write(&self.message, xid, w);
    }

    pub(crate) fn decode(xid: u32, r: &mut Reader<'_>) -> Decoded<Self> {
        r.clause("EXT-230 bundle add");
        let bundle_id = r.u32("bundle_id")?;
        r.skip(2)?;
        let flags = BundleFlags(r.u16("flags")?);
        let header = message::Header::decode(r)?;
        if header.xid != xid {
            return Err(r.error("xid", DecodeReason::BadValue(u64::from(header.xid))));
        }
        let mut body = r.rest_of(header.length, message::Header::LENGTH, "message")?;
        let message = message::read(&header, &mut body, true)?;
        // Properties may follow, padded; none is defined.
        r.rest();
        Ok(Self { bundle_id, flags, message: Box::new(message) })
    }
}
