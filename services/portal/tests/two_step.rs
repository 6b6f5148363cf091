//! Two-step sign-in over its pages: set up, asked for, recovered, taken away (R5); and one's own profiles again (R6).
#![allow(clippy::unwrap_used)]

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use joining::{Account, CallOutcome, Factor, FullForm, InstitutionId, LetterKind, MailForm, UserId};
use portal::joining::{Contents, Desk, Download, Entrance, Settings, routes};
use reception::{Approved, CallForm, Hashing, Joining, Operator, RealWorld};
use registry::Registry;
use std::sync::Arc;
use texts::Lang;
use tower::ServiceExt;

const MAIL: &str = "ichiro@clinic.example";
const OWN: &str = "tsukimi-4-dango";
const HOST: &str = "inside.example";

/// A browser without scripts: it keeps one cookie.
struct Browser {
    desk: Desk,
    cookie: Option<String>,
}

impl Browser {
    async fn ask(&mut self, path: &str, form: Option<&str>) -> (StatusCode, String) {
        let request = Request::builder().uri(path).header(header::HOST, HOST).header(header::ACCEPT_LANGUAGE, "en");
        let request = match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        };
        let request = match form {
            Some(form) => request
                .method("POST")
                .header(header::ORIGIN, format!("https://{HOST}"))
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form.to_owned())),
            None => request.body(Body::empty()),
        };
        let answer = routes(Entrance::Inside, self.desk.clone()).oneshot(request.unwrap()).await.unwrap();
        if let Some(set) = answer.headers().get(header::SET_COOKIE) {
            self.cookie = Some(set.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        let status = answer.status();
        let location = answer.headers().get(header::LOCATION).map(|v| v.to_str().unwrap().to_owned());
        let body = String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
        (status, location.unwrap_or(body))
    }

    async fn login(&mut self, user: UserId) -> (StatusCode, String) {
        self.ask("/login", Some(&format!("user={user}&password={OWN}"))).await
    }
}

#[tokio::test]
async fn an_authenticator_is_set_up_asked_for_recovered_and_taken_away_r5_r6() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(&format!("sqlite://{}/registry.db", dir.path().display())).await.unwrap();
    let mut settings = reception::Settings::new("https://join.example", "https://inside.example", "03-0000-0000");
    settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
    let joining = Joining::new(registry.clone(), settings, Arc::new(RealWorld));
    let user = member(&joining).await;
    let file = Contents::Profile { kind: "text/plain".into(), make: Arc::new(|vpn| format!("for {vpn}").into_bytes()) };
    let manual = Contents::Manual { ja: "<h2>手順</h2>".into(), en: "<h2>Steps</h2>".into() };
    let downloads = [("vpn.conf", file), ("manual-x", manual)].map(|(name, contents)| Download {
        name: name.into(),
        title: model::LocalizedName { ja: name.into(), en: name.into() },
        contents,
    });
    let settings = Settings { downloads: downloads.into(), enroll_command: None, generous: 100 };
    let mut browser = Browser { desk: Desk::new(joining.clone(), settings), cookie: None };

    assert_eq!(browser.ask("/factor", None).await, (StatusCode::SEE_OTHER, "/login".to_owned()));
    assert_eq!(browser.login(user).await, (StatusCode::SEE_OTHER, "/notices".to_owned()));
    let (_, menu) = browser.ask("/menu", None).await;
    assert!(menu.contains("href=\"/factor\""));
    // Another machine of the same member: the profile again.
    assert_eq!(browser.ask("/connection/files/vpn.conf", None).await.0, StatusCode::OK);
    let vpn = registry.kept::<Account>(i64::from(user.number())).await.unwrap().unwrap().value.vpn;
    assert_eq!(browser.ask("/connection/files/vpn.conf", None).await.1, format!("for {vpn}"));
    let (_, page) = browser.ask("/connection", None).await;
    assert!(page.contains("/connection/files/manual-x") && page.contains(vpn.as_str()), "{page}");
    assert!(browser.ask("/connection/files/manual-x", None).await.1.contains("<h2>Steps</h2>"));
    assert_eq!(browser.ask("/connection/files/other", None).await.0, StatusCode::NOT_FOUND);

    let (status, page) = browser.ask("/factor", Some("password=wrong")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("aria-invalid"), "{page}");
    let (status, page) = browser.ask("/factor", Some(&format!("password={OWN}"))).await;
    assert!(
        status == StatusCode::OK && page.contains("<svg class=\"qr\"") && page.contains("otpauth://totp/Sekisho:"),
        "{page}"
    );
    let account = || async { registry.kept::<Account>(i64::from(user.number())).await.unwrap().unwrap().value };
    let Some(Factor::Totp { secret, .. }) = account().await.factors.first().cloned() else { panic!() };
    let shown = between(&page, "id=\"totp-secret\">", "<").replace(' ', "");
    assert_eq!(shown, secret.base32());
    let (_, page) = browser.ask("/factor", None).await;
    assert!(!page.contains(&secret.base32()[..8]) && !page.contains("<svg class=\"qr\""), "once");

    let (status, page) = browser.ask("/factor/confirm", Some("code=12345")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && !page.contains(&secret.base32()), "{page}");
    let code = authenticator(&shown, joining.now().unix_seconds());
    let (status, page) = browser.ask("/factor/confirm", Some(&format!("code={code}"))).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let codes: Vec<String> =
        page.split("<span class=\"secret\">").skip(1).map(|p| p.split('<').next().unwrap().into()).collect();
    assert_eq!(codes.len(), 10);
    let (_, page) = browser.ask("/factor", None).await;
    assert!(page.contains("id=\"factor-on\"") && !page.contains(&codes[0]), "{page}");

    // From another machine: the password is not enough.
    browser.cookie = None;
    let (status, page) = browser.login(user).await;
    assert!(status == StatusCode::OK && page.contains("id=\"code\"") && browser.cookie.is_none(), "{page}");
    let step = between(&page, "name=\"step\" value=\"", "\"").to_owned();
    let (_, page) = browser.ask("/login/code", Some(&format!("step={step}&code={code}"))).await;
    assert!(page.contains("role=\"alert\"") && browser.cookie.is_none(), "a code is good once");
    let (status, to) = browser.ask("/login/code", Some(&format!("step={step}&code={}", codes[2].to_lowercase()))).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/notices"));
    let (_, page) = browser.ask("/factor", None).await;
    assert!(page.contains("Unused recovery codes") && page.contains('9'), "{page}");

    let (status, _) = browser.ask("/factor/remove", Some("password=wrong")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = browser.ask("/factor/remove", Some(&format!("password={OWN}"))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(account().await.factors.is_empty());
    browser.cookie = None;
    assert_eq!(browser.login(user).await, (StatusCode::SEE_OTHER, "/notices".to_owned()));
}

/// What an app does with a secret that was typed into it (RFC 4648 §6, RFC 6238).
fn authenticator(secret: &str, now: i64) -> String {
    let mut bits = String::new();
    for letter in secret.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|l| *l == letter).unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    let key: Vec<u8> = (0..bits.len() / 8).map(|i| u8::from_str_radix(&bits[i * 8..i * 8 + 8], 2).unwrap()).collect();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &(now / 30).to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1.split_once(to).unwrap().0
}

