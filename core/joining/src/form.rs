//! The forms of the two applications: as they were typed, and as they may be believed (R2, R3).

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::phone::extension;
use crate::search::half_width;
use crate::{Field, FieldCode, FieldFault, InstitutionId, MailAddress, MailFault, Prefecture, phone};

/// 利用仮申請, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailForm {
    /// The address.
    pub mail: String,
    /// The address once more.
    pub again: String,
}

impl MailForm {
    /// The address, if it is one to apply with and was typed twice alike.
    ///
    /// # Errors
    /// Every fault there is.
    pub fn check(&self) -> Result<MailAddress, Vec<FieldFault>> {
        let mail = mail(Field::Mail, &self.mail);
        let again = half_width(self.again.trim());
        let mut faults = Vec::new();
        if again.is_empty() {
            faults.push(FieldFault::new(Field::MailAgain, FieldCode::Empty));
        } else if !half_width(self.mail.trim()).eq_ignore_ascii_case(&again) {
            faults.push(FieldFault::new(Field::MailAgain, FieldCode::NotTheSame));
        }
        match mail {
            Ok(mail) if faults.is_empty() => Ok(mail),
            Ok(_) => Err(faults),
            Err(fault) => {
                faults.insert(0, fault);
                Err(faults)
            }
        }
    }
}

/// A mail address out of a field.
pub(crate) fn mail(field: Field, text: &str) -> Result<MailAddress, FieldFault> {
    MailAddress::parse(text).map_err(|fault| match fault {
        MailFault::Empty => FieldFault::new(field, FieldCode::Empty),
        MailFault::TooLong => FieldFault { field, code: FieldCode::TooLong, limit: Some(254) },
        MailFault::Malformed => FieldFault::new(field, FieldCode::Malformed),
        MailFault::Mobile(_) => FieldFault::new(field, FieldCode::Mobile),
    })
}

/// Which institution applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstitutionChoice {
    /// One of the directory.
    Listed(InstitutionId),
    /// 該当の施設なし: its name as the applicant writes it; the operator finds out with the prefecture's office.
    NotListed(String),
}

/// 利用本申請, as typed. The tenth field of the procedure's table, the mail address, comes from the provisional
/// application and cannot be typed here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullForm {
    /// 都道府県: its number.
    pub prefecture: String,
    /// Number of the chosen institution in the directory; empty for one that is not listed.
    pub institution: String,
    /// Name of an institution that is not listed; empty for one that is.
    pub not_listed: String,
    /// 施設管理者氏名.
    pub head: String,
    /// 施設管理者氏名（全角フリカナ）.
    pub head_kana: String,
    /// 申請者氏名.
    pub applicant: String,
    /// 申請者氏名（全角フリカナ）.
    pub applicant_kana: String,
    /// 施設内部署; 「なし」 if there is none.
    pub department: String,
    /// 施設内役職; 「なし」 if there is none.
    pub post: String,
    /// 施設代表電話番号.
    pub phone: String,
    /// 内線番号.
    pub extension: String,
    /// 利用規約に同意する.
    pub consent: bool,
}

/// 利用本申請, checked. That the institution is in the directory, and in that prefecture, is for who has the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullApplication {
    /// Where.
    pub prefecture: Prefecture,
    /// Who.
    pub institution: InstitutionChoice,
    /// 施設管理者氏名.
    pub head: String,
    /// Full-width katakana.
    pub head_kana: String,
    /// 申請者氏名.
    pub applicant: String,
    /// Full-width katakana.
    pub applicant_kana: String,
    /// 施設内部署.
    pub department: String,
    /// 施設内役職.
    pub post: String,
    /// Digits only.
    pub phone: String,
    /// Digits only.
    pub extension: String,
}

/// Longest name, department or post, in characters.
const LONGEST: u32 = 100;

