//! What `sekisho-gate` says when it does not start, check, audit, enroll or refresh (X5, X4): the real binary on files and
//! words that are wrong, each fault told in Japanese and in English, with its place and its mend.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use authority::{Authority, CaKind};
use enrolment::OneTimeToken;
use gate::Fault;
use model::{Network, SiteState, parse_document};
use texts::{Lang, Texts, english_in, is_japanese};

/// A gate that could start.
struct World {
    dir: tempfile::TempDir,
}

/// Keys and certificates take their time, so they are made once.
static MADE: LazyLock<World> = LazyLock::new(World::made);

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-a").arg(MADE.dir.path().join(".")).arg(dir.path()).status().unwrap();
        assert!(copied.success());
        Self { dir }
    }

    fn made() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, contents: &[u8]| fs::write(dir.path().join(name), contents).unwrap();
        let mut authority = Authority::new(&dir.path().join("authority"), gate::now().unix_seconds()).unwrap();
        for (issued, name) in [
            (authority.issue_gate("clinic").unwrap(), "gate"),
            (authority.issue_gate("hospital").unwrap(), "hospital"),
            (authority.issue_operator("tanaka").unwrap(), "operator"),
        ] {
            put(&format!("{name}.pem"), issued.chain_pem.as_bytes());
            put(&format!("{name}.key.pem"), issued.key_pem.as_bytes());
            if name == "gate" {
                let leaf = pki::Certificate::parse(issued.chain()[0]).unwrap();
                put("order.pub.pem", keys::pem("PUBLIC KEY", leaf.spki_der()).as_bytes());
            }
        }
        for kind in [CaKind::Center, CaKind::Switch, CaKind::Gate] {
            put(&format!("{}-ca.pem", kind.name()), &fs::read(authority.ca_pem_path(kind)).unwrap());
            put(&format!("{}.crl", kind.name()), &authority.crl_der(kind).unwrap());
        }
        put("plain", b"nothing in particular\n");
        put("gate.toml", CONFIGURATION.as_bytes());
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn put(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), contents).unwrap();
    }

    /// Says something else in the configuration.
    fn say(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("gate.toml")).unwrap();
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "`{from}` stands nowhere");
        self.put("gate.toml", changed);
    }

    fn keep(&self, change: impl FnOnce(&mut SiteState)) {
        let document = parse_document("clinic", include_str!("../../../core/model/tests/documents/clinic.toml"));
        let network = Network::default().with(&[document.unwrap()]).unwrap();
        let (_, delta) = plan::apply(&network, &[], &BTreeMap::new()).unwrap().sites.into_iter().next().unwrap();
        let mut state = SiteState::empty(delta.facts.clone().unwrap());
        state.advance(&delta).unwrap();
        change(&mut state);
        gate::Store::open(&self.path("data")).unwrap().save(&state).unwrap();
    }

    fn run(&self, lang: Lang, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho-gate"));
        command.current_dir(self.dir.path()).env_clear().env("SEKISHO_LOG", "off");
        command.args(words).args(["--lang", lang.as_str()]).output().unwrap()
    }
}

/// The namespace is the test's own, so that nothing has to be laid out.
const CONFIGURATION: &str = "site = \"clinic\"\ndata = \"data\"\n[namespaces]\nred = \"/proc/self/ns/net\"\n[openflow]\n\
    listen = \"127.0.0.1:0\"\n[terminals]\nlisten = []\n[center]\naddress = \"127.0.0.1:1\"\nname = \"main\"\n\
    order-key = \"order.pub.pem\"\n[certificates]\nchain = \"gate.pem\"\nkey = \"gate.key.pem\"\n\
    center-ca = \"center-ca.pem\"\nswitch-ca = \"switch-ca.pem\"\ngate-ca = \"gate-ca.pem\"\n\
    crls = [\"center.crl\", \"switch.crl\", \"gate.crl\"]\n[ike]\nvici = \"charon.vici\"\n";
