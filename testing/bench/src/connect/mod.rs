//! From a request to the first byte of the service, and from a close to the last, beside bare IKE between the same
//! two gateways.

mod bare;
pub(crate) mod terminal;

use std::io::Read;
use std::net::IpAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lab::{Download, Netns};
use story::{Person, Stage};
use texts::Lang;

use crate::{BenchError, Peer, Row, Summary};
use terminal::Terminal;

/// What the table stands on, unless somebody asks for fewer to look quickly.
pub const ROUNDS: usize = 200;
const WAIT: Duration = Duration::from_secs(10);
/// Gates keep the IKE SA between rounds; a cold round ends it itself.
const LINGER_MS: u32 = 600_000;

/// PKCS#11 reads where its tokens are from the environment, once, when it is loaded; this is in the lab's own `/run`.
pub(crate) const SOFTHSM: &str = "/run/sekisho-bench-softhsm2.conf";

/// Runs this program again with a card reader in its environment. To be called before [`lab::enter`].
pub fn with_card_reader() -> Result<(), BenchError> {
    if std::env::var_os("SOFTHSM2_CONF").is_some_and(|set| set == SOFTHSM) {
        return Ok(());
    }
    let me = std::env::current_exe().map_err(BenchError::file("this program"))?;
    let error = Command::new(&me).args(std::env::args_os().skip(1)).env("SOFTHSM2_CONF", SOFTHSM).exec();
    Err(BenchError::File { path: me, source: error })
}

/// Everything from one run of so many rounds each.
pub fn measure(rounds: usize, progress: &(dyn Fn(&str) + Sync)) -> Result<(Vec<Row>, String), BenchError> {
    progress("raising three sites");
    let mut stage = Stage::raise_lingering(Lang::En, LINGER_MS, &|_| {})?;
    stage.lab().capture().stop();
    let conf = stage.cards().token(Person::Doctor).conf();
    std::fs::copy(conf, SOFTHSM).map_err(BenchError::file(SOFTHSM))?;
    let module = stage.cards().token(Person::Doctor).module();
    let card = card::Driver::load(module)?.open(None, story::PIN)?;
    let netns = stage.lab().netns("sk-clinic-exam-1")?.clone();
    let server = stage.record_server().address;

    let mut terminal = Terminal::sign_on(&stage, &netns, card)?;
    let mut opener = Opener { terminal: &mut terminal, netns: &netns, server };
    progress("opening cold");
    let mut cold = Vec::new();
    for _ in 0..rounds {
        bare::end_ike(&stage, "clinic--hospital")?;
        cold.push(opener.round(false)?);
    }
    progress("opening warm, closing under a running download");
    let (mut warm, mut close) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (grant, took) = opener.open(false)?;
        warm.push(took);
        close.push(opener.cut(&stage, grant)?);
    }
    progress("opening warm, with the card");
    let mut with_card = Vec::new();
    for _ in 0..rounds {
        with_card.push(opener.round(true)?);
    }

    progress("negotiation and first byte alone, the line's rules standing");
    let (grant, _) = opener.open(false)?;
    for site in ["clinic", "hospital"] {
        stage.kill_gate(site);
    }
    let first_byte = || first_byte(&netns, server);
    let cut = |end: &mut bare::Ending<'_>| cut(&stage, &netns, end);
    let standing = bare::standing(&stage, grant, rounds, &first_byte, &cut)?;
    progress("bare IKE between the same gateways");
    let bare = bare::measure(&stage, rounds)?;
    let event = || peer("VICI initiate to charon's event, IKE_SA + CHILD_SA", &bare.initiate);
    let command = || peer("swanctl --initiate, IKE_SA + CHILD_SA", &bare.command.initiate);
    let byte = || peer("bare IKE_SA + CHILD_SA to the first byte", &standing.cold);
    let rows = vec![
        row("open-cold-like-for-like", cold.clone(), byte()?)?,
        row("open-warm-like-for-like", warm.clone(), byte()?)?,
        row("open-warm-with-card-like-for-like", with_card.clone(), byte()?)?,
        row("close-like-for-like", close.clone(), peer("bare terminate to the last byte", &standing.cut)?)?,
        row("open-warm-against-warm", warm.clone(), peer("bare CHILD_SA to the first byte", &standing.warm)?)?,
        row("open-cold", cold.clone(), event()?)?,
        row("open-warm", warm.clone(), event()?)?,
        row("open-warm-with-card", with_card.clone(), event()?)?,
        row("close", close.clone(), peer("VICI terminate to charon's event, CHILD_SA", &bare.terminate)?)?,
        row("open-cold-by-command", cold, command()?)?,
        row("open-warm-by-command", warm, command()?)?,
        row("open-warm-with-card-by-command", with_card, command()?)?,
        row("close-by-command", close, peer("swanctl --terminate, CHILD_SA", &bare.command.terminate)?)?,
    ];
    let notes = "open: from sending the request on the terminal's TLS session to the first byte from the service, through both\n\
                 sites; with-card: challenge and signature included. close: from sending it to the last byte of a running\n\
                 download. The same measurements stand in three comparisons; every peer runs between the same gateways, with the\n\
                 same certificates, lists, revocation policy and algorithms, and without decision, proof or record.\n\
                 like-for-like: the peer has its flow rules, filters and configuration already and ends where ours ends, at the\n\
                 first byte, or at the last byte of the same download. The bounds are meant for an IKE_SA with its CHILD_SA, so\n\
                 that is the peer of warm openings too; against-warm: the CHILD_SA alone.\n\
                 open-…, close: from the VICI command to charon's event at the same gateway, and no byte through the tunnel.\n\
                 by-command: the swanctl program from its start to its end, as a person or a script types it.\n";
    Ok((rows, notes.to_owned()))
}

