//! First packets (N1): judged by an index over live grants, answered in bytes, in bounded memory.
//!
//! The answer never decides what passes: a released packet goes through the whole pipeline again, under proved rules.

use model::{Cookie, CookieOwner, GrantId, PortNo, SiteState, Table, Timestamp};
use openflow::{FlowMod, Masked, Match, Message, OxmField, PacketIn, PacketOut};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use crate::event::{Outbox, Report};
use crate::packet::FiveTuple;
use crate::rules::Rules;

/// Below the rules of grants (1000), above everything else in the table: a grant that comes wins at once.
pub(crate) const REFUSAL_PRIORITY: u16 = 900;
/// How long a refused tuple is dropped without asking again.
const REFUSAL_SECONDS: u16 = 10;
/// Refusals remembered, so that one is reported once; the switch's own entries end by themselves.
const REMEMBERED: usize = 4096;
/// Reports a second, and how many may come at once.
const REPORTS_PER_SECOND: i64 = 10;
const REPORT_BURST: i64 = 50;
/// Transaction ids of answers; no request uses them.
const REPAIR_XID: u32 = 0x5e00_0001;
const RELEASE_XID: u32 = 0x5e00_0002;
const REFUSE_XID: u32 = 0x5e00_0003;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    port: u16,
}

#[derive(Debug, Clone, Copy)]
struct Allowed {
    grant: GrantId,
    in_port: PortNo,
    until: Timestamp,
}

/// What the gate made of a first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// A live grant covers it; its rules were sent again and the packet released.
    Released,
    /// Nothing covers it.
    Refused,
    /// A standing rule should have taken it: the switch must be read.
    Doubtful,
    /// Not a packet of ours.
    Ignored,
}

pub(crate) struct FirstPackets {
    allowed: BTreeMap<Wish, BTreeMap<GrantId, Allowed>>,
    encoded: BTreeMap<GrantId, Vec<u8>>,
    refused: BTreeMap<Wish, Timestamp>,
    ageing: VecDeque<(Timestamp, Wish)>,
    budget: i64,
    budget_at: Timestamp,
    suppressed: u64,
}

impl FirstPackets {
    pub(crate) fn new() -> Self {
        Self {
            allowed: BTreeMap::new(),
            encoded: BTreeMap::new(),
            refused: BTreeMap::new(),
            ageing: VecDeque::new(),
            budget: REPORT_BURST * 1000,
            budget_at: Timestamp(0),
            suppressed: 0,
        }
    }

    pub(crate) fn admit(&mut self, state: &SiteState, grant: &model::Grant) {
        let here = &state.facts.site;
        if grant.origin.site != here.id {
            return;
        }
        let Some(host) = here.hosts.get(&grant.origin.host) else { return };
        let allowed = Allowed { grant: grant.id, in_port: host.port.port, until: grant.lease_until };
        for wish in wishes(grant) {
            self.allowed.entry(wish).or_default().insert(grant.id, allowed);
        }
    }

    pub(crate) fn withdraw(&mut self, grant: &model::Grant) {
        self.encoded.remove(&grant.id);
        for wish in wishes(grant) {
            if let Some(holders) = self.allowed.get_mut(&wish) {
                holders.remove(&grant.id);
                if holders.is_empty() {
                    self.allowed.remove(&wish);
                }
            }
        }
    }

    /// Rules of a grant changed: what was encoded of it is stale.
    pub(crate) fn forget_encoded(&mut self) {
        self.encoded.clear();
    }

