//! What the lemmas speak of, each field a term at its full width: packets, rules, hosts, grants, wishes, filters,
//! tunnels. An address is its family and 128 bits; IPv4 stands in the lowest 32, under 96 zeros.

use model::{Beginning, Cookie, CookieOwner, EtherType, GrantId, Protocol};

use crate::term::{Term, all, any, bits, flag, ones, word};

/// Widths in bits: OpenFlow 1.3.5 §7.2.3.7, ovs-fields(7).
pub const PORT_NO: u32 = 32;
pub const TAG: u32 = 32;
pub const MAC: u32 = 48;
pub const ETH_TYPE: u32 = 16;
pub const ADDRESS: u32 = 128;
pub const PROTOCOL: u32 = 8;
pub const PORT: u32 = 16;
pub const CT: u32 = 8;
pub const NUMBER: u32 = 48;

/// What becomes of a packet after a rule's other actions.
pub const DROP: u8 = 0;
pub const GOTO: u8 = 1;
pub const TRACK: u8 = 2;
pub const OUTPUT: u8 = 3;
pub const TO_GATE: u8 = 4;
pub const ARP_REPLY: u8 = 5;

/// A kind of packet that can begin something; 0 is no such kind.
pub const BEGINNING: u32 = 8;
pub fn beginning(b: Beginning) -> u8 {
    match b {
        Beginning::Syn => 1,
        Beginning::Icmp => 2,
    }
}

/// A value that may be absent.
#[derive(Debug, Clone)]
pub struct Maybe {
    pub has: Term,
    pub value: Term,
}

/// A value under a mask.
#[derive(Debug, Clone)]
pub struct Cube {
    pub has: Term,
    pub value: Term,
    pub mask: Term,
}

#[derive(Debug, Clone)]
pub struct Address {
    pub v6: Term,
    pub value: Term,
}

/// A prefix; its value may have bits the mask does not count, as `ipnet` lets it.
#[derive(Debug, Clone)]
pub struct Net {
    pub has: Term,
    pub at: Address,
    pub mask: Term,
}

impl Maybe {
    pub fn new(name: &str, width: u32) -> Self {
        Self { has: flag(format!("{name}.has")), value: word(name, width) }
    }
    pub fn is(&self, value: &Term) -> Term {
        &self.has & self.value.is(value)
    }
    /// Absent, or this.
    pub fn takes(&self, value: &Term) -> Term {
        self.has.implies(&self.value.is(value))
    }
}

impl Cube {
    pub fn new(name: &str, width: u32) -> Self {
        Self { has: flag(format!("{name}.has")), value: word(name, width), mask: word(format!("{name}.mask"), width) }
    }
    pub fn takes(&self, value: &Term) -> Term {
        self.has.implies(&value.fits(&self.value, &self.mask))
    }
    pub fn is(&self, value: u8, mask: u8) -> Term {
        &self.has & self.value.is_value(value) & self.mask.is_value(mask)
    }
    pub fn is_exact(&self) -> Term {
        &self.has & self.mask.is_value(ones(self.mask.width()))
    }
}

impl Address {
    pub fn new(name: &str) -> Self {
        Self { v6: flag(format!("{name}.v6")), value: word(name, ADDRESS) }
    }
    pub fn is(&self, other: &Self) -> Term {
        self.v6.is(&other.v6) & self.value.is(&other.value)
    }
    pub fn eth_type(&self) -> Term {
        let number = |e: EtherType| bits(ETH_TYPE, e.number());
        self.v6.choose(&number(EtherType::Ipv6), &number(EtherType::Ipv4))
    }
    pub fn well_formed(&self) -> Term {
        &self.v6 | (&self.value & &bits(ADDRESS, !ones(32))).is_value(0u8)
    }
}

