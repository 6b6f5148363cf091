//! Gates, terminals, switches, centers and institutions (G1, G12).
#![allow(clippy::unwrap_used)]

mod world;

use authority::{CaKind, RevocationReason};
use pki::{
    AnchorSet, CrlStore, PublicKey, Purpose, Refusal, TrustAnchor, verify_center, verify_detached, verify_device,
    verify_gate, verify_institution, verify_operator, verify_switch, verify_user,
};
use world::{HOUR, NOW, World, codes};

#[test]
fn each_kind_proves_its_identity_and_no_other() {
    let mut world = World::new();
    let gate = world.authority.issue_gate("clinic").unwrap();
    let device = world.authority.issue_device("clinic", "exam-1").unwrap();
    let switch = world.authority.issue_switch("clinic", 0xab).unwrap();
    let center = world.authority.issue_center("main", &["center.sekisho.test"], &[]).unwrap();
    let institution = world.authority.issue_institution("aoba").unwrap();
    let operator = world.authority.issue_operator("ito").unwrap();
    let user = world.authority.issue_user("12345678").unwrap();
    let (anchors, crls) = (&world.anchors, &world.crls());

    let verified = verify_gate(&gate.chain(), anchors, crls, NOW).unwrap();
    assert_eq!((verified.site(), verified.certificate().uri()), ("clinic", "urn:sekisho:gate:clinic"));
    let verified = verify_device(&device.chain(), anchors, crls, NOW).unwrap();
    assert_eq!((verified.site(), verified.host()), ("clinic", "exam-1"));
    let verified = verify_switch(&switch.chain(), anchors, crls, NOW).unwrap();
    assert_eq!((verified.site(), verified.dpid()), ("clinic", 0xab));
    assert_eq!(verify_center(&center.chain(), anchors, crls, NOW).unwrap().name(), "main");
    let verified = verify_institution(&institution.chain(), anchors, crls, NOW).unwrap();
    assert_eq!(verified.id(), "aoba");
    let signature = institution.sign(b"agreement").unwrap();
    assert_eq!(verified.certificate().verify(b"agreement", &signature), Ok(()));
    assert!(verified.certificate().verify(b"agreement.", &signature).is_err());

    assert_eq!(verify_operator(&operator.chain(), anchors, crls, NOW).unwrap().name(), "ito");

    assert_eq!(verify_user(&user.chain(), anchors, crls, NOW).unwrap().user(), "12345678");
    assert_eq!(codes(verify_user(&operator.chain(), anchors, crls, NOW)), ["P003", "P026"]);

    assert_eq!(codes(verify_operator(&device.chain(), anchors, crls, NOW)), ["P003", "P026"]);
    assert_eq!(codes(verify_device(&operator.chain(), anchors, crls, NOW)), ["P003", "P026"]);
    assert_eq!(codes(verify_gate(&device.chain(), anchors, crls, NOW)), ["P003", "P025", "P026"]);
    assert_eq!(codes(verify_device(&gate.chain(), anchors, crls, NOW)), ["P003", "P026"]);
    assert_eq!(codes(verify_center(&switch.chain(), anchors, crls, NOW)), ["P003", "P025", "P026"]);
    assert_eq!(codes(verify_institution(&center.chain(), anchors, crls, NOW)), ["P003", "P026"]);
}

#[test]
fn a_revoked_gate_is_refused() {
    let mut world = World::new();
    let gate = world.authority.issue_gate("clinic").unwrap();
    assert!(verify_gate(&gate.chain(), &world.anchors, &world.crls(), NOW).is_ok());
    world.authority.revoke_issued(&gate, RevocationReason::CessationOfOperation).unwrap();
    world.authority.write_crl(CaKind::Gate, NOW, NOW + HOUR).unwrap();
    let refused = verify_gate(&gate.chain(), &world.anchors, &world.crls(), NOW).unwrap_err();
    assert!(matches!(refused.as_slice(), [Refusal::Revoked { .. }]), "{refused:?}");
    let crls = world.crls_without(&[CaKind::Gate]);
    assert_eq!(codes(verify_gate(&gate.chain(), &world.anchors, &crls, NOW)), ["P009"]);
}

#[test]
fn identities_are_exact() {
    use rcgen::ExtendedKeyUsagePurpose::ClientAuth;
    let mut world = World::new();
    let mut refused = |ca, uris: &[&str]| {
        let sans = uris.iter().map(|uri| rcgen::SanType::URI((*uri).try_into().unwrap())).collect();
        let issued = world.authority.issue_equipment(ca, "odd", sans, vec![ClientAuth]).unwrap();
        let (anchors, crls) = (&world.anchors, &world.crls());
        match ca {
            CaKind::Device => codes(verify_device(&issued.chain(), anchors, crls, NOW)),
            _ => codes(verify_switch(&issued.chain(), anchors, crls, NOW)),
        }
    };
    assert!(refused(CaKind::Device, &["urn:sekisho:device:a/b"]).is_empty());
    assert!(refused(CaKind::Device, &["urn:sekisho:device:a/b", "https://example.invalid/"]).is_empty());
    for wrong in [
        &[][..],
        &["urn:sekisho:device:a"],
        &["urn:sekisho:device:a/"],
        &["urn:sekisho:device:a/b/c"],
        &["urn:sekisho:device:a/b%2f"],
        &["urn:sekisho:gate:a"],
        &["urn:sekisho:device:a/b", "urn:sekisho:device:a/c"],
    ] {
        assert_eq!(refused(CaKind::Device, wrong), ["P026"], "{wrong:?}");
    }
    assert!(refused(CaKind::Switch, &["urn:sekisho:switch:a:00000000000000ff"]).is_empty());
    for wrong in
        ["urn:sekisho:switch:a:ff", "urn:sekisho:switch:a:00000000000000FF", "urn:sekisho:switch:a:+0000000000000ff"]
    {
        assert_eq!(refused(CaKind::Switch, &[wrong]), ["P026"], "{wrong}");
    }
}

