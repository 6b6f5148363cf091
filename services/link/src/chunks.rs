//! The two directions of `rpc Terminal` as one byte stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::Status;
use wire::link::{TerminalChunk, terminal_chunk::Part};

/// Chunks that wait for a slow reader; then the writer waits too.
const IN_FLIGHT: usize = 16;
/// Largest chunk: a TLS record and some.
const LARGEST: usize = 32 * 1024;

/// What the other end says, chunk by chunk: tonic's `Streaming<TerminalChunk>` or anything like it.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<TerminalChunk, Status>> + Send>>;

/// A send that found the queue full; gives the sender back unless nobody receives any more.
type Sending = Pin<Box<dyn Future<Output = Option<Sender<TerminalChunk>>> + Send>>;

/// Bytes in both directions over `rpc Terminal`, as `AsyncRead + AsyncWrite`.
pub struct ChunkStream {
    incoming: Chunks,
    left: Vec<u8>,
    read: usize,
    outgoing: Option<Sender<TerminalChunk>>,
    sending: Option<Sending>,
}

impl ChunkStream {
    /// A stream over `incoming`, and the chunks to hand to the RPC. Dropping the stream ends the RPC's direction.
    pub fn new(incoming: Chunks) -> (Self, ReceiverStream<TerminalChunk>) {
        let (sender, receiver): (_, Receiver<TerminalChunk>) = channel(IN_FLIGHT);
        let stream = Self { incoming, left: Vec::new(), read: 0, outgoing: Some(sender), sending: None };
        (stream, ReceiverStream::new(receiver))
    }

    /// Finishes a send that found the queue full.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(sending) = &mut self.sending {
            let Poll::Ready(sender) = sending.as_mut().poll(cx) else { return Poll::Pending };
            self.sending = None;
            self.outgoing = sender;
        }
        if self.outgoing.is_some() { Poll::Ready(Ok(())) } else { Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) }
    }
}

impl AsyncRead for ChunkStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.read == self.left.len() {
            match self.incoming.as_mut().poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(Err(status))) => return Poll::Ready(Err(io::Error::other(status))),
                Poll::Ready(Some(Ok(TerminalChunk { part: Some(Part::Data(data)) }))) => {
                    self.left = data;
                    self.read = 0;
                }
                Poll::Ready(Some(Ok(_))) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk without data")));
                }
            }
        }
        let count = out.remaining().min(self.left.len() - self.read);
        let from = self.read;
        out.put_slice(&self.left[from..from + count]);
        self.read += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ChunkStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self.poll_sent(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
            Poll::Ready(Ok(())) => {}
        }
        let Some(sender) = self.outgoing.take() else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        let count = data.len().min(LARGEST);
        let chunk = TerminalChunk { part: Some(Part::Data(data[..count].to_vec())) };
        match sender.try_send(chunk) {
            Ok(()) => self.outgoing = Some(sender),
            Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            // The bytes are taken; the next write waits until they found room.
            Err(tokio::sync::mpsc::error::TrySendError::Full(chunk)) => {
                self.sending = Some(Box::pin(async move { sender.send(chunk).await.is_ok().then_some(sender) }));
            }
        }
        Poll::Ready(Ok(count))
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_sent(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.sending.is_some() && self.poll_sent(cx).is_pending() {
            return Poll::Pending;
        }
        self.outgoing = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_stream::StreamExt;

    #[tokio::test]
    async fn more_bytes_than_fit_in_flight_arrive_in_order() {
        let (mut near, out) = ChunkStream::new(Box::pin(tokio_stream::empty()));
        let (mut far, _) = ChunkStream::new(Box::pin(out.map(Ok)));
        let sent: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
        let copy = sent.clone();
        let writer = tokio::spawn(async move {
            near.write_all(&copy).await.expect("the reader reads");
            near.shutdown().await.expect("the reader reads");
        });
        let mut got = Vec::new();
        far.read_to_end(&mut got).await.expect("only data was sent");
        writer.await.expect("the writer ends");
        assert!(got == sent);
    }

    #[tokio::test]
    async fn an_opening_in_the_middle_is_an_error() {
        let opening = TerminalChunk {
            part: Some(Part::Opening(wire::link::TerminalOpening { source: "x".into(), ..Default::default() })),
        };
        let (mut far, _) = ChunkStream::new(Box::pin(tokio_stream::once(Ok(opening))));
        assert!(far.read_to_end(&mut Vec::new()).await.is_err());
    }
}
