//! From a complete request to its answer: the password, the lane, the way back.

use super::Room;
use crate::server::{
    backend::Lane,
    basic_auth::{Judgement, Tag},
    connection::Connection,
    limits::{HELD_ANSWERS, HELD_BYTES, HELD_FOR_OTHERS},
    peer::Peer,
    rejection::Refusal,
    request_head::Head,
    response::{Answer, Reply},
};
use log::error;
use std::{io, time::Instant};

impl Room {
    /// Lets a request pass, if its client may ask.
    pub(super) fn admit(&mut self, client: usize, head: Head, now: Instant) {
        self.follow(now);
        let Some(config) = self.door.config() else { return self.refuse(client, Refusal::Config, now) };
        if config.users.is_empty() {
            return self.pass(client, head, now);
        }
        let Some(peer) = self.connections.get(&client).map(|connection| connection.peer) else { return };
        match self.passwords.judge(&config.users, peer, client, head) {
            Judgement::Right(head) => self.pass(client, head, now),
            Judgement::Wrong => self.refuse(client, Refusal::Unauthorized, now),
            Judgement::Busy => self.refuse(client, Refusal::TooManyPasswords, now),
            Judgement::Pending => {}
        }
        for displaced in self.passwords.take_displaced() {
            self.refuse(displaced, Refusal::TooManyPasswords, now);
            self.again.push(displaced);
        }
    }

    /// Answers a request whose client may ask, or lets it wait for a lane.
    fn pass(&mut self, client: usize, head: Head, now: Instant) {
        if head.asks_for(&self.health.path) {
            return self.tell_health(client, now);
        }
        let limit = self.door.config().and_then(|config| config.rate_limit.as_ref());
        if limit.is_some_and(|limit| !self.bucket.allows(limit, self.door.generation(), now)) {
            return self.refuse(client, Refusal::TooFast, now);
        }
        if let Some(connection) = self.connections.get(&client) {
            self.queue.push(client, connection.peer, head, now);
        }
    }

    /// Answers by itself, so that scrapes that hang in all lanes are no matter.
    fn tell_health(&mut self, client: usize, now: Instant) {
        let Some(connection) = self.connections.get(&client) else { return };
        let reply = Reply::text("200 OK", self.health.text, connection.without_body);
        self.answer(client, reply, now);
    }

    /// Goes on with the requests whose password was compared.
    pub(super) fn settle(&mut self, tag: Tag, is_right: bool, now: Instant) {
        for (client, head) in self.passwords.settle(tag, is_right) {
            if is_right {
                self.admit(client, head, now); // once more: the users may be others by now
            } else {
                self.refuse(client, Refusal::Unauthorized, now);
            }
            self.go_on(client, now);
        }
    }

    pub(super) fn refuse(&mut self, client: usize, refusal: Refusal, now: Instant) {
        self.journal.note(refusal);
        if let Some(connection) = self.connections.get_mut(&client) {
            let is_last = refusal.is_last() || !connection.keeps_alive() || self.stopping.is_some();
            let answer =
                Answer::refusing(refusal, self.door.header_lines(), connection.without_body, is_last);
            connection.answer(answer, now);
        }
    }

    /// Gives waiting requests to the lanes that are free, as long as there is room for their answers.
    pub(super) fn hand_on(&mut self, now: Instant) -> io::Result<()> {
        while let Some(number) = self.lanes.iter().position(Lane::is_free).filter(|_| !self.queue.is_empty())
        {
            self.release_memory(now);
            let answers = self.held();
            let Some((client, head)) = self.queue.pop(|peer| answers.has_room_for(peer)) else { break };
            self.lanes[number].ask(client, head);
            self.run_lane(number, now)?;
        }
        Ok(())
    }

    pub(super) fn run_lane(&mut self, number: usize, now: Instant) -> io::Result<()> {
        match self.lanes[number].advance() {
            Ok(None) => {}
            Ok(Some((client, reply))) => self.deliver(client, reply, now),
            Err(cause) => {
                error!(cause:% = cause; "a lane to the server has ended; it is made anew");
                let client = self.lanes[number].client();
                self.lanes[number] = self.open_lane(number)?;
                if let Some(client) = client {
                    self.refuse(client, Refusal::NoAnswer, now);
                    self.go_on(client, now);
                }
            }
        }
        Ok(())
    }

    fn deliver(&mut self, client: usize, reply: Reply, now: Instant) {
        if self.connections.get(&client).is_some_and(Connection::is_waiting) {
            self.answer(client, reply, now);
            self.go_on(client, now);
        }
    }

    fn answer(&mut self, client: usize, reply: Reply, now: Instant) {
        let Some(connection) = self.connections.get_mut(&client) else { return };
        let is_old = connection.generation != self.door.generation();
        let is_last = is_old || !connection.keeps_alive() || self.stopping.is_some();
        connection.answer(Answer::new(reply, self.door.header_lines(), is_last), now);
    }

    /// The answers that clients have not taken yet.
    fn held(&self) -> Held {
        let held = self.connections.values().map(|each| (each.peer, each.held_bytes()));
        held.filter(|(_, bytes)| *bytes > 0).collect()
    }

    /// Drops the answers whose readers have stalled, the longest stalled first, while no other answer has room.
    fn release_memory(&mut self, now: Instant) {
        while self.held().is_full() {
            let stalled = self.connections.iter().filter_map(|(client, each)| {
                each.stalled_since(now).filter(|_| each.held_bytes() > 0).map(|since| (since, *client))
            });
            let Some((_, client)) = stalled.min() else { return };
            self.close(client, Some(Refusal::SlowReader));
        }
    }

    /// When an answer may be dropped for a request that waits for room.
    pub(super) fn release_deadline(&self) -> Option<Instant> {
        let is_needed = !self.queue.is_empty() && self.lanes.iter().any(Lane::is_free);
        let mut stalls = self.connections.values().filter(|_| is_needed).filter_map(Connection::stalls_at);
        // Those that have stalled are gone by now, if they were in the way.
        let first = stalls.next()?;
        Some(stalls.fold(first, Instant::min)).filter(|_| self.held().is_full())
    }
}

/// How much memory answers take, and whose they are.
#[derive(Default)]
struct Held {
    peers: Vec<Peer>,
    bytes: usize,
    longest: usize,
}

impl FromIterator<(Peer, usize)> for Held {
    fn from_iter<I: IntoIterator<Item = (Peer, usize)>>(answers: I) -> Self {
        answers.into_iter().fold(Self::default(), |mut held, (peer, bytes)| {
            held.peers.push(peer);
            held.bytes += bytes;
            held.longest = held.longest.max(bytes);
            held
        })
    }
}

impl Held {
    fn most(&self) -> usize {
        HELD_BYTES.max(HELD_ANSWERS * self.longest)
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.most()
    }

    /// Whether one more answer for this peer may be made. A peer that holds answers back holds up itself alone.
    fn has_room_for(&self, peer: Peer) -> bool {
        !self.is_full() || (self.bytes < HELD_FOR_OTHERS * self.most() && !self.peers.contains(&peer))
    }
}
