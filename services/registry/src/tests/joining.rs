//! Nouns of joining, letters, one-time values, sessions, the directory: on both databases.

use ::joining::{
    Application, Institution, InstitutionId, Letter, LetterKind, MailAddress, OneTime, Prefecture, Purpose, Randomness,
    UserId,
};
use audit::Event;
use model::Timestamp;
use sqlx::{AssertSqlSafe, Executor, Row};
use std::cell::Cell;
use std::collections::BTreeSet;
use texts::Lang;

use super::{Place, both};
use crate::{Commit, LetterState, Page, RegistryError, Session, SessionStage};

both! {
    who_changes_what_they_did_not_read_is_refused_and_nothing_is_written
    a_one_time_value_is_used_once_by_whoever_is_first
    a_letter_is_one_hands_until_it_is_sent_and_its_secret_goes
    sessions_end_one_by_one_and_all_at_once
    lists_come_in_pages_and_by_an_index
    the_directory_is_put_in_again_without_doubling
}

struct Dice(Cell<u64>);
impl Randomness for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0.set(self.0.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
            *byte = (self.0.get() >> 33) as u8;
        }
    }
}

fn token(seed: u64) -> OneTime {
    OneTime::for_url(&Dice(Cell::new(seed)))
}

fn event(application: i64) -> Event {
    Event::ApplicationBegun { application }
}

fn mail() -> MailAddress {
    MailAddress::parse("a@clinic.example").unwrap()
}

fn application(at: i64) -> Application {
    Application::begin(mail(), Lang::Ja, Timestamp(at))
}

fn letter(n: u8, at: i64) -> Letter {
    let letter = Letter::new([n; 16], LetterKind::ApplicationLink, &mail(), Lang::Ja, Timestamp(at));
    letter.with_secret(format!("https://join.example/apply/{n}"))
}

async fn who_changes_what_they_did_not_read_is_refused_and_nothing_is_written(place: Place) {
    let registry = place.open().await;
    registry.commit(Commit::at(Timestamp(1)).insert(7, &application(1)).event(event(7))).await.unwrap();
    let taken = registry.commit(Commit::at(Timestamp(1)).insert(7, &application(2)).event(event(7))).await;
    assert!(matches!(taken, Err(RegistryError::Taken { .. })));
    let mut one = registry.kept::<Application>(7).await.unwrap().unwrap();
    let mut other = one.clone();
    one.value.lapse().unwrap();
    registry.commit(Commit::at(Timestamp(2)).update(&one).event(event(7))).await.unwrap();
    let head = registry.head().await.unwrap();
    other.value.begun_at = Timestamp(99);
    let stale = registry.commit(Commit::at(Timestamp(3)).letter(letter(1, 3)).update(&other).event(event(7))).await;
    assert!(matches!(stale, Err(RegistryError::Stale { .. })));
    assert_eq!(registry.head().await.unwrap(), head, "nor an entry");
    assert!(registry.letters_last(9).await.unwrap().is_empty(), "nor a letter");
    let now = registry.kept::<Application>(7).await.unwrap().unwrap();
    assert_eq!((now.version, &now.value), (2, &one.value));
    assert!(matches!(
        registry.commit(Commit::at(Timestamp(4)).delete(&one).event(event(7))).await,
        Err(RegistryError::Stale { .. })
    ));
    let none = registry.commit(Commit::at(Timestamp(4)).insert(8, &application(4))).await;
    assert!(matches!(none, Err(RegistryError::Inconsistent(_))), "a change without an audit event");
}

async fn a_one_time_value_is_used_once_by_whoever_is_first(place: Place) {
    let registry = place.open().await;
    let hash = token(1).hash();
    let give = |hash| Commit::at(Timestamp(1)).link(hash, Purpose::Application, 7, Timestamp(1_000)).event(event(7));
    registry.commit(give(hash.clone())).await.unwrap();
    let early = registry.link(&hash, Purpose::Application).await.unwrap().unwrap();
    assert_eq!((early.about, early.until, early.used_at), (7, Timestamp(1_000), None));
    assert!(registry.link(&hash, Purpose::Certificate).await.unwrap().is_none(), "for another purpose it is none");
    let uses = |at: i64, purpose| {
        let (registry, hash) = (registry.clone(), hash.clone());
        tokio::spawn(async move {
            registry.commit(Commit::at(Timestamp(at)).use_link(hash, purpose).event(event(7))).await.is_ok()
        })
    };
    assert!(!uses(1_000, Purpose::Application).await.unwrap(), "over");
    assert!(!uses(5, Purpose::Certificate).await.unwrap(), "for something else");
    let many: Vec<_> = (0..8).map(|_| uses(5, Purpose::Application)).collect();
    let mut used = 0;
    for one in many {
        used += usize::from(one.await.unwrap());
    }
    assert_eq!(used, 1);
    assert_eq!(registry.link(&hash, Purpose::Application).await.unwrap().unwrap().used_at, Some(Timestamp(5)));
    // What is used stays known as used; what is unused ends when it is replaced.
    let next = token(2).hash();
    registry.commit(give(next.clone())).await.unwrap();
    registry.commit(Commit::at(Timestamp(6)).end_links(Purpose::Application, 7).event(event(7))).await.unwrap();
    assert!(registry.link(&next, Purpose::Application).await.unwrap().is_none());
    assert!(registry.link(&hash, Purpose::Application).await.unwrap().is_some());
    registry.sweep(Timestamp(1_001)).await.unwrap();
    assert!(registry.link(&hash, Purpose::Application).await.unwrap().is_none());
}

