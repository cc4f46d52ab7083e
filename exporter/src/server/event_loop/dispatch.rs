//! From a complete request to its response: authentication, the queue, the backends.

use super::EventLoop;
use crate::server::{
    backend::Backend,
    basic_auth::{AuthOutcome, CredentialTag},
    connection::Connection,
    limits::{HELD_ANSWERS, HELD_BYTES, HELD_FOR_OTHERS},
    peer::Peer,
    rejection::Rejection,
    request_head::RequestHead,
    response::{PendingResponse, Reply},
};
use log::error;
use std::{io, time::Instant};

impl EventLoop {
    /// Checks the request's credentials, and continues with it if they are accepted.
    pub(super) fn authenticate(&mut self, client: usize, head: RequestHead, now: Instant) {
        self.refresh_config(now);
        let Some(config) = self.live_config.current() else {
            return self.reject(client, Rejection::Config, now);
        };
        if config.users.is_empty() {
            return self.enqueue(client, head, now);
        }
        let Some(peer) = self.connections.get(&client).map(|connection| connection.peer) else { return };
        match self.basic_auth.check(&config.users, peer, client, head) {
            AuthOutcome::Accepted(head) => self.enqueue(client, head, now),
            AuthOutcome::Denied => self.reject(client, Rejection::Unauthorized, now),
            AuthOutcome::Busy => self.reject(client, Rejection::TooManyPasswords, now),
            AuthOutcome::Pending => {}
        }
        for evicted in self.basic_auth.take_evicted() {
            self.reject(evicted, Rejection::TooManyPasswords, now);
            self.ready.push(evicted);
        }
    }

    /// Answers a health check, or queues the request for a backend.
    fn enqueue(&mut self, client: usize, head: RequestHead, now: Instant) {
        if head.asks_for(&self.health.path) {
            return self.respond_health(client, now);
        }
        let limit = self.live_config.current().and_then(|config| config.rate_limit.as_ref());
        if limit.is_some_and(|limit| !self.bucket.try_take(limit, self.live_config.generation(), now)) {
            return self.reject(client, Rejection::RateLimited, now);
        }
        if let Some(connection) = self.connections.get(&client) {
            self.queue.push(client, connection.peer, head, now);
        }
    }

    /// The event loop answers health checks itself, so that they work while scrapes hang in all backends.
    fn respond_health(&mut self, client: usize, now: Instant) {
        let Some(connection) = self.connections.get(&client) else { return };
        let reply = Reply::text("200 OK", self.health.text, connection.without_body);
        self.respond(client, reply, now);
    }

    /// Continues with the requests whose password was compared.
    pub(super) fn complete(&mut self, tag: CredentialTag, is_right: bool, now: Instant) {
        for (client, head) in self.basic_auth.complete(tag, is_right) {
            if is_right {
                self.authenticate(client, head, now); // once more: the users may be others by now
            } else {
                self.reject(client, Rejection::Unauthorized, now);
            }
            self.drive(client, now);
        }
    }

    pub(super) fn reject(&mut self, client: usize, rejection: Rejection, now: Instant) {
        self.rejections.note(rejection);
        if let Some(connection) = self.connections.get_mut(&client) {
            let is_last = rejection.is_last() || !connection.keeps_alive() || self.stop_deadline.is_some();
            let answer = PendingResponse::rejecting(
                rejection,
                self.live_config.header_lines(),
                connection.without_body,
                is_last,
            );
            connection.respond(answer, now);
        }
    }

    /// Gives queued requests to the idle backends, as long as the memory for responses allows.
    pub(super) fn dispatch(&mut self, now: Instant) -> io::Result<()> {
        while let Some(number) =
            self.backends.iter().position(Backend::is_free).filter(|_| !self.queue.is_empty())
        {
            self.release_memory(now);
            let answers = self.held_responses();
            let Some((client, head)) = self.queue.pop(|peer| answers.has_room_for(peer)) else { break };
            self.backends[number].send_request(client, head);
            self.advance_backend(number, now)?;
        }
        Ok(())
    }

    pub(super) fn advance_backend(&mut self, number: usize, now: Instant) -> io::Result<()> {
        match self.backends[number].advance() {
            Ok(None) => {}
            Ok(Some((client, reply))) => self.deliver(client, reply, now),
            Err(cause) => {
                error!(cause:% = cause; "the connection to a backend has failed; a new one is opened");
                let client = self.backends[number].client();
                self.backends[number] = self.open_backend(number)?;
                if let Some(client) = client {
                    self.reject(client, Rejection::NoAnswer, now);
                    self.drive(client, now);
                }
            }
        }
        Ok(())
    }

    fn deliver(&mut self, client: usize, reply: Reply, now: Instant) {
        if self.connections.get(&client).is_some_and(Connection::is_waiting) {
            self.respond(client, reply, now);
            self.drive(client, now);
        }
    }

    fn respond(&mut self, client: usize, reply: Reply, now: Instant) {
        let Some(connection) = self.connections.get_mut(&client) else { return };
        let is_old = connection.generation != self.live_config.generation();
        let is_last = is_old || !connection.keeps_alive() || self.stop_deadline.is_some();
        connection.respond(PendingResponse::new(reply, self.live_config.header_lines(), is_last), now);
    }

    /// The responses that clients have not received yet.
    fn held_responses(&self) -> HeldResponses {
        let held_responses = self.connections.values().map(|each| (each.peer, each.held_bytes()));
        held_responses.filter(|(_, bytes)| *bytes > 0).collect()
    }

    /// Closes connections whose clients have stalled, the longest stalled first, while the memory for responses is
    /// full.
    fn release_memory(&mut self, now: Instant) {
        while self.held_responses().is_full() {
            let stalled = self.connections.iter().filter_map(|(client, each)| {
                each.stalled_since(now).filter(|_| each.held_bytes() > 0).map(|since| (since, *client))
            });
            let Some((_, client)) = stalled.min() else { return };
            self.close(client, Some(Rejection::SlowReader));
        }
    }

    /// When a stalled response may be dropped for a queued request.
    pub(super) fn memory_deadline(&self) -> Option<Instant> {
        let is_needed = !self.queue.is_empty() && self.backends.iter().any(Backend::is_free);
        let mut stalls =
            self.connections.values().filter(|_| is_needed).filter_map(Connection::stall_deadline);
        // Connections that have stalled already are closed by now, if their memory was needed.
        let first = stalls.next()?;
        Some(stalls.fold(first, Instant::min)).filter(|_| self.held_responses().is_full())
    }
}

/// The memory that responses take, and whose they are.
#[derive(Default)]
struct HeldResponses {
    peers: Vec<Peer>,
    bytes: usize,
    longest: usize,
}

impl FromIterator<(Peer, usize)> for HeldResponses {
    fn from_iter<I: IntoIterator<Item = (Peer, usize)>>(answers: I) -> Self {
        answers.into_iter().fold(Self::default(), |mut held_responses, (peer, bytes)| {
            held_responses.peers.push(peer);
            held_responses.bytes += bytes;
            held_responses.longest = held_responses.longest.max(bytes);
            held_responses
        })
    }
}

impl HeldResponses {
    fn limit(&self) -> usize {
        HELD_BYTES.max(HELD_ANSWERS * self.longest)
    }

    fn is_full(&self) -> bool {
        self.bytes >= self.limit()
    }

    /// Whether one more response for this peer may be held. A peer that does not read its responses delays only
    /// itself.
    fn has_room_for(&self, peer: Peer) -> bool {
        !self.is_full() || (self.bytes < HELD_FOR_OTHERS * self.limit() && !self.peers.contains(&peer))
    }
}
