//! Private keys: PKCS#8 PEM, RSA by the `openssl` command, P-256 by rcgen.

use crate::AuthorityError;
use rcgen::KeyPair;
use std::io::Write;
use std::process::{Command, Stdio};

pub(crate) fn new_rsa(bits: u32) -> Result<String, AuthorityError> {
    openssl(&["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")], b"")
}

pub(crate) fn new_p256() -> Result<String, AuthorityError> {
    Ok(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?.serialize_pem())
}

/// SubjectPublicKeyInfo of a private key; works for keys too short for ring.
pub(crate) fn public_pem(private_pem: &str) -> Result<String, AuthorityError> {
    openssl(&["pkey", "-pubout"], private_pem.as_bytes())
}

fn openssl(arguments: &[&str], input: &[u8]) -> Result<String, AuthorityError> {
    let failed = |why: String| AuthorityError::OpenSsl { command: arguments.join(" "), why };
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A child that ended early says why on stderr; a broken pipe here adds nothing.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|e| failed(e.to_string()))
}
