//! Every route × every role is decided, and the door keeps what was decided (ASVS 4.1.1, 4.1.3).

mod api;
mod equipment;
mod people;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use joining::{Action, Role, access};
use model::Timestamp;
use reception::{Hashing, Joining, RealWorld};
use registry::Registry;
use std::net::IpAddr;
use std::sync::Arc;
use submissions::{Clamd, ReceiptSigner, Submissions};
use tower::ServiceExt;

use super::gate::TurnedAway;
use super::table::{Shape, Way, table};
use super::{Auditor, Desk, Entrance, Files, Later, Settings, Source, VpnLine, VpnLines, routes};
use crate::live::Operator;

const HOST: &str = "join.example";

struct House {
    desk: Desk,
    _dir: tempfile::TempDir,
}

async fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("registry.db").display());
    let registry = Registry::open_with(registry::Settings::new(&url)).await.unwrap();
    let mut settings = reception::Settings::new("https://join.example", "https://inside.example", "03-0000-0000");
    // Tests are many, and attackers here none.
    settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
    let joining = Joining::new(registry.clone(), settings, Arc::new(RealWorld));
    let settings = Settings { downloads: Vec::new(), enroll_command: None, generous: 1 };
    let clamd = Clamd::Unix(dir.path().join("no-clamd"));
    let spool = submissions::Settings::new(dir.path().join("spool"), clamd, "center.example");
    let room = Submissions::open(registry, spool, Arc::new(NoKey), Arc::new(|| Timestamp(0))).unwrap();
    let files = Files::new(room, "cancer-registry", "https://report.example");
    let desk = Desk::new(joining, settings).with_files(files).with_lines(Arc::new(Lines::default()));
    House { desk, _dir: dir }
}

/// A client VPN with one line in it, which can be ended once. The real one: `services/center/tests/client_vpn.rs`.
#[derive(Default)]
struct Lines(std::sync::atomic::AtomicBool);

impl VpnLines for Lines {
    fn lines(&self) -> Option<Vec<VpnLine>> {
        let line = |vpn: &str, inside: &str| VpnLine {
            vpn: vpn.into(),
            institution: "ケヤキ病院".into(),
            address: "198.51.100.7".into(),
            inside: inside.into(),
            machine: "-".into(),
            since: Timestamp(1_790_000_000_000),
        };
        let over = self.0.load(std::sync::atomic::Ordering::SeqCst);
        Some([line("V-0001", "10.200.0.1")].into_iter().filter(|_| !over).collect())
    }

    fn cut<'a>(&'a self, vpn: &'a str) -> Later<'a, bool> {
        Box::pin(async move { vpn == "V-0001" && !self.0.swap(true, std::sync::atomic::Ordering::SeqCst) })
    }
}

/// Nothing is accepted here.
struct NoKey;

impl ReceiptSigner for NoKey {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("no key".into())
    }
    fn certificate(&self) -> String {
        String::new()
    }
}

fn request(way: &Way, role: Role) -> Request<Body> {
    let path = way
        .path
        .replace("{id}", "1")
        .replace("{user}", "12345678")
        .replace("{token}", "x")
        .replace("{name}", "x")
        .replace("{site}", "x")
        .replace("{draft}", "1")
        .replace("{agreement}", "A-1")
        .replace("{vpn}", "x")
        .replace("{device}", "2222-2222-222H");
    let mut request = Request::builder().method(way.method.clone()).uri(path).header(header::HOST, HOST);
    // Forms come from a page of ours, calls of the API from no page.
    request = match way.described {
        None => request
            .header(header::ORIGIN, format!("https://{HOST}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        Some(_) => request.header(header::CONTENT_TYPE, "application/json"),
    };
    request = request.extension(Source(IpAddr::from([192, 0, 2, 1])));
    match role {
        Role::Operator => request = request.extension(Operator("ito".into())),
        Role::Auditor => request = request.extension(Auditor("kansa".into())),
        _ => {}
    }
    request.body(Body::empty()).unwrap()
}

async fn ask(house: &House, way: &Way, role: Role) -> Response {
    routes(way.at, house.desk.clone()).oneshot(request(way, role)).await.unwrap()
}

#[test]
fn no_route_stands_twice_and_none_without_a_door() {
    let all: Vec<String> = table().iter().map(|w| format!("{:?} {} {}", w.at, w.method, w.path)).collect();
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len());
    for at in [Entrance::Public, Entrance::Inside, Entrance::Service, Entrance::Operator] {
        assert!(table().iter().any(|w| w.at == at), "{at:?}");
    }
}

/// Who is turned away is told where to go: to the door that asks who they are, or by a page.
#[tokio::test]
async fn who_is_turned_away_is_shown_a_page_or_the_door() {
    let house = house().await;
    for way in table().into_iter().filter(|way| way.shape == Shape::Page) {
        let answer = ask(&house, &way, Role::Nobody).await;
        if answer.extensions().get::<TurnedAway>().is_none() {
            continue;
        }
        let status = answer.status();
        let page = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::GONE].contains(&status);
        let to = answer.headers().get(header::LOCATION).and_then(|v| v.to_str().ok());
        assert!(page || matches!(to, Some("/first" | "/login")), "{} {}: {status}", way.method, way.path);
    }
}

