//! An IPv6 terminal and an IPv6 server, a line through the real tunnel, and a neighbour who lies.

use std::fs;
use std::process::Command;
use std::time::Duration;

use lab::reach::Knock;
use lab::{Download, HttpsTarget, Netns, Scenario};
use model::{CookieOwner, Protocol};
use reality::{Papers, RealityError, World};

use super::{Outcome, agree, cell, wish};

pub const PATIENCE: Duration = Duration::from_secs(30);
pub const SCENARIO: &str = include_str!("../../../lab/scenarios/two-families.toml");

const TERMINAL: &str = "fd00:0:1:20::11";
const TERMINAL_MAC: &str = "02:00:00:01:20:11";
const LIAR: &str = "fd00:0:1:20::12";
const LIAR_MAC: &str = "02:00:00:01:20:12";
pub const GATEWAY: &str = "fd00:0:1:20::1";
pub const GATEWAY_MAC: &str = "02:00:00:01:00:01";
const SERVER: &str = "fd00:0:2:10::10";

/// Whose link-layer address a host holds for its neighbour, by its own stack; and whether it holds it for a router.
pub fn neighbour(netns: &Netns, device: &str, address: &str) -> Result<Option<(String, bool)>, RealityError> {
    let mut ip = Command::new("ip");
    ip.args(["neigh", "show", address, "dev", device]);
    let said = netns.run(ip, PATIENCE)?.stdout;
    let words: Vec<&str> = said.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "lladdr");
    Ok(at.and_then(|at| words.get(at + 1)).map(|mac| ((*mac).to_owned(), words.contains(&"router"))))
}

/// Sends somebody an echo request, which nobody lets through: who sends it must ask for its neighbour first.
pub fn ask(netns: &Netns, to: &str) -> Outcome {
    let mut ping = Command::new("ping");
    ping.args(["-c", "1", "-W", "1", to]);
    netns.run(ping, PATIENCE)?;
    Ok(())
}

/// How many of these messages came to a stack (`/proc/net/snmp6`).
fn came(netns: &Netns, what: &str) -> Result<u64, RealityError> {
    let counters = netns.within(|| fs::read_to_string("/proc/thread-self/net/snmp6").unwrap())?;
    let line = counters.lines().find_map(|line| line.strip_prefix(&format!("Icmp6In{what}")));
    Ok(line.unwrap().trim().parse().unwrap())
}

/// What somebody says of himself by his own stack, with another's address: it asks for the gateway, and announces itself
/// (RFC 4861 §7.2.6) as his MAC changes there and back.
fn lie(liar: &Netns, as_whom: &str) -> Outcome {
    liar.within(|| fs::write("/proc/sys/net/ipv6/conf/eth0/ndisc_notify", "1").unwrap())?;
    liar.ip(&[
        format!("addr add {as_whom}/128 dev eth0 nodad"),
        "link set eth0 address 02:00:00:01:20:99".into(),
        format!("link set eth0 address {LIAR_MAC}"),
        "neigh flush dev eth0".into(),
    ])?;
    let mut ping = Command::new("ping");
    // On the same segment, and not one of his own.
    let to = if as_whom == GATEWAY { TERMINAL } else { GATEWAY };
    ping.args(["-6", "-c", "2", "-i", "0.3", "-W", "1", "-I", as_whom, to]);
    let pinged = liar.run(ping, PATIENCE)?;
    assert!(!pinged.success());
    assert_eq!(neighbour(liar, "eth0", to)?, None, "who speaks as {as_whom} is answered");
    liar.ip(&[format!("addr del {as_whom}/128 dev eth0")])?;
    Ok(())
}

