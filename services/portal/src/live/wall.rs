//! Many sites, folded: what needs attention first, then a band for every site that serves, with those that use it, then
//! those without a line. Every tile leads to its site drawn whole.

use std::collections::{BTreeMap, BTreeSet};
use texts::Arg;
use wire::live::{LiveSite, LiveView};

use super::draw::{Drawing, Health};
use crate::reader::Reader;
use crate::times::clock;

const MARGIN: i32 = 16;
const WIDTH: i32 = 1132;
const SIDE: i32 = 252;
const TILE: (i32, i32) = (158, 40);
/// Height of a tile on one line, where many stand together.
const LOW: i32 = 27;
const MANY: usize = 15;
const CHIP: (i32, i32) = (132, 26);
const GAP: i32 = 8;
const BAND_GAP: i32 = 22;

/// The picture.
pub(super) fn svg(view: &LiveView, reader: &Reader, title: &str) -> String {
    let sites: BTreeMap<&model::SiteId, &LiveSite> = view.sites.iter().map(|s| (&s.site, s)).collect();
    // Destination, then origin, to number of lines and end of the last lease.
    let mut bands: BTreeMap<&model::SiteId, BTreeMap<&model::SiteId, (i64, model::Timestamp)>> = BTreeMap::new();
    let mut touched = BTreeSet::new();
    for line in &view.lines {
        let connection = &line.connection;
        let entry = bands.entry(&connection.to.site).or_default().entry(&connection.from.site);
        let (count, until) = entry.or_insert((0, connection.lease_until));
        *count += 1;
        *until = (*until).max(connection.lease_until);
        touched.extend([&connection.from.site, &connection.to.site]);
    }
    let mut drawing = Drawing::default();
    let mut y = 8;
    let sick: Vec<&LiveSite> = view.sites.iter().filter(|s| Health::of(s) >= Health::Alarm).collect();
    if !sick.is_empty() {
        y = heading(&mut drawing, y, &reader.say("portal-live-band-attention"));
        y = tiles(&mut drawing, MARGIN, y, &sick, |site| super::health_word(site, reader), reader) + BAND_GAP;
    }
    // The busiest first; of the same size by name.
    let mut order: Vec<_> = bands.iter().collect();
    order.sort_by_key(|(site, origins)| (-origins.values().map(|(n, _)| n).sum::<i64>(), *site));
    for (destination, origins) in order {
        let Some(site) = sites.get(destination) else { continue };
        y = band(&mut drawing, y, site, origins, &sites, view, reader) + BAND_GAP;
    }
    let idle: Vec<&LiveSite> =
        view.sites.iter().filter(|s| !touched.contains(&s.site) && Health::of(s) < Health::Alarm).collect();
    if !idle.is_empty() {
        y = heading(&mut drawing, y, &reader.say("portal-live-band-idle"));
        y = chips(&mut drawing, y, &idle, reader) + BAND_GAP;
    }
    drawing.finish((2 * MARGIN + WIDTH, y), title, &reader.say("portal-live-about"))
}

fn heading(drawing: &mut Drawing, y: i32, words: &str) -> i32 {
    drawing.text("heading", (MARGIN, y + 16), 15, WIDTH, words);
    y + 26
}

/// A site that serves, and who uses it.
fn band(
    drawing: &mut Drawing,
    y: i32,
    site: &LiveSite,
    origins: &BTreeMap<&model::SiteId, (i64, model::Timestamp)>,
    sites: &BTreeMap<&model::SiteId, &LiveSite>,
    view: &LiveView,
    reader: &Reader,
) -> i32 {
    let lines: i64 = origins.values().map(|(count, _)| count).sum();
    let x = MARGIN + SIDE + 44;
    let users: Vec<&LiveSite> = origins.keys().filter_map(|id| sites.get(id).copied()).collect();
    let until = |site: &LiveSite| {
        let (count, until) = origins.get(&site.site).copied().unwrap_or((0, view.now));
        let until = reader.tell("portal-live-until", &[("at", clock(until, view.now, reader.texts).into())]);
        let many = reader.tell("portal-live-many", &[("count", Arg::Number(count))]);
        if count == 1 { until } else { format!("{many} · {until}") }
    };
    let brief = |site: &LiveSite| {
        let (count, until) = origins.get(&site.site).copied().unwrap_or((0, view.now));
        let until = clock(until, view.now, reader.texts);
        if count == 1 { until } else { format!("×{count} {until}") }
    };
    let end = match users.len() {
        ..MANY => tiles(drawing, x, y, &users, until, reader),
        _ => low_tiles(drawing, x, y, &users, brief, reader),
    };
    let end = end.max(y + 76);
    drawing.link(&super::focus(&site.site), &super::site_in_words(site, reader));
    drawing.rect(if Health::of(site) == Health::Away { "card away" } else { "card" }, (MARGIN, y, SIDE, 76), 10);
    drawing.gate_sign(Health::of(site), (MARGIN + 18, y + 20));
    drawing.text("name", (MARGIN + 34, y + 25), 16, SIDE - 46, reader.name(&site.name));
    drawing.text(
        "quiet",
        (MARGIN + 34, y + 44),
        12,
        SIDE - 46,
        &format!("{} · {}", site.site, super::health_word(site, reader)),
    );
    let said = [
        reader.tell("portal-live-serves", &[("count", Arg::Number(lines))]),
        reader.tell("portal-live-from-sites", &[("count", Arg::Number(users.len() as i64))]),
    ];
    drawing.text("who", (MARGIN + 34, y + 63), 13, SIDE - 46, &said.join(" · "));
    drawing.link_end();
    // A brace: all that stands right of it comes in here.
    let (from, to) = (MARGIN + SIDE + 32, MARGIN + SIDE + 4);
    drawing.path("trunk", &format!("M{} {y}H{from}V{end}H{}", from + 6, from + 6), false);
    drawing.path("line s-open", &format!("M{from} {}H{to}", y + 38), true);
    end
}

