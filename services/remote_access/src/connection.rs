//! The connections strongSwan gets for clients: algorithms of today (G3), a virtual address, everything into the tunnel.

use std::collections::BTreeMap;

use pki::ike_profile::{CHILD_LIFETIME, CHILD_PACKETS, ESP_PROPOSAL, IKE_LIFETIME, IKE_PROPOSAL, REPLAY_WINDOW};
use serde::Serialize;

use crate::config::Config;
use crate::material::Material;

/// Name of the connection that checks machine and person (RFC 4739).
pub const CHECKED: &str = "clients-checked";
/// Name of the connection for clients that can prove only the person.
pub const UNCHECKED: &str = "clients-unchecked";
/// Name of the one child of either.
pub(crate) const CHILD: &str = "everything";

/// The same strength with P-384, which Windows and Apple are set to by their profiles.
const IKE_PROPOSAL_384: &str = "aes256gcm16-prfsha384-ecp384";
const ESP_PROPOSAL_384: &str = "aes256gcm16-ecp384";

/// `load-conn` and `load-pool`, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Connections by name, the checked one first: strongSwan tries them in the order of loading.
    pub connections: Vec<(&'static str, Connection)>,
    /// Pools by name.
    pub pools: BTreeMap<&'static str, Pool>,
}

/// A connection (strongSwan, vici plugin README §"load-conn").
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connection {
    version: &'static str,
    proposals: Vec<&'static str>,
    send_cert: &'static str,
    unique: &'static str,
    dpd_delay: &'static str,
    rekey_time: String,
    over_time: String,
    pools: Vec<&'static str>,
    local: Authentication,
    #[serde(rename = "remote-1", skip_serializing_if = "Option::is_none")]
    machine: Option<Authentication>,
    #[serde(rename = "remote-2")]
    person: Authentication,
    children: BTreeMap<&'static str, Child>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Authentication {
    auth: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eap_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cacerts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Child {
    local_ts: Vec<&'static str>,
    esp_proposals: Vec<&'static str>,
    rekey_time: String,
    rekey_packets: String,
    replay_window: String,
    dpd_action: &'static str,
}

/// A pool of virtual addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    addrs: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns: Vec<String>,
}

/// What strongSwan shall have, from the configuration and the files it names.
#[must_use]
pub fn connections(config: &Config, material: &Material) -> Wanted {
    let machine = Authentication {
        auth: "pubkey",
        cacerts: material.machine_cas.clone(),
        // No list, no entry (G2: revocation is checked at that moment).
        revocation: Some("strict"),
        ..Authentication::default()
    };
    let mut wanted = Wanted {
        connections: vec![(CHECKED, connection(config, material, CHECKED, Some(machine)))],
        pools: BTreeMap::from([(CHECKED, pool(config, config.pool))]),
    };
    if let Some(range) = config.pool_unchecked {
        wanted.connections.push((UNCHECKED, connection(config, material, UNCHECKED, None)));
        wanted.pools.insert(UNCHECKED, pool(config, range));
    }
    wanted
}

fn pool(config: &Config, range: ipnet::Ipv4Net) -> Pool {
    Pool { addrs: range.trunc().to_string(), dns: config.dns.iter().map(ToString::to_string).collect() }
}

fn connection(config: &Config, material: &Material, pool: &'static str, machine: Option<Authentication>) -> Connection {
    let child = Child {
        // Everything: what a client sends elsewhere comes here and ends here.
        local_ts: vec!["0.0.0.0/0"],
        esp_proposals: vec![ESP_PROPOSAL, ESP_PROPOSAL_384],
        rekey_time: format!("{CHILD_LIFETIME}s"),
        rekey_packets: CHILD_PACKETS.to_string(),
        replay_window: REPLAY_WINDOW.to_string(),
        dpd_action: "clear",
    };
    Connection {
        version: "2",
        proposals: vec![IKE_PROPOSAL, IKE_PROPOSAL_384],
        send_cert: "always",
        // A person who comes in again (another room, a line that broke) replaces the session of before.
        unique: "replace",
        dpd_delay: "30s",
        rekey_time: format!("{IKE_LIFETIME}s"),
        over_time: "600s".to_owned(),
        pools: vec![pool],
        local: Authentication {
            auth: "pubkey",
            id: Some(config.name.clone()),
            certs: material.chain.first().cloned().into_iter().collect(),
            ..Authentication::default()
        },
        machine,
        person: Authentication { auth: "eap-mschapv2", eap_id: Some("%any"), ..Authentication::default() },
        children: BTreeMap::from([(CHILD, child)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pki::ike_profile::{Grade, Protocol, check_proposal};

    fn material() -> Material {
        Material { chain: vec!["<server>".into()], machine_cas: vec!["<machine ca>".into()], ..Material::default() }
    }

    #[test]
    fn machine_and_person_are_asked_for_in_this_order() {
        let wanted = connections(&crate::config::example(), &material());
        let (name, checked) = &wanted.connections[0];
        let json = serde_json::to_value(checked).unwrap();
        assert_eq!(*name, CHECKED);
        assert_eq!(json["remote-1"]["auth"], "pubkey");
        assert_eq!(json["remote-1"]["revocation"], "strict");
        assert_eq!(json["remote-1"]["cacerts"][0], "<machine ca>");
        assert_eq!(json["remote-2"]["auth"], "eap-mschapv2");
        assert_eq!(json["children"]["everything"]["local_ts"][0], "0.0.0.0/0");
        let json = serde_json::to_value(&wanted.connections[1].1).unwrap();
        assert!(json.get("remote-1").is_none());
        assert_eq!(json["pools"][0], UNCHECKED);
        assert_eq!(serde_json::to_value(&wanted.pools[UNCHECKED]).unwrap()["addrs"], "10.99.128.0/17");
    }

    #[test]
    fn without_a_range_of_their_own_no_unchecked_machine_comes_in() {
        let config = Config { pool_unchecked: None, ..crate::config::example() };
        let wanted = connections(&config, &material());
        assert_eq!(wanted.connections.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [CHECKED]);
        assert_eq!(wanted.pools.keys().copied().collect::<Vec<_>>(), [CHECKED]);
    }

    #[test]
    fn every_algorithm_is_one_that_is_mandated() {
        for (protocol, all) in
            [(Protocol::Ike, [IKE_PROPOSAL, IKE_PROPOSAL_384]), (Protocol::Esp, [ESP_PROPOSAL, ESP_PROPOSAL_384])]
        {
            for one in all {
                assert_eq!(check_proposal(protocol, one), Ok(Grade::Mandated));
            }
        }
    }
}
