//! A device takes what is permitted and nothing else, and a power cut at any step leaves all of a change or nothing (G1 rows
//! 9 and 12).
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use applications::{Device, Refused, Step, Store};
use authority::{Authority, CaKind, Issued, RevocationReason};
use equipment::{Action, DeviceId, Name, Package, Permit, Signature, SignedPermit};
use model::Timestamp;
use pki::{AnchorSet, CrlStore, Purpose, TrustAnchor};
use texts::{Lang, Texts};

const NOW: Timestamp = Timestamp(1_795_305_600_000); // 2026-11-22T00:00:00Z
const HOUR: i64 = 3_600_000;
const VIEWER: &[u8] = b"#!/bin/sh\necho viewer 1\n";
const NEWER: &[u8] = b"#!/bin/sh\necho viewer 2\n";

struct World {
    dir: tempfile::TempDir,
    authority: Authority,
    centre: Issued,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn here() -> DeviceId {
    DeviceId::from_random([7; 11])
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut authority = Authority::new(&dir.path().join("authority"), NOW.unix_seconds()).unwrap();
        let centre = authority.issue_registered("registration-centre", "centre-1").unwrap();
        Self { dir, authority, centre }
    }

    fn device(&self) -> Device {
        let (mut anchors, mut lists) = (AnchorSet::new(), CrlStore::new());
        let ca = self.authority.ca_der(CaKind::Registration).unwrap();
        anchors.add(TrustAnchor::new(&ca, Purpose::Registration).unwrap());
        lists.add(&self.authority.crl_der(CaKind::Registration).unwrap(), &anchors).unwrap();
        Device { id: here(), anchors, lists }
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("applications")
    }

    fn store(&self) -> Store {
        Store::open(&self.folder()).unwrap()
    }

    fn permit(&self, number: &str, action: Action, octets: &[u8]) -> SignedPermit {
        self.signed(plain(number, action, octets), &self.centre)
    }

    fn signed(&self, permit: Permit, by: &Issued) -> SignedPermit {
        let signature = Signature::new(by.chain(), &by.sign(&permit.signed_bytes()).unwrap());
        SignedPermit { permit, signature }
    }

    fn install(&self, store: &mut Store, permit: &SignedPermit, octets: &[u8]) -> Result<(), Refused> {
        store.install(octets.to_vec(), permit, &self.device(), NOW)?.carry_out()
    }
}

fn plain(number: &str, action: Action, octets: &[u8]) -> Permit {
    Permit {
        number: name(number),
        action,
        application: name("viewer"),
        version: "1.0".parse().unwrap(),
        package: Package::of(octets),
        device: Some(here()),
        valid_from: NOW.plus_ms(-HOUR),
        valid_until: NOW.plus_ms(HOUR),
        issuer: name("centre-1"),
    }
}

/// Codes of a refusal, whose every reason must be worded in both languages.
fn codes<T: std::fmt::Debug>(result: Result<T, Refused>) -> Vec<String> {
    let refused = result.unwrap_err();
    for reason in refused.reasons() {
        for lang in Lang::ALL {
            let lines = reason.lines(&Texts::new(lang));
            let said = format!("{} {} {}", lines.refused, lines.section, lines.remedy);
            assert!(!said.contains("{$") && !said.contains("application-q") && !said.contains("equipment-q"), "{said}");
        }
    }
    refused.reasons().into_iter().map(|reason| reason.code).collect()
}

fn versions(store: &Store) -> Vec<Package> {
    store.installed().map(|(_, one)| *one.package()).collect()
}

