//! One decision, one permit: it cannot be kept and used twice.

use decision::Permit;

fn twice(permit: &Permit) -> Permit {
    permit.clone()
}

fn main() {}
