//! Namespaces and wires: everything of a lab that is there before a daemon starts.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use ipnet::Ipv4Net;

use crate::LabError;
use crate::netns::Netns;
use crate::process;
use crate::scenario::{Scenario, SiteSpec};

/// The Internet segment's namespace.
pub(crate) const INTERNET: &str = "sk-internet";
/// The center's namespace.
pub(crate) const CENTER: &str = "sk-center";
/// Red's end of the management link to the switch.
pub(crate) const MANAGEMENT_RED: &str = "169.254.77.1/30";
/// The switch's end of it.
pub(crate) const MANAGEMENT_SWITCH: &str = "169.254.77.2/30";

/// All namespaces of the scenario, wired and addressed, by name.
pub(crate) fn wire(scenario: &Scenario, logs: &Path) -> Result<BTreeMap<String, Netns>, LabError> {
    let mut names = vec![INTERNET.to_owned(), CENTER.to_owned()];
    for site in &scenario.sites {
        names.extend(["sw", "red", "black"].map(|part| part_of(site, part)));
        names.extend(site.hosts.iter().map(|host| part_of(site, &host.id)));
    }
    let mut all = BTreeMap::new();
    for name in names {
        let netns = Netns::add(&name, logs)?;
        all.insert(name, netns);
    }
    let mut links = vec![veth("wan0", CENTER, "center", INTERNET)];
    for site in &scenario.sites {
        let (switch, red, black) = (part_of(site, "sw"), part_of(site, "red"), part_of(site, "black"));
        links.push(veth("wan0", &black, &site.id, INTERNET));
        links.push(veth("lan0", &red, "uplink", &switch));
        links.push(veth("mgmt0", &red, "mgmt0", &switch));
        links.extend(site.hosts.iter().map(|host| veth("eth0", &part_of(site, &host.id), &host.id, &switch)));
    }
    process::batch("ip", &links)?;
    internet(scenario, &all[INTERNET])?;
    all[CENTER].ip(&wan(&format!("{}/{}", scenario.internet.center, scenario.internet.prefix.prefix_len())))?;
    offload_off(&all[CENTER], "wan0")?;
    for site in &scenario.sites {
        gateway(scenario, site, &all)?;
        for host in &site.hosts {
            let segment = site.segment(&host.segment).expect("checked when the scenario was read");
            let netns = &all[&part_of(site, &host.id)];
            if host.address.is_ipv6() {
                netns.enable_ipv6(&[])?;
            }
            netns.ip(&[
                format!("link set eth0 address {}", host.mac),
                format!("addr add {}/{} dev eth0", host.address, segment.prefix.prefix_len()),
                "link set eth0 up".into(),
                format!("route add default via {}", segment.gateway),
            ])?;
            offload_off(netns, "eth0")?;
        }
    }
    Ok(all)
}

/// Namespace of a part of a site: `sw`, `red`, `black` or a host id.
pub(crate) fn part_of(site: &SiteSpec, part: &str) -> String {
    format!("sk-{}-{part}", site.id)
}

fn veth(name: &str, netns: &str, peer: &str, peer_netns: &str) -> String {
    format!("link add {name} netns {netns} type veth peer name {peer} netns {peer_netns}")
}

fn wan(address: &str) -> Vec<String> {
    vec![format!("addr add {address} dev wan0"), "link set wan0 up".into()]
}

/// A bridge, and a counter in the kernel that misses nothing: packets with a private address that enter it in clear.
fn internet(scenario: &Scenario, netns: &Netns) -> Result<(), LabError> {
    let mut lines = vec!["link add wan type bridge stp_state 0 forward_delay 0 mcast_snooping 0".to_owned()];
    for port in scenario.sites.iter().map(|site| site.id.as_str()).chain(["center"]) {
        lines.push(format!("link set {port} master wan up"));
    }
    lines.push("link set wan up".into());
    netns.ip(&lines)?;
    let elements = |v4: bool| {
        let segments = scenario.sites.iter().flat_map(|site| &site.segments);
        let prefixes = segments.map(|segment| segment.prefix).filter(|prefix| prefix.addr().is_ipv4() == v4);
        let elements = prefixes.map(|prefix| prefix.to_string()).collect::<Vec<_>>().join(", ");
        // A lab without sites has no private prefix, and nft wants no empty list.
        if elements.is_empty() { elements } else { format!("elements = {{ {elements} }};") }
    };
    let (four, six) = (elements(true), elements(false));
    let rules = format!(
        "table bridge lab {{
            set private {{ type ipv4_addr; flags interval; {four} }}
            set private6 {{ type ipv6_addr; flags interval; {six} }}
            counter clear {{ }}
            chain enter {{
                type filter hook prerouting priority 0;
                ip saddr @private counter name clear accept
                ip daddr @private counter name clear
                ip6 saddr @private6 counter name clear accept
                ip6 daddr @private6 counter name clear
            }}
        }}"
    );
    netns.within(|| process::batch("nft", &[rules]))?
}

