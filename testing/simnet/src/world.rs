//! Sites, their parts, and the messages between them.

use model::{SiteId, SiteState, Timestamp};
use site::{ChildSa, Event, Output, Report, SiteConfig, SiteMachine};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use verify::VerifiedState;

use crate::{Charon, Nft, Switch};

/// Which queue of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Link {
    ToSwitch,
    FromSwitch,
    ToCharon,
    FromCharon,
    ToNft,
    FromNft,
    ToDisk,
}

/// Every queue, for drawing one.
pub const LINKS: [Link; 7] =
    [Link::ToSwitch, Link::FromSwitch, Link::ToCharon, Link::FromCharon, Link::ToNft, Link::FromNft, Link::ToDisk];

struct Place {
    machine: SiteMachine,
    config: SiteConfig,
    switch: Switch,
    charon: Charon,
    nft: Nft,
    disk: Option<Arc<SiteState>>,
    to: BTreeMap<Link, VecDeque<Output>>,
    from: BTreeMap<Link, VecDeque<Event>>,
    /// What the daemon answers to a command. A gate that waits for it reads no event meanwhile, so it overtakes those that
    /// were raised before.
    answered: Option<Event>,
    reports: Vec<Report>,
}

/// Many sites and one clock.
pub struct World {
    places: BTreeMap<SiteId, Place>,
    now: Timestamp,
    sas: u32,
}

impl World {
    /// Sites with these states kept on disk; switches and daemons are there and empty.
    pub fn new(states: BTreeMap<SiteId, VerifiedState>, config: &SiteConfig, now: Timestamp) -> Self {
        let places = states
            .into_iter()
            .map(|(id, state)| {
                let disk = Some(Arc::new(state.state().clone()));
                let machine = SiteMachine::new(Some(state), config.clone(), now);
                let place = Place {
                    machine,
                    config: config.clone(),
                    switch: Switch::default(),
                    charon: Charon::default(),
                    nft: Nft::default(),
                    disk,
                    to: BTreeMap::new(),
                    from: BTreeMap::new(),
                    answered: None,
                    reports: Vec::new(),
                };
                (id, place)
            })
            .collect();
        let mut world = Self { places, now, sas: 0 };
        for id in world.sites() {
            world.feed(&id, Event::SwitchUp);
            world.feed(&id, Event::CharonUp);
        }
        world
    }

    /// The sites.
    pub fn sites(&self) -> Vec<SiteId> {
        self.places.keys().cloned().collect()
    }
    /// The clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }
    /// A site's switch.
    pub fn switch(&mut self, id: &SiteId) -> &mut Switch {
        &mut self.place(id).switch
    }
    /// A site's daemon.
    pub fn charon(&mut self, id: &SiteId) -> &mut Charon {
        &mut self.place(id).charon
    }
    /// A site's filter.
    pub fn nft(&mut self, id: &SiteId) -> &mut Nft {
        &mut self.place(id).nft
    }
    /// Everything a site ever reported.
    pub fn reports(&self, id: &SiteId) -> &[Report] {
        self.places.get(id).map(|p| p.reports.as_slice()).unwrap_or_default()
    }

    /// Feeds an event to a site's machine.
    pub fn feed(&mut self, id: &SiteId, event: Event) {
        let now = self.now;
        let place = self.place(id);
        let mut out = place.machine.handle(event, now);
        let answers = messages(&out.to_switch);
        if !answers.is_empty() {
            out.outputs.push(Output::Send(answers));
        }
        for output in out.outputs {
            let link = match &output {
                Output::Meter(_)
                | Output::Refurnish(_)
                | Output::Send(_)
                | Output::ReadFlows { .. }
                | Output::Bundle { .. }
                | Output::FlushConntrack { .. } => Link::ToSwitch,
                Output::ReadFilters | Output::ApplyFilters { .. } => Link::ToNft,
                Output::Persist(_) => Link::ToDisk,
                Output::Report(report) => {
                    place.reports.push(report.clone());
                    continue;
                }
                Output::LoadConnection { .. }
                | Output::UnloadConnection(_)
                | Output::Initiate { .. }
                | Output::ReadChild { .. }
                | Output::TerminateChild { .. }
                | Output::TerminateSa(_)
                | Output::TerminateIke(_)
                | Output::ListSas => Link::ToCharon,
            };
            place.to.entry(link).or_default().push_back(output);
        }
    }

