//! `cargo xtask demo`: the story, told step by step.

use std::process::ExitCode;

use story::{Account, Stage, chapters};
use texts::{Lang, Texts};

fn main() -> ExitCode {
    let lang = match language() {
        Ok(lang) => lang,
        Err(message) => {
            eprintln!("demo: {message}");
            return ExitCode::from(2);
        }
    };
    lab::enter();
    let texts = Texts::new(lang);
    println!("{}", texts.say("demo-title", &[]));
    let mut account = Account::new(Texts::new(lang));
    let progress = |key: &str| println!("      {}", texts.say(key, &[]));
    let told = Stage::raise(lang, &progress).and_then(|mut stage| {
        let told = chapters::tell(&mut stage, &mut account);
        progress("demo-take-down");
        told
    });
    if let Err(error) = told {
        account.check("demo-story-goes-on", &[], Err::<(), _>(error));
    }
    if account.close() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn language() -> Result<Lang, String> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("--lang"), Some(lang)) => lang.parse(),
        (None, _) => Ok(Lang::from_environment(|name| std::env::var(name).ok())),
        (Some(other), _) => Err(format!("`{other}` is not known; use --lang ja or --lang en")),
    }
}
