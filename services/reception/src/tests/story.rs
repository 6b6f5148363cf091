//! The whole way, as the usage procedure tells it.

use joining::{CallOutcome, Field, FieldCode, LetterKind, MailForm};
use model::Timestamp;
use texts::Lang;

use super::{Desk, PASSWORD, Place, both};
use crate::{NoticeForm, Refused, SignInAnswer, StaffForm};
use std::net::IpAddr;
use wire::card_call::CardFor;

both! { from_a_mail_address_to_a_service_r2_r3_r4_r5_r6_r8_r9 staff_come_and_go_r11 }

async fn from_a_mail_address_to_a_service_r2_r3_r4_r5_r6_r8_r9(place: Place) {
    let desk = Desk::open(place).await;
    let joining = &desk.joining;

    // 利用仮申請
    let form = MailForm { mail: "ichiro@clinic.example".into(), again: "ichiro@clinic.example".into() };
    joining.begin(&form, Lang::Ja).await.unwrap();
    let post = desk.post().await;
    assert_eq!(post.len(), 1);
    let url = post[0].letter.secret.clone().unwrap();
    let token = url.strip_prefix("https://join.example/apply/").unwrap();
    assert!(!desk.place.all_texts().await.contains(token), "sent: its URL is wiped, its link a hash");

    // 利用本申請
    let page = joining.open_link(token).await.unwrap();
    assert_eq!(page.mail.as_str(), "ichiro@clinic.example");
    let form = desk.form(7).await;
    let confirmation = joining.check_full(token, &form).await.unwrap();
    assert_eq!(confirmation.institution.unwrap().id.0, 7);
    let receipt = joining.submit_full(token, &form).await.unwrap();
    assert!(matches!(joining.submit_full(token, &form).await, Err(Refused::LinkUnknown)));
    assert!(matches!(joining.open_link(token).await, Err(Refused::LinkUnknown)), "it works once");
    let post = desk.post().await;
    assert_eq!(post.len(), 1);
    assert_eq!(post[0].letter.kind, LetterKind::ApplicationReceived);
    assert_eq!(post[0].letter.args["number"], receipt.number.to_string());

    // 施設申込確認
    let page = joining.review(&desk.operator, receipt.number).await.unwrap();
    assert!(matches!(joining.approve(&desk.operator, receipt.number, page.version).await, Err(Refused::NotConfirmed)));
    let (user, vpn, initial) = desk.approved(receipt.number).await;
    let post = desk.post().await;
    assert_eq!(post.len(), 1);
    let letter = &post[0].letter;
    assert_eq!((letter.kind, letter.args["user"].clone()), (LetterKind::ApplicationApproved, user.to_string()));
    assert_eq!(letter.args["vpn"], vpn.to_string());
    assert!(!desk.place.all_texts().await.contains(&initial), "told by telephone, stored and mailed nowhere");

    // 初期パスワード変更
    assert!(matches!(joining.sign_in(&user.to_string(), "000000x").await, Err(Refused::WrongCredentials)));
    let token = joining.first_sign_in(&user.to_string(), &initial).await.unwrap();
    assert!(matches!(joining.session(token.reveal()).await, Err(Refused::NotSignedIn)), "only for changing it");
    let who = joining.settling(token.reveal()).await.unwrap();
    assert!(matches!(joining.show_vpn_password(&who).await, Err(Refused::WrongStand)));
    let weak = joining.change_initial(&who, &initial, "short1!", "short1!").await;
    assert!(matches!(weak, Err(Refused::Fields(f)) if f[0].code == FieldCode::TooShort));
    let settled = joining.change_initial(&who, &initial, PASSWORD, PASSWORD).await.unwrap();
    assert!(matches!(joining.settling(token.reveal()).await, Err(Refused::NotSignedIn)), "a new token");
    assert!(matches!(joining.first_sign_in(&user.to_string(), &initial).await, Err(Refused::WrongCredentials)));

    // VPN パスワード表示
    let who = joining.settling(settled.token.reveal()).await.unwrap();
    assert!(joining.vpn_accounts().await.unwrap().is_empty());
    let shown = joining.show_vpn_password(&who).await.unwrap();
    assert!(matches!(joining.show_vpn_password(&who).await, Err(Refused::ShownAlready)));
    assert!(!desk.place.all_texts().await.contains(shown.password.reveal()));
    assert_eq!(joining.vpn_accounts().await.unwrap(), [(vpn.clone(), shown.password.nt_hash())]);
    assert_eq!(joining.vpn_account(&vpn).await.unwrap().unwrap().0, user);
    joining.end_settling(&who).await.unwrap();

    // ログイン → お知らせ → メニュー
    let notice = |ja: &str| NoticeForm {
        title_ja: ja.into(),
        title_en: "News".into(),
        body_ja: "本文".into(),
        body_en: "Text".into(),
        until: None,
    };
    joining.publish_notice(&desk.operator, &notice("古い")).await.unwrap();
    desk.still.pass(1_000);
    joining.publish_notice(&desk.operator, &notice("新しい")).await.unwrap();
    let who = desk.signed_in_as(user, PASSWORD).await;
    let titles: Vec<_> = joining.notices(&who).await.unwrap().into_iter().map(|n| n.notice.title.ja).collect();
    assert_eq!(titles, ["新しい", "古い"]);
    let menu = joining.menu(&who).await.unwrap();
    assert!(menu.services[0].can_apply && !menu.services[0].open);

    // サービス利用申請
    let wanted = ["cancer-registry".to_owned()];
    assert_eq!(joining.check_services(&who, &wanted).await.unwrap().len(), 1);
    let views = joining.apply_for_services(&who, &wanted).await.unwrap();
    assert!(matches!(joining.apply_for_services(&who, &wanted).await, Err(Refused::AppliedAlready)));
    assert!(!joining.has_service(who.institution(), "cancer-registry").await.unwrap());
    let at_service = async |user: &str| joining.member(user, "cancer-registry").await;
    assert!(matches!(at_service(&user.to_string()).await, Err(Refused::NoService)));
    let waiting = joining.review_services(&desk.operator).await.unwrap();
    assert_eq!(waiting[0].number, views[0].number);
    let approved = joining.approve_service(&desk.operator, views[0].number, waiting[0].version).await.unwrap();
    assert!(joining.has_service(who.institution(), "cancer-registry").await.unwrap());
    assert!(joining.menu(&who).await.unwrap().services[0].open);
    let member = at_service(&user.to_string()).await.unwrap();
    assert_eq!((member.user(), member.institution()), (user, who.institution()));
    assert!(matches!(joining.member(&user.to_string(), "another").await, Err(Refused::NoService)));
    for nobody in ["99999999", "", "x"] {
        assert!(matches!(at_service(nobody).await, Err(Refused::AccountOff)), "{nobody}");
    }
    joining.cancel_service(&desk.operator, approved.number, approved.version, "終了").await.unwrap();
    assert!(!joining.has_service(who.institution(), "cancer-registry").await.unwrap());
    joining.apply_for_services(&who, &wanted).await.unwrap();
    let kinds: Vec<LetterKind> = desk.post().await.iter().map(|l| l.letter.kind).collect();
    let mut expected = vec![
        LetterKind::ServiceReceived,
        LetterKind::ServiceApproved,
        LetterKind::ServiceCancelled,
        LetterKind::ServiceReceived,
    ];
    let mut got = kinds.clone();
    got.sort();
    expected.sort();
    assert_eq!(got, expected);

    // サービス利用証明書: a code for the tool
    let code = joining.certificate_code(&who).await.unwrap();
    let other = joining.certificate_code(&who).await.unwrap();
    let uses = async |code: &str| joining.use_certificate_code(&user.to_string(), code).await;
    assert!(matches!(uses(code.code.reveal()).await, Err(Refused::LinkUnknown)), "a newer one replaced it");
    assert!(matches!(joining.use_certificate_code("99999999", other.code.reveal()).await, Err(Refused::LinkUnknown)));
    assert_eq!(uses(other.code.reveal()).await.unwrap().account.user, user);
    assert!(matches!(uses(other.code.reveal()).await, Err(Refused::LinkUnknown)), "it works once");

    // ログアウト
    joining.sign_out(&who).await.unwrap();
    joining.sign_out(&who).await.unwrap();
    let events = joining.registry().audit_last(200).await.unwrap();
    let codes: Vec<&str> = events.iter().map(|e| e.event.code()).collect();
    for code in ["A601", "A602", "A603", "A605", "A611", "A612", "A616", "A617", "A621", "A622", "A623", "A626", "A628"]
    {
        assert!(codes.contains(&code), "{code} is missing from {codes:?}");
    }
    joining.registry().verify_log(None).await.unwrap();
}

