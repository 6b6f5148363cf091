//! The door of the center: a change goes in, a verdict comes out.

use model::{Generation, GrantId, Plan, SiteDelta, SiteId, SiteState};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::inline::{Book, Fit, Known, Single, is_wide, touched};
use crate::judge::{self, Around, Scope};
use crate::{Because, Fault, Invariant, Proof, Refutation, VerifiedPlan, never};

/// Judges plans against the states of all sites, and follows the states as plans are carried out. Cost follows the
/// change, not what is open ([`crate::inline`]).
#[derive(Debug, Clone, Default)]
pub struct Verifier {
    books: BTreeMap<SiteId, Book>,
    known: Known,
}

/// A verified plan no longer leads from the states it was verified against; verify it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// A site that has moved on.
    pub site: SiteId,
    /// The generation the proof stands on.
    pub proved_at: Generation,
    /// The generation the site is at.
    pub at: Generation,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, proved_at, at } = self;
        write!(f, "the proof stands on generation {proved_at} of {site}, which is at {at}; verify the plan again")
    }
}
impl std::error::Error for Stale {}

type Overlay = BTreeMap<SiteId, SiteState>;
type Grants = BTreeMap<SiteId, BTreeSet<GrantId>>;

impl Verifier {
    /// Knows no site yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From states read back; believes none of them.
    ///
    /// # Errors
    /// The first invariant found broken.
    pub fn from_states(states: BTreeMap<SiteId, SiteState>) -> Result<Self, Box<Refutation>> {
        for (id, state) in &states {
            if &state.facts.site.id != id {
                return Err(change(Fault::SiteKey, id, state.facts.site.id.to_string()));
            }
        }
        let mut known = Known::default();
        let enter = |(id, mut state): (SiteId, SiteState)| {
            known.share(&mut state.facts);
            (id, Book::enter(state))
        };
        let books = states.into_iter().map(enter).collect();
        let verifier = Self { books, known };
        verifier.all_hold()?;
        Ok(verifier)
    }

    /// From states that are not believed and a plan that leads away from them: only what it leads to is judged, and
    /// all of that. For what an earlier version, whose rules asked for less, proved and kept.
    ///
    /// # Errors
    /// A counter-example to the first invariant found broken, also if the plan does not start from these states.
    pub fn leading_from(
        mut states: BTreeMap<SiteId, SiteState>,
        plan: Plan,
    ) -> Result<(Self, VerifiedPlan), Box<Refutation>> {
        for (id, delta) in &plan.sites {
            if &delta.site != id {
                return Err(change(Fault::SiteKey, id, delta.site.to_string()));
            }
            let state = match (states.remove(id), &delta.facts) {
                (Some(state), _) => state,
                (None, Some(facts)) => SiteState::empty(facts.clone()),
                (None, None) => return Err(change(Fault::UnknownSite, id, id.to_string())),
            };
            let next = state.after(delta).map_err(|error| change(Fault::DeltaMisfit, id, error.to_string()))?;
            states.insert(id.clone(), next);
        }
        let verifier = Self::from_states(states)?;
        let rules = verifier.books.values().map(|book| book.standing_rules() + book.grant_rules()).sum();
        let others = verifier.books.iter().filter(|(id, _)| !plan.sites.contains_key(*id));
        let leans_on = others.map(|(id, book)| (id.clone(), book.generation())).collect();
        let proof = Proof::new(verifier.books.len(), rules);
        Ok((verifier, VerifiedPlan::new(plan, leans_on, proof, false)))
    }

    /// Would all invariants hold on the whole network after this plan?
    ///
    /// # Errors
    /// A counter-example to the first invariant found broken.
    pub fn check(&self, plan: Plan) -> Result<VerifiedPlan, Box<Refutation>> {
        if let Some((leans_on, rules)) = self.keeps_contracts(&plan) {
            let proof = Proof::new(plan.sites.len(), rules);
            return Ok(VerifiedPlan::new(plan, leans_on, proof, true));
        }
        let (leans_on, paths) = self.look_closer(&plan)?;
        let proof = Proof::new(plan.sites.len(), paths);
        Ok(VerifiedPlan::new(plan, leans_on, proof, false))
    }

