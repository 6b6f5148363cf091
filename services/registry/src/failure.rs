//! What can go wrong with the registry, whose side it is on, and the mend.

use audit::ChainError;
use model::{ConnectionState, Generation, GrantId, Section, SiteId};
use texts::{Arg, Words};

use crate::SubmissionState;

/// Why the registry did not do it. Unless the variant says otherwise nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The address cannot be used.
    #[error("registry address `{url}`: {why}")]
    BadUrl {
        /// The address, without a password.
        url: String,
        /// Why.
        why: String,
    },
    /// Another center owns the SQLite file.
    #[error("registry {file} is in use by another center ({owner})")]
    Owned {
        /// The file.
        file: String,
        /// What the owner noted about itself.
        owner: String,
    },
    /// The database could not be opened.
    #[error("registry {name} cannot be opened: {why}")]
    CannotOpen {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// Somebody else holds a lock of the database.
    #[error("registry {name} is locked by another process")]
    Locked {
        /// Which.
        name: String,
    },
    /// No room.
    #[error("registry {name} is full")]
    Full {
        /// Which.
        name: String,
    },
    /// May not be written.
    #[error("registry {name} may not be written")]
    ReadOnly {
        /// Which.
        name: String,
    },
    /// What is stored cannot be what was written.
    #[error("registry {name} is damaged: {what}")]
    Corrupt {
        /// Which.
        name: String,
        /// What was found.
        what: String,
    },
    /// Written by a later version.
    #[error("registry {name} has tables of version {found}, this program knows {known}")]
    Newer {
        /// Which.
        name: String,
        /// Version found.
        found: i64,
        /// Version known.
        known: i64,
    },
    /// The database server does not answer.
    #[error("registry {name} cannot be reached: {why}")]
    Unreachable {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// The connection broke while committing: the commit is there or not, never half.
    #[error("registry {name} did not say whether the change was committed: {why}")]
    OutcomeUnknown {
        /// Which.
        name: String,
        /// Why.
        why: String,
    },
    /// The plan does not start from the site's state.
    #[error("the plan for site {site} starts from generation {expected}, the registry is at {found}")]
    Conflict {
        /// The site.
        site: SiteId,
        /// The plan's parent.
        expected: Generation,
        /// What is stored.
        found: Generation,
    },
    /// A connection cannot go from where it is to where it should.
    #[error("connection {grant} cannot become {wanted}: it {}", found.map_or("does not exist".into(), |s| format!("is {s}")))]
    WrongState {
        /// The grant.
        grant: GrantId,
        /// Where it is.
        found: Option<ConnectionState>,
        /// Where it should go.
        wanted: ConnectionState,
    },
    /// Somebody else changed it meanwhile, or it is over.
    #[error("{what} was changed meanwhile")]
    Stale {
        /// What.
        what: String,
    },
    /// The number or name is somebody's already.
    #[error("{what} is taken")]
    Taken {
        /// What.
        what: String,
    },
    /// The parts of a commit do not belong together: a fault of this program.
    #[error("inconsistent commit: {0}")]
    Inconsistent(String),
    /// No numbers left.
    #[error("no grant numbers are left")]
    GrantIdsExhausted,
    /// The audit log is broken.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A submission is not where this step begins, or its key is taken.
    #[error("submission {id} cannot become {wanted}: it {}", found.map_or("does not exist".into(), |s| format!("is {s}")))]
    Submission {
        /// Its number.
        id: String,
        /// Where it is.
        found: Option<SubmissionState>,
        /// Where it should go.
        wanted: SubmissionState,
    },
    /// Anything else the database said.
    #[error("registry {name}: {message} (code {code})")]
    Database {
        /// Which.
        name: String,
        /// The database's code, `-` if none.
        code: String,
        /// The database's message.
        message: String,
    },
}

impl RegistryError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadUrl { .. } => "R001",
            Self::Owned { .. } => "R002",
            Self::CannotOpen { .. } => "R003",
            Self::Locked { .. } => "R004",
            Self::Full { .. } => "R005",
            Self::ReadOnly { .. } => "R006",
            Self::Corrupt { .. } => "R007",
            Self::Newer { .. } => "R008",
            Self::Unreachable { .. } => "R009",
            Self::OutcomeUnknown { .. } => "R010",
            Self::Conflict { .. } => "R011",
            Self::WrongState { .. } => "R012",
            Self::Inconsistent(_) => "R013",
            Self::GrantIdsExhausted => "R014",
            Self::Chain(_) => "R015",
            Self::Database { .. } => "R016",
            Self::Stale { .. } => "R017",
            Self::Taken { .. } => "R018",
            Self::Submission { .. } => "R019",
        }
    }

    /// What went wrong and what to do, in words.
    pub fn words(&self) -> Words {
        let state = |known: Option<String>| known.map_or_else(|| Arg::Key("registry-state-none".into()), Arg::Text);
        let (key, args): (&str, Vec<(&str, Arg)>) = match self {
            Self::BadUrl { url, why } => ("bad-url", vec![("name", Arg::text(url)), ("said", Arg::text(why))]),
            Self::Owned { file, owner } => ("owned", vec![("name", Arg::text(file)), ("owner", Arg::text(owner))]),
            Self::CannotOpen { name, why } => {
                ("cannot-open", vec![("name", Arg::text(name)), ("said", Arg::text(why))])
            }
            Self::Locked { name } => ("locked", vec![("name", Arg::text(name))]),
            Self::Full { name } => ("full", vec![("name", Arg::text(name))]),
            Self::ReadOnly { name } => ("read-only", vec![("name", Arg::text(name))]),
            Self::Corrupt { name, what } => ("corrupt", vec![("name", Arg::text(name)), ("said", Arg::text(what))]),
            Self::Newer { name, found, known } => {
                let (found, known) = (("found", Arg::text(found)), ("known", Arg::text(known)));
                ("newer", vec![("name", Arg::text(name)), found, known])
            }
            Self::Unreachable { name, why } => {
                ("unreachable", vec![("name", Arg::text(name)), ("said", Arg::text(why))])
            }
            Self::OutcomeUnknown { name, why } => {
                ("outcome-unknown", vec![("name", Arg::text(name)), ("said", Arg::text(why))])
            }
            Self::Conflict { site, expected, found } => {
                let (expected, found) = (("expected", Arg::text(expected)), ("found", Arg::text(found)));
                ("conflict", vec![("site", Arg::text(site)), expected, found])
            }
            Self::WrongState { grant, found, wanted } => {
                let found = ("found", state(found.map(|found| found.to_string())));
                ("wrong-state", vec![("grant", Arg::text(grant)), ("wanted", Arg::text(wanted)), found])
            }
            Self::Inconsistent(why) => ("inconsistent", vec![("said", Arg::text(why))]),
            Self::GrantIdsExhausted => ("grant-ids-exhausted", Vec::new()),
            Self::Chain(error) => ("chain", vec![("said", Arg::text(error))]),
            Self::Database { name, code, message } => {
                let (code, said) = (("code", Arg::text(code)), ("said", Arg::text(message)));
                ("database", vec![("name", Arg::text(name)), code, said])
            }
            Self::Stale { what } => ("stale", vec![("what", Arg::text(what))]),
            Self::Taken { what } => ("taken", vec![("what", Arg::text(what))]),
            Self::Submission { id, found, wanted } => {
                let found = ("found", state(found.map(|found| found.to_string())));
                ("submission", vec![("id", Arg::text(id)), ("wanted", Arg::text(wanted)), found])
            }
        };
        Words::new(format!("registry-{key}"), args)
    }

    /// Whose section: the registry is the center's, so always the operator's (N12).
    pub fn section(&self) -> Section {
        Section::Operator
    }

    /// May the same commit succeed if it is tried again unchanged?
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Locked { .. } | Self::Full { .. } | Self::Unreachable { .. })
    }

    /// From the database library. Codes: SQLite result codes (low byte is the primary one), PostgreSQL SQLSTATE.
    pub(crate) fn from_sqlx(name: &str, error: sqlx::Error) -> Self {
        let name = name.to_owned();
        match error {
            sqlx::Error::Database(inner) => {
                let message = inner.message().to_owned();
                let code = inner.code().map(|c| c.into_owned()).unwrap_or_else(|| "-".into());
                if code.len() == 5 {
                    return Self::from_sqlstate(name, code, message);
                }
                match code.parse::<u32>().map(|c| c & 0xff) {
                    Ok(5 | 6) => Self::Locked { name },
                    Ok(8) => Self::ReadOnly { name },
                    Ok(11 | 26) => Self::Corrupt { name, what: message },
                    Ok(13) => Self::Full { name },
                    // The shared-memory index of the write-ahead log reports a full disk as an I/O error
                    // (SQLITE_IOERR_WRITE, _SHMSIZE).
                    Ok(10) if matches!(code.as_str(), "778" | "4874") => Self::Full { name },
                    Ok(14) => Self::CannotOpen { name, why: message },
                    _ => Self::Database { name, code, message },
                }
            }
            sqlx::Error::Io(e) => Self::Unreachable { name, why: e.to_string() },
            sqlx::Error::PoolTimedOut => Self::Locked { name },
            e @ (sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)) => Self::Unreachable { name, why: e.to_string() },
            e @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound) => {
                Self::Corrupt { name, what: e.to_string() }
            }
            e => Self::Database { name, code: "-".into(), message: e.to_string() },
        }
    }

    fn from_sqlstate(name: String, code: String, message: String) -> Self {
        match code.as_str() {
            "55P03" | "57014" | "40001" | "40P01" => Self::Locked { name },
            "53100" => Self::Full { name },
            "25006" => Self::ReadOnly { name },
            "XX001" | "XX002" => Self::Corrupt { name, what: message },
            c if c.starts_with("08") || c.starts_with("57P") => Self::Unreachable { name, why: message },
            _ => Self::Database { name, code, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::{Lang, Texts};

    #[test]
    fn every_error_has_a_text_and_a_remedy_in_both_languages_x5() {
        let name = || "r".to_owned();
        let why = name;
        let all = [
            RegistryError::BadUrl { url: name(), why: why() },
            RegistryError::Owned { file: name(), owner: why() },
            RegistryError::CannotOpen { name: name(), why: why() },
            RegistryError::Locked { name: name() },
            RegistryError::Full { name: name() },
            RegistryError::ReadOnly { name: name() },
            RegistryError::Corrupt { name: name(), what: why() },
            RegistryError::Newer { name: name(), found: 2, known: 1 },
            RegistryError::Unreachable { name: name(), why: why() },
            RegistryError::OutcomeUnknown { name: name(), why: why() },
            RegistryError::Conflict { site: "a".parse().unwrap(), expected: Generation(1), found: Generation(2) },
            RegistryError::WrongState { grant: GrantId(1), found: None, wanted: ConnectionState::Open },
            RegistryError::Inconsistent(why()),
            RegistryError::GrantIdsExhausted,
            RegistryError::Chain(ChainError { seq: 1, what: audit::ChainFault::Truncated { known: 2 } }),
            RegistryError::Database { name: name(), code: why(), message: why() },
            RegistryError::Stale { what: name() },
            RegistryError::Taken { what: name() },
            RegistryError::Submission { id: name(), found: None, wanted: SubmissionState::Accepted },
        ];
        for (i, error) in all.iter().enumerate() {
            assert_eq!(error.code(), format!("R{:03}", i + 1));
            for lang in Lang::ALL {
                let texts = Texts::new(lang);
                let words = error.words();
                for (key, said) in [("", words.what(&texts)), ("-do", words.mend(&texts))] {
                    let key = format!("{}{key}", words.key());
                    assert!(texts.has(&key) && !said.contains("{$"), "{lang}: {key}: {said}");
                }
            }
        }
    }
}
