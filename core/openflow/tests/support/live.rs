//! An Open vSwitch of our own in a scratch folder and network namespace, and a controller for it.
#![expect(clippy::disallowed_methods, reason = "a test of a real switch has a real clock")]

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use openflow::*;
use tempfile::TempDir;

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
const PATIENCE: Duration = Duration::from_secs(30);
pub const DATAPATH: u64 = 0x42;

/// A bridge `br0` with dummy ports `p1` and `p2`, which connects to our sockets.
pub struct Switch {
    directory: TempDir,
    daemons: Vec<Child>,
}

impl Switch {
    /// `protocols` as in the bridge's column; empty for the default.
    pub fn start(protocols: &str) -> Self {
        assert!(Path::new(SCHEMA).exists(), "ovs-vswitchd is needed: install the package openvswitch-switch");
        let mut switch = Self { directory: TempDir::new().unwrap(), daemons: Vec::new() };
        switch.run("ovsdb-tool", &["create", &switch.path("conf.db"), SCHEMA]);
        let database = switch.path("db.sock");
        switch.daemon("ovsdb-server", &[&switch.path("conf.db"), &format!("--remote=punix:{database}"), "--log-file"]);
        switch.wait_for(&database);
        switch.vsctl(&["--no-wait", "init"]);
        let control = switch.path("vswitchd.ctl");
        switch.daemon(
            "ovs-vswitchd",
            &[
                &format!("unix:{database}"),
                "--enable-dummy",
                "--disable-system",
                "--log-file",
                &format!("--unixctl={control}"),
            ],
        );
        switch.wait_for(&control);
        switch.vsctl(&[
            "add-br",
            "br0",
            "--",
            "set",
            "bridge",
            "br0",
            "datapath_type=dummy",
            "fail_mode=secure",
            "other-config:datapath-id=0000000000000042",
            &format!("protocols=[{protocols}]"),
            "--",
            "add-port",
            "br0",
            "p1",
            "--",
            "set",
            "interface",
            "p1",
            "type=dummy",
            "ofport_request=1",
            "--",
            "add-port",
            "br0",
            "p2",
            "--",
            "set",
            "interface",
            "p2",
            "type=dummy",
            "ofport_request=2",
        ]);
        switch
    }

    /// Connects one controller, or several at once.
    pub fn controllers<const N: usize>(&self) -> [Controller; N] {
        let paths: [String; N] = std::array::from_fn(|n| self.path(&format!("br0.controller{n}")));
        let listeners = paths.each_ref().map(|path| UnixListener::bind(path).unwrap());
        let targets = paths.each_ref().map(|path| format!("unix:{path}"));
        let mut arguments = vec!["set-controller", "br0"];
        arguments.extend(targets.iter().map(String::as_str));
        self.vsctl(&arguments);
        listeners.map(|listener| Controller::accept(&listener))
    }

    pub fn vsctl(&self, arguments: &[&str]) -> String {
        let database = format!("--db=unix:{}", self.path("db.sock"));
        let mut all = vec![database.as_str(), "--timeout=30"];
        all.extend(arguments);
        self.run("ovs-vsctl", &all)
    }

