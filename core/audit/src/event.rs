//! The catalogue: every event, declared once; the type, its table and its documents come from here.
//!
//! Codes are stable for ever: a code is never reused, a field is only ever added, and an added field is optional and
//! left out when absent, so that entries written before it keep their canonical text.

use model::{AgreementId, Generation, GrantId, HostRef, PlanCause, Protocol, Section, ServiceId, SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::{
    ApprovalAnswer, CloseCause, CustodyAction, Digest, ForeignChange, Observation, Person, ReasonRecord, SiteGeneration,
};

mod about;
mod kind;

pub use kind::{Field, Kind};

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
        /// Where something is wrong and what, by name.
        faults: Vec<String>,
        /// The same with its values, to be told again in the reader's language.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<ReasonRecord>,
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
    /// Everything that is applied was taken out (N10).
    NetworkExported = "A104" "audit-network-exported" {
        /// Account of the operator.
        operator: String,
        /// SHA-256 of the whole network, as when it was applied.
        digest: Digest,
    }
    /// A file was taken in after a trial showed what it changes (N10); the event beside it says what it changed.
    NetworkImported = "A105" "audit-network-imported" {
        /// Account of the operator.
        operator: String,
        /// SHA-256 of the file.
        file: Digest,
    }
    /// What was held is not what this version makes of documents and live grants: planned anew, and proved (X1, X4).
    StatesPlannedAnew = "A106" "audit-states-planned-anew" {
        /// Sites it changed.
        sites: Vec<SiteGeneration>,
        /// Flow rules that were held and are wanted no more.
        removed: u64,
        /// Flow rules that are wanted and were not held.
        added: u64,
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
    /// Somebody gave a mail address to apply with (利用仮申請, R2).
    ApplicationBegun = "A601" "audit-application-begun" {
        /// Number of the application.
        application: i64,
    }
    /// A full application came in (利用本申請, R3).
    ApplicationSubmitted = "A602" "audit-application-submitted" {
        /// Number of the application.
        application: i64,
        /// Number of the institution; absent if it is not in the directory.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        institution: Option<i64>,
    }
    /// An operator called the institution (R4).
    ApplicationCalled = "A603" "audit-application-called" {
        /// Number of the application.
        application: i64,
        /// Account of the operator.
        operator: String,
        /// What came of it.
        outcome: String,
    }
    /// An operator settled which institution of the directory it is (R3).
    ApplicationSettled = "A604" "audit-application-settled" {
        /// Number of the application.
        application: i64,
        /// Account of the operator.
        operator: String,
        /// Number of the institution.
        institution: i64,
    }
    /// An operator approved an application (R4).
    ApplicationApproved = "A605" "audit-application-approved" {
        /// Number of the application.
        application: i64,
        /// Account of the operator.
        operator: String,
        /// The account made; absent if a second approval is waited for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    }
    /// An operator rejected an application (R4). The reason is in the application.
    ApplicationRejected = "A606" "audit-application-rejected" {
        /// Number of the application.
        application: i64,
        /// Account of the operator.
        operator: String,
    }
    /// The link of an application ended unused, or a newer one replaced it.
    ApplicationLapsed = "A607" "audit-application-lapsed" {
        /// Number of the application.
        application: i64,
    }
    /// An account was made (R5, R11).
    AccountAdded = "A611" "audit-account-added" {
        /// User ID.
        user: String,
        /// Its institution.
        institution: i64,
        /// Who made it: an operator's account or a user ID.
        by: String,
        /// What its owner is there.
        role: String,
    }
    /// Somebody signed in to the portal (R8).
    PortalSignedIn = "A612" "audit-portal-signed-in" {
        /// User ID.
        user: String,
        /// With a second factor?
        second_factor: bool,
    }
    /// A sign-in to an account was refused (R5).
    PortalSignInRefused = "A613" "audit-portal-sign-in-refused" {
        /// User ID.
        user: String,
        /// Why, as a word: `password`, `locked`, `second-factor`, `second-factor-copied`, `suspended`, `initial-over`.
        why: String,
    }
    /// Wrong passwords locked an account (R5).
    AccountLocked = "A614" "audit-account-locked" {
        /// User ID.
        user: String,
        /// Until when; absent if a person must unlock it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    }
    /// Somebody signed out of the portal (R8).
    PortalSignedOut = "A615" "audit-portal-signed-out" {
        /// User ID.
        user: String,
    }
    /// The owner of an account chose a password (R5).
    PasswordChosen = "A616" "audit-password-chosen" {
        /// User ID.
        user: String,
        /// Instead of an initial one?
        initial: bool,
    }
    /// A VPN password was made and shown, once (R6).
    VpnPasswordShown = "A617" "audit-vpn-password-shown" {
        /// User ID.
        user: String,
    }
    /// An account got a new initial password (R5).
    AccountReset = "A618" "audit-account-reset" {
        /// User ID.
        user: String,
        /// Who did it: an operator's account or a user ID.
        by: String,
    }
    /// An account was unlocked, suspended, resumed or removed (R5, R11).
    AccountChanged = "A619" "audit-account-changed" {
        /// User ID.
        user: String,
        /// Who did it: an operator's account or a user ID.
        by: String,
        /// What: `unlocked`, `suspended`, `resumed`, `removed`.
        what: String,
    }
    /// A second factor of an account was added or taken away.
    SecondFactorChanged = "A620" "audit-second-factor-changed" {
        /// User ID.
        user: String,
        /// Which: `totp`, `card`, `recovery-code` (used up), `recovery-codes` (new ones), `all`.
        factor: String,
        /// Added, or taken away?
        added: bool,
    }
    /// An institution applied for a service (R9).
    ServiceApplied = "A621" "audit-service-applied" {
        /// Number of the application.
        application: i64,
        /// User ID of who did it.
        user: String,
        /// The service.
        service: String,
    }
    /// An application for a service was approved (R9).
    ServiceApproved = "A622" "audit-service-approved" {
        /// Number of the application.
        application: i64,
        /// Account of the operator.
        operator: String,
    }
    /// An application for a service was cancelled (R9).
    ServiceCancelled = "A623" "audit-service-cancelled" {
        /// Number of the application.
        application: i64,
        /// Who did it: an operator's account or a user ID.
        by: String,
    }
    /// A notice was published, or taken back (R8).
    NoticePublished = "A624" "audit-notice-published" {
        /// Number of the notice.
        notice: i64,
        /// Account of the operator.
        operator: String,
        /// Taken back?
        withdrawn: bool,
    }
    /// The directory of institutions was changed (R3).
    DirectoryChanged = "A625" "audit-directory-changed" {
        /// Account of the operator.
        operator: String,
        /// Institutions put in or changed.
        count: u64,
    }
    /// A mail server took a letter; its one-time URL was wiped.
    LetterSent = "A626" "audit-letter-sent" {
        /// Left part of its Message-ID.
        letter: String,
        /// Which letter, e.g. `application-link`.
        kind: String,
    }
    /// A one-time code was given to a tool (R10).
    CodeGiven = "A627" "audit-code-given" {
        /// What it is for, e.g. `certificate`.
        purpose: String,
        /// Number of what it is about.
        about: i64,
    }
    /// A one-time code was used (R10).
    CodeUsed = "A628" "audit-code-used" {
        /// What it was for, e.g. `certificate`.
        purpose: String,
        /// Number of what it was about.
        about: i64,
    }
    /// Somebody joined the client VPN (R7).
    ClientVpnBegan = "A631" "audit-client-vpn-began" {
        /// VPN-ID.
        vpn: String,
        /// From where, outside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        /// Addresses inside, one after the other.
        inside: String,
        /// The machine that was proved; a hyphen if none was.
        machine: String,
    }
    /// Somebody is no longer in the client VPN (R7, G14).
    ClientVpnEnded = "A632" "audit-client-vpn-ended" {
        /// VPN-ID.
        vpn: String,
        /// Why, `E01` to `E08` of the client VPN.
        why: String,
    }
    /// Somebody was not let into the client VPN (R7).
    ClientVpnRefused = "A633" "audit-client-vpn-refused" {
        /// Why, `V01` to `V29`.
        cause: String,
        /// VPN-ID, if one was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vpn: Option<String>,
        /// From where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
    }
    /// An operator ended the lines of a VPN-ID (R7, G14).
    ClientVpnCut = "A634" "audit-client-vpn-cut" {
        /// VPN-ID.
        vpn: String,
        /// Account of the operator.
        operator: String,
    }
    /// An institution of the directory got its id in the network (G12).
    InstitutionNamed = "A641" "audit-institution-named" {
        /// Its number in the directory.
        institution: i64,
        /// Its id in the network.
        network: String,
        /// Who did it: an operator's account or a user ID.
        by: String,
    }
    /// A site was proposed (G12).
    SiteProposed = "A642" "audit-site-proposed" {
        /// Number of the proposal.
        draft: i64,
        /// Which.
        site: SiteId,
        /// Who did it: an operator's account or a user ID.
        by: String,
    }
    /// A proposed site was taken in, rejected or withdrawn (G12).
    SiteDecided = "A643" "audit-site-decided" {
        /// Number of the proposal.
        draft: i64,
        /// Which.
        site: SiteId,
        /// Who did it: an operator's account or a user ID.
        by: String,
        /// What: `registered`, `rejected`, `withdrawn`.
        decision: String,
    }
    /// A part of a site was registered or taken away through the portal (G12).
    SiteChanged = "A644" "audit-site-changed" {
        /// Which.
        site: SiteId,
        /// Who did it: an operator's account or a user ID.
        by: String,
        /// What, e.g. `host exam-1 added`.
        what: String,
    }
    /// An institution proposed an agreement to another (G12).
    AgreementProposed = "A645" "audit-agreement-proposed" {
        /// Which.
        agreement: AgreementId,
        /// Number of the institution in the directory.
        institution: i64,
        /// User ID of who did it.
        by: String,
    }
    /// A proposed agreement was rejected or withdrawn (G12).
    AgreementDecided = "A646" "audit-agreement-decided" {
        /// Which.
        agreement: AgreementId,
        /// User ID of who did it.
        by: String,
        /// What: `rejected`, `withdrawn`.
        decision: String,
    }
    /// Somebody made a token for a program.
    TokenGiven = "A647" "audit-token-given" {
        /// Number of the token.
        token: i64,
        /// User ID.
        user: String,
        /// What it may do.
        actions: Vec<String>,
        /// It ends then.
        until: Timestamp,
    }
    /// A token for a program was revoked.
    TokenRevoked = "A648" "audit-token-revoked" {
        /// Number of the token.
        token: i64,
        /// User ID of who did it.
        user: String,
    }
    /// A program did what the entries of the same moment tell, with a token of the account they name (R8).
    ProgramActed = "A649" "audit-program-acted" {
        /// Number of the token.
        token: i64,
        /// User ID of its owner.
        user: String,
    }
    /// A certificate may be fetched once with a code that was handed over (R10, G1).
    EnrolmentOffered = "A701" "audit-enrolment-offered" {
        /// The identity it will carry, e.g. `urn:sekisho:gate:clinic`.
        identity: String,
        /// Account of who offered it.
        operator: String,
        /// Until when.
        until: Timestamp,
    }
    /// A certificate was issued (R10, G1).
    CertificateIssued = "A702" "audit-certificate-issued" {
        /// The identity it carries.
        identity: String,
        /// Serial number, hexadecimal.
        serial: String,
        /// SHA-256 of the certificate.
        certificate: Digest,
        /// End of its validity.
        not_after: Timestamp,
        /// Serial number of the certificate that asked for it, if it is a renewal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        renews: Option<String>,
    }
    /// Somebody asked for a certificate and got none.
    EnrolmentRefused = "A703" "audit-enrolment-refused" {
        /// The identity that was asked for, as far as it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
        /// Stable code of the reason.
        reason: String,
        /// Where the question came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
    }
    /// A certificate was revoked.
    CertificateRevoked = "A704" "audit-certificate-revoked" {
        /// The identity it carries.
        identity: String,
        /// Serial number, hexadecimal.
        serial: String,
        /// Why, as RFC 5280 §5.3.1 names it.
        reason: String,
        /// Account of who revoked it.
        operator: String,
    }
    /// A revocation list was issued.
    RevocationListIssued = "A705" "audit-revocation-list-issued" {
        /// Of which kind of certificates.
        kind: String,
        /// Its number.
        number: u64,
        /// How many certificates are on it.
        revoked: u64,
        /// Until when it counts.
        next_update: Timestamp,
    }
    /// An institution signed an agreement (G12).
    AgreementSigned = "A711" "audit-agreement-signed" {
        /// Which.
        agreement: AgreementId,
        /// On which side: `consumer` or `provider`.
        side: String,
        /// The institution.
        institution: String,
        /// SHA-256 of the certificate it signed with.
        certificate: Digest,
        /// Both have signed now.
        complete: bool,
    }
    /// An upload of a report file was begun (R12).
    SubmissionBegun = "A721" "audit-submission-begun" {
        /// Number of the submission.
        submission: String,
        /// Institution it belongs to.
        institution: String,
        /// Account that began it.
        account: String,
        /// Bytes announced.
        length: u64,
    }
    /// Every byte of a report file has arrived; it waits to be scanned.
    SubmissionReceived = "A722" "audit-submission-received" {
        /// Number of the submission.
        submission: String,
    }
    /// A report file was found clean and is accepted; a receipt was signed.
    SubmissionAccepted = "A723" "audit-submission-accepted" {
        /// Number of the submission.
        submission: String,
        /// SHA-256 of its bytes.
        digest: Digest,
        /// SHA-256 of the signed receipt.
        receipt: Digest,
    }
    /// A report file was not accepted.
    SubmissionRefused = "A724" "audit-submission-refused" {
        /// Number of the submission.
        submission: String,
        /// SHA-256 of its bytes.
        digest: Digest,
        /// Why.
        reasons: Vec<ReasonRecord>,
    }
    /// A submission ended before it was accepted.
    SubmissionEnded = "A725" "audit-submission-ended" {
        /// Number of the submission.
        submission: String,
        /// `withdrawn` by its submitter, `expired` unfinished, or `repeated`: the same file was accepted before.
        how: String,
        /// The submission it repeats.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        same_as: Option<String>,
    }
    /// An operator fetched a part of an institution's receipt (R12).
    ReceiptOverseen = "A726" "audit-receipt-overseen" {
        /// Number of the submission.
        submission: String,
        /// Account of the operator.
        operator: String,
        /// `receipt.txt`, `receipt.sig` or `certificate.pem`.
        part: String,
    }
    /// A device was taken in on its maker's word, and given an id (G1).
    DeviceTakenIn = "A731" "audit-device-taken-in" {
        /// The id.
        device: String,
        /// Its maker, as verified.
        maker: String,
        /// Model.
        model: String,
        /// Serial number.
        serial: String,
        /// SHA-256 of the certificate the maker signed with.
        certificate: Digest,
        /// Account of who took it in.
        operator: String,
    }
    /// Something about a device was refused: a maker's statement, an answer, a report (G1).
    DeviceRefused = "A732" "audit-device-refused" {
        /// Stable codes of the reasons.
        reasons: Vec<String>,
        /// Account of who brought it; empty if a device did.
        operator: String,
    }
    /// A device fetched its first-tier certificate and showed its element's provisional key (G1).
    ElementProved = "A733" "audit-element-proved" {
        /// The device.
        device: String,
        /// Serial number of the element.
        element: String,
    }
    /// A device stands at a site, or at none any more (G1).
    DeviceBound = "A734" "audit-device-bound" {
        /// The device.
        device: String,
        /// The site.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<SiteId>,
        /// Account of who said so.
        operator: String,
    }
    /// A person answered a row of the equipment-security table for a device (G1).
    DeviceAnswered = "A735" "audit-device-answered" {
        /// The device.
        device: String,
        /// Number of the row.
        row: u8,
        /// What the answer rests on.
        evidence: String,
        /// Account of who answered.
        operator: String,
    }
    /// A device said what it holds, signed with its first-tier key (G1).
    DeviceReported = "A736" "audit-device-reported" {
        /// The device.
        device: String,
        /// What holds.
        facts: Vec<String>,
    }
    /// A gate certificate goes to a device that showed its first-tier certificate (G1).
    DeviceVouched = "A737" "audit-device-vouched" {
        /// The device.
        device: String,
        /// Serial number of the gate certificate.
        serial: String,
    }
    /// A device was revoked; its certificates end with it (G1).
    DeviceRevoked = "A738" "audit-device-revoked" {
        /// The device.
        device: String,
        /// Why, as RFC 5280 §5.3.1 names it.
        reason: String,
        /// Account of who revoked it.
        operator: String,
    }
    /// Every certificate of a revoked device is ended (G1).
    DeviceEnded = "A739" "audit-device-ended" {
        /// The device.
        device: String,
        /// How many certificates were ended with it.
        certificates: u64,
    }
}

#[cfg(test)]
mod tests;
