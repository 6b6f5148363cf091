//! The files behind the configuration: the server's certificate, the machine CAs, their revocation lists.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use files::{Defect, Fault, Wanted};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::config::Config;
use crate::session::hex;

/// Contents of the configured files.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Material {
    /// The server's certificate and what stands between it and its CA, PEM each.
    pub chain: Vec<String>,
    /// The server's private key, PEM.
    pub key: String,
    /// CAs of machines, PEM each.
    pub machine_cas: Vec<String>,
    /// Their lists, DER.
    pub lists: Vec<Vec<u8>>,
}

impl Material {
    /// Reads them all.
    ///
    /// # Errors
    /// [`Fault`] for the first that cannot be used.
    pub fn read(config: &Config) -> Result<Self, Fault> {
        let chain = certificates(&config.certificate)?;
        let key = files::text(&config.key)?;
        if !key.contains("PRIVATE KEY-----") {
            return Err(Fault::of(&config.key, Defect::NoPem { wanted: Wanted::PrivateKey.into() }));
        }
        let mut machine_cas = Vec::new();
        for path in &config.machine_ca {
            machine_cas.extend(certificates(path)?);
        }
        let lists = config.machine_crl.iter().map(|path| list(path)).collect::<Result<_, _>>()?;
        Ok(Self { chain, key, machine_cas, lists })
    }

    /// Whether one of the lists names this certificate. Both in hexadecimal: DER of the issuer's name, and
    /// the serial number.
    #[must_use]
    pub fn revoked(&self, issuer: &str, serial: &str) -> bool {
        self.lists.iter().any(|der| {
            let Ok((_, list)) = CertificateRevocationList::from_der(der) else { return false };
            hex(list.tbs_cert_list.issuer.as_raw()) == issuer
                && list.iter_revoked_certificates().any(|one| hex(one.raw_serial()) == serial)
        })
    }
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Material").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

/// Changes whenever one of the files was written: cheaper to look at than their contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<Option<(SystemTime, u64)>>);

impl Stamp {
    pub(crate) fn of(config: &Config) -> Self {
        let one = |path: &PathBuf| fs::metadata(path).ok().and_then(|m| Some((m.modified().ok()?, m.len())));
        let all = [&config.certificate, &config.key].into_iter().chain(&config.machine_ca).chain(&config.machine_crl);
        Self(all.map(one).collect())
    }
}

fn certificates(path: &Path) -> Result<Vec<String>, Fault> {
    let all = vici::certificates(&files::text(path)?);
    if all.is_empty() {
        return Err(Fault::of(path, Defect::NoPem { wanted: Wanted::Certificate.into() }));
    }
    Ok(all)
}

fn list(path: &Path) -> Result<Vec<u8>, Fault> {
    let wrong = |said: String| Fault::of(path, Defect::Unreadable { wanted: Wanted::List.into(), said });
    let bytes = files::read(path)?;
    let der = match CertificateRevocationListDer::from_pem_slice(&bytes) {
        Ok(list) => list.as_ref().to_vec(),
        Err(_) => bytes,
    };
    CertificateRevocationList::from_der(&der).map_err(|e| wrong(e.to_string()))?;
    Ok(der)
}
