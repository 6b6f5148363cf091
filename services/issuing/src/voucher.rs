//! Somebody else who has to vouch before a certificate is issued: for equipment, whoever keeps the devices (G1).

use std::pin::Pin;

use model::Timestamp;
use registry::Commit;

use crate::{Identity, Refused};

/// A certificate is about to be issued.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Now.
    pub now: Timestamp,
    /// Who it is for.
    pub identity: &'a Identity,
    /// What was shown in TLS, the end entity first; its key is proved, nothing else. Empty if nothing was shown.
    pub shown: &'a [Vec<u8>],
    /// Serial number of the certificate it renews; that one was judged already.
    pub renews: Option<&'a str>,
}

/// What is committed together with the certificate, given its serial number.
pub type Vouched = Box<dyn FnOnce(&str) -> Commit + Send>;

/// What [`Voucher::vouch`] comes to.
pub type Vouching<'a> = Pin<Box<dyn Future<Output = Result<Vouched, Refused>> + Send + 'a>>;

/// Whoever must agree to a certificate, code or not.
pub trait Voucher: Send + Sync {
    /// Agrees, or says why not.
    fn vouch<'a>(&'a self, asked: Asked<'a>) -> Vouching<'a>;
}