#[test]
fn detached_signatures_need_a_p256_or_ed25519_key() {
    let mut world = World::new();
    let institution = world.authority.issue_institution("aoba").unwrap();
    let certificate = pki::Certificate::parse(&institution.cert_der).unwrap();
    let key = PublicKey::from_spki_der(certificate.spki_der()).unwrap();
    let signature = institution.sign(b"m").unwrap();
    assert_eq!(verify_detached(&key, b"m", &signature), Ok(()));
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert!(verify_detached(&key, b"m", &changed).is_err());
    }
    let card = world.authority.issue_doctor("X").unwrap();
    let rsa = pki::Certificate::parse(&card.cert_der).unwrap();
    assert!(verify_detached(rsa.public_key(), b"m", &card.sign(b"m").unwrap()).is_err(), "a card signs no agreements");
}

/// A chain made here, so that the CAs themselves can be wrong.
struct OwnChain {
    anchors: AnchorSet,
    crls: CrlStore,
    chain: Vec<Vec<u8>>,
}

impl OwnChain {
    /// root → sub → gate, with the CA parameters changed by `change(params, is_root)`.
    fn new(change: impl Fn(&mut rcgen::CertificateParams, bool)) -> Self {
        let key = || rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let ca = |name: &str, is_root| {
            let mut params = rcgen::CertificateParams::default();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
            params.use_authority_key_identifier_extension = true;
            change(&mut params, is_root);
            params
        };
        let (root_key, sub_key, gate_key) = (key(), key(), key());
        let (root_params, sub_params) = (ca("TEST root", true), ca("TEST sub", false));
        let root = root_params.self_signed(&root_key).unwrap();
        let root_issuer = rcgen::Issuer::new(root_params, root_key);
        let sub = sub_params.signed_by(&sub_key, &root_issuer).unwrap();
        // Lists are signed although the CA certificate may not allow it: that is being tested.
        let list_params = |mut params: rcgen::CertificateParams| {
            params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
            params
        };
        let mut gate = rcgen::CertificateParams::default();
        gate.subject_alt_names = vec![rcgen::SanType::URI("urn:sekisho:gate:clinic".try_into().unwrap())];
        gate.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
        gate.extended_key_usages =
            vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth, rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let sub_issuer = rcgen::Issuer::new(list_params(sub_params), sub_key);
        let gate = gate.signed_by(&gate_key, &sub_issuer).unwrap();

        let mut anchors = AnchorSet::new();
        anchors.add(TrustAnchor::new(root.der(), Purpose::Gate).unwrap());
        let _ = anchors.add_intermediate(sub.der());
        let mut crls = CrlStore::new();
        for issuer in [&root_issuer, &sub_issuer] {
            let list = rcgen::CertificateRevocationListParams {
                this_update: time::OffsetDateTime::from_unix_timestamp(NOW).unwrap(),
                next_update: time::OffsetDateTime::from_unix_timestamp(NOW + HOUR).unwrap(),
                crl_number: rcgen::SerialNumber::from(1u64),
                issuing_distribution_point: None,
                revoked_certs: vec![],
                key_identifier_method: rcgen::KeyIdMethod::Sha256,
            };
            let _ = crls.add(list.signed_by(issuer).unwrap().der(), &anchors);
        }
        Self { anchors, crls, chain: vec![gate.der().to_vec(), sub.der().to_vec()] }
    }

    fn refusals(&self) -> Vec<Refusal> {
        let chain: Vec<&[u8]> = self.chain.iter().map(Vec::as_slice).collect();
        verify_gate(&chain, &self.anchors, &self.crls, NOW).err().unwrap_or_default()
    }
}

#[test]
fn authorities_must_be_allowed_to_issue() {
    use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};
    assert_eq!(OwnChain::new(|_, _| {}).refusals(), vec![]);

    let short = OwnChain::new(|params, is_root| {
        if is_root {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        }
    });
    assert!(matches!(short.refusals().as_slice(), [Refusal::NotAnIssuer { why, .. }] if why.contains("pathLen")));

    let end_entity = OwnChain::new(|params, is_root| {
        if !is_root {
            params.is_ca = IsCa::ExplicitNoCa;
        }
    });
    let refused = end_entity.refusals();
    assert!(refused.iter().any(|r| matches!(r, Refusal::NotAnIssuer { why, .. } if why.contains("cA"))), "{refused:?}");

    let no_cert_sign = OwnChain::new(|params, is_root| {
        if !is_root {
            params.key_usages = vec![KeyUsagePurpose::CrlSign];
        }
    });
    let refused = no_cert_sign.refusals();
    assert!(refused.iter().any(|r| matches!(r, Refusal::NotAnIssuer { why, .. } if why.contains("keyCertSign"))));

    let no_crl_sign = OwnChain::new(|params, is_root| {
        if !is_root {
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }
    });
    assert!(matches!(no_crl_sign.refusals().as_slice(), [Refusal::CrlMissing { .. }]), "its list was not taken");
}

#[test]
fn critical_constraints_that_are_not_understood_refuse() {
    // policyConstraints, requireExplicitPolicy 0.
    let constrained = OwnChain::new(|params, is_root| {
        if !is_root {
            let mut extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 36], vec![0x30, 3, 0x80, 1, 0]);
            extension.set_criticality(true);
            params.custom_extensions.push(extension);
        }
    });
    let refused = constrained.refusals();
    assert!(matches!(refused.as_slice(), [Refusal::UnknownCriticalExtension { oid, .. }] if oid == "2.5.29.36"));
}
