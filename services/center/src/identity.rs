//! The center's certificate and key.

use files::{Defect, Fault};
use pki::AnchorError;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use std::sync::Arc;

use crate::config::Certificates;

/// Chain and key, read once.
pub(crate) struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// # Errors
    /// [`Fault`] for files that are not PEM, or do not fit each other.
    pub fn load(named: &Certificates) -> Result<Self, Fault> {
        let (chain, key) = (files::certificates(&named.chain)?, files::private_key(&named.key)?);
        let leaf = chain.first().map(AsRef::as_ref).unwrap_or_default();
        pki::Certificate::parse(leaf).map_err(|e| Fault::of(&named.chain, Defect::from(AnchorError::from(e))))?;
        let identity = Self { chain, key };
        let provider = rustls::crypto::ring::default_provider();
        let fits = provider.key_provider.load_private_key(identity.key.clone_key());
        let fits = fits.map(|key| rustls::sign::CertifiedKey::new(identity.chain.clone(), key).keys_match());
        match fits {
            Ok(Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown))) => Ok(identity),
            Ok(Err(rustls::Error::InconsistentKeys(_))) => {
                let certificate = named.chain.display().to_string();
                Err(Fault::of(&named.key, Defect::NotThePair { certificate }))
            }
            Ok(Err(e)) | Err(e) => Err(Fault::of(&named.key, Defect::UnusableKey { said: e.to_string() })),
        }
    }

    /// TLS 1.3 only, client certificate judged by `verifier`, no resumption: every session shows its certificate.
    pub fn server(
        &self,
        verifier: Arc<dyn ClientCertVerifier>,
        alpn: &[&[u8]],
    ) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.send_tls13_tickets = 0;
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// The center's own certificate, DER.
    pub fn leaf(&self) -> &[u8] {
        self.chain.first().map(AsRef::as_ref).unwrap_or_default()
    }

    /// TLS where a client certificate is asked for and judged behind.
    pub fn entrance(&self) -> Result<rustls::ServerConfig, rustls::Error> {
        entrance::tls(self.chain.clone(), self.key.clone_key())
    }

    /// For browsers that show no certificate: TLS 1.3, and 1.2 for those that know no better.
    pub fn browsers(&self) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The consoles of terminals, under this certificate.
    pub fn console(&self, center: connections::Center, ports: portal::Ports) -> Result<portal::Console, rustls::Error> {
        portal::Console::new(center, self.chain.clone(), self.key.clone_key(), ports)
    }
}
