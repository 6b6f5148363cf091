//! The listener for gates: TLS 1.3 with certificates on both sides, and `service Link` behind it.

use connections::{Center, Joined};
use link::{ChunkStream, Link, LinkServer};
use model::{Generation, SiteId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status, Streaming};
use wire::LINK_VERSION;
use wire::link::{
    CenterMessage, GateMessage, TerminalChunk, TerminalOpening, Welcome, center_message, gate_message,
    terminal_chunk::Part,
};

use crate::gate_tls::{TurnedAway, anybody, gate_site, gates_only, owned};
use crate::hub::{Hub, IN_FLIGHT};
use crate::identity::Identity;
use crate::pair::OneOfTwo;
use crate::{SOFTWARE, terminal};

const HANDSHAKE: Duration = Duration::from_secs(10);
const FIRST_WORD: Duration = Duration::from_secs(10);
/// The same refusal of the same certificate is recorded once in this time.
const SAME_REFUSAL: Duration = Duration::from_secs(60);

/// Serves gates until the listener breaks.
pub(crate) async fn serve(
    center: Center,
    hub: Arc<Hub>,
    identity: Arc<Identity>,
    ports: portal::Ports,
    listener: TcpListener,
) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let (turned_away, refused) = channel(64);
    // Dropped, and so ended, together with this future.
    let mut helpers = JoinSet::new();
    helpers.spawn(record_refusals(center.clone(), refused));
    let gates = gates_only(center.clone(), Arc::clone(&provider), turned_away);
    let tls = identity.server(gates, &[link::ALPN]);
    let terminal_tls = identity.server(anybody(provider), &[b"http/1.1"]);
    let console = identity.console(center.clone(), ports);
    let (tls, terminal_tls, console) = match (tls, terminal_tls, console) {
        (Ok(a), Ok(b), Ok(c)) => (a, b, c),
        (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
            tracing::error!(%error, "the center's certificate cannot be used for TLS");
            return;
        }
    };
    let (admitted, incoming) = channel::<std::io::Result<GateStream>>(16);
    helpers.spawn(accept(listener, TlsAcceptor::from(tls), admitted));
    let service = LinkService { center, hub, terminal_tls, console, links: AtomicU64::new(1) };
    let server = Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(5)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_service(LinkServer::new(service).max_decoding_message_size(64 << 20).max_encoding_message_size(64 << 20))
        .serve_with_incoming(ReceiverStream::new(incoming));
    if let Err(error) = server.await {
        tracing::error!(%error, "the listener for gates broke");
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, admitted: Sender<std::io::Result<GateStream>>) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely; waiting is the only thing that helps.
                tracing::warn!(%error, "cannot accept a gate; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let (acceptor, admitted) = (acceptor.clone(), admitted.clone());
        tokio::spawn(async move {
            // Without it small orders wait for acknowledgements (RFC 9293 §3.7.4).
            let _ = stream.set_nodelay(true);
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let chain = stream.get_ref().1.peer_certificates().and_then(|c| c.split_first());
                    let Some(chain) = chain.map(|(first, rest)| owned(first, rest)) else { return };
                    let peer = Peer { chain: chain.into(), address };
                    let _ = admitted.send(Ok(GateStream { stream, peer })).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, %address, "no TLS session with a gate"),
                Err(_) => tracing::debug!(%address, "a TLS handshake took too long"),
            }
        });
    }
}

