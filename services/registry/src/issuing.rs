//! What the center's certification authorities offered, issued and revoked (R10, G1, G12).

use audit::Digest;
use model::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use crate::change::Commit;
use crate::database::Database;
use crate::{Registry, RegistryError};

/// Tables; a step of `schema`.
pub(crate) const TABLES: &str = "
CREATE TABLE enrolment (
    code TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    organization TEXT NOT NULL,
    dns_names TEXT NOT NULL,
    offered_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    serial TEXT
);
CREATE INDEX enrolment_by_identity ON enrolment (identity, expires_at);
CREATE TABLE certificate (
    authority TEXT NOT NULL,
    serial TEXT NOT NULL,
    identity TEXT NOT NULL,
    organization TEXT NOT NULL,
    key_digest TEXT NOT NULL,
    der TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    revoked_at BIGINT,
    reason BIGINT,
    PRIMARY KEY (authority, serial)
);
CREATE INDEX certificate_by_identity ON certificate (identity, issued_at);
CREATE INDEX certificate_revoked ON certificate (authority, not_after) WHERE revoked_at IS NOT NULL;
CREATE TABLE revocation_list (
    authority TEXT PRIMARY KEY,
    number BIGINT NOT NULL,
    this_update BIGINT NOT NULL,
    next_update BIGINT NOT NULL,
    der TEXT NOT NULL
);
";

/// A certificate that may be fetched once by whoever knows the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// SHA-256 of the code; the code itself is nowhere.
    pub code: Digest,
    /// The identity the certificate will carry.
    pub identity: String,
    /// Name of the institution in the certificate.
    pub organization: String,
    /// DNS names in the certificate.
    pub dns_names: Vec<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// Serial number of what was issued for it.
    pub serial: Option<String>,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRow {
    /// Which authority issued it, e.g. `service`.
    pub authority: String,
    /// Serial number, lower-case hexadecimal without leading zero octets.
    pub serial: String,
    /// Its identity.
    pub identity: String,
    /// Name of the institution in it.
    pub organization: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key: Digest,
    /// The certificate.
    pub der: Vec<u8>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was revoked, and the code of RFC 5280 §5.3.1.
    pub revoked: Option<(Timestamp, u8)>,
}

/// The newest revocation list of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// Which authority.
    pub authority: String,
    /// cRLNumber.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// Until when it counts.
    pub next_update: Timestamp,
    /// The list.
    pub der: Vec<u8>,
}

/// A step of the authorities, part of a [`Commit`].
#[derive(Debug, Clone)]
pub enum IssuingChange {
    /// A code was handed out.
    Offer(Enrolment),
    /// A certificate was issued; with a code, which is used up by it and must still be good.
    Issue {
        /// The certificate.
        certificate: CertificateRow,
        /// SHA-256 of the code.
        code: Option<Digest>,
    },
    /// A certificate that is not revoked yet is.
    Revoke {
        /// Which authority.
        authority: String,
        /// Serial number.
        serial: String,
        /// Code of RFC 5280 §5.3.1.
        reason: u8,
    },
    /// A list follows the one before it.
    List(ListRow),
}

impl Commit {
    /// A step of the certification authorities.
    pub fn issuing(mut self, change: IssuingChange) -> Self {
        self.issuing.push(change);
        self
    }
}

