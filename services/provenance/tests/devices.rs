//! A device from its maker's word to its gate certificate and its end, over both databases and real authorities.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use audit::Digest;
use authority::{Authority, CaKind, Issued};
use connections::Trust;
use equipment::{
    DeviceFact, DeviceId, DeviceInformation, DeviceReport, DeviceStand, ElementKind, ElementStatement, Signature,
    SignedInformation, SignedReport,
};
use issuing::{Identity, Issuing, Kind, Offer, Question, Reason};
use model::{SiteId, Timestamp};
use pki::{AnchorSet, CrlStore, OcspStore, Purpose, TrustAnchor};
use provenance::{Once, Provenance, Refused, Settings, World};
use registry::Registry;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

const NOW: Timestamp = Timestamp(1_795_305_600_000); // 2026-11-22T00:00:00Z
const DAY: i64 = 86_400_000;

/// The registration authority, and the centre's folder of trust.
struct Here {
    folder: tempfile::TempDir,
    url: String,
    _server: Option<Arc<postgres::Server>>,
    authority: Mutex<Authority>,
    now: Mutex<Timestamp>,
}

impl World for Here {
    fn trust(&self) -> Arc<Trust> {
        use std::fs::read;
        let (mut anchors, mut crls) = (AnchorSet::new(), CrlStore::new());
        let authority = self.authority.lock().unwrap();
        let ca = authority.ca_der(CaKind::Registration).unwrap();
        anchors.add(TrustAnchor::new(&ca, Purpose::Registration).unwrap());
        let issued_here = self.folder.path().join("trust/equipment");
        let text = read(issued_here.join("issued-here.pem")).unwrap();
        let der = equipment::read_pem_chain(std::str::from_utf8(&text).unwrap()).unwrap();
        anchors.add(TrustAnchor::new(&der[0], Purpose::Equipment).unwrap());
        crls.add(&authority.crl_der(CaKind::Registration).unwrap(), &anchors).unwrap();
        crls.add(&read(issued_here.join("issued-here.crl")).unwrap(), &anchors).unwrap();
        Arc::new(Trust { anchors: Arc::new(anchors), crls: Arc::new(crls), ocsp: OcspStore::default() })
    }
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn knows<'a>(&'a self, site: &'a SiteId) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move { site.as_str() == "clinic" })
    }
    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
}

impl Here {
    fn sqlite() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/registry.db", folder.path().display());
        Self::new(folder, url, None)
    }

    async fn postgres() -> Arc<Self> {
        let server = postgres::Server::shared();
        let url = server.new_database().await;
        Self::new(tempfile::tempdir().unwrap(), url, Some(server))
    }

    fn new(folder: tempfile::TempDir, url: String, server: Option<Arc<postgres::Server>>) -> Arc<Self> {
        let authority = Authority::new(&folder.path().join("authority"), NOW.unix_seconds()).unwrap();
        Arc::new(Self { folder, url, _server: server, authority: Mutex::new(authority), now: Mutex::new(NOW) })
    }

    async fn open(self: &Arc<Self>, required: bool) -> (Issuing, Provenance) {
        let registry = Registry::open(&self.url).await.unwrap();
        let settings = issuing::Settings {
            dir: self.folder.path().join("authorities"),
            organization: "TEST Operator".into(),
            keys: BTreeMap::new(),
            trust: Some(self.folder.path().join("trust")),
            crl_base: None,
        };
        let issuing = Issuing::open(registry, settings, NOW).await.unwrap();
        let settings = Settings { required, desk: Some(("https://center.example:7448".into(), [7; 32])) };
        let provenance = Provenance::begin(issuing.clone(), Arc::clone(self) as Arc<dyn World>, settings);
        (issuing, provenance)
    }

    fn registered(&self, what: &str, id: &str) -> Issued {
        self.authority.lock().unwrap().issue_registered(what, id).unwrap()
    }

    fn element(&self, serial: &str) -> Issued {
        self.authority.lock().unwrap().issue_element(serial).unwrap()
    }
}

