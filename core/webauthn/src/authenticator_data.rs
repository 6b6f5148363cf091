//! What the authenticator says (§6.1).

use ring::digest::{SHA256, digest};

use crate::cbor::{self, Value};
use crate::cose::PublicKey;
use crate::{Ceremony, Fault};

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// Authenticator data.
#[derive(Debug)]
pub(crate) struct AuthenticatorData<'a> {
    party: &'a [u8],
    flags: u8,
    /// Signature counter.
    pub count: u32,
    /// The new credential, at registration.
    pub attested: Option<Attested<'a>>,
}

/// Attested credential data (§6.5.1).
#[derive(Debug)]
pub(crate) struct Attested<'a> {
    pub id: &'a [u8],
    /// As it came.
    pub cose: &'a [u8],
    pub key: PublicKey,
}

impl<'a> AuthenticatorData<'a> {
    /// To the last octet.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        const BAD: Fault = Fault::Malformed("authenticatorData");
        let (party, rest) = bytes.split_at_checked(32).ok_or(BAD)?;
        let ([flags, count @ ..], mut rest) = rest.split_first_chunk::<5>().ok_or(BAD)?;
        let attested = if flags & ATTESTED != 0 {
            // The AAGUID says which make it is, which nobody asked.
            let (_, after) = rest.split_at_checked(16).ok_or(BAD)?;
            let (length, after) = after.split_first_chunk::<2>().ok_or(BAD)?;
            let (id, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(BAD)?;
            let (key, left) = cbor::read(after)?;
            rest = left;
            Some(Attested { id, cose: &after[..after.len() - left.len()], key: PublicKey::of(key)? })
        } else {
            None
        };
        if flags & EXTENDED != 0 {
            // None was asked for; some keys add theirs anyway, to be borne unread (§7.1 step 17, §7.2 step 18).
            let (extensions, left) = cbor::read(rest)?;
            extensions.map()?;
            rest = left;
        }
        if rest.is_empty() {
            Ok(Self { party, flags: *flags, count: u32::from_be_bytes(*count), attested })
        } else {
            Err(BAD)
        }
    }

    /// §7.1 steps 13 to 15, §7.2 steps 15 to 17, and Level 3 §6.1.3.
    pub fn check(&self, ceremony: &Ceremony<'_>) -> Result<(), Fault> {
        let is = |flag: u8| self.flags & flag != 0;
        if self.party != digest(&SHA256, ceremony.party.id().as_bytes()).as_ref() {
            return Err(Fault::Party);
        }
        if !is(PRESENT) {
            return Err(Fault::NotPresent);
        }
        if ceremony.verified && !is(VERIFIED) {
            return Err(Fault::NotVerified);
        }
        if is(BACKED_UP) && !is(BACKUP_ELIGIBLE) {
            return Err(Fault::BackupState);
        }
        Ok(())
    }
}

/// An attestation object (§6.5.4): format, statement, authenticator data.
pub(crate) struct AttestationObject<'a> {
    pub format: &'a str,
    pub statement: Vec<(Value<'a>, Value<'a>)>,
    pub data: &'a [u8],
}

impl<'a> AttestationObject<'a> {
    /// §7.1 step 12.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        const BAD: Fault = Fault::Malformed("attestationObject");
        let pairs = cbor::only(bytes)?.map()?;
        let (Some(Value::Text(format)), Some(Value::Bytes(data))) =
            (cbor::named(&pairs, "fmt"), cbor::named(&pairs, "authData"))
        else {
            return Err(BAD);
        };
        let (format, data) = (*format, *data);
        let statement = pairs.into_iter().find(|(key, _)| *key == Value::Text("attStmt")).ok_or(BAD)?.1.map()?;
        Ok(Self { format, statement, data })
    }
}
