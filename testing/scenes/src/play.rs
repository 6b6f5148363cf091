//! What every play needs: a stage, an account, and words for what people do.

use std::fmt::Display;
use std::time::Duration;

use lab::{Answer, Mark, Netns, Probe};
use serde_json::Value;
use story::{Account, Answered, Look, Stage, StageError, until};
use texts::Arg;

use crate::Letter;
use crate::farend::{Identity, Papers, Reply, Session, Target};
use crate::proved;

/// A play under way.
pub(crate) struct Play<'a> {
    pub stage: &'a mut Stage,
    pub account: &'a mut Account,
    /// The authority of the far ends.
    pub papers: Papers,
    /// What passes when nothing is open: the house's own rules.
    pub standing: &'static [&'static str],
    /// Of which scenario pictures are left for people, and in which language; of none in a test.
    pub pictures: Option<(Letter, &'static str)>,
    mark: Mark,
}

pub(crate) type Told = Result<(), StageError>;

impl<'a> Play<'a> {
    pub fn begin(
        stage: &'a mut Stage,
        account: &'a mut Account,
        pictures: Option<(Letter, &'static str)>,
    ) -> Result<Self, StageError> {
        let papers = Papers::new("TEST far ends").map_err(product)?;
        let mark = stage.lab().capture().mark();
        Ok(Self { stage, account, papers, standing: &[], pictures, mark })
    }

    // ---- checks

    pub fn check<E: Display>(&mut self, key: &str, outcome: Result<(), E>) {
        self.account.check(key, &[], outcome);
    }

    pub fn that(&mut self, key: &str, holds: bool, seen: impl Display) {
        self.check(key, if holds { Ok(()) } else { Err(seen) });
    }

    /// A line opens.
    pub fn opens(&mut self, key: &str, at: &str, card: &str, service: &str) -> Result<Answered, StageError> {
        let answered = self.stage.open_as(at, card, service)?;
        self.that(key, answered.code == 0, answered.seen());
        Ok(answered)
    }

    /// A line does not open with a card, for this reason among others.
    pub fn refused(&mut self, key: &str, at: &str, card: &str, service: &str, code: &str) -> Told {
        let answered = self.stage.open_as(at, card, service)?;
        self.refused_for(key, &answered, code);
        Ok(())
    }

    /// The same in the session of whoever is signed in there.
    pub fn refused_in_session(&mut self, key: &str, at: &str, card: &str, service: &str, code: &str) -> Told {
        let answered = self.stage.at_terminal_as(at, card, &["--json", "open", service])?;
        self.refused_for(key, &answered, code);
        Ok(())
    }

    fn refused_for(&mut self, key: &str, answered: &Answered, code: &str) {
        let reasons = answered.json()["reasons"].as_array().cloned().unwrap_or_default();
        let found = reasons.iter().find(|r| r["code"] == code);
        let said = found.and_then(|r| r["text"].as_str()).unwrap_or_default().to_owned();
        let holds = answered.code == 1 && found.is_some();
        self.account.check(key, &[("text", Arg::text(said))], if holds { Ok(()) } else { Err(answered.seen()) });
    }

    /// Somebody signs in at a terminal.
    pub fn signs_in(&mut self, key: &str, at: &str, card: &str) -> Told {
        let answered = self.stage.at_terminal_as(at, card, &["--json", "login", "--pin-fd", "9"])?;
        self.that(key, answered.code == 0, answered.seen());
        Ok(())
    }

    /// Waits until a line of a service is open; nothing if it never is.
    pub fn comes_open(&self, service: &str) -> Result<Option<Value>, StageError> {
        let mut found = None;
        until(Duration::from_secs(10), || {
            let status = self.stage.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
            let connections = status["connections"].as_array().cloned().unwrap_or_default();
            found = connections.into_iter().find(|c| c["service"] == service && c["state"] == "open");
            found.is_some()
        });
        Ok(found)
    }

    /// Waits until no line of a service is left.
    pub fn is_gone(&self, service: &str) -> bool {
        until(Duration::from_secs(10), || {
            let status = self.stage.operator(&["--json", "status"]).map(|a| a.json()).unwrap_or_default();
            status["connections"].as_array().is_some_and(|all| !all.iter().any(|c| c["service"] == service))
        })
    }

    pub fn closes(&mut self, key: &str, at: &str, service: &str) -> Told {
        let closed = self.stage.close(at, service)?;
        self.that(key, closed.code == 0, closed.seen());
        Ok(())
    }

    /// Packets reach exactly what the proof says, and the proof says exactly this.
    pub fn exactly(&mut self, key: &str, expected: &[&str]) -> Told {
        let outcome = proved::exactly(self.stage, expected)?;
        let cells = outcome.as_ref().copied().unwrap_or_default();
        let args = [("cells", Arg::Number(cells as i64)), ("open", Arg::Number(expected.len() as i64))];
        self.account.check(key, &args, outcome.map(drop));
        Ok(())
    }

    /// Leaves a picture of what an operator sees now, if pictures are wanted.
    pub fn live_picture(&mut self) -> Told {
        let Some((letter, lang)) = self.pictures else { return Ok(()) };
        let mut browser = self.stage.operator_browser("operator", Look::of(lang))?;
        browser.go(&self.stage.pages_url())?;
        browser.until("!!document.querySelector('svg')", "the live picture")?;
        let file = story::pictures().join(format!("scenario-{}-live.{lang}.png", letter.as_str()));
        browser.screenshot(&file)?;
        self.account.say(&file.display().to_string());
        Ok(())
    }

    /// Nothing comes back of any of these, by TCP, UDP and ICMP: from a host to addresses at ports.
    pub fn silent(&mut self, key: &str, ways: &[(&str, std::net::Ipv4Addr, u16)]) -> Told {
        let probes: Vec<Probe> = ways
            .iter()
            .flat_map(|(from, to, port)| {
                let from = format!("sk-{}", from.replace('/', "-"));
                [Probe::tcp(&from, *to, *port), Probe::udp(&from, *to, *port), Probe::icmp(&from, *to)]
            })
            .collect();
        let answers = self.stage.lab().probe_all(&probes)?;
        let heard: Vec<String> = probes
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| **answer != Answer::Silent)
            .map(|(probe, answer)| format!("{probe:?} {answer:?}"))
            .collect();
        self.that(key, heard.is_empty(), heard.join("; "));
        Ok(())
    }

