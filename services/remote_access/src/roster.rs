//! Who is in, as far as the center knows, and who of them may not stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::{Accounts, Machines, Standing, VpnId};
use crate::event::{Ending, Event};
use crate::material::Material;
use crate::session::{Machine, Session};

/// Sessions by strongSwan's number.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    sessions: BTreeMap<u32, Session>,
    /// Those being ended, and why.
    ending: BTreeMap<u32, Ending>,
}

impl Roster {
    /// In order of their beginning.
    pub(crate) fn all(&self) -> Vec<Session> {
        self.sessions.values().cloned().collect()
    }

    /// The sessions of a VPN-ID.
    pub(crate) fn of(&self, vpn_id: &str) -> Vec<u32> {
        self.sessions.values().filter(|one| one.vpn_id == vpn_id).map(|one| one.number).collect()
    }

    /// Somebody came in.
    pub(crate) fn began(&mut self, session: Session) -> Event {
        self.sessions.insert(session.number, session.clone());
        Event::Began(session)
    }

    /// Why a session is about to be ended; the first reason counts.
    pub(crate) fn will_end(&mut self, number: u32, why: Ending) {
        self.ending.entry(number).or_insert(why);
    }

    /// A session is gone.
    pub(crate) fn ended(&mut self, number: u32) -> Option<Event> {
        let why = self.ending.remove(&number).unwrap_or(Ending::Left);
        Some(Event::Ended(self.sessions.remove(&number)?, why))
    }

    /// The keys of a session were renewed: the same session has another number (RFC 7296 §2.18).
    pub(crate) fn renewed(&mut self, old: u32, new: u32) {
        if let Some(session) = self.sessions.remove(&old) {
            self.sessions.insert(new, Session { number: new, ..session });
        }
        if let Some(why) = self.ending.remove(&old) {
            self.ending.insert(new, why);
        }
    }

    /// What strongSwan lists: the truth. Sessions that began before the center watched come in quietly.
    pub(crate) fn listed(&mut self, all: Vec<Session>) -> Vec<Event> {
        let there: BTreeSet<u32> = all.iter().map(|one| one.number).collect();
        let gone: Vec<u32> = self.sessions.keys().copied().filter(|number| !there.contains(number)).collect();
        let events = gone.into_iter().filter_map(|number| self.ended(number)).collect();
        for one in all {
            match self.sessions.get_mut(&one.number) {
                // A client that moved (MOBIKE, RFC 4555).
                Some(known) => (known.address, known.inside) = (one.address, one.inside),
                None => drop(self.sessions.insert(one.number, one)),
            }
        }
        self.ending.retain(|number, _| there.contains(number));
        events
    }

    /// strongSwan is gone, and everybody with it.
    pub(crate) fn lost(&mut self) -> Vec<Event> {
        self.ending.clear();
        std::mem::take(&mut self.sessions).into_values().map(|one| Event::Ended(one, Ending::DaemonLost)).collect()
    }

    /// Fills in what the accounts know.
    pub(crate) fn name(&mut self, accounts: &Accounts) {
        for one in self.sessions.values_mut() {
            one.institution = accounts.called(&one.vpn_id).map(|account| account.institution.clone());
        }
    }

    /// Who may not stay, and why.
    pub(crate) fn must_go(&self, judge: &Judge<'_>) -> Vec<(u32, Ending)> {
        let found = self.sessions.values().filter(|one| !self.ending.contains_key(&one.number));
        found.filter_map(|one| Some((one.number, judge.verdict(one)?))).collect()
    }
}

/// By what sessions are judged.
pub(crate) struct Judge<'a> {
    pub(crate) accounts: &'a Accounts,
    pub(crate) material: &'a Material,
    /// Accounts whose password has just changed.
    pub(crate) changed: &'a BTreeSet<VpnId>,
    /// Whether revocation lists are new: then who cannot be looked up in them has to prove himself again.
    pub(crate) new_lists: bool,
}

