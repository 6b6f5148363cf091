//! The CAs, their registers on disk, and their revocation lists.
//!
//! Layout below the folder: `now`, `ca/<kind>/{key.pem,cert.pem,cert.der,serial,crl-number,revoked,crl.der,crl.pem}`,
//! `issued/<name>-<serial>/{key.pem,cert.pem,cert.der,chain.pem}`.

use crate::der::{SEQUENCE, element, tagged};
use crate::issued::Issued;
use crate::keys;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CustomExtension, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, SubjectPublicKeyInfo,
};
use std::fs;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

pub use rcgen::RevocationReason;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// The CAs. HPKI has a root and two subordinate CAs (RSA 2048); every other kind is one
/// self-signed P-256 CA that issues directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CaKind {
    /// Root of the persons' certificates.
    HpkiRoot,
    /// Issues authentication cards.
    HpkiAuthentication,
    /// Issues signature cards.
    HpkiSignature,
    /// Issues to gates.
    Gate,
    /// Issues to terminals.
    Device,
    /// Issues to switches.
    Switch,
    /// Issues to institutions.
    Institution,
    /// Issues to centers.
    Center,
    /// Issues to operators.
    Operator,
    /// Issues service certificates to people's terminals.
    Service,
    /// The registration authority of makers, elements, registration centres and VPN operators (登録認定機関).
    Registration,
    /// Issues first-tier certificates of equipment.
    Equipment,
}

impl CaKind {
    /// All of them, issuers before those they issue to.
    pub const ALL: [Self; 12] = [
        Self::HpkiRoot,
        Self::HpkiAuthentication,
        Self::HpkiSignature,
        Self::Gate,
        Self::Device,
        Self::Switch,
        Self::Institution,
        Self::Center,
        Self::Operator,
        Self::Service,
        Self::Registration,
        Self::Equipment,
    ];

    /// Name of its folder and its argument on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::HpkiRoot => "hpki-root",
            Self::HpkiAuthentication => "hpki-authentication",
            Self::HpkiSignature => "hpki-signature",
            Self::Gate => "gate",
            Self::Device => "device",
            Self::Switch => "switch",
            Self::Institution => "institution",
            Self::Center => "center",
            Self::Operator => "operator",
            Self::Service => "service",
            Self::Registration => "registration",
            Self::Equipment => "equipment",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn common_name(self) -> &'static str {
        match self {
            Self::HpkiRoot => "TEST HPKI Root CA",
            Self::HpkiAuthentication => "HPKI-01-TEST-forAuthentication-forIndividual",
            Self::HpkiSignature => "HPKI-01-TEST-forNonRepudiation",
            Self::Gate => "TEST Sekisho Gate CA",
            Self::Device => "TEST Sekisho Device CA",
            Self::Switch => "TEST Sekisho Switch CA",
            Self::Institution => "TEST Sekisho Institution CA",
            Self::Center => "TEST Sekisho Center CA",
            Self::Operator => "TEST Sekisho Operator CA",
            Self::Service => "TEST Sekisho Service CA",
            Self::Registration => "TEST Sekisho Registration Authority",
            Self::Equipment => "TEST Sekisho Equipment CA",
        }
    }

    /// The CA that certifies it; none if it certifies itself.
    pub fn parent(self) -> Option<Self> {
        match self {
            Self::HpkiAuthentication | Self::HpkiSignature => Some(Self::HpkiRoot),
            Self::HpkiRoot
            | Self::Gate
            | Self::Device
            | Self::Switch
            | Self::Institution
            | Self::Center
            | Self::Operator
            | Self::Service
            | Self::Registration
            | Self::Equipment => None,
        }
    }

    fn is_hpki(self) -> bool {
        matches!(self, Self::HpkiRoot | Self::HpkiAuthentication | Self::HpkiSignature)
    }

    fn folder(self, dir: &Path) -> PathBuf {
        dir.join("ca").join(self.name())
    }
}

/// What can go wrong while issuing.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file of the authority; `Authority::new` wants a folder without one, `open` one with it.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder already holds an authority: open it, or choose another.
    #[error("{0} already holds an authority")]
    Exists(PathBuf),
    /// A register that was changed by hand.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// The openssl command is missing or refuses.
    #[error("openssl {command}: {why}")]
    OpenSsl {
        /// Arguments.
        command: String,
        /// Its words.
        why: String,
    },
    /// rcgen refuses the parameters.
    #[error("issuing: {0}")]
    Issuing(#[from] rcgen::Error),
    /// A date outside the years certificates can state.
    #[error("time out of range: {0}")]
    Time(#[from] time::error::ComponentRange),
    /// A serial number that is not hexadecimal.
    #[error("{0:?} is not a serial number in hexadecimal")]
    Serial(String),
}

/// A signed revocation list.
#[derive(Debug, Clone)]
pub struct RevocationList {
    /// The list.
    pub der: Vec<u8>,
    /// The list.
    pub pem: String,
    /// Where it was written (`crl.pem` lies beside it).
    pub path: PathBuf,
}

/// A set of CAs in a folder.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
    now: i64,
}

