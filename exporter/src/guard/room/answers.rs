//! From a complete request to its answer: the password, the lane, the way back.

use super::super::{
    answer::{Answer, Reply},
    connection::Connection,
    head::Head,
    lane::Lane,
    limits::{HELD_ANSWERS, HELD_BYTES},
    passwords::{Judgement, Tag},
    refusal::Refusal,
};
use super::Room;
use log::error;
use std::{io, time::Instant};

impl Room {
    /// Lets a request pass, if its client may ask.
    pub(super) fn admit(&mut self, client: usize, head: Head, now: Instant) {
        self.follow(now);
        let Some(config) = self.door.config() else { return self.refuse(client, Refusal::Config, now) };
        if config.users.is_empty() {
            return self.enqueue(client, head, now);
        }
        match self.passwords.judge(&config.users, client, head) {
            Judgement::Right(head) => self.enqueue(client, head, now),
            Judgement::Wrong => self.refuse(client, Refusal::Unauthorized, now),
            Judgement::Busy => self.refuse(client, Refusal::TooManyPasswords, now),
            Judgement::Pending => {}
        }
    }

    fn enqueue(&mut self, client: usize, head: Head, now: Instant) {
        if let Some(connection) = self.connections.get(&client) {
            self.queue.push(client, connection.peer, head, now);
        }
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

    /// Gives waiting requests to the lanes that are free.
    pub(super) fn hand_on(&mut self, now: Instant) -> io::Result<()> {
        while let Some(number) = self.lanes.iter().position(Lane::is_free) {
            let Some((client, head)) = self.queue.pop() else { break };
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
        let waiting = self.connections.get_mut(&client).filter(|connection| connection.is_waiting());
        let Some(connection) = waiting else { return };
        let is_old = connection.generation != self.door.generation();
        let is_last = is_old || !connection.keeps_alive() || self.stopping.is_some();
        connection.answer(Answer::new(reply, self.door.header_lines(), is_last), now);
        self.go_on(client, now);
        self.release_memory(client);
    }

    /// Drops the answers whose clients read the least, while together they take too much memory. The
    /// newest one is spared.
    fn release_memory(&mut self, newest: usize) {
        let mut held: usize = self.connections.values().map(Connection::held_bytes).sum();
        let length = self.connections.get(&newest).map_or(0, Connection::held_bytes);
        while held > HELD_BYTES.max(HELD_ANSWERS * length) {
            let others = self.connections.iter().filter(|(client, _)| **client != newest);
            let slow = others.filter_map(|(client, each)| Some((each.writing_since()?, *client))).min();
            let Some((_, client)) = slow else { return };
            held -= self.connections[&client].held_bytes();
            self.close(client, Some(Refusal::SlowReader));
        }
    }
}