const CHECK: &[&str] = &["--config", "gate.toml", "--check"];
const START: &[&str] = &["--config", "gate.toml"];
const AUDIT: &[&str] = &["--config", "gate.toml", "--audit", "br0.mgmt"];
const REFRESH: &[&str] = &["refresh", "--site", "clinic", "--into", "."];
const APPLICATION: &[&str] = &["application", "--config", "gate.toml", "list"];

/// What is done to a gate that could start, how it is called, the place that must be named, and the key of the words.
type Case = (fn(&World), &'static [&'static str], &'static str, &'static str);

const CASES: &[Case] = &[
    (|w| fs::remove_file(w.path("gate.toml")).unwrap(), CHECK, "gate.toml", "file-no-configuration"),
    (|w| fs::remove_file(w.path("gate.toml")).unwrap(), START, "gate.toml", "file-no-configuration"),
    (|w| fs::remove_file(w.path("gate.toml")).unwrap(), APPLICATION, "gate.toml", "file-no-configuration"),
    (|w| w.say("vici", "vixi"), CHECK, "gate.toml:21", "document-unknown-field"),
    (|w| w.say("site = \"clinic\"", "site = \"Clinic A\""), CHECK, "gate.toml:1", "document-wrong-shape"),
    (|w| w.say("listen = []", "listen = \"x\""), CHECK, "gate.toml:8", "document-wrong-type"),
    (|w| w.say("[ike]", "[ike]\nrevocation = \"lax\""), CHECK, "gate.toml:21", "document-unknown-word"),
    (|w| w.say("order-key = \"order.pub.pem\"\n", ""), CHECK, "gate.toml", "document-missing-field"),
    (|w| w.say("key = \"gate.key.pem\"\n", ""), CHECK, "gate.toml", "gate-no-key"),
    (|w| element(w, true), CHECK, "gate.toml", "gate-two-keys"),
    (|w| fs::remove_file(w.path("gate.pem")).unwrap(), CHECK, "gate.pem", "file-missing"),
    (|w| fs::remove_file(w.path("gate.pem")).unwrap(), START, "gate.pem", "file-missing"),
    (|w| w.say("chain = \"gate.pem\"", "chain = \"plain\""), CHECK, "plain", "file-no-pem"),
    (|w| w.say("gate.pem", "operator.pem"), CHECK, "operator.pem", "gate-not-a-gate"),
    (|w| w.say(", \"gate.crl\"", ""), CHECK, "gate.pem", "gate-not-a-gate"),
    (|w| w.say("gate.pem", "hospital.pem"), CHECK, "hospital.pem", "gate-other-site"),
    (|w| fs::remove_file(w.path("gate.key.pem")).unwrap(), CHECK, "gate.key.pem", "file-missing"),
    (|w| w.say("gate.key.pem", "hospital.key.pem"), CHECK, "hospital.key.pem", "file-not-the-pair"),
    (|w| w.say("order.pub.pem", "gate.pem"), CHECK, "gate.pem", "file-no-pem"),
    (|w| w.say("switch-ca.pem", "operator.pem"), CHECK, "operator.pem", "file-not-authority"),
    (|w| w.say("\"center.crl\", ", "\"plain\", "), CHECK, "plain", "file-unreadable"),
    (|w| w.say("center-ca.pem", "switch-ca.pem"), CHECK, "center.crl", "file-list-of-nobody"),
    (
        |w| {
            w.put("pin", "1234\n");
            element(w, false)
        },
        CHECK,
        "plain",
        "key-no-module",
    ),
    (|w| w.say("[ike]", "[console]\nchain = \"gate.pem\"\nkey = \"plain\"\n[ike]"), CHECK, "plain", "file-no-pem"),
    (|w| w.say("/proc/self/ns/net", "red"), START, "red", "gate-namespace"),
    (|w| w.say("127.0.0.1:0", "192.0.2.77:6653"), START, "192.0.2.77:6653", "file-address-elsewhere"),
    (|w| w.say("data = \"data\"", "data = \"plain\""), START, "plain", "file-exists"),
    (|_| {}, AUDIT, "data", "gate-no-state"),
    (|w| w.put("data/state", "nothing"), AUDIT, "data/state", "gate-damaged"),
    (|w| w.keep(door), AUDIT, "data/state", "gate-unsound"),
    (|w| w.keep(|_| {}), AUDIT, "br0.mgmt", "gate-socket"),
    (|_| {}, &["enroll", "--token", "sekisho-once-x", "--into", "."], "sekisho-once-", "gate-not-a-token"),
    (|_| {}, REFRESH, "./gate-clinic/center.url", "file-missing"),
    (
        |w| {
            w.put("gate-clinic/center.url", "https://127.0.0.1:1\n");
            w.put("gate-clinic/gate.pem", "x")
        },
        REFRESH,
        "./gate-clinic/gate.pem",
        "file-no-pem",
    ),
    (
        |w| {
            enrolled(w, "127.0.0.1:1\n");
            fs::set_permissions(w.path("gate-clinic/gate.key.pem"), fs::Permissions::from_mode(0o644)).unwrap()
        },
        REFRESH,
        "gate.key.pem",
        "file-open-to-others",
    ),
    (|w| enrolled(w, "here\n"), REFRESH, "here", "exchange-address"),
    (|w| enrolled(w, "https://127.0.0.1:1\n"), REFRESH, "127.0.0.1:1", "exchange-unreachable"),
];

