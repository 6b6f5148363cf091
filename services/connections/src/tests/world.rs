//! Three sites, an authority, a registry in a file, gates in memory.

use audit::{CloseCause, Event};
use authority::{Authority, CaKind, Issued};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{
    Agreement, AgreementSignature, ConnectionRequest, Generation, GrantId, HostRef, Side, SiteId, SiteState, Timestamp,
};
use pki::Purpose;
use sha2::{Digest, Sha256};
use sqlx::{Connection, Row};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wire::api::ConnectionView;
use wire::link::{
    Carried, Count, FirstPacket, FirstPacketAnswer, FirstPacketVerdict, Gone, Observed, OrderAccepted, OrderRefused,
    Prepared, RefusalCode, Within, gate_message::Message,
};
use wire::session::SessionView;
use wire::{Order, OrderBody};

use crate::{
    Answering, Asked, CardAnswer, Center, Clock, Gates, Joined, OrderKey, Parts, Refused, Responders,
    RevocationSettings, Settings, Shown, SignIn, ToGate, TrustSettings, TrustStore, apply, begin, gate_joined,
    gate_report, sign_in, status,
};

pub const CLINIC_DOCUMENT: &str = include_str!("../../../../core/model/tests/documents/clinic.toml");
pub const HOSPITAL_DOCUMENT: &str = include_str!("../../../../core/model/tests/documents/hospital.toml");
const PROVIDER_DOCUMENT: &str = include_str!("../../../../core/model/tests/documents/provider.toml");
pub const HOSPITAL: &str = "hospital";
const SITES: [&str; 3] = ["clinic", HOSPITAL, "provider"];
const TRUSTED: [(&str, &[CaKind]); 4] = [
    ("hpki", &[CaKind::HpkiRoot, CaKind::HpkiAuthentication]),
    ("gate", &[CaKind::Gate]),
    ("device", &[CaKind::Device]),
    ("institution", &[CaKind::Institution]),
];

pub struct World {
    pub center: Center,
    pub authority: Authority,
    pub doctor: Issued,
    pub clock: Arc<TestClock>,
    /// Seconds since 1970 at which the world begins.
    pub now: i64,
    device: Issued,
    pub devices: BTreeMap<HostRef, Issued>,
    /// Who signed the agreements.
    pub signers: Vec<Issued>,
    gates: BTreeMap<SiteId, Issued>,
    order_key: String,
    asked: Demands,
    links: Arc<FakeGates>,
    dir: TempDir,
}

/// What is demanded to hear about revocation, and from whom.
struct Demands {
    revocation: BTreeMap<Purpose, RevocationSettings>,
    responders: Arc<dyn Responders>,
}

/// No responder can be reached.
#[derive(Debug)]
struct Nobody;
impl Responders for Nobody {
    fn ask<'a>(&'a self, _url: &'a str, _request: Vec<u8>) -> Answering<'a> {
        Box::pin(std::future::ready(Err("nobody is there".into())))
    }
}

pub struct TestClock(AtomicI64);
impl TestClock {
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::SeqCst);
    }
}
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Queues to gates that a test plays.
#[derive(Default)]
struct FakeGates {
    queue: Mutex<Option<UnboundedSender<(SiteId, ToGate)>>>,
    answers: Mutex<Vec<FirstPacketAnswer>>,
    sent: Mutex<Vec<(SiteId, ToGate)>>,
}
impl Gates for FakeGates {
    fn send(&self, site: &SiteId, message: ToGate) {
        if let ToGate::FirstPacketAnswer(answer) = &message {
            self.answers.lock().unwrap().push(answer.clone());
        }
        self.sent.lock().unwrap().push((site.clone(), message.clone()));
        if let Some(queue) = &*self.queue.lock().unwrap() {
            let _ = queue.send((site.clone(), message));
        }
    }
    fn cut(&self, _site: &SiteId) {}
}

impl World {
    pub async fn new() -> Self {
        Self::asking(BTreeMap::new(), |_| Arc::new(Nobody)).await
    }

