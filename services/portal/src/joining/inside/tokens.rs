//! Tokens for one's own programs: made, shown once, revoked.

use axum::extract::{Extension, Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Action, ApiToken, Field, FieldFault, access};
use maud::{Markup, html};
use reception::{SignedIn, TokenForm, TokenGiven, TokenView};
use texts::Arg;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::form::{Line, faults, sure};
use crate::joining::words::{faults_of, leading, refused, said};
use crate::reader::Reader;

/// Names and values as a form sends them; several with one name.
type Pairs = Vec<(String, String)>;

/// Days that stand in the form until another number is typed.
const DAYS: &str = "90";

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    let typed = TokenForm { days: DAYS.into(), ..TokenForm::default() };
    shown(&desk, &caller, &typed, &[], None, &reader).await
}

async fn shown(
    desk: &Desk,
    caller: &Caller,
    typed: &TokenForm,
    wrong: &[FieldFault],
    given: Option<&TokenGiven>,
    reader: &Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let all = match desk.joining.tokens(who).await {
        Ok(all) => all,
        Err(no) => return refused(desk, &no, "/menu", reader),
    };
    let body = html! {
        @if let Some(given) = given {
            div.done role="status" { p { (reader.say("page-tokens-once")) } }
            p.label { (given.view.label) }
            pre.command #token { (given.token.reveal()) }
        }
        p { (reader.say("page-tokens-lead")) " " a #openapi href="/api/v1/openapi.json" { (reader.say("page-tokens-document")) } }
        @if all.is_empty() { p.empty { (reader.say("page-tokens-none")) } } @else { (table(&all, reader)) }
        (form(who, typed, wrong, reader))
    };
    super::said(who, "page-tokens-title", "/tokens", !wrong.is_empty(), reader, body)
}

fn table(all: &[TokenView], reader: &Reader) -> Markup {
    html! {
        div.scroll { table.stack #tokens { tbody {
            @for one in all {
                tr {
                    th scope="row" { (one.label) }
                    td { ul.plain { @for action in chosen(one) { li { (name(action, reader)) } } } }
                    td.number {
                        (reader.tell("page-tokens-until", &[("until", Arg::Time(one.until))]))
                        @if !one.serves { " " span.tag.bad { (reader.say("page-tokens-over")) } }
                    }
                    td {
                        (sure(&reader.say("page-tokens-revoke"), html! {
                            p { (reader.tell("page-tokens-revoke-sure", &[("label", Arg::text(&one.label))])) }
                            form method="post" action=(format!("/tokens/{}/revoke", one.number)) {
                                button.danger { (reader.say("page-tokens-revoke-do")) }
                            }
                        }))
                    }
                }
            }
        } } }
    }
}

/// What was chosen; what every token may is not said of each.
fn chosen(one: &TokenView) -> impl Iterator<Item = Action> {
    one.actions.iter().copied().filter(|action| !ApiToken::ALWAYS.contains(action))
}

fn name(action: Action, reader: &Reader) -> String {
    reader.say(&format!("api-action-{}", action.as_str()))
}

fn form(who: &SignedIn, typed: &TokenForm, wrong: &[FieldFault], reader: &Reader) -> Markup {
    let at = |field| said(wrong, field, reader);
    let (label, days, password) = (at(Field::Label), at(Field::Days), at(Field::Password));
    let may = |action: &Action| access::may(who.account().role.into(), *action);
    html! {
        div.form {
            h2 { (reader.say("page-tokens-make")) }
            (faults(&leading(wrong, reader), reader))
            form method="post" action="/tokens" {
                (Line::text("label", &Field::Label.key(), &typed.label).with(label.as_deref()).show(reader))
                fieldset {
                    legend { (reader.say(&Field::Scope.key())) span.must { (reader.say("page-must")) } }
                    @if let Some(fault) = at(Field::Scope) { p.fault { (fault) } }
                    ul.choices #scope role="group" aria-label=(reader.say(&Field::Scope.key())) tabindex="-1" {
                        @for action in ApiToken::OFFERED.iter().filter(|action| may(action)) {
                            li { label {
                                input type="checkbox" name="scope" value=(action.as_str()) id=(format!("may-{}", action.as_str()))
                                    checked[typed.actions.iter().any(|one| one == action.as_str())];
                                span { (name(*action, reader)) }
                            } }
                        }
                    }
                }
                (Line::text("days", &Field::Days.key(), &typed.days).with(days.as_deref()).show(reader))
                (Line::text("password", "page-change-old", "").of("password", "current-password").with(password.as_deref()).show(reader))
                div.buttons { button.primary #make { (reader.say("page-tokens-make-do")) } }
            }
        }
    }
}

pub(in crate::joining) async fn make(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(pairs): Form<Pairs>,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let mut typed = TokenForm::default();
    for (name, value) in pairs {
        match name.as_str() {
            "label" => typed.label = value,
            "scope" => typed.actions.push(value),
            "days" => typed.days = value,
            "password" => typed.password = value,
            _ => {}
        }
    }
    match desk.joining.make_token(who, &typed).await {
        Ok(given) => {
            let empty = TokenForm { days: DAYS.into(), ..TokenForm::default() };
            shown(&desk, &caller, &empty, &[], Some(&given), &reader).await
        }
        Err(no) if !faults_of(&no).is_empty() => shown(&desk, &caller, &typed, faults_of(&no), None, &reader).await,
        Err(no) => refused(&desk, &no, "/tokens", &reader),
    }
}

pub(in crate::joining) async fn revoke(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<i64>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    match desk.joining.revoke_token(who, number).await {
        Ok(()) => Redirect::to("/tokens").into_response(),
        Err(no) => refused(&desk, &no, "/tokens", &reader),
    }
}
