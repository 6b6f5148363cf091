//! Recorded machines and one fixture a family, judged by the rules that are shipped; and every verdict has its texts.
#![allow(clippy::unwrap_used)]

use preflight::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use texts::{Arg, Lang, Texts};

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    family: u8,
    platform: Platform,
    has: Vec<Vec<String>>,
    near: Vec<Vec<String>>,
}

fn item(words: &[String]) -> Item {
    Item { kind: words[0].parse().unwrap(), name: words[1].clone(), version: words.get(2).cloned() }
}

fn facts(platform: Platform, items: Vec<Item>) -> Facts {
    let (id, version) = match platform {
        Platform::Linux => ("debian", "12"),
        Platform::Windows => ("", "10.0.22631"),
        Platform::Macos => ("", "14.4"),
    };
    Facts {
        today: "2026-11-21".into(),
        os: Os { platform, id: id.into(), version: version.into(), edition: None, name: "a system".into() },
        free_mb: Some(10_000),
        line: Line { told: Some(LineKind::Fiber), seen: None },
        collected: ItemKind::ALL.iter().copied().collect(),
        items,
        probes: Some(probes()),
    }
}

fn probes() -> Probes {
    let passes = Passing::Answered;
    let [tcp, ike, nat_traversal, esp] = [passes.clone(), passes.clone(), passes.clone(), passes];
    let nobody = Seen { nat: nat::Nat::Nobody, appears_as: Some("192.0.2.7:500".parse().unwrap()) };
    Probes { center: "192.0.2.1".into(), tcp, ike, nat_traversal, esp, nat: [Some(nobody), Some(nobody)] }
}

fn judged(facts: &Facts) -> Report {
    let report = judge(facts, &Rules::shipped(), &Families::shipped());
    for lang in [Lang::Ja, Lang::En] {
        let texts = Texts::new(lang);
        for verdict in &report.verdicts {
            let args: Vec<(&str, Arg)> = verdict.args.iter().map(|(n, v)| (*n, v.as_str().into())).collect();
            for key in [Some(&verdict.key), verdict.mend.as_ref()].into_iter().flatten() {
                assert!(texts.has(key), "{lang:?}: no text for {key}");
                assert!(!texts.say(key, &args).contains("{$"), "{key}: {}", texts.say(key, &args));
            }
            assert_eq!(
                verdict.outcome != Outcome::Holds,
                verdict.mend.is_some(),
                "a mend for each failure: {verdict:?}"
            );
        }
    }
    report
}

#[test]
fn each_of_the_eighteen_families_is_found_and_nothing_else_r1() {
    let cases: Cases = toml::from_str(include_str!("families.toml")).unwrap();
    let families = Families::shipped();
    for case in &cases.case {
        let name = format!("family-{}", case.family);
        let mut with = facts(case.platform, case.has.iter().map(|words| item(words)).collect());
        // What lets everything pass need not be mended; that is a case of its own.
        with.probes = None;
        let report = judged(&with);
        let family = families.all().iter().find(|f| f.number == case.family).unwrap();
        let verdict = report.of(&name).unwrap();
        assert_eq!(verdict.outcome, family.outcome, "{name} on {:?}", case.platform);
        assert_eq!(verdict.mend.as_deref(), Some(&*format!("preflight-family-{}-do", family.key)));
        let others = report.verdicts.iter().filter(|v| v.group == Group::Software && v.item != name);
        let others: Vec<_> = others.filter(|v| v.outcome != Outcome::Holds).collect();
        // Kaspersky 6 is both of its family and of that of all Kaspersky; so is the modem of the AT&T manager.
        assert!(others.iter().all(|v| ["family-17", "family-15"].contains(&v.item.as_str())), "{name}: {others:?}");
        for near in &case.near {
            let report = judged(&facts(case.platform, vec![item(near)]));
            assert_eq!(report.of(&name).unwrap().outcome, Outcome::Holds, "{near:?} is not {name}");
        }
    }
    let met: BTreeSet<u8> = cases.case.iter().map(|c| c.family).collect();
    assert_eq!(met, (1..=18).collect());
    assert_eq!(families.all().iter().map(|f| f.number).collect::<BTreeSet<_>>(), met);
    // On Linux all that can exist there.
    let linux = |f: &&Family| !f.signs(Platform::Linux).is_empty();
    let on_linux: BTreeSet<u8> =
        cases.case.iter().filter(|c| c.platform == Platform::Linux).map(|c| c.family).collect();
    assert_eq!(families.all().iter().filter(linux).map(|f| f.number).collect::<BTreeSet<_>>(), on_linux);
}

