//! Every path through the switch, followed symbolically from admission (I05, I07, I08, I10, I11, I18, I19, I21).
//!
//! Rules that stand in a path's way are ignored on purpose: a path is judged as if it were open, so no safety rests on
//! priorities. Rules are found by entry port and destination, so the work follows the number of rules.

use ipnet::IpNet;
use model::{Action, CookieOwner, CtMatch, EtherType, FlowRule, Grant, GrantId, Host, PortNo, Protocol, Table};
use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::contract::{Contract, Way, only_answers};
use crate::premises::Premises;
use crate::region::Region;
use crate::{Fault, Invariant, Packet, Refutation};

type Verdict = Result<(), Box<Refutation>>;
type Breach = (Invariant, Fault);

/// What a grant's rules really carry from port to port.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// Ports with a path for first packets that also remembers the connection.
    pub first: Vec<u16>,
    /// Ports with a path for later packets.
    pub later: Vec<u16>,
    /// Ports with a path for answers.
    pub answers: Vec<u16>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub paths: usize,
    pub carried: BTreeMap<GrantId, Carried>,
}

/// Follows all paths.
pub(crate) fn judge(p: &Premises<'_>) -> Result<Findings, Box<Refutation>> {
    let mut walk = Walk {
        p,
        tables: Table::ALL.map(|table| Index::new(p.state.rules.iter().filter(|r| r.table == table))),
        stack: Vec::with_capacity(Table::ALL.len()),
        found: Findings::default(),
    };
    walk.enter(Table::Admission, &Region::wire())?;
    Ok(walk.found)
}

/// Rules of a table by what most narrows them.
#[derive(Default)]
struct Index<'a> {
    by_port: BTreeMap<PortNo, Vec<&'a FlowRule>>,
    by_destination: BTreeMap<IpAddr, Vec<&'a FlowRule>>,
    rest: Vec<&'a FlowRule>,
}

impl<'a> Index<'a> {
    fn new(rules: impl Iterator<Item = &'a FlowRule>) -> Self {
        let mut index = Self::default();
        for rule in rules {
            // Dropping rules open no path; answers for an address were judged by themselves.
            if matches!(rule.actions.as_slice(), [] | [Action::ArpReply { .. } | Action::NeighbourReply { .. }]) {
                continue;
            }
            match (rule.matches.in_port, host_of(rule.matches.ip_dst)) {
                (Some(port), _) => index.by_port.entry(port).or_default().push(rule),
                (None, Some(address)) => index.by_destination.entry(address).or_default().push(rule),
                (None, None) => index.rest.push(rule),
            }
        }
        index
    }

    fn candidates(&self, region: &Region) -> Vec<&'a FlowRule> {
        let mut out = self.rest.clone();
        match region.in_port {
            Some(port) => out.extend(self.by_port.get(&port).into_iter().flatten()),
            None => out.extend(self.by_port.values().flatten()),
        }
        match host_of(region.ip_dst) {
            // Rules with a destination match IP only.
            _ if region.eth_type == Some(EtherType::Arp) => {}
            Some(address) => out.extend(self.by_destination.get(&address).into_iter().flatten()),
            None => out.extend(self.by_destination.values().flatten()),
        }
        out
    }
}

fn host_of(net: Option<IpNet>) -> Option<IpAddr> {
    net.filter(|n| n.prefix_len() == n.max_prefix_len()).map(|n| n.addr())
}

struct Walk<'a, 'p> {
    p: &'p Premises<'a>,
    tables: [Index<'a>; Table::ALL.len()],
    stack: Vec<&'a FlowRule>,
    found: Findings,
}

/// Whom a path serves: the one owner on it that is not standing.
enum Purpose<'a> {
    Grant(&'a Grant, &'a Host, bool),
    InHouse(&'a Host, &'a Host, Protocol, Vec<u16>),
    GateService(&'a Host, IpAddr),
    Nothing,
}

impl<'a> Walk<'a, '_> {
    fn enter(&mut self, table: Table, region: &Region) -> Verdict {
        for rule in self.tables[usize::from(table.number())].candidates(region) {
            let Some(region) = region.meet(&rule.matches) else { continue };
            self.stack.push(rule);
            self.act(rule, region)?;
            self.stack.pop();
        }
        Ok(())
    }

    fn act(&mut self, rule: &FlowRule, mut region: Region) -> Verdict {
        let mut remembered = Ok(());
        for action in &rule.actions {
            match action {
                Action::SetTag(tag) => region.tag = Some(*tag),
                Action::SetEthSrc(mac) => region.new_src = Some(*mac),
                Action::SetEthDst(mac) => region.new_dst = Some(*mac),
                Action::Track { next, .. } => self.enter(*next, &region.tracked())?,
                Action::Goto(next) => self.enter(*next, &region)?,
                // Told last: a breach further on has the longer, clearer path.
                Action::Commit { .. } => remembered = self.remembered(&region),
                Action::Output(port) => self.leaves(&region, *port)?,
                Action::ToGate => self.shown_to_gate(&region)?,
                Action::ArpReply { .. } | Action::NeighbourReply { .. } => {}
            }
        }
        remembered
    }

