//! Why something was not registered: code, whose side, remedy (N12).

use joining::{FieldFault, StepFault};
use model::{CheckItem, InstitutionId, Network, Section, Site, SiteId};
use registry::RegistryError;
use std::collections::BTreeMap;
use texts::{Arg, Reason};

/// Why a use case refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// As joining refuses: fields, who may, what changed meanwhile.
    Joining(reception::Refused),
    /// Policy, its checks and its proofs refused the documents.
    Policy(connections::Refused),
    /// The same of a file that an operator brings: what is wrong in it is the operator's.
    Import(connections::Refused),
    /// Not the file that was tried, or something else was applied since.
    NotTried,
    /// The authorities refused.
    Issuing(issuing::Refused),
    /// Another institution has this id in the network, or it is in the network already.
    NameTaken {
        /// The id.
        name: String,
    },
    /// The institution has no id in the network yet.
    NoName,
    /// The institution is not in the network yet: no operator has taken in a site of it.
    NotInNetwork,
    /// There is such a site, or one is proposed.
    SiteTaken {
        /// Its id.
        site: String,
    },
    /// Nothing of this name is there, or it is there already.
    Part {
        /// `site/host`, a service, a line.
        part: String,
        /// Is it there already?
        there: bool,
    },
    /// This center issues no certificates.
    NoAuthority,
    /// An agreement of this number is known.
    AgreementTaken {
        /// Its number.
        agreement: String,
    },
    /// Only who proposed it may withdraw it; only the other side may reject it.
    NotYourTurn,
    /// What was brought is no signature under this agreement.
    NotThisAgreement {
        /// Its number.
        agreement: String,
    },
    /// The site's checksheet passes, and with these answers it would not; lines of the site would end.
    SheetWouldEnd {
        /// The site.
        site: SiteId,
        /// What would not be met.
        items: Vec<CheckItem>,
    },
    /// So much waits already that nothing more is taken.
    TooManyWait {
        /// How much that is.
        most: u32,
    },
}

impl Refused {
    /// Every reason; at least one.
    pub fn reasons(&self) -> Vec<Reason> {
        let own = |code: &str, section, key: &str, args: Vec<(&str, &String)>| {
            let args =
                args.into_iter().map(|(name, text)| (name.to_owned(), Arg::text(text))).collect::<BTreeMap<_, _>>();
            vec![Reason {
                code: code.to_owned(),
                section,
                key: format!("registration-refused-{key}"),
                note: None,
                args,
            }]
        };
        match self {
            Self::Joining(no) => vec![no.reason()],
            Self::Policy(no) => no.reasons.iter().cloned().map(ones_own).collect(),
            Self::Import(no) => no.reasons.clone(),
            Self::NotTried => own("J113", Section::Operator, "not-tried", vec![]),
            Self::Issuing(no) => vec![no.reason()],
            Self::NameTaken { name } => own("J101", Section::InHouseLan, "name-taken", vec![("name", name)]),
            Self::NoName => own("J102", Section::InHouseLan, "no-name", vec![]),
            Self::NotInNetwork => own("J103", Section::Operator, "not-in-network", vec![]),
            Self::SiteTaken { site } => own("J104", Section::InHouseLan, "site-taken", vec![("site", site)]),
            Self::Part { part, there: false } => own("J105", Section::InHouseLan, "no-part", vec![("part", part)]),
            Self::Part { part, there: true } => own("J106", Section::InHouseLan, "part-there", vec![("part", part)]),
            Self::NoAuthority => own("J107", Section::Operator, "no-authority", vec![]),
            Self::AgreementTaken { agreement } => {
                own("J108", Section::InHouseLan, "agreement-taken", vec![("agreement", agreement)])
            }
            Self::NotYourTurn => own("J109", Section::Peer, "not-your-turn", vec![]),
            Self::NotThisAgreement { agreement } => {
                own("J110", Section::InHouseLan, "not-this-agreement", vec![("agreement", agreement)])
            }
            Self::SheetWouldEnd { site, items } => {
                let args = [("site", Arg::text(site)), ("items", Arg::List(items.iter().map(Arg::text).collect()))];
                let args = args.map(|(name, value)| (name.to_owned(), value)).into();
                let key = "registration-refused-sheet-would-end".to_owned();
                vec![Reason { code: "J114".to_owned(), section: Section::InHouseLan, key, note: None, args }]
            }
            Self::TooManyWait { most } => {
                own("J112", Section::InHouseLan, "too-many-wait", vec![("most", &most.to_string())])
            }
        }
    }

