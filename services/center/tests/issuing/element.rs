//! A gate whose key is made in a secure element becomes one, and is renewed with the same key (G1).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use audit::Digest;
use authority::{Authority, CaKind, Issued};
use equipment::{
    Action, DeviceId, DeviceInformation, ElementKind, ElementStatement, OperatorStatement, Package, Permit, Signature,
    SignedInformation, SignedOperator, SignedPermit,
};
use gate::{Config, Element, Provenance, Trust};
use serde_json::json;

use crate::api::Program;
use crate::running::IN_A_CHILD;
use crate::{DOCUMENT, Stage, layout, now};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const NAME: &str = "element::a_gate_is_enrolled_with_a_key_that_never_leaves_its_element_g1";
const YEAR: i64 = 365 * 86_400;
const ALL: &str = "/api/v1/review/equipment";
const ONE: &str = "/api/v1/review/equipment/{device}";

#[test]
fn a_gate_is_enrolled_with_a_key_that_never_leaves_its_element_g1() {
    in_a_child(NAME, body);
}

/// PKCS#11 reads its configuration from the environment when it is loaded: so the body runs in a child of its test.
fn in_a_child<F: Future<Output = ()>>(name: &str, body: impl FnOnce(PathBuf) -> F) {
    if let Some(dir) = std::env::var_os(IN_A_CHILD) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(body(dir.into()));
    }
    let dir = tempfile::tempdir().unwrap();
    let (conf, tokens) = (dir.path().join("softhsm2.conf"), dir.path().join("tokens"));
    fs::create_dir(&tokens).unwrap();
    fs::write(&conf, format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display())).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "clinic", "--so-pin", "12345678", "--pin", "4321"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(IN_A_CHILD, dir.path())
        .env("SOFTHSM2_CONF", conf)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

async fn body(dir: PathBuf) {
    let stage = Stage::new().await;
    let (status, report) =
        stage.operator("POST", "/v1/apply", json!({"documents": [{"name": "clinic.toml", "text": DOCUMENT}]})).await;
    assert_eq!(status, 200, "{report}");
    let token = stage.offer("urn:sekisho:gate:clinic").await;
    let pin = dir.join("pin");
    fs::write(&pin, "4321\n").unwrap();
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o644)).unwrap();
    let typed = format!("module={MODULE},token=clinic,pin-file={}", pin.display());
    let element: Element = typed.parse().unwrap();
    let layout = gate::Layout { element: Some(element.clone()), ..layout(&stage.path("gate")) };

    let open = gate::enroll(&token, &layout, now(), "en").await.unwrap_err().to_string();
    assert!(open.contains("others may read") && open.contains("chmod 600"), "{open}");
    fs::set_permissions(&pin, fs::Permissions::from_mode(0o600)).unwrap();
    let elsewhere = Element { token: "hospital".into(), ..element.clone() };
    let elsewhere = gate::Layout { element: Some(elsewhere), ..layout.clone() };
    let missing = gate::enroll(&token, &elsewhere, now(), "en").await.unwrap_err().to_string();
    assert!(missing.contains("hospital") && missing.contains("clinic"), "{missing}");

    let ready = gate::enroll(&token, &layout, now(), "en").await.unwrap();
    let papers = layout.folder.join("gate-clinic");
    for file in fs::read_dir(&papers).unwrap() {
        let file = file.unwrap().path();
        assert!(!fs::read_to_string(&file).unwrap().contains("PRIVATE KEY"), "{}", file.display());
    }
    let config = Config::load(&ready.config).unwrap();
    assert_eq!((config.certificates.key.clone(), config.certificates.element.clone()), (None, Some(element.clone())));
    Trust::new(&config, now()).unwrap();
    let listed = on_token();
    assert!(listed.contains("always sensitive, never extractable, local"), "{listed}");
    assert_eq!(listed.matches("Certificate Object").count(), 1, "{listed}");

    // In time the same key gets a new certificate; nobody says again where it lies.
    let first = fs::read_to_string(papers.join("gate.pem")).unwrap();
    let forgotten = gate::Layout { element: None, ..layout.clone() };
    let again = gate::refresh(&"clinic".parse().unwrap(), &forgotten, now() + 3 * YEAR / 2, "en").await;
    // Its lists do not reach that far, so the check at the end says no; the certificate is there by then.
    assert!(again.is_err());
    assert_ne!(fs::read_to_string(papers.join("gate.pem")).unwrap(), first);
    assert!(gate::refresh(&"clinic".parse().unwrap(), &forgotten, now(), "en").await.is_ok());
    let config = Config::load(&ready.config).unwrap();
    assert_eq!(config.certificates.element.as_ref(), Some(&element));
    Trust::new(&config, now()).unwrap();
    assert_eq!(on_token().matches("Certificate Object").count(), 1);
    assert!(!papers.join("gate.key.pem").exists());

    // Another key's certificate, another PIN, no key: each is told with its mend.
    fs::write(papers.join("gate.pem"), first.replace("BEGIN CERTIFICATE", "BEGIN NOTHING")).unwrap();
    assert!(Trust::new(&config, now()).is_err());
    fs::write(papers.join("gate.pem"), &first).unwrap();
    let with = |element: Element| {
        let mut config = config.clone();
        config.certificates.element = Some(element);
        Trust::new(&config, now()).unwrap_err().to_string()
    };
    let lost = with(Element { key: "lost".into(), ..element.clone() });
    assert!(lost.contains("labelled lost") && lost.contains("enroll --element"), "{lost}");
    fs::write(&pin, "9999\n").unwrap();
    let wrong = with(element);
    assert!(wrong.contains("refused the PIN"), "{wrong}");
    stage.stop().await;
}

