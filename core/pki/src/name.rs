//! Distinguished names.

use crate::der::{Element, Parsed, tag};
use crate::oid::{Oid, known};
use std::fmt;

/// An X.501 Name. Two names are equal when their DER is equal.
///
/// That is stricter than the case-insensitive comparison of RFC 5280 §7.1, and what issuing CAs
/// in fact produce: issuer is a copy of the CA's subject.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    der: Vec<u8>,
    attributes: Vec<(Oid, String)>,
}

impl Name {
    pub(crate) fn read(element: &Element<'_>) -> Parsed<Self> {
        let mut attributes = Vec::new();
        let mut rdns = element.reader();
        while !rdns.is_empty() {
            let rdn = rdns.expect(tag::SET, "relative distinguished name is not a SET")?;
            let mut members = rdn.reader();
            while !members.is_empty() {
                let member = members.expect(tag::SEQUENCE, "name attribute is not a SEQUENCE")?;
                let mut fields = member.reader();
                let kind = Oid::read(&fields.expect(tag::OID, "name attribute type")?)?;
                let value = fields.next("name attribute value")?;
                fields.finish("bytes after a name attribute")?;
                attributes.push((kind, value.text()?));
            }
        }
        Ok(Self { der: element.whole.to_vec(), attributes })
    }

    /// The DER of the whole Name.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// First commonName.
    pub fn common_name(&self) -> Option<&str> {
        self.first(known::COMMON_NAME)
    }

    /// First organizationName.
    pub fn organization(&self) -> Option<&str> {
        self.first(known::ORGANIZATION)
    }

    /// First organizationalUnitName.
    pub fn organizational_unit(&self) -> Option<&str> {
        self.first(known::ORGANIZATIONAL_UNIT)
    }

    /// First serialNumber attribute (2.5.4.5): the person's id at the CA, not the certificate's serial.
    pub fn serial_number(&self) -> Option<&str> {
        self.first(known::SERIAL_NUMBER)
    }

    fn first(&self, kind: &[u8]) -> Option<&str> {
        self.attributes.iter().find(|(oid, _)| oid.contents() == kind).map(|(_, text)| text.as_str())
    }
}

/// `C=JP, O=…, CN=…` in certificate order; control characters are escaped, because the text comes
/// from outside and goes to terminals.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (kind, text)) in self.attributes.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match kind.contents() {
                known::COMMON_NAME => write!(f, "{separator}CN=")?,
                known::SERIAL_NUMBER => write!(f, "{separator}serialNumber=")?,
                known::COUNTRY => write!(f, "{separator}C=")?,
                known::ORGANIZATION => write!(f, "{separator}O=")?,
                known::ORGANIZATIONAL_UNIT => write!(f, "{separator}OU=")?,
                _ => write!(f, "{separator}{kind}=")?,
            }
            for c in text.chars() {
                if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}
