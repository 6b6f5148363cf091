//! strongSwan over VICI: keys and certificates at every (re)connect, commands in order, events as they come.
//!
//! Nothing waits for a negotiation: `initiate` and `terminate` return at once and the child's own event tells. Blocking
//! ones hold charon's worker threads and deadlock with a few in flight.

use model::{Timestamp, Within};
use serde::Serialize;
use site::{ChildSa, Event, IkeConnection, Output};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_stream::StreamExt as _;
use vici::{Bytes, Vici, certificates, collect, request};

use crate::hub::{Hub, now};
use crate::trust::{IkeKey, Trust};

const RETRY: Duration = Duration::from_millis(250);
/// Every command answers at once; one that takes longer is not coming any more.
const ANSWER: Duration = Duration::from_secs(10);
/// How often revocation lists are looked at.
const LOOK_AT_LISTS: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// Why strongSwan cannot be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum IkeError {
    /// No socket.
    #[error(
        "cannot reach strongSwan at {path}: {error}; start charon-systemd and check `ike.vici` in the gate's configuration and `plugins.vici.socket` in strongswan.conf"
    )]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The conversation broke; charon probably ended.
    #[error("strongSwan's control socket broke: {0}")]
    Broken(String),
    /// strongSwan refused the gate's own credentials.
    #[error("strongSwan refused {what}: {error}; check `certificates` in the gate's configuration")]
    Credentials {
        /// Which.
        what: &'static str,
        /// Its words.
        error: String,
    },
    /// strongSwan does not find the gate's key in the secure element.
    #[error(
        "strongSwan cannot use the gate's key in the secure element: {error}; name the element's module in its strongswan.conf under `plugins.pkcs11.modules`, load the plugin `pkcs11`, and let charon reach the element as the gate does"
    )]
    Element {
        /// Its words.
        error: String,
    },
}

impl From<vici::Broken> for IkeError {
    fn from(vici::Broken(why): vici::Broken) -> Self {
        Self::Broken(why)
    }
}

/// Keeps a connection to charon for ever.
pub async fn serve(vici: PathBuf, trust: Trust, hub: Arc<Hub>, mut orders: UnboundedReceiver<Output>) {
    let mut wait = RETRY;
    let mut said = String::new();
    loop {
        let (up, error) = talk(&vici, &trust, &hub, &mut orders).await;
        if up {
            wait = RETRY;
            hub.feed(Event::CharonDown);
        }
        let text = error.to_string();
        if text != said {
            tracing::warn!(error = %text, "no strongSwan; trying again");
            said = text;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_RETRY);
    }
}

/// One connection from its beginning to its end; says whether it ever was up.
async fn talk(vici: &Path, trust: &Trust, hub: &Hub, orders: &mut UnboundedReceiver<Output>) -> (bool, IkeError) {
    let connect = async {
        let unreachable = |error| IkeError::Unreachable { path: vici.to_owned(), error };
        let mut commands = rsvici::unix::connect(vici).await.map_err(unreachable)?;
        let listener = rsvici::unix::connect(vici).await.map_err(unreachable)?;
        // Looked at before they are read: one that is replaced meanwhile is read again.
        let lists = trust.lists_seen();
        load_credentials(&mut commands, trust).await?;
        Ok::<_, IkeError>((commands, listener, lists))
    };
    let (mut commands, mut listener, mut lists) = match tokio::time::timeout(ANSWER, connect).await {
        Ok(Ok(both)) => both,
        Ok(Err(error)) => return (false, error),
        Err(_) => return (false, IkeError::Broken("no answer".into())),
    };
    let mut ike_events = std::pin::pin!(listener.subscribe::<Vici>("ike-updown"));
    let mut child_events = std::pin::pin!(listener.subscribe::<Vici>("child-updown"));
    let mut errors = std::pin::pin!(listener.listen_for_errors());
    // Orders of before belong to a charon that is gone.
    while orders.try_recv().is_ok() {}
    tracing::info!("strongSwan answers");
    hub.feed(Event::CharonUp);
    let mut look = tokio::time::interval(LOOK_AT_LISTS);
    loop {
        let broken = |e: String| (true, IkeError::Broken(e));
        tokio::select! {
            event = ike_events.next() => match event {
                Some(Ok(event)) => ike_event(hub, &event),
                Some(Err(e)) => return broken(e.to_string()),
                None => return broken("no more events".into()),
            },
            event = child_events.next() => match event {
                Some(Ok(event)) => child_event(hub, &event),
                Some(Err(e)) => return broken(e.to_string()),
                None => return broken("no more events".into()),
            },
            Some(error) = errors.next() => return broken(error.to_string()),
            _ = look.tick() => {
                let now = trust.lists_seen();
                if now != lists {
                    lists = now;
                    if let Err(error) = load_lists(&mut commands, trust).await {
                        return (true, error);
                    }
                }
            },
            order = orders.recv() => match order {
                // A charon that dies with a question open never answers it: its other socket, or the clock, says so.
                Some(order) => tokio::select! {
                    done = carry_out(&mut commands, hub, order) => if let Err(error) = done {
                        return (true, error);
                    },
                    Some(error) = errors.next() => return broken(error.to_string()),
                    () = tokio::time::sleep(ANSWER) => return broken("no answer".into()),
                },
                None => return broken("the gate ends".into()),
            },
        }
    }
}

