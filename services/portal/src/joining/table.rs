//! Every route: where it is reached, what it is, how often, who answers.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any, delete, get, head, options, patch, post};
use joining::Action;

use crate::guard::guard;
use crate::joining::api::Described;
use crate::joining::gate::{Gate, keep};
use crate::joining::limits::Counted;
use crate::joining::{Desk, LONGEST_FORM, api, cards, files, inside, public, review, sites};
use crate::{assets, reader};

/// A door of the center.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// To the Internet.
    Public,
    /// To the addresses of the client VPN only.
    Inside,
    /// To terminals with a service certificate only.
    Service,
    /// To certificates of operators and auditors only.
    Operator,
}

/// What a route answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Page,
    Api,
}

/// One route.
pub(super) struct Way {
    pub at: Entrance,
    pub method: Method,
    pub path: &'static str,
    pub action: Action,
    pub counted: Counted,
    pub shape: Shape,
    pub handler: MethodRouter<Desk>,
    /// What the document of the API says of it, if it is a call of the API.
    pub described: Option<Described>,
}

macro_rules! ways {
    ($( $at:ident $method:ident $path:literal $action:ident $counted:ident $shape:ident => $handler:expr; )*) => {
        vec![$( Way {
            at: Entrance::$at,
            method: ways!(@name $method),
            path: $path,
            action: Action::$action,
            counted: Counted::$counted,
            shape: Shape::$shape,
            handler: $method($handler),
            described: None,
        }, )*]
    };
    (@name get) => { Method::GET };
    (@name post) => { Method::POST };
    (@name head) => { Method::HEAD };
    (@name patch) => { Method::PATCH };
    (@name delete) => { Method::DELETE };
    (@name options) => { Method::OPTIONS };
}

