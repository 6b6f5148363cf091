//! Real packets from a terminal to the responder, through a firewall that blocks one thing at a time, or translates.
#![allow(clippy::unwrap_used, missing_docs)]

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lab::{LabError, Netns, Proc, Trial};
use preflight::nat::Nat;
use preflight::{Outcome, Passing, Probes, Rules};

/// Where the center's responder is, whichever terminal asks.
const CENTER: &str = "203.0.113.5";
const TERMINAL: &str = "10.0.0.2";
const OUTSIDE: &str = "203.0.113.1";

/// For what passes there is nothing to wait for; so this is only how long silence is listened to.
const PATIENCE: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_secs(60);

fn main() {
    lab::enter();
    lab::trials(vec![
        Trial::new("each way blocked in turn is told by its name, and nothing else is (R1)", each_blocked),
        Trial::new("the responder answers questions only (R1)", the_responder_alone),
    ]);
}

/// A terminal, a firewall and a center, wired in a row.
struct Row {
    terminal: Netns,
    _firewall: Netns,
    _responder: Option<Proc>,
}

fn ip(netns: &Netns, lines: &[&str]) -> Result<(), LabError> {
    for line in lines {
        let mut command = Command::new("ip");
        command.args(line.split(' '));
        run(netns, command)?;
    }
    Ok(())
}

fn run(netns: &Netns, command: Command) -> Result<(), LabError> {
    let told = format!("{command:?}");
    let done = netns.run(command, SOON)?;
    assert!(done.success(), "{told}: {done:?}");
    Ok(())
}

fn row(n: usize, case: &Case) -> Result<Row, LabError> {
    // The lab's own: what an earlier run wrote is not read here.
    let logs = Path::new("/run");
    let name = |part: &str| format!("pf{n}-{part}");
    let terminal = Netns::add(&name("t"), logs)?;
    let firewall = Netns::add(&name("f"), logs)?;
    let center = Netns::add(&name("c"), logs)?;
    let (t, f, c) = (name("t"), name("f"), name("c"));
    ip(
        &firewall,
        &[
            &format!("link add in netns {f} type veth peer name eth0 netns {t}"),
            &format!("link add out netns {f} type veth peer name eth0 netns {c}"),
            "addr add 10.0.0.1/24 dev in",
            &format!("addr add {OUTSIDE}/24 dev out"),
            "link set in up",
            "link set out up",
        ],
    )?;
    firewall.within(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap())?;
    ip(
        &terminal,
        &[&format!("addr add {TERMINAL}/24 dev eth0"), "link set eth0 up", "route add default via 10.0.0.1"],
    )?;
    ip(&center, &[&format!("addr add {CENTER}/24 dev eth0"), "link set eth0 up", "route add default via 203.0.113.1"])?;
    if !case.rules.is_empty() {
        let mut command = Command::new("nft");
        command.arg(case.rules);
        run(&firewall, command)?;
    }
    let responder = case.answers.then(|| begin(&center)).transpose()?;
    Ok(Row { terminal, _firewall: firewall, _responder: responder })
}

/// Starts the program and waits until it answers.
fn begin(center: &Netns) -> Result<Proc, LabError> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho-responder"));
    command.args(["--at", CENTER]);
    let responder = center.spawn(command)?;
    for _ in 0..600 {
        let said = std::fs::read_to_string(responder.log()).unwrap_or_default();
        if said.contains("answering at") {
            return Ok(responder);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the responder does not begin: {}", responder.log_tail(20));
}

fn ask(from: &Netns, patience: Duration) -> Result<Probes, LabError> {
    let center: IpAddr = CENTER.parse().unwrap();
    from.within(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(probing::ask(center, Rules::shipped().ports, patience))
    })
}

struct Case {
    name: &'static str,
    /// What the firewall does.
    rules: &'static str,
    answers: bool,
    /// TCP 443, UDP 500, UDP 4500, ESP.
    wanted: [Passing; 4],
    nat: Option<Nat>,
    /// Items whose verdict is not good.
    faults: &'static [&'static str],
}

macro_rules! drops {
    ($what:literal) => {
        concat!("table ip fw { chain pass { type filter hook forward priority 0; ", $what, "; }; }")
    };
}

