//! Passwords and the rules for them, as data (R5).

use model::Timestamp;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use crate::{Field, FieldCode, FieldFault, Randomness, SearchKey};

/// A rule for passwords.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PasswordPolicy {
    /// Its name, e.g. `source`.
    pub name: String,
    /// Where it comes from: document, edition, clause.
    pub clause: String,
    /// Fewest characters for who signs in with a second factor.
    pub min_with_second_factor: u32,
    /// Fewest characters for everybody else.
    pub min: u32,
    /// Most characters; more are refused so that nobody can keep the center busy with hashing.
    pub max: u32,
    /// Is a letter needed (A–Z, a–z)?
    pub letter: bool,
    /// Is a digit needed?
    pub digit: bool,
    /// Is a symbol needed?
    pub symbol: bool,
    /// The symbols that count as one.
    pub symbols: String,
    /// Are easily guessed ones refused: common ones, and those that are the person's own ids or address?
    pub guessable_refused: bool,
    /// How many earlier passwords may not come back.
    pub remembered: u32,
    /// A password must be changed after so many days; never if absent.
    pub days: Option<u32>,
    /// Wrong passwords in a row that lock the account.
    pub attempts: u32,
    /// For how many minutes it is locked then.
    pub locked_minutes: u32,
    /// After so many locks in a row only a person unlocks it.
    pub locks: u32,
    /// Days an initial password lasts.
    pub initial_days: u32,
}

/// Why a new password is refused.
pub type PasswordFault = FieldFault;

static POLICIES: LazyLock<Vec<PasswordPolicy>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Data {
        policy: Vec<PasswordPolicy>,
    }
    toml::from_str::<Data>(include_str!("../data/passwords.toml")).expect("a test reads the file").policy
});

static COMMON: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let lines = include_str!("../data/guessable.txt").lines().map(str::trim);
    lines.filter(|l| !l.is_empty() && !l.starts_with('#')).map(plain).collect()
});

impl PasswordPolicy {
    /// The rule of the usage procedure, table 2-3: eight characters with letters, digits and symbols.
    pub fn source() -> Self {
        Self::named("source").expect("a test reads the file")
    }

    /// The rule of the national guideline (医療情報システムの安全管理に関するガイドライン 第7.0版).
    pub fn guideline() -> Self {
        Self::named("guideline-7.0").expect("a test reads the file")
    }

    /// A shipped rule by its name.
    pub fn named(name: &str) -> Option<Self> {
        POLICIES.iter().find(|p| p.name == name).cloned()
    }

    /// Names of the shipped rules, the default first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        POLICIES.iter().map(|p| p.name.as_str())
    }

    /// Checks a new password; `own` are texts the person is known by. That it was not used before is for who has the
    /// hashes.
    ///
    /// # Errors
    /// Every fault there is, in [`Field::NewPassword`].
    pub fn check(&self, password: &str, second_factor: bool, own: &[&str]) -> Result<(), Vec<PasswordFault>> {
        let mut faults = Vec::new();
        let mut fault = |code, limit| faults.push(FieldFault { field: Field::NewPassword, code, limit });
        let length = u32::try_from(password.chars().count()).unwrap_or(u32::MAX);
        let min = if second_factor { self.min_with_second_factor } else { self.min };
        if length == 0 {
            fault(FieldCode::Empty, None);
            return Err(faults);
        }
        if length < min {
            fault(FieldCode::TooShort, Some(min));
        }
        if length > self.max {
            fault(FieldCode::TooLong, Some(self.max));
        }
        if password.chars().any(char::is_control) {
            fault(FieldCode::Unprintable, None);
        }
        if self.letter && !password.chars().any(|c| c.is_ascii_alphabetic()) {
            fault(FieldCode::NoLetter, None);
        }
        if self.digit && !password.chars().any(|c| c.is_ascii_digit()) {
            fault(FieldCode::NoDigit, None);
        }
        if self.symbol && !password.chars().any(|c| self.symbols.contains(c)) {
            fault(FieldCode::NoSymbol, None);
        }
        if self.guessable_refused && guessable(password, own) {
            fault(FieldCode::Guessable, None);
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// When a password set at an instant must be changed, if ever.
    pub fn change_by(&self, set_at: Timestamp) -> Option<Timestamp> {
        self.days.map(|days| set_at.plus_ms(i64::from(days) * 86_400_000))
    }
}

/// Small letters only, symbols and digits that stand for letters undone, what is put around the word cut off.
fn plain(text: &str) -> String {
    text.trim_matches(|c: char| !c.is_alphabetic())
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '@' => 'a',
            '0' => 'o',
            '$' => 's',
            '3' => 'e',
            other => other,
        })
        .collect()
}

