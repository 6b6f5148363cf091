//! A packet's path as a picture: sites side by side, hosts on top, the switch below them, the gateway at the bottom,
//! tunnels between gateways. Scalable Vector Graphics 1.1, the same bytes for the same path, every word escaped, with
//! title and description for screen readers; nothing is told by colour alone.

use model::{CookieOwner, HostId, Site, SiteId, Zone};
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::refutation::{owner_text, side_text};
use crate::{Hop, refutation::Arg};

/// What to draw.
pub struct Picture<'a> {
    /// Above everything: the question, or the invariant.
    pub title: &'a str,
    /// The packet, in signs.
    pub packet: Option<&'a str>,
    /// Its way.
    pub path: &'a [Hop],
    /// How it ends.
    pub ending: Ending,
    /// Lines below: why, and what to do.
    pub notes: &'a [String],
    /// What is known of the sites; a site not known is drawn by its name.
    pub sites: &'a BTreeMap<SiteId, Site>,
    /// The text of a key in the reader's language.
    pub say: &'a dyn Fn(&str, &[Arg]) -> String,
}

/// How a path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It gets there, as it may.
    Arrives,
    /// It is stopped.
    Stops,
    /// It gets where it must not.
    Breaks,
}

const MARGIN: i32 = 24;
const CARD: i32 = 300;
const GAP: i32 = 96;
const ROW: i32 = 20;
const HOST: i32 = 62;
const TOP: i32 = 92;
const BLACK: &str = "#1b1b1b";
const RED: &str = "#a8071a";
const GREEN: &str = "#1f6b2e";
const BLUE: &str = "#0b4f8a";

