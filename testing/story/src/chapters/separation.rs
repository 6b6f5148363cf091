//! 3. While lines are open, everything else stays shut, in every direction.

use lab::{Answer, Probe};
use texts::Arg;

use super::that;
use crate::account::Account;
use crate::people::Person;
use crate::stage::{Stage, StageError};

pub(super) fn tell(stage: &mut Stage, account: &mut Account) -> Result<(), StageError> {
    account.chapter("demo-chapter-separation");
    // A second line of the hospital, to another institution: now the hospital has two tunnels.
    let second = stage.open("hospital/ward-1", Person::Doctor, "midori/drug-information")?;
    account.check("demo-second-line", &[], that(second.code == 0, || second.seen()));
    let address = |site: &str, host: &str| stage.lab().address(site, host);
    let (record, portal, ward) =
        (address("hospital", "record-server")?, address("hospital", "portal")?, address("hospital", "ward-1")?);
    let (doctor, other, ops) =
        (address("clinic", "exam-1")?, address("clinic", "exam-2")?, address("provider", "ops-1")?);
    let works = stage.lab().probe_all(&[Probe::tcp("sk-hospital-ward-1", ops, 443)])?;
    account.check("demo-second-line-works", &[], that(works == [Answer::Answered], || format!("{works:?}")));
    let mut shut = |key: &str, probes: Vec<Probe>| -> Result<(), StageError> {
        let answers = stage.lab().probe_all(&probes)?;
        let answered: Vec<String> = probes
            .iter()
            .zip(&answers)
            .filter(|(_, a)| **a != Answer::Silent)
            .map(|(p, a)| format!("{p:?} {a:?}"))
            .collect();
        account.check(
            key,
            &[("probes", Arg::Number(probes.len() as i64))],
            that(answered.is_empty(), || answered.join("; ")),
        );
        Ok(())
    };
    let all = |from: &str, to| vec![Probe::tcp(from, to, 443), Probe::udp(from, to, 4000), Probe::icmp(from, to)];
    shut("demo-shut-other-terminal", [all("sk-clinic-exam-2", record), all("sk-clinic-exam-2", doctor)].concat())?;
    shut(
        "demo-shut-other-port",
        vec![
            Probe::tcp("sk-clinic-exam-1", record, 8080),
            Probe::udp("sk-clinic-exam-1", record, 4000),
            Probe::udp("sk-clinic-exam-1", record, 443),
            Probe::icmp("sk-clinic-exam-1", record),
        ],
    )?;
    shut(
        "demo-shut-other-host",
        [all("sk-clinic-exam-1", portal), all("sk-clinic-exam-1", ward), all("sk-clinic-exam-1", other)].concat(),
    )?;
    shut(
        "demo-shut-relay",
        [
            all("sk-provider-ops-1", doctor),
            all("sk-provider-ops-1", record),
            all("sk-provider-ops-1", ward),
            all("sk-clinic-exam-1", ops),
        ]
        .concat(),
    )?;
    shut(
        "demo-shut-reverse",
        [all("sk-hospital-record-server", doctor), all("sk-hospital-record-server", other)].concat(),
    )?;
    let grant = second.grant().map(|g| format!("g-{g}")).unwrap_or_default();
    let closed = stage.close("hospital/ward-1", &grant)?;
    account.check("demo-second-line-closed", &[], that(closed.code == 0, || closed.seen()));
    Ok(())
}