fn statement(maker: &Issued, element: &Issued, serial: &str) -> String {
    let spki = pki::Certificate::parse(element.chain()[0]).unwrap().spki_der().to_vec();
    let device = DeviceInformation {
        maker: "aoba".parse().unwrap(),
        model: "GE-01".parse().unwrap(),
        serial: serial.parse().unwrap(),
        made: "2026-11-01".parse().unwrap(),
        element: ElementStatement {
            kind: ElementKind::Pkcs11,
            serial: format!("e-{serial}").parse().unwrap(),
            key: Digest::of(&spki),
        },
    };
    let signature = Signature::new(maker.chain(), &maker.sign(&device.signed_bytes()).unwrap());
    SignedInformation { device, signature }.to_toml()
}

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref(), &SystemRandom::new()).unwrap())
    }
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), bytes).unwrap().as_ref().to_vec()
    }
    fn request(&self) -> Vec<u8> {
        let spki = issuance::p256_spki(self.0.public_key().as_ref()).unwrap();
        let subject = issuance::Subject { organization: String::new(), common_name: "x".into() };
        let request = issuance::Request { subject: &subject, spki: &spki, uris: &[], binding: None }.to_be_signed();
        issuance::sealed(&request, &self.sign(&request))
    }
}

async fn ask(
    issuing: &Issuing,
    name: &str,
    code: &str,
    key: &Key,
    shown: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, &'static str> {
    let request = key.request();
    let question = Question { shown, ..Question::new(&request) };
    issuing.enroll(NOW, name, code, &question).await.map(|issued| issued.chain).map_err(|refused| refused.code())
}

async fn renew(issuing: &Issuing, present: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, &'static str> {
    let request = Key::new().request();
    let question = Question { shown: present, ..Question::new(&request) };
    issuing.renew(NOW, present, &question).await.map(|issued| issued.chain).map_err(|refused| refused.code())
}

async fn gate_code(issuing: &Issuing) -> String {
    let identity = Identity::gate("clinic").unwrap();
    let offer =
        Offer { identity: &identity, organization: "x", dns_names: &[], operator: "ito", until: NOW.plus_ms(DAY) };
    issuing.offer(NOW, &offer).await.unwrap().code.expose().to_owned()
}

fn shown(issued: &Issued) -> Vec<Vec<u8>> {
    issued.chain().iter().map(|der| der.to_vec()).collect()
}

fn report(device: DeviceId, facts: &[DeviceFact], at: Timestamp, chain: &[Vec<u8>], key: &Key) -> String {
    let report = DeviceReport { device, at, facts: facts.iter().copied().collect() };
    let signature = Signature::new(chain, &key.sign(&report.signed_bytes()));
    SignedReport { report, signature }.to_toml()
}

fn reasons<T: std::fmt::Debug>(result: Result<T, Refused>) -> Vec<String> {
    let refused = result.unwrap_err();
    assert!((400..600).contains(&refused.status()));
    let all = refused.reasons();
    for lang in texts::Lang::ALL {
        let texts = texts::Texts::new(lang);
        for reason in &all {
            assert!(texts.has(&reason.key) && texts.has(&reason.remedy_key()), "{}", reason.key);
        }
    }
    all.into_iter().map(|reason| reason.code).collect()
}

async fn codes(registry: &Registry) -> Vec<&'static str> {
    registry.verify_log(None).await.unwrap();
    registry.audit_from(0, 1000).await.unwrap().iter().map(|entry| entry.event.code()).collect()
}

/// A device of element `e-<serial>` with its first-tier certificate.
async fn certified(here: &Here, issuing: &Issuing, provenance: &Provenance, serial: &str) -> (Once, Key, Vec<Vec<u8>>) {
    let (maker, element) = (here.registered("maker", "aoba"), here.element(&format!("e-{serial}")));
    let once = provenance.take_in("ito", &statement(&maker, &element, serial)).await.unwrap();
    let key = Key::new();
    let chain = ask(issuing, &once.device.to_string(), &once.code, &key, &shown(&element)).await.unwrap();
    (once, key, chain)
}

