//! What the center of this house is told.

use authority::{Authority, CaKind};
use lab::Lab;
use postbox::Postbox;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use story::StageError;

use crate::house::{said, seconds};

/// Name of the public entrance and of the operators' pages.
pub(crate) const CENTER: &str = "center.sekisho.test";
/// Name of the entrance behind the client VPN.
pub(crate) const INSIDE: &str = "inside.sekisho.test";
/// Name of the VPN server.
const VPN: &str = "vpn.sekisho.test";
pub(crate) const PUBLIC_PORT: u16 = 8443;
pub(crate) const INSIDE_PORT: u16 = 8444;
pub(crate) const SERVICE_PORT: u16 = 8445;
pub(crate) const PAGES_PORT: u16 = 7447;
const CERTIFICATES_PORT: u16 = 7448;
/// Where the doors inside are: an address of nobody's Internet, which the VPN alone leads to.
pub(crate) const INSIDE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 250, 0, 1);
/// Addresses the VPN gives.
pub(crate) const POOL: &str = "10.99.0.0/17";
const TRUSTED: [(&str, &[CaKind]); 6] = [
    ("hpki", &[CaKind::HpkiRoot, CaKind::HpkiAuthentication, CaKind::HpkiSignature]),
    ("gate", &[CaKind::Gate]),
    ("device", &[CaKind::Device]),
    ("institution", &[CaKind::Institution]),
    ("operator", &[CaKind::Operator]),
    ("registration", &[CaKind::Registration]),
];

/// What stands beside the center.
pub(crate) struct Beside<'a> {
    /// Takes its letters.
    pub postbox: &'a Postbox,
    /// VICI socket of the strongSwan that clients connect to.
    pub vici: &'a Path,
    /// Socket of clamd.
    pub clamd: &'a Path,
}

