//! Three points, one story: source, access point and destination recorded a connection independently; do they agree
//! (G13)?
//!
//! What is compared, and how strictly:
//! - hosts, addresses, service, agreement, protocol, ports: exactly; the end of the lease exactly at each of the two
//!   moments, because it may be renewed between them.
//! - moments: clocks are kept by NTP, so [`Tolerance::clock_ms`] (2 s) is allowed. Compared are things that cannot be
//!   otherwise: no gate may say it opened after the center said both had, none may say it closed after the center said
//!   both had, nothing closes before it opens, and nothing outlives its lease. How long before the center a gate closed
//!   is not compared: a gate closes by itself at the end of a lease while the center is away.
//! - first and last packet: see `passing`.
//! - traffic, per direction: nothing may arrive that was not sent, beyond [`Tolerance::surplus_packets`], because each
//!   gate reads its counters at its own instant; and what was lost on the way is at most [`Tolerance::lost_percent`]
//!   plus [`Tolerance::lost_packets`], because a sender goes on until its own rules are gone. Bytes get the same bounds
//!   with 1514 bytes a packet and no stricter, since a switch without offloads counts the same frames at both ends but
//!   may count a last fragment on one side only.

use model::{GrantId, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

use crate::{Count, Entry, Observation, Phase, Point};

/// How far three honest points may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tolerance {
    /// Difference of clocks, milliseconds.
    pub clock_ms: i64,
    /// Packets that may arrive beyond those counted at the sending side.
    pub surplus_packets: u64,
    /// Packets that may be lost besides `lost_percent`.
    pub lost_packets: u64,
    /// Share of what was sent that may be lost.
    pub lost_percent: u64,
    /// How long before both ends hold a line its rules may count a packet, milliseconds.
    pub opening_ms: i64,
    /// How late a busy switch may count a packet, milliseconds.
    pub late_ms: i64,
    /// How much earlier or later than the other an end may have seen its first or last packet while both held the line,
    /// milliseconds.
    pub apart_ms: i64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            clock_ms: 2_000,
            surplus_packets: 64,
            // A sender that is no longer answered has a whole window on its way: 6 MiB by Linux's tcp_rmem, 4,346 segments.
            // Twice that, because a line that is cut often carries more than one download.
            lost_packets: 8_692,
            lost_percent: 5,
            opening_ms: 30_000,
            late_ms: 10_000,
            apart_ms: 60_000,
        }
    }
}

/// What a point recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// First record of it standing.
    pub opened: Option<Observation>,
    /// Last record of it gone.
    pub closed: Option<Observation>,
}

impl Seen {
    fn at(&self, phase: Phase) -> Option<&Observation> {
        match phase {
            Phase::Opened => self.opened.as_ref(),
            Phase::Closed => self.closed.as_ref(),
        }
    }
    fn all(&self) -> impl Iterator<Item = &Observation> {
        self.opened.iter().chain(&self.closed)
    }
}

/// A record that should be there and is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// Whose.
    pub point: Point,
    /// Of which moment.
    pub phase: Phase,
    /// What is missing: `record`, or `traffic` if only the counters are, `packets` if only their moments are.
    pub what: &'static str,
}

/// Two records that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// Stable name: the field compared, or `time`, `lease`, `first-packet`, `last-packet`,
    /// `packet-order`, `packets`, `traffic-surplus`, `traffic-lost`, `grant`, `site`.
    pub what: &'static str,
    /// One point and what it says.
    pub one: (Point, String),
    /// Another point, or the same at another moment, and what it says.
    pub other: (Point, String),
}

/// The three points of a grant side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThreePoints {
    /// The grant; nothing if there is no evidence at all.
    pub grant: Option<GrantId>,
    /// Gate of the origin site.
    pub source: Seen,
    /// The center.
    pub access_point: Seen,
    /// Gate of the destination site.
    pub destination: Seen,
    /// No gap and no contradiction, and there is evidence.
    pub agree: bool,
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// What contradicts.
    pub contradictions: Vec<Contradiction>,
}

