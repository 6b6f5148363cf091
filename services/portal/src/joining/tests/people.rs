//! Every route × every role with real sessions, links and certificates: people of two institutions, and who is on the
//! way to be one (ASVS 4.1.1, 4.1.3, 4.2.1).

use audit::Event;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use joining::{Action, InitialPassword, Institution, InstitutionId, Prefecture, Role, UserId, access};
use members::Newcomer;
use reception::{Operator as Judge, SignedIn, StaffForm};
use registry::{Commit, NewSubmission, SubmissionStep};
use tower::ServiceExt;

use super::super::gate::TurnedAway;
use super::super::table::{Shape, Way, table};
use super::super::{Entrance, Terminal, routes};
use super::api::{conforming, token};
use super::{House, house, request};

/// Numbers nobody has.
const NO_USER: &str = "99999999";
const NO_NUMBER: &str = "999999999";
const NO_FILE: &str = "ffffffffffffffffffffffffffffffff";
/// The report file that our manager submitted.
pub(super) const FILE: &str = "0123456789abcdef0123456789abcdef";

pub(super) const PASSWORD: &str = "Ohisama#Keyaki7";
const OURS: &str = "ケヤキ病院";
const THEIRS: &str = "アオバ医院";

/// Number of the institution that applications of [`begun`] are about.
pub(super) const NEXT: i64 = 2;

/// Everybody, by what they have in hand.
pub(super) struct People {
    /// A live link of an application.
    pub link: String,
    /// Between initial password and first log-in.
    settling: String,
    pub manager: String,
    staff: String,
    /// The manager of another institution.
    pub other: String,
    /// User ID of our staff, and the number of our application for a service.
    pub user: String,
    pub number: String,
    /// Tokens of our manager, our staff and the other manager for all that they may, and the number of the first.
    pub tokens: [String; 3],
    pub token_number: String,
    /// User IDs that the service certificates of our manager, our staff and the other manager name.
    certified: [String; 3],
}

/// An application that waits.
pub(super) async fn begun(house: &House, mail: &str) -> String {
    members::applied(&house.desk.joining, mail, InstitutionId(NEXT)).await.to_string()
}

/// Applies, is called, is approved.
async fn approved(house: &House, mail: &str, institution: i64) -> Newcomer {
    members::approved(&house.desk.joining, &Judge::new("ito"), mail, InstitutionId(institution)).await
}

/// The token of a session.
async fn signed_in(house: &House, user: UserId, initial: &InitialPassword) -> String {
    members::settled(&house.desk.joining, user, initial, PASSWORD).await;
    members::signed_in(&house.desk.joining, user, PASSWORD).await.reveal().to_owned()
}

pub(super) async fn people(house: &House) -> People {
    let joining = &house.desk.joining;
    let institution = |id: i64, name: &str| Institution {
        id: InstitutionId(id),
        code: format!("131{id:07}"),
        prefecture: Prefecture::new(13).unwrap(),
        name: name.into(),
        kana: name.into(),
        address: "中央区".into(),
    };
    let both = vec![institution(1, OURS), institution(2, THEIRS)];
    joining.put_institutions(&Judge::new("ito"), both).await.unwrap();
    let Newcomer { user, initial, .. } = approved(house, "a@keyaki.example", 1).await;
    let manager = signed_in(house, user, &initial).await;
    let Newcomer { user, initial, .. } = approved(house, "b@aoba.example", 2).await;
    let other = signed_in(house, user, &initial).await;
    let who = joining.session(&manager).await.unwrap();
    let form =
        StaffForm { name: "看護 花子".into(), kana: "カンゴ ハナコ".into(), mail: "c@keyaki.example".into() };
    let added = joining.add_staff(&who, &form).await.unwrap();
    let staff = signed_in(house, added.account.user, &added.reset.initial).await;
    let certified = [who.user().to_string(), added.account.user.to_string(), user.to_string()];
    // Both institutions have the service: what is refused is refused for whose it is.
    let mut numbers = Vec::new();
    for session in [&manager, &other] {
        let who = joining.session(session).await.unwrap();
        let applied = joining.apply_for_services(&who, &["cancer-registry".into()]).await.unwrap();
        joining.approve_service(&Judge::new("ito"), applied[0].number, applied[0].version).await.unwrap();
        numbers.push(applied[0].number.to_string());
    }
    submitted(house, &who).await;
    let Newcomer { user, initial, .. } = approved(house, "d@keyaki.example", 1).await;
    let settling = joining.first_sign_in(&user.to_string(), initial.reveal()).await.unwrap().reveal().to_owned();
    let link = members::link(joining, "e@keyaki.example").await;
    let (user, number) = (added.account.user.to_string(), numbers.swap_remove(0));
    let (first, token_number) = token(house, &manager).await;
    let tokens = [first, token(house, &staff).await.0, token(house, &other).await.0];
    let token_number = token_number.to_string();
    People { link, settling, manager, staff, other, user, number, tokens, token_number, certified }
}

