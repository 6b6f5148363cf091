//! The doors of a gate, who knows its own site alone: what needs both ends (that they mirror each other) is the center's
//! to judge.

use model::{DeltaError, Generation, SiteDelta, SiteState};
use std::collections::BTreeMap;

use crate::inline::{Book, Single};
use crate::judge::{self, Around, Scope};
use crate::verifier::{change, concerned, overlapping};
use crate::{Fault, Proof, Refutation, Stale, VerifiedSlice, VerifiedState, never};

/// Judges the changes of one site as they come, and follows them. Cost follows the change, not what is open
/// ([`crate::inline`]).
#[derive(Debug, Clone)]
pub struct SliceVerifier {
    book: Book,
}

impl SliceVerifier {
    /// From a state that was proved.
    pub fn new(state: &VerifiedState) -> Self {
        Self { book: Book::enter(state.state().clone()) }
    }

    /// Number of the state followed.
    pub fn generation(&self) -> Generation {
        self.book.generation()
    }

    /// What is followed.
    pub fn site(&self) -> &Book {
        &self.book
    }

    /// A gate's own judgement of a change of its site, with what a gate knows: its own state and facts.
    ///
    /// # Errors
    /// A counter-example, also if the change does not fit the state.
    pub fn check(&self, delta: &SiteDelta) -> Result<VerifiedSlice, Box<Refutation>> {
        let by_contract = self.keeps_contract(delta);
        let paths = match by_contract {
            true => delta.rules_added.len() + delta.rules_removed.len(),
            false => self.look_closer(delta)?,
        };
        Ok(VerifiedSlice::new(delta.clone(), Proof::new(1, paths), by_contract))
    }

    /// Takes over the state a verified change leads to. Changes nothing on error.
    ///
    /// # Errors
    /// [`Stale`] if the site has moved on since.
    pub fn advance(&mut self, slice: &VerifiedSlice) -> Result<(), Stale> {
        let (delta, at) = (slice.delta(), self.book.generation());
        if delta.site != self.book.facts().site.id || delta.parent != at {
            return Err(Stale { site: delta.site.clone(), proved_at: delta.parent, at });
        }
        self.book.follow(delta, slice.by_contract());
        Ok(())
    }

    fn keeps_contract(&self, delta: &SiteDelta) -> bool {
        let fits = delta.site == self.book.facts().site.id
            && delta.parent == self.book.generation()
            && delta.generation == delta.parent.next();
        fits && match Single::of(delta) {
            Some(Single::Open(grant)) => self.book.opens(delta, grant) && !never::forbidden(self.book.facts(), grant),
            Some(Single::Close(grant)) => self.book.closes(delta, grant),
            Some(Single::Renew(renewal)) => self.book.renews(renewal),
            None => false,
        }
    }

    fn look_closer(&self, delta: &SiteDelta) -> Result<usize, Box<Refutation>> {
        let (known, next) = concerned(Some(&self.book), delta)?;
        let paths = judge::site(&Scope { state: &next, around: None, facts: delta.facts.is_some() })?;
        if delta.facts.is_some() {
            never::all_grants(&self.book, &next, &delta.grants_removed)?;
        }
        match self.book.overlap(delta, &known) {
            Some(rule) => Err(overlapping(&delta.site, rule)),
            None => Ok(paths),
        }
    }
}

impl VerifiedState {
    /// This state after a verified change, in place. Changes nothing on error.
    ///
    /// # Errors
    /// [`DeltaError`] if the change does not start here.
    pub fn apply(&mut self, slice: &VerifiedSlice) -> Result<(), DeltaError> {
        self.advance(slice.delta(), slice.proof())
    }
}

/// A gate's judgement of one change of a whole state, every path walked: the reference for [`SliceVerifier`].
///
/// # Errors
/// A counter-example, also if the change does not fit the state.
pub fn check_slice(state: &SiteState, delta: &SiteDelta) -> Result<VerifiedSlice, Box<Refutation>> {
    let id = &delta.site;
    if let Some(found) = delta.facts.as_ref().map(|f| &f.site.id).filter(|found| *found != id) {
        return Err(change(Fault::SiteSwapped, id, found.to_string()));
    }
    let next = state.after(delta).map_err(|error| change(Fault::DeltaMisfit, id, error.to_string()))?;
    let paths = judge::site(&Scope { state: &next, around: None, facts: true })?;
    Ok(VerifiedSlice::new(delta.clone(), Proof::new(1, paths), false))
}

/// A gate's own judgement of a whole state: a snapshot received or read back from disk.
///
/// # Errors
/// A counter-example.
pub fn check_state(state: SiteState) -> Result<VerifiedState, Box<Refutation>> {
    let paths = judge::site(&Scope { state: &state, around: None, facts: true })?;
    Ok(VerifiedState::new(state, Proof::new(1, paths)))
}

/// Do all invariants hold on these states, every path of every site walked? The definition that every faster verdict
/// must equal; cost follows the size of everything.
///
/// # Errors
/// The first invariant found broken.
pub fn check_network(states: &BTreeMap<model::SiteId, SiteState>) -> Result<Proof, Box<Refutation>> {
    let around = Around { first: states, then: None };
    let mut paths = 0;
    for (id, state) in states {
        if &state.facts.site.id != id {
            return Err(change(Fault::SiteKey, id, state.facts.site.id.to_string()));
        }
        paths += judge::site(&Scope { state, around: Some(around), facts: true })?;
    }
    Ok(Proof::new(states.len(), paths))
}
