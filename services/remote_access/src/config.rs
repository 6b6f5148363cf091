//! What the client VPN is told once: a table of the center's configuration.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use ipnet::Ipv4Net;
use serde::Deserialize;

/// `[joining.vpn]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// VICI socket of the strongSwan that clients connect to.
    pub vici: PathBuf,
    /// Name in the VPN server's certificate (subjectAltName DNS), which clients check: its IKE identity.
    pub name: String,
    /// Where clients find the server: a DNS name or an address. The same as `name` unless it says otherwise.
    pub address: Option<String>,
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The CA that issued the server's certificate, PEM: goes into the profiles.
    pub server_ca: PathBuf,
    /// CAs of machine certificates, PEM.
    pub machine_ca: Vec<PathBuf>,
    /// Their revocation lists, DER or PEM. Read again when they change.
    pub machine_crl: Vec<PathBuf>,
    /// Addresses for clients whose machine certificate was checked.
    pub pool: Ipv4Net,
    /// Addresses for clients that can do only one authentication (Windows, Apple, NetworkManager). Absent: not let in.
    ///
    /// Their machine is not checked by IKE. Let the inside entrance ask them for the certificate by TLS, and open no more
    /// than that entrance to this range.
    pub pool_unchecked: Option<Ipv4Net>,
    /// Name servers for clients.
    #[serde(default)]
    pub dns: Vec<IpAddr>,
    /// The login page, reachable only inside, e.g. `https://login.inside.example/`.
    pub login: String,
    /// The login page's address inside: what the profiles' instructions try.
    pub inside: Ipv4Addr,
}

impl Config {
    /// Where clients find the server.
    #[must_use]
    pub fn reached_at(&self) -> &str {
        self.address.as_deref().unwrap_or(&self.name)
    }

    /// Paths counted from a folder, that of the configuration file.
    #[must_use]
    pub fn beside(mut self, folder: &Path) -> Self {
        for path in [&mut self.vici, &mut self.certificate, &mut self.key, &mut self.server_ca] {
            *path = folder.join(&path);
        }
        for path in self.machine_ca.iter_mut().chain(&mut self.machine_crl) {
            *path = folder.join(&path);
        }
        self
    }
}

#[cfg(test)]
pub(crate) fn example() -> Config {
    let text = r#"
        vici = "charon.vici"
        name = "vpn.center.example"
        address = "203.0.113.5"
        certificate = "vpn.crt"
        key = "vpn.key"
        server-ca = "server-ca.crt"
        machine-ca = ["machine-ca.crt"]
        machine-crl = ["machine-ca.crl"]
        pool = "10.99.0.0/17"
        pool-unchecked = "10.99.128.0/17"
        dns = ["10.250.0.1"]
        login = "https://login.center.example/"
        inside = "10.250.0.1"
    "#;
    toml::from_str(text).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_count_from_the_file_and_unknown_fields_are_refused() {
        let config = example().beside(Path::new("/etc/sekisho"));
        assert_eq!(config.vici, Path::new("/etc/sekisho/charon.vici"));
        assert_eq!(config.machine_crl, [Path::new("/etc/sekisho/machine-ca.crl")]);
        assert_eq!(config.reached_at(), "203.0.113.5");
        assert_eq!(Config { address: None, ..config }.reached_at(), "vpn.center.example");
        assert!(toml::from_str::<Config>("vici = 'x'\npsk = 'secret'").is_err());
    }
}
