//! Where random bytes come from: outside.

/// Random bytes of the operating system's quality, or fixed ones in a test.
pub trait Randomness {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// A number below `bound` (1 or more), every one equally likely.
    fn below(&self, bound: u64) -> u64 {
        // Numbers at the end that would favour the low results are thrown away.
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let mut bytes = [0; 8];
            self.fill(&mut bytes);
            let number = u64::from_le_bytes(bytes);
            if number < fair {
                return number % bound;
            }
        }
    }
}
