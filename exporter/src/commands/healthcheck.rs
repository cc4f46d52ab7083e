//! `healthcheck`: checks whether the server on this machine is alive, for containers without a shell or curl.
//!
//! It uses plain HTTP without a password, so it needs no certificate and no secret: a server that answers that it
//! requires TLS or a password is alive.

use crate::{
    commands::Error,
    server::{WANTS_TLS, address::ListenAddress},
};
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds if a server at one of the addresses is alive; `path` is its health page.
pub(crate) fn check(addresses: &[ListenAddress], path: &str) -> Result<(), Error> {
    let mut complaint = String::new();
    for socket in addresses.iter().flat_map(|address| address.seen_from_here()) {
        match answer(socket, path) {
            Ok(answer) if is_alive(&answer) => return Ok(()),
            Ok(answer) => {
                let line = answer.lines().next().unwrap_or_default();
                return Err(Error::Unhealthy(format!("{socket} answers {line:?}")));
            }
            Err(error) if complaint.is_empty() => complaint = format!("{socket}: {error}"),
            Err(_) => {} // the likeliest address has the telling error
        }
    }
    Err(Error::Unhealthy(complaint))
}

fn is_alive(answer: &str) -> bool {
    matches!(answer.split(' ').nth(1), Some("200" | "401")) || answer.contains(WANTS_TLS)
}

fn answer(socket: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&socket, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {socket}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_that_requires_tls_or_a_password_is_alive() {
        for alive in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 401 Unauthorized\r\n"] {
            assert!(is_alive(alive), "{alive}");
        }
        assert!(is_alive(&format!("HTTP/1.1 400 Bad Request\r\n\r\n400: {WANTS_TLS}\n")));
        for dead in ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 503 x\r\n", "SSH-2.0-x"] {
            assert!(!is_alive(dead), "{dead}");
        }
    }
}
