//! Everything that is applied, in one file: for another center, for the drawer, for a look back (N10).
//!
//! JSON with a version and a digest. It is read as documents are, so it can be planned, applied and refused like them;
//! one that was changed by hand is refused, because documents are what people write.

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::{DocumentError, DocumentFault, Network, parse_document, write_document};

/// Version of the file.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    sekisho_export: u32,
    /// FNV-1a over the network's compact JSON: against slips of the hand, not against forgers; agreements carry
    /// signatures of their own.
    checksum: String,
    network: Network,
}

/// The file for a network.
///
/// # Errors
/// [`serde_json::Error`] for a value JSON cannot carry; there is none in a network.
pub fn export(network: &Network) -> Result<String, serde_json::Error> {
    let checksum = checksum(&serde_json::to_string(network)?);
    let text = serde_json::to_string_pretty(&Export { sekisho_export: VERSION, checksum, network: network.clone() })?;
    Ok(text + "\n")
}

/// Reads what may be a document (TOML), or a file that [`export`] made (JSON): then as many documents as it needs.
///
/// # Errors
/// [`DocumentError`].
pub fn parse_documents(name: &str, text: &str) -> Result<Vec<Document>, DocumentError> {
    if !text.trim_start().starts_with('{') {
        return parse_document(name, text).map(|document| vec![document]);
    }
    let wrong = |line: Option<usize>, fault: DocumentFault| DocumentError {
        document: name.to_owned(),
        line,
        part: None,
        fault: fault.into(),
    };
    let unreadable = |e: serde_json::Error| {
        wrong((e.line() > 0).then(|| e.line()), DocumentFault::ExportUnreadable { detail: e.to_string() })
    };
    let export: Export = serde_json::from_str(text).map_err(unreadable)?;
    if export.sekisho_export != VERSION {
        let (found, reads) = (export.sekisho_export.into(), VERSION.into());
        return Err(wrong(None, DocumentFault::ExportVersion { found, reads }));
    }
    let found = serde_json::to_string(&export.network).map_err(unreadable)?;
    if checksum(&found) != export.checksum {
        return Err(wrong(None, DocumentFault::ExportChanged {}));
    }
    let documents = documents(&export.network);
    for document in &documents {
        sayable(document).map_err(|(part, fault)| DocumentError { part, ..wrong(None, fault) })?;
    }
    Ok(documents)
}

/// Anybody can make the checksum of a file made by hand, so what no document could say is not taken from a file either:
/// it goes through the text that people write, with every check of that.
fn sayable(document: &Document) -> Result<(), (Option<String>, DocumentFault)> {
    let unsayable = || {
        let part = match (&document.site, &document.institution) {
            (Some(site), _) => site.id.to_string(),
            (None, Some(institution)) => institution.id.to_string(),
            (None, None) => match &document.checksheet {
                Some(sheet) => sheet.site.to_string(),
                None => "agreement".to_owned(),
            },
        };
        (None, DocumentFault::ExportUnsayable { part })
    };
    let text = write_document(document).map_err(|_| unsayable())?;
    let mut read = parse_document("", &text).map_err(|e| (e.part, *e.fault))?;
    for (read, kept) in read.services.iter_mut().zip(&document.services) {
        // A quarter of a lease need not be whole seconds, and only they can be written.
        if read.warn_ms == kept.warn_ms.div_euclid(1000) * 1000 {
            read.warn_ms = kept.warn_ms;
        }
    }
    if read == *document { Ok(()) } else { Err(unsayable()) }
}

/// The documents a network can be put together from: one an institution, one a site, one with the agreements,
/// one a checksheet: who takes them in has its site by then.
fn documents(network: &Network) -> Vec<Document> {
    let institutions = network
        .institutions
        .values()
        .map(|institution| Document { institution: Some(institution.clone()), ..Document::default() });
    let sites = network.sites.values().map(|site| Document {
        site: Some(site.clone()),
        services: network.services.values().filter(|service| service.host.site == site.id).cloned().collect(),
        ..Document::default()
    });
    let agreements = Document { agreements: network.agreements.values().cloned().collect(), ..Document::default() };
    let sheets =
        network.checksheets.values().map(|sheet| Document { checksheet: Some(sheet.clone()), ..Document::default() });
    institutions.chain(sites).chain([agreements]).chain(sheets).collect()
}

fn checksum(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTS: [&str; 3] = [
        include_str!("../tests/documents/clinic.toml"),
        include_str!("../tests/documents/hospital.toml"),
        include_str!("../tests/documents/provider.toml"),
    ];

    fn network() -> Network {
        let documents: Vec<Document> =
            DOCUMENTS.iter().flat_map(|text| parse_documents("d.toml", text).unwrap()).collect();
        Network::default().with(&documents).unwrap()
    }

    #[test]
    fn what_is_exported_is_imported_the_same_n10() {
        let network = network();
        let text = export(&network).unwrap();
        let documents = parse_documents("export.json", &text).unwrap();
        assert_eq!(Network::default().with(&documents).unwrap(), network);
        assert_eq!(network.with(&documents).unwrap(), network);
        assert_eq!(export(&network).unwrap(), text, "the same network, the same file");
    }

    #[test]
    fn what_no_document_could_say_is_refused_whoever_made_the_checksum() {
        type Change = fn(&mut Network);
        let changes: [(&str, Change); 6] = [
            ("no-role", |n| n.services.values_mut().for_each(|s| s.roles.clear())),
            ("ports", |n| n.services.values_mut().for_each(|s| s.ports = vec![0])),
            ("time-out-of-bounds", |n| n.services.values_mut().for_each(|s| s.lease_ms = 0)),
            ("no-terminal", |n| n.sites.values_mut().flat_map(|s| &mut s.allow).for_each(|r| r.from.clear())),
            ("export-unsayable", |n| n.services.values_mut().for_each(|s| s.idle_ms = Some(1500))),
            ("export-unsayable", |n| {
                let other: crate::InstitutionId = "midori".parse().unwrap();
                n.services.values_mut().for_each(|s| s.id.institution = other.clone());
            }),
        ];
        for (said, change) in changes {
            let mut network = network();
            change(&mut network);
            let no = parse_documents("hand.json", &export(&network).unwrap()).unwrap_err().to_string();
            assert!(no.starts_with("hand.json") && no.contains(said), "{said}: {no}");
        }
        let mut odd = network();
        odd.services.values_mut().for_each(|s| (s.lease_ms, s.warn_ms) = (90_000, 22_500));
        assert!(parse_documents("odd.json", &export(&odd).unwrap()).is_ok(), "a quarter of 90 seconds");
    }

    #[test]
    fn a_changed_a_cut_and_a_later_file_are_refused() {
        let text = export(&network()).unwrap();
        let refused = |text: &str| parse_documents("export.json", text).unwrap_err().to_string();
        assert!(refused(&text.replacen("10.1.20.11", "10.1.20.12", 1)).contains("export-changed"));
        assert!(refused(&text[..text.len() / 2]).contains("export.json:"));
        assert!(
            refused(&text.replacen("\"sekisho_export\": 1", "\"sekisho_export\": 2", 1))
                .contains("export-version found=`2`")
        );
    }
}
