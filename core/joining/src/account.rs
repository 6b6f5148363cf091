//! Accounts (利用者): ids, passwords, locks, second factors (R5, R6, R11).

use model::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use texts::Lang;

use crate::{InstitutionId, LinkHash, MailAddress, OneTime, PasswordPolicy, Randomness, TotpSecret};

/// 利用者 ID: eight digits, the first of them not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct UserId(u32);

/// VPN-ID: `v` and nine small letters and digits, unlike the user ID, so that one does not tell the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VpnId(String);

/// A text is no id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoId(pub String);

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// 利用者 ID.
    pub user: UserId,
    /// VPN-ID.
    pub vpn: VpnId,
    /// Whose.
    pub institution: InstitutionId,
    /// What its owner is there.
    pub role: AccountRole,
    /// Does it work?
    pub state: AccountState,
    /// How far its credentials are.
    pub stage: Stage,
    /// Name.
    pub name: String,
    /// Reading, full-width katakana.
    pub kana: String,
    /// Where letters go.
    pub mail: MailAddress,
    /// The language of its owner.
    #[serde(with = "crate::lang")]
    pub lang: Lang,
    /// When it was made.
    pub made_at: Timestamp,
    /// Argon2id of the password, PHC string format.
    pub password: String,
    /// When it was set.
    pub password_at: Timestamp,
    /// Hashes of earlier passwords, newest first, as many as the policy remembers.
    pub earlier: Vec<String>,
    /// Wrong passwords.
    pub lockout: Lockout,
    /// The VPN password.
    pub vpn_secret: VpnSecret,
    /// Second factors.
    pub factors: Vec<Factor>,
}

/// What the owner of an account is in the institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountRole {
    /// 届出責任者: the applicant; manages the staff.
    Manager,
    /// 届出担当者.
    Staff,
}

/// Does an account work?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// Yes.
    Active,
    /// Not for now: an operator stopped it.
    Suspended,
    /// Never again; kept because the records name it.
    Removed,
}

/// How far the credentials of an account are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "stage")]
pub enum Stage {
    /// It has its initial password, which only lets it be changed.
    Initial {
        /// The initial password ends then.
        until: Timestamp,
    },
    /// Its owner chose the password.
    Chosen,
}

/// The VPN password (R6): made and shown once, on one page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "vpn")]
pub enum VpnSecret {
    /// There is none yet; the page after the change of the password will show one.
    NotShown,
    /// It was shown.
    Shown {
        /// When.
        at: Timestamp,
        /// NT hash (MD4 of UTF-16LE), hexadecimal: what EAP-MSCHAPv2 needs to verify it (RFC 2759 §8.3). Whoever has
        /// it can connect, so it is a secret too.
        nt_hash: String,
    },
}

/// A second factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "factor")]
pub enum Factor {
    /// An authenticator app (RFC 6238).
    Totp {
        /// Shared secret.
        secret: TotpSecret,
        /// Step of the clock of the last code used; a code works once.
        last: i64,
        /// Has its owner shown that the app works? Before, it is not asked for.
        confirmed: bool,
    },
    /// A security key (W3C Web Authentication).
    Key {
        /// What is kept of it.
        credential: webauthn::Credential,
        /// What its owner calls it.
        name: String,
        /// When it was added.
        at: Timestamp,
    },
    /// The person's card: SHA-256 of its authentication certificate, hexadecimal. The TLS session shows the key.
    Card {
        /// The fingerprint.
        certificate: String,
    },
    /// Codes for the day the authenticator app is gone, each good once (NIST SP 800-63B §4.2.1 calls them saved
    /// recovery codes). They stand in for the app and are nothing by themselves.
    Recovery {
        /// Hashes of those not used yet.
        codes: Vec<LinkHash>,
    },
}

/// Wrong passwords in a row, and what follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockout {
    /// Wrong ones since the last right one or the last lock.
    pub wrong: u32,
    /// Locks since the last right one.
    pub locks: u32,
    /// Locked until then.
    pub until: Option<Timestamp>,
    /// Locked until a person unlocks it.
    pub hard: bool,
}

impl UserId {
    /// A new one; that nobody has it yet is for who stores it.
    pub fn random(random: &dyn Randomness) -> Self {
        Self(10_000_000 + random.below(90_000_000) as u32)
    }

    /// From its number; `None` unless it has eight digits.
    pub fn new(number: u32) -> Option<Self> {
        (10_000_000..100_000_000).contains(&number).then_some(Self(number))
    }

    /// Its number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// What a security key calls the account: it says nothing to who reads the key (W3C Web Authentication §14.6.1).
    pub fn handle(self) -> [u8; 32] {
        crate::once::digest_of(b"sekisho user handle", self.to_string().as_bytes())
    }
}

