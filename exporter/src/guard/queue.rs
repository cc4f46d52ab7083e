//! The requests that wait for a lane, and how many there may be.

use super::{head::Head, limits::PATIENCE};
use std::{collections::VecDeque, time::Instant};

pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// The most requests at once, those in lanes included; 0 for any number.
    max_requests: usize,
}

struct Waiting {
    client: usize,
    since: Instant,
    head: Head,
}

impl Queue {
    pub(super) fn new(max_requests: usize) -> Self {
        Self { waiting: VecDeque::new(), max_requests }
    }

    pub(super) fn push(&mut self, client: usize, head: Head, now: Instant) {
        self.waiting.push_back(Waiting { client, since: now, head });
    }

    /// The request that has waited the longest.
    pub(super) fn pop(&mut self) -> Option<(usize, Head)> {
        self.waiting.pop_front().map(|Waiting { client, head, .. }| (client, head))
    }

    /// Forgets a client that has gone.
    pub(super) fn forget(&mut self, client: usize) {
        self.waiting.retain(|waiting| waiting.client != client);
    }

    /// Takes out a client that has waited in vain for room among the most requests; `busy` are in lanes.
    /// A burst that is over in a moment is no reason to refuse anybody.
    pub(super) fn pop_refused(&mut self, busy: usize, now: Instant) -> Option<usize> {
        let first = self.first_beyond(busy)?;
        let is_late = self.waiting.get(first)?.since + PATIENCE <= now;
        is_late.then(|| self.waiting.remove(first)).flatten().map(|waiting| waiting.client)
    }

    /// When somebody may have to be refused.
    pub(super) fn deadline(&self, busy: usize) -> Option<Instant> {
        self.waiting.get(self.first_beyond(busy)?).map(|waiting| waiting.since + PATIENCE)
    }

    /// The place of the first request beyond the most.
    fn first_beyond(&self, busy: usize) -> Option<usize> {
        (self.max_requests > 0).then(|| self.max_requests.saturating_sub(busy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(max_requests: usize, clients: usize, now: Instant) -> Queue {
        let mut queue = Queue::new(max_requests);
        for client in 0..clients {
            let head =
                Head { without_body: false, keeps_alive: true, authorization: None, lines: Vec::new() };
            queue.push(client, head, now);
        }
        queue
    }

    #[test]
    fn requests_beyond_the_most_are_refused_after_a_while() {
        let start = Instant::now();
        let later = start + PATIENCE;
        let mut queue = queue(3, 4, start);
        assert_eq!(queue.pop_refused(2, start), None, "a burst may pass");
        assert_eq!(queue.deadline(2), Some(later));
        assert_eq!([queue.pop_refused(2, later), queue.pop_refused(2, later)], [Some(1), Some(2)]);
        assert_eq!([queue.pop_refused(2, later), queue.pop_refused(2, later)], [Some(3), None]);
        assert_eq!(queue.deadline(2), None);
        assert_eq!(queue.pop().map(|(client, _)| client), Some(0), "one is within the limit");
    }

    #[test]
    fn zero_is_no_limit() {
        let start = Instant::now();
        let mut queue = queue(0, 1000, start);
        assert_eq!((queue.pop_refused(2, start + PATIENCE), queue.deadline(2)), (None, None));
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let mut queue = queue(0, 3, Instant::now());
        queue.forget(1);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(client, _)| client).collect();
        assert_eq!(order, [0, 2]);
    }
}