    /// What is wrong with the fields of a form, if that is why.
    pub fn faults(&self) -> &[FieldFault] {
        match self {
            Self::Joining(reception::Refused::Fields(faults)) => faults,
            _ => &[],
        }
    }

    /// HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Self::Joining(no) => no.status(),
            Self::Policy(no) | Self::Import(no) => no
                .reasons
                .first()
                .and_then(|reason| connections::Trouble::from_code(&reason.code))
                .map_or(409, connections::Trouble::status),
            Self::Issuing(_) | Self::NoAuthority => 503,
            Self::NameTaken { .. }
            | Self::NoName
            | Self::NotInNetwork
            | Self::SiteTaken { .. }
            | Self::AgreementTaken { .. }
            | Self::NotYourTurn
            | Self::NotTried
            | Self::SheetWouldEnd { .. }
            | Self::TooManyWait { .. } => 409,
            Self::Part { there: false, .. } => 404,
            Self::Part { there: true, .. } => 409,
            Self::NotThisAgreement { .. } => 422,
        }
    }

    pub(crate) fn no_such() -> Self {
        Self::Joining(reception::Refused::NoSuch)
    }

    pub(crate) fn changed() -> Self {
        Self::Joining(reception::Refused::Changed)
    }

    /// What policy refuses, as one institution may read it: a reason that tells of another institution's sites says
    /// only which of its own values is taken. Operators read everything.
    pub(crate) fn told(mut no: connections::Refused, network: &Network, own: Option<&InstitutionId>) -> Self {
        let Some(own) = own else { return Self::Policy(no) };
        for reason in &mut no.reasons {
            let text = |name: &str| match reason.args.get(name) {
                Some(Arg::Text(text)) => text.as_str(),
                _ => "",
            };
            let theirs = |site: &Site| site.institution != *own;
            let sites = text(connections::SITES).split_whitespace().filter_map(|id| id.parse::<SiteId>().ok());
            if sites.into_iter().any(|site| network.sites.get(&site).is_some_and(theirs)) {
                let what = match text(connections::CLASH) {
                    "" => "other",
                    clash => clash,
                };
                *reason = Reason {
                    code: "J111".into(),
                    section: Section::InHouseLan,
                    key: "registration-refused-taken".into(),
                    note: None,
                    args: BTreeMap::from([("what".to_owned(), Arg::text(what))]),
                };
            }
        }
        Self::Policy(no)
    }

    /// Something else was applied at the same time: worth another try.
    pub(crate) fn is_meanwhile(&self) -> bool {
        let code = connections::Trouble::AppliedMeanwhile.code();
        matches!(self, Self::Policy(no) if no.reasons.iter().all(|reason| reason.code == code))
    }
}

/// A document that does not fit was put together from what the institution typed: it is theirs to mend, not the
/// operator's.
fn ones_own(mut reason: Reason) -> Reason {
    if reason.code == connections::Trouble::DocumentWrong.code() {
        reason.section = Section::InHouseLan;
    }
    reason
}

impl From<reception::Refused> for Refused {
    fn from(no: reception::Refused) -> Self {
        Self::Joining(no)
    }
}

impl From<connections::Refused> for Refused {
    fn from(no: connections::Refused) -> Self {
        Self::Policy(no)
    }
}

