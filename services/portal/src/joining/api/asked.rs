//! A call as it came, parsed once.

use axum::body::to_bytes;
use axum::extract::{Query, Request};
use axum::http::{Method, header};
use joining::UserId;
use reception::{Refused, SignedIn};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

use super::{Plain, Problem};
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::reader::Reader;

/// What a call was given, and by whom.
pub(super) struct Asked<T> {
    pub desk: Desk,
    pub caller: Caller,
    pub reader: Reader,
    pub given: T,
    path: BTreeMap<String, String>,
}

impl<T: DeserializeOwned> Asked<T> {
    pub async fn read(
        desk: Desk,
        caller: Caller,
        path: BTreeMap<String, String>,
        request: Request,
        longest: usize,
    ) -> Result<Self, Problem> {
        let reader = Reader::of_program(request.headers());
        let given = if [Method::GET, Method::HEAD, Method::DELETE].contains(request.method()) {
            Query::try_from_uri(request.uri()).map_err(|error| Plain::Malformed(error.body_text()))?.0
        } else {
            // A page of elsewhere can make a browser send other kinds of bodies without asking, but not this one
            // (Fetch §4.8), and asking is never answered here.
            if !is_json(&request) {
                return Err(Plain::NotJson.into());
            }
            let body = to_bytes(request.into_body(), longest).await.map_err(|_| Plain::TooLong)?;
            let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
            serde_json::from_slice(body).map_err(|error| Plain::Malformed(error.to_string()))?
        };
        Ok(Self { desk, caller, reader, given, path })
    }
}

impl<T> Asked<T> {
    /// The member; the gate lets nobody else by where this is asked.
    pub fn who(&self) -> Result<&SignedIn, Problem> {
        match &self.caller {
            Caller::In(who) => Ok(who),
            _ => Err(Plain::NotYours.into()),
        }
    }

    /// A part of the path.
    pub fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// The number of what it is about; what is no number is none that there is.
    pub fn number(&self) -> Result<i64, Problem> {
        let part = self.path.get("id").or_else(|| self.path.get("draft"));
        part.map_or("", String::as_str).parse().map_err(|_| Refused::NoSuch.into())
    }

    /// The user ID it is about.
    pub fn user(&self) -> Result<UserId, Problem> {
        self.part("user").parse().map_err(|_| Refused::NoSuch.into())
    }
}

fn is_json(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