async fn from_the_makers_word_to_the_gate_certificate_and_its_end(here: Arc<Here>) {
    let (issuing, provenance) = here.open(false).await;
    let registry = issuing.registry().clone();
    let (maker, element) = (here.registered("maker", "aoba"), here.element("e-1"));
    let text = statement(&maker, &element, "1");
    let once = provenance.take_in("ito", &text).await.unwrap();
    assert!(once.token.as_ref().unwrap().starts_with("sekisho-once-"));
    assert!(!format!("{once:?}").contains(&once.code));
    assert_eq!(reasons(provenance.take_in("ito", &text).await), ["Q202"], "an element is in one device");
    assert_eq!(provenance.device(&once.device).await.unwrap().open(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);

    // First tier: another element is refused, and the code stays good for the right one.
    let name = once.device.to_string();
    let other = here.element("e-2");
    assert_eq!(ask(&issuing, &name, &once.code, &Key::new(), &shown(&other)).await, Err("E022"));
    let key = Key::new();
    let first = ask(&issuing, &name, &once.code, &key, &shown(&element)).await.unwrap();
    assert_eq!(ask(&issuing, &name, &once.code, &key, &[]).await.unwrap(), first, "asked again after a lost answer");
    assert_eq!(provenance.device(&once.device).await.unwrap().open(), [2, 3, 7, 8, 9, 10, 12]);

    // Before it stands at the site, the site goes on as before.
    let before = ask(&issuing, "clinic", &gate_code(&issuing).await, &Key::new(), &[]).await.unwrap();
    assert_eq!(reasons(provenance.stands_at("ito", &once.device, Some(&"nowhere".parse().unwrap())).await), ["Q204"]);
    provenance.stands_at("ito", &once.device, Some(&"clinic".parse().unwrap())).await.unwrap();
    let code = gate_code(&issuing).await;
    assert_eq!(ask(&issuing, "clinic", &code, &Key::new(), &[]).await, Err("E017"));
    assert_eq!(ask(&issuing, "clinic", &code, &Key::new(), &shown(&element)).await, Err("E018"));
    let (elsewhere, _, chain) = certified(&here, &issuing, &provenance, "9").await;
    assert_eq!(ask(&issuing, "clinic", &code, &Key::new(), &chain).await, Err("E019"));
    let gate = ask(&issuing, "clinic", &code, &Key::new(), &first).await.unwrap();
    // One that was given to nobody's device is not renewed, the device's own is.
    assert_eq!(renew(&issuing, &before).await, Err("E017"));
    let gate = {
        let renewed = renew(&issuing, &gate).await.unwrap();
        assert_ne!(renewed, gate);
        renewed
    };
    let first = renew(&issuing, &first).await.unwrap();

    // Revoked: everything of it, and what the site got before; the other device keeps its own.
    assert_eq!(provenance.revoke("ito", &once.device, Reason::KeyCompromise).await.unwrap(), 5);
    assert!(matches!(provenance.device(&once.device).await.unwrap().device.stand, DeviceStand::Revoked { .. }));
    assert_eq!(reasons(provenance.revoke("ito", &once.device, Reason::KeyCompromise).await), ["Q203"]);
    assert_eq!(renew(&issuing, &gate).await, Err("E012"));
    assert_eq!(renew(&issuing, &first).await, Err("E012"));
    let code = gate_code(&issuing).await;
    assert_eq!(ask(&issuing, "clinic", &code, &Key::new(), &first).await, Err("E018"), "and it is on the list");
    assert_eq!(ask(&issuing, "clinic", &code, &Key::new(), &[]).await, Err("E017"), "nor does the site fall back");
    assert_eq!(reasons(provenance.token("ito", &once.device).await), ["Q203"]);
    assert!(provenance.token("ito", &elsewhere.device).await.is_ok());

    let codes = codes(&registry).await;
    for wanted in ["A731", "A732", "A733", "A734", "A737", "A738", "A739"] {
        assert!(codes.contains(&wanted), "{wanted} of {codes:?}");
    }
    // The element of a revoked device may be taken in anew.
    assert!(provenance.take_in("ito", &text).await.is_ok());
}

async fn an_element_without_a_certificate_leaves_rows_to_people_and_functions_to_the_device(here: Arc<Here>) {
    let (issuing, provenance) = here.open(false).await;
    let (maker, element) = (here.registered("maker", "aoba"), here.element("e-1"));
    let once = provenance.take_in("ito", &statement(&maker, &element, "1")).await.unwrap();
    let (id, key) = (once.device, Key::new());
    let chain = ask(&issuing, &id.to_string(), &once.code, &key, &[]).await.unwrap();
    let open = async || provenance.device(&id).await.unwrap().open();
    assert_eq!(open().await, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);

    let text = report(id, &DeviceFact::ALL, NOW, &chain, &key);
    assert_eq!(provenance.report("", &text).await.unwrap(), id);
    assert_eq!(open().await, [1, 2, 4, 5, 6, 8]);
    for row in [1, 2, 4, 5, 6, 8] {
        provenance.answer("ito", &id, row, "delivery note 12, seal unbroken").await.unwrap();
    }
    assert!(open().await.is_empty());
    assert_eq!(reasons(provenance.answer("ito", &id, 12, "it works").await), ["Q205"]);
    assert_eq!(reasons(provenance.answer("ito", &id, 13, "x").await), ["Q206"]);
    assert_eq!(reasons(provenance.answer("ito", &id, 1, " ").await), ["Q207"]);
    assert_eq!(reasons(provenance.answer("ito", &DeviceId::from_random([3; 11]), 1, "x").await), ["Q201"]);

    // What it does not say any more does not hold any more; an old report told again changes nothing.
    let fewer = report(id, &[DeviceFact::IdInElement], NOW.plus_ms(1), &chain, &key);
    provenance.report("", &fewer).await.unwrap();
    assert_eq!(open().await, [7, 9, 10, 12]);
    provenance.report("", &text).await.unwrap();
    assert_eq!(open().await, [7, 9, 10, 12]);
    let forged = report(id, &DeviceFact::ALL, NOW, &chain, &Key::new());
    assert_eq!(reasons(provenance.report("", &forged).await), ["Q003"]);
    assert_eq!(reasons(provenance.report("", "no report").await), ["Q001"]);
}

async fn a_statement_that_is_not_believed_takes_nothing_in_and_is_on_record(here: Arc<Here>) {
    let (issuing, provenance) = here.open(true).await;
    let (centre, element) = (here.registered("registration-centre", "aoba"), here.element("e-1"));
    assert_eq!(reasons(provenance.take_in("ito", &statement(&centre, &element, "1")).await), ["P026"]);
    assert_eq!(reasons(provenance.take_in("ito", "nothing").await), ["Q001"]);
    assert!(provenance.devices(None).await.unwrap().devices.is_empty());
    assert_eq!(codes(issuing.registry()).await.iter().filter(|code| **code == "A732").count(), 2);
    // Where it is required, a site without equipment gets no certificate.
    let code = gate_code(&issuing).await;
    assert_eq!(ask(&issuing, "clinic", &code, &Key::new(), &[]).await, Err("E021"));
}

async fn a_list_comes_in_parts_and_a_revocation_that_was_cut_off_goes_on(here: Arc<Here>) {
    let (issuing, provenance) = here.open(false).await;
    let maker = here.registered("maker", "aoba");
    let mut ids = Vec::new();
    for n in 0..52 {
        // The elements differ by key, and a key of any certificate will do here.
        let element = here.registered("maker", &format!("e{n}"));
        *here.now.lock().unwrap() = NOW.plus_ms(n);
        ids.push(provenance.take_in("ito", &statement(&maker, &element, &n.to_string())).await.unwrap().device);
    }
    let first = provenance.devices(None).await.unwrap();
    let rest = provenance.devices(first.next).await.unwrap();
    let all: Vec<DeviceId> = first.devices.iter().chain(&rest.devices).map(|view| view.device.id).collect();
    assert_eq!((first.devices.len(), rest.next, all), (50, None, ids));

    // As a process that was killed after its first step leaves it.
    let (once, _, chain) = certified(&here, &issuing, &provenance, "x").await;
    let registry = issuing.registry();
    let mut record = registry.kept::<equipment::Device>(once.device.number()).await.unwrap().unwrap();
    record.value.stand = DeviceStand::Ending { at: NOW, by: "ito".into(), reason: "superseded".into() };
    let event = audit::Event::OperatorAction { operator: "ito".into(), action: "test".into(), target: None };
    registry.commit(registry::Commit::at(NOW).update(&record).event(event)).await.unwrap();
    assert_eq!(renew(&issuing, &chain).await, Err("E020"), "nothing is given to it meanwhile");
    assert_eq!(provenance.tend().await.unwrap(), 1);
    assert_eq!(renew(&issuing, &chain).await, Err("E012"));
    assert_eq!(provenance.tend().await.unwrap(), 0);
    assert!(Path::new(here.folder.path()).join("trust/equipment/issued-here.crl").exists());
    assert_eq!(issuing.certificates(&Identity::equipment(&once.device.to_string()).unwrap()).await.unwrap().len(), 1);
    assert_eq!(issuing.authority(Kind::Equipment).certificate().uris().len(), 0);
}

macro_rules! both {
    ($($name:ident)*) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() { super::$name(super::Here::sqlite()).await }
            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() { super::$name(super::Here::postgres().await).await }
        }
    )*};
}

both! {
    from_the_makers_word_to_the_gate_certificate_and_its_end
    an_element_without_a_certificate_leaves_rows_to_people_and_functions_to_the_device
    a_statement_that_is_not_believed_takes_nothing_in_and_is_on_record
    a_list_comes_in_parts_and_a_revocation_that_was_cut_off_goes_on
}
