//! One scene a reason: exactly that reason, in its section, with words in both languages.

#![allow(clippy::unwrap_used)]

mod world;

use decision::{Cause, Confirmed, Denial, GateStatus, Outcome, Reason, Rival};
use model::{AllowRule, Booking, CheckSay, GrantId, LineKind, Section, Side, SiteModel, Timestamp, Zone};
use pki::{Refusal, RevocationReason};
use std::collections::BTreeSet;
use texts::{Lang, Texts};
use world::{NOW, OFFICE, Scene, agreement};

const DAY_MS: i64 = 86_400_000;

/// A scene in which one thing is wrong.
struct Wrong {
    cause: Cause,
    section: Section,
    /// How often the reason is given: twice where both sides are at fault.
    times: usize,
    make: fn(&mut Scene),
}

fn wrong(cause: Cause, section: Section, make: fn(&mut Scene)) -> Wrong {
    Wrong { cause, section, times: 1, make }
}

fn wrong_at_both(cause: Cause, section: Section, make: fn(&mut Scene)) -> Wrong {
    Wrong { cause, section, times: 2, make }
}

fn rule(role: &str, host: &str) -> AllowRule {
    AllowRule {
        roles: vec![role.into()],
        from: vec![host.parse().unwrap()],
        service: "keyaki/records".parse().unwrap(),
    }
}

fn allow(scene: &mut Scene, rules: Vec<AllowRule>) {
    if let Some(site) = scene.site("clinic") {
        site.allow = rules;
    }
}

