//! What makes one network another: thing by thing, and within a thing value by value (N10).
//!
//! Compared is what is exported ([`crate::export`]), so that nothing of it can be forgotten here.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;

use crate::Network;

/// What a network holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    /// 機関.
    Institution,
    /// 拠点, with segments, hosts and whitelist.
    Site,
    /// サービス.
    Service,
    /// 合意.
    Agreement,
    /// チェックシート.
    Checksheet,
}

impl Noun {
    /// All.
    pub const ALL: [Self; 5] = [Self::Institution, Self::Site, Self::Service, Self::Agreement, Self::Checksheet];

    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Institution => "institution",
            Self::Site => "site",
            Self::Service => "service",
            Self::Agreement => "agreement",
            Self::Checksheet => "checksheet",
        }
    }
}

/// What becomes of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It stays, with other values; at least one.
    Changed(Vec<Difference>),
    /// It is no more.
    Removed,
}

impl Change {
    /// Stable name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed(_) => "changed",
            Self::Removed => "removed",
        }
    }
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where, as the export names it, e.g. `hosts.exam-1.address`; what has no name counts from 0.
    pub place: String,
    /// What it was; none if there was nothing.
    pub before: Option<String>,
    /// What it is; none if there is nothing.
    pub after: Option<String>,
}

/// A thing that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it is.
    pub noun: Noun,
    /// Its id.
    pub id: String,
    /// What becomes of it.
    pub change: Change,
}

/// Everything that is not the same in both, in the order of nouns and ids; empty exactly if they are equal.
pub fn changes(before: &Network, after: &Network) -> Vec<Changed> {
    let mut all = Vec::new();
    of(Noun::Institution, &before.institutions, &after.institutions, &mut all);
    of(Noun::Site, &before.sites, &after.sites, &mut all);
    of(Noun::Service, &before.services, &after.services, &mut all);
    of(Noun::Agreement, &before.agreements, &after.agreements, &mut all);
    of(Noun::Checksheet, &before.checksheets, &after.checksheets, &mut all);
    all
}

fn of<I, T>(noun: Noun, before: &BTreeMap<I, T>, after: &BTreeMap<I, T>, all: &mut Vec<Changed>)
where
    I: Ord + Display,
    T: Serialize + PartialEq,
{
    let mut ids: Vec<&I> = before.keys().chain(after.keys()).collect();
    ids.sort();
    ids.dedup();
    for id in ids {
        let change = match (before.get(id), after.get(id)) {
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Removed,
            (Some(was), Some(is)) if was != is => Change::Changed(differences(&value(was), &value(is))),
            (Some(_), Some(_)) | (None, None) => continue,
        };
        all.push(Changed { noun, id: id.to_string(), change });
    }
}

fn value(noun: &impl Serialize) -> Value {
    serde_json::to_value(noun).expect("nouns are JSON")
}

fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut all = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut all);
    all
}

/// Nothing and `null` are the same: a noun leaves out what it has not, or says so.
fn compare(place: String, before: Option<&Value>, after: Option<&Value>, all: &mut Vec<Difference>) {
    let (before, after) = (before.filter(|v| !v.is_null()), after.filter(|v| !v.is_null()));
    if before == after {
        return;
    }
    let within = |name: &dyn Display| if place.is_empty() { name.to_string() } else { format!("{place}.{name}") };
    match (before, after) {
        (Some(Value::Object(was)), Some(Value::Object(is))) => {
            let mut names: Vec<&String> = was.keys().chain(is.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                compare(within(name), was.get(name), is.get(name), all);
            }
        }
        // A list of plain values reads best as a whole; one of things is gone through, thing by thing.
        (Some(Value::Array(was)), Some(Value::Array(is))) if was.iter().chain(is).any(Value::is_object) => {
            for at in 0..was.len().max(is.len()) {
                compare(within(&at), was.get(at), is.get(at), all);
            }
        }
        (before, after) => {
            all.push(Difference { place, before: before.map(written), after: after.map(written) });
        }
    }
}

