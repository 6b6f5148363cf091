//! The center's certification authorities (R10, G1): they hand out codes that are good once, issue certificates to whoever
//! knows one and holds the key, renew and revoke them, and keep the revocation lists.
//!
//! One authority a kind of certificate, so that none can speak for another: service certificates, gates, terminals,
//! switches, institutions, devices (first tier). An authority's key lies in a file that only its owner may read, or on a PKCS#11 token. Every step is one
//! transaction of the registry with its audit entry; a list that revokes is committed together with the revocation. What
//! was issued for a code is given again to the same key, so an answer that was lost on the way costs nothing.
//!
//! It must not know how questions reach it (EST, a page, a command line), nor whether a person or a site may have a
//! certificate: whoever calls [`Issuing::offer`] has decided that, and a [`Voucher`] decides the rest.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admission;
mod authority;
mod code;
mod enroll;
mod identity;
mod lists;
mod offer;
mod refused;
mod revoke;
mod voucher;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use audit::Event;
use model::Timestamp;
use registry::{CertificateRow, Commit, Registry};

pub use admission::{NotAdmitted, admit};
pub use authority::Authority;
pub use code::{Code, normalized};
pub use enroll::{Issued, Question};
pub use identity::{Identity, Kind};
pub use keys::KeyPlace;
pub use offer::{Offer, Offered};
pub use refused::Refused;
pub use revoke::Reason;
pub use voucher::{Asked, Vouched, Voucher, Vouching};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Where the authorities are and how they behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the authorities' certificates, and of their keys where they are files.
    pub dir: PathBuf,
    /// Name of the operator in the authorities' certificates.
    pub organization: String,
    /// Keys that lie elsewhere than in a file of the folder.
    pub keys: BTreeMap<Kind, KeyPlace>,
    /// The trust folder that follows the authorities: their certificates and lists are put there.
    pub trust: Option<PathBuf>,
    /// Where lists are fetched, without the `<kind>.crl` at its end, e.g. `http://center.example/crl/`.
    pub crl_base: Option<String>,
}

/// The authorities over a registry. Clones share them.
#[derive(Clone)]
pub struct Issuing {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) registry: Registry,
    pub(crate) settings: Settings,
    pub(crate) authorities: BTreeMap<Kind, Authority>,
    /// Lists follow each other; they are made one after the other.
    pub(crate) listing: tokio::sync::Mutex<()>,
    /// Who has to agree to every certificate, if anybody.
    pub(crate) voucher: OnceLock<Arc<dyn Voucher>>,
    /// The minute and how many refusals it wrote.
    refusals: Mutex<(i64, u32)>,
}

/// Refusals written to the log a minute: anybody who reaches the entrance can cause one, and the log is kept for years.
const REFUSALS_A_MINUTE: u32 = 60;

impl Issuing {
    /// Opens the authorities; makes those that do not exist yet, and lists that are missing or old.
    ///
    /// # Errors
    /// [`Refused`]: a key or a certificate that cannot be used, or the registry.
    pub async fn open(registry: Registry, settings: Settings, now: Timestamp) -> Result<Self, Refused> {
        let mut authorities = BTreeMap::new();
        for kind in Kind::ALL {
            authorities.insert(kind, Authority::open(&settings, kind, now)?);
        }
        let inner = Inner {
            registry,
            settings,
            authorities,
            listing: tokio::sync::Mutex::new(()),
            voucher: OnceLock::new(),
            refusals: Mutex::new((0, 0)),
        };
        let issuing = Self { inner: Arc::new(inner) };
        issuing.keep_lists(now).await?;
        Ok(issuing)
    }

    /// From now on nothing is issued without this one's consent. The first one stays.
    pub fn vouched_by(&self, voucher: Arc<dyn Voucher>) {
        let _ = self.inner.voucher.set(voucher);
    }

    /// An authority.
    pub fn authority(&self, kind: Kind) -> &Authority {
        self.inner.authorities.get(&kind).expect("open makes one of every kind")
    }

    /// Everything that was issued to an identity, oldest first.
    ///
    /// # Errors
    /// [`Refused::Registry`].
    pub async fn certificates(&self, identity: &Identity) -> Result<Vec<CertificateRow>, Refused> {
        Ok(self.inner.registry.certificates(&identity.uri()).await?)
    }

    /// The registry beneath.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Writes a refusal to the log and gives it back.
    pub(crate) async fn note(
        &self,
        now: Timestamp,
        identity: Option<String>,
        address: Option<IpAddr>,
        refused: Refused,
    ) -> Refused {
        if matches!(refused, Refused::Registry(_)) || !self.may_write(now) {
            return refused;
        }
        let event = Event::EnrolmentRefused { identity, reason: refused.code().to_owned(), address };
        match self.inner.registry.commit(Commit::at(now).event(event)).await {
            Ok(_) => refused,
            Err(error) => Refused::Registry(error),
        }
    }

    fn may_write(&self, now: Timestamp) -> bool {
        let minute = now.unix_seconds().div_euclid(60);
        let mut written = self.inner.refusals.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if written.0 != minute {
            *written = (minute, 0);
        }
        written.1 += 1;
        written.1 <= REFUSALS_A_MINUTE
    }
}
