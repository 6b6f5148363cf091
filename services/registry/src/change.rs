//! A change, put together from proofs before the transaction begins.

use audit::{CloseCause, Digest, Entry, Event, Head, Person};
use decision::Permit;
use model::{ConnectionState, Generation, Grant, GrantId, Network, Plan, SessionId, SiteId, Timestamp};
use serde::Serialize;
use verify::VerifiedPlan;

use crate::IssuingChange;
use crate::SubmissionStep;
use crate::joining::Step;
use crate::kept::{KeptRow, Shelf};

/// What is to be committed together: state, connection and audit entries, all or nothing.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before Registry::commit"]
pub struct Commit {
    pub(crate) at: Timestamp,
    pub(crate) network: Option<String>,
    pub(crate) deltas: Vec<DeltaRow>,
    pub(crate) granted: Vec<(GrantId, SiteId)>,
    pub(crate) connection: Option<ConnectionRow>,
    pub(crate) moves: Vec<Move>,
    pub(crate) renewed: Vec<(GrantId, String)>,
    pub(crate) joining: Vec<Step>,
    pub(crate) issuing: Vec<IssuingChange>,
    pub(crate) kept: Vec<KeptRow>,
    pub(crate) followed: Vec<(SessionId, SessionId)>,
    pub(crate) submissions: Vec<SubmissionStep>,
    pub(crate) events: Vec<Event>,
}

/// What was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The audit entries, in the order of the events.
    pub entries: Vec<Entry>,
    /// End of the audit log after them.
    pub head: Head,
}

#[derive(Debug, Clone)]
pub(crate) struct DeltaRow {
    pub(crate) site: SiteId,
    pub(crate) parent: Generation,
    pub(crate) generation: Generation,
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
pub(crate) struct ConnectionRow {
    pub(crate) id: GrantId,
    pub(crate) origin: SiteId,
    pub(crate) destination: SiteId,
    pub(crate) permitted: String,
    pub(crate) person: String,
    pub(crate) device: Digest,
    pub(crate) session: Option<SessionId>,
    pub(crate) proofs: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub(crate) grant: GrantId,
    pub(crate) to: ConnectionState,
    pub(crate) cause: Option<CloseCause>,
}

impl Commit {
    /// An empty change at an instant.
    pub fn at(now: Timestamp) -> Self {
        Self {
            at: now,
            network: None,
            deltas: Vec::new(),
            granted: Vec::new(),
            connection: None,
            moves: Vec::new(),
            renewed: Vec::new(),
            joining: Vec::new(),
            issuing: Vec::new(),
            kept: Vec::new(),
            followed: Vec::new(),
            submissions: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Replaces the applied network.
    pub fn network(mut self, network: &Network) -> Self {
        self.network = Some(json(network));
        self
    }

    /// Takes in a plan; each site it changes must still be at the plan's parent.
    pub fn plan(self, plan: &VerifiedPlan) -> Self {
        self.deltas_of(plan.plan())
    }

    /// A new connection in state [`ConnectionState::Opening`], permitted to this person on this device (SHA-256 of its
    /// certificate). The plan of the same commit must add its grant.
    pub fn connection(self, permit: &Permit, person: &Person, device: Digest) -> Self {
        self.connection_of(permit.grant(), person, device)
    }

    /// The connection of this commit is opened in a session, with which its proofs are kept.
    pub fn in_session(mut self, session: SessionId) -> Self {
        if let Some(row) = &mut self.connection {
            row.session = Some(session);
        }
        self
    }

    /// The proofs shown for the connection of this commit, kept until it is closed.
    pub fn proofs(mut self, proofs: &impl Serialize) -> Self {
        if let Some(row) = &mut self.connection {
            row.proofs = Some(json(proofs));
        }
        self
    }

    /// Lines of one session go on in another.
    pub fn lines_follow(mut self, from: SessionId, to: SessionId) -> Self {
        self.followed.push((from, to));
        self
    }

    /// Keeps something, in place of what was kept there under this number.
    pub fn keep(mut self, shelf: Shelf, id: u64, body: &impl Serialize) -> Self {
        self.kept.push(KeptRow { shelf, id, body: Some(json(body)) });
        self
    }

    /// Keeps it no longer; nothing if it was not.
    pub fn forget(mut self, shelf: Shelf, id: u64) -> Self {
        self.kept.push(KeptRow { shelf, id, body: None });
        self
    }

    /// A connection goes on to a state. `Closing` needs a cause: use [`Commit::closing`].
    pub fn moves(mut self, grant: GrantId, to: ConnectionState) -> Self {
        self.moves.push(Move { grant, to, cause: None });
        self
    }

    /// A connection begins to close.
    pub fn closing(mut self, grant: GrantId, cause: CloseCause) -> Self {
        self.moves.push(Move { grant, to: ConnectionState::Closing, cause: Some(cause) });
        self
    }

    /// A live connection is permitted for longer: its grant as it now is. The plan of the same commit must renew it.
    pub fn renewed(mut self, grant: &Grant) -> Self {
        self.renewed.push((grant.id, json(grant)));
        self
    }

    /// A submission begins or goes on (R12).
    pub fn submission(mut self, step: SubmissionStep) -> Self {
        self.submissions.push(step);
        self
    }

    /// An audit event; every commit has at least one.
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Audit events, in order.
    pub fn events(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }

    /// And everything of another change that is rows and events: a proposal that becomes policy, say, and its record.
    pub fn and(mut self, other: Self) -> Self {
        self.joining.extend(other.joining);
        self.issuing.extend(other.issuing);
        self.events.extend(other.events);
        self
    }

    pub(crate) fn deltas_of(mut self, plan: &Plan) -> Self {
        for (site, delta) in &plan.sites {
            self.granted.extend(delta.grants_added.iter().map(|g| (g.id, site.clone())));
            self.deltas.push(DeltaRow {
                site: site.clone(),
                parent: delta.parent,
                generation: delta.generation,
                text: json(delta),
            });
        }
        self
    }

    pub(crate) fn connection_of(mut self, grant: &Grant, person: &Person, device: Digest) -> Self {
        self.connection = Some(ConnectionRow {
            id: grant.id,
            origin: grant.origin.site.clone(),
            destination: grant.destination.site.clone(),
            permitted: json(grant),
            person: json(person),
            device,
            session: None,
            proofs: None,
        });
        self
    }

    /// Why the parts cannot belong together, if they cannot.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.events.is_empty() {
            return Some("a change without an audit event".into());
        }
        if let Some(row) = &self.connection {
            for site in [&row.origin, &row.destination] {
                if !self.granted.iter().any(|(id, at)| *id == row.id && at == site) {
                    return Some(format!("connection {} without a plan that grants it at {site}", row.id));
                }
            }
        }
        self.moves
            .iter()
            .find(|m| m.to == ConnectionState::Closing && m.cause.is_none())
            .map(|m| format!("connection {} closes without a cause", m.grant))
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("model values have text keys and no other way to fail")
}
