//! Who is in: as strongSwan lists it, with what was seen of the machine when it came.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use texts::Arg;
use vici::Vici;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::connection::{CHECKED, UNCHECKED};

/// One client that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// strongSwan's number of it, which changes when keys are renewed.
    pub number: u32,
    /// Who.
    pub vpn_id: String,
    /// The account's institution, if the account is known.
    pub institution: Option<String>,
    /// From where, outside.
    pub address: Option<IpAddr>,
    /// The addresses it has inside.
    pub inside: Vec<IpAddr>,
    /// Since when.
    pub since: SystemTime,
    /// On which machine.
    pub machine: Machine,
}

/// What is known of a client's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Machine {
    /// It proved possession of a certificate of ours.
    Proved {
        /// Distinguished name.
        subject: String,
        /// The certificates of that name that strongSwan has seen; more than one after a renewal.
        certificates: Vec<MachineCertificate>,
    },
    /// It proved one, but before the center began to watch: which one is not known.
    ProvedUnseen,
    /// It was not asked (a client that can do only one authentication).
    Unchecked,
}

/// What matters of a machine's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineCertificate {
    /// `urn:sekisho:…`, if it has one.
    pub identity: Option<String>,
    /// DER of the issuer's name, hexadecimal.
    pub issuer: String,
    /// Serial number, hexadecimal.
    pub serial: String,
}

impl Machine {
    /// Its identity, if it is known for sure.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        match self {
            Self::Proved { certificates, .. } => {
                let first = certificates.first()?.identity.as_deref()?;
                certificates.iter().all(|one| one.identity.as_deref() == Some(first)).then_some(first)
            }
            Self::ProvedUnseen | Self::Unchecked => None,
        }
    }

    /// For people.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Proved { subject, .. } => self.identity().unwrap_or(subject).to_owned(),
            Self::ProvedUnseen => "?".to_owned(),
            Self::Unchecked => "–".to_owned(),
        }
    }
}

impl Session {
    /// Reads the sessions of clients out of an answer of `list-sas` or an event of `ike-updown`; `now` dates them.
    pub(crate) fn read(list: &Vici, now: SystemTime) -> Vec<Self> {
        let ours = list.sections().filter(|(name, _)| [CHECKED, UNCHECKED].contains(name));
        ours.filter_map(|(name, sa)| {
            let machine = if name == CHECKED { Machine::ProvedUnseen } else { Machine::Unchecked };
            Self::one(sa, machine, now)
        })
        .collect()
    }

    fn one(sa: &Vici, machine: Machine, now: SystemTime) -> Option<Self> {
        if !matches!(sa.text("state"), Some("ESTABLISHED" | "REKEYING")) {
            return None;
        }
        let age = sa.text("established").and_then(|s| s.parse().ok()).map_or(Duration::ZERO, Duration::from_secs);
        let inside = match sa.get("remote-vips") {
            Some(Vici::List(all)) => all.iter().filter_map(|one| match one {
                Vici::Text(text) => text.parse().ok(),
                Vici::List(_) | Vici::Section(_) => None,
            }),
            _ => return None,
        };
        Some(Self {
            number: sa.text("uniqueid")?.parse().ok()?,
            // Left out where the client's IKE identity is the same.
            vpn_id: sa.text("remote-eap-id").or_else(|| sa.text("remote-id"))?.to_owned(),
            institution: None,
            address: sa.text("remote-host").and_then(|host| host.parse().ok()),
            inside: inside.collect(),
            since: now.checked_sub(age).unwrap_or(now),
            machine,
        })
    }

    /// Its values in texts.
    pub(crate) fn facts(&self) -> Vec<(&'static str, Arg)> {
        let inside: Vec<String> = self.inside.iter().map(ToString::to_string).collect();
        vec![
            ("vpn", Arg::text(&self.vpn_id)),
            ("institution", Arg::text(self.institution.as_deref().unwrap_or("–"))),
            ("address", Arg::text(self.address.map_or("–".to_owned(), |a| a.to_string()))),
            ("inside", Arg::text(inside.join(", "))),
            ("machine", Arg::text(self.machine.shown())),
        ]
    }
}

/// The machine certificates of a name among those that strongSwan has seen (DER).
pub(crate) fn certificates_of(subject: &str, seen: &[Vec<u8>]) -> Vec<MachineCertificate> {
    seen.iter().filter_map(|der| read_machine(subject, der)).collect()
}

fn read_machine(subject: &str, der: &[u8]) -> Option<MachineCertificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    if certificate.subject().to_string() != subject {
        return None;
    }
    let names = certificate.subject_alternative_name().ok().flatten();
    let identity = names.and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::URI(uri) if uri.starts_with("urn:sekisho:") => Some((*uri).to_owned()),
            _ => None,
        })
    });
    Some(MachineCertificate {
        identity,
        issuer: hex(certificate.issuer().as_raw()),
        serial: hex(certificate.tbs_certificate.raw_serial()),
    })
}

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
