//! One IKE connection per pair of sites as strongSwan is told of it over VICI (RFC 7296; swanctl.conf(5)).
//!
//! Field names are swanctl's, so that serialising [`IkeConnection`] gives the section `load-conn` wants. One connection
//! a pair, one child a grant: two connections with the same pair of identities would collide on the responder.

use model::{GrantId, SiteFacts, SiteId, Tunnel};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What the algorithm profile (G3) says; filled from `pki::ike_profile` by the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IkePolicy {
    /// IKE proposals in strongSwan's notation.
    pub ike_proposals: Vec<String>,
    /// ESP proposals.
    pub esp_proposals: Vec<String>,
    /// Seconds until an IKE SA is rekeyed.
    pub ike_rekey_seconds: u32,
    /// Seconds until a CHILD_SA is rekeyed.
    pub child_rekey_seconds: u32,
    /// Packets until a CHILD_SA is rekeyed.
    pub child_rekey_packets: u64,
    /// Anti-replay window, packets.
    pub replay_window: u32,
    /// Seconds of silence before the peer is asked whether it lives (RFC 7296 §2.4).
    pub dpd_seconds: u32,
    /// swanctl `revocation` of the peer: `strict`, `ifuri` or `relaxed` (G2).
    pub revocation: String,
}

/// A connection and all its children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct IkeConnection {
    /// Not part of the section: its key.
    #[serde(skip)]
    pub name: String,
    pub version: String,
    pub local_addrs: Vec<String>,
    pub remote_addrs: Vec<String>,
    pub proposals: Vec<String>,
    pub aggressive: String,
    pub encap: String,
    pub mobike: String,
    pub fragmentation: String,
    pub unique: String,
    pub dpd_delay: String,
    pub keyingtries: String,
    pub rekey_time: String,
    pub reauth_time: String,
    pub send_certreq: String,
    pub local: IkeEnd,
    pub remote: IkeEnd,
    pub children: BTreeMap<String, IkeChild>,
}

/// Authentication of one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct IkeEnd {
    pub auth: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
}

/// A CHILD_SA, narrowed to host, protocol and port (G6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct IkeChild {
    pub local_ts: Vec<String>,
    pub remote_ts: Vec<String>,
    pub esp_proposals: Vec<String>,
    pub mode: String,
    pub policies: String,
    pub start_action: String,
    pub close_action: String,
    pub dpd_action: String,
    pub rekey_time: String,
    pub rekey_packets: String,
    pub replay_window: String,
}

/// `<lower site>--<higher site>`: both ends give the pair the same name.
pub fn connection_name(a: &SiteId, b: &SiteId) -> String {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    format!("{low}--{high}")
}

/// The child of a grant.
pub fn child_name(grant: GrantId) -> String {
    grant.to_string()
}

/// The connection to `peer` with a child for each tunnel, or nothing if the facts do not know the peer.
pub fn connection<'a>(
    facts: &SiteFacts,
    peer: &SiteId,
    tunnels: impl IntoIterator<Item = &'a Tunnel>,
    policy: &IkePolicy,
) -> Option<IkeConnection> {
    let there = facts.peers.get(peer)?;
    let yes = || "yes".to_owned();
    let no = || "no".to_owned();
    Some(IkeConnection {
        name: connection_name(&facts.site.id, peer),
        version: "2".into(),
        local_addrs: vec![facts.site.wan_address()?.to_string()],
        remote_addrs: vec![there.address.to_string()],
        proposals: policy.ike_proposals.clone(),
        aggressive: no(),
        // The userspace data path speaks only ESP in UDP (RFC 3948), and sites sit behind NAT.
        encap: yes(),
        mobike: no(),
        fragmentation: yes(),
        // A peer that lost its state comes back under the same identity: its new IKE SA replaces the dead one.
        unique: "replace".into(),
        dpd_delay: format!("{}s", policy.dpd_seconds),
        keyingtries: "1".into(),
        rekey_time: format!("{}s", policy.ike_rekey_seconds),
        reauth_time: "0s".into(),
        send_certreq: yes(),
        local: IkeEnd { auth: "pubkey".into(), id: facts.site.gateway.ike_identity.clone(), revocation: None },
        remote: IkeEnd {
            auth: "pubkey".into(),
            id: there.ike_identity.clone(),
            revocation: Some(policy.revocation.clone()),
        },
        children: tunnels.into_iter().map(|t| (child_name(t.grant), child(t, policy))).collect(),
    })
}

fn child(tunnel: &Tunnel, policy: &IkePolicy) -> IkeChild {
    let selectors = |s: &model::Selector| s.to_string().split(',').map(str::to_owned).collect();
    IkeChild {
        local_ts: selectors(&tunnel.local),
        remote_ts: selectors(&tunnel.remote),
        esp_proposals: policy.esp_proposals.clone(),
        mode: "tunnel".into(),
        policies: "yes".into(),
        // Only the designated initiator starts it, on order; nothing comes up by itself or by traffic.
        start_action: "none".into(),
        close_action: "none".into(),
        dpd_action: "clear".into(),
        rekey_time: format!("{}s", policy.child_rekey_seconds),
        rekey_packets: policy.child_rekey_packets.to_string(),
        replay_window: policy.replay_window.to_string(),
    }
}

impl IkeConnection {
    /// As a section of swanctl.conf(5), for people and golden files.
    pub fn to_swanctl(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let mut out = String::from("connections {\n");
        section(&mut out, 1, &self.name, &value);
        out.push_str("}\n");
        out
    }
}

fn section(out: &mut String, depth: usize, name: &str, value: &serde_json::Value) {
    let indent = "    ".repeat(depth);
    match value {
        serde_json::Value::Object(map) => {
            let _ = writeln!(out, "{indent}{name} {{");
            for (key, inner) in map {
                section(out, depth + 1, key, inner);
            }
            let _ = writeln!(out, "{indent}}}");
        }
        serde_json::Value::Array(list) => {
            let items: Vec<&str> = list.iter().filter_map(serde_json::Value::as_str).collect();
            let _ = writeln!(out, "{indent}{name} = {}", items.join(", "));
        }
        other => {
            let _ = writeln!(out, "{indent}{name} = {}", other.as_str().unwrap_or_default());
        }
    }
}