impl FullForm {
    /// The application, if every field holds what it must.
    ///
    /// # Errors
    /// Every fault there is, in the order of the form.
    pub fn check(&self) -> Result<FullApplication, Vec<FieldFault>> {
        let mut faults = Vec::new();
        let mut keep = |checked: Result<String, FieldFault>| checked.map_err(|f| faults.push(f)).unwrap_or_default();
        let prefecture = half_width(self.prefecture.trim()).parse().ok().and_then(Prefecture::new);
        if prefecture.is_none() {
            let code = if self.prefecture.trim().is_empty() { FieldCode::Empty } else { FieldCode::Unknown };
            let _ = keep(Err(FieldFault::new(Field::Prefecture, code)));
        }
        let institution = match (self.institution.trim(), self.not_listed.trim()) {
            ("", "") => {
                keep(Err(FieldFault::new(Field::Institution, FieldCode::Empty))).parse().ok().map(InstitutionId)
            }
            (number, _) if !number.is_empty() => {
                let id = number.parse().ok().map(InstitutionId);
                if id.is_none() {
                    let _ = keep(Err(FieldFault::new(Field::Institution, FieldCode::Unknown)));
                }
                id
            }
            _ => None,
        }
        .map(InstitutionChoice::Listed);
        let institution = match institution {
            None if self.institution.trim().is_empty() && !self.not_listed.trim().is_empty() => {
                Some(InstitutionChoice::NotListed(keep(text(Field::Institution, &self.not_listed))))
            }
            chosen => chosen,
        };
        let head = keep(text(Field::Head, &self.head));
        let head_kana = keep(kana(Field::HeadKana, &self.head_kana));
        let applicant = keep(text(Field::Applicant, &self.applicant));
        let applicant_kana = keep(kana(Field::ApplicantKana, &self.applicant_kana));
        let department = keep(text(Field::Department, &self.department));
        let post = keep(text(Field::Post, &self.post));
        let phone = keep(phone_of(&self.phone));
        let extension = keep(extension_of(&self.extension));
        if !self.consent {
            let _ = keep(Err(FieldFault::new(Field::Consent, FieldCode::Empty)));
        }
        match (prefecture, institution) {
            (Some(prefecture), Some(institution)) if faults.is_empty() => Ok(FullApplication {
                prefecture,
                institution,
                head,
                head_kana,
                applicant,
                applicant_kana,
                department,
                post,
                phone,
                extension,
            }),
            _ => Err(faults),
        }
    }
}

/// One line that can be read: blanks around it go, controls are refused.
///
/// # Errors
/// What is wrong with it.
pub fn text(field: Field, typed: &str) -> Result<String, FieldFault> {
    let kept: String = typed.trim().nfc().collect();
    if kept.is_empty() {
        return Err(FieldFault::new(field, FieldCode::Empty));
    }
    if kept.chars().count() > LONGEST as usize {
        return Err(FieldFault { field, code: FieldCode::TooLong, limit: Some(LONGEST) });
    }
    if kept.chars().any(unprintable) {
        return Err(FieldFault::new(field, FieldCode::Unprintable));
    }
    Ok(kept)
}

/// Controls, and marks that turn the direction of a line or hide in it.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFF}')
}

/// Full-width katakana (全角フリカナ), words apart by one full-width blank. Half-width kana are refused and not mended:
/// the procedure asks for full-width, and who reads the reading aloud must see what was typed. An ordinary blank is
/// taken for the full-width one.
///
/// # Errors
/// What is wrong with it.
pub fn kana(field: Field, typed: &str) -> Result<String, FieldFault> {
    let kept = text(field, typed)?;
    let katakana = |c: char| matches!(c, 'ァ'..='ヺ' | 'ー' | '・');
    let words: Vec<&str> = kept.split([' ', '\u{3000}']).filter(|w| !w.is_empty()).collect();
    if !words.iter().all(|w| w.chars().all(katakana) && w.chars().any(|c| c != 'ー' && c != '・')) {
        return Err(FieldFault::new(field, FieldCode::NotKana));
    }
    Ok(words.join("\u{3000}"))
}

fn phone_of(typed: &str) -> Result<String, FieldFault> {
    let code = if typed.trim().is_empty() { FieldCode::Empty } else { FieldCode::NotPhone };
    phone(typed).ok_or(FieldFault::new(Field::Phone, code))
}

fn extension_of(typed: &str) -> Result<String, FieldFault> {
    let code = if typed.trim().is_empty() { FieldCode::Empty } else { FieldCode::Malformed };
    extension(typed).ok_or(FieldFault::new(Field::Extension, code))
}

#[cfg(test)]
mod tests;
