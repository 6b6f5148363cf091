//! Attempts to sign in: made by the console, shown a card at the other entrance, used once (N3).
//!
//! An attempt ties four things together: the terminal (its device certificate), the source host the gate saw, the
//! browser (a cookie), and the card. Whoever lacks one of them gets nowhere, so nobody can sign a victim in as somebody
//! else by a link (login CSRF), nor bring a card from another machine. Nothing here knows time or chance: both come in.

use connections::Shown;
use model::{HostRef, SiteId, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// How long an attempt lives.
pub(super) const LIVES_MS: i64 = 120_000;
/// Attempts of one terminal at a time; the oldest gives way.
const OF_TERMINAL: usize = 4;

/// A random value that only its holder knows; kept here as its digest, so that neither memory nor the time a comparison
/// takes gives it away.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    pub fn digest(&self) -> [u8; 32] {
        self.0
    }
}

/// Where a request comes from, besides what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// Site of the gate that relays.
    pub through: SiteId,
    /// The host, as that gate saw it.
    pub source: IpAddr,
}

/// Why an attempt leads nowhere. Whatever it is, the attempt is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Misuse {
    /// Never made, used up, or too old.
    Unknown,
    /// From another host or site than the console was opened at.
    OtherHost,
    /// From another browser.
    OtherBrowser,
    /// With another card, or another terminal, than before.
    Changed,
    /// A step was left out.
    OutOfOrder,
}

impl Misuse {
    /// Key of its text; the remedy is this with `-do`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Unknown => "portal-misuse-unknown",
            Self::OtherHost => "portal-misuse-other-host",
            Self::OtherBrowser => "portal-misuse-other-browser",
            Self::Changed => "portal-misuse-changed",
            Self::OutOfOrder => "portal-misuse-out-of-order",
        }
    }

    #[cfg(test)]
    const ALL: [Self; 5] = [Self::Unknown, Self::OtherHost, Self::OtherBrowser, Self::Changed, Self::OutOfOrder];
}

struct Attempt {
    at: HostRef,
    origin: Origin,
    browser: Secret,
    until: Timestamp,
    stage: Stage,
}

enum Stage {
    Begun,
    /// The page that asks to confirm was shown for this card.
    Asked {
        card: [u8; 32],
    },
    Confirmed(Box<Shown>),
}

/// All attempts of a center.
#[derive(Default)]
pub(super) struct Attempts {
    held: BTreeMap<Secret, Attempt>,
}

impl Attempts {
    /// A terminal begins; `id` and `browser` are fresh random values.
    pub fn begin(&mut self, id: Secret, browser: Secret, at: HostRef, origin: Origin, now: Timestamp) {
        self.held.retain(|_, a| a.until > now);
        while self.held.values().filter(|a| a.at == at).count() >= OF_TERMINAL {
            let oldest = self.held.iter().filter(|(_, a)| a.at == at).min_by_key(|(_, a)| a.until);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else { break };
            self.held.remove(&oldest);
        }
        self.held.insert(id, Attempt { at, origin, browser, until: now.plus_ms(LIVES_MS), stage: Stage::Begun });
    }

    /// The card (SHA-256 of its certificate) is shown; gives the terminal that is to be confirmed.
    pub fn ask(
        &mut self,
        id: &Secret,
        browser: &Secret,
        origin: &Origin,
        card: [u8; 32],
        now: Timestamp,
    ) -> Result<HostRef, Misuse> {
        let mut attempt = self.take(id, browser, origin, now)?;
        match attempt.stage {
            Stage::Begun => {}
            // The page was loaded again.
            Stage::Asked { card: before } if before == card => {}
            Stage::Asked { .. } => return Err(Misuse::Changed),
            Stage::Confirmed(_) => return Err(Misuse::OutOfOrder),
        }
        attempt.stage = Stage::Asked { card };
        let at = attempt.at.clone();
        self.held.insert(id.clone(), attempt);
        Ok(at)
    }

