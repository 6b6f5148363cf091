//! Questions to the proof, and what is answered: `can`, `reach`, `diff`, `verify`.

use std::fs;
use std::path::{Path, PathBuf};

use texts::{Arg, Texts};
use wire::api::{DocumentText, Documents};
use wire::questions::{
    CanCall, CanReport, DiffCall, DiffReport, Engine, InvariantsReport, Needed, PolicyLine, PossibleView, ReachReport,
    Supposed, VerifyReport,
};

use crate::arguments::{CanQuestion, DiffQuestion, Moment};
use crate::failure::Failure;
use crate::operator::Operator;
use crate::render::{Shown, counter_example, milliseconds};

type Lines = Vec<(String, String)>;

/// `can`.
pub async fn can(operator: &mut Operator, texts: &Texts, question: &CanQuestion) -> Result<Shown, Failure> {
    let open = question.if_open.chunks(2).map(|pair| match pair {
        [from, service] => {
            let wrong = |text: &str| Failure::Misread(text.to_owned());
            let from = from.parse().map_err(|_| wrong(from))?;
            Ok(Supposed { from, service: service.parse().map_err(|_| wrong(service))? })
        }
        other => Err(Failure::Misread(other.join(" "))),
    });
    let call = CanCall {
        from: question.from.clone(),
        to: question.to.clone(),
        protocol: question.what.map(|w| w.protocol),
        port: question.what.map(|w| w.port),
        documents: documents(&question.documents)?,
        open: open.collect::<Result<_, _>>()?,
        picture: question.svg.is_some(),
    };
    let report: CanReport = operator.json().post("/v1/can", &call).await?;
    let mut shown = can_told(texts, &report);
    drawn(&mut shown, texts, question.svg.as_deref(), report.picture.as_deref())?;
    Ok(shown)
}

fn can_told(texts: &Texts, report: &CanReport) -> Shown {
    let label = |key: &str| texts.say(key, &[]);
    let key = match (report.can, report.supposed) {
        (true, false) => "cli-can-yes",
        (false, false) => "cli-can-no",
        (true, true) => "cli-can-yes-supposed",
        (false, true) => "cli-can-no-supposed",
    };
    let args = [
        ("from", Arg::text(&report.from)),
        ("to", Arg::text(&report.to)),
        ("what", Arg::text(format!("{}/{}", report.protocol, report.port))),
        ("took", Arg::text(milliseconds(report.micros))),
    ];
    let mut lines = vec![(label("cli-label-answer"), texts.say(key, &args))];
    if report.all.len() > 1
        || report.all.first().is_some_and(|one| *one != format!("{}/{}", report.protocol, report.port))
    {
        lines.push((label("cli-label-all"), report.all.join(" · ")));
    }
    lines.extend(report.because.iter().map(|line| (label("cli-label-because"), policy(line))));
    if let Some(packet) = &report.packet {
        lines.push((label("cli-label-packet"), packet.clone()));
    }
    steps(&label("cli-label-path"), &report.path, &mut lines);
    lines.extend(report.stops.iter().map(|stops| (label("cli-label-stops"), stops.clone())));
    for Needed { what, remedy } in &report.needed {
        lines.push((label("cli-label-needs"), what.clone()));
        lines.push((label("cli-label-remedy"), remedy.clone()));
    }
    let mut shown = Shown::lines(report, &lines);
    shown.exit_code = u8::from(!report.can);
    shown
}

/// `reach`.
pub async fn reach(operator: &mut Operator, texts: &Texts, host: &model::HostRef) -> Result<Shown, Failure> {
    let report: ReachReport = operator.json().get(&format!("/v1/reach/{host}")).await?;
    Ok(reach_told(texts, &report))
}

fn reach_told(texts: &Texts, report: &ReachReport) -> Shown {
    let mut lines = Vec::new();
    pairs(texts, "cli-label-begins", &report.begins, &mut lines);
    pairs(texts, "cli-label-receives", &report.receives, &mut lines);
    Shown::lines(report, &lines)
}

