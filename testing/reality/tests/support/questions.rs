//! Who asks for addresses without end is answered within his own measure, and everybody else as before (G16).

use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lab::{Netns, Scenario, Switch};
use reality::{Papers, RealityError, World};

use super::Outcome;
use super::six::{GATEWAY, GATEWAY_MAC, PATIENCE, SCENARIO, ask, neighbour};

/// `first-packets-per-second`, if a gate is told nothing else; as many may come at once.
const PER_SECOND: u64 = 200;
const DESK: &str = "10.1.30.11";
const DESK_MAC: &str = "02:00:00:01:30:11";
/// Bit of a meter of questions; the others are those of its port.
const QUESTIONS: u32 = 0x1_0000;

/// A flood: everybody of a prefix is sought, is forgotten, and is sought again.
fn pour(netns: &Netns, prefix: &str, over: &AtomicBool) -> Result<(), RealityError> {
    let sought: Vec<IpAddr> = (100..250).map(|n| format!("{prefix}{n}").parse().unwrap()).collect();
    let any = if sought[0].is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = netns.within(|| UdpSocket::bind(any).unwrap())?;
    socket.set_nonblocking(true).unwrap();
    while !over.load(Ordering::Relaxed) {
        for address in &sought {
            // What waits for its neighbour fills the queue: no more need be sent to ask.
            let _ = socket.send_to(b"?", (*address, 9));
        }
        netns.ip(&["neigh flush dev eth0".to_owned()])?;
    }
    Ok(())
}

/// Packets that came to a meter, and those of them that it dropped.
fn measured(switch: &Switch, meter: u32) -> Result<(u64, u64), RealityError> {
    let text = switch.ofctl(&["meter-stats", "br0", &format!("meter={meter}")])?;
    let after = |word: &str| {
        let rest = text.split_once(word)?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    let found = after("packet_in_count:").zip(after("0: packet_count:"));
    found.ok_or_else(|| RealityError::Product(format!("meter {meter}: {text}")))
}

fn until(mut holds: impl FnMut() -> Result<bool, RealityError>) -> Result<bool, RealityError> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if holds()? {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(false)
}

pub fn flood() -> Outcome {
    let scenario = Scenario::parse(SCENARIO).unwrap();
    let documents = reality::documents(&scenario, &std::collections::BTreeMap::new());
    let world = World::raise(&mut Papers::new()?, &scenario, &reality::network(&documents)?)?;
    world.settle()?;
    let netns = |name: &str| world.lab().netns(name).cloned();
    let (terminal, six, four) = (netns("sk-clinic-exam-1")?, netns("sk-clinic-exam-2")?, netns("sk-clinic-desk-1")?);
    let red = netns("sk-clinic-red")?;
    let switch = &world.lab().site("clinic")?.switch;

    for (who, port, prefix) in [(&six, 4, "fd00:0:1:20::"), (&four, 5, "10.1.30.")] {
        let meter = QUESTIONS + port;
        let over = AtomicBool::new(false);
        let begun = Instant::now();
        let (came_before, dropped_before) = measured(switch, meter)?;
        std::thread::scope(|scope| {
            let pouring = scope.spawn(|| pour(who, prefix, &over));
            let checked = (|| -> Outcome {
                let floods = until(|| Ok(measured(switch, meter)?.1 >= dropped_before + 1000))?;
                assert!(floods, "no flood, or nobody cuts it off: {:?}", measured(switch, meter));
                // Another terminal, by IPv6, and the gateway, by ARP, begin anew: each learns the truth as ever.
                terminal.ip(&["neigh flush dev eth0".to_owned()])?;
                let learns = || {
                    ask(&terminal, GATEWAY)?;
                    Ok(neighbour(&terminal, "eth0", GATEWAY)? == Some((GATEWAY_MAC.into(), true)))
                };
                assert!(until(learns)?, "another terminal is not answered during the flood at port {port}");
                let learns = || {
                    let wrong = "lladdr 02:00:00:01:30:99 dev lan0 nud probe";
                    red.ip(&[format!("neigh replace {DESK} {wrong}")])?;
                    until(|| Ok(neighbour(&red, "lan0", DESK)? == Some((DESK_MAC.into(), false))))
                };
                assert!(learns()?, "the gateway is not answered during the flood at port {port}");
                Ok(())
            })();
            over.store(true, Ordering::Relaxed);
            pouring.join().unwrap()?;
            checked
        })?;
        let (came, dropped) = measured(switch, meter)?;
        let answered = (came - came_before) - (dropped - dropped_before);
        let most = PER_SECOND * (begun.elapsed().as_secs() + 2);
        eprintln!("    port {port}: {came} came, {dropped} dropped, {answered} answered, at most {most}");
        assert!(answered <= most, "{answered} of {came} were answered in {:?}", begun.elapsed());
    }
    // Whoever has stopped is answered again.
    let again = || {
        ask(&six, GATEWAY)?;
        Ok(neighbour(&six, "eth0", GATEWAY)? == Some((GATEWAY_MAC.into(), true)))
    };
    assert!(until(again)?);
    Ok(())
}