/// All of them. The test `every_route_and_role_is_decided` goes through it.
#[rustfmt::skip]
pub(super) fn table() -> Vec<Way> {
    let mut all = ways! {
        Public get  "/"                       Look Page Page => public::start;
        Public get  "/challenge/{id}/picture" Look Challenge Page => public::picture;
        Public get  "/challenge/{id}/voice"   Look Challenge Page => public::voice;
        Public get  "/preflight"              Preflight Page Page => public::preflight::ask;
        Public post "/preflight"              Preflight Form Page => public::preflight::tell;
        Public get  "/mail"                   Begin Challenge Page => public::mail::ask;
        Public post "/mail"                   Begin Form Page => public::mail::confirm;
        Public post "/mail/back"              Begin Challenge Page => public::mail::back;
        Public post "/mail/send"              Begin Form Page => public::mail::send;
        Public get  "/mail/sent"              Look Page Page => public::mail::sent;
        Public get  "/apply/{token}"          Apply Challenge Page => public::full::ask;
        Public post "/apply/{token}"          Apply Form Page => public::full::confirm;
        Public post "/apply/{token}/send"     Apply Form Page => public::full::send;
        Public get  "/applied"                Look Page Page => public::full::sent;
        Public get  "/first"                  SignIn Page Page => public::first::ask;
        Public post "/first"                  SignIn Password Page => public::first::enter;
        Public get  "/first/password"         ChangeInitial Page Page => public::first::change_form;
        Public post "/first/password"         ChangeInitial Password Page => public::first::change;
        Public get  "/first/vpn"              Download Page Page => public::vpn::page;
        Public post "/first/vpn"              ShowVpnPassword Form Page => public::vpn::show;
        Public get  "/first/files/{name}"     Download Page Page => public::vpn::file;
        Public post "/first/leave"            SignOut Form Page => public::first::leave;

        Inside get  "/"                       Look Page Page => inside::start;
        Inside get  "/login"                  SignIn Page Page => inside::login::ask;
        Inside post "/login"                  SignIn Password Page => inside::login::enter;
        Inside post "/login/code"             SignIn Password Page => inside::login::code;
        Inside post "/login/key"              SignIn Password Page => inside::login::key;
        Inside post "/login/card"             SignIn Form Page => inside::login::card;
        Inside post "/card/call"              SignIn Password Api => cards::call;
        Inside post "/card/answer"            SignIn Password Api => cards::answer;
        Inside post "/logout"                 SignOut Form Page => inside::login::leave;
        Inside get  "/logged-out"             Look Page Page => inside::login::left;
        Inside get  "/notices"                ReadNotices Page Page => inside::home::notices;
        Inside get  "/menu"                   SeeMenu Page Page => inside::home::menu;
        Inside get  "/services"               SeeServices Page Page => inside::services::page;
        Inside post "/services"               ApplyForService Form Page => inside::services::confirm;
        Inside post "/services/send"          ApplyForService Form Page => inside::services::send;
        Inside post "/services/{id}/cancel"   ApplyForService Form Page => inside::services::cancel;
        Inside get  "/staff"                  SeeStaff Page Page => inside::staff::page;
        Inside post "/staff"                  ManageStaff Form Page => inside::staff::add;
        Inside post "/staff/{user}/remove"    ManageStaff Form Page => inside::staff::remove;
        Inside get  "/password"               ChangeOwn Page Page => inside::own::ask;
        Inside post "/password"               ChangeOwn Password Page => inside::own::change;
        Inside get  "/connection"             Download Page Page => inside::connection::page;
        Inside get  "/connection/files/{name}" Download Page Page => inside::connection::file;
        Inside get  "/factor"                 ChangeOwn Page Page => inside::factor::page;
        Inside post "/factor"                 ChangeOwn Password Page => inside::factor::begin;
        Inside post "/factor/confirm"         ChangeOwn Password Page => inside::factor::confirm;
        Inside post "/factor/codes"           ChangeOwn Password Page => inside::factor::codes;
        Inside post "/factor/remove"          ChangeOwn Password Page => inside::factor::remove;
        Inside post "/factor/key"             ChangeOwn Password Page => inside::keys::begin;
        Inside post "/factor/key/confirm"     ChangeOwn Password Page => inside::keys::confirm;
        Inside post "/factor/card"            ChangeOwn Password Page => inside::cards::begin;
        Inside post "/factor/card/done"       ChangeOwn Form Page => inside::cards::done;
        Inside post "/factor/key/remove"      ChangeOwn Password Page => inside::keys::remove;
        Inside get  "/tokens"                 ManageTokens Page Page => inside::tokens::page;
        Inside post "/tokens"                 ManageTokens Password Page => inside::tokens::make;
        Inside post "/tokens/{id}/revoke"     ManageTokens Form Page => inside::tokens::revoke;
        Inside get  "/certificate"            GetCertificate Page Page => inside::certificate::page;
        Inside post "/certificate"            GetCertificate Form Page => inside::certificate::code;

        Inside get  "/sites"                      SeeSites Page Page => sites::list;
        Inside post "/sites/name"                 ManageSites Form Page => sites::name;
        Inside get  "/sites/new"                  ManageSites Page Page => sites::ask;
        Inside post "/sites/new"                  ManageSites Form Page => sites::propose;
        Inside post "/sites/drafts/{draft}/withdraw" ManageSites Form Page => sites::withdraw;
        Inside get  "/sites/at/{site}"            SeeSites Page Page => sites::one;
        Inside post "/sites/at/{site}/gate"       ManageSites Form Page => sites::gate;
        Inside get  "/sites/at/{site}/checksheet" SeeSites Page Page => sites::checksheet::page;
        Inside post "/sites/at/{site}/checksheet" ManageSites Form Page => sites::checksheet::answer;
        Inside get  "/sites/at/{site}/checksheet/print" SeeSites Page Page => sites::checksheet::print;
        Inside post "/sites/at/{site}/hosts" ManageSites Form Page => sites::add_host;
        Inside post "/sites/at/{site}/hosts/{name}/remove" ManageSites Form Page => sites::remove_host;
        Inside post "/sites/at/{site}/hosts/{name}/code" ManageSites Form Page => sites::device_code;
        Inside post "/sites/at/{site}/services" ManageSites Form Page => sites::add_service;
        Inside post "/sites/at/{site}/services/{name}/remove" ManageSites Form Page => sites::remove_service;
        Inside post "/sites/at/{site}/lines" ManageSites Form Page => sites::add_line;
        Inside post "/sites/at/{site}/lines/{name}/remove" ManageSites Form Page => sites::remove_line;
        Inside get  "/agreements" SeeSites Page Page => sites::agreements::list;
        Inside post "/agreements" ManageSites Form Page => sites::agreements::propose;
        Inside post "/agreements/key" ManageSites Form Page => sites::agreements::key;
        Inside get  "/agreements/{agreement}" SeeSites Page Page => sites::agreements::one;
        Inside get  "/agreements/{agreement}/document" SeeSites Page Page => sites::agreements::document;
        Inside get  "/agreements/{agreement}/bytes" SeeSites Page Page => sites::agreements::bytes;
        Inside post "/agreements/{agreement}/sign" ManageSites Form Page => sites::agreements::sign;
        Inside post "/agreements/{agreement}/withdraw" ManageSites Form Page => sites::agreements::withdraw;
        Inside post "/agreements/{agreement}/reject" ManageSites Form Page => sites::agreements::reject;

        Inside get  "/submissions"            SeeSubmissions Page Page => files::inside;
        Inside get  "/submissions/{id}/{name}" SeeSubmissions Page Page => files::receipt;

        Service get     "/"                         SeeSubmissions Page Page => files::at_service;
        Service post    "/submit"                   Submit Form Page => files::submit;
        Service get     "/submissions/{id}"         SeeSubmissions Page Page => files::one;
        Service get     "/submissions/{id}/{name}"  SeeSubmissions Page Page => files::receipt;
        Service get     "/files"                    SeeSubmissions Page Api => files::tus;
        Service options "/files"                    Submit Page Api => files::tus;
        Service post    "/files"                    Submit Form Api => files::tus;
        Service get     "/files/{id}"               SeeSubmissions Page Api => files::tus;
        Service head    "/files/{id}"               Submit Page Api => files::tus;
        Service patch   "/files/{id}"               Submit Page Api => files::tus;
        Service delete  "/files/{id}"               Submit Form Api => files::tus;
        Service options "/files/{id}"               Submit Page Api => files::tus;
        Service post    "/files/{id}"               Submit Page Api => files::tus;
        Service get     "/files/{id}/{name}"        SeeSubmissions Page Api => files::tus;

        Operator get  "/review"                        SeeReview Page Page => review::list;
        Operator get  "/review/{id}"                   SeeReview Page Page => review::one;
        Operator post "/review/{id}/call"              Review Form Page => review::call;
        Operator post "/review/{id}/settle"            Review Form Page => review::settle;
        Operator post "/review/{id}/approve"           Review Form Page => review::approve;
        Operator post "/review/{id}/reject"            Review Form Page => review::reject;
        Operator post "/review/services/{id}/approve"  ReviewServices Form Page => review::approve_service;
        Operator post "/review/services/{id}/cancel"   ReviewServices Form Page => review::cancel_service;
        Operator get  "/review/vpn"                    SeeAccounts Page Page => review::vpn::page;
        Operator get  "/review/submissions"            OverseeSubmissions Page Page => review::submissions::page;
        Operator get  "/review/submissions/{id}/{name}" OverseeSubmissions Page Page => review::submissions::receipt;
        Operator post "/review/vpn/cut"                ManageAccounts Form Page => review::vpn::cut;
        Operator post "/review/reset"                  ManageAccounts Form Page => review::reset;
        Operator post "/review/notice"                 Publish Form Page => review::publish;

        Operator get  "/review/configuration"          Transfer Page Page => review::transfer::page;
        Operator get  "/review/configuration/export"   Transfer Page Page => review::transfer::export;
        Operator post "/review/configuration/trial"    Transfer Form Page => review::transfer::trial;
        Operator post "/review/configuration/import"   Transfer Form Page => review::transfer::import;

        Operator get  "/review/equipment"                  SeeReview Page Page => review::equipment::list;
        Operator post "/review/equipment"                  RegisterSites Form Page => review::equipment::take_in;
        Operator post "/review/equipment/report"           RegisterSites Form Page => review::equipment::report;
        Operator get  "/review/equipment/{device}"         SeeReview Page Page => review::equipment::one;
        Operator post "/review/equipment/{device}/token"   RegisterSites Form Page => review::equipment::token;
        Operator post "/review/equipment/{device}/site"    RegisterSites Form Page => review::equipment::site;
        Operator post "/review/equipment/{device}/answer"  RegisterSites Form Page => review::equipment::answer;
        Operator post "/review/equipment/{device}/revoke"  RegisterSites Form Page => review::equipment::revoke;

        Operator get  "/review/sites"                      SeeSites Page Page => sites::list;
        Operator post "/review/sites/name"                 RegisterSites Form Page => sites::name;
        Operator get  "/review/sites/new"                  RegisterSites Page Page => sites::ask;
        Operator post "/review/sites/new"                  RegisterSites Form Page => sites::propose;
        Operator post "/review/sites/drafts/{draft}/register" RegisterSites Form Page => sites::register;
        Operator post "/review/sites/drafts/{draft}/reject"   RegisterSites Form Page => sites::reject;
        Operator get  "/review/sites/at/{site}"            SeeSites Page Page => sites::one;
        Operator post "/review/sites/at/{site}/gate"       RegisterSites Form Page => sites::gate;
        Operator get  "/review/sites/at/{site}/checksheet" SeeSites Page Page => sites::checksheet::page;
        Operator get  "/review/sites/at/{site}/checksheet/print" SeeSites Page Page => sites::checksheet::print;
        Operator post "/review/sites/at/{site}/hosts" RegisterSites Form Page => sites::add_host;
        Operator post "/review/sites/at/{site}/hosts/{name}/remove" RegisterSites Form Page => sites::remove_host;
        Operator post "/review/sites/at/{site}/hosts/{name}/code" RegisterSites Form Page => sites::device_code;
        Operator post "/review/sites/at/{site}/services" RegisterSites Form Page => sites::add_service;
        Operator post "/review/sites/at/{site}/services/{name}/remove" RegisterSites Form Page => sites::remove_service;
        Operator post "/review/sites/at/{site}/lines" RegisterSites Form Page => sites::add_line;
        Operator post "/review/sites/at/{site}/lines/{name}/remove" RegisterSites Form Page => sites::remove_line;
        Operator get  "/review/agreements" SeeSites Page Page => sites::agreements::list;
        Operator get  "/review/agreements/{agreement}" SeeSites Page Page => sites::agreements::one;
    };
    all.extend(api::ways());
    all
}

