//! The catalogue: every event, declared once; the type, its table and its documents come from here.
//!
//! Codes are stable for ever: a code is never reused, a field is only ever added, and an added field is optional and
//! left out when absent, so that entries written before it keep their canonical text.

use model::{AgreementId, Generation, GrantId, HostRef, PlanCause, Protocol, Section, ServiceId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::{
    ApprovalAnswer, CloseCause, CustodyAction, Digest, ForeignChange, Observation, Person, Point, ReasonRecord,
    SiteGeneration,
};

/// A field of an event, as documents show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in the canonical text.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// Its Rust type.
    pub shape: &'static str,
}

/// A row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable code; also the tag in the canonical text.
    pub code: &'static str,
    /// Fluent key of its text.
    pub key: &'static str,
    /// When it is written.
    pub meaning: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

impl Kind {
    /// Does it hold personal data (G13: kept by the center alone)?
    pub fn personal(&self) -> bool {
        self.fields.iter().any(|f| f.shape.replace(' ', "").contains("Person"))
    }
}

macro_rules! catalogue {
    ($(
        #[doc = $meaning:literal]
        $name:ident = $code:literal $key:literal {
            $( #[doc = $field_meaning:literal] $(#[serde($($serde:tt)*)])? $field:ident: $type:ty, )*
        }
    )*) => {
        /// An audit event. The tag `code` and the fields make up its canonical text.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "code", deny_unknown_fields)]
        pub enum Event {$(
            #[doc = $meaning]
            #[serde(rename = $code)]
            $name {
                $( #[doc = $field_meaning] $(#[serde($($serde)*)])? $field: $type, )*
            },
        )*}

        /// Every event there is, in order of code.
        pub const CATALOGUE: &[Kind] = &[$(
            Kind {
                code: $code,
                key: $key,
                meaning: $meaning,
                fields: &[$( Field { name: stringify!($field), meaning: $field_meaning, shape: stringify!($type) }, )*],
            },
        )*];

        impl Event {
            /// Its row in the catalogue.
            pub fn kind(&self) -> &'static Kind {
                let code = match self { $( Self::$name { .. } => $code, )* };
                CATALOGUE.iter().find(|k| k.code == code).expect("the macro writes a row for every variant")
            }
        }
    };
}

catalogue! {
    /// The log begins.
    LogStarted = "A001" "audit-log-started" {
        /// Version of the program that began it.
        version: String,
    }
    /// The center started.
    CenterStarted = "A002" "audit-center-started" {
        /// Its version.
        version: String,
        /// True if it was not stopped in order before.
        unclean: bool,
    }
    /// The center stopped in order.
    CenterStopped = "A003" "audit-center-stopped" {
        /// Why.
        why: String,
    }
    /// Somebody verified the chain.
    LogVerified = "A004" "audit-log-verified" {
        /// Account of the operator.
        operator: String,
        /// Last entry it covered.
        seq: u64,
        /// What was wrong; absent if nothing was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<String>,
    }
    /// A piece of evidence was collected, examined, handed over, archived or destroyed (G15, RFC 3227 §4.1).
    EvidenceHandled = "A005" "audit-evidence-handled" {
        /// Account of who did it.
        operator: String,
        /// What was done.
        action: CustodyAction,
        /// Which piece.
        what: String,
        /// SHA-256 of its bytes.
        digest: Digest,
        /// Who or where it came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Who or where it went to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    }
    /// An operator did something that no other event describes.
    OperatorAction = "A006" "audit-operator-action" {
        /// Account of the operator.
        operator: String,
        /// What.
        action: String,
        /// To what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
    }
    /// Documents were applied.
    NetworkApplied = "A101" "audit-network-applied" {
        /// Account of the operator.
        operator: String,
        /// SHA-256 of the whole network as it now is, in canonical JSON.
        digest: Digest,
        /// Sites it changed.
        sites: Vec<SiteGeneration>,
        /// Grants that ended by it.
        grants_ended: Vec<GrantId>,
    }
    /// Documents were refused before any plan was made: they do not fit together.
    NetworkRefused = "A102" "audit-network-refused" {
        /// Account of the operator.
        operator: String,
        /// What is wrong, place first.
        faults: Vec<String>,
    }
    /// A plan was refused by the proof, with the packet that would have passed (G6, G7).
    PlanRefused = "A103" "audit-plan-refused" {
        /// What the plan was for.
        cause: PlanCause,
        /// The grant it would have served.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<GrantId>,
        /// Stable id of the broken invariant, e.g. `I03`.
        invariant: String,
        /// The site where it breaks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<SiteId>,
        /// The packet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        packet: Option<String>,
        /// Its way, hop by hop.
        path: Vec<String>,
        /// The rule that lets it pass.
        because: String,
        /// Whose section it lies in.
        section: Section,
    }
    /// A connection was asked for.
    ConnectionRequested = "A201" "audit-connection-requested" {
        /// The terminal.
        from: HostRef,
        /// The service.
        service: ServiceId,
        /// Who, as far as the card could be believed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<Person>,
        /// SHA-256 of the terminal's device certificate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<Digest>,
    }
    /// A connection was denied, with all reasons.
    ConnectionDenied = "A202" "audit-connection-denied" {
        /// The terminal, if one was named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<HostRef>,
        /// The service, if one was named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<ServiceId>,
        /// Who, as far as the card could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<Person>,
        /// SHA-256 of the terminal's device certificate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<Digest>,
        /// Every reason.
        reasons: Vec<ReasonRecord>,
    }
    /// A connection was permitted; a grant was given.
    ConnectionPermitted = "A203" "audit-connection-permitted" {
        /// The grant.
        grant: GrantId,
        /// The terminal.
        from: HostRef,
        /// The service.
        service: ServiceId,
        /// The agreement it stands on.
        agreement: AgreementId,
        /// The line of the origin site's whitelist it stands on, e.g. `aoba/allow[0]`.
        rule: String,
        /// Who.
        person: Person,
        /// SHA-256 of the terminal's device certificate.
        device: Digest,
        /// End of the lease.
        lease_until: Timestamp,
    }
    /// The plan of a grant was proved and committed; the gates are told.
    ConnectionOpening = "A204" "audit-connection-opening" {
        /// The grant.
        grant: GrantId,
        /// Sites it changes.
        sites: Vec<SiteGeneration>,
    }
    /// Both gates observed that everything of the grant stands.
    ConnectionOpen = "A205" "audit-connection-open" {
        /// The grant.
        grant: GrantId,
    }
    /// A connection is being closed.
    ConnectionClosing = "A206" "audit-connection-closing" {
        /// The grant.
        grant: GrantId,
        /// Why.
        cause: CloseCause,
        /// Account of the operator, if one asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<String>,
        /// Sites it changes.
        sites: Vec<SiteGeneration>,
    }
    /// Both gates observed that nothing of the grant is left.
    ConnectionClosed = "A207" "audit-connection-closed" {
        /// The grant.
        grant: GrantId,
    }
    /// A connection could not be opened, or broke.
    ConnectionFailed = "A208" "audit-connection-failed" {
        /// The grant.
        grant: GrantId,
        /// Where it happened, if at one site.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<SiteId>,
        /// Whose section it lies in.
        section: Section,
        /// What happened.
        why: String,
    }
    /// A connection's lease was extended; nothing else of it changed.
    ConnectionRenewed = "A209" "audit-connection-renewed" {
        /// The grant.
        grant: GrantId,
        /// End of the lease now.
        lease_until: Timestamp,
        /// Sites it changes.
        sites: Vec<SiteGeneration>,
    }
    /// A gate joined.
    GateJoined = "A301" "audit-gate-joined" {
        /// Its site.
        site: SiteId,
        /// SHA-256 of its certificate.
        certificate: Digest,
        /// Its version.
        version: String,
        /// The generation it holds.
        generation: Generation,
    }
    /// The link to a gate ended.
    GateLeft = "A302" "audit-gate-left" {
        /// Its site.
        site: SiteId,
        /// Whose section it lies in, as far as the center can see.
        section: Section,
        /// How it ended.
        why: String,
    }
    /// A gate was refused.
    GateRefused = "A303" "audit-gate-refused" {
        /// The site its certificate names, if it could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<SiteId>,
        /// SHA-256 of its certificate, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<Digest>,
        /// Where it came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        /// Every reason.
        reasons: Vec<ReasonRecord>,
    }
    /// A gate refused an order of the center: signature, generation or its own proof.
    OrderRefused = "A304" "audit-order-refused" {
        /// Its site.
        site: SiteId,
        /// The generation the order leads to.
        generation: Generation,
        /// Whose section it lies in.
        section: Section,
        /// Why.
        why: String,
    }
    /// A gate read its switch, tunnels and filters back and mended a difference.
    GateConverged = "A305" "audit-gate-converged" {
        /// Its site.
        site: SiteId,
        /// The generation it enforces.
        generation: Generation,
        /// Things that were missing and were put back.
        added: u32,
        /// Things that nobody wanted and were removed.
        removed: u32,
    }
    /// A gate refused a first packet of a terminal.
    PacketRefused = "A306" "audit-packet-refused" {
        /// Its site.
        site: SiteId,
        /// The terminal.
        from: HostRef,
        /// Where the packet went.
        destination: IpAddr,
        /// Transport protocol, if it was one of ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<Protocol>,
        /// Destination port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// Every reason.
        reasons: Vec<ReasonRecord>,
    }
    /// Somebody who is no gate of ours wrote to a site's switch; the gate undid it (X1, G13).
    ForeignRule = "A307" "audit-foreign-rule" {
        /// Its site.
        site: SiteId,
        /// What was done to the entry.
        change: ForeignChange,
        /// OpenFlow table.
        table: u8,
        /// Priority of the entry.
        priority: u16,
        /// Cookie of the entry, hexadecimal.
        cookie: String,
        /// Its match, as `ovs-ofctl` writes it; empty matches everything.
        matching: String,
        /// The whole entry, as `ovs-ofctl` writes it.
        rule: String,
        /// When it was done, as far as the gate knows.
        since: Timestamp,
        /// When the gate saw it.
        seen_at: Timestamp,
        /// When the switch had confirmed that it is undone.
        removed_at: Timestamp,
        /// For how long it stood, in milliseconds.
        stood_ms: u64,
        /// Foreign changes undone without an entry of their own since the last one.
        suppressed: u64,
    }
    /// Evidence of the gate at the origin site (G13).
    EvidenceSource = "A401" "audit-evidence-source" {
        /// What it recorded.
        seen: Observation,
    }
    /// Evidence of the center (G13).
    EvidenceAccessPoint = "A402" "audit-evidence-access-point" {
        /// What it recorded.
        seen: Observation,
    }
    /// Evidence of the gate at the destination site (G13).
    EvidenceDestination = "A403" "audit-evidence-destination" {
        /// What it recorded.
        seen: Observation,
    }
    /// A person signed in at a terminal (N3).
    SessionStarted = "A501" "audit-session-started" {
        /// Number of the session.
        session: u64,
        /// The terminal.
        at: HostRef,
        /// Who.
        person: Person,
        /// SHA-256 of the terminal's device certificate.
        device: Digest,
        /// When it ends at the latest.
        until: Timestamp,
    }
    /// A sign-in was refused, with all reasons.
    SignInRefused = "A502" "audit-sign-in-refused" {
        /// The terminal.
        at: HostRef,
        /// Who, as far as the card could be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<Person>,
        /// Every reason.
        reasons: Vec<ReasonRecord>,
    }
    /// A session ended; the lines opened in it end with it.
    SessionEnded = "A503" "audit-session-ended" {
        /// Number of the session.
        session: u64,
        /// The terminal.
        at: HostRef,
        /// Why.
        cause: CloseCause,
    }
    /// The provider was asked to agree to a line (N8).
    ApprovalAsked = "A504" "audit-approval-asked" {
        /// Number of the question.
        approval: u64,
        /// The terminal.
        from: HostRef,
        /// The service.
        service: ServiceId,
        /// Who asks.
        person: Person,
        /// Until when an answer is waited for.
        until: Timestamp,
    }
    /// Somebody at the provider answered, or nobody did in time.
    ApprovalAnswered = "A505" "audit-approval-answered" {
        /// Number of the question.
        approval: u64,
        /// The terminal.
        from: HostRef,
        /// The service.
        service: ServiceId,
        /// What the answer is.
        answer: ApprovalAnswer,
        /// Who answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<Person>,
        /// Where they sat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<HostRef>,
    }
    /// Somebody who may not agree tried to.
    ApprovalDenied = "A506" "audit-approval-denied" {
        /// Number of the question.
        approval: u64,
        /// Where they sat.
        at: HostRef,
        /// Who.
        person: Person,
        /// Every reason.
        reasons: Vec<ReasonRecord>,
    }
    /// An operator cut what a line, a person, a device, a site or an agreement has open (G14).
    CutOrdered = "A507" "audit-cut-ordered" {
        /// Account of the operator.
        operator: String,
        /// What was named, e.g. `device clinic/exam-1`.
        what: String,
        /// Grants that end by it.
        grants: Vec<GrantId>,
        /// Sessions that end by it.
        sessions: Vec<u64>,
    }
}

impl Event {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        self.kind().code
    }

    /// Evidence of a point.
    pub fn evidence(point: Point, seen: Observation) -> Self {
        match point {
            Point::Source => Self::EvidenceSource { seen },
            Point::AccessPoint => Self::EvidenceAccessPoint { seen },
            Point::Destination => Self::EvidenceDestination { seen },
        }
    }

    /// The observation, if it is evidence.
    pub fn observation(&self) -> Option<(Point, &Observation)> {
        match self {
            Self::EvidenceSource { seen } => Some((Point::Source, seen)),
            Self::EvidenceAccessPoint { seen } => Some((Point::AccessPoint, seen)),
            Self::EvidenceDestination { seen } => Some((Point::Destination, seen)),
            _ => None,
        }
    }

    /// The grant it is about, if it is about one.
    pub fn grant(&self) -> Option<GrantId> {
        match self {
            Self::PlanRefused { grant, .. } => *grant,
            Self::ConnectionPermitted { grant, .. }
            | Self::ConnectionOpening { grant, .. }
            | Self::ConnectionOpen { grant }
            | Self::ConnectionClosing { grant, .. }
            | Self::ConnectionClosed { grant }
            | Self::ConnectionRenewed { grant, .. }
            | Self::ConnectionFailed { grant, .. } => Some(*grant),
            Self::EvidenceSource { seen } | Self::EvidenceAccessPoint { seen } | Self::EvidenceDestination { seen } => {
                Some(seen.grant)
            }
            Self::LogStarted { .. }
            | Self::CenterStarted { .. }
            | Self::CenterStopped { .. }
            | Self::LogVerified { .. }
            | Self::EvidenceHandled { .. }
            | Self::OperatorAction { .. }
            | Self::NetworkApplied { .. }
            | Self::NetworkRefused { .. }
            | Self::ConnectionRequested { .. }
            | Self::ConnectionDenied { .. }
            | Self::GateJoined { .. }
            | Self::GateLeft { .. }
            | Self::GateRefused { .. }
            | Self::OrderRefused { .. }
            | Self::GateConverged { .. }
            | Self::PacketRefused { .. }
            | Self::ForeignRule { .. }
            | Self::SessionStarted { .. }
            | Self::SignInRefused { .. }
            | Self::SessionEnded { .. }
            | Self::ApprovalAsked { .. }
            | Self::ApprovalAnswered { .. }
            | Self::ApprovalDenied { .. }
            | Self::CutOrdered { .. } => None,
        }
    }

    /// In whose sections what it reports happened, without repetition (N12); empty if it reports no fault or refusal.
    pub fn sections(&self) -> Vec<Section> {
        match self {
            Self::ConnectionDenied { reasons, .. }
            | Self::GateRefused { reasons, .. }
            | Self::SignInRefused { reasons, .. }
            | Self::ApprovalDenied { reasons, .. }
            | Self::PacketRefused { reasons, .. } => {
                let mut sections: Vec<_> = reasons.iter().map(|r| r.section).collect();
                sections.sort();
                sections.dedup();
                sections
            }
            Self::PlanRefused { section, .. }
            | Self::ConnectionFailed { section, .. }
            | Self::GateLeft { section, .. }
            | Self::OrderRefused { section, .. } => vec![*section],
            // Who must agree and does not, or does not answer, is the provider.
            Self::ApprovalAnswered { answer: ApprovalAnswer::Refused | ApprovalAnswer::Expired, .. } => {
                vec![Section::Peer]
            }
            Self::ConnectionClosing { cause, .. } => cause.section().into_iter().collect(),
            // Whoever can write to the switch stands in the house.
            Self::ForeignRule { .. } => vec![Section::InHouseLan],
            Self::NetworkRefused { .. } | Self::LogVerified { fault: Some(_), .. } => vec![Section::Operator],
            _ => Vec::new(),
        }
    }

    /// Values of its text: every field as one line of text, nested ones in canonical JSON.
    pub fn args(&self) -> Vec<(String, String)> {
        let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(self) else { return Vec::new() };
        fields
            .into_iter()
            .filter(|(name, _)| name != "code")
            .map(|(name, value)| match value {
                serde_json::Value::String(text) => (name, text),
                other => (name, other.to_string()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
