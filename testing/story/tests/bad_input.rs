//! Bad input gets an answer that names the place and the mend, and changes nothing (N10, N12, X4, X5).

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lab::Trial;
use story::{Answered, Person, Stage, StageError};
use texts::Lang;

type Outcome = Result<(), StageError>;

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("bad input is told by place and mend, and changes nothing", bad_input)]);
}

fn bad_input() -> Outcome {
    let stage = Stage::raise(Lang::En, &|_| {})?;
    let before = generations(&stage)?;
    documents(&stage)?;
    files(&stage)?;
    wrong_certificates(&stage)?;
    second_center(&stage)?;
    noise_at_the_doors(&stage)?;
    same(&before, &generations(&stage)?)?;
    let opened = stage.open("clinic/exam-1", Person::Doctor, "keyaki/records")?;
    expect(opened.code == 0, "after all that a line still opens", &opened)
}

/// Each names what is wrong; none is taken, not even the sound documents beside it.
fn documents(stage: &Stage) -> Outcome {
    let hospital = fs::read_to_string(stage.dir().join("documents").join("hospital.toml")).map_err(unreadable)?;
    for (from, to, said, in_japanese) in [
        ("[[segment]]", "[[segment", "hospital.toml:", "括弧が閉じられていません"),
        ("vlan = 20", "vlan = 20\ncolour = \"red\"", "no field colour", "項目 colour は、ここには書けません"),
        ("prefix = \"10.2.20.0/24\"", "prefix = \"10.1.20.0/24\"", "overlaps", "重なっています"),
        ("prefix = \"10.2.20.0/24\"", "prefix = \"10.2.0.0/16\"", "two zones", "両方に入ります"),
        ("address = \"10.2.20.11\"", "address = \"10.2.10.10\"", "is also that of", "と同じです"),
        ("dpid = \"0000000000000002\"", "dpid = \"0000000000000001\"", "datapath id", "データパス ID"),
    ] {
        let text = hospital.replacen(from, to, 1);
        let file = stage.dir().join("wrong").join("hospital.toml");
        fs::create_dir_all(stage.dir().join("wrong")).map_err(unreadable)?;
        fs::write(&file, text).map_err(unreadable)?;
        let answered = stage.operator(&["apply", "-f", &file.display().to_string()])?;
        let told = answered.stderr.contains(said) && answered.stderr.contains("hospital");
        expect(answered.code == 1 && told && answered.stderr.lines().count() >= 3, said, &answered)?;
        let answered = stage.operator(&["--lang", "ja", "apply", "-f", &file.display().to_string()])?;
        let told = answered.stderr.contains(in_japanese) && answered.stderr.contains("hospital");
        expect(answered.code == 1 && told && answered.stderr.lines().count() >= 3, in_japanese, &answered)?;
    }
    Ok(())
}

fn files(stage: &Stage) -> Outcome {
    let missing = stage.operator(&["apply", "-f", "/nonexistent/site.toml"])?;
    expect(missing.code == 2 && missing.stderr.contains("/nonexistent/site.toml"), "a missing file", &missing)?;
    let strange = stage.operator(&["--config", "/nonexistent/sekisho.toml", "status"])?;
    expect(strange.code == 2, "two configurations or a missing one", &strange)?;
    let nothing = stage.at_terminal("clinic/exam-1", Person::Doctor, &["close", "g-4711"])?;
    expect(nothing.code == 1 && nothing.stderr.lines().count() >= 2, "a grant nobody has", &nothing)?;
    let unknown = stage.open("clinic/exam-1", Person::Doctor, "keyaki/nothing")?;
    expect(unknown.codes() == ["D001"], "an unknown service", &unknown)
}

/// A gate does not start with the certificate of a terminal, and says which it needs.
fn wrong_certificates(stage: &Stage) -> Outcome {
    let home = stage.dir().join("gate").join("clinic");
    let text = fs::read_to_string(home.join("gate.toml")).map_err(unreadable)?;
    let terminal = stage.dir().join("terminal").join("clinic-exam-1");
    let text = text
        .replace("chain = \"cert.pem\"", &format!("chain = \"{}\"", terminal.join("cert.pem").display()))
        .replace("key = \"key.pem\"", &format!("key = \"{}\"", terminal.join("key.pem").display()));
    let wrong = home.join("wrong.toml");
    fs::write(&wrong, text).map_err(unreadable)?;
    let said = run(stage, "sk-clinic-black", stage.binary("sekisho-gate"), &["--check", "--config"], &wrong)?;
    if said.contains("urn:sekisho:gate:clinic") { Ok(()) } else { Err(StageError::Product(said)) }
}

/// Two centers on one registry would each believe they are the only one.
fn second_center(stage: &Stage) -> Outcome {
    let config = stage.dir().join("center").join("center.toml");
    let said = run(stage, "sk-center", stage.binary("sekisho-center"), &["--config"], &config)?;
    let told = said.contains("registry.db") || said.contains("in use") || said.contains("another");
    if told { Ok(()) } else { Err(StageError::Product(format!("a second center says: {said}"))) }
}

/// Truncated and senseless bytes at the OpenFlow, terminal and gate doors close that connection and nothing else.
fn noise_at_the_doors(stage: &Stage) -> Outcome {
    let doors =
        [("sk-clinic-red", "169.254.77.1:6653"), ("sk-clinic-red", "10.1.20.1:7444"), ("sk-center", "192.0.2.2:7443")];
    for (netns, door) in doors {
        for noise in [&b"\x04\x00\x00\x08"[..], &[0x16, 0x03, 0x01, 0xff, 0xff, 0x00], &[0; 4096]] {
            stage.lab().netns(netns)?.within(|| {
                if let Ok(mut stream) = TcpStream::connect(door) {
                    let _ = stream.write_all(noise);
                }
            })?;
        }
    }
    stage.in_force()
}

fn run(stage: &Stage, netns: &str, program: PathBuf, arguments: &[&str], last: &PathBuf) -> Result<String, StageError> {
    let mut command = Command::new(program);
    command.args(arguments).arg(last);
    let finished = stage.lab().run_in(netns, command, Duration::from_secs(20))?;
    let said = format!("{}{}", finished.stdout, finished.stderr);
    if finished.status.is_some_and(|s| !s.success()) {
        Ok(said)
    } else {
        Err(StageError::Product(format!("it started: {said}")))
    }
}

fn generations(stage: &Stage) -> Result<String, StageError> {
    Ok(stage.operator(&["--json", "status"])?.json()["sites"].to_string())
}

fn same(before: &str, now: &str) -> Outcome {
    if before == now { Ok(()) } else { Err(StageError::Product(format!("state changed: {before} → {now}"))) }
}

fn expect(holds: bool, what: &str, answered: &Answered) -> Outcome {
    if holds { Ok(()) } else { Err(StageError::Product(format!("{what}: {}", answered.seen()))) }
}

fn unreadable(error: std::io::Error) -> StageError {
    StageError::Product(error.to_string())
}
