//! Read the audit log, check it, match its three points (G13).

use audit::{Entry, Phase, Tolerance, match_three_points};
use model::GrantId;
use registry::RegistryError;
use std::collections::BTreeMap;
use texts::Texts;
use wire::api::{LogEntry, LogPage, LogVerdict, ThreePoints};

use crate::{Center, Refused};

const USUAL: u32 = 200;
const MOST: u32 = 1000;

/// Part of the log, in order.
///
/// # Errors
/// [`Refused`] if the registry cannot be read.
pub async fn log_page(
    center: &Center,
    after: Option<u64>,
    limit: Option<u32>,
    grant: Option<GrantId>,
) -> Result<LogPage, Refused> {
    let (from, limit) = (after.map_or(1, |n| n.saturating_add(1)), limit.unwrap_or(USUAL).clamp(1, MOST));
    let mut entries = match grant {
        None => center.registry().audit_from(from, limit + 1).await?,
        Some(grant) => {
            let mut entries = center.registry().audit_of(grant).await?;
            entries.retain(|e| e.seq >= from);
            entries
        }
    };
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().map(|e| e.seq).filter(|_| more);
    Ok(LogPage { entries: entries.iter().map(view).collect(), next })
}

/// Checks the whole chain.
///
/// # Errors
/// [`Refused`] if the registry cannot be read; a broken chain is an answer, not an error.
pub async fn log_verdict(center: &Center) -> Result<LogVerdict, Refused> {
    match center.registry().verify_log(None).await {
        Ok(head) => {
            Ok(LogVerdict { holds: true, entries: head.seq, head: head.hash.to_string(), broken_at: None, why: None })
        }
        Err(RegistryError::Chain(error)) => {
            let head = center.registry().head().await?;
            Ok(LogVerdict {
                holds: false,
                entries: head.seq,
                head: head.hash.to_string(),
                broken_at: Some(error.seq),
                why: Some(error.to_string()),
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// What source, access point and destination recorded of a grant, and whether they agree.
///
/// # Errors
/// [`Refused`] if the registry cannot be read.
pub async fn three_points(center: &Center, grant: GrantId, texts: &Texts) -> Result<ThreePoints, Refused> {
    let entries = center.registry().audit_of(grant).await?;
    let matched = match_three_points(&entries, Tolerance::default());
    let contradictions = matched.contradictions.iter().map(|c| crate::matched::contradiction(c, texts));
    Ok(ThreePoints {
        grant,
        agree: matched.agree,
        missing: matched.gaps.iter().map(|g| format!("{} {} {}", g.point, g.phase, g.what)).collect(),
        contradictions: contradictions.collect(),
        entries: entries.iter().filter(|e| e.event.observation().is_some()).map(view).collect(),
    })
}

fn view(entry: &Entry) -> LogEntry {
    let observation = entry.event.observation();
    let mut facts: BTreeMap<String, String> = entry.event.args().into_iter().collect();
    if let Some((_, seen)) = observation {
        facts.remove("seen");
        facts.insert("phase".into(), seen.phase.to_string());
        facts.insert("at".into(), seen.at.to_string());
        facts.insert("from".into(), format!("{} ({})", seen.origin, seen.origin_address));
        facts.insert("to".into(), format!("{} ({})", seen.destination, seen.destination_address));
        facts.insert("service".into(), seen.service.to_string());
        if let Some(traffic) = seen.traffic.filter(|_| seen.phase == Phase::Closed) {
            facts.insert("forth".into(), format!("{} packets, {} bytes", traffic.forth.packets, traffic.forth.bytes));
            facts.insert("back".into(), format!("{} packets, {} bytes", traffic.back.packets, traffic.back.bytes));
        }
        if let Some(passage) = seen.passage {
            for (key, when) in [("first-packet", passage.first), ("last-packet", passage.last)] {
                facts.insert(key.into(), format!("{} .. {}", when.from, when.to));
            }
        }
    }
    LogEntry {
        sequence: entry.seq,
        at: entry.at,
        event: entry.event.kind().key.trim_start_matches("audit-").to_owned(),
        point: observation.map(|(point, _)| point.to_string()),
        grant: entry.grant(),
        facts,
        hash: entry.hash.to_string(),
    }
}
