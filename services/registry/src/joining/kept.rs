//! Nouns that are kept as rows, and how they are read.

use ::joining::{Account, ApiToken, Application, Member, Notice, Proposal, ServiceApplication, SiteDraft};
use model::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::database::Database;
use crate::{Registry, RegistryError};

/// The tables of nouns. All have the same columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Applications to join.
    Application,
    /// Accounts; the number is the user ID.
    Account,
    /// Applications for a service.
    ServiceApplication,
    /// Notices.
    Notice,
    /// Submissions of report files (R12).
    Submission,
    /// Institutions of the directory and their ids in the network; the number is the institution's.
    Member,
    /// Sites that were proposed.
    Site,
    /// Agreements that were proposed.
    Proposal,
    /// Tokens for programs.
    Token,
    /// Devices (G1); the number is the device id's.
    Equipment,
}

impl Table {
    /// Its name in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Application => "join_application",
            Self::Account => "join_account",
            Self::ServiceApplication => "join_service",
            Self::Notice => "join_notice",
            Self::Submission => "join_submission",
            Self::Member => "join_member",
            Self::Site => "join_site",
            Self::Proposal => "join_proposal",
            Self::Token => "join_token",
            Self::Equipment => "equipment",
        }
    }
}

/// A noun that is kept as one row.
pub trait Kept: Serialize + DeserializeOwned {
    /// Where.
    const TABLE: Table;
    /// The state it is in; rows are listed by it.
    fn state(&self) -> String;
    /// The number of what it belongs to, mostly an institution; rows are listed by it.
    fn owner(&self) -> Option<i64>;
    /// A text it is looked up by.
    fn name(&self) -> Option<String>;
    /// Lists are in this order.
    fn at(&self) -> Timestamp;
}

impl Kept for Application {
    const TABLE: Table = Table::Application;
    fn state(&self) -> String {
        self.stand.as_str().to_owned()
    }
    fn owner(&self) -> Option<i64> {
        self.institution().map(|i| i.0)
    }
    /// The mail address, as limits count it.
    fn name(&self) -> Option<String> {
        Some(self.mail.key())
    }
    fn at(&self) -> Timestamp {
        self.submitted_at.unwrap_or(self.begun_at)
    }
}

impl Kept for Account {
    const TABLE: Table = Table::Account;
    fn state(&self) -> String {
        match self.state {
            ::joining::AccountState::Active => "active",
            ::joining::AccountState::Suspended => "suspended",
            ::joining::AccountState::Removed => "removed",
        }
        .to_owned()
    }
    fn owner(&self) -> Option<i64> {
        Some(self.institution.0)
    }
    /// The VPN-ID.
    fn name(&self) -> Option<String> {
        Some(self.vpn.as_str().to_owned())
    }
    fn at(&self) -> Timestamp {
        self.made_at
    }
}

impl Kept for ServiceApplication {
    const TABLE: Table = Table::ServiceApplication;
    fn state(&self) -> String {
        self.stand.as_str().to_owned()
    }
    fn owner(&self) -> Option<i64> {
        Some(self.institution.0)
    }
    /// Institution and service while it lives, so that there is one at a time.
    fn name(&self) -> Option<String> {
        self.is_live().then(|| format!("{}/{}", self.institution.0, self.service))
    }
    fn at(&self) -> Timestamp {
        self.at
    }
}

impl Kept for Notice {
    const TABLE: Table = Table::Notice;
    fn state(&self) -> String {
        "published".to_owned()
    }
    fn owner(&self) -> Option<i64> {
        None
    }
    fn name(&self) -> Option<String> {
        None
    }
    fn at(&self) -> Timestamp {
        self.from
    }
}

impl Kept for Member {
    const TABLE: Table = Table::Member;
    fn state(&self) -> String {
        "named".to_owned()
    }
    fn owner(&self) -> Option<i64> {
        Some(self.institution.0)
    }
    /// The id in the network, so that nobody has another's.
    fn name(&self) -> Option<String> {
        Some(self.network.to_string())
    }
    fn at(&self) -> Timestamp {
        self.at
    }
}