fn everything() -> Vec<Wrong> {
    use Section::{AccessLine, InHouseLan, Operator, Peer, Service, Terminal};
    vec![
        wrong(Cause::ServiceUnknown, Service, |s| s.network.services.clear()),
        // A mistyped name is told as such, not as a gap in the policy.
        wrong(Cause::ServiceUnknown, Service, |s| {
            s.request.service = "keyaki/recods".parse().unwrap();
            s.person_with("Medical Doctor");
        }),
        wrong(Cause::SiteUnknown, Operator, |s| {
            s.network.sites.remove(&"clinic".parse().unwrap());
        }),
        wrong(Cause::HostUnknown, InHouseLan, |s| {
            if let Some(site) = s.site("clinic") {
                site.hosts.remove(&"exam-1".parse().unwrap());
            }
        }),
        wrong(Cause::NotATerminal, InHouseLan, |s| {
            if let Some(site) = s.site("clinic") {
                site.hosts.values_mut().for_each(|h| h.terminal = false);
            }
        }),
        wrong(Cause::DeviceMismatch, Terminal, |s| s.device = OFFICE.exam_2.clone()),
        wrong(Cause::RequestNotConfirmed, Terminal, |s| {
            let mut other = s.request.clone();
            other.service = "keyaki/portal".parse().unwrap();
            s.person = OFFICE.confirm("Medical Doctor", &other);
        }),
        wrong(Cause::ServiceHostMissing, Peer, |s| {
            if let Some(site) = s.site("hospital") {
                site.hosts.clear();
            }
        }),
        wrong(Cause::ServiceNotOfProvider, Operator, |s| {
            if let Some(site) = s.site("hospital") {
                site.institution = "midori".parse().unwrap();
            }
        }),
        wrong(Cause::SameSite, InHouseLan, |s| {
            if let Some(site) = s.site("clinic") {
                site.institution = "keyaki".parse().unwrap();
            }
            if let Some(service) = s.service() {
                service.host = "clinic/exam-2".parse().unwrap();
            }
        }),
        wrong(Cause::SameInstitution, InHouseLan, |s| {
            if let Some(site) = s.site("clinic") {
                site.institution = "keyaki".parse().unwrap();
            }
        }),
        // The very text stands in the service's roles and in the whitelist: an unknown qualification gains nothing.
        wrong(Cause::RoleUnrecognised, Terminal, |s| s.person_with("Wizard")),
        wrong(Cause::RoleNotAdmitted, Peer, |s| s.person_with("Pharmacist")),
        wrong(Cause::NoAllowRule, InHouseLan, |s| allow(s, vec![])),
        wrong(Cause::AllowNotThisTerminal, InHouseLan, |s| allow(s, vec![rule("Medical Doctor", "exam-2")])),
        wrong(Cause::AllowNotThisRole, InHouseLan, |s| allow(s, vec![rule("Pharmacist", "exam-1")])),
        wrong(Cause::AllowNotTogether, InHouseLan, |s| {
            allow(s, vec![rule("Medical Doctor", "exam-2"), rule("Pharmacist", "exam-1")]);
        }),
        wrong(Cause::NoAgreement, InHouseLan, |s| s.network.agreements.clear()),
        wrong(Cause::NoAgreement, InHouseLan, |s| {
            // The other way round is another agreement.
            if let Some(a) = s.agreement() {
                std::mem::swap(&mut a.consumer, &mut a.provider);
            }
        }),
        wrong(Cause::NoAgreement, InHouseLan, |s| {
            if let Some(a) = s.agreement() {
                a.service = "keyaki/portal".parse().unwrap();
            }
        }),
        wrong(Cause::SignatureMissing, InHouseLan, |s| {
            if let Some(a) = s.agreement() {
                a.signatures.remove(&Side::Consumer);
            }
        }),
        wrong(Cause::SignatureMissing, Peer, |s| {
            if let Some(a) = s.agreement() {
                a.signatures.remove(&Side::Provider);
            }
        }),
        wrong_at_both(Cause::SignatureInvalid, InHouseLan, |s| {
            if let Some(a) = s.agreement() {
                a.valid_until = a.valid_until.plus_ms(1);
            }
        }),
        wrong(Cause::SignatureInvalid, Peer, |s| {
            if let Some(signature) = s.agreement().and_then(|a| a.signatures.get_mut(&Side::Provider)) {
                signature.value = "not base64!".into();
            }
        }),
        wrong(Cause::SignerNotValidNow, InHouseLan, |s| s.sign_by(Side::Consumer, &OFFICE.expired_aoba)),
        wrong(Cause::SignerNotValidNow, Peer, |s| s.sign_by(Side::Provider, &OFFICE.expired_keyaki)),
        wrong_at_both(Cause::SignerRevoked, InHouseLan, |s| s.crls = OFFICE.crls_after_both_revocations.clone()),
        wrong(Cause::SignerRevoked, InHouseLan, |s| s.crls = OFFICE.crls_after_revocation.clone()),
        wrong(Cause::SignerIsAnother, InHouseLan, |s| s.sign_by(Side::Consumer, &OFFICE.midori)),
        wrong(Cause::SignerIsAnother, Peer, |s| s.sign_by(Side::Provider, &OFFICE.aoba)),
        wrong(Cause::SignerNotTrusted, InHouseLan, |s| s.sign_by(Side::Consumer, &OFFICE.forged_aoba)),
        wrong(Cause::SignerNotTrusted, Peer, |s| {
            if let Some(signature) = s.agreement().and_then(|a| a.signatures.get_mut(&Side::Provider)) {
                signature.certificate = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n".into();
            }
        }),
        wrong_at_both(Cause::SignerRevocationUnknown, Operator, |s| s.crls = OFFICE.crls_without_institutions.clone()),
        wrong(Cause::AgreementNotYetValid, InHouseLan, |s| {
            s.put_agreement(agreement(NOW.plus_ms(1), NOW.plus_ms(DAY_MS)));
        }),
        wrong(Cause::AgreementExpired, InHouseLan, |s| s.put_agreement(agreement(NOW.plus_ms(-DAY_MS), NOW))),
        wrong(Cause::ChecksheetMissing, InHouseLan, |s| drop(s.network.checksheets.remove(&"clinic".parse().unwrap()))),
        wrong(Cause::ChecksheetMissing, Peer, |s| drop(s.network.checksheets.remove(&"hospital".parse().unwrap()))),
        wrong_at_both(Cause::ChecksheetMissing, InHouseLan, |s| s.network.checksheets.clear()),
        // The sheet of another model says nothing of this one.
        wrong(Cause::ChecksheetMissing, Peer, |s| s.sheet("hospital").model = SiteModel::Small),
        wrong(Cause::ChecksheetFails, InHouseLan, |s| drop(s.sheet("clinic").answers.pop_first())),
        wrong(Cause::ChecksheetFails, Peer, |s| {
            let answers = s.sheet("hospital").answers.values_mut();
            answers.for_each(|answer| answer.answer = CheckSay::No);
        }),
        // A line of its own needs no questions about open networks, but everything else.
        wrong(Cause::ChecksheetFails, InHouseLan, |s| {
            s.site("clinic").unwrap().lines[0].kind = LineKind::Leased;
            s.sheet("clinic").answers.clear();
        }),
        wrong(Cause::OutsideHours, Service, |s| window(s, "17:00-08:59")),
        wrong(Cause::NotBooked, Service, |s| s.service().unwrap().booked = Some(Vec::new())),
        wrong(Cause::NotBooked, Service, |s| {
            let next = Booking { from: NOW.plus_ms(1), until: NOW.plus_ms(9) };
            s.service().unwrap().booked = Some(vec![Booking { from: NOW.plus_ms(-9), until: NOW }, next]);
        }),
        wrong(Cause::DeviceKindNotAdmitted, Peer, |s| {
            s.service().unwrap().devices = vec!["claims-terminal".parse().unwrap()];
        }),
        wrong(Cause::OriginZoneNotAdmitted, Peer, |s| s.service().unwrap().zones = vec![Zone::HighSecure]),
        wrong(Cause::ZoneForbidsOrigin, InHouseLan, |s| s.zone("clinic", Zone::Dmz)),
        wrong(Cause::ZoneForbidsDestination, Peer, |s| s.zone("hospital", Zone::Secure)),
        wrong(Cause::ZoneForbidsDestination, Peer, |s| s.zone("hospital", Zone::HighSecure)),
        wrong(Cause::OwnGateDisconnected, AccessLine, |s| s.gates.origin = GateStatus::Disconnected),
        wrong(Cause::PeerGateDisconnected, Peer, |s| s.gates.destination = GateStatus::Disconnected),
        wrong(Cause::OwnGateRevoked, InHouseLan, |s| s.gates.origin = GateStatus::CertificateRevoked),
        wrong(Cause::PeerGateRevoked, Peer, |s| s.gates.destination = GateStatus::CertificateRevoked),
        wrong(Cause::AlreadyOpen, Terminal, |s| s.already_open = Some(GrantId(7))),
        wrong(Cause::ExclusiveInUse, InHouseLan, |s| {
            s.service().unwrap().shares = Some("circuit".parse().unwrap());
            rival(s, true);
        }),
        wrong(Cause::ExclusiveInUse, InHouseLan, |s| {
            s.service().unwrap().exclusive = Some("circuit".parse().unwrap());
            rival(s, true);
        }),
        wrong(Cause::ApprovalNeeded, Peer, |s| s.needs_approval()),
        wrong(Cause::ApprovalRefused, Peer, |s| {
            s.needs_approval();
            s.approval_refused = true;
        }),
        wrong(Cause::SessionOver, Terminal, |s| s.in_session(NOW)),
        wrong(Cause::CutByOperator, Operator, |s| {
            s.in_session(NOW.plus_ms(DAY_MS));
            s.confirmed = Confirmed::SignIn { until: NOW.plus_ms(DAY_MS), cut: true };
        }),
        wrong(Cause::NoTimeLeft, Terminal, |s| {
            if let Some(service) = s.service() {
                service.lease_ms = 0;
            }
        }),
    ]
}

