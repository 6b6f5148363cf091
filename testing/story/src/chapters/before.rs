//! 1. Before anything, a terminal reaches nothing but its own gate.

use lab::{Answer, Probe};
use texts::Arg;

use super::that;
use crate::account::Account;
use crate::stage::{Stage, StageError};

pub(super) fn tell(stage: &mut Stage, account: &mut Account) -> Result<(), StageError> {
    account.chapter("demo-chapter-before");
    let mark = stage.lab().capture().mark();
    let doctor = "sk-clinic-exam-1";
    let at = |site: &str, host: &str| stage.lab().address(site, host);
    let mut probes = Vec::new();
    for (site, host) in [
        ("hospital", "record-server"),
        ("hospital", "portal"),
        ("hospital", "ward-1"),
        ("provider", "ops-1"),
        ("clinic", "exam-2"),
    ] {
        let to = at(site, host)?;
        probes.extend([Probe::tcp(doctor, to, 443), Probe::udp(doctor, to, 4000), Probe::icmp(doctor, to)]);
    }
    let answers = stage.lab().probe_all(&probes)?;
    let answered: Vec<String> = probes
        .iter()
        .zip(&answers)
        .filter(|(_, a)| **a != Answer::Silent)
        .map(|(p, a)| format!("{p:?} {a:?}"))
        .collect();
    account.check(
        "demo-nothing-reached",
        &[("probes", Arg::Number(probes.len() as i64))],
        that(answered.is_empty(), || answered.join("; ")),
    );
    let clear = stage.lab().capture().clear_since(mark, &stage.lab().private_prefixes())?;
    account.check("demo-no-packet-outside", &[], that(clear.is_empty(), || format!("{clear:?}")));
    Ok(())
}