    /// Takes over the states a verified plan leads to. Changes nothing on error.
    ///
    /// # Errors
    /// [`Stale`] if a site the proof stands on has moved on since.
    pub fn advance(&mut self, plan: &VerifiedPlan) -> Result<(), Stale> {
        let parents = plan.plan().sites.iter().map(|(id, delta)| (id, delta.parent));
        for (site, proved_at) in parents.chain(plan.leans_on().iter().map(|(id, g)| (id, *g))) {
            let at = self.at(site);
            if at != proved_at {
                return Err(Stale { site: site.clone(), proved_at, at });
            }
        }
        for (id, delta) in &plan.plan().sites {
            let fresh = || delta.facts.clone().map(|facts| Book::enter(SiteState::empty(facts)));
            match self.books.get_mut(id) {
                Some(book) => book.follow(delta, plan.by_contract()),
                None => {
                    let mut book = fresh().expect("a plan for an unknown site was verified only with its facts");
                    book.follow(delta, false);
                    self.books.insert(id.clone(), book);
                }
            }
            if let Some(book) = self.books.get_mut(id).filter(|_| delta.facts.is_some()) {
                book.share(&mut self.known);
            }
        }
        Ok(())
    }

    /// What is followed of a site: its generation, facts and single grants at once, its whole state on request.
    pub fn site(&self, id: &SiteId) -> Option<&Book> {
        self.books.get(id)
    }

    /// What is followed, site by site.
    pub fn sites(&self) -> &BTreeMap<SiteId, Book> {
        &self.books
    }

    /// The states followed so far, unpacked. Cost follows their size.
    pub fn states(&self) -> BTreeMap<SiteId, SiteState> {
        self.books.iter().map(|(id, book)| (id.clone(), book.state())).collect()
    }

    fn at(&self, site: &SiteId) -> Generation {
        self.books.get(site).map_or(Generation(0), |b| b.generation())
    }

    /// Opening or closing one grant, by strict contracts alone: what the proof leans on and how many rules it admits or
    /// removes. Nothing means "look closer".
    fn keeps_contracts(&self, plan: &Plan) -> Option<(BTreeMap<SiteId, Generation>, usize)> {
        let mut rules = 0;
        let (mut first, mut renewed) = (None, None);
        let mut leans_on = BTreeMap::new();
        for (id, delta) in &plan.sites {
            let book = self.books.get(id)?;
            if &delta.site != id || delta.parent != book.generation() || delta.generation != delta.parent.next() {
                return None;
            }
            match Single::of(delta)? {
                Single::Open(grant) => {
                    // Two different sites of the plan, each an end of the same grant: both of its ends.
                    if plan.sites.len() != 2
                        || renewed.is_some()
                        || first.is_some_and(|g| g != grant)
                        || !book.opens(delta, grant)
                        || never::forbidden(book.facts(), grant)
                    {
                        return None;
                    }
                    first = Some(grant);
                }
                Single::Renew(renewal) => {
                    // The same at both ends, where the grants were equal: so they are still.
                    if plan.sites.len() != 2
                        || first.is_some()
                        || renewed.is_some_and(|r| r != renewal)
                        || !book.renews(renewal)
                    {
                        return None;
                    }
                    renewed = Some(renewal);
                }
                Single::Close(grant) => {
                    if first.is_some() || renewed.is_some() || !book.closes(delta, grant) {
                        return None;
                    }
                    let [(origin, _), (destination, _)] = book.entry(grant)?.ends()?;
                    let other: SiteId = if origin == id.as_str() { destination } else { origin }.parse().ok()?;
                    let closed_too = plan.sites.get(&other).is_some_and(|d| d.grants_removed == [grant]);
                    if !closed_too {
                        if self.books.get(&other).is_some_and(|b| b.entry(grant).is_some()) {
                            return None;
                        }
                        let at = self.at(&other);
                        leans_on.insert(other, at);
                    }
                }
            }
            rules += delta.rules_added.len() + delta.rules_removed.len();
        }
        leans_on.retain(|site, _| !plan.sites.contains_key(site));
        Some((leans_on, rules))
    }

    /// Any plan: the grants it touches are judged path by path beside the structure, the others stand as proved.
    fn look_closer(&self, plan: &Plan) -> Result<(BTreeMap<SiteId, Generation>, usize), Box<Refutation>> {
        let (mut known, mut next): (Grants, Overlay) = (BTreeMap::new(), BTreeMap::new());
        for (id, delta) in &plan.sites {
            if &delta.site != id {
                return Err(change(Fault::SiteKey, id, delta.site.to_string()));
            }
            let (grants, state) = concerned(self.books.get(id), delta)?;
            known.insert(id.clone(), grants);
            next.insert(id.clone(), state);
        }
        let asked = known.clone();
        self.with_other_ends(&mut known, plan);
        for (id, grants) in known.iter().filter(|(id, grants)| asked.get(*id) != Some(*grants)) {
            let book = self.books.get(id);
            match plan.sites.get(id) {
                Some(delta) => drop(next.insert(id.clone(), after(book, grants, delta)?)),
                None => next.extend(book.map(|b| (id.clone(), b.with(grants.iter().copied())))),
            }
        }
        let around = Around { first: &next, then: Some(&self.books) };
        let mut paths = 0;
        let mut leans_on = BTreeMap::new();
        for (id, delta) in &plan.sites {
            let state = &next[id];
            paths += judge::site(&Scope { state, around: Some(around), facts: delta.facts.is_some() })?;
            if let Some(book) = self.books.get(id).filter(|_| delta.facts.is_some()) {
                never::all_grants(book, state, &delta.grants_removed)?;
            }
            if let Some(rule) = self.books.get(id).and_then(|b| b.overlap(delta, &known[id])) {
                return Err(overlapping(id, rule));
            }
            self.nothing_remains(id, delta, &next)?;
            self.note_neighbours(id, delta, &next, &mut leans_on);
        }
        self.others_hold(plan, around, &mut leans_on)?;
        leans_on.retain(|site, _| !plan.sites.contains_key(site));
        Ok((leans_on, paths))
    }