impl Net {
    pub fn new(name: &str) -> Self {
        Self { has: flag(format!("{name}.has")), at: Address::new(name), mask: word(format!("{name}.mask"), ADDRESS) }
    }
    pub fn contains(&self, address: &Address) -> Term {
        self.at.v6.is(&address.v6) & ((&self.at.value ^ &address.value) & &self.mask).is_value(0u8)
    }
    pub fn takes(&self, address: &Address) -> Term {
        self.has.implies(&self.contains(address))
    }
    /// Exactly one address?
    pub fn is_single(&self) -> Term {
        &self.has & self.mask.is_value(u128::MAX)
    }
    pub fn is_host(&self, address: &Address) -> Term {
        self.is_single() & self.at.is(address)
    }
    /// The mask is ones, then zeros; an IPv4 mask counts all the zeros above.
    pub fn well_formed(&self) -> Term {
        let free = !&self.mask;
        let prefix = (&free & &free.plus(&bits(ADDRESS, 1u8))).is_value(0u8);
        let high = bits(ADDRESS, !ones(32));
        self.has.implies(&(prefix & self.at.well_formed() & (&self.at.v6 | (&self.mask & &high).is(&high))))
    }
}

/// A packet on the wire, and the state that connection tracking would report of it.
#[derive(Debug, Clone)]
pub struct Packet {
    pub in_port: Term,
    pub eth_src: Term,
    pub eth_dst: Term,
    pub eth_type: Term,
    pub source: Address,
    pub destination: Address,
    pub protocol: Term,
    pub tp_src: Term,
    pub tp_dst: Term,
    pub seen: Term,
    pub arp_op: Term,
    pub arp_spa: Term,
    pub arp_tpa: Term,
    pub arp_sha: Term,
    /// A SYN, ICMP, or neither.
    pub beginning: Term,
}

impl Packet {
    pub fn new(name: &str) -> Self {
        let w = |field: &str, width| word(format!("{name}.{field}"), width);
        let eth_type = w("eth_type", ETH_TYPE);
        let v6 = eth_type.is_value(EtherType::Ipv6.number());
        let address = |field: &str| Address { v6: v6.clone(), value: w(field, ADDRESS) };
        Self {
            in_port: w("in_port", PORT_NO),
            eth_src: w("eth_src", MAC),
            eth_dst: w("eth_dst", MAC),
            source: address("ip_src"),
            destination: address("ip_dst"),
            eth_type,
            protocol: w("protocol", PROTOCOL),
            tp_src: w("tp_src", PORT),
            tp_dst: w("tp_dst", PORT),
            seen: w("ct", CT),
            arp_op: w("arp_op", 16),
            arp_spa: w("arp_spa", 32),
            arp_tpa: w("arp_tpa", 32),
            arp_sha: w("arp_sha", MAC),
            beginning: w("beginning", BEGINNING),
        }
    }

    pub fn is_ip(&self) -> Term {
        self.eth_type.is_one_of([EtherType::Ipv4, EtherType::Ipv6].map(|e| e.number().into()))
    }

    /// IPv4 has 32 bits, what was tracked says so, a SYN is of TCP, and ICMP is neither TCP nor UDP.
    pub fn well_formed(&self) -> Term {
        let [tcp, udp] = [Protocol::Tcp, Protocol::Udp].map(|p| self.protocol.is_value(p.number()));
        let syn = self.begins(Beginning::Syn).implies(&tcp);
        let icmp = self.begins(Beginning::Icmp).implies(&!(tcp | udp));
        let addresses = self.source.well_formed() & self.destination.well_formed();
        all([addresses, self.seen.has_bits(model::CtMatch::TRK), syn, icmp])
    }

    pub fn begins(&self, how: Beginning) -> Term {
        self.beginning.is_value(beginning(how))
    }
}

/// A match, as [`model::FlowMatch`].
#[derive(Debug, Clone)]
pub struct Match {
    pub in_port: Maybe,
    pub tag: Maybe,
    pub eth_src: Maybe,
    pub eth_dst: Maybe,
    pub eth_type: Maybe,
    pub ip_src: Net,
    pub ip_dst: Net,
    pub protocol: Maybe,
    pub tp_src: Cube,
    pub tp_dst: Cube,
    pub ct: Cube,
    pub arp_op: Maybe,
    pub arp_spa: Maybe,
    pub arp_tpa: Maybe,
    pub arp_sha: Maybe,
    pub beginning: Maybe,
}