#[test]
fn what_is_permitted_is_taken_once_and_deleted_by_a_permit() {
    let world = World::new();
    let mut store = world.store();
    let first = world.permit("p-1", Action::Install, VIEWER);
    world.install(&mut store, &first, VIEWER).unwrap();
    assert_eq!(versions(&store), [Package::of(VIEWER)]);
    assert!(store.check(&name("viewer"), &world.device(), NOW).is_ok());
    assert_eq!(codes(world.install(&mut store, &first, VIEWER)), ["Q101"]);

    // Another process, or this one after a restart, knows all of it.
    drop(store);
    let mut store = world.store();
    assert_eq!(codes(world.install(&mut store, &first, VIEWER)), ["Q101"]);
    world.install(&mut store, &world.permit("p-2", Action::Install, NEWER), NEWER).unwrap();
    assert_eq!(versions(&store), [Package::of(NEWER)]);
    assert!(!store.package(&Package::of(VIEWER)).exists(), "nothing is left of what was replaced");

    let device = world.device();
    let delete = |store: &mut Store, permit: &SignedPermit| {
        store.delete(&name("viewer"), permit, &device, NOW).and_then(applications::Change::carry_out)
    };
    assert_eq!(codes(delete(&mut store, &world.permit("p-3", Action::Install, NEWER))), ["Q011"]);
    assert_eq!(codes(delete(&mut store, &world.permit("p-3", Action::Delete, VIEWER))), ["Q014"]);
    delete(&mut store, &world.permit("p-3", Action::Delete, NEWER)).unwrap();
    assert_eq!(versions(&store), []);
    assert!(!store.package(&Package::of(NEWER)).exists());
    assert_eq!(codes(delete(&mut store, &world.permit("p-4", Action::Delete, NEWER))), ["Q102"]);
    assert_eq!(codes(store.check(&name("viewer"), &device, NOW)), ["Q102"]);
    // Deleting used p-3 up, and p-2 does not bring it back.
    assert_eq!(codes(world.install(&mut store, &world.permit("p-3", Action::Install, NEWER), NEWER)), ["Q101"]);
    assert_eq!(codes(world.install(&mut store, &world.permit("p-2", Action::Install, NEWER), NEWER)), ["Q101"]);
}

#[test]
fn every_other_package_device_time_and_signer_is_refused_and_uses_nothing_up() {
    let mut world = World::new();
    let maker = world.authority.issue_registered("maker", "centre-1").unwrap();
    let other = world.authority.issue_registered("registration-centre", "centre-2").unwrap();
    let mut store = world.store();
    let good = plain("p-1", Action::Install, VIEWER);
    let with = |change: &dyn Fn(&mut Permit)| {
        let mut permit = good.clone();
        change(&mut permit);
        world.signed(permit, &world.centre)
    };
    let mut changed = world.signed(good.clone(), &world.centre);
    changed.permit.device = None;
    let cases = [
        (with(&|p| p.device = Some(DeviceId::from_random([8; 11]))), VIEWER, "Q008"),
        (with(&|p| p.valid_from = NOW.plus_ms(1)), VIEWER, "Q009"),
        (with(&|p| p.valid_until = NOW), VIEWER, "Q010"),
        (with(&|p| p.action = Action::Delete), VIEWER, "Q011"),
        (with(&|_| {}), NEWER, "Q014"),
        (with(&|p| p.issuer = name("centre-2")), VIEWER, "Q004"),
        (world.signed(good.clone(), &other), VIEWER, "Q004"),
        (changed, VIEWER, "Q003"),
    ];
    for (permit, octets, code) in &cases {
        assert_eq!(codes(world.install(&mut store, permit, octets)), [*code]);
    }
    let longer = [VIEWER, b"\n"].concat();
    assert_eq!(codes(world.install(&mut store, &with(&|_| {}), &longer)), ["Q013", "Q014"]);
    let by_a_maker = codes(world.install(&mut store, &world.signed(good.clone(), &maker), VIEWER));
    assert!(by_a_maker.iter().all(|code| code.starts_with('P')) && !by_a_maker.is_empty(), "{by_a_maker:?}");
    assert_eq!(versions(&store), []);
    assert_eq!(fs::read_dir(world.folder().join("packages")).unwrap().count(), 0);
    assert!(!world.folder().join("register.json").exists());

    // None of them used the number up.
    let permit = with(&|_| {});
    world.install(&mut store, &permit, VIEWER).unwrap();
    // The centre is revoked: what it permitted is not run any more, and nothing else of it is taken.
    let centre = world.centre.clone();
    world.authority.revoke_issued(&centre, RevocationReason::KeyCompromise).unwrap();
    world.authority.write_crls(NOW.unix_seconds() - 60, NOW.unix_seconds() + 86_400).unwrap();
    let revoked = codes(store.check(&name("viewer"), &world.device(), NOW));
    assert!(revoked.iter().all(|code| code.starts_with('P')) && !revoked.is_empty(), "{revoked:?}");
    let refused = codes(world.install(&mut store, &world.permit("p-9", Action::Install, NEWER), NEWER));
    assert_eq!(refused, revoked);
}

