//! Which browser holds which session. A session belongs to a terminal; the browser that signed in there has a cookie for
//! it, good at that terminal only.

use model::{HostRef, SessionId, Timestamp};
use std::collections::BTreeMap;
use texts::Reason;

use super::attempts::Secret;

/// What is said to a person after something they did, until they do something else.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// Why it was refused; empty if it was not.
    pub reasons: Vec<Reason>,
}

struct Browser {
    session: SessionId,
    at: HostRef,
    until: Timestamp,
    said: Said,
}

/// All browsers that are signed in.
#[derive(Default)]
pub(super) struct Browsers {
    held: BTreeMap<Secret, Browser>,
}

impl Browsers {
    /// A browser signed in; whoever was at the terminal before is not any more.
    pub fn enter(&mut self, cookie: Secret, session: SessionId, at: HostRef, until: Timestamp, now: Timestamp) {
        self.held.retain(|_, b| b.until > now && b.at != at);
        self.held.insert(cookie, Browser { session, at, until, said: Said::default() });
    }

    /// The session of a cookie at a terminal, and what was said last.
    pub fn session(&self, cookie: &Secret, at: &HostRef, now: Timestamp) -> Option<(SessionId, Said)> {
        let browser = self.held.get(cookie).filter(|b| b.at == *at && b.until > now)?;
        Some((browser.session, browser.said.clone()))
    }

    /// What is to be said.
    pub fn say(&mut self, cookie: &Secret, said: Said) {
        if let Some(browser) = self.held.get_mut(cookie) {
            browser.said = said;
        }
    }

    /// The browser signed out.
    pub fn leave(&mut self, cookie: &Secret) {
        self.held.remove(cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_good_at_its_terminal_until_its_end_n3() {
        let mut browsers = Browsers::default();
        let (at, other): (HostRef, HostRef) = ("clinic/exam-1".parse().unwrap(), "clinic/exam-2".parse().unwrap());
        let (cookie, now) = (Secret::of("a"), Timestamp(0));
        browsers.enter(cookie.clone(), SessionId(1), at.clone(), Timestamp(100), now);
        assert_eq!(browsers.session(&cookie, &at, now).map(|(id, _)| id), Some(SessionId(1)));
        assert!(browsers.session(&cookie, &other, now).is_none(), "carried to another terminal");
        assert!(browsers.session(&Secret::of("b"), &at, now).is_none(), "guessed");
        assert!(browsers.session(&cookie, &at, Timestamp(100)).is_none(), "over");
        browsers.enter(Secret::of("b"), SessionId(2), at.clone(), Timestamp(100), now);
        assert!(browsers.session(&cookie, &at, now).is_none(), "somebody else signed in since");
        browsers.leave(&Secret::of("b"));
        assert!(browsers.session(&Secret::of("b"), &at, now).is_none());
    }
}
