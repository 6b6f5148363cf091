//! Agreements of two institutions (合意, G12): one proposes the terms, each side signs outside of here, and what it brings
//! is judged by [`connections::countersign_beside`], the same that judges what `sekisho agreement submit` sends.

use audit::Event;
use joining::{DraftStand, Field, FieldCode, Proposal, text};
use model::{
    Agreement, AgreementId, AgreementSignature, Document, InstitutionId, Network, ServiceId, Side, Timestamp,
    write_document,
};
use registry::{Page, Record, RegistryError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::form::Reading;
use crate::member::MOST;
use crate::sheet::{PartySheets, party_sheets};
use crate::{Refused, Registration, Who};

/// Terms, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgreementForm {
    /// Its number, e.g. `A-0012`.
    pub agreement: String,
    /// The service, `institution/name`; its institution is the provider.
    pub service: String,
    /// Id of the institution whose people use it; the proposer's if left out.
    pub consumer: String,
    /// First day, `2026-04-01`, in Japan.
    pub valid_from: String,
    /// Last day, in Japan.
    pub valid_until: String,
}

/// What an institution brings after it signed: the document its tool wrote, or certificate and value by themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SignatureForm {
    /// What `sekisho agreement sign` wrote.
    pub signed: String,
    /// PEM chain of the signing certificate.
    pub certificate: String,
    /// ECDSA P-256/SHA-256 over the bytes, ASN.1 DER, Base64.
    pub value: String,
    /// `consumer` or `provider`: the side `value` is for; one's own if left out.
    pub side: String,
}

/// An agreement as its parties see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgreementView {
    /// Its terms.
    #[serde(flatten)]
    pub terms: Agreement,
    /// What one's own institution is in it; nothing for operators.
    pub side: Option<Side>,
    /// Who has signed.
    pub signed_by: BTreeSet<Side>,
    /// Both have.
    pub complete: bool,
    /// Does it wait for the first signature?
    pub proposed: bool,
    /// Did one's own institution propose it?
    pub own_proposal: bool,
    /// The document to be signed.
    pub document: String,
    /// Whether the sites of each side pass their checksheets (items 1-1-x of the other's).
    pub sheets: Vec<PartySheets>,
}

impl AgreementForm {
    fn read(&self, own: &InstitutionId) -> Result<Agreement, Refused> {
        let mut reading = Reading::default();
        let id = reading.need(Field::Agreement, &self.agreement);
        let service: Option<ServiceId> = reading.need(Field::Service, &self.service);
        let consumer: Option<InstitutionId> = if self.consumer.trim().is_empty() {
            Some(own.clone())
        } else {
            reading.need(Field::Consumer, &self.consumer)
        };
        let valid_from = day(&mut reading, Field::ValidFrom, &self.valid_from);
        // The last day counts whole.
        let valid_until = day(&mut reading, Field::ValidUntil, &self.valid_until).map(|day| day.plus_ms(DAY_MS));
        if valid_from.zip(valid_until).is_some_and(|(from, until)| from >= until) {
            reading.wrong(Field::ValidUntil, FieldCode::Wrong);
        }
        if let (Some(consumer), Some(service)) = (&consumer, &service) {
            if *consumer == service.institution {
                // Two institutions: whoever offers the service names the one that uses it.
                reading.wrong(
                    Field::Consumer,
                    if self.consumer.trim().is_empty() { FieldCode::Empty } else { FieldCode::Wrong },
                );
            } else if consumer != own && service.institution != *own {
                // One's own institution is one of the two.
                reading.wrong(Field::Service, FieldCode::Wrong);
            }
        }
        let whole = id.zip(service).zip(consumer).zip(valid_from.zip(valid_until));
        let whole = whole.map(|(((id, service), consumer), (valid_from, valid_until))| Agreement {
            id,
            consumer,
            provider: service.institution.clone(),
            service,
            valid_from,
            valid_until,
            signatures: BTreeMap::new(),
        });
        Ok(reading.done(whole)?)
    }
}

const DAY_MS: i64 = 86_400_000;

/// Midnight in Japan (UTC+9, no daylight saving).
fn day(reading: &mut Reading, field: Field, typed: &str) -> Option<Timestamp> {
    let typed = typed.trim();
    let whole = if typed.is_empty() { String::new() } else { format!("{typed}T00:00:00+09:00") };
    reading.need(field, &whole)
}

