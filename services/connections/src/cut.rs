//! An operator cuts a line, a person, a device, a site or an agreement at once (G14).
//!
//! What was cut does not open again by itself: sessions of a cut person, device or site end, and the others are barred
//! from the services they lost until their person signs in anew.

use audit::{CloseCause, Event};
use model::{ConnectionState, GrantId, ServiceId, SessionId, Timestamp};
use registry::{Commit, Shelf};
use std::collections::BTreeSet;
use std::time::Instant;
use texts::Arg;
use tokio::sync::watch;
use wire::live::LiveLine;
use wire::session::{CutCall, CutReport, SessionView};

use crate::center::State;
use crate::close::take_back;
use crate::kept::KeptSession;
use crate::live::{Live, Progress};
use crate::live_view::live_line;
use crate::session::{Session, end_session};
use crate::{Center, Refused, Trouble};

/// Digits of a certificate's hash that name a person.
const FEWEST_DIGITS: usize = 8;

/// Cuts, and waits until both gates of every line confirmed, or as long as they have.
///
/// # Errors
/// [`Refused`] if nothing is there to cut, or the registry cannot record it.
pub async fn cut(center: &Center, operator: String, what: CutCall) -> Result<CutReport, Refused> {
    let center = center.clone();
    Center::whole(async move {
        let began = Instant::now();
        let (grants, sessions, progress) = cut_now(&center, &operator, &what).await?;
        let within = center.settings().confirm_within;
        let all = async {
            for mut one in progress {
                // The sender goes with the connection: closed.
                let _ = one.wait_for(|p| matches!(p, Progress::Closed)).await;
            }
        };
        let confirmed = tokio::time::timeout(within, all).await.is_ok();
        Ok(CutReport { grants, sessions, confirmed, micros: began.elapsed().as_micros() as u64 })
    })
    .await
}

/// What a cut would end, if it came now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Falls {
    /// The moment.
    pub now: Timestamp,
    /// Lines.
    pub lines: Vec<LiveLine>,
    /// Sessions.
    pub sessions: Vec<SessionView>,
}

/// What a cut would end now. Changes nothing.
pub async fn falls(center: &Center, what: &CutCall) -> Falls {
    let state = center.state().await;
    let standing = state.live.values().filter(|l| l.state != ConnectionState::Closing && concerns(what, l));
    Falls {
        now: center.now(),
        lines: standing.map(|l| live_line(&state, l)).collect(),
        sessions: state.sessions.values().filter(|s| ends(what, s)).map(Session::view).collect(),
    }
}

/// Everything a line belongs to that could be cut, the line itself first; nothing if it does not stand.
pub async fn cuts_of(center: &Center, grant: GrantId) -> Vec<CutCall> {
    let state = center.state().await;
    let Some(line) = state.live.get(&grant).filter(|l| l.state != ConnectionState::Closing) else { return Vec::new() };
    let of = &line.grant;
    vec![
        CutCall::Line(grant),
        CutCall::Person(line.person.certificate.to_string()),
        CutCall::Device(of.origin.host_ref()),
        CutCall::Device(of.destination.host_ref()),
        CutCall::Site(of.origin.site.clone()),
        CutCall::Site(of.destination.site.clone()),
        CutCall::Agreement(of.agreement.clone()),
    ]
}

type Cut = (Vec<GrantId>, Vec<SessionId>, Vec<watch::Receiver<Progress>>);

