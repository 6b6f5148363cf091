//! A lab with a real gate at every site. There is no center: orders come from the planner here, each after its proof.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authority::{Authority, CaKind, Issued};
use gate::{Config, Gate, now};
use lab::reach::{self, Difference, Matrix, Place};
use lab::{Lab, Scenario, SwitchTls};
use model::{Endpoint, Grant, GrantId, Network, Plan, SiteId, SiteState};
use site::{Event, Report};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::random::Wish;
use crate::{RealityError, Said, Standing};

const PATIENCE: Duration = Duration::from_secs(30);

/// The authority that certifies gates and switches; one serves many worlds.
pub struct Papers {
    authority: Authority,
    folder: Arc<tempfile::TempDir>,
}

impl Papers {
    /// A new authority, in a folder that goes with it.
    ///
    /// # Errors
    /// If it cannot make its keys or write them.
    pub fn new() -> Result<Self, RealityError> {
        let folder = tempfile::tempdir().map_err(RealityError::file("a temporary folder"))?;
        let authority = Authority::new(&folder.path().join("authority"), now().unix_seconds())?;
        Ok(Self { authority, folder: Arc::new(folder) })
    }
}

struct Running {
    gate: Gate,
    reports: UnboundedReceiver<Report>,
}

/// The sites of a scenario under a network's documents.
pub struct World {
    // Dropped in this order: gates before the network under them.
    gates: BTreeMap<SiteId, Running>,
    runtime: Runtime,
    states: BTreeMap<SiteId, SiteState>,
    network: Network,
    places: Vec<Place>,
    lab: Lab,
    grants: u64,
    data: tempfile::TempDir,
    // Switches, gates and daemons read their papers again whenever they speak to somebody.
    _papers: Arc<tempfile::TempDir>,
}

impl World {
    /// Raises everything and waits until the standing rules stand. [`lab::enter`] must have been called.
    ///
    /// # Errors
    /// If the network is refused by the proof, or the lab or a gate does not come up.
    pub fn raise(papers: &mut Papers, scenario: &Scenario, network: &Network) -> Result<Self, RealityError> {
        let data = tempfile::tempdir().map_err(RealityError::file("a temporary folder"))?;
        let lab = Lab::up(scenario, &|_| {})?;
        // Nothing here looks at the Internet segment, and the capture takes its part of the processor.
        lab.capture().stop();
        let mut world = Self {
            gates: BTreeMap::new(),
            runtime: Runtime::new().map_err(RealityError::file("a runtime"))?,
            states: BTreeMap::new(),
            network: network.clone(),
            places: lab.places()?,
            lab,
            grants: 0,
            data,
            _papers: Arc::clone(&papers.folder),
        };
        let plan = plan::apply(network, &[], &BTreeMap::new()).map_err(document)?;
        for (id, delta) in &plan.sites {
            let facts = delta.facts.clone().ok_or_else(|| document(format!("{id}: the first change has no facts")))?;
            let mut state = SiteState::empty(facts);
            state.advance(delta).map_err(document)?;
            world.states.insert(id.clone(), state);
        }
        verify::check_network(&world.states)?;
        let folder = world.data.path().to_owned();
        for (id, state) in world.states.clone() {
            let gate = papers.authority.issue_gate(id.as_str())?;
            let site = world.lab.site(id.as_str())?;
            let switch = papers.authority.issue_switch(id.as_str(), site.switch.datapath_id())?;
            let config = configuration(&folder, &world.lab, &id, papers, &gate)?;
            world.start(&id, &config)?;
            let tls = SwitchTls {
                key: switch.folder.join("key.pem"),
                cert: switch.folder.join("cert.pem"),
                ca: papers.authority.ca_pem_path(CaKind::Gate),
            };
            world.lab.site(id.as_str())?.switch.set_controller("ssl:169.254.77.1:6653", Some(&tls))?;
            world.feed(&id, Event::Snapshot(Box::new(verify::check_state(state)?)));
        }
        world.settle()?;
        Ok(world)
    }

    /// The lab under it.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// What was ordered.
    pub fn states(&self) -> &BTreeMap<SiteId, SiteState> {
        &self.states
    }