async fn a_letter_is_one_hands_until_it_is_sent_and_its_secret_goes(place: Place) {
    let registry = place.open().await;
    let write = Commit::at(Timestamp(10)).letter(letter(1, 10)).letter(letter(2, 11)).event(event(7));
    registry.commit(write).await.unwrap();
    assert!(registry.letters_due(Timestamp(9), 10).await.unwrap().is_empty(), "not before it was written");
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move { registry.letters_due(Timestamp(20), 1).await.unwrap() })
        })
        .collect();
    let mut handed = Vec::new();
    for task in tasks {
        handed.extend(task.await.unwrap());
    }
    let ids: BTreeSet<_> = handed.iter().map(|d| d.letter.id.clone()).collect();
    assert_eq!((handed.len(), ids.len()), (2, 2), "each to one hand");
    assert!(handed.iter().all(|d| d.tried == 0 && d.letter.secret.is_some()));
    let (first, second) = (&handed[0].letter, &handed[1].letter);
    registry.letter_sent(first, Timestamp(30)).await.unwrap();
    assert!(matches!(registry.letter_sent(first, Timestamp(31)).await, Err(RegistryError::Stale { .. })));
    let waiting = async || registry.letters_waiting().await.unwrap().map(|w| (w.count, w.since.0, w.why));
    assert_eq!(waiting().await, Some((1, second.at.0, None)));
    registry.letter_failed(&second.id, Timestamp(500), "451 try later").await.unwrap();
    assert_eq!(waiting().await, Some((1, second.at.0, Some("451 try later".to_owned()))));
    assert!(registry.letters_due(Timestamp(499), 10).await.unwrap().is_empty());
    let again = registry.letters_due(Timestamp(500), 10).await.unwrap();
    assert_eq!((again.len(), again[0].tried, &again[0].letter), (1, 1, second));
    // Whoever had it died: after a minute it comes again.
    assert!(registry.letters_due(Timestamp(60_499), 10).await.unwrap().is_empty());
    assert_eq!(registry.letters_due(Timestamp(60_500), 10).await.unwrap()[0].tried, 2);
    let last = registry.letters_last(10).await.unwrap();
    assert_eq!(last.len(), 2);
    let sent = last.iter().find(|l| l.id == first.id).unwrap();
    assert_eq!(sent.state, LetterState::Sent { at: Timestamp(30) });
    let mut raw = place.raw().await;
    let query = format!("SELECT document FROM join_letter WHERE id = '{}'", first.id);
    let kept: String = raw.fetch_one(AssertSqlSafe(query)).await.unwrap().get(0);
    assert!(!kept.contains("/apply/"), "{kept}");
    let count =
        async |since| registry.letters_to("a@clinic.example", LetterKind::ApplicationLink, Timestamp(since)).await;
    assert_eq!((count(0).await.unwrap(), count(11).await.unwrap(), count(12).await.unwrap()), (2, 1, 0));
}

async fn sessions_end_one_by_one_and_all_at_once(place: Place) {
    let registry = place.open().await;
    let user = UserId::new(12_345_678).unwrap();
    let session = |seed| Session {
        hash: token(seed).hash(),
        user,
        stage: SessionStage::SecondFactor,
        made_at: Timestamp(1),
        seen_at: Timestamp(1),
        until: Timestamp(1_000),
        wrong: 0,
    };
    let mut begin = Commit::at(Timestamp(1)).event(event(1));
    for seed in 1..=3 {
        begin = begin.session(session(seed));
    }
    registry.commit(begin).await.unwrap();
    let one = session(1).hash;
    registry.session_seen(&one, Timestamp(50)).await.unwrap();
    registry.session_wrong(&one, Timestamp(60)).await.unwrap();
    let found = registry.session(&one).await.unwrap().unwrap();
    assert_eq!(found, Session { seen_at: Timestamp(60), wrong: 1, ..session(1) });
    let end = || Commit::at(Timestamp(70)).end_session(one.clone()).event(event(1));
    registry.commit(end()).await.unwrap();
    assert!(matches!(registry.commit(end()).await, Err(RegistryError::Stale { .. })));
    assert!(registry.session(&one).await.unwrap().is_none());
    registry.commit(Commit::at(Timestamp(80)).end_sessions(user).event(event(1))).await.unwrap();
    assert!(registry.session(&session(2).hash).await.unwrap().is_none());
}

