//! `ofproto/trace` on the tables a switch really holds, against what the proof says of the same tables: every rule on
//! the way by table, priority and cookie, and where the packet leaves.

use model::{Beginning, Cookie, CtMatch, EtherType, Mac, PortNo, Protocol, SiteId, SiteState};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use verify::{Hop, Packet};

/// Rules on the way, as (table, priority, cookie), and the ports it leaves at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Way {
    pub rules: Vec<(u8, u16, u64)>,
    pub out: Vec<u32>,
}

/// `ovs-vswitchd`'s control socket, kept open: a program a packet would take ten times as long.
pub struct Tracer {
    stream: UnixStream,
    asked: u64,
}

impl Tracer {
    /// Beside the bridge's management socket.
    pub fn beside(management: &Path) -> Self {
        let stream = UnixStream::connect(management.with_file_name("vswitchd.ctl")).unwrap();
        Self { stream, asked: 0 }
    }

    /// What Open vSwitch says would happen to the packet.
    pub fn ask(&mut self, packet: &Packet) -> Way {
        self.asked += 1;
        let params = ["--ct-next", &states(packet.ct_state), "br0", &flow(packet)];
        let request = serde_json::json!({"id": self.asked, "method": "ofproto/trace", "params": params});
        self.stream.write_all(request.to_string().as_bytes()).unwrap();
        let (mut bytes, mut chunk) = (Vec::new(), [0u8; 65536]);
        let reply: serde_json::Value = loop {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "ovs-vswitchd closed its control socket");
            bytes.extend_from_slice(&chunk[..count]);
            if let Ok(whole) = serde_json::from_slice(&bytes) {
                break whole;
            }
        };
        assert!(reply["error"].is_null(), "{reply} for {packet}");
        read(reply["result"].as_str().unwrap())
    }
}

/// What the proof's own reading of the tables says. OpenFlow 1.3.5 §7.2.5: nothing is sent where it came from.
pub fn expected(path: &[Hop], site: &SiteId, in_port: PortNo) -> Way {
    let mut way = Way::default();
    for hop in path {
        match hop {
            Hop::Rule { site: at, table, priority, owner, .. } if at == site => {
                way.rules.push((table.number(), *priority, Cookie::from(*owner).0));
            }
            Hop::Leaves { site: at, port, .. } if at == site && *port != in_port => way.out.push(port.0),
            _ => {}
        }
    }
    way
}

/// To this port go segments that are no SYN.
const STRAY: u16 = 8088;

/// Packets on and beside every boundary of a site's tables: each port, with the right and a wrong MAC, as everybody to
/// everybody, at the ports rules speak of and next to them, in every tracking state.
pub fn corners(state: &SiteState) -> Vec<Packet> {
    let site = &state.facts.site;
    let stranger: IpAddr = "10.77.0.1".parse().unwrap();
    let mut addresses = BTreeSet::from([stranger]);
    addresses.extend(site.hosts.values().map(|h| h.address));
    addresses.extend(site.segments.values().map(|s| s.gateway_address()));
    addresses.extend(state.rules.iter().flat_map(|r| [r.matches.ip_src, r.matches.ip_dst]).flatten().map(|n| n.addr()));
    let spoken = state.rules.iter().flat_map(|r| [r.matches.tp_src, r.matches.tp_dst]).flatten();
    let ports: BTreeSet<u16> = spoken.flat_map(|p| [p.value - 1, p.value, p.value + 1]).chain([22]).collect();
    let wrong = Mac([2, 0, 0, 0, 0, 0x77]);
    let mut entries: Vec<(PortNo, Mac)> = site.hosts.values().map(|h| (h.port.port, h.mac)).collect();
    entries.push((site.gateway.uplink.port, site.gateway.mac));
    let mut all = Vec::new();
    for (in_port, mac) in entries {
        for (source, destination) in addresses.iter().flat_map(|s| addresses.iter().map(move |d| (*s, *d))) {
            let mut add = |eth_src, protocol, tp_src, tp_dst, ct: CtMatch| {
                all.push(Packet {
                    in_port,
                    eth_src,
                    eth_dst: site.gateway.mac,
                    eth_type: EtherType::Ipv4,
                    ip_src: Some(source),
                    ip_dst: Some(destination),
                    protocol,
                    tp_src,
                    tp_dst,
                    ct_state: ct.value,
                    beginning: match protocol {
                        Some(Protocol::Tcp) if tp_dst == Some(STRAY) => None,
                        Some(protocol) => Beginning::of(protocol),
                        None => Some(Beginning::Icmp),
                    },
                    arp: None,
                });
            };
            add(mac, Some(Protocol::Tcp), Some(49152), Some(STRAY), CtMatch::BEGINS);
            add(wrong, Some(Protocol::Tcp), Some(49152), Some(8080), CtMatch::BEGINS);
            let invalid = CtMatch { value: CtMatch::TRK | CtMatch::INV, mask: 0xff };
            for ct in [CtMatch::BEGINS, CtMatch::GOES_ON, CtMatch::ANSWERS, invalid] {
                add(mac, None, None, None, ct);
                add(mac, Some(Protocol::Udp), Some(49152), Some(8080), ct);
                for port in &ports {
                    add(mac, Some(Protocol::Tcp), Some(49152), Some(*port), ct);
                    add(mac, Some(Protocol::Tcp), Some(*port), Some(49152), ct);
                }
            }
        }
    }
    all
}

