//! 6. Every process is killed in turn, while a line is open and while one is opening.

use lab::Download;
use std::collections::BTreeSet;
use std::time::Duration;
use texts::Arg;

use super::that;
use crate::account::Account;
use crate::people::Person;
use crate::snapshot::Snapshot;
use crate::stage::{Stage, StageError, until};

const WAIT: Duration = Duration::from_secs(30);

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Gate,
    Center,
    Charon,
}

impl Victim {
    fn key(self) -> &'static str {
        match self {
            Self::Gate => "demo-victim-gate",
            Self::Center => "demo-victim-center",
            Self::Charon => "demo-victim-charon",
        }
    }
}

pub(super) fn tell(stage: &mut Stage, account: &mut Account) -> Result<(), StageError> {
    account.chapter("demo-chapter-crashes");
    for victim in [Victim::Gate, Victim::Center, Victim::Charon] {
        while_open(stage, account, victim)?;
        while_opening(stage, account, victim)?;
    }
    Ok(())
}

fn while_open(stage: &mut Stage, account: &mut Account, victim: Victim) -> Result<(), StageError> {
    let who = [("who", Arg::Key(victim.key().to_owned()))];
    let opened = stage.open("clinic/exam-1", Person::Doctor, "keyaki/records")?;
    account.check("demo-crash-open", &who, that(opened.code == 0, || opened.seen()));
    let entries = recorded(stage)?;
    let doctor = stage.lab().netns("sk-clinic-exam-1")?.clone();
    let download = Download::start(&doctor, stage.record_server(), WAIT)?;
    let runs = download.flows(1 << 18, WAIT);
    account.check("demo-download-runs", &[], that(runs, || format!("{} bytes", download.bytes())));
    let mark = stage.lab().capture().mark();
    kill(stage, victim)?;
    if victim != Victim::Charon {
        // Its data plane is elsewhere: the download must not notice.
        let goes_on = download.flows(1 << 20, WAIT);
        account.check("demo-crash-traffic-goes-on", &who, that(goes_on, || format!("{} bytes", download.bytes())));
    }
    let clear = stage.lab().capture().clear_since(mark, &stage.lab().private_prefixes())?;
    account.check("demo-crash-nothing-clear", &who, that(clear.is_empty(), || format!("{clear:?}")));
    drop(download);
    restart(stage, victim)?;
    let mut seen = String::new();
    let works = until(WAIT, || {
        let page = stage.record_server().get(&doctor, "/", Duration::from_secs(2));
        seen = page.as_ref().err().map(ToString::to_string).unwrap_or_default();
        page.is_ok()
    });
    account.check("demo-crash-works-again", &who, that(works, || format!("{seen}\n{}", logs(stage))));
    account.check("demo-crash-as-planned", &who, as_planned(stage)?);
    account.check("demo-crash-record", &who, still_recorded(stage, &entries)?);
    let closed = stage.close("clinic/exam-1", "keyaki/records")?;
    account.check("demo-crash-closed", &who, that(closed.code == 0, || closed.seen()));
    Ok(())
}

fn while_opening(stage: &mut Stage, account: &mut Account, victim: Victim) -> Result<(), StageError> {
    let who = [("who", Arg::Key(victim.key().to_owned()))];
    let entries = recorded(stage)?;
    // The command runs in a thread; the victim dies while it is on its way. When exactly does not matter: whatever
    // was reached, what stands afterwards must be what the center says.
    std::thread::scope(|scope| -> Result<(), StageError> {
        let shared: &Stage = stage;
        let opening = scope.spawn(|| shared.open("clinic/exam-1", Person::Doctor, "keyaki/records"));
        std::thread::sleep(Duration::from_millis(60));
        match victim {
            Victim::Gate => shared.signal_gate("hospital")?,
            Victim::Center => shared.signal_center()?,
            Victim::Charon => shared.lab().site("hospital")?.charon.kill9(),
        }
        let _ = opening.join();
        Ok(())
    })?;
    restart(stage, victim)?;
    account.check("demo-opening-as-planned", &who, as_planned(stage)?);
    account.check("demo-crash-record", &who, still_recorded(stage, &entries)?);
    // Whatever came of it, the same person can have the line, once, and end it.
    let mut last = String::new();
    let ended = until(WAIT, || match stage.close("clinic/exam-1", "keyaki/records") {
        Ok(closed) if closed.code == 0 => true,
        Ok(closed) => {
            last = closed.seen();
            open_grants(stage).is_ok_and(|grants| grants.is_empty())
        }
        Err(e) => {
            last = e.to_string();
            false
        }
    });
    account.check("demo-opening-ended", &who, that(ended, || last));
    Ok(())
}

