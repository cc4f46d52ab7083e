//! The age of a connection when it is accepted: it may have waited in the kernel's backlog.

use nix::{
    getsockopt_impl, libc,
    sys::socket::{getsockopt, sockopt::GetStruct},
};
use std::{mem::offset_of, os::fd::AsFd, time::Duration};

/// The beginning of the kernel's `struct tcp_info` in 32-bit words, which every kernel has.
type Beginning = [u32; 12];

/// Milliseconds since data were sent, or since the handshake if none were.
const LAST_DATA_SENT: usize = 11;
const _: () = assert!(offset_of!(libc::tcp_info, tcpi_last_data_sent) == LAST_DATA_SENT * size_of::<u32>());

/// The socket option `TCP_INFO` of tcp(7), which nix does not have.
#[derive(Debug, Clone, Copy)]
struct TcpInfo;
getsockopt_impl!(TcpInfo, libc::IPPROTO_TCP, libc::TCP_INFO, Beginning, GetStruct<Beginning>);

/// Time since the handshake of a connection on which nothing was sent yet; zero if the system does not say.
pub(super) fn age(socket: &impl AsFd) -> Duration {
    getsockopt(socket, TcpInfo)
        .map_or(Duration::ZERO, |words| Duration::from_millis(words[LAST_DATA_SENT].into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        net::{TcpListener, TcpStream},
        thread,
        time::Instant,
    };

    #[test]
    fn age_includes_time_in_the_backlog() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let before = Instant::now();
        let _client = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let connected = Instant::now();
        thread::sleep(Duration::from_millis(100));
        let (socket, _) = listener.accept().expect("one waits");
        let (least, age, most) = (connected.elapsed(), age(&socket), before.elapsed());
        let tick = Duration::from_millis(11); // the kernel's clock may have 100 a second
        assert!(least <= age + tick && age <= most + tick, "{least:?} <= {age:?} <= {most:?}");
    }
}
