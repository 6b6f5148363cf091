use super::*;

pub(crate) const CLINIC: &str = include_str!("../../tests/documents/clinic.toml");

#[test]
fn the_example_of_the_readme_is_read() {
    let document = parse_document("clinic.toml", CLINIC).unwrap();
    let site = document.site.unwrap();
    assert_eq!(site.id.as_str(), "clinic");
    assert_eq!(site.institution.as_str(), "aoba");
    assert_eq!(site.hosts.len(), 2);
    assert_eq!(site.allow[0].roles, ["Medical Doctor"]);
}

#[test]
fn every_fault_names_its_place_and_the_mend() {
    let cases: &[(&str, &str, &str)] = &[
        ("id = \"clinic\"", "id = \"clinic", "clinic.toml:"),
        ("model = \"small\"", "model = \"tiny\"", "unknown variant `tiny`"),
        ("vlan = 20", "vlan = 20\ncolour = \"red\"", "unknown field `colour`"),
        ("mac = \"02:00:00:01:20:11\"", "mac = \"02:00:00:01:20\"", "MAC address like"),
        ("port = \"sw1/3\"", "port = \"sw1/0\"", "switch port like"),
        ("[[switch]]", "[[switch]]\nid = \"sw0\"\ndpid = \"0000000000000009\"\n[[switch]]", "exactly one"),
        ("id = \"exam-2\"", "id = \"exam-1\"", "described twice"),
        ("roles = [\"Medical Doctor\"]", "roles = []", "names no role"),
        ("address = \"192.0.2.11\"", "address = \"192.0.2.300\"", "invalid IP address"),
    ];
    for (from, to, expected) in cases {
        let text = CLINIC.replacen(from, to, 1);
        assert_ne!(text, CLINIC, "the case `{to}` changes nothing");
        let error = parse_document("clinic.toml", &text).unwrap_err().to_string();
        assert!(error.contains(expected), "`{error}` does not say `{expected}`");
        assert!(error.starts_with("clinic.toml"), "`{error}` does not name the document");
    }
}

#[test]
fn a_fault_in_the_text_names_its_line() {
    let text = CLINIC.replacen("vlan = 20", "vlan = \"twenty\"", 1);
    let line = text.lines().position(|l| l.contains("twenty")).unwrap() + 1;
    assert_eq!(parse_document("c", &text).unwrap_err().line, Some(line));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,300}") {
        let _ = parse_document("any", &text);
    }

    #[test]
    fn no_cut_of_a_good_document_makes_it_panic(at in 0usize..3000) {
        let cut = CLINIC.char_indices().map(|(i, _)| i).take_while(|i| *i <= at).last().unwrap_or(0);
        let _ = parse_document("cut", &CLINIC[..cut]);
    }
}
