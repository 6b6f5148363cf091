//! The twelve rows of the equipment-security table (NW 機器に係るセキュリティ要件) and how each is answered for a device.

use model::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::DeviceFact;

/// Who has to see to a row (分類).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Technical (技): a function of the device.
    Technical,
    /// Operational (運): how people work.
    Operational,
    /// Of using (利): what parties may rely on.
    Use,
}

impl Class {
    /// Key of its text.
    pub fn key(self) -> &'static str {
        match self {
            Self::Technical => "equipment-class-technical",
            Self::Operational => "equipment-class-operational",
            Self::Use => "equipment-class-use",
        }
    }
}

/// What a machine verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// The maker's signature, by the registration authority's certificate for the maker.
    MakerVerified,
    /// The element's provisional certificate is of the registration authority, for the serial number and key that the
    /// maker named.
    ElementCertified,
    /// The element answered with its provisional key when the first-tier certificate was fetched.
    ElementProved,
    /// [`DeviceFact::IdInElement`].
    IdInElement,
    /// [`DeviceFact::AccessControlled`].
    AccessControlled,
    /// [`DeviceFact::OperatorVerified`].
    OperatorVerified,
    /// [`DeviceFact::PermitsVerified`].
    PermitsVerified,
    /// [`DeviceFact::ApplicationsPermitted`].
    ApplicationsPermitted,
}

impl Evidence {
    /// All of it.
    pub const ALL: [Self; 8] = [
        Self::MakerVerified,
        Self::ElementCertified,
        Self::ElementProved,
        Self::IdInElement,
        Self::AccessControlled,
        Self::OperatorVerified,
        Self::PermitsVerified,
        Self::ApplicationsPermitted,
    ];

    /// Its stable name; `equipment-evidence-<name>` is the key of its text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MakerVerified => "maker-verified",
            Self::ElementCertified => "element-certified",
            Self::ElementProved => "element-proved",
            Self::IdInElement => "id-in-element",
            Self::AccessControlled => "access-controlled",
            Self::OperatorVerified => "operator-verified",
            Self::PermitsVerified => "permits-verified",
            Self::ApplicationsPermitted => "applications-permitted",
        }
    }
}

impl From<DeviceFact> for Evidence {
    fn from(fact: DeviceFact) -> Self {
        match fact {
            DeviceFact::IdInElement => Self::IdInElement,
            DeviceFact::AccessControlled => Self::AccessControlled,
            DeviceFact::OperatorVerified => Self::OperatorVerified,
            DeviceFact::PermitsVerified => Self::PermitsVerified,
            DeviceFact::ApplicationsPermitted => Self::ApplicationsPermitted,
        }
    }
}

/// What a person's word is good for in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonMay {
    /// Nothing: the row asks for a function, and only a machine shows that it works.
    Never,
    /// It answers where evidence is missing, for example for an element without a provisional certificate.
    Instead,
    /// It is needed, beside the evidence: the row asks how people work.
    Besides,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// 1 to 12; `equipment-row-<number>` is the key of its text.
    pub number: u8,
    /// Its class or classes.
    pub classes: &'static [Class],
    /// What answers it, all of it together.
    pub evidence: &'static [Evidence],
    /// What a person's word is good for.
    pub person: PersonMay,
}

use Class::{Operational, Technical, Use};

const fn row(number: u8, classes: &'static [Class], evidence: &'static [Evidence], person: PersonMay) -> Row {
    Row { number, classes, evidence, person }
}

/// The table.
pub const ROWS: [Row; 12] = [
    row(1, &[Operational], &[Evidence::ElementCertified], PersonMay::Instead),
    row(2, &[Use], &[Evidence::MakerVerified], PersonMay::Besides),
    row(3, &[Technical, Operational], &[Evidence::IdInElement], PersonMay::Instead),
    row(4, &[Operational], &[Evidence::ElementCertified, Evidence::ElementProved], PersonMay::Instead),
    // A stolen element is named by no maker, and a swapped or forged one cannot answer with the key that was named.
    row(5, &[Technical, Operational], &[Evidence::MakerVerified, Evidence::ElementProved], PersonMay::Instead),
    row(6, &[Operational], &[Evidence::ElementProved], PersonMay::Instead),
    row(7, &[Technical, Operational], &[Evidence::AccessControlled], PersonMay::Instead),
    row(8, &[Operational], &[], PersonMay::Besides),
    row(9, &[Use], &[Evidence::ApplicationsPermitted], PersonMay::Instead),
    row(10, &[Technical], &[Evidence::OperatorVerified], PersonMay::Never),
    row(11, &[Technical, Operational], &[Evidence::MakerVerified], PersonMay::Never),
    row(12, &[Technical], &[Evidence::PermitsVerified], PersonMay::Never),
];

impl Row {
    /// A row by its number.
    pub fn numbered(number: u8) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.number == number)
    }

    /// Key of its short name; what it asks for has `-asks` behind it.
    pub fn key(&self) -> String {
        format!("equipment-row-{}", self.number)
    }
}

/// What a person said, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HumanAnswer {
    /// Account of who answered.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What it rests on: a contract, a delivery note, an inspection.
    pub evidence: String,
}