    /// A far end answers with this status.
    pub fn answers(&mut self, key: &str, reply: Result<Reply, String>, status: u16) -> Value {
        let outcome = match &reply {
            Ok(reply) if reply.status == status => Ok(()),
            Ok(reply) => Err(format!("{} {}", reply.status, reply.body)),
            Err(why) => Err(why.clone()),
        };
        self.check(key, outcome);
        reply.map(|r| r.body).unwrap_or_default()
    }

    /// What holds at the end of every play, when all lines are closed again: nothing was in clear on the Internet, the
    /// record is whole, and its three points agree about every line.
    pub fn end(&mut self) -> Told {
        let clear = self.stage.lab().capture().clear_since(self.mark, &self.stage.lab().private_prefixes())?;
        self.that("scene-nothing-clear", clear.is_empty(), format!("{clear:?}"));
        self.exactly("scene-shut-after", self.standing)?;
        let matched = self.stage.operator(&["log", "match"])?;
        self.account.quote(&matched.stdout);
        self.that("scene-three-points", matched.code == 0, matched.seen());
        let verified = self.stage.operator(&["log", "verify"])?;
        self.that("scene-record-whole", verified.code == 0, verified.seen());
        Ok(())
    }

    // ---- things

    pub fn netns(&self, at: &str) -> Result<Netns, StageError> {
        Ok(self.stage.lab().netns(&format!("sk-{}", at.replace('/', "-")))?.clone())
    }

    pub fn address(&self, at: &str) -> Result<std::net::Ipv4Addr, StageError> {
        let (site, host) = at.split_once('/').ok_or_else(|| product(format!("{at} is no host")))?;
        match self.stage.lab().address(site, host)? {
            std::net::IpAddr::V4(address) => Ok(address),
            std::net::IpAddr::V6(address) => Err(product(format!("{at} has {address}: the plays are of IPv4"))),
        }
    }

    /// A far end at a host, under the name `<host>.<site>.test`.
    pub fn target(&self, at: &str, port: u16) -> Result<Target, StageError> {
        Ok(Target { address: self.address(at)?, port, name: name(at), ca_pem: self.papers.ca_pem.clone() })
    }

    pub fn server_papers(&self, at: &str) -> Result<Identity, StageError> {
        self.papers.server(&name(at)).map_err(product)
    }

    pub fn client_papers(&self, at: &str) -> Result<Identity, StageError> {
        self.papers.client(at).map_err(product)
    }

    /// One question in a session of its own.
    pub fn ask(
        &self,
        from: &str,
        target: &Target,
        identity: Option<&Identity>,
        (method, path, body): (&str, &str, Value),
    ) -> Result<Reply, String> {
        let netns = self.netns(from).map_err(|e| e.to_string())?;
        Session::open(&netns, target, identity)?.ask(method, path, &body)
    }
}

fn name(at: &str) -> String {
    let (site, host) = at.split_once('/').unwrap_or(("internet", at));
    format!("{host}.{site}.test")
}

pub(crate) fn product(why: impl ToString) -> StageError {
    StageError::Product(why.to_string())
}
