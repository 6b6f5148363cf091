//! Mail addresses (届出用メールアドレス), and those of mobile carriers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

/// A mail address that letters are sent to: `local@domain` of RFC 5321 §4.1.2 in dot-atom form, ASCII, no mobile
/// carrier's. The domain is kept in small letters, the local part as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MailAddress(String);

/// Why a text is no address to apply with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailFault {
    /// Nothing was typed.
    Empty,
    /// Longer than 254 bytes (RFC 5321 §4.5.3.1.3), or its local part longer than 64.
    TooLong,
    /// Not of the form `local@domain`.
    Malformed,
    /// Of a mobile carrier; the domain.
    Mobile(String),
}

static CARRIERS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Data {
        domains: BTreeSet<String>,
    }
    toml::from_str::<Data>(include_str!("../data/carriers.toml")).expect("a test reads the file").domains
});

impl MailAddress {
    /// Reads an address; blanks around it and full-width letters are forgiven.
    ///
    /// # Errors
    /// [`MailFault`].
    pub fn parse(text: &str) -> Result<Self, MailFault> {
        let text = crate::search::half_width(text.trim());
        if text.is_empty() {
            return Err(MailFault::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(MailFault::Malformed)?;
        if local.len() > 64 || text.len() > 254 {
            return Err(MailFault::TooLong);
        }
        let domain = domain.to_ascii_lowercase();
        if !is_dot_atom(local) || !is_domain(&domain) {
            return Err(MailFault::Malformed);
        }
        if is_carrier(&domain) {
            return Err(MailFault::Mobile(domain));
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one mailbox have in common, for limits and look-ups; never written to.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// Is the domain, or one above it, a mobile carrier's?
fn is_carrier(domain: &str) -> bool {
    let mut rest = Some(domain);
    while let Some(name) = rest {
        if CARRIERS.contains(name) {
            return true;
        }
        rest = name.split_once('.').map(|(_, above)| above);
    }
    false
}

/// RFC 5322 §3.2.3.
fn is_dot_atom(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    local.split('.').all(atom)
}

/// RFC 1035 §2.3.1, with a top-level domain that is no number: an address of a host is no mail domain here.
fn is_domain(domain: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.')
        && domain.split('.').all(label)
        && last.len() >= 2
        && last.bytes().any(|b| b.is_ascii_alphabetic())
}

impl TryFrom<String> for MailAddress {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|fault| format!("no mail address: {fault:?}"))
    }
}

impl From<MailAddress> for String {
    fn from(address: MailAddress) -> String {
        address.0
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_carriers_of_the_procedure_are_refused_and_all_below_them_r2() {
        for domain in
            ["docomo.ne.jp", "softbank.ne.jp", "ezweb.ne.jp", "EZWEB.ne.jp", "a.b.vodafone.ne.jp.t.vodafone.ne.jp"]
        {
            assert_eq!(
                MailAddress::parse(&format!("xxxx@{domain}")),
                Err(MailFault::Mobile(domain.to_ascii_lowercase())),
            );
        }
        assert!(MailAddress::parse("xxxx@notdocomo.ne.jp").is_ok());
        assert!(MailAddress::parse("docomo.ne.jp@clinic.example").is_ok());
    }

    #[test]
    fn every_domain_of_the_data_file_is_a_domain() {
        assert!(CARRIERS.len() > 40);
        for domain in CARRIERS.iter() {
            assert!(is_domain(domain), "{domain}");
        }
    }

    #[test]
    fn malformed_addresses_are_refused_r2() {
        for text in [
            "a",
            "@b.jp",
            "a@",
            "a@b",
            "a@b..jp",
            ".a@b.jp",
            "a.@b.jp",
            "a..b@c.jp",
            "a b@c.jp",
            "a@-b.jp",
            "a@b.1",
            "a@b.jp\r\nBcc: c@d.jp",
            "a,b@c.jp",
            "\"a b\"@c.jp",
            "a@[192.0.2.1]",
            "医療@b.jp",
            "a@b@c.jp",
            "<a@b.jp>",
        ] {
            assert_eq!(MailAddress::parse(text), Err(MailFault::Malformed), "{text}");
        }
        assert_eq!(MailAddress::parse("　 "), Err(MailFault::Empty));
        assert_eq!(MailAddress::parse(&format!("{}@b.jp", "a".repeat(65))), Err(MailFault::TooLong));
    }

    #[test]
    fn full_width_letters_are_forgiven() {
        assert_eq!(MailAddress::parse(" ｔａｒｏ＠Ｃｌｉｎｉｃ．example ").unwrap().as_str(), "taro@clinic.example");
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_accepted_again_and_holds_nothing_that_a_mail_header_could_trip_over(text in ".{0,40}@?.{0,40}") {
            if let Ok(address) = MailAddress::parse(&text) {
                prop_assert_eq!(MailAddress::parse(address.as_str()), Ok(address.clone()));
                prop_assert!(address.as_str().bytes().all(|b| b.is_ascii_graphic()));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
            }
        }
    }
}
