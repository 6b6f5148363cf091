//! What goes in and out as JSON: shapes of their own, so that a change within is no change of the API.

mod checksheet;
mod equipment;
mod oversight;
mod parts;
mod review;
mod sites;
mod transfer;

use joining::{AccountRole, AccountState, ServiceStand};
use model::{LocalizedName, Timestamp};
use reception::{
    AccountView, InstitutionList, MenuItem, NoticeView, Refused, Reset, ServiceView, SignedIn, StaffAdded,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use submissions::SubmissionView;

use super::{Plain, Problem};
use crate::reader::Reader;
pub(in crate::joining::api) use checksheet::{AnswersGiven, SiteChecksheet};
pub(in crate::joining::api) use equipment::{
    AnswerGiven, Device, DeviceEnded, DeviceToken, DevicesAfter, ReportGiven, RevokeGiven, SiteOfDevice, StatementGiven,
};
pub(in crate::joining::api) use oversight::{ClientLine, Overseen, OverseenPart};
pub(in crate::joining::api) use parts::{
    Agreement, AgreementGiven, HostGiven, LineGiven, OfferGiven, SignatureGiven, SiteVersion, WhyGiven,
};
pub(in crate::joining::api) use review::{
    AccountsPart, Application, Approval, CallGiven, NoticeGiven, PutInstitutions, RejectGiven, SettleGiven, Version,
    WorkList, WorkPart,
};
pub(in crate::joining::api) use sites::{Enrolment, Member, MemberGiven, Site, SiteGiven, SiteProposal, WholeSite};
pub(in crate::joining::api) use transfer::{Exported, FileGiven, TransferDone, TriedGiven};

/// Items of a part of a list at most.
const MOST: u16 = 100;

/// Nothing is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(in crate::joining::api) struct Nothing {}

/// An OpenAPI document.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("type" = "object"))]
pub(in crate::joining::api) struct OpenApi(pub serde_json::Value);

/// Which part of a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct Part {
    /// Items at most.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: u16,
    /// The value of `next` that the part before ended with.
    #[serde(default)]
    pub after: String,
}

fn most() -> u16 {
    MOST
}

impl Part {
    pub fn limit(&self) -> Result<u16, Problem> {
        if (1..=MOST).contains(&self.limit) {
            Ok(self.limit)
        } else {
            Err(Plain::Malformed(format!("limit: 1 to {MOST}")).into())
        }
    }
}

/// A part of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub(in crate::joining::api) struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// What `after` is for the next part; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What an item is called in its list.
pub(in crate::joining::api) trait Keyed {
    fn key(&self) -> String;
}

/// The part that was asked for.
pub(in crate::joining::api) fn listed<T: Keyed>(
    all: impl Iterator<Item = T>,
    part: &Part,
) -> Result<Listed<T>, Problem> {
    let limit = usize::from(part.limit()?);
    let mut all: Vec<T> = all.collect();
    if !part.after.is_empty() {
        let at = all.iter().position(|one| one.key() == part.after).ok_or(Refused::NoSuch)?;
        all.drain(..=at);
    }
    let more = all.len() > limit;
    all.truncate(limit);
    let next = all.last().filter(|_| more).map(Keyed::key);
    Ok(Listed { items: all, next })
}

/// An instant (RFC 3339), UTC.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "date-time"))]
pub(in crate::joining::api) struct At(String);

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> Self {
        Self(at.to_string())
    }
}

/// In both languages.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct Words {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl From<LocalizedName> for Words {
    fn from(name: LocalizedName) -> Self {
        Self { ja: name.ja, en: name.en }
    }
}

/// Words of an institution's name or reading.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct Search {
    /// Part of the name or its reading; width, case and kana make no difference.
    #[serde(default)]
    pub words: String,
    /// JIS number of the prefecture, 1 to 47.
    pub prefecture: Option<u8>,
    /// Institutions at most.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: u16,
}

/// What a search found.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Found {
    /// The best.
    items: Vec<Institution>,
    /// How many there are in all.
    total: u64,
}

/// An institution of the directory.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct Institution {
    /// Its number.
    pub number: i64,
    /// Code of a medical institution, ten digits; empty if it has none.
    pub code: String,
    /// JIS number of the prefecture, 1 to 47.
    pub prefecture: u8,
    /// Name.
    pub name: String,
    /// Its reading.
    pub kana: String,
    /// Address without the prefecture.
    pub address: String,
}

