//! Versioned messages between our processes: what a gate and the center say to each other (protobuf, files in
//! `proto/`), and what people's tools say to the center (JSON, [`api`]).
//!
//! Bytes in, nouns out, and back. This crate knows no socket, no RPC runtime and no key: it says which bytes are
//! signed, somebody else signs them. Nothing in it panics on what it reads.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod card_call;
pub mod enrolment;
mod fields;
mod grants;
pub mod inquiry;
pub mod live;
mod order;
pub mod questions;
mod rules;
pub mod session;
mod sites;
mod states;

/// Messages of `proto/sekisho/link/v1`, as generated; the comments are in the `.proto` files.
#[allow(missing_docs, clippy::all)]
pub mod link {
    include!(concat!(env!("OUT_DIR"), "/sekisho.link.v1.rs"));
}

pub use fields::{Wire, WireError};
pub use order::{ORDER_VERSION, Order, OrderBody, order_signed_bytes};

/// Version of the link's messages, in `Hello` and `Welcome`.
pub const LINK_VERSION: u32 = 1;
