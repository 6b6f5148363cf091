//! Statements signed with real keys: what verifies, every reason why not, and that openssl agrees.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // openssl reads files

use std::process::Command;

use audit::Digest;
use authority::{Authority, CaKind, Issued, RevocationReason};
use equipment::{
    Action, DeviceFact, DeviceId, DeviceInformation, DeviceReport, ElementKind, ElementStatement, OperatorStatement,
    Package, Permit, Refusal, Signature, SignedInformation, SignedOperator, SignedPermit, SignedReport,
    verify_element_of, verify_information, verify_operator, verify_permit, verify_report,
};
use model::Timestamp;
use pki::{AnchorSet, CrlStore, Purpose, TrustAnchor};
use texts::{Lang, Texts};

const NOW: Timestamp = Timestamp(1_795_305_600_000); // 2026-11-22T00:00:00Z
const HOUR: i64 = 3_600_000;

struct World {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), NOW.unix_seconds()).unwrap();
        Self { folder, authority }
    }

    fn trust(&self) -> (AnchorSet, CrlStore) {
        let (mut anchors, mut crls) = (AnchorSet::new(), CrlStore::new());
        for (kind, purpose) in [(CaKind::Registration, Purpose::Registration), (CaKind::Equipment, Purpose::Equipment)]
        {
            anchors.add(TrustAnchor::new(&self.authority.ca_der(kind).unwrap(), purpose).unwrap());
            crls.add(&self.authority.crl_der(kind).unwrap(), &anchors).unwrap();
        }
        (anchors, crls)
    }
}

fn signed(bytes: &[u8], by: &Issued) -> Signature {
    Signature::new(by.chain(), &by.sign(bytes).unwrap())
}

fn spki(issued: &Issued) -> Digest {
    Digest::of(pki::Certificate::parse(issued.chain()[0]).unwrap().spki_der())
}

fn device(element: &Issued) -> DeviceInformation {
    DeviceInformation {
        maker: "aoba".parse().unwrap(),
        model: "関所 \"GE\\1\"".parse().unwrap(),
        serial: "0001".parse().unwrap(),
        made: "2026-11-01".parse().unwrap(),
        element: ElementStatement { kind: ElementKind::Tpm2, serial: "e-77".parse().unwrap(), key: spki(element) },
    }
}

fn information(device: DeviceInformation, by: &Issued) -> SignedInformation {
    let signature = signed(&device.signed_bytes(), by);
    SignedInformation { device, signature }
}

fn id(seed: u8) -> DeviceId {
    DeviceId::from_random([seed; 11])
}

fn permit(device: Option<DeviceId>) -> Permit {
    Permit {
        number: "p-1".parse().unwrap(),
        action: Action::Install,
        application: "viewer".parse().unwrap(),
        version: "1.2".parse().unwrap(),
        package: Package::of(b"octets"),
        device,
        valid_from: NOW.plus_ms(-HOUR),
        valid_until: NOW.plus_ms(HOUR),
        issuer: "centre-1".parse().unwrap(),
    }
}

fn permitted(permit: Permit, by: &Issued) -> SignedPermit {
    let signature = signed(&permit.signed_bytes(), by);
    SignedPermit { permit, signature }
}

fn codes<T: std::fmt::Debug>(result: Result<T, Vec<Refusal>>) -> Vec<&'static str> {
    let refusals = result.unwrap_err();
    for refusal in &refusals {
        for lang in Lang::ALL {
            let lines = refusal.reason().lines(&Texts::new(lang));
            let said = format!("{} {}", lines.refused, lines.remedy);
            assert!(!said.contains("{$") && !said.contains("equipment-q") && !said.contains("pki-p"), "{said}");
        }
    }
    refusals.iter().map(Refusal::code).collect()
}