impl Found {
    pub fn of(list: InstitutionList) -> Self {
        let one = |i: joining::Institution| Institution {
            number: i.id.0,
            code: i.code,
            prefecture: i.prefecture.number(),
            name: i.name,
            kana: i.kana,
            address: i.address,
        };
        Self { items: list.found.into_iter().map(one).collect(), total: list.total as u64 }
    }
}

/// Whose token it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct OwnAccount {
    /// 利用者 ID.
    user: String,
    /// Name.
    name: String,
    /// Where letters go.
    mail: String,
    /// What its owner is there.
    role: Role,
    /// Number of the institution.
    institution: i64,
    /// Its name.
    institution_name: String,
    /// The token.
    token: OwnToken,
}

/// The token that was shown.
#[derive(Debug, Serialize, JsonSchema)]
struct OwnToken {
    /// Its number.
    number: i64,
    /// What its owner calls it.
    label: String,
    /// What it may do.
    actions: Vec<String>,
    /// It ends then.
    until: At,
}

impl OwnAccount {
    pub fn of(who: &SignedIn, institution_name: String) -> Result<Self, Problem> {
        let (number, token) = who.program().ok_or(Plain::BadToken)?;
        let account = who.account();
        Ok(Self {
            user: account.user.to_string(),
            name: account.name.clone(),
            mail: account.mail.to_string(),
            role: account.role.into(),
            institution: account.institution.0,
            institution_name,
            token: OwnToken {
                number,
                label: token.label.clone(),
                actions: token.actions.iter().map(|a| a.as_str().to_owned()).collect(),
                until: token.until.into(),
            },
        })
    }
}

/// What the owner of an account is in the institution.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Role {
    /// 届出責任者.
    Manager,
    /// 届出担当者.
    Staff,
}

impl From<AccountRole> for Role {
    fn from(role: AccountRole) -> Self {
        match role {
            AccountRole::Manager => Self::Manager,
            AccountRole::Staff => Self::Staff,
        }
    }
}

/// An account; nothing secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Account {
    /// 利用者 ID.
    user: String,
    /// VPN-ID.
    vpn: String,
    /// Number of its institution.
    institution: i64,
    /// Name.
    name: String,
    /// Its reading.
    kana: String,
    /// Where letters go.
    mail: String,
    /// What its owner is there.
    role: Role,
    /// Does it work?
    state: State,
    /// Does it still have its initial password?
    initial: bool,
    /// Is it locked now?
    locked: bool,
    /// Has it a second factor?
    second_factor: bool,
    /// When it was made.
    made_at: At,
}

/// Does an account work?
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum State {
    Active,
    Suspended,
    Removed,
}

impl Account {
    pub fn of(view: AccountView) -> Self {
        Self {
            user: view.user.to_string(),
            vpn: view.vpn.to_string(),
            institution: view.institution.0,
            name: view.name,
            kana: view.kana,
            mail: view.mail.to_string(),
            role: view.role.into(),
            state: match view.state {
                AccountState::Active => State::Active,
                AccountState::Suspended => State::Suspended,
                AccountState::Removed => State::Removed,
            },
            initial: view.initial,
            locked: view.locked,
            second_factor: view.second_factor,
            made_at: view.made_at.into(),
        }
    }
}

impl Keyed for Account {
    fn key(&self) -> String {
        self.user.clone()
    }
}

/// A new member of staff.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct StaffGiven {
    /// Name.
    pub name: String,
    /// Its reading, full-width katakana.
    pub kana: String,
    /// Where letters go; no mobile carrier's.
    pub mail: String,
}

/// An initial password: told in person or by telephone, shown here and never again.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Secret {
    /// 利用者 ID.
    pub user: String,
    /// VPN-ID.
    pub vpn: String,
    /// 初期パスワード, six digits.
    pub initial_password: String,
    /// It ends then.
    pub until: At,
}

impl Secret {
    pub fn of(reset: &Reset) -> Self {
        Self {
            user: reset.user.to_string(),
            vpn: reset.vpn.to_string(),
            initial_password: reset.initial.reveal().to_owned(),
            until: reset.until.into(),
        }
    }
}

/// A member of staff was added.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct NewStaff {
    /// The account.
    account: Account,
    /// What its owner signs in with first.
    initial: Secret,
}

impl NewStaff {
    pub fn of(added: StaffAdded) -> Self {
        Self { initial: Secret::of(&added.reset), account: Account::of(added.account) }
    }
}