async fn staff_come_and_go_r11(place: Place) {
    let desk = Desk::open(place).await;
    let joining = &desk.joining;
    let boss = desk.manager("boss@clinic.example", 1).await;
    let rival = desk.manager("boss@other.example", 2).await;
    let who = desk.signed_in(&boss).await;
    let form =
        StaffForm {
            name: "青葉 花子".into(), kana: "アオバ ハナコ".into(), mail: "hanako@clinic.example".into()
        };
    let bad = StaffForm { kana: "あおば".into(), mail: "x@docomo.ne.jp".into(), ..form.clone() };
    let faults = joining.add_staff(&who, &bad).await.unwrap_err();
    assert!(matches!(faults, Refused::Fields(f) if f.iter().map(|f| (f.field, f.code)).eq([
        (Field::NameKana, FieldCode::NotKana), (Field::Mail, FieldCode::Mobile)
    ])));
    let added = joining.add_staff(&who, &form).await.unwrap();
    let member = added.account.user;
    desk.settle(member, added.reset.initial.reveal()).await;
    let hanako = desk.signed_in_as(member, PASSWORD).await;

    // Staff read, the manager manages, another institution's manager finds nobody.
    assert_eq!(joining.staff(&hanako).await.unwrap().len(), 2);
    assert!(matches!(joining.add_staff(&hanako, &form).await, Err(Refused::MayNot)));
    assert!(matches!(joining.remove_staff(&hanako, boss.user).await, Err(Refused::MayNot)));
    assert!(matches!(joining.apply_for_services(&hanako, &[]).await, Err(Refused::MayNot)));
    let stranger = desk.signed_in(&rival).await;
    assert!(matches!(joining.remove_staff(&stranger, member).await, Err(Refused::NoSuch)));
    assert!(matches!(joining.reset_staff(&stranger, member).await, Err(Refused::NoSuch)));
    assert!(matches!(joining.remove_staff(&who, boss.user).await, Err(Refused::LastManager)));

    assert!(matches!(joining.member(&member.to_string(), "cancer-registry").await, Err(Refused::NoService)));
    joining.remove_staff(&who, member).await.unwrap();
    assert!(matches!(joining.member(&member.to_string(), "cancer-registry").await, Err(Refused::AccountOff)));
    let answer = joining.sign_in(&member.to_string(), PASSWORD).await;
    assert!(matches!(answer, Err(Refused::WrongCredentials)));
    assert_eq!(joining.staff(&who).await.unwrap().len(), 1);
    assert!(matches!(joining.remove_staff(&who, member).await, Err(Refused::NoSuch)));
    let vpn: Vec<_> = joining.vpn_accounts().await.unwrap().into_iter().map(|(id, _)| id).collect();
    assert!(vpn.contains(&boss.vpn) && vpn.contains(&rival.vpn) && vpn.len() == 2, "the member's is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_and_a_code_works_once() {
    let desk = Desk::open(Place::sqlite()).await;
    let joining = &desk.joining;
    let boss = desk.manager("boss@clinic.example", 1).await;
    let who = desk.signed_in(&boss).await;
    assert!(matches!(joining.offer_totp(&who, "wrong").await, Err(Refused::Fields(_))));
    joining.offer_totp(&who, boss.password).await.unwrap();
    // Not confirmed: not asked for, and nothing that recovery codes could stand in for.
    assert!(matches!(joining.renew_recovery_codes(&who, boss.password).await, Err(Refused::WrongStand)));
    desk.signed_in(&boss).await;
    let code = |now: Timestamp| {
        let record = joining.registry();
        async move {
            let account = record.kept::<joining::Account>(i64::from(boss.user.number())).await.unwrap().unwrap();
            let joining::Factor::Totp { secret, .. } = account.value.factors[0].clone() else { panic!() };
            (0..1_000_000)
                .map(|c| format!("{c:06}"))
                .find(|c| secret.check(c, now, 0) == Some(now.unix_seconds().div_euclid(30)))
        }
    };
    let first = code(joining.now()).await.unwrap();
    assert!(matches!(joining.confirm_totp(&who, "000000").await, Err(Refused::Fields(_))));
    let recovery = joining.confirm_totp(&who, &first).await.unwrap();
    assert!(matches!(joining.confirm_totp(&who, &first).await, Err(Refused::WrongStand)));
    let ask = async || match joining.sign_in(&boss.user.to_string(), boss.password).await.unwrap() {
        SignInAnswer::SecondFactor { token, totp: true, card: false } => token,
        other => panic!("{other:?}"),
    };
    let token = ask().await;
    assert!(matches!(joining.session(token.reveal()).await, Err(Refused::NotSignedIn)));
    assert!(
        matches!(joining.second_factor_code(token.reveal(), &first).await, Err(Refused::WrongSecondFactor)),
        "used"
    );
    desk.still.pass(31_000);
    let next = code(joining.now()).await.unwrap();
    assert!(matches!(joining.second_factor_code(token.reveal(), &next).await, Ok(SignInAnswer::In { .. })));
    assert!(matches!(joining.second_factor_code(token.reveal(), &next).await, Err(Refused::NotSignedIn)));
    // Without the app: a recovery code, once, and told by letter.
    desk.post().await;
    let token = ask().await;
    assert!(matches!(
        joining.second_factor_code(token.reveal(), recovery[3].reveal()).await,
        Ok(SignInAnswer::In { .. })
    ));
    let told: Vec<LetterKind> = desk.post().await.iter().map(|l| l.letter.kind).collect();
    assert_eq!(told, [LetterKind::CredentialsChanged]);
    let token = ask().await;
    let again = joining.second_factor_code(token.reveal(), recovery[3].reveal()).await;
    assert!(matches!(again, Err(Refused::WrongSecondFactor)), "used");
    assert!(!desk.place.all_texts().await.contains(recovery[4].reveal()), "only its hash is kept");
    let views = joining
        .factors(&desk.joining.session(token_in(&desk, &boss, recovery[4].reveal()).await.reveal()).await.unwrap());
    assert!(views.contains(&crate::FactorView::Recovery { left: 8 }), "{views:?}");
    // New codes for the lost sheet: with the password only, told by letter, and the old ones count no more.
    desk.post().await;
    assert!(matches!(joining.renew_recovery_codes(&who, "wrong").await, Err(Refused::Fields(_))));
    let anew = joining.renew_recovery_codes(&who, boss.password).await.unwrap();
    assert_eq!((anew.len(), anew.iter().any(|code| recovery.contains(code))), (recovery.len(), false));
    assert_eq!(desk.post().await.len(), 1);
    let token = ask().await;
    let old = joining.second_factor_code(token.reveal(), recovery[5].reveal()).await;
    assert!(matches!(old, Err(Refused::WrongSecondFactor)), "{old:?}");
    let new = joining.second_factor_code(token.reveal(), anew[5].reveal()).await;
    assert!(matches!(new, Ok(SignInAnswer::In { .. })), "{new:?}");
    // The card, beside it: by a code that is good once, and at the address of the page only.
    let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
    assert!(matches!(joining.offer_card(&who, "wrong", here).await, Err(Refused::Fields(_))));
    let code = joining.offer_card(&who, boss.password, here).await.unwrap().reveal();
    assert!(matches!(joining.card_call(&code, there).await, Err(Refused::LinkUnknown)));
    assert!(matches!(joining.card_shown(&code, there, &"AB".repeat(32)).await, Err(Refused::LinkUnknown)));
    let call = joining.card_call(&code, here).await.unwrap();
    assert_eq!((call.what, call.user), (CardFor::Add, boss.user.to_string()));
    joining.card_shown(&code, here, &"AB".repeat(32)).await.unwrap();
    assert!(matches!(joining.card_shown(&code, here, &"AB".repeat(32)).await, Err(Refused::LinkUnknown)), "used");
    let late = joining.offer_card(&who, boss.password, here).await.unwrap().reveal();
    desk.still.pass(301_000);
    assert!(matches!(joining.card_call(&late, here).await, Err(Refused::LinkOver { .. })));
    let SignInAnswer::SecondFactor { token, card: true, .. } =
        joining.sign_in(&boss.user.to_string(), boss.password).await.unwrap()
    else {
        panic!()
    };
    let code = joining.card_code(token.reveal(), here).await.unwrap().reveal();
    assert_eq!(joining.card_call(&code, here).await.unwrap().what, CardFor::SignIn);
    assert_eq!(joining.second_factor_card(token.reveal(), here).await.unwrap(), None, "not yet");
    let other = joining.card_shown(&code, here, &"cd".repeat(32)).await;
    assert!(matches!(other, Err(Refused::WrongSecondFactor)), "somebody else's card");
    joining.card_shown(&code, here, &"ab".repeat(32)).await.unwrap();
    assert_eq!(joining.second_factor_card(token.reveal(), there).await.unwrap(), None, "a page elsewhere");
    let entered = joining.second_factor_card(token.reveal(), here).await.unwrap();
    assert!(matches!(entered, Some(SignInAnswer::In { .. })));
    assert!(matches!(joining.second_factor_card(token.reveal(), here).await, Err(Refused::NotSignedIn)), "once");
    // Wrong codes count like wrong passwords, however often the password is right.
    let mut refused = 0;
    for _ in 0..10 {
        match joining.sign_in(&boss.user.to_string(), boss.password).await {
            Ok(SignInAnswer::SecondFactor { token, .. }) => {
                assert!(joining.second_factor_code(token.reveal(), "000000").await.is_err());
            }
            Err(Refused::WrongCredentials) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 5, "locked after five");
}

/// Signed in with a code.
async fn token_in(desk: &Desk, boss: &super::Manager, code: &str) -> crate::Token {
    let SignInAnswer::SecondFactor { token, .. } =
        desk.joining.sign_in(&boss.user.to_string(), boss.password).await.unwrap()
    else {
        panic!()
    };
    match desk.joining.second_factor_code(token.reveal(), code).await.unwrap() {
        SignInAnswer::In { token, .. } => token,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_denies_and_an_approval_do_not_go_together_r4() {
    let desk = Desk::open(Place::sqlite()).await;
    let number = desk.applied("a@clinic.example", 3).await;
    let page = desk.joining.review(&desk.operator, number).await.unwrap();
    let denied = desk.call(CallOutcome::Denied);
    let page = desk.joining.record_call(&desk.operator, number, page.version, &denied).await.unwrap();
    assert!(matches!(desk.joining.approve(&desk.operator, number, page.version).await, Err(Refused::NotConfirmed)));
    desk.joining.reject(&desk.operator, number, page.version, "施設が申請を確認できません").await.unwrap();
    let post = desk.post().await;
    let letter = &post.last().unwrap().letter;
    assert_eq!(letter.kind, LetterKind::ApplicationRejected);
    assert_eq!(letter.args["reason"], "施設が申請を確認できません");
    assert!(letter.args["url"].starts_with("https://join.example"), "to apply again");
}
