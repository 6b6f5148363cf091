//! Whatever is handed in: read or refused, never a panic; and what is read is written the same.
#![allow(clippy::unwrap_used)]

use equipment::{SignedInformation, SignedPermit, SignedReport};
use proptest::prelude::*;

const INFORMATION: &str = "[device]\nmaker = \"m\"\nmodel = \"M\"\nserial = \"1\"\nmade = \"2026-11-01\"\n\
[device.element]\nkind = \"tpm2\"\nserial = \"e\"\nkey = \"0000000000000000000000000000000000000000000000000000000000000000\"\n\
[signature]\ncertificate = \"c\"\nvalue = \"AA==\"\n";
const PERMIT: &str = "[permit]\nnumber = \"1\"\naction = \"install\"\napplication = \"a\"\nversion = \"1\"\n\
valid_from = \"2026-11-01T00:00:00Z\"\nvalid_until = \"2026-12-01T00:00:00Z\"\nissuer = \"c\"\n\
[permit.package]\nsha256 = \"0000000000000000000000000000000000000000000000000000000000000000\"\nlength = 1\n\
[signature]\ncertificate = \"c\"\nvalue = \"AA==\"\n";

fn reads_alike(text: &str) {
    if let Ok(read) = SignedInformation::from_toml(text) {
        assert_eq!(SignedInformation::from_toml(&read.to_toml()).unwrap().device, read.device);
    }
    if let Ok(read) = SignedPermit::from_toml(text) {
        assert_eq!(SignedPermit::from_toml(&read.to_toml()).unwrap().permit, read.permit);
    }
    let _ = SignedReport::from_toml(text);
}

#[test]
fn the_seeds_are_read() {
    assert!(SignedInformation::from_toml(INFORMATION).is_ok());
    assert!(SignedPermit::from_toml(PERMIT).is_ok());
}

proptest! {
    #[test]
    fn any_text(text in "\\PC{0,200}") {
        reads_alike(&text);
    }

    #[test]
    fn damaged_files(at in 0usize..400, with in "\\PC{0,6}", cut in 0usize..9, which: bool) {
        let whole = if which { INFORMATION } else { PERMIT };
        let chars: Vec<char> = whole.chars().collect();
        let at = at.min(chars.len());
        let end = (at + cut).min(chars.len());
        let text: String = chars[..at].iter().copied().chain(with.chars()).chain(chars[end..].iter().copied()).collect();
        reads_alike(&text);
    }

    #[test]
    fn any_label_is_written_so_that_it_is_read_again(label in "\\PC{1,60}") {
        let mut read = SignedInformation::from_toml(INFORMATION).unwrap();
        if let Ok(label) = label.parse() {
            read.device.model = label;
            prop_assert_eq!(SignedInformation::from_toml(&read.to_toml()).unwrap().device, read.device);
        }
    }
}
