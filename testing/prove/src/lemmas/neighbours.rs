//! Questions for a neighbour (RFC 4861): one rule that hears them, one that answers, whatever others stand.
//!
//! They are apart from the five tables other lemmas speak of: what is heard at admission goes to the table of answers, and
//! out of that nothing goes but an answer (I03).

use model::Tag;

use crate::facts::{Gateway, Site};
use crate::lemmas::Lemma;
use crate::lemmas::invariants::{FACTS, sliced};
use crate::symbol::{Address, Host, MAC, Maybe, Net, PORT_NO, TAG};
use crate::term::{Term, all, bits, flag, word, yes};

/// fe80::/10 (RFC 4291 §2.5.6).
const LINK_LOCAL: u128 = 0xfe80 << 112;
const LINK_LOCAL_MASK: u128 = 0xffc0 << 112;

/// A solicitation as it comes in at a port.
pub struct Question {
    pub in_port: Term,
    pub eth_src: Term,
    pub source: Address,
    /// The link-layer address it tells of its sender.
    pub tells: Term,
    pub target: Address,
}

/// A rule of admission that sends solicitations on to be answered.
pub struct Hears {
    pub in_port: Maybe,
    pub eth_src: Maybe,
    pub source: Net,
    pub tells: Maybe,
    pub target: Net,
    pub tag: Term,
}

/// A rule of the table of answers.
pub struct Answers {
    pub in_port: Maybe,
    pub target: Net,
    pub ip: Address,
    pub mac: Term,
    pub router: Term,
}

/// A question, the two rules it takes, and who stands where they look.
pub struct Asked {
    pub question: Question,
    pub hears: Hears,
    pub answers: Answers,
    pub admitted: Host,
    pub admitted_gateway: Gateway,
    pub told: Host,
    pub told_gateway: Gateway,
    /// Who is at the port the question came in at, and whose the address is that it asks for.
    pub asker: Host,
    pub asked: Host,
    pub asked_gateway: Gateway,
}

fn six(name: &str) -> Address {
    Address { v6: yes(), value: word(name, crate::symbol::ADDRESS) }
}

fn is_link_local(net: &Net) -> Term {
    let mask = bits(crate::symbol::ADDRESS, LINK_LOCAL_MASK);
    &net.has & &net.at.v6 & (&net.mask & &mask).is(&mask) & of_link(&net.at.value)
}

fn of_link(address: &Term) -> Term {
    (address & &bits(crate::symbol::ADDRESS, LINK_LOCAL_MASK)).is_value(LINK_LOCAL)
}

/// May who has this address ask from there?
fn asks_as(source: &Net, address: &Address) -> Term {
    &address.v6 & (is_link_local(source) | source.is_host(address))
}

impl Asked {
    pub fn new(site: &mut Site) -> Self {
        let question = Question {
            in_port: word("question.in_port", PORT_NO),
            eth_src: word("question.eth_src", MAC),
            source: six("question.source"),
            tells: word("question.tells", MAC),
            target: six("question.target"),
        };
        let hears = Hears {
            in_port: Maybe::new("hears.in_port", PORT_NO),
            eth_src: Maybe::new("hears.eth_src", MAC),
            source: Net::new("hears.ip_src"),
            tells: Maybe::new("hears.arp_sha", MAC),
            target: Net::new("hears.ip_dst"),
            tag: word("hears.tag", TAG),
        };
        let answers = Answers {
            in_port: Maybe::new("answers.in_port", PORT_NO),
            target: Net::new("answers.ip_dst"),
            ip: six("answers.ip"),
            mac: word("answers.mac", MAC),
            router: flag("answers.router"),
        };
        Self {
            admitted: site.at_port("admitted", &hears.in_port.value),
            admitted_gateway: site.gateway("admitted.gateway", |a| asks_as(&hears.source, a)),
            told: site.at_address("told", &answers.ip),
            told_gateway: site.gateway("told.gateway", |a| a.is(&answers.ip)),
            asker: site.at_port("asker", &question.in_port),
            asked: site.at_address("asked", &question.target),
            asked_gateway: site.gateway("asked.gateway", |a| a.is(&question.target)),
            question,
            hears,
            answers,
        }
    }

