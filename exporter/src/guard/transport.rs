//! A client's socket, plain or under TLS, without waiting: what cannot be done now is `WouldBlock`.

use mio::net::TcpStream;
use rustls::ServerConnection;
use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    net::Shutdown,
};

/// First byte of a TLS handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<ServerConnection>, TcpStream),
}

impl Transport {
    pub(super) fn socket(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(socket) | Self::Tls(_, socket) => socket,
        }
    }

    /// Whether a handshake is still going on.
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(self, Self::Tls(tls, _) if tls.is_handshaking())
    }

    /// Whether the first bytes of a client show that it knows of no TLS.
    pub(super) fn speaks_plain(&self) -> bool {
        let mut first = [HANDSHAKE];
        match self {
            Self::Tls(tls, socket) if tls.is_handshaking() => {
                socket.peek(&mut first).is_ok() && first[0] != HANDSHAKE && first[0].is_ascii_uppercase()
            }
            _ => false,
        }
    }

    /// Reads what the client sent; 0 at its end.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (tls, socket) = match self {
            Self::Plain(socket) => return socket.read(bytes),
            Self::Tls(tls, socket) => (tls, socket),
        };
        loop {
            match tls.reader().read(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if tls.read_tls(socket)? == 0 {
                return Ok(0);
            }
            let outcome = tls.process_new_packets();
            flush_tls(tls, socket)?; // the handshake's next words, or why it failed
            outcome.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    /// Takes as much of `slices` as can be sent soon.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write_vectored(slices),
            Self::Tls(tls, socket) => {
                flush_tls(tls, socket)?;
                if tls.wants_write() {
                    return Err(ErrorKind::WouldBlock.into());
                }
                let taken = tls.writer().write_vectored(slices)?;
                flush_tls(tls, socket)?;
                Ok(taken)
            }
        }
    }

    /// Sends what was taken; `false` while some of it is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Self::Tls(tls, socket) = self else { return Ok(true) };
        flush_tls(tls, socket)?;
        Ok(!tls.wants_write())
    }

    /// Tells the client that nothing more comes.
    pub(super) fn finish(&mut self) {
        if let Self::Tls(tls, socket) = self {
            tls.send_close_notify();
            let _ = flush_tls(tls, socket); // it is the last word: whoever has gone misses nothing
        }
        let _ = self.socket().shutdown(Shutdown::Write);
    }
}

/// Sends as much as the socket takes now.
fn flush_tls(tls: &mut ServerConnection, socket: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(socket) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
