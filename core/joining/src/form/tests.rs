use super::*;
use proptest::prelude::*;

/// The example of the usage procedure §2.2.2.
fn good() -> FullForm {
    FullForm {
        prefecture: "13".into(),
        institution: "42".into(),
        not_listed: String::new(),
        head: "医療　太郎".into(),
        head_kana: "イリョウ　タロウ".into(),
        applicant: "医療 一郎".into(),
        applicant_kana: "イリョウ イチロウ".into(),
        department: "医事課".into(),
        post: "なし".into(),
        phone: "012-123-1234".into(),
        extension: "1234".into(),
        consent: true,
    }
}

#[test]
fn the_example_of_the_procedure_is_accepted_r3() {
    let full = good().check().unwrap();
    assert_eq!(full.institution, InstitutionChoice::Listed(InstitutionId(42)));
    assert_eq!(full.applicant_kana, "イリョウ　イチロウ");
    assert_eq!(full.phone, "012-123-1234");
}

#[test]
fn every_field_is_needed_and_faults_come_in_the_order_of_the_form_r3() {
    let faults = FullForm::default().check().unwrap_err();
    let fields: Vec<Field> = faults.iter().map(|f| f.field).collect();
    assert_eq!(
        fields,
        [
            Field::Prefecture,
            Field::Institution,
            Field::Head,
            Field::HeadKana,
            Field::Applicant,
            Field::ApplicantKana,
            Field::Department,
            Field::Post,
            Field::Phone,
            Field::Extension,
            Field::Consent
        ]
    );
    assert!(faults.iter().all(|f| f.code == FieldCode::Empty));
}

#[test]
fn an_institution_that_is_not_listed_is_named_r3() {
    let form = FullForm { institution: String::new(), not_listed: "新設医院".into(), ..good() };
    assert_eq!(form.check().unwrap().institution, InstitutionChoice::NotListed("新設医院".into()));
    let form = FullForm { institution: "x".into(), ..good() };
    assert_eq!(form.check().unwrap_err(), [FieldFault::new(Field::Institution, FieldCode::Unknown)]);
}

#[test]
fn only_full_width_katakana_are_a_reading_r3() {
    for wrong in ["ｲﾘｮｳ ﾀﾛｳ", "いりょう たろう", "医療", "イリョウ１", "iryou", "ーー", "イリョウ\u{200B}"]
    {
        assert!(kana(Field::HeadKana, wrong).is_err(), "{wrong}");
    }
    assert_eq!(kana(Field::HeadKana, "ヴァンダー ・").unwrap_err().code, FieldCode::NotKana);
    assert_eq!(kana(Field::HeadKana, " ヴァン・ダイン  ジョー ").unwrap(), "ヴァン・ダイン　ジョー");
}

#[test]
fn addresses_are_typed_twice_alike_r2() {
    let form = |mail: &str, again: &str| MailForm { mail: mail.into(), again: again.into() };
    assert!(form("a@b.jp", "A@b.jp ").check().is_ok());
    let codes = |f: MailForm| f.check().unwrap_err().iter().map(|f| (f.field, f.code)).collect::<Vec<_>>();
    assert_eq!(codes(form("a@b.jp", "a@c.jp")), [(Field::MailAgain, FieldCode::NotTheSame)]);
    assert_eq!(codes(form("a@docomo.ne.jp", "a@docomo.ne.jp")), [(Field::Mail, FieldCode::Mobile)]);
    assert_eq!(codes(form("", "")), [(Field::Mail, FieldCode::Empty), (Field::MailAgain, FieldCode::Empty)]);
}

proptest! {
    #[test]
    fn no_text_breaks_a_check_and_what_passes_passes_again(texts in proptest::collection::vec(".{0,12}", 10)) {
        let form = FullForm {
            prefecture: texts[0].clone(), institution: texts[1].clone(), not_listed: texts[2].clone(),
            head: texts[3].clone(), head_kana: texts[4].clone(), applicant: texts[5].clone(),
            applicant_kana: texts[6].clone(), department: texts[7].clone(), post: texts[8].clone(),
            phone: texts[9].clone(), extension: "1".into(), consent: true,
        };
        let _ = form.check();
        for typed in &texts {
            if let Ok(kept) = text(Field::Head, typed) {
                prop_assert_eq!(text(Field::Head, &kept), Ok(kept.clone()));
                prop_assert!(!kept.chars().any(char::is_control));
            }
            if let Ok(kept) = kana(Field::Head, typed) {
                prop_assert_eq!(kana(Field::Head, &kept), Ok(kept));
            }
        }
    }
}
