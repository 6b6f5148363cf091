//! The documents of the three institutions, and their agreements.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::set::Set;
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

/// Documents by file name.
type Texts = Vec<(String, String)>;

/// Where the documents lie.
#[derive(Debug)]
pub struct DocumentFiles {
    /// Sites and agreements, in the order they are applied.
    pub all: Vec<PathBuf>,
    /// Folder of all, those that are not applied included.
    pub dir: PathBuf,
}

/// An institution's signing certificate and key.
pub struct Signer {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The documents of the story's sites, and those that lie beside them.
pub fn three_sites() -> (Texts, Texts) {
    let hospital = format!("{HOSPITAL}{HOSPITAL_WISHES}");
    let text = |name: &str, text: String| (name.to_owned(), text);
    let all = vec![
        text("clinic.toml", format!("{CLINIC}{CLINIC_WISHES}")),
        text("hospital.toml", hospital.clone()),
        text("provider.toml", PROVIDER.to_owned()),
    ];
    (all, vec![text(RELAYING, format!("{hospital}{RELAY}"))])
}

/// The hospital's document with the relay in it.
pub const RELAYING: &str = "hospital-relay.toml";

/// Writes the documents and lets each institution sign with the product's own command.
pub fn write(
    dir: &Path,
    sekisho: &Path,
    set: &Set,
    signer: &dyn Fn(&str) -> Signer,
) -> Result<DocumentFiles, StageError> {
    fs::create_dir_all(dir).map_err(StageError::file(dir))?;
    let put = |name: &str, text: &str| -> Result<PathBuf, StageError> {
        let path = dir.join(name);
        fs::write(&path, text).map_err(StageError::file(&path))?;
        Ok(path)
    };
    let mut all = Vec::new();
    for (name, text) in &set.documents {
        all.push(put(name, text)?);
    }
    for (name, text) in &set.beside {
        put(name, text)?;
    }
    for accord in &set.accords {
        let name = format!("{}.toml", accord.id.to_lowercase());
        let mut path = put(&name, &agreement(&accord.id, &accord.consumer, &accord.provider, &accord.service))?;
        path = sign(sekisho, &path, "consumer", &signer(&accord.consumer))?;
        if accord.both_sign {
            path = sign(sekisho, &path, "provider", &signer(&accord.provider))?;
        }
        all.push(path);
    }
    Ok(DocumentFiles { all, dir: dir.to_path_buf() })
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
