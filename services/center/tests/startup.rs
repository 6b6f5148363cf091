//! What `sekisho-center` says when it does not start (X5, X4): the real binary on configurations and files that are wrong,
//! each fault told in Japanese and in English, with its place and its mend.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::LazyLock;

use authority::{Authority, CaKind};
use center::Setting;
use files::Defect;
use registry::Registry;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use texts::{Lang, Texts, english_in, is_japanese};

/// A center that could start.
struct World {
    dir: tempfile::TempDir,
}

/// Keys and certificates take their time, so they are made once.
static MADE: LazyLock<World> = LazyLock::new(World::made);

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-a").arg(MADE.dir.path().join(".")).arg(dir.path()).status().unwrap();
        assert!(copied.success());
        Self { dir }
    }

    fn made() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut authority = Authority::new(&dir.path().join("authority"), now()).unwrap();
        let world_of = |folder: &str, kind: CaKind, authority: &Authority| {
            let folder = dir.path().join("trust").join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::copy(authority.ca_pem_path(kind), folder.join(format!("{}.pem", kind.name()))).unwrap();
            fs::write(folder.join(format!("{}.crl", kind.name())), authority.crl_der(kind).unwrap()).unwrap();
        };
        for (folder, kind) in [
            ("hpki", CaKind::HpkiRoot),
            ("hpki", CaKind::HpkiAuthentication),
            ("gate", CaKind::Gate),
            ("device", CaKind::Device),
            ("institution", CaKind::Institution),
        ] {
            world_of(folder, kind, &authority);
        }
        let center = authority.issue_center("main", &["localhost"], &[Ipv4Addr::LOCALHOST.into()]).unwrap();
        let operator = authority.issue_operator("tanaka").unwrap();
        let other = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        fs::copy(authority.ca_pem_path(CaKind::Center), dir.path().join("center-ca.pem")).unwrap();
        fs::copy(authority.crl_path(CaKind::Center), dir.path().join("center.crl")).unwrap();
        for (name, text) in [
            ("cert.pem", center.chain_pem.clone()),
            ("key.pem", center.key_pem.clone()),
            ("order.key.pem", center.key_pem),
            ("operator.pem", operator.chain_pem),
            ("operator.key.pem", operator.key_pem),
            ("ed25519.key.pem", keys::pem("PRIVATE KEY", other.as_ref())),
            ("plain", "nothing in particular\n".to_owned()),
            ("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned()),
            ("empty.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
            ("center.toml", configuration("")),
        ] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        Self { dir }
    }

    fn authority(&self) -> Authority {
        Authority::open(&self.path("authority")).unwrap()
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
        let text = fs::read_to_string(self.path("center.toml")).unwrap();
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "`{from}` stands nowhere");
        self.put("center.toml", changed);
    }

    fn add(&self, more: &str) {
        self.put("center.toml", configuration(more));
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho-center"));
        command.env_clear().env("SEKISHO_LOG", "off").arg("--config").arg(self.path("center.toml")).args(options);
        command
    }
}

fn configuration(more: &str) -> String {
    format!(
        "data = \"data\"\n[trust]\ndir = \"trust\"\n[gates]\nlisten = \"127.0.0.1:0\"\n[operator]\nsocket = \"center.sock\"\n\
         [certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n{more}"
    )
}

/// `[joining]`, and what is wrong with it.
fn joining(more: &str, tables: &str) -> String {
    format!(
        "[joining]\ncontact = \"03-0000-0000\"\n{more}\n[joining.public]\nlisten = \"127.0.0.1:0\"\n\
         url = \"https://join.example\"\n[joining.inside]\nlisten = \"127.0.0.1:0\"\nurl = \"https://inside.example\"\n{tables}"
    )
}

const ENTRANCE: &str = "[joining.service-entrance]\nlisten = \"127.0.0.1:0\"\nurl = \"https://service.example\"\n\
                        receipt-key = \"key.pem\"\nreceipt-certificate = \"cert.pem\"\n";
const ISSUING: &str = "[issuing]\nlisten = \"127.0.0.1:0\"\nurl = \"https://localhost:7448\"\norganization = \"TEST\"\n\
                       center-ca = \"center-ca.pem\"\ncenter-crl = \"center.crl\"\n";
