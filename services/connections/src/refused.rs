//! A use case that did not happen: why, and where it is recorded.

use decision::Denial;
use model::{Grant, Network};
use plan::PlanError;
use registry::RegistryError;
use std::fmt;
use std::sync::Arc;
use texts::{Arg, Reason};
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
        Self::trouble(Trouble::NotPlannable, [("why", Arg::text(error))])
    }
}

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        tracing::error!(%error, mend = error.remedy(), "the registry refused");
        let reason = Trouble::RegistryFails.reason_in(error.section(), [("why", Arg::text(&error))]);
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
