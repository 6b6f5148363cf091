//! Configuration files of the three binaries, as an administrator would write them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use authority::{Authority, CaKind, Issued};
use lab::Lab;

use crate::documents::Signer;
use crate::stage::{StageError, put};

/// Name of the center in its certificate.
pub(crate) const CENTER: &str = "center.sekisho.test";
/// Where operators' browsers find the live picture.
pub(crate) const PAGES_PORT: u16 = 7447;
/// Where every gate has its entrances for browsers.
pub(crate) const CONSOLE_PORT: u16 = 7445;
pub(crate) const SIGN_IN_PORT: u16 = 7446;
const CENTER_FOR_GATES: &str = "192.0.2.2:7443";

/// The center's trust folder has a folder a purpose; this is which authority's list goes where.
const TRUSTED_BY_CENTER: [(&str, &[CaKind]); 5] = [
    ("hpki", &[CaKind::HpkiRoot, CaKind::HpkiAuthentication, CaKind::HpkiSignature]),
    ("gate", &[CaKind::Gate]),
    ("device", &[CaKind::Device]),
    ("institution", &[CaKind::Institution]),
    ("operator", &[CaKind::Operator]),
];
const TRUSTED_BY_GATE: [CaKind; 3] = [CaKind::Gate, CaKind::Switch, CaKind::Center];

pub(crate) fn center_config(dir: &Path) -> PathBuf {
    dir.join("center").join("center.toml")
}
pub(crate) fn gate_config(dir: &Path, site: &str) -> PathBuf {
    dir.join("gate").join(site).join("gate.toml")
}
pub(crate) fn terminal_config(dir: &Path, at: &str) -> PathBuf {
    dir.join("terminal").join(at.replace('/', "-")).join("sekisho.toml")
}
pub(crate) fn operator_config(dir: &Path) -> PathBuf {
    dir.join("center").join("sekisho.toml")
}

pub(crate) fn write_center(dir: &Path, lab: &Lab, authority: &mut Authority) -> Result<(), StageError> {
    let home = dir.join("center");
    let address: std::net::IpAddr = lab.scenario().internet.center.into();
    let issued = authority.issue_center("center", &[CENTER], &[address])?;
    put(&home, "cert.pem", &issued.chain_pem)?;
    put(&home, "key.pem", &issued.key_pem)?;
    for (folder, kinds) in TRUSTED_BY_CENTER {
        for kind in kinds {
            let certificate =
                fs::read(authority.ca_pem_path(*kind)).map_err(StageError::file(authority.ca_pem_path(*kind)))?;
            put(&home.join("trust").join(folder), &format!("{}.pem", kind.name()), certificate)?;
        }
    }
    openssl(
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"],
        &home.join("order.key.pem"),
    )?;
    let key = home.join("order.key.pem").display().to_string();
    openssl(&["pkey", "-in", &key, "-pubout", "-out"], &order_key(dir))?;
    put(
        &home,
        "center.toml",
        format!(
            "data = \"data\"\n\n[trust]\ndir = \"trust\"\n\n[gates]\nlisten = \"{CENTER_FOR_GATES}\"\n\n\
             [operator]\nsocket = \"center.sock\"\npages = \"{address}:{PAGES_PORT}\"\n\n[certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n\n\
             [orders]\nkey = \"order.key.pem\"\n"
        ),
    )?;
    put(&home, "sekisho.toml", format!("[center]\nsocket = \"{}\"\n", home.join("center.sock").display()))?;
    Ok(())
}

