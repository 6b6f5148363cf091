//! The center's certification authorities at work (R10, G1): the entrance for EST, the papers of gates, what operators do
//! with certificates, and the lists that are kept fresh.

use audit::Event;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use connections::Center;
use enrolment::OneTimeToken;
use entrance::Session;
use files::{Defect, Fault, Wanted};
use issuing::{Identity, Issuing, KeyPlace, Kind, Offer, Reason, Refused};
use model::{Section, SiteId, Timestamp};
use registry::{CertificateRow, Commit, Registry};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use wire::api::{PROBLEM_MEDIA_TYPE, Problem};
use wire::enrolment::{
    AGREEMENTS, AgreementView, CertificateList, CertificateQuery, CertificateView, GatePapers, OfferCall, OfferReport,
    RevokeCall,
};

use crate::answer::texts;
use crate::config::Config;
use crate::fault::{RunError, Setting};
use crate::identity::Identity as CenterIdentity;
use crate::introducer::Portal;
use crate::operator::Account;

/// Machines and people that fetch certificates at a time.
const PLACES: usize = 256;
/// Folder of trust, and name among the papers of a gate.
const REGISTRATION: &str = "registration";
/// A few agreements with their chains.
const LONGEST_AGREEMENTS: usize = 256 * 1024;
/// How often lists are looked at.
const LOOK_AT_LISTS: Duration = Duration::from_secs(60);
/// A code that nobody used within this was forgotten.
const MOST_HOURS: u32 = 14 * 24;

/// `[issuing]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct IssuingSide {
    /// Where certificates are fetched (EST, RFC 7030).
    pub listen: SocketAddr,
    /// The same as it is reached from outside: `https://center.example:7448`.
    pub url: String,
    /// Name of the operator in the authorities' certificates.
    pub organization: String,
    /// Folder of the authorities; must be writable and nobody else's.
    #[serde(default = "authorities")]
    pub dir: PathBuf,
    /// PEM file of the CA that issued the center's own certificate: gates are told to believe it.
    pub center_ca: PathBuf,
    /// That CA's revocation list, PEM or DER.
    pub center_crl: PathBuf,
    /// Where gates dial in as they see it; the address of `[gates]` if absent.
    pub gates: Option<SocketAddr>,
    /// The authorities' keys on a PKCS#11 token instead of files in the folder.
    pub token: Option<TokenSide>,
}

/// `[issuing.token]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TokenSide {
    /// The PKCS#11 library.
    pub driver: PathBuf,
    /// Label of the token, if there are several.
    pub label: Option<String>,
    /// File with its PIN, readable by the center only.
    pub pin_file: PathBuf,
}

fn authorities() -> PathBuf {
    "authorities".into()
}

impl IssuingSide {
    /// Relative paths count from the configuration's folder.
    pub(crate) fn below(&mut self, folder: &Path) {
        let token = self.token.iter_mut().flat_map(|token| [&mut token.driver, &mut token.pin_file]);
        for path in [&mut self.dir, &mut self.center_ca, &mut self.center_crl].into_iter().chain(token) {
            *path = folder.join(&*path);
        }
    }
}

/// Opens the authorities, and puts their certificates and lists where the center looks for trust.
pub(crate) async fn open(config: &Config, registry: &Registry, now: Timestamp) -> Result<Option<Issuing>, RunError> {
    let Some(side) = &config.issuing else { return Ok(None) };
    let mut keys = BTreeMap::new();
    if let Some(token) = &side.token {
        let driver = card::Driver::load(&token.driver).map_err(|e| issuing::Refused::from(keys::KeyFault::from(e)))?;
        let driver = Arc::new(driver);
        let pin = String::from_utf8_lossy(&files::read(&token.pin_file)?).trim().to_owned();
        for kind in Kind::ALL {
            let place = KeyPlace::Token {
                driver: Arc::clone(&driver),
                token: token.label.clone(),
                pin: pin.clone(),
                label: format!("{kind}-ca"),
            };
            keys.insert(kind, place);
        }
    }
    let settings = issuing::Settings {
        dir: side.dir.clone(),
        organization: side.organization.clone(),
        keys,
        trust: Some(config.trust.dir.clone()),
        crl_base: None,
    };
    Ok(Some(Issuing::open(registry.clone(), settings, now).await?))
}