    fn refuse(&self, breach: Breach, packet: Option<Packet>, exit: Option<PortNo>) -> Verdict {
        Err(self.p.refute_path(breach, packet, &self.stack, exit))
    }

    fn refuse_any(&self, breach: Breach, region: &Region, exit: Option<PortNo>) -> Verdict {
        self.refuse(breach, region.corners(&[]).first().cloned(), exit)
    }

    /// Only what the origin begins is remembered: answers are let through because of it.
    fn remembered(&self, region: &Region) -> Verdict {
        let purpose = self.purpose(region);
        let Some(contract) = purpose.contract() else {
            return self.refuse_any((Invariant::DefaultDeny, Fault::Uncovered), region, None);
        };
        match contract.way(region) {
            Some(Way::Forth) if region.in_port == purpose.between(self.p.uplink()).map(|(from, _)| from) => Ok(()),
            Some(Way::Forth) => self.refuse_any((Invariant::DefaultDeny, Fault::WrongEntry), region, None),
            Some(Way::Back) => self.refuse_any((Invariant::Direction, Fault::RemembersAnswer), region, None),
            None => self.refuse(purpose.too_wide(), contract.outside(region), None),
        }
    }

    fn shown_to_gate(&self, region: &Region) -> Verdict {
        let terminal = region.in_port.and_then(|port| self.p.by_port.get(&port)).is_some_and(|h| h.terminal);
        if !terminal {
            return self.refuse_any((Invariant::FirstPackets, Fault::ToGateNotTerminal), region, None);
        }
        if !region.ct_is(CtMatch::TRK | CtMatch::NEW, CtMatch::INV) {
            return self.refuse_any((Invariant::FirstPackets, Fault::ToGateNotFirst), region, None);
        }
        // Of TCP a SYN only: what is left of a connection that was cut is new to tracking, too.
        if region.protocol != Some(Protocol::Udp) && region.beginning.is_none() {
            return self.refuse_any((Invariant::FirstPackets, Fault::ToGateBeginsNothing), region, None);
        }
        Ok(())
    }

    fn leaves(&mut self, region: &Region, exit: PortNo) -> Verdict {
        self.found.paths += 1;
        let uplink = self.p.uplink();
        if matches!(region.eth_type, Some(EtherType::Arp | EtherType::Neighbour)) {
            return self.refuse_any((Invariant::ArpAnswers, Fault::ArpPassedOn), region, Some(exit));
        }
        if region.in_port == Some(uplink) && exit == uplink {
            return self.refuse_any((Invariant::NoRelay, Fault::UplinkToUplink), region, Some(exit));
        }
        let purpose = self.purpose(region);
        let Some(contract) = purpose.contract() else {
            return self.refuse_any((Invariant::DefaultDeny, Fault::Uncovered), region, Some(exit));
        };
        let Some(way) = contract.way(region) else {
            return self.refuse(purpose.too_wide(), contract.outside(region), Some(exit));
        };
        if way == Way::Back && !only_answers(region) {
            let packet = contract.outside(region);
            return self.refuse((Invariant::Direction, Fault::BeginsFromDestination), packet, Some(exit));
        }
        if let Some(breach) = self.misled(&purpose, way, region, exit) {
            return self.refuse_any(breach, region, Some(exit));
        }
        if let Purpose::Grant(grant, ..) = purpose {
            self.carried(grant, way, region);
        }
        Ok(())
    }

    /// Enters and leaves where its two ends are?
    fn misled(&self, purpose: &Purpose<'_>, way: Way, region: &Region, exit: PortNo) -> Option<Breach> {
        let uplink = self.p.uplink();
        match purpose {
            Purpose::Grant(grant, ..) => {
                if region.in_port != Some(uplink) && exit != uplink {
                    return Some((Invariant::SeparatePaths, Fault::VpnInHouse));
                }
                // The way out is the tunnel of this very grant; its selectors are judged with the gateway.
                if exit == uplink && !self.p.tunnels.contains_key(&grant.id) {
                    return Some((Invariant::NoClearText, Fault::ClearText));
                }
            }
            Purpose::InHouse(..) if region.in_port == Some(uplink) => {
                return Some((Invariant::SeparatePaths, Fault::InHouseInVpn));
            }
            // Toward the gateway with an in-house destination: it has no filter from the LAN back to the LAN and
            // none toward an in-house address but from a tunnel (I15), so nothing comes of it.
            Purpose::InHouse(..) if exit == uplink => return None,
            Purpose::InHouse(..) | Purpose::GateService(..) | Purpose::Nothing => {}
        }
        let Some((from, to)) = purpose.between(uplink) else {
            return Some((Invariant::DefaultDeny, Fault::Uncovered));
        };
        let (entry, wanted) = if way == Way::Forth { (from, to) } else { (to, from) };
        if region.in_port != Some(entry) {
            return Some((Invariant::DefaultDeny, Fault::WrongEntry));
        }
        if exit != wanted {
            return Some((Invariant::DefaultDeny, Fault::WrongExit));
        }
        let gateway = self.p.site.gateway.mac;
        let receiver = if exit == uplink { Some(gateway) } else { self.p.by_port.get(&exit).map(|h| h.mac) };
        let source_true = region.new_src.is_none_or(|mac| mac == gateway);
        if region.new_dst.or(region.eth_dst) != receiver || !source_true {
            return Some((Invariant::DefaultDeny, Fault::WrongMac));
        }
        None
    }