pub(crate) async fn write(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    change: &IssuingChange,
    at: i64,
) -> Result<(), RegistryError> {
    let (statement, what) = match change {
        IssuingChange::Offer(offer) => (
            sqlx::query(
                "INSERT INTO enrolment (code, identity, organization, dns_names, offered_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            )
            .bind(offer.code.to_string())
            .bind(offer.identity.as_str())
            .bind(offer.organization.as_str())
            .bind(offer.dns_names.join(" "))
            .bind(at)
            .bind(offer.expires_at.0),
            "this code was handed out before",
        ),
        IssuingChange::Issue { certificate, code } => {
            if let Some(code) = code {
                let used = sqlx::query(
                    "UPDATE enrolment SET used_at = $2, serial = $3
                     WHERE code = $1 AND used_at IS NULL AND expires_at > $2 AND identity = $4",
                )
                .bind(code.to_string())
                .bind(at)
                .bind(certificate.serial.as_str())
                .bind(certificate.identity.as_str());
                one(database, tx, used, "the code was used in the meantime").await?;
            }
            (
                sqlx::query(
                    "INSERT INTO certificate
                         (authority, serial, identity, organization, key_digest, der, issued_at, not_after)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                )
                .bind(certificate.authority.as_str())
                .bind(certificate.serial.as_str())
                .bind(certificate.identity.as_str())
                .bind(certificate.organization.as_str())
                .bind(certificate.key.to_string())
                .bind(hex::encode(&certificate.der))
                .bind(certificate.issued_at.0)
                .bind(certificate.not_after.0),
                "this serial number was given before",
            )
        }
        IssuingChange::Revoke { authority, serial, reason } => (
            sqlx::query(
                "UPDATE certificate SET revoked_at = $3, reason = $4
                 WHERE authority = $1 AND serial = $2 AND revoked_at IS NULL",
            )
            .bind(authority.as_str())
            .bind(serial.as_str())
            .bind(at)
            .bind(i64::from(*reason)),
            "the certificate was revoked in the meantime",
        ),
        IssuingChange::List(list) => {
            let number = i64::try_from(list.number).map_err(|e| database.corrupt(e))?;
            (
                sqlx::query(
                    "INSERT INTO revocation_list (authority, number, this_update, next_update, der)
                     VALUES ($1, $2, $3, $4, $5)
                     ON CONFLICT (authority) DO UPDATE SET number = $2, this_update = $3, next_update = $4, der = $5
                     WHERE revocation_list.number = $2 - 1",
                )
                .bind(list.authority.as_str())
                .bind(number)
                .bind(list.this_update.0)
                .bind(list.next_update.0)
                .bind(hex::encode(&list.der)),
                "another list was issued in the meantime",
            )
        }
    };
    one(database, tx, statement, what).await
}

type Statement<'q> = sqlx::query::Query<'q, Any, sqlx::any::AnyArguments>;

async fn one(
    database: &Database,
    tx: &mut Transaction<'_, Any>,
    statement: Statement<'_>,
    what: &str,
) -> Result<(), RegistryError> {
    let done = statement.execute(&mut **tx).await.map_err(|e| database.error(e))?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(RegistryError::Stale { what: what.to_owned() }) }
}

const CERTIFICATE: &str = "SELECT authority, serial, identity, organization, key_digest, der, issued_at, not_after, \
                           revoked_at, reason FROM certificate";

