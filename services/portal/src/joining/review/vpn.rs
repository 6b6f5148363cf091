//! Who is in the client VPN, and ending a line (R7, G14).

use axum::extract::{Extension, Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Action, access};
use maud::html;
use model::Timestamp;
use serde::Deserialize;
use std::future::Future;
use std::pin::Pin;
use texts::Arg;

use super::page as framed;
use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::words::{only, plain, refused};
use crate::reader::Reader;

/// A line of the client VPN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnLine {
    /// VPN-ID.
    pub vpn: String,
    /// The institution.
    pub institution: String,
    /// From where, outside.
    pub address: String,
    /// Its address inside.
    pub inside: String,
    /// The machine that was proved; a hyphen if none was.
    pub machine: String,
    /// Since when.
    pub since: Timestamp,
}

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The client VPN, as operators see it.
pub trait VpnLines: Send + Sync {
    /// Who is in now; `None` while it is not known.
    fn lines(&self) -> Option<Vec<VpnLine>>;
    /// Ends every line of a VPN-ID; false if there was none, or it could not be ended now.
    fn cut<'a>(&'a self, vpn: &'a str) -> Later<'a, bool>;
}

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let lines = desk.lines.as_ref().and_then(|vpn| vpn.lines());
    let may = access::may(caller.role(), Action::ManageAccounts);
    let body = html! {
        p { (reader.say("page-lines-lead")) }
        @match &lines {
            None => p.empty { (reader.say("page-lines-unknown")) },
            Some(lines) if lines.is_empty() => p.empty { (reader.say("page-lines-none")) },
            Some(lines) => div.scroll { table.stack {
                thead { tr { @for column in ["vpn", "institution", "address", "inside", "machine", "since"] {
                    th scope="col" { (reader.say(&format!("page-lines-col-{column}"))) }
                } td {} } }
                tbody { @for line in lines { tr {
                    th scope="row" { (line.vpn) }
                    td { (line.institution) }
                    td.number { (line.address) }
                    td.number { (line.inside) }
                    td { (line.machine) }
                    td.number { (Arg::Time(line.since).worded(reader.texts)) }
                    td { @if may {
                        form.row method="post" action="/review/vpn/cut" {
                            input type="hidden" name="vpn" value=(line.vpn);
                            button.danger id=(format!("cut-{}", line.vpn)) { (reader.say("page-lines-cut")) }
                        }
                    } }
                } } }
            } },
        }
    };
    framed(&caller, "page-lines-title", "/review/vpn", &reader, body)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::joining) struct Typed {
    vpn: String,
}

/// Ends a line. The account stays: who may not come back is suspended.
pub(in crate::joining) async fn cut(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    match end(&desk, &caller.operator(), &typed.vpn).await {
        Ok(()) => Redirect::to("/review/vpn").into_response(),
        Err(NotEnded::NotIn) => {
            let body = plain("page-lines-not-in", &[], &reader);
            only(&desk, StatusCode::CONFLICT, body, Some("/review/vpn"), &reader)
        }
        Err(NotEnded::Refused(no)) => refused(&desk, &no, "/review/vpn", &reader),
    }
}

/// Why a line was not ended.
pub(in crate::joining) enum NotEnded {
    /// There is none, or it could not be ended now.
    NotIn,
    Refused(reception::Refused),
}

/// Ends every line of a VPN-ID, and puts on record who did.
pub(in crate::joining) async fn end(desk: &Desk, operator: &reception::Operator, vpn: &str) -> Result<(), NotEnded> {
    let cut = match &desk.lines {
        Some(lines) => lines.cut(vpn).await,
        None => false,
    };
    if !cut {
        return Err(NotEnded::NotIn);
    }
    desk.joining.vpn_line_cut(operator, vpn).await.map_err(NotEnded::Refused)
}