    pub(crate) fn judge(
        &mut self,
        packet: PacketIn,
        state: &SiteState,
        rules: &Rules,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Judgement {
        let (Some(in_port), Some(tuple)) = (packet.matching.in_port(), FiveTuple::of_frame(&packet.data)) else {
            return Judgement::Ignored;
        };
        if packet.table != Table::Connections.number() {
            return Judgement::Ignored;
        }
        let wish = Wish {
            source: tuple.source,
            destination: tuple.destination,
            protocol: tuple.protocol,
            port: tuple.destination_port,
        };
        let holder = self
            .allowed
            .get(&wish)
            .and_then(|holders| holders.values().find(|a| a.in_port.0 == in_port.0 && now < a.until));
        if let Some(allowed) = holder {
            let grant = allowed.grant;
            let encoded = self.encoded.entry(grant).or_insert_with(|| encode_all(rules.repair(grant)));
            out.to_switch.extend_from_slice(encoded);
            release(packet, in_port, &mut out.to_switch);
            return Judgement::Released;
        }
        if state.facts.site.segments.values().any(|s| s.prefix.contains(&tuple.destination)) {
            return Judgement::Doubtful;
        }
        self.refuse(in_port, &tuple, wish, now, out);
        Judgement::Refused
    }

    fn refuse(&mut self, in_port: openflow::PortNo, tuple: &FiveTuple, wish: Wish, now: Timestamp, out: &mut Outbox) {
        let Some(matching) = exact(in_port, tuple) else { return };
        let cookie = Cookie::from(CookieOwner::Refusal).0;
        let mut drop = FlowMod::add(Table::Connections.number(), REFUSAL_PRIORITY, cookie, matching, Vec::new());
        drop.hard_timeout = REFUSAL_SECONDS;
        append(&Message::FlowMod(drop), REFUSE_XID, &mut out.to_switch);

        while let Some((until, old)) = self.ageing.front().copied()
            && (until <= now || self.ageing.len() >= REMEMBERED)
        {
            self.ageing.pop_front();
            if self.refused.get(&old).is_some_and(|u| *u == until) {
                self.refused.remove(&old);
            }
        }
        let until = now.plus_ms(i64::from(REFUSAL_SECONDS) * 1000);
        if self.refused.contains_key(&wish) {
            return;
        }
        self.refused.insert(wish, until);
        self.ageing.push_back((until, wish));
        if self.spend(now) {
            out.report(Report::FirstPacketRefused {
                in_port: PortNo(in_port.0),
                source: tuple.source,
                destination: tuple.destination,
                protocol: tuple.transport(),
                port: tuple.destination_port,
                suppressed: std::mem::take(&mut self.suppressed),
            });
        } else {
            self.suppressed += 1;
        }
    }

    fn spend(&mut self, now: Timestamp) -> bool {
        let passed = now.0.saturating_sub(self.budget_at.0).clamp(0, REPORT_BURST * 1000);
        self.budget_at = now;
        self.budget = (self.budget + passed * REPORTS_PER_SECOND).min(REPORT_BURST * 1000);
        let affordable = self.budget >= 1000;
        if affordable {
            self.budget -= 1000;
        }
        affordable
    }
}

fn wishes(grant: &model::Grant) -> impl Iterator<Item = Wish> + '_ {
    grant.ports.iter().map(|port| Wish {
        source: grant.origin.address,
        destination: grant.destination.address,
        protocol: grant.protocol.number(),
        port: *port,
    })
}

fn encode_all(mods: impl Iterator<Item = FlowMod>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for one in mods {
        append(&Message::FlowMod(one), REPAIR_XID, &mut bytes);
    }
    bytes
}

/// The packet enters the pipeline where it came in, so every rule judges it again.
fn release(packet: PacketIn, in_port: openflow::PortNo, out: &mut Vec<u8>) {
    let to_pipeline = vec![openflow::Action::output(openflow::PortNo::TABLE)];
    append(&Message::PacketOut(PacketOut::new(in_port, to_pipeline, packet.data)), RELEASE_XID, out);
}

fn append(message: &Message, xid: u32, out: &mut Vec<u8>) {
    let start = out.len();
    if openflow::encode_into(message, xid, out).is_err() {
        // Only a frame of 64 KiB could be too long; a switch cannot have sent it.
        out.truncate(start);
    }
}

fn exact(in_port: openflow::PortNo, tuple: &FiveTuple) -> Option<Match> {
    let mut matching = Match::any().with(OxmField::InPort(in_port));
    matching = match (tuple.source, tuple.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => matching
            .with(OxmField::EthType(0x0800))
            .with(OxmField::IpProto(tuple.protocol))
            .with(OxmField::Ipv4Src(Masked::exact(source)))
            .with(OxmField::Ipv4Dst(Masked::exact(destination))),
        (IpAddr::V6(source), IpAddr::V6(destination)) => matching
            .with(OxmField::EthType(0x86dd))
            .with(OxmField::IpProto(tuple.protocol))
            .with(OxmField::Ipv6Src(Masked::exact(source)))
            .with(OxmField::Ipv6Dst(Masked::exact(destination))),
        _ => return None,
    };
    // The source port stays open: a client that tries again takes another, and is refused just the same.
    Some(match tuple.transport() {
        Some(model::Protocol::Tcp) => matching.with(OxmField::TcpDst(Masked::exact(tuple.destination_port))),
        Some(model::Protocol::Udp) => matching.with(OxmField::UdpDst(Masked::exact(tuple.destination_port))),
        None => matching,
    })
}
