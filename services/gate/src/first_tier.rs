//! The device's first-tier certificate (第 1 階層の機器証明書, G1): fetched once from the registration centre's desk with a
//! token of its own, and shown when the VPN operator gives the second tier, the gate's certificate.

use std::path::{Path, PathBuf};

use enrolment::{Client, Key, OneTimeToken, ServerTrust, keep};
use equipment::DeviceId;
use files::Fault;
use keys::KeyFault;

use crate::element::Element;
use crate::enroll::{EnrollError, Layout, certificates, due, put};
use crate::fault;

/// Label of the key in an element, and of the certificate in EST.
pub(crate) const EQUIPMENT: &str = "equipment";
/// Label of the provisional key that an element's supplier put in (仮鍵).
const PROVISIONAL: &str = "provisional";

/// A chain of certificates, DER, and the key of its first.
pub(crate) type Shown = (Vec<Vec<u8>>, Key);

/// A device that may become a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id.
    pub device: DeviceId,
    /// Its first-tier certificate.
    pub certificate: PathBuf,
    /// End of its validity, seconds since 1970.
    pub not_after: i64,
}

/// What a maker gives along.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    /// The element's provisional certificate, PEM; its key is in the element, labelled `provisional`.
    pub provisional: Option<PathBuf>,
    /// The registration authority's certificate, PEM: what permits are verified by.
    pub registration_ca: Option<PathBuf>,
}

/// Whether a token is for a first-tier certificate.
pub fn is_for_equipment(token: &str) -> bool {
    OneTimeToken::read(token).is_ok_and(|token| token.label == EQUIPMENT)
}

/// Makes the device's key and fetches its first-tier certificate. May be repeated with the same token until it has worked.
///
/// # Errors
/// [`EnrollError`] says whose side it is on.
pub async fn register(
    token: &str,
    layout: &Layout,
    provenance: &Provenance,
    language: &str,
) -> Result<Registered, EnrollError> {
    let token = OneTimeToken::read(token).map_err(|_| EnrollError::token(fault::Fault::NotAToken {}))?;
    let no_device = || EnrollError::token(fault::Fault::NoDevice { name: token.name.clone() });
    let device: DeviceId = token.name.parse().map_err(|_| no_device())?;
    let folder = folder(layout);
    if let Some(ca) = &provenance.registration_ca {
        let text = files::text(ca)?;
        certificates(ca)?;
        keep(&folder.join("registration-ca.pem"), &text, 0o644)?;
    }
    let shown = provenance.provisional.as_ref().map(|chain| provisional(chain, layout)).transpose()?;
    let key = Key::open_or_make(&place(layout)?)?;
    let mut client = Client::reach(&token.url, &ServerTrust::Key(token.server_key), shown, language).await?;
    let fetched = client.enroll(EQUIPMENT, &token.name, &token.code, &key).await?;
    let certificate = folder.join("equipment.pem");
    put(&certificate, &key, &fetched)?;
    let leaf = fetched.chain.first().and_then(|der| pki::Certificate::parse(der).ok());
    let named = leaf.as_ref().is_some_and(|leaf| leaf.uris() == [device.uri()]);
    let leaf = leaf.filter(|_| named).ok_or_else(|| register_again(&certificate))?;
    Ok(Registered { device, certificate, not_after: leaf.not_after() })
}

/// The first-tier certificate and its key, to be shown; none if this machine is no registered device.
pub(crate) fn shown(layout: &Layout) -> Result<Option<Shown>, EnrollError> {
    let path = folder(layout).join("equipment.pem");
    if !path.exists() {
        return Ok(None);
    }
    let (chain, key) = (certificates(&path)?, Key::open(&place(layout)?)?);
    let own = chain.first().and_then(|der| pki::Certificate::parse(der).ok());
    if own.is_none_or(|own| own.spki_der() != key.spki()) {
        return Err(register_again(&path).into());
    }
    Ok(Some((chain, key)))
}

/// Renews the first-tier certificate, with the same key, when two thirds of its time are over.
///
/// # Errors
/// [`EnrollError`]; what is there stays as it is.
pub(crate) async fn renew(
    url: &str,
    trust: &ServerTrust,
    layout: &Layout,
    now: i64,
    language: &str,
) -> Result<(), EnrollError> {
    let Some((chain, key)) = shown(layout)? else { return Ok(()) };
    let path = folder(layout).join("equipment.pem");
    let leaf = chain.first().and_then(|der| pki::Certificate::parse(der).ok());
    let leaf = leaf.ok_or_else(|| register_again(&path))?;
    if now < due(&leaf) {
        return Ok(());
    }
    let device = leaf.uris().iter().find_map(|uri| uri.strip_prefix("urn:sekisho:equipment:"));
    let device = device.ok_or_else(|| register_again(&path))?;
    let mut client = Client::reach(url, trust, Some((chain.clone(), key.clone())), language).await?;
    let fetched = client.renew(EQUIPMENT, device, &key).await?;
    put(&path, &key, &fetched)
}

/// `[equipment]` for the gate's configuration, if this machine is a registered device and has its authority's papers.
pub(crate) fn configuration(layout: &Layout) -> String {
    let folder = folder(layout);
    let all = ["equipment.pem", "registration-ca.pem", "registration.crl.pem"];
    if !all.iter().all(|name| folder.join(name).exists()) {
        return String::new();
    }
    let [certificate, authority, list] = all.map(|name| format!("\"{EQUIPMENT}/{name}\""));
    format!("\n[equipment]\ncertificate = {certificate}\nregistration-ca = {authority}\ncrls = [{list}]\n")
}

/// Keeps the registration authority's revocation list, which the center passes on.
pub(crate) fn keep_list(layout: &Layout, list: &str) -> Result<(), EnrollError> {
    let folder = folder(layout);
    if folder.join("equipment.pem").exists() {
        keep(&folder.join("registration.crl.pem"), list, 0o644)?;
    }
    Ok(())
}

fn folder(layout: &Layout) -> PathBuf {
    layout.folder.join(EQUIPMENT)
}

/// Both tiers' keys are in one element, each by its label.
fn place(layout: &Layout) -> Result<keys::KeyPlace, KeyFault> {
    match &layout.element {
        Some(element) => labelled(element, EQUIPMENT),
        None => Ok(keys::KeyPlace::File(folder(layout).join("equipment.key.pem"))),
    }
}

fn labelled(element: &Element, label: &str) -> Result<keys::KeyPlace, KeyFault> {
    Element { key: label.to_owned(), ..element.clone() }.place()
}

fn provisional(chain: &Path, layout: &Layout) -> Result<Shown, EnrollError> {
    let Some(element) = &layout.element else {
        return Err(EnrollError::token(fault::Fault::ElementToo {}));
    };
    Ok((certificates(chain)?, Key::open(&labelled(element, PROVISIONAL)?)?))
}

fn register_again(path: &Path) -> Fault {
    Fault::of(path, fault::Fault::RegisterAgain {})
}
