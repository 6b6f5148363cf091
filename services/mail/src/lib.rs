//! Sends the letters (メール) that wait in the registry's outbox (R2–R6, R9).
//!
//! A letter is written in the same transaction as what it tells of. Here it is worded ([`compose`]), given to a mail
//! server over TLS, and marked as sent; then its one-time URL is wiped. While the server is away, or refuses, the letter
//! stays and is tried again, less and less often, for ever: an operator sees why.
//!
//! Nothing is lost when the process dies. In one case a letter goes out twice, and SMTP (RFC 5321 §4.5.3.2.6) knows no
//! way out: if the process dies between the server's "250" and our mark. Both copies then have the same bytes and the
//! same `Message-ID`, so that mail programs show one.
//!
//! This room must not know what letters mean, nor who gets which.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod compose;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use model::Timestamp;
use registry::{DueLetter, Registry, RegistryError};
use std::sync::Arc;
use std::time::Duration;

pub use compose::compose;

/// How the way to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314), usually port 465.
    Tls,
    /// STARTTLS; nothing is sent if the server does not offer it.
    StartTls,
    /// In clear: taken only for a server on this very machine.
    Plain,
}

/// The mail server and who writes.
#[derive(Clone)]
pub struct Settings {
    /// Name or address of the server.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way is protected.
    pub security: Security,
    /// Name and password there.
    pub account: Option<(String, String)>,
    /// Authority of the server's certificate, PEM; those of the system if absent.
    pub authority: Option<String>,
    /// Sender, and the domain of `Message-ID`s.
    pub from: String,
    /// Where people turn with questions, shown under every letter.
    pub contact: String,
}

/// Why the settings cannot be used. The operator's configuration is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// The sender's address.
    #[error("mail server: the sender's address: {0}")]
    From(String),
    /// In clear to another machine.
    #[error("mail server: without TLS only on this machine")]
    InClear,
    /// The authority of the server's certificate, or those of the system.
    #[error("mail server: {0}")]
    Authority(String),
}

/// The present instant.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The sender. Clones share it.
#[derive(Clone)]
pub struct Sender {
    registry: Registry,
    settings: Arc<Settings>,
    server: AsyncSmtpTransport<Tokio1Executor>,
    clock: Clock,
}

/// What one round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Letters the server took.
    pub sent: u64,
    /// Letters that stay for later.
    pub kept: u64,
    /// Why, of the last that stayed.
    pub fault: Option<String>,
}

/// A letter is the sender's for a minute (`Registry::letters_due`); it gives up before that ends.
const PATIENCE: Duration = Duration::from_secs(45);
const COMMAND: Duration = Duration::from_secs(20);
const QUIET: Duration = Duration::from_secs(2);
const MINUTE_MS: i64 = 60_000;

impl Sender {
    /// A sender over a registry's outbox.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn new(registry: Registry, settings: Settings, clock: Clock) -> Result<Self, BadSettings> {
        settings.from.parse::<Address>().map_err(|e| BadSettings::From(e.to_string()))?;
        let tls = match settings.security {
            Security::Tls => Tls::Wrapper(parameters(&settings)?),
            Security::StartTls => Tls::Required(parameters(&settings)?),
            Security::Plain if is_here(&settings.server) => Tls::None,
            Security::Plain => return Err(BadSettings::InClear),
        };
        let domain = settings.from.rsplit('@').next().unwrap_or_default().to_owned();
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.server)
            .port(settings.port)
            .tls(tls)
            .hello_name(ClientId::Domain(domain))
            .timeout(Some(COMMAND));
        if let Some((name, password)) = &settings.account {
            server = server.credentials(Credentials::new(name.clone(), password.clone()));
        }
        Ok(Self { registry, settings: Arc::new(settings), server: server.build(), clock })
    }

    /// Works until dropped.
    pub async fn work(&self) {
        let mut told = None;
        loop {
            let round = self.round().await;
            let fault = match &round {
                Ok(round) => round.fault.clone(),
                Err(error) => Some(error.to_string()),
            };
            if fault != told {
                match &fault {
                    Some(fault) => tracing::warn!(%fault, "letters wait"),
                    None => tracing::info!("letters no longer wait"),
                }
                told = fault;
            }
            tokio::time::sleep(QUIET).await;
        }
    }

    /// Sends what is due, one letter after the other, until nothing is or the server cannot be reached. Rounds of
    /// several replicas may run at once: each letter is one's.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn round(&self) -> Result<Round, RegistryError> {
        let mut round = Round::default();
        while let Some(due) = self.registry.letters_due((self.clock)(), 1).await?.pop() {
            match self.send(&due).await {
                Ok(()) => {
                    match self.registry.letter_sent(&due.letter, (self.clock)()).await {
                        // Told before, by the replica that had it when this one took too long.
                        Ok(()) | Err(RegistryError::Stale { .. }) => {}
                        Err(error) => return Err(error),
                    }
                    round.sent += 1;
                }
                Err(failed) => {
                    let again = (self.clock)().plus_ms(pause_ms(due.tried, failed.permanent));
                    self.registry.letter_failed(&due.letter.id, again, &failed.why).await?;
                    round.kept += 1;
                    round.fault = Some(failed.why);
                    // The others fare no better; they keep their turn.
                    if failed.nobody_there {
                        break;
                    }
                }
            }
        }
        Ok(round)
    }

    async fn send(&self, due: &DueLetter) -> Result<(), Failed> {
        let letter = compose(&due.letter, &self.settings)?;
        let sending = self.server.send(letter);
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failed {
                nobody_there: error.status().is_none(),
                permanent: error.is_permanent(),
                why: error.to_string(),
            }),
            Err(_) => Err(Failed { nobody_there: true, permanent: false, why: "no answer in time".into() }),
        }
    }
}

/// Why a letter was not taken.
#[derive(Debug)]
pub struct Failed {
    nobody_there: bool,
    permanent: bool,
    why: String,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)
    }
}

/// One minute, two, four … an hour; six hours after a refusal for good: addresses come back to life, and operators
/// correct them.
fn pause_ms(tried: u32, permanent: bool) -> i64 {
    if permanent { 360 * MINUTE_MS } else { MINUTE_MS << tried.min(6) }.min(360 * MINUTE_MS)
}

fn parameters(settings: &Settings) -> Result<TlsParameters, BadSettings> {
    let mut builder = TlsParameters::builder(settings.server.clone());
    if let Some(pem) = &settings.authority {
        let authority = Certificate::from_pem(pem.as_bytes()).map_err(|e| BadSettings::Authority(e.to_string()))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build().map_err(|e| BadSettings::Authority(e.to_string()))
}

fn is_here(server: &str) -> bool {
    server == "localhost" || server.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!([0, 1, 5, 6, 99].map(|n| pause_ms(n, false) / MINUTE_MS), [1, 2, 32, 64, 64]);
        assert_eq!(pause_ms(0, true), 360 * MINUTE_MS);
        assert!(is_here("127.0.0.1") && is_here("localhost") && is_here("::1"));
        assert!(!is_here("mail.example") && !is_here("192.0.2.1"));
    }
}
