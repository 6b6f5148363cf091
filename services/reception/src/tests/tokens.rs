//! Tokens for programs: who makes them, what they reach, what ends them.

use audit::Event;
use joining::{Action, BearerToken, Field, FieldCode};

use super::{Desk, Manager, PASSWORD, Place, both};
use crate::{Refused, SignedIn, StaffForm, TokenForm, TokenGiven};

fn form(actions: &[&str]) -> TokenForm {
    TokenForm {
        label: "inventory".into(),
        actions: actions.iter().map(|a| (*a).to_owned()).collect(),
        days: "30".into(),
        password: PASSWORD.into(),
    }
}

async fn made(desk: &Desk, who: &SignedIn, actions: &[&str]) -> TokenGiven {
    desk.joining.make_token(who, &form(actions)).await.unwrap()
}

async fn counts(desk: &Desk, token: &BearerToken) -> bool {
    match desk.joining.program(token).await {
        Ok(_) => true,
        Err(Refused::NotSignedIn) => false,
        Err(other) => panic!("{other:?}"),
    }
}

both! { a_token_acts_as_its_owner_in_what_it_was_made_for_until_it_ends }
async fn a_token_acts_as_its_owner_in_what_it_was_made_for_until_it_ends(place: Place) {
    let desk = Desk::open(place).await;
    let boss = desk.manager("a@keyaki.example", 1).await;
    let who = desk.signed_in(&boss).await;
    let given = made(&desk, &who, &["see-staff", "read-notices"]).await;
    let program = desk.joining.program(&given.token).await.unwrap();
    assert_eq!((program.user(), program.institution()), (who.user(), who.institution()));
    assert_eq!(desk.joining.staff(&program).await.unwrap().len(), 1);
    assert!(desk.joining.notices(&program).await.unwrap().is_empty());
    // The owner may; the token was not made for it, and never is for what is about oneself.
    let colleague =
        StaffForm { name: "看護 花子".into(), kana: "カンゴ ハナコ".into(), mail: "c@keyaki.example".into() };
    assert!(matches!(desk.joining.add_staff(&program, &colleague).await, Err(Refused::MayNot)));
    assert!(matches!(desk.joining.service_applications(&program).await, Err(Refused::MayNot)));
    assert!(matches!(desk.joining.make_token(&program, &form(&["see-staff"])).await, Err(Refused::MayNot)));
    assert!(matches!(desk.joining.tokens(&program).await, Err(Refused::MayNot)));
    assert!(matches!(desk.joining.certificate_code(&program).await, Err(Refused::MayNot)));
    let change = desk.joining.change_password(&program, PASSWORD, "Another#Tree9x", "Another#Tree9x").await;
    assert!(matches!(change, Err(Refused::MayNot)));

    // Neither the token nor anything to make it from is stored.
    assert!(!desk.place.all_texts().await.contains(&given.token.reveal()["sekisho_".len()..]));
    desk.still.days(29);
    assert!(counts(&desk, &given.token).await);
    desk.still.days(1);
    assert!(!counts(&desk, &given.token).await, "its days are over");
    let who = desk.signed_in(&boss).await;
    assert!(!desk.joining.tokens(&who).await.unwrap()[0].serves, "still listed, so that its owner sees why");

    // Two ways to end one: its owner, and itself. Nobody ends another's.
    let [first, second] = [made(&desk, &who, &["see-staff"]).await, made(&desk, &who, &["see-staff"]).await];
    let other = desk.signed_in(&desk.manager("b@aoba.example", 2).await).await;
    let taken = desk.joining.revoke_token(&other, first.view.number).await;
    assert!(matches!(taken, Err(Refused::NoSuch)) && counts(&desk, &first.token).await);
    desk.joining.revoke_token(&who, first.view.number).await.unwrap();
    assert!(matches!(desk.joining.revoke_token(&who, first.view.number).await, Err(Refused::NoSuch)));
    let program = desk.joining.program(&second.token).await.unwrap();
    desk.joining.sign_out(&program).await.unwrap();
    assert!(!counts(&desk, &first.token).await && !counts(&desk, &second.token).await);
    assert_eq!(desk.joining.tokens(&who).await.unwrap().len(), 1, "those that ended are gone from the list");

    let events = desk.joining.registry().audit_from(0, 1_000).await.unwrap();
    let numbers: Vec<(bool, i64)> = events
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::TokenGiven { token, .. } => Some((true, *token)),
            Event::TokenRevoked { token, .. } => Some((false, *token)),
            _ => None,
        })
        .collect();
    let [zeroth, first, second] = [&given, &first, &second].map(|given| given.view.number);
    assert_eq!(numbers, [(true, zeroth), (true, first), (true, second), (false, first), (false, second)]);
}

