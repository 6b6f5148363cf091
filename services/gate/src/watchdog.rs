//! A sign of life for systemd (sd_notify(3), `WatchdogSec=`): a gate that hangs holds the terminals' doors and the
//! switch's channel, so that nobody can take its place. Whoever starts it ends it then, and the successor converges.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use crate::hub::Hub;

/// Where systemd listens, and how often it wants to hear; nothing where nobody listens.
#[derive(Debug)]
pub struct Watchdog {
    socket: UnixDatagram,
    every: Option<Duration>,
}

impl Watchdog {
    /// From `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` (sd_watchdog_enabled(3)).
    ///
    /// # Errors
    /// If the socket cannot be reached.
    pub fn from_environment() -> io::Result<Option<Self>> {
        let Some(to) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(None) };
        let address = match to.as_bytes().split_first() {
            Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(&to)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // Never waits for whoever ought to listen.
        socket.set_nonblocking(true)?;
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        Ok(Some(Self { socket, every: number("WATCHDOG_USEC").filter(|_| ours).and_then(every) }))
    }

    /// Says that the gate runs, and goes on saying so as long as its tasks get their turn and its machine answers.
    pub async fn serve(self, hub: Arc<Hub>) {
        self.say("READY=1");
        let Some(every) = self.every else { return std::future::pending().await };
        loop {
            // The state is behind the lock that every event goes through: a gate that hangs in one is not alive.
            let _ = hub.state();
            self.say("WATCHDOG=1");
            tokio::time::sleep(every).await;
        }
    }

    fn say(&self, what: &str) {
        if let Err(error) = self.socket.send(what.as_bytes()) {
            tracing::debug!(%error, what, "systemd does not hear");
        }
    }
}

/// A third of the time: one sign may be late.
fn every(micros: u64) -> Option<Duration> {
    (micros > 0).then(|| Duration::from_micros((micros / 3).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::tests::config;
    use site::SiteMachine;
    use std::path::Path;

    fn beside(folder: &Path, every: Option<Duration>) -> (UnixDatagram, Watchdog) {
        let path = folder.join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        socket.connect(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        (listener, Watchdog { socket, every })
    }

    /// The next words, however long they take.
    async fn heard(listener: &UnixDatagram, count: usize) -> Vec<String> {
        let mut buffer = [0; 64];
        let mut words = Vec::new();
        while words.len() < count {
            match listener.recv(&mut buffer) {
                Ok(n) => words.push(String::from_utf8_lossy(&buffer[..n]).into_owned()),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
        words
    }

    fn hub() -> Arc<Hub> {
        Hub::new(SiteMachine::new(None, config(), model::Timestamp(0))).0
    }

    #[tokio::test]
    async fn it_is_said_that_the_gate_runs_and_again_and_again_as_long_as_its_machine_answers() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, watchdog) = beside(folder.path(), every(3_000));
        let told = tokio::select! {
            told = heard(&listener, 4) => told,
            () = watchdog.serve(hub()) => unreachable!("it never ends by itself"),
        };
        assert_eq!(told, ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
    }

    #[tokio::test]
    async fn without_a_watchdog_only_the_beginning_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, watchdog) = beside(folder.path(), every(0));
        let served = tokio::spawn(watchdog.serve(hub()));
        assert_eq!(heard(&listener, 1).await, ["READY=1"]);
        // Whoever asks to be told nothing has no pulse to miss.
        tokio::task::yield_now().await;
        assert!(listener.recv(&mut [0; 64]).is_err());
        served.abort();
    }

    #[tokio::test]
    async fn nobody_listening_is_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, watchdog) = beside(folder.path(), every(1));
        drop(listener);
        let mut served = tokio::spawn(watchdog.serve(hub()));
        assert!(tokio::time::timeout(Duration::from_millis(5), &mut served).await.is_err());
        served.abort();
    }
}