const MAIL: &str = "[joining.mail]\nserver = \"mail.example\"\nfrom = \"noreply@center.example\"\n";

/// What is done to a center that could start, the place that must be named, and the key of the words.
type Case = (fn(&World), &'static str, &'static str);

/// Found by `--check` and at a start alike.
const FILES: &[Case] = &[
    (|w| fs::remove_file(w.path("center.toml")).unwrap(), "center.toml", "file-no-configuration"),
    (|w| w.put("center.toml", [0xff, 0xfe, b'\n']), "center.toml", "file-not-text"),
    (|w| w.say("data = \"data\"", "data = data"), "center.toml:1", "document-syntax"),
    (|w| w.say("listen", "lisen"), "center.toml:5", "document-unknown-field"),
    (|w| w.say("\"127.0.0.1:0\"", "7443"), "center.toml:5", "document-wrong-type"),
    (|w| w.say("127.0.0.1:0", "here"), "center.toml:5", "document-wrong-shape"),
    (|w| w.add("durability = \"perhaps\"\n"), "center.toml", "document-unknown-field"),
    (|w| w.say("data =", "durability = \"perhaps\"\ndata ="), "center.toml:1", "document-unknown-word"),
    (|w| w.say("socket = \"center.sock\"\n", ""), "center.toml", "document-missing-field"),
    (|w| w.add("[trust.revocation.hpki]\npolicy = \"oscp\"\n"), "center.toml:12", "document-unknown-word"),
    (
        |w| w.add("[trust.revocation.hpki]\npolicy = \"ocsp\"\nresponder = \"https://192.0.2.9/\"\n"),
        "center.toml:13",
        "document-wrong-shape",
    ),
    (|w| fs::remove_file(w.path("cert.pem")).unwrap(), "cert.pem", "file-missing"),
    (|w| w.say("cert.pem", "trust"), "trust", "file-is-folder"),
    (|w| w.say("cert.pem", "plain/cert.pem"), "plain/cert.pem", "file-not-folder"),
    (|w| w.say("cert.pem", "plain"), "plain", "file-no-pem"),
    (|w| w.say("cert.pem", "cut.pem"), "cut.pem", "file-broken-pem"),
    (|w| w.say("cert.pem", "empty.pem"), "empty.pem", "file-unreadable"),
    (|w| w.say("key.pem", "cert.pem"), "cert.pem", "file-no-pem"),
    (|w| w.say("key.pem", "operator.key.pem"), "operator.key.pem", "file-not-the-pair"),
    (|w| w.add("[orders]\nkey = \"plain\"\n"), "plain", "file-no-pem"),
    (|w| w.add("[orders]\nkey = \"ed25519.key.pem\"\n"), "ed25519.key.pem", "file-not-p256"),
    (|w| w.say("dir = \"trust\"", "dir = \"elsewhere\""), "elsewhere/hpki", "file-missing"),
    (
        |w| fs::remove_dir_all(w.path("trust/gate")).and_then(|()| fs::create_dir(w.path("trust/gate"))).unwrap(),
        "trust/gate",
        "file-no-anchor",
    ),
    (|w| w.put("trust/gate/x.pem", "nothing"), "trust/gate/x.pem", "file-neither-nor"),
    (|w| w.put("trust/gate/x.pem", fs::read(w.path("key.pem")).unwrap()), "trust/gate/x.pem", "file-neither-nor"),
    (
        |w| w.put("trust/gate/x.pem", fs::read(w.path("operator.pem")).unwrap()),
        "trust/gate/x.pem",
        "file-not-authority",
    ),
    (|w| w.put("trust/gate/x.pem", forged(w)), "trust/gate/x.pem", "file-forged-authority"),
    (|w| w.put("trust/gate/x.crl", [0x30, 0x00]), "trust/gate/x.crl", "file-unreadable"),
    (
        |w| w.put("trust/gate/x.crl", w.authority().crl_der(CaKind::Switch).unwrap()),
        "trust/gate/x.crl",
        "file-list-of-nobody",
    ),
    (
        |w| w.put("trust/gate/x.crl", altered(w.authority().crl_der(CaKind::Gate).unwrap())),
        "trust/gate/x.crl",
        "file-list-forged",
    ),
    (|w| w.put("trust/gate/x.ocsp", [0x30, 0x00]), "trust/gate/x.ocsp", "file-answer"),
    (
        |w| w.say("dir = \"trust\"", "dir = \"trust\"\nhpki-policies = [\"1.2.x\"]"),
        "[trust] hpki-policies",
        "file-bad-policy",
    ),
    (|w| w.say("data = \"data\"", "data = \"plain\""), "plain", "file-exists"),
    (|w| w.add(&joining("seal = \"plain\"", "")), "plain", "setting-seal"),
    (|w| w.add(&joining("passwords = \"easy\"", "")), "[joining]", "setting-passwords"),
    (|w| w.add(&joining("directory = \"plain\"", "")), "plain", "setting-directory-line"),
    (
        |w| w.add(&joining("", &format!("{ENTRANCE}service = \"nothing\"\n"))),
        "[joining.service-entrance]",
        "setting-not-on-offer",
    ),
    (
        |w| w.add(&joining("", &format!("{ENTRANCE}clamd = \"192.0.2.1:3310\"\n"))),
        "[joining.service-entrance]",
        "setting-scanner-afar",
    ),
    (
        |w| w.add(&joining("", &ENTRANCE.replace("\"key.pem\"", "\"ed25519.key.pem\""))),
        "ed25519.key.pem",
        "file-not-p256",
    ),
    (|w| w.add(&joining("", &ENTRANCE.replace("\"cert.pem\"", "\"plain\""))), "plain", "file-no-pem"),
    (
        |w| {
            w.put("account", "x");
            w.add(&joining("", &format!("{MAIL}credentials = \"account\"\n")))
        },
        "account",
        "setting-credentials-open",
    ),
    (
        |w| {
            secret(w, "account", "password = secret-1\n");
            w.add(&joining("", &format!("{MAIL}credentials = \"account\"\n")))
        },
        "account",
        "setting-credentials",
    ),
    (
        |w| {
            w.add(
                &joining("", &vpn("127.0.0.1:0"))
                    .replace("inside]\nlisten = \"127.0.0.1:0\"", "inside]\nlisten = \"0.0.0.0:0\""),
            )
        },
        "[joining.inside]",
        "setting-inside-address",
    ),
    (
        |w| {
            fs::remove_file(w.path("trust/device/device.crl")).unwrap();
            w.add(&joining("", &vpn("127.0.0.1:0")))
        },
        "trust/device",
        "setting-nothing-named",
    ),
];

