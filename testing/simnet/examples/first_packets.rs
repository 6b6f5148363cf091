//! How many first packets a second the machine answers on one core: bytes in, bytes out, no socket.
#![allow(clippy::unwrap_used)]

use model::{Grant, GrantId, Network, Protocol, SiteState, Timestamp, parse_document};
use openflow::{Decoder, Masked, Match, Message, OxmField, PacketIn, PacketInReason, PortNo};
use site::{Event, IkePolicy, Outbox, RedInterfaces, SiteConfig, SiteMachine};
use std::collections::BTreeMap;
use std::time::Instant;

const ROUNDS: u32 = 2_000_000;

fn main() {
    let documents: Vec<_> = [
        ("clinic", include_str!("../../../core/model/tests/documents/clinic.toml")),
        ("hospital", include_str!("../../../core/model/tests/documents/hospital.toml")),
        ("provider", include_str!("../../../core/model/tests/documents/provider.toml")),
    ]
    .iter()
    .map(|(name, text)| parse_document(name, text).unwrap())
    .collect();
    let network = Network::default().with(&documents).unwrap();
    let mut states = BTreeMap::new();
    for (id, delta) in plan::apply(&network, &[], &BTreeMap::new()).unwrap().sites {
        let mut state = SiteState::empty(delta.facts.clone().unwrap());
        state.advance(&delta).unwrap();
        states.insert(id, state);
    }
    let end = |at: &str| network.endpoint(&at.parse().unwrap()).unwrap();
    let grant = Grant {
        id: GrantId(1),
        agreement: "A-0012".parse().unwrap(),
        service: "keyaki/records".parse().unwrap(),
        origin: end("clinic/exam-1"),
        destination: end("hospital/record-server"),
        protocol: Protocol::Tcp,
        ports: vec![443],
        granted_at: Timestamp(0),
        lease_until: Timestamp(i64::MAX),
        idle_ms: None,
    };
    let clinic = "clinic".parse().unwrap();
    let opened = plan::open(&grant, &states[&clinic], &states[&"hospital".parse().unwrap()]).unwrap();
    let state = states[&clinic].after(&opened.sites[&clinic]).unwrap();
    let config = SiteConfig {
        red: RedInterfaces { lan: "lan0".into(), tunnel: "ipsec0".into() },
        ike: IkePolicy {
            ike_proposals: vec![],
            esp_proposals: vec![],
            ike_rekey_seconds: 1,
            child_rekey_seconds: 1,
            child_rekey_packets: 1,
            replay_window: 1,
            dpd_seconds: 1,
            revocation: String::new(),
        },
        audit_ms: 5_000,
        ike_linger_ms: 0,
        first_packets_per_second: 1000,
    };
    for (what, vary) in [("allowed: rules sent again, packet released", false), ("refused: exact drop", true)] {
        let proved = verify::check_state(state.clone()).unwrap();
        let mut machine = SiteMachine::new(Some(proved), config.clone(), Timestamp(0));
        let mut out = Outbox::default();
        let mut decoder = Decoder::new();
        let mut bytes = Vec::new();
        let mut answered = 0usize;
        let begin = Instant::now();
        for i in 0..ROUNDS {
            openflow::encode_into(&packet_in(i, vary), i, &mut bytes).unwrap();
            decoder.push(&bytes);
            bytes.clear();
            while let Some(frame) = decoder.next().unwrap() {
                let Message::PacketIn(packet) = frame.message else { continue };
                machine.handle_into(Event::PacketIn(Box::new(packet)), Timestamp(i64::from(i / 300)), &mut out);
            }
            answered += out.to_switch.len();
            out.to_switch.clear();
            out.outputs.clear();
        }
        let took = begin.elapsed();
        let rate = f64::from(ROUNDS) / took.as_secs_f64();
        println!(
            "{what}: {rate:.0}/s, {} bytes an answer (the load is made in the same loop)",
            answered / ROUNDS as usize
        );
    }
}

fn packet_in(i: u32, vary: bool) -> Message {
    let mut data = vec![0u8; 60];
    data[12] = 8;
    data[14] = 0x45;
    data[23] = 6;
    data[26..30].copy_from_slice(&[10, 1, 20, 11]);
    data[30..34].copy_from_slice(&[10, 2, 10, 10]);
    if vary {
        data[31..34].copy_from_slice(&(i | 0x80_0000).to_be_bytes()[1..]);
    }
    data[34..36].copy_from_slice(&(i as u16).to_be_bytes());
    data[36..38].copy_from_slice(&443u16.to_be_bytes());
    Message::PacketIn(PacketIn {
        buffer_id: None,
        total_len: 60,
        reason: PacketInReason::Action,
        table: 2,
        cookie: 0x5e01 << 48,
        matching: Match::any().with(OxmField::InPort(PortNo(3))).with(OxmField::Reg(0, Masked::exact(17))),
        data,
    })
}
