//! The Debian packages the lab needs, installed without starting any of their daemons.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Package and the file that shows it is there: asking the file system costs nothing where all is installed.
const NEEDED: &[(&str, &str)] = &[
    ("openvswitch-switch", "/usr/sbin/ovs-vswitchd"),
    ("openvswitch-testcontroller", "/usr/bin/ovs-testcontroller"),
    ("charon-systemd", "/usr/sbin/charon-systemd"),
    ("strongswan-swanctl", "/usr/sbin/swanctl"),
    ("libstrongswan-standard-plugins", "/usr/lib/ipsec/plugins/libstrongswan-openssl.so"),
    ("libcharon-extauth-plugins", "/usr/lib/ipsec/plugins/libstrongswan-eap-mschapv2.so"),
    ("libcharon-extra-plugins", "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"),
    ("libstrongswan-extra-plugins", "/usr/lib/ipsec/plugins/libstrongswan-pkcs11.so"),
    ("softhsm2", "/usr/bin/softhsm2-util"),
    ("opensc", "/usr/bin/pkcs11-tool"),
    ("swtpm", "/usr/bin/swtpm"),
    ("libtpm2-pkcs11-1", "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1"),
    ("tpm2-abrmd", "/usr/sbin/tpm2-abrmd"),
    ("libtss2-tcti-swtpm0", "/usr/lib/x86_64-linux-gnu/libtss2-tcti-swtpm.so.0"),
    ("libtss2-tcti-tabrmd0", "/usr/lib/x86_64-linux-gnu/libtss2-tcti-tabrmd.so.0"),
    ("p11-kit", "/usr/bin/p11-kit"),
    ("p11-kit-modules", "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"),
    ("dbus-daemon", "/usr/bin/dbus-daemon"),
    ("nftables", "/usr/sbin/nft"),
    ("iproute2", "/usr/sbin/ip"),
    ("ethtool", "/usr/sbin/ethtool"),
    ("iputils-ping", "/usr/bin/ping"),
    ("openssl", "/usr/bin/openssl"),
    ("curl", "/usr/bin/curl"),
    ("tshark", "/usr/bin/tshark"),
    ("util-linux", "/usr/bin/unshare"),
    ("postgresql-15", "/usr/lib/postgresql/15/bin/initdb"),
    ("clamav-daemon", "/usr/sbin/clamd"),
    ("gcc", "/usr/bin/cc"),
    ("cvc5", "/usr/bin/cvc5"),
    ("chromium", "/usr/bin/chromium"),
    ("libnss3-tools", "/usr/bin/certutil"),
    ("fonts-ipafont-gothic", "/usr/share/fonts/opentype/ipafont-gothic/ipagp.ttf"),
];

/// Installs what is missing.
pub fn install() -> Result<(), String> {
    let missing: Vec<&str> = NEEDED.iter().filter(|(_, file)| !is_there(file)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing Debian packages: {}", missing.join(" "));
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!("this machine has no apt-get; install by hand: {}", missing.join(" ")));
    }
    let guard = NoDaemons::hold();
    let result = apt(&["update", "-qq"]).and_then(|()| {
        let mut args = vec!["install", "-y", "-qq", "--no-install-recommends"];
        args.extend(&missing);
        apt(&args)
    });
    drop(guard);
    result?;
    match NEEDED.iter().find(|(_, file)| !is_there(file)) {
        Some((package, file)) => Err(format!("package {package} is installed but {file} is not there")),
        None => Ok(()),
    }
}

/// `/usr/sbin` and `/sbin`, `/usr/bin` and `/bin` are one on a merged system, but not on every one.
fn is_there(file: &str) -> bool {
    Path::new(file).exists() || file.strip_prefix("/usr").is_some_and(|short| Path::new(short).exists())
}

fn apt(args: &[&str]) -> Result<(), String> {
    let output = Command::new("apt-get")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("apt-get does not start: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "apt-get {} failed; run it as root with a working package mirror\n{}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// While held, `invoke-rc.d` starts nothing: the lab runs its own daemons and must not wake the system's.
struct NoDaemons(bool);

impl NoDaemons {
    const PATH: &'static str = "/usr/sbin/policy-rc.d";

    fn hold() -> Self {
        if Path::new(Self::PATH).exists() {
            return Self(false);
        }
        let written = fs::write(Self::PATH, "#!/bin/sh\nexit 101\n").is_ok()
            && fs::set_permissions(Self::PATH, fs::Permissions::from_mode(0o755)).is_ok();
        Self(written)
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if self.0 {
            let _ = fs::remove_file(Self::PATH);
        }
    }
}
