//! An institution of the directory gets its id in the network.

use audit::Event;
use joining::{Field, FieldCode, InstitutionId, Member, text};
use model::LocalizedName;
use registry::{Kept, Page, Record, RegistryError};
use serde::{Deserialize, Serialize};

use crate::form::Reading;
use crate::{Refused, Registration, Who};

/// The id of an institution, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MemberForm {
    /// Number in the directory; only an operator says it.
    pub institution: String,
    /// Id in the network: small letters, digits, `-`.
    pub network_name: String,
    /// Name in Japanese; the directory's if left out.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
}

/// An institution with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// Its number in the directory.
    pub institution: i64,
    /// Its name in the directory.
    pub listed: String,
    /// Its id in the network.
    pub network: String,
    /// Its name there.
    pub name: LocalizedName,
    /// Has an operator seen that it is so?
    pub confirmed: bool,
}

/// Rows read at most.
pub(crate) const MOST: u32 = 1_000;
/// What an institution may let wait of a kind: nobody fills the lists of others.
pub(crate) const WAITING: u32 = 100;

impl Registration {
    /// The institution of who asks, if it has an id.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn member(&self, who: Who<'_>) -> Result<Option<MemberView>, Refused> {
        who.see()?;
        let Some(institution) = who.institution() else { return Ok(None) };
        match self.member_of(institution).await? {
            Some(record) => Ok(Some(self.member_view(record.value).await?)),
            None => Ok(None),
        }
    }

    /// Every institution that has an id, for operators; their own for members.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn members(&self, who: Who<'_>) -> Result<Vec<MemberView>, Refused> {
        who.see()?;
        if let Who::Member(_) = who {
            return Ok(self.member(who).await?.into_iter().collect());
        }
        let mut all = Vec::new();
        for record in self.registry().kept_all::<Member>(Page::first(MOST)).await? {
            all.push(self.member_view(record.value).await?);
        }
        Ok(all)
    }

    /// Gives an institution its id. A manager's choice is only spoken for until an operator takes in a site of it, and
    /// cannot be one that the network knows; an operator's counts at once.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `NoSuch`, `NameTaken`, `Registry`.
    pub async fn name_institution(&self, who: Who<'_>, form: &MemberForm) -> Result<MemberView, Refused> {
        who.change()?;
        let institution = match who.institution() {
            Some(own) => own,
            None => InstitutionId(form.institution.trim().parse().map_err(|_| Refused::no_such())?),
        };
        let listed = self.registry().institution(institution).await?.ok_or_else(Refused::no_such)?;
        let mut reading = Reading::default();
        let network: Option<model::InstitutionId> = reading.need(Field::NetworkName, &form.network_name);
        let ja = if form.name_ja.trim().is_empty() { listed.name.as_str() } else { form.name_ja.as_str() };
        let ja = reading.took(text(Field::NameJa, ja));
        let en = reading.took(text(Field::NameEn, &form.name_en));
        if network.as_ref().is_some_and(|n| n.as_str().len() > 40) {
            reading.wrong(Field::NetworkName, FieldCode::TooLong);
        }
        let named = network.zip(ja.zip(en));
        let (network, (ja, en)) = reading.done(named)?;
        let taken = || Refused::NameTaken { name: network.to_string() };
        let known = connections::applied_network(&self.center).await;
        let operator = matches!(who, Who::Operator(_));
        let name = match known.institutions.get(&network) {
            Some(_) if !operator => return Err(taken()),
            Some(known) => known.name.clone(),
            None => LocalizedName { ja, en },
        };
        let now = self.now();
        let confirmed_by = operator.then(|| who.name());
        let member = Member { institution, network: network.clone(), name, by: who.name(), at: now, confirmed_by };
        let event =
            Event::InstitutionNamed { institution: institution.0, network: network.to_string(), by: who.name() };
        let commit = who.commit(now).event(event);
        let commit = match self.member_of(institution).await? {
            // What nobody has confirmed may still be put right.
            Some(record) if record.value.confirmed_by.is_none() => {
                let named = self.registry().kept_named::<Member>(network.as_str()).await?;
                if named.iter().any(|other| other.id != institution.0) {
                    return Err(taken());
                }
                commit.update(&Record { value: member.clone(), ..record })
            }
            Some(_) => return Err(taken()),
            None => commit.insert(institution.0, &member),
        };
        match self.registry().commit(commit).await {
            Ok(_) => self.member_view(member).await,
            Err(RegistryError::Taken { .. }) => Err(taken()),
            Err(error) => Err(error.into()),
        }
    }

    /// The row of an institution.
    pub(crate) async fn member_of(&self, institution: InstitutionId) -> Result<Option<Record<Member>>, Refused> {
        Ok(self.registry().kept::<Member>(institution.0).await?)
    }

    /// May the institution propose one more of a kind?
    pub(crate) async fn room_for<T: Kept>(&self, institution: InstitutionId) -> Result<(), Refused> {
        let waiting = self.registry().kept_count::<T>(institution.0, "proposed").await?;
        if waiting < u64::from(WAITING) { Ok(()) } else { Err(Refused::TooManyWait { most: WAITING }) }
    }

    async fn member_view(&self, member: Member) -> Result<MemberView, Refused> {
        let listed = self.registry().institution(member.institution).await?;
        Ok(MemberView {
            institution: member.institution.0,
            listed: listed.map(|i| i.name).unwrap_or_default(),
            network: member.network.to_string(),
            name: member.name,
            confirmed: member.confirmed_by.is_some(),
        })
    }
}
