//! A line's whole record, not its evidence alone: what was permitted, what was said to stand, what the three points saw.
//!
//! [`match_three_points`] believes that a line exists because some point says so. Here the record itself is asked: a
//! line that was declared open is owed evidence by all three points even if none gave any, and evidence of a line that
//! nobody permitted is a contradiction. Every finding names the section it lies in (N12).

use model::{GrantId, HostRef, Section, ServiceId, Timestamp};

use crate::passing::said;
use crate::{Contradiction, Entry, Event, Gap, Phase, Point, ThreePoints, Tolerance, match_three_points};

/// A line, as its whole record tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The grant.
    pub grant: GrantId,
    /// Terminal and service, as permitted or, failing that, as the first point saw them.
    pub what: Option<(HostRef, ServiceId)>,
    /// When the center declared it open.
    pub opened: Option<Timestamp>,
    /// When the center declared it closed.
    pub closed: Option<Timestamp>,
    /// The three points side by side; `agree` counts what was found here too.
    pub points: ThreePoints,
}

/// A gap or a contradiction, and whose section it lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding<'a> {
    /// A record that should be there and is not.
    Gap(&'a Gap),
    /// Two records that cannot both be true.
    Contradiction(&'a Contradiction),
}

impl Line {
    /// Everything that is not as it should be, gaps first.
    pub fn findings(&self) -> Vec<(Finding<'_>, Section)> {
        let gaps = self.points.gaps.iter().map(|g| (Finding::Gap(g), section_of(g.point)));
        let contradictions = self.points.contradictions.iter().map(|c| (Finding::Contradiction(c), whose(c)));
        gaps.chain(contradictions).collect()
    }
}

/// Is this entry about a line that stands or stood? What was only asked for owes no evidence.
pub fn concerns_a_line(entry: &Entry) -> bool {
    matches!(entry.event, Event::ConnectionOpen { .. }) || entry.event.observation().is_some()
}

/// Reconciles all entries of one grant. `entries` may hold any of its entries; those of other grants are passed over.
pub fn reconcile<'a>(
    grant: GrantId,
    entries: impl IntoIterator<Item = &'a Entry> + Clone,
    tolerance: Tolerance,
) -> Line {
    let own = || entries.clone().into_iter().filter(move |e| e.event.grant() == Some(grant));
    let mut points = match_three_points(own(), tolerance);
    let at = |wanted: &dyn Fn(&Event) -> bool| own().find(|e| wanted(&e.event)).map(|e| e.at);
    let opened = at(&|e| matches!(e, Event::ConnectionOpen { .. }));
    let closed = at(&|e| matches!(e, Event::ConnectionClosed { .. }));
    if points.grant.is_none() {
        let owed = [(Phase::Opened, opened), (Phase::Closed, closed.filter(|_| opened.is_some()))];
        for (phase, _) in owed.into_iter().filter(|(_, at)| at.is_some()) {
            points.gaps.extend(Point::ALL.map(|point| Gap { point, phase, what: "record" }));
        }
    }
    let permitted = own().find_map(|e| match &e.event {
        Event::ConnectionPermitted { from, service, agreement, .. } => Some((from, service, agreement)),
        _ => None,
    });
    let seen = own().find_map(|e| e.event.observation());
    match (permitted, seen) {
        (None, Some((point, seen))) => points.contradictions.push(Contradiction {
            what: "never-permitted",
            one: (Point::AccessPoint, "-".to_owned()),
            other: (point, format!("{} → {}", seen.origin, seen.service)),
        }),
        (Some((from, service, agreement)), Some((point, seen))) => {
            for (what, said, found) in [
                ("permitted-origin", from.to_string(), seen.origin.to_string()),
                ("permitted-service", service.to_string(), seen.service.to_string()),
                ("permitted-agreement", agreement.to_string(), seen.agreement.to_string()),
            ] {
                if said != found {
                    let one = (Point::AccessPoint, said);
                    points.contradictions.push(Contradiction { what, one, other: (point, found) });
                }
            }
        }
        (_, None) => {}
    }
    let permitted_at = at(&|e| matches!(e, Event::ConnectionPermitted { .. }));
    if let Some(permitted_at) = permitted_at {
        for point in Point::ALL {
            let first =
                points.seen(point).closed.as_ref().and_then(|closed| closed.passage).map(|passage| passage.first);
            if let Some(first) = first.filter(|first| permitted_at > first.to.plus_ms(tolerance.clock_ms)) {
                let one = (Point::AccessPoint, format!("permitted at {permitted_at}"));
                let other = (point, said("first packet", first));
                points.contradictions.push(Contradiction { what: "first-packet", one, other });
            }
        }
    }
    points.agree = points.gaps.is_empty() && points.contradictions.is_empty() && (seen.is_some() || opened.is_none());
    let what = permitted
        .map(|(from, service, _)| (from.clone(), service.clone()))
        .or_else(|| seen.map(|(_, s)| (s.origin.clone(), s.service.clone())));
    Line { grant, what, opened, closed, points }
}

