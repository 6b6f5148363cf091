//! First packets (N1): judged by an index over live grants; what no grant covers is held while the center is asked, a
//! bounded number a port, so that a flood at one port takes nothing of another's share.
//!
//! The answer never decides what passes: a released packet goes through the whole pipeline again, under proved rules.

use model::{Grant, GrantId, PortNo, SiteState, Table, Timestamp};
use openflow::{FlowMod, Message, PacketIn};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::event::{FirstPacketAnswer, Outbox, Output, Report, earlier};
use crate::packet::FiveTuple;
use crate::refusal::{self, Refusals};
use crate::rules::Rules;
use crate::waiting::Waiting;

/// How long a packet waits for the center's answer.
pub(crate) const ANSWER_MS: i64 = 5_000;
/// How long one waits at most for a line that is being opened, whatever the center says.
const OPENING_MS: i64 = 30_000;
/// The center says when the other end holds its rules too. A lost word costs the first packet this much.
const FAR_END_MS: i64 = 200;
/// A switch goes on with cached verdicts until it has revalidated them (Open vSwitch: 500 ms at the most): what comes by
/// one of those is released again, without touching rules that stand.
const SETTLING_MS: i64 = 1_000;
/// Transaction ids of answers; no request uses them.
const REPAIR_XID: u32 = 0x5e00_0001;
const RELEASE_XID: u32 = 0x5e00_0002;
const REFUSE_XID: u32 = 0x5e00_0003;

/// Who wants to reach what: a client that tries again takes another source port, and wishes the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wish {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub port: u16,
}

impl Wish {
    fn of(tuple: &FiveTuple) -> Self {
        let FiveTuple { source, destination, protocol, .. } = *tuple;
        Self { source, destination, protocol, port: tuple.destination_port }
    }
}

#[derive(Debug, Clone, Copy)]
struct Allowed {
    in_port: PortNo,
    until: Timestamp,
    /// Both ends hold what the grant needs; not before are its first packets let on their way.
    in_force: bool,
    settled_at: Timestamp,
}

/// A grant that comes.
#[derive(Debug, Clone, Default)]
struct Opening {
    wishes: Vec<Wish>,
    in_port: u32,
    whole_at: Option<Timestamp>,
    far_end: bool,
}

/// What the gate made of a first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// A live grant covers it; the packet was released.
    Released(GrantId),
    /// It waits, for the center's answer or for the grant's rules.
    Held,
    /// Nothing covers it, and nobody can be asked.
    Refused,
    /// A standing rule should have taken it: the switch must be read.
    Doubtful,
    /// Not a packet of ours, or more than a port may have waiting.
    Ignored,
}

pub(crate) struct FirstPackets {
    allowed: BTreeMap<Wish, BTreeMap<GrantId, Allowed>>,
    encoded: BTreeMap<GrantId, Vec<u8>>,
    opening: BTreeMap<GrantId, Opening>,
    waiting: Waiting,
    refusals: Refusals,
    /// The center listens and can be asked.
    linked: bool,
    /// Grants that something which waited went under, since it was asked.
    let_go: Vec<GrantId>,
}

impl FirstPackets {
    pub(crate) fn new() -> Self {
        Self {
            allowed: BTreeMap::new(),
            encoded: BTreeMap::new(),
            opening: BTreeMap::new(),
            waiting: Waiting::new(),
            refusals: Refusals::new(),
            linked: false,
            let_go: Vec::new(),
        }
    }

    pub(crate) fn link(&mut self, up: bool) {
        self.linked = up;
    }

    /// A grant that stood before; its packets need not wait.
    pub(crate) fn admit(&mut self, state: &SiteState, grant: &Grant) {
        self.insert(state, grant, true);
    }

    /// A grant that comes now: what waits for it goes once it is in force at both ends. A refusal that stands in its
    /// way no longer does.
    pub(crate) fn expect(&mut self, state: &SiteState, grant: &Grant, now: Timestamp, out: &mut Outbox) {
        let Some(in_port) = self.insert(state, grant, false) else { return };
        let wishes: Vec<Wish> = wishes(grant).collect();
        let mut deletions = Vec::new();
        for wish in &wishes {
            self.waiting.expect(in_port.0, wish, now.plus_ms(OPENING_MS));
            if self.refusals.lift(in_port.0, wish) {
                deletions.extend(refusal::lifted(openflow::PortNo(in_port.0), wish).map(Message::FlowMod));
            }
        }
        if !deletions.is_empty() {
            out.push(Output::Send(deletions));
        }
        self.opening.insert(grant.id, Opening { wishes, in_port: in_port.0, ..Opening::default() });
    }

