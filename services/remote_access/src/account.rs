//! Accounts as the VPN needs them: a VPN-ID, the hash EAP-MSCHAPv2 needs, and whether it may come in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A VPN-ID: 1 to 64 of `A`–`Z`, `a`–`z`, `0`–`9`, `.`, `_`, `-`, beginning with a letter or digit.
///
/// Nothing that strongSwan would read as another kind of identity (a name with `=`, an address with `:`, a pattern).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VpnId(String);

/// A text that is no VPN-ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a VPN-ID has 1 to 64 letters, digits, dots, underscores and hyphens, and begins with a letter or digit")]
pub struct VpnIdRefused;

impl VpnId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VpnId {
    type Err = VpnIdRefused;
    fn from_str(text: &str) -> Result<Self, VpnIdRefused> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if begins && text.len() <= 64 && text.bytes().all(fits) { Ok(Self(text.to_owned())) } else { Err(VpnIdRefused) }
    }
}

impl fmt::Display for VpnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hash of a VPN password that EAP-MSCHAPv2 works with (RFC 2759 §8.3): MD4 over the password in UTF-16LE.
///
/// It opens the VPN as the password does and is guessed fast, so a VPN password is drawn by the center, never chosen, and
/// the hash is kept as a secret. It does not appear in `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NtHash([u8; 16]);

impl NtHash {
    /// From its octets.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
    /// From 32 hexadecimal digits; `None` if it is anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.bytes().map(|b| char::from(b).to_digit(16)).collect::<Option<Vec<_>>>()?;
        let octets: Vec<u8> = digits.chunks_exact(2).map(|two| (two[0] * 16 + two[1]) as u8).collect();
        (digits.len() == 32).then_some(())?;
        Some(Self(octets.try_into().ok()?))
    }
    /// Its octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for NtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NtHash(…)")
    }
}

/// Whether an account may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Open,
    /// Not now: too many wrong passwords, or an operator locked it.
    Locked,
    /// Never again.
    Closed,
}

/// Which machines an account may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Machines {
    /// Any that the machine CA vouches for.
    Any,
    /// Only those with one of these identities (`urn:sekisho:device:<site>/<host>`, the certificate's URI).
    Only(BTreeSet<String>),
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What the person types as user name.
    pub vpn_id: VpnId,
    /// Hash of the VPN password.
    pub nt_hash: NtHash,
    /// May it come in?
    pub standing: Standing,
    /// The institution it belongs to; for people to read.
    pub institution: String,
    /// From which machines.
    pub machines: Machines,
}

/// All accounts, by VPN-ID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<VpnId, Account>);

impl Accounts {
    /// By VPN-ID.
    #[must_use]
    pub fn get(&self, vpn_id: &VpnId) -> Option<&Account> {
        self.0.get(vpn_id)
    }
    /// By what a client said, right or wrong.
    #[must_use]
    pub fn called(&self, name: &str) -> Option<&Account> {
        self.get(&name.parse().ok()?)
    }
    /// In order of VPN-ID.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.0.values()
    }
}

impl Accounts {
    /// From VPN-ID, hash (hexadecimal) and institution; without a hash an account is locked. From any machine of ours.
    /// What cannot be read is left out, and said.
    pub fn listed(all: impl IntoIterator<Item = (String, Option<String>, String)>) -> Self {
        let read = |(vpn_id, hash, institution): (String, Option<String>, String)| {
            let (standing, nt_hash) = match &hash {
                Some(hash) => (Standing::Open, NtHash::from_hex(hash)),
                // Given to nobody: strongSwan hears of open accounts only.
                None => (Standing::Locked, Some(NtHash([0; 16]))),
            };
            match (vpn_id.parse(), nt_hash) {
                (Ok(vpn_id), Some(nt_hash)) => {
                    Some(Account { vpn_id, nt_hash, standing, institution, machines: Machines::Any })
                }
                _ => {
                    tracing::error!("a VPN account cannot be read and does not work");
                    None
                }
            }
        };
        all.into_iter().filter_map(read).collect()
    }
}

impl FromIterator<Account> for Accounts {
    fn from_iter<I: IntoIterator<Item = Account>>(all: I) -> Self {
        Self(all.into_iter().map(|account| (account.vpn_id.clone(), account)).collect())
    }
}

/// Where accounts are kept.
pub trait AccountSource: Send + Sync + 'static {
    /// Why they cannot be read now.
    type Error: fmt::Display + Send;
    /// All of them, as they are now.
    fn accounts(&self) -> impl Future<Output = Result<Accounts, Self::Error>> + Send;
}

