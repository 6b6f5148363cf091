//! Full application (利用本申請, R3): prefecture, institution, the applicant, picture, terms; confirmation; receipt.

use axum::extract::{Extension, Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{Field, FieldFault, FullForm, InstitutionChoice, Prefecture};
use maud::{Markup, html};
use serde::Deserialize;

use crate::joining::caller::Caller;
use crate::joining::form::{Line, carried, challenge, faults, given, on_enter};
use crate::joining::words::{faults_of, named, prefecture_name, refused, said};
use crate::joining::{Desk, steps};
use crate::reader::Reader;

/// Institutions shown of a search; more are hard to choose from.
const SHOWN: usize = 50;
const TERMS: usize = 6;

/// What the form sends.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(in crate::joining) struct Typed {
    prefecture: String,
    /// Words of the search.
    search: String,
    /// A number, `none` for one that is not listed.
    institution: String,
    not_listed: String,
    head: String,
    head_kana: String,
    applicant: String,
    applicant_kana: String,
    department: String,
    post: String,
    phone: String,
    extension: String,
    consent: String,
    challenge: String,
    answer: String,
    pass: String,
    #[serde(rename = "do")]
    wanted: String,
}

/// The lines of the applicant, in the order of the source's table 2-1.
const LINES: [(Field, &str, &str); 8] = [
    (Field::Head, "text", "off"),
    (Field::HeadKana, "text", "off"),
    (Field::Applicant, "text", "name"),
    (Field::ApplicantKana, "text", "off"),
    (Field::Department, "text", "off"),
    (Field::Post, "text", "organization-title"),
    (Field::Phone, "tel", "tel"),
    (Field::Extension, "tel", "off"),
];

impl Typed {
    fn form(&self) -> FullForm {
        let listed = self.institution != "none";
        FullForm {
            prefecture: self.prefecture.clone(),
            institution: if listed { self.institution.clone() } else { String::new() },
            not_listed: if listed { String::new() } else { self.not_listed.clone() },
            head: self.head.clone(),
            head_kana: self.head_kana.clone(),
            applicant: self.applicant.clone(),
            applicant_kana: self.applicant_kana.clone(),
            department: self.department.clone(),
            post: self.post.clone(),
            phone: self.phone.clone(),
            extension: self.extension.clone(),
            consent: self.consent == "yes",
        }
    }

    fn line(&self, field: Field) -> &str {
        match field {
            Field::Head => &self.head,
            Field::HeadKana => &self.head_kana,
            Field::Applicant => &self.applicant,
            Field::ApplicantKana => &self.applicant_kana,
            Field::Department => &self.department,
            Field::Post => &self.post,
            Field::Phone => &self.phone,
            Field::Extension => &self.extension,
            _ => "",
        }
    }

    /// All that the confirmation repeats and sends.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut all = vec![
            ("prefecture", self.prefecture.as_str()),
            ("search", &self.search),
            ("institution", &self.institution),
            ("not-listed", &self.not_listed),
        ];
        all.extend(LINES.iter().map(|(field, ..)| (field.as_str(), self.line(*field))));
        all
    }

    /// What a pass is bound to: every field as it was confirmed.
    fn bound(&self, token: &str) -> Vec<u8> {
        let mut all = token.as_bytes().to_vec();
        for (name, value) in self.pairs() {
            all.extend_from_slice(name.as_bytes());
            all.extend_from_slice(&(value.len() as u64).to_be_bytes());
            all.extend_from_slice(value.as_bytes());
        }
        all
    }
}

pub(in crate::joining) async fn ask(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(token): Path<String>,
    reader: Reader,
) -> Response {
    form(&desk, &caller, &token, Typed::default(), &[], None, &reader).await
}

