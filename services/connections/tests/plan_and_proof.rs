//! The planner and the proof, written apart from each other, agree: whatever is planned from documents is proved, at
//! every step of random openings and closings, and from nothing as from deltas (X1, N5, N6).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use model::{
    Endpoint, Generation, Grant, GrantId, Network, Plan, Protocol, SiteId, SiteState, Timestamp, parse_document,
};
use proptest::prelude::*;
use verify::Verifier;

const DOCUMENTS: [(&str, &str); 3] = [
    ("clinic", include_str!("../../../core/model/tests/documents/clinic.toml")),
    ("hospital", include_str!("../../../core/model/tests/documents/hospital.toml")),
    ("provider", include_str!("../../../core/model/tests/documents/provider.toml")),
];

fn network(extra: &str) -> Network {
    let documents: Vec<_> = DOCUMENTS
        .iter()
        .map(|(name, text)| {
            let text = if *name == "hospital" { format!("{text}{extra}") } else { (*text).to_owned() };
            parse_document(name, &text).unwrap()
        })
        .collect();
    Network::default().with(&documents).unwrap()
}

fn end(network: &Network, at: &str) -> Endpoint {
    network.endpoint(&at.parse().unwrap()).unwrap()
}

/// Terminals and the DMZ hosts of others: what the zone matrix allows (G8).
const ENDS: [(&str, &str); 5] = [
    ("clinic/exam-1", "hospital/record-server"),
    ("clinic/exam-2", "hospital/portal"),
    ("clinic/exam-1", "provider/ops-1"),
    ("hospital/ward-1", "provider/ops-1"),
    ("clinic/exam-2", "provider/ops-1"),
];

fn grant(network: &Network, id: u64, (from, to): (&str, &str), port: u16) -> Grant {
    let destination = end(network, to);
    Grant {
        id: GrantId(id),
        agreement: "A-0012".parse().unwrap(),
        service: format!("{}/records", destination.institution).parse().unwrap(),
        origin: end(network, from),
        destination,
        protocol: Protocol::Tcp,
        ports: vec![port],
        granted_at: Timestamp(0),
        lease_until: Timestamp(1_800_000),
        idle_ms: None,
    }
}

fn prove(verifier: &mut Verifier, plan: Plan) {
    let verified = verifier.check(plan).unwrap_or_else(|refutation| panic!("{refutation}"));
    verifier.advance(&verified).unwrap();
}

fn applied(network: &Network) -> Verifier {
    let mut verifier = Verifier::new();
    prove(&mut verifier, plan::apply(network, &[], &BTreeMap::new()).unwrap());
    verifier
}

fn content(states: &BTreeMap<SiteId, SiteState>) -> BTreeMap<SiteId, SiteState> {
    states.iter().map(|(id, s)| (id.clone(), SiteState { generation: Generation(0), ..s.clone() })).collect()
}

#[test]
fn a_wish_to_relay_between_institutions_is_planned_as_told_and_refused_by_the_proof_g7() {
    let network = network(
        "\n[[transit]]\nfrom = \"clinic/exam-1\"\nto = \"provider/ops-1\"\nprotocol = \"tcp\"\nports = [443]\n",
    );
    let plan = plan::apply(&network, &[], &BTreeMap::new()).unwrap();
    let refutation = Verifier::new().check(plan).unwrap_err().to_string();
    assert!(refutation.contains("10.1.20.11") && refutation.contains("10.3.10.10"), "{refutation}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn whatever_is_planned_is_proved(steps in prop::collection::vec((any::<prop::sample::Index>(), 0..ENDS.len(), 0u16..6, any::<bool>()), 60)) {
        let network = network("");
        let mut verifier = applied(&network);
        let mut live: Vec<Grant> = Vec::new();
        for (n, (pick, ends, port, opens)) in steps.into_iter().enumerate() {
            if opens || live.is_empty() {
                let grant = grant(&network, n as u64 + 1, ENDS[ends], 440 + port);
                let taken = live.iter().any(|g| (&g.origin, &g.destination, &g.ports) == (&grant.origin, &grant.destination, &grant.ports));
                if taken { continue }
                let states = verifier.states();
                let plan = plan::open(&grant, &states[&grant.origin.site], &states[&grant.destination.site]).unwrap();
                prove(&mut verifier, plan);
                live.push(grant);
            } else {
                let grant = live.swap_remove(pick.index(live.len()));
                let states = verifier.states();
                let plan = plan::close(&grant, &[&states[&grant.origin.site], &states[&grant.destination.site]]).unwrap();
                prove(&mut verifier, plan);
            }
        }
        let scratch = plan::from_scratch(&network, &live).unwrap();
        prop_assert_eq!(content(&verifier.states()), scratch.clone());
        Verifier::from_states(scratch).unwrap_or_else(|refutation| panic!("{refutation}"));
    }
}
