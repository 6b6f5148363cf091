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

#[cfg(test)]
mod tests {
    use super::*;
    use authority::{Authority, CaKind, Issued};
    use pki::{Challenge, CrlStore, TrustAnchor, verify_handshake, verify_person};
    use rustls::ProtocolVersion;
    use rustls::pki_types::pem::PemObject;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    const NOW: i64 = 1_795_219_200;
    const LABEL: &[u8] = wire::api::LOGIN_EXPORTER_LABEL;

    struct World {
        authority: Authority,
        anchors: AnchorSet,
        lists: CrlStore,
        server: Server,
        _dir: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut authority = Authority::new(dir.path(), NOW).unwrap();
            let (mut anchors, mut lists) = (AnchorSet::new(), CrlStore::new());
            for (kind, purpose) in [(CaKind::HpkiRoot, Purpose::HpkiAuthentication), (CaKind::Device, Purpose::Device)]
            {
                anchors.add(TrustAnchor::new(&authority.ca_der(kind).unwrap(), purpose).unwrap());
            }
            anchors.add_intermediate(&authority.ca_der(CaKind::HpkiAuthentication).unwrap()).unwrap();
            for kind in [CaKind::HpkiRoot, CaKind::HpkiAuthentication] {
                lists.add(&authority.crl_der(kind).unwrap(), &anchors).unwrap();
            }
            let center = authority.issue_center("center", &["center.sekisho.test"], &[]).unwrap();
            let chain = center.chain_der.iter().cloned().map(CertificateDer::from).collect();
            let key = PrivateKeyDer::from_pem_slice(center.key_pem.as_bytes()).unwrap();
            Self { authority, anchors, lists, server: Server::new(chain, key).unwrap(), _dir: dir }
        }

        /// OpenSSL shows a card's certificate and signs with its key, as a browser with that card does. What the server
        /// ends the session with: version, certificates, exporter.
        fn speak(&self, config: Arc<ServerConfig>, card: Option<&Issued>, options: &[&str]) -> Option<Spoken> {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut client = Command::new("openssl");
            client.args(["s_client", "-connect", &listener.local_addr().unwrap().to_string(), "-quiet"]).args(options);
            if let Some(card) = card {
                let file = |name: &str| card.folder.join(name).display().to_string();
                client.args(["-cert", &file("cert.pem"), "-key", &file("key.pem")]);
            }
            let mut client = client
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the Debian package openssl is installed");
            // A client that will not even dial is one without a session.
            listener.set_nonblocking(true).unwrap();
            let mut stream = loop {
                match listener.accept() {
                    Ok((stream, _)) => break stream,
                    Err(_) if client.try_wait().unwrap().is_some() => return None,
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            };
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let mut tls = rustls::ServerConnection::new(config).unwrap();
            let mut agreed = true;
            while agreed && tls.is_handshaking() {
                agreed = tls.complete_io(&mut stream).is_ok();
            }
            let spoken = agreed.then(|| Spoken {
                version: tls.protocol_version().unwrap(),
                chain: tls.peer_certificates().unwrap_or_default().iter().map(|c| c.as_ref().to_vec()).collect(),
                exporter: tls.export_keying_material([0u8; 32], LABEL, None).unwrap(),
            });
            let _ = (stream.flush(), stream.shutdown(std::net::Shutdown::Write));
            let _ = (client.kill(), client.wait());
            let _ = stream.read(&mut [0; 64]);
            spoken
        }
    }

    struct Spoken {
        version: ProtocolVersion,
        chain: Vec<Vec<u8>>,
        exporter: [u8; 32],
    }

    #[test]
    fn an_old_card_proves_itself_in_a_real_handshake_of_tls_1_2_n3() {
        let mut world = World::new();
        let doctor = world.authority.issue_doctor("SATO HANAKO").unwrap();
        let other = world.authority.issue_doctor("ITO JIRO").unwrap();
        let judge = |card: &Issued| verify_person(&card.chain(), &world.anchors, &world.lists, NOW).unwrap();
        // RSASSA-PKCS1-v1_5 is all that such a card's middleware signs with.
        for (options, version, scheme) in [
            (&["-tls1_2", "-sigalgs", "RSA+SHA256:ECDSA+SHA256"][..], 0x0303, 0x0401),
            (&["-tls1_3"][..], 0x0304, 0x0804),
        ] {
            let (config, signed) = world.server.for_a_card(&world.anchors).unwrap();
            let spoken = world.speak(config, Some(&doctor), options).expect("a session");
            assert_eq!(u16::from(spoken.version), version);
            assert_eq!(spoken.chain.first(), Some(&doctor.cert_der));
            let handshake = signed.lock().unwrap().take().expect("what the card signed");
            assert_eq!(handshake.scheme, scheme);
            let bound = Challenge { nonce: [1; 32], tls_exporter: spoken.exporter, request_digest: [3; 32] };
            let present = verify_handshake(judge(&doctor), &handshake, &bound).unwrap();
            assert_eq!(present.person().name(), "SATO HANAKO");
            assert!(verify_handshake(judge(&other), &handshake, &bound).is_err(), "another person's card");
            let mut cut = handshake.clone();
            cut.message.pop();
            assert!(verify_handshake(judge(&doctor), &cut, &bound).is_err(), "another transcript");
        }
    }

    #[test]
    fn no_card_no_session_and_terminals_speak_tls_1_3_only() {
        let mut world = World::new();
        let doctor = world.authority.issue_doctor("SATO HANAKO").unwrap();
        let device = world.authority.issue_device("clinic", "exam-1").unwrap();
        let (config, signed) = world.server.for_a_card(&world.anchors).unwrap();
        assert!(world.speak(Arc::clone(&config), None, &["-tls1_2"]).is_none(), "nothing shown");
        assert!(signed.lock().unwrap().is_none());
        assert!(world.speak(Arc::clone(&config), Some(&doctor), &["-tls1_1"]).is_none(), "too old");
        // SHA-1 is no signature.
        assert!(world.speak(config, Some(&doctor), &["-tls1_2", "-sigalgs", "RSA+SHA1:ECDSA+SHA256"]).is_none());
        let terminals = world.server.for_devices(&world.anchors).unwrap();
        assert!(world.speak(Arc::clone(&terminals), Some(&device), &["-tls1_2"]).is_none());
        let spoken = world.speak(terminals, Some(&device), &["-tls1_3"]).expect("a session");
        assert_eq!(spoken.chain.first(), Some(&device.cert_der));
    }
}
