//! The qualifications an hcRole text can name (資格).

use std::fmt;

/// National licence (国家資格) or office held in a facility (管理者等).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QualificationKind {
    /// One of the national qualifications.
    National,
    /// Responsible person of a facility; the certificate then names facility and office.
    Administrative,
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Qualification {
    /// The hcRole text, compared as exact UTF-8.
    pub en: &'static str,
    /// Japanese name.
    pub ja: &'static str,
    /// Licence or office.
    pub kind: QualificationKind,
    /// Whether the text was seen in an issued certificate. The others are recalled from published
    /// lists and have to be checked against the certificate policy in force before use.
    pub verified: bool,
}

/// A person's qualification as its certificate states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// In the table.
    Recognised(&'static Qualification),
    /// Well-formed but not in the table: carries no privileges.
    Unrecognised(String),
}

impl Role {
    /// Looks a text up: exact UTF-8, no case folding.
    pub fn from_text(text: &str) -> Self {
        match QUALIFICATIONS.iter().find(|row| row.en == text) {
            Some(row) => Self::Recognised(row),
            None => Self::Unrecognised(text.to_owned()),
        }
    }

    /// The text of the certificate.
    pub fn text(&self) -> &str {
        match self {
            Self::Recognised(row) => row.en,
            Self::Unrecognised(text) => text,
        }
    }

    /// Table row; none for an unrecognised text.
    pub fn qualification(&self) -> Option<&'static Qualification> {
        match self {
            Self::Recognised(row) => Some(row),
            Self::Unrecognised(_) => None,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

const fn national(en: &'static str, ja: &'static str, verified: bool) -> Qualification {
    Qualification { en, ja, kind: QualificationKind::National, verified }
}

const fn office(en: &'static str, ja: &'static str) -> Qualification {
    Qualification { en, ja, kind: QualificationKind::Administrative, verified: false }
}

/// The known qualifications. The system has 27 national ones; three are not in this list.
pub static QUALIFICATIONS: [Qualification; 29] = [
    national("Medical Doctor", "医師", true),
    national("Dentist", "歯科医師", false),
    national("Pharmacist", "薬剤師", true),
    national("Medical Technologist", "臨床検査技師", false),
    national("Radiological Technologist", "診療放射線技師", false),
    national("General Nurse", "看護師", false),
    national("Public Health Nurse", "保健師", false),
    national("Midwife", "助産師", false),
    national("Physical Therapist", "理学療法士", false),
    national("Occupational Therapist", "作業療法士", false),
    national("Orthoptist", "視能訓練士", false),
    national("Speech Therapist", "言語聴覚士", false),
    national("Dental Technician", "歯科技工士", false),
    national("National Registered Dietitian", "管理栄養士", false),
    national("Certified Social Worker", "社会福祉士", false),
    national("Certified Care Worker", "介護福祉士", false),
    national("Emergency Medical Technician", "救急救命士", false),
    national("Psychiatric Social Worker", "精神保健福祉士", false),
    national("Clinical Engineer", "臨床工学技士", false),
    national("Massage and Finger Pressure Practitioner", "あん摩マッサージ指圧師", false),
    national("Acupuncturist", "はり師", false),
    national("Moxibustion Practitioner", "きゅう師", false),
    national("Dental Hygienist", "歯科衛生士", false),
    national("Prosthetics & Orthotics", "義肢装具士", false),
    office("Director of Hospital", "病院長"),
    office("Director of Clinic", "診療所院長"),
    office("Supervisor of Pharmacy", "管理薬剤師"),
    office("Proprietor of Pharmacy", "薬局開設者"),
    office("Director", "その他の保健医療福祉機関の管理責任者"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn texts_are_unique_and_compared_exactly() {
        let texts: BTreeSet<_> = QUALIFICATIONS.iter().map(|row| row.en).collect();
        assert_eq!(texts.len(), QUALIFICATIONS.len());
        assert!(Role::from_text("Medical Doctor").qualification().is_some_and(|row| row.verified));
        assert_eq!(Role::from_text("medical doctor"), Role::Unrecognised("medical doctor".into()));
        assert_eq!(Role::from_text("Medical Doctor "), Role::Unrecognised("Medical Doctor ".into()));
    }
}
