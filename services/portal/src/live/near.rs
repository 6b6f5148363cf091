//! Few sites, drawn whole: cards in two columns with zones and hosts, the lines in the gutter between, each with a label
//! that says who and until when.

use model::{ConnectionState, HostId, HostRef, SiteId};
use std::collections::{BTreeMap, BTreeSet};
use texts::Arg;
use wire::live::{LiveLine, LiveSite, LiveView, LiveZone};

use super::draw::{At, Drawing, Health};
use crate::reader::Reader;
use crate::times::clock;

const MARGIN: i32 = 16;
const CARD: i32 = 320;
const GUTTER: i32 = 460;
const LABEL: (i32, i32) = (280, 44);
const LABEL_STEP: i32 = 54;
const HEAD: i32 = 50;
const ZONE: i32 = 26;
const ROW: i32 = 28;
const GAP: i32 = 18;
const TOP: i32 = 12;
/// Hosts of a zone drawn although no line touches them.
const QUIET_HOSTS: usize = 4;
/// Lines drawn one by one; more are drawn a bundle a pair of sites.
const SINGLE: usize = 16;

/// Whether a view is small enough to be drawn like this.
pub(super) fn fits(view: &LiveView) -> bool {
    view.sites.len() <= 12
}

/// The picture.
pub(super) fn svg(view: &LiveView, reader: &Reader, title: &str) -> String {
    let busy: BTreeSet<&HostRef> = view.lines.iter().flat_map(|l| [&l.connection.from, &l.connection.to]).collect();
    let (left, right) = columns(view);
    let mut drawing = Drawing::default();
    let mut anchors: BTreeMap<HostRef, (At, Column)> = BTreeMap::new();
    let mut ends = [TOP, TOP];
    for (column, sites) in [(Column::Left, &left), (Column::Right, &right)] {
        let mut y = TOP;
        for site in sites {
            y = card(&mut drawing, site, column, y, &busy, reader, &mut anchors) + GAP;
        }
        ends[usize::from(column == Column::Right)] = y;
    }
    let strands = strands(view, &anchors);
    let cards_end = ends[0].max(ends[1]);
    let spread = i32::try_from(strands.len()).unwrap_or(0) * LABEL_STEP;
    let mut next = TOP.max((cards_end - spread) / 2 - LABEL_STEP);
    let mut labels = Vec::new();
    for strand in strands {
        let wanted = (strand.from.0.1 + strand.to.0.1) / 2 - LABEL.1 / 2;
        let y = wanted.max(next);
        next = y + LABEL_STEP;
        labels.push((strand, y));
    }
    // All ways first, so that no label is crossed by one.
    for (strand, y) in &labels {
        way(&mut drawing, strand, *y);
    }
    for (strand, y) in &labels {
        label(&mut drawing, strand, *y, view, reader);
    }
    let height = cards_end.max(next) + 4;
    drawing.finish((2 * MARGIN + 2 * CARD + GUTTER, height), title, &reader.say("portal-live-about"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Left,
    Right,
}

impl Column {
    fn x(self) -> i32 {
        match self {
            Self::Left => MARGIN,
            Self::Right => MARGIN + CARD + GUTTER,
        }
    }
}

/// Those that mostly ask stand left, those that mostly serve right; who does neither fills the shorter column.
fn columns(view: &LiveView) -> (Vec<&LiveSite>, Vec<&LiveSite>) {
    let mut net: BTreeMap<&SiteId, i64> = BTreeMap::new();
    for line in &view.lines {
        *net.entry(&line.connection.from.site).or_default() += 1;
        *net.entry(&line.connection.to.site).or_default() -= 1;
    }
    let (mut left, mut right, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for site in &view.sites {
        match net.get(&site.site) {
            Some(1..) => left.push(site),
            Some(_) => right.push(site),
            None => idle.push(site),
        }
    }
    for site in idle {
        let small = site.model == model::SiteModel::Small;
        let to_left = if left.len() == right.len() { small } else { left.len() < right.len() };
        if to_left { left.push(site) } else { right.push(site) }
    }
    (left, right)
}

/// Draws a site's card; gives its lower end.
fn card(
    drawing: &mut Drawing,
    site: &LiveSite,
    column: Column,
    y: i32,
    busy: &BTreeSet<&HostRef>,
    reader: &Reader,
    anchors: &mut BTreeMap<HostRef, (At, Column)>,
) -> i32 {
    let x = column.x();
    let zones: Vec<(&LiveZone, Vec<&HostId>, usize)> =
        site.zones.iter().map(|zone| shown_hosts(site, zone, busy)).collect();
    let rows = |hosts: &[&HostId], folded: usize| i32::try_from(hosts.len()).unwrap_or(0) + i32::from(folded > 0);
    let body: i32 = zones.iter().map(|(_, hosts, folded)| ZONE + ROW * rows(hosts, *folded) + 8).sum();
    let end = y + HEAD + body + 6;
    let health = Health::of(site);
    drawing.rect(if health == Health::Away { "card away" } else { "card" }, (x, y, CARD, end - y), 10);
    drawing.link(&super::focus(&site.site), &super::site_in_words(site, reader));
    drawing.gate_sign(health, (x + 18, y + 19));
    drawing.text("name", (x + 34, y + 24), 16, CARD - 46, reader.name(&site.name));
    drawing.text(
        "quiet",
        (x + 34, y + 42),
        12,
        CARD - 46,
        &format!("{} · {}", site.site, super::health_word(site, reader)),
    );
    drawing.link_end();
    let mut at = y + HEAD;
    for (zone, hosts, folded) in &zones {
        let high = ZONE + ROW * rows(hosts, *folded) + 2;
        drawing.rect(&format!("zone z-{}", zone.zone), (x + 8, at, CARD - 16, high), 6);
        drawing.text("zonename", (x + 18, at + 18), 12, CARD - 36, &Arg::from(zone.zone).worded(reader.texts));
        let mut row = at + ZONE;
        for host in hosts {
            let centre = row + ROW / 2 - 2;
            let known = zone.hosts.iter().find(|h| h.host == **host);
            let reference = HostRef { site: site.site.clone(), host: (*host).clone() };
            let touched = busy.contains(&reference);
            drawing.rect(if touched { "host busy" } else { "host" }, (x + 14, row, CARD - 28, ROW - 4), 4);
            drawing.text("hostname", (x + 24, row + 17), 13, 150, host.as_str());
            if let Some(host) = known {
                drawing.text_to("address", (x + CARD - 24, row + 17), 12, &host.address.to_string());
            }
            let edge = if column == Column::Left { x + CARD - 14 } else { x + 14 };
            anchors.insert(reference, ((edge, centre), column));
            row += ROW;
        }
        if *folded > 0 {
            let more = reader.tell("portal-live-more-hosts", &[("count", Arg::Number(*folded as i64))]);
            drawing.text("quiet", (x + 24, row + 15), 12, CARD - 48, &more);
        }
        at += high + 6;
    }
    end
}

/// The hosts a card names: all with a line, and a few without.
fn shown_hosts<'a>(
    site: &LiveSite,
    zone: &'a LiveZone,
    busy: &BTreeSet<&HostRef>,
) -> (&'a LiveZone, Vec<&'a HostId>, usize) {
    let mut quiet = 0;
    let mut hosts = Vec::new();
    for host in &zone.hosts {
        let touched = busy.contains(&HostRef { site: site.site.clone(), host: host.host.clone() });
        quiet += usize::from(!touched);
        if touched || quiet <= QUIET_HOSTS {
            hosts.push(&host.host);
        }
    }
    (zone, hosts, quiet.saturating_sub(QUIET_HOSTS))
}

/// A line, or a bundle of lines between the same ends.
struct Strand<'a> {
    lines: Vec<&'a LiveLine>,
    from: (At, Column),
    to: (At, Column),
}

fn strands<'a>(view: &'a LiveView, anchors: &BTreeMap<HostRef, (At, Column)>) -> Vec<Strand<'a>> {
    let mut bundles: BTreeMap<(u64, &SiteId, &SiteId), Vec<&LiveLine>> = BTreeMap::new();
    for line in &view.lines {
        let alone = if view.lines.len() <= SINGLE { line.grant().0 } else { 0 };
        let key = (alone, &line.connection.from.site, &line.connection.to.site);
        bundles.entry(key).or_default().push(line);
    }
    let mut strands: Vec<Strand<'_>> = bundles
        .into_values()
        .filter_map(|lines| {
            let first = lines.first()?;
            let (from, to) = (*anchors.get(&first.connection.from)?, *anchors.get(&first.connection.to)?);
            Some(Strand { lines, from, to })
        })
        .collect();
    strands.sort_by_key(|s| (s.from.0.1 + s.to.0.1, s.from.0.1));
    strands
}