/// Writes everything the center needs into a folder.
pub(crate) fn configure(
    dir: &Path,
    lab: &Lab,
    authority: &mut Authority,
    beside: &Beside<'_>,
) -> Result<PathBuf, StageError> {
    let address = lab.scenario().internet.center;
    authority.write_crls(seconds() - 1800, seconds() + 24 * 3600)?;
    for (folder, kinds) in TRUSTED {
        let folder = dir.join("trust").join(folder);
        fs::create_dir_all(&folder).map_err(said)?;
        for kind in kinds {
            fs::copy(authority.ca_pem_path(*kind), folder.join(format!("{}.pem", kind.name()))).map_err(said)?;
            fs::copy(authority.crl_path(*kind), folder.join(format!("{}.crl", kind.name()))).map_err(said)?;
        }
    }
    let center = authority.issue_center("center", &[CENTER, INSIDE], &[address.into(), INSIDE_ADDRESS.into()])?;
    let vpn = authority.issue_center("vpn", &[VPN], &[])?;
    let orders = authority.issue_center("orders", &[CENTER], &[])?;
    for (name, text) in [
        ("cert.pem", &center.chain_pem),
        ("key.pem", &center.key_pem),
        ("vpn.pem", &vpn.chain_pem),
        ("vpn.key", &vpn.key_pem),
        ("order.key.pem", &orders.key_pem),
        ("receipts.pem", &orders.chain_pem),
        ("receipts.key", &orders.key_pem),
        ("mail-ca.pem", &beside.postbox.certificate().to_owned()),
        ("institutions.jsonl", &institutions()),
    ] {
        put(&dir.join(name), text.as_bytes())?;
    }
    fs::copy(authority.ca_pem_path(CaKind::Center), dir.join("center-ca.pem")).map_err(said)?;
    fs::copy(authority.crl_path(CaKind::Center), dir.join("center.crl")).map_err(said)?;
    // Generous: who mishears the letters again and again comes from one address here.
    let text = format!(
        "data = \"data\"\n[trust]\ndir = \"trust\"\n[gates]\nlisten = \"{address}:7443\"\n\
         [operator]\nsocket = \"center.sock\"\npages = \"{address}:{PAGES_PORT}\"\n\
         [certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n[orders]\nkey = \"order.key.pem\"\n\
         [issuing]\nlisten = \"{INSIDE_ADDRESS}:{CERTIFICATES_PORT}\"\nurl = \"{}\"\n\
         organization = \"TEST Operator\"\ncenter-ca = \"center-ca.pem\"\ncenter-crl = \"center.crl\"\n\
         [joining]\ncontact = \"help@{CENTER}\"\ngenerous = 4\ndirectory = \"institutions.jsonl\"\nauditors = [\"kansa\"]\n\
         enroll-command = \"sekisho card enroll --server {} --ca center-ca.pem --user {{user}}\"\n\
         public = {{ listen = \"{address}:{PUBLIC_PORT}\", url = \"https://{CENTER}:{PUBLIC_PORT}\" }}\n\
         inside = {{ listen = \"{INSIDE_ADDRESS}:{INSIDE_PORT}\", url = \"https://{INSIDE}:{INSIDE_PORT}\" }}\n\
         [[joining.service]]\nid = \"cancer-registry\"\nurl = \"https://{INSIDE}:{SERVICE_PORT}/\"\n\
         name = {{ ja = \"全国がん登録届出サービス\", en = \"National cancer registry\" }}\n\
         about = {{ ja = \"届出対象情報をオンラインで提出します\", en = \"Submit reports to the registry online\" }}\n\
         [joining.mail]\nserver = \"localhost\"\nport = {}\ntls = \"starttls\"\ntrust = \"mail-ca.pem\"\n\
         from = \"noreply@{CENTER}\"\n\
         [joining.vpn]\nvici = \"{}\"\nname = \"{VPN}\"\naddress = \"{address}\"\ncertificate = \"vpn.pem\"\n\
         key = \"vpn.key\"\nserver-ca = \"center-ca.pem\"\npool = \"{POOL}\"\n\
         [joining.service-entrance]\nlisten = \"{INSIDE_ADDRESS}:{SERVICE_PORT}\"\n\
         url = \"https://{INSIDE}:{SERVICE_PORT}\"\nclamd = \"{}\"\nreserve-mib = 1\n\
         receipt-key = \"receipts.key\"\nreceipt-certificate = \"receipts.pem\"\n",
        certificates(),
        certificates(),
        beside.postbox.address().port(),
        beside.vici.display(),
        beside.clamd.display(),
    );
    let path = dir.join("center.toml");
    put(&path, text.as_bytes())?;
    Ok(path)
}

/// Where certificates are fetched: by its address, for nobody answers for names here.
pub(crate) fn certificates() -> String {
    format!("https://{INSIDE_ADDRESS}:{CERTIFICATES_PORT}")
}

/// A small directory, with names that differ in width and kana only.
fn institutions() -> String {
    const KINDS: [(&str, &str); 4] =
        [("病院", "ビョウイン"), ("クリニック", "クリニック"), ("診療所", "シンリョウジョ"), ("医院", "イイン")];
    const NAMES: [(&str, &str); 6] = [
        ("ケヤキ", "ケヤキ"),
        ("青葉", "アオバ"),
        ("さくら", "サクラ"),
        ("若草", "ワカクサ"),
        ("ＭＫ中央", "エムケーチュウオウ"),
        ("みなと", "ミナト"),
    ];
    let (mut out, mut id) = (String::new(), 0);
    for prefecture in [13, 14, 27] {
        for (name, kana) in NAMES {
            for (kind, reading) in KINDS {
                id += 1;
                let _ = writeln!(
                    out,
                    "{{\"id\":{id},\"code\":\"{prefecture:02}1{id:07}\",\"prefecture\":{prefecture},\"name\":\"{name}{kind}\",\
                     \"kana\":\"{kana}{reading}\",\"address\":\"中央区本町{id}-1\"}}"
                );
            }
        }
    }
    out
}

pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), StageError> {
    fs::write(path, bytes).map_err(|source| StageError::File { path: path.to_owned(), source })
}