/// `diff`.
pub async fn diff(operator: &mut Operator, texts: &Texts, question: &DiffQuestion) -> Result<Shown, Failure> {
    let generation = |moment: &Option<Moment>| match moment {
        Some(Moment::Generation(generation)) => Some(*generation),
        Some(Moment::Now) | None => None,
    };
    let call = DiffCall {
        site: question.site.clone(),
        before: generation(&question.before),
        after: generation(&question.after),
        documents: documents(&question.documents)?,
    };
    let report: DiffReport = operator.json().post("/v1/diff", &call).await?;
    Ok(diff_told(texts, &report))
}

fn diff_told(texts: &Texts, report: &DiffReport) -> Shown {
    let label = |key: &str| texts.say(key, &[]);
    let moment = |generations: &std::collections::BTreeMap<model::SiteId, model::Generation>| {
        let one = |(site, generation): (&model::SiteId, &model::Generation)| {
            texts.say("cli-diff-now", &[("site", Arg::text(site)), ("generation", Arg::text(generation))])
        };
        let all: Vec<String> = generations.iter().map(one).collect();
        if all.is_empty() { label("cli-diff-empty") } else { all.join(" · ") }
    };
    let after = if report.supposed { label("cli-diff-supposed") } else { moment(&report.after) };
    let mut lines = vec![(label("cli-label-from-state"), moment(&report.before)), (label("cli-label-to-state"), after)];
    pairs(texts, "cli-label-came", &report.came, &mut lines);
    pairs(texts, "cli-label-went", &report.went, &mut lines);
    lines.extend(report.grants_ended.iter().map(|grant| (label("cli-label-ends"), grant.to_string())));
    Shown::lines(report, &lines)
}

/// `verify`.
pub async fn verify(operator: &mut Operator, texts: &Texts, svg: Option<&Path>) -> Result<Shown, Failure> {
    let report: VerifyReport = operator.json().get(&format!("/v1/verify?picture={}", svg.is_some())).await?;
    let mut shown = verify_told(texts, &report);
    let mut pictures = report.engines.iter().filter_map(|e| e.counter_example.as_ref()?.picture.as_deref());
    drawn(&mut shown, texts, svg, pictures.next())?;
    Ok(shown)
}

fn verify_told(texts: &Texts, report: &VerifyReport) -> Shown {
    let label = |key: &str| texts.say(key, &[]);
    let number = |n: usize| Arg::Number(n as i64);
    let verdict = if report.holds { "cli-verify-holds" } else { "cli-verify-broken" };
    let size = [("sites", number(report.sites)), ("grants", number(report.grants)), ("parts", number(report.parts))];
    let counts = [("invariants", number(report.invariants)), ("promises", number(report.promises))];
    let mut lines = vec![
        (label("cli-label-verdict"), texts.say(verdict, &counts)),
        (label("cli-label-size"), texts.say("cli-verify-size", &size)),
    ];
    for engine in &report.engines {
        let key = match (engine.engine, engine.holds) {
            (Engine::Paths, true) => "cli-engine-paths",
            (Engine::Sets, true) => "cli-engine-sets",
            (Engine::Paths, false) => "cli-engine-paths-broken",
            (Engine::Sets, false) => "cli-engine-sets-broken",
        };
        let args = [("size", number(engine.size)), ("took", Arg::text(milliseconds(engine.micros)))];
        lines.push((label("cli-label-proof"), texts.say(key, &args)));
        lines.extend(engine.counter_example.iter().flat_map(|example| counter_example(texts, example)));
    }
    let mut shown = Shown::lines(report, &lines);
    shown.exit_code = u8::from(!report.holds);
    shown
}

