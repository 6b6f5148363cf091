use super::*;
use model::{CheckAnswer, CheckSay, LineKind, Protocol, SiteModel, Timestamp, TransitRule, parse_document};
use proptest::prelude::*;

const DOCUMENTS: [&str; 3] = [
    include_str!("../../../model/tests/documents/clinic.toml"),
    include_str!("../../../model/tests/documents/hospital.toml"),
    include_str!("../../../model/tests/documents/provider.toml"),
];

fn network() -> Network {
    Network::default().with(&DOCUMENTS.map(|text| parse_document("d.toml", text).unwrap())).unwrap()
}

fn id(site: &str) -> SiteId {
    site.parse().unwrap()
}

fn item(text: &str) -> CheckItem {
    text.parse().unwrap()
}

fn lacks(network: &Network, site: &str) -> Vec<String> {
    match judge(network, &id(site)) {
        Verdict::Passes => Vec::new(),
        Verdict::Lacks(items) => items.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn say(network: &mut Network, site: &str, at: CheckItem, what: CheckSay) {
    let answer = CheckAnswer { answer: what, by: "1".into(), at: Timestamp(0), evidence: "because".into() };
    network.checksheets.get_mut(&id(site)).unwrap().answers.insert(at, answer);
}

fn standing(network: &Network, site: &str, at: &str) -> (Standing, Basis) {
    let examined = examine(network, &id(site)).unwrap();
    let found = examined.groups.into_iter().flat_map(|(_, all)| all).find(|f| f.item.id == item(at)).unwrap();
    (found.standing, found.basis)
}

#[test]
fn the_three_examples_pass_their_sheets_g11() {
    let network = network();
    for site in network.sites.keys() {
        assert_eq!(judge(&network, site), Verdict::Passes, "{site}");
    }
}

#[test]
fn nothing_is_answered_by_default_g11() {
    let mut network = network();
    network.checksheets.clear();
    for site in network.sites.keys() {
        assert_eq!(judge(&network, site), Verdict::Missing);
    }
    let mut network = self::network();
    network.checksheets.values_mut().for_each(|sheet| sheet.answers.clear());
    // What is not there need not be answered: no host in the High Secure Zone, no rule between the zones.
    assert_eq!(lacks(&network, "clinic"), ["3-1-1", "3-1-2", "3-4-1", "3-4-2", "3-6-1", "4-1-2", "4-3-1"]);
    let provider = ["3-1-1", "3-1-2", "3-1-3", "3-2-2", "3-4-2", "3-6-1", "4-1-3", "4-1-4", "4-1-5", "4-2-1"];
    assert_eq!(lacks(&network, "provider"), provider);
    assert!(lacks(&network, "hospital").contains(&"3-8-2".to_owned()), "a rule leads to the portal");
    assert_eq!(judge(&network, &id("nowhere")), Verdict::Missing);
}

#[test]
fn every_item_a_person_is_asked_can_fail_the_sheet_g11() {
    let whole = network();
    for (site, answers) in &whole.checksheets {
        let sheet = Sheet::of(answers.model);
        for asked in sheet.asks() {
            let Judged::Person { unless, waivable } = asked.judged else { panic!("{}", asked.id) };
            let only = vec![asked.id.to_string()];
            let with = |what| {
                let mut network = whole.clone();
                say(&mut network, site.as_str(), asked.id, what);
                lacks(&network, site.as_str())
            };
            assert_eq!(with(CheckSay::No), only, "{site}");
            assert!(with(CheckSay::Yes).is_empty());
            let mut silent = whole.clone();
            silent.checksheets.get_mut(site).unwrap().answers.remove(&asked.id);
            let absent = unless.is_some_and(|fact| fact.is_so(&silent, &silent.sites[site]));
            assert_eq!(with(CheckSay::DoesNotApply).is_empty(), waivable || absent, "{site} {}", asked.id);
            assert_eq!(lacks(&silent, site.as_str()), if absent { vec![] } else { only }, "{site}");
        }
    }
}

#[test]
fn an_answer_of_another_sheet_or_to_nothing_does_not_count() {
    let mut network = network();
    say(&mut network, "clinic", item("2-2-1"), CheckSay::Yes);
    say(&mut network, "clinic", item("9-9-9"), CheckSay::Yes);
    assert_eq!(lacks(&network, "clinic"), ["2-2-1", "9-9-9"], "one is the machine's, the other is no item");
    assert_eq!(examine(&network, &id("clinic")).unwrap().not_asked, [item("2-2-1"), item("9-9-9")]);
    network.checksheets.get_mut(&id("clinic")).unwrap().model = SiteModel::Large;
    assert_eq!(judge(&network, &id("clinic")), Verdict::OtherModel(SiteModel::Large));
    assert_eq!(standing(&network, "clinic", "3-1-1"), (Standing::Open, Basis::Nothing));
}

#[test]
fn a_line_of_ones_own_leads_past_the_questions_about_open_networks() {
    let mut network = network();
    assert_eq!(standing(&network, "clinic", "2-1-1").0, Standing::Met);
    assert_eq!(standing(&network, "clinic", "2-2-5").0, Standing::Met);
    network.sites.get_mut(&id("clinic")).unwrap().lines[0].kind = LineKind::Leased;
    let (stands, Basis::Machine(evidence)) = standing(&network, "clinic", "2-1-1") else { panic!() };
    assert_eq!((stands, evidence.key.as_str()), (Standing::Met, "checksheet-found-own-line"));
    assert_eq!(evidence.what, ["main (leased)"]);
    assert_eq!(standing(&network, "clinic", "2-2-5"), (Standing::Skipped, Basis::Nothing));
    assert_eq!(standing(&network, "clinic", "2-3-1").0, Standing::Met);
    assert_eq!(judge(&network, &id("clinic")), Verdict::Passes);
    // The sheet of providers has no such question: its group 2-2 is another.
    network.sites.get_mut(&id("provider")).unwrap().lines[0].kind = LineKind::Leased;
    assert_eq!(standing(&network, "provider", "2-2-1").0, Standing::Met);
}

#[test]
fn a_wish_to_relay_for_another_legal_entity_breaks_its_item_g7() {
    let mut network = network();
    let wish = TransitRule {
        from: "clinic/exam-1".parse().unwrap(),
        to: "provider/ops-1".parse().unwrap(),
        protocol: Protocol::Tcp,
        ports: vec![443],
    };
    network.sites.get_mut(&id("hospital")).unwrap().transit.push(wish);
    assert_eq!(lacks(&network, "hospital"), ["2-2-1"]);
    let (Standing::Unmet, Basis::Machine(evidence)) = standing(&network, "hospital", "2-2-1") else { panic!() };
    assert_eq!(evidence.what, ["clinic/exam-1 → provider/ops-1"]);
    // Inside one legal entity it may be wished.
    for site in ["clinic", "provider"] {
        network.sites.get_mut(&id(site)).unwrap().institution = "keyaki".parse().unwrap();
    }
    assert!(lacks(&network, "hospital").is_empty());
}

#[test]
fn an_in_house_rule_against_the_zones_breaks_the_items_about_it_g8() {
    let mut network = network();
    let hospital = network.sites.get_mut(&id("hospital")).unwrap();
    let rule = &mut hospital.in_house[0];
    std::mem::swap(&mut rule.from, &mut rule.to);
    // The portal is a proxy, but nothing begins in the DMZ towards the Secure Zone.
    assert_eq!(lacks(&network, "hospital"), ["3-4-1", "3-5-1", "3-8-1"]);
    let hospital = network.sites.get_mut(&id("hospital")).unwrap();
    let rule = &mut hospital.in_house[0];
    std::mem::swap(&mut rule.from, &mut rule.to);
    hospital.hosts.values_mut().for_each(|host| host.proxy = None);
    assert_eq!(lacks(&network, "hospital"), ["3-8-1"], "only through a proxy");
    let (_, Basis::Machine(evidence)) = standing(&network, "hospital", "3-8-1") else { panic!() };
    assert_eq!(evidence.what, ["ward-1 → portal"]);
}

#[test]
fn backups_are_asked_of_who_uses_them() {
    let mut network = network();
    assert_eq!(standing(&network, "clinic", "4-2-1").0, Standing::NotApplicable);
    let records = "keyaki/records".parse().unwrap();
    network.services.get_mut(&records).unwrap().kind = Some(model::ServiceKind::Backup);
    assert_eq!(lacks(&network, "clinic"), ["4-2-2"], "exam-1 is in the Secure Zone");
    let mut network = self::network();
    let mut back = network.services[&records].clone();
    back.id = "aoba/inbox".parse().unwrap();
    back.host = "clinic/exam-2".parse().unwrap();
    network.services.insert(back.id.clone(), back.clone());
    network.services.get_mut(&records).unwrap().kind = Some(model::ServiceKind::Backup);
    let agreement = model::Agreement {
        id: "A-9".parse().unwrap(),
        consumer: "keyaki".parse().unwrap(),
        provider: "aoba".parse().unwrap(),
        service: back.id,
        valid_from: Timestamp(0),
        valid_until: Timestamp(1),
        signatures: Default::default(),
    };
    network.agreements.insert(agreement.id.clone(), agreement);
    assert_eq!(lacks(&network, "clinic"), ["4-2-1", "4-2-2"]);
    let (_, Basis::Machine(evidence)) = standing(&network, "clinic", "4-2-1") else { panic!() };
    assert_eq!(evidence.what, ["A-9"]);
}

#[test]
fn what_a_site_does_not_have_is_told_as_such() {
    let mut network = network();
    network.checksheets.values_mut().for_each(|sheet| sheet.answers.clear());
    let (stands, Basis::Machine(evidence)) = standing(&network, "clinic", "3-3-3") else { panic!() };
    assert_eq!((stands, evidence.key.as_str()), (Standing::NotApplicable, "checksheet-absent-no-host-high-secure"));
    assert_eq!(standing(&network, "clinic", "1-1-1"), (Standing::PerPeer, Basis::Nothing));
    let services = standing(&network, "hospital", "4-1-1");
    let Basis::Machine(evidence) = services.1 else { panic!() };
    assert_eq!(evidence.what, ["keyaki/bookings", "keyaki/records"]);
    assert_eq!(standing(&self::network(), "clinic", "3-4-1").0, Standing::NotApplicable, "somebody said so");
}

proptest! {
    /// The page and the door say the same, whatever was answered.
    #[test]
    fn what_passes_is_what_every_item_says(
        answers in prop::collection::vec((0usize..3, any::<prop::sample::Index>(), 0usize..4), 0..6),
        kind in 0usize..2,
    ) {
        let mut network = network();
        let sites = ["clinic", "hospital", "provider"];
        for (site, at, what) in answers {
            let sheet = Sheet::of(network.sites[&id(sites[site])].model);
            let all: Vec<CheckItem> = sheet.items().map(|item| item.id).collect();
            let at = *at.get(&all);
            match CheckSay::ALL.get(what) {
                Some(said) => say(&mut network, sites[site], at, *said),
                None => drop(network.checksheets.get_mut(&id(sites[site])).unwrap().answers.remove(&at)),
            }
        }
        network.sites.values_mut().for_each(|site| site.lines[0].kind = [LineKind::Isdn, LineKind::IpVpn][kind]);
        for site in sites {
            let examined = examine(&network, &id(site)).unwrap();
            let mut bad: Vec<CheckItem> = examined
                .groups
                .iter()
                .flat_map(|(_, all)| all)
                .filter(|found| matches!(found.standing, Standing::Unmet | Standing::Open))
                .map(|found| found.item.id)
                .chain(examined.not_asked.clone())
                .collect();
            bad.sort();
            let expected = if bad.is_empty() { Verdict::Passes } else { Verdict::Lacks(bad) };
            prop_assert_eq!(&examined.verdict, &expected);
        }
    }
}