/// A rule: match, owner, and its actions in the one order the grammar knows (tag, rewrites, commit, what becomes of the
/// packet). `odd` says that its actions are none of that; the grammar must refuse it.
#[derive(Debug, Clone)]
pub struct Rule {
    pub m: Match,
    /// The 16 high bits of its cookie.
    pub kind: Term,
    /// The 48 low bits.
    pub number: Term,
    pub odd: Term,
    pub set_tag: Maybe,
    pub set_src: Maybe,
    pub set_dst: Maybe,
    /// Conntrack zone to remember the connection in.
    pub commit: Maybe,
    pub end: Term,
    /// Table after `GOTO` and `TRACK`.
    pub next: Term,
    /// Conntrack zone of `TRACK`.
    pub zone: Term,
    /// Port of `OUTPUT`.
    pub port: Term,
    pub arp_ip: Term,
    pub arp_mac: Term,
}

impl Rule {
    pub fn new(name: &str) -> Self {
        let f = |field: &str| format!("{name}.{field}");
        Self {
            m: Match {
                in_port: Maybe::new(&f("in_port"), PORT_NO),
                tag: Maybe::new(&f("tag"), TAG),
                eth_src: Maybe::new(&f("eth_src"), MAC),
                eth_dst: Maybe::new(&f("eth_dst"), MAC),
                eth_type: Maybe::new(&f("eth_type"), ETH_TYPE),
                ip_src: Net::new(&f("ip_src")),
                ip_dst: Net::new(&f("ip_dst")),
                protocol: Maybe::new(&f("protocol"), PROTOCOL),
                tp_src: Cube::new(&f("tp_src"), PORT),
                tp_dst: Cube::new(&f("tp_dst"), PORT),
                ct: Cube::new(&f("ct"), CT),
                arp_op: Maybe::new(&f("arp_op"), 16),
                arp_spa: Maybe::new(&f("arp_spa"), 32),
                arp_tpa: Maybe::new(&f("arp_tpa"), 32),
                arp_sha: Maybe::new(&f("arp_sha"), MAC),
                beginning: Maybe::new(&f("beginning"), BEGINNING),
            },
            kind: word(f("kind"), 16),
            number: word(f("number"), NUMBER),
            odd: flag(f("odd")),
            set_tag: Maybe::new(&f("set_tag"), TAG),
            set_src: Maybe::new(&f("set_src"), MAC),
            set_dst: Maybe::new(&f("set_dst"), MAC),
            commit: Maybe::new(&f("commit"), 16),
            end: word(f("end"), 8),
            next: word(f("next"), 8),
            zone: word(f("zone"), 16),
            port: word(f("port"), PORT_NO),
            arp_ip: word(f("arp_ip"), 32),
            arp_mac: word(f("arp_mac"), MAC),
        }
    }

    pub fn owned_by(&self, kind: Kind) -> Term {
        self.kind.is_value(kind.bits())
    }
    pub fn ends(&self, how: u8) -> Term {
        self.end.is_value(how)
    }
    /// Does it nothing at all?
    pub fn drops(&self) -> Term {
        !&self.odd
            & self.ends(DROP)
            & !any([&self.set_tag, &self.set_src, &self.set_dst, &self.commit].map(|a| a.has.clone()))
    }
    pub fn goes_to(&self, table: model::Table) -> Term {
        self.ends(GOTO) & self.next.is_value(table.number())
    }
}

/// Kinds of owners, with the cookies the code gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Standing,
    Grant,
    InHouse,
    Transit,
    Refusal,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Standing, Self::Grant, Self::InHouse, Self::Transit, Self::Refusal];

    pub fn bits(self) -> u16 {
        let owner = match self {
            Self::Standing => CookieOwner::Standing,
            Self::Grant => CookieOwner::Grant(GrantId(0)),
            Self::InHouse => CookieOwner::InHouse(0),
            Self::Transit => CookieOwner::Transit(0),
            Self::Refusal => CookieOwner::Refusal,
        };
        u16::try_from(Cookie::from(owner).0 >> 48).expect("sixteen bits are left")
    }
}

/// A registered host, with what its segment says of it.
#[derive(Debug, Clone)]
pub struct Host {
    /// Is there such a host at all?
    pub exists: Term,
    pub port: Term,
    pub mac: Term,
    pub address: Address,
    /// Its zone, by the tag of the zone.
    pub zone: Term,
    pub terminal: Term,
    pub proxy: Term,
    /// Prefix of its segment.
    pub segment: Net,
    /// The gateway's address in its segment.
    pub gateway: Address,
}

