//! An EST client: one TLS session, a few questions.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use issuance::{Subject, sealed};

use crate::{Failure, Key, ServerTrust};

/// A center that does not answer within this is not there.
const REACH: Duration = Duration::from_secs(15);
/// An answer is a few certificates or a list.
const LONGEST_ANSWER: usize = 16 << 20;
/// Channel binding of RFC 9266 §4.
const BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// A session with the center.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    address: String,
    authority: String,
    language: String,
    binding: Option<String>,
}

/// A certificate for our key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// DER: the certificate, then the authority's.
    pub chain: Vec<Vec<u8>>,
}

impl Fetched {
    /// The chain in PEM.
    pub fn pem(&self) -> String {
        self.chain.iter().map(|der| crate::pem("CERTIFICATE", der)).collect()
    }
}

impl Client {
    /// Reaches the center at `https://host:port`, showing a certificate if one is given. `language` is `ja` or `en`.
    ///
    /// # Errors
    /// [`Failure`]; a server that is not the one trusted counts as out of reach.
    pub async fn reach(
        url: &str,
        trust: &ServerTrust,
        shown: Option<(Vec<Vec<u8>>, Key)>,
        language: &str,
    ) -> Result<Self, Failure> {
        let (host, port) = host_and_port(url)?;
        let address = format!("{host}:{port}");
        let unreachable = |why: String| Failure::Unreachable { address: address.clone(), why };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| unreachable(e.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(trust.verifier(&provider)?);
        let mut config = match shown {
            Some((chain, key)) => config.with_client_cert_resolver(Arc::new(Shown::new(chain, key))),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(host.clone()).map_err(|_| Failure::Address(url.to_owned()))?;
        let connect = async {
            let stream = TcpStream::connect((host.as_str(), port)).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(Arc::new(config)).connect(name, stream).await
        };
        let stream = tokio::time::timeout(REACH, connect)
            .await
            .map_err(|_| Failure::Silent { address: address.clone() })?
            .map_err(|e: std::io::Error| unreachable(e.to_string()))?;
        let binding = stream.get_ref().1.export_keying_material([0u8; 32], BINDING_LABEL, Some(&[])).ok();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| unreachable(e.to_string()))?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            authority: address.clone(),
            address,
            language: language.to_owned(),
            binding: binding.map(|octets| BASE64.encode(octets)),
        })
    }

    /// The certificate that was offered for this code to this name, for this key. `label` is the kind of certificate.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn enroll(&mut self, label: &str, name: &str, code: &str, key: &Key) -> Result<Fetched, Failure> {
        let request = request(key, name, self.binding.as_deref())?;
        let credentials = format!("Basic {}", BASE64.encode(format!("{name}:{code}")));
        let path = format!("/.well-known/est/{label}/simpleenroll");
        let answer = self.ask(Method::POST, &path, Some(&credentials), Some(pkcs10(&request))).await?;
        self.fetched(label, key, &answer).await
    }

    /// A new certificate in place of the one that is shown in this session.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn renew(&mut self, label: &str, name: &str, key: &Key) -> Result<Fetched, Failure> {
        let request = request(key, name, self.binding.as_deref())?;
        let path = format!("/.well-known/est/{label}/simplereenroll");
        let answer = self.ask(Method::POST, &path, None, Some(pkcs10(&request))).await?;
        self.fetched(label, key, &answer).await
    }

    /// The authority's certificates for a kind.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn authorities(&mut self, label: &str) -> Result<Vec<Vec<u8>>, Failure> {
        let answer = self.ask(Method::GET, &format!("/.well-known/est/{label}/cacerts"), None, None).await?;
        self.certificates(&answer)
    }

    /// Whatever lies at a path, as it is.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn get(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        self.ask(Method::GET, path, None, None).await
    }

    /// Sends something to a path and gives what comes back.
    ///
    /// # Errors
    /// [`Failure`]; a problem of the center is [`Failure::Refused`] with its title and detail.
    pub async fn post(&mut self, path: &str, content_type: &str, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        self.ask(Method::POST, path, None, Some((content_type, body))).await
    }

    async fn fetched(&mut self, label: &str, key: &Key, answer: &[u8]) -> Result<Fetched, Failure> {
        let (spki, authorities) = (key.spki(), self.authorities(label).await?);
        let ours = |der: &Vec<u8>| pki::Certificate::parse(der).is_ok_and(|found| found.spki_der() == spki);
        let certificate = self.certificates(answer)?.into_iter().find(ours);
        let certificate = certificate.ok_or_else(|| self.nonsense(&"no certificate for our key"))?;
        Ok(Fetched { chain: std::iter::once(certificate).chain(authorities).collect() })
    }

    fn certificates(&self, answer: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        let bare: Vec<u8> = answer.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
        let der = BASE64.decode(bare).map_err(|e| self.nonsense(&e))?;
        pki::read_certs_only(&der).map_err(|e| self.nonsense(&e))
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        credentials: Option<&str>,
        request: Option<(&str, Vec<u8>)>,
    ) -> Result<Vec<u8>, Failure> {
        let mut question = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.authority)
            .header("accept-language", &self.language);
        if let Some(credentials) = credentials {
            question = question.header("authorization", credentials);
        }
        let mut body = Vec::new();
        if let Some((content_type, sent)) = request {
            question = question.header("content-type", content_type);
            body = sent;
        }
        let question = question.body(Full::new(Bytes::from(body))).map_err(|e| self.nonsense(&e))?;
        let address = self.address.clone();
        let unreachable = |why: String| Failure::Unreachable { address: address.clone(), why };
        let exchange = async {
            self.sender.ready().await.map_err(|e| unreachable(e.to_string()))?;
            let response = self.sender.send_request(question).await.map_err(|e| unreachable(e.to_string()))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(|e| unreachable(e.to_string()))?;
            Ok::<_, Failure>((head, body.to_bytes()))
        };
        let (head, body) =
            tokio::time::timeout(REACH, exchange).await.map_err(|_| Failure::Silent { address: address.clone() })??;
        if head.status == StatusCode::OK {
            return Ok(body.to_vec());
        }
        let code = head.headers.get("sekisho-reason").and_then(|value| value.to_str().ok()).map(str::to_owned);
        if code.is_some() {
            return Err(Failure::Refused { code, said: String::from_utf8_lossy(&body).trim().to_owned() });
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(Problem { code, title, detail }) => {
                // The title begins with the code, which is told by itself.
                let title = title.strip_prefix(&code).unwrap_or(&title).trim_start().to_owned();
                Err(Failure::Refused { code: Some(code), said: format!("{title}\n{}", detail.unwrap_or_default()) })
            }
            Err(_) => Err(self.nonsense(&format!("HTTP {}", head.status))),
        }
    }

    fn nonsense(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::Nonsense { address: self.address.clone(), why: why.to_string() }
    }
}

