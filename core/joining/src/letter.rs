//! Letters (メール) the product writes, as data; words are the mail room's.

use model::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use texts::Lang;

use crate::MailAddress;

crate::field::names! {
    /// Which letter. Subjects are those of the usage procedure; values each has in [`Letter::args`] stand here.
    LetterKind {
        /// 利用申請 URL のご案内. `expires` (instant, milliseconds); its secret is the URL.
        ApplicationLink = "application-link",
        /// 利用申請受付のご案内. `number`, `institution`, `applicant`, `due`, `alarm` (instants), `contact`.
        ApplicationReceived = "application-received",
        /// 利用申請承認のご案内. `institution`, `applicant`, `user`, `vpn`, `url`, `until` (end of the initial password).
        ApplicationApproved = "application-approved",
        /// 利用申請却下のご案内. `institution`, `applicant`, `reason`, `url` (to apply again).
        ApplicationRejected = "application-rejected",
        /// サービス利用申請受付のご案内. `service-ja`, `service-en`, `number`.
        ServiceReceived = "service-received",
        /// サービス利用申請承認のご案内. `service-ja`, `service-en`, `number`, `url`.
        ServiceApproved = "service-approved",
        /// サービス利用申請取消のご案内. `service-ja`, `service-en`, `number`, `reason`, `url`.
        ServiceCancelled = "service-cancelled",
        /// To a new member of staff (R11). `institution`, `name`, `user`, `vpn`, `url`, `until`.
        StaffAdded = "staff-added",
        /// An operator or the reporting manager reset the password. `user`, `url`, `until`.
        PasswordReset = "password-reset",
        /// The password or the second factor was changed; so that its owner notices if it was another. `user`, `at`.
        CredentialsChanged = "credentials-changed",
        /// The account was locked after wrong passwords. `user`, `at`.
        AccountLocked = "account-locked",
    }
}

/// A letter to be sent. What it says is fixed when it is written; sending it twice is harmless, because both have the
/// same `Message-ID`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Left part of its `Message-ID` (RFC 5322 §3.6.4), 32 hexadecimal digits.
    pub id: String,
    /// Which.
    pub kind: LetterKind,
    /// To whom.
    pub to: MailAddress,
    /// In which language.
    #[serde(with = "crate::lang")]
    pub lang: Lang,
    /// When it was written.
    pub at: Timestamp,
    /// What it mentions, by the names [`LetterKind`] lists.
    pub args: BTreeMap<String, String>,
    /// The one-time URL, in letters that have one; wiped when the letter was sent.
    pub secret: Option<String>,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Letter {
    /// A letter; `id` are sixteen random bytes.
    pub fn new(id: [u8; 16], kind: LetterKind, to: &MailAddress, lang: Lang, at: Timestamp) -> Self {
        let id = id.iter().map(|b| format!("{b:02x}")).collect();
        Self { id, kind, to: to.clone(), lang, at, args: BTreeMap::new(), secret: None }
    }

    /// Mentions a value.
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.args.insert(name.to_owned(), value.to_string());
        self
    }

    /// Carries a one-time URL.
    pub fn with_secret(mut self, url: String) -> Self {
        self.secret = Some(url);
        self
    }
}
