//! The commands of this repository. `cargo xtask help` lists them.
//!
//! Nothing here is part of the product. It depends on little, so that it builds in seconds on a fresh machine.

mod every_test;
mod fuzz;
mod packages;
mod run;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  setup              install the Debian packages the lab needs (as root)
  demo [--lang ja|en]  set up, build, raise the lab, run the main story, take everything down
  demo joining [--lang ja|en]  somebody who knows nothing joins, in a real browser; pictures in target/demo/joining
  demo scenarios [--lang ja|en] [a…f]  the six scenarios of a hospital's day, each in a lab of its own
  test [--backtrace] [ARGS…]   set up, build, run every test, say at the end what failed (ARGS go to `cargo test`)
  bench NAME [--json FILE] [--plot FILE] [--rounds N]   connect | controller | joining | scenarios | verify: measure against a peer in the same run
  prove [--twins] [ID…]  the lemma behind the proof, by SMT (--help for more)
  long-run [--seconds N] [--until N] [--seed N] [--tally FILE]  faulty and valid changes against the proof, counted
  fuzz [--seconds N] [TARGET…]  the parsers, fuzzed on a nightly compiler with cargo-fuzz (not part of CI)
  lint               formatting and clippy
  tidy               the rules of the house (rooms, file sizes, texts)
  gen [--check]      write docs/generated from the code (or only compare)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let result = match args.first().map(String::as_str) {
        Some("setup") => packages::install(),
        Some("demo") => packages::install().and_then(|()| run::demo(rest)),
        Some("test") => packages::install().and_then(|()| every_test::run(rest)),
        Some("bench") => packages::install().and_then(|()| run::bench(rest)),
        Some("prove") => packages::install().and_then(|()| run::prove(rest)),
        Some("long-run") => run::long_run(rest),
        Some("fuzz") => fuzz::run(rest),
        Some("lint") => run::lint(),
        Some("tidy") => tidy::check(),
        Some("gen") => run::generate(rest),
        Some("help" | "--help" | "-h") | None => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(format!("there is no command `{other}`\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