pub fn ipv6() -> Outcome {
    let scenario = Scenario::parse(SCENARIO).unwrap();
    let documents = reality::documents(&scenario, &std::collections::BTreeMap::new());
    let mut world = World::raise(&mut Papers::new()?, &scenario, &reality::network(&documents)?)?;
    let [terminal, liar, server, red] =
        ["sk-clinic-exam-1", "sk-clinic-exam-2", "sk-hospital-record-server", "sk-clinic-red"]
            .map(|name| world.lab().netns(name).cloned());
    let (terminal, liar, server, red) = (terminal?, liar?, server?, red?);

    let (matrix, _) = agree(&world, "both families, nothing open")?;
    assert_eq!(matrix.open().count(), 0);
    // All have knocked at all, so each knows its neighbours by now: from the switch, since nothing has passed.
    assert_eq!(neighbour(&terminal, "eth0", GATEWAY)?, Some((GATEWAY_MAC.into(), true)));
    assert_eq!(neighbour(&terminal, "eth0", LIAR)?, Some((LIAR_MAC.into(), false)));
    assert_eq!(neighbour(&liar, "eth0", TERMINAL)?, Some((TERMINAL_MAC.into(), false)));

    let _serves = world.lab().serve_https("sk-hospital-record-server", 8080, None)?;
    let target = HttpsTarget { address: SERVER.parse().unwrap(), port: 8080, tls: None };
    assert!(target.get(&terminal, "/", Duration::from_secs(1)).is_err());
    let grant = world.open(&wish("clinic/exam-1", "hospital/record-server", Protocol::Tcp, 8080))?;
    let grant = grant.map_err(RealityError::Refused)?;
    let (matrix, said) = agree(&world, "an IPv6 line open")?;
    let line = cell("clinic/exam-1", "hospital/record-server", Knock::Tcp(8080));
    assert_eq!(matrix.open().collect::<Vec<_>>(), [&line]);
    assert_eq!(said.because(&line), Some(CookieOwner::Grant(grant.id)));
    let sas = world.lab().site("clinic")?.charon.list_sas()?;
    assert!(sas.iter().any(|sa| sa.local == format!("{TERMINAL}/128[tcp]") && sa.state == "INSTALLED"), "{sas:?}");
    assert!(target.get(&terminal, "/", PATIENCE)?.contains("record"));
    assert!(target.get(&liar, "/", Duration::from_secs(1)).is_err());
    let download = Download::start(&terminal, &target, PATIENCE)?;
    assert!(download.flows(4 << 20, PATIENCE), "{} bytes", download.bytes());
    assert_eq!(neighbour(&red, "lan0", TERMINAL)?, Some((TERMINAL_MAC.into(), false)));

    for as_whom in [TERMINAL, GATEWAY] {
        lie(&liar, as_whom)?;
        assert_eq!(neighbour(&terminal, "eth0", GATEWAY)?, Some((GATEWAY_MAC.into(), true)));
        assert_eq!(neighbour(&red, "lan0", TERMINAL)?, Some((TERMINAL_MAC.into(), false)));
        assert!(download.flows(1 << 20, PATIENCE), "a lie of {as_whom} stops the download");
    }
    // Whoever speaks as himself is answered as before.
    let mut ping = Command::new("ping");
    ping.args(["-6", "-c", "1", "-W", "1", "-I", LIAR, GATEWAY]);
    drop(liar.run(ping, PATIENCE)?);
    assert_eq!(neighbour(&liar, "eth0", GATEWAY)?, Some((GATEWAY_MAC.into(), true)));

    world.close(&grant)?;
    assert!(download.stalled(Duration::from_millis(500), PATIENCE).is_some());
    assert!(!download.ended(), "cut means silence, not an end");
    drop(download);
    let (matrix, _) = agree(&world, "closed again")?;
    assert_eq!(matrix.open().count(), 0);
    // No question for an address, no word of a router and no redirection was ever passed on to anybody.
    for stack in [&terminal, &liar, &server, &red] {
        for what in ["NeighborSolicits", "RouterAdvertisements", "RouterSolicits", "Redirects", "Echos"] {
            assert_eq!(came(stack, what)?, 0, "{what} at {}", stack.name());
        }
    }
    Ok(())
}
