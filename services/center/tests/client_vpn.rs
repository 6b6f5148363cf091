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

    assert_eq!(world.elsewhere()?, Answer::Answered, "the lab's Internet works");
    assert!(!world.login_answers("pc")?, "the door inside answers outside the VPN");
    world.set_client_up(&profile, &server_ca);
    world.until("strongSwan was told of the new password", |world| world.connect(&password).is_ok());
    world.until("the door inside answers", |world| world.login_answers("pc").unwrap());
    assert_eq!(world.elsewhere()?, Answer::Silent, "another host of the Internet answers through the VPN");
    assert!(!world.login_answers("web")?, "the door inside answers somebody else");
    assert!(!world.login_answers("vpn-red")?, "an address that the VPN did not give is spoken to");
    assert!(!world.other_doors()?, "another door of the center answers inside");

    // The center dies and comes back; the line does not.
    let before = world.line();
    world.center_dies()?;
    world.until("the door inside is back", |world| world.login_answers("pc").unwrap());
    assert_eq!(world.line(), before, "the session is another one");

    // A wrong VPN password: not in, and on record.
    world.disconnect();
    assert!(world.connect("wrong").is_err());
    assert!(!world.login_answers("pc")?);
    world.until("in again", |world| world.connect(&password).is_ok());
    world.until("the door inside answers again", |world| world.login_answers("pc").unwrap());

    // Wrong passwords at the log-in lock the account: the line ends, and there is no other.
    let user = world.user.clone();
    for _ in 0..5 {
        let form = format!("user={user}&password=wrong");
        let said = world.inside("/login", Some(&form))?;
        assert!(said.contains("role=\"alert\""), "{said}");
    }
    world.until("the line is cut", |world| world.line().is_none());
    assert!(!world.login_answers("pc")?);
    assert!(world.connect(&password).is_err(), "a locked account comes in");

    let record = world.stop_and_read();
    let began = record.iter().filter(|e| matches!(e, Event::ClientVpnBegan { vpn, .. } if *vpn == world.vpn_id));
    assert_eq!(began.count(), 2, "{record:?}");
    let refused =
        |wanted: &str| record.iter().any(|e| matches!(e, Event::ClientVpnRefused { cause, .. } if cause == wanted));
    assert!(refused("V14") && refused("V12"), "{record:?}");
    let ended = |wanted: &str| record.iter().any(|e| matches!(e, Event::ClientVpnEnded { why, .. } if why == wanted));
    assert!(ended("E01") && ended("E03"), "{record:?}");
    Ok(())
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1.split_once(to).unwrap().0
}
