//! Staff of the institution (R11).

use axum::extract::{Extension, Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use joining::{AccountRole, Action, Field, FieldFault, UserId, access};
use maud::{Markup, html};
use reception::Refused;
use serde::Deserialize;
use texts::Arg;

use crate::joining::Desk;
use crate::joining::caller::Caller;
use crate::joining::form::{Line, faults, sure};
use crate::joining::words::{faults_of, leading, refused, said};
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(in crate::joining) struct Typed {
    name: String,
    name_kana: String,
    mail: String,
}

pub(in crate::joining) async fn page(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
) -> Response {
    shown(&desk, &caller, &Typed::default(), &[], None, &reader).await
}

async fn shown(
    desk: &Desk,
    caller: &Caller,
    typed: &Typed,
    wrong: &[FieldFault],
    above: Option<Markup>,
    reader: &Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let staff = match desk.joining.staff(who).await {
        Ok(staff) => staff,
        Err(no) => return refused(desk, &no, "/menu", reader),
    };
    let may = access::may(caller.role(), Action::ManageStaff);
    let at = |field| said(wrong, field, reader);
    let (name, kana, mail) = (at(Field::Name), at(Field::NameKana), at(Field::Mail));
    let body = html! {
        @if let Some(above) = above { (above) }
        p { (reader.say("page-staff-lead")) }
        div.scroll { table.stack { tbody {
            @for one in &staff {
                tr {
                    th scope="row" { (one.name) }
                    td { (reader.say(match one.role { AccountRole::Manager => "joining-role-manager", AccountRole::Staff => "joining-role-staff" })) }
                    td.number { (one.user) }
                    td { (one.mail) }
                    td {
                        @if may && one.role == AccountRole::Staff {
                            @let name = [("name", Arg::text(&one.name))];
                            (sure(&reader.say("page-staff-remove"), html! {
                                p { (reader.tell("page-staff-remove-sure", &name)) }
                                form method="post" action=(format!("/staff/{}/remove", one.user)) {
                                    button.danger { (reader.tell("page-staff-remove-label", &name)) }
                                }
                            }))
                        }
                    }
                }
            }
        } } }
        @if may {
            div.form {
                h2 { (reader.say("page-staff-add")) }
                (faults(&leading(wrong, reader), reader))
                form method="post" action="/staff" {
                    (Line::text("name", &Field::Name.key(), &typed.name).with(name.as_deref()).show(reader))
                    (Line::text("name-kana", &Field::NameKana.key(), &typed.name_kana).with(kana.as_deref()).show(reader))
                    (Line::text("mail", &Field::Mail.key(), &typed.mail).of("email", "off").with(mail.as_deref()).show(reader))
                    div.buttons { button.primary #add { (reader.say("page-staff-add-do")) } }
                }
            }
        }
    };
    super::said(who, "page-staff-title", "/staff", !wrong.is_empty(), reader, body)
}

pub(in crate::joining) async fn add(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    reader: Reader,
    Form(typed): Form<Typed>,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let form =
        reception::StaffForm { name: typed.name.clone(), kana: typed.name_kana.clone(), mail: typed.mail.clone() };
    match desk.joining.add_staff(who, &form).await {
        Ok(added) => {
            let above = html! {
                div.done role="status" {
                    h2 { (reader.say("page-staff-added-title")) }
                    p { (reader.say("page-staff-added")) }
                    dl.confirm.wide {
                        dt { (reader.say("page-user")) } dd #user { (added.account.user) }
                        dt { (reader.say("page-initial-password")) } dd { span.secret #initial { (added.reset.initial.reveal()) } }
                    }
                }
            };
            shown(&desk, &caller, &Typed::default(), &[], Some(above), &reader).await
        }
        Err(no) if !faults_of(&no).is_empty() => shown(&desk, &caller, &typed, faults_of(&no), None, &reader).await,
        Err(no) => refused(&desk, &no, "/staff", &reader),
    }
}

pub(in crate::joining) async fn remove(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(user): Path<String>,
    reader: Reader,
) -> Response {
    let Caller::In(who) = &caller else { return Redirect::to("/login").into_response() };
    let Ok(user) = user.parse::<UserId>() else { return refused(&desk, &Refused::NoSuch, "/staff", &reader) };
    match desk.joining.remove_staff(who, user).await {
        Ok(_) => Redirect::to("/staff").into_response(),
        Err(no) => refused(&desk, &no, "/staff", &reader),
    }
}
