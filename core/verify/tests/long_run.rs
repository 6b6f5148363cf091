//! A long run with counts: faulty changes, none of which may be accepted if a packet gets through because of it, and
//! valid ones, none of which may be refused. Tier 1 and tier 2 each by itself; what packets do is said by an interpreter
//! that knows neither.
//!
//! `cargo xtask long-run [--seconds N] [--until N] [--seed N] [--tally FILE]`. A seed is a piece of work that always
//! comes out the same: a network and its mutants, or a history of valid changes. With a tally, seeds counted there are
//! passed over, so runs add up however often one is stopped.
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "a long run is bounded by the clock and keeps its counts in a file")]

mod support;

use model::*;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::build::*;
use support::changed::first_uncovered_by;
use support::corner::first_uncovered;
use support::mutate::{Mutation, mutate_among, mutation};
use support::tally::{Half, Tally};
use verify::Verifier;
use verify::exact::Exact;

/// What was asked for: how long at most, how many of each at least, from which seed on, counted where.
struct Asked {
    time: Option<Duration>,
    until: Option<u64>,
    seed: u64,
    tally: Option<PathBuf>,
}

impl Asked {
    fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|s| s.parse::<u64>().unwrap());
        Self {
            time: number("SEKISHO_SECONDS").map(Duration::from_secs),
            until: number("SEKISHO_UNTIL"),
            seed: number("SEKISHO_SEED").unwrap_or(1),
            tally: std::env::var_os("SEKISHO_TALLY").map(PathBuf::from),
        }
    }
}

/// Between two words about how far it has come.
const TELL: Duration = Duration::from_secs(10);

#[test]
#[ignore = "a long run: cargo xtask long-run"]
fn long_run() {
    let asked = Asked::from_environment();
    let time = asked.time.unwrap_or(if asked.until.is_some() { Duration::MAX } else { Duration::from_secs(60) });
    let goal = asked.until.unwrap_or(u64::MAX);
    let mut tally = Tally::open(asked.tally.as_deref()).unwrap_or_else(|e| panic!("{e}"));
    println!("{}", tally.told());
    let (begin, mut told) = (Instant::now(), Instant::now());
    while begin.elapsed() < time {
        // The one that lags behind.
        let half = Half::BOTH.into_iter().min_by_key(|half| tally.counted(*half)).unwrap();
        if tally.counted(half) >= goal {
            break;
        }
        let seed = tally.next_seed(half, asked.seed);
        let counts = match half {
            Half::Mutants => mutants(seed),
            Half::Valid => valid_changes(seed),
        };
        tally.add(half, seed, &counts).unwrap_or_else(|e| panic!("{e}"));
        if told.elapsed() >= TELL {
            told = Instant::now();
            println!("{:6.0} s  {}", begin.elapsed().as_secs_f64(), tally.told());
        }
    }
    println!("{:6.0} s  {}", begin.elapsed().as_secs_f64(), tally.told());
    println!("0 false accepts, 0 false rejects");
    let [tried, harmless] = ["tried", "harmless"].map(|name| tally.sum(Half::Mutants, name));
    assert!(tally.counted(Half::Valid) > 0 && harmless < tried / 2, "most mutants are refused");
}

