//! What strangers can learn, guess or reuse: nothing.

use joining::{LetterKind, MailForm, OneTime};
use texts::Lang;

use super::{Desk, PASSWORD, Place, both};
use crate::{Refused, SignInAnswer};

both! { a_link_works_once_even_if_used_by_many_at_once_r2 guesses_at_the_same_moment_are_all_counted_r5
wrong_cards_at_the_same_moment_are_all_counted_r5 }

async fn a_link_works_once_even_if_used_by_many_at_once_r2(place: Place) {
    let desk = Desk::open(place).await;
    let token = desk.token("a@clinic.example").await;
    let form = desk.form(1).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (joining, token, form) = (desk.joining.clone(), token.clone(), form.clone());
            tokio::spawn(async move { joining.submit_full(&token, &form).await })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => taken += 1,
            Err(Refused::LinkUnknown) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(taken, 1);
    assert_eq!(desk.post().await.len(), 1, "one receipt");
    assert_eq!(desk.joining.review_list(&desk.operator).await.unwrap().open.len(), 1);
}

async fn guesses_at_the_same_moment_are_all_counted_r5(place: Place) {
    let desk = Desk::open(place).await;
    let number = desk.applied("a@clinic.example", 1).await;
    let (user, _, initial) = desk.approved(number).await;
    // Two hundred guesses at once, the right one among the last.
    let tasks: Vec<_> = (0..200)
        .map(|i| {
            let joining = desk.joining.clone();
            let guess = if i == 180 { initial.clone() } else { format!("{:06}", 900_000 + i) };
            tokio::spawn(async move { joining.first_sign_in(&user.to_string(), &guess).await.is_ok() })
        })
        .collect();
    let mut lucky = 0;
    for task in tasks {
        lucky += usize::from(task.await.unwrap());
    }
    let account = desk.joining.registry().kept::<joining::Account>(i64::from(user.number())).await.unwrap().unwrap();
    let lock = account.value.lockout;
    // Whoever was first is in; what counts is that not more than five wrong ones were ever let through.
    assert!(lucky <= 1);
    assert!(lock.hard && lock.locks == 1, "{lock:?}");
    assert!(desk.joining.first_sign_in(&user.to_string(), &initial).await.is_err(), "locked until a person unlocks it");
    let locked = desk.post().await.iter().filter(|l| l.letter.kind == LetterKind::AccountLocked).count();
    assert_eq!(locked, 1);
    desk.joining.unlock_account(&desk.operator, user).await.unwrap();
    desk.joining.first_sign_in(&user.to_string(), &initial).await.unwrap();
}

async fn wrong_cards_at_the_same_moment_are_all_counted_r5(place: Place) {
    let desk = Desk::open(place).await;
    let boss = desk.manager("a@clinic.example", 1).await;
    let (here, who) = (std::net::IpAddr::from([192, 0, 2, 1]), desk.signed_in(&boss).await);
    let code = desk.joining.offer_card(&who, boss.password, here).await.unwrap().reveal();
    desk.joining.card_shown(&code, here, &"ab".repeat(32)).await.unwrap();
    let SignInAnswer::SecondFactor { token, card: true, .. } =
        desk.joining.sign_in(&boss.user.to_string(), boss.password).await.unwrap()
    else {
        panic!("a card is asked for")
    };
    let code = desk.joining.card_code(token.reveal(), here).await.unwrap().reveal();
    // One fewer than lock the account, all at once.
    let together = std::sync::Arc::new(tokio::sync::Barrier::new(4));
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let (joining, code, together) = (desk.joining.clone(), code.clone(), together.clone());
            tokio::spawn(async move {
                together.wait().await;
                joining.card_shown(&code, here, &format!("c{n}").repeat(32)).await
            })
        })
        .collect();
    for task in tasks {
        let told = task.await.unwrap();
        assert!(matches!(told, Err(Refused::WrongSecondFactor)), "{told:?}");
    }
    let id = i64::from(boss.user.number());
    let lock = desk.joining.registry().kept::<joining::Account>(id).await.unwrap().unwrap().value.lockout;
    assert_eq!((lock.wrong, lock.locks), (4, 0), "each of them");
    // The owner's own still does; a fifth wrong one would have locked it.
    desk.joining.card_shown(&code, here, &"ab".repeat(32)).await.unwrap();
    assert!(matches!(desk.joining.second_factor_card(token.reveal(), here).await, Ok(Some(SignInAnswer::In { .. }))));
}

