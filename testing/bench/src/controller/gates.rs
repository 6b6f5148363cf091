//! Ours: one `sekisho-gate` a site, each in a network namespace of its own, from a state kept on disk.
//!
//! There is no center, no strongSwan and no host: a gate enforces its last state without them (X4), and first packets
//! need none of them. It goes on trying to reach them, and that time counts as its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use authority::{Authority, CaKind, Issued};
use prost::Message as _;
use wire::Wire as _;

use super::namespace::Namespace;
use crate::{BenchError, network};

/// A running gate.
pub(super) struct Gate {
    pub namespace: Namespace,
    /// Rules that stand on its switch once it is in force.
    pub rules: usize,
    child: Child,
    log: PathBuf,
}

/// What all gates share.
pub(super) struct Papers<'a> {
    pub authority: &'a mut Authority,
    pub center: Issued,
    pub dir: PathBuf,
    pub binary: PathBuf,
}

impl Gate {
    pub(super) fn start(papers: &mut Papers<'_>, state: &model::SiteState, number: u8) -> Result<Self, BenchError> {
        let site = network::site_id(number);
        let dir = papers.dir.join(&site);
        let put = |name: &str, bytes: &[u8]| -> Result<(), BenchError> {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&dir)).map_err(BenchError::file(&dir))?;
            fs::write(&path, bytes).map_err(BenchError::file(&path))
        };
        let issued = papers.authority.issue_gate(&site)?;
        put("chain.pem", issued.chain_pem.as_bytes())?;
        put("key.pem", issued.key_pem.as_bytes())?;
        put("order-key.pub.pem", public_key(&papers.center)?.as_bytes())?;
        put("data/state", &state.to_message().encode_to_vec())?;
        let namespace = Namespace::add(&format!("sk-bench-{number}"))?;
        put("gate.toml", configuration(papers.authority, &site, &namespace).as_bytes())?;

        let log = dir.join("gate.log");
        let open = fs::File::create(&log).map_err(BenchError::file(&log))?;
        let also = open.try_clone().map_err(BenchError::file(&log))?;
        let mut command = namespace.command(&papers.binary);
        command.arg("--config").arg(dir.join("gate.toml"));
        let child = command
            .stdin(Stdio::null())
            .stdout(open)
            .stderr(also)
            .spawn()
            .map_err(BenchError::file(papers.binary.clone()))?;
        Ok(Self { namespace, rules: state.rules.len(), child, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn log_tail(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Last lines of a log.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

fn public_key(issued: &Issued) -> Result<String, BenchError> {
    let path = issued.folder.join("key.pem");
    let output = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&path).output();
    let output = output.map_err(BenchError::file("openssl"))?;
    String::from_utf8(output.stdout).map_err(|e| BenchError::Subject(format!("openssl pkey: {e}")))
}

fn configuration(authority: &Authority, site: &str, namespace: &Namespace) -> String {
    let ca = |kind| authority.ca_pem_path(kind).display().to_string();
    let crl = |kind| authority.crl_path(kind).display().to_string();
    format!(
        r#"site = "{site}"
data = "data"

[namespaces]
red = "{red}"

[openflow]
listen = "127.0.0.1:6653"

[terminals]
listen = []

[center]
address = "127.0.0.1:7443"
name = "center"
order-key = "order-key.pub.pem"

[certificates]
chain = "chain.pem"
key = "key.pem"
center-ca = "{center}"
switch-ca = "{switch}"
gate-ca = "{gate}"
crls = ["{}", "{}", "{}"]

[ike]
vici = "no-charon-here.vici"
"#,
        crl(CaKind::Center),
        crl(CaKind::Switch),
        crl(CaKind::Gate),
        red = namespace.path().display(),
        center = ca(CaKind::Center),
        switch = ca(CaKind::Switch),
        gate = ca(CaKind::Gate),
    )
}
