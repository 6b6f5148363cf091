//! (b) Claims go from the claims terminal to the payer, and from nowhere else.

use std::process::Command;
use std::time::Duration;

use crate::farend::{FarEnd, Identity, Session, Target, claims};
use crate::play::{Play, Told, product};
use serde_json::json;
use story::{Look, until};

const LINE: &str = "clinic/claims-1 → payer/claims-srv tcp/443";

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let (netns, papers) = (play.netns("payer/claims-srv")?, play.server_papers("payer/claims-srv")?);
    let clients = play.papers.ca_pem.clone();
    let server = FarEnd::serve(&netns, 443, &papers, Some(&clients), claims()).map_err(product)?;
    let target = play.target("payer/claims-srv", 443)?;
    let terminal = play.client_papers("clinic/claims-1")?;
    let file = json!({"month": "2026-10", "claims": [{"patient": 1, "points": 420}, {"patient": 2, "points": 137}]});

    play.exactly("scene-shut-before", &[])?;
    play.refused("scene-b-only-claims-terminal", "clinic/exam-1", "doctor", "shiharai/claims", "D021")?;
    play.refused("scene-b-wrong-role", "clinic/claims-1", "pharmacist", "shiharai/claims", "D017")?;
    let opened = play.opens("scene-b-open", "clinic/claims-1", "office", "shiharai/claims")?;
    let reply = play.ask("clinic/claims-1", &target, Some(&terminal), ("POST", "/v1/claims", file));
    let receipt = play.answers("scene-b-receipt", reply, 200);
    play.that("scene-b-receipt-names", receipt["from"] == "clinic/claims-1" && receipt["claims"] == 2, &receipt);
    // Of the payer only the claims server answers, and only the claims terminal.
    play.exactly("scene-exactly", &[LINE])?;
    let grant = opened.grant().map(|g| format!("g-{g}")).unwrap_or_default();
    let why = play.stage.operator(&["why", &grant])?;
    play.account.quote(&why.stdout);
    play.that("scene-why-works", why.code == 0, why.seen());
    let why = play.stage.operator(&["--json", "why", "clinic/exam-1"])?;
    let step = &why.json()["steps"][why.json()["first"].as_u64().unwrap_or(99) as usize];
    let named = why.code == 1 && step["section"] == "in-house-lan" && step["remedy"].is_string();
    play.that("scene-why-refused", named, why.seen());
    spoofed(play, &target, &terminal, &server)?;
    play.closes("scene-b-closed", "clinic/claims-1", "shiharai/claims")?;
    signed_in(play, &target, &terminal)?;
    let served = server.served();
    let again = play.ask("clinic/claims-1", &target, Some(&terminal), ("POST", "/v1/claims", json!({})));
    play.that("scene-b-shut", again.is_err() && server.served() == served, format!("{again:?}"));
    Ok(())
}

/// Signed in once, the first packet of the program opens its line (N1); one that may not is told to the person.
fn signed_in(play: &mut Play<'_>, target: &Target, terminal: &Identity) -> Told {
    let file = json!({"month": "2026-10", "claims": [{"patient": 3, "points": 96}]});
    let mut console = sign_in(play)?;
    let mut reply = Err("not asked".to_owned());
    // What was refused a moment ago is dropped for ten seconds without being asked again.
    until(Duration::from_secs(15), || {
        reply = play.ask("clinic/claims-1", target, Some(terminal), ("POST", "/v1/claims", file.clone()));
        reply.is_ok()
    });
    play.answers("scene-b-first-packet-opens", reply, 200);
    play.exactly("scene-b-first-packet-exactly", &[LINE])?;
    play.live_picture()?;
    let neighbour = play.address("payer/elig-srv")?;
    play.silent("scene-b-neighbour-refused", &[("clinic/claims-1", neighbour, 443)])?;
    let mut seen = String::new();
    let told = until(Duration::from_secs(15), || {
        let services = play.stage.at_terminal_as("clinic/claims-1", "office", &["--json", "services"]);
        let recent = services.map(|a| a.json()["recent"].clone()).unwrap_or_default();
        seen = recent.to_string();
        let packets = recent.as_array().cloned().unwrap_or_default();
        packets.iter().any(|p| p["destination"] == neighbour.to_string() && p["reasons"][0]["code"].is_string())
    });
    play.that("scene-b-neighbour-told", told, seen);
    if let (Some(console), Some((_, lang))) = (&mut console, play.pictures) {
        console.go(&play.stage.console_url())?;
        console.screenshot(&story::pictures().join(format!("scenario-b-console.{lang}.png")))?;
    }
    let out = play.stage.at_terminal_as("clinic/claims-1", "office", &["--json", "logout"])?;
    let gone = play.is_gone("shiharai/claims");
    play.that("scene-b-sign-out-ends", out.code == 0 && gone, out.seen());
    Ok(())
}

/// At the console in a browser where pictures are wanted, else by the command.
fn sign_in(play: &mut Play<'_>) -> Result<Option<browser::Browser>, story::StageError> {
    let Some((_, lang)) = play.pictures else {
        play.signs_in("scene-b-signed-in", "clinic/claims-1", "office")?;
        return Ok(None);
    };
    let mut browser = play.stage.browser("clinic/claims-1", Some("office"), Look::of(lang))?;
    let signed_in = story::sign_in(play.stage, &mut browser);
    play.check("scene-b-signed-in", signed_in);
    Ok(Some(browser))
}

/// Another terminal takes the claims terminal's address, then its MAC as well, while the line is open. The switch binds
/// both to the port (G16).
fn spoofed(play: &mut Play<'_>, target: &Target, stolen: &Identity, server: &FarEnd) -> Told {
    let (netns, before) = (play.netns("clinic/exam-1")?, server.served());
    let run = |play: &Play<'_>, script: &str| -> Told {
        let mut command = Command::new("sh");
        command.args(["-ec", script]);
        let done = play.stage.lab().run_in("sk-clinic-exam-1", command, Duration::from_secs(10))?;
        if done.status.is_some_and(|s| s.success()) { Ok(()) } else { Err(product(done.stderr)) }
    };
    let mut got = Vec::new();
    for mac in ["02:00:00:01:20:11", "02:00:00:01:10:11"] {
        run(
            play,
            &format!(
                "ip link set eth0 down; ip link set eth0 address {mac}; ip addr flush dev eth0; \
                 ip addr add 10.1.10.11/24 dev eth0; ip link set eth0 up; ip route replace default via 10.1.10.1"
            ),
        )?;
        got.push(Session::open(&netns, target, Some(stolen)).map(drop));
    }
    run(
        play,
        "ip link set eth0 down; ip link set eth0 address 02:00:00:01:20:11; ip addr flush dev eth0; \
         ip addr add 10.1.20.11/24 dev eth0; ip link set eth0 up; ip route replace default via 10.1.20.1",
    )?;
    let shut = got.iter().all(Result::is_err) && server.served() == before;
    play.that("scene-b-spoofed", shut, format!("{got:?}"));
    Ok(())
}
