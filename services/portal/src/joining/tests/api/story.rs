//! Every call does what it says, once, with what its document allows.

use std::collections::BTreeSet;

use super::super::people::{NEXT, begun, people};
use super::super::{House, house};
use super::*;

struct Program<'a> {
    house: &'a House,
    at: Entrance,
    shows: Shows<'a>,
    done: BTreeSet<String>,
}

impl<'a> Program<'a> {
    fn new(house: &'a House, at: Entrance, shows: Shows<'a>) -> Self {
        Self { house, at, shows, done: BTreeSet::new() }
    }

    /// Asks; `parts` stand for what is between braces, a query may follow.
    async fn ask(&mut self, method: Method, template: &str, parts: &[&str], body: Option<Value>) -> (u16, Value) {
        let (template, query) = template.split_once('?').map_or((template, ""), |(path, query)| (path, query));
        let mut path = template.to_owned();
        for part in parts {
            let (from, to) = (path.find('{').unwrap(), path.find('}').unwrap());
            path.replace_range(from..=to, part);
        }
        let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
        let request = call(&method, &uri, &self.shows, body.as_ref());
        let (status, value) = answer(self.house, self.at, template, request).await;
        if status.is_success() {
            self.done.insert(format!("{method} {template}"));
        }
        (status.as_u16(), value)
    }

    async fn get(&mut self, template: &str, parts: &[&str]) -> Value {
        let (status, value) = self.ask(Method::GET, template, parts, None).await;
        assert_eq!(status, 200, "{template}: {value}");
        value
    }

    async fn post(&mut self, template: &str, parts: &[&str], body: Value) -> Value {
        let (status, value) = self.ask(Method::POST, template, parts, Some(body)).await;
        assert!((200..300).contains(&status), "{template}: {status} {value}");
        value
    }

    /// Every call of the door was done; those about sites are done where there is a network (`services/center`),
    /// those about devices where there are some (`tests/equipment.rs`).
    fn all_done(self) {
        let document = of(self.at);
        let paths = document["paths"].as_object().unwrap();
        let all: BTreeSet<String> = paths
            .iter()
            .filter(|(path, _)| {
                !["/site", "/member", "/agreement", "/signing", "/configuration", "/equipment"]
                    .iter()
                    .any(|part| path.contains(part))
            })
            .flat_map(|(path, all)| {
                all.as_object().unwrap().keys().map(move |m| format!("{} {path}", m.to_uppercase()))
            })
            .collect();
        assert_eq!(self.done, all);
    }
}

