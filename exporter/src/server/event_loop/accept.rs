//! Accepting connections, and evicting others when there are too many.

use super::{ACCEPTS, EventLoop};
use crate::{
    server::{
        connection::Connection, limits::ACCEPT_PAUSE, listeners::Accepted, peer::Peer, rejection::Rejection,
        tcp_info::age, transport::Transport,
    },
    web_config::Tls,
};
use log::error;
use mio::{Interest, Token, net::TcpStream};
use promshm_segment::order;
use std::time::Instant;

impl EventLoop {
    pub(super) fn accept(&mut self, now: Instant) {
        if self.accept_paused_until.is_some_and(|until| now < until) {
            return;
        }
        self.accept_paused_until = None;
        let mut candidates = Vec::new();
        let mut has_evicted = false;
        for _ in 0..ACCEPTS {
            if !self.listeners.has_waiting() {
                return;
            }
            let is_full = self.connections.len() >= self.max_connections;
            if is_full && candidates.is_empty() {
                candidates = self.eviction_candidates(now);
                if candidates.is_empty() {
                    return self.pause_accepting(now);
                }
            }
            match self.listeners.accept() {
                Accepted::Client(socket, peer) => {
                    has_evicted = false;
                    if is_full {
                        self.evict(&mut candidates);
                    }
                    self.add_connection(socket, peer, now);
                }
                Accepted::Nobody => return,
                Accepted::NoRoom => {
                    self.rejections.note(Rejection::NoDescriptors);
                    if candidates.is_empty() {
                        candidates = self.eviction_candidates(now);
                    }
                    // After an eviction in vain, another process has taken the descriptor: pause, and try again
                    // later.
                    if has_evicted || !self.evict(&mut candidates) {
                        return self.pause_accepting(now);
                    }
                    has_evicted = true;
                }
            }
        }
        self.accept_paused_until = Some(now); // the poll does not tell of those who still wait
    }

    /// Stops accepting for a moment, or until a connection ends.
    fn pause_accepting(&mut self, now: Instant) {
        self.accept_paused_until = Some(now + ACCEPT_PAUSE);
    }

    fn add_connection(&mut self, mut socket: TcpStream, peer: Peer, now: Instant) {
        self.refresh_config(now);
        let Some(config) = self.live_config.current() else { return self.rejections.note(Rejection::Config) };
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
        self.connections
            .insert(client, Connection::new(transport, peer, self.live_config.generation(), made, now));
        self.drive(client, now);
    }

    /// The connections that may be evicted, the best candidate last: those idle the longest, or else those stalled
    /// the longest.
    fn eviction_candidates(&self, now: Instant) -> Vec<(usize, Rejection)> {
        let idle = self.by_age(Rejection::Evicted, |each| each.idle_since(now));
        if idle.is_empty() {
            self.by_age(Rejection::SlowReader, |each| each.stalled_since(now))
        } else {
            idle
        }
    }

    /// The connections for which `since` returns a time, the newest first.
    fn by_age(
        &self,
        rejection: Rejection,
        since: impl Fn(&Connection) -> Option<Instant>,
    ) -> Vec<(usize, Rejection)> {
        let all = self.connections.iter().filter_map(|(client, each)| Some((since(each)?, *client)));
        let mut all: Vec<_> = all.collect();
        order::sort_elements(&mut all, &|one, other| other.cmp(one));
        all.into_iter().map(|(_, client)| (client, rejection)).collect()
    }

    /// Evicts the next candidate; returns whether there was one.
    fn evict(&mut self, candidates: &mut Vec<(usize, Rejection)>) -> bool {
        let Some((client, rejection)) = candidates.pop() else { return false };
        self.close(client, Some(rejection));
        true
    }

    /// Reads the web configuration again if its files have changed.
    pub(super) fn refresh_config(&mut self, now: Instant) {
        let before = self.live_config.generation();
        self.live_config.check_files(now);
        if self.live_config.generation() != before {
            self.close_settled();
        }
    }

    /// Closes the connections that nothing is owed to, after a change of the web configuration.
    pub(super) fn close_settled(&mut self) {
        self.connections.retain(|_, connection| !connection.is_settled());
    }
}
