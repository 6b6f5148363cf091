//! Signatures under statements: the signer's certificates and the value, as texts in a TOML file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pki::{AnchorSet, EquipmentIdentity};
use serde::{Deserialize, Serialize};

use crate::Refusal;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The signer's certificates and the signature, all DER.
type Parts = (Vec<Vec<u8>>, Vec<u8>);

/// A signature over a statement's `signed_bytes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// PEM chain, the signer's certificate first; its root need not be there.
    pub certificate: String,
    /// ECDSA P-256/SHA-256 in ASN.1 DER, Base64.
    pub value: String,
}

impl Signature {
    /// From DER certificates, the signer's first, and the DER signature.
    pub fn new<C: AsRef<[u8]>>(chain: impl IntoIterator<Item = C>, value: &[u8]) -> Self {
        let certificate = chain.into_iter().map(|der| pem(der.as_ref())).collect();
        Self { certificate, value: STANDARD.encode(value) }
    }

    /// The signer's certificates, DER, and the signature, DER.
    ///
    /// # Errors
    /// [`Refusal::SignerUnreadable`], [`Refusal::SignatureInvalid`] if the value is no Base64.
    pub fn parts(&self) -> Result<Parts, Vec<Refusal>> {
        let chain = read_pem_chain(&self.certificate);
        let value = STANDARD.decode(self.value.trim());
        match (chain, value) {
            (Some(chain), Ok(value)) => Ok((chain, value)),
            (chain, value) => Err(chain
                .is_none()
                .then_some(Refusal::SignerUnreadable)
                .into_iter()
                .chain(value.is_err().then_some(Refusal::SignatureInvalid))
                .collect()),
        }
    }

    /// `[signature]`, as it stands in a file.
    pub(crate) fn to_toml(&self) -> String {
        format!("[signature]\ncertificate = \"\"\"\n{}\n\"\"\"\nvalue = \"{}\"\n", self.certificate.trim(), self.value)
    }
}

/// Verifies who signed, by what they must be, and then what they signed: the signer, or every reason.
pub(crate) fn signed_by<V>(
    signature: &Signature,
    bytes: &[u8],
    anchors: &AnchorSet,
    verify: impl FnOnce(&[&[u8]]) -> Result<V, Vec<pki::Refusal>>,
    identity: impl FnOnce(&V) -> &EquipmentIdentity,
) -> Result<V, Vec<Refusal>> {
    let (chain, value) = signature.parts()?;
    let slices: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let signer = verify(&slices).map_err(|refusals| refusals.into_iter().map(Refusal::Signer).collect::<Vec<_>>())?;
    match anchors.verify_detached(identity(&signer), bytes, &value) {
        Ok(()) => Ok(signer),
        Err(_) => Err(vec![Refusal::SignatureInvalid]),
    }
}

/// A TOML file, or at which line it stops being one.
pub(crate) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        Refusal::Unreadable { line, why: error.message().to_owned() }
    })
}

/// A TOML basic string of a [`crate::Label`], which holds no control characters.
pub(crate) fn quoted(label: &crate::Label) -> String {
    format!("\"{}\"", label.as_str().replace('\\', "\\\\").replace('"', "\\\""))
}

/// Certificates of a PEM text (RFC 7468), in order; none if any block is unreadable or of another kind.
pub fn read_pem_chain(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut chain = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (body, after) = rest.strip_prefix(BEGIN)?.split_once(END)?;
        let digits: String = body.split_ascii_whitespace().collect();
        chain.push(STANDARD.decode(digits).ok()?);
        rest = after.trim_start();
    }
    (!chain.is_empty()).then_some(chain)
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chains_are_read_as_written(ders in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..4)) {
            let signature = Signature::new(&ders, &[1, 2, 3]);
            prop_assert_eq!(signature.parts(), Ok((ders, vec![1, 2, 3])));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(-----BEGIN CERTIFICATE-----)?[ -~\n]{0,80}(-----END CERTIFICATE-----)?.{0,9}") {
            let _ = read_pem_chain(&text);
            let _ = Signature { certificate: text.clone(), value: text }.parts();
        }
    }
}