impl Kept for SiteDraft {
    const TABLE: Table = Table::Site;
    fn state(&self) -> String {
        self.stand.as_str().to_owned()
    }
    fn owner(&self) -> Option<i64> {
        Some(self.institution.0)
    }
    /// The site while it waits or is in the network, so that there is one at a time.
    fn name(&self) -> Option<String> {
        self.stand.is_live().then(|| self.blueprint.id.to_string())
    }
    fn at(&self) -> Timestamp {
        self.at
    }
}

impl Kept for Proposal {
    const TABLE: Table = Table::Proposal;
    fn state(&self) -> String {
        self.stand.as_str().to_owned()
    }
    fn owner(&self) -> Option<i64> {
        Some(self.institution.0)
    }
    /// The agreement's number while it lives, so that there is one at a time.
    fn name(&self) -> Option<String> {
        self.stand.is_live().then(|| self.agreement.id.to_string())
    }
    fn at(&self) -> Timestamp {
        self.at
    }
}

impl Kept for ApiToken {
    const TABLE: Table = Table::Token;
    fn state(&self) -> String {
        if self.revoked_at.is_some() { "revoked" } else { "given" }.to_owned()
    }
    /// The account.
    fn owner(&self) -> Option<i64> {
        Some(i64::from(self.user.number()))
    }
    /// What is stored of it.
    fn name(&self) -> Option<String> {
        Some(self.hash.as_str().to_owned())
    }
    fn at(&self) -> Timestamp {
        self.made_at
    }
}

impl Kept for ::equipment::Device {
    const TABLE: Table = Table::Equipment;
    fn state(&self) -> String {
        self.stand.as_str().to_owned()
    }
    /// The site it stands at, as a number: [`Registry::devices_at`] looks at the site itself besides.
    fn owner(&self) -> Option<i64> {
        self.site.as_ref().map(site_number)
    }
    /// Its element's key while it lives: an element is in one device.
    fn name(&self) -> Option<String> {
        self.stand.is_live().then(|| self.information.device.element.key.to_string())
    }
    fn at(&self) -> Timestamp {
        self.taken_at
    }
}

/// The columns of all nouns are the same, and an owner is a number.
fn site_number(site: &model::SiteId) -> i64 {
    let audit::Digest(octets) = audit::Digest::of(site.as_str().as_bytes());
    octets[..7].iter().fold(0, |number, octet| number << 8 | i64::from(*octet))
}

impl Registry {
    /// Devices at a site, revoked ones too, oldest first.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn devices_at(&self, site: &model::SiteId) -> Result<Vec<Record<::equipment::Device>>, RegistryError> {
        let mut found = self.kept_of::<::equipment::Device>(site_number(site), Page::first(1000)).await?;
        found.retain(|device| device.value.site.as_ref() == Some(site));
        Ok(found)
    }
}

/// A row, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<T> {
    /// Its number.
    pub id: i64,
    /// How often it was changed; a change names the one it starts from.
    pub version: i64,
    /// The noun.
    pub value: T,
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// After this row: its time and number; from the beginning if absent.
    pub after: Option<(Timestamp, i64)>,
    /// At most so many.
    pub limit: u32,
}

impl Page {
    /// The first so many.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    fn from(&self) -> (i64, i64) {
        self.after.map_or((i64::MIN, i64::MIN), |(at, id)| (at.0, id))
    }
}

