//! Whom the center believes: trust anchors, revocation lists and OCSP answers on disk, read again whenever a file changed.
//!
//! Layout: one folder a purpose (`hpki`, `gate`, `device`, `institution`, and `operator`, `service`,
//! `registration` and `equipment` if there are such) with PEM or DER files (`.pem`, `.crt`, `.cer`,
//! `.der`, `.crl`), and OCSP responses (`.ocsp`, `.ors`, DER). A self-signed CA certificate is an anchor, another CA
//! certificate an intermediate. What responders answered when asked (`responders.rs`) counts besides, in memory only. Files are looked at (`stat`) at every use, so a new list takes effect with the next request.

use files::{Defect, Fault};
use pki::{
    AnchorError, AnchorSet, AnswerStatus, CrlStore, OcspQuestion, OcspStore, Purpose, Revocation, TrustAnchor,
    UnixSeconds,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::SystemTime;

use crate::responders::{Responders, RevocationSettings};

/// Needed only where operators come by TLS; without it nobody is an operator there.
const OPERATORS: &str = "operator";
/// Needed only where service certificates are asked for (R10).
const SERVICE: &str = "service";
/// Needed only where equipment is registered (G1): the registration authority, and first-tier authorities.
const REGISTRATION: &str = "registration";
const EQUIPMENT: &str = "equipment";
const FOLDERS: [(&str, Purpose); 8] = [
    ("hpki", Purpose::HpkiAuthentication),
    ("gate", Purpose::Gate),
    ("device", Purpose::Device),
    ("institution", Purpose::Institution),
    (OPERATORS, Purpose::Operator),
    (SERVICE, Purpose::Service),
    (REGISTRATION, Purpose::Registration),
    (EQUIPMENT, Purpose::Equipment),
];

/// A folder a center can do without.
fn is_optional(folder: &str) -> bool {
    [OPERATORS, SERVICE, REGISTRATION, EQUIPMENT].contains(&folder)
}

/// Where trust lies and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustSettings {
    /// The folder with the folders.
    pub dir: PathBuf,
    /// Policies accepted of persons' cards, dotted; the HPKI authentication policy if empty.
    pub hpki_policies: Vec<String>,
    /// Seconds a revocation list may be old; [`pki::DEFAULT_MAX_CRL_AGE`] if absent.
    pub max_crl_age: Option<i64>,
    /// What the anchors of a purpose demand to hear about revocation; a fresh list if absent.
    pub revocation: BTreeMap<Purpose, RevocationSettings>,
}

/// What was read at one moment.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Anchors of all purposes.
    pub anchors: Arc<AnchorSet>,
    /// Revocation lists.
    pub crls: Arc<CrlStore>,
    /// Answers of OCSP responders.
    pub ocsp: OcspStore,
}

impl Trust {
    /// Lists and answers together.
    pub fn revocation(&self) -> Revocation<'_> {
        Revocation { crls: &self.crls, ocsp: &self.ocsp }
    }

    /// Whether nobody is revoked or unrevoked between the two: a mere renewal of answers.
    pub fn revokes_the_same(&self, other: &Self) -> bool {
        let revoked = |trust: &Self| -> Vec<_> {
            let revoked = trust.ocsp.status().filter(|s| matches!(s.status, AnswerStatus::Revoked { .. }));
            revoked.map(|s| (s.issuer, s.serial)).collect()
        };
        Arc::ptr_eq(&self.anchors, &other.anchors)
            && Arc::ptr_eq(&self.crls, &other.crls)
            && revoked(self) == revoked(other)
    }
}

