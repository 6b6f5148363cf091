//! People at terminals that speak IPv6 only: they sign in, first packets and typed commands open lines, and a cut ends them
//! (N1, N3, G16). The Internet between the sites is IPv4, as a line's carrier may be.

use std::time::Duration;

use lab::{Download, Scenario, Trial};
use story::{Person, Set, Stage, StageError, until};
use texts::Lang;

const WAIT: Duration = Duration::from_secs(60);
const AT: &str = "clinic/exam-1";

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("who has IPv6 only signs in and works", works)]);
}

/// The story's wires and documents, every segment by IPv6.
fn in_ipv6(text: &str) -> String {
    let segments = [(1, 20), (2, 10), (2, 20), (3, 10)];
    let text = segments.iter().fold(text.to_owned(), |text, (site, segment)| {
        let (four, six) = (format!("10.{site}.{segment}."), format!("fd00:0:{site}:{segment}::"));
        text.replace(&format!("{four}0/24"), &format!("{six}/64")).replace(&four, &six)
    });
    assert!(!text.contains("\"10."), "an IPv4 address is left in {text}");
    text
}

fn works() -> Result<(), StageError> {
    let mut set = Set::story();
    let wires = in_ipv6(include_str!("../scenarios/three-sites.toml"));
    set.scenario = Scenario::parse(&wires).map_err(|error| StageError::Product(error.to_string()))?;
    for (_, text) in set.documents.iter_mut().chain(&mut set.beside) {
        *text = in_ipv6(text);
    }
    let stage = Stage::raise_set(Lang::En, 0, set, &|_| {})?;
    let (doctor, colleague) = (stage.lab().netns("sk-clinic-exam-1")?, stage.lab().netns("sk-clinic-exam-2")?);
    let lines = || {
        let status = stage.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
        status["connections"].as_array().map(Vec::len)
    };
    let reads = |who, patience| stage.record_server().get(who, "/", patience);

    let early = reads(doctor, Duration::from_secs(2));
    that(early.is_err() && lines() == Some(0), || format!("{early:?}"))?;
    let signed_in = stage.at_terminal(AT, Person::Doctor, &["--json", "login", "--pin-fd", "9"])?;
    that(signed_in.code == 0 && signed_in.json()["at"] == AT, || signed_in.seen())?;
    // What was refused before is refused a moment longer.
    let opens = until(WAIT, || reads(doctor, Duration::from_secs(5)).is_ok());
    that(opens && lines() == Some(1), || format!("{}\n{}", stage.center_log(30), stage.gate_log("clinic", 30)))?;
    let other = reads(colleague, Duration::from_secs(2));
    that(other.is_err(), || "another terminal's packet passed".into())?;

    let download = Download::start(doctor, stage.record_server(), WAIT)?;
    that(download.flows(1 << 20, WAIT), || format!("{} bytes", download.bytes()))?;
    let closed = stage.close(AT, "keyaki/records")?;
    that(closed.code == 0, || closed.seen())?;
    that(download.stalled(Duration::from_millis(500), WAIT).is_some(), || "the download goes on".into())?;
    // Its end is no beginning.
    drop(download);
    that(lines() == Some(0), || "the end of a download opened a line".into())?;

    // In the name of who signed in, so that signing out ends it.
    let opened = stage.at_terminal(AT, Person::Doctor, &["--json", "open", "keyaki/records"])?;
    that(opened.code == 0, || opened.seen())?;
    let page = reads(doctor, WAIT);
    that(page.is_ok(), || format!("{:?}", page.as_ref().err()))?;
    let out = stage.at_terminal(AT, Person::Doctor, &["logout"])?;
    that(out.code == 0, || out.seen())?;
    let ended = until(WAIT, || lines() == Some(0));
    that(ended, || format!("signed out, and still open\n{}", stage.center_log(30)))
}

fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), StageError> {
    if holds { Ok(()) } else { Err(StageError::Product(seen())) }
}
