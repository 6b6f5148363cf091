//! A token for a program: made, shown once, ended (R8).

use story::{Account, StageError};

use super::{PASSWORD, that};
use crate::{House, Person};

pub(super) fn token(house: &House, p: &mut Person, account: &mut Account) -> Result<(), StageError> {
    account.chapter("journey-tokens");
    let page = format!("{}/tokens", house.inside());
    p.go(&page)?;
    p.look("33-tokens", account)?;
    p.fill("label", "在庫システム")?;
    p.fill("password", PASSWORD)?;
    p.send("#make")?;
    let refused = p.has("#faults")? && p.eval("document.getElementById('label').value")? == "在庫システム";
    account.check("journey-token-refused", &[], that(refused, || "a token for nothing is made".into()));
    p.look("33-tokens-refused", account)?;
    p.tick("#may-see-staff")?;
    p.fill("password", PASSWORD)?;
    p.tab_to("#make", 5)?;
    p.leave("Enter")?;
    let token = p.read("#token")?;
    account.check("journey-token", &[], that(token.starts_with("sekisho_"), || "no token".into()));
    p.look("34-token", account)?;
    p.go(&page)?;
    let once = p.has("#tokens")? && !p.text()?.contains(&token);
    account.check("journey-token-forgotten", &[], that(once, || "it can be seen again".into()));
    p.press("#tokens .sure summary")?;
    p.look("35-token-sure", account)?;
    p.send("#tokens form[action$='/revoke'] button")?;
    let over = !p.has("#tokens .sure")?;
    account.check("journey-token-ended", &[], that(over, || "it cannot be ended".into()));
    p.look("36-tokens-ended", account)
}
