//! Requests and certs-only messages that OpenSSL made, and bytes that nobody made.
#![allow(clippy::unwrap_used)]

use pki::{CertificationRequest, RequestRefused, read_certs_only};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

fn openssl(dir: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A request and a message by OpenSSL.
fn samples() -> &'static (Vec<u8>, Vec<u8>) {
    static MADE: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let (dir, new_key) = (dir.path(), ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        let mut request = vec!["req", "-new", "-outform", "DER", "-keyout", "key.pem"];
        request.extend(new_key);
        request.extend(["-subj", "/C=JP/CN=12345678", "-addext", "subjectAltName=URI:urn:sekisho:user:12345678"]);
        let request = openssl(dir, &request);
        let mut certificate = vec!["req", "-x509", "-out", "cert.pem", "-keyout", "other.pem", "-subj", "/CN=TEST"];
        certificate.extend(new_key);
        openssl(dir, &certificate);
        (request, openssl(dir, &["crl2pkcs7", "-nocrl", "-certfile", "cert.pem", "-outform", "DER"]))
    })
}

#[test]
fn what_openssl_made_is_read() {
    let (request, message) = samples();
    let request = CertificationRequest::verified(request).unwrap();
    assert_eq!(request.subject().common_name(), Some("12345678"));
    assert_eq!(request.uris(), ["urn:sekisho:user:12345678"]);
    assert_eq!(request.challenge_password(), None);
    let certificates = read_certs_only(message).unwrap();
    assert_eq!(certificates.len(), 1);
    assert_eq!(pki::Certificate::parse(&certificates[0]).unwrap().subject().common_name(), Some("TEST"));
}

#[test]
fn more_than_one_document_is_none() {
    let (request, message) = samples();
    let twice = |der: &[u8]| [der, der].concat();
    assert!(matches!(CertificationRequest::verified(&twice(request)), Err(RequestRefused::Malformed(_))));
    assert!(read_certs_only(&twice(message)).is_err());
    assert!(matches!(CertificationRequest::verified(&[0x30; 20_000]), Err(RequestRefused::Malformed(_))));
}

proptest! {
    #[test]
    fn a_changed_request_never_counts(at in any::<proptest::sample::Index>(), bit in 0u8..8) {
        let mut request = samples().0.clone();
        let at = at.index(request.len());
        request[at] ^= 1 << bit;
        prop_assert!(CertificationRequest::verified(&request).is_err());
    }

    #[test]
    fn a_changed_message_is_read_or_not_and_never_a_panic(at in any::<proptest::sample::Index>(), octet in any::<u8>()) {
        let mut message = samples().1.clone();
        let at = at.index(message.len());
        message[at] = octet;
        let _ = read_certs_only(&message);
        let _ = read_certs_only(&message[..at]);
    }

    #[test]
    fn arbitrary_bytes_are_neither(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(CertificationRequest::verified(&bytes).is_err());
        let _ = read_certs_only(&bytes);
    }
}
