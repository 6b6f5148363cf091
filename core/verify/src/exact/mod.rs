//! Tier 2: the whole network as exact sets of packets, priorities respected.
//!
//! Per site, each table of the pipeline is a set over (packet, what the rule makes of it, the rule's number); what leaves
//! the switch is the meet of admission, tracking, connections, zones and forwarding, and must lie inside what live
//! grants, in-house rules the zone matrix permits and the gate's service cover, with in-port, MAC, tag, tracking state,
//! exit and outgoing MAC. Filters and tunnel selectors must lie inside the same, seen from the gateway. A change is
//! judged only where it changes something: in the packets of its rules, and in those its ending grants no longer cover.
//! So a narrow rule costs a few paths through the sets, whatever else is live.
//!
//! It shares no code and no data with the judge of paths or the inline tier: only the model's types and the words of a
//! refutation. It reads priorities, which they do not, so it also says yes where only a higher rule keeps a packet out;
//! and it says nothing of what a grant *lacks* (I16) nor of facts that contradict each other (I02).

mod cover;
mod header;
mod kept;
mod leak;
mod nevers;
mod place;
mod questions;
mod shape;
mod work;

use model::{CookieOwner, GrantId, SiteDelta, SiteId, SiteState, Table};
use spaces::{Set, Space};
use std::collections::BTreeMap;

use self::leak::{Which, plain};
use self::place::{Breach, Place};
use crate::{Because, Fault, Invariant, Refutation};

pub use self::questions::{Answer, Change, Reach};

type Verdict = Result<(), Box<Refutation>>;

/// The network as tier 2 knows it: always a state that was judged and found good.
pub struct Exact {
    space: Space,
    places: BTreeMap<SiteId, Place>,
    /// Sites that the change under way brought.
    fresh: Vec<SiteId>,
}

/// What a change makes worth looking at.
enum Duty {
    /// Rules of one owner and priority came to the connections table.
    Came(CookieOwner, u16, Set),
    /// Rules of one owner and priority left the connections table; these packets they took.
    Went(CookieOwner, u16, Set),
    /// Something else decides about these packets.
    Packets(Set),
    /// Grants no longer cover these.
    Bare(GrantId, Set),
    /// A grant with that other end went.
    Ended(GrantId, SiteId),
    Everything,
}

impl Exact {
    /// Judges whole states.
    ///
    /// # Errors
    /// The first breach found.
    pub fn new(states: &BTreeMap<SiteId, SiteState>) -> Result<Self, Box<Refutation>> {
        let mut exact = Self { space: header::space(), places: BTreeMap::new(), fresh: Vec::new() };
        let deltas: Vec<SiteDelta> = states.values().map(whole).collect();
        exact.advance(&deltas.iter().collect::<Vec<_>>())?;
        Ok(exact)
    }

    /// Judges a change of one or more sites, all together, and stays as it was.
    ///
    /// # Errors
    /// The first breach found.
    pub fn check(&mut self, deltas: &[&SiteDelta]) -> Verdict {
        let verdict = self.judge(deltas);
        self.undo(deltas);
        verdict
    }

    /// Judges a change and, if it is good, takes it over.
    ///
    /// # Errors
    /// The first breach found; everything stays as it was then.
    pub fn advance(&mut self, deltas: &[&SiteDelta]) -> Verdict {
        let verdict = self.judge(deltas);
        if verdict.is_err() {
            self.undo(deltas);
            return verdict;
        }
        self.fresh.clear();
        for delta in deltas {
            if let Some(place) = self.places.get_mut(&delta.site) {
                place.commit(&mut self.space);
            }
        }
        verdict
    }

    /// Nodes of the sets, and bytes they take.
    pub fn size(&self) -> (usize, usize) {
        (self.space.nodes(), self.space.bytes())
    }

    fn undo(&mut self, deltas: &[&SiteDelta]) {
        for delta in deltas {
            if let Some(place) = self.places.get_mut(&delta.site) {
                place.undo(&mut self.space);
            }
        }
        for id in std::mem::take(&mut self.fresh) {
            if let Some(place) = self.places.remove(&id) {
                place.release(&mut self.space);
            }
        }
    }

    fn judge(&mut self, deltas: &[&SiteDelta]) -> Verdict {
        let mut duties = Vec::new();
        let mut verdict = Ok(());
        for delta in deltas {
            let mut own = Vec::new();
            let applied = self.apply(delta, &mut own);
            duties.push((*delta, own));
            verdict = verdict.and(applied);
            if verdict.is_err() {
                break;
            }
        }
        for (delta, own) in &duties {
            if verdict.is_ok() {
                verdict = self.look(delta, own).and_then(|()| self.other_ends(delta, own));
                verdict = verdict.and_then(|()| renewed_alike(delta, deltas));
            }
        }
        verdict = verdict.and_then(|()| nevers::judge(self, deltas));
        for duty in duties.into_iter().flat_map(|(_, own)| own) {
            match duty {
                Duty::Came(_, _, set) | Duty::Went(_, _, set) | Duty::Packets(set) | Duty::Bare(_, set) => {
                    self.space.release(set);
                }
                Duty::Everything | Duty::Ended(..) => {}
            }
        }
        verdict
    }

