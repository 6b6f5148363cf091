//! The operator's pages and calls for devices: taken in, shown, answered for, placed, revoked (G1).

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use audit::Digest;
use authority::{Authority, CaKind, Issued};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use connections::Trust;
use equipment::{DeviceInformation, ElementKind, ElementStatement, Signature, SignedInformation};
use issuing::Issuing;
use model::{SiteId, Timestamp};
use pki::{AnchorSet, CrlStore, OcspStore, Purpose, TrustAnchor};
use provenance::{Provenance, World};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::{Auditor, Entrance, Source, routes};
use super::api::conforming;
use super::{HOST, House, house};
use crate::frame::encoded;
use crate::live::Operator;

const NOW: Timestamp = Timestamp(1_795_305_600_000);

/// A registration authority. The real center: `services/center/tests/issuing.rs`.
struct Here(Authority);

impl World for Here {
    fn trust(&self) -> Arc<Trust> {
        let (mut anchors, mut crls) = (AnchorSet::new(), CrlStore::new());
        let ca = self.0.ca_der(CaKind::Registration).unwrap();
        anchors.add(TrustAnchor::new(&ca, Purpose::Registration).unwrap());
        crls.add(&self.0.crl_der(CaKind::Registration).unwrap(), &anchors).unwrap();
        Arc::new(Trust { anchors: Arc::new(anchors), crls: Arc::new(crls), ocsp: OcspStore::default() })
    }
    fn now(&self) -> Timestamp {
        NOW
    }
    fn knows<'a>(&'a self, site: &'a SiteId) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move { site.as_str() == "clinic" })
    }
    fn ended(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
}

/// A desk with devices, and two statements of a maker.
async fn with_devices(dir: &Path) -> (House, [String; 2]) {
    let mut authority = Authority::new(&dir.join("authority"), NOW.unix_seconds()).unwrap();
    let maker = authority.issue_registered("maker", "aoba").unwrap();
    let elements = [authority.issue_element("e-1").unwrap(), authority.issue_element("e-2").unwrap()];
    let statements = elements.map(|element| statement(&maker, &element));
    let mut house = house().await;
    let settings = issuing::Settings {
        dir: dir.join("authorities"),
        organization: "TEST Operator".into(),
        keys: BTreeMap::new(),
        trust: None,
        crl_base: None,
    };
    let issuing = Issuing::open(house.desk.joining.registry().clone(), settings, NOW).await.unwrap();
    let desk = Some(("https://center.example:7448".to_owned(), [7; 32]));
    let devices = Provenance::begin(issuing, Arc::new(Here(authority)), provenance::Settings { required: false, desk });
    house.desk = house.desk.with_devices(devices);
    (house, statements)
}

fn statement(maker: &Issued, element: &Issued) -> String {
    let leaf = pki::Certificate::parse(element.chain()[0]).unwrap();
    let serial = leaf.uris()[0].rsplit(':').next().unwrap();
    let device = DeviceInformation {
        maker: "aoba".parse().unwrap(),
        model: "<GE> \"01\"".parse().unwrap(),
        serial: "0001".parse().unwrap(),
        made: "2026-11-01".parse().unwrap(),
        element: ElementStatement {
            kind: ElementKind::Tpm2,
            serial: serial.parse().unwrap(),
            key: Digest::of(leaf.spki_der()),
        },
    };
    let signature = Signature::new(maker.chain(), &maker.sign(&device.signed_bytes()).unwrap());
    SignedInformation { device, signature }.to_toml()
}

