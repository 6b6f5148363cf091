//! A whole center that joins: letters through a real mail server; report files from a terminal with a service
//! certificate, over its public doors with curl, clamd and openssl (R2, R10, R12).
#![allow(clippy::unwrap_used)]

#[path = "joining/api.rs"]
mod api;
#[path = "support/running.rs"]
mod running;

use authority::{Authority, CaKind};
use issuing::{Identity, Kind, Offer, Question};
use joining::{InstitutionId, MailForm};
use model::Timestamp;
use postbox::{Fault, Postbox};
use reception::{Hashing, Joining, Operator, RealWorld};
use registry::Registry;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use scanner::Scanner;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use texts::Lang;

use running::{Running, free};

const PASSWORD: &str = "tsukimi-4-dango";
const DAY: i64 = 86_400_000;

struct Stage {
    dir: tempfile::TempDir,
    authority: Authority,
    postbox: Postbox,
    scanner: Arc<Scanner>,
    doors: Doors,
    center: Option<Running>,
}

#[derive(Clone, Copy)]
struct Doors {
    public: SocketAddr,
    inside: SocketAddr,
    service: SocketAddr,
    certificates: SocketAddr,
    gates: SocketAddr,
}

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

fn url(door: SocketAddr) -> String {
    format!("https://localhost:{}", door.port())
}

