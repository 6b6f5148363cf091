//! The whole way from knowing nothing to a service that is approved (R2–R6, R8, R9, R11).

use journey::{House, walk};
use lab::Trial;
use story::{Account, StageError};
use texts::{Lang, Texts};

fn main() {
    lab::enter();
    // Pages are as wide as their words: what fits in one language may not in the other.
    lab::trials(vec![
        Trial::new("somebody who knows nothing joins, in Japanese", || joins(Lang::Ja)),
        Trial::new("somebody who knows nothing joins, in English", || joins(Lang::En)),
    ]);
}

fn joins(language: Lang) -> Result<(), StageError> {
    let mut house = House::raise(language, None)?;
    let mut account = Account::new(Texts::new(Lang::En));
    let walked = walk(&mut house, &mut account);
    walked.inspect_err(|_| eprintln!("{}", house.log()))?;
    if account.close_as("joining") { Ok(()) } else { Err(StageError::Product(account.failed().join("\n"))) }
}
