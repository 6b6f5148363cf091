//! The command's configuration.

use serde::Deserialize;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// `/etc/sekisho/sekisho.toml`, or what `--config` or `SEKISHO_CONFIG` names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Present on a terminal.
    pub terminal: Option<Terminal>,
    /// Present where a card reader is.
    pub card: Option<Card>,
    /// Present at the centre.
    pub center: Option<Center>,
}

/// How this terminal reaches the center: through its gate, which relays what it cannot read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Terminal {
    /// This terminal, as its device certificate names it: `site/host`.
    pub host: model::HostRef,
    /// Address and port of the gate in this segment.
    pub gate: std::net::SocketAddr,
    /// Name in the center's certificate.
    pub center_name: String,
    /// PEM file with the authority of the center's certificate.
    pub center_ca: PathBuf,
    /// PEM file with this terminal's device certificate.
    pub certificate: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
}

/// Which driver speaks to the card.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Card {
    /// The PKCS#11 library.
    pub driver: PathBuf,
    /// Label of the card, if several may be inserted.
    pub label: Option<String>,
}

/// How an operator reaches the center on the same machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Center {
    /// Its Unix socket.
    pub socket: PathBuf,
}

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        Ok(files::configuration(path)?)
    }
}
