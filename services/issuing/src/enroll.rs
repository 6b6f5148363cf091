//! A certificate is asked for: with a code, or with the present certificate.

use std::net::IpAddr;

use audit::{Digest, Event};
use model::Timestamp;
use pki::{Certificate, CertificationRequest, CrlStore, PublicKey, Refusal};
use registry::{CertificateRow, Commit, Enrolment, IssuingChange, RegistryError};

use crate::code::digest;
use crate::revoke::KEY_COMPROMISE;
use crate::{Asked, Identity, Issuing, Kind, Refused, Vouched};

/// How often a question that met another change is answered anew.
const TRIES: u32 = 8;

/// A certificate and the authority's behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Who it is for.
    pub identity: Identity,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// End of its validity.
    pub not_after: Timestamp,
    /// DER: the certificate, then the authority's.
    pub chain: Vec<Vec<u8>>,
}

/// What a question for a certificate comes with.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The request, DER.
    pub request: &'a [u8],
    /// What binds a request to the session it came in, if that session can tell (RFC 7030 §3.5, RFC 9266).
    pub binding: Option<&'a str>,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// What was shown in TLS, the end entity first; empty if nothing was.
    pub shown: &'a [Vec<u8>],
}

impl<'a> Question<'a> {
    /// A request that came in no session.
    pub fn new(request: &'a [u8]) -> Self {
        Self { request, binding: None, address: None, shown: &[] }
    }
}

impl Issuing {
    /// Issues the certificate that was offered for this code to this name. The same key that asks again in time gets the
    /// same certificate again.
    ///
    /// # Errors
    /// [`Refused`]; a wrong name and a wrong code cannot be told apart.
    pub async fn enroll(
        &self,
        now: Timestamp,
        name: &str,
        code: &str,
        question: &Question<'_>,
    ) -> Result<Issued, Refused> {
        let mut asked = None;
        let answer = self.with_code(now, name, code, question, &mut asked).await;
        match answer {
            Ok(issued) => Ok(issued),
            Err(refused) => Err(self.note(now, asked, question.address, refused).await),
        }
    }

