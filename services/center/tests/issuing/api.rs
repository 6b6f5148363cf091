//! Sites over the HTTP API (G12): what the pages do, by a member's token and an operator's certificate.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::browser::{Browser, tls};
use super::registration::{PASSWORD, managers};
use super::{OTHERS, Stage};

/// A program at a door. What it is answered is held against the document of that door.
pub struct Program {
    tls: TlsConnector,
    at: SocketAddr,
    token: Option<String>,
    document: Value,
    done: BTreeSet<String>,
}

impl Program {
    /// With a token that its owner makes on the page.
    async fn of_member(stage: &Stage, user: &str) -> Self {
        let mut browser = Browser::inside(stage);
        browser.log_in(user, PASSWORD).await;
        let form = [("label", "sites"), ("scope", "see-sites"), ("scope", "manage-sites"), ("days", "1")];
        let made = browser.post("/tokens", &[&form[..], &[("password", PASSWORD)]].concat()).await;
        made.says(200, &["sekisho_"]);
        let token = format!("sekisho_{}", &made.between("sekisho_", "<")[..43]);
        Self::new(tls(stage, None, &[b"http/1.1"]), stage.inside, Some(token)).await
    }

    pub async fn of_operator(stage: &Stage) -> Self {
        let pair = (stage.operator.chain_pem.as_str(), stage.operator.key_pem.as_str());
        Self::new(tls(stage, Some(pair), &[b"http/1.1"]), stage.pages, None).await
    }

    async fn new(tls: TlsConnector, at: SocketAddr, token: Option<String>) -> Self {
        let mut program = Self { tls, at, token, document: Value::Null, done: BTreeSet::new() };
        let (status, kind, document) = program.send("GET", "/api/v1/openapi.json", None).await;
        assert_eq!((status, kind.as_str()), (200, "application/json"), "{document}");
        program.document = document;
        program
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String, Value) {
        let stream = TcpStream::connect(self.at).await.unwrap();
        let stream = self.tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = hyper::Request::builder().method(method).uri(path).header("host", "localhost");
        request = request.header("accept-language", "en").header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = Full::new(Bytes::from(body.map(ToString::to_string).unwrap_or_default()));
        let response = sender.send_request(request.body(body).unwrap()).await.unwrap();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        (status, kind.unwrap_or_default(), value)
    }

    /// `path` with one part between braces, which `part` stands for.
    pub async fn ask(&mut self, method: &str, path: &str, part: &str, body: Option<Value>) -> (u16, Value) {
        let asked = match path.split_once('{') {
            Some((before, after)) => format!("{before}{part}{}", after.split_once('}').unwrap().1),
            None => path.to_owned(),
        };
        let (status, kind, value) = self.send(method, &asked, body.as_ref()).await;
        let place = format!("{method} {path}: {status} {kind} {value}");
        let operation = &self.document["paths"][path][method.to_ascii_lowercase()];
        let content = match operation["responses"].get(status.to_string()) {
            Some(done) => {
                self.done.insert(format!("{method} {path}"));
                &done["content"]
            }
            None => &self.document["components"]["responses"]["problem"]["content"],
        };
        if content.is_null() {
            assert!(value.is_null() && operation.is_object(), "{place}");
        } else {
            let mut schema = content[&kind]["schema"].clone();
            assert!(schema.is_object(), "{place}");
            schema["$schema"] = self.document["jsonSchemaDialect"].clone();
            schema["components"] = self.document["components"].clone();
            let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
            let wrong: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{place}: {wrong:?}");
        }
        (status, value)
    }

