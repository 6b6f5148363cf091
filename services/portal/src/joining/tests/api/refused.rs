//! What is refused, and how it is said.

use super::super::people::people;
use super::super::{House, house};
use super::*;

async fn at_door(house: &House, at: Entrance, request: Request<Body>) -> (StatusCode, axum::http::HeaderMap, Value) {
    let answer = routes(at, house.desk.clone()).oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let value = serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&body)));
    if !head.status.is_success() {
        assert_eq!(head.headers[header::CONTENT_TYPE], "application/problem+json", "{value}");
        assert_eq!(head.headers[header::CACHE_CONTROL], "no-store", "{value}");
    }
    (head.status, head.headers, value)
}

#[tokio::test]
async fn only_a_token_that_counts_lets_a_program_in_and_a_cookie_never() {
    let house = house().await;
    let people = people(&house).await;
    let ask = |name: &'static str, value: String| {
        let mut request = call(&Method::GET, "/api/v1/account", &Shows::Nothing, None);
        request.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
        at_door(&house, Entrance::Inside, request)
    };
    let good = &people.tokens[0];
    let (status, _, me) = ask("authorization", format!("bearer  {good}")).await;
    assert_eq!((status, &me["token"]["label"]), (StatusCode::OK, &json!("inventory")));

    // Sessions of browsers, in a cookie or as a token, let nobody in here; nor do two tokens at once.
    let (status, head, body) = ask("cookie", format!("__Host-joining={}", people.manager)).await;
    assert_eq!((status, &body["type"]), (StatusCode::UNAUTHORIZED, &json!("urn:sekisho:problem:no-token")));
    assert_eq!(head[header::WWW_AUTHENTICATE], "Bearer realm=\"sekisho\"");
    let unknown = format!("sekisho_{}", "A".repeat(43));
    let (_, head, none) = ask("authorization", format!("Bearer {unknown}")).await;
    assert_eq!(head[header::WWW_AUTHENTICATE], "Bearer realm=\"sekisho\", error=\"invalid_token\"");
    assert_eq!(none["type"], "urn:sekisho:problem:bad-token");
    for shown in [
        format!("Bearer {}", people.manager),
        format!("Bearer sekisho_{}", people.manager),
        format!("Basic {good}"),
        format!("Bearer {good}x"),
        "Bearer".into(),
    ] {
        let (status, _, body) = ask("authorization", shown).await;
        assert_eq!((status, &body), (StatusCode::UNAUTHORIZED, &none));
    }
    let mut twice = call(&Method::GET, "/api/v1/account", &Shows::Token(good), None);
    twice.headers_mut().append(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {good}")).unwrap());
    assert_eq!(at_door(&house, Entrance::Inside, twice).await.0, StatusCode::UNAUTHORIZED);

    // Revoked by its owner on the page, and its account stopped: the same answer as for one that there never was.
    let post = |path: String| {
        let request = Request::post(path).header(header::HOST, HOST).header(header::ORIGIN, format!("https://{HOST}"));
        let request = request.header(header::COOKIE, format!("__Host-joining={}", people.manager));
        routes(Entrance::Inside, house.desk.clone()).oneshot(request.body(Body::empty()).unwrap())
    };
    let answer = post(format!("/tokens/{}/revoke", people.token_number)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(ask("authorization", format!("Bearer {good}")).await.2, none);
    let staff = &people.tokens[1];
    assert_eq!(ask("authorization", format!("Bearer {staff}")).await.0, StatusCode::OK);
    let judge = reception::Operator::new("ito");
    house.desk.joining.suspend_account(&judge, people.user.parse().unwrap(), true).await.unwrap();
    assert_eq!(ask("authorization", format!("Bearer {staff}")).await.2, none);
}

/// A token reaches what it was made for, however much its owner may.
#[tokio::test]
async fn a_narrow_token_reaches_no_further() {
    let house = house().await;
    let people = people(&house).await;
    let who = house.desk.joining.session(&people.manager).await.unwrap();
    let form = reception::TokenForm {
        label: "clock".into(),
        actions: vec!["read-notices".into()],
        days: "1".into(),
        password: super::super::people::PASSWORD.into(),
    };
    let narrow = house.desk.joining.make_token(&who, &form).await.unwrap().token.reveal();
    for way in super::super::super::table::table() {
        use joining::Action::{Look, ReadNotices, SeeMenu, SignOut};
        // What ends it is tried in the story.
        if way.at != Entrance::Inside || way.described.is_none() || way.action == SignOut {
            continue;
        }
        let path = way.path.replace("{user}", &people.user).replace("{id}", &people.number);
        let request = call(&way.method, &path, &Shows::Token(&narrow), None);
        let answer = routes(Entrance::Inside, house.desk.clone()).oneshot(request).await.unwrap();
        let answer = conforming(Entrance::Inside, &way.method, way.path, answer).await;
        if [Look, ReadNotices, SeeMenu].contains(&way.action) {
            assert_eq!(answer.status(), StatusCode::OK, "{}", way.path);
            continue;
        }
        let place = format!("{} {}", way.method, way.path);
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{place}");
        let told = answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
        let narrow = format!("error=\"insufficient_scope\", scope=\"{}\"", way.action.as_str());
        assert!(told.contains(&narrow), "{place}: {told}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem_that_says_what_to_do() {
    let house = house().await;
    let people = people(&house).await;
    let token = Shows::Token(&people.tokens[0]);
    let expect = |at: Entrance, request: Request<Body>, status: u16, code: &'static str| {
        let asked = at_door(&house, at, request);
        async move {
            let (told, head, body) = asked.await;
            assert_eq!((told.as_u16(), body["code"].as_str().unwrap()), (status, code), "{body}");
            (head, body)
        }
    };
    let inside = Entrance::Inside;
    for at in [Entrance::Public, inside, Entrance::Operator] {
        for path in ["/api/", "/api/v1", "/api/v1/nowhere", "/api/v2/account"] {
            let request = call(&Method::GET, path, &Shows::Nothing, None);
            if path == "/api/" {
                continue;
            }
            expect(at, request, 404, "no-such-call").await;
        }
    }
    let (head, _) = expect(inside, call(&Method::PUT, "/api/v1/staff", &token, None), 405, "wrong-method").await;
    assert!(head[header::ALLOW].to_str().unwrap().contains("POST"), "{head:?}");

    // Before anybody is asked who they are.
    let mut long = call(&Method::POST, "/api/v1/staff", &Shows::Nothing, None);
    long.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("9999999"));
    expect(inside, long, 413, "too-long").await;
    // A file of what is applied may be long, but not that long.
    let mut longer = call(&Method::POST, "/api/v1/review/configuration/trial", &Shows::Operator, None);
    longer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("99999999"));
    expect(Entrance::Operator, longer, 413, "too-long").await;
    let file = json!({ "file": "a".repeat(70_000) });
    let longer = call(&Method::POST, "/api/v1/review/configuration/trial", &Shows::Operator, Some(&file));
    expect(Entrance::Operator, longer, 404, "no-registration").await;
    let long = json!({ "name": "a".repeat(70_000) });
    expect(inside, call(&Method::POST, "/api/v1/staff", &token, Some(&long)), 413, "too-long").await;

    let mut form = call(&Method::POST, "/api/v1/staff", &token, None);
    form.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    expect(inside, form, 415, "not-json").await;
    let bare = call(&Method::POST, "/api/v1/staff", &token, None);
    let (_, body) = expect(inside, bare, 400, "malformed").await;
    assert!(body["detail"].as_str().unwrap().contains("name"), "{body}");
    for wrong in [json!([]), json!({ "name": 1 }), json!({ "name": "a", "kana": "ア", "mail": "m", "role": "manager" })]
    {
        expect(inside, call(&Method::POST, "/api/v1/staff", &token, Some(&wrong)), 400, "malformed").await;
    }
    for query in ["limit=0", "limit=101", "limit=x", "page=2"] {
        let request = call(&Method::GET, &format!("/api/v1/staff?{query}"), &token, None);
        expect(inside, request, 400, "malformed").await;
    }
    expect(inside, call(&Method::GET, "/api/v1/staff?after=1", &token, None), 404, "J009").await;

    // A page of elsewhere, and one of here.
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let mut strange = call(&Method::POST, "/api/v1/review/notices", &Shows::Operator, None);
        strange.headers_mut().insert(name, HeaderValue::from_static(value));
        expect(Entrance::Operator, strange, 403, "strange").await;
    }
    expect(Entrance::Operator, call(&Method::POST, "/api/v1/review/notices", &Shows::Auditor, None), 403, "not-yours")
        .await;
    expect(Entrance::Operator, call(&Method::GET, "/api/v1/review/notices", &Shows::Nothing, None), 403, "not-yours")
        .await;

    // In the language that is asked for, whatever a cookie says.
    let typed = json!({ "name": "", "kana": "hanako", "mail": "a@docomo.ne.jp" });
    let mut wrong = call(&Method::POST, "/api/v1/staff", &token, Some(&typed));
    wrong.headers_mut().insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("ja"));
    wrong.headers_mut().insert(header::COOKIE, HeaderValue::from_static("__Host-lang=en"));
    let (head, body) = expect(inside, wrong, 422, "J001").await;
    assert_eq!(head[header::CONTENT_LANGUAGE], "ja");
    let faults: Vec<_> = body["faults"].as_array().unwrap().iter().map(|f| (&f["field"], &f["code"])).collect();
    assert_eq!(
        faults,
        [
            (&json!("name"), &json!("empty")),
            (&json!("name-kana"), &json!("not-kana")),
            (&json!("mail"), &json!("mobile"))
        ]
    );
    assert!(body["faults"][2]["title"].as_str().unwrap().contains("携帯電話"), "{body}");
}

/// One token's calls are counted, wherever they come from.
#[tokio::test]
async fn a_token_is_limited_whatever_its_source() {
    let house = house().await;
    let people = people(&house).await;
    let ask = |token: &str, source: u16| {
        let mut request = call(&Method::GET, "/api/v1/account", &Shows::Token(token), None);
        request.extensions_mut().insert(Source(IpAddr::from([198, 51, (source >> 8) as u8, source as u8])));
        at_door(&house, Entrance::Inside, request)
    };
    let mut flooded = None;
    for source in 0..5_000 {
        let (status, head, body) = ask(&people.tokens[0], source).await;
        if status == StatusCode::TOO_MANY_REQUESTS {
            flooded = Some((head, body));
            break;
        }
    }
    let (head, body) = flooded.unwrap();
    assert!(head.contains_key(header::RETRY_AFTER) && body["code"] == "too-often", "{body}");
    assert_eq!(ask(&people.tokens[1], 1).await.0, StatusCode::OK, "another token");
}
