//! The client VPN on the applicant's machine: a real strongSwan, set up with the files that the page hands out.

use authority::Issued;
use lab::StrongSwan;
use std::fs;
use std::time::{Duration, Instant};
use story::StageError;

use crate::configuration::put;
use crate::house::said;

const PATIENCE: Duration = Duration::from_secs(120);
/// Where the profile wants the password.
const HERE: &str = "PUT-YOUR-VPN-PASSWORD-HERE";

/// strongSwan as the manual says.
pub struct Client {
    strongswan: StrongSwan,
    profile: String,
}

impl Client {
    /// On a machine with its certificate.
    pub(crate) fn new(strongswan: StrongSwan, machine: &Issued) -> Result<Self, StageError> {
        let folder = strongswan.directory();
        for part in ["x509", "x509ca", "private"] {
            fs::create_dir_all(folder.join(part)).map_err(said)?;
        }
        put(&folder.join("x509/sekisho-machine.crt"), machine.cert_pem.as_bytes())?;
        put(&folder.join("private/sekisho-machine.key"), machine.key_pem.as_bytes())?;
        Ok(Self { strongswan, profile: String::new() })
    }

    /// Puts the files of the page where the manual says.
    pub fn set_up(&mut self, profile: &str, server_ca: &str) -> Result<(), StageError> {
        put(&self.strongswan.directory().join("x509ca/sekisho-server-ca.crt"), server_ca.as_bytes())?;
        profile.clone_into(&mut self.profile);
        if profile.contains(HERE) { Ok(()) } else { Err(StageError::Product(format!("no profile: {profile}"))) }
    }

    /// Tries once to connect.
    pub fn connect(&self, password: &str) -> Result<(), StageError> {
        self.disconnect();
        let conf = self.profile.replace(HERE, password);
        put(&self.strongswan.directory().join("swanctl.conf"), conf.as_bytes())?;
        self.strongswan.swanctl(&["--load-all", "--noprompt", "--clear"])?;
        self.strongswan.swanctl(&["--initiate", "--child", "sekisho", "--timeout", "25"])?;
        Ok(())
    }

    /// Connects; the VPN server is told of a new password a moment after the page showed it.
    pub fn connect_soon(&self, password: &str) -> Result<(), StageError> {
        let begun = Instant::now();
        loop {
            match self.connect(password) {
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Ends the line, if there is one.
    pub fn disconnect(&self) {
        let _ = self.strongswan.swanctl(&["--terminate", "--ike", "sekisho", "--force", "--timeout", "5"]);
    }

    /// What it said last.
    pub fn log(&self) -> String {
        self.strongswan.log_tail(20)
    }
}
