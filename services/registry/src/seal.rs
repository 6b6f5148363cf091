//! Documents that hold secrets, sealed at rest: accounts (password hashes, VPN passwords' hashes, secrets of authenticator
//! apps) and letters (one-time URLs that wait to be sent).
//!
//! AES-256-GCM (NIST SP 800-38D) with a key from a file that is not in the database: a copy of the database alone opens
//! nothing. A document is bound to its table and number, so that none can be put in another's place; an older state of
//! the same row could be. Columns that rows are found by stay readable: numbers, states, VPN-IDs, mail addresses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use sqlx::{AssertSqlSafe, Row};
use std::fmt;

use crate::RegistryError;
use crate::database::{Database, Kind};

/// What a sealed document begins with; a plain one is a JSON object.
const SEALED: &str = "sealed:1:";
/// Rows sealed anew at a time.
const AT_ONCE: i64 = 500;
/// Tables whose documents are sealed.
const TABLES: [&str; 2] = ["join_account", "join_letter"];

/// The keys of the file: the first seals, all of them open.
pub struct Seals {
    keys: Vec<Key>,
}

struct Key {
    /// The first eight digits of its SHA-256: tells which key, and nothing about it.
    name: String,
    key: LessSafeKey,
}

impl Seals {
    /// From the contents of the key file: a key a line, 32 octets in base 64, the present one first; `#` begins a remark.
    ///
    /// # Errors
    /// What is wrong, and how a key is made.
    pub fn read(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(Key::read).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(HOW.to_owned()) } else { Ok(Self { keys }) }
    }

    fn seal(&self, place: &str, text: &str) -> String {
        let Some(Key { name, key }) = self.keys.first() else { unreachable!("there is a key, or there are no seals") };
        let mut nonce = [0; NONCE_LEN];
        // getrandom(2) after boot cannot fail; a nonce that is not random must never be used.
        SystemRandom::new().fill(&mut nonce).expect("the kernel gives random bytes");
        let mut sealed = text.as_bytes().to_vec();
        let aad = Aad::from(place.as_bytes());
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .expect("a document is far from 64 GiB");
        let all: Vec<u8> = nonce.into_iter().chain(sealed).collect();
        format!("{SEALED}{name}:{}", BASE64.encode(all))
    }

    fn open(&self, place: &str, sealed: &str) -> Result<String, String> {
        let (name, rest) =
            sealed.strip_prefix(SEALED).and_then(|rest| rest.split_once(':')).ok_or("it is not sealed")?;
        let known = self.keys.iter().find(|key| key.name == name);
        let Key { key, .. } = known.ok_or_else(|| format!("its key {name} is not in the key file"))?;
        let mut bytes = BASE64.decode(rest).map_err(|_| "it is cut or altered")?;
        let wrong = "it is altered, or another row's";
        let nonce: [u8; NONCE_LEN] = bytes.get(..NONCE_LEN).and_then(|n| n.try_into().ok()).ok_or(wrong)?;
        let aad = Aad::from(place.as_bytes());
        let opened = key.open_within(Nonce::assume_unique_for_key(nonce), aad, &mut bytes, NONCE_LEN..);
        let opened = opened.map_err(|_| wrong)?;
        String::from_utf8(opened.to_vec()).map_err(|_| wrong.to_owned())
    }

    /// What documents sealed with the present key begin with.
    fn present(&self) -> String {
        format!("{SEALED}{}:", self.keys.first().map(|key| key.name.as_str()).unwrap_or_default())
    }
}

const HOW: &str = "a key a line, 32 octets in base 64; `openssl rand -base64 32` makes one";

impl Key {
    fn read(line: &str) -> Result<Self, String> {
        let bytes = BASE64.decode(line).map_err(|_| HOW)?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| HOW)?;
        let name = digest(&SHA256, &bytes).as_ref().iter().take(4).map(|b| format!("{b:02x}")).collect();
        Ok(Self { name, key: LessSafeKey::new(key) })
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.name)).finish()
    }
}

impl PartialEq for Seals {
    fn eq(&self, other: &Self) -> bool {
        self.keys.iter().map(|key| &key.name).eq(other.keys.iter().map(|key| &key.name))
    }
}

impl Eq for Seals {}

impl Database {
    /// A document as it is written.
    pub(crate) fn sealed(&self, table: &str, id: &dyn fmt::Display, document: &str) -> String {
        match &self.settings.seals {
            Some(seals) if TABLES.contains(&table) => seals.seal(&format!("{table}/{id}"), document),
            _ => document.to_owned(),
        }
    }

