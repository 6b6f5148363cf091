//! A disk that is really full: a file system of 1 MiB in a mount namespace of its own.

use std::process::{Command, Stdio};

use crate::client::{Say, begin, id_of, metadata};
use crate::world::{Center, Scanner, bytes};

const SOCKET: &str = "SEKISHO_TEST_SCANNER";
const SPOOL: &str = "SEKISHO_TEST_SPOOL";

#[test]
fn a_full_disk_keeps_what_it_has_says_so_and_goes_on() {
    let (folder, scanner) = (tempfile::tempdir().unwrap(), Scanner::shared().unwrap());
    let script = format!("mount -t tmpfs -o size=1m tmpfs {} && exec \"$@\"", folder.path().display());
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "disk::child_fills_the_spool", "--ignored", "--nocapture"])
        .env(SOCKET, &scanner.socket)
        .env(SPOOL, folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("install the Debian package util-linux");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("all is well"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in a child process of a_full_disk_keeps_what_it_has_says_so_and_goes_on"]
async fn child_fills_the_spool() {
    let (Ok(socket), Ok(spool)) = (std::env::var(SOCKET), std::env::var(SPOOL)) else { return };
    let spool = std::path::PathBuf::from(spool);
    let place = spool.clone();
    let center = Center::with(socket.as_ref(), move |settings| settings.spool = place).await;
    let address = center.address;
    let content = bytes(600_000, 9);
    let sent = content.clone();
    let ballast = spool.join("ballast");
    let path = tokio::task::spawn_blocking(move || {
        let path = begin(address, "a.zip", sent.len(), &[]);
        assert_eq!(Say::part(&path, 0, &sent[..100_000]).ask(address).offset(), 100_000);
        std::fs::write(&ballast, vec![0; 700_000]).unwrap();
        // With a checksum a part counts as a whole or not at all.
        let summed = Say::part(&path, 100_000, &sent[100_000..]).summed().ask(address);
        assert_eq!((summed.status, summed.offset()), (507, 100_000), "{}", String::from_utf8_lossy(&summed.body));
        assert_eq!(summed.json()["code"], "U008");
        // Without one, what found room is kept.
        let plain = Say::part(&path, 100_000, &sent[100_000..]).ask(address);
        assert_eq!(plain.status, 507);
        assert_eq!(Say::new("HEAD", &path).ask(address).offset(), plain.offset());
        assert!(plain.offset() > 100_000);
        // What has no room at all is not begun.
        let none = Say::new("POST", "/files")
            .with("Upload-Length", 900_000)
            .with("Upload-Metadata", metadata("b", &[]))
            .ask(address);
        assert_eq!((none.status, none.json()["code"].as_str()), (507, Some("U008")));
        std::fs::remove_file(&ballast).unwrap();
        let mut at = plain.offset();
        // tmpfs keeps its count of free pages per CPU: what was freed is not there for everybody at once.
        for _ in 0..200 {
            let answer = Say::part(&path, at, &sent[at as usize..]).ask(address);
            at = answer.offset();
            if at == sent.len() as u64 {
                return path;
            }
            assert_eq!(answer.status, 507);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("no room came back");
    })
    .await
    .unwrap();
    assert_eq!(center.room.round().await.accepted, [id_of(&path)]);
    assert_eq!(std::fs::read(spool.join("accepted").join(id_of(&path))).unwrap(), content);
    println!("all is well");
}
