//! The documents themselves.

use joining::Action;
use serde_json::Value;
use std::collections::BTreeSet;

use super::super::super::table::table;
use super::*;
use crate::reader::Reader;

/// Somebody else's reading of OpenAPI 3.1, and JSON Schema's own of each schema.
#[test]
fn the_documents_are_openapi_3_1_for_who_did_not_write_them() {
    for (name, document) in documents() {
        let text = document.to_string();
        let read: roas::v3_1::spec::Spec = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        roas::validation::Validate::validate(&read, Default::default(), None).unwrap_or_else(|e| panic!("{name}: {e}"));
        let schemas = document["components"]["schemas"].as_object().unwrap();
        assert!(!schemas.is_empty());
        for (schema, value) in schemas {
            jsonschema::draft202012::meta::validate(value).unwrap_or_else(|e| panic!("{name} {schema}: {e}"));
        }
        // Whatever is pointed at is there.
        let mut pointers = BTreeSet::new();
        refs(&document, &mut pointers);
        for pointer in pointers {
            assert!(document.pointer(pointer.strip_prefix('#').unwrap()).is_some(), "{name}: {pointer}");
        }
    }
}

fn refs(value: &Value, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(pointer) = map.get("$ref").and_then(Value::as_str) {
                all.insert(pointer.to_owned());
            }
            map.values().for_each(|value| refs(value, all));
        }
        Value::Array(list) => list.iter().for_each(|value| refs(value, all)),
        _ => {}
    }
}

#[test]
fn a_broken_document_is_found_out() {
    let mut document = of(Entrance::Inside);
    document["paths"]["/api/v1/account"]["get"]["responses"] = Value::Null;
    assert!(
        serde_json::from_value::<roas::v3_1::spec::Spec>(document.clone()).is_err() || {
            let read: roas::v3_1::spec::Spec = serde_json::from_value(document).unwrap();
            roas::validation::Validate::validate(&read, Default::default(), None).is_err()
        }
    );
    let broken = serde_json::json!({ "type": "nonsense" });
    assert!(jsonschema::draft202012::meta::validate(&broken).is_err());
}

/// What is served and what is documented are the same calls, each with a name of its own and words in both languages.
#[test]
fn every_call_is_in_the_document_and_nothing_else() {
    for at in [Entrance::Public, Entrance::Inside, Entrance::Operator] {
        let document = of(at);
        let mut documented = BTreeSet::new();
        let mut names = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                documented.insert(format!("{} {path}", method.to_uppercase()));
                assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
                let declared: BTreeSet<&str> = operation["parameters"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter(|p| p["in"] == "path")
                    .map(|p| p["name"].as_str().unwrap())
                    .collect();
                let in_path: BTreeSet<&str> =
                    path.split('/').filter_map(|p| p.strip_prefix('{')?.strip_suffix('}')).collect();
                assert_eq!(declared, in_path, "{path}");
            }
        }
        let served: BTreeSet<String> = table()
            .iter()
            .filter(|way| way.at == at && way.path.starts_with("/api/"))
            .map(|way| format!("{} {}", way.method, way.path))
            .collect();
        assert_eq!(documented, served);
        assert!(table().iter().all(|way| way.path.starts_with("/api/") == way.described.is_some()));
        for name in names {
            for lang in [texts::Lang::Ja, texts::Lang::En] {
                assert!(Reader::of(lang).texts.has(&format!("api-call-{name}")), "{name}");
            }
        }
    }
}

/// A token can be made for what calls need, and for nothing that none needs.
#[test]
fn what_a_token_is_made_for_is_what_calls_need() {
    let needed: BTreeSet<Action> = table()
        .iter()
        .filter(|way| way.at == Entrance::Inside && way.described.is_some() && way.action != Action::Look)
        .map(|way| way.action)
        .collect();
    let offered: BTreeSet<Action> = joining::ApiToken::OFFERED.into_iter().chain(joining::ApiToken::ALWAYS).collect();
    assert_eq!(needed, offered);
    for action in joining::ApiToken::OFFERED {
        for lang in [texts::Lang::Ja, texts::Lang::En] {
            assert!(Reader::of(lang).texts.has(&format!("api-action-{}", action.as_str())), "{action:?}");
        }
    }
}