impl Registry {
    /// What was offered for a code, by its SHA-256.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn enrolment(&self, code: Digest) -> Result<Option<Enrolment>, RegistryError> {
        let row = sqlx::query(
            "SELECT code, identity, organization, expires_at, used_at, serial, dns_names FROM enrolment WHERE code = $1",
        )
        .bind(code.to_string())
        .fetch_optional(self.database.readers())
        .await
        .map_err(|e| self.database.error(e))?;
        let Some(row) = row else { return Ok(None) };
        let error = |e| self.database.error(e);
        let code: String = row.try_get(0).map_err(error)?;
        let names: String = row.try_get(6).map_err(error)?;
        Ok(Some(Enrolment {
            code: code.parse().map_err(|e| self.database.corrupt(e))?,
            identity: row.try_get(1).map_err(error)?,
            organization: row.try_get(2).map_err(error)?,
            dns_names: names.split_whitespace().map(str::to_owned).collect(),
            expires_at: Timestamp(row.try_get(3).map_err(error)?),
            used_at: row.try_get::<Option<i64>, _>(4).map_err(error)?.map(Timestamp),
            serial: row.try_get(5).map_err(error)?,
        }))
    }

    /// A certificate by authority and serial number.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn certificate(&self, authority: &str, serial: &str) -> Result<Option<CertificateRow>, RegistryError> {
        let text = format!("{CERTIFICATE} WHERE authority = $1 AND serial = $2");
        Ok(self.certificates_of(text, [authority, serial]).await?.pop())
    }

    /// Every certificate that was issued to an identity, oldest first.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn certificates(&self, identity: &str) -> Result<Vec<CertificateRow>, RegistryError> {
        self.certificates_of(
            format!("{CERTIFICATE} WHERE identity = $1 AND $2 = '' ORDER BY issued_at"),
            [identity, ""],
        )
        .await
    }

    /// Serial number, time and reason of every revoked certificate of an authority that is not past its validity at
    /// `now` (RFC 5280 §3.3: an entry stays at least until then).
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn revoked(
        &self,
        authority: &str,
        now: Timestamp,
    ) -> Result<Vec<(String, Timestamp, u8)>, RegistryError> {
        let rows = sqlx::query(
            "SELECT serial, revoked_at, reason FROM certificate
             WHERE authority = $1 AND revoked_at IS NOT NULL AND not_after >= $2 ORDER BY serial",
        )
        .bind(authority)
        .bind(now.0)
        .fetch_all(self.database.readers())
        .await
        .map_err(|e| self.database.error(e))?;
        let error = |e| self.database.error(e);
        rows.iter()
            .map(|row| {
                let reason: i64 = row.try_get::<Option<i64>, _>(2).map_err(error)?.unwrap_or(0);
                let at = Timestamp(row.try_get(1).map_err(error)?);
                Ok((row.try_get(0).map_err(error)?, at, self.reason(reason)?))
            })
            .collect()
    }

    /// The newest list of an authority.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn revocation_list(&self, authority: &str) -> Result<Option<ListRow>, RegistryError> {
        let row = sqlx::query(
            "SELECT authority, number, this_update, next_update, der FROM revocation_list WHERE authority = $1",
        )
        .bind(authority)
        .fetch_optional(self.database.readers())
        .await
        .map_err(|e| self.database.error(e))?;
        let Some(row) = row else { return Ok(None) };
        let error = |e| self.database.error(e);
        let number: i64 = row.try_get(1).map_err(error)?;
        let der: String = row.try_get(4).map_err(error)?;
        Ok(Some(ListRow {
            authority: row.try_get(0).map_err(error)?,
            number: u64::try_from(number).map_err(|e| self.database.corrupt(e))?,
            this_update: Timestamp(row.try_get(2).map_err(error)?),
            next_update: Timestamp(row.try_get(3).map_err(error)?),
            der: hex::decode(der).map_err(|e| self.database.corrupt(e))?,
        }))
    }

    async fn certificates_of(&self, text: String, values: [&str; 2]) -> Result<Vec<CertificateRow>, RegistryError> {
        // Only the fixed texts above come in here.
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(values[0].to_owned()).bind(values[1].to_owned());
        let rows = query.fetch_all(self.database.readers()).await.map_err(|e| self.database.error(e))?;
        rows.iter().map(|row| self.certificate_row(row)).collect()
    }

    fn certificate_row(&self, row: &AnyRow) -> Result<CertificateRow, RegistryError> {
        let error = |e| self.database.error(e);
        let text = |i: usize| row.try_get::<String, _>(i).map_err(error);
        let revoked = match row.try_get::<Option<i64>, _>(8).map_err(error)? {
            Some(at) => {
                let reason = row.try_get::<Option<i64>, _>(9).map_err(error)?.unwrap_or(0);
                Some((Timestamp(at), self.reason(reason)?))
            }
            None => None,
        };
        Ok(CertificateRow {
            authority: text(0)?,
            serial: text(1)?,
            identity: text(2)?,
            organization: text(3)?,
            key: text(4)?.parse().map_err(|e| self.database.corrupt(e))?,
            der: hex::decode(text(5)?).map_err(|e| self.database.corrupt(e))?,
            issued_at: Timestamp(row.try_get(6).map_err(error)?),
            not_after: Timestamp(row.try_get(7).map_err(error)?),
            revoked,
        })
    }

    fn reason(&self, code: i64) -> Result<u8, RegistryError> {
        u8::try_from(code).map_err(|e| self.database.corrupt(e))
    }
}
