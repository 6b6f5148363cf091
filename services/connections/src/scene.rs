//! What a proof says, told to people: whose line of policy it was, the way of the packet, the picture of it (X1, X5).

use model::{CookieOwner, Grant, GrantId, Network, Site, SiteId, SiteState};
use std::collections::{BTreeMap, BTreeSet};
use texts::{Arg, Texts};
use verify::{Because, Ending, Hop, Invariant, Picture, Refutation};
use wire::api::{CounterExample, Promise};
use wire::questions::PolicyLine;

use crate::{Center, Refused, Told};

/// The sites and grants a proof speaks of.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    sites: BTreeMap<SiteId, Site>,
    grants: BTreeMap<GrantId, Grant>,
}

impl Scene {
    /// Everything there is in these states.
    pub(crate) fn of_states(states: &BTreeMap<SiteId, SiteState>) -> Self {
        let grants = states.values().flat_map(|s| s.grants.iter().map(|(id, g)| (*id, g.clone())));
        Self {
            sites: states.iter().map(|(id, s)| (id.clone(), s.facts.site.clone())).collect(),
            grants: grants.collect(),
        }
    }

    /// What a refutation mentions, no more.
    pub(crate) fn of(network: &Network, refutation: &Refutation, grant: Option<Grant>) -> Self {
        let mut named: BTreeSet<&SiteId> = refutation.path.iter().flat_map(sites_of).collect();
        named.insert(&refutation.site);
        named.extend(grant.iter().flat_map(|g| [&g.origin.site, &g.destination.site]));
        let known = |id: &SiteId| network.sites.get(id).map(|site| (id.clone(), site.clone()));
        Self {
            sites: named.into_iter().filter_map(known).collect(),
            grants: grant.map(|g| (g.id, g)).into_iter().collect(),
        }
    }

    /// For a path recalled from the log, by the network of today.
    pub(crate) fn of_path(network: &Network, path: &[Hop]) -> Self {
        let known = |id: &SiteId| network.sites.get(id).map(|site| (id.clone(), site.clone()));
        Self { sites: path.iter().flat_map(sites_of).filter_map(known).collect(), grants: BTreeMap::new() }
    }

    /// Whose line of policy stands behind an owner's rules at a site.
    pub fn policy_line(&self, site: &SiteId, owner: CookieOwner, texts: &Texts) -> PolicyLine {
        let here = self.sites.get(site);
        let wish = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let ports = |protocol, ports: &[u16]| {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            Arg::text(format!("{protocol}/{}", ports.join(",")))
        };
        let (line, owner, key, args) = match owner {
            CookieOwner::Standing => (site.to_string(), "standing".to_owned(), "policy-standing", vec![]),
            CookieOwner::Refusal => (site.to_string(), "refusal".to_owned(), "policy-refusal", vec![]),
            CookieOwner::InHouse(n) => {
                let rule = here.and_then(|s| s.in_house.get(wish(n)));
                let args = rule.map(|r| {
                    vec![("from", Arg::text(&r.from)), ("to", Arg::text(&r.to)), ("what", ports(r.protocol, &r.ports))]
                });
                (format!("{site}/inhouse[{n}]"), format!("in-house[{n}]"), "policy-in-house", args.unwrap_or_default())
            }
            CookieOwner::Transit(n) => {
                let rule = here.and_then(|s| s.transit.get(wish(n)));
                let args = rule.map(|r| {
                    vec![("from", Arg::text(&r.from)), ("to", Arg::text(&r.to)), ("what", ports(r.protocol, &r.ports))]
                });
                (format!("{site}/transit[{n}]"), format!("transit[{n}]"), "policy-transit", args.unwrap_or_default())
            }
            CookieOwner::Grant(id) => match self.grants.get(&id) {
                Some(grant) => {
                    let args = vec![
                        ("grant", Arg::text(id)),
                        ("agreement", Arg::text(&grant.agreement)),
                        ("service", Arg::text(&grant.service)),
                        ("from", Arg::text(grant.origin.host_ref())),
                    ];
                    (self.allow_line(grant), id.to_string(), "policy-grant", args)
                }
                None => (id.to_string(), id.to_string(), "policy-grant-unknown", vec![("grant", Arg::text(id))]),
            },
        };
        PolicyLine { line, owner, text: texts.say(key, &args) }
    }

    /// The line of the origin's whitelist a grant stands on; its agreement if the document has no such line any more.
    fn allow_line(&self, grant: &Grant) -> String {
        let site = &grant.origin.site;
        let fits = |r: &model::AllowRule| r.service == grant.service && r.from.contains(&grant.origin.host);
        match self.sites.get(site).and_then(|s| s.allow.iter().position(fits)) {
            Some(n) => format!("{site}/allow[{n}]"),
            None => grant.agreement.to_string(),
        }
    }

