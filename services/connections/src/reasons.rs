//! Reasons that lie with the center and its gates, and how reasons are kept in the audit log.

use audit::ReasonRecord;
use model::{DocumentFault, Section};
use std::collections::BTreeMap;
use texts::{Arg, Reason};

macro_rules! troubles {
    ($($code:literal $name:ident, $key:literal, $section:ident, $status:literal, $doc:literal;)+) => {
        /// What can go wrong besides a denial. Codes are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Trouble {
            $(#[doc = concat!($code, ": ", $doc)] $name,)+
        }

        impl Trouble {
            /// All, by code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
            /// Key of the text; the remedy is this with `-do`.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => concat!("center-", $key),)+ }
            }
            /// Whose section, where nothing more is known.
            pub fn section(self) -> Section {
                match self { $(Self::$name => Section::$section,)+ }
            }
            /// HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }
        }
    };
}

troubles! {
    "O001" GateSilent, "gate-silent", AccessLine, 504, "a gate did not confirm in time";
    "O002" GateRefusedOrder, "gate-refused-order", Operator, 502, "a gate refused the center's order";
    "O003" TunnelDown, "tunnel-down", AccessLine, 504, "both gates are prepared but the tunnel did not come up";
    "O004" RegistryFails, "registry-fails", Operator, 503, "the registry could not commit";
    "O005" ChallengeUnknown, "challenge-unknown", Terminal, 409, "the challenge is unknown, used or too old";
    "O006" Malformed, "malformed", Terminal, 400, "the call cannot be read";
    "O007" NoSuchConnection, "no-such-connection", Terminal, 404, "there is no such live connection";
    "O008" NoSuchRefusal, "no-such-refusal", Operator, 404, "no refusal is recorded under this number";
    "O009" DocumentWrong, "document-wrong", Operator, 422, "a document is wrong or does not fit the others";
    "O010" NotPlannable, "not-plannable", Operator, 409, "no plan can be made";
    "O011" ClosedMeanwhile, "closed-meanwhile", Operator, 409, "the connection was closed while it was opening";
    "O012" NoSuchPath, "no-such-path", Terminal, 404, "the API has no such path";
    "O013" NotOpened, "not-opened", Terminal, 403, "a terminal sent a packet toward something that is not open";
    "O014" AppliedMeanwhile, "applied-meanwhile", Operator, 409, "other documents were applied at the same time";
    "O015" NoSuchHost, "no-such-host", Terminal, 404, "no document describes such a host or service";
    "O016" WhichSite, "which-site", Terminal, 400, "every site counts its own generations and none is named";
    "O017" NoSuchGeneration, "no-such-generation", Terminal, 404, "the site never came to this generation";
    "O018" GenerationNotKept, "generation-not-kept", Operator, 410, "this generation was folded away and cannot be made again";
    "O019" NoSession, "no-session", Terminal, 403, "nobody is signed in there, or the session is over";
    "O020" NoSuchApproval, "no-such-approval", Terminal, 404, "the provider is asked no such thing, or no longer";
    "O021" NothingToCut, "nothing-to-cut", Operator, 404, "nothing that could be cut is called so";
    "O022" AgreementDiffers, "agreement-differs", Peer, 409, "another agreement is known under this number";
    "O023" SignatureNotGood, "signature-not-good", Peer, 403, "a signature under an agreement is not its party's";
    "O024" SecondProofSilent, "second-proof-silent", Operator, 503, "the exact proof failed, and nothing opens without it";
}

impl Trouble {
    /// As a reason, in its usual section.
    pub fn reason<const N: usize>(self, args: [(&str, Arg); N]) -> Reason {
        self.reason_in(self.section(), args)
    }

    /// As a reason in another section.
    pub fn reason_in<const N: usize>(self, section: Section, args: [(&str, Arg); N]) -> Reason {
        Reason {
            code: self.code().into(),
            section,
            key: self.key().into(),
            note: None,
            args: args.into_iter().map(|(name, arg)| (name.to_owned(), arg)).collect(),
        }
    }

    /// A fault of a document at its place.
    pub fn fault(place: String, fault: &DocumentFault) -> Reason {
        let mut reason = Self::DocumentWrong.reason([("place", Arg::Text(place))]);
        reason.key = fault.key().into();
        reason.args.extend(fault.values().into_iter().map(|(name, value)| (name.to_owned(), Arg::from(value))));
        reason
    }

    /// Of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.code() == code)
    }
}

/// The audit log keeps arguments as text. Values that are worded in the reader's language are kept as JSON, so that a
/// refusal can be told again in either language; plain text stays plain.
pub(crate) fn record(reason: &Reason) -> ReasonRecord {
    let keep = |arg: &Arg| match arg {
        Arg::Text(text) if !text.starts_with('{') => text.clone(),
        other => serde_json::to_string(other).unwrap_or_default(),
    };
    let mut args: BTreeMap<String, String> = reason.args.iter().map(|(name, arg)| (name.clone(), keep(arg))).collect();
    if let Some(note) = &reason.note {
        args.insert(NOTE.into(), note.clone());
    }
    ReasonRecord { code: reason.code.clone(), section: reason.section, key: reason.key.clone(), args }
}

/// Where the key of a reason's note is kept; no text has an argument of this name.
const NOTE: &str = "note-key";

/// The reason a record was made of.
pub(crate) fn recall(record: &ReasonRecord) -> Reason {
    let mut args = record.args.clone();
    let note = args.remove(NOTE);
    let read = |text: String| serde_json::from_str(&text).unwrap_or(Arg::Text(text));
    let args = args
        .into_iter()
        .map(|(name, text)| (name, if text.starts_with('{') { read(text) } else { Arg::Text(text) }))
        .collect();
    Reason { code: record.code.clone(), section: record.section, key: record.key.clone(), note, args }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use texts::{Lang, Texts};

    #[test]
    fn a_reason_comes_back_from_the_log_as_it_was() {
        let reason = Reason {
            code: "D017".into(),
            section: Section::Peer,
            key: "denied-role-not-admitted".into(),
            note: Some("whose-peer-roles".into()),
            args: [
                ("a".to_owned(), Arg::Text("{ odd".into())),
                ("b".to_owned(), Arg::roles(["Medical Doctor"])),
                ("c".to_owned(), Arg::Time(Timestamp(5))),
                ("d".to_owned(), Arg::Text("clinic/exam-1".into())),
            ]
            .into(),
        };
        assert_eq!(recall(&record(&reason)), reason);
    }

    #[test]
    fn every_trouble_has_text_and_remedy_in_both_languages_x5() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for trouble in Trouble::ALL {
                assert!(texts.has(trouble.key()), "{lang}: {}", trouble.key());
                assert!(texts.has(&format!("{}-do", trouble.key())), "{lang}: {}-do", trouble.key());
            }
        }
        let codes: std::collections::BTreeSet<_> = Trouble::ALL.iter().map(|t| t.code()).collect();
        assert_eq!(codes.len(), Trouble::ALL.len());
    }
}
