//! Agreements between legal entities (合意, G12).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

use crate::{AgreementId, InstitutionId, ServiceId, Timestamp};

/// Which of the two institutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The one whose people use the service.
    Consumer,
    /// The one that offers it.
    Provider,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumer => "consumer",
            Self::Provider => "provider",
        })
    }
}

/// An institution's signature over [`Agreement::signed_bytes`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgreementSignature {
    /// PEM chain, the institution's signing certificate first.
    pub certificate: String,
    /// ECDSA P-256/SHA-256 signature in ASN.1 DER, base64.
    pub value: String,
}

/// Two institutions, one service, signed by both before any path exists (G12).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Agreement {
    /// Its number.
    pub id: AgreementId,
    /// The institution whose people use the service.
    pub consumer: InstitutionId,
    /// The institution that offers it.
    pub provider: InstitutionId,
    /// The service.
    pub service: ServiceId,
    /// First instant it holds.
    pub valid_from: Timestamp,
    /// First instant it no longer holds.
    pub valid_until: Timestamp,
    /// What was signed so far.
    pub signatures: BTreeMap<Side, AgreementSignature>,
}

impl Agreement {
    /// The institution on a side.
    pub fn party(&self, side: Side) -> &InstitutionId {
        match side {
            Side::Consumer => &self.consumer,
            Side::Provider => &self.provider,
        }
    }

    /// The bytes both institutions sign: a header that names purpose and version, then one `key=value` line a field in
    /// fixed order, LF ended. Ids cannot contain `=` or LF, so no two agreements share these bytes.
    pub fn signed_bytes(&self) -> Vec<u8> {
        format!(
            "sekisho agreement 1\nid={}\nconsumer={}\nprovider={}\nservice={}\nfrom={}\nuntil={}\n",
            self.id, self.consumer, self.provider, self.service, self.valid_from.0, self.valid_until.0
        )
        .into_bytes()
    }
}
