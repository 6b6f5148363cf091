//! The six scenarios with real packets, each in a lab of its own (N7 N8 N9 N11 N12 G5 G6 G7 G13 G16).

use lab::Trial;
use scenes::Letter;
use story::{Account, StageError};
use texts::{Lang, Texts};

fn main() {
    lab::enter();
    let trial = |letter: Letter| {
        Trial::new(format!("({}) {}: every check holds, every threat is answered", letter.as_str(), letter.folder()), {
            move || holds(letter)
        })
    };
    lab::trials(Letter::ALL.into_iter().map(trial).collect());
}

fn holds(letter: Letter) -> Result<(), StageError> {
    let mut account = Account::new(Texts::new(Lang::En));
    scenes::play(letter, Lang::En, false, &mut account);
    if account.close_as("scenario") { Ok(()) } else { Err(StageError::Product(account.failed().join("\n"))) }
}
