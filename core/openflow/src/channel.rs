//! One OpenFlow connection without its socket: handshake (§6.3.1), echo, liveness.

use std::collections::VecDeque;

use thiserror::Error;

use crate::decoder::{Decoder, Frame};
use crate::failure::{DecodeError, EncodeError};
use crate::message::{self, Message};
use crate::session::{Features, Hello};
use crate::switch_error::{ErrorMessage, SwitchError};

/// Times of a channel, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelConfig {
    /// The handshake must be done in this time.
    pub handshake_ms: u64,
    /// After this long without a byte from the peer, an echo request is sent.
    pub idle_ms: u64,
    /// After this long more without a byte, the channel fails.
    pub echo_ms: u64,
    /// Messages kept that arrive between hello and features reply.
    pub early_messages: usize,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self { handshake_ms: 10_000, idle_ms: 5_000, echo_ms: 5_000, early_messages: 1024 }
    }
}

/// What came out of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelEvent {
    /// The handshake is done. Always the first event, and comes at most once.
    Up {
        /// What the switch says it is. Compare the datapath id with the peer's certificate.
        features: Features,
        /// Version agreed on: always 4 (OpenFlow 1.3).
        version: u8,
    },
    /// A message for the controller. Echo requests and our own keepalive never show.
    Message {
        /// Transaction id.
        xid: u32,
        /// The message.
        message: Message,
    },
    /// The peer sent a message that makes no sense; the channel goes on after it.
    Undecodable(DecodeError),
    /// The channel is over; nothing follows. Send what [`Channel::take_output`] still holds, then
    /// close the connection.
    Failed(ChannelError),
}

/// Why a channel is over.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChannelError {
    /// The peer does not speak OpenFlow 1.3: set the bridge's `protocols`.
    #[error("the switch offers OpenFlow up to wire version {offered:#04x} but not 1.3")]
    Incompatible {
        /// Version in its hello's header.
        offered: u8,
    },
    /// The peer refused our hello or features request.
    #[error("the switch refused the handshake: {}", .0.error)]
    Refused(ErrorMessage),
    /// The first message was not a hello.
    #[error("the first message was not a hello")]
    NoHello,
    /// Frame lengths make no sense: the peer is not speaking OpenFlow.
    #[error("the byte stream is not OpenFlow: {0}")]
    Garbage(DecodeError),
    /// Too many messages before the features reply.
    #[error("the switch sent too many messages before answering the features request")]
    Flooded,
    /// The handshake did not finish in time.
    #[error("the handshake did not finish in time")]
    HandshakeTimeout,
    /// The peer stopped answering echo requests.
    #[error("the switch stopped answering")]
    Dead,
}

/// One OpenFlow connection, seen from the controller.
///
/// Feed received bytes to [`handle`](Self::handle), send what [`take_output`](Self::take_output)
/// gives, call [`handle_timeout`](Self::handle_timeout) when [`next_deadline`](Self::next_deadline)
/// has come. Times are milliseconds on any clock that never goes back.
#[derive(Debug, Clone)]
pub struct Channel {
    config: ChannelConfig,
    state: State,
    decoder: Decoder,
    output: Vec<u8>,
    last_xid: u32,
}

#[derive(Debug, Clone)]
enum State {
    /// Our hello is out.
    AwaitHello { deadline: u64 },
    /// Our features request is out; what comes earlier waits.
    AwaitFeatures { deadline: u64, xid: u32, early: VecDeque<ChannelEvent> },
    /// `echo` is the xid of an unanswered keepalive.
    Up { heard: u64, echo: Option<u32> },
    /// Over.
    Failed,
}

impl Channel {
    /// A channel whose hello is ready to be sent.
    pub fn new(config: ChannelConfig, now_ms: u64) -> Self {
        let mut channel = Self {
            config,
            state: State::AwaitHello { deadline: now_ms.saturating_add(config.handshake_ms) },
            decoder: Decoder::new(),
            output: Vec::new(),
            last_xid: 0,
        };
        channel.send_own(&Message::Hello(Hello::ours()));
        channel
    }

    /// Takes bytes from the peer.
    pub fn handle(&mut self, bytes: &[u8], now_ms: u64) -> Vec<ChannelEvent> {
        let mut events = Vec::new();
        if let State::Up { heard, .. } = &mut self.state {
            *heard = (*heard).max(now_ms);
        }
        self.decoder.push(bytes);
        while !matches!(self.state, State::Failed) {
            match self.decoder.next() {
                Ok(None) => break,
                Ok(Some(frame)) => self.take_frame(frame, now_ms, &mut events),
                Err(error) if error.is_fatal() => {
                    self.fail(ChannelError::Garbage(error), &mut events);
                }
                Err(error) => self.deliver(ChannelEvent::Undecodable(error), &mut events),
            }
        }
        events
    }

    /// Queues a message under a fresh xid, which is returned.
    ///
    /// # Errors
    /// If the message is too long for OpenFlow; nothing is queued then.
    pub fn send(&mut self, message: &Message) -> Result<u32, EncodeError> {
        let xid = self.fresh_xid();
        self.send_with(xid, message)?;
        Ok(xid)
    }

    /// Queues a message under a given xid, e.g. a reply.
    ///
    /// # Errors
    /// If the message is too long for OpenFlow; nothing is queued then.
    pub fn send_with(&mut self, xid: u32, message: &Message) -> Result<(), EncodeError> {
        message::encode_into(message, xid, &mut self.output)
    }

