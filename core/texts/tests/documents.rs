//! Every fault a document can have, told in both languages: provoked by a document that has it, so that no words come
//! from anywhere but the texts (X5).

#![allow(clippy::unwrap_used)]

use model::{DocumentFault, FaultValue, Network, Shape, export, parse_documents};
use std::collections::{BTreeMap, BTreeSet};
use texts::{Arg, Lang, Texts, english_in, is_japanese};

const SITES: [(&str, &str); 3] = [
    ("clinic.toml", include_str!("../../model/tests/documents/clinic.toml")),
    ("hospital.toml", include_str!("../../model/tests/documents/hospital.toml")),
    ("provider.toml", include_str!("../../model/tests/documents/provider.toml")),
];

/// A change of one of the documents: of what, into what; added at its end if of nothing.
type Change = (&'static str, &'static str);

const AGREEMENT: &str = "\n[[agreement]]\nid = \"A-1\"\nconsumer = \"aoba\"\nprovider = \"keyaki\"\n\
                         service = \"keyaki/records\"\nvalid_from = \"2026-01-01T00:00:00Z\"\n\
                         valid_until = \"2027-01-01T00:00:00Z\"\n";
const NEVER: &str = "\n[[never]]\nid = \"S01\"\nfrom = \"zone:secure\"\nto = \"outside\"\n\
                     because = { ja = \"出さない\", en = \"Not out\" }\n";

