//! "Why does it not work?" — the steps from the person outwards, and the first that fails (N12).
//!
//! Written for whoever looks after the network of a clinic besides another job: each step is a sentence, the first that
//! fails says whose section it is and what to do. No rule is made here: what may be opened is asked of `decision`, what
//! happened is read from the log, what stands is what gates said.

use audit::{Entry, Event};
use model::{ConnectionRequest, ConnectionState, GrantId, HostRef, Section, ServiceId, SiteId, Timestamp};
use texts::{Arg, Reason, Texts};
use wire::api::{AlarmKind, SiteStatus, Status};
use wire::inquiry::{WhyCall, WhyReport, WhyStep};

use crate::live::services_for;
use crate::supposed::{Stage, stage};
use crate::{Center, Refused, Trouble, reasons, status};

/// How far back a last attempt is looked for, entries.
const BACK: u32 = 5_000;

/// Answers for a line, a host or a person.
///
/// # Errors
/// [`Refused`] if there is no such host or line, or if the registry cannot be read. A person nobody has seen is an
/// answer: the card never came so far.
pub async fn why(center: &Center, call: WhyCall, texts: &Texts) -> Result<WhyReport, Refused> {
    let stage = stage(center, &[], &[]).await?;
    let mut inquiry = Inquiry {
        status: status(center).await,
        last: center.registry().audit_last(BACK).await?,
        stage,
        texts,
        steps: Vec::new(),
    };
    let host = call.who.parse::<HostRef>().ok();
    let about = match (call.who.parse::<GrantId>().ok(), host) {
        (Some(grant), _) => inquiry.line(grant, center.registry().audit_of(grant).await?)?,
        (None, Some(host)) => {
            inquiry.stage.known(&host)?;
            inquiry.host(&host, call.service)
        }
        (None, None) => inquiry.person(center, call.who.trim(), call.service).await?,
    };
    let first = inquiry.steps.iter().position(|s| s.holds == Some(false));
    Ok(WhyReport { about, works: first.is_none(), steps: inquiry.steps, first })
}

struct Inquiry<'a> {
    status: Status,
    /// Lately recorded, oldest first.
    last: Vec<Entry>,
    stage: Stage,
    texts: &'a Texts,
    steps: Vec<WhyStep>,
}

