//! `sekisho card enroll` and `renew` as a person runs them, with the key in a file and on a real token (R10).
#![allow(clippy::unwrap_used)]

use authority::{Authority, CaKind};
use issuing::{Identity, Issuing, Offer, Settings};
use model::Timestamp;
use registry::Registry;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

struct World {
    dir: tempfile::TempDir,
    issuing: Issuing,
    url: String,
    _served: tokio::task::JoinHandle<()>,
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut authority = Authority::new(&dir.path().join("test-ca"), now().unix_seconds()).unwrap();
        let center = authority.issue_center("main", &["localhost"], &[]).unwrap();
        std::fs::copy(authority.ca_pem_path(CaKind::Center), dir.path().join("center-ca.pem")).unwrap();
        let registry = Registry::open(&format!("sqlite://{}/r.db", dir.path().display())).await.unwrap();
        let settings = Settings {
            dir: dir.path().join("authorities"),
            organization: "TEST Operator".into(),
            keys: BTreeMap::new(),
            trust: None,
            crl_base: None,
        };
        let issuing = Issuing::open(registry, settings, now()).await.unwrap();
        let chain = CertificateDer::pem_slice_iter(center.chain_pem.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(center.key_pem.as_bytes()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let tls = Arc::new(entrance::tls(chain, key).unwrap());
        let served =
            tokio::spawn(entrance::serve(listener, tls, est::routes(issuing.clone(), Arc::new(now), None), 16));
        Self { dir, issuing, url, _served: served }
    }

    async fn code(&self) -> String {
        let identity = Identity::user("12345678").unwrap();
        let until = Timestamp(now().0 + 3_600_000);
        let offer =
            Offer { identity: &identity, organization: "青葉診療所", dns_names: &[], operator: "ito", until };
        self.issuing.offer(now(), &offer).await.unwrap().code.expose().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs `sekisho` by a shell, so that secrets come by descriptors 3 and 4: exit code and all it said.
    fn sekisho(&self, arguments: &str) -> (i32, String) {
        let line = format!("exec \"$0\" --lang en --config none.toml {arguments} 3<code 4<pin");
        let output = Command::new("/bin/sh")
            .args(["-c", &line, env!("CARGO_BIN_EXE_sekisho")])
            .current_dir(self.dir.path())
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }

    fn certificate(&self, folder: &str) -> pki::Certificate {
        let der = CertificateDer::from_pem_file(self.path(folder).join("sekisho-service.pem")).unwrap();
        pki::Certificate::parse(&der).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_fetches_and_renews_a_certificate_with_the_key_in_a_file() {
    let world = World::new().await;
    std::fs::write(world.path("pin"), "").unwrap();
    let server = format!("--server {} --ca center-ca.pem --into mine", world.url);
    std::fs::write(world.path("code"), "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE\n").unwrap();
    let (exit, said) = world.sekisho(&format!("card enroll {server} --user 12345678 --code-fd 3"));
    assert!(exit == 1 && said.contains("E004") && said.contains("fetch a new code"), "{exit}: {said}");
    std::fs::write(world.path("code"), world.code().await).unwrap();
    let (exit, said) = world.sekisho(&format!("card enroll {server} --user 12345678 --code-fd 3"));
    assert!(exit == 0 && said.contains("urn:sekisho:user:12345678"), "{exit}: {said}");
    assert_eq!(std::fs::metadata(world.path("mine/sekisho-service.key.pem")).unwrap().mode() & 0o777, 0o600);
    let first = world.certificate("mine");
    // As after a lost answer: the same key gets the same certificate.
    assert_eq!(world.sekisho(&format!("card enroll {server} --user 12345678 --code-fd 3")).0, 0);
    assert_eq!(world.certificate("mine").der(), first.der());
    let (exit, said) = world.sekisho(&format!("card renew {server}"));
    assert_eq!(exit, 0, "{said}");
    assert_ne!(world.certificate("mine").serial_hex(), first.serial_hex());

    // A server that another CA vouches for is not the center.
    std::fs::copy(world.path("authorities/service-ca.pem"), world.path("other-ca.pem")).unwrap();
    let (exit, said) = world.sekisho(&format!("card renew --server {} --ca other-ca.pem --into mine", world.url));
    assert!(exit == 3 && said.contains("certificate"), "{exit}: {said}");
    let (exit, _) = world.sekisho("card renew --server http://localhost --ca center-ca.pem --into mine");
    assert_eq!(exit, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_is_made_on_a_token_and_stays_there() {
    let world = World::new().await;
    let tokens = world.path("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let conf = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(world.path("softhsm2.conf"), conf).unwrap();
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "terminal", "--so-pin", "12345678", "--pin", "1234"])
        .env("SOFTHSM2_CONF", world.path("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(world.path("none.toml"), format!("[card]\ndriver = \"{MODULE}\"\n")).unwrap();
    std::fs::write(world.path("pin"), "1234\n").unwrap();
    std::fs::write(world.path("code"), world.code().await).unwrap();
    let place = format!("--server {} --ca center-ca.pem --into mine --token terminal --pin-fd 4", world.url);
    let (exit, said) = world.sekisho(&format!("card enroll {place} --user 12345678 --code-fd 3"));
    assert!(exit == 0 && said.contains("terminal"), "{exit}: {said}");
    assert!(!world.path("mine/sekisho-service.key.pem").exists());
    let first = world.certificate("mine");
    let (exit, said) = world.sekisho("card");
    assert!(exit == 0 && said.contains("terminal"), "{exit}: {said}");
    let (exit, said) = world.sekisho(&format!("card renew {place}"));
    assert_eq!(exit, 0, "{said}");
    let second = world.certificate("mine");
    assert!(second.serial_hex() != first.serial_hex() && second.spki_der() == first.spki_der());
    std::fs::write(world.path("pin"), "9999\n").unwrap();
    assert_eq!(world.sekisho(&format!("card renew {place}")).0, 2);
}
