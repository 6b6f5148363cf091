//! Tokens for one's own programs: made with the password, shown once, ended at any time.

use audit::Event;
use joining::{Action, ApiToken, BearerToken, Field, FieldCode, FieldFault, LetterKind, access, text};
use model::Timestamp;
use registry::{Commit, Page, Record, RegistryError};

use crate::who::Held;
use crate::{Joining, Refused, SignedIn};

/// A token, for the list of its owner; nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// Its number.
    pub number: i64,
    /// What its owner calls it.
    pub label: String,
    /// What it may do.
    pub actions: Vec<Action>,
    /// When it was made.
    pub made_at: Timestamp,
    /// It ends then.
    pub until: Timestamp,
    /// Does it count now?
    pub serves: bool,
}

/// A token that is asked for, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenForm {
    /// What its owner calls it.
    pub label: String,
    /// Stable names of what it is to do.
    pub actions: Vec<String>,
    /// Days it works.
    pub days: String,
    /// The present password.
    pub password: String,
}

/// A token was made. It is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenGiven {
    /// For the list.
    pub view: TokenView,
    /// The token.
    pub token: BearerToken,
}

/// Tokens of an account that work at the same time.
const AT_ONCE: usize = 20;
/// Rows read at most.
const MOST: u32 = 1_000;

impl TokenForm {
    /// Name, actions and days, if they are.
    fn check(&self, who: &SignedIn) -> Result<(String, Vec<Action>, i64), Refused> {
        let label = text(Field::Label, &self.label);
        let offered = |name: &String| {
            let action = ApiToken::OFFERED.into_iter().find(|action| action.as_str() == name);
            action.filter(|action| access::may(who.account().role.into(), *action))
        };
        let mut chosen: Vec<Action> = self.actions.iter().filter_map(offered).collect();
        // Who changes something is answered with what stands then.
        chosen.extend(chosen.clone().into_iter().filter_map(seeing));
        chosen.sort_unstable();
        chosen.dedup();
        let scope = if self.actions.is_empty() {
            Err(FieldFault::new(Field::Scope, FieldCode::Empty))
        } else if self.actions.iter().any(|name| offered(name).is_none()) {
            Err(FieldFault::new(Field::Scope, FieldCode::Unknown))
        } else {
            chosen.extend(ApiToken::ALWAYS);
            Ok(chosen)
        };
        let days = match self.days.trim().parse::<u32>() {
            Ok(days) if (1..=ApiToken::MOST_DAYS).contains(&days) => Ok(i64::from(days)),
            _ => Err(FieldFault { field: Field::Days, code: FieldCode::Malformed, limit: Some(ApiToken::MOST_DAYS) }),
        };
        match (label, scope, days) {
            (Ok(label), Ok(scope), Ok(days)) => Ok((label, scope, days)),
            (label, scope, days) => {
                Err(Refused::Fields([label.err(), scope.err(), days.err()].into_iter().flatten().collect()))
            }
        }
    }
}

/// What is seen by changing it.
fn seeing(action: Action) -> Option<Action> {
    match action {
        Action::ApplyForService => Some(Action::SeeServices),
        Action::ManageStaff => Some(Action::SeeStaff),
        Action::ManageSites => Some(Action::SeeSites),
        _ => None,
    }
}

impl Joining {
    /// One's own tokens that were not revoked, newest first.
    ///
    /// # Errors
    /// `MayNot`, `Registry`.
    pub async fn tokens(&self, who: &SignedIn) -> Result<Vec<TokenView>, Refused> {
        who.may(Action::ManageTokens)?;
        let now = self.now();
        let records = self.registry.kept_of::<ApiToken>(owner(who), Page::first(MOST)).await?;
        let mut live: Vec<TokenView> = records
            .into_iter()
            .filter(|r| r.value.revoked_at.is_none())
            .map(|r| {
                let serves = r.value.serves(&who.account, now);
                view(r.id, r.value, serves)
            })
            .collect();
        live.reverse();
        Ok(live)
    }

