//! The only door in and the only door out of a site's state machine.

use model::{Generation, GrantId, Passage, PortNo, SiteState, Timestamp, Within};
use openflow::{
    ChangedFlow, CtFlush, FlowMod, FlowRemoved, FlowStats, Group, Message, Meter, MeterMod, PacketIn, Role,
};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use verify::{VerifiedSlice, VerifiedState};

use crate::{IkeConnection, ObservedFilters};

/// Everything that can happen to a site. Late, lost and repeated events are all legal.
#[derive(Debug)]
pub enum Event {
    /// A change of the wanted state, proved against the state this gate holds (X1).
    Order(Box<VerifiedSlice>),
    /// An order is about to come, proved against the state this gate holds: its tunnels may be configured ahead. Nothing
    /// of it is in force before it comes.
    Prepare(Box<VerifiedSlice>),
    /// An order this state already includes came again; whoever repeats it wants to know how these grants stand.
    Repeated {
        /// Grants it brings or takes.
        grants: BTreeSet<GrantId>,
    },
    /// A whole wanted state, proved: for a gate that missed something.
    Snapshot(Box<VerifiedState>),
    /// The other end is prepared: a designated initiator may start now.
    Go(GrantId),
    /// The other end of a grant stands too: what waits for it may go.
    Opened(GrantId),
    /// The center listens (again): it wants to know everything that stands.
    CenterUp,
    /// It does not: nobody can be asked about first packets.
    CenterDown,
    /// Its word on a first packet it was asked about.
    FirstPacketAnswered(FirstPacketAnswer),
    /// The state of this generation is on disk.
    Persisted(Generation),
    /// It is not, and why.
    PersistFailed(Generation, String),
    /// The site's switch finished its handshake. Its identity was checked by the link.
    SwitchUp,
    /// It is gone; what it forwards, it goes on forwarding.
    SwitchDown,
    /// Every entry of the switch, answering [`Output::ReadFlows`].
    FlowStats {
        /// Number of the read.
        read: u64,
        /// All entries.
        entries: Vec<FlowStats>,
    },
    /// Every group and meter of the switch; comes before the entries of a read.
    Furniture {
        /// Groups.
        groups: Vec<Group>,
        /// Meters.
        meters: Vec<Meter>,
    },
    /// The switch's flow monitor told of a change that is not ours.
    FlowChanged(Box<ChangedFlow>),
    /// What the monitor told has a gap: only a read shows what stands.
    FlowsUnclear,
    /// The switch knows no flow monitor: foreign changes are found by reading, at the audit.
    Unmonitored(String),
    /// The switch gave this controller another role, at this election.
    RoleChanged(Role, u64),
    /// The switch took the bundle, whole.
    BundleCommitted(u64),
    /// The switch took nothing of it.
    BundleRejected(u64, String),
    /// The flush is done, or why not.
    ConntrackFlushed(u64, Result<(), String>),
    /// The switch dropped an entry.
    FlowRemoved(Box<FlowRemoved>),
    /// A first packet.
    PacketIn(Box<PacketIn>),
    /// A port came or went.
    PortStatus {
        /// The port.
        port: PortNo,
        /// True if it has a link.
        up: bool,
    },
    /// strongSwan answers and has its keys and certificates.
    CharonUp,
    /// It does not; whatever SAs it had are unknown.
    CharonDown,
    /// It took this revision of a connection.
    ConnectionLoaded(u64),
    /// It did not.
    ConnectionRefused(u64, String),
    /// An IKE SA of this connection is established.
    IkeUp(String),
    /// It is gone, with all its children.
    IkeDown(String),
    /// A CHILD_SA is installed.
    ChildUp {
        /// Its connection.
        connection: String,
        /// Its name, as configured.
        child: String,
        /// strongSwan's number for it.
        number: u32,
    },
    /// It is gone.
    ChildDown {
        /// Its connection.
        connection: String,
        /// Its name.
        child: String,
        /// strongSwan's number for it.
        number: u32,
    },
    /// Everything strongSwan has, answering [`Output::ListSas`].
    SaList {
        /// Names of loaded connections.
        connections: BTreeSet<String>,
        /// Connections with an established IKE SA.
        ike: BTreeSet<String>,
        /// Installed children, one entry an SA.
        children: Vec<ChildSa>,
    },
    /// When a CHILD_SA that is about to end was last used, answering [`Output::ReadChild`]; not told if that is unknown.
    ChildUsed {
        /// Its name, as configured.
        child: String,
        /// Its last packet, either way.
        used: Within,
    },
    /// An initiation could not even be asked for.
    InitiateFailed {
        /// The connection.
        connection: String,
        /// The child.
        child: String,
        /// Why.
        error: String,
    },
    /// The filter change stands.
    FilterApplied(u64),
    /// Nothing of it stands.
    FilterFailed(u64, String),
    /// What nftables holds, answering [`Output::ReadFilters`]; `None` if there is no table yet.
    FilterState(Option<ObservedFilters>),
    /// Time passed.
    Tick,
}

