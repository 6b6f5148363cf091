//! Building and running: one target directory in the user's cache, one selection of packages, so that a fresh clone
//! builds in seconds and nothing is compiled twice.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Builds everything and runs the story, the six scenarios, or the way of who joins.
pub fn demo(args: &[String]) -> Result<(), String> {
    build(false)?;
    if let Some(("scenarios", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return exec(binary(false, "sekisho-scenes"), rest);
    }
    if let Some(("joining", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return exec(binary(false, "sekisho-journey"), rest);
    }
    exec(binary(false, "sekisho-demo"), args)
}

/// Measures; always a release build.
pub fn bench(args: &[String]) -> Result<(), String> {
    const NAMES: &str = "connect, controller, joining, scenarios or verify";
    let name = args.first().ok_or_else(|| format!("say which: {NAMES}"))?;
    if name == "joining" {
        // It needs no lab: nothing else is built.
        cargo(&["build", "--release", "-p", "crowd"].map(str::to_owned))?;
        return exec(binary(true, "sekisho-crowd"), &args[1..]);
    }
    if !["connect", "controller", "scenarios", "verify"].contains(&name.as_str()) {
        return Err(format!("there is no bench `{name}`: {NAMES}"));
    }
    if name == "verify" {
        // It raises no product, so only its own program is built; with other engines to measure against, which nothing else
        // builds. `--workspace` keeps the features of what it shares with the rest: nothing is compiled twice.
        let own = ["build", "--release", "--workspace", "--bin", "sekisho-bench", "--features", "bench/peers"];
        cargo(&own.map(str::to_owned))?;
    } else {
        build(true)?;
    }
    exec(binary(true, "sekisho-bench"), args)
}

/// Proves the lemmas; builds nothing else.
pub fn prove(args: &[String]) -> Result<(), String> {
    cargo(&["build", "-p", "prove"].map(str::to_owned))?;
    exec(binary(false, "sekisho-prove"), args)
}

/// Tries faulty and valid changes on the proof and counts, for a while or until enough are counted; always a release
/// build.
pub fn long_run(args: &[String]) -> Result<(), String> {
    const USAGE: &str = "cargo xtask long-run [--seconds N] [--until N] [--seed N] [--tally FILE]";
    let mut environment = Vec::new();
    for pair in args.chunks(2) {
        let [name, value] = pair else { return Err(USAGE.to_owned()) };
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number; {USAGE}"));
        environment.push(match name.as_str() {
            "--seconds" => ("SEKISHO_SECONDS", number()?.to_string()),
            "--until" => ("SEKISHO_UNTIL", number()?.to_string()),
            "--seed" => ("SEKISHO_SEED", number()?.to_string()),
            "--tally" => {
                let path = std::path::absolute(value).map_err(|e| format!("{value}: {e}"))?;
                ("SEKISHO_TALLY", path.display().to_string())
            }
            _ => return Err(USAGE.to_owned()),
        });
    }
    let test = ["test", "--release", "-p", "verify", "--test", "long_run", "--", "--ignored", "--nocapture"];
    cargo_with(&test.map(str::to_owned), &environment)
}

/// Formatting and clippy.
pub fn lint() -> Result<(), String> {
    cargo(&["fmt", "--all", "--check"].map(str::to_owned))?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"].map(str::to_owned))
}

/// Documents that come from the code.
pub fn generate(args: &[String]) -> Result<(), String> {
    build(false)?;
    exec(binary(false, "sekisho-gen"), args)
}

/// Builds everything.
pub fn build(release: bool) -> Result<(), String> {
    let begin = Instant::now();
    println!("building{} …", if release { " (release)" } else { "" });
    let mut args = vec!["build".to_owned(), "--workspace".to_owned()];
    if release {
        args.push("--release".to_owned());
    }
    cargo(&args)?;
    println!("built in {:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn cargo(args: &[String]) -> Result<(), String> {
    cargo_with(args, &[])
}

fn cargo_with(args: &[String], environment: &[(&str, String)]) -> Result<(), String> {
    let status = command(args)
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .status()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} failed", args.join(" "))) }
}

/// Cargo, to be run here.
pub fn command(args: &[String]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(args).env("CARGO_TARGET_DIR", target_dir());
    cargo
}

fn exec(program: PathBuf, args: &[String]) -> Result<(), String> {
    let status =
        Command::new(&program).args(args).status().map_err(|e| format!("{} does not start: {e}", program.display()))?;
    if status.success() { Ok(()) } else { Err(format!("{} says: not everything held", program.display())) }
}

fn binary(release: bool, name: &str) -> PathBuf {
    target_dir().join(if release { "release" } else { "debug" }).join(name)
}

/// `CARGO_TARGET_DIR` if set, else one in the user's cache that every clone shares.
pub fn target_dir() -> PathBuf {
    if let Some(dir) = env::var_os("CARGO_TARGET_DIR") {
        return dir.into();
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .unwrap_or_else(|| PathBuf::from("target"));
    cache.join("sekisho").join("target")
}
