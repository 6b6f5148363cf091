//! Lines cut at many bytes.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::client::{Say, begin, id_of};
use crate::world::{Center, Dice, bytes};

/// Sends a file in parts that are cut at many bytes. A cut part may reach the center after the question that follows it,
/// so what may be kept is bounded by all that was ever sent, not by the last part.
fn send_cut(address: SocketAddr, name: &str, content: &[u8], summed: bool) -> String {
    let mut dice = Dice(8);
    let path = begin(address, name, content.len(), &[]);
    let (mut answered, mut sent, mut ends) = (0u64, 0u64, BTreeSet::from([0u64]));
    for round in 0.. {
        let head = Say::new("HEAD", &path).ask(address);
        if head.status == 423 {
            continue;
        }
        let at = head.offset();
        assert!(at >= answered, "{answered} bytes were answered for, {at} are kept");
        assert!(at <= sent.max(answered), "{at} bytes kept, {sent} were sent");
        assert!(!summed || ends.contains(&at), "{at} is in the middle of a part that was not verified");
        if at == content.len() as u64 {
            break;
        }
        let part = (1 + dice.below(9_000)).min(content.len() - at as usize);
        let cut = match (round % 3, dice.below(4)) {
            (2, _) => None,
            (_, 0) => Some(0),
            (_, 1) => Some(part),
            _ => Some(dice.below(part)),
        };
        let say = Say { cut, ..Say::part(&path, at, &content[at as usize..at as usize + part]) };
        let say = if summed { say.summed() } else { say };
        let end = at + part as u64;
        if cut.is_none_or(|c| c == part) {
            ends.insert(end);
        }
        sent = sent.max(at + cut.unwrap_or(part) as u64);
        match say.to(address).unwrap() {
            Some(answer) if answer.status == 204 => {
                assert_eq!(answer.offset(), end);
                answered = end;
            }
            // A cut part came in late, before this one.
            Some(answer) => assert!([409, 423].contains(&answer.status), "{answer:?}"),
            None => {}
        }
    }
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_cut_at_any_byte_loses_nothing_that_was_answered_for() {
    let center = Center::new().await;
    let address = center.address;
    for (name, summed) in [("plain.zip", false), ("summed.zip", true)] {
        let content = bytes(120_000, 7);
        let sent = content.clone();
        let path = tokio::task::spawn_blocking(move || send_cut(address, name, &sent, summed)).await.unwrap();
        assert_eq!(center.room.round().await.accepted, [id_of(&path)]);
        assert_eq!(std::fs::read(center.file("accepted", id_of(&path))).unwrap(), content);
    }
}

/// The first line hangs; the client comes back on another, which must not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_newer_line_wins_over_one_that_hangs() {
    use std::io::Write;
    let center = Center::new().await;
    let address = center.address;
    let path = tokio::task::spawn_blocking(move || {
        let path = begin(address, "a", 10, &[]);
        let mut hanging = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nHost: c\r\nx-who: aoba/10000001\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
             Content-Type: application/offset+octet-stream\r\nContent-Length: 10\r\n\r\n123"
        );
        hanging.write_all(head.as_bytes()).unwrap();
        let mut at = 0;
        // The three bytes may be on their way still.
        while at != 10 {
            at = Say::new("HEAD", &path).ask(address).offset();
            let answer = Say::part(&path, at, &b"1234567890"[at as usize..]).ask(address);
            if answer.status == 204 {
                at = answer.offset();
            }
        }
        let _ = hanging.write_all(b"XXXXXXX");
        path
    })
    .await
    .unwrap();
    assert_eq!(center.room.round().await.accepted, [id_of(&path)]);
    assert_eq!(std::fs::read(center.file("accepted", id_of(&path))).unwrap(), b"1234567890");
}
