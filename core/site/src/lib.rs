//! One site's state machine: a verified state wanted, what is observed, and what to do next.
//!
//! Pure: [`SiteMachine::handle`] takes an [`Event`] and an instant and returns an [`Outbox`]; sockets, clocks and
//! processes live in the gate. Everything is desired/observed: late, lost and repeated events change nothing, and after
//! any restart only the difference is sent. This crate must not know who plans, who decides, or how bytes travel.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod audit;
mod budget;
mod conversion;
mod event;
mod filters;
mod first_packet;
mod flush;
mod furniture;
mod idle;
mod ike;
mod machine;
mod metered;
mod nftables;
mod packet;
mod passages;
mod refusal;
mod rules;
mod strangers;
mod tunnels;
mod waiting;

pub use audit::{Audit, Installed, audit, installed};
pub use conversion::{Inexpressible, NotOurs, RuleBody, RuleKey, observed_entry, to_add, to_delete, to_entry, to_rule};
pub use event::{
    ChildSa, CloseCause, Count, Event, FirstPacketAnswer, ForeignChange, ForeignRule, Outbox, Output, Place, Report,
    Traffic,
};
pub use ike::{IkeChild, IkeConnection, IkeEnd, IkePolicy, child_name, connection, connection_name};
pub use machine::{SiteConfig, SiteMachine};
pub use metered::{first_packet_meter, question_meter};
pub use nftables::{
    FilterElement, FilterStateError, ObservedFilters, RedInterfaces, change_script, elements, full_script, parse_state,
};
pub use packet::FiveTuple;
