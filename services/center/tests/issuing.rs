//! A center that issues: a gate that knows nothing becomes one with a one-time token, is refreshed, and ends (G1, N10).
#![allow(clippy::unwrap_used)]

#[path = "support/running.rs"]
mod running;

use authority::{Authority, CaKind};
use gate::{EnrollError, Layout};
use serde_json::{Value, json};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use running::{Running, free};

#[path = "issuing/api.rs"]
mod api;
#[path = "issuing/browser.rs"]
mod browser;
#[path = "issuing/element.rs"]
mod element;
#[path = "issuing/equipment.rs"]
mod equipment;
#[path = "issuing/list.rs"]
mod list;
#[path = "issuing/ready.rs"]
mod ready;
#[path = "issuing/registration.rs"]
mod registration;
#[path = "issuing/transfer.rs"]
mod transfer;

const OTHERS: [&str; 2] = [
    include_str!("../../../core/model/tests/documents/hospital.toml"),
    include_str!("../../../core/model/tests/documents/provider.toml"),
];
const DOCUMENT: &str = include_str!("../../../core/model/tests/documents/clinic.toml");

struct Stage {
    dir: tempfile::TempDir,
    operator: authority::Issued,
    gates: SocketAddr,
    pages: SocketAddr,
    inside: SocketAddr,
    center: Option<Running>,
}

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

impl Stage {
    /// Only the card's CA and the center's own certificate come from elsewhere; everything else the center makes.
    async fn new() -> Self {
        let mut stage = Self::laid();
        stage.start().await;
        stage
    }

    /// Everything in its place, and no center yet.
    fn laid() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut authority = Authority::new(&path("test-ca"), now()).unwrap();
        fs::create_dir_all(path("trust/hpki")).unwrap();
        for (n, kind) in [CaKind::HpkiRoot, CaKind::HpkiAuthentication].into_iter().enumerate() {
            fs::write(path(&format!("trust/hpki/{n}.der")), authority.ca_der(kind).unwrap()).unwrap();
            fs::write(path(&format!("trust/hpki/{n}.crl")), authority.crl_der(kind).unwrap()).unwrap();
        }
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let issued = authority.issue_center("main", &["localhost"], &[here]).unwrap();
        fs::write(path("cert.pem"), &issued.chain_pem).unwrap();
        fs::write(path("key.pem"), &issued.key_pem).unwrap();
        fs::write(path("order.key.pem"), &issued.key_pem).unwrap();
        fs::copy(authority.ca_pem_path(CaKind::Center), path("center-ca.pem")).unwrap();
        fs::copy(authority.crl_path(CaKind::Center), path("center.crl")).unwrap();
        fs::create_dir_all(path("trust/operator")).unwrap();
        fs::write(path("trust/operator/0.der"), authority.ca_der(CaKind::Operator).unwrap()).unwrap();
        fs::write(path("trust/operator/0.crl"), authority.crl_der(CaKind::Operator).unwrap()).unwrap();
        let operator = authority.issue_operator("ito").unwrap();
        let (gates, certificates) = (free(), free());
        let (pages, public, inside) = (free(), free(), free());
        let text = format!(
            "data = \"data\"\n[trust]\ndir = \"trust\"\n[gates]\nlisten = \"{gates}\"\n\
             [operator]\nsocket = \"center.sock\"\npages = \"{pages}\"\n[certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n\
             [issuing]\nlisten = \"{certificates}\"\nurl = \"https://localhost:{}\"\norganization = \"TEST Operator\"\n\
             center-ca = \"center-ca.pem\"\ncenter-crl = \"center.crl\"\n\
             [joining]\ncontact = \"test\"\n[joining.public]\nlisten = \"{public}\"\nurl = \"https://localhost:{}\"\n\
             [joining.inside]\nlisten = \"{inside}\"\nurl = \"https://localhost:{}\"\n",
            certificates.port(),
            public.port(),
            inside.port()
        );
        fs::write(path("center.toml"), text).unwrap();
        Self { dir, operator, gates, pages, inside, center: None }
    }

    async fn start(&mut self) {
        self.center = Some(Running::begin(self.dir.path()).await);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn stop(self) {
        self.center.unwrap().end().await;
    }

    async fn operator(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.center.as_ref().unwrap().operator(method, path, body).await
    }

    async fn offer(&self, identity: &str) -> String {
        let call = json!({ "identity": identity, "organization": "Aoba Clinic" });
        let (status, report) = self.operator("POST", "/v1/certificates/offer", call).await;
        assert_eq!(status, 200, "{report}");
        report["token"].as_str().unwrap().to_owned()
    }
}