    pub async fn get(&mut self, path: &str, part: &str) -> Value {
        let (status, value) = self.ask("GET", path, part, None).await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    /// Refused with a code.
    pub async fn refused(&mut self, method: &str, path: &str, part: &str, body: Value, status: u16, code: &str) {
        let (told, value) = self.ask(method, path, part, Some(body)).await;
        assert_eq!((told, value["code"].as_str()), (status, Some(code)), "{method} {path}: {value}");
        assert!(["title", "side", "remedy"].iter().all(|text| !value[text].as_str().unwrap().is_empty()), "{value}");
    }

    /// Every call about sites, but not about their parts, was done.
    fn all_done(self) {
        let paths = self.document["paths"].as_object().unwrap();
        let parts = ["/hosts", "/services", "/lines"];
        let about = |path: &str| {
            ["/site", "/member"].iter().any(|one| path.contains(one)) && !parts.iter().any(|part| path.contains(part))
        };
        let all: BTreeSet<String> = paths
            .iter()
            .filter(|(path, _)| about(path))
            .flat_map(|(path, all)| {
                all.as_object().unwrap().keys().map(move |m| format!("{} {path}", m.to_uppercase()))
            })
            .collect();
        let done: BTreeSet<String> = self.done.into_iter().filter(|call| about(call)).collect();
        assert_eq!(done, all);
    }
}

fn site(id: &str, third: u8) -> Value {
    json!({
        "site": id, "name": { "ja": "分院", "en": "Branch" }, "model": "small", "line": "internet",
        "address": format!("192.0.2.{third}"), "dpid": format!("00000000000000{third}"), "uplink": 1,
        "mac": format!("02:00:00:{third}:00:01"), "secure": format!("10.{third}.20.0/24")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_is_proposed_registered_and_enrolled_over_the_api_g9_g12() {
    let mut stage = Stage::laid();
    let users = managers(&stage, 2).await;
    stage.start().await;
    let documents: Vec<_> =
        OTHERS.iter().enumerate().map(|(n, t)| json!({"name": format!("{n}.toml"), "text": t})).collect();
    let (status, report) = stage.operator("POST", "/v1/apply", json!({ "documents": documents })).await;
    assert_eq!(status, 200, "{report}");
    let mut member = Program::of_member(&stage, &users[0]).await;
    let mut other = Program::of_member(&stage, &users[1]).await;
    let mut operator = Program::of_operator(&stage).await;

    // The institution's id in the network.
    let (own, proposals) = ("/api/v1/member", "/api/v1/site-proposals");
    assert_eq!(member.ask("GET", own, "", None).await.0, 404);
    member.refused("POST", proposals, "", site("branch", 44), 409, "J102").await;
    let named = |id: &str| json!({ "network": id, "name": { "ja": "", "en": "Aoba Clinic" } });
    member.refused("PUT", own, "", named("keyaki"), 409, "J101").await;
    member.refused("PUT", own, "", named("Aoba!"), 422, "J001").await;
    let (status, value) = member.ask("PUT", own, "", Some(named("aoba"))).await;
    assert_eq!((status, &value["confirmed"]), (200, &json!(false)), "{value}");
    assert_eq!(member.get(own, "").await["network"], "aoba");
    other.refused("PUT", own, "", named("aoba"), 409, "J101").await;

    // Proposed; it waits, and nobody else's institution sees it.
    let mut wrong = site("branch", 44);
    wrong["secure"] = json!("10.2.20.0/24");
    member.refused("POST", proposals, "", wrong, 409, "J111").await;
    let (status, made) = member.ask("POST", proposals, "", Some(site("branch", 44))).await;
    assert_eq!((status, &made["stand"]), (201, &json!("proposed")), "{made}");
    member.refused("POST", proposals, "", site("branch", 44), 409, "J104").await;
    let draft = made["number"].to_string();
    assert_eq!(member.get(proposals, "").await["items"].as_array().unwrap().len(), 1);
    assert!(other.get(proposals, "").await["items"].as_array().unwrap().is_empty());
    let withdraw = "/api/v1/site-proposals/{draft}/withdraw";
    other.refused("POST", withdraw, &draft, json!({}), 404, "J009").await;

    // Taken in, as it was seen.
    let all = "/api/v1/review/site-proposals";
    let seen = operator.get(all, "").await["items"][0].clone();
    let register = "/api/v1/review/site-proposals/{draft}/register";
    operator.refused("POST", register, &draft, json!({ "version": 7 }), 409, "J010").await;
    let version = json!({ "version": seen["version"] });
    let (status, value) = operator.ask("POST", register, &draft, Some(version.clone())).await;
    assert_eq!(status, 204, "{value}");
    operator.refused("POST", register, &draft, version, 409, "J010").await;
    assert_eq!(operator.get("/api/v1/review/members", "").await["items"][0]["confirmed"], true);

    // Registered: its own institution sees it whole, and hands its gate a token once.
    let (sites, one, gate) = ("/api/v1/sites", "/api/v1/sites/{site}", "/api/v1/sites/{site}/gate-token");
    let lacking = member.get(sites, "").await["items"][0]["lacking"].clone();
    assert!(lacking.as_array().unwrap().contains(&json!("enroll")), "{lacking}");
    assert!(member.get(one, "branch").await["document"].as_str().unwrap().contains("10.44.20.0/24"));
    for (method, path) in [("GET", one), ("POST", gate)] {
        other.refused(method, path, "branch", json!({}), 404, "J009").await;
        member.refused(method, path, "hospital", json!({}), 404, "J009").await;
    }
    let (status, given) = member.ask("POST", gate, "branch", None).await;
    assert!(status == 201 && given["token"].as_str().unwrap().starts_with("sekisho-once-"), "{given}");

    // Its checksheet: only the institution answers, whole, on what it has seen (G11).
    let sheet = "/api/v1/sites/{site}/checksheet";
    other.refused("GET", sheet, "branch", json!({}), 404, "J009").await;
    let seen = member.get(sheet, "branch").await;
    assert_eq!((&seen["passes"], &seen["model"]), (&json!(false), &json!("small")), "{seen}");
    assert_eq!(seen["items"].as_array().unwrap().len(), 32);
    let all_yes = |sheet: &Value| {
        let asked = sheet["items"].as_array().unwrap().iter().filter(|item| item["judged_by"] == "person");
        let answers = asked.map(|item| json!({ "item": item["item"], "answer": "yes", "evidence": "seen" }));
        json!({ "version": sheet["version"], "answers": answers.collect::<Vec<_>>() })
    };
    let mut waived = all_yes(&seen);
    waived["answers"][0] = json!({ "item": "3-1-1", "answer": "does-not-apply" });
    member.refused("PUT", sheet, "branch", waived, 422, "J001").await;
    other.refused("PUT", sheet, "branch", all_yes(&seen), 404, "J009").await;
    let (status, answered) = member.ask("PUT", sheet, "branch", Some(all_yes(&seen))).await;
    assert_eq!((status, &answered["passes"], &answered["lacking"]), (200, &json!(true), &json!([])), "{answered}");
    member.refused("PUT", sheet, "branch", all_yes(&seen), 409, "J010").await;
    let mut fewer = all_yes(&answered);
    fewer["answers"].as_array_mut().unwrap().pop();
    member.refused("PUT", sheet, "branch", fewer.clone(), 409, "J114").await;
    assert_eq!(member.get(sheet, "branch").await, answered, "nothing was saved");
    fewer["may_end"] = json!(true);
    let (status, ended) = member.ask("PUT", sheet, "branch", Some(fewer)).await;
    assert_eq!((status, &ended["passes"]), (200, &json!(false)), "{ended}");
    let (status, _) = member.ask("PUT", sheet, "branch", Some(all_yes(&ended))).await;
    assert_eq!(status, 200);
    let read = operator.get("/api/v1/review/sites/{site}/checksheet", "branch").await;
    let by = read["items"].as_array().unwrap().iter().find(|item| item["item"] == "3-1-1").unwrap()["by"].clone();
    assert_eq!((&read["passes"], by), (&json!(true), json!(users[0])), "{read}");

    // What is left: taken back, rejected, and what an operator does for an institution.
    let (_, second) = member.ask("POST", proposals, "", Some(site("second", 45))).await;
    assert_eq!(member.ask("POST", withdraw, &second["number"].to_string(), None).await.0, 204);
    let mut third = named("midori");
    third["institution"] = json!(2);
    let (status, value) = operator.ask("PUT", "/api/v1/review/members", "", Some(third)).await;
    assert_eq!(status, 200, "{value}");
    let mut third = site("third", 46);
    third["institution"] = json!(2);
    let (status, made) = operator.ask("POST", all, "", Some(third)).await;
    assert_eq!(status, 201, "{made}");
    let why = json!({ "version": made["version"], "reason": "By mistake" });
    let number = made["number"].to_string();
    let rejected = operator.ask("POST", "/api/v1/review/site-proposals/{draft}/reject", &number, Some(why)).await;
    assert_eq!(rejected.0, 204, "{}", rejected.1);
    operator.get("/api/v1/review/sites", "").await;
    operator.get("/api/v1/review/sites/{site}", "hospital").await;
    assert_eq!(operator.ask("POST", "/api/v1/review/sites/{site}/gate-token", "branch", None).await.0, 201);
    member.all_done();
    operator.all_done();
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_lines_services_and_agreements_go_over_the_api_n1_g12() {
    let mut stage = Stage::laid();
    let users = managers(&stage, 2).await;
    stage.start().await;
    let documents: Vec<_> =
        OTHERS.iter().enumerate().map(|(n, t)| json!({"name": format!("{n}.toml"), "text": t})).collect();
    assert_eq!(stage.operator("POST", "/v1/apply", json!({ "documents": documents })).await.0, 200);
    let mut clinic = Program::of_member(&stage, &users[0]).await;
    let mut hospital = Program::of_member(&stage, &users[1]).await;
    let mut operator = Program::of_operator(&stage).await;
    let named = |institution: Option<i64>, id: &str| json!({ "institution": institution, "network": id, "name": { "ja": "", "en": "A" } });
    let members = "/api/v1/review/members";
    assert_eq!(operator.ask("PUT", members, "", Some(named(Some(2), "keyaki"))).await.0, 200);
    assert_eq!(clinic.ask("PUT", "/api/v1/member", "", Some(named(None, "aoba"))).await.0, 200);
    let (status, made) = clinic.ask("POST", "/api/v1/site-proposals", "", Some(site("branch", 44))).await;
    assert_eq!(status, 201, "{made}");
    let register = "/api/v1/review/site-proposals/{draft}/register";
    let version = json!({ "version": made["version"] });
    let (status, no) = operator.ask("POST", register, &made["number"].to_string(), Some(version)).await;
    assert_eq!(status, 204, "{no}");

    // A terminal and a line; a change answers with what stands then.
    let one = "/api/v1/sites/{site}";
    let first = clinic.get(one, "branch").await["version"].clone();
    let host = |id: &str, address: &str, version: &Value| {
        json!({ "version": version, "host": id, "segment": "secure", "address": address,
            "mac": format!("02:00:00:44:20:{}", &address[address.len() - 2..]), "port": 3, "terminal": true })
    };
    let hosts = "/api/v1/sites/{site}/hosts";
    hospital.refused("POST", hosts, "branch", host("exam-1", "10.44.20.11", &first), 404, "J009").await;
    clinic.refused("POST", hosts, "branch", host("exam-1", "10.99.0.11", &first), 422, "O009").await;
    let (status, site) = clinic.ask("POST", hosts, "branch", Some(host("exam-1", "10.44.20.11", &first))).await;
    assert!(status == 200 && site["document"].as_str().unwrap().contains("exam-1"), "{site}");
    clinic.refused("POST", hosts, "branch", host("exam-2", "10.44.20.12", &first), 409, "J010").await;
    let line = json!({ "version": site["version"], "service": "keyaki/records", "roles": ["Medical Doctor"], "from": ["exam-1"] });
    let (status, site) = clinic.ask("POST", "/api/v1/sites/{site}/lines", "branch", Some(line)).await;
    assert_eq!((status, &site["prospects"][0]["service"]), (200, &json!("keyaki/records")), "{site}");
    let (status, _, code) = clinic.send("POST", "/api/v1/sites/branch/hosts/exam-1/device-code", None).await;
    assert!(status == 201 && code["token"].as_str().unwrap().starts_with("sekisho-once-"), "{code}");
    // The same by an operator, and away again.
    let version = site["version"].as_str().unwrap().to_owned();
    let away = format!("/api/v1/review/sites/branch/lines/0?version={version}");
    let (status, _, site) = operator.send("DELETE", &away, None).await;
    assert!(status == 200 && site["prospects"].as_array().unwrap().is_empty(), "{site}");
    let version = site["version"].as_str().unwrap().to_owned();
    let away = format!("/api/v1/sites/branch/hosts/exam-1?version={version}");
    let (status, _, site) = clinic.send("DELETE", &away, None).await;
    assert!(status == 200 && !site["document"].as_str().unwrap().contains("exam-1"), "{site}");
    let seen = hospital.get(one, "hospital").await;
    let offer = json!({ "version": seen["version"], "service": "images", "name": { "ja": "画像", "en": "Images" },
        "host": "record-server", "protocol": "tcp", "ports": [11112], "roles": ["Medical Doctor"] });
    let (status, site) = hospital.ask("POST", "/api/v1/sites/{site}/services", "hospital", Some(offer)).await;
    assert!(status == 200 && site["services"].to_string().contains("keyaki/images"), "{site}");
    let version = site["version"].as_str().unwrap().to_owned();
    let away = format!("/api/v1/sites/hospital/services/images?version={version}");
    assert_eq!(hospital.send("DELETE", &away, None).await.0, 200);

    // Terms: proposed, taken back, proposed again, rejected; and signed by both.
    let all = "/api/v1/agreements";
    let terms = |number: &str| json!({ "agreement": number, "service": "keyaki/records", "valid_from": "2020-01-01", "valid_until": "2040-01-01" });
    for (number, by, how) in [("A-5", &mut clinic, "withdraw"), ("A-6", &mut hospital, "reject")] {
        let body = if how == "reject" { json!({ "reason": "Not now" }) } else { json!({}) };
        // Proposed by the clinic each time.
        let mut proposer = Program::of_member(&stage, &users[0]).await;
        let (status, made) = proposer.ask("POST", all, "", Some(terms(number))).await;
        assert_eq!(status, 201, "{made}");
        let path = format!("/api/v1/agreements/{{agreement}}/{how}");
        let (status, no) = by.ask("POST", &path, number, Some(body)).await;
        assert_eq!(status, 204, "{no}");
    }
    assert_eq!(clinic.ask("POST", all, "", Some(terms("A-7"))).await.0, 201);
    clinic.refused("POST", all, "", terms("A-7"), 409, "J108").await;
    let one = "/api/v1/agreements/{agreement}";
    let seen = hospital.get(one, "A-7").await;
    let agreement = model::parse_document("A-7.toml", seen["document"].as_str().unwrap()).unwrap().agreements.remove(0);
    assert_eq!(
        seen["to_sign"],
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, agreement.signed_bytes())
    );
    let sign = "/api/v1/agreements/{agreement}/sign";
    for (program, id, signed) in [(&mut clinic, "aoba", 1), (&mut hospital, "keyaki", 2)] {
        let (status, code) = program.ask("POST", "/api/v1/signing-code", "", None).await;
        assert_eq!(status, 201, "{code}");
        let party = super::Party::with_token(&stage, id, code["token"].as_str().unwrap()).await;
        let (value, certificate) = party.signature(&agreement);
        let longer = model::Agreement { valid_until: agreement.valid_until.plus_ms(1), ..agreement.clone() };
        let moved = json!({ "value": party.signature(&longer).0, "certificate": certificate });
        program.refused("POST", sign, "A-7", moved, 403, "O023").await;
        let good = json!({ "value": value, "certificate": certificate });
        let (status, done) = program.ask("POST", sign, "A-7", Some(good)).await;
        assert_eq!((status, done["signed_by"].as_array().map(Vec::len)), (200, Some(signed)), "{done}");
    }
    assert_eq!(operator.get("/api/v1/review/agreements", "").await["items"][0]["complete"], true);
    operator.get("/api/v1/review/agreements/{agreement}", "A-7").await;
    stage.stop().await;
}