/// What is needed of a problem (RFC 9457) as the center writes it.
#[derive(serde::Deserialize)]
struct Problem {
    code: String,
    title: String,
    detail: Option<String>,
}

/// A request for a certificate, signed: PKCS#10, DER. `binding` ties it to a session, if it is sent in one.
///
/// # Errors
/// [`Failure::Key`] if the key's element is gone or refuses.
pub fn request(key: &Key, name: &str, binding: Option<&str>) -> Result<Vec<u8>, Failure> {
    let subject = Subject { organization: String::new(), common_name: name.to_owned() };
    let request = issuance::Request { subject: &subject, spki: &key.spki(), uris: &[], binding }.to_be_signed();
    Ok(sealed(&request, &key.sign(&request)?))
}

fn pkcs10(request: &[u8]) -> (&'static str, Vec<u8>) {
    ("application/pkcs10", BASE64.encode(request).into_bytes())
}

fn host_and_port(url: &str) -> Result<(String, u16), Failure> {
    let wrong = || Failure::Address(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("https")).ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok((host, uri.port_u16().unwrap_or(443)))
}

/// Shows one certificate, whatever issuers the server names.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl Shown {
    fn new(chain: Vec<Vec<u8>>, key: Key) -> Self {
        let chain = chain.into_iter().map(CertificateDer::from).collect();
        Self(Arc::new(CertifiedKey::new(chain, Arc::new(key))))
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_an_address() {
        assert_eq!(host_and_port("https://center.example:8443").unwrap(), ("center.example".into(), 8443));
        assert_eq!(host_and_port("https://[2001:db8::1]/").unwrap(), ("2001:db8::1".into(), 443));
        for wrong in ["", "center.example", "http://center.example", "https://"] {
            assert!(matches!(host_and_port(wrong), Err(Failure::Address(_))), "{wrong}");
        }
    }
}
