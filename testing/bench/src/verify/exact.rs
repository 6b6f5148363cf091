//! The exact proof (tier 2) at our shape, on the same network as the inline one.

use std::collections::BTreeMap;
use std::time::Instant;

use model::{
    Action, CookieOwner, CtMatch, EtherType, FlowMatch, FlowRule, Grant, SiteDelta, SiteId, SiteState, Table, Tag,
};
use verify::exact::Exact;

use super::clock::{Clock, Took};
use super::growth::{Curve, Growing};
use super::peer;
use super::world::{RULES, World};
use crate::{BenchError, Row, Summary};

const ROUNDS: usize = 5_000;

/// With so many flow rules of open lines, all lines ending at one site: `tier2-narrow` (microseconds a flow rule of an open: proof of the
/// whole line with its tunnels and filters at both ends, and taking it over, by six; beside it OxiDD, if the feature
/// `peers` is on), `tier2-open` and `tier2-close` (a
/// line), `tier2-wide` (milliseconds to the exact verdict on a rule for everything that comes from tunnels, refused, and
/// on one that drops it, accepted: the slower of the two), `tier2-wide-removed` (milliseconds to the verdict when a rule
/// goes under which every line lay), `tier2-bytes-per-rule` (of the sets).
///
/// # Errors
/// [`BenchError`] if the network of the bench is not accepted, or a wide opening is.
pub fn measure(sizes: &[(&str, usize)], progress: &dyn Fn(&str)) -> Result<(Vec<Row>, Vec<Curve>), BenchError> {
    let world = World::new()?;
    let states = world.states(0..0)?;
    let mut exact = Exact::new(&states).map_err(refuted)?;
    let (mut rows, mut open) = (Vec::new(), 0);
    let (mut engine, mut loaded) = (peer::Engine::default(), 0);
    let mut growing = Growing::new("tier 2, a flow rule of an open", RULES);
    let mut plain = Vec::new();
    for (name, size) in sizes {
        let lines = size / RULES;
        progress(&format!("tier 2: opening {lines} lines"));
        while open < lines {
            let took = advance(&mut exact, &opening(&states, &world.grant(open))?)?;
            open += 1;
            growing.step(open * RULES, took);
        }
        let (mut opens, mut closes) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let deltas = opening(&states, &world.grant(open + round))?;
            opens.push(advance(&mut exact, &deltas)?.wall);
            // An old line somewhere in the middle, and opened again.
            let old = opening(&states, &world.grant(round.wrapping_mul(7919) % open))?;
            closes.push(advance(&mut exact, &reversed(&old))?.wall);
            advance(&mut exact, &old)?;
            advance(&mut exact, &reversed(&deltas))?;
        }
        let narrow = opens.iter().map(|t| t / RULES as f64).collect();
        if cfg!(feature = "peers") {
            progress(&format!("tier 2: the peer, {lines} lines"));
        }
        let line = |n: usize| opening(&states, &world.grant(n));
        let beside = peer::narrow(&mut engine, (loaded..open).map(line), (open..open + ROUNDS).map(line))?;
        loaded = open;
        plain.extend(beside.iter().map(|peer| ((open * RULES) as f64, peer.summary.median)));
        rows.push(Row::new(format!("tier2-narrow-{name}"), "us", summary(narrow)?, beside));
        rows.push(Row::new(format!("tier2-open-{name}"), "us", summary(opens)?, None));
        rows.push(Row::new(format!("tier2-close-{name}"), "us", summary(closes)?, None));
        let (wide, removed) = wide(&mut exact, &states)?;
        rows.push(Row::new(format!("tier2-wide-{name}"), "ms", wide, None));
        rows.push(Row::new(format!("tier2-wide-removed-{name}"), "ms", removed, None));
        let bytes = exact.size().1 as f64 / (open * RULES) as f64;
        rows.push(Row::new(format!("tier2-bytes-per-rule-{name}"), "B", summary(vec![bytes])?, None));
    }
    let mut curves = growing.curves();
    if !plain.is_empty() {
        curves.push(Curve { name: "OxiDD, a flow rule, median".to_owned(), points: plain });
    }
    Ok((rows, curves))
}

