//! Gates come and go (G1).

use audit::{CloseCause, Digest, Event};
use model::{ConnectionState, Generation, GrantId, Section, SessionId, SiteId};
use pki::{Purpose, Refusal, verify_device, verify_gate, verify_person};
use registry::Commit;
use std::net::IpAddr;

use crate::close::{Closer, begin};
use crate::live::GateView;
use crate::session::end_session;
use crate::{Center, LinkNumber, Refused, reasons};

/// A gate that linked itself: certificate verified by the caller, site named by it.
#[derive(Debug, Clone)]
pub struct Joined {
    /// Number of this link.
    pub link: LinkNumber,
    /// The site its certificate names.
    pub site: SiteId,
    /// Its chain, end entity first, DER.
    pub certificate: Vec<Vec<u8>>,
    /// Its software.
    pub software: String,
    /// Generation it holds.
    pub generation: Option<Generation>,
}

/// A gate is linked. It gets the whole state unless it holds the wanted generation already.
///
/// # Errors
/// [`Refused`] if the registry cannot record it; the link must then end.
pub async fn gate_joined(center: &Center, joined: Joined) -> Result<(), Refused> {
    let mut state = center.state().await;
    let certificate = joined.certificate.first().map_or(Digest::ZERO, |der| Digest::of(der));
    let event = Event::GateJoined {
        site: joined.site.clone(),
        certificate,
        version: joined.software.clone(),
        generation: joined.generation.unwrap_or_default(),
    };
    center.commit(&mut state, Commit::at(center.now()).event(event), None).await?;
    tracing::info!(site = %joined.site, link = joined.link, "gate joined");
    let alarms = state.gates.remove(&joined.site).map(|gate| gate.alarms).unwrap_or_default();
    let view = GateView {
        link: Some(joined.link),
        certificate: joined.certificate,
        revoked: false,
        in_force: None,
        software: Some(joined.software),
        alarms,
    };
    state.gates.insert(joined.site.clone(), view);
    let Some(wanted) = state.verifier.site(&joined.site) else { return Ok(()) };
    if joined.generation.is_some_and(|g| g > wanted.generation()) {
        // The machine lost power with commits not yet on its disk. The gate keeps what it has; leases end it.
        tracing::error!(site = %joined.site, wanted = %wanted.generation(), "the gate is ahead of the registry");
    }
    if joined.generation != Some(wanted.generation()) {
        center.order_snapshot(wanted.state());
    }
    Ok(())
}

/// A gate that waits beside the site's active one holds this generation: it gets the whole state unless it holds the
/// wanted one already. (The active one hears it too; to that it is nothing new.)
pub async fn standby_needs(center: &Center, site: &SiteId, holds: Option<Generation>) {
    let state = center.state().await;
    if let Some(wanted) = state.verifier.site(site).filter(|wanted| holds != Some(wanted.generation())) {
        center.order_snapshot(wanted.state());
    }
}

/// A link ended. A newer link of the same gate is left alone.
pub async fn gate_left(center: &Center, site: &SiteId, link: LinkNumber, why: &str) {
    let mut state = center.state().await;
    let Some(gate) = state.gates.get_mut(site).filter(|g| g.link == Some(link)) else { return };
    gate.link = None;
    let section = if gate.revoked { Section::InHouseLan } else { Section::AccessLine };
    tracing::info!(%site, link, why, "gate left");
    let event = Event::GateLeft { site: site.clone(), section, why: why.to_owned() };
    if let Err(error) = center.commit(&mut state, Commit::at(center.now()).event(event), None).await {
        tracing::error!(%site, %error, "that a gate left could not be recorded");
    }
}

/// A gate was turned away at the door.
pub async fn gate_refused(center: &Center, chain: &[Vec<u8>], address: Option<IpAddr>, refusals: &[Refusal]) {
    let certificate = chain.first().map(|der| Digest::of(der));
    let site = chain.first().and_then(|der| named_site(der));
    let revoked = refusals.iter().any(|r| matches!(r, Refusal::Revoked { .. }));
    let mut state = center.state().await;
    if let Some(site) = site.as_ref().filter(|_| revoked) {
        let gate = state.gates.entry(site.clone()).or_default();
        if gate.link.is_none() {
            gate.revoked = true;
        }
    }
    let reasons = decision::Denial::from_gate(refusals).reasons().iter().map(reasons::record).collect();
    let event = Event::GateRefused { site, certificate, address, reasons };
    if let Err(error) = center.commit(&mut state, Commit::at(center.now()).event(event), None).await {
        tracing::error!(%error, "a refused gate could not be recorded");
    }
    drop(state);
    // Nobody can be asked in the middle of a handshake; the gate dials again and finds the answer.
    if refusals.iter().any(Refusal::is_about_responders) {
        center.trust_about(vec![(Purpose::Gate, chain.to_vec())]).await;
    }
}

