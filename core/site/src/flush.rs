//! What must be forgotten with an entry: deleting it ends no tracked connection.

use model::{Action, CookieOwner, GrantId};
use openflow::{CtFlush, CtTuple};

use crate::conversion::{self, RuleBody, RuleKey};

#[derive(Clone)]
pub(crate) struct Flush {
    pub grant: Option<GrantId>,
    pub request: CtFlush,
}

/// The tracked connections an entry let begin: deleting the entry does not end them, so they are forgotten by tuple.
pub(crate) fn flushes(key: &RuleKey, body: &RuleBody) -> Vec<Flush> {
    let switch: model::SwitchId = match "sw".parse() {
        Ok(switch) => switch,
        Err(_) => return Vec::new(),
    };
    let Ok(rule) = conversion::to_rule(&switch, key, body) else { return Vec::new() };
    let zone = rule.actions.iter().find_map(|a| match a {
        Action::Commit { zone } => Some(*zone),
        _ => None,
    });
    let (Some(zone), Some(protocol)) = (zone, rule.matches.protocol) else { return Vec::new() };
    let grant = match rule.owner {
        CookieOwner::Grant(id) => Some(id),
        _ => None,
    };
    let (source, destination) = (rule.matches.ip_src.map(|n| n.addr()), rule.matches.ip_dst.map(|n| n.addr()));
    let port = rule.matches.tp_dst.filter(|p| p.mask == u16::MAX).map(|p| p.value);
    let forward = CtTuple { source, destination, destination_port: port, ..CtTuple::default() };
    let backward = CtTuple { source: destination, destination: source, source_port: port, ..CtTuple::default() };
    let request = |original, reply| CtFlush { ip_proto: protocol.number(), original, reply, zone: Some(zone) };
    vec![
        Flush { grant, request: request(Some(forward), None) },
        Flush { grant, request: request(None, Some(backward)) },
    ]
}
