//! What really stands: read back from switches, filters and daemons, not from the product.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lab::{Lab, Site};
use model::{CookieOwner, Filter, FlowRule, SiteId, SiteState};
use openflow::{
    Channel, ChannelConfig, ChannelEvent, FlowStats, FlowStatsRequest, Message, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody, Reassembly,
};
use site::RedInterfaces;

use crate::RealityError;

/// The sites as they stand.
#[derive(Debug)]
pub struct Standing {
    /// Facts and grants as ordered; rules, filters and tunnels as read back, as far as they have the product's form.
    pub states: BTreeMap<SiteId, SiteState>,
    /// What stands and was not ordered, in words.
    pub foreign: Vec<String>,
    /// What was ordered and does not stand, in words.
    pub missing: Vec<String>,
}

impl Standing {
    /// Reads every site of `ordered` back. Temporary drops of refused first packets count as nothing.
    ///
    /// # Errors
    /// If a switch, nft or a daemon does not answer.
    pub fn read(lab: &Lab, ordered: &BTreeMap<SiteId, SiteState>) -> Result<Self, RealityError> {
        let mut standing = Self { states: BTreeMap::new(), foreign: Vec::new(), missing: Vec::new() };
        for (id, wanted) in ordered {
            let site = lab.site(id.as_str())?;
            let mut state = SiteState { rules: BTreeSet::new(), ..wanted.clone() };
            standing.flows(site, &mut state)?;
            standing.differ(id, "flow rule", &state.rules, &wanted.rules);
            standing.filters(site, wanted, &mut state)?;
            standing.tunnels(site, wanted, &mut state)?;
            standing.states.insert(id.clone(), state);
        }
        Ok(standing)
    }

    /// What a gate was ordered last, from the folder it keeps it in.
    ///
    /// # Errors
    /// If nothing is kept there, or what is kept is damaged or unsound.
    pub fn ordered(folder: &Path) -> Result<SiteState, RealityError> {
        let failed = |what: String| RealityError::Product(format!("{}: {what}", folder.display()));
        let kept = gate::Store::open(folder).and_then(|store| store.load());
        match kept.map_err(|error| failed(error.to_string()))? {
            Some(state) => Ok(state.into_state()),
            None => Err(failed("the gate keeps no state yet".to_owned())),
        }
    }

    /// Is what stands exactly what was ordered?
    pub fn as_ordered(&self) -> bool {
        self.foreign.is_empty() && self.missing.is_empty()
    }

    fn flows(&mut self, site: &Site, state: &mut SiteState) -> Result<(), RealityError> {
        for entry in entries(&site.switch.openflow_socket())? {
            let (key, body) = site::observed_entry(&entry);
            match site::to_rule(&state.facts.site.switch.id, &key, &body) {
                Ok(FlowRule { owner: CookieOwner::Refusal, actions, .. }) if actions.is_empty() => {}
                Ok(rule) => {
                    state.rules.insert(rule);
                }
                Err(why) => {
                    let (table, priority) = (entry.table, entry.priority);
                    self.foreign
                        .push(format!("{}: flow rule in table {table}, priority {priority}: {why}", site.spec.id));
                }
            }
        }
        Ok(())
    }

