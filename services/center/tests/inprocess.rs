//! A whole center over its public doors: TLS 1.3, gRPC, a terminal's session inside it, the operator's socket.
#![allow(clippy::unwrap_used)]

use authority::{Authority, CaKind, Issued, RevocationReason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use link::{ChunkStream, LinkClient};
use model::{Agreement, AgreementSignature, ConnectionRequest, Side, Timestamp};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{StreamExt, once};
use tonic::transport::{Channel, Endpoint};
use wire::link::{
    Count, GateMessage, Gone, Hello, Observed, OrderAccepted, Prepared, TerminalChunk, TerminalOpening, Within,
    center_message, gate_message::Message, terminal_chunk::Part,
};
use wire::{Order, OrderBody};

const DOCUMENTS: [&str; 3] = [
    include_str!("../../../core/model/tests/documents/clinic.toml"),
    include_str!("../../../core/model/tests/documents/hospital.toml"),
    include_str!("../../../core/model/tests/documents/provider.toml"),
];
const TRUSTED: [(&str, CaKind); 5] = [
    ("hpki", CaKind::HpkiRoot),
    ("hpki", CaKind::HpkiAuthentication),
    ("gate", CaKind::Gate),
    ("device", CaKind::Device),
    ("institution", CaKind::Institution),
];

struct Stage {
    dir: tempfile::TempDir,
    authority: Authority,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    center: Option<tokio::task::JoinHandle<Result<(), center::RunError>>>,
    now: i64,
}

impl Stage {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        let mut authority = Authority::new(&dir.path().join("authority"), now).unwrap();
        for (folder, kind) in TRUSTED {
            publish(dir.path(), &authority, folder, kind);
        }
        let issued = authority.issue_center("center", &["center.sekisho.test"], &[]).unwrap();
        fs::write(dir.path().join("cert.pem"), &issued.chain_pem).unwrap();
        fs::write(dir.path().join("key.pem"), &issued.key_pem).unwrap();
        fs::write(dir.path().join("order.key.pem"), &issued.key_pem).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let text = format!(
            "data = \"data\"\n[trust]\ndir = \"trust\"\n[gates]\nlisten = \"{address}\"\n\
             [operator]\nsocket = \"center.sock\"\n[certificates]\nchain = \"cert.pem\"\nkey = \"key.pem\"\n"
        );
        fs::write(dir.path().join("center.toml"), text).unwrap();
        let mut stage = Self { dir, authority, address, stop: None, center: None, now };
        stage.start().await;
        stage
    }

    async fn start(&mut self) {
        let config = center::Config::load(&self.dir.path().join("center.toml")).unwrap();
        center::check(&config).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        self.center = Some(tokio::spawn(center::run(config, async {
            let _ = stopped.await;
        })));
        self.stop = Some(stop);
        let socket = self.dir.path().join("center.sock");
        for _ in 0..500 {
            if UnixStream::connect(&socket).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the center does not come up: {:?}", self.center.take().unwrap().await);
    }

    async fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.center.take().unwrap().await.unwrap().unwrap();
    }

    async fn operator(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let stream = UnixStream::connect(self.dir.path().join("center.sock")).await.unwrap();
        call(&mut http(stream).await, method, path, body, "en").await
    }

    async fn apply(&mut self) {
        let agreement = self.agreement();
        let texts = DOCUMENTS.iter().map(|t| (*t).to_owned()).chain([agreement]);
        let documents: Vec<Value> =
            texts.enumerate().map(|(n, text)| json!({"name": format!("{n}.toml"), "text": text})).collect();
        let (status, report) = self.operator("POST", "/v1/apply", json!({"documents": documents})).await;
        assert_eq!(status, 200, "{report}");
        assert_eq!(report["sites"].as_array().unwrap().len(), 3);
    }

    fn agreement(&mut self) -> String {
        let mut agreement = Agreement {
            id: "A-0012".parse().unwrap(),
            consumer: "aoba".parse().unwrap(),
            provider: "keyaki".parse().unwrap(),
            service: "keyaki/records".parse().unwrap(),
            valid_from: Timestamp::from_unix_seconds(self.now - 86_400),
            valid_until: Timestamp::from_unix_seconds(self.now + 86_400),
            signatures: BTreeMap::new(),
        };
        for side in [Side::Consumer, Side::Provider] {
            let signer = self.authority.issue_institution(agreement.party(side).as_str()).unwrap();
            let value = BASE64.encode(signer.sign(&agreement.signed_bytes()).unwrap());
            agreement.signatures.insert(side, AgreementSignature { certificate: signer.chain_pem, value });
        }
        let mut text = format!(
            "[[agreement]]\nid = \"A-0012\"\nconsumer = \"aoba\"\nprovider = \"keyaki\"\nservice = \"keyaki/records\"\n\
             valid_from = \"{}\"\nvalid_until = \"{}\"\n",
            agreement.valid_from, agreement.valid_until
        );
        for (side, s) in &agreement.signatures {
            let (certificate, value) = (&s.certificate, &s.value);
            text += &format!(
                "[agreement.signature.{side}]\ncertificate = \"\"\"\n{certificate}\"\"\"\nvalue = \"{value}\"\n"
            );
        }
        text
    }

    fn tls(&self, who: &Issued, alpn: &[u8]) -> TlsConnector {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.ca_der(CaKind::Center).unwrap())).unwrap();
        let chain = who.chain_der.iter().map(|c| CertificateDer::from(c.clone())).collect();
        let key = PrivateKeyDer::from_pem_slice(who.key_pem.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        TlsConnector::from(Arc::new(config))
    }

    async fn dial(&self, who: &Issued) -> Result<Channel, tonic::transport::Error> {
        let (tls, address) = (self.tls(who, link::ALPN), self.address);
        let connector = tower::service_fn(move |_| {
            let tls = tls.clone();
            async move {
                let stream = TcpStream::connect(address).await?;
                let name = ServerName::try_from("center.sekisho.test").unwrap();
                Ok::<_, std::io::Error>(TokioIo::new(tls.connect(name, stream).await?))
            }
        });
        Endpoint::from_static("http://center").connect_with_connector(connector).await
    }

    /// A gate that does what it is told. Ends when its link does.
    async fn gate(&mut self, site: &str) -> (Channel, Issued, tokio::task::JoinHandle<()>) {
        let issued = self.authority.issue_gate(site).unwrap();
        let channel = self.dial(&issued).await.unwrap();
        let mut client = LinkClient::new(channel.clone());
        let (say, said) = tokio::sync::mpsc::channel(64);
        let hello = Hello { version: 1, site: site.into(), software: "test".into(), ..Hello::default() };
        say.send(GateMessage { message: Some(Message::Hello(hello)) }).await.unwrap();
        let mut heard = client.control(ReceiverStream::new(said)).await.unwrap().into_inner();
        let first = heard.message().await.unwrap().unwrap();
        assert!(matches!(first.message, Some(center_message::Message::Welcome(_))));
        let playing = tokio::spawn(async move {
            while let Ok(Some(message)) = heard.message().await {
                let Some(center_message::Message::Order(signed)) = message.message else { continue };
                for message in carried_out(Order::decode(&signed.payload).unwrap()) {
                    let _ = say.send(GateMessage { message: Some(message) }).await;
                }
            }
        });
        (channel, issued, playing)
    }

    async fn linked(&self, count: usize) {
        for _ in 0..500 {
            let (_, status) = self.operator("GET", "/v1/status", Value::Null).await;
            let linked = status["sites"].as_array().unwrap().iter().filter(|s| s["linked"] == true).count();
            if linked == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not {count} gates are linked");
    }
}

