//! The handshake, keepalive and bundle state machines against a switch played by hand.
#![allow(clippy::unwrap_used)]

use openflow::*;

const FEATURES: Features =
    Features { datapath_id: 0x42, n_buffers: 0, n_tables: 254, auxiliary_id: 0, capabilities: 0x4f };

/// The other end: reads what the channel sends.
#[derive(Default)]
struct Peer {
    decoder: Decoder,
}

impl Peer {
    fn sent(&mut self, channel: &mut Channel) -> Vec<Frame> {
        self.decoder.push(&channel.take_output());
        std::iter::from_fn(|| self.decoder.next().unwrap()).collect()
    }
}

fn bytes(xid: u32, message: Message) -> Vec<u8> {
    encode(&message, xid).unwrap()
}

fn hello() -> Vec<u8> {
    hex::decode("0600000800000001").unwrap()
}

fn config() -> ChannelConfig {
    ChannelConfig { handshake_ms: 100, idle_ms: 10, echo_ms: 20, early_messages: 2 }
}

fn up(now: u64) -> (Channel, Peer) {
    let mut peer = Peer::default();
    let mut channel = Channel::new(config(), now);
    assert!(channel.handle(&hello(), now).is_empty());
    let xid = peer.sent(&mut channel)[1].xid;
    let events = channel.handle(&bytes(xid, Message::FeaturesReply(FEATURES)), now);
    assert_eq!(events, [ChannelEvent::Up { features: FEATURES, version: 4 }]);
    (channel, peer)
}

#[test]
fn handshake_with_the_hello_of_open_vswitch() {
    let mut peer = Peer::default();
    let mut channel = Channel::new(config(), 0);
    assert!(matches!(peer.sent(&mut channel)[..], [Frame { message: Message::Hello(_), .. }]));
    assert!(channel.handle(&hello(), 1).is_empty());
    let sent = peer.sent(&mut channel);
    assert!(matches!(sent[..], [Frame { message: Message::FeaturesRequest, .. }]));
    assert!(!channel.is_up());
    let events = channel.handle(&bytes(sent[0].xid, Message::FeaturesReply(FEATURES)), 2);
    assert_eq!(events, [ChannelEvent::Up { features: FEATURES, version: 4 }]);
    assert!(channel.is_up());
}

#[test]
fn nothing_is_delivered_before_the_switch_has_said_who_it_is() {
    let mut peer = Peer::default();
    let mut channel = Channel::new(config(), 0);
    channel.handle(&hello(), 0);
    let xid = peer.sent(&mut channel)[1].xid;
    let early = bytes(0, Message::BarrierReply);
    assert!(channel.handle(&early, 0).is_empty());
    assert!(channel.handle(&bytes(99, Message::FeaturesReply(FEATURES)), 0).is_empty(), "not ours");
    let events = channel.handle(&bytes(xid, Message::FeaturesReply(FEATURES)), 0);
    assert!(matches!(events[0], ChannelEvent::Up { .. }));
    assert_eq!(events[1], ChannelEvent::Message { xid: 0, message: Message::BarrierReply });
    assert_eq!(events.len(), 3);
}

#[test]
fn a_flood_before_the_features_reply_fails() {
    let mut channel = Channel::new(config(), 0);
    channel.handle(&hello(), 0);
    let flood = bytes(0, Message::BarrierReply).repeat(3);
    assert_eq!(channel.handle(&flood, 0), [ChannelEvent::Failed(ChannelError::Flooded)]);
    assert!(channel.handle(&flood, 0).is_empty(), "nothing follows a failure");
}

#[test]
fn a_switch_without_1_3_is_told_so() {
    let mut peer = Peer::default();
    let mut channel = Channel::new(config(), 0);
    let old = hex::decode("0100000800000007").unwrap();
    assert_eq!(channel.handle(&old, 0), [ChannelEvent::Failed(ChannelError::Incompatible { offered: 1 })]);
    let sent = peer.sent(&mut channel);
    let Message::Error(error) = &sent[1].message else {
        panic!("{sent:?}");
    };
    assert_eq!((sent[1].xid, error.error), (7, SwitchError::INCOMPATIBLE));
    assert_eq!(channel.next_deadline(), None);
}

