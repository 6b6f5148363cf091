//! How gates are reached.

use model::{GrantId, SiteId};
use wire::link::{FirstPacketAnswer, SignedOrder};

/// Number of a link, never used twice by one center: what an older link of a gate still says is told apart by it.
pub type LinkNumber = u64;

/// What a gate is told.
#[derive(Debug, Clone, PartialEq)]
pub enum ToGate {
    /// The order that comes next, if the registry takes it: tunnels may be configured meanwhile.
    Prepare(SignedOrder),
    /// An order.
    Order(SignedOrder),
    /// The other end is prepared: start the tunnel.
    Go(GrantId),
    /// Both ends hold the grant: what waits for it at its origin may go.
    Opened(GrantId),
    /// What becomes of a first packet it reported.
    FirstPacketAnswer(FirstPacketAnswer),
}

/// Links to gates. Sending never waits: a gate that is away or too slow gets a snapshot when it comes back.
pub trait Gates: Send + Sync {
    /// Puts a message into the link's queue, in order. Without a link it is dropped.
    fn send(&self, site: &SiteId, message: ToGate);
    /// Cuts the link.
    fn cut(&self, site: &SiteId);
}