    /// The bytes to send, at once and in order.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// How much is queued, to undo a half-queued transaction with `output_rewind`.
    pub(crate) fn output_mark(&self) -> usize {
        self.output.len()
    }

    pub(crate) fn output_rewind(&mut self, mark: usize) {
        self.output.truncate(mark);
    }

    /// True if there are bytes to send.
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// True from `Up` to `Failed`.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// When [`handle_timeout`](Self::handle_timeout) should be called; `None` once failed.
    pub fn next_deadline(&self) -> Option<u64> {
        match &self.state {
            State::AwaitHello { deadline } | State::AwaitFeatures { deadline, .. } => Some(*deadline),
            State::Up { heard, echo } => {
                let wait = match echo {
                    None => self.config.idle_ms,
                    Some(_) => self.config.idle_ms.saturating_add(self.config.echo_ms),
                };
                Some(heard.saturating_add(wait))
            }
            State::Failed => None,
        }
    }

    /// Does what is due at `now_ms`; harmless if nothing is.
    pub fn handle_timeout(&mut self, now_ms: u64) -> Vec<ChannelEvent> {
        let mut events = Vec::new();
        if self.next_deadline().is_none_or(|deadline| now_ms < deadline) {
            return events;
        }
        match &self.state {
            State::AwaitHello { .. } | State::AwaitFeatures { .. } => {
                self.fail(ChannelError::HandshakeTimeout, &mut events);
            }
            State::Up { echo: Some(_), .. } => self.fail(ChannelError::Dead, &mut events),
            State::Up { heard, echo: None } => {
                // A clock that jumped past both deadlines must not fail a peer never asked.
                let heard = (*heard).max(now_ms.saturating_sub(self.config.idle_ms));
                let xid = self.send_own(&Message::EchoRequest(Vec::new()));
                self.state = State::Up { heard, echo: Some(xid) };
            }
            State::Failed => {}
        }
        events
    }

    fn take_frame(&mut self, frame: Frame, now_ms: u64, events: &mut Vec<ChannelEvent>) {
        match (&mut self.state, frame.message) {
            (State::Failed, _) => {}
            (State::AwaitHello { deadline }, Message::Hello(hello)) => {
                let deadline = *deadline;
                if hello.negotiate().is_none() {
                    self.refuse(frame.xid);
                    self.fail(ChannelError::Incompatible { offered: hello.version }, events);
                    return;
                }
                let xid = self.send_own(&Message::FeaturesRequest);
                self.state = State::AwaitFeatures { deadline, xid, early: VecDeque::new() };
            }
            (State::AwaitHello { .. }, Message::Error(error)) => {
                self.fail(ChannelError::Refused(error), events);
            }
            (State::AwaitHello { .. }, _) => self.fail(ChannelError::NoHello, events),
            (State::AwaitFeatures { xid, early, .. }, Message::FeaturesReply(features)) if *xid == frame.xid => {
                let early = std::mem::take(early);
                self.state = State::Up { heard: now_ms, echo: None };
                events.push(ChannelEvent::Up { features, version: message::VERSION });
                events.extend(early);
            }
            (State::AwaitFeatures { xid, .. }, Message::Error(error))
                if *xid == frame.xid || is_hello_failure(&error) =>
            {
                self.fail(ChannelError::Refused(error), events);
            }
            (State::AwaitFeatures { .. } | State::Up { .. }, Message::EchoRequest(data)) => {
                let reply = Message::EchoReply(data);
                // Cannot fail: it is as long as the request was.
                let _ = self.send_with(frame.xid, &reply);
            }
            (State::Up { echo, .. }, Message::EchoReply(_)) if *echo == Some(frame.xid) => {
                *echo = None;
            }
            (State::AwaitFeatures { .. } | State::Up { .. }, message) => {
                let event = ChannelEvent::Message { xid: frame.xid, message };
                self.deliver(event, events);
            }
        }
    }

    /// Passes an event on, or keeps it until the switch has said who it is.
    fn deliver(&mut self, event: ChannelEvent, events: &mut Vec<ChannelEvent>) {
        match &mut self.state {
            State::AwaitFeatures { early, .. } => {
                if early.len() >= self.config.early_messages {
                    self.fail(ChannelError::Flooded, events);
                } else {
                    early.push_back(event);
                }
            }
            State::AwaitHello { .. } => self.fail(ChannelError::NoHello, events),
            State::Up { .. } => events.push(event),
            State::Failed => {}
        }
    }

    fn fail(&mut self, error: ChannelError, events: &mut Vec<ChannelEvent>) {
        self.state = State::Failed;
        events.push(ChannelEvent::Failed(error));
    }

    fn refuse(&mut self, xid: u32) {
        let error = ErrorMessage { error: SwitchError::INCOMPATIBLE, data: b"OpenFlow 1.3 only".to_vec() };
        // Cannot fail: the message is short.
        let _ = self.send_with(xid, &Message::Error(error));
    }

    /// Queues one of the channel's own messages, all of which are short.
    fn send_own(&mut self, message: &Message) -> u32 {
        let xid = self.fresh_xid();
        let _ = self.send_with(xid, message);
        xid
    }

    fn fresh_xid(&mut self) -> u32 {
        // Zero is what unsolicited messages of a switch carry.
        self.last_xid = self.last_xid.checked_add(1).unwrap_or(1);
        self.last_xid
    }
}

fn is_hello_failure(error: &ErrorMessage) -> bool {
    matches!(error.error, SwitchError::Standard { kind: crate::switch_error::ErrorType::HelloFailed, .. })
}
