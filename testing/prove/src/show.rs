//! Counter-examples as people read them.

use crate::term::Values;
use model::{EtherType, Mac};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The packet, if there is one, and the values whose names begin with one of these.
pub fn example(values: &Values, shows: &[&str]) -> String {
    let mut out = String::new();
    for prefix in shows {
        // Rules have these fields too.
        let is_rule = values.words.contains_key(&format!("{prefix}.kind"));
        if let Some(packet) = packet(values, prefix).filter(|_| !is_rule) {
            let _ = writeln!(out, "{packet}");
            continue;
        }
        let of = |name: &str| name == *prefix || name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
        let fields: Vec<String> =
            values.words.iter().filter(|(name, _)| of(name)).map(|(name, v)| format!("{name} = {v:#x}")).collect();
        if !fields.is_empty() {
            let _ = writeln!(out, "{}", fields.join(", "));
        }
    }
    out.trim_end().to_owned()
}

fn packet(values: &Values, name: &str) -> Option<String> {
    let get = |field: &str| values.words.get(&format!("{name}.{field}")).copied();
    let eth_type = get("eth_type")?;
    let n = |field| get(field).unwrap_or(0);
    let mac = |field| {
        let b = n(field).to_be_bytes();
        Mac([b[10], b[11], b[12], b[13], b[14], b[15]])
    };
    let head = format!("{name}: port {}, {} → {}", n("in_port"), mac("eth_src"), mac("eth_dst"));
    let v4 = |v: u128| Ipv4Addr::from((v & 0xffff_ffff) as u32);
    if eth_type == u128::from(EtherType::Arp.number()) {
        return Some(format!("{head}, arp {} asks for {}", v4(n("arp_spa")), v4(n("arp_tpa"))));
    }
    let address = |v| match eth_type == u128::from(EtherType::Ipv6.number()) {
        true => IpAddr::V6(Ipv6Addr::from(v)),
        false => IpAddr::V4(v4(v)),
    };
    if ![EtherType::Ipv4, EtherType::Ipv6].iter().any(|e| u128::from(e.number()) == eth_type) {
        return Some(format!("{head}, eth_type {eth_type:#06x}"));
    }
    let (src, dst) = (address(n("ip_src")), address(n("ip_dst")));
    let (sport, dport) = (n("tp_src"), n("tp_dst"));
    let syn = if n("beginning") == 1 { " SYN" } else { "" };
    Some(format!("{head}, proto {} {src} port {sport} → {dst} port {dport}, ct {:#04x}{syn}", n("protocol"), n("ct")))
}
