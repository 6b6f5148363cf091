//! The checksheet of a site (G11): answered by its institution, read by it and by operators, and what two institutions
//! that agree are told of each other's (items 1-1-x, G12).

use audit::Event;
use checksheet::{Examined, Judged, Sheet, Verdict, examine, judge, judge_answers, peer_item};
use joining::{Field, FieldCode, FieldFault, text};
use model::{
    Agreement, CheckAnswer, CheckItem, CheckSay, Checksheet, Document, InstitutionId, LocalizedName, Network, Side,
    Site, SiteId, SiteModel, Timestamp, write_document,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{Refused, Registration, Who};

/// Answers, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksheetForm {
    /// The version that was seen.
    pub version: String,
    /// What is said to each item that a person is asked; an item left out is not answered.
    pub answers: BTreeMap<CheckItem, AnswerForm>,
    /// A sheet that passes may stop passing by this, and lines of the site end: whoever answers knows.
    #[serde(default)]
    pub may_end: bool,
}

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerForm {
    /// `yes`, `no`, `does-not-apply`; nothing for no answer.
    pub answer: String,
    /// What it rests on; the reason, if it does not apply.
    pub evidence: String,
}

/// A site's checksheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksheetView {
    /// The site.
    pub site: SiteId,
    /// Its name; its id if it has none.
    pub name: LocalizedName,
    /// Its institution.
    pub institution: InstitutionId,
    /// Changes with every answer: a form sends it back, so that nobody answers over what they have not seen.
    pub version: String,
    /// Item by item, and what it comes to.
    pub examined: Examined,
    /// May who asks answer it?
    pub may_answer: bool,
    /// The document it is.
    pub document: String,
}

/// What one side of an agreement is told, and tells, of checksheets (items 1-1-x): numbers, and no names of sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartySheets {
    /// Whose sites.
    pub side: Side,
    /// Items of the other side's sheets that this answers.
    pub items: BTreeSet<CheckItem>,
    /// Sites of this side that the agreement is about.
    pub sites: usize,
    /// How many of them pass their own sheet.
    pub passing: usize,
}

impl PartySheets {
    /// Do all pass, and is there any?
    pub fn pass(&self) -> bool {
        self.sites > 0 && self.passing == self.sites
    }
}

impl ChecksheetForm {
    /// What a page brings: `answer-2-3-1`, `evidence-2-3-1`, `version`, `may-end`. Of other fields nothing is taken.
    pub fn of_fields(fields: &BTreeMap<String, String>) -> Self {
        let version = fields.get("version").cloned().unwrap_or_default();
        let mut form = Self { version, may_end: fields.contains_key("may-end"), ..Self::default() };
        for (name, value) in fields {
            let Some((what, item)) = name.split_once('-') else { continue };
            let Ok(item) = item.parse::<CheckItem>() else { continue };
            match what {
                "answer" => form.answers.entry(item).or_default().answer.clone_from(value),
                "evidence" => form.answers.entry(item).or_default().evidence.clone_from(value),
                _ => {}
            }
        }
        form
    }

    /// What is wrong with each item.
    pub fn faults(&self, model: SiteModel) -> BTreeMap<CheckItem, FieldFault> {
        let read = |(item, form): (&CheckItem, &AnswerForm)| form.read(*item, model).err().map(|fault| (*item, fault));
        self.answers.iter().filter_map(read).collect()
    }

    /// The sheet they make. An answer that stays as it was stays whose and when it was.
    fn read(
        &self,
        site: &Site,
        before: Option<&Checksheet>,
        by: &str,
        at: Timestamp,
    ) -> Result<Checksheet, Vec<FieldFault>> {
        let faults: Vec<FieldFault> = self.faults(site.model).into_values().collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let before = before.filter(|before| before.model == site.model);
        let mut answers = BTreeMap::new();
        for (item, form) in &self.answers {
            let Ok(Some((answer, evidence))) = form.read(*item, site.model) else { continue };
            let kept = before.and_then(|before| before.answers.get(item));
            let kept = kept.filter(|kept| (kept.answer, &kept.evidence) == (answer, &evidence));
            let new = || CheckAnswer { answer, by: by.to_owned(), at, evidence: evidence.clone() };
            answers.insert(*item, kept.cloned().unwrap_or_else(new));
        }
        let edition = Sheet::of(site.model).edition;
        Ok(Checksheet { site: site.id.clone(), model: site.model, edition, answers })
    }
}

impl AnswerForm {
    fn read(&self, item: CheckItem, model: SiteModel) -> Result<Option<(CheckSay, String)>, FieldFault> {
        let wrong = |field, code| Err(FieldFault::new(field, code));
        let said = self.answer.trim();
        if said.is_empty() {
            return Ok(None);
        }
        let asked = Sheet::of(model).item(item).map(|item| item.judged);
        let Some(Judged::Person { .. }) = asked else { return wrong(Field::Answer, FieldCode::Unknown) };
        let Some(say) = CheckSay::ALL.into_iter().find(|say| say.as_str() == said) else {
            return wrong(Field::Answer, FieldCode::Unknown);
        };
        if self.evidence.trim().is_empty() {
            return if say == CheckSay::DoesNotApply {
                wrong(Field::Evidence, FieldCode::Empty)
            } else {
                Ok(Some((say, String::new())))
            };
        }
        Ok(Some((say, text(Field::Evidence, &self.evidence)?)))
    }
}

