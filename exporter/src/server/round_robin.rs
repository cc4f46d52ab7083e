//! Round robin by peer: one item of each peer is taken in turn, so that a peer with many items delays only itself.

use super::peer::Peer;
use std::collections::VecDeque;

/// Waiting items, ordered by turn, and within a turn by arrival.
pub(super) struct RoundRobin<T> {
    waiting: VecDeque<Turn<T>>,
    /// The turn of the item that was taken last.
    now: u64,
}

struct Turn<T> {
    peer: Peer,
    number: u64,
    item: T,
}

impl<T> RoundRobin<T> {
    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::new(), now: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds an item, in the turn after the peer's last one.
    pub(super) fn push(&mut self, peer: Peer, item: T) {
        let last = self.waiting.iter().rfind(|each| each.peer == peer);
        let number = last.map_or(self.now, |last| last.number + 1);
        let place = self.waiting.partition_point(|each| each.number <= number);
        self.waiting.insert(place, Turn { peer, number, item });
    }

    /// Takes the first item whose peer satisfies `may`.
    pub(super) fn pop(&mut self, may: impl Fn(Peer) -> bool) -> Option<T> {
        let place = self.waiting.iter().position(|each| may(each.peer))?;
        let Turn { item, number, .. } = self.waiting.remove(place)?;
        self.now = number;
        Some(item)
    }

    /// The items in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter().map(|each| &each.item)
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<T> {
        self.waiting.remove(place).map(|each| each.item)
    }

    pub(super) fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        self.waiting.retain(|each| is_kept(&each.item));
    }

    /// Takes the last item of the peer that has the most, unless `peer` has as many.
    pub(super) fn evict_longest(&mut self, peer: Peer) -> Option<T> {
        let count = |peer| self.waiting.iter().filter(|each| each.peer == peer).count();
        let most = self.waiting.iter().map(|each| each.peer).max_by_key(|each| count(*each))?;
        if count(most) <= count(peer) {
            return None;
        }
        let place = self.waiting.iter().rposition(|each| each.peer == most)?;
        self.remove(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    fn peer(number: u8) -> Peer {
        SocketAddr::from(([192, 0, 2, number], 1)).into()
    }

    fn round_robin(items: &[(u8, u32)]) -> RoundRobin<u32> {
        let mut round_robin = RoundRobin::new();
        items.iter().for_each(|(number, item)| round_robin.push(peer(*number), *item));
        round_robin
    }

    #[test]
    fn skipped_peer_keeps_its_place() {
        let mut round_robin = round_robin(&[(1, 10), (1, 11), (2, 20)]);
        assert_eq!(round_robin.pop(|each| each == peer(2)), Some(20));
        assert_eq!(round_robin.pop(|_| false), None);
        round_robin.push(peer(3), 30);
        let order: Vec<_> = std::iter::from_fn(|| round_robin.pop(|_| true)).collect();
        assert_eq!(order, [10, 30, 11]);
    }

    #[test]
    fn peer_with_the_most_items_is_evicted() {
        let mut round_robin = round_robin(&[(1, 10), (2, 20), (1, 11), (1, 12), (2, 21)]);
        assert_eq!(round_robin.evict_longest(peer(1)), None, "it has the most itself");
        assert_eq!(round_robin.evict_longest(peer(2)), Some(12));
        assert_eq!(round_robin.evict_longest(peer(2)), None);
        assert_eq!(round_robin.evict_longest(peer(3)).map(|item| item % 10), Some(1));
        assert_eq!(round_robin.len(), 3);
    }
}
