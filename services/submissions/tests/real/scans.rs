//! Nothing is accepted that a scanner in its senses has not called clean.

use audit::Event;
use registry::Registry;

use crate::client::{Say, id_of, send};
use crate::world::{Center, HARMFUL, Scanner, bytes};

async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_infected_file_is_refused_with_its_reason_and_kept_apart() {
    let center = Center::new().await;
    let address = center.address;
    let (bad, good) = on_thread(move || {
        let bad = [bytes(200_000, 4).as_slice(), HARMFUL, &bytes(1_000, 5)].concat();
        (send(address, "bad.zip", &bad), send(address, "good.zip", &bytes(1_000, 6)))
    })
    .await;
    let round = center.room.round().await;
    assert_eq!((round.refused, round.accepted), (vec![id_of(&bad).to_owned()], vec![id_of(&good).to_owned()]));
    assert!(center.file("quarantine", id_of(&bad)).exists() && !center.file("incoming", id_of(&bad)).exists());
    on_thread(move || {
        let seen = Say::new("GET", &bad).ask(address).json();
        assert_eq!((seen["state"].as_str(), seen["receipt"].as_bool()), (Some("refused"), Some(false)));
        assert_eq!(seen["reason"]["code"], "U022");
        assert!(seen["reason"]["args"].to_string().contains("Sekisho.Test.Harmful"), "{seen}");
        assert_eq!(Say::new("GET", format!("{bad}/receipt.txt")).ask(address).json()["code"], "U017");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_than_announced_is_refused() {
    let center = Center::new().await;
    let address = center.address;
    let path = on_thread(move || {
        let path = crate::client::begin(address, "a", 4, &[("sha256", &"0".repeat(64))]);
        assert_eq!(Say::part(&path, 0, b"1234").ask(address).status, 204);
        path
    })
    .await;
    assert_eq!(center.room.round().await.refused, [id_of(&path)]);
    assert_eq!(on_thread(move || Say::new("GET", &path).ask(address).json()["reason"]["code"].clone()).await, "U023");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_scanner_is_away_or_blind_files_are_kept_and_scanned_later() {
    let folder = tempfile::tempdir().unwrap();
    let center = Center::with(&folder.path().join("clamd.sock"), |_| {}).await;
    let address = center.address;
    let path = on_thread(move || send(address, "a.csv", b"content")).await;
    let still_waits = async |why: &str| {
        let round = center.room.round().await;
        assert_eq!((round.accepted.len(), round.refused.len(), round.waiting), (0, 0, 1));
        assert!(round.fault.as_ref().is_some_and(|f| f.contains(why)), "{round:?}");
        let path = path.clone();
        let state = on_thread(move || Say::new("GET", path).ask(address).json()["state"].clone()).await;
        assert_eq!(state, "received");
    };
    still_waits("Away").await;
    let scanner = Scanner::start(folder.path(), false).unwrap();
    still_waits("Blind").await;
    drop(scanner);
    still_waits("Away").await;
    let _scanner = Scanner::start(folder.path(), true).unwrap();
    let round = center.room.round().await;
    assert_eq!((round.accepted, round.waiting, round.fault), (vec![id_of(&path).to_owned()], 0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_stands_in_the_audit_log() {
    let scanner = Scanner::shared().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let settings = crate::world::settings(folder.path(), &scanner.socket);
    let url = format!("sqlite://{}/registry.db", folder.path().display());
    let registry = Registry::open(&url).await.unwrap();
    let signer = std::sync::Arc::new(crate::world::receipt_key(folder.path()));
    let clock = std::sync::Arc::new(|| model::Timestamp(7));
    let room = submissions::Submissions::open(registry.clone(), settings, signer, clock).unwrap();
    let who = submissions::Submitter { institution: "aoba".into(), account: "10000001".into() };
    let named = |name: &str| submissions::Announced { name: name.into(), ..Default::default() };
    let whole = |bytes: &'static [u8]| tokio_stream::iter([Ok::<_, ()>(axum::body::Bytes::from_static(bytes))]);
    let good = room.take(&who, named("good"), whole(b"good")).await.unwrap();
    room.take(&who, named("bad"), whole(HARMFUL)).await.unwrap();
    let kept = room.begin(&who, submissions::Announced { length: 5, ..named("kept") }).await.unwrap();
    room.withdraw(&who, &kept.new.id).await.unwrap();
    room.round().await;
    let entries = registry.audit_last(100).await.unwrap();
    let codes: Vec<_> = entries.iter().map(|e| e.event.code()).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["A721", "A721", "A721", "A722", "A722", "A723", "A724", "A725"], "{codes:?}");
    let receipt = room.receipt(&who, &good.id).await.unwrap();
    let noted = entries.iter().any(|e| {
        matches!(&e.event, Event::SubmissionAccepted { receipt: r, .. } if *r == audit::Digest::of(receipt.text.as_bytes()))
    });
    assert!(noted, "the receipt's digest stands in the log");
    assert_eq!(registry.verify_log(None).await.unwrap().seq, 8);
}
