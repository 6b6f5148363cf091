//! Everything written can be read back; nothing read can break us.
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "cases of the fuzzer are files")]

mod support;

#[path = "../../../testing/fuzz/bodies/openflow_decode.rs"]
mod openflow_decode;

use openflow::*;
use proptest::collection::vec;
use proptest::prelude::*;
use support::message;

/// What fuzzing once broke, and a few things to begin from.
#[test]
fn what_the_fuzzer_kept_holds() {
    let cases = std::fs::read_dir("../../testing/fuzz/cases/openflow_decode").unwrap();
    assert!(cases.map(|case| openflow_decode::check(&std::fs::read(case.unwrap().path()).unwrap())).count() > 0);
}

proptest! {
    #[test]
    fn a_message_survives_the_wire(message in message(), xid in any::<u32>()) {
        let bytes = encode(&message, xid).unwrap();
        prop_assert_eq!(usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), bytes.len());
        prop_assert_eq!(Frame::decode(&bytes), Ok(Frame { xid, message }));
    }

    #[test]
    fn a_stream_may_be_cut_anywhere(
        messages in vec(message(), 1..5),
        cuts in vec(1usize..40, 1..40),
    ) {
        let mut stream = Vec::new();
        for (xid, message) in messages.iter().enumerate() {
            encode_into(message, xid as u32, &mut stream).unwrap();
        }
        let mut decoder = Decoder::new();
        let mut read = Vec::new();
        let mut cuts = cuts.into_iter().cycle();
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            rest = tail;
            decoder.push(chunk);
            while let Some(frame) = decoder.next().unwrap() {
                prop_assert_eq!(frame.xid as usize, read.len());
                read.push(frame.message);
            }
        }
        prop_assert_eq!(read, messages);
        prop_assert_eq!(decoder.buffered(), 0);
    }

    /// Truncation with a corrected length field must be refused or mean a shorter message, and a
    /// changed byte must not break anything.
    #[test]
    fn damage_is_reported_never_a_panic(
        message in message(),
        cut in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let bytes = encode(&message, 7).unwrap();
        let mut short = bytes[..cut.index(bytes.len())].to_vec();
        prop_assert!(Frame::decode(&short).is_err());
        if short.len() >= 8 {
            let length = short.len() as u16;
            short[2..4].copy_from_slice(&length.to_be_bytes());
            openflow_decode::check(&short);
        }
        let mut damaged = bytes;
        let at = flip.index(damaged.len());
        damaged[at] = value;
        openflow_decode::check(&damaged);
    }

    #[test]
    fn any_bytes_are_handled(bytes in vec(any::<u8>(), 0..512)) {
        openflow_decode::check(&bytes);
    }

    /// Random bytes rarely get past the header; give each body a right one.
    #[test]
    fn any_body_is_handled(kind in 0u8..31, body in vec(any::<u8>(), 0..256)) {
        let mut bytes = vec![VERSION, kind, 0, 0, 0, 0, 0, 1];
        bytes.extend(body);
        let length = bytes.len() as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        openflow_decode::check(&bytes);
    }

    #[test]
    fn normal_form_is_stable(matching in support::matching()) {
        let normal = matching.normalized();
        prop_assert_eq!(normal.normalized(), normal);
    }
}

/// A body that says it is a bundle in a bundle in a bundle … must not exhaust our stack.
#[test]
fn nested_bundles_are_refused() {
    let mut message = Message::BarrierRequest;
    for _ in 0..2000 {
        message =
            Message::BundleAdd(BundleAdd { bundle_id: 1, flags: BundleFlags::ATOMIC, message: Box::new(message) });
    }
    let error = Frame::decode(&encode(&message, 1).unwrap()).unwrap_err();
    assert_eq!(error.clause, "EXT-230 bundle add");
    assert!(!error.is_fatal());
}

/// The same for `ct(exec(ct(…)))`, which is kept raw below the fourth level.
#[test]
fn nested_ct_actions_are_bounded() {
    let mut action = Action::PopVlan;
    for _ in 0..2000 {
        action = Action::Ct(Ct { exec: vec![action], ..Ct::commit(1) });
    }
    let message = Message::PacketOut(PacketOut::new(PortNo::CONTROLLER, vec![action], Vec::new()));
    openflow_decode::check(&encode(&message, 1).unwrap());
}

#[test]
fn a_message_that_does_not_fit_is_refused_and_leaves_no_bytes() {
    let mut out = vec![1, 2, 3];
    let long = Message::EchoRequest(vec![0; 65_528]);
    assert_eq!(encode_into(&long, 1, &mut out), Err(EncodeError::TooLong(65_536)));
    assert_eq!(out, [1, 2, 3]);
    let fits = Message::EchoRequest(vec![0; 65_527]);
    assert_eq!(encode(&fits, 1).unwrap().len(), 65_535);
    let raw = OxmField::Raw { class: 9, field: 1, masked: false, payload: vec![0; 256] };
    let flow = Message::FlowMod(FlowMod::add(0, 1, 0, Match(vec![raw]), Vec::new()));
    assert!(matches!(encode(&flow, 1), Err(EncodeError::FieldTooLong { field: "oxm_length", .. })));
}
