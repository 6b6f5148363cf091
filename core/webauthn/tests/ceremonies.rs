//! Every check of §7.1 and §7.2 by something that it must refuse, and the standard's own examples.
#![allow(clippy::unwrap_used)]

use authenticator::{PRESENT, SecurityKey, VERIFIED};
use serde_json::{Value, json};
use webauthn::{Assertion, Ceremony, Credential, Fault, RelyingParty, authenticate, register};

const CHALLENGE: &[u8] = b"thirty-two octets that are random";
const OTHER: &[u8] = b"thirty-two octets of another time";
const OWNER: &[u8] = b"who signs in";

fn party() -> RelyingParty {
    RelyingParty::at("https://inside.example:8443").unwrap()
}

fn key() -> SecurityKey {
    SecurityKey::new("inside.example", "https://inside.example:8443").unwrap()
}

fn made(key: &mut SecurityKey, verified: bool) -> Result<Credential, Fault> {
    let made = key.register(CHALLENGE);
    register(&Ceremony { party: &party(), challenge: CHALLENGE, verified }, &made.client_data, &made.attestation)
}

fn shown(key: &mut SecurityKey) -> Assertion {
    let next = key.count + 1;
    with_count(key, next)
}

fn with_count(key: &mut SecurityKey, count: u32) -> Assertion {
    key.count = count;
    let shown = key.answer(CHALLENGE).unwrap();
    Assertion {
        id: key.id.clone(),
        client_data: shown.client_data,
        authenticator_data: shown.authenticator_data,
        signature: shown.signature,
        user: None,
    }
}

fn used(credential: &Credential, shown: &Assertion) -> Result<u32, Fault> {
    authenticate(&Ceremony { party: &party(), challenge: CHALLENGE, verified: false }, credential, OWNER, shown)
}

#[test]
fn a_key_is_registered_and_signs_in_again_and_again_r5() {
    let mut key = key();
    let mut credential = made(&mut key, false).unwrap();
    assert_eq!((credential.id.as_slice(), credential.count), (key.id.as_slice(), 1));
    for n in 2..5 {
        credential.count = used(&credential, &shown(&mut key)).unwrap();
        assert_eq!(credential.count, n);
    }
    let mut own = shown(&mut key);
    own.user = Some(OWNER.to_vec());
    assert_eq!(used(&credential, &own), Ok(5), "a key that keeps the user handle");
}