/// A line between a namespace and the Internet segment that the scenario does not speak of.
pub(crate) fn second_line(netns: &Netns, internet: &Netns, address: Ipv4Addr, prefix: Ipv4Net) -> Result<(), LabError> {
    // An interface has at most 15 bytes of name; the last octet tells them apart.
    let port = format!("own-{}", address.octets()[3]);
    process::batch("ip", &[veth("wan0", netns.name(), &port, internet.name())])?;
    internet.ip(&[format!("link set {port} master wan up")])?;
    netns.ip(&wan(&format!("{address}/{}", prefix.prefix_len())))?;
    offload_off(netns, "wan0")
}

fn gateway(scenario: &Scenario, site: &SiteSpec, all: &BTreeMap<String, Netns>) -> Result<(), LabError> {
    let (switch, red, black) = (&all[&part_of(site, "sw")], &all[&part_of(site, "red")], &all[&part_of(site, "black")]);
    black.ip(&wan(&format!("{}/{}", site.wan, scenario.internet.prefix.prefix_len())))?;
    offload_off(black, "wan0")?;

    let mut lines = vec![
        format!("addr add {MANAGEMENT_SWITCH} dev mgmt0"),
        "link set mgmt0 up".into(),
        "link set uplink up".into(),
    ];
    lines.extend(site.hosts.iter().map(|host| format!("link set {} up", host.id)));
    switch.ip(&lines)?;

    if site.has_ipv6() {
        red.enable_ipv6(&["mgmt0"])?;
        // The tunnel device, which comes later, has no neighbours to ask.
        red.within(|| {
            let (forward, bare) =
                ("/proc/sys/net/ipv6/conf/all/forwarding", "/proc/sys/net/ipv6/conf/default/addr_gen_mode");
            fs::write(forward, "1").and_then(|()| fs::write(bare, "1")).map_err(LabError::io("net.ipv6 of red"))
        })??;
        // For what charon looks up: the protected addresses are on its side, too.
        black.enable_ipv6(&["wan0"])?;
        black.within(|| {
            fs::write("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1").map_err(LabError::io("net.ipv6 of black"))
        })??;
    }
    let mut lines = vec![format!("link set lan0 address {}", site.gateway_mac)];
    for segment in &site.segments {
        lines.push(format!("addr add {}/{} dev lan0", segment.gateway, segment.prefix.prefix_len()));
    }
    lines.extend([
        "link set lan0 up".to_owned(),
        format!("addr add {MANAGEMENT_RED} dev mgmt0"),
        "link set mgmt0 up".into(),
    ]);
    red.ip(&lines)?;
    offload_off(red, "lan0")?;
    // Path MTU discovery fails where ICMP is dropped, so TCP learns the size from the handshake (tunnel: 1400).
    // The management link is no way through either.
    let rules = "table inet lab_mss {
            chain clamp {
                type filter hook forward priority mangle;
                iifname mgmt0 drop
                oifname mgmt0 drop
                tcp flags syn tcp option maxseg size set rt mtu
            }
        }";
    red.within(|| {
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").map_err(LabError::io("net.ipv4.ip_forward"))?;
        process::batch("nft", &[rules.to_owned()])
    })?
}

/// Open vSwitch in userspace gets frames as the sender left them: an unfilled checksum would stay unfilled.
fn offload_off(netns: &Netns, device: &str) -> Result<(), LabError> {
    netns.within(|| process::run(Command::new("ethtool").args(["-K", device, "tx", "off"])))?.map(drop)
}
