//! ログイン, second factor, ログアウト (R5, R8).

use audit::Event;
use joining::{Account, AccountState, Factor, Field, FieldCode, FieldFault, LetterKind, OneTime, UserId};
use registry::{Commit, Record, Session, SessionStage};

use crate::who::Held;
use crate::{Joining, Refused, SignedIn, Token};

/// What a right password leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInAnswer {
    /// Signed in.
    In {
        /// For the cookie.
        token: Token,
        /// The policy wants the password changed (only where it has an age).
        change_due: bool,
    },
    /// A second factor is waited for, five minutes.
    SecondFactor {
        /// Not for a cookie; good for the second factor only: [`Joining::second_step`] says which do.
        token: Token,
        /// Does an app's code do?
        totp: bool,
        /// Does the card do?
        card: bool,
    },
    /// It is the initial password: it has to be changed first.
    MustChange {
        /// For the cookie; good for [`Joining::settling`].
        token: Token,
    },
}

/// Time for the second factor, and wrong ones that end it.
const FACTOR_MINUTES: i64 = 5;
const FACTOR_WRONG: u32 = 5;
/// A session that was used less than this ago need not be noted again.
const SEEN_MS: i64 = 60_000;

/// What somebody showed, held against one factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    Right,
    Wrong,
    /// It is a copy's: the counter of a security key did not go forward.
    Copied,
}

impl From<bool> for Proof {
    fn from(right: bool) -> Self {
        if right { Self::Right } else { Self::Wrong }
    }
}

/// What a password is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The page that changes an initial password.
    First,
    /// ログイン.
    SignIn,
}

impl Joining {
    /// ログイン. The answer to a wrong password is the same, and takes as long, whether the user ID exists or is locked.
    ///
    /// # Errors
    /// `WrongCredentials`, `InitialOver` (only with the right password), `Registry`.
    pub async fn sign_in(&self, user: &str, password: &str) -> Result<SignInAnswer, Refused> {
        for _ in 0..Self::TRIES {
            let record = self.proven(user, password, Purpose::SignIn).await?;
            let answer = if record.value.is_initial() {
                self.must_change(record).await.map(|token| SignInAnswer::MustChange { token })
            } else if record.value.has_second_factor() {
                self.ask_second(record).await
            } else {
                self.let_in(record, None).await
            };
            match answer {
                // Others signed in, or guessed, meanwhile: the password was not proven against what stands now.
                Err(Refused::Changed) => {}
                done => return done,
            }
        }
        Err(Refused::Changed)
    }

    /// The code of the app, or a recovery code, which is used up.
    ///
    /// # Errors
    /// `WrongSecondFactor`, `NotSignedIn` after five wrong ones or five minutes, `Registry`.
    pub async fn second_factor_code(&self, token: &str, code: &str) -> Result<SignInAnswer, Refused> {
        let now = self.now();
        self.second_factor(token, |factor| match factor {
            Factor::Totp { secret, last, confirmed: true } => match secret.check(code, now, *last) {
                Some(step) => {
                    *last = step;
                    Proof::Right
                }
                None => Proof::Wrong,
            },
            Factor::Recovery { .. } => factor.use_recovery(code).into(),
            Factor::Totp { .. } | Factor::Key { .. } | Factor::Card { .. } => Proof::Wrong,
        })
        .await
    }

    /// Who holds this token. Each use keeps the session from becoming idle.
    ///
    /// # Errors
    /// `NotSignedIn`, `Registry`.
    pub async fn session(&self, token: &str) -> Result<SignedIn, Refused> {
        let (session, account) = self.holder(token).await?;
        let now = self.now();
        let idle = session.seen_at.plus_ms(i64::from(self.settings.idle_minutes) * 60_000);
        if session.stage != SessionStage::In || idle <= now || account.is_initial() {
            return Err(Refused::NotSignedIn);
        }
        if session.seen_at.plus_ms(SEEN_MS) <= now {
            self.registry.session_seen(&session.hash, now).await?;
        }
        Ok(SignedIn { account, held: Held::Session(session) })
    }

