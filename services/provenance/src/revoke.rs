//! A device is revoked, and every certificate of it.

use std::collections::BTreeSet;

use audit::Event;
use equipment::{Device, DeviceId, DeviceStand};
use issuing::{Identity, Kind, Reason, Refused as NotIssued};
use registry::{Commit, Page, Record, RegistryError};

use crate::{Provenance, Refused};

/// Revocations that were cut off are few.
const AT_ONCE: u32 = 50;

impl Provenance {
    /// Revokes a device: from this moment it gets nothing more; then its first-tier certificates end, and the gate
    /// certificates of its site that are not another device's. The number of certificates that ended.
    ///
    /// # Errors
    /// `NoSuch`, `Revoked`, `Issuing`, `Registry`. What was begun goes on with [`Provenance::tend`].
    pub async fn revoke(&self, by: &str, id: &DeviceId, reason: Reason) -> Result<usize, Refused> {
        let (now, mut tries) = (self.now(), Self::TRIES);
        loop {
            let mut record = self.live(id).await?;
            record.value.stand = DeviceStand::Ending { at: now, by: by.to_owned(), reason: reason.as_str().to_owned() };
            let event = Event::DeviceRevoked {
                device: id.to_string(),
                reason: reason.as_str().to_owned(),
                operator: by.to_owned(),
            };
            match self.registry.commit(Commit::at(now).update(&record).event(event)).await {
                Ok(_) => break,
                Err(RegistryError::Stale { .. }) if tries > 0 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
        self.end(self.kept(id).await?).await
    }

    /// Ends what a process that was killed began to end. To be called at the start and every minute or so.
    ///
    /// # Errors
    /// `Issuing`, `Registry`.
    pub async fn tend(&self) -> Result<usize, Refused> {
        let mut ended = 0;
        for record in self.registry.kept_in::<Device>("ending", Page::first(AT_ONCE)).await? {
            ended += self.end(record).await?;
        }
        Ok(ended)
    }

    /// May be called again after any part of it was done.
    async fn end(&self, mut record: Record<Device>) -> Result<usize, Refused> {
        let DeviceStand::Ending { at, by, reason } = record.value.stand.clone() else { return Ok(0) };
        let why = Reason::ALL.into_iter().find(|known| known.as_str() == reason);
        let why = why.unwrap_or(Reason::PrivilegeWithdrawn);
        let mut ended = 0;
        let device = &record.value;
        for serial in &device.first_tier {
            ended += self.end_one(Kind::Equipment, serial, why, &by).await?;
        }
        for serial in self.gate_certificates(device).await? {
            ended += self.end_one(Kind::Gate, &serial, why, &by).await?;
        }
        if ended > 0 {
            self.world.ended().await;
        }
        let event = Event::DeviceEnded { device: device.id.to_string(), certificates: ended as u64 };
        record.value.stand = DeviceStand::Revoked { at, by, reason };
        let commit = Commit::at(self.now()).update(&record).event(event);
        match self.registry.commit(commit).await {
            // Another replica was at it too, and was first.
            Ok(_) | Err(RegistryError::Stale { .. }) => Ok(ended),
            Err(error) => Err(error.into()),
        }
    }

    /// Its own, and what its site got before the equipment was registered.
    async fn gate_certificates(&self, device: &Device) -> Result<BTreeSet<String>, Refused> {
        let mut serials = device.second_tier.clone();
        let Some(site) = &device.site else { return Ok(serials) };
        let others = self.registry.devices_at(site).await?;
        let of_others: BTreeSet<&String> = others
            .iter()
            .filter(|other| other.value.stand.is_live() && other.value.id != device.id)
            .flat_map(|other| &other.value.second_tier)
            .collect();
        if let Some(identity) = Identity::gate(site.as_str()) {
            let all = self.issuing.certificates(&identity).await?;
            serials.extend(all.into_iter().map(|row| row.serial).filter(|serial| !of_others.contains(serial)));
        }
        Ok(serials)
    }

    async fn end_one(&self, kind: Kind, serial: &str, why: Reason, by: &str) -> Result<usize, Refused> {
        match self.issuing.revoke(self.now(), kind, serial, why, by).await {
            Ok(()) => Ok(1),
            Err(NotIssued::CertificateRevoked { .. } | NotIssued::UnknownCertificate { .. }) => Ok(0),
            Err(refused) => Err(refused.into()),
        }
    }
}
