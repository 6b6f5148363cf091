//! Facts that contradict each other prove nothing (I02).

use ipnet::IpNet;
use model::SiteId;
use std::collections::BTreeSet;

use crate::premises::Premises;
use crate::{Because, Fault, Invariant, Refutation};

type Verdict = Result<(), Box<Refutation>>;

/// Judges a site's facts by themselves and against what its neighbours say.
pub(crate) fn judge(p: &Premises<'_>) -> Verdict {
    let found =
        segments(p).or_else(|| hosts(p)).or_else(|| in_house(p)).or_else(|| prefixes(p)).or_else(|| neighbours(p));
    match found {
        Some((fault, what)) => Err(p.refute(Invariant::Facts, fault, Because::Facts(what))),
        None => Ok(()),
    }
}

type Found = Option<(Fault, String)>;

fn segments(p: &Premises<'_>) -> Found {
    for (id, segment) in &p.site.segments {
        if &segment.id != id || !segment.prefix.contains(&segment.gateway_address()) {
            return Some((Fault::GatewayOffSegment, id.to_string()));
        }
        if !p.site.model.zones().contains(&segment.zone) {
            return Some((Fault::ZoneNotOfModel, id.to_string()));
        }
    }
    let inside = |address| p.site.segments.values().any(|s| s.prefix.contains(&address));
    if p.site.lines.is_empty() || p.site.lines.iter().any(|l| inside(l.address)) {
        return Some((Fault::NoLine, p.site.id.to_string()));
    }
    (p.site.gateway.uplink.switch != p.site.switch.id)
        .then(|| (Fault::HostOffSwitch, p.site.gateway.uplink.to_string()))
}

fn hosts(p: &Premises<'_>) -> Found {
    let mut ports = BTreeSet::from([p.uplink()]);
    let mut macs = BTreeSet::from([p.site.gateway.mac]);
    let mut addresses: BTreeSet<_> = p.gateways.keys().copied().collect();
    for (id, host) in &p.site.hosts {
        let found = |fault| Some((fault, id.to_string()));
        if &host.id != id || !p.site.segment_of(host).is_some_and(|s| s.prefix.contains(&host.address)) {
            return found(Fault::HostOffSegment);
        }
        if host.port.switch != p.site.switch.id {
            return found(Fault::HostOffSwitch);
        }
        if !ports.insert(host.port.port) || !macs.insert(host.mac) || !addresses.insert(host.address) {
            return found(Fault::HostTwice);
        }
    }
    None
}

fn in_house(p: &Premises<'_>) -> Found {
    let known = |id| p.site.hosts.contains_key(id);
    let wrong = p.site.in_house.iter().position(|r| !known(&r.from) || !known(&r.to) || r.ports.is_empty())?;
    Some((Fault::InHouseUnknownHost, format!("in-house[{wrong}]")))
}

/// No two prefixes overlap, be they this site's or its peers'; sorted, so that only neighbours need comparing.
fn prefixes(p: &Premises<'_>) -> Found {
    let here = &p.site.id;
    let own = p.site.segments.values().map(|s| (s.prefix, here));
    let theirs = p.state.facts.peers.iter().flat_map(|(id, peer)| peer.prefixes.iter().map(move |n| (*n, id)));
    let mut all: Vec<(IpNet, &SiteId)> = own.chain(theirs).map(|(n, id)| (n.trunc(), id)).collect();
    // By first address, wider first: an overlapping pair then leads to one side by side.
    all.sort_by_key(|(n, _)| (n.network(), n.prefix_len()));
    let overlap = all.windows(2).find(|w| w[0].0.contains(&w[1].0))?;
    Some((Fault::PrefixOverlap, format!("{} of {}, {} of {}", overlap[0].0, overlap[0].1, overlap[1].0, overlap[1].1)))
}

fn neighbours(p: &Premises<'_>) -> Found {
    let here = &p.site.id;
    for (id, known) in &p.state.facts.peers {
        if id == here {
            return Some((Fault::PeerIsSelf, id.to_string()));
        }
        if p.site.segments.values().any(|s| s.prefix.contains(&known.address)) {
            return Some((Fault::PrefixOverlap, format!("{} of {id}", known.address)));
        }
        let Some(theirs) = p.neighbour(id) else { continue };
        let agrees = |known: &model::PeerFacts, site: &model::Site| {
            let real = || site.segments.values().map(|s| s.prefix);
            let same_prefixes = || {
                // In the same order most of the time: then nothing is sorted, with hundreds of neighbours to compare.
                real().eq(known.prefixes.iter().copied())
                    || real().collect::<BTreeSet<_>>() == known.prefixes.iter().copied().collect()
            };
            site.institution == known.institution
                && site.wan_address() == Some(known.address)
                && site.gateway.ike_identity == known.ike_identity
                && same_prefixes()
        };
        let mutual = theirs.facts.peers.get(here).is_none_or(|known| agrees(known, p.site));
        if !agrees(known, &theirs.facts.site) || !mutual {
            return Some((Fault::PeerDisagrees, id.to_string()));
        }
    }
    None
}