impl Registration {
    /// The checksheet of a site.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Registry`.
    pub async fn checksheet(&self, who: Who<'_>, site: &SiteId) -> Result<ChecksheetView, Refused> {
        who.see()?;
        let network = connections::applied_network(&self.center).await;
        let site = self.own(who, &network, site).await?;
        let examined = examine(&network, &site.id).ok_or_else(Refused::no_such)?;
        let document = written(network.checksheets.get(&site.id));
        let id = site.id.to_string();
        Ok(ChecksheetView {
            site: site.id.clone(),
            name: site.name.clone().unwrap_or_else(|| LocalizedName { ja: id.clone(), en: id }),
            institution: site.institution.clone(),
            version: crate::site::version(&document),
            examined,
            may_answer: may_answer(who),
            document,
        })
    }

    /// Answers it, whole: what is left out is not answered, which is how a draft is kept. Who answered each item, and
    /// when, is recorded here. Lines of a site that no longer passes end with it, so that is asked for by name.
    ///
    /// # Errors
    /// `MayNot` also for operators: the answers are the institution's own. `NoSuch`, `Changed`, `Fields`,
    /// `SheetWouldEnd`, `Policy`, `Registry`.
    pub async fn answer_checksheet(
        &self,
        who: Who<'_>,
        site: &SiteId,
        form: &ChecksheetForm,
    ) -> Result<ChecksheetView, Refused> {
        if !may_answer(who) {
            return Err(reception::Refused::MayNot.into());
        }
        let own = self.reads(who).await?;
        let mut last = Refused::changed();
        for _ in 0..Self::TRIES {
            let network = connections::applied_network(&self.center).await;
            let found = self.own(who, &network, site).await?;
            let before = network.checksheets.get(site);
            if crate::site::version(&written(before)) != form.version.trim() {
                return Err(Refused::changed());
            }
            let sheet = form.read(found, before, &who.name(), self.now())?;
            if before == Some(&sheet) {
                return self.checksheet(who, site).await;
            }
            if !form.may_end
                && judge(&network, site).passes()
                && let Verdict::Lacks(items) = judge_answers(&network, found, &sheet)
            {
                return Err(Refused::SheetWouldEnd { site: site.clone(), items });
            }
            let event = Event::SiteChanged { site: site.clone(), by: who.name(), what: what(before, &sheet) };
            let document = (format!("{site}-checksheet.toml"), written(Some(&sheet)));
            let beside = who.commit(self.now()).event(event);
            match connections::apply_from(&self.center, &network, vec![document], who.name(), beside).await {
                Ok(_) => return self.checksheet(who, site).await,
                Err(no) => last = Refused::told(no, &network, own.as_ref()),
            }
            if !last.is_meanwhile() {
                return Err(last);
            }
        }
        Err(last)
    }
}

/// An institution answers for itself; what an operator applies as a document names who answered.
fn may_answer(who: Who<'_>) -> bool {
    matches!(who, Who::Member(_)) && who.may_change()
}

fn written(sheet: Option<&Checksheet>) -> String {
    let document = Document { checksheet: sheet.cloned(), ..Document::default() };
    write_document(&document).expect("nouns are JSON")
}

/// For the log: which items were answered anew, and which answers were taken back.
fn what(before: Option<&Checksheet>, after: &Checksheet) -> String {
    let none = BTreeMap::new();
    let before = before.map_or(&none, |sheet| &sheet.answers);
    let changed = after.answers.iter().filter(|(item, answer)| before.get(item) != Some(answer));
    let mut all: Vec<String> = changed.map(|(item, answer)| format!("{item} {}", answer.answer.as_str())).collect();
    all.extend(before.keys().filter(|item| !after.answers.contains_key(item)).map(|item| format!("{item} -")));
    format!("checksheet: {}", all.join(", "))
}