impl Registry {
    /// A row by its number.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn kept<T: Kept>(&self, id: i64) -> Result<Option<Record<T>>, RegistryError> {
        let statement = format!("SELECT id, version, document FROM {} WHERE id = $1", T::TABLE.as_str());
        let row = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(id)
            .fetch_optional(self.database.readers())
            .await
            .map_err(|e| self.database.error(e))?;
        row.as_ref().map(|row| record(&self.database, row)).transpose()
    }

    /// Rows with this name, newest last.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn kept_named<T: Kept>(&self, name: &str) -> Result<Vec<Record<T>>, RegistryError> {
        let statement = format!(
            "SELECT id, version, document FROM {} WHERE name = $1 ORDER BY at, id LIMIT 1000",
            T::TABLE.as_str()
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(name);
        records(&self.database, query.fetch_all(self.database.readers()).await)
    }

    /// Rows in this state, oldest first.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn kept_in<T: Kept>(&self, state: &str, page: Page) -> Result<Vec<Record<T>>, RegistryError> {
        let statement = format!(
            "SELECT id, version, document FROM {} WHERE state = $1 AND (at > $2 OR (at = $2 AND id > $3))
             ORDER BY at, id LIMIT $4",
            T::TABLE.as_str()
        );
        let (at, id) = page.from();
        let query =
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(state).bind(at).bind(id).bind(i64::from(page.limit));
        records(&self.database, query.fetch_all(self.database.readers()).await)
    }

    /// Rows that belong to a number, oldest first.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn kept_of<T: Kept>(&self, owner: i64, page: Page) -> Result<Vec<Record<T>>, RegistryError> {
        let statement = format!(
            "SELECT id, version, document FROM {} WHERE owner = $1 AND (at > $2 OR (at = $2 AND id > $3))
             ORDER BY at, id LIMIT $4",
            T::TABLE.as_str()
        );
        let (at, id) = page.from();
        let query =
            sqlx::query(sqlx::AssertSqlSafe(statement)).bind(owner).bind(at).bind(id).bind(i64::from(page.limit));
        records(&self.database, query.fetch_all(self.database.readers()).await)
    }

    /// How many rows that belong to a number are in this state.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn kept_count<T: Kept>(&self, owner: i64, state: &str) -> Result<u64, RegistryError> {
        let statement = format!("SELECT COUNT(*) FROM {} WHERE owner = $1 AND state = $2", T::TABLE.as_str());
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(owner).bind(state);
        let row = query.fetch_one(self.database.readers()).await.map_err(|e| self.database.error(e))?;
        let count: i64 = row.try_get(0).map_err(|e| self.database.error(e))?;
        Ok(count.unsigned_abs())
    }

    /// The last rows in this state, newest first.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn kept_last<T: Kept>(&self, state: &str, limit: u32) -> Result<Vec<Record<T>>, RegistryError> {
        let statement = format!(
            "SELECT id, version, document FROM {} WHERE state = $1 ORDER BY at DESC, id DESC LIMIT $2",
            T::TABLE.as_str()
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(state).bind(i64::from(limit));
        records(&self.database, query.fetch_all(self.database.readers()).await)
    }

    /// All rows, oldest first.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn kept_all<T: Kept>(&self, page: Page) -> Result<Vec<Record<T>>, RegistryError> {
        let statement = format!(
            "SELECT id, version, document FROM {} WHERE at > $1 OR (at = $1 AND id > $2) ORDER BY at, id LIMIT $3",
            T::TABLE.as_str()
        );
        let (at, id) = page.from();
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(at).bind(id).bind(i64::from(page.limit));
        records(&self.database, query.fetch_all(self.database.readers()).await)
    }
}

fn records<T: Kept>(
    database: &Database,
    rows: Result<Vec<AnyRow>, sqlx::Error>,
) -> Result<Vec<Record<T>>, RegistryError> {
    rows.map_err(|e| database.error(e))?.iter().map(|row| record(database, row)).collect()
}

fn record<T: Kept>(database: &Database, row: &AnyRow) -> Result<Record<T>, RegistryError> {
    let id: i64 = row.try_get(0).map_err(|e| database.error(e))?;
    let version: i64 = row.try_get(1).map_err(|e| database.error(e))?;
    let document: String = row.try_get(2).map_err(|e| database.error(e))?;
    let document = database.opened(T::TABLE.as_str(), &id, document)?;
    let value =
        serde_json::from_str(&document).map_err(|e| database.corrupt(format!("{} {id}: {e}", T::TABLE.as_str())))?;
    Ok(Record { id, version, value })
}
