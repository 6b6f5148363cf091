//! The peer: an IKE_SA with its CHILD_SA between the same two daemons, asked for over VICI, and nothing around it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use rsvici::Client;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::json;
use story::Stage;
use tokio_stream::StreamExt as _;

use crate::BenchError;

const WAIT: Duration = Duration::from_secs(10);

pub(super) struct Bare {
    /// Milliseconds, IKE_SA and CHILD_SA.
    pub initiate: Vec<f64>,
    /// Milliseconds, CHILD_SA.
    pub terminate: Vec<f64>,
    /// The same by the `swanctl` program, from its start to its end.
    pub command: Command,
}

/// Milliseconds, as in [`Bare`].
pub(super) struct Command {
    pub initiate: Vec<f64>,
    pub terminate: Vec<f64>,
}

/// Ends an IKE_SA and waits until it is gone at both ends.
pub(super) fn end_ike(stage: &Stage, name: &str) -> Result<(), BenchError> {
    let socket = stage.lab().site("clinic")?.charon.vici_socket();
    block_on(async {
        let mut client = connect(&socket).await?;
        // An error says that there was none.
        let _ = ask(&mut client, "terminate", &json!({ "ike": name, "timeout": "5000" })).await;
        Ok(())
    })?;
    let gone = || {
        ["clinic", "hospital"].iter().all(|s| {
            stage.lab().site(s).and_then(|s| s.charon.swanctl(&["--list-sas"])).is_ok_and(|said| !said.contains(name))
        })
    };
    if story::until(WAIT, gone) { Ok(()) } else { Err(BenchError::Subject(format!("{name} does not end"))) }
}

/// With the product's last line standing and its gates stopped, so that flow rules, filters and configuration are there
/// already: what the negotiation and the first byte alone take, and what is cut under the same download.
pub(super) struct Standing {
    /// Milliseconds, IKE_SA and CHILD_SA, to the first byte.
    pub cold: Vec<f64>,
    /// Milliseconds, CHILD_SA, to the first byte.
    pub warm: Vec<f64>,
    /// Milliseconds, `terminate` of the CHILD_SA to the last byte.
    pub cut: Vec<f64>,
}

/// Ends what a running download goes through.
pub(super) type Ending<'a> = dyn FnMut() -> Result<(), BenchError> + 'a;

/// Measures [`Standing`]. `first_byte` speaks to the service, `cut` ends what it is given under a running download.
pub(super) fn standing(
    stage: &Stage,
    grant: u64,
    rounds: usize,
    first_byte: &dyn Fn() -> Result<(), BenchError>,
    cut: &dyn Fn(&mut Ending<'_>) -> Result<f64, BenchError>,
) -> Result<Standing, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(BenchError::file("a runtime"))?;
    let socket = stage.lab().site("clinic")?.charon.vici_socket();
    let name = format!("g-{grant}");
    let child = json!({ "ike": "clinic--hospital", "child": name, "timeout": "-1" });
    let (mut client, mut listener) =
        runtime.block_on(async { Ok::<_, BenchError>((connect(&socket).await?, connect(&socket).await?)) })?;
    let mut children = std::pin::pin!(listener.subscribe::<IgnoredAny>("child-updown"));
    let mut turn = |command: &str| {
        runtime.block_on(async {
            let (said, event) = tokio::join!(ask(&mut client, command, &child), next(&mut children));
            said.and(event)
        })
    };
    let gone = || {
        let left = |s: &&str| stage.lab().site(s).and_then(|s| s.charon.swanctl(&["--list-sas"]));
        let gone = || ["clinic", "hospital"].iter().all(|s| left(s).is_ok_and(|said| !said.contains(&name)));
        if story::until(WAIT, gone) { Ok(()) } else { Err(BenchError::Subject(format!("{name} does not end"))) }
    };
    // A subscription begins with the first poll, and the child is up: the first turn only serves to begin it.
    turn("terminate")?;
    let mut found = Standing { cold: Vec::new(), warm: Vec::new(), cut: Vec::new() };
    for _ in 0..rounds {
        gone()?;
        let begin = Instant::now();
        turn("initiate")?;
        first_byte()?;
        found.warm.push(begin.elapsed().as_secs_f64() * 1e3);
        found.cut.push(cut(&mut || turn("terminate"))?);
    }
    for _ in 0..rounds {
        end_ike(stage, "clinic--hospital")?;
        let begin = Instant::now();
        turn("initiate")?;
        first_byte()?;
        found.cold.push(begin.elapsed().as_secs_f64() * 1e3);
        turn("terminate")?;
    }
    Ok(found)
}

