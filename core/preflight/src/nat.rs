//! Who translates addresses: each end hashes what it knows, and compares with what the other saw (RFC 3947 §3.2,
//! RFC 7296 §2.23).

use ring::digest;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// Between two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// Nobody.
    Nobody,
    /// Somebody on our side.
    Here,
    /// Somebody on the other side.
    There,
    /// On both sides.
    Both,
}

impl Nat {
    /// From whether each end is what the other sees it as.
    pub fn of(we_are_what_they_see: bool, they_are_what_we_see: bool) -> Self {
        match (we_are_what_they_see, they_are_what_we_see) {
            (true, true) => Self::Nobody,
            (false, true) => Self::Here,
            (true, false) => Self::There,
            (false, false) => Self::Both,
        }
    }
}

/// SHA-1 of both SPIs, address and port (RFC 7296 §2.23). A label, not a secret: nothing leans on SHA-1 here.
pub fn hash(initiator: [u8; 8], responder: [u8; 8], of: SocketAddr) -> [u8; 20] {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(&initiator);
    context.update(&responder);
    match of.ip().to_canonical() {
        IpAddr::V4(address) => context.update(&address.octets()),
        IpAddr::V6(address) => context.update(&address.octets()),
    }
    context.update(&of.port().to_be_bytes());
    let mut out = [0; 20];
    out.copy_from_slice(context.finish().as_ref());
    out
}