    pub fn appctl(&self, arguments: &[&str]) -> String {
        let control = self.path("vswitchd.ctl");
        let mut all = vec!["--timeout=30", "-t", control.as_str()];
        all.extend(arguments);
        self.run("ovs-appctl", &all)
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("OVS_RUNDIR", self.directory.path())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}; install openvswitch-switch"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// In a network namespace of its own, and never outliving the test.
    fn daemon(&mut self, program: &str, arguments: &[&str]) {
        let child = Command::new("unshare")
            .args(["--map-root-user", "--net", "setpriv", "--pdeathsig", "KILL", program])
            .args(arguments)
            .env("OVS_RUNDIR", self.directory.path())
            .env("OVS_LOGDIR", self.directory.path())
            .env("OVS_DBDIR", self.directory.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare is needed: install the package util-linux");
        self.daemons.push(child);
    }

    fn wait_for(&self, socket: &str) {
        let start = Instant::now();
        while UnixStream::connect(socket).is_err() {
            assert!(start.elapsed() < PATIENCE, "{socket} does not appear; {}", self.logs());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn logs(&self) -> String {
        ["ovsdb-server.log", "ovs-vswitchd.log"]
            .map(|name| std::fs::read_to_string(self.path(name)).unwrap_or_default())
            .join("\n")
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// The crate's channel on a real socket.
pub struct Controller {
    stream: UnixStream,
    pub channel: Channel,
    started: Instant,
    events: VecDeque<ChannelEvent>,
    pub features: Features,
}

impl Controller {
    fn accept(listener: &UnixListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        let started = Instant::now();
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(started.elapsed() < PATIENCE, "the switch does not connect");
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(error) => panic!("{error}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut controller = Self {
            stream,
            channel: Channel::new(ChannelConfig::default(), 0),
            started,
            events: VecDeque::new(),
            features: Features::default(),
        };
        controller.features = controller.wait(|_, event| match event {
            ChannelEvent::Up { features, version: 4 } => Some(features),
            other => panic!("{other:?} before Up"),
        });
        controller
    }

    pub fn send(&mut self, message: Message) -> u32 {
        self.channel.send(&message).unwrap()
    }

    /// Takes events until one gives a value; the others are gone.
    pub fn wait<T>(&mut self, mut want: impl FnMut(&mut Channel, ChannelEvent) -> Option<T>) -> T {
        let limit = Instant::now() + PATIENCE;
        loop {
            while let Some(event) = self.events.pop_front() {
                assert!(!matches!(event, ChannelEvent::Failed(_) | ChannelEvent::Undecodable(_)), "{event:?}");
                if let Some(found) = want(&mut self.channel, event) {
                    return found;
                }
            }
            self.stream.write_all(&self.channel.take_output()).unwrap();
            assert!(Instant::now() < limit, "nothing of the kind came");
            let mut chunk = [0; 65536];
            let now = self.started.elapsed().as_millis() as u64;
            match self.stream.read(&mut chunk) {
                Ok(0) => panic!("the switch closed the connection"),
                Ok(length) => self.events.extend(self.channel.handle(&chunk[..length], now)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.events.extend(self.channel.handle_timeout(now));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits for the barrier; returns what came before it.
    pub fn barrier(&mut self) -> Vec<Message> {
        let barrier = self.send(Message::BarrierRequest);
        let mut before = Vec::new();
        self.wait(|_, event| match event {
            ChannelEvent::Message { xid, message: Message::BarrierReply } if xid == barrier => Some(()),
            ChannelEvent::Message { message, .. } => {
                before.push(message);
                None
            }
            _ => None,
        });
        before
    }

    /// Sends a message that must be accepted.
    pub fn accepted(&mut self, message: Message) {
        let text = format!("{message:?}");
        self.send(message);
        let answers = self.barrier();
        let errors: Vec<_> = answers.iter().filter(|m| matches!(m, Message::Error(_))).collect();
        assert!(errors.is_empty(), "{errors:?} for {text}");
    }

    /// Sends a message that must be refused.
    pub fn refused(&mut self, message: Message) -> ErrorMessage {
        self.send(message);
        self.barrier()
            .into_iter()
            .find_map(|answer| match answer {
                Message::Error(error) => Some(error),
                _ => None,
            })
            .expect("the switch refuses")
    }

    /// Asks, and puts the parts of the answer together.
    pub fn ask(&mut self, body: MultipartRequestBody) -> MultipartReplyBody {
        let request = self.send(Message::MultipartRequest(MultipartRequest::new(body)));
        let mut reassembly = Reassembly::new(100_000);
        self.wait(|_, event| match event {
            ChannelEvent::Message { xid, message: Message::MultipartReply(reply) } if xid == request => {
                reassembly.push(xid, reply).unwrap()
            }
            ChannelEvent::Message { message: Message::Error(error), .. } => panic!("{error:?}"),
            _ => None,
        })
    }

    pub fn flows(&mut self, request: FlowStatsRequest) -> Vec<FlowStats> {
        match self.ask(MultipartRequestBody::Flow(request)) {
            MultipartReplyBody::Flow(flows) => flows,
            other => panic!("{other:?}"),
        }
    }

    pub fn bundle(&mut self, bundle_id: u32, messages: &[Message]) -> BundleOutcome {
        let mut transaction = BundleTransaction::start(&mut self.channel, bundle_id, messages).unwrap();
        self.wait(|channel, event| match event {
            ChannelEvent::Message { xid, message } => transaction.handle(channel, xid, &message),
            _ => None,
        })
    }
}