/// What the center says of a first packet. A hint, not a permission: it lets nothing pass that no signed order allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPacketAnswer {
    /// Source.
    pub source: IpAddr,
    /// Destination.
    pub destination: IpAddr,
    /// IP protocol number.
    pub protocol: u8,
    /// Destination port.
    pub port: u16,
    /// True if a line is being opened for it; false if it is refused.
    pub opens: bool,
    /// Milliseconds to go on holding it, or to drop its like without asking again.
    pub wait_ms: i64,
}

/// An installed CHILD_SA as strongSwan lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildSa {
    /// Its connection.
    pub connection: String,
    /// Its name, as configured.
    pub child: String,
    /// strongSwan's number for it, unique in this daemon.
    pub number: u32,
    /// Its last packet, either way; none if none used it yet.
    pub used: Option<Within>,
}

/// What the shell shall do. Nothing here decides; each is carried out as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Install a meter of first packets; "it exists" is success.
    Meter(MeterMod),
    /// Take away groups and meters that no plan put there, and put ours right: sent one by one, seen at the next read.
    Refurnish(Vec<Message>),
    /// Send these to the switch, one by one: packets that waited and go on their way, refusals that begin or end.
    Send(Vec<Message>),
    /// Read every group, meter and entry.
    ReadFlows {
        /// Number to answer with.
        read: u64,
    },
    /// Apply as one atomic bundle (ONF EXT-230); whole or not at all.
    Bundle {
        /// Number to answer with.
        bundle: u64,
        /// The changes, in order.
        changes: Vec<FlowMod>,
    },
    /// Forget tracked connections, then a barrier.
    FlushConntrack {
        /// Number to answer with.
        flush: u64,
        /// What to forget.
        flushes: Vec<CtFlush>,
    },
    /// `load-conn` of a whole connection.
    LoadConnection {
        /// Number to answer with.
        revision: u64,
        /// The connection with all its children.
        connection: Box<IkeConnection>,
    },
    /// `unload-conn`.
    UnloadConnection(String),
    /// `initiate`, without waiting; the child's own event tells.
    Initiate {
        /// The connection.
        connection: String,
        /// The child.
        child: String,
    },
    /// `list-sas` of this child alone, before it ends: what strongSwan knows of its last packet goes with it.
    ReadChild {
        /// The connection.
        connection: String,
        /// The child.
        child: String,
    },
    /// `terminate` of every CHILD_SA of this name.
    TerminateChild {
        /// The connection.
        connection: String,
        /// The child.
        child: String,
    },
    /// `terminate` of the one CHILD_SA with this number: a second of a name that two initiations made.
    TerminateSa(u32),
    /// `terminate` of the IKE SA.
    TerminateIke(String),
    /// `list-conns` and `list-sas`.
    ListSas,
    /// `nft -j list table inet sekisho`.
    ReadFilters,
    /// `nft -f` of this script.
    ApplyFilters {
        /// Number to answer with.
        change: u64,
        /// The script, one transaction.
        script: String,
    },
    /// Keep this state on disk before saying it is kept.
    Persist(Arc<SiteState>),
    /// Tell the center.
    Report(Report),
}

/// Why a grant ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCause {
    /// The center ordered it.
    Order,
    /// Its lease ended; the gate needs no order for that.
    Lease,
}

/// Packets and bytes as OpenFlow counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