/// `verify --invariants`.
pub async fn invariants(operator: &mut Operator) -> Result<Shown, Failure> {
    let report: InvariantsReport = operator.json().get("/v1/invariants").await?;
    let line = |i: &wire::questions::InvariantView| {
        let answers =
            if i.requirements.is_empty() { String::new() } else { format!(" [{}]", i.requirements.join(" ")) };
        (i.id.clone(), format!("{}{answers}", i.statement))
    };
    Ok(Shown::lines(&report, &report.invariants.iter().map(line).collect::<Vec<_>>()))
}

/// Documents as the center reads them.
pub fn documents(files: &[PathBuf]) -> Result<Vec<DocumentText>, Failure> {
    let read = |path: &PathBuf| {
        let text = files::text(path)?;
        Ok(DocumentText { name: path.display().to_string(), text })
    };
    files.iter().map(read).collect()
}

/// `plan` and `apply`: a refusal's picture goes where it is wanted.
pub async fn apply(
    operator: &mut Operator,
    files: &[PathBuf],
    really: bool,
    svg: Option<&Path>,
) -> Result<wire::api::ApplyReport, Failure> {
    let call = Documents { documents: documents(files)?, picture: svg.is_some() };
    let answer = operator.json().post(if really { "/v1/apply" } else { "/v1/plan" }, &call).await;
    if let (Err(Failure::Refused(problem)), Some(path)) = (&answer, svg)
        && let Some(picture) = problem.counter_example.as_ref().and_then(|c| c.picture.as_deref())
    {
        write(path, picture)?;
    }
    answer
}

