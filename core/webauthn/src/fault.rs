//! Why a ceremony failed.

/// What does not hold. The person is told one thing whatever it is; the rest is for the log of the center.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Bytes that are not of their form.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// `type` is that of the other ceremony (§7.1 step 7, §7.2 step 11).
    #[error("the client data are of another ceremony")]
    Type,
    /// The answer is to another question (§7.1 step 8, §7.2 step 12).
    #[error("the challenge is another")]
    Challenge,
    /// The page that asked is another's (§7.1 step 9, §7.2 step 13).
    #[error("the page that asked is not ours: {0}")]
    Origin(String),
    /// Our page stood in another's (Level 3 §7.1 steps 10 and 11).
    #[error("the page that asked stood in a page of another origin")]
    CrossOrigin,
    /// The client says that it binds tokens to the TLS session; we never agree to that (§7.1 step 10, §7.2 step 14).
    #[error("the client data name a token binding that was not agreed")]
    TokenBinding,
    /// The authenticator answered for another relying party (§7.1 step 13, §7.2 step 15).
    #[error("the authenticator answered for another relying party")]
    Party,
    /// Nobody touched it (§7.1 step 14, §7.2 step 16).
    #[error("the user was not present")]
    NotPresent,
    /// It did not ask who touches it, and had to (§7.1 step 15, §7.2 step 17).
    #[error("the user was not verified")]
    NotVerified,
    /// Backed up, but not to be backed up (Level 3 §6.1.3).
    #[error("the authenticator's flags contradict each other")]
    BackupState,
    /// A kind of key that was not asked for (§7.1 step 16).
    #[error("the key is of a kind that was not asked for")]
    Algorithm,
    /// An attestation that was not asked for (§7.1 steps 18 to 21).
    #[error("attestation `{0}` was not asked for")]
    Attestation(String),
    /// A credential ID of more than 1023 octets (Level 3 §7.1 step 25).
    #[error("the credential ID is too long")]
    LongId,
    /// Not a credential that was asked for (§7.2 step 5).
    #[error("the credential is not one that was asked for")]
    NotAllowed,
    /// A credential of somebody else (§7.2 step 6).
    #[error("the credential is another person's")]
    User,
    /// Not signed by that key (§7.2 step 20).
    #[error("the signature is wrong")]
    Signature,
    /// The counter did not go forward: there may be a copy of the key (§6.1.1, §7.2 step 21).
    #[error("the counter says {said} after {kept}: there may be a copy of the key")]
    Copied {
        /// What was kept.
        kept: u32,
        /// What came.
        said: u32,
    },
}
