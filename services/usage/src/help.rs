//! Help in the reader's language: headings, and what the library would say itself.

use clap::builder::{PossibleValue, StyledStr};
use clap::{Arg, ArgAction, Command};
use texts::Texts;

/// Behind all that a program has of its own.
const LAST: usize = 10_000;

/// The same command, its help in the reader's language.
pub(crate) fn worded(command: Command, texts: &Texts) -> Command {
    let say = |key: &str| texts.say(key, &[]);
    let template = format!("{{about-with-newline}}\n{}: {{usage}}\n\n{{all-args}}\n", say("usage-heading"));
    let version = command.get_version().is_some();
    let own =
        Arg::new("help").short('h').long("help").action(ArgAction::Help).help(say("usage-help")).display_order(LAST);
    let command = command
        .help_template(template)
        .subcommand_help_heading(say("usage-commands"))
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(own);
    let command = match version {
        true => command.arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help(say("usage-version"))
                .display_order(LAST),
        ),
        false => command,
    };
    let mut places = 0..;
    let placed = |argument: Arg| match argument.is_positional() {
        // Under a heading of our own they would stand by their names.
        true => argument.display_order(places.next().unwrap_or_default()),
        false => argument,
    };
    command.mut_args(placed).mut_args(|argument| noted(argument, texts)).mut_subcommands(|inner| worded(inner, texts))
}

/// Its heading, and behind its text where its value comes from if it is not given.
fn noted(argument: Arg, texts: &Texts) -> Arg {
    let heading = if argument.is_positional() { "usage-arguments" } else { "usage-options" };
    let argument = argument.help_heading(texts.say(heading, &[]));
    if !argument.get_action().takes_values() {
        return argument;
    }
    let note = |key: &str, values: Vec<String>| {
        let values = texts::Arg::List(values.iter().map(texts::Arg::text).collect());
        texts.say(key, &[("values", values)])
    };
    let defaults = argument.get_default_values().iter().filter(|value| !value.is_empty());
    let defaults = defaults.map(|value| value.to_string_lossy().into_owned());
    let possible: Vec<_> = argument.get_possible_values().into_iter().filter(|value| !value.is_hide_set()).collect();
    let described = possible.iter().any(|value| value.get_help().is_some());
    let names = possible.iter().filter(|_| !described).map(|value| value.get_name().to_owned());
    let notes: Vec<String> = [
        ("usage-default", defaults.collect::<Vec<_>>()),
        ("usage-environment", argument.get_env().map(|name| name.to_string_lossy().into_owned()).into_iter().collect()),
        ("usage-values", names.collect()),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(key, values)| note(key, values))
    .chain(described.then(|| [vec![texts.say("usage-values-below", &[])], lines(&possible)].concat().join("\n")))
    .collect();
    let joined = |text: Option<&StyledStr>| {
        let parts = text.map(ToString::to_string).into_iter().chain(notes.iter().cloned());
        parts.collect::<Vec<_>>().join(" ")
    };
    let (short, long) = (joined(argument.get_help()), argument.get_long_help().map(|text| joined(Some(text))));
    let argument = argument.hide_default_value(true).hide_env(true).hide_possible_values(true).help(short);
    match long {
        Some(text) => argument.long_help(text),
        None => argument,
    }
}

/// Values that are explained, a line each.
fn lines(values: &[PossibleValue]) -> Vec<String> {
    let about = |value: &PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    values.iter().map(|value| format!("- {}: {}", value.get_name(), about(value))).collect()
}
