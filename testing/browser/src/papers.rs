//! Certificates of a browser, and the policy that says which one is shown where.

use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{BrowserError, path, tool};

/// A home folder with an NSS database.
pub struct Papers {
    home: PathBuf,
}

impl Papers {
    /// An empty database below `home`, which must not have one: `certutil` asks for the password of one that exists.
    pub fn create(home: &Path) -> Result<Self, BrowserError> {
        let database = home.join(".pki/nssdb");
        fs::create_dir_all(&database).map_err(BrowserError::io(path(&database)))?;
        let papers = Self { home: home.to_owned() };
        tool(Command::new("certutil").args(["-N", "--empty-password", "-d", &papers.database()]))?;
        Ok(papers)
    }

    /// Where it is.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Servers certified by this authority (or this self-signed certificate) are trusted.
    pub fn trust(&self, name: &str, pem: &Path) -> Result<(), BrowserError> {
        tool(Command::new("certutil").args([
            "-A",
            "-n",
            name,
            "-t",
            "CT,C,C",
            "-d",
            &self.database(),
            "-i",
            &path(pem),
        ]))
    }

    /// The person has this certificate with its key; `chain` may hold the authorities between.
    pub fn hold(&self, name: &str, chain: &Path, key: &Path) -> Result<(), BrowserError> {
        let bundle = self.home.join(format!("{name}.p12"));
        let (chain, key, out) = (path(chain), path(key), path(&bundle));
        tool(Command::new("openssl").args([
            "pkcs12", "-export", "-name", name, "-in", &chain, "-inkey", &key, "-passout", "pass:", "-out", &out,
        ]))?;
        tool(Command::new("pk12util").args(["-i", &out, "-d", &self.database(), "-W", ""]))
    }

    fn database(&self) -> String {
        format!("sql:{}", path(&self.home.join(".pki/nssdb")))
    }
}

/// Sets the managed policy of every browser of this lab: at an address (`https://name:port`) the certificate issued by
/// an authority (its commonName) is shown without asking. Visible only inside the lab's own mount namespace.
pub fn policies(scratch: &Path, shown: &[(&str, &str)]) -> Result<(), BrowserError> {
    let managed = scratch.join("chromium/policies/managed");
    fs::create_dir_all(&managed).map_err(BrowserError::io(path(&managed)))?;
    let rule = |(pattern, issuer): &(&str, &str)| {
        json!({ "pattern": pattern, "filter": { "ISSUER": { "CN": issuer } } }).to_string()
    };
    let rules: Vec<String> = shown.iter().map(rule).collect();
    let policy = json!({ "AutoSelectCertificateForUrls": rules });
    let file = managed.join("certificates.json");
    fs::write(&file, policy.to_string()).map_err(BrowserError::io(path(&file)))?;
    if !lab::is_inside() {
        return Err(BrowserError::Tool("a browser's policy is only set inside a lab".into()));
    }
    // One of an earlier lab of this process may still lie there, and its folder is gone.
    let _ = Command::new("umount").args(["--lazy", "/etc/chromium"]).stderr(Stdio::null()).status();
    tool(Command::new("mount").args(["--bind", &path(&scratch.join("chromium")), "/etc/chromium"]))
}
