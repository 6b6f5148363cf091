//! Who asks: the relying party.

/// A relying party: its id, and the one origin its pages come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

impl RelyingParty {
    /// Of the pages at an address, `https://inside.example:8443/…`. `None` where browsers know no security keys: without
    /// TLS, or at an address instead of a name (§5.1.3 step 7: the effective domain must be a valid domain).
    pub fn at(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
            None => (authority.as_str(), None),
        };
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A last label of digits makes it an IPv4 address (URL §3.5).
        let number = host.rsplit('.').next()?.bytes().all(|b| b.is_ascii_digit());
        if number || host.len() > 253 || !host.split('.').all(label) {
            return None;
        }
        // An origin is written without the port of its scheme (RFC 6454 §6.2).
        let origin = match port.filter(|port| *port != 443) {
            Some(port) => format!("https://{host}:{port}"),
            None => format!("https://{host}"),
        };
        Some(Self { id: host.to_owned(), origin })
    }

    /// RP ID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Origin, as browsers write it.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_over_tls_and_nothing_else() {
        let party = |url| RelyingParty::at(url).map(|p| (p.id, p.origin));
        let is = |id: &str, origin: &str| Some((id.to_owned(), origin.to_owned()));
        assert_eq!(party("https://inside.example"), is("inside.example", "https://inside.example"));
        assert_eq!(party("https://Inside.Example:443/x?y"), is("inside.example", "https://inside.example"));
        assert_eq!(party("https://localhost:8443"), is("localhost", "https://localhost:8443"));
        for no in [
            "http://inside.example",
            "https://192.0.2.1",
            "https://192.0.2.1:8443",
            "https://[2001:db8::1]:8443",
            "https://user@inside.example",
            "https://inside..example",
            "https://-a.example",
            "https://inside.example:port",
            "https://",
            "inside.example",
            "https://病院.example",
        ] {
            assert_eq!(party(no), None, "{no}");
        }
    }
}
