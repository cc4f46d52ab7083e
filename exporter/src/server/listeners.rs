//! The public listeners, taken in turn.

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
    /// Whose turn it is.
    next: usize,
}

/// Why the server has nothing to listen on.
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
    /// Whether connections may be waiting: the poll tells it once, not again for those that were left.
    has_waiting: bool,
}

/// What came of accepting.
pub(super) enum Accepted {
    Client(TcpStream, Peer),
    /// Nobody is waiting.
    Nobody,
    /// The system has no descriptor, or no memory, for another connection.
    NoRoom,
}

impl Listeners {
    /// Opens all of them, or none.
    pub(crate) fn bind(addresses: &[ListenAddress]) -> Result<Self, ListenError> {
        let all = addresses.iter().map(|address| Listener::bind(*address)).collect::<Result<_, _>>()?;
        Ok(Self { all, next: 0 })
    }

    /// Takes those that systemd has opened.
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

    /// Where the first one listens.
    #[cfg(test)]
    pub(super) fn address(&self) -> net::SocketAddr {
        self.all[0].socket.local_addr().expect("bound")
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Registers each under `first` and the tokens that follow.
    pub(super) fn register(&mut self, registry: &Registry, first: usize) -> io::Result<()> {
        for (number, listener) in self.all.iter_mut().enumerate() {
            registry.register(&mut listener.socket, Token(first + number), Interest::READABLE)?;
        }
        Ok(())
    }

    /// Takes note that connections are waiting.
    pub(super) fn wake(&mut self, number: usize) {
        if let Some(listener) = self.all.get_mut(number) {
            listener.has_waiting = true;
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.all.iter().any(|listener| listener.has_waiting)
    }

    /// The next waiting connection, from one listener after the other.
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
                    // A client that has gone, or an error of its network: the next one may do better (accept(2)).
                    _ if is_the_clients(&error) => {}
                    _ => return Accepted::NoRoom,
                },
            }
        }
    }
}

/// Sets what accepted connections inherit, and how many may wait to be accepted.
fn prepare(socket: &net::TcpListener) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    // Without it a kept-alive client waits 40 ms for each answer's tail.
    setsockopt(socket, TcpNoDelay, &true)?;
    // The kernel would grow it to megabytes for each client that does not read.
    setsockopt(socket, SndBuf, &SEND_BUFFER)?;
    // With fewer a crowd costs others a second: the kernel drops what does not fit, and clients try again.
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
