//! Limits on what one client may use of the exporter, and for how long.

use nix::sys::resource::{Resource, getrlimit};
use std::time::Duration;

/// Length of a request head; Prometheus sends some 300 bytes.
pub(super) const HEAD_BYTES: usize = 8 * 1024;
/// Header fields of a request.
pub(super) const HEAD_FIELDS: usize = 64;
/// From a head's first byte, or from the connection's start, to the head's end; includes the TLS handshake.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(5);
/// Idle time between two requests of a connection: longer than the usual scrape intervals.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(120);
/// From a complete request to its response's first byte. No scraper waits longer, so nobody would read a later
/// response.
pub(super) const WAIT_TIME: Duration = Duration::from_secs(if cfg!(test) { 10 } else { 60 });
/// From a response's first byte to its last. Prometheus gives up after 10 seconds by default.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long a connection is drained after its last response, so that a reset does not overtake the response.
pub(super) const CLOSE_TIME: Duration = Duration::from_secs(2);
/// A response that made no progress for so long may be dropped when memory is short.
pub(super) const STALL_TIME: Duration = Duration::from_secs(1);
/// Bytes of responses held for slow clients, unless [`HELD_ANSWERS`] of the longest response are more. Beyond it, a
/// request waits until other clients have read theirs.
pub(super) const HELD_BYTES: usize = 2 << 20;
/// Responses of the longest one's length that are held: several servers may scrape at once.
pub(super) const HELD_ANSWERS: usize = 4;
/// Factor on the limit for peers that hold no response yet.
pub(super) const HELD_FOR_OTHERS: usize = 2;
/// Socket send buffer of one client; the kernel takes twice as much for its book-keeping.
pub(super) const SEND_BUFFER: usize = 64 << 10;
/// Backlog of connections to accept; the kernel's own limit is usually the same.
pub(super) const WAITING_CONNECTIONS: i32 = 4096;
/// How long a request beyond `--web.max-requests` waits before it is rejected.
pub(super) const QUEUE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a new connection is safe from eviction, so that its request can arrive. It counts from the kernel's
/// handshake: in a crowd, connections that waited to be accepted have used it up already.
pub(super) const GRACE: Duration = Duration::from_millis(50);
/// How long accepting pauses when no connection can be evicted.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How long responses may still take when the server stops.
pub(super) const DRAIN_TIME: Duration = Duration::from_secs(10);
/// How often rejections are logged, all together.
pub(super) const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Most connections, more than any set of scrapers and browsers has; each may hold [`HEAD_BYTES`].
const MAX_CONNECTIONS: usize = 512;
/// Descriptors for everything else: backends, listeners, segments, configuration files.
const OTHER_DESCRIPTORS: usize = 32;
/// Fewest connections, however few descriptors there are.
const MIN_CONNECTIONS: usize = 4;

/// The most connections at once, from the process's limit of descriptors.
pub(super) fn connections() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _hard)| soft);
    connections_for(usize::try_from(limit).unwrap_or(usize::MAX))
}

fn connections_for(descriptors: usize) -> usize {
    descriptors.saturating_sub(OTHER_DESCRIPTORS).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_the_descriptors() {
        assert_eq!([0, 33, 64, 1024, usize::MAX].map(connections_for), [4, 4, 32, 512, 512]);
    }
}
