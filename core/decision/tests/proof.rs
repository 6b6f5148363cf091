//! A permit cannot be made by hand.

#[test]
fn only_decide_makes_a_permit() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
