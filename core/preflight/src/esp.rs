//! A packet of IP protocol 50 (RFC 4303 §2) that means nothing to any security association, and its echo. What follows
//! SPI and sequence number looks encrypted to everybody on the way; the two ends find their question in it.

const WORD: &[u8; 16] = b"sekisho-esp-ask1";
const BACK: &[u8; 16] = b"sekisho-esp-see1";

/// Bytes of a question, and of an answer.
pub const LENGTH: usize = 8 + 16 + 16;

/// The question. Numbers below 256 are reserved as SPIs (RFC 4303 §2.1), so the highest bit is set.
pub fn question(spi: u32, nonce: [u8; 16]) -> [u8; LENGTH] {
    packet(spi | 1 << 31, 1, WORD, nonce)
}

/// The answer to a question; nothing if it is none.
pub fn answer(packet: &[u8]) -> Option<[u8; LENGTH]> {
    let (spi, nonce) = read(packet, WORD)?;
    Some(self::packet(spi, 2, BACK, nonce))
}

/// Is it the answer to the question with this nonce?
pub fn is_answer(packet: &[u8], nonce: [u8; 16]) -> bool {
    read(packet, BACK).is_some_and(|(_, echoed)| echoed == nonce)
}

fn packet(spi: u32, sequence: u32, word: &[u8; 16], nonce: [u8; 16]) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    out[..4].copy_from_slice(&spi.to_be_bytes());
    out[4..8].copy_from_slice(&sequence.to_be_bytes());
    out[8..24].copy_from_slice(word);
    out[24..].copy_from_slice(&nonce);
    out
}

fn read(packet: &[u8], word: &[u8; 16]) -> Option<(u32, [u8; 16])> {
    let packet: &[u8; LENGTH] = packet.try_into().ok()?;
    let (head, tail) = packet.split_at(8);
    let (said, nonce) = tail.split_at(16);
    let spi = u32::from_be_bytes(head[..4].try_into().ok()?);
    (said == word).then(|| nonce.try_into().ok()).flatten().map(|nonce| (spi, nonce))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_told_from_everything_else() {
        let asked = question(0, [3; 16]);
        assert!(u32::from_be_bytes(asked[..4].try_into().unwrap()) > 255);
        let said = answer(&asked).unwrap();
        assert!(is_answer(&said, [3; 16]) && !is_answer(&said, [4; 16]));
        assert!(!is_answer(&asked, [3; 16]), "our own question, sent back, is no answer");
        assert_eq!(answer(&said), None, "answers are not answered");
        assert_eq!(answer(&asked[..39]), None);
        assert_eq!(answer(&[]), None);
    }
}
