//! Refused first packets: the entry that drops what they wish for a while, who is known to stand behind one, and how
//! often that is told, each port on its own account.

use model::{Cookie, CookieOwner, Protocol, Table, Timestamp};
use openflow::{FlowMod, Masked, Match, OxmField, PortNo};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use crate::budget::Budget;
use crate::first_packet::Wish;

/// Below the rules of grants (1000), above everything else in the table: a grant that comes wins at once.
pub(crate) const PRIORITY: u16 = 900;
/// How long a refused wish is dropped without asking again, if the center says nothing else.
pub(crate) const SECONDS: u16 = 10;
const LONGEST_SECONDS: i64 = 60;
/// Refusals remembered a port, so that one is reported once; the switch's own entries end by themselves.
const REMEMBERED: usize = 512;
/// Reports a second and port, and how many may come at once.
const REPORTS_PER_SECOND: i64 = 10;
const REPORT_BURST: i64 = 50;

/// So often a refused wish is dropped by the gate, not by an entry: a switch goes on by cached verdicts for a moment, and
/// one that drops would swallow the first packet of a line that is opened right after its refusal. A flood gets an entry.
const TOLERATED: u32 = 16;

#[derive(Debug, Clone, Copy)]
struct Refused {
    until: Timestamp,
    times: u32,
    /// An entry drops it.
    by_entry: bool,
}

#[derive(Debug)]
struct Account {
    refused: BTreeMap<Wish, Refused>,
    ageing: VecDeque<(Timestamp, Wish)>,
    budget: Budget,
}

impl Default for Account {
    fn default() -> Self {
        let budget = Budget::new(REPORTS_PER_SECOND, REPORT_BURST);
        Self { refused: BTreeMap::new(), ageing: VecDeque::new(), budget }
    }
}

/// What is refused, by port. As many accounts as the switch has ports with terminals: no other sends first packets.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    ports: BTreeMap<u32, Account>,
}

impl Refusals {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// This wish is refused for now.
    pub(crate) fn knows(&self, port: u32, wish: &Wish, now: Timestamp) -> bool {
        self.ports.get(&port).and_then(|a| a.refused.get(wish)).is_some_and(|refused| now < refused.until)
    }

    /// Another packet of a refused wish. If it is one too many: for how many milliseconds an entry shall drop the rest.
    pub(crate) fn again(&mut self, port: u32, wish: &Wish, now: Timestamp) -> Option<i64> {
        let refused = self.ports.get_mut(&port)?.refused.get_mut(wish)?;
        refused.times = refused.times.saturating_add(1);
        if refused.times < TOLERATED || refused.by_entry {
            return None;
        }
        refused.by_entry = true;
        Some(refused.until.0.saturating_sub(now.0))
    }

    /// A wish is refused until then, by an entry or by the gate.
    pub(crate) fn remember(&mut self, port: u32, wish: Wish, until: Timestamp, by_entry: bool, now: Timestamp) {
        let account = self.ports.entry(port).or_default();
        while let Some((end, old)) = account.ageing.front().copied()
            && (end <= now || account.ageing.len() >= REMEMBERED)
        {
            account.ageing.pop_front();
            if account.refused.get(&old).is_some_and(|refused| refused.until == end) {
                account.refused.remove(&old);
            }
        }
        account.refused.insert(wish, Refused { until, times: 0, by_entry });
        account.ageing.push_back((until, wish));
    }

    /// The wish is granted. True if an entry may still drop it.
    pub(crate) fn lift(&mut self, port: u32, wish: &Wish) -> bool {
        self.ports.get_mut(&port).and_then(|account| account.refused.remove(wish)).is_some_and(|r| r.by_entry)
    }

    /// If one more may be told of this port: how many were not told since the last.
    pub(crate) fn may_tell(&mut self, port: u32, now: Timestamp) -> Option<u64> {
        let budget = &mut self.ports.entry(port).or_default().budget;
        budget.spend(now).then(|| budget.take_suppressed())
    }

    /// One of this port is not told.
    pub(crate) fn suppress(&mut self, port: u32) {
        self.ports.entry(port).or_default().budget.suppress();
    }
}

/// Whole seconds of a refusal, within reason: a timeout of 0 would never end (OpenFlow 1.3.5 §6.4).
pub(crate) fn seconds(wanted_ms: i64) -> u16 {
    u16::try_from((wanted_ms / 1000).clamp(1, LONGEST_SECONDS)).unwrap_or(SECONDS)
}

/// The entry that drops a wish for so many seconds.
pub(crate) fn entry(in_port: PortNo, wish: &Wish, seconds: u16) -> Option<FlowMod> {
    let cookie = Cookie::from(CookieOwner::Refusal).0;
    let mut drop = FlowMod::add(Table::Connections.number(), PRIORITY, cookie, exact(in_port, wish)?, Vec::new());
    drop.hard_timeout = seconds;
    Some(drop)
}

/// Takes exactly that entry away.
pub(crate) fn lifted(in_port: PortNo, wish: &Wish) -> Option<FlowMod> {
    Some(FlowMod::delete_strict(Table::Connections.number(), PRIORITY, exact(in_port, wish)?))
}

fn exact(in_port: PortNo, wish: &Wish) -> Option<Match> {
    let mut matching = Match::any().with(OxmField::InPort(in_port));
    matching = match (wish.source, wish.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => matching
            .with(OxmField::EthType(0x0800))
            .with(OxmField::IpProto(wish.protocol))
            .with(OxmField::Ipv4Src(Masked::exact(source)))
            .with(OxmField::Ipv4Dst(Masked::exact(destination))),
        (IpAddr::V6(source), IpAddr::V6(destination)) => matching
            .with(OxmField::EthType(0x86dd))
            .with(OxmField::IpProto(wish.protocol))
            .with(OxmField::Ipv6Src(Masked::exact(source)))
            .with(OxmField::Ipv6Dst(Masked::exact(destination))),
        _ => return None,
    };
    // The source port stays open: a client that tries again takes another, and is refused just the same.
    Some(match [Protocol::Tcp, Protocol::Udp].into_iter().find(|p| p.number() == wish.protocol) {
        Some(Protocol::Tcp) => matching.with(OxmField::TcpDst(Masked::exact(wish.port))),
        Some(Protocol::Udp) => matching.with(OxmField::UdpDst(Masked::exact(wish.port))),
        None => matching,
    })
}
