//! What operators ask of the proof.

use model::{Generation, GrantId};
use texts::{Lang, Texts};
use wire::api::DocumentText;
use wire::questions::{CanCall, DiffCall, PossibleView, Supposed};

use super::world::{CLINIC_DOCUMENT, HOSPITAL_DOCUMENT, World, doctor_asks};
use crate::{Closer, apply, can, close, diff, explain, invariants, open, plan_only, prove, reach, recalled};

fn call(from: &str, to: &str) -> CanCall {
    CanCall {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        protocol: None,
        port: None,
        documents: Vec::new(),
        open: Vec::new(),
        picture: false,
    }
}

fn text(name: &str, text: String) -> Vec<DocumentText> {
    vec![DocumentText { name: name.into(), text }]
}

fn told(views: &[PossibleView]) -> Vec<String> {
    views.iter().map(|v| format!("{} {} {} {}", v.from, v.to, v.what, v.because[0].line)).collect()
}

const LINE: &str = "clinic/exam-1 hospital/record-server tcp/443 clinic/allow[0]";
const IN_HOUSE: &str = "hospital/ward-1 hospital/portal tcp/443 hospital/inhouse[0]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn can_says_what_is_needed_and_then_which_line_lets_it() {
    let world = World::new().await;
    world.honest_gates();
    let texts = Texts::new(Lang::En);
    let ask = |call| can(&world.center, call, &texts);
    let to_records = || call("clinic/exam-1", "keyaki/records");

    let no = ask(to_records()).await.unwrap();
    assert!(!no.can && !no.supposed && no.because.is_empty(), "{no:?}");
    assert_eq!((no.to.to_string().as_str(), no.port), ("hospital/record-server", 443));
    assert!(no.stops.unwrap().contains("shown to the gate"));
    assert!(no.needed[0].remedy.contains("sekisho open keyaki/records"), "{:?}", no.needed);

    let mut supposed = to_records();
    supposed.open.push(Supposed { from: "clinic/exam-1".parse().unwrap(), service: "keyaki/records".parse().unwrap() });
    supposed.picture = true;
    let yes = ask(supposed).await.unwrap();
    assert!(yes.can && yes.supposed && yes.needed.is_empty(), "{yes:?}");
    assert_eq!(yes.because[0].line, "clinic/allow[0]");
    assert!(yes.picture.unwrap().contains("record-server"));
    assert!(!ask(to_records()).await.unwrap().can, "supposing changes nothing");

    open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap();
    let yes = ask(to_records()).await.unwrap();
    assert!(yes.can && !yes.supposed);
    assert_eq!(yes.all, ["tcp/443"]);
    assert!(yes.path.last().unwrap().contains("hospital/record-server"), "{:?}", yes.path);
    // From the other terminal the whitelist says no, with its remedy.
    let other = ask(call("clinic/exam-2", "keyaki/records")).await.unwrap();
    assert!(other.needed.iter().any(|n| n.what.starts_with("D021")), "{:?}", other.needed);
    assert_eq!(ask(call("clinic/nobody", "keyaki/records")).await.unwrap_err().reasons[0].code, "O015");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn can_in_the_house_follows_documents_that_are_only_supposed() {
    let world = World::new().await;
    let texts = Texts::new(Lang::Ja);
    let mut question = call("hospital/ward-1", "hospital/portal");
    (question.protocol, question.port) = (Some(model::Protocol::Tcp), Some(8443));
    let no = can(&world.center, question.clone(), &texts).await.unwrap();
    assert!(!no.can && no.needed[0].remedy.contains("[[inhouse]]"), "{no:?}");
    question.documents =
        text("h.toml", HOSPITAL_DOCUMENT.replace("ports = [443]\n\n[[service]]", "ports = [443, 8443]\n\n[[service]]"));
    let yes = can(&world.center, question, &texts).await.unwrap();
    assert!(yes.can && yes.supposed, "{yes:?}");
    assert_eq!(yes.because[0].line, "hospital/inhouse[0]");
    let never = can(&world.center, call("hospital/portal", "hospital/ward-1"), &texts).await.unwrap();
    assert!(!never.can && never.needed[0].what.contains("ゾーン"), "{never:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reach_and_diff_speak_of_who_reaches_whom() {
    let world = World::new().await;
    world.honest_gates();
    let texts = Texts::new(Lang::En);
    let ask = |call| diff(&world.center, call, &texts);
    let between = |before, after| DiffCall {
        site: Some("clinic".parse().unwrap()),
        before: Some(Generation(before)),
        after: Some(Generation(after)),
        documents: Vec::new(),
    };
    let first = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    let reached = reach(&world.center, "hospital/record-server".parse().unwrap(), &texts).await.unwrap();
    assert_eq!((told(&reached.begins).len(), told(&reached.receives)), (0, vec![LINE.to_owned()]));

    let came = ask(between(1, 2)).await.unwrap();
    assert_eq!((told(&came.came), came.went.len()), (vec![LINE.to_owned()], 0), "{came:?}");
    assert_eq!(came.before[&"hospital".parse().unwrap()], Generation(1));
    close(&world.center, first, Closer::Operator("test".into())).await.unwrap();
    assert_eq!(told(&ask(between(2, 3)).await.unwrap().went), [LINE]);
    // Opened again under another number: nothing differs between the two times it was open.
    open(&world.center, doctor_asks(&world, [2; 32])).await.unwrap();
    let same = ask(between(2, 4)).await.unwrap();
    assert!(same.came.is_empty() && same.went.is_empty(), "{same:?}");
    let all = ask(between(0, 4)).await.unwrap();
    assert_eq!(told(&all.came), [LINE, IN_HOUSE]);

    let supposed = DiffCall {
        documents: text("clinic.toml", CLINIC_DOCUMENT.split("[[allow]]").next().unwrap().to_owned()),
        ..DiffCall::default()
    };
    let supposed = ask(supposed).await.unwrap();
    assert!(supposed.supposed && supposed.came.is_empty() && supposed.grants_ended.len() == 1, "{supposed:?}");
    assert_eq!(told(&supposed.went), [LINE]);

    assert_eq!(ask(DiffCall { site: None, ..between(1, 2) }).await.unwrap_err().reasons[0].code, "O016");
    assert_eq!(ask(between(1, 99)).await.unwrap_err().reasons[0].code, "O017");
    world.center.registry().compact(&"clinic".parse().unwrap()).await.unwrap();
    let gone = ask(between(1, 4)).await.unwrap_err();
    assert_eq!(gone.reasons[0].code, "O018");
    assert!(gone.reasons[0].lines(&texts).refused.contains("made again is 4"), "{:?}", gone.reasons);
}

fn promising(document: &str, from: &str, to: &str) -> String {
    format!(
        "{document}\n[[never]]\nfrom = \"{from}\"\nto = \"{to}\"\nbecause = {{ ja = \"約束\", en = \"a promise\" }}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_refuses_plans_and_openings_by_its_id() {
    let world = World::new().await;
    world.honest_gates();
    let texts = Texts::new(Lang::En);
    let in_house = vec![("h.toml".to_owned(), promising(HOSPITAL_DOCUMENT, "zone:secure", "zone:dmz"))];
    let refused = plan_only(&world.center, &in_house).await.unwrap_err();
    assert_eq!(refused.reasons[0].code, "I22");
    let example = refused.scene.as_ref().unwrap().counter_example(refused.refutation.as_ref().unwrap(), &texts, true);
    assert_eq!(example.promise.unwrap().id, "hospital/S01");
    assert_eq!(example.policy.unwrap().line, "hospital/inhouse[0]");
    assert!(example.packet.is_some() && example.picture.is_some());
    // The record tells the same, in the other language too.
    let refused = apply(&world.center, in_house, "test".into()).await.unwrap_err();
    let kept = explain(&world.center, refused.entry.unwrap()).await.unwrap().told.unwrap();
    assert_eq!(kept.policy.as_deref(), Some("hospital/inhouse[0]"));
    assert!(kept.path.is_some());
    let again = recalled(kept, "…", &Texts::new(Lang::Ja), true).unwrap();
    assert!(again.path[0].contains("が送る") && again.picture.is_some(), "{again:?}");

    // A promise ends what it forbids, and keeps it from being opened again.
    let grant: GrantId = open(&world.center, doctor_asks(&world, [1; 32])).await.unwrap().connection.grant;
    let outside = vec![("c.toml".to_owned(), promising(CLINIC_DOCUMENT, "segment:exam-rooms", "outside"))];
    let applied = apply(&world.center, outside, "test".into()).await.unwrap();
    assert_eq!(applied.grants_ended, [grant]);
    world.settle(|connections| connections.is_empty()).await;
    let refused = open(&world.center, doctor_asks(&world, [2; 32])).await.unwrap_err();
    assert_eq!(refused.reasons[0].code, "I22");
    let no = can(&world.center, call("clinic/exam-1", "keyaki/records"), &texts).await.unwrap();
    assert!(no.needed.iter().any(|n| n.what.starts_with("clinic/S01 forbids it: a promise")), "{no:?}");
    let all = invariants(&world.center, &texts).await.invariants;
    assert_eq!(all.last().unwrap().id, "clinic/S01");
    let whole = prove(&world.center, &texts, false).await.unwrap();
    assert!(whole.holds && whole.promises == 1, "{whole:?}");
}
