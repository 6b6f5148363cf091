//! What is done before its time has come, so that a person waits for less: a tunnel is configured while its order is still
//! being written down. That opens nothing: a tunnel that is only announced has no flow rule and no filter at this end.

use model::{GrantId, SiteId, Timestamp, Tunnel};

use super::Tunnels;
use super::peer::Peer;

/// How long what was announced stays configured without its order.
const ANNOUNCED_MS: i64 = 5_000;

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
    pub(super) fn take_announced(&mut self, tunnel: &Tunnel) -> bool {
        self.announced.remove(&tunnel.grant).is_some_and(|announced| announced.tunnel == *tunnel)
    }

    pub(super) fn announced_until(&self) -> Option<Timestamp> {
        self.announced.values().map(|announced| announced.until).min()
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
}
