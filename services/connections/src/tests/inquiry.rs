//! What happened: three points reconciled (G13), and the first step that fails (N12).

use audit::Point;
use model::{GrantId, Section, SiteId};
use sqlx::{Connection, Executor};
use texts::{Lang, Texts};
use wire::inquiry::{FindingKind, WhyCall, WhyReport};
use wire::link::{Count, Gone, gate_message::Message};

use super::world::{HOSPITAL, World, doctor_asks};
use crate::{Closer, close, gate_left, gate_report, line_match, log_match, open, why};

async fn ask(world: &World, who: &str, lang: Lang) -> WhyReport {
    let call = WhyCall { who: who.into(), service: None };
    why(&world.center, call, &Texts::new(lang)).await.unwrap()
}

/// Somebody removes what a point recorded, past the center.
async fn forget(world: &World, grant: GrantId, point: Point) {
    let code = match point {
        Point::Source => "A401",
        Point::AccessPoint => "A402",
        Point::Destination => "A403",
    };
    let mut raw = sqlx::AnyConnection::connect(&world.registry_url()).await.unwrap();
    let statement = format!("DELETE FROM audit WHERE code = '{code}' AND grant_id = {}", grant.0);
    assert_eq!(raw.execute(sqlx::AssertSqlSafe(statement)).await.unwrap().rows_affected(), 2);
}

