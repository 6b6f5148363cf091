//! Our shape: many small sites, one large one that ends every line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::{
    Endpoint, Grant, GrantId, HostRef, InHouseRule, Network, Plan, PlanCause, Protocol, SiteDelta, SiteId, SiteState,
    Timestamp, parse_document,
};
use verify::Verifier;

use crate::BenchError;

/// Small sites; each has [`TERMINALS`].
const SITES: usize = 500;
const TERMINALS: usize = 16;
const SERVERS: usize = 8;
/// Flow rules of one line: three at each end.
pub(crate) const RULES: usize = 6;

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

    /// The changes of documents that add an in-house rule at the large site, where every line ends, and take it away
    /// again; with the standing rules that follow from it.
    pub(crate) fn policies(&self) -> Result<Policies, BenchError> {
        let hub: SiteId = parsed("hub")?;
        // Standing rules follow from a site's own document: the other sites need not be planned, twice, for this.
        let alone = |network: &Network| -> Result<SiteState, BenchError> {
            let sites = network.sites.iter().filter(|(id, _)| **id == hub);
            let sites = sites.map(|(id, site)| (id.clone(), site.clone())).collect();
            let mut states = plan::from_scratch(&Network { sites, ..Network::default() }, &[]).map_err(unplannable)?;
            let mut state = states.remove(&hub).ok_or_else(|| BenchError::Network("no hub".to_owned()))?;
            state.facts = network.facts(&hub).ok_or_else(|| BenchError::Network("no hub".to_owned()))?;
            Ok(state)
        };
        let without = alone(&self.network)?;
        let mut network = self.network.clone();
        if let Some(site) = network.sites.get_mut(&hub) {
            let (from, to) = (parsed("server-0")?, parsed("server-1")?);
            site.in_house.push(InHouseRule { from, to, protocol: Protocol::Tcp, ports: vec![5432] });
        }
        let with = alone(&network)?;
        let [adds, takes] = [(&without, &with), (&with, &without)].map(|(from, to)| plan::difference(from, to));
        Ok(Policies { hub, adds, takes })
    }
}

/// Two changes of documents, one the other's reverse.
pub(crate) struct Policies {
    hub: SiteId,
    adds: SiteDelta,
    takes: SiteDelta,
}

impl Policies {
    /// One of them, as it follows on what the verifier knows now.
    pub(crate) fn plan(&self, verifier: &Verifier, adds: bool) -> Plan {
        let delta = if adds { &self.adds } else { &self.takes };
        let parent = verifier.site(&self.hub).map(|s| s.generation()).unwrap_or_default();
        let delta = SiteDelta { parent, generation: parent.next(), ..delta.clone() };
        Plan { cause: PlanCause::Apply, sites: BTreeMap::from([(self.hub.clone(), delta)]) }
    }
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

fn read(name: &str, text: &str) -> Result<model::Document, BenchError> {
    parse_document(name, text).map_err(|error| BenchError::Network(error.to_string()))
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, BenchError> {
    text.parse().map_err(|error: T::Err| BenchError::Network(error.to_string()))
}

pub(crate) fn unplannable(error: plan::PlanError) -> BenchError {
    BenchError::Network(error.to_string())
}
