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
fn every_fault_names_its_place() {
    let cases: &[(&str, &str, &str)] = &[
        ("id = \"clinic\"", "id = \"clinic", "clinic.toml:"),
        (
            "model = \"small\"",
            "model = \"tiny\"",
            "unknown-word field=`model` found=`tiny` expected=`large,small,service-provider`",
        ),
        ("vlan = 20", "vlan = 20\ncolour = \"red\"", "unknown-field field=`colour`"),
        (
            "mac = \"02:00:00:01:20:11\"",
            "mac = \"02:00:00:01:20\"",
            "wrong-shape field=`mac` found=`02:00:00:01:20` expected=`document-shape-mac`",
        ),
        ("port = \"sw1/3\"", "port = \"sw1/0\"", "expected=`document-shape-port`"),
        ("[[switch]]", "[[switch]]\nid = \"sw0\"\ndpid = \"0000000000000009\"\n[[switch]]", "several-switches"),
        ("id = \"exam-2\"", "id = \"exam-1\"", "described-twice kind=`host` id=`exam-1`"),
        ("roles = [\"Medical Doctor\"]", "roles = []", "no-role"),
        (
            "address = \"192.0.2.11\"",
            "address = \"192.0.2.300\"",
            "wrong-shape field=`address` found=`192.0.2.300` expected=`document-shape-address`",
        ),
    ];
    for (from, to, expected) in cases {
        let text = CLINIC.replacen(from, to, 1);
        assert_ne!(text, CLINIC, "the case `{to}` changes nothing");
        let error = parse_document("clinic.toml", &text).unwrap_err().to_string();
        assert!(error.contains(expected), "`{error}` does not say `{expected}`");
        assert!(error.starts_with("clinic.toml"), "`{error}` does not name the document");
    }
}

/// The reader of TOML says in English what it met; its words are recognised, so that people read their own.
#[test]
fn what_the_reader_of_toml_says_is_recognised_x5() {
    let mut wrong = Vec::new();
    for (from, to, expected) in [
        ("id = \"clinic\"", "id = \"clinic\"\nid = \"clinic\"", "twice"),
        ("from = [\"exam-1\"]", "from = [\"exam-1\" \"exam-2\"]", "comma"),
        ("service = \"keyaki/records\"\n", "x = [1, 2\n", "list-open"),
        ("[[segment]]", "[[segment", "table-open"),
        ("[site]", "[site", "table-open"),
        ("service = \"keyaki/records\"\n", "x = { a = 1", "table-open"),
        ("id = \"clinic\"", "id", "no-value"),
        ("id = \"clinic\"", "id =", "no-value"),
        ("id = \"clinic\"", "id = clinic", "unquoted"),
        ("id = \"clinic\"", "id = \"clinic", "string"),
        ("id = \"clinic\"", "id = 'clinic", "string"),
        ("[site]", "[拠点]", "key"),
        ("vlan = 20", "vlan = 020", "value"),
        ("vlan = 20", "vlan = 20x", "unquoted"),
    ] {
        let text = CLINIC.replacen(from, to, 1);
        match *parse_document("c", &text).unwrap_err().fault {
            DocumentFault::Syntax { kind, detail } if kind != expected => wrong.push((to, kind, detail)),
            DocumentFault::Syntax { .. } => {}
            other => panic!("{to}: {other}"),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
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
