//! A certificate may be fetched once: a code is made and shown.

use audit::{Digest, Event};
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

    /// Is this a code the authorities know, good or not?
    ///
    /// # Errors
    /// [`Refused::Registry`].
    pub async fn knows(&self, code: &str) -> Result<bool, Refused> {
        match digest(code) {
            Some(code) => Ok(self.inner.registry.enrolment(code).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Takes over a code that another room handed out and has just found good, and used up on its side. From then on it
    /// is a code like ours, so that the same key can ask again.
    ///
    /// # Errors
    /// [`Refused::WrongCode`] for a text that cannot be a code, [`Refused::Registry`].
    pub async fn take_over(&self, now: Timestamp, code: &str, offer: &Offer<'_>) -> Result<(), Refused> {
        let code = digest(code).ok_or(Refused::WrongCode)?;
        self.inner.registry.commit(committed(now, code, offer)).await?;
        Ok(())
    }

    /// The same, to be committed by the caller together with what it stands for.
    ///
    /// # Errors
    /// [`Refused::Authority`] if the machine gives no random numbers.
    pub fn offering(&self, now: Timestamp, offer: &Offer<'_>) -> Result<(Commit, Offered), Refused> {
        let code = Code::fresh()?;
        let kept = digest(code.expose()).ok_or_else(|| Refused::inner("a code that is none"))?;
        Ok((committed(now, kept, offer), Offered { code, until: offer.until }))
    }
}

fn committed(now: Timestamp, code: Digest, offer: &Offer<'_>) -> Commit {
    let row = Enrolment {
        code,
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
    Commit::at(now).issuing(IssuingChange::Offer(row)).event(event)
}
