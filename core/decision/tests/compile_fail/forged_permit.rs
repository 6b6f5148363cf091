//! Everything a permit says, but not the decision: it must not compile.

use decision::{AllowRef, Permit, PersonSummary};
use model::Grant;

fn forge(grant: Grant, allow: AllowRef, person: PersonSummary) -> Permit {
    Permit { grant, allow, person }
}

fn main() {}
