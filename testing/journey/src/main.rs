//! `cargo xtask demo joining`: the whole way, told step by step.

use journey::{House, walk};
use std::process::ExitCode;
use story::Account;
use texts::{Lang, Texts};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let lang = match (arguments.next().as_deref(), arguments.next()) {
        (Some("--lang"), Some(lang)) => lang.parse(),
        (None, _) => Ok(Lang::from_environment(|name| std::env::var(name).ok())),
        (Some(other), _) => Err(format!("`{other}` is not known; use --lang ja or --lang en")),
    };
    let lang = match lang {
        Ok(lang) => lang,
        Err(message) => {
            eprintln!("demo joining: {message}");
            return ExitCode::from(2);
        }
    };
    lab::enter();
    let mut account = Account::new(Texts::new(lang));
    println!("{}", account.texts().say("journey-title", &[]));
    let pictures = story::pictures().join("joining");
    let told = House::raise(lang, Some(pictures)).and_then(|mut house| {
        let walked = walk(&mut house, &mut account);
        walked.inspect_err(|_| eprintln!("{}", house.log()))
    });
    if let Err(error) = told {
        account.check("journey-goes-on", &[], Err::<(), _>(error));
    }
    if account.close_as("joining") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
