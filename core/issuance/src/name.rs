//! Distinguished names.

use crate::der::{oid, printable, sequence, sequence_of, set, utf8};

const COUNTRY: &[u8] = &[0x55, 0x04, 0x06];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// `C=JP, O=…, CN=…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The institution; left out if empty.
    pub organization: String,
    /// What is named.
    pub common_name: String,
}

impl Subject {
    /// DER of the Name. Texts are cut to the 64 characters of RFC 5280 §A.1 (ub-organization-name, ub-common-name).
    pub fn der(&self) -> Vec<u8> {
        let attribute = |kind: &[u8], value: &[u8]| set(vec![sequence(&[&oid(kind), value])]);
        let bounded = |text: &str| utf8(&text.chars().take(64).collect::<String>());
        let mut names = vec![attribute(COUNTRY, &printable("JP"))];
        if !self.organization.is_empty() {
            names.push(attribute(ORGANIZATION, &bounded(&self.organization)));
        }
        names.push(attribute(COMMON_NAME, &bounded(&self.common_name)));
        sequence_of(&names)
    }
}