/// An end entity about to be certified.
pub(crate) struct EndEntity {
    pub ca: CaKind,
    pub params: CertificateParams,
    pub key_pem: String,
    pub folder: String,
}

impl Authority {
    /// Makes all CAs in `dir`, with a fresh list each (valid 7 days). `now` in seconds since 1970
    /// is the base of every validity.
    pub fn new(dir: &Path, now: i64) -> Result<Self, AuthorityError> {
        if dir.join("now").exists() {
            return Err(AuthorityError::Exists(dir.to_owned()));
        }
        let mut authority = Self { dir: dir.to_owned(), now };
        for kind in CaKind::ALL {
            authority.make_ca(kind)?;
        }
        write(&dir.join("now"), now.to_string())?;
        authority.write_crls(now, now + 7 * DAY)?;
        Ok(authority)
    }

    /// Opens what `new` made, with its registers.
    pub fn open(dir: &Path) -> Result<Self, AuthorityError> {
        Ok(Self { dir: dir.to_owned(), now: read_number(&dir.join("now"))? })
    }

    /// DER of a CA's certificate.
    pub fn ca_der(&self, kind: CaKind) -> Result<Vec<u8>, AuthorityError> {
        let path = kind.folder(&self.dir).join("cert.der");
        fs::read(&path).map_err(|source| AuthorityError::File { path, source })
    }

    /// Path of a CA's certificate in PEM.
    pub fn ca_pem_path(&self, kind: CaKind) -> PathBuf {
        kind.folder(&self.dir).join("cert.pem")
    }

    /// DER of a CA's current revocation list.
    pub fn crl_der(&self, kind: CaKind) -> Result<Vec<u8>, AuthorityError> {
        let path = self.crl_path(kind);
        fs::read(&path).map_err(|source| AuthorityError::File { path, source })
    }

    /// Path of a CA's current revocation list in DER.
    pub fn crl_path(&self, kind: CaKind) -> PathBuf {
        kind.folder(&self.dir).join("crl.der")
    }

    /// Enters a revocation in the CA's register; the next list of that CA carries it.
    pub fn revoke(
        &mut self,
        ca: CaKind,
        serial: &str,
        at: i64,
        reason: RevocationReason,
    ) -> Result<(), AuthorityError> {
        parse_hex(serial)?;
        let path = ca.folder(&self.dir).join("revoked");
        let register = read(&path)?;
        write(&path, format!("{register}{serial} {at} {}\n", reason as u8))
    }

    /// Enters the revocation of an issued certificate, at the authority's `now`.
    pub fn revoke_issued(&mut self, issued: &Issued, reason: RevocationReason) -> Result<(), AuthorityError> {
        self.revoke(issued.ca, &issued.serial, self.now, reason)
    }

    /// Revokes a subordinate CA at its parent.
    pub fn revoke_ca(&mut self, kind: CaKind, reason: RevocationReason) -> Result<(), AuthorityError> {
        let serial = certificate_serial(&self.ca_der(kind)?, &self.ca_pem_path(kind))?;
        self.revoke(kind.parent().unwrap_or(kind), &serial, self.now, reason)
    }

    /// Signs and writes a CA's list with everything in its register. Times in the past make a
    /// stale one.
    pub fn write_crl(
        &mut self,
        kind: CaKind,
        this_update: i64,
        next_update: i64,
    ) -> Result<RevocationList, AuthorityError> {
        let folder = kind.folder(&self.dir);
        let number = self.count(&folder.join("crl-number"))?;
        let revoked_certs = self.register(kind)?;
        let params = CertificateRevocationListParams {
            this_update: OffsetDateTime::from_unix_timestamp(this_update)?,
            next_update: OffsetDateTime::from_unix_timestamp(next_update)?,
            crl_number: SerialNumber::from(number as u64),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer(kind)?)?;
        let (der, pem, path) = (list.der().to_vec(), list.pem()?, self.crl_path(kind));
        write(&path, &der)?;
        write(&folder.join("crl.pem"), &pem)?;
        Ok(RevocationList { der, pem, path })
    }

    /// Writes the lists of all CAs.
    pub fn write_crls(&mut self, this_update: i64, next_update: i64) -> Result<(), AuthorityError> {
        for kind in CaKind::ALL {
            self.write_crl(kind, this_update, next_update)?;
        }
        Ok(())
    }

