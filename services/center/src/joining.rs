//! `[joining]`: the entrances of who joins, over the use cases of `reception`.

use axum::Router;
use joining::{Institution, PasswordPolicy};
use portal::joining::{Desk, Entrance, Source};
use reception::{Joining, Offer, Operator, RealWorld};
use registry::Registry;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;

use crate::browsers;
use crate::config::{ConfigError, read};
use crate::identity::Identity;

/// Institutions put into the directory at once.
const AT_ONCE: usize = 5_000;

/// `[joining]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct JoiningSide {
    /// Whom applicants may ask; stands in letters.
    pub contact: String,
    /// To the Internet.
    pub public: Door,
    /// To the addresses of the client VPN only.
    pub inside: Door,
    /// Must two operators approve?
    #[serde(default)]
    pub four_eyes: bool,
    /// Rule for passwords: `source` (default) or `guideline`.
    #[serde(default)]
    pub passwords: Option<String>,
    /// Operators, by the name in their certificate, who may only read.
    #[serde(default)]
    pub auditors: Vec<String>,
    /// Institutions to put into the directory at every start: a JSON object a line.
    pub directory: Option<PathBuf>,
    /// Rate limits are so many times as generous; for measurements.
    #[serde(default = "one")]
    pub generous: u32,
    /// Command that fetches a service certificate on a terminal; `{user}` stands for the user ID.
    pub enroll_command: Option<String>,
    /// Services institutions can apply for; absent: the cancer registry of the source.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
}

/// Where an entrance is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Door {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What people's browsers call it.
    pub url: String,
}

/// `[[joining.service]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: model::LocalizedName,
    /// What it is for.
    pub about: model::LocalizedName,
    /// Where it is, once approved.
    #[serde(default)]
    pub url: String,
}

fn one() -> u32 {
    1
}

impl JoiningSide {
    /// Relative paths count from the configuration's folder.
    pub(crate) fn beside(&mut self, folder: &Path) {
        if let Some(path) = &mut self.directory {
            *path = folder.join(&*path);
        }
    }

    fn settings(&self) -> Result<reception::Settings, ConfigError> {
        let mut settings = reception::Settings::new(&self.public.url, &self.inside.url, &self.contact);
        settings.four_eyes = self.four_eyes;
        if let Some(name) = &self.passwords {
            settings.policy = PasswordPolicy::named(name).ok_or_else(|| {
                let known: Vec<&str> = PasswordPolicy::names().collect();
                ConfigError::file(
                    Path::new("[joining]"),
                    format!("passwords = {name:?} is none of {}", known.join(", ")),
                )
            })?;
        }
        let offer =
            |s: &Service| Offer { id: s.id.clone(), name: s.name.clone(), about: s.about.clone(), url: s.url.clone() };
        if !self.services.is_empty() {
            settings.offers = self.services.iter().map(offer).collect();
        }
        Ok(settings)
    }

    /// Institutions of the file.
    pub(crate) fn institutions(&self) -> Result<Vec<Institution>, ConfigError> {
        let Some(path) = &self.directory else { return Ok(Vec::new()) };
        let bytes = read(path)?;
        let text = String::from_utf8(bytes).map_err(|e| ConfigError::file(path, e))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parse = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|e| ConfigError::file(path, format!("line {}: {e}", number + 1)))
        };
        lines.map(parse).collect()
    }
}

/// The use cases with their pages.
pub(crate) struct Wired {
    desk: Desk,
}

impl Wired {
    /// Over the registry; puts the directory's file in.
    pub async fn begin(side: &JoiningSide, registry: Registry) -> Result<Self, ConfigError> {
        let joining = Joining::new(registry, side.settings()?, Arc::new(RealWorld));
        let institutions = side.institutions()?;
        let operator = Operator::new("configuration");
        for some in institutions.chunks(AT_ONCE) {
            joining.put_institutions(&operator, some.to_vec()).await.map_err(|no| {
                ConfigError::file(side.directory.as_deref().unwrap_or(Path::new("")), format!("{no:?}"))
            })?;
        }
        let settings = portal::joining::Settings {
            downloads: Vec::new(),
            enroll_command: side.enroll_command.clone(),
            generous: side.generous,
        };
        Ok(Self { desk: Desk::new(joining, settings) })
    }

    /// Pages of the review, to stand beside the live picture.
    pub fn review(&self) -> Router {
        portal::joining::routes(Entrance::Operator, self.desk.clone())
    }

    /// Serves an entrance until the process ends.
    pub fn serve(
        &self,
        at: Entrance,
        identity: &Identity,
        listener: TcpListener,
    ) -> Result<impl Future<Output = ()> + Send + 'static, rustls::Error> {
        let tls = identity.browsers()?;
        let router = portal::joining::routes(at, self.desk.clone());
        Ok(browsers::serve(listener, tls, move |peer: SocketAddr| {
            router.clone().layer(axum::Extension(Source(peer.ip())))
        }))
    }
}
