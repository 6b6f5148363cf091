//! Secure elements (G1): SoftHSM, or a TPM 2.0 in software behind tpm2-pkcs11. Both are PKCS#11; what differs is what a
//! process needs in its environment to reach them.
//!
//! A TPM has few slots, and several processes use it at once: on a machine the kernel shares it (`/dev/tpmrm0`), here
//! tpm2-abrmd does, on a message bus of its own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Proc, until};
use crate::{LabError, Netns, softhsm};

/// PKCS#11 module of tpm2-pkcs11 on Debian.
pub const TPM_MODULE: &str = "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1";
/// Reaches a module that runs in a process of its own, `p11-kit server`. strongSwan reaches a TPM so: both its library and
/// tpm2-pkcs11 1.9 export a function `mutex_create`, and in one process the module would call strongSwan's.
const REMOTE_MODULE: &str = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so";
const SO_PIN: &str = "12345678";
const UP: Duration = Duration::from_secs(30);

/// A token in a secure element, and whatever runs behind it.
#[derive(Debug)]
pub struct SecureElement {
    module: &'static str,
    /// The module that strongSwan loads.
    charon_module: &'static str,
    label: String,
    pin: PathBuf,
    environment: Vec<(String, String)>,
    // Dropped in this order: who uses, then who is used.
    daemons: Vec<Proc>,
}