impl FromStr for UserId {
    type Err = NoId;
    /// Full-width digits and blanks around it are forgiven.
    fn from_str(text: &str) -> Result<Self, NoId> {
        let digits = crate::search::half_width(text.trim());
        let number =
            if digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None };
        number.and_then(Self::new).ok_or_else(|| NoId(text.chars().take(40).collect()))
    }
}

impl TryFrom<u32> for UserId {
    type Error = String;
    fn try_from(number: u32) -> Result<Self, String> {
        Self::new(number).ok_or_else(|| format!("{number} is no user ID: eight digits"))
    }
}

impl From<UserId> for u32 {
    fn from(id: UserId) -> u32 {
        id.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

/// No vowels, so that no word comes out, and nothing that is mistaken for something else.
const CLEAR: &[u8] = b"23456789bcdfghjkmnpqrstvwxyz";

fn clear(random: &dyn Randomness, length: usize) -> String {
    (0..length).map(|_| char::from(CLEAR[random.below(CLEAR.len() as u64) as usize])).collect()
}

impl VpnId {
    /// A new one.
    pub fn random(random: &dyn Randomness) -> Self {
        Self(format!("v{}", clear(random, 9)))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VpnId {
    type Err = NoId;
    fn from_str(text: &str) -> Result<Self, NoId> {
        let good = text.len() == 10 && text.starts_with('v') && text.bytes().skip(1).all(|b| CLEAR.contains(&b));
        if good { Ok(Self(text.to_owned())) } else { Err(NoId(text.chars().take(40).collect())) }
    }
}

impl TryFrom<String> for VpnId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map_err(|NoId(t)| format!("{t} is no VPN-ID"))
    }
}

impl From<VpnId> for String {
    fn from(id: VpnId) -> String {
        id.0
    }
}

impl fmt::Display for VpnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A VPN password as its owner sees it once: sixteen characters in four groups, 76 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct VpnPassword(String);

impl VpnPassword {
    /// A new one.
    pub fn new(random: &dyn Randomness) -> Self {
        Self([clear(random, 4), clear(random, 4), clear(random, 4), clear(random, 4)].join("-"))
    }

    /// For the page, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// NT hash, hexadecimal (RFC 2759 §8.3).
    pub fn nt_hash(&self) -> String {
        use md4::{Digest, Md4};
        let wide: Vec<u8> = self.0.encode_utf16().flat_map(u16::to_le_bytes).collect();
        Md4::digest(&wide).iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl fmt::Debug for VpnPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VpnPassword(hidden)")
    }
}

impl fmt::Debug for VpnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotShown => f.write_str("NotShown"),
            Self::Shown { at, .. } => f.debug_struct("Shown").field("at", at).finish_non_exhaustive(),
        }
    }
}

impl Account {
    /// Does it ask for a second factor?
    pub fn has_second_factor(&self) -> bool {
        self.factors.iter().any(|f| match f {
            Factor::Totp { confirmed, .. } => *confirmed,
            Factor::Key { .. } | Factor::Card { .. } => true,
            Factor::Recovery { .. } => false,
        })
    }

    /// A new initial password is told: only changing it is possible with it. Hash of it, and until when it lasts.
    pub fn reset(&mut self, hash: String, until: Timestamp, now: Timestamp) {
        self.password = hash;
        self.password_at = now;
        self.stage = Stage::Initial { until };
        self.lockout = Lockout::default();
    }

    /// Its owner chose a password: hash of it, and how many earlier ones are remembered.
    pub fn choose(&mut self, hash: String, remembered: u32, now: Timestamp) {
        let old = std::mem::replace(&mut self.password, hash);
        if self.stage == Stage::Chosen {
            self.earlier.insert(0, old);
        }
        // The present one is remembered too, so one less of the earlier.
        self.earlier.truncate(remembered.saturating_sub(1) as usize);
        self.password_at = now;
        self.stage = Stage::Chosen;
        self.lockout = Lockout::default();
    }

    /// Does it still have its initial password?
    pub fn is_initial(&self) -> bool {
        matches!(self.stage, Stage::Initial { .. })
    }

    /// The name kept of a removed account is none: only ids stay, which the records need.
    pub fn remove(&mut self) {
        self.state = AccountState::Removed;
        self.password = String::new();
        self.earlier.clear();
        self.factors.clear();
        self.vpn_secret = VpnSecret::NotShown;
    }
}

impl Factor {
    /// Recovery codes handed out at a time.
    const CODES: usize = 10;

    /// New recovery codes: what is stored, and what their owner sees once.
    pub fn recovery(random: &dyn Randomness) -> (Self, Vec<OneTime>) {
        let codes: Vec<OneTime> = (0..Self::CODES).map(|_| OneTime::for_typing(random)).collect();
        (Self::Recovery { codes: codes.iter().map(OneTime::hash).collect() }, codes)
    }