impl ThreePoints {
    /// What a point recorded.
    pub fn seen(&self, point: Point) -> &Seen {
        match point {
            Point::Source => &self.source,
            Point::AccessPoint => &self.access_point,
            Point::Destination => &self.destination,
        }
    }
}

/// Matches the evidence among the entries of one grant; entries without evidence are passed over. A moment that any
/// point recorded is due at all three, so a line still open is complete without any `closed`.
pub fn match_three_points<'a>(entries: impl IntoIterator<Item = &'a Entry>, tolerance: Tolerance) -> ThreePoints {
    let mut seen: BTreeMap<Point, Seen> = Point::ALL.into_iter().map(|p| (p, Seen::default())).collect();
    let mut story = Story { grant: None, tolerance, gaps: Vec::new(), contradictions: Vec::new() };
    // Every record is compared with the first one, repeated ones too: a point that contradicts itself is not believed.
    let mut first: Option<(Point, Observation)> = None;
    let mut leases: BTreeMap<Phase, (Point, Timestamp)> = BTreeMap::new();
    for (point, observation) in entries.into_iter().filter_map(|e| e.event.observation()) {
        // A lease may be renewed between opening and closing: it is compared within one moment.
        let (p, lease) = *leases.entry(observation.phase).or_insert((point, observation.lease_until));
        if lease != observation.lease_until {
            let [one, other] = [lease, observation.lease_until].map(|until| format!("lease until {until}"));
            story.contradict("lease", (p, one), (point, other));
        }
        match &first {
            None => first = Some((point, observation.clone())),
            Some((first_point, first)) => story.same_connection((*first_point, first), (point, observation)),
        }
        let own = seen.entry(point).or_default();
        match observation.phase {
            Phase::Opened => own.opened = own.opened.take().or_else(|| Some(observation.clone())),
            Phase::Closed => own.closed = Some(observation.clone()),
        }
    }
    story.grant = first.map(|(_, o)| o.grant);
    for phase in [Phase::Opened, Phase::Closed] {
        if seen.values().any(|s| s.at(phase).is_some()) {
            let missing = seen.iter().filter(|(_, s)| s.at(phase).is_none());
            story.gaps.extend(missing.map(|(point, _)| Gap { point: *point, phase, what: "record" }));
        }
    }
    let [source, access_point, destination] = Point::ALL.map(|p| seen.remove(&p).unwrap_or_default());
    story.places(&source, &access_point, &destination);
    for (point, own) in
        [(Point::Source, &source), (Point::AccessPoint, &access_point), (Point::Destination, &destination)]
    {
        story.own_times(point, own);
        story.not_after_the_center(point, own, &access_point);
    }
    story.traffic(&source, &destination);
    story.packets(&source, &access_point, &destination);
    ThreePoints {
        agree: story.grant.is_some() && story.gaps.is_empty() && story.contradictions.is_empty(),
        grant: story.grant,
        gaps: story.gaps,
        contradictions: story.contradictions,
        source,
        access_point,
        destination,
    }
}

pub(crate) struct Story {
    grant: Option<GrantId>,
    pub(crate) tolerance: Tolerance,
    pub(crate) gaps: Vec<Gap>,
    contradictions: Vec<Contradiction>,
}

impl Story {
    pub(crate) fn contradict(&mut self, what: &'static str, one: (Point, String), other: (Point, String)) {
        self.contradictions.push(Contradiction { what, one, other });
    }

    fn same_connection(&mut self, (p, a): (Point, &Observation), (q, b): (Point, &Observation)) {
        let mut compare = |what, x: String, y: String| {
            if x != y {
                self.contradict(what, (p, x), (q, y));
            }
        };
        compare("grant", a.grant.to_string(), b.grant.to_string());
        compare("agreement", a.agreement.to_string(), b.agreement.to_string());
        compare("service", a.service.to_string(), b.service.to_string());
        compare("origin", a.origin.to_string(), b.origin.to_string());
        compare("origin-address", a.origin_address.to_string(), b.origin_address.to_string());
        compare("destination", a.destination.to_string(), b.destination.to_string());
        compare("destination-address", a.destination_address.to_string(), b.destination_address.to_string());
        compare("protocol", a.protocol.to_string(), b.protocol.to_string());
        compare("ports", format!("{:?}", a.ports), format!("{:?}", b.ports));
    }

