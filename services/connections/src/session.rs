//! A person signs in at a terminal and out again (N3). Signing in opens nothing; every line is decided for itself.

use audit::{CloseCause, Digest, Event, Person};
use decision::{PersonSummary, SignInQuestion, admit};
use model::{ConnectionRequest, ConnectionState, GrantId, HostRef, InstitutionId, ServiceId, SessionId, Timestamp};
use pki::Purpose;
use registry::{Commit, Shelf};
use std::collections::BTreeSet;
use std::sync::Arc;
use texts::Arg;
use wire::api::PersonView;
use wire::session::SessionView;

use crate::center::State;
use crate::close::take_back;
use crate::kept::KeptSession;
use crate::presence::{Shown, read_person, who};
use crate::{Asked, Center, Refused, Trouble, Trust, reasons};

/// A person with a card at a terminal; the card answered for [`model::SignIn`] there.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The terminal.
    pub at: HostRef,
    /// Both proofs.
    pub shown: Shown,
    /// SHA-256 of the cookie of the browser that signs in, if one does.
    pub browser: Option<[u8; 32]>,
}

/// Somebody is signed in. The registry keeps it, so a start of the center signs nobody out.
pub(crate) struct Session {
    pub id: SessionId,
    pub at: HostRef,
    pub institution: InstitutionId,
    pub person: PersonSummary,
    pub who: Person,
    pub shown: Shown,
    pub since: Timestamp,
    pub until: Timestamp,
    /// Services an operator cut since it began.
    pub cut: BTreeSet<ServiceId>,
    /// SHA-256 of the cookie of the browser it began in.
    pub browser: Option<[u8; 32]>,
}

impl Session {
    pub fn view(&self) -> SessionView {
        SessionView {
            session: self.id,
            at: self.at.clone(),
            person: person_view(&self.person),
            since: self.since,
            until: self.until,
        }
    }

    /// A request made in it.
    pub fn asks(&self, service: &ServiceId) -> Asked {
        let request = ConnectionRequest { from: self.at.clone(), service: service.clone() };
        Asked { request, shown: self.shown.clone(), session: Some(self.id) }
    }

    /// Signs in again in thought: the bytes its card answered for.
    pub fn confirmed_bytes(&self) -> Vec<u8> {
        model::SignIn { at: self.at.clone() }.signed_bytes()
    }
}

/// A person as people's tools show them.
pub(crate) fn person_view(person: &PersonSummary) -> PersonView {
    PersonView {
        name: person.name.clone(),
        kanji_name: person.kanji_name.clone(),
        role: person.role.clone(),
        // The last second, where the summary has the first instant after it.
        valid_until: person.card_valid_until.plus_ms(-1_000),
    }
}

/// Signs in. Who was signed in at the terminal before is signed out; the same person goes on with what is open.
///
/// # Errors
/// [`Refused`], recorded with all its reasons.
pub async fn sign_in(center: &Center, asked: SignIn) -> Result<SessionView, Refused> {
    let center = center.clone();
    Center::whole(async move {
        match signed_in(&center, &asked).await {
            Err(refused) if refused.entry.is_none() => Err(recorded(&center, &asked, refused).await),
            other => other,
        }
    })
    .await
}

async fn signed_in(center: &Center, asked: &SignIn) -> Result<SessionView, Refused> {
    let now = center.now();
    let trust = trust_about(center, &asked.shown).await;
    let device = asked.shown.device(&trust, now)?;
    let confirmed = model::SignIn { at: asked.at.clone() }.signed_bytes();
    let person = asked.shown.person(&confirmed, &trust, now)?;

    let mut state = center.state().await;
    let admission = admit(&SignInQuestion {
        at: &asked.at,
        person: &person,
        device: &device,
        network: &state.network,
        trust: decision::Trust { anchors: &trust.anchors, revocation: trust.revocation() },
        now,
    })?;
    let session = Session {
        id: center.next_session(),
        at: asked.at.clone(),
        institution: admission.institution().clone(),
        who: who(&person),
        shown: asked.shown.clone(),
        since: now,
        until: admission.until().min(now.plus_ms(center.settings().session_within.as_millis() as i64)),
        person: admission.into_person(),
        cut: BTreeSet::new(),
        browser: asked.browser,
    };
    let before = session_of(&state, &asked.at).map(|s| (s.id, s.who.certificate == session.who.certificate));
    if let Some((before, false)) = before {
        end_session(center, &mut state, before, CloseCause::Replaced, None).await?;
    }
    let mut commit = Commit::at(now);
    if let Some((before, true)) = before {
        let cause = CloseCause::Replaced;
        commit = commit.event(Event::SessionEnded { session: before.0, at: asked.at.clone(), cause });
        commit = commit.forget(Shelf::Session, before.0).lines_follow(before, session.id);
    }
    let started = Event::SessionStarted {
        session: session.id.0,
        at: session.at.clone(),
        person: session.who.clone(),
        device: asked.shown.device.first().map_or(Digest::ZERO, |der| Digest::of(der)),
        until: session.until,
    };
    let commit = commit.keep(Shelf::Session, session.id.0, &KeptSession::of(&session));
    center.commit(&mut state, commit.event(started), None).await?;
    if let Some((before, true)) = before {
        state.sessions.remove(&before);
        state.live.values_mut().filter(|l| l.session == Some(before)).for_each(|l| l.session = Some(session.id));
    }
    let view = session.view();
    tracing::info!(session = %session.id, "signed in");
    state.sessions.insert(session.id, session);
    drop(state);
    center.leases().notify_one();
    Ok(view)
}