/// Which document, what is changed in it, and what is then wrong, among other things perhaps.
const CASES: &[(usize, &[Change], &str)] = &[
    (0, &[("id = \"clinic\"", "id = \"clinic")], "syntax"),
    (0, &[("id = \"clinic\"", "id = clinic")], "syntax"),
    (0, &[("id = \"clinic\"", "id")], "syntax"),
    (0, &[("id = \"clinic\"", "id = ")], "syntax"),
    (0, &[("id = \"clinic\"", "id = \"clinic\"\nid = \"clinic\"")], "syntax"),
    (0, &[("from = [\"exam-1\"]", "from = [\"exam-1\"")], "syntax"),
    (0, &[("from = [\"exam-1\"]", "from = [\"exam-1\" \"exam-2\"]")], "syntax"),
    (0, &[("[site]", "[site")], "syntax"),
    (0, &[("[site]", "[拠点]")], "syntax"),
    (0, &[("vlan = 20", "vlan = 020")], "syntax"),
    (0, &[("{ roles = [\"Medical Doctor\"] }", "{ roles = [\"Medical Doctor\"]")], "syntax"),
    (0, &[("vlan = 20", "vlan = 20\ncolour = \"red\"")], "unknown-field"),
    (0, &[("[[switch]]", "[[router]]")], "unknown-field"),
    (0, &[("model = \"small\"", "model = \"tiny\"")], "unknown-word"),
    (0, &[("zone = \"secure\"", "zone = \"attic\"")], "unknown-word"),
    (0, &[("kind = \"internet\"", "kind = \"fax\"")], "unknown-word"),
    (0, &[("vlan = 20\n", "")], "missing-field"),
    (0, &[("vlan = 20", "vlan = \"twenty\"")], "wrong-type"),
    (0, &[("vlan = 20", "vlan = 2.5")], "wrong-type"),
    (0, &[("terminal = true", "terminal = \"yes\"")], "wrong-type"),
    (0, &[("from = [\"exam-1\"]", "from = \"exam-1\"")], "wrong-type"),
    (0, &[("name = { ja = \"青葉診療所\", en = \"Aoba Clinic\" }", "name = \"Aoba\"")], "wrong-type"),
    (0, &[("id = \"clinic\"", "id = 5")], "wrong-type"),
    (0, &[("id = \"clinic\"", "id = [\"clinic\"]")], "wrong-type"),
    (0, &[("id = \"clinic\"", "id = 2026-11-21")], "wrong-type"),
    (0, &[("model = \"small\"", "model = 1")], "wrong-type"),
    (0, &[("vlan = 20", "vlan = 70000")], "wrong-shape"),
    (0, &[("id = \"clinic\"", "id = \"Clinic A\"")], "wrong-shape"),
    (0, &[("service = \"keyaki/records\"", "service = \"records\"")], "wrong-shape"),
    (0, &[("mac = \"02:00:00:01:20:11\"", "mac = \"02:00:00:01:20\"")], "wrong-shape"),
    (0, &[("dpid = \"0000000000000001\"", "dpid = \"1\"")], "wrong-shape"),
    (0, &[("port = \"sw1/3\"", "port = \"sw1/0\"")], "wrong-shape"),
    (0, &[("address = \"192.0.2.11\"", "address = \"192.0.2.300\"")], "wrong-shape"),
    (0, &[("prefix = \"10.1.20.0/24\"", "prefix = \"10.1.20.0/33\"")], "wrong-shape"),
    (0, &[("", NEVER), ("id = \"S01\"", "id = \"I01\"")], "wrong-shape"),
    (0, &[("", NEVER), ("to = \"outside\"", "to = \"anywhere\"")], "wrong-shape"),
    (0, &[("", AGREEMENT), ("id = \"A-1\"", "id = \"A 1\"")], "wrong-shape"),
    (0, &[("", AGREEMENT), ("2026-01-01T00:00:00Z", "new year")], "wrong-shape"),
    (1, &[("lease_minutes = 30", "window = \"nine to five\"")], "wrong-shape"),
    (1, &[("", "\n[[transit]]\nfrom = \"exam-1\"\nto = \"a/b\"\nprotocol = \"tcp\"\nports = [1]\n")], "wrong-shape"),
    (0, &[("[site]\nid = \"clinic\"\nmodel = \"small\"\n", "")], "no-site"),
    (0, &[("model = \"small\"", "model = \"small\"\ninstitution = \"keyaki\"")], "two-institutions"),
    (
        0,
        &[("[institution]\nid = \"aoba\"\nname = { ja = \"青葉診療所\", en = \"Aoba Clinic\" }\n", "")],
        "no-institution",
    ),
    (
        0,
        &[(
            "[gateway]\nuplink = \"sw1/1\"\nmac = \"02:00:00:01:00:01\"\nike_identity = \"clinic.gate.sekisho.test\"\n",
            "",
        )],
        "no-gateway",
    ),
    (0, &[("[[switch]]\nid = \"sw1\"\ndpid = \"0000000000000001\"\n", "")], "no-switch"),
    (0, &[("[[switch]]", "[[switch]]\nid = \"sw0\"\ndpid = \"0000000000000009\"\n[[switch]]")], "several-switches"),
    (0, &[("id = \"exam-2\"", "id = \"exam-1\"")], "described-twice"),
    (1, &[("id = \"wards\"", "id = \"exchange\"")], "described-twice"),
    (0, &[("", NEVER), ("", NEVER)], "never-twice"),
    (0, &[("", NEVER), ("zone:secure", "site:hospital")], "never-outside"),
    (0, &[("", NEVER), ("Not out", " ")], "never-unreasoned"),
    (1, &[("ports = [443]", "ports = [443, 443]")], "ports"),
    (0, &[("roles = [\"Medical Doctor\"]", "roles = []")], "no-role"),
    (0, &[("from = [\"exam-1\"]", "from = []")], "no-terminal"),
    (0, &[("", AGREEMENT), ("provider = \"keyaki\"", "provider = \"midori\"")], "other-provider"),
    (0, &[("", AGREEMENT), ("consumer = \"aoba\"", "consumer = \"keyaki\"")], "one-party"),
    (0, &[("", AGREEMENT), ("2027-", "2025-")], "agreement-ends-first"),
    (1, &[("lease_minutes = 30", "lease_minutes = 30\nwarn_minutes = 30")], "warns-too-early"),
    (1, &[("lease_minutes = 30", "exclusive = \"a\"\nshares = \"a\"")], "exclusive-and-shares"),
    (1, &[("lease_minutes = 30", "lease_minutes = 30\nlease_seconds = 30")], "time-twice"),
    (1, &[("lease_minutes = 30", "idle_minutes = 30\nidle_seconds = 30")], "time-twice"),
    (1, &[("lease_minutes = 30", "warn_minutes = 3\nwarn_seconds = 30")], "time-twice"),
    (1, &[("lease_minutes = 30", "approval = { roles = [], wait_minutes = 3, wait_seconds = 30 }")], "time-twice"),
    (1, &[("lease_minutes = 30", "lease_minutes = 1441")], "time-out-of-bounds"),
    (1, &[("lease_minutes = 30", "approval = { roles = [], wait_minutes = 0 }")], "time-out-of-bounds"),
    (
        1,
        &[("lease_minutes = 30", "booked = [{ from = \"2026-11-21T02:00:00Z\", until = \"2026-11-21T01:00:00Z\" }]")],
        "booking-ends-first",
    ),
    (1, &[("lease_minutes = 30", "zones = [\"secure\", \"secure\"]")], "named-twice"),
    (1, &[("id = \"bookings\"", "id = \"records\"")], "service-twice"),
    (1, &[("host = \"record-server\"", "host = \"nobody\"")], "service-host-unknown"),
    (0, &[("", AGREEMENT), ("\"keyaki/records\"\nvalid", "\"keyaki/nothing\"\nvalid")], "agreement-service-unknown"),
    (0, &[("", AGREEMENT), ("consumer = \"aoba\"", "consumer = \"nobody\"")], "consumer-unknown"),
    (
        0,
        &[
            ("[institution]\nid = \"aoba\"\nname = { ja = \"青葉診療所\", en = \"Aoba Clinic\" }\n", ""),
            ("model = \"small\"", "model = \"small\"\ninstitution = \"nobody\""),
        ],
        "institution-unknown",
    ),
    (0, &[("[[line]]\nid = \"main\"\nkind = \"internet\"\naddress = \"192.0.2.11\"\n", "")], "no-line"),
    (0, &[("uplink = \"sw1/1\"", "uplink = \"sw9/1\"")], "uplink-elsewhere"),
    (1, &[("model = \"large\"", "model = \"service-provider\"")], "zone-not-of-model"),
    (0, &[("vlan = 20", "vlan = 4095")], "no-such-vlan"),
    (1, &[("vlan = 20", "vlan = 10")], "vlan-taken"),
    (0, &[("prefix = \"10.1.20.0/24\"", "prefix = \"10.1.20.0/24\"\ngateway = \"10.1.21.1\"")], "gateway-outside"),
    (1, &[("prefix = \"10.2.20.0/24\"", "prefix = \"fe80:2::/64\"")], "not-routed"),
    (1, &[("segment = \"wards\"", "segment = \"attic\"")], "segment-unknown"),
    (1, &[("address = \"10.2.20.11\"", "address = \"10.2.21.11\"")], "address-outside"),
    (1, &[("address = \"10.2.20.11\"", "address = \"10.2.20.1\"")], "address-of-gateway"),
    (1, &[("prefix = \"10.2.20.0/24\"", "prefix = \"10.2.0.0/16\"")], "two-zones"),
    (1, &[("port = \"sw1/5\"", "port = \"sw9/5\"")], "switch-unknown"),
    (1, &[("port = \"sw1/5\"", "port = \"sw1/1\"")], "port-of-gateway"),
    (1, &[("mac = \"02:00:00:02:20:11\"", "mac = \"02:00:00:02:00:01\"")], "mac-of-gateway"),
    (1, &[("address = \"10.2.10.20\"", "address = \"10.2.10.10\"")], "hosts-alike"),
    (1, &[("port = \"sw1/4\"", "port = \"sw1/3\"")], "hosts-alike"),
    (1, &[("mac = \"02:00:00:02:10:20\"", "mac = \"02:00:00:02:10:10\"")], "hosts-alike"),
    (1, &[("from = \"ward-1\"", "from = \"ward-9\"")], "host-unknown"),
    (0, &[("from = [\"exam-1\"]", "from = [\"exam-9\"]")], "host-unknown"),
    (0, &[("terminal = true", "terminal = false")], "not-a-terminal"),
    (1, &[("address = \"10.2.20.11\"", "address = \"fd00:2::11\"")], "two-families"),
    (
        1,
        &[("", "\n[[transit]]\nfrom = \"clinic/exam-9\"\nto = \"provider/ops-1\"\nprotocol = \"tcp\"\nports = [1]\n")],
        "transit-host-unknown",
    ),
    (0, &[("[checksheet]\n", "[checksheet]\nsite = \"hospital\"\n")], "checksheet-elsewhere"),
    (0, &[("by = \"10000001\"", "by = \" \"")], "answer-of-nobody"),
    (0, &[("answer = \"yes\"", "answer = \"perhaps\"")], "unknown-word"),
    (0, &[(", evidence = \"Nothing stands in this zone yet\"", "")], "answer-unreasoned"),
    (0, &[("3-1-1 = {", "3-1-01 = {")], "wrong-shape"),
    (0, &[("", NEVER), ("to = \"outside\"", "to = \"site:nowhere\"")], "part-unknown"),
    (1, &[("prefix = \"10.2.20.0/24\"", "prefix = \"10.1.20.0/23\"")], "overlap"),
    (1, &[("dpid = \"0000000000000002\"", "dpid = \"0000000000000001\"")], "dpid-taken"),
    (1, &[("hospital.gate.sekisho.test", "clinic.gate.sekisho.test")], "ike-identity-taken"),
    (1, &[("address = \"192.0.2.12\"", "address = \"192.0.2.11\"")], "line-address-taken"),
];

