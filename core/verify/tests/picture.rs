//! The picture of a path, as it was looked at and found readable. `UPDATE_GOLDEN=1 cargo test -p verify --test picture`
//! writes it anew; look at it before you keep it.
#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "golden pictures are written on request")]

mod support;

use model::*;
use std::collections::BTreeMap;
use std::path::Path;
use support::build::*;
use verify::exact::{Answer, Exact};
use verify::{Ending, Hop, Picture};

/// Words as a locale file has them, one message a line.
fn say(locale: &'static [&'static str], key: &str, args: &[(&'static str, String)]) -> String {
    let lines = locale.iter().flat_map(|file| file.lines());
    let found = lines.filter_map(|l| l.split_once(" = ")).find(|(k, _)| *k == key);
    let mut text = found.unwrap_or_else(|| panic!("{key} lacks a text")).1.to_owned();
    for (name, value) in args {
        text = text.replace(&format!("{{ ${name} }}"), value);
    }
    text
}

const EN: &[&str] =
    &[include_str!("../../texts/locales/en/verify.ftl"), include_str!("../../texts/locales/en/model.ftl")];
const JA: &[&str] =
    &[include_str!("../../texts/locales/ja/verify.ftl"), include_str!("../../texts/locales/ja/model.ftl")];

fn sites() -> BTreeMap<SiteId, Site> {
    facts().into_iter().map(|(id, facts)| (id, facts.site)).collect()
}

fn golden(name: &str, svg: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, svg).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(svg == kept, "{} changed; look at it, then UPDATE_GOLDEN=1", path.display());
}

#[test]
fn a_way_through_a_tunnel() {
    let mut exact = Exact::new(&world()).unwrap();
    let (from, to) = ("clinic/exam-1".parse().unwrap(), "hospital/record-server".parse().unwrap());
    let Answer::Yes { packet, path } = exact.can(&from, &to, Protocol::Tcp, 443) else { panic!("it cannot") };
    let svg = Picture {
        title: "clinic/exam-1 → hospital/record-server tcp/443",
        packet: Some(&packet.in_signs()),
        path: &path,
        ending: Ending::Arrives,
        notes: &["g-7 · A-0012 · clinic/allow[0]".to_owned()],
        sites: &sites(),
        say: &|key, args| say(EN, key, args),
    }
    .svg();
    golden("tunnel-en.svg", &svg);
}

#[test]
fn a_promise_broken_in_the_house() {
    let mut states = world();
    states.get_mut(&sid("clinic")).unwrap().facts.site.never.push(NeverRule {
        id: NeverId(1),
        from: "segment:exam".parse().unwrap(),
        to: "host:printer".parse().unwrap(),
        because: LocalizedName { ja: "x".into(), en: "x".into() },
    });
    let refutation = Exact::new(&states).map(|_| ()).unwrap_err();
    let words = |key: &str, args: &[(&'static str, String)]| say(JA, key, args);
    let svg = Picture {
        title: &format!("{} {}", refutation.invariant.id(), words(refutation.key(), &refutation.args())),
        packet: refutation.packet.as_ref().map(|p| p.in_signs()).as_deref(),
        path: &refutation.path,
        ending: Ending::Breaks,
        notes: &[words(refutation.because.key(), &refutation.because.args()), words(refutation.remedy_key(), &[])],
        sites: &sites(),
        say: &words,
    }
    .svg();
    golden("promise-ja.svg", &svg);
}

/// Peer to trunk to peer, stopped by the second lock of the last site.
#[test]
fn a_relay_that_a_filter_stops() {
    let site = |s: &str| s.parse::<SiteId>().unwrap();
    let seven = CookieOwner::Transit(1);
    let rule = |table, owner| Hop::Rule {
        site: site("hospital"),
        switch: "sw1".parse().unwrap(),
        table,
        priority: 700,
        owner,
    };
    let tunnel = |from: &str, to: &str, grant| Hop::Tunnel { from: site(from), to: site(to), grant };
    let (lan, out) = (FilterSide::Lan, FilterSide::Tunnel);
    let path = [
        Hop::Host { site: site("clinic"), host: "exam-1".parse().unwrap() },
        tunnel("clinic", "hospital", Some(GrantId(7))),
        Hop::Filter { site: site("hospital"), owner: seven, from: out, to: lan },
        Hop::Enters { site: site("hospital"), switch: "sw1".parse().unwrap(), port: PortNo(1) },
        rule(Table::Admission, CookieOwner::Standing),
        rule(Table::Connections, seven),
        Hop::Leaves { site: site("hospital"), switch: "sw1".parse().unwrap(), port: PortNo(1) },
        Hop::Filter { site: site("hospital"), owner: seven, from: lan, to: out },
        tunnel("hospital", "provider", None),
        Hop::Stopped { site: site("provider") },
    ];
    let svg = Picture {
        title: "I08 a site carries nothing between two others",
        packet: Some("tcp 10.1.20.11:49152 → 10.3.10.10:445 +new"),
        path: &path,
        ending: Ending::Stops,
        notes: &["hospital/transit[1]".to_owned()],
        sites: &sites(),
        say: &|key, args| say(EN, key, args),
    }
    .svg();
    golden("relay-en.svg", &svg);
}
