//! demo, test, bench, tidy, gen.
fn main() {}
