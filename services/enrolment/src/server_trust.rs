//! How the center is known.

use std::path::PathBuf;
use std::sync::Arc;

use files::{Defect, Fault, Wanted};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::Failure;

/// By whose word the center is believed to be the center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerTrust {
    /// CA certificates in a PEM file; the server's names are checked.
    File(PathBuf),
    /// SHA-256 of the server's SubjectPublicKeyInfo, as it came with the code. For the first time only.
    Key([u8; 32]),
}

impl ServerTrust {
    pub(crate) fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, Failure> {
        let path = match self {
            Self::Key(digest) => {
                return Ok(Arc::new(Pinned { digest: *digest, provider: Arc::clone(provider) }));
            }
            Self::File(path) => path,
        };
        let failed = |said: String| {
            Failure::File(Fault::of(path, Defect::Unreadable { wanted: Wanted::Certificate.into(), said }))
        };
        let mut roots = RootCertStore::empty();
        for certificate in files::certificates(path)? {
            roots.add(certificate).map_err(|e| failed(e.to_string()))?;
        }
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        verifier.build().map(|verifier| verifier as Arc<dyn ServerCertVerifier>).map_err(|e| failed(e.to_string()))
    }
}

#[derive(Debug)]
struct Pinned {
    digest: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = pki::Certificate::parse(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let found = ring::digest::digest(&ring::digest::SHA256, certificate.spki_der());
        if found.as_ref() == self.digest {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
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
