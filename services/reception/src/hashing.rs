//! Argon2id (RFC 9106), off the threads that answer requests.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::{Hashing, Refused};

/// OWASP's advice of 2023: 19 MiB, two passes, one lane.
const ADVISED: Hashing = Hashing { memory_kib: 19_456, passes: 2 };

/// Makes and checks hashes.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    cost: Hashing,
}

impl Hasher {
    pub(crate) fn new(cost: Option<Hashing>) -> Self {
        Self { cost: cost.unwrap_or(ADVISED) }
    }

    /// PHC string of a password.
    pub(crate) async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, Refused> {
        let (password, cost) = (password.to_owned(), self.cost);
        off(move || {
            let argon = argon(cost)?;
            argon.hash_password_with_salt(password.as_bytes(), &salt).map(|h| h.to_string()).map_err(broken)
        })
        .await
    }

    /// Is it the password? An empty hash is nobody's, and takes as long.
    pub(crate) async fn verify(&self, password: &str, hash: &str) -> Result<bool, Refused> {
        let (password, hash, cost) = (password.to_owned(), hash.to_owned(), self.cost);
        off(move || {
            if hash.is_empty() {
                let _ = argon(cost)?.hash_password_with_salt(password.as_bytes(), &[0; 16]).map_err(broken)?;
                return Ok(false);
            }
            let parsed = PasswordHash::new(&hash).map_err(broken)?;
            // The costs are the hash's own, so that they can be raised without asking everybody for a new password.
            Ok(argon(cost)?.verify_password(password.as_bytes(), &parsed).is_ok())
        })
        .await
    }
}

fn argon(cost: Hashing) -> Result<Argon2<'static>, Refused> {
    let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken(why: impl std::fmt::Display) -> Refused {
    Refused::Internal(format!("password hash: {why}"))
}

async fn off<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refused> + Send + 'static) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(broken(e)))
}