    /// Grants are judged against the same grants at their other ends: those must be in view.
    fn with_other_ends(&self, known: &mut Grants, plan: &Plan) {
        let mut more: Vec<(SiteId, GrantId)> = Vec::new();
        for (id, grants) in known.iter() {
            let added = plan.sites.get(id).into_iter().flat_map(|d| &d.grants_added);
            more.extend(added.filter_map(|g| Some((other_end(g, id)?.clone(), g.id))));
            let Some(book) = self.books.get(id) else { continue };
            more.extend(grants.iter().filter_map(|g| Some((other_end(&book.grant(*g)?, id)?.clone(), *g))));
        }
        for (site, grant) in more {
            known.entry(site).or_default().insert(grant);
        }
    }

    /// New facts of a site are others' affair too: of those who carry for its hosts by a wish of theirs (G7), and of
    /// those who know it without being known to it. Who is known to it was compared from its side.
    fn others_hold(
        &self,
        plan: &Plan,
        around: Around<'_>,
        leans_on: &mut BTreeMap<SiteId, Generation>,
    ) -> Result<(), Box<Refutation>> {
        let changed = || plan.sites.iter().filter(|(_, d)| d.facts.is_some()).map(|(id, _)| id);
        if changed().next().is_none() {
            return Ok(());
        }
        for (id, book) in self.books.iter().filter(|(id, _)| !plan.sites.contains_key(*id)) {
            let (peers, wishes) = (&book.facts().peers, &book.facts().site.transit);
            let known_to = |site: &SiteId| around.site(site).is_some_and(|s| s.facts.peers.contains_key(id));
            let one_sided = changed().any(|site| !known_to(site) && peers.contains_key(site));
            let carries = wishes.iter().any(|w| changed().any(|site| *site == w.from.site || *site == w.to.site));
            if one_sided || carries {
                judge::site(&Scope { state: &book.structure(), around: Some(around), facts: one_sided })?;
                leans_on.insert(id.clone(), book.generation());
            }
        }
        Ok(())
    }

    /// A grant that ends at one end must not stay live at the other (N5).
    fn nothing_remains(&self, id: &SiteId, delta: &SiteDelta, next: &Overlay) -> Result<(), Box<Refutation>> {
        let Some(before) = self.books.get(id) else { return Ok(()) };
        for grant_id in &delta.grants_removed {
            if next[id].grants.contains_key(grant_id) {
                continue;
            }
            let Some(grant) = before.grant(*grant_id) else { continue };
            let Some(other) = other_end(&grant, id) else { continue };
            if next.get(other).is_some_and(|s| s.grants.contains_key(grant_id)) {
                return Err(Box::new(Refutation {
                    invariant: Invariant::Together,
                    fault: Fault::OtherEndRemains,
                    site: other.clone(),
                    packet: None,
                    path: Vec::new(),
                    because: Because::Grant(*grant_id),
                }));
            }
        }
        Ok(())
    }

    /// Sites outside the plan whose state the proof leaned on: if they move on first, the proof is stale.
    fn note_neighbours(
        &self,
        id: &SiteId,
        delta: &SiteDelta,
        next: &Overlay,
        leans_on: &mut BTreeMap<SiteId, Generation>,
    ) {
        let state = &next[id];
        let peers = delta.facts.iter().flat_map(|_| state.facts.peers.keys().cloned());
        let mut seen: BTreeSet<SiteId> = peers.collect();
        let before = self.books.get(id);
        for grant in touched(delta) {
            let was = before.and_then(|b| b.grant(grant));
            seen.extend(was.and_then(|g| other_end(&g, id).cloned()));
            seen.extend(state.grants.get(&grant).and_then(|g| other_end(g, id).cloned()));
        }
        leans_on.extend(seen.into_iter().map(|site| (site.clone(), self.at(&site))));
    }