async fn carry_out(client: &mut rsvici::Client, hub: &Hub, order: Output) -> Result<(), IkeError> {
    match order {
        Output::LoadConnection { revision, connection } => {
            let event = match request(client, "load-conn", &named(&connection)).await? {
                Ok(()) => Event::ConnectionLoaded(revision),
                Err(error) => Event::ConnectionRefused(revision, error),
            };
            hub.feed(event);
        }
        Output::UnloadConnection(name) => {
            if let Err(error) = request(client, "unload-conn", &BTreeMap::from([("name", name.as_str())])).await? {
                tracing::debug!(name, error, "unload-conn");
            }
        }
        Output::Initiate { connection, child } => {
            let ask = BTreeMap::from([("ike", connection.as_str()), ("child", child.as_str()), ("timeout", "-1")]);
            if let Err(error) = request(client, "initiate", &ask).await? {
                hub.feed(Event::InitiateFailed { connection, child, error });
            }
        }
        Output::ReadChild { connection, child } => {
            if let Some(used) = last_use(client, &connection, &child).await? {
                hub.feed(Event::ChildUsed { child, used });
            }
        }
        Output::TerminateChild { connection, child } => {
            let ask = BTreeMap::from([("ike", connection.as_str()), ("child", child.as_str()), ("timeout", "-1")]);
            if let Err(error) = request(client, "terminate", &ask).await? {
                // "no matching SAs found": it went by itself; the list says so.
                tracing::debug!(child, error, "terminate");
                list(client, hub).await?;
            }
        }
        Output::TerminateSa(number) => {
            let ask = BTreeMap::from([("child-id", number.to_string()), ("timeout", "-1".to_owned())]);
            if let Err(error) = request(client, "terminate", &ask).await? {
                tracing::debug!(number, error, "terminate");
            }
        }
        Output::TerminateIke(connection) => {
            let ask = BTreeMap::from([("ike", connection.as_str()), ("timeout", "-1"), ("force", "yes")]);
            if let Err(error) = request(client, "terminate", &ask).await? {
                tracing::debug!(connection, error, "terminate");
            }
        }
        Output::ListSas => list(client, hub).await?,
        other => tracing::error!(?other, "not for strongSwan"),
    }
    Ok(())
}

/// The last packet of a child that is about to end. An IKE SA that is busy at this moment is not waited for: what ends
/// a connection waits for nothing.
async fn last_use(client: &mut rsvici::Client, connection: &str, child: &str) -> Result<Option<Within>, IkeError> {
    let ask = BTreeMap::from([("ike", connection), ("child", child), ("noblock", "yes")]);
    let asked = now();
    let sas: Vec<Vici> = collect(client.stream_request("list-sas", "list-sa", &ask)).await?;
    let answered = now();
    let children = sas.iter().flat_map(Vici::sections).flat_map(|(_, sa)| children_of(sa));
    let own = children.filter(|(key, body)| body.text("name").unwrap_or(key) == child);
    Ok(own.filter_map(|(_, body)| used(body, asked, answered)).max_by_key(|used| used.from))
}

fn children_of(sa: &Vici) -> impl Iterator<Item = (&str, &Vici)> {
    sa.get("child-sas").into_iter().flat_map(Vici::sections)
}

/// When a packet went through a CHILD_SA last, either way. strongSwan tells the seconds that have begun since, by a
/// clock read in whole seconds: a second less or more may be true.
fn used(child: &Vici, asked: Timestamp, answered: Timestamp) -> Option<Within> {
    let seconds = |key: &str| child.text(key).and_then(|n| n.parse::<i64>().ok());
    let since = seconds("use-in").into_iter().chain(seconds("use-out")).min()?;
    let before = |at: Timestamp, seconds: i64| at.plus_ms(seconds.saturating_mul(-1_000));
    Some(Within { from: before(asked, since.saturating_add(1)), to: before(answered, since - 1).min(answered) })
}

async fn list(client: &mut rsvici::Client, hub: &Hub) -> Result<(), IkeError> {
    let connections: Vec<Vici> = collect(client.stream_request("list-conns", "list-conn", ())).await?;
    let asked = now();
    let sas: Vec<Vici> = collect(client.stream_request("list-sas", "list-sa", ())).await?;
    let answered = now();
    let connections =
        connections.iter().flat_map(|c| c.sections().map(|(n, _)| n.to_owned()).collect::<Vec<_>>()).collect();
    let mut ike = BTreeSet::new();
    let mut children: Vec<ChildSa> = Vec::new();
    let mut replaced = Vec::new();
    for sa in &sas {
        for (name, body) in sa.sections() {
            if matches!(body.text("state"), Some("ESTABLISHED" | "REKEYING")) {
                ike.insert(name.to_owned());
            }
            for (key, child) in children_of(body) {
                let sa = ChildSa {
                    connection: name.to_owned(),
                    child: child.text("name").unwrap_or(key).to_owned(),
                    number: number_of(child),
                    used: used(child, asked, answered),
                };
                match child.text("state") {
                    Some("INSTALLED" | "REKEYING") => children.push(sa),
                    Some("REKEYED") => replaced.push(sa),
                    _ => {}
                }
            }
        }
    }
    // One that was rekeyed lingers beside its successor: it is no second one, but it carries while it is alone.
    for sa in replaced {
        if !children.iter().any(|c| (&c.connection, &c.child) == (&sa.connection, &sa.child)) {
            children.push(sa);
        }
    }
    children.sort_by_key(|c| c.number);
    hub.feed(Event::SaList { connections, ike, children });
    Ok(())
}

