//! Why a call was refused (RFC 9457): the same as a page says, for programs.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use joining::{Action, FieldFault};
use model::Section;
use schemars::JsonSchema;
use serde::Serialize;
use texts::{Arg, Reason};

use crate::joining::words;
use crate::reader::Reader;

pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a call was refused.
#[derive(Debug)]
pub(in crate::joining) enum Problem {
    /// By a use case of joining.
    Joining(reception::Refused),
    /// By the room of report files.
    Files(submissions::Refused),
    /// By the registration of sites.
    Registration(registration::Refused),
    /// By whoever keeps the devices.
    Devices(provenance::Refused),
    /// Before a use case was asked.
    Plain(Plain),
}

/// What is refused before a use case is asked.
#[derive(Debug)]
pub(in crate::joining) enum Plain {
    /// Too many calls in a short time.
    TooOften {
        /// Seconds to wait.
        seconds: u64,
    },
    /// No token was shown.
    NoToken,
    /// The token shown counts for nothing: unknown, ended, revoked, or its account is stopped.
    BadToken,
    /// Not for this role.
    NotYours,
    /// The token was not made for this.
    TooNarrow(Action),
    /// There is no such call.
    NoSuchCall,
    /// Not with this method.
    WrongMethod,
    /// Longer than anything that is taken.
    TooLong,
    /// The body is not JSON.
    NotJson,
    /// Cannot be read; with what the reader of it says.
    Malformed(String),
    /// It comes from a page of another site.
    Strange,
    /// No report files are taken here.
    NotHere,
    /// No sites are registered here.
    NoRegistration,
    /// No devices are registered here.
    NoDevices,
    /// Who is in the client VPN is not known now.
    VpnUnknown,
    /// No such line of the client VPN, or it could not be ended now.
    LineNotIn,
    /// The program failed.
    Broken,
}

/// Why a call was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Document {
    /// What it is, stable: `urn:sekisho:problem:` and the code in small letters.
    #[serde(rename = "type")]
    kind: String,
    /// What happened, in the language of `Accept-Language` (ja, en).
    title: String,
    /// The HTTP status.
    status: u16,
    /// Stable code.
    code: String,
    /// Whose side it is on: `terminal`, `in-house-lan`, `access-line`, `operator`, `peer` or `service`.
    section: String,
    /// The same in words.
    side: String,
    /// What to do.
    remedy: String,
    /// What exactly could not be read, for programmers.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<Fault>,
    /// Further reasons, if there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<More>,
}

/// A further reason.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Reason")]
struct More {
    /// What happened.
    title: String,
    /// Stable code.
    code: String,
    /// Whose side it is on.
    section: String,
    /// The same in words.
    side: String,
    /// What to do.
    remedy: String,
}

impl More {
    fn of(reason: &Reason, reader: &Reader) -> Self {
        let lines = reason.lines(reader.texts);
        Self {
            title: lines.refused,
            code: reason.code.clone(),
            section: reason.section.to_string(),
            side: lines.section,
            remedy: lines.remedy,
        }
    }
}

/// What is wrong with a field.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Fault")]
struct Fault {
    /// Which; stable.
    field: String,
    /// What; stable.
    code: String,
    /// In words.
    title: String,
    /// The bound it breaks, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
}

impl From<reception::Refused> for Problem {
    fn from(no: reception::Refused) -> Self {
        Self::Joining(no)
    }
}

impl From<submissions::Refused> for Problem {
    fn from(no: submissions::Refused) -> Self {
        Self::Files(no)
    }
}

impl From<registration::Refused> for Problem {
    fn from(no: registration::Refused) -> Self {
        Self::Registration(no)
    }
}

impl From<provenance::Refused> for Problem {
    fn from(no: provenance::Refused) -> Self {
        Self::Devices(no)
    }
}

impl From<Plain> for Problem {
    fn from(no: Plain) -> Self {
        Self::Plain(no)
    }
}

