//! Client certificates in TLS. HPKI-style critical extensions are no matter here: gates and devices have our own
//! profile; rustls proves the key, `core/pki` the certificate.

use connections::Center;
use pki::Refusal;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// A gate that was turned away.
pub(crate) struct TurnedAway {
    pub chain: Vec<Vec<u8>>,
    pub refusals: Vec<Refusal>,
}

/// Admits gates by `core/pki`, with the revocation lists of this moment.
pub(crate) struct GatesOnly {
    pub center: Center,
    pub provider: Arc<CryptoProvider>,
    /// Full means a flood; the first ones tell enough.
    pub turned_away: Sender<TurnedAway>,
}

/// Asks terminals for a certificate and proves that they hold its key. Whether it is a good one is judged with every
/// call, so that a person learns the reason instead of a TLS alert.
pub(crate) struct AnyTerminal {
    pub provider: Arc<CryptoProvider>,
}

impl std::fmt::Debug for GatesOnly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatesOnly")
    }
}
impl std::fmt::Debug for AnyTerminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnyTerminal")
    }
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

impl ClientCertVerifier for GatesOnly {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain = owned(end_entity, intermediates);
        match gate_site(&self.center, &chain) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(refusals) => {
                let codes: Vec<&str> = refusals.iter().map(Refusal::code).collect();
                let error = match refusals.first() {
                    Some(Refusal::Revoked { .. }) => CertificateError::Revoked,
                    Some(Refusal::Expired { .. }) => CertificateError::Expired,
                    _ => CertificateError::Other(OtherError(Arc::new(Why(codes.join(" "))))),
                };
                let _ = self.turned_away.try_send(TurnedAway { chain, refusals });
                Err(error.into())
            }
        }
    }
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for AnyTerminal {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