    /// The line of policy behind a refutation, if anybody's.
    pub(crate) fn culprit(&self, refutation: &Refutation, texts: &Texts) -> Option<PolicyLine> {
        let owner = refutation.because.owner()?;
        let at = match (&refutation.because, owner) {
            // A promise may be broken by the other end's rule.
            (Because::Promise { .. }, _) => refutation.path.iter().find_map(|hop| match hop {
                Hop::Rule { site, owner: by, .. } if *by == owner => Some(site),
                _ => None,
            }),
            _ => None,
        };
        Some(self.policy_line(at.unwrap_or(&refutation.site), owner, texts))
    }

    /// A refutation as people read it.
    pub fn counter_example(&self, r: &Refutation, texts: &Texts, picture: bool) -> CounterExample {
        let statement = say(texts, r.key(), &r.args());
        let because = say(texts, r.because.key(), &r.because.args());
        let remedy = say(texts, r.remedy_key(), &r.args());
        let packet = r.packet.as_ref().map(ToString::to_string);
        let policy = self.culprit(r, texts);
        let promise = match &r.because {
            Because::Promise { site, rule, .. } => {
                Some(Promise { id: format!("{site}/{}", rule.id), because: rule.because.clone() })
            }
            _ => None,
        };
        let picture = (picture && !r.path.is_empty()).then(|| {
            let stopped = matches!(r.path.last(), Some(Hop::Stopped { .. }));
            let line = policy.iter().map(|p| format!("{} · {}", p.line, p.text));
            let notes: Vec<String> = [because.clone()].into_iter().chain(line).chain([remedy.clone()]).collect();
            let ending = if stopped { Ending::Stops } else { Ending::Breaks };
            self.picture(
                &format!("{} {statement}", r.invariant.id()),
                packet.as_deref(),
                &r.path,
                ending,
                &notes,
                texts,
            )
        });
        CounterExample {
            invariant: r.invariant.id().to_owned(),
            statement,
            site: r.site.clone(),
            packet,
            path: tell_path(&r.path, texts),
            because,
            policy,
            remedy,
            promise,
            picture,
        }
    }

    /// The picture of a path.
    pub(crate) fn picture(
        &self,
        title: &str,
        packet: Option<&str>,
        path: &[Hop],
        ending: Ending,
        notes: &[String],
        texts: &Texts,
    ) -> String {
        let say = |key: &str, args: &[(&'static str, String)]| say(texts, key, args);
        Picture { title, packet, path, ending, notes, sites: &self.sites, say: &say }.svg()
    }
}

/// A counter-example as the log kept it, told again; the statement comes with it.
pub fn recalled(told: Told, statement: &str, texts: &Texts, picture: bool) -> Option<CounterExample> {
    let invariant = Invariant::ALL.iter().find(|i| i.id() == told.invariant);
    let remedy = invariant.map(|i| say(texts, i.remedy_key(), &[])).unwrap_or_default();
    let policy = told.policy.map(|line| PolicyLine { line, owner: String::new(), text: String::new() });
    let path = match &told.path {
        Some(path) => tell_path(path, texts),
        None => told.path_as_kept,
    };
    let drawable = told.path.as_deref().filter(|path| picture && !path.is_empty());
    let picture = drawable.map(|path| {
        let line = policy.iter().map(|p| p.line.clone());
        let notes: Vec<String> = [told.because.clone()].into_iter().chain(line).chain([remedy.clone()]).collect();
        let stopped = matches!(path.last(), Some(Hop::Stopped { .. }));
        let ending = if stopped { Ending::Stops } else { Ending::Breaks };
        told.scene.picture(statement, told.packet.as_deref(), path, ending, &notes, texts)
    });
    Some(CounterExample {
        invariant: told.invariant,
        statement: statement.to_owned(),
        site: told.site?,
        packet: told.packet,
        path,
        because: told.because,
        policy,
        remedy,
        promise: None,
        picture,
    })
}

/// A path in the reader's language.
pub(crate) fn tell_path(path: &[Hop], texts: &Texts) -> Vec<String> {
    path.iter().map(|hop| say(texts, hop.key(), &hop.args())).collect()
}

/// Gives a refusal what it is told with: the network it was judged for, and the grant it speaks of.
pub(crate) async fn staged(center: &Center, network: &Network, refused: Refused) -> Refused {
    let Some(CookieOwner::Grant(id)) = refused.refutation.as_ref().and_then(|r| r.because.owner()) else {
        return refused.in_scene(network, None);
    };
    let grant = center.state().await.live.get(&id).map(|l| l.grant.clone());
    refused.in_scene(network, grant)
}

fn sites_of(hop: &Hop) -> Vec<&SiteId> {
    match hop {
        Hop::Tunnel { from, to, .. } => vec![from, to],
        Hop::Host { site, .. }
        | Hop::Enters { site, .. }
        | Hop::Rule { site, .. }
        | Hop::Leaves { site, .. }
        | Hop::Filter { site, .. }
        | Hop::Stopped { site }
        | Hop::Reaches { site, .. } => vec![site],
    }
}

fn say(texts: &Texts, key: &str, args: &[(&'static str, String)]) -> String {
    let args: Vec<(&str, Arg)> = args.iter().map(|(name, text)| (*name, Arg::Text(text.clone()))).collect();
    texts.say(key, &args)
}
