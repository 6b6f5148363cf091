//! What can be wrong with what was typed, and what to do about it.

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;
use texts::{Arg, Texts, Words};

texts::faults! {
    /// What is wrong with what was typed. `hint` is a word that may have been meant, or where to look.
    pub enum Wrong in "usage" {
        /// No such option, or one word too many.
        Unknown = "unknown" { given: String, hint: Arg }
        /// No such command.
        NoCommand = "no-command" { given: String, hint: Arg }
        /// Something is needed that is not there.
        Missing = "missing" { what: Arg, hint: Arg }
        /// A command is needed.
        NeedsCommand = "needs-command" { commands: Arg, hint: Arg }
        /// Not one of its values.
        NoSuchValue = "no-such-value" { argument: String, given: String, values: Arg, hint: Arg }
        /// A value that cannot be read; `said` is what the reader of the value says.
        Unreadable = "unreadable" { argument: String, given: String, said: String, hint: Arg }
        /// A value is needed.
        NeedsValue = "needs-value" { argument: String, hint: Arg }
        /// Another number of values is needed.
        OtherNumber = "other-number" { argument: String, hint: Arg }
        /// Given twice.
        Twice = "twice" { argument: String, hint: Arg }
        /// Two that do not go together.
        Conflict = "conflict" { argument: String, others: Arg, hint: Arg }
        /// Not UTF-8.
        NotText = "not-text" { hint: Arg }
        /// Anything else, in the library's words.
        Other = "other" { said: String, hint: Arg }
    }
}

/// All that is said: what, what to do, and how it is used.
pub(crate) fn told(command: &mut Command, error: &clap::Error, texts: &Texts) -> String {
    let words = of(command, error).words();
    let program = command.get_name();
    let mut lines = vec![
        format!("{program}: {}", words.what(texts)),
        format!("{}  {}", texts.say("cli-label-remedy", &[]), words.mend(texts)),
    ];
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = usage.to_string();
        let usage = usage.strip_prefix("Usage:").unwrap_or(&usage).trim();
        lines.push(format!("{}: {usage}", texts.say("usage-heading", &[])));
    }
    lines.join("\n") + "\n"
}

fn of(command: &Command, error: &clap::Error) -> Wrong {
    let hint = hint(command, error);
    let (argument, given) = (one(error, ContextKind::InvalidArg), one(error, ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::UnknownArgument => Wrong::Unknown { given: argument, hint },
        ErrorKind::InvalidSubcommand => Wrong::NoCommand { given: one(error, ContextKind::InvalidSubcommand), hint },
        ErrorKind::MissingRequiredArgument => Wrong::Missing { what: all(error, ContextKind::InvalidArg), hint },
        ErrorKind::MissingSubcommand => {
            Wrong::NeedsCommand { commands: all(error, ContextKind::ValidSubcommand), hint }
        }
        ErrorKind::InvalidValue if given.is_empty() => Wrong::NeedsValue { argument, hint },
        ErrorKind::InvalidValue => {
            Wrong::NoSuchValue { argument, given, values: all(error, ContextKind::ValidValue), hint }
        }
        ErrorKind::ValueValidation => {
            let said = error.source().map(ToString::to_string).unwrap_or_default();
            Wrong::Unreadable { argument, given, said, hint }
        }
        ErrorKind::NoEquals | ErrorKind::TooFewValues => Wrong::NeedsValue { argument, hint },
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues => Wrong::OtherNumber { argument, hint },
        ErrorKind::ArgumentConflict => match error.get(ContextKind::PriorArg) {
            Some(ContextValue::String(prior)) if *prior == argument => Wrong::Twice { argument, hint },
            _ => Wrong::Conflict { argument, others: all(error, ContextKind::PriorArg), hint },
        },
        ErrorKind::InvalidUtf8 => Wrong::NotText { hint },
        _ => Wrong::Other { said: error.to_string().trim().to_owned(), hint },
    }
}

/// A word that is like what was typed, if there is one.
fn hint(command: &Command, error: &clap::Error) -> Arg {
    let like = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let like = like.into_iter().map(|kind| one(error, kind)).find(|word| !word.is_empty());
    match like {
        Some(like) => Words::new("usage-like", [("like", Arg::text(like))]).what_arg(),
        None => Words::new("usage-see-help", [("program", Arg::text(command.get_name()))]).what_arg(),
    }
}

fn strings(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(several)) => several.clone(),
        _ => Vec::new(),
    }
}

fn one(error: &clap::Error, kind: ContextKind) -> String {
    strings(error, kind).into_iter().next().unwrap_or_default()
}

fn all(error: &clap::Error, kind: ContextKind) -> Arg {
    Arg::List(strings(error, kind).iter().map(Arg::text).collect())
}
