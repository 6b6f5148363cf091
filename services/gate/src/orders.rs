//! Orders of the center, judged before they count: by their signature, and by this gate's own proof (X1).

use model::{Generation, SiteDelta, SiteId, SiteState};
use site::Event;
use std::sync::{Mutex, MutexGuard, PoisonError};
use verify::{SliceVerifier, VerifiedSlice};
use wire::link as pb;

use crate::hub::Hub;

/// Judges what the center orders.
pub struct Orders {
    site: SiteId,
    key: pki::PublicKey,
    judged: Mutex<Judged>,
}

#[derive(Default)]
struct Judged {
    /// Where the last order led; nothing before the first.
    follows: Option<SliceVerifier>,
    /// The order that was said to come next, and its proof.
    next: Option<(pb::SignedOrder, Box<VerifiedSlice>)>,
}

impl Orders {
    /// Orders for this site, signed with this key.
    pub fn new(site: SiteId, key: pki::PublicKey) -> Self {
        Self { site, key, judged: Mutex::default() }
    }

    /// Carries an order to the machine.
    pub(crate) fn take(&self, hub: &Hub, signed: &pb::SignedOrder) -> Result<(), pb::OrderRefused> {
        let at = generation(hub);
        if let Some(slice) = self.judged_before(signed, at) {
            hub.feed(Event::Order(slice));
            return Ok(());
        }
        let order = self.read(signed, at)?;
        let generation = order.generation();
        let refuse = |code, detail: String| refused(at, generation, code, detail);
        let unsound = |r: Box<verify::Refutation>| refuse(pb::RefusalCode::Unsound, r.to_string());
        match order.body {
            wire::OrderBody::Delta(delta) => {
                let Some(state) = hub.state() else {
                    return Err(refuse(pb::RefusalCode::OutOfStep, "this gate has no state yet".into()));
                };
                if delta.generation <= at {
                    hub.feed(Event::Repeated { grants: delta.grants() });
                    return Ok(());
                }
                if delta.parent != at {
                    return Err(refuse(pb::RefusalCode::OutOfStep, format!("it leads from {}", delta.parent)));
                }
                let slice = self.judge(&state, &delta).map_err(unsound)?;
                self.follow(&slice);
                // The machine changes its state in place if nobody else holds it.
                drop(state);
                hub.feed(Event::Order(Box::new(slice)));
            }
            wire::OrderBody::Snapshot(snapshot) => {
                if snapshot.generation < at {
                    return Err(refuse(pb::RefusalCode::OutOfStep, "the snapshot is older".into()));
                }
                let proved = verify::check_state(*snapshot).map_err(unsound)?;
                self.judged().follows = Some(SliceVerifier::new(&proved));
                hub.feed(Event::Snapshot(Box::new(proved)));
            }
        }
        Ok(())
    }

    /// The order that comes next: judged now, so that its tunnels are configured while it is written down. Whatever is wrong
    /// with it is answered when it comes.
    pub(crate) fn prepare(&self, hub: &Hub, signed: pb::SignedOrder) {
        let Some(state) = hub.state() else { return };
        let Ok(order) = self.read(&signed, state.generation) else { return };
        let wire::OrderBody::Delta(delta) = order.body else { return };
        if delta.parent != state.generation || delta.tunnels_added.is_empty() {
            return;
        }
        let Ok(slice) = self.judge(&state, &delta) else { return };
        drop(state);
        self.judged().next = Some((signed, Box::new(slice.clone())));
        hub.feed(Event::Prepare(Box::new(slice)));
    }

    /// The proof of this very order, if it was judged when it was announced and the state is still the one it leads from.
    fn judged_before(&self, signed: &pb::SignedOrder, at: Generation) -> Option<Box<VerifiedSlice>> {
        let (announced, slice) = self.judged().next.take()?;
        let same = announced == *signed && slice.delta().parent == at;
        (same && self.follow(&slice)).then_some(slice)
    }

    fn read(&self, signed: &pb::SignedOrder, at: Generation) -> Result<wire::Order, pb::OrderRefused> {
        use pb::RefusalCode::{Malformed, NotAuthentic};
        let unread = |code, detail: String| refused(at, Generation(0), code, detail);
        let bytes = wire::order_signed_bytes(&signed.payload);
        pki::verify_detached(&self.key, &bytes, &signed.signature).map_err(|e| unread(NotAuthentic, e.to_string()))?;
        let order = wire::Order::decode(&signed.payload).map_err(|e| unread(Malformed, e.to_string()))?;
        if order.site != self.site {
            let detail = format!("the order is for site {}", order.site);
            return Err(refused(at, order.generation(), NotAuthentic, detail));
        }
        Ok(order)
    }

    /// Judges a change where the last one was judged. If the machine stands elsewhere, its state is judged anew first.
    fn judge(&self, state: &SiteState, delta: &SiteDelta) -> Result<VerifiedSlice, Box<verify::Refutation>> {
        let mut judged = self.judged();
        let follows = match judged.follows.take().filter(|p| p.generation() == state.generation) {
            Some(follows) => follows,
            None => SliceVerifier::new(&verify::check_state(state.clone())?),
        };
        judged.follows.insert(follows).check(delta)
    }

    /// False if the proof does not lead on; the next order is judged from the state then.
    fn follow(&self, slice: &VerifiedSlice) -> bool {
        let mut judged = self.judged();
        let led = judged.follows.as_mut().map(|follows| follows.advance(slice));
        match led {
            Some(Ok(())) => true,
            Some(Err(stale)) => {
                tracing::error!(%stale, "the proof of an order does not lead on; the next one is judged from the state");
                judged.follows = None;
                false
            }
            None => false,
        }
    }

    fn judged(&self) -> MutexGuard<'_, Judged> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn generation(hub: &Hub) -> Generation {
    hub.state().map_or(Generation(0), |state| state.generation)
}

fn refused(at: Generation, generation: Generation, code: pb::RefusalCode, detail: String) -> pb::OrderRefused {
    pb::OrderRefused { generation: generation.0, at: at.0, code: code.into(), detail }
}

#[cfg(test)]
mod tests;