    /// First packets that wait at a site's gate.
    pub fn held(&self, id: &SiteId) -> usize {
        self.places.get(id).map_or(0, |p| p.machine.first_packets_held())
    }

    /// Moves one message of one queue. False if there was none.
    pub fn deliver(&mut self, id: &SiteId, link: Link) -> bool {
        let place = self.place(id);
        if matches!(link, Link::ToCharon | Link::FromCharon)
            && let Some(answer) = place.answered.take()
        {
            self.feed(id, answer);
            return true;
        }
        if let Some(event) = place.from.get_mut(&link).and_then(VecDeque::pop_front) {
            self.feed(id, event);
            return true;
        }
        let Some(output) = place.to.get_mut(&link).and_then(VecDeque::pop_front) else { return false };
        match link {
            Link::ToSwitch => {
                let answers = place.switch.carry_out(output);
                place.from.entry(Link::FromSwitch).or_default().extend(answers);
            }
            Link::ToNft => {
                let red = place.config.red.clone();
                let answer = place.nft.carry_out(output, &red);
                place.from.entry(Link::FromNft).or_default().push_back(answer);
            }
            Link::ToDisk => {
                if let Output::Persist(state) = output {
                    let generation = state.generation;
                    place.disk = Some(state);
                    self.feed(id, Event::Persisted(generation));
                }
            }
            Link::ToCharon => self.vici(id, output),
            Link::FromSwitch | Link::FromCharon | Link::FromNft => {}
        }
        true
    }

