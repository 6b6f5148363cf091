//! A certificate may be fetched once: a code is made and shown.

use audit::Event;
use model::Timestamp;
use registry::{Commit, Enrolment, IssuingChange};

use crate::code::digest;
use crate::{Code, Identity, Issuing, Refused};

/// What is offered, and by whom.
#[derive(Debug, Clone)]
pub struct Offer<'a> {
    /// Who the certificate will be for.
    pub identity: &'a Identity,
    /// Name of the institution in it.
    pub organization: &'a str,
    /// DNS names in it; a gate's IKE identity.
    pub dns_names: &'a [String],
    /// Account of who offers it.
    pub operator: &'a str,
    /// Until when the code is good.
    pub until: Timestamp,
}

/// A code that was handed out. The code is here and nowhere else.
#[derive(Debug, Clone)]
pub struct Offered {
    /// What is typed.
    pub code: Code,
    /// Until when it is good.
    pub until: Timestamp,
}

impl Issuing {
    /// Makes a code with which a certificate can be fetched once. Whether the identity may have one is the caller's
    /// business. The registry keeps a digest only.
    ///
    /// # Errors
    /// [`Refused::Registry`].
    pub async fn offer(&self, now: Timestamp, offer: &Offer<'_>) -> Result<Offered, Refused> {
        let (commit, offered) = self.offering(now, offer)?;
        self.inner.registry.commit(commit).await?;
        Ok(offered)
    }

    /// The same, to be committed by the caller together with what it stands for.
    ///
    /// # Errors
    /// [`Refused::Authority`] if the machine gives no random numbers.
    pub fn offering(&self, now: Timestamp, offer: &Offer<'_>) -> Result<(Commit, Offered), Refused> {
        let code = Code::fresh()?;
        let row = Enrolment {
            code: digest(code.expose()).ok_or_else(|| Refused::Authority("a code that is none".into()))?,
            identity: offer.identity.uri(),
            organization: offer.organization.to_owned(),
            dns_names: offer.dns_names.to_vec(),
            expires_at: offer.until,
            used_at: None,
            serial: None,
        };
        let event = Event::EnrolmentOffered {
            identity: offer.identity.uri(),
            operator: offer.operator.to_owned(),
            until: offer.until,
        };
        let commit = Commit::at(now).issuing(IssuingChange::Offer(row)).event(event);
        Ok((commit, Offered { code, until: offer.until }))
    }
}