    async fn with_code(
        &self,
        now: Timestamp,
        name: &str,
        code: &str,
        question: &Question<'_>,
        asked: &mut Option<String>,
    ) -> Result<Issued, Refused> {
        let code = digest(code).ok_or(Refused::WrongCode)?;
        let (offer, identity) = self.offered(name, code).await?.ok_or(Refused::WrongCode)?;
        *asked = Some(offer.identity.clone());
        if now >= offer.expires_at {
            return Err(Refused::CodeExpired { at: offer.expires_at });
        }
        let request = self.read(question, &identity)?;
        if offer.serial.is_some() {
            return self.again(&identity, offer, &request).await;
        }
        self.refuse_leaked(&identity, &request).await?;
        let mut tries = TRIES;
        loop {
            let asked = Asked { now, identity: &identity, shown: question.shown, renews: None };
            let vouched = self.vouched(asked).await?;
            let authority = self.authority(identity.kind());
            let row = authority.certify(now, &identity, &offer.organization, &offer.dns_names, &request)?;
            match self.commit(now, &row, Some(code), None, vouched).await {
                Ok(()) => return Ok(self.issued(identity, row)),
                Err(error @ RegistryError::Stale { .. }) => match self.offered(name, code).await? {
                    // What was vouched for changed meanwhile; the code is still good.
                    Some((offer, _)) if offer.used_at.is_none() && tries > 0 => tries -= 1,
                    Some((offer, _)) if offer.used_at.is_none() => return Err(error.into()),
                    // The same question twice at once: one of them won.
                    Some((offer, identity)) => return self.again(&identity, offer, &request).await,
                    None => return Err(Refused::WrongCode),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The consent of who has to give it.
    async fn vouched(&self, asked: Asked<'_>) -> Result<Vouched, Refused> {
        let now = asked.now;
        match self.inner.voucher.get() {
            Some(voucher) => voucher.vouch(asked).await,
            None => Ok(Box::new(move |_| Commit::at(now))),
        }
    }

    /// Issues a certificate to the holder of one that is still good: the same names, a new key or the same.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn renew(&self, now: Timestamp, present: &[Vec<u8>], question: &Question<'_>) -> Result<Issued, Refused> {
        let mut asked = None;
        match self.with_present(now, present, question, &mut asked).await {
            Ok(issued) => Ok(issued),
            Err(refused) => Err(self.note(now, asked, question.address, refused).await),
        }
    }

    async fn with_present(
        &self,
        now: Timestamp,
        present: &[Vec<u8>],
        question: &Question<'_>,
        asked: &mut Option<String>,
    ) -> Result<Issued, Refused> {
        let leaf = present.first().ok_or(Refused::CertificateMissing)?;
        let leaf = Certificate::parse(leaf).map_err(|_| Refused::CertificateForeign)?;
        let identity = leaf.uris().iter().find_map(|uri| Identity::from_uri(uri)).ok_or(Refused::CertificateForeign)?;
        *asked = Some(identity.uri());
        self.judge(now, &identity, present).await?;
        let serial = leaf.serial_hex();
        let row = self.inner.registry.certificate(identity.kind().as_str(), &serial).await?;
        let row = row.filter(|row| row.der == leaf.der()).ok_or(Refused::CertificateForeign)?;
        if let Some((at, _)) = row.revoked {
            return Err(Refused::CertificateRevoked { at });
        }
        let request = self.read(question, &identity)?;
        self.refuse_leaked(&identity, &request).await?;
        let authority = self.authority(identity.kind());
        let mut tries = TRIES;
        loop {
            let asked = Asked { now, identity: &identity, shown: question.shown, renews: Some(&serial) };
            let vouched = self.vouched(asked).await?;
            let fresh = authority.certify(now, &identity, &row.organization, leaf.dns_names(), &request)?;
            match self.commit(now, &fresh, None, Some(serial.clone()), vouched).await {
                Ok(()) => return Ok(self.issued(identity, fresh)),
                Err(RegistryError::Stale { .. }) if tries > 0 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The present certificate by `pki`, with the newest list of its authority.
    async fn judge(&self, now: Timestamp, identity: &Identity, present: &[Vec<u8>]) -> Result<(), Refused> {
        let authority = self.authority(identity.kind());
        let mut crls = CrlStore::new();
        if let Some(list) = self.inner.registry.revocation_list(identity.kind().as_str()).await? {
            crls.add(&list.der, authority.anchors()).map_err(Refused::inner)?;
        }
        let chain: Vec<&[u8]> = present.iter().map(Vec::as_slice).collect();
        let (anchors, now) = (authority.anchors(), now.unix_seconds());
        let verdict = match identity.kind() {
            Kind::Service => pki::verify_user(&chain, anchors, &crls, now).map(|_| ()),
            Kind::Gate => pki::verify_gate(&chain, anchors, &crls, now).map(|_| ()),
            Kind::Device => pki::verify_device(&chain, anchors, &crls, now).map(|_| ()),
            Kind::Switch => pki::verify_switch(&chain, anchors, &crls, now).map(|_| ()),
            Kind::Institution => pki::verify_institution(&chain, anchors, &crls, now).map(|_| ()),
            Kind::Equipment => pki::verify_equipment(&chain, anchors, &crls, now).map(|_| ()),
        };
        let Err(refusals) = verdict else { return Ok(()) };
        let at = |seconds: &i64| Timestamp::from_unix_seconds(*seconds);
        for refusal in &refusals {
            match refusal {
                Refusal::Revoked { at: revoked, .. } => {
                    return Err(Refused::CertificateRevoked { at: at(revoked) });
                }
                Refusal::Expired { not_after, .. } => return Err(Refused::CertificateExpired { at: at(not_after) }),
                _ => {}
            }
        }
        let lists = |refusal: &Refusal| {
            use Refusal::{CrlFromFuture, CrlMissing, CrlStale, CrlTooOld};
            matches!(refusal, CrlMissing { .. } | CrlStale { .. } | CrlTooOld { .. } | CrlFromFuture { .. })
        };
        if let Some(refusal) = refusals.iter().find(|refusal| lists(refusal)) {
            return Err(Refused::inner(refusal));
        }
        tracing::debug!(codes = ?refusals.iter().map(Refusal::code).collect::<Vec<_>>(), "no renewal");
        Err(Refused::CertificateForeign)
    }

    fn read(&self, question: &Question<'_>, identity: &Identity) -> Result<CertificationRequest, Refused> {
        let request = CertificationRequest::verified(question.request)?;
        if !matches!(request.public_key(), PublicKey::EcP256(_)) {
            return Err(Refused::KeyKind { found: request.public_key().to_string() });
        }
        let uri = identity.uri();
        if let Some(other) = request.uris().iter().find(|asked| asked.starts_with("urn:sekisho:") && **asked != uri) {
            return Err(Refused::OtherIdentity { asked: other.clone(), allowed: uri });
        }
        // RFC 7030 §3.5: what binds the request to another session was made for another session. A request may come
        // without, and an empty password is what tools put there when nobody types one.
        match request.challenge_password() {
            Some(said) if !said.is_empty() && Some(said) != question.binding => Err(Refused::NotBound),
            _ => Ok(request),
        }
    }

    /// A key that leaked stays leaked, whatever is asked for it.
    async fn refuse_leaked(&self, identity: &Identity, request: &CertificationRequest) -> Result<(), Refused> {
        let key = Digest::of(request.spki_der());
        let before = self.inner.registry.certificates(&identity.uri()).await?;
        let leaked = |row: &CertificateRow| row.key == key && row.revoked.is_some_and(|(_, why)| why == KEY_COMPROMISE);
        if before.iter().any(leaked) { Err(Refused::KeyLeaked) } else { Ok(()) }
    }

    async fn offered(&self, name: &str, code: Digest) -> Result<Option<(Enrolment, Identity)>, Refused> {
        let Some(offer) = self.inner.registry.enrolment(code).await? else { return Ok(None) };
        let identity = Identity::from_uri(&offer.identity).filter(|identity| identity.name() == name);
        Ok(identity.map(|identity| (offer, identity)))
    }

    async fn again(
        &self,
        identity: &Identity,
        offer: Enrolment,
        request: &CertificationRequest,
    ) -> Result<Issued, Refused> {
        let serial = offer.serial.ok_or(Refused::CodeUsed)?;
        let row = self.inner.registry.certificate(identity.kind().as_str(), &serial).await?;
        let same = row.filter(|row| row.key == Digest::of(request.spki_der()) && row.revoked.is_none());
        same.map(|row| self.issued(identity.clone(), row)).ok_or(Refused::CodeUsed)
    }

    async fn commit(
        &self,
        now: Timestamp,
        row: &CertificateRow,
        code: Option<Digest>,
        renews: Option<String>,
        vouched: Vouched,
    ) -> Result<(), RegistryError> {
        let event = Event::CertificateIssued {
            identity: row.identity.clone(),
            serial: row.serial.clone(),
            certificate: Digest::of(&row.der),
            not_after: row.not_after,
            renews,
        };
        let change = IssuingChange::Issue { certificate: row.clone(), code };
        let commit = Commit::at(now).issuing(change).event(event).and(vouched(&row.serial));
        self.inner.registry.commit(commit).await.map(|_| ())
    }

    fn issued(&self, identity: Identity, row: CertificateRow) -> Issued {
        let authority = self.authority(identity.kind()).certificate().der().to_vec();
        Issued { identity, serial: row.serial, not_after: row.not_after, chain: vec![row.der, authority] }
    }
}
