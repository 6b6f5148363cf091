//! The wanted state of a site: a snapshot and the deltas since, so that a commit costs what it changes.

use model::{Generation, SiteDelta, SiteId, SiteState};
use sqlx::{Any, Row, Transaction};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::database::Database;
use crate::{Registry, RegistryError};

/// Commits between two checkpoints of the write-ahead log.
const CHECKPOINT_EVERY: u32 = 512;

/// What grew since it was last folded; decides when maintenance is due.
#[derive(Debug)]
pub(crate) struct Growth {
    threshold: u64,
    sites: Mutex<BTreeMap<SiteId, Size>>,
    commits: AtomicU32,
}

#[derive(Debug, Default, Clone, Copy)]
struct Size {
    snapshot: u64,
    deltas: u64,
    folding: bool,
}

impl Growth {
    pub(crate) fn new(threshold: u64) -> Self {
        Self { threshold, sites: Mutex::default(), commits: AtomicU32::new(0) }
    }

    fn with<T>(&self, site: &SiteId, f: impl FnOnce(&mut Size) -> T) -> T {
        let mut sites = self.sites.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        f(sites.entry(site.clone()).or_default())
    }

    pub(crate) fn known(&self, site: &SiteId, snapshot: u64, deltas: u64) {
        self.with(site, |size| (size.snapshot, size.deltas) = (snapshot, deltas));
    }

    /// Adds a delta; true if the site should be folded now. Folding when deltas outweigh twice the snapshot keeps its
    /// cost, spread over the commits between, in proportion to what they changed.
    fn add(&self, site: &SiteId, bytes: u64) -> bool {
        self.with(site, |size| {
            size.deltas += bytes;
            let due = !size.folding && size.deltas > self.threshold.max(size.snapshot * 2);
            size.folding |= due;
            due
        })
    }
}

impl Registry {
    /// A site's latest state; nothing if no plan ever touched it.
    ///
    /// # Errors
    /// [`RegistryError`]; `Corrupt` if snapshot and deltas do not fit together.
    pub async fn site_state(&self, site: &SiteId) -> Result<Option<SiteState>, RegistryError> {
        let mut tx = self.database.read().await?;
        Ok(fold(&self.database, &mut tx, site).await?.map(|folded| folded.state))
    }

    /// Folds a site's deltas into its snapshot. Happens by itself when they have grown; changes no state.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn compact(&self, site: &SiteId) -> Result<(), RegistryError> {
        let database = &self.database;
        let mut tx = database.read().await?;
        let Some(folded) = fold(database, &mut tx, site).await? else { return Ok(()) };
        drop(tx);
        let generation = number(database, folded.state.generation)?;
        let text = tokio::task::spawn_blocking(move || serde_json::to_string(&folded.state))
            .await
            .map_err(|e| RegistryError::Inconsistent(e.to_string()))?
            .map_err(|e| RegistryError::Inconsistent(e.to_string()))?;
        let bytes = text.len() as u64;
        let mut writer = database.writer().await?;
        let written = async {
            let mut tx = writer.begin().await?;
            // Another replica may have folded further meanwhile; its snapshot stays.
            sqlx::query(
                "INSERT INTO site_snapshot (site, generation, state) VALUES ($1, $2, $3)
                 ON CONFLICT (site) DO UPDATE SET generation = $2, state = $3 WHERE site_snapshot.generation < $2",
            )
            .bind(site.as_str())
            .bind(generation)
            .bind(text)
            .execute(&mut *tx)
            .await
            .map_err(|e| database.error(e))?;
            sqlx::query("DELETE FROM site_delta WHERE site = $1 AND generation <= $2")
                .bind(site.as_str())
                .bind(generation)
                .execute(&mut *tx)
                .await
                .map_err(|e| database.error(e))?;
            tx.commit().await.map_err(|e| database.error(e))
        };
        if let Err(error) = written.await {
            writer.discard();
            return Err(error);
        }
        // Deltas that came meanwhile are few; counting them from zero only delays the next fold a little.
        self.growth.known(site, bytes, 0);
        Ok(())
    }

    /// Takes note of a commit and starts what is due, beside it.
    pub(crate) fn grown<'a>(&self, deltas: impl Iterator<Item = (&'a SiteId, u64)>) {
        for (site, bytes) in deltas {
            if self.growth.add(site, bytes) {
                let (registry, site) = (self.clone(), site.clone());
                tokio::spawn(async move {
                    if let Err(error) = registry.compact(&site).await {
                        // Nothing is lost: the deltas are still there, and the next commit tries again.
                        tracing::warn!(%site, %error, code = error.code(), "deltas not folded");
                    }
                    registry.growth.with(&site, |size| size.folding = false);
                });
            }
        }
        if self.growth.commits.fetch_add(1, Ordering::Relaxed) % CHECKPOINT_EVERY == CHECKPOINT_EVERY - 1 {
            let registry = self.clone();
            tokio::spawn(async move {
                if let Err(error) = registry.database.checkpoint().await {
                    tracing::warn!(%error, code = error.code(), "write-ahead log not moved into the file");
                }
            });
        }
    }
}

