//! The inline proof (tier 1) at our shape.

use std::collections::BTreeMap;
use std::time::Instant;

use model::{Grant, Plan, SiteId, SiteState};
use verify::{Verifier, check_slice};

use super::clock::{Clock, Took, percentile};
use super::growth::{Curve, Growing};
use super::memory;
use super::world::{Policies, RULES, World, unplannable};
use crate::{BenchError, Peer, Row, Summary};

const ROUNDS: usize = 20_000;
/// So many rounds of opening and closing between two changes of documents.
const POLICY: usize = 200;

/// `tier1-open`, `tier1-close` (the verdict on a line's both ends, microseconds, beside the judge who walks everything),
/// `tier1-open-followed`, `tier1-close-followed` (the verdict and taking it over), each with `-p99.9`, measured while
/// documents change in between (`tier1-policy`: verdict and taking over, of the site where every line ends);
/// `wide-inline` (verdict on a new in-house rule there, microseconds), with 10k, 100k and 1M lines open, all of them
/// ending at one site; `memory-floor` (see [`memory::floor`]); `cold-start` (seconds to prove states read back) with 10k, 100k and 1M flow rules; and the rows and
/// curves of [`fill`].
///
/// # Errors
/// [`BenchError`] if a plan of the planner is refused.
pub fn measure(sizes: &[(&str, usize)], progress: &dyn Fn(&str)) -> Result<(Vec<Row>, Vec<Curve>), BenchError> {
    let world = World::new()?;
    // First of all, while nothing that was given back could be taken again: memory is that of the process.
    let (mut rows, curves) = fill(&world, sizes, progress)?;
    let policies = world.policies()?;
    let mut verifier = Verifier::from_states(world.states(0..0)?).map_err(refuted)?;
    let mut open = 0;
    for (name, size) in sizes {
        progress(&format!("opening {size} lines again"));
        while open < *size {
            open_one(&mut verifier, &world.grant(open))?;
            open += 1;
        }
        rows.extend(open_and_close(&mut verifier, (&world, &policies), name, open)?);
        rows.extend(memory::floor(name)?);
        rows.push(wide(&verifier, &policies, name)?);
    }
    drop(verifier);
    for (name, size) in sizes {
        progress(&format!("proving {size} rules read back"));
        let states = world.states(0..size / RULES)?;
        let begin = Instant::now();
        let verifier = Verifier::from_states(states).map_err(refuted)?;
        let took = begin.elapsed().as_secs_f64();
        drop(verifier);
        rows.push(Row::new(format!("cold-start-{name}"), "s", one(took)?, None));
    }
    progress("the judge who walks everything, for comparison");
    compare(&mut rows, &world, sizes)?;
    Ok((rows, curves))
}

/// Opens line after line and nothing else: `tier1-fill-longest` (the longest of all openings up to there, verdict and
/// taking over, microseconds) and `tier1-fill-longest-cpu` (what of the processor it took), `bytes-per-rule` (growth of
/// the process by everything the verifier keeps, facts and standing rules of all sites included, by the flow rules of
/// lines alone); `bytes-per-site` (with no line open, what was needed to get there included).
fn fill(world: &World, sizes: &[(&str, usize)], progress: &dyn Fn(&str)) -> Result<(Vec<Row>, Vec<Curve>), BenchError> {
    let mut rows = Vec::new();
    let empty = resident()?;
    let mut verifier = Verifier::from_states(world.states(0..0)?).map_err(refuted)?;
    let sites = verifier.sites().len();
    let standing = verifier.sites().values().map(|b| b.standing_rules()).sum::<usize>();
    let kept = (resident()? - empty) as f64;
    progress(&format!("{sites} sites, {standing} standing flow rules: {:.1} MB", kept / 1e6));
    rows.push(Row::new("bytes-per-site", "B", one(kept / sites as f64)?, None));
    let (mut open, mut longest) = (0, Took::default());
    let mut growing = Growing::new("tier 1, open a line", 1);
    for (name, size) in sizes {
        progress(&format!("opening {size} lines"));
        while open < *size {
            let clock = Clock::begin();
            let plan = planned(&verifier, &world.grant(open))?;
            let planned = clock.took();
            let verified = verifier.check(plan).map_err(refuted)?;
            verifier.advance(&verified).map_err(stale)?;
            let took = clock.took() - planned;
            open += 1;
            growing.step(open * RULES, took);
            if took.wall > longest.wall {
                progress(&format!(
                    "longest so far: line {open}, {:.0} us, {:.0} of the processor",
                    took.wall, took.cpu
                ));
            }
            longest = Took { wall: longest.wall.max(took.wall), cpu: longest.cpu.max(took.cpu) };
        }
        let bytes = (resident()? - empty) as f64 / (open * RULES) as f64;
        rows.push(Row::new(format!("bytes-per-rule-{name}"), "B", one(bytes)?, None));
        rows.push(Row::new(format!("tier1-fill-longest-{name}"), "us", one(longest.wall)?, None));
        rows.push(Row::new(format!("tier1-fill-longest-cpu-{name}"), "us", one(longest.cpu)?, None));
    }
    Ok((rows, growing.curves()))
}