/// Found only when the center starts.
const STARTS: &[Case] = &[
    (|w| w.say("127.0.0.1:0", "192.0.2.77:7443"), "192.0.2.77:7443", "file-address-elsewhere"),
    (|w| w.say("center.sock", "nowhere/center.sock"), "nowhere/center.sock", "file-missing"),
    (|w| w.say("data =", "registry = \"mysql://center@db/x\"\ndata ="), "mysql://", "registry-bad-url"),
    (
        |w| w.say("data =", "registry = \"postgres://center@127.0.0.1:1/x\"\ndata ="),
        "127.0.0.1:1",
        "registry-unreachable",
    ),
    (
        |w| w.say("data =", "registry = \"sqlite:///proc/sekisho/registry.db\"\ndata ="),
        "/proc/sekisho",
        "registry-cannot-open",
    ),
    (|w| w.put("data/registry.db", [b'x'; 8192]), "registry.db", "registry-corrupt"),
    (newer, "registry.db", "registry-newer"),
    (
        |w| {
            w.put("authorities/gate-ca.key.pem", "x");
            w.add(ISSUING)
        },
        "gate-ca.key.pem",
        "file-open-to-others",
    ),
    (
        |w| {
            w.say("cert.pem", "operator.pem");
            w.say("key.pem", "operator.key.pem");
            more(w, ISSUING)
        },
        "operator.pem",
        "setting-no-center-name",
    ),
    (
        |w| w.add(&format!("{ISSUING}[issuing.token]\ndriver = \"plain\"\npin-file = \"plain\"\n")),
        "plain",
        "key-no-module",
    ),
    (|w| w.add(&joining("", &format!("{MAIL}tls = \"none\"\n"))), "[joining.mail]", "setting-mail-in-clear"),
    (|w| w.add(&joining("", &MAIL.replace("noreply@center.example", "nobody"))), "[joining.mail]", "setting-mail-from"),
    (|w| w.add(&joining("", &format!("{MAIL}trust = \"empty.pem\"\n"))), "[joining.mail]", "setting-mail-authority"),
];

