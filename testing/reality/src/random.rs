//! Networks from a number: sites, zones, segments, hosts, in-house rules, and wishes to open lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lab::{Host, Scenario, SiteModel, SiteSpec, Zone};
use model::{Protocol, ProxyKind};

use crate::documents::Extras;
use crate::{RealityError, documents, network};

/// A network that never was.
#[derive(Debug)]
pub struct Random {
    /// Its number.
    pub seed: u64,
    /// What is plugged in.
    pub scenario: Scenario,
    /// What else documents say: only in-house rules that the proof permits.
    pub extras: BTreeMap<String, Extras>,
    /// In-house rules that the proof refused, so they are in no document.
    pub refused: usize,
    /// Lines somebody would like, some of which must not be.
    pub wishes: Vec<Wish>,
}

/// A line somebody would like. Hosts are named `<site>/<host>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Where it originates.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Destination ports.
    pub ports: Vec<u16>,
}

/// Names of the sites.
const SITES: [&str; 4] = ["alder", "birch", "cedar", "damson"];

impl Random {
    /// Two to four sites with up to eleven hosts, the same for the same number. Ports are taken from `ports`.
    ///
    /// # Errors
    /// If what was made does not fit together, which is a fault of this function.
    pub fn new(seed: u64, ports: &[u16]) -> Result<Self, RealityError> {
        let mut dice = Dice(seed);
        let (text, proxies) = plug(&mut dice, seed);
        let scenario = Scenario::parse(&text).map_err(|error| RealityError::Document(format!("{error}\n{text}")))?;
        let mut extras: BTreeMap<String, Extras> =
            proxies.into_iter().map(|(site, proxies)| (site, Extras { proxies, in_house: Vec::new() })).collect();
        let mut refused = 0;
        for site in &scenario.sites {
            for _ in 0..dice.below(6) {
                let (Some(from), Some(to)) = (dice.pick(&site.hosts), dice.pick(&site.hosts)) else { continue };
                if from.id == to.id {
                    continue;
                }
                if from.address.is_ipv4() != to.address.is_ipv4() {
                    // A document that says so is refused before any proof.
                    refused += 1;
                    continue;
                }
                let rule = (from.id.clone(), to.id.clone(), dice.protocol(), dice.some(ports));
                let mut tried = extras.clone();
                tried.entry(site.id.clone()).or_default().in_house.push(rule);
                if permitted(&scenario, &tried)? {
                    extras = tried;
                } else {
                    refused += 1;
                }
            }
        }
        let wishes = wishes(&mut dice, &scenario, ports);
        Ok(Self { seed, scenario, extras, refused, wishes })
    }
}

fn wishes(dice: &mut Dice, scenario: &Scenario, ports: &[u16]) -> Vec<Wish> {
    let of_site = |site: &'_ SiteSpec| -> Vec<(String, String, bool)> {
        let one = |host: &Host| (site.id.clone(), format!("{}/{}", site.id, host.id), host.address.is_ipv6());
        site.hosts.iter().map(one).collect()
    };
    let hosts: Vec<(String, String, bool)> = scenario.sites.iter().flat_map(of_site).collect();
    let mut wishes = Vec::new();
    for _ in 0..24 {
        let (Some((a, from, six)), Some((mut b, mut to, other))) =
            (dice.pick(&hosts).cloned(), dice.pick(&hosts).cloned())
        else {
            continue;
        };
        // Who speaks the other family cannot be meant: more often than not somebody who can is there.
        let mates: Vec<_> = hosts.iter().filter(|(site, _, family)| *site != a && *family == six).collect();
        if six != other
            && dice.below(4) != 0
            && let Some((site, host, _)) = dice.pick(&mates)
        {
            (b, to) = (site.clone(), host.clone());
        }
        if a != b {
            let (protocol, ports) = (dice.protocol(), dice.some(ports));
            wishes.push(Wish { from, to, protocol, ports });
        }
    }
    wishes
}

fn permitted(scenario: &Scenario, extras: &BTreeMap<String, Extras>) -> Result<bool, RealityError> {
    let network = network(&documents(scenario, extras))?;
    let states = plan::from_scratch(&network, &[]).map_err(|error| RealityError::Document(error.to_string()))?;
    Ok(verify::check_network(&states).is_ok())
}

