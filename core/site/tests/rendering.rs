//! Filters and IKE connections as text, compared with files. `UPDATE_GOLDEN=1 cargo test -p site` rewrites them.
#![allow(clippy::unwrap_used)]
// Golden files are written, and nft is run, by tests alone.
#![allow(clippy::disallowed_methods)]

use model::{CookieOwner, Filter, FilterSide, FlowDirection, GrantId, Protocol, Selector, Tunnel};
use site::{IkePolicy, RedInterfaces, connection, elements, full_script, parse_state};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap_or_default(), "{path}");
}

fn red() -> RedInterfaces {
    RedInterfaces { lan: "lan0".into(), tunnel: "ipsec0".into() }
}

fn wanted() -> BTreeMap<site::FilterElement, CookieOwner> {
    let filter = |from, to, source: &str, destination: &str, direction| Filter {
        owner: CookieOwner::Grant(GrantId(7)),
        from,
        to,
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        protocol: Protocol::Tcp,
        ports: vec![443, 8443],
        direction,
    };
    [
        filter(FilterSide::Lan, FilterSide::Tunnel, "10.1.20.11", "10.2.10.10", FlowDirection::Origin),
        filter(FilterSide::Tunnel, FilterSide::Lan, "10.2.10.10", "10.1.20.11", FlowDirection::Reply),
        filter(FilterSide::Lan, FilterSide::Tunnel, "fd00:1::11", "fd00:2::10", FlowDirection::Origin),
    ]
    .iter()
    .flat_map(|f| elements(f).map(|e| (e, f.owner)).collect::<Vec<_>>())
    .collect()
}

#[test]
fn the_filter_is_what_the_file_says() {
    golden("filter.nft", &full_script(&red(), &wanted()));
}

/// Runs nft in a network namespace of its own; nothing of it touches the host.
fn nft(script: &str) -> Option<String> {
    let mut child = Command::new("unshare")
        .args(["-rn", "sh", "-c", "nft -f - && nft -j list table inet sekisho"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    out.status.success().then(|| String::from_utf8(out.stdout).unwrap())
}

#[test]
fn nft_takes_the_filter_and_shows_exactly_it() {
    let wanted = wanted();
    let script = full_script(&red(), &wanted);
    let seen = parse_state(&red(), &nft(&script).unwrap()).unwrap();
    assert!(seen.guard, "{seen:?}");
    assert_eq!(seen.elements.iter().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());

    let first = wanted.keys().next().unwrap();
    let less = format!("{script}{}", site::change_script([], [first]));
    assert_eq!(parse_state(&red(), &nft(&less).unwrap()).unwrap().elements.len(), wanted.len() - 1);

    let hole = format!("{script}add rule inet sekisho forward accept comment \"sekisho guard 1\"\n");
    let seen = parse_state(&red(), &nft(&hole).unwrap()).unwrap();
    assert!(!seen.guard && seen.foreign.len() == 1, "{seen:?}");
    let open = script.replace("policy drop", "policy accept");
    assert!(!parse_state(&red(), &nft(&open).unwrap()).unwrap().guard);
    assert!(parse_state(&red(), "{}").is_err());
}

#[test]
fn the_connection_is_what_the_file_says() {
    let documents: Vec<_> = [
        ("clinic", include_str!("../../model/tests/documents/clinic.toml")),
        ("hospital", include_str!("../../model/tests/documents/hospital.toml")),
    ]
    .iter()
    .map(|(name, text)| model::parse_document(name, text).unwrap())
    .collect();
    let network = model::Network::default().with(&documents).unwrap();
    let facts = network.facts(&"clinic".parse().unwrap()).unwrap();
    let tunnel = Tunnel {
        grant: GrantId(7),
        peer: "hospital".parse().unwrap(),
        local: Selector { address: "10.1.20.11".parse().unwrap(), protocol: Protocol::Tcp, ports: vec![] },
        remote: Selector { address: "10.2.10.10".parse().unwrap(), protocol: Protocol::Tcp, ports: vec![443, 8443] },
        initiator: true,
    };
    let policy = IkePolicy {
        ike_proposals: vec!["aes256gcm16-prfsha384-ecp256".into()],
        esp_proposals: vec!["aes256gcm16-ecp256".into()],
        ike_rekey_seconds: 28800,
        child_rekey_seconds: 3600,
        child_rekey_packets: 1 << 32,
        replay_window: 128,
        dpd_seconds: 30,
        revocation: "strict".into(),
    };
    let connection = connection(&facts, &tunnel.peer, [&tunnel], &policy).unwrap();
    golden("clinic--hospital.swanctl", &connection.to_swanctl());
}