impl Picture<'_> {
    /// The picture.
    pub fn svg(&self) -> String {
        let visits = visits(self.path);
        let tall = |rows: usize| 34 + ROW * i32::try_from(rows.max(1)).unwrap_or(i32::MAX / ROW - 34);
        let switches = visits.iter().map(|v| v.switch.len()).max().unwrap_or(0);
        let gateways = visits.iter().map(|v| v.gateway.len()).max().unwrap_or(0);
        let has_gateway = visits.iter().any(Visit::has_gateway);
        let hosts_at = TOP + 64;
        let switch_at = hosts_at + HOST + 40;
        let gateway_at = switch_at + tall(switches) + 40;
        let card_end = if has_gateway { gateway_at + tall(gateways) + 20 } else { gateway_at - 20 };
        let lanes =
            Lanes { hosts_at, switch_at, switch: tall(switches), gateway_at, gateway: tall(gateways), card_end };
        let steps: Vec<String> = self.path.iter().map(|hop| (self.say)(hop.key(), &hop.args())).collect();
        let columns = i32::try_from(visits.len().max(1)).unwrap_or(1);
        let widest = steps.iter().chain(self.notes).map(|s| 40 + cells(s)).chain([cells(self.title) * 4 / 3]).max();
        let width = (2 * MARGIN + columns * CARD + (columns - 1) * GAP).max(2 * MARGIN + widest.unwrap_or(0));
        let listed = i32::try_from(steps.len() + self.notes.len()).unwrap_or(0);
        let height = card_end + 30 + listed * 22 + 34;

        let mut out = String::new();
        let about = steps.iter().enumerate().map(|(n, s)| format!("{}. {s}", n + 1)).collect::<Vec<_>>().join(" / ");
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} \
             {height}\" role=\"img\" aria-labelledby=\"title about\" font-family=\"'Noto Sans CJK JP','Noto Sans JP',\
             'Noto Sans',sans-serif\" font-size=\"13\" fill=\"{BLACK}\">\n<title id=\"title\">{}</title>\n<desc \
             id=\"about\">{}</desc>\n<defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" \
             markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"{BLUE}\"/></marker>\
             </defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
            escaped(self.title),
            escaped(&about)
        );
        text(&mut out, (MARGIN, 36), "font-size=\"18\" font-weight=\"bold\"", self.title);
        if let Some(packet) = self.packet {
            text(&mut out, (MARGIN, 62), "font-family=\"monospace\"", packet);
        }
        for (n, visit) in (0..).zip(&visits) {
            let left = MARGIN + n * (CARD + GAP);
            self.card(&mut out, visit, left, &lanes, n + 1 == columns);
            if visit.tunnel.is_some() {
                self.tunnel(&mut out, visit, left, &lanes);
            }
        }
        let mut y = card_end + 40;
        for (n, step) in steps.iter().enumerate() {
            badge(&mut out, (MARGIN + 9, y - 5), n + 1);
            text(&mut out, (MARGIN + 28, y), "", step);
            y += 22;
        }
        for note in self.notes {
            let colour = if self.ending == Ending::Breaks { RED } else { BLACK };
            text(&mut out, (MARGIN, y + 8), &format!("font-weight=\"bold\" fill=\"{colour}\""), note);
            y += 22;
        }
        out.push_str("</svg>\n");
        out
    }

    fn card(&self, out: &mut String, visit: &Visit<'_>, left: i32, lanes: &Lanes, last: bool) {
        let site = self.sites.get(visit.site);
        let end = lanes.card_end - TOP;
        rect(out, (left, TOP, CARD, end), "#f5f7fa", "#5c6773", "stroke-width=\"1.5\" rx=\"10\"");
        let name = (self.say)("verify-picture-site", &[("site", visit.site.to_string())]);
        text(out, (left + 14, TOP + 26), "font-weight=\"bold\" font-size=\"15\"", &fit(&name, CARD - 28, 15));
        if let Some(site) = site {
            let institution = site.institution.to_string();
            text(out, (left + 14, TOP + 46), "fill=\"#3d4854\"", &fit(&institution, CARD - 28, 13));
        }
        let middle = left + CARD / 2;
        let (sender, receiver) = (left + 78, left + CARD - 78);
        for host in &visit.hosts {
            let x = if host.sends { sender } else { receiver };
            self.host(out, host, site, (x, lanes.hosts_at));
        }
        if !visit.switch.is_empty() {
            let at = (left + 14, lanes.switch_at, CARD - 28, lanes.switch);
            let switch = visit.switch_name.clone().unwrap_or_default();
            let title = (self.say)("verify-picture-switch", &[("switch", switch)]);
            self.list(out, at, &title, &visit.switch, "#ffffff");
        }
        if visit.has_gateway() {
            let at = (left + 14, lanes.gateway_at, CARD - 28, lanes.gateway);
            let title = (self.say)("verify-picture-gateway", &[]);
            self.list(out, at, &title, &visit.gateway, if visit.stopped { "#fdecea" } else { "#ffffff" });
        }
        let switch_end = lanes.switch_at + lanes.switch;
        let has_switch = !visit.switch.is_empty();
        let below = if has_switch { lanes.switch_at } else { lanes.gateway_at };
        if visit.hosts.iter().any(|h| h.sends) && (has_switch || visit.has_gateway()) {
            arrow(out, (sender, lanes.hosts_at + HOST), (sender, below));
        }
        let reaches = visit.hosts.iter().any(|h| !h.sends);
        if reaches {
            let from = if has_switch || visit.has_gateway() { below } else { lanes.hosts_at + HOST + 30 };
            arrow(out, (receiver, from), (receiver, lanes.hosts_at + HOST));
        }
        if has_switch && visit.comes {
            arrow(out, (middle - 40, lanes.gateway_at), (middle - 40, switch_end));
        }
        if has_switch && (visit.goes || visit.stopped && !visit.comes) {
            arrow(out, (middle + 40, switch_end), (middle + 40, lanes.gateway_at));
        }
        if last {
            let at = match (reaches, visit.has_gateway() && (visit.stopped || !has_switch)) {
                (true, _) => (receiver + 62, lanes.hosts_at),
                (false, true) => (left + CARD - 24, lanes.gateway_at),
                (false, false) if has_switch => (left + CARD - 24, lanes.switch_at),
                (false, false) => (sender + 62, lanes.hosts_at),
            };
            self.ending(out, at);
        }
    }

    fn host(&self, out: &mut String, host: &Standing<'_>, site: Option<&Site>, (x, y): (i32, i32)) {
        let known = site.and_then(|s| Some((s.hosts.get(host.host)?, s)));
        let zone = known.and_then(|(h, s)| s.zone_of(h));
        let fill = match zone {
            Some(Zone::HighSecure) => "#e3d7f3",
            Some(Zone::Secure) => "#d6e6f5",
            Some(Zone::Dmz) => "#fbe8c6",
            None => "#ffffff",
        };
        let width = 132;
        rect(out, (x - width / 2, y, width, HOST), fill, BLACK, "rx=\"6\"");
        badge(out, (x - width / 2, y), host.step);
        centred(out, (x, y + 20), "font-weight=\"bold\"", &fit(host.host.as_str(), width - 12, 13));
        if let Some((at, _)) = known {
            centred(out, (x, y + 37), "font-size=\"11\" font-family=\"monospace\"", &at.address.to_string());
        }
        if let Some(zone) = zone {
            // Without what stands in brackets behind the name.
            let zone = (self.say)(&format!("zone-{zone}"), &[]);
            let short = zone.split('（').next().unwrap_or(&zone);
            centred(out, (x, y + 53), "font-size=\"11\"", &fit(short, width - 8, 11));
        }
    }

    fn list(&self, out: &mut String, (x, y, w, h): (i32, i32, i32, i32), title: &str, rows: &[Row], fill: &str) {
        rect(out, (x, y, w, h), fill, BLACK, "rx=\"4\"");
        text(out, (x + 10, y + 20), "font-weight=\"bold\"", &fit(title, w - 50, 13));
        let mut at = y + 20 + ROW;
        for row in rows {
            badge(out, (x + 17, at - 5), row.step);
            let said = (self.say)(row.key, &row.args);
            let colour = if row.key == "verify-picture-stopped" { RED } else { BLACK };
            text(out, (x + 34, at), &format!("fill=\"{colour}\" font-size=\"12\""), &fit(&said, w - 42, 12));
            at += ROW;
        }
    }

    fn tunnel(&self, out: &mut String, visit: &Visit<'_>, left: i32, lanes: &Lanes) {
        let y = lanes.gateway_at + 26;
        let (from, to) = (left - GAP - 14, left + 14);
        rect(out, (left - GAP, y - 9, GAP, 18), "#e8f0e4", "#2f5d1e", "rx=\"9\"");
        arrow(out, (from, y), (to, y));
        if let Some((step, grant)) = &visit.tunnel {
            badge(out, (left - GAP / 2, y), *step);
            let key = if grant.is_some() { "verify-picture-tunnel-of" } else { "verify-picture-tunnel" };
            let args: Vec<Arg> = grant.iter().map(|g| ("grant", g.clone())).collect();
            let said = (self.say)(key, &args);
            centred(out, (left - GAP / 2, y - 18), "font-size=\"12\"", &fit(&said, GAP + 20, 12));
        }
    }

    fn ending(&self, out: &mut String, (x, y): (i32, i32)) {
        let (colour, key) = match self.ending {
            Ending::Arrives => (GREEN, "verify-picture-arrives"),
            Ending::Stops => (RED, "verify-picture-stops"),
            Ending::Breaks => (RED, "verify-picture-breaks"),
        };
        let _ = writeln!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"13\" fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"2\"><title>{}\
             </title></circle>",
            escaped(&(self.say)(key, &[]))
        );
        let sign = match self.ending {
            Ending::Arrives => format!("M{} {y}l4 5l8 -10", x - 6),
            Ending::Stops => format!("M{} {}l10 10m0 -10l-10 10", x - 5, y - 5),
            Ending::Breaks => format!("M{x} {}v8m0 4v2", y - 7),
        };
        let _ = writeln!(out, "<path d=\"{sign}\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"3\"/>");
    }
}