    /// A document as it was before it was written.
    pub(crate) fn opened(&self, table: &str, id: &dyn fmt::Display, document: String) -> Result<String, RegistryError> {
        if !TABLES.contains(&table) {
            return Ok(document);
        }
        match &self.settings.seals {
            Some(seals) => {
                let place = format!("{table}/{id}");
                seals.open(&place, &document).map_err(|why| self.corrupt(format!("{place}: {why}")))
            }
            None if document.starts_with(SEALED) => {
                Err(self.corrupt(format!("{table}/{id} is sealed: name the key file in `[joining] seal`")))
            }
            None => Ok(document),
        }
    }

    /// Seals with the present key what is plain or sealed with an older one; the number of rows. Everything can be opened
    /// afterwards, or this fails: a key that is still needed was taken out of the file.
    pub(crate) async fn seal_anew(&self) -> Result<usize, RegistryError> {
        let Some(seals) = &self.settings.seals else { return Ok(0) };
        let failed = |e| self.error(e);
        let present = format!("{}%", seals.present());
        let mut writer = self.writer().await?;
        let mut count = 0;
        if self.kind == Kind::Sqlite {
            // What was plain is overwritten, not left in free pages.
            sqlx::raw_sql("PRAGMA secure_delete=ON").execute(writer.get()?).await.map_err(failed)?;
        }
        for table in TABLES {
            loop {
                let mut tx = writer.begin().await?;
                let find = format!("SELECT id, document FROM {table} WHERE document NOT LIKE $1 LIMIT $2");
                let rows = sqlx::query(AssertSqlSafe(find)).bind(present.as_str()).bind(AT_ONCE);
                let rows = rows.fetch_all(&mut *tx).await.map_err(failed)?;
                for row in &rows {
                    let document: String = row.try_get(1).map_err(failed)?;
                    let write = format!("UPDATE {table} SET document = $2 WHERE id = $1 AND document = $3");
                    let write = sqlx::query(AssertSqlSafe(write));
                    let (place, write) = match row.try_get::<i64, _>(0) {
                        Ok(id) => (format!("{table}/{id}"), write.bind(id)),
                        Err(_) => {
                            let id: String = row.try_get(0).map_err(failed)?;
                            (format!("{table}/{id}"), write.bind(id))
                        }
                    };
                    let plain = match document.starts_with(SEALED) {
                        true => seals.open(&place, &document).map_err(|why| self.corrupt(format!("{place}: {why}")))?,
                        false => document.clone(),
                    };
                    let write = write.bind(seals.seal(&place, &plain)).bind(document);
                    write.execute(&mut *tx).await.map_err(failed)?;
                }
                tx.commit().await.map_err(failed)?;
                count += rows.len();
                if rows.is_empty() {
                    break;
                }
            }
        }
        if self.kind == Kind::Sqlite && count > 0 {
            sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer.get()?).await.map_err(failed)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const SECOND: &str = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";

    #[test]
    fn a_document_is_opened_where_it_belongs_with_its_key_and_as_it_was() {
        let seals = Seals::read(&format!("# made 2026-11-21\n{FIRST}\n")).unwrap();
        let sealed = seals.seal("join_account/7", "{\"secret\":1}");
        assert_ne!(sealed, seals.seal("join_account/7", "{\"secret\":1}"), "another nonce");
        assert_eq!(seals.open("join_account/7", &sealed).unwrap(), "{\"secret\":1}");
        assert!(seals.open("join_account/8", &sealed).unwrap_err().contains("another row"));
        let both = Seals::read(&format!("{SECOND}\n{FIRST}")).unwrap();
        assert_eq!(both.open("join_account/7", &sealed).unwrap(), "{\"secret\":1}");
        assert!(!sealed.starts_with(&both.present()), "to be sealed anew");
        let other = Seals::read(SECOND).unwrap();
        assert!(other.open("join_account/7", &sealed).unwrap_err().contains("not in the key file"));
        assert!(!format!("{both:?}").contains("MDEy"));
        for wrong in ["", "# nothing", "c2hvcnQ=", "not base 64!"] {
            assert!(Seals::read(wrong).unwrap_err().contains("openssl rand"), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_was_altered_is_not_opened(at in 0usize..200, bit in 0u8..7) {
            let seals = Seals::read(FIRST).unwrap();
            let sealed = seals.seal("join_letter/a", "{\"url\":\"https://join.example/apply/x\"}");
            let mut bytes = sealed.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert!(seals.open("join_letter/a", &text).is_err());
            }
        }

        #[test]
        fn any_text_is_refused_and_none_panics(text in "(sealed:1:[0-9a-f]{8}:)?\\PC{0,80}") {
            let seals = Seals::read(FIRST).unwrap();
            prop_assert!(seals.open("join_account/1", &text).is_err());
            let _ = Seals::read(&text);
        }
    }
}
