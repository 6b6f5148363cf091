//! Software tokens that stand for smart cards: SoftHSM through its own tools.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{LabError, process};

/// PKCS#11 module of SoftHSM on Debian.
pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// One token in a store of its own, with a key pair and its certificate under `CKA_ID` 01.
#[derive(Debug, Clone)]
pub struct Token {
    conf: PathBuf,
    label: String,
}

impl Token {
    /// Makes the store in `dir` if need be, a token in it, and imports key (PKCS#8 PEM) and certificate (PEM).
    ///
    /// Several tokens may share a `dir`: they show up as cards in several slots of one reader.
    pub fn create(dir: &Path, label: &str, pin: &str, key_pem: &str, cert_pem: &str) -> Result<Self, LabError> {
        let tokens = dir.join("tokens");
        fs::create_dir_all(&tokens).map_err(LabError::io(tokens.display().to_string()))?;
        let conf = dir.join("softhsm2.conf");
        let settings = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            tokens.display()
        );
        let write = |path: &Path, text: &str| {
            fs::write(path, text).map_err(LabError::io(path.display().to_string()))?;
            fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(LabError::io(path.display().to_string()))
        };
        write(&conf, &settings)?;
        let token = Self { conf, label: label.into() };
        process::run(token.tool("softhsm2-util").args([
            "--init-token",
            "--free",
            "--label",
            label,
            "--so-pin",
            "12345678",
            "--pin",
            pin,
        ]))?;
        let key = dir.join("import.pem");
        write(&key, key_pem)?;
        let mut import = token.tool("softhsm2-util");
        import.arg("--import").arg(&key).args(["--token", label, "--label", label, "--id", "01", "--pin", pin]);
        let imported = process::run(&mut import);
        fs::remove_file(&key).map_err(LabError::io(key.display().to_string()))?;
        imported?;
        let cert = dir.join("import.crt");
        let der = dir.join("import.der");
        write(&cert, cert_pem)?;
        process::run(
            Command::new("openssl").args(["x509", "-outform", "der", "-in"]).arg(&cert).arg("-out").arg(&der),
        )?;
        let mut store = token.tool("pkcs11-tool");
        store.args(["--module", MODULE, "--token-label", label, "--login", "--pin", pin, "--write-object"]);
        process::run(store.arg(&der).args(["--type", "cert", "--id", "01", "--label", label]))?;
        for file in [cert, der] {
            fs::remove_file(&file).map_err(LabError::io(file.display().to_string()))?;
        }
        Ok(token)
    }

    /// Value of `SOFTHSM2_CONF` for a process that shall see this token; must be set before the module is loaded.
    #[must_use]
    pub fn conf(&self) -> &Path {
        &self.conf
    }

    /// The PKCS#11 module.
    #[must_use]
    pub fn module(&self) -> &'static Path {
        Path::new(MODULE)
    }

    /// Label by which to find the token: slot numbers change when a token is made.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", &self.conf);
        command
    }
}
