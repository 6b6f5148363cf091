//! What can be said of a rule alone: whether its match can be written down, and what its answer tells.

use model::{Action, Beginning, EtherType, FlowRule, Mac, Protocol};
use std::net::IpAddr;

use crate::{Fault, Invariant};

/// An address, the MAC it is said to be at, and whether it is said to be a router (ARP does not say).
pub(super) type Told = (IpAddr, Mac, Option<bool>);

/// What it tells, if it answers for an address.
pub(super) fn told(rule: &FlowRule) -> Option<Told> {
    match rule.actions.as_slice() {
        [Action::ArpReply { ip, mac }] => Some((IpAddr::V4(*ip), *mac, None)),
        [Action::NeighbourReply { ip, mac, router }] => Some((IpAddr::V6(*ip), *mac, Some(*router))),
        _ => None,
    }
}

/// Fields that need others (OpenFlow 1.3.5 §7.2.3.8), and bits a mask hides.
pub(super) fn shape_breach(rule: &FlowRule) -> Option<(Invariant, Fault)> {
    let m = &rule.matches;
    let hidden = |v: u16, mask: u16| v & !mask != 0;
    if [m.tp_src, m.tp_dst].into_iter().flatten().any(|p| hidden(p.value, p.mask))
        || m.ct.is_some_and(|c| c.value & !c.mask != 0)
    {
        return Some((Invariant::Pipeline, Fault::StrayBits));
    }
    let is = |kind| m.eth_type == Some(kind);
    let ip = is(EtherType::Ipv4) || is(EtherType::Ipv6);
    let family =
        |net: &ipnet::IpNet| if matches!(net, ipnet::IpNet::V4(_)) { EtherType::Ipv4 } else { EtherType::Ipv6 };
    let solicits = is(EtherType::Neighbour);
    let addresses =
        [m.ip_src, m.ip_dst].iter().flatten().all(|n| is(family(n)) || (solicits && matches!(n, ipnet::IpNet::V6(_))));
    let ports = (m.tp_src.is_none() && m.tp_dst.is_none()) || m.protocol.is_some();
    let arp = m.arp_op.is_some() || m.arp_spa.is_some() || m.arp_tpa.is_some();
    let tells = m.arp_sha.is_none() || solicits || is(EtherType::Arp);
    // SYN is a flag of TCP, ICMP a protocol of its own (ovs-fields(7) `tcp_flags`).
    let beginning = match m.beginning {
        Some(Beginning::Syn) => m.protocol == Some(Protocol::Tcp),
        Some(Beginning::Icmp) => ip && m.protocol.is_none(),
        None => true,
    };
    let met = beginning
        && addresses
        && ports
        && tells
        && (m.protocol.is_none() || ip)
        && (m.ct.is_none() || ip)
        && (!arp || is(EtherType::Arp));
    (!met).then_some((Invariant::Pipeline, Fault::Prerequisite))
}