#[tokio::test]
async fn a_member_does_over_the_api_what_the_pages_do_r8_r9_r11_r12() {
    let house = house().await;
    let people = people(&house).await;
    let mut member = Program::new(&house, Entrance::Inside, Shows::Token(&people.tokens[0]));
    assert_eq!(member.get("/api/v1/openapi.json", &[]).await["openapi"], "3.1.0");
    let me = member.get("/api/v1/account", &[]).await;
    assert_eq!((&me["role"], &me["institution_name"]), (&json!("manager"), &json!("ケヤキ病院")));
    member.get("/api/v1/notices", &[]).await;
    let found = member.get("/api/v1/institutions?words=%EF%BD%B1%EF%BD%B5%EF%BE%8A%EF%BE%9E&prefecture=13", &[]).await;
    assert_eq!((&found["total"], &found["items"][0]["name"]), (&json!(1), &json!("アオバ医院")));

    // The service was applied for already; taken back, it can be again.
    let services = member.get("/api/v1/services", &[]).await;
    assert_eq!((&services["items"][0]["open"], &services["items"][0]["can_apply"]), (&json!(true), &json!(false)));
    let again = json!({ "services": ["cancer-registry"] });
    let (status, no) = member.ask(Method::POST, "/api/v1/service-applications", &[], Some(again.clone())).await;
    assert_eq!((status, &no["code"]), (409, &json!("J016")));
    let all = member.get("/api/v1/service-applications", &[]).await;
    let number = all["items"][0]["number"].to_string();
    member.post("/api/v1/service-applications/{id}/cancel", &[&number], json!({})).await;
    let made = member.post("/api/v1/service-applications", &[], again).await;
    assert_eq!(made["items"][0]["stand"], "accepted");

    // Staff, in parts.
    let form = json!({ "name": "看護 次郎", "kana": "カンゴ ジロウ", "mail": "j@keyaki.example" });
    let added = member.post("/api/v1/staff", &[], form).await;
    let user = added["account"]["user"].as_str().unwrap().to_owned();
    assert_eq!(added["initial"]["initial_password"].as_str().unwrap().len(), 6);
    let whole = member.get("/api/v1/staff", &[]).await["items"].as_array().unwrap().clone();
    let (mut pieces, mut after) = (Vec::new(), String::new());
    loop {
        let part = member.get(&format!("/api/v1/staff?limit=1&after={after}"), &[]).await;
        pieces.extend(part["items"].as_array().unwrap().clone());
        match part["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(pieces, whole);
    let reset = member.post("/api/v1/staff/{user}/reset", &[&user], json!({})).await;
    assert_ne!(reset["initial_password"], added["initial"]["initial_password"]);
    assert_eq!(member.ask(Method::DELETE, "/api/v1/staff/{user}", &[&user], None).await.0, 204);
    assert_eq!(member.ask(Method::DELETE, "/api/v1/staff/{user}", &[&user], None).await.0, 404);

    let files = member.get("/api/v1/submissions?limit=1", &[]).await;
    let id = files["items"][0]["id"].as_str().unwrap();
    assert_eq!(member.get("/api/v1/submissions/{id}", &[id]).await["state"], "accepted");
    assert_eq!(member.get("/api/v1/submissions/{id}/receipt", &[id]).await["signature"], "AA==");

    assert_eq!(member.ask(Method::DELETE, "/api/v1/token", &[], None).await.0, 204);
    assert_eq!(member.ask(Method::GET, "/api/v1/account", &[], None).await.0, 401);
    member.all_done();
}

#[tokio::test]
async fn an_applicant_searches_with_the_link_of_the_letter_r3() {
    let house = house().await;
    let people = people(&house).await;
    let mut applicant = Program::new(&house, Entrance::Public, Shows::Token(&people.link));
    applicant.get("/api/v1/openapi.json", &[]).await;
    assert_eq!(applicant.get("/api/v1/institutions?words=けやき", &[]).await["total"], 1);
    applicant.all_done();
    let mut stranger = Program::new(&house, Entrance::Public, Shows::Nothing);
    assert_eq!(stranger.ask(Method::GET, "/api/v1/institutions", &[], None).await.0, 401);
    let mut member = Program::new(&house, Entrance::Public, Shows::Token(&people.tokens[0]));
    assert_eq!(member.ask(Method::GET, "/api/v1/institutions", &[], None).await.0, 401);
}

#[tokio::test]
async fn an_operator_reviews_over_the_api_and_an_auditor_only_reads_r4_r5_r8_r9() {
    let house = house().await;
    let people = people(&house).await;
    let [waiting, unwanted] = [begun(&house, "f@aoba.example").await, begun(&house, "g@aoba.example").await];
    let mut operator = Program::new(&house, Entrance::Operator, Shows::Operator);
    operator.get("/api/v1/openapi.json", &[]).await;
    let open = operator.get("/api/v1/review/applications", &[]).await;
    assert_eq!(open["items"].as_array().unwrap().len(), 2);
    assert!(operator.get("/api/v1/review/applications?list=decided", &[]).await["items"][0]["user"].is_string());
    let one = "/api/v1/review/applications/{id}";
    let seen = operator.get(one, &[&waiting]).await;
    assert_eq!(seen["form"]["applicant"], "医療 一郎");
    let version = seen["version"].clone();
    let call = json!({ "version": version, "phone": members::PHONE, "outcome": "confirmed", "note": "事務長" });
    let seen = operator.post(&format!("{one}/calls"), &[&waiting], call.clone()).await;
    assert_eq!(seen["confirmed"], true);
    let old = operator.ask(Method::POST, &format!("{one}/calls"), &[&waiting], Some(call)).await;
    assert_eq!((old.0, &old.1["code"]), (409, &json!("J010")), "what was not seen is not decided on");
    let settled = json!({ "version": seen["version"], "institution": NEXT });
    let seen = operator.post(&format!("{one}/institution"), &[&waiting], settled).await;
    let approved = json!({ "version": seen["version"] });
    let approval = operator.post(&format!("{one}/approve"), &[&waiting], approved).await;
    let user = approval["account"]["user"].as_str().unwrap().to_owned();
    assert_eq!(approval["phone"], members::PHONE);
    let seen = operator.get(one, &[&unwanted]).await;
    let why = json!({ "version": seen["version"], "reason": "Nobody knows of it" });
    assert_eq!(operator.post(&format!("{one}/reject"), &[&unwanted], why).await["stand"], "rejected");

    let services = "/api/v1/review/service-applications";
    let all = operator.get(services, &[]).await["items"].as_array().unwrap().clone();
    for decision in ["cancel", "approve"] {
        let who = house.desk.joining.session(&people.other).await.unwrap();
        if decision == "approve" {
            house.desk.joining.apply_for_services(&who, &["cancer-registry".into()]).await.unwrap();
        }
        let waiting = match decision {
            "cancel" => all.iter().find(|s| s["institution"] == 2).unwrap().clone(),
            _ => operator.get(services, &[]).await["items"][0].clone(),
        };
        let mut body = json!({ "version": waiting["version"] });
        if decision == "cancel" {
            body["reason"] = json!("By mistake");
        }
        let number = waiting["number"].to_string();
        operator.post(&format!("{services}/{{id}}/{decision}"), &[&number], body).await;
    }

    let put = json!({ "institutions": [{
        "number": 9, "code": "1310000009", "prefecture": 13, "name": "ヒノキ病院", "kana": "ヒノキビョウイン", "address": "港区"
    }] });
    let (status, no) = operator.ask(Method::PUT, "/api/v1/review/institutions", &[], Some(put)).await;
    assert_eq!(status, 204, "{no}");
    assert_eq!(operator.get("/api/v1/review/institutions?words=ヒノキ", &[]).await["total"], 1);

    let accounts = "/api/v1/review/accounts";
    assert!(operator.get(&format!("{accounts}?institution=2"), &[]).await["items"].as_array().unwrap().len() >= 2);
    operator.post(&format!("{accounts}/{{user}}/unlock"), &[&user], json!({})).await;
    let stopped = operator.post(&format!("{accounts}/{{user}}/suspend"), &[&user], json!({})).await;
    assert_eq!(stopped["state"], "suspended");
    operator.post(&format!("{accounts}/{{user}}/resume"), &[&user], json!({})).await;
    assert!(operator.post(&format!("{accounts}/{{user}}/reset"), &[&user], json!({})).await["until"].is_string());

    let text = |ja: &str, en: &str| json!({ "ja": ja, "en": en });
    let notice =
        json!({ "title": text("休止", "Pause"), "body": text("本文", "Text"), "until": "2100-01-01T00:00:00Z" });
    let published = operator.post("/api/v1/review/notices", &[], notice).await;
    let number = published["number"].to_string();
    assert_eq!(operator.get("/api/v1/review/notices", &[]).await["items"][0], published);
    assert_eq!(operator.ask(Method::DELETE, "/api/v1/review/notices/{id}", &[&number], None).await.0, 204);

    // Report files of every institution, and who is in the client VPN.
    let (files, file) = ("/api/v1/review/submissions", super::super::people::FILE);
    let all = operator.get(&format!("{files}?limit=1"), &[]).await;
    assert_eq!((&all["items"][0]["institution_name"], &all["next"]), (&json!("ケヤキ病院"), &Value::Null), "{all}");
    assert_eq!(all["items"][0]["submission"]["state"], "accepted");
    for (query, count) in [
        ("state=accepted", 1),
        ("state=refused", 0),
        ("institution=%E3%82%A2%E3%82%AA%E3%83%90", 0),
        ("from=2020-01-01", 1),
        ("until=2020-01-01", 0),
    ] {
        let found = operator.get(&format!("{files}?{query}"), &[]).await;
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{query}: {found}");
    }
    for wrong in ["state=nonsense", "from=yesterday", "limit=0"] {
        assert_eq!(operator.ask(Method::GET, &format!("{files}?{wrong}"), &[], None).await.0, 400, "{wrong}");
    }
    assert_eq!(operator.ask(Method::GET, &format!("{files}?after=none"), &[], None).await.0, 404);
    assert_eq!(operator.get(&format!("{files}/{{id}}"), &[file]).await, all["items"][0]);
    assert_eq!(operator.get(&format!("{files}/{{id}}/receipt"), &[file]).await["text"], "receipt\n");
    let record = format!("{:?}", house.desk.joining.registry().audit_last(1).await.unwrap());
    assert!(record.contains("ReceiptOverseen") && record.contains("ito") && record.contains(file), "{record}");
    let lines = "/api/v1/review/vpn-lines";
    assert_eq!(operator.get(lines, &[]).await["items"][0]["vpn"], "V-0001");
    let (status, no) = operator.ask(Method::POST, &format!("{lines}/{{vpn}}/end"), &["V-9"], Some(json!({}))).await;
    assert_eq!((status, &no["code"]), (409, &json!("line-not-in")));
    assert_eq!(operator.ask(Method::POST, &format!("{lines}/{{vpn}}/end"), &["V-0001"], Some(json!({}))).await.0, 204);
    assert!(operator.get(lines, &[]).await["items"].as_array().unwrap().is_empty());
    let record = format!("{:?}", house.desk.joining.registry().audit_last(1).await.unwrap());
    assert!(record.contains("ClientVpnCut") && record.contains("V-0001"), "{record}");
    operator.all_done();

    let mut auditor = Program::new(&house, Entrance::Operator, Shows::Auditor);
    assert_eq!(auditor.get(one, &[&waiting]).await["stand"], "approved");
    let no = auditor.ask(Method::POST, &format!("{one}/approve"), &[&waiting], Some(json!({ "version": 1 }))).await;
    assert_eq!((no.0, &no.1["code"]), (403, &json!("not-yours")));
}
