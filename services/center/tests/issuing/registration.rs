//! A new site through the pages: from its model to "ready to open", without a file (G9, G12).

use joining::{InstitutionId, Prefecture};
use link::LinkClient;
use members::Newcomer;
use reception::{Hashing, Joining, Operator, RealWorld};
use registry::Registry;
use rustls::pki_types::ServerName;
use std::fs;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use wire::link::{GateMessage, Hello, center_message, gate_message::Message};

use super::browser::{Browser, tls};
use super::{DOCUMENT, OTHERS, Stage, layout, now};
use serde_json::json;

pub const PASSWORD: &str = "tsukimi-4-dango";

/// Institutions and their managers, made before the center starts by the use cases of joining; user IDs come back.
pub async fn managers(stage: &Stage, count: i64) -> Vec<String> {
    fs::create_dir_all(stage.path("data")).unwrap();
    let url = format!("sqlite://{}", stage.path("data/registry.db").display());
    let registry = Registry::open(&url).await.unwrap();
    let mut settings = reception::Settings::new("https://join.example", "https://inside.example", "test");
    settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
    let joining = Joining::new(registry.clone(), settings, Arc::new(RealWorld));
    let operator = Operator::new("prepared");
    let institution = |n: i64| joining::Institution {
        id: InstitutionId(n),
        code: String::new(),
        prefecture: Prefecture::new(1).unwrap(),
        name: format!("医療法人 {n} 診療所"),
        kana: "イリョウホウジン".into(),
        address: "中央 1-1".into(),
    };
    joining.put_institutions(&operator, (1..=count).map(institution).collect()).await.unwrap();
    let mut users = Vec::new();
    for n in 1..=count {
        let mail = format!("manager-{n}@clinic.example");
        let Newcomer { user, initial, .. } = members::approved(&joining, &operator, &mail, InstitutionId(n)).await;
        let settled = members::settled(&joining, user, &initial, PASSWORD).await;
        let who = joining.settling(settled.token.reveal()).await.unwrap();
        joining.show_vpn_password(&who).await.unwrap();
        joining.end_settling(&who).await.unwrap();
        users.push(user.to_string());
    }
    registry.close().await.unwrap();
    users
}

/// A gate with these papers on the link; while it lives, it is linked.
pub struct Linked {
    _say: tokio::sync::mpsc::Sender<GateMessage>,
    _heard: tonic::Streaming<wire::link::CenterMessage>,
}

pub async fn linked(stage: &Stage, folder: &str, site: &str) -> Linked {
    let read = |name: &str| fs::read_to_string(stage.path(folder).join(format!("gate-{site}")).join(name)).unwrap();
    let (chain, key) = (read("gate.pem"), read("gate.key.pem"));
    let (tls, address) = (tls(stage, Some((&chain, &key)), &[link::ALPN]), stage.gates);
    let connector = tower::service_fn(move |_| {
        let tls = tls.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            let name = ServerName::try_from("localhost").unwrap();
            Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(tls.connect(name, stream).await?))
        }
    });
    let channel: Channel = Endpoint::from_static("http://center").connect_with_connector(connector).await.unwrap();
    let mut client = LinkClient::new(channel);
    let (say, said) = tokio::sync::mpsc::channel(64);
    let hello = Hello { version: 1, site: site.into(), software: "test".into(), ..Hello::default() };
    say.send(GateMessage { message: Some(Message::Hello(hello)) }).await.unwrap();
    let mut heard = client.control(ReceiverStream::new(said)).await.unwrap().into_inner();
    let first = heard.message().await.unwrap().unwrap();
    assert!(matches!(first.message, Some(center_message::Message::Welcome(_))));
    Linked { _say: say, _heard: heard }
}

pub const SITE: [(&str, &str); 12] = [
    ("site", "branch"),
    ("name-ja", "分院"),
    ("name-en", "Branch"),
    ("model", "small"),
    ("line", "internet"),
    ("address", "192.0.2.44"),
    ("dpid", "0000000000000044"),
    ("uplink", "1"),
    ("mac", "02:00:00:44:00:01"),
    ("high-secure", ""),
    ("secure", "10.44.20.0/24"),
    ("dmz", ""),
];