/// The product is stopped; the daemons get its certificates, lists, algorithms and revocation policy, and one child.
pub(super) fn measure(stage: &Stage, rounds: usize) -> Result<Bare, BenchError> {
    let ends = [("clinic", "10.1.20.11/32[tcp]"), ("hospital", "10.2.10.10/32[tcp/443]")];
    for (site, _) in ends {
        stage.lab().site(site)?.charon.restart()?;
    }
    block_on(async {
        for (i, (site, local)) in ends.into_iter().enumerate() {
            let (peer, remote) = ends[1 - i];
            configure(stage, (site, local), (peer, remote)).await?;
        }
        let socket = stage.lab().site("clinic")?.charon.vici_socket();
        let mut client = connect(&socket).await?;
        let mut listener = connect(&socket).await?;
        let mut children = std::pin::pin!(listener.subscribe::<IgnoredAny>("child-updown"));
        let (mut initiate, mut terminate) = (Vec::new(), Vec::new());
        let child = json!({ "child": "bare", "timeout": "-1" });
        // A subscription begins with the first poll: the first round only serves to begin it.
        for round in 0..=rounds {
            let begin = Instant::now();
            let (said, event) = tokio::join!(ask(&mut client, "initiate", &child), next(&mut children));
            said?;
            event?;
            let up = begin.elapsed();
            let begin = Instant::now();
            let (said, event) = tokio::join!(ask(&mut client, "terminate", &child), next(&mut children));
            said?;
            event?;
            let down = begin.elapsed();
            ask(&mut client, "terminate", &json!({ "ike": "bare", "timeout": "5000" })).await?;
            if round > 0 {
                initiate.push(up.as_secs_f64() * 1e3);
                terminate.push(down.as_secs_f64() * 1e3);
            }
        }
        let command = by_command(stage, rounds)?;
        Ok(Bare { initiate, terminate, command })
    })
}

/// As a person or a script does it; the program ends when the daemon says that it is done.
fn by_command(stage: &Stage, rounds: usize) -> Result<Command, BenchError> {
    let charon = &stage.lab().site("clinic")?.charon;
    let took = |arguments: &[&str]| {
        let begin = Instant::now();
        charon.swanctl(arguments)?;
        Ok::<_, BenchError>(begin.elapsed().as_secs_f64() * 1e3)
    };
    let (mut initiate, mut terminate) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        initiate.push(took(&["--initiate", "--child", "bare"])?);
        terminate.push(took(&["--terminate", "--child", "bare"])?);
        took(&["--terminate", "--ike", "bare"])?;
    }
    Ok(Command { initiate, terminate })
}

/// What the gate tells its daemon, without the gate.
async fn configure(stage: &Stage, own: (&str, &str), peer: (&str, &str)) -> Result<(), BenchError> {
    let site = stage.lab().site(own.0)?;
    let mut client = connect(&site.charon.vici_socket()).await?;
    let home = stage.dir().join("gate").join(own.0);
    let text = |path: std::path::PathBuf| std::fs::read_to_string(&path).map_err(BenchError::file(path));
    let pem = |data: String, flag: &str| json!({ "type": "X509", "flag": flag, "data": data });
    ask(&mut client, "load-cert", &pem(text(home.join("cert.pem"))?, "NONE")).await?;
    ask(&mut client, "load-cert", &pem(text(stage.gate_ca())?, "CA")).await?;
    ask(&mut client, "load-key", &json!({ "type": "any", "data": text(home.join("key.pem"))? })).await?;
    let list = stage.dir().join("lists").join("gate.crl");
    let list = std::fs::read(&list).map_err(BenchError::file(list))?;
    ask(&mut client, "load-cert", &List { r#type: "X509_CRL", flag: "NONE", data: Bytes(list) }).await?;
    let identity = |site: &str| format!("{site}.gate.sekisho.test");
    let connection = json!({ "bare": {
        "version": "2",
        "local_addrs": [site.spec.wan.to_string()],
        "remote_addrs": [stage.lab().site(peer.0)?.spec.wan.to_string()],
        "proposals": [pki::ike_profile::IKE_PROPOSAL],
        "encap": "yes",
        "mobike": "no",
        "local": { "auth": "pubkey", "id": identity(own.0) },
        "remote": { "auth": "pubkey", "id": identity(peer.0), "revocation": "strict" },
        "children": { "bare": {
            "local_ts": [own.1],
            "remote_ts": [peer.1],
            "esp_proposals": [pki::ike_profile::ESP_PROPOSAL],
        }},
    }});
    ask(&mut client, "load-conn", &connection).await
}

#[derive(Serialize)]
struct List {
    r#type: &'static str,
    flag: &'static str,
    data: Bytes,
}

/// VICI values are bytes; a DER list is no text.
struct Bytes(Vec<u8>);
impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
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

async fn ask(client: &mut Client, command: &str, message: &impl Serialize) -> Result<(), BenchError> {
    let answer: BTreeMap<String, String> =
        client.request(command, message).await.map_err(|e| BenchError::Subject(format!("{command}: {e}")))?;
    match answer.get("success").map(String::as_str) {
        Some("no") => Err(BenchError::Subject(format!("{command}: {answer:?}"))),
        _ => Ok(()),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, BenchError>>) -> Result<T, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(BenchError::file("a runtime"))?.block_on(work)
}