    /// Takes the change over, tentatively, and notes what to look at.
    fn apply(&mut self, delta: &SiteDelta, duties: &mut Vec<Duty>) -> Verdict {
        let space = &mut self.space;
        if !self.places.contains_key(&delta.site) {
            let Some(facts) = &delta.facts else {
                return Err(plain(&delta.site, Invariant::Fits, Fault::UnknownSite, Because::Change(String::new())));
            };
            self.places.insert(delta.site.clone(), Place::new(space, facts.clone()));
            self.fresh.push(delta.site.clone());
        }
        let place = self.places.get_mut(&delta.site).expect("inserted above if it was not there");
        place.begin(space);
        let site = delta.site.clone();
        let refute = |(invariant, fault, because): Breach| plain(&site, invariant, fault, because);
        for tunnel in &delta.tunnels_removed {
            place.remove_tunnel(space, tunnel).map_err(refute)?;
            duties.extend(cover::outward(tunnel).iter().map(|cube| Duty::Packets(cube.set(space))));
        }
        for filter in &delta.filters_removed {
            place.remove_filter(space, filter).map_err(refute)?;
        }
        for rule in &delta.rules_removed {
            if let Some(set) = place.remove_rule(space, rule).map_err(refute)? {
                match duties.last_mut() {
                    _ if rule.table != Table::Connections => duties.push(Duty::Packets(set)),
                    Some(Duty::Went(owner, priority, all)) if (*owner, *priority) == (rule.owner, rule.priority) => {
                        space.add(all, &set);
                        space.release(set);
                    }
                    _ => duties.push(Duty::Went(rule.owner, rule.priority, set)),
                }
            }
        }
        let mut ended = Vec::new();
        for id in &delta.grants_removed {
            let mut bare = Vec::new();
            ended.push((*id, place.remove_grant(space, *id, &mut bare).map_err(refute)?));
            duties.extend(bare.into_iter().map(|set| Duty::Bare(*id, set)));
        }
        duties.extend(ended.iter().map(|(id, live)| Duty::Ended(*id, live.far.clone())));
        // After what it owned was taken away, a grant that ends owns nothing.
        if let Some((id, _)) = ended.iter().find(|(_, live)| live.things > 0) {
            return Err(plain(&site, Invariant::LiveOwner, Fault::GrantNotLive, Because::Grant(*id)));
        }
        if let Some(facts) = &delta.facts
            && *facts != place.facts
        {
            if facts.site.id != delta.site {
                return Err(plain(&site, Invariant::Facts, Fault::SiteSwapped, Because::Change(String::new())));
            }
            let bare = place.refact(space, facts.clone()).map_err(refute)?;
            duties.push(bare.map_or(Duty::Everything, Duty::Packets));
        }
        for grant in &delta.grants_added {
            place.add_grant(space, grant).map_err(refute)?;
        }
        for renewal in &delta.grants_renewed {
            place.renew_grant(renewal).map_err(refute)?;
        }
        for tunnel in &delta.tunnels_added {
            place.add_tunnel(space, tunnel).map_err(refute)?;
        }
        for filter in &delta.filters_added {
            place.add_filter(space, filter).map_err(refute)?;
        }
        for rule in &delta.rules_added {
            let Some(set) = place.add_rule(space, rule).map_err(refute)? else { continue };
            match duties.last_mut() {
                _ if rule.table != Table::Connections => {
                    place.install(space, rule.table, rule.priority, &set);
                    space.release(set);
                    let cube = header::matched(&rule.matches, rule.table).expect("it was added, so it can match");
                    duties.push(Duty::Packets(cube.set(space)));
                }
                // The rules of one grant differ in little: together they cost hardly more than one.
                Some(Duty::Came(owner, priority, all)) if (*owner, *priority) == (rule.owner, rule.priority) => {
                    space.add(all, &set);
                    space.release(set);
                }
                _ => duties.push(Duty::Came(rule.owner, rule.priority, set)),
            }
        }
        for duty in duties.iter() {
            if let Duty::Came(_, priority, set) = duty {
                place.install(space, Table::Connections, *priority, set);
            }
        }
        place.resolve(space);
        Ok(())
    }

