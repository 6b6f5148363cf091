//! `sekisho equipment …` as people run it, offline, with keys in files and on a real token; openssl agrees (G1).
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Place(tempfile::TempDir);

impl Place {
    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Words that begin with `@` are files here.
    fn run(&self, line: &str) -> Output {
        let arguments = line.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some(name) => self.at(name).into_os_string(),
            None => word.into(),
        });
        Command::new(env!("CARGO_BIN_EXE_sekisho")).args(["--lang", "en"]).args(arguments).output().unwrap()
    }

    fn good(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Codes of all reasons, in order.
    fn refused(&self, line: &str) -> Vec<String> {
        let output = self.run(&format!("{line} --json"));
        assert_eq!(output.status.code(), Some(1), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        said["refused"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
    }

    fn openssl(&self, line: &str) -> bool {
        let arguments = line.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some(name) => self.at(name).into_os_string(),
            None => word.into(),
        });
        Command::new("openssl").args(arguments).output().unwrap().status.success()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }

    /// An authority, a maker, a registration centre and an element.
    fn chain() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.good("equipment authority --dir @ra --name TEST");
        for (what, id) in [("maker", "aoba"), ("registration-centre", "centre-1"), ("element", "e-1")] {
            place.good(&format!("equipment request {id} --key @{what}.key -o @{what}.csr"));
            place.good(&format!("equipment certify {what} {id} --dir @ra --request @{what}.csr -o @{what}.pem"));
        }
        place.good(
            "equipment describe --maker aoba --model GE-01 --serial 0001 --made 2026-11-01 --element-kind tpm2 \
             --element @element.pem --certificate @maker.pem --key @maker.key -o @device.toml",
        );
        place
    }
}

const TRUST: &str = "--authority @ra/authority.pem --list @ra/authority.crl";

#[test]
fn a_makers_statement_verifies_here_and_by_openssl_until_the_maker_is_revoked() {
    let place = Place::chain();
    let verify = format!("equipment verify @device.toml {TRUST} --bytes @out");
    let said = place.good(&verify);
    assert!(said.contains("verified") && said.contains("GE-01 0001") && said.contains("e-1"), "{said}");
    for name in ["maker", "registration-centre", "element"] {
        place.good(&format!("equipment verify @{name}.pem {TRUST}"));
        std::fs::write(place.at("all.pem"), place.text("ra/authority.pem") + &place.text("ra/authority.crl")).unwrap();
        assert!(place.openssl(&format!("verify -x509_strict -crl_check -CAfile @all.pem @{name}.pem")), "{name}");
    }
    let signer = place.at("out/signer.pem");
    let key = Command::new("openssl").args(["x509", "-noout", "-pubkey", "-in"]).arg(signer).output().unwrap();
    std::fs::write(place.at("key.pem"), key.stdout).unwrap();
    let check = "dgst -sha256 -verify @key.pem -signature @out/signature.der @out/signed.txt";
    assert!(place.openssl(check));
    assert!(place.text("out/signed.txt").starts_with("sekisho device information 1\nmaker=aoba\n"));
    std::fs::write(place.at("out/signed.txt"), place.text("out/signed.txt").replace("0001", "0002")).unwrap();
    assert!(!place.openssl(check));

    // What was edited is refused, and so is everything of a maker that was revoked.
    std::fs::write(place.at("edited.toml"), place.text("device.toml").replace("0001", "0002")).unwrap();
    assert_eq!(place.refused(&format!("equipment verify @edited.toml {TRUST}")), ["Q003"]);
    std::fs::write(place.at("broken.toml"), "[device]\nmaker = 7\n").unwrap();
    assert_eq!(place.refused(&format!("equipment verify @broken.toml {TRUST}")), ["Q001"]);
    let issued: serde_json::Value =
        serde_json::from_str(&place.good(&format!("equipment verify @maker.pem {TRUST} --json"))).unwrap();
    let serial = issued["verified"]["serial"].as_str().unwrap();
    place.good(&format!("equipment list --dir @ra --revoke {serial} --reason keyCompromise"));
    assert_eq!(place.refused(&verify), ["P008"]);
    assert_eq!(place.refused(&format!("equipment verify @maker.pem {TRUST}")), ["P008"]);
    place.good("equipment list --dir @ra");
    assert_eq!(place.refused(&verify), ["P008"], "the next list has it too");
    let wrong = place.run("equipment list --dir @ra --revoke 0102 --reason keyCompromise");
    assert_eq!(wrong.status.code(), Some(2), "nothing of that number was issued");
}