    /// Makes one. It acts as its owner, in what was chosen only. Asked for with the present password, in a session that
    /// showed the second factor if there is one; the owner gets a letter.
    ///
    /// # Errors
    /// `MayNot`, also for another token; `Fields`, also for a wrong password, which is counted; `TooManyTokens`,
    /// `Registry`.
    pub async fn make_token(&self, who: &SignedIn, form: &TokenForm) -> Result<TokenGiven, Refused> {
        who.may(Action::ManageTokens)?;
        // A token never makes another one: it would outlive its own end.
        who.session()?;
        let (label, actions, days) = form.check(who)?;
        let account = self.own(who.user(), &form.password).await?.value;
        if self.tokens(who).await?.iter().filter(|t| t.serves).count() >= AT_ONCE {
            return Err(Refused::TooManyTokens);
        }
        for _ in 0..Self::TRIES {
            let now = self.now();
            let token = BearerToken::new(&*self.world);
            let kept = ApiToken {
                user: who.user(),
                label: label.clone(),
                actions: actions.clone(),
                hash: token.hash(),
                made_at: now,
                second_factor: account.has_second_factor(),
                until: now.plus_ms(days * 86_400_000),
                revoked_at: None,
            };
            let number = self.number();
            let event = Event::TokenGiven {
                token: number,
                user: who.user().to_string(),
                actions: actions.iter().map(|a| a.as_str().to_owned()).collect(),
                until: kept.until,
            };
            let letter = self
                .letter(LetterKind::CredentialsChanged, &account.mail, account.lang)
                .with("user", account.user)
                .with("at", now.0);
            match self.registry.commit(Commit::at(now).insert(number, &kept).letter(letter).event(event)).await {
                Ok(_) => return Ok(TokenGiven { view: view(number, kept, true), token }),
                Err(RegistryError::Taken { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Refused::Changed)
    }

    /// Ends one of one's own, at once and for good.
    ///
    /// # Errors
    /// `MayNot`, `NoSuch`, `Changed`, `Registry`.
    pub async fn revoke_token(&self, who: &SignedIn, number: i64) -> Result<(), Refused> {
        who.may(Action::ManageTokens)?;
        let record = self.registry.kept::<ApiToken>(number).await?;
        let own = record.filter(|r| r.value.user == who.user() && r.value.revoked_at.is_none());
        self.revoke(own.ok_or(Refused::NoSuch)?).await
    }

    /// Who holds this token. Unknown, ended, revoked, or of an account that does not work: which, is not told.
    ///
    /// # Errors
    /// `NotSignedIn`, `Registry`.
    pub async fn program(&self, token: &BearerToken) -> Result<SignedIn, Refused> {
        let record = self.registry.kept_named::<ApiToken>(token.hash().as_str()).await?.pop();
        let Record { id, value, .. } = record.ok_or(Refused::NotSignedIn)?;
        let account = self.existing(value.user).await.map_err(|no| match no {
            Refused::NoSuch => Refused::NotSignedIn,
            other => other,
        })?;
        if !value.serves(&account.value, self.now()) {
            return Err(Refused::NotSignedIn);
        }
        Ok(SignedIn { account: account.value, held: Held::Program { number: id, token: Box::new(value) } })
    }

    pub(crate) async fn revoke(&self, mut record: Record<ApiToken>) -> Result<(), Refused> {
        let now = self.now();
        record.value.revoked_at = Some(now);
        let event = Event::TokenRevoked { token: record.id, user: record.value.user.to_string() };
        self.registry.commit(Commit::at(now).update(&record).event(event)).await?;
        Ok(())
    }
}

fn owner(who: &SignedIn) -> i64 {
    i64::from(who.user().number())
}

fn view(number: i64, token: ApiToken, serves: bool) -> TokenView {
    let ApiToken { label, actions, made_at, until, .. } = token;
    TokenView { number, label, actions, made_at, until, serves }
}