    /// A world whose anchors demand to hear more than lists; `responders` get the folder of the authority.
    pub async fn asking(
        revocation: BTreeMap<Purpose, RevocationSettings>,
        responders: impl FnOnce(&Path) -> Arc<dyn Responders>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        let mut authority = Authority::new(&dir.path().join("authority"), now).unwrap();
        let asked = Demands { revocation, responders: responders(&dir.path().join("authority")) };
        authority.write_crls(now - 60, now + 86_400).unwrap();
        let doctor = authority.issue_doctor("SATO HANAKO").unwrap();
        let device = authority.issue_device("clinic", "exam-1").unwrap();
        let mut devices = BTreeMap::from([("clinic/exam-1".parse().unwrap(), device.clone())]);
        for (site, host) in [("clinic", "exam-2"), (HOSPITAL, "ward-1")] {
            devices.insert(format!("{site}/{host}").parse().unwrap(), authority.issue_device(site, host).unwrap());
        }
        let order_key = authority.issue_center("center", &[], &[]).unwrap().key_pem;
        let gates = SITES.iter().map(|s| (s.parse().unwrap(), authority.issue_gate(s).unwrap())).collect();
        let clock = Arc::new(TestClock(AtomicI64::new(now * 1000)));
        let links = Arc::new(FakeGates::default());
        for (folder, kinds) in TRUSTED {
            fs::create_dir_all(dir.path().join("trust").join(folder)).unwrap();
            for kind in kinds {
                trust(&dir, &authority, folder, *kind);
            }
        }
        let center = start(&dir, &links, &clock, &order_key, &asked).await;
        let mut world = Self {
            center,
            asked,
            authority,
            doctor,
            clock,
            now,
            device,
            devices,
            signers: Vec::new(),
            gates,
            order_key,
            links,
            dir,
        };
        let agreements = [world.agreement("A-0012", "keyaki/records"), world.agreement("A-0013", "keyaki/bookings")];
        let documents = [CLINIC_DOCUMENT, HOSPITAL_DOCUMENT, PROVIDER_DOCUMENT, &agreements[0], &agreements[1]];
        let documents = documents.iter().enumerate().map(|(n, t)| (format!("{n}.toml"), (*t).to_owned())).collect();
        apply(&world.center, documents, "test".into()).await.unwrap();
        world.join_all().await;
        world
    }

    /// Signed by both sides.
    pub fn agreement(&mut self, id: &str, service: &str) -> String {
        let mut agreement = Agreement {
            id: id.parse().unwrap(),
            consumer: "aoba".parse().unwrap(),
            provider: "keyaki".parse().unwrap(),
            service: service.parse().unwrap(),
            valid_from: Timestamp::from_unix_seconds(self.now - 86_400),
            valid_until: Timestamp::from_unix_seconds(self.now + 30 * 86_400),
            signatures: BTreeMap::new(),
        };
        for side in [Side::Consumer, Side::Provider] {
            let signer = self.authority.issue_institution(agreement.party(side).as_str()).unwrap();
            let value = BASE64.encode(signer.sign(&agreement.signed_bytes()).unwrap());
            agreement.signatures.insert(side, AgreementSignature { certificate: signer.chain_pem.clone(), value });
            self.signers.push(signer);
        }
        let mut text = format!(
            "[[agreement]]\nid = \"{}\"\nconsumer = \"{}\"\nprovider = \"{}\"\nservice = \"{}\"\n\
             valid_from = \"{}\"\nvalid_until = \"{}\"\n",
            agreement.id,
            agreement.consumer,
            agreement.provider,
            agreement.service,
            agreement.valid_from,
            agreement.valid_until
        );
        for (side, s) in &agreement.signatures {
            text += &format!(
                "[agreement.signature.{side}]\ncertificate = \"\"\"\n{}\"\"\"\nvalue = \"{}\"\n",
                s.certificate, s.value
            );
        }
        text
    }

    /// The center dies without a word and another takes its place; the links are gone with it.
    pub async fn restart(&mut self) {
        self.try_restart().await.unwrap();
    }