struct Lanes {
    hosts_at: i32,
    switch_at: i32,
    switch: i32,
    gateway_at: i32,
    gateway: i32,
    card_end: i32,
}

/// A stay of the packet at a site.
struct Visit<'a> {
    site: &'a SiteId,
    hosts: Vec<Standing<'a>>,
    switch_name: Option<String>,
    switch: Vec<Row>,
    gateway: Vec<Row>,
    /// Came by a tunnel; goes by one.
    comes: bool,
    goes: bool,
    stopped: bool,
    /// The tunnel it came by: step and grant.
    tunnel: Option<(usize, Option<String>)>,
}

struct Standing<'a> {
    host: &'a HostId,
    sends: bool,
    step: usize,
}

struct Row {
    step: usize,
    key: &'static str,
    args: Vec<Arg>,
}

impl Visit<'_> {
    fn has_gateway(&self) -> bool {
        self.comes || self.goes || self.stopped || !self.gateway.is_empty()
    }
}

fn visits(path: &[Hop]) -> Vec<Visit<'_>> {
    let mut visits: Vec<Visit<'_>> = Vec::new();
    for (step, hop) in (1..).zip(path) {
        let site = match hop {
            Hop::Host { site, .. }
            | Hop::Enters { site, .. }
            | Hop::Rule { site, .. }
            | Hop::Leaves { site, .. }
            | Hop::Filter { site, .. }
            | Hop::Stopped { site }
            | Hop::Reaches { site, .. } => site,
            Hop::Tunnel { from, to, grant } => {
                here(&mut visits, from).goes = true;
                let mut visit = fresh(to);
                visit.comes = true;
                visit.tunnel = Some((step, grant.map(|g| g.to_string())));
                visits.push(visit);
                continue;
            }
        };
        let visit = here(&mut visits, site);
        match hop {
            Hop::Host { host, .. } => visit.hosts.push(Standing { host, sends: true, step }),
            Hop::Reaches { host, .. } => visit.hosts.push(Standing { host, sends: false, step }),
            Hop::Enters { switch, port, .. } => {
                visit.switch_name = Some(switch.to_string());
                visit.switch.push(Row { step, key: "verify-picture-enters", args: vec![("port", port.to_string())] });
            }
            Hop::Leaves { port, .. } => {
                visit.switch.push(Row { step, key: "verify-picture-leaves", args: vec![("port", port.to_string())] });
            }
            Hop::Rule { switch, table, priority, owner, .. } => {
                visit.switch_name = Some(switch.to_string());
                let args = vec![
                    ("table", table.number().to_string()),
                    ("priority", priority.to_string()),
                    ("owner", owner_text(*owner)),
                ];
                let key =
                    if *owner == CookieOwner::Standing { "verify-picture-standing" } else { "verify-picture-rule" };
                visit.switch.push(Row { step, key, args });
            }
            Hop::Filter { owner, from, to, .. } => {
                let args = vec![
                    ("owner", owner_text(*owner)),
                    ("from", side_text(*from).to_owned()),
                    ("to", side_text(*to).to_owned()),
                ];
                visit.gateway.push(Row { step, key: "verify-picture-filter", args });
            }
            Hop::Stopped { .. } => {
                visit.stopped = true;
                visit.gateway.push(Row { step, key: "verify-picture-stopped", args: Vec::new() });
            }
            Hop::Tunnel { .. } => {}
        }
    }
    visits
}

