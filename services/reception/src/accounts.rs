//! Accounts, as the operator manages them (R5), and as the client VPN needs them (R7).

use audit::Event;
use joining::{
    Account, AccountRole, AccountState, Action, InitialPassword, InstitutionId, Letter, LetterKind, Lockout,
    MailAddress, Stage, UserId, VpnId, VpnSecret,
};
use model::Timestamp;
use registry::{Commit, Page, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use texts::Lang;

use crate::{Joining, Operator, Refused};

/// An account, for lists; nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// 利用者 ID.
    pub user: UserId,
    /// VPN-ID.
    pub vpn: VpnId,
    /// Its institution's number.
    pub institution: joining::InstitutionId,
    /// Name.
    pub name: String,
    /// Reading.
    pub kana: String,
    /// Address.
    pub mail: joining::MailAddress,
    /// What its owner is.
    pub role: joining::AccountRole,
    /// Does it work?
    pub state: joining::AccountState,
    /// Does it still have its initial password?
    pub initial: bool,
    /// Is it locked now?
    pub locked: bool,
    /// Does only a person unlock it?
    pub locked_hard: bool,
    /// Was its VPN password shown?
    pub vpn_shown: bool,
    /// Has it a second factor?
    pub second_factor: bool,
    /// When it was made.
    pub made_at: Timestamp,
}

impl AccountView {
    pub(crate) fn of(account: &Account, now: Timestamp) -> Self {
        Self {
            user: account.user,
            vpn: account.vpn.clone(),
            institution: account.institution,
            name: account.name.clone(),
            kana: account.kana.clone(),
            mail: account.mail.clone(),
            role: account.role,
            state: account.state,
            initial: account.is_initial(),
            locked: account.lockout.is_locked(now),
            locked_hard: account.lockout.hard,
            vpn_shown: matches!(account.vpn_secret, joining::VpnSecret::Shown { .. }),
            second_factor: account.has_second_factor(),
            made_at: account.made_at,
        }
    }
}

/// A new initial password, shown here and never again; it is told by telephone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// 利用者 ID.
    pub user: UserId,
    /// VPN-ID.
    pub vpn: VpnId,
    /// Six digits.
    pub initial: InitialPassword,
    /// It ends then.
    pub until: Timestamp,
}

/// An account as the client VPN needs it (R7).
#[derive(Clone, PartialEq, Eq)]
pub struct VpnAccount {
    /// VPN-ID.
    pub vpn: VpnId,
    /// Its institution, for people to read.
    pub institution: String,
    /// NT hash (hexadecimal) of its VPN password while it may be used; a secret.
    pub nt_hash: Option<String>,
}

impl fmt::Debug for VpnAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VpnAccount")
            .field("vpn", &self.vpn)
            .field("may", &self.nt_hash.is_some())
            .finish_non_exhaustive()
    }
}

/// Whose account is to be made.
pub(crate) struct Owner {
    pub(crate) institution: InstitutionId,
    pub(crate) role: AccountRole,
    pub(crate) name: String,
    pub(crate) kana: String,
    pub(crate) mail: MailAddress,
    pub(crate) lang: Lang,
}

/// An account that is not stored yet.
pub(crate) struct New {
    pub(crate) account: Account,
    pub(crate) initial: InitialPassword,
    pub(crate) until: Timestamp,
}

/// Rows read at once.
const PAGE: u32 = 1_000;
/// Institutions asked for in one statement.
const NAMES_AT_ONCE: usize = 200;