    /// Is it a security key with this credential ID?
    pub fn is_key(&self, id: &[u8]) -> bool {
        matches!(self, Self::Key { credential, .. } if credential.id == id)
    }

    /// Uses up a recovery code, if this is one.
    pub fn use_recovery(&mut self, typed: &str) -> bool {
        let Self::Recovery { codes } = self else { return false };
        let Some(hash) = OneTime::read(typed).map(|code| code.hash()) else { return false };
        let before = codes.len();
        codes.retain(|one| *one != hash);
        codes.len() < before
    }
}

impl Lockout {
    /// Is it locked?
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.hard || self.until.is_some_and(|until| now < until)
    }

    /// A wrong password came. True if that locks it. An initial password has so few digits that its first lock is one
    /// that only a person undoes.
    pub fn wrong(&mut self, policy: &PasswordPolicy, initial: bool, now: Timestamp) -> bool {
        if self.is_locked(now) {
            return false;
        }
        self.wrong += 1;
        if self.wrong < policy.attempts {
            return false;
        }
        self.wrong = 0;
        self.locks += 1;
        self.until = Some(now.plus_ms(i64::from(policy.locked_minutes) * 60_000));
        self.hard = initial || self.locks >= policy.locks;
        true
    }

    /// The right password came, or a person unlocked it.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;

    /// Numbers that look random and are the same each time.
    pub(crate) struct Dice(Cell<u64>);
    impl Dice {
        pub(crate) fn new(seed: u64) -> Self {
            Self(Cell::new(seed))
        }
    }
    impl Randomness for Dice {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                // SplitMix64.
                let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
                self.0.set(state);
                let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                *byte = (mixed ^ mixed >> 27) as u8;
            }
        }
    }

    #[test]
    fn ids_have_their_form_and_come_back_r5() {
        let dice = Dice::new(5);
        for _ in 0..500 {
            let user = UserId::random(&dice);
            assert_eq!(user.to_string().len(), 8);
            assert_eq!(user.to_string().parse(), Ok(user));
            let vpn = VpnId::random(&dice);
            assert_eq!(vpn.as_str().parse(), Ok(vpn.clone()));
        }
        assert_eq!("１２３４５６７８".parse(), Ok(UserId(12_345_678)));
        for wrong in ["", "1234567", "012345678", "01234567", "1234567a", "+1234567", "-12345678"] {
            assert!(wrong.parse::<UserId>().is_err(), "{wrong}");
        }
        assert!("V23456789b".parse::<VpnId>().is_err());
    }

    #[test]
    fn the_nt_hash_is_that_of_rfc_2759_section_9_2() {
        let password = VpnPassword("clientPass".into());
        assert_eq!(password.nt_hash(), "44ebba8d5312b8d611474411f56989ae");
        assert!(!format!("{password:?}").contains("client"));
    }

    #[test]
    fn five_wrong_ones_lock_for_half_an_hour_and_three_locks_for_good_r5() {
        let policy = PasswordPolicy::source();
        let mut lock = Lockout::default();
        let mut now = Timestamp(0);
        for round in 1..=3 {
            for i in 1..=5 {
                assert!(!lock.is_locked(now));
                assert_eq!(lock.wrong(&policy, false, now), i == 5);
            }
            assert!(lock.is_locked(now) && lock.is_locked(now.plus_ms(29 * 60_000)));
            now = now.plus_ms(30 * 60_000);
            assert_eq!(lock.is_locked(now), round == 3);
        }
        assert!(!lock.wrong(&policy, false, now), "a lock is not made longer from outside");
        lock.clear();
        assert!(!lock.is_locked(now));
    }

    #[test]
    fn a_recovery_code_is_good_once_and_nothing_alone_r6() {
        let (mut factor, codes) = Factor::recovery(&Dice::new(3));
        assert_eq!(codes.len(), 10);
        assert!(!format!("{codes:?} {factor:?}").contains(codes[0].reveal()));
        let typed = codes[4].reveal().to_lowercase().replace('-', " ");
        assert!(factor.use_recovery(&typed));
        for wrong in [typed.as_str(), "", "123456", "00000-00000-00000-00000"] {
            assert!(!factor.use_recovery(wrong), "{wrong}");
        }
        assert!(matches!(&factor, Factor::Recovery { codes } if codes.len() == 9));
    }

    #[test]
    fn an_initial_password_locks_for_good_at_once_r5() {
        let policy = PasswordPolicy::source();
        let mut lock = Lockout::default();
        for _ in 0..policy.attempts {
            lock.wrong(&policy, true, Timestamp(0));
        }
        assert!(lock.is_locked(Timestamp(i64::MAX)));
    }
}
