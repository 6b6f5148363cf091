//! Which certificates may be issued, given what a device is.

use audit::Event;
use equipment::{Device, DeviceId, Evidence, verify_element_of};
use issuing::{Asked, Kind, Refused, Vouched, Voucher, Vouching};
use model::SiteId;
use registry::{Commit, Record};

use crate::Provenance;

impl Voucher for Provenance {
    fn vouch<'a>(&'a self, asked: Asked<'a>) -> Vouching<'a> {
        Box::pin(async move {
            match asked.identity.kind() {
                Kind::Equipment => self.first_tier(asked).await,
                Kind::Gate => self.second_tier(asked).await,
                Kind::Service | Kind::Device | Kind::Switch | Kind::Institution => {
                    Ok(Box::new(move |_: &str| Commit::at(asked.now)) as Vouched)
                }
            }
        })
    }
}

impl Provenance {
    /// A device's own certificate: it must be registered. An element that shows its provisional certificate must be the
    /// one the maker built in; one that shows nothing leaves rows 1, 4 and 6 to people.
    async fn first_tier(&self, asked: Asked<'_>) -> Result<Vouched, Refused> {
        let now = asked.now;
        let name = asked.identity.name();
        let unknown = || Refused::DeviceUnknown { device: name.to_owned() };
        let id: DeviceId = name.parse().map_err(|_| unknown())?;
        let record = self.registry.kept::<Device>(id.number()).await?;
        let mut record = record.filter(|record| record.value.stand.is_live()).ok_or_else(unknown)?;
        let mut event = None;
        // A renewal shows the first-tier certificate itself.
        if asked.renews.is_none() && !asked.shown.is_empty() {
            let trust = self.world.trust();
            let described = &record.value.information.device;
            let element = verify_element_of(described, asked.shown, &trust.anchors, trust.revocation(), now);
            let element = element.map_err(|refusals| Refused::ElementRefused {
                device: name.to_owned(),
                codes: refusals.iter().map(equipment::Refusal::code).collect::<Vec<_>>().join(" "),
            })?;
            event = Some(Event::ElementProved { device: name.to_owned(), element: element.serial().to_owned() });
            for evidence in [Evidence::ElementCertified, Evidence::ElementProved] {
                record.value.record.evidence.insert(evidence, now);
            }
        }
        Ok(Box::new(move |serial| {
            record.value.first_tier.insert(serial.to_owned());
            Commit::at(now).update(&record).events(event)
        }))
    }

    /// A gate's certificate: where equipment is registered for the site, it goes to that equipment only, which shows its
    /// first-tier certificate, or renews one that was given to it.
    async fn second_tier(&self, asked: Asked<'_>) -> Result<Vouched, Refused> {
        let now = asked.now;
        let site = asked.identity.name().to_owned();
        let at_site = match site.parse::<SiteId>() {
            Ok(id) => self.registry.devices_at(&id).await?,
            // Policy knows no such site, and so nobody can have registered equipment for it.
            Err(_) => Vec::new(),
        };
        let registered = at_site.iter().any(|device| device.value.stand.is_live());
        if !registered && self.settings.required {
            return Err(Refused::EquipmentRequired { site });
        }
        // Somebody revoked what stood there: the site does not fall back to what needs no equipment.
        if !registered && at_site.is_empty() {
            return Ok(Box::new(move |_| Commit::at(now)));
        }
        let mut record = match asked.renews {
            Some(serial) => {
                let given =
                    |device: &Record<Device>| device.value.stand.is_live() && device.value.second_tier.contains(serial);
                at_site.into_iter().find(given).ok_or(Refused::FirstTierMissing { site })?
            }
            None => self.shown_device(asked, &site, at_site)?,
        };
        let device = record.value.id.to_string();
        Ok(Box::new(move |serial| {
            record.value.second_tier.insert(serial.to_owned());
            let event = Event::DeviceVouched { device, serial: serial.to_owned() };
            Commit::at(now).update(&record).event(event)
        }))
    }

    fn shown_device(
        &self,
        asked: Asked<'_>,
        site: &str,
        at_site: Vec<Record<Device>>,
    ) -> Result<Record<Device>, Refused> {
        if asked.shown.is_empty() {
            return Err(Refused::FirstTierMissing { site: site.to_owned() });
        }
        let trust = self.world.trust();
        let chain: Vec<&[u8]> = asked.shown.iter().map(Vec::as_slice).collect();
        let verified = pki::verify_equipment(&chain, &trust.anchors, trust.revocation(), asked.now.unix_seconds());
        let verified = verified.map_err(|refusals| Refused::FirstTierRefused {
            codes: refusals.iter().map(pki::Refusal::code).collect::<Vec<_>>().join(" "),
        })?;
        let device = verified.device();
        let elsewhere = || Refused::DeviceElsewhere { device: device.to_owned(), site: site.to_owned() };
        let found = at_site.into_iter().find(|record| record.value.id.to_string() == device).ok_or_else(elsewhere)?;
        // Its certificate may not be on a list yet.
        let certified = found.value.first_tier.contains(verified.certificate().certificate_serial());
        if found.value.stand.is_live() && certified {
            Ok(found)
        } else {
            Err(Refused::DeviceUnknown { device: device.to_owned() })
        }
    }
}
