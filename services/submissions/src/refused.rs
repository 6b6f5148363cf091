//! Why something was not done, whose side it is on, and the mend.

use audit::ReasonRecord;
use axum::http::StatusCode;
use model::Section;
use registry::{RegistryError, SubmissionState};
use std::collections::BTreeMap;
use std::io;
use texts::{Arg, Reason};

/// Why a request was refused. Whatever the variant: no byte that was answered for is lost by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// None of that number in this institution.
    NotFound,
    /// It ended.
    Over {
        /// How.
        state: SubmissionState,
    },
    /// A part begins elsewhere than the kept bytes end (tus: 409).
    WrongOffset {
        /// Bytes kept.
        have: u64,
    },
    /// A part is not what its checksum says (tus: 460).
    WrongChecksum {
        /// Bytes kept.
        have: u64,
    },
    /// A kind of checksum that is not spoken here.
    UnknownChecksum(String),
    /// The announced file is too long.
    TooLong {
        /// Most bytes of a file.
        limit: u64,
    },
    /// More came than was announced.
    OverLength {
        /// Bytes announced.
        length: u64,
        /// Bytes kept.
        have: u64,
    },
    /// The disk is full, or its reserve would be touched.
    NoRoom {
        /// Bytes kept.
        have: u64,
    },
    /// Another upload writes to it, here or in another process.
    Busy,
    /// The request cannot be read.
    Malformed(&'static str),
    /// Another version of tus.
    Version,
    /// Not `application/offset+octet-stream`.
    MediaType,
    /// Nothing in it.
    Empty,
    /// Begun by another account of the institution.
    OfAnother,
    /// Accepted ones are not withdrawn.
    AcceptedStays,
    /// Too many begun and not finished.
    TooMany {
        /// How many there may be.
        limit: u64,
    },
    /// Only accepted ones have a receipt.
    NoReceipt {
        /// Where it stands.
        state: SubmissionState,
    },
    /// The line was cut or silent for too long.
    Interrupted {
        /// Bytes kept.
        have: u64,
    },
    /// The registry did not take it.
    Records(String),
    /// The spool did not take it.
    Disk(String),
    /// One key, two files.
    KeyReused,
    /// The scanner found something.
    Infected {
        /// Its name for it.
        found: String,
    },
    /// The whole is not what was announced.
    OtherContent,
}

impl Refused {
    /// Every code with its key, status and section, for documents.
    pub const ALL: [(&'static str, &'static str, u16, Section); 23] = [
        ("U001", "submission-not-found", 404, Section::Terminal),
        ("U002", "submission-over", 410, Section::Terminal),
        ("U003", "submission-wrong-offset", 409, Section::Terminal),
        ("U004", "submission-wrong-checksum", 460, Section::AccessLine),
        ("U005", "submission-unknown-checksum", 400, Section::Terminal),
        ("U006", "submission-too-long", 413, Section::Terminal),
        ("U007", "submission-over-length", 413, Section::Terminal),
        ("U008", "submission-no-room", 507, Section::Operator),
        ("U009", "submission-busy", 423, Section::Terminal),
        ("U010", "submission-malformed", 400, Section::Terminal),
        ("U011", "submission-version", 412, Section::Terminal),
        ("U012", "submission-media-type", 415, Section::Terminal),
        ("U013", "submission-empty", 400, Section::Terminal),
        ("U014", "submission-of-another", 403, Section::InHouseLan),
        ("U015", "submission-accepted-stays", 409, Section::Terminal),
        ("U016", "submission-too-many", 429, Section::InHouseLan),
        ("U017", "submission-no-receipt", 409, Section::Terminal),
        ("U018", "submission-interrupted", 408, Section::AccessLine),
        ("U019", "submission-records", 503, Section::Operator),
        ("U020", "submission-disk", 503, Section::Operator),
        ("U021", "submission-key-reused", 409, Section::Terminal),
        ("U022", "submission-infected", 422, Section::Terminal),
        ("U023", "submission-other-content", 422, Section::AccessLine),
    ];

    fn row(&self) -> &'static (&'static str, &'static str, u16, Section) {
        let at = match self {
            Self::NotFound => 0,
            Self::Over { .. } => 1,
            Self::WrongOffset { .. } => 2,
            Self::WrongChecksum { .. } => 3,
            Self::UnknownChecksum(_) => 4,
            Self::TooLong { .. } => 5,
            Self::OverLength { .. } => 6,
            Self::NoRoom { .. } => 7,
            Self::Busy => 8,
            Self::Malformed(_) => 9,
            Self::Version => 10,
            Self::MediaType => 11,
            Self::Empty => 12,
            Self::OfAnother => 13,
            Self::AcceptedStays => 14,
            Self::TooMany { .. } => 15,
            Self::NoReceipt { .. } => 16,
            Self::Interrupted { .. } => 17,
            Self::Records(_) => 18,
            Self::Disk(_) => 19,
            Self::KeyReused => 20,
            Self::Infected { .. } => 21,
            Self::OtherContent => 22,
        };
        &Self::ALL[at]
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// HTTP status; 460 is tus's own.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.row().2).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Bytes kept, where the next part begins, if this refusal says so.
    pub fn have(&self) -> Option<u64> {
        match self {
            Self::WrongOffset { have }
            | Self::WrongChecksum { have }
            | Self::OverLength { have, .. }
            | Self::NoRoom { have }
            | Self::Interrupted { have } => Some(*have),
            _ => None,
        }
    }

