//! The directory of institutions: searched by applicants, kept by the operator (R3).

use joining::{Directory, Institution, Prefecture};
use std::sync::Arc;
use tokio::sync::Mutex;

use crate::{Joining, Operator, Refused};

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstitutionList {
    /// The best.
    pub found: Vec<Institution>,
    /// How many there are in all.
    pub total: usize,
}

/// The copy that is searched, and the version of the directory it was made from.
#[derive(Debug, Default)]
pub(crate) struct Copy {
    kept: Mutex<(i64, Arc<Directory>)>,
}

impl Joining {
    /// Institutions whose name or reading holds the words, blind to width, case and kana; at most `limit`.
    /// No role is asked for: the names are public. The caller limits how often.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn search_institutions(
        &self,
        prefecture: Option<Prefecture>,
        words: &str,
        limit: usize,
    ) -> Result<InstitutionList, Refused> {
        let _ = (prefecture, words, limit);
        Err(Refused::Internal("not built yet".into()))
    }

    /// Puts institutions into the directory, or changes them by their number.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn put_institutions(&self, operator: &Operator, institutions: Vec<Institution>) -> Result<(), Refused> {
        let _ = (operator, institutions);
        Err(Refused::Internal("not built yet".into()))
    }
}
