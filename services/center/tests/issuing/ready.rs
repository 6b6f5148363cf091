//! From a registered site to "ready to open": host, whitelist, certificates, an agreement signed by both (G12).

use serde_json::json;

use super::browser::{Browser, Seen};
use super::registration::{PASSWORD, SITE, linked, managers};
use super::{OTHERS, Party, Stage, layout, now};

/// The version that the forms of a site carry.
async fn version(browser: &mut Browser, page: &str) -> String {
    browser.get(page).await.between("name=\"version\" value=\"", "\"")
}

fn token(given: &Seen) -> String {
    given.says(200, &["sekisho-once-"]);
    format!("sekisho-once-{}", given.between("sekisho-once-", "<"))
}

/// The manager of the branch answers its checksheet: a draft first, then a slip, then all of it (G11).
async fn sheet(clinic: &mut Browser, operator: &mut Browser, hospital: &mut Browser) {
    let page = "/sites/at/branch/checksheet";
    assert_eq!(hospital.get(page).await.status, 404, "another institution's");
    let asked = ["3-1-1", "3-1-2", "3-4-1", "3-4-2", "3-6-1", "4-1-2", "4-3-1"];
    let fields = |version: String, said: &[(&str, &str, &str)]| {
        let mut all = vec![("version".to_owned(), version)];
        for (item, answer, evidence) in said {
            all.push((format!("answer-{item}"), (*answer).to_owned()));
            all.push((format!("evidence-{item}"), (*evidence).to_owned()));
        }
        all
    };
    async fn send(browser: &mut Browser, page: &str, fields: Vec<(String, String)>) -> Seen {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.post(page, &fields).await
    }
    clinic.get(page).await.says(200, &["data-checksheet=\"open\"", "Nobody has answered", "I08", "main (internet)"]);
    let first = version(clinic, page).await;
    let draft = [("3-1-1", "yes", "Plan of 2026")];
    send(clinic, page, fields(first.clone(), &draft)).await.led_to(page);
    send(clinic, page, fields(first, &draft)).await.says(409, &["J010"]);
    clinic.get(page).await.says(200, &["value=\"Plan of 2026\"", "#item-3-4-2"]);
    let seen = version(clinic, page).await;
    let slip = [("3-1-1", "yes", "Plan of 2026"), ("3-4-1", "does-not-apply", " ")];
    send(clinic, page, fields(seen.clone(), &slip)).await.says(422, &["fault-3-4-1", "href=\"#item-3-4-1\""]);
    let all: Vec<_> = asked.iter().map(|item| (*item, "yes", "Plan of 2026")).collect();
    send(clinic, page, fields(seen, &all)).await.led_to(page);
    clinic.get(page).await.says(200, &["data-checksheet=\"passes\""]);
    // A slip must not end the lines of the site: that is asked for by name.
    let seen = version(clinic, page).await;
    let mut slip = fields(seen.clone(), &all[1..]);
    send(clinic, page, slip.clone()).await.says(409, &["J114", "3-1-1", "name=\"may-end\""]);
    clinic.get(page).await.says(200, &["data-checksheet=\"passes\""]);
    slip.push(("may-end".to_owned(), "yes".to_owned()));
    send(clinic, page, slip).await.led_to(page);
    clinic.get(page).await.says(200, &["data-checksheet=\"open\"", "#item-3-1-1"]);
    let seen = version(clinic, page).await;
    send(clinic, page, fields(seen, &all)).await.led_to(page);
    clinic.get(&format!("{page}/print")).await.says(200, &["Plan of 2026", "data-standing=\"met\""]);
    // An operator reads it, and cannot answer for the institution.
    let read = operator.get("/review/sites/at/branch/checksheet").await;
    read.says(200, &["data-checksheet=\"passes\"", "Plan of 2026"]);
    assert!(!read.text.contains("name=\"answer-3-1-1\""));
    assert_ne!(operator.post("/review/sites/at/branch/checksheet", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registered_site_becomes_ready_to_open_without_a_file_g12() {
    let mut stage = Stage::laid();
    let users = managers(&stage, 2).await;
    stage.start().await;
    let documents: Vec<_> =
        OTHERS.iter().enumerate().map(|(n, t)| json!({"name": format!("{n}.toml"), "text": t})).collect();
    assert_eq!(stage.operator("POST", "/v1/apply", json!({ "documents": documents })).await.0, 200);
    let (mut clinic, mut hospital) = (Browser::inside(&stage), Browser::inside(&stage));
    let mut operator = Browser::operator(&stage);
    clinic.log_in(&users[0], PASSWORD).await;
    hospital.log_in(&users[1], PASSWORD).await;

    // The hospital came by documents; an operator says which institution of the directory it is.
    let link = [("institution", "2"), ("network-name", "keyaki"), ("name-ja", ""), ("name-en", "Keyaki")];
    operator.post("/review/sites/name", &link).await.led_to("/review/sites");
    hospital.get("/sites/at/hospital").await.says(200, &["keyaki/records"]);
    let name = [("network-name", "aoba"), ("name-ja", ""), ("name-en", "Aoba Clinic")];
    clinic.post("/sites/name", &name).await.led_to("/sites");
    clinic.post("/sites/new", &SITE).await.led_to("/sites");
    let draft = clinic.get("/sites").await.between("id=\"draft-", "\"");
    clinic.post("/agreements/key", &[]).await.says(409, &["J103"]);
    operator.post(&format!("/review/sites/drafts/{draft}/register"), &[("version", "1")]).await.led_to("/review/sites");

    // A terminal, and the line of the whitelist; each refused as policy refuses it.
    let page = "/sites/at/branch";
    let seen = version(&mut clinic, page).await;
    let host = |address: &'static str, version: &str| {
        let fields = [
            ("host", "exam-1"),
            ("segment", "secure"),
            ("address", address),
            ("mac", "02:00:00:44:20:11"),
            ("port", "3"),
        ];
        let fields = fields.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
        fields.chain([("terminal".into(), "on".into()), ("version".into(), version.to_owned())]).collect::<Vec<_>>()
    };
    let post = async |browser: &mut Browser, path: String, fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.post(&path, &fields).await
    };
    let hosts = format!("{page}/hosts");
    post(&mut clinic, hosts.clone(), host("10.99.0.1", &seen)).await.says(422, &["O009", "own facility", "outside"]);
    post(&mut clinic, hosts.clone(), host("not one", &seen))
        .await
        .says(422, &["new-host-address-fault", "value=\"exam-1\""]);
    assert_eq!(post(&mut hospital, hosts.clone(), host("10.44.20.11", &seen)).await.status, 404, "not theirs");
    post(&mut clinic, hosts.clone(), host("10.44.20.11", &seen)).await.led_to(page);
    post(&mut clinic, hosts.clone(), host("10.44.20.12", &seen)).await.says(409, &["J010"]);
    let seen = version(&mut clinic, page).await;
    post(&mut clinic, hosts, host("10.44.20.12", &seen)).await.says(409, &["J106", "branch/exam-1"]);
    let line = |from: &'static str, version: String| {
        vec![
            ("service".to_owned(), "keyaki/records".to_owned()),
            ("roles".to_owned(), "Medical Doctor".to_owned()),
            ("from".to_owned(), from.to_owned()),
            ("version".to_owned(), version),
        ]
    };
    let lines = format!("{page}/lines");
    post(&mut clinic, lines.clone(), line("nobody", seen.clone())).await.says(422, &["O009", "unknown"]);
    post(&mut clinic, lines, line("exam-1", seen)).await.led_to(page);
    clinic
        .get(page)
        .await
        .says(200, &["data-step=\"use\" data-done=\"true\"", "data-step=\"agree\" data-done=\"false\""]);
    let seen = version(&mut clinic, page).await;
    let remove = [("version", seen.as_str())];
    clinic.post(&format!("{page}/hosts/exam-1/remove"), &remove).await.says(422, &["O009"]);

    // Both gates enrol with their tokens and dial in; the terminal gets its certificate.
    let mut links = Vec::new();
    for (browser, site) in [(&mut clinic, "branch"), (&mut hospital, "hospital")] {
        let token = token(&browser.post(&format!("/sites/at/{site}/gate"), &[]).await);
        let folder = format!("gate-of-{site}");
        gate::enroll(&token, &layout(&stage.path(&folder)), now(), "en").await.unwrap();
        links.push(linked(&stage, &folder, site).await);
    }
    let device = token(&clinic.post(&format!("{page}/hosts/exam-1/code"), &[]).await);
    Party::with_token(&stage, "exam-1", &device).await;
    clinic.get(page).await.says(200, &["data-step=\"devices\" data-done=\"true\"", "data-stage=\"gate-enrolled\""]);

    // The agreement: proposed, signed outside, the second signature in another shape; wrong ones refused with the side.
    let terms = |number: &'static str, service: &'static str| {
        [
            ("agreement", number),
            ("service", service),
            ("consumer", ""),
            ("valid-from", "2020-01-01"),
            ("valid-until", "2040-01-01"),
        ]
    };
    clinic.post("/agreements", &terms("A-7", "keyaki/nothing")).await.says(200, &["O009", "unknown"]);
    hospital.post("/agreements", &terms("A-7", "keyaki/records")).await.says(200, &["consumer"]);
    clinic.post("/agreements", &terms("A-7", "keyaki/records")).await.led_to("/agreements/A-7");
    clinic.post("/agreements", &terms("A-7", "keyaki/records")).await.says(200, &["J108"]);
    hospital.post("/agreements/A-7/withdraw", &[]).await.says(409, &["J109"]);
    let document = hospital.get("/agreements/A-7/document").await.text;
    let agreement = model::parse_document("A-7.toml", &document).unwrap().agreements.remove(0);
    assert_eq!(hospital.get("/agreements/A-7/bytes").await.text.as_bytes(), agreement.signed_bytes());
    let code = token(&clinic.post("/agreements/key", &[]).await);
    let aoba = Party::with_token(&stage, "aoba", &code).await;
    let code = token(&hospital.post("/agreements/key", &[]).await);
    let keyaki = Party::with_token(&stage, "keyaki", &code).await;
    let sign = "/agreements/A-7/sign";
    let stolen = format!("{document}\n{}", keyaki.sign(&agreement, "consumer"));
    // Whose fault it is depends on who brings it: one's own signature is one's own to make again.
    clinic.post(sign, &[("signed", &stolen)]).await.says(403, &["O023", "own facility"]);
    hospital.post(sign, &[("signed", &stolen)]).await.says(403, &["O023", "peer facility"]);
    let other = model::Agreement { valid_until: model::Timestamp(agreement.valid_until.0 + 1), ..agreement.clone() };
    let moved = format!("{document}\n{}", aoba.sign(&other, "consumer"));
    clinic.post(sign, &[("signed", &moved)]).await.says(403, &["O023"]);
    clinic.post(sign, &[("signed", &document)]).await.says(422, &["J110"]);
    assert!(
        !hospital.get("/sites/at/hospital").await.text.contains("branch/exam-1"),
        "not before its institution signs"
    );
    let good = format!("{document}\n{}", aoba.sign(&agreement, "consumer"));
    clinic.post(sign, &[("signed", &good)]).await.led_to("/agreements/A-7");
    clinic.get("/agreements/A-7").await.says(200, &["data-signed=\"1\""]);
    clinic.get(page).await.says(200, &["data-stage=\"gate-enrolled\""]);
    let (value, certificate) = keyaki.signature(&agreement);
    hospital.post(sign, &[("value", &value), ("certificate", &certificate)]).await.led_to("/agreements/A-7");
    hospital.get("/agreements/A-7").await.says(200, &["data-signed=\"2\""]);
    // Both agreed, and still nothing opens: the branch has not answered its checksheet, the hospital has (G12).
    clinic.get("/agreements/A-7").await.says(
        200,
        &["data-side=\"provider\" data-passes=\"true\"", "data-side=\"consumer\" data-passes=\"false\"", "1-1-1"],
    );
    clinic.get(page).await.says(200, &["data-stage=\"gate-enrolled\"", "D044", "own facility"]);
    hospital.get("/sites/at/hospital").await.says(200, &["D044"]);
    sheet(&mut clinic, &mut operator, &mut hospital).await;
    clinic.get(page).await.says(200, &["data-stage=\"ready\"", "could open now"]);
    hospital.get("/sites/at/hospital").await.says(200, &["branch/exam-1", "could open now"]);
    let (_, log) = stage.operator("GET", "/v1/log?limit=1000", json!({})).await;
    for event in ["site-changed", "agreement-proposed", "agreement-signed", "certificate-issued"] {
        assert!(log.to_string().contains(event), "{event}: {log}");
    }
    drop(links);
    stage.stop().await;
}
