//! `sekisho-lab reach`: real packets between all hosts of a lab, held against the proof.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lab::Scenario;
use lab::reach;
use model::Protocol;
use reality::{Papers, Random, RealityError, Said, Wish, World};
use texts::{Arg, Lang, Texts};

#[derive(Parser)]
#[command(
    name = "sekisho-lab reach",
    version,
    about = "Send real packets between all hosts of a lab; compare with the proof, cell by cell",
    after_help = "Exit code: 0 no difference, 1 a difference, 2 it could not be done"
)]
struct Arguments {
    /// Scenario file (default: the three sites)
    scenario: Option<PathBuf>,
    /// Let every difference count: packets that do something else than the proof on the installed tables says
    #[arg(long)]
    compare: bool,
    /// A network made from this number instead of a scenario
    #[arg(long, conflicts_with_all = ["scenario", "documents"])]
    seed: Option<u64>,
    /// Folder with the sites' documents (default: what the scenario says, no in-house rules)
    #[arg(long)]
    documents: Option<PathBuf>,
    /// Open this line first, e.g. clinic/exam-1:hospital/record-server:tcp/443; may be repeated
    #[arg(long, value_name = "FROM:TO:PROTOCOL/PORT", value_parser = wish)]
    open: Vec<Wish>,
    /// Ports to knock at
    #[arg(long, value_delimiter = ',', default_value = "22,53,80,443,4000,8080")]
    ports: Vec<u16>,
    /// The whole matrix as JSON
    #[arg(long)]
    json: bool,
    /// Language, ja or en (default: the environment's)
    #[arg(long)]
    lang: Option<Lang>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    lab::enter();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sekisho-lab reach: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, RealityError> {
    let lang = arguments.lang.unwrap_or_else(|| Lang::from_environment(|name| std::env::var(name).ok()));
    let texts = Texts::new(lang);
    let (scenario, documents, mut wishes) = match (arguments.seed, &arguments.scenario) {
        (Some(seed), _) => {
            let random = Random::new(seed, &arguments.ports)?;
            let documents = reality::documents(&random.scenario, &random.extras);
            (random.scenario, documents, random.wishes)
        }
        (None, file) => {
            let read = file.as_ref().map_or_else(|| Ok(Scenario::three_sites()), |path| Scenario::load(path));
            let scenario = read.map_err(|error| RealityError::Document(error.to_string()))?;
            let documents = match &arguments.documents {
                Some(folder) => written(folder)?,
                None => reality::documents(&scenario, &BTreeMap::new()),
            };
            (scenario, documents, Vec::new())
        }
    };
    wishes.extend(arguments.open.iter().cloned());
    let say = |key: &str, args: &[(&str, Arg)]| {
        if !arguments.json {
            println!("{}", texts.say(key, args));
        }
    };
    let hosts = scenario.sites.iter().map(|site| site.hosts.len()).sum::<usize>();
    let count = |n: usize| Arg::Number(n as i64);
    let name = Arg::text(&scenario.name);
    say("reach-raising", &[("name", name), ("sites", count(scenario.sites.len())), ("hosts", count(hosts))]);
    let mut world = World::raise(&mut Papers::new()?, &scenario, &reality::network(&documents)?)?;
    for wish in &wishes {
        let what: Vec<String> = wish.ports.iter().map(|port| format!("{}/{port}", wish.protocol)).collect();
        let args = [("from", Arg::text(&wish.from)), ("to", Arg::text(&wish.to)), ("what", Arg::text(what.join(",")))];
        match world.open(wish)? {
            Ok(_) => say("reach-opened", &args),
            Err(why) => {
                let values: Vec<(&str, Arg)> = why.args().into_iter().map(|(name, v)| (name, Arg::Text(v))).collect();
                let why = texts.say(why.key(), &values);
                say("reach-refused", &[&args[..], &[("why", Arg::Text(why))]].concat());
            }
        }
    }
    let standing = world.settle()?;
    let said = Said::of(&standing.states, &reach::cells(world.places(), &arguments.ports))?;
    let matrix = reach::probe_knowing(world.places(), &arguments.ports, |cell| said.passes(cell))?;
    let differences = if arguments.compare { reach::compare(&matrix, |cell| said.passes(cell)) } else { Vec::new() };
    if arguments.json {
        println!("{:#}", reality::json(&matrix, &said, &differences, &standing));
    } else {
        print!("{}", reality::tell(&texts, &matrix, &said, &differences, &standing));
    }
    Ok(differences.is_empty())
}

fn written(folder: &Path) -> Result<BTreeMap<String, String>, RealityError> {
    let failed = |source| RealityError::File { path: folder.to_owned(), source };
    let mut documents = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text =
                std::fs::read_to_string(&path).map_err(|source| RealityError::File { path: path.clone(), source })?;
            documents.insert(path.display().to_string(), text);
        }
    }
    Ok(documents)
}

fn wish(text: &str) -> Result<Wish, String> {
    let bad = || format!("`{text}` is not FROM:TO:PROTOCOL/PORT, e.g. clinic/exam-1:hospital/record-server:tcp/443");
    let [from, to, what] = text.split(':').collect::<Vec<_>>()[..] else { return Err(bad()) };
    let (protocol, port) = what.split_once('/').ok_or_else(bad)?;
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return Err(bad()),
    };
    Ok(Wish { from: from.into(), to: to.into(), protocol, ports: vec![port.parse().map_err(|_| bad())?] })
}