impl Host {
    pub fn new(name: &str) -> Self {
        let f = |field: &str| format!("{name}.{field}");
        Self {
            exists: flag(f("exists")),
            port: word(f("port"), PORT_NO),
            mac: word(f("mac"), MAC),
            address: Address::new(&f("address")),
            zone: word(f("zone"), TAG),
            terminal: flag(f("terminal")),
            proxy: flag(f("proxy")),
            segment: Net::new(&f("segment")),
            gateway: Address::new(&f("gateway")),
        }
    }
}

/// A permission for a pair of hosts: a grant, an in-house wish, or the gate's service.
#[derive(Debug, Clone)]
pub struct Contract {
    /// Is there one?
    pub exists: Term,
    pub origin: Address,
    pub destination: Address,
    pub protocol: Term,
    /// Name of its set of ports; nothing is the gate's own ports.
    pub ports: Option<String>,
}

impl Contract {
    pub fn has_port(&self, port: &Term) -> Term {
        match &self.ports {
            Some(set) => port.is_in(set),
            None => any(model::GATE_SERVICE_PORTS.map(|p| port.is_value(p))),
        }
    }
    fn joins(&self, p: &Packet, from: &Address, to: &Address) -> Term {
        &self.exists
            & p.eth_type.is(&self.origin.eth_type())
            & p.source.is(from)
            & p.destination.is(to)
            & p.protocol.is(&self.protocol)
    }
    /// From the originator to the serving port.
    pub fn forth(&self, p: &Packet) -> Term {
        self.joins(p, &self.origin, &self.destination) & self.has_port(&p.tp_dst)
    }
    /// From the serving port to the originator.
    pub fn back(&self, p: &Packet) -> Term {
        self.joins(p, &self.destination, &self.origin) & self.has_port(&p.tp_src)
    }
}

/// A live grant as one of its two sites knows it.
#[derive(Debug, Clone)]
pub struct Grant {
    pub contract: Contract,
    pub number: Term,
    /// Is this site the origin? Otherwise it is the destination.
    pub originates: Term,
    /// Its host at this site, and the zone it says that host is in.
    pub near: Host,
    pub near_zone: Term,
    /// A prefix of the peer, with the far address in it.
    pub peer: Net,
    /// Does a tunnel of it stand?
    pub tunnel: Term,
}

impl Grant {
    pub fn new(name: &str) -> Self {
        let f = |field: &str| format!("{name}.{field}");
        Self {
            contract: contract(name),
            number: word(f("number"), NUMBER),
            originates: flag(f("originates")),
            near: Host::new(&f("near")),
            near_zone: word(f("near_zone"), TAG),
            peer: Net::new(&f("peer")),
            tunnel: flag(f("tunnel")),
        }
    }
    /// Its address at this site, and at the other.
    pub fn ends(&self) -> (Address, Address) {
        let (o, d) = (&self.contract.origin, &self.contract.destination);
        let choose = |a: &Address, b: &Address| Address {
            v6: self.originates.choose(&a.v6, &b.v6),
            value: self.originates.choose(&a.value, &b.value),
        };
        (choose(o, d), choose(d, o))
    }
}

/// An in-house wish of the site's document.
#[derive(Debug, Clone)]
pub struct Wish {
    pub contract: Contract,
    pub number: Term,
    pub from: Host,
    pub to: Host,
}

impl Wish {
    pub fn new(name: &str) -> Self {
        let (from, to) = (Host::new(&format!("{name}.from")), Host::new(&format!("{name}.to")));
        let contract = Contract { origin: from.address.clone(), destination: to.address.clone(), ..contract(name) };
        Self { contract, number: word(format!("{name}.number"), NUMBER), from, to }
    }
}

fn contract(name: &str) -> Contract {
    Contract {
        exists: flag(format!("{name}.exists")),
        origin: Address::new(&format!("{name}.origin")),
        destination: Address::new(&format!("{name}.destination")),
        protocol: word(format!("{name}.protocol"), PROTOCOL),
        ports: Some(format!("{name}.ports")),
    }
}
