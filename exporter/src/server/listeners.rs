//! The public listeners, accepted from in rotation.

use super::{
    limits::{SEND_BUFFER, WAITING_CONNECTIONS},
    peer::Peer,
};
use crate::server::address::ListenAddress;
use listenfd::ListenFd;
use log::info;
use mio::{
    Interest, Registry, Token,
    net::{TcpListener, TcpStream},
};
use nix::sys::socket::{
    Backlog, listen, setsockopt,
    sockopt::{SndBuf, TcpNoDelay},
};
use std::{
    io::{self, ErrorKind},
    net,
};
use thiserror::Error;

#[derive(Default)]
pub(crate) struct Listeners {
    all: Vec<Listener>,
    /// The listener that was accepted from last.
    next: usize,
}

/// Why the server cannot listen.
#[derive(Debug, Error)]
pub(crate) enum ListenError {
    #[error("cannot listen on {address}: {error}")]
    Bind { address: ListenAddress, error: io::Error },
    #[error("--web.systemd-socket: {0}: the sockets of the .socket unit must listen on TCP")]
    Inherit(io::Error),
    #[error("--web.systemd-socket: systemd has handed over no socket; start the unit by its .socket unit")]
    NothingInherited,
}

struct Listener {
    socket: TcpListener,
    /// Whether connections may be waiting. The poll is edge-triggered: it does not report again those that were left.
    has_waiting: bool,
}

/// The outcome of accepting.
pub(super) enum Accepted {
    Client(TcpStream, Peer),
    /// No connection is waiting.
    Nobody,
    /// The system is out of descriptors or memory for another connection.
    NoRoom,
}

impl Listeners {
    /// Opens all of them, or none.
    pub(crate) fn bind(addresses: &[ListenAddress]) -> Result<Self, ListenError> {
        let all = addresses.iter().map(|address| Listener::bind(*address)).collect::<Result<_, _>>()?;
        Ok(Self { all, next: 0 })
    }

    /// Takes the sockets that systemd has opened.
    pub(crate) fn inherit() -> Result<Self, ListenError> {
        let mut inherited = ListenFd::from_env();
        let numbers = 0..inherited.len();
        let mut next = |number| inherited.take_tcp_listener(number).transpose();
        let all =
            numbers.filter_map(&mut next).map(|socket| Listener::of(socket?)).collect::<Result<Vec<_>, _>>();
        match all.map_err(ListenError::Inherit)? {
            none if none.is_empty() => Err(ListenError::NothingInherited),
            all => Ok(Self { all, next: 0 }),
        }
    }

    /// The first listener's address.
    #[cfg(test)]
    pub(super) fn address(&self) -> net::SocketAddr {
        self.all[0].socket.local_addr().expect("bound")
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Registers the listeners with the tokens from `first` on.
    pub(super) fn register(&mut self, registry: &Registry, first: usize) -> io::Result<()> {
        for (number, listener) in self.all.iter_mut().enumerate() {
            registry.register(&mut listener.socket, Token(first + number), Interest::READABLE)?;
        }
        Ok(())
    }

    /// Notes that connections are waiting.
    pub(super) fn wake(&mut self, number: usize) {
        if let Some(listener) = self.all.get_mut(number) {
            listener.has_waiting = true;
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.all.iter().any(|listener| listener.has_waiting)
    }

    /// Accepts the next connection, in rotation over the listeners.
    pub(super) fn accept(&mut self) -> Accepted {
        for _ in 0..self.all.len() {
            self.next = (self.next + 1) % self.all.len();
            let listener = &mut self.all[self.next];
            if listener.has_waiting {
                match listener.accept() {
                    Accepted::Nobody => listener.has_waiting = false,
                    outcome => return outcome,
                }
            }
        }
        Accepted::Nobody
    }
}

impl Listener {
    fn bind(address: ListenAddress) -> Result<Self, ListenError> {
        let failed = |error| ListenError::Bind { address, error };
        address.bind().and_then(Self::of).map_err(failed)
    }

    fn of(socket: net::TcpListener) -> io::Result<Self> {
        prepare(&socket)?;
        info!(address:% = socket.local_addr()?, version = env!("CARGO_PKG_VERSION"); "listening");
        Ok(Self { socket: TcpListener::from_std(socket), has_waiting: true })
    }

    fn accept(&self) -> Accepted {
        loop {
            match self.socket.accept() {
                Ok((socket, address)) => return Accepted::Client(socket, address.into()),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Accepted::Nobody,
                    // The client has gone, or its network failed: the next connection may succeed (accept(2)).
                    _ if is_the_clients(&error) => {}
                    _ => return Accepted::NoRoom,
                },
            }
        }
    }
}

/// Sets the options that accepted connections inherit, and the backlog.
fn prepare(socket: &net::TcpListener) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // Without it, Nagle's algorithm delays the end of each response on a kept connection by 40 ms.
    setsockopt(socket, TcpNoDelay, &true)?;
    // The kernel would let it grow to megabytes for each client that does not read.
    setsockopt(socket, SndBuf, &SEND_BUFFER)?;
    // With a shorter backlog the kernel drops connections of a crowd, whose clients retry only after a second.
    listen(socket, Backlog::new(WAITING_CONNECTIONS)?)?;
    Ok(())
}

fn is_the_clients(error: &io::Error) -> bool {
    use nix::libc::{
        ECONNABORTED, EHOSTDOWN, EHOSTUNREACH, EINTR, ENETDOWN, ENETUNREACH, ENONET, ENOPROTOOPT, EOPNOTSUPP,
        EPERM, EPROTO,
    };
    const THEIRS: [i32; 11] = [
        ECONNABORTED,
        EINTR,
        EHOSTDOWN,
        EHOSTUNREACH,
        ENETDOWN,
        ENETUNREACH,
        ENONET,
        ENOPROTOOPT,
        EOPNOTSUPP,
        EPERM,
        EPROTO,
    ];
    error.raw_os_error().is_some_and(|number| THEIRS.contains(&number))
}