fn link_passed(at: i64) -> Within {
    Within { from: at, to: at }
}

fn carried_out(order: Order) -> Vec<Message> {
    let at = order.issued_at.0;
    match order.body {
        OrderBody::Snapshot(state) => vec![Message::Accepted(OrderAccepted { generation: state.generation.0 })],
        OrderBody::Delta(delta) => {
            let mut say = Vec::new();
            for grant in &delta.grants_added {
                let grant = grant.id.0;
                say.push(Message::Prepared(Prepared { grant }));
                say.push(Message::Observed(Observed { grant, flows: 3, flows_wanted: 3, sa: true, at }));
            }
            for grant in &delta.grants_removed {
                let count = Some(Count { packets: 5, bytes: 500 });
                let first = Some(link_passed(at));
                let (grant, last) = (grant.0, first);
                say.push(Message::Gone(Gone { grant, forth: count, back: count, complete: true, at, first, last }));
            }
            say.push(Message::Accepted(OrderAccepted { generation: delta.generation.0 }));
            say
        }
    }
}

fn publish(dir: &Path, authority: &Authority, folder: &str, kind: CaKind) {
    let folder = dir.join("trust").join(folder);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(authority.ca_pem_path(kind), folder.join(format!("{}.pem", kind.name()))).unwrap();
    let beside = folder.join(format!("{}.new", kind.name()));
    fs::write(&beside, authority.crl_der(kind).unwrap()).unwrap();
    fs::rename(beside, folder.join(format!("{}.crl", kind.name()))).unwrap();
}