fn side_of(agreement: &Agreement, own: &InstitutionId) -> Option<Side> {
    [Side::Consumer, Side::Provider].into_iter().find(|side| agreement.party(*side) == own)
}

fn document(agreement: &Agreement) -> String {
    let document = Document { agreements: vec![agreement.clone()], ..Document::default() };
    write_document(&document).expect("nouns are JSON")
}

impl Registration {
    /// Agreements of the institution, proposed and signed; all for operators.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn agreements(&self, who: Who<'_>) -> Result<Vec<AgreementView>, Refused> {
        who.see()?;
        let own = match who {
            Who::Operator(_) => None,
            Who::Member(_) => match self.confirmed(who).await {
                Ok(member) => Some(member.network),
                Err(Refused::NoName | Refused::NotInNetwork) => return Ok(Vec::new()),
                Err(no) => return Err(no),
            },
        };
        let network = connections::applied_network(&self.center).await;
        let mut all: BTreeMap<AgreementId, AgreementView> = BTreeMap::new();
        let mine = |agreement: &Agreement| own.as_ref().is_none_or(|own| side_of(agreement, own).is_some());
        for proposal in self.waiting().await? {
            if mine(&proposal.agreement) {
                let ours = who.institution() == Some(proposal.institution);
                all.insert(proposal.agreement.id.clone(), view(&network, proposal.agreement, own.as_ref(), Some(ours)));
            }
        }
        for agreement in network.agreements.values().filter(|agreement| mine(agreement)) {
            all.insert(agreement.id.clone(), view(&network, agreement.clone(), own.as_ref(), None));
        }
        Ok(all.into_values().collect())
    }

    /// One agreement of the institution.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Registry`.
    pub async fn agreement(&self, who: Who<'_>, id: &AgreementId) -> Result<AgreementView, Refused> {
        who.see()?;
        let own = self.reads(who).await?;
        let mine = |agreement: &Agreement| own.as_ref().is_none_or(|own| side_of(agreement, own).is_some());
        let network = connections::applied_network(&self.center).await;
        if let Some(known) = network.agreements.get(id).filter(|known| mine(known)) {
            return Ok(view(&network, known.clone(), own.as_ref(), None));
        }
        match self.proposal(id).await? {
            Some(record) if mine(&record.value.agreement) => {
                let ours = who.institution() == Some(record.value.institution);
                Ok(view(&network, record.value.agreement, own.as_ref(), Some(ours)))
            }
            Some(_) | None => Err(Refused::no_such()),
        }
    }

    /// Proposes terms to the other institution. They are tried against policy first.
    ///
    /// # Errors
    /// `MayNot`, `NoName`, `NotInNetwork`, `Fields`, `AgreementTaken`, `Policy`, `TooManyWait`, `Registry`.
    pub async fn propose_agreement(&self, who: Who<'_>, form: &AgreementForm) -> Result<AgreementView, Refused> {
        who.change()?;
        let member = self.confirmed(who).await?;
        let agreement = form.read(&member.network)?;
        let taken = || Refused::AgreementTaken { agreement: agreement.id.to_string() };
        let network = connections::applied_network(&self.center).await;
        if network.agreements.contains_key(&agreement.id) {
            return Err(taken());
        }
        connections::plan_only(&self.center, &[("agreement.toml".to_owned(), document(&agreement))])
            .await
            .map_err(|no| Refused::told(no, &network, Some(&member.network)))?;
        self.room_for::<Proposal>(member.institution).await?;
        let now = self.now();
        let proposal = Proposal {
            institution: member.institution,
            agreement: agreement.clone(),
            by: who.name(),
            at: now,
            stand: DraftStand::Proposed,
        };
        for _ in 0..Self::TRIES {
            if !self.registry().kept_named::<Proposal>(agreement.id.as_str()).await?.is_empty() {
                return Err(taken());
            }
            let event = Event::AgreementProposed {
                agreement: agreement.id.clone(),
                institution: member.institution.0,
                by: who.name(),
            };
            match self.registry().commit(who.commit(now).insert(self.number(), &proposal).event(event)).await {
                Ok(_) => return Ok(view(&network, agreement, Some(&member.network), Some(true))),
                Err(RegistryError::Taken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refused::changed())
    }

    /// Brings a signature under the terms as they are proposed. With the first the network keeps the agreement, with
    /// the second it stands.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Fields`, `NotThisAgreement`, `Policy` for a signature that is not good, `Registry`.
    pub async fn sign_agreement(
        &self,
        who: Who<'_>,
        id: &AgreementId,
        form: &SignatureForm,
    ) -> Result<AgreementView, Refused> {
        who.change()?;
        let found = self.agreement(who, id).await?;
        let brought = brought(&found, form)?;
        let mut beside = who.commit(self.now());
        if let Some(mut record) = self.proposal(id).await? {
            record.value.stand.decide(DraftStand::Registered { by: who.name(), at: self.now() })?;
            beside = beside.update(&record);
        }
        let bearer = found.side.map(|side| found.terms.party(side));
        connections::countersign_for(&self.center, "agreement.toml", &brought, bearer, beside).await?;
        self.agreement(who, id).await
    }

    /// Who proposed terms takes them back; the other side rejects them. Only while nobody has signed.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `NotYourTurn`, `Fields`, `Changed`, `Registry`.
    pub async fn drop_agreement(&self, who: Who<'_>, id: &AgreementId, reason: Option<&str>) -> Result<(), Refused> {
        who.change()?;
        let found = self.agreement(who, id).await?;
        let mut record = self.proposal(id).await?.ok_or_else(|| Refused::from(reception::Refused::WrongStand))?;
        if found.own_proposal == reason.is_some() {
            return Err(Refused::NotYourTurn);
        }
        let (by, at) = (who.name(), self.now());
        let stand = match reason {
            None => DraftStand::Withdrawn { by, at },
            Some(reason) => {
                let mut reading = Reading::default();
                let reason = reading.took(text(Field::Reason, reason));
                DraftStand::Rejected { by, at, reason: reading.done(reason)? }
            }
        };
        let event =
            Event::AgreementDecided { agreement: id.clone(), by: who.name(), decision: stand.as_str().to_owned() };
        record.value.stand.decide(stand)?;
        self.registry().commit(who.commit(at).update(&record).event(event)).await?;
        Ok(())
    }

    /// Every proposal that waits: few, for an institution has no more than `WAITING`.
    async fn waiting(&self) -> Result<Vec<Proposal>, Refused> {
        let (mut all, mut page) = (Vec::new(), Page::first(MOST));
        loop {
            let found = self.registry().kept_in::<Proposal>("proposed", page).await?;
            page.after = found.last().map(|record| (record.value.at, record.id));
            let more = found.len() == MOST as usize;
            all.extend(found.into_iter().map(|record| record.value));
            if !more {
                return Ok(all);
            }
        }
    }

    /// The proposal that waits under this number.
    async fn proposal(&self, id: &AgreementId) -> Result<Option<Record<Proposal>>, Refused> {
        let all = self.registry().kept_named::<Proposal>(id.as_str()).await?;
        Ok(all.into_iter().find(|record| record.value.stand == DraftStand::Proposed))
    }
}

fn view(network: &Network, agreement: Agreement, own: Option<&InstitutionId>, proposed: Option<bool>) -> AgreementView {
    let unsigned = Agreement { signatures: BTreeMap::new(), ..agreement.clone() };
    AgreementView {
        side: own.and_then(|own| side_of(&agreement, own)),
        signed_by: agreement.signatures.keys().copied().collect(),
        complete: agreement.signatures.len() == 2,
        proposed: proposed.is_some(),
        own_proposal: proposed == Some(true),
        document: document(&unsigned),
        sheets: party_sheets(network, &agreement),
        terms: agreement,
    }
}

/// The document to be judged: what the tool wrote, if it is exactly these terms, or one made of certificate and value.
fn brought(found: &AgreementView, form: &SignatureForm) -> Result<String, Refused> {
    let not_this = || Refused::NotThisAgreement { agreement: found.terms.id.to_string() };
    if !form.signed.trim().is_empty() {
        let read = model::parse_document("agreement.toml", &form.signed).map_err(|_| not_this())?;
        let same = |sent: &Agreement| sent.id == found.terms.id && sent.signed_bytes() == found.terms.signed_bytes();
        let only = read.agreements.len() == 1 && read.agreements.iter().all(|a| same(a) && !a.signatures.is_empty());
        return if only { Ok(form.signed.clone()) } else { Err(not_this()) };
    }
    let mut reading = Reading::default();
    let sides = [("consumer", Side::Consumer), ("provider", Side::Provider)];
    let side = match found.side {
        Some(own) if form.side.trim().is_empty() => Some(own),
        _ => reading.one_of(Field::Signed, &form.side, &sides),
    };
    if form.certificate.trim().is_empty() || form.value.trim().is_empty() {
        reading.wrong(Field::Signed, FieldCode::Empty);
    }
    let side = reading.done(side)?;
    let signature = AgreementSignature {
        certificate: form.certificate.trim().to_owned(),
        value: form.value.split_whitespace().collect(),
    };
    Ok(document(&Agreement { signatures: BTreeMap::from([(side, signature)]), ..found.terms.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> AgreementForm {
        AgreementForm {
            agreement: "A-1".into(),
            service: "keyaki/records".into(),
            consumer: String::new(),
            valid_from: "2026-04-01".into(),
            valid_until: "2027-03-31".into(),
        }
    }

    fn fault(form: AgreementForm, own: &str) -> (Field, FieldCode) {
        let no = form.read(&own.parse().unwrap()).unwrap_err();
        assert_eq!(no.faults().len(), 1, "{no:?}");
        (no.faults()[0].field, no.faults()[0].code)
    }

    #[test]
    fn one_of_the_two_proposes_and_days_are_japanese_and_whole() {
        let terms = form().read(&"aoba".parse().unwrap()).unwrap();
        assert_eq!((terms.consumer.as_str(), terms.provider.as_str()), ("aoba", "keyaki"));
        assert_eq!(terms.valid_from.to_string(), "2026-03-31T15:00:00Z");
        assert_eq!(terms.valid_until.to_string(), "2027-03-31T15:00:00Z");
        let offered = AgreementForm { consumer: "aoba".into(), ..form() };
        assert_eq!(offered.read(&"keyaki".parse().unwrap()).unwrap(), terms);
    }

    #[test]
    fn every_wrong_term_is_told_at_its_field() {
        assert_eq!(fault(form(), "keyaki"), (Field::Consumer, FieldCode::Empty), "a provider names the user");
        let own = AgreementForm { consumer: "keyaki".into(), ..form() };
        assert_eq!(fault(own, "keyaki"), (Field::Consumer, FieldCode::Wrong), "with itself");
        let others = AgreementForm { consumer: "aoba".into(), ..form() };
        assert_eq!(fault(others, "midori"), (Field::Service, FieldCode::Wrong), "of two others");
        let back = AgreementForm { valid_until: "2026-03-31".into(), ..form() };
        assert_eq!(fault(back, "aoba"), (Field::ValidUntil, FieldCode::Wrong));
        let word = AgreementForm { valid_from: "tomorrow".into(), ..form() };
        assert_eq!(fault(word, "aoba"), (Field::ValidFrom, FieldCode::Malformed));
        let none = AgreementForm { agreement: "A 1".into(), ..form() };
        assert_eq!(fault(none, "aoba"), (Field::Agreement, FieldCode::Malformed));
    }

    #[test]
    fn only_a_signature_under_exactly_these_terms_goes_on() {
        let terms = form().read(&"aoba".parse().unwrap()).unwrap();
        let found = view(&Network::default(), terms.clone(), Some(&"aoba".parse().unwrap()), Some(true));
        let refused = |form: SignatureForm| match brought(&found, &form).unwrap_err() {
            Refused::NotThisAgreement { .. } => "another",
            no if !no.faults().is_empty() => "fields",
            other => panic!("{other:?}"),
        };
        let signed = |text: String| SignatureForm { signed: text, ..SignatureForm::default() };
        assert_eq!(refused(SignatureForm::default()), "fields");
        assert_eq!(refused(signed("[[".into())), "another");
        assert_eq!(refused(signed(found.document.clone())), "another", "nobody signed it");
        let longer = found.document.replace("2027", "2037");
        let signature = "[agreement.signature.consumer]\ncertificate = \"x\"\nvalue = \"AA==\"\n";
        assert_eq!(refused(signed(format!("{longer}{signature}"))), "another", "other terms");
        assert!(brought(&found, &signed(format!("{}{signature}", found.document))).is_ok());
        let alone =
            SignatureForm { certificate: "x\"\"\"".into(), value: "A A\n==".into(), ..SignatureForm::default() };
        let made = model::parse_document("a", &brought(&found, &alone).unwrap()).unwrap();
        assert_eq!(made.agreements[0].signatures[&Side::Consumer].value, "AA==");
        assert_eq!(made.agreements[0].signed_bytes(), terms.signed_bytes());
    }
}
