//! hcRole: the qualification in an HPKI certificate (ISO 17090-2, subjectDirectoryAttributes).
//!
//! ```text
//! SubjectDirectoryAttributes ::= SEQUENCE SIZE (1..MAX) OF Attribute
//! Attribute   ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF HCActorData }
//! HCActorData ::= SET OF HCActor
//! HCActor     ::= SEQUENCE { codedData [0] EXPLICIT CodedData,
//!                            regionalHCActorData [1] EXPLICIT SEQUENCE OF RegionalData OPTIONAL }
//! CodedData   ::= SET { codingSchemeReference [0] EXPLICIT OBJECT IDENTIFIER,
//!                       codeDataValue         [1] EXPLICIT NumericString OPTIONAL,
//!                       codeDataFreeText      [2] EXPLICIT DirectoryString }
//! ```
//! CodedData is a SET; DER orders its members by tag. The coding scheme must be the Japanese one.

use crate::der::{Element, Malformed, Parsed, Reader, tag};
use crate::oid::{Oid, known};

/// Texts of every hcRole in the contents of a subjectDirectoryAttributes extension.
///
/// Empty when there is no healthcare-actor attribute. Anything that is not the exact DER above,
/// or another coding scheme, is an error with its place.
pub fn parse_hc_roles(extension: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut document = Reader::new(extension);
    let attributes = document.expect(tag::SEQUENCE, "SubjectDirectoryAttributes")?;
    document.finish("bytes after SubjectDirectoryAttributes")?;
    let mut roles = None;
    let mut seen: Vec<Oid> = Vec::new();
    let mut reader = attributes.reader();
    if reader.is_empty() {
        return Err(attributes.malformed("SubjectDirectoryAttributes is empty"));
    }
    while !reader.is_empty() {
        let attribute = reader.expect(tag::SEQUENCE, "Attribute is not a SEQUENCE")?;
        let mut fields = attribute.reader();
        let kind = Oid::read(&fields.expect(tag::OID, "attribute type")?)?;
        let values = fields.expect(tag::SET, "attribute values are not a SET")?;
        fields.finish("bytes after the attribute values")?;
        if seen.contains(&kind) {
            return Err(attribute.malformed("attribute type occurs twice"));
        }
        if kind.contents() == known::HEALTHCARE_ACTOR {
            roles = Some(read_values(&values)?);
        }
        seen.push(kind);
    }
    Ok(roles.unwrap_or_default())
}

fn read_values(values: &Element<'_>) -> Parsed<Vec<String>> {
    let mut roles = Vec::new();
    let mut reader = values.reader();
    while !reader.is_empty() {
        let mut actors = reader.expect(tag::SET, "HCActorData is not a SET")?.reader();
        while !actors.is_empty() {
            roles.push(read_actor(&actors.expect(tag::SEQUENCE, "HCActor is not a SEQUENCE")?)?);
        }
    }
    if roles.is_empty() {
        return Err(values.malformed("healthcare actor without a qualification"));
    }
    Ok(roles)
}

fn read_actor(actor: &Element<'_>) -> Parsed<String> {
    let mut fields = actor.reader();
    let wrapped = fields.expect(tag::explicit(0), "codedData [0] is missing")?;
    let coded = wrapped.only(tag::SET, "CodedData is not a SET")?;
    if let Some(regional) = fields.optional(tag::explicit(1), "regionalHCActorData")? {
        regional.only(tag::SEQUENCE, "regionalHCActorData is not a SEQUENCE")?;
    }
    fields.finish("bytes after HCActor")?;
    read_coded_data(&coded)
}

