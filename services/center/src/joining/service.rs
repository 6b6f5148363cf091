//! `[joining.service-entrance]`: where terminals with a service certificate send report files (R10, R12).

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::{Extension, Router};
use connections::{Center, Clock, SystemClock};
use entrance::Session;
use files::{Defect, Fault, Wanted};
use issuing::{NotAdmitted, admit};
use portal::joining::{Files, Source, Terminal, TurnedBack};
use registry::Registry;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use submissions::{BadKey, Clamd, KeyFile, Settings, Submissions};
use tokio::net::TcpListener;

use crate::fault::Setting;
use crate::identity::Identity;

/// Terminals at a time; each connection beyond is turned away before a byte of it is read.
const PLACES: usize = 256;
const DAY_MS: i64 = 24 * 3_600_000;

/// `[joining.service-entrance]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceSide {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What people's browsers call it.
    pub url: String,
    /// The service that institutions must have been approved for; the first of `[[joining.service]]` if absent.
    pub service: Option<String>,
    /// Folder of the files; must be writable and nobody else's. Replicas of the center share it. `submissions` in the
    /// center's data folder if absent.
    #[serde(default)]
    pub spool: PathBuf,
    /// clamd's socket: a path, or `address:port` of this machine.
    #[serde(default = "clamd")]
    pub clamd: String,
    /// The key receipts are signed with: ECDSA P-256, PKCS#8 PEM.
    pub receipt_key: PathBuf,
    /// Its certificate, PEM: whoever checks a receipt trusts it.
    pub receipt_certificate: PathBuf,
    /// Largest file, MiB; clamd must take as much.
    #[serde(default = "max_mib")]
    pub max_mib: u32,
    /// What the disk of the folder keeps free, MiB.
    #[serde(default = "reserve_mib")]
    pub reserve_mib: u32,
    /// Uploads an institution may have begun and not finished.
    #[serde(default = "unfinished")]
    pub unfinished: u32,
    /// After so many days an unfinished upload is given up.
    #[serde(default = "keep_days")]
    pub keep_days: u32,
}

fn clamd() -> String {
    "/run/clamav/clamd.ctl".into()
}
fn max_mib() -> u32 {
    64
}
fn reserve_mib() -> u32 {
    1024
}
fn unfinished() -> u32 {
    16
}
fn keep_days() -> u32 {
    7
}

impl ServiceSide {
    /// Relative paths count from the configuration's folder.
    pub(crate) fn beside(&mut self, folder: &Path) {
        for path in [&mut self.receipt_key, &mut self.receipt_certificate] {
            *path = folder.join(&*path);
        }
        if !self.spool.as_os_str().is_empty() {
            self.spool = folder.join(&self.spool);
        }
        if self.clamd.parse::<SocketAddr>().is_err() {
            self.clamd = folder.join(&self.clamd).display().to_string();
        }
    }

    /// What is not said is kept below the center's data.
    pub(crate) fn below(&mut self, data: &Path) {
        if self.spool.as_os_str().is_empty() {
            self.spool = data.join("submissions");
        }
    }

    /// The receipts' key; reads what the section names.
    pub(crate) fn signer(&self) -> Result<KeyFile, Fault> {
        let made = KeyFile::new(&files::text(&self.receipt_key)?, &files::text(&self.receipt_certificate)?);
        made.map_err(|bad| match bad {
            BadKey::Key(e) => Fault::of(&self.receipt_key, Defect::pem(Wanted::PrivateKey, e)),
            BadKey::NotP256(said) => Fault::of(&self.receipt_key, Defect::NotP256 { said }),
            BadKey::Certificate(e) => Fault::of(&self.receipt_certificate, Defect::pem(Wanted::Certificate, e)),
        })
    }

