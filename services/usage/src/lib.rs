//! What a person types to a program: read, or told in their language why not and what to do; and the program's help, with
//! its headings in that language (X5). What options are for stands at the options themselves, in both languages.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod help;
mod wrong;

use clap::error::ErrorKind;
use clap::{Command, Parser};
use std::ffi::{OsStr, OsString};
use texts::{Lang, Texts};

pub use wrong::Wrong;

/// Exit code when what was typed cannot be read.
const MISUSED: i32 = 2;

/// The arguments of this program. Does not come back if they ask for help, or cannot be read: then the reader has been
/// told, and the exit code is 0 or 2.
pub fn read<T: Parser>() -> T {
    let given: Vec<OsString> = std::env::args_os().collect();
    let texts = Texts::new(language(&given, |name| std::env::var(name).ok()));
    let said = match parsed(&given, &texts) {
        Ok(arguments) => return arguments,
        Err(said) => said,
    };
    match said {
        Said::Asked(text) => {
            print!("{text}");
            std::process::exit(0)
        }
        Said::Misused(text) => {
            eprint!("{text}");
            std::process::exit(MISUSED)
        }
    }
}

/// What is said in place of doing anything.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    /// Help or the version, which was asked for.
    Asked(String),
    /// What was wrong, or help that nobody asked for.
    Misused(String),
}

fn parsed<T: Parser>(given: &[OsString], texts: &Texts) -> Result<T, Said> {
    let mut command = help::worded(T::command(), texts);
    let matches = command.try_get_matches_from_mut(given);
    matches.and_then(|mut m| T::from_arg_matches_mut(&mut m)).map_err(|error| said(&mut command, &error, texts))
}

fn said(command: &mut Command, error: &clap::Error, texts: &Texts) -> Said {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Said::Asked(error.render().to_string()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Said::Misused(error.render().to_string()),
        _ => Said::Misused(wrong::told(command, error, texts)),
    }
}

/// The language is needed to say that the arguments cannot be read: it is looked for without reading them.
fn language(given: &[OsString], environment: impl Fn(&str) -> Option<String>) -> Lang {
    let after = |words: &[OsString]| -> Option<Lang> {
        match words {
            [flag, value] if flag == "--lang" => value.to_str()?.parse().ok(),
            [word, ..] => word.to_str()?.strip_prefix("--lang=")?.parse().ok(),
            [] => None,
        }
    };
    // Behind `--` stands what is not ours.
    let own = given.split(|word| word == OsStr::new("--")).next().unwrap_or_default();
    let asked =
        own.windows(2).find_map(after).or_else(|| own.last().and_then(|word| after(std::slice::from_ref(word))));
    Lang::chosen(asked, environment)
}

#[cfg(test)]
mod tests;