fn kill(stage: &mut Stage, victim: Victim) -> Result<(), StageError> {
    match victim {
        Victim::Gate => stage.kill_gate("hospital"),
        Victim::Center => stage.kill_center(),
        Victim::Charon => stage.lab().site("hospital")?.charon.kill9(),
    }
    Ok(())
}

fn restart(stage: &mut Stage, victim: Victim) -> Result<(), StageError> {
    match victim {
        Victim::Gate => {
            stage.kill_gate("hospital");
            stage.start_gate("hospital")?;
        }
        Victim::Center => {
            stage.kill_center();
            stage.start_center()?;
        }
        Victim::Charon => stage.lab().site("hospital")?.charon.restart()?,
    }
    let linked = until(WAIT, || {
        let status = stage.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
        let sites = status["sites"].as_array().cloned().unwrap_or_default();
        // The provider's gate was revoked in an earlier chapter.
        sites.iter().filter(|s| s["site"] != "provider").all(|s| s["linked"] == true && s["wanted"] == s["in_force"])
            && !sites.is_empty()
    });
    if linked { Ok(()) } else { Err(StageError::Product(format!("not linked after a restart\n{}", logs(stage)))) }
}

/// What stands at the two sites is what the center says is open: flows of exactly those grants, a CHILD_SA for each.
fn as_planned(stage: &Stage) -> Result<Result<(), String>, StageError> {
    let mut seen = String::new();
    let fits = until(WAIT, || {
        let Ok(wanted) = open_grants(stage) else { return false };
        let Ok(snapshot) = Snapshot::take(stage.lab()) else { return false };
        let children: BTreeSet<u64> = snapshot
            .lines
            .iter()
            .filter_map(|l| l.strip_prefix("clinic child g-"))
            .filter_map(|l| l.split(' ').next()?.parse().ok())
            .collect();
        let (clinic, hospital) = (snapshot.grants_in_flows("clinic"), snapshot.grants_in_flows("hospital"));
        seen = format!("wanted {wanted:?}, clinic {clinic:?}, hospital {hospital:?}, children {children:?}");
        clinic == wanted && hospital == wanted && children == wanted
    });
    Ok(that(fits, || format!("{seen}\n{}", logs(stage))))
}

fn open_grants(stage: &Stage) -> Result<BTreeSet<u64>, StageError> {
    let answered = stage.operator(&["--json", "status"])?;
    if answered.code != 0 {
        return Err(StageError::Product(answered.seen()));
    }
    let connections = answered.json()["connections"].as_array().cloned().unwrap_or_default();
    Ok(connections.iter().filter(|c| c["state"] == "open").filter_map(|c| c["grant"].as_u64()).collect())
}

/// Sequence and hash of every entry.
fn recorded(stage: &Stage) -> Result<Vec<(u64, String)>, StageError> {
    let json = stage.operator(&["--json", "log", "show"])?.json();
    let entries = json["entries"].as_array().cloned().unwrap_or_default();
    Ok(entries
        .iter()
        .map(|e| (e["sequence"].as_u64().unwrap_or_default(), e["hash"].as_str().unwrap_or_default().to_owned()))
        .collect())
}

/// Every entry seen before is still there, with the same hash, and the chain holds.
fn still_recorded(stage: &Stage, before: &[(u64, String)]) -> Result<Result<(), String>, StageError> {
    let now = recorded(stage)?;
    let verdict = stage.operator(&["log", "verify"])?;
    Ok(that(!before.is_empty() && now.starts_with(before) && verdict.code == 0, || {
        format!("{} entries before, {} now; {}", before.len(), now.len(), verdict.seen())
    }))
}

fn logs(stage: &Stage) -> String {
    format!(
        "--- center\n{}\n--- clinic\n{}\n--- hospital\n{}",
        stage.center_log(12),
        stage.gate_log("clinic", 12),
        stage.gate_log("hospital", 12)
    )
}
