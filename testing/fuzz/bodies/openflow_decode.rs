//! What must hold for any bytes a switch may send: no panic, no endless loop, and what was
//! understood means the same when written and read again.

use openflow::{Decoder, EncodeError, encode};

/// Panics if a property does not hold.
pub fn check(bytes: &[u8]) {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    loop {
        let before = decoder.buffered();
        match decoder.next() {
            Ok(None) => break,
            Ok(Some(frame)) => {
                assert!(decoder.buffered() < before, "a message takes bytes");
                match encode(&frame.message, frame.xid) {
                    Ok(again) => {
                        let reread = openflow::Frame::decode(&again);
                        assert_eq!(reread.as_ref(), Ok(&frame), "re-encoded as {again:02x?}");
                    }
                    // Bytes that are not UTF-8 become longer when replaced.
                    Err(EncodeError::FieldTooLong { .. } | EncodeError::TooLong(_)) => {}
                }
            }
            Err(error) if error.is_fatal() => {
                assert!(decoder.next().is_err(), "a lost stream stays lost");
                break;
            }
            Err(error) => {
                assert!(decoder.buffered() < before, "a bad message is skipped: {error}");
            }
        }
    }
}
