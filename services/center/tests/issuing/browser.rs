//! What a browser does at the center's doors, without a screen: TLS, a cookie, forms.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Stage;

/// TLS to the center, with a certificate or without.
pub fn tls(stage: &Stage, chain_and_key: Option<(&str, &str)>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(stage.path("center-ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match chain_and_key {
        Some((chain, key)) => {
            let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
            config.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Somebody's browser.
pub struct Browser {
    tls: TlsConnector,
    at: SocketAddr,
    cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub to: Option<String>,
    pub text: String,
}

impl Browser {
    pub fn inside(stage: &Stage) -> Self {
        Self { tls: tls(stage, None, &[b"http/1.1"]), at: stage.inside, cookie: None }
    }

    pub fn operator(stage: &Stage) -> Self {
        let pair = (stage.operator.chain_pem.as_str(), stage.operator.key_pem.as_str());
        Self { tls: tls(stage, Some(pair), &[b"http/1.1"]), at: stage.pages, cookie: None }
    }

    pub async fn get(&mut self, path: &str) -> Seen {
        self.ask("GET", path, String::new(), &[]).await
    }

    /// A form.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.ask("POST", path, body.join("&"), &[("content-type", "application/x-www-form-urlencoded")]).await
    }

    pub async fn ask(&mut self, method: &str, path: &str, body: String, headers: &[(&str, &str)]) -> Seen {
        let stream = TcpStream::connect(self.at).await.unwrap();
        let stream = self.tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let host = format!("localhost:{}", self.at.port());
        let mut request = hyper::Request::builder().method(method).uri(path).header("host", &host);
        request = request.header("origin", format!("https://{host}"));
        if !headers.iter().any(|(name, _)| *name == "accept-language") {
            request = request.header("accept-language", "en");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
        let text = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        if let Some(cookie) = text("set-cookie").filter(|c| c.starts_with("__Host-joining=")) {
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        let (status, to) = (response.status().as_u16(), text("location"));
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Seen { status, to, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// As a manager or staff, by the page.
    pub async fn log_in(&mut self, user: &str, password: &str) {
        let seen = self.post("/login", &[("user", user), ("password", password)]).await;
        assert_eq!((seen.status, seen.to.as_deref()), (303, Some("/notices")), "{}", seen.text);
    }
}

impl Seen {
    /// What stands between two texts.
    pub fn between(&self, before: &str, after: &str) -> String {
        let (_, rest) = self.text.split_once(before).unwrap_or_else(|| panic!("no {before} in {}", self.text));
        rest.split_once(after).unwrap().0.to_owned()
    }

    pub fn says(&self, status: u16, what: &[&str]) {
        assert_eq!(self.status, status, "{}", self.text);
        for one in what {
            assert!(self.text.contains(one), "no {one} in {}", self.text);
        }
    }

    pub fn led_to(&self, path: &str) {
        assert_eq!((self.status, self.to.as_deref()), (303, Some(path)), "{}", self.text);
    }
}
