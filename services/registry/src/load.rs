//! Everything a center needs at its start, from one moment.

use audit::Head;
use model::{GrantId, Network, SiteId, SiteState};
use sqlx::Row;
use std::collections::BTreeMap;

use crate::commit::head_of;
use crate::connections::{Connection, ConnectionQuery, select};
use crate::kept::{Shelf, kept};
use crate::site_states::fold;
use crate::{Registry, RegistryError};

/// What the registry holds. Plain values: `verify` proves them again before anybody believes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The applied network; empty if none ever was.
    pub network: Network,
    /// Latest state of every site.
    pub sites: BTreeMap<SiteId, SiteState>,
    /// Connections that are not over, by grant.
    pub live: BTreeMap<GrantId, Connection>,
    /// What was kept, by shelf and number.
    pub kept: BTreeMap<(Shelf, u64), String>,
    /// End of the audit log.
    pub head: Head,
    /// True if the machine went down with the center running and [`crate::Durability::Process`]: the last commits may
    /// be missing, so a gate may hold a later generation than is known here.
    pub tail_at_risk: bool,
}

impl Registry {
    /// Loads.
    ///
    /// # Errors
    /// [`RegistryError`]; `Corrupt` if something does not fit together.
    pub async fn load(&self) -> Result<Loaded, RegistryError> {
        let database = &self.database;
        let mut tx = database.read().await?;
        let network = sqlx::query("SELECT document FROM network WHERE id = 1")
            .fetch_optional(&mut *tx)
            .await
            .map_err(|e| database.error(e))?;
        let network = match network {
            Some(row) => {
                let text: String = row.try_get(0).map_err(|e| database.error(e))?;
                serde_json::from_str(&text).map_err(|e| database.corrupt(format!("the network: {e}")))?
            }
            None => Network::default(),
        };
        let names = sqlx::query("SELECT site FROM site ORDER BY site")
            .fetch_all(&mut *tx)
            .await
            .map_err(|e| database.error(e))?;
        let mut sites = BTreeMap::new();
        for row in &names {
            let name: String = row.try_get(0).map_err(|e| database.error(e))?;
            let site: SiteId = name.parse().map_err(|e| database.corrupt(e))?;
            if let Some(folded) = fold(database, &mut tx, &site).await? {
                self.growth.known(&site, folded.snapshot_bytes, folded.delta_bytes);
                sites.insert(site, folded.state);
            }
        }
        let mut live = BTreeMap::new();
        let mut page = ConnectionQuery::live();
        loop {
            let rows = select(database, &mut *tx, &page).await?;
            let Some(last) = rows.last() else { break };
            page.after = Some(last.grant.id);
            live.extend(rows.into_iter().map(|c| (c.grant.id, c)));
        }
        let kept = kept(database, &mut tx).await?;
        let row = sqlx::query("SELECT seq, hash FROM audit_head WHERE id = 1")
            .fetch_one(&mut *tx)
            .await
            .map_err(|e| database.error(e))?;
        Ok(Loaded { network, sites, live, kept, head: head_of(database, &row)?, tail_at_risk: database.tail_at_risk })
    }
}
