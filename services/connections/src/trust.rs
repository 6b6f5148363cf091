//! Whom the center believes: trust anchors and revocation lists on disk, read again whenever a file changed.
//!
//! Layout: one folder a purpose (`hpki`, `gate`, `device`, `institution`) with PEM or DER files (`.pem`, `.crt`, `.cer`,
//! `.der`, `.crl`). A self-signed CA certificate is an anchor, another CA certificate an intermediate, a revocation
//! list a revocation list. Files are looked at (`stat`) at every use, so a new list takes effect with the next request.

use pki::{AnchorSet, CrlStore, OcspStore, Purpose, Revocation, TrustAnchor};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

const FOLDERS: [(&str, Purpose); 4] = [
    ("hpki", Purpose::HpkiAuthentication),
    ("gate", Purpose::Gate),
    ("device", Purpose::Device),
    ("institution", Purpose::Institution),
];

/// Where trust lies and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustSettings {
    /// The folder with the folders.
    pub dir: PathBuf,
    /// Policies accepted of persons' cards, dotted; the HPKI authentication policy if empty.
    pub hpki_policies: Vec<String>,
    /// Seconds a revocation list may be old; [`pki::DEFAULT_MAX_CRL_AGE`] if absent.
    pub max_crl_age: Option<i64>,
}

/// What was read at one moment.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Anchors of all purposes.
    pub anchors: AnchorSet,
    /// Revocation lists.
    pub crls: CrlStore,
    /// Answers of OCSP responders.
    pub ocsp: OcspStore,
}

impl Trust {
    /// Lists and answers together.
    pub fn revocation(&self) -> Revocation<'_> {
        Revocation { crls: &self.crls, ocsp: &self.ocsp }
    }
}

/// Why there is no trust to begin with.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A folder or file cannot be read.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A folder without an anchor: every certificate of that purpose would be refused.
    #[error("{0} holds no self-signed CA certificate; put the trust anchor there")]
    NoAnchor(PathBuf),
}

/// Trust that follows its files.
#[derive(Debug)]
pub struct TrustStore {
    settings: TrustSettings,
    held: RwLock<(Vec<Seen>, Arc<Trust>)>,
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
    /// [`TrustError`] for the first file that cannot be used.
    pub fn open(settings: TrustSettings) -> Result<Self, TrustError> {
        let seen = look(&settings.dir)?;
        let mut faults = Vec::new();
        let trust = read(&settings, &seen, &mut faults);
        if let Some((path, why)) = faults.into_iter().next() {
            return Err(TrustError::File { path, why });
        }
        for (folder, purpose) in FOLDERS {
            if !trust.anchors.anchors().iter().any(|a| a.purpose() == purpose) {
                return Err(TrustError::NoAnchor(settings.dir.join(folder)));
            }
        }
        Ok(Self { settings, held: RwLock::new((seen, Arc::new(trust))) })
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
            if held.0 == seen {
                return Arc::clone(&held.1);
            }
        }
        let mut faults = Vec::new();
        let trust = Arc::new(read(&self.settings, &seen, &mut faults));
        for (path, why) in faults {
            tracing::error!(path = %path.display(), why, "trust file left out");
        }
        tracing::info!(files = seen.len(), "trust read again");
        *self.held.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = (seen, Arc::clone(&trust));
        trust
    }
}

fn look(dir: &Path) -> Result<Vec<Seen>, TrustError> {
    use std::os::unix::fs::MetadataExt;
    let mut seen = Vec::new();
    for (folder, _) in FOLDERS {
        let path = dir.join(folder);
        let failed = |e: std::io::Error| TrustError::File { path: path.clone(), why: e.to_string() };
        for entry in fs::read_dir(&path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if !["pem", "crt", "cer", "der", "crl"].contains(&kind) {
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

fn read(settings: &TrustSettings, seen: &[Seen], faults: &mut Vec<(PathBuf, String)>) -> Trust {
    let mut trust = Trust::default();
    let mut lists = Vec::new();
    for Seen { path, .. } in seen {
        let Some(purpose) = purpose_of(path) else { continue };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) => {
                faults.push((path.clone(), e.to_string()));
                continue;
            }
        };
        let (certificates, crls) = parts(bytes);
        if certificates.is_empty() && crls.is_empty() {
            faults.push((path.clone(), "neither a certificate nor a revocation list".into()));
        }
        for der in certificates {
            if let Err(why) = add_authority(&mut trust.anchors, settings, purpose, &der) {
                faults.push((path.clone(), why));
            }
        }
        lists.extend(crls.into_iter().map(|der| (path, der)));
    }
    for (path, der) in lists {
        match trust.crls.add(&der, &trust.anchors) {
            // Two generations of one list may lie side by side; the newer counts.
            Ok(_) | Err(pki::CrlRefusal::Older { .. }) => {}
            Err(e) => faults.push((path.clone(), e.to_string())),
        }
    }
    trust
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
        Err(_) => (Vec::new(), vec![bytes]),
    }
}

fn add_authority(
    anchors: &mut AnchorSet,
    settings: &TrustSettings,
    purpose: Purpose,
    der: &[u8],
) -> Result<(), String> {
    let certificate = pki::Certificate::parse(der).map_err(|e| e.to_string())?;
    if certificate.issuer() != certificate.subject() {
        return anchors.add_intermediate(der).map_err(|e| e.to_string());
    }
    let mut anchor = TrustAnchor::new(der, purpose).map_err(|e| e.to_string())?;
    if purpose == Purpose::HpkiAuthentication && !settings.hpki_policies.is_empty() {
        anchor =
            anchor.accepting_policies(settings.hpki_policies.iter().map(String::as_str)).map_err(|e| e.to_string())?;
    }
    if let Some(seconds) = settings.max_crl_age {
        anchor = anchor.with_max_crl_age(seconds);
    }
    anchors.add(anchor);
    Ok(())
}