fn changed(which: usize, changes: &[Change]) -> Vec<(String, String)> {
    let mut all = SITES.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let text = &mut all[which].1;
    for (from, to) in changes {
        let before = text.clone();
        if from.is_empty() {
            text.push_str(to);
        } else {
            *text = text.replacen(from, to, 1);
        }
        assert_ne!(*text, before, "the case `{to}` changes nothing");
    }
    all
}

/// Everything that is wrong, place first.
fn wrong(documents: &[(String, String)]) -> Vec<(String, DocumentFault)> {
    let (mut parsed, mut faults) = (Vec::new(), Vec::new());
    for (name, text) in documents {
        match parse_documents(name, text) {
            Ok(documents) => parsed.extend(documents),
            Err(e) => faults.push((e.place(), *e.fault)),
        }
    }
    if faults.is_empty() {
        let unfit = Network::default().with(&parsed).err().unwrap_or_default();
        faults.extend(unfit.into_iter().map(|e| (e.place, e.fault)));
    }
    faults
}

/// Values that stand in configurations alone.
#[derive(Debug, serde::Deserialize)]
struct Settings {
    #[serde(rename = "listen")]
    _listen: Option<std::net::SocketAddr>,
    #[serde(rename = "responder")]
    _responder: Option<Http>,
}