impl From<issuing::Refused> for Refused {
    fn from(no: issuing::Refused) -> Self {
        Self::Issuing(no)
    }
}

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        Self::Joining(error.into())
    }
}

impl From<StepFault> for Refused {
    fn from(fault: StepFault) -> Self {
        Self::Joining(fault.into())
    }
}

impl From<Vec<FieldFault>> for Refused {
    fn from(faults: Vec<FieldFault>) -> Self {
        Self::Joining(faults.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use texts::{Lang, Texts};

    #[test]
    fn every_refusal_says_whose_side_and_what_to_do_in_both_languages_n12_x5() {
        let text = || "x".to_owned();
        let all = [
            Refused::NameTaken { name: text() },
            Refused::NoName,
            Refused::NotInNetwork,
            Refused::SiteTaken { site: text() },
            Refused::Part { part: text(), there: false },
            Refused::Part { part: text(), there: true },
            Refused::NoAuthority,
            Refused::AgreementTaken { agreement: text() },
            Refused::NotYourTurn,
            Refused::NotThisAgreement { agreement: text() },
            taken("10.2.20.0/24", Some("aoba")),
            Refused::TooManyWait { most: 1 },
            Refused::NotTried,
        ];
        let codes: Vec<String> = all.iter().map(|no| no.reasons()[0].code.clone()).collect();
        assert_eq!(codes, (101..=113).map(|n| format!("J{n}")).collect::<Vec<_>>());
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for reason in all.iter().flat_map(Refused::reasons) {
                assert!(texts.has(&reason.key) && texts.has(&reason.remedy_key()), "{lang}: {}", reason.key);
            }
        }
        assert!(all.iter().all(|no| (400..=503).contains(&no.status())));
    }

    /// As policy refuses a prefix of the clinic that is the hospital's, told to somebody.
    fn taken(prefix: &str, reader: Option<&str>) -> Refused {
        let documents = [
            include_str!("../../../core/model/tests/documents/hospital.toml").to_owned(),
            include_str!("../../../core/model/tests/documents/clinic.toml").replace("10.1.20.0/24", prefix),
        ];
        let [hospital, clinic] = documents.map(|text| model::parse_document("a.toml", &text).unwrap());
        let network = Network::default().with(&[hospital]).unwrap();
        let faults = network.with(&[clinic]).unwrap_err();
        let reason = |fault: model::NetworkError| {
            let sites: Vec<String> = fault.sites.iter().map(ToString::to_string).collect();
            let clash = fault.fault.clash().map(|clash| clash.as_str().to_owned()).unwrap_or_default();
            let mut reason = connections::Trouble::fault(fault.place, &fault.fault);
            reason.args.insert(connections::SITES.into(), Arg::Text(sites.join(" ")));
            reason.args.insert(connections::CLASH.into(), Arg::Text(clash));
            reason
        };
        let overlap = faults.into_iter().filter(|fault| fault.fault.clash() == Some(model::Clash::Prefix));
        let no = connections::Refused::because(overlap.map(reason).collect());
        Refused::told(no, &network, reader.map(|id| id.parse().unwrap()).as_ref())
    }

    #[test]
    fn what_is_anothers_is_told_to_them_and_to_operators_only() {
        let said = |no: &Refused| format!("{:?}", no.reasons());
        // Whichever of the two comes first in the order of addresses: the fault names both.
        for prefix in ["10.2.20.0/24", "10.2.20.0/25", "10.2.0.0/16"] {
            let applicant = taken(prefix, Some("aoba"));
            assert!(!said(&applicant).contains("hospital") && !said(&applicant).contains("ward"), "{applicant:?}");
            assert!(applicant.reasons().iter().all(|reason| reason.code == "J111"));
            let operator = taken(prefix, None);
            assert!(said(&operator).contains("hospital") && operator.reasons()[0].code == "O009");
        }
        // The hospital reads what is its own; the clinic is not in the network yet.
        assert!(said(&taken("10.2.20.0/24", Some("keyaki"))).contains("hospital"));
    }
}
