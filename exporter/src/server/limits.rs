//! What one client may take of the exporter, and for how long.

use nix::sys::resource::{Resource, getrlimit};
use std::time::Duration;

/// A request's head; Prometheus sends some 300 bytes.
pub(super) const HEAD_BYTES: usize = 8 * 1024;
/// Header fields of a request.
pub(super) const HEAD_FIELDS: usize = 64;
/// From the first byte of a head, or from the connection's beginning, to the head's end; a TLS handshake included.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(5);
/// Between two requests of a connection: longer than the usual scrape intervals.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(120);
/// From a complete request to its answer's first byte. No scraper waits as long, so nobody reads what comes later.
pub(super) const WAIT_TIME: Duration = Duration::from_secs(if cfg!(test) { 10 } else { 60 });
/// From an answer's first byte to its last. Prometheus gives up after 10 seconds by default.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long a connection is drained after the last answer, so that a reset does not overtake it.
pub(super) const PARTING_TIME: Duration = Duration::from_secs(2);
/// An answer that made no progress for so long may be dropped where room is short.
pub(super) const STALLED: Duration = Duration::from_secs(1);
/// Bytes of answers held for clients that read slowly, if [`HELD_ANSWERS`] do not take more; then a client waits for
/// its answer until others have read theirs.
pub(super) const HELD_BYTES: usize = 2 << 20;
/// So many answers of the longest one's length are held: several servers may scrape at once.
pub(super) const HELD_ANSWERS: usize = 4;
/// So many times as much is held where clients wait whose address holds nothing yet.
pub(super) const HELD_FOR_OTHERS: usize = 2;
/// Bytes of answers that the kernel holds for one client; it takes twice as much for its book-keeping.
pub(super) const SEND_BUFFER: usize = 64 << 10;
/// Connections that wait to be accepted; the kernel's own limit is usually this one.
pub(super) const WAITING_CONNECTIONS: i32 = 4096;
/// How long a request beyond `--web.max-requests` waits for room before it is refused.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How long a new connection has before it may have to make way: time for its request to come. It begins
/// when the kernel made the connection: whoever waited to be accepted has had it, so a crowd takes it once.
pub(super) const GRACE: Duration = Duration::from_millis(50);
/// How long accepting rests when nobody can make way.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How long answers that are on their way may take when the server stops.
pub(super) const DRAIN_TIME: Duration = Duration::from_secs(10);
/// Refusals are logged together, once in this time.
pub(super) const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// More connections than any set of scrapers and browsers has; each may hold [`HEAD_BYTES`].
const MAX_CONNECTIONS: usize = 512;
/// Descriptors for all else: the backends, the listeners, the segment, files that are read.
const OTHER_DESCRIPTORS: usize = 32;
/// Some connections there must be, however few descriptors there are.
const MIN_CONNECTIONS: usize = 4;

/// How many connections there may be at once, by the process's limit of descriptors.
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
