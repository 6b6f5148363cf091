//! For operators: which checks would pass, without anybody's card.

use model::{ConnectionRequest, GrantId, Network, Timestamp};
use pki::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use texts::{Arg, Reason, Texts};

use crate::case::Case;
use crate::checks::{Findings, Found, Stop};
use crate::{AllowRef, Answer, Gates, Rival, Trust};

/// A request as it might be made.
#[derive(Debug, Clone, Copy)]
pub struct HypotheticalQuestion<'a> {
    /// What would be asked.
    pub request: &'a ConnectionRequest,
    /// hcRole text of the person who would ask.
    pub role: &'a str,
    /// The network as applied.
    pub network: &'a Network,
    /// Whom to believe about the signatures of agreements.
    pub trust: Trust<'a>,
    /// The gates of the two sites.
    pub gates: Gates,
    /// The grant that already opens this service from this terminal, if any.
    pub already_open: Option<GrantId>,
    /// Other live lines that begin at the terminal's site.
    pub rivals: &'a [Rival],
    /// What the provider says, where it is asked.
    pub answer: Answer,
    /// When it would be asked.
    pub now: Timestamp,
}

/// Runs every check that needs no card, in order. It permits nothing: a permit needs a person.
pub fn explain(question: &HypotheticalQuestion<'_>) -> Vec<Step> {
    let role = Role::from_text(question.role);
    let case = Case {
        request: question.request,
        role: &role,
        network: question.network,
        trust: question.trust,
        gates: question.gates,
        already_open: question.already_open,
        rivals: question.rivals,
        answer: question.answer,
        now: question.now,
    };
    let found = Findings::of(&case);
    let step = |check, outcome: Outcome| Step { check, outcome };
    let outcome = |found: Found<Vec<(&'static str, Arg)>>| match found {
        Ok(args) => {
            let mut all = case.common_args();
            all.extend(args.into_iter().map(|(name, arg)| (name.to_owned(), arg)));
            Outcome::Passed(all)
        }
        Err(Stop::Reasons(reasons)) => Outcome::Failed(reasons),
        Err(Stop::NotReached) => Outcome::NotReached,
    };
    let nothing = |found: Found<()>| found.map(|()| vec![]);
    let site = &question.request.from.site;
    vec![
        step(Check::Presence, Outcome::AtSignIn),
        step(Check::Terminal, outcome(found.terminal.map(|place| vec![("zone", Arg::from(place.zone))]))),
        step(Check::Service, outcome(found.service.map(|(s, _)| vec![("host", Arg::text(&s.host))]))),
        step(Check::Route, outcome(nothing(found.route))),
        step(
            Check::Qualification,
            outcome(found.qualification.map(|()| vec![("role", Arg::Role(question.role.to_owned()))])),
        ),
        step(
            Check::Whitelist,
            outcome(found.whitelist.map(|index| vec![("rule", Arg::text(AllowRef { site: site.clone(), index }))])),
        ),
        step(
            Check::Agreement,
            outcome(found.agreement.map(|consent| {
                vec![("agreement", Arg::text(&consent.agreement.id)), ("at", Arg::Time(consent.until))]
            })),
        ),
        step(Check::Checksheets, outcome(nothing(found.checksheets))),
        step(Check::Conditions, outcome(nothing(found.conditions))),
        step(Check::Hours, outcome(found.hours.map(|_| vec![]))),
        step(Check::Zones, outcome(nothing(found.zones))),
        step(Check::Gates, outcome(nothing(found.gates))),
        step(Check::Line, outcome(found.line.map(|_| vec![]))),
        step(Check::Approval, outcome(nothing(found.approval))),
    ]
}

/// A check, in the order [`explain`] runs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Card and device certificate: proved only when a person signs in.
    Presence,
    /// The terminal is registered.
    Terminal,
    /// The service is described and its host stands.
    Service,
    /// Two sites of two institutions.
    Route,
    /// The provider admits the qualification (N2).
    Qualification,
    /// The site's policy (N1).
    Whitelist,
    /// Both institutions agreed (G12).
    Agreement,
    /// Both sites pass their checksheets (G12).
    Checksheets,
    /// Kind and zone of the terminal are ones the service admits (N8).
    Conditions,
    /// The service's daily window, and its booked ones.
    Hours,
    /// The zone matrix at both ends (G8).
    Zones,
    /// Both gates are there.
    Gates,
    /// Not open already, and nothing exclusive in the way (N8).
    Line,
    /// The provider's approval, where it is needed (N8).
    Approval,
}

impl Check {
    /// All, in order.
    pub const ALL: [Self; 14] = [
        Self::Presence,
        Self::Terminal,
        Self::Service,
        Self::Route,
        Self::Qualification,
        Self::Whitelist,
        Self::Agreement,
        Self::Checksheets,
        Self::Conditions,
        Self::Hours,
        Self::Zones,
        Self::Gates,
        Self::Line,
        Self::Approval,
    ];

    /// Key of its name; what it says when passed is this with `-passed`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Presence => "check-presence",
            Self::Terminal => "check-terminal",
            Self::Service => "check-service",
            Self::Route => "check-route",
            Self::Qualification => "check-qualification",
            Self::Whitelist => "check-whitelist",
            Self::Agreement => "check-agreement",
            Self::Checksheets => "check-checksheets",
            Self::Conditions => "check-conditions",
            Self::Hours => "check-hours",
            Self::Zones => "check-zones",
            Self::Gates => "check-gates",
            Self::Line => "check-line",
            Self::Approval => "check-approval",
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds; the values its text mentions.
    Passed(BTreeMap<String, Arg>),
    /// It does not.
    Failed(Vec<Reason>),
    /// An earlier check found nothing this one could look at.
    NotReached,
    /// Only known when a person signs in.
    AtSignIn,
}

/// A check with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub check: Check,
    /// What it came to.
    pub outcome: Outcome,
}

impl Step {
    /// The check's name in the reader's language.
    pub fn title(&self, texts: &Texts) -> String {
        texts.say(self.check.key(), &[])
    }

    /// What it came to in the reader's language, one line a finding; reasons have their own lines besides
    /// ([`Reason::lines`]).
    pub fn findings(&self, texts: &Texts) -> Vec<String> {
        match &self.outcome {
            Outcome::Passed(args) => {
                let args: Vec<(&str, Arg)> = args.iter().map(|(name, arg)| (name.as_str(), arg.clone())).collect();
                vec![texts.say(&format!("{}-passed", self.check.key()), &args)]
            }
            Outcome::Failed(reasons) => reasons.iter().map(|reason| reason.lines(texts).refused).collect(),
            Outcome::NotReached => vec![texts.say("check-not-reached", &[])],
            Outcome::AtSignIn => vec![texts.say("check-at-sign-in", &[])],
        }
    }
}
