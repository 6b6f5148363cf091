//! The person's card as a second factor (R5). A browser cannot ask it, so `sekisho card confirm` does, at the same terminal:
//! the page shows a short code, which is good for minutes, once, and from that terminal's address only; the command shows what
//! would be confirmed, the card signs that, and the page goes on.
//!
//! Whether a certificate is a card's, and the signature its key's, is judged before anything here is called.

use audit::Event;
use joining::{CardCode, Factor, OneTime, Purpose, UserId};
use registry::{Commit, RegistryError, SessionStage};
use std::net::IpAddr;
use wire::card_call::{CardCall, CardFor};

use crate::sign_in::Proof;
use crate::{Joining, Refused, SignInAnswer, SignedIn};

/// Time to walk to the card reader, minutes.
const MINUTES: i64 = 5;
/// Cards of one account, as many as keys.
const AT_MOST: usize = 10;

impl Joining {
    /// Begins to add a card: the code for it. `from`: the address of the terminal.
    ///
    /// # Errors
    /// `Fields` for a wrong `current` password, `WrongStand` if there are ten cards, `Registry`.
    pub async fn offer_card(&self, who: &SignedIn, current: &str, from: IpAddr) -> Result<CardCode, Refused> {
        let record = self.own(who.user(), current).await?;
        if cards(&record.value.factors) >= AT_MOST {
            return Err(Refused::WrongStand);
        }
        let code = CardCode::of(&OneTime::for_url(&*self.world));
        let about = i64::from(who.user().number());
        let until = self.now().plus_ms(MINUTES * 60_000);
        let commit = Commit::at(self.now())
            .end_links(Purpose::CardAdd, about)
            .link(code.hash(from), Purpose::CardAdd, about, until)
            .event(Event::CodeGiven { purpose: Purpose::CardAdd.as_str().to_owned(), about });
        self.registry.commit(commit).await?;
        Ok(code)
    }

    /// The code for the card in a sign-in that waits for a second factor; the same whenever it is asked for.
    ///
    /// # Errors
    /// `NotSignedIn`, `Registry`.
    pub async fn card_code(&self, step: &str, from: IpAddr) -> Result<CardCode, Refused> {
        let (session, _) = self.holder(step).await?;
        if session.stage != SessionStage::SecondFactor {
            return Err(Refused::NotSignedIn);
        }
        let code = CardCode::of(&OneTime::read(step).ok_or(Refused::NotSignedIn)?);
        if self.registry.link(&code.hash(from), Purpose::CardSignIn).await?.is_none() {
            let about = i64::from(session.user.number());
            let commit = Commit::at(self.now())
                .link(code.hash(from), Purpose::CardSignIn, about, session.until)
                .event(Event::CodeGiven { purpose: Purpose::CardSignIn.as_str().to_owned(), about });
            self.registry.commit(commit).await?;
        }
        Ok(code)
    }

    /// What a code stands for, to be shown before the card is asked.
    ///
    /// # Errors
    /// `LinkUnknown`, also from another address than the page's; `LinkOver`; `Registry`.
    pub async fn card_call(&self, code: &str, from: IpAddr) -> Result<CardCall, Refused> {
        Ok(self.called(code, from).await?.1)
    }

    /// The card with this certificate (SHA-256, hexadecimal) signed [`CardCall::message`] of that very call.
    ///
    /// # Errors
    /// As [`Joining::card_call`]; `WrongSecondFactor` for a card that is not the account's, which is counted;
    /// `WrongStand` if the account has ten cards; `Changed`.
    pub async fn card_shown(&self, code: &str, from: IpAddr, certificate: &str) -> Result<(), Refused> {
        let certificate = certificate.to_ascii_lowercase();
        for _ in 0..Self::TRIES {
            // What was shown at the same moment is counted first, and may have locked the account or used the code up.
            match self.card_judged(code, from, &certificate).await {
                Err(Refused::Changed) => {}
                done => return done,
            }
        }
        Err(Refused::Changed)
    }

