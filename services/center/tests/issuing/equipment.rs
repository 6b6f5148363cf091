//! A device from its maker's word to the site's gate certificate and its end, at a running center: over EST with client
//! certificates, by the operator's API and pages (G1).

use audit::Digest;
use authority::{Authority, Issued};
use enrolment::{Client, Failure, Fetched, Key, OneTimeToken, ServerTrust};
use equipment::{
    DeviceFact, DeviceInformation, DeviceReport, ElementKind, ElementStatement, OperatorStatement, Signature,
    SignedInformation, SignedOperator, SignedReport, verify_operator,
};
use model::Timestamp;
use serde_json::json;
use std::fs;

use super::api::Program;
use super::browser::Browser;
use super::{DOCUMENT, Stage, layout, now};
use authority::CaKind;

const ALL: &str = "/api/v1/review/equipment";
const ONE: &str = "/api/v1/review/equipment/{device}";

type Shown = Option<(Vec<Vec<u8>>, Key)>;

async fn fetch(token: &OneTimeToken, key: &Key, shown: Shown) -> Result<Fetched, Failure> {
    let mut client = Client::reach(&token.url, &ServerTrust::Key(token.server_key), shown, "en").await?;
    client.enroll(&token.label, &token.name, &token.code, key).await
}

fn code(refused: Result<Fetched, Failure>) -> String {
    match refused {
        Err(Failure::Refused { code, .. }) => code.unwrap_or_default(),
        other => panic!("not refused: {other:?}"),
    }
}

fn statement(maker: &Issued, element: &Issued) -> String {
    let spki = pki::Certificate::parse(element.chain()[0]).unwrap().spki_der().to_vec();
    let device = DeviceInformation {
        maker: "aoba".parse().unwrap(),
        model: "GE-01".parse().unwrap(),
        serial: "0001".parse().unwrap(),
        made: "2026-01-01".parse().unwrap(),
        element: ElementStatement { kind: ElementKind::Pkcs11, serial: "e-1".parse().unwrap(), key: Digest::of(&spki) },
    };
    let signature = Signature::new(maker.chain(), &maker.sign(&device.signed_bytes()).unwrap());
    SignedInformation { device, signature }.to_toml()
}

