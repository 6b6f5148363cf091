//! What a stage is made of: wires, documents, agreements, cards.

use authority::CardSpec;
use lab::Scenario;

use crate::people::Person;

/// What is plugged in.
const THREE_SITES: &str = include_str!("../scenarios/three-sites.toml");

/// A network to raise: the wires and the documents of the same sites, who agreed with whom, who has a card.
#[derive(Debug, Clone)]
pub struct Set {
    /// What is plugged in.
    pub scenario: Scenario,
    /// Documents of sites, by file name, in the order they are applied.
    pub documents: Vec<(String, String)>,
    /// Documents that lie beside them and are not applied.
    pub beside: Vec<(String, String)>,
    /// Agreements, in the order they are applied.
    pub accords: Vec<Accord>,
    /// Cards.
    pub cards: Vec<CardOrder>,
}

/// An agreement to be written and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accord {
    /// Its number.
    pub id: String,
    /// The institution whose people use the service.
    pub consumer: String,
    /// The one that offers it.
    pub provider: String,
    /// The service.
    pub service: String,
    /// Does the provider sign too? The consumer always does.
    pub both_sign: bool,
}

/// A card to be issued.
#[derive(Debug, Clone)]
pub struct CardOrder {
    /// What it is called here.
    pub label: String,
    /// What is on it.
    pub spec: CardSpec,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// It was revoked.
    Revoked,
    /// It comes from an authority that only has the right names.
    Forged,
}

impl CardOrder {
    /// A good authentication card.
    pub fn new(label: &str, name: &str, role: &str) -> Self {
        Self { label: label.to_owned(), spec: CardSpec::new(name, role), flaw: Flaw::None }
    }
}

impl Set {
    /// The institutions of its sites.
    pub fn institutions(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.scenario.sites.iter().map(|s| s.institution.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The story's own.
    ///
    /// # Panics
    /// Never: every test of the story reads the scenario.
    pub fn story() -> Self {
        let scenario = Scenario::parse(THREE_SITES).expect("the story's scenario is in the sources");
        let (documents, beside) = crate::documents::three_sites();
        let accord = |id: &str, consumer: &str, provider: &str, service: &str, both_sign| Accord {
            id: id.to_owned(),
            consumer: consumer.to_owned(),
            provider: provider.to_owned(),
            service: service.to_owned(),
            both_sign,
        };
        Self {
            scenario,
            documents,
            beside,
            accords: vec![
                accord("A-0012", "aoba", "keyaki", "keyaki/records", true),
                accord("A-0013", "aoba", "keyaki", "keyaki/bookings", false),
                accord("A-0014", "keyaki", "midori", "midori/drug-information", true),
            ],
            cards: Person::ALL.into_iter().map(Person::order).collect(),
        }
    }
}
