//! The audit catalogue.

use audit::{CATALOGUE, Event, Kind};
use serde_json::json;

use crate::page::{Both, head, table};

pub(crate) fn page() -> String {
    let both = Both::new();
    let mut out = head("Audit events", "監査ログの事象", "`audit::CATALOGUE`");
    out.push_str(
        "\nEntries form a hash chain and are written in the transaction of the change they tell of. A code is never \
         reused; a field is only ever added. *Personal* entries hold a person's name and stay at the center (G13).\n",
    );
    out.push_str(&table(
        &["code", "when", "English", "日本語", "section", "personal"],
        CATALOGUE.iter().map(|kind| {
            let [en, ja] = both.say(kind.key, &[]);
            let personal = if kind.personal() { "yes" } else { "" };
            vec![kind.code.into(), kind.meaning.trim().into(), en, ja, section(kind), personal.into()]
        }),
    ));
    out.push_str("\n## Fields\n");
    for kind in CATALOGUE {
        out.push_str(&format!("\n### {} — {}\n", kind.code, kind.meaning.trim()));
        out.push_str(&table(
            &["field", "type", "says"],
            kind.fields.iter().map(|field| {
                let shape: String = field.shape.split_whitespace().collect();
                vec![format!("`{}`", field.name), format!("`{shape}`"), field.meaning.trim().into()]
            }),
        ));
    }
    out
}

/// Where the section of an event comes from (N12).
fn section(kind: &Kind) -> String {
    let has = |name: &str| kind.fields.iter().any(|field| field.name == name);
    if has("section") {
        return "field `section`".into();
    }
    if has("reasons") {
        return "that of each reason".into();
    }
    // What is left has a section only with its fault, if it has one at all: ask an example.
    let example = match kind.code {
        "A004" => json!({"code": "A004", "operator": "", "seq": 0, "fault": "altered"}),
        _ => return String::new(),
    };
    let event: Option<Event> = serde_json::from_value(example).ok();
    event.map(|e| e.sections().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_without_a_section_field_are_asked() {
        let of = |code: &str| section(CATALOGUE.iter().find(|k| k.code == code).unwrap());
        assert_eq!(
            (of("A004").as_str(), of("A102").as_str(), of("A205").as_str()),
            ("operator", "that of each reason", "")
        );
    }
}
