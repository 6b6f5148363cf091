//! The center killed (SIGKILL) at many points of an upload and of its acceptance; it lives in another process.

use model::Timestamp;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::client::{Say, begin, checked_receipt, metadata, sha256};
use crate::world::{Dice, Scanner, bytes, serve, settings};

const FOLDER: &str = "SEKISHO_TEST_FOLDER";
const SOCKET: &str = "SEKISHO_TEST_SCANNER";
const FILES: usize = 6;

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(folder: &Path, scanner: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child_serves_until_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .env(SOCKET, scanner)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).find_map(|l| l.strip_prefix("serves ")?.parse().ok());
        Self { address: said.expect("the center did not start"), child }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// At each life of the center something is sent, and at some byte of it the center is killed.
#[test]
fn a_center_killed_at_any_point_loses_and_doubles_nothing() {
    let (folder, scanner) = (tempfile::tempdir().unwrap(), Scanner::shared().unwrap());
    let mut dice = Dice(10);
    let mut lives = 0;
    for file in 0..FILES {
        let content = bytes(20_000 + dice.below(60_000), 100 + file as u64);
        let (name, key) = (format!("report-{file}.zip"), format!("key-{file}"));
        let mut answered = 0u64;
        let mut received = false;
        while !received {
            let center = Process::start(folder.path(), &scanner.socket);
            let address = center.address;
            lives += 1;
            // Sometimes it dies while it hears of the file.
            if answered == 0 && dice.below(3) == 0 {
                let post = Say::new("POST", "/files")
                    .with("Upload-Length", content.len())
                    .with("Upload-Metadata", metadata(&name, &[("key", &key)]));
                let headers = post.headers.clone();
                let asking = std::thread::spawn(move || {
                    let _ = Say { headers, ..Say::new("POST", "/files") }.to(address);
                });
                for _ in 0..dice.below(2_000) {
                    std::thread::yield_now();
                }
                center.kill();
                let _ = asking.join();
                continue;
            }
            let path = begin(address, &name, content.len(), &[("key", &key)]);
            let head = Say::new("HEAD", &path).ask(address);
            let mut at = head.offset();
            assert!(at >= answered, "{answered} bytes were answered for, {at} are kept");
            // A few whole parts, then one in whose middle, or after whose end, the center dies.
            for _ in 0..dice.below(3) {
                let part = (1 + dice.below(8_000)).min(content.len() - at as usize);
                let say = Say::part(&path, at, &content[at as usize..at as usize + part]);
                let answer = if dice.below(2) == 0 { say.summed().ask(address) } else { say.ask(address) };
                assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
                at = answer.offset();
                answered = at;
            }
            received = answered == content.len() as u64;
            let part = (1 + dice.below(20_000)).min(content.len() - at as usize);
            let say = Say::part(&path, at, &content[at as usize..at as usize + part]);
            let say = if dice.below(2) == 0 { say.summed() } else { say };
            let _ = Say { cut: Some(dice.below(part + 1)), ..say }.to(address);
            for _ in 0..dice.below(3_000) {
                std::thread::yield_now();
            }
            center.kill();
        }
    }
    // Now it dies while it scans, signs, commits and moves, until everything is accepted.
    for life in 0.. {
        let mut center = Process::start(folder.path(), &scanner.socket);
        lives += 1;
        center.child.stdin.as_mut().unwrap().write_all(b"work\n").unwrap();
        let seen = Say::new("GET", "/files").ask(center.address).json();
        let accepted = seen.as_array().unwrap().iter().filter(|s| s["state"] == "accepted").count();
        if accepted == FILES {
            verify_all(center.address, folder.path());
            center.kill();
            break;
        }
        // Longer from life to life, so that a slow machine comes to an end too.
        for _ in 0..dice.below(5_000 * (life + 1)) {
            std::thread::yield_now();
        }
        center.kill();
    }
    assert!(lives > 20, "{lives} lives");
}

fn verify_all(address: SocketAddr, folder: &Path) {
    let seen = Say::new("GET", "/files").ask(address).json();
    let seen = seen.as_array().unwrap();
    assert_eq!(seen.len(), FILES, "nothing is doubled");
    for row in seen {
        let (id, name) = (row["id"].as_str().unwrap(), row["name"].as_str().unwrap());
        let number: u64 = name.trim_start_matches("report-").trim_end_matches(".zip").parse().unwrap();
        let length = row["length"].as_u64().unwrap() as usize;
        let content = bytes(length, 100 + number);
        let place = ["accepted", "incoming"].map(|f| folder.join("spool").join(f).join(id));
        let kept: Vec<_> = place.iter().filter(|p| p.exists()).collect();
        assert_eq!(kept.len(), 1, "one copy of {name}");
        assert!(std::fs::read(kept[0]).unwrap() == content, "{name} is what was sent");
        let scratch = tempfile::tempdir().unwrap();
        let receipt = checked_receipt(address, &format!("/files/{id}"), scratch.path());
        assert!(receipt.contains(&format!("sha256: {}", sha256(&content))));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a child process of a_center_killed_at_any_point_loses_and_doubles_nothing"]
async fn child_serves_until_killed() {
    let (Ok(folder), Ok(socket)) = (std::env::var(FOLDER), std::env::var(SOCKET)) else { return };
    let folder = std::path::PathBuf::from(folder);
    let settings = settings(&folder, socket.as_ref());
    let (room, address) = serve(&folder, settings, || Timestamp(1_800_000_000_000)).await;
    let mut out = std::io::stdout();
    writeln!(out, "\nserves {address}").and_then(|()| out.flush()).unwrap();
    let (begin, mut begun) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line == "work" {
                let _ = begin.blocking_send(());
            }
        }
        // The end of standard input is the end of the test that started this.
        std::process::exit(0);
    });
    if begun.recv().await.is_some() {
        room.work().await;
    }
}
