//! A client's socket, plain or under TLS, without waiting: what cannot be done now is `WouldBlock`.

use mio::net::TcpStream;
use rustls::ServerConnection;
use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    net::Shutdown,
};

/// First byte of a TLS handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

pub(super) struct Transport {
    pub(super) socket: TcpStream,
    /// Absent: plain HTTP.
    tls: Option<Box<ServerConnection>>,
    /// Whether no byte was read for TLS yet.
    is_fresh: bool,
}

impl Transport {
    pub(super) fn new(socket: TcpStream, tls: Option<ServerConnection>) -> Self {
        Self { socket, tls: tls.map(Box::new), is_fresh: true }
    }

    /// Whether a handshake is still going on.
    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Whether the client asks in plain HTTP where TLS is wanted. If so, it is answered in plain HTTP,
    /// once: that helps people, and tells the health check that somebody is there.
    pub(super) fn falls_back(&mut self) -> bool {
        let mut first = [HANDSHAKE];
        let is_plain = self.is_fresh
            && self.tls.is_some()
            && self.socket.peek(&mut first).is_ok_and(|length| length > 0)
            && first[0].is_ascii_uppercase();
        if is_plain {
            self.tls = None;
        }
        is_plain
    }

    /// Reads what the client sent; 0 at its end.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.read(bytes) };
        flush_tls(tls, &mut self.socket)?; // what the socket did not take when it was said
        loop {
            match tls.reader().read(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if tls.read_tls(&mut self.socket)? == 0 {
                return Ok(0);
            }
            self.is_fresh = false;
            let outcome = tls.process_new_packets();
            flush_tls(tls, &mut self.socket)?; // the handshake's next words, or why it failed
            outcome.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    /// Takes as much of `slices` as can be sent soon.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.write_vectored(slices) };
        flush_tls(tls, &mut self.socket)?;
        if tls.wants_write() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = tls.writer().write_vectored(slices)?;
        flush_tls(tls, &mut self.socket)?;
        Ok(taken)
    }

    /// Sends what was taken; `false` while some of it is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        flush_tls(tls, &mut self.socket)?;
        Ok(!tls.wants_write())
    }

    /// Tells the client that nothing more comes.
    pub(super) fn finish(&mut self) {
        // It is the last word: whoever has gone misses nothing.
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = flush_tls(tls, &mut self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
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
