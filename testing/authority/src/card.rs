//! Cards of persons: HPKI authentication (認証用) and signature (署名用) certificates.

use crate::authority::{Authority, AuthorityError, CaKind, DAY, EndEntity};
use crate::der::{BIT_STRING, IA5_STRING, PRINTABLE_STRING, SEQUENCE, SET, UTF8_STRING, arcs, element, oid, tagged};
use crate::issued::Issued;
use crate::keys;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue};

/// Policy of 認証用(人) end entities.
pub const HPKI_AUTHENTICATION_POLICY: &str = "1.2.392.100495.1.5.1.2.0.1";
/// Policy of 署名用 end entities.
pub const HPKI_SIGNATURE_POLICY: &str = "1.2.392.100495.1.5.1.1.0.1";

const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];

/// What a card may be used for; the real ones have exactly one bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardUsage {
    /// digitalSignature, issued by the authentication CA.
    Authentication,
    /// nonRepudiation, issued by the signature CA.
    Signature,
    /// Both bits, issued by the authentication CA: no real card is like that.
    Both,
    /// keyEncipherment, issued by the authentication CA: no real card is like that.
    Encipherment,
}

/// Everything that can differ between cards. The constructors give a correct one; the other fields
/// exist to make wrong ones.
#[derive(Debug, Clone)]
pub struct CardSpec {
    /// commonName, romaji.
    pub name: String,
    /// serialNumber of the subject, unique at the CA.
    pub serial_number: String,
    /// Repeats the subject in subjectAltName with this name.
    pub kanji: Option<String>,
    /// Facility (O).
    pub organization: Option<String>,
    /// OU, `Director` for administrative roles.
    pub organizational_unit: Option<String>,
    /// hcRole texts: one in real cards.
    pub roles: Vec<String>,
    /// Instead of `roles`, the raw contents of subjectDirectoryAttributes.
    pub raw_role: Option<Vec<u8>>,
    /// Key usage, and by that the issuing CA.
    pub usage: CardUsage,
    /// Whether keyUsage is critical.
    pub usage_critical: bool,
    /// Policy, dotted; none leaves the extension out.
    pub policy: Option<String>,
    /// Whether certificatePolicies is critical.
    pub policy_critical: bool,
    /// Adds a critical extension that nobody knows, 1.3.6.1.4.1.99999.1.
    pub unknown_critical: bool,
    /// RSA modulus bits of a fresh key.
    pub rsa_bits: u32,
    /// Instead of a fresh key, this one (PKCS#8 PEM): renewals, and tests that need no key of their own.
    pub key_pem: Option<String>,
    /// Days from the authority's `now` to notBefore.
    pub valid_from_day: i64,
    /// Days from the authority's `now` to notAfter.
    pub valid_to_day: i64,
}

impl CardSpec {
    /// A correct authentication card.
    pub fn new(name: &str, role: &str) -> Self {
        Self {
            name: name.into(),
            serial_number: format!("TEST-{}", name.replace(' ', "-")),
            kanji: None,
            organization: Some("TEST Facility".into()),
            organizational_unit: None,
            roles: vec![role.into()],
            raw_role: None,
            usage: CardUsage::Authentication,
            usage_critical: true,
            policy: Some(HPKI_AUTHENTICATION_POLICY.into()),
            policy_critical: true,
            unknown_critical: false,
            rsa_bits: 2048,
            key_pem: None,
            valid_from_day: -1,
            valid_to_day: 5 * 365,
        }
    }

    /// The signature card of the same person.
    pub fn signature(name: &str, role: &str) -> Self {
        let policy = Some(HPKI_SIGNATURE_POLICY.into());
        Self { usage: CardUsage::Signature, policy, ..Self::new(name, role) }
    }
}

impl Authority {
    /// A doctor's authentication card.
    pub fn issue_doctor(&mut self, name: &str) -> Result<Issued, AuthorityError> {
        self.issue_card(&CardSpec::new(name, "Medical Doctor"))
    }

    /// A pharmacist's authentication card.
    pub fn issue_pharmacist(&mut self, name: &str) -> Result<Issued, AuthorityError> {
        self.issue_card(&CardSpec::new(name, "Pharmacist"))
    }

