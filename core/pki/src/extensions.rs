//! The certificate extensions this crate acts upon (RFC 5280 §4.2).

use crate::der::{Element, Malformed, Parsed, Reader, tag};
use crate::name::Name;
use crate::oid::{Oid, known};
use std::collections::BTreeSet;

/// basicConstraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The subject is a certification authority.
    pub ca: bool,
    /// Greatest number of CA certificates that may follow.
    pub path_length: Option<u32>,
}

/// keyUsage: the bits of RFC 5280 §4.2.1.3 and whether the extension is critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage {
    bits: u16,
    /// As RFC 5280 says it should and HPKI says it must be.
    pub critical: bool,
}

impl KeyUsage {
    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// May sign challenges and handshakes.
    pub fn digital_signature(self) -> bool {
        self.bits & 1 != 0
    }

    /// May make legally binding signatures: the HPKI card's 署名用 key.
    pub fn non_repudiation(self) -> bool {
        self.bits & (1 << 1) != 0
    }

    /// May sign certificates.
    pub fn key_cert_sign(self) -> bool {
        self.bits & (1 << 5) != 0
    }

    /// May sign CRLs.
    pub fn crl_sign(self) -> bool {
        self.bits & (1 << 6) != 0
    }

    /// Names of the bits set, in the order of the standard.
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES.iter().enumerate().filter(|(n, _)| self.bits & (1 << n) != 0).map(|(_, name)| *name).collect()
    }
}

/// certificatePolicies, qualifiers left out.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    pub oids: Vec<Oid>,
    pub critical: bool,
}

/// authorityKeyIdentifier. HPKI certificates carry all three fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuthorityKeyId {
    pub key_id: Option<Vec<u8>>,
    pub issuer: Option<Name>,
    pub serial: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Extensions {
    pub basic_constraints: Option<BasicConstraints>,
    pub key_usage: Option<KeyUsage>,
    pub extended_key_usage: Option<Vec<Oid>>,
    pub policies: Option<Policies>,
    pub uris: Vec<String>,
    pub dns_names: Vec<String>,
    pub directory_names: Vec<Name>,
    pub crl_uris: Vec<String>,
    pub subject_key_id: Option<Vec<u8>>,
    pub authority_key_id: Option<AuthorityKeyId>,
    /// Raw contents of subjectDirectoryAttributes; judged by `hcrole` so that a malformed
    /// qualification is a reason of its own and not a malformed certificate.
    pub directory_attributes: Option<Vec<u8>>,
    /// id-pkix-ocsp-nocheck: only looked at in certificates of OCSP responders.
    pub ocsp_nocheck: bool,
    pub unknown_critical: Vec<Oid>,
}

impl Extensions {
    /// Reads `Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension`.
    pub fn read(sequence: &Element<'_>) -> Parsed<Self> {
        let mut extensions = Self::default();
        let mut seen = BTreeSet::new();
        let mut reader = sequence.reader();
        while !reader.is_empty() {
            let extension = RawExtension::read(&mut reader)?;
            if !seen.insert(extension.id.clone()) {
                return Err(extension.value.malformed("extension occurs twice"));
            }
            extensions.take(&extension)?;
        }
        if seen.is_empty() {
            return Err(sequence.malformed("extensions are empty"));
        }
        Ok(extensions)
    }

    fn take(&mut self, extension: &RawExtension<'_>) -> Parsed<()> {
        let value = &extension.value;
        match extension.id.contents() {
            known::BASIC_CONSTRAINTS => self.basic_constraints = Some(read_basic_constraints(value)?),
            known::KEY_USAGE => {
                let bits = value.only(tag::BIT_STRING, "keyUsage")?.named_bits()?;
                self.key_usage = Some(KeyUsage { bits, critical: extension.critical });
            }
            known::EXTENDED_KEY_USAGE => {
                let list = value.only(tag::SEQUENCE, "extendedKeyUsage")?;
                let mut oids = Vec::new();
                let mut reader = list.reader();
                while !reader.is_empty() {
                    oids.push(Oid::read(&reader.expect(tag::OID, "extendedKeyUsage purpose")?)?);
                }
                self.extended_key_usage = Some(oids);
            }
            known::CERTIFICATE_POLICIES => {
                self.policies = Some(Policies { oids: read_policies(value)?, critical: extension.critical });
            }
            known::SUBJECT_ALT_NAME => self.read_alt_names(value)?,
            known::CRL_DISTRIBUTION_POINTS => self.crl_uris = read_crl_uris(value)?,
            known::SUBJECT_KEY_ID => {
                self.subject_key_id = Some(value.only(tag::OCTET_STRING, "subjectKeyIdentifier")?.contents.to_vec());
            }
            known::AUTHORITY_KEY_ID => self.authority_key_id = Some(read_authority_key_id(value)?),
            known::SUBJECT_DIRECTORY_ATTRIBUTES => self.directory_attributes = Some(value.contents.to_vec()),
            known::OCSP_NOCHECK => {
                value.only(tag::NULL, "ocsp-nocheck")?;
                self.ocsp_nocheck = true;
            }
            // nameConstraints, policyConstraints and whatever else: not understood here, so a
            // critical one refuses the certificate (RFC 5280 §4.2).
            _ if extension.critical => self.unknown_critical.push(extension.id.clone()),
            _ => {}
        }
        Ok(())
    }