    fn filters(&mut self, site: &Site, wanted: &SiteState, state: &mut SiteState) -> Result<(), RealityError> {
        let mut nft = Command::new("nft");
        nft.args(["-j", "list", "table", "inet", "sekisho"]);
        let listed = site.red.run(nft, Duration::from_secs(10))?;
        let red = RedInterfaces { lan: "lan0".into(), tunnel: "ipsec0".into() };
        let id = &site.spec.id;
        let observed = if listed.success() {
            site::parse_state(&red, &listed.stdout).map_err(|error| RealityError::Product(format!("{id}: {error}")))?
        } else {
            // No table is no lock, not a read that failed: red forwards whatever comes then.
            self.missing.push(format!("{id}: the filter's table"));
            Default::default()
        };
        if !observed.guard {
            self.missing.push(format!("{id}: the filter's guard, whole"));
        }
        self.foreign.extend(observed.foreign.iter().map(|what| format!("{id}: filter: {what}")));
        let mut left = observed.elements.clone();
        state.filters = wanted
            .filters
            .iter()
            .filter_map(|filter| {
                let ports = filter.ports.iter().filter(|port| {
                    let one = Filter { ports: vec![**port], ..(*filter).clone() };
                    site::elements(&one).all(|element| {
                        left.remove(&element);
                        observed.elements.contains(&element)
                    })
                });
                let ports: Vec<u16> = ports.copied().collect();
                (!ports.is_empty()).then(|| Filter { ports, ..filter.clone() })
            })
            .collect();
        self.foreign.extend(left.iter().map(|element| format!("{id}: filter: {element:?}")));
        let (standing, ordered) = (state.filters.clone(), &wanted.filters);
        self.differ(&state.facts.site.id, "filter", &standing, ordered);
        Ok(())
    }

    fn tunnels(&mut self, site: &Site, wanted: &SiteState, state: &mut SiteState) -> Result<(), RealityError> {
        let sas = site.charon.list_sas()?;
        let mut live: BTreeSet<(String, String)> = sas.into_iter().map(|sa| (sa.ike, sa.child)).collect();
        let here = &state.facts.site.id;
        let name = |tunnel: &model::Tunnel| (site::connection_name(here, &tunnel.peer), site::child_name(tunnel.grant));
        let standing: BTreeSet<_> = wanted.tunnels.iter().filter(|t| live.contains(&name(t))).cloned().collect();
        for tunnel in &standing {
            live.remove(&name(tunnel));
        }
        self.foreign.extend(live.iter().map(|(ike, child)| format!("{here}: tunnel {ike} {child}")));
        self.differ(here, "tunnel", &standing, &wanted.tunnels);
        state.tunnels = standing;
        Ok(())
    }

    fn differ<T: Ord + std::fmt::Debug>(
        &mut self,
        site: &SiteId,
        what: &str,
        stands: &BTreeSet<T>,
        ordered: &BTreeSet<T>,
    ) {
        self.foreign.extend(stands.difference(ordered).map(|item| format!("{site}: {what} {item:?}")));
        self.missing.extend(ordered.difference(stands).map(|item| format!("{site}: {what} {item:?}")));
    }
}

/// Every entry of a switch, by OpenFlow itself.
fn entries(socket: &Path) -> Result<Vec<FlowStats>, RealityError> {
    let failed = |what: &dyn std::fmt::Display| RealityError::Product(format!("{}: {what}", socket.display()));
    let mut stream = UnixStream::connect(socket).map_err(RealityError::file(socket))?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(RealityError::file(socket))?;
    // One short conversation: no timer of the channel comes to anything.
    let mut channel = Channel::new(ChannelConfig::default(), 0);
    let mut parts = Reassembly::new(1 << 20);
    let mut buffer = vec![0; 64 << 10];
    loop {
        stream.write_all(&channel.take_output()).map_err(RealityError::file(socket))?;
        let size = stream.read(&mut buffer).map_err(RealityError::file(socket))?;
        if size == 0 {
            return Err(failed(&"the switch hung up"));
        }
        for event in channel.handle(&buffer[..size], 0) {
            match event {
                ChannelEvent::Up { .. } => {
                    let ask = MultipartRequest::new(MultipartRequestBody::Flow(FlowStatsRequest::all()));
                    channel.send(&Message::MultipartRequest(ask)).map_err(|error| failed(&error))?;
                }
                ChannelEvent::Message { xid, message: Message::MultipartReply(reply) } => {
                    if let Some(MultipartReplyBody::Flow(all)) =
                        parts.push(xid, reply).map_err(|error| failed(&error))?
                    {
                        return Ok(all);
                    }
                }
                ChannelEvent::Message { .. } => {}
                ChannelEvent::Undecodable(error) => return Err(failed(&error)),
                ChannelEvent::Failed(error) => return Err(failed(&error)),
            }
        }
    }
}
