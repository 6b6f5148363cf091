//! A real clamd with a database of two signatures: for tests and the demo. It ends when dropped, and when the process
//! that started it is killed.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What our own signature finds; harmless, and found by nobody else.
pub const HARMFUL: &[u8] = b"SEKISHO-HARMFUL-SAMPLE-0001";

/// The file that every scanner finds (EICAR), made here so that no scanner finds our sources.
pub fn eicar() -> Vec<u8> {
    [br"X5O!P%@AP[4\PZX54(P^)7CC)7}$".as_slice(), b"EICAR-STANDARD-", b"ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

/// A clamd.
pub struct Scanner {
    supervisor: Child,
    /// Its socket.
    pub socket: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

const SUPERVISOR: &str = r#"
/usr/sbin/clamd --config-file="$1/clamd.conf" >"$1/log" 2>&1 </dev/null &
pid=$!
n=0
until [ -S "$1/clamd.sock" ]; do
    kill -0 $pid && [ $n -lt 600 ] || { cat "$1/log" >&2; exit 1; }
    n=$((n + 1))
    sleep 0.1
done
echo ready
cat >/dev/null
kill $pid
wait $pid
rm -f "$1/clamd.sock"
"#;

impl Scanner {
    /// One for everybody in this process who does not stop it.
    ///
    /// # Errors
    /// As [`Scanner::start`].
    pub fn shared() -> io::Result<Arc<Self>> {
        static RUNNING: Mutex<Weak<Scanner>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scanner) = running.upgrade() {
            return Ok(scanner);
        }
        let folder = tempfile::tempdir()?;
        let mut scanner = Self::start(folder.path(), true)?;
        scanner._folder = Some(folder);
        let scanner = Arc::new(scanner);
        *running = Arc::downgrade(&scanner);
        Ok(scanner)
    }

    /// In a folder; one that sees knows the EICAR test file.
    ///
    /// # Errors
    /// The Debian package `clamav-daemon` is not installed, or clamd does not start.
    pub fn start(folder: &Path, sees: bool) -> io::Result<Self> {
        if !Path::new("/usr/sbin/clamd").exists() {
            return Err(io::Error::other("install the Debian package clamav-daemon"));
        }
        let database = folder.join("db");
        fs::create_dir_all(&database)?;
        let signature = |name: &str, bytes: &[u8]| format!("{name}:0:*:{}\n", hex::encode(bytes));
        let mut signatures = signature("Sekisho.Test.Harmful", HARMFUL);
        if sees {
            signatures += &signature("Sekisho.Test.Eicar", &eicar()[28..62]);
        }
        fs::write(database.join("local.ndb"), signatures)?;
        let socket = folder.join("clamd.sock");
        let configuration = format!(
            "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nStreamMaxLength 80M\nMaxFileSize 80M\n\
             MaxScanSize 80M\nAlertExceedsMax yes\nConcurrentDatabaseReload no\nMaxThreads 2\n",
            socket.display(),
            database.display()
        );
        fs::write(folder.join("clamd.conf"), configuration)?;
        let mut supervisor = Command::new("/bin/sh")
            .args(["-c", SUPERVISOR, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = supervisor.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
        BufReader::new(out).read_line(&mut line)?;
        let scanner = Self { supervisor, socket, _folder: None };
        if line.trim() == "ready" { Ok(scanner) } else { Err(io::Error::other("clamd did not start")) }
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_is_the_part_that_names_the_file() {
        assert_eq!(super::eicar().len(), 68);
        assert_eq!(super::eicar()[28..62], [b"EICAR-STANDARD-".as_slice(), b"ANTIVIRUS-TEST-FILE"].concat());
    }
}
