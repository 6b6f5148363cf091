//! The scanner: clamd, by its INSTREAM command (clamd(8)).

use ring::digest;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Where clamd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clamd {
    /// `LocalSocket`.
    Unix(PathBuf),
    /// `TCPAddr` and `TCPSocket`. Nothing on this way is encrypted: loopback only.
    Tcp(SocketAddr),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Clean,
    Found(String),
}

/// Why there is no verdict. Never a reason to accept, never a reason to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not answer.
    Away(String),
    /// It calls clean what every scanner must find: no patterns are loaded.
    Blind,
    /// It would not scan this file; its own words.
    Declined(String),
    /// The file could not be read.
    File(String),
}

/// A file as it was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanned {
    pub(crate) verdict: Verdict,
    /// SHA-256 of the very bytes that went to the scanner.
    pub(crate) sha256: String,
    pub(crate) length: u64,
}

const CHUNK: usize = 64 << 10;
const LONGEST_ANSWER: usize = 4096;

impl Clamd {
    /// Engine, version and day of the patterns, as it says them.
    pub(crate) async fn version(&self, patience: Duration) -> Result<String, Fault> {
        let said = within(patience, async {
            let mut line = self.connect().await?;
            line.write_all(b"zVERSION\0").await?;
            answer(&mut line).await
        });
        Ok(said.await?.chars().filter(|c| !c.is_control()).collect())
    }

    /// Scans, once the scanner has shown that it sees.
    pub(crate) async fn scan(&self, file: &mut (impl AsyncRead + Unpin), patience: Duration) -> Result<Scanned, Fault> {
        let mut probe: &[u8] = &probe();
        match within(patience, self.stream(&mut probe)).await?.verdict {
            Verdict::Found(_) => {}
            Verdict::Clean => return Err(Fault::Blind),
        }
        within(patience, self.stream(file)).await
    }

    async fn stream(&self, file: &mut (impl AsyncRead + Unpin)) -> Result<Scanned, Trouble> {
        let mut line = self.connect().await?;
        let mut sum = digest::Context::new(&digest::SHA256);
        let mut length = 0u64;
        let mut buffer = vec![0; CHUNK];
        line.write_all(b"zINSTREAM\0").await?;
        let sent = loop {
            let n = file.read(&mut buffer).await.map_err(Trouble::File)?;
            let size = u32::try_from(n).unwrap_or(0).to_be_bytes();
            let sent = async {
                line.write_all(&size).await?;
                line.write_all(&buffer[..n]).await
            };
            if let Err(error) = sent.await {
                break Err(error);
            }
            if n == 0 {
                break Ok(());
            }
            sum.update(&buffer[..n]);
            length += n as u64;
        };
        // It may have said why before it hung up.
        let said = match (answer(&mut line).await, sent) {
            (Ok(said), _) => said,
            (Err(error), Ok(())) => return Err(error),
            (Err(_), Err(error)) => return Err(error.into()),
        };
        let verdict = match said.strip_prefix("stream: ") {
            Some("OK") => Verdict::Clean,
            Some(rest) if rest.ends_with(" FOUND") => {
                Verdict::Found(rest.trim_end_matches(" FOUND").chars().filter(|c| c.is_ascii_graphic()).collect())
            }
            _ => return Err(Trouble::Declined(said)),
        };
        Ok(Scanned { verdict, sha256: hex::encode(sum.finish()), length })
    }

    async fn connect(&self) -> io::Result<Box<dyn Line>> {
        Ok(match self {
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::Tcp(address) => Box::new(TcpStream::connect(address).await?),
        })
    }
}

trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

enum Trouble {
    Line(io::Error),
    File(io::Error),
    Declined(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Line(error)
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Fault> {
    match tokio::time::timeout(patience, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Trouble::Line(error))) => Err(Fault::Away(error.to_string())),
        Ok(Err(Trouble::File(error))) => Err(Fault::File(error.to_string())),
        Ok(Err(Trouble::Declined(said))) => Err(Fault::Declined(said)),
        Err(_) => Err(Fault::Away("no answer in time".into())),
    }
}

/// One answer, ended by a zero byte or by the end of the line.
async fn answer(line: &mut (impl AsyncRead + Unpin)) -> Result<String, Trouble> {
    let mut said = Vec::new();
    loop {
        let mut buffer = [0; 512];
        let n = line.read(&mut buffer).await?;
        said.extend(&buffer[..n]);
        if n == 0 || said.contains(&0) || said.len() > LONGEST_ANSWER {
            break;
        }
    }
    let end = said.iter().position(|b| *b == 0);
    match end {
        Some(end) if end > 0 => Ok(String::from_utf8_lossy(&said[..end]).trim().to_owned()),
        // An answer without its end may be half of another answer.
        _ => Err(Trouble::Line(io::ErrorKind::UnexpectedEof.into())),
    }
}

/// The EICAR test file, put together here so that no scanner takes this program for it.
fn probe() -> Vec<u8> {
    ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*"].concat().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_probe_is_the_test_file() {
        // MD5 44d88612fea8a8f36de82e1278abb02f is the one everybody publishes; its SHA-256 is as well known.
        let sum = hex::encode(digest::digest(&digest::SHA256, &probe()));
        assert_eq!(sum, "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f");
    }

    proptest! {
        #[test]
        fn only_a_whole_answer_counts(said in proptest::collection::vec(any::<u8>(), 0..80)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut line: &[u8] = &said;
            let read = runtime.block_on(answer(&mut line));
            prop_assert_eq!(read.is_ok(), said.iter().position(|b| *b == 0).is_some_and(|n| n > 0));
        }
    }
}