/// A notice (お知らせ).
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Notice {
    /// Its number.
    number: i64,
    /// Headline.
    title: Words,
    /// Text.
    body: Words,
    /// Shown from.
    from: At,
    /// Shown until; for ever if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<At>,
}

impl Notice {
    pub fn of(view: NoticeView) -> Self {
        let NoticeView { number, notice } = view;
        Self {
            number,
            title: notice.title.into(),
            body: notice.body.into(),
            from: notice.from.into(),
            until: notice.until.map(At::from),
        }
    }
}

impl Keyed for Notice {
    fn key(&self) -> String {
        self.number.to_string()
    }
}

/// A service an institution can apply for.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Service {
    /// Its id.
    id: String,
    /// Its name.
    name: Words,
    /// What it is for.
    about: Words,
    /// Where it is; once the institution was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Was the institution approved for it?
    open: bool,
    /// May it apply now?
    can_apply: bool,
}

impl Service {
    pub fn of(item: MenuItem) -> Self {
        Self {
            id: item.offer.id,
            name: item.offer.name.into(),
            about: item.offer.about.into(),
            url: (item.open && !item.offer.url.is_empty()).then_some(item.offer.url),
            open: item.open,
            can_apply: item.can_apply,
        }
    }
}

/// Services to apply for, all or none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::joining::api) struct ApplyGiven {
    /// Their ids.
    pub services: Vec<String>,
}

/// Applications that were taken in.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Accepted {
    /// One for each service.
    pub items: Vec<ServiceApplication>,
}

/// An application for a service.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct ServiceApplication {
    /// Its number.
    number: i64,
    /// Its version: whoever decides sends it back, so that nobody decides on what they have not seen.
    version: i64,
    /// Id of the service.
    service: String,
    /// Number of the institution.
    institution: i64,
    /// Its name.
    institution_name: String,
    /// User ID of who applied.
    by: String,
    /// When.
    at: At,
    /// Where it stands: `accepted`, `approved` or `cancelled`.
    stand: String,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<At>,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ServiceApplication {
    pub fn of(view: ServiceView) -> Self {
        let application = view.application;
        let stand = application.stand.as_str().to_owned();
        let (decided_at, reason) = match application.stand {
            ServiceStand::Accepted => (None, None),
            ServiceStand::Approved { at, .. } => (Some(at.into()), None),
            ServiceStand::Cancelled { at, reason, .. } => (Some(at.into()), Some(reason)),
        };
        Self {
            number: view.number,
            version: view.version,
            service: application.service,
            institution: application.institution.0,
            institution_name: view.institution,
            by: application.by.to_string(),
            at: application.at.into(),
            stand,
            decided_at,
            reason,
        }
    }
}

impl Keyed for ServiceApplication {
    fn key(&self) -> String {
        self.number.to_string()
    }
}

/// A report file that was submitted. The file itself goes to the entrance of the service, by the tus protocol.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Submission {
    /// Its number.
    pub id: String,
    /// Name of the file.
    name: String,
    /// User ID of who began it.
    account: String,
    /// Octets announced.
    length: u64,
    /// Octets kept.
    offset: u64,
    /// `receiving`, `received`, `accepted`, `refused`, `withdrawn`, `expired` or `repeated`.
    state: String,
    /// When it was begun.
    begun_at: At,
    /// When its last octet had arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<At>,
    /// When it was accepted, refused, withdrawn or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<At>,
    /// SHA-256 of what arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Is there a receipt?
    receipt: bool,
    /// The accepted submission that it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Submission {
    pub fn of(view: SubmissionView, reader: &Reader) -> Self {
        Self {
            reason: view.reason.as_ref().map(|reason| reason.lines(reader.texts).refused),
            id: view.id,
            name: view.name,
            account: view.account,
            length: view.length,
            offset: view.offset,
            state: view.state.to_owned(),
            begun_at: view.begun_at.into(),
            received_at: view.received_at.map(At::from),
            ended_at: view.ended_at.map(At::from),
            sha256: view.sha256,
            receipt: view.receipt,
            same_as: view.same_as,
        }
    }
}

/// The receipt of an accepted submission. `openssl dgst -sha256 -verify` checks it without this API.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::joining::api) struct Receipt {
    /// The signed octets.
    pub text: String,
    /// ECDSA P-256 with SHA-256, DER, in base 64.
    pub signature: String,
    /// Certificate of the key that signs at present, PEM.
    pub certificate: String,
}
