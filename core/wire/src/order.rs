//! Orders: what the center signs and a gate carries out.

use model::{Generation, SiteDelta, SiteId, SiteState, Timestamp};
use prost::Message as _;

use crate::fields::{need, read};
use crate::{Wire, WireError, link as pb};

/// Version of the order format.
pub const ORDER_VERSION: u32 = 1;

/// Keeps a signature over an order from ever being one over anything else.
const SIGNING_DOMAIN: &[u8] = b"sekisho order 1\n";

/// The bytes the center signs and a gate verifies (ECDSA P-256, SHA-256), for a payload as it is on the wire.
pub fn order_signed_bytes(payload: &[u8]) -> Vec<u8> {
    [SIGNING_DOMAIN, payload].concat()
}

/// An order to one gate. Boxed bodies: a state can be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The site it is for.
    pub site: SiteId,
    /// The center's clock when it was made.
    pub issued_at: Timestamp,
    /// What to do.
    pub body: OrderBody,
}

/// What an order brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderBody {
    /// The change from one generation to the next.
    Delta(Box<SiteDelta>),
    /// The whole state.
    Snapshot(Box<SiteState>),
}

impl Order {
    /// The generation it leads to.
    pub fn generation(&self) -> Generation {
        match &self.body {
            OrderBody::Delta(delta) => delta.generation,
            OrderBody::Snapshot(state) => state.generation,
        }
    }

    /// The payload of a [`pb::SignedOrder`].
    pub fn encode(&self) -> Vec<u8> {
        let body = match &self.body {
            OrderBody::Delta(delta) => pb::order::Body::Delta(delta.to_message()),
            OrderBody::Snapshot(state) => pb::order::Body::Snapshot(state.to_message()),
        };
        pb::Order { version: ORDER_VERSION, site: self.site.to_string(), issued_at: self.issued_at.0, body: Some(body) }
            .encode_to_vec()
    }

    /// Reads a payload whose signature was verified.
    ///
    /// # Errors
    /// [`WireError`] for bytes that are no order, another version, or a body for a site other than the order's.
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let m = pb::Order::decode(payload).map_err(|e| WireError::new(format!("not an order: {e}")))?;
        if m.version != ORDER_VERSION {
            return Err(WireError::new(format!("{} is no version this release knows", m.version)).within("version"));
        }
        let site: SiteId = read("site", &m.site)?;
        let body = match need("body", m.body)? {
            pb::order::Body::Delta(d) => {
                OrderBody::Delta(Box::new(SiteDelta::from_message(d).map_err(|e| e.within("delta"))?))
            }
            pb::order::Body::Snapshot(s) => {
                OrderBody::Snapshot(Box::new(SiteState::from_message(s).map_err(|e| e.within("snapshot"))?))
            }
        };
        let inner = match &body {
            OrderBody::Delta(delta) => &delta.site,
            OrderBody::Snapshot(state) => &state.facts.site.id,
        };
        if *inner != site {
            return Err(WireError::new(format!("the order is for {site}, its body for {inner}")).within("site"));
        }
        Ok(Self { site, issued_at: Timestamp(m.issued_at), body })
    }
}

#[cfg(test)]
mod tests;
