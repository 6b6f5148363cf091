//! What sites know of each other, kept once: every site knows every other, so copies would outweigh all that is open.

use model::{PeerFacts, SiteFacts, SiteId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The last that was said of each site.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    peers: BTreeMap<SiteId, Arc<PeerFacts>>,
}

impl Known {
    /// Lets facts share what was said before in the very same words. Says nothing of what is true: sites that disagree
    /// (I02) go on to disagree.
    pub fn share(&mut self, facts: &mut SiteFacts) {
        let peers = std::mem::take(&mut facts.peers);
        facts.peers = peers.into_iter().map(|(id, said)| self.one(id, said)).collect();
    }

    fn one(&mut self, id: SiteId, said: Arc<PeerFacts>) -> (SiteId, Arc<PeerFacts>) {
        if let Some((same, known)) = self.peers.get_key_value(&id)
            && (Arc::ptr_eq(known, &said) || **known == *said)
        {
            return (same.clone(), Arc::clone(known));
        }
        self.peers.remove(&id);
        self.peers.insert(id.clone(), Arc::clone(&said));
        (id, said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(here: &str, there: &[(&str, &str)]) -> SiteFacts {
        let site = bare_site(here);
        let peers = there.iter().map(|(id, ike)| {
            let known = PeerFacts {
                institution: "aoba".parse().unwrap(),
                address: "192.0.2.1".parse().unwrap(),
                ike_identity: (*ike).to_owned(),
                prefixes: Vec::new(),
            };
            (id.parse().unwrap(), Arc::new(known))
        });
        SiteFacts { site, peers: peers.collect() }
    }

    fn bare_site(id: &str) -> model::Site {
        let port = model::SwitchPort { switch: "sw1".parse().unwrap(), port: model::PortNo(1) };
        model::Site {
            id: id.parse().unwrap(),
            name: None,
            institution: "aoba".parse().unwrap(),
            model: model::SiteModel::Small,
            lines: Vec::new(),
            switch: model::Switch { id: "sw1".parse().unwrap(), dpid: model::Dpid(1) },
            gateway: model::Gateway { uplink: port, mac: model::Mac([2; 6]), ike_identity: String::new() },
            segments: BTreeMap::new(),
            hosts: BTreeMap::new(),
            allow: Vec::new(),
            in_house: Vec::new(),
            transit: Vec::new(),
            never: Vec::new(),
        }
    }

    #[test]
    fn the_same_words_are_kept_once_and_other_words_stay_what_they_are() {
        let mut known = Known::default();
        let mut one = facts("a", &[("c", "c.example")]);
        let mut two = facts("b", &[("c", "c.example"), ("a", "a.example")]);
        let mut three = facts("d", &[("c", "elsewhere.example")]);
        let said = [one.clone(), two.clone(), three.clone()];
        for facts in [&mut one, &mut two, &mut three] {
            known.share(facts);
        }
        let c: SiteId = "c".parse().unwrap();
        assert!(Arc::ptr_eq(&one.peers[&c], &two.peers[&c]));
        assert!(!Arc::ptr_eq(&one.peers[&c], &three.peers[&c]));
        assert_eq!([one, two, three], said);
    }
}