fn site_with<'a>(field: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    SITE.into_iter().map(|(name, old)| if name == field { (name, value) } else { (name, old) }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_site_comes_from_its_model_and_its_gate_enrols_g9_g12() {
    let mut stage = Stage::laid();
    let users = managers(&stage, 2).await;
    stage.start().await;
    let documents: Vec<_> =
        OTHERS.iter().enumerate().map(|(n, t)| json!({"name": format!("{n}.toml"), "text": t})).collect();
    let (status, report) = stage.operator("POST", "/v1/apply", json!({ "documents": documents })).await;
    assert_eq!(status, 200, "{report}");
    let (mut manager, mut other) = (Browser::inside(&stage), Browser::inside(&stage));
    let mut operator = Browser::operator(&stage);
    assert_eq!(manager.get("/sites").await.to.as_deref(), Some("/login"), "not before signing in");
    manager.log_in(&users[0], PASSWORD).await;
    other.log_in(&users[1], PASSWORD).await;

    // The institution's id: not one the network knows, nor one somebody else spoke for.
    manager.post("/sites/new", &SITE).await.says(200, &["J102", "do"]);
    let named = |id| [("network-name", id), ("name-ja", ""), ("name-en", "Aoba Clinic")];
    manager.post("/sites/name", &named("keyaki")).await.says(409, &["J101", "ask the operator"]);
    manager.post("/sites/name", &named("Aoba!")).await.says(200, &["aria-invalid"]);
    manager.post("/sites/name", &named("aoba")).await.led_to("/sites");
    other.post("/sites/name", &named("aoba")).await.says(409, &["J101"]);

    // What does not fit is said before anybody waits for an operator: field by field, or as policy says it.
    manager.post("/sites/new", &site_with("mac", "02-00")).await.says(200, &["mac-fault", "value=\"branch\""]);
    manager.post("/sites/new", &site_with("dmz", "10.44.10.0/24")).await.says(200, &["dmz-fault"]);
    manager.post("/sites/new", &site_with("site", "hospital")).await.says(200, &["J104", "Choose another id"]);
    let overlapping = manager.post("/sites/new", &site_with("secure", "10.2.20.0/24")).await;
    // What is another institution's is not told; the operator who takes a site in would read it.
    overlapping.says(200, &["J111", "overlaps", "own facility", "Choose another prefix"]);
    assert!(!overlapping.text.contains("hospital") && !overlapping.text.contains("wards"));
    let line = manager.post("/sites/new", &site_with("address", "192.0.2.12")).await;
    line.says(200, &["J111", "line address"]);
    assert!(!line.text.contains("hospital"));
    manager.post("/sites/new", &SITE).await.led_to("/sites");
    manager.post("/sites/new", &SITE).await.says(200, &["J104"]);

    // It waits; nothing of it is policy, and nobody else's institution sees it.
    let list = manager.get("/sites").await;
    let draft = list.between("id=\"draft-", "\"");
    assert_eq!(manager.get("/sites/at/branch").await.status, 404);
    assert!(!other.get("/sites").await.text.contains("branch"));
    assert_eq!(other.post(&format!("/sites/drafts/{draft}/withdraw"), &[]).await.status, 404);
    assert_eq!(other.get("/sites/at/hospital").await.status, 404, "another institution's");
    let register = format!("/review/sites/drafts/{draft}/register");
    assert_eq!(manager.post(&register, &[("version", "1")]).await.status, 404, "there is no such path inside");
    operator.get("/review/sites").await.says(200, &["id=\"draft-", "no confirmed id yet", "10.44.20.0/24"]);
    operator.post(&register, &[("version", "7")]).await.says(409, &["J010"]);
    operator.post(&register, &[("version", "1")]).await.led_to("/review/sites");
    operator.post(&register, &[("version", "1")]).await.says(409, &["J010"]);

    // Registered. The gate's token is seen once, and only by its own institution.
    let page = "/sites/at/branch";
    manager.get(page).await.says(200, &["data-stage=\"registered\"", "data-step=\"enroll\" data-done=\"false\""]);
    assert_eq!(other.post("/sites/at/branch/gate", &[]).await.status, 404);
    assert_eq!(other.get(page).await.status, 404);
    let given = manager.post("/sites/at/branch/gate", &[]).await;
    let token = format!("sekisho-once-{}", given.between("sekisho-once-", "<"));
    assert!(!manager.get(page).await.text.contains("sekisho-once-"));
    let ready = gate::enroll(&token, &layout(&stage.path("gate")), now(), "en").await.unwrap();
    assert_eq!(ready.site.as_str(), "branch");
    manager.get(page).await.says(200, &["data-stage=\"gate-enrolled\"", "data-step=\"link\" data-done=\"false\""]);
    let _link = linked(&stage, "gate", "branch").await;
    manager
        .get(page)
        .await
        .says(200, &["data-step=\"link\" data-done=\"true\"", "data-step=\"hosts\" data-done=\"false\""]);
    let (_, log) = stage.operator("GET", "/v1/log?limit=1000", json!({})).await;
    for event in ["institution-named", "site-proposed", "site-decided", "enrolment-offered", "network-applied"] {
        assert!(log.to_string().contains(event), "{event}: {log}");
    }

    // A squatter's id never becomes an institution that an operator brings by documents.
    let named = [("network-name", "midori2"), ("name-ja", ""), ("name-en", "X")];
    other.post("/sites/name", &named).await.led_to("/sites");
    let brought = DOCUMENT.replace("aoba", "midori2").replace("clinic", "klinik").replace("10.1.", "10.77.");
    let brought = brought.replace("192.0.2.11", "192.0.2.77").replace("0000000000000001", "0000000000000077");
    let (status, report) =
        stage.operator("POST", "/v1/apply", json!({"documents": [{"name": "k.toml", "text": brought}]})).await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(other.get("/sites/at/klinik").await.status, 404);
    let their = site_with("site", "branch2");
    let their: Vec<_> = their.into_iter().map(|(n, v)| (n, if n == "secure" { "10.45.20.0/24" } else { v })).collect();
    other.post("/sites/new", &their).await.says(200, &["J101"]);
    drop(_link);
    stage.stop().await;
}

