//! The gate: one process per site, a loop around `core/site`. It opens sockets, runs `nft`, speaks VICI and keeps a
//! file; it decides nothing. When it stops, the data plane stays as it is: flows, SAs and filters outlive it (X4).
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod applications;
mod audit;
mod center_link;
mod config;
mod element;
mod enroll;
mod evidence;
mod fallback_page;
mod fault;
mod filter_link;
mod first_tier;
mod hub;
mod ike_link;
mod lease;
mod namespaces;
mod nfnetlink;
mod openflow_link;
mod orders;
mod report;
mod store;
mod terminal_relay;
mod trust;
mod watchdog;

use site::{Event, IkePolicy, RedInterfaces, Report, SiteConfig, SiteMachine};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use texts::Words;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

pub use audit::{AuditError, Dump, audit, dump, told};
pub use center_link::CenterLink;
pub use config::{Config, Equipment};
pub use element::Element;
pub use enroll::{EnrollError, Layout, Ready, enroll, refresh};
pub use fault::Fault;
pub use first_tier::{Provenance, Registered, is_for_equipment, register};
pub use hub::{Hub, Receivers, Role, now};
pub use ike_link::IkeError;
pub use openflow_link::{SessionError, session};
pub use store::{Store, StoreError};
pub use trust::{Trust, TrustError, order_key};
pub use vici::Vici;

use fallback_page::FallbackPage;
use namespaces::NotEntered;
use terminal_relay::Entrance;
use watchdog::Watchdog;

/// Why a gate cannot start. Each says what to mend.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StartError {
    #[error(transparent)]
    File(#[from] files::Fault),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Store(StoreError),
    #[error("{}", self.words())]
    Thread(io::Error),
    #[error("{}", self.words())]
    TakenOver,
}

impl StartError {
    /// The words of it.
    pub fn words(&self) -> Words {
        match self {
            Self::File(fault) => fault.words().clone(),
            Self::Trust(error) => error.words(),
            Self::Store(error) => error.words(),
            Self::Thread(error) => Fault::System { said: error.to_string() }.words(),
            Self::TakenOver => Fault::TakenOver {}.words(),
        }
    }
}

/// A gate that is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InOrder {
    /// End of its certificate's validity, seconds since 1970.
    pub not_after: i64,
}

/// Reads and checks every file that a start needs, and starts nothing.
///
/// # Errors
/// Every fault that can be found without a mend of another: at least one.
pub fn check(config: &Config) -> Result<InOrder, Vec<StartError>> {
    let mut faults = Vec::new();
    let not_after = match Trust::new(config, now().unix_seconds()) {
        Ok(trust) => {
            let console = config.console.as_ref().map(|console| trust.console_server(console));
            faults.extend(console.and_then(Result::err));
            trust.not_after()
        }
        Err(error) => {
            faults.push(error);
            0
        }
    };
    faults.extend(order_key(&config.center.order_key).err());
    if faults.is_empty() { Ok(InOrder { not_after }) } else { Err(faults.into_iter().map(Into::into).collect()) }
}

/// What the machine is told, from the configuration and the algorithm profile (G3).
pub fn site_config(config: &Config) -> SiteConfig {
    use pki::ike_profile as profile;
    SiteConfig {
        red: RedInterfaces { lan: config.filter.lan.clone(), tunnel: config.filter.tunnel.clone() },
        ike: IkePolicy {
            ike_proposals: vec![profile::IKE_PROPOSAL.into()],
            esp_proposals: vec![profile::ESP_PROPOSAL.into()],
            ike_rekey_seconds: profile::IKE_LIFETIME,
            child_rekey_seconds: profile::CHILD_LIFETIME,
            child_rekey_packets: profile::CHILD_PACKETS,
            replay_window: profile::REPLAY_WINDOW,
            dpd_seconds: 30,
            revocation: config.ike.revocation.as_str().into(),
        },
        audit_ms: config.audit_ms,
        ike_linger_ms: config.ike.linger_ms,
        first_packets_per_second: config.openflow.first_packets_per_second,
    }
}

