//! What is asked, and everything the answer may depend on.

use model::{ConnectionRequest, GrantId, HostRef, Network, ServiceId, SiteId, Timestamp};
use pki::{AnchorSet, PresentPerson, Revocation, VerifiedDevice};

use crate::Approved;

/// A request with its proofs and the state of the world it is judged in.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is asked.
    pub request: &'a ConnectionRequest,
    /// Who asks, proved to hold the card; what the card's answer must have been given for is in `confirmed`.
    pub person: &'a PresentPerson,
    /// What the person confirmed with the card.
    pub confirmed: Confirmed,
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
    /// Other live lines that begin at the terminal's site.
    pub rivals: &'a [Rival],
    /// What the provider says, where it is asked.
    pub approval: Consultation<'a>,
    /// Number for the grant, never used before.
    pub grant: GrantId,
    /// The present.
    pub now: Timestamp,
}

/// What a card's answer was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// This very request, now.
    Request,
    /// Signing in at the terminal of the request ([`model::SignIn`]); requests are made in the session since.
    SignIn {
        /// First instant the session is over; no lease lasts longer.
        until: Timestamp,
        /// An operator cut this service since the session began (G14).
        cut: bool,
    },
}

/// A live line that begins at the terminal's site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    /// Its grant.
    pub grant: GrantId,
    /// The service it opens.
    pub service: ServiceId,
    /// The terminal.
    pub from: HostRef,
}

/// What the provider says to a request that needs its approval.
#[derive(Debug, Clone, Copy, Default)]
pub enum Consultation<'a> {
    /// Nothing yet.
    #[default]
    Open,
    /// No.
    Refused,
    /// Yes; see [`crate::approve`].
    Given(&'a Approved),
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
