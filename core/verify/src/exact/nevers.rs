//! What sites forbid themselves (I22), asked of the tables: every first packet the hosts on one side could send is
//! followed to its exit, and none may come out at a host on the other side.

use model::{HostRef, NeverRule, SiteDelta, SiteId};

use super::header::At;
use super::place::Place;
use super::questions::{everywhere, hops, through, typical};
use super::work::Work;
use super::{Exact, Verdict, leak};
use crate::{Because, Fault, Hop, Invariant, Refutation};

/// Judges every promise that a change of these sites may break. Cost follows the promises and the hosts they name;
/// nothing where nobody makes any.
pub(super) fn judge(exact: &mut Exact, deltas: &[&SiteDelta]) -> Verdict {
    if deltas.is_empty() {
        return Ok(());
    }
    let promises: Vec<(SiteId, NeverRule)> = exact
        .places
        .iter()
        .flat_map(|(id, place)| place.facts.site.never.iter().map(|rule| (id.clone(), rule.clone())))
        .collect();
    promises.iter().try_for_each(|(site, rule)| kept(exact, site, rule))
}

fn kept(exact: &mut Exact, site: &SiteId, rule: &NeverRule) -> Verdict {
    let Some(speaker) = exact.places.get(site).map(|p| p.facts.site.clone()) else { return Ok(()) };
    let all: Vec<(HostRef, u32)> = exact
        .places
        .values()
        .flat_map(|p| p.facts.site.hosts.values().map(move |h| (host_ref(p, &h.id), h.port.port.0)))
        .collect();
    let froms = all.iter().filter(|(h, _)| rule.from.holds(&speaker, h));
    for (from, _) in froms {
        let Some(cube) = exact.first_packets(from) else { continue };
        let Exact { space, places, .. } = exact;
        let mut work = Work::new(space);
        let sent = work.cube(&cube);
        let mut broken = None;
        let mut way = vec![Hop::Host { site: from.site.clone(), host: from.host.clone() }];
        for (owner, at, out) in everywhere(&mut work, places, &from.site, sent) {
            let tos = all.iter().filter(|(h, _)| h.site == at && h != from && rule.to.holds(&speaker, h));
            for (to, port) in tos {
                let exit = work.is(At::Exit, (*port).into());
                let there = work.and(out, exit);
                let Some(bits) = typical(&mut work, there) else { continue };
                let place = &places[&at];
                if at != from.site {
                    way.push(through(&from.site, &at, owner));
                }
                way.extend(hops(place, &bits));
                way.push(Hop::Reaches { site: to.site.clone(), host: to.host.clone() });
                let by = owner.or_else(|| {
                    let owners = leak::rules_on_way(place, &bits).into_iter().filter_map(|(_, n)| place.record(n));
                    owners.map(|r| r.owner).find(|o| *o != model::CookieOwner::Standing)
                });
                broken = Some((super::header::packet(&bits), by.unwrap_or(model::CookieOwner::Standing)));
                break;
            }
            if broken.is_some() {
                break;
            }
        }
        work.done();
        if let Some((packet, owner)) = broken {
            return Err(Box::new(Refutation {
                invariant: Invariant::OwnPromises,
                fault: Fault::SiteForbids,
                site: site.clone(),
                packet: Some(packet),
                path: way,
                because: Because::Promise { site: site.clone(), rule: Box::new(rule.clone()), owner },
            }));
        }
    }
    Ok(())
}

fn host_ref(place: &Place, host: &model::HostId) -> HostRef {
    HostRef { site: place.facts.site.id.clone(), host: host.clone() }
}