impl Stage {
    /// Everything a center needs; it does not run yet.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let mut authority = Authority::new(&path("test-ca"), now()).unwrap();
        fs::create_dir_all(path("trust/hpki")).unwrap();
        for (n, kind) in [CaKind::HpkiRoot, CaKind::HpkiAuthentication].into_iter().enumerate() {
            fs::write(path(&format!("trust/hpki/{n}.der")), authority.ca_der(kind).unwrap()).unwrap();
            fs::write(path(&format!("trust/hpki/{n}.crl")), authority.crl_der(kind).unwrap()).unwrap();
        }
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let issued = authority.issue_center("main", &["localhost"], &[here]).unwrap();
        fs::write(path("cert.pem"), &issued.chain_pem).unwrap();
        for name in ["key.pem", "order.key.pem", "receipts.key"] {
            fs::write(path(name), &issued.key_pem).unwrap();
        }
        fs::write(path("receipts.pem"), &issued.chain_pem).unwrap();
        fs::copy(authority.ca_pem_path(CaKind::Center), path("center-ca.pem")).unwrap();
        fs::copy(authority.crl_path(CaKind::Center), path("center.crl")).unwrap();
        let postbox = Postbox::start(postbox::Options::default()).await.unwrap();
        fs::write(path("mail-ca.pem"), postbox.certificate()).unwrap();
        let scanner = Scanner::shared().unwrap();
        let [public, inside, service, certificates, gates] = [(); 5].map(|()| free());
        let doors = Doors { public, inside, service, certificates, gates };
        let stage = Self { authority, postbox, scanner, doors, center: None, dir };
        fs::write(stage.path("center.toml"), stage.configuration()).unwrap();
        stage
    }

    fn configuration(&self) -> String {
        let Doors { public, inside, service, certificates, gates } = self.doors;
        format!(
            "data = \"data\"\n[trust]\ndir = \"trust\"\n[gates]\nlisten = \"{gates}\"\n\
             [operator]\nsocket = \"center.sock\"\n[certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n\
             [issuing]\nlisten = \"{certificates}\"\nurl = \"{}\"\norganization = \"TEST Operator\"\n\
             center-ca = \"center-ca.pem\"\ncenter-crl = \"center.crl\"\n\
             [joining]\ncontact = \"help@center.example\"\n[joining.public]\nlisten = \"{public}\"\nurl = \"{}\"\n\
             [joining.inside]\nlisten = \"{inside}\"\nurl = \"{}\"\n\
             [joining.mail]\nserver = \"localhost\"\nport = {}\ntls = \"starttls\"\ntrust = \"mail-ca.pem\"\n\
             from = \"noreply@center.example\"\n\
             [joining.service-entrance]\nlisten = \"{service}\"\nurl = \"{}\"\nclamd = \"{}\"\nreserve-mib = 1\n\
             receipt-key = \"receipts.key\"\nreceipt-certificate = \"receipts.pem\"\nmax-mib = 2\n",
            url(certificates),
            url(public),
            url(inside),
            self.postbox.address().port(),
            url(service),
            self.scanner.socket.display(),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn start(&mut self) {
        self.center = Some(Running::begin(self.dir.path()).await);
    }

    async fn stop(mut self) {
        self.center.take().unwrap().end().await;
    }

    async fn operator(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.center.as_ref().unwrap().operator(method, path, body).await
    }

    /// The use cases over the center's registry, while it does not run.
    async fn reception(&self) -> Joining {
        fs::create_dir_all(self.path("data")).unwrap();
        let registry = Registry::open(&format!("sqlite://{}", self.path("data/registry.db").display())).await.unwrap();
        let mut settings =
            reception::Settings::new(&url(self.doors.public), &url(self.doors.inside), "help@center.example");
        settings.hashing = Some(Hashing { memory_kib: 8, passes: 1 });
        Joining::new(registry, settings, Arc::new(RealWorld))
    }

    /// curl's answer at a door: status, head and body.
    async fn curl(&self, args: &[&str]) -> Answer {
        let (ca, head) = (self.path("center-ca.pem"), tempfile::NamedTempFile::new().unwrap());
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "60", "-H", "Accept-Language: en", "--cacert"]);
        command.arg(ca).arg("-D").arg(head.path()).args(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "curl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        let head = fs::read_to_string(head.path()).unwrap();
        // Of several heads (100 Continue) the last counts.
        let last = head.trim_end().rsplit("\r\n\r\n").next().unwrap().to_owned();
        let status = last.split_whitespace().nth(1).unwrap().parse().unwrap();
        Answer { status, head: last, body: output.stdout }
    }
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|l| l.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.trim())
    }
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.head, self.text()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_wait_for_a_dead_mail_server_and_operators_see_why_r2() {
    let mut stage = Stage::new().await;
    stage.postbox.misbehave(Some(Fault::HangsUp(postbox::Stage::Greeting)));
    let joining = stage.reception().await;
    let form = MailForm { mail: "tanto@aoba.example".into(), again: "tanto@aoba.example".into() };
    joining.begin(&form, Lang::Ja).await.unwrap();
    joining.registry().close().await.unwrap();
    drop(joining);
    stage.start().await;
    let mut letters = Value::Null;
    for _ in 0..3_000 {
        letters = stage.operator("GET", "/v1/status", json!({})).await.1["letters"].clone();
        if letters["why"].is_string() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(letters["count"] == 1 && letters["why"].is_string() && letters["since"].is_string(), "{letters}");
    assert!(stage.postbox.letters().is_empty());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_written_before_the_center_started_arrives_and_its_link_opens_the_application_r2() {
    let mut stage = Stage::new().await;
    let joining = stage.reception().await;
    let form = MailForm { mail: "tanto@aoba.example".into(), again: "tanto@aoba.example".into() };
    joining.begin(&form, Lang::Ja).await.unwrap();
    joining.registry().close().await.unwrap();
    drop(joining);
    stage.start().await;
    let letter = stage.postbox.wait_for(|l| l.to == ["tanto@aoba.example"]).await.expect("no letter came");
    assert!(letter.tls && letter.from == "noreply@center.example", "{letter:?}");
    let link = letter.link().unwrap();
    let page = stage.curl(&[&link]).await;
    assert!(page.status == 200 && page.text().contains("name=\"prefecture\""), "{}", page.text());
    assert_eq!(stage.curl(&[&format!("{link}x")]).await.status, 410);
    stage.stop().await;
}

/// A terminal: files with its certificate and key.
struct Terminal {
    certificate: PathBuf,
    key: PathBuf,
}

impl Terminal {
    fn args(&self) -> [&str; 4] {
        ["--cert", self.certificate.to_str().unwrap(), "--key", self.key.to_str().unwrap()]
    }

    /// Fetched with the portal's code over EST, as `sekisho card enroll` does.
    async fn enroll(stage: &Stage, user: &str, code: &str) -> Self {
        let (certificate, key) = (stage.path("user.pem"), stage.path("user.key.pem"));
        let own = enrolment::Key::in_file(&key).unwrap();
        let trust = enrolment::ServerTrust::File(stage.path("center-ca.pem"));
        let mut client = enrolment::Client::reach(&url(stage.doors.certificates), &trust, None, "en").await.unwrap();
        let fetched = client.enroll("service", user, code, &own).await.unwrap();
        fs::write(&certificate, fetched.pem()).unwrap();
        Self { certificate, key }
    }

    /// One of the same authority that ended long ago.
    async fn expired(stage: &Stage, registry: Registry, user: &str) -> Self {
        let past = Timestamp(now() * 1000 - 800 * DAY);
        let settings = issuing::Settings {
            dir: stage.path("authorities"),
            organization: "TEST Operator".into(),
            keys: BTreeMap::new(),
            trust: Some(stage.path("trust")),
            crl_base: None,
        };
        let issuing = issuing::Issuing::open(registry, settings, past).await.unwrap();
        let identity = Identity::user(user).unwrap();
        let until = Timestamp(past.0 + DAY);
        let offer =
            Offer { identity: &identity, organization: "青葉診療所", dns_names: &[], operator: "ito", until };
        let code = issuing.offer(past, &offer).await.unwrap().code;
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let (certificate, key) = (stage.path("expired.pem"), stage.path("expired.key.pem"));
        fs::write(&key, enrolment::pem("PRIVATE KEY", der.as_ref())).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.as_ref(), &SystemRandom::new()).unwrap();
        let spki = issuance::p256_spki(pair.public_key().as_ref()).unwrap();
        let subject = issuance::Subject { organization: String::new(), common_name: user.into() };
        let request = issuance::Request { subject: &subject, spki: &spki, uris: &[], binding: None }.to_be_signed();
        let request = issuance::sealed(&request, pair.sign(&SystemRandom::new(), &request).unwrap().as_ref());
        let issued = issuing.enroll(past, user, code.expose(), &Question::new(&request)).await.unwrap();
        assert_eq!(issued.identity.kind(), Kind::Service);
        let chain: Vec<String> = issued.chain.iter().map(|der| enrolment::pem("CERTIFICATE", der)).collect();
        fs::write(&certificate, chain.concat()).unwrap();
        Self { certificate, key }
    }

    /// Somebody else's.
    fn foreign(stage: &Stage) -> Self {
        let (certificate, key) = (stage.path("foreign.pem"), stage.path("foreign.key.pem"));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=12345678", "-days", "30", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { certificate, key }
    }
}

async fn settled(stage: &Stage, mine: &Terminal, id: &str) -> Value {
    let address = format!("{}/files/{id}", url(stage.doors.service));
    for _ in 0..600 {
        let [a, b, c, d] = mine.args();
        let view = stage.curl(&[a, b, c, d, &address]).await.json();
        if view["state"] != "received" {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{id} is not settled");
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_files_are_taken_from_terminals_with_a_service_certificate_and_others_are_told_why_not_r10_r12() {
    let mut stage = Stage::new().await;
    let joining = stage.reception().await;
    let operator = Operator::new("ito");
    joining.put_institutions(&operator, directory::institutions(5, 1)).await.unwrap();
    let who = members::manager(&joining, "tanto@aoba.example", InstitutionId(1), PASSWORD).await;
    let user = who.user().to_string();
    let applied = joining.apply_for_services(&who, &["cancer-registry".to_owned()]).await.unwrap();
    let code = joining.certificate_code(&who).await.unwrap();
    let token = members::signed_in(&joining, who.user(), PASSWORD).await;
    let expired = Terminal::expired(&stage, joining.registry().clone(), &user).await;
    joining.registry().close().await.unwrap();
    drop((joining, who));
    stage.start().await;
    let door = url(stage.doors.service);

    // Who shows no certificate, or one that is no good, is told what to do, and nothing that is sent is read.
    let nobody = stage.curl(&[&door]).await;
    assert!(nobody.status == 403 && nobody.text().contains("S001"), "{}", nobody.text());
    assert!(nobody.text().contains("fetch a certificate with the issuing tool"), "{}", nobody.text());
    let tus = ["-H", "Tus-Resumable: 1.0.0"];
    let files = format!("{door}/files");
    let begin = [&tus[..], &["-X", "POST", "-H", "Upload-Length: 10", &files]].concat();
    let problem = stage.curl(&begin).await;
    assert!(problem.status == 403 && problem.json()["code"] == "S001", "{}", problem.text());
    let foreign = Terminal::foreign(&stage);
    for (terminal, code, remedy) in [
        (&expired, "S004", "fetch a new certificate with the issuing tool"),
        (&foreign, "S002", "choose the service certificate"),
    ] {
        let page = stage.curl(&[&terminal.args()[..], &[&door]].concat()).await;
        assert!(page.status == 403 && page.text().contains(code) && page.text().contains(remedy), "{}", page.text());
    }
    let issued = stage.authority.issue_center("other", &["localhost"], &[]).unwrap();
    let other = Terminal { certificate: stage.path("other.pem"), key: stage.path("other.key.pem") };
    fs::write(&other.certificate, &issued.chain_pem).unwrap();
    fs::write(&other.key, &issued.key_pem).unwrap();
    let page = stage.curl(&[&other.args()[..], &[&door]].concat()).await;
    assert!(page.status == 403 && page.text().contains("S003"), "{}", page.text());

    // A good one, for a service that was not approved yet.
    let mine = Terminal::enroll(&stage, &user, code.code.reveal()).await;
    let me = mine.args();
    let page = stage.curl(&[&me[..], &[&door]].concat()).await;
    assert!(page.status == 403 && page.text().contains("J020"), "{}", page.text());
    let stage = approve(stage, applied[0].number, applied[0].version).await;
    let page = stage.curl(&[&me[..], &[&door]].concat()).await;
    assert!(page.status == 200 && page.text().contains("enctype=\"multipart/form-data\""), "{}", page.text());

    // tus: cut in the middle, gone on with, scanned, accepted, and the receipt is checked by openssl.
    let content: Vec<u8> = (0..600_000u32).flat_map(|n| n.to_le_bytes()).take(1_200_000).collect();
    let (first, rest) = content.split_at(500_000);
    fs::write(stage.path("first"), first).unwrap();
    fs::write(stage.path("rest"), rest).unwrap();
    let length = format!("Upload-Length: {}", content.len());
    let metadata = format!("Upload-Metadata: filename {},key {}", base64("2026年11月.zip"), base64("k-1"));
    let begin = [&me[..], &tus, &["-X", "POST", "-H", &length, "-H", &metadata, &files]].concat();
    let begun = stage.curl(&begin).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    let place = begun.header("location").unwrap().to_owned();
    assert_eq!(stage.curl(&begin).await.header("location"), Some(place.as_str()), "the same key begins one");
    let id = place.rsplit('/').next().unwrap().to_owned();
    let upload = format!("{door}{place}");
    cut_in_the_middle(&stage, &mine, &upload, &id, first.len(), content.len()).await;
    let head = stage.curl(&[&me[..], &tus, &["--head", &upload]].concat()).await;
    assert_eq!(head.header("upload-offset"), Some("500000"), "{}", head.head);
    let body = format!("@{}", stage.path("rest").display());
    let kind = "Content-Type: application/offset+octet-stream";
    let part = ["-X", "PATCH", "-H", kind, "-H", "Upload-Offset: 500000", "--data-binary", &body, &upload];
    let sent = stage.curl(&[&me[..], &tus, &part].concat()).await;
    assert_eq!((sent.status, sent.header("upload-offset")), (204, Some("1200000")), "{}", sent.text());
    assert_eq!(settled(&stage, &mine, &id).await["state"], "accepted");
    let proof = tempfile::tempdir().unwrap();
    for file in ["receipt.txt", "receipt.sig", "certificate.pem"] {
        let got = stage.curl(&[&me[..], &[&format!("{door}/submissions/{id}/{file}")]].concat()).await;
        assert_eq!(got.status, 200, "{}", got.text());
        fs::write(proof.path().join(file), got.body).unwrap();
    }
    assert!(openssl_agrees(proof.path()));
    let receipt = fs::read_to_string(proof.path().join("receipt.txt")).unwrap();
    let sum = hex::encode(ring::digest::digest(&ring::digest::SHA256, &content));
    assert!(receipt.contains(&format!("sha256: {sum}")) && receipt.contains("file: 2026年11月.zip"), "{receipt}");
    fs::write(proof.path().join("receipt.txt"), receipt.replace("accepted", "Accepted")).unwrap();
    assert!(!openssl_agrees(proof.path()), "another text");

    // The form, without a script: an infected file is refused with its reason; one too large before it is taken.
    let form = async |name: &str, content: &[u8]| {
        let page = stage.curl(&[&me[..], &[&door]].concat()).await.text();
        let key = page.split_once("name=\"key\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
        let file = stage.path("form");
        fs::write(&file, content).unwrap();
        let (key, file) = (format!("key={key}"), format!("file=@{};filename=\"{name}\"", file.display()));
        let origin = format!("Origin: {door}");
        stage.curl(&[&me[..], &["-H", &origin, "-F", &key, "-F", &file, &format!("{door}/submit")]].concat()).await
    };
    let answer = form("eicar.com", &scanner::eicar()).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let place = answer.header("location").unwrap().to_owned();
    assert_eq!(settled(&stage, &mine, place.rsplit('/').next().unwrap()).await["state"], "refused");
    let page = stage.curl(&[&me[..], &[&format!("{door}{place}")]].concat()).await.text();
    assert!(page.contains("U022") && page.contains("Sekisho.Test.Eicar"), "{page}");
    let answer = form("届出.csv", b"a,b\n").await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let second = answer.header("location").unwrap().rsplit('/').next().unwrap().to_owned();
    let view = settled(&stage, &mine, &second).await;
    assert!(view["state"] == "accepted" && view["name"] == "届出.csv", "{view}");
    let answer = form("long.zip", &vec![7; (2 << 20) + 1]).await;
    assert!(answer.status == 413 && answer.text().contains("2097152"), "{} {}", answer.status, answer.text());
    let strange = stage.curl(&[&me[..], &["-F", "key=a", &format!("{door}/submit")]].concat()).await;
    assert_eq!(strange.status, 403, "a form from elsewhere");

    // Inside, whoever has signed in sees the list and fetches receipts; without a session nobody does.
    let inside = url(stage.doors.inside);
    let cookie = format!("Cookie: __Host-joining={}", token.reveal());
    let list = stage.curl(&["-H", &cookie, &format!("{inside}/submissions")]).await;
    assert!(list.status == 200 && list.text().contains("届出.csv") && list.text().contains(&door), "{}", list.text());
    let fetched = stage.curl(&["-H", &cookie, &format!("{inside}/submissions/{id}/receipt.txt")]).await;
    assert_eq!((fetched.status, fetched.text()), (200, receipt));
    assert_eq!(stage.curl(&[&format!("{inside}/submissions/{id}/receipt.txt")]).await.status, 303);

    // Revoked: out at the next request, and told so.
    let (_, list) =
        stage.operator("GET", &format!("/v1/certificates?identity=urn:sekisho:user:{user}"), json!({})).await;
    for certificate in list["certificates"].as_array().unwrap() {
        let call = json!({ "kind": "service", "serial": certificate["serial"], "reason": "keyCompromise" });
        assert_eq!(stage.operator("POST", "/v1/certificates/revoke", call).await.0, 200);
    }
    let mut page = stage.curl(&[&me[..], &[&door]].concat()).await;
    for _ in 0..300 {
        if page.status != 200 {
            break;
        }
        // The center looks at its lists every second.
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = stage.curl(&[&me[..], &[&door]].concat()).await;
    }
    assert!(page.status == 403 && page.text().contains("S006"), "{}", page.text());
    assert!(page.text().contains("ask the reporting manager"), "{}", page.text());
    let patch = ["-X", "PATCH", "-H", kind, "-H", "Upload-Offset: 0", "--data-binary", "x", &upload];
    assert_eq!(stage.curl(&[&me[..], &tus, &patch].concat()).await.json()["code"], "S006");
    stage.stop().await;
}

/// An operator approves the service while the center is down.
async fn approve(mut stage: Stage, number: i64, version: i64) -> Stage {
    stage.center.take().unwrap().end().await;
    let joining = stage.reception().await;
    joining.approve_service(&Operator::new("ito"), number, version).await.unwrap();
    joining.registry().close().await.unwrap();
    drop(joining);
    stage.start().await;
    stage
}

/// curl announces all and has the first half only; when that is on the center's disk, it is killed.
async fn cut_in_the_middle(stage: &Stage, mine: &Terminal, upload: &str, id: &str, half: usize, whole: usize) {
    let mut curl = Command::new("curl")
        .args(["--silent", "--cacert"])
        .arg(stage.path("center-ca.pem"))
        .args(mine.args())
        .args(["-X", "PATCH", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Offset: 0", "-H", "Expect:"])
        .args(["-H", "Content-Type: application/offset+octet-stream", "-H", &format!("Content-Length: {whole}")])
        .args(["--data-binary", &format!("@{}", stage.path("first").display()), upload])
        .spawn()
        .unwrap();
    let kept = stage.path("data/submissions/incoming").join(id);
    let mut have = 0;
    for _ in 0..3_000 {
        have = fs::metadata(&kept).map_or(0, |m| m.len());
        if have == half as u64 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    curl.kill().unwrap();
    curl.wait().unwrap();
    assert_eq!(have, half as u64);
}

fn openssl_agrees(folder: &Path) -> bool {
    let script = "openssl x509 -in certificate.pem -pubkey -noout > key.pem \
        && openssl dgst -sha256 -verify key.pem -signature receipt.sig receipt.txt";
    Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap().status.success()
}
