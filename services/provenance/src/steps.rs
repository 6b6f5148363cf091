//! A device is taken in, stands somewhere, is answered for, and speaks for itself.

use std::collections::BTreeSet;

use audit::{Digest, Event};
use enrolment::OneTimeToken;
use equipment::{
    Device, DeviceId, Evidence, HumanAnswer, PersonMay, Row, SignedInformation, SignedReport, verify_information,
    verify_report,
};
use issuing::{Identity, Offer};
use model::{SiteId, Timestamp};
use registry::{Commit, Record, RegistryError};
use ring::rand::SecureRandom;
use serde::Serialize;

use crate::{Provenance, Refused};

/// A token lasts as long as a device is on its way through a workshop.
const DAYS: i64 = 14;
const DAY: i64 = 86_400_000;
/// Characters of what an answer rests on.
const LONGEST_EVIDENCE: usize = 1000;

/// Shown here and never again.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Once {
    /// The device.
    pub device: DeviceId,
    /// The code, as a person types it.
    pub code: String,
    /// Address, server's key, name and code in one text, as a machine reads it; none if this centre has no address.
    pub token: Option<String>,
    /// Until when it is good.
    pub until: Timestamp,
}

/// Not the secret.
impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Once({}, …)", self.device)
    }
}

impl Provenance {
    /// Takes a device in on its maker's word: verified, then given an id and a token for its first-tier certificate.
    ///
    /// # Errors
    /// `NotBelieved` with every reason, `ElementTaken`, `Issuing`, `Registry`.
    pub async fn take_in(&self, by: &str, text: &str) -> Result<Once, Refused> {
        let (now, trust) = (self.now(), self.world.trust());
        let signed = match SignedInformation::from_toml(text) {
            Ok(signed) => signed,
            Err(refusal) => return Err(self.not_believed(now, by, vec![refusal]).await),
        };
        let verified = match verify_information(&signed, &trust.anchors, trust.revocation(), now) {
            Ok(verified) => verified,
            Err(refusals) => return Err(self.not_believed(now, by, refusals).await),
        };
        let described = verified.device();
        let mut tries = Self::TRIES;
        loop {
            let id = fresh_id()?;
            let mut device = Device::taken_in(id, signed.clone(), now, by);
            device.record.evidence.insert(Evidence::MakerVerified, now);
            let event = Event::DeviceTakenIn {
                device: id.to_string(),
                maker: verified.maker().id().to_owned(),
                model: described.model.to_string(),
                serial: described.serial.to_string(),
                certificate: Digest(*verified.maker().certificate().fingerprint()),
                operator: by.to_owned(),
            };
            let (offer, once) = self.offer(now, by, &device)?;
            let commit = Commit::at(now).insert(id.number(), &device).event(event).and(offer);
            match self.registry.commit(commit).await {
                Ok(_) => return Ok(once),
                // An id that is taken is tried anew, an element is not.
                Err(RegistryError::Taken { .. }) if tries > 0 => {
                    let element = described.element.key.to_string();
                    if !self.registry.kept_named::<Device>(&element).await?.is_empty() {
                        self.refused(now, by, "Q202").await?;
                        return Err(Refused::ElementTaken { element: described.element.serial.to_string() });
                    }
                    tries -= 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Another token for the first-tier certificate, for one that was lost.
    ///
    /// # Errors
    /// `NoSuch`, `Revoked`, `Issuing`, `Registry`.
    pub async fn token(&self, by: &str, id: &DeviceId) -> Result<Once, Refused> {
        let record = self.live(id).await?;
        let (commit, once) = self.offer(self.now(), by, &record.value)?;
        self.registry.commit(commit).await?;
        Ok(once)
    }

    /// The device stands at this site, or at none.
    ///
    /// # Errors
    /// `NoSuch`, `NoSite`, `Revoked`, `Registry`.
    pub async fn stands_at(&self, by: &str, id: &DeviceId, site: Option<&SiteId>) -> Result<(), Refused> {
        let now = self.now();
        if let Some(site) = site
            && !self.world.knows(site).await
        {
            return Err(Refused::NoSite { site: site.to_string() });
        }
        self.change(id, |device| {
            device.site = site.cloned();
            Ok(Commit::at(now).event(Event::DeviceBound {
                device: id.to_string(),
                site: site.cloned(),
                operator: by.to_owned(),
            }))
        })
        .await
    }

    /// A person answers a row.
    ///
    /// # Errors
    /// `NoSuch`, `NoRow`, `NotForPeople`, `Evidence`, `Revoked`, `Registry`.
    pub async fn answer(&self, by: &str, id: &DeviceId, row: u8, evidence: &str) -> Result<(), Refused> {
        let now = self.now();
        let evidence = evidence.trim();
        let asked = Row::numbered(row).ok_or(Refused::NoRow { row })?;
        if asked.person == PersonMay::Never {
            return Err(Refused::NotForPeople { row });
        }
        if evidence.is_empty() || evidence.chars().count() > LONGEST_EVIDENCE {
            return Err(Refused::Evidence);
        }
        self.change(id, |device| {
            let answer = HumanAnswer { by: by.to_owned(), at: now, evidence: evidence.to_owned() };
            device.record.answers.insert(row, answer);
            Ok(Commit::at(now).event(Event::DeviceAnswered {
                device: id.to_string(),
                row,
                evidence: evidence.to_owned(),
                operator: by.to_owned(),
            }))
        })
        .await
    }

    /// A device reports what it holds. Whoever brings it, its signature counts: what it does not say any more does not
    /// hold any more.
    ///
    /// # Errors
    /// `NotBelieved` with every reason, `NoSuch`, `Revoked`, `Registry`.
    pub async fn report(&self, by: &str, text: &str) -> Result<DeviceId, Refused> {
        let (now, trust) = (self.now(), self.world.trust());
        let signed = match SignedReport::from_toml(text) {
            Ok(signed) => signed,
            Err(refusal) => return Err(self.not_believed(now, by, vec![refusal]).await),
        };
        let verified = match verify_report(&signed, &trust.anchors, trust.revocation(), now) {
            Ok(verified) => verified,
            Err(refusals) => return Err(self.not_believed(now, by, refusals).await),
        };
        let report = verified.report();
        let told: BTreeSet<Evidence> = report.facts.iter().map(|fact| Evidence::from(*fact)).collect();
        let event = Event::DeviceReported {
            device: report.device.to_string(),
            facts: report.facts.iter().map(|fact| fact.as_str().to_owned()).collect(),
        };
        // One that comes late, or is brought again, tells nothing, and anybody may bring it.
        let before = self.live(&report.device).await?.value.record.reported_at;
        if before.is_some_and(|before| before >= report.at) {
            return Ok(report.device);
        }
        self.change(&report.device, |device| {
            // Another, newer one may have come in between.
            if device.record.reported_at.is_none_or(|before| before < report.at) {
                device.record.reported_at = Some(report.at);
                for fact in equipment::DeviceFact::ALL {
                    device.record.evidence.remove(&Evidence::from(fact));
                }
                device.record.evidence.extend(told.iter().map(|evidence| (*evidence, report.at)));
            }
            Ok(Commit::at(now).event(event.clone()))
        })
        .await?;
        Ok(report.device)
    }

    pub(crate) async fn live(&self, id: &DeviceId) -> Result<Record<Device>, Refused> {
        let record = self.kept(id).await?;
        if record.value.stand.is_live() { Ok(record) } else { Err(Refused::Revoked { device: *id }) }
    }

    /// Changes a device that is not revoked, and makes the change anew if it met another.
    async fn change(
        &self,
        id: &DeviceId,
        make: impl Fn(&mut Device) -> Result<Commit, Refused>,
    ) -> Result<(), Refused> {
        let mut tries = Self::TRIES;
        loop {
            let mut record = self.live(id).await?;
            let commit = make(&mut record.value)?.update(&record);
            match self.registry.commit(commit).await {
                Ok(_) => return Ok(()),
                Err(RegistryError::Stale { .. }) if tries > 0 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn offer(&self, now: Timestamp, by: &str, device: &Device) -> Result<(Commit, Once), Refused> {
        let identity = Identity::equipment(&device.id.to_string()).ok_or(Refused::NoSuch { device: device.id })?;
        let described = &device.information.device;
        let organization = described.maker.to_string();
        let until = now.plus_ms(DAYS * DAY);
        let offer = Offer { identity: &identity, organization: &organization, dns_names: &[], operator: by, until };
        let (commit, offered) = self.issuing.offering(now, &offer)?;
        let code = offered.code.expose().to_owned();
        let token = self.settings.desk.as_ref().map(|(url, server_key)| OneTimeToken {
            url: url.clone(),
            server_key: *server_key,
            label: identity.kind().to_string(),
            name: identity.name().to_owned(),
            code: code.clone(),
        });
        let once = Once { device: device.id, code, token: token.map(|token| token.text()), until: offered.until };
        Ok((commit, once))
    }

    async fn not_believed(&self, now: Timestamp, by: &str, refusals: Vec<equipment::Refusal>) -> Refused {
        // An operator's mistakes are few; a device is anybody who reaches the entrance.
        if by.is_empty() && !self.may_write(now) {
            return Refused::NotBelieved(refusals);
        }
        let reasons = refusals.iter().map(|refusal| refusal.code().to_owned()).collect();
        let event = Event::DeviceRefused { reasons, operator: by.to_owned() };
        match self.registry.commit(Commit::at(now).event(event)).await {
            Ok(_) => Refused::NotBelieved(refusals),
            Err(error) => error.into(),
        }
    }

    async fn refused(&self, now: Timestamp, by: &str, code: &str) -> Result<(), Refused> {
        let event = Event::DeviceRefused { reasons: vec![code.to_owned()], operator: by.to_owned() };
        self.registry.commit(Commit::at(now).event(event)).await?;
        Ok(())
    }
}

fn fresh_id() -> Result<DeviceId, Refused> {
    let mut octets = [0; 11];
    let filled = ring::rand::SystemRandom::new().fill(&mut octets);
    filled.map_err(|_| issuing::Refused::no_randomness())?;
    Ok(DeviceId::from_random(octets))
}
