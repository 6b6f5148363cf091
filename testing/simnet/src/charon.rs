//! strongSwan: what is loaded, which children are up. A negotiation needs both ends; that is the world's to arrange.

use site::ChildSa;
use std::collections::{BTreeMap, BTreeSet};

/// One site's daemon in memory.
#[derive(Debug, Default)]
pub struct Charon {
    /// Loaded connections and their children.
    pub loaded: BTreeMap<String, BTreeSet<String>>,
    /// How often a connection was loaded.
    pub loads: usize,
    /// Connections with an IKE SA.
    pub ike: BTreeSet<String>,
    /// Installed children, one entry an SA. Both ends know one by the same number here.
    pub children: Vec<ChildSa>,
}

impl Charon {
    /// Could this end take part in this child?
    pub fn accepts(&self, connection: &str, child: &str) -> bool {
        self.loaded.get(connection).is_some_and(|children| children.contains(child))
    }

    /// Takes children out.
    pub fn drop_children(&mut self, which: impl Fn(&ChildSa) -> bool) -> Vec<ChildSa> {
        let (gone, kept) = std::mem::take(&mut self.children).into_iter().partition(which);
        self.children = kept;
        gone
    }
}
