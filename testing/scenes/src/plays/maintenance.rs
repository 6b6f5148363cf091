//! (c) The maker of the claims terminal maintains it from afar: one host of the maker, one terminal, in the booked window,
//! after the house agreed, recorded.

use crate::farend::{FarEnd, maintenance};
use crate::play::{Play, Told, product};
use serde_json::{Value, json};

const LINE: &str = "maker/maint-1 → hospital/claims-1 tcp/2222";
const SERVICE: &str = "keyaki/claims-maintenance";
/// The host names the window of this place in the document when it books one.
const NO_BOOKING: &str = "booked = []";

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let (netns, papers) = (play.netns("hospital/claims-1")?, play.server_papers("hospital/claims-1")?);
    let clients = play.papers.ca_pem.clone();
    let _console = FarEnd::serve(&netns, 2222, &papers, Some(&clients), maintenance()).map_err(product)?;
    let target = play.target("hospital/claims-1", 2222)?;
    let maker = play.client_papers("maker/maint-1")?;

    play.exactly("scene-shut-before", &[])?;
    play.refused("scene-c-only-one-host", "maker/maint-2", "engineer", SERVICE, "D021")?;
    play.refused("scene-c-wrong-role", "maker/maint-1", "doctor", SERVICE, "D017")?;
    play.refused("scene-c-not-booked", "maker/maint-1", "engineer", SERVICE, "D041")?;
    let until = book(play, 1800)?;
    // The engineer signs in and asks; the director of the house agrees at a terminal of the house.
    play.signs_in("scene-c-engineer-signs-in", "maker/maint-1", "engineer")?;
    play.refused_in_session("scene-c-needs-approval", "maker/maint-1", "engineer", SERVICE, "D073")?;
    play.signs_in("scene-c-director-signs-in", "hospital/ward-1", "director")?;
    let asked = play.stage.at_terminal_as("hospital/ward-1", "director", &["--json", "approvals"])?;
    let first = asked.json()["approvals"][0].clone();
    let named = first["person"] == "YAMAMOTO KEN" && first["from"] == "maker/maint-1";
    play.that("scene-c-asked", named, asked.seen());
    let number = first["approval"].as_u64().map(|n| format!("q-{n}"));
    let number = number.or_else(|| first["approval"].as_str().map(str::to_owned)).unwrap_or_default();
    let agreed =
        play.stage.at_terminal_as("hospital/ward-1", "director", &["--json", "approvals", "accept", &number])?;
    play.that("scene-c-agreed", agreed.code == 0, agreed.seen());
    let opened = play.comes_open(SERVICE)?;
    play.that("scene-c-open", opened.is_some(), play.stage.operator(&["--json", "status"])?.seen());
    let lease = opened.as_ref().map(|c| c["lease_until"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
    play.that("scene-c-ends-with-the-window", lease == until, format!("{lease} instead of {until}"));

    let reply = play.ask("maker/maint-1", &target, Some(&maker), ("GET", "/v1/version", Value::Null));
    play.answers("scene-c-works", reply, 200);
    let update = json!({"version": "4.2.1"});
    let reply = play.ask("maker/maint-1", &target, Some(&maker), ("POST", "/v1/update", update));
    let done = play.answers("scene-c-update", reply, 200);
    play.that("scene-c-names-who", done["by"] == "maker/maint-1", &done);
    // Exactly one terminal of the house, and nothing of the house by way of it.
    play.exactly("scene-exactly", &[LINE])?;
    play.live_picture()?;
    let ward = play.address("hospital/ward-1")?;
    play.silent("scene-c-nothing-beyond", &[("hospital/claims-1", ward, 443), ("maker/maint-1", ward, 443)])?;
    // An operator of the house ends it while it is in use.
    let grant = opened.and_then(|c| c["grant"].as_u64()).map(|g| format!("g-{g}")).unwrap_or_default();
    let cut = play.stage.operator(&["--json", "cut", "line", &grant])?;
    play.that("scene-c-cut", cut.code == 0, cut.seen());
    let address = play.address("hospital/claims-1")?;
    play.silent("scene-c-shut", &[("maker/maint-1", address, 2222)])?;
    // Who, when, who agreed: the record says it by itself.
    let shown = play.stage.operator(&["--json", "log", "show"])?.json().to_string();
    let words = ["YAMAMOTO KEN", "MORI AKIRA", "connection-permitted", "evidence-destination"];
    let missing: Vec<&str> = words.into_iter().filter(|w| !shown.contains(w)).collect();
    play.that("scene-c-recorded", missing.is_empty(), format!("{missing:?}"));
    let why = play.stage.operator(&["--json", "why", &grant])?;
    play.that("scene-c-why-cut", why.json()["steps"].to_string().contains("operator"), why.seen());
    Ok(())
}

/// The house books a window of so many seconds from now and applies its document; says when it ends.
fn book(play: &mut Play<'_>, seconds: i64) -> Result<String, story::StageError> {
    let path = play.stage.documents().join("hospital.toml");
    let text = std::fs::read_to_string(&path).map_err(product)?;
    let now = story::seconds();
    let [from, until] = [now - 60, now + seconds].map(|at| model::Timestamp::from_unix_seconds(at).to_string());
    let booked = format!("booked = [{{ from = \"{from}\", until = \"{until}\" }}]");
    std::fs::write(&path, text.replacen(NO_BOOKING, &booked, 1)).map_err(product)?;
    let applied = play.stage.operator(&["--json", "apply", "-f", &path.display().to_string()])?;
    play.that("scene-c-booked", applied.code == 0, applied.seen());
    play.stage.in_force()?;
    Ok(until)
}
