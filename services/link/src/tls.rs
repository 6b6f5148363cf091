//! Client certificates in TLS, as all our listeners want them: a client shows one and proves by its signature that it
//! holds the key (RFC 8446 §4.4.3). Whether the certificate is any good the caller judges, in the handshake or after it;
//! rustls would refuse what our profiles demand.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;

/// Wants a certificate of every client. `J` judges chain and moment while the handshake goes on.
pub struct ClientCertificates<J> {
    provider: Arc<CryptoProvider>,
    judge: J,
    hints: Vec<DistinguishedName>,
    also_tls12: bool,
}

impl<J> ClientCertificates<J>
where
    J: Fn(&CertificateDer<'_>, &[CertificateDer<'_>], UnixTime) -> Result<(), Error> + Send + Sync,
{
    /// TLS 1.3 only; a chain that `judge` refuses ends the handshake.
    pub fn judged_by(provider: Arc<CryptoProvider>, judge: J) -> Self {
        Self { provider, judge, hints: Vec::new(), also_tls12: false }
    }

    /// Names of authorities for the client to choose by.
    pub fn naming(mut self, hints: Vec<DistinguishedName>) -> Self {
        self.hints = hints;
        self
    }

    /// TLS 1.2 as well, where the configuration offers it.
    pub fn also_tls12(mut self) -> Self {
        self.also_tls12 = true;
        self
    }
}

/// The certificate is judged after the handshake, so that a person learns the reason instead of a TLS alert.
pub fn judged_later(_: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<(), Error> {
    Ok(())
}

impl<J> std::fmt::Debug for ClientCertificates<J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientCertificates")
    }
}

impl<J> ClientCertVerifier for ClientCertificates<J>
where
    J: Fn(&CertificateDer<'_>, &[CertificateDer<'_>], UnixTime) -> Result<(), Error> + Send + Sync,
{
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        (self.judge)(end_entity, intermediates, now).map(|()| ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if !self.also_tls12 {
            return Err(Error::General("TLS 1.3 only".into()));
        }
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
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