/// As the center's configuration says what it is not given.
#[derive(Debug, serde::Deserialize)]
#[serde(try_from = "String")]
struct Http;

impl TryFrom<String> for Http {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Err(format!("`{text}` is not an http:// address"))
    }
}

/// Every fault there is, each at least once.
fn all() -> Vec<(String, DocumentFault)> {
    let mut found = Vec::new();
    for (which, changes, expected) in CASES {
        let faults = wrong(&changed(*which, changes));
        let key = format!("document-{expected}");
        assert!(faults.iter().any(|(_, fault)| fault.key() == key), "{changes:?}: {faults:?} and not {key}");
        found.extend(faults);
    }
    let same = changed(0, &[("", "\n"), ("", "\n")]);
    found.extend(wrong(&[&same[..], &same[..1]].concat()));
    let sheet = "[checksheet]\nsite = \"nowhere\"\nmodel = \"small\"\nedition = \"heasnet-2007\"\n";
    found.extend(wrong(&[("sheet.toml".into(), sheet.to_owned())]));
    let nevers: String =
        (1..=1000).map(|n| NEVER.replace("id = \"S01\"\n", "").replace("Not out", &n.to_string())).collect();
    found.extend(wrong(&[(SITES[0].0.into(), format!("{}{nevers}", SITES[0].1))]));
    let network = |services: fn(&mut model::Service)| {
        let parsed: Vec<_> = SITES.iter().flat_map(|(name, text)| parse_documents(name, text).unwrap()).collect();
        let mut network = Network::default().with(&parsed).unwrap();
        network.services.values_mut().for_each(services);
        export(&network).unwrap()
    };
    let good = network(|_| {});
    for text in [
        good[..good.len() / 2].to_owned(),
        good.replacen("\"sekisho_export\": 1", "\"sekisho_export\": 2", 1),
        good.replacen("10.1.20.11", "10.1.20.12", 1),
        network(|service| service.idle_ms = Some(1500)),
        network(|service| service.roles.clear()),
    ] {
        let faults = wrong(&[("export.json".into(), text)]);
        assert_eq!(faults.len(), 1);
        found.extend(faults);
    }
    // Of configurations, which are read by the same reader.
    for (field, value) in [("listen", "here"), ("responder", "https://192.0.2.9/")] {
        let error = model::read_table::<Settings>("center.toml", &format!("{field} = \"{value}\"\n")).unwrap_err();
        found.push((error.place(), *error.fault));
    }
    // Said by what takes agreements in, and where the reader of TOML meets what nobody thought of.
    let place = || "agreement.toml".to_owned();
    let unreadable = DocumentFault::Unreadable { field: "id".into(), detail: "a word of the reader's own".into() };
    found.push((place(), unreadable));
    found.push((place(), DocumentFault::NotAgreementsAlone {}));
    found.push((place(), DocumentFault::NobodySigned {}));
    found
}