/// A report file that was accepted.
async fn submitted(house: &House, who: &SignedIn) {
    let (registry, at) = (house.desk.joining.registry(), house.desk.joining.now());
    let new = NewSubmission {
        id: FILE.into(),
        institution: who.institution().0.to_string(),
        account: who.user().to_string(),
        name: "看護.zip".into(),
        media_type: "application/zip".into(),
        once: "k-1".into(),
        length: 4,
        announced: None,
        expires_at: at.plus_ms(3_600_000),
    };
    let (receipt, signature) = ("receipt\n".to_owned(), "00".to_owned());
    let accept = SubmissionStep::Accept { id: FILE.into(), digest: "0".repeat(64), receipt, signature };
    for step in [SubmissionStep::Begin(new), SubmissionStep::Receive { id: FILE.into() }, accept] {
        let event = Event::SubmissionReceived { submission: FILE.into() };
        registry.commit(Commit::at(at).submission(step).event(event)).await.unwrap();
    }
}

/// Who somebody is at a door: what they hold counts only where it is for.
fn known(way: &Way, role: Role) -> Role {
    let counts = match way.at {
        Entrance::Public => role == Role::Applicant,
        Entrance::Inside | Entrance::Service => matches!(role, Role::Staff | Role::Manager | Role::OtherInstitution),
        Entrance::Operator => matches!(role, Role::Operator | Role::Auditor),
    };
    if counts { role } else { Role::Nobody }
}

/// Is it about something that belongs to one institution?
fn about_an_object(way: &Way) -> bool {
    matches!(way.at, Entrance::Inside | Entrance::Service) && (way.path.contains("{id}") || way.path.contains("{user}"))
}

fn is_tus(way: &Way) -> bool {
    way.at == Entrance::Service && way.shape == Shape::Api
}

fn about_a_file(way: &Way) -> bool {
    ["/submissions/", "/files/", "/api/v1/submissions/"].iter().any(|below| way.path.starts_with(below))
}

fn about_a_token(way: &Way) -> bool {
    way.path.starts_with("/tokens/")
}

/// What somebody sends who holds all that their role gives them.
fn asked(way: &Way, role: Role, people: &People, user: &str, number: &str) -> Request<Body> {
    let mut asked = request(way, role);
    let applies = role == Role::Applicant && way.action == Action::Apply;
    let path = way.path.replace("{token}", if role == Role::Applicant { &people.link } else { "x" });
    let path = path
        .replace("{user}", user)
        .replace("{id}", number)
        .replace("{site}", "x")
        .replace("{draft}", number)
        .replace("{agreement}", "A-1")
        .replace("{vpn}", "x")
        .replace("{device}", "2222-2222-222H")
        .replace("{name}", if about_a_file(way) { "receipt.txt" } else { "x" });
    *asked.uri_mut() = path.parse().unwrap();
    if way.at == Entrance::Service {
        // What the listener would make of each one's certificate.
        let user = match role {
            Role::Manager => &people.certified[0],
            Role::Staff => &people.certified[1],
            Role::OtherInstitution => &people.certified[2],
            Role::Nobody | Role::Applicant | Role::Operator | Role::Auditor => return asked,
        };
        asked.extensions_mut().insert(Terminal::Admitted { user: user.clone() });
        asked.headers_mut().insert("tus-resumable", HeaderValue::from_static("1.0.0"));
        return asked;
    }
    let call = way.described.is_some();
    let token = match role {
        Role::Staff if call => &people.tokens[1],
        Role::Manager if call => &people.tokens[0],
        Role::OtherInstitution if call => &people.tokens[2],
        Role::Applicant if applies => &people.link,
        Role::Applicant => &people.settling,
        Role::Staff => &people.staff,
        Role::Manager => &people.manager,
        Role::OtherInstitution => &people.other,
        Role::Nobody | Role::Operator | Role::Auditor => return asked,
    };
    let (name, value) = match way.shape {
        Shape::Page => (header::COOKIE, format!("__Host-joining={token}")),
        Shape::Api => (header::AUTHORIZATION, format!("Bearer {token}")),
    };
    asked.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
    asked
}

/// What is told: status and page, without the number that was asked about.
async fn told(answer: Response, number: &str) -> (StatusCode, String) {
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8_lossy(&body).replace(number, "#"))
}

/// Fails on every cell that is not as `joining::access` decides it; that is total, so none is undecided.
#[tokio::test]
async fn every_route_and_role_is_decided() {
    let mut cells = 0;
    // Looking changes nothing, so that who looks can do so with the others.
    let shared = house().await;
    let lookers = people(&shared).await;
    for way in table() {
        let own;
        let (house, people) = if way.method == Method::GET {
            (&shared, &lookers)
        } else {
            let fresh = house().await;
            let them = people(&fresh).await;
            own = (fresh, them);
            (&own.0, &own.1)
        };
        // The manager last: it may be that what it is about is then no more.
        let roles = Role::ALL.iter().filter(|r| **r != Role::Manager).chain([&Role::Manager]);
        for role in roles.copied() {
            cell(house, people, &way, role).await;
            cells += 1;
        }
    }
    assert_eq!(cells, table().len() * Role::ALL.len());
}

