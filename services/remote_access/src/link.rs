//! The link to strongSwan: what it shall have, who is in, and orders to end a session.
//!
//! Everything is told again whenever the socket comes back, accounts before connections, so that nobody is refused for an
//! account that was not there yet. Nothing waits for a negotiation.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::StreamExt as _;
use vici::{Blob, Broken, Bytes, Client, Vici, collect, request};

use crate::account::{Accounts, NtHash, Standing, VpnId};
use crate::attempts::{Attempts, Refusal, Said};
use crate::config::Config;
use crate::connection::{Wanted, connections};
use crate::event::{Cause, Ending, Event};
use crate::material::{Material, Stamp};
use crate::roster::{Judge, Roster};
use crate::session::{Machine, Session, certificates_of};

const RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// Every command answers at once; one that takes longer is not coming any more.
const ANSWER: Duration = Duration::from_secs(10);
/// How often files are looked at.
const LOOK_AT_FILES: Duration = Duration::from_secs(2);
/// How often the list is read as a whole, whatever events said.
const LIST: Duration = Duration::from_secs(30);

/// The client VPN in the hands of its center.
#[derive(Debug, Clone)]
pub struct RemoteAccess {
    sessions: watch::Receiver<Arc<Vec<Session>>>,
    up: watch::Receiver<bool>,
    orders: mpsc::Sender<Order>,
}

/// Why nothing could be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// Nobody of that VPN-ID is in.
    #[error("nobody with this VPN-ID is connected")]
    NotIn,
    /// strongSwan does not answer; try again when it does.
    #[error("strongSwan does not answer now; see `sessions` again in a moment")]
    NoDaemon,
}

#[derive(Debug)]
struct Order {
    vpn_id: String,
    answer: oneshot::Sender<usize>,
}

impl RemoteAccess {
    /// Who is in now.
    #[must_use]
    pub fn sessions(&self) -> Arc<Vec<Session>> {
        Arc::clone(&self.sessions.borrow())
    }

    /// Changes whenever somebody comes or goes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Vec<Session>>> {
        self.sessions.clone()
    }

    /// Whether strongSwan answers and has been told everything.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.up.clone()
    }

    /// Ends every session of a VPN-ID (G14); gives their number. The account stays: lock it to keep it out.
    pub async fn cut(&self, vpn_id: &str) -> Result<usize, CutError> {
        let (answer, answered) = oneshot::channel();
        let order = Order { vpn_id: vpn_id.to_owned(), answer };
        self.orders.send(order).await.map_err(|_| CutError::NoDaemon)?;
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(Ok(0)) => Err(CutError::NotIn),
            Ok(Ok(number)) => Ok(number),
            Ok(Err(_)) | Err(_) => Err(CutError::NoDaemon),
        }
    }
}

/// Reads the files, and gives the handle and the work: spawn it. It ends only when `accounts` and `events` are dropped.
///
/// `events` fills slowly: a queue of a few hundred is enough, since a full one only makes the link wait.
pub fn serve(
    config: Config,
    accounts: watch::Receiver<Arc<Accounts>>,
    events: mpsc::Sender<Event>,
) -> Result<(RemoteAccess, impl Future<Output = ()> + Send), files::Fault> {
    let stamp = Stamp::of(&config);
    let material = Material::read(&config)?;
    let (tell_sessions, sessions) = watch::channel(Arc::default());
    let (tell_up, up) = watch::channel(false);
    let (orders, ordered) = mpsc::channel(16);
    let link = Link {
        config,
        material,
        stamp,
        accounts,
        events,
        tell_sessions,
        tell_up,
        roster: Roster::default(),
        attempts: Attempts::default(),
        loaded: BTreeMap::new(),
    };
    Ok((RemoteAccess { sessions, up, orders }, link.run(ordered)))
}

struct Link {
    config: Config,
    material: Material,
    stamp: Stamp,
    accounts: watch::Receiver<Arc<Accounts>>,
    events: mpsc::Sender<Event>,
    tell_sessions: watch::Sender<Arc<Vec<Session>>>,
    tell_up: watch::Sender<bool>,
    roster: Roster,
    attempts: Attempts,
    /// The secrets this strongSwan has.
    loaded: BTreeMap<VpnId, NtHash>,
}