/// A card alone makes recovery codes, as an app or a key does: seen once by who added it, at their page only.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_alone_makes_recovery_codes_and_ten_are_enough_r5() {
    let desk = Desk::open(Place::sqlite()).await;
    let boss = desk.manager("a@clinic.example", 1).await;
    let other = desk.manager("b@clinic.example", 2).await;
    let (here, there) = (std::net::IpAddr::from([192, 0, 2, 1]), std::net::IpAddr::from([192, 0, 2, 2]));
    let (who, stranger) = (desk.signed_in(&boss).await, desk.signed_in(&other).await);
    let code = desk.joining.offer_card(&who, boss.password, here).await.unwrap().reveal();
    assert_eq!(desk.joining.card_added(&who, &code, here).await.unwrap(), None, "not yet");
    desk.joining.card_shown(&code, here, &"a0".repeat(32)).await.unwrap();
    for (whose, from) in [(&stranger, here), (&who, there)] {
        let told = desk.joining.card_added(whose, &code, from).await;
        assert!(matches!(told, Err(Refused::LinkUnknown)), "{told:?}");
    }
    let codes = desk.joining.card_added(&who, &code, here).await.unwrap().unwrap();
    assert_eq!(codes.len(), 10);
    assert_eq!(desk.joining.card_added(&who, &code, here).await.unwrap(), Some(Vec::new()), "never again");
    assert!(!desk.place.all_texts().await.contains(codes[0].reveal()), "only its hash is kept");
    // Without the card.
    let SignInAnswer::SecondFactor { token, .. } =
        desk.joining.sign_in(&boss.user.to_string(), boss.password).await.unwrap()
    else {
        panic!("a second factor is asked for")
    };
    let entered = desk.joining.second_factor_code(token.reveal(), codes[0].reveal()).await;
    assert!(matches!(entered, Ok(SignInAnswer::In { .. })), "{entered:?}");
    // Ten cards; the tenth again is none more.
    for n in 1..10 {
        let code = desk.joining.offer_card(&who, boss.password, here).await.unwrap().reveal();
        desk.joining.card_shown(&code, here, &format!("a{n}").repeat(32)).await.unwrap();
        assert_eq!(desk.joining.card_added(&who, &code, here).await.unwrap(), Some(Vec::new()), "there are some");
    }
    let eleventh = desk.joining.offer_card(&who, boss.password, here).await;
    assert!(matches!(eleventh, Err(Refused::WrongStand)), "{eleventh:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_an_address_tells_nothing_about_it_r2() {
    let desk = Desk::open(Place::sqlite()).await;
    desk.manager("known@clinic.example", 1).await;
    let begin = async |mail: &str| {
        let form = MailForm { mail: mail.into(), again: mail.into() };
        desk.joining.begin(&form, Lang::Ja).await.unwrap().link_minutes
    };
    assert_eq!(begin("known@clinic.example").await, begin("unknown@clinic.example").await);
    // More letters than the limit: the same answer, no letter.
    for _ in 0..10 {
        begin("flood@clinic.example").await;
        begin("FLOOD@clinic.example").await;
    }
    let written = desk.post().await.iter().filter(|l| l.letter.to.key() == "flood@clinic.example").count();
    assert_eq!(written, desk.joining.settings().letters_a_day as usize);
    desk.still.days(1);
    desk.still.pass(1);
    begin("flood@clinic.example").await;
    assert_eq!(desk.post().await.len(), 1, "a day later");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_answers_alike_whoever_it_is_r5() {
    let desk = Desk::open(Place::sqlite()).await;
    let boss = desk.manager("boss@clinic.example", 1).await;
    let user = boss.user.to_string();
    let alike =
        |answer: Result<SignInAnswer, Refused>| assert!(matches!(answer, Err(Refused::WrongCredentials)), "{answer:?}");
    alike(desk.joining.sign_in("99999999", PASSWORD).await);
    alike(desk.joining.sign_in("no number", PASSWORD).await);
    alike(desk.joining.sign_in(&user, "wrong").await);
    desk.joining.suspend_account(&desk.operator, boss.user, true).await.unwrap();
    alike(desk.joining.sign_in(&user, PASSWORD).await);
    desk.joining.suspend_account(&desk.operator, boss.user, false).await.unwrap();
    for _ in 0..4 {
        alike(desk.joining.sign_in(&user, "wrong").await);
    }
    // Locked now: the right one is answered as a wrong one.
    alike(desk.joining.sign_in(&user, PASSWORD).await);
    desk.still.pass(30 * 60_000);
    desk.signed_in(&boss).await;
    // Also on the page of the initial password.
    assert!(matches!(desk.joining.first_sign_in(&user, PASSWORD).await, Err(Refused::WrongCredentials)));
    assert!(matches!(desk.joining.first_sign_in("99999999", "123456").await, Err(Refused::WrongCredentials)));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_sessions_end_and_a_reset_ends_everything_r2_r5() {
    let desk = Desk::open(Place::sqlite()).await;
    let joining = &desk.joining;
    // A link ends; an unknown one and one for something else are none.
    let token = desk.token("a@clinic.example").await;
    assert!(matches!(joining.open_link("x").await, Err(Refused::LinkUnknown)));
    let other = OneTime::for_url(&*desk.still);
    assert!(matches!(joining.open_link(other.reveal()).await, Err(Refused::LinkUnknown)));
    desk.still.days(1);
    assert!(matches!(joining.open_link(&token).await, Err(Refused::LinkOver { .. })));
    assert!(matches!(joining.submit_full(&token, &desk.form(1).await).await, Err(Refused::LinkOver { .. })));
    joining.sweep().await.unwrap();
    // A newer link replaces an older one.
    let first = desk.token("a@clinic.example").await;
    let second = desk.token("a@clinic.example").await;
    assert!(matches!(joining.open_link(&first).await, Err(Refused::LinkUnknown)));
    joining.open_link(&second).await.unwrap();

    // Sessions: idle, too long, other password, reset.
    let boss = desk.manager("boss@clinic.example", 2).await;
    let enter = async || match joining.sign_in(&boss.user.to_string(), PASSWORD).await.unwrap() {
        SignInAnswer::In { token, .. } => token,
        other => panic!("{other:?}"),
    };
    let idle = enter().await;
    desk.still.pass(29 * 60_000);
    joining.session(idle.reveal()).await.unwrap();
    desk.still.pass(29 * 60_000);
    joining.session(idle.reveal()).await.unwrap();
    desk.still.pass(31 * 60_000);
    assert!(matches!(joining.session(idle.reveal()).await, Err(Refused::NotSignedIn)));
    let long = enter().await;
    for _ in 0..29 {
        desk.still.pass(20 * 60_000);
        joining.session(long.reveal()).await.unwrap();
    }
    desk.still.pass(20 * 60_000);
    assert!(matches!(joining.session(long.reveal()).await, Err(Refused::NotSignedIn)));

    let (one, two) = (enter().await, enter().await);
    let who = joining.session(one.reveal()).await.unwrap();
    let again = joining.change_password(&who, PASSWORD, PASSWORD, PASSWORD).await;
    assert!(matches!(again, Err(Refused::Fields(_))), "used before");
    let renewed = joining.change_password(&who, PASSWORD, "momiji-7-tempura", "momiji-7-tempura").await.unwrap();
    assert!(joining.session(one.reveal()).await.is_err() && joining.session(two.reveal()).await.is_err());
    joining.session(renewed.reveal()).await.unwrap();

    let reset = joining.reset_account(&desk.operator, boss.user, true).await.unwrap();
    assert!(joining.session(renewed.reveal()).await.is_err());
    assert!(joining.vpn_accounts().await.unwrap().is_empty(), "also its VPN password");
    assert!(!desk.place.all_texts().await.contains(reset.initial.reveal()));
    desk.still.days(31);
    let late = joining.first_sign_in(&boss.user.to_string(), reset.initial.reveal()).await;
    assert!(matches!(late, Err(Refused::InitialOver)));
}
