//! A list of sites that is longer than a page (G12).

use serde_json::json;
use std::collections::BTreeSet;

use super::browser::{Browser, Seen};
use super::{DOCUMENT, Stage};

/// Sites of an institution, each with addresses of its own.
fn sites(count: usize) -> Vec<serde_json::Value> {
    let site = |n: usize| {
        let text = DOCUMENT
            .replace("\"clinic\"", &format!("\"clinic-{n:04}\""))
            .replace("clinic.gate", &format!("clinic-{n:04}.gate"))
            .replace("192.0.2.11", &format!("198.51.{}.{}", n / 250, n % 250 + 1))
            .replace("0000000000000001", &format!("{:016x}", n + 1))
            .replace("10.1.20.", &format!("10.{}.{}.", n / 250 + 1, n % 250));
        // Whom a site foresees to be asked is not this test's.
        let text = text.split("[[allow]]").next().unwrap().to_owned();
        json!({ "name": format!("{n}.toml"), "text": text })
    };
    (0..count).map(site).collect()
}

fn rows(seen: &Seen) -> Vec<String> {
    let all = seen.text.split("id=\"site-").skip(1);
    all.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Where a link of a page leads.
fn link(seen: &Seen, id: &str) -> Option<String> {
    let (_, rest) = seen.text.split_once(&format!("id=\"{id}\""))?;
    let (_, rest) = rest.split_once("href=\"")?;
    Some(rest.split('"').next()?.split('#').next()?.replace("&amp;", "&"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_of_sites_is_shown_page_by_page_g12() {
    let stage = Stage::new().await;
    let (status, report) = stage.operator("POST", "/v1/apply", json!({ "documents": sites(120) })).await;
    assert_eq!(status, 200, "{report}");
    let mut operator = Browser::operator(&stage);
    let (mut met, mut at, mut pages) = (BTreeSet::new(), "/review/sites".to_owned(), Vec::new());
    loop {
        let seen = operator.get(&at).await;
        seen.says(200, &["id=\"total\">120 sites"]);
        let rows = rows(&seen);
        assert!(rows.len() <= 50 && rows.iter().all(|row| met.insert(row.clone())), "{rows:?}");
        pages.push(rows);
        match link(&seen, "next") {
            Some(next) => at = next,
            None => break,
        }
    }
    assert_eq!((met.len(), pages.len()), (120, 3));
    // And back.
    let last = operator.get(&at).await;
    let before = operator.get(&link(&last, "previous").unwrap()).await;
    assert_eq!(rows(&before), pages[1]);
    let first = operator.get(&link(&before, "previous").unwrap()).await;
    assert_eq!((rows(&first), link(&first, "previous")), (pages[0].clone(), None));
    // By a word; and one that fits nothing.
    let found = operator.get("/review/sites?words=CLINIC-007").await;
    assert_eq!((rows(&found).len(), link(&found, "next")), (10, None));
    operator.get("/review/sites?words=%22%3E%3Cscript%3E").await.says(200, &["No site fits"]);
    let narrowed = operator.get("/review/sites?words=clinic-00").await;
    assert!(link(&narrowed, "next").unwrap().contains("words=clinic-00"));
    // What is no site leads to the first page.
    assert_eq!(rows(&operator.get("/review/sites?after=%20").await), pages[0]);
    stage.stop().await;
}
