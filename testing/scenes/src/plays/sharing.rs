//! (a) Two facilities look into each other's records: two services, two grants, neither of which opens the other way.

use crate::farend::{FarEnd, records};
use crate::play::{Play, Told, product};
use serde_json::Value;

const FORTH: &str = "sakura/ward-1 → hospital/records tcp/443";
const BACK: &str = "hospital/ward-1 → sakura/records tcp/443";

pub(super) fn tell(play: &mut Play<'_>) -> Told {
    let mut servers = Vec::new();
    for at in ["hospital/records", "sakura/records"] {
        let (netns, papers) = (play.netns(at)?, play.server_papers(at)?);
        let clients = play.papers.ca_pem.clone();
        servers.push(FarEnd::serve(&netns, 443, &papers, Some(&clients), records(at)).map_err(product)?);
    }
    let (there, here) = (play.target("hospital/records", 443)?, play.target("sakura/records", 443)?);
    let (sakura, hospital) = (play.client_papers("sakura/ward-1")?, play.client_papers("hospital/ward-1")?);
    let patient = || ("GET", "/v1/patients/4711", Value::Null);

    play.exactly("scene-shut-before", &[])?;
    play.refused("scene-a-wrong-role", "sakura/ward-1", "pharmacist", "keyaki/records", "D017")?;
    play.refused("scene-a-other-terminal", "sakura/ward-2", "sakura-doctor", "keyaki/records", "D021")?;
    play.opens("scene-a-forth-open", "sakura/ward-1", "sakura-doctor", "keyaki/records")?;
    let reply = play.ask("sakura/ward-1", &there, Some(&sakura), patient());
    play.answers("scene-a-forth-works", reply, 200);
    let bare = play.ask("sakura/ward-1", &there, None, patient());
    play.that("scene-a-no-client-certificate", bare.is_err(), "the server talks to whoever comes");
    // The line is one way: neither the other facility's doctor nor its server begins anything by it.
    play.exactly("scene-a-reverse-shut", &[FORTH])?;

    play.opens("scene-a-back-open", "hospital/ward-1", "keyaki-doctor", "sakura/records")?;
    let reply = play.ask("hospital/ward-1", &here, Some(&hospital), patient());
    play.answers("scene-a-back-works", reply, 200);
    play.exactly("scene-exactly", &[FORTH, BACK])?;
    play.live_picture()?;

    play.closes("scene-a-forth-closed", "sakura/ward-1", "keyaki/records")?;
    let reply = play.ask("hospital/ward-1", &here, Some(&hospital), patient());
    play.answers("scene-a-back-stays", reply, 200);
    let address = play.address("hospital/records")?;
    play.silent("scene-a-forth-shut", &[("sakura/ward-1", address, 443)])?;
    play.closes("scene-a-back-closed", "hospital/ward-1", "sakura/records")
}
