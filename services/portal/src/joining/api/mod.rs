//! The HTTP API beside the pages: JSON, the same use cases, RFC 9457 for refusals.
//!
//! One line of a table is one call: method, path, action, what is given, what is answered. The line serves, and the
//! document that describes the API (OpenAPI 3.1, at `/api/v1/openapi.json` of each door) is made from it, so that the
//! two cannot differ. Who calls is known by a token or by the operator's certificate, never by a cookie.

mod asked;
mod checksheet;
mod document;
mod equipment;
mod inside;
mod operator;
mod oversight;
mod parts;
mod problem;
mod shapes;
mod sites;
mod transfer;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use joining::Action;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::limits::Counted;
use crate::joining::table::{Entrance, Shape, Way, longest};
use crate::reader::Reader;
use asked::Asked;

pub use document::documents;
pub(super) use problem::{Plain, Problem};

/// Where all of it is.
pub(super) const BELOW: &str = "/api/";

/// What the document says of a call, besides its way.
pub(super) struct Described {
    /// Its `operationId`; `api-call-` and this is the key of its summary.
    pub name: &'static str,
    /// What it answers with when it is done.
    pub status: StatusCode,
    given: fn(&mut SchemaGenerator) -> Schema,
    answered: fn(&mut SchemaGenerator) -> Schema,
}

macro_rules! calls {
    ($( $at:ident $method:ident $path:literal $action:ident $status:ident $name:literal => $handler:expr; )*) => {
        vec![$( call((Entrance::$at, Method::$method, $path), Action::$action, ($name, StatusCode::$status), $handler), )*]
    };
}

