//! What an operator gives and sees.

use joining::{Stand, Urgency};
use reception::{ReviewItem, ReviewPage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{At, Institution, Keyed, Secret, Words, most};

/// Which part of the work-list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct WorkPart {
    /// What waits, or what was decided last.
    #[serde(default)]
    pub list: WorkList,
    /// Items at most.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: u16,
    /// The value of `next` that the part before ended with.
    #[serde(default)]
    pub after: String,
}

/// What waits, most urgent first, or what was decided, newest first.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(in crate::joining::api) enum WorkList {
    #[default]
    Open,
    Decided,
}

/// Which part of the accounts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct AccountsPart {
    /// Number of the institution; all if absent.
    pub institution: Option<i64>,
    /// Items at most.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: u16,
    /// The value of `next` that the part before ended with.
    #[serde(default)]
    pub after: String,
}

/// The version that was seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct Version {
    /// `version` of what is decided on.
    pub version: i64,
}

/// A call to the institution (事実確認の電話).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct CallGiven {
    /// The application's version that was seen.
    pub version: i64,
    /// The number that was dialled.
    pub phone: String,
    /// What came of it: `confirmed`, `not-reached` or `denied`.
    pub outcome: String,
    /// What was said.
    #[serde(default)]
    pub note: String,
}

/// Which institution of the directory it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct SettleGiven {
    /// The application's version that was seen.
    pub version: i64,
    /// Number of the institution.
    pub institution: i64,
}

/// Why not.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct RejectGiven {
    /// The version that was seen.
    pub version: i64,
    /// Why, as the letter says it.
    pub reason: String,
}

/// A notice to be published.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct NoticeGiven {
    /// Headline.
    pub title: Words,
    /// Text.
    pub body: Words,
    /// Shown until (RFC 3339); for ever if absent.
    pub until: Option<String>,
}

/// Institutions to be put into the directory, or changed by their number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct PutInstitutions {
    /// As many as the body may be long; the same ones again change nothing.
    pub institutions: Vec<Institution>,
}

/// An application of an institution to join.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Application {
    /// Its number.
    number: i64,
    /// Its version: whoever decides sends it back. In lists it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    /// Where it stands: `submitted`, `awaits-second`, `approved` or `rejected`.
    stand: String,
    /// The institution's name, as in the directory or as the applicant wrote it.
    institution_name: String,
    /// Its number in the directory, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    institution: Option<i64>,
    /// Where letters go.
    mail: String,
    /// What the applicant filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<Form>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted_at: Option<At>,
    /// By when it is to be decided.
    due: At,
    /// How late it is.
    urgency: Late,
    /// Calls to the institution, in order.
    calls: Vec<Call>,
    /// Has the institution confirmed by telephone?
    confirmed: bool,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// User ID of the account it came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

/// The fields of a full application (利用本申請).
#[derive(Debug, Serialize, JsonSchema)]
struct Form {
    /// JIS number of the prefecture.
    prefecture: u8,
    /// 施設長.
    head: String,
    /// Its reading.
    head_kana: String,
    /// 届出責任者.
    applicant: String,
    /// Its reading.
    applicant_kana: String,
    /// Department.
    department: String,
    /// Post.
    post: String,
    /// Telephone number.
    phone: String,
    /// Extension.
    extension: String,
}

/// A call that was made.
#[derive(Debug, Serialize, JsonSchema)]
struct Call {
    /// Who called.
    by: String,
    /// When.
    at: At,
    /// The number that was dialled.
    phone: String,
    /// What came of it: `confirmed`, `not-reached` or `denied`.
    outcome: String,
    /// What was said.
    note: String,
}

/// How late an application is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Late {
    InTime,
    Overdue,
    Alarm,
}

impl Application {
    pub fn of(page: ReviewPage) -> Self {
        Self { version: Some(page.version), ..Self::of_item(page.item) }
    }

    pub fn of_item(item: ReviewItem) -> Self {
        let confirmed = item.application.confirmed();
        let institution = item.application.institution().map(|id| id.0);
        let application = item.application;
        let stand = application.stand.as_str().to_owned();
        let (user, reason) = match application.stand {
            Stand::Begun | Stand::Submitted | Stand::AwaitsSecond { .. } | Stand::Lapsed => (None, None),
            Stand::Approved { user, .. } => (Some(user.to_string()), None),
            Stand::Rejected { reason, .. } => (None, Some(reason)),
        };
        let form = application.full.map(|full| Form {
            prefecture: full.prefecture.number(),
            head: full.head,
            head_kana: full.head_kana,
            applicant: full.applicant,
            applicant_kana: full.applicant_kana,
            department: full.department,
            post: full.post,
            phone: full.phone,
            extension: full.extension,
        });
        let call = |call: joining::Call| Call {
            by: call.by,
            at: call.at.into(),
            phone: call.phone,
            outcome: call.outcome.as_str().to_owned(),
            note: call.note,
        };
        Self {
            number: item.number,
            version: None,
            stand,
            institution_name: item.institution,
            institution,
            mail: application.mail.to_string(),
            form,
            submitted_at: application.submitted_at.map(At::from),
            due: item.due.by.into(),
            urgency: match item.urgency {
                Urgency::InTime => Late::InTime,
                Urgency::Overdue => Late::Overdue,
                Urgency::Alarm => Late::Alarm,
            },
            calls: application.calls.into_iter().map(call).collect(),
            confirmed,
            reason,
            user,
        }
    }
}

impl Keyed for Application {
    fn key(&self) -> String {
        self.number.to_string()
    }
}

/// What an approval came to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Approval {
    /// Is it approved? If not, another operator has to approve too.
    pub done: bool,
    /// The account that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Secret>,
    /// The number to call and tell the initial password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}