pub(crate) struct Folded {
    pub(crate) state: SiteState,
    pub(crate) snapshot_bytes: u64,
    pub(crate) delta_bytes: u64,
}

pub(crate) const DELTAS: &str =
    "SELECT generation, delta FROM site_delta WHERE site = $1 AND generation > $2 ORDER BY generation";

pub(crate) async fn fold(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    site: &SiteId,
) -> Result<Option<Folded>, RegistryError> {
    let failed = |e| database.error(e);
    let damaged = |what: String| database.corrupt(format!("site {site}: {what}"));
    let Some(row) = sqlx::query("SELECT generation FROM site WHERE site = $1")
        .bind(site.as_str())
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?
    else {
        return Ok(None);
    };
    let wanted: i64 = row.try_get(0).map_err(failed)?;
    let snapshot = sqlx::query("SELECT state FROM site_snapshot WHERE site = $1")
        .bind(site.as_str())
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?;
    let (mut state, snapshot_bytes) = match snapshot {
        Some(row) => {
            let text: String = row.try_get(0).map_err(failed)?;
            let state: SiteState = serde_json::from_str(&text).map_err(|e| damaged(format!("snapshot: {e}")))?;
            (Some(state), text.len() as u64)
        }
        None => (None, 0),
    };
    let from = number(database, state.as_ref().map_or(Generation(0), |s| s.generation))?;
    let rows = sqlx::query(DELTAS).bind(site.as_str()).bind(from).fetch_all(&mut **tx).await.map_err(failed)?;
    let mut delta_bytes = 0;
    for row in &rows {
        let text: String = row.try_get(1).map_err(failed)?;
        delta_bytes += text.len() as u64;
        let delta: SiteDelta = serde_json::from_str(&text).map_err(|e| damaged(format!("delta: {e}")))?;
        let base = match &mut state {
            Some(state) => state,
            None => {
                let facts = delta.facts.clone().ok_or_else(|| damaged("its first delta brings no facts".into()))?;
                state.insert(SiteState::empty(facts))
            }
        };
        base.advance(&delta).map_err(|e| damaged(e.to_string()))?;
    }
    let state = state.ok_or_else(|| damaged("neither snapshot nor delta".into()))?;
    if number(database, state.generation)? != wanted || &state.facts.site.id != site {
        return Err(damaged(format!("noted at generation {wanted}, its rows lead to {}", state.generation)));
    }
    Ok(Some(Folded { state, snapshot_bytes, delta_bytes }))
}

pub(crate) fn number(database: &Database, generation: Generation) -> Result<i64, RegistryError> {
    i64::try_from(generation.0).map_err(|_| database.corrupt(format!("generation {generation}")))
}
