//! Does what the three points say of the first and the last packet fit together (G13)?
//!
//! Each says a span in which the moment lies ([`Within`]), because no switch tells the moment itself. Two spans contradict
//! each other only if no moment of the one fits any moment of the other:
//! - at each point: opened ≤ first ≤ last ≤ closed. Rules stand before the tunnel does, so a packet may be counted up to
//!   [`Tolerance::opening_ms`] before both ends held the line, but none before the line was permitted.
//! - what the destination's gate saw first was sent before that, and the access point was not told of a packet that had
//!   not passed yet; a busy switch may count [`Tolerance::late_ms`] late.
//! - while both ends held the line, neither saw packets for longer than [`Tolerance::apart_ms`] before or after the other:
//!   what is lost on the way is sent again sooner than that.
//!
//! Clocks may differ by [`Tolerance::clock_ms`] in each comparison.

use model::{Timestamp, Within};

use crate::points::Story;
use crate::{Gap, Phase, Point, Seen};

impl Story {
    /// First and last packets of all three points.
    pub(crate) fn packets(&mut self, source: &Seen, access_point: &Seen, destination: &Seen) {
        self.own_packets(Point::Source, source);
        self.own_packets(Point::Destination, destination);
        let told = |seen: &Seen| seen.closed.as_ref().and_then(|closed| closed.passage);
        let (at_source, at_destination, heard) = (told(source), told(destination), told(access_point));
        if access_point.closed.is_some() && heard.is_none() && at_source.or(at_destination).is_some() {
            self.gaps.push(Gap { point: Point::AccessPoint, phase: Phase::Closed, what: "packets" });
        }
        self.own_order(Point::AccessPoint, access_point);
        // One of the two told of it: the one that saw it first.
        let ends = [(Point::Source, at_source), (Point::Destination, at_destination)];
        let first = ends.iter().filter_map(|(point, p)| Some((*point, p.as_ref()?.first))).min_by_key(|(_, f)| f.from);
        if let (Some((point, first)), Some(heard)) = (first, heard)
            && self.counted_after(first.from, heard.first.to)
        {
            let [one, other] = [said("first packet", first), said("first packet", heard.first)];
            self.contradict("first-packet", (point, one), (Point::AccessPoint, other));
        }
        if let (Some(one), Some(other)) = (at_source, at_destination) {
            let apart = self.tolerance.apart_ms;
            let early = self.counted_after(one.first.from, other.first.to);
            let late = self.after(other.first.from, one.first.to.plus_ms(apart));
            if early || late {
                let [one, other] = [said("first packet", one.first), said("first packet", other.first)];
                self.contradict("first-packet", (Point::Source, one), (Point::Destination, other));
            }
            let until = |seen: &Seen| seen.closed.as_ref().map_or(Timestamp(i64::MAX), |closed| closed.at);
            let forth = self.after(one.last.from.min(until(destination)), other.last.to.plus_ms(apart));
            let back = self.after(other.last.from.min(until(source)), one.last.to.plus_ms(apart));
            if forth || back {
                let [one, other] = [said("last packet", one.last), said("last packet", other.last)];
                self.contradict("last-packet", (Point::Source, one), (Point::Destination, other));
            }
        }
    }

    /// Also if a busy switch counts late.
    fn counted_after(&self, later: Timestamp, earlier: Timestamp) -> bool {
        self.after(later, earlier.plus_ms(self.tolerance.late_ms))
    }

    /// A gate that counted packets knows when they passed, and one that counted none saw none.
    fn own_packets(&mut self, point: Point, own: &Seen) {
        let Some(closed) = &own.closed else { return };
        let counted = closed.traffic.filter(|t| t.complete).map(|t| t.forth.packets.saturating_add(t.back.packets));
        match (counted, closed.passage) {
            (Some(1..), None) => self.gaps.push(Gap { point, phase: Phase::Closed, what: "packets" }),
            (Some(0), Some(passage)) => {
                self.contradict("packets", (point, "0 packets".into()), (point, said("first packet", passage.first)));
            }
            _ => {}
        }
        self.own_order(point, own);
    }

    fn own_order(&mut self, point: Point, own: &Seen) {
        let Some(closed) = &own.closed else { return };
        let Some(passage) = closed.passage else { return };
        let (first, last) = (passage.first, passage.last);
        let mut wrong = |one: String, other: String| self.contradict("packet-order", (point, one), (point, other));
        if first.from > last.to || first.from > first.to || last.from > last.to {
            wrong(said("first packet", first), said("last packet", last));
        }
        let Some(opened) = &own.opened else { return };
        let clock = self.tolerance.clock_ms.saturating_add(self.tolerance.opening_ms);
        if opened.at > first.to.plus_ms(clock) {
            self.contradict(
                "packet-order",
                (point, format!("opened at {}", opened.at)),
                (point, said("first packet", first)),
            );
        }
        if self.after(last.from, closed.at) {
            self.contradict(
                "packet-order",
                (point, said("last packet", last)),
                (point, format!("closed at {}", closed.at)),
            );
        }
    }
}

pub(crate) fn said(what: &str, when: Within) -> String {
    if when.from == when.to { format!("{what} at {}", when.to) } else { format!("{what} {} to {}", when.from, when.to) }
}