    pub(super) fn scanner(&self) -> Result<Clamd, Fault> {
        match self.clamd.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Clamd::Tcp(address)),
            // Nothing on this way is encrypted.
            Ok(address) => {
                let afar = Setting::ScannerAfar { address: address.to_string() };
                Err(Fault::at("[joining.service-entrance] clamd", afar))
            }
            Err(_) => Ok(Clamd::Unix(self.clamd.clone().into())),
        }
    }

    /// The files, over a registry; makes the folder.
    pub(crate) fn open(&self, registry: Registry) -> Result<Submissions, Fault> {
        let center = self.url.trim_start_matches("https://").split(['/', ':']).next().unwrap_or_default();
        let settings = Settings {
            max_bytes: u64::from(self.max_mib) << 20,
            reserve_bytes: u64::from(self.reserve_mib) << 20,
            max_unfinished: self.unfinished.into(),
            keep_unfinished_ms: i64::from(self.keep_days) * DAY_MS,
            ..Settings::new(self.spool.clone(), self.scanner()?, center)
        };
        Submissions::open(registry, settings, Arc::new(self.signer()?), Arc::new(|| SystemClock.now()))
            .map_err(|e| Fault::io(&self.spool, &e))
    }

    /// The files as pages need them; `first` is the first service on offer.
    pub(crate) fn files(&self, room: Submissions, first: Option<&str>) -> Files {
        Files::new(room, self.service.as_deref().or(first).unwrap_or_default(), &self.url)
    }
}

/// Serves terminals until the process ends.
pub(crate) async fn serve(center: Center, identity: &Identity, listener: TcpListener, router: Router) {
    let tls = match identity.entrance() {
        Ok(tls) => Arc::new(tls),
        Err(error) => return tracing::error!(%error, "no TLS at the entrance of the service"),
    };
    let router =
        router.layer(from_fn(move |Extension(session): Extension<Session>, mut request: Request, next: Next| {
            // With every request: a session does not outlive a revocation.
            let terminal = judged(&center, &session);
            request.extensions_mut().insert(terminal);
            request.extensions_mut().insert(Source(session.address));
            next.run(request)
        }));
    entrance::serve(listener, tls, router, PLACES).await;
}

fn judged(center: &Center, session: &Session) -> Terminal {
    let trust = center.trust();
    match admit(&session.chain, &trust.anchors, trust.revocation(), center.now().unix_seconds()) {
        Ok(user) => Terminal::Admitted { user: user.user().to_owned() },
        Err(refused) => {
            if refused == NotAdmitted::Unproven {
                tracing::error!("no fresh revocation list of service certificates: nobody is let in");
            }
            let (code, section) = (refused.code(), refused.section());
            Terminal::TurnedBack(TurnedBack::new(code, section, move |texts| refused.told(texts)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(text: &str) -> ServiceSide {
        let text = format!(
            "listen = \"127.0.0.1:0\"\nurl = \"https://report.example:7447\"\nreceipt-key = \"r.key\"\n\
             receipt-certificate = \"r.pem\"\n{text}"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn clamd_is_a_socket_beside_the_configuration_or_on_this_machine() {
        let of = |text: &str| {
            let mut side = side(text);
            side.beside(Path::new("/etc/sekisho"));
            side.scanner().map_err(|e| e.to_string())
        };
        assert_eq!(of("").unwrap(), Clamd::Unix("/run/clamav/clamd.ctl".into()));
        assert_eq!(of("clamd = \"clamd.sock\"").unwrap(), Clamd::Unix("/etc/sekisho/clamd.sock".into()));
        assert_eq!(of("clamd = \"127.0.0.1:3310\"").unwrap(), Clamd::Tcp("127.0.0.1:3310".parse().unwrap()));
        assert!(of("clamd = \"192.0.2.1:3310\"").unwrap_err().contains("another machine"));
    }

    #[test]
    fn files_lie_below_the_data_unless_said_otherwise() {
        let of = |text: &str| {
            let mut side = side(text);
            side.beside(Path::new("/etc/sekisho"));
            side.below(Path::new("/var/lib/sekisho"));
            side.spool
        };
        assert_eq!(of(""), Path::new("/var/lib/sekisho/submissions"));
        assert_eq!(of("spool = \"/srv/files\""), Path::new("/srv/files"));
        assert_eq!(of("spool = \"files\""), Path::new("/etc/sekisho/files"));
    }
}
