//! A site with two gates, and what it costs to lose the active one (N6).

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use lab::Download;
use texts::Lang;

use super::{Stage, StageError, UP, put, until};
use crate::configuration;
use crate::people::Person;
use crate::set::{Accord, Set};

const WAIT: Duration = Duration::from_secs(60);
/// Where each of the two listens for the switch.
const PAIR: [(&str, &str); 2] = [("a", "169.254.77.1:6653"), ("b", "169.254.77.1:6654")];

/// systemd's way to end who gives no sign of life.
const SIGABRT: i32 = 6;

/// What a failover took.
#[derive(Debug, Clone, Copy)]
pub struct Failover {
    /// Longest silence of a download that ran through it.
    pub silence: Duration,
    /// From the death of the active gate until a new line was open, the command's own time included.
    pub opens_again: Duration,
}

impl Stage {
    /// The story's network with two gates at the clinic, and one agreement more: so that a second line can be opened.
    pub fn raise_pair(lang: Lang, progress: &(dyn Fn(&str) + Sync)) -> Result<Self, StageError> {
        let mut set = Set::story();
        set.accords.push(Accord {
            id: "A-0015".into(),
            consumer: "aoba".into(),
            provider: "midori".into(),
            service: "midori/drug-information".into(),
            both_sign: true,
        });
        let mut stage = Self::raise_set(lang, 0, set, progress)?;
        stage.pair_gates("clinic")?;
        Ok(stage)
    }

    /// Puts two gates in the place of a site's one: `a` becomes the active one, `b` waits beside it.
    pub fn pair_gates(&mut self, site: &str) -> Result<(), StageError> {
        self.kill_gate(site);
        let single = configuration::gate_config(&self.dir, site);
        let text = fs::read_to_string(&single).map_err(StageError::file(&single))?;
        let folder = single.parent().unwrap_or(&self.dir).to_path_buf();
        for (name, listen) in PAIR {
            let text = text
                .replace("data = \"data\"", &format!("gate = \"{name}\"\ndata = \"data-{name}\""))
                .replace("169.254.77.1:6653", listen);
            put(&folder, &format!("gate-{name}.toml"), text)?;
        }
        let targets = PAIR.map(|(_, listen)| format!("ssl:{listen}"));
        self.lab.site(site)?.switch.set_controllers(&targets.each_ref().map(String::as_str))?;
        self.start_one_of(site, "a")?;
        if !until(UP, || self.elections(site) == 1) {
            return Err(self.not_settled("the first gate was not elected"));
        }
        self.in_force()?;
        self.start_one_of_beside(site, "b")
    }

    /// How often a gate of the site became the active one. (All gates of a site write one log.)
    pub fn elections(&self, site: &str) -> usize {
        self.log_of_pair(site).matches("this gate is the active one now").count()
    }

    fn waits(&self, site: &str) -> usize {
        self.log_of_pair(site).matches("waiting beside the active gate").count()
    }

    fn log_of_pair(&self, site: &str) -> String {
        PAIR.iter()
            .map(|(name, _)| self.gate_log(&of(site, name), 100_000))
            .find(|log| !log.is_empty())
            .unwrap_or_default()
    }

    /// Starts one of a site's two gates while the other is active, and waits until it waits.
    pub fn start_one_of_beside(&mut self, site: &str, name: &str) -> Result<(), StageError> {
        let before = self.waits(site);
        self.start_one_of(site, name)?;
        let waits = until(UP, || self.waits(site) > before);
        if waits { Ok(()) } else { Err(self.not_settled("the other gate does not wait")) }
    }

    /// Starts one of a site's two gates.
    pub fn start_one_of(&mut self, site: &str, name: &str) -> Result<(), StageError> {
        let command = self.command_of(site, name);
        let gate = self.lab.spawn_in(&format!("sk-{site}-black"), command)?;
        self.gates.insert(of(site, name), gate);
        Ok(())
    }

    fn command_of(&self, site: &str, name: &str) -> Command {
        let single = configuration::gate_config(&self.dir, site);
        let mut command = Command::new(self.binary("sekisho-gate"));
        command.arg("--config").arg(single.with_file_name(format!("gate-{name}.toml")));
        command
    }

