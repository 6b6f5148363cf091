//! What is done before its time has come, so that a person waits for less: a tunnel is configured while its order is still
//! being written down, and asked for before the other end has said that it is ready.
//!
//! Neither opens anything. A tunnel that is only announced has no flow rule and no filter at this end, and who asks early
//! has its order; one that is asked for too early is refused by the peer, and asked for again.

use model::{GrantId, SiteId, Timestamp, Tunnel};

use super::Tunnels;
use super::peer::{Attempt, Peer};

/// How long what was announced stays configured without its order.
const ANNOUNCED_MS: i64 = 5_000;
/// An initiator that hears no "go" starts by itself.
const START_ALONE_MS: i64 = 300;
/// How long the answer to an early question may take once the other end is ready: far longer than a round trip. strongSwan
/// says nothing of a child that was refused.
const EARLY_ANSWER_MS: i64 = 250;
/// After a question that came too early, so many lines to that peer wait for its word: it has much to do.
const PATIENCE: u32 = 16;

/// A tunnel whose order is expected.
#[derive(Debug)]
pub(super) struct Announced {
    tunnel: Tunnel,
    until: Timestamp,
}

impl Announced {
    pub(super) fn tunnel(&self) -> &Tunnel {
        &self.tunnel
    }
}

impl Peer {
    /// The order of this tunnel came. True if it is what was announced.
    pub(super) fn was_announced(&mut self, tunnel: &Tunnel) -> bool {
        self.announced.remove(&tunnel.grant).is_some_and(|announced| announced.tunnel == *tunnel)
    }

    pub(super) fn announced_until(&self) -> Option<Timestamp> {
        self.announced.values().map(|announced| announced.until).min()
    }

    /// When a new line is to be asked for. Over an IKE SA that stands at once: the question takes longer to the other end
    /// than the order did. Without one a peer that is not ready would refuse the IKE SA too.
    pub(super) fn first_attempt(&mut self, now: Timestamp) -> Attempt {
        let early = self.ike_up && self.patience == 0;
        self.patience = self.patience.saturating_sub(1);
        Attempt { early, ..Attempt::at(if early { now } else { now.plus_ms(START_ALONE_MS) }) }
    }
}

impl Tunnels {
    /// An order for this tunnel is on its way.
    pub(crate) fn announce(&mut self, tunnel: &Tunnel, now: Timestamp) {
        if self.peer_of.contains_key(&tunnel.grant) {
            return;
        }
        let peer = self.peers.entry(tunnel.peer.clone()).or_default();
        let announced = Announced { tunnel: tunnel.clone(), until: now.plus_ms(ANNOUNCED_MS) };
        peer.announced.insert(tunnel.grant, announced);
        peer.stale = true;
        peer.linger_until = None;
    }

    /// Another order came than was announced.
    pub(crate) fn forget_announced(&mut self, now: Timestamp) {
        self.withdraw(now, |_| true);
    }

    pub(super) fn expire_announced(&mut self, now: Timestamp) {
        self.withdraw(now, |announced| now >= announced.until);
    }

    fn withdraw(&mut self, now: Timestamp, which: impl Fn(&Announced) -> bool) {
        let mut gone: Vec<(GrantId, SiteId)> = Vec::new();
        for (id, peer) in &mut self.peers {
            let before = gone.len();
            gone.extend(peer.announced.extract_if(.., |_, announced| which(announced)).map(|(g, _)| (g, id.clone())));
            if gone.len() > before {
                peer.stale = true;
                peer.linger_until = (!peer.is_needed()).then(|| now.plus_ms(self.linger_ms));
            }
        }
        for (grant, id) in gone {
            if self.up.contains_key(&grant) {
                self.stop(grant, &id, now);
            }
        }
    }

    /// Of an announced one the other end may have had its order earlier.
    pub(super) fn is_expected(&self, grant: GrantId, peer: &SiteId) -> bool {
        self.peer_of.get(&grant) == Some(peer) || self.peers.get(peer).is_some_and(|p| p.announced.contains_key(&grant))
    }

    /// The other end is ready.
    pub(crate) fn go(&mut self, grant: GrantId, now: Timestamp) {
        let Some(attempt) = self.to_start.get_mut(&grant).filter(|attempt| attempt.failures == 0) else { return };
        attempt.not_before = attempt.not_before.min(now);
        attempt.early = false;
        let peer = self.peer_of.get(&grant).and_then(|id| self.peers.get_mut(id));
        if let Some(asked) =
            peer.and_then(|p| p.initiating.as_mut()).filter(|asked| asked.grant == grant && asked.early)
        {
            asked.until = asked.until.min(now.plus_ms(EARLY_ANSWER_MS));
        }
    }

    /// No failure of the line: asked for again at once, unless the list shows that it is up.
    pub(super) fn was_too_early(&mut self, grant: GrantId, peer: &SiteId, now: Timestamp) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.patience = PATIENCE;
        }
        if let Some(attempt) = self.to_start.get_mut(&grant) {
            *attempt = Attempt::at(now);
        }
    }
}