async fn page(house: &House, method: Method, path: &str, form: &str, auditor: bool) -> (StatusCode, String, String) {
    let request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
    let request = request.header(header::ORIGIN, format!("https://{HOST}")).header(header::ACCEPT_LANGUAGE, "en");
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = match auditor {
        true => request.extension(Auditor("kansa".into())),
        false => request.extension(Operator("ito".into())),
    };
    let request = request.extension(Source([192, 0, 2, 1].into())).body(Body::from(form.to_owned())).unwrap();
    let answer = routes(Entrance::Operator, house.desk.clone()).oneshot(request).await.unwrap();
    let to = answer.headers().get(header::LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, to, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn an_operator_takes_a_device_in_answers_for_it_places_it_and_revokes_it() {
    let dir = tempfile::tempdir().unwrap();
    let (house, [statement, _]) = with_devices(dir.path()).await;
    let get = async |path: &str| page(&house, Method::GET, path, "", false).await;
    let post = async |path: &str, form: &str| page(&house, Method::POST, path, form, false).await;
    let (status, _, list) = get("/review/equipment").await;
    assert!(status == StatusCode::OK && list.contains("No device is registered"), "{list}");
    let (status, _, refused) = post("/review/equipment", "statement=nothing").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && refused.contains("Q001"), "{refused}");

    let (status, _, taken) = post("/review/equipment", &format!("statement={}", encoded(&statement))).await;
    assert!(status == StatusCode::OK && taken.contains("sekisho-once-"), "{taken}");
    let device = taken.split_once("/review/equipment/").unwrap().1[..14].to_owned();
    let here = format!("/review/equipment/{device}");
    let (_, _, list) = get("/review/equipment").await;
    assert!(list.contains(&device) && list.contains("&lt;GE&gt; &quot;01&quot;") && !list.contains("<GE>"), "{list}");
    assert!(!list.contains("sekisho-once-"), "shown once");

    let (status, _, one) = get(&here).await;
    assert_eq!(status, StatusCode::OK);
    for row in 1..=12 {
        assert!(one.contains(&format!("id=\"row-{row}\"")), "row {row}");
    }
    assert!(one.contains("id=\"answer-8\"") && !one.contains("id=\"answer-12\"") && !one.contains("id=\"answer-11\""));
    let (status, to, _) = post(&format!("{here}/answer"), "row=8&evidence=delivery+note+%3C12%3E").await;
    assert_eq!((status, to), (StatusCode::SEE_OTHER, here.clone()));
    let (status, _, refused) = post(&format!("{here}/answer"), "row=12&evidence=it+works").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && refused.contains("Q205"), "{refused}");
    let (_, _, one) = get(&here).await;
    assert!(one.contains("delivery note &lt;12&gt;"), "{one}");
    let (status, _, refused) = post(&format!("{here}/site"), "site=nowhere").await;
    assert!(status == StatusCode::NOT_FOUND && refused.contains("Q204"), "{refused}");
    assert_eq!(post(&format!("{here}/site"), "site=clinic").await.0, StatusCode::SEE_OTHER);

    // An auditor sees all of it and no button.
    let (status, _, seen) = page(&house, Method::GET, &here, "", true).await;
    assert!(status == StatusCode::OK && seen.contains("clinic") && !seen.contains("<button id=\"answer"), "{seen}");
    assert_eq!(page(&house, Method::POST, &format!("{here}/token"), "", true).await.0, StatusCode::FORBIDDEN);

    assert_eq!(post(&format!("{here}/revoke"), "reason=because").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(&format!("{here}/revoke"), "reason=keyCompromise").await.0, StatusCode::SEE_OTHER);
    let (_, _, one) = get(&here).await;
    assert!(one.contains("revoked") && !one.contains("id=\"revoke-do\""), "{one}");
    assert_eq!(post(&format!("{here}/token"), "").await.0, StatusCode::CONFLICT);
    for none in ["/review/equipment/2222-2222-222H", "/review/equipment/2222-2222-2222"] {
        assert_eq!(get(none).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn programs_do_the_same_and_are_answered_as_the_document_says() {
    let dir = tempfile::tempdir().unwrap();
    let (house, [first, second]) = with_devices(dir.path()).await;
    let call = async |method: Method, template: &str, device: &str, body: Value| {
        let path = template.replace("{device}", device);
        let request = Request::builder().method(method.clone()).uri(path).header(header::HOST, HOST);
        let request = request.header(header::CONTENT_TYPE, "application/json").extension(Operator("ito".into()));
        let body = if method == Method::GET { Body::empty() } else { Body::from(body.to_string()) };
        let request = request.extension(Source([192, 0, 2, 1].into())).body(body).unwrap();
        let answer = routes(Entrance::Operator, house.desk.clone()).oneshot(request).await.unwrap();
        let answer = conforming(Entrance::Operator, &method, template, answer).await;
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
    };
    let all = "/api/v1/review/equipment";
    let one = "/api/v1/review/equipment/{device}";
    let (status, taken) = call(Method::POST, all, "", json!({ "statement": first })).await;
    assert_eq!(status, 201, "{taken}");
    let device = taken["device"].as_str().unwrap().to_owned();
    assert_eq!(call(Method::POST, all, "", json!({ "statement": second })).await.0, 201);
    let (_, list) = call(Method::GET, all, "", Value::Null).await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let (status, seen) = call(Method::GET, one, &device, Value::Null).await;
    assert_eq!((status, seen["rows"].as_array().unwrap().len()), (200, 12));
    assert_eq!(seen["rows"][10]["answer"], "proved", "{seen}");
    let below = |rest: &str| format!("{one}/{rest}");
    assert_eq!(call(Method::POST, &below("token"), &device, json!({})).await.0, 201);
    assert_eq!(call(Method::PUT, &below("place"), &device, json!({ "site": "clinic" })).await.0, 204);
    assert_eq!(call(Method::PUT, &below("place"), &device, json!({ "site": "x" })).await.0, 404);
    assert_eq!(call(Method::POST, &below("answers"), &device, json!({ "row": 8, "evidence": "seal" })).await.0, 204);
    let (status, problem) = call(Method::POST, &below("answers"), &device, json!({ "row": 10, "evidence": "x" })).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("Q205")));
    let (status, problem) = call(Method::POST, &format!("{all}/reports"), "", json!({ "report": "x" })).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("Q001")));
    let (status, ended) = call(Method::POST, &below("revoke"), &device, json!({ "reason": "superseded" })).await;
    assert_eq!((status, ended["certificates"].as_u64()), (200, Some(0)));
    assert_eq!(call(Method::GET, one, "none", Value::Null).await.0, 404);
}
