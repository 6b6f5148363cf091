//! Sign in once, then just work (N1, N3, G14): first packets open lines, idle ones close, an operator's cut and a revoked
//! card end what is running. Real packets, typed commands.

use lab::{Download, Trial};
use serde_json::Value;
use std::time::{Duration, Instant};
use story::{Person, Stage, StageError, until};
use texts::Lang;

const WAIT: Duration = Duration::from_secs(60);
const AT: &str = "clinic/exam-1";

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("sign in once, then just work", work)]);
}

fn work() -> Result<(), StageError> {
    let mut stage = Stage::raise(Lang::En, &|_| {})?;
    refused_before(&stage)?;
    let first = opens_with_the_first_packet(&stage)?;
    closes_when_idle(&stage, first)?;
    strays_open_nothing(&stage)?;
    cut_by_an_operator(&stage)?;
    ends_with_the_session(&stage)?;
    cut_by_a_list(&mut stage)
}

fn refused_before(stage: &Stage) -> Result<(), StageError> {
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let early = stage.record_server().get(doctor, "/", Duration::from_secs(2));
    that(early.is_err(), || "a packet passed with nobody signed in".into())?;
    let shown = services(stage)?;
    that(shown["session"].is_null() && shown["recent"][0]["reasons"][0]["code"] == "O013", || shown.to_string())
}

fn opens_with_the_first_packet(stage: &Stage) -> Result<u64, StageError> {
    login(stage)?;
    // What was refused a moment ago is dropped for a while without asking.
    std::thread::sleep(Duration::from_secs(11));
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let asked = Instant::now();
    let page = stage.record_server().get(doctor, "/", WAIT);
    eprintln!("    first packet to the whole page: {:?}", asked.elapsed());
    that(page.is_ok(), || format!("{:?}\n{}", page.as_ref().err(), stage.gate_log("clinic", 60)))?;
    let line = only_line(stage)?;
    that(line["from"] == AT && line["service"] == "keyaki/records", || line.to_string())?;
    // Other terminals gain nothing by it.
    let colleague = stage.lab().netns("sk-clinic-exam-2")?;
    let other = stage.record_server().get(colleague, "/", Duration::from_secs(2));
    that(other.is_err(), || "another terminal's packet passed".into())?;
    Ok(line["grant"].as_u64().unwrap_or_default())
}

