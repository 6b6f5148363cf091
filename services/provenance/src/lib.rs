//! Use cases of a registration centre (機器登録管理センター, G1): where a device comes from, and what it may therefore have.
//!
//! A maker's signed statement is taken in, the device gets an id and a one-time token, fetches its first-tier certificate,
//! and is said to stand at a site. From then on the site's gate certificate goes only to a device that shows its
//! first-tier certificate: [`Provenance`] is the [`issuing::Voucher`] of every certificate. People answer the rows of the
//! equipment-security table that only people can answer; devices report what only devices know. A revoked device takes
//! its certificates with it, also if the process was killed in between ([`Provenance::tend`]).
//!
//! Every step is one transaction of the registry with its audit entry, refusals too. It must not know HTTP or HTML, nor
//! who may ask: whoever calls has decided that.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod refused;
mod revoke;
mod steps;
mod view;
mod vouch;

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use connections::Trust;
use equipment::Device;
use issuing::Issuing;
use model::{SiteId, Timestamp};
use registry::{Record, Registry};

pub use refused::Refused;
pub use steps::Once;
pub use view::{DeviceView, DevicesPart, PART};

/// Where trust is looked up and what time it is: the center's, or a test's.
pub trait World: Send + Sync {
    /// Anchors and revocation lists of this moment.
    fn trust(&self) -> Arc<Trust>;
    /// Now.
    fn now(&self) -> Timestamp;
    /// Does policy know this site?
    fn knows<'a>(&'a self, site: &'a SiteId) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
    /// Certificates ended: whoever is there by one of them goes now.
    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl World for connections::Center {
    fn trust(&self) -> Arc<Trust> {
        Self::trust(self)
    }
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
    fn knows<'a>(&'a self, site: &'a SiteId) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move { connections::applied_network(self).await.sites.contains_key(site) })
    }
    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(connections::reexamine(self))
    }
}

/// How this centre works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Gates get certificates on registered equipment only; otherwise sites without any go on as before.
    pub required: bool,
    /// Where certificates are fetched, for one-time tokens: address and SHA-256 of the server's key.
    pub desk: Option<(String, [u8; 32])>,
}

/// The use cases. Clones share everything.
#[derive(Clone)]
pub struct Provenance {
    registry: Registry,
    issuing: Issuing,
    world: Arc<dyn World>,
    settings: Settings,
    /// The minute and how many refusals of what devices brought it wrote.
    written: Arc<Mutex<(i64, u32)>>,
}

/// Refusals of devices written to the log a minute: anybody who reaches the entrance can cause one.
const REFUSALS_A_MINUTE: u32 = 60;

impl Provenance {
    /// Over the registry and the authorities, which from now on issue nothing without its consent.
    pub fn begin(issuing: Issuing, world: Arc<dyn World>, settings: Settings) -> Self {
        let provenance =
            Self { registry: issuing.registry().clone(), issuing, world, settings, written: Arc::default() };
        provenance.issuing.vouched_by(Arc::new(provenance.clone()));
        provenance
    }

    /// How often a step that met another change is made anew.
    const TRIES: usize = 8;

    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn may_write(&self, now: Timestamp) -> bool {
        let minute = now.unix_seconds().div_euclid(60);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.0 != minute {
            *written = (minute, 0);
        }
        written.1 += 1;
        written.1 <= REFUSALS_A_MINUTE
    }

    async fn kept(&self, id: &equipment::DeviceId) -> Result<Record<Device>, Refused> {
        self.registry.kept::<Device>(id.number()).await?.ok_or(Refused::NoSuch { device: *id })
    }
}
