//! What sites forbid themselves (I22).
//!
//! Nothing passes but what a live grant, an in-house rule or a transit wish covers (I05), so a site's promise holds if
//! none of these joins what it keeps apart. That is one look at each, whatever else is open; tier 2 asks the tables
//! themselves ([`crate::exact`]).

use model::{
    CookieOwner, CtMatch, EtherType, FilterSide, Grant, HostRef, Mac, NeverRule, Part, Protocol, Site, SiteFacts,
    SiteState,
};
use std::net::IpAddr;

use crate::inline::Book;
use crate::premises::Premises;
use crate::{Because, Fault, Hop, Invariant, Packet, Refutation, trace};

type Verdict = Result<(), Box<Refutation>>;

/// Judges the grants, in-house rules and transit wishes in view.
pub(crate) fn judge(p: &Premises<'_>) -> Verdict {
    if p.site.never.is_empty() {
        return Ok(());
    }
    for grant in p.state.grants.values() {
        if let Some(rule) = p.site.forbids_grant(grant) {
            let ends = (&grant.origin.host_ref(), &grant.destination.host_ref());
            let addresses = (grant.origin.address, grant.destination.address);
            let packet = first_packet(p, addresses, grant.protocol, grant.ports.first().copied());
            return Err(refute(p, rule, CookieOwner::Grant(grant.id), ends, packet));
        }
    }
    let Some((owner, rule)) = p.site.forbidden_wishes().into_iter().next() else { return Ok(()) };
    let own = |host: &model::HostId| HostRef { site: p.site.id.clone(), host: host.clone() };
    let (from, to, protocol, port) = match owner {
        CookieOwner::InHouse(n) => {
            let wish = &p.site.in_house[n as usize];
            (own(&wish.from), own(&wish.to), wish.protocol, wish.ports.first())
        }
        CookieOwner::Transit(n) => {
            let wish = &p.site.transit[n as usize];
            (wish.from.clone(), wish.to.clone(), wish.protocol, wish.ports.first())
        }
        CookieOwner::Standing | CookieOwner::Grant(_) | CookieOwner::Refusal => return Ok(()),
    };
    let address = |at: &HostRef| {
        let site = if at.site == p.site.id { Some(p.site) } else { p.neighbour(&at.site).map(|s| &s.facts.site) };
        site.and_then(|s| s.hosts.get(&at.host)).map(|h| h.address)
    };
    let addresses = address(&from).zip(address(&to));
    let packet = addresses.and_then(|ends| first_packet(p, ends, protocol, port.copied()));
    Err(refute(p, rule, owner, (&from, &to), packet))
}

/// Would this grant break a promise of the site? Cheap where it makes none.
pub(crate) fn forbidden(facts: &SiteFacts, grant: &Grant) -> bool {
    facts.site.forbids_grant(grant).is_some()
}

/// Judges every grant that stays open against new facts of its site: a promise that comes, or a host that moves,
/// concerns grants the change itself does not touch.
pub(crate) fn all_grants(book: &Book, next: &SiteState, gone: &[model::GrantId]) -> Verdict {
    // Grants are looked at one by one only if some of them may be meant.
    if next.facts.site.never.is_empty() || !book.joined().any(|ends| may_forbid(&next.facts.site, ends)) {
        return Ok(());
    }
    let kept = book.entries().map(|(id, _)| id).filter(|id| !gone.contains(id)).filter_map(|id| book.grant(id));
    for grant in kept {
        if forbidden(&next.facts, &grant) {
            let mut shown = book.with([grant.id]);
            shown.facts = next.facts.clone();
            let scope = crate::judge::Scope { state: &shown, around: None, facts: false };
            return judge(&Premises::new(&scope));
        }
    }
    Ok(())
}

/// Could a promise of the site forbid a grant between this host of its own and some host of that other site?
fn may_forbid(site: &Site, (near, far, originates): (&model::HostId, &model::SiteId, bool)) -> bool {
    let near = HostRef { site: site.id.clone(), host: near.clone() };
    let some_there = |part: &Part| match part {
        Part::HostAt(host) => host.site == *far,
        Part::Site(there) => there == far,
        Part::Outside => *far != site.id,
        Part::Zone(_) | Part::Segment(_) | Part::Host(_) => false,
    };
    site.never.iter().any(|rule| {
        let (here, there) = if originates { (&rule.from, &rule.to) } else { (&rule.to, &rule.from) };
        here.holds(site, &near) && some_there(there)
    })
}

fn refute(
    p: &Premises<'_>,
    rule: &NeverRule,
    owner: CookieOwner,
    (from, to): (&HostRef, &HostRef),
    packet: Option<Packet>,
) -> Box<Refutation> {
    let path = way(p, owner, (from, to), packet.as_ref());
    Box::new(Refutation {
        invariant: Invariant::OwnPromises,
        fault: Fault::SiteForbids,
        site: p.site.id.clone(),
        packet,
        path,
        because: by_promise(p.site, rule, owner),
    })
}

pub(crate) fn by_promise(site: &Site, rule: &NeverRule, owner: CookieOwner) -> Because {
    Because::Promise { site: site.id.clone(), rule: Box::new(rule.clone()), owner }
}

/// From host to host, with every step in this site; of the other site as much as is in view.
fn way(p: &Premises<'_>, owner: CookieOwner, (from, to): (&HostRef, &HostRef), packet: Option<&Packet>) -> Vec<Hop> {
    let here = &p.site.id;
    let mut path = vec![Hop::Host { site: from.site.clone(), host: from.host.clone() }];
    if from.site != *here {
        let grant = if let CookieOwner::Grant(id) = owner { Some(id) } else { None };
        path.push(Hop::Tunnel { from: from.site.clone(), to: here.clone(), grant });
    }
    let through = packet.map(|packet| (packet, trace::through_switch(here, p.state, packet)));
    if let Some((packet, hops)) = through {
        let leaves = matches!(hops.last(), Some(Hop::Leaves { port, .. }) if *port == p.uplink());
        path.extend(hops);
        if leaves {
            path.push(trace::gateway_hop(p.state, FilterSide::Lan, FilterSide::Tunnel, packet));
            path.extend(trace::to_far(p, packet));
        }
    }
    let end = Hop::Reaches { site: to.site.clone(), host: to.host.clone() };
    if path.last() != Some(&end) {
        path.push(end);
    }
    path
}

/// The packet such a connection would begin with, as it enters this site's switch.
fn first_packet(
    p: &Premises<'_>,
    (from, to): (IpAddr, IpAddr),
    protocol: Protocol,
    port: Option<u16>,
) -> Option<Packet> {
    let gateway = (p.uplink(), p.site.gateway.mac);
    let (in_port, eth_src) = p.by_address.get(&from).map_or(gateway, |h| (h.port.port, h.mac));
    let inside: Option<Mac> = p.by_address.get(&to).map(|h| h.mac);
    Some(Packet {
        in_port,
        eth_src,
        eth_dst: inside.unwrap_or(p.site.gateway.mac),
        eth_type: if from.is_ipv4() { EtherType::Ipv4 } else { EtherType::Ipv6 },
        ip_src: Some(from),
        ip_dst: Some(to),
        protocol: Some(protocol),
        tp_src: Some(crate::follow::EPHEMERAL),
        tp_dst: Some(port?),
        ct_state: CtMatch::BEGINS.value,
        beginning: model::Beginning::of(protocol),
        arp: None,
    })
}
