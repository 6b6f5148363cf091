//! What the API is, as OpenAPI 3.1 has it, made from the table that serves it.

use joining::{Role, access};
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use texts::Lang;

use super::problem::{Document, MEDIA_TYPE};
use super::ways;
use crate::joining::table::{Entrance, Way};
use crate::reader::Reader;

/// Every document in English by the name of its file, for the handbook.
pub fn documents() -> [(&'static str, Value); 3] {
    let english = Reader::of(Lang::En);
    [
        ("openapi-public.json", Entrance::Public),
        ("openapi-inside.json", Entrance::Inside),
        ("openapi-operator.json", Entrance::Operator),
    ]
    .map(|(name, at)| (name, document(at, &english)))
}

/// What is at one door.
pub(super) fn document(at: Entrance, reader: &Reader) -> Value {
    let mut all = Generators::new();
    let problem = all.answers.subschema_for::<Document>();
    let mut paths = Map::new();
    for way in ways().into_iter().filter(|way| way.at == at) {
        let operation = operation(&way, &mut all, reader);
        let path = paths.entry(way.path).or_insert_with(|| json!({}));
        path[way.method.as_str().to_ascii_lowercase()] = operation;
    }
    let mut schemas = all.questions.take_definitions(true);
    schemas.extend(all.answers.take_definitions(true));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": reader.say("api-title"),
            "version": "1",
            "description": reader.say(about(at)),
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": { "problem": {
                "description": reader.say("api-problem"),
                "content": { MEDIA_TYPE: { "schema": problem } },
            } },
            "securitySchemes": scheme(at, reader),
        },
    });
    known_formats(&mut document);
    document
}

/// OpenAPI 3.1 §4.4 knows `int32` and `int64`; how wide a number is within says nothing that `minimum` does not.
fn known_formats(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                map.remove("format");
            }
            map.values_mut().for_each(known_formats);
        }
        Value::Array(list) => list.iter_mut().for_each(known_formats),
        _ => {}
    }
}

/// Schemas of what is given and of what is answered: a value that may be left out stands in every answer.
struct Generators {
    questions: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Generators {
    fn new() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        let answers = settings.clone().for_serialize().into_generator();
        Self { questions: settings.for_deserialize().into_generator(), answers }
    }
}

fn about(at: Entrance) -> &'static str {
    match at {
        Entrance::Public => "api-about-public",
        Entrance::Inside => "api-about-inside",
        Entrance::Service => "api-about-service",
        Entrance::Operator => "api-about-operator",
    }
}

/// How it is known who calls.
fn scheme(at: Entrance, reader: &Reader) -> Value {
    match at {
        Entrance::Public => {
            json!({ "link": { "type": "http", "scheme": "bearer", "description": reader.say("api-scheme-link") } })
        }
        Entrance::Inside => {
            json!({ "token": { "type": "http", "scheme": "bearer", "description": reader.say("api-scheme-token") } })
        }
        Entrance::Service | Entrance::Operator => {
            json!({ "certificate": { "type": "mutualTLS", "description": reader.say("api-scheme-certificate") } })
        }
    }
}

fn operation(way: &Way, all: &mut Generators, reader: &Reader) -> Value {
    let described = way.described.as_ref().expect("every way of this table is a call");
    let here = roles(way.at).iter().filter(|role| access::may(**role, way.action));
    let here: Vec<&str> = here.map(|role| role.as_str()).collect();
    let in_query = matches!(way.method.as_str(), "GET" | "DELETE");
    let given = (described.given)(&mut all.questions);
    let mut parameters: Vec<Value> = in_path(way.path).map(|name| {
        let description = reader.say(&format!("api-path-{name}"));
        json!({ "name": name, "in": "path", "required": true, "description": description, "schema": { "type": "string" } })
    }).collect();
    if in_query {
        parameters.extend(queries(&given));
    }
    let mut done = json!({ "description": reader.say("api-done") });
    if described.status != axum::http::StatusCode::NO_CONTENT {
        done["content"] = json!({ "application/json": { "schema": (described.answered)(&mut all.answers) } });
    }
    let summary = reader.say(&format!("api-call-{}", described.name));
    let mut operation = json!({
        "operationId": described.name,
        "summary": summary,
        "x-action": way.action.as_str(),
        "x-roles": here,
        "parameters": parameters,
        "responses": {
            described.status.as_str(): done,
            "default": { "$ref": "#/components/responses/problem" },
        },
        "security": security(way),
    });
    if !in_query {
        let required = given.get("required").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
        operation["requestBody"] =
            json!({ "required": required, "content": { "application/json": { "schema": given } } });
    }
    operation
}

/// Who can come to a door.
fn roles(at: Entrance) -> &'static [Role] {
    match at {
        Entrance::Public => &[Role::Nobody, Role::Applicant],
        Entrance::Inside => &[Role::Nobody, Role::Staff, Role::Manager],
        Entrance::Service => &[Role::Staff, Role::Manager],
        Entrance::Operator => &[Role::Operator, Role::Auditor],
    }
}

/// What must be shown for it; nothing for what is everybody's.
fn security(way: &Way) -> Value {
    if access::may(Role::Nobody, way.action) {
        return json!([]);
    }
    match way.at {
        Entrance::Public => json!([{ "link": [] }]),
        // OpenAPI 3.1 lets any scheme name what it must be made for.
        Entrance::Inside => json!([{ "token": [way.action.as_str()] }]),
        Entrance::Service | Entrance::Operator => json!([{ "certificate": [] }]),
    }
}

/// Names between braces.
fn in_path(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// A parameter for every property: whoever leaves one out need not write `null`, and cannot.
fn queries(given: &Schema) -> Vec<Value> {
    let required = given.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = given.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        if let Some(kinds) = schema.get_mut("type").filter(|kinds| kinds.is_array()) {
            let one = kinds.as_array().and_then(|all| all.iter().find(|kind| *kind != "null")).cloned();
            *kinds = one.unwrap_or(Value::Null);
        }
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({
            "name": name,
            "in": "query",
            "required": required.contains(&Value::String(name.clone())),
            "description": description.unwrap_or_default(),
            "schema": schema,
        })
    };
    properties.into_iter().map(parameter).collect()
}
