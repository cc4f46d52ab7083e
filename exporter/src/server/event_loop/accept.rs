//! Who is let in, and who makes way.

use super::{ACCEPTS, Room};
use crate::{
    server::{
        connection::Connection, limits::ACCEPT_PAUSE, listeners::Accepted, peer::Peer, rejection::Refusal,
        tcp_info::age, transport::Transport,
    },
    web_config::Tls,
};
use log::error;
use mio::{Interest, Token, net::TcpStream};
use std::time::Instant;

impl Room {
    pub(super) fn accept(&mut self, now: Instant) {
        if self.resting.is_some_and(|until| now < until) {
            return;
        }
        self.resting = None;
        let mut leaving = Vec::new();
        let mut has_made_way = false;
        for _ in 0..ACCEPTS {
            if !self.listeners.has_waiting() {
                return;
            }
            let is_full = self.connections.len() >= self.most_connections;
            if is_full && leaving.is_empty() {
                leaving = self.who_makes_way(now);
                if leaving.is_empty() {
                    return self.rest(now);
                }
            }
            match self.listeners.accept() {
                Accepted::Client(socket, peer) => {
                    has_made_way = false;
                    if is_full {
                        self.make_way(&mut leaving);
                    }
                    self.welcome(socket, peer, now);
                }
                Accepted::Nobody => return,
                Accepted::NoRoom => {
                    self.journal.note(Refusal::NoDescriptors);
                    if leaving.is_empty() {
                        leaving = self.who_makes_way(now);
                    }
                    // If that was in vain, others of the system have taken the room: a moment later there may be some.
                    if has_made_way || !self.make_way(&mut leaving) {
                        return self.rest(now);
                    }
                    has_made_way = true;
                }
            }
        }
        self.resting = Some(now); // the poll does not tell of those who still wait
    }

    /// Accepts nobody for a moment, or until a connection ends.
    fn rest(&mut self, now: Instant) {
        self.resting = Some(now + ACCEPT_PAUSE);
    }

    fn welcome(&mut self, mut socket: TcpStream, peer: Peer, now: Instant) {
        self.follow(now);
        let Some(config) = self.door.config() else { return self.journal.note(Refusal::Config) };
        let client = self.next;
        let interests = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut socket, Token(client), interests) {
            error!(cause:% = error; "a connection cannot be watched");
            return;
        }
        let tls = match config.tls.as_ref().map(Tls::begin).transpose() {
            Ok(tls) => tls,
            Err(error) => return error!(cause:% = error; "a TLS connection cannot be begun"),
        };
        let age = age(&socket);
        let transport = Transport::new(socket, tls);
        self.next += 1;
        let made = now.checked_sub(age).unwrap_or(now);
        self.connections.insert(client, Connection::new(transport, peer, self.door.generation(), made, now));
        self.go_on(client, now);
    }

    /// The connections that others need the least: idle the longest, else stalled the longest, is the last.
    fn who_makes_way(&self, now: Instant) -> Vec<(usize, Refusal)> {
        let idle = self.by_age(Refusal::MadeWay, |each| each.idle_since(now));
        if idle.is_empty() { self.by_age(Refusal::SlowReader, |each| each.stalled_since(now)) } else { idle }
    }

    /// The connections that have a `since`, the newest first.
    fn by_age(
        &self,
        refusal: Refusal,
        since: impl Fn(&Connection) -> Option<Instant>,
    ) -> Vec<(usize, Refusal)> {
        let all = self.connections.iter().filter_map(|(client, each)| Some((since(each)?, *client)));
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.into_iter().map(|(_, client)| (client, refusal)).collect()
    }

    /// Lets the next one go; whether there was one.
    fn make_way(&mut self, leaving: &mut Vec<(usize, Refusal)>) -> bool {
        let Some((client, refusal)) = leaving.pop() else { return false };
        self.close(client, Some(refusal));
        true
    }

    /// Follows the web configuration. Whoever came under another one and has nothing to get goes.
    pub(super) fn follow(&mut self, now: Instant) {
        let before = self.door.generation();
        self.door.look(now);
        if self.door.generation() != before {
            self.renew();
        }
    }

    /// Ends the connections that nothing is owed to, after a change of the web configuration.
    pub(super) fn renew(&mut self) {
        self.connections.retain(|_, connection| !connection.is_settled());
    }
}
