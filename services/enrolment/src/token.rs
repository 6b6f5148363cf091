//! One text that carries everything a machine needs to fetch its first certificate: where, whom to believe, as whom, and
//! the code. It is good once; whoever has it can be that machine once, so it travels like a password.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

/// So that a person sees what it is, and a scanner for leaked secrets finds it.
const PREFIX: &str = "sekisho-once-";
const LONGEST: usize = 2048;

/// What a one-time token carries.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeToken {
    /// Where to ask: `https://host:port`.
    pub url: String,
    /// SHA-256 of the server's SubjectPublicKeyInfo.
    pub server_key: [u8; 32],
    /// Label in EST, e.g. `gate`.
    pub label: String,
    /// Who asks, e.g. the site.
    pub name: String,
    /// The code.
    pub code: String,
}

/// Not a token, or not all of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a whole one-time token; copy it again from {PREFIX} to its end")]
pub struct Misread;

impl OneTimeToken {
    /// The text: `sekisho-once-` and Base64 of the fields, a line each, with a checksum against lost characters.
    pub fn text(&self) -> String {
        let digest = BASE64.encode(self.server_key);
        let fields = [&self.url, &digest, &self.label, &self.name, &self.code].map(String::as_str).join("\n");
        format!("{PREFIX}{}", BASE64.encode(format!("{}\n{fields}", checksum(&fields))))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`Misread`].
    pub fn read(text: &str) -> Result<Self, Misread> {
        let bare: String = text.split_whitespace().collect();
        let encoded = bare.strip_prefix(PREFIX).filter(|rest| rest.len() <= LONGEST).ok_or(Misread)?;
        let decoded = BASE64.decode(encoded).ok().and_then(|octets| String::from_utf8(octets).ok()).ok_or(Misread)?;
        let (sum, fields) = decoded.split_once('\n').ok_or(Misread)?;
        if sum != checksum(fields) {
            return Err(Misread);
        }
        let parts: Vec<&str> = fields.split('\n').collect();
        let [url, digest, label, name, code] = parts.as_slice() else { return Err(Misread) };
        let server_key = BASE64.decode(digest).ok().and_then(|octets| octets.try_into().ok()).ok_or(Misread)?;
        Ok(Self {
            url: (*url).to_owned(),
            server_key,
            label: (*label).to_owned(),
            name: (*name).to_owned(),
            code: (*code).to_owned(),
        })
    }
}

impl std::fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OneTimeToken({} at {}, …)", self.name, self.url)
    }
}

fn checksum(fields: &str) -> String {
    BASE64.encode(&ring::digest::digest(&ring::digest::SHA256, fields.as_bytes()).as_ref()[..6])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token() -> OneTimeToken {
        OneTimeToken {
            url: "https://center.example:8443".into(),
            server_key: [7; 32],
            label: "gate".into(),
            name: "clinic".into(),
            code: "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE".into(),
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_written_even_from_several_lines() {
        let text = token().text();
        assert!(text.starts_with(PREFIX));
        assert_eq!(OneTimeToken::read(&text), Ok(token()));
        let (first, second) = text.split_at(40);
        assert_eq!(OneTimeToken::read(&format!(" {first}\n  {second}\n")), Ok(token()));
        assert!(!format!("{:?}", token()).contains("AAAAA"));
    }

    proptest! {
        #[test]
        fn a_damaged_token_is_seen(at in any::<proptest::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let text = token().text();
            let at = PREFIX.len() + at.index(text.len() - PREFIX.len());
            let mut damaged = text.clone();
            damaged.replace_range(at..=at, &to);
            if damaged != text {
                // The last character's lowest bits carry nothing; a strict decoder refuses those too.
                prop_assert_eq!(OneTimeToken::read(&damaged), Err(Misread));
            }
            prop_assert_eq!(OneTimeToken::read(&text[..at]), Err(Misread));
        }

        #[test]
        fn any_text_is_a_token_or_not(text in "(sekisho-once-)?\\PC{0,80}") {
            let _ = OneTimeToken::read(&text);
        }
    }
}
