//! 施設内の届出担当利用者: staff, managed by the reporting manager (R11).

use joining::{
    Account, AccountRole, AccountState, Action, Field, FieldCode, FieldFault, LetterKind, MailAddress, MailFault,
    UserId, kana, text,
};
use registry::{Page, Record, RegistryError};

use crate::accounts::{New, Owner};
use crate::review::added;
use crate::{AccountView, Joining, Refused, Reset, SignedIn};

/// A new member of staff, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaffForm {
    /// Name.
    pub name: String,
    /// Reading, full-width katakana.
    pub kana: String,
    /// Address; no mobile carrier's.
    pub mail: String,
}

/// A member of staff was added. The manager tells the initial password in person; it is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffAdded {
    /// The account.
    pub account: AccountView,
    /// Its initial password.
    pub reset: Reset,
}

/// Rows read at most.
const MOST: u32 = 1_000;

impl StaffForm {
    /// Name, reading and address, if they are.
    fn check(&self) -> Result<(String, String, MailAddress), Vec<FieldFault>> {
        let mail = MailAddress::parse(&self.mail).map_err(|fault| {
            let code = match fault {
                MailFault::Empty => FieldCode::Empty,
                MailFault::TooLong | MailFault::Malformed => FieldCode::Malformed,
                MailFault::Mobile(_) => FieldCode::Mobile,
            };
            FieldFault::new(Field::Mail, code)
        });
        match (text(Field::Name, &self.name), kana(Field::NameKana, &self.kana), mail) {
            (Ok(name), Ok(kana), Ok(mail)) => Ok((name, kana, mail)),
            (name, kana, mail) => Err([name.err(), kana.err(), mail.err()].into_iter().flatten().collect()),
        }
    }
}

impl Joining {
    /// Accounts of the institution that are not removed, the manager first.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn staff(&self, who: &SignedIn) -> Result<Vec<AccountView>, Refused> {
        who.may(Action::SeeStaff)?;
        let now = self.now();
        let records = self.registry.kept_of::<Account>(who.institution().0, Page::first(MOST)).await?;
        let there = records.iter().filter(|r| r.value.state != AccountState::Removed);
        let mut views: Vec<AccountView> = there.map(|r| AccountView::of(&r.value, now)).collect();
        views.sort_by_key(|v| (v.role, v.made_at, v.user));
        Ok(views)
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// `MayNot`, `Fields`, `Registry`.
    pub async fn add_staff(&self, who: &SignedIn, form: &StaffForm) -> Result<StaffAdded, Refused> {
        who.may(Action::ManageStaff)?;
        let (name, kana, mail) = form.check()?;
        let institution = self.institution_name(who.institution()).await?;
        for _ in 0..Self::TRIES {
            let owner = Owner {
                institution: who.institution(),
                role: AccountRole::Staff,
                name: name.clone(),
                kana: kana.clone(),
                mail: mail.clone(),
                lang: who.account.lang,
            };
            let New { account, initial, until } = self.new_account(owner).await?;
            let letter = self
                .account_letter(LetterKind::StaffAdded, &account, until)
                .with("institution", &institution)
                .with("name", &account.name);
            let now = self.now();
            let commit = who
                .commit(now)
                .insert(i64::from(account.user.number()), &account)
                .letter(letter)
                .event(added(&account, who.user().to_string()));
            match self.registry.commit(commit).await {
                Ok(_) => {
                    let reset = Reset { user: account.user, vpn: account.vpn.clone(), initial, until };
                    return Ok(StaffAdded { account: AccountView::of(&account, now), reset });
                }
                Err(RegistryError::Taken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refused::Changed)
    }

    /// Removes somebody: the account never works again, its sessions end now.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `LastManager` for oneself, `Changed`, `Registry`.
    pub async fn remove_staff(&self, who: &SignedIn, user: UserId) -> Result<(), Refused> {
        who.may(Action::ManageStaff)?;
        if user == who.user() {
            return Err(Refused::LastManager);
        }
        let mut record = self.colleague(who, user).await?;
        record.value.remove();
        self.changed(&record, (&who.user().to_string(), who.commit(self.now())), "removed", true).await?;
        Ok(())
    }

    /// Gives a member of staff a new initial password.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn reset_staff(&self, who: &SignedIn, user: UserId) -> Result<Reset, Refused> {
        who.may(Action::ManageStaff)?;
        let record = self.colleague(who, user).await?;
        // One's own password is changed with the present one, not around it.
        if user == who.user() {
            return Err(Refused::MayNot);
        }
        self.reset(record, (&who.user().to_string(), who.commit(self.now())), false).await
    }

    /// An account of the same institution; of another one there is none.
    async fn colleague(&self, who: &SignedIn, user: UserId) -> Result<Record<Account>, Refused> {
        let record = self.existing(user).await?;
        if record.value.institution == who.institution() { Ok(record) } else { Err(Refused::NoSuch) }
    }
}
