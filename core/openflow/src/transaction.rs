//! Many messages as one atomic change, by an EXT-230 bundle.

use std::collections::BTreeMap;

use crate::bundle::{BundleAdd, BundleControl, BundleControlKind, BundleFlags};
use crate::channel::Channel;
use crate::failure::EncodeError;
use crate::message::Message;
use crate::switch_error::ErrorMessage;

/// One bundle from open to its outcome.
///
/// A message that Open vSwitch refuses on ADD does not poison its bundle: a COMMIT would apply the
/// others. So the commit is sent only after the CLOSE reply has come with no error before it for
/// any message of the bundle; otherwise the bundle is discarded.
///
/// If the connection ends first, the outcome is unknown: read the switch's state back.
#[derive(Debug, Clone)]
pub struct BundleTransaction {
    bundle_id: u32,
    adds: BTreeMap<u32, usize>,
    open: u32,
    close: u32,
    stage: Stage,
    rejection: Option<Rejection>,
}

/// How a bundle ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleOutcome {
    /// Every message is applied.
    Committed,
    /// No message is applied.
    Rejected {
        /// The first error the switch reported.
        error: ErrorMessage,
        /// Index of the message it is about; `None` if it is about the bundle itself.
        message: Option<usize>,
    },
}

#[derive(Debug, Clone)]
struct Rejection {
    error: ErrorMessage,
    message: Option<usize>,
}

#[derive(Debug, Clone)]
enum Stage {
    Closing,
    Committing { xid: u32 },
    Discarding { xid: u32 },
    Done,
}

/// OVS accepts both flags, and both are what a plan needs.
const FLAGS: BundleFlags = BundleFlags(BundleFlags::ATOMIC.0 | BundleFlags::ORDERED.0);

impl BundleTransaction {
    /// Queues OPEN, every message, and CLOSE on the channel. `bundle_id` must not be in use on it.
    ///
    /// # Errors
    /// If a message is too long for OpenFlow. Nothing is queued then.
    pub fn start<'m>(
        channel: &mut Channel,
        bundle_id: u32,
        messages: impl IntoIterator<Item = &'m Message>,
    ) -> Result<Self, EncodeError> {
        let adds: Vec<_> = messages
            .into_iter()
            .map(|message| {
                Message::BundleAdd(BundleAdd { bundle_id, flags: FLAGS, message: Box::new(message.clone()) })
            })
            .collect();
        let mark = channel.output_mark();
        match Self::queue(channel, bundle_id, &adds) {
            Ok(transaction) => Ok(transaction),
            Err(error) => {
                channel.output_rewind(mark);
                Err(error)
            }
        }
    }

    /// Takes a message the channel delivered. Returns the outcome once it is known; messages that
    /// are not about this bundle are ignored. Use [`concerns`](Self::concerns) to route.
    pub fn handle(&mut self, channel: &mut Channel, xid: u32, message: &Message) -> Option<BundleOutcome> {
        match message {
            Message::Error(error) if self.concerns(xid) => self.take_error(channel, xid, error),
            Message::BundleControl(control) if control.bundle_id == self.bundle_id => {
                self.take_reply(channel, xid, control.kind)
            }
            _ => None,
        }
    }

    /// True if a message under this xid answers this bundle.
    pub fn concerns(&self, xid: u32) -> bool {
        let last = match self.stage {
            Stage::Committing { xid } | Stage::Discarding { xid } => Some(xid),
            Stage::Closing | Stage::Done => None,
        };
        xid == self.open || xid == self.close || last == Some(xid) || self.adds.contains_key(&xid)
    }

    /// Which bundle of the connection.
    pub fn bundle_id(&self) -> u32 {
        self.bundle_id
    }

    fn queue(channel: &mut Channel, bundle_id: u32, adds: &[Message]) -> Result<Self, EncodeError> {
        let open = channel.send(&control(bundle_id, BundleControlKind::OpenRequest))?;
        let mut xids = BTreeMap::new();
        for (index, add) in adds.iter().enumerate() {
            xids.insert(channel.send(add)?, index);
        }
        let close = channel.send(&control(bundle_id, BundleControlKind::CloseRequest))?;
        Ok(Self { bundle_id, adds: xids, open, close, stage: Stage::Closing, rejection: None })
    }

    fn take_error(&mut self, channel: &mut Channel, xid: u32, error: &ErrorMessage) -> Option<BundleOutcome> {
        let message = self.adds.get(&xid).copied();
        self.rejection.get_or_insert_with(|| Rejection { error: error.clone(), message });
        match self.stage {
            Stage::Closing if xid == self.close => {
                self.discard(channel);
                None
            }
            // On a failed commit the switch reports the message first, then the commit (which
            // ends it: the bundle is gone).
            Stage::Committing { xid: commit } if xid == commit => self.finish(),
            // The bundle is already gone, which is what a discard is for.
            Stage::Discarding { xid: discard } if xid == discard => self.finish(),
            Stage::Closing | Stage::Committing { .. } | Stage::Discarding { .. } | Stage::Done => None,
        }
    }

    fn take_reply(&mut self, channel: &mut Channel, xid: u32, kind: BundleControlKind) -> Option<BundleOutcome> {
        match (&self.stage, kind) {
            (Stage::Closing, BundleControlKind::CloseReply) if xid == self.close => {
                if self.rejection.is_some() {
                    self.discard(channel);
                } else {
                    let commit = control(self.bundle_id, BundleControlKind::CommitRequest);
                    self.stage = Stage::Committing { xid: send_short(channel, &commit) };
                }
                None
            }
            (Stage::Committing { xid: commit }, BundleControlKind::CommitReply) if xid == *commit => {
                self.stage = Stage::Done;
                Some(BundleOutcome::Committed)
            }
            (Stage::Discarding { xid: discard }, BundleControlKind::DiscardReply) if xid == *discard => self.finish(),
            _ => None,
        }
    }

    fn discard(&mut self, channel: &mut Channel) {
        let discard = control(self.bundle_id, BundleControlKind::DiscardRequest);
        self.stage = Stage::Discarding { xid: send_short(channel, &discard) };
    }

    fn finish(&mut self) -> Option<BundleOutcome> {
        self.stage = Stage::Done;
        self.rejection.take().map(|Rejection { error, message }| BundleOutcome::Rejected { error, message })
    }
}

fn control(bundle_id: u32, kind: BundleControlKind) -> Message {
    Message::BundleControl(BundleControl { bundle_id, kind, flags: FLAGS })
}

fn send_short(channel: &mut Channel, message: &Message) -> u32 {
    channel.send(message).expect("a bundle control message is 24 bytes long")
}
