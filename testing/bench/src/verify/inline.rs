//! The inline proof (tier 1) at our shape: many small sites, one large one that ends every line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use model::{
    Endpoint, Grant, GrantId, HostRef, InHouseRule, Network, Plan, PlanCause, Protocol, SiteId, SiteState, Timestamp,
    parse_document,
};
use verify::{Verifier, check_slice};

use crate::{BenchError, Peer, Row, Summary};

/// Small sites; each has [`TERMINALS`].
const SITES: usize = 500;
const TERMINALS: usize = 16;
const SERVERS: usize = 8;
const ROUNDS: usize = 20_000;
/// Flow rules of one line: three at each end.
const RULES: usize = 6;

/// `tier1-open`, `tier1-close` (the verdict on a line's both ends, microseconds, beside the judge who walks everything),
/// `tier1-open-followed`, `tier1-close-followed` (the verdict and taking it over),
/// `wide-inline` (verdict on a new in-house rule at the large site, microseconds), `bytes-per-rule` (growth of the
/// process by everything the verifier keeps) with 10k, 100k and 1M lines open, all of them ending at one site;
/// `cold-start` (seconds to prove states read back) with 10k, 100k and 1M flow rules.
///
/// # Errors
/// [`BenchError`] if a plan of the planner is refused.
pub fn measure(sizes: &[(&str, usize)], progress: &dyn Fn(&str)) -> Result<Vec<Row>, BenchError> {
    let world = World::new()?;
    let mut rows = Vec::new();
    let empty = resident()?;
    let mut verifier = Verifier::from_states(world.states(0..0)?).map_err(refuted)?;
    let mut open = 0;
    for (name, size) in sizes {
        progress(&format!("opening {size} lines"));
        let mut worst: f64 = 0.0;
        let mut spent = 0.0;
        let grown = open;
        while open < *size {
            let took = open_one(&mut verifier, &world.grant(open))?;
            (worst, spent) = (worst.max(took), spent + took);
            open += 1;
        }
        progress(&format!("mean {:.1} us, longest {worst:.0} us", spent / (open - grown).max(1) as f64));
        let bytes = (resident()? - empty) as f64 / (open * RULES) as f64;
        rows.push(Row::new(format!("bytes-per-rule-{name}"), "B", one(bytes)?, None));
        rows.extend(open_and_close(&mut verifier, &world, name, open, progress)?);
        rows.push(wide(&verifier, &world, name)?);
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
    Ok(rows)
}

fn open_and_close(
    verifier: &mut Verifier,
    world: &World,
    name: &str,
    open: usize,
    progress: &dyn Fn(&str),
) -> Result<Vec<Row>, BenchError> {
    let (mut opens, mut opened, mut closes, mut closed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Never the same line twice: what stands nearby in memory is as cold as in life.
        let grant = world.grant(open + round);
        let plan = planned(verifier, &grant)?;
        let begin = Instant::now();
        let verified = verifier.check(plan).map_err(refuted)?;
        opens.push(begin.elapsed().as_secs_f64() * 1e6);
        verifier.advance(&verified).map_err(stale)?;
        opened.push(begin.elapsed().as_secs_f64() * 1e6);

        // An old line, somewhere in the middle, and opened again so that the number stays.
        let old = world.grant(round.wrapping_mul(7919) % open);
        let plan = closing(verifier, &old)?;
        let begin = Instant::now();
        let verified = verifier.check(plan).map_err(refuted)?;
        closes.push(begin.elapsed().as_secs_f64() * 1e6);
        verifier.advance(&verified).map_err(stale)?;
        closed.push(begin.elapsed().as_secs_f64() * 1e6);
        open_one(verifier, &old)?;
        let plan = closing(verifier, &grant)?;
        let verified = verifier.check(plan).map_err(refuted)?;
        verifier.advance(&verified).map_err(stale)?;
    }
    // The cost of the full judge grows with what is open: minutes a round with the most.
    let (peer_open, peer_close) = if open <= 100_000 {
        progress("the judge who walks everything, for comparison");
        naive(verifier, world, open, if open <= 10_000 { 20 } else { 3 })?
    } else {
        (None, None)
    };
    let mut rows = Vec::new();
    for (metric, times, peer) in [
        ("tier1-open", opens, peer_open),
        ("tier1-close", closes, peer_close),
        ("tier1-open-followed", opened, None),
        ("tier1-close-followed", closed, None),
    ] {
        let mut sorted = times.clone();
        sorted.sort_by(f64::total_cmp);
        let beyond = sorted[(sorted.len() * 999 / 1000).min(sorted.len() - 1)];
        rows.push(Row::new(format!("{metric}-{name}"), "us", summary(times)?, peer));
        rows.push(Row::new(format!("{metric}-p99.9-{name}"), "us", one(beyond)?, None));
    }
    Ok(rows)
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
fn wide(verifier: &Verifier, world: &World, name: &str) -> Result<Row, BenchError> {
    let hub: SiteId = parsed("hub")?;
    let mut network = world.network.clone();
    if let Some(site) = network.sites.get_mut(&hub) {
        let (from, to) = (parsed("server-0")?, parsed("server-1")?);
        site.in_house.push(InHouseRule { from, to, protocol: Protocol::Tcp, ports: vec![5432] });
    }
    let (mut before, mut after) = (scratch(&world.network)?, scratch(&network)?);
    let (Some(mut before), Some(after)) = (before.remove(&hub), after.remove(&hub)) else {
        return Err(BenchError::Network("no hub".to_owned()));
    };
    before.generation = verifier.site(&hub).map(|s| s.generation()).unwrap_or_default();
    let delta = plan::difference(&before, &after);
    let plan = Plan { cause: PlanCause::Apply, sites: BTreeMap::from([(hub, delta)]) };
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

/// Microseconds from the plan to its being followed.
fn open_one(verifier: &mut Verifier, grant: &Grant) -> Result<f64, BenchError> {
    let plan = planned(verifier, grant)?;
    let begin = Instant::now();
    let verified = verifier.check(plan).map_err(refuted)?;
    verifier.advance(&verified).map_err(stale)?;
    Ok(begin.elapsed().as_secs_f64() * 1e6)
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

/// The network, and as many lines of it as are asked for.
pub(crate) struct World {
    network: Network,
    origins: Vec<Endpoint>,
    servers: Vec<Endpoint>,
}

impl World {
    pub(crate) fn new() -> Result<Self, BenchError> {
        let mut documents = vec![read("hub", &hub())?];
        for n in 0..SITES {
            documents.push(read("clinic", &clinic(n))?);
        }
        let network = Network::default().with(&documents).map_err(|faults| {
            BenchError::Network(faults.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("; "))
        })?;
        let end = |site: &str, host: String| -> Result<Endpoint, BenchError> {
            let at = HostRef { site: parsed(site)?, host: parsed(&host)? };
            let (site, host) = network.host(&at).ok_or_else(|| BenchError::Network(format!("no {at}")))?;
            let zone = site.zone_of(host).ok_or_else(|| BenchError::Network(format!("no zone for {at}")))?;
            Ok(Endpoint {
                site: site.id.clone(),
                institution: site.institution.clone(),
                host: host.id.clone(),
                address: host.address,
                zone,
            })
        };
        let origins = (0..SITES * TERMINALS)
            .map(|n| end(&format!("clinic-{}", n % SITES), format!("exam-{}", n / SITES)))
            .collect::<Result<_, _>>()?;
        let servers = (0..SERVERS).map(|n| end("hub", format!("server-{n}"))).collect::<Result<_, _>>()?;
        Ok(Self { network, origins, servers })
    }

    /// The n-th line: sites in turn, then terminals, then servers, then ports.
    pub(crate) fn grant(&self, n: usize) -> Grant {
        let origin = self.origins[n % self.origins.len()].clone();
        let rest = n / self.origins.len();
        let destination = self.servers[rest % SERVERS].clone();
        Grant {
            id: GrantId(n as u64 + 1),
            agreement: "A-0001".parse().expect("an agreement's number"),
            service: model::ServiceId {
                institution: destination.institution.clone(),
                name: "records".parse().expect("a service's name"),
            },
            origin,
            destination,
            protocol: Protocol::Tcp,
            ports: vec![1024 + (rest / SERVERS) as u16],
            granted_at: Timestamp(0),
            lease_until: Timestamp(4_102_444_800_000),
            idle_ms: None,
        }
    }

    /// The states of all sites with these lines open.
    pub(crate) fn states(&self, lines: std::ops::Range<usize>) -> Result<BTreeMap<SiteId, SiteState>, BenchError> {
        let grants: Vec<Grant> = lines.map(|n| self.grant(n)).collect();
        plan::from_scratch(&self.network, &grants).map_err(unplannable)
    }
}

fn scratch(network: &Network) -> Result<BTreeMap<SiteId, SiteState>, BenchError> {
    plan::from_scratch(network, &[]).map_err(unplannable)
}

fn hub() -> String {
    let mut text = site("hub", "large", "198.18.255.1", 0xffff, "dmz", "10.255.0.0/24");
    for n in 0..SERVERS {
        text += &host(&format!("server-{n}"), &format!("10.255.0.{}", 11 + n), [255, 255, n as u8], n, false);
    }
    text
}

fn clinic(n: usize) -> String {
    let (high, low) = (n / 250, n % 250);
    let prefix = format!("10.{high}.{low}.0/24");
    let mut text = site(&format!("clinic-{n}"), "small", &format!("198.18.{high}.{low}"), n + 1, "secure", &prefix);
    for t in 0..TERMINALS {
        let address = format!("10.{high}.{low}.{}", 11 + t);
        text += &host(&format!("exam-{t}"), &address, [high as u8, low as u8, t as u8], t, true);
    }
    text
}

fn site(id: &str, model: &str, wan: &str, number: usize, zone: &str, prefix: &str) -> String {
    let [_, .., a, b] = (number as u32).to_be_bytes();
    format!(
        r#"
[institution]
id = "i-{id}"
name = {{ ja = "{id}", en = "{id}" }}
[site]
id = "{id}"
model = "{model}"
[[line]]
id = "main"
kind = "internet"
address = "{wan}"
[[switch]]
id = "sw1"
dpid = "{number:016x}"
[gateway]
uplink = "sw1/1"
mac = "02:01:{a:02x}:{b:02x}:00:01"
ike_identity = "{id}.gate.sekisho.test"
[[segment]]
id = "hosts"
zone = "{zone}"
vlan = 20
prefix = "{prefix}"
"#
    )
}

fn host(id: &str, address: &str, [a, b, c]: [u8; 3], n: usize, terminal: bool) -> String {
    let mut text = format!("[[host]]\nid = \"{id}\"\nsegment = \"hosts\"\naddress = \"{address}\"\n");
    // Writing to a string cannot fail.
    let _ =
        write!(text, "mac = \"02:02:00:{a:02x}:{b:02x}:{c:02x}\"\nport = \"sw1/{}\"\nterminal = {terminal}\n", n + 3);
    text
}

/// Bytes of this process that are in memory (proc(5), `statm`).
fn resident() -> Result<usize, BenchError> {
    let text = std::fs::read_to_string("/proc/self/statm").map_err(BenchError::file("/proc/self/statm"))?;
    let pages = text.split_whitespace().nth(1).and_then(|n| n.parse::<usize>().ok());
    pages.map(|n| n * 4096).ok_or_else(|| BenchError::Subject("statm has no second number".to_owned()))
}

fn read(name: &str, text: &str) -> Result<model::Document, BenchError> {
    parse_document(name, text).map_err(|error| BenchError::Network(error.to_string()))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, BenchError> {
    text.parse().map_err(|error: T::Err| BenchError::Network(error.to_string()))
}

fn one(value: f64) -> Result<Summary, BenchError> {
    summary(vec![value])
}

fn summary(times: Vec<f64>) -> Result<Summary, BenchError> {
    Summary::of_times(times).ok_or_else(|| BenchError::Subject("nothing was measured".to_owned()))
}

fn refuted(refutation: Box<verify::Refutation>) -> BenchError {
    BenchError::Network(refutation.to_string())
}

fn stale(stale: verify::Stale) -> BenchError {
    BenchError::Network(stale.to_string())
}

fn unplannable(error: plan::PlanError) -> BenchError {
    BenchError::Network(error.to_string())
}
