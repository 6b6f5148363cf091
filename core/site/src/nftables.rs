//! The red namespace's filter as nftables text, and back from `nft -j`.
//!
//! What is accepted lives in sets, one a (sides, direction, family); the rules that consult them never change. So the
//! guard stands before anything is open, a change costs its own elements, and every script is one atomic transaction
//! (nft(8) `-f`). The chain's policy drops; no WAN interface exists in red at all, so this is the second lock.
//!
//! Of ICMP and ICMPv6 nothing is forwarded. Red asks for its neighbours on the LAN itself, which no rule here is about, and
//! is answered by the switch; what they send it of their own accord, router advertisements among it, the switch drops.

use model::{CookieOwner, Filter, FilterSide, FlowDirection, Protocol};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

/// Interfaces of the red namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedInterfaces {
    /// Toward the in-house switch, e.g. `lan0`.
    pub lan: String,
    /// The tunnel device, e.g. `ipsec0`. It may come and go; names, not indexes, are matched.
    pub tunnel: String,
}

/// One accepted tuple: an element of a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterElement {
    from: FilterSide,
    to: FilterSide,
    direction: FlowDirection,
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    port: u16,
}

/// What `nft -j list table inet sekisho` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedFilters {
    /// The guard is there, whole, and nothing is beside it.
    pub guard: bool,
    /// Things in the table that we did not write: chains, sets, rules, elements. Each as text for the report.
    pub foreign: Vec<String>,
    /// What is accepted.
    pub elements: BTreeSet<FilterElement>,
}

/// Why the output of `nft -j` could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer of `nft -j list table inet sekisho` is not what nft 1.0 writes: {0}")]
pub struct FilterStateError(pub String);

/// Table name; its family is `inet`.
pub const TABLE: &str = "sekisho";
/// Says which edition of the guard stands; a gate replaces any other.
const EDITION: &str = "sekisho guard 1";
const SIDES: [(FilterSide, FilterSide); 3] = [
    (FilterSide::Lan, FilterSide::Tunnel),
    (FilterSide::Tunnel, FilterSide::Lan),
    (FilterSide::Tunnel, FilterSide::Tunnel),
];
const DIRECTIONS: [FlowDirection; 2] = [FlowDirection::Origin, FlowDirection::Reply];

/// The elements that say these filters. Nothing is forwarded from LAN to LAN: the switch does that, under its rules.
pub fn elements(filter: &Filter) -> impl Iterator<Item = FilterElement> + '_ {
    let sayable = SIDES.contains(&(filter.from, filter.to)) && filter.source.is_ipv4() == filter.destination.is_ipv4();
    filter.ports.iter().filter(move |_| sayable).map(|port| FilterElement {
        from: filter.from,
        to: filter.to,
        direction: filter.direction,
        source: filter.source,
        destination: filter.destination,
        protocol: filter.protocol,
        port: *port,
    })
}

/// The guard with exactly these elements, replacing whatever the table held, atomically.
pub fn full_script(red: &RedInterfaces, wanted: &BTreeMap<FilterElement, CookieOwner>) -> String {
    // `add` before `delete`: a delete of what is not there would fail the transaction.
    let mut out = format!("add table inet {TABLE}\ndelete table inet {TABLE}\nadd table inet {TABLE}\n");
    for (set, family) in set_names() {
        let _ = writeln!(
            out,
            "add set inet {TABLE} {set} {{ type {family}_addr . {family}_addr . inet_proto . inet_service ; }}"
        );
    }
    let _ =
        writeln!(out, "add chain inet {TABLE} forward {{ type filter hook forward priority filter ; policy drop ; }}");
    let _ =
        writeln!(out, "add chain inet {TABLE} clamp {{ type filter hook forward priority mangle ; policy accept ; }}");
    // A tunnel narrows the path; without this, TCP waits for ICMP that some network drops.
    let _ = writeln!(
        out,
        "add rule inet {TABLE} clamp tcp flags syn tcp option maxseg size set rt mtu comment \"{EDITION}\""
    );
    for (from, to) in SIDES {
        for direction in DIRECTIONS {
            let (port, states) = match direction {
                FlowDirection::Origin => ("dport", "new,established"),
                FlowDirection::Reply => ("sport", "established"),
            };
            for (family, proto) in [("ipv4", "ip"), ("ipv6", "ip6")] {
                let set = set_name(from, to, direction, family == "ipv4");
                let _ = writeln!(
                    out,
                    "add rule inet {TABLE} forward iifname \"{}\" oifname \"{}\" {proto} saddr . {proto} daddr . meta l4proto . th {port} @{set} ct state {states} accept comment \"{EDITION}\"",
                    interface(red, from),
                    interface(red, to),
                );
            }
        }
    }
    for (element, owner) in wanted {
        add_element(&mut out, element, *owner);
    }
    out
}

