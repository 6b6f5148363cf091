//! Whatever bytes come in.
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "cases of the fuzzer are files")]

#[path = "../../../testing/fuzz/bodies/preflight_probe.rs"]
mod probe;

use preflight::{esp, ike, tcp};
use proptest::prelude::*;

/// What fuzzing once broke, and what it begins from.
#[test]
fn what_the_fuzzer_kept_holds() {
    let mut answered = 0;
    for case in std::fs::read_dir("../../testing/fuzz/cases/preflight_probe").unwrap() {
        let bytes = std::fs::read(case.unwrap().path()).unwrap();
        probe::check(&bytes);
        let from = "192.0.2.7:500".parse().unwrap();
        let line = std::str::from_utf8(&bytes).unwrap_or_default();
        answered += usize::from(ike::answer(&bytes, from, from, [9; 8]).is_some());
        answered += usize::from(esp::answer(&bytes).is_some());
        answered += usize::from(tcp::answer(line, from).is_some());
    }
    assert_eq!(answered, 3, "a question of each kind is among them");
}

proptest! {
    #[test]
    fn any_bytes_are_borne(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        probe::check(&bytes);
    }
}