    /// Evidence must come from the gate of the site it speaks for; the center speaks for none.
    fn places(&mut self, source: &Seen, access_point: &Seen, destination: &Seen) {
        let none = || "none".to_owned();
        let rows = source
            .all()
            .map(|o| (Point::Source, o.site.as_ref(), Some(&o.origin.site)))
            .chain(access_point.all().map(|o| (Point::AccessPoint, o.site.as_ref(), None)))
            .chain(destination.all().map(|o| (Point::Destination, o.site.as_ref(), Some(&o.destination.site))));
        for (point, found, wanted) in rows {
            if found != wanted {
                let [found, wanted] = [found, wanted].map(|s| s.map_or_else(none, ToString::to_string));
                self.contradict("site", (point, found), (point, wanted));
            }
        }
    }

    fn own_times(&mut self, point: Point, own: &Seen) {
        if let (Some(opened), Some(closed)) = (&own.opened, &own.closed)
            && closed.at < opened.at
        {
            self.contradict("time", (point, said(opened)), (point, said(closed)));
        }
        if let Some(closed) = &own.closed
            && point != Point::AccessPoint
            && self.after(closed.at, closed.lease_until)
        {
            self.contradict("lease", (point, said(closed)), (point, format!("lease until {}", closed.lease_until)));
        }
    }

    fn not_after_the_center(&mut self, point: Point, own: &Seen, center: &Seen) {
        for phase in [Phase::Opened, Phase::Closed] {
            if let (Some(gate), Some(center)) = (own.at(phase), center.at(phase))
                && self.after(gate.at, center.at)
            {
                self.contradict("time", (point, said(gate)), (Point::AccessPoint, said(center)));
            }
        }
    }

    pub(crate) fn after(&self, later: Timestamp, earlier: Timestamp) -> bool {
        later > earlier.plus_ms(self.tolerance.clock_ms)
    }

    fn traffic(&mut self, source: &Seen, destination: &Seen) {
        let mut counted = Vec::new();
        for (point, own) in [(Point::Source, source), (Point::Destination, destination)] {
            let Some(closed) = &own.closed else { continue };
            match closed.traffic {
                Some(traffic) if traffic.complete => counted.push(traffic),
                _ => self.gaps.push(Gap { point, phase: Phase::Closed, what: "traffic" }),
            }
        }
        if let [at_source, at_destination] = counted[..] {
            self.one_way((Point::Source, at_source.forth), (Point::Destination, at_destination.forth));
            self.one_way((Point::Destination, at_destination.back), (Point::Source, at_source.back));
        }
    }

    fn one_way(&mut self, (sender, sent): (Point, Count), (receiver, received): (Point, Count)) {
        const FRAME: u64 = 1514;
        let Tolerance { surplus_packets, lost_packets, lost_percent, .. } = self.tolerance;
        let surplus = |sent: u64, received: u64, unit: u64| received > sent.saturating_add(surplus_packets * unit);
        let lost = |sent: u64, received: u64, unit: u64| {
            let allowed = (sent / 100).saturating_mul(lost_percent).saturating_add(lost_packets * unit);
            sent.saturating_sub(received) > allowed
        };
        let text = |c: Count| format!("{} packets, {} bytes", c.packets, c.bytes);
        for (what, wrong) in [
            (
                "traffic-surplus",
                surplus(sent.packets, received.packets, 1) || surplus(sent.bytes, received.bytes, FRAME),
            ),
            ("traffic-lost", lost(sent.packets, received.packets, 1) || lost(sent.bytes, received.bytes, FRAME)),
        ] {
            if wrong {
                self.contradict(what, (sender, text(sent)), (receiver, text(received)));
            }
        }
    }
}

