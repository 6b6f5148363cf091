//! The plain engine beside ours: one OxiDD BDD with complement edges per site, holding the union of the 5-tuples and
//! tracking states of its flow rules. It knows nothing of ports, tags, grants or priorities.

use model::SiteDelta;
#[cfg(feature = "peers")]
use model::{FlowRule, SiteId};

use crate::{BenchError, Peer};

/// Microseconds of each flow rule of `sample`, after `load` was added: making its cube, disjointness and union, as ours
/// counts making its sets. The peer's name also says the median without the cube. Nothing if it is not compiled in.
///
/// # Errors
/// [`BenchError`] if the peer runs out of nodes, or finds disjoint rules to overlap.
#[cfg(feature = "peers")]
pub fn narrow(
    engine: &mut Engine,
    load: impl Iterator<Item = Result<Vec<SiteDelta>, BenchError>>,
    sample: impl Iterator<Item = Result<Vec<SiteDelta>, BenchError>>,
) -> Result<Option<Peer>, BenchError> {
    for deltas in load {
        for (site, rule) in rules(&deltas?) {
            engine.add(site, rule)?;
        }
    }
    let (mut times, mut bare) = (Vec::new(), Vec::new());
    for deltas in sample {
        for (site, rule) in rules(&deltas?) {
            let (cube, rest) = engine.try_out(site, rule)?;
            times.push(cube + rest);
            bare.push(rest);
        }
    }
    let Some((summary, bare)) = crate::Summary::of_times(times).zip(crate::Summary::of_times(bare)) else {
        return Ok(None);
    };
    let name = format!("OxiDD 0.13 BCDD, the same 5-tuples ({:.1} without the cube)", bare.median);
    Ok(Some(Peer { name, summary }))
}

/// The same without the peer.
///
/// # Errors
/// None.
#[cfg(not(feature = "peers"))]
pub fn narrow(
    _: &mut Engine,
    _: impl Iterator<Item = Result<Vec<SiteDelta>, BenchError>>,
    _: impl Iterator<Item = Result<Vec<SiteDelta>, BenchError>>,
) -> Result<Option<Peer>, BenchError> {
    Ok(None)
}

/// Stands for the peer where it is not compiled in.
#[cfg(not(feature = "peers"))]
#[derive(Default)]
pub struct Engine(());

#[cfg(feature = "peers")]
pub use with::Engine;

#[cfg(feature = "peers")]
fn rules(deltas: &[SiteDelta]) -> impl Iterator<Item = (&SiteId, &FlowRule)> {
    deltas.iter().flat_map(|d| d.rules_added.iter().map(|r| (&d.site, r)))
}

#[cfg(feature = "peers")]
mod with {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use model::{FlowMatch, FlowRule, Protocol, SiteId};
    use oxidd::bcdd::{BCDDFunction, BCDDManagerRef, new_manager};
    use oxidd::{BooleanFunction, Manager, ManagerRef};

    use crate::BenchError;

    /// Protocol, destination, source, both ports, tracking state: the order of ours.
    const BITS: u32 = 8 + 32 + 32 + 16 + 16 + 8;
    /// Room for a million rules; untouched memory is never had.
    const NODES: usize = 1 << 27;
    const CACHE: usize = 1 << 22;

    /// The plain engine.
    pub struct Engine {
        manager: BCDDManagerRef,
        /// Each bit as 1 and as 0.
        literals: Vec<[BCDDFunction; 2]>,
        sites: BTreeMap<SiteId, BCDDFunction>,
    }

    impl Default for Engine {
        fn default() -> Self {
            let manager = new_manager(NODES, CACHE, 1);
            manager.with_manager_exclusive(|m| m.add_vars(BITS));
            Self { manager, literals: Vec::new(), sites: BTreeMap::new() }
        }
    }

    impl Engine {
        /// Adds a rule.
        pub(super) fn add(&mut self, site: &SiteId, rule: &FlowRule) -> Result<(), BenchError> {
            let cube = self.cube(&rule.matches)?;
            let union = self.of(site).or(&cube).map_err(full)?;
            self.sites.insert(site.clone(), union);
            Ok(())
        }

        /// Microseconds to make its cube, and to find that it overlaps none and to add it; it does not stay.
        pub(super) fn try_out(&mut self, site: &SiteId, rule: &FlowRule) -> Result<(f64, f64), BenchError> {
            let of = self.of(site);
            let begin = Instant::now();
            let cube = self.cube(&rule.matches)?;
            let made = begin.elapsed().as_secs_f64() * 1e6;
            let begin = Instant::now();
            let overlaps = of.and(&cube).map_err(full)?.satisfiable();
            let union = of.or(&cube).map_err(full)?;
            let took = begin.elapsed().as_secs_f64() * 1e6;
            if overlaps || union == of {
                return Err(BenchError::Network("two flow rules of the bench overlap".to_owned()));
            }
            Ok((made, took))
        }

        fn of(&self, site: &SiteId) -> BCDDFunction {
            let nothing = || self.manager.with_manager_shared(|m| BCDDFunction::f(m));
            self.sites.get(site).cloned().unwrap_or_else(nothing)
        }

        fn cube(&mut self, m: &FlowMatch) -> Result<BCDDFunction, BenchError> {
            if self.literals.is_empty() {
                for bit in 0..BITS {
                    let one = self.manager.with_manager_shared(|m| BCDDFunction::var(m, bit)).map_err(full)?;
                    let zero = one.not().map_err(full)?;
                    self.literals.push([zero, one]);
                }
            }
            let address = |net: Option<ipnet::IpNet>| match net {
                Some(ipnet::IpNet::V4(n)) => (u32::from(n.network()), u32::from(n.netmask())),
                _ => (0, 0),
            };
            let protocol = m.protocol.map_or((0, 0), |p| (if p == Protocol::Tcp { 6 } else { 17 }, 0xff));
            let port = |p: Option<model::PortMatch>| p.map_or((0, 0), |p| (p.value.into(), p.mask.into()));
            let ct = m.ct.map_or((0, 0), |c| (c.value.into(), c.mask.into()));
            let fields: [((u32, u32), u32); 6] = [
                (protocol, 8),
                (address(m.ip_dst), 32),
                (address(m.ip_src), 32),
                (port(m.tp_dst), 16),
                (port(m.tp_src), 16),
                (ct, 8),
            ];
            let mut cube = self.manager.with_manager_shared(|m| BCDDFunction::t(m));
            let mut bit = BITS as usize;
            // From the last bit up, so that each step puts one node on top.
            for ((value, mask), width) in fields.into_iter().rev() {
                for shift in 0..width {
                    bit -= 1;
                    if mask >> shift & 1 == 1 {
                        let literal = &self.literals[bit][(value >> shift & 1) as usize];
                        cube = literal.and(&cube).map_err(full)?;
                    }
                }
            }
            Ok(cube)
        }
    }

    fn full(_: oxidd::error::OutOfMemory) -> BenchError {
        BenchError::Subject("OxiDD has no room for more nodes".to_owned())
    }
}
