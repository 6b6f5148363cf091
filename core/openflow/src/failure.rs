//! What can be wrong with bytes we receive, and with messages we are asked to send.

use thiserror::Error;

/// Bytes that are not the OpenFlow message they claim to be: the peer's fault, never ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason} at byte {offset}, field `{field}` ({clause})")]
pub struct DecodeError {
    /// Byte offset from the start of the message (the OpenFlow header is byte 0).
    pub offset: usize,
    /// Field of the structure, named as in the specification.
    pub field: &'static str,
    /// Clause of the document that defines the structure.
    pub clause: &'static str,
    /// What is wrong.
    pub reason: DecodeReason,
}

/// Why a message could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeReason {
    /// The structure ends before the field does.
    #[error("{needed} bytes needed, {available} left")]
    Truncated {
        /// Bytes the field needs.
        needed: usize,
        /// Bytes left in the enclosing structure.
        available: usize,
    },
    /// A length field contradicts the structure.
    #[error("length {0} is impossible here")]
    BadLength(usize),
    /// A value the specification does not define and that cannot be kept without losing meaning.
    #[error("value {0:#x} is not defined")]
    BadValue(u64),
    /// A header version other than 1.3 outside HELLO and ERROR.
    #[error("OpenFlow version {0:#04x} is not 1.3")]
    BadVersion(u8),
    /// The frame is longer than the decoder's limit, or shorter than its own header. The stream
    /// cannot be resynchronised.
    #[error("frame length {0} is outside the accepted range")]
    BadFrame(usize),
}

impl DecodeError {
    /// True if the stream itself is unusable; otherwise only this message is lost and decoding may
    /// go on with the next one.
    pub fn is_fatal(&self) -> bool {
        matches!(self.reason, DecodeReason::BadFrame(_))
    }
}

/// A message that does not fit OpenFlow's length fields: the caller's fault; split or shorten it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The message, or a structure in it, exceeds the 16-bit length of §7.1.
    #[error("{0} bytes do not fit a 16-bit OpenFlow length; split the message")]
    TooLong(usize),
    /// A field value exceeds its fixed or 8-bit length.
    #[error("field `{field}` of {length} bytes does not fit {max}")]
    FieldTooLong {
        /// Field name as in the specification.
        field: &'static str,
        /// Length asked for, in bytes.
        length: usize,
        /// Largest length, in bytes.
        max: usize,
    },
}