    /// The person confirmed, in a session the same card made.
    pub fn confirm(
        &mut self,
        id: &Secret,
        browser: &Secret,
        origin: &Origin,
        card: [u8; 32],
        shown: Shown,
        now: Timestamp,
    ) -> Result<(), Misuse> {
        let mut attempt = self.take(id, browser, origin, now)?;
        match attempt.stage {
            Stage::Asked { card: before } if before == card => {}
            Stage::Asked { .. } => return Err(Misuse::Changed),
            Stage::Begun | Stage::Confirmed(_) => return Err(Misuse::OutOfOrder),
        }
        attempt.stage = Stage::Confirmed(Box::new(shown));
        self.held.insert(id.clone(), attempt);
        Ok(())
    }

    /// Back at the console of the same terminal: what the card showed, once.
    pub fn redeem(
        &mut self,
        id: &Secret,
        browser: &Secret,
        at: &HostRef,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<Shown, Misuse> {
        let attempt = self.take(id, browser, origin, now)?;
        match attempt.stage {
            _ if attempt.at != *at => Err(Misuse::Changed),
            Stage::Confirmed(shown) => Ok(*shown),
            Stage::Begun | Stage::Asked { .. } => Err(Misuse::OutOfOrder),
        }
    }

    /// Takes an attempt out; whoever may go on with it puts it back. So a misused one is over.
    fn take(&mut self, id: &Secret, browser: &Secret, origin: &Origin, now: Timestamp) -> Result<Attempt, Misuse> {
        let attempt = self.held.remove(id).filter(|a| a.until > now).ok_or(Misuse::Unknown)?;
        if attempt.origin != *origin {
            return Err(Misuse::OtherHost);
        }
        if attempt.browser != *browser {
            return Err(Misuse::OtherBrowser);
        }
        Ok(attempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connections::CardAnswer;
    use texts::{Lang, Texts};

    const NOW: Timestamp = Timestamp(1_000_000);
    const CARD: [u8; 32] = [7; 32];

    fn at(text: &str) -> HostRef {
        text.parse().unwrap()
    }
    fn origin(site: &str, source: &str) -> Origin {
        Origin { through: site.parse().unwrap(), source: source.parse().unwrap() }
    }
    fn here() -> Origin {
        origin("clinic", "10.1.20.11")
    }
    fn shown() -> Shown {
        Shown { device: vec![], nonce: None, exporter: [0; 32], card: vec![], answer: CardAnswer::Signature(vec![]) }
    }

    struct Try {
        attempts: Attempts,
        id: Secret,
        browser: Secret,
    }

    impl Try {
        fn begun() -> Self {
            let (id, browser) = (Secret::of("id"), Secret::of("browser"));
            let mut attempts = Attempts::default();
            attempts.begin(id.clone(), browser.clone(), at("clinic/exam-1"), here(), NOW);
            Self { attempts, id, browser }
        }
        fn ask(&mut self, card: [u8; 32], from: &Origin, when: Timestamp) -> Result<HostRef, Misuse> {
            self.attempts.ask(&self.id, &self.browser, from, card, when)
        }
        fn confirm(&mut self, card: [u8; 32], from: &Origin, when: Timestamp) -> Result<(), Misuse> {
            self.attempts.confirm(&self.id, &self.browser, from, card, shown(), when)
        }
        fn redeem(&mut self, terminal: &str, from: &Origin, when: Timestamp) -> Result<(), Misuse> {
            self.attempts.redeem(&self.id, &self.browser, &at(terminal), from, when).map(drop)
        }
    }

    #[test]
    fn the_whole_way_and_no_second_time() {
        let mut a = Try::begun();
        assert_eq!(a.ask(CARD, &here(), NOW), Ok(at("clinic/exam-1")));
        assert_eq!(a.ask(CARD, &here(), NOW), Ok(at("clinic/exam-1")), "the page may be loaded again");
        assert_eq!(a.confirm(CARD, &here(), NOW), Ok(()));
        assert_eq!(a.redeem("clinic/exam-1", &here(), NOW), Ok(()));
        assert_eq!(a.redeem("clinic/exam-1", &here(), NOW), Err(Misuse::Unknown), "used up");
        assert_eq!(a.ask(CARD, &here(), NOW), Err(Misuse::Unknown));
    }

    #[test]
    fn another_host_or_site_ends_it() {
        for elsewhere in [origin("clinic", "10.1.20.12"), origin("hospital", "10.1.20.11")] {
            let mut a = Try::begun();
            assert_eq!(a.ask(CARD, &elsewhere, NOW), Err(Misuse::OtherHost));
            assert_eq!(a.ask(CARD, &here(), NOW), Err(Misuse::Unknown), "and is over for everybody");
            let mut a = Try::begun();
            a.ask(CARD, &here(), NOW).unwrap();
            assert_eq!(a.confirm(CARD, &elsewhere, NOW), Err(Misuse::OtherHost));
            let mut a = Try::begun();
            a.ask(CARD, &here(), NOW).unwrap();
            a.confirm(CARD, &here(), NOW).unwrap();
            assert_eq!(a.redeem("clinic/exam-1", &elsewhere, NOW), Err(Misuse::OtherHost));
        }
    }

    #[test]
    fn another_browser_ends_it() {
        let mut a = Try::begun();
        a.browser = Secret::of("somebody else's");
        assert_eq!(a.ask(CARD, &here(), NOW), Err(Misuse::OtherBrowser));
        let mut a = Try::begun();
        a.ask(CARD, &here(), NOW).unwrap();
        a.confirm(CARD, &here(), NOW).unwrap();
        a.browser = Secret::of("");
        assert_eq!(a.redeem("clinic/exam-1", &here(), NOW), Err(Misuse::OtherBrowser));
    }

    #[test]
    fn another_card_or_terminal_ends_it() {
        let mut a = Try::begun();
        a.ask(CARD, &here(), NOW).unwrap();
        assert_eq!(a.ask([8; 32], &here(), NOW), Err(Misuse::Changed));
        let mut a = Try::begun();
        a.ask(CARD, &here(), NOW).unwrap();
        assert_eq!(a.confirm([8; 32], &here(), NOW), Err(Misuse::Changed));
        let mut a = Try::begun();
        a.ask(CARD, &here(), NOW).unwrap();
        a.confirm(CARD, &here(), NOW).unwrap();
        assert_eq!(a.redeem("clinic/exam-2", &here(), NOW), Err(Misuse::Changed));
    }

    #[test]
    fn no_step_can_be_left_out_or_done_twice() {
        assert_eq!(Try::begun().confirm(CARD, &here(), NOW), Err(Misuse::OutOfOrder));
        assert_eq!(Try::begun().redeem("clinic/exam-1", &here(), NOW), Err(Misuse::OutOfOrder));
        let mut a = Try::begun();
        a.ask(CARD, &here(), NOW).unwrap();
        assert_eq!(a.redeem("clinic/exam-1", &here(), NOW), Err(Misuse::OutOfOrder));
        let mut a = Try::begun();
        a.ask(CARD, &here(), NOW).unwrap();
        a.confirm(CARD, &here(), NOW).unwrap();
        assert_eq!(a.confirm(CARD, &here(), NOW), Err(Misuse::OutOfOrder));
    }

    #[test]
    fn it_expires() {
        let late = NOW.plus_ms(LIVES_MS);
        assert_eq!(Try::begun().ask(CARD, &here(), late), Err(Misuse::Unknown));
        let mut a = Try::begun();
        a.ask(CARD, &here(), late.plus_ms(-1)).unwrap();
        assert_eq!(a.confirm(CARD, &here(), late), Err(Misuse::Unknown));
        let mut a = Try::begun();
        a.ask(CARD, &here(), NOW).unwrap();
        a.confirm(CARD, &here(), NOW).unwrap();
        assert_eq!(a.redeem("clinic/exam-1", &here(), late), Err(Misuse::Unknown));
    }

    #[test]
    fn a_terminal_holds_few_and_crowds_out_nobody_else() {
        let mut a = Try::begun();
        for n in 0..50i64 {
            let secret = Secret::of(&format!("other {n}"));
            a.attempts.begin(secret.clone(), secret, at("clinic/exam-2"), here(), NOW.plus_ms(n));
        }
        assert_eq!(a.attempts.held.len(), OF_TERMINAL + 1);
        assert!(a.ask(CARD, &here(), NOW).is_ok());
    }

    #[test]
    fn every_misuse_is_told_with_a_remedy_x5() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for misuse in Misuse::ALL {
                assert!(texts.has(misuse.key()) && texts.has(&format!("{}-do", misuse.key())), "{lang} {misuse:?}");
            }
        }
    }
}
