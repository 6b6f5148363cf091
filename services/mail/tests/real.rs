//! Letters over a real SMTP line: TLS, a server that is away or misbehaves, a sender killed at many points.
#![allow(clippy::unwrap_used)]

use audit::Event;
use joining::{Letter, LetterKind, MailAddress};
use mail::{Security, Sender, Settings};
use model::Timestamp;
use postbox::{Fault, Options, Postbox, Stage};
use registry::{Commit, LetterState, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use texts::Lang;

const START: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;

struct Desk {
    registry: Registry,
    clock: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = open(folder.path()).await;
        Self { registry, clock: Arc::new(AtomicI64::new(START)), _folder: folder }
    }
    fn sender(&self, settings: Settings) -> Sender {
        let clock = Arc::clone(&self.clock);
        let now = move || Timestamp(clock.load(Ordering::SeqCst));
        Sender::new(self.registry.clone(), settings, Arc::new(now)).unwrap()
    }
    fn later(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }
}

async fn open(folder: &Path) -> Registry {
    Registry::open(&format!("sqlite://{}/registry.db", folder.display())).await.unwrap()
}

async fn write(registry: &Registry, number: u8, to: &str) -> Letter {
    let to = MailAddress::parse(to).unwrap();
    let letter = Letter::new([number; 16], LetterKind::ApplicationLink, &to, Lang::Ja, Timestamp(START))
        .with("expires", START + HOUR)
        .with_secret(format!("https://center.example/apply/secret-{number}"));
    let event = Event::ApplicationBegun { application: i64::from(number) };
    registry.commit(Commit::at(Timestamp(START)).letter(letter.clone()).event(event)).await.unwrap();
    letter
}

