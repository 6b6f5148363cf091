//! Sites, agreements and tokens as institutions register them (G12, N10): what is kept until the network holds it, and
//! who may speak for whom there.

use model::{Agreement, Blueprint, LocalizedName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Account, AccountState, Action, InstitutionId, LinkHash, StepFault, UserId};

/// An institution of the directory and the legal entity of the network that it is. One to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its number in the directory.
    pub institution: InstitutionId,
    /// Its id in the network.
    pub network: model::InstitutionId,
    /// Its name there.
    pub name: LocalizedName,
    /// Who said so: an operator's account or a user ID.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The operator who saw that it is so. Until then the id is only spoken for: nothing of the network is its.
    pub confirmed_by: Option<String>,
}

/// A site that was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteDraft {
    /// Whose.
    pub institution: InstitutionId,
    /// What it would be made from.
    pub blueprint: Blueprint,
    /// Who proposed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub stand: DraftStand,
}

/// Terms that one institution proposed to another. Their signatures are the network's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who proposed them.
    pub institution: InstitutionId,
    /// The terms; without signatures.
    pub agreement: Agreement,
    /// The person.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What became of it; `Registered` when the first signature made the network keep it.
    pub stand: DraftStand,
}

/// What became of something proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "stand")]
pub enum DraftStand {
    /// It waits.
    Proposed,
    /// It is in the network.
    Registered {
        /// Who took it in.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// It was not taken in.
    Rejected {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Who proposed it took it back.
    Withdrawn {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
}

impl DraftStand {
    /// Stable name, also of its Fluent key `registration-stand-…`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Registered { .. } => "registered",
            Self::Rejected { .. } => "rejected",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Does its name belong to it?
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Proposed | Self::Registered { .. })
    }

    /// From waiting to decided; nothing is decided twice.
    ///
    /// # Errors
    /// `WrongStand`.
    pub fn decide(&mut self, to: Self) -> Result<(), StepFault> {
        match self {
            Self::Proposed => {
                *self = to;
                Ok(())
            }
            Self::Registered { .. } | Self::Rejected { .. } | Self::Withdrawn { .. } => Err(StepFault::WrongStand),
        }
    }
}

/// A token for programs: acts as its person, in what it was made for only, until it ends or is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// Whose.
    pub user: UserId,
    /// What its owner calls it.
    pub label: String,
    /// What it may do, of what its owner may.
    pub actions: Vec<Action>,
    /// SHA-256 of it; the token itself is nowhere.
    pub hash: LinkHash,
    /// When it was made.
    pub made_at: Timestamp,
    /// Had its owner a second factor then, and shown it?
    #[serde(default)]
    pub second_factor: bool,
    /// It ends then.
    pub until: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    /// What a token may be made for: what programs can do for a member of an institution. Who may do less themselves
    /// is offered less.
    pub const OFFERED: [Action; 8] = [
        Action::ReadNotices,
        Action::SeeServices,
        Action::ApplyForService,
        Action::SeeStaff,
        Action::ManageStaff,
        Action::SeeSubmissions,
        Action::SeeSites,
        Action::ManageSites,
    ];
    /// What every token may: ask whose it is, and end itself.
    pub const ALWAYS: [Action; 2] = [Action::SeeMenu, Action::SignOut];
    /// Days a token works at most.
    pub const MOST_DAYS: u32 = 366;

    /// Does it count for its account as that stands now? Whoever chooses a new password, or gets a second factor, ends
    /// the tokens of before; for an account that is stopped, reset or locked none counts.
    pub fn serves(&self, account: &Account, now: Timestamp) -> bool {
        self.works(now)
            && self.user == account.user
            && account.state == AccountState::Active
            && !account.is_initial()
            && !account.lockout.is_locked(now)
            && account.password_at <= self.made_at
            && (self.second_factor || !account.has_second_factor())
    }

    /// May it do this now?
    pub fn admits(&self, action: Action, now: Timestamp) -> bool {
        self.works(now) && self.actions.contains(&action)
    }

    /// Does it count at all?
    pub fn works(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_proposed_is_decided_once() {
        let decided = [
            DraftStand::Registered { by: "a".into(), at: Timestamp(1) },
            DraftStand::Rejected { by: "a".into(), at: Timestamp(1), reason: "x".into() },
            DraftStand::Withdrawn { by: "a".into(), at: Timestamp(1) },
        ];
        for one in &decided {
            let mut stand = DraftStand::Proposed;
            stand.decide(one.clone()).unwrap();
            assert_eq!(&stand, one);
            for other in &decided {
                assert_eq!(stand.decide(other.clone()), Err(StepFault::WrongStand));
            }
            assert_eq!(stand.is_live(), matches!(one, DraftStand::Registered { .. }));
        }
    }

    #[test]
    fn a_token_does_what_it_was_made_for_until_it_ends_or_is_revoked() {
        let random = crate::account::tests::Dice::new(3);
        let mut token = ApiToken {
            user: UserId::new(10_000_000).unwrap(),
            label: "inventory".into(),
            actions: vec![Action::SeeSites],
            hash: crate::OneTime::for_url(&random).hash(),
            made_at: Timestamp(0),
            second_factor: false,
            until: Timestamp(10),
            revoked_at: None,
        };
        assert!(token.admits(Action::SeeSites, Timestamp(9)));
        assert!(!token.admits(Action::ManageSites, Timestamp(9)), "not asked for");
        assert!(!token.admits(Action::SeeSites, Timestamp(10)), "over");
        token.revoked_at = Some(Timestamp(5));
        assert!(!token.admits(Action::SeeSites, Timestamp(6)), "revoked");
    }
}
