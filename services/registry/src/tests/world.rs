//! Values to commit. Plans here are not proved: the proof has its own room and tests; these only fill rows.

use audit::{Digest, Event, Person};
use model::{
    ConnectionState, CookieOwner, Endpoint, Filter, FilterSide, FlowDirection, FlowMatch, FlowRule, Generation, Grant,
    GrantId, Plan, PlanCause, Protocol, SiteDelta, SiteFacts, SiteId, Table, Timestamp, Zone,
};
use std::collections::BTreeMap;

use crate::{Commit, Committed, Registry, RegistryError};

pub(crate) fn site(name: &str) -> SiteId {
    name.parse().unwrap()
}

pub(crate) fn person() -> Person {
    Person { name: "SATO HANAKO".into(), role: Some("Medical Doctor".into()), certificate: Digest::of(b"card") }
}

pub(crate) fn grant(id: u64) -> Grant {
    let end = |site: &str, host: &str, address: &str, zone| Endpoint {
        site: site.parse().unwrap(),
        institution: "aoba".parse().unwrap(),
        host: host.parse().unwrap(),
        address: address.parse().unwrap(),
        zone,
    };
    Grant {
        id: GrantId(id),
        agreement: "A-0012".parse().unwrap(),
        service: "keyaki/records".parse().unwrap(),
        origin: end("clinic", "exam-1", "10.1.20.11", Zone::Secure),
        destination: end("hospital", "record-server", "10.2.10.10", Zone::Dmz),
        protocol: Protocol::Tcp,
        ports: vec![443],
        granted_at: Timestamp(1),
        lease_until: Timestamp(3_600_001),
        idle_ms: None,
    }
}

fn facts(name: &str) -> SiteFacts {
    let text = format!(
        r#"{{"site":{{"id":"{name}","name":null,"institution":"aoba","model":"small",
        "lines":[{{"id":"main","kind":"internet","address":"192.0.2.11"}}],
        "switch":{{"id":"sw1","dpid":"0000000000000001"}},
        "gateway":{{"uplink":"sw1/1","mac":"02:00:00:00:00:01","ike_identity":"gw.{name}.example"}},
        "segments":{{}},"hosts":{{}},"allow":[],"in_house":[],"transit":[]}},"peers":{{}}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn rule(grant: GrantId) -> FlowRule {
    let template = serde_json::json!({
        "switch": "sw1", "table": Table::Connections, "priority": 1000,
        "matches": FlowMatch::default(), "actions": [], "owner": CookieOwner::Grant(grant),
    });
    serde_json::from_value(template).unwrap()
}

fn filter(grant: &Grant) -> Filter {
    Filter {
        owner: CookieOwner::Grant(grant.id),
        from: FilterSide::Lan,
        to: FilterSide::Tunnel,
        source: grant.origin.address,
        destination: grant.destination.address,
        protocol: grant.protocol,
        ports: grant.ports.clone(),
        direction: FlowDirection::Origin,
    }
}

fn delta(name: &SiteId, parent: u64) -> SiteDelta {
    SiteDelta {
        site: name.clone(),
        parent: Generation(parent),
        generation: Generation(parent + 1),
        facts: None,
        grants_added: vec![],
        grants_removed: vec![],
        grants_renewed: Vec::new(),
        rules_added: vec![],
        rules_removed: vec![],
        tunnels_added: vec![],
        tunnels_removed: vec![],
        filters_added: vec![],
        filters_removed: vec![],
    }
}

/// Where the two sites stand and what to commit next.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) at: BTreeMap<SiteId, u64>,
}

impl World {
    /// From what a registry holds.
    pub(crate) async fn of(registry: &Registry) -> Self {
        let loaded = registry.load().await.unwrap();
        Self { at: loaded.sites.iter().map(|(s, state)| (s.clone(), state.generation.0)).collect() }
    }

    pub(crate) fn plan(&self, cause: PlanCause, sites: &[&str], change: impl Fn(&mut SiteDelta)) -> Plan {
        let deltas = sites.iter().map(|name| {
            let name = site(name);
            let mut delta = delta(&name, self.at.get(&name).copied().unwrap_or(0));
            change(&mut delta);
            (name, delta)
        });
        Plan { cause, sites: deltas.collect() }
    }

    pub(crate) fn moved(&mut self, plan: &Plan) {
        for (site, delta) in &plan.sites {
            self.at.insert(site.clone(), delta.generation.0);
        }
    }

    pub(crate) async fn apply(&mut self, registry: &Registry) -> Committed {
        let plan = self.plan(PlanCause::Apply, &["clinic", "hospital"], |d| d.facts = Some(facts(d.site.as_str())));
        let event = Event::OperatorAction { operator: "root".into(), action: "apply".into(), target: None };
        let done = registry.commit(Commit::at(Timestamp(1)).deltas_of(&plan).event(event)).await.unwrap();
        self.moved(&plan);
        done
    }

    pub(crate) fn opening(&self, id: u64) -> (Plan, Commit) {
        let grant = grant(id);
        let plan = self.plan(PlanCause::Open(grant.id), &["clinic", "hospital"], |d| {
            d.grants_added = vec![grant.clone()];
            d.rules_added = vec![rule(grant.id)];
            d.filters_added = vec![filter(&grant)];
        });
        let commit = Commit::at(Timestamp(100 + id as i64))
            .deltas_of(&plan)
            .connection_of(&grant, &person(), Digest::of(b"device"))
            .event(Event::ConnectionPermitted {
                grant: grant.id,
                from: grant.origin.host_ref(),
                service: grant.service.clone(),
                agreement: grant.agreement.clone(),
                rule: "aoba/allow[0]".into(),
                person: person(),
                device: Digest::of(b"device"),
                lease_until: grant.lease_until,
            })
            .event(Event::ConnectionOpening { grant: grant.id, sites: vec![] });
        (plan, commit)
    }

    pub(crate) async fn open(&mut self, registry: &Registry, id: u64) -> Result<Committed, RegistryError> {
        let (plan, commit) = self.opening(id);
        let done = registry.commit(commit).await?;
        self.moved(&plan);
        Ok(done)
    }

    pub(crate) async fn close(&mut self, registry: &Registry, id: u64) -> Result<Committed, RegistryError> {
        let grant = grant(id);
        let plan = self.plan(PlanCause::Close(grant.id), &["clinic", "hospital"], |d| {
            d.grants_removed = vec![grant.id];
            d.rules_removed = vec![rule(grant.id)];
            d.filters_removed = vec![filter(&grant)];
        });
        let commit = Commit::at(Timestamp(200 + id as i64))
            .deltas_of(&plan)
            .closing(grant.id, audit::CloseCause::Person)
            .event(Event::ConnectionClosing {
                grant: grant.id,
                cause: audit::CloseCause::Person,
                operator: None,
                sites: vec![],
            });
        let done = registry.commit(commit).await?;
        self.moved(&plan);
        Ok(done)
    }
}

pub(crate) async fn goes(registry: &Registry, id: u64, to: ConnectionState) -> Result<Committed, RegistryError> {
    let grant = GrantId(id);
    let event = match to {
        ConnectionState::Closed => Event::ConnectionClosed { grant },
        _ => Event::ConnectionOpen { grant },
    };
    registry.commit(Commit::at(Timestamp(150)).moves(grant, to).event(event)).await
}
