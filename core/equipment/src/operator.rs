//! A VPN operator's word for its second-tier authority (row 10): how a device knows whose gate certificate it takes.

use audit::Digest;
use model::Timestamp;
use pki::{AnchorSet, Certificate, Revocation, VerifiedVpnOperator};
use serde::{Deserialize, Serialize};

use crate::signature::{read, signed_by};
use crate::{Name, Refusal, Signature};

/// What a VPN operator (VPN 事業者) says: gate certificates of this authority are its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorStatement {
    /// The operator; the signer must be this operator.
    pub operator: Name,
    /// SHA-256 of the SubjectPublicKeyInfo (DER) of the authority that issues its gate certificates.
    pub authority: Digest,
}

impl OperatorStatement {
    /// What the operator signs; as [`crate::DeviceInformation::signed_bytes`].
    pub fn signed_bytes(&self) -> Vec<u8> {
        format!("sekisho vpn operator 1\noperator={}\nauthority={}\n", self.operator, self.authority).into_bytes()
    }
}

/// The statement with its signature: a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedOperator {
    /// What is said. In the file `[provider]`: the guide's サービス提供者.
    pub provider: OperatorStatement,
    /// Who says it.
    pub signature: Signature,
}

impl SignedOperator {
    /// Reads the file. Nothing it says is believed by that.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`] with the line.
    pub fn from_toml(text: &str) -> Result<Self, Refusal> {
        read(text)
    }

    /// The file.
    pub fn to_toml(&self) -> String {
        let OperatorStatement { operator, authority } = &self.provider;
        format!(
            "# VPN 事業者の証明書発行元 / a VPN operator's authority for gates\n\
             [provider]\noperator = \"{operator}\"\nauthority = \"{authority}\"\n\n{}",
            self.signature.to_toml()
        )
    }
}

/// A VPN operator that stands for an authority. Built only by [`verify_operator`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOperator {
    statement: OperatorStatement,
    operator: VerifiedVpnOperator,
}

impl VerifiedOperator {
    /// What is said.
    pub fn statement(&self) -> &OperatorStatement {
        &self.statement
    }

    /// Who says it.
    pub fn operator(&self) -> &VerifiedVpnOperator {
        &self.operator
    }
}

/// Verifies that a VPN operator that the registration authority certified stands for this authority, whose certificate
/// came with a gate certificate.
///
/// # Errors
/// Every reason that can be established.
pub fn verify_operator<'a>(
    signed: &SignedOperator,
    authority: &Certificate,
    anchors: &AnchorSet,
    revocation: impl Into<Revocation<'a>>,
    now: Timestamp,
) -> Result<VerifiedOperator, Vec<Refusal>> {
    let (said, held, seconds) = (&signed.provider, revocation.into(), now.unix_seconds());
    let verify = |chain: &[&[u8]]| pki::verify_vpn_operator(chain, anchors, held, seconds);
    let verified =
        signed_by(&signed.signature, &said.signed_bytes(), anchors, verify, VerifiedVpnOperator::certificate);
    let mut refusals = Vec::new();
    let operator = verified.map_err(|found| refusals.extend(found)).ok();
    if let Some(operator) = &operator
        && operator.id() != said.operator.as_str()
    {
        refusals.push(Refusal::SignerIsAnother { named: said.operator.to_string(), signer: operator.id().to_owned() });
    }
    if Digest::of(authority.spki_der()) != said.authority {
        refusals.push(Refusal::OtherAuthority {
            operator: said.operator.to_string(),
            authority: authority.subject().to_string(),
        });
    }
    match operator {
        Some(operator) if refusals.is_empty() => Ok(VerifiedOperator { statement: said.clone(), operator }),
        _ => Err(refusals),
    }
}