    /// All hosts.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Waits until what stands is what was ordered, and gives it.
    ///
    /// # Errors
    /// If it does not come about.
    pub fn settle(&self) -> Result<Standing, RealityError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let standing = Standing::read(&self.lab, &self.states)?;
            if standing.as_ordered() {
                return Ok(standing);
            }
            if Instant::now() > end {
                let (foreign, missing) = (&standing.foreign, &standing.missing);
                return Err(RealityError::Product(format!(
                    "not as ordered: foreign {foreign:#?}, missing {missing:#?}"
                )));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Opens a line, if the proof permits it: gives its grant, or the refutation of what was then not installed.
    ///
    /// # Errors
    /// If a permitted line does not come up.
    pub fn open(&mut self, wish: &Wish) -> Result<Result<Grant, Box<verify::Refutation>>, RealityError> {
        let grant = self.grant(wish)?;
        let (origin, destination) = (&self.states[&grant.origin.site], &self.states[&grant.destination.site]);
        let plan = plan::open(&grant, origin, destination).map_err(document)?;
        let mut next = self.states.clone();
        for (id, delta) in &plan.sites {
            next.get_mut(id).expect("planned from it").advance(delta).map_err(document)?;
        }
        if let Err(refutation) = verify::check_network(&next) {
            return Ok(Err(refutation));
        }
        self.grants += 1;
        self.order(&plan)?;
        let initiator = self.states.iter().find_map(|(id, state)| {
            let tunnel = state.tunnels.iter().find(|t| t.grant == grant.id && t.initiator)?;
            Some((id.clone(), tunnel.peer.clone()))
        });
        if let Some((initiator, responder)) = initiator {
            self.await_report(&responder, "prepared", |r| matches!(r, Report::Prepared(id) if *id == grant.id))?;
            self.feed(&initiator, Event::Go(grant.id));
        }
        for site in [&grant.origin.site, &grant.destination.site] {
            let whole =
                |r: &Report| matches!(r, Report::Observed { grant: g, complete: true, sa: true, .. } if *g == grant.id);
            self.await_report(site, "whole", whole)?;
        }
        Ok(Ok(grant))
    }

    /// Closes a line and waits until both ends say that nothing of it is left.
    ///
    /// # Errors
    /// If they do not.
    pub fn close(&mut self, grant: &Grant) -> Result<(), RealityError> {
        let ends = [&grant.origin.site, &grant.destination.site];
        let plan = plan::close(grant, &ends.map(|site| &self.states[site])).map_err(document)?;
        self.order(&plan)?;
        for site in ends {
            self.await_report(site, "closed", |r| matches!(r, Report::Closed { grant: g, .. } if *g == grant.id))?;
        }
        Ok(())
    }

    /// Stops every gate; what they installed stays (X4), and nobody mends it any more.
    pub fn stop_gates(&mut self) {
        for (_, running) in std::mem::take(&mut self.gates) {
            self.runtime.block_on(running.gate.stop());
        }
    }

    /// Reads back, proves what was read, lets every host knock at every other, and compares.
    ///
    /// # Errors
    /// If the proof refuses what stands, or nothing can be read or sent.
    pub fn compare(&self, ports: &[u16]) -> Result<(Matrix, Said, Vec<Difference>), RealityError> {
        let standing = Standing::read(&self.lab, &self.states)?;
        let said = Said::of(&standing.states, &reach::cells(&self.places, ports))?;
        let matrix = reach::probe_knowing(&self.places, ports, |cell| said.passes(cell))?;
        let differences = reach::compare(&matrix, |cell| said.passes(cell));
        Ok((matrix, said, differences))
    }

    fn grant(&self, wish: &Wish) -> Result<Grant, RealityError> {
        let end = |name: &str| {
            let unknown = || document(format!("no host {name}; hosts are named <site>/<host>"));
            let at = name.parse().map_err(|_| unknown())?;
            let (site, host) = self.network.host(&at).ok_or_else(unknown)?;
            Ok::<_, RealityError>(Endpoint {
                site: site.id.clone(),
                institution: site.institution.clone(),
                host: host.id.clone(),
                address: host.address,
                zone: site.zone_of(host).ok_or_else(unknown)?,
            })
        };
        let (origin, destination) = (end(&wish.from)?, end(&wish.to)?);
        let service = format!("{}/wished", destination.institution);
        Ok(Grant {
            id: GrantId(self.grants + 1),
            agreement: "A-0001".parse().map_err(|_| document("A-0001"))?,
            service: service.parse().map_err(|_| document(service))?,
            origin,
            destination,
            protocol: wish.protocol,
            ports: wish.ports.clone(),
            granted_at: now(),
            lease_until: now().plus_ms(3_600_000),
            idle_ms: None,
        })
    }

    fn order(&mut self, plan: &Plan) -> Result<(), RealityError> {
        for (id, delta) in &plan.sites {
            let state = self.states.get_mut(id).ok_or_else(|| document(format!("no site {id}")))?;
            let slice = verify::check_slice(state, delta)?;
            state.advance(slice.delta()).map_err(document)?;
            self.feed(id, Event::Order(Box::new(slice)));
        }
        Ok(())
    }

    fn feed(&self, site: &SiteId, event: Event) {
        let _inside = self.runtime.enter();
        if let Some(running) = self.gates.get(site) {
            running.gate.hub().feed(event);
        }
    }

    fn start(&mut self, site: &SiteId, config: &Path) -> Result<(), RealityError> {
        let product = |error: &dyn std::fmt::Display| RealityError::Product(format!("gate {site}: {error}"));
        let config = Config::load(config).map_err(|error| product(&error))?;
        let _inside = self.runtime.enter();
        let (gate, reports) = Gate::start(&config).map_err(|error| product(&error))?;
        self.gates.insert(site.clone(), Running { gate, reports });
        Ok(())
    }

    fn await_report(
        &mut self,
        site: &SiteId,
        what: &str,
        wanted: impl Fn(&Report) -> bool,
    ) -> Result<(), RealityError> {
        let Some(running) = self.gates.get_mut(site) else {
            return Err(RealityError::Product(format!("{site} has no gate running")));
        };
        self.runtime.block_on(async {
            let end = tokio::time::Instant::now() + PATIENCE;
            let mut instead = String::new();
            loop {
                match tokio::time::timeout_at(end, running.reports.recv()).await {
                    Ok(Some(report)) if wanted(&report) => return Ok(()),
                    Ok(Some(Report::FirstPacket { .. })) => {}
                    Ok(Some(report)) => drop(writeln!(instead, "{report:?}")),
                    _ => return Err(RealityError::Product(format!("{site}: no \"{what}\", but {instead}"))),
                }
            }
        })
    }
}

fn document(what: impl ToString) -> RealityError {
    RealityError::Document(what.to_string())
}

fn configuration(
    folder: &Path,
    lab: &Lab,
    site: &SiteId,
    papers: &Papers,
    issued: &Issued,
) -> Result<PathBuf, RealityError> {
    let ca = &papers.authority;
    let found = lab.site(site.as_str())?;
    let lists: Vec<PathBuf> = [CaKind::Gate, CaKind::Switch, CaKind::Center].map(|kind| ca.crl_path(kind)).into();
    let text = format!(
        "site = \"{site}\"\ndata = \"{data}\"\naudit-ms = 1000\n\n[namespaces]\nred = \"{red}\"\n\n\
         [openflow]\nlisten = \"169.254.77.1:6653\"\n\n[terminals]\nlisten = []\n\n\
         [center]\naddress = \"192.0.2.2:7443\"\nname = \"center\"\norder-key = \"order.pem\"\n\n\
         [certificates]\nchain = \"{chain}\"\nkey = \"{key}\"\ncenter-ca = \"{center}\"\nswitch-ca = \"{switch}\"\n\
         gate-ca = \"{gates}\"\ncrls = {lists:?}\n\n[ike]\nvici = \"{vici}\"\nlinger-ms = 60000\n",
        data = folder.join(format!("data-{site}")).display(),
        red = found.red.path().display(),
        chain = issued.folder.join("chain.pem").display(),
        key = issued.folder.join("key.pem").display(),
        center = ca.ca_pem_path(CaKind::Center).display(),
        switch = ca.ca_pem_path(CaKind::Switch).display(),
        gates = ca.ca_pem_path(CaKind::Gate).display(),
        vici = found.charon.vici_socket().display(),
    );
    let path = folder.join(format!("{site}.toml"));
    std::fs::write(&path, text).map_err(RealityError::file(&path))?;
    Ok(path)
}