/// Another line of the group is open from the other terminal.
fn rival(scene: &mut Scene, exclusive: bool) {
    let mut other = scene.service().unwrap().clone();
    other.id = "keyaki/portal".parse().unwrap();
    let group = Some("circuit".parse().unwrap());
    (other.exclusive, other.shares) = if exclusive { (group, None) } else { (None, group) };
    scene.rivals.push(Rival { grant: GrantId(7), service: other.id.clone(), from: "clinic/exam-2".parse().unwrap() });
    scene.network.services.insert(other.id.clone(), other);
}

fn window(scene: &mut Scene, text: &str) {
    if let Some(service) = scene.service() {
        service.window = Some(text.to_owned().try_into().unwrap());
    }
}

/// No text may be empty or lack a value.
fn assert_worded(reason: &Reason) {
    for lang in Lang::ALL {
        let lines = reason.lines(&Texts::new(lang));
        for line in [&lines.refused, &lines.section, &lines.remedy] {
            assert!(!line.trim().is_empty() && !line.contains(['{', '}']), "{lang} {}: {line}", reason.code);
            let unworded = [
                "denied-",
                "pki-p",
                "whose-",
                "section-",
                "side-",
                "zone-",
                "bearer-",
                "revocation-",
                "booking-",
                "device-kind-",
            ];
            assert!(!unworded.iter().any(|key| line.contains(key)), "{lang} {}: {line}", reason.code);
        }
        assert!(lines.refused.starts_with(&format!("{} ", reason.code)));
    }
}

