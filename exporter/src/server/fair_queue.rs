//! The requests that wait for a backend, in round-robin order by peer, and their limit (`--web.max-requests`).

use super::{limits::QUEUE_TIMEOUT, peer::Peer, request_head::RequestHead, round_robin::RoundRobin};
use std::time::Instant;

pub(super) struct RequestQueue {
    waiting: RoundRobin<Waiting>,
    /// The most requests at once, including those in backends; 0 for no limit.
    max_requests: usize,
}

struct Waiting {
    client: usize,
    since: Instant,
    head: RequestHead,
}

impl RequestQueue {
    pub(super) fn new(max_requests: usize) -> Self {
        Self { waiting: RoundRobin::new(), max_requests }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.len() == 0
    }

    pub(super) fn push(&mut self, client: usize, peer: Peer, head: RequestHead, now: Instant) {
        self.waiting.push(peer, Waiting { client, since: now, head });
    }

    /// Takes the next request in turn whose peer may get a response now.
    pub(super) fn pop(&mut self, may: impl Fn(Peer) -> bool) -> Option<(usize, RequestHead)> {
        self.waiting.pop(may).map(|Waiting { client, head, .. }| (client, head))
    }

    /// Drops a disconnected client.
    pub(super) fn cancel(&mut self, client: usize) {
        self.waiting.retain(|waiting| waiting.client != client);
    }

    /// Takes out a client that waited too long beyond the limit, where `busy` requests are in backends. A short burst
    /// beyond the limit rejects nobody.
    pub(super) fn pop_rejected(&mut self, busy: usize, now: Instant) -> Option<usize> {
        let late = self.beyond(busy).find(|(_, each)| each.since + QUEUE_TIMEOUT <= now);
        late.map(|(place, _)| place).and_then(|place| self.waiting.remove(place)).map(|each| each.client)
    }

    /// When the next request may have to be rejected.
    pub(super) fn deadline(&self, busy: usize) -> Option<Instant> {
        self.beyond(busy).map(|(_, each)| each.since + QUEUE_TIMEOUT).min()
    }

    /// The requests beyond the limit, with their positions.
    fn beyond(&self, busy: usize) -> impl Iterator<Item = (usize, &Waiting)> {
        let most = if self.max_requests > 0 { self.max_requests.saturating_sub(busy) } else { usize::MAX };
        self.waiting.iter().enumerate().skip(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn queue(max_requests: usize, clients: usize, now: Instant) -> RequestQueue {
        let mut queue = RequestQueue::new(max_requests);
        (0..clients).for_each(|client| push(&mut queue, client, 1, now));
        queue
    }

    fn push(queue: &mut RequestQueue, client: usize, peer: u8, now: Instant) {
        let head =
            RequestHead { without_body: false, keeps_alive: true, authorization: None, lines: Vec::new() };
        queue.push(client, SocketAddr::from(([192, 0, 2, peer], 1)).into(), head, now);
    }

    fn order(mut queue: RequestQueue) -> Vec<usize> {
        std::iter::from_fn(|| queue.pop(|_| true)).map(|(client, _)| client).collect()
    }

    #[test]
    fn requests_beyond_the_limit_are_rejected_after_a_timeout() {
        let start = Instant::now();
        let later = start + QUEUE_TIMEOUT;
        let mut queue = queue(3, 4, start);
        assert_eq!(queue.pop_rejected(2, start), None, "a burst may pass");
        assert_eq!(queue.deadline(2), Some(later));
        assert_eq!([queue.pop_rejected(2, later), queue.pop_rejected(2, later)], [Some(1), Some(2)]);
        assert_eq!([queue.pop_rejected(2, later), queue.pop_rejected(2, later)], [Some(3), None]);
        assert_eq!(queue.deadline(2), None);
        assert_eq!(queue.pop(|_| true).map(|(client, _)| client), Some(0), "one is within the limit");
    }

    #[test]
    fn zero_is_no_limit() {
        let start = Instant::now();
        let mut queue = queue(0, 1000, start);
        assert_eq!((queue.pop_rejected(2, start + QUEUE_TIMEOUT), queue.deadline(2)), (None, None));
    }

    #[test]
    fn peers_take_turns() {
        let now = Instant::now();
        let mut queue = queue(0, 100, now);
        (0..50).for_each(|_| drop(queue.pop(|_| true)));
        push(&mut queue, 200, 2, now);
        push(&mut queue, 201, 2, now);
        push(&mut queue, 300, 3, now);
        push(&mut queue, 101, 1, now);
        let order = order(queue);
        assert_eq!(order[..5], [200, 300, 50, 201, 51]);
        assert_eq!(order[5..], [(52..100).collect(), vec![101]].concat(), "a peer's own keep their order");
    }

    #[test]
    fn request_that_waits_too_long_is_rejected_at_any_position() {
        let start = Instant::now();
        let (later, last) = (start + QUEUE_TIMEOUT / 2, start + QUEUE_TIMEOUT);
        let mut queue = queue(1, 3, start);
        push(&mut queue, 3, 2, later);
        assert_eq!(queue.deadline(0), Some(last));
        assert_eq!([queue.pop_rejected(0, last), queue.pop_rejected(0, last)], [Some(1), Some(2)]);
        assert_eq!((queue.pop_rejected(0, last), queue.deadline(0)), (None, Some(later + QUEUE_TIMEOUT)));
        assert_eq!(order(queue), [0, 3]);
    }

    #[test]
    fn disconnected_client_leaves_the_queue() {
        let mut queue = queue(0, 3, Instant::now());
        queue.cancel(1);
        assert_eq!(order(queue), [0, 2]);
    }
}
