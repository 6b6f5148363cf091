//! Two-step sign-in: a security key and an authenticator app, each used, a copied key refused, all taken away (R5).

use browser::VirtualKey;
use story::{Account, StageError};

use super::{Given, PASSWORD, that};
use crate::house::seconds;
use crate::{House, Person};

pub(super) fn two_steps(house: &House, p: &mut Person, account: &mut Account, given: &Given) -> Result<(), StageError> {
    p.go(&format!("{}/connection", house.inside()))?;
    p.look("30-connection", account)?;
    account.chapter("journey-two-steps");
    p.go(&format!("{}/factor", house.inside()))?;
    p.reaches("page-menu-factor")?;
    p.look("factor-1-none", account)?;
    let key = with_key(house, p, account, given)?;
    let (secret, recovery) = with_app(house, p, account)?;
    log_out(house, p)?;
    first_step(house, p, given)?;
    p.look("factor-5-asked", account)?;
    // A step ahead, as the standard forgives: that of now was used to set it up.
    p.fill("code", &authenticator::app_code(&secret, seconds() + 30))?;
    p.send("#confirm")?;
    p.reaches("page-notices-title")?;
    account.check("journey-app", &[], that(true, String::new));
    copied(house, p, account, given, key)?;
    p.press(".other summary")?;
    p.fill("recovery", &recovery)?;
    p.send("#recover")?;
    p.reaches("page-notices-title")?;
    account.check("journey-recovery", &[], that(true, String::new));
    p.go(&format!("{}/factor", house.inside()))?;
    p.look("factor-6-both", account)?;
    p.fill("password", PASSWORD)?;
    p.send("#remove")?;
    log_out(house, p)?;
    password(house, p, given)?;
    p.reaches("page-notices-title")?;
    account.check("journey-factors-removed", &[], that(true, String::new));
    Ok(())
}

/// A key is added; from then on it is asked for, and is enough.
fn with_key(house: &House, p: &mut Person, account: &mut Account, given: &Given) -> Result<VirtualKey, StageError> {
    let key = p.plug_in()?;
    p.fill("password", PASSWORD)?;
    p.send("#key")?;
    p.fill("key-name", "事務室の引き出し")?;
    p.look("factor-2-key", account)?;
    p.send("#touch")?;
    let codes = p.eval("document.querySelectorAll('#recovery li').length")?;
    account.check("journey-key-added", &[], that(codes == 10, || codes.to_string()));
    p.look("factor-3-recovery-codes", account)?;
    log_out(house, p)?;
    first_step(house, p, given)?;
    p.go(&format!("{}/menu", house.inside()))?;
    let shut = p.url()?;
    account.check("journey-password-is-half", &[], that(shut.ends_with("/login"), || shut.clone()));
    first_step(house, p, given)?;
    p.send("#touch")?;
    p.reaches("page-notices-title")?;
    account.check("journey-key", &[], that(true, String::new));
    Ok(key)
}

/// An app beside it: the secret it read, and a recovery code.
fn with_app(house: &House, p: &mut Person, account: &mut Account) -> Result<(String, String), StageError> {
    p.go(&format!("{}/factor", house.inside()))?;
    p.fill("password", PASSWORD)?;
    p.send("#begin")?;
    p.look("factor-4-app", account)?;
    let secret = p.read("#totp-secret")?;
    p.fill("code", &authenticator::app_code(&secret, seconds()))?;
    p.send("#confirm")?;
    Ok((secret, p.read("#recovery li")?))
}

/// Who copied the key, and uses the copy after the key: its counter stands where it stood.
fn copied(
    house: &House,
    p: &mut Person,
    account: &mut Account,
    given: &Given,
    key: VirtualKey,
) -> Result<(), StageError> {
    let mut stolen = p.copied(&key)?;
    for credential in &mut stolen {
        credential["signCount"] = 0.into();
    }
    p.pull_out(key)?;
    let copy = p.plug_in()?;
    p.put_in(&copy, &stolen)?;
    log_out(house, p)?;
    first_step(house, p, given)?;
    p.send("#touch")?;
    account.check("journey-key-copied", &[], p.says("joining-refused-wrong-second-factor")?);
    Ok(p.pull_out(copy)?)
}

fn first_step(house: &House, p: &mut Person, given: &Given) -> Result<(), StageError> {
    password(house, p, given)?;
    p.reaches("page-code-title")
}

fn password(house: &House, p: &mut Person, given: &Given) -> Result<(), StageError> {
    p.go(&format!("{}/login", house.inside()))?;
    p.fill("user", &given.user)?;
    p.fill("password", PASSWORD)?;
    Ok(p.send("#login")?)
}

fn log_out(house: &House, p: &mut Person) -> Result<(), StageError> {
    p.go(&format!("{}/menu", house.inside()))?;
    p.send("#logout")?;
    p.reaches("page-logged-out-title")
}