impl<F, R, E> AccountSource for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<Accounts, E>> + Send,
    E: fmt::Display + Send,
{
    type Error = E;
    fn accounts(&self) -> impl Future<Output = Result<Accounts, E>> + Send {
        self()
    }
}

/// Reads the accounts once, then again every `period` and whenever `poke` is notified, for as long as somebody watches.
///
/// When they cannot be read, what was read last stays: nobody is cut off for a busy database (X4).
pub async fn follow<S: AccountSource>(
    source: S,
    period: Duration,
    poke: Arc<tokio::sync::Notify>,
) -> Result<watch::Receiver<Arc<Accounts>>, S::Error> {
    let (tell, told) = watch::channel(Arc::new(source.accounts().await?));
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tell.closed() => return,
                () = poke.notified() => {},
                () = tokio::time::sleep(period) => {},
            }
            match source.accounts().await {
                Ok(accounts) => {
                    tell.send_if_modified(|kept| {
                        let changed = **kept != accounts;
                        if changed {
                            *kept = Arc::new(accounts);
                        }
                        changed
                    });
                }
                Err(error) => tracing::warn!(%error, "VPN accounts cannot be read; those of before stand"),
            }
        }
    });
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hash_is_read_from_its_digits_and_shown_to_nobody() {
        let expected = [0x44, 0xEB, 0xBA, 0x8D, 0x53, 0x12, 0xB8, 0xD6, 0x11, 0x47, 0x44, 0x11, 0xF5, 0x69, 0x89, 0xAE];
        let hash = NtHash::from_hex("44ebba8d5312b8d611474411F56989AE").unwrap();
        assert_eq!(hash.as_bytes(), &expected);
        assert_eq!(format!("{hash:?}"), "NtHash(…)");
        for bad in ["", "44", &"4".repeat(31), &"4".repeat(33), &"g".repeat(32), &"あ".repeat(32)] {
            assert_eq!(NtHash::from_hex(bad), None);
        }
    }

    #[test]
    fn names_that_strongswan_would_read_otherwise_are_no_vpn_ids() {
        for good in ["V0000001", "a", "x.y_z-1", "12345678"] {
            assert_eq!(good.parse::<VpnId>().unwrap().as_str(), good);
        }
        for bad in ["", "%any", "C=JP, O=x", "*", "a@b", "fe80::1", ".a", "-a", "a b", "日本", &"a".repeat(65)] {
            assert_eq!(bad.parse::<VpnId>(), Err(VpnIdRefused), "{bad}");
        }
    }

    #[derive(Clone)]
    struct Kept(Arc<std::sync::Mutex<Result<Accounts, &'static str>>>);
    impl AccountSource for Kept {
        type Error = &'static str;
        async fn accounts(&self) -> Result<Accounts, &'static str> {
            self.0.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_changes_is_told_and_what_cannot_be_read_stays() {
        let one = Account {
            vpn_id: "V1".parse().unwrap(),
            nt_hash: NtHash::from_bytes([7; 16]),
            standing: Standing::Open,
            institution: "aoba".into(),
            machines: Machines::Any,
        };
        let all: Accounts = [one.clone()].into_iter().collect();
        let source = Kept(Arc::new(std::sync::Mutex::new(Ok(all))));
        let poke = Arc::new(tokio::sync::Notify::new());
        let mut told = follow(source.clone(), Duration::from_secs(3600), Arc::clone(&poke)).await.unwrap();
        assert_eq!(told.borrow_and_update().called("V1"), Some(&one));
        *source.0.lock().unwrap() = Err("busy");
        poke.notify_one();
        tokio::task::yield_now().await;
        assert_eq!(told.borrow().called("V1"), Some(&one));
        *source.0.lock().unwrap() = Ok(Accounts::default());
        poke.notify_one();
        told.changed().await.unwrap();
        assert_eq!(told.borrow().called("V1"), None);
    }

    #[test]
    fn an_account_that_cannot_be_read_does_not_work() {
        let row = |id: &str, hash: Option<&str>| (id.to_owned(), hash.map(str::to_owned), "aoba".to_owned());
        let hash = Some("44ebba8d5312b8d611474411f56989ae");
        let all =
            Accounts::listed([row("v23456789b", hash), row("*", hash), row("vx", Some("short")), row("v2", None)]);
        assert_eq!(all.iter().map(|one| one.vpn_id.as_str()).collect::<Vec<_>>(), ["v2", "v23456789b"]);
        assert_eq!(all.called("v23456789b").map(|one| one.standing), Some(Standing::Open));
        assert_eq!(all.called("v2").map(|one| one.standing), Some(Standing::Locked));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            if let Ok(id) = text.parse::<VpnId>() {
                prop_assert_eq!(id.as_str(), text);
            }
        }
    }
}
