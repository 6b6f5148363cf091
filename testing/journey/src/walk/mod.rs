//! The way, from knowing nothing to a service that may be used.

mod agreement;
mod apply;
mod equipment;
mod factor;
mod inside;
mod registration;
mod report;
mod review;
mod settle;
mod tokens;

use std::collections::BTreeSet;
use story::{Account, StageError};

use crate::House;

/// Where the applicant's letters go.
const MAIL: &str = "jimu@keyaki.example";
/// What the applicant chooses for the initial password.
const PASSWORD: &str = "Keyaki#Ohisama7";

/// What was given out on the way.
#[derive(Default)]
struct Given {
    user: String,
    initial: String,
    vpn_password: String,
}

/// `Err` with what was seen instead.
fn that(holds: bool, seen: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(seen()) }
}

/// Walks it; every check goes into the account.
pub fn walk(house: &mut House, account: &mut Account) -> Result<(), StageError> {
    let mut applicant = house.applicant()?;
    // Nothing before the log-in needs a script.
    applicant.scripts(false)?;
    let link = apply::provisional(house, &mut applicant, account)?;
    apply::full(house, &mut applicant, account, &link)?;
    let mut given = review::application(house, account)?;
    settle::first(house, &mut applicant, account, &mut given)?;
    drop(applicant);
    settle::connect(house, account, &given)?;
    let mut member = house.member()?;
    inside::log_in(house, &mut member, account, &given)?;
    inside::staff(house, &mut member, account)?;
    inside::service(house, &mut member, account)?;
    report::certificate(house, &mut member, account, &given)?;
    registration::site(house, &mut member, account)?;
    agreement::both(house, &mut member, account)?;
    tokens::token(house, &mut member, account)?;
    factor::two_steps(house, &mut member, account, &given)?;
    inside::log_out(house, &mut member, account)?;
    drop(member);
    report::first(house, account)?;
    report::overseen(house, account)?;
    equipment::device(house, account)?;
    let letters = house.letters();
    let ids: BTreeSet<String> = letters.iter().map(postbox::Letter::message_id).collect();
    let secret =
        |text: &str| text.contains(&given.initial) || text.contains(&given.vpn_password) || text.contains(PASSWORD);
    let sound = ids.len() == letters.len() && !letters.iter().any(|letter| secret(&letter.text()));
    let subjects = || letters.iter().map(postbox::Letter::subject).collect::<Vec<_>>().join(", ");
    account.check("journey-letters", &[], that(sound, subjects));
    Ok(())
}
