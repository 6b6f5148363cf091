//! What must hold for any bytes that reach the responder of preflight, or come back to who asked it: no panic, nothing
//! answered with more than was asked, and no answer that is itself answered.

use preflight::{esp, ike, tcp};
use std::net::{Ipv4Addr, SocketAddr};

/// Panics if a property does not hold.
pub fn check(bytes: &[u8]) {
    let (from, at): (SocketAddr, SocketAddr) =
        ((Ipv4Addr::new(192, 0, 2, 7), 500).into(), (Ipv4Addr::new(203, 0, 113, 5), 500).into());
    if let Some(said) = ike::answer(bytes, from, at, [9; 8]) {
        assert!(said.len() <= bytes.len(), "never more than was asked with");
        assert_eq!(ike::answer(&said, at, from, [8; 8]), None, "two responders do not talk");
    }
    let question = ike::Question { spi: [1; 8], nonce: [2; 32], share: [3; 32], from, to: at };
    let _ = question.read(bytes);
    if let Some(said) = esp::answer(bytes) {
        assert_eq!((said.len(), esp::answer(&said)), (bytes.len(), None));
    }
    let _ = esp::is_answer(bytes, [1; 16]);
    if let Ok(line) = std::str::from_utf8(bytes) {
        if let Some(said) = tcp::answer(line, from) {
            assert!(said.len() <= tcp::LONGEST && tcp::answer(&said, from).is_none());
        }
        let _ = tcp::seen(line, [1; 16]);
    }
}