async fn http(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> SendRequest<Full<Bytes>> {
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn call(
    sender: &mut SendRequest<Full<Bytes>>,
    method: &str,
    path: &str,
    body: Value,
    language: &str,
) -> (u16, Value) {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "center")
        .header("content-type", "application/json")
        .header("accept-language", language)
        .body(Full::new(body))
        .unwrap();
    sender.ready().await.unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()))
}

/// A terminal's TLS session with the center, through its gate.
struct Terminal {
    http: SendRequest<Full<Bytes>>,
    exporter: [u8; 32],
}

impl Terminal {
    async fn new(stage: &Stage, gate: &Channel, device: &Issued) -> Self {
        let mut client = LinkClient::new(gate.clone());
        let (out, outgoing) = tokio::sync::mpsc::channel::<ReceiverStream<TerminalChunk>>(1);
        let opening = TerminalOpening { source: "10.1.20.11:40000".into(), ..TerminalOpening::default() };
        let opening = TerminalChunk { part: Some(Part::Opening(opening)) };
        let (bridge, bridged) = tokio::sync::mpsc::channel(16);
        tokio::spawn(async move {
            let mut outgoing = outgoing;
            let mut chunks = outgoing.recv().await.unwrap();
            while let Some(chunk) = chunks.next().await {
                if bridge.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        let incoming = client.terminal(once(opening).chain(ReceiverStream::new(bridged))).await.unwrap().into_inner();
        let (stream, chunks) = ChunkStream::new(Box::pin(incoming));
        out.send(chunks).await.unwrap();
        let name = ServerName::try_from("center.sekisho.test").unwrap();
        let stream = stage.tls(device, b"http/1.1").connect(name, stream).await.unwrap();
        let exporter =
            stream.get_ref().1.export_keying_material([0u8; 32], wire::api::LOGIN_EXPORTER_LABEL, None).unwrap();
        Self { http: http(stream).await, exporter }
    }

    async fn open(&mut self, card: &Issued, language: &str) -> (u16, Value) {
        let (status, issued) = call(&mut self.http, "POST", "/v1/challenge", json!({}), language).await;
        assert_eq!(status, 200, "{issued}");
        self.answer(&issued, card, language).await
    }

    async fn answer(&mut self, issued: &Value, card: &Issued, language: &str) -> (u16, Value) {
        let mut nonce = [0u8; 32];
        let text = issued["nonce"].as_str().unwrap();
        for (i, byte) in nonce.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap();
        }
        let request =
            ConnectionRequest { from: "clinic/exam-1".parse().unwrap(), service: "keyaki/records".parse().unwrap() };
        let digest: [u8; 32] = Sha256::digest(request.signed_bytes()).into();
        let signature = card.sign(&pki::challenge_message(&nonce, &self.exporter, &digest)).unwrap();
        let body = json!({
            "challenge": issued["challenge"],
            "request": request,
            "chain": [BASE64.encode(&card.cert_der)],
            "signature": BASE64.encode(signature),
        });
        call(&mut self.http, "POST", "/v1/open", body, language).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_documents_to_an_open_line_and_back() {
    let mut stage = Stage::new().await;
    stage.apply().await;
    let (clinic, _, _playing) = stage.gate("clinic").await;
    let _hospital = stage.gate("hospital").await;
    stage.linked(2).await;

    let device = stage.authority.issue_device("clinic", "exam-1").unwrap();
    let doctor = stage.authority.issue_doctor("SATO HANAKO").unwrap();
    let pharmacist = stage.authority.issue_pharmacist("SUZUKI TARO").unwrap();
    let mut terminal = Terminal::new(&stage, &clinic, &device).await;

    let (status, problem) = terminal.open(&pharmacist, "ja").await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (403, "D017"), "{problem}");
    assert!(problem["title"].as_str().unwrap().contains("薬剤師"), "{problem}");
    let refusal = problem["instance"].as_str().unwrap().trim_start_matches("refusal/").to_owned();
    let (status, told) = stage.operator("GET", &format!("/v1/refusals/{refusal}"), Value::Null).await;
    assert_eq!((status, told["problem"]["code"].as_str().unwrap()), (200, "D017"));

    let (status, report) = terminal.open(&doctor, "en").await;
    assert_eq!(status, 200, "{report}");
    assert_eq!(report["connection"]["state"], "open");
    assert_eq!(report["permit"]["agreement"], "A-0012");
    let grant = report["connection"]["grant"].clone();

    // A challenge serves once.
    let (_, issued) = call(&mut terminal.http, "POST", "/v1/challenge", json!({}), "en").await;
    assert_eq!(terminal.answer(&issued, &doctor, "en").await.1["code"], "D070");
    assert_eq!(terminal.answer(&issued, &doctor, "en").await.1["code"], "O005");

    let (_, mine) = call(&mut terminal.http, "GET", "/v1/status", Value::Null, "en").await;
    assert_eq!(mine["connections"].as_array().unwrap().len(), 1);
    assert_eq!(mine["services"], json!(["keyaki/records"]));

    // Another terminal of the same site can neither see nor close it.
    let other = stage.authority.issue_device("clinic", "exam-2").unwrap();
    let mut stranger = Terminal::new(&stage, &clinic, &other).await;
    let (status, _) = call(&mut stranger.http, "POST", "/v1/close", json!({"grant": grant}), "en").await;
    assert_eq!(status, 404);

    let (status, closed) = call(&mut terminal.http, "POST", "/v1/close", json!({"grant": grant}), "en").await;
    assert_eq!((status, closed["connection"]["state"].as_str().unwrap()), (200, "closed"), "{closed}");
    let (_, points) = stage.operator("GET", &format!("/v1/log/match/g-{grant}"), Value::Null).await;
    assert_eq!(points["agree"], true, "{points}");
    let (_, verdict) = stage.operator("GET", "/v1/log/verify", Value::Null).await;
    assert_eq!(verdict["holds"], true);
    assert_eq!(stage.operator("GET", "/healthz", Value::Null).await.0, 200);
    let (_, metrics) = stage.operator("GET", "/metrics", Value::Null).await;
    assert!(metrics.as_str().unwrap().contains("sekisho_gates_linked 2"), "{metrics}");

    stage.stop().await;
    assert!(!stage.dir.path().join("center.sock").exists());
    stage.start().await;
    let (_, verdict) = stage.operator("GET", "/v1/log/verify", Value::Null).await;
    assert_eq!(verdict["holds"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_ask_the_proof_x1() {
    let mut stage = Stage::new().await;
    stage.apply().await;
    let question = json!({"from": "hospital/ward-1", "to": "hospital/portal", "picture": true});
    let (status, can) = stage.operator("POST", "/v1/can", question).await;
    assert_eq!(
        (status, can["can"].as_bool(), can["because"][0]["line"].as_str()),
        (200, Some(true), Some("hospital/inhouse[0]")),
        "{can}"
    );
    assert!(can["picture"].as_str().unwrap().starts_with("<svg "));
    let (status, reach) = stage.operator("GET", "/v1/reach/hospital/portal", Value::Null).await;
    assert_eq!((status, reach["receives"][0]["what"].as_str()), (200, Some("tcp/443")), "{reach}");
    let (status, diff) = stage.operator("POST", "/v1/diff", json!({"site": "hospital", "before": 0})).await;
    assert_eq!((status, diff["came"].as_array().map(Vec::len)), (200, Some(1)), "{diff}");
    let (status, whole) = stage.operator("GET", "/v1/verify?picture=true", Value::Null).await;
    assert_eq!((status, whole["holds"].as_bool(), whole["sites"].as_u64()), (200, Some(true), Some(3)), "{whole}");
    let (_, all) = stage.operator("GET", "/v1/invariants", Value::Null).await;
    assert!(all["invariants"].as_array().unwrap().iter().any(|i| i["id"] == "I22"), "{all}");

    // A refused plan draws what it refuses, and the record draws it again.
    let never =
        "[[never]]\nfrom = \"zone:secure\"\nto = \"zone:dmz\"\nbecause = { ja = \"約束\", en = \"a promise\" }\n";
    let documents =
        json!({"documents": [{"name": "h.toml", "text": format!("{}\n{never}", DOCUMENTS[1])}], "picture": true});
    let (status, problem) = stage.operator("POST", "/v1/apply", documents).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("I22")), "{problem}");
    let example = &problem["counter_example"];
    assert_eq!(example["promise"]["id"], "hospital/S01");
    assert_eq!(example["policy"]["line"], "hospital/inhouse[0]");
    assert!(example["picture"].as_str().unwrap().contains("hospital/S01"));
    let refusal = problem["instance"].as_str().unwrap().trim_start_matches("refusal/");
    let (_, told) = stage.operator("GET", &format!("/v1/refusals/{refusal}?picture=true"), Value::Null).await;
    let again = &told["problem"]["counter_example"];
    assert_eq!((&again["path"], &again["policy"]["line"]), (&example["path"], &example["policy"]["line"]), "{told}");
    assert!(again["picture"].as_str().unwrap().starts_with("<svg "));

    for (method, path, body, code) in [
        ("GET", "/v1/reach/clinic/nobody", Value::Null, "O015"),
        ("GET", "/v1/reach/clinic/No!", Value::Null, "O006"),
        ("POST", "/v1/can", json!({"from": "clinic/exam-1"}), "O006"),
        ("POST", "/v1/diff", json!({"before": 1}), "O016"),
    ] {
        assert_eq!(stage.operator(method, path, body).await.1["code"], code, "{method} {path}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_gate_is_cut_and_stays_out_and_a_revoked_terminal_learns_why_g1() {
    let mut stage = Stage::new().await;
    stage.apply().await;
    let (clinic, issued, playing) = stage.gate("clinic").await;
    stage.linked(1).await;
    let device = stage.authority.issue_device("clinic", "exam-1").unwrap();
    let mut terminal = Terminal::new(&stage, &clinic, &device).await;
    stage.authority.revoke_issued(&device, RevocationReason::KeyCompromise).unwrap();
    stage.authority.write_crl(CaKind::Device, stage.now, stage.now + 86_400).unwrap();
    publish(stage.dir.path(), &stage.authority, "device", CaKind::Device);
    let (status, problem) = call(&mut terminal.http, "POST", "/v1/challenge", json!({}), "en").await;
    assert_eq!((status, problem["code"].as_str().unwrap()), (403, "P008"), "{problem}");

    stage.authority.revoke_issued(&issued, RevocationReason::KeyCompromise).unwrap();
    stage.authority.write_crl(CaKind::Gate, stage.now, stage.now + 86_400).unwrap();
    publish(stage.dir.path(), &stage.authority, "gate", CaKind::Gate);
    tokio::time::timeout(Duration::from_secs(60), playing).await.expect("the link is cut").unwrap();
    stage.linked(0).await;
    // On the connection it still has, and with a new one.
    let chunk = TerminalChunk { part: None };
    assert!(LinkClient::new(clinic).terminal(once(chunk)).await.is_err());
    // TLS 1.3: the client may think it is connected until it reads; the first call tells.
    if let Ok(channel) = stage.dial(&issued).await {
        let hello = Hello { version: 1, site: "clinic".into(), software: "test".into(), ..Hello::default() };
        let hello = GateMessage { message: Some(Message::Hello(hello)) };
        assert!(LinkClient::new(channel).control(once(hello)).await.is_err());
    }
    let (_, page) = stage.operator("GET", "/v1/log?limit=1000", Value::Null).await;
    let events: Vec<&str> = page["entries"].as_array().unwrap().iter().filter_map(|e| e["event"].as_str()).collect();
    assert!(events.contains(&"gate-refused") && events.contains(&"gate-left"), "{events:?}");
}
