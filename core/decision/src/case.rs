//! What is known of a request without knowing who is present: the part `decide` and `explain` share.

use model::{ConnectionRequest, GrantId, InstitutionId, Network, Section, Timestamp};
use pki::Role;
use std::collections::BTreeMap;
use texts::{Arg, Reason};

use crate::{Cause, Gates, Rival, Trust};

/// A request and the world it is judged in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub request: &'a ConnectionRequest,
    pub role: &'a Role,
    pub network: &'a Network,
    pub trust: Trust<'a>,
    pub gates: Gates,
    pub already_open: Option<GrantId>,
    pub rivals: &'a [Rival],
    pub answer: Answer,
    pub now: Timestamp,
}

/// What the provider says, where its approval is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Nothing yet.
    #[default]
    Open,
    /// No.
    Refused,
    /// Yes.
    Given,
}

impl Case<'_> {
    /// A reason in the first section of its cause.
    pub fn reason(&self, cause: Cause, args: impl IntoIterator<Item = (&'static str, Arg)>) -> Reason {
        let (section, note) = cause.sections()[0];
        self.reason_with(cause, section, note, args)
    }

    /// A reason in another of the sections of its cause.
    pub fn reason_in(
        &self,
        section: Section,
        cause: Cause,
        args: impl IntoIterator<Item = (&'static str, Arg)>,
    ) -> Reason {
        let listed = cause.sections().iter().find(|(s, _)| *s == section).copied();
        let (section, note) = listed.unwrap_or(cause.sections()[0]);
        self.reason_with(cause, section, note, args)
    }

    fn reason_with(
        &self,
        cause: Cause,
        section: Section,
        note: &str,
        args: impl IntoIterator<Item = (&'static str, Arg)>,
    ) -> Reason {
        let mut all = self.common_args();
        all.extend(args.into_iter().map(|(name, arg)| (name.to_owned(), arg)));
        Reason { code: cause.code().into(), section, key: cause.key().into(), note: Some(note.into()), args: all }
    }

    /// What every text of this room may mention: `terminal`, `service`, `service-id`, `own`, `peer`.
    pub fn common_args(&self) -> BTreeMap<String, Arg> {
        let ConnectionRequest { from, service } = self.request;
        let own = match self.network.sites.get(&from.site) {
            Some(site) => self.institution(&site.institution),
            None => Arg::text(&from.site),
        };
        let name = self.network.services.get(service).map_or_else(|| Arg::text(service), |s| Arg::from(&s.name));
        [
            ("terminal", Arg::text(from)),
            ("service", name),
            ("service-id", Arg::text(service)),
            ("own", own),
            ("peer", self.institution(&service.institution)),
        ]
        .into_iter()
        .map(|(name, arg)| (name.to_owned(), arg))
        .collect()
    }

    /// An institution's name, its id if it has none.
    pub fn institution(&self, id: &InstitutionId) -> Arg {
        self.network.institutions.get(id).map_or_else(|| Arg::text(id), |i| Arg::from(&i.name))
    }
}
