//! Who a certificate is for.

use std::fmt;

/// A kind of certificate; each has its own authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// People's terminals at a service (サービス用証明書, R10).
    Service,
    /// Gates of sites.
    Gate,
    /// Terminals of sites (G1).
    Device,
    /// Switches of sites.
    Switch,
    /// Institutions' signing keys (G12).
    Institution,
    /// Devices: their first-tier certificates (機器証明書, G1).
    Equipment,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Service, Self::Gate, Self::Device, Self::Switch, Self::Institution, Self::Equipment];

    /// Its name: of the authority in the registry, of its files, of its folder of trust, of its label in EST.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Gate => "gate",
            Self::Device => "device",
            Self::Switch => "switch",
            Self::Institution => "institution",
            Self::Equipment => "equipment",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Days a certificate counts. A service certificate is renewed by its holder in time; equipment lives longer.
    pub(crate) fn days(self) -> i64 {
        match self {
            Self::Service => 398,
            Self::Gate | Self::Device | Self::Switch | Self::Institution => 2 * 365,
            // As long as a device serves; it is revoked when it goes.
            Self::Equipment => 10 * 365,
        }
    }

    pub(crate) fn purposes(self) -> &'static [issuance::KeyPurpose] {
        use issuance::KeyPurpose::{ClientAuth, ServerAuth};
        match self {
            Self::Service | Self::Device | Self::Switch | Self::Equipment => &[ClientAuth],
            Self::Gate => &[ClientAuth, ServerAuth],
            Self::Institution => &[],
        }
    }

    pub(crate) fn purpose(self) -> pki::Purpose {
        match self {
            Self::Service => pki::Purpose::Service,
            Self::Gate => pki::Purpose::Gate,
            Self::Device => pki::Purpose::Device,
            Self::Switch => pki::Purpose::Switch,
            Self::Institution => pki::Purpose::Institution,
            Self::Equipment => pki::Purpose::Equipment,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who a certificate is for. Built only of ids that can stand in its URI.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    kind: Kind,
    name: String,
}

impl Identity {
    /// A person's terminal at a service, by user id.
    pub fn user(id: &str) -> Option<Self> {
        one_id(id).then(|| Self { kind: Kind::Service, name: id.to_owned() })
    }

    /// The gate of a site.
    pub fn gate(site: &str) -> Option<Self> {
        one_id(site).then(|| Self { kind: Kind::Gate, name: site.to_owned() })
    }

    /// A terminal of a site.
    pub fn device(site: &str, host: &str) -> Option<Self> {
        (one_id(site) && one_id(host)).then(|| Self { kind: Kind::Device, name: format!("{site}/{host}") })
    }

    /// A switch of a site, by its datapath id.
    pub fn switch(site: &str, dpid: u64) -> Option<Self> {
        one_id(site).then(|| Self { kind: Kind::Switch, name: format!("{site}/{dpid:016x}") })
    }

    /// An institution's signing key.
    pub fn institution(id: &str) -> Option<Self> {
        one_id(id).then(|| Self { kind: Kind::Institution, name: id.to_owned() })
    }

    /// A device, by its device id.
    pub fn equipment(device: &str) -> Option<Self> {
        one_id(device).then(|| Self { kind: Kind::Equipment, name: device.to_owned() })
    }

    /// From the URI a certificate carries.
    pub fn from_uri(uri: &str) -> Option<Self> {
        let (word, name) = uri.strip_prefix("urn:sekisho:")?.split_once(':')?;
        match word {
            "user" => Self::user(name),
            "gate" => Self::gate(name),
            "device" => name.split_once('/').and_then(|(site, host)| Self::device(site, host)),
            "switch" => {
                let (site, dpid) = name.split_once(':')?;
                let canonical = dpid.len() == 16 && dpid.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                Self::switch(site, u64::from_str_radix(dpid, 16).ok().filter(|_| canonical)?)
            }
            "institution" => Self::institution(name),
            "equipment" => Self::equipment(name),
            _ => None,
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// User id, site, `site/host`, `site/dpid`, institution or device id: the user name in EST, and the commonName.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URI in the certificate.
    pub fn uri(&self) -> String {
        let word = match self.kind {
            Kind::Service => "user",
            Kind::Gate => "gate",
            Kind::Device => "device",
            Kind::Switch => return format!("urn:sekisho:switch:{}", self.name.replace('/', ":")),
            Kind::Institution => "institution",
            Kind::Equipment => "equipment",
        };
        format!("urn:sekisho:{word}:{}", self.name)
    }
}

/// As `pki` reads ids.
fn one_id(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || [b'.', b'_', b'-'].contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn uris_and_identities_are_one_to_one() {
        for uri in [
            "urn:sekisho:user:12345678",
            "urn:sekisho:gate:clinic",
            "urn:sekisho:device:clinic/exam-1",
            "urn:sekisho:institution:aoba",
            "urn:sekisho:switch:clinic:00000000000000ab",
            "urn:sekisho:equipment:7F3K-9M2P-4QXT",
        ] {
            assert_eq!(Identity::from_uri(uri).unwrap().uri(), uri);
        }
        for wrong in
            ["", "urn:sekisho:user:", "urn:sekisho:device:a", "urn:sekisho:center:main", "urn:sekisho:gate:a/b"]
        {
            assert_eq!(Identity::from_uri(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(text in "(urn:sekisho:)?(user|gate|device|switch|x)?:?\\PC{0,70}") {
            if let Some(identity) = Identity::from_uri(&text) {
                prop_assert_eq!(identity.uri(), text);
            }
        }
    }
}
