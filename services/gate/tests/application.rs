//! `sekisho-gate application …` as a person types it, killed while it works, and what it becomes (G1 rows 9 and 12).
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use authority::{Authority, CaKind, Issued};
use equipment::{Action, DeviceId, Package, Permit, Signature, SignedPermit};

const SCRIPT: &str = "#!/bin/sh\necho \"viewer says $1\"\n";

struct World {
    dir: tempfile::TempDir,
    centre: Issued,
    device: DeviceId,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut authority = Authority::new(&dir.path().join("authority"), gate::now().unix_seconds()).unwrap();
        let device = DeviceId::from_random([3; 11]);
        let first_tier = authority.issue_first_tier(&device.to_string()).unwrap();
        let text = format!(
            "site = \"clinic\"\ndata = \"data\"\n[namespaces]\nred = \"/run/netns/red\"\n[openflow]\nlisten = \"127.0.0.1:1\"\n\
             [terminals]\nlisten = []\n[center]\naddress = \"127.0.0.1:1\"\nname = \"c\"\norder-key = \"o\"\n\
             [certificates]\nchain = \"c\"\nkey = \"k\"\ncenter-ca = \"c\"\nswitch-ca = \"c\"\ngate-ca = \"c\"\ncrls = []\n\
             [ike]\nvici = \"v\"\n[equipment]\ncertificate = \"{}\"\nregistration-ca = \"{}\"\ncrls = [\"{}\"]\n",
            first_tier.folder.join("chain.pem").display(),
            authority.ca_pem_path(CaKind::Registration).display(),
            authority.crl_path(CaKind::Registration).display(),
        );
        fs::write(dir.path().join("gate.toml"), text).unwrap();
        let centre = authority.issue_registered("registration-centre", "centre-1").unwrap();
        Self { dir, centre, device }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A package and a permit for it, in files.
    fn permit(&self, number: &str, action: Action, octets: &str) {
        let permit = Permit {
            number: number.parse().unwrap(),
            action,
            application: "viewer".parse().unwrap(),
            version: "1.0".parse().unwrap(),
            package: Package::of(octets.as_bytes()),
            device: Some(self.device),
            valid_from: gate::now().plus_ms(-60_000),
            valid_until: gate::now().plus_ms(3_600_000),
            issuer: "centre-1".parse().unwrap(),
        };
        let signature = Signature::new(self.centre.chain(), &self.centre.sign(&permit.signed_bytes()).unwrap());
        fs::write(self.path("permit.toml"), SignedPermit { permit, signature }.to_toml()).unwrap();
        fs::write(self.path("viewer"), octets).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        self.command_in("en", words)
    }

    fn command_in(&self, language: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho-gate"));
        let application = ["--lang", language, "application", "--config", "gate.toml"];
        command.current_dir(self.dir.path()).args(application).args(words);
        command
    }

    /// Exit code and all it said.
    fn run(&self, words: &[&str]) -> (i32, String) {
        self.run_in("en", words)
    }

    fn run_in(&self, language: &str, words: &[&str]) -> (i32, String) {
        let output = self.command_in(language, words).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }
}

#[test]
fn an_application_is_installed_run_and_deleted_by_permits() {
    let world = World::new();
    assert!(world.run(&["list"]).1.contains("no application"));
    world.permit("p-1", Action::Install, SCRIPT);
    let (exit, said) = world.run(&["install", "viewer", "--permit", "permit.toml"]);
    assert!(exit == 0 && said.contains("p-1 of centre-1"), "{exit}: {said}");
    assert!(world.run(&["list"]).1.starts_with("viewer 1.0"));
    // The file it came from is of no more use.
    fs::write(world.path("viewer"), "#!/bin/sh\necho forged\n").unwrap();
    assert_eq!(world.run(&["run", "viewer", "--", "--good day"]), (0, "viewer says --good day\n".into()));

    let (exit, said) = world.run(&["install", "viewer", "--permit", "permit.toml"]);
    assert!(exit == 1 && said.contains("Q013") && said.contains("Q014") && said.contains("section"), "{exit}: {said}");
    let (exit, said) = world.run(&["delete", "viewer", "--permit", "permit.toml"]);
    assert!(exit == 1 && said.contains("Q011"), "{exit}: {said}");
    let (exit, said) = world.run(&["run", "other"]);
    assert!(exit == 1 && said.contains("Q102"), "{exit}: {said}");
    world.permit("p-2", Action::Delete, SCRIPT);
    assert_eq!(world.run(&["delete", "viewer", "--permit", "permit.toml"]).0, 0);
    let japanese = world.command(&["run", "viewer", "--lang", "ja"]).output().unwrap();
    assert_ne!(japanese.status.code(), Some(0));

    let text = fs::read_to_string(world.path("gate.toml")).unwrap();
    fs::write(world.path("gate.toml"), text.split("[equipment]").next().unwrap()).unwrap();
    let (exit, said) = world.run(&["install", "viewer", "--permit", "permit.toml"]);
    assert!(exit == 1 && said.contains("Q106") && said.contains("[equipment]"), "{exit}: {said}");
}

