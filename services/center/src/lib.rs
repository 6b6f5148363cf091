//! The center process: configuration, wiring, TLS, the link to gates, the terminal and operator APIs.
//!
//! It decides nothing: calls are parsed, handed to `connections`, and answers rendered. Every certificate is judged by
//! `core/pki`; rustls only proves that the peer holds the key.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod browsers;
mod config;
mod control;
mod equipment;
mod gate_tls;
mod hub;
mod identity;
mod introducer;
mod issuing;
mod joining;
mod lease;
mod operator;
mod pages;
mod pair;
mod responder;
mod terminal;

use connections::{Center, OrderKey, Parts, Settings, SystemClock, TrustStore};
use registry::Registry;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use config::{Config, ConfigError, IssuingSide, TokenSide};
pub use equipment::EquipmentSide;
use hub::Hub;
use joining::JoiningSide;
use portal::joining::Entrance;

/// How often revocation lists are looked at without anybody asking, so that a revoked gate's link is cut.
const LOOK_AT_LISTS: Duration = Duration::from_secs(1);

/// Name and version, as people and logs see it.
pub const SOFTWARE: &str = concat!("sekisho-center ", env!("CARGO_PKG_VERSION"));

/// Why the center does not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration or a file it names.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The registry.
    #[error("{error}; {}", error.remedy())]
    Registry {
        /// Why.
        #[from]
        error: registry::RegistryError,
    },
    /// What the registry holds is not believed.
    #[error("the registry holds a state that cannot be believed ({0}); restore the last backup")]
    Unsound(String),
    /// An address or socket.
    #[error("{what}: {error}")]
    Listen {
        /// Which.
        what: String,
        /// Why.
        error: std::io::Error,
    },
    /// A part ended that should not.
    #[error("{0} ended")]
    Ended(&'static str),
}

/// Runs until `stop` is ready. Killing it at any point loses nothing that was answered.
///
/// # Errors
/// [`RunError`], before anything is served, or if a listener breaks.
pub async fn run(config: Config, stop: impl Future<Output = ()> + Send) -> Result<(), RunError> {
    let listen = |what: &str| {
        let what = what.to_owned();
        move |error| RunError::Listen { what, error }
    };
    let (center, hub, identity, desk) = assemble(&config).await?;
    let gates = TcpListener::bind(config.gates.listen).await.map_err(listen(&config.gates.listen.to_string()))?;
    let socket =
        operator::bind(&config.operator.socket).map_err(listen(&config.operator.socket.display().to_string()))?;
    let pages = match config.operator.pages {
        Some(address) => Some(TcpListener::bind(address).await.map_err(listen(&address.to_string()))?),
        None => None,
    };
    let certificates = match &config.issuing {
        Some(side) => Some(TcpListener::bind(side.listen).await.map_err(listen(&side.listen.to_string()))?),
        None => None,
    };
    tracing::info!(gates = %config.gates.listen, socket = %config.operator.socket.display(), "{SOFTWARE} serves");

    let mut parts: JoinSet<&'static str> = JoinSet::new();
    let mut beside = pages::Beside::default();
    let devices = desk.as_ref().map(|desk| equipment::begin(&config, &center, desk));
    if let Some(side) = &config.joining {
        let offers = desk.as_ref().map(issuing::Desk::offers);
        beside = join(side, &config.trust.dir, &center, (offers, devices.clone()), &identity, &mut parts).await?;
    }
    if let Some(pages) = pages {
        let pages = pages::serve(center.clone(), Arc::clone(&identity), pages, beside);
        parts.spawn(async move {
            pages.await;
            "the listener for operators' browsers"
        });
    }
    let mut beside = axum::Router::new();
    if let (Some(desk), Some(listener), Some(devices)) = (desk, certificates, devices) {
        let reports = equipment::routes(devices.clone(), config.equipment.as_ref());
        parts.spawn(async move {
            equipment::tend(devices).await;
            "the care for revoked devices"
        });
        beside = desk.clone().operator_routes();
        let (lists, identity) = (desk.clone(), Arc::clone(&identity));
        parts.spawn(async move {
            lists.keep_lists().await;
            "the care for revocation lists"
        });
        parts.spawn(async move {
            desk.serve(identity, listener, reports).await;
            "the listener for certificates"
        });
    }
    let gate_side = control::serve(center.clone(), Arc::clone(&hub), identity, config.console.ports(), gates);
    parts.spawn(async move {
        gate_side.await;
        "the listener for gates"
    });
    let operator_side = operator::serve(center.clone(), beside, socket);
    parts.spawn(async move {
        operator_side.await;
        "the operator's socket"
    });
    let leases = center.clone();
    parts.spawn(async move {
        connections::keep_leases(leases).await;
        "the watch over leases"
    });
    let lists = center.clone();
    parts.spawn(async move {
        watch_lists(lists).await;
        "the watch over revocation lists"
    });
    let answers = center.clone();
    parts.spawn(async move {
        connections::keep_answers(answers).await;
        "the renewal of OCSP answers"
    });
    let ended = tokio::select! {
        () = stop => None,
        Some(part) = parts.join_next() => Some(part.unwrap_or("a part")),
    };
    hub.cut_all();
    parts.shutdown().await;
    connections::end(&center, ended.unwrap_or("asked to")).await;
    let _ = std::fs::remove_file(&config.operator.socket);
    ended.map_or(Ok(()), |part| Err(RunError::Ended(part)))
}