fn secret(w: &World, name: &str, text: &str) {
    w.put(name, text);
    fs::set_permissions(w.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

fn more(w: &World, text: &str) {
    let before = fs::read_to_string(w.path("center.toml")).unwrap();
    w.put("center.toml", before + text);
}

fn vpn(_: &str) -> String {
    "[joining.vpn]\nvici = \"charon.vici\"\nname = \"vpn.example\"\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n\
     server-ca = \"center-ca.pem\"\npool = \"10.99.0.0/17\"\n"
        .to_owned()
}

/// The last octet is of the signature.
fn altered(mut der: Vec<u8>) -> Vec<u8> {
    *der.last_mut().unwrap() ^= 1;
    der
}

fn forged(world: &World) -> String {
    keys::pem("CERTIFICATE", &altered(world.authority().ca_der(CaKind::Gate).unwrap()))
}

/// A registry as a later version leaves it.
fn newer(w: &World) {
    let url = format!("sqlite://{}", w.path("data/registry.db").display());
    fs::create_dir_all(w.path("data")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Registry::open(&url).await.unwrap().close().await.unwrap();
        sqlx::any::install_default_drivers();
        let pool = sqlx::AnyPool::connect(&url).await.unwrap();
        sqlx::query("UPDATE schema_version SET version = 9999").execute(&pool).await.unwrap();
        pool.close().await;
    });
}

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
            Lang::Ja => assert!(line.chars().any(is_japanese) && english_in(line).is_none(), "{line}"),
            Lang::En => assert!(!line.chars().any(is_japanese), "{line}"),
        }
        assert!(!line.contains("{$") && !line.contains("secret-1"), "{line}");
    }
    lines
}

/// The text of a key as far as it has no values.
fn begins(texts: &Texts, key: &str) -> Vec<String> {
    let text = texts.say(key, &[]);
    let parts = text.split(['{', '}']).step_by(2).map(|part| part.trim().to_owned());
    parts.filter(|part| part.chars().count() > 3).collect()
}

fn told(case: &Case, options: &[&str]) {
    let (make, place, key) = case;
    for lang in Lang::ALL {
        let world = World::new();
        make(&world);
        let output = world.command(options).args(["--lang", lang.as_str()]).output().unwrap();
        let lines = read(lang, &output);
        let (texts, all) = (Texts::new(lang), lines.join("\n"));
        assert!(all.contains(place), "{key}: {all}");
        // These choose their words by what is wrong.
        if *key != "document-syntax" {
            for part in begins(&texts, key).iter().chain(&begins(&texts, &format!("{key}-do"))) {
                assert!(all.contains(part.as_str()), "{key}: `{part}` is not in {all}");
            }
        }
        assert!(options.is_empty() || !world.path("center.sock").exists(), "nothing was started");
    }
}

#[test]
fn every_wrong_file_is_told_with_place_and_mend_in_both_languages_x5() {
    FILES.iter().for_each(|case| told(case, &["--check"]));
}

#[test]
fn what_keeps_the_center_from_starting_is_told_in_both_languages_x5() {
    STARTS.iter().for_each(|case| told(case, &[]));
    // One of the files, by the other way.
    told(FILES.iter().find(|case| case.1 == "cert.pem").unwrap(), &[]);
}

