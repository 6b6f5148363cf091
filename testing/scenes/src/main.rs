//! `cargo xtask demo scenarios`: the six scenarios, one after the other.

use std::process::ExitCode;

use scenes::{Letter, Scene, trying};
use story::Account;
use texts::{Lang, Texts};

fn main() -> ExitCode {
    let (lang, letters) = match arguments() {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("scenarios: {message}");
            return ExitCode::from(2);
        }
    };
    lab::enter();
    let texts = Texts::new(lang);
    println!("{}", texts.say("scenes-title", &[]));
    let mut account = Account::new(Texts::new(lang));
    for letter in letters {
        scenes::play(letter, lang, true, &mut account);
    }
    if account.close_as("scenarios") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `--lang ja|en`, and letters for some of the six.
fn arguments() -> Result<(Lang, Vec<Letter>), String> {
    let mut lang = Lang::from_environment(|name| std::env::var(name).ok());
    let mut letters = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--lang" => lang = arguments.next().ok_or("--lang wants ja or en")?.parse()?,
            "--threats" => {
                print_threats(lang);
                std::process::exit(0);
            }
            letter => letters.push(letter.parse()?),
        }
    }
    if letters.is_empty() {
        letters = Letter::ALL.to_vec();
    }
    Ok((lang, letters))
}

fn print_threats(lang: Lang) {
    let word = |name: &model::LocalizedName| match lang {
        Lang::Ja => name.ja.clone(),
        Lang::En => name.en.clone(),
    };
    let own = Scene::all().map(|all| all.into_iter().flat_map(|s| s.threats).collect::<Vec<_>>()).unwrap_or_default();
    for threat in scenes::common().into_iter().chain(own) {
        println!("{}  {}\n    {}", threat.id, word(&threat.threat), word(&threat.control));
        for test in &threat.tests {
            println!("    · {:?}", trying(test));
        }
    }
}
