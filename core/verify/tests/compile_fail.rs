//! Proofs are made in this room only.

#[test]
fn nothing_outside_can_construct_a_proof() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
