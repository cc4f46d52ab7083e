//! A client's TLS session over a non-blocking socket: what cannot be done now returns `WouldBlock`.

use mio::net::TcpStream;
use rustls::ServerConnection;
use std::io::{self, ErrorKind, IoSlice, Read, Write};

pub(crate) struct Session {
    connection: Box<ServerConnection>,
    is_fresh: bool,
}

impl Session {
    pub(super) fn new(connection: ServerConnection) -> Self {
        Self { connection: Box::new(connection), is_fresh: true }
    }

    /// Whether the handshake is not finished.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether no byte of the client was read yet.
    pub(crate) fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Reads what the client sent; 0 at the end of the stream.
    pub(crate) fn read(&mut self, socket: &mut TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
        self.send(socket)?; // what the socket did not take when it was said
        loop {
            match self.connection.reader().read(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if self.connection.read_tls(socket)? == 0 {
                return Ok(0);
            }
            self.is_fresh = false;
            let outcome = self.connection.process_new_packets();
            let outcome = outcome.map_err(|error| io::Error::new(ErrorKind::InvalidData, error));
            self.send(socket)?; // the handshake's next words, or why it failed
            outcome?;
        }
    }

    /// Takes as much of `slices` as can be sent soon.
    pub(crate) fn write(&mut self, socket: &mut TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.flush(socket)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = self.connection.writer().write_vectored(slices)?;
        self.send(socket)?;
        Ok(taken)
    }

    /// Sends buffered records; `false` while some are left.
    pub(crate) fn flush(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
        self.send(socket)?;
        Ok(!self.connection.wants_write())
    }

    /// Tells the client that nothing more follows.
    pub(crate) fn finish(&mut self, socket: &mut TcpStream) {
        self.connection.send_close_notify();
        // Ignored: a client that has gone does not need the close_notify.
        let _ = self.send(socket);
    }

    /// Sends as much as the socket accepts now.
    fn send(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
