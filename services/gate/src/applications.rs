//! Who the gate is as a device, and where its applications lie (G1).

use std::path::{Path, PathBuf};

use applications::{Device, Refused};
use equipment::DeviceId;
use files::{Defect, Fault};
use pki::{AnchorSet, CrlStore, Purpose, TrustAnchor};
use texts::Words;

use crate::config::Config;
use crate::fault;
use crate::trust::{TrustError, certificates, crl};

/// The folder of the device's applications.
pub fn folder(config: &Config) -> PathBuf {
    config.data.join("applications")
}

/// The device's id, from its first-tier certificate, and the registration authority that permits are verified by.
///
/// # Errors
/// [`Refused::Device`] says what is missing.
pub fn device(config: &Config) -> Result<Device, Refused> {
    let wrong = |path: &Path, defect: Words| Refused::Device(Fault::of(path, defect).into());
    let unread = |error: TrustError| Refused::Device(error.words());
    let Some(equipment) = &config.equipment else {
        return Err(Refused::Device(Fault::at("[equipment]", fault::Fault::NoEquipment {}).into()));
    };
    let own = certificates(&equipment.certificate).map_err(unread)?;
    let id = own.first().and_then(|der| pki::Certificate::parse(der).ok()).and_then(|own| id_in(&own));
    let id = id.ok_or_else(|| wrong(&equipment.certificate, fault::Fault::RegisterAgain {}.words()))?;
    let (mut anchors, mut lists) = (AnchorSet::new(), CrlStore::new());
    for der in certificates(&equipment.registration_ca).map_err(unread)? {
        let anchor = TrustAnchor::new(&der, Purpose::Registration);
        anchors.add(anchor.map_err(|e| wrong(&equipment.registration_ca, Defect::from(e).words()))?);
    }
    for path in &equipment.crls {
        let list = crl(path).map_err(unread)?;
        lists.add(&list, &anchors).map_err(|e| wrong(path, Defect::from(e).words()))?;
    }
    Ok(Device { id, anchors, lists })
}

fn id_in(certificate: &pki::Certificate) -> Option<DeviceId> {
    certificate.uris().iter().find_map(|uri| uri.strip_prefix("urn:sekisho:equipment:")?.parse().ok())
}
