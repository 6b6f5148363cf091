//! 初期パスワード変更 and the VPN password that is shown once (R5, R6).

use audit::Event;
use joining::{Account, AccountState, VpnId, VpnPassword, VpnSecret};
use registry::{Commit, Record, RegistryError, SessionStage};

use crate::sign_in::Purpose;
use crate::{Joining, Refused, Settling, Token};

/// After the initial password was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The new session's token; the one before is void.
    pub token: Token,
}

/// The page with the VPN password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpnPasswordPage {
    /// VPN-ID.
    pub vpn: VpnId,
    /// VPN パスワード: on this page and never again.
    pub password: joining::VpnPassword,
}

/// Time for the page that changes the initial password, and for the pages after it.
const CHANGE_MINUTES: i64 = 30;
const SETTLE_MINUTES: i64 = 120;

impl Joining {
    /// 認証 with the initial password: only for changing it. The answer to a wrong one is the same whether the user ID
    /// exists, is locked, or has another stage.
    ///
    /// # Errors
    /// `WrongCredentials`, `InitialOver` (only with the right password), `Registry`.
    pub async fn first_sign_in(&self, user: &str, initial: &str) -> Result<Token, Refused> {
        for _ in 0..Self::TRIES {
            let record = self.proven(user, initial, Purpose::First).await?;
            if !record.value.is_initial() {
                return Err(Refused::WrongCredentials);
            }
            match self.must_change(record).await {
                Err(Refused::Changed) => {}
                done => return done,
            }
        }
        Err(Refused::Changed)
    }

    /// A session in which only the initial password can be changed.
    pub(crate) async fn must_change(&self, record: Record<Account>) -> Result<Token, Refused> {
        let now = self.now();
        if let joining::Stage::Initial { until } = record.value.stage
            && until <= now
        {
            return Err(Refused::InitialOver);
        }
        let (token, session) = self.new_session(record.value.user, SessionStage::MustChange, CHANGE_MINUTES);
        let event = Event::PortalSignedIn { user: record.value.user.to_string(), second_factor: false };
        self.registry.commit(Commit::at(now).update(&record).session(session).event(event)).await?;
        Ok(token)
    }

    /// Who holds this token between initial password and first sign-in.
    ///
    /// # Errors
    /// `NotSignedIn`, `Registry`.
    pub async fn settling(&self, token: &str) -> Result<Settling, Refused> {
        let (session, account) = self.holder(token).await?;
        match session.stage {
            SessionStage::MustChange | SessionStage::Settling => Ok(Settling { account, session }),
            SessionStage::SecondFactor | SessionStage::In => Err(Refused::NotSignedIn),
        }
    }

    /// Changes the initial password. `current` is the initial one once more.
    ///
    /// # Errors
    /// `Fields` (also for a wrong `current`, in [`joining::Field::Password`]), `WrongStand` if it was changed,
    /// `Changed`, `Registry`.
    pub async fn change_initial(
        &self,
        who: &Settling,
        current: &str,
        new: &str,
        again: &str,
    ) -> Result<Settled, Refused> {
        if !who.must_change() {
            return Err(Refused::WrongStand);
        }
        let mut record = self.own(who.account.user, current).await?;
        if !record.value.is_initial() {
            return Err(Refused::WrongStand);
        }
        let hash = self.chosen(&record.value, current, new, again).await?;
        let now = self.now();
        record.value.choose(hash, self.settings.policy.remembered, now);
        let (token, session) = self.new_session(who.account.user, SessionStage::Settling, SETTLE_MINUTES);
        let commit = Commit::at(now)
            .update(&record)
            .end_sessions(who.account.user)
            .session(session)
            .event(Event::PasswordChosen { user: who.account.user.to_string(), initial: true });
        self.registry.commit(commit).await?;
        Ok(Settled { token })
    }

    /// Makes the VPN password and shows it, once.
    ///
    /// # Errors
    /// `WrongStand` before the initial password was changed, `ShownAlready`, `Changed`, `Registry`.
    pub async fn show_vpn_password(&self, who: &Settling) -> Result<VpnPasswordPage, Refused> {
        if who.must_change() {
            return Err(Refused::WrongStand);
        }
        let mut record = self.existing(who.account.user).await?;
        if record.value.is_initial() || record.value.state != AccountState::Active {
            return Err(Refused::WrongStand);
        }
        if matches!(record.value.vpn_secret, VpnSecret::Shown { .. }) {
            return Err(Refused::ShownAlready);
        }
        let password = VpnPassword::new(&*self.world);
        let now = self.now();
        record.value.vpn_secret = VpnSecret::Shown { at: now, nt_hash: password.nt_hash() };
        let event = Event::VpnPasswordShown { user: record.value.user.to_string() };
        self.registry.commit(Commit::at(now).update(&record).event(event)).await?;
        Ok(VpnPasswordPage { vpn: record.value.vpn, password })
    }

    /// Ends the session of who settled.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn end_settling(&self, who: &Settling) -> Result<(), Refused> {
        self.end(who.account.user, &who.session).await
    }

    /// Ends a session; one that is over already is over.
    pub(crate) async fn end(&self, user: joining::UserId, session: &registry::Session) -> Result<(), Refused> {
        let event = Event::PortalSignedOut { user: user.to_string() };
        match self.registry.commit(Commit::at(self.now()).end_session(session.hash.clone()).event(event)).await {
            Ok(_) | Err(RegistryError::Stale { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