fn settings(address: SocketAddr, security: Security, authority: Option<&str>) -> Settings {
    Settings {
        server: "localhost".into(),
        port: address.port(),
        security,
        account: None,
        authority: authority.map(str::to_owned),
        from: "noreply@center.example".into(),
        contact: "help@center.example".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_goes_through_tls_once_and_its_url_is_wiped() {
    let account = Some(("center".to_owned(), "pass word".to_owned()));
    for (theirs, ours) in [(postbox::Security::StartTls, Security::StartTls), (postbox::Security::Tls, Security::Tls)] {
        let desk = Desk::new().await;
        let options = Options { security: theirs, account: account.clone(), ..Options::default() };
        let postbox = Postbox::start(options).await.unwrap();
        write(&desk.registry, 1, "tanto@aoba.example").await;
        let with =
            Settings { account: account.clone(), ..settings(postbox.address(), ours, Some(postbox.certificate())) };
        let round = desk.sender(with.clone()).round().await.unwrap();
        assert_eq!((round.sent, round.kept), (1, 0), "{round:?}");
        assert_eq!(desk.sender(with).round().await.unwrap().sent, 0, "once");
        let [letter] = postbox.letters().try_into().unwrap();
        assert!(letter.tls && letter.to == ["tanto@aoba.example"] && letter.from == "noreply@center.example");
        assert_eq!(letter.subject(), "【医療機関オンライン接続サービス】利用申請 URL のご案内");
        assert_eq!(letter.link().unwrap(), "https://center.example/apply/secret-1");
        assert_eq!(letter.header("Auto-Submitted").unwrap(), "auto-generated");
        let kept = desk.registry.letters_last(9).await.unwrap();
        assert!(matches!(kept[0].state, LetterState::Sent { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_to_a_stranger_or_in_clear() {
    let desk = Desk::new().await;
    write(&desk.registry, 1, "a@aoba.example").await;
    let (postbox, other) =
        (Postbox::start(Options::default()).await.unwrap(), Postbox::start(Options::default()).await.unwrap());
    let stranger = settings(postbox.address(), Security::StartTls, Some(other.certificate()));
    assert_eq!(desk.sender(stranger).round().await.unwrap().kept, 1);
    let plain = Options { security: postbox::Security::Plain, ..Options::default() };
    let plain = Postbox::start(plain).await.unwrap();
    desk.later(24 * HOUR);
    let wants_tls = settings(plain.address(), Security::StartTls, Some(other.certificate()));
    assert_eq!(desk.sender(wants_tls).round().await.unwrap().kept, 1);
    assert!(postbox.letters().is_empty() && plain.letters().is_empty());
    let afar = Settings { server: "mail.example".into(), ..settings(plain.address(), Security::Plain, None) };
    assert!(Sender::new(desk.registry.clone(), afar, Arc::new(|| Timestamp(0))).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_outlives_a_server_that_is_away_or_misbehaves() {
    let desk = Desk::new().await;
    write(&desk.registry, 1, "a@aoba.example").await;
    let plain = Options { security: postbox::Security::Plain, ..Options::default() };
    let postbox = Postbox::start(plain.clone()).await.unwrap();
    let sender = desk.sender(settings(postbox.address(), Security::Plain, None));
    let faults = [
        Fault::HangsUp(Stage::Greeting),
        Fault::Answers(Stage::Greeting, "421 4.3.2 not now"),
        Fault::Answers(Stage::Mail, "451 4.3.0 later"),
        Fault::HangsUp(Stage::Recipient),
        Fault::Answers(Stage::Recipient, "550 5.1.1 nobody here"),
        Fault::HangsUp(Stage::Data),
        Fault::Answers(Stage::End, "452 4.3.1 full"),
        Fault::HangsUp(Stage::End),
    ];
    for fault in faults {
        postbox.misbehave(Some(fault.clone()));
        let round = sender.round().await.unwrap();
        assert_eq!((round.sent, round.kept), (0, 1), "{fault:?} {round:?}");
        assert_eq!(sender.round().await.unwrap(), mail::Round::default(), "not before its time");
        desk.later(24 * HOUR);
    }
    assert!(postbox.letters().is_empty());
    postbox.misbehave(Some(Fault::RefusesRecipient("a@aoba.example".into(), "550 5.1.1 nobody here")));
    write(&desk.registry, 2, "b@aoba.example").await;
    let round = sender.round().await.unwrap();
    assert_eq!((round.sent, round.kept), (1, 1), "one address holds up nobody else");
    let waiting = desk.registry.letters_last(9).await.unwrap();
    let why = |state: &LetterState| matches!(state, LetterState::Waiting { why: Some(w), .. } if w.contains("nobody"));
    assert!(waiting.iter().any(|l| why(&l.state)), "{waiting:?}");
    postbox.misbehave(None);
    desk.later(24 * HOUR);
    assert_eq!(sender.round().await.unwrap().sent, 1);
    let ids: Vec<_> = postbox.letters().iter().map(|l| l.message_id()).collect();
    assert_eq!(ids, [2, 1].map(|n| format!("{}@center.example", format!("{n:02}").repeat(16))));
}

const FOLDER: &str = "SEKISHO_TEST_FOLDER";
const PORT: &str = "SEKISHO_TEST_PORT";
const NOW: &str = "SEKISHO_TEST_NOW";
const LETTERS: u8 = 40;

/// Killed (SIGKILL) at many points; each life begins after the lease of the last one's letter.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_killed_at_any_point_loses_nothing_and_repeats_only_what_hung_in_the_air() {
    let folder = tempfile::tempdir().unwrap();
    let registry = open(folder.path()).await;
    for number in 1..=LETTERS {
        write(&registry, number, &format!("p{number}@aoba.example")).await;
    }
    registry.close().await.unwrap();
    let plain = Options { security: postbox::Security::Plain, ..Options::default() };
    let postbox = Postbox::start(plain).await.unwrap();
    let mut kills = 0;
    for life in 0i64.. {
        let distinct = || postbox.letters().iter().map(|l| l.message_id()).collect::<BTreeSet<_>>().len();
        let before = distinct();
        let peace = before == usize::from(LETTERS);
        // Now and then the server takes a letter and the line is cut before it says so.
        let silent = !peace && life % 5 == 4;
        postbox.misbehave(silent.then_some(Fault::TakesInSilence));
        let mut child = child(folder.path(), postbox.address().port(), START + life * 24 * HOUR);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|l| l == "sends"), "the sender did not start");
        if peace || silent {
            assert!(lines.any(|l| l == "done"));
            child.kill().unwrap();
            child.wait().unwrap();
            if peace {
                break;
            }
            continue;
        }
        let wanted = (before + 1 + (life as usize * 7) % 4).min(usize::from(LETTERS));
        for _ in 0..6_000 {
            if distinct() >= wanted {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for _ in 0..(life * 37) % 400 {
            tokio::task::yield_now().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    let mut copies: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for letter in postbox.letters() {
        copies.entry(letter.message_id()).or_default().push(letter.raw);
    }
    assert_eq!(copies.len(), usize::from(LETTERS), "nothing is lost");
    let repeated: usize = copies.values().map(|c| c.len() - 1).sum();
    assert!(kills >= 8 && repeated <= 2 * kills + 1, "{repeated} repeated after {kills} kills");
    for (id, copies) in &copies {
        assert!(copies.iter().all(|c| c == &copies[0]), "{id}: every copy is the same, byte by byte");
    }
    let registry = open(folder.path()).await;
    let all = registry.letters_last(100).await.unwrap();
    assert!(all.iter().all(|l| matches!(l.state, LetterState::Sent { .. })), "{all:?}");
    let sent = registry.audit_last(1000).await.unwrap();
    assert_eq!(sent.iter().filter(|e| e.event.code() == "A626").count(), usize::from(LETTERS), "each marked once");
}

fn child(folder: &Path, port: u16, now: i64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_sends_until_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(PORT, port.to_string())
        .env(NOW, now.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a child process of a_sender_killed_at_any_point_loses_nothing_and_repeats_only_what_hung_in_the_air"]
async fn child_sends_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let number = |name: &str| std::env::var(name).unwrap().parse::<i64>().unwrap();
    std::thread::spawn(|| {
        // The end of standard input is the end of the test that started this.
        let _ = std::io::stdin().lines().count();
        std::process::exit(0);
    });
    let registry = open(folder.as_ref()).await;
    let address = SocketAddr::from(([127, 0, 0, 1], number(PORT) as u16));
    let now = number(NOW);
    let sender =
        Sender::new(registry, settings(address, Security::Plain, None), Arc::new(move || Timestamp(now))).unwrap();
    println!("\nsends");
    sender.round().await.unwrap();
    println!("\ndone");
    std::future::pending::<()>().await;
}
