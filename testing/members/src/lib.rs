//! People who have joined, by the same use cases that the pages call: one after the other, as an applicant and an operator
//! would take them.
//!
//! For tests of what comes after. A step that is refused ends the test that needs it; the steps themselves are tried in
//! `reception`.
#![allow(clippy::unwrap_used)]

use joining::{
    CallOutcome, FullForm, InitialPassword, Institution, InstitutionId, LetterKind, MailForm, UserId, VpnId,
};
use reception::{Approved, CallForm, Joining, Operator, Settled, SignInAnswer, SignedIn, Token};
use texts::Lang;

/// The applicant's telephone.
pub const PHONE: &str = "012-123-1234";

/// Somebody whose application was approved and who has not signed in yet.
#[derive(Debug)]
pub struct Newcomer {
    /// 利用者 ID.
    pub user: UserId,
    /// VPN-ID.
    pub vpn: VpnId,
    /// 初期パスワード.
    pub initial: InitialPassword,
}

/// A form that is filled in as it should be.
pub fn form(of: &Institution) -> FullForm {
    FullForm {
        prefecture: of.prefecture.number().to_string(),
        institution: of.id.0.to_string(),
        not_listed: String::new(),
        head: "医療 太郎".into(),
        head_kana: "イリョウ タロウ".into(),
        applicant: "医療 一郎".into(),
        applicant_kana: "イリョウ イチロウ".into(),
        department: "医事課".into(),
        post: "課長".into(),
        phone: PHONE.into(),
        extension: "1234".into(),
        consent: true,
    }
}

/// Gives an address, and takes the one-time part of the link out of the letter before it is sent (R2).
///
/// # Panics
/// If it is refused, or if the letter is gone.
pub async fn link(joining: &Joining, mail: &str) -> String {
    joining.begin(&MailForm { mail: mail.into(), again: mail.into() }, Lang::Ja).await.unwrap();
    let due = joining.registry().letters_due(joining.now(), 1_000).await.unwrap();
    let own = |kind, to: &str| kind == LetterKind::ApplicationLink && to == mail;
    let letter = due.into_iter().map(|due| due.letter).rfind(|letter| own(letter.kind, letter.to.as_str()));
    letter.unwrap().secret.unwrap().rsplit('/').next().unwrap().to_owned()
}

/// Applies for an institution of the directory; the number of the application, which waits (R3).
///
/// # Panics
/// If a step is refused.
pub async fn applied(joining: &Joining, mail: &str, institution: InstitutionId) -> i64 {
    let link = link(joining, mail).await;
    let institution = joining.registry().institution(institution).await.unwrap().unwrap();
    joining.submit_full(&link, &form(&institution)).await.unwrap().number
}

/// Applies, is called back and approved (R3, R4).
///
/// # Panics
/// If a step is refused, or if a second operator has to approve.
pub async fn approved(joining: &Joining, operator: &Operator, mail: &str, institution: InstitutionId) -> Newcomer {
    let number = applied(joining, mail, institution).await;
    let page = joining.review(operator, number).await.unwrap();
    let call = CallForm { phone: PHONE.into(), outcome: CallOutcome::Confirmed, note: "代表番号".into() };
    let page = joining.record_call(operator, number, page.version, &call).await.unwrap();
    match joining.approve(operator, number, page.version).await.unwrap() {
        Approved::Done { user, vpn, initial, .. } => Newcomer { user, vpn, initial },
        Approved::AwaitsSecond => panic!("four eyes are not asked for"),
    }
}

/// Changes the initial password; not signed in yet (R5).
///
/// # Panics
/// If it is refused.
pub async fn settled(joining: &Joining, user: UserId, initial: &InitialPassword, password: &str) -> Settled {
    let token = joining.first_sign_in(&user.to_string(), initial.reveal()).await.unwrap();
    let who = joining.settling(token.reveal()).await.unwrap();
    joining.change_initial(&who, initial.reveal(), password, password).await.unwrap()
}

/// Signs in who has no second factor; the token of the session (R8).
///
/// # Panics
/// If it is refused.
pub async fn signed_in(joining: &Joining, user: UserId, password: &str) -> Token {
    match joining.sign_in(&user.to_string(), password).await.unwrap() {
        SignInAnswer::In { token, .. } => token,
        other => panic!("{other:?}"),
    }
}

/// All of it: from an address to a manager who is signed in.
///
/// # Panics
/// If a step is refused.
pub async fn manager(joining: &Joining, mail: &str, institution: InstitutionId, password: &str) -> SignedIn {
    let Newcomer { user, initial, .. } = approved(joining, &Operator::new("ito"), mail, institution).await;
    settled(joining, user, &initial, password).await;
    let token = signed_in(joining, user, password).await;
    joining.session(token.reveal()).await.unwrap()
}