/// What a start makes: use cases, gates, certificate, and issuing if there is any.
type Assembled = (Center, Arc<Hub>, Arc<identity::Identity>, Option<issuing::Desk>);

/// Reads every file the configuration names and starts the use cases over the registry.
async fn assemble(config: &Config) -> Result<Assembled, RunError> {
    let identity = Arc::new(identity::Identity::load(&config.certificates)?);
    let key = config::read(&config.orders.key)?;
    let key = OrderKey::from_pem(&key).map_err(|e| ConfigError::file(&config.orders.key, e))?;
    let registry = Registry::open_with(config.registry()?).await?;
    // First the authorities: they put what is to be trusted where it is looked for.
    let issuing = issuing::open(config, &registry, connections::Clock::now(&SystemClock)).await?;
    let trust = TrustStore::open(config.trust.settings()).map_err(|e| ConfigError::file(&config.trust.dir, e))?;
    let hub = Arc::new(Hub::default());
    let mut settings = Settings::new(SOFTWARE);
    settings.confirm_within = Duration::from_secs(config.limits.confirm_seconds.into());
    settings.return_within = Duration::from_secs(config.limits.return_seconds.into());
    let parts = Parts {
        registry: registry.clone(),
        gates: Arc::clone(&hub) as Arc<dyn connections::Gates>,
        clock: Arc::new(SystemClock),
        trust: Arc::new(trust.asking(Arc::new(responder::OverHttp))),
        key,
        settings,
    };
    let center = connections::begin(parts).await.map_err(|refused| {
        let why = refused.refutation.map_or_else(|| format!("{:?}", refused.reasons), |r| r.to_string());
        RunError::Unsound(why)
    })?;
    let desk = match issuing {
        Some(issuing) => issuing::Desk::new(config, center.clone(), issuing, &identity)?,
        None => None,
    };
    Ok((center, hub, identity, desk))
}

/// Opens the entrances of joining; what stands beside the live picture comes back.
async fn join(
    side: &JoiningSide,
    trust: &Path,
    center: &Center,
    (offers, devices): (Option<(::issuing::Issuing, registration::Desk)>, Option<provenance::Provenance>),
    identity: &Arc<identity::Identity>,
    parts: &mut JoinSet<&'static str>,
) -> Result<pages::Beside, RunError> {
    let issuing = offers.as_ref().map(|(issuing, _)| issuing.clone());
    let mut wired = joining::Wired::begin(side, center.registry().clone(), trust).await?;
    wired.register(center, offers, devices);
    for (at, door, name) in [
        (Entrance::Public, &side.public, "the public entrance"),
        (Entrance::Inside, &side.inside, "the entrance inside the client VPN"),
    ] {
        let what = door.listen.to_string();
        let listener = TcpListener::bind(door.listen).await;
        let listener = listener.map_err(|error| RunError::Listen { what, error })?;
        let serving =
            wired.serve(at, identity, listener).map_err(|e| ConfigError::file("[certificates]".as_ref(), e))?;
        tracing::info!(listen = %door.listen, url = door.url, "{name} serves");
        parts.spawn(async move {
            serving.await;
            name
        });
    }
    wired.spawn(issuing, parts).await?;
    if let Some(door) = &side.service_entrance {
        let what = door.listen.to_string();
        let listener = TcpListener::bind(door.listen).await.map_err(|error| RunError::Listen { what, error })?;
        tracing::info!(listen = %door.listen, url = door.url, "the entrance of the service serves");
        let (center, identity, router) = (center.clone(), Arc::clone(identity), wired.service());
        parts.spawn(async move {
            joining::service::serve(center, &identity, listener, router).await;
            "the entrance of the service"
        });
    }
    match &side.mail {
        Some(mail) => {
            let registry = center.registry().clone();
            let sender = mail.sender(&side.contact, registry, || connections::Clock::now(&SystemClock))?;
            parts.spawn(async move {
                sender.work().await;
                "the sender of letters"
            });
        }
        None => tracing::warn!("no [joining.mail]: letters are written and nobody sends them"),
    }
    Ok(pages::Beside { routes: wired.review(), auditors: Arc::new(side.auditors.clone()) })
}

async fn watch_lists(center: Center) {
    let mut held = center.trust();
    // Lists may have changed while nobody watched.
    connections::reexamine(&center).await;
    loop {
        tokio::time::sleep(LOOK_AT_LISTS).await;
        let now = center.trust();
        if !Arc::ptr_eq(&held, &now) {
            let same = now.revokes_the_same(&held);
            held = now;
            if !same {
                connections::reexamine(&center).await;
            }
        }
    }
}

/// Reads and checks everything a start needs, and starts nothing.
///
/// # Errors
/// [`RunError`].
pub fn check(config: &Config) -> Result<(), RunError> {
    identity::Identity::load(&config.certificates)?;
    let key = config::read(&config.orders.key)?;
    OrderKey::from_pem(&key).map_err(|e| ConfigError::file(&config.orders.key, e))?;
    let trust = TrustStore::open(config.trust.settings()).map_err(|e| ConfigError::file(&config.trust.dir, e));
    // Before the first start the authorities have not put their certificates there yet.
    if config.issuing.is_none() || config.trust.dir.join("gate").exists() {
        trust?;
    }
    config.registry()?;
    if let Some(side) = &config.joining {
        side.check(&config.trust.dir)?;
    }
    Ok(())
}
