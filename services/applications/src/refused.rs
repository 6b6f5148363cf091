//! Why an application is not taken, deleted or run: each reason with its code, whose side it is on, and the mend.

use std::path::PathBuf;

use files::{Defect, Fault};
use model::Section;
use texts::{Arg, Reason, Words};

/// Why not.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Refused {
    /// Q… and P…: the permit, with every reason that can be established.
    #[error("{}", listed(.0))]
    Permit(Vec<equipment::Refusal>),
    /// Q101: each permit is good once.
    #[error("permit {number} of {issuer} was used on this device before")]
    NumberUsed { number: String, issuer: String },
    /// Q102.
    #[error("no application `{0}` is installed")]
    NotInstalled(String),
    /// Q103: the package was changed after it was installed, or is gone.
    #[error("the package of `{0}` is not what was installed")]
    Changed(String),
    /// Q104: the store itself cannot be believed.
    #[error("{}: the register of applications cannot be read: {said}", path.display())]
    Register { path: PathBuf, said: String },
    /// Q105: a file of this machine.
    #[error(transparent)]
    File(Fault),
    /// Q106: its id, or whom it believes.
    #[error("this device does not know who it is, or whom to believe: {0}")]
    Device(Words),
}

fn listed(refusals: &[equipment::Refusal]) -> String {
    refusals.iter().map(|refusal| format!("{} {refusal}", refusal.code())).collect::<Vec<_>>().join("; ")
}

impl Refused {
    /// Codes of its own, in order; those of `equipment` and `pki` come besides.
    pub const CODES: [&'static str; 6] = ["Q101", "Q102", "Q103", "Q104", "Q105", "Q106"];

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::File(Fault::of(&path, Defect::io(&error)))
    }

    /// Every reason, as the rest of the house hands them over. All of it lies with whoever keeps the device, but late
    /// lists of authorities.
    pub fn reasons(&self) -> Vec<Reason> {
        let own = |code: &str, args: Vec<(&str, Arg)>| {
            vec![Reason {
                code: code.to_owned(),
                section: Section::Terminal,
                key: format!("application-{}", code.to_ascii_lowercase()),
                note: None,
                args: args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            }]
        };
        let worded = |words: &Words| vec![("why", words.what_arg()), ("mend", words.mend_arg())];
        match self {
            Self::Permit(refusals) => refusals.iter().map(equipment::Refusal::reason).collect(),
            Self::NumberUsed { number, issuer } => {
                own("Q101", vec![("number", Arg::text(number)), ("issuer", Arg::text(issuer))])
            }
            Self::NotInstalled(name) => own("Q102", vec![("name", Arg::text(name))]),
            Self::Changed(name) => own("Q103", vec![("name", Arg::text(name))]),
            Self::Register { path, said } => {
                own("Q104", vec![("path", Arg::text(path.display())), ("said", Arg::text(said))])
            }
            Self::File(fault) => own("Q105", worded(fault.words())),
            Self::Device(words) => own("Q106", worded(words)),
        }
    }
}

impl From<Vec<equipment::Refusal>> for Refused {
    fn from(refusals: Vec<equipment::Refusal>) -> Self {
        Self::Permit(refusals)
    }
}
