//! A certificate ends before its time.

use audit::Event;
use model::Timestamp;
use registry::{Commit, IssuingChange, RegistryError};

use crate::{Identity, Issuing, Kind, Refused};

pub(crate) const KEY_COMPROMISE: u8 = 1;
/// How often a list that was overtaken by another is made again.
const TRIES: usize = 8;

/// Why (RFC 5280 §5.3.1), as far as a person has to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The key leaked or may have leaked; it is never certified again.
    KeyCompromise,
    /// The holder works elsewhere now.
    AffiliationChanged,
    /// A new one took its place.
    Superseded,
    /// It is not used any more.
    CessationOfOperation,
    /// The holder may not have it any more.
    PrivilegeWithdrawn,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::KeyCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
    ];

    /// CRLReason.
    pub fn number(self) -> u8 {
        match self {
            Self::KeyCompromise => KEY_COMPROMISE,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::PrivilegeWithdrawn => 9,
        }
    }

    /// The name in RFC 5280; `revocation-<name>` is the key of its text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KeyCompromise => "keyCompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
        }
    }
}

impl Issuing {
    /// Revokes a certificate: from then on it is on the list, which is committed with it.
    ///
    /// # Errors
    /// [`Refused::UnknownCertificate`], [`Refused::CertificateRevoked`] if it is already.
    pub async fn revoke(
        &self,
        now: Timestamp,
        kind: Kind,
        serial: &str,
        reason: Reason,
        operator: &str,
    ) -> Result<(), Refused> {
        let _one_after_the_other = self.inner.listing.lock().await;
        for _ in 0..TRIES {
            let row = self.inner.registry.certificate(kind.as_str(), serial).await?;
            let row = row.ok_or_else(|| Refused::UnknownCertificate { serial: serial.to_owned() })?;
            if let Some((at, _)) = row.revoked {
                return Err(Refused::CertificateRevoked { at });
            }
            let event = Event::CertificateRevoked {
                identity: row.identity,
                serial: serial.to_owned(),
                reason: reason.as_str().to_owned(),
                operator: operator.to_owned(),
            };
            let change = IssuingChange::Revoke {
                authority: kind.as_str().to_owned(),
                serial: serial.to_owned(),
                reason: reason.number(),
            };
            let commit = Commit::at(now).issuing(change).event(event);
            let also = (row.not_after >= now).then(|| (serial.to_owned(), now, reason.number()));
            match self.list_with(now, kind, also, commit).await {
                Ok(()) => return Ok(()),
                Err(Refused::Registry(RegistryError::Stale { .. })) => {}
                Err(refused) => return Err(refused),
            }
        }
        Err(Refused::Registry(RegistryError::Stale { what: "others issue lists all the time".into() }))
    }

    /// Revokes everything an identity holds that still counts; the number of certificates it ended.
    ///
    /// # Errors
    /// [`Refused::Registry`], [`Refused::Authority`].
    pub async fn revoke_all(
        &self,
        now: Timestamp,
        identity: &Identity,
        reason: Reason,
        operator: &str,
    ) -> Result<usize, Refused> {
        let mut ended = 0;
        for row in self.certificates(identity).await? {
            if row.revoked.is_none() && row.not_after >= now {
                match self.revoke(now, identity.kind(), &row.serial, reason, operator).await {
                    Ok(()) => ended += 1,
                    Err(Refused::CertificateRevoked { .. }) => {}
                    Err(refused) => return Err(refused),
                }
            }
        }
        Ok(ended)
    }
}
