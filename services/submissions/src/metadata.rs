//! What clients write into headers, read once (tus 1.0.0, "Upload-Metadata", "Upload-Checksum").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use std::collections::BTreeMap;

use crate::Refused;

/// A checksum a part came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) value: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// Demanded by tus; guards against accidents only.
    Sha1,
    Sha256,
}

/// As `Tus-Checksum-Algorithm` says it.
pub(crate) const ALGORITHMS: &str = "sha256,sha1";

impl Algorithm {
    pub(crate) fn begin(self) -> digest::Context {
        digest::Context::new(match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        })
    }
}

/// `sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`
pub(crate) fn checksum(header: &str) -> Result<Checksum, Refused> {
    let (name, value) = header.split_once(' ').ok_or(Refused::Malformed("Upload-Checksum"))?;
    let algorithm = match name {
        "sha1" => Algorithm::Sha1,
        "sha256" => Algorithm::Sha256,
        other => return Err(Refused::UnknownChecksum(other.chars().take(16).collect())),
    };
    let value = STANDARD.decode(value).map_err(|_| Refused::Malformed("Upload-Checksum"))?;
    if value.len() != algorithm.begin().finish().as_ref().len() {
        return Err(Refused::Malformed("Upload-Checksum"));
    }
    Ok(Checksum { algorithm, value })
}

/// `filename d29ybGQ=,is_confidential`: keys with base64 values, or none.
pub(crate) fn pairs(header: &str) -> Result<BTreeMap<String, Vec<u8>>, Refused> {
    let mut found = BTreeMap::new();
    for pair in header.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| Refused::Malformed("Upload-Metadata"))?;
        if key.contains(' ') || found.insert(key.to_owned(), value).is_some() {
            return Err(Refused::Malformed("Upload-Metadata"));
        }
    }
    Ok(found)
}

/// A file's name as a person reads it: the last part of whatever path came, without signs that could mislead the
/// reader of a list or a receipt.
pub(crate) fn file_name(given: &str) -> Result<String, Refused> {
    let name = given.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let misleading = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if name.is_empty() || name == "." || name == ".." || name.chars().count() > 255 || name.contains(misleading) {
        return Err(Refused::Malformed("filename"));
    }
    Ok(name.to_owned())
}

/// A media type without parameters; `application/octet-stream` if it is not one.
pub(crate) fn media_type(given: &str) -> String {
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    let good = essence.len() <= 127 && essence.split_once('/').is_some_and(|(a, b)| token(a) && token(b));
    if good { essence } else { "application/octet-stream".to_owned() }
}

/// A submitter's own key: 1 to 128 visible ASCII characters.
pub(crate) fn once(given: &str) -> Result<String, Refused> {
    let good = !given.is_empty() && given.len() <= 128 && given.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(given.to_owned()) } else { Err(Refused::Malformed("key")) }
}

/// 64 hexadecimal digits.
pub(crate) fn sha256(given: &str) -> Result<String, Refused> {
    let lower = given.to_ascii_lowercase();
    let good = lower.len() == 64 && lower.bytes().all(|b| b.is_ascii_hexdigit());
    if good { Ok(lower) } else { Err(Refused::Malformed("sha256")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_of_the_standard_are_read() {
        let read = pairs("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential").unwrap();
        assert_eq!(read["filename"], b"world_domination_plan.pdf");
        assert_eq!(read["is_confidential"], b"");
        for wrong in ["filename d29,", "a YQ==,a YQ==", "a YQ== YQ=="] {
            assert!(pairs(wrong).is_err(), "{wrong}");
        }
        let read = checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").unwrap();
        assert_eq!((read.algorithm, read.value.len()), (Algorithm::Sha1, 20));
        assert_eq!(checksum("md5 YQ=="), Err(Refused::UnknownChecksum("md5".into())));
        for wrong in ["sha1", "sha1 ", "sha1 YQ==", "sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0="] {
            assert_eq!(checksum(wrong), Err(Refused::Malformed("Upload-Checksum")), "{wrong}");
        }
    }

    #[test]
    fn names_are_names_and_not_paths() {
        assert_eq!(file_name("C:\\届出\\2026 年.zip").unwrap(), "2026 年.zip");
        assert_eq!(file_name("/etc/passwd").unwrap(), "passwd");
        for wrong in ["", "..", "a/", "a\nb", "exe.\u{202e}fdp", "a\u{0}", &"x".repeat(256)] {
            assert!(file_name(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(media_type("Text/CSV; charset=utf-8"), "text/csv");
        assert_eq!(media_type("text/csv\" onload=\""), "application/octet-stream");
        assert!(once("").is_err() && once("a b").is_err() && once("a-1").is_ok());
        assert!(sha256(&"A".repeat(64)).is_ok() && sha256(&"g".repeat(64)).is_err());
    }

    proptest! {
        #[test]
        fn no_header_makes_a_reader_fall(text in ".{0,200}") {
            let _ = (checksum(&text), pairs(&text), once(&text), sha256(&text));
            if let Ok(name) = file_name(&text) {
                prop_assert!(!name.contains(['/', '\\', '\n', '\r', '\0']));
            }
            prop_assert!(media_type(&text).contains('/') && !media_type(&text).contains(['"', '<', ' ', '\n']));
        }

        #[test]
        fn what_a_client_writes_is_read_back(given in proptest::collection::btree_map("[a-z_]{1,8}", proptest::collection::vec(any::<u8>(), 0..20), 0..6)) {
            let header: Vec<String> = given.iter().map(|(k, v)| format!("{k} {}", STANDARD.encode(v))).collect();
            prop_assert_eq!(pairs(&header.join(",")).unwrap(), given);
        }
    }
}