/// Who reads the record sees each time that it was a program, and which; and never when it was not.
#[tokio::test]
async fn the_record_tells_a_program_from_its_owner_r8() {
    let desk = Desk::open(Place::sqlite()).await;
    let boss = desk.manager("a@keyaki.example", 1).await;
    let who = desk.signed_in(&boss).await;
    let given = made(&desk, &who, &["manage-staff", "apply-for-service"]).await;
    let program = desk.joining.program(&given.token).await.unwrap();
    let form =
        |mail: &str| StaffForm { name: "看護 花子".into(), kana: "カンゴ ハナコ".into(), mail: mail.into() };
    let log = async || desk.joining.registry().audit_from(0, 1_000).await.unwrap();
    for (hand, is_program) in [(&program, true), (&who, false)] {
        for step in ["add", "reset", "remove", "apply", "take back"] {
            let before = log().await.len();
            let staff = desk.joining.staff(&who).await.unwrap();
            let colleague = staff.iter().find(|one| one.user != who.user()).map(|one| one.user);
            match step {
                "add" => drop(desk.joining.add_staff(hand, &form("c@keyaki.example")).await.unwrap()),
                "reset" => drop(desk.joining.reset_staff(hand, colleague.unwrap()).await.unwrap()),
                "remove" => desk.joining.remove_staff(hand, colleague.unwrap()).await.unwrap(),
                "apply" => {
                    let wanted = ["cancer-registry".to_owned()];
                    drop(desk.joining.apply_for_services(hand, &wanted).await.unwrap());
                }
                _ => {
                    let all = desk.joining.service_applications(hand).await.unwrap();
                    let live = all.iter().find(|view| view.application.is_live()).unwrap();
                    desk.joining.take_back_service(hand, live.number).await.unwrap();
                }
            }
            let told: Vec<Event> = log().await.split_off(before).into_iter().map(|entry| entry.event).collect();
            let named = matches!(
                &told[0],
                Event::ProgramActed { token, user } if *token == given.view.number && *user == who.user().to_string()
            );
            assert_eq!(named, is_program, "{step}: {told:?}");
            assert_eq!(told.len(), if is_program { 2 } else { 1 }, "{step}: {told:?}");
        }
    }
}

/// Whatever stops the account stops its tokens, and nothing brings them back but what only paused it.
#[tokio::test]
async fn what_stops_an_account_stops_its_tokens() {
    let desk = Desk::open(Place::sqlite()).await;
    let boss = desk.manager("a@keyaki.example", 1).await;
    let judge = &desk.operator;

    let who = desk.signed_in(&boss).await;
    let token = made(&desk, &who, &["see-staff"]).await.token;
    desk.joining.suspend_account(judge, boss.user, true).await.unwrap();
    assert!(!counts(&desk, &token).await, "suspended");
    desk.joining.suspend_account(judge, boss.user, false).await.unwrap();
    assert!(counts(&desk, &token).await, "let work again");

    for _ in 0..5 {
        assert!(desk.joining.sign_in(&boss.user.to_string(), "wrong").await.is_err());
    }
    assert!(!counts(&desk, &token).await, "locked");
    desk.joining.unlock_account(judge, boss.user).await.unwrap();
    assert!(counts(&desk, &token).await, "unlocked");

    // A new password ends what was made before it, and what waits for a card.
    let who = desk.signed_in(&boss).await;
    let here = std::net::IpAddr::from([192, 0, 2, 1]);
    let code = desk.joining.offer_card(&who, PASSWORD, here).await.unwrap().reveal();
    assert!(desk.joining.card_call(&code, here).await.is_ok());
    desk.still.pass(1);
    desk.joining.change_password(&who, PASSWORD, "Another#Tree9x", "Another#Tree9x").await.unwrap();
    assert!(!counts(&desk, &token).await, "another password");
    assert!(matches!(desk.joining.card_call(&code, here).await, Err(Refused::LinkUnknown)), "given for the old one");
    let boss = Manager { password: "Another#Tree9x", ..boss };
    let who = desk.signed_in(&boss).await;
    let again = TokenForm { password: boss.password.into(), ..form(&["see-staff"]) };
    let token = desk.joining.make_token(&who, &again).await.unwrap().token;
    assert!(counts(&desk, &token).await);

    // So does a second factor: the token was made by who had shown none.
    desk.joining.offer_totp(&who, boss.password).await.unwrap();
    assert!(counts(&desk, &token).await, "an app that was not shown to work asks for nothing yet");
    let code = desk.joining.offer_card(&who, boss.password, here).await.unwrap().reveal();
    assert!(counts(&desk, &token).await, "no card was shown yet");
    desk.joining.card_shown(&code, here, &"ab".repeat(32)).await.unwrap();
    assert!(!counts(&desk, &token).await, "a second factor");
    let token = desk.joining.make_token(&who, &again).await.unwrap().token;
    assert!(counts(&desk, &token).await, "made by who has one");

    desk.still.pass(1);
    desk.joining.reset_account(judge, boss.user, false).await.unwrap();
    assert!(!counts(&desk, &token).await, "reset");
}