pub(in crate::joining) async fn confirm(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(token): Path<String>,
    reader: Reader,
    Form(mut typed): Form<Typed>,
) -> Response {
    match typed.wanted.as_str() {
        "search" => {
            typed.institution.clear();
            return form(&desk, &caller, &token, typed, &[], None, &reader).await;
        }
        "again" => {
            typed.challenge = desk.challenges.again(&typed.challenge, desk.now());
            typed.answer.clear();
            return form(&desk, &caller, &token, typed, &[], None, &reader).await;
        }
        // Going back clears picture and consent (source §2.2.2 ⑨).
        "back" => {
            (typed.consent, typed.challenge, typed.answer) = Default::default();
            return form(&desk, &caller, &token, typed, &[], None, &reader).await;
        }
        _ => {}
    }
    let seen = match desk.joining.check_full(&token, &typed.form()).await {
        Ok(seen) => seen,
        Err(no) if !faults_of(&no).is_empty() => {
            return form(&desk, &caller, &token, typed, faults_of(&no), None, &reader).await;
        }
        Err(no) => return refused(&desk, &no, &format!("/apply/{token}"), &reader),
    };
    let full = &seen.full;
    let institution = match (&seen.institution, &full.institution) {
        (Some(listed), _) => format!("{} ({})", listed.name, listed.address),
        (None, InstitutionChoice::NotListed(name)) => format!("{name} ({})", reader.say("page-full-none")),
        (None, InstitutionChoice::Listed(id)) => id.0.to_string(),
    };
    let pass = match desk.answered(&typed.challenge, &typed.answer, &typed.bound(&token)) {
        Ok(pass) => pass,
        Err(fault) => {
            (typed.challenge, typed.answer) = Default::default();
            return form(&desk, &caller, &token, typed, &[], Some(fault), &reader).await;
        }
    };
    let mut rows = vec![
        (reader.say(&Field::Prefecture.key()), prefecture_name(full.prefecture, &reader).to_owned()),
        (reader.say(&Field::Institution.key()), institution),
    ];
    let kept = [
        &full.head,
        &full.head_kana,
        &full.applicant,
        &full.applicant_kana,
        &full.department,
        &full.post,
        &full.phone,
        &full.extension,
    ];
    rows.extend(LINES.iter().zip(kept).map(|((field, ..), value)| (reader.say(&field.key()), value.clone())));
    rows.insert(8, (reader.say(&Field::Mail.key()), seen.mail.to_string()));
    let here = format!("/apply/{token}");
    let body = html! {
        div.form {
            (steps("page-step-full", &reader))
            h1 { (reader.say("page-full-confirm-title")) }
            p { (reader.say("page-full-confirm-lead")) }
            (given(&rows))
            p.hint { (reader.say("page-full-back-hint")) }
            div.buttons {
                form method="post" action=(format!("{here}/send")) {
                    (carried(&typed.pairs()))
                    (carried(&[("consent", "yes"), ("pass", &pass)]))
                    button.primary #send { (reader.say("page-full-send")) }
                }
                form method="post" action=(here) {
                    (carried(&typed.pairs()))
                    button #back name="do" value="back" { (reader.say("page-back-to-form")) }
                }
            }
        }
    };
    desk.page("page-full-confirm-title", &here, &reader).answer(&reader, body)
}

pub(in crate::joining) async fn send(
    State(desk): State<Desk>,
    Path(token): Path<String>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let here = format!("/apply/{token}");
    if !desk.challenges.spend(&typed.pass, &typed.bound(&token), desk.now()) {
        return desk.old_form(&here, &reader);
    }
    match desk.joining.submit_full(&token, &typed.form()).await {
        Ok(_) => Redirect::to("/applied").into_response(),
        Err(no) => refused(&desk, &no, &here, &reader),
    }
}

pub(in crate::joining) async fn sent(State(desk): State<Desk>, reader: Reader) -> Response {
    let page = desk.page("page-full-sent-title", "/applied", &reader);
    page.answer(&reader, super::mail::done("full", "page-step-full", &reader))
}

async fn form(
    desk: &Desk,
    caller: &Caller,
    token: &str,
    typed: Typed,
    wrong: &[FieldFault],
    answer: Option<&str>,
    reader: &Reader,
) -> Response {
    let here = format!("/apply/{token}");
    let id = match typed.challenge.as_str() {
        "" => desk.challenges.ask(desk.now()),
        id => id.to_owned(),
    };
    let mail = match caller {
        Caller::Link(page) => page.mail.as_str(),
        _ => "",
    };
    let answer = answer.map(|key| reader.say(key));
    let fields =
        [Field::Prefecture, Field::Institution].into_iter().chain(LINES.iter().map(|l| l.0)).chain([Field::Consent]);
    let mut all: Vec<(String, String)> = fields
        .filter_map(|field| {
            said(wrong, field, reader).map(|words| (anchor(field, &typed).to_owned(), named(field, &words, reader)))
        })
        .collect();
    all.extend(answer.iter().map(|words| ("answer".to_owned(), words.clone())));
    let chosen = !typed.institution.is_empty();
    let body = html! {
        div.form {
            (steps("page-step-full", reader))
            h1 { (reader.say("page-full-title")) }
            (faults(&all, reader))
            form method="post" action=(here) {
                (on_enter(if chosen { "confirm" } else { "search" }))
                (institution(desk, &typed, wrong, reader).await)
                fieldset {
                    legend { (reader.say("page-full-applicant")) }
                    p.hint { (reader.say("page-full-applicant-lead")) }
                    @for (at, (field, kind, autocomplete)) in LINES.iter().enumerate() {
                        @if at == 6 {
                            div.field {
                                span.label { (reader.say(&Field::Mail.key())) }
                                output #mail { (mail) }
                            }
                        }
                        @let fault = said(wrong, *field, reader);
                        (Line::text(field.as_str(), &field.key(), typed.line(*field)).of(kind, autocomplete)
                            .with(fault.as_deref()).show(reader))
                    }
                }
                (challenge(&id, &typed.answer, answer.as_deref(), reader))
                (terms(&typed, wrong, reader))
                div.buttons { button.primary #confirm name="do" value="confirm" { (reader.say("page-next-confirm")) } }
            }
        }
    };
    desk.page("page-full-title", &here, reader).answer_to(!all.is_empty(), reader, body)
}

/// Where a fault leads to.
fn anchor(field: Field, typed: &Typed) -> &'static str {
    match field {
        Field::Institution if typed.institution == "none" => "not-listed",
        Field::Institution => "search",
        other => other.as_str(),
    }
}