impl SecureElement {
    /// A token of SoftHSM in a store of its own.
    pub fn softhsm(dir: &Path, label: &str, pin: &str) -> Result<Self, LabError> {
        let tokens = dir.join("tokens");
        fs::create_dir_all(&tokens).map_err(LabError::io(tokens.display().to_string()))?;
        let conf = dir.join("softhsm2.conf");
        write(&conf, &format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display()))?;
        let environment = vec![("SOFTHSM2_CONF".to_owned(), conf.display().to_string())];
        let module = softhsm::MODULE;
        let (pin_file, charon_module, daemons) = (dir.join("pin"), module, vec![]);
        Self { module, charon_module, label: label.into(), pin: pin_file, environment, daemons }.initialised(pin)
    }

    /// A token in a TPM 2.0 of its own: swtpm, shared by tpm2-abrmd. They run in `netns`, where nothing may listen on
    /// ports 2321 and 2322 of loopback; who uses the element may be anywhere.
    pub fn tpm(netns: &Netns, dir: &Path, label: &str, pin: &str) -> Result<Self, LabError> {
        let (state, store, bus) = (dir.join("tpm"), dir.join("store"), dir.join("bus"));
        for folder in [&state, &store] {
            fs::create_dir_all(folder).map_err(LabError::io(folder.display().to_string()))?;
        }
        let mut command = Command::new("swtpm");
        command.args(["socket", "--tpm2", "--server", "type=tcp,port=2321", "--ctrl", "type=tcp,port=2322"]);
        command.args(["--flags", "not-need-init,startup-clear", "--tpmstate"]).arg(format!("dir={}", state.display()));
        let tpm = netns.spawn(command)?;
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--address"]).arg(format!("unix:path={}", bus.display()));
        let dbus = netns.spawn(command)?;
        ready("dbus-daemon", &dbus, || bus.exists())?;
        let address = ("DBUS_SESSION_BUS_ADDRESS".to_owned(), format!("unix:path={}", bus.display()));
        let environment = vec![
            address,
            ("TPM2_PKCS11_STORE".to_owned(), store.display().to_string()),
            ("TPM2_PKCS11_TCTI".to_owned(), "tabrmd:bus_type=session".to_owned()),
            // Debian's module tells of every slot it looks at; what matters comes as an error.
            ("TSS2_LOG".to_owned(), "all+none".to_owned()),
        ];
        let (pin_file, daemons) = (dir.join("pin"), vec![dbus, tpm]);
        let (module, charon_module) = (TPM_MODULE, REMOTE_MODULE);
        let mut element = Self { module, charon_module, label: label.into(), pin: pin_file, environment, daemons };
        let broker = element.broker(netns)?;
        element.daemons.insert(0, broker);
        element.initialised(pin)?.served(netns, &dir.join("p11-kit"))
    }

    fn served(mut self, netns: &Netns, socket: &Path) -> Result<Self, LabError> {
        let mut command = self.tool("p11-kit");
        command.args(["server", "--foreground", "--provider", self.module, "--name"]).arg(socket).arg("pkcs11:");
        let server = netns.spawn(command)?;
        ready("p11-kit server", &server, || socket.exists())?;
        self.daemons.insert(0, server);
        self.environment.push(("P11_KIT_SERVER_ADDRESS".to_owned(), format!("unix:path={}", socket.display())));
        Ok(self)
    }

    /// Ends what shares the TPM, and starts it again: whoever used the element lost it.
    pub fn restart_broker(&mut self, netns: &Netns) -> Result<(), LabError> {
        let at = self.daemons.len().saturating_sub(3);
        self.daemons.remove(at).stop(UP);
        let broker = self.broker(netns)?;
        self.daemons.insert(at, broker);
        Ok(())
    }

    /// swtpm may not listen yet when the broker asks for it: it is started until it stays.
    fn broker(&self, netns: &Netns) -> Result<Proc, LabError> {
        let mut broker = None;
        let mut failed = None;
        until(UP, || {
            let mut command = Command::new("tpm2-abrmd");
            command.args(["--allow-root", "--session", "--tcti=swtpm:port=2321"]).envs(self.environment.clone());
            match netns.spawn(command) {
                Ok(mut started) => {
                    let answers = || process::run(self.pkcs11().arg("--list-slots")).is_ok();
                    let up = until(Duration::from_secs(10), || !started.is_running() || answers());
                    if up && started.is_running() {
                        broker = Some(started);
                    }
                }
                Err(error) => failed = Some(error),
            }
            broker.is_some() || failed.is_some()
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let hint = "; look into tpm2-abrmd's log".to_owned();
        broker.ok_or(LabError::Timeout { what: "tpm2-abrmd".into(), seconds: UP.as_secs(), hint })
    }

    fn initialised(self, pin: &str) -> Result<Self, LabError> {
        write(&self.pin, pin)?;
        let token = ["--init-token", "--slot-index", "0", "--label", &self.label, "--so-pin", SO_PIN];
        process::run(self.pkcs11().args(token))?;
        let words = ["--init-pin", "--token-label", &self.label, "--login", "--login-type", "so", "--so-pin", SO_PIN];
        process::run(self.pkcs11().args(words).args(["--pin", pin]))?;
        Ok(self)
    }

    /// Makes a P-256 key in the element: its public half, SubjectPublicKeyInfo in PEM. `id` is CKA_ID, hexadecimal.
    pub fn make_key(&self, label: &str, id: &str) -> Result<String, LabError> {
        let pin = fs::read_to_string(&self.pin).map_err(LabError::io(self.pin.display().to_string()))?;
        let login = ["--token-label", &self.label, "--login", "--pin", &pin];
        let key = ["--keypairgen", "--key-type", "EC:prime256v1", "--label", label, "--id", id];
        process::run(self.pkcs11().args(login).args(key))?;
        let der = self.pin.with_file_name("public.der");
        let read = ["--read-object", "--type", "pubkey", "--id", id, "--output-file"];
        process::run(self.pkcs11().args(login).args(read).arg(&der))?;
        process::run(Command::new("openssl").args(["pkey", "-pubin", "-inform", "der", "-in"]).arg(&der))
    }

    /// `pkcs11-tool` with the element's module.
    #[must_use]
    pub fn pkcs11(&self) -> Command {
        let mut command = self.tool("pkcs11-tool");
        command.args(["--module", self.module]);
        command
    }

    /// Whatever else asks the element, with what it needs to reach it.
    #[must_use]
    pub fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment.clone());
        command
    }

    /// What a process must have in its environment.
    #[must_use]
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The PKCS#11 module.
    #[must_use]
    pub fn module(&self) -> &'static Path {
        Path::new(self.module)
    }

    /// The PKCS#11 module for strongSwan.
    #[must_use]
    pub fn charon_module(&self) -> &'static Path {
        Path::new(self.charon_module)
    }

    /// Label of the token.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// File with the token's PIN.
    #[must_use]
    pub fn pin_file(&self) -> &Path {
        &self.pin
    }
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    fs::write(path, text).map_err(LabError::io(path.display().to_string()))?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(LabError::io(path.display().to_string()))
}

fn ready(what: &str, daemon: &Proc, done: impl FnMut() -> bool) -> Result<(), LabError> {
    if until(UP, done) {
        return Ok(());
    }
    let hint = format!("; its log ends: {}", daemon.log_tail(5));
    Err(LabError::Timeout { what: what.into(), seconds: UP.as_secs(), hint })
}
