//! What can be wrong with documents, as values: who reads it reads it in words of their language (X5), so this crate has
//! none. The words are in core/texts, under [`DocumentFault::key`] and the same with `-do`.

use std::fmt;

/// A value a fault mentions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultValue {
    /// An id, an address, the name of a field: the same in every language.
    Text(String),
    /// A number.
    Number(i64),
    /// Several texts.
    List(Vec<String>),
    /// The key of a word.
    Key(String),
}

/// What a value should look like, or what kind of value it is; the word is `document-shape-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape(pub(crate) &'static str);

impl Shape {
    /// Every shape.
    pub const ALL: &'static [Self] = &[
        Self::TEXT,
        Self::NUMBER,
        Self::FRACTION,
        Self::YES_OR_NO,
        Self::DATE,
        Self::LIST,
        Self::TABLE,
        Self::NAME,
        Self::HOST_REF,
        Self::SERVICE,
        Self::AGREEMENT,
        Self::MAC,
        Self::DPID,
        Self::PORT,
        Self::ADDRESS,
        Self::PREFIX,
        Self::NEVER,
        Self::PART,
        Self::WINDOW,
        Self::TIME,
        Self::SMALL_NUMBER,
        Self::CHECK_ITEM,
        Self::SOCKET,
        Self::HTTP,
        Self::OTHER,
    ];
    pub(crate) const TEXT: Self = Self("text");
    pub(crate) const NUMBER: Self = Self("number");
    pub(crate) const FRACTION: Self = Self("fraction");
    pub(crate) const YES_OR_NO: Self = Self("yes-or-no");
    pub(crate) const DATE: Self = Self("date");
    pub(crate) const LIST: Self = Self("list");
    pub(crate) const TABLE: Self = Self("table");
    pub(crate) const NAME: Self = Self("name");
    pub(crate) const HOST_REF: Self = Self("host-ref");
    pub(crate) const SERVICE: Self = Self("service");
    pub(crate) const AGREEMENT: Self = Self("agreement");
    pub(crate) const MAC: Self = Self("mac");
    pub(crate) const DPID: Self = Self("dpid");
    pub(crate) const PORT: Self = Self("port");
    pub(crate) const ADDRESS: Self = Self("address");
    pub(crate) const PREFIX: Self = Self("prefix");
    pub(crate) const NEVER: Self = Self("never");
    pub(crate) const PART: Self = Self("part");
    pub(crate) const WINDOW: Self = Self("window");
    pub(crate) const TIME: Self = Self("time");
    pub(crate) const SMALL_NUMBER: Self = Self("small-number");
    pub(crate) const CHECK_ITEM: Self = Self("check-item");
    pub(crate) const SOCKET: Self = Self("socket");
    pub(crate) const HTTP: Self = Self("http");
    pub(crate) const OTHER: Self = Self("other");

    /// Key of its word.
    pub fn key(self) -> String {
        format!("document-shape-{}", self.0)
    }
}

impl From<String> for FaultValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<&'static str> for FaultValue {
    fn from(text: &'static str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<i64> for FaultValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}
impl From<Vec<String>> for FaultValue {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts)
    }
}
impl From<Shape> for FaultValue {
    fn from(shape: Shape) -> Self {
        Self::Key(shape.key())
    }
}
impl From<crate::Zone> for FaultValue {
    fn from(zone: crate::Zone) -> Self {
        Self::Key(format!("zone-{zone}"))
    }
}

impl fmt::Display for FaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Key(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::List(items) => f.write_str(&items.join(",")),
        }
    }
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal { $($field:ident: $type:ty),* })+) => {
        /// What is wrong with a document, or with documents that do not fit together. Keys are stable.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum DocumentFault {
            $($(#[doc = $doc])+ $name { $($field: $type),* },)+
        }

        impl DocumentFault {
            /// Key of every fault, with the names of its values; the fault's place comes to them.
            pub const ALL: &'static [(&'static str, &'static [&'static str])] =
                &[$((concat!("document-", $key), &[$(stringify!($field)),*]),)+];

            /// Key of the text; what to do is this with `-do`.
            pub fn key(&self) -> &'static str {
                match self { $(Self::$name { .. } => concat!("document-", $key),)+ }
            }

            /// Values the texts mention, by name.
            pub fn values(&self) -> Vec<(&'static str, FaultValue)> {
                match self {
                    $(Self::$name { $($field),* } => vec![$((stringify!($field), FaultValue::from($field.clone()))),*],)+
                }
            }
        }
    };
}