/// Only the difference, atomically.
pub fn change_script<'a>(
    added: impl IntoIterator<Item = (&'a FilterElement, &'a CookieOwner)>,
    removed: impl IntoIterator<Item = &'a FilterElement>,
) -> String {
    let mut out = String::new();
    for element in removed {
        let _ = writeln!(out, "delete element inet {TABLE} {} {{ {} }}", element.set(), element.key());
    }
    for (element, owner) in added {
        add_element(&mut out, element, *owner);
    }
    out
}

/// Reads `nft -j list table inet sekisho`.
///
/// # Errors
/// [`FilterStateError`] if it is not JSON of nft's shape.
pub fn parse_state(red: &RedInterfaces, json: &str) -> Result<ObservedFilters, FilterStateError> {
    let wrong = |what: &str| FilterStateError(what.to_owned());
    let root: Value = serde_json::from_str(json).map_err(|e| FilterStateError(e.to_string()))?;
    let objects = root.get("nftables").and_then(Value::as_array).ok_or_else(|| wrong("no `nftables` array"))?;
    let names: BTreeMap<String, (FilterSide, FilterSide, FlowDirection)> = SIDES
        .into_iter()
        .flat_map(|(a, b)| DIRECTIONS.into_iter().map(move |d| (a, b, d)))
        .flat_map(|(a, b, d)| [true, false].map(|v4| (set_name(a, b, d, v4), (a, b, d))))
        .collect();
    let mut seen = ObservedFilters::default();
    let (mut sets, mut rules, mut chains) = (0, 0, 0);
    for object in objects {
        if let Some(set) = object.get("set") {
            let name = text(set, "name");
            let Some(meaning) = names.get(name) else {
                seen.foreign.push(format!("set {name}"));
                continue;
            };
            sets += 1;
            for entry in set.get("elem").and_then(Value::as_array).into_iter().flatten() {
                match read_element(*meaning, entry) {
                    Some(element) => drop(seen.elements.insert(element)),
                    None => seen.foreign.push(format!("element {entry} of set {name}")),
                }
            }
        } else if let Some(chain) = object.get("chain") {
            match (text(chain, "name"), text(chain, "hook"), text(chain, "policy")) {
                ("forward", "forward", "drop") | ("clamp", "forward", "accept") => chains += 1,
                (name, hook, policy) => seen.foreign.push(format!("chain {name} hook {hook} policy {policy}")),
            }
        } else if let Some(rule) = object.get("rule") {
            if text(rule, "comment") == EDITION && is_guard_rule(red, rule) {
                rules += 1;
            } else {
                seen.foreign.push(format!("rule in chain {}", text(rule, "chain")));
            }
        }
    }
    seen.guard = seen.foreign.is_empty() && sets == names.len() && chains == 2 && rules == names.len() + 1;
    Ok(seen)
}