fn element(w: &World, beside_a_file: bool) {
    let element =
        "[certificates.element]\nmodule = \"plain\"\ntoken = \"clinic\"\nkey = \"gate\"\npin = \"pin\"\n[ike]";
    if !beside_a_file {
        w.say("key = \"gate.key.pem\"\n", "");
    }
    w.say("[ike]", element);
    if w.path("pin").exists() {
        fs::set_permissions(w.path("pin"), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// As `enroll` leaves it.
fn enrolled(w: &World, url: &str) {
    w.put("gate-clinic/center.url", url);
    for (from, to) in [("gate.pem", "gate.pem"), ("center-ca.pem", "center-ca.pem"), ("gate.key.pem", "gate.key.pem")] {
        fs::copy(w.path(from), w.path(&format!("gate-clinic/{to}"))).unwrap();
    }
    fs::set_permissions(w.path("gate-clinic/gate.key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
}

/// A rule that lets everything pass.
fn door(state: &mut SiteState) {
    let mut rule = state.rules.iter().find(|r| r.table == model::Table::Connections).unwrap().clone();
    let (in_port, eth_type) = (rule.matches.in_port, rule.matches.eth_type);
    rule.matches = model::FlowMatch { in_port, eth_type, ..model::FlowMatch::default() };
    (rule.priority, rule.actions) = (3000, vec![model::Action::Goto(model::Table::Forwarding)]);
    state.rules.insert(rule);
}

/// Certificates' names, which are the same in every language.
const NAMES: [&str; 3] = ["CN=TEST operator tanaka", "CN=TEST Sekisho Operator CA", "CN=TEST Sekisho Gate CA"];

/// What a person reads on standard error: nothing else stands there.
fn read(lang: Lang, output: &Output) -> Vec<String> {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let lines: Vec<String> = said.lines().map(str::to_owned).collect();
    assert!(lines.len() >= 4 && lines.len() % 3 == 1, "a headline, and three lines a fault: {said}");
    for line in &lines {
        match lang {
            // What is between 「 and 」 is the system's or a name.
            Lang::Ja => {
                let unnamed = NAMES.iter().fold(line.clone(), |line, name| line.replace(name, "CN=x"));
                assert!(line.chars().any(is_japanese) && english_in(&unnamed).is_none(), "{line}");
            }
            Lang::En => assert!(!line.chars().any(is_japanese), "{line}"),
        }
        assert!(!line.contains("{$"), "{line}");
    }
    lines
}

/// The text of a key as far as it has no values.
fn parts(texts: &Texts, key: &str) -> Vec<String> {
    let text = texts.say(key, &[]);
    let parts = text.split(['{', '}']).step_by(2).map(|part| part.trim().to_owned());
    parts.filter(|part| part.chars().count() > 3).collect()
}

fn told(world: &World, lang: Lang, words: &[&str], place: &str, key: &str) {
    let all = read(lang, &world.run(lang, words)).join("\n");
    let texts = Texts::new(lang);
    assert!(all.contains(place), "{key}: {all}");
    for part in parts(&texts, key).iter().chain(&parts(&texts, &format!("{key}-do"))) {
        assert!(all.contains(part.as_str()), "{key}: `{part}` is not in {all}");
    }
}

#[test]
fn every_fault_is_told_with_place_and_mend_in_both_languages_x5() {
    for (make, words, place, key) in CASES {
        for lang in Lang::ALL {
            let world = World::new();
            make(&world);
            told(&world, lang, words, place, key);
        }
    }
}

#[test]
fn a_token_for_something_else_is_told_in_both_languages_x5() {
    let token = |label: &str, name: &str| {
        let (label, name, url) = (label.to_owned(), name.to_owned(), "https://127.0.0.1:1".to_owned());
        OneTimeToken { url, server_key: [7; 32], label, name, code: "AAAAA".to_owned() }.text()
    };
    for (label, name, key) in [
        ("device", "clinic", "gate-other-token"),
        ("gate", "Clinic A", "gate-no-site"),
        ("equipment", "x", "gate-no-device"),
        ("gate", "clinic", "exchange-unreachable"),
    ] {
        for lang in Lang::ALL {
            let place = if key == "gate-other-token" { "device" } else { name };
            let place = if key == "exchange-unreachable" { "127.0.0.1:1" } else { place };
            let token = token(label, name);
            told(&World::new(), lang, &["enroll", "--token", &token, "--into", "."], place, key);
        }
    }
}

#[test]
fn an_address_in_use_is_told_in_both_languages_x5() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    for lang in Lang::ALL {
        let world = World::new();
        let address = taken.local_addr().unwrap().to_string();
        world.say("127.0.0.1:0", &address);
        told(&world, lang, START, &address, "file-address-taken");
    }
}

#[test]
fn a_check_names_every_fault_at_once_and_says_when_there_is_none_x4() {
    for lang in Lang::ALL {
        let world = World::new();
        let good = world.run(lang, CHECK);
        let said = String::from_utf8(good.stdout).unwrap();
        assert!(good.status.success() && good.stderr.is_empty() && said.lines().count() == 1, "{said}");
        assert!(said.contains("clinic") && said.chars().any(is_japanese) == (lang == Lang::Ja), "{said}");

        world.say("gate.pem", "plain");
        world.put("order.pub.pem", "nothing");
        let all = read(lang, &world.run(lang, CHECK)).join("\n");
        assert!(all.contains("plain") && all.contains("order.pub.pem"), "{all}");
    }
}

#[test]
fn every_fault_of_a_gate_is_provoked_x5() {
    // What a secure element, a center, a switch or the other gate must do for it; `gate::Fault`'s own test has their words.
    let by_others = [
        "gate-element",
        "gate-other-key",
        "gate-tls",
        "gate-system",
        "gate-taken-over",
        "gate-protocol",
        "gate-silent-switch",
        "gate-element-too",
        "gate-enroll-again",
        "gate-register-again",
        "gate-papers",
        "gate-other-papers",
        "gate-papers-lack",
        "gate-operator",
    ];
    let tokens = ["gate-other-token", "gate-no-site", "gate-no-device"];
    // In `application.rs`.
    let applications = ["gate-no-equipment"];
    let elsewhere = by_others.into_iter().chain(tokens).chain(applications);
    let provoked: BTreeSet<&str> = CASES.iter().map(|case| case.3).chain(elsewhere).collect();
    let all = Fault::ALL.iter().map(|(key, _)| *key);
    assert_eq!(all.filter(|key| !provoked.contains(key)).collect::<Vec<_>>(), [""; 0]);
}