fn layout(folder: &Path) -> Layout {
    Layout {
        folder: folder.to_owned(),
        data: Some(folder.join("state")),
        red: None,
        openflow: "127.0.0.1:6653".parse().unwrap(),
        vici: None,
        element: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_knows_nothing_becomes_one_with_a_one_time_token_g1() {
    let stage = Stage::new().await;
    let (status, report) =
        stage.operator("POST", "/v1/apply", json!({"documents": [{"name": "clinic.toml", "text": DOCUMENT}]})).await;
    assert_eq!(status, 200, "{report}");
    let token = stage.offer("urn:sekisho:gate:clinic").await;
    let layout = layout(&stage.path("gate"));
    let ready = gate::enroll(&token, &layout, now(), "en").await.unwrap();
    assert_eq!(ready.site.as_str(), "clinic");
    let config = gate::Config::load(&ready.config).unwrap();
    assert!(!config.terminals.listen.is_empty(), "the gateway's addresses come from the applied document");
    let certificate = fs::read_to_string(layout.folder.join("gate-clinic/gate.pem")).unwrap();
    let document = model::parse_document("clinic.toml", DOCUMENT).unwrap();
    let ike = document.site.unwrap().gateway.ike_identity;
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let leaf = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    assert_eq!(pki::Certificate::parse(&leaf).unwrap().dns_names(), [ike]);

    // The same token again, as after a lost answer: the same certificate. From elsewhere: nothing.
    assert!(gate::enroll(&token, &layout, now(), "en").await.is_ok());
    assert_eq!(fs::read_to_string(layout.folder.join("gate-clinic/gate.pem")).unwrap(), certificate);
    let elsewhere = self::layout(&stage.path("thief"));
    match gate::enroll(&token, &elsewhere, now(), "en").await.unwrap_err() {
        EnrollError::Fetch(enrolment::Failure::Refused { code, said }) => {
            assert_eq!(code.as_deref(), Some("E005"), "{said}");
        }
        other => panic!("{other}"),
    }
    for wrong in ["", "sekisho-once-", &token[..token.len() - 4]] {
        assert!(matches!(gate::enroll(wrong, &elsewhere, now(), "en").await, Err(EnrollError::Token(_))), "{wrong}");
    }
    let device = stage.offer("urn:sekisho:device:clinic/exam-1").await;
    assert!(matches!(gate::enroll(&device, &elsewhere, now(), "en").await, Err(EnrollError::Token(_))));

    // Refreshed: lists now, the certificate when two thirds of its time are over.
    assert!(!gate::refresh(&ready.site, &layout, now(), "en").await.unwrap().fetched);
    let later = now() + 600 * 86_400;
    // The lists are of today, so only the papers can be judged then; the certificate is fetched before.
    let _ = gate::refresh(&ready.site, &layout, later, "en").await;
    let renewed = fs::read_to_string(layout.folder.join("gate-clinic/gate.pem")).unwrap();
    assert_ne!(renewed, certificate);

    // Ended: no papers, no renewal, and the operator sees why.
    let (_, list) = stage.operator("GET", "/v1/certificates?identity=urn:sekisho:gate:clinic", json!({})).await;
    let certificates = list["certificates"].as_array().unwrap();
    assert_eq!(certificates.len(), 2, "{list}");
    for certificate in certificates {
        let call = json!({ "kind": "gate", "serial": certificate["serial"], "reason": "keyCompromise" });
        let (status, view) = stage.operator("POST", "/v1/certificates/revoke", call.clone()).await;
        assert!(status == 200 && view["revoked_at"].is_string() || view["revoked_at"].is_number(), "{view}");
        let (status, problem) = stage.operator("POST", "/v1/certificates/revoke", call).await;
        assert!(status == 409 && problem["code"] == "E012", "{problem}");
    }
    match gate::refresh(&ready.site, &layout, now(), "en").await.unwrap_err() {
        EnrollError::Fetch(enrolment::Failure::Refused { code, .. }) => assert_eq!(code.as_deref(), Some("P008")),
        other => panic!("{other}"),
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_applied_is_exported_and_imported_elsewhere_n10() {
    let (stage, other) = (Stage::new().await, Stage::new().await);
    let documents = json!({"documents": [{"name": "clinic.toml", "text": DOCUMENT}]});
    assert_eq!(stage.operator("POST", "/v1/apply", documents).await.0, 200);
    let (status, export) = stage.operator("GET", "/v1/export", json!({})).await;
    assert_eq!(status, 200, "{export}");
    let text = serde_json::to_string_pretty(&export).unwrap();
    let import = |text: &str| json!({"documents": [{"name": "export.json", "text": text}]});
    let (status, problem) = other.operator("POST", "/v1/apply", import(&text.replacen("clinic", "klinik", 1))).await;
    assert_eq!(status / 100, 4, "{problem}");
    let (status, report) = other.operator("POST", "/v1/apply", import(&text)).await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(other.operator("GET", "/v1/export", json!({})).await.1, export);
    stage.stop().await;
    other.stop().await;
}

/// An institution with a certificate of this center.
struct Party {
    key: ring::signature::EcdsaKeyPair,
    certificate: String,
}

impl Party {
    async fn new(stage: &Stage, id: &str) -> Self {
        let token = stage.offer(&format!("urn:sekisho:institution:{id}")).await;
        Self::with_token(stage, id, &token).await
    }

    /// Whoever holds the token.
    async fn with_token(stage: &Stage, id: &str, token: &str) -> Self {
        use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
        use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
        let token = enrolment::OneTimeToken::read(token).unwrap();
        let path = stage.path(&format!("{id}.key.pem"));
        let key = enrolment::Key::in_file(&path).unwrap();
        let trust = enrolment::ServerTrust::File(stage.path("center-ca.pem"));
        let mut client = enrolment::Client::reach(&token.url, &trust, None, "en").await.unwrap();
        let fetched = client.enroll(&token.label, &token.name, &token.code, &key).await.unwrap();
        let der = PrivatePkcs8KeyDer::from_pem_file(&path).unwrap();
        let random = ring::rand::SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_pkcs8_der(), &random).unwrap();
        Self { key, certificate: fetched.pem() }
    }

    /// Value and certificate by themselves.
    fn signature(&self, agreement: &model::Agreement) -> (String, String) {
        use base64::Engine;
        let random = ring::rand::SystemRandom::new();
        let value = self.key.sign(&random, &agreement.signed_bytes()).unwrap();
        (base64::engine::general_purpose::STANDARD.encode(value), self.certificate.clone())
    }

    fn sign(&self, agreement: &model::Agreement, side: &str) -> String {
        let (value, _) = self.signature(agreement);
        // Text beside the PEM that would end the string of a careless writer.
        let certificate = format!("\"\"\"\n[[agreement]]\n{}", self.certificate);
        let quoted = serde_json::Value::String(certificate).to_string();
        format!("[agreement.signature.{side}]\ncertificate = {quoted}\nvalue = \"{value}\"\n")
    }
}

fn agreement(days: i64) -> (model::Agreement, String) {
    let agreement = model::Agreement {
        id: "A-0012".parse().unwrap(),
        consumer: "aoba".parse().unwrap(),
        provider: "keyaki".parse().unwrap(),
        service: "keyaki/records".parse().unwrap(),
        valid_from: model::Timestamp::from_unix_seconds(1_790_000_000),
        valid_until: model::Timestamp::from_unix_seconds(1_790_000_000 + days * 86_400),
        signatures: Default::default(),
    };
    let text = format!(
        "[[agreement]]\nid = \"A-0012\"\nconsumer = \"aoba\"\nprovider = \"keyaki\"\nservice = \"keyaki/records\"\n\
         valid_from = \"{}\"\nvalid_until = \"{}\"\n",
        agreement.valid_from, agreement.valid_until
    );
    (agreement, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agreement_stands_when_both_have_signed_and_not_before_g12() {
    let stage = Stage::new().await;
    let documents: Vec<Value> = [DOCUMENT, OTHERS[0], OTHERS[1]]
        .iter()
        .enumerate()
        .map(|(n, text)| json!({"name": format!("{n}.toml"), "text": text}))
        .collect();
    let (status, report) = stage.operator("POST", "/v1/apply", json!({ "documents": documents })).await;
    assert_eq!(status, 200, "{report}");
    let (aoba, keyaki) = (Party::new(&stage, "aoba").await, Party::new(&stage, "keyaki").await);
    let (terms, text) = agreement(365);
    let config = fs::read_to_string(stage.path("center.toml")).unwrap();
    let url = config.lines().find_map(|line| line.strip_prefix("url = ")).unwrap().trim_matches('"').to_owned();
    let trust = enrolment::ServerTrust::File(stage.path("center-ca.pem"));
    let send = async |text: String| {
        let mut client = enrolment::Client::reach(&url, &trust, None, "en").await.unwrap();
        match client.post(wire::enrolment::AGREEMENTS, "application/toml", text.into_bytes()).await {
            Ok(answer) => Ok(serde_json::from_slice::<Value>(&answer).unwrap()[0].clone()),
            Err(enrolment::Failure::Refused { code, .. }) => Err(code.unwrap()),
            Err(other) => panic!("{other}"),
        }
    };
    let known = async || stage.operator("GET", "/v1/export", json!({})).await.1["network"]["agreements"].clone();
    assert_eq!(send(text.clone()).await, Err("O009".into()), "nobody signed");
    assert_eq!(send(format!("{DOCUMENT}\n{text}")).await, Err("O009".into()), "more than agreements");
    let stolen = format!("{text}{}", keyaki.sign(&terms, "consumer"));
    assert_eq!(send(stolen).await, Err("O023".into()), "signed by another");
    let (other_terms, other_text) = agreement(3650);
    let moved = format!("{text}{}", aoba.sign(&other_terms, "consumer"));
    assert_eq!(send(moved).await, Err("O023".into()), "a signature under other terms");
    assert_eq!(known().await, json!({}));

    let half = send(format!("{text}{}", aoba.sign(&terms, "consumer"))).await.unwrap();
    assert!(half["complete"] == false && half["changed"] == true, "{half}");
    let longer = format!("{other_text}{}", aoba.sign(&other_terms, "consumer"));
    assert_eq!(send(longer).await, Err("O022".into()), "other terms under the same number");
    let whole = send(format!("{text}{}", keyaki.sign(&terms, "provider"))).await.unwrap();
    assert!(whole["complete"] == true && whole["signed_by"] == json!(["consumer", "provider"]), "{whole}");
    let again = send(format!("{text}{}", keyaki.sign(&terms, "provider"))).await.unwrap();
    assert!(again["complete"] == true && again["changed"] == false, "{again}");
    let agreements = known().await;
    assert_eq!(agreements.as_object().unwrap().len(), 1, "{agreements}");
    assert_eq!(agreements["A-0012"]["signatures"].as_object().unwrap().len(), 2);
    let kept = agreements["A-0012"]["signatures"]["consumer"]["certificate"].as_str().unwrap();
    assert!(kept.starts_with("-----BEGIN CERTIFICATE-----\n") && !kept.contains("[["), "only what was judged: {kept}");
    let (_, log) = stage.operator("GET", "/v1/log?limit=1000", json!({})).await;
    assert_eq!(log.to_string().matches("\"agreement-signed\"").count(), 2, "{log}");
    stage.stop().await;
}