    /// As a reason a person reads.
    pub fn reason(&self) -> Reason {
        let (code, key, _, section) = *self.row();
        let mut args = BTreeMap::new();
        let mut put = |name: &str, arg: Arg| args.insert(name.to_owned(), arg);
        let number = |n: u64| Arg::Number(i64::try_from(n).unwrap_or(i64::MAX));
        if let Some(have) = self.have() {
            put("have", number(have));
        }
        match self {
            Self::Over { state } | Self::NoReceipt { state } => {
                put("state", Arg::Key(state_key(*state)));
            }
            Self::TooLong { limit } | Self::TooMany { limit } => {
                put("limit", number(*limit));
            }
            Self::OverLength { length, .. } => {
                put("length", number(*length));
            }
            Self::UnknownChecksum(why) | Self::Disk(why) => {
                put("why", Arg::text(why));
            }
            Self::Malformed(why) => {
                put("why", Arg::text(why));
            }
            Self::Infected { found } => {
                put("found", Arg::text(found));
            }
            _ => {}
        }
        Reason { code: code.into(), section, key: key.into(), note: None, args }
    }

    /// For the audit log.
    pub(crate) fn record(&self) -> ReasonRecord {
        let reason = self.reason();
        let args = match self {
            Self::Infected { found } => BTreeMap::from([("found".to_owned(), found.clone())]),
            _ => BTreeMap::new(),
        };
        ReasonRecord { code: reason.code, section: reason.section, key: reason.key, args }
    }

    /// From a failure of the spool while so many bytes are kept.
    pub(crate) fn of_disk(error: &io::Error, have: u64) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoRoom { have }
            }
            io::ErrorKind::WouldBlock => Self::Busy,
            kind => Self::Disk(kind.to_string()),
        }
    }
}

/// Fluent key of a state.
pub(crate) fn state_key(state: SubmissionState) -> String {
    format!("submission-state-{state}")
}

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Submission { found: Some(SubmissionState::Accepted), .. } => Self::AcceptedStays,
            RegistryError::Submission { found: Some(state), .. } => Self::Over { state },
            RegistryError::Submission { found: None, .. } => Self::NotFound,
            other => {
                tracing::warn!(code = other.code(), %other, "the registry did not take a submission's step");
                Self::Records(other.code().to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::{Lang, Texts};

    #[test]
    fn every_refusal_says_what_whose_and_what_to_do_in_both_languages_x5() {
        let state = SubmissionState::Withdrawn;
        let all = [
            Refused::NotFound,
            Refused::Over { state },
            Refused::WrongOffset { have: 7 },
            Refused::WrongChecksum { have: 7 },
            Refused::UnknownChecksum("md5".into()),
            Refused::TooLong { limit: 7 },
            Refused::OverLength { length: 9, have: 7 },
            Refused::NoRoom { have: 7 },
            Refused::Busy,
            Refused::Malformed("Upload-Length"),
            Refused::Version,
            Refused::MediaType,
            Refused::Empty,
            Refused::OfAnother,
            Refused::AcceptedStays,
            Refused::TooMany { limit: 7 },
            Refused::NoReceipt { state },
            Refused::Interrupted { have: 7 },
            Refused::Records("R005".into()),
            Refused::Disk("not found".into()),
            Refused::KeyReused,
            Refused::Infected { found: "Eicar".into() },
            Refused::OtherContent,
        ];
        for (n, refused) in all.iter().enumerate() {
            assert_eq!(refused.code(), format!("U{:03}", n + 1));
            for lang in Lang::ALL {
                let texts = Texts::new(lang);
                let lines = refused.reason().lines(&texts);
                for line in [&lines.refused, &lines.remedy] {
                    assert!(!line.contains('{') && !line.contains("submission-"), "{line}");
                }
                if refused.have().is_some() {
                    assert!(format!("{}{}", lines.refused, lines.remedy).contains('7'), "{lines:?}");
                }
                for state in SubmissionState::ALL {
                    assert!(texts.has(&state_key(state)));
                }
            }
        }
        assert_eq!(all.len(), Refused::ALL.len());
    }
}
