//! One's own password and second factors.

use audit::Event;
use joining::{Account, Factor, Field, FieldCode, FieldFault, LetterKind, OneTime, TotpSecret};
use registry::{Commit, Record, SessionStage};

use crate::{Joining, Refused, SignedIn, Token};

/// A second factor, for the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorView {
    /// An authenticator app.
    Totp {
        /// Was it shown to work?
        confirmed: bool,
    },
    /// A security key.
    Key {
        /// Credential ID.
        id: Vec<u8>,
        /// What its owner calls it.
        name: String,
        /// When it was added.
        at: model::Timestamp,
    },
    /// The card with this certificate (SHA-256, hexadecimal).
    Card {
        /// Its fingerprint.
        certificate: String,
    },
    /// Recovery codes.
    Recovery {
        /// So many are not used yet.
        left: usize,
    },
}

/// An authenticator app to be set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpOffer {
    /// `otpauth://…`, for a QR code.
    pub uri: String,
    /// The secret in base 32, to be typed.
    pub secret: String,
}

impl Joining {
    /// Changes one's own password; all other sessions end, and this one gets a new token.
    ///
    /// # Errors
    /// `Fields`, `Changed`, `Registry`.
    pub async fn change_password(
        &self,
        who: &SignedIn,
        current: &str,
        new: &str,
        again: &str,
    ) -> Result<Token, Refused> {
        let before = who.session()?;
        let mut record = self.own(who.user(), current).await?;
        let hash = self.chosen(&record.value, current, new, again).await?;
        let now = self.now();
        record.value.choose(hash, self.settings.policy.remembered, now);
        let (token, mut session) = self.new_session(who.user(), SessionStage::In, 0);
        // A new token, not a longer session.
        (session.made_at, session.until) = (before.made_at, before.until);
        let commit = Commit::at(now)
            .update(&record)
            .end_sessions(who.user())
            .session(session)
            .letter(self.changed_letter(&record.value))
            .event(Event::PasswordChosen { user: who.user().to_string(), initial: false });
        self.registry.commit(commit).await?;
        Ok(token)
    }

    /// Second factors of one's own.
    pub fn factors(&self, who: &SignedIn) -> Vec<FactorView> {
        let view = |factor: &Factor| match factor {
            Factor::Totp { confirmed, .. } => FactorView::Totp { confirmed: *confirmed },
            Factor::Key { credential, name, at } => {
                FactorView::Key { id: credential.id.clone(), name: name.clone(), at: *at }
            }
            Factor::Card { certificate } => FactorView::Card { certificate: certificate.clone() },
            Factor::Recovery { codes } => FactorView::Recovery { left: codes.len() },
        };
        who.account.factors.iter().map(view).collect()
    }

    /// Begins to set an authenticator app up; it counts once [`Joining::confirm_totp`] saw a code.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password, `WrongStand` if an app counts already, `Changed`, `Registry`.
    pub async fn offer_totp(&self, who: &SignedIn, current: &str) -> Result<TotpOffer, Refused> {
        let mut record = self.own(who.user(), current).await?;
        if record.value.factors.iter().any(|f| matches!(f, Factor::Totp { confirmed: true, .. })) {
            return Err(Refused::WrongStand);
        }
        let secret = TotpSecret::new(&*self.world);
        let offer =
            TotpOffer { uri: secret.uri(&self.settings.issuer, &who.user().to_string()), secret: secret.base32() };
        record.value.factors.retain(|f| !matches!(f, Factor::Totp { .. }));
        record.value.factors.push(Factor::Totp { secret, last: 0, confirmed: false });
        self.store_factors(record, "totp-begun", true, false).await?;
        Ok(offer)
    }