async fn cell(house: &House, people: &People, way: &Way, role: Role) {
    let place = format!("{:?} {} {} as {}", way.at, way.method, way.path, role.as_str());
    let known = known(way, role);
    // About their own institution people of another one are what they are there: a manager. What they ask for tells
    // whose it is, not the route.
    let at_the_gate = if known == Role::OtherInstitution { Role::Manager } else { known };
    let ask =
        |user: &str, number: &str| routes(way.at, house.desk.clone()).oneshot(asked(way, role, people, user, number));
    // An operator's route is about any application; which one makes no difference to who may.
    let number = match way.at {
        Entrance::Operator => NO_NUMBER,
        _ if about_a_file(way) => FILE,
        _ if about_a_token(way) => &people.token_number,
        _ => &people.number,
    };
    let mut answer = ask(&people.user, number).await.unwrap();
    if way.described.is_some() {
        answer = conforming(way.at, &way.method, way.path, answer).await;
    }
    let away = answer.extensions().get::<TurnedAway>().is_some();
    assert_eq!(away, !access::may(at_the_gate, way.action), "{place}: {}", answer.status());
    if known == Role::OtherInstitution {
        let (status, body) = told(answer, &people.user).await;
        // Names of the directory are public; nothing else of another institution is.
        let public = way.path.ends_with("/institutions");
        for ours in [OURS, "看護", &people.user] {
            assert!(!body.contains(ours) || (public && ours == OURS), "{place}: {body}");
        }
        if about_an_object(way) {
            // Tokens are a person's, not an institution's.
            let theirs = about_a_token(way) || !access::may(Role::OtherInstitution, way.action);
            assert!(theirs, "{place}: an object of ours");
            // What the protocol asks of every request comes before what it is about.
            assert!(status == StatusCode::NOT_FOUND || is_tus(way), "{place}: {status}");
            let nothing = if about_a_file(way) { NO_FILE } else { NO_NUMBER };
            let none = told(ask(NO_USER, nothing).await.unwrap(), NO_USER).await;
            let ours = (status, body.replace(number, "#"));
            let none = (none.0, none.1.replace(nothing, "#"));
            assert_eq!(ours, none, "{place}: ours is told from one that there is not");
        }
        return;
    }
    if known == Role::Manager && about_an_object(way) && !is_tus(way) {
        let status = answer.status();
        assert!(status.is_success() || status.is_redirection(), "{place}: {status}, and it is theirs");
    }
}

/// Operators and auditors see that there is a submission, how it stands and its receipt; what they fetch is on record.
#[tokio::test]
async fn operators_see_everybodys_submissions_and_what_they_fetch_is_on_record_r12() {
    let house = house().await;
    people(&house).await;
    let ask = async |path: &str| {
        let request = Request::get(path).header(header::HOST, "join.example").header(header::ACCEPT_LANGUAGE, "ja");
        let request = request.extension(crate::live::Operator("ito".into())).body(Body::empty()).unwrap();
        told(routes(Entrance::Operator, house.desk.clone()).oneshot(request).await.unwrap(), "#").await
    };
    let (status, page) = ask("/review/submissions").await;
    assert!(status == StatusCode::OK && page.contains(OURS) && page.contains("看護.zip"), "{page}");
    assert!(page.contains(&format!("/review/submissions/{FILE}/receipt.txt")), "{page}");
    for (query, there) in [
        ("state=accepted", true),
        ("state=refused", false),
        // As an applicant would type it.
        ("institution=%E3%81%91%E3%82%84%E3%81%8D", true),
        ("institution=%E3%82%A2%E3%82%AA%E3%83%90", false),
        ("institution=%E3%81%AA%E3%81%84", false),
        ("from=2020-01-01&until=2020-12-31", false),
        ("from=2020-01-01", true),
        ("from=nonsense&until=&state=nonsense", true),
    ] {
        let (status, page) = ask(&format!("/review/submissions?{query}")).await;
        assert_eq!(
            (status, page.contains("看護.zip"), page.contains("id=\"none\"")),
            (StatusCode::OK, there, !there),
            "{query}"
        );
    }
    let (status, receipt) = ask(&format!("/review/submissions/{FILE}/receipt.txt")).await;
    assert_eq!((status, receipt.as_str()), (StatusCode::OK, "receipt\n"));
    let record = || async { format!("{:?}", house.desk.joining.registry().audit_last(1).await.unwrap()) };
    let told = record().await;
    assert!(told.contains("ReceiptOverseen") && told.contains("ito") && told.contains(FILE), "{told}");
    for nothing in [format!("{FILE}/contents"), format!("{NO_FILE}/receipt.txt")] {
        assert_eq!(ask(&format!("/review/submissions/{nothing}")).await.0, StatusCode::NOT_FOUND);
    }
    assert_eq!(record().await, told, "what was not given is not on record");
}
