//! Two-step sign-in over its pages: set up, asked for, recovered, taken away (R5); and one's own profiles again (R6).
#![allow(clippy::unwrap_used)]

use authenticator::SecurityKey;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use joining::{Account, Factor, InstitutionId, UserId};
use members::Newcomer;
use portal::joining::{Contents, Desk, Download, Entrance, Settings, routes};
use reception::{Hashing, Joining, Operator, RealWorld};
use registry::Registry;
use serde_json::{Value, json};
use std::sync::Arc;
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

struct House {
    joining: Joining,
    user: UserId,
    _dir: tempfile::TempDir,
}

async fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(&format!("sqlite://{}/registry.db", dir.path().display())).await.unwrap();
    let mut settings = reception::Settings::new("https://join.example", "https://inside.example", "03-0000-0000");
    settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
    let joining = Joining::new(registry, settings, Arc::new(RealWorld));
    let user = member(&joining).await;
    House { joining, user, _dir: dir }
}

#[tokio::test]
async fn an_authenticator_is_set_up_asked_for_recovered_and_taken_away_r5_r6() {
    let House { joining, user, .. } = &house().await;
    let (user, registry) = (*user, joining.registry());
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
    let code = authenticator::app_code(&shown, joining.now().unix_seconds());
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

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1.split_once(to).unwrap().0
}

/// An institution's manager who chose a password.
async fn member(joining: &Joining) -> UserId {
    let operator = Operator::new("ito");
    joining.put_institutions(&operator, directory::institutions(5, 1)).await.unwrap();
    let Newcomer { user, initial, .. } = members::approved(joining, &operator, MAIL, InstitutionId(1)).await;
    members::settled(joining, user, &initial, OWN).await;
    user
}

const KEYLESS: Settings = Settings { downloads: Vec::new(), enroll_command: None, generous: 100 };