#[tokio::test]
async fn a_token_is_made_with_the_password_for_what_its_owner_may() {
    let desk = Desk::open(Place::sqlite()).await;
    let boss = desk.manager("a@keyaki.example", 1).await;
    let who = desk.signed_in(&boss).await;
    let fault = |made: Result<TokenGiven, Refused>| match made {
        Err(Refused::Fields(faults)) => faults.into_iter().map(|f| (f.field, f.code)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let bad = TokenForm { label: " ".into(), actions: Vec::new(), days: "367".into(), password: PASSWORD.into() };
    assert_eq!(
        fault(desk.joining.make_token(&who, &bad).await),
        [(Field::Label, FieldCode::Empty), (Field::Scope, FieldCode::Empty), (Field::Days, FieldCode::Malformed)]
    );
    for (action, days) in [("approve", "30"), ("review", "30"), ("change-own", "30"), ("manage-tokens", "30")] {
        let wrong = TokenForm { days: days.into(), ..form(&["see-staff", action]) };
        assert_eq!(fault(desk.joining.make_token(&who, &wrong).await), [(Field::Scope, FieldCode::Unknown)]);
    }
    for days in ["0", "-1", "", "1.5", "99999999999"] {
        let wrong = TokenForm { days: days.into(), ..form(&["see-staff"]) };
        assert_eq!(fault(desk.joining.make_token(&who, &wrong).await), [(Field::Days, FieldCode::Malformed)]);
    }
    let wrong = TokenForm { password: "wrong".into(), ..form(&["see-staff"]) };
    assert_eq!(fault(desk.joining.make_token(&who, &wrong).await), [(Field::Password, FieldCode::Wrong)]);
    assert!(desk.joining.tokens(&who).await.unwrap().is_empty());

    let wide = made(&desk, &who, &["manage-staff"]).await;
    let actions = [Action::SeeStaff, Action::ManageStaff, Action::SeeMenu, Action::SignOut];
    assert_eq!(wide.view.actions, actions, "who changes sees");

    // Staff may less, so their tokens are offered less.
    let colleague =
        StaffForm { name: "看護 花子".into(), kana: "カンゴ ハナコ".into(), mail: "c@keyaki.example".into() };
    let added = desk.joining.add_staff(&who, &colleague).await.unwrap();
    desk.settle(added.account.user, added.reset.initial.reveal()).await;
    let staff = desk.signed_in_as(added.account.user, PASSWORD).await;
    let wide = desk.joining.make_token(&staff, &form(&["manage-staff"])).await;
    assert_eq!(fault(wide), [(Field::Scope, FieldCode::Unknown)]);
    let given = made(&desk, &staff, &["see-staff"]).await;
    assert_eq!(given.view.actions, [Action::SeeStaff, Action::SeeMenu, Action::SignOut]);
    let own = desk.joining.revoke_token(&who, given.view.number).await;
    assert!(matches!(own, Err(Refused::NoSuch)), "a colleague's is not the manager's");

    for _ in 1..20 {
        made(&desk, &staff, &["see-staff"]).await;
    }
    let one_more = desk.joining.make_token(&staff, &form(&["see-staff"])).await;
    assert!(matches!(one_more, Err(Refused::TooManyTokens)));
    desk.joining.revoke_token(&staff, given.view.number).await.unwrap();
    made(&desk, &staff, &["see-staff"]).await;
}