/// The provider says that its line ends after three quiet seconds; the next packet opens it again.
fn closes_when_idle(stage: &Stage, first: u64) -> Result<(), StageError> {
    let closed = stage.close(AT, &format!("g-{first}"))?;
    that(closed.code == 0, || closed.seen())?;
    let path = stage.documents().join("hospital.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| StageError::Product(format!("{}: {e}", path.display())))?;
    let idle = text.replacen("id = \"records\"", "id = \"records\"\nidle_seconds = 3", 1);
    that(idle != text, || "the document has no record service".into())?;
    let changed = stage.dir().join("hospital-idle.toml");
    std::fs::write(&changed, idle).map_err(|e| StageError::Product(e.to_string()))?;
    let applied = stage.operator(&["apply", "-f", &changed.display().to_string()])?;
    that(applied.code == 0, || applied.seen())?;
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    for _ in 0..2 {
        let page = stage.record_server().get(doctor, "/", WAIT);
        that(page.is_ok(), || format!("{:?}", page.as_ref().err()))?;
        let grant = only_line(stage)?["grant"].as_u64().unwrap_or_default();
        let gone = until(WAIT, || lines(stage).is_ok_and(|l| l.is_empty()));
        that(gone, || format!("still open; {}", stage.gate_log("clinic", 40)))?;
        that(cause(stage, grant)? == "idle", || format!("cause of g-{grant}: {:?}", cause(stage, grant)))?;
    }
    Ok(())
}

/// What is left of connections whose line was closed begins nothing and is not shown to the gate, though somebody is
/// signed in: data, sent again and again, an end, a reset. A new connection does (RFC 9293 §3.5).
fn strays_open_nothing(stage: &Stage) -> Result<(), StageError> {
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let opened = stage.at_terminal(AT, Person::Doctor, &["--json", "open", "keyaki/records"])?;
    that(opened.code == 0, || opened.seen())?;
    let [speaks, ends, breaks] = [(), (), ()].map(|()| Download::start(doctor, stage.record_server(), WAIT));
    let (speaks, ends, breaks) = (speaks?, ends?, breaks?);
    for download in [&speaks, &ends, &breaks] {
        that(download.flows(1 << 16, WAIT), || format!("{} bytes", download.bytes()))?;
    }
    // Downloads that run acknowledge what still comes while the line goes.
    let shown = packets(stage, "CONTROLLER")?;
    let closed = stage.close(AT, &format!("g-{}", opened.grant().unwrap_or_default()))?;
    that(closed.code == 0, || closed.seen())?;
    that(until(WAIT, || lines(stage).is_ok_and(|l| l.is_empty())), || "still open".into())?;
    let sent = || Ok::<_, StageError>((doctor.tcp_counter("RetransSegs")?, doctor.tcp_counter("OutRsts")?));
    let ((again, resets), tracked) = (sent()?, packets(stage, "table=1")?);
    speaks.speak()?;
    drop(ends);
    breaks.reset()?;
    let strays = || sent().is_ok_and(|(a, r)| a >= again + 6 && r > resets);
    that(until(WAIT, strays), || format!("{:?} after {:?}", sent(), (again, resets)))?;
    // Every one of them came to the switch, which counts a moment later.
    that(until(WAIT, || packets(stage, "table=1").is_ok_and(|now| now >= tracked + 7)), || "none came".into())?;
    that(packets(stage, "CONTROLLER")? == shown, || "a stray segment was shown to the gate".into())?;
    that(lines(stage)?.is_empty(), || "a stray segment opened the line".into())?;
    let page = stage.record_server().get(doctor, "/", WAIT);
    that(page.is_ok(), || format!("a new connection: {:?}", page.as_ref().err()))?;
    let told = until(WAIT, || packets(stage, "CONTROLLER").is_ok_and(|now| now > shown));
    that(told, || "the line opened, and the gate was shown nothing".into())?;
    only_line(stage).map(drop)
}

/// Packets that the clinic's switch counts at entries with this word.
fn packets(stage: &Stage, word: &str) -> Result<u64, StageError> {
    let entries = stage.lab().site("clinic")?.switch.ofctl(&["dump-flows", "br0"])?;
    let counts = entries.lines().filter(|line| line.contains(word)).map(|line| {
        let count = line.split_once("n_packets=")?.1.split_once(',')?.0;
        count.parse::<u64>().ok()
    });
    counts.sum::<Option<u64>>().ok_or_else(|| StageError::Product(entries.clone()))
}

fn cut_by_an_operator(stage: &Stage) -> Result<(), StageError> {
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let download = Download::start(doctor, stage.record_server(), WAIT)?;
    that(download.flows(1 << 20, WAIT), || format!("{} bytes", download.bytes()))?;
    let grant = only_line(stage)?["grant"].as_u64().unwrap_or_default();
    let asked = Instant::now();
    let cut = stage.operator(&["--json", "cut", "line", &format!("g-{grant}")])?;
    that(cut.code == 0 && cut.json()["confirmed"] == true, || cut.seen())?;
    let last = download.stalled(Duration::from_millis(500), WAIT);
    let last = last.ok_or_else(|| StageError::Product(format!("{} bytes and going on", download.bytes())))?;
    eprintln!(
        "    operator cut: last packet {:?} after the command began; the center took {} us",
        last.saturating_duration_since(asked),
        cut.json()["micros"]
    );
    that(cause(stage, grant)? == "operator", || "another cause".into())?;
    // It does not come back by itself, and the person is told why.
    let again = stage.record_server().get(doctor, "/", Duration::from_secs(2));
    that(again.is_err(), || "what was cut passes again".into())?;
    let shown = services(stage)?;
    let records =
        shown["services"].as_array().into_iter().flatten().find(|s| s["service"] == "keyaki/records").cloned();
    let records = records.unwrap_or_default();
    that(records["state"] == "refused" && records["reasons"][0]["code"] == "D076", || records.to_string())
}

fn ends_with_the_session(stage: &Stage) -> Result<(), StageError> {
    login(stage)?;
    let opened = stage.at_terminal(AT, Person::Doctor, &["--json", "open", "keyaki/records"])?;
    that(opened.code == 0, || opened.seen())?;
    let grant = opened.grant().unwrap_or_default();
    let longer = stage.at_terminal(AT, Person::Doctor, &["--json", "extend", "keyaki/records"])?;
    let (before, after) = (&opened.json()["connection"]["lease_until"], &longer.json()["lease_until"]);
    that(longer.code == 0 && before.as_str() < after.as_str(), || format!("{before} {}", longer.seen()))?;
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let page = stage.record_server().get(doctor, "/", WAIT);
    that(page.is_ok(), || format!("after the extension: {:?}", page.as_ref().err()))?;
    let out = stage.at_terminal(AT, Person::Doctor, &["logout"])?;
    that(out.code == 0, || out.seen())?;
    that(until(WAIT, || lines(stage).is_ok_and(|l| l.is_empty())), || "still open".into())?;
    that(cause(stage, grant)? == "signed-out", || "another cause".into())
}

fn cut_by_a_list(stage: &mut Stage) -> Result<(), StageError> {
    login(stage)?;
    let opened = stage.at_terminal(AT, Person::Doctor, &["--json", "open", "keyaki/records"])?;
    that(opened.code == 0, || opened.seen())?;
    let grant = opened.grant().unwrap_or_default();
    let doctor = stage.lab().netns("sk-clinic-exam-1")?;
    let download = Download::start(doctor, stage.record_server(), WAIT)?;
    that(download.flows(1 << 20, WAIT), || format!("{} bytes", download.bytes()))?;
    // A center that is killed and starts anew has lost nobody, and judges the line by the lists that come then.
    stage.kill_center();
    stage.start_center()?;
    that(download.flows(1 << 20, WAIT), || format!("{} bytes", download.bytes()))?;
    let signed_in = || services(stage).is_ok_and(|shown| shown["session"]["at"] == AT);
    that(until(WAIT, signed_in), || format!("signed out by a start of the center: {:?}", services(stage)))?;
    stage.revoke_card(Person::Doctor.label())?;
    let published = Instant::now();
    stage.publish_lists()?;
    let last = download.stalled(Duration::from_millis(500), WAIT);
    let last = last.ok_or_else(|| StageError::Product(format!("{} bytes and going on", download.bytes())))?;
    eprintln!("    list published: last packet {:?} after", last.saturating_duration_since(published));
    that(until(WAIT, || lines(stage).is_ok_and(|l| l.is_empty())), || "still open".into())?;
    that(cause(stage, grant)? == "card-revoked", || "another cause".into())?;
    let shown = services(stage)?;
    that(shown["session"].is_null(), || shown.to_string())?;
    three_points_tell_of_the_packets(stage, grant)
}

/// Each point says when the first and the last packet passed, and they fit together (G13).
fn three_points_tell_of_the_packets(stage: &Stage, grant: u64) -> Result<(), StageError> {
    let all = stage.operator(&["--json", "log", "match"])?;
    that(all.code == 0, || all.seen())?;
    let json = all.json();
    let line = json["lines"].as_array().into_iter().flatten().find(|l| l["grant"] == grant).cloned();
    let line = line.ok_or_else(|| StageError::Product(format!("no line g-{grant}: {json}")))?;
    for point in line["points"].as_array().into_iter().flatten() {
        let moments = ["opened", "first", "last", "closed"].iter().all(|key| !point[*key].is_null());
        that(moments, || point.to_string())?;
    }
    that(line["points"].as_array().is_some_and(|p| p.len() == 3), || line.to_string())
}

fn login(stage: &Stage) -> Result<(), StageError> {
    let signed_in = stage.at_terminal(AT, Person::Doctor, &["--json", "login", "--pin-fd", "9"])?;
    that(signed_in.code == 0 && signed_in.json()["at"] == AT, || signed_in.seen())
}

fn services(stage: &Stage) -> Result<Value, StageError> {
    let shown = stage.at_terminal(AT, Person::Doctor, &["--json", "services"])?;
    that(shown.code == 0, || shown.seen())?;
    Ok(shown.json())
}

fn lines(stage: &Stage) -> Result<Vec<Value>, StageError> {
    let status = stage.operator(&["--json", "status"])?.json();
    Ok(status["connections"].as_array().cloned().unwrap_or_default())
}

fn only_line(stage: &Stage) -> Result<Value, StageError> {
    let found = lines(stage)?;
    let open: Vec<&Value> = found.iter().filter(|c| c["state"] == "open").collect();
    that(open.len() == 1, || format!("{found:?}"))?;
    Ok(open[0].clone())
}

/// Why a line closed, as the record says.
fn cause(stage: &Stage, grant: u64) -> Result<String, StageError> {
    let shown = stage.operator(&["--json", "log", "show"])?;
    let entries = shown.json()["entries"].as_array().cloned().unwrap_or_default();
    let mut closing = entries.iter().filter(|e| e["grant"] == grant && e["event"] == "connection-closing");
    let found = closing.find_map(|e| e["facts"]["cause"].as_str().map(str::to_owned));
    found.ok_or_else(|| StageError::Product(format!("no entry says why g-{grant} closed")))
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