/// What can be wrong with both ceremonies, and what is said of it.
type Spoilt = (&'static str, fn(&mut SecurityKey), Fault);

const SPOILT: [Spoilt; 10] = [
    ("step 9/13: another site", |k| k.origin = "https://inside.example.evil.test".into(), Fault::Origin(String::new())),
    ("step 9/13: another port", |k| k.origin = "https://inside.example".into(), Fault::Origin(String::new())),
    ("step 13/15: another relying party", |k| k.party = "example".into(), Fault::Party),
    ("step 14/16: nobody was there", |k| k.flags = VERIFIED, Fault::NotPresent),
    ("Level 3: backed up, but not to be", |k| k.flags = PRESENT | 1 << 4, Fault::BackupState),
    ("Level 3: in a frame", |k| drop(k.says.insert("crossOrigin".into(), json!(true))), Fault::CrossOrigin),
    (
        "Level 3: below another page",
        |k| drop(k.says.insert("topOrigin".into(), json!("https://x"))),
        Fault::CrossOrigin,
    ),
    ("step 10/14", |k| drop(k.says.insert("tokenBinding".into(), json!({ "status": "present" }))), Fault::TokenBinding),
    ("step 7/11", |k| drop(k.says.insert("type".into(), json!("payment.get"))), Fault::Type),
    ("step 8/12", |k| drop(k.says.insert("challenge".into(), json!("AAAA"))), Fault::Challenge),
];

#[test]
fn each_check_refuses_what_it_is_for_at_registering_and_at_signing_in_r5() {
    // Which origin it was is in the fault.
    let told = |fault: Fault| if let Fault::Origin(_) = fault { Fault::Origin(String::new()) } else { fault };
    for (why, spoil, fault) in SPOILT {
        let mut spoilt = key();
        spoil(&mut spoilt);
        assert_eq!(made(&mut spoilt, false).map_err(told), Err(fault.clone()), "registering: {why}");
        let mut good = key();
        let credential = made(&mut good, false).unwrap();
        spoil(&mut good);
        assert_eq!(used(&credential, &shown(&mut good)).map_err(told), Err(fault), "signing in: {why}");
    }
}

#[test]
fn steps_15_and_17_where_the_user_must_be_verified_r5() {
    let mut key = key();
    assert_eq!(made(&mut key, true), Err(Fault::NotVerified));
    key.flags = PRESENT | VERIFIED;
    let credential = made(&mut key, true).unwrap();
    let strict = Ceremony { party: &party(), challenge: CHALLENGE, verified: true };
    assert!(authenticate(&strict, &credential, OWNER, &shown(&mut key)).is_ok());
    key.flags = PRESENT;
    assert_eq!(authenticate(&strict, &credential, OWNER, &shown(&mut key)), Err(Fault::NotVerified));
}

#[test]
fn steps_5_and_6_the_credential_is_one_that_was_asked_for_and_its_owners_r5() {
    let (mut mine, mut theirs) = (key(), key());
    let (credential, other) = (made(&mut mine, false).unwrap(), made(&mut theirs, false).unwrap());
    assert_eq!(used(&credential, &shown(&mut theirs)), Err(Fault::NotAllowed));
    // Their key with my credential's name on it.
    let mut forged = shown(&mut theirs);
    forged.id.clone_from(&credential.id);
    assert_eq!(used(&credential, &forged), Err(Fault::Signature));
    let mut shown = shown(&mut mine);
    shown.user = Some(b"somebody else".to_vec());
    assert_eq!(used(&credential, &shown), Err(Fault::User));
    assert_eq!(used(&other, &shown), Err(Fault::NotAllowed));
}

#[test]
fn step_12_an_answer_of_another_time_is_worth_nothing_r5() {
    let mut key = key();
    let credential = made(&mut key, false).unwrap();
    let then = shown(&mut key);
    assert!(used(&credential, &then).is_ok());
    let now = Ceremony { party: &party(), challenge: OTHER, verified: false };
    assert_eq!(authenticate(&now, &credential, OWNER, &then), Err(Fault::Challenge));
    // An answer to one ceremony is none to the other.
    let made = key.register(CHALLENGE);
    let mut crossed = then.clone();
    crossed.client_data = made.client_data;
    assert_eq!(used(&credential, &crossed), Err(Fault::Type));
}

#[test]
fn step_20_nothing_that_was_signed_may_be_changed_r5() {
    let mut key = key();
    let credential = made(&mut key, false).unwrap();
    let good = shown(&mut key);
    for at in 37..good.authenticator_data.len() {
        let mut bad = good.clone();
        bad.authenticator_data[at] ^= 1;
        assert!(used(&credential, &bad).is_err());
    }
    // The counter.
    let mut bad = good.clone();
    bad.authenticator_data[33] ^= 1;
    assert_eq!(used(&credential, &bad), Err(Fault::Signature));
    // User verified, as nobody said.
    let mut bad = good.clone();
    bad.authenticator_data[32] |= VERIFIED;
    assert_eq!(used(&credential, &bad), Err(Fault::Signature));
    let mut bad = good.clone();
    bad.client_data.push(b' ');
    assert_eq!(used(&credential, &bad), Err(Fault::Signature), "the same JSON in other bytes");
    let mut bad = good;
    bad.signature.clear();
    assert_eq!(used(&credential, &bad), Err(Fault::Signature));
}

#[test]
fn step_21_the_counter_goes_forward_or_is_none_r5() {
    let mut key = key();
    let mut credential = made(&mut key, false).unwrap();
    credential.count = used(&credential, &shown(&mut key)).unwrap();
    let copied = |kept, said| Err(Fault::Copied { kept, said });
    key.count = 1;
    assert_eq!(used(&credential, &shown(&mut key)), copied(2, 2), "the same again");
    key.count = 0;
    assert_eq!(used(&credential, &shown(&mut key)), copied(2, 1), "back");
    let none = with_count(&mut key, 0);
    assert_eq!(used(&credential, &none), copied(2, 0), "it had one and says that it has none");
    credential.count = 0;
    assert_eq!(used(&credential, &none), Ok(0), "it has none");
    assert_eq!(used(&credential, &with_count(&mut key, 9)), Ok(9));
}

#[test]
fn whatever_is_cut_off_is_missed_r5() {
    let mut key = key();
    let made = key.register(CHALLENGE);
    let (party, ours) = (party(), |client: &[u8], object: &[u8], party: &RelyingParty| {
        register(&Ceremony { party, challenge: CHALLENGE, verified: false }, client, object).is_ok()
    });
    assert!(ours(&made.client_data, &made.attestation, &party));
    for cut in 0..made.attestation.len() {
        assert!(!ours(&made.client_data, &made.attestation[..cut], &party), "{cut}");
    }
    for cut in 0..made.client_data.len() {
        assert!(!ours(&made.client_data[..cut], &made.attestation, &party), "{cut}");
    }
    let credential = self::made(&mut key, false).unwrap();
    let good = shown(&mut key);
    for cut in 0..good.authenticator_data.len() {
        let mut bad = good.clone();
        bad.authenticator_data.truncate(cut);
        assert!(used(&credential, &bad).is_err(), "{cut}");
    }
    let longer = [&made.attestation[..], &[0]].concat();
    assert!(!ours(&made.client_data, &longer, &party), "something after it");
}

#[test]
fn client_data_are_json_with_every_member_once_r5() {
    let mut key = key();
    let good = key.register(CHALLENGE);
    let text = String::from_utf8(good.client_data.clone()).unwrap();
    let told = |client: &[u8]| {
        register(&Ceremony { party: &party(), challenge: CHALLENGE, verified: false }, client, &good.attestation)
    };
    assert!(told(text.replace('{', "{\"more\":{\"later\":[1]},").as_bytes()).is_ok(), "members to come");
    for bad in [
        text.replace('{', "{\"origin\":\"https://inside.example:8443\","),
        text.replace('{', "{\"type\":1,"),
        format!("\u{feff}{text}"),
        format!("{text}{text}"),
        text.replace("\"origin\"", "\"place\""),
        format!("{}{}", " ".repeat(9000), text),
        String::new(),
        "[]".into(),
    ] {
        assert_eq!(told(bad.as_bytes()), Err(Fault::Malformed("clientDataJSON")), "{bad}");
    }
    assert_eq!(told(b"\xff"), Err(Fault::Malformed("clientDataJSON")));
    assert!(
        told(text.replace("\"crossOrigin\":false", "\"tokenBinding\":{\"status\":\"supported\"}").as_bytes()).is_ok()
    );
}

fn vector(name: &str, ceremony: &str, what: &str) -> Vec<u8> {
    let vectors: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    hex::decode(vectors[name][ceremony][what].as_str().unwrap()).unwrap()
}

/// W3C Web Authentication Level 3 §16: made by others than us.
#[test]
fn the_standards_own_examples_r5() {
    let party = RelyingParty::at("https://example.org").unwrap();
    let registered = |name: &str| {
        let challenge = vector(name, "registration", "challenge");
        let ceremony = Ceremony { party: &party, challenge: &challenge, verified: false };
        let client = vector(name, "registration", "clientDataJSON");
        register(&ceremony, &client, &vector(name, "registration", "attestationObject"))
    };
    for name in ["none-es256", "packed-self-es256", "none-es256-long-credential-id"] {
        let credential = registered(name).unwrap();
        let challenge = vector(name, "authentication", "challenge");
        let ceremony = Ceremony { party: &party, challenge: &challenge, verified: false };
        let shown = Assertion {
            id: credential.id.clone(),
            client_data: vector(name, "authentication", "clientDataJSON"),
            authenticator_data: vector(name, "authentication", "authenticatorData"),
            signature: vector(name, "authentication", "signature"),
            user: None,
        };
        assert_eq!(authenticate(&ceremony, &credential, OWNER, &shown), Ok(0), "{name}");
    }
    for name in ["none-es256-crossOrigin", "none-es256-topOrigin"] {
        assert_eq!(registered(name), Err(Fault::CrossOrigin), "{name}");
    }
    // Steps 18 to 21: attestations that nobody asked for.
    for (name, format) in [("packed-es256", "packed"), ("packed-eddsa", "packed"), ("fido-u2f-es256", "fido-u2f")] {
        assert_eq!(registered(name), Err(Fault::Attestation(format.into())), "{name}");
    }
    // Step 16: a kind of key that nobody asked for.
    assert_eq!(registered("packed-es384"), Err(Fault::Algorithm));
}

#[test]
fn step_19_a_key_that_vouches_for_itself_is_held_to_it_r5() {
    let party = RelyingParty::at("https://example.org").unwrap();
    let challenge = vector("packed-self-es256", "registration", "challenge");
    let ceremony = Ceremony { party: &party, challenge: &challenge, verified: false };
    let client = vector("packed-self-es256", "registration", "clientDataJSON");
    let good = vector("packed-self-es256", "registration", "attestationObject");
    let sig = good.windows(4).position(|w| w == b"csig").unwrap();
    let mut bad = good.clone();
    // Inside the second number of the signature.
    bad[sig + 4 + 60] ^= 1;
    assert_eq!(register(&ceremony, &client, &bad), Err(Fault::Signature));
    let alg = good.windows(4).position(|w| w == b"calg").unwrap();
    let mut bad = good;
    bad[alg + 4] = 0x27;
    assert_eq!(register(&ceremony, &client, &bad), Err(Fault::Attestation("packed".into())), "EdDSA, by a P-256 key");
}