    /// ログアウト. A program's token ends for good.
    ///
    /// # Errors
    /// `Changed`, `Registry`.
    pub async fn sign_out(&self, who: &SignedIn) -> Result<(), Refused> {
        match &who.held {
            Held::Session(session) => self.end(who.account.user, session).await,
            Held::Program { number, .. } => {
                self.revoke(self.registry.kept(*number).await?.ok_or(Refused::NotSignedIn)?).await
            }
        }
    }

    /// The account whose password this is. A wrong one is counted. The caller must store the record it gets, so that
    /// of guesses made at the same moment none counts that the lock would have stopped.
    pub(crate) async fn proven(
        &self,
        user: &str,
        password: &str,
        purpose: Purpose,
    ) -> Result<Record<Account>, Refused> {
        let user: Option<UserId> = user.parse().ok();
        for _ in 0..Self::TRIES {
            let record = match user {
                Some(user) => self.registry.kept::<Account>(i64::from(user.number())).await?,
                None => None,
            };
            let now = self.now();
            let Some(record) = record else {
                self.hasher.verify(password, "").await?;
                return Err(Refused::WrongCredentials);
            };
            let why = match record.value.state {
                AccountState::Active if record.value.lockout.is_locked(now) => Some("locked"),
                AccountState::Active => None,
                AccountState::Suspended => Some("suspended"),
                AccountState::Removed => Some("removed"),
            };
            if let Some(why) = why {
                self.hasher.verify(password, "").await?;
                let event = refused(record.value.user, why);
                self.registry.commit(Commit::at(now).event(event)).await?;
                return Err(Refused::WrongCredentials);
            }
            let right = self.hasher.verify(password, &record.value.password).await?;
            // Only the page for it takes an initial password as such, and it takes nothing else.
            let misplaced = purpose == Purpose::First && !record.value.is_initial();
            if right && !misplaced {
                return Ok(record);
            }
            if right {
                return Err(Refused::WrongCredentials);
            }
            match self.count_wrong(record, "password").await {
                Ok(()) => return Err(Refused::WrongCredentials),
                Err(Refused::Changed) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Refused::WrongCredentials)
    }

    /// The account of somebody who is signed in, if this is its password.
    ///
    /// # Errors
    /// `Fields` for a wrong one, which is counted; `NotSignedIn` once that has locked it.
    pub(crate) async fn own(&self, user: UserId, current: &str) -> Result<Record<Account>, Refused> {
        let record = self.existing(user).await?;
        if record.value.lockout.is_locked(self.now()) || record.value.state != AccountState::Active {
            return Err(Refused::NotSignedIn);
        }
        if self.hasher.verify(current, &record.value.password).await? {
            return Ok(record);
        }
        self.count_wrong(record, "password").await?;
        Err(Refused::field(FieldFault::new(Field::Password, FieldCode::Wrong)))
    }

    /// Puts a wrong password or factor on record; a lock is told to the owner by letter.
    pub(crate) async fn count_wrong(&self, mut record: Record<Account>, why: &str) -> Result<(), Refused> {
        let now = self.now();
        let initial = record.value.is_initial();
        let locks = record.value.lockout.wrong(&self.settings.policy, initial, now);
        let user = record.value.user;
        let mut commit = Commit::at(now).update(&record).event(refused(user, why));
        if locks {
            let lock = record.value.lockout;
            let until = lock.until.filter(|_| !lock.hard);
            commit = commit.event(Event::AccountLocked { user: user.to_string(), until }).end_sessions(user).letter(
                self.letter(LetterKind::AccountLocked, &record.value.mail, record.value.lang)
                    .with("user", user)
                    .with("at", now.0),
            );
        }
        Ok(self.registry.commit(commit).await.map(|_| ())?)
    }

    async fn ask_second(&self, record: Record<Account>) -> Result<SignInAnswer, Refused> {
        let (token, session) = self.new_session(record.value.user, SessionStage::SecondFactor, FACTOR_MINUTES);
        let totp = record.value.factors.iter().any(|f| matches!(f, Factor::Totp { confirmed: true, .. }));
        let card = record.value.factors.iter().any(|f| matches!(f, Factor::Card { .. }));
        // Wrong codes of earlier tries stay counted: the password alone does not make good for them.
        let event = Event::PortalSignedIn { user: record.value.user.to_string(), second_factor: false };
        self.registry.commit(Commit::at(self.now()).update(&record).session(session).event(event)).await?;
        Ok(SignInAnswer::SecondFactor { token, totp, card })
    }

    pub(crate) async fn second_factor(
        &self,
        token: &str,
        mut shown: impl FnMut(&mut Factor) -> Proof,
    ) -> Result<SignInAnswer, Refused> {
        for _ in 0..Self::TRIES {
            let (session, _) = self.holder(token).await?;
            if session.stage != SessionStage::SecondFactor || session.wrong >= FACTOR_WRONG {
                return Err(Refused::NotSignedIn);
            }
            let mut record = self.existing(session.user).await?;
            if record.value.lockout.is_locked(self.now()) {
                return Err(Refused::NotSignedIn);
            }
            let before = recovery_left(&record.value);
            let mut copied = false;
            let right = record.value.factors.iter_mut().any(|factor| {
                let proof = shown(factor);
                copied |= proof == Proof::Copied;
                proof == Proof::Right
            });
            let answer = if right {
                let recovered = recovery_left(&record.value) < before;
                self.let_in(record, Some((session, recovered))).await
            } else {
                self.registry.session_wrong(&session.hash, self.now()).await?;
                let why = if copied { "second-factor-copied" } else { "second-factor" };
                self.count_wrong(record, why).await.and(Err(Refused::WrongSecondFactor))
            };
            match answer {
                Err(Refused::Changed) => {}
                done => return done,
            }
        }
        Err(Refused::NotSignedIn)
    }

    /// Signed in; with the session of the second factor, if there was one, which ends. A recovery code that was used up
    /// for it is told to the owner: it is the way in of who has found the note.
    async fn let_in(
        &self,
        mut record: Record<Account>,
        second: Option<(Session, bool)>,
    ) -> Result<SignInAnswer, Refused> {
        let now = self.now();
        record.value.lockout.clear();
        let user = record.value.user;
        let minutes = i64::from(self.settings.session_hours) * 60;
        let (token, session) = self.new_session(user, SessionStage::In, minutes);
        let event = Event::PortalSignedIn { user: user.to_string(), second_factor: second.is_some() };
        let mut commit = Commit::at(now).update(&record).session(session).event(event);
        if let Some((second, recovered)) = second {
            commit = commit.end_session(second.hash);
            if recovered {
                let factor = "recovery-code".to_owned();
                let event = Event::SecondFactorChanged { user: user.to_string(), factor, added: false };
                commit = commit.event(event).letter(self.changed_letter(&record.value));
            }
        }
        self.registry.commit(commit).await?;
        let change_by = self.settings.policy.change_by(record.value.password_at);
        Ok(SignInAnswer::In { token, change_due: change_by.is_some_and(|by| by <= now) })
    }

    pub(crate) fn new_session(&self, user: UserId, stage: SessionStage, minutes: i64) -> (Token, Session) {
        let token = OneTime::for_url(&*self.world);
        let now = self.now();
        let until = now.plus_ms(minutes * 60_000);
        let session = Session { hash: token.hash(), user, stage, made_at: now, seen_at: now, until, wrong: 0 };
        (token, session)
    }

    /// The session of a token that is not over, and its account, which works.
    pub(crate) async fn holder(&self, token: &str) -> Result<(Session, Account), Refused> {
        let hash = OneTime::read(token).ok_or(Refused::NotSignedIn)?.hash();
        let session = self.registry.session(&hash).await?.ok_or(Refused::NotSignedIn)?;
        if session.until <= self.now() {
            return Err(Refused::NotSignedIn);
        }
        let record = self.registry.kept::<Account>(i64::from(session.user.number())).await?;
        match record {
            Some(record) if record.value.state == AccountState::Active => Ok((session, record.value)),
            _ => Err(Refused::NotSignedIn),
        }
    }
}

fn recovery_left(account: &Account) -> usize {
    account.factors.iter().map(|f| if let Factor::Recovery { codes } = f { codes.len() } else { 0 }).sum()
}

fn refused(user: UserId, why: &str) -> Event {
    Event::PortalSignInRefused { user: user.to_string(), why: why.to_owned() }
}
