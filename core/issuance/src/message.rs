//! What EST carries besides: certificates in a degenerate SignedData, and the attributes a server asks for.

use crate::der::{CURVE_P256, EC_PUBLIC_KEY, ECDSA_WITH_SHA256, context, element, number, oid, sequence, set};

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// A certs-only message (RFC 5652 §5.2: SignedData without signers or content) of these certificates, in this order.
pub fn certs_only<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let certificates: Vec<&[u8]> = certificates.into_iter().collect();
    let empty = element(0x31, &[]);
    // Order tells nothing in a SET; clients find the leaf by its key. It is kept as given, as BER allows here.
    let signed = sequence(&[&number(1), &empty, &sequence(&[&oid(DATA)]), &context(0, &certificates), &empty]);
    sequence(&[&oid(SIGNED_DATA), &context(0, &[&signed])])
}

/// CsrAttrs (RFC 7030 §4.5.2): an EC key on P-256, signed with ecdsa-with-SHA256. Nothing else is asked for: the
/// authority gives the names.
pub fn csr_attributes() -> Vec<u8> {
    let key = sequence(&[&oid(EC_PUBLIC_KEY), &set(vec![oid(CURVE_P256)])]);
    sequence(&[&key, &oid(ECDSA_WITH_SHA256)])
}
