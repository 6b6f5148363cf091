//! How many packet-ins one core can answer with a flow-mod and a packet-out through the channel.
//!
//! `cargo run --release -p openflow --example answer_rate`
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::time::Instant;

use openflow::*;

const BATCH: usize = 64;
const ROUNDS: usize = 10_000;

fn main() {
    let mut channel = Channel::new(ChannelConfig::default(), 0);
    channel.handle(&encode(&Message::Hello(Hello { version: 6, elements: vec![] }), 1).unwrap(), 0);
    // The channel's hello is transaction 1, its features request 2.
    channel.handle(&encode(&Message::FeaturesReply(Features::default()), 2).unwrap(), 0);
    assert!(channel.is_up());
    channel.take_output();

    let packet_in = Message::PacketIn(PacketIn {
        buffer_id: None,
        total_len: 64,
        reason: PacketInReason::NoMatch,
        table: 2,
        cookie: 1,
        matching: Match(vec![OxmField::InPort(PortNo(1)), OxmField::Reg(1, 7.into())]),
        data: vec![0x5a; 64],
    });
    let batch = encode(&packet_in, 0).unwrap().repeat(BATCH);
    let start = Instant::now();
    let mut sent = 0;
    for _ in 0..ROUNDS {
        for event in channel.handle(&batch, 0) {
            if let ChannelEvent::Message { message: Message::PacketIn(packet), .. } = event {
                answer(&mut channel, packet);
            }
        }
        sent += channel.take_output().len();
    }
    let seconds = start.elapsed().as_secs_f64();
    let answers = (BATCH * ROUNDS) as f64;
    println!("{:.0} answers/s, {sent} bytes sent", answers / seconds);
}

fn answer(channel: &mut Channel, packet: PacketIn) {
    let matching = Match(vec![
        OxmField::InPort(packet.matching.in_port().unwrap()),
        OxmField::EthType(0x0800),
        OxmField::IpProto(6),
        OxmField::Ipv4Src(Masked::exact([10, 1, 0, 1].into())),
        OxmField::Ipv4Dst(Masked::exact([10, 2, 0, 1].into())),
        OxmField::TcpDst(443.into()),
    ]);
    let actions = vec![Action::output(PortNo(2))];
    let flow = FlowMod::add(2, 10, 7, matching, vec![Instruction::ApplyActions(actions)]);
    channel.send(&Message::FlowMod(flow)).unwrap();
    let again = vec![Action::output(PortNo::TABLE)];
    channel.send(&Message::PacketOut(PacketOut::new(PortNo(1), again, packet.data))).unwrap();
}
