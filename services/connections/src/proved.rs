//! Does what is committed hold? Both engines judge it anew, from what the registry holds and nothing else (X1).

use model::{SiteId, SiteState};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use texts::{Arg, Texts};
use verify::exact::Exact;
use verify::{Invariant, Refutation, check_network};
use wire::questions::{Engine, EngineVerdict, InvariantView, InvariantsReport, VerifyReport};

use crate::{Center, Refused, Scene};

/// Reads the registry and judges every site, path by path and by exact sets.
///
/// # Errors
/// [`Refused`] if the registry cannot be read. A breach is an answer, not an error.
pub async fn prove(center: &Center, texts: &Texts, picture: bool) -> Result<VerifyReport, Refused> {
    let states = Arc::new(center.registry().load().await?.sites);
    let judged = Arc::clone(&states);
    let verdicts = match tokio::task::spawn_blocking(move || judge(&judged)).await {
        Ok(verdicts) => verdicts,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    Ok(report(&states, verdicts, texts, picture))
}

/// What one engine found: size, time, breach.
struct Judged {
    engine: Engine,
    found: Result<usize, Box<Refutation>>,
    micros: u64,
}

fn judge(states: &BTreeMap<SiteId, SiteState>) -> [Judged; 2] {
    let timed = |engine, judge: &dyn Fn() -> Result<usize, Box<Refutation>>| {
        let began = Instant::now();
        let found = judge();
        Judged { engine, found, micros: began.elapsed().as_micros() as u64 }
    };
    [
        timed(Engine::Paths, &|| check_network(states).map(|proof| proof.paths())),
        timed(Engine::Sets, &|| Exact::new(states).map(|exact| exact.size().0)),
    ]
}

fn report(states: &BTreeMap<SiteId, SiteState>, verdicts: [Judged; 2], texts: &Texts, picture: bool) -> VerifyReport {
    let engines: Vec<EngineVerdict> = verdicts
        .into_iter()
        .map(|judged| EngineVerdict {
            engine: judged.engine,
            holds: judged.found.is_ok(),
            size: *judged.found.as_ref().unwrap_or(&0),
            micros: judged.micros,
            counter_example: judged.found.err().map(|r| Scene::of_states(states).counter_example(&r, texts, picture)),
        })
        .collect();
    let grants: std::collections::BTreeSet<_> = states.values().flat_map(|s| s.grants.keys()).collect();
    VerifyReport {
        holds: engines.iter().all(|e| e.holds),
        invariants: Invariant::ALL.len(),
        promises: states.values().map(|s| s.facts.site.never.len()).sum(),
        sites: states.len(),
        grants: grants.len(),
        parts: states.values().map(|s| s.rules.len() + s.tunnels.len() + s.filters.len()).sum(),
        engines,
    }
}

/// Every invariant there is: the house's, then those of sites.
pub async fn invariants(center: &Center, texts: &Texts) -> InvariantsReport {
    let house = Invariant::ALL.iter().map(|i| InvariantView {
        id: i.id().to_owned(),
        statement: texts.say(i.key(), &[]),
        requirements: i.requirements().iter().map(ToString::to_string).collect(),
    });
    let state = center.state().await;
    let own = state.network.sites.values().flat_map(|site| {
        site.never.iter().map(|rule| InvariantView {
            id: format!("{}/{}", site.id, rule.id),
            statement: texts.say(
                "promise",
                &[
                    ("from", Arg::text(&rule.from)),
                    ("to", Arg::text(&rule.to)),
                    ("because", Arg::Name(rule.because.clone())),
                ],
            ),
            requirements: Vec::new(),
        })
    });
    InvariantsReport { invariants: house.chain(own).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::world::World;
    use texts::Lang;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn both_engines_find_what_somebody_wrote_into_a_state() {
        let world = World::new().await;
        let texts = Texts::new(Lang::En);
        let mut states = world.center.registry().load().await.unwrap().sites;
        let whole = report(&states, judge(&states), &texts, false);
        assert!(whole.holds && whole.engines.iter().all(|e| e.size > 0), "{whole:?}");
        // The in-house rule of the hospital to any port.
        let state = states.get_mut(&"hospital".parse().unwrap()).unwrap();
        let begins = |r: &&model::FlowRule| {
            matches!(r.owner, model::CookieOwner::InHouse(_)) && r.matches.ct == Some(model::CtMatch::BEGINS)
        };
        let mut rule = state.rules.iter().find(begins).unwrap().clone();
        state.rules.remove(&rule);
        rule.matches.tp_dst = None;
        state.rules.insert(rule);
        let broken = report(&states, judge(&states), &texts, true);
        assert!(!broken.holds);
        for engine in broken.engines {
            let example = engine.counter_example.unwrap();
            assert!(!engine.holds && example.packet.is_some() && !example.path.is_empty(), "{example:?}");
            assert_eq!(example.policy.unwrap().line, "hospital/inhouse[0]");
            assert!(example.picture.unwrap().starts_with("<svg "));
        }
    }
}
