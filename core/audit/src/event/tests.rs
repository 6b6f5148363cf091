use super::*;
use std::collections::BTreeSet;

#[test]
fn codes_and_keys_are_unique_and_in_order() {
    let codes: Vec<_> = CATALOGUE.iter().map(|k| k.code).collect();
    let mut sorted = codes.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(codes, sorted);
    let keys: BTreeSet<_> = CATALOGUE.iter().map(|k| k.key).collect();
    assert_eq!(keys.len(), CATALOGUE.len());
}

#[test]
fn every_event_has_a_text_in_both_languages_x5() {
    for lang in texts::Lang::ALL {
        let texts = texts::Texts::new(lang);
        for kind in CATALOGUE {
            assert!(texts.has(kind.key), "{lang}: {}", kind.key);
        }
    }
}

#[test]
fn only_entries_of_the_center_about_requests_hold_a_person() {
    let personal: Vec<_> = CATALOGUE.iter().filter(|k| k.personal()).map(|k| k.code).collect();
    assert_eq!(personal, ["A201", "A202", "A203", "A501", "A502", "A504", "A505", "A506"]);
}

#[test]
fn every_event_about_a_grant_is_found_by_it() {
    for kind in CATALOGUE {
        let about = kind.fields.iter().any(|f| f.name == "grant" || f.name == "seen");
        let listed = ["A103", "A203", "A204", "A205", "A206", "A207", "A208", "A209", "A401", "A402", "A403"];
        assert_eq!(about, listed.contains(&kind.code), "{}", kind.code);
    }
}

#[test]
fn a_field_nobody_knows_is_refused() {
    assert!(serde_json::from_str::<Event>(r#"{"code":"A205","grant":7}"#).is_ok());
    assert!(serde_json::from_str::<Event>(r#"{"code":"A205","grant":7,"more":1}"#).is_err());
    assert!(serde_json::from_str::<Event>(r#"{"code":"A999","grant":7}"#).is_err());
}