/// A point is kept by whom its section belongs to, seen from the person who uses the line.
fn section_of(point: Point) -> Section {
    match point {
        Point::Source => Section::InHouseLan,
        Point::AccessPoint => Section::Operator,
        Point::Destination => Section::Peer,
    }
}

/// What was lost between two gates was lost on the way; else the gate that the center does not agree with answers, and
/// the far one if the two gates differ.
fn whose(c: &Contradiction) -> Section {
    match (c.what, c.one.0, c.other.0) {
        ("traffic-lost" | "last-packet", ..) => Section::AccessLine,
        (_, Point::AccessPoint, other) => section_of(other),
        (_, one, Point::AccessPoint) => section_of(one),
        (_, one, other) => section_of(one.max(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Count, Digest, Head, Observation, Person, Traffic};
    use model::{Grant, Passage, Within};
    use serde_json::json;

    fn grant() -> Grant {
        let end = |site: &str, institution: &str, host: &str, address: &str, zone: &str| json!({"site": site, "institution": institution, "host": host, "address": address, "zone": zone});
        serde_json::from_value(json!({
            "id": 7, "agreement": "A-0012", "service": "keyaki/records", "protocol": "tcp", "ports": [443],
            "origin": end("clinic", "aoba", "exam-1", "10.1.20.11", "secure"),
            "destination": end("hospital", "keyaki", "record-server", "10.2.10.10", "dmz"),
            "granted_at": "1970-01-01T00:00:00Z", "lease_until": "1970-01-01T01:00:00Z",
        }))
        .unwrap()
    }

    fn permitted(grant: &Grant) -> Event {
        Event::ConnectionPermitted {
            grant: grant.id,
            from: grant.origin.host_ref(),
            service: grant.service.clone(),
            agreement: grant.agreement.clone(),
            rule: "clinic/allow[0]".into(),
            person: Person { name: "SATO HANAKO".into(), role: None, certificate: Digest::of(b"card") },
            device: Digest::of(b"device"),
            lease_until: grant.lease_until,
        }
    }

    /// An honest record, in the order the center writes it.
    fn told() -> Vec<Event> {
        let grant = grant();
        let seen = |point, phase, at| {
            let site = match point {
                Point::Source => Some(grant.origin.site.clone()),
                Point::AccessPoint => None,
                Point::Destination => Some(grant.destination.site.clone()),
            };
            let count = |packets| Count { packets, bytes: packets * 800 };
            let traffic = (phase == Phase::Closed && point != Point::AccessPoint).then(|| Traffic {
                forth: count(1_000),
                back: count(90_000),
                complete: true,
            });
            let within = |from, to| Within { from: Timestamp(from), to: Timestamp(to) };
            let passage =
                (phase == Phase::Closed).then(|| Passage { first: within(90, 300), last: within(50_000, 59_000) });
            let seen = Observation { site, traffic, passage, ..Observation::of(&grant, phase, Timestamp(at)) };
            Event::evidence(point, seen)
        };
        let mut events = vec![permitted(&grant)];
        events.extend([Point::Source, Point::Destination, Point::AccessPoint].map(|p| seen(p, Phase::Opened, 100)));
        events.push(Event::ConnectionOpen { grant: grant.id });
        events.extend([Point::Source, Point::Destination, Point::AccessPoint].map(|p| seen(p, Phase::Closed, 60_000)));
        events.push(Event::ConnectionClosed { grant: grant.id });
        events
    }

    fn line(events: &[Event]) -> Line {
        let mut head = Head::EMPTY;
        let entries: Vec<Entry> = events
            .iter()
            .enumerate()
            .map(|(n, event)| {
                let entry = head.append(Timestamp(n as i64), event.clone());
                head = entry.head();
                entry
            })
            .collect();
        reconcile(GrantId(7), &entries, Tolerance::default())
    }

    #[test]
    fn an_honest_record_has_no_findings() {
        let line = line(&told());
        assert!(line.points.agree && line.findings().is_empty(), "{line:?}");
        assert!(line.opened.is_some() && line.closed.is_some());
    }

    #[test]
    fn each_of_the_six_records_is_missed_and_its_owner_named_g13() {
        for n in 0..told().len() {
            let mut events = told();
            let Some((point, phase)) = events[n].observation().map(|(p, o)| (p, o.phase)) else { continue };
            events.remove(n);
            let line = line(&events);
            let gap = Gap { point, phase, what: "record" };
            assert!(!line.points.agree, "{point} {phase}");
            assert!(line.findings().contains(&(Finding::Gap(&gap), section_of(point))), "{:?}", line.findings());
        }
    }

    #[test]
    fn each_of_the_six_records_altered_contradicts_the_others_g13() {
        for n in 0..told().len() {
            let mut events = told();
            let Some((point, seen)) = events[n].observation() else { continue };
            let elsewhere = Observation { destination_address: "10.9.9.9".parse().unwrap(), ..seen.clone() };
            events[n] = Event::evidence(point, elsewhere);
            let line = line(&events);
            let contradiction = line.points.contradictions.iter().any(|c| c.what == "destination-address");
            assert!(!line.points.agree && contradiction, "{point}: {line:?}");
        }
    }

    #[test]
    fn a_gate_that_counts_other_traffic_is_found() {
        let mut events = told();
        for event in &mut events {
            if let Event::EvidenceDestination { seen } = event
                && let Some(traffic) = &mut seen.traffic
            {
                traffic.forth.packets += 10_000;
            }
        }
        let line = line(&events);
        assert_eq!(line.points.contradictions[0].what, "traffic-surplus");
        assert_eq!(line.findings()[0].1, Section::Peer);
    }

    #[test]
    fn a_packet_before_anybody_permitted_it_is_found_g13() {
        let mut head = Head::EMPTY;
        let entries: Vec<Entry> = told()
            .into_iter()
            .map(|event| {
                // Permitted at 5 s, when the points say the first packet had passed by 0.3 s.
                let entry = head.append(Timestamp(5_000), event);
                head = entry.head();
                entry
            })
            .collect();
        let line = reconcile(GrantId(7), &entries, Tolerance::default());
        assert!(line.points.contradictions.iter().all(|c| c.what == "first-packet"), "{line:?}");
        assert_eq!(line.points.contradictions.len(), 3);
    }

    #[test]
    fn a_line_declared_open_without_any_evidence_is_three_gaps() {
        let events: Vec<Event> = told().into_iter().filter(|e| e.observation().is_none()).collect();
        let line = line(&events);
        let owed: Vec<_> = line.points.gaps.iter().map(|g| (g.point, g.phase)).collect();
        assert_eq!(owed.len(), 6);
        assert!(Point::ALL.iter().all(|p| owed.contains(&(*p, Phase::Opened)) && owed.contains(&(*p, Phase::Closed))));
        assert!(!line.points.agree);
    }

    #[test]
    fn evidence_of_a_line_nobody_permitted_is_found() {
        let line = line(&told()[1..]);
        assert_eq!(line.points.contradictions[0].what, "never-permitted");
        assert_eq!(line.what.unwrap().0.to_string(), "clinic/exam-1");
    }

    #[test]
    fn what_was_permitted_is_compared_with_what_was_seen() {
        let mut events = told();
        if let Event::ConnectionPermitted { service, .. } = &mut events[0] {
            *service = "keyaki/bookings".parse().unwrap();
        }
        assert_eq!(line(&events).points.contradictions[0].what, "permitted-service");
    }

    #[test]
    fn what_was_only_asked_for_owes_nothing() {
        let line = line(&told()[..1]);
        assert!(line.points.agree && line.findings().is_empty());
    }
}