impl Inquiry<'_> {
    fn holds(&mut self, step: &str, key: &str, args: &[(&str, Arg)]) {
        self.push(step, Some(true), self.texts.say(key, args));
    }

    fn unknown(&mut self, step: &str, key: &str, args: &[(&str, Arg)]) {
        self.push(step, None, self.texts.say(key, args));
    }

    fn push(&mut self, step: &str, holds: Option<bool>, text: String) {
        let step = step.to_owned();
        self.steps.push(WhyStep { step, holds, text, section: None, responsible: None, remedy: None, refusal: None });
    }

    /// `key` says what, `key-do` what to do about it.
    fn fails(&mut self, step: &str, section: Section, key: &str, args: &[(&str, Arg)]) {
        self.steps.push(WhyStep {
            step: step.to_owned(),
            holds: Some(false),
            text: self.texts.say(key, args),
            section: Some(section),
            responsible: Some(self.texts.say(section.key(), &[])),
            remedy: Some(self.texts.say(&format!("{key}-do"), args)),
            refusal: None,
        });
    }

    fn refused(&mut self, step: &str, reason: &Reason, refusal: Option<u64>) {
        let lines = reason.lines(self.texts);
        self.steps.push(WhyStep {
            step: step.to_owned(),
            holds: Some(false),
            text: lines.refused,
            section: Some(reason.section),
            responsible: Some(lines.section),
            remedy: Some(lines.remedy),
            refusal,
        });
    }

    // ---- a host

    fn host(&mut self, host: &HostRef, service: Option<ServiceId>) -> String {
        let about = self.texts.say("why-about-host", &[("host", Arg::text(host))]);
        let terminal = self.stage.network.host(host).is_some_and(|(_, h)| h.terminal);
        let args = [("host", Arg::text(host))];
        if terminal {
            self.holds("registered", "why-registered", &args);
        } else {
            self.fails("registered", Section::InHouseLan, "why-no-terminal", &args);
        }
        self.site(&host.site, Section::AccessLine);
        let tried = self.last_try(host);
        let meant = service.or_else(|| tried.as_ref().and_then(|t| t.service.clone()));
        let services = meant.map_or_else(|| services_for(&self.stage.network, host), |service| vec![service]);
        if services.is_empty() {
            self.fails("services", Section::InHouseLan, "why-no-services", &args);
        }
        for service in services {
            self.service(host, &service);
        }
        if let Some(tried) = tried {
            self.tried(&tried);
        }
        about
    }

    /// The gate of a site, and what it says of itself.
    fn site(&mut self, site: &SiteId, away: Section) {
        let found = self.status.sites.iter().find(|s| s.site == *site).cloned();
        let args = [("site", Arg::text(site))];
        let Some(SiteStatus { linked: true, wanted, in_force, alarms, .. }) = found else {
            return self.fails("gate", away, "why-gate-away", &args);
        };
        self.holds("gate", "why-gate", &args);
        let away_or = |inside| if away == Section::Peer { Section::Peer } else { inside };
        if in_force.is_some_and(|g| g >= wanted) {
            self.holds("in-force", "why-in-force", &args);
        } else {
            self.fails("in-force", away_or(Section::InHouseLan), "why-behind", &args);
        }
        let broken = alarms.iter().rfind(|a| a.over.is_none() && a.kind == AlarmKind::Fault);
        if let Some(alarm) = broken {
            let args = [("site", Arg::text(site)), ("detail", Arg::text(&alarm.detail))];
            self.fails("fault", away_or(Section::InHouseLan), "why-fault", &args);
        }
        if let Some(alarm) = alarms.iter().rfind(|a| a.over.is_none() && a.kind == AlarmKind::Foreign) {
            let args = [("site", Arg::text(site)), ("detail", Arg::text(&alarm.detail))];
            self.fails("foreign", away_or(Section::InHouseLan), "why-foreign", &args);
        }
    }

    /// Open already, or what would stand in the way of opening it, the card aside.
    fn service(&mut self, host: &HostRef, service: &ServiceId) {
        let args = [("service", Arg::text(service)), ("host", Arg::text(host))];
        let line = self.status.connections.iter().find(|c| c.from == *host && c.service == *service);
        if let Some(line) = line.filter(|l| l.state == ConnectionState::Open) {
            let args = [args[0].clone(), ("grant", Arg::text(line.grant)), ("until", Arg::Time(line.lease_until))];
            return self.holds("service", "why-service-open", &args);
        }
        let lacks = self.stage.lacks(&ConnectionRequest { from: host.clone(), service: service.clone() });
        match lacks.first() {
            None => self.holds("service", "why-service-can-open", &args),
            Some(_) => lacks.iter().for_each(|reason| self.refused("service", reason, None)),
        }
    }

    /// What this host asked for last, if it was refused and nothing of it opened since.
    fn last_try(&self, host: &HostRef) -> Option<Try> {
        let mut found: Option<Try> = None;
        for entry in &self.last {
            match &entry.event {
                Event::ConnectionDenied { from: Some(from), service, reasons, .. } if from == host => {
                    let reason = reasons.first().map(reasons::recall);
                    found =
                        reason.map(|reason| Try { at: entry.at, entry: entry.seq, service: service.clone(), reason });
                }
                Event::PacketRefused { from, reasons, .. } if from == host => {
                    let reason = reasons.first().map(reasons::recall);
                    found = reason.map(|reason| Try { at: entry.at, entry: entry.seq, service: None, reason });
                }
                Event::ConnectionPermitted { from, service, .. } if from == host => {
                    // A packet refused says nothing of a service; it is settled by whatever is permitted later.
                    found = found.filter(|t| t.service.as_ref().is_some_and(|s| s != service));
                }
                _ => {}
            }
        }
        found
    }

    fn tried(&mut self, tried: &Try) {
        let args = [("at", Arg::Time(tried.at)), ("refusal", Arg::text(format!("refusal/{}", tried.entry)))];
        self.unknown("last-try", "why-last-try", &args);
        self.refused("refusal", &tried.reason, Some(tried.entry));
    }

    // ---- a line

    fn line(&mut self, grant: GrantId, entries: Vec<Entry>) -> Result<String, Refused> {
        let permitted = entries.iter().find_map(|e| match &e.event {
            Event::ConnectionPermitted { from, service, lease_until, .. } => Some((from, service, e.at, *lease_until)),
            _ => None,
        });
        let Some((from, service, at, until)) = permitted else {
            return Err(Refused::trouble(Trouble::NoSuchConnection, [("grant", Arg::text(grant))]));
        };
        let (from, service) = (from.clone(), service.clone());
        let args = [
            ("grant", Arg::text(grant)),
            ("from", Arg::text(&from)),
            ("service", Arg::text(&service)),
            ("at", Arg::Time(at)),
            ("until", Arg::Time(until)),
        ];
        let about = self.texts.say("why-about-line", &args);
        self.holds("permitted", "why-permitted", &args);
        let live = self.status.connections.iter().find(|c| c.grant == grant).map(|c| (c.state, c.to.site.clone()));
        let Some((state, far)) = live.filter(|(state, _)| *state != ConnectionState::Closing) else {
            self.ended(&entries);
            return Ok(about);
        };
        self.site(&from.site, Section::AccessLine);
        self.site(&far, Section::Peer);
        if state == ConnectionState::Open {
            self.holds("open", "why-open", &args);
            self.unknown("service", "why-ask-the-service", &args);
        } else {
            self.fails("open", Section::AccessLine, "why-opening", &args);
        }
        Ok(about)
    }

    /// How it ended: a failure says itself why; else the cause.
    fn ended(&mut self, entries: &[Entry]) {
        let failed = entries.iter().rev().find_map(|e| match &e.event {
            Event::ConnectionFailed { section, why, .. } => Some((e.seq, *section, why)),
            _ => None,
        });
        if let Some((entry, section, why)) = failed {
            let reason = serde_json::from_str(why).map(|record| reasons::recall(&record));
            let plain = |_| Trouble::RegistryFails.reason_in(section, [("why", Arg::text(why))]);
            return self.refused("open", &reason.unwrap_or_else(plain), Some(entry));
        }
        let closing = entries.iter().rev().find_map(|e| match &e.event {
            Event::ConnectionClosing { cause, .. } => Some((e.at, *cause)),
            _ => None,
        });
        let Some((at, cause)) = closing else {
            return self.fails("open", Section::Operator, "why-unfinished", &[]);
        };
        // A cause that has no words yet is told by its name.
        let key = format!("why-ended-{cause}");
        let known = self.texts.has(&key);
        let key = if known { key } else { "why-ended".to_owned() };
        let section = cause.section().unwrap_or(Section::Terminal);
        self.fails("open", section, &key, &[("at", Arg::Time(at)), ("cause", Arg::text(cause))]);
    }

    // ---- a person

    async fn person(&mut self, center: &Center, who: &str, service: Option<ServiceId>) -> Result<String, Refused> {
        let wanted = who.to_lowercase();
        let named = |person: &audit::Person| !wanted.is_empty() && person.name.to_lowercase().contains(&wanted);
        let meant = |at: Option<&ServiceId>| service.is_none() || at == service.as_ref();
        let seen = self.last.iter().rev().find_map(|e| match &e.event {
            Event::ConnectionDenied { from, service, person: Some(person), reasons, .. }
                if named(person) && meant(service.as_ref()) =>
            {
                let reason = reasons.first().map(reasons::recall);
                Some((e.at, e.seq, person.name.clone(), from.clone(), reason, None))
            }
            Event::ConnectionPermitted { from, service, person, grant, .. }
                if named(person) && meant(Some(service)) =>
            {
                Some((e.at, e.seq, person.name.clone(), Some(from.clone()), None, Some(*grant)))
            }
            _ => None,
        });
        let about = |name: &str| self.texts.say("why-about-person", &[("name", Arg::text(name))]);
        let Some((at, entry, name, from, reason, grant)) = seen else {
            let about = about(who);
            self.fails("card", Section::Terminal, "why-no-card", &[("name", Arg::text(who))]);
            return Ok(about);
        };
        let about = about(&name);
        let device = from.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let args = [("name", Arg::text(&name)), ("at", Arg::Time(at)), ("host", Arg::Text(device))];
        self.holds("card", "why-card-seen", &args);
        if let Some(reason) = reason {
            self.refused("refusal", &reason, Some(entry));
            if let Some(from) = from {
                self.site(&from.site, Section::AccessLine);
            }
        } else if let Some(grant) = grant {
            self.line(grant, center.registry().audit_of(grant).await?)?;
        }
        Ok(about)
    }
}

/// A refused attempt.
struct Try {
    at: Timestamp,
    entry: u64,
    service: Option<ServiceId>,
    reason: Reason,
}
