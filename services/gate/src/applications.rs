//! Who the gate is as a device, and where its applications lie (G1).

use std::path::PathBuf;

use applications::{Device, Refused};
use pki::{AnchorSet, CrlStore, Purpose, TrustAnchor};

use crate::config::Config;
use crate::trust::{certificates, crl};

/// The folder of the device's applications.
pub fn folder(config: &Config) -> PathBuf {
    config.data.join("applications")
}

/// The device's id, from its first-tier certificate, and the registration authority that permits are verified by.
///
/// # Errors
/// [`Refused::Device`] says what is missing.
pub fn device(config: &Config) -> Result<Device, Refused> {
    let told = |why: String| Refused::Device { why };
    let Some(equipment) = &config.equipment else { return Err(told("[equipment]".to_owned())) };
    let own = certificates(&equipment.certificate).map_err(|e| told(e.to_string()))?;
    let wrong = |why: &str| told(format!("{}: {why}", equipment.certificate.display()));
    let own = own.first().ok_or_else(|| wrong("no certificate"))?;
    let own = pki::Certificate::parse(own).map_err(|e| wrong(&e.to_string()))?;
    let id = own.uris().iter().find_map(|uri| uri.strip_prefix("urn:sekisho:equipment:"));
    let id = id.ok_or_else(|| wrong("it names no device id"))?;
    let id = id.parse().map_err(|e: equipment::NotADeviceId| wrong(&e.to_string()))?;
    let (mut anchors, mut lists) = (AnchorSet::new(), CrlStore::new());
    for der in certificates(&equipment.registration_ca).map_err(|e| told(e.to_string()))? {
        let anchor = TrustAnchor::new(&der, Purpose::Registration);
        anchors.add(anchor.map_err(|e| told(format!("{}: {e}", equipment.registration_ca.display())))?);
    }
    for path in &equipment.crls {
        let list = crl(path).map_err(|e| told(e.to_string()))?;
        lists.add(&list, &anchors).map_err(|e| told(format!("{}: {e}", path.display())))?;
    }
    Ok(Device { id, anchors, lists })
}