/// Writes a picture, or says that there is none.
pub fn drawn(shown: &mut Shown, texts: &Texts, svg: Option<&Path>, picture: Option<&str>) -> Result<(), Failure> {
    match (svg, picture) {
        (Some(path), Some(picture)) => write(path, picture),
        (Some(_), None) => {
            shown.append(&texts.say("cli-no-picture", &[]));
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

fn write(path: &Path, picture: &str) -> Result<(), Failure> {
    fs::write(path, picture).map_err(|e| files::Fault::io(path, &e).into())
}

fn policy(line: &PolicyLine) -> String {
    if line.text.is_empty() { line.line.clone() } else { format!("{} · {}", line.line, line.text) }
}

fn pairs(texts: &Texts, label: &str, views: &[PossibleView], lines: &mut Lines) {
    let label = texts.say(label, &[]);
    if views.is_empty() {
        lines.push((label, texts.say("cli-nothing", &[])));
        return;
    }
    for (n, view) in views.iter().enumerate() {
        let because: Vec<String> = view.because.iter().map(policy).collect();
        let args = [
            ("from", Arg::text(&view.from)),
            ("to", Arg::text(&view.to)),
            ("what", Arg::text(&view.what)),
            ("because", Arg::text(because.join(" / "))),
        ];
        lines.push((if n == 0 { label.clone() } else { String::new() }, texts.say("cli-reach-line", &args)));
    }
}

/// Numbered steps under one label.
pub fn steps(label: &str, path: &[String], lines: &mut Lines) {
    for (n, hop) in path.iter().enumerate() {
        lines.push((if n == 0 { label.to_owned() } else { String::new() }, format!("{:>2}  {hop}", n + 1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{GrantId, Protocol};
    use texts::Lang;

    fn line() -> PolicyLine {
        PolicyLine { line: "clinic/allow[0]".into(), owner: "g-7".into(), text: "g-7: agreement A-0012".into() }
    }

    fn can_report(can: bool) -> CanReport {
        CanReport {
            can,
            supposed: false,
            from: "clinic/exam-1".parse().unwrap(),
            to: "hospital/record-server".parse().unwrap(),
            protocol: Protocol::Tcp,
            port: 443,
            all: if can { vec!["tcp/443".into()] } else { Vec::new() },
            because: if can { vec![line()] } else { Vec::new() },
            packet: Some("tcp 10.1.20.11:49152 → 10.2.10.10:443 +new".into()),
            path: vec!["clinic/exam-1 sends it".into(), "enters clinic/sw1 at port 3".into()],
            stops: (!can).then(|| "at sw1 of clinic".into()),
            needed: if can { Vec::new() } else { vec![Needed { what: "a line".into(), remedy: "open it".into() }] },
            micros: 1234,
            picture: None,
        }
    }

    #[test]
    fn a_yes_names_the_line_of_policy_and_the_way() {
        let shown = can_told(&Texts::new(Lang::En), &can_report(true));
        assert_eq!(
            shown.text(),
            "answer    yes: clinic/exam-1 → hospital/record-server tcp/443 (1.2 ms)\n\
             because   clinic/allow[0] · g-7: agreement A-0012\n\
             packet    tcp 10.1.20.11:49152 → 10.2.10.10:443 +new\n\
             path       1  clinic/exam-1 sends it\n           2  enters clinic/sw1 at port 3\n"
        );
        assert_eq!(shown.exit_code, 0);
    }

    #[test]
    fn a_no_says_where_it_stops_and_what_it_needs_in_both_languages() {
        for (lang, words) in [(Lang::En, ["no: ", "stops ", "needs "]), (Lang::Ja, ["できません", "停止", "必要"])]
        {
            let shown = can_told(&Texts::new(lang), &can_report(false));
            assert!(words.iter().all(|w| shown.text().contains(w)), "{}", shown.text());
            assert_eq!(shown.exit_code, 1);
        }
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let host: model::HostRef = "clinic/exam-1".parse().unwrap();
        let to = PossibleView { from: host.clone(), to: host.clone(), what: "tcp/443".into(), because: vec![line()] };
        let report = ReachReport { host, begins: vec![to.clone(), to], receives: Vec::new(), micros: 1 };
        let shown = reach_told(&Texts::new(Lang::En), &report);
        assert_eq!(shown.text().lines().count(), 3);
        assert!(shown.text().ends_with("receives  nothing\n"), "{}", shown.text());
        let diff = DiffReport {
            before: std::collections::BTreeMap::new(),
            after: std::collections::BTreeMap::new(),
            supposed: true,
            came: Vec::new(),
            went: report.begins,
            grants_ended: vec![GrantId(7)],
            micros: 1,
        };
        let shown = diff_told(&Texts::new(Lang::En), &diff);
        for word in ["before anything was applied", "nothing was changed", "came      nothing", "ends      g-7"] {
            assert!(shown.text().contains(word), "{}", shown.text());
        }
    }

    #[test]
    fn a_broken_proof_shows_its_counter_example_and_ends_in_one() {
        let example = wire::api::CounterExample {
            invariant: "I22".into(),
            statement: "statement".into(),
            site: "clinic".parse().unwrap(),
            packet: Some("packet".into()),
            path: vec!["first".into(), "second".into()],
            because: "rule".into(),
            policy: Some(line()),
            remedy: "change it".into(),
            promise: Some(wire::api::Promise {
                id: "clinic/S01".into(),
                because: model::LocalizedName { ja: "理由".into(), en: "reason".into() },
            }),
            picture: None,
        };
        let verdict = |engine, holds| wire::questions::EngineVerdict {
            engine,
            holds,
            size: 3,
            micros: 5,
            counter_example: (!holds).then(|| example.clone()),
        };
        let report = VerifyReport {
            holds: false,
            invariants: 22,
            promises: 1,
            sites: 3,
            grants: 1,
            parts: 100,
            engines: vec![verdict(Engine::Paths, false), verdict(Engine::Sets, true)],
        };
        for (lang, reason) in [(Lang::En, "clinic/S01 · reason"), (Lang::Ja, "clinic/S01 · 理由")] {
            let shown = verify_told(&Texts::new(lang), &report);
            for word in ["I22 statement", "packet", " 2  second", "clinic/allow[0]", "change it", reason] {
                assert!(shown.text().contains(word), "{word}: {}", shown.text());
            }
            assert_eq!(shown.exit_code, 1);
        }
    }
}