impl Plain {
    /// What an answer without words of its own means.
    pub fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::FORBIDDEN => Self::Strange,
            StatusCode::NOT_FOUND => Self::NoSuchCall,
            StatusCode::METHOD_NOT_ALLOWED => Self::WrongMethod,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLong,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::NotJson,
            status if status.is_server_error() => Self::Broken,
            status => Self::Malformed(status.to_string()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooOften { .. } => "too-often",
            Self::NoToken => "no-token",
            Self::BadToken => "bad-token",
            Self::NotYours => "not-yours",
            Self::TooNarrow(_) => "too-narrow",
            Self::NoSuchCall => "no-such-call",
            Self::WrongMethod => "wrong-method",
            Self::TooLong => "too-long",
            Self::NotJson => "not-json",
            Self::Malformed(_) => "malformed",
            Self::Strange => "strange",
            Self::NotHere => "not-here",
            Self::NoRegistration => "no-registration",
            Self::NoDevices => "no-devices",
            Self::VpnUnknown => "vpn-unknown",
            Self::LineNotIn => "line-not-in",
            Self::Broken => "broken",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NoToken | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::NotYours | Self::TooNarrow(_) | Self::Strange => StatusCode::FORBIDDEN,
            Self::NoSuchCall | Self::NotHere | Self::NoRegistration | Self::NoDevices => StatusCode::NOT_FOUND,
            Self::VpnUnknown => StatusCode::SERVICE_UNAVAILABLE,
            Self::LineNotIn => StatusCode::CONFLICT,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn section(&self) -> Section {
        match self {
            Self::NotYours | Self::TooNarrow(_) => Section::InHouseLan,
            Self::NotHere
            | Self::NoRegistration
            | Self::NoDevices
            | Self::VpnUnknown
            | Self::LineNotIn
            | Self::Broken => Section::Operator,
            _ => Section::Terminal,
        }
    }

    fn reason(&self) -> Reason {
        let mut args = std::collections::BTreeMap::new();
        match self {
            Self::TooOften { seconds } => {
                args.insert("seconds".to_owned(), Arg::Number(i64::try_from(*seconds).unwrap_or(i64::MAX)));
            }
            Self::TooNarrow(action) => drop(args.insert("action".to_owned(), Arg::text(action.as_str()))),
            _ => {}
        }
        let key = format!("api-problem-{}", self.code());
        Reason { code: self.code().to_owned(), section: self.section(), key, note: None, args }
    }

    /// What goes into the head of the answer beside it (RFC 6750 §3, RFC 9110 §10.2.3).
    fn dress(&self, answer: &mut Response) {
        let challenge = match self {
            Self::NoToken => "Bearer realm=\"sekisho\"".to_owned(),
            Self::BadToken => "Bearer realm=\"sekisho\", error=\"invalid_token\"".to_owned(),
            Self::TooNarrow(action) => {
                format!("Bearer realm=\"sekisho\", error=\"insufficient_scope\", scope=\"{}\"", action.as_str())
            }
            Self::TooOften { seconds } => {
                answer.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
                return;
            }
            _ => return,
        };
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
    }
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::Joining(no) => StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT),
            Self::Files(no) => no.status(),
            Self::Registration(no) => StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT),
            Self::Devices(no) => StatusCode::from_u16(no.status()).unwrap_or(StatusCode::CONFLICT),
            Self::Plain(no) => no.status(),
        }
    }

    /// Every reason; policy may have several.
    fn reasons(&self) -> Vec<Reason> {
        match self {
            Self::Joining(no) => vec![no.reason()],
            Self::Files(no) => vec![no.reason()],
            Self::Registration(no) => no.reasons(),
            Self::Devices(no) => no.reasons(),
            Self::Plain(no) => vec![no.reason()],
        }
    }

    fn faults(&self) -> &[FieldFault] {
        match self {
            Self::Joining(no) => words::faults_of(no),
            Self::Registration(no) => no.faults(),
            Self::Files(_) | Self::Devices(_) | Self::Plain(_) => &[],
        }
    }

    /// As an answer in the reader's language.
    pub fn show(&self, reader: &Reader) -> Response {
        let (mut reasons, status) = (self.reasons().into_iter(), self.status());
        let reason = reasons.next().unwrap_or_else(|| Plain::Broken.reason());
        if status.is_server_error() {
            tracing::error!(code = reason.code, why = ?self, "api");
        }
        let args: Vec<(&str, Arg)> = reason.args.iter().map(|(name, arg)| (name.as_str(), arg.clone())).collect();
        let faults = self.faults().iter().map(|fault| Fault {
            field: fault.field.as_str().to_owned(),
            code: fault.code.as_str().to_owned(),
            title: words::words(fault, reader),
            limit: fault.limit,
        });
        let document = Document {
            kind: format!("urn:sekisho:problem:{}", reason.code.to_lowercase()),
            title: reader.tell(&reason.key, &args),
            status: status.as_u16(),
            section: reason.section.to_string(),
            side: reader.say(reason.section.key()),
            remedy: reader.tell(&reason.remedy_key(), &args),
            detail: match self {
                Self::Plain(Plain::Malformed(detail)) => Some(detail.clone()),
                _ => None,
            },
            faults: faults.collect(),
            more: reasons.map(|reason| More::of(&reason, reader)).collect(),
            code: reason.code,
        };
        let mut answer = (status, axum::Json(document)).into_response();
        let head = answer.headers_mut();
        head.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        head.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(reader.lang().as_str()));
        if let Self::Plain(no) = self {
            no.dress(&mut answer);
        }
        answer
    }
}
