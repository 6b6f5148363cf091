//! A letter as it came, and what a reader sees of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Sender of the envelope.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Did it come through TLS?
    pub tls: bool,
    /// Header and body, byte by byte.
    pub raw: Vec<u8>,
}

impl Letter {
    /// A header's value, unfolded (RFC 5322 §2.2.3); `None` if there is none.
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.halves();
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        head.split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    }

    /// The subject, decoded (RFC 2047).
    pub fn subject(&self) -> String {
        words(&self.header("Subject").unwrap_or_default())
    }

    /// Between the angle brackets of `Message-ID`.
    pub fn message_id(&self) -> String {
        self.header("Message-ID").unwrap_or_default().trim_matches(['<', '>']).to_owned()
    }

    /// The body of a text in one part, decoded (RFC 2045 §6), with `\n` for line ends.
    pub fn text(&self) -> String {
        let (_, body) = self.halves();
        let encoding = self.header("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase();
        let bytes = match encoding.as_str() {
            "base64" => STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap_or_default(),
            "quoted-printable" => quoted(&body.replace("=\r\n", ""), false),
            _ => body.into_bytes(),
        };
        String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
    }

    /// The first `https://` address in the text.
    pub fn link(&self) -> Option<String> {
        let text = self.text();
        let start = text.find("https://")?;
        text[start..].split(|c: char| c.is_whitespace() || !c.is_ascii()).next().map(str::to_owned)
    }

    fn halves(&self) -> (String, String) {
        let all = String::from_utf8_lossy(&self.raw);
        let (head, body) = all.split_once("\r\n\r\n").unwrap_or((&all, ""));
        (head.to_owned(), body.to_owned())
    }
}

/// `=?utf-8?b?…?=` words in a header; blanks between two of them are none.
fn words(value: &str) -> String {
    let mut out = String::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find("=?") {
        let before = &rest[..start];
        let parts: Vec<&str> = rest[start + 2..].splitn(4, '?').collect();
        let (Some(kind), Some(text), Some(after)) = (parts.get(1), parts.get(2), parts.get(3)) else { break };
        let Some(after) = after.strip_prefix('=') else { break };
        if !before.trim().is_empty() {
            out += &String::from_utf8_lossy(&std::mem::take(&mut bytes));
            out += before;
        }
        bytes.extend(match kind.to_ascii_lowercase().as_str() {
            "b" => STANDARD.decode(text).unwrap_or_default(),
            _ => quoted(text, true),
        });
        rest = after;
    }
    out += &String::from_utf8_lossy(&bytes);
    out + rest
}

fn quoted(text: &str, header: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (bytes[at], hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'=', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'_', _) if header => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(text: &str) -> Letter {
        let raw = text.replace('\n', "\r\n").into_bytes();
        Letter { from: String::new(), to: Vec::new(), tls: false, raw }
    }

    #[test]
    fn headers_and_bodies_are_read_as_a_reader_sees_them() {
        let l = letter(
            "Subject: =?utf-8?b?44CQ5Yy755mC?=\n =?utf-8?q?=E6=A9=9F_a?= b\nMessage-ID: <7@x>\nContent-Transfer-Encoding: base64\n\n44GC\n44GE\n",
        );
        assert_eq!((l.subject().as_str(), l.message_id().as_str(), l.text().as_str()), ("【医療機 a b", "7@x", "あい"));
        let l = letter("content-transfer-encoding: quoted-printable\n\nhttps://a.example/?t=3Dab=\nc=E3=80=82\n");
        assert_eq!(l.text(), "https://a.example/?t=abc。\n");
        assert_eq!(l.link().unwrap(), "https://a.example/?t=abc");
        assert_eq!(letter("no header").header("Subject"), None);
    }
}
