//! Live grants: what each says of itself, and that everything of it is there, at both ends (I07, I09, I12, I14, I16).

use model::{
    Grant, GrantId, Protocol, Selector, Site, SiteFacts, SiteState, Tunnel, ZoneSide, ZoneVerdict, may_originate,
};
use std::net::{IpAddr, Ipv4Addr};

use crate::premises::Premises;
use crate::walk::{Carried, Findings};
use crate::{Because, Fault, Invariant, Refutation};

type Verdict = Result<(), Box<Refutation>>;
type Breach = (Invariant, Fault);

/// Each grant by itself, and against its other end if that is in view.
pub(crate) fn judge(p: &Premises<'_>) -> Verdict {
    for (id, grant) in &p.state.grants {
        let breach = contract_breach(&p.state.facts, *id, grant).or_else(|| other_end(p, grant));
        if let Some((invariant, fault)) = breach {
            return Err(p.refute(invariant, fault, Because::Grant(*id)));
        }
    }
    Ok(())
}

/// Flow rules, tunnel and filters of each live grant are all there (N5). Called when nothing is too wide.
pub(crate) fn together(p: &Premises<'_>, found: &Findings) -> Verdict {
    let none = Carried::default();
    for (id, grant) in &p.state.grants {
        let carried = found.carried.get(id).unwrap_or(&none);
        let all = |ports: &[u16]| grant.ports.iter().all(|port| ports.contains(port));
        let missing = if !all(&carried.first) {
            Some(Fault::NoFirstPackets)
        } else if !all(&carried.later) {
            Some(Fault::NoLaterPackets)
        } else if !all(&carried.answers) {
            Some(Fault::NoAnswers)
        } else if !p.tunnels.contains_key(id) {
            Some(Fault::NoTunnel)
        } else {
            None
        };
        if let Some(fault) = missing {
            return Err(p.refute(Invariant::Together, fault, Because::Grant(*id)));
        }
    }
    Ok(())
}

/// What one end can say of a grant by itself: it is what it says, and may originate where it does.
pub(crate) fn contract_breach(facts: &SiteFacts, id: GrantId, grant: &Grant) -> Option<Breach> {
    sanity(facts, id, grant).or_else(|| zones(&facts.site, grant))
}

fn sanity(facts: &SiteFacts, id: GrantId, grant: &Grant) -> Option<Breach> {
    let sane = |good: bool, fault: Fault| (!good).then_some((Invariant::GrantSane, fault));
    let site = &facts.site;
    let here = &site.id;
    let far = if &grant.origin.site == here { &grant.destination } else { &grant.origin };
    let Some((near, _)) = grant.end_at(here) else { return sane(false, Fault::GrantEnds) };
    let registered =
        site.hosts.get(&near.host).is_some_and(|h| h.address == near.address && site.zone_of(h) == Some(near.zone));
    let ports_sorted = grant.ports.windows(2).all(|w| w[0] < w[1]);
    let same_family = near.address.is_ipv4() == far.address.is_ipv4();
    sane(grant.id == id && id.0 <= GrantId::MAX, Fault::GrantKey)
        .or_else(|| sane(grant.origin.site != grant.destination.site && same_family, Fault::GrantEnds))
        .or_else(|| sane(registered, Fault::GrantHost))
        .or_else(|| sane(near.institution == site.institution, Fault::GrantEntity))
        .or_else(|| sane(grant.service.institution == grant.destination.institution, Fault::GrantEntity))
        .or_else(|| sane(!grant.ports.is_empty() && ports_sorted && grant.ports[0] != 0, Fault::GrantPorts))
        .or_else(|| sane(grant.granted_at < grant.lease_until, Fault::GrantLease))
        .or_else(|| match facts.peers.get(&far.site) {
            None => Some((Invariant::KnownPeer, Fault::UnknownPeer)),
            Some(peer) if !peer.prefixes.iter().any(|n| n.contains(&far.address)) => {
                Some((Invariant::KnownPeer, Fault::AddressNotOfPeer))
            }
            Some(peer) => sane(peer.institution == far.institution, Fault::GrantEntity),
        })
}

/// May it originate where it does, as far as this end is concerned (G8)?
fn zones(site: &Site, grant: &Grant) -> Option<Breach> {
    let (near, originates) = grant.end_at(&site.id)?;
    let zone = ZoneSide::Zone(near.zone);
    let (from, to) = if originates { (zone, ZoneSide::Tunnel) } else { (ZoneSide::Tunnel, zone) };
    zone_breach(from, to, site.hosts.get(&near.host)?.proxy.is_some())
}

/// What the matrix says of a pair of sides, given whether one of the two hosts is a proxy.
pub(crate) fn zone_breach(from: ZoneSide, to: ZoneSide, proxy: bool) -> Option<Breach> {
    match may_originate(from, to) {
        ZoneVerdict::Allowed => None,
        ZoneVerdict::ViaProxy if proxy => None,
        ZoneVerdict::ViaProxy => Some((Invariant::ZoneMatrix, Fault::ZoneNeedsProxy)),
        ZoneVerdict::Denied => Some((Invariant::ZoneMatrix, Fault::ZoneDenied)),
    }
}

/// The other end holds the same grant, and its tunnel mirrors ours.
fn other_end(p: &Premises<'_>, grant: &Grant) -> Option<Breach> {
    if !p.sees_all() {
        return None;
    }
    let (_, originates) = grant.end_at(&p.site.id)?;
    let far = if originates { &grant.destination.site } else { &grant.origin.site };
    let Some(theirs) = p.neighbour(far) else { return Some((Invariant::Together, Fault::OtherEndMissing)) };
    match theirs.grants.get(&grant.id) {
        None => return Some((Invariant::Together, Fault::OtherEndMissing)),
        Some(same) if same != grant => return Some((Invariant::GrantSane, Fault::GrantDiffers)),
        Some(_) => {}
    }
    // A missing tunnel is said by `together`, at the end that lacks it.
    let (ours, its) = (p.tunnels.get(&grant.id)?, tunnel_of(theirs, grant.id)?);
    if ours.local != its.remote || ours.remote != its.local {
        return Some((Invariant::Mirrored, Fault::NotMirrored));
    }
    (ours.initiator == its.initiator).then_some((Invariant::Mirrored, Fault::WrongInitiator))
}

/// The tunnel of a grant, without looking at the others: the set is ordered by grant first.
fn tunnel_of(state: &SiteState, grant: GrantId) -> Option<&Tunnel> {
    let least = Selector { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), protocol: Protocol::Tcp, ports: Vec::new() };
    // "0" is the least of all site ids: they begin with a letter or digit.
    let peer = "0".parse().expect("`0` is a site id");
    let from = Tunnel { grant, peer, local: least.clone(), remote: least, initiator: false };
    state.tunnels.range(from..).next().filter(|t| t.grant == grant)
}