fn here<'v, 'a>(visits: &'v mut Vec<Visit<'a>>, site: &'a SiteId) -> &'v mut Visit<'a> {
    if visits.last().is_none_or(|v| v.site != site) {
        visits.push(fresh(site));
    }
    visits.last_mut().expect("pushed above if there was none")
}

fn fresh(site: &SiteId) -> Visit<'_> {
    Visit {
        site,
        hosts: Vec::new(),
        switch_name: None,
        switch: Vec::new(),
        gateway: Vec::new(),
        comes: false,
        goes: false,
        stopped: false,
        tunnel: None,
    }
}

fn rect(out: &mut String, (x, y, w, h): (i32, i32, i32, i32), fill: &str, stroke: &str, more: &str) {
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{fill}\" stroke=\"{stroke}\" {more}/>"
    );
}

fn text(out: &mut String, (x, y): (i32, i32), more: &str, said: &str) {
    let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" {more}>{}</text>", escaped(said));
}

fn centred(out: &mut String, at: (i32, i32), more: &str, said: &str) {
    text(out, at, &format!("text-anchor=\"middle\" {more}"), said);
}

fn arrow(out: &mut String, (x1, y1): (i32, i32), (x2, y2): (i32, i32)) {
    let _ = writeln!(
        out,
        "<path d=\"M{x1} {y1}L{x2} {y2}\" stroke=\"{BLUE}\" stroke-width=\"2.5\" fill=\"none\" marker-end=\"url(#tip)\"/>"
    );
}

/// The number of a step.
fn badge(out: &mut String, (x, y): (i32, i32), step: usize) {
    let _ = writeln!(
        out,
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"9\" fill=\"{BLUE}\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" \
         font-size=\"10\" font-weight=\"bold\" fill=\"#ffffff\">{step}</text>",
        y + 4
    );
}

/// Width in pixels at 13 pixels a line: wide (Japanese) characters take twice as much.
fn cells(said: &str) -> i32 {
    said.chars().map(|c| if (c as u32) < 0x1100 { 8 } else { 14 }).sum()
}

/// As much of it as there is room for; the list below has it whole.
fn fit(said: &str, room: i32, size: i32) -> String {
    let wide = |s: &str| cells(s) * size / 13;
    if wide(said) <= room {
        return said.to_owned();
    }
    let mut cut = String::new();
    for c in said.chars() {
        if wide(&cut) + wide(&c.to_string()) + size > room {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// For text and attributes alike; control characters, which XML 1.0 forbids, become spaces.
fn escaped(said: &str) -> String {
    let mut out = String::with_capacity(said.len());
    for c in said.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_leaves_its_place() {
        let sites = BTreeMap::new();
        let path = [Hop::Stopped { site: "clinic".parse().unwrap() }];
        let evil = "</text><script>alert('1')</script>\" onload=\"x\u{0}";
        let notes = [evil.to_owned()];
        let svg = Picture {
            title: evil,
            packet: Some(evil),
            path: &path,
            ending: Ending::Stops,
            notes: &notes,
            sites: &sites,
            say: &|_, _| evil.to_owned(),
        }
        .svg();
        assert!(!svg.contains("<script") && !svg.contains("\" onload") && !svg.contains('\u{0}'), "{svg}");
    }

    #[test]
    fn a_path_of_nothing_is_a_picture_too() {
        let sites = BTreeMap::new();
        let svg = Picture {
            title: "t",
            packet: None,
            path: &[],
            ending: Ending::Stops,
            notes: &[],
            sites: &sites,
            say: &|key, _| key.to_owned(),
        }
        .svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn long_words_are_cut_where_the_box_ends() {
        assert_eq!(fit("short", 100, 13), "short");
        let cut = fit("高機密ゾーン（High Secure Zone）", 100, 13);
        assert!(cut.ends_with('…') && cells(&cut) <= 100 + 14, "{cut}");
    }
}
