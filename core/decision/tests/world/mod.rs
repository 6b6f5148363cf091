//! A clinic, a hospital and real certificates: a scene in which everything is permitted, and what tests change in it.

#![allow(dead_code, reason = "each test file uses a part")]

use authority::{Authority, CaKind, CardSpec, Issued, RevocationReason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use decision::{
    ApprovalQuestion, Approved, Confirmed, Consultation, Denial, GateStatus, Gates, HypotheticalQuestion, Permit,
    Question, Rival, Step, Trust, approve, decide, explain,
};
use model::*;
use pki::{
    AnchorSet, Challenge, CrlStore, PresentPerson, Purpose, TrustAnchor, VerifiedDevice, verify_challenge,
    verify_device, verify_person,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// 2026-11-21 09:00 in Japan.
pub const NOW: Timestamp = Timestamp(1_795_219_200_000);
const SECONDS: i64 = 1_795_219_200;
const DAY: i64 = 86_400;

const CLINIC: &str = r#"
[institution]
id = "aoba"
name = { ja = "青葉診療所", en = "Aoba Clinic" }
[site]
id = "clinic"
model = "small"
[gateway]
uplink = "sw1/1"
mac = "02:00:00:01:00:01"
ike_identity = "clinic.gate.sekisho.test"
[[line]]
id = "main"
kind = "internet"
address = "192.0.2.11"
[[switch]]
id = "sw1"
dpid = "0000000000000001"
[[segment]]
id = "exam-rooms"
zone = "secure"
vlan = 20
prefix = "10.1.20.0/24"
[[host]]
id = "exam-1"
segment = "exam-rooms"
address = "10.1.20.11"
mac = "02:00:00:01:20:11"
port = "sw1/3"
terminal = true
[[host]]
id = "exam-2"
segment = "exam-rooms"
address = "10.1.20.12"
mac = "02:00:00:01:20:12"
port = "sw1/4"
terminal = true
[[allow]]
who = { roles = ["Medical Doctor", "Pharmacist", "Wizard"] }
from = ["exam-1"]
service = "keyaki/records"
"#;

const HOSPITAL: &str = r#"
[institution]
id = "keyaki"
name = { ja = "けやき病院", en = "Keyaki Hospital" }
[site]
id = "hospital"
model = "large"
[gateway]
uplink = "sw1/1"
mac = "02:00:00:02:00:01"
ike_identity = "hospital.gate.sekisho.test"
[[line]]
id = "main"
kind = "internet"
address = "192.0.2.12"
[[switch]]
id = "sw1"
dpid = "0000000000000002"
[[segment]]
id = "servers"
zone = "dmz"
vlan = 10
prefix = "10.2.10.0/24"
[[host]]
id = "record-server"
segment = "servers"
address = "10.2.10.10"
mac = "02:00:00:02:10:10"
port = "sw1/3"
[[host]]
id = "desk"
segment = "servers"
address = "10.2.10.20"
mac = "02:00:00:02:10:20"
port = "sw1/4"
terminal = true
[[service]]
id = "records"
name = { ja = "診療情報の共有", en = "Record sharing" }
host = "record-server"
protocol = "tcp"
ports = [443]
roles = ["Medical Doctor", "Wizard"]
lease_minutes = 60
"#;

/// Slow to make, made once for all tests of a file.
pub struct Office {
    pub anchors: AnchorSet,
    pub crls: CrlStore,
    /// The same, with the consumer's signing certificate revoked.
    pub crls_after_revocation: CrlStore,
    /// The same, with both signing certificates revoked.
    pub crls_after_both_revocations: CrlStore,
    /// The same, without any list for institutions.
    pub crls_without_institutions: CrlStore,
    pub aoba: Issued,
    pub keyaki: Issued,
    pub midori: Issued,
    /// Expired before `NOW`, though its issuer is trusted and its list is fresh.
    pub expired_aoba: Issued,
    /// The same of the provider.
    pub expired_keyaki: Issued,
    /// Of an issuer with the right name and another key.
    pub forged_aoba: Issued,
    pub exam_1: VerifiedDevice,
    pub exam_2: VerifiedDevice,
    /// A terminal of the hospital.
    pub desk: VerifiedDevice,
    cards: BTreeMap<&'static str, Issued>,
}

pub static OFFICE: LazyLock<Office> = LazyLock::new(Office::new);

impl Office {
    fn new() -> Self {
        let folder = || tempfile::tempdir().unwrap();
        let (dir, old_dir, forged_dir) = (folder(), folder(), folder());
        let mut authority = Authority::new(dir.path(), SECONDS).unwrap();
        let mut old = Authority::new(old_dir.path(), SECONDS - 1000 * DAY).unwrap();
        let mut forged = Authority::new(forged_dir.path(), SECONDS).unwrap();
        let mut anchors = AnchorSet::new();
        for (kind, purpose) in [
            (CaKind::HpkiRoot, Purpose::HpkiAuthentication),
            (CaKind::Device, Purpose::Device),
            (CaKind::Institution, Purpose::Institution),
        ] {
            anchors.add(TrustAnchor::new(&authority.ca_der(kind).unwrap(), purpose).unwrap());
        }
        anchors.add(TrustAnchor::new(&old.ca_der(CaKind::Institution).unwrap(), Purpose::Institution).unwrap());
        anchors.add_intermediate(&authority.ca_der(CaKind::HpkiAuthentication).unwrap()).unwrap();
        let mut institution = |id: &str| authority.issue_institution(id).unwrap();
        let (aoba, keyaki, midori) = (institution("aoba"), institution("keyaki"), institution("midori"));
        let expired_keyaki = old.issue_institution("keyaki").unwrap();
        let expired_aoba = old.issue_institution("aoba").unwrap();
        let old_list = old.write_crl(CaKind::Institution, SECONDS, SECONDS + DAY).unwrap().der;
        let store = |lists: &[Vec<u8>]| {
            let mut crls = CrlStore::new();
            for list in lists {
                crls.add(list, &anchors).unwrap();
            }
            crls
        };
        let list = |kind| authority.crl_der(kind).unwrap();
        let people_and_devices = [CaKind::HpkiRoot, CaKind::HpkiAuthentication, CaKind::Device].map(list);
        let crls_without_institutions = store(&people_and_devices);
        let with =
            |institutions: Vec<u8>| store(&[&people_and_devices[..], &[institutions, old_list.clone()]].concat());
        let crls = with(authority.crl_der(CaKind::Institution).unwrap());
        let cards = [("Medical Doctor", "SATO HANAKO"), ("Pharmacist", "SUZUKI TARO"), ("Wizard", "TANAKA JIRO")]
            .map(|(role, name)| (role, authority.issue_card(&CardSpec::new(name, role)).unwrap()));
        let mut device = |site: &str, host: &str| {
            let issued = authority.issue_device(site, host).unwrap();
            verify_device(&issued.chain(), &anchors, &crls, SECONDS).unwrap()
        };
        let (exam_1, exam_2) = (device("clinic", "exam-1"), device("clinic", "exam-2"));
        let desk = device("hospital", "desk");
        authority.revoke_issued(&aoba, RevocationReason::KeyCompromise).unwrap();
        let crls_after_revocation = with(authority.write_crl(CaKind::Institution, SECONDS, SECONDS + DAY).unwrap().der);
        authority.revoke_issued(&keyaki, RevocationReason::Superseded).unwrap();
        let crls_after_both_revocations =
            with(authority.write_crl(CaKind::Institution, SECONDS, SECONDS + DAY).unwrap().der);
        Self {
            crls,
            crls_after_revocation,
            crls_after_both_revocations,
            crls_without_institutions,
            aoba,
            keyaki,
            midori,
            expired_aoba,
            expired_keyaki,
            forged_aoba: forged.issue_institution("aoba").unwrap(),
            exam_1,
            exam_2,
            desk,
            cards: cards.into_iter().collect(),
            anchors,
        }
    }

    /// The person with this role confirms a request with the card.
    pub fn confirm(&self, role: &str, request: &ConnectionRequest) -> PresentPerson {
        self.signs(role, request.signed_bytes())
    }

    /// The person with this role signs in at a terminal with the card.
    pub fn sign_in(&self, role: &str, at: &HostRef) -> PresentPerson {
        self.signs(role, SignIn { at: at.clone() }.signed_bytes())
    }

    fn signs(&self, role: &str, what: Vec<u8>) -> PresentPerson {
        let card = &self.cards[role];
        let person = verify_person(&card.chain(), &self.anchors, &self.crls, SECONDS).unwrap();
        let challenge =
            Challenge { nonce: [7; 32], tls_exporter: [8; 32], request_digest: Sha256::digest(what).into() };
        verify_challenge(person, &challenge, &card.sign(&challenge.message()).unwrap()).unwrap()
    }
}

/// What an institution writes under an agreement.
pub fn sign(agreement: &Agreement, signer: &Issued) -> AgreementSignature {
    AgreementSignature {
        certificate: signer.chain_pem.clone(),
        value: STANDARD.encode(signer.sign(&agreement.signed_bytes()).unwrap()),
    }
}

/// Agreement `A-0012` between clinic and hospital, signed by both.
pub fn agreement(from: Timestamp, until: Timestamp) -> Agreement {
    let mut agreement = Agreement {
        id: "A-0012".parse().unwrap(),
        consumer: "aoba".parse().unwrap(),
        provider: "keyaki".parse().unwrap(),
        service: "keyaki/records".parse().unwrap(),
        valid_from: from,
        valid_until: until,
        signatures: BTreeMap::new(),
    };
    let signatures =
        [(Side::Consumer, sign(&agreement, &OFFICE.aoba)), (Side::Provider, sign(&agreement, &OFFICE.keyaki))];
    agreement.signatures.extend(signatures);
    agreement
}

/// Everything a question borrows.
#[derive(Debug, Clone)]
pub struct Scene {
    pub request: ConnectionRequest,
    pub person: PresentPerson,
    pub device: VerifiedDevice,
    pub network: Network,
    pub crls: CrlStore,
    pub gates: Gates,
    pub already_open: Option<GrantId>,
    pub confirmed: Confirmed,
    pub rivals: Vec<Rival>,
    pub approved: Option<Arc<Approved>>,
    pub approval_refused: bool,
    pub now: Timestamp,
}

static PERMITTED: LazyLock<Scene> = LazyLock::new(|| {
    let documents = [("clinic", CLINIC), ("hospital", HOSPITAL)].map(|(n, text)| parse_document(n, text).unwrap());
    let mut network = Network::default().with(&documents).unwrap();
    let agreement = agreement(NOW.plus_ms(-DAY * 1000), NOW.plus_ms(30 * DAY * 1000));
    network.agreements.insert(agreement.id.clone(), agreement);
    network.checksheets = authority::answered_checksheets(&network);
    let request =
        ConnectionRequest { from: "clinic/exam-1".parse().unwrap(), service: "keyaki/records".parse().unwrap() };
    Scene {
        person: OFFICE.confirm("Medical Doctor", &request),
        request,
        device: OFFICE.exam_1.clone(),
        network,
        crls: OFFICE.crls.clone(),
        gates: Gates { origin: GateStatus::Connected, destination: GateStatus::Connected },
        already_open: None,
        confirmed: Confirmed::Request,
        rivals: Vec::new(),
        approved: None,
        approval_refused: false,
        now: NOW,
    }
});

impl Scene {
    /// A doctor of the clinic, at a registered terminal, asks for what both institutions agreed upon.
    pub fn permitted() -> Self {
        PERMITTED.clone()
    }

    pub fn decide(&self) -> Result<Permit, Denial> {
        decide(&Question {
            request: &self.request,
            person: &self.person,
            device: &self.device,
            confirmed: self.confirmed,
            rivals: &self.rivals,
            approval: self.consultation(),
            network: &self.network,
            trust: Trust { anchors: &OFFICE.anchors, revocation: (&self.crls).into() },
            gates: self.gates,
            already_open: self.already_open,
            grant: GrantId(41),
            now: self.now,
        })
    }

    pub fn explain(&self) -> Vec<Step> {
        explain(&HypotheticalQuestion {
            request: &self.request,
            role: self.person.person().role().text(),
            network: &self.network,
            trust: Trust { anchors: &OFFICE.anchors, revocation: (&self.crls).into() },
            gates: self.gates,
            already_open: self.already_open,
            rivals: &self.rivals,
            answer: self.consultation().answer(&self.request, self.person.person().fingerprint(), self.now),
            now: self.now,
        })
    }

    fn consultation(&self) -> Consultation<'_> {
        match &self.approved {
            Some(approved) => Consultation::Given(approved),
            None if self.approval_refused => Consultation::Refused,
            None => Consultation::Open,
        }
    }

    /// The person of this scene signed in at the terminal instead of confirming the request.
    pub fn in_session(&mut self, until: Timestamp) {
        self.person = OFFICE.sign_in(self.person.person().role().text().to_owned().as_str(), &self.request.from);
        self.confirmed = Confirmed::SignIn { until, cut: false };
    }

    /// Somebody with this role, signed in at a terminal of the hospital, agrees to what this scene asks.
    pub fn approved_by(&self, role: &str, at: &str, device: &VerifiedDevice) -> Result<Approved, Denial> {
        let at: HostRef = at.parse().unwrap();
        let asker = self.person.person();
        approve(&ApprovalQuestion {
            request: &self.request,
            asker: *asker.fingerprint(),
            asker_identity: &asker.identity(),
            person: &OFFICE.sign_in(role, &at),
            at: &at,
            device,
            network: &self.network,
            trust: Trust { anchors: &OFFICE.anchors, revocation: (&self.crls).into() },
            now: self.now,
        })
    }

    /// The service needs the approval of a pharmacist.
    pub fn needs_approval(&mut self) {
        self.service().unwrap().approval = Some(Approval { wait_ms: 60_000, roles: vec!["Pharmacist".into()] });
    }

    pub fn codes(&self) -> Vec<String> {
        self.decide().err().map(|denial| denial.codes().into_iter().map(str::to_owned).collect()).unwrap_or_default()
    }

    pub fn site(&mut self, id: &str) -> Option<&mut Site> {
        self.network.sites.get_mut(&id.parse::<SiteId>().unwrap())
    }

    pub fn sheet(&mut self, site: &str) -> &mut Checksheet {
        self.network.checksheets.get_mut(&site.parse::<SiteId>().unwrap()).unwrap()
    }

    pub fn service(&mut self) -> Option<&mut Service> {
        self.network.services.get_mut(&self.request.service)
    }

    pub fn agreement(&mut self) -> Option<&mut Agreement> {
        self.network.agreements.values_mut().next()
    }

    pub fn put_agreement(&mut self, agreement: Agreement) {
        self.network.agreements.insert(agreement.id.clone(), agreement);
    }

    /// The signature of one side, made anew by somebody.
    pub fn sign_by(&mut self, side: Side, signer: &Issued) {
        if let Some(agreement) = self.agreement() {
            let signature = sign(agreement, signer);
            agreement.signatures.insert(side, signature);
        }
    }

    pub fn person_with(&mut self, role: &str) {
        self.person = OFFICE.confirm(role, &self.request);
    }

    pub fn zone(&mut self, site: &str, zone: Zone) {
        if let Some(site) = self.site(site) {
            site.segments.values_mut().for_each(|segment| segment.zone = zone);
        }
    }
}