#[test]
fn what_was_changed_afterwards_is_not_run() {
    let world = World::new();
    let mut store = world.store();
    world.install(&mut store, &world.permit("p-1", Action::Install, VIEWER), VIEWER).unwrap();
    let (device, viewer) = (world.device(), name("viewer"));
    let path = store.package(&Package::of(VIEWER));
    let replace = |octets: &[u8]| {
        fs::remove_file(&path).unwrap();
        fs::write(&path, octets).unwrap();
    };
    for octets in [NEWER, b"", &VIEWER[..9], &[VIEWER, b"\n"].concat()] {
        replace(octets);
        assert_eq!(codes(store.check(&viewer, &device, NOW)), ["Q103"]);
    }
    replace(VIEWER);
    assert!(store.check(&viewer, &device, NOW).is_ok());
    assert_eq!(codes(store.check(&viewer, &device, NOW.plus_ms(HOUR))), ["Q010"]);
    let moved = Device { id: DeviceId::from_random([9; 11]), ..device.clone() };
    assert_eq!(codes(store.check(&viewer, &moved, NOW)), ["Q008"]);
    fs::remove_file(&path).unwrap();
    assert_eq!(codes(store.check(&viewer, &device, NOW)), ["Q103"]);
    drop(store);

    // A register that somebody wrote to is believed as far as its permits verify.
    let register = world.folder().join("register.json");
    let text = fs::read_to_string(&register).unwrap();
    let rewrite = |text: &str| {
        fs::remove_file(&register).unwrap();
        fs::write(&register, text).unwrap();
    };
    fs::write(&path, VIEWER).unwrap();
    rewrite(&text.replace("\"1.0\"", "\"9.9\""));
    assert_eq!(codes(world.store().check(&viewer, &device, NOW)), ["Q003"]);
    for half in [1, text.len() / 2, text.len() - 2] {
        rewrite(&text[..half]);
        assert_eq!(codes(Store::open(&world.folder())), ["Q104"]);
    }
}

/// The store as it stands after so many steps of a change, the next one half done.
fn cut(steps: &[Step], after: usize) {
    steps[..after].iter().for_each(|step| step.run().unwrap());
    if let Some(Step::Write { path, octets }) = steps.get(after) {
        let _ = fs::remove_file(path);
        fs::write(path, &octets[..octets.len() / 2]).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => assert!(fs::copy(entry.path(), to).is_ok()),
        }
    }
}

#[test]
fn a_power_cut_at_any_step_leaves_all_of_a_change_or_nothing() {
    let world = World::new();
    let device = world.device();
    let first = world.permit("p-1", Action::Install, VIEWER);
    world.install(&mut world.store(), &first, VIEWER).unwrap();
    let (folder, saved) = (world.folder(), world.dir.path().join("saved"));
    copy(&folder, &saved);
    let (newer, gone) = (world.permit("p-2", Action::Install, NEWER), world.permit("p-2", Action::Delete, VIEWER));
    for deletes in [false, true] {
        let mut outcomes = Vec::new();
        for cut_after in 0.. {
            copy(&saved, &folder);
            let mut store = world.store();
            let change = match deletes {
                true => store.delete(&name("viewer"), &gone, &device, NOW).unwrap(),
                false => store.install(NEWER.to_vec(), &newer, &device, NOW).unwrap(),
            };
            let steps = change.steps().to_vec();
            if cut_after > steps.len() {
                break;
            }
            cut(&steps, cut_after);
            drop(change);
            drop(store);

            let mut store = world.store();
            store.tidy().unwrap();
            let done = versions(&store) != [Package::of(VIEWER)];
            let expected: Vec<Package> = match (done, deletes) {
                (false, _) => vec![Package::of(VIEWER)],
                (true, true) => vec![],
                (true, false) => vec![Package::of(NEWER)],
            };
            assert_eq!(versions(&store), expected, "cut after {cut_after}");
            // What is installed runs, and nothing else lies there.
            for package in &expected {
                assert!(store.check(&name("viewer"), &device, NOW).is_ok(), "cut after {cut_after}");
                assert!(store.package(package).exists());
            }
            assert_eq!(fs::read_dir(folder.join("packages")).unwrap().count(), expected.len());
            assert!(!folder.join("register.unfinished").exists());
            // The permit was used if, and only if, it was carried out.
            let again = match deletes {
                true => world.install(&mut store, &world.permit("p-2", Action::Install, NEWER), NEWER),
                false => world.install(&mut store, &newer, NEWER),
            };
            assert_eq!(again.is_err(), done, "cut after {cut_after}: {again:?}");
            outcomes.push(done);
        }
        assert!(outcomes.len() > 3 && !outcomes[0] && outcomes[outcomes.len() - 1], "{outcomes:?}");
        assert!(outcomes.is_sorted(), "once done it stays done: {outcomes:?}");
    }
}