fn encoded(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// What the page asks of a key.
fn asked(page: &str) -> (Value, Vec<u8>) {
    let json = between(page, "data-asked=\"", "\"").replace("&quot;", "\"");
    let asked: Value = serde_json::from_str(&json).unwrap();
    let challenge = URL_SAFE_NO_PAD.decode(asked["challenge"].as_str().unwrap()).unwrap();
    (asked, challenge)
}

impl Browser {
    /// The page's script with a key in software: registers it.
    async fn register(&mut self, key: &mut SecurityKey, name: &str) -> (StatusCode, String) {
        let (status, page) = self.ask("/factor/key", Some(&format!("password={OWN}"))).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let (asked, challenge) = asked(&page);
        assert_eq!((&asked["rp"]["id"], &asked["attestation"]), (&json!(HOST), &json!("none")));
        let token = between(&page, "name=\"challenge\" value=\"", "\"").to_owned();
        let made = key.register(&challenge);
        let (client, attestation) = (encoded(&made.client_data), encoded(&made.attestation));
        let form = format!("challenge={token}&key-name={name}&client-data={client}&attestation={attestation}");
        let answer = self.ask("/factor/key/confirm", Some(&form)).await;
        let again = self.ask("/factor/key/confirm", Some(&form)).await;
        assert_eq!(again.0, StatusCode::GONE, "what a key signed registers it once");
        answer
    }

    /// Password, then the key: what it shows, as a form, and the page that asked.
    async fn touch(&mut self, user: UserId, key: &mut SecurityKey) -> (String, String) {
        self.cookie = None;
        let (_, page) = self.login(user).await;
        let step = between(&page, "name=\"step\" value=\"", "\"").to_owned();
        let shown = key.sign_in(&asked(&page).1).unwrap();
        let (id, client) = (encoded(&key.id), encoded(&shown.client_data));
        let (data, signature) = (encoded(&shown.authenticator_data), encoded(&shown.signature));
        let form =
            format!("step={step}&id={id}&client-data={client}&authenticator-data={data}&signature={signature}&owner=");
        (form, page)
    }
}

/// Over the pages, with a key in software; the script between them is tried in a real browser by `testing/journey`.
#[tokio::test]
async fn a_security_key_is_registered_asked_for_and_refused_when_it_is_anothers_a_copy_or_gone_r5() {
    let House { joining, user, .. } = &house().await;
    let user = *user;
    let mut browser = Browser { desk: Desk::new(joining.clone(), KEYLESS), cookie: None };
    let entered = (StatusCode::SEE_OTHER, "/notices".to_owned());
    assert_eq!(browser.login(user).await, entered);
    let origin = format!("https://{HOST}");
    let new = || SecurityKey::new(HOST, &origin).unwrap();
    let (status, page) = browser.ask("/factor/key", Some("password=wrong")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("aria-invalid"), "{page}");

    // A page elsewhere, by whatever name.
    let mut strange = SecurityKey::new(HOST, "https://inside.example.evil.test").unwrap();
    let (status, page) = browser.register(&mut strange, "x").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("J023"), "{page}");
    assert_eq!(browser.login(user).await, entered, "nothing was added");

    let (mut mine, mut second) = (new(), new());
    let (status, page) = browser.register(&mut mine, "drawer").await;
    assert!(status == StatusCode::OK && page.matches("<span class=\"secret\">").count() == 10, "{page}");
    let (status, page) = browser.register(&mut second, "safe").await;
    assert!(status == StatusCode::OK && !page.contains("class=\"secret\""), "the recovery codes stay: {page}");
    let (_, page) = browser.ask("/factor", None).await;
    assert!(page.contains("drawer") && page.contains("safe"), "{page}");
    let (status, _) = browser.register(&mut mine, "again").await;
    assert_eq!(status, StatusCode::CONFLICT, "one key, one entry");

    // Both are asked for, each is enough, and an answer is worth nothing twice.
    for key in [&mut mine, &mut second] {
        let (form, page) = browser.touch(user, key).await;
        assert_eq!(asked(&page).0["allowCredentials"].as_array().unwrap().len(), 2);
        assert!(page.contains("src=\"/assets/keys.js\"") && page.contains("<noscript>"), "{page}");
        assert_eq!(browser.ask("/login/key", Some(&form)).await, entered);
        let (status, page) = browser.ask("/login/key", Some(&form)).await;
        assert!(status == StatusCode::UNAUTHORIZED && page.contains("J004"), "{page}");
    }
    // To another sign-in neither.
    let (then, _) = browser.touch(user, &mut mine).await;
    let (now, _) = browser.touch(user, &mut mine).await;
    let step = |form: &str| between(form, "step=", "&").to_owned();
    let crossed = then.replace(&step(&then), &step(&now));
    let (_, page) = browser.ask("/login/key", Some(&crossed)).await;
    assert!(page.contains("J006") && page.contains("role=\"alert\""), "{page}");
    // Somebody else's key, also with the name of ours on it.
    let mut theirs = new();
    let (form, _) = browser.touch(user, &mut theirs).await;
    assert!(browser.ask("/login/key", Some(&form)).await.1.contains("J006"));
    theirs.id.clone_from(&mine.id);
    let (form, _) = browser.touch(user, &mut theirs).await;
    assert!(browser.ask("/login/key", Some(&form)).await.1.contains("J006"));
    // A right one makes good for wrong ones, which count against the account.
    let (form, _) = browser.touch(user, &mut mine).await;
    assert_eq!(browser.ask("/login/key", Some(&form)).await, entered);

    // A copy from before.
    second.count = 0;
    let (form, _) = browser.touch(user, &mut second).await;
    assert!(browser.ask("/login/key", Some(&form)).await.1.contains("J006"));
    let told = joining.registry().audit_last(3).await.unwrap();
    assert!(format!("{told:?}").contains("second-factor-copied"), "{told:?}");

    // Gone is gone; with the last one the codes go too.
    let (form, _) = browser.touch(user, &mut mine).await;
    assert_eq!(browser.ask("/login/key", Some(&form)).await, entered);
    let removal = |key: &SecurityKey| format!("password={OWN}&key={}", encoded(&key.id));
    assert_eq!(browser.ask("/factor/key/remove", Some(&removal(&second))).await.0, StatusCode::OK);
    assert_eq!(browser.ask("/factor/key/remove", Some(&removal(&second))).await.0, StatusCode::NOT_FOUND);
    let cookie = browser.cookie.clone();
    let (form, page) = browser.touch(user, &mut second).await;
    assert_eq!(asked(&page).0["allowCredentials"].as_array().unwrap().len(), 1);
    assert!(browser.ask("/login/key", Some(&form)).await.1.contains("J006"));
    browser.cookie = cookie;
    assert_eq!(browser.ask("/factor/key/remove", Some(&removal(&mine))).await.0, StatusCode::OK);
    let account = joining.registry().kept::<Account>(i64::from(user.number())).await.unwrap().unwrap().value;
    assert!(account.factors.is_empty());
    assert_eq!(browser.login(user).await, entered);
}
