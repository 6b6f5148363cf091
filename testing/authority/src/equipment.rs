//! Gates, terminals, switches, centers and institutions: ECDSA P-256, identity as a SAN URI.

use crate::authority::{Authority, AuthorityError, CaKind, DAY, EndEntity};
use crate::issued::Issued;
use crate::keys;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType};
use std::net::IpAddr;

use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};

impl Authority {
    /// A gate: clientAuth and serverAuth, `urn:sekisho:gate:<site>`, and the DNS name
    /// `<site>.gate.sekisho.test`, which is its IKE identity.
    pub fn issue_gate(&mut self, site: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:gate:{site}"))?, dns(&format!("{site}.gate.sekisho.test"))?];
        self.issue_equipment(CaKind::Gate, site, sans, vec![ClientAuth, ServerAuth])
    }

    /// The same for a key that is not ours to see: its public half, SubjectPublicKeyInfo in PEM. [`Issued::key_pem`] is
    /// empty.
    pub fn issue_gate_for(&mut self, site: &str, public_pem: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:gate:{site}"))?, dns(&format!("{site}.gate.sekisho.test"))?];
        let entity = self.equipment(CaKind::Gate, site, sans, vec![ClientAuth, ServerAuth])?;
        self.issue_to(entity, public_pem)
    }

    /// A terminal: clientAuth, `urn:sekisho:device:<site>/<host>`.
    pub fn issue_device(&mut self, site: &str, host: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:device:{site}/{host}"))?];
        self.issue_equipment(CaKind::Device, &format!("{site}-{host}"), sans, vec![ClientAuth])
    }

    /// A switch: clientAuth, `urn:sekisho:switch:<site>:<dpid>`.
    pub fn issue_switch(&mut self, site: &str, dpid: u64) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:switch:{site}:{dpid:016x}"))?];
        self.issue_equipment(CaKind::Switch, &format!("{site}-{dpid:016x}"), sans, vec![ClientAuth])
    }

    /// A center: serverAuth, `urn:sekisho:center:<name>`, with the names and addresses it is
    /// reached by (terminals use `center.sekisho.test`).
    pub fn issue_center(&mut self, name: &str, names: &[&str], addresses: &[IpAddr]) -> Result<Issued, AuthorityError> {
        let mut sans = vec![uri(format!("urn:sekisho:center:{name}"))?];
        for name in names {
            sans.push(dns(name)?);
        }
        sans.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        self.issue_equipment(CaKind::Center, name, sans, vec![ServerAuth])
    }

    /// An institution's signing key for agreements: `urn:sekisho:institution:<id>`.
    pub fn issue_institution(&mut self, id: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:institution:{id}"))?];
        self.issue_equipment(CaKind::Institution, id, sans, vec![])
    }

    /// A person who works at the center: clientAuth, `urn:sekisho:operator:<name>`.
    pub fn issue_operator(&mut self, name: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:operator:{name}"))?];
        self.issue_equipment(CaKind::Operator, name, sans, vec![ClientAuth])
    }

    /// A service certificate: clientAuth, `urn:sekisho:user:<user id>`.
    pub fn issue_user(&mut self, user: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:user:{user}"))?];
        self.issue_equipment(CaKind::Service, user, sans, vec![ClientAuth])
    }

    /// Whom the registration authority certifies: `what` is `maker`, `element-supplier`, `registration-centre` or
    /// `vpn-operator`; `urn:sekisho:<what>:<id>`.
    pub fn issue_registered(&mut self, what: &str, id: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:{what}:{id}"))?];
        self.issue_equipment(CaKind::Registration, &format!("{what}-{id}"), sans, vec![])
    }

    /// A secure element before it is built in (仮証明書): clientAuth, `urn:sekisho:element:<serial>`.
    pub fn issue_element(&mut self, serial: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:element:{serial}"))?];
        self.issue_equipment(CaKind::Registration, &format!("element-{serial}"), sans, vec![ClientAuth])
    }

    /// First tier: clientAuth, `urn:sekisho:equipment:<device id>`.
    pub fn issue_first_tier(&mut self, device: &str) -> Result<Issued, AuthorityError> {
        let sans = vec![uri(format!("urn:sekisho:equipment:{device}"))?];
        self.issue_equipment(CaKind::Equipment, device, sans, vec![ClientAuth])
    }

    /// Any equipment certificate, right or wrong: the wrong ones are for tests of refusals.
    pub fn issue_equipment(
        &mut self,
        ca: CaKind,
        name: &str,
        sans: Vec<SanType>,
        purposes: Vec<ExtendedKeyUsagePurpose>,
    ) -> Result<Issued, AuthorityError> {
        let mut entity = self.equipment(ca, name, sans, purposes)?;
        entity.key_pem = keys::new_p256()?;
        self.issue(entity)
    }

    fn equipment(
        &self,
        ca: CaKind,
        name: &str,
        sans: Vec<SanType>,
        purposes: Vec<ExtendedKeyUsagePurpose>,
    ) -> Result<EndEntity, AuthorityError> {
        let mut params = CertificateParams::default();
        params.not_before = self.at(-DAY)?;
        params.not_after = self.at(2 * 365 * DAY)?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CountryName, DnValue::PrintableString("JP".try_into()?));
        subject.push(DnType::OrganizationName, "TEST Sekisho");
        subject.push(DnType::CommonName, format!("TEST {} {name}", ca.name()));
        params.distinguished_name = subject;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = purposes;
        params.subject_alt_names = sans;
        let folder = format!("{}-{}", ca.name(), name.replace(['/', ':'], "-"));
        Ok(EndEntity { ca, params, key_pem: String::new(), folder })
    }
}

fn uri(text: String) -> Result<SanType, AuthorityError> {
    Ok(SanType::URI(text.try_into()?))
}

fn dns(text: &str) -> Result<SanType, AuthorityError> {
    Ok(SanType::DnsName(text.try_into()?))
}