#[test]
fn each_wrong_thing_gives_exactly_its_reason() {
    for (n, wrong) in everything().into_iter().enumerate() {
        let mut scene = Scene::permitted();
        (wrong.make)(&mut scene);
        let denial = scene.decide().expect_err(wrong.cause.code());
        assert_eq!(denial.codes(), vec![wrong.cause.code(); wrong.times], "scene {n}");
        assert_eq!(denial.reasons()[0].section, wrong.section, "scene {n}, {}", wrong.cause.code());
        assert_eq!(denial.reasons()[0].key, wrong.cause.key());
        denial.reasons().iter().for_each(assert_worded);
    }
}

#[test]
fn every_cause_in_every_section_is_produced_by_a_scene() {
    let mut produced = BTreeSet::new();
    for wrong in everything() {
        let mut scene = Scene::permitted();
        (wrong.make)(&mut scene);
        let denial = scene.decide().expect_err(wrong.cause.code());
        produced.extend(denial.reasons().iter().map(|r| (r.code.clone(), r.section)));
    }
    produced.extend(refused_approvals().iter().map(|r| (r.code.clone(), r.section)));
    let declared: BTreeSet<(String, Section)> = Cause::ALL
        .iter()
        .flat_map(|c| c.sections().iter().map(|(section, _)| (c.code().to_owned(), *section)))
        .collect();
    assert_eq!(produced, declared, "a reason without a scene, or one that is not declared");
}

/// Every way not to be allowed to agree.
fn refused_approvals() -> Vec<Reason> {
    let mut scene = Scene::permitted();
    let unasked = scene.approved_by("Pharmacist", "hospital/desk", &OFFICE.desk).unwrap_err();
    scene.needs_approval();
    let elsewhere = scene.approved_by("Pharmacist", "clinic/exam-2", &OFFICE.exam_2).unwrap_err();
    assert_eq!(elsewhere.codes(), ["D080"]);
    let not_there = scene.approved_by("Pharmacist", "hospital/desk", &OFFICE.exam_2).unwrap_err();
    assert_eq!(not_there.codes(), ["D005"]);
    let unknown = scene.approved_by("Wizard", "hospital/desk", &OFFICE.desk).unwrap_err();
    assert_eq!(unknown.codes(), ["D016"], "whoever may not sign in may not agree");
    scene.service().unwrap().approval.as_mut().unwrap().roles = vec!["Dentist".into()];
    let role = scene.approved_by("Pharmacist", "hospital/desk", &OFFICE.desk).unwrap_err();
    assert_eq!(role.codes(), ["D081"]);
    scene.service().unwrap().approval.as_mut().unwrap().roles = vec!["Medical Doctor".into()];
    let oneself = scene.approved_by("Medical Doctor", "hospital/desk", &OFFICE.desk).unwrap_err();
    assert_eq!(oneself.codes(), ["D082"]);
    let denials = [unasked, elsewhere, role, oneself];
    denials.iter().flat_map(|d| d.reasons().to_vec()).inspect(assert_worded).collect()
}

#[test]
fn an_approval_is_good_for_its_request_its_asker_and_its_time_only_n8() {
    let mut scene = Scene::permitted();
    scene.needs_approval();
    scene.approved = Some(scene.approved_by("Pharmacist", "hospital/desk", &OFFICE.desk).unwrap().into());
    scene.decide().unwrap();
    scene.now = NOW.plus_ms(60_000);
    assert_eq!(scene.codes(), ["D073"], "too late");
    scene.now = NOW.plus_ms(59_999);
    assert!(scene.codes().is_empty());
    scene.person_with("Pharmacist");
    assert!(scene.codes().contains(&"D073".to_owned()), "another person's");
    scene.person_with("Medical Doctor");
    scene.request.from = "clinic/exam-2".parse().unwrap();
    scene.device = OFFICE.exam_2.clone();
    allow(&mut scene, vec![rule("Medical Doctor", "exam-2")]);
    scene.person_with("Medical Doctor");
    assert_eq!(scene.codes(), ["D073"], "another terminal's");
}

