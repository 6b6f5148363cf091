//! nftables as far as the gate uses it: one table, sets with elements, a transaction that is whole or not at all.

use site::{Event, Output, RedInterfaces};
use std::collections::{BTreeMap, BTreeSet};

/// The table in memory.
#[derive(Debug, Default)]
pub struct Nft {
    table: Option<Table>,
}

#[derive(Debug, Default, Clone)]
struct Table {
    sets: BTreeMap<String, BTreeSet<String>>,
    rules: Vec<(String, String)>,
}

impl Nft {
    /// Carries out a read or a script.
    pub fn carry_out(&mut self, output: Output, red: &RedInterfaces) -> Event {
        match output {
            Output::ReadFilters => Event::FilterState(
                self.json().map(|json| site::parse_state(red, &json).expect("the fake writes nft's shape")),
            ),
            Output::ApplyFilters { change, script } => {
                let mut next = self.table.clone();
                match run(&mut next, &script) {
                    Ok(()) => {
                        self.table = next;
                        Event::FilterApplied(change)
                    }
                    Err(error) => Event::FilterFailed(change, error),
                }
            }
            other => unreachable!("not for nft: {other:?}"),
        }
    }

    /// Someone flushes the ruleset.
    pub fn wipe(&mut self) {
        self.table = None;
    }

    /// Every accepted tuple, `set key`.
    pub fn elements(&self) -> BTreeSet<String> {
        let sets = self.table.iter().flat_map(|t| &t.sets);
        sets.flat_map(|(set, keys)| keys.iter().map(move |key| format!("{set} {key}"))).collect()
    }

    fn json(&self) -> Option<String> {
        let table = self.table.as_ref()?;
        let mut objects = Vec::new();
        for (name, keys) in &table.sets {
            let elements: Vec<String> = keys
                .iter()
                .map(|key| {
                    let parts: Vec<&str> = key.split(" . ").collect();
                    format!(
                        r#"{{"elem":{{"val":{{"concat":["{}","{}","{}",{}]}}}}}}"#,
                        parts[0], parts[1], parts[2], parts[3]
                    )
                })
                .collect();
            objects.push(format!(r#"{{"set":{{"name":"{name}","elem":[{}]}}}}"#, elements.join(",")));
        }
        objects.push(r#"{"chain":{"name":"forward","hook":"forward","policy":"drop"}}"#.into());
        objects.push(r#"{"chain":{"name":"clamp","hook":"forward","policy":"accept"}}"#.into());
        for (chain, text) in &table.rules {
            let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_matches('"')).collect();
            let expr = if chain == "clamp" {
                r#"{"mangle":{}}"#.to_owned()
            } else {
                let set = words.iter().find(|w| w.starts_with('@')).unwrap_or(&"");
                format!(
                    r#"{{"match":{{"right":"{}"}}}},{{"match":{{"right":"{}"}}}},{{"match":{{"right":"{set}"}}}},{{"match":{{"left":{{"ct":{{"key":"state"}}}}}}}},{{"accept":null}}"#,
                    words[1], words[3]
                )
            };
            objects.push(format!(r#"{{"rule":{{"chain":"{chain}","comment":"sekisho guard 1","expr":[{expr}]}}}}"#));
        }
        Some(format!(r#"{{"nftables":[{}]}}"#, objects.join(",")))
    }
}

fn run(table: &mut Option<Table>, script: &str) -> Result<(), String> {
    for line in script.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let missing = || format!("{line}: No such file or directory");
        match words.as_slice() {
            ["add", "table", ..] => drop(table.get_or_insert_default()),
            ["delete", "table", ..] => *table = None,
            ["add", "set", _, _, name, ..] => {
                table.as_mut().ok_or_else(missing)?.sets.entry((*name).to_owned()).or_default();
            }
            ["add", "chain", ..] => {}
            ["add", "rule", _, _, chain, rest @ ..] => {
                table.as_mut().ok_or_else(missing)?.rules.push(((*chain).to_owned(), rest.join(" ")));
            }
            [verb, "element", _, _, set, "{", key @ .., "}"] => {
                let end = key.iter().position(|w| *w == "comment").unwrap_or(key.len());
                let key = key[..end].join(" ");
                let set = table.as_mut().and_then(|t| t.sets.get_mut(*set)).ok_or_else(missing)?;
                if *verb == "add" {
                    set.insert(key);
                } else if !set.remove(&key) {
                    return Err(missing());
                }
            }
            _ => return Err(format!("syntax error: {line}")),
        }
    }
    Ok(())
}
