//! A real Chromium in a namespace of the lab: what a person at a terminal sees and presses.
//!
//! Driven by the Chrome DevTools Protocol over a pipe (`--remote-debugging-pipe`: JSON, each message ended by a zero
//! octet), so that no port is opened anywhere. Certificates lie in an NSS database of the browser's own; which one is
//! shown where is a managed policy, as an administrator would set it. It must not know the product.

mod key;
mod page;
mod papers;

pub use key::VirtualKey;
pub use page::Timings;
pub use papers::{Papers, policies};

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A loaded machine needs long to start a browser.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the browser could not be used.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The lab.
    #[error(transparent)]
    Lab(#[from] lab::LabError),
    /// A program or file.
    #[error("{what}: {source}")]
    Io {
        /// Which.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// A tool that refuses.
    #[error("{0}")]
    Tool(String),
    /// It answers with an error, or not in time.
    #[error("{method}: {why}")]
    Refused {
        /// What was asked.
        method: String,
        /// Its words.
        why: String,
    },
    /// What was waited for did not come.
    #[error("{what} did not come; the page says:\n{page}")]
    NotSeen {
        /// What.
        what: String,
        /// Text of the page.
        page: String,
    },
}

impl BrowserError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// How a browser is started.
pub struct Options<'a> {
    /// Its certificates; see [`Papers`].
    pub papers: &'a Papers,
    /// Name and address the name stands for; nobody asks a name server.
    pub hosts: &'a [(&'a str, std::net::IpAddr)],
    /// `ja` or `en`.
    pub lang: &'a str,
    /// Width and height of the window.
    pub window: (u32, u32),
    /// Dark colours.
    pub dark: bool,
}

/// A browser with one page. Dropping it ends it.
pub struct Browser {
    child: Child,
    to: PipeWriter,
    from: Receiver<Value>,
    page: String,
    next: u64,
}

impl Browser {
    /// Starts it in a namespace.
    pub fn start(netns: &lab::Netns, options: &Options<'_>) -> Result<Self, BrowserError> {
        let home = options.papers.home();
        let (theirs_in, ours_out) = std::io::pipe().map_err(BrowserError::io("pipe"))?;
        let (ours_in, theirs_out) = std::io::pipe().map_err(BrowserError::io("pipe"))?;
        let log = std::fs::File::create(home.join("chromium.log")).map_err(BrowserError::io("chromium.log"))?;
        let rules: Vec<String> = options
            .hosts
            .iter()
            .map(|(name, address)| match address {
                std::net::IpAddr::V4(address) => format!("MAP {name} {address}"),
                std::net::IpAddr::V6(address) => format!("MAP {name} [{address}]"),
            })
            .collect();
        let (width, height) = options.window;
        let mut command = Command::new("sh");
        // Chromium wants its pipe at descriptors 3 and 4.
        command.args(["-c", "exec 3<&0 4>&1 </dev/null >/dev/null; exec \"$@\"", "sh", "chromium"]);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
        ]);
        command.arg(format!("--user-data-dir={}", home.join("profile").display()));
        command.arg(format!("--host-resolver-rules={}", rules.join(",")));
        command.arg(format!("--window-size={width},{height}"));
        command.arg(format!("--lang={}", options.lang)).arg(format!("--accept-lang={}", options.lang));
        command.arg("about:blank");
        command.env("HOME", home).env("LANGUAGE", options.lang).env_remove("DBUS_SESSION_BUS_ADDRESS");
        command.stdin(Stdio::from(theirs_in)).stdout(Stdio::from(theirs_out)).stderr(log);
        let child = netns.within(move || command.spawn())?.map_err(BrowserError::io("chromium"))?;
        let (send, from) = channel();
        std::thread::spawn(move || read_messages(ours_in, &send));
        let mut browser = Self { child, to: ours_out, from, page: String::new(), next: 0 };
        browser.attach(options)?;
        Ok(browser)
    }

    fn attach(&mut self, options: &Options<'_>) -> Result<(), BrowserError> {
        let targets = self.ask("Target.getTargets", json!({}))?;
        let found = targets["targetInfos"].as_array().and_then(|all| all.iter().find(|t| t["type"] == "page")).cloned();
        let target = match found {
            Some(target) => target["targetId"].clone(),
            None => self.ask("Target.createTarget", json!({ "url": "about:blank" }))?["targetId"].clone(),
        };
        let attached = self.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true }))?;
        self.page = attached["sessionId"].as_str().unwrap_or_default().to_owned();
        self.ask("Page.enable", json!({}))?;
        self.ask("Runtime.enable", json!({}))?;
        self.appear(options.window, options.dark)
    }

    /// Calls a method and waits for its answer.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if !self.page.is_empty() {
            message["sessionId"] = json!(self.page);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).map_err(BrowserError::io("the browser's pipe"))?;
        let refused = |why: String| BrowserError::Refused { method: method.to_owned(), why };
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let answer = self.from.recv_timeout(left).map_err(|_| refused("no answer in time".into()))?;
            if answer["id"] != self.next {
                continue;
            }
            return match answer.get("error") {
                Some(error) => Err(refused(error.to_string())),
                None => Ok(answer["result"].clone()),
            };
        }
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_messages(from: PipeReader, send: &std::sync::mpsc::Sender<Value>) {
    let mut reader = BufReader::new(from);
    let mut bytes = Vec::new();
    while let Ok(1..) = reader.read_until(0, &mut bytes) {
        let message = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
        if let Ok(value) = serde_json::from_slice(message)
            && send.send(value).is_err()
        {
            return;
        }
        bytes.clear();
    }
}

/// Runs a tool that must succeed.
pub(crate) fn tool(command: &mut Command) -> Result<(), BrowserError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(BrowserError::io(name.clone()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(BrowserError::Tool(format!("{name}: {said}{}", String::from_utf8_lossy(&output.stdout).trim())))
}

pub(crate) fn path(path: &Path) -> String {
    path.display().to_string()
}
