//! What planning and proving one open costs, with few and with many lines already open (N6).

use std::time::Instant;

use model::Plan;
use verify::Verifier;

use crate::{BenchError, Row, Summary, network};

const ROUNDS: usize = 200;

/// `plan-open-1`, `plan-open-1000`: microseconds to plan one open with that many lines open before, the cost of which
/// must not grow (N6). `plan-and-prove-open-…`: the same with the proof of the plan. There is no peer: nobody else
/// proves what it installs.
pub fn plan_open(progress: &dyn Fn(&str)) -> Result<Vec<Row>, BenchError> {
    let network = network::network(1)?;
    let ports = 1000 / (u16::from(network::TERMINALS) * u16::from(network::SERVERS)) + 2;
    let grants = network::grants(&network, 0, ports)?;
    let mut rows = Vec::new();
    for open in [1, 1000] {
        progress(&format!("planning and proving one open with {open} open"));
        let (before, rest) = grants.split_at(open);
        let wanted = rest.first().ok_or_else(|| BenchError::Network("too few grants".into()))?;
        let states = network::states(&network, before)?;
        let refuted = |r: Box<verify::Refutation>| BenchError::Network(r.to_string());
        let verifier = Verifier::from_states(states).map_err(refuted)?;
        let (mut planned, mut proved) = (Vec::new(), Vec::new());
        // Apart, because the first allocations after a proof pay for what the proof gave back.
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let plan = plan_one(&verifier, wanted)?;
            planned.push(begin.elapsed().as_secs_f64() * 1e6);
            drop(plan);
        }
        for _ in 0..ROUNDS {
            let begin = Instant::now();
            let plan = plan_one(&verifier, wanted)?;
            let verified = verifier.check(plan).map_err(refuted)?;
            proved.push(begin.elapsed().as_secs_f64() * 1e6);
            drop(verified);
        }
        for (metric, times) in [("plan-open", planned), ("plan-and-prove-open", proved)] {
            let ours = Summary::of_times(times).ok_or_else(|| BenchError::Network("no round".into()))?;
            rows.push(Row::new(format!("{metric}-{open}"), "us", ours, None));
        }
    }
    Ok(rows)
}

fn plan_one(verifier: &Verifier, grant: &model::Grant) -> Result<Plan, BenchError> {
    let at = |site| verifier.site(site).ok_or_else(|| BenchError::Network(format!("no site {site}")));
    plan::open(grant, at(&grant.origin.site)?, at(&grant.destination.site)?)
        .map_err(|e| BenchError::Network(e.to_string()))
}
