//! A site is proposed, taken in or rejected (G9, G12).

use audit::Event;
use joining::{DraftStand, Field, FieldCode, InstitutionId, Member, SiteDraft, text};
use model::{Blueprint, Document, Institution, LineKind, LocalizedName, Network, SiteModel, Zone, write_document};
use registry::{Page, Record, RegistryError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::form::Reading;
use crate::member::MOST;
use crate::{Refused, Registration, Who};

/// A new site, as typed. What is not asked follows from the model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteForm {
    /// Number of the institution in the directory; only an operator says it.
    pub institution: String,
    /// Id of the site, unique in the network.
    pub site: String,
    /// Its name in Japanese.
    pub name_ja: String,
    /// Its name in English.
    pub name_en: String,
    /// `large`, `small` or `service-provider` (G9).
    pub model: String,
    /// Kind of the WAN line: `leased`, `isdn`, `closed-ip`, `wide-ethernet`, `ip-vpn`, `internet` (G17).
    pub line: String,
    /// Address of the gateway on that line.
    pub address: String,
    /// Datapath id of the switch, 16 hexadecimal digits.
    pub dpid: String,
    /// Number of the switch port on which the gateway hangs.
    pub uplink: String,
    /// MAC of the gateway's in-house interface.
    pub mac: String,
    /// Prefix of the High Secure zone, if the site has one.
    pub high_secure: String,
    /// Prefix of the Secure zone, if the site has one.
    pub secure: String,
    /// Prefix of the DMZ, if the site has one.
    pub dmz: String,
}

/// The kinds of line, as documents write them.
pub const LINES: [(&str, LineKind); 6] = [
    ("leased", LineKind::Leased),
    ("isdn", LineKind::Isdn),
    ("closed-ip", LineKind::ClosedIp),
    ("wide-ethernet", LineKind::WideEthernet),
    ("ip-vpn", LineKind::IpVpn),
    ("internet", LineKind::Internet),
];

/// A proposed site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftView {
    /// Its number.
    pub number: i64,
    /// Its version: a form sends it back, so that nobody decides on what they have not seen.
    pub version: i64,
    /// Name of the institution in the directory.
    pub institution: String,
    /// The id of the institution in the network.
    pub network: String,
    /// Is that id confirmed already?
    pub confirmed: bool,
    /// What was proposed.
    #[serde(flatten)]
    pub draft: SiteDraft,
    /// The document it becomes.
    pub document: String,
}

impl SiteForm {
    fn read(&self, institution: model::InstitutionId) -> Result<Blueprint, Refused> {
        let mut reading = Reading::default();
        let models = SiteModel::ALL.map(|m| (m.as_str(), m));
        let id: Option<model::SiteId> = reading.need(Field::SiteId, &self.site);
        // It is in a DNS name, in names of files and of network namespaces.
        if id.as_ref().is_some_and(|id| id.as_str().len() > 40) {
            reading.wrong(Field::SiteId, FieldCode::TooLong);
        }
        let ja = reading.took(text(Field::NameJa, &self.name_ja));
        let en = reading.took(text(Field::NameEn, &self.name_en));
        let model = reading.one_of(Field::Model, &self.model, &models);
        let line = reading.one_of(Field::Line, &self.line, &LINES);
        let address = reading.need(Field::Address, &self.address);
        let dpid = reading.need(Field::Dpid, &self.dpid);
        let uplink: Option<u32> = reading.need(Field::Uplink, &self.uplink);
        if uplink.is_some_and(|port| !(1..=0xfeff).contains(&port)) {
            reading.wrong(Field::Uplink, FieldCode::Malformed);
        }
        let mac = reading.need(Field::Mac, &self.mac);
        let mut prefixes = BTreeMap::new();
        for (zone, field, typed) in [
            (Zone::HighSecure, Field::HighSecure, &self.high_secure),
            (Zone::Secure, Field::Secure, &self.secure),
            (Zone::Dmz, Field::Dmz, &self.dmz),
        ] {
            let Some(prefix) = reading.may(field, typed) else { continue };
            if model.is_some_and(|m| !m.zones().contains(&zone)) {
                // A zone of another model (G9): it would be left out without a word otherwise.
                reading.wrong(field, FieldCode::Unknown);
            }
            prefixes.insert(zone, prefix);
        }
        if prefixes.is_empty() {
            let first = model.and_then(|m| m.zones().last().copied()).unwrap_or(Zone::Secure);
            let field = match first {
                Zone::HighSecure => Field::HighSecure,
                Zone::Secure => Field::Secure,
                Zone::Dmz => Field::Dmz,
            };
            reading.wrong(field, FieldCode::Empty);
        }
        let whole = id.zip(ja.zip(en)).zip(model.zip(line)).zip(address.zip(dpid)).zip(uplink.zip(mac));
        let whole = whole.map(|((((id, (ja, en)), (model, line)), (address, dpid)), (uplink, mac))| Blueprint {
            id,
            institution,
            name: LocalizedName { ja, en },
            model,
            line,
            address,
            dpid,
            uplink,
            mac,
            prefixes,
        });
        Ok(reading.done(whole)?)
    }
}

