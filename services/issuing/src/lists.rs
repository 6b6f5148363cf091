//! Revocation lists: made in time, and put where they are read.

use audit::Event;
use issuance::Revoked;
use model::Timestamp;
use registry::{Commit, IssuingChange, ListRow, RegistryError};

use crate::{DAY, Issuing, Kind, Refused};

/// A list counts for so long; whoever verifies may want them younger (`pki::DEFAULT_MAX_CRL_AGE`).
const COUNTS: i64 = 7 * DAY;
/// A list older than this is made anew.
const FRESH: i64 = DAY / 2;

impl Issuing {
    /// Makes lists that are missing or older than half a day, and puts the newest into the trust folder. To be called
    /// every minute or so: that is how a replica learns of what another revoked.
    ///
    /// # Errors
    /// [`Refused::Registry`], [`Refused::Authority`].
    pub async fn keep_lists(&self, now: Timestamp) -> Result<(), Refused> {
        let _one_after_the_other = self.inner.listing.lock().await;
        for kind in Kind::ALL {
            let held = self.inner.registry.revocation_list(kind.as_str()).await?;
            let age = held.as_ref().map(|list| now.unix_seconds() - list.this_update.unix_seconds());
            match (held, age) {
                (Some(list), Some(age)) if (0..FRESH).contains(&age) => self.put(kind, &list.der)?,
                _ => match self.list_with(now, kind, None, Commit::at(now)).await {
                    // Another replica made it; it is put at the next turn.
                    Ok(()) | Err(Refused::Registry(RegistryError::Stale { .. })) => {}
                    Err(refused) => return Err(refused),
                },
            }
        }
        Ok(())
    }

    /// The newest list of an authority, DER.
    ///
    /// # Errors
    /// [`Refused::Registry`].
    pub async fn list(&self, kind: Kind) -> Result<Option<Vec<u8>>, Refused> {
        Ok(self.inner.registry.revocation_list(kind.as_str()).await?.map(|list| list.der))
    }

    /// Commits a change together with the list that follows from it.
    pub(crate) async fn list_with(
        &self,
        now: Timestamp,
        kind: Kind,
        also: Option<(String, Timestamp, u8)>,
        commit: Commit,
    ) -> Result<(), Refused> {
        let registry = &self.inner.registry;
        let before = registry.revocation_list(kind.as_str()).await?;
        let number = before.map_or(0, |list| list.number) + 1;
        let revoked = registry.revoked(kind.as_str(), now).await?;
        let mut entries = Vec::new();
        for (serial, at, reason) in revoked.into_iter().chain(also) {
            let serial = hex::decode(&serial).map_err(|e| Refused::inner(format!("serial {serial}: {e}")))?;
            entries.push(Revoked { serial, at: at.unix_seconds(), reason });
        }
        entries.sort_by(|a, b| a.serial.cmp(&b.serial));
        let (begin, end) = (now.unix_seconds(), now.unix_seconds() + COUNTS);
        let der = self.authority(kind).list(number, begin, end, &entries)?;
        let next_update = Timestamp::from_unix_seconds(end);
        let event = Event::RevocationListIssued {
            kind: kind.as_str().to_owned(),
            number,
            revoked: entries.len() as u64,
            next_update,
        };
        let row = ListRow {
            authority: kind.as_str().to_owned(),
            number,
            this_update: Timestamp::from_unix_seconds(begin),
            next_update,
            der: der.clone(),
        };
        registry.commit(commit.issuing(IssuingChange::List(row)).event(event)).await?;
        self.put(kind, &der)
    }

    fn put(&self, kind: Kind, der: &[u8]) -> Result<(), Refused> {
        match &self.inner.settings.trust {
            Some(trust) => self.authority(kind).publish(trust, "crl", der),
            None => Ok(()),
        }
    }
}
