//! One certification authority: its certificate, its key, and what it signs.

use std::fs;
use std::path::Path;

use audit::Digest;
use files::{Defect, Fault};
use issuance::{EndEntity, RevocationList, Revoked, Subject, sealed};
use keys::{Key, KeyFault, pem};
use model::Timestamp;
use pki::{AnchorError, AnchorSet, Certificate, CertificationRequest, TrustAnchor};
use registry::CertificateRow;
use texts::{Arg, Words};

use crate::code::random;
use crate::{DAY, Identity, KeyPlace, Kind, Refused, Settings};

/// How long an authority's own certificate counts.
const YEARS: i64 = 20;
/// Clocks differ: what is issued now counts since a little before.
const BEFORE: i64 = 300;

/// An authority for one kind of certificates.
pub struct Authority {
    kind: Kind,
    certificate: Certificate,
    signer: Key,
    anchors: AnchorSet,
    crl_uri: Option<String>,
}

impl Authority {
    pub(crate) fn open(settings: &Settings, kind: Kind, now: Timestamp) -> Result<Self, Refused> {
        let place = settings.keys.get(&kind).cloned();
        let place = place.unwrap_or_else(|| KeyPlace::File(settings.dir.join(format!("{kind}-ca.key.pem"))));
        let signer = Key::open_or_make(&place).map_err(|fault| at(&place, fault))?;
        let path = settings.dir.join(format!("{kind}-ca.pem"));
        if !path.exists() {
            let der = self_signed(settings, kind, &signer, now)?;
            let text = pem("CERTIFICATE", &der);
            keys::create(&path, &text)?;
            if let Some(key) = signer.token() {
                let certificate =
                    Certificate::parse(&der).map_err(|e| Fault::of(&path, Defect::from(AnchorError::from(e))))?;
                key.put_certificate(&der, certificate.subject().der()).map_err(keys::KeyFault::from)?;
            }
        }
        let of = |defect: Defect| Fault::of(&path, defect);
        let der = files::certificates(&path)?.swap_remove(0);
        let certificate = Certificate::parse(&der).map_err(|e| of(AnchorError::from(e).into()))?;
        if certificate.spki_der() != signer.spki() {
            return Err(Fault::at(
                format!("{place:?}"),
                Defect::NotThePair { certificate: path.display().to_string() },
            )
            .into());
        }
        let mut anchors = AnchorSet::new();
        anchors.add(TrustAnchor::new(&der, kind.purpose()).map_err(|e| of(e.into()))?);
        let authority = Self {
            kind,
            certificate,
            signer,
            anchors,
            crl_uri: settings.crl_base.as_ref().map(|base| format!("{base}{kind}.crl")),
        };
        if let Some(trust) = &settings.trust {
            authority.publish(trust, "pem", pem("CERTIFICATE", &der).as_bytes())?;
        }
        Ok(authority)
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", self.certificate.der())
    }

    /// What trusts this authority and no other.
    pub(crate) fn anchors(&self) -> &AnchorSet {
        &self.anchors
    }

    /// Certifies the key of a request; the names come from the identity, never from the request.
    pub(crate) fn certify(
        &self,
        now: Timestamp,
        identity: &Identity,
        organization: &str,
        dns_names: &[String],
        request: &CertificationRequest,
    ) -> Result<CertificateRow, Refused> {
        let mut serial = random::<20>()?;
        // RFC 5280 §4.1.2.2: positive and at most 20 octets; the second bit keeps it at 20 always.
        serial[0] = (serial[0] & 0x7f) | 0x40;
        let begin = now.unix_seconds();
        let end = (begin + self.kind.days() * DAY).min(self.certificate.not_after());
        let subject = Subject { organization: organization.to_owned(), common_name: identity.name().to_owned() };
        let to_be_signed = EndEntity {
            serial: &serial,
            issuer: self.certificate.subject().der(),
            issuer_key: self.certificate.subject_key_id(),
            subject: &subject,
            validity: (begin - BEFORE, end),
            spki: request.spki_der(),
            uris: &[identity.uri()],
            dns_names,
            purposes: self.kind.purposes(),
            crl_uri: self.crl_uri.as_deref(),
        }
        .to_be_signed();
        let der = sealed(&to_be_signed, &signed(&self.signer, &to_be_signed)?);
        Ok(CertificateRow {
            authority: self.kind.as_str().to_owned(),
            serial: hex::encode(serial),
            identity: identity.uri(),
            organization: organization.to_owned(),
            key: Digest::of(request.spki_der()),
            der,
            issued_at: now,
            not_after: Timestamp::from_unix_seconds(end),
            revoked: None,
        })
    }

    /// Signs a revocation list.
    pub(crate) fn list(&self, number: u64, begin: i64, end: i64, revoked: &[Revoked]) -> Result<Vec<u8>, Refused> {
        let to_be_signed = RevocationList {
            issuer: self.certificate.subject().der(),
            issuer_key: self.certificate.subject_key_id(),
            this_update: begin,
            next_update: end,
            number,
            revoked,
        }
        .to_be_signed();
        Ok(sealed(&to_be_signed, &signed(&self.signer, &to_be_signed)?))
    }

    /// Puts a file of this authority into the trust folder, if it is not there already.
    pub(crate) fn publish(&self, trust: &Path, extension: &str, contents: &[u8]) -> Result<(), Refused> {
        let folder = trust.join(self.kind.as_str());
        let path = folder.join(format!("issued-here.{extension}"));
        if fs::read(&path).is_ok_and(|found| found == contents) {
            return Ok(());
        }
        let put = || {
            fs::create_dir_all(&folder)?;
            // A name that nobody who looks for trust reads; then the whole file at once.
            let unfinished = folder.join("issued-here.unfinished");
            fs::write(&unfinished, contents)?;
            fs::rename(&unfinished, &path)
        };
        put().map_err(|e: std::io::Error| Fault::io(&path, &e).into())
    }
}

/// A fault of a key in a file names the file; one of a key on a token is told with the token.
fn at(place: &KeyPlace, fault: KeyFault) -> Refused {
    let KeyPlace::Token { token, label, .. } = place else { return fault.into() };
    let (why, mend) = (fault.words().what_arg(), fault.words().mend_arg());
    let token = Arg::text(token.as_deref().unwrap_or("-"));
    let args = [("label", Arg::text(label)), ("token", token), ("why", why), ("mend", mend)];
    Refused::Authority(Box::new(Words::new("issuing-token", args)))
}

fn self_signed(settings: &Settings, kind: Kind, signer: &Key, now: Timestamp) -> Result<Vec<u8>, Refused> {
    let mut serial = random::<20>()?;
    serial[0] = (serial[0] & 0x7f) | 0x40;
    let begin = now.unix_seconds();
    // Two authorities of one operator never share a name: chains are found by names.
    let tail = hex::encode(&serial[1..4]);
    let name =
        Subject { organization: settings.organization.clone(), common_name: format!("Sekisho {kind} CA {tail}") };
    let spki = signer.spki();
    let to_be_signed = issuance::Authority {
        serial: &serial,
        name: &name,
        validity: (begin - BEFORE, begin + YEARS * 365 * DAY),
        spki: &spki,
    }
    .to_be_signed();
    Ok(sealed(&to_be_signed, &signed(signer, &to_be_signed)?))
}

fn signed(signer: &Key, message: &[u8]) -> Result<Vec<u8>, Refused> {
    Ok(signer.sign(message)?)
}