impl Registration {
    /// Proposes a site. It is tried against policy first, with both proofs, so that what waits for the operator is what
    /// could be taken in.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `NoName`, `SiteTaken`, `Policy`, `TooManyWait`, `Registry`.
    pub async fn propose_site(&self, who: Who<'_>, form: &SiteForm) -> Result<DraftView, Refused> {
        who.change()?;
        let institution = match who.institution() {
            Some(own) => own,
            None => InstitutionId(form.institution.trim().parse().map_err(|_| Refused::no_such())?),
        };
        let member = self.member_of(institution).await?.ok_or(Refused::NoName)?.value;
        let blueprint = form.read(member.network.clone())?;
        let network = connections::applied_network(&self.center).await;
        free(&network, &member, &blueprint)?;
        let own = who.institution().map(|_| &member.network);
        connections::plan_only(&self.center, &[written(&network, &member, &blueprint)])
            .await
            .map_err(|no| Refused::told(no, &network, own))?;
        self.room_for::<SiteDraft>(institution).await?;
        let (now, site) = (self.now(), blueprint.id.clone());
        let draft = SiteDraft { institution, blueprint, by: who.name(), at: now, stand: DraftStand::Proposed };
        for _ in 0..Self::TRIES {
            if !self.registry().kept_named::<SiteDraft>(site.as_str()).await?.is_empty() {
                return Err(Refused::SiteTaken { site: site.to_string() });
            }
            let number = self.number();
            let event = Event::SiteProposed { draft: number, site: site.clone(), by: who.name() };
            match self.registry().commit(who.commit(now).insert(number, &draft).event(event)).await {
                Ok(_) => return self.draft_view(Record { id: number, version: 1, value: draft }).await,
                Err(RegistryError::Taken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refused::changed())
    }

    /// Proposals: those of the institution, or all that wait and what was decided last for operators.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn drafts(&self, who: Who<'_>) -> Result<Vec<DraftView>, Refused> {
        who.see()?;
        let records = match who.institution() {
            Some(own) => self.registry().kept_of::<SiteDraft>(own.0, Page::first(MOST)).await?,
            None => {
                let mut all = self.registry().kept_in::<SiteDraft>("proposed", Page::first(MOST)).await?;
                for stand in ["registered", "rejected"] {
                    all.extend(self.registry().kept_last::<SiteDraft>(stand, 50).await?);
                }
                all
            }
        };
        let mut views = Vec::with_capacity(records.len());
        for record in records {
            views.push(self.draft_view(record).await?);
        }
        Ok(views)
    }

    /// Takes a proposed site in: it becomes policy, its proposal is decided and the institution's id confirmed, in one
    /// transaction.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `WrongStand`, `SiteTaken`, `NameTaken`, `Policy`, `Registry`.
    pub async fn register_site(&self, who: Who<'_>, number: i64, version: i64) -> Result<(), Refused> {
        let Who::Operator(_) = who else { return Err(reception::Refused::MayNot.into()) };
        who.change()?;
        let mut last = Refused::changed();
        for _ in 0..Self::TRIES {
            let mut record = self.draft(who, number, Some(version)).await?;
            let mut member = self.member_of(record.value.institution).await?.ok_or(Refused::NoName)?;
            let network = connections::applied_network(&self.center).await;
            let blueprint = record.value.blueprint.clone();
            free(&network, &member.value, &blueprint)?;
            let now = self.now();
            record.value.stand.decide(DraftStand::Registered { by: who.name(), at: now })?;
            let mut beside = who.commit(now).update(&record).event(decided(&record, who, "registered"));
            if member.value.confirmed_by.is_none() {
                member.value.confirmed_by = Some(who.name());
                beside = beside.update(&member);
            }
            let documents = vec![written(&network, &member.value, &blueprint)];
            match connections::apply_from(&self.center, &network, documents, who.name(), beside).await {
                Ok(_) => return Ok(()),
                Err(no) => last = no.into(),
            }
            if !last.is_meanwhile() {
                return Err(last);
            }
        }
        Err(last)
    }

    /// Rejects a proposed site, with the reason that its institution reads.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Fields`, `Changed`, `WrongStand`, `Registry`.
    pub async fn reject_site(&self, who: Who<'_>, number: i64, version: i64, reason: &str) -> Result<(), Refused> {
        let Who::Operator(_) = who else { return Err(reception::Refused::MayNot.into()) };
        who.change()?;
        let mut reading = Reading::default();
        let reason = reading.took(text(Field::Reason, reason));
        let reason = reading.done(reason)?;
        let record = self.draft(who, number, Some(version)).await?;
        let stand = DraftStand::Rejected { by: who.name(), at: self.now(), reason };
        self.settle(who, record, stand).await
    }

    /// Takes one's own proposal back.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `WrongStand`, `Registry`.
    pub async fn withdraw_site(&self, who: Who<'_>, number: i64) -> Result<(), Refused> {
        who.change()?;
        let record = self.draft(who, number, None).await?;
        let stand = DraftStand::Withdrawn { by: who.name(), at: self.now() };
        self.settle(who, record, stand).await
    }

    async fn settle(&self, who: Who<'_>, mut record: Record<SiteDraft>, stand: DraftStand) -> Result<(), Refused> {
        let decision = stand.as_str();
        record.value.stand.decide(stand)?;
        let event = decided(&record, who, decision);
        self.registry().commit(who.commit(self.now()).update(&record).event(event)).await?;
        Ok(())
    }

    /// A proposal; another institution's there is none.
    async fn draft(&self, who: Who<'_>, number: i64, version: Option<i64>) -> Result<Record<SiteDraft>, Refused> {
        let record = self.registry().kept::<SiteDraft>(number).await?;
        let own = |r: &Record<SiteDraft>| who.institution().is_none_or(|own| own == r.value.institution);
        let record = record.filter(own).ok_or_else(Refused::no_such)?;
        if version.is_some_and(|version| version != record.version) {
            return Err(Refused::changed());
        }
        Ok(record)
    }

    async fn draft_view(&self, record: Record<SiteDraft>) -> Result<DraftView, Refused> {
        let listed = self.registry().institution(record.value.institution).await?;
        let member = self.member_of(record.value.institution).await?;
        let network = connections::applied_network(&self.center).await;
        let document = member.as_ref().map(|m| written(&network, &m.value, &record.value.blueprint).1);
        Ok(DraftView {
            number: record.id,
            version: record.version,
            institution: listed.map(|i| i.name).unwrap_or_default(),
            network: member.as_ref().map(|m| m.value.network.to_string()).unwrap_or_default(),
            confirmed: member.is_some_and(|m| m.value.confirmed_by.is_some()),
            draft: record.value,
            document: document.unwrap_or_default(),
        })
    }
}

fn decided(record: &Record<SiteDraft>, who: Who<'_>, decision: &str) -> Event {
    Event::SiteDecided {
        draft: record.id,
        site: record.value.blueprint.id.clone(),
        by: who.name(),
        decision: decision.to_owned(),
    }
}

/// A document replaces a site of the same id, so one that is there must never be proposed; nor may an institution that
/// is there be taken for another's without an operator having said so.
fn free(network: &Network, member: &Member, blueprint: &Blueprint) -> Result<(), Refused> {
    if network.sites.contains_key(&blueprint.id) {
        return Err(Refused::SiteTaken { site: blueprint.id.to_string() });
    }
    if member.confirmed_by.is_none() && network.institutions.contains_key(&member.network) {
        return Err(Refused::NameTaken { name: member.network.to_string() });
    }
    Ok(())
}

/// The document of a proposal: the institution comes with its first site.
fn written(network: &Network, member: &Member, blueprint: &Blueprint) -> (String, String) {
    let institution = Institution { id: member.network.clone(), name: member.name.clone() };
    let known = network.institutions.contains_key(&member.network);
    let document = Document {
        institution: (!known).then_some(institution),
        // The id in the network may have been put right since.
        site: Some(Blueprint { institution: member.network.clone(), ..blueprint.clone() }.site()),
        ..Document::default()
    };
    (format!("{}.toml", blueprint.id), write_document(&document).expect("nouns are JSON"))
}