/// An institution's manager who chose a password.
async fn member(joining: &Joining) -> UserId {
    let (registry, operator) = (joining.registry(), Operator::new("ito"));
    joining.put_institutions(&operator, directory::institutions(5, 1)).await.unwrap();
    joining.begin(&MailForm { mail: MAIL.into(), again: MAIL.into() }, Lang::Ja).await.unwrap();
    let due = registry.letters_due(joining.now(), 10).await.unwrap();
    let letter = due.into_iter().find(|due| due.letter.kind == LetterKind::ApplicationLink).unwrap().letter;
    let link = letter.secret.unwrap().rsplit('/').next().unwrap().to_owned();
    let institution = registry.institution(InstitutionId(1)).await.unwrap().unwrap();
    let form = FullForm {
        prefecture: institution.prefecture.number().to_string(),
        institution: "1".into(),
        not_listed: String::new(),
        head: "医療 太郎".into(),
        head_kana: "イリョウ タロウ".into(),
        applicant: "医療 一郎".into(),
        applicant_kana: "イリョウ イチロウ".into(),
        department: "医事課".into(),
        post: "課長".into(),
        phone: "012-123-1234".into(),
        extension: "1234".into(),
        consent: true,
    };
    let number = joining.submit_full(&link, &form).await.unwrap().number;
    let page = joining.review(&operator, number).await.unwrap();
    let call = CallForm { phone: "012-123-1234".into(), outcome: CallOutcome::Confirmed, note: "代表番号".into() };
    let page = joining.record_call(&operator, number, page.version, &call).await.unwrap();
    let Approved::Done { user, initial, .. } = joining.approve(&operator, number, page.version).await.unwrap() else {
        panic!("one pair of eyes is enough here")
    };
    let token = joining.first_sign_in(&user.to_string(), initial.reveal()).await.unwrap();
    let who = joining.settling(token.reveal()).await.unwrap();
    joining.change_initial(&who, initial.reveal(), OWN, OWN).await.unwrap();
    user
}
