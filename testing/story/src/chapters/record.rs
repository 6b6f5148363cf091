//! 7. The record is whole, and the three points of the line agree.

use super::{FirstLine, that};
use crate::account::Account;
use crate::stage::{Stage, StageError};

pub(super) fn tell(stage: &mut Stage, account: &mut Account, first: &FirstLine) -> Result<(), StageError> {
    account.chapter("demo-chapter-record");
    let verdict = stage.operator(&["log", "verify"])?;
    account.quote(&verdict.stdout);
    account.check("demo-log-verified", &[], that(verdict.code == 0, || verdict.seen()));
    let grant = format!("g-{}", first.grant);
    let shown = stage.operator(&["log", "show", "--grant", &grant])?;
    account.quote(&shown.stdout);
    let points = stage.operator(&["--json", "log", "show", "--grant", &grant])?;
    let json = points.json();
    let named: std::collections::BTreeSet<String> = json["entries"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|e| e["point"].as_str().map(str::to_owned))
        .collect();
    account.check("demo-three-points", &[], that(named.len() == 3, || format!("{named:?}")));
    account.check("demo-points-agree", &[], that(json["agree"] == true && points.code == 0, || points.seen()));
    Ok(())
}