#[test]
fn a_family_that_could_not_be_looked_for_is_not_said_to_be_absent_r1() {
    let mut blind = facts(Platform::Linux, vec![item(&["package".into(), "openvpn".into()])]);
    blind.collected = BTreeSet::from([ItemKind::Package]);
    let report = judged(&blind);
    assert_eq!(report.of("family-11").unwrap().outcome, Outcome::Fails, "what is seen is seen");
    assert_eq!(report.of("family-1").unwrap().outcome, Outcome::Unknown);
    assert_eq!(report.of("family-9").unwrap().outcome, Outcome::Holds, "it does not exist there");
}

#[test]
fn what_lets_everything_pass_is_no_hindrance_r1() {
    let ufw = || vec![item(&["package".into(), "ufw".into(), "0.36".into()])];
    let mut facts = facts(Platform::Linux, ufw());
    assert_eq!(judged(&facts).of("family-5").unwrap().key, "preflight-family-lets-pass");
    facts.probes = Some(Probes { nat_traversal: Passing::Silent, ..probes() });
    assert_eq!(judged(&facts).of("family-5").unwrap().outcome, Outcome::Warns);
}

#[test]
fn recorded_machines_are_judged_r1() {
    let machine = |json| judged(&serde_json::from_str(json).unwrap());
    let outcomes = |report: &Report| -> BTreeMap<String, Outcome> {
        let told = report.verdicts.iter().filter(|v| v.outcome != Outcome::Holds);
        told.map(|v| (v.item.clone(), v.outcome)).collect()
    };
    let expect = |report: &Report, wanted: &[(&str, Outcome)]| {
        let wanted: BTreeMap<String, Outcome> = wanted.iter().map(|(i, o)| ((*i).to_owned(), *o)).collect();
        assert_eq!(outcomes(report), wanted);
    };
    use Outcome::{Fails, Unknown, Warns};
    let report = machine(include_str!("machines/windows-7-with-much.json"));
    assert_eq!(report.outcome, Fails);
    expect(
        &report,
        &[
            ("line", Fails),
            ("os", Warns),
            ("disk", Fails),
            ("family-1", Fails),
            ("family-7", Fails),
            ("family-9", Fails),
            ("family-11", Fails),
            ("family-17", Fails),
            ("udp-4500", Fails),
            ("esp", Unknown),
            ("nat", Fails),
        ],
    );
    let report = machine(include_str!("machines/windows-10-clean.json"));
    assert_eq!(report.outcome, Outcome::Holds, "{:?}", outcomes(&report));
    assert_eq!(report.of("esp").unwrap().key, "preflight-esp-carried");
    let report = machine(include_str!("machines/macos-10.12-unasked.json"));
    assert_eq!(report.outcome, Unknown);
    assert_eq!(report.of("os").unwrap().outcome, Outcome::Holds, "mended until 2019");
    assert_eq!(report.of("line").unwrap().key, "preflight-line-ask-wifi");
    assert_eq!(report.of("family-15").unwrap().outcome, Unknown, "drivers were not read");
    assert_eq!(report.of("tcp-443").unwrap().key, "preflight-nobody-asked");
    let report = machine(include_str!("machines/debian-12-modem.json"));
    expect(&report, &[("line", Fails), ("family-15", Fails)]);
    assert_eq!(report.of("line").unwrap().key, "preflight-line-mobile", "what is seen counts before what is said");
}