async fn record_refusals(center: Center, mut refused: Receiver<TurnedAway>) {
    let mut said: BTreeMap<(Vec<u8>, Vec<&'static str>), Instant> = BTreeMap::new();
    while let Some(TurnedAway { chain, refusals }) = refused.recv().await {
        said.retain(|_, at| at.elapsed() < SAME_REFUSAL);
        let key = (
            chain.first().cloned().unwrap_or_default(),
            refusals.iter().map(pki::Refusal::code).collect::<Vec<&'static str>>(),
        );
        if said.insert(key, Instant::now()).is_none() {
            connections::gate_refused(&center, &chain, None, &refusals).await;
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(crate) struct Peer {
    chain: Arc<[Vec<u8>]>,
    address: SocketAddr,
}

struct GateStream {
    stream: TlsStream<TcpStream>,
    peer: Peer,
}

impl Connected for GateStream {
    type ConnectInfo = Peer;
    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}
impl AsyncRead for GateStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}
impl AsyncWrite for GateStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, data)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

struct LinkService {
    center: Center,
    hub: Arc<Hub>,
    terminal_tls: Arc<rustls::ServerConfig>,
    console: portal::Console,
    links: AtomicU64,
}

type Chunks<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Link for LinkService {
    type ControlStream = Chunks<CenterMessage>;
    type TerminalStream = Chunks<TerminalChunk>;

    async fn control(&self, request: Request<Streaming<GateMessage>>) -> Result<Response<Self::ControlStream>, Status> {
        let (site, peer) = self.gate(&request)?;
        let mut incoming = request.into_inner();
        let (queue, outgoing) = channel(IN_FLIGHT);
        let number = self.links.fetch_add(1, Ordering::Relaxed);
        let (center, hub) = (self.center.clone(), Arc::clone(&self.hub));
        // The answer's headers must not wait for the first word: some clients speak only after them.
        tokio::spawn(async move {
            let hello = match tokio::time::timeout(FIRST_WORD, incoming.message()).await {
                Ok(Ok(Some(GateMessage { message: Some(gate_message::Message::Hello(hello)) }))) => hello,
                Ok(Err(_)) | Err(_) => return,
                Ok(Ok(_)) => {
                    let _ = queue.send(Err(Status::invalid_argument("the first message must be Hello"))).await;
                    return;
                }
            };
            if hello.version != LINK_VERSION {
                let why = format!("this center speaks version {LINK_VERSION} of the link, the gate {}", hello.version);
                let _ = queue.send(Err(Status::failed_precondition(why))).await;
                return;
            }
            if hello.site != site.as_str() {
                let why = format!("the certificate is for site {site}, the gate says {}", hello.site);
                let _ = queue.send(Err(Status::permission_denied(why))).await;
                return;
            }
            let welcome = Welcome { version: LINK_VERSION, software: SOFTWARE.to_owned(), now: center.now().0 };
            let welcome = CenterMessage { message: Some(center_message::Message::Welcome(welcome)) };
            if queue.send(Ok(welcome)).await.is_err() {
                return;
            }
            if !hello.gate.is_empty() {
                let one = OneOfTwo { site, link: number, certificate: peer.chain.to_vec(), hello, queue };
                return one.serve(&center, &hub, &mut incoming).await;
            }
            let cut = hub.enter(&site, number, queue);
            let joined = Joined {
                link: number,
                site: site.clone(),
                certificate: peer.chain.to_vec(),
                software: hello.software,
                generation: hello.generation.map(Generation),
            };
            let why = match connections::gate_joined(&center, joined).await {
                Ok(()) => listen(&center, &site, &mut incoming, &cut).await,
                Err(refused) => refused.to_string(),
            };
            hub.leave(&site, number);
            connections::gate_left(&center, &site, number, &why).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }

    async fn terminal(
        &self,
        request: Request<Streaming<TerminalChunk>>,
    ) -> Result<Response<Self::TerminalStream>, Status> {
        let (site, _) = self.gate(&request)?;
        let mut incoming = request.into_inner();
        let (center, tls, console) = (self.center.clone(), Arc::clone(&self.terminal_tls), self.console.clone());
        let (stream_out, outgoing) = channel::<ReceiverStream<TerminalChunk>>(1);
        tokio::spawn(async move {
            let opening = match tokio::time::timeout(FIRST_WORD, incoming.message()).await {
                Ok(Ok(Some(TerminalChunk { part: Some(Part::Opening(opening)) }))) => opening,
                _ => return,
            };
            let TerminalOpening { source, entrance } = opening;
            tracing::debug!(%site, source, entrance, "a terminal speaks through its gate");
            let (stream, chunks) = ChunkStream::new(Box::pin(incoming));
            if stream_out.send(chunks).await.is_err() {
                return;
            }
            match (portal::Entrance::from_name(&entrance), entrance.as_str()) {
                (Some(entrance), _) => console.serve(entrance, site, &source, stream).await,
                (None, "" | "api") => terminal::serve(center, tls, site, stream).await,
                (None, other) => tracing::warn!(%site, entrance = other, "a gate names an entrance nobody knows"),
            }
        });
        let chunks = flattened(outgoing).map(Ok);
        Ok(Response::new(Box::pin(chunks)))
    }
}

/// The chunks of the stream that comes, once it comes.
fn flattened(mut outgoing: Receiver<ReceiverStream<TerminalChunk>>) -> impl Stream<Item = TerminalChunk> + Send {
    let mut inner: Option<ReceiverStream<TerminalChunk>> = None;
    Poller(move |cx: &mut Context<'_>| {
        if inner.is_none() {
            match outgoing.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(stream) => inner = stream,
            }
        }
        match &mut inner {
            Some(stream) => Pin::new(stream).poll_next(cx),
            None => Poll::Ready(None),
        }
    })
}

struct Poller<F>(F);
impl<T, F: FnMut(&mut Context<'_>) -> Poll<Option<T>> + Unpin> Stream for Poller<F> {
    type Item = T;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        (self.0)(cx)
    }
}

impl LinkService {
    /// Which gate speaks: judged again with every call, since a connection outlives revocation lists.
    fn gate<T>(&self, request: &Request<T>) -> Result<(SiteId, Peer), Status> {
        let peer =
            request.extensions().get::<Peer>().cloned().ok_or_else(|| Status::unauthenticated("no certificate"))?;
        let site = gate_site(&self.center, &peer.chain).map_err(|refusals| {
            let codes: Vec<&str> = refusals.iter().map(pki::Refusal::code).collect();
            tracing::warn!(address = %peer.address, codes = codes.join(" "), "a gate is refused");
            Status::permission_denied(format!("the gate's certificate is refused: {}", codes.join(" ")))
        })?;
        Ok((site, peer))
    }
}

/// Takes reports until the link ends; says how it ended.
async fn listen(
    center: &Center,
    site: &SiteId,
    incoming: &mut Streaming<GateMessage>,
    cut: &tokio::sync::Notify,
) -> String {
    loop {
        let message = tokio::select! {
            message = incoming.message() => message,
            () = cut.notified() => return "cut by the center".into(),
        };
        match message {
            Ok(Some(GateMessage { message: Some(message) })) => connections::gate_report(center, site, message).await,
            // A later version may say what this one does not know.
            Ok(Some(GateMessage { message: None })) => {}
            Ok(None) => return "the gate ended it".into(),
            Err(status) => return status.message().to_owned(),
        }
    }
}