async fn lists_come_in_pages_and_by_an_index(place: Place) {
    let registry = place.open().await;
    for id in 1..=7 {
        let at = 10 + id / 3;
        registry.commit(Commit::at(Timestamp(at)).insert(id, &application(at)).event(event(id))).await.unwrap();
    }
    let mut page = Page::first(3);
    let mut all = Vec::new();
    loop {
        let some = registry.kept_in::<Application>("begun", page).await.unwrap();
        let Some(last) = some.last() else { break };
        page.after = Some((last.value.begun_at, last.id));
        all.extend(some.iter().map(|r| r.id));
    }
    assert_eq!(all, [1, 2, 3, 4, 5, 6, 7]);
    let ids = |records: Vec<crate::Record<Application>>| records.iter().map(|r| r.id).collect::<Vec<_>>();
    assert_eq!(ids(registry.kept_last::<Application>("begun", 2).await.unwrap()), [7, 6]);
    assert_eq!(ids(registry.kept_named::<Application>("a@clinic.example").await.unwrap()).len(), 7);
    assert_eq!(ids(registry.kept_all::<Application>(Page::first(2)).await.unwrap()), [1, 2]);
    assert!(registry.kept_of::<Application>(5, Page::first(9)).await.unwrap().is_empty());
    assert_eq!(registry.kept_count::<Application>(5, "begun").await.unwrap(), 0);

    let sqlite = place.settings.url.starts_with("sqlite");
    let mut raw = place.raw().await;
    if !sqlite {
        raw.execute("SET enable_seqscan = off").await.unwrap();
    }
    for (query, index) in [
        (
            "SELECT document FROM join_application WHERE state = 'begun' AND (at > 1 OR (at = 1 AND id > 1)) ORDER BY at, id LIMIT 5",
            "join_application_by_state",
        ),
        (
            "SELECT document FROM join_account WHERE owner = 3 AND (at > 1 OR (at = 1 AND id > 1)) ORDER BY at, id LIMIT 5",
            "join_account_by_owner",
        ),
        ("SELECT document FROM join_application WHERE name = 'x' ORDER BY at, id LIMIT 5", "join_application_by_name"),
        (
            "SELECT id FROM join_letter WHERE sent_at IS NULL AND again_at <= 5 ORDER BY again_at, id LIMIT 5",
            "join_letter_waiting",
        ),
        ("SELECT COUNT(*) FROM join_letter WHERE address = 'x' AND kind = 'y' AND at >= 5", "join_letter_by_address"),
        ("DELETE FROM join_session WHERE account = 5", "join_session_by_account"),
    ] {
        let (explain, column) = if sqlite { ("EXPLAIN QUERY PLAN", 3) } else { ("EXPLAIN", 0) };
        let rows = raw.fetch_all(sqlx::raw_sql(AssertSqlSafe(format!("{explain} {query}")))).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|r| r.get::<String, _>(column)).collect();
        assert!(plan.join("\n").contains(index), "{query}\n{plan:?}");
    }
}

async fn the_directory_is_put_in_again_without_doubling(place: Place) {
    let registry = place.open().await;
    let one = |id: i64, name: &str| Institution {
        id: InstitutionId(id),
        code: "1310000001".into(),
        prefecture: Prefecture::new(13).unwrap(),
        name: name.into(),
        kana: "アオバ".into(),
        address: "青葉区".into(),
    };
    let put = async |all: Vec<Institution>| {
        let event = Event::DirectoryChanged { operator: "op-1".into(), count: all.len() as u64 };
        registry.commit(Commit::at(Timestamp(1)).institutions(all).event(event)).await.unwrap();
    };
    assert_eq!(registry.directory_version().await.unwrap(), 0);
    put((1..=250).map(|id| one(id, "青葉")).collect()).await;
    put(vec![one(7, "若葉"), one(251, "新")]).await;
    assert_eq!(registry.directory_version().await.unwrap(), 2);
    assert_eq!(registry.institutions_after(InstitutionId(0), 1_000).await.unwrap().len(), 251);
    assert_eq!(registry.institution(InstitutionId(7)).await.unwrap().unwrap().name, "若葉");
    let asked = [InstitutionId(9), InstitutionId(999), InstitutionId(2)];
    let found: Vec<i64> = registry.institutions_by_id(&asked).await.unwrap().iter().map(|i| i.id.0).collect();
    assert_eq!(found, [9, 2]);
}