    /// Everything entered, judged: strict grants by their contract, the others and the structure path by path.
    fn all_hold(&self) -> Result<(), Box<Refutation>> {
        let by_name: BTreeMap<&str, &Book> = self.books.iter().map(|(id, book)| (id.as_str(), book)).collect();
        let same_there = |here: &str, id: GrantId, packed: &crate::inline::Packed| {
            let Some([(origin, _), (destination, _)]) = packed.ends() else { return false };
            let other = if origin == here { destination } else { origin };
            let there = by_name.get(other).and_then(|book| book.entry(id));
            there.is_some_and(|p| p.strict() && p.grant_bytes() == packed.grant_bytes())
        };
        let mut known: Grants = BTreeMap::new();
        for (id, book) in &self.books {
            let mut doubtful = book.doubtful();
            let strict = book.entries().filter(|(_, packed)| packed.strict());
            doubtful.extend(strict.filter(|(g, packed)| !same_there(id.as_str(), *g, packed)).map(|(g, _)| g));
            if !doubtful.is_empty() {
                known.insert(id.clone(), doubtful);
            }
        }
        let plan = Plan { cause: model::PlanCause::Apply, sites: BTreeMap::new() };
        self.with_other_ends(&mut known, &plan);
        let next: Overlay = known
            .iter()
            .filter_map(|(id, grants)| Some((id.clone(), self.books.get(id)?.with(grants.iter().copied()))))
            .collect();
        let around = Around { first: &next, then: Some(&self.books) };
        for (id, book) in &self.books {
            let bare;
            let state = match next.get(id) {
                Some(state) => state,
                None => {
                    bare = book.structure();
                    &bare
                }
            };
            judge::site(&Scope { state, around: Some(around), facts: true })?;
            never::all_grants(book, state, &[])?;
        }
        Ok(())
    }
}

/// The grants of a site that a delta must be judged with, and the state it leads to with these: those it touches, or all
/// if it shakes what they stand on.
pub(crate) fn concerned(
    book: Option<&Book>,
    delta: &SiteDelta,
) -> Result<(BTreeSet<GrantId>, SiteState), Box<Refutation>> {
    let touched = touched(delta);
    let next = after(book, &touched, delta)?;
    let Some(book) = book.filter(|_| is_wide(delta)) else { return Ok((touched, next)) };
    let of_grant = |r: &&model::FlowRule| !matches!(r.owner, model::CookieOwner::Grant(_));
    let fit = Fit::new(&next.facts, next.rules.iter().filter(of_grant));
    if book.survives(&next.facts, &fit, &touched) {
        return Ok((touched, next));
    }
    let all = touched.into_iter().chain(book.entries().map(|(id, _)| id)).collect();
    let next = after(Some(book), &all, delta)?;
    Ok((all, next))
}

/// The state of a site after a delta, with these grants' parts only.
pub(crate) fn after(
    book: Option<&Book>,
    grants: &BTreeSet<GrantId>,
    delta: &SiteDelta,
) -> Result<SiteState, Box<Refutation>> {
    let id = &delta.site;
    if let Some(found) = delta.facts.as_ref().map(|f| &f.site.id).filter(|found| *found != id) {
        return Err(change(Fault::SiteSwapped, id, found.to_string()));
    }
    let mut state = match (book, &delta.facts) {
        (Some(book), _) => book.with(grants.iter().copied()),
        (None, Some(facts)) => SiteState::empty(facts.clone()),
        (None, None) => return Err(change(Fault::UnknownSite, id, id.to_string())),
    };
    state.advance(delta).map_err(|error| change(Fault::DeltaMisfit, id, error.to_string()))?;
    Ok(state)
}

pub(crate) fn overlapping(site: &SiteId, rule: &model::FlowRule) -> Box<Refutation> {
    Box::new(Refutation {
        invariant: Invariant::OneRule,
        fault: Fault::EqualMatch,
        site: site.clone(),
        packet: None,
        path: Vec::new(),
        because: crate::premises::by_rule(rule),
    })
}

fn other_end<'g>(grant: &'g model::Grant, here: &SiteId) -> Option<&'g SiteId> {
    [&grant.origin.site, &grant.destination.site].into_iter().find(|s| *s != here)
}

pub(crate) fn change(fault: Fault, site: &SiteId, what: String) -> Box<Refutation> {
    Box::new(Refutation {
        invariant: Invariant::Fits,
        fault,
        site: site.clone(),
        packet: None,
        path: Vec::new(),
        because: Because::Change(what),
    })
}