fn named_site(der: &[u8]) -> Option<SiteId> {
    let certificate = pki::Certificate::parse(der).ok()?;
    certificate.uris().iter().find_map(|uri| uri.strip_prefix("urn:sekisho:gate:")?.parse().ok())
}

/// Revocation lists changed: judges every gate, card and terminal again. A revoked gate's link is cut; connections of a
/// revoked card or terminal, or with an end at a revoked gate, are closed. A list that is merely old drops nothing that
/// is open (X4).
pub async fn reexamine(center: &Center) {
    let (trust, now) = (center.trust(), center.now().unix_seconds());
    let revoked = |result: Result<(), Vec<Refusal>>| {
        result.err().unwrap_or_default().into_iter().find(|r| matches!(r, Refusal::Revoked { .. }))
    };
    let slices = |chain: &[Vec<u8>]| -> Vec<Vec<u8>> { chain.to_vec() };
    let mut ending: Vec<(GrantId, CloseCause)> = Vec::new();
    let mut over: Vec<(SessionId, CloseCause)> = Vec::new();
    let mut cut: Vec<(SiteId, Vec<Vec<u8>>, Refusal)> = Vec::new();
    {
        let mut state = center.state().await;
        for (site, gate) in state.gates.iter_mut().filter(|(_, g)| g.link.is_some()) {
            let chain: Vec<&[u8]> = gate.certificate.iter().map(Vec::as_slice).collect();
            let verdict = verify_gate(&chain, &trust.anchors, trust.revocation(), now).map(drop);
            if let Some(refusal) = revoked(verdict) {
                gate.revoked = true;
                cut.push((site.clone(), slices(&gate.certificate), refusal));
            }
        }
        for live in state.live.values().filter(|l| l.state != ConnectionState::Closing) {
            if live.sites().iter().any(|s| cut.iter().any(|(c, _, _)| c == *s)) {
                ending.push((live.grant.id, CloseCause::GateRevoked));
                continue;
            }
            let shown = live.proofs.as_ref().and_then(|proofs| {
                let card: Vec<&[u8]> = proofs.card.iter().map(Vec::as_slice).collect();
                let device: Vec<&[u8]> = proofs.device.iter().map(Vec::as_slice).collect();
                let person = verify_person(&card, &trust.anchors, trust.revocation(), now).map(drop);
                let device = || verify_device(&device, &trust.anchors, trust.revocation(), now).map(drop);
                match revoked(person) {
                    Some(_) => Some(CloseCause::CardRevoked),
                    None => revoked(device()).map(|_| CloseCause::DeviceRevoked),
                }
            });
            let agreed = || crate::apply::agreement_revoked(&state, live, &trust, center.now());
            ending.extend(shown.or_else(agreed).map(|cause| (live.grant.id, cause)));
        }
        for session in state.sessions.values() {
            let card: Vec<&[u8]> = session.shown.card.iter().map(Vec::as_slice).collect();
            let device: Vec<&[u8]> = session.shown.device.iter().map(Vec::as_slice).collect();
            if revoked(verify_person(&card, &trust.anchors, trust.revocation(), now).map(drop)).is_some() {
                over.push((session.id, CloseCause::CardRevoked));
            } else if revoked(verify_device(&device, &trust.anchors, trust.revocation(), now).map(drop)).is_some() {
                over.push((session.id, CloseCause::DeviceRevoked));
            }
        }
    }
    // Connections first: their closing order is the last thing a gate hears before its link is cut.
    for (grant, cause) in ending {
        if let Err(refused) = begin(center, grant, &Closer::Center(cause)).await {
            tracing::error!(%grant, %refused, "a connection could not be closed after a revocation");
        }
    }
    for (session, cause) in over {
        let mut state = center.state().await;
        if let Err(refused) = end_session(center, &mut state, session, cause, None).await {
            tracing::error!(%session, %refused, "a session could not be ended after a revocation");
        }
    }
    for (site, chain, refusal) in cut {
        tracing::warn!(%site, "the gate's certificate is revoked; cutting its link");
        gate_refused(center, &chain, None, &[refusal]).await;
        center.gates().cut(&site);
    }
}
