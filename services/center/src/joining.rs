//! `[joining]`: the entrances of who joins, over the use cases of `reception`.

mod cards;
pub(crate) mod mail;
mod revocation;
pub(crate) mod service;
mod vpn;

use axum::Router;
use connections::Center;
use files::Fault;
use ipnet::Ipv4Net;
use issuing::Issuing;
use joining::{Institution, PasswordPolicy};
use portal::joining::{Desk, Entrance, Source, VpnLines};
use provenance::Provenance;
use reception::{Joining, Offer, Operator, RealWorld};
use registration::Registration;
use registry::{Registry, Seals};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use submissions::Submissions;
use texts::Arg;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::browsers;
use crate::fault::{Part, Setting, told};
use crate::identity::Identity;
pub use vpn::VpnSide;

/// Institutions put into the directory at once.
const AT_ONCE: usize = 5_000;

/// Between looks at what nobody came back for.
const CARE: Duration = Duration::from_secs(600);

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
    /// File with the keys that accounts and letters are sealed with in the registry: a key a line, 32 octets in base 64, the
    /// present one first. They lie open if absent.
    pub seal: Option<PathBuf>,
    /// The client VPN; where it is absent, something else keeps the entrance inside to those who may reach it.
    pub vpn: Option<VpnSide>,
    /// The mail server; letters wait where it is absent.
    pub mail: Option<mail::MailSide>,
    /// The entrance for terminals with a service certificate; no files are taken where it is absent.
    pub service_entrance: Option<service::ServiceSide>,
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
        for path in [&mut self.directory, &mut self.seal].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        if let Some(vpn) = &mut self.vpn {
            vpn.beside(folder);
        }
        if let Some(mail) = &mut self.mail {
            mail.beside(folder);
        }
        if let Some(service) = &mut self.service_entrance {
            service.beside(folder);
        }
    }

    /// What seals accounts and letters.
    pub(crate) fn seals(&self) -> Result<Option<Arc<Seals>>, Fault> {
        let Some(path) = &self.seal else {
            tracing::warn!("[joining] names no file `seal`: password hashes and secrets lie open in the registry");
            return Ok(None);
        };
        let seals = Seals::read(&files::text(path)?);
        seals.map(|seals| Some(Arc::new(seals))).map_err(|_| Fault::of(path, Setting::Seal {}))
    }

    /// The client VPN, with every file it names.
    fn vpn(&self, trust: &Path) -> Result<Option<vpn::Vpn>, Fault> {
        let login = (self.inside.url.as_str(), self.inside.listen.ip());
        self.vpn.as_ref().map(|side| vpn::Vpn::read(side, login, trust)).transpose()
    }

    /// Reads every file it names; what is wrong with each.
    pub(crate) fn check(&self, trust: &Path) -> Vec<Result<(), Fault>> {
        let mut found = vec![self.settings().map(drop), self.institutions().map(drop)];
        // Before the first start the authorities have not put their certificates there yet.
        if trust.join("device").exists() {
            found.push(self.vpn(trust).map(drop));
        }
        found.extend(self.mail.as_ref().map(|mail| mail.settings(&self.contact).map(drop)));
        if let Some(service) = &self.service_entrance {
            found.extend([service.signer().map(drop), service.scanner().map(drop)]);
        }
        found
    }

    fn settings(&self) -> Result<reception::Settings, Fault> {
        let mut settings = reception::Settings::new(&self.public.url, &self.inside.url, &self.contact);
        settings.four_eyes = self.four_eyes;
        if let Some(name) = &self.passwords {
            settings.policy = PasswordPolicy::named(name).ok_or_else(|| {
                let known = Arg::List(PasswordPolicy::names().map(Arg::text).collect());
                Fault::at("[joining] passwords", Setting::Passwords { found: name.clone(), known })
            })?;
        }
        let offer =
            |s: &Service| Offer { id: s.id.clone(), name: s.name.clone(), about: s.about.clone(), url: s.url.clone() };
        if !self.services.is_empty() {
            settings.offers = self.services.iter().map(offer).collect();
        }
        if let Some(entrance) = &self.service_entrance {
            let here = |offer: &&mut Offer| entrance.service.as_ref().is_none_or(|id| *id == offer.id);
            let known = Arg::List(settings.offers.iter().map(|offer| Arg::text(&offer.id)).collect());
            let Some(offer) = settings.offers.iter_mut().find(here) else {
                let service = entrance.service.clone().unwrap_or_default();
                return Err(Fault::at("[joining.service-entrance]", Setting::NotOnOffer { service, known }));
            };
            if offer.url.is_empty() {
                offer.url.clone_from(&entrance.url);
            }
        }
        Ok(settings)
    }

    /// Institutions of the file.
    pub(crate) fn institutions(&self) -> Result<Vec<Institution>, Fault> {
        let Some(path) = &self.directory else { return Ok(Vec::new()) };
        let text = files::text(path)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parse = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|e| {
                Fault::of(path, Setting::DirectoryLine { line: (number + 1).to_string(), said: e.to_string() })
            })
        };
        lines.map(parse).collect()
    }
}