    /// The same, if it starts.
    pub async fn try_restart(&mut self) -> Result<(), Refused> {
        *self.links.queue.lock().unwrap() = None;
        self.center.registry().close().await.unwrap();
        self.center = try_start(&self.dir, &self.links, &self.clock, &self.order_key, &self.asked).await?;
        Ok(())
    }

    /// How many entries of a kind the log has.
    pub async fn recorded(&self, code: &str) -> usize {
        let mut raw = sqlx::AnyConnection::connect(&self.registry_url()).await.unwrap();
        let count = sqlx::query("SELECT COUNT(*) FROM audit WHERE code = $1").bind(code.to_owned());
        let row = count.fetch_one(&mut raw).await.unwrap();
        usize::try_from(row.get::<i64, _>(0)).unwrap()
    }

    pub async fn join_all(&self) {
        static LINKS: AtomicU64 = AtomicU64::new(1);
        for (site, certificate) in &self.gates {
            let joined = Joined {
                link: LINKS.fetch_add(1, Ordering::SeqCst),
                site: site.clone(),
                certificate: certificate.chain_der.clone(),
                software: "test".into(),
                generation: None,
            };
            gate_joined(&self.center, joined).await.unwrap();
        }
    }

    /// Gates that do what they are told and say what they did.
    /// What gates were sent since this was asked last.
    pub fn sent(&self) -> Vec<(SiteId, ToGate)> {
        std::mem::take(&mut *self.links.sent.lock().unwrap())
    }

    pub fn honest_gates(&self) {
        self.play(None);
    }
    /// The same, but one takes orders and says nothing.
    pub fn honest_gates_but(&self, silent: &str) {
        self.play(Some(silent.parse().unwrap()));
    }
    /// Links that lead nowhere.
    pub fn deaf_gates(&self) {
        *self.links.queue.lock().unwrap() = None;
    }

