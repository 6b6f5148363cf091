//! A client that says exactly what it is told to, and can stop at any byte.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub const WHO: &str = "aoba/10000001";

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    pub fn offset(&self) -> u64 {
        self.header("upload-offset").unwrap_or_else(|| panic!("{self:?}")).parse().unwrap()
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// A request whose body is given apart from its announced length.
pub struct Say<'a> {
    pub method: &'a str,
    pub path: String,
    pub who: &'a str,
    pub headers: Vec<(&'a str, String)>,
    pub body: &'a [u8],
    /// Stop after so many bytes of the body, and hang up.
    pub cut: Option<usize>,
}

impl<'a> Say<'a> {
    pub fn new(method: &'a str, path: impl Into<String>) -> Self {
        let tus = vec![("Tus-Resumable", "1.0.0".to_owned())];
        Self { method, path: path.into(), who: WHO, headers: tus, body: &[], cut: None }
    }
    pub fn with(mut self, name: &'a str, value: impl ToString) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.to_string()));
        self
    }
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self
    }
    pub fn part(path: &str, offset: u64, body: &'a [u8]) -> Self {
        let say = Self { body, ..Self::new("PATCH", path) };
        say.with("Content-Type", "application/offset+octet-stream").with("Upload-Offset", offset)
    }
    pub fn summed(self) -> Self {
        let sum = STANDARD.encode(digest::digest(&digest::SHA256, self.body));
        self.with("Upload-Checksum", format!("sha256 {sum}"))
    }

    /// Sends, and reads the answer unless it hangs up first.
    pub fn to(&self, address: SocketAddr) -> io::Result<Option<Answer>> {
        let mut line = TcpStream::connect(address)?;
        line.set_read_timeout(Some(Duration::from_secs(60)))?;
        line.set_nodelay(true)?;
        let mut head = format!("{} {} HTTP/1.1\r\nHost: center\r\nConnection: close\r\n", self.method, self.path);
        if !self.who.is_empty() {
            head += &format!("x-who: {}\r\n", self.who);
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let chunked = self.headers.iter().any(|(n, _)| *n == "Transfer-Encoding");
        if !chunked && !self.headers.iter().any(|(n, _)| *n == "Content-Length") {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        line.write_all(format!("{head}\r\n").as_bytes())?;
        let body = &self.body[..self.cut.unwrap_or(self.body.len())];
        // In pieces, as lines deliver them. Whoever is refused may be hung up on while still sending.
        for piece in body.chunks(1500) {
            let sent = if chunked {
                let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                line.write_all(&framed)
            } else {
                line.write_all(piece)
            };
            if sent.is_err() {
                break;
            }
        }
        if self.cut.is_some() {
            return Ok(None);
        }
        if chunked {
            let _ = line.write_all(b"0\r\n\r\n");
        }
        let mut said = Vec::new();
        line.read_to_end(&mut said)?;
        parse(&said).map(Some)
    }

    pub fn ask(&self, address: SocketAddr) -> Answer {
        self.to(address).unwrap().unwrap()
    }
}

fn parse(said: &[u8]) -> io::Result<Answer> {
    let end = said.windows(4).position(|w| w == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok());
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
    let body = said[end + 4..].to_vec();
    let announced = headers.iter().find(|(n, _)| n == "content-length").and_then(|(_, v)| v.parse::<usize>().ok());
    if announced.is_some_and(|n| n > body.len() && !body.is_empty()) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Answer { status: status.ok_or(io::ErrorKind::InvalidData)?, headers, body })
}

pub fn metadata(name: &str, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![format!("filename {}", STANDARD.encode(name))];
    pairs.extend(more.iter().map(|(k, v)| format!("{k} {}", STANDARD.encode(v))));
    pairs.join(",")
}

/// Begins; the path of the upload.
pub fn begin(address: SocketAddr, name: &str, length: usize, more: &[(&str, &str)]) -> String {
    let answer = Say::new("POST", "/files")
        .with("Upload-Length", length)
        .with("Upload-Metadata", metadata(name, more))
        .ask(address);
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    answer.header("location").unwrap().to_owned()
}

pub fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// The whole file, in one part.
pub fn send(address: SocketAddr, name: &str, content: &[u8]) -> String {
    let path = begin(address, name, content.len(), &[]);
    let answer = Say::part(&path, 0, content).summed().ask(address);
    assert_eq!((answer.status, answer.offset()), (204, content.len() as u64));
    path
}

/// Fetches the receipt and has openssl check it; its text.
pub fn checked_receipt(address: SocketAddr, path: &str, scratch: &Path) -> String {
    for file in ["receipt.txt", "receipt.sig", "certificate.pem"] {
        let answer = Say::new("GET", format!("{path}/{file}")).ask(address);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        std::fs::write(scratch.join(file), answer.body).unwrap();
    }
    assert!(openssl_agrees(scratch), "openssl does not verify the receipt");
    std::fs::read_to_string(scratch.join("receipt.txt")).unwrap()
}

/// The command lines that the documentation gives.
pub fn openssl_agrees(folder: &Path) -> bool {
    let script = "openssl x509 -in certificate.pem -pubkey -noout > key.pem \
        && openssl dgst -sha256 -verify key.pem -signature receipt.sig receipt.txt";
    Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap().status.success()
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}
