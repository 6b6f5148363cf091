//! The network a bench is run on: many small sites with terminals, one large site with servers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::{Document, Endpoint, Grant, GrantId, Network, Protocol, SiteId, SiteState, Timestamp, parse_document};

use crate::BenchError;

/// Terminals of a small site; they hang on ports 3 and up.
pub(crate) const TERMINALS: u8 = 4;
/// Servers of the large site.
pub(crate) const SERVERS: u8 = 8;
/// The port a grant opens.
pub(crate) const PORT: u16 = 443;
/// Address that no host has, so that no grant can ever lead there: `10.200.10.200`.
pub(crate) const NOBODY: [u8; 4] = [10, 200, 10, 200];

/// Id of the n-th small site.
pub(crate) fn site_id(n: u8) -> String {
    format!("clinic-{n}")
}

/// Datapath id of the n-th small site's switch.
pub(crate) fn datapath(n: u8) -> u64 {
    0x100 + u64::from(n)
}

/// MAC of the n-th site's gateway.
pub(crate) fn gateway_mac(n: u8) -> [u8; 6] {
    [2, 0, 0, n, 0, 1]
}

/// MAC of a terminal.
pub(crate) fn terminal_mac(n: u8, terminal: u8) -> [u8; 6] {
    [2, 0, 0, n, 20, terminal]
}

/// Address of a terminal.
pub(crate) fn terminal_address(n: u8, terminal: u8) -> [u8; 4] {
    [10, n, 20, 11 + terminal]
}

/// Address of a server.
pub(crate) fn server_address(server: u8) -> [u8; 4] {
    [10, 200, 10, 11 + server]
}

/// `sites` small sites and the large one.
pub(crate) fn network(sites: u8) -> Result<Network, BenchError> {
    let mut documents = vec![read("hospital", &large())?];
    for n in 0..sites {
        documents.push(read(&site_id(n), &small(n))?);
    }
    Network::default()
        .with(&documents)
        .map_err(|faults| BenchError::Network(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

fn read(name: &str, text: &str) -> Result<Document, BenchError> {
    parse_document(name, text).map_err(|error| BenchError::Network(error.to_string()))
}

/// Every terminal of a small site may use every server, `ports` ports each starting at [`PORT`]; one grant for each.
pub(crate) fn grants(network: &Network, n: u8, ports: u16) -> Result<Vec<Grant>, BenchError> {
    let mut grants = Vec::new();
    for port in PORT..PORT + ports {
        for terminal in 0..TERMINALS {
            for server in 0..SERVERS {
                let origin = end(network, &format!("{}/exam-{terminal}", site_id(n)))?;
                let destination = end(network, &format!("hospital/server-{server}"))?;
                grants.push(Grant {
                    id: GrantId((u64::from(n) << 32) + grants.len() as u64 + 1),
                    agreement: parsed("A-0001")?,
                    service: parsed(&format!("i-hospital/service-{server}"))?,
                    origin,
                    destination,
                    protocol: Protocol::Tcp,
                    ports: vec![port],
                    granted_at: Timestamp(0),
                    // Beyond the end of any run: year 2100.
                    lease_until: Timestamp(4_102_444_800_000),
                    idle_ms: None,
                });
            }
        }
    }
    Ok(grants)
}

/// The states of all sites with these grants open.
pub(crate) fn states(network: &Network, grants: &[Grant]) -> Result<BTreeMap<SiteId, SiteState>, BenchError> {
    let mut states = plan::from_scratch(network, grants).map_err(|e| BenchError::Network(e.to_string()))?;
    for state in states.values_mut() {
        state.generation = state.generation.next();
    }
    Ok(states)
}

fn end(network: &Network, at: &str) -> Result<Endpoint, BenchError> {
    let unknown = || BenchError::Network(format!("{at} is unknown"));
    let (site, host) = network.host(&parsed(at)?).ok_or_else(unknown)?;
    Ok(Endpoint {
        site: site.id.clone(),
        institution: site.institution.clone(),
        host: host.id.clone(),
        address: host.address,
        zone: site.zone_of(host).ok_or_else(unknown)?,
    })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, BenchError> {
    text.parse().map_err(|error: T::Err| BenchError::Network(error.to_string()))
}

fn small(n: u8) -> String {
    let mut text = site(n, &site_id(n), "small", n, datapath(n), ("rooms", "secure", format!("10.{n}.20.0/24")));
    for terminal in 0..TERMINALS {
        text += &host(
            &format!("exam-{terminal}"),
            "rooms",
            terminal_address(n, terminal),
            terminal_mac(n, terminal),
            terminal,
            true,
        );
    }
    text
}

fn large() -> String {
    let mut text = site(200, "hospital", "large", 200, 0x99, ("servers", "dmz", "10.200.10.0/24".to_owned()));
    for server in 0..SERVERS {
        let name = format!("server-{server}");
        text += &host(&name, "servers", server_address(server), [2, 0, 0, 200, 10, server], server, false);
    }
    text
}

fn site(n: u8, id: &str, model: &str, wan: u8, dpid: u64, segment: (&str, &str, String)) -> String {
    let (name, zone, prefix) = segment;
    let mac = mac(gateway_mac(n));
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
address = "192.0.2.{wan}"
[[switch]]
id = "sw1"
dpid = "{dpid:016x}"
[gateway]
uplink = "sw1/1"
mac = "{mac}"
ike_identity = "{id}.gate.sekisho.test"
[[segment]]
id = "{name}"
zone = "{zone}"
vlan = 20
prefix = "{prefix}"
"#
    )
}

fn host(id: &str, segment: &str, address: [u8; 4], at: [u8; 6], number: u8, terminal: bool) -> String {
    let [a, b, c, d] = address;
    let mut text = format!("[[host]]\nid = \"{id}\"\nsegment = \"{segment}\"\naddress = \"{a}.{b}.{c}.{d}\"\n");
    // Writing to a string cannot fail.
    let _ = write!(text, "mac = \"{}\"\nport = \"sw1/{}\"\nterminal = {terminal}\n", mac(at), number + 3);
    text
}

fn mac(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_the_bench_are_sound() {
        let network = network(2).unwrap();
        let grants = grants(&network, 1, 1).unwrap();
        assert_eq!(grants.len(), usize::from(TERMINALS * SERVERS));
        let states = states(&network, &grants).unwrap();
        for state in states.into_values() {
            verify::check_state(state).unwrap();
        }
    }
}