#[test]
fn a_peer_that_is_no_switch_fails() {
    let mut channel = Channel::new(config(), 0);
    // "T " is read as a frame length of 21,536 bytes that never come.
    assert!(channel.handle(b"GET / HTTP/1.1\r\n\r\n", 0).is_empty());
    let events = channel.handle_timeout(100);
    assert_eq!(events, [ChannelEvent::Failed(ChannelError::HandshakeTimeout)]);
    let mut channel = Channel::new(config(), 0);
    let events = channel.handle(&[4, 0, 0, 1, 0, 0, 0, 0], 0);
    assert!(matches!(events[..], [ChannelEvent::Failed(ChannelError::Garbage(_))]));
    let mut channel = Channel::new(config(), 0);
    let events = channel.handle(&bytes(1, Message::BarrierReply), 0);
    assert_eq!(events, [ChannelEvent::Failed(ChannelError::NoHello)]);
    let mut channel = Channel::new(config(), 0);
    let refusal = ErrorMessage { error: SwitchError::INCOMPATIBLE, data: Vec::new() };
    let events = channel.handle(&bytes(1, Message::Error(refusal.clone())), 0);
    assert_eq!(events, [ChannelEvent::Failed(ChannelError::Refused(refusal))]);
}

#[test]
fn a_silent_peer_times_out_of_the_handshake() {
    let mut channel = Channel::new(config(), 1000);
    assert_eq!(channel.next_deadline(), Some(1100));
    assert!(channel.handle_timeout(1099).is_empty());
    assert_eq!(channel.handle_timeout(1100), [ChannelEvent::Failed(ChannelError::HandshakeTimeout)]);
}

#[test]
fn echo_requests_are_answered_and_not_shown() {
    let (mut channel, mut peer) = up(0);
    assert!(channel.handle(&bytes(77, Message::EchoRequest(vec![1, 2, 3])), 0).is_empty());
    assert_eq!(peer.sent(&mut channel), [Frame { xid: 77, message: Message::EchoReply(vec![1, 2, 3]) }]);
}

#[test]
fn keepalive_asks_when_idle_and_gives_up_when_unanswered() {
    let (mut channel, mut peer) = up(0);
    assert_eq!(channel.next_deadline(), Some(10));
    assert!(channel.handle_timeout(10).is_empty());
    let sent = peer.sent(&mut channel);
    assert!(matches!(&sent[..], [Frame { message: Message::EchoRequest(_), .. }]));
    assert_eq!(channel.next_deadline(), Some(30));
    assert!(channel.handle(&bytes(sent[0].xid, Message::EchoReply(Vec::new())), 12).is_empty());
    assert_eq!(channel.next_deadline(), Some(22));
    assert!(channel.handle_timeout(22).is_empty());
    assert!(channel.handle_timeout(41).is_empty());
    assert_eq!(channel.handle_timeout(42), [ChannelEvent::Failed(ChannelError::Dead)]);
}

#[test]
fn a_host_that_slept_asks_before_it_gives_up() {
    let (mut channel, _) = up(0);
    assert!(channel.handle_timeout(1_000_000).is_empty());
    assert_eq!(channel.next_deadline(), Some(1_000_020));
    assert!(channel.is_up());
}

#[test]
fn an_undecodable_message_does_not_end_the_channel() {
    let (mut channel, _) = up(0);
    let mut stream = hex::decode("0419000c0000000100000000").unwrap();
    stream.extend(bytes(2, Message::BarrierReply));
    let events = channel.handle(&stream, 0);
    assert!(matches!(events[..], [ChannelEvent::Undecodable(_), ChannelEvent::Message { xid: 2, .. }]));
}

/// Answers to a bundle of two flows, and what the transaction makes of them.
struct Bundle {
    channel: Channel,
    peer: Peer,
    transaction: BundleTransaction,
    sent: Vec<Frame>,
}

impl Bundle {
    fn start() -> Self {
        let (mut channel, mut peer) = up(0);
        let flow = |cookie| Message::FlowMod(FlowMod::add(0, 1, cookie, Match::any(), Vec::new()));
        let transaction = BundleTransaction::start(&mut channel, 5, &[flow(1), flow(2)]).unwrap();
        let sent = peer.sent(&mut channel);
        Self { channel, peer, transaction, sent }
    }

    fn reply(&mut self, xid: u32, kind: BundleControlKind) -> Option<BundleOutcome> {
        let message = Message::BundleControl(BundleControl { bundle_id: 5, kind, flags: BundleFlags(3) });
        self.transaction.handle(&mut self.channel, xid, &message)
    }