    /// Issues a card as specified, right or wrong.
    pub fn issue_card(&mut self, spec: &CardSpec) -> Result<Issued, AuthorityError> {
        let ca = match spec.usage {
            CardUsage::Signature => CaKind::HpkiSignature,
            CardUsage::Authentication | CardUsage::Both | CardUsage::Encipherment => CaKind::HpkiAuthentication,
        };
        let mut params = CertificateParams::default();
        params.not_before = self.at(spec.valid_from_day * DAY)?;
        params.not_after = self.at(spec.valid_to_day * DAY)?;
        params.distinguished_name = distinguished_name(spec)?;
        params.custom_extensions.push(key_usage(spec));
        params.custom_extensions.extend(policies(spec, ca));
        let roles: Vec<&str> = spec.roles.iter().map(String::as_str).collect();
        let attributes = match (&spec.raw_role, roles.as_slice()) {
            (Some(raw), _) => Some(raw.clone()),
            (None, []) => None,
            (None, texts) => Some(hc_role_extension(texts)),
        };
        params.custom_extensions.extend(attributes.map(|der| CustomExtension::from_oid_content(&[2, 5, 29, 9], der)));
        if let Some(kanji) = &spec.kanji {
            let names = element(SEQUENCE, &[&element(tagged(4), &[&kanji_name(spec, kanji)])]);
            params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], names));
        }
        if spec.unknown_critical {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![0x05, 0x00]);
            extension.set_criticality(true);
            params.custom_extensions.push(extension);
        }
        let folder = format!("card-{}", spec.serial_number);
        let key_pem = match &spec.key_pem {
            Some(key_pem) => key_pem.clone(),
            None => keys::new_rsa(spec.rsa_bits)?,
        };
        self.issue(EndEntity { ca, params, key_pem, folder })
    }
}

/// Contents of subjectDirectoryAttributes with these hcRoles (ISO 17090-2, Japanese coding scheme).
pub fn hc_role_extension(texts: &[&str]) -> Vec<u8> {
    let mut actors: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| {
            let scheme = element(tagged(0), &[&oid(&[1, 2, 392, 100495, 1, 6, 1, 1])]);
            let free_text = element(tagged(2), &[&element(UTF8_STRING, &[text.as_bytes()])]);
            let coded = element(SET, &[&scheme, &free_text]);
            element(SEQUENCE, &[&element(tagged(0), &[&coded])])
        })
        .collect();
    // X.690 §11.6: the members of a SET OF are in ascending order.
    actors.sort();
    let members: Vec<&[u8]> = actors.iter().map(Vec::as_slice).collect();
    let values = element(SET, &[&element(SET, &members)]);
    element(SEQUENCE, &[&element(SEQUENCE, &[&oid(&[1, 0, 17090, 0, 1]), &values])])
}

/// C, O, OU, CN, serialNumber: the order of real certificates.
fn distinguished_name(spec: &CardSpec) -> Result<DistinguishedName, AuthorityError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString("JP".try_into()?));
    if let Some(organization) = &spec.organization {
        name.push(DnType::OrganizationName, organization);
    }
    if let Some(unit) = &spec.organizational_unit {
        name.push(DnType::OrganizationalUnitName, unit);
    }
    name.push(DnType::CommonName, &spec.name);
    let number = DnValue::PrintableString(spec.serial_number.as_str().try_into()?);
    name.push(DnType::CustomDnType(SERIAL_NUMBER.to_vec()), number);
    Ok(name)
}

/// The subject once more, with the kanji name (and without the optional fields).
fn kanji_name(spec: &CardSpec, kanji: &str) -> Vec<u8> {
    let attribute = |kind: &[u64], tag: u8, text: &str| {
        element(SET, &[&element(SEQUENCE, &[&oid(kind), &element(tag, &[text.as_bytes()])])])
    };
    let country = attribute(&[2, 5, 4, 6], PRINTABLE_STRING, "JP");
    let name = attribute(&[2, 5, 4, 3], UTF8_STRING, kanji);
    let number = attribute(&SERIAL_NUMBER, PRINTABLE_STRING, &spec.serial_number);
    element(SEQUENCE, &[&country, &name, &number])
}

fn key_usage(spec: &CardSpec) -> CustomExtension {
    let bits: &[u8] = match spec.usage {
        CardUsage::Authentication => &[0x07, 0x80],
        CardUsage::Signature => &[0x06, 0x40],
        CardUsage::Both => &[0x06, 0xc0],
        CardUsage::Encipherment => &[0x05, 0x20],
    };
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 15], element(BIT_STRING, &[bits]));
    extension.set_criticality(spec.usage_critical);
    extension
}

fn policies(spec: &CardSpec, ca: CaKind) -> Option<CustomExtension> {
    let policy = spec.policy.as_ref()?;
    let practice = format!("http://cps.test.invalid/{}", ca.name());
    // id-qt-cps
    let qualifier =
        element(SEQUENCE, &[&oid(&[1, 3, 6, 1, 5, 5, 7, 2, 1]), &element(IA5_STRING, &[practice.as_bytes()])]);
    let information = element(SEQUENCE, &[&oid(&arcs(policy)), &element(SEQUENCE, &[&qualifier])]);
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 32], element(SEQUENCE, &[&information]));
    extension.set_criticality(spec.policy_critical);
    Some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualifications_are_encoded_as_in_real_certificates() {
        let hex = |text| hc_role_extension(&[text]).iter().map(|b| format!("{b:02X}")).collect::<String>();
        assert_eq!(
            hex("Medical Doctor"),
            "303430320606288185420001312831263024A0223120A00C060A2A830886910F01060101A2100C0E4D65646963616C20446F63746F72"
        );
        assert_eq!(
            hex("Pharmacist"),
            "3030302E0606288185420001312431223020A01E311CA00C060A2A830886910F01060101A20C0C0A506861726D6163697374"
        );
    }
}
