//! The directory of institutions (医療機関).

use ::joining::{Institution, InstitutionId, Prefecture};
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::database::Database;
use crate::{Registry, RegistryError};

const COLUMNS: &str = "SELECT id, code, prefecture, name, kana, address FROM institution";
/// Rows in one statement.
const AT_ONCE: usize = 100;

impl Registry {
    /// An institution.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn institution(&self, id: InstitutionId) -> Result<Option<Institution>, RegistryError> {
        Ok(self.institutions_by_id(&[id]).await?.into_iter().next())
    }

    /// Institutions by their numbers, in the order asked; who is not there is left out.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn institutions_by_id(&self, ids: &[InstitutionId]) -> Result<Vec<Institution>, RegistryError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=ids.len()).map(|i| format!("${i}")).collect();
        let statement = format!("{COLUMNS} WHERE id IN ({})", places.join(", "));
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
        for id in ids {
            query = query.bind(id.0);
        }
        let rows = query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?;
        let mut found = rows.iter().map(|row| institution(&self.database, row)).collect::<Result<Vec<_>, _>>()?;
        found.sort_by_key(|i| ids.iter().position(|id| *id == i.id));
        Ok(found)
    }

    /// Institutions by number, after one, at most `limit`.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn institutions_after(
        &self,
        after: InstitutionId,
        limit: u32,
    ) -> Result<Vec<Institution>, RegistryError> {
        let statement = format!("{COLUMNS} WHERE id > $1 ORDER BY id LIMIT $2");
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(after.0).bind(i64::from(limit));
        let rows = query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?;
        rows.iter().map(|row| institution(&self.database, row)).collect()
    }

    /// How often the directory was changed; who keeps a copy of it asks this.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn directory_version(&self) -> Result<i64, RegistryError> {
        let row = sqlx::query("SELECT value FROM counter WHERE name = 'directory'")
            .fetch_one(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        row.try_get(0).map_err(|e| self.database.error(e))
    }
}

pub(super) async fn put(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    all: &[Institution],
) -> Result<(), RegistryError> {
    for some in all.chunks(AT_ONCE) {
        let row = |r: usize| {
            let values: Vec<String> = (1..=6).map(|c| format!("${}", r * 6 + c)).collect();
            format!("({})", values.join(", "))
        };
        let places: Vec<String> = (0..some.len()).map(row).collect();
        let statement = format!(
            "INSERT INTO institution (id, code, prefecture, name, kana, address) VALUES {}
             ON CONFLICT (id) DO UPDATE SET code = excluded.code, prefecture = excluded.prefecture,
                 name = excluded.name, kana = excluded.kana, address = excluded.address",
            places.join(", ")
        );
        // Only places of values are put into the text.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
        for one in some {
            query = query
                .bind(one.id.0)
                .bind(one.code.as_str())
                .bind(i64::from(one.prefecture.number()))
                .bind(one.name.as_str())
                .bind(one.kana.as_str())
                .bind(one.address.as_str());
        }
        query.execute(&mut **tx).await.map_err(|e| database.error(e))?;
    }
    sqlx::query("UPDATE counter SET value = value + 1 WHERE name = 'directory'")
        .execute(&mut **tx)
        .await
        .map_err(|e| database.error(e))?;
    Ok(())
}

fn institution(database: &Database, row: &AnyRow) -> Result<Institution, RegistryError> {
    let text = |i: usize| row.try_get::<String, _>(i).map_err(|e| database.error(e));
    let prefecture: i64 = row.try_get(2).map_err(|e| database.error(e))?;
    let prefecture = u8::try_from(prefecture).ok().and_then(Prefecture::new);
    Ok(Institution {
        id: InstitutionId(row.try_get(0).map_err(|e| database.error(e))?),
        code: text(1)?,
        prefecture: prefecture.ok_or_else(|| database.corrupt("the prefecture of an institution"))?,
        name: text(3)?,
        kana: text(4)?,
        address: text(5)?,
    })
}