type States = BTreeMap<SiteId, SiteState>;

/// To prove and take over.
fn advance(exact: &mut Exact, deltas: &[SiteDelta]) -> Result<Took, BenchError> {
    let deltas: Vec<&SiteDelta> = deltas.iter().collect();
    let clock = Clock::begin();
    exact.advance(&deltas).map_err(refuted)?;
    Ok(clock.took())
}

fn opening(states: &States, grant: &Grant) -> Result<Vec<SiteDelta>, BenchError> {
    let at = |site| states.get(site).ok_or_else(|| BenchError::Network(format!("no site {site}")));
    let plan = plan::open(grant, at(&grant.origin.site)?, at(&grant.destination.site)?)
        .map_err(|e| BenchError::Network(e.to_string()))?;
    Ok(plan.sites.into_values().collect())
}

fn reversed(deltas: &[SiteDelta]) -> Vec<SiteDelta> {
    let turn = |d: &SiteDelta| SiteDelta {
        grants_added: Vec::new(),
        grants_removed: d.grants_added.iter().map(|g| g.id).collect(),
        grants_renewed: Vec::new(),
        rules_added: d.rules_removed.clone(),
        rules_removed: d.rules_added.clone(),
        tunnels_added: d.tunnels_removed.clone(),
        tunnels_removed: d.tunnels_added.clone(),
        filters_added: d.filters_removed.clone(),
        filters_removed: d.filters_added.clone(),
        ..d.clone()
    };
    deltas.iter().map(turn).collect()
}

fn wide(exact: &mut Exact, states: &States) -> Result<(Summary, Summary), BenchError> {
    let hub = states.iter().find(|(id, _)| id.as_str() == "hub").map(|(_, s)| s);
    let hub = hub.ok_or_else(|| BenchError::Network("no hub".to_owned()))?;
    let rule = |priority, ct, actions| FlowRule {
        switch: hub.facts.site.switch.id.clone(),
        table: Table::Connections,
        priority,
        matches: FlowMatch {
            in_port: Some(hub.facts.site.gateway.uplink.port),
            tag: Some(Tag::Uplink),
            eth_type: Some(EtherType::Ipv4),
            ct,
            ..FlowMatch::default()
        },
        owner: CookieOwner::Standing,
        actions,
    };
    let opens = change(hub, rule(2000, Some(CtMatch::GOES_ON), vec![Action::Goto(Table::Forwarding)]));
    let drops = change(hub, rule(2000, None, Vec::new()));
    let (mut came, mut went) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let begin = Instant::now();
        if exact.check(&[&opens]).is_ok() {
            return Err(BenchError::Network("a rule for everything from tunnels is accepted".to_owned()));
        }
        let refused = begin.elapsed();
        let begin = Instant::now();
        exact.advance(&[&drops]).map_err(refuted)?;
        came.push(refused.max(begin.elapsed()).as_secs_f64() * 1e3);
        let back = reversed(std::slice::from_ref(&drops));
        let begin = Instant::now();
        exact.advance(&[&back[0]]).map_err(refuted)?;
        went.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    Ok((summary(came)?, summary(went)?))
}

fn change(state: &SiteState, rule: FlowRule) -> SiteDelta {
    SiteDelta {
        site: state.facts.site.id.clone(),
        parent: state.generation,
        generation: state.generation.next(),
        facts: None,
        grants_added: Vec::new(),
        grants_removed: Vec::new(),
        grants_renewed: Vec::new(),
        rules_added: vec![rule],
        rules_removed: Vec::new(),
        tunnels_added: Vec::new(),
        tunnels_removed: Vec::new(),
        filters_added: Vec::new(),
        filters_removed: Vec::new(),
    }
}

fn summary(times: Vec<f64>) -> Result<Summary, BenchError> {
    Summary::of_times(times).ok_or_else(|| BenchError::Subject("nothing was measured".to_owned()))
}

fn refuted(refutation: Box<verify::Refutation>) -> BenchError {
    BenchError::Network(refutation.to_string())
}
