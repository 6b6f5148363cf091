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
mod fault;
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
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use config::{Config, IssuingSide, TokenSide};
pub use equipment::EquipmentSide;
pub use fault::{Part, RunError, Setting};
use files::{Defect, Fault};
use hub::Hub;
use joining::JoiningSide;
use portal::joining::Entrance;

/// How often revocation lists are looked at without anybody asking, so that a revoked gate's link is cut.
const LOOK_AT_LISTS: Duration = Duration::from_secs(1);

/// Name and version, as people and logs see it.
pub const SOFTWARE: &str = concat!("sekisho-center ", env!("CARGO_PKG_VERSION"));

/// Runs until `stop` is ready. Killing it at any point loses nothing that was answered.
///
/// # Errors
/// [`RunError`], before anything is served, or if a listener breaks.
pub async fn run(config: Config, stop: impl Future<Output = ()> + Send) -> Result<(), RunError> {
    let (center, hub, identity, desk) = assemble(&config).await?;
    let gates = listen(config.gates.listen).await?;
    let socket = operator::bind(&config.operator.socket).map_err(|e| Fault::io(&config.operator.socket, &e))?;
    let pages = match config.operator.pages {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let certificates = match &config.issuing {
        Some(side) => Some(listen(side.listen).await?),
        None => None,
    };
    tracing::info!(gates = %config.gates.listen, socket = %config.operator.socket.display(), "{SOFTWARE} serves");

    let mut parts: JoinSet<Part> = JoinSet::new();
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
            Part::Pages
        });
    }
    let mut beside = axum::Router::new();
    if let (Some(desk), Some(listener), Some(devices)) = (desk, certificates, devices) {
        let reports = equipment::routes(devices.clone(), config.equipment.as_ref());
        parts.spawn(async move {
            equipment::tend(devices).await;
            Part::Devices
        });
        beside = desk.clone().operator_routes();
        let (lists, identity) = (desk.clone(), Arc::clone(&identity));
        parts.spawn(async move {
            lists.keep_lists().await;
            Part::IssuedLists
        });
        parts.spawn(async move {
            desk.serve(identity, listener, reports).await;
            Part::Certificates
        });
    }
    let gate_side = control::serve(center.clone(), Arc::clone(&hub), identity, config.console.ports(), gates);
    parts.spawn(async move {
        gate_side.await;
        Part::Gates
    });
    let operator_side = operator::serve(center.clone(), beside, socket);
    parts.spawn(async move {
        operator_side.await;
        Part::Operators
    });
    let leases = center.clone();
    parts.spawn(async move {
        connections::keep_leases(leases).await;
        Part::Leases
    });
    let lists = center.clone();
    parts.spawn(async move {
        watch_lists(lists).await;
        Part::Lists
    });
    let answers = center.clone();
    parts.spawn(async move {
        connections::keep_answers(answers).await;
        Part::Answers
    });
    let ended = tokio::select! {
        () = stop => None,
        Some(part) = parts.join_next() => Some(part.unwrap_or(Part::Panicked)),
    };
    hub.cut_all();
    parts.shutdown().await;
    connections::end(&center, ended.map_or("asked to", Part::name)).await;
    let _ = std::fs::remove_file(&config.operator.socket);
    ended.map_or(Ok(()), |part| Err(RunError::Ended(part)))
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address).await.map_err(|e| Fault::at(address, Defect::listening(&e)))
}

/// What a start makes: use cases, gates, certificate, and issuing if there is any.
type Assembled = (Center, Arc<Hub>, Arc<identity::Identity>, Option<issuing::Desk>);

/// Reads every file the configuration names and starts the use cases over the registry.
async fn assemble(config: &Config) -> Result<Assembled, RunError> {
    let identity = Arc::new(identity::Identity::load(&config.certificates)?);
    let key = files::read(&config.orders.key)?;
    let key = OrderKey::from_pem(&key).map_err(|defect| Fault::of(&config.orders.key, defect))?;
    let registry = Registry::open_with(config.registry()?).await?;
    // First the authorities: they put what is to be trusted where it is looked for.
    let issuing = issuing::open(config, &registry, connections::Clock::now(&SystemClock)).await?;
    let trust = TrustStore::open(config.trust.settings())?;
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
    let center = connections::begin(parts).await.map_err(|refused| RunError::Unsound(Box::new(refused)))?;
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
    parts: &mut JoinSet<Part>,
) -> Result<pages::Beside, RunError> {
    let issuing = offers.as_ref().map(|(issuing, _)| issuing.clone());
    let mut wired = joining::Wired::begin(side, center.registry().clone(), trust).await?;
    wired.register(center, offers, devices);
    for (at, door, part) in
        [(Entrance::Public, &side.public, Part::Public), (Entrance::Inside, &side.inside, Part::Inside)]
    {
        let serving = wired
            .serve(at, identity, listen(door.listen).await?)
            .map_err(|e| Fault::at("[certificates]", Defect::UnusableKey { said: e.to_string() }))?;
        tracing::info!(listen = %door.listen, url = door.url, "{} serves", part.name());
        parts.spawn(async move {
            serving.await;
            part
        });
    }
    wired.spawn(issuing, parts).await?;
    if let Some(door) = &side.service_entrance {
        let listener = listen(door.listen).await?;
        tracing::info!(listen = %door.listen, url = door.url, "the entrance of the service serves");
        let (center, identity, router) = (center.clone(), Arc::clone(identity), wired.service());
        parts.spawn(async move {
            joining::service::serve(center, &identity, listener, router).await;
            Part::Service
        });
    }
    match &side.mail {
        Some(mail) => {
            let registry = center.registry().clone();
            let sender = mail.sender(&side.contact, registry, || connections::Clock::now(&SystemClock))?;
            parts.spawn(async move {
                sender.work().await;
                Part::Letters
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
/// Every fault that can be found without a mend of another: at least one.
pub fn check(config: &Config) -> Result<(), Vec<RunError>> {
    let order_key = || {
        let key = files::read(&config.orders.key)?;
        OrderKey::from_pem(&key).map(drop).map_err(|defect| Fault::of(&config.orders.key, defect))
    };
    let trust = || {
        // Before the first start the authorities have not put their certificates there yet.
        if config.issuing.is_none() || config.trust.dir.join("gate").exists() {
            TrustStore::open(config.trust.settings())?;
        }
        Ok(())
    };
    let mut found = vec![
        identity::Identity::load(&config.certificates).map(drop),
        order_key(),
        trust(),
        config.registry().map(drop),
    ];
    if let Some(side) = &config.joining {
        found.extend(side.check(&config.trust.dir));
    }
    let faults: Vec<RunError> = found.into_iter().filter_map(Result::err).map(RunError::from).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
