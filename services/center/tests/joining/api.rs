//! A program at the real doors, with curl: its token counts, a browser's session does not (R8, R9).

use super::{PASSWORD, Stage, url};
use joining::{ApiToken, InstitutionId};
use reception::{Operator, SignInAnswer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_with_a_token_is_let_in_over_the_real_doors_and_a_cookie_is_not() {
    let mut stage = Stage::new().await;
    let joining = stage.reception().await;
    joining.put_institutions(&Operator::new("ito"), directory::institutions(5, 1)).await.unwrap();
    let who = members::manager(&joining, "tanto@aoba.example", InstitutionId(1), PASSWORD).await;
    let SignInAnswer::In { token: session, .. } = joining.sign_in(&who.user().to_string(), PASSWORD).await.unwrap()
    else {
        panic!("no second factor was set up");
    };
    joining.registry().close().await.unwrap();
    drop(joining);
    stage.start().await;
    let door = url(stage.doors.inside);

    // The page makes the token, with the password, and shows it once.
    let (cookie, origin) = (format!("Cookie: __Host-joining={}", session.reveal()), format!("Origin: {door}"));
    let page = format!("{door}/tokens");
    let password = format!("password={PASSWORD}");
    let mut form = vec!["-H", &cookie, "-H", &origin, "-d", "label=inventory", "-d", "days=30", "-d", &password];
    let scopes = ApiToken::OFFERED.map(|action| format!("scope={}", action.as_str()));
    form.extend(scopes.iter().flat_map(|scope| ["-d", scope.as_str()]));
    form.push(&page);
    let made = stage.curl(&form).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let shown = made.text().split("sekisho_").nth(1).map(|rest| format!("sekisho_{}", &rest[..43])).unwrap();
    let again = stage.curl(&["-H", &cookie, &page]).await.text();
    assert!(again.contains("inventory") && !again.contains("sekisho_"), "shown once");

    let bearer = format!("Authorization: Bearer {shown}");
    let account = format!("{door}/api/v1/account");
    let me = stage.curl(&["-H", &bearer, &account]).await;
    assert_eq!((me.status, me.json()["user"].as_str().unwrap()), (200, who.user().to_string().as_str()));
    assert_eq!(me.header("cache-control"), Some("no-store"));
    let kind = "Content-Type: application/json";
    let apply = ["-H", &bearer, "-H", kind, "-d", "{\"services\":[\"cancer-registry\"]}"];
    let applied = stage.curl(&[&apply[..], &[&format!("{door}/api/v1/service-applications")]].concat()).await;
    assert!(applied.status == 201 && applied.json()["items"][0]["stand"] == "accepted", "{}", applied.text());

    // The browser's cookie is nothing here, the token nothing at the door to the Internet, and a page may not call.
    let refused = stage.curl(&["-H", &cookie, "-H", "Accept-Language: ja", &account]).await;
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/problem+json")));
    assert_eq!(refused.json()["type"], "urn:sekisho:problem:no-token");
    let public = format!("{}/api/v1/institutions", url(stage.doors.public));
    assert_eq!(stage.curl(&["-H", &bearer, &public]).await.status, 401);
    let strange = ["-H", &bearer, "-H", "Origin: https://evil.example", "-X", "DELETE"];
    let token = format!("{door}/api/v1/token");
    assert_eq!(stage.curl(&[&strange[..], &[&token]].concat()).await.json()["code"], "strange");
    let document = stage.curl(&[&format!("{door}/api/v1/openapi.json")]).await;
    assert_eq!((document.status, document.json()["openapi"].as_str()), (200, Some("3.1.0")));

    // It ends itself; then it is nobody's.
    assert_eq!(stage.curl(&["-H", &bearer, "-X", "DELETE", &token]).await.status, 204);
    assert_eq!(stage.curl(&["-H", &bearer, &account]).await.json()["code"], "bad-token");
    stage.stop().await;
}
