//! Everything a refutation says has its text, in both languages (X5).
#![allow(clippy::unwrap_used)]

use model::{CookieOwner, FilterSide, GrantId, HostId, PortNo, SiteId, SwitchId, Table};
use std::collections::{BTreeMap, BTreeSet};
use verify::{Because, Fault, Hop, Invariant};

const LOCALES: [(&str, &str); 2] = [
    ("en", include_str!("../../texts/locales/en/verify.ftl")),
    ("ja", include_str!("../../texts/locales/ja/verify.ftl")),
];

/// One line a message: `key = text`; the arguments it mentions.
fn messages(file: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let lines = file.lines().filter_map(|l| l.split_once(" = "));
    lines
        .map(|(key, text)| {
            let args = text.split("{ $").skip(1).map(|rest| rest.split(" }").next().unwrap());
            (key, args.collect())
        })
        .collect()
}

fn samples() -> (Vec<Because>, Vec<Hop>) {
    let site: SiteId = "clinic".parse().unwrap();
    let switch: SwitchId = "sw1".parse().unwrap();
    let host: HostId = "exam-1".parse().unwrap();
    let (owner, port, table) = (CookieOwner::Standing, PortNo(3), Table::Zones);
    let (from, to) = (FilterSide::Lan, FilterSide::Tunnel);
    let promise = model::NeverRule {
        id: model::NeverId(1),
        from: model::Part::Outside,
        to: model::Part::Outside,
        because: model::LocalizedName { ja: "x".into(), en: "x".into() },
    };
    let address = std::net::IpAddr::from([10, 0, 0, 1]);
    (
        vec![
            Because::Rule { switch: switch.clone(), table, priority: 1, owner },
            Because::Rule { switch: switch.clone(), table, priority: 1, owner: CookieOwner::Grant(GrantId(1)) },
            Because::Filter { owner, from, to, source: address, destination: address },
            Because::Tunnel { grant: GrantId(1), peer: site.clone() },
            Because::Grant(GrantId(1)),
            Because::Promise { site: site.clone(), rule: Box::new(promise), owner },
            Because::Facts("x".into()),
            Because::Change("x".into()),
        ],
        vec![
            Hop::Host { site: site.clone(), host: host.clone() },
            Hop::Enters { site: site.clone(), switch: switch.clone(), port },
            Hop::Rule { site: site.clone(), switch: switch.clone(), table, priority: 1, owner },
            Hop::Leaves { site: site.clone(), switch: switch.clone(), port },
            Hop::Filter { site: site.clone(), owner, from, to },
            Hop::Stopped { site: site.clone() },
            Hop::Rule { site: site.clone(), switch, table, priority: 1, owner: CookieOwner::Grant(GrantId(1)) },
            Hop::Tunnel { from: site.clone(), to: site.clone(), grant: None },
            Hop::Tunnel { from: site.clone(), to: site.clone(), grant: Some(GrantId(1)) },
            Hop::Reaches { site, host },
        ],
    )
}

#[test]
fn every_text_is_there_with_arguments_it_is_given() {
    let (because, hops) = samples();
    let common = ["id", "site", "packet", "owner"];
    let mut wanted: Vec<(&str, BTreeSet<&str>)> = Vec::new();
    for invariant in Invariant::ALL {
        wanted.push((invariant.key(), BTreeSet::from(common)));
        wanted.push((invariant.remedy_key(), BTreeSet::from(common)));
    }
    wanted.extend(Fault::ALL.iter().map(|f| (f.key(), BTreeSet::new())));
    wanted.extend(because.iter().map(|b| (b.key(), b.args().iter().map(|(name, _)| *name).collect())));
    wanted.extend(hops.iter().map(|h| (h.key(), h.args().iter().map(|(name, _)| *name).collect())));
    for (lang, file) in LOCALES {
        let messages = messages(file);
        for (key, args) in &wanted {
            let used = messages.get(key).unwrap_or_else(|| panic!("{key} lacks a text in {lang}"));
            assert!(used.is_subset(args), "{key} in {lang} uses {used:?}, is given {args:?}");
        }
    }
    assert_eq!(messages(LOCALES[0].1).keys().collect::<Vec<_>>(), messages(LOCALES[1].1).keys().collect::<Vec<_>>());
}

#[test]
fn english_texts_are_those_of_the_logs() {
    let file = LOCALES[0].1;
    for (key, text) in Invariant::ALL
        .iter()
        .map(|i| (i.key(), i.statement()))
        .chain(Fault::ALL.iter().map(|f| (f.key(), f.statement())))
    {
        assert!(file.contains(&format!("{key} = {text}\n")), "{key}");
    }
}
