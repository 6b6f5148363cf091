//! The directory of institutions: searched by applicants, kept by the operator (R3).

use audit::Event;
use joining::{Directory, Institution, InstitutionId, Prefecture};
use registry::Commit;
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

/// Most institutions a search answers with.
const MOST: usize = 100;
/// Rows read at once.
const PAGE: u32 = 5_000;
/// Rows written in one transaction, so that others need not wait long.
const WRITE: usize = 2_000;

impl Joining {
    /// Institutions whose name or reading holds the words, blind to width, case and kana; at most `limit`, and at most
    /// a hundred. No role is asked for: the names are public. The caller limits how often.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn search_institutions(
        &self,
        prefecture: Option<Prefecture>,
        words: &str,
        limit: usize,
    ) -> Result<InstitutionList, Refused> {
        let words: String = words.chars().take(100).collect();
        let found = self.directory().await?.search(prefecture, &words, limit.min(MOST));
        Ok(InstitutionList { found: self.registry.institutions_by_id(&found.ids).await?, total: found.total })
    }

    /// Puts institutions into the directory, or changes them by their number. Many go in several steps; who puts the
    /// same ones in again after an interruption ends with the same directory.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn put_institutions(&self, operator: &Operator, institutions: Vec<Institution>) -> Result<(), Refused> {
        operator.may(joining::Action::ManageDirectory)?;
        for some in institutions.chunks(WRITE) {
            let event = Event::DirectoryChanged { operator: operator.account.clone(), count: some.len() as u64 };
            self.registry.commit(Commit::at(self.now()).institutions(some.to_vec()).event(event)).await?;
        }
        Ok(())
    }

    /// Name of an institution of the directory.
    pub(crate) async fn institution_name(&self, id: InstitutionId) -> Result<String, Refused> {
        Ok(self.registry.institution(id).await?.map(|i| i.name).unwrap_or_else(|| format!("#{}", id.0)))
    }

    /// The copy, read again if the directory was changed since.
    async fn directory(&self) -> Result<Arc<Directory>, Refused> {
        let version = self.registry.directory_version().await?;
        let mut kept = self.directory.kept.lock().await;
        if kept.0 != version {
            let mut keys = Vec::new();
            let mut last = InstitutionId(i64::MIN);
            loop {
                let page = self.registry.institutions_after(last, PAGE).await?;
                let Some(end) = page.last() else { break };
                last = end.id;
                keys.extend(page.iter().map(Institution::keys));
            }
            // What was changed while it was read makes the version another one, and the next search reads again.
            *kept = (version, Arc::new(Directory::build(keys)));
        }
        Ok(Arc::clone(&kept.1))
    }
}
