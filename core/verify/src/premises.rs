//! What a site's tables are judged against, indexed once.

use model::{CookieOwner, FlowRule, Grant, GrantId, Host, PortNo, Segment, Site, SiteId, SiteState, Tunnel};
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::judge::{Around, Scope};
use crate::{Because, Fault, Hop, Invariant, Packet, Refutation, trace};

/// The site, its registered bindings, and its neighbours as far as they are known.
pub(crate) struct Premises<'a> {
    pub state: &'a SiteState,
    pub site: &'a Site,
    pub by_port: BTreeMap<PortNo, &'a Host>,
    pub by_address: BTreeMap<IpAddr, &'a Host>,
    pub gateways: BTreeMap<IpAddr, &'a Segment>,
    pub tunnels: BTreeMap<GrantId, &'a Tunnel>,
    around: Option<Around<'a>>,
}

impl<'a> Premises<'a> {
    pub fn new(scope: &Scope<'a>) -> Self {
        let state = scope.state;
        let site = &state.facts.site;
        Self {
            state,
            site,
            by_port: site.hosts.values().map(|h| (h.port.port, h)).collect(),
            by_address: site.hosts.values().map(|h| (h.address, h)).collect(),
            gateways: site.segments.values().map(|s| (s.gateway_address(), s)).collect(),
            tunnels: state.tunnels.iter().map(|t| (t.grant, t)).collect(),
            around: scope.around,
        }
    }

    /// Is the whole network in view, or only this site?
    pub fn sees_all(&self) -> bool {
        self.around.is_some()
    }

    /// The state of another site, as it would be after the change.
    pub fn neighbour(&self, id: &SiteId) -> Option<&'a SiteState> {
        self.around?.site(id)
    }

    pub fn uplink(&self) -> PortNo {
        self.site.gateway.uplink.port
    }

    /// A live grant's host at this site, its remote end, and whether it originates here.
    pub fn local_end(&self, grant: &'a Grant) -> Option<(&'a Host, bool)> {
        let (end, origin) = grant.end_at(&self.site.id)?;
        Some((self.site.hosts.get(&end.host)?, origin))
    }

    pub fn refute(&self, invariant: Invariant, fault: Fault, because: Because) -> Box<Refutation> {
        Box::new(Refutation { invariant, fault, site: self.site.id.clone(), packet: None, path: Vec::new(), because })
    }

    pub fn refute_rule(&self, invariant: Invariant, fault: Fault, rule: &FlowRule) -> Box<Refutation> {
        self.refute(invariant, fault, by_rule(rule))
    }

    /// A refutation with a packet that takes these rules and, if it gets that far, leaves at a port.
    pub fn refute_path(
        &self,
        (invariant, fault): (Invariant, Fault),
        packet: Option<Packet>,
        rules: &[&FlowRule],
        exit: Option<PortNo>,
    ) -> Box<Refutation> {
        let culprit = rules
            .iter()
            .rev()
            .find(|r| r.owner != CookieOwner::Standing)
            .or_else(|| rules.iter().rev().find(|r| r.table != model::Table::Forwarding))
            .or(rules.last());
        let because = culprit.map_or_else(|| Because::Facts(self.site.id.to_string()), |r| by_rule(r));
        let path = packet.as_ref().map_or_else(Vec::new, |p| trace::around(self, p, self.hops(rules), exit));
        Box::new(Refutation { invariant, fault, site: self.site.id.clone(), packet, path, because })
    }

    fn hops(&self, rules: &[&FlowRule]) -> Vec<Hop> {
        rules.iter().map(|r| rule_hop(&self.site.id, r)).collect()
    }
}

pub(crate) fn rule_hop(site: &SiteId, rule: &FlowRule) -> Hop {
    Hop::Rule {
        site: site.clone(),
        switch: rule.switch.clone(),
        table: rule.table,
        priority: rule.priority,
        owner: rule.owner,
    }
}

pub(crate) fn by_rule(rule: &FlowRule) -> Because {
    Because::Rule { switch: rule.switch.clone(), table: rule.table, priority: rule.priority, owner: rule.owner }
}
