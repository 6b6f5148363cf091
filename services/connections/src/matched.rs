//! Reconcile lines at their three points (G13): what is missing, what contradicts, and in whose section.

use audit::{Contradiction, Finding, Gap, Line, Point, Seen, Tolerance, concerns_a_line, reconcile};
use model::GrantId;
use std::collections::BTreeSet;
use texts::{Arg, Texts};
use wire::inquiry::{FindingKind, MatchFinding, MatchPage, MatchedLine, MatchedPoint};

use crate::{Center, Refused, Trouble};

/// Entries looked through at a time.
const PAGE: u32 = 1000;

/// The lines whose first record is among the entries after `after`. One line is told with all its entries, wherever in
/// the log they are, so that pages never cut a line in two.
///
/// # Errors
/// [`Refused`] if the registry cannot be read.
pub async fn log_match(
    center: &Center,
    after: Option<u64>,
    limit: Option<u32>,
    texts: &Texts,
) -> Result<MatchPage, Refused> {
    let (from, limit) = (after.map_or(1, |n| n.saturating_add(1)), limit.unwrap_or(PAGE).clamp(1, PAGE));
    let entries = center.registry().audit_from(from, limit).await?;
    let (mut lines, mut told) = (Vec::new(), BTreeSet::new());
    for entry in entries.iter().filter(|e| concerns_a_line(e)) {
        let Some(grant) = entry.grant().filter(|grant| told.insert(*grant)) else { continue };
        let all = center.registry().audit_of(grant).await?;
        let first = all.iter().find(|e| concerns_a_line(e));
        if first.is_some_and(|first| first.seq >= from) {
            lines.push(view(&reconcile(grant, &all, Tolerance::default()), texts));
        }
    }
    let full = entries.len() == limit as usize;
    Ok(MatchPage { lines, next: entries.last().map(|e| e.seq).filter(|_| full) })
}

/// One line.
///
/// # Errors
/// [`Trouble::NoSuchConnection`] if the log knows nothing of it; [`Refused`] if the registry cannot be read.
pub async fn line_match(center: &Center, grant: GrantId, texts: &Texts) -> Result<MatchPage, Refused> {
    let all = center.registry().audit_of(grant).await?;
    if all.is_empty() {
        return Err(Refused::trouble(Trouble::NoSuchConnection, [("grant", Arg::text(grant))]));
    }
    Ok(MatchPage { lines: vec![view(&reconcile(grant, &all, Tolerance::default()), texts)], next: None })
}

fn view(line: &Line, texts: &Texts) -> MatchedLine {
    let (from, service) = line.what.clone().unzip();
    let findings = line.findings().into_iter().map(|(finding, section)| {
        let (kind, what, text) = match finding {
            Finding::Gap(gap) => {
                (FindingKind::Gap, format!("{} {} {}", gap.point, gap.phase, gap.what), say_gap(gap, texts))
            }
            Finding::Contradiction(c) => (FindingKind::Contradiction, c.what.to_owned(), contradiction(c, texts)),
        };
        MatchFinding { kind, what, section, text }
    });
    MatchedLine {
        grant: line.grant,
        from,
        service,
        opened: line.opened,
        closed: line.closed,
        agree: line.points.agree,
        findings: findings.collect(),
        points: Point::ALL.map(|point| recorded(point, line.points.seen(point))).into(),
    }
}

fn recorded(point: Point, seen: &Seen) -> MatchedPoint {
    let closed = seen.closed.as_ref();
    let passage = closed.and_then(|closed| closed.passage);
    let traffic = closed.and_then(|closed| closed.traffic);
    MatchedPoint {
        point: point.to_string(),
        opened: seen.opened.as_ref().map(|opened| opened.at),
        first: passage.map(|passage| passage.first),
        last: passage.map(|passage| passage.last),
        closed: closed.map(|closed| closed.at),
        packets: traffic.map(|t| t.forth.packets.saturating_add(t.back.packets)),
        bytes: traffic.map(|t| t.forth.bytes.saturating_add(t.back.bytes)),
    }
}

fn say_gap(gap: &Gap, texts: &Texts) -> String {
    let point = texts.say(&format!("point-{}", gap.point), &[]);
    texts.say(&format!("match-gap-{}-{}", gap.what, gap.phase), &[("point", point.into())])
}

/// In the reader's language; the log's own words for values.
pub(crate) fn contradiction(c: &Contradiction, texts: &Texts) -> String {
    let point = |point: audit::Point| Arg::from(texts.say(&format!("point-{point}"), &[]));
    let args = [
        ("what", Arg::from(texts.say(&format!("match-{}", c.what), &[]))),
        ("one", point(c.one.0)),
        ("says", Arg::text(&c.one.1)),
        ("other", point(c.other.0)),
        ("contradicts", Arg::text(&c.other.1)),
    ];
    texts.say("center-contradiction", &args)
}