impl Count {
    fn add(&mut self, more: Self) {
        self.packets = self.packets.saturating_add(more.packets);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

/// What passed under a grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the origin host to the destination host.
    pub forth: Count,
    /// Back.
    pub back: Count,
    /// Some of it was counted by a switch that restarted, and is lost but for the last reading.
    pub lost: bool,
}

impl Traffic {
    /// Both ways.
    pub fn packets(&self) -> u64 {
        self.forth.packets.saturating_add(self.back.packets)
    }
    pub(crate) fn add(&mut self, back: bool, more: Count) {
        if back { self.back.add(more) } else { self.forth.add(more) }
    }
}

/// What a gate tells the center: only what it observed.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The state at this generation is kept on disk and in force at switch, filter and tunnel configuration.
    Accepted(Generation),
    /// The lease ended; the gate closes by itself.
    Lapsed(GrantId),
    /// The order leads from somewhere else; send a snapshot.
    OutOfStep {
        /// The gate's generation; none if it has no state.
        at: Option<Generation>,
        /// Where the order leads to.
        offered: Generation,
    },
    /// Rules are in, tunnel configuration is loaded: the peer may come.
    Prepared(GrantId),
    /// How much of a grant stands.
    Observed {
        /// The grant.
        grant: GrantId,
        /// Its flow rules seen on the switch.
        flows: u32,
        /// Its flow rules that should be there.
        wanted: u32,
        /// All of its rules and filters are seen.
        complete: bool,
        /// Its CHILD_SA is installed.
        sa: bool,
    },
    /// Observed state holds nothing of it any more.
    Closed {
        /// The grant.
        grant: GrantId,
        /// Why.
        cause: CloseCause,
        /// What its rules saw (G13).
        traffic: Traffic,
        /// When the first and the last packet passed; none if none did.
        passage: Option<Passage>,
    },
    /// Its first packet has passed (G13).
    Carried {
        /// The grant.
        grant: GrantId,
        /// When.
        first: Within,
    },
    /// After reading back, a difference between what stood and what is wanted is being mended.
    Converged {
        /// The state mended toward.
        generation: Generation,
        /// Entries put back.
        added: u32,
        /// Entries removed.
        removed: u32,
    },
    /// No packet of this grant passed, forth or back, for its idle time: the center may close it.
    Idle(GrantId),
    /// A first packet no grant covers (N1).
    FirstPacket {
        /// Port it came from.
        in_port: PortNo,
        /// Source.
        source: IpAddr,
        /// Destination.
        destination: IpAddr,
        /// IP protocol number.
        protocol: u8,
        /// Destination port.
        port: u16,
        /// It waits for the center's word; else it is refused, and its like are dropped for a while.
        held: bool,
        /// First packets of this port that were dropped without a report since the last one, to bound a flood.
        suppressed: u64,
    },
    /// Something stood on the switch, in strongSwan or in the filter that no plan put there. It is being removed.
    Foreign {
        /// Where.
        place: Place,
        /// What, as text.
        what: String,
    },
    /// A rule that no plan put there, changed or took away, and that is as it should be again. [`Report::Foreign`] said
    /// so at sight; this is the evidence.
    ForeignRule(Box<ForeignRule>),
    /// A rule that cannot be written as an OpenFlow entry; it is not installed.
    Inexpressible(String),
    /// Part of the data plane came or went.
    Link {
        /// Which.
        place: Place,
        /// True if it answers.
        up: bool,
    },
    /// A part of the data plane refused a change; it is tried again.
    Refused {
        /// Which.
        place: Place,
        /// Its words.
        error: String,
    },
    /// A tunnel does not come up; tried again.
    TunnelFailing {
        /// The grant.
        grant: GrantId,
        /// Attempts so far.
        attempts: u32,
        /// Why, if known.
        error: String,
    },
    /// The state could not be kept on disk; it is enforced from memory (X4).
    NotPersisted {
        /// Which generation.
        generation: Generation,
        /// Why.
        error: String,
    },
    /// A switch port came or went.
    Port {
        /// The port.
        port: PortNo,
        /// True if it has a link.
        up: bool,
    },
}

/// What a foreign hand did to a switch's tables, and for how long it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignRule {
    /// What was done.
    pub change: ForeignChange,
    /// Table number.
    pub table: u8,
    /// Priority.
    pub priority: u16,
    /// Cookie the entry had.
    pub cookie: u64,
    /// Its match, as `ovs-ofctl` writes it; empty matches everything.
    pub matching: String,
    /// The whole entry, as `ovs-ofctl` writes it.
    pub rule: String,
    /// When it was done: when the switch told, or by the entry's age if it was found by reading.
    pub since: Timestamp,
    /// When this gate saw it.
    pub seen_at: Timestamp,
    /// When the switch had confirmed that it is undone.
    pub mended_at: Timestamp,
    /// Foreign changes mended without a word since the last report, to bound a flood.
    pub suppressed: u64,
}

/// How an entry was touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum ForeignChange {
    Added,
    Modified,
    Deleted,
}

impl ForeignChange {
    /// One English word, for logs and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
        }
    }
}

/// A part of the site's data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The in-house switch.
    Switch,
    /// strongSwan.
    Tunnels,
    /// nftables in the red namespace.
    Filters,
}

/// Where `handle` puts what it wants done. Reused by the caller, so the path of first packets allocates nothing.
#[derive(Debug, Default)]
pub struct Outbox {
    /// In order.
    pub outputs: Vec<Output>,
    /// OpenFlow messages, encoded, to append to the switch's stream. Independent of `outputs`.
    pub to_switch: Vec<u8>,
}

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push(output);
    }
    pub(crate) fn report(&mut self, report: Report) {
        self.outputs.push(Output::Report(report));
    }
}

/// Earlier of two optional deadlines.
pub(crate) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
