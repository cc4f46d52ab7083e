//! Who is let in, and who makes way.

use super::super::{
    connection::Connection, limits::ACCEPT_PAUSE, listeners::Accepted, refusal::Refusal, transport::Transport,
};
use super::{ACCEPTS, Room};
use log::error;
use mio::{Interest, Token, net::TcpStream};
use rustls::ServerConnection;
use std::{sync::Arc, time::Instant};

impl Room {
    pub(super) fn accept(&mut self, now: Instant) {
        if self.resting.is_some_and(|until| now < until) {
            return;
        }
        self.resting = None;
        let mut has_made_way = false;
        for _ in 0..ACCEPTS {
            if !self.listeners.has_waiting() {
                return;
            }
            let is_full = self.connections.len() >= self.most_connections;
            if is_full && self.who_makes_way(now).is_none() {
                self.resting = Some(now + ACCEPT_PAUSE);
                return;
            }
            match self.listeners.accept() {
                Accepted::Client(socket) => {
                    has_made_way = false;
                    self.welcome(socket, is_full, now);
                }
                Accepted::Nobody => return,
                Accepted::NoRoom => {
                    self.journal.note(Refusal::NoDescriptors);
                    // If that was in vain, others of the system have taken the room: a moment later there may be some.
                    if has_made_way || !self.make_way(now) {
                        self.resting = Some(now + ACCEPT_PAUSE);
                        return;
                    }
                    has_made_way = true;
                }
            }
        }
        self.resting = Some(now); // the poll does not tell of those who still wait
    }

    fn welcome(&mut self, mut socket: TcpStream, is_full: bool, now: Instant) {
        if is_full {
            self.make_way(now);
        }
        self.follow(now);
        let Some(config) = self.door.config() else { return self.journal.note(Refusal::Config) };
        let client = self.next;
        let interests = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut socket, Token(client), interests) {
            error!(cause:% = error; "a connection cannot be watched");
            return;
        }
        let tls = match config.tls.as_ref().map(|tls| ServerConnection::new(Arc::clone(tls))).transpose() {
            Ok(tls) => tls,
            Err(error) => return error!(cause:% = error; "a TLS connection cannot be begun"),
        };
        let transport = Transport::new(socket, tls);
        self.next += 1;
        self.connections.insert(client, Connection::new(transport, self.door.generation(), now));
        self.go_on(client, now);
    }

    /// The connection that others need the least: idle the longest, else stalled the longest.
    fn who_makes_way(&self, now: Instant) -> Option<(usize, Refusal)> {
        let oldest = |since: &dyn Fn(&Connection) -> Option<Instant>| {
            let all = self.connections.iter().filter_map(|(client, each)| Some((since(each)?, *client)));
            all.min().map(|(_, client)| client)
        };
        let idle = oldest(&|each| each.idle_since(now)).map(|client| (client, Refusal::MadeWay));
        idle.or_else(|| oldest(&|each| each.stalled_since(now)).map(|client| (client, Refusal::SlowReader)))
    }

    /// Whether somebody did.
    fn make_way(&mut self, now: Instant) -> bool {
        let Some((client, refusal)) = self.who_makes_way(now) else { return false };
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