#[test]
fn every_fault_of_a_file_or_a_setting_is_provoked_x5() {
    // The system must be full, forbid or break for these; nobody makes them by a file. `files` says each by its kind.
    let by_the_system = [
        "file-forbidden",
        "file-read-only",
        "file-full",
        "file-io",
        "file-port-forbidden",
        "file-nobody-listens",
        // Of secure elements and lists that a center takes side by side; keys are checked at their own use.
        "file-no-pin",
        "file-list-older",
        "file-weak-key",
        "file-unusable-key",
        "file-list-unsupported",
        // The registry breaks between two steps.
        "setting-accounts",
        "setting-directory",
        // Bound below.
        "file-address-taken",
    ];
    let provoked: BTreeSet<&str> = FILES.iter().chain(STARTS).map(|case| case.2).chain(by_the_system).collect();
    let all = Defect::ALL.iter().chain(Setting::ALL).map(|(key, _)| *key);
    assert_eq!(all.filter(|key| !provoked.contains(key)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn an_address_or_a_registry_in_use_is_told_in_both_languages_x5() {
    for lang in Lang::ALL {
        let (world, texts) = (World::new(), Texts::new(lang));
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        world.say("127.0.0.1:0", &address);
        let lines = read(lang, &world.command(&["--lang", lang.as_str()]).output().unwrap()).join("\n");
        assert!(lines.contains(&address) && lines.contains(&texts.say("file-address-taken-do", &[])), "{lines}");

        let world = World::new();
        fs::create_dir_all(world.path("data")).unwrap();
        let url = format!("sqlite://{}", world.path("data/registry.db").display());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let held = runtime.block_on(Registry::open(&url)).unwrap();
        let lines = read(lang, &world.command(&["--lang", lang.as_str()]).output().unwrap()).join("\n");
        assert!(lines.contains("registry.db") && lines.contains(&texts.say("registry-owned-do", &[])), "{lines}");
        runtime.block_on(held.close()).unwrap();
    }
}

#[test]
fn the_language_is_asked_for_or_the_environments_x5() {
    let world = World::new();
    world.say("cert.pem", "plain");
    let said = |options: &[&str], environment: &[(&str, &str)]| {
        let mut command = world.command(&["--check"]);
        let output = command.args(options).envs(environment.iter().copied()).output().unwrap();
        String::from_utf8(output.stderr).unwrap().chars().any(is_japanese)
    };
    assert!(said(&[], &[("LANG", "ja_JP.UTF-8")]) && said(&["--lang", "ja"], &[("LANG", "C")]));
    assert!(!said(&[], &[]) && !said(&[], &[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C")]));
    assert!(!said(&["--lang", "en"], &[("LANG", "ja_JP.UTF-8")]));
}

#[test]
fn a_check_names_every_fault_at_once_and_says_when_there_is_none_x4() {
    for lang in Lang::ALL {
        let world = World::new();
        let good = world.command(&["--check", "--lang", lang.as_str()]).output().unwrap();
        let said = String::from_utf8(good.stdout).unwrap();
        assert!(good.status.success() && good.stderr.is_empty() && said.lines().count() == 1, "{said}");
        assert!(said.contains("center.toml") && said.chars().any(is_japanese) == (lang == Lang::Ja), "{said}");

        world.say("cert.pem", "plain");
        world.put("order.key.pem", "nothing");
        fs::remove_dir_all(world.path("trust/device")).unwrap();
        more(&world, &joining("passwords = \"easy\"\nseal = \"plain\"", ENTRANCE));
        fs::remove_file(world.path("key.pem")).unwrap();
        let lines = read(lang, &world.command(&["--check", "--lang", lang.as_str()]).output().unwrap());
        let all = lines.join("\n");
        for place in ["/plain", "/order.key.pem", "/trust/device", "[joining] passwords", "/key.pem"] {
            assert!(all.contains(place), "{place}: {all}");
        }
        assert!(lines[0].contains('6'), "{all}");
    }
}

/// Who reads the journal later finds the same in the log, in English.
#[test]
fn the_log_stays_english_and_the_last_word_is_the_readers_x5() {
    let world = World::new();
    world.say("cert.pem", "plain");
    let output = world.command(&["--lang", "ja"]).env("SEKISHO_LOG", "info").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("ERROR") && said.contains("no certificate in PEM form is in it; put the certificate"),
        "{said}"
    );
    assert!(said.lines().next_back().unwrap().chars().any(is_japanese), "{said}");
}