fn ike_event(hub: &Hub, event: &Vici) {
    for (name, _) in event.sections() {
        let name = name.to_owned();
        hub.feed(if event.yes("up") { Event::IkeUp(name) } else { Event::IkeDown(name) });
    }
}

fn child_event(hub: &Hub, event: &Vici) {
    for (connection, body) in event.sections() {
        for (key, child) in children_of(body) {
            let (connection, number) = (connection.to_owned(), number_of(child));
            let child = child.text("name").unwrap_or(key).to_owned();
            hub.feed(if event.yes("up") {
                Event::ChildUp { connection, child, number }
            } else {
                Event::ChildDown { connection, child, number }
            });
        }
    }
}

fn number_of(child: &Vici) -> u32 {
    child.text("uniqueid").and_then(|n| n.parse().ok()).unwrap_or(0)
}

async fn load_credentials(client: &mut rsvici::Client, trust: &Trust) -> Result<(), IkeError> {
    let say = |what| move |error: String| IkeError::Credentials { what, error };
    let credentials =
        trust.for_ike().map_err(|e| IkeError::Credentials { what: "the configured files", error: e.to_string() })?;
    for pem in certificates(&credentials.chain) {
        let cert = BTreeMap::from([("type", "X509"), ("flag", "NONE"), ("data", pem.as_str())]);
        request(client, "load-cert", &cert).await?.map_err(say("the gate's certificate"))?;
    }
    for pem in certificates(&credentials.gate_ca) {
        let cert = BTreeMap::from([("type", "X509"), ("flag", "CA"), ("data", pem.as_str())]);
        request(client, "load-cert", &cert).await?.map_err(say("the CA of gates"))?;
    }
    load_lists(client, trust).await?;
    match &credentials.key {
        IkeKey::Pem(pem) => {
            let key = BTreeMap::from([("type", "any"), ("data", pem.as_str())]);
            request(client, "load-key", &key).await?.map_err(say("the gate's key"))
        }
        IkeKey::InElement { id, pin } => {
            let key = BTreeMap::from([("handle", id.as_str()), ("pin", pin.as_str())]);
            request(client, "load-token", &key).await?.map_err(|error| IkeError::Element { error })
        }
    }
}

/// A peer's revocation status is asked for at every IKE_AUTH (G2): strongSwan must have the lists of now.
async fn load_lists(client: &mut rsvici::Client, trust: &Trust) -> Result<(), IkeError> {
    let lists = trust
        .lists_for_ike()
        .map_err(|e| IkeError::Credentials { what: "the revocation lists", error: e.to_string() })?;
    for list in &lists {
        // Lists of other authorities are of no use to it and no harm.
        let message = Crl { r#type: "X509_CRL", flag: "NONE", data: Bytes(list) };
        if let Err(error) = request(client, "load-cert", &message).await? {
            tracing::debug!(error, "strongSwan does not take a revocation list");
        }
    }
    // It would go on believing the list it verified last, as long as that one has not expired.
    let flush = BTreeMap::from([("type", "X509_CRL")]);
    if let Err(error) = request(client, "flush-certs", &flush).await? {
        tracing::warn!(error, "strongSwan keeps revocation lists of before");
    }
    Ok(())
}

#[derive(Serialize)]
struct Crl<'a> {
    r#type: &'static str,
    flag: &'static str,
    data: Bytes<'a>,
}

fn named(connection: &IkeConnection) -> BTreeMap<&str, &IkeConnection> {
    BTreeMap::from([(connection.name.as_str(), connection)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_since_the_last_packet_are_a_moment_a_second_wide_either_way() {
        let text = |t: &str| Vici::Text(t.to_owned());
        let child = |keys: &[(&str, &str)]| {
            Vici::Section(keys.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect())
        };
        let told = |keys: &[(&str, &str)]| used(&child(keys), Timestamp(100_000), Timestamp(100_040));
        let within = |from, to| Some(Within { from: Timestamp(from), to: Timestamp(to) });
        assert_eq!(told(&[("use-in", "12"), ("use-out", "7")]), within(92_000, 94_040));
        assert_eq!(told(&[("use-out", "0")]), within(99_000, 100_040), "nothing is used in the future");
        assert_eq!(told(&[("bytes-in", "0")]), None);
        assert_eq!(told(&[("use-in", "soon")]), None);
    }
}
