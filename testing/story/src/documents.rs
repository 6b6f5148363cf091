//! The documents of the three institutions, and their agreements.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::stage::StageError;

const CLINIC: &str = include_str!("../../../core/model/tests/documents/clinic.toml");
const HOSPITAL: &str = include_str!("../../../core/model/tests/documents/hospital.toml");
const PROVIDER: &str = include_str!("../../../core/model/tests/documents/provider.toml");

/// What the clinic would also like to use: one service without any agreement, one that only the clinic has signed for.
const CLINIC_WISHES: &str = r#"
[[allow]]
who = { roles = ["Medical Doctor"] }
from = ["exam-1"]
service = "midori/drug-information"

[[allow]]
who = { roles = ["Medical Doctor"] }
from = ["exam-1"]
service = "keyaki/bookings"
"#;

/// The hospital uses a service of the provider, so that two tunnels end at the hospital.
const HOSPITAL_WISHES: &str = r#"
[[allow]]
who = { roles = ["Medical Doctor"] }
from = ["ward-1"]
service = "midori/drug-information"
"#;

/// A wish that would make the hospital carry traffic between two other institutions.
const RELAY: &str = r#"
[[transit]]
from = "clinic/exam-1"
to = "provider/ops-1"
protocol = "tcp"
ports = [443]
"#;

/// Where the documents lie.
#[derive(Debug)]
pub struct DocumentFiles {
    /// Sites and agreements, in the order they are applied.
    pub all: Vec<PathBuf>,
    /// The hospital's document with the relay in it.
    pub relay: PathBuf,
}

/// An institution's signing certificate and key.
pub struct Signer {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Writes the documents and lets each institution sign with the product's own command.
pub fn write(dir: &Path, sekisho: &Path, signer: &dyn Fn(&str) -> Signer) -> Result<DocumentFiles, StageError> {
    fs::create_dir_all(dir).map_err(StageError::file(dir))?;
    let put = |name: &str, text: String| -> Result<PathBuf, StageError> {
        let path = dir.join(name);
        fs::write(&path, text).map_err(StageError::file(&path))?;
        Ok(path)
    };
    let hospital = format!("{HOSPITAL}{HOSPITAL_WISHES}");
    let mut all = vec![
        put("clinic.toml", format!("{CLINIC}{CLINIC_WISHES}"))?,
        put("hospital.toml", hospital.clone())?,
        put("provider.toml", PROVIDER.to_owned())?,
    ];
    let relay = put("hospital-relay.toml", format!("{hospital}{RELAY}"))?;
    for (name, consumer, provider, service, sides) in [
        ("a-0012.toml", "aoba", "keyaki", "keyaki/records", &["consumer", "provider"][..]),
        ("a-0013.toml", "aoba", "keyaki", "keyaki/bookings", &["consumer"][..]),
        ("a-0014.toml", "keyaki", "midori", "midori/drug-information", &["consumer", "provider"][..]),
    ] {
        let id = name.trim_end_matches(".toml").to_uppercase();
        let mut path = put(name, agreement(&id, consumer, provider, service))?;
        for side in sides {
            let signer = signer(if *side == "consumer" { consumer } else { provider });
            path = sign(sekisho, &path, side, &signer)?;
        }
        all.push(path);
    }
    Ok(DocumentFiles { all, relay })
}

fn agreement(id: &str, consumer: &str, provider: &str, service: &str) -> String {
    format!(
        "[[agreement]]\nid = \"{id}\"\nconsumer = \"{consumer}\"\nprovider = \"{provider}\"\nservice = \"{service}\"\n\
         valid_from = \"2026-01-01T00:00:00Z\"\nvalid_until = \"2036-01-01T00:00:00Z\"\n"
    )
}

fn sign(sekisho: &Path, document: &Path, side: &str, signer: &Signer) -> Result<PathBuf, StageError> {
    let output = Command::new(sekisho)
        .args(["agreement", "sign", "--as", side, "-f"])
        .arg(document)
        .arg("--certificate")
        .arg(&signer.certificate)
        .arg("--key")
        .arg(&signer.key)
        .output()
        .map_err(StageError::file(sekisho))?;
    if !output.status.success() {
        return Err(StageError::Product(format!("agreement sign: {}", String::from_utf8_lossy(&output.stderr))));
    }
    fs::write(document, &output.stdout).map_err(StageError::file(document))?;
    Ok(document.to_path_buf())
}