    /// URIs of a subjectAltName that stands alone.
    pub fn uris_of(extension: &RawExtension<'_>) -> Parsed<Vec<String>> {
        let mut alone = Self::default();
        alone.read_alt_names(&extension.value)?;
        Ok(alone.uris)
    }

    fn read_alt_names(&mut self, value: &Element<'_>) -> Parsed<()> {
        let mut names = value.only(tag::SEQUENCE, "subjectAltName")?.reader();
        while !names.is_empty() {
            let name = names.next("general name")?;
            // GeneralName: [2] dNSName, [4] directoryName (EXPLICIT, as Name is a CHOICE), [6] URI.
            if name.tag == tag::implicit(2) {
                self.dns_names.push(ascii(&name)?);
            } else if name.tag == tag::explicit(4) {
                self.directory_names.push(Name::read(&name.only(tag::SEQUENCE, "directoryName")?)?);
            } else if name.tag == tag::implicit(6) {
                self.uris.push(ascii(&name)?);
            }
        }
        Ok(())
    }
}

/// One extension of a certificate, a CRL or a CRL entry; `value` is the OCTET STRING.
pub(crate) struct RawExtension<'a> {
    pub id: Oid,
    pub critical: bool,
    pub value: Element<'a>,
}

impl<'a> RawExtension<'a> {
    pub fn read(reader: &mut Reader<'a>) -> Parsed<Self> {
        let sequence = reader.expect(tag::SEQUENCE, "extension")?;
        let mut fields = sequence.reader();
        let id = Oid::read(&fields.expect(tag::OID, "extension identifier")?)?;
        let critical = match fields.optional(tag::BOOLEAN, "extension criticality")? {
            Some(flag) if flag.boolean()? => true,
            Some(flag) => return Err(flag.malformed("DER leaves the default FALSE out")),
            None => false,
        };
        let value = fields.expect(tag::OCTET_STRING, "extension value")?;
        fields.finish("bytes after the extension value")?;
        Ok(Self { id, critical, value })
    }
}

fn read_basic_constraints(value: &Element<'_>) -> Parsed<BasicConstraints> {
    let mut fields = value.only(tag::SEQUENCE, "basicConstraints")?.reader();
    let ca = match fields.optional(tag::BOOLEAN, "cA")? {
        Some(flag) => flag.boolean()?,
        None => false,
    };
    let path_length = match fields.optional(tag::INTEGER, "pathLenConstraint")? {
        Some(number) => Some(number.small_unsigned()?),
        None => None,
    };
    fields.finish("bytes after basicConstraints")?;
    Ok(BasicConstraints { ca, path_length })
}

fn read_policies(value: &Element<'_>) -> Parsed<Vec<Oid>> {
    let mut oids = Vec::new();
    let mut reader = value.only(tag::SEQUENCE, "certificatePolicies")?.reader();
    while !reader.is_empty() {
        let mut fields = reader.expect(tag::SEQUENCE, "policy information")?.reader();
        oids.push(Oid::read(&fields.expect(tag::OID, "policy identifier")?)?);
        fields.optional(tag::SEQUENCE, "policy qualifiers")?;
        fields.finish("bytes after the policy qualifiers")?;
    }
    Ok(oids)
}

fn read_crl_uris(value: &Element<'_>) -> Parsed<Vec<String>> {
    let mut uris = Vec::new();
    let mut points = value.only(tag::SEQUENCE, "cRLDistributionPoints")?.reader();
    while !points.is_empty() {
        let mut fields = points.expect(tag::SEQUENCE, "distribution point")?.reader();
        // DistributionPoint [0] → DistributionPointName, a CHOICE → fullName [0] → GeneralNames.
        let Some(point) = fields.optional(tag::explicit(0), "distribution point name")? else { continue };
        let mut inner = point.reader();
        let Some(full_name) = inner.optional(tag::explicit(0), "full name")? else { continue };
        let mut names = full_name.reader();
        while !names.is_empty() {
            let name = names.next("general name")?;
            if name.tag == tag::implicit(6) {
                uris.push(ascii(&name)?);
            }
        }
    }
    Ok(uris)
}

fn read_authority_key_id(value: &Element<'_>) -> Parsed<AuthorityKeyId> {
    let mut fields = value.only(tag::SEQUENCE, "authorityKeyIdentifier")?.reader();
    let mut id = AuthorityKeyId::default();
    if let Some(key_id) = fields.optional(tag::implicit(0), "keyIdentifier")? {
        id.key_id = Some(key_id.contents.to_vec());
    }
    if let Some(names) = fields.optional(tag::explicit(1), "authorityCertIssuer")? {
        let mut names = names.reader();
        while !names.is_empty() {
            let name = names.next("general name")?;
            if name.tag == tag::explicit(4) {
                id.issuer = Some(Name::read(&name.only(tag::SEQUENCE, "directoryName")?)?);
            }
        }
    }
    if let Some(serial) = fields.optional(tag::implicit(2), "authorityCertSerialNumber")? {
        id.serial = Some(serial.unsigned()?.to_vec());
    }
    fields.finish("bytes after authorityKeyIdentifier")?;
    Ok(id)
}

fn ascii(element: &Element<'_>) -> Result<String, Malformed> {
    match std::str::from_utf8(element.contents) {
        Ok(text) if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(text.to_owned()),
        _ => Err(element.malformed("general name is not printable ASCII")),
    }
}