    async fn card_judged(&self, code: &str, from: IpAddr, certificate: &str) -> Result<(), Refused> {
        let (code, call) = self.called(code, from).await?;
        let user: UserId = call.user.parse().map_err(|_| Refused::LinkUnknown)?;
        let mut record = self.existing(user).await?;
        let is_own = |f: &Factor| matches!(f, Factor::Card { certificate: c } if c == certificate);
        let own = record.value.factors.iter().any(is_own);
        let purpose = purpose(call.what);
        let event = Event::CodeUsed { purpose: purpose.as_str().to_owned(), about: i64::from(user.number()) };
        let mut commit = Commit::at(self.now()).use_link(code.hash(from), purpose).event(event);
        match call.what {
            CardFor::SignIn if !own => {
                self.count_wrong(record, "second-factor").await?;
                return Err(Refused::WrongSecondFactor);
            }
            CardFor::SignIn => {}
            CardFor::Add if !own && cards(&record.value.factors) >= AT_MOST => return Err(Refused::WrongStand),
            CardFor::Add => {
                record.value.factors.retain(|f| !is_own(f));
                record.value.factors.push(Factor::Card { certificate: certificate.to_owned() });
                let changed =
                    Event::SecondFactorChanged { user: user.to_string(), factor: "card".to_owned(), added: true };
                commit = commit.update(&record).letter(self.changed_letter(&record.value)).event(changed);
            }
        }
        match self.registry.commit(commit).await {
            Ok(_) => Ok(()),
            Err(RegistryError::Stale { .. }) => Err(Refused::Changed),
            Err(error) => Err(error.into()),
        }
    }

    /// The page that showed the code of [`Joining::offer_card`] goes on; `None` while the card has not answered. An
    /// account without recovery codes gets some, shown here and never again.
    ///
    /// # Errors
    /// `LinkUnknown` if the code is no such code of this account at this address, `LinkOver`, `Changed`, `Registry`.
    pub async fn card_added(&self, who: &SignedIn, code: &str, from: IpAddr) -> Result<Option<Vec<OneTime>>, Refused> {
        let code = CardCode::read(code).ok_or(Refused::LinkUnknown)?;
        let link = self.registry.link(&code.hash(from), Purpose::CardAdd).await?.ok_or(Refused::LinkUnknown)?;
        if link.about != i64::from(who.user().number()) {
            return Err(Refused::LinkUnknown);
        }
        if link.used_at.is_none() {
            return if link.until <= self.now() { Err(Refused::LinkOver { at: link.until }) } else { Ok(None) };
        }
        let mut record = self.existing(who.user()).await?;
        if cards(&record.value.factors) == 0 {
            // Taken away again meanwhile.
            return Err(Refused::LinkUnknown);
        }
        let codes = self.recovery_codes(&mut record.value.factors);
        if !codes.is_empty() {
            self.store_factors(record, "recovery-codes", true, false).await?;
        }
        Ok(Some(codes))
    }

    /// The page goes on; `None` while the card has not confirmed.
    ///
    /// # Errors
    /// As [`Joining::second_factor_code`].
    pub async fn second_factor_card(&self, step: &str, from: IpAddr) -> Result<Option<SignInAnswer>, Refused> {
        let code = self.card_code(step, from).await?;
        let link = self.registry.link(&code.hash(from), Purpose::CardSignIn).await?;
        if link.is_none_or(|link| link.used_at.is_none()) {
            return Ok(None);
        }
        // Which card it was, was judged when it answered; here one must still be the account's.
        self.second_factor(step, |factor| Proof::from(matches!(factor, Factor::Card { .. }))).await.map(Some)
    }

    async fn called(&self, code: &str, from: IpAddr) -> Result<(CardCode, CardCall), Refused> {
        let code = CardCode::read(code).ok_or(Refused::LinkUnknown)?;
        for what in [CardFor::SignIn, CardFor::Add] {
            let Some(link) = self.registry.link(&code.hash(from), purpose(what)).await? else { continue };
            if link.used_at.is_some() {
                return Err(Refused::LinkUnknown);
            }
            if link.until <= self.now() {
                return Err(Refused::LinkOver { at: link.until });
            }
            let user = u32::try_from(link.about).ok().and_then(UserId::new).ok_or(Refused::LinkUnknown)?;
            let account = self.active_account(user).await.map_err(|_| Refused::LinkUnknown)?;
            // What a password allowed ends with it, and nothing is added to an account while it is locked.
            let given_at = link.until.plus_ms(-MINUTES * 60_000);
            if account.lockout.is_locked(self.now()) || account.password_at > given_at {
                return Err(Refused::LinkUnknown);
            }
            let institution = self.institution_name(account.institution).await?;
            return Ok((code, CardCall { what, user: user.to_string(), institution, until: link.until }));
        }
        Err(Refused::LinkUnknown)
    }
}

fn cards(factors: &[Factor]) -> usize {
    factors.iter().filter(|f| matches!(f, Factor::Card { .. })).count()
}

fn purpose(what: CardFor) -> Purpose {
    match what {
        CardFor::SignIn => Purpose::CardSignIn,
        CardFor::Add => Purpose::CardAdd,
    }
}
