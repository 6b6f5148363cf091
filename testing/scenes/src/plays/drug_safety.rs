//! (d) A doctor looks up a drug on the Internet: through the proxy in the DMZ, by a line of its own, and by no tunnel.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};

use crate::farend::{FarEnd, InternalProxy, Session, Target, information};
use crate::play::{Play, Told, product};
use serde_json::Value;

const DRUGS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 81);
const PROXY_OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 60);
const PROXY: &str = "hospital/ward-1 → hospital/web-proxy tcp/3128";
const LINE: &str = "clinic/exam-1 → hospital/records tcp/443";

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let mut sites = Vec::new();
    for (host, name) in [("drug-site", "drugs.internet.test"), ("other-site", "elsewhere.internet.test")] {
        let papers = play.papers.server(name).map_err(product)?;
        let netns = play.netns(host)?;
        sites.push(FarEnd::serve(&netns, 443, &papers, None, information()).map_err(product)?);
    }
    let list = BTreeMap::from([("drugs.internet.test:443".to_owned(), SocketAddrV4::new(DRUGS, 443))]);
    let proxy = InternalProxy::start(&play.netns("hospital/web-proxy")?, 3128, list).map_err(product)?;
    let door = SocketAddrV4::new(play.address("hospital/web-proxy")?, 3128);
    let ca_pem = play.papers.ca_pem.clone();
    let target = |address, name: &str| Target { address, port: 443, name: name.to_owned(), ca_pem: ca_pem.clone() };
    let drugs = target(DRUGS, "drugs.internet.test");
    let elsewhere = target(ELSEWHERE, "elsewhere.internet.test");
    let look = |play: &Play<'_>, from: &str, target: &Target| -> Result<_, String> {
        let netns = play.netns(from).map_err(|e| e.to_string())?;
        let site = format!("{}:443", target.name);
        let through = || InternalProxy::through(door, &site);
        Session::over(&through, &netns, target, None)?.ask("GET", "/drugs/warfarin", &Value::Null)
    };

    play.standing = &[PROXY];
    // The way through the proxy is the house's own rule; everything else is shut.
    play.exactly("scene-d-only-the-proxy", &[PROXY])?;
    let mark = play.stage.lab().capture().mark();
    let found = look(play, "hospital/ward-1", &drugs);
    play.answers("scene-d-looked-up", found, 200);
    let other = look(play, "hospital/ward-1", &elsewhere);
    play.that("scene-d-not-on-the-list", other.is_err() && sites[1].served() == 0, format!("{other:?}"));
    play.silent(
        "scene-d-not-directly",
        &[("hospital/ward-1", DRUGS, 443), ("hospital/ward-1", ELSEWHERE, 443), ("hospital/records", DRUGS, 443)],
    )?;

    // With a tunnel open the Internet is no part of it, at either end.
    play.opens("scene-d-line-open", "clinic/exam-1", "doctor", "keyaki/records")?;
    play.exactly("scene-exactly", &[PROXY, LINE])?;
    play.live_picture()?;
    let (inside, door_address) = (play.address("hospital/records")?, *door.ip());
    play.silent(
        "scene-d-not-through-a-tunnel",
        &[("clinic/exam-1", door_address, 3128), ("clinic/exam-1", DRUGS, 443), ("hospital/web-proxy", inside, 443)],
    )?;
    let found = look(play, "hospital/ward-1", &drugs);
    play.answers("scene-d-looked-up-beside-a-line", found, 200);
    // Nobody on the Internet begins anything with the house, through the proxy's own line.
    let ward = play.address("hospital/ward-1")?;
    play.silent("scene-d-nothing-from-outside", &[("drug-site", ward, 443), ("drug-site", inside, 443)])?;
    let strange: Vec<String> = play
        .stage
        .lab()
        .capture()
        .packets_since(mark)?
        .iter()
        .filter(|p| [p.source, p.destination].iter().any(|a| [IpAddr::V4(DRUGS), IpAddr::V4(ELSEWHERE)].contains(a)))
        .filter(|p| p.length > 0)
        .filter(|p| ![p.source, p.destination].contains(&IpAddr::V4(PROXY_OUTSIDE)))
        .map(|p| format!("{} → {} {:?}", p.source, p.destination, p.class))
        .filter(|text| !text.contains("10."))
        .collect();
    play.that("scene-d-own-path", strange.is_empty(), strange.join("; "));
    let visits = proxy.visits();
    let told =
        visits.iter().filter(|v| v.who == ward).count() == 3 && visits.iter().filter(|v| !v.allowed).count() == 1;
    play.that("scene-d-logged", told, format!("{visits:?}"));
    play.closes("scene-d-line-closed", "clinic/exam-1", "keyaki/records")?;
    drop(proxy);
    Ok(())
}
