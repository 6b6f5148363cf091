//! Whatever bytes come in.
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "cases of the fuzzer are files")]

#[path = "../../../testing/fuzz/bodies/webauthn_parse.rs"]
mod parse;

use proptest::prelude::*;

fn cases() -> Vec<Vec<u8>> {
    let folder = std::fs::read_dir("../../testing/fuzz/cases/webauthn_parse").unwrap();
    folder.map(|case| std::fs::read(case.unwrap().path()).unwrap()).collect()
}

/// What fuzzing once broke, and what it begins from.
#[test]
fn what_the_fuzzer_kept_holds() {
    let cases = cases();
    assert!(cases.len() >= 4);
    cases.iter().for_each(|case| parse::check(case));
}

proptest! {
    #[test]
    fn any_bytes_are_borne(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse::check(&bytes);
    }

    #[test]
    fn good_bytes_that_were_changed_are_borne(
        case in 0usize..4,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut bytes = cases().swap_remove(case);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        parse::check(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        parse::check(&bytes);
    }
}
