//! Whole states and changes of a site.

use model::{Filter, FlowRule, Generation, Grant, GrantId, SiteDelta, SiteState, Tunnel};

use crate::fields::{grant_id, map, maybe, messages, noun, nouns, read, set};
use crate::{Wire, WireError, link as pb};

impl Wire for SiteState {
    type Message = pb::SiteState;
    fn to_message(&self) -> pb::SiteState {
        pb::SiteState {
            generation: self.generation.0,
            facts: Some(self.facts.to_message()),
            grants: messages(self.grants.values()),
            rules: messages(&self.rules),
            tunnels: messages(&self.tunnels),
            filters: messages(&self.filters),
        }
    }
    fn from_message(m: pb::SiteState) -> Result<Self, WireError> {
        Ok(Self {
            generation: Generation(m.generation),
            facts: noun("facts", m.facts)?,
            grants: map("grants", nouns::<Grant, Vec<_>>("grants", m.grants)?, |g| g.id)?,
            rules: set("rules", nouns::<FlowRule, Vec<_>>("rules", m.rules)?)?,
            tunnels: set("tunnels", nouns::<Tunnel, Vec<_>>("tunnels", m.tunnels)?)?,
            filters: set("filters", nouns::<Filter, Vec<_>>("filters", m.filters)?)?,
        })
    }
}

impl Wire for SiteDelta {
    type Message = pb::SiteDelta;
    fn to_message(&self) -> pb::SiteDelta {
        pb::SiteDelta {
            site: self.site.to_string(),
            parent: self.parent.0,
            generation: self.generation.0,
            facts: self.facts.as_ref().map(Wire::to_message),
            grants_added: messages(&self.grants_added),
            grants_removed: self.grants_removed.iter().map(|g| g.0).collect(),
            grants_renewed: messages(&self.grants_renewed),
            rules_added: messages(&self.rules_added),
            rules_removed: messages(&self.rules_removed),
            tunnels_added: messages(&self.tunnels_added),
            tunnels_removed: messages(&self.tunnels_removed),
            filters_added: messages(&self.filters_added),
            filters_removed: messages(&self.filters_removed),
        }
    }
    fn from_message(m: pb::SiteDelta) -> Result<Self, WireError> {
        let removed: Result<Vec<GrantId>, _> =
            m.grants_removed.into_iter().map(|g| grant_id("grants_removed", g)).collect();
        Ok(Self {
            site: read("site", &m.site)?,
            parent: Generation(m.parent),
            generation: Generation(m.generation),
            facts: maybe("facts", m.facts)?,
            grants_added: nouns("grants_added", m.grants_added)?,
            grants_removed: removed?,
            grants_renewed: nouns("grants_renewed", m.grants_renewed)?,
            rules_added: nouns("rules_added", m.rules_added)?,
            rules_removed: nouns("rules_removed", m.rules_removed)?,
            tunnels_added: nouns("tunnels_added", m.tunnels_added)?,
            tunnels_removed: nouns("tunnels_removed", m.tunnels_removed)?,
            filters_added: nouns("filters_added", m.filters_added)?,
            filters_removed: nouns("filters_removed", m.filters_removed)?,
        })
    }
}