/// Signs out: every line opened in the session ends.
///
/// # Errors
/// [`Refused`] if there is no such session, or the registry cannot record it.
pub async fn sign_out(center: &Center, session: SessionId) -> Result<SessionView, Refused> {
    let center = center.clone();
    Center::whole(async move {
        let mut state = center.state().await;
        let view = found(&state, session)?.view();
        end_session(&center, &mut state, session, CloseCause::SignedOut, None).await?;
        Ok(view)
    })
    .await
}

/// Who is signed in at a terminal.
pub async fn session_at(center: &Center, at: &HostRef) -> Option<SessionView> {
    session_of(&*center.state().await, at).map(Session::view)
}

/// A session, if it is not over.
pub async fn session(center: &Center, session: SessionId) -> Option<SessionView> {
    center.state().await.sessions.get(&session).map(Session::view)
}

/// The session that a browser with this cookie (its SHA-256) began at a terminal.
pub async fn session_of_browser(center: &Center, at: &HostRef, cookie: &[u8; 32]) -> Option<SessionView> {
    let state = center.state().await;
    session_of(&state, at).filter(|s| s.browser.as_ref() == Some(cookie)).map(Session::view)
}

pub(crate) fn session_of<'s>(state: &'s State, at: &HostRef) -> Option<&'s Session> {
    state.sessions.values().find(|s| s.at == *at)
}

pub(crate) fn found(state: &State, session: SessionId) -> Result<&Session, Refused> {
    state.sessions.get(&session).ok_or_else(|| no_session(session))
}

pub(crate) fn no_session(what: impl ToString) -> Refused {
    Refused::trouble(Trouble::NoSession, [("what", Arg::text(what))])
}

/// Under the lock: ends a session and the lines opened in it. Returns what it ended. A line that cannot be closed now is
/// ended by its lease, which never outlasts the session.
pub(crate) async fn end_session(
    center: &Center,
    state: &mut State,
    session: SessionId,
    cause: CloseCause,
    operator: Option<&str>,
) -> Result<Vec<GrantId>, Refused> {
    let Some(at) = state.sessions.get(&session).map(|s| s.at.clone()) else { return Ok(Vec::new()) };
    let ended = Event::SessionEnded { session: session.0, at, cause };
    let commit = Commit::at(center.now()).event(ended).forget(Shelf::Session, session.0);
    center.commit(state, commit, None).await?;
    state.sessions.remove(&session);
    tracing::info!(%session, %cause, "a session ended");
    let standing = state.live.values().filter(|l| l.session == Some(session) && l.state != ConnectionState::Closing);
    let lines: Vec<GrantId> = standing.map(|l| l.grant.id).collect();
    for grant in &lines {
        let operator = operator.map(str::to_owned);
        if let Err(error) = take_back(center, state, *grant, cause, operator, Vec::new()).await {
            tracing::error!(%grant, %error, "a line could not be closed with its session; its lease will end it");
        }
    }
    Ok(lines)
}

/// Whom to believe about card and terminal.
pub(crate) async fn trust_about(center: &Center, shown: &Shown) -> Arc<Trust> {
    let chains = vec![(Purpose::Device, shown.device.clone()), (Purpose::HpkiAuthentication, shown.card.clone())];
    center.trust_about(chains).await
}

async fn recorded(center: &Center, asked: &SignIn, refused: Refused) -> Refused {
    let event = Event::SignInRefused {
        at: asked.at.clone(),
        person: read_person(&asked.shown.card),
        reasons: refused.reasons.iter().map(reasons::record).collect(),
    };
    tracing::info!(%refused, "a sign-in is refused");
    crate::apply::recorded(center, event, refused).await
}
