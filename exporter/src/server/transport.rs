//! A client's non-blocking socket, plain or under TLS: what cannot be done now returns `WouldBlock`.

use crate::web_config::Session;
use mio::net::TcpStream;
use std::{
    io::{self, IoSlice, Read, Write},
    net::Shutdown,
};

/// First byte of a TLS handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

pub(super) struct Transport {
    pub(super) socket: TcpStream,
    /// Absent: plain HTTP.
    tls: Option<Session>,
}

impl Transport {
    pub(super) fn new(socket: TcpStream, tls: Option<Session>) -> Self {
        Self { socket, tls }
    }

    /// Whether the TLS handshake is not finished.
    pub(super) fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(Session::is_handshaking)
    }

    /// Whether the client speaks plain HTTP where TLS is required. If so, TLS is dropped, so that the client can read
    /// the rejection: that helps people, and shows the health check that the server is alive.
    pub(super) fn falls_back(&mut self) -> bool {
        let mut first = [HANDSHAKE];
        let is_plain = self.tls.as_ref().is_some_and(Session::is_fresh)
            && self.socket.peek(&mut first).is_ok_and(|length| length > 0)
            && first[0].is_ascii_uppercase();
        if is_plain {
            self.tls = None;
        }
        is_plain
    }

    /// Reads what the client sent; 0 at the end of the stream.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(session) => session.read(&mut self.socket, bytes),
            None => self.socket.read(bytes),
        }
    }

    /// Takes as much of `slices` as can be sent soon.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.tls {
            Some(session) => session.write(&mut self.socket, slices),
            None => self.socket.write_vectored(slices),
        }
    }

    /// Sends buffered TLS records; `false` while some are left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        self.tls.as_mut().map_or(Ok(true), |session| session.flush(&mut self.socket))
    }

    /// Tells the client that nothing more follows.
    pub(super) fn finish(&mut self) {
        if let Some(session) = &mut self.tls {
            session.finish(&mut self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Write); // who has gone needs no telling
    }
}
