//! How an institution joins the network (利用申請): the nouns and their rules (R2–R6, R8, R9, R11).
//!
//! Mail addresses, institutions and how they are found, the nine fields of an application, what may become of an
//! application, accounts with their passwords and locks, applications for a service, letters, and who may do what.
//! Pure: the time and every random byte are arguments. It must not know where anything is stored, how a page looks, or
//! how a letter travels.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
mod account;
mod application;
mod bearer;
mod field;
mod form;
mod institution;
mod lang;
mod letter;
mod mail;
mod once;
mod password;
mod phone;
mod prefecture;
mod registration;
mod search;
mod service;
mod totp;
mod world;

pub use access::{Action, Role};
pub use account::{
    Account, AccountRole, AccountState, Factor, Lockout, NoId, Stage, UserId, VpnId, VpnPassword, VpnSecret,
};
pub use application::{Application, Call, CallOutcome, Decision, Due, Stand, StepFault, Urgency};
pub use bearer::{BearerToken, bearer};
pub use field::{Field, FieldCode, FieldFault};
pub use form::{FullApplication, FullForm, InstitutionChoice, MailForm, kana, text};
pub use institution::{Institution, InstitutionId};
pub use letter::{Letter, LetterKind};
pub use mail::{MailAddress, MailFault};
pub use once::{CardCode, LinkHash, OneTime, Purpose};
pub use password::{InitialPassword, PasswordFault, PasswordPolicy};
pub use phone::phone;
pub use prefecture::Prefecture;
pub use registration::{ApiToken, DraftStand, Member, Proposal, SiteDraft};
pub use search::{Directory, Found, SearchKey};
pub use service::{Notice, ServiceApplication, ServiceStand};
pub use totp::TotpSecret;
pub use world::Randomness;