impl Link {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut wait = RETRY;
        let mut said = String::new();
        while !self.events.is_closed() {
            let Err(Broken(why)) = self.talk(&mut orders).await else { return };
            if *self.tell_up.borrow() {
                wait = RETRY;
            }
            self.tell_up.send_replace(false);
            self.attempts.clear();
            self.loaded.clear();
            let events = self.roster.lost();
            self.tell(events).await;
            if why != said {
                tracing::warn!(why, vici = %self.config.vici.display(), "no strongSwan for clients; trying again");
                said = why;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_RETRY);
        }
    }

    /// One connection from its beginning to its end. `Ok`: nobody wants the VPN any more.
    async fn talk(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<(), Broken> {
        let begin = async {
            let broken = |e: std::io::Error| Broken(e.to_string());
            let client = rsvici::unix::connect(&self.config.vici).await.map_err(broken)?;
            let listener = rsvici::unix::connect(&self.config.vici).await.map_err(broken)?;
            Ok((client, listener))
        };
        let (mut client, mut listener): (Client, Client) = in_time(begin).await?;
        let mut lines = std::pin::pin!(listener.subscribe::<Vici>("log"));
        let mut updown = std::pin::pin!(listener.subscribe::<Vici>("ike-updown"));
        let mut renewed = std::pin::pin!(listener.subscribe::<Vici>("ike-rekey"));
        let mut errors = std::pin::pin!(listener.listen_for_errors());
        // Orders of before were for sessions that are gone.
        while orders.try_recv().is_ok() {}
        self.load_everything(&mut client).await?;
        self.list(&mut client).await?;
        self.judge(&mut client, &BTreeSet::new(), false).await?;
        tracing::info!(accounts = self.loaded.len(), "strongSwan for clients answers");
        self.tell_up.send_replace(true);
        let mut look = tokio::time::interval(LOOK_AT_FILES);
        let mut whole = tokio::time::interval(LIST);
        loop {
            let no_more = || Broken("no more events".into());
            tokio::select! {
                line = lines.next() => {
                    let line = line.ok_or_else(no_more)?.map_err(|e| Broken(e.to_string()))?;
                    in_time(self.line(&mut client, &line)).await?;
                }
                event = updown.next() => {
                    let event = event.ok_or_else(no_more)?.map_err(|e| Broken(e.to_string()))?;
                    self.updown(&event).await;
                }
                event = renewed.next() => {
                    let event = event.ok_or_else(no_more)?.map_err(|e| Broken(e.to_string()))?;
                    self.renewed(&event);
                }
                Some(error) = errors.next() => return Err(Broken(error.to_string())),
                changed = self.accounts.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    self.accounts_changed(&mut client).await?;
                }
                order = orders.recv() => match order {
                    Some(order) => in_time(self.cut(&mut client, order)).await?,
                    None => return Ok(()),
                },
                _ = look.tick() => self.files(&mut client).await?,
                _ = whole.tick() => in_time(self.list(&mut client)).await?,
            }
        }
    }

    async fn load_everything(&mut self, client: &mut Client) -> Result<(), Broken> {
        in_time(self.load_material(client)).await?;
        in_time(self.find_secrets(client)).await?;
        self.accounts.borrow_and_update();
        self.load_accounts(client).await?;
        in_time(self.load_connections(client)).await
    }

    async fn load_material(&self, client: &mut Client) -> Result<(), Broken> {
        for pem in &self.material.chain {
            load(client, "load-cert", &Certificate { r#type: "X509", flag: "NONE", data: Bytes(pem.as_bytes()) })
                .await?;
        }
        for pem in &self.material.machine_cas {
            load(client, "load-cert", &Certificate { r#type: "X509", flag: "CA", data: Bytes(pem.as_bytes()) }).await?;
        }
        for list in &self.material.lists {
            load(client, "load-cert", &Certificate { r#type: "X509_CRL", flag: "NONE", data: Bytes(list) }).await?;
        }
        // It would go on believing the list it verified last, as long as that one has not expired.
        load(client, "flush-certs", &BTreeMap::from([("type", "X509_CRL")])).await?;
        load(client, "load-key", &BTreeMap::from([("type", "any"), ("data", self.material.key.as_str())])).await
    }

    async fn load_connections(&self, client: &mut Client) -> Result<(), Broken> {
        let Wanted { connections, pools } = connections(&self.config, &self.material);
        for (name, pool) in pools {
            load(client, "load-pool", &BTreeMap::from([(name, pool)])).await?;
        }
        for (name, connection) in connections {
            load(client, "load-conn", &BTreeMap::from([(name, connection)])).await?;
        }
        Ok(())
    }

    /// Finds the secrets of a center before this one: an account that was locked when nobody could tell strongSwan so
    /// must not work on.
    async fn find_secrets(&mut self, client: &mut Client) -> Result<(), Broken> {
        let held = client.request::<(), Held>("get-shared", ()).await.map_err(|e| Broken(e.to_string()))?;
        let ours = held.keys.iter().filter_map(|name| name.strip_prefix(SECRET)?.parse().ok());
        // Whatever they are: loaded again, unless they are not wanted any more.
        self.loaded = ours.map(|id| (id, NtHash::from_bytes([0; 16]))).collect();
        Ok(())
    }

    /// Makes strongSwan's secrets those of the open accounts; gives those whose password is another than before.
    async fn load_accounts(&mut self, client: &mut Client) -> Result<BTreeSet<VpnId>, Broken> {
        let accounts = Arc::clone(&self.accounts.borrow());
        let open = accounts.iter().filter(|account| account.standing == Standing::Open);
        let wanted: BTreeMap<&VpnId, NtHash> = open.map(|account| (&account.vpn_id, account.nt_hash)).collect();
        let gone: Vec<VpnId> = self.loaded.keys().filter(|id| !wanted.contains_key(id)).cloned().collect();
        for id in gone {
            in_time(load(client, "unload-shared", &BTreeMap::from([("id", secret_name(&id))]))).await?;
            self.loaded.remove(&id);
        }
        let mut changed = BTreeSet::new();
        for (id, hash) in wanted {
            let before = self.loaded.get(id);
            if before == Some(&hash) {
                continue;
            }
            if before.is_some() {
                changed.insert(id.clone());
            }
            let name = secret_name(id);
            let secret = Secret { id: &name, r#type: "ntlm", data: Bytes(hash.as_bytes()), owners: [id.as_str()] };
            in_time(load(client, "load-shared", &secret)).await?;
            self.loaded.insert(id.clone(), hash);
        }
        Ok(changed)
    }

    async fn accounts_changed(&mut self, client: &mut Client) -> Result<(), Broken> {
        self.accounts.borrow_and_update();
        let changed = self.load_accounts(client).await?;
        self.judge(client, &changed, false).await
    }

    /// Reads the files again if one was written.
    async fn files(&mut self, client: &mut Client) -> Result<(), Broken> {
        let stamp = Stamp::of(&self.config);
        if stamp == self.stamp {
            return Ok(());
        }
        match Material::read(&self.config) {
            Ok(material) => {
                self.stamp = stamp;
                let new_lists = material.lists != self.material.lists;
                if material != self.material {
                    self.material = material;
                    in_time(self.load_material(client)).await?;
                    in_time(self.load_connections(client)).await?;
                }
                self.judge(client, &BTreeSet::new(), new_lists).await
            }
            Err(error) => {
                // Half a file: what was read before stands, and the next look sees the whole.
                tracing::warn!(%error, "the VPN's certificates cannot be read again");
                Ok(())
            }
        }
    }

    /// Ends every session that may not go on.
    async fn judge(&mut self, client: &mut Client, changed: &BTreeSet<VpnId>, new_lists: bool) -> Result<(), Broken> {
        let accounts = Arc::clone(&self.accounts.borrow());
        self.roster.name(&accounts);
        let judge = Judge { accounts: &accounts, material: &self.material, changed, new_lists };
        for (number, why) in self.roster.must_go(&judge) {
            self.roster.will_end(number, why);
            in_time(terminate(client, number)).await?;
        }
        self.show();
        Ok(())
    }

    async fn cut(&mut self, client: &mut Client, order: Order) -> Result<(), Broken> {
        let numbers = self.roster.of(&order.vpn_id);
        for number in &numbers {
            self.roster.will_end(*number, Ending::Cut);
            terminate(client, *number).await?;
        }
        // Who asked may have gone.
        let _ = order.answer.send(numbers.len());
        Ok(())
    }

    async fn line(&mut self, client: &mut Client, event: &Vici) -> Result<(), Broken> {
        let (Some(number), Some(text)) = (event.text("ikesa-uniqueid").and_then(|n| n.parse().ok()), event.text("msg"))
        else {
            return Ok(());
        };
        let accounts = Arc::clone(&self.accounts.borrow());
        match self.attempts.line(number, text, |name| Some(accounts.called(name)?.standing)) {
            Some(Said::Refused(refusal)) => self.tell(vec![Event::Refused(refusal)]).await,
            Some(Said::Established { number, machine }) => {
                self.established(client, &accounts, number, machine).await?;
            }
            None => {}
        }
        Ok(())
    }

    async fn established(
        &mut self,
        client: &mut Client,
        accounts: &Accounts,
        number: u32,
        machine: Option<String>,
    ) -> Result<(), Broken> {
        let ask = BTreeMap::from([("ike-id", number.to_string())]);
        let listed = collect(client.stream_request::<_, Vici>("list-sas", "list-sa", ask)).await?;
        let Some(mut session) = listed.iter().flat_map(|one| Session::read(one, SystemTime::now())).next() else {
            return Ok(());
        };
        if let Some(subject) = machine {
            let ask = BTreeMap::from([("type", "X509")]);
            let seen = collect(client.stream_request::<_, Listed>("list-certs", "list-cert", ask)).await?;
            let seen: Vec<Vec<u8>> = seen.into_iter().map(|one| one.data.0).collect();
            let certificates = certificates_of(&subject, &seen);
            session.machine = Machine::Proved { subject, certificates };
        }
        session.institution = accounts.called(&session.vpn_id).map(|account| account.institution.clone());
        let judge = Judge { accounts, material: &self.material, changed: &BTreeSet::new(), new_lists: false };
        let event = match judge.verdict(&session) {
            None => self.roster.began(session),
            Some(why) => {
                terminate(client, number).await?;
                Event::Refused(Refusal {
                    cause: cause_of(why),
                    address: session.address,
                    vpn_id: Some(session.vpn_id.clone()),
                    machine: Some(session.machine.shown()),
                })
            }
        };
        self.tell(vec![event]).await;
        Ok(())
    }

    async fn updown(&mut self, event: &Vici) {
        if event.yes("up") {
            return;
        }
        let numbers = event.sections().filter_map(|(_, sa)| sa.text("uniqueid")?.parse().ok());
        let events: Vec<Event> = numbers.filter_map(|number| self.roster.ended(number)).collect();
        self.tell(events).await;
    }

    fn renewed(&mut self, event: &Vici) {
        let number = |sa: &Vici, which| sa.get(which)?.text("uniqueid")?.parse().ok();
        for (_, sa) in event.sections() {
            if let (Some(old), Some(new)) = (number(sa, "old"), number(sa, "new")) {
                self.roster.renewed(old, new);
            }
        }
        self.show();
    }

    async fn list(&mut self, client: &mut Client) -> Result<(), Broken> {
        let listed = collect(client.stream_request::<_, Vici>("list-sas", "list-sa", ())).await?;
        let now = SystemTime::now();
        let events = self.roster.listed(listed.iter().flat_map(|one| Session::read(one, now)).collect());
        let accounts = Arc::clone(&self.accounts.borrow());
        self.roster.name(&accounts);
        self.tell(events).await;
        Ok(())
    }

    /// Shows the sessions as they are and hands the events on.
    async fn tell(&mut self, events: Vec<Event>) {
        self.show();
        for event in events {
            tracing::debug!(?event, "client VPN");
            // Nobody listens: the center ends.
            let _ = self.events.send(event).await;
        }
    }

    fn show(&self) {
        let now = self.roster.all();
        self.tell_sessions.send_if_modified(|shown| {
            let changed = **shown != now;
            if changed {
                *shown = Arc::new(now);
            }
            changed
        });
    }
}

#[derive(Serialize)]
struct Certificate<'a> {
    r#type: &'static str,
    flag: &'static str,
    data: Bytes<'a>,
}

#[derive(Serialize)]
struct Secret<'a> {
    id: &'a str,
    r#type: &'static str,
    data: Bytes<'a>,
    owners: [&'a str; 1],
}

#[derive(Deserialize)]
struct Listed {
    data: Blob,
}

#[derive(Deserialize)]
struct Held {
    #[serde(default)]
    keys: Vec<String>,
}

/// What the names of our secrets begin with.
const SECRET: &str = "vpn-";

fn secret_name(id: &VpnId) -> String {
    format!("{SECRET}{id}")
}

fn cause_of(why: Ending) -> Cause {
    match why {
        Ending::AccountLocked => Cause::LockedAccount,
        Ending::AccountClosed => Cause::ClosedAccount,
        Ending::PasswordChanged => Cause::WrongPassword,
        Ending::CertificateRevoked => Cause::RevokedMachineCertificate,
        Ending::MachineOfAnother => Cause::MachineOfAnother,
        Ending::Left | Ending::Cut | Ending::DaemonLost => Cause::Other,
    }
}

/// A command that must succeed: strongSwan refuses only what the center has wrong. It is said, and the rest goes on.
async fn load<T: Serialize>(client: &mut Client, command: &str, message: &T) -> Result<(), Broken> {
    if let Err(why) = request(client, command, message).await? {
        tracing::error!(command, why, "strongSwan refused; check `[joining.vpn]` and its plugins");
    }
    Ok(())
}

async fn terminate(client: &mut Client, number: u32) -> Result<(), Broken> {
    // With force the client is told but not waited for: it may be gone or unwilling.
    let ask = BTreeMap::from([("ike-id", number.to_string()), ("force", "yes".into()), ("timeout", "-1".into())]);
    if let Err(why) = request(client, "terminate", &ask).await? {
        tracing::debug!(number, why, "terminate");
    }
    Ok(())
}

/// A charon that dies with a question open never answers it.
async fn in_time<T>(work: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    tokio::time::timeout(ANSWER, work).await.unwrap_or_else(|_| Err(Broken("no answer".into())))
}
