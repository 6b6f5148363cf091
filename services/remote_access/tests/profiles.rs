//! Profiles as files, compared with those that were looked at. `UPDATE_GOLDEN=1 cargo test -p remote_access --test profiles`
//! rewrites them. Their form is checked too; that `swanctl.conf` and the filter work is shown in `clients.rs`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};

use pki::ike_profile::{Grade, Protocol, check_proposal};
use quick_xml::Reader;
use quick_xml::events::Event;
use remote_access::Config;
use remote_access::profiles::{Client, Profile, ProfileFile, manual};
use texts::Lang;

/// Any octets do: nothing here reads them as a certificate.
const SERVER_CA: &str = "-----BEGIN CERTIFICATE-----\nMAMCAQUwAwIBBTADAgEFMAMCAQUwAwIBBTADAgEFMAMCAQUwAwIBBTADAgEF\nMAMCAQU=\n-----END CERTIFICATE-----\n";

fn config() -> Config {
    let text = r#"
        vici = "charon.vici"
        name = "vpn.center.example"
        address = "203.0.113.5"
        certificate = "vpn.crt"
        key = "vpn.key"
        server-ca = "server-ca.crt"
        machine-ca = ["machine-ca.crt"]
        machine-crl = ["machine-ca.crl"]
        pool = "10.99.0.0/17"
        pool-unchecked = "10.99.128.0/17"
        login = "https://login.center.example/"
        inside = "10.250.0.1"
    "#;
    toml::from_str(text).unwrap()
}

fn files(profile: Profile, config: &Config) -> Vec<ProfileFile> {
    let vpn_id = "v7kq2m9xwc".parse().unwrap();
    profile.files(&Client { config, server_ca: SERVER_CA, vpn_id: &vpn_id })
}

fn only(profile: Profile, name: &str) -> String {
    files(profile, &config()).into_iter().find(|file| file.name == name).unwrap().contents
}

#[test]
fn profiles_are_those_that_were_looked_at() {
    for profile in Profile::ALL {
        for file in files(profile, &config()) {
            golden(&format!("{}.{}", profile.name(), file.name), &file.contents);
        }
    }
    let by_name = Config { address: None, ..config() };
    let filter = files(Profile::StrongSwan, &by_name).into_iter().find(|file| file.name.ends_with(".nft")).unwrap();
    golden("by-name.sekisho-vpn-only.nft", &filter.contents);
}

fn golden(name: &str, contents: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, contents).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == contents, "{} differs; run with UPDATE_GOLDEN=1 and review the diff", path.display());
}

#[test]
fn nothing_is_left_to_fill_in_and_no_password_is_in_them() {
    for profile in Profile::ALL {
        for file in files(profile, &config()) {
            for line in file.contents.lines() {
                // `@'`, `'@` and `@{` are PowerShell's.
                let rest = line
                    .replace("@'", "")
                    .replace("'@", "")
                    .replace("@{", "")
                    .replace("@connection", "")
                    .replace("@algorithms", "");
                assert!(!rest.contains('@'), "{}: {line}", file.name);
            }
            assert!(!file.contents.to_lowercase().contains("authpassword"), "{}", file.name);
        }
    }
}

#[test]
fn the_same_person_gets_the_same_profile_and_another_one_another() {
    let config = config();
    assert_eq!(files(Profile::Apple, &config), files(Profile::Apple, &config));
    let other = "v8kq2m9xwc".parse().unwrap();
    let other = Profile::Apple.files(&Client { config: &config, server_ca: SERVER_CA, vpn_id: &other });
    assert_ne!(files(Profile::Apple, &config), other);
}

#[test]
fn clients_that_cannot_prove_the_machine_are_offered_only_where_they_are_let_in() {
    let strict = Config { pool_unchecked: None, ..config() };
    let offered = |config: &Config| Profile::ALL.into_iter().filter(|one| one.is_offered(config)).count();
    assert_eq!((offered(&strict), offered(&config())), (1, 4));
    assert!(Profile::StrongSwan.is_offered(&strict));
    for profile in Profile::ALL {
        assert_eq!(Profile::from_name(profile.name()), Some(profile));
    }
    assert_eq!(Profile::from_name("../etc/passwd"), None);
}