    /// Prefixes are prefixes.
    pub fn typed(&self) -> Term {
        all([&self.hears.source, &self.hears.target, &self.answers.target].map(Net::well_formed))
    }

    /// I03: addresses of a solicitation are IPv6.
    pub fn sane_match(&self) -> Term {
        all([&self.hears.source, &self.hears.target, &self.answers.target].map(|n| n.has.implies(&n.at.v6)))
    }

    /// I06: who asks is who is registered there.
    pub fn binding(&self, site: &Site) -> Term {
        let (h, host, gateway) = (&self.hears, &self.admitted, &self.admitted_gateway);
        let bound = |mac: &Term, tag: &Term| h.eth_src.is(mac) & h.tells.is(mac) & h.tag.is(tag);
        let from_gateway = bound(&site.mac, &bits(TAG, Tag::Uplink.value())) & &gateway.exists;
        let from_host = &host.exists & bound(&host.mac, &host.zone) & asks_as(&h.source, &host.address);
        &h.in_port.has & h.in_port.value.is(&site.uplink).choose(&from_gateway, &from_host)
    }

    /// I21: the answer tells a registered binding, and only the gateway is a router.
    pub fn truth(&self, site: &Site) -> Term {
        let (a, host, gateway) = (&self.answers, &self.told, &self.told_gateway);
        let of_host = &host.exists & a.mac.is(&host.mac) & !&a.router;
        let of_gateway = !&host.exists & &gateway.exists & a.mac.is(&site.mac) & &a.router;
        a.target.is_host(&a.ip) & (of_host | of_gateway)
    }

    /// The question takes both rules.
    pub fn taken(&self) -> Term {
        let (q, h, a) = (&self.question, &self.hears, &self.answers);
        all([
            h.in_port.takes(&q.in_port),
            h.eth_src.takes(&q.eth_src),
            h.source.takes(&q.source),
            h.tells.takes(&q.tells),
            h.target.takes(&q.target),
            a.in_port.takes(&q.in_port),
            a.target.takes(&q.target),
        ])
    }

    /// What is told is so: of the address asked for, its own MAC, and that it is a router if it is the gateway. They stand
    /// for any host and any gateway there is a name for.
    fn told(&self, site: &Site) -> Term {
        let a = &self.answers;
        let of_host = self.asked.exists.implies(&(a.mac.is(&self.asked.mac) & !&a.router));
        let of_gateway = self.asked_gateway.exists.implies(&(a.mac.is(&site.mac) & &a.router));
        a.ip.is(&self.question.target) & of_host & of_gateway
    }

    /// It goes out where the question came in, to the MAC and the address it came from: those are its asker's own.
    fn back(&self, site: &Site) -> Term {
        let q = &self.question;
        let gateway = q.in_port.is(&site.uplink) & q.eth_src.is(&site.mac);
        let own = of_link(&q.source.value) | q.source.is(&self.asker.address);
        let host = &self.asker.exists & q.eth_src.is(&self.asker.mac) & own;
        (gateway | host) & q.tells.is(&q.eth_src)
    }
}

pub fn lemmas() -> Vec<Lemma> {
    let mut site = Site::new(&[], &[]);
    let asked = Asked::new(&mut site);
    let given = || {
        vec![
            ("typed", asked.typed() & asked.sane_match()),
            (FACTS, yes()),
            ("source binding", asked.binding(&site)),
            ("true answers", asked.truth(&site)),
            ("it is taken", asked.taken()),
        ]
    };
    let shows: &[&str] = &["question", "site", "hears", "answers", "admitted", "told", "asker", "asked"];
    let lemma =
        |id, says, then, needs| Lemma { id, says, serves: &["I21", "I06", "G16"], given: given(), then, needs, shows };
    vec![
        sliced(
            &site,
            lemma(
                "N01",
                "the answer to a Neighbour Solicitation tells the registered MAC of the address asked for, and who is a router",
                asked.told(&site),
                &[FACTS, "true answers", "it is taken"],
            ),
        ),
        sliced(
            &site,
            lemma(
                "N02",
                "it goes back to who asked: to the port, the MAC and an address of the one who is registered there",
                asked.back(&site),
                &[FACTS, "source binding", "it is taken"],
            ),
        ),
    ]
}