    /// Lets time pass.
    pub fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        for id in self.sites() {
            let due = self.place(&id).machine.next_deadline().is_some_and(|at| at <= self.now);
            if due {
                let now = self.now;
                debug_assert!(now.0 > 0);
                self.feed(&id, Event::Tick);
            }
        }
    }

    /// The switch restarts: entries and everything under way are lost.
    pub fn restart_switch(&mut self, id: &SiteId) {
        let place = self.place(id);
        place.switch.restart();
        self.reconnect_switch(id);
    }

    /// Its connection breaks and comes back; entries stay.
    pub fn reconnect_switch(&mut self, id: &SiteId) {
        let place = self.place(id);
        place.to.remove(&Link::ToSwitch);
        place.from.remove(&Link::FromSwitch);
        self.feed(id, Event::SwitchDown);
        self.feed(id, Event::SwitchUp);
    }

    /// charon restarts: SAs are gone at once here, and at the peers by dead peer detection (RFC 7296 §2.4).
    pub fn restart_charon(&mut self, id: &SiteId) {
        let place = self.place(id);
        let names: Vec<String> = place.charon.ike.iter().cloned().collect();
        place.charon = Charon::default();
        place.to.remove(&Link::ToCharon);
        place.from.remove(&Link::FromCharon);
        place.answered = None;
        for name in names {
            self.end_ike(id, &name);
        }
        self.feed(id, Event::CharonDown);
        self.feed(id, Event::CharonUp);
    }

    /// The gate is killed and starts again from its disk; switch, daemon and filter live on.
    pub fn restart_gate(&mut self, id: &SiteId) -> Result<(), Box<verify::Refutation>> {
        let now = self.now;
        let place = self.place(id);
        let kept = match &place.disk {
            Some(state) => Some(verify::check_state((**state).clone())?),
            None => None,
        };
        place.machine = SiteMachine::new(kept, place.config.clone(), now);
        place.to.clear();
        place.from.clear();
        place.answered = None;
        self.feed(id, Event::SwitchUp);
        self.feed(id, Event::CharonUp);
        Ok(())
    }

    /// The generation on a site's disk.
    pub fn kept(&self, id: &SiteId) -> Option<Arc<SiteState>> {
        self.places.get(id).and_then(|p| p.disk.clone())
    }

    /// The state a site's machine wants.
    pub fn wanted(&self, id: &SiteId) -> Option<Arc<SiteState>> {
        self.places.get(id).and_then(|p| p.machine.state().cloned())
    }

    fn vici(&mut self, id: &SiteId, output: Output) {
        let place = self.place(id);
        match output {
            Output::LoadConnection { revision, connection } => {
                place.charon.loaded.insert(connection.name.clone(), connection.children.keys().cloned().collect());
                place.charon.loads += 1;
                place.answered = Some(Event::ConnectionLoaded(revision));
            }
            Output::UnloadConnection(name) => drop(place.charon.loaded.remove(&name)),
            Output::Initiate { connection, child } => self.initiate(id, &connection, &child),
            // No packet passes here.
            Output::ReadChild { .. } => {}
            Output::TerminateChild { connection, child } => {
                self.end_children(id, |sa| sa.connection == connection && sa.child == child);
            }
            Output::TerminateSa(number) => self.end_children(id, |sa| sa.number == number),
            Output::TerminateIke(name) => self.end_ike(id, &name),
            Output::ListSas => {
                place.answered = Some(Event::SaList {
                    connections: place.charon.loaded.keys().cloned().collect(),
                    ike: place.charon.ike.clone(),
                    children: place.charon.children.clone(),
                });
            }
            other => unreachable!("not for strongSwan: {other:?}"),
        }
    }

    /// Both ends must know the child; else nothing comes of it, and nothing is said (as with `timeout=-1`).
    fn initiate(&mut self, id: &SiteId, connection: &str, child: &str) {
        let Some(peer) = self.peer(id, connection) else { return };
        if !self.place(id).charon.accepts(connection, child) || !self.place(&peer).charon.accepts(connection, child) {
            return;
        }
        self.sas += 1;
        let number = self.sas;
        for site in [id, &peer] {
            let charon = &mut self.place(site).charon;
            let sa = ChildSa { connection: connection.to_owned(), child: child.to_owned(), number, used: None };
            charon.children.push(sa);
            if charon.ike.insert(connection.to_owned()) {
                self.tell(site, Event::IkeUp(connection.to_owned()));
            }
            self.tell(site, Event::ChildUp { connection: connection.to_owned(), child: child.to_owned(), number });
        }
    }

    /// A DELETE ends the SA at both ends (RFC 7296 §1.4.1), and both daemons say so.
    fn end_children(&mut self, id: &SiteId, which: impl Fn(&ChildSa) -> bool) {
        for sa in self.place(id).charon.drop_children(which) {
            self.tell(
                id,
                Event::ChildDown { connection: sa.connection.clone(), child: sa.child.clone(), number: sa.number },
            );
            let Some(peer) = self.peer(id, &sa.connection) else { continue };
            for sa in self.place(&peer).charon.drop_children(|other| other.number == sa.number) {
                self.tell(&peer, Event::ChildDown { connection: sa.connection, child: sa.child, number: sa.number });
            }
        }
    }

    fn end_ike(&mut self, id: &SiteId, connection: &str) {
        for site in [Some(id.clone()), self.peer(id, connection)].into_iter().flatten() {
            let charon = &mut self.place(&site).charon;
            let had = charon.ike.remove(connection);
            charon.drop_children(|sa| sa.connection == connection);
            if had {
                self.tell(&site, Event::IkeDown(connection.to_owned()));
            }
        }
    }

    fn peer(&self, id: &SiteId, connection: &str) -> Option<SiteId> {
        self.places.keys().find(|other| *other != id && site::connection_name(id, other) == connection).cloned()
    }

    fn tell(&mut self, id: &SiteId, event: Event) {
        self.place(id).from.entry(Link::FromCharon).or_default().push_back(event);
    }

    fn place(&mut self, id: &SiteId) -> &mut Place {
        self.places.get_mut(id).expect("the site is one the world was made with")
    }
}

fn messages(bytes: &[u8]) -> Vec<openflow::Message> {
    let mut decoder = openflow::Decoder::new();
    decoder.push(bytes);
    let mut found = Vec::new();
    while let Some(frame) = decoder.next().expect("the machine writes OpenFlow") {
        found.push(frame.message);
    }
    found
}
