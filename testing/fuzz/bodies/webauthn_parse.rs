//! What must hold for any bytes that a browser sends as those of a security key: no panic, and nothing is believed that
//! nobody signed.

use webauthn::{Assertion, Ceremony, Credential, RelyingParty, authenticate, register};

/// Panics if a property does not hold.
pub fn check(bytes: &[u8]) {
    let Some(party) = RelyingParty::at("https://example.org") else { panic!("a good address") };
    let ceremony = Ceremony { party: &party, challenge: b"nobody has seen this one", verified: false };
    // The challenge is in none of them, so whatever the rest says is refused.
    assert!(register(&ceremony, bytes, bytes).is_err());
    let client =
        br#"{"type":"webauthn.create","challenge":"bm9ib2R5IGhhcyBzZWVuIHRoaXMgb25l","origin":"https://example.org"}"#;
    if let Ok(credential) = register(&ceremony, client, bytes) {
        assert!((1..=1023).contains(&credential.id.len()) && !credential.key.is_empty());
        let shown = Assertion {
            id: credential.id.clone(),
            client_data: br#"{"type":"webauthn.get","challenge":"bm9ib2R5IGhhcyBzZWVuIHRoaXMgb25l","origin":"https://example.org"}"#.to_vec(),
            authenticator_data: bytes.to_vec(),
            signature: bytes.to_vec(),
            user: None,
        };
        assert!(authenticate(&ceremony, &credential, b"", &shown).is_err());
    }
    let credential = Credential { id: vec![1], key: bytes.to_vec(), count: 0 };
    let shown = Assertion {
        id: vec![1],
        client_data: bytes.to_vec(),
        authenticator_data: bytes.to_vec(),
        signature: bytes.to_vec(),
        user: None,
    };
    assert!(authenticate(&ceremony, &credential, b"", &shown).is_err());
}
