//! strongSwan: what is loaded, which children are up. A negotiation needs both ends; that is the world's to arrange.

use std::collections::{BTreeMap, BTreeSet};

/// One site's daemon in memory.
#[derive(Debug, Default)]
pub struct Charon {
    /// Loaded connections and their children.
    pub loaded: BTreeMap<String, BTreeSet<String>>,
    /// Connections with an IKE SA.
    pub ike: BTreeSet<String>,
    /// Installed children, as (connection, child); one entry an SA.
    pub children: Vec<(String, String)>,
}

impl Charon {
    /// Could this end take part in this child?
    pub fn accepts(&self, connection: &str, child: &str) -> bool {
        self.loaded.get(connection).is_some_and(|children| children.contains(child))
    }

    /// Takes children out; says how many there were.
    pub fn drop_children(&mut self, connection: &str, child: Option<&str>) -> Vec<String> {
        let (gone, kept) = std::mem::take(&mut self.children)
            .into_iter()
            .partition(|(c, n)| c == connection && child.is_none_or(|child| child == n));
        self.children = kept;
        let gone: Vec<(String, String)> = gone;
        gone.into_iter().map(|(_, name)| name).collect()
    }
}
