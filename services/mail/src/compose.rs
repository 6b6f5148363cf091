//! The words of a letter.

use joining::Letter;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use model::{LocalizedName, Timestamp};
use std::error::Error;
use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};
use texts::{Arg, Lang, Texts};

use crate::{Failed, Settings};

static TEXTS: LazyLock<[Texts; 2]> = LazyLock::new(|| Lang::ALL.map(Texts::new));

/// Values that are instants, milliseconds.
const INSTANTS: [&str; 5] = ["expires", "due", "alarm", "until", "at"];

/// A letter as it is sent: the same bytes whenever it is composed.
///
/// # Errors
/// An address that the mail library does not take.
pub fn compose(letter: &Letter, settings: &Settings) -> Result<Message, Failed> {
    let refused = |why: String| Failed { nobody_there: false, permanent: true, why };
    let texts = &TEXTS[usize::from(letter.lang == Lang::En)];
    let from = settings.from.parse().map_err(|e| refused(format!("sender: {e}")))?;
    let to = letter.to.as_str().parse().map_err(|e| refused(format!("recipient: {e}")))?;
    let domain = settings.from.rsplit('@').next().unwrap_or_default();
    let at = Duration::from_millis(u64::try_from(letter.at.0).unwrap_or(0));
    let key = format!("mail-{}", letter.kind.as_str());
    let args = args(letter, settings);
    let body = format!("{}\n\n-- \n{}\n", texts.say(&format!("{key}-body"), &args), texts.say("mail-foot", &args));
    Message::builder()
        .from(Mailbox::new(Some(texts.say("mail-sender", &[])), from))
        .to(Mailbox::new(None, to))
        .subject(texts.say(&format!("{key}-subject"), &[]))
        .message_id(Some(format!("<{}@{domain}>", letter.id)))
        .date(UNIX_EPOCH + at)
        // RFC 3834 §5: no holiday notes in return.
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(body)
        .map_err(|e| refused(e.to_string()))
}

fn args<'a>(letter: &'a Letter, settings: &Settings) -> Vec<(&'a str, Arg)> {
    let mut args: Vec<(&str, Arg)> = Vec::new();
    for (name, value) in &letter.args {
        let instant = INSTANTS.contains(&name.as_str()).then(|| value.parse().ok()).flatten();
        args.push((name, instant.map_or_else(|| Arg::Text(one_line(value)), |ms| Arg::Time(Timestamp(ms)))));
    }
    let of = |name: &str| letter.args.get(name).map(|v| one_line(v)).unwrap_or_default();
    if letter.args.contains_key("service-ja") {
        args.push(("service", Arg::Name(LocalizedName { ja: of("service-ja"), en: of("service-en") })));
    }
    args.push(("link", Arg::Text(letter.secret.clone().unwrap_or_default())));
    args.push(("help", Arg::Text(settings.contact.clone())));
    args
}

/// A reason may have been written in several lines; a value has one.
fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use joining::{LetterKind, MailAddress};

    fn settings() -> Settings {
        Settings {
            server: "localhost".into(),
            port: 25,
            security: crate::Security::Plain,
            account: None,
            authority: None,
            from: "noreply@center.example".into(),
            contact: "help@center.example".into(),
        }
    }

    #[test]
    fn every_letter_says_all_it_has_in_both_languages_x5() {
        for kind in LetterKind::ALL.iter().copied() {
            for (lang, texts) in Lang::ALL.iter().zip(TEXTS.iter()) {
                let to = MailAddress::parse("a@hospital.example").unwrap();
                let mut letter = Letter::new([7; 16], kind, &to, *lang, Timestamp(1_800_000_000_000))
                    .with_secret("https://center.example/apply/abc".into());
                for name in ["number", "institution", "applicant", "contact", "user", "vpn", "url", "reason", "name"] {
                    letter = letter.with(name, format!("value-of-{name}"));
                }
                for name in INSTANTS {
                    letter = letter.with(name, 1_800_000_000_000i64);
                }
                letter = letter.with("service-ja", "届出").with("service-en", "Reports");
                let args = args(&letter, &settings());
                let body = texts.say(&format!("mail-{}-body", kind.as_str()), &args);
                assert!(body.lines().count() > 3 && !body.contains("{$"), "{body}");
                assert_eq!(body.contains("/apply/abc"), kind == LetterKind::ApplicationLink, "{body}");
                let whole = compose(&letter, &settings()).unwrap().formatted();
                assert_eq!(whole, compose(&letter, &settings()).unwrap().formatted());
                let head = String::from_utf8(whole).unwrap();
                assert!(head.contains("Message-ID: <07070707070707070707070707070707@center.example>\r\n"), "{head}");
            }
        }
    }

    #[test]
    fn subjects_are_those_of_the_usage_procedure() {
        let said = |kind: LetterKind| TEXTS[0].say(&format!("mail-{}-subject", kind.as_str()), &[]);
        for (kind, subject) in [
            (LetterKind::ApplicationLink, "【医療機関オンライン接続サービス】利用申請 URL のご案内"),
            (LetterKind::ApplicationReceived, "【医療機関オンライン接続サービス】利用申請受付のご案内"),
            (LetterKind::ApplicationApproved, "【医療機関オンライン接続サービス】利用申請承認のご案内"),
            (LetterKind::ApplicationRejected, "【医療機関オンライン接続サービス】利用申請却下のご案内"),
            (LetterKind::ServiceReceived, "【医療機関オンライン接続サービス】サービス利用申請受付のご案内"),
            (LetterKind::ServiceApproved, "【医療機関オンライン接続サービス】サービス利用申請承認のご案内"),
            (LetterKind::ServiceCancelled, "【医療機関オンライン接続サービス】サービス利用申請取消のご案内"),
        ] {
            assert_eq!(said(kind), subject);
        }
    }
}
