//! Listen addresses: `:10200`, `127.0.0.1:0`, `[::1]:10200`.
//!
//! Parsed without a resolver, because an image made from scratch has none of a resolver's files.

use nix::{
    libc::{EADDRNOTAVAIL, EAFNOSUPPORT},
    sys::socket::{
        AddressFamily, Backlog, SockFlag, SockType, SockaddrIn6, bind, listen, setsockopt, socket,
        sockopt::{Ipv6V6Only, ReuseAddr},
    },
};
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener},
    os::fd::AsRawFd,
    str::FromStr,
};
use thiserror::Error;

/// Where the server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// `:10200`: every address of the machine.
    Port(u16),
    /// This address only.
    Socket(SocketAddr),
}

/// The text is not a listen address.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("write :PORT, or a numeric address and port such as 127.0.0.1:10200 or [::1]:10200")]
pub(crate) struct BadAddress;

impl FromStr for ListenAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let digits = |port: &&str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match text.strip_prefix(':').filter(digits) {
            Some(port) => port.parse().map(Self::Port).map_err(|_| BadAddress),
            None => text.parse().map(Self::Socket).map_err(|_| BadAddress),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, ":{port}"),
            Self::Socket(socket) => socket.fmt(f),
        }
    }
}

impl ListenAddress {
    /// Opens the listener. A bare port accepts IPv6 and IPv4, whatever `net.ipv6.bindv6only` says, or IPv4 only where
    /// the kernel has no IPv6.
    pub(crate) fn bind(self) -> io::Result<TcpListener> {
        let port = match self {
            Self::Socket(socket) => return TcpListener::bind(socket),
            Self::Port(port) => port,
        };
        match bind_both(port) {
            Err(error) if has_no_ipv6(&error) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)),
            outcome => outcome,
        }
    }

    /// The addresses under which a client on this machine reaches the server, the most likely one first.
    pub(crate) fn seen_from_here(self) -> Vec<SocketAddr> {
        let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
        let (addresses, port) = match self {
            Self::Port(port) => (vec![v4, v6], port),
            Self::Socket(socket) if !socket.ip().is_unspecified() => return vec![socket],
            Self::Socket(socket) if socket.is_ipv4() => (vec![v4], socket.port()),
            Self::Socket(socket) => (vec![v6, v4], socket.port()),
        };
        addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()
    }
}

fn bind_both(port: u16) -> io::Result<TcpListener> {
    let socket = socket(AddressFamily::Inet6, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, Ipv6V6Only, &false)?;
    setsockopt(&socket, ReuseAddr, &true)?; // as the standard library does: a server that has just ended is no matter
    let address = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0);
    bind(socket.as_raw_fd(), &SockaddrIn6::from(address))?;
    listen(&socket, Backlog::MAXCONN)?;
    Ok(socket.into())
}

fn has_no_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(EAFNOSUPPORT | EADDRNOTAVAIL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ListenAddress {
        text.parse().expect(text)
    }

    #[test]
    fn addresses_are_read_and_written() {
        assert_eq!(parsed(":10200"), ListenAddress::Port(10200));
        assert_eq!(parsed("127.0.0.1:0"), ListenAddress::Socket(([127, 0, 0, 1], 0).into()));
        for text in [":1", "0.0.0.0:10200", "[::1]:10200", "[::]:0"] {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for bad in ["", ":", "10200", ":+1", ":65536", "localhost:1", "127.0.0.1", "::1:10200", ":1 "] {
            assert_eq!(bad.parse::<ListenAddress>(), Err(BadAddress), "{bad}");
        }
    }

    #[test]
    fn local_client_replaces_the_unspecified_address_by_loopback() {
        let seen = |text| parsed(text).seen_from_here().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(seen(":7"), ["127.0.0.1:7", "[::1]:7"]);
        assert_eq!(seen("0.0.0.0:7"), ["127.0.0.1:7"]);
        assert_eq!(seen("[::]:7"), ["[::1]:7", "127.0.0.1:7"]);
        assert_eq!(seen("10.1.2.3:7"), ["10.1.2.3:7"]);
    }

    #[test]
    fn a_bare_port_is_reached_over_ipv4() {
        let listener = ListenAddress::Port(0).bind().expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("reached");
    }
}
