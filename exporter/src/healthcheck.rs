//! `healthcheck`: asks the server on this machine whether it is up. Containers
//! have no shell or curl in them.

use crate::{address::ListenAddress, failure::Failure, http::HEALTHY};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds if one of the addresses answers with 200.
pub(crate) fn check(addresses: &[ListenAddress]) -> Result<(), Failure> {
    let mut complaint = String::new();
    for socket in addresses.iter().flat_map(|address| address.seen_from_here()) {
        match status_line(socket) {
            Ok(line) if line.split(' ').nth(1) == Some("200") => return Ok(()),
            Ok(line) => return Err(Failure::Unhealthy(format!("{socket} answers {line:?}"))),
            Err(error) if complaint.is_empty() => complaint = format!("{socket}: {error}"),
            Err(_) => {} // the likeliest address has the telling error
        }
    }
    Err(Failure::Unhealthy(complaint))
}

fn status_line(socket: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&socket, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {HEALTHY} HTTP/1.0\r\nHost: {socket}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer)?;
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}
