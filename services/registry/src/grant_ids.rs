//! Numbers of grants, never given twice.

use model::GrantId;
use sqlx::Row;
use tokio::sync::Mutex;

use crate::{Registry, RegistryError};

/// Numbers are reserved by the block, on the disk before the first of it is given; a crash loses the rest of a block.
const BLOCK: i64 = 1024;

#[derive(Debug, Default)]
pub(crate) struct GrantIds {
    /// Next and end of the reserved block.
    reserved: Mutex<(u64, u64)>,
}

impl Registry {
    /// A number that no grant ever had, also across crashes and power losses and among replicas.
    ///
    /// # Errors
    /// [`RegistryError`] if a new block cannot be reserved.
    pub async fn next_grant_id(&self) -> Result<GrantId, RegistryError> {
        let mut reserved = self.grant_ids.reserved.lock().await;
        if reserved.0 >= reserved.1 {
            *reserved = self.reserve_block().await?;
        }
        if reserved.0 > GrantId::MAX {
            return Err(RegistryError::GrantIdsExhausted);
        }
        let id = GrantId(reserved.0);
        reserved.0 += 1;
        Ok(id)
    }

    async fn reserve_block(&self) -> Result<(u64, u64), RegistryError> {
        let database = &self.database;
        let mut writer = database.writer().await?;
        let connection = writer.get()?;
        let reserved = async {
            database.durably(connection, true).await?;
            let row = sqlx::query("UPDATE counter SET value = value + $1 WHERE name = 'grant' RETURNING value")
                .bind(BLOCK)
                .fetch_all(&mut *connection)
                .await?;
            database.durably(connection, false).await?;
            row.first().ok_or(sqlx::Error::RowNotFound)?.try_get::<i64, _>(0)
        };
        match reserved.await {
            Ok(end) => {
                let number = |n: i64| u64::try_from(n).map_err(|_| database.corrupt("negative grant number"));
                Ok((number(end - BLOCK)?, number(end)?))
            }
            Err(error) => {
                writer.discard();
                Err(database.error(error))
            }
        }
    }
}
