//! Certs-only messages: SignedData without signers (RFC 5652 §5, RFC 7030 §4.1.3).

use crate::der::{Malformed, Reader, tag};
use crate::oid::Oid;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// More than any chain of ours, with the old CA beside the new one.
const MOST: usize = 32;

/// The certificates in a DER certs-only message, in its order, each as DER. Nothing of them is believed.
///
/// # Errors
/// [`Malformed`], also for a message with more than 32 certificates.
pub fn read_certs_only(der: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut document = Reader::new(der);
    let outer = document.expect(tag::SEQUENCE, "ContentInfo")?;
    document.finish("bytes after ContentInfo")?;
    let mut fields = outer.reader();
    let kind = fields.expect(tag::OID, "contentType")?;
    if Oid::read(&kind)?.contents() != SIGNED_DATA {
        return Err(kind.malformed("contentType is not signedData"));
    }
    let content = fields.expect(tag::explicit(0), "content")?;
    fields.finish("bytes after the content")?;
    let mut signed = content.only(tag::SEQUENCE, "SignedData")?.reader();
    signed.expect(tag::INTEGER, "version")?.small_unsigned()?;
    signed.expect(tag::SET, "digestAlgorithms")?;
    signed.expect(tag::SEQUENCE, "encapContentInfo")?;
    let mut certificates = Vec::new();
    if let Some(set) = signed.optional(tag::explicit(0), "certificates")? {
        let mut set = set.reader();
        while !set.is_empty() {
            let certificate = set.expect(tag::SEQUENCE, "certificate")?;
            if certificates.len() == MOST {
                return Err(certificate.malformed("too many certificates"));
            }
            certificates.push(certificate.whole.to_vec());
        }
    }
    signed.optional(tag::explicit(1), "crls")?;
    signed.expect(tag::SET, "signerInfos")?;
    signed.finish("bytes after signerInfos")?;
    Ok(certificates)
}