/// What is known of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EquipmentRecord {
    /// What was verified, and when last.
    pub evidence: BTreeMap<Evidence, Timestamp>,
    /// What people said, by number of the row.
    pub answers: BTreeMap<u8, HumanAnswer>,
    /// When the newest report of the device was made.
    #[serde(default)]
    pub reported_at: Option<Timestamp>,
}

/// How a row stands for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowAnswer {
    /// Machines verified everything it asks for.
    Proved {
        /// What was verified.
        evidence: Vec<(Evidence, Timestamp)>,
    },
    /// A person answered it.
    Told {
        /// Who, when, what it rests on.
        answer: HumanAnswer,
        /// What was verified besides.
        evidence: Vec<(Evidence, Timestamp)>,
    },
    /// Not answered.
    Open {
        /// What was verified so far.
        evidence: Vec<(Evidence, Timestamp)>,
        /// What was not.
        missing: Vec<Evidence>,
        /// A person may, or has to, answer it.
        person: bool,
    },
}

impl RowAnswer {
    /// Not answered?
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// How each of the twelve rows stands, in order.
pub fn answers(record: &EquipmentRecord) -> [RowAnswer; 12] {
    ROWS.map(|row| answer(&row, record))
}

fn answer(row: &Row, record: &EquipmentRecord) -> RowAnswer {
    let evidence: Vec<_> =
        row.evidence.iter().filter_map(|wanted| Some((*wanted, *record.evidence.get(wanted)?))).collect();
    let missing: Vec<_> = row.evidence.iter().copied().filter(|e| !record.evidence.contains_key(e)).collect();
    let told = record.answers.get(&row.number).cloned();
    let complete = missing.is_empty();
    match (row.person, told) {
        (PersonMay::Never | PersonMay::Instead, _) if complete => RowAnswer::Proved { evidence },
        (PersonMay::Instead, Some(answer)) => RowAnswer::Told { answer, evidence },
        (PersonMay::Besides, Some(answer)) if complete => RowAnswer::Told { answer, evidence },
        (PersonMay::Never, _) => RowAnswer::Open { evidence, missing, person: false },
        (PersonMay::Instead, None) => RowAnswer::Open { evidence, missing, person: true },
        (PersonMay::Besides, told) => RowAnswer::Open { evidence, missing, person: told.is_none() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn said(at: i64) -> HumanAnswer {
        HumanAnswer { by: "op".into(), at: Timestamp(at), evidence: "delivery note 7".into() }
    }

    fn open(record: &EquipmentRecord) -> Vec<u8> {
        ROWS.iter().zip(answers(record)).filter(|(_, answer)| answer.is_open()).map(|(row, _)| row.number).collect()
    }

    #[test]
    fn rows_are_numbered_and_every_evidence_answers_something() {
        assert_eq!(ROWS.map(|row| row.number), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        let used: BTreeSet<Evidence> = ROWS.iter().flat_map(|row| row.evidence).copied().collect();
        assert_eq!(used, Evidence::ALL.into_iter().collect());
        for row in &ROWS {
            assert!(
                !row.evidence.is_empty() || row.person == PersonMay::Besides,
                "nothing could answer {}",
                row.number
            );
        }
    }

    #[test]
    fn machines_answer_ten_rows_and_people_the_two_that_only_people_know() {
        let mut record = EquipmentRecord::default();
        assert_eq!(open(&record), (1..=12).collect::<Vec<u8>>());
        record.evidence = Evidence::ALL.into_iter().map(|e| (e, Timestamp(1))).collect();
        assert_eq!(open(&record), [2, 8]);
        record.answers = [(2, said(2)), (8, said(2))].into();
        assert!(open(&record).is_empty());
    }

    #[test]
    fn an_element_without_a_provisional_certificate_leaves_rows_to_people() {
        let known =
            Evidence::ALL.into_iter().filter(|e| ![Evidence::ElementCertified, Evidence::ElementProved].contains(e));
        let mut record = EquipmentRecord {
            evidence: known.map(|e| (e, Timestamp(1))).collect(),
            answers: BTreeMap::new(),
            reported_at: None,
        };
        assert_eq!(open(&record), [1, 2, 4, 5, 6, 8]);
        record.answers = [1, 2, 4, 5, 6, 8].map(|n| (n, said(3))).into();
        assert!(open(&record).is_empty());
    }

    #[test]
    fn nobodys_word_stands_for_a_function() {
        let record =
            EquipmentRecord { answers: (1..=12).map(|n| (n, said(1))).collect(), ..EquipmentRecord::default() };
        // Row 2 needs the maker verified besides.
        assert_eq!(open(&record), [2, 10, 11, 12]);
    }

    proptest! {
        #[test]
        fn more_evidence_never_opens_a_row(have: [bool; 8], told: [bool; 12], more in 0usize..8) {
            let mut record = EquipmentRecord {
                evidence: Evidence::ALL.into_iter().zip(have).filter(|(_, h)| *h).map(|(e, _)| (e, Timestamp(1))).collect(),
                answers: (1u8..).zip(told).filter(|(_, t)| *t).map(|(n, _)| (n, said(1))).collect(),
                reported_at: None,
            };
            let before = open(&record);
            record.evidence.insert(Evidence::ALL[more], Timestamp(2));
            prop_assert!(open(&record).iter().all(|n| before.contains(n)));
        }
    }
}
