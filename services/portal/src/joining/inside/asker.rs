//! Who calls a page inside: somebody who is signed in; everybody else signs in first.

use axum::extract::{Extension, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use reception::SignedIn;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::reader::Reader;

/// A call by who is signed in.
pub(in crate::joining) struct Asker {
    pub(super) desk: Desk,
    pub(super) who: Box<SignedIn>,
    pub(super) reader: Reader,
}

impl FromRequestParts<Desk> for Asker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Response> {
        let Ok(reader) = Reader::from_request_parts(parts, desk).await;
        match Extension::<Caller>::from_request_parts(parts, desk).await {
            Ok(Extension(Caller::In(who))) => Ok(Self { desk: desk.clone(), who, reader }),
            _ => Err(Redirect::to("/login").into_response()),
        }
    }
}