#[test]
fn an_exclusive_service_makes_others_of_its_group_give_way_n8() {
    let mut scene = Scene::permitted();
    rival(&mut scene, false);
    assert_eq!(scene.decide().unwrap().gives_way(), []);
    scene.service().unwrap().exclusive = Some("circuit".parse().unwrap());
    assert_eq!(scene.decide().unwrap().gives_way(), [GrantId(7)]);
    scene.service().unwrap().exclusive = Some("another".parse().unwrap());
    assert_eq!(scene.decide().unwrap().gives_way(), []);
    scene.service().unwrap().exclusive = None;
    scene.service().unwrap().shares = Some("circuit".parse().unwrap());
    assert_eq!(scene.decide().unwrap().gives_way(), [], "who shares moves nobody");
}

#[test]
fn in_a_session_lines_are_decided_one_by_one_and_end_with_it_n3() {
    let mut scene = Scene::permitted();
    scene.in_session(NOW.plus_ms(5));
    assert_eq!(scene.decide().unwrap().grant().lease_until, NOW.plus_ms(5));
    // The answer to one question is none to the other.
    scene.confirmed = Confirmed::Request;
    assert_eq!(scene.codes(), ["D006"]);
    scene.person_with("Medical Doctor");
    scene.confirmed = Confirmed::SignIn { until: NOW.plus_ms(5), cut: false };
    assert_eq!(scene.codes(), ["D006"]);
    scene.in_session(NOW.plus_ms(DAY_MS));
    scene.person = OFFICE.sign_in("Medical Doctor", &"clinic/exam-2".parse().unwrap());
    assert_eq!(scene.codes(), ["D006"], "signed in elsewhere");
    scene.in_session(NOW.plus_ms(DAY_MS));
    scene.service().unwrap().idle_ms = Some(7);
    scene.service().unwrap().booked = Some(vec![Booking { from: NOW, until: NOW.plus_ms(9) }]);
    let permit = scene.decide().unwrap();
    assert_eq!((permit.grant().lease_until, permit.grant().idle_ms), (NOW.plus_ms(9), Some(7)));
}

#[test]
fn all_reasons_are_given_at_once_in_the_order_of_the_checks() {
    let mut scene = Scene::permitted();
    scene.person_with("Pharmacist");
    scene.device = OFFICE.exam_2.clone();
    scene.agreement().unwrap().signatures.remove(&Side::Provider);
    scene.gates.destination = GateStatus::CertificateRevoked;
    allow(&mut scene, vec![rule("Dentist", "exam-2")]);
    window(&mut scene, "17:00-08:00");
    scene.already_open = Some(GrantId(7));
    assert_eq!(scene.codes(), ["D005", "D017", "D021", "D022", "D031", "D040", "D063", "D070"]);
}

#[test]
fn a_good_agreement_counts_beside_bad_ones_and_the_longest_is_taken() {
    let mut scene = Scene::permitted();
    let mut old = agreement(NOW.plus_ms(-9 * DAY_MS), NOW.plus_ms(-DAY_MS));
    old.id = "A-0001".parse().unwrap();
    scene.put_agreement(old);
    assert_eq!(scene.decide().unwrap().agreement().as_str(), "A-0012");
    scene.agreement().unwrap().signatures.clear();
    scene.network.agreements.remove(&"A-0012".parse().unwrap());
    assert_eq!(scene.codes(), ["D039", "D031", "D031"]);
}

#[test]
fn a_permit_says_what_it_stands_on() {
    let permit = Scene::permitted().decide().unwrap();
    let grant = permit.grant();
    assert_eq!((grant.id, grant.granted_at, grant.lease_until), (GrantId(41), NOW, NOW.plus_ms(3_600_000)));
    assert_eq!(grant.origin.host_ref().to_string(), "clinic/exam-1");
    assert_eq!(grant.destination.host_ref().to_string(), "hospital/record-server");
    assert_eq!((grant.origin.zone, grant.destination.zone), (Zone::Secure, Zone::Dmz));
    assert_eq!((grant.origin.institution.as_str(), grant.destination.institution.as_str()), ("aoba", "keyaki"));
    assert_eq!(grant.ports, [443]);
    assert_eq!((permit.person().name.as_str(), permit.person().role.as_str()), ("SATO HANAKO", "Medical Doctor"));
    assert!(permit.person().card_valid_until > NOW);
    assert_eq!(permit.basis(&Texts::new(Lang::En)), "agreement A-0012, rule clinic/allow[0]");
    assert_eq!(permit.basis(&Texts::new(Lang::Ja)), "合意 A-0012、利用方針 clinic/allow[0]");
}

