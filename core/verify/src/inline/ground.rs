//! What stands without a grant, packed: hundreds of sites with their standing rules weigh less than what is open.

use model::{Cookie, FlowRule, SiteState, SwitchId};
use std::collections::BTreeSet;

use super::pack::{Reader, put_len, put_rule};

/// Standing rules of one site, in order.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    packed: Box<[u8]>,
    len: usize,
}

const WHOLE: &str = "packed here, unpacked here";

impl Ground {
    /// Of rules that serve no grant.
    pub fn pack(rules: &BTreeSet<FlowRule>) -> Self {
        let mut packed = Vec::new();
        let mut one = Vec::with_capacity(128);
        for rule in rules {
            one.clear();
            one.extend_from_slice(&Cookie::from(rule.owner).0.to_le_bytes());
            put_rule(&mut one, rule);
            put_len(&mut packed, one.len());
            packed.extend_from_slice(&one);
        }
        Self { packed: packed.into_boxed_slice(), len: rules.len() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The rules again; those of the site's switch share its name.
    pub fn rules(&self, switch: &SwitchId) -> BTreeSet<FlowRule> {
        let mut rest = Reader(&self.packed);
        let mut rules = Vec::with_capacity(self.len);
        while !rest.0.is_empty() {
            let len = rest.len().expect(WHOLE);
            let mut reader = Reader(rest.take(len).expect(WHOLE));
            let cookie = Cookie(u64::from_le_bytes(reader.array().expect(WHOLE)));
            let mut rule = reader.rule(cookie.owner().expect(WHOLE)).expect(WHOLE);
            if rule.switch == *switch {
                rule.switch = switch.clone();
            }
            rules.push(rule);
        }
        // They come in order, and a tree collected from what is in order is full.
        rules.into_iter().collect()
    }

    /// On a frame: facts, filters and number of a site.
    pub fn on(&self, frame: &SiteState) -> SiteState {
        let mut state = frame.clone();
        state.rules = self.rules(&frame.facts.site.switch.id);
        state
    }
}