/// The use cases with their pages.
pub(crate) struct Wired {
    joining: Joining,
    desk: Desk,
    vpn: Option<vpn::Vpn>,
    lines: Arc<vpn::Lines>,
    /// Addresses of who is in the client VPN.
    inside: Vec<Ipv4Net>,
    /// The files, if they are taken.
    files: Option<Submissions>,
}

impl Wired {
    /// Over the registry; puts the directory's file in.
    pub async fn begin(side: &JoiningSide, registry: Registry, trust: &Path) -> Result<Self, Fault> {
        let vpn = side.vpn(trust)?;
        let joining = Joining::new(registry.clone(), side.settings()?, Arc::new(RealWorld));
        let institutions = side.institutions()?;
        let operator = Operator::new("configuration");
        for some in institutions.chunks(AT_ONCE) {
            joining.put_institutions(&operator, some.to_vec()).await.map_err(|no| {
                let path = side.directory.as_deref().unwrap_or(Path::new(""));
                Fault::of(path, Setting::Directory { why: told(&no.reason()) })
            })?;
        }
        let settings = portal::joining::Settings {
            downloads: vpn.as_ref().map(vpn::Vpn::downloads).unwrap_or_default(),
            enroll_command: side.enroll_command.clone(),
            generous: side.generous,
        };
        let inside = side.vpn.as_ref().map(VpnSide::ranges).unwrap_or_default();
        let lines = Arc::new(vpn::Lines::default());
        let first = joining.settings().offers.first().map(|offer| offer.id.clone());
        let mut desk = Desk::new(joining.clone(), settings);
        desk = desk.with_lines(Arc::clone(&lines) as Arc<dyn VpnLines>);
        let files = match &side.service_entrance {
            Some(entrance) => {
                let room = entrance.open(registry)?;
                desk = desk.with_files(entrance.files(room.clone(), first.as_deref()));
                Some(room)
            }
            None => None,
        };
        Ok(Self { joining, desk, vpn, lines, inside, files })
    }

    /// Registers sites and agreements too, and judges cards by the center's trust.
    pub fn register(
        &mut self,
        center: &Center,
        offers: Option<(Issuing, registration::Desk)>,
        devices: Option<Provenance>,
    ) {
        let registration = Registration::new(center.clone(), self.joining.clone(), offers);
        let desk = self.desk.clone().with_registration(registration);
        let desk = desk.with_cards(Arc::new(cards::Judge(center.clone())));
        self.desk = match devices {
            Some(devices) => desk.with_devices(devices),
            None => desk,
        };
    }

    /// Begins what works without anybody asking.
    pub async fn spawn(&mut self, issuing: Option<Issuing>, parts: &mut JoinSet<Part>) -> Result<(), Fault> {
        if let Some(issuing) = issuing {
            let registry = self.joining.registry().clone();
            let joining = self.joining.clone();
            parts.spawn(async move {
                revocation::keep(registry, issuing, move || joining.now()).await;
                Part::EndedAccounts
            });
        }
        if let Some(vpn) = self.vpn.take() {
            vpn.serve(self.joining.clone(), Arc::clone(&self.lines), parts).await?;
        }
        let joining = self.joining.clone();
        parts.spawn(async move {
            care(joining).await;
            Part::Applications
        });
        if let Some(files) = self.files.clone() {
            parts.spawn(async move {
                files.work().await;
                Part::Reports
            });
        }
        Ok(())
    }

    /// Pages of the review, to stand beside the live picture.
    pub fn review(&self) -> Router {
        portal::joining::routes(Entrance::Operator, self.desk.clone())
    }

    /// Pages and protocol of the entrance of the service.
    pub fn service(&self) -> Router {
        portal::joining::routes(Entrance::Service, self.desk.clone())
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
        // Another address than the VPN gives has no business here, whatever way its packets took (R7).
        let only = if at == Entrance::Inside { self.inside.clone() } else { Vec::new() };
        let admitted = move |peer: IpAddr| only.is_empty() || only.iter().any(|range| is_in(peer, range));
        let router = move |peer: SocketAddr| router.clone().layer(axum::Extension(Source(peer.ip())));
        Ok(browsers::serve(listener, tls, admitted, router))
    }
}

/// Ends what nobody came back for, until the process ends.
async fn care(joining: Joining) {
    loop {
        if let Err(refused) = joining.sweep().await {
            tracing::warn!(?refused, "what nobody came back for stays for now");
        }
        tokio::time::sleep(CARE).await;
    }
}

fn is_in(peer: IpAddr, range: &Ipv4Net) -> bool {
    matches!(peer.to_canonical(), IpAddr::V4(address) if range.contains(&address))
}
