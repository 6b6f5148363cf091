//! What is checked in is what the code says.

use std::path::Path;

fn checked_in() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/generated"))
}

#[test]
fn the_generated_pages_are_fresh() {
    let pages = handbook::pages(handbook::binaries().as_deref()).expect("pages");
    if let Err(stale) = handbook::check(checked_in(), &pages) {
        panic!("{stale}");
    }
}

#[test]
fn a_page_that_differs_is_named_with_its_line() {
    let dir = tempfile::tempdir().expect("folder");
    let mut pages = handbook::pages(None).expect("pages");
    handbook::write(dir.path(), &pages).expect("written");
    handbook::check(dir.path(), &pages).expect("fresh");
    let page = pages.get_mut("invariants.md").expect("page");
    *page = page.replacen("I01", "I99", 1);
    std::fs::write(dir.path().join("old.md"), "").expect("written");
    let said = handbook::check(dir.path(), &pages).expect_err("stale").to_string();
    assert!(said.contains("invariants.md:") && said.contains("I99") && said.contains("old.md"), "{said}");
}

#[test]
fn the_same_code_gives_the_same_pages() {
    assert_eq!(handbook::pages(None).expect("pages"), handbook::pages(None).expect("pages"));
}