fn plug(dice: &mut Dice, seed: u64) -> (String, BTreeMap<String, BTreeMap<String, ProxyKind>>) {
    let mut out =
        format!("name = \"random-{seed}\"\n\n[internet]\nprefix = \"192.0.2.0/24\"\ncenter = \"192.0.2.2\"\n");
    let mut proxies: BTreeMap<String, BTreeMap<String, ProxyKind>> = BTreeMap::new();
    let sites = 2 + dice.below(3) as usize;
    // Some sites belong to one legal entity.
    let institutions = 1 + dice.below(sites as u64) as usize;
    let mut hosts_left = 11u64;
    // Which segments speak IPv6: the n-th of every site alike, so that there is somebody to talk to. Other dice, so that a
    // number means the same wires in either family.
    let families = Dice(!seed).throw();
    for (n, site) in SITES.iter().take(sites).enumerate() {
        // Somebody uses and somebody offers, so that there is something to open.
        let model = match n {
            0 => SiteModel::Small,
            1 => SiteModel::Large,
            _ => [SiteModel::Large, SiteModel::Small, SiteModel::ServiceProvider][dice.below(3) as usize],
        };
        let (word, zones): (&str, &[Zone]) = match model {
            SiteModel::Large => ("large", &[Zone::Dmz, Zone::Secure, Zone::HighSecure]),
            SiteModel::Small => ("small", &[Zone::Secure, Zone::HighSecure]),
            SiteModel::ServiceProvider => ("service-provider", &[Zone::Dmz, Zone::HighSecure]),
        };
        let (wan, uplink) = (11 + n, 1 + dice.below(40));
        let _ = write!(
            out,
            "\n[[site]]\nid = \"{site}\"\nmodel = \"{word}\"\ninstitution = \"i{}\"\nwan = \"192.0.2.{wan}\"\n\
             datapath-id = \"{:016x}\"\ngateway-mac = \"02:00:00:{n:02x}:00:01\"\nuplink-port = {uplink}\n",
            n % institutions,
            0x100 + n,
        );
        let segments = 1 + dice.below(3);
        let mut port = uplink;
        for s in 0..segments {
            let zone = if s == 0 { zones[0] } else { zones[dice.below(zones.len() as u64) as usize] };
            let zone = match zone {
                Zone::HighSecure => "high-secure",
                Zone::Secure => "secure",
                Zone::Dmz => "dmz",
            };
            let (bits, size) = [(24, 256u64), (26, 64), (28, 16)][dice.below(3) as usize];
            let base = dice.below(256 / size) * size;
            let (second, third) = (1 + n, 10 + 10 * s);
            let six = families >> s & 1 == 1;
            let at = |last: u64| match six {
                true => format!("fd00:0:{second}:{third}::{last:x}"),
                false => format!("10.{second}.{third}.{last}"),
            };
            // The same number of hosts in either family.
            let bits = if six { bits + 96 } else { bits };
            let _ = write!(
                out,
                "\n[[site.segment]]\nid = \"s{s}\"\nzone = \"{zone}\"\nprefix = \"{}/{bits}\"\n\
                 gateway = \"{}\"\n",
                at(base),
                at(base + 1),
            );
            let still_to_come = (sites - n - 1) as u64;
            let hosts = (1 + dice.below(3)).min(hosts_left.saturating_sub(still_to_come));
            for h in 0..hosts {
                hosts_left -= 1;
                port += 1 + dice.below(4);
                let address = base + 2 + h * (size / 4 - 1);
                let host = format!("h{s}{h}");
                let _ = write!(
                    out,
                    "\n[[site.host]]\nid = \"{host}\"\nsegment = \"s{s}\"\naddress = \"{}\"\n\
                     mac = \"02:00:00:{n:02x}:{third:02x}:{address:02x}\"\nport = {port}\nterminal = {}\n",
                    at(address),
                    dice.below(2) == 0,
                );
                if dice.below(3) == 0 {
                    let kind = [ProxyKind::Internal, ProxyKind::External][dice.below(2) as usize];
                    proxies.entry((*site).to_owned()).or_default().insert(host, kind);
                }
            }
        }
    }
    (out, proxies)
}

/// SplitMix64: the same throws on every machine.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.throw() % end.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len() as u64) as usize)
    }

    fn protocol(&mut self) -> Protocol {
        if self.below(3) == 0 { Protocol::Udp } else { Protocol::Tcp }
    }

    /// One or two of them, sorted.
    fn some(&mut self, ports: &[u16]) -> Vec<u16> {
        let mut some: Vec<u16> = (0..=self.below(2)).filter_map(|_| self.pick(ports).copied()).collect();
        some.sort_unstable();
        some.dedup();
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_hundred_networks_fit_together_and_come_out_the_same_twice() {
        let ports = [22, 53, 443];
        let (mut rules, mut refused) = (0, 0);
        let (mut sites, mut families) = (BTreeSet::new(), BTreeSet::new());
        let mut wishes = [0; 3];
        for seed in 0..100 {
            let one = Random::new(seed, &ports).unwrap();
            let two = Random::new(seed, &ports).unwrap();
            assert_eq!((&one.scenario, &one.extras, &one.wishes), (&two.scenario, &two.extras, &two.wishes));
            let hosts: usize = one.scenario.sites.iter().map(|site| site.hosts.len()).sum();
            assert!((2..=11).contains(&hosts), "{seed}: {hosts}");
            rules += one.extras.values().map(|e| e.in_house.len()).sum::<usize>();
            refused += one.refused;
            sites.insert(one.scenario.sites.len());
            let six =
                one.scenario.sites.iter().flat_map(|site| &site.hosts).filter(|host| host.address.is_ipv6()).count();
            families.insert((six > 0, six < hosts));
            let hosts = || one.scenario.sites.iter().flat_map(|s| s.hosts.iter().map(move |h| (s, h)));
            let is_six = |name: &str| hosts().any(|(s, h)| format!("{}/{}", s.id, h.id) == name && h.address.is_ipv6());
            for wish in &one.wishes {
                wishes[usize::from(is_six(&wish.from)) + usize::from(is_six(&wish.to))] += 1;
            }
        }
        assert!(rules > 100 && refused > 50, "{rules} in-house rules, {refused} refused");
        assert_eq!(sites.len(), 3);
        assert_eq!(families.len(), 3, "one family, the other, both");
        // Most wishes are among those who speak one language, in either family; some are not, and must be refused.
        let [four, mixed, six] = wishes;
        assert!(four > mixed && six > mixed && mixed > 10, "{four}, {mixed}, {six}");
    }
}
