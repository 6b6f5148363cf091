//! From a byte stream to messages.

use crate::buffer::{Decoded, Reader};
use crate::failure::{DecodeError, DecodeReason};
use crate::message::{self, Header, Message};

/// A message as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Transaction id: replies carry that of their request.
    pub xid: u32,
    /// The message.
    pub message: Message,
}

impl Frame {
    /// Decodes exactly one message.
    ///
    /// # Errors
    /// If `bytes` are not one whole message.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes, 0, "OF1.3.5 §7.1.1");
        let header = Header::decode(&mut r)?;
        if usize::from(header.length) != bytes.len() {
            return Err(r.error("length", DecodeReason::BadFrame(usize::from(header.length))));
        }
        Ok(Self { xid: header.xid, message: message::read(&header, &mut r, false)? })
    }
}

/// Splits a stream into messages.
///
/// Holds at most what was pushed and not yet taken: call [`Decoder::next`] until it returns
/// `Ok(None)` before pushing more. A message that cannot be decoded is skipped and reported; a
/// frame length that cannot be right is reported for ever, as the stream is lost.
#[derive(Debug, Clone)]
pub struct Decoder {
    buffer: Vec<u8>,
    start: usize,
    max_frame: usize,
    lost: Option<DecodeError>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Accepts frames of any length OpenFlow can express (65,535 bytes).
    pub fn new() -> Self {
        Self::with_limit(usize::from(u16::MAX))
    }

    /// Accepts frames up to `max_frame` bytes.
    pub fn with_limit(max_frame: usize) -> Self {
        Self { buffer: Vec::new(), start: 0, max_frame, lost: None }
    }

    /// Adds bytes received.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// If a message is malformed; see [`DecodeError::is_fatal`] for whether to go on.
    #[expect(clippy::should_implement_trait, reason = "`None` means \"not yet\", not \"ended\"")]
    pub fn next(&mut self) -> Result<Option<Frame>, DecodeError> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        match self.frame_length() {
            Err(lost) => {
                self.lost = Some(lost.clone());
                Err(lost)
            }
            Ok(None) => Ok(None),
            Ok(Some(length)) => {
                let start = self.start;
                self.start += length;
                Frame::decode(&self.buffer[start..start + length]).map(Some)
            }
        }
    }

    /// Bytes pushed and not yet taken.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Length of the frame at the front if it is there whole.
    fn frame_length(&self) -> Decoded<Option<usize>> {
        let pending = &self.buffer[self.start..];
        let [_, _, high, low, ..] = *pending else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < Header::LENGTH || length > self.max_frame {
            return Err(DecodeError {
                offset: 2,
                field: "length",
                clause: "OF1.3.5 §7.1.1",
                reason: DecodeReason::BadFrame(length),
            });
        }
        Ok((pending.len() >= length).then_some(length))
    }
}