    /// `now` plus seconds.
    pub(crate) fn at(&self, seconds: i64) -> Result<OffsetDateTime, AuthorityError> {
        Ok(OffsetDateTime::from_unix_timestamp(self.now + seconds)?)
    }

    pub(crate) fn issue(&mut self, entity: EndEntity) -> Result<Issued, AuthorityError> {
        let public = keys::public_pem(&entity.key_pem)?;
        self.issue_to(entity, &public)
    }

    /// Certifies a public key, whoever has the private one.
    pub(crate) fn issue_to(&mut self, entity: EndEntity, public_pem: &str) -> Result<Issued, AuthorityError> {
        let EndEntity { ca, mut params, key_pem, folder } = entity;
        let serial = self.count(&ca.folder(&self.dir).join("serial"))?;
        params.serial_number = Some(SerialNumber::from(serial as u64));
        params.custom_extensions.push(self.authority_key_id(ca)?);
        params.crl_distribution_points = crl_distribution_points(ca);
        let public_key = SubjectPublicKeyInfo::from_pem(public_pem)?;
        let certificate = params.signed_by(&public_key, &self.issuer(ca)?)?;

        let serial = certificate_serial(certificate.der(), Path::new("issued"))?;
        let (cert_pem, cert_der) = (certificate.pem(), certificate.der().to_vec());
        let mut chain_der = vec![cert_der.clone()];
        let mut chain_pem = cert_pem.clone();
        if ca.parent().is_some() {
            chain_der.push(self.ca_der(ca)?);
            chain_pem += &read(&self.ca_pem_path(ca))?;
        }
        let folder = self.dir.join("issued").join(format!("{folder}-{serial}"));
        write(&folder.join("key.pem"), &key_pem)?;
        write(&folder.join("cert.pem"), &cert_pem)?;
        write(&folder.join("cert.der"), &cert_der)?;
        write(&folder.join("chain.pem"), &chain_pem)?;
        Ok(Issued { ca, serial, key_pem, cert_pem, cert_der, chain_der, chain_pem, folder })
    }

    /// Everything a CA revoked.
    pub(crate) fn register(&self, kind: CaKind) -> Result<Vec<RevokedCertParams>, AuthorityError> {
        let register = kind.folder(&self.dir).join("revoked");
        read(&register)?.lines().map(|line| parse_revocation(line, &register)).collect()
    }

    /// The last serial number a CA gave.
    pub(crate) fn last_serial(&self, kind: CaKind) -> Result<i64, AuthorityError> {
        read_number(&kind.folder(&self.dir).join("serial"))
    }

    /// A CA's private key.
    pub(crate) fn ca_key_pem(&self, kind: CaKind) -> Result<String, AuthorityError> {
        read(&kind.folder(&self.dir).join("key.pem"))
    }

    fn make_ca(&mut self, kind: CaKind) -> Result<(), AuthorityError> {
        let key_pem = if kind.is_hpki() { keys::new_rsa(2048)? } else { keys::new_p256()? };
        let key = KeyPair::from_pem(&key_pem)?;
        let mut params = ca_params(kind)?;
        params.not_before = self.at(-2 * DAY)?;
        params.not_after = self.at(if kind.parent().is_none() { 30 } else { 20 } * 365 * DAY)?;
        let certificate: Certificate = match kind.parent() {
            None => {
                params.serial_number = Some(SerialNumber::from(1));
                params.self_signed(&key)?
            }
            Some(parent) => {
                let serial = self.count(&parent.folder(&self.dir).join("serial"))?;
                params.serial_number = Some(SerialNumber::from(serial as u64));
                params.custom_extensions.push(self.authority_key_id(parent)?);
                params.crl_distribution_points = crl_distribution_points(parent);
                params.signed_by(&key, &self.issuer(parent)?)?
            }
        };
        let folder = kind.folder(&self.dir);
        write(&folder.join("key.pem"), key_pem)?;
        write(&folder.join("cert.pem"), certificate.pem())?;
        write(&folder.join("cert.der"), certificate.der().as_ref())?;
        write(&folder.join("serial"), "349")?;
        write(&folder.join("crl-number"), "0")?;
        write(&folder.join("revoked"), "")
    }