/// Nobody fills the operator's list: what an institution lets wait has an end, and others do not feel it (J112).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_institution_lets_a_hundred_sites_wait_and_no_more_j112() {
    let mut stage = Stage::laid();
    let users = managers(&stage, 2).await;
    let url = format!("sqlite://{}", stage.path("data/registry.db").display());
    let registry = Registry::open(&url).await.unwrap();
    let mut blueprint = model::Blueprint {
        id: "waiting-0".parse().unwrap(),
        institution: "aoba".parse().unwrap(),
        name: model::LocalizedName { ja: "分院".into(), en: "Branch".into() },
        model: model::SiteModel::Small,
        line: model::LineKind::Internet,
        address: "192.0.2.44".parse().unwrap(),
        dpid: model::Dpid(0x44),
        uplink: 1,
        mac: "02:00:00:44:00:01".parse().unwrap(),
        prefixes: [(model::Zone::Secure, "10.44.20.0/24".parse().unwrap())].into(),
    };
    let at = model::Timestamp::from_unix_seconds(now());
    for number in 1..=99 {
        blueprint.id = format!("waiting-{number}").parse().unwrap();
        let draft = joining::SiteDraft {
            institution: InstitutionId(1),
            blueprint: blueprint.clone(),
            by: "prepared".into(),
            at,
            stand: joining::DraftStand::Proposed,
        };
        let (site, by) = (blueprint.id.clone(), "prepared".to_owned());
        let event = audit::Event::SiteProposed { draft: number, site, by };
        registry.commit(registry::Commit::at(at).insert(number, &draft).event(event)).await.unwrap();
    }
    registry.close().await.unwrap();
    stage.start().await;
    let (mut full, mut other) = (Browser::inside(&stage), Browser::inside(&stage));
    full.log_in(&users[0], PASSWORD).await;
    other.log_in(&users[1], PASSWORD).await;
    let named = |id| [("network-name", id), ("name-ja", ""), ("name-en", "Clinic")];
    full.post("/sites/name", &named("aoba")).await.led_to("/sites");
    other.post("/sites/name", &named("midori")).await.led_to("/sites");
    full.post("/sites/new", &SITE).await.led_to("/sites");
    full.post("/sites/new", &site_with("site", "one-more")).await.says(200, &["J112", "100"]);
    other.post("/sites/new", &site_with("site", "another")).await.led_to("/sites");
}
