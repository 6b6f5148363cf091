//! What can go wrong for the person at the keyboard, and the exit code that says so.

use model::DocumentError;
use std::path::PathBuf;
use texts::{Reason, Texts, Words};
use wire::api::Problem;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The other side heard the question and says no, with its reasons.
    #[error("refused: {0:?}")]
    Refused(Box<Problem>),
    /// A statement is not believed, with every reason.
    #[error("not believed: {0:?}")]
    NotBelieved(Vec<Reason>),
    /// Nobody answers.
    #[error("{what} is out of reach: {why}")]
    Unreachable {
        /// Who.
        what: String,
        /// Why.
        why: String,
    },
    /// An answer nobody understands: versions that do not fit.
    #[error("{what} answers something else than expected: {why}")]
    Nonsense {
        /// Who.
        what: String,
        /// Why.
        why: String,
    },
    /// The card.
    #[error(transparent)]
    Card(#[from] card::CardError),
    /// A certificate that could not be fetched.
    #[error(transparent)]
    Enrolment(#[from] enrolment::Failure),
    /// A file of this machine.
    #[error(transparent)]
    File(#[from] files::Fault),
    /// A document of this machine.
    #[error(transparent)]
    Document(#[from] Box<DocumentError>),
    /// The configuration lacks something this command needs.
    #[error("the configuration {} has no [{section}]", path.display())]
    NotConfigured {
        /// The configuration file.
        path: PathBuf,
        /// The missing section.
        section: &'static str,
    },
    /// A word of the command line is not what it should be.
    #[error("`{0}` is not a host and a service")]
    Misread(String),
    /// Nothing fits what was asked.
    #[error("no open connection fits `{0}`")]
    NothingFits(String),
}

impl Failure {
    /// 1 refused or not proved, 2 wrong use or local files, 3 out of reach.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Enrolment(enrolment::Failure::Refused { .. }) => 1,
            Self::Enrolment(
                enrolment::Failure::Unreachable { .. }
                | enrolment::Failure::Silent { .. }
                | enrolment::Failure::Nonsense { .. },
            ) => 3,
            Self::Enrolment(_) => 2,
            Self::Refused(_) | Self::NotBelieved(_) | Self::NothingFits(_) => 1,
            Self::Card(_) | Self::File(_) | Self::Document(_) | Self::NotConfigured { .. } | Self::Misread(_) => 2,
            Self::Unreachable { .. } | Self::Nonsense { .. } => 3,
        }
    }

    /// What happened and what to do, for people.
    pub fn lines(&self, texts: &Texts) -> Vec<(String, String)> {
        let (what, fix) = match self {
            Self::Refused(problem) => return crate::render::problem(texts, problem),
            Self::NotBelieved(reasons) => return reasons.iter().flat_map(|reason| told(texts, reason)).collect(),
            Self::Unreachable { what, why } => (
                texts.say("cli-unreachable", &[("what", what.as_str().into()), ("why", why.as_str().into())]),
                texts.say("cli-unreachable-do", &[]),
            ),
            Self::Nonsense { what, why } => (
                texts.say("cli-nonsense", &[("what", what.as_str().into()), ("why", why.as_str().into())]),
                texts.say("cli-nonsense-do", &[]),
            ),
            Self::Enrolment(failure) => enrolment_lines(texts, failure),
            Self::Card(error) => (texts.say(error.key(), &[]), texts.say(&format!("{}-do", error.key()), &[])),
            Self::File(fault) => (fault.words().what(texts), fault.words().mend(texts)),
            Self::Document(error) => {
                let words = Words::from(&**error);
                (words.what(texts), words.mend(texts))
            }
            Self::NotConfigured { path, section } => (
                texts.say(
                    "cli-not-configured",
                    &[("path", path.display().to_string().into()), ("section", (*section).into())],
                ),
                texts.say("cli-not-configured-do", &[("section", (*section).into())]),
            ),
            Self::Misread(what) => {
                (texts.say("cli-misread", &[("what", what.as_str().into())]), texts.say("cli-misread-do", &[]))
            }
            Self::NothingFits(what) => (
                texts.say("cli-nothing-fits", &[("what", what.as_str().into())]),
                texts.say("cli-nothing-fits-do", &[]),
            ),
        };
        vec![(texts.say("cli-label-failed", &[]), what), (texts.say("cli-label-remedy", &[]), fix)]
    }
}

impl From<keys::KeyFault> for Failure {
    fn from(fault: keys::KeyFault) -> Self {
        Self::Enrolment(fault.into())
    }
}

/// What happened, whose section, what to do.
fn told(texts: &Texts, reason: &Reason) -> [(String, String); 3] {
    let said = reason.lines(texts);
    [
        (texts.say("cli-label-refused", &[]), said.refused),
        (texts.say("cli-label-section", &[]), said.section),
        (texts.say("cli-label-remedy", &[]), said.remedy),
    ]
}

fn enrolment_lines(texts: &Texts, failure: &enrolment::Failure) -> (String, String) {
    match failure {
        enrolment::Failure::Card(error) => {
            (texts.say(error.key(), &[]), texts.say(&format!("{}-do", error.key()), &[]))
        }
        other => (other.words().what(texts), other.words().mend(texts)),
    }
}

texts::faults! {
    /// What is wrong with a file of this machine beyond what every file can have.
    pub enum Unfit in "cli-file" {
        /// Not of its form.
        Misread = "misread" { said: String }
        /// No agreement to sign.
        NoAgreement = "no-agreement" {}
        /// The key did not sign.
        CannotSign = "cannot-sign" {}
        /// No name in a certificate.
        NotOurs = "not-ours" {}
        /// An authority is there.
        AuthorityThere = "authority-there" {}
        /// A request for another kind of key.
        KeyKind = "key-kind" { found: String }
        /// A serial number of nobody.
        NoSuchSerial = "no-such-serial" { serial: String }
        /// No key of the authority.
        NoSuchKey = "no-such-key" {}
        /// A certificate of another key.
        OtherKey = "other-key" {}
        /// A certificate of no element.
        NoElement = "no-element" {}
        /// A certificate of somebody else.
        NotOf = "not-of" { wanted: String }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_fails_is_not_blamed_on_the_card_reader_n12() {
        for texts in texts::Lang::ALL.map(Texts::new) {
            let said = |fault: keys::KeyFault| {
                let words = (fault.words().what(&texts), fault.words().mend(&texts));
                (Failure::from(fault).lines(&texts).into_iter().map(|(_, line)| line).collect::<Vec<_>>(), words)
            };
            for fault in [keys::KeyFault::NoRandomness, keys::KeyFault::NoSuchKey("x".into())] {
                let (lines, (what, mend)) = said(fault);
                assert_eq!(lines, [what, mend]);
            }
        }
    }

    #[test]
    fn whatever_is_wrong_with_a_file_has_text_and_mend_in_both_languages_x5() {
        assert_eq!(texts::lacking(Unfit::ALL, &["place"]), [""; 0]);
    }
}