/// Octets of a body, by what it is for, before anything of it is read (ASVS 12.1.1).
pub(super) fn longest(action: Action) -> usize {
    match action {
        // All that is installed on a terminal is longer than what anybody types, and so is all that is applied.
        Action::Preflight => public::preflight::LONGEST,
        Action::Transfer => review::transfer::LONGEST,
        _ => LONGEST_FORM,
    }
}

/// The router of an entrance; the operator's is merged with the live picture and has its guard and files already.
pub fn routes(at: Entrance, desk: Desk) -> Router {
    let mut router = Router::new();
    for way in table().into_iter().filter(|way| way.at == at) {
        let gate = Gate {
            desk: desk.clone(),
            at,
            method: way.method,
            action: way.action,
            counted: way.counted,
            shape: way.shape,
            call: way.described.is_some(),
        };
        let handler = way.handler.layer(DefaultBodyLimit::max(longest(way.action)));
        router = router.route(way.path, handler.route_layer(from_fn_with_state(gate, keep)));
    }
    let router = router.layer(DefaultBodyLimit::max(LONGEST_FORM));
    let router = router.route("/api/{*rest}", any(api::nothing));
    if at == Entrance::Operator {
        return router.layer(from_fn(guard)).layer(from_fn(api::only_problems)).with_state(desk);
    }
    router
        .route("/lang/{lang}", get(reader::language))
        .merge(assets::routes())
        .fallback(public::nowhere)
        .layer(from_fn(guard))
        .layer(from_fn(api::only_problems))
        .with_state(desk)
}
