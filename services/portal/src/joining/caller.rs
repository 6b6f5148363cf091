//! Who stands before a page: the connection's other end, and what its cookie, link or certificate makes of it.

use axum::http::{Extensions, HeaderMap, HeaderValue, header};
use axum::response::Response;
use joining::{Action, OneTime, Role};
use reception::{FullPage, Member, Settling, SignedIn};
use std::net::IpAddr;

use crate::joining::files::TurnedBack;
use crate::live::Operator;
use crate::reader::cookie;

/// The session. Prefixed so that only this host's TLS answers can set it; another name than the console's, because
/// cookies do not keep ports apart.
const SESSION: &str = "__Host-joining";

/// Address of the connection's other end. The listener puts it on every request.
#[derive(Debug, Clone, Copy)]
pub struct Source(pub IpAddr);

/// An operator who only reads. The listener puts it on every request of theirs, instead of [`Operator`].
#[derive(Debug, Clone)]
pub struct Auditor(pub String);

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Nobody that is known.
    Nobody,
    /// Holds the one-time URL of an application.
    Link(FullPage),
    /// Between initial password and first log-in.
    Settling(Box<Settling>),
    /// Logged in.
    In(Box<SignedIn>),
    /// At the entrance of a service, with a service certificate.
    Member(Box<Member>),
    /// There, with none that lets in.
    TurnedBack(TurnedBack),
    /// With an operator's or auditor's certificate.
    Operator(reception::Operator),
}

impl Caller {
    /// As far as is known before an object is looked at: the use cases look at that.
    pub fn role(&self) -> Role {
        match self {
            Self::Nobody | Self::TurnedBack(_) => Role::Nobody,
            Self::Link(_) | Self::Settling(_) => Role::Applicant,
            Self::In(who) => who.account().role.into(),
            Self::Member(member) => member.role(),
            Self::Operator(operator) => operator.role(),
        }
    }

    /// Does what they hold reach so far? Only tokens of programs reach less far than their owner.
    pub fn reaches(&self, action: Action) -> bool {
        match self {
            Self::In(who) => who.reaches(action),
            _ => true,
        }
    }

    /// Number of the token, if a program calls.
    pub fn token(&self) -> Option<i64> {
        match self {
            Self::In(who) => who.program().map(|(number, _)| number),
            _ => None,
        }
    }

    /// The operator; the gate lets nobody else through where this is asked.
    pub fn operator(&self) -> reception::Operator {
        match self {
            Self::Operator(operator) => operator.clone(),
            // May nothing but read, and the gate does not even let this by.
            _ => reception::Operator::auditor(""),
        }
    }
}

/// The token of a session: the cookie of a browser.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    cookie(headers, SESSION).map(str::to_owned)
}

/// What a program shows (RFC 6750 §2.1), which browsers never send by themselves, so that no page elsewhere can make
/// them use it. None if it is sent twice, since nobody could say which is meant.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Gives a browser its session.
pub(crate) fn enter(mut response: Response, token: &OneTime) -> Response {
    let text = format!("{SESSION}={}; Path=/; Secure; HttpOnly; SameSite=Strict", token.reveal());
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Takes it away.
pub(crate) fn leave(mut response: Response) -> Response {
    let gone = HeaderValue::from_static("__Host-joining=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    response.headers_mut().append(header::SET_COOKIE, gone);
    response
}

/// Who an operator's or auditor's certificate names.
pub(crate) fn certified(extensions: &Extensions) -> Caller {
    if let Some(Auditor(name)) = extensions.get() {
        return Caller::Operator(reception::Operator::auditor(name));
    }
    match extensions.get() {
        Some(Operator(name)) => Caller::Operator(reception::Operator::new(name)),
        None => Caller::Nobody,
    }
}

/// Without a listener that says so, nobody's address is known: all share one bucket.
pub(crate) fn source(extensions: &Extensions) -> IpAddr {
    extensions.get().map_or(IpAddr::from([0, 0, 0, 0]), |Source(address)| *address)
}
