//! (c) The maker of the claims terminal maintains it from afar: one host of the maker, one terminal, recorded.

use crate::farend::{FarEnd, maintenance};
use crate::play::{Play, Told, product};
use serde_json::{Value, json};

const LINE: &str = "maker/maint-1 → hospital/claims-1 tcp/2222";

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let (netns, papers) = (play.netns("hospital/claims-1")?, play.server_papers("hospital/claims-1")?);
    let clients = play.papers.ca_pem.clone();
    let _console = FarEnd::serve(&netns, 2222, &papers, Some(&clients), maintenance()).map_err(product)?;
    let target = play.target("hospital/claims-1", 2222)?;
    let maker = play.client_papers("maker/maint-1")?;

    play.exactly("scene-shut-before", &[])?;
    play.refused("scene-c-only-one-host", "maker/maint-2", "engineer", "keyaki/claims-maintenance", "D021")?;
    play.refused("scene-c-wrong-role", "maker/maint-1", "doctor", "keyaki/claims-maintenance", "D017")?;
    play.refused("scene-c-outside-hours", "maker/maint-1", "engineer", closed_now(), "D040")?;
    play.opens("scene-c-open", "maker/maint-1", "engineer", "keyaki/claims-maintenance")?;
    let reply = play.ask("maker/maint-1", &target, Some(&maker), ("GET", "/v1/version", Value::Null));
    play.answers("scene-c-works", reply, 200);
    let update = json!({"version": "4.2.1"});
    let reply = play.ask("maker/maint-1", &target, Some(&maker), ("POST", "/v1/update", update));
    let done = play.answers("scene-c-update", reply, 200);
    play.that("scene-c-names-who", done["by"] == "maker/maint-1", &done);
    // Exactly one terminal of the house, and nothing of the house by way of it.
    play.exactly("scene-exactly", &[LINE])?;
    let ward = play.address("hospital/ward-1")?;
    play.silent("scene-c-nothing-beyond", &[("hospital/claims-1", ward, 443), ("maker/maint-1", ward, 443)])?;
    // An operator of the house ends it while it is in use.
    let grant = play.open_grants()?.into_iter().next().map(|g| format!("g-{g}")).unwrap_or_default();
    let cut = play.stage.operator(&["--json", "close", &grant])?;
    play.that("scene-c-cut", cut.code == 0, cut.seen());
    let address = play.address("hospital/claims-1")?;
    play.silent("scene-c-shut", &[("maker/maint-1", address, 2222)])?;
    // Who, when, how long: the record says it by itself.
    let shown = play.stage.operator(&["--json", "log", "show"])?.json().to_string();
    let recorded = ["YAMAMOTO KEN", "connection-permitted", "evidence-destination"].iter().all(|w| shown.contains(w));
    play.that("scene-c-recorded", recorded, &grant);
    let why = play.stage.operator(&["--json", "why", &grant])?;
    play.that("scene-c-why-cut", why.json()["steps"].to_string().contains("operator"), why.seen());
    Ok(())
}

/// The maintenance service whose daily window (Japan time) is shut at this moment: by day that of the night.
fn closed_now() -> &'static str {
    let hour = (story::seconds() / 3600 + 9) % 24;
    if (9..21).contains(&hour) { "keyaki/night-maintenance" } else { "keyaki/day-maintenance" }
}