/// The desk where certificates are handed out.
#[derive(Clone)]
pub(crate) struct Desk {
    center: Center,
    issuing: Issuing,
    papers: Arc<Papers>,
}

/// What every gate is told alike.
struct Papers {
    url: String,
    server_key: [u8; 32],
    gates: SocketAddr,
    center_name: String,
    order_key: String,
    center_ca: PathBuf,
    center_crl: PathBuf,
    /// Folder of trust in the registration authority.
    registration: PathBuf,
}

impl Desk {
    pub(crate) fn new(
        config: &Config,
        center: Center,
        issuing: Issuing,
        identity: &CenterIdentity,
    ) -> Result<Option<Self>, Fault> {
        let Some(side) = &config.issuing else { return Ok(None) };
        let chain = &config.certificates.chain;
        let unreadable =
            |e: pki::Malformed| Defect::Unreadable { wanted: Wanted::Certificate.into(), said: e.to_string() };
        let certificate = pki::Certificate::parse(identity.leaf()).map_err(|e| Fault::of(chain, unreadable(e)))?;
        let center_name = certificate.uris().iter().find_map(|uri| uri.strip_prefix("urn:sekisho:center:"));
        let center_name = center_name.ok_or_else(|| Fault::of(chain, Setting::NoCenterName {}))?;
        let order_key = connections::OrderKey::from_pem(&files::read(&config.orders.key)?)
            .map_err(|e| Fault::of(&config.orders.key, e))?;
        let spki = issuance::p256_spki(order_key.public_point())
            .ok_or_else(|| Fault::of(&config.orders.key, Defect::NotP256 { said: "-".into() }))?;
        let papers = Papers {
            url: side.url.clone(),
            server_key: audit::Digest::of(certificate.spki_der()).0,
            gates: side.gates.unwrap_or(config.gates.listen),
            center_name: center_name.to_owned(),
            order_key: enrolment::pem("PUBLIC KEY", &spki),
            center_ca: side.center_ca.clone(),
            center_crl: side.center_crl.clone(),
            registration: config.trust.dir.join(REGISTRATION),
        };
        Ok(Some(Self { center, issuing, papers: Arc::new(papers) }))
    }

    /// The authorities, and where certificates are fetched.
    pub(crate) fn offers(&self) -> (Issuing, registration::Desk) {
        let desk = registration::Desk { url: self.papers.url.clone(), server_key: self.papers.server_key };
        (self.issuing.clone(), desk)
    }

    /// Serves EST, the papers of gates and what stands beside them until the process ends.
    pub(crate) async fn serve(self, identity: Arc<CenterIdentity>, listener: TcpListener, beside: Router) {
        let tls = match identity.entrance() {
            Ok(tls) => Arc::new(tls),
            Err(error) => return tracing::error!(%error, "no TLS where certificates are fetched"),
        };
        let clock = self.center.clone();
        let routes = est::routes(
            self.issuing.clone(),
            Arc::new(move || clock.now()),
            Some(Arc::new(Portal::new(self.center.clone()))),
        )
        .merge(
            Router::new()
                .route("/.well-known/sekisho/gate", get(papers))
                .route(AGREEMENTS, post(agreements))
                .layer(DefaultBodyLimit::max(LONGEST_AGREEMENTS))
                .with_state(self),
        )
        .merge(beside);
        entrance::serve(listener, tls, routes, PLACES).await;
    }

    /// Keeps the lists fresh until the process ends.
    pub(crate) async fn keep_lists(self) {
        loop {
            tokio::time::sleep(LOOK_AT_LISTS).await;
            if let Err(error) = self.issuing.keep_lists(self.center.now()).await {
                tracing::error!(%error, "the revocation lists are not kept; old ones will be refused");
            }
        }
    }

    /// What operators do with certificates.
    pub(crate) fn operator_routes(self) -> Router {
        Router::new()
            .route("/v1/certificates", get(list))
            .route("/v1/certificates/offer", post(offer))
            .route("/v1/certificates/revoke", post(revoke))
            .with_state(self)
    }
}

