//! A document as text again: what a page has put together is taken in, shown and kept as if somebody had written it.

use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

use crate::{Agreement, Checksheet, Document, Service, Site};

/// The text that [`crate::parse_document`] reads as this document.
///
/// # Errors
/// [`serde_json::Error`] for a value JSON cannot carry; no noun holds one.
pub fn write_document(document: &Document) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    if let Some(institution) = &document.institution {
        table(&mut out, "[institution]", institution)?;
    }
    if let Some(site) = &document.site {
        write_site(&mut out, site)?;
    }
    for service in &document.services {
        table(&mut out, "[[service]]", service_fields(service))?;
    }
    for agreement in &document.agreements {
        write_agreement(&mut out, agreement)?;
    }
    if let Some(sheet) = &document.checksheet {
        write_checksheet(&mut out, sheet)?;
    }
    Ok(out)
}

fn write_site(out: &mut String, site: &Site) -> Result<(), serde_json::Error> {
    let head = json!({ "id": site.id, "model": site.model, "institution": site.institution, "name": site.name });
    table(out, "[site]", head)?;
    for line in &site.lines {
        table(out, "[[line]]", line)?;
    }
    table(out, "[[switch]]", &site.switch)?;
    table(out, "[gateway]", &site.gateway)?;
    for segment in site.segments.values() {
        table(out, "[[segment]]", segment)?;
    }
    for host in site.hosts.values() {
        table(out, "[[host]]", host)?;
    }
    for rule in &site.allow {
        table(out, "[[allow]]", json!({ "who": { "roles": rule.roles }, "from": rule.from, "service": rule.service }))?;
    }
    for rule in &site.in_house {
        table(out, "[[inhouse]]", rule)?;
    }
    for rule in &site.transit {
        table(out, "[[transit]]", rule)?;
    }
    for rule in &site.never {
        table(out, "[[never]]", json!({ "id": rule.id, "from": rule.from, "to": rule.to, "because": rule.because }))?;
    }
    Ok(())
}

/// As a document says it: named within institution and site, times in whole seconds.
fn service_fields(service: &Service) -> Value {
    let seconds = |ms: i64| ms / 1000;
    // Absent, it is a quarter of the lease at most; a warning of no length at all cannot be written and need not be.
    let warn = (service.warn_ms >= 1000).then(|| seconds(service.warn_ms));
    json!({
        "id": service.id.name,
        "name": service.name,
        "host": service.host.host,
        "protocol": service.protocol,
        "ports": service.ports,
        "roles": service.roles,
        "window": service.window,
        "lease_seconds": seconds(service.lease_ms),
        "idle_seconds": service.idle_ms.map(seconds),
        "warn_seconds": warn,
        "kind": service.kind,
        "devices": service.devices,
        "zones": service.zones,
        "exclusive": service.exclusive,
        "shares": service.shares,
        "approval": service.approval.as_ref().map(|a| json!({ "roles": a.roles, "wait_seconds": seconds(a.wait_ms) })),
        "booked": service.booked,
    })
}

fn write_agreement(out: &mut String, agreement: &Agreement) -> Result<(), serde_json::Error> {
    let terms = json!({
        "id": agreement.id,
        "consumer": agreement.consumer,
        "provider": agreement.provider,
        "service": agreement.service,
        "valid_from": agreement.valid_from.to_string(),
        "valid_until": agreement.valid_until.to_string(),
    });
    table(out, "[[agreement]]", terms)?;
    for (side, signature) in &agreement.signatures {
        table(out, &format!("[agreement.signature.{side}]"), signature)?;
    }
    Ok(())
}

fn write_checksheet(out: &mut String, sheet: &Checksheet) -> Result<(), serde_json::Error> {
    table(out, "[checksheet]", json!({ "site": sheet.site, "model": sheet.model, "edition": sheet.edition }))?;
    if !sheet.answers.is_empty() {
        table(out, "[checksheet.answer]", &sheet.answers)?;
    }
    Ok(())
}

fn table(out: &mut String, head: &str, value: impl Serialize) -> Result<(), serde_json::Error> {
    if !out.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "{head}");
    if let Value::Object(fields) = serde_json::to_value(value)? {
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let _ = writeln!(out, "{name} = {}", inline(value));
        }
    }
    Ok(())
}

/// JSON's strings, numbers and truth values are TOML's too, but for one character: DEL stands raw in JSON.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            let all: Vec<String> = fields.map(|(name, value)| format!("{name} = {}", inline(value))).collect();
            format!("{{ {} }}", all.join(", "))
        }
        other => other.to_string().replace('\u{7f}', "\\u007f"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_document;
    use proptest::prelude::*;

    fn again(text: &str) -> Document {
        let read = parse_document("a.toml", text).unwrap();
        let written = write_document(&read).unwrap();
        assert_eq!(parse_document("b.toml", &written).unwrap(), read, "{written}");
        read
    }

    #[test]
    fn what_is_written_is_read_the_same_n10() {
        again(include_str!("../../tests/documents/clinic.toml"));
        again(include_str!("../../tests/documents/hospital.toml"));
        again(include_str!("../../tests/documents/provider.toml"));
    }

    #[test]
    fn every_condition_of_a_service_every_rule_and_a_signature_come_back() {
        let all = "window = \"22:00-05:30\"\nlease_seconds = 90\nidle_minutes = 2\nwarn_seconds = 20\n\
                   kind = \"remote-maintenance\"\ndevices = [\"maintenance\"]\nzones = [\"dmz\", \"secure\"]\n\
                   exclusive = \"circuit-1\"\napproval = { roles = [\"Medical Doctor\"], wait_seconds = 30 }\n\
                   booked = [{ from = \"2026-11-21T01:00:00Z\", until = \"2026-11-21T02:00:00Z\" }]\n\
                   [[never]]\nfrom = \"zone:dmz\"\nto = \"outside\"\nbecause = { ja = \"否\", en = \"no\" }\n\
                   [[transit]]\nfrom = \"a/b\"\nto = \"c/d\"\nprotocol = \"tcp\"\nports = [443]\n\
                   [[agreement]]\nid = \"A-1\"\nconsumer = \"aoba\"\nprovider = \"midori\"\nservice = \"midori/x\"\n\
                   valid_from = \"2026-11-21T01:00:00Z\"\nvalid_until = \"2027-11-21T01:00:00Z\"\n\
                   [agreement.signature.consumer]\ncertificate = \"-----BEGIN\\n\\\"\"\nvalue = \"AA==\"\n";
        let text = format!("{}\n{all}", include_str!("../../tests/documents/provider.toml"));
        let read = again(&text);
        assert_eq!(read.agreements[0].signatures.len(), 1);
        assert!(read.services[0].approval.is_some());
    }

    proptest! {
        #[test]
        fn no_name_can_end_its_string(ja in "\\PC{0,40}", en in any::<String>()) {
            let institution = crate::Institution {
                id: "aoba".parse().unwrap(),
                name: crate::LocalizedName { ja, en },
            };
            let document = Document { institution: Some(institution), ..Document::default() };
            let written = write_document(&document).unwrap();
            prop_assert_eq!(parse_document("p", &written).unwrap(), document);
        }
    }
}