/// Runs a gate until `stop` resolves.
///
/// # Errors
/// [`StartError`] if it cannot start; once started it runs on through every failure around it.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), StartError> {
    let order_key = order_key(&config.center.order_key)?;
    let (mut gate, reports) = Gate::start(&config)?;
    let (release, releases) = tokio::sync::mpsc::channel(1);
    let link = CenterLink {
        center: config.center.clone(),
        site: config.site.clone(),
        gate: config.gate.clone(),
        machine: site_config(&config),
        data: config.data.clone(),
        black: config.namespaces.black.clone(),
        trust: gate.trust.clone(),
        orders: orders::Orders::new(config.site.clone(), order_key),
        release: releases,
    };
    gate.tasks.spawn(link.serve(Arc::clone(&gate.hub), reports, gate.live.clone()));
    match Watchdog::from_environment() {
        Ok(Some(watchdog)) => drop(gate.tasks.spawn(watchdog.serve(Arc::clone(&gate.hub)))),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "systemd cannot be told that this gate runs"),
    }
    tracing::info!(site = %config.site, generation = ?gate.hub.state().map(|s| s.generation.0), "the gate runs");
    let mut role = gate.hub.role();
    let outcome = tokio::select! {
        () = stop => Ok(()),
        _ = role.wait_for(|role| *role == Role::Lost) => Err(StartError::TakenOver),
    };
    if outcome.is_ok() {
        give_back(&gate.hub, &release).await;
    }
    tracing::info!("the gate stops; flows, tunnels and filters stay as they are");
    gate.stop().await;
    outcome
}

/// How long a gate that stops waits until the center has heard that the other may take over; if it does not hear it, the
/// lease ends by itself.
const HEARD: Duration = Duration::from_secs(1);

/// The active one of two gates hands over before it goes (N6).
async fn give_back(hub: &Hub, release: &tokio::sync::mpsc::Sender<(u64, tokio::sync::oneshot::Sender<()>)>) {
    if matches!(*hub.role().borrow(), Role::Alone) {
        return;
    }
    let Some(election) = hub.step_down() else { return };
    let (heard, answer) = tokio::sync::oneshot::channel();
    if release.try_send((election, heard)).is_err() {
        return;
    }
    match tokio::time::timeout(HEARD, answer).await {
        Ok(Ok(())) => tracing::info!(election, "the lease is given back; the other gate takes over"),
        Ok(Err(_)) | Err(_) => tracing::warn!(election, "the center did not hear that this gate stops"),
    }
}

/// A gate without its center: everything that holds the data plane.
pub struct Gate {
    hub: Arc<Hub>,
    trust: Trust,
    live: watch::Sender<Option<tonic::transport::Channel>>,
    tasks: tokio::task::JoinSet<()>,
}

impl Gate {
    /// Starts from the state kept on disk; returns also what there is to report.
    ///
    /// # Errors
    /// [`StartError`] names the mend.
    pub fn start(config: &Config) -> Result<(Self, UnboundedReceiver<Report>), StartError> {
        let trust = Trust::new(config, now().unix_seconds())?;
        let store = Store::open(&config.data).map_err(StartError::Store)?;
        let kept = kept(&store, config)?;
        let role = if config.gate.is_some() { Role::Waiting(0) } else { Role::Alone };
        let (hub, receivers) = Hub::with_role(SiteMachine::new(kept, site_config(config), now()), role);
        let red = config.namespaces.red.as_path();
        let switches = listen(config.openflow.listen, red)?;
        let mut doors = Vec::new();
        for (entrance, addresses) in [
            (Entrance::Api, &config.terminals.listen),
            (Entrance::Console, &config.terminals.console),
            (Entrance::SignIn, &config.terminals.sign_in),
        ] {
            doors.extend(addresses.iter().map(|address| (entrance, *address)));
        }
        let page = match &config.console {
            Some(console) => Some(FallbackPage::new(trust.console_server(console)?, Arc::clone(&hub))),
            None => None,
        };
        let interfaces = site_config(config).red;
        filter_link::start(red.to_owned(), interfaces, Arc::clone(&hub), receivers.filter)
            .map_err(StartError::Thread)?;
        let (live, center) = watch::channel(None);
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(openflow_link::serve(switches, trust.clone(), config.site.to_string(), Arc::clone(&hub)));
        let ike = ike_link::serve(config.ike.vici.clone(), trust.clone(), Arc::clone(&hub), receivers.ike);
        if config.gate.is_none() {
            for (entrance, address) in doors {
                let listener = listen(address, red)?;
                tasks.spawn(terminal_relay::serve(listener, entrance, center.clone(), page_of(entrance, &page)));
            }
            tasks.spawn(ike);
        } else {
            // What two gates share belongs to the active one.
            for (entrance, address) in doors {
                let (red, ready, center, page) = (red.to_owned(), hub.role(), center.clone(), page_of(entrance, &page));
                tasks.spawn(async move {
                    when_active(ready).await;
                    let listener = open_door(address, &red).await;
                    terminal_relay::serve(listener, entrance, center, page).await;
                });
            }
            let ready = hub.role();
            tasks.spawn(async move {
                when_active(ready).await;
                ike.await;
            });
        }
        tasks.spawn(keep(store, Arc::clone(&hub), receivers.store));
        let clock = Arc::clone(&hub);
        tasks.spawn(async move { clock.keep_time().await });
        Ok((Self { hub, trust, live, tasks }, receivers.reports))
    }