fn first(report: &WhyReport) -> (&str, Option<Section>) {
    let step = &report.steps[report.first.unwrap()];
    assert!(step.remedy.as_ref().is_some_and(|r| !r.is_empty()), "{step:?}");
    (&step.step, step.section)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_line_agrees_and_a_removed_record_is_found() {
    let world = World::new().await;
    world.honest_gates();
    let texts = Texts::new(Lang::En);
    let opened = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap();
    let grant = opened.connection.grant;
    close(&world.center, grant, Closer::Operator("test".into())).await.unwrap();
    world.settle(|all| all.is_empty()).await;
    let page = log_match(&world.center, None, None, &texts).await.unwrap();
    assert_eq!(page.lines.len(), 1, "{page:?}");
    assert!(page.lines[0].agree && page.lines[0].findings.is_empty(), "{page:?}");
    // A page that begins behind the line's first record does not tell it again.
    let page = log_match(&world.center, Some(10_000), None, &texts).await.unwrap();
    assert!(page.lines.is_empty() && page.next.is_none());
    // Small pages tell each line once.
    let (mut after, mut told) = (None, 0);
    loop {
        let page = log_match(&world.center, after, Some(3), &texts).await.unwrap();
        told += page.lines.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(told, 1);

    for point in Point::ALL {
        forget(&world, grant, point).await;
        let line = line_match(&world.center, grant, &texts).await.unwrap().lines.remove(0);
        let gap = |f: &wire::inquiry::MatchFinding| f.kind == FindingKind::Gap && f.what.starts_with(point.as_str());
        assert!(!line.agree && line.findings.iter().any(gap), "{point}: {line:?}");
    }
    assert!(line_match(&world.center, GrantId(4711), &texts).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_that_counts_what_nobody_sent_is_found() {
    let world = World::new().await;
    world.honest_gates_but(HOSPITAL);
    let texts = Texts::new(Lang::Ja);
    let hospital: SiteId = HOSPITAL.parse().unwrap();
    let asking = open(&world.center, doctor_asks(&world, [1; 32]));
    let speaking = async {
        let grant = loop {
            let live = crate::status(&world.center).await.connections;
            match live.first() {
                Some(connection) => break connection.grant,
                None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        };
        let observed =
            wire::link::Observed { grant: grant.0, flows: 3, flows_wanted: 3, sa: true, at: world.center.now().0 };
        gate_report(&world.center, &hospital, Message::Observed(observed)).await;
    };
    let (opened, ()) = tokio::join!(asking, speaking);
    let grant = opened.unwrap().connection.grant;
    let closing = close(&world.center, grant, Closer::Operator("test".into()));
    let lying = async {
        world.settle(|all| all.iter().any(|c| c.state == model::ConnectionState::Closing)).await;
        let count = Some(Count { packets: 1_000_000, bytes: 700_000_000 });
        let gone = Gone {
            grant: grant.0,
            forth: count,
            back: count,
            complete: true,
            at: world.center.now().0,
            ..Gone::default()
        };
        gate_report(&world.center, &hospital, Message::Gone(gone)).await;
    };
    let (closed, ()) = tokio::join!(closing, lying);
    closed.unwrap();
    world.settle(|all| all.is_empty()).await;
    let line = log_match(&world.center, None, None, &texts).await.unwrap().lines.remove(0);
    let found = line.findings.iter().find(|f| f.kind == FindingKind::Contradiction).expect("a contradiction");
    assert_eq!((found.what.as_str(), found.section), ("traffic-surplus", Section::Peer));
    assert!(found.text.contains("接続先"), "{}", found.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_names_the_first_step_that_fails_and_its_section_n12() {
    let mut world = World::new().await;
    // Until its gate has done what it was told, that is the first thing in the way.
    let behind = ask(&world, "clinic/exam-1", Lang::En).await;
    assert_eq!(first(&behind), ("in-force", Some(Section::InHouseLan)));
    world.honest_gates();
    world.join_all().await;
    while crate::status(&world.center).await.sites.iter().any(|s| s.in_force != Some(s.wanted)) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // Nothing stands in the way but the card.
    let fine = ask(&world, "clinic/exam-1", Lang::En).await;
    assert!(fine.works, "{fine:?}");
    // A host nobody signs in at.
    let no_terminal = ask(&world, "hospital/record-server", Lang::En).await;
    assert_eq!(first(&no_terminal), ("registered", Some(Section::InHouseLan)));
    // A terminal the whitelist knows nothing of.
    let nothing = ask(&world, "clinic/exam-2", Lang::Ja).await;
    assert_eq!(first(&nothing), ("services", Some(Section::InHouseLan)));
    // Nobody has seen this person.
    let nobody = ask(&world, "YAMADA", Lang::En).await;
    assert_eq!(first(&nobody), ("card", Some(Section::Terminal)));
    let no_host = WhyCall { who: "clinic/nothing".into(), service: None };
    assert!(why(&world.center, no_host, &Texts::new(Lang::En)).await.is_err());

    // An open line works; closed by an operator it says so.
    let grant = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    let open_line = ask(&world, &grant.to_string(), Lang::En).await;
    assert!(open_line.works && open_line.steps.iter().any(|s| s.step == "open"), "{open_line:?}");
    let person = ask(&world, "hanako", Lang::En).await;
    assert!(person.works && person.about == "SATO HANAKO", "{person:?}");
    close(&world.center, grant, Closer::Operator("test".into())).await.unwrap();
    world.settle(|all| all.is_empty()).await;
    let ended = ask(&world, &grant.to_string(), Lang::Ja).await;
    assert_eq!(first(&ended), ("open", Some(Section::Operator)));

    // A card of another qualification is refused: the person's and the terminal's answer name the refusal.
    let pharmacist = world.authority.issue_card(&authority::CardSpec::new("SUZUKI TARO", "Pharmacist")).unwrap();
    let refused = open(&world.center, world.ask(&pharmacist, [2; 32], [9; 32])).await.unwrap_err();
    let said = ask(&world, "Suzuki", Lang::En).await;
    let step = &said.steps[said.first.unwrap()];
    assert_eq!((step.step.as_str(), step.refusal, step.section), ("refusal", refused.entry, Some(Section::Peer)));
    let at_terminal = ask(&world, "clinic/exam-1", Lang::En).await;
    assert_eq!(at_terminal.steps[at_terminal.first.unwrap()].refusal, refused.entry);

    // The gate of the site is gone: that is the first thing to mend, before any refusal.
    let clinic: SiteId = "clinic".parse().unwrap();
    let link = world.center.state().await.gates[&clinic].link.unwrap();
    gate_left(&world.center, &clinic, link, "cable").await;
    let away = ask(&world, "clinic/exam-1", Lang::En).await;
    assert_eq!(first(&away), ("gate", Some(Section::AccessLine)));
}
