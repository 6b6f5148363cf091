//! One JSON question and its answer over a stream that is already trusted: a TLS session or a Unix socket.

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::failure::Failure;

/// Longest answer taken, octets: the whole log of a year's connections fits, an endless stream does not.
const LONGEST_ANSWER: usize = 256 << 20;

/// An HTTP/1.1 connection that speaks JSON.
pub struct Json {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    language: &'static str,
}

impl Json {
    /// Begins HTTP on a stream.
    pub async fn over<S>(stream: S, host: &str, language: &'static str) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|e| Failure::Unreachable { what: host.to_owned(), why: e.to_string() })?;
        tokio::spawn(connection);
        Ok(Self { sender, host: host.to_owned(), language })
    }

    /// POST, JSON in, JSON out.
    pub async fn post<Q: Serialize, A: DeserializeOwned>(&mut self, path: &str, question: &Q) -> Result<A, Failure> {
        let body = serde_json::to_vec(question).map_err(|e| self.nonsense(&e))?;
        self.call(Method::POST, path, body).await
    }

    /// GET, JSON out.
    pub async fn get<A: DeserializeOwned>(&mut self, path: &str) -> Result<A, Failure> {
        self.call(Method::GET, path, Vec::new()).await
    }

    async fn call<A: DeserializeOwned>(&mut self, method: Method, path: &str, body: Vec<u8>) -> Result<A, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("accept-language", self.language)
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| self.nonsense(&e))?;
        let unreachable = |e: String| Failure::Unreachable { what: self.host.clone(), why: e };
        self.sender.ready().await.map_err(|e| unreachable(e.to_string()))?;
        let response = self.sender.send_request(request).await.map_err(|e| unreachable(e.to_string()))?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), LONGEST_ANSWER)
            .collect()
            .await
            .map_err(|e| unreachable(e.to_string()))?
            .to_bytes();
        if status == StatusCode::OK {
            return serde_json::from_slice(&bytes).map_err(|e| self.nonsense(&e));
        }
        match serde_json::from_slice(&bytes) {
            Ok(problem) => Err(Failure::Refused(Box::new(problem))),
            Err(_) => Err(self.nonsense(&format!("HTTP {status}"))),
        }
    }

    fn nonsense(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::Nonsense { what: self.host.clone(), why: why.to_string() }
    }
}
