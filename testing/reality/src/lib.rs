//! What the proof says, held against what packets do (X1).
//!
//! [`World`] raises a lab with a real gate at every site; its orders come from the planner and have passed the proof.
//! [`Standing::read`] reads back what is really installed: flow tables over OpenFlow, filters from nftables, tunnels from
//! strongSwan. [`Said`] asks the exact proof about these tables, cell by cell of a [`lab::reach::Matrix`]. [`Random`]
//! makes whole networks from a number.
//!
//! This crate must not know how tables are made or judged: it asks for both, and compares.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod documents;
mod random;
mod report;
mod said;
mod standing;
mod world;

use std::path::PathBuf;

pub use documents::{Extras, documents, network};
pub use random::{Random, Wish};
pub use report::{json, tell};
pub use said::Said;
pub use standing::Standing;
pub use world::{Papers, World};

/// Why there is nothing to compare. A difference is not among these.
#[derive(Debug, thiserror::Error)]
pub enum RealityError {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] lab::LabError),
    /// The test authority.
    #[error(transparent)]
    Authority(#[from] authority::AuthorityError),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Scenario, documents or a wish do not fit together.
    #[error("{0}")]
    Document(String),
    /// The proof refuses it: nothing was installed.
    #[error("refused: {0}")]
    Refused(#[from] Box<verify::Refutation>),
    /// A gate, a switch or a daemon did not do what it must.
    #[error("{0}")]
    Product(String),
}

impl RealityError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
