//! What must hold for any bytes that answer an OCSP request: no panic, nothing taken without the CA's or its delegate's
//! signature, and what was taken once is taken again.

use pki::{AnchorSet, OcspStore, Purpose, TrustAnchor};
use std::sync::OnceLock;

const CA: &[u8] = include_bytes!("../../../core/pki/tests/vectors/ocsp/ca.der");

/// Panics if a property does not hold.
pub fn check(bytes: &[u8]) {
    static ANCHORS: OnceLock<AnchorSet> = OnceLock::new();
    let anchors = ANCHORS.get_or_init(|| {
        let mut anchors = AnchorSet::new();
        anchors.add(TrustAnchor::new(CA, Purpose::Gate).expect("the vector is a CA"));
        anchors
    });
    let mut store = OcspStore::new();
    match store.add(bytes, anchors) {
        Ok(taken) => {
            assert!(!taken.is_empty(), "a response that is taken says something");
            assert_eq!(store.add(bytes, anchors), Ok(taken), "the same response is no older than itself");
        }
        Err(refusal) => {
            assert_eq!(store.status().count(), 0, "{refusal}: nothing is taken of a refused response");
            assert!(refusal.code().starts_with('C'));
        }
    }
}