#[tokio::test]
async fn forms_of_other_sites_long_bodies_and_floods_are_refused_before_anything_is_read() {
    let house = house().await;
    let post = |origin: &str, body: Vec<u8>| {
        let request = Request::post("/mail").header(header::HOST, HOST).header(header::ORIGIN, origin);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.extension(Source(IpAddr::from([192, 0, 2, 7]))).body(Body::from(body)).unwrap()
    };
    let public = || routes(Entrance::Public, house.desk.clone());
    let elsewhere = public().oneshot(post("https://evil.example", Vec::new())).await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    let long = public().oneshot(post("https://join.example", vec![b'a'; 70_000])).await.unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let mut flooded = None;
    for _ in 0..1000 {
        let answer = public().oneshot(post("https://join.example", b"mail=a".to_vec())).await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            flooded = Some(answer);
            break;
        }
    }
    assert!(flooded.unwrap().headers().contains_key(header::RETRY_AFTER));
}

/// What a mistyped form says, and that nothing of it is run.
#[tokio::test]
async fn faults_are_named_beside_their_fields_and_what_was_typed_is_escaped_r2() {
    let house = house().await;
    let body = "mail=a%40docomo.ne.jp&mail-again=%22%3E%3Cscript%3E&challenge=x&answer=x";
    let request = Request::post("/mail")
        .header(header::HOST, HOST)
        .header(header::ORIGIN, "https://join.example")
        .header(header::ACCEPT_LANGUAGE, "ja")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap();
    let answer = routes(Entrance::Public, house.desk.clone()).oneshot(request).await.unwrap();
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    assert!(page.contains("携帯電話会社のメールアドレスは使用できません"), "{page}");
    assert!(page.contains("確認のための入力と一致しません") && page.contains("aria-invalid=\"true\""));
    assert!(!page.contains("\"><script>"));
}

#[test]
fn every_action_of_a_page_is_one_the_rules_know() {
    for way in table() {
        assert!(Action::ALL.contains(&way.action));
        assert!(Role::ALL.iter().any(|role| access::may(*role, way.action)), "{} is for nobody", way.path);
    }
}

/// Who may only look must not be let through to what changes something by a wrong word in the table.
#[test]
fn what_changes_something_is_not_called_looking() {
    let looking = |action| {
        matches!(
            action,
            Action::Look
                | Action::Download
                | Action::ReadNotices
                | Action::SeeMenu
                | Action::SeeServices
                | Action::SeeStaff
                | Action::SeeSubmissions
                | Action::SeeSites
                | Action::SeeReview
                | Action::SeeAccounts
                | Action::ReadAudit
        )
    };
    for way in table().iter().filter(|way| way.method != Method::GET) {
        assert!(!looking(way.action), "{} {}", way.method, way.path);
    }
}

/// What a terminal told is judged, each thing with its mend; what is no such thing is refused beside its field.
#[tokio::test]
async fn what_a_terminal_tells_is_judged_with_the_mend_r1() {
    let house = house().await;
    let told = |body: String| {
        let request = Request::post("/preflight").header(header::HOST, HOST);
        let request = request.header(header::ORIGIN, "https://join.example").header(header::ACCEPT_LANGUAGE, "en");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let asked = routes(Entrance::Public, house.desk.clone()).oneshot(request.body(Body::from(body)).unwrap());
        async {
            let answer = asked.await.unwrap();
            let status = answer.status();
            (status, String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap())
        }
    };
    let machine = include_str!("../../../../core/preflight/tests/machines/windows-7-with-much.json");
    let (status, page) = told(format!("line=&facts={}", crate::frame::encoded(machine))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        page.contains("9 things have to be mended") && page.contains("stop and remove the OpenVPN client"),
        "{page}"
    );
    // What a person says of the line counts.
    let (_, page) = told(format!("line=isdn&facts={}", crate::frame::encoded(machine))).await;
    assert!(page.contains("ISDN:"), "{page}");
    let (status, page) = told("line=fiber".into()).await;
    assert!(status == StatusCode::OK && page.contains("optical fibre"), "{page}");
    for bad in ["", "line=telegraph", "facts=%7B%22os%22%3A1%7D", "facts=%3Cscript%3E"] {
        let (status, page) = told(bad.into()).await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("id=\"facts-fault\""), "{bad}: {page}");
        assert!(!page.contains("<script>"));
    }
    let (status, page) = told(format!("facts={}", "a".repeat(600_000))).await;
    assert!(status == StatusCode::PAYLOAD_TOO_LARGE && page.contains("too long"), "{page}");
}