impl FilterElement {
    fn set(&self) -> String {
        set_name(self.from, self.to, self.direction, self.source.is_ipv4())
    }
    fn key(&self) -> String {
        format!("{} . {} . {} . {}", self.source, self.destination, self.protocol, self.port)
    }
}

/// An accept without its set lookup would accept everything, whatever its comment says.
fn is_guard_rule(red: &RedInterfaces, rule: &Value) -> bool {
    let Some(expressions) = rule.get("expr").and_then(Value::as_array) else { return false };
    let accepts = expressions.iter().any(|e| e.get("accept").is_some());
    if text(rule, "chain") == "clamp" {
        return !accepts && expressions.iter().any(|e| e.get("mangle").is_some());
    }
    let lookups = expressions.iter().filter_map(|e| e.pointer("/match/right").and_then(Value::as_str));
    let right: Vec<&str> = lookups.collect();
    let side = |side| interface(red, side);
    accepts
        && SIDES.into_iter().any(|(from, to)| {
            DIRECTIONS.into_iter().any(|d| {
                [true, false].into_iter().any(|v4| {
                    let set = format!("@{}", set_name(from, to, d, v4));
                    right.first() == Some(&side(from))
                        && right.get(1) == Some(&side(to))
                        && right.get(2) == Some(&set.as_str())
                })
            })
        })
        && expressions.iter().any(|e| e.pointer("/match/left/ct/key").and_then(Value::as_str) == Some("state"))
}

fn read_element(
    (from, to, direction): (FilterSide, FilterSide, FlowDirection),
    entry: &Value,
) -> Option<FilterElement> {
    let value = entry.pointer("/elem/val").unwrap_or(entry);
    let [source, destination, protocol, port] = value.get("concat")?.as_array()?.as_slice() else { return None };
    let protocol =
        match protocol.as_str().map(str::to_owned).or_else(|| protocol.as_u64().map(|n| n.to_string()))?.as_str() {
            "tcp" | "6" => Protocol::Tcp,
            "udp" | "17" => Protocol::Udp,
            _ => return None,
        };
    Some(FilterElement {
        from,
        to,
        direction,
        source: source.as_str()?.parse().ok()?,
        destination: destination.as_str()?.parse().ok()?,
        protocol,
        port: u16::try_from(port.as_u64()?).ok()?,
    })
}

fn add_element(out: &mut String, element: &FilterElement, owner: CookieOwner) {
    let _ = writeln!(
        out,
        "add element inet {TABLE} {} {{ {} comment \"{}\" }}",
        element.set(),
        element.key(),
        owner_name(owner)
    );
}

fn owner_name(owner: CookieOwner) -> String {
    match owner {
        CookieOwner::Standing => "standing".into(),
        CookieOwner::Grant(id) => id.to_string(),
        CookieOwner::InHouse(n) => format!("in-house-{n}"),
        CookieOwner::Transit(n) => format!("transit-{n}"),
        CookieOwner::Refusal => "refusal".into(),
    }
}

fn set_names() -> impl Iterator<Item = (String, &'static str)> {
    SIDES.into_iter().flat_map(|(from, to)| {
        DIRECTIONS.into_iter().flat_map(move |d| {
            [(true, "ipv4"), (false, "ipv6")].map(|(v4, family)| (set_name(from, to, d, v4), family))
        })
    })
}

fn set_name(from: FilterSide, to: FilterSide, direction: FlowDirection, v4: bool) -> String {
    let side = |s| match s {
        FilterSide::Lan => "lan",
        FilterSide::Tunnel => "tunnel",
    };
    let direction = match direction {
        FlowDirection::Origin => "origin",
        FlowDirection::Reply => "reply",
    };
    format!("{}_{}_{direction}{}", side(from), side(to), if v4 { 4 } else { 6 })
}

fn interface(red: &RedInterfaces, side: FilterSide) -> &str {
    match side {
        FilterSide::Lan => &red.lan,
        FilterSide::Tunnel => &red.tunnel,
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}
