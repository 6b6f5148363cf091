//! Killed in the middle, and a disk that is really full: the registry lives in another process.

use audit::Event;
use model::{ConnectionState, Timestamp};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::world::{World, goes};
use super::{Place, both};
use crate::{Commit, Registry, RegistryError, Settings};

both! { a_killed_center_loses_no_committed_entry }

const URL: &str = "SEKISHO_TEST_REGISTRY";

/// This test binary again, running one of the children below.
fn child(name: &str, url: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("tests::durable::{name}"), "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(URL, url).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// What the child said, line by line, until its output ends.
fn said(child: &mut Child) -> impl Iterator<Item = (String, u64)> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| {
        let (word, number) = line.strip_prefix("said ")?.split_once(' ')?;
        Some((word.to_owned(), number.parse().ok()?))
    })
}

fn say(word: &str, number: u64) {
    let mut out = std::io::stdout();
    writeln!(out, "\nsaid {word} {number}").and_then(|()| out.flush()).unwrap();
}

async fn a_killed_center_loses_no_committed_entry(place: Place) {
    let (mut last_grant, mut last_seq) = (0, 0);
    for round in 0..5 {
        let mut center = child("child_commits_until_killed", &place.settings.url).spawn().unwrap();
        let mut open = Vec::new();
        let mut heard = 0;
        for (word, number) in said(&mut center) {
            match word.as_str() {
                "grant" => {
                    assert!(number > last_grant, "grant number {number} given twice");
                    last_grant = number;
                }
                "open" => open.push(number),
                "seq" => last_seq = number,
                _ => {}
            }
            heard += 1;
            if heard == 20 + round * 37 {
                center.kill().unwrap();
            }
        }
        center.wait().unwrap();
        assert!(heard >= 20, "the child ended by itself");
        let registry = place.open().await;
        let head = registry.verify_log(None).await.unwrap();
        assert!(head.seq >= last_seq, "entry {last_seq} was committed, the log ends at {}", head.seq);
        let loaded = registry.load().await.unwrap();
        for grant in open {
            assert_eq!(loaded.live[&model::GrantId(grant)].state, ConnectionState::Open);
        }
        // State and log were written together: every live connection has its entries.
        for grant in loaded.live.keys() {
            assert!(registry.audit_of(*grant).await.unwrap().len() >= 2);
            assert!(loaded.sites.values().all(|s| s.grants.contains_key(grant)));
        }
        registry.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a child process of a_killed_center_loses_no_committed_entry"]
async fn child_commits_until_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let registry = Registry::open_with(Settings { compact_bytes: 4096, ..Settings::new(&url) }).await.unwrap();
    let mut world = World::of(&registry).await;
    if world.at.is_empty() {
        world.apply(&registry).await;
    }
    loop {
        let id = registry.next_grant_id().await.unwrap().0;
        say("grant", id);
        say("seq", world.open(&registry, id).await.unwrap().head.seq);
        let head = goes(&registry, id, ConnectionState::Open).await.unwrap().head;
        say("open", id);
        say("seq", head.seq);
    }
}

/// A file system of 1 MiB in a mount namespace of its own.
#[test]
fn a_full_disk_refuses_changes_nothing_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let command = child("child_fills_the_disk", &format!("sqlite://{}/registry.db", directory.path().display()));
    let script = format!("mount -t tmpfs -o size=2m tmpfs {} && exec \"$@\"", directory.path().display());
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"]);
    unshare.arg(command.get_program()).args(command.get_args());
    unshare.envs(command.get_envs().filter_map(|(k, v)| Some((k, v?)))).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = unshare.spawn().expect("install the Debian package util-linux");
    let words: Vec<_> = said(&mut process).collect();
    assert!(process.wait().unwrap().success(), "{words:?}");
    assert_eq!(words.last().map(|(w, _)| w.as_str()), Some("recovered"), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a child process of a_full_disk_refuses_changes_nothing_and_recovers"]
async fn child_fills_the_disk() {
    let Ok(url) = std::env::var(URL) else { return };
    let registry = Registry::open(&url).await.unwrap();
    let file = std::path::PathBuf::from(url.strip_prefix("sqlite://").unwrap());
    let ballast = file.with_file_name("ballast");
    std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    let mut world = World::default();
    world.apply(&registry).await;
    let mut id = 1;
    let error = loop {
        match world.open(&registry, id).await {
            Ok(_) => id += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RegistryError::Full { .. }), "{error:?}");
    say("full", id);
    // A little room is left inside the files, and somebody else takes the rest; then it is full again, and again.
    let mut greedy = std::fs::File::create(file.with_file_name("greedy")).unwrap();
    for _ in 0..2 {
        while greedy.write(&[1; 4096]).is_ok_and(|n| n > 0) {}
        let error = loop {
            let event = Event::CenterStopped { why: "x".repeat(8192) };
            if let Err(error) = registry.commit(Commit::at(Timestamp(1)).event(event)).await {
                break error;
            }
        };
        assert!(matches!(error, RegistryError::Full { .. }), "{error:?}");
    }
    drop(greedy);
    std::fs::remove_file(file.with_file_name("greedy")).unwrap();
    std::fs::remove_file(ballast).unwrap();
    let loaded = registry.load().await.unwrap();
    assert_eq!(loaded.live.len() as u64, id - 1);
    assert_eq!(registry.verify_log(None).await.unwrap(), loaded.head);
    // tmpfs keeps its count of free pages per CPU: what was freed is not there for everybody at once.
    let mut tries = 0;
    while let Err(error) = world.open(&registry, id).await {
        assert!(matches!(error, RegistryError::Full { .. }) && tries < 100, "{error:?}");
        tries += 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    say("recovered", id);
}
