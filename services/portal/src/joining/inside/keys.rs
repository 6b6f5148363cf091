//! Security keys (W3C Web Authentication): one is added, asked at log-in, taken away (R5). A script of our own asks the key;
//! without scripts the form does not show, and codes do.

use axum::extract::Form;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use maud::{Markup, html};
use reception::{KeyMade, KeyOffer, KeyQuestion, NewKey};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asker::Asker;
use super::factor::{back, recovery};
use crate::assets;
use crate::joining::form::{Line, carried};
use crate::reader::Reader;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(in crate::joining) struct Typed {
    password: String,
    /// Credential ID of a key to be removed.
    key: String,
    challenge: String,
    key_name: String,
    client_data: String,
    attestation: String,
}

/// With the present password: the key is asked.
pub(in crate::joining) async fn begin(asker: Asker, Form(typed): Form<Typed>) -> Response {
    let offered = asker.desk.joining.offer_key(&asker.who, &typed.password).await;
    asker.answered(offered, |offer, reader| new_key(&offer, reader))
}

/// What the key answered.
pub(in crate::joining) async fn confirm(asker: Asker, Form(typed): Form<Typed>) -> Response {
    let new = NewKey {
        challenge: typed.challenge,
        name: typed.key_name,
        client_data: octets(&typed.client_data),
        attestation: octets(&typed.attestation),
    };
    match asker.desk.joining.add_key(&asker.who, &new).await {
        Ok(KeyMade { recovery: codes }) if codes.is_empty() => asker.shown(html! {
            div.done role="status" { p #factor-on { (asker.reader.say("page-key-added")) } }
            (back(&asker.reader))
        }),
        Ok(KeyMade { recovery: codes }) => asker.shown(recovery(&codes, &asker.reader)),
        Err(no) => {
            tracing::info!(code = no.code(), why = ?no, "a security key was not added");
            asker.refused(&no)
        }
    }
}

/// With the present password: a key goes.
pub(in crate::joining) async fn remove(asker: Asker, Form(typed): Form<Typed>) -> Response {
    let done = asker.desk.joining.drop_key(&asker.who, &typed.password, &octets(&typed.key)).await;
    asker.answered(done, |(), reader| {
        html! {
            div.done role="status" { p { (reader.say("page-key-removed")) } }
            (back(reader))
        }
    })
}

fn new_key(offer: &KeyOffer, reader: &Reader) -> Markup {
    let asked = json!({
        "rp": { "id": offer.party, "name": offer.issuer },
        "user": { "id": text(&offer.handle), "name": offer.account, "displayName": offer.account },
        "challenge": text(offer.challenge.reveal().as_bytes()),
        "pubKeyCredParams": webauthn::ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg })),
        "timeout": 300_000,
        "excludeCredentials": descriptors(&offer.known),
        "authenticatorSelection": { "residentKey": "discouraged", "userVerification": "discouraged" },
        "attestation": "none",
    });
    let name = reader.say("page-key");
    let inner = html! {
        (carried(&[("challenge", offer.challenge.reveal()), ("client-data", ""), ("attestation", "")]))
        (Line::text("key-name", "joining-field-key-name", &name).show(reader))
        div.buttons { button.primary #touch { (reader.say("page-key-register")) } }
    };
    html! {
        p { (reader.say("page-key-lead")) }
        (asking("create", "/factor/key/confirm", &asked, inner, reader))
        noscript { p.empty { (reader.say("page-key-no-script")) } }
        p.buttons { a.button href="/factor" { (reader.say("page-key-leave")) } }
    }
}

/// At log-in, after the password.
pub(super) fn question(question: &KeyQuestion, step: &str, reader: &Reader) -> Markup {
    let asked = json!({
        "challenge": text(&question.challenge),
        "rpId": question.party,
        "allowCredentials": descriptors(&question.known),
        "userVerification": "discouraged",
        "timeout": 300_000,
    });
    let empty = ["id", "client-data", "authenticator-data", "signature", "owner"].map(|name| (name, ""));
    let inner = html! {
        (carried(&[("step", step)]))
        (carried(&empty))
        p { (reader.say("page-key-ask")) }
        div.buttons { button.primary #touch { (reader.say("page-key-use")) } }
    };
    html! {
        (asking("get", "/login/key", &asked, inner, reader))
        noscript { p.empty { (reader.say("page-key-no-script-login")) } }
    }
}

/// A form that the script shows and fills.
fn asking(what: &str, to: &str, asked: &Value, inner: Markup, reader: &Reader) -> Markup {
    html! {
        form hidden method="post" action=(to) data-key=(what) data-asked=(asked.to_string())
            data-touch=(reader.say("page-key-touch")) data-failed=(reader.say("page-key-failed"))
            data-known=(reader.say("page-key-known")) data-unable=(reader.say("page-key-unable")) {
            (inner)
            p role="status" {}
        }
        script src=(assets::KEYS) defer {}
    }
}

/// Keys of the account, with where they are: the present removal of each is a button of the form they stand in.
pub(super) fn list(all: &[(Vec<u8>, String, model::Timestamp)], reader: &Reader) -> Markup {
    html! { ul.held { @for (id, name, at) in all { li {
        span { strong { (name) } " " span.quiet.small { (reader.tell("page-key-since", &[("at", texts::Arg::Time(*at))])) } }
        button.danger formaction="/factor/key/remove" name="key" value=(text(id)) aria-label=(reader.tell("page-key-remove-name", &[("name", texts::Arg::text(name))])) { (reader.say("page-key-remove")) }
    } } } }
}

fn descriptors(ids: &[Vec<u8>]) -> Vec<Value> {
    ids.iter().map(|id| json!({ "type": "public-key", "id": text(id) })).collect()
}

fn text(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// What is no base 64 is nothing, which no check accepts.
pub(super) fn octets(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}
