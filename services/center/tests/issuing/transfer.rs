//! What is applied at one center is taken out and into another, by pages and by the API (N10): tried first, and nothing
//! but what was tried.

use serde_json::{Value, json};

use super::api::Program;
use super::browser::{Browser, Seen};
use super::{DOCUMENT, OTHERS, Stage};

const PAGE: &str = "/review/configuration";

/// A form with a file, as a browser sends it.
async fn sent(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Seen {
    let mut body = String::new();
    for (name, value) in fields {
        let file = if *name == "file" { "; filename=\"export.json\"" } else { "" };
        // A browser ends lines with two octets in what was typed or carried, and leaves files as they are.
        let value = if *name == "file" { (*value).to_owned() } else { value.replace('\n', "\r\n") };
        body += &format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n");
    }
    body += "--edge--\r\n";
    browser.ask("POST", path, body, &[("content-type", "multipart/form-data; boundary=edge")]).await
}

async fn applied(stage: &Stage, texts: &[&str]) {
    let documents: Vec<_> =
        texts.iter().enumerate().map(|(n, t)| json!({"name": format!("{n}.toml"), "text": t})).collect();
    let (status, report) = stage.operator("POST", "/v1/apply", json!({ "documents": documents })).await;
    assert_eq!(status, 200, "{report}");
}

async fn held(stage: &Stage) -> Value {
    stage.operator("GET", "/v1/export", json!({})).await.1
}

async fn recorded(stage: &Stage, event: &str) -> usize {
    let (_, log) = stage.operator("GET", "/v1/log?limit=1000", json!({})).await;
    log.to_string().matches(event).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_center_exports_by_page_another_tries_and_takes_in_n10() {
    let (from, to) = (Stage::new().await, Stage::new().await);
    applied(&from, &[DOCUMENT, OTHERS[0], OTHERS[1]]).await;
    let (mut giver, mut taker) = (Browser::operator(&from), Browser::operator(&to));
    giver.get(PAGE).await.says(200, &["id=\"download\"", "enctype=\"multipart/form-data\""]);
    let export = giver.get(&format!("{PAGE}/export")).await;
    assert_eq!(export.status, 200);
    assert_eq!(serde_json::from_str::<Value>(&export.text).unwrap(), held(&from).await);
    assert_eq!(recorded(&from, "network-exported").await, 1);

    // What is wrong says why and what to do, and changes nothing.
    let (trial, import) = (format!("{PAGE}/trial"), format!("{PAGE}/import"));
    let nothing = held(&to).await;
    let by_hand = export.text.replacen("10.1.20.11", "10.1.20.12", 1);
    let no = sent(&mut taker, &trial, &[("file", &by_hand)]).await;
    no.says(422, &["O009", "export.json", "changed after it was exported", "Nothing has changed", "export again"]);
    let cut = &export.text[..export.text.len() / 2];
    sent(&mut taker, &trial, &[("file", ""), ("text", cut)]).await.says(422, &["O009", "sekisho_export"]);
    sent(&mut taker, &trial, &[("file", ""), ("text", " ")]).await.says(422, &["id=\"file-fault\""]);
    sent(&mut taker, &import, &[("file", &export.text), ("tried", "")]).await.says(409, &["J113"]);
    taker.post(&trial, &[("text", &export.text)]).await.says(422, &["id=\"file-fault\""]);
    let long = "a".repeat(17 << 20);
    sent(&mut taker, &trial, &[("text", &long)]).await.says(413, &["at most 16 MiB"]);

    // A trial shows everything and changes nothing.
    let shown = sent(&mut taker, &trial, &[("file", &export.text)]).await;
    shown.says(
        200,
        &["<th scope=\"row\">clinic</th>", "keyaki/records", "added 12, changed 0, removed 0", "id=\"take\""],
    );
    assert_eq!(held(&to).await, nothing);
    let tried = shown.between("name=\"tried\" value=\"", "\"");

    // Only that file, and only while nothing else was applied.
    let other = export.text.replacen("  ", " ", 1);
    let take = |text: &str, tried: &str| {
        [("tried", tried.to_owned()), ("name", "export.json".to_owned()), ("text", text.to_owned())]
    };
    let confirm = async |taker: &mut Browser, fields: [(&str, String); 3]| {
        sent(taker, &import, &fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await
    };
    confirm(&mut taker, take(&other, &tried)).await.says(409, &["J113", "Try the file again"]);
    applied(&to, &[OTHERS[1]]).await;
    confirm(&mut taker, take(&export.text, &tried)).await.says(409, &["J113"]);
    assert_eq!(recorded(&to, "network-imported").await, 0);
    let shown = sent(&mut taker, &trial, &[("file", &export.text)]).await;
    let tried = shown.between("name=\"tried\" value=\"", "\"");
    confirm(&mut taker, take(&export.text, &tried)).await.says(200, &["id=\"taken\"", "<th scope=\"row\">clinic</th>"]);
    assert_eq!(held(&to).await, held(&from).await);
    assert_eq!((recorded(&to, "network-imported").await, recorded(&to, "network-applied").await), (1, 2));
    // Sent again, as by a reload: it was tried on what is no more.
    confirm(&mut taker, take(&export.text, &tried)).await.says(409, &["J113"]);
    let again = sent(&mut taker, &trial, &[("file", &export.text)]).await;
    again.says(200, &["id=\"nothing\""]);
    assert!(!again.text.contains("id=\"take\""));

    // A value that differs is shown with what it was; what is removed is shown too.
    let moved = DOCUMENT.replace("\"10.1.20.11\"", "\"10.1.20.19\"");
    let shown = sent(&mut taker, &trial, &[("text", &moved)]).await;
    shown.says(
        200,
        &["hosts.exam-1.address", "<del>10.1.20.11</del>", "<ins>10.1.20.19</ins>", "data-change=\"changed\""],
    );
    let (without, _) = OTHERS[1].split_once("[[service]]").unwrap();
    sent(&mut taker, &trial, &[("text", without)]).await.says(200, &["data-change=\"removed\""]);
    from.stop().await;
    to.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_center_exports_a_program_tries_and_takes_in_elsewhere_n10() {
    let (from, to) = (Stage::new().await, Stage::new().await);
    applied(&from, &[DOCUMENT, OTHERS[0], OTHERS[1]]).await;
    let (mut giver, mut taker) = (Program::of_operator(&from).await, Program::of_operator(&to).await);
    let (all, trial, import) =
        ("/api/v1/review/configuration", "/api/v1/review/configuration/trial", "/api/v1/review/configuration/import");
    let file = giver.get(all, "").await.to_string();
    assert_eq!(recorded(&from, "network-exported").await, 1);
    let nothing = held(&to).await;
    taker.refused("POST", trial, "", json!({ "file": "{}" }), 422, "O009").await;
    taker.refused("POST", trial, "", json!({ "file": file, "more": 1 }), 400, "malformed").await;
    let (status, shown) = taker.ask("POST", trial, "", Some(json!({ "file": file, "name": "a.json" }))).await;
    assert_eq!((status, &shown["imported"], &shown["ended"]), (200, &json!(false), &json!([])), "{shown}");
    assert!(
        shown["changes"].as_array().unwrap().contains(&json!({ "what": "site", "id": "clinic", "change": "added" }))
    );
    assert_eq!(held(&to).await, nothing);
    let tried = shown["tried"].clone();
    let other = json!({ "file": format!("{file} "), "tried": tried });
    taker.refused("POST", import, "", other, 409, "J113").await;
    let (status, done) = taker.ask("POST", import, "", Some(json!({ "file": file, "tried": tried }))).await;
    assert_eq!((status, &done["imported"], &done["changes"]), (200, &json!(true), &shown["changes"]), "{done}");
    assert_eq!(held(&to).await, held(&from).await);
    taker.refused("POST", import, "", json!({ "file": file, "tried": tried }), 409, "J113").await;
    from.stop().await;
    to.stop().await;
}