#[test]
fn a_lease_ends_with_whatever_it_stands_on() {
    let lease = |make: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::permitted();
        make(&mut scene);
        scene.decide().unwrap().grant().lease_until
    };
    assert_eq!(lease(&|s| s.put_agreement(agreement(NOW, NOW.plus_ms(5)))), NOW.plus_ms(5));
    // 09:00 in Japan: thirty minutes are left.
    assert_eq!(lease(&|s| window(s, "08:00-09:30")), NOW.plus_ms(30 * 60_000));
    assert_eq!(lease(&|s| window(s, "22:00-09:30")), NOW.plus_ms(30 * 60_000), "past midnight");
    assert_eq!(lease(&|s| window(s, "09:00-08:00")), NOW.plus_ms(3_600_000), "the lease ends first");
    let long = |s: &mut Scene| {
        s.service().unwrap().lease_ms = i64::MAX;
        s.put_agreement(agreement(NOW, Timestamp(i64::MAX)));
    };
    let device_end = Timestamp::from_unix_seconds(OFFICE.exam_1.certificate().not_after() + 1);
    assert!(lease(&long) <= device_end, "a certificate ends it, also at the end of time");
}

#[test]
fn the_refusal_a_pharmacist_reads() {
    let mut scene = Scene::permitted();
    scene.person_with("Pharmacist");
    let denial = scene.decide().unwrap_err();
    let lines = denial.lines(&Texts::new(Lang::En)).remove(0);
    assert_eq!(
        lines.refused,
        "D017 qualification: the service accepts Medical Doctor, Wizard; this card says Pharmacist"
    );
    assert_eq!(lines.section, "peer facility: Keyaki Hospital decides who may use its service");
    assert_eq!(
        lines.remedy,
        "ask Keyaki Hospital to admit the role, or let a person with an accepted qualification sign in"
    );
    let lines = denial.lines(&Texts::new(Lang::Ja)).remove(0);
    assert_eq!(lines.refused, "D017 資格：このサービスを使えるのは医師、Wizardです。このカードの資格は薬剤師です");
    assert_eq!(lines.section, "相手施設：サービスを使える人は、けやき病院が決めます");
    let json = serde_json::to_string(&denial).unwrap();
    assert_eq!(serde_json::from_str::<Denial>(&json).unwrap(), denial, "the reader's side words it");
}

#[test]
fn explain_finds_the_same_without_a_card() {
    for wrong in everything() {
        let mut scene = Scene::permitted();
        (wrong.make)(&mut scene);
        let steps = scene.explain();
        let found: Vec<Reason> = steps
            .iter()
            .filter_map(|step| match &step.outcome {
                Outcome::Failed(reasons) => Some(reasons.clone()),
                Outcome::Passed(_) | Outcome::NotReached | Outcome::AtSignIn => None,
            })
            .flatten()
            .collect();
        let at_sign_in = [
            Cause::DeviceMismatch,
            Cause::RequestNotConfirmed,
            Cause::NoTimeLeft,
            Cause::SessionOver,
            Cause::CutByOperator,
        ];
        if at_sign_in.contains(&wrong.cause) {
            assert_eq!(found, [], "{}", wrong.cause.code());
        } else {
            assert_eq!(found, scene.decide().unwrap_err().reasons());
        }
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            for step in &steps {
                let said = [step.findings(&texts), vec![step.title(&texts)]].concat();
                assert!(said.iter().all(|s| !s.contains(['{', '}']) && !s.starts_with("check-")), "{said:?}");
            }
        }
    }
    let steps = Scene::permitted().explain();
    assert_eq!(steps.iter().map(|s| s.check).collect::<Vec<_>>(), decision::Check::ALL);
    assert!(steps[1..].iter().all(|s| matches!(s.outcome, Outcome::Passed(_))));
}

