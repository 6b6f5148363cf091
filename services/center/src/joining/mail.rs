//! `[joining.mail]`: the mail server that takes the letters of joining.

use files::Fault;
use mail::{BadSettings, Security, Sender, Settings};
use model::Timestamp;
use registry::Registry;
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fault::Setting;

/// `[joining.mail]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MailSide {
    /// Name of the server, as its certificate says it; or its address.
    pub server: String,
    /// Its port; the usual one of the protection if absent: 465, 587 or 25.
    pub port: Option<u16>,
    /// How the way there is protected: `tls` (default), `starttls`, or `none` for a server on this machine.
    #[serde(default)]
    pub tls: Protection,
    /// PEM file of the authority of the server's certificate; those of the system count if absent.
    pub trust: Option<PathBuf>,
    /// Whose address stands as the sender's.
    pub from: String,
    /// TOML file with `name` and `password`, readable by the center only; without one the server asks for none.
    pub credentials: Option<PathBuf>,
}

/// How the way to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// From the first byte (RFC 8314).
    #[default]
    Tls,
    /// Before anything is said; without it nothing is sent.
    StartTls,
    /// Not at all.
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    name: String,
    password: String,
}

impl MailSide {
    /// Relative paths count from the configuration's folder.
    pub(crate) fn beside(&mut self, folder: &Path) {
        for path in [&mut self.trust, &mut self.credentials].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }

    /// As the sender takes it; reads what the section names. `contact` stands under every letter.
    pub(crate) fn settings(&self, contact: &str) -> Result<Settings, Fault> {
        let (security, port) = match self.tls {
            Protection::Tls => (Security::Tls, 465),
            Protection::StartTls => (Security::StartTls, 587),
            Protection::None => (Security::Plain, 25),
        };
        let authority = match &self.trust {
            Some(path) => Some(files::text(path)?),
            None => None,
        };
        Ok(Settings {
            server: self.server.clone(),
            port: self.port.unwrap_or(port),
            security,
            account: self.credentials.as_deref().map(account).transpose()?,
            authority,
            from: self.from.clone(),
            contact: contact.to_owned(),
        })
    }

    fn wrong(&self, bad: BadSettings) -> Setting {
        match bad {
            BadSettings::From(said) => Setting::MailFrom { found: self.from.clone(), said },
            BadSettings::InClear => Setting::MailInClear { server: self.server.clone() },
            BadSettings::Authority(said) => Setting::MailAuthority { said },
        }
    }

    /// The sender, over the outbox of a registry.
    pub(crate) fn sender(
        &self,
        contact: &str,
        registry: Registry,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Sender, Fault> {
        let settings = self.settings(contact)?;
        Sender::new(registry, settings, Arc::new(now)).map_err(|bad| Fault::at("[joining.mail]", self.wrong(bad)))
    }
}

fn account(path: &Path) -> Result<(String, String), Fault> {
    let mode = std::fs::metadata(path).map_err(|e| Fault::io(path, &e))?.permissions().mode();
    // The group's bits are the mask of an access list where systemd hands credentials over.
    if mode & 0o007 != 0 {
        return Err(Fault::of(path, Setting::CredentialsOpen { mode: format!("{:o}", mode & 0o777) }));
    }
    // Not what the reader says: it would quote the line, and with it the password.
    let read: Result<Credentials, _> = model::read_table("", &files::text(path)?);
    let Credentials { name, password } = read.map_err(|_| Fault::of(path, Setting::Credentials {}))?;
    Ok((name, password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::joining::{JoiningSide, Wired};
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, header};
    use connections::{Clock, SystemClock};
    use portal::joining::Entrance;
    use postbox::{Fault, Postbox, Stage};
    use registry::LetterState;
    use std::sync::atomic::{AtomicI64, Ordering};
    use tower::ServiceExt;

    fn side(text: &str) -> MailSide {
        toml::from_str(&format!("server = \"mail.example\"\nfrom = \"noreply@center.example\"\n{text}")).unwrap()
    }

    #[test]
    fn the_usual_port_of_each_protection_is_taken_r2() {
        for (said, security, port) in [
            ("", Security::Tls, 465),
            ("tls = \"starttls\"", Security::StartTls, 587),
            ("tls = \"none\"", Security::Plain, 25),
            ("port = 2525", Security::Tls, 2525),
        ] {
            let settings = side(said).settings("help@center.example").unwrap();
            assert_eq!((settings.security, settings.port), (security, port), "{said}");
        }
    }

    #[tokio::test]
    async fn nothing_goes_in_clear_to_another_machine() {
        let dir = tempfile::tempdir().unwrap();
        let registry = Registry::open(&format!("sqlite://{}/registry.db", dir.path().display())).await.unwrap();
        let afar = side("tls = \"none\"").sender("help", registry, || Timestamp(0)).map(|_| ()).unwrap_err();
        assert!(afar.to_string().contains("[joining.mail]"), "{afar}");
    }

    #[test]
    fn a_password_that_everybody_may_read_is_refused_and_none_is_ever_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        std::fs::write(&path, "name = \"sekisho\"\npassword = \"secret-1\"\n").unwrap();
        let mut side = side("credentials = \"credentials\"");
        side.beside(dir.path());
        let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert!(side.settings("help").map(|_| ()).unwrap_err().to_string().contains("chmod"));
        mode(0o600);
        let settings = side.settings("help").unwrap();
        assert_eq!(settings.account, Some(("sekisho".into(), "secret-1".into())));
        std::fs::write(&path, "password = secret-1\n").unwrap();
        let said = side.settings("help").map(|_| ()).unwrap_err().to_string();
        assert!(!said.contains("secret-1") && said.contains("credentials"), "{said}");
    }

    /// A browser without a memory: what it gets is a page, or where it is sent.
    async fn ask(router: &Router, method: &str, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let pairs: Vec<_> = form.iter().map(|(n, v)| format!("{n}={}", v.replace('@', "%40"))).collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "join.example")
            .header(header::ORIGIN, "https://join.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(pairs.join("&")))
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let to = answer.headers().get(header::LOCATION).map(|v| v.to_str().unwrap().to_owned());
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, to.unwrap_or_else(|| String::from_utf8_lossy(&body).into_owned()))
    }

    fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
        rest.split_once('"').unwrap().0
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_gives_an_address_to_the_portal_gets_a_letter_whose_link_opens_the_application_r2() {
        let dir = tempfile::tempdir().unwrap();
        let postbox = Postbox::start(postbox::Options::default()).await.unwrap();
        std::fs::write(dir.path().join("mail-ca.pem"), postbox.certificate()).unwrap();
        let text = format!(
            "contact = \"help@center.example\"\n[public]\nlisten = \"127.0.0.1:0\"\nurl = \"https://join.example\"\n\
             [inside]\nlisten = \"127.0.0.1:0\"\nurl = \"https://inside.example\"\n[mail]\nserver = \"localhost\"\n\
             port = {}\ntls = \"starttls\"\ntrust = \"mail-ca.pem\"\nfrom = \"noreply@center.example\"\n",
            postbox.address().port()
        );
        let mut side: JoiningSide = toml::from_str(&text).unwrap();
        side.beside(dir.path());
        let registry = Registry::open(&format!("sqlite://{}/registry.db", dir.path().display())).await.unwrap();
        let wired = Wired::begin(&side, registry.clone(), dir.path()).await.unwrap();
        let clock = Arc::new(AtomicI64::new(SystemClock.now().0));
        let hands = Arc::clone(&clock);
        let mail = side.mail.as_ref().unwrap();
        let now = move || Timestamp(hands.load(Ordering::SeqCst));
        let sender = mail.sender(&side.contact, registry.clone(), now).unwrap();

        let public = portal::joining::routes(Entrance::Public, wired.desk.clone());
        let (_, page) = ask(&public, "GET", "/mail", &[]).await;
        let challenge = hidden(&page, "challenge").to_owned();
        let seen = wired.desk.challenges().read_as_a_person(&challenge, SystemClock.now().0).unwrap();
        let address = "tanto@aoba-clinic.example";
        let typed = [("mail", address), ("mail-again", address), ("challenge", &challenge), ("answer", &seen)];
        let (status, page) = ask(&public, "POST", "/mail", &typed).await;
        assert_eq!(status, 200, "{page}");
        let pass = hidden(&page, "pass").to_owned();
        assert_eq!(ask(&public, "POST", "/mail/send", &[("mail", address), ("pass", &pass)]).await.1, "/mail/sent");

        // The server is away: the letter waits, and the operator sees why on the work-list.
        clock.store(SystemClock.now().0, Ordering::SeqCst);
        postbox.misbehave(Some(Fault::HangsUp(Stage::Greeting)));
        assert_eq!(sender.round().await.unwrap().kept, 1);
        let why = registry.letters_waiting().await.unwrap().unwrap().why.unwrap();
        let review = wired.review().layer(axum::Extension(portal::Operator("ito".into())));
        let (status, page) = ask(&review, "GET", "/review", &[]).await;
        assert!(
            status == 200 && page.contains("letters-wait") && page.contains(why.split('"').next().unwrap()),
            "{page}"
        );

        postbox.misbehave(None);
        clock.fetch_add(3_600_000, Ordering::SeqCst);
        assert_eq!(sender.round().await.unwrap().sent, 1);
        let [letter] = postbox.letters().try_into().unwrap();
        assert!(letter.tls && letter.to == [address], "{letter:?}");
        let link = letter.link().unwrap();
        let path = link.strip_prefix("https://join.example").unwrap();
        let (status, page) = ask(&public, "GET", path, &[]).await;
        assert!(status == 200 && page.contains("name=\"prefecture\""), "{page}");
        assert_eq!(ask(&public, "GET", &path[..path.len() - 1], &[]).await.0, 410);
        let kept = registry.letters_last(9).await.unwrap();
        assert!(
            matches!(kept[0].state, LetterState::Sent { .. }) && registry.letters_waiting().await.unwrap().is_none()
        );
    }
}
