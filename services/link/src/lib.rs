//! The link between a gate and the center as code: client and server stubs of `sekisho.link.v1.Link` over the messages
//! of `core/wire`, [`ChunkStream`], a terminal's bytes over it, and what our TLS listeners ask of a client's certificate.
//!
//! It judges no certificate and knows no use case; both ends bring their own.

mod chunks;
mod tls;

/// Stubs, as generated.
#[allow(missing_docs, clippy::all)]
mod stubs {
    include!(concat!(env!("OUT_DIR"), "/sekisho.link.v1.rs"));
}

pub use chunks::ChunkStream;
pub use stubs::link_client::LinkClient;
pub use stubs::link_server::{Link, LinkServer};
pub use tls::{ClientCertificates, judged_later};

/// ALPN of the link (RFC 9113 §3.3): it is HTTP/2 and nothing else.
pub const ALPN: &[u8] = b"h2";