/// What each side of an agreement is told of the other's sheets. The provider's is the site of the service; the
/// consumer's are those whose whitelist names it, or all it has while none does.
pub(crate) fn party_sheets(network: &Network, agreement: &Agreement) -> Vec<PartySheets> {
    let provider: Vec<&Site> = network
        .services
        .get(&agreement.service)
        .and_then(|service| network.sites.get(&service.host.site))
        .into_iter()
        .collect();
    let theirs: Vec<&Site> = network.sites.values().filter(|site| site.institution == agreement.consumer).collect();
    let names = |site: &&&Site| site.allow.iter().any(|rule| rule.service == agreement.service);
    let mut consumer: Vec<&Site> = theirs.iter().filter(names).copied().collect();
    if consumer.is_empty() {
        consumer = theirs;
    }
    let of = |side, own: &[&Site], others: &[&Site]| PartySheets {
        side,
        items: own.iter().flat_map(|own| others.iter().filter_map(|o| peer_item(o.model, own.model))).collect(),
        sites: own.len(),
        passing: own.iter().filter(|site| judge(network, &site.id).passes()).count(),
    };
    vec![of(Side::Consumer, &consumer, &provider), of(Side::Provider, &provider, &consumer)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLINIC: &str = include_str!("../../../core/model/tests/documents/clinic.toml");
    const HOSPITAL: &str = include_str!("../../../core/model/tests/documents/hospital.toml");

    fn network() -> Network {
        let documents = [CLINIC, HOSPITAL].map(|text| model::parse_document("d.toml", text).unwrap());
        Network::default().with(&documents).unwrap()
    }

    fn site(id: &str) -> SiteId {
        id.parse().unwrap()
    }

    fn item(id: &str) -> CheckItem {
        id.parse().unwrap()
    }

    fn form(fields: &[(&str, &str)]) -> ChecksheetForm {
        ChecksheetForm::of_fields(&fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn an_answer_that_stays_stays_whose_and_when_it_was_g11() {
        let network = network();
        let (clinic, before) = (&network.sites[&site("clinic")], &network.checksheets[&site("clinic")]);
        let was = &before.answers[&item("3-4-2")];
        let form = form(&[
            ("answer-3-4-2", "yes"),
            ("evidence-3-4-2", &was.evidence),
            ("answer-3-1-1", "no"),
            ("answer-3-6-1", ""),
            ("evidence-3-6-1", "not yet"),
            ("unrelated", "x"),
        ]);
        let after = form.read(clinic, Some(before), "10000009", Timestamp(7)).unwrap();
        assert_eq!(after.answers.len(), 2, "what is left out is not answered");
        assert_eq!(&after.answers[&item("3-4-2")], was);
        let new = &after.answers[&item("3-1-1")];
        assert_eq!((new.answer, new.by.as_str(), new.at), (CheckSay::No, "10000009", Timestamp(7)));
        let what = what(Some(before), &after);
        assert!(what.contains("3-1-1 no") && what.contains("3-6-1 -") && !what.contains("3-4-2"), "{what}");
    }

    #[test]
    fn a_wrong_answer_is_told_at_its_item() {
        let long = "x".repeat(5000);
        let form = form(&[
            ("answer-3-4-1", "does-not-apply"),
            ("answer-3-4-2", "perhaps"),
            ("answer-2-2-1", "yes"),
            ("answer-9-9-9", "yes"),
            ("answer-3-6-1", "yes"),
            ("evidence-3-6-1", &long),
            ("answer-3-1-1", "yes"),
        ]);
        let faults = form.faults(SiteModel::Small);
        let told: Vec<_> = faults.iter().map(|(item, f)| (item.to_string(), f.field, f.code)).collect();
        let expected = [
            ("2-2-1", Field::Answer, FieldCode::Unknown),
            ("3-4-1", Field::Evidence, FieldCode::Empty),
            ("3-4-2", Field::Answer, FieldCode::Unknown),
            ("3-6-1", Field::Evidence, FieldCode::TooLong),
            ("9-9-9", Field::Answer, FieldCode::Unknown),
        ];
        assert_eq!(told, expected.map(|(item, field, code)| (item.to_owned(), field, code)));
        let network = network();
        assert_eq!(form.read(&network.sites[&site("clinic")], None, "1", Timestamp(0)).unwrap_err().len(), 5);
    }

    #[test]
    fn each_side_of_an_agreement_is_told_whether_the_other_passes_g12() {
        let mut network = network();
        let agreement = Agreement {
            id: "A-1".parse().unwrap(),
            consumer: "aoba".parse().unwrap(),
            provider: "keyaki".parse().unwrap(),
            service: "keyaki/records".parse().unwrap(),
            valid_from: Timestamp(0),
            valid_until: Timestamp(1),
            signatures: BTreeMap::new(),
        };
        let told = |network: &Network| -> Vec<(bool, Vec<String>)> {
            let all = party_sheets(network, &agreement);
            all.iter().map(|one| (one.pass(), one.items.iter().map(ToString::to_string).collect())).collect()
        };
        // The clinic answers item 1-1-3 of the hospital's sheet, the hospital 1-1-1 of the clinic's.
        assert_eq!(told(&network), [(true, vec!["1-1-3".to_owned()]), (true, vec!["1-1-1".to_owned()])]);
        network.checksheets.remove(&site("hospital"));
        assert!(!told(&network)[1].0);
        network.checksheets.get_mut(&site("clinic")).unwrap().answers.clear();
        assert!(!told(&network)[0].0);
        network.sites.remove(&site("clinic"));
        assert_eq!(told(&network)[0], (false, vec![]), "no site, nothing passes");
    }
}
