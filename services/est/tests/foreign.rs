//! `curl` and `openssl` as foreign clients over real TLS (RFC 7030, RFC 8951).
#![allow(clippy::unwrap_used)]

use authority::Authority;
use issuing::{Identity, Issuing, Kind, Offer, Reason, Settings};
use model::Timestamp;
use registry::Registry;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

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

/// Hands out one code, once a user.
struct Portal;

const PORTAL_CODE: &str = "PPPPP-00000-RRRRR-TTTTT";

impl est::Introducer for Portal {
    fn introduce<'a>(&'a self, user: &'a str, code: &'a str) -> est::Introduction<'a> {
        let good = user == "87654321" && code == PORTAL_CODE;
        let until = Timestamp(now().0 + 3_600_000);
        Box::pin(async move { good.then(|| est::Introduced { organization: "欅病院".into(), until }) })
    }
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut authority = Authority::new(&dir.path().join("test-ca"), now().unix_seconds()).unwrap();
        let center = authority.issue_center("main", &["localhost"], &[IpAddr::V4(Ipv4Addr::LOCALHOST)]).unwrap();
        std::fs::copy(authority.ca_pem_path(authority::CaKind::Center), dir.path().join("center-ca.pem")).unwrap();
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
        let tls = Arc::new(entrance::tls(chain, key).unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let routes = est::routes(issuing.clone(), Arc::new(now), Some(Arc::new(Portal)));
        let served = tokio::spawn(entrance::serve(listener, tls, routes, 16));
        Self { dir, issuing, url, _served: served }
    }

    async fn code(&self, identity: &Identity) -> String {
        let until = Timestamp(now().0 + 3_600_000);
        let offer = Offer { identity, organization: "青葉診療所", dns_names: &[], operator: "ito", until };
        self.issuing.offer(now(), &offer).await.unwrap().code.expose().to_owned()
    }

    fn openssl(&self, arguments: &[&str]) -> String {
        let (ok, text) = run("openssl", arguments, self.dir.path());
        assert!(ok, "openssl {arguments:?}: {text}");
        text
    }

    /// A key and a request for it, as any program makes them: `<name>.key`, `<name>.csr` in Base64 without headers.
    fn request(&self, name: &str) {
        self.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &format!("{name}.key")]);
        self.openssl(&[
            "req",
            "-new",
            "-key",
            &format!("{name}.key"),
            "-subj",
            "/CN=x",
            "-out",
            &format!("{name}.pem"),
        ]);
        let pem = std::fs::read_to_string(self.dir.path().join(format!("{name}.pem"))).unwrap();
        let bare: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        std::fs::write(self.dir.path().join(format!("{name}.csr")), bare.join("\n")).unwrap();
    }

    /// Status, headers and body.
    fn curl(&self, path: &str, more: &[&str]) -> (u16, String, String) {
        let url = format!("{}{path}", self.url);
        let mut arguments = vec!["--silent", "--show-error", "--cacert", "center-ca.pem", "--max-time", "30"];
        arguments.extend(["--dump-header", "headers", "--output", "body", "--write-out", "%{http_code}"]);
        arguments.extend(more);
        arguments.push(&url);
        let (ok, text) = run("curl", &arguments, self.dir.path());
        assert!(ok, "curl {arguments:?}: {text}");
        let read = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(self.dir.path().join(name)).unwrap_or_default()).into_owned()
        };
        (text.trim().parse().unwrap(), read("headers").to_lowercase(), read("body"))
    }

    fn enroll(&self, path: &str, name: &str, more: &[&str]) -> (u16, String, String) {
        let data = format!("@{name}.csr");
        let mut arguments = vec!["--header", "Content-Type: application/pkcs10", "--data-binary", &data];
        arguments.extend(more);
        self.curl(path, &arguments)
    }

    /// The certificate in a body, by `openssl pkcs7`, as a file.
    fn certificate(&self, body: &str, name: &str) -> String {
        let bare: String = body.split_whitespace().collect();
        let lines: Vec<&str> = (0..bare.len()).step_by(64).map(|at| &bare[at..bare.len().min(at + 64)]).collect();
        let pem = format!("-----BEGIN PKCS7-----\n{}\n-----END PKCS7-----\n", lines.join("\n"));
        std::fs::write(self.dir.path().join("answer.p7"), pem).unwrap();
        self.openssl(&["pkcs7", "-in", "answer.p7", "-print_certs", "-out", name]);
        self.openssl(&["x509", "-in", name, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus"])
    }
}

fn run(program: &str, arguments: &[&str], dir: &Path) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap_or_else(|e| panic!("{program} is missing (packages curl, openssl): {e}"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// `curl` and `openssl` block; the server has threads of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_client_fetches_renews_and_loses_a_certificate_r10() {
    let world = World::new().await;
    let (status, headers, body) = world.curl("/.well-known/est/cacerts", &[]);
    assert!(status == 200 && headers.contains("application/pkcs7-mime"), "{status} {headers}");
    assert!(world.certificate(&body, "ca.pem").contains("CA:TRUE"));
    let (status, headers, _) = world.curl("/.well-known/est/csrattrs", &[]);
    assert!(status == 200 && headers.contains("application/csrattrs"), "{headers}");

    let user = Identity::user("12345678").unwrap();
    let (code, login) = (world.code(&user).await, |code: &str| format!("12345678:{code}"));
    world.request("one");
    let enroll = "/.well-known/est/simpleenroll";
    let (status, headers, _) = world.enroll(enroll, "one", &[]);
    assert!(status == 401 && headers.contains("www-authenticate: basic"), "{headers}");
    let wrong = login("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE");
    let (status, headers, body) = world.enroll(enroll, "one", &["--user", &wrong, "--header", "Accept-Language: en"]);
    assert!(status == 401 && headers.contains("sekisho-reason: e004") && body.contains("do not belong"), "{body}");
    let (status, _, body) = world.enroll(enroll, "one", &["--user", &wrong]);
    assert!(status == 401 && body.contains("発行コード"), "{body}");

    let (status, headers, body) = world.enroll(enroll, "one", &["--user", &login(&code)]);
    assert!(status == 200 && headers.contains("smime-type=certs-only"), "{status} {headers} {body}");
    let text = world.certificate(&body, "one.crt");
    assert!(
        text.contains("Subject: C=JP,O=青葉診療所,CN=12345678") && text.contains("urn:sekisho:user:12345678"),
        "{text}"
    );
    world.openssl(&["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca.pem", "one.crt"]);

    // The same again to the same key; nothing to another.
    world.request("two");
    let (status, _, again) = world.enroll(enroll, "one", &["--user", &login(&code)]);
    assert!(status == 200 && again == body);
    let (status, headers, _) = world.enroll(enroll, "two", &["--user", &login(&code)]);
    assert!(status == 403 && headers.contains("sekisho-reason: e005"), "{headers}");

    // A code of the portal: taken over once, then as good as one of ours.
    let portal = format!("87654321:{PORTAL_CODE}");
    let (status, _, _) = world.enroll(enroll, "two", &["--user", &format!("11111111:{PORTAL_CODE}")]);
    assert_eq!(status, 401);
    let (status, _, body) = world.enroll(enroll, "two", &["--user", &portal]);
    assert_eq!(status, 200, "{body}");
    assert!(world.certificate(&body, "portal.crt").contains("Subject: C=JP,O=欅病院,CN=87654321"));
    let (status, _, again) = world.enroll(enroll, "two", &["--user", &portal]);
    assert!(status == 200 && again == body);
    let (status, headers, _) = world.enroll(enroll, "one", &["--user", &portal]);
    assert!(status == 403 && headers.contains("sekisho-reason: e005"), "{headers}");

    // Renewal by the present certificate, over TLS 1.2 too; without one, 401.
    let renew = "/.well-known/est/service/simplereenroll";
    let shown = ["--cert", "one.crt", "--key", "one.key"];
    let (status, headers, _) = world.enroll(renew, "two", &[]);
    assert!(status == 401 && headers.contains("sekisho-reason: e009"), "{headers}");
    let (status, _, body) = world.enroll(renew, "two", &[&shown[..], &["--tls-max", "1.2"]].concat());
    assert_eq!(status, 200, "{body}");
    world.certificate(&body, "two.crt");
    world.openssl(&["verify", "-CAfile", "ca.pem", "two.crt"]);

    // Revoked: no renewal, and the list says so to OpenSSL.
    for row in world.issuing.certificates(&user).await.unwrap() {
        world.issuing.revoke(now(), Kind::Service, &row.serial, Reason::Superseded, "ito").await.unwrap();
    }
    let (status, headers, _) = world.enroll(renew, "two", &shown);
    assert!(status == 403 && headers.contains("sekisho-reason: e012"), "{headers}");
    let (status, headers, _) = world.curl("/crl/service.crl", &[]);
    assert!(status == 200 && headers.contains("application/pkix-crl"), "{headers}");
    world.openssl(&["crl", "-inform", "DER", "-in", "body", "-out", "list.pem"]);
    let verify = ["verify", "-crl_check", "-CRLfile", "list.pem", "-CAfile", "ca.pem", "two.crt"];
    let (ok, text) = run("openssl", &verify, world.dir.path());
    assert!(!ok && text.contains("certificate revoked"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_refused_and_each_kind_has_its_authority() {
    let world = World::new().await;
    let gate = Identity::gate("clinic").unwrap();
    let code = world.code(&gate).await;
    let login = format!("clinic:{code}");
    let path = "/.well-known/est/gate/simpleenroll";
    let write = |name: &str, bytes: &[u8]| std::fs::write(world.dir.path().join(name), bytes).unwrap();
    write("nonsense.csr", b"%%%");
    write("other.csr", b"AAAA");
    write("long.csr", &[b'A'; 64 * 1024]);
    for (name, wanted) in [("nonsense", 400), ("other", 400), ("long", 413)] {
        let (status, _, body) = world.enroll(path, name, &["--user", &login]);
        assert_eq!(status, wanted, "{name}: {body}");
    }
    let more = ["--header", "Content-Type: text/plain", "--data-binary", "x", "--user", &login];
    assert_eq!(world.curl(path, &more).0, 415);
    assert_eq!(world.curl("/.well-known/est/nobody/cacerts", &[]).0, 404);
    assert_eq!(world.curl("/crl/nobody.crl", &[]).0, 404);
    assert_eq!(world.curl("/.well-known/est/serverkeygen", &["--data", ""]).0, 501);
    assert_eq!(world.curl("/.well-known/est/gate/fullcmc", &["--data", ""]).0, 501);

    // RSA is not our profile.
    world.openssl(&[
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "rsa.key", "-subj", "/CN=x", "-outform", "DER",
        "-out", "rsa.der",
    ]);
    world.openssl(&["base64", "-in", "rsa.der", "-out", "rsa.csr"]);
    let (status, headers, _) = world.enroll(path, "rsa", &["--user", &login]);
    assert!(status == 400 && headers.contains("sekisho-reason: e003"), "{headers}");

    // A challengePassword that belongs to no session of ours.
    world.request("one");
    write(
        "bound.cnf",
        b"[req]\ndistinguished_name=d\nattributes=a\nprompt=no\n[d]\nCN=x\n[a]\nchallengePassword=elsewhere\n",
    );
    world.openssl(&["req", "-new", "-key", "one.key", "-config", "bound.cnf", "-outform", "DER", "-out", "bound.der"]);
    world.openssl(&["base64", "-in", "bound.der", "-out", "bound.csr"]);
    let (status, headers, _) = world.enroll(path, "bound", &["--user", &login]);
    assert!(status == 400 && headers.contains("sekisho-reason: e008"), "{headers}");

    let (status, _, body) = world.enroll(path, "one", &["--user", &login]);
    assert_eq!(status, 200, "{body}");
    let text = world.certificate(&body, "gate.crt");
    assert!(text.contains("urn:sekisho:gate:clinic") && text.contains("TLS Web Server Authentication"), "{text}");
    let (_, _, body) = world.curl("/.well-known/est/gate/cacerts", &[]);
    world.certificate(&body, "gate-ca.pem");
    world.openssl(&["verify", "-CAfile", "gate-ca.pem", "gate.crt"]);
    let (_, _, body) = world.curl("/.well-known/est/cacerts", &[]);
    world.certificate(&body, "service-ca.pem");
    assert!(!run("openssl", &["verify", "-CAfile", "service-ca.pem", "gate.crt"], world.dir.path()).0);
}
