//! The structural audit from outside: dials the switch's management socket, reads everything, and proves what it reads.
//! It shares nothing with the running gate but the state on disk, and changes nothing.

use files::Fault;
use openflow::{
    Channel, ChannelConfig, ChannelEvent, FlowStats, FlowStatsRequest, Group, Message, Meter, MultipartReplyBody,
    MultipartRequest, MultipartRequestBody, Reassembly,
};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use texts::Words;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::{Config, Store, StoreError, fault, now};

mod told;

pub use told::told;

const PATIENCE: Duration = Duration::from_secs(30);
const MOST: usize = 4_000_000;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum AuditError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{}", self.words())]
    NoState(PathBuf),
    #[error("{}", self.words())]
    Socket { path: PathBuf, error: io::Error },
    #[error("{}", self.words())]
    Protocol(String),
    #[error("{}", self.words())]
    Silent,
}

impl AuditError {
    /// The words of it.
    pub fn words(&self) -> Words {
        match self {
            Self::Store(error) => error.words(),
            Self::NoState(path) => Fault::of(path, fault::Fault::NoState {}).into(),
            Self::Socket { path, error } => Fault::of(path, fault::Fault::Socket { said: error.to_string() }).into(),
            Self::Protocol(said) => fault::Fault::Protocol { said: said.clone() }.words(),
            Self::Silent => fault::Fault::SilentSwitch {}.words(),
        }
    }
}

/// Everything a switch holds.
#[derive(Debug, Default)]
pub struct Dump {
    /// Flow entries.
    pub entries: Vec<FlowStats>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Meters.
    pub meters: Vec<Meter>,
}

/// Audits the switch behind `socket` against the state this gate keeps on disk.
///
/// # Errors
/// [`AuditError`] if there is nothing to compare.
pub async fn audit(config: &Config, socket: &Path) -> Result<site::Audit, AuditError> {
    let kept = Store::open(&config.data)?.load()?.ok_or_else(|| AuditError::NoState(config.data.clone()))?;
    let dump = dump(socket).await?;
    let rate = config.openflow.first_packets_per_second;
    Ok(site::audit(kept.state(), (&dump.entries, &dump.groups, &dump.meters), rate, now()))
}

/// Reads groups, meters and every entry of a switch over its management socket.
///
/// # Errors
/// [`AuditError::Socket`], [`AuditError::Protocol`] or [`AuditError::Silent`].
pub async fn dump(socket: &Path) -> Result<Dump, AuditError> {
    match tokio::time::timeout(PATIENCE, read(socket)).await {
        Ok(done) => done,
        Err(_) => Err(AuditError::Silent),
    }
}

async fn read(socket: &Path) -> Result<Dump, AuditError> {
    let broken = |error| AuditError::Socket { path: socket.to_owned(), error };
    let mut stream = UnixStream::connect(socket).await.map_err(broken)?;
    let started = Instant::now();
    let clock = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut channel = Channel::new(ChannelConfig::default(), clock());
    let mut parts = Reassembly::new(MOST);
    let (mut dump, mut left) = (Dump::default(), 3);
    let mut buffer = vec![0u8; 256 * 1024];
    while left > 0 {
        stream.write_all(&channel.take_output()).await.map_err(broken)?;
        let count = stream.read(&mut buffer).await.map_err(broken)?;
        if count == 0 {
            return Err(broken(io::ErrorKind::UnexpectedEof.into()));
        }
        for event in channel.handle(buffer.get(..count).unwrap_or_default(), clock()) {
            match event {
                ChannelEvent::Up { .. } => ask(&mut channel)?,
                ChannelEvent::Message { xid, message: Message::MultipartReply(reply) } => {
                    let whole = parts.push(xid, reply).map_err(protocol)?;
                    left -= usize::from(whole.is_some());
                    match whole {
                        Some(MultipartReplyBody::GroupDesc(groups)) => dump.groups = groups,
                        Some(MultipartReplyBody::MeterConfig(meters)) => dump.meters = meters,
                        Some(MultipartReplyBody::Flow(entries)) => dump.entries = entries,
                        _ => {}
                    }
                }
                ChannelEvent::Message { message: Message::Error(error), .. } => return Err(protocol(error.error)),
                // An audit that skips what it cannot read would call it clean.
                ChannelEvent::Undecodable(error) => return Err(protocol(error)),
                ChannelEvent::Failed(error) => return Err(protocol(error)),
                ChannelEvent::Message { .. } => {}
            }
        }
    }
    Ok(dump)
}

fn ask(channel: &mut Channel) -> Result<(), AuditError> {
    let every_meter = MultipartRequestBody::MeterConfig(u32::MAX);
    let flows = MultipartRequestBody::Flow(FlowStatsRequest::all());
    for body in [MultipartRequestBody::GroupDesc, every_meter, flows] {
        channel.send(&Message::MultipartRequest(MultipartRequest::new(body))).map_err(protocol)?;
    }
    Ok(())
}

fn protocol(error: impl std::fmt::Display) -> AuditError {
    AuditError::Protocol(error.to_string())
}
