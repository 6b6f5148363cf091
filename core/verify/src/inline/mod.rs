//! Tier 1: the inline proof. The verdict on opening and closing a grant costs the same whatever else is open.
//!
//! # Why it says the same as the judge who walks everything
//!
//! The judge ([`crate::judge`]) is the definition: a state is sound if its facts are coherent, its rules keep the grammar
//! of the pipeline, every path through the switch is covered, and tunnels and filters are neither too wide nor missing.
//! Tier 1 does not approximate it; it uses that the definition falls apart into independent pieces:
//!
//! 1. *A path holds at most one rule of a grant.* Grants own rules in the connections table only (I03), a path passes a
//!    table at most once (I03: forward steps only), and a path is judged as if no other rule stood in its way. So the
//!    paths of a state are those of its structure (what stands without a grant), and for each grant those through its
//!    own rules and the structure. No path of one grant depends on another grant.
//! 2. *Everything else said of a grant* (I07, I09, I10, I12 to I17) speaks of its own parts, the facts of the site, and
//!    the same grant at its other end.
//! 3. *One thing is said across grants*: no two rules are one to OpenFlow (I04). The overlap index answers it with one
//!    probe a rule, because the only masks grants use are exact ports and exact hosts, and the index is over whole matches.
//!
//! Hence `sound(structure + all grants) = sound(structure) ∧ ⋀ sound(structure + grant) ∧ no overlap`. A change that
//! touches neither structure nor facts is judged by judging the grants it touches, each beside the structure alone:
//! exact, and independent of the number of the others. What was proved of the rest stands.
//!
//! # The strict contract
//!
//! Even that walk is saved when a grant has exactly the parts that follow from it ([`strict`]): each rule binds in-port,
//! tag, family, both hosts, protocol and one exact port, goes straight to forwarding, commits only what the origin
//! begins, and the other side's rule takes answers only. On a structure whose forwarding rules send a packet only to the
//! host it is addressed to, or from a zone to the gateway ([`fit::Fit::sound`]), invariant by invariant:
//!
//! | invariant | because |
//! |---|---|
//! | I01 fits | generations are compared; what is removed is compared byte by byte with what stands, and leaves nothing |
//! | I02 facts | they are as they were proved |
//! | I03 pipeline | the rule is one of three shapes, all of them in the grammar |
//! | I04 one rule | the overlap index, and three distinct shapes a port |
//! | I05 default deny | both hosts, protocol and port are the grant's; in-port is the entry of its direction; the destination is one host, so forwarding leads to that host's port and MAC, or it is none of ours (prefixes do not overlap, I02) and leads to the gateway |
//! | I06 source binding | admission is structure |
//! | I07 zones | the matrix is asked for the grant; the tag in the rule is the zone's, written at admission only |
//! | I08 no relay | from the uplink forwarding needs a zone's tag to reach the uplink: it has none |
//! | I09 known peer | asked of the grant and of its tunnel |
//! | I10 direction | `+new` is matched and committed from the origin's side only; the other side matches `+est+rpl` |
//! | I11 first packets | grants show nothing to the gate |
//! | I12 grant | asked |
//! | I13, I14 selectors | the tunnel is the one that follows from the grant; equal grants at both ends then mirror, and the lower site id initiates |
//! | I15 filters | two, one a direction, each no wider than the grant |
//! | I16 together | three rules a port, one tunnel, two filters, at both ends; the host's admission, tracking and delivery take every packet ([`fit::Fit::seats`]) |
//! | I17 live owner | whatever stands under a grant's number stands in its entry and goes with it |
//! | I18, I19 separate, no clear text | one of entry and exit is the uplink, and the tunnel is there |
//! | I20, I21 refusals, ARP | structure; a grant's rule matches IP |
//! | I22 own promises | asked of the grant at the site that makes them ([`crate::never`]): what passes is covered (I05), so a promise is kept if no grant, in-house rule or transit wish joins what it keeps apart; new facts are asked of every grant that stays |
//!
//! Nothing of this reads a priority, so every part of a change that is installed alone is safe too; only I16 waits for
//! the rest.
//!
//! # Changes of the structure
//!
//! New standing rules, filters or facts are walked by the judge without the grants (their paths do not need them), and
//! the promises to strict grants are measured again: they ask for the host and the peer of a grant, not for the grant
//! ([`Book::survives`]). Only if a promise breaks that a grant relies on is every grant of that site judged again.

mod book;
mod fit;
mod ground;
mod known;
mod pack;
mod strict;
mod table;

pub use book::Book;
pub(crate) use book::{Single, is_wide, touched};
pub(crate) use fit::Fit;
pub(crate) use known::Known;
pub(crate) use pack::Packed;