    /// The machine, to be fed.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Ends every task and connection. Nothing is taken out of the data plane (X4).
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

fn kept(store: &Store, config: &Config) -> Result<Option<verify::VerifiedState>, StartError> {
    match store.load() {
        Ok(kept) => Ok(kept.filter(|state| {
            let ours = state.state().facts.site.id == config.site;
            if !ours {
                tracing::error!(found = %state.state().facts.site.id, "the kept state is another site's; it is not enforced");
            }
            ours
        })),
        Err(error @ (StoreError::Damaged { .. } | StoreError::Unsound { .. })) => {
            tracing::error!(%error, "starting without a state; the data plane stays as it is until the center speaks");
            Ok(None)
        }
        Err(error @ StoreError::Io(_)) => Err(StartError::Store(error)),
    }
}

/// How long changes gather before the disk sees them: a burst of openings is written once, and the disk's work does
/// not compete with the negotiation it belongs to. A crash meanwhile loses nothing that the center has not recorded.
const GATHER: Duration = Duration::from_millis(20);

/// Writes the newest state to disk, one at a time; states that were overtaken need no writing.
async fn keep(store: Store, hub: Arc<Hub>, mut states: watch::Receiver<Option<Arc<model::SiteState>>>) {
    while states.changed().await.is_ok() {
        tokio::time::sleep(GATHER).await;
        let Some(state) = states.borrow_and_update().clone() else { continue };
        let (generation, store) = (state.generation, store.clone());
        let saved = tokio::task::spawn_blocking(move || store.save(&state)).await;
        hub.feed(match saved {
            Ok(Ok(())) => Event::Persisted(generation),
            Ok(Err(error)) => Event::PersistFailed(generation, error.to_string()),
            Err(error) => Event::PersistFailed(generation, error.to_string()),
        });
    }
}

/// A program is better off with an error it knows than with a page.
fn page_of(entrance: Entrance, page: &Option<FallbackPage>) -> Option<FallbackPage> {
    page.clone().filter(|_| entrance != Entrance::Api)
}

async fn when_active(mut role: watch::Receiver<Role>) {
    // The sender lives as long as the hub, and every task with it.
    let _ = role.wait_for(|role| matches!(role, Role::Active(_) | Role::Alone)).await;
}

/// The address may be the former gate's for a moment still.
async fn open_door(address: SocketAddr, red: &Path) -> TcpListener {
    loop {
        match listen(address, red) {
            Ok(listener) => return listener,
            Err(error) => tracing::warn!(%error, "trying again"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn listen(address: SocketAddr, red: &Path) -> Result<TcpListener, StartError> {
    let say = |error: io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref::<NotEntered>()) {
        Some(NotEntered(fault)) => StartError::File(fault.clone()),
        None => StartError::File(files::Fault::at(
            format!("{address} ({})", red.display()),
            files::Defect::listening(&error),
        )),
    };
    let bound = namespaces::inside(Some(red), move || {
        // The previous gate's connections may linger; it is the same address of the same gate.
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    })
    .map_err(say)?;
    TcpListener::from_std(bound).map_err(say)
}