    /// Starts one of a site's two gates beside the other as systemd does with `Type=notify` and `WatchdogSec=`.
    pub fn start_one_of_watched(&mut self, site: &str, name: &str, within: Duration) -> Result<Watched, StageError> {
        let path = self.dir.join(format!("notify-{site}-{name}"));
        let socket = UnixDatagram::bind(&path).map_err(StageError::file(&path))?;
        let mut command = self.command_of(site, name);
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", within.as_micros().to_string());
        let before = self.waits(site);
        let gate = self.lab.spawn_in(&format!("sk-{site}-black"), command)?;
        self.gates.insert(of(site, name), gate);
        let watched = Watched { socket, within };
        if watched.next(UP).as_deref() != Some("READY=1") {
            return Err(self.not_settled("the gate does not say that it runs"));
        }
        let waits = until(UP, || self.waits(site) > before);
        if waits { Ok(watched) } else { Err(self.not_settled("the other gate does not wait")) }
    }

    /// Kills the active one of the clinic's two gates while a line carries a download, and opens another line.
    ///
    /// Measured as `gate-failover`. [`Stage::raise_pair`] comes before; the clinic has one gate left after.
    pub fn fail_over(&mut self) -> Result<Failover, StageError> {
        let product = |what: String| StageError::Product(what);
        let opened = self.open("clinic/exam-1", Person::Doctor, "keyaki/records")?;
        if opened.code != 0 {
            return Err(product(opened.seen()));
        }
        let doctor = self.lab.netns("sk-clinic-exam-1")?;
        let download = Download::start(doctor, self.record_server(), WAIT)?;
        if !download.flows(100_000, WAIT) {
            return Err(product("the download does not begin".into()));
        }
        let killed = Instant::now();
        self.kill_gate(&of("clinic", "a"));
        let mut silence = Duration::ZERO;
        let opens_again = loop {
            let answered = self.open("clinic/exam-1", Person::Doctor, "midori/drug-information")?;
            silence = silence.max(download.last_byte().elapsed());
            if answered.code == 0 {
                break killed.elapsed();
            }
            if killed.elapsed() > UP {
                let why = format!("no line opens after the takeover: {}", answered.seen());
                return Err(product(format!(
                    "{why}\n{}\n{}",
                    self.gate_log(&of("clinic", "b"), 40),
                    self.center_log(30)
                )));
            }
        };
        if download.ended() || !download.flows(100_000, WAIT) {
            return Err(product("the open line did not outlive the gate".into()));
        }
        Ok(Failover { silence, opens_again })
    }
}

/// What is done to one of a site's two gates, by name.
impl Stage {
    /// A planned stop (SIGTERM). True if it ended by itself and in order.
    pub fn stop_one_of(&mut self, site: &str, name: &str) -> bool {
        let gate = self.gates.remove(&of(site, name));
        gate.and_then(|mut gate| gate.stop(WAIT)).is_some_and(|status| status.success())
    }

    /// It lives and does nothing.
    pub fn pause_one_of(&mut self, site: &str, name: &str) {
        if let Some(gate) = self.gates.get_mut(&of(site, name)) {
            gate.pause();
        }
    }

    /// It goes on. True if it then ends by itself, as one that was replaced.
    pub fn resume_one_of(&mut self, site: &str, name: &str) -> bool {
        let Some(mut gate) = self.gates.remove(&of(site, name)) else { return false };
        gate.resume();
        gate.wait(WAIT).is_some_and(|status| !status.success())
    }

    /// Its watchdog ran out. True if it ended by that.
    pub fn abort_one_of(&mut self, site: &str, name: &str) -> bool {
        let Some(mut gate) = self.gates.remove(&of(site, name)) else { return false };
        gate.abort();
        gate.wait(WAIT).is_some_and(|status| status.signal() == Some(SIGABRT))
    }

    /// How often a gate of the site gave its lease back.
    pub fn given_back(&self, site: &str) -> usize {
        self.log_of_pair(site).matches("the lease is given back").count()
    }
}

/// What systemd hears of a gate.
#[derive(Debug)]
pub struct Watched {
    socket: UnixDatagram,
    within: Duration,
}

impl Watched {
    /// True as soon as no sign of life came for as long as was agreed; false if signs go on coming for `limit`.
    pub fn hangs(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if self.next(self.within).is_none() {
                return true;
            }
        }
        false
    }

    /// The next word, if one comes in time.
    pub fn next(&self, within: Duration) -> Option<String> {
        let mut buffer = [0; 64];
        self.socket.set_read_timeout(Some(within)).ok()?;
        let count = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(buffer.get(..count)?).into_owned())
    }
}

fn of(site: &str, name: &str) -> String {
    format!("{site}/{name}")
}