    fn look(&mut self, delta: &SiteDelta, duties: &[Duty]) -> Verdict {
        let (space, Some(place)) = (&mut self.space, self.places.get_mut(&delta.site)) else { return Ok(()) };
        // Of a new site every rule of the connections table is judged by itself, with all the other tables in place.
        let fresh = self.fresh.contains(&delta.site);
        let everything = !fresh && duties.iter().any(|d| matches!(d, Duty::Everything));
        if everything || fresh {
            let all = space.all();
            leak::judge(space, place, &all, if fresh { &Which::Below(0) } else { &Which::All })?;
        }
        for duty in duties {
            match duty {
                Duty::Bare(id, set) => leak::nothing_left(space, place, set, &Because::Grant(*id))?,
                Duty::Came(..) | Duty::Went(..) | Duty::Packets(_) | Duty::Ended(..) | Duty::Everything => {}
            }
            if everything {
                continue;
            }
            match duty {
                Duty::Came(_, priority, set) => {
                    leak::judge(space, place, set, &Which::Just(*priority, set))?;
                }
                Duty::Went(_, priority, set) => leak::judge(space, place, set, &Which::Below(*priority))?,
                Duty::Packets(_) if fresh => {}
                Duty::Packets(set) | Duty::Bare(_, set) => leak::judge(space, place, set, &Which::All)?,
                Duty::Everything | Duty::Ended(..) => {}
            }
        }
        for filter in &delta.filters_added {
            leak::filter(space, place, filter)?;
        }
        for tunnel in &delta.tunnels_added {
            leak::tunnel(space, place, tunnel)?;
        }
        Ok(())
    }

    /// A grant is live at both of its ends or at none, says the same there, and its tunnels mirror each other (I14).
    fn other_ends(&self, delta: &SiteDelta, duties: &[Duty]) -> Verdict {
        let here = &delta.site;
        let refuse = |invariant, fault, id| Err(plain(here, invariant, fault, Because::Grant(id)));
        let Some(place) = self.places.get(here) else { return Ok(()) };
        for grant in &delta.grants_added {
            let Some(live) = place.grants.get(&grant.id) else { continue };
            let Some(theirs) = self.places.get(&live.far).map(|p| p.grants.get(&grant.id)) else {
                return refuse(Invariant::Together, Fault::OtherEndMissing, grant.id);
            };
            let Some(theirs) = theirs else {
                return refuse(Invariant::Together, Fault::OtherEndMissing, grant.id);
            };
            let same = (live.origin, live.destination, live.protocol, &live.ports)
                == (theirs.origin, theirs.destination, theirs.protocol, &theirs.ports)
                && live.originates != theirs.originates
                && &theirs.far == here;
            if !same {
                return refuse(Invariant::GrantSane, Fault::GrantDiffers, grant.id);
            }
        }
        for tunnel in &delta.tunnels_added {
            let far = place.grants.get(&tunnel.grant).map(|live| &live.far);
            // That one is missing there is said by the packets that would leave in the clear.
            let theirs = far.and_then(|far| self.places.get(far)).and_then(|p| p.tunnel_of(tunnel.grant));
            let Some(theirs) = theirs else { continue };
            if tunnel.local != theirs.remote || tunnel.remote != theirs.local {
                return refuse(Invariant::Mirrored, Fault::NotMirrored, tunnel.grant);
            }
            if tunnel.initiator == theirs.initiator {
                return refuse(Invariant::Mirrored, Fault::WrongInitiator, tunnel.grant);
            }
        }
        for duty in duties {
            let Duty::Ended(id, far) = duty else { continue };
            let stands = |site| self.places.get(site).is_some_and(|p: &Place| p.grants.get(id).is_some());
            if !stands(here) && stands(far) {
                return refuse(Invariant::Together, Fault::OtherEndRemains, *id);
            }
        }
        Ok(())
    }
}

/// A grant that lasts longer lasts as long at its other end.
fn renewed_alike(delta: &SiteDelta, deltas: &[&SiteDelta]) -> Verdict {
    let elsewhere = |renewal| deltas.iter().any(|d| d.site != delta.site && d.grants_renewed.contains(renewal));
    match delta.grants_renewed.iter().find(|renewal| !elsewhere(renewal)) {
        None => Ok(()),
        Some(r) => Err(plain(&delta.site, Invariant::GrantSane, Fault::GrantDiffers, Because::Grant(r.grant))),
    }
}

/// The change that makes a state out of nothing.
fn whole(state: &SiteState) -> SiteDelta {
    SiteDelta {
        site: state.facts.site.id.clone(),
        parent: state.generation,
        generation: state.generation.next(),
        facts: Some(state.facts.clone()),
        grants_added: state.grants.values().cloned().collect(),
        grants_removed: Vec::new(),
        grants_renewed: Vec::new(),
        rules_added: state.rules.iter().cloned().collect(),
        rules_removed: Vec::new(),
        tunnels_added: state.tunnels.iter().cloned().collect(),
        tunnels_removed: Vec::new(),
        filters_added: state.filters.iter().cloned().collect(),
        filters_removed: Vec::new(),
    }
}