/// What somebody shows in TLS.
fn shown(stage: &Stage, issued: &Issued, name: &str) -> Shown {
    let path = stage.path(name);
    keys::keep(&path, &issued.key_pem, 0o600).unwrap();
    Some((issued.chain().iter().map(|der| der.to_vec()).collect(), Key::in_file(&path).unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_goes_from_its_makers_word_to_the_gate_certificate_and_its_end_g1() {
    let mut stage = Stage::laid();
    let mut authority = Authority::open(&stage.path("test-ca")).unwrap();
    fs::create_dir_all(stage.path("trust/registration")).unwrap();
    fs::write(stage.path("trust/registration/0.der"), authority.ca_der(CaKind::Registration).unwrap()).unwrap();
    fs::write(stage.path("trust/registration/0.crl"), authority.crl_der(CaKind::Registration).unwrap()).unwrap();
    let maker = authority.issue_registered("maker", "aoba").unwrap();
    let (element, swapped) = (authority.issue_element("e-1").unwrap(), authority.issue_element("e-1").unwrap());
    // The VPN operator stands for the authority that the first start makes; the file is read when it is asked for.
    let config = fs::read_to_string(stage.path("center.toml")).unwrap();
    fs::write(stage.path("center.toml"), config + "[equipment]\noperator = \"operator.toml\"\n").unwrap();
    stage.start().await;
    let operator = authority.issue_registered("vpn-operator", "vpn-1").unwrap();
    let gates = equipment::read_pem_chain(&fs::read_to_string(stage.path("authorities/gate-ca.pem")).unwrap()).unwrap();
    let gates = pki::Certificate::parse(&gates[0]).unwrap();
    let provider = OperatorStatement { operator: "vpn-1".parse().unwrap(), authority: Digest::of(gates.spki_der()) };
    let signature = Signature::new(operator.chain(), &operator.sign(&provider.signed_bytes()).unwrap());
    fs::write(stage.path("operator.toml"), SignedOperator { provider, signature }.to_toml()).unwrap();
    let document = json!({"documents": [{"name": "clinic.toml", "text": DOCUMENT}]});
    assert_eq!(stage.operator("POST", "/v1/apply", document).await.0, 200);

    // Taken in, then the first tier: not for an element that was swapped.
    let mut program = Program::of_operator(&stage).await;
    program.refused("POST", ALL, "", json!({ "statement": "nothing" }), 422, "Q001").await;
    let (status, taken) = program.ask("POST", ALL, "", Some(json!({ "statement": statement(&maker, &element) }))).await;
    assert_eq!(status, 201, "{taken}");
    let device = taken["device"].as_str().unwrap().to_owned();
    let token = OneTimeToken::read(taken["token"].as_str().unwrap()).unwrap();
    assert_eq!(token.label, "equipment");
    let mut client = Client::reach(&token.url, &ServerTrust::Key(token.server_key), None, "en").await.unwrap();
    let told = client.get(wire::enrolment::OPERATOR).await.unwrap();
    let told = SignedOperator::from_toml(std::str::from_utf8(&told).unwrap()).unwrap();
    let (mut anchors, mut crls) = (pki::AnchorSet::new(), pki::CrlStore::new());
    let root = authority.ca_der(CaKind::Registration).unwrap();
    anchors.add(pki::TrustAnchor::new(&root, pki::Purpose::Registration).unwrap());
    crls.add(&authority.crl_der(CaKind::Registration).unwrap(), &anchors).unwrap();
    let at = Timestamp(now() * 1000);
    assert_eq!(verify_operator(&told, &gates, &anchors, &crls, at).unwrap().operator().id(), "vpn-1");
    let first_key = Key::in_file(&stage.path("first.key.pem")).unwrap();
    assert_eq!(code(fetch(&token, &first_key, shown(&stage, &swapped, "swapped.key.pem")).await), "E022");
    let first = fetch(&token, &first_key, shown(&stage, &element, "element.key.pem")).await.unwrap();
    let first_tier = || Some((first.chain.clone(), first_key.clone()));

    // Where it stands, the gate's certificate is for it alone.
    let place = format!("{ONE}/place");
    program.refused("PUT", &place, &device, json!({ "site": "nowhere" }), 404, "Q204").await;
    assert_eq!(program.ask("PUT", &place, &device, Some(json!({ "site": "clinic" }))).await.0, 204);
    let gate_token = stage.offer("urn:sekisho:gate:clinic").await;
    let without = gate::enroll(&gate_token, &layout(&stage.path("gate")), now(), "en").await;
    assert!(without.is_err(), "a machine that is not the device gets nothing with the token alone");
    let gate_token = OneTimeToken::read(&gate_token).unwrap();
    let gate_key = Key::in_file(&stage.path("gate.key.pem")).unwrap();
    assert_eq!(code(fetch(&gate_token, &gate_key, None).await), "E017");
    let gate = fetch(&gate_token, &gate_key, first_tier()).await.unwrap();
    let trust = || ServerTrust::Key(gate_token.server_key);
    let with_gate = || Some((gate.chain.clone(), gate_key.clone()));
    let mut client = Client::reach(&gate_token.url, &trust(), with_gate(), "en").await.unwrap();
    client.renew("gate", "clinic", &gate_key).await.unwrap();

    // What the device says of itself, brought by itself.
    let report = DeviceReport {
        device: device.parse().unwrap(),
        at: Timestamp(now() * 1000),
        facts: DeviceFact::ALL.into_iter().collect(),
    };
    let signature = Signature::new(&first.chain, &first_key.sign(&report.signed_bytes()).unwrap());
    let text = SignedReport { report, signature }.to_toml();
    let mut client = Client::reach(&gate_token.url, &trust(), None, "en").await.unwrap();
    let report_at = wire::enrolment::DEVICE_REPORT;
    client.post(report_at, "application/toml", text.clone().into_bytes()).await.unwrap();
    let mut client = Client::reach(&gate_token.url, &trust(), None, "en").await.unwrap();
    let forged = client.post(report_at, "application/toml", text.replace("access-", "").into_bytes()).await;
    assert!(matches!(forged, Err(Failure::Refused { .. })), "{forged:?}");
    let seen = program.get(ONE, &device).await;
    let open: Vec<u64> = seen["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["answer"] == "open")
        .filter_map(|row| row["number"].as_u64())
        .collect();
    assert_eq!(open, [2, 8], "{seen}");
    let mut browser = Browser::operator(&stage);
    browser.get("/review/equipment").await.says(200, &[device.as_str(), "GE-01 0001", "clinic"]);
    browser.get(&format!("/review/equipment/{device}")).await.says(200, &["id=\"row-12\"", "id=\"answer-8\""]);

    // Revoked: everything of it.
    let (status, ended) =
        program.ask("POST", &format!("{ONE}/revoke"), &device, Some(json!({ "reason": "keyCompromise" }))).await;
    assert_eq!((status, ended["certificates"].as_u64()), (200, Some(3)), "{ended}");
    let mut client = Client::reach(&gate_token.url, &trust(), with_gate(), "en").await.unwrap();
    assert_eq!(code(client.renew("gate", "clinic", &gate_key).await), "E012");
    let again = OneTimeToken::read(&stage.offer("urn:sekisho:gate:clinic").await).unwrap();
    let fresh = Key::in_file(&stage.path("fresh.key.pem")).unwrap();
    assert_eq!(code(fetch(&again, &fresh, first_tier()).await), "E018");
    assert_eq!(
        code(fetch(&again, &gate_key, first_tier()).await),
        "E013",
        "a key that leaked is never certified again"
    );
    stage.stop().await;
}
