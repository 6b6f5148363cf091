//! Web pages of the center: the operator's live picture, the console of a person at a terminal, and joining.
//!
//! Server-rendered: forms are parsed, use cases of `connections` and `reception` called, values rendered. It holds no rule — who may is
//! `decision` — and knows no socket: the center hands it streams or mounts its routers. Pages work without JavaScript;
//! our one script only saves reloads and goes on with files after a cut line. Nothing is loaded from anywhere else.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod assets;
mod console;
mod frame;
mod guard;
pub mod joining;
mod live;
mod pages_of_refusal;
mod reader;
mod times;

pub use console::{Console, Entrance, Ports};
pub use live::{Operator, Shown, picture, routes as operator_routes};