pub(crate) fn write_gate(
    dir: &Path,
    lab: &Lab,
    authority: &Authority,
    issued: &Issued,
    site: &str,
    linger_ms: u32,
) -> Result<(), StageError> {
    let home = dir.join("gate").join(site);
    put(&home, "cert.pem", &issued.chain_pem)?;
    put(&home, "key.pem", &issued.key_pem)?;
    let found = lab.site(site)?;
    let at = |port: u16| {
        let all: Vec<String> =
            found.spec.segments.iter().map(|s| format!("\"{}\"", std::net::SocketAddr::new(s.gateway, port))).collect();
        all.join(", ")
    };
    let (listen, console, sign_in) = (at(7444), at(CONSOLE_PORT), at(SIGN_IN_PORT));
    let lists: Vec<String> = TRUSTED_BY_GATE.iter().map(|kind| format!("\"{}\"", list(dir, *kind).display())).collect();
    put(
        &home,
        "gate.toml",
        format!(
            "site = \"{site}\"\ndata = \"data\"\naudit-ms = 1000\n\n\
             [namespaces]\nred = \"{}\"\n\n\
             [openflow]\nlisten = \"169.254.77.1:6653\"\n\n\
             [terminals]\nlisten = [{listen}]\nconsole = [{console}]\nsign-in = [{sign_in}]\n\n\
             [center]\naddress = \"{CENTER_FOR_GATES}\"\nname = \"center\"\norder-key = \"{}\"\n\n\
             [certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\ncenter-ca = \"{}\"\nswitch-ca = \"{}\"\ngate-ca = \"{}\"\n\
             crls = [{}]\n\n\
             [ike]\nvici = \"{}\"\nlinger-ms = {linger_ms}\n",
            found.red.path().display(),
            order_key(dir).display(),
            authority.ca_pem_path(CaKind::Center).display(),
            authority.ca_pem_path(CaKind::Switch).display(),
            authority.ca_pem_path(CaKind::Gate).display(),
            lists.join(", "),
            found.charon.vici_socket().display(),
        ),
    )?;
    Ok(())
}

/// Public half of the key the center signs orders with.
fn order_key(dir: &Path) -> PathBuf {
    dir.join("center").join("order.pub.pem")
}

fn openssl(arguments: &[&str], out: &Path) -> Result<(), StageError> {
    let mut command = Command::new("openssl");
    let output = command.args(arguments).arg(out).output().map_err(StageError::file("openssl"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(StageError::Product(format!("openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr))))
}

fn list(dir: &Path, kind: CaKind) -> PathBuf {
    dir.join("lists").join(format!("{}.crl", kind.name()))
}

pub(crate) fn write_terminal(
    dir: &Path,
    lab: &Lab,
    authority: &mut Authority,
    site: &str,
    host: &str,
) -> Result<(), StageError> {
    let home = dir.join("terminal").join(format!("{site}-{host}"));
    let issued = authority.issue_device(site, host)?;
    put(&home, "cert.pem", &issued.chain_pem)?;
    put(&home, "key.pem", &issued.key_pem)?;
    let spec = &lab.site(site)?.spec;
    let segment = spec.host(host).and_then(|h| spec.segment(&h.segment));
    let gateway = segment.ok_or_else(|| StageError::Product(format!("{site}/{host} is in no segment")))?.gateway;
    let gate = std::net::SocketAddr::new(gateway, 7444);
    put(
        &home,
        "sekisho.toml",
        format!(
            "[terminal]\nhost = \"{site}/{host}\"\ngate = \"{gate}\"\ncenter-name = \"{CENTER}\"\n\
             center-ca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n\n\
             [card]\ndriver = \"/usr/lib/softhsm/libsofthsm2.so\"\n",
            authority.ca_pem_path(CaKind::Center).display(),
            home.join("cert.pem").display(),
            home.join("key.pem").display(),
        ),
    )?;
    Ok(())
}

pub(crate) fn write_signer(dir: &Path, authority: &mut Authority, institution: &str) -> Result<Signer, StageError> {
    let home = dir.join("institution").join(institution);
    let issued = authority.issue_institution(institution)?;
    Ok(Signer { certificate: put(&home, "cert.pem", &issued.chain_pem)?, key: put(&home, "key.pem", &issued.key_pem)? })
}

/// Copies the authority's lists to where the center and the gates look.
pub(crate) fn publish_lists(dir: &Path, authority: &Authority) -> Result<(), StageError> {
    for (folder, kinds) in TRUSTED_BY_CENTER {
        for kind in kinds {
            publish(authority, *kind, &dir.join("center").join("trust").join(folder), &format!("{}.crl", kind.name()))?;
        }
    }
    for kind in TRUSTED_BY_GATE {
        publish(authority, kind, &dir.join("lists"), &format!("{}.crl", kind.name()))?;
    }
    Ok(())
}

/// Written beside and renamed, as a list should be replaced: nobody ever reads half of it.
fn publish(authority: &Authority, kind: CaKind, folder: &Path, name: &str) -> Result<(), StageError> {
    let from = authority.crl_path(kind);
    let bytes = fs::read(&from).map_err(StageError::file(&from))?;
    let fresh = put(folder, &format!("{name}.new"), bytes)?;
    let to = folder.join(name);
    fs::rename(&fresh, &to).map_err(StageError::file(&to))
}