    fn insert(&mut self, state: &SiteState, grant: &Grant, in_force: bool) -> Option<PortNo> {
        let here = &state.facts.site;
        let host = here.hosts.get(&grant.origin.host).filter(|_| grant.origin.site == here.id)?;
        let in_port = host.port.port;
        let allowed = Allowed { in_port, until: grant.lease_until, in_force, settled_at: Timestamp(0) };
        for wish in wishes(grant) {
            self.allowed.entry(wish).or_default().insert(grant.id, allowed);
        }
        Some(in_port)
    }

    /// The lease of a grant moved.
    pub(crate) fn renew(&mut self, grant: &Grant) {
        for wish in wishes(grant) {
            if let Some(allowed) = self.allowed.get_mut(&wish).and_then(|holders| holders.get_mut(&grant.id)) {
                allowed.until = grant.lease_until;
            }
        }
    }

    pub(crate) fn withdraw(&mut self, grant: &Grant) {
        self.encoded.remove(&grant.id);
        self.opening.remove(&grant.id);
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

    /// Rules, filters and tunnel of a grant are seen here.
    pub(crate) fn whole(&mut self, grant: GrantId, now: Timestamp, out: &mut Outbox) {
        let Some(opening) = self.opening.get_mut(&grant) else { return };
        opening.whole_at.get_or_insert(now);
        if opening.far_end {
            self.in_force(grant, now, out);
        }
    }

    /// The center says that both ends hold it.
    pub(crate) fn opened(&mut self, grant: GrantId, now: Timestamp, out: &mut Outbox) {
        let Some(opening) = self.opening.get_mut(&grant) else { return };
        opening.far_end = true;
        if opening.whole_at.is_some() {
            self.in_force(grant, now, out);
        }
    }

    fn in_force(&mut self, grant: GrantId, now: Timestamp, out: &mut Outbox) {
        let Some(opening) = self.opening.remove(&grant) else { return };
        let mut released = Vec::new();
        for wish in &opening.wishes {
            if let Some(allowed) = self.allowed.get_mut(wish).and_then(|holders| holders.get_mut(&grant)) {
                allowed.in_force = true;
                allowed.settled_at = now.plus_ms(SETTLING_MS);
            }
            let packets = self.waiting.take(opening.in_port, wish);
            released.extend(packets.into_iter().map(|packet| release(packet, openflow::PortNo(opening.in_port))));
        }
        if !released.is_empty() {
            self.let_go.push(grant);
            out.push(Output::Send(released));
        }
    }

    /// Grants under which something that waited went on its way, since this was asked last.
    pub(crate) fn let_go(&mut self) -> impl Iterator<Item = GrantId> + use<> {
        std::mem::take(&mut self.let_go).into_iter()
    }

    /// The center's word on something it was asked.
    pub(crate) fn answered(&mut self, answer: &FirstPacketAnswer, state: &SiteState, now: Timestamp, out: &mut Outbox) {
        let FirstPacketAnswer { source, destination, protocol, port, opens, wait_ms } = *answer;
        let wish = Wish { source, destination, protocol, port };
        let Some(host) = state.facts.site.hosts.values().find(|h| h.address == source) else { return };
        let in_port = host.port.port.0;
        if opens {
            self.waiting.expect(in_port, &wish, now.plus_ms(wait_ms.clamp(0, OPENING_MS)));
            let ready = self.allowed.get(&wish).is_some_and(|holders| holders.values().any(|a| a.in_force));
            if ready {
                let packets = self.waiting.take(in_port, &wish);
                let port = openflow::PortNo(in_port);
                out.push(Output::Send(packets.into_iter().map(|packet| release(packet, port)).collect()));
            }
            return;
        }
        if self.waiting.take(in_port, &wish).is_empty() || self.allowed.contains_key(&wish) {
            // Too late to matter, or overtaken by a grant: a refusal would only stand in somebody's way.
            return;
        }
        let seconds = refusal::seconds(wait_ms);
        self.refusals.remember(in_port, wish, now.plus_ms(i64::from(seconds) * 1000), false, now);
    }

    /// Packets that wait.
    pub(crate) fn held(&self) -> usize {
        self.waiting.count()
    }

    /// Lets go what waited long enough, and what a lost word would keep waiting.
    pub(crate) fn tick(&mut self, now: Timestamp, out: &mut Outbox) {
        self.waiting.expire(now);
        let due = |o: &Opening| o.whole_at.is_some_and(|at| at.plus_ms(FAR_END_MS) <= now);
        let late: BTreeSet<GrantId> = self.opening.iter().filter(|(_, o)| due(o)).map(|(id, _)| *id).collect();
        for grant in late {
            self.in_force(grant, now, out);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let far_ends = self.opening.values().filter_map(|o| o.whole_at.map(|at| at.plus_ms(FAR_END_MS)));
        far_ends.fold(self.waiting.next_deadline(), |next, at| earlier(next, Some(at)))
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
        let wish = Wish::of(&tuple);
        let mine = |a: &&Allowed| a.in_port.0 == in_port.0 && now < a.until;
        let holders = self.allowed.get(&wish).into_iter().flatten();
        let holder = holders.filter(|(_, a)| mine(a)).max_by_key(|(_, a)| a.in_force).map(|(id, a)| (*id, *a));
        if let Some((grant, allowed)) = holder {
            if !allowed.in_force {
                return held(self.waiting.hold(in_port.0, wish, tuple, packet, now.plus_ms(OPENING_MS)));
            }
            if now >= allowed.settled_at {
                let encoded = self.encoded.entry(grant).or_insert_with(|| encode_all(rules.repair(grant)));
                out.to_switch.extend_from_slice(encoded);
            }
            append(&release(packet, in_port), RELEASE_XID, &mut out.to_switch);
            return Judgement::Released(grant);
        }
        if state.facts.site.segments.values().any(|s| s.prefix.contains(&tuple.destination)) {
            return Judgement::Doubtful;
        }
        if self.linked {
            self.ask(in_port, tuple, wish, packet, now, out)
        } else {
            self.refuse(in_port, &tuple, wish, now, out)
        }
    }

    /// The packet waits for the center, which is asked once for each wish.
    fn ask(
        &mut self,
        in_port: openflow::PortNo,
        tuple: FiveTuple,
        wish: Wish,
        packet: PacketIn,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Judgement {
        if self.refusals.knows(in_port.0, &wish, now) {
            if let Some(ms) = self.refusals.again(in_port.0, &wish, now)
                && let Some(drop) = refusal::entry(in_port, &wish, refusal::seconds(ms))
            {
                append(&Message::FlowMod(drop), REFUSE_XID, &mut out.to_switch);
            }
            return Judgement::Refused;
        }
        let until = now.plus_ms(ANSWER_MS);
        if self.waiting.has(in_port.0, &wish) {
            return held(self.waiting.hold(in_port.0, wish, tuple, packet, until));
        }
        // No entry for what was not asked: its sender tries again, and it may be allowed.
        if !self.waiting.has_room(in_port.0) {
            self.refusals.suppress(in_port.0);
            return Judgement::Ignored;
        }
        let Some(suppressed) = self.refusals.may_tell(in_port.0, now) else { return Judgement::Ignored };
        let stays = self.waiting.hold(in_port.0, wish, tuple, packet, until);
        out.report(report(in_port, &tuple, stays, suppressed));
        held(stays)
    }

    /// Nobody can be asked.
    fn refuse(
        &mut self,
        in_port: openflow::PortNo,
        tuple: &FiveTuple,
        wish: Wish,
        now: Timestamp,
        out: &mut Outbox,
    ) -> Judgement {
        let Some(drop) = refusal::entry(in_port, &wish, refusal::SECONDS) else { return Judgement::Ignored };
        append(&Message::FlowMod(drop), REFUSE_XID, &mut out.to_switch);
        if !self.refusals.knows(in_port.0, &wish, now) {
            self.refusals.remember(in_port.0, wish, now.plus_ms(i64::from(refusal::SECONDS) * 1000), true, now);
            if let Some(suppressed) = self.refusals.may_tell(in_port.0, now) {
                out.report(report(in_port, tuple, false, suppressed));
            }
        }
        Judgement::Refused
    }
}

fn held(stays: bool) -> Judgement {
    if stays { Judgement::Held } else { Judgement::Ignored }
}

fn report(in_port: openflow::PortNo, tuple: &FiveTuple, held: bool, suppressed: u64) -> Report {
    Report::FirstPacket {
        in_port: PortNo(in_port.0),
        source: tuple.source,
        destination: tuple.destination,
        protocol: tuple.protocol,
        port: tuple.destination_port,
        held,
        suppressed,
    }
}

fn wishes(grant: &Grant) -> impl Iterator<Item = Wish> + '_ {
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
fn release(packet: PacketIn, in_port: openflow::PortNo) -> Message {
    let to_pipeline = vec![openflow::Action::output(openflow::PortNo::TABLE)];
    Message::PacketOut(openflow::PacketOut::new(in_port, to_pipeline, packet.data))
}

fn append(message: &Message, xid: u32, out: &mut Vec<u8>) {
    let start = out.len();
    if openflow::encode_into(message, xid, out).is_err() {
        // Only a frame of 64 KiB could be too long; a switch cannot have sent it.
        out.truncate(start);
    }
}