impl Judge<'_> {
    /// Why a session may not go on, if so.
    pub(crate) fn verdict(&self, session: &Session) -> Option<Ending> {
        let Some(account) = self.accounts.called(&session.vpn_id) else { return Some(Ending::AccountClosed) };
        match account.standing {
            Standing::Open => {}
            Standing::Locked => return Some(Ending::AccountLocked),
            Standing::Closed => return Some(Ending::AccountClosed),
        }
        if self.changed.contains(&account.vpn_id) {
            return Some(Ending::PasswordChanged);
        }
        match &session.machine {
            Machine::Proved { certificates, .. } => {
                if certificates.iter().any(|one| self.material.revoked(&one.issuer, &one.serial)) {
                    return Some(Ending::CertificateRevoked);
                }
                if certificates.is_empty() && self.new_lists {
                    return Some(Ending::CertificateRevoked);
                }
            }
            Machine::ProvedUnseen if self.new_lists => return Some(Ending::CertificateRevoked),
            Machine::ProvedUnseen | Machine::Unchecked => {}
        }
        let fits = match (&account.machines, &session.machine) {
            // It was looked at when it came in.
            (Machines::Any, _) | (Machines::Only(_), Machine::ProvedUnseen) => true,
            (Machines::Only(_), Machine::Unchecked) => false,
            (Machines::Only(these), proved @ Machine::Proved { .. }) => {
                proved.identity().is_some_and(|identity| these.contains(identity))
            }
        };
        (!fits).then_some(Ending::MachineOfAnother)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, NtHash};
    use crate::session::MachineCertificate;
    use std::time::SystemTime;

    const PC1: &str = "urn:sekisho:device:aoba/pc1";

    fn session(number: u32, machine: Machine) -> Session {
        Session {
            number,
            vpn_id: "V1".into(),
            institution: None,
            address: None,
            inside: vec![],
            since: SystemTime::UNIX_EPOCH,
            machine,
        }
    }

    fn proved() -> Machine {
        let one = MachineCertificate { identity: Some(PC1.into()), issuer: "01".into(), serial: "02".into() };
        Machine::Proved { subject: "CN=pc1".into(), certificates: vec![one] }
    }

    fn accounts(standing: Standing, machines: Machines) -> Accounts {
        let account = Account {
            vpn_id: "V1".parse().unwrap(),
            nt_hash: NtHash::from_bytes([7; 16]),
            standing,
            institution: "aoba".into(),
            machines,
        };
        [account].into_iter().collect()
    }

    fn verdict(accounts: &Accounts, machine: Machine, new_lists: bool) -> Option<Ending> {
        let (material, changed) = (Material::default(), BTreeSet::new());
        Judge { accounts, material: &material, changed: &changed, new_lists }.verdict(&session(1, machine))
    }

    #[test]
    fn an_account_that_may_not_come_in_may_not_stay() {
        assert_eq!(verdict(&accounts(Standing::Open, Machines::Any), proved(), false), None);
        assert_eq!(verdict(&accounts(Standing::Locked, Machines::Any), proved(), false), Some(Ending::AccountLocked));
        assert_eq!(verdict(&accounts(Standing::Closed, Machines::Any), proved(), false), Some(Ending::AccountClosed));
        assert_eq!(verdict(&Accounts::default(), proved(), false), Some(Ending::AccountClosed));
    }

    #[test]
    fn an_account_bound_to_machines_stays_on_them() {
        let bound = |to: &str| accounts(Standing::Open, Machines::Only([to.to_owned()].into()));
        assert_eq!(verdict(&bound(PC1), proved(), false), None);
        let another = Some(Ending::MachineOfAnother);
        assert_eq!(verdict(&bound("urn:sekisho:device:keyaki/pc9"), proved(), false), another);
        assert_eq!(verdict(&bound(PC1), Machine::Unchecked, false), another);
        let two = Machine::Proved {
            subject: "CN=pc1".into(),
            certificates: vec![
                MachineCertificate { identity: Some(PC1.into()), issuer: String::new(), serial: String::new() },
                MachineCertificate {
                    identity: Some("urn:sekisho:device:x/y".into()),
                    issuer: String::new(),
                    serial: String::new(),
                },
            ],
        };
        assert_eq!(verdict(&bound(PC1), two, false), another);
    }

    #[test]
    fn who_cannot_be_looked_up_in_a_new_list_proves_himself_again() {
        let all = accounts(Standing::Open, Machines::Any);
        assert_eq!(verdict(&all, Machine::ProvedUnseen, false), None);
        assert_eq!(verdict(&all, Machine::ProvedUnseen, true), Some(Ending::CertificateRevoked));
        assert_eq!(verdict(&all, proved(), true), None);
    }

    #[test]
    fn a_new_password_ends_the_session_of_the_old() {
        let all = accounts(Standing::Open, Machines::Any);
        let changed = BTreeSet::from(["V1".parse().unwrap()]);
        let judge = Judge { accounts: &all, material: &Material::default(), changed: &changed, new_lists: false };
        assert_eq!(judge.verdict(&session(1, proved())), Some(Ending::PasswordChanged));
    }

    #[test]
    fn a_session_lives_through_new_keys_and_ends_once_with_its_reason() {
        let mut roster = Roster::default();
        roster.began(session(3, proved()));
        roster.will_end(3, Ending::Cut);
        roster.will_end(3, Ending::AccountLocked);
        roster.renewed(3, 4);
        assert_eq!(roster.ended(3), None);
        let Some(Event::Ended(ended, Ending::Cut)) = roster.ended(4) else { panic!("not cut") };
        assert_eq!(ended.machine, proved());
        assert_eq!(roster.ended(4), None);
    }

    #[test]
    fn the_list_is_the_truth() {
        let mut roster = Roster::default();
        roster.began(session(1, proved()));
        let events = roster.listed(vec![session(2, Machine::ProvedUnseen)]);
        assert!(matches!(events.as_slice(), [Event::Ended(one, Ending::Left)] if one.number == 1));
        assert_eq!(roster.all().iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
        roster.began(session(2, proved()));
        assert!(roster.listed(vec![session(2, Machine::ProvedUnseen)]).is_empty());
        assert_eq!(roster.all()[0].machine, proved());
        assert!(matches!(roster.lost().as_slice(), [Event::Ended(_, Ending::DaemonLost)]));
        assert!(roster.all().is_empty());
    }
}
