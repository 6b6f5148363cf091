//! Use cases of joining the network (利用申請の窓口), one file each, over the registry (R2–R6, R8, R9, R11).
//!
//! From a mail address to an account that works: whoever renders pages, sends letters or runs the client VPN calls
//! these. Each checks who asks ([`joining::access`]), changes state, writes the audit entry and the letters in one
//! commit, and answers with a view: values to be shown, no words. The time and random bytes come from a [`World`].
//! It must not know HTTP, HTML or mail servers.
//!
//! Answers do not tell who is known here: giving an address, and signing in, look the same whoever it is.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod accounts;
mod apply;
mod begin;
mod cards;
mod codes;
mod directory;
mod first;
mod hashing;
mod keys;
mod member;
mod notices;
mod own;
mod refused;
mod review;
mod services;
mod sign_in;
mod staff;
#[cfg(test)]
mod tests;
mod tokens;
mod who;
mod world;

use std::sync::Arc;

use joining::{Letter, LetterKind, MailAddress, PasswordPolicy};
use model::LocalizedName;
use registry::Registry;
use texts::Lang;

pub use accounts::{AccountView, Reset, VpnAccount};
pub use apply::{Confirmation, FullPage, Receipt};
pub use begin::Begun;
pub use codes::{Code, CodeHolder};
pub use directory::InstitutionList;
pub use first::{Settled, VpnPasswordPage};
pub use keys::{KeyMade, KeyOffer, KeyQuestion, NewKey, SecondStep};
pub use member::Member;
pub use notices::{NoticeForm, NoticeView};
pub use own::{FactorView, TotpOffer};
pub use refused::Refused;
pub use review::{Approved, CallForm, ReviewItem, ReviewList, ReviewPage};
pub use services::{Menu, MenuItem, ServiceView};
pub use sign_in::SignInAnswer;
pub use staff::{StaffAdded, StaffForm};
pub use tokens::{TokenForm, TokenGiven, TokenView};
pub use who::{Operator, Settling, SignedIn, Token};
pub use world::{RealWorld, World};

/// How the use cases behave.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where applicants reach the portal, `https://join.example`, without a slash at the end; URLs in letters begin
    /// with it.
    pub public_url: String,
    /// Where members reach it through the client VPN.
    pub inside_url: String,
    /// Whom applicants may ask: a mail address or a telephone number, put into letters.
    pub contact: String,
    /// Who issues the codes of authenticator apps, as the app shows it.
    pub issuer: String,
    /// The rule for passwords.
    pub policy: PasswordPolicy,
    /// Must two operators approve?
    pub four_eyes: bool,
    /// How long the URL of an application works, minutes.
    pub link_minutes: u32,
    /// How many letters with a URL an address gets in a day.
    pub letters_a_day: u32,
    /// A session ends after so many minutes without use.
    pub idle_minutes: u32,
    /// A session ends after so many hours.
    pub session_hours: u32,
    /// Services an institution can apply for.
    pub offers: Vec<Offer>,
    /// Cost of a password hash; `None`: what OWASP advises. Less only in tests.
    pub hashing: Option<Hashing>,
}

/// Cost of Argon2id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashing {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
}

/// A service an institution can apply for (R9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id, e.g. `cancer-registry`.
    pub id: String,
    /// Its name.
    pub name: LocalizedName,
    /// What it is for.
    pub about: LocalizedName,
    /// Where it is, once approved.
    pub url: String,
}

impl Settings {
    /// Defaults for a portal at these addresses.
    pub fn new(public_url: &str, inside_url: &str, contact: &str) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            inside_url: inside_url.trim_end_matches('/').to_owned(),
            contact: contact.to_owned(),
            issuer: "Sekisho".to_owned(),
            policy: PasswordPolicy::source(),
            four_eyes: false,
            link_minutes: 24 * 60,
            letters_a_day: 5,
            idle_minutes: 30,
            session_hours: 10,
            offers: vec![Offer {
                id: "cancer-registry".to_owned(),
                name: LocalizedName {
                    ja: "全国がん登録届出サービス".to_owned(),
                    en: "National cancer registry".to_owned(),
                },
                about: LocalizedName {
                    ja: "届出対象情報をオンラインで提出します".to_owned(),
                    en: "Submit reports to the registry online".to_owned(),
                },
                url: String::new(),
            }],
            hashing: None,
        }
    }
}

/// The use cases. Clones share everything.
#[derive(Debug, Clone)]
pub struct Joining {
    registry: Registry,
    settings: Arc<Settings>,
    world: Arc<dyn World>,
    directory: Arc<directory::Copy>,
    hasher: hashing::Hasher,
}

impl Joining {
    /// Over a registry.
    pub fn new(registry: Registry, settings: Settings, world: Arc<dyn World>) -> Self {
        let hasher = hashing::Hasher::new(settings.hashing);
        Self { registry, settings: Arc::new(settings), world, directory: Arc::default(), hasher }
    }

    /// How it behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The registry beneath: for rooms beside this one (outbox, submissions, certificates).
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What time it is.
    pub fn now(&self) -> model::Timestamp {
        self.world.now()
    }

    /// How often a step is tried again that met another one, or a number that was taken.
    const TRIES: usize = 8;

    /// A number for something new, ten digits: it tells nothing about how many there are.
    fn number(&self) -> i64 {
        1_000_000_000 + i64::try_from(self.world.below(9_000_000_000)).unwrap_or_default()
    }

    /// Sixteen random bytes.
    fn sixteen(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.world.fill(&mut bytes);
        bytes
    }

    fn letter(&self, kind: LetterKind, to: &MailAddress, lang: Lang) -> Letter {
        Letter::new(self.sixteen(), kind, to, lang, self.now())
    }
}