async fn cut_now(center: &Center, operator: &str, what: &CutCall) -> Result<Cut, Refused> {
    let mut state = center.state().await;
    let standing = state.live.values().filter(|l| l.state != ConnectionState::Closing);
    let lines: Vec<(GrantId, watch::Receiver<Progress>)> =
        standing.filter(|l| concerns(what, l)).map(|l| (l.grant.id, l.progress.subscribe())).collect();
    let ending: Vec<SessionId> = state.sessions.values().filter(|s| ends(what, s)).map(|s| s.id).collect();
    if lines.is_empty() && ending.is_empty() && !is_known(&state, what) {
        return Err(Refused::trouble(Trouble::NothingToCut, [("what", Arg::text(what))]));
    }
    let grants: Vec<GrantId> = lines.iter().map(|(grant, _)| *grant).collect();
    let event = Event::CutOrdered {
        operator: operator.to_owned(),
        what: what.to_string(),
        grants: grants.clone(),
        sessions: ending.iter().map(|s| s.0).collect(),
    };
    let barred = barred(&state, what, &grants);
    let mut commit = Commit::at(center.now()).event(event);
    let mut bars = Vec::new();
    for session in state.sessions.values() {
        let own = barred.iter().filter(|(whose, _)| whose.is_none_or(|w| w == session.id)).map(|(_, s)| s.clone());
        let cut: BTreeSet<ServiceId> = own.chain(session.cut.iter().cloned()).collect();
        if cut != session.cut {
            commit = commit.keep(Shelf::Session, session.id.0, &KeptSession::barred(session, &cut));
            bars.push((session.id, cut));
        }
    }
    center.commit(&mut state, commit, None).await?;
    for (id, cut) in bars {
        if let Some(session) = state.sessions.get_mut(&id) {
            session.cut = cut;
        }
    }
    let mut failed = None;
    for grant in &grants {
        let done = take_back(center, &mut state, *grant, CloseCause::Operator, Some(operator.into()), Vec::new()).await;
        failed = done.err().or(failed);
    }
    for session in &ending {
        let done = end_session(center, &mut state, *session, CloseCause::Operator, Some(operator)).await;
        failed = done.err().or(failed);
    }
    match failed {
        Some(refused) => Err(refused),
        None => Ok((grants, ending, lines.into_iter().map(|(_, progress)| progress).collect())),
    }
}

/// Does the line fall?
fn concerns(what: &CutCall, line: &Live) -> bool {
    let grant = &line.grant;
    match what {
        CutCall::Line(id) => grant.id == *id,
        CutCall::Person(person) => names(person, &line.person),
        CutCall::Device(host) => grant.origin.host_ref() == *host || grant.destination.host_ref() == *host,
        CutCall::Site(site) => line.sites().contains(&site),
        CutCall::Agreement(agreement) => grant.agreement == *agreement,
    }
}

/// Does the session end?
fn ends(what: &CutCall, session: &Session) -> bool {
    match what {
        CutCall::Person(person) => names(person, &session.who),
        CutCall::Device(host) => session.at == *host,
        CutCall::Site(site) => session.at.site == *site,
        CutCall::Line(_) | CutCall::Agreement(_) => false,
    }
}

/// By name all who bear it: to cut one too many is mended by signing in again.
fn names(text: &str, person: &audit::Person) -> bool {
    let digits = text.len() >= FEWEST_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
    person.name.eq_ignore_ascii_case(text) && !text.is_empty()
        || digits && person.certificate.to_string().starts_with(&text.to_ascii_lowercase())
}

/// Services that sessions, one or all, do not open any more.
fn barred(state: &State, what: &CutCall, grants: &[GrantId]) -> BTreeSet<(Option<SessionId>, ServiceId)> {
    let network = &state.network;
    match what {
        CutCall::Line(_) => {
            let lines = grants.iter().filter_map(|g| state.live.get(g));
            lines.filter_map(|l| Some((Some(l.session?), l.grant.service.clone()))).collect()
        }
        CutCall::Device(host) => {
            network.services.values().filter(|s| s.host == *host).map(|s| (None, s.id.clone())).collect()
        }
        CutCall::Site(site) => {
            network.services.values().filter(|s| s.host.site == *site).map(|s| (None, s.id.clone())).collect()
        }
        CutCall::Agreement(id) => {
            let Some(agreement) = network.agreements.get(id) else { return BTreeSet::new() };
            let of_consumer = state.sessions.values().filter(|s| s.institution == agreement.consumer);
            of_consumer.map(|s| (Some(s.id), agreement.service.clone())).collect()
        }
        CutCall::Person(_) => BTreeSet::new(),
    }
}

/// Is it something that could have lines, though it has none?
fn is_known(state: &State, what: &CutCall) -> bool {
    match what {
        CutCall::Line(_) | CutCall::Person(_) => false,
        CutCall::Device(host) => state.network.host(host).is_some(),
        CutCall::Site(site) => state.network.sites.contains_key(site),
        CutCall::Agreement(id) => state.network.agreements.contains_key(id),
    }
}