#[test]
fn a_piece_of_work_is_counted_once_and_comes_out_the_same() {
    let file = std::env::temp_dir().join(format!("sekisho-tally-{}", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let counts = |tried| [("tried", tried), ("harmless", 1)];
    {
        let mut tally = Tally::open(Some(&file)).unwrap();
        assert_eq!(tally.next_seed(Half::Mutants, 4), 4);
        tally.add(Half::Mutants, 4, &counts(10)).unwrap();
        tally.add(Half::Mutants, 5, &counts(20)).unwrap();
        assert!(tally.add(Half::Mutants, 5, &counts(20)).is_err(), "a seed counts once");
        assert!(Tally::open(Some(&file)).is_err(), "two runs would count the same");
    }
    // Another program's counts are kept, and not ours; a line that was cut off by a kill is none.
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("mutants\t0000000000000000\t9\ttried=500 harmless=0\nmutants\tab");
    std::fs::write(&file, text).unwrap();
    let tally = Tally::open(Some(&file)).unwrap();
    assert_eq!((tally.counted(Half::Mutants), tally.counted(Half::Valid)), (30, 0));
    assert_eq!([4, 9].map(|from| tally.next_seed(Half::Mutants, from)), [6, 9]);
    drop(tally);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(valid_history(3, 60), valid_history(3, 60));
    assert_eq!(mutants_of(3, 20), mutants_of(3, 20));
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn draw<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

const FROM: [&str; 8] = [
    "clinic/exam-1",
    "clinic/exam-2",
    "clinic/printer",
    "annex/desk",
    "hospital/ward-1",
    "hospital/archive",
    "hospital/portal",
    "provider/ops-1",
];
const TO: [&str; 5] =
    ["hospital/record-server", "hospital/portal", "provider/ops-1", "provider/lookup", "branch/files"];

type Pick = (Index, Index, Vec<u16>, bool);

fn pick() -> impl Strategy<Value = Pick> {
    let ports = proptest::collection::btree_set(prop_oneof![1u16..=65535, Just(443u16), Just(22u16)], 1..4);
    (any::<Index>(), any::<Index>(), ports, any::<bool>())
        .prop_map(|(from, to, ports, udp)| (from, to, ports.into_iter().collect(), udp))
}

/// A grant the zone matrix permits that shares no port with a live one of the same ends.
fn valid_grant(id: u64, (from, to, ports, udp): &Pick, live: &BTreeMap<GrantId, Grant>) -> Option<Grant> {
    let mut new = grant(id, from.get::<&str>(&FROM), to.get::<&str>(&TO), ports);
    if *udp {
        new.protocol = Protocol::Udp;
    }
    let one_with = |g: &Grant| {
        g.origin == new.origin
            && g.destination == new.destination
            && g.protocol == new.protocol
            && g.ports.iter().any(|p| new.ports.contains(p))
    };
    (new.origin.site != new.destination.site && !live.values().any(one_with)).then_some(new)
}

fn take_out(states: &mut States, id: GrantId) {
    let of = |owner: CookieOwner| owner == CookieOwner::Grant(id);
    for state in states.values_mut() {
        state.grants.remove(&id);
        state.rules.retain(|r| !of(r.owner));
        state.tunnels.retain(|t| t.grant != id);
        state.filters.retain(|f| !of(f.owner));
    }
}

fn number_changes(before: &States, after: &mut States) {
    for (id, state) in after.iter_mut() {
        if before[id] != *state {
            state.generation = state.generation.next();
        }
    }
}

/// Mutants tried on one network before another is drawn.
const MUTANTS: usize = 2_000;

#[derive(Debug, Clone)]
struct Mutant {
    faults: Vec<Mutation>,
    open: Option<Pick>,
    close: Option<Index>,
    /// Of rules, only those that serve grants: what comes with every opening, and not with documents alone.
    of_grants: bool,
}

fn mutant() -> impl Strategy<Value = Mutant> {
    (
        proptest::collection::vec(mutation(), 1..3),
        proptest::option::weighted(0.4, pick()),
        proptest::option::weighted(0.3, any::<Index>()),
        proptest::bool::weighted(0.8),
    )
        .prop_map(|(faults, open, close, of_grants)| Mutant { faults, open, close, of_grants })
}

type Counts = Vec<(&'static str, u64)>;

fn mutants(seed: u64) -> Counts {
    mutants_of(seed, MUTANTS)
}

fn mutants_of(seed: u64, most: usize) -> Counts {
    let mut runner = runner(seed);
    let (mut tried, mut passed, mut harmless) = (0u64, [0u64; 2], 0u64);
    let (states, live) = network(&mut runner);
    assert_eq!(first_uncovered(&states), None, "the network drawn is sound");
    let verifier = Verifier::from_states(states.clone()).unwrap_or_else(|r| panic!("{r}"));
    let mut exact = Exact::new(&states).unwrap_or_else(|r| panic!("{r}"));
    let strategy = mutant();
    for _ in 0..most {
        let mutant = draw(&mut runner, &strategy);
        let mut valid = states.clone();
        if let Some(new) = mutant.open.as_ref().and_then(|pick| valid_grant(9_000, pick, &live)) {
            for end in [&new.origin.site, &new.destination.site] {
                add(valid.get_mut(end).unwrap(), &new);
            }
        }
        if let Some(index) = mutant.close.filter(|_| !live.is_empty()) {
            take_out(&mut valid, *index.get(&live.keys().copied().collect::<Vec<_>>()));
        }
        let mut faulty = valid.clone();
        let wanted = |rule: &FlowRule| !mutant.of_grants || matches!(rule.owner, CookieOwner::Grant(_));
        mutant.faults.iter().for_each(|m| mutate_among(&mut faulty, m, wanted));
        if faulty == valid {
            continue;
        }
        number_changes(&states, &mut faulty);
        let plan = plan(&states, &faulty);
        let deltas: Vec<&SiteDelta> = plan.sites.values().collect();
        let verdicts = [exact.check(&deltas).is_ok(), verifier.check(plan.clone()).is_ok()];
        tried += 1;
        if verdicts.contains(&true) {
            let seen = first_uncovered_by(&states, &faulty);
            assert!(seen.is_none(), "accepted by tiers 2 and 1 ({verdicts:?}), seed {seed}: {mutant:?}: {seen:?}");
            harmless += 1;
            verdicts.iter().zip(&mut passed).for_each(|(yes, count)| *count += u64::from(*yes));
        }
    }
    vec![("tried", tried), ("tier1-accepts", passed[1]), ("tier2-accepts", passed[0]), ("harmless", harmless)]
}

/// A random valid network, and what is live in it.
fn network(runner: &mut TestRunner) -> (States, BTreeMap<GrantId, Grant>) {
    let mut states: States = facts().into_iter().map(|(id, f)| (id, state(f, &[]))).collect();
    let mut live = BTreeMap::new();
    for (n, pick) in draw(runner, &proptest::collection::vec(pick(), 1..10)).iter().enumerate() {
        let Some(new) = valid_grant(100 + n as u64, pick, &live) else { continue };
        for end in [&new.origin.site, &new.destination.site] {
            add(states.get_mut(end).unwrap(), &new);
        }
        live.insert(new.id, new);
    }
    (states, live)
}

/// Changes of one history before another begins, and most that is open meanwhile.
const CHANGES: usize = 20_000;
const MOST: usize = 400;
/// Changes between two changes of documents, and between two looks at whole states.
const POLICY: usize = 40;
const LOOK: usize = 4_000;

#[derive(Debug, Clone)]
enum Step {
    Open(Pick),
    Close(Index),
    Renew(Index),
}

fn valid_changes(seed: u64) -> Counts {
    valid_history(seed, CHANGES)
}

fn valid_history(seed: u64, changes: usize) -> Counts {
    let mut runner = runner(seed ^ 0x5eed);
    let [mut opened, mut closed, mut renewed, mut policies, mut looks] = [0u64; 5];
    let step = prop_oneof![
        5 => pick().prop_map(Step::Open),
        4 => any::<Index>().prop_map(Step::Close),
        1 => any::<Index>().prop_map(Step::Renew),
    ];
    let mut history = History::new();
    for n in 0..changes {
        if n.is_multiple_of(POLICY) {
            history.policy(n / POLICY);
            policies += 1;
        }
        match draw(&mut runner, &step) {
            Step::Open(pick) if history.live.len() < MOST => {
                if let Some(new) = valid_grant(100 + n as u64, &pick, &history.live) {
                    history.change(&new, true);
                    opened += 1;
                }
            }
            Step::Renew(index) => {
                if !history.live.is_empty() {
                    let ids: Vec<GrantId> = history.live.keys().copied().collect();
                    history.renew(*index.get(&ids));
                    renewed += 1;
                }
            }
            Step::Close(index) | Step::Open((index, ..)) => {
                if !history.live.is_empty() {
                    let ids: Vec<GrantId> = history.live.keys().copied().collect();
                    let old = history.live[index.get(&ids)].clone();
                    history.change(&old, false);
                    closed += 1;
                }
            }
        }
        if n % LOOK == LOOK - 1 {
            let states = history.verifier.states();
            verify::check_network(&states).unwrap_or_else(|r| panic!("the full judge: {r}"));
            Exact::new(&states).map(|_| ()).unwrap_or_else(|r| panic!("tier 2, read back: {r}"));
            looks += 1;
        }
    }
    let all = opened + closed + renewed + policies;
    vec![
        ("tried", all),
        ("openings", opened),
        ("closings", closed),
        ("renewals", renewed),
        ("documents", policies),
        ("looks", looks),
    ]
}

struct History {
    verifier: Verifier,
    exact: Exact,
    live: BTreeMap<GrantId, Grant>,
}

impl History {
    fn new() -> Self {
        let states: States = facts().into_iter().map(|(id, f)| (id, state(f, &[]))).collect();
        let verifier = Verifier::from_states(states.clone()).unwrap_or_else(|r| panic!("{r}"));
        Self { verifier, exact: Exact::new(&states).unwrap_or_else(|r| panic!("{r}")), live: BTreeMap::new() }
    }

    fn take_over(&mut self, plan: Plan) {
        let deltas: Vec<&SiteDelta> = plan.sites.values().collect();
        self.exact.advance(&deltas).unwrap_or_else(|r| panic!("tier 2 refuses a valid change: {r}: {plan:?}"));
        let verified = self
            .verifier
            .check(plan.clone())
            .unwrap_or_else(|r| panic!("tier 1 refuses a valid change: {r}: {plan:?}"));
        self.verifier.advance(&verified).unwrap();
    }

    fn delta(&self, site: &SiteId, before: &SiteState, after: &SiteState) -> SiteDelta {
        let parent = self.verifier.site(site).unwrap().generation();
        SiteDelta { parent, generation: parent.next(), ..delta(before, after) }
    }

    fn change(&mut self, of: &Grant, opens: bool) {
        let mut sites = BTreeMap::new();
        for id in [&of.origin.site, &of.destination.site] {
            let without = SiteState::empty(self.verifier.site(id).unwrap().facts().clone());
            let mut with = without.clone();
            add(&mut with, of);
            let (before, after) = if opens { (&without, &with) } else { (&with, &without) };
            sites.insert(id.clone(), self.delta(id, before, after));
        }
        let cause = if opens { PlanCause::Open(of.id) } else { PlanCause::Close(of.id) };
        self.take_over(Plan { cause, sites });
        if opens {
            self.live.insert(of.id, of.clone());
        } else {
            self.live.remove(&of.id);
        }
    }

    fn renew(&mut self, id: GrantId) {
        let grant = self.live.get_mut(&id).unwrap();
        grant.lease_until = grant.lease_until.plus_ms(1_000);
        let (renewal, ends) = (
            Renewal { grant: id, lease_until: grant.lease_until },
            [grant.origin.site.clone(), grant.destination.site.clone()],
        );
        let mut sites = BTreeMap::new();
        for end in ends {
            let same = SiteState::empty(self.verifier.site(&end).unwrap().facts().clone());
            let delta = SiteDelta { grants_renewed: vec![renewal], ..self.delta(&end, &same, &same) };
            sites.insert(end, delta);
        }
        self.take_over(Plan { cause: PlanCause::Renew(id), sites });
    }

    /// A change of documents that keeps what stands: an in-house rule comes or goes, a terminal becomes none or one again,
    /// a gateway is renamed and everybody told.
    fn policy(&mut self, n: usize) {
        let id = sid(["clinic", "hospital"][n % 2]);
        let book = self.verifier.site(&id).unwrap();
        let old = book.facts().clone();
        let mut new = old.clone();
        let mut sites = BTreeMap::new();
        match n / 2 % 3 {
            0 if new.site.in_house.len() > 1 => drop(new.site.in_house.pop()),
            0 if n.is_multiple_of(2) => new.site.in_house.push(in_house("exam-2", "printer", 9100)),
            0 => new.site.in_house.push(in_house("ward-1", "portal", 5432)),
            1 => {
                let name = ["exam-2", "ward-1"][n % 2].parse().unwrap();
                new.site.hosts.get_mut(&name).unwrap().terminal ^= true;
            }
            _ => new.site.gateway.ike_identity = format!("{id}-{n}.example"),
        }
        let standing = |facts: &SiteFacts| SiteState { facts: facts.clone(), ..state(facts.clone(), &[]) };
        sites.insert(id.clone(), self.delta(&id, &standing(&old), &standing(&new)));
        if old.site.as_peer() != new.site.as_peer() {
            let told = Arc::new(new.site.as_peer().unwrap());
            for (other, book) in self.verifier.sites().iter().filter(|(other, _)| **other != id) {
                let before = SiteState::empty(book.facts().clone());
                let mut after = before.clone();
                after.facts.peers.insert(id.clone(), Arc::clone(&told));
                sites.insert(other.clone(), self.delta(other, &before, &after));
            }
        }
        self.take_over(Plan { cause: PlanCause::Apply, sites });
    }
}
