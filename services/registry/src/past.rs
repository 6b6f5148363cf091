//! Earlier states of a site, as far back as its deltas reach.

use model::{Generation, SiteDelta, SiteId, SiteState};
use sqlx::Row;

use crate::site_states::number;
use crate::{Registry, RegistryError};

/// An earlier state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// As it was.
    Kept(Box<SiteState>),
    /// Its deltas were folded into a snapshot; earlier ones are gone.
    Folded {
        /// First generation that can still be made again.
        kept_from: Generation,
    },
    /// The site never came so far.
    Never,
}

const UNTIL: &str = "SELECT generation, delta FROM site_delta \
                     WHERE site = $1 AND generation > $2 AND generation <= $3 ORDER BY generation";

impl Registry {
    /// A site's state at a generation.
    ///
    /// # Errors
    /// [`RegistryError`]; `Corrupt` if snapshot and deltas do not fit together.
    pub async fn site_state_at(&self, site: &SiteId, generation: Generation) -> Result<Past, RegistryError> {
        let database = &self.database;
        let failed = |e| database.error(e);
        let damaged = |what: String| database.corrupt(format!("site {site}: {what}"));
        let mut tx = database.read().await?;
        let snapshot = sqlx::query("SELECT state FROM site_snapshot WHERE site = $1")
            .bind(site.as_str())
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed)?;
        let mut state: Option<SiteState> = match snapshot {
            Some(row) => {
                let text: String = row.try_get(0).map_err(failed)?;
                Some(serde_json::from_str(&text).map_err(|e| damaged(format!("snapshot: {e}")))?)
            }
            None => None,
        };
        if let Some(kept) = state.as_ref().filter(|s| s.generation > generation) {
            return Ok(Past::Folded { kept_from: kept.generation });
        }
        let from = number(database, state.as_ref().map_or(Generation(0), |s| s.generation))?;
        let query = sqlx::query(UNTIL).bind(site.as_str()).bind(from).bind(number(database, generation)?);
        for row in &query.fetch_all(&mut *tx).await.map_err(failed)? {
            let text: String = row.try_get(1).map_err(failed)?;
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
        Ok(match state.filter(|s| s.generation == generation) {
            Some(state) => Past::Kept(Box::new(state)),
            None => Past::Never,
        })
    }
}
