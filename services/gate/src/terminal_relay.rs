//! Terminals reach the center through the gate: bytes in, bytes out. The TLS session inside is theirs and the center's.

use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::channel;
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use wire::link::{TerminalChunk, TerminalOpening, terminal_chunk::Part};

use crate::fallback_page::FallbackPage;

const CHUNK: usize = 16 * 1024;

/// Which in-house service a terminal connected to; the center tells them apart by the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// Programs.
    Api,
    /// Browsers with the terminal's certificate.
    Console,
    /// Browsers with the person's card.
    SignIn,
}

impl Entrance {
    /// Its name on the link.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Console => "console",
            Self::SignIn => "sign-in",
        }
    }
}

/// Accepts terminals on one address for ever. Without a link to the center browsers get the gate's own page, if it has
/// one.
pub(crate) async fn serve(
    listener: TcpListener,
    entrance: Entrance,
    center: watch::Receiver<Option<Channel>>,
    page: Option<FallbackPage>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, source)) => {
                let (channel, page) = (center.borrow().clone(), page.clone());
                tokio::spawn(async move {
                    let done = match (channel, page) {
                        (Some(channel), _) => relay(stream, source, entrance, channel).await,
                        (None, Some(page)) => page.serve(stream).await,
                        (None, None) => {
                            tracing::info!("a terminal called while there is no link to the center");
                            return;
                        }
                    };
                    if let Err(error) = done {
                        tracing::debug!(%error, "a terminal's connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a terminal; trying again");
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }
}

async fn relay(
    stream: TcpStream,
    source: SocketAddr,
    entrance: Entrance,
    channel_to_center: Channel,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut from_terminal, mut to_terminal) = stream.into_split();
    let (outgoing, chunks) = channel(16);
    let opening = TerminalOpening { source: source.to_string(), entrance: entrance.name().to_owned() };
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    outgoing.send(TerminalChunk { part: Some(Part::Opening(opening)) }).await.map_err(gone)?;
    let upward = async move {
        let mut buffer = vec![0u8; CHUNK];
        loop {
            let count = from_terminal.read(&mut buffer).await?;
            if count == 0 {
                return Ok::<_, io::Error>(());
            }
            let data = buffer.get(..count).unwrap_or_default().to_vec();
            outgoing.send(TerminalChunk { part: Some(Part::Data(data)) }).await.map_err(gone)?;
        }
    };
    let downward = async move {
        let mut client = link::LinkClient::new(channel_to_center);
        let mut incoming = client.terminal(ReceiverStream::new(chunks)).await.map_err(io::Error::other)?.into_inner();
        while let Some(chunk) = incoming.next().await {
            if let Some(Part::Data(data)) = chunk.map_err(io::Error::other)?.part {
                to_terminal.write_all(&data).await?;
            }
        }
        to_terminal.shutdown().await
    };
    // The center's end ends the relay; a terminal that only closed its sending half still gets its answer.
    tokio::pin!(upward, downward);
    tokio::select! {
        down = &mut downward => down,
        up = &mut upward => { up?; downward.await }
    }
}