    fn error(&mut self, xid: u32, code: u16) -> Option<BundleOutcome> {
        self.transaction.handle(&mut self.channel, xid, &Message::Error(fault(code)))
    }

    /// The one control message sent since.
    fn next_control(&mut self) -> (u32, BundleControlKind) {
        match &self.peer.sent(&mut self.channel)[..] {
            [Frame { xid, message: Message::BundleControl(control) }] => (*xid, control.kind),
            other => panic!("{other:?}"),
        }
    }
}

fn fault(code: u16) -> ErrorMessage {
    ErrorMessage { error: SwitchError::Standard { kind: ErrorType::BadMatch, code }, data: Vec::new() }
}

#[test]
fn a_bundle_commits_only_after_its_close_reply() {
    let mut b = Bundle::start();
    assert!(matches!(
        &b.sent[..],
        [
            Frame { message: Message::BundleControl(_), .. },
            Frame { message: Message::BundleAdd(_), .. },
            Frame { message: Message::BundleAdd(_), .. },
            Frame { message: Message::BundleControl(_), .. },
        ]
    ));
    let (open, close) = (b.sent[0].xid, b.sent[3].xid);
    assert_eq!(b.reply(open, BundleControlKind::OpenReply), None);
    assert!(!b.channel.has_output());
    assert_eq!(b.reply(close, BundleControlKind::CloseReply), None);
    let (commit, kind) = b.next_control();
    assert_eq!(kind, BundleControlKind::CommitRequest);
    assert_eq!(b.reply(commit, BundleControlKind::CommitReply), Some(BundleOutcome::Committed));
    assert!(!b.transaction.concerns(999));
}

#[test]
fn a_bad_add_leads_to_a_discard_though_the_close_succeeds() {
    let mut b = Bundle::start();
    let (open, second, close) = (b.sent[0].xid, b.sent[2].xid, b.sent[3].xid);
    b.reply(open, BundleControlKind::OpenReply);
    assert_eq!(b.error(second, 9), None);
    assert_eq!(b.reply(close, BundleControlKind::CloseReply), None);
    let (discard, kind) = b.next_control();
    assert_eq!(kind, BundleControlKind::DiscardRequest);
    assert_eq!(
        b.reply(discard, BundleControlKind::DiscardReply),
        Some(BundleOutcome::Rejected { error: fault(9), message: Some(1) })
    );
}

#[test]
fn a_failed_commit_names_the_message() {
    let mut b = Bundle::start();
    let (first, close) = (b.sent[1].xid, b.sent[3].xid);
    b.reply(close, BundleControlKind::CloseReply);
    let (commit, _) = b.next_control();
    assert_eq!(b.error(first, 4), None);
    assert_eq!(b.error(commit, 13), Some(BundleOutcome::Rejected { error: fault(4), message: Some(0) }));
}

#[test]
fn a_refused_close_and_a_lost_bundle_end_in_a_rejection() {
    let mut b = Bundle::start();
    let close = b.sent[3].xid;
    assert_eq!(b.error(close, 2), None);
    let (discard, kind) = b.next_control();
    assert_eq!(kind, BundleControlKind::DiscardRequest);
    assert_eq!(b.error(discard, 2), Some(BundleOutcome::Rejected { error: fault(2), message: None }));
}

#[test]
fn messages_about_other_things_do_not_move_a_bundle() {
    let mut b = Bundle::start();
    assert_eq!(b.error(12345, 1), None);
    let other = Message::BundleControl(BundleControl {
        bundle_id: 6,
        kind: BundleControlKind::CloseReply,
        flags: BundleFlags(3),
    });
    let close = b.sent[3].xid;
    assert_eq!(b.transaction.handle(&mut b.channel, close, &other), None);
    assert_eq!(b.reply(close, BundleControlKind::CommitReply), None);
    assert!(!b.channel.has_output());
}

#[test]
fn a_bundle_with_a_message_that_does_not_fit_queues_nothing() {
    let (mut channel, _) = up(0);
    let long = Message::EchoRequest(vec![0; 65_520]);
    assert!(BundleTransaction::start(&mut channel, 1, &[Message::BarrierRequest, long]).is_err());
    assert!(!channel.has_output());
}