#[test]
fn the_apple_profile_is_a_property_list_with_everything_in_the_tunnel() {
    let text = only(Profile::Apple, "sekisho.mobileconfig");
    let list = plist::Value::from_reader_xml(text.as_bytes()).unwrap();
    let root = list.as_dictionary().unwrap();
    let string = |dictionary: &plist::Dictionary, key: &str| dictionary[key].as_string().unwrap().to_owned();
    assert_eq!(string(root, "PayloadType"), "Configuration");
    let parts: Vec<_> = root["PayloadContent"].as_array().unwrap().iter().map(|p| p.as_dictionary().unwrap()).collect();
    let [authority, vpn] = parts.as_slice() else { panic!("{} parts", parts.len()) };
    assert_eq!(authority["PayloadContent"].as_data().unwrap()[..2], [0x30, 0x03]);
    assert_eq!(string(vpn, "VPNType"), "IKEv2");
    let ike = vpn["IKEv2"].as_dictionary().unwrap();
    assert_eq!(string(ike, "RemoteAddress"), "203.0.113.5");
    assert_eq!(string(ike, "RemoteIdentifier"), "vpn.center.example");
    assert_eq!(ike["IncludeAllNetworks"].as_signed_integer(), Some(1));
    assert_eq!(ike["ExcludeLocalNetworks"].as_signed_integer(), Some(0));
    for part in ["IKESecurityAssociationParameters", "ChildSecurityAssociationParameters"] {
        let part = ike[part].as_dictionary().unwrap();
        assert_eq!(string(part, "EncryptionAlgorithm"), "AES-256-GCM");
        assert_eq!(part["DiffieHellmanGroup"].as_signed_integer(), Some(20), "P-384 (RFC 5903)");
    }
    let mut ids: Vec<String> = parts.iter().map(|part| string(part, "PayloadUUID")).collect();
    ids.push(string(root, "PayloadUUID"));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'8'), "{ids:?}");
}

#[test]
fn the_windows_script_is_in_balance_and_its_xml_well_formed() {
    let script = only(Profile::Windows, "sekisho-vpn.ps1");
    assert!(script.lines().count() > 50 && script.split('\n').filter(|l| !l.is_empty()).all(|l| l.ends_with('\r')));
    // PowerShell: a here-string begins at the end of a line and ends at the beginning of one.
    let (mut code, mut texts, mut inside) = (String::new(), Vec::new(), None::<String>);
    for line in script.lines() {
        match &mut inside {
            Some(text) if line.starts_with("'@") => {
                texts.push(std::mem::take(text));
                inside = None;
                assert_eq!(line, "'@");
            }
            Some(text) => *text += &format!("{line}\n"),
            None if line.ends_with("@'") => inside = Some(String::new()),
            None => code += &format!("{}\n", line.split('#').next().unwrap()),
        }
    }
    assert!(inside.is_none(), "a here-string has no end");
    let [authority, eap] = texts.as_slice() else { panic!("{} here-strings", texts.len()) };
    assert_eq!(authority, SERVER_CA);
    well_formed(eap);
    assert!(eap.contains(">26</Type>") && eap.contains("<UseWinLogonCredentials>false</"));
    for pair in [('{', '}'), ('(', ')'), ('[', ']')] {
        let count = |c| code.matches(c).count();
        assert_eq!(count(pair.0), count(pair.1), "{pair:?}");
    }
    assert!(code.lines().all(|line| line.matches('\'').count() % 2 == 0), "a text has no end");
    assert!(code.contains("-SplitTunneling $false"));
}

#[test]
fn every_profile_asks_for_algorithms_that_are_mandated() {
    for (profile, name) in [(Profile::StrongSwan, "sekisho.conf"), (Profile::NetworkManager, "sekisho.nmconnection")] {
        let text = only(profile, name);
        let value = |keys: [&str; 2]| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines.find(|(key, _)| keys.contains(&key.trim())).unwrap().1.trim().to_owned()
        };
        assert_eq!(check_proposal(Protocol::Ike, &value(["proposals", "ike"])), Ok(Grade::Mandated));
        assert_eq!(check_proposal(Protocol::Esp, &value(["esp_proposals", "esp"])), Ok(Grade::Mandated));
    }
}

#[test]
fn every_manual_is_well_formed_and_says_where_to_log_in() {
    for profile in Profile::ALL {
        for lang in [Lang::Ja, Lang::En] {
            let page = manual(profile, lang, &config());
            well_formed(&format!("<body>{page}</body>"));
            assert!(page.contains("https://login.center.example/") && !page.contains("@"), "{profile:?} {lang}");
            let files = files(profile, &config());
            assert!(page.contains(files[0].name), "{profile:?} {lang} does not name {}", files[0].name);
        }
    }
    let hostile = Config { login: "https://x/\"><script>".into(), ..config() };
    well_formed(&format!("<body>{}</body>", manual(Profile::Windows, Lang::En, &hostile)));
    assert!(!manual(Profile::Windows, Lang::En, &hostile).contains("<script>"));
}

fn well_formed(xml: &str) {
    let mut reader = Reader::from_str(xml);
    let mut depth = 0;
    loop {
        match reader.read_event().unwrap_or_else(|e| panic!("{e} at {}: {xml}", reader.error_position())) {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "{xml}");
}
