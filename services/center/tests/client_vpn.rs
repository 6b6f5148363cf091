//! A real center, a real strongSwan before it, and a member with a real strongSwan client: the way from the page with the VPN
//! password to the door inside, and out again (R6, R7, G14).
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/inner.rs"]
mod inner;

use audit::Event;
use inner::Inner;
use lab::{Answer, LabError, Trial};

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new(
        "a member joins, reaches the door inside and nothing else, lives through the center's end, and is out when locked",
        a_member,
    )]);
}

fn a_member() -> Result<(), LabError> {
    let mut world = Inner::raise()?;

    // The page after the change of the initial password: the VPN password once, the profile for one's own VPN-ID.
    let page = world.public("/first/vpn", Some(""))?;
    let password = between(&page, "id=\"vpn-password\">", "<").to_owned();
    assert!(page.contains("/first/files/sekisho.conf") && page.contains("/first/files/manual-strongswan"), "{page}");
    assert!(!page.contains("windows"), "a kind of client that is not let in is not offered");
    let profile = world.public("/first/files/sekisho.conf", None)?;
    assert!(profile.contains(&world.vpn_id) && !profile.contains(&password));
    let manual = world.public("/first/files/manual-strongswan", None)?;
    assert!(manual.contains("<h2>") && manual.contains("swanctl"), "{manual}");
    let server_ca = world.public("/first/files/sekisho-server-ca.crt", None)?;

    world.until("the lab's Internet works", |world| world.elsewhere().unwrap() == Answer::Answered);
    assert!(!world.login_answers("pc")?, "the door inside answers outside the VPN");
    world.set_client_up(&profile, &server_ca);
    world.until("strongSwan was told of the new password", |world| world.connect(&password).is_ok());
    world.until("the door inside answers", |world| world.login_answers("pc").unwrap());
    assert_eq!(world.elsewhere()?, Answer::Silent, "another host of the Internet answers through the VPN");
    assert!(!world.login_answers("web")?, "the door inside answers somebody else");
    assert!(!world.login_answers("vpn-red")?, "an address that the VPN did not give is spoken to");
    assert!(!world.other_doors()?, "another door of the center answers inside");

    world.until("the entry is on record", |world| world.recorded("\"client-vpn-began\"") > 0);

    // The center dies and comes back; the line does not.
    let before = world.line();
    world.center_dies()?;
    world.until("the door inside is back", |world| world.login_answers("pc").unwrap());
    assert_eq!(world.line(), before, "the session is another one");

    // An operator sees the line and ends it.
    let button = format!("id=\"cut-{}\"", world.vpn_id);
    world.until("the operator's list", |world| world.operators("/review/vpn", None).unwrap().contains(&button));
    let lines = world.operators("/api/v1/review/vpn-lines", None)?;
    assert!(lines.contains(&format!("\"vpn\":\"{}\"", world.vpn_id)), "{lines}");
    world.operators("/review/vpn/cut", Some(&format!("vpn={}", world.vpn_id)))?;
    world.until("the operator's cut", |world| world.line().is_none() && world.recorded("\"E02\"") > 0);
    let again = world.operators("/review/vpn/cut", Some(&format!("vpn={}", world.vpn_id)))?;
    assert!(again.contains("role=\"alert\""), "{again}");
    world.until("in once more", |world| world.connect(&password).is_ok());
    world.disconnect();
    world.until("the end is on record", |world| world.recorded("\"E01\"") > 0);

    // A wrong VPN password: not in, and on record.
    assert!(world.connect("wrong").is_err());
    assert!(!world.login_answers("pc")?);
    world.until("the refusal is on record", |world| world.recorded("\"V14\"") > 0);
    world.until("in again", |world| world.connect(&password).is_ok());
    world.until("the door inside answers again", |world| world.login_answers("pc").unwrap());

    // Wrong passwords at the log-in lock the account: the line ends, and there is no other.
    let form = format!("user={}&password=wrong", world.user);
    for _ in 0..4 {
        let said = world.inside("/login", Some(&form))?.unwrap_or_default();
        assert!(said.contains("role=\"alert\""), "{said}");
    }
    world.until("the line is cut", |world| {
        // Its answer may go down with the line.
        let _ = world.inside("/login", Some(&form));
        world.line().is_none() && world.recorded("\"E03\"") > 0
    });
    assert!(!world.login_answers("pc")?);
    assert!(world.connect(&password).is_err(), "a locked account comes in");
    world.until("why is on record", |world| world.recorded("\"V12\"") > 0);

    let record = world.stop_and_read();
    let began = record.iter().filter(|e| matches!(e, Event::ClientVpnBegan { vpn, .. } if *vpn == world.vpn_id));
    assert!(began.count() > 1, "{record:?}");
    let cut = record.iter().filter(|e| matches!(e, Event::ClientVpnCut { operator, .. } if operator == "tanaka"));
    assert_eq!(cut.count(), 1, "{record:?}");
    Ok(())
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1.split_once(to).unwrap().0
}
