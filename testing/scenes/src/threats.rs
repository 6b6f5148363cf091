//! Threat tables (N11): each threat, the control that answers it, and what tries it.

use std::fs;
use std::path::Path;

use model::LocalizedName;
use serde::Deserialize;

/// A row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threat {
    /// Its id: `X1` common, `A1` of scenario (a).
    pub id: String,
    /// What somebody could do.
    pub threat: LocalizedName,
    /// What answers it.
    pub control: LocalizedName,
    /// What tries it, each as [`trying`] reads it.
    pub tests: Vec<String>,
}

/// Where a threat is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// By a check of a play, of this key.
    Check(String),
    /// By a test function of a source file.
    Test {
        /// The file, from the top of the repository.
        file: String,
        /// The function.
        function: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    threat: Vec<Threat>,
}

/// The threats every scenario shares.
///
/// # Panics
/// Never: a test reads the file.
pub fn common() -> Vec<Threat> {
    parse(include_str!("../scenarios/common-threats.toml")).expect("the common threats are in the sources")
}

pub(crate) fn parse(text: &str) -> Result<Vec<Threat>, toml::de::Error> {
    toml::from_str::<Table>(text).map(|table| table.threat)
}

/// `scene-a-reverse-shut` is a check of a play; `core/pki/tests/persons.rs::name` a test function.
pub fn trying(name: &str) -> Tried {
    match name.split_once("::") {
        Some((file, function)) => Tried::Test { file: file.to_owned(), function: function.to_owned() },
        None => Tried::Check(name.to_owned()),
    }
}

impl Tried {
    /// Is there such a thing? Looks into the sources: a check must be made by a play, a test must be a function.
    pub fn exists(&self, repository: &Path) -> bool {
        match self {
            Self::Check(key) => {
                let mut plays = sources(&repository.join("testing/scenes/src/plays"));
                plays.extend(fs::read_to_string(repository.join("testing/scenes/src/play.rs")));
                plays.extend(sources(&repository.join("testing/story/src/chapters")));
                plays.iter().any(|text| text.contains(&format!("\"{key}\"")))
            }
            Self::Test { file, function } => {
                let text = fs::read_to_string(repository.join(file)).unwrap_or_default();
                text.contains(&format!("fn {function}(")) || text.contains(&format!("Trial::new(\"{function}\""))
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.extend(fs::read_to_string(&path));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scene;
    use std::collections::BTreeSet;

    fn repository() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    fn all() -> Vec<Threat> {
        common().into_iter().chain(Scene::all().unwrap().into_iter().flat_map(|s| s.threats)).collect()
    }

    #[test]
    fn every_threat_is_tried_by_something_that_exists_n11() {
        for threat in all() {
            assert!(!threat.tests.is_empty(), "{} is tried by nothing", threat.id);
            for name in &threat.tests {
                assert!(trying(name).exists(repository()), "{}: `{name}` is no check and no test", threat.id);
            }
        }
    }

    #[test]
    fn a_name_that_nothing_tries_is_found() {
        assert!(!trying("scene-z-nothing").exists(repository()));
        assert!(!trying("core/audit/src/reconcile.rs::no_such_test").exists(repository()));
        assert!(!trying("no/such/file.rs::no_such_test").exists(repository()));
        assert!(trying("core/audit/src/reconcile.rs::an_honest_record_has_no_findings").exists(repository()));
    }

    #[test]
    fn ids_are_unique_and_every_scenario_has_threats_of_its_own_in_both_languages() {
        let all = all();
        let ids: BTreeSet<&str> = all.iter().map(|t| t.id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        for scene in Scene::all().unwrap() {
            assert!(scene.threats.len() >= 3, "{}", scene.letter.folder());
            let letter = scene.letter.as_str().to_uppercase();
            assert!(scene.threats.iter().all(|t| t.id.starts_with(&letter)), "{letter}");
        }
        for threat in all {
            for text in [&threat.threat.ja, &threat.threat.en, &threat.control.ja, &threat.control.en] {
                assert!(!text.trim().is_empty(), "{}", threat.id);
            }
        }
    }
}