#[test]
fn a_makers_statement_is_believed_as_it_is_and_no_other() {
    let mut world = World::new();
    let maker = world.authority.issue_registered("maker", "aoba").unwrap();
    let other = world.authority.issue_registered("maker", "midori").unwrap();
    let centre = world.authority.issue_registered("registration-centre", "aoba").unwrap();
    let gate = world.authority.issue_gate("aoba").unwrap();
    let element = world.authority.issue_element("e-77").unwrap();
    let (anchors, crls) = world.trust();
    let check = |signed: &SignedInformation| verify_information(signed, &anchors, &crls, NOW);

    let good = information(device(&element), &maker);
    let read = SignedInformation::from_toml(&good.to_toml()).unwrap();
    assert_eq!(read, good);
    let verified = check(&read).unwrap();
    assert_eq!((verified.device(), verified.maker().id()), (&good.device, "aoba"));

    let mut changed = good.clone();
    changed.device.serial = "0002".parse().unwrap();
    assert_eq!(codes(check(&changed)), ["Q003"]);
    assert_eq!(codes(check(&information(device(&element), &other))), ["Q004"]);
    assert_eq!(codes(check(&information(device(&element), &centre))), ["P026"], "a centre is no maker");
    assert!(codes(check(&information(device(&element), &gate))).contains(&"P003"));
    let mut unreadable = good.clone();
    unreadable.signature.certificate = "nothing".into();
    unreadable.signature.value = "!".into();
    assert_eq!(codes(check(&unreadable)), ["Q002", "Q003"]);
    let mut early = device(&element);
    early.made = "2026-11-24".parse().unwrap();
    early.maker = "kiiro".parse().unwrap();
    assert_eq!(codes(check(&information(early, &maker))), ["Q004", "Q005"], "every reason");
    assert_eq!(codes(verify_information(&good, &AnchorSet::new(), &crls, NOW)), ["P003"]);
    assert_eq!(codes(verify_information(&good, &anchors, &CrlStore::new(), NOW)), ["P009"]);

    let text = good.to_toml().replace("maker =", "maker_ =");
    assert!(matches!(SignedInformation::from_toml(&text), Err(Refusal::Unreadable { line: 2.., .. })));
    let two_lines = good.to_toml().replace("serial = \"0001\"", "serial = \"0001\\nelement=x\"");
    assert!(SignedInformation::from_toml(&two_lines).is_err(), "a value that would be two lines");

    world.authority.revoke_issued(&maker, RevocationReason::KeyCompromise).unwrap();
    world.authority.write_crls(NOW.unix_seconds(), NOW.unix_seconds() + 86_400).unwrap();
    let (anchors, crls) = world.trust();
    assert_eq!(codes(verify_information(&good, &anchors, &crls, NOW)), ["P008"]);
}

#[test]
fn openssl_agrees_about_the_signature() {
    let mut world = World::new();
    let maker = world.authority.issue_registered("maker", "aoba").unwrap();
    let element = world.authority.issue_element("e-77").unwrap();
    let good = information(device(&element), &maker);
    let at = |name: &str| world.folder.path().join(name);
    let (chain, value) = good.signature.parts().unwrap();
    std::fs::write(at("bytes"), good.device.signed_bytes()).unwrap();
    std::fs::write(at("value"), value).unwrap();
    std::fs::write(at("maker.der"), &chain[0]).unwrap();
    let run = |arguments: &[&std::ffi::OsStr]| Command::new("openssl").args(arguments).output().unwrap();
    let key = run(&[
        "x509".as_ref(),
        "-inform".as_ref(),
        "DER".as_ref(),
        "-in".as_ref(),
        at("maker.der").as_ref(),
        "-pubkey".as_ref(),
        "-noout".as_ref(),
    ]);
    std::fs::write(at("key.pem"), key.stdout).unwrap();
    let verify = || {
        run(&[
            "dgst".as_ref(),
            "-sha256".as_ref(),
            "-verify".as_ref(),
            at("key.pem").as_ref(),
            "-signature".as_ref(),
            at("value").as_ref(),
            at("bytes").as_ref(),
        ])
    };
    assert!(verify().status.success());
    std::fs::write(at("bytes"), [good.device.signed_bytes(), b"x".to_vec()].concat()).unwrap();
    assert!(!verify().status.success());
}

#[test]
fn the_element_that_answers_is_the_one_that_was_built_in() {
    let mut world = World::new();
    let element = world.authority.issue_element("e-77").unwrap();
    let twin = world.authority.issue_element("e-77").unwrap();
    let other = world.authority.issue_element("e-78").unwrap();
    let maker = world.authority.issue_registered("maker", "aoba").unwrap();
    let (anchors, crls) = world.trust();
    let device = device(&element);
    let check = |shown: &Issued| {
        let chain: Vec<Vec<u8>> = shown.chain().iter().map(|der| der.to_vec()).collect();
        verify_element_of(&device, &chain, &anchors, &crls, NOW)
    };
    assert_eq!(check(&element).unwrap().serial(), "e-77");
    assert_eq!(codes(check(&twin)), ["Q007"]);
    assert_eq!(codes(check(&other)), ["Q006", "Q007"]);
    assert_eq!(codes(check(&maker)), ["P025", "P026"]);
    assert_eq!(codes(verify_element_of(&device, &[], &anchors, &crls, NOW)), ["P002"]);
}

#[test]
fn a_permit_counts_for_one_device_one_package_and_its_time() {
    let mut world = World::new();
    let centre = world.authority.issue_registered("registration-centre", "centre-1").unwrap();
    let maker = world.authority.issue_registered("maker", "centre-1").unwrap();
    let (anchors, crls) = world.trust();
    let check = |signed: &SignedPermit, device: &DeviceId| verify_permit(signed, device, &anchors, &crls, NOW);

    let good = permitted(permit(Some(id(1))), &centre);
    let read = SignedPermit::from_toml(&good.to_toml()).unwrap();
    assert_eq!(read, good);
    let verified = check(&read, &id(1)).unwrap();
    let viewer = "viewer".parse().unwrap();
    assert_eq!(verified.covers(Action::Install, &viewer, &Package::of(b"octets")), Ok(()));
    assert_eq!(codes(verified.covers(Action::Install, &viewer, &Package::of(b"octetz"))), ["Q014"]);
    let all = verified.covers(Action::Delete, &"editor".parse().unwrap(), &Package::of(b"more octets"));
    assert_eq!(codes(all), ["Q011", "Q012", "Q013", "Q014"]);

    assert_eq!(codes(check(&good, &id(2))), ["Q008"]);
    let any = permitted(permit(None), &centre);
    assert_eq!(SignedPermit::from_toml(&any.to_toml()).unwrap(), any);
    assert!(check(&any, &id(2)).is_ok());
    assert_eq!(codes(check(&permitted(permit(None), &maker), &id(2))), ["P026"], "a maker permits nothing");
    let mut late = permit(Some(id(1)));
    (late.valid_from, late.valid_until) = (NOW.plus_ms(1), NOW);
    late.issuer = "centre-2".parse().unwrap();
    assert_eq!(codes(check(&permitted(late, &centre), &id(2))), ["Q004", "Q008", "Q009", "Q010"], "every reason");
    let mut changed = good.clone();
    changed.permit.device = None;
    assert_eq!(codes(check(&changed, &id(1))), ["Q003"]);
}

