//! Everything a permit says, but not the decision: it must not compile.

use decision::{AllowRef, Permit, PersonSummary};
use model::{Grant, GrantId};

fn forge(grant: Grant, gives_way: Vec<GrantId>, allow: AllowRef, person: PersonSummary) -> Permit {
    Permit { grant, gives_way, allow, person }
}

fn main() {}