fn on_token() -> String {
    let output = Command::new("pkcs11-tool")
        .args(["--module", MODULE, "--token-label", "clinic", "--login", "--pin", "4321", "--list-objects"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A device with its two tiers of keys in one element: from its maker's word to a gate, and to what it says of itself.
#[test]
fn a_device_keeps_both_tiers_in_its_element_and_reports_what_it_tried_g1() {
    in_a_child("element::a_device_keeps_both_tiers_in_its_element_and_reports_what_it_tried_g1", both_tiers);
}

async fn both_tiers(dir: PathBuf) {
    let mut stage = Stage::laid();
    let mut authority = Authority::open(&stage.path("test-ca")).unwrap();
    let registration = stage.path("trust/registration");
    fs::create_dir_all(&registration).unwrap();
    fs::write(registration.join("0.der"), authority.ca_der(CaKind::Registration).unwrap()).unwrap();
    fs::write(registration.join("0.crl"), authority.crl_der(CaKind::Registration).unwrap()).unwrap();
    let maker = authority.issue_registered("maker", "aoba").unwrap();
    let centre = authority.issue_registered("registration-centre", "centre-1").unwrap();
    let provisional = authority.issue_element("e-1").unwrap();
    let operator = authority.issue_registered("vpn-operator", "vpn-1").unwrap();
    let config = fs::read_to_string(stage.path("center.toml")).unwrap();
    fs::write(stage.path("center.toml"), config + "[equipment]\noperator = \"operator.toml\"\n").unwrap();
    fs::write(stage.path("operator.toml"), "").unwrap();
    stage.start().await;
    let document = json!({"documents": [{"name": "clinic.toml", "text": DOCUMENT}]});
    assert_eq!(stage.operator("POST", "/v1/apply", document).await.0, 200);
    // The supplier's work: the provisional key is in the element.
    let imported = Command::new("softhsm2-util")
        .args(["--token", "clinic", "--label", "provisional", "--id", "01", "--pin", "4321", "--import"])
        .arg(provisional.folder.join("key.pem"))
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));

    let mut program = Program::of_operator(&stage).await;
    let (status, taken) =
        program.ask("POST", ALL, "", Some(json!({ "statement": statement(&maker, &provisional) }))).await;
    assert_eq!(status, 201, "{taken}");
    let (device, token) = (taken["device"].as_str().unwrap().to_owned(), taken["token"].as_str().unwrap());
    let pin = dir.join("pin");
    keys::keep(&pin, "4321\n", 0o600).unwrap();
    let element: Element = format!("module={MODULE},token=clinic,pin-file={}", pin.display()).parse().unwrap();
    let layout = gate::Layout { element: Some(element), ..layout(&stage.path("gate")) };
    let provenance = Provenance {
        provisional: Some(provisional.folder.join("chain.pem")),
        registration_ca: Some(authority.ca_pem_path(CaKind::Registration)),
    };
    assert!(gate::is_for_equipment(token));
    let registered = gate::register(token, &layout, &provenance, "en").await.unwrap();
    assert_eq!(registered.device.to_string(), device);

    // The second tier goes to this device alone.
    assert_eq!(program.ask("PUT", &format!("{ONE}/place"), &device, Some(json!({ "site": "clinic" }))).await.0, 204);
    let token = stage.offer("urn:sekisho:gate:clinic").await;
    let stranger = gate::Layout { folder: stage.path("stranger"), element: None, ..layout.clone() };
    let refused = gate::enroll(&token, &stranger, now(), "en").await.unwrap_err().to_string();
    assert!(refused.contains("E017"), "{refused}");
    // Nor does the device take it where somebody stands for it who may not.
    let gates = equipment::read_pem_chain(&fs::read_to_string(stage.path("authorities/gate-ca.pem")).unwrap()).unwrap();
    let gates = pki::Certificate::parse(&gates[0]).unwrap();
    let stands = |by: &Issued, authority: Digest| {
        let provider = OperatorStatement { operator: "vpn-1".parse().unwrap(), authority };
        let signature = Signature::new(by.chain(), &by.sign(&provider.signed_bytes()).unwrap());
        keys::keep(&stage.path("operator.toml"), &SignedOperator { provider, signature }.to_toml(), 0o644).unwrap();
    };
    stands(&maker, Digest::of(gates.spki_der()));
    let refused = gate::enroll(&token, &layout, now(), "en").await.unwrap_err().to_string();
    assert!(refused.contains("is not believed"), "{refused}");
    assert!(!layout.folder.join("gate-clinic/gate.pem").exists());
    fs::write(stage.path("operator.toml"), "").unwrap();
    let ready = gate::enroll(&token, &layout, now(), "en").await.unwrap();
    let config = Config::load(&ready.config).unwrap();
    Trust::new(&config, now()).unwrap();
    assert_eq!(gate::applications::device(&config).unwrap().id, registered.device);
    let listed = on_token();
    assert_eq!(listed.matches("Certificate Object").count(), 2, "one a tier: {listed}");
    assert_eq!(listed.matches("always sensitive, never extractable, local").count(), 2, "{listed}");

    // What it tried is told: 10 waits for the VPN operator's statement, 12 for a permit, 2 and 8 for people.
    reports_until(&mut program, &device, &layout, &[2, 8, 10, 12]).await;
    // In time both tiers are renewed, each with its own key. The lists do not reach that far, so the check at the end says no.
    let first_tier = || fs::read_to_string(&registered.certificate).unwrap();
    let before = first_tier();
    assert!(gate::refresh(&"clinic".parse().unwrap(), &layout, now() + 7 * YEAR, "en").await.is_err());
    assert_ne!(first_tier(), before);
    assert_eq!(on_token().matches("Certificate Object").count(), 2);
    let (package, permit) = (b"#!/bin/sh\n".to_vec(), permit(&centre, registered.device));
    let own = gate::applications::device(&config).unwrap();
    let mut store = applications::Store::open(&gate::applications::folder(&config)).unwrap();
    store.install(package, &permit, &own, gate::now()).unwrap().carry_out().unwrap();
    drop(store);
    reports_until(&mut program, &device, &layout, &[2, 8, 10]).await;

    // A statement for another authority is refused, and nothing more is taken; the right one answers row 10.
    stands(&operator, Digest::of(b"another"));
    let refused = gate::refresh(&"clinic".parse().unwrap(), &layout, now(), "en").await.unwrap_err().to_string();
    assert!(refused.contains("Q016"), "{refused}");
    stands(&operator, Digest::of(gates.spki_der()));
    reports_until(&mut program, &device, &layout, &[2, 8]).await;
    stage.stop().await;
}

/// Refreshes until these rows are all that is open. A connection that still ends may hold the PIN of this process, so that
/// what works without one cannot be tried; and of two reports of one second the first counts.
async fn reports_until(program: &mut Program, device: &str, layout: &gate::Layout, open: &[u64]) {
    let begin = Instant::now();
    loop {
        gate::refresh(&"clinic".parse().unwrap(), layout, now(), "en").await.unwrap();
        let seen = program.get(ONE, device).await;
        let rows = seen["rows"].as_array().unwrap().iter().filter(|row| row["answer"] == "open");
        let found: Vec<u64> = rows.filter_map(|row| row["number"].as_u64()).collect();
        if found == open {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{seen}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What a maker says of a device with this element.
fn statement(maker: &Issued, element: &Issued) -> String {
    let key = Digest::of(pki::Certificate::parse(element.chain()[0]).unwrap().spki_der());
    let device = DeviceInformation {
        maker: "aoba".parse().unwrap(),
        model: "GE-01".parse().unwrap(),
        serial: "0001".parse().unwrap(),
        made: "2026-01-01".parse().unwrap(),
        element: ElementStatement { kind: ElementKind::Pkcs11, serial: "e-1".parse().unwrap(), key },
    };
    let signature = Signature::new(maker.chain(), &maker.sign(&device.signed_bytes()).unwrap());
    SignedInformation { device, signature }.to_toml()
}

fn permit(centre: &Issued, device: DeviceId) -> SignedPermit {
    let permit = Permit {
        number: "p-1".parse().unwrap(),
        action: Action::Install,
        application: "viewer".parse().unwrap(),
        version: "1".parse().unwrap(),
        package: Package::of(b"#!/bin/sh\n"),
        device: Some(device),
        valid_from: gate::now().plus_ms(-60_000),
        valid_until: gate::now().plus_ms(3_600_000),
        issuer: "centre-1".parse().unwrap(),
    };
    let signature = Signature::new(centre.chain(), &centre.sign(&permit.signed_bytes()).unwrap());
    SignedPermit { permit, signature }
}