    fn play(&self, silent: Option<SiteId>) {
        let (sender, receiver) = unbounded_channel();
        *self.links.queue.lock().unwrap() = Some(sender);
        let key = authority_key(&self.order_key);
        // What a gate holds is read before anything more can be committed, else it would take the next order for one it
        // has carried out.
        let held = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(self.center.registry().load()).unwrap().sites
        });
        tokio::spawn(play(self.center.clone(), receiver, held, silent, key));
    }

    pub fn ask(&self, card: &Issued, nonce: [u8; 32], exporter: [u8; 32]) -> Asked {
        let request =
            ConnectionRequest { from: "clinic/exam-1".parse().unwrap(), service: "keyaki/records".parse().unwrap() };
        let digest: [u8; 32] = Sha256::digest(request.signed_bytes()).into();
        let signature = card.sign(&pki::challenge_message(&nonce, &exporter, &digest)).unwrap();
        let shown = Shown {
            device: self.device.chain_der.clone(),
            nonce: Some(nonce),
            exporter,
            card: card.chain_der.clone(),
            answer: CardAnswer::Signature(signature),
        };
        Asked { request, shown, session: None }
    }

    /// A person with this card signs in at a terminal.
    pub async fn sign_in(&self, card: &Issued, at: &str) -> Result<SessionView, Refused> {
        let at: HostRef = at.parse().unwrap();
        let confirmed = model::SignIn { at: at.clone() }.signed_bytes();
        let shown = self.shown(card, &at, &confirmed);
        sign_in(&self.center, SignIn { at, shown, browser: None }).await
    }

    /// What card and terminal show for these bytes.
    pub fn shown(&self, card: &Issued, at: &HostRef, confirmed: &[u8]) -> Shown {
        let (nonce, exporter) = ([5; 32], [6; 32]);
        let digest: [u8; 32] = Sha256::digest(confirmed).into();
        let signature = card.sign(&pki::challenge_message(&nonce, &exporter, &digest)).unwrap();
        Shown {
            device: self.devices[at].chain_der.clone(),
            nonce: Some(nonce),
            exporter,
            card: card.chain_der.clone(),
            answer: CardAnswer::Signature(signature),
        }
    }

    /// The gate of a terminal's site reports a first packet; what it is answered last.
    pub async fn first_packet(&self, from: &str, to: &str, port: u32) -> FirstPacketVerdict {
        let from: HostRef = from.parse().unwrap();
        let (source, before) = {
            let state = self.center.state().await;
            (state.network.host(&from).unwrap().1.address.to_string(), self.links.answers.lock().unwrap().len())
        };
        let packet = FirstPacket {
            host: from.host.to_string(),
            source,
            destination: to.to_owned(),
            protocol: 6,
            port,
            at: self.now * 1000,
            held: true,
        };
        gate_report(&self.center, &from.site, Message::FirstPacket(packet)).await;
        for _ in 0..500 {
            if let Some(answer) = self.links.answers.lock().unwrap().get(before..).and_then(<[_]>::last) {
                return answer.verdict();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a first packet was not answered");
    }

    /// Applies the clinic's and the hospital's documents, changed.
    pub async fn apply(&self, clinic: &str, hospital: &str) {
        let documents = vec![("clinic".to_owned(), clinic.to_owned()), ("hospital".to_owned(), hospital.to_owned())];
        apply(&self.center, documents, "test".into()).await.unwrap();
    }

    /// Issues a revocation list that ends `ahead` seconds from now, where the center reads it.
    pub fn publish(&mut self, kind: CaKind, ahead: i64) {
        // Newer than the list held, whose thisUpdate is a minute before the world began.
        let this_update = self.now - 30;
        let until = if ahead < 0 { self.now - 1 } else { self.now + 86_400 };
        self.authority.write_crl(kind, this_update, until).unwrap();
        let (folder, _) = TRUSTED.iter().find(|(_, kinds)| kinds.contains(&kind)).unwrap();
        trust(&self.dir, &self.authority, folder, kind);
    }

    pub fn trust_also(&mut self, kind: CaKind) {
        trust(&self.dir, &self.authority, "hpki", kind);
    }

    /// Writes a file where the center reads whom to believe.
    pub fn put(&self, folder: &str, name: &str, contents: &[u8]) {
        let folder = self.dir.path().join("trust").join(folder);
        let beside = folder.join(format!("{name}.new"));
        fs::write(&beside, contents).unwrap();
        fs::rename(beside, folder.join(name)).unwrap();
    }

    /// Where the registry is, for who goes past it.
    pub fn registry_url(&self) -> String {
        format!("sqlite://{}", self.dir.path().join("registry.db").display())
    }

    pub async fn causes(&self, grant: GrantId) -> Vec<CloseCause> {
        let entries = self.center.registry().audit_of(grant).await.unwrap();
        let closing = entries.into_iter().filter_map(|e| match e.event {
            Event::ConnectionClosing { cause, .. } => Some(cause),
            _ => None,
        });
        closing.collect()
    }

    /// Waits until connections are as wanted; a gate in memory needs no time that a test could depend on.
    pub async fn settle(&self, wanted: impl Fn(&[ConnectionView]) -> bool) {
        for _ in 0..500 {
            if wanted(&status(&self.center).await.connections) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not settled: {:?}", status(&self.center).await.connections);
    }
}

pub fn doctor_asks(world: &World, nonce: [u8; 32]) -> Asked {
    world.ask(&world.doctor, nonce, [9; 32])
}

fn trust(dir: &TempDir, authority: &Authority, folder: &str, kind: CaKind) {
    let folder = dir.path().join("trust").join(folder);
    fs::copy(authority.ca_pem_path(kind), folder.join(format!("{}.pem", kind.name()))).unwrap();
    // Written beside and renamed, as lists are.
    let beside = folder.join(format!("{}.new", kind.name()));
    fs::write(&beside, authority.crl_der(kind).unwrap()).unwrap();
    fs::rename(beside, folder.join(format!("{}.crl", kind.name()))).unwrap();
}

async fn start(dir: &TempDir, links: &Arc<FakeGates>, clock: &Arc<TestClock>, key: &str, asked: &Demands) -> Center {
    try_start(dir, links, clock, key, asked).await.unwrap()
}

async fn try_start(
    dir: &TempDir,
    links: &Arc<FakeGates>,
    clock: &Arc<TestClock>,
    key: &str,
    asked: &Demands,
) -> Result<Center, Refused> {
    let url = format!("sqlite://{}", dir.path().join("registry.db").display());
    // A center that is gone may still hold the file for a moment.
    let mut registry = registry::Registry::open(&url).await;
    for _ in 0..100 {
        if registry.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        registry = registry::Registry::open(&url).await;
    }
    let mut settings = Settings::new("test");
    settings.confirm_within = Duration::from_secs(2);
    begin(Parts {
        registry: registry.unwrap(),
        gates: Arc::clone(links) as Arc<dyn Gates>,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        trust: Arc::new(
            TrustStore::open(TrustSettings {
                dir: dir.path().join("trust"),
                hpki_policies: Vec::new(),
                max_crl_age: None,
                revocation: asked.revocation.clone(),
            })
            .unwrap()
            .asking(Arc::clone(&asked.responders)),
        ),
        key: OrderKey::from_pem(key.as_bytes()).unwrap(),
        settings,
    })
    .await
}

fn authority_key(pem: &str) -> OrderKey {
    OrderKey::from_pem(pem.as_bytes()).unwrap()
}

/// The gates: each proves its slice against its own state, as a real one does.
async fn play(
    center: Center,
    mut orders: UnboundedReceiver<(SiteId, ToGate)>,
    mut states: BTreeMap<SiteId, SiteState>,
    silent: Option<SiteId>,
    key: OrderKey,
) {
    let at = center.now().0;
    while let Some((site, message)) = orders.recv().await {
        let ToGate::Order(signed) = message else { continue };
        key.verify(&signed);
        let order = Order::decode(&signed.payload).unwrap();
        let mut say = Vec::new();
        match order.body {
            OrderBody::Snapshot(state) => {
                verify::check_state((*state).clone()).unwrap();
                for grant in state.grants.keys() {
                    say.push(observed(*grant, at));
                }
                say.push(accepted(state.generation));
                states.insert(site.clone(), *state);
            }
            OrderBody::Delta(delta) => {
                let state = states.get_mut(&site).unwrap();
                if state.generation >= delta.generation {
                    continue;
                }
                if state.generation != delta.parent {
                    let refused = OrderRefused {
                        generation: delta.generation.0,
                        at: state.generation.0,
                        code: RefusalCode::OutOfStep.into(),
                        detail: String::new(),
                    };
                    gate_report(&center, &site, Message::Refused(refused)).await;
                    continue;
                }
                let slice = verify::check_slice(state, &delta).unwrap();
                state.advance(slice.delta()).unwrap();
                for grant in &delta.grants_added {
                    say.push(Message::Prepared(Prepared { grant: grant.id.0 }));
                    say.push(observed(grant.id, at));
                }
                for grant in &delta.grants_removed {
                    let count = Some(Count { packets: 7, bytes: 700 });
                    let now = center.now().0;
                    let passed = Some(Within { from: now, to: now });
                    let of = grant.0;
                    say.push(Message::Carried(Carried { grant: of, first: passed, at: now }));
                    let (first, last) = (passed, passed);
                    say.push(Message::Gone(Gone {
                        grant: of,
                        forth: count,
                        back: count,
                        complete: true,
                        at,
                        first,
                        last,
                    }));
                }
                say.push(accepted(delta.generation));
            }
        }
        if silent.as_ref() == Some(&site) {
            continue;
        }
        for message in say {
            gate_report(&center, &site, message).await;
        }
    }
}

fn observed(grant: GrantId, at: i64) -> Message {
    Message::Observed(Observed { grant: grant.0, flows: 3, flows_wanted: 3, sa: true, at })
}

fn accepted(generation: Generation) -> Message {
    Message::Accepted(OrderAccepted { generation: generation.0 })
}