impl Joining {
    /// Accounts of an institution, or all of them.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn accounts(
        &self,
        operator: &Operator,
        institution: Option<InstitutionId>,
    ) -> Result<Vec<AccountView>, Refused> {
        operator.may(Action::SeeAccounts)?;
        let records = match institution {
            Some(id) => self.registry.kept_of::<Account>(id.0, Page::first(PAGE)).await?,
            None => self.registry.kept_all::<Account>(Page::first(PAGE)).await?,
        };
        let now = self.now();
        Ok(records.iter().map(|r| AccountView::of(&r.value, now)).collect())
    }

    /// Gives an account a new initial password, and a new VPN password to be shown after it was changed. Sessions and
    /// locks end; second factors stay unless `drop_factors`.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn reset_account(&self, operator: &Operator, user: UserId, drop_factors: bool) -> Result<Reset, Refused> {
        operator.may(Action::ManageAccounts)?;
        let record = self.existing(user).await?;
        self.reset(record, (&operator.account, Commit::at(self.now())), drop_factors).await
    }

    /// Unlocks an account.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn unlock_account(&self, operator: &Operator, user: UserId) -> Result<AccountView, Refused> {
        operator.may(Action::ManageAccounts)?;
        let mut record = self.existing(user).await?;
        record.value.lockout.clear();
        self.changed(&record, (&operator.account, Commit::at(self.now())), "unlocked", false).await
    }

    /// Suspends an account, or lets it work again; its sessions end.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `WrongStand`, `Changed`, `Registry`.
    pub async fn suspend_account(
        &self,
        operator: &Operator,
        user: UserId,
        suspended: bool,
    ) -> Result<AccountView, Refused> {
        operator.may(Action::ManageAccounts)?;
        let mut record = self.existing(user).await?;
        let (from, to, what) = match suspended {
            true => (AccountState::Active, AccountState::Suspended, "suspended"),
            false => (AccountState::Suspended, AccountState::Active, "resumed"),
        };
        if record.value.state != from {
            return Err(Refused::WrongStand);
        }
        record.value.state = to;
        self.changed(&record, (&operator.account, Commit::at(self.now())), what, true).await
    }

    /// Every account that may use the client VPN now: VPN-ID and NT hash (hexadecimal) of its VPN password. An account
    /// that is suspended, removed, reset or locked is not among them. For the room that drives charon.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn vpn_accounts(&self) -> Result<Vec<(VpnId, String)>, Refused> {
        let now = self.now();
        let mut all = Vec::new();
        let mut page = Page::first(PAGE);
        loop {
            let records = self.registry.kept_in::<Account>("active", page).await?;
            let Some(last) = records.last() else { break };
            page.after = Some((last.value.made_at, last.id));
            all.extend(records.iter().filter_map(|r| vpn_of(&r.value, now)));
        }
        Ok(all)
    }

    /// Every account that is not removed, with the hash of its VPN password if it may use the client VPN now: one that is
    /// suspended, reset or locked may not, and who is in the VPN with it has to go.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn vpn_roll(&self) -> Result<Vec<VpnAccount>, Refused> {
        let now = self.now();
        let mut all = Vec::new();
        for state in ["active", "suspended"] {
            let mut page = Page::first(PAGE);
            loop {
                let records = self.registry.kept_in::<Account>(state, page).await?;
                let Some(last) = records.last() else { break };
                page.after = Some((last.value.made_at, last.id));
                let ids: BTreeSet<InstitutionId> = records.iter().map(|r| r.value.institution).collect();
                let ids: Vec<InstitutionId> = ids.into_iter().collect();
                let mut names = BTreeMap::new();
                for some in ids.chunks(NAMES_AT_ONCE) {
                    let found = self.registry.institutions_by_id(some).await?;
                    names.extend(found.into_iter().map(|i| (i.id, i.name)));
                }
                all.extend(records.iter().map(|r| {
                    VpnAccount {
                        vpn: r.value.vpn.clone(),
                        institution: names.get(&r.value.institution).cloned().unwrap_or_default(),
                        nt_hash: (r.value.state == AccountState::Active)
                            .then(|| vpn_of(&r.value, now))
                            .flatten()
                            .map(|(_, hash)| hash),
                    }
                }));
            }
        }
        Ok(all)
    }

    /// Puts on record that an operator ended the lines of a VPN-ID (G14).
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn vpn_line_cut(&self, operator: &Operator, vpn: &str) -> Result<(), Refused> {
        operator.may(Action::ManageAccounts)?;
        let vpn = vpn.chars().take(64).collect();
        let event = Event::ClientVpnCut { vpn, operator: operator.account.clone() };
        Ok(self.registry.commit(Commit::at(self.now()).event(event)).await.map(|_| ())?)
    }

    /// One of [`Joining::vpn_accounts`], by its VPN-ID.
    ///
    /// # Errors
    /// `Registry`.
    pub async fn vpn_account(&self, vpn: &VpnId) -> Result<Option<(UserId, String)>, Refused> {
        let now = self.now();
        let records = self.registry.kept_named::<Account>(vpn.as_str()).await?;
        let active = records.iter().map(|r| &r.value).filter(|a| a.state == AccountState::Active);
        Ok(active.filter_map(|a| vpn_of(a, now).map(|(_, hash)| (a.user, hash))).next())
    }

    /// An account under new ids, with its initial password.
    pub(crate) async fn new_account(&self, owner: Owner) -> Result<New, Refused> {
        let now = self.now();
        let (initial, hash, until) = self.initial().await?;
        let Owner { institution, role, name, kana, mail, lang } = owner;
        let account = Account {
            user: UserId::random(&*self.world),
            vpn: VpnId::random(&*self.world),
            institution,
            role,
            state: AccountState::Active,
            stage: Stage::Initial { until },
            name,
            kana,
            mail,
            lang,
            made_at: now,
            password: hash,
            password_at: now,
            earlier: Vec::new(),
            lockout: Lockout::default(),
            vpn_secret: VpnSecret::NotShown,
            factors: Vec::new(),
        };
        Ok(New { account, initial, until })
    }

    /// A letter about an account whose initial password is told otherwise.
    pub(crate) fn account_letter(&self, kind: LetterKind, account: &Account, until: Timestamp) -> Letter {
        self.letter(kind, &account.mail, account.lang)
            .with("user", account.user)
            .with("vpn", &account.vpn)
            .with("url", format!("{}/first", self.settings.public_url))
            .with("until", until.0)
    }

    pub(crate) async fn reset(
        &self,
        mut record: Record<Account>,
        (by, commit): (&str, Commit),
        drop_factors: bool,
    ) -> Result<Reset, Refused> {
        let now = self.now();
        let (initial, hash, until) = self.initial().await?;
        record.value.reset(hash, until, now);
        record.value.vpn_secret = VpnSecret::NotShown;
        if drop_factors {
            record.value.factors.clear();
        }
        let account = &record.value;
        let commit = commit
            .update(&record)
            .end_sessions(account.user)
            .letter(self.account_letter(LetterKind::PasswordReset, account, until))
            .event(Event::AccountReset { user: account.user.to_string(), by: by.to_owned() });
        self.registry.commit(commit).await?;
        Ok(Reset { user: record.value.user, vpn: record.value.vpn, initial, until })
    }

    /// Stores a change of an account, in the commit of who makes it; with `out`, its sessions end.
    pub(crate) async fn changed(
        &self,
        record: &Record<Account>,
        (by, commit): (&str, Commit),
        what: &str,
        out: bool,
    ) -> Result<AccountView, Refused> {
        let now = self.now();
        let user = record.value.user;
        let event = Event::AccountChanged { user: user.to_string(), by: by.to_owned(), what: what.to_owned() };
        let mut commit = commit.update(record).event(event);
        if out {
            commit = commit.end_sessions(user);
        }
        self.registry.commit(commit).await?;
        Ok(AccountView::of(&record.value, now))
    }

    /// An account that is not removed.
    pub(crate) async fn existing(&self, user: UserId) -> Result<Record<Account>, Refused> {
        let record = self.registry.kept::<Account>(i64::from(user.number())).await?;
        record.filter(|r| r.value.state != AccountState::Removed).ok_or(Refused::NoSuch)
    }

    async fn initial(&self) -> Result<(InitialPassword, String, Timestamp), Refused> {
        let initial = InitialPassword::new(&*self.world);
        let hash = self.hasher.hash(initial.reveal(), self.sixteen()).await?;
        let until = self.now().plus_ms(i64::from(self.settings.policy.initial_days) * 86_400_000);
        Ok((initial, hash, until))
    }
}

fn vpn_of(account: &Account, now: Timestamp) -> Option<(VpnId, String)> {
    match &account.vpn_secret {
        VpnSecret::Shown { nt_hash, .. } if !account.is_initial() && !account.lockout.is_locked(now) => {
            Some((account.vpn.clone(), nt_hash.clone()))
        }
        _ => None,
    }
}
