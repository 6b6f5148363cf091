//! First sign-in, forced change, VPN password once, the VPN (R5, R6, R7).

use std::time::Duration;
use story::{Account, StageError};

use super::{Given, PASSWORD, that};
use crate::{House, Person};

pub(super) fn first(
    house: &mut House,
    p: &mut Person,
    account: &mut Account,
    given: &mut Given,
) -> Result<(), StageError> {
    account.chapter("journey-first");
    p.go(&format!("{}/first", house.public()))?;
    p.look("15-first", account)?;
    p.fill("user", &given.user)?;
    p.fill("password", "000000x")?;
    p.send("#enter")?;
    account.check("journey-wrong-password", &[], p.says("joining-refused-wrong-credentials")?);
    p.look("16-first-refused", account)?;
    p.fill("user", &given.user)?;
    p.fill("password", &given.initial)?;
    p.send("#enter")?;
    p.reaches("page-change-title")?;
    p.go(&format!("{}/first/vpn", house.public()))?;
    let forced = p.url()?;
    account.check("journey-forced", &[], that(forced.ends_with("/first/password"), || forced.clone()));
    p.fill("password", &given.initial)?;
    for field in ["new-password", "new-password-again"] {
        p.fill(field, "abcdefgh")?;
    }
    p.send("#change")?;
    account.check("journey-weak", &[], p.says("joining-fault-no-digit")?);
    p.look("17-change-refused", account)?;
    p.fill("password", &given.initial)?;
    for field in ["new-password", "new-password-again"] {
        p.fill(field, PASSWORD)?;
    }
    p.send("#change")?;
    p.reaches("page-vpn-title")?;
    p.look("18-vpn", account)?;
    p.send("#show")?;
    let password = p.read("#vpn-password")?;
    account.check("journey-vpn-password", &[], that(password.len() >= 8, || "none".into()));
    p.look("19-vpn-password", account)?;
    given.vpn_password = password;
    p.go(&format!("{}/first/vpn", house.public()))?;
    let gone = !p.has("#vpn-password")? && !p.has("#show")?;
    account.check("journey-vpn-once", &[], that(gone, || "it can be seen again".into()));
    let profile = p.fetch("/first/files/sekisho.conf")?;
    let server_ca = p.fetch("/first/files/sekisho-server-ca.crt")?;
    let offered = p.has("a[href='/first/files/sekisho.conf']")? && !profile.contains(&given.vpn_password);
    account.check("journey-profile", &[], that(offered, || "no profile, or with a password in it".into()));
    house.vpn().set_up(&profile, &server_ca)?;
    p.send("a[href='/first/files/manual-strongswan']")?;
    p.look("19-vpn-manual", account)?;
    let outside = p.go(&house.inside()).is_err();
    account.check("journey-inside-only", &[], that(outside, || "the log-in answers to the Internet".into()));
    Ok(())
}

/// What answers does so at once, but for a busy machine.
const ANSWER: Duration = Duration::from_secs(30);
/// Silence is waited for so long.
const SILENCE: Duration = Duration::from_secs(1);

/// The client VPN, by a real strongSwan.
pub(super) fn connect(house: &mut House, account: &mut Account, given: &Given) -> Result<(), StageError> {
    let before = house.elsewhere_answers(ANSWER)?;
    account.check("journey-internet", &[], that(before, || "the lab's Internet does not work".into()));
    let wrong = house.vpn().connect("wrong-vpn-password");
    account.check("journey-vpn-wrong", &[], that(wrong.is_err(), || "a wrong VPN password lets in".into()));
    house.vpn().connect_soon(&given.vpn_password)?;
    let alone = !house.elsewhere_answers(SILENCE)?;
    account.check("journey-vpn-alone", &[], that(alone, || "another host of the Internet answers".into()));
    Ok(())
}