    /// The first code of the app. From now on it is asked for; the recovery codes are shown here and never again, and
    /// end those of before.
    ///
    /// # Errors
    /// `Fields` for a wrong code, `WrongStand` if none was begun, `Changed`, `Registry`.
    pub async fn confirm_totp(&self, who: &SignedIn, code: &str) -> Result<Vec<OneTime>, Refused> {
        let mut record = self.existing(who.user()).await?;
        let now = self.now();
        let begun = record.value.factors.iter_mut().find_map(|f| match f {
            Factor::Totp { secret, last, confirmed: confirmed @ false } => Some((secret, last, confirmed)),
            Factor::Totp { .. } | Factor::Key { .. } | Factor::Card { .. } | Factor::Recovery { .. } => None,
        });
        let (secret, last, confirmed) = begun.ok_or(Refused::WrongStand)?;
        let wrong = || Refused::field(FieldFault::new(Field::Code, FieldCode::Wrong));
        *last = secret.check(code, now, *last).ok_or_else(wrong)?;
        *confirmed = true;
        let (recovery, codes) = Factor::recovery(&*self.world);
        record.value.factors.retain(|f| !matches!(f, Factor::Recovery { .. }));
        record.value.factors.push(recovery);
        self.store_factors(record, "totp", true, true).await?;
        Ok(codes)
    }

    /// New recovery codes, shown here and never again; those of before count no more.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password; `WrongStand` without a second factor they could stand in for; `Changed`,
    /// `Registry`.
    pub async fn renew_recovery_codes(&self, who: &SignedIn, current: &str) -> Result<Vec<OneTime>, Refused> {
        let mut record = self.own(who.user(), current).await?;
        if !record.value.has_second_factor() {
            return Err(Refused::WrongStand);
        }
        record.value.factors.retain(|f| !matches!(f, Factor::Recovery { .. }));
        let codes = self.recovery_codes(&mut record.value.factors);
        self.store_factors(record, "recovery-codes", true, true).await?;
        Ok(codes)
    }

    /// Takes all second factors away.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password, or [`FieldCode::TooShort`] in the password if the policy asks more of
    /// it without a second factor; `Changed`, `Registry`.
    pub async fn drop_factors(&self, who: &SignedIn, current: &str) -> Result<(), Refused> {
        let mut record = self.own(who.user(), current).await?;
        self.alone(current)?;
        record.value.factors.clear();
        self.store_factors(record, "all", false, true).await
    }

    /// Is this password good without a second factor?
    pub(crate) fn alone(&self, current: &str) -> Result<(), Refused> {
        if u32::try_from(current.chars().count()).unwrap_or(u32::MAX) >= self.settings.policy.min {
            return Ok(());
        }
        let limit = Some(self.settings.policy.min);
        Err(Refused::field(FieldFault { field: Field::Password, code: FieldCode::TooShort, limit }))
    }

    pub(crate) async fn store_factors(
        &self,
        record: Record<Account>,
        factor: &str,
        added: bool,
        tell: bool,
    ) -> Result<(), Refused> {
        let user = record.value.user.to_string();
        let event = Event::SecondFactorChanged { user, factor: factor.to_owned(), added };
        let mut commit = Commit::at(self.now()).update(&record).event(event);
        if tell {
            commit = commit.letter(self.changed_letter(&record.value));
        }
        Ok(self.registry.commit(commit).await.map(|_| ())?)
    }

    pub(crate) fn changed_letter(&self, account: &Account) -> joining::Letter {
        self.letter(LetterKind::CredentialsChanged, &account.mail, account.lang)
            .with("user", account.user)
            .with("at", self.now().0)
    }

    /// Hash of a new password that may be chosen.
    ///
    /// # Errors
    /// `Fields`.
    pub(crate) async fn chosen(
        &self,
        account: &Account,
        current: &str,
        new: &str,
        again: &str,
    ) -> Result<String, Refused> {
        let policy = &self.settings.policy;
        let user = account.user.to_string();
        let local = account.mail.as_str().split('@').next().unwrap_or_default();
        let own = [user.as_str(), account.vpn.as_str(), local, account.kana.as_str()];
        let mut faults = policy.check(new, account.has_second_factor(), &own).err().unwrap_or_default();
        if new != again {
            faults.push(FieldFault::new(Field::NewPasswordAgain, FieldCode::NotTheSame));
        }
        if !faults.is_empty() {
            return Err(Refused::Fields(faults));
        }
        let mut before = new == current && policy.remembered > 0;
        for hash in &account.earlier {
            before = before || self.hasher.verify(new, hash).await?;
        }
        if before {
            return Err(Refused::field(FieldFault::new(Field::NewPassword, FieldCode::UsedBefore)));
        }
        self.hasher.hash(new, self.sixteen()).await
    }
}