fn open_and_close(
    verifier: &mut Verifier,
    (world, documents): (&World, &Policies),
    name: &str,
    open: usize,
) -> Result<Vec<Row>, BenchError> {
    let [mut opens, mut opened, mut closes, mut closed, mut policies] = [const { Vec::new() }; 5];
    let micros = |begin: Instant| begin.elapsed().as_secs_f64() * 1e6;
    for round in 0..ROUNDS {
        if round.is_multiple_of(POLICY) {
            let plan = documents.plan(verifier, (round / POLICY).is_multiple_of(2));
            let begin = Instant::now();
            let verified = verifier.check(plan).map_err(refuted)?;
            verifier.advance(&verified).map_err(stale)?;
            policies.push(micros(begin));
        }
        // Never the same line twice: what stands nearby in memory is as cold as in life.
        let grant = world.grant(open + round);
        let plan = planned(verifier, &grant)?;
        let begin = Instant::now();
        let verified = verifier.check(plan).map_err(refuted)?;
        opens.push(micros(begin));
        verifier.advance(&verified).map_err(stale)?;
        opened.push(micros(begin));

        // An old line, somewhere in the middle, and opened again so that the number stays.
        let old = world.grant(round.wrapping_mul(7919) % open);
        let plan = closing(verifier, &old)?;
        let begin = Instant::now();
        let verified = verifier.check(plan).map_err(refuted)?;
        closes.push(micros(begin));
        verifier.advance(&verified).map_err(stale)?;
        closed.push(micros(begin));
        open_one(verifier, &old)?;
        let plan = closing(verifier, &grant)?;
        let verified = verifier.check(plan).map_err(refuted)?;
        verifier.advance(&verified).map_err(stale)?;
    }
    let mut rows = Vec::new();
    for (metric, times) in [
        ("tier1-open", opens),
        ("tier1-close", closes),
        ("tier1-open-followed", opened),
        ("tier1-close-followed", closed),
        ("tier1-policy", policies),
    ] {
        let beyond = percentile(&times, 99.9);
        rows.push(Row::new(format!("{metric}-{name}"), "us", summary(times)?, None));
        if metric != "tier1-policy" {
            rows.push(Row::new(format!("{metric}-p99.9-{name}"), "us", one(beyond)?, None));
        }
    }
    Ok(rows)
}

/// Sets the full judge beside the inline verdicts, at the smaller sizes: its cost grows with what is open, to minutes a
/// round with the most.
fn compare(rows: &mut [Row], world: &World, sizes: &[(&str, usize)]) -> Result<(), BenchError> {
    for (name, size) in sizes.iter().filter(|(_, size)| *size <= 100_000) {
        let verifier = Verifier::from_states(world.states(0..*size)?).map_err(refuted)?;
        let (open, close) = naive(&verifier, world, *size, if *size <= 10_000 { 20 } else { 3 })?;
        for (metric, peer) in [("tier1-open", open), ("tier1-close", close)] {
            if let Some(row) = rows.iter_mut().find(|row| row.metric == format!("{metric}-{name}")) {
                *row = Row::new(row.metric.clone(), "us", row.ours.clone(), peer);
            }
        }
    }
    Ok(())
}

