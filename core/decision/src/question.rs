//! What is asked, and everything the answer may depend on.

use model::{ConnectionRequest, GrantId, Network, SiteId, Timestamp};
use pki::{AnchorSet, PresentPerson, Revocation, VerifiedDevice};

/// A request with its proofs and the state of the world it is judged in.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is asked.
    pub request: &'a ConnectionRequest,
    /// Who asks, proved to hold the card now. The card's answer must have been given for this very request.
    pub person: &'a PresentPerson,
    /// The terminal of this TLS session.
    pub device: &'a VerifiedDevice,
    /// The network as applied.
    pub network: &'a Network,
    /// Whom to believe about the signatures of agreements.
    pub trust: Trust<'a>,
    /// The gates of the two sites; see [`Gates::of`].
    pub gates: Gates,
    /// The grant that already opens this service from this terminal, if any.
    pub already_open: Option<GrantId>,
    /// Number for the grant, never used before.
    pub grant: GrantId,
    /// The present.
    pub now: Timestamp,
}

/// Anchors, revocation lists and OCSP answers for institutions' signing certificates (G12).
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// Trust anchors; those of [`pki::Purpose::Institution`] count.
    pub anchors: &'a AnchorSet,
    /// Revocation lists and OCSP answers.
    pub revocation: Revocation<'a>,
}

/// What the center knows of a site's gate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GateStatus {
    /// Its link to the center is up.
    Connected,
    /// Its link is down, or the site has no gate.
    #[default]
    Disconnected,
    /// Its certificate is revoked (G1): it is not to be told anything.
    CertificateRevoked,
}

/// The gates of the two sites of a request. A gate nothing is known of is disconnected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gates {
    /// At the terminal's site.
    pub origin: GateStatus,
    /// At the service's site.
    pub destination: GateStatus,
}

impl Gates {
    /// Looks the two sites of a request up.
    pub fn of(network: &Network, request: &ConnectionRequest, status: impl Fn(&SiteId) -> GateStatus) -> Self {
        Self {
            origin: status(&request.from.site),
            destination: network.services.get(&request.service).map(|s| status(&s.host.site)).unwrap_or_default(),
        }
    }
}