/// Trust that follows its files.
#[derive(Debug)]
pub struct TrustStore {
    pub(crate) settings: TrustSettings,
    pub(crate) responders: Option<Arc<dyn Responders>>,
    /// Questions that were not answered, and when.
    pub(crate) resting: Mutex<BTreeMap<OcspQuestion, UnixSeconds>>,
    fetched: Mutex<OcspStore>,
    held: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    seen: Vec<Seen>,
    /// The answers that lie in files.
    filed: OcspStore,
    /// With those that were fetched.
    trust: Arc<Trust>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    path: PathBuf,
    len: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl TrustStore {
    /// Reads everything; strict, since a center that trusts by halves should not start.
    ///
    /// # Errors
    /// [`Fault`] for the first file that cannot be used.
    pub fn open(settings: TrustSettings) -> Result<Self, Fault> {
        let seen = look(&settings.dir)?;
        let mut faults = Vec::new();
        let trust = read(&settings, &seen, &mut faults);
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        for (folder, purpose) in FOLDERS {
            if !is_optional(folder) && !trust.anchors.anchors().iter().any(|a| a.purpose() == purpose) {
                return Err(Fault::of(&settings.dir.join(folder), Defect::NoAnchor {}));
            }
        }
        let held = Held { seen, filed: trust.ocsp.clone(), trust: Arc::new(trust) };
        Ok(Self {
            settings,
            responders: None,
            resting: Mutex::default(),
            fetched: Mutex::default(),
            held: RwLock::new(held),
        })
    }

    /// What holds now. A file that became unreadable is left out, which refuses what needs it (fail closed).
    pub fn now(&self) -> Arc<Trust> {
        let seen = match look(&self.settings.dir) {
            Ok(seen) => seen,
            Err(error) => {
                tracing::error!(%error, "trust cannot be read; nothing is trusted until it can");
                return Arc::default();
            }
        };
        {
            let held = self.held.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            if held.seen == seen {
                return Arc::clone(&held.trust);
            }
        }
        let mut faults = Vec::new();
        let trust = read(&self.settings, &seen, &mut faults);
        for fault in faults {
            tracing::error!(%fault, "trust file left out");
        }
        tracing::info!(files = seen.len(), "trust read again");
        let mut held = self.held.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        *held = Held { seen, filed: trust.ocsp.clone(), trust: Arc::new(trust) };
        self.merge_fetched(&mut held);
        Arc::clone(&held.trust)
    }

    /// Changes the fetched answers; what holds follows.
    pub(crate) fn with_fetched<T>(&self, change: impl FnOnce(&mut OcspStore) -> T) -> T {
        let changed = change(&mut self.fetched.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        // The fetched ones are looked at again under the lock of what holds, so no order of two changes loses one.
        self.merge_fetched(&mut self.held.write().unwrap_or_else(|poisoned| poisoned.into_inner()));
        changed
    }

    fn merge_fetched(&self, held: &mut Held) {
        let mut ocsp = held.filed.clone();
        ocsp.merge(&self.fetched.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let (anchors, crls) = (Arc::clone(&held.trust.anchors), Arc::clone(&held.trust.crls));
        held.trust = Arc::new(Trust { anchors, crls, ocsp });
    }
}

fn look(dir: &Path) -> Result<Vec<Seen>, Fault> {
    use std::os::unix::fs::MetadataExt;
    let mut seen = Vec::new();
    for (folder, _) in FOLDERS {
        let path = dir.join(folder);
        let failed = |e: std::io::Error| Fault::io(&path, &e);
        if is_optional(folder) && !path.exists() {
            continue;
        }
        for entry in fs::read_dir(&path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if !["pem", "crt", "cer", "der", "crl", "ocsp", "ors"].contains(&kind) {
                continue;
            }
            // A file that goes away between the two looks is one that is not there.
            let Ok(meta) = fs::metadata(&path) else { continue };
            seen.push(Seen { path, len: meta.len(), modified: meta.modified().ok(), inode: meta.ino() });
        }
    }
    seen.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(seen)
}

fn read(settings: &TrustSettings, seen: &[Seen], faults: &mut Vec<Fault>) -> Trust {
    let (mut anchors, mut crls, mut ocsp) = (AnchorSet::new(), CrlStore::new(), OcspStore::new());
    let (mut lists, mut answers) = (Vec::new(), Vec::new());
    for Seen { path, .. } in seen {
        let Some(purpose) = purpose_of(path) else { continue };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) => {
                faults.push(Fault::io(path, &e));
                continue;
            }
        };
        if path.extension().is_some_and(|e| e == "ocsp" || e == "ors") {
            answers.push((path, bytes));
            continue;
        }
        let (certificates, listed) = parts(bytes);
        if certificates.is_empty() && listed.is_empty() {
            faults.push(Fault::of(path, Defect::NeitherNor {}));
        }
        for der in certificates {
            if let Err(defect) = add_authority(&mut anchors, settings, purpose, &der) {
                faults.push(match defect {
                    Defect::BadPolicy { .. } => Fault::at("[trust] hpki-policies", defect),
                    defect => Fault::of(path, defect),
                });
            }
        }
        lists.extend(listed.into_iter().map(|der| (path, der)));
    }
    for (path, der) in lists {
        match crls.add(&der, &anchors) {
            // Two generations of one list may lie side by side; the newer counts.
            Ok(_) | Err(pki::CrlRefusal::Older { .. }) => {}
            Err(e) => faults.push(Fault::of(path, Defect::from(e))),
        }
    }
    for (path, der) in answers {
        match ocsp.add(&der, &anchors) {
            Ok(_) | Err(pki::OcspRefusal::Older { .. }) => {}
            Err(e) => faults.push(Fault::of(path, Defect::from(e))),
        }
    }
    Trust { anchors: Arc::new(anchors), crls: Arc::new(crls), ocsp }
}

fn purpose_of(path: &Path) -> Option<Purpose> {
    let folder = path.parent()?.file_name()?.to_str()?;
    FOLDERS.iter().find(|(name, _)| *name == folder).map(|(_, purpose)| *purpose)
}

/// Certificates and lists of a file, as DER.
fn parts(bytes: Vec<u8>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    if bytes.windows(11).any(|w| w == b"-----BEGIN ") {
        let certificates = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok).map(|c| c.to_vec()).collect();
        let crls =
            CertificateRevocationListDer::pem_slice_iter(&bytes).filter_map(Result::ok).map(|c| c.to_vec()).collect();
        return (certificates, crls);
    }
    match pki::Certificate::parse(&bytes) {
        Ok(_) => (vec![bytes], Vec::new()),
        // DER is never text: lengths from 128 on begin with an octet that no character begins with.
        Err(_) if std::str::from_utf8(&bytes).is_ok_and(|text| text.len() > 2) => (Vec::new(), Vec::new()),
        Err(_) => (Vec::new(), vec![bytes]),
    }
}

fn add_authority(
    anchors: &mut AnchorSet,
    settings: &TrustSettings,
    purpose: Purpose,
    der: &[u8],
) -> Result<(), Defect> {
    let certificate = pki::Certificate::parse(der).map_err(AnchorError::from)?;
    if certificate.issuer() != certificate.subject() {
        return Ok(anchors.add_intermediate(der)?);
    }
    let mut anchor = TrustAnchor::new(der, purpose)?;
    if purpose == Purpose::HpkiAuthentication && !settings.hpki_policies.is_empty() {
        anchor = anchor.accepting_policies(settings.hpki_policies.iter().map(String::as_str))?;
    }
    // The registration authority works offline: a person signs each of its lists.
    if let Some(seconds) = settings.max_crl_age.filter(|_| purpose != Purpose::Registration) {
        anchor = anchor.with_max_crl_age(seconds);
    }
    if let Some(demand) = settings.revocation.get(&purpose) {
        anchor = anchor.with_revocation(demand.policy);
        if let Some(seconds) = demand.max_age {
            anchor = anchor.with_max_ocsp_age(seconds);
        }
    }
    anchors.add(anchor);
    Ok(())
}
