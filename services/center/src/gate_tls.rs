//! Client certificates in TLS. HPKI-style critical extensions are no matter here: gates and devices have our own
//! profile; rustls proves the key, `core/pki` the certificate.

use connections::Center;
use pki::Refusal;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, OtherError};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// A gate that was turned away.
pub(crate) struct TurnedAway {
    pub chain: Vec<Vec<u8>>,
    pub refusals: Vec<Refusal>,
}

/// Admits gates by `core/pki`, with the revocation lists of this moment. Who is turned away is told to `turned_away`; full
/// means a flood, and the first ones tell enough.
pub(crate) fn gates_only(
    center: Center,
    provider: Arc<CryptoProvider>,
    turned_away: Sender<TurnedAway>,
) -> Arc<dyn ClientCertVerifier> {
    let judge = move |end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>], _: UnixTime| {
        let chain = owned(end_entity, intermediates);
        let Err(refusals) = gate_site(&center, &chain) else { return Ok(()) };
        let codes: Vec<&str> = refusals.iter().map(Refusal::code).collect();
        let error = match refusals.first() {
            Some(Refusal::Revoked { .. }) => CertificateError::Revoked,
            Some(Refusal::Expired { .. }) => CertificateError::Expired,
            _ => CertificateError::Other(OtherError(Arc::new(Why(codes.join(" "))))),
        };
        let _ = turned_away.try_send(TurnedAway { chain, refusals });
        Err(error.into())
    };
    Arc::new(link::ClientCertificates::judged_by(provider, judge))
}

/// Asks terminals and operators for a certificate; whether it is a good one is judged with every call.
pub(crate) fn anybody(provider: Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier> {
    Arc::new(link::ClientCertificates::judged_by(provider, link::judged_later))
}

/// The site a gate's chain names, if it is good now.
pub(crate) fn gate_site(center: &Center, chain: &[Vec<u8>]) -> Result<model::SiteId, Vec<Refusal>> {
    let trust = center.trust();
    let slices: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let gate = pki::verify_gate(&slices, &trust.anchors, trust.revocation(), center.now().unix_seconds())?;
    gate.site().parse().map_err(|_| {
        vec![Refusal::IdentityWrong { expected: "urn:sekisho:gate:<site>", found: gate.certificate().uri().to_owned() }]
    })
}

pub(crate) fn owned(end_entity: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Vec<Vec<u8>> {
    std::iter::once(end_entity).chain(rest).map(|c| c.as_ref().to_vec()).collect()
}

#[derive(Debug)]
struct Why(String);
impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Why {}