/// The full judge on the two sites of one line: the definition that the inline proof must equal.
fn naive(
    verifier: &Verifier,
    world: &World,
    open: usize,
    rounds: usize,
) -> Result<(Option<Peer>, Option<Peer>), BenchError> {
    let grant = world.grant(open);
    let plan = planned(verifier, &grant)?;
    let back = world.grant(0);
    let close = closing(verifier, &back)?;
    let time = |plan: &Plan| -> Result<Option<Peer>, BenchError> {
        let states: BTreeMap<&SiteId, SiteState> =
            plan.sites.keys().filter_map(|id| Some((id, verifier.site(id)?.state()))).collect();
        let mut times = Vec::new();
        for _ in 0..rounds {
            let begin = Instant::now();
            for (id, delta) in &plan.sites {
                check_slice(&states[id], delta).map_err(refuted)?;
            }
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        Ok(Summary::of_times(times).map(|summary| Peer { name: "full judge".to_owned(), summary }))
    };
    Ok((time(&plan)?, time(&close)?))
}

/// The verdict on one more in-house rule at the site where every line ends, with its documents changed accordingly.
fn wide(verifier: &Verifier, documents: &Policies, name: &str) -> Result<Row, BenchError> {
    let plan = documents.plan(verifier, true);
    let mut times = Vec::new();
    for _ in 0..500 {
        let plan = plan.clone();
        let begin = Instant::now();
        let verified = verifier.check(plan).map_err(refuted)?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
        drop(verified);
    }
    Ok(Row::new(format!("wide-inline-{name}"), "us", summary(times)?, None))
}

fn open_one(verifier: &mut Verifier, grant: &Grant) -> Result<(), BenchError> {
    let plan = planned(verifier, grant)?;
    let verified = verifier.check(plan).map_err(refuted)?;
    verifier.advance(&verified).map_err(stale)
}

fn planned(verifier: &Verifier, grant: &Grant) -> Result<Plan, BenchError> {
    let at = |site| verifier.site(site).ok_or_else(|| BenchError::Network(format!("no site {site}")));
    plan::open(grant, at(&grant.origin.site)?, at(&grant.destination.site)?).map_err(unplannable)
}

fn closing(verifier: &Verifier, grant: &Grant) -> Result<Plan, BenchError> {
    let ends = [&grant.origin.site, &grant.destination.site];
    let sites: Vec<_> = ends.into_iter().filter_map(|id| verifier.site(id)).collect();
    plan::close(grant, &sites).map_err(unplannable)
}

/// Bytes of this process that are in memory (proc(5), `statm`).
pub(super) fn resident() -> Result<usize, BenchError> {
    let text = std::fs::read_to_string("/proc/self/statm").map_err(BenchError::file("/proc/self/statm"))?;
    let pages = text.split_whitespace().nth(1).and_then(|n| n.parse::<usize>().ok());
    pages.map(|n| n * 4096).ok_or_else(|| BenchError::Subject("statm has no second number".to_owned()))
}

pub(super) fn one(value: f64) -> Result<Summary, BenchError> {
    summary(vec![value])
}

pub(super) fn summary(times: Vec<f64>) -> Result<Summary, BenchError> {
    Summary::of_times(times).ok_or_else(|| BenchError::Subject("nothing was measured".to_owned()))
}

fn refuted(refutation: Box<verify::Refutation>) -> BenchError {
    BenchError::Network(refutation.to_string())
}

fn stale(stale: verify::Stale) -> BenchError {
    BenchError::Network(stale.to_string())
}
