//! A use case that did not happen: why, and where it is recorded.

use decision::Denial;
use model::{Grant, Network};
use plan::PlanError;
use registry::RegistryError;
use std::fmt;
use std::sync::Arc;
use texts::{Arg, Reason, Words};
use verify::Refutation;

use crate::second_opinion::Veto;
use crate::{Scene, Trouble};

/// All reasons, the packet that would have passed if a proof refused, and the audit entry that tells it again.
#[derive(Debug, Clone)]
pub struct Refused {
    /// At least one.
    pub reasons: Vec<Reason>,
    /// The counter-example.
    pub refutation: Option<Box<Refutation>>,
    /// Number of the audit entry, to be given to `explain`; none if it could not be written.
    pub entry: Option<u64>,
    /// What the counter-example is told with.
    pub scene: Option<Arc<Scene>>,
}

impl Refused {
    /// For these reasons.
    pub fn because(reasons: Vec<Reason>) -> Self {
        Self { reasons, refutation: None, entry: None, scene: None }
    }
    /// The same, recorded.
    pub(crate) fn recorded(mut self, entry: u64) -> Self {
        self.entry = Some(entry);
        self
    }
    /// The same, judged for this network; the grant is the one its counter-example speaks of.
    pub(crate) fn in_scene(mut self, network: &Network, grant: Option<Grant>) -> Self {
        if let Some(refutation) = &self.refutation {
            self.scene = Some(Arc::new(Scene::of(network, refutation, grant)));
        }
        self
    }
    /// The line of policy that caused it, as site and section of its document.
    pub(crate) fn policy(&self) -> Option<String> {
        // The line is the same in every language.
        let texts = texts::Texts::new(texts::Lang::En);
        Some(self.scene.as_ref()?.culprit(self.refutation.as_ref()?, &texts)?.line)
    }
    /// No plan can be made, for a reason that has its own text.
    pub(crate) fn not_plannable(why: Arg) -> Self {
        Self::trouble(Trouble::NotPlannable, [("why", why)])
    }
    /// The documents cannot be written down: what the writer says.
    pub fn unwritable(said: impl fmt::Display) -> Self {
        Self::not_plannable(Words::new("plan-unwritable", [("said", Arg::text(said))]).what_arg())
    }
    /// Reason of one trouble.
    pub fn trouble<const N: usize>(trouble: Trouble, args: [(&str, Arg); N]) -> Self {
        Self::because(vec![trouble.reason(args)])
    }
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self::because(denial.reasons().to_vec())
    }
}

impl From<PlanError> for Refused {
    fn from(error: PlanError) -> Self {
        let (key, args): (_, Vec<(&str, Arg)>) = match error {
            PlanError::NotAnEnd { grant, site } => {
                ("plan-not-an-end", vec![("grant", Arg::text(grant)), ("site", Arg::text(site))])
            }
            PlanError::UnknownHost { grant, site, host } => {
                let host = ("host", Arg::text(host));
                ("plan-unknown-host", vec![("grant", Arg::text(grant)), ("site", Arg::text(site)), host])
            }
            PlanError::AlreadyOpen(grant) => ("plan-already-open", vec![("grant", Arg::text(grant))]),
            PlanError::NotOpen(grant) => ("plan-not-open", vec![("grant", Arg::text(grant))]),
        };
        Self::not_plannable(Words::new(key, args).what_arg())
    }
}

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        let words = error.words();
        tracing::error!(error = %words, "the registry refused");
        let reason = Trouble::RegistryFails.reason_in(error.section(), [("why", words.what_arg())]);
        Self::because(vec![reason])
    }
}

impl From<Box<Refutation>> for Refused {
    fn from(refutation: Box<Refutation>) -> Self {
        let reason = Reason {
            code: refutation.invariant.id().to_owned(),
            section: section_of(&refutation),
            key: refutation.key().to_owned(),
            note: None,
            args: refutation.args().into_iter().map(|(name, text)| (name.to_owned(), Arg::Text(text))).collect(),
        };
        Self { reasons: vec![reason], refutation: Some(refutation), entry: None, scene: None }
    }
}

impl From<Veto> for Refused {
    fn from(veto: Veto) -> Self {
        match veto {
            Veto::Breach(refutation) => refutation.into(),
            Veto::Silent => Self::trouble(Trouble::SecondProofSilent, []),
        }
    }
}

/// Whose section a breach lies in: what a site forbids itself is its own to change.
pub(crate) fn section_of(refutation: &Refutation) -> model::Section {
    match refutation.invariant {
        verify::Invariant::OwnPromises => model::Section::InHouseLan,
        _ => model::Section::Operator,
    }
}

/// For logs: codes only, no names.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<&str> = self.reasons.iter().map(|r| r.code.as_str()).collect();
        write!(f, "refused: {}", codes.join(" "))
    }
}
impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;
    use model::GrantId;
    use texts::{Lang, Texts, english_in, is_japanese};

    #[test]
    fn what_lies_behind_o004_and_o010_is_told_in_the_readers_language_x5() {
        let (site, grant) = (|| "clinic".parse().unwrap(), GrantId(7));
        let host = "exam-1".parse().unwrap();
        let misfit = Words::new("plan-misfit", [("site", "clinic".into()), ("said", "no such rule".into())]);
        let all: Vec<Refused> = vec![
            RegistryError::Locked { name: "registry.db".into() }.into(),
            RegistryError::Newer { name: "registry.db".into(), found: 9, known: 8 }.into(),
            RegistryError::WrongState { grant, found: None, wanted: model::ConnectionState::Open }.into(),
            PlanError::NotAnEnd { grant, site: site() }.into(),
            PlanError::UnknownHost { grant, site: site(), host }.into(),
            PlanError::AlreadyOpen(grant).into(),
            PlanError::NotOpen(grant).into(),
            Refused::unwritable("key must be a string"),
            Refused::not_plannable(Arg::Key("plan-service-changed".into())),
            Refused::not_plannable(misfit.what_arg()),
        ];
        for reason in all.iter().flat_map(|refused| &refused.reasons) {
            let (ja, en) = (reason.lines(&Texts::new(Lang::Ja)).refused, reason.lines(&Texts::new(Lang::En)).refused);
            assert!(english_in(&ja).is_none() && !en.chars().any(is_japanese), "{ja} {en}");
            for said in [ja, en] {
                assert!(!said.contains("{$") && !said.contains("plan-") && !said.contains("registry-"), "{said}");
            }
            // The log keeps it so that it can be told again in either language.
            assert_eq!(&crate::reasons::recall(&crate::reasons::record(reason)), reason);
        }
    }
}