/// As one line: text without quotes, things as `name: value`.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(nested).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| format!("{name}: {}", nested(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Within another: what has parts stands in brackets.
fn nested(value: &Value) -> String {
    match value {
        Value::Array(_) => format!("[{}]", written(value)),
        Value::Object(_) => format!("({})", written(value)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => written(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_document;

    const DOCUMENTS: [&str; 3] = [
        include_str!("../tests/documents/clinic.toml"),
        include_str!("../tests/documents/hospital.toml"),
        include_str!("../tests/documents/provider.toml"),
    ];

    fn network(change: impl Fn(String) -> String) -> Network {
        let read = |text: &&str| parse_document("d.toml", &change((*text).to_owned())).unwrap();
        Network::default().with(&DOCUMENTS.iter().map(read).collect::<Vec<_>>()).unwrap()
    }

    fn told(before: &Network, after: &Network) -> Vec<String> {
        changes(before, after)
            .into_iter()
            .map(|c| format!("{} {} {}", c.noun.as_str(), c.id, c.change.as_str()))
            .collect()
    }

    #[test]
    fn what_is_new_and_what_is_gone_is_named_n10() {
        let (none, all) = (Network::default(), network(|text| text));
        assert!(changes(&all, &all).is_empty() && changes(&none, &none).is_empty());
        let added = told(&none, &all);
        assert!(
            added.contains(&"institution aoba added".to_owned()) && added.contains(&"site clinic added".to_owned())
        );
        let things = all.institutions.len() + all.sites.len() + all.services.len() + all.agreements.len();
        assert_eq!(added.len(), things + all.checksheets.len());
        assert!(added.contains(&"checksheet clinic added".to_owned()), "the example has one");
        assert!(told(&all, &none).iter().all(|line| line.ends_with(" removed")));
    }

    #[test]
    fn a_value_that_differs_is_named_with_its_place_n10() {
        let before = network(|text| text);
        let after = network(|text| text.replace("\"10.1.20.11\"", "\"10.1.20.19\""));
        let all = changes(&before, &after);
        let difference = Difference {
            place: "hosts.exam-1.address".into(),
            before: Some("10.1.20.11".into()),
            after: Some("10.1.20.19".into()),
        };
        let change = Change::Changed(vec![difference]);
        assert_eq!(all, [Changed { noun: Noun::Site, id: "clinic".into(), change }]);
    }

    #[test]
    fn a_thing_within_a_thing_is_told_in_a_line_and_what_is_not_there_is_nothing() {
        let before = network(|text| text);
        let mut after = before.clone();
        let site = after.sites.values_mut().find(|site| site.hosts.len() > 1).unwrap();
        let gone = site.hosts.pop_first().unwrap().0;
        site.name = None;
        let id = site.id.to_string();
        let all = changes(&before, &after);
        let [Changed { id: named, change: Change::Changed(differences), .. }] = &all[..] else { panic!("{all:?}") };
        assert_eq!(*named, id);
        let host = differences.iter().find(|d| d.place == format!("hosts.{gone}")).unwrap();
        assert!(host.after.is_none() && host.before.as_ref().unwrap().contains("mac: "), "{host:?}");
    }

    /// Whatever is changed in what is exported, one difference at least names it: no value is left out of the comparison.
    #[test]
    fn no_value_can_change_without_a_word() {
        let before = network(|text| text);
        let whole = serde_json::to_value(&before).unwrap();
        let mut leaves = Vec::new();
        collect(&whole, String::new(), &mut leaves);
        assert!(leaves.len() > 100, "{}", leaves.len());
        let mut tried = 0;
        for leaf in leaves {
            let mut other = whole.clone();
            let value = other.pointer_mut(&leaf).unwrap();
            *value = match value {
                Value::String(text) => Value::String(format!("{text}1")),
                Value::Bool(yes) => Value::Bool(!*yes),
                Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
                _ => continue,
            };
            // Some values are ids that must be as their key, or have a form.
            let Ok(after) = serde_json::from_value::<Network>(other) else { continue };
            tried += 1;
            assert!(!changes(&before, &after).is_empty(), "{leaf}");
        }
        assert!(tried > 50, "{tried}");
    }

    fn collect(value: &Value, place: String, all: &mut Vec<String>) {
        let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
        match value {
            Value::Object(map) => map.iter().for_each(|(n, v)| collect(v, format!("{place}/{}", escaped(n)), all)),
            Value::Array(list) => list.iter().enumerate().for_each(|(n, v)| collect(v, format!("{place}/{n}"), all)),
            _ => all.push(place),
        }
    }
}