/// All calls. What begins with a person and a picture — the provisional and the full application — is on pages only.
#[rustfmt::skip]
pub(super) fn ways() -> Vec<Way> {
    let mut all = calls! {
        Public GET "/api/v1/institutions" Apply OK "search-institutions" => inside::institutions_by_link;

        Inside GET    "/api/v1/account"                           SeeMenu         OK         "see-account" => inside::account;
        Inside DELETE "/api/v1/token"                             SignOut         NO_CONTENT "end-token" => inside::end_token;
        Inside GET    "/api/v1/institutions"                      SeeMenu         OK         "search-institutions" => inside::institutions;
        Inside GET    "/api/v1/notices"                           ReadNotices     OK         "list-notices" => inside::notices;
        Inside GET    "/api/v1/services"                          SeeServices     OK         "list-services" => inside::services;
        Inside GET    "/api/v1/service-applications"              SeeServices     OK         "list-service-applications" => inside::service_applications;
        Inside POST   "/api/v1/service-applications"              ApplyForService CREATED    "apply-for-services" => inside::apply;
        Inside POST   "/api/v1/service-applications/{id}/cancel"  ApplyForService NO_CONTENT "take-back-service-application" => inside::take_back;
        Inside GET    "/api/v1/staff"                             SeeStaff        OK         "list-staff" => inside::staff;
        Inside POST   "/api/v1/staff"                             ManageStaff     CREATED    "add-staff" => inside::add_staff;
        Inside POST   "/api/v1/staff/{user}/reset"                ManageStaff     OK         "reset-staff" => inside::reset_staff;
        Inside DELETE "/api/v1/staff/{user}"                      ManageStaff     NO_CONTENT "remove-staff" => inside::remove_staff;
        Inside GET    "/api/v1/submissions"                       SeeSubmissions  OK         "list-submissions" => inside::submissions;
        Inside GET    "/api/v1/submissions/{id}"                  SeeSubmissions  OK         "see-submission" => inside::submission;
        Inside GET    "/api/v1/submissions/{id}/receipt"          SeeSubmissions  OK         "see-receipt" => inside::receipt;

        Inside GET  "/api/v1/member"                              SeeSites    OK         "see-own-id" => sites::own_member;
        Inside PUT  "/api/v1/member"                              ManageSites OK         "name-institution" => sites::name;
        Inside GET  "/api/v1/site-proposals"                      SeeSites    OK         "list-site-proposals" => sites::proposals;
        Inside POST "/api/v1/site-proposals"                      ManageSites CREATED    "propose-site" => sites::propose;
        Inside POST "/api/v1/site-proposals/{draft}/withdraw"     ManageSites NO_CONTENT "withdraw-site-proposal" => sites::withdraw;
        Inside GET  "/api/v1/sites"                               SeeSites    OK         "list-sites" => sites::sites;
        Inside GET  "/api/v1/sites/{site}"                        SeeSites    OK         "see-site" => sites::one;
        Inside POST "/api/v1/sites/{site}/gate-token"             ManageSites CREATED    "make-gate-token" => sites::gate;

        Inside GET "/api/v1/sites/{site}/checksheet" SeeSites OK "see-checksheet" => checksheet::see;
        Inside PUT "/api/v1/sites/{site}/checksheet" ManageSites OK "answer-checksheet" => checksheet::answer;
        Inside POST "/api/v1/sites/{site}/hosts" ManageSites OK "add-host" => parts::add_host;
        Inside DELETE "/api/v1/sites/{site}/hosts/{name}" ManageSites OK "remove-host" => parts::remove_host;
        Inside POST "/api/v1/sites/{site}/hosts/{name}/device-code" ManageSites CREATED "make-device-code" => parts::device_code;
        Inside POST "/api/v1/sites/{site}/services" ManageSites OK "add-service" => parts::add_service;
        Inside DELETE "/api/v1/sites/{site}/services/{name}" ManageSites OK "remove-service" => parts::remove_service;
        Inside POST "/api/v1/sites/{site}/lines" ManageSites OK "add-line" => parts::add_line;
        Inside DELETE "/api/v1/sites/{site}/lines/{name}" ManageSites OK "remove-line" => parts::remove_line;
        Inside GET  "/api/v1/agreements" SeeSites OK "list-agreements" => parts::agreements;
        Inside POST "/api/v1/agreements" ManageSites CREATED "propose-agreement" => parts::propose_agreement;
        Inside GET  "/api/v1/agreements/{agreement}" SeeSites OK "see-agreement" => parts::one_agreement;
        Inside POST "/api/v1/agreements/{agreement}/sign" ManageSites OK "sign-agreement" => parts::sign_agreement;
        Inside POST "/api/v1/agreements/{agreement}/withdraw" ManageSites NO_CONTENT "withdraw-agreement" => parts::withdraw_agreement;
        Inside POST "/api/v1/agreements/{agreement}/reject" ManageSites NO_CONTENT "reject-agreement" => parts::reject_agreement;
        Inside POST "/api/v1/signing-code" ManageSites CREATED "make-signing-code" => parts::signing_code;

        Operator GET    "/api/v1/review/applications"                  SeeReview       OK         "list-applications" => operator::applications;
        Operator GET    "/api/v1/review/applications/{id}"             SeeReview       OK         "see-application" => operator::application;
        Operator POST   "/api/v1/review/applications/{id}/calls"       Review          OK         "record-call" => operator::call;
        Operator POST   "/api/v1/review/applications/{id}/institution" Review          OK         "settle-institution" => operator::settle;
        Operator POST   "/api/v1/review/applications/{id}/approve"     Review          OK         "approve-application" => operator::approve;
        Operator POST   "/api/v1/review/applications/{id}/reject"      Review          OK         "reject-application" => operator::reject;
        Operator GET    "/api/v1/review/service-applications"          SeeReview       OK         "list-all-service-applications" => operator::service_applications;
        Operator POST   "/api/v1/review/service-applications/{id}/approve" ReviewServices OK      "approve-service-application" => operator::approve_service;
        Operator POST   "/api/v1/review/service-applications/{id}/cancel"  ReviewServices OK      "cancel-service-application" => operator::cancel_service;
        Operator GET    "/api/v1/review/institutions"                  SeeReview       OK         "search-institutions" => operator::institutions;
        Operator PUT    "/api/v1/review/institutions"                  ManageDirectory NO_CONTENT "put-institutions" => operator::put_institutions;
        Operator GET    "/api/v1/review/accounts"                      SeeAccounts     OK         "list-accounts" => operator::accounts;
        Operator POST   "/api/v1/review/accounts/{user}/reset"         ManageAccounts  OK         "reset-account" => operator::reset;
        Operator POST   "/api/v1/review/accounts/{user}/unlock"        ManageAccounts  OK         "unlock-account" => operator::unlock;
        Operator POST   "/api/v1/review/accounts/{user}/suspend"       ManageAccounts  OK         "suspend-account" => operator::suspend;
        Operator POST   "/api/v1/review/accounts/{user}/resume"        ManageAccounts  OK         "resume-account" => operator::resume;
        Operator GET    "/api/v1/review/notices"                       SeeReview       OK         "list-all-notices" => operator::notices;
        Operator POST   "/api/v1/review/notices"                       Publish         CREATED    "publish-notice" => operator::publish;
        Operator DELETE "/api/v1/review/notices/{id}"                  Publish         NO_CONTENT "withdraw-notice" => operator::withdraw;

        Operator GET  "/api/v1/review/submissions"              OverseeSubmissions OK "list-all-submissions" => oversight::submissions;
        Operator GET  "/api/v1/review/submissions/{id}"         OverseeSubmissions OK "see-any-submission" => oversight::submission;
        Operator GET  "/api/v1/review/submissions/{id}/receipt" OverseeSubmissions OK "see-any-receipt" => oversight::receipt;
        Operator GET  "/api/v1/review/vpn-lines"                SeeAccounts        OK "list-vpn-lines" => oversight::lines;
        Operator POST "/api/v1/review/vpn-lines/{vpn}/end"      ManageAccounts     NO_CONTENT "end-vpn-line" => oversight::end_line;

        Operator GET  "/api/v1/review/members"                          SeeSites      OK         "list-members" => sites::members;
        Operator PUT  "/api/v1/review/members"                          RegisterSites OK         "name-institution" => sites::name;
        Operator GET  "/api/v1/review/site-proposals"                   SeeSites      OK         "list-site-proposals" => sites::proposals;
        Operator POST "/api/v1/review/site-proposals"                   RegisterSites CREATED    "propose-site" => sites::propose;
        Operator POST "/api/v1/review/site-proposals/{draft}/register"  RegisterSites NO_CONTENT "register-site" => sites::register;
        Operator POST "/api/v1/review/site-proposals/{draft}/reject"    RegisterSites NO_CONTENT "reject-site" => sites::reject;
        Operator GET  "/api/v1/review/sites"                            SeeSites      OK         "list-sites" => sites::sites;
        Operator GET  "/api/v1/review/sites/{site}"                     SeeSites      OK         "see-site" => sites::one;
        Operator POST "/api/v1/review/sites/{site}/gate-token"          RegisterSites CREATED    "make-gate-token" => sites::gate;
        Operator GET  "/api/v1/review/sites/{site}/checksheet" SeeSites OK "see-checksheet" => checksheet::see;
        Operator POST "/api/v1/review/sites/{site}/hosts" RegisterSites OK "add-host" => parts::add_host;
        Operator DELETE "/api/v1/review/sites/{site}/hosts/{name}" RegisterSites OK "remove-host" => parts::remove_host;
        Operator POST "/api/v1/review/sites/{site}/hosts/{name}/device-code" RegisterSites CREATED "make-device-code" => parts::device_code;
        Operator POST "/api/v1/review/sites/{site}/services" RegisterSites OK "add-service" => parts::add_service;
        Operator DELETE "/api/v1/review/sites/{site}/services/{name}" RegisterSites OK "remove-service" => parts::remove_service;
        Operator POST "/api/v1/review/sites/{site}/lines" RegisterSites OK "add-line" => parts::add_line;
        Operator DELETE "/api/v1/review/sites/{site}/lines/{name}" RegisterSites OK "remove-line" => parts::remove_line;
        Operator GET  "/api/v1/review/configuration"        Transfer OK "export-configuration" => transfer::export;
        Operator POST "/api/v1/review/configuration/trial"  Transfer OK "try-import" => transfer::trial;
        Operator POST "/api/v1/review/configuration/import" Transfer OK "import-configuration" => transfer::import;
        Operator GET  "/api/v1/review/equipment"                  SeeReview     OK         "list-devices" => equipment::list;
        Operator POST "/api/v1/review/equipment"                  RegisterSites CREATED    "take-in-device" => equipment::take_in;
        Operator POST "/api/v1/review/equipment/reports"          RegisterSites NO_CONTENT "take-device-report" => equipment::report;
        Operator GET  "/api/v1/review/equipment/{device}"         SeeReview     OK         "see-device" => equipment::one;
        Operator POST "/api/v1/review/equipment/{device}/token"   RegisterSites CREATED    "make-device-token" => equipment::token;
        Operator PUT  "/api/v1/review/equipment/{device}/place"   RegisterSites NO_CONTENT "place-device" => equipment::site;
        Operator POST "/api/v1/review/equipment/{device}/answers" RegisterSites NO_CONTENT "answer-row" => equipment::answer;
        Operator POST "/api/v1/review/equipment/{device}/revoke"  RegisterSites OK         "revoke-device" => equipment::revoke;
        Operator GET "/api/v1/review/agreements" SeeSites OK "list-agreements" => parts::agreements;
        Operator GET "/api/v1/review/agreements/{agreement}" SeeSites OK "see-agreement" => parts::one_agreement;
    };
    for at in [Entrance::Public, Entrance::Inside, Entrance::Operator] {
        let handler = move |asked: Asked<shapes::Nothing>| async move { Ok(shapes::OpenApi(document::document(at, &asked.reader))) };
        all.push(call((at, Method::GET, "/api/v1/openapi.json"), Action::Look, ("see-document", StatusCode::OK), handler));
    }
    all
}