/// The first packet of every host of the site to every host of the network, at every port rules speak of.
pub fn questions(states: &BTreeMap<SiteId, SiteState>, site: &SiteId) -> Vec<(model::HostRef, model::HostRef, u16)> {
    let hosts = |id: &SiteId| {
        let id = id.clone();
        states[&id].facts.site.hosts.keys().map(move |h| model::HostRef { site: id.clone(), host: h.clone() }).collect()
    };
    let here: Vec<model::HostRef> = hosts(site);
    let everywhere: Vec<model::HostRef> = states.keys().flat_map(|id| -> Vec<model::HostRef> { hosts(id) }).collect();
    let mut all = Vec::new();
    for (from, to) in here.iter().flat_map(|f| everywhere.iter().map(move |t| (f, t))).filter(|(f, t)| f != t) {
        all.extend([22, 443, 8079, 8080, 8081].map(|port| (from.clone(), to.clone(), port)));
    }
    all
}

fn states(ct: u8) -> String {
    let words = [(CtMatch::TRK, "trk"), (CtMatch::NEW, "new"), (CtMatch::EST, "est"), (CtMatch::RPL, "rpl")];
    let words = words.into_iter().chain([(CtMatch::INV, "inv")]);
    words.filter(|(bit, _)| ct & bit != 0).map(|(_, word)| word).collect::<Vec<_>>().join(",")
}

fn flow(p: &Packet) -> String {
    let protocol = match p.protocol {
        Some(Protocol::Tcp) => "tcp",
        Some(Protocol::Udp) => "udp",
        None => "icmp",
    };
    let (source, destination) = (p.ip_src.unwrap(), p.ip_dst.unwrap());
    let mut text = format!(
        "in_port={},{protocol},dl_src={},dl_dst={},nw_src={source},nw_dst={destination},nw_ttl=64",
        p.in_port, p.eth_src, p.eth_dst
    );
    if p.protocol == Some(Protocol::Tcp) {
        text += if p.beginning.is_some() { ",tcp_flags=syn" } else { ",tcp_flags=ack" };
    }
    if let (Some(from), Some(to)) = (p.tp_src, p.tp_dst) {
        text += &format!(",{protocol}_src={from},{protocol}_dst={to}");
    }
    text
}

/// Lines ` 0. in_port=3,…, priority 200, cookie 0x5e01…` name rules, `output:` and numbers below them what is done.
fn read(text: &str) -> Way {
    let mut way = Way::default();
    for line in text.lines().map(str::trim) {
        if let Some(port) = line.strip_prefix("output:") {
            way.out.push(port.parse().unwrap_or_else(|_| panic!("{line} in {text}")));
            continue;
        }
        // An output nobody carries out.
        if line.starts_with(">> skipping output to input port") {
            way.out.pop();
            continue;
        }
        let Some((table, rest)) = line.split_once(". ") else { continue };
        let (Ok(table), Some((_, rule))) = (table.parse(), rest.rsplit_once("priority ")) else { continue };
        let (priority, cookie) = rule.split_once(", cookie 0x").unwrap_or((rule, "0"));
        let cookie = u64::from_str_radix(cookie.trim(), 16).unwrap_or_else(|_| panic!("{line} in {text}"));
        way.rules.push((table, priority.parse().unwrap_or_else(|_| panic!("{line} in {text}")), cookie));
    }
    way
}