/// Killed at whatever moment: the application is there and its permit used, or neither.
#[test]
fn a_killed_installation_is_done_or_not_begun() {
    let world = World::new();
    let (mut done, mut not) = (0, 0);
    for n in 0..24_u64 {
        let number = format!("k-{n}");
        let script = format!("#!/bin/sh\necho {n}\n");
        world.permit(&number, Action::Install, &script);
        let mut child = world
            .command(&["install", "viewer", "--permit", "permit.toml"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(n * 2_500));
        // Fails only when it has ended already.
        let _ = child.kill();
        child.wait().unwrap();
        let installed = world.run(&["list"]).1.contains(&format!("permit {number} "));
        let (exit, said) = world.run(&["install", "viewer", "--permit", "permit.toml"]);
        match installed {
            true => assert!(exit == 1 && said.contains("Q101"), "{exit}: {said}"),
            false => assert_eq!(exit, 0, "{said}"),
        }
        *(if installed { &mut done } else { &mut not }) += 1;
        assert_eq!(world.run(&["run", "viewer"]), (0, format!("{n}\n")));
    }
    eprintln!("    {done} were done, {not} not begun");
}

/// Wrong files, each told in both languages with its place, whose side it is and the mend.
#[test]
fn what_is_wrong_with_a_file_is_told_in_the_readers_language_x5() {
    let world = World::new();
    world.permit("p-1", Action::Install, SCRIPT);
    let good = fs::read_to_string(world.path("gate.toml")).unwrap();
    let told = |code: &str, ja: &str, en: &str| {
        for (language, what) in [("ja", ja), ("en", en)] {
            let (exit, said) = world.run_in(language, &["install", "viewer", "--permit", "permit.toml"]);
            assert!(exit == 1 && said.contains(code) && said.contains(what), "{what}: {said}");
            // What the system says itself stands in quotation marks.
            let own = said.split(['「', '」', '"']).step_by(2).collect::<String>();
            let english = own.split_whitespace().filter(|word| ["the", "is", "and", "not"].contains(word)).count();
            assert_eq!(language == "ja", english == 0, "{said}");
        }
    };
    let with = |from: &str, to: &str| fs::write(world.path("gate.toml"), good.replace(from, to)).unwrap();

    let package = fs::read(world.path("viewer")).unwrap();
    fs::remove_file(world.path("viewer")).unwrap();
    told("Q105", "viewer：ファイルまたはフォルダがありません", "viewer: there is no such file");
    fs::write(world.path("viewer"), package).unwrap();
    fs::write(world.path("permit.toml"), [0xff, 0xfe]).unwrap();
    told("Q105", "permit.toml：", "permit.toml: ");
    world.permit("p-1", Action::Install, SCRIPT);

    fs::write(world.path("nothing.pem"), "").unwrap();
    let named = |key: &str| {
        let line = good.lines().find(|line| line.starts_with(key)).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let (certificate, authority) = (named("certificate = "), named("registration-ca = "));
    with(&certificate, "nowhere.pem");
    told("Q106", "nowhere.pem：", "nowhere.pem: ");
    with(&certificate, &authority);
    told("Q106", "この機器の第 1 階層の機器証明書ではありません", "it is not this device's first-tier certificate");
    with(&authority, "nothing.pem");
    told("Q106", "nothing.pem：", "nothing.pem: ");
    fs::write(world.path("gate.toml"), good.split("[equipment]").next().unwrap()).unwrap();
    told("Q106", "[equipment]：", "[equipment]: ");
    fs::write(world.path("gate.toml"), &good).unwrap();

    assert_eq!(world.run(&["install", "viewer", "--permit", "permit.toml"]).0, 0);
    fs::write(world.path("data/applications/register.json"), "{").unwrap();
    told("Q104", "アプリケーションの台帳", "the register of applications");
}