/// One call: what is given stands in the query of `GET` and `DELETE`, else in a JSON body.
fn call<T, A, F, W>(
    (at, method, path): (Entrance, Method, &'static str),
    action: Action,
    (name, status): (&'static str, StatusCode),
    answer: F,
) -> Way
where
    T: DeserializeOwned + JsonSchema + Send + 'static,
    A: Serialize + JsonSchema + 'static,
    F: Fn(Asked<T>) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = Result<A, Problem>> + Send + 'static,
{
    let filter = MethodFilter::try_from(method.clone()).expect("axum routes every method of the table");
    let handler = move |State(desk): State<Desk>,
                        Extension(caller): Extension<Caller>,
                        Path(parts): Path<BTreeMap<String, String>>,
                        request: Request| {
        let answer = answer.clone();
        async move {
            let reader = Reader::of_program(request.headers());
            let done = match Asked::read(desk, caller, parts, request, longest(action)).await {
                Ok(asked) => answer(asked).await,
                Err(problem) => Err(problem),
            };
            match done {
                Ok(_) if status == StatusCode::NO_CONTENT => status.into_response(),
                Ok(body) => (status, Json(body)).into_response(),
                Err(problem) => problem.show(&reader),
            }
        }
    };
    let described = Described { name, status, given: T::json_schema, answered: |all| all.subschema_for::<A>() };
    let counted = if method == Method::GET { Counted::Page } else { Counted::Form };
    Way {
        at,
        method,
        path,
        action,
        counted,
        shape: Shape::Api,
        handler: on(filter, handler),
        described: Some(described),
    }
}

/// Below [`BELOW`] every refusal is a problem document, whoever refused: the router, the guard, the gate or a use case.
pub(super) async fn only_problems(request: Request, next: Next) -> Response {
    let ours = request.uri().path().starts_with(BELOW);
    let reader = Reader::of_program(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    let told = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == problem::MEDIA_TYPE);
    if !ours || told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut head, _) = response.into_parts();
    let (named, body) = Problem::from(Plain::of(status)).show(&reader).into_parts();
    for name in [header::CONTENT_TYPE, header::CONTENT_LANGUAGE] {
        if let Some(value) = named.headers.get(&name) {
            head.headers.insert(name, value.clone());
        }
    }
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    head.status = named.status;
    Response::from_parts(head, body)
}

/// Where no call is.
pub(super) async fn nothing(reader: Request) -> Response {
    Problem::from(Plain::NoSuchCall).show(&Reader::of_program(reader.headers()))
}