fn way(drawing: &mut Drawing, strand: &Strand<'_>, y: i32) {
    let left = MARGIN + CARD + (GUTTER - LABEL.0) / 2;
    let right = left + LABEL.0;
    let state = match strand.lines.as_slice() {
        [line] => line.connection.state,
        _ => ConnectionState::Open,
    };
    let class = format!("line s-{state}");
    let ((fx, fy), from) = strand.from;
    let ((tx, ty), to) = strand.to;
    let middle = y + LABEL.1 / 2;
    // Where both ends hang on one side the way comes back below where it went in.
    let same = from == to;
    let side = |column: Column| if column == Column::Left { left } else { right };
    let (enter, leave) = if same { (middle - 9, middle + 9) } else { (middle, middle) };
    let bend = |x: i32, edge: i32| (x + edge) / 2;
    let (a, b) = (side(from), side(to));
    drawing.path(&class, &format!("M{fx} {fy}C{} {fy} {} {enter} {a} {enter}", bend(fx, a), bend(fx, a)), false);
    drawing.path(&class, &format!("M{b} {leave}C{} {leave} {} {ty} {tx} {ty}", bend(tx, b), bend(tx, b)), true);
    drawing.dot("start", (fx, fy), 4);
}

fn label(drawing: &mut Drawing, strand: &Strand<'_>, y: i32, view: &LiveView, reader: &Reader) {
    let x = MARGIN + CARD + (GUTTER - LABEL.0) / 2;
    let Some(first) = strand.lines.first() else { return };
    let until = strand.lines.iter().map(|l| l.connection.lease_until).max().unwrap_or(first.connection.lease_until);
    let until = reader.tell("portal-live-until", &[("at", clock(until, view.now, reader.texts).into())]);
    let (upper, lower) = match strand.lines.as_slice() {
        [line] => {
            let state = line.connection.state;
            let word = if state == ConnectionState::Open {
                String::new()
            } else {
                format!(" · {}", reader.say(&format!("state-{state}")))
            };
            (line.person.clone(), format!("{} · {until}{word}", reader.name(&line.service_name)))
        }
        many => {
            let count = reader.tell("portal-live-many", &[("count", Arg::Number(many.len() as i64))]);
            (count, until)
        }
    };
    drawing.rect(&format!("label s-{}", first.connection.state), (x, y, LABEL.0, LABEL.1), 8);
    let badge = if strand.lines.len() == 1 { first.grant().to_string() } else { format!("×{}", strand.lines.len()) };
    drawing.text_to("badge", (x + LABEL.0 - 12, y + 18), 12, &badge);
    drawing.text("who", (x + 12, y + 18), 13, LABEL.0 - 76, &upper);
    drawing.text("until", (x + 12, y + 36), 12, LABEL.0 - 24, &lower);
}