/// Agreements that institutions signed: the signatures are what admits them.
async fn agreements(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> Response {
    let signed = match std::str::from_utf8(&body) {
        Ok(text) => connections::countersign(&desk.center, "agreement.toml", text).await,
        Err(e) => Err(crate::answer::malformed(&e)),
    };
    let view = |signed: connections::Signed| AgreementView {
        agreement: signed.agreement,
        complete: signed.by.len() == 2,
        signed_by: signed.by,
        changed: signed.changed,
    };
    let answer = signed.map(|all| all.into_iter().map(view).collect::<Vec<_>>());
    crate::answer::answer(answer, texts(&headers))
}

/// For a gate that shows its certificate: everything else it needs.
async fn papers(State(desk): State<Desk>, Extension(session): Extension<Session>) -> Response {
    let site = match crate::gate_tls::gate_site(&desk.center, &session.chain) {
        Ok(site) => site,
        Err(refusals) => {
            let codes: Vec<&str> = refusals.iter().map(pki::Refusal::code).collect();
            let event = Event::EnrolmentRefused {
                identity: None,
                reason: codes.first().copied().unwrap_or("P002").to_owned(),
                address: Some(session.address),
            };
            if let Err(error) = desk.center.registry().commit(Commit::at(desk.center.now()).event(event)).await {
                tracing::error!(%error, "a refusal could not be recorded");
            }
            let mut response = (StatusCode::FORBIDDEN, codes.join(" ")).into_response();
            if let Some(code) = codes.first().and_then(|code| code.parse().ok()) {
                response.headers_mut().insert("sekisho-reason", code);
            }
            return response;
        }
    };
    match made(&desk, site).await {
        Ok(papers) => Json(papers).into_response(),
        Err(error) => {
            tracing::error!(%error, "no papers for a gate");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn made(desk: &Desk, site: SiteId) -> Result<GatePapers, RefusedOrFile> {
    let text = |path: &Path| files::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let network = connections::applied_network(&desk.center).await;
    let gateways = network.sites.get(&site).map(|site| site.segments.values().map(|s| s.gateway_address()).collect());
    let mut authorities = BTreeMap::from([("center".to_owned(), text(&desk.papers.center_ca)?)]);
    let list = files::read(&desk.papers.center_crl)?;
    let list = if list.starts_with(b"-----") {
        String::from_utf8_lossy(&list).into_owned()
    } else {
        enrolment::pem("X509 CRL", &list)
    };
    let mut lists = BTreeMap::from([("center".to_owned(), list)]);
    for kind in [Kind::Gate, Kind::Switch] {
        authorities.insert(kind.to_string(), desk.issuing.authority(kind).certificate_pem());
        if let Some(der) = desk.issuing.list(kind).await? {
            lists.insert(kind.to_string(), enrolment::pem("X509 CRL", &der));
        }
    }
    if let Some(list) = registration_list(&desk.papers.registration)? {
        lists.insert(REGISTRATION.to_owned(), list);
    }
    Ok(GatePapers {
        site,
        center: desk.papers.gates,
        center_name: desk.papers.center_name.clone(),
        order_key: desk.papers.order_key.clone(),
        authorities,
        lists,
        gateways: gateways.unwrap_or_default(),
    })
}

/// The registration authority's revocation list, for devices that verify permits by it (G1); none where no equipment is
/// registered. Whoever gets it verifies it by the authority's certificate, which the device has from its maker.
fn registration_list(folder: &Path) -> Result<Option<String>, Fault> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(None) };
    let mut lists: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    lists.retain(|path| path.extension().is_some_and(|extension| extension == "crl"));
    lists.sort();
    let Some(path) = lists.first() else { return Ok(None) };
    let list = files::read(path)?;
    Ok(Some(match list.starts_with(b"-----") {
        true => String::from_utf8_lossy(&list).into_owned(),
        false => enrolment::pem("X509 CRL", &list),
    }))
}

#[derive(Debug, thiserror::Error)]
enum RefusedOrFile {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    File(#[from] Fault),
}

async fn offer(
    State(desk): State<Desk>,
    ConnectInfo(account): ConnectInfo<Account>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call: OfferCall = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(e) => return misread(&headers, &e),
    };
    let Some(identity) = Identity::from_uri(&call.identity) else {
        return misread(&headers, &format!("{:?} is no identity, e.g. urn:sekisho:gate:clinic", call.identity));
    };
    let now = desk.center.now();
    let hours = i64::from(call.hours.clamp(1, MOST_HOURS));
    let mut dns_names = call.dns_names.clone();
    if identity.kind() == Kind::Gate {
        let network = connections::applied_network(&desk.center).await;
        let site = identity.name().parse::<SiteId>().ok().and_then(|site| network.sites.get(&site).cloned());
        dns_names.extend(site.map(|site| site.gateway.ike_identity));
        dns_names.dedup();
    }
    let offer = Offer {
        identity: &identity,
        organization: &call.organization,
        dns_names: &dns_names,
        operator: &account.0,
        until: Timestamp(now.0 + hours * 3_600_000),
    };
    match desk.issuing.offer(now, &offer).await {
        Ok(offered) => {
            let token = OneTimeToken {
                url: desk.papers.url.clone(),
                server_key: desk.papers.server_key,
                label: identity.kind().to_string(),
                name: identity.name().to_owned(),
                code: offered.code.expose().to_owned(),
            };
            Json(OfferReport {
                identity: identity.uri(),
                code: offered.code.expose().to_owned(),
                token: token.text(),
                until: offered.until,
            })
            .into_response()
        }
        Err(refused) => problem(&headers, &refused),
    }
}

async fn list(State(desk): State<Desk>, Query(query): Query<CertificateQuery>, headers: HeaderMap) -> Response {
    let Some(identity) = Identity::from_uri(&query.identity) else {
        return misread(&headers, &format!("{:?} is no identity", query.identity));
    };
    match desk.issuing.certificates(&identity).await {
        Ok(rows) => Json(CertificateList { certificates: rows.into_iter().map(view).collect() }).into_response(),
        Err(refused) => problem(&headers, &refused),
    }
}

async fn revoke(
    State(desk): State<Desk>,
    ConnectInfo(account): ConnectInfo<Account>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call: RevokeCall = match serde_json::from_slice(&body) {
        Ok(call) => call,
        Err(e) => return misread(&headers, &e),
    };
    let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == call.reason);
    let (Some(kind), Some(reason)) = (Kind::from_name(&call.kind), reason) else {
        return misread(&headers, &format!("{} or {} is not known", call.kind, call.reason));
    };
    match desk.issuing.revoke(desk.center.now(), kind, &call.serial, reason, &account.0).await {
        Ok(()) => {
            // A gate whose certificate ended loses its link now, not at the next look.
            connections::reexamine(&desk.center).await;
            match desk.issuing.registry().certificate(kind.as_str(), &call.serial).await {
                Ok(row) => Json(row.map(view)).into_response(),
                Err(error) => problem(&headers, &Refused::Registry(error)),
            }
        }
        Err(refused) => problem(&headers, &refused),
    }
}

fn view(row: CertificateRow) -> CertificateView {
    CertificateView {
        kind: row.authority,
        serial: row.serial,
        identity: row.identity,
        organization: row.organization,
        issued_at: row.issued_at,
        not_after: row.not_after,
        revoked_at: row.revoked.map(|(at, _)| at),
    }
}

fn misread(headers: &HeaderMap, why: &dyn std::fmt::Display) -> Response {
    crate::answer::answer::<()>(Err(crate::answer::malformed(why)), texts(headers))
}

fn problem(headers: &HeaderMap, refused: &Refused) -> Response {
    if refused.section() == Section::Operator {
        tracing::error!(%refused, "certificates");
    }
    let (title, detail) = refused.told(texts(headers));
    let status = if refused.is_transient() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::CONFLICT };
    let problem = Problem {
        kind: format!("urn:sekisho:problem:{}", refused.code().to_lowercase()),
        title: format!("{} {title}", refused.code()),
        status: status.as_u16(),
        detail: Some(detail),
        instance: None,
        code: refused.code().to_owned(),
        section: refused.section(),
        reasons: vec![crate::answer::reason_view(&refused.reason(), texts(headers))],
        counter_example: None,
    };
    (status, [(header::CONTENT_TYPE, PROBLEM_MEDIA_TYPE)], Json(problem).into_response().into_body()).into_response()
}