faults! {
    /// The text is no TOML. `kind` is a word that the text knows, `detail` what the reader of TOML says itself.
    Syntax = "syntax" { kind: &'static str, detail: String }
    /// There is no such field here.
    UnknownField = "unknown-field" { field: String, expected: Vec<String> }
    /// Only certain words may stand here.
    UnknownWord = "unknown-word" { field: String, found: String, expected: Vec<String> }
    /// A field is missing.
    MissingField = "missing-field" { field: String }
    /// A text where a number belongs, and the like.
    WrongType = "wrong-type" { field: String, found: Shape, expected: Shape }
    /// The right type, but not a value of that shape.
    WrongShape = "wrong-shape" { field: String, found: String, expected: Shape }
    /// Anything else that cannot be read.
    Unreadable = "unreadable" { field: String, detail: String }
    /// The file is not as `sekisho export` wrote it.
    ExportUnreadable = "export-unreadable" { detail: String }
    /// The file is of another version.
    ExportVersion = "export-version" { found: i64, reads: i64 }
    /// The file was changed after it was exported.
    ExportChanged = "export-changed" {}
    /// The file holds what no document could say.
    ExportUnsayable = "export-unsayable" { part: String }
    /// Parts of a site without one.
    NoSite = "no-site" {}
    /// `[site]` and `[institution]` name two institutions.
    TwoInstitutions = "two-institutions" { named: String, institution: String }
    /// Whose the site is stands nowhere.
    NoInstitution = "no-institution" { site: String }
    /// A site without its gateway.
    NoGateway = "no-gateway" { site: String }
    /// A site without its switch.
    NoSwitch = "no-switch" { site: String }
    /// A site with more than one switch.
    SeveralSwitches = "several-switches" { site: String }
    /// Two segments or hosts of one id; `kind` says which.
    DescribedTwice = "described-twice" { kind: &'static str, id: String }
    /// More promises than ids.
    TooManyNevers = "too-many-nevers" {}
    /// Two promises of one id.
    NeverTwice = "never-twice" { id: String }
    /// A promise about what is not the site's.
    NeverOutside = "never-outside" { from: String, to: String, site: String }
    /// A promise without its reason.
    NeverUnreasoned = "never-unreasoned" {}
    /// Ports that are none, repeated or 0.
    Ports = "ports" {}
    /// Nobody may.
    NoRole = "no-role" {}
    /// From nowhere.
    NoTerminal = "no-terminal" {}
    /// The provider is not who offers the service.
    OtherProvider = "other-provider" { service: String, provider: String }
    /// An agreement of one with themselves.
    OneParty = "one-party" { institution: String }
    /// An agreement that ends before it begins.
    AgreementEndsFirst = "agreement-ends-first" {}
    /// The warning is as long as the lease, or longer.
    WarnsTooEarly = "warns-too-early" { seconds: i64 }
    /// Exclusive in a group, and giving way in one.
    ExclusiveAndShares = "exclusive-and-shares" {}
    /// A length of time in minutes and in seconds; `what` is the field without its unit.
    TimeTwice = "time-twice" { what: &'static str }
    /// A length of time out of bounds.
    TimeOutOfBounds = "time-out-of-bounds" { what: &'static str, seconds: i64 }
    /// A booked window that ends before it begins.
    BookingEndsFirst = "booking-ends-first" { until: String }
    /// The same word twice in a list.
    NamedTwice = "named-twice" { field: &'static str }
    /// Two documents describe one site.
    SiteTwice = "site-twice" {}
    /// Two services of one id.
    ServiceTwice = "service-twice" {}
    /// The host that serves it is not described.
    ServiceHostUnknown = "service-host-unknown" { host: String }
    /// An agreement about no service.
    AgreementServiceUnknown = "agreement-service-unknown" { service: String }
    /// An agreement of nobody.
    ConsumerUnknown = "consumer-unknown" { institution: String }
    /// A site of nobody.
    InstitutionUnknown = "institution-unknown" { institution: String }
    /// A site without a line.
    NoLine = "no-line" {}
    /// The gateway hangs on a switch that the site does not have.
    UplinkElsewhere = "uplink-elsewhere" { switch: String, own: String }
    /// A segment in a zone that the site's model does not have (G9).
    ZoneNotOfModel = "zone-not-of-model" { zone: crate::Zone }
    /// A VLAN id out of bounds.
    NoSuchVlan = "no-such-vlan" { vlan: i64 }
    /// Two segments in one VLAN.
    VlanTaken = "vlan-taken" { vlan: i64, other: String }
    /// The gateway's address is not in the segment.
    GatewayOutside = "gateway-outside" {}
    /// Link-local or multicast.
    NotRouted = "not-routed" { prefix: String }
    /// A host in no segment.
    SegmentUnknown = "segment-unknown" { segment: String }
    /// A host's address is not in its segment.
    AddressOutside = "address-outside" { address: String, segment: String, prefix: String }
    /// A host with the gateway's address.
    AddressOfGateway = "address-of-gateway" { address: String }
    /// A host's address lies in segments of two zones (G8).
    TwoZones = "two-zones" { one: crate::Zone, other: crate::Zone }
    /// A host on a switch that the site does not have.
    SwitchUnknown = "switch-unknown" { switch: String, own: String }
    /// A host on the gateway's port.
    PortOfGateway = "port-of-gateway" { port: String }
    /// A host with the gateway's MAC.
    MacOfGateway = "mac-of-gateway" { mac: String }
    /// Two hosts with one port, MAC or address; `what` says which (G16).
    HostsAlike = "hosts-alike" { what: &'static str, other: String }
    /// A rule names a host that the site does not have.
    HostUnknown = "host-unknown" { host: String }
    /// A rule lets people sit at what is no terminal.
    NotATerminal = "not-a-terminal" { host: String }
    /// IPv4 here, IPv6 there.
    TwoFamilies = "two-families" { from: String, to: String }
    /// A wish of transit names a host that no site has.
    TransitHostUnknown = "transit-host-unknown" { host: String }
    /// A promise about what is not described.
    PartUnknown = "part-unknown" { part: String }
    /// Two segments overlap.
    Overlap = "overlap" { prefix: String, other: String, of: String }
    /// Two switches with one datapath id.
    DpidTaken = "dpid-taken" { dpid: String, other: String }
    /// Two gateways with one name in IKE.
    IkeIdentityTaken = "ike-identity-taken" { identity: String, other: String }
    /// Two lines with one address.
    LineAddressTaken = "line-address-taken" { address: String, other: String }
    /// The checksheet names another site than the document describes.
    ChecksheetElsewhere = "checksheet-elsewhere" { named: String, site: String }
    /// A checksheet of no site.
    ChecksheetSiteUnknown = "checksheet-site-unknown" { site: String }
    /// An answer that nobody gave.
    AnswerOfNobody = "answer-of-nobody" {}
    /// Something does not apply, and nothing says why.
    AnswerUnreasoned = "answer-unreasoned" {}
    /// Institutions send agreements, and nothing else (G12).
    NotAgreementsAlone = "not-agreements-alone" {}
    /// An agreement that somebody sends bears a signature (G12).
    NobodySigned = "nobody-signed" {}
}

/// For programmers: the key, then the values. People are told in their language, by core/texts.
impl fmt::Display for DocumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key().trim_start_matches("document-"))?;
        self.values().into_iter().try_for_each(|(name, value)| write!(f, " {name}=`{value}`"))
    }
}

/// What a site has alone in the whole network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clash {
    /// Addresses of a segment.
    Prefix,
    /// Datapath id of its switch.
    Dpid,
    /// Name of its gateway in IKE.
    IkeIdentity,
    /// Address of a line.
    LineAddress,
}

impl Clash {
    /// Stable name, also of its case in the text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Dpid => "dpid",
            Self::IkeIdentity => "ike-identity",
            Self::LineAddress => "line-address",
        }
    }
}

impl DocumentFault {
    /// What two sites cannot both have, if that is what is wrong.
    pub fn clash(&self) -> Option<Clash> {
        match self {
            Self::Overlap { .. } => Some(Clash::Prefix),
            Self::DpidTaken { .. } => Some(Clash::Dpid),
            Self::IkeIdentityTaken { .. } => Some(Clash::IkeIdentity),
            Self::LineAddressTaken { .. } => Some(Clash::LineAddress),
            _ => None,
        }
    }
}