async fn institution(desk: &Desk, typed: &Typed, wrong: &[FieldFault], reader: &Reader) -> Markup {
    let prefecture = typed.prefecture.parse().ok().and_then(Prefecture::new);
    let found = match (prefecture, typed.search.trim()) {
        (None, _) | (_, "") => None,
        (Some(prefecture), words) => desk.joining.search_institutions(Some(prefecture), words, SHOWN).await.ok(),
    };
    let (no_prefecture, no_institution) =
        (said(wrong, Field::Prefecture, reader), said(wrong, Field::Institution, reader));
    html! {
        fieldset {
            legend { (reader.say("page-full-institution")) }
            p.hint { (reader.say("page-full-institution-lead")) }
            div.find-row {
                div.field.is-wrong[no_prefecture.is_some()] {
                    label for="prefecture" { (reader.say(&Field::Prefecture.key())) span.must { (reader.say("page-must")) } }
                    @if let Some(words) = &no_prefecture { p.fault id="prefecture-fault" { (words) } }
                    select #prefecture name="prefecture" required aria-invalid=[no_prefecture.as_ref().map(|_| "true")]
                        aria-describedby=[no_prefecture.as_ref().map(|_| "prefecture-fault")] {
                        option value="" { (reader.say("page-full-choose")) }
                        @for one in Prefecture::all() {
                            option value=(one.number()) selected[Some(one) == prefecture] { (prefecture_name(one, reader)) }
                        }
                    }
                }
                div.field.is-wrong[no_institution.is_some()] {
                    label for="search" { (reader.say("page-full-search")) }
                    @if let Some(words) = &no_institution { p.fault id="search-fault" { (words) } }
                    input #search name="search" type="search" value=(typed.search) maxlength="100" autocomplete="organization"
                        aria-invalid=[no_institution.as_ref().map(|_| "true")]
                        aria-describedby=[no_institution.as_ref().map(|_| "search-fault")];
                }
                div.field { button #find name="do" value="search" formnovalidate { (reader.say("page-full-search-do")) } }
            }
            @if let Some(found) = &found {
                @let count = i64::try_from(found.total).unwrap_or(i64::MAX);
                @let shown = i64::try_from(found.found.len()).unwrap_or(i64::MAX);
                p #found role="status" {
                    @if count > shown {
                        (reader.tell("page-full-found-part", &[("count", count.into()), ("shown", shown.into())]))
                    } @else {
                        (reader.tell("page-full-found", &[("count", count.into())]))
                    }
                }
                ul.choices role="group" aria-label=(reader.say("page-full-institution")) {
                    @for one in &found.found {
                        @let number = one.id.0.to_string();
                        li { label {
                            input type="radio" name="institution" value=(number) checked[number == typed.institution];
                            span { (one.name) span.quiet.small { (one.address) } }
                        } }
                    }
                    li { label {
                        input type="radio" #institution-none name="institution" value="none" checked[typed.institution == "none"];
                        span { (reader.say("page-full-none")) span.quiet.small { (reader.say("page-full-none-hint")) } }
                    } }
                }
                (Line { required: false, ..Line::text("not-listed", "page-full-none-name", &typed.not_listed) }.show(reader))
            }
        }
    }
}

fn terms(typed: &Typed, wrong: &[FieldFault], reader: &Reader) -> Markup {
    let fault = said(wrong, Field::Consent, reader);
    html! {
        fieldset {
            legend { (reader.say("page-full-terms")) }
            // Its own scroll bar must be had by keyboard.
            div.terms tabindex="0" role="region" aria-label=(reader.say("page-full-terms")) {
                ol { @for number in 1..=TERMS { li { (reader.say(&format!("page-terms-{number}"))) } } }
            }
            div.is-wrong[fault.is_some()] {
                @if let Some(words) = &fault { p.fault id="consent-fault" { (words) } }
                label.tick {
                    input #consent type="checkbox" name="consent" value="yes" required checked[typed.consent == "yes"]
                        aria-invalid=[fault.as_ref().map(|_| "true")]
                        aria-describedby=[fault.as_ref().map(|_| "consent-fault")];
                    span { (reader.say("page-full-consent")) }
                }
            }
        }
    }
}
