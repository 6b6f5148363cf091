//! Use cases of registration (G12, N10): an institution proposes a site made from its model, the operator takes it in,
//! its gate gets a one-time token, then hosts, services, whitelist lines and agreements, until a line could open.
//!
//! Nothing here changes policy by itself: what somebody typed becomes a document, and the document goes the way every
//! document goes ([`connections::apply_from`]), with its proposal and its audit entry in the same transaction. So what
//! contradicts policy is refused by the same checks and the same proofs, whoever brings it. Each use case checks who
//! asks ([`joining::access`]) and that what it is about is theirs. It must not know HTTP or HTML.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agreements;
mod draft;
mod form;
mod member;
mod offer;
mod parts;
mod refused;
mod sheet;
mod site;
mod transfer;
mod who;

use connections::Center;
use issuing::Issuing;
use joining::Randomness;
use model::Timestamp;
use reception::{Joining, RealWorld};
use registry::Registry;

pub use agreements::{AgreementForm, AgreementView, SignatureForm};
pub use draft::{DraftView, LINES, SiteForm};
pub use member::{MemberForm, MemberView};
pub use offer::Once;
pub use parts::{HostForm, LineForm, RemoveForm, ServiceForm};
pub use refused::Refused;
pub use sheet::{AnswerForm, ChecksheetForm, ChecksheetView, PartySheets};
pub use site::{SitePage, SiteView, SitesAsked, SitesPart, Stage, Step};
pub use transfer::{Brought, Trial};
pub use who::Who;

/// Where certificates are fetched, for one-time tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// Address: `https://host:port`.
    pub url: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub server_key: [u8; 32],
}

/// The use cases. Clones share everything.
#[derive(Clone)]
pub struct Registration {
    center: Center,
    joining: Joining,
    issuing: Option<(Issuing, Desk)>,
}

impl Registration {
    /// Over policy, the directory, and the authorities if this center has any.
    pub fn new(center: Center, joining: Joining, issuing: Option<(Issuing, Desk)>) -> Self {
        Self { center, joining, issuing }
    }

    /// How often something is tried again that met another change.
    const TRIES: usize = 8;

    fn registry(&self) -> &Registry {
        self.joining.registry()
    }

    fn now(&self) -> Timestamp {
        self.center.now()
    }

    /// A number for something new, ten digits: it tells nothing about how many there are.
    fn number(&self) -> i64 {
        1_000_000_000 + i64::try_from(RealWorld.below(9_000_000_000)).unwrap_or_default()
    }
}