#[test]
fn every_certificate_refusal_has_words_in_both_languages() {
    let s = || "CN=X".to_owned();
    let all = [
        Refusal::Malformed { index: 0, what: "bytes", offset: 3 },
        Refusal::ChainLength { found: 0, max: 4 },
        Refusal::UntrustedChain { subject: s(), issuer: s() },
        Refusal::BadSignature { subject: s(), issuer: s() },
        Refusal::NotYetValid { subject: s(), not_before: 0 },
        Refusal::Expired { subject: s(), not_after: 0 },
        Refusal::NotAnIssuer { subject: s(), why: "no CA" },
        Refusal::Revoked { subject: s(), serial: "0a".into(), at: 0, reason: RevocationReason::KeyCompromise },
        Refusal::CrlMissing { issuer: s() },
        Refusal::CrlStale { issuer: s(), next_update: 0 },
        Refusal::CrlTooOld { issuer: s(), this_update: 0, max_age: 172_800 },
        Refusal::CrlFromFuture { issuer: s(), this_update: 0 },
        Refusal::WrongUsage { found: "none".into(), why: "absent" },
        Refusal::SignatureCard { found: "nonRepudiation".into() },
        Refusal::PolicyNotAccepted { found: "1.2.3".into() },
        Refusal::PolicyNotCritical,
        Refusal::UnknownCriticalExtension { subject: s(), oid: "1.2.3".into() },
        Refusal::RoleMissing,
        Refusal::RoleMalformed { why: "bytes", offset: 3 },
        Refusal::SeveralRoles { texts: "Medical Doctor, Pharmacist".into() },
        Refusal::RoleUnknown { text: "Wizard".into() },
        Refusal::WeakKey { subject: s(), key: "RSA 512".into() },
        Refusal::WeakSignature { subject: s(), algorithm: "SHA-1".into() },
        Refusal::SubjectIncomplete { missing: "commonName" },
        Refusal::PurposeMissing { missing: "clientAuth" },
        Refusal::IdentityWrong { expected: "urn:x", found: String::new() },
        Refusal::EndEntityIsCa { subject: s() },
        Refusal::ChallengeFailed,
        Refusal::IssuerMismatch { subject: s(), issuer: s() },
        Refusal::OcspMissing { issuer: s() },
        Refusal::OcspStale { issuer: s(), next_update: 0 },
        Refusal::OcspTooOld { issuer: s(), this_update: 0, max_age: 172_800 },
        Refusal::OcspFromFuture { issuer: s(), this_update: 0 },
        Refusal::OcspUnknown { subject: s(), serial: "0a".into(), issuer: s() },
        Refusal::ResponderNotValid { responder: s(), issuer: s(), why: "expired" },
    ];
    let codes: Vec<_> = all.iter().map(Refusal::code).collect();
    assert_eq!(codes, Refusal::CODES, "every refusal of pki is worded");
    for denial in [Denial::from_person(&all), Denial::from_device(&all), Denial::from_gate(&all)] {
        assert_eq!(denial.codes(), Refusal::CODES);
        denial.reasons().iter().for_each(assert_worded);
    }
    let reasons = Denial::from_person(&all).reasons().to_vec();
    let operators: Vec<_> =
        reasons.iter().filter(|r| r.section == Section::Operator).map(|r| r.code.as_str()).collect();
    let wanted = ["P009", "P010", "P011", "P012", "P030", "P031", "P032", "P033", "P035"];
    assert_eq!(operators, wanted, "an old list or a silent responder is not the person's fault");
    let ja = Texts::new(Lang::Ja);
    assert_eq!(
        reasons[7].lines(&ja).refused,
        "P008 このカードは 1970年1月1日 9:00 に失効しました（秘密の鍵が漏れた、またはそのおそれ、CN=X、番号 0a）"
    );
    assert_eq!(
        reasons[19].lines(&ja).refused,
        "P020 このカードに複数の資格（医師、薬剤師）が記されており、どの資格か決められません"
    );
}

#[test]
fn every_revocation_reason_has_words() {
    use RevocationReason as R;
    for reason in [
        R::Unspecified,
        R::KeyCompromise,
        R::CaCompromise,
        R::AffiliationChanged,
        R::Superseded,
        R::CessationOfOperation,
        R::CertificateHold,
        R::RemoveFromCrl,
        R::PrivilegeWithdrawn,
        R::AaCompromise,
    ] {
        let refusal = Refusal::Revoked { subject: "CN=X".into(), serial: "0a".into(), at: 0, reason };
        Denial::from_person(&[refusal]).reasons().iter().for_each(assert_worded);
    }
}
