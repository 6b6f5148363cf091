use super::*;
use crate::hub::{Receivers, tests::config};
use model::{Grant, GrantId, Network, Protocol, Timestamp, parse_document};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use site::{Output, SiteMachine};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A clinic's gate with strongSwan there, and the center's key.
struct Clinic {
    network: Network,
    states: BTreeMap<SiteId, SiteState>,
    key: EcdsaKeyPair,
    orders: Orders,
    hub: Arc<Hub>,
    heard: Receivers,
}

impl Clinic {
    fn new() -> Self {
        let documents = [
            ("clinic", include_str!("../../../../core/model/tests/documents/clinic.toml")),
            ("hospital", include_str!("../../../../core/model/tests/documents/hospital.toml")),
            ("provider", include_str!("../../../../core/model/tests/documents/provider.toml")),
        ]
        .map(|(name, text)| parse_document(name, text).unwrap());
        let network = Network::default().with(&documents).unwrap();
        let mut states = BTreeMap::new();
        for (id, delta) in plan::apply(&network, &[], &BTreeMap::new()).unwrap().sites {
            let mut state = SiteState::empty(delta.facts.clone().unwrap());
            state.advance(&delta).unwrap();
            states.insert(id, state);
        }
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let site: SiteId = "clinic".parse().unwrap();
        let kept = verify::check_state(states[&site].clone()).unwrap();
        let (hub, heard) = Hub::new(SiteMachine::new(Some(kept), config(), Timestamp(0)));
        hub.feed(Event::CharonUp);
        let (connections, ike, children) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        hub.feed(Event::SaList { connections, ike, children });
        let orders = Orders::new(site, pki::PublicKey::EcP256(key.public_key().as_ref().to_vec()));
        let mut clinic = Self { network, states, key, orders, hub, heard };
        assert_eq!(clinic.loads(), 0);
        clinic
    }

    /// The clinic's order of a line of one of its terminals.
    fn line(&self, number: u64, from: &str) -> pb::SignedOrder {
        let end = |at: &str| self.network.endpoint(&at.parse().unwrap()).unwrap();
        let grant = Grant {
            id: GrantId(number),
            agreement: "A-0012".parse().unwrap(),
            service: "keyaki/records".parse().unwrap(),
            origin: end(from),
            destination: end("hospital/record-server"),
            protocol: Protocol::Tcp,
            ports: vec![443],
            granted_at: Timestamp(1_800_000_000_000),
            lease_until: Timestamp(i64::MAX / 2),
            idle_ms: None,
        };
        let ends = [&grant.origin.site, &grant.destination.site].map(|site| &self.states[site]);
        let delta = plan::open(&grant, ends[0], ends[1]).unwrap().sites[&grant.origin.site].clone();
        let body = wire::OrderBody::Delta(Box::new(delta));
        let payload = wire::Order { site: grant.origin.site, issued_at: Timestamp(0), body }.encode();
        let signature = self.key.sign(&SystemRandom::new(), &wire::order_signed_bytes(&payload)).unwrap();
        pb::SignedOrder { payload, signature: signature.as_ref().to_vec() }
    }

    /// How often strongSwan was to be told of tunnels since this was asked last.
    fn loads(&mut self) -> usize {
        let said = std::iter::from_fn(|| self.heard.ike.try_recv().ok());
        said.filter(|output| matches!(output, Output::LoadConnection { .. })).count()
    }

    fn grants(&self) -> Vec<GrantId> {
        self.hub.state().unwrap().grants.keys().copied().collect()
    }
}

#[test]
fn an_announced_order_has_its_tunnel_configured_and_counts_only_when_it_comes_x1() {
    let mut clinic = Clinic::new();
    let order = clinic.line(1, "clinic/exam-1");
    clinic.orders.prepare(&clinic.hub, order.clone());
    assert_eq!(clinic.loads(), 1);
    assert_eq!(clinic.grants(), []);
    assert!(!clinic.heard.store.has_changed().unwrap(), "nothing of it is kept");
    clinic.orders.take(&clinic.hub, &order).unwrap();
    assert_eq!(clinic.grants(), [GrantId(1)]);
    assert!(clinic.heard.store.has_changed().unwrap());
    // And the proofs lead on.
    let site: SiteId = "clinic".parse().unwrap();
    clinic.states.insert(site, (*clinic.hub.state().unwrap()).clone());
    let next = clinic.line(2, "clinic/exam-2");
    clinic.orders.take(&clinic.hub, &next).unwrap();
    assert_eq!(clinic.grants(), [GrantId(1), GrantId(2)]);
}

#[test]
fn another_order_than_was_announced_is_judged_by_itself_x1() {
    let mut clinic = Clinic::new();
    let (announced, other) = (clinic.line(1, "clinic/exam-1"), clinic.line(2, "clinic/exam-2"));
    clinic.orders.prepare(&clinic.hub, announced.clone());
    clinic.orders.take(&clinic.hub, &other).unwrap();
    assert_eq!(clinic.grants(), [GrantId(2)]);
    clinic.orders.take(&clinic.hub, &announced).unwrap();
    assert_eq!(clinic.grants(), [GrantId(2)], "it leads from a state that is gone");
    assert!(clinic.loads() >= 1);
}

#[test]
fn what_nobody_signed_is_neither_prepared_nor_taken_x1() {
    let mut clinic = Clinic::new();
    let order = clinic.line(1, "clinic/exam-1");
    let mut forged = order.clone();
    forged.signature = clinic.line(2, "clinic/exam-2").signature;
    clinic.orders.prepare(&clinic.hub, forged.clone());
    assert_eq!(clinic.loads(), 0);
    clinic.orders.prepare(&clinic.hub, order.clone());
    let refused = clinic.orders.take(&clinic.hub, &forged).unwrap_err();
    assert_eq!(refused.code, i32::from(pb::RefusalCode::NotAuthentic), "the announced proof is no signature");
    assert_eq!(clinic.grants(), []);
    clinic.orders.take(&clinic.hub, &order).unwrap();
    assert_eq!(clinic.grants(), [GrantId(1)]);
}
