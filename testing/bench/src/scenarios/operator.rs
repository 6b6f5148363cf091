//! The operator's socket, without starting a program each time.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::BenchError;

/// Ends a connection; back when the center has answered.
pub(super) fn close(socket: &Path, grant: u64) -> Result<(), BenchError> {
    post(socket, &format!("/v1/connections/g-{grant}/close"), "{}")
}

/// Cuts a line (G14).
pub(super) fn cut(socket: &Path, grant: u64) -> Result<(), BenchError> {
    post(socket, "/v1/cut", &format!("{{\"line\":{grant}}}"))
}

fn post(socket: &Path, path: &str, body: &str) -> Result<(), BenchError> {
    let broken = || BenchError::file(socket);
    let mut stream = UnixStream::connect(socket).map_err(broken())?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: center\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(broken())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(broken())?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(BenchError::Subject(answer)) }
}