#[test]
fn a_device_speaks_for_itself_only() {
    let mut world = World::new();
    let first_tier = world.authority.issue_first_tier(&id(1).to_string()).unwrap();
    let centre = world.authority.issue_registered("registration-centre", "centre-1").unwrap();
    let (anchors, crls) = world.trust();
    let report = DeviceReport { device: id(1), at: NOW, facts: DeviceFact::ALL.into_iter().collect() };
    let sign = |report: &DeviceReport, by: &Issued| SignedReport {
        report: report.clone(),
        signature: signed(&report.signed_bytes(), by),
    };
    let check = |signed: &SignedReport| verify_report(signed, &anchors, &crls, NOW);
    let good = sign(&report, &first_tier);
    assert_eq!(SignedReport::from_toml(&good.to_toml()).unwrap(), good);
    assert_eq!(check(&good).unwrap().report(), &report);
    let mut fewer = good.clone();
    fewer.report.facts.clear();
    assert_eq!(codes(check(&fewer)), ["Q003"]);
    let other = DeviceReport { device: id(2), at: NOW.plus_ms(HOUR), facts: [].into() };
    assert_eq!(codes(check(&sign(&other, &first_tier))), ["Q004", "Q015"]);
    assert!(codes(check(&sign(&report, &centre))).contains(&"P003"));
}

#[test]
fn a_vpn_operator_stands_for_one_authority() {
    let mut world = World::new();
    let operator = world.authority.issue_registered("vpn-operator", "vpn-1").unwrap();
    let maker = world.authority.issue_registered("maker", "vpn-1").unwrap();
    let (anchors, crls) = world.trust();
    let ca = |kind| pki::Certificate::parse(&world.authority.ca_der(kind).unwrap()).unwrap();
    let (gates, devices) = (ca(CaKind::Gate), ca(CaKind::Device));
    let provider = OperatorStatement { operator: "vpn-1".parse().unwrap(), authority: Digest::of(gates.spki_der()) };
    let sign =
        |by: &Issued| SignedOperator { provider: provider.clone(), signature: signed(&provider.signed_bytes(), by) };
    let good = sign(&operator);
    assert_eq!(SignedOperator::from_toml(&good.to_toml()).unwrap(), good);
    let check = |signed: &SignedOperator, ca| verify_operator(signed, ca, &anchors, &crls, NOW);
    assert_eq!(check(&good, &gates).unwrap().operator().id(), "vpn-1");
    assert_eq!(codes(check(&good, &devices)), ["Q016"]);
    assert_eq!(codes(check(&sign(&maker), &gates)), ["P026"]);
    let mut other = good.clone();
    other.provider.operator = "vpn-2".parse().unwrap();
    assert_eq!(codes(check(&other, &devices)), ["Q003", "Q016"]);
}

/// An authority that the registration authority certified must not name makers by that.
#[test]
fn who_is_certified_under_another_authority_is_nobody() {
    let mut world = World::new();
    let name = rcgen::SanType::URI("urn:sekisho:maker:aoba".try_into().unwrap());
    let kinds = [CaKind::HpkiRoot, CaKind::HpkiAuthentication];
    let maker = world.authority.issue_equipment(kinds[1], "maker-aoba", vec![name], vec![]).unwrap();
    let element = world.authority.issue_element("e-77").unwrap();
    let signed = information(device(&element), &maker);
    let check = |trusted: CaKind| {
        let (mut anchors, mut crls) = (AnchorSet::new(), CrlStore::new());
        anchors.add(TrustAnchor::new(&world.authority.ca_der(trusted).unwrap(), Purpose::Registration).unwrap());
        anchors.add_intermediate(&world.authority.ca_der(kinds[1]).unwrap()).unwrap();
        for kind in kinds {
            let _ = crls.add(&world.authority.crl_der(kind).unwrap(), &anchors);
        }
        verify_information(&signed, &anchors, &crls, NOW)
    };
    assert_eq!(check(kinds[1]).unwrap().maker().id(), "aoba", "certified by the authority itself");
    assert_eq!(codes(check(kinds[0])), ["P003"], "certified by another below it");
}