fn said(texts: &Texts, key: &str, place: &str, fault: &DocumentFault) -> String {
    let values = fault.values().into_iter().map(|(name, value)| (name, Arg::from(value)));
    let args: Vec<(&str, Arg)> = values.chain([("place", Arg::text(place))]).collect();
    texts.say(key, &args)
}

#[test]
fn every_fault_of_a_document_has_text_and_mend_in_both_languages_x5() {
    for lang in Lang::ALL {
        let texts = Texts::new(lang);
        for (key, _) in DocumentFault::ALL {
            assert!(texts.has(key), "{lang}: {key}");
            assert!(texts.has(&format!("{key}-do")), "{lang}: {key}-do");
        }
        for shape in Shape::ALL {
            assert!(texts.has(&shape.key()), "{lang}: {}", shape.key());
        }
    }
    let keys: BTreeSet<&str> = DocumentFault::ALL.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys.len(), DocumentFault::ALL.len(), "a key is used twice");
}

#[test]
fn no_fault_is_told_in_the_other_language_x5() {
    let found = all();
    let keys: BTreeSet<&str> = found.iter().map(|(_, fault)| fault.key()).collect();
    let missing: Vec<_> = DocumentFault::ALL.iter().map(|(key, _)| *key).filter(|key| !keys.contains(key)).collect();
    assert!(missing.is_empty(), "no document of this test has these faults: {missing:?}");
    let (ja, en) = (Texts::new(Lang::Ja), Texts::new(Lang::En));
    for (place, fault) in &found {
        for key in [fault.key().to_owned(), format!("{}-do", fault.key())] {
            let text = said(&ja, &key, place, fault);
            assert!(text.chars().any(is_japanese), "{text}");
            // The zones bear their English names beside the Japanese ones.
            let zones = ["High Secure Zone", "Secure Zone"];
            assert_eq!(english_in(&zones.iter().fold(text.clone(), |t, zone| t.replace(zone, "Zone"))), None, "{text}");
            assert!(!text.contains("{$") && !text.contains("document-"), "{text}");
            let text = said(&en, &key, place, fault);
            assert!(!text.chars().any(is_japanese) || place.contains("拠点"), "{text}");
            assert!(!text.contains("{$") && !text.contains("document-"), "{text}");
        }
    }
}

/// Every kind of value is recognised: what a noun says against a text that is none is told in our words.
#[test]
fn what_a_value_should_look_like_is_told_for_every_kind_of_value_x5() {
    let mut shapes = BTreeMap::new();
    for (_, fault) in all() {
        for (_, value) in fault.values() {
            if let FaultValue::Key(key) = value {
                *shapes.entry(key).or_insert(0) += 1;
            }
        }
        assert!(
            !matches!(&fault, DocumentFault::Unreadable { detail, .. } if detail != "a word of the reader's own"),
            "{fault}"
        );
    }
    for shape in Shape::ALL.iter().map(|shape| shape.key()).filter(|key| key != "document-shape-other") {
        assert!(shapes.contains_key(&shape), "{shape}: {shapes:?}");
    }
}
