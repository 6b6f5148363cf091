//! Killed in the middle, at many points: nothing acknowledged is lost, nothing is doubled (R2–R6, R9).
//!
//! A child process plays an applicant, the operator and the mail room over SQLite and says each step that was
//! acknowledged to it. The parent kills it (SIGKILL) after a number of words that differs each round, and looks at what
//! is there.

use joining::{Account, Application, Letter, LetterKind, ServiceApplication, Stand};
use model::Timestamp;
use registry::{LetterState, Page, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::{Desk, PASSWORD, Place, Still, settings};
use crate::{Joining, Operator, RealWorld, SignInAnswer};

const URL: &str = "SEKISHO_TEST_RECEPTION";
const SENT: &str = "SEKISHO_TEST_SENT";
/// Rounds, each killed elsewhere.
const ROUNDS: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled() {
    let place = Place::sqlite();
    // The directory, once.
    Desk::open(Place { url: place.url.clone(), _kept: super::Kept::None })
        .await
        .joining
        .registry()
        .close()
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sent = folder.path().join("sent");
    let mut acknowledged: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "tests::killed::child_works_until_killed",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(URL, &place.url)
            .env(SENT, &sent)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut heard = 0;
        for (word, number) in said(&mut child) {
            acknowledged.entry(word).or_default().insert(number);
            heard += 1;
            // Steps of one applicant are nine: 1 to 24 words end before, in and behind each of them.
            if heard == 1 + round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(heard > round, "the child ended by itself after {heard} words");
        whole(&place.url, &sent, &acknowledged).await;
    }
    for step in ["begun", "submitted", "approved", "chosen", "shown", "service"] {
        assert!(acknowledged.contains_key(step), "no child came as far as {step}");
    }
}

/// What must hold whenever the center died.
async fn whole(url: &str, sent: &std::path::Path, acknowledged: &BTreeMap<String, BTreeSet<i64>>) {
    let registry = Registry::open(url).await.unwrap();
    registry.verify_log(None).await.unwrap();
    let applications = registry.kept_all::<Application>(Page::first(10_000)).await.unwrap();
    let accounts = registry.kept_all::<Account>(Page::first(10_000)).await.unwrap();
    let services = registry.kept_all::<ServiceApplication>(Page::first(10_000)).await.unwrap();
    let letters = registry.letters_last(100_000).await.unwrap();
    let said = |step: &str| acknowledged.get(step).cloned().unwrap_or_default();

    // Nothing acknowledged is lost.
    for number in said("submitted") {
        let found = applications.iter().find(|r| r.id == number).expect("an application was acknowledged");
        assert!(found.value.submitted_at.is_some());
    }
    let user = |number: i64| &accounts.iter().find(|r| r.id == number).expect("an account was acknowledged").value;
    said("approved").into_iter().for_each(|number| assert_eq!(i64::from(user(number).user.number()), number));
    said("chosen").into_iter().for_each(|number| assert!(!user(number).is_initial()));
    said("shown")
        .into_iter()
        .for_each(|number| assert!(matches!(user(number).vpn_secret, joining::VpnSecret::Shown { .. })));
    for number in said("service") {
        assert!(services.iter().any(|r| r.id == number), "an application for a service was acknowledged");
    }

    // Nothing is there twice, and nothing half: each state has its letters and its account, each exactly once.
    let mut written: BTreeMap<(LetterKind, String), usize> = BTreeMap::new();
    for letter in &letters {
        *written.entry((letter.kind, letter.to.clone())).or_default() += 1;
    }
    let count = |kind: LetterKind, to: &str| written.get(&(kind, to.to_owned())).copied().unwrap_or(0);
    for record in &applications {
        let mail = record.value.mail.as_str();
        assert_eq!(count(LetterKind::ApplicationLink, mail), 1, "{mail}");
        assert_eq!(count(LetterKind::ApplicationReceived, mail), usize::from(record.value.submitted_at.is_some()));
        let approved = match &record.value.stand {
            Stand::Approved { user, .. } => Some(*user),
            _ => None,
        };
        assert_eq!(count(LetterKind::ApplicationApproved, mail), usize::from(approved.is_some()), "{mail}");
        let made: Vec<_> = accounts.iter().filter(|a| a.value.mail == record.value.mail).collect();
        assert_eq!(
            made.iter().map(|a| Some(a.value.user)).collect::<Vec<_>>(),
            approved.map(Some).into_iter().collect::<Vec<_>>()
        );
        let applied = services.iter().filter(|s| Some(s.value.by) == approved).count();
        assert_eq!(count(LetterKind::ServiceReceived, mail), applied);
    }
    // The mail room: what counts as sent was sent, and what was sent twice was the same letter.
    let went = std::fs::read_to_string(sent).unwrap_or_default();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    // A line that the kill cut off is no letter.
    for line in went.split_inclusive('\n').filter_map(|l| l.strip_suffix('\n')) {
        *times.entry(line).or_default() += 1;
    }
    let mut waiting = 0;
    for letter in &letters {
        match letter.state {
            LetterState::Sent { .. } => assert!(times.contains_key(letter.id.as_str()), "sent, but it never went"),
            LetterState::Waiting { .. } => waiting += 1,
        }
    }
    let all: BTreeSet<&str> = letters.iter().map(|l| l.id.as_str()).collect();
    assert!(times.keys().all(|id| all.contains(id)), "a letter went that nobody wrote");
    // What waits comes again once its minute is over.
    let later = Timestamp(i64::MAX / 2);
    let due = registry.letters_due(later, 100_000).await.unwrap();
    assert_eq!(due.len(), waiting);
    for one in due {
        registry.letter_failed(&one.letter.id, Timestamp(0), "looked at by the test").await.unwrap();
    }
    registry.close().await.unwrap();
}

fn said(child: &mut Child) -> impl Iterator<Item = (String, i64)> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| {
        let (word, number) = line.strip_prefix("said ")?.split_once(' ')?;
        Some((word.to_owned(), number.parse().ok()?))
    })
}

