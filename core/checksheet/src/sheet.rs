//! A sheet: its items in their groups.

use model::{CheckEdition, CheckItem, SiteModel};

use crate::probe::{Absence, Probe};
use crate::sheets;

/// A sheet, in the order of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sheet {
    /// Whom it is for.
    pub model: SiteModel,
    /// Which text it is of.
    pub edition: CheckEdition,
    /// What is asked.
    pub groups: &'static [Group],
}

/// Items under one heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Chapter of the sheet, from 1.
    pub chapter: u8,
    /// Key of its heading, after `checksheet-group-`.
    pub key: &'static str,
    /// Section of the guideline that it comes from.
    pub source: &'static str,
    /// The items.
    pub items: &'static [Item],
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its number.
    pub id: CheckItem,
    /// Key of its text, after `checksheet-item-`: what two sheets ask alike has one text.
    pub key: &'static str,
    /// Who answers.
    pub judged: Judged,
}

/// Who answers an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Nobody alone: for each peer of this model, whether its own sheet passes.
    Peer(SiteModel),
    /// The machine.
    Machine(Probe),
    /// A person of the institution.
    Person {
        /// What the documents show to be absent, so that nothing is asked about it.
        unless: Option<Absence>,
        /// May a person say, with the reason, that it does not apply?
        waivable: bool,
    },
}

impl Sheet {
    /// The sheet of a model.
    pub fn of(model: SiteModel) -> &'static Self {
        match model {
            SiteModel::Large => &sheets::LARGE,
            SiteModel::Small => &sheets::SMALL,
            SiteModel::ServiceProvider => &sheets::SERVICE_PROVIDER,
        }
    }

    /// Every item, in order.
    pub fn items(&self) -> impl Iterator<Item = &'static Item> + use<> {
        self.groups.iter().flat_map(|group| group.items)
    }

    /// An item by its number.
    pub fn item(&self, id: CheckItem) -> Option<&'static Item> {
        self.items().find(|item| item.id == id)
    }

    /// What people are asked, as far as the sheet alone can say.
    pub fn asks(&self) -> impl Iterator<Item = &'static Item> + use<> {
        self.items().filter(|item| matches!(item.judged, Judged::Person { .. }))
    }
}

/// The item of one's own sheet that asks about a peer of this model; providers are not asked about providers, though the
/// peer's sheet must pass all the same.
pub fn peer_item(own: SiteModel, peer: SiteModel) -> Option<CheckItem> {
    Sheet::of(own).items().find(|item| item.judged == Judged::Peer(peer)).map(|item| item.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use texts::{Lang, Texts};

    #[test]
    fn the_sheets_have_the_numbers_of_the_source_g11() {
        // Items a group, as section 6.1 of the guideline prints them.
        let counts = |model: SiteModel| Sheet::of(model).groups.iter().map(|g| g.items.len()).collect::<Vec<_>>();
        assert_eq!(counts(SiteModel::Large), [3, 1, 6, 4, 3, 3, 3, 3, 2, 3, 3, 3, 1, 5, 2, 2, 2, 1]);
        assert_eq!(counts(SiteModel::Small), [3, 1, 6, 4, 2, 2, 3, 2, 3, 1, 2, 2, 1]);
        assert_eq!(counts(SiteModel::ServiceProvider), [2, 6, 4, 3, 3, 3, 2, 3, 1, 5, 1]);
        for model in SiteModel::ALL {
            let sheet = Sheet::of(model);
            assert_eq!(sheet.model, model);
            let ids: Vec<CheckItem> = sheet.items().map(|item| item.id).collect();
            assert!(ids.is_sorted() && ids.iter().collect::<BTreeSet<_>>().len() == ids.len());
            for group in sheet.groups {
                for (item, n) in group.items.iter().zip(1..) {
                    assert_eq!((item.id.chapter, item.id.item), (group.chapter, n), "{}", item.id);
                    assert_eq!(item.id.group, group.items[0].id.group);
                }
            }
        }
    }

    #[test]
    fn every_peer_is_asked_about_where_the_source_asks() {
        use SiteModel::{Large, ServiceProvider, Small};
        let asked = |own, peer| peer_item(own, peer).map(|item| item.to_string());
        assert_eq!(asked(Large, ServiceProvider).as_deref(), Some("1-1-2"));
        assert_eq!(asked(Small, Small).as_deref(), Some("1-1-3"));
        assert_eq!(asked(ServiceProvider, Small).as_deref(), Some("1-1-2"));
        assert_eq!(asked(ServiceProvider, ServiceProvider), None);
    }

    #[test]
    fn everything_asked_and_found_has_words_in_both_languages_x5() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let has = |key: String| assert!(texts.has(&key), "{lang}: {key}");
            for model in SiteModel::ALL {
                has(format!("checksheet-sheet-{}", model.as_str()));
                for group in Sheet::of(model).groups {
                    has(format!("checksheet-chapter-{}", group.chapter));
                    has(format!("checksheet-group-{}", group.key));
                    for item in group.items {
                        has(format!("checksheet-item-{}", item.key));
                        match item.judged {
                            Judged::Peer(_) => {}
                            Judged::Machine(probe) => probe.keys().into_iter().for_each(has),
                            Judged::Person { unless, .. } => unless.into_iter().for_each(|fact| has(fact.key())),
                        }
                    }
                }
            }
        }
    }
}
