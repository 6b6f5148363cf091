//! Provisional application (利用仮申請, R2): address twice, picture, confirmation, letter.

use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Field, FieldFault, MailForm};
use maud::{Markup, html};
use serde::Deserialize;

use crate::joining::form::{Line, carried, challenge, faults, given, on_enter};
use crate::joining::limits::{Counted, Whose};
use crate::joining::words::{named, refused, said, too_often};
use crate::joining::{Desk, steps};
use crate::reader::Reader;

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
pub(in crate::joining) struct Typed {
    #[serde(default)]
    mail: String,
    #[serde(default, rename = "mail-again")]
    again: String,
    #[serde(default)]
    challenge: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    pass: String,
    #[serde(default, rename = "do")]
    wanted: String,
}

pub(in crate::joining) async fn ask(State(desk): State<Desk>, reader: Reader) -> Response {
    form(&desk, &Typed::default(), &[], None, &reader)
}

pub(in crate::joining) async fn confirm(
    State(desk): State<Desk>,
    reader: Reader,
    Form(mut typed): Form<Typed>,
) -> Response {
    let now = desk.now();
    if typed.wanted == "again" {
        typed.challenge = desk.challenges.again(&typed.challenge, now);
        typed.answer.clear();
        return form(&desk, &typed, &[], None, &reader);
    }
    let checked = MailForm { mail: typed.mail.clone(), again: typed.again.clone() }.check();
    let mail = match checked {
        Ok(mail) => mail,
        // The picture waits: who mistyped an address need not read it twice.
        Err(wrong) => return form(&desk, &typed, &wrong, None, &reader),
    };
    match desk.answered(&typed.challenge, &typed.answer, mail.as_str().as_bytes()) {
        Ok(pass) => {
            let rows = [(reader.say(&Field::Mail.key()), mail.to_string())];
            desk.page("page-mail-confirm-title", "/mail", &reader).answer(
                &reader,
                html! {
                    div.form {
                        (steps("page-step-mail", &reader))
                        h1 { (reader.say("page-mail-confirm-title")) }
                        p { (reader.say("page-mail-confirm-lead")) }
                        (given(&rows))
                        div.buttons {
                            form method="post" action="/mail/send" {
                                (carried(&[("mail", mail.as_str()), ("pass", &pass)]))
                                button.primary #send { (reader.say("page-mail-send")) }
                            }
                            form method="post" action="/mail/back" {
                                (carried(&[("mail", mail.as_str())]))
                                button #back { (reader.say("page-back-to-form")) }
                            }
                        }
                    }
                },
            )
        }
        Err(fault) => {
            typed.challenge.clear();
            typed.answer.clear();
            form(&desk, &typed, &[], Some(fault), &reader)
        }
    }
}

/// Back from the confirmation: the address stays, the picture is another one.
pub(in crate::joining) async fn back(State(desk): State<Desk>, reader: Reader, Form(typed): Form<Typed>) -> Response {
    let typed = Typed { again: typed.mail.clone(), mail: typed.mail, ..Typed::default() };
    form(&desk, &typed, &[], None, &reader)
}

pub(in crate::joining) async fn send(State(desk): State<Desk>, reader: Reader, Form(typed): Form<Typed>) -> Response {
    let now = desk.now();
    if !desk.challenges.spend(&typed.pass, typed.mail.as_bytes(), now) {
        return desk.old_form("/mail", &reader);
    }
    if let Err(seconds) = desk.limits.take(Counted::Letter, Whose::Mail(typed.mail.to_ascii_lowercase()), now) {
        return too_often(&desk, seconds, &reader);
    }
    let form = MailForm { again: typed.mail.clone(), mail: typed.mail };
    match desk.joining.begin(&form, reader.lang()).await {
        // Seen by GET, so that a reload sends nothing again.
        Ok(_) => Redirect::to("/mail/sent").into_response(),
        Err(no) => refused(&desk, &no, "/mail", &reader),
    }
}

pub(in crate::joining) async fn sent(State(desk): State<Desk>, reader: Reader) -> Response {
    let page = desk.page("page-mail-sent-title", "/mail/sent", &reader);
    page.answer(&reader, done("mail", "page-step-mail", &reader))
}

/// The page after a form that was answered by a letter: title, lead, its subject, what to do.
pub(super) fn done(of: &str, step: &str, reader: &Reader) -> Markup {
    let say = |part: &str| reader.say(&format!("page-{of}-{part}"));
    html! {
        div.form {
            (steps(step, reader))
            h1 { (say("sent-title")) }
            div.done role="status" {
                p { (say("sent-lead")) }
                p { strong { (say("sent-subject")) } }
            }
            p { (say("sent-do")) }
            p.quiet { (reader.say("page-close-hint")) }
        }
    }
}

fn form(desk: &Desk, typed: &Typed, wrong: &[FieldFault], answer: Option<&str>, reader: &Reader) -> Response {
    let now = desk.now();
    let id = match typed.challenge.as_str() {
        "" => desk.challenges.ask(now),
        id => id.to_owned(),
    };
    let at = |field: Field| said(wrong, field, reader);
    let (mail, again) = (at(Field::Mail), at(Field::MailAgain));
    let answer = answer.map(|key| reader.say(key));
    let mut all: Vec<(String, String)> = Vec::new();
    for (field, fault) in [(Field::Mail, &mail), (Field::MailAgain, &again)] {
        all.extend(fault.iter().map(|words| (field.as_str().to_owned(), named(field, words, reader))));
    }
    all.extend(answer.iter().map(|words| ("answer".to_owned(), words.clone())));
    let body = html! {
        div.form {
            (steps("page-step-mail", reader))
            h1 { (reader.say("page-mail-title")) }
            p { (reader.say("page-mail-lead")) }
            (faults(&all, reader))
            form method="post" action="/mail" {
                (on_enter("confirm"))
                (Line::text("mail", &Field::Mail.key(), &typed.mail).of("email", "email").with(mail.as_deref()).show(reader))
                (Line::text("mail-again", &Field::MailAgain.key(), &typed.again).of("email", "off").with(again.as_deref()).show(reader))
                (challenge(&id, &typed.answer, answer.as_deref(), reader))
                div.buttons { button.primary #confirm name="do" value="confirm" { (reader.say("page-next-confirm")) } }
            }
        }
    };
    desk.page("page-mail-title", "/mail", reader).answer_to(!all.is_empty(), reader, body)
}