fn said(observation: &Observation) -> String {
    format!("{} at {}", observation.phase, observation.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Head, Traffic};
    use model::{Endpoint, Grant, Passage, Protocol, Within, Zone};

    fn grant() -> Grant {
        let end = |site: &str, institution: &str, host: &str, address: &str, zone| Endpoint {
            site: site.parse().unwrap(),
            institution: institution.parse().unwrap(),
            host: host.parse().unwrap(),
            address: address.parse().unwrap(),
            zone,
        };
        Grant {
            id: GrantId(7),
            agreement: "A-0012".parse().unwrap(),
            service: "keyaki/records".parse().unwrap(),
            origin: end("clinic", "aoba", "exam-1", "10.1.20.11", Zone::Secure),
            destination: end("hospital", "keyaki", "record-server", "10.2.10.10", Zone::Dmz),
            protocol: Protocol::Tcp,
            ports: vec![443],
            granted_at: Timestamp(0),
            lease_until: Timestamp(3_600_000),
            idle_ms: None,
        }
    }

    fn told() -> Vec<(Point, Observation)> {
        let grant = grant();
        let mut out = Vec::new();
        for (phase, at) in [(Phase::Opened, 100), (Phase::Closed, 60_000)] {
            for (i, point) in Point::ALL.into_iter().enumerate() {
                let mut o = Observation::of(&grant, phase, Timestamp(at + i as i64));
                o.site = match point {
                    Point::Source => Some(grant.origin.site.clone()),
                    Point::AccessPoint => None,
                    Point::Destination => Some(grant.destination.site.clone()),
                };
                if phase == Phase::Closed && point != Point::AccessPoint {
                    let count = |packets| Count { packets, bytes: packets * 800 };
                    o.traffic = Some(Traffic { forth: count(1_000), back: count(90_000), complete: true });
                }
                if phase == Phase::Closed {
                    let within = |from, to| Within { from: Timestamp(from), to: Timestamp(to) };
                    o.passage = Some(match point {
                        Point::AccessPoint => Passage { first: within(50, 400), last: within(50, 60_001) },
                        _ => Passage { first: within(90, 300), last: within(58_000, 59_000) },
                    });
                }
                out.push((point, o));
            }
        }
        out
    }

    fn judge(told: Vec<(Point, Observation)>) -> ThreePoints {
        let mut head = Head::EMPTY;
        let mut entries = vec![head.append(Timestamp(1), Event::ConnectionOpen { grant: GrantId(7) })];
        head = entries[0].head();
        for (point, observation) in told {
            let entry = head.append(observation.at, Event::evidence(point, observation));
            head = entry.head();
            entries.push(entry);
        }
        match_three_points(&entries, Tolerance::default())
    }

    fn with(change: impl Fn(Point, &mut Observation)) -> ThreePoints {
        let mut told = told();
        told.iter_mut().for_each(|(p, o)| change(*p, o));
        judge(told)
    }

    fn whats(points: &ThreePoints) -> Vec<&'static str> {
        let mut whats: Vec<_> = points.contradictions.iter().map(|c| c.what).collect();
        whats.dedup();
        whats
    }

    #[test]
    fn three_honest_points_agree_in_any_order_and_said_twice() {
        assert!(judge(told()).agree, "{:?}", judge(told()));
        let mut twice = told();
        twice.reverse();
        twice.extend(told());
        assert!(judge(twice).agree);
    }

    #[test]
    fn a_line_still_open_needs_no_closed_record() {
        let open: Vec<_> = told().into_iter().filter(|(_, o)| o.phase == Phase::Opened).collect();
        let points = judge(open);
        assert!(points.agree && points.source.closed.is_none());
    }

    #[test]
    fn no_evidence_is_no_agreement() {
        assert!(!judge(Vec::new()).agree);
    }

    #[test]
    fn each_missing_record_is_named() {
        for (i, (point, o)) in told().into_iter().enumerate() {
            let mut rest = told();
            rest.remove(i);
            let points = judge(rest);
            assert_eq!(points.gaps, [Gap { point, phase: o.phase, what: "record" }]);
            assert!(!points.agree);
        }
    }

    #[test]
    fn each_differing_field_is_named() {
        type Change = fn(&mut Observation);
        let changes: [(&str, Change); 9] = [
            ("lease", |o| o.lease_until = o.lease_until.plus_ms(1)),
            ("agreement", |o| o.agreement = "A-0013".parse().unwrap()),
            ("service", |o| o.service = "keyaki/portal".parse().unwrap()),
            ("origin", |o| o.origin = "clinic/exam-2".parse().unwrap()),
            ("origin-address", |o| o.origin_address = "10.1.20.12".parse().unwrap()),
            ("destination-address", |o| o.destination_address = "10.2.10.20".parse().unwrap()),
            ("protocol", |o| o.protocol = Protocol::Udp),
            ("ports", |o| o.ports = vec![443, 8443]),
            ("grant", |o| o.grant = GrantId(8)),
        ];
        for (what, change) in changes {
            for liar in Point::ALL {
                let points = with(|p, o| {
                    if p == liar {
                        change(o)
                    }
                });
                assert_eq!(whats(&points), [what], "{liar}");
                assert!(!points.agree);
            }
        }
    }

    #[test]
    fn a_lease_renewed_meanwhile_is_no_contradiction() {
        let renewed = with(|_, o| {
            if o.phase == Phase::Closed {
                o.lease_until = o.lease_until.plus_ms(60_000)
            }
        });
        assert!(renewed.agree, "{renewed:?}");
    }

    #[test]
    fn evidence_from_another_gate_is_no_evidence_of_this_point() {
        let points = with(|p, o| {
            if p == Point::Source {
                o.site = Some("provider".parse().unwrap())
            }
        });
        assert_eq!(whats(&points), ["site"]);
        let points = with(|p, o| {
            if p == Point::AccessPoint {
                o.site = Some("clinic".parse().unwrap())
            }
        });
        assert_eq!(whats(&points), ["site"]);
    }

    #[test]
    fn times_that_cannot_be_are_named_and_skew_of_clocks_is_not() {
        let late = |ms| {
            with(move |p, o| {
                if p == Point::Destination {
                    o.at = o.at.plus_ms(ms)
                }
            })
        };
        assert!(late(1_900).agree);
        assert_eq!(whats(&late(5_000)), ["time"]);
        let early = with(|p, o| {
            if p == Point::Source && o.phase == Phase::Closed {
                o.at = Timestamp(50)
            }
        });
        assert_eq!(whats(&early), ["time", "packet-order"]);
        let outlived = with(|_, o| {
            if o.phase == Phase::Closed {
                o.at = Timestamp(3_700_000)
            }
        });
        assert_eq!(whats(&outlived), ["lease"]);
        let center_away = with(|p, o| {
            if p == Point::AccessPoint && o.phase == Phase::Closed {
                o.at = Timestamp(9_000_000)
            }
        });
        assert!(center_away.agree);
    }

    #[test]
    fn first_and_last_packets_that_cannot_be_are_named_g13() {
        let change = |point: Point, f: fn(&mut Passage)| {
            with(move |p, o| {
                if let (true, Some(passage)) = (p == point, &mut o.passage) {
                    f(passage)
                }
            })
        };
        let at = |ms| Within { from: Timestamp(ms), to: Timestamp(ms) };
        for point in [Point::Source, Point::Destination] {
            assert!(change(point, |p| p.first.to = Timestamp(20_000)).agree, "less is known, nothing contradicts");
            let turned = change(point, |p| std::mem::swap(&mut p.first, &mut p.last));
            assert!(whats(&turned).contains(&"packet-order"), "{turned:?}");
            let after_the_end = change(point, |p| p.last = Within { from: Timestamp(70_000), to: Timestamp(70_000) });
            assert_eq!(whats(&after_the_end), ["packet-order"], "{point}");
            let missing = with(|p, o| {
                if p == point {
                    o.passage = None
                }
            });
            assert_eq!(missing.gaps, [Gap { point, phase: Phase::Closed, what: "packets" }]);
        }
        let unheard = with(|p, o| {
            if p == Point::AccessPoint {
                o.passage = None
            }
        });
        assert_eq!(unheard.gaps, [Gap { point: Point::AccessPoint, phase: Phase::Closed, what: "packets" }]);
        // The center was told of a packet long before both gates say that the first one passed.
        let late = with(|p, o| {
            if let (Point::Source | Point::Destination, Some(passage)) = (p, &mut o.passage) {
                passage.first = Within { from: Timestamp(20_000), to: Timestamp(20_000) };
            }
        });
        assert_eq!(whats(&late), ["first-packet"]);
        // Nothing arrives before it was sent, and nothing goes on at one end alone.
        let both = |source: Passage, destination: Passage| {
            with(move |p, o| match (p, &mut o.passage) {
                (Point::Source, Some(passage)) => *passage = source,
                (Point::Destination, Some(passage)) => *passage = destination,
                (Point::AccessPoint, Some(passage)) => passage.first.to = Timestamp(1_000_000),
                _ => {}
            })
        };
        let held = |points: ThreePoints| whats(&points);
        let (a, z) = (at(100), at(59_000));
        assert!(held(both(Passage { first: a, last: z }, Passage { first: at(2_000), last: at(57_000) })).is_empty());
        assert_eq!(
            held(both(Passage { first: at(30_000), last: z }, Passage { first: a, last: z })),
            ["first-packet"],
            "arrived before it was sent"
        );
        let hours = with(|p, o| {
            let late = o.at.plus_ms(3_000_000);
            if o.phase == Phase::Closed {
                o.at = late;
                let last = if p == Point::Destination { at(60_000) } else { at(2_900_000) };
                o.passage = o.passage.map(|passage| Passage { last, ..passage });
            }
        });
        assert_eq!(whats(&hours), ["last-packet"]);
        // Before both ends held it, a rule may count what no tunnel took.
        let slow = |ms| {
            with(move |p, o| {
                if p != Point::AccessPoint {
                    o.at = o.at.plus_ms(if o.phase == Phase::Opened { ms } else { 0 });
                } else {
                    o.at = o.at.plus_ms(ms);
                }
            })
        };
        assert!(slow(20_000).agree, "{:?}", slow(20_000));
        assert_eq!(whats(&slow(40_000)), ["packet-order"]);
        let uncounted = with(|p, o| {
            if let (Point::Source, Some(t)) = (p, &mut o.traffic) {
                (t.forth, t.back) = (Count::default(), Count::default());
            }
        });
        assert!(whats(&uncounted).contains(&"packets"), "{uncounted:?}");
    }

    #[test]
    fn traffic_nobody_sent_and_traffic_that_vanished_are_named() {
        let change = |f: fn(&mut Traffic)| {
            with(move |p, o| {
                if let (Point::Destination, Some(t)) = (p, &mut o.traffic) {
                    f(t)
                }
            })
        };
        assert!(change(|t| t.forth.packets += 10).agree);
        assert!(change(|t| t.back.packets += 3_000).agree);
        assert_eq!(whats(&change(|t| t.forth.packets += 100)), ["traffic-surplus"]);
        assert_eq!(whats(&change(|t| t.forth.bytes += 1 << 20)), ["traffic-surplus"]);
        assert_eq!(whats(&change(|t| t.back.packets = 0)), ["traffic-surplus"]);
        assert_eq!(whats(&change(|t| t.back.packets *= 2)), ["traffic-lost"]);
        let lost = change(|t| t.complete = false);
        assert_eq!(lost.gaps, [Gap { point: Point::Destination, phase: Phase::Closed, what: "traffic" }]);
        let huge = change(|t| t.forth = Count { packets: u64::MAX, bytes: u64::MAX });
        assert_eq!(whats(&huge), ["traffic-surplus"]);
    }
}
