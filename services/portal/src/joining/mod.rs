//! Pages and HTTP API of joining the network (R2–R6, R8–R11): the applicant's, the institution's and the operator's side.
//!
//! One table of routes ([`table`]) says of each where it is reached, what it is ([`joining::Action`]) and how often; the
//! [`gate`] before every handler counts, finds out who asks and refuses who may not. Handlers parse forms, call use cases
//! of `reception` and render; they decide nothing.

mod api;
mod caller;
mod cards;
mod files;
mod form;
mod gate;
mod inside;
mod limits;
mod public;
mod qr;
mod review;
mod sites;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub use api::documents;
pub use caller::{Auditor, Source};
pub use cards::{CardShown, Cards};
pub use files::{Files, Terminal, TurnedBack};
pub use review::vpn::{Later, VpnLine, VpnLines};
pub use table::{Entrance, routes};

use axum::http::StatusCode;
use axum::response::Response;
use challenge::{Challenges, Verdict};
use joining::VpnId;
use maud::{Markup, html};
use provenance::Provenance;
use reception::Joining;
use registration::Registration;
use std::sync::Arc;

use crate::frame::Page;
use crate::reader::Reader;
use limits::Limits;

/// Octets a form may have, before anything of it is read (ASVS 12.1.1).
const LONGEST_FORM: usize = 64 * 1024;
/// Sources and mail addresses counted at a time.
const COUNTED_AT_MOST: usize = 50_000;

/// What pages need to know besides the use cases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Files for a VPN: kind of terminal, name of profile and manual.
    pub downloads: Vec<Download>,
    /// Command that fetches a service certificate on a terminal; `{user}` stands for the user ID. It asks for the code.
    pub enroll_command: Option<String>,
    /// Limits are so many times as generous as written; 1 for production.
    pub generous: u32,
}

/// A connection profile or manual for one kind of terminal (R6).
#[derive(Debug, Clone)]
pub struct Download {
    /// Name in the address: letters, digits, `-`, `.`.
    pub name: String,
    /// What people read.
    pub title: model::LocalizedName,
    /// What it is.
    pub contents: Contents,
}

/// Makes a file for one VPN-ID.
pub type Made = Arc<dyn Fn(&VpnId) -> Vec<u8> + Send + Sync>;

/// What a person gets.
#[derive(Clone)]
pub enum Contents {
    /// A file.
    Profile {
        /// Media type.
        kind: String,
        /// Its octets for one VPN-ID.
        make: Made,
    },
    /// HTML from `h2` on, to stand in a page. It is the center's own: nothing that a person typed is in it.
    Manual {
        /// Japanese.
        ja: String,
        /// English.
        en: String,
    },
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Profile { kind, .. } => f.debug_tuple("Profile").field(kind).finish(),
            Self::Manual { .. } => f.write_str("Manual"),
        }
    }
}

/// The desk everybody comes to. Clones share it.
#[derive(Clone)]
pub struct Desk {
    joining: Joining,
    challenges: Arc<Challenges>,
    limits: Arc<Limits>,
    settings: Arc<Settings>,
    files: Option<Arc<Files>>,
    lines: Option<Arc<dyn VpnLines>>,
    cards: Option<Arc<dyn Cards>>,
    registration: Option<Registration>,
    devices: Option<Provenance>,
}

impl Desk {
    /// Over the use cases.
    pub fn new(joining: Joining, settings: Settings) -> Self {
        Self {
            joining,
            challenges: Arc::new(Challenges::new(challenge::Limits::default())),
            limits: Arc::new(Limits::new(COUNTED_AT_MOST, settings.generous)),
            settings: Arc::new(settings),
            files: None,
            lines: None,
            cards: None,
            registration: None,
            devices: None,
        }
    }

    /// Takes report files too.
    #[must_use]
    pub fn with_files(self, files: Files) -> Self {
        Self { files: Some(Arc::new(files)), ..self }
    }

    /// With the devices of a registration centre, for operators to handle.
    #[must_use]
    pub fn with_devices(self, devices: Provenance) -> Self {
        Self { devices: Some(devices), ..self }
    }

    /// With the client VPN, for operators to see.
    #[must_use]
    pub fn with_lines(self, lines: Arc<dyn VpnLines>) -> Self {
        Self { lines: Some(lines), ..self }
    }

    /// With registration of sites and agreements beside it.
    #[must_use]
    pub fn with_registration(self, registration: Registration) -> Self {
        Self { registration: Some(registration), ..self }
    }

    /// With who judges cards.
    #[must_use]
    pub fn with_cards(self, cards: Arc<dyn Cards>) -> Self {
        Self { cards: Some(cards), ..self }
    }

    /// What stands in for a person's eyes in tests: the letters of a picture.
    #[doc(hidden)]
    pub fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    fn now(&self) -> i64 {
        self.joining.now().0
    }

    /// A pass for what was answered, or the key of what to say.
    fn answered(&self, id: &str, answer: &str, what: &[u8]) -> Result<String, &'static str> {
        if answer.trim().is_empty() {
            return Err("page-answer-empty");
        }
        match self.challenges.answer(id, answer, what, self.now()) {
            Verdict::Right(pass) => Ok(pass.0),
            Verdict::Wrong => Err("page-answer-wrong"),
            Verdict::Gone => Err("page-answer-gone"),
        }
    }

    fn page<'a>(&self, title: &'a str, here: &'a str, _reader: &Reader) -> Page<'a> {
        Page { title, who: None, here, follows: None, reload: None }
    }

    /// A form that was sent before, or too late.
    fn old_form(&self, back: &str, reader: &Reader) -> Response {
        words::only(self, StatusCode::CONFLICT, words::plain("page-old-form", &[], reader), Some(back), reader)
    }
}

/// The whole way, and where on it the reader is.
fn steps(here: &str, reader: &Reader) -> Markup {
    const ALL: [&str; 5] =
        ["page-step-mail", "page-step-full", "page-step-call", "page-step-password", "page-step-vpn"];
    html! {
        ol.steps aria-label=(reader.say("page-steps")) {
            @for step in ALL { li { span aria-current=[(step == here).then_some("step")] { (reader.say(step)) } } }
        }
    }
}