fn tiles(
    drawing: &mut Drawing,
    left: i32,
    y: i32,
    sites: &[&LiveSite],
    below: impl Fn(&LiveSite) -> String,
    reader: &Reader,
) -> i32 {
    let columns = ((MARGIN + WIDTH - left + GAP) / (TILE.0 + GAP)).max(1);
    for (n, site) in (0..).zip(sites) {
        let (x, y) = (left + n % columns * (TILE.0 + GAP), y + n / columns * (TILE.1 + GAP));
        let health = Health::of(site);
        drawing.link(&super::focus(&site.site), &super::site_in_words(site, reader));
        drawing.rect(if health == Health::Away { "tile away" } else { "tile" }, (x, y, TILE.0, TILE.1), 6);
        drawing.gate_sign(health, (x + 14, y + 14));
        drawing.text("tilename", (x + 27, y + 18), 13, TILE.0 - 34, reader.name(&site.name));
        drawing.text("quiet", (x + 27, y + 33), 11, TILE.0 - 34, &below(site));
        drawing.link_end();
    }
    y + rows(sites.len(), columns) * (TILE.1 + GAP) - GAP
}

fn low_tiles(
    drawing: &mut Drawing,
    left: i32,
    y: i32,
    sites: &[&LiveSite],
    beside: impl Fn(&LiveSite) -> String,
    reader: &Reader,
) -> i32 {
    let columns = ((MARGIN + WIDTH - left + GAP) / (TILE.0 + GAP)).max(1);
    for (n, site) in (0..).zip(sites) {
        let (x, y) = (left + n % columns * (TILE.0 + GAP), y + n / columns * (LOW + GAP / 2));
        let health = Health::of(site);
        drawing.link(&super::focus(&site.site), &super::site_in_words(site, reader));
        drawing.rect(if health == Health::Away { "tile away" } else { "tile" }, (x, y, TILE.0, LOW), 6);
        drawing.gate_sign(health, (x + 13, y + 13));
        let beside = beside(site);
        let taken = super::draw::cells(&beside) * 11 / 20 + 44;
        drawing.text("tilename", (x + 25, y + 18), 12, TILE.0 - taken, reader.name(&site.name));
        drawing.text_to("quiet", (x + TILE.0 - 9, y + 18), 11, &beside);
        drawing.link_end();
    }
    y + rows(sites.len(), columns) * (LOW + GAP / 2) - GAP / 2
}

fn chips(drawing: &mut Drawing, y: i32, sites: &[&LiveSite], reader: &Reader) -> i32 {
    let columns = (WIDTH + GAP) / (CHIP.0 + GAP);
    for (n, site) in (0..).zip(sites) {
        let (x, y) = (MARGIN + n % columns * (CHIP.0 + GAP), y + n / columns * (CHIP.1 + GAP));
        drawing.link(&super::focus(&site.site), &super::site_in_words(site, reader));
        drawing.rect("tile", (x, y, CHIP.0, CHIP.1), 6);
        drawing.gate_sign(Health::of(site), (x + 14, y + 13));
        drawing.text("tilename", (x + 27, y + 18), 12, CHIP.0 - 34, reader.name(&site.name));
        drawing.link_end();
    }
    y + rows(sites.len(), columns) * (CHIP.1 + GAP) - GAP
}

fn rows(count: usize, columns: i32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX / 64).saturating_add(columns - 1) / columns
}
