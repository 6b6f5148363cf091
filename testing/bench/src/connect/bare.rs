//! The peer: an IKE_SA with its CHILD_SA between the same two daemons, asked for over VICI, and nothing around it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lab::byhand::{self, Line};
use rsvici::Client;
use serde::de::IgnoredAny;
use story::Stage;
use tokio_stream::StreamExt as _;

use crate::BenchError;

const WAIT: Duration = Duration::from_secs(10);

pub(super) struct Bare {
    /// Milliseconds, IKE_SA and CHILD_SA.
    pub initiate: Vec<f64>,
    /// Milliseconds, CHILD_SA.
    pub terminate: Vec<f64>,
}

/// Ends an IKE_SA and waits until it is gone at both ends.
pub(super) fn end_ike(stage: &Stage, name: &str) -> Result<(), BenchError> {
    let socket = stage.lab().site("clinic")?.charon.vici_socket();
    block_on(async {
        let mut client = connect(&socket).await?;
        // An error says that there was none.
        let _ = ask(&mut client, "terminate", &[("ike", name), ("timeout", "5000")]).await;
        Ok(())
    })?;
    let gone = || {
        ["clinic", "hospital"].iter().all(|s| {
            stage.lab().site(s).and_then(|s| s.charon.swanctl(&["--list-sas"])).is_ok_and(|said| !said.contains(name))
        })
    };
    if story::until(WAIT, gone) { Ok(()) } else { Err(BenchError::Subject(format!("{name} does not end"))) }
}

pub(super) fn measure(stage: &Stage, rounds: usize) -> Result<Bare, BenchError> {
    let line = Line {
        name: "bare".into(),
        origin: ("clinic".into(), "exam-1".into()),
        provider: ("hospital".into(), "record-server".into()),
        port: 443,
    };
    for site in ["clinic", "hospital"] {
        stage.lab().site(site)?.charon.restart()?;
    }
    byhand::load(stage.lab(), "clinic", "hospital", std::slice::from_ref(&line))?;
    let socket = stage.lab().site("clinic")?.charon.vici_socket();
    block_on(async {
        let mut client = connect(&socket).await?;
        let mut listener = connect(&socket).await?;
        let mut children = std::pin::pin!(listener.subscribe::<IgnoredAny>("child-updown"));
        let (mut initiate, mut terminate) = (Vec::new(), Vec::new());
        // A subscription begins with the first poll: the first round only serves to begin it.
        for round in 0..=rounds {
            let begin = Instant::now();
            let (said, event) = tokio::join!(
                ask(&mut client, "initiate", &[("child", "bare"), ("timeout", "-1")]),
                next(&mut children)
            );
            said?;
            event?;
            let up = begin.elapsed();
            let begin = Instant::now();
            let (said, event) = tokio::join!(
                ask(&mut client, "terminate", &[("child", "bare"), ("timeout", "-1")]),
                next(&mut children)
            );
            said?;
            event?;
            let down = begin.elapsed();
            ask(&mut client, "terminate", &[("ike", "hospital"), ("timeout", "5000")]).await?;
            if round > 0 {
                initiate.push(up.as_secs_f64() * 1e3);
                terminate.push(down.as_secs_f64() * 1e3);
            }
        }
        Ok(Bare { initiate, terminate })
    })
}

async fn next<S>(events: &mut S) -> Result<(), BenchError>
where
    S: tokio_stream::Stream<Item = Result<IgnoredAny, rsvici::Error>> + Unpin,
{
    match tokio::time::timeout(WAIT, events.next()).await {
        Ok(Some(Ok(_))) => Ok(()),
        other => Err(BenchError::Subject(format!("bare IKE: no event but {other:?}"))),
    }
}

async fn connect(socket: &Path) -> Result<Client, BenchError> {
    rsvici::unix::connect(socket).await.map_err(BenchError::file(socket))
}

async fn ask(client: &mut Client, command: &str, with: &[(&str, &str)]) -> Result<(), BenchError> {
    let message: BTreeMap<&str, &str> = with.iter().copied().collect();
    let answer: BTreeMap<String, String> =
        client.request(command, &message).await.map_err(|e| BenchError::Subject(format!("{command}: {e}")))?;
    match answer.get("success").map(String::as_str) {
        Some("no") => Err(BenchError::Subject(format!("{command}: {answer:?}"))),
        _ => Ok(()),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, BenchError>>) -> Result<T, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(BenchError::file("a runtime"))?.block_on(work)
}