fn guessable(password: &str, own: &[&str]) -> bool {
    let core = plain(password);
    let mut kinds: Vec<char> = password.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    let folded = SearchKey::of(password);
    let is_own = |text: &&str| {
        let own = SearchKey::of(text);
        own.as_str().chars().count() >= 4 && folded.as_str().contains(own.as_str())
    };
    kinds.len() < 4 || COMMON.contains(&core) || own.iter().any(is_own)
}

/// The password told by telephone (初期パスワード): six digits. It is stored as a hash, shown once and never mailed.
#[derive(Clone, PartialEq, Eq)]
pub struct InitialPassword(String);

impl InitialPassword {
    /// A new one.
    pub fn new(random: &dyn Randomness) -> Self {
        Self(format!("{:06}", random.below(1_000_000)))
    }

    /// The digits: for the operator's page and for hashing, and nowhere else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InitialPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitialPassword(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::Dice;

    fn codes(policy: &PasswordPolicy, password: &str, second: bool) -> Vec<FieldCode> {
        policy
            .check(password, second, &["12345678", "taro@clinic.example"])
            .err()
            .unwrap_or_default()
            .iter()
            .map(|f| f.code)
            .collect()
    }

    #[test]
    fn the_rule_of_the_procedure_letters_digits_symbols_and_eight_r5() {
        let rule = PasswordPolicy::source();
        assert_eq!((rule.min, rule.min_with_second_factor), (8, 8));
        assert!(codes(&rule, "kumo-123", false).is_empty());
        assert_eq!(codes(&rule, "kum-123", false), [FieldCode::TooShort]);
        assert_eq!(codes(&rule, "kumorib1", false), [FieldCode::NoSymbol]);
        assert_eq!(codes(&rule, "kumorib-", false), [FieldCode::NoDigit]);
        assert_eq!(codes(&rule, "1234567-", false), [FieldCode::NoLetter]);
        assert_eq!(codes(&rule, "", false), [FieldCode::Empty]);
        // Table 2-3 lists them one by one.
        for symbol in "~!@#$%^&*_+=`¥(){}[]:;\"'<>,.?/".chars() {
            assert!(codes(&rule, &format!("kumori12{symbol}"), false).is_empty(), "{symbol}");
        }
    }

    #[test]
    fn the_guideline_asks_thirteen_or_a_second_factor_and_refuses_guessable_ones_r5() {
        let rule = PasswordPolicy::guideline();
        assert!(codes(&rule, "tsukimi4dango", false).is_empty());
        assert_eq!(codes(&rule, "tsukimi4", false), [FieldCode::TooShort]);
        assert!(codes(&rule, "tsukimi4", true).is_empty());
        assert_eq!(codes(&rule, "P@ssw0rd12345", false), [FieldCode::Guessable]);
        assert_eq!(codes(&rule, "a12345678bcdefg", false), [FieldCode::Guessable], "the user id");
        assert_eq!(codes(&rule, "a1a1a1a1a1a1a1", false), [FieldCode::Guessable]);
        assert_eq!(rule.days, None, "7.0 drops the periodic change");
        assert!(rule.remembered > 0);
    }

    #[test]
    fn every_shipped_rule_can_be_met_and_locks() {
        assert_eq!(PasswordPolicy::names().next(), Some("source"));
        for name in PasswordPolicy::names() {
            let rule = PasswordPolicy::named(name).unwrap();
            assert!(rule.attempts > 0 && rule.attempts <= 10 && rule.initial_days > 0 && rule.max >= 64, "{name}");
            assert!(codes(&rule, "tsukimi-4-dango-9", false).is_empty(), "{name}");
        }
    }

    #[test]
    fn an_initial_password_is_six_digits_and_hides_r5() {
        let dice = Dice::new(3);
        for _ in 0..1000 {
            let initial = InitialPassword::new(&dice);
            assert!(initial.reveal().len() == 6 && initial.reveal().bytes().all(|b| b.is_ascii_digit()));
            assert!(!format!("{initial:?}").contains(initial.reveal()));
        }
    }
}