struct Opener<'a> {
    terminal: &'a mut Terminal,
    netns: &'a Netns,
    server: IpAddr,
}

impl Opener<'_> {
    /// Opens, and closes without being measured.
    fn round(&mut self, with_card: bool) -> Result<f64, BenchError> {
        let (grant, took) = self.open(with_card)?;
        self.terminal.close(grant)?;
        Ok(took)
    }

    /// Milliseconds to the first byte.
    fn open(&mut self, with_card: bool) -> Result<(u64, f64), BenchError> {
        let (grant, begin) = if with_card {
            let begin = Instant::now();
            let signed = self.terminal.sign()?;
            (self.terminal.open(&signed)?, begin)
        } else {
            let signed = self.terminal.sign()?;
            let begin = Instant::now();
            (self.terminal.open(&signed)?, begin)
        };
        first_byte(self.netns, self.server)?;
        Ok((grant, begin.elapsed().as_secs_f64() * 1e3))
    }

    /// Milliseconds from asking to close to the last byte of a running download.
    fn cut(&mut self, stage: &Stage, grant: u64) -> Result<f64, BenchError> {
        cut(stage, self.netns, &mut || self.terminal.close(grant))
    }
}

/// A TLS server speaks as soon as it has heard a greeting: that byte came through both sites and back.
pub(crate) fn first_byte(netns: &Netns, server: IpAddr) -> Result<(), BenchError> {
    netns
        .within(|| -> std::io::Result<()> {
            let mut stream = lab::dial((server, 443).into(), WAIT)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(WAIT))?;
            terminal::greeting()?.write_tls(&mut stream)?;
            stream.read_exact(&mut [0])
        })?
        .map_err(BenchError::file("the record server"))
}

/// Milliseconds from the beginning of `end` to the last byte of a running download.
fn cut(stage: &Stage, netns: &Netns, end: &mut dyn FnMut() -> Result<(), BenchError>) -> Result<f64, BenchError> {
    let download = Download::start(netns, stage.record_server(), WAIT)?;
    if !download.flows(1 << 18, WAIT) {
        return Err(BenchError::Subject("the download does not run".into()));
    }
    let asked = Instant::now();
    end()?;
    let last = download
        .stalled(Duration::from_millis(150), WAIT)
        .ok_or_else(|| BenchError::Subject("the download goes on after its end".into()))?;
    Ok(last.saturating_duration_since(asked).as_secs_f64() * 1e3)
}

fn peer(name: &str, rounds: &[f64]) -> Result<Peer, BenchError> {
    let summary = Summary::of_times(rounds.to_vec()).ok_or_else(|| BenchError::Subject(format!("{name}: no round")))?;
    Ok(Peer { name: name.to_owned(), summary })
}

fn row(metric: &str, rounds: Vec<f64>, peer: Peer) -> Result<Row, BenchError> {
    let ours = Summary::of_times(rounds).ok_or_else(|| BenchError::Subject(format!("{metric}: no round")))?;
    Ok(Row::new(metric.to_owned(), "ms", ours, Some(peer)))
}

pub(crate) fn read(path: &Path) -> Result<String, BenchError> {
    std::fs::read_to_string(path).map_err(BenchError::file(path))
}