#[test]
fn systems_lines_and_disks_are_judged_at_their_edges_r1() {
    let os = |platform, id: &str, version: &str, edition: Option<&str>| {
        let mut facts = facts(platform, Vec::new());
        facts.os = Os {
            platform,
            id: id.into(),
            version: version.into(),
            edition: edition.map(str::to_owned),
            name: "x".into(),
        };
        judged(&facts).of("os").unwrap().outcome
    };
    use Outcome::{Fails, Holds, Unknown, Warns};
    use Platform::{Linux, Macos, Windows};
    for (platform, id, version, edition, outcome) in [
        (Windows, "", "6.1.7600", None, Fails),
        (Windows, "", "6.1.7601", None, Warns),
        (Windows, "", "6.3.9600", Some("Windows RT 8.1"), Fails),
        (Windows, "", "6.3.9600", Some("Pro"), Warns),
        (Windows, "", "10.0.22631", None, Holds),
        (Windows, "", "6.0.6002", None, Fails),
        (Macos, "", "10.9.5", None, Fails),
        (Macos, "", "10.10", None, Warns),
        (Macos, "", "10.13", None, Fails),
        (Macos, "", "14.4.1", None, Holds),
        (Linux, "debian", "12", None, Holds),
        (Linux, "debian", "11", None, Fails),
        (Linux, "ubuntu", "22.04", None, Holds),
        (Linux, "ubuntu", "20.04", None, Fails),
        (Linux, "arch", "", None, Fails),
    ] {
        assert_eq!(os(platform, id, version, edition), outcome, "{platform:?} {id} {version} {edition:?}");
    }
    for kind in LineKind::ALL {
        for seen in [None, Some(Medium::Cable), Some(Medium::Wifi), Some(Medium::Mobile), Some(Medium::Dialled)] {
            let mut facts = facts(Linux, Vec::new());
            facts.line = Line { told: Some(*kind), seen };
            let good = *kind == LineKind::Fiber && seen != Some(Medium::Mobile);
            assert_eq!(judged(&facts).of("line").unwrap().outcome, if good { Holds } else { Fails }, "{kind} {seen:?}");
            facts.line.told = None;
            let untold = if seen == Some(Medium::Mobile) { Fails } else { Unknown };
            assert_eq!(judged(&facts).of("line").unwrap().outcome, untold);
        }
    }
    for (platform, free, outcome) in [
        (Windows, Some(99), Fails),
        (Windows, Some(100), Holds),
        (Macos, Some(49), Fails),
        (Macos, Some(50), Holds),
        (Linux, None, Unknown),
    ] {
        let mut facts = facts(platform, Vec::new());
        facts.free_mb = free;
        assert_eq!(judged(&facts).of("disk").unwrap().outcome, outcome);
    }
}

/// Every way four passages and a translation can come out.
#[test]
fn what_passes_is_judged_in_every_combination_r1() {
    use nat::Nat::{Both, Here, Nobody, There};
    let all = [
        Passing::Answered,
        Passing::Silent,
        Passing::Refused,
        Passing::Other,
        Passing::NotTried(NotTried::NoRight),
        Passing::NotTried(NotTried::Failed("no route".into())),
    ];
    for traversal in &all {
        for one in &all {
            for nat in [None, Some(Nobody), Some(Here), Some(There), Some(Both)] {
                let mut facts = facts(Platform::Linux, Vec::new());
                let seen = nat.map(|nat| Seen { nat, appears_as: None });
                let [tcp, ike, esp] = [one.clone(), one.clone(), one.clone()];
                facts.probes =
                    Some(Probes { tcp, ike, esp, nat_traversal: traversal.clone(), nat: [seen, None], ..probes() });
                let report = judged(&facts);
                let of = |item| report.of(item).unwrap().outcome;
                let plain = |p: &Passing| match p {
                    Passing::Answered => Outcome::Holds,
                    Passing::NotTried(_) => Outcome::Unknown,
                    Passing::Silent | Passing::Refused | Passing::Other => Outcome::Fails,
                };
                assert_eq!([of("tcp-443"), of("udp-500")], [plain(one), plain(one)]);
                assert_eq!(of("udp-4500"), plain(traversal));
                let translated = matches!(nat, Some(Here | There | Both));
                let carried =
                    translated && *traversal == Passing::Answered && matches!(one, Passing::Silent | Passing::Refused);
                assert_eq!(of("esp"), if carried { Outcome::Holds } else { plain(one) });
                let nat_wanted = match nat {
                    None => Outcome::Unknown,
                    Some(Nobody) => Outcome::Holds,
                    Some(_) => plain(traversal),
                };
                assert_eq!(of("nat"), nat_wanted);
            }
        }
    }
}
