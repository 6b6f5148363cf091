//! Tell a refusal again.

use audit::Event;
use model::{ConnectionRequest, Section, Timestamp};
use std::collections::BTreeMap;
use texts::{Arg, Reason};

use crate::{Center, Refused, Trouble, reasons};

/// A refusal as it was recorded.
#[derive(Debug, Clone)]
pub struct Explained {
    /// When.
    pub at: Timestamp,
    /// What was asked, if it came so far.
    pub request: Option<ConnectionRequest>,
    /// All reasons.
    pub reasons: Vec<Reason>,
    /// The counter-example, if a proof refused.
    pub told: Option<Told>,
}

/// A counter-example as the log keeps it.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Told {
    pub invariant: String,
    pub site: Option<model::SiteId>,
    pub packet: Option<String>,
    /// Its steps; nothing if the log's words are not understood, which then stand in `path_as_kept`.
    pub path: Option<Vec<verify::Hop>>,
    pub path_as_kept: Vec<String>,
    pub because: String,
    /// Site and section of the policy that caused it.
    pub policy: Option<String>,
    pub scene: crate::Scene,
}

/// The refusal with this number of the audit log.
///
/// # Errors
/// [`Refused`] if the entry is no refusal.
pub async fn explain(center: &Center, entry: u64) -> Result<Explained, Refused> {
    let none = || Refused::trouble(Trouble::NoSuchRefusal, [("id", Arg::text(entry))]);
    let found = center.registry().audit_from(entry, 1).await?;
    let found = found.into_iter().find(|e| e.seq == entry).ok_or_else(none)?;
    let at = found.at;
    match found.event {
        Event::ConnectionDenied { from, service, reasons, .. } => Ok(Explained {
            at,
            request: from.zip(service).map(|(from, service)| ConnectionRequest { from, service }),
            reasons: reasons.iter().map(reasons::recall).collect(),
            told: None,
        }),
        Event::GateRefused { reasons, .. }
        | Event::PacketRefused { reasons, .. }
        | Event::SignInRefused { reasons, .. }
        | Event::ApprovalDenied { reasons, .. } => {
            Ok(Explained { at, request: None, reasons: reasons.iter().map(reasons::recall).collect(), told: None })
        }
        Event::PlanRefused { invariant, site, packet, path, because, section, .. } => {
            let reason = Reason {
                code: invariant.clone(),
                section,
                key: format!("verify-{}", invariant.to_lowercase()),
                note: None,
                args: refutation_args(&invariant, site.as_ref(), packet.as_deref()),
            };
            Ok(Explained {
                at,
                request: None,
                reasons: vec![reason],
                told: Some(told(center, invariant, site, (packet, path), &because).await),
            })
        }
        Event::NetworkRefused { reasons, .. } if !reasons.is_empty() => {
            Ok(Explained { at, request: None, reasons: reasons.iter().map(reasons::recall).collect(), told: None })
        }
        // As it was recorded before the values were: in English.
        Event::NetworkRefused { faults, .. } => {
            let reason = |fault: &String| {
                let (place, rest) = fault.split_once(": ").unwrap_or(("", fault));
                let (what, mend) = rest.split_once("; ").unwrap_or((rest, ""));
                let args = [("place", Arg::from(place)), ("what", Arg::from(what)), ("mend", Arg::from(mend))];
                Trouble::DocumentWrong.reason(args)
            };
            Ok(Explained { at, request: None, reasons: faults.iter().map(reason).collect(), told: None })
        }
        Event::ConnectionFailed { section, why, .. } => {
            let reason = match serde_json::from_str(&why) {
                Ok(record) => reasons::recall(&record),
                Err(_) => Trouble::RegistryFails.reason_in(section, [("why", Arg::Text(why))]),
            };
            Ok(Explained { at, request: None, reasons: vec![reason], told: None })
        }
        _ => Err(none()),
    }
}

async fn told(
    center: &Center,
    invariant: String,
    site: Option<model::SiteId>,
    (packet, path_as_kept): (Option<String>, Vec<String>),
    because: &str,
) -> Told {
    let path = verify::Hop::recall(&path_as_kept);
    let scene = crate::Scene::of_path(&center.state().await.network, path.as_deref().unwrap_or_default());
    let (because, policy) = match because.rsplit_once(crate::apply::BLAMED) {
        Some((because, line)) => (because.to_owned(), Some(line.to_owned())),
        None => (because.to_owned(), None),
    };
    Told { invariant, site, packet, path, path_as_kept, because, policy, scene }
}

fn refutation_args(invariant: &str, site: Option<&model::SiteId>, packet: Option<&str>) -> BTreeMap<String, Arg> {
    [
        ("id".to_owned(), Arg::from(invariant)),
        ("site".to_owned(), site.map_or(Arg::Key(Section::Operator.key().into()), Arg::text)),
        ("packet".to_owned(), Arg::from(packet.unwrap_or("-"))),
        ("owner".to_owned(), Arg::from("-")),
    ]
    .into()
}
