//! What exactly is wrong, in one line: the narrow cause under an invariant.

use std::fmt;

macro_rules! faults {
    ($($name:ident = $word:literal, $statement:literal;)*) => {
        /// What exactly is wrong. The invariant says which promise breaks, the fault says by what.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $(#[doc = $statement] $name,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Fluent key of its sentence.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => concat!("verify-fault-", $word),)* }
            }
            /// The sentence in English, for logs.
            pub fn statement(self) -> &'static str {
                match self { $(Self::$name => $statement,)* }
            }
        }
    };
}

faults! {
    DeltaMisfit = "delta-misfit", "the change does not fit the state it should start from";
    UnknownSite = "unknown-site", "the change is for a site nothing is known of and brings no facts";
    SiteKey = "site-key", "a change or state is filed under another site's name";
    SiteSwapped = "site-swapped", "the new facts are about another site";

    HostOffSegment = "host-off-segment", "a host is in no segment, or its address is outside its segment";
    HostTwice = "host-twice", "two hosts, or a host and the gateway, share a port, a MAC or an address";
    HostOffSwitch = "host-off-switch", "a host or the uplink hangs on a switch the site does not have";
    ZoneNotOfModel = "zone-not-of-model", "the site's model has no such zone";
    PrefixOverlap = "prefix-overlap", "two prefixes overlap";
    GatewayOffSegment = "gateway-off-segment", "the gateway's address is outside its segment";
    NoLine = "no-line", "the site has no line, or a line's address lies inside the house";
    PeerIsSelf = "peer-is-self", "the site is listed as its own peer";
    PeerDisagrees = "peer-disagrees", "what a site knows of its peer is not what the peer says of itself";
    InHouseUnknownHost = "in-house-unknown-host", "an in-house rule names a host the site does not have, or no port";

    UnknownSwitch = "unknown-switch", "the rule stands on a switch the site does not have";
    Prerequisite = "prerequisite", "the match needs a field it does not have (OpenFlow 1.3.5 §7.2.3.8)";
    StrayBits = "stray-bits", "a masked match wants bits its mask hides";
    ForeignOwner = "foreign-owner", "the owner has no business in this table";
    ActionNotHere = "action-not-here", "the table may not do this";
    StepBack = "step-back", "the next table is not the one that follows";
    AfterLeaving = "after-leaving", "something follows the step to the next table";
    ForeignZone = "foreign-zone", "not the conntrack zone of the pipeline";
    EqualMatch = "equal-match", "another rule has the same table, priority and match";
    RefusalAllows = "refusal-allows", "a refusal's rule has actions";

    Uncovered = "uncovered", "nothing permits this packet";
    WiderThanGrant = "wider-than-grant", "the path is wider than the grant it serves";
    WiderThanInHouse = "wider-than-in-house", "the path is wider than the in-house rule it serves";
    WrongEntry = "wrong-entry", "the packet enters at a port its sender is not behind";
    WrongExit = "wrong-exit", "the packet leaves at a port its receiver is not behind";
    WrongMac = "wrong-mac", "the packet leaves with a MAC that is not the receiver's or the gateway's";
    UnboundPort = "unbound-port", "the admission is not bound to a registered port";
    UnboundMac = "unbound-mac", "the admission is not bound to the registered MAC";
    UnboundAddress = "unbound-address", "the admission is not bound to the registered address";
    WrongTag = "wrong-tag", "the tag is not that of the host's zone";

    ZoneDenied = "zone-denied", "the zone matrix denies it";
    ZoneNeedsProxy = "zone-needs-proxy", "the zone matrix allows it through a proxy only, and neither host is one";

    UplinkToUplink = "uplink-to-uplink", "what came from a tunnel would go back into one";
    RelayEntities = "relay-entities", "the site and the two others are not one legal entity";
    RelayWish = "relay-wish", "the site has no such transit wish, or a narrower one";
    UnknownPeer = "unknown-peer", "the peer is not known to the site";
    AddressNotOfPeer = "address-not-of-peer", "the address does not belong to the peer";

    BeginsFromDestination = "begins-from-destination", "the destination's side could begin a connection";
    RemembersAnswer = "remembers-answer", "a connection would be remembered that the origin did not begin";
    ToGateShared = "to-gate-shared", "the rule names no port, so the first packets of several would share a meter";
    ToGateNotTerminal = "to-gate-not-terminal", "the packet comes from a port without a terminal";
    ToGateNotFirst = "to-gate-not-first", "the packet need not be the first of a connection";
    ToGateBeginsNothing = "to-gate-begins-nothing", "the packet need be no SYN, nor UDP, nor ICMP: it begins nothing (RFC 9293 §3.5)";

    GrantKey = "grant-key", "the grant is filed under another number, or its number does not fit a cookie";
    GrantEnds = "grant-ends", "the grant has not exactly one end at this site, or both hosts are one";
    GrantHost = "grant-host", "the grant's host is not registered with this address and zone";
    GrantEntity = "grant-entity", "the grant names another legal entity than its site or service";
    GrantPorts = "grant-ports", "the grant's ports are none, zero, unsorted or repeated";
    GrantLease = "grant-lease", "the lease ends before it begins";
    GrantDiffers = "grant-differs", "the grant is not the same at its two ends";

    SelectorWide = "selector-wide", "a selector is wider than the grant";
    SelectorNarrow = "selector-narrow", "a selector is narrower than the grant";
    PeerNotOfGrant = "peer-not-of-grant", "the tunnel leads to another site than the grant";
    TunnelTwice = "tunnel-twice", "the grant has two tunnels here";
    WrongInitiator = "wrong-initiator", "not exactly one end would initiate";
    NotMirrored = "not-mirrored", "the two ends' selectors do not mirror each other";

    FilterWide = "filter-wide", "the filter is wider than what it serves";
    FilterOwner = "filter-owner", "only grants and transit wishes may own filters";
    FilterSides = "filter-sides", "the filter joins sides that its owner does not join";

    NoFirstPackets = "no-first-packets", "no flow rules carry the first packets of the grant";
    NoLaterPackets = "no-later-packets", "no flow rules carry the later packets of the grant";
    NoAnswers = "no-answers", "no flow rules carry the answers of the grant";
    NoTunnel = "no-tunnel", "the grant has no tunnel here";
    NoFilter = "no-filter", "the grant lacks a filter here";
    OtherEndMissing = "other-end-missing", "the grant is not live at its other end";
    OtherEndRemains = "other-end-remains", "the grant ends here but stays live at its other end";
    GrantNotLive = "grant-not-live", "it belongs to a grant that is not live here";
    WishNotThere = "wish-not-there", "it belongs to a rule the site's document does not have";
    VpnInHouse = "vpn-in-house", "a grant's packet would stay inside the house";
    InHouseInVpn = "in-house-in-vpn", "an in-house rule would take packets of a tunnel";
    ClearText = "clear-text", "the packet leaves toward the gateway and no tunnel takes it";
    SiteForbids = "site-forbids", "a site's own document says that this never begins";
    ArpPassedOn = "arp-passed-on", "a question for an address would be passed on";
    ArpLie = "arp-lie", "the answer is not a registered binding";
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.statement())
    }
}