fn read_coded_data(coded: &Element<'_>) -> Parsed<String> {
    let mut fields = coded.reader();
    let scheme = fields.expect(tag::explicit(0), "codingSchemeReference [0] is missing or out of order")?;
    let scheme_oid = Oid::read(&scheme.only(tag::OID, "codingSchemeReference is not EXPLICIT")?)?;
    if scheme_oid.contents() != known::JAPANESE_QUALIFICATIONS {
        return Err(scheme.malformed("coding scheme is not 1.2.392.100495.1.6.1.1"));
    }
    if let Some(value) = fields.optional(tag::explicit(1), "codeDataValue")? {
        let number = value.only(tag::NUMERIC_STRING, "codeDataValue is not a NumericString")?;
        if !number.contents.iter().all(|c| c.is_ascii_digit() || *c == b' ') {
            return Err(number.malformed("codeDataValue is not numeric"));
        }
    }
    let wrapped = fields.expect(tag::explicit(2), "codeDataFreeText [2] is missing")?;
    fields.finish("bytes after CodedData")?;
    let mut inner = wrapped.reader();
    let text = inner.next("codeDataFreeText")?;
    inner.finish("bytes after codeDataFreeText")?;
    if ![tag::UTF8_STRING, tag::PRINTABLE_STRING].contains(&text.tag) {
        return Err(text.malformed("codeDataFreeText is neither UTF8String nor PrintableString"));
    }
    match text.text()? {
        role if role.is_empty() => Err(text.malformed("codeDataFreeText is empty")),
        role => Ok(role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCTOR: &str =
        "303430320606288185420001312831263024A0223120A00C060A2A830886910F01060101A2100C0E4D65646963616C20446F63746F72";
    const PHARMACIST: &str =
        "3030302E0606288185420001312431223020A01E311CA00C060A2A830886910F01060101A20C0C0A506861726D6163697374";
    const ACTOR_WITH_VALUE: &str = "3027A0253123A00C060A2A830886910F01060101A1051203313233A20C0C0A506861726D6163697374";

    const SCHEME: &str = "a00c060a2a830886910f01060101";
    const TEXT: &str = "a20c0c0a506861726d6163697374";
    const OURS: &str = "0606288185420001";

    /// tag + length + contents, all in hexadecimal.
    fn tlv(tag: &str, contents: &str) -> String {
        assert!(contents.len() / 2 < 128);
        format!("{tag}{:02x}{contents}", contents.len() / 2)
    }

    fn actor(coded: &str) -> String {
        tlv("30", &tlv("a0", coded))
    }

    fn attributes(actors: &str) -> String {
        tlv("30", &tlv("30", &format!("{OURS}{}", tlv("31", &tlv("31", actors)))))
    }

    fn parse(text: &str) -> Result<Vec<String>, &'static str> {
        parse_hc_roles(&hex::decode(text).unwrap()).map_err(|e| e.what)
    }

    fn coded(contents: &str) -> Result<Vec<String>, &'static str> {
        parse(&attributes(&actor(&tlv("31", contents))))
    }

    #[test]
    fn vectors_of_real_certificates() {
        assert_eq!(parse(DOCTOR), Ok(vec!["Medical Doctor".to_owned()]));
        assert_eq!(parse(PHARMACIST), Ok(vec!["Pharmacist".to_owned()]));
        assert_eq!(parse(&attributes(ACTOR_WITH_VALUE)), Ok(vec!["Pharmacist".to_owned()]));
        assert_eq!(
            attributes(&actor(&tlv("31", &format!("{SCHEME}{TEXT}")))).to_uppercase(),
            PHARMACIST,
            "the builder of the negative cases"
        );
    }

    #[test]
    fn a_sequence_is_not_a_set() {
        let members = format!("{SCHEME}{TEXT}");
        let good_actor = actor(&tlv("31", &members));
        assert_eq!(parse(&attributes(&actor(&tlv("30", &members)))), Err("CodedData is not a SET"));
        assert_eq!(
            parse(&tlv("30", &tlv("30", &format!("{OURS}{}", tlv("31", &tlv("30", &good_actor)))))),
            Err("HCActorData is not a SET")
        );
        assert_eq!(
            parse(&tlv("30", &tlv("30", &format!("{OURS}{}", tlv("30", &tlv("31", &good_actor)))))),
            Err("attribute values are not a SET")
        );
        assert_eq!(
            parse(&tlv("30", &tlv("30", &format!("{OURS}{}", tlv("31", &good_actor))))),
            Err("HCActorData is not a SET"),
            "one SET left out"
        );
    }

    #[test]
    fn implicit_tags_are_refused() {
        assert!(coded(&format!("800a2a830886910f01060101{TEXT}")).is_err());
        assert!(coded(&format!("a00a2a830886910f01060101{TEXT}")).is_err());
        assert!(coded(&format!("{SCHEME}820a506861726d6163697374")).is_err());
        assert!(coded(&format!("{SCHEME}a20a506861726d6163697374")).is_err());
    }

    #[test]
    fn order_and_presence_of_the_members() {
        assert_eq!(coded(&format!("{TEXT}{SCHEME}")), Err("codingSchemeReference [0] is missing or out of order"));
        assert_eq!(coded(SCHEME), Err("codeDataFreeText [2] is missing"));
        assert_eq!(coded(TEXT), Err("codingSchemeReference [0] is missing or out of order"));
        assert_eq!(coded(&format!("{SCHEME}{TEXT}{TEXT}")), Err("bytes after CodedData"));
    }

    #[test]
    fn printable_string_is_a_directory_string_and_others_are_not_used() {
        assert_eq!(coded(&format!("{SCHEME}a20c130a506861726d6163697374")), Ok(vec!["Pharmacist".to_owned()]));
        assert!(coded(&format!("{SCHEME}a20c160a506861726d6163697374")).is_err(), "IA5String");
        assert!(coded(&format!("{SCHEME}a2020c00")).is_err(), "empty");
        assert!(coded(&format!("{SCHEME}a2040c02c328")).is_err(), "not UTF-8");
    }

    #[test]
    fn another_coding_scheme_is_refused() {
        let other = SCHEME.replace("060101", "060201");
        assert_eq!(coded(&format!("{other}{TEXT}")), Err("coding scheme is not 1.2.392.100495.1.6.1.1"));
    }

    #[test]
    fn two_roles_are_both_reported_and_two_attributes_refused() {
        let one = actor(&tlv("31", &format!("{SCHEME}{TEXT}")));
        assert_eq!(parse(&attributes(&format!("{one}{one}"))).map(|r| r.len()), Ok(2));
        let attribute = tlv("30", &format!("{OURS}{}", tlv("31", &tlv("31", &one))));
        assert_eq!(parse(&tlv("30", &format!("{attribute}{attribute}"))), Err("attribute type occurs twice"));
        let other = format!("300f0603550403{}", tlv("31", "0c0641424344"));
        assert!(parse(&tlv("30", &other)).is_err(), "inner length wrong");
        let other = tlv("30", &format!("0603550403{}", tlv("31", "0c0141")));
        assert_eq!(parse(&tlv("30", &other)), Ok(vec![]), "an attribute of another type is no qualification");
    }

    #[test]
    fn trailing_bytes_indefinite_lengths_and_truncation_are_refused() {
        assert_eq!(parse(&format!("{DOCTOR}00")), Err("bytes after SubjectDirectoryAttributes"));
        assert_eq!(parse(&format!("3080{}0000", &DOCTOR[4..])), Err("indefinite length"));
        assert_eq!(parse(&format!("308134{}", &DOCTOR[4..])), Err("length is not minimal"));
        for cut in 0..DOCTOR.len() / 2 {
            assert!(parse(&DOCTOR[..cut * 2]).is_err(), "cut at {cut}");
        }
        assert!(parse("3000").is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_hc_roles(&bytes);
        }

        #[test]
        fn a_changed_byte_never_panics_nor_keeps_structure_wrong(at in 0usize..54, with in any::<u8>()) {
            let mut bytes = hex::decode(DOCTOR).unwrap();
            prop_assume!(bytes[at] != with);
            bytes[at] = with;
            if let Ok(roles) = parse_hc_roles(&bytes) {
                // Only a change of the free text, of its string type, or of the attribute type
                // leaves valid DER.
                prop_assert!(roles.is_empty() || at >= 38);
                prop_assert!(roles.len() <= 1);
            }
        }
    }
}
