//! A real SMTP server (RFC 5321) that keeps what it is given: for tests and the demo.
//!
//! It speaks in clear, with STARTTLS (RFC 3207) or with TLS from the first byte, can ask for a password, and can be told
//! to misbehave ([`Fault`]). It delivers nothing to anybody and knows nothing of what letters mean.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod letter;
mod talk;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub use letter::Letter;

/// How a conversation is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Plain,
    /// No letter before STARTTLS.
    #[default]
    StartTls,
    /// From the first byte.
    Tls,
}

/// Where in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// After the connection.
    Greeting,
    /// After `EHLO`.
    Hello,
    /// After `AUTH`.
    Auth,
    /// After `MAIL FROM`.
    Mail,
    /// After `RCPT TO`.
    Recipient,
    /// After `DATA`.
    Data,
    /// After the letter's last line.
    End,
}

/// A misbehaviour, until another is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Answers so, e.g. `451 4.3.0 try later`, and does not do what was asked.
    Answers(Stage, &'static str),
    /// Answers a recipient so, and takes letters to others.
    RefusesRecipient(String, &'static str),
    /// Hangs up instead of answering. At [`Stage::End`] the letter was not taken.
    HangsUp(Stage),
    /// Takes the letter and hangs up before it says so.
    TakesInSilence,
}

/// How the server is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub address: SocketAddr,
    /// How conversations are protected.
    pub security: Security,
    /// Name and password it asks for.
    pub account: Option<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), security: Security::default(), account: None }
    }
}

/// A server. It ends when dropped; what it has is gone then.
pub struct Postbox {
    address: SocketAddr,
    certificate: String,
    shared: Arc<Shared>,
    ended: watch::Sender<bool>,
}

pub(crate) struct Shared {
    options: Options,
    tls: TlsAcceptor,
    letters: watch::Sender<Vec<Letter>>,
    fault: Mutex<Option<Fault>>,
    asked: Mutex<u64>,
}

impl Postbox {
    /// Starts, with a certificate of its own for `localhost` and the loopback addresses.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (certificate, tls) = certificate()?;
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            options,
            tls,
            letters: watch::Sender::new(Vec::new()),
            fault: Mutex::new(None),
            asked: Mutex::new(0),
        });
        let (ended, end) = watch::channel(false);
        tokio::spawn(listen(listener, Arc::clone(&shared), end));
        Ok(Self { address, certificate, shared, ended })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate, PEM; to be trusted as an authority.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Everything it took, in order.
    pub fn letters(&self) -> Vec<Letter> {
        self.shared.letters.borrow().clone()
    }

    /// How many connections were made to it.
    pub fn asked(&self) -> u64 {
        *lock(&self.shared.asked)
    }

    /// The first letter that fits, waited for up to a minute.
    pub async fn wait_for(&self, fits: impl Fn(&Letter) -> bool) -> Option<Letter> {
        let mut letters = self.shared.letters.subscribe();
        let found = letters.wait_for(|letters| letters.iter().any(&fits));
        let letters = tokio::time::timeout(Duration::from_secs(60), found).await.ok()?.ok()?;
        letters.iter().find(|l| fits(l)).cloned()
    }

    /// Forgets what it took.
    pub fn empty(&self) {
        self.shared.letters.send_modify(Vec::clear);
    }

    /// Misbehaves from now on, or behaves again.
    pub fn misbehave(&self, fault: Option<Fault>) {
        *lock(&self.shared.fault) = fault;
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        self.ended.send_replace(true);
    }
}

impl Shared {
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }
    pub(crate) fn tls(&self) -> &TlsAcceptor {
        &self.tls
    }
    pub(crate) fn fault(&self) -> Option<Fault> {
        lock(&self.fault).clone()
    }
    pub(crate) fn take(&self, letter: Letter) {
        self.letters.send_modify(|letters| letters.push(letter));
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>, mut end: watch::Receiver<bool>) {
    loop {
        let line = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = end.wait_for(|ended| *ended) => return,
        };
        let Ok((line, _)) = line else { continue };
        *lock(&shared.asked) += 1;
        let (shared, mut end) = (Arc::clone(&shared), end.clone());
        tokio::spawn(async move {
            tokio::select! {
                // However a conversation ends, what was taken is kept.
                _ = talk::talk(line, shared) => {}
                _ = end.wait_for(|ended| *ended) => {}
            }
        });
    }
}

fn certificate() -> io::Result<(String, TlsAcceptor)> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .map_err(io::Error::other)?;
    Ok((made.cert.pem(), TlsAcceptor::from(Arc::new(config))))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
