//! The gate's own page: what a browser at the console sees while there is no link to the center. It tells which lines
//! are open here and what is left of their leases; nothing can be done on it.

use model::{Grant, SiteState, Timestamp};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use texts::{Arg, Lang, Texts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::hub::{Hub, now};

/// A browser that says nothing for so long is left.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_REQUEST: usize = 16 * 1024;

/// Serves the page over TLS with the gate's console certificate.
#[derive(Clone)]
pub(crate) struct FallbackPage {
    tls: TlsAcceptor,
    hub: Arc<Hub>,
}

impl FallbackPage {
    pub fn new(tls: rustls::ServerConfig, hub: Arc<Hub>) -> Self {
        Self { tls: TlsAcceptor::from(Arc::new(tls)), hub }
    }

    /// One connection: a request, the page, the end.
    ///
    /// # Errors
    /// If the browser does not speak TLS or HTTP, or leaves.
    pub async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        tokio::time::timeout(PATIENCE, self.answer(stream)).await.map_err(late)?
    }

    async fn answer(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = self.tls.accept(stream).await?;
        let mut request = Vec::new();
        while !request.windows(4).any(|w| w == b"\r\n\r\n") {
            if request.len() > LONGEST_REQUEST || stream.read_buf(&mut request).await? == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        let texts = Texts::new(language(&String::from_utf8_lossy(&request)));
        let page = page(self.hub.state().as_deref(), now(), &texts);
        let head = format!(
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
             content-language: {}\r\ncache-control: no-store\r\nretry-after: 10\r\n\
             content-security-policy: default-src 'none'; frame-ancestors 'none'\r\n\
             x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n",
            page.len(),
            texts.lang().as_str(),
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(page.as_bytes()).await?;
        stream.shutdown().await
    }
}

/// Japanese unless the browser names English first (RFC 9110 §12.5.4).
fn language(request: &str) -> Lang {
    let accepted = request.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("accept-language").then(|| value.trim().to_ascii_lowercase())
    });
    match accepted.as_deref().map(|languages| (languages.find("en"), languages.find("ja"))) {
        Some((Some(_), None)) => Lang::En,
        Some((Some(en), Some(ja))) if en < ja => Lang::En,
        _ => Lang::Ja,
    }
}

/// The page. It asks for itself again every ten seconds: when the link stands, the console answers.
fn page(state: Option<&SiteState>, now: Timestamp, texts: &Texts) -> String {
    let say = |key: &str| escape(&texts.say(key, &[]));
    let lang = texts.lang().as_str();
    let mut body = format!(
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"10\">\
         <title>{title}</title></head><body><main><h1>{title}</h1><p>{what}</p><p>{then}</p>",
        title = say("gate-fallback-title"),
        what = say("gate-fallback-what"),
        then = say("gate-fallback-do"),
    );
    let live = |g: &&Grant| now < g.lease_until;
    let lines: Vec<&Grant> = state.iter().flat_map(|s| s.grants.values()).filter(live).collect();
    if lines.is_empty() {
        body += &format!("<p>{}</p>", say("gate-fallback-none"));
    } else {
        body += &format!(
            "<table><caption>{}</caption><thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
             <th scope=\"col\">{}</th></tr></thead><tbody>",
            say("gate-fallback-lines"),
            say("gate-fallback-service"),
            say("gate-fallback-between"),
            say("gate-fallback-left"),
        );
        for grant in lines {
            let minutes = (grant.lease_until.0 - now.0 + 59_999) / 60_000;
            let left = texts.say("gate-fallback-minutes", &[("minutes", Arg::text(minutes))]);
            let between = format!(
                "{}/{} → {}/{}",
                grant.origin.site, grant.origin.host, grant.destination.site, grant.destination.host
            );
            body += &format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(grant.service.to_string().as_str()),
                escape(&between),
                escape(&left)
            );
        }
        body += "</tbody></table>";
    }
    body + "</main></body></html>"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    #[test]
    fn the_page_comes_in_the_browsers_language_and_escapes_what_it_shows() {
        assert_eq!(language("GET / HTTP/1.1\r\nAccept-Language: en-GB,en;q=0.9,ja;q=0.1\r\n\r\n"), Lang::En);
        assert_eq!(language("GET / HTTP/1.1\r\naccept-language: ja,en;q=0.5\r\n\r\n"), Lang::Ja);
        assert_eq!(language("nonsense"), Lang::Ja);
        for lang in [Lang::Ja, Lang::En] {
            let empty = page(None, Timestamp(0), &Texts::new(lang));
            assert!(empty.contains(&format!("lang=\"{}\"", lang.as_str())) && !empty.contains("<table"));
        }
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }

    /// OpenSSL as the browser: nothing of ours on its side.
    #[tokio::test]
    async fn a_browser_gets_the_page_over_tls_and_a_lie_gets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let now = now().unix_seconds();
        let issued = authority::Authority::new(folder.path(), now - 3600).unwrap().issue_gate("clinic").unwrap();
        let chain = CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = crate::hub::tests::config();
        let (hub, _receivers) = Hub::new(site::SiteMachine::new(None, config, Timestamp(0)));
        let page = FallbackPage::new(tls, hub);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let ask = |request: &'static str| {
            let address = address.clone();
            tokio::task::spawn_blocking(move || {
                let mut client = Command::new("openssl")
                    .args(["s_client", "-quiet", "-connect", &address])
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                client.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
                String::from_utf8(client.wait_with_output().unwrap().stdout).unwrap()
            })
        };
        let client = ask("GET / HTTP/1.1\r\nhost: gate\r\naccept-language: en\r\n\r\n");
        let (stream, _) = listener.accept().await.unwrap();
        page.serve(stream).await.unwrap();
        let answer = client.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("content-language: en"), "{answer}");
        assert!(answer.contains(&Texts::new(Lang::En).say("gate-fallback-none", &[])), "{answer}");
        let mut plain = tokio::net::TcpStream::connect(&address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(page.serve(stream).await.is_err(), "without TLS");
    }
}
