//! The live picture at 3 and at 300 sites. `UPDATE_GOLDEN=1 cargo test -p portal --test picture` writes the expected
//! pictures anew; review them as a diff.
#![allow(clippy::unwrap_used)]

use model::{ConnectionState, LocalizedName, SiteModel, Timestamp, Zone};
use portal::{Shown, picture};
use std::path::Path;
use texts::Lang;
use wire::api::ConnectionView;
use wire::live::{LiveHost, LiveLine, LiveSite, LiveView, LiveZone};

fn name(ja: &str, en: &str) -> LocalizedName {
    LocalizedName { ja: ja.into(), en: en.into() }
}

fn site(id: &str, name: LocalizedName, model: SiteModel, zones: &[(Zone, &[&str])], n: u16) -> LiveSite {
    let hosts = |hosts: &[&str]| {
        let one = |(k, host): (usize, &&str)| LiveHost {
            host: host.parse().unwrap(),
            address: format!("10.{}.{}.{}", n % 250, 20, 10 + k).parse().unwrap(),
            terminal: host.starts_with("exam"),
        };
        hosts.iter().enumerate().map(one).collect()
    };
    LiveSite {
        site: id.parse().unwrap(),
        name,
        institution: "aoba".parse().unwrap(),
        model,
        linked: true,
        in_force: true,
        alarms: 0,
        zones: zones.iter().map(|(zone, list)| LiveZone { zone: *zone, hosts: hosts(list) }).collect(),
    }
}

fn now() -> Timestamp {
    "2026-11-21T05:02:00Z".parse().unwrap()
}

fn line(grant: u64, from: &str, to: &str, person: &str, state: ConnectionState, minutes: i64) -> LiveLine {
    LiveLine {
        connection: ConnectionView {
            grant: format!("g-{grant}").parse().unwrap(),
            state,
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            service: "keyaki/records".parse().unwrap(),
            address: "10.2.10.10".parse().unwrap(),
            protocol: model::Protocol::Tcp,
            ports: vec![443],
            granted_at: now(),
            lease_until: now().plus_ms(minutes * 60_000),
        },
        service_name: name("診療記録の閲覧", "Record viewing"),
        person: person.into(),
        role: Some("Medical Doctor".into()),
    }
}

fn three() -> LiveView {
    let mut provider = site(
        "provider",
        name("みどり医療ネット", "Midori Medical Network"),
        SiteModel::ServiceProvider,
        &[(Zone::Dmz, &["ops-1"])],
        3,
    );
    provider.linked = false;
    let wards = ["ward-1", "ward-2", "ward-3", "ward-4", "ward-5", "ward-6", "ward-7"];
    LiveView {
        now: now(),
        software: "sekisho-center 0.1.0".into(),
        sites: vec![
            site(
                "clinic",
                name("青葉診療所", "Aoba Clinic"),
                SiteModel::Small,
                &[(Zone::Secure, &["exam-1", "exam-2"])],
                1,
            ),
            site(
                "hospital",
                name("けやき総合病院", "Keyaki General Hospital <main>"),
                SiteModel::Large,
                &[(Zone::Secure, &wards), (Zone::Dmz, &["portal", "record-server"])],
                2,
            ),
            provider,
        ],
        lines: vec![
            line(7, "clinic/exam-1", "hospital/record-server", "SATO HANAKO", ConnectionState::Open, 30),
            line(8, "clinic/exam-2", "hospital/portal", "SUZUKI \"TARO\" & CO", ConnectionState::Opening, 25),
            line(9, "hospital/ward-1", "provider/ops-1", "TANAKA JIRO", ConnectionState::Closing, 2),
        ],
    }
}

fn three_hundred() -> LiveView {
    let mut sites = Vec::new();
    let mut lines = Vec::new();
    for n in 0..300u16 {
        let id = format!("clinic-{n:03}");
        let mut one = site(
            &id,
            name(&format!("診療所{n:03}"), &format!("Clinic {n:03}")),
            SiteModel::Small,
            &[(Zone::Secure, &["exam-1"])],
            n,
        );
        one.linked = n % 97 != 13;
        one.alarms = usize::from(n % 120 == 60);
        sites.push(one);
        if n % 4 != 3 {
            let to = ["hospital-a/records", "hospital-b/records", "center/claims"][usize::from(n % 3)];
            lines.push(line(
                1000 + u64::from(n),
                &format!("{id}/exam-1"),
                to,
                "SATO HANAKO",
                ConnectionState::Open,
                i64::from(n % 50 + 1),
            ));
        }
    }
    for (id, ja) in [("hospital-a", "あさひ病院"), ("hospital-b", "東病院"), ("center", "審査支払機関")] {
        sites.push(site(id, name(ja, id), SiteModel::Large, &[(Zone::Dmz, &["records", "claims"])], 9));
    }
    sites.sort_by(|a, b| a.site.cmp(&b.site));
    LiveView { now: now(), software: "sekisho-center 0.1.0".into(), sites, lines }
}

fn golden(file: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == drawn, "{file} differs; run with UPDATE_GOLDEN=1 and review the diff");
}

#[test]
fn three_sites_are_drawn_whole() {
    for lang in Lang::ALL {
        let drawn = picture(&three(), &Shown::default(), lang);
        golden(&format!("three-sites.{lang}.svg"), &drawn);
    }
    let drawn = picture(&three(), &Shown::default(), Lang::En);
    for said in ["SATO HANAKO", "until 14:32", "gate away", "Keyaki General Hospital &lt;main&gt;", "and 2 more hosts"]
    {
        assert!(drawn.contains(said), "{said}");
    }
    assert!(!drawn.contains("<main>") && !drawn.contains("style="));
}

#[test]
fn three_hundred_sites_are_folded_and_every_site_is_there() {
    let view = three_hundred();
    let drawn = picture(&view, &Shown::default(), Lang::En);
    for site in &view.sites {
        assert!(drawn.contains(&format!("/live?site={}\"", site.site)), "{}", site.site);
    }
    assert!(drawn.len() < 400_000, "{} bytes are too many for a page that renews itself", drawn.len());
    golden("three-hundred-sites.ja.svg", &picture(&view, &Shown::default(), Lang::Ja));
}

#[test]
fn a_site_is_shown_with_those_it_has_lines_with() {
    let view = three_hundred();
    let shown = Shown { site: Some("clinic-001".into()), q: None };
    let drawn = picture(&view, &shown, Lang::En);
    assert!(drawn.contains("clinic-001") && drawn.contains("hospital-b") && !drawn.contains("clinic-002"));
    let found = Shown { site: None, q: Some("CLINIC 29".into()) };
    let drawn = picture(&view, &found, Lang::En);
    assert!(drawn.contains("clinic-290") && drawn.contains("clinic-299") && !drawn.contains("clinic-280"));
    let nothing = Shown { site: Some("no-such".into()), q: None };
    assert!(!picture(&view, &nothing, Lang::En).contains("clinic-"));
}
