//! Certificates: the gate's own, and whom it believes. Verdicts are `core/pki`'s; rustls only carries them.

use pki::{
    AnchorError, AnchorSet, CrlStore, Purpose, Refusal, TrustAnchor, VerifiedCenter, VerifiedGate, VerifiedSwitch,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use texts::Words;

use crate::config::{Certificates, Config, Console};
use crate::element::{Element, Patient};
use crate::fault;
use files::{Defect, Fault, Wanted};
use keys::{Key, KeyFault};

/// Why the gate's certificates cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file is missing or is not what it should be.
    #[error(transparent)]
    File(#[from] Fault),
    /// The gate's own certificate would be refused by every peer.
    #[error("{}", self.words())]
    NotAGate {
        /// The file.
        path: PathBuf,
        /// The site configured.
        site: String,
        /// Every reason.
        refusals: Vec<Refusal>,
    },
    /// The secure element cannot be used.
    #[error("{}", self.words())]
    Element {
        /// Its PKCS#11 module.
        module: PathBuf,
        /// The token's label.
        token: String,
        /// Why, and the mend.
        fault: KeyFault,
    },
    /// The TLS library refused.
    #[error("{}", self.words())]
    Tls(#[from] Error),
}

impl TrustError {
    /// The words of it.
    pub fn words(&self) -> Words {
        match self {
            Self::File(fault) => fault.words().clone(),
            Self::NotAGate { path, site, refusals } => {
                let not = fault::Fault::NotAGate { site: site.clone(), why: fault::of_certificate(refusals) };
                Fault::of(path, not).into()
            }
            Self::Element { module, token, fault } => {
                let (why, mend) = (fault.words().what_arg(), fault.words().mend_arg());
                let module = module.display().to_string();
                fault::Fault::Element { module, token: token.clone(), why, mend }.words()
            }
            Self::Tls(error) => Fault::at("[certificates]", fault::Fault::Tls { said: error.to_string() }).into(),
        }
    }
}

/// What a peer showed, judged.
#[derive(Debug)]
struct Refused(String);
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for Refused {}

/// Anchors and lists, read from disk when needed: a revocation takes effect at the next handshake.
#[derive(Debug, Clone)]
pub struct Trust {
    files: Certificates,
    /// What signs, if the gate's key is in a secure element; one in a file is read at every handshake.
    element: Option<Key>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// Checks every configured file once, and that the gate's own certificate names `site`.
    ///
    /// # Errors
    /// [`TrustError`] says which file and why.
    pub fn new(config: &Config, now: i64) -> Result<Self, TrustError> {
        let files = config.certificates.clone();
        let element = match &files.element {
            Some(element) => Some(element.open().map_err(|fault| in_element(element, fault))?),
            None => None,
        };
        let trust = Self { files, element, provider: Arc::new(rustls::crypto::ring::default_provider()) };
        let path = &trust.files.chain;
        let site = config.site.to_string();
        let refuse = |refusals| TrustError::NotAGate { path: path.clone(), site: site.clone(), refusals };
        let (anchors, crls) = trust.read()?;
        let chain = trust.chain()?;
        let chain: Vec<&[u8]> = chain.iter().map(|c| c.as_ref()).collect();
        let gate: VerifiedGate = pki::verify_gate(&chain, &anchors, &crls, now).map_err(refuse)?;
        if gate.site() != config.site.as_str() {
            return Err(wrong(path, fault::Fault::OtherSite { site, found: gate.site().to_owned() }));
        }
        if let (Some(key), Some(element)) = (&trust.element, &trust.files.element) {
            let certified =
                pki::Certificate::parse(chain[0]).map_err(|e| wrong(path, Defect::from(AnchorError::from(e))))?;
            if certified.spki_der() != key.spki() {
                return Err(wrong(path, fault::Fault::OtherKey { key: element.key.clone() }));
            }
        }
        // A key that is not there, or another certificate's, is told now and not at the first handshake.
        trust.shown()?;
        Ok(trust)
    }

    /// End of the validity of the gate's own certificate, seconds since 1970.
    pub(crate) fn not_after(&self) -> i64 {
        let chain = self.chain().unwrap_or_default();
        chain.first().and_then(|der| pki::Certificate::parse(der).ok()).map_or(0, |leaf| leaf.not_after())
    }

    /// What strongSwan needs beside revocation lists: PEM text of own certificates and CA of peers, and the key.
    pub(crate) fn for_ike(&self) -> Result<IkeCredentials, TrustError> {
        Ok(IkeCredentials {
            chain: text(&self.files.chain)?,
            key: self.ike_key()?,
            gate_ca: text(&self.files.gate_ca)?,
        })
    }

    /// The revocation lists, DER.
    pub(crate) fn lists_for_ike(&self) -> Result<Vec<Vec<u8>>, TrustError> {
        self.files.crls.iter().map(|path| Ok(crl(path)?.as_ref().to_vec())).collect()
    }

    /// When each list was written; two that differ mean that a list was replaced.
    pub(crate) fn lists_seen(&self) -> Vec<Option<std::time::SystemTime>> {
        let written = |path: &PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
        self.files.crls.iter().map(written).collect()
    }

    /// TLS of the OpenFlow listener: the switch must show a certificate.
    ///
    /// # Errors
    /// [`TrustError`] if the gate's files changed for the worse since start.
    pub fn openflow_server(&self) -> Result<rustls::ServerConfig, TrustError> {
        let trust = self.clone();
        let judge = move |end_entity: &CertificateDer<'_>, rest: &[CertificateDer<'_>], now: UnixTime| {
            let chain: Vec<CertificateDer<'_>> = std::iter::once(end_entity).chain(rest).cloned().collect();
            trust.switch(&chain, seconds(now)).map(drop).map_err(refused)
        };
        let switches = link::ClientCertificates::judged_by(Arc::clone(&self.provider), judge);
        // Open vSwitch 3.1 negotiates TLS 1.3 with OpenSSL 3; an older switch may stop at 1.2.
        Ok(rustls::ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_client_cert_verifier(Arc::new(switches.also_tls12()))
            .with_cert_resolver(self.shown()?))
    }

    /// TLS toward browsers when there is no link to the center: the console's own certificate, nobody's asked for.
    ///
    /// # Errors
    /// [`TrustError`] if the certificate or its key cannot be read, or do not belong together.
    pub(crate) fn console_server(&self, console: &Console) -> Result<rustls::ServerConfig, TrustError> {
        let (chain, key) = (certificates(&console.chain)?, private_key(&console.key)?);
        Ok(rustls::ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?)
    }

    /// TLS of the link to the center: 1.3 only, both certificates checked.
    ///
    /// # Errors
    /// [`TrustError`] as above.
    pub fn center_client(&self, name: &str) -> Result<rustls::ClientConfig, TrustError> {
        let verifier = Centers { trust: self.clone(), name: name.to_owned() };
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(self.shown()?);
        config.alpn_protocols = vec![link::ALPN.to_vec()];
        Ok(config)
    }

    /// The switch behind a finished handshake.
    pub(crate) fn switch(&self, chain: &[CertificateDer<'_>], now: i64) -> Result<VerifiedSwitch, String> {
        let (anchors, crls) = self.read().map_err(|e| e.to_string())?;
        let chain: Vec<&[u8]> = chain.iter().map(|c| c.as_ref()).collect();
        pki::verify_switch(&chain, &anchors, &crls, now).map_err(|r| reasons(&r))
    }

    fn center(&self, chain: &[&[u8]], now: i64) -> Result<VerifiedCenter, String> {
        let (anchors, crls) = self.read().map_err(|e| e.to_string())?;
        pki::verify_center(chain, &anchors, &crls, now).map_err(|r| reasons(&r))
    }

    fn read(&self) -> Result<(AnchorSet, CrlStore), TrustError> {
        let mut anchors = AnchorSet::new();
        for (path, purpose) in [
            (&self.files.center_ca, Purpose::Center),
            (&self.files.switch_ca, Purpose::Switch),
            (&self.files.gate_ca, Purpose::Gate),
        ] {
            for der in certificates(path)? {
                let anchor = TrustAnchor::new(&der, purpose).map_err(|e| wrong(path, Defect::from(e)))?;
                anchors.add(anchor);
            }
        }
        let mut crls = CrlStore::new();
        for path in &self.files.crls {
            crls.add(&crl(path)?, &anchors).map_err(|e| wrong(path, Defect::from(e)))?;
        }
        Ok((anchors, crls))
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TrustError> {
        certificates(&self.files.chain)
    }

    /// The gate's certificate with what signs for it.
    fn shown(&self) -> Result<Arc<SingleCertAndKey>, TrustError> {
        let certified = match (&self.element, &self.files.key) {
            (Some(key), _) => CertifiedKey::new(self.chain()?, Arc::new(Patient(key.clone()))),
            (None, Some(path)) => {
                let pair = CertifiedKey::from_der(self.chain()?, private_key(path)?, &self.provider);
                pair.map_err(|error| self.unfit(path, &error))?
            }
            (None, None) => return Err(TrustError::Tls(Error::General("no key is configured".into()))),
        };
        Ok(Arc::new(SingleCertAndKey::from(certified)))
    }

    fn unfit(&self, key: &Path, error: &Error) -> TrustError {
        let certificate = self.files.chain.display().to_string();
        match error {
            Error::InconsistentKeys(_) => wrong(key, Defect::NotThePair { certificate }),
            other => wrong(key, Defect::UnusableKey { said: other.to_string() }),
        }
    }

    fn ike_key(&self) -> Result<IkeKey, TrustError> {
        match (&self.element, &self.files.element, &self.files.key) {
            (Some(key), Some(element), _) => Ok(IkeKey::InElement {
                id: key.id().unwrap_or_default().iter().map(|octet| format!("{octet:02x}")).collect(),
                pin: keys::read_pin(&element.pin).map_err(|fault| in_element(element, fault))?,
            }),
            (_, _, Some(path)) => Ok(IkeKey::Pem(text(path)?)),
            _ => Err(TrustError::Tls(Error::General("no key is configured".into()))),
        }
    }
}

fn in_element(element: &Element, fault: KeyFault) -> TrustError {
    TrustError::Element { module: element.module.clone(), token: element.token.clone(), fault }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TrustError> {
    Ok(files::private_key(path)?)
}

/// What strongSwan is given over VICI.
pub(crate) struct IkeCredentials {
    pub chain: String,
    pub key: IkeKey,
    pub gate_ca: String,
}

/// The key that strongSwan signs with.
pub(crate) enum IkeKey {
    /// Handed over: PKCS#8, PEM.
    Pem(String),
    /// It stays where it is; strongSwan reaches the element itself.
    InElement {
        /// CKA_ID, hexadecimal.
        id: String,
        /// The token's PIN.
        pin: String,
    },
}

/// The public key orders are signed with.
///
/// # Errors
/// [`TrustError`] if the file holds no public key.
pub fn order_key(path: &Path) -> Result<pki::PublicKey, TrustError> {
    let der = rustls_pki_types::SubjectPublicKeyInfoDer::from_pem_slice(&files::read(path).map_err(TrustError::File)?);
    let der = der.map_err(|e| wrong(path, Defect::pem(Wanted::PublicKey, e)))?;
    let unreadable = |e: pki::Malformed| Defect::Unreadable { wanted: Wanted::PublicKey.into(), said: e.to_string() };
    pki::PublicKey::from_spki_der(&der).map_err(|e| wrong(path, unreadable(e)))
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    Ok(files::certificates(path)?)
}

pub(crate) fn crl(path: &Path) -> Result<CertificateRevocationListDer<'static>, TrustError> {
    Ok(files::list(path)?)
}

fn text(path: &Path) -> Result<String, TrustError> {
    Ok(files::text(path)?)
}

fn wrong(path: &Path, what: impl Into<Words>) -> TrustError {
    TrustError::File(Fault::of(path, what))
}

fn reasons(refusals: &[pki::Refusal]) -> String {
    refusals.iter().map(|r| format!("{r:?}")).collect::<Vec<_>>().join("; ")
}

fn refused(why: String) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Refused(why)))))
}

fn seconds(now: UnixTime) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[derive(Debug)]
struct Centers {
    trust: Trust,
    name: String,
}

impl ServerCertVerifier for Centers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<&[u8]> = std::iter::once(end_entity).chain(intermediates).map(|c| c.as_ref()).collect();
        let center = self.trust.center(&chain, seconds(now)).map_err(refused)?;
        if center.name() != self.name {
            return Err(refused(format!("this is center {}, the configuration names {}", center.name(), self.name)));
        }
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("the link speaks TLS 1.3 only".into()))
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.trust.provider.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.provider.signature_verification_algorithms.supported_schemes()
    }
}
