//! The active gate's lease (N6): asked for four times in its life, by each of the two gates of a site.
//!
//! Which gate writes is judged at three places, each enough: the center gives the lease to one gate at a time; the switch
//! obeys the gate of the newest election only; and a gate that hears from either that it is not the one writes nothing
//! more. Without a link to the center, the gate that the switch obeys goes on ending what its leases end (X4).

use site::SiteConfig;
use std::time::Duration;
use wire::link as pb;

use crate::hub::{Hub, Role};

/// How often it is asked for.
pub(crate) const ASK: Duration = Duration::from_millis(500);

/// What is known of it on one link.
#[derive(Debug, Default)]
pub(crate) struct LeaseKeeper {
    number: u64,
    speaks: bool,
    waits: bool,
}

impl LeaseKeeper {
    /// The next request.
    pub fn ask(&mut self, hub: &Hub) -> pb::LeaseRequest {
        self.number += 1;
        let holds = match *hub.role().borrow() {
            Role::Active(election) => Some(election),
            Role::Alone | Role::Waiting(_) | Role::Lost => None,
        };
        let generation = hub.state().map(|state| state.generation.0);
        pb::LeaseRequest { number: self.number, holds, generation }
    }

    /// Takes in the center's word. True once: when from now on this gate speaks for its site on this link.
    pub fn take(&mut self, hub: &Hub, word: &pb::Lease, config: &SiteConfig) -> bool {
        if !word.active {
            hub.wait_beside(word.election);
            if !std::mem::replace(&mut self.waits, true) {
                tracing::info!(election = word.election, "waiting beside the active gate");
            }
            return false;
        }
        let role = *hub.role().borrow();
        match role {
            Role::Waiting(_) => {
                if let Err(refutation) = hub.take_over(word.election, config) {
                    tracing::error!(%refutation, "the state kept in waiting is not sound; this gate does not take over");
                    return false;
                }
                tracing::info!(election = word.election, "this gate is the active one now");
            }
            Role::Active(_) => {}
            Role::Alone | Role::Lost => return false,
        }
        !std::mem::replace(&mut self.speaks, true)
    }
}
