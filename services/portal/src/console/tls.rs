//! TLS of the two entrances: the console asks for the terminal's certificate, the sign-in for the person's card.
//!
//! Here a client only proves that it holds the key; whether the certificate is any good is judged by the use case, so
//! that a person reads the reason instead of a browser's error page. Names of the accepted authorities are sent along:
//! a browser then offers only what fits.

use link::{ClientCertificates, judged_later};
use pki::{AnchorSet, ClientHandshake, Purpose, TlsVersion};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};
use std::sync::{Arc, Mutex};

/// The server's own side.
pub(super) struct Server {
    provider: Arc<CryptoProvider>,
    key: Arc<SingleCertAndKey>,
}

impl Server {
    /// From the center's chain and key.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = provider.key_provider.load_private_key(key)?;
        Ok(Self { provider, key: Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))) })
    }

    /// For terminals: TLS 1.3 with the device certificate.
    pub fn for_devices(&self, anchors: &AnchorSet) -> Result<Arc<ServerConfig>, Error> {
        let verifier = ClientCertificates::judged_by(Arc::clone(&self.provider), judged_later);
        let verifier = verifier.naming(hints(anchors, Purpose::Device));
        self.config(&[&rustls::version::TLS13], Arc::new(verifier))
    }

    /// For one connection of a card: TLS 1.3, or 1.2 for cards that know only RSASSA-PKCS1-v1_5. What the card signed
    /// is found in the second value afterwards.
    pub fn for_a_card(&self, anchors: &AnchorSet) -> Result<(Arc<ServerConfig>, Signed), Error> {
        let signed = Signed::default();
        let verifier = Cards { hints: hints(anchors, Purpose::HpkiAuthentication), signed: Arc::clone(&signed) };
        Ok((self.config(&[&rustls::version::TLS13, &rustls::version::TLS12], Arc::new(verifier))?, signed))
    }

    fn config(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> Result<Arc<ServerConfig>, Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::clone(&self.key) as Arc<dyn rustls::server::ResolvesServerCert>);
        // No resumption: every session shows its certificate anew.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        // RFC 7627: without it the exporter of TLS 1.2 would not be bound to the session.
        config.require_ems = true;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// What the card of a connection signed, once its handshake is over.
pub(super) type Signed = Arc<Mutex<Option<ClientHandshake>>>;

fn hints(anchors: &AnchorSet, purpose: Purpose) -> Vec<DistinguishedName> {
    let roots = anchors.anchors().iter().filter(|a| a.purpose() == purpose).map(|a| a.certificate());
    let below = anchors.intermediates().iter().filter(|_| purpose == Purpose::HpkiAuthentication);
    roots.chain(below).map(|c| DistinguishedName::from(c.subject().der().to_vec())).collect()
}

struct Cards {
    hints: Vec<DistinguishedName>,
    signed: Signed,
}

impl std::fmt::Debug for Cards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cards")
    }
}

impl Cards {
    /// HPKI certificates carry critical policies, which rustls refuses to parse; `core/pki` reads them.
    fn signed_by(
        &self,
        version: TlsVersion,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let handshake = ClientHandshake {
            version,
            message: message.to_vec(),
            scheme: u16::from(dss.scheme),
            signature: dss.signature().to_vec(),
        };
        let holds = pki::Certificate::parse(cert).is_ok_and(|c| handshake.is_by(c.public_key()).is_ok());
        if !holds {
            return Err(Error::InvalidCertificate(rustls::CertificateError::BadSignature));
        }
        *self.signed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(handshake);
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ClientCertVerifier for Cards {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed_by(TlsVersion::Tls12, message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed_by(TlsVersion::Tls13, message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        use SignatureScheme::{
            RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
        };
        vec![RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512]
    }
}
