//! What the protocol promises, and every refusal.

use std::sync::atomic::Ordering;
use submissions::{Announced, Submitter};

use crate::client::{Say, WHO, begin, checked_receipt, id_of, metadata, openssl_agrees, send, sha256};
use crate::world::{Center, bytes};

async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_parts_is_accepted_and_its_receipt_is_checked_by_openssl() {
    let center = Center::new().await;
    let content = bytes(300_000, 1);
    let (address, sent) = (center.address, content.clone());
    let path = on_thread(move || {
        let abilities = Say::new("OPTIONS", "/files").without("Tus-Resumable").ask(address);
        assert_eq!(abilities.header("tus-extension"), Some("creation,checksum,expiration,termination"));
        assert_eq!(abilities.header("tus-max-size"), Some("4194304"));
        let path = begin(address, "届出 2026.zip", sent.len(), &[("sha256", &sha256(&sent))]);
        let first = Say::part(&path, 0, &sent[..100_000]).ask(address);
        assert_eq!((first.status, first.offset()), (204, 100_000));
        assert!(first.header("upload-expires").unwrap().ends_with(" GMT"));
        let second = Say::part(&path, 100_000, &sent[100_000..200_000]).summed();
        // A client that cannot say PATCH.
        let second = Say { method: "POST", ..second }.with("X-HTTP-Method-Override", "PATCH").ask(address);
        assert_eq!((second.status, second.offset()), (204, 200_000));
        let head = Say::new("HEAD", &path).ask(address);
        assert_eq!((head.status, head.offset(), head.header("upload-length")), (200, 200_000, Some("300000")));
        assert_eq!(head.header("cache-control"), Some("no-store"));
        let third = Say::part(&path, 200_000, &sent[200_000..]).with("Transfer-Encoding", "chunked").ask(address);
        assert_eq!((third.status, third.offset()), (204, 300_000));
        // The answer was lost and the client asks again; nothing happens twice.
        assert_eq!(Say::new("HEAD", &path).ask(address).offset(), 300_000);
        assert_eq!(Say::part(&path, 300_000, b"").ask(address).status, 204);
        assert_eq!(Say::new("GET", format!("{path}/receipt.txt")).ask(address).status, 409, "not scanned yet");
        path
    })
    .await;
    let round = center.room.round().await;
    assert_eq!((round.accepted, round.fault), (vec![id_of(&path).to_owned()], None));
    assert_eq!(std::fs::read(center.file("accepted", id_of(&path))).unwrap(), content);
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().to_owned();
    on_thread(move || {
        let text = checked_receipt(address, &path, &folder);
        for line in [
            "center: center.example".to_owned(),
            format!("submission: {}", id_of(&path)),
            "institution: aoba".to_owned(),
            "file: 届出 2026.zip".to_owned(),
            "bytes: 300000".to_owned(),
            format!("sha256: {}", sha256(&content)),
            "accepted: 2027-01-15T08:00:00Z".to_owned(),
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(text.contains("scanned-by: ClamAV "));
        // One byte of it altered.
        std::fs::write(folder.join("receipt.txt"), text.replace("300000", "300001")).unwrap();
        assert!(!openssl_agrees(&folder));
        let seen = Say::new("GET", &path).ask(address).json();
        assert_eq!((seen["state"].as_str(), seen["receipt"].as_bool()), (Some("accepted"), Some(true)));
        assert_eq!(Say::new("DELETE", &path).ask(address).json()["code"], "U015");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_request_is_told_why_in_both_languages_and_loses_nothing_x5() {
    let center = Center::new().await;
    let address = center.address;
    let content = bytes(5_000, 2);
    on_thread(move || {
        let path = begin(address, "a.csv", content.len(), &[]);
        assert_eq!(Say::part(&path, 0, &content[..2_000]).ask(address).offset(), 2_000);
        let post = |length: &str| Say::new("POST", "/files").with("Upload-Length", length);
        let named = |length: &str| post(length).with("Upload-Metadata", metadata("a.csv", &[]));
        let rest = &content[2_000..];
        let long = [rest, b"!"].concat();
        let part = || Say::part(&path, 2_000, rest);
        let foreign = |say: Say<'static>| Say { who: "hisui/20000001", ..say };
        let other = Say { who: "aoba/10000002", ..part() };
        let nobody = "/files/00000000000000000000000000000000";
        let cases: Vec<(&str, u16, Say<'_>)> = vec![
            ("U001", 404, Say { who: "hisui/20000001", ..part() }),
            ("U001", 404, foreign(Say::new("GET", path.clone()))),
            ("U001", 404, foreign(Say::new("DELETE", path.clone()))),
            ("U001", 404, foreign(Say::new("GET", format!("{path}/receipt.txt")))),
            ("U001", 404, Say { who: "", ..Say::new("GET", "/files") }),
            ("U001", 404, Say::new("GET", nobody)),
            ("U001", 404, Say::new("GET", "/files/..%2Fregistry.db")),
            ("U001", 404, Say::new("PUT", path.clone())),
            ("U003", 409, Say::part(&path, 1_999, rest)),
            ("U003", 409, Say::part(&path, 0, &content)),
            ("U004", 460, part().with("Upload-Checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")),
            ("U005", 400, part().with("Upload-Checksum", "md5 Kq5sNclPz7QV2+lfQIuc6Q==")),
            ("U006", 413, named("4194305")),
            ("U006", 413, named("9223372036854775807")),
            ("U007", 413, Say::part(&path, 2_000, &long)),
            ("U007", 413, Say::part(&path, 2_000, &long).with("Transfer-Encoding", "chunked")),
            ("U007", 413, Say::part(&path, 2_000, &long).summed().with("Transfer-Encoding", "chunked")),
            ("U010", 400, named("9223372036854775808")),
            ("U010", 400, named("-1")),
            ("U010", 400, post("10")),
            ("U010", 400, post("10").with("Upload-Metadata", "filename ???")),
            ("U010", 400, post("10").with("Upload-Metadata", metadata("a\u{202e}gpj.exe", &[]))),
            ("U010", 400, post("10").with("Upload-Metadata", metadata("a", &[("sha256", "abc")]))),
            ("U010", 400, part().without("Upload-Offset")),
            ("U010", 400, part().with("Upload-Checksum", "sha256 AAAA")),
            ("U011", 412, part().with("Tus-Resumable", "0.2.2")),
            ("U011", 412, Say::new("HEAD", path.clone()).without("Tus-Resumable")),
            ("U012", 415, part().with("Content-Type", "application/octet-stream")),
            ("U013", 400, named("0")),
            ("U014", 403, other),
            ("U014", 403, Say { who: "aoba/10000002", ..Say::new("DELETE", path.clone()) }),
            ("U017", 409, Say::new("GET", format!("{path}/receipt.txt"))),
        ];
        for (code, status, say) in cases {
            for lang in ["ja", "en"] {
                let headers = [say.headers.clone(), vec![("Accept-Language", lang.to_owned())]].concat();
                let answer = Say { headers, path: say.path.clone(), ..say }.ask(address);
                assert_eq!(answer.status, status, "{code} {} {}", say.method, say.path);
                assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
                if say.method != "HEAD" {
                    let problem = answer.json();
                    assert_eq!(problem["code"], code, "{problem}");
                    let words = format!("{}{}", problem["title"], problem["detail"]);
                    let japanese = words.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c));
                    assert_eq!(japanese, lang == "ja", "{words}");
                }
            }
            let head = Say::new("HEAD", &path).ask(address);
            assert_eq!((head.status, head.offset()), (200, 2_000), "after {code}");
        }
        // Colleagues see it all the same.
        assert_eq!(Say { who: "aoba/10000002", ..Say::new("GET", path.clone()) }.ask(address).json()["offset"], 2_000);
        assert_eq!(part().ask(address).offset(), 5_000);
        let more = Say::part(&path, 5_000, b"more").ask(address);
        assert_eq!((more.status, more.json()["code"].as_str()), (413, Some("U007")));
    })
    .await;
    let round = center.room.round().await;
    assert_eq!((round.accepted.len(), round.fault), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_begins_one_submission_and_the_same_file_is_accepted_once() {
    let center = Center::new().await;
    let address = center.address;
    let content = bytes(1_000, 3);
    let sent = content.clone();
    let again = content.clone();
    let first = on_thread(move || {
        let path = begin(address, "a.csv", 1_000, &[("key", "batch-7")]);
        assert_eq!(begin(address, "a.csv", 1_000, &[("key", "batch-7")]), path);
        let other = Say::new("POST", "/files")
            .with("Upload-Length", 1_001)
            .with("Upload-Metadata", metadata("a.csv", &[("key", "batch-7")]))
            .ask(address);
        assert_eq!(other.json()["code"], "U021");
        assert_eq!(Say::part(&path, 0, &sent).ask(address).status, 204);
        assert_eq!(begin(address, "a.csv", 1_000, &[("key", "batch-7")]), path, "nor after it arrived");
        path
    })
    .await;
    // The order of two that begin in the same millisecond is nobody's business.
    center.clock.fetch_add(1, Ordering::SeqCst);
    let again = on_thread(move || send(address, "a.csv", &again)).await;
    let round = center.room.round().await;
    assert_eq!(round.accepted, [id_of(&first)]);
    assert_eq!(round.repeated, [id_of(&again)]);
    on_thread(move || {
        let scratch = tempfile::tempdir().unwrap();
        let receipt = checked_receipt(address, &again, scratch.path());
        assert!(receipt.contains(id_of(&first)), "the receipt of the first");
        let seen = Say::new("GET", "/files").ask(address).json();
        assert_eq!(seen.as_array().unwrap().len(), 2);
        assert_eq!(seen[1]["same_as"], id_of(&first));
        // Four may be unfinished.
        for n in 0..4 {
            begin(address, "b.csv", 10 + n, &[]);
        }
        let fifth = Say::new("POST", "/files")
            .with("Upload-Length", 9)
            .with("Upload-Metadata", metadata("c", &[]))
            .ask(address);
        assert_eq!((fifth.status, fifth.json()["code"].as_str()), (429, Some("U016")));
        // Another institution is not held up, and the same file is its own.
        let theirs = Say { who: "hisui/20000001", ..Say::new("POST", "/files") };
        let theirs = theirs.with("Upload-Length", 9).with("Upload-Metadata", metadata("c", &[]));
        assert_eq!(theirs.ask(address).status, 201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_and_expired_ones_are_over_and_leave_no_bytes() {
    let center = Center::new().await;
    let address = center.address;
    let (withdrawn, old, arrived) = on_thread(move || {
        let withdrawn = begin(address, "a", 10, &[]);
        assert_eq!(Say::part(&withdrawn, 0, b"12345").ask(address).offset(), 5);
        assert_eq!(Say::new("DELETE", &withdrawn).ask(address).status, 204);
        let old = begin(address, "b", 10, &[]);
        assert_eq!(Say::part(&old, 0, b"12345").ask(address).offset(), 5);
        (withdrawn, old, send(address, "c", b"0123456789"))
    })
    .await;
    assert!(!center.file("incoming", id_of(&withdrawn)).exists());
    center.clock.fetch_add(8 * 24 * 3_600_000, Ordering::SeqCst);
    let before = {
        let old = old.clone();
        on_thread(move || Say::part(&old, 5, b"67890").ask(address)).await
    };
    assert_eq!((before.status, before.json()["code"].as_str()), (410, Some("U002")), "too late before it is swept");
    let round = center.room.round().await;
    assert_eq!((round.expired, round.accepted), (vec![id_of(&old).to_owned()], vec![id_of(&arrived).to_owned()]));
    assert!(!center.file("incoming", id_of(&old)).exists());
    on_thread(move || {
        for path in [withdrawn, old] {
            assert_eq!(Say::new("HEAD", &path).ask(address).status, 410);
            assert_eq!(Say::part(&path, 5, b"67890").ask(address).json()["code"], "U002");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_gives_a_whole_file_or_nothing() {
    let center = Center::new().await;
    let (institution, account) = WHO.split_once('/').unwrap();
    let who = Submitter { institution: institution.into(), account: account.into() };
    let announced = || Announced { name: "form.csv".into(), once: Some("form-1".into()), ..Announced::default() };
    let whole = || tokio_stream::iter([Ok::<_, ()>("abc".into()), Ok("def".into())]);
    let first = center.room.take(&who, announced(), whole()).await.unwrap();
    assert_eq!((first.state, first.length), ("received", 6));
    let again = center.room.take(&who, announced(), whole()).await.unwrap();
    assert_eq!(again.id, first.id, "sent twice by an impatient hand");
    let cut = tokio_stream::iter([Ok("abc".into()), Err(())]);
    let other = Announced { name: "cut.csv".into(), ..Announced::default() };
    assert_eq!(center.room.take(&who, other.clone(), cut).await.unwrap_err().code(), "U018");
    let long = tokio_stream::iter((0..9).map(|_| Ok::<_, ()>(vec![0; 1 << 19].into())));
    assert_eq!(center.room.take(&who, other.clone(), long).await.unwrap_err().code(), "U006");
    let none = tokio_stream::iter([Ok::<_, ()>("".into())]);
    assert_eq!(center.room.take(&who, other, none).await.unwrap_err().code(), "U013");
    let files = std::fs::read_dir(center.folder.path().join("spool/incoming")).unwrap().count();
    assert_eq!(files, 1);
    assert_eq!(center.room.round().await.accepted, [first.id]);
    assert_eq!(center.room.list(&who, None, 0).await.unwrap().len(), 1);
}
