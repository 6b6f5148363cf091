//! (e) Insurance eligibility with the individual number card, on one circuit with (b), wired and wireless (N8, N9).

use std::net::Ipv4Addr;

use crate::farend::{
    EligibilityServer, FarEnd, InstitutionAuthority, InsuranceCard, Session, Target, check_eligibility, claims,
    man_in_the_middle,
};
use crate::play::{Play, Told, product};
use serde_json::json;

const ELIGIBILITY: &str = "clinic/elig-1 → payer/elig-srv tcp/443";
const WIRELESS: &str = "clinic/elig-air → payer/elig-srv tcp/443";
const CLAIMS: &str = "clinic/claims-1 → payer/claims-srv tcp/443";

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let authority = InstitutionAuthority::new().map_err(product)?;
    let card = InsuranceCard::issue("0613-0012-567890", &authority).map_err(product)?;
    let institution = authority.admit("shiharai").map_err(product)?;
    let clients = play.papers.ca_pem.clone();
    let papers = play.server_papers("payer/elig-srv")?;
    let handler = EligibilityServer::new(institution, &[&card]).handler();
    let server =
        FarEnd::serve(&play.netns("payer/elig-srv")?, 443, &papers, Some(&clients), handler).map_err(product)?;
    let claims_papers = play.server_papers("payer/claims-srv")?;
    let _claims = FarEnd::serve(&play.netns("payer/claims-srv")?, 443, &claims_papers, Some(&clients), claims());
    let target = play.target("payer/elig-srv", 443)?;
    let terminal = play.client_papers("clinic/elig-1")?;

    play.exactly("scene-shut-before", &[])?;
    play.refused("scene-e-wrong-role", "clinic/elig-1", "pharmacist", "shiharai/eligibility", "D017")?;
    play.refused("scene-e-only-its-terminal", "clinic/exam-1", "doctor", "shiharai/eligibility", "D021")?;
    play.refused("scene-e-not-the-claims-terminal", "clinic/claims-1", "office", "shiharai/eligibility", "D021")?;
    play.opens("scene-e-open-office", "clinic/elig-1", "office", "shiharai/eligibility")?;
    let netns = play.netns("clinic/elig-1")?;
    let asked = Session::open(&netns, &target, Some(&terminal)).and_then(|mut s| check_eligibility(&mut s, &card));
    play.check("scene-e-checked", asked.map(drop));
    play.exactly("scene-exactly", &[ELIGIBILITY])?;
    in_between(play, &authority, &card, &target, &server)?;
    play.closes("scene-e-closed", "clinic/elig-1", "shiharai/eligibility")?;

    // The wireless terminal stands under the same rules, in a segment of its own.
    play.opens("scene-e-open-wireless", "clinic/elig-air", "doctor", "shiharai/eligibility")?;
    let (air, papers) = (play.netns("clinic/elig-air")?, play.client_papers("clinic/elig-air")?);
    let asked = Session::open(&air, &target, Some(&papers)).and_then(|mut s| check_eligibility(&mut s, &card));
    play.check("scene-e-checked-wireless", asked.map(drop));
    play.exactly("scene-e-wireless-exactly", &[WIRELESS])?;
    play.closes("scene-e-wireless-closed", "clinic/elig-air", "shiharai/eligibility")?;

    exclusive(play)
}

/// Claims use the same circuit and never touch it (N9); while eligibility is open they are cut off from it (N8).
fn exclusive(play: &mut Play<'_>) -> Told {
    play.opens("scene-e-claims-open", "clinic/claims-1", "office", "shiharai/claims")?;
    play.exactly("scene-e-claims-apart", &[CLAIMS])?;
    play.opens("scene-e-exclusive-open", "clinic/elig-1", "doctor", "shiharai/eligibility")?;
    let gone = play.is_gone("shiharai/claims");
    play.that("scene-e-claims-cut", gone, "the claims line stays open");
    play.exactly("scene-e-alone", &[ELIGIBILITY])?;
    play.live_picture()?;
    play.refused("scene-e-claims-wait", "clinic/claims-1", "office", "shiharai/claims", "D072")?;
    play.closes("scene-e-exclusive-closed", "clinic/elig-1", "shiharai/eligibility")?;
    play.opens("scene-e-claims-back", "clinic/claims-1", "office", "shiharai/claims")?;
    play.exactly("scene-e-claims-back-exactly", &[CLAIMS])?;
    play.closes("scene-e-claims-closed", "clinic/claims-1", "shiharai/claims")
}

/// Malware on the terminal itself, with every certificate it could steal, passes the institution's proof on.
fn in_between(
    play: &mut Play<'_>,
    authority: &InstitutionAuthority,
    card: &InsuranceCard,
    real: &Target,
    server: &FarEnd,
) -> Told {
    let netns = play.netns("clinic/elig-1")?;
    let clients = play.papers.ca_pem.clone();
    let (stolen, terminal) = (play.server_papers("payer/elig-srv")?, play.client_papers("clinic/elig-1")?);
    let relay = man_in_the_middle(&netns, 9443, &stolen, &clients, real, &terminal).map_err(product)?;
    let between = Target { address: Ipv4Addr::LOCALHOST, port: 9443, ..real.clone() };
    let before = server.served();
    let asked = Session::open(&netns, &between, Some(&terminal)).and_then(|mut s| check_eligibility(&mut s, card));
    let refused = asked.as_ref().is_err_and(|why| why.contains("NotForThisChannel"));
    // That the real server was reached shows that nothing but the binding stopped it.
    play.that("scene-e-relay-fails", refused && server.served() > before, format!("{asked:?}"));
    drop(relay);
    // Another server, with a key nobody admitted.
    let stranger = InstitutionAuthority::new().and_then(|a| a.admit("shiharai")).map_err(product)?;
    let handler = EligibilityServer::new(stranger, &[card]).handler();
    let other = FarEnd::serve(&netns, 9444, &stolen, Some(&clients), handler).map_err(product)?;
    let elsewhere = Target { address: Ipv4Addr::LOCALHOST, port: 9444, ..real.clone() };
    let asked = Session::open(&netns, &elsewhere, Some(&terminal)).and_then(|mut s| check_eligibility(&mut s, card));
    let refused = asked.as_ref().is_err_and(|why| why.contains("NotAdmitted"));
    play.that("scene-e-other-server-fails", refused, format!("{asked:?}"));
    drop(other);
    // A card's answer of another session is of no use here.
    let nonce = [7; 32];
    let proof = authority.admit("shiharai").and_then(|k| k.prove(&[1; 32], &[2; 32])).map_err(product)?;
    let answer = card.answer(&[1; 32], &[2; 32], &proof, &nonce).unwrap_or_else(|why| json!(format!("{why:?}")));
    let replayed = Session::open(&netns, real, Some(&terminal)).and_then(|mut s| {
        s.ask("POST", "/v1/institution-authentication", &json!({"challenge": hex::encode([1; 32])}))?;
        s.ask("POST", "/v1/eligibility", &answer)
    });
    play.that("scene-e-replay-fails", replayed.as_ref().is_ok_and(|r| r.status == 403), format!("{replayed:?}"));
    Ok(())
}