#[test]
fn a_permit_is_for_its_package_its_device_and_its_time() {
    let place = Place::chain();
    std::fs::write(place.at("viewer.tar"), b"octets").unwrap();
    std::fs::write(place.at("other.tar"), b"octetz").unwrap();
    let permit = |rest: &str| {
        format!(
            "equipment permit install @viewer.tar --number p-1 --application viewer --app-version 1.2 \
             --until 2099-01-01T00:00:00Z --issuer centre-1 --certificate @registration-centre.pem \
             --key @registration-centre.key -o @permit.toml {rest}"
        )
    };
    let id = equipment::DeviceId::from_random([5; 11]);
    place.good(&permit(&format!("--device {id}")));
    let verify = format!("equipment verify @permit.toml {TRUST}");
    let said = place.good(&format!("{verify} --device {id} --package @viewer.tar"));
    assert!(said.contains("install") && said.contains("viewer 1.2") && said.contains(&id.to_string()), "{said}");
    assert_eq!(place.refused(&format!("{verify} --package @other.tar")), ["Q014"]);
    let other = equipment::DeviceId::from_random([6; 11]);
    let all = place.refused(&format!("{verify} --device {other} --at 2099-01-01T00:00:01Z"));
    for code in ["P006", "Q008", "Q010"] {
        assert!(all.iter().any(|found| found == code), "{code} of {all:?}: every reason is told");
    }
    let mistyped = place.run(&format!("{verify} --device 1111-1111-1112"));
    assert_eq!(mistyped.status.code(), Some(2), "a mistyped device id is seen");

    // Only as who the certificate says, and only with its key.
    for wrong in [
        permit("").replace("--issuer centre-1", "--issuer centre-2"),
        permit("").replace("@registration-centre.pem", "@maker.pem"),
        permit("").replace("@registration-centre.key", "@maker.key"),
    ] {
        assert_eq!(place.run(&wrong).status.code(), Some(2), "{wrong}");
    }
    std::process::Command::new("chmod").arg("644").arg(place.at("registration-centre.key")).status().unwrap();
    let open = place.run(&permit(""));
    assert!(String::from_utf8_lossy(&open.stderr).contains("chmod 600"));
}

#[test]
fn a_vpn_operator_stands_for_its_own_authority_and_no_other() {
    let place = Place::chain();
    place.good("equipment request vpn-1 --key @vpn.key -o @vpn.csr");
    place.good("equipment certify vpn-operator vpn-1 --dir @ra --request @vpn.csr -o @vpn.pem");
    place.good("equipment authority --dir @gate-ca --name GATES");
    let endorse = "equipment endorse --operator vpn-1 --authority @gate-ca/authority.pem --certificate @vpn.pem --key @vpn.key -o @operator.toml";
    place.good(endorse);
    let verify = format!("equipment verify @operator.toml {TRUST} --second-tier");
    let said = place.good(&format!("{verify} @gate-ca/authority.pem"));
    assert!(said.contains("vpn-1") && said.contains("GATES"), "{said}");
    assert_eq!(place.refused(&format!("{verify} @ra/authority.pem")), ["Q016"]);
    let wrong = endorse.replace("--operator vpn-1", "--operator vpn-2");
    assert_eq!(place.run(&wrong).status.code(), Some(2));
}

#[test]
fn an_authority_is_never_made_twice_nor_given_another_key() {
    let place = Place::chain();
    assert_eq!(place.run("equipment authority --dir @ra --name TEST").status.code(), Some(2));
    let certify = "equipment certify maker x --dir @ra --request @maker.csr -o @x.pem";
    assert_eq!(place.run(&format!("{certify} --key @fresh.key")).status.code(), Some(2));
    std::fs::rename(place.at("ra/authority.key.pem"), place.at("away")).unwrap();
    assert_eq!(place.run(certify).status.code(), Some(2));
    assert!(!place.at("ra/authority.key.pem").exists(), "a lost key is not replaced silently");
    std::fs::write(place.at("maker.csr"), "nonsense").unwrap();
    assert_eq!(place.run(&format!("{certify} --key @away")).status.code(), Some(2));
}

/// The whole chain with every key on a token that never gives it out.
#[test]
fn keys_may_lie_on_a_token() {
    let place = Place(tempfile::tempdir().unwrap());
    let tokens = place.at("tokens");
    std::fs::create_dir_all(&tokens).unwrap();
    std::fs::write(place.at("softhsm.conf"), format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    std::fs::write(place.at("pin"), "1234\n").unwrap();
    let conf = place.at("softhsm.conf");
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "chain", "--so-pin", "5678", "--pin", "1234"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let run = |line: &str, label: &str| {
        // The shell opens the descriptor: a PIN is never an argument.
        let line = line.replace('@', &format!("{}/", place.0.path().display()));
        let key = format!("--module /usr/lib/softhsm/libsofthsm2.so --token chain --key-label {label} --pin-fd 3");
        let script = format!("{} {line} {key} 3<{}", env!("CARGO_BIN_EXE_sekisho"), place.at("pin").display());
        let output = Command::new("sh").args(["-c", &script]).env("SOFTHSM2_CONF", &conf).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run("equipment authority --dir @ra --name TEST", "root");
    run("equipment request aoba -o @maker.csr", "maker");
    run("equipment certify maker aoba --dir @ra --request @maker.csr -o @maker.pem", "root");
    let maker = place.at("maker.pem");
    let public = Command::new("openssl").args(["x509", "-noout", "-pubkey", "-in"]).arg(maker).output().unwrap();
    std::fs::write(place.at("element.pub"), public.stdout).unwrap();
    run(
        "equipment describe --maker aoba --model GE-01 --serial 1 --made 2026-11-01 --element-kind pkcs11 \
         --element-serial e-9 --element-public-key @element.pub --certificate @maker.pem -o @device.toml",
        "maker",
    );
    place.good(&format!("equipment verify @device.toml {TRUST}"));
    assert!(!Path::new(&place.at("ra/authority.key.pem")).exists());
}
