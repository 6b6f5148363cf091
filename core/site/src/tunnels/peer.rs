//! What is known of one peer, and of asking it for a tunnel.

use model::{GrantId, Timestamp, Tunnel};
use std::collections::{BTreeMap, BTreeSet};

use super::ahead::Announced;

#[derive(Debug, Default)]
pub(super) struct Peer {
    pub wanted: BTreeMap<GrantId, Tunnel>,
    pub announced: BTreeMap<GrantId, Announced>,
    /// What strongSwan was told differs from what is wanted.
    pub stale: bool,
    pub loading: Option<(u64, BTreeSet<GrantId>)>,
    pub loaded: BTreeSet<GrantId>,
    pub is_loaded: bool,
    pub load_again_at: Option<Timestamp>,
    pub ike_up: bool,
    /// One initiation at a time: charon's workers block on each other otherwise.
    pub initiating: Option<Initiation>,
    /// When an IKE SA without children ends.
    pub linger_until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub not_before: Timestamp,
    pub failures: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Initiation {
    pub grant: GrantId,
    pub until: Timestamp,
}

impl Attempt {
    pub fn at(not_before: Timestamp) -> Self {
        Self { not_before, failures: 0 }
    }
}

impl Peer {
    /// What strongSwan is to be told.
    pub fn configured(&self) -> impl Iterator<Item = &Tunnel> {
        self.wanted.values().chain(self.announced.values().map(Announced::tunnel))
    }

    pub fn is_needed(&self) -> bool {
        !self.wanted.is_empty() || !self.announced.is_empty()
    }

    pub fn is_asking_for(&self, grant: GrantId) -> bool {
        self.initiating.is_some_and(|asked| asked.grant == grant)
    }
}