    fn purpose(&self, region: &Region) -> Purpose<'a> {
        let owner = self.stack.iter().map(|r| r.owner).find(|o| *o != CookieOwner::Standing);
        match owner {
            Some(CookieOwner::Grant(id)) => {
                let Some(grant) = self.p.state.grants.get(&id) else { return Purpose::Nothing };
                match self.p.local_end(grant) {
                    Some((host, originates)) => Purpose::Grant(grant, host, originates),
                    None => Purpose::Nothing,
                }
            }
            Some(CookieOwner::InHouse(n)) => {
                let Some(rule) = self.p.site.in_house.get(n as usize) else { return Purpose::Nothing };
                match (self.p.site.hosts.get(&rule.from), self.p.site.hosts.get(&rule.to)) {
                    (Some(from), Some(to)) => {
                        let mut ports = rule.ports.clone();
                        ports.sort_unstable();
                        ports.dedup();
                        Purpose::InHouse(from, to, rule.protocol, ports)
                    }
                    _ => Purpose::Nothing,
                }
            }
            Some(CookieOwner::Standing | CookieOwner::Transit(_) | CookieOwner::Refusal) => Purpose::Nothing,
            None => self.gate_service(region),
        }
    }

    /// A terminal and the gateway's address in its own segment.
    fn gate_service(&self, region: &Region) -> Purpose<'a> {
        let host_at = |net| host_of(net).and_then(|a| self.p.by_address.get(&a)).copied();
        let Some(host) = host_at(region.ip_src).or_else(|| host_at(region.ip_dst)).filter(|h| h.terminal) else {
            return Purpose::Nothing;
        };
        match self.p.site.segment_of(host) {
            Some(segment) => Purpose::GateService(host, segment.gateway_address()),
            None => Purpose::Nothing,
        }
    }

    fn carried(&mut self, grant: &Grant, way: Way, region: &Region) {
        // A path counts only if it takes whatever the client's ephemeral port is.
        let (serving, other) = match way {
            Way::Forth => (region.tp_dst, region.tp_src),
            Way::Back => (region.tp_src, region.tp_dst),
        };
        if other.mask != 0
            || region.beginning.is_some()
            || region.eth_dst.is_some_and(|mac| mac != self.p.site.gateway.mac)
        {
            return;
        }
        let commits = self.stack.iter().any(|r| r.actions.iter().any(|a| matches!(a, Action::Commit { .. })));
        let ports: Vec<u16> =
            grant.ports.iter().copied().filter(|p| p & serving.mask == serving.value & serving.mask).collect();
        let carried = self.found.carried.entry(grant.id).or_default();
        let trk = CtMatch::TRK;
        match way {
            Way::Forth => {
                if commits && region.ct_admits(trk | CtMatch::NEW) {
                    carried.first.extend(&ports);
                }
                if region.ct_admits(trk | CtMatch::EST) {
                    carried.later.extend(&ports);
                }
            }
            Way::Back => {
                if region.ct_admits(trk | CtMatch::EST | CtMatch::RPL) {
                    carried.answers.extend(&ports);
                }
            }
        }
    }
}

impl Purpose<'_> {
    fn contract(&self) -> Option<Contract<'_>> {
        Some(match self {
            Self::Grant(grant, ..) => Contract {
                origin: grant.origin.address,
                destination: grant.destination.address,
                protocol: grant.protocol,
                ports: &grant.ports,
            },
            Self::InHouse(from, to, protocol, ports) => {
                Contract { origin: from.address, destination: to.address, protocol: *protocol, ports }
            }
            Self::GateService(host, gateway) => Contract {
                origin: host.address,
                destination: *gateway,
                protocol: Protocol::Tcp,
                ports: &model::GATE_SERVICE_PORTS,
            },
            Self::Nothing => return None,
        })
    }

    /// The ports connections enter and leave at, origin first.
    fn between(&self, uplink: PortNo) -> Option<(PortNo, PortNo)> {
        match self {
            Self::Grant(_, host, true) | Self::GateService(host, _) => Some((host.port.port, uplink)),
            Self::Grant(_, host, false) => Some((uplink, host.port.port)),
            Self::InHouse(from, to, ..) => Some((from.port.port, to.port.port)),
            Self::Nothing => None,
        }
    }

    fn too_wide(&self) -> Breach {
        let fault = match self {
            Self::Grant(..) => Fault::WiderThanGrant,
            Self::InHouse(..) => Fault::WiderThanInHouse,
            Self::GateService(..) | Self::Nothing => Fault::Uncovered,
        };
        (Invariant::DefaultDeny, fault)
    }
}