fn say(word: &str, number: i64) {
    let mut out = std::io::stdout();
    writeln!(out, "\nsaid {word} {number}").and_then(|()| out.flush()).unwrap();
}

/// Sends what is due, as a mail room does: the server first, the registry after. The secret of the link, if there was
/// one for this address.
async fn mail_room(joining: &Joining, to: &str) -> Option<String> {
    let now = joining.now();
    let mut secret = None;
    for one in joining.registry().letters_due(now, 100).await.unwrap() {
        let Letter { id, to: address, secret: url, .. } = &one.letter;
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).open(std::env::var(SENT).unwrap()).unwrap();
        file.write_all(format!("{id}\n").as_bytes()).unwrap();
        if address.as_str() == to && url.is_some() {
            secret.clone_from(url);
        }
        joining.registry().letter_sent(&one.letter, now).await.unwrap();
    }
    secret
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a child process of nothing_acknowledged_is_lost_and_nothing_is_doubled"]
async fn child_works_until_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let registry = Registry::open(&url).await.unwrap();
    let joining = Joining::new(registry, settings(), Arc::new(RealWorld));
    let operator = Operator::new("op-1");
    // For the forms of the other tests; its clock and numbers are not used.
    let desk = Desk {
        joining: joining.clone(),
        still: Still::new(),
        place: Place { url, _kept: super::Kept::None },
        operator: operator.clone(),
    };
    say("ready", 0);
    for turn in 0..100 {
        let mail = format!("a{}-{turn}@clinic.example", std::process::id());
        let form = joining::MailForm { mail: mail.clone(), again: mail.clone() };
        joining.begin(&form, texts::Lang::Ja).await.unwrap();
        say("begun", turn);
        let secret = mail_room(&joining, &mail).await.unwrap();
        let token = secret.rsplit('/').next().unwrap().to_owned();
        let institution = i64::from(std::process::id() % 59) + 1;
        let receipt = joining.submit_full(&token, &desk.form(institution).await).await.unwrap();
        say("submitted", receipt.number);
        let (user, _, initial) = desk.approved(receipt.number).await;
        say("approved", i64::from(user.number()));
        mail_room(&joining, &mail).await;
        let token = joining.first_sign_in(&user.to_string(), &initial).await.unwrap();
        let who = joining.settling(token.reveal()).await.unwrap();
        let settled = joining.change_initial(&who, &initial, PASSWORD, PASSWORD).await.unwrap();
        say("chosen", i64::from(user.number()));
        let who = joining.settling(settled.token.reveal()).await.unwrap();
        joining.show_vpn_password(&who).await.unwrap();
        say("shown", i64::from(user.number()));
        let SignInAnswer::In { token, .. } = joining.sign_in(&user.to_string(), PASSWORD).await.unwrap() else {
            panic!("no second factor was set up")
        };
        let who = joining.session(token.reveal()).await.unwrap();
        say("in", turn);
        // Another one of the institution may have it.
        if let Ok(views) = joining.apply_for_services(&who, &["cancer-registry".to_owned()]).await {
            say("service", views[0].number);
        }
        mail_room(&joining, &mail).await;
        say("mailed", turn);
    }
}
