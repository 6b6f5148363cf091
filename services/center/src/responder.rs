//! OCSP over HTTP (RFC 6960 appendix A.1): one POST, one answer, one connection.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, Uri, header};
use connections::{Answering, Responders};
use hyper_util::rt::TokioIo;
use std::fmt;
use tokio::net::TcpStream;

/// Largest answer read, in octets: what `core/pki` would read.
const MAX_ANSWER: usize = 64 * 1024;

/// Responders that are reached over plain HTTP; their answers are signed. The caller limits the time.
#[derive(Debug)]
pub(crate) struct OverHttp;

impl Responders for OverHttp {
    fn ask<'a>(&'a self, url: &'a str, request: Vec<u8>) -> Answering<'a> {
        Box::pin(post(url, request))
    }
}

async fn post(url: &str, request: Vec<u8>) -> Result<Vec<u8>, String> {
    let said = |what: &'static str| move |error: &dyn fmt::Display| format!("{what}: {error}");
    let uri: Uri = url.parse().map_err(|e| said("address")(&e))?;
    let (host, port) = (uri.host().ok_or("the address names no host")?, uri.port_u16().unwrap_or(80));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port)).await.map_err(|e| said("connecting")(&e))?;
    let handshake = hyper::client::conn::http1::handshake::<_, Body>(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(|e| said("connecting")(&e))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let asked = Request::post(path)
        .header(header::HOST, uri.authority().map_or(host, |authority| authority.as_str()))
        .header(header::CONTENT_TYPE, "application/ocsp-request")
        .header(header::ACCEPT, "application/ocsp-response")
        .header(header::CONNECTION, "close")
        .body(Body::from(request))
        .map_err(|e| said("request")(&e))?;
    let exchange = async {
        let response = sender.send_request(asked).await.map_err(|e| said("asking")(&e))?;
        if response.status() != StatusCode::OK {
            return Err(format!("the responder answers HTTP {}", response.status()));
        }
        let body = to_bytes(Body::new(response.into_body()), MAX_ANSWER).await.map_err(|e| said("answer")(&e))?;
        Ok(body.to_vec())
    };
    // Both in this task: given up together when the caller's time is over.
    let mut connection = std::pin::pin!(connection);
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        answered = &mut exchange => answered,
        ended = &mut connection => {
            ended.map_err(|e| said("connection")(&e))?;
            // What arrived before the end is still to be read.
            exchange.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use authority::serve_ocsp;
    use std::net::TcpListener;

    /// A responder for one question, on a thread of its own.
    fn responder(answer: impl FnOnce(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ocsp", listener.local_addr().unwrap());
        // Whoever hangs up early leaves it with a broken stream.
        std::thread::spawn(move || drop(serve_ocsp(listener.accept().unwrap().0, answer)));
        url
    }

    #[tokio::test]
    async fn a_question_goes_there_and_the_answer_comes_back_n2() {
        let url = responder(|request| Some([b"to ", request].concat()));
        assert_eq!(post(&url, b"ask".to_vec()).await, Ok(b"to ask".to_vec()));
    }

    #[tokio::test]
    async fn every_failure_says_what_it_is() {
        let failed = post(&responder(|_| None), b"ask".to_vec()).await.unwrap_err();
        assert!(failed.contains("500"), "{failed}");
        let failed = post(&responder(|_| Some(vec![0; MAX_ANSWER + 1])), b"ask".to_vec()).await.unwrap_err();
        assert!(failed.starts_with("answer:"), "{failed}");
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failed = post(&format!("http://{nobody}/"), b"ask".to_vec()).await.unwrap_err();
        assert!(failed.starts_with("connecting:"), "{failed}");
    }
}
