//! The whole product in the lab: every chapter of the demo must hold (N1 N2 N3 N4 N5 N6 G2 G6 G7 G12 G13 X1 X4).

use lab::Trial;
use story::{Account, Stage, StageError, chapters};
use texts::{Lang, Texts};

fn main() {
    lab::enter();
    lab::trials(vec![Trial::new("every check of the story holds", story_holds)]);
}

fn story_holds() -> Result<(), StageError> {
    let mut stage = Stage::raise(Lang::En, &|_| {})?;
    let mut account = Account::new(Texts::new(Lang::En));
    chapters::tell(&mut stage, &mut account)?;
    if account.close() { Ok(()) } else { Err(StageError::Product(account.failed().join("\n"))) }
}
