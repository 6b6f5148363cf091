//! The `sekisho` command: at a terminal it asks for connections, at the centre it applies documents and reads the
//! record. It holds no rule: it carries proofs to the center and shows what the center says.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agreement;
mod arguments;
mod certificates;
mod config;
mod confirm;
mod enroll;
mod equipment;
mod failure;
mod http;
mod inquiry;
mod operator;
mod pin;
mod preflight;
mod questions;
mod render;
mod session;
mod terminal;

use std::process::ExitCode;
use texts::{Lang, Texts};

use arguments::{AgreementCommand, Arguments, Command, LogCommand};
use config::Config;
use failure::Failure;
use render::Shown;
use wire::session::CutCall;

fn main() -> ExitCode {
    let arguments = usage::read::<Arguments>();
    let lang = Lang::chosen(arguments.lang, |name| std::env::var(name).ok());
    let texts = Texts::new(lang);
    // One question and its answer: a single thread does.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("sekisho: {e}");
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(run(&arguments, &texts)) {
        Ok(shown) => {
            shown.print(arguments.json);
            ExitCode::from(shown.exit_code)
        }
        Err(failure) => {
            render::failure(&texts, &failure, arguments.json);
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run(arguments: &Arguments, texts: &Texts) -> Result<Shown, Failure> {
    if let Command::Agreement(AgreementCommand::Sign(sign)) = &arguments.command {
        return agreement::sign(sign);
    }
    if let Command::Agreement(AgreementCommand::Submit { file, server, ca }) = &arguments.command {
        return agreement::submit(file, server, ca, texts).await;
    }
    if let Command::Card { what: Some(what) } = &arguments.command {
        // A machine that fetches its first certificate has no configuration yet.
        let config = if arguments.config.exists() { Some(Config::read(&arguments.config)?) } else { None };
        return enroll::run(what, config.as_ref().and_then(|config| config.card.as_ref()), texts).await;
    }
    // Makers and authorities work offline, on machines that are no part of the network.
    if let Command::Equipment(command) = &arguments.command {
        return crate::equipment::run(command, texts);
    }
    // Before a terminal has joined it has nothing configured.
    if let Command::Preflight(question) = &arguments.command {
        return crate::preflight::run(question, texts, arguments.json).await;
    }
    let config = Config::read(&arguments.config)?;
    let missing = |section| Failure::NotConfigured { path: arguments.config.clone(), section };
    let at_terminal = || config.terminal.as_ref().ok_or_else(|| missing("terminal"));
    let lang = texts.lang();
    let operator = async || match &config.center {
        Some(center) => operator::Operator::reach(&center.socket, lang).await,
        None => Err(missing("center")),
    };
    let prompt = texts.say("cli-pin-prompt", &[]);
    let choice = |label: Option<&str>, pin_fd| {
        let reader = config.card.as_ref().ok_or_else(|| missing("card"))?;
        let label = label.map(str::to_owned).or_else(|| reader.label.clone());
        Ok::<_, Failure>(terminal::CardChoice { driver: reader.driver.clone(), label, pin_fd, prompt: prompt.clone() })
    };
    match &arguments.command {
        Command::Open { service, card, pin_fd } => {
            let terminal = at_terminal()?;
            // Who is signed in has shown the card already; naming one is asking to show it again.
            if card.is_none() && pin_fd.is_none() {
                let opened = session::open(terminal, lang, service).await?;
                if let Some(report) = opened {
                    return Ok(render::opened(texts, &report));
                }
            }
            let report = terminal::open(terminal, lang, service, choice(card.as_deref(), *pin_fd)?).await?;
            Ok(render::opened(texts, &report))
        }
        Command::Login { card, pin_fd } => {
            let view = terminal::login(at_terminal()?, lang, choice(card.as_deref(), *pin_fd)?).await?;
            Ok(session::signed_in(texts, &view))
        }
        Command::Logout => Ok(session::signed_out(texts, &session::logout(at_terminal()?, lang).await?)),
        Command::Services => Ok(session::services(texts, &session::ask(at_terminal()?, lang).await?)),
        Command::Extend { what } => Ok(session::extended(texts, &session::extend(at_terminal()?, lang, what).await?)),
        Command::Approvals { answer } => {
            Ok(session::approvals(texts, &session::answer(at_terminal()?, lang, answer.as_ref()).await?))
        }
        Command::Cut(what) => {
            let report = operator().await?.json().post("/v1/cut", &CutCall::from(what)).await?;
            Ok(session::cut(texts, &report))
        }
        Command::Close { what } => match &config.terminal {
            Some(terminal) => Ok(render::closed(texts, &terminal::close(terminal, lang, what).await?)),
            None => Ok(render::closed(texts, &operator().await?.close(what).await?)),
        },
        Command::Status { watch: true } => session::watch(&mut operator().await?, texts, arguments.json).await,
        Command::Status { watch: false } => match &config.terminal {
            Some(terminal) => Ok(render::terminal_status(texts, &terminal::status(terminal, lang).await?)),
            None => Ok(render::status(texts, &operator().await?.status().await?)),
        },
        Command::Card { .. } => {
            let reader = config.card.as_ref().ok_or_else(|| missing("card"))?;
            Ok(render::cards(texts, &card::Driver::load(&reader.driver)?.cards()?))
        }
        Command::Plan { files, svg } => {
            let report = questions::apply(&mut operator().await?, files, false, svg.as_deref()).await?;
            Ok(render::applied(texts, &report))
        }
        Command::Apply { files, svg } => {
            let report = questions::apply(&mut operator().await?, files, true, svg.as_deref()).await?;
            Ok(render::applied(texts, &report))
        }
        Command::Certificate(command) => certificates::run(command, &mut operator().await?, texts).await,
        Command::Export { file } => certificates::export(&mut operator().await?, file.as_ref()).await,
        Command::Import { file, dry_run } => {
            let files = std::slice::from_ref(file);
            let report = questions::apply(&mut operator().await?, files, !dry_run, None).await?;
            Ok(render::applied(texts, &report))
        }
        Command::Explain { refusal, svg } => {
            let explanation = operator().await?.explain(*refusal, svg.is_some()).await?;
            let mut shown = render::explained(texts, &explanation);
            let picture = explanation.problem.counter_example.as_ref().and_then(|c| c.picture.as_deref());
            questions::drawn(&mut shown, texts, svg.as_deref(), picture)?;
            Ok(shown)
        }
        Command::Can(question) => questions::can(&mut operator().await?, texts, question).await,
        Command::Reach { host } => questions::reach(&mut operator().await?, texts, host).await,
        Command::Diff(question) => questions::diff(&mut operator().await?, texts, question).await,
        Command::Verify { invariants: true, .. } => questions::invariants(&mut operator().await?).await,
        Command::Verify { svg, .. } => questions::verify(&mut operator().await?, texts, svg.as_deref()).await,
        Command::Log(LogCommand::Show { grant, after, limit }) => {
            let mut operator = operator().await?;
            match grant {
                Some(grant) => Ok(render::three_points(texts, &operator.three_points(*grant).await?)),
                None => Ok(render::log(texts, &operator.log(*after, *limit).await?)),
            }
        }
        Command::Log(LogCommand::Match { grant, after }) => {
            inquiry::match_lines(&mut operator().await?, texts, *grant, *after).await
        }
        Command::Why { who, service } => {
            let call = wire::inquiry::WhyCall { who: who.clone(), service: service.clone() };
            inquiry::why(&mut operator().await?, texts, &call).await
        }
        Command::Log(LogCommand::Verify) => {
            let verdict = operator().await?.verify_log().await?;
            Ok(render::log_verdict(texts, &verdict))
        }
        Command::Agreement(_) => unreachable!("signed before the configuration is read"),
        Command::Equipment(_) => unreachable!("done before the configuration is read"),
        Command::Preflight(_) => unreachable!("found out before the configuration is read"),
    }
}
