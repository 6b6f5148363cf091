//! The question over TCP 443: a line, and a line back. Whoever else answers is told apart by it.

use std::net::SocketAddr;

const WORD: &str = "sekisho-preflight/1";

/// Longest line of either side, in bytes.
pub const LONGEST: usize = 128;

/// The question, with a number used once.
pub fn question(nonce: [u8; 16]) -> String {
    format!("{WORD} ask {}\r\n", hex(nonce))
}

/// The answer to a question that came from there; nothing if it is none.
pub fn answer(line: &str, from: SocketAddr) -> Option<String> {
    let nonce = line.trim_end().strip_prefix(WORD)?.strip_prefix(" ask ")?;
    let well_formed = nonce.len() == 32 && nonce.bytes().all(|b| b.is_ascii_hexdigit());
    well_formed.then(|| format!("{WORD} see {nonce} {from}\r\n"))
}

/// What the responder sees us as, if this is its answer to that question.
pub fn seen(line: &str, nonce: [u8; 16]) -> Option<SocketAddr> {
    let rest = line.trim_end().strip_prefix(WORD)?.strip_prefix(" see ")?;
    let (echoed, address) = rest.split_once(' ')?;
    (echoed == hex(nonce)).then(|| address.parse().ok()).flatten()
}

fn hex(bytes: [u8; 16]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_names_the_question_and_the_asker() {
        let from: SocketAddr = "[2001:db8::7]:40001".parse().unwrap();
        let said = answer(&question([7; 16]), from).unwrap();
        assert!(said.len() <= LONGEST && question([7; 16]).len() <= LONGEST);
        assert_eq!(seen(&said, [7; 16]), Some(from));
        assert_eq!(seen(&said, [8; 16]), None);
        assert_eq!(seen("HTTP/1.1 400 Bad Request\r\n", [7; 16]), None);
        for wrong in ["", "sekisho-preflight/1 ask 00\r\n", "GET / HTTP/1.1\r\n", &"a".repeat(300)] {
            assert_eq!(answer(wrong, from), None);
        }
    }
}
