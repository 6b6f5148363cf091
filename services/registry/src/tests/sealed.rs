//! Accounts and letters sealed at rest: on both databases.

use ::joining::{
    Account, AccountRole, AccountState, InstitutionId, Letter, LetterKind, Lockout, MailAddress, Stage, UserId,
    VpnSecret,
};
use audit::Event;
use model::Timestamp;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use std::sync::Arc;
use texts::Lang;

use super::{Place, both};
use crate::{Commit, RegistryError, Seals};

both! {
    a_copy_of_the_database_tells_no_secret_and_keys_change
    a_sealed_row_in_anothers_place_is_not_believed
}

const FIRST: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const SECOND: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const HASH: &str = "44ebba8d5312b8d611474411f56989ae";

fn with(place: &mut Place, keys: &str) {
    place.settings.seals = Some(Arc::new(Seals::read(keys).unwrap()));
}

fn mail() -> MailAddress {
    MailAddress::parse("hanako@clinic.example").unwrap()
}

fn account(number: u32, vpn: &str) -> Account {
    Account {
        user: UserId::new(number).unwrap(),
        vpn: vpn.parse().unwrap(),
        institution: InstitutionId(1),
        role: AccountRole::Manager,
        state: AccountState::Active,
        stage: Stage::Chosen,
        name: "青葉 花子".into(),
        kana: "アオバ ハナコ".into(),
        mail: mail(),
        lang: Lang::Ja,
        made_at: Timestamp(1),
        password: "$argon2id$secret".into(),
        password_at: Timestamp(1),
        earlier: Vec::new(),
        lockout: Lockout::default(),
        vpn_secret: VpnSecret::Shown { at: Timestamp(1), nt_hash: HASH.into() },
        factors: Vec::new(),
    }
}

fn event() -> Event {
    Event::VpnPasswordShown { user: "12345678".into() }
}

/// Documents as they lie there.
async fn raw(place: &Place) -> String {
    sqlx::any::install_default_drivers();
    let mut raw = sqlx::AnyConnection::connect(&place.settings.url).await.unwrap();
    let mut all = String::new();
    for table in ["join_account", "join_letter"] {
        for row in raw.fetch_all(AssertSqlSafe(format!("SELECT document FROM {table}"))).await.unwrap() {
            all.push_str(&row.get::<String, _>(0));
            all.push('\n');
        }
    }
    all
}

fn tells(text: &str) -> bool {
    [HASH, "argon2id", "join.example/apply"].iter().any(|secret| text.contains(secret))
}

async fn a_copy_of_the_database_tells_no_secret_and_keys_change(mut place: Place) {
    // A center of before: everything lies open.
    let registry = place.open().await;
    let letter = Letter::new([1; 16], LetterKind::ApplicationLink, &mail(), Lang::Ja, Timestamp(1));
    let letter = letter.with_secret("https://join.example/apply/1".into());
    let first = Commit::at(Timestamp(1)).insert(12_345_678, &account(12_345_678, "v234567892")).letter(letter);
    registry.commit(first.event(event())).await.unwrap();
    registry.close().await.unwrap();
    assert!(tells(&raw(&place).await));
    let starts = |text: &str| text.lines().map(|line| line.split(':').nth(2).unwrap().to_owned()).collect::<Vec<_>>();

    // With a key it is sealed at the start, and everything new is.
    with(&mut place, FIRST);
    let registry = place.open().await;
    let second = Commit::at(Timestamp(2)).insert(12_345_679, &account(12_345_679, "v234567893"));
    registry.commit(second.event(event())).await.unwrap();
    let mut record = registry.kept::<Account>(12_345_678).await.unwrap().unwrap();
    assert_eq!(record.value, account(12_345_678, "v234567892"));
    record.value.lockout.wrong = 2;
    registry.commit(Commit::at(Timestamp(3)).update(&record).event(event())).await.unwrap();
    assert_eq!(registry.kept_named::<Account>("v234567893").await.unwrap().len(), 1, "rows are found as before");
    registry.close().await.unwrap();
    let text = raw(&place).await;
    assert!(!tells(&text), "{text}");
    let before = starts(&text);
    assert_eq!(before.len(), 3);

    // The next key: sealed anew at the start; then the old one may go.
    with(&mut place, &format!("{SECOND}\n{FIRST}"));
    place.open().await.close().await.unwrap();
    let after = starts(&raw(&place).await);
    assert!(after.len() == 3 && after.iter().all(|key| *key != before[0]), "{before:?} {after:?}");
    with(&mut place, SECOND);
    let registry = place.open().await;
    assert_eq!(registry.kept::<Account>(12_345_678).await.unwrap().unwrap().value.lockout.wrong, 2);
    let due = registry.letters_due(Timestamp(9), 9).await.unwrap();
    assert_eq!(due[0].letter.secret.as_deref(), Some("https://join.example/apply/1"));
    registry.letter_sent(&due[0].letter, Timestamp(9)).await.unwrap();
    assert_eq!(registry.letters_last(9).await.unwrap().len(), 1);
    registry.close().await.unwrap();

    // A key that is still needed is missed at the start; without any, nothing sealed is believed.
    with(&mut place, FIRST);
    let said = place.try_open().await.unwrap_err();
    assert!(matches!(&said, RegistryError::Corrupt { what, .. } if what.contains("not in the key file")), "{said}");
    place.settings.seals = None;
    let registry = place.open().await;
    let said = registry.kept::<Account>(12_345_678).await.unwrap_err().to_string();
    assert!(said.contains("`[joining] seal`"), "{said}");
}

async fn a_sealed_row_in_anothers_place_is_not_believed(mut place: Place) {
    with(&mut place, FIRST);
    let registry = place.open().await;
    for (number, vpn) in [(12_345_678, "v234567892"), (12_345_679, "v234567893")] {
        let commit = Commit::at(Timestamp(1)).insert(i64::from(number), &account(number, vpn)).event(event());
        registry.commit(commit).await.unwrap();
    }
    let mut raw = sqlx::AnyConnection::connect(&place.settings.url).await.unwrap();
    let put = "UPDATE join_account SET document = (SELECT document FROM join_account WHERE id = 12345679) WHERE id = 12345678";
    raw.execute(put).await.unwrap();
    let said = registry.kept::<Account>(12_345_678).await.unwrap_err().to_string();
    assert!(said.contains("another row"), "{said}");
    raw.execute("UPDATE join_account SET document = '{}' WHERE id = 12345678").await.unwrap();
    let said = registry.kept::<Account>(12_345_678).await.unwrap_err().to_string();
    assert!(said.contains("not sealed"), "{said}");
    assert!(registry.kept::<Account>(12_345_679).await.is_ok());
}