    fn issuer(&self, kind: CaKind) -> Result<Issuer<'static, KeyPair>, AuthorityError> {
        let key = KeyPair::from_pem(&read(&kind.folder(&self.dir).join("key.pem"))?)?;
        Ok(Issuer::new(ca_params(kind)?, key))
    }

    /// keyIdentifier, authorityCertIssuer and authorityCertSerialNumber, as HPKI has all three.
    fn authority_key_id(&self, kind: CaKind) -> Result<CustomExtension, AuthorityError> {
        let der = self.ca_der(kind)?;
        let ca = read_certificate(&der, &self.ca_pem_path(kind))?;
        let key = KeyPair::from_pem(&read(&kind.folder(&self.dir).join("key.pem"))?)?;
        let key_id = element(0x80, &[&ca_params(kind)?.key_identifier(&key)]);
        let issuer = element(tagged(1), &[&element(tagged(4), &[ca.tbs_certificate.issuer.as_raw()])]);
        let serial = element(0x82, &[ca.tbs_certificate.raw_serial()]);
        Ok(CustomExtension::from_oid_content(&[2, 5, 29, 35], element(SEQUENCE, &[&key_id, &issuer, &serial])))
    }

    /// Counts a register up and returns the new number.
    fn count(&self, register: &Path) -> Result<i64, AuthorityError> {
        let number = read_number(register)? + 1;
        write(register, number.to_string())?;
        Ok(number)
    }
}

fn ca_params(kind: CaKind) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString("JP".try_into()?));
    name.push(DnType::OrganizationName, "TEST Sekisho");
    name.push(DnType::CommonName, kind.common_name());
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn crl_distribution_points(ca: CaKind) -> Vec<CrlDistributionPoint> {
    vec![CrlDistributionPoint { uris: vec![format!("http://crl.test.invalid/{}.crl", ca.name())] }]
}

fn parse_revocation(line: &str, register: &Path) -> Result<RevokedCertParams, AuthorityError> {
    let damaged = || AuthorityError::Damaged { path: register.to_owned(), what: line.to_owned() };
    let fields: Vec<&str> = line.split(' ').collect();
    let [serial, at, reason] = fields.as_slice() else { return Err(damaged()) };
    let reason = [
        RevocationReason::Unspecified,
        RevocationReason::KeyCompromise,
        RevocationReason::CaCompromise,
        RevocationReason::AffiliationChanged,
        RevocationReason::Superseded,
        RevocationReason::CessationOfOperation,
        RevocationReason::CertificateHold,
        RevocationReason::RemoveFromCrl,
        RevocationReason::PrivilegeWithdrawn,
        RevocationReason::AaCompromise,
    ]
    .into_iter()
    .find(|known| (*known as u8).to_string() == *reason)
    .ok_or_else(damaged)?;
    Ok(RevokedCertParams {
        serial_number: SerialNumber::from_slice(&parse_hex(serial)?),
        revocation_time: OffsetDateTime::from_unix_timestamp(at.parse().map_err(|_| damaged())?)?,
        // RFC 5280 §5.3.1: unspecified is said by leaving the code out.
        reason_code: Some(reason).filter(|reason| *reason != RevocationReason::Unspecified),
        invalidity_date: None,
    })
}

pub(crate) fn parse_hex(serial: &str) -> Result<Vec<u8>, AuthorityError> {
    let wrong = || AuthorityError::Serial(serial.to_owned());
    if serial.is_empty() || !serial.len().is_multiple_of(2) || !serial.is_ascii() {
        return Err(wrong());
    }
    (0..serial.len()).step_by(2).map(|at| u8::from_str_radix(&serial[at..at + 2], 16).map_err(|_| wrong())).collect()
}

fn certificate_serial(der: &[u8], path: &Path) -> Result<String, AuthorityError> {
    let certificate = read_certificate(der, path)?;
    let octets = certificate.tbs_certificate.raw_serial();
    let significant = octets.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(octets);
    Ok(significant.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// DER of the subject of a certificate.
pub(crate) fn subject_der(der: &[u8]) -> Result<Vec<u8>, AuthorityError> {
    Ok(read_certificate(der, Path::new("issued"))?.tbs_certificate.subject.as_raw().to_vec())
}

fn read_certificate<'a>(der: &'a [u8], path: &Path) -> Result<X509Certificate<'a>, AuthorityError> {
    let damaged = |e: String| AuthorityError::Damaged { path: path.to_owned(), what: e };
    X509Certificate::from_der(der).map(|(_, certificate)| certificate).map_err(|e| damaged(e.to_string()))
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(|source| AuthorityError::File { path: path.to_owned(), source })
}

fn read_number(path: &Path) -> Result<i64, AuthorityError> {
    let text = read(path)?;
    text.trim().parse().map_err(|_| AuthorityError::Damaged { path: path.to_owned(), what: text })
}

fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<(), AuthorityError> {
    let failed = |source| AuthorityError::File { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(path, contents).map_err(failed)
}