fn cases() -> Vec<Case> {
    use Passing::{Answered, Other, Refused, Silent};
    let good = || [Answered, Answered, Answered, Answered];
    let but = |n: usize, passing: Passing| {
        let mut all = good();
        all[n] = passing;
        all
    };
    let case =
        |name, rules, wanted, faults| Case { name, rules, answers: true, wanted, nat: Some(Nat::Nobody), faults };
    vec![
        case("everything passes", "", good(), &[]),
        case("TCP 443 dropped", drops!("tcp dport 443 drop"), but(0, Silent), &["tcp-443"]),
        case("UDP 500 dropped", drops!("udp dport 500 drop"), but(1, Silent), &["udp-500"]),
        case("UDP 4500 dropped", drops!("udp dport 4500 drop"), but(2, Silent), &["udp-4500"]),
        case("ESP dropped", drops!("meta l4proto esp drop"), but(3, Silent), &["esp"]),
        case("answers of UDP 500 dropped", drops!("udp sport 500 drop"), but(1, Silent), &["udp-500"]),
        case("answers of ESP dropped", drops!("ip saddr 203.0.113.5 meta l4proto esp drop"), but(3, Silent), &["esp"]),
        case("TCP 443 reset", drops!("tcp dport 443 reject with tcp reset"), but(0, Refused), &["tcp-443"]),
        case(
            "UDP 4500 prohibited",
            drops!("udp dport 4500 reject with icmp type admin-prohibited"),
            but(2, Refused),
            &["udp-4500"],
        ),
        case(
            "ESP prohibited",
            drops!("meta l4proto esp reject with icmp type admin-prohibited"),
            but(3, Refused),
            &["esp"],
        ),
        Case {
            nat: Some(Nat::Here),
            ..case(
                "addresses translated, ESP dropped",
                "table ip fw { chain pass { type filter hook forward priority 0; meta l4proto esp drop; }; \
                 chain out { type nat hook postrouting priority 100; oif out masquerade; }; }",
                but(3, Silent),
                &[],
            )
        },
        Case {
            nat: Some(Nat::Here),
            ..case(
                "addresses translated, UDP 4500 and ESP dropped",
                "table ip fw { chain pass { type filter hook forward priority 0; udp dport 4500 drop; meta l4proto esp drop; }; \
                 chain out { type nat hook postrouting priority 100; oif out masquerade; }; }",
                [Answered, Answered, Silent, Silent],
                &["udp-4500", "esp", "nat"],
            )
        },
        Case {
            answers: false,
            nat: None,
            ..case(
                "somebody else answers TCP, nobody the rest",
                // Its echo is not the answer.
                "table ip fw { chain first { type nat hook prerouting priority -100; tcp dport 443 redirect to :7; }; \
                 chain pass { type filter hook forward priority 0; drop; }; }",
                [Other, Silent, Silent, Silent],
                &["tcp-443", "udp-500", "udp-4500", "esp", "nat"],
            )
        },
    ]
}

fn each_blocked() -> Result<(), LabError> {
    let cases = cases();
    // Raised one by one, asked all at once: silence takes its time.
    let rows: Vec<Row> = cases.iter().enumerate().map(|(n, case)| row(n, case)).collect::<Result<_, _>>()?;
    let last = cases.len() - 1;
    let echo = rows[last]._firewall.within(|| std::net::TcpListener::bind("0.0.0.0:7").unwrap())?;
    let elsewhere = std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = echo.accept().unwrap();
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").unwrap();
    });
    let asked: Vec<Result<Probes, LabError>> = std::thread::scope(|scope| {
        let all: Vec<_> = rows.iter().map(|row| scope.spawn(|| ask(&row.terminal, PATIENCE))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    elsewhere.join().unwrap();
    for (case, probes) in cases.iter().zip(asked) {
        let probes = probes?;
        let all = [&probes.tcp, &probes.ike, &probes.nat_traversal, &probes.esp];
        assert_eq!(all, case.wanted.each_ref(), "{}", case.name);
        let seen = probes.nat.iter().flatten().next();
        assert_eq!(seen.map(|s| s.nat), case.nat, "{}", case.name);
        let appears: Option<SocketAddr> = seen.and_then(|s| s.appears_as);
        let wanted = case.nat.map(|nat| if nat == Nat::Here { OUTSIDE } else { TERMINAL });
        assert_eq!(appears.map(|a| a.ip().to_string()).as_deref(), wanted, "{}", case.name);
        let mut facts = probing::collect(Path::new("/"), Path::new("/"), &preflight::Families::shipped(), None);
        facts.probes = Some(probes);
        let report = preflight::judge(&facts, &Rules::shipped(), &preflight::Families::shipped());
        let passage = report.verdicts.iter().filter(|v| v.group == preflight::Group::Passage);
        let faults: Vec<&str> = passage.filter(|v| v.outcome != Outcome::Holds).map(|v| v.item.as_str()).collect();
        assert_eq!(faults, case.faults, "{}", case.name);
    }
    Ok(())
}

/// It answers questions and nothing else, and gives nobody more bytes than they sent.
fn the_responder_alone() -> Result<(), LabError> {
    let case = cases().remove(0);
    let row = row(90, &case)?;
    row.terminal.within(|| {
        use std::io::{Read as _, Write as _};
        let socket = std::net::UdpSocket::bind((TERMINAL, 0)).unwrap();
        socket.connect((CENTER, 500)).unwrap();
        for junk in [&b""[..], b"\0", &[0xff; 1400], &[0; 28]] {
            socket.send(junk).unwrap();
        }
        let mut stream = std::net::TcpStream::connect((CENTER, 443)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert_eq!(said, b"", "what is no question is not answered");
        // After all that it still answers a question; and of the junk nothing came back before it.
        let question = preflight::ike::Question {
            spi: [1; 8],
            nonce: [2; 32],
            share: [3; 32],
            from: socket.local_addr().unwrap(),
            to: socket.peer_addr().unwrap(),
        };
        socket.set_read_timeout(Some(SOON)).unwrap();
        socket.send(&question.bytes()).unwrap();
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).unwrap();
        assert!(length <= question.bytes().len());
        assert_eq!(question.read(&buffer[..length]).unwrap().nat, Some(Nat::Nobody));
    })
}
