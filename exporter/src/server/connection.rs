//! The state machine of one client's connection.

use super::{
    limits::{ANSWER_TIME, CLOSE_TIME, GRACE, HEAD_BYTES, HEAD_TIME, IDLE_TIME, STALL_TIME, WAIT_TIME},
    peer::Peer,
    rejection::Rejection,
    request_head,
    request_head::RequestHead,
    response::PendingResponse,
    transport::Transport,
};
use std::{
    io::{self, ErrorKind},
    mem,
    time::Instant,
};

/// Reads or writes in a row before other connections get their turn.
const TURN: usize = 16;

#[derive(Debug)]
enum Phase {
    /// A request head is awaited or arriving; under TLS this includes the handshake.
    Reading,
    /// The request waits for its password comparison, for a backend, or for its response.
    Waiting,
    Writing(PendingResponse),
    /// Everything is sent; what still arrives is discarded.
    Draining,
}

/// The outcome of one turn of a connection.
#[derive(Debug)]
pub(super) enum Step {
    /// Blocked until the socket is ready or a response arrives.
    Blocked,
    /// More work is left for another turn.
    Yield,
    /// The client has received a response that is to be reported with these words.
    Delivered(String),
    /// A request is complete.
    Request(RequestHead),
    /// The client is to receive a rejection.
    Rejected(Rejection),
    /// The connection has ended; with a reason if the client is at fault.
    Closed(Option<Rejection>),
}

pub(super) struct Connection {
    transport: Transport,
    pub(super) peer: Peer,
    phase: Phase,
    /// Bytes of incomplete request heads.
    buffer: Vec<u8>,
    /// Whether `buffer` holds bytes that were not parsed yet.
    has_untried_bytes: bool,
    /// Whether the current request asks to keep the connection.
    keeps_alive: bool,
    /// Whether the current request wants a response without a body.
    pub(super) without_body: bool,
    /// When the current phase began, or when its response last made progress.
    since: Instant,
    deadline: Option<Instant>,
    /// The configuration's generation when the connection was accepted.
    pub(super) generation: u64,
}

impl Connection {
    /// `made`: when the kernel completed the handshake, which may be long before the connection was accepted.
    pub(super) fn new(
        transport: Transport,
        peer: Peer,
        generation: u64,
        made: Instant,
        now: Instant,
    ) -> Self {
        Self {
            transport,
            peer,
            phase: Phase::Reading,
            buffer: Vec::new(),
            has_untried_bytes: false,
            keeps_alive: false,
            without_body: false,
            since: made,
            deadline: Some(now + HEAD_TIME),
            generation,
        }
    }

    /// Makes as much progress as is possible without blocking.
    pub(super) fn advance(&mut self, read_buffer: &mut [u8; HEAD_BYTES], now: Instant) -> Step {
        match self.phase {
            Phase::Reading => self.read(read_buffer, now),
            Phase::Waiting => Step::Blocked,
            Phase::Writing(_) => self.write(now),
            Phase::Draining => self.drain(read_buffer),
        }
    }

    fn read(&mut self, read_buffer: &mut [u8; HEAD_BYTES], now: Instant) -> Step {
        if self.transport.falls_back() {
            return Step::Rejected(Rejection::NotTls);
        }
        for _ in 0..TURN {
            if mem::take(&mut self.has_untried_bytes) {
                match request_head::parse(&self.buffer) {
                    Ok(Some((head, length))) => return self.take_request(head, length, now),
                    Ok(None) => {}
                    Err(rejection) => return Step::Rejected(rejection),
                }
            }
            let room = HEAD_BYTES - self.buffer.len();
            if room == 0 {
                return Step::Rejected(Rejection::HeadTooLarge);
            }
            match self.transport.read(&mut read_buffer[..room]) {
                Ok(0) => return Step::Closed(None),
                Ok(length) => self.add(&read_buffer[..length], now),
                Err(error) => return step_after(&error),
            }
        }
        Step::Yield
    }

    fn add(&mut self, bytes: &[u8], now: Instant) {
        if self.buffer.is_empty() {
            // The first byte ends the idle time. The deadline of a connection's first head counts from the
            // connection's start.
            let limit = now + HEAD_TIME;
            self.deadline = Some(self.deadline.map_or(limit, |deadline| deadline.min(limit)));
        }
        // A head ends in a line feed, so the buffer is not parsed again for each byte that trickles in.
        self.has_untried_bytes = bytes.contains(&b'\n');
        self.buffer.extend_from_slice(bytes);
    }

    fn take_request(&mut self, head: RequestHead, length: usize, now: Instant) -> Step {
        self.buffer.drain(..length);
        self.has_untried_bytes = !self.buffer.is_empty();
        if self.buffer.is_empty() {
            self.buffer = Vec::new();
        }
        (self.keeps_alive, self.without_body) = (head.keeps_alive, head.without_body);
        self.phase = Phase::Waiting;
        self.deadline = Some(now + WAIT_TIME);
        Step::Request(head)
    }

    fn write(&mut self, now: Instant) -> Step {
        for _ in 0..TURN {
            let Phase::Writing(answer) = &mut self.phase else { return Step::Yield };
            if answer.is_sent() {
                return match self.transport.flush() {
                    Ok(true) => self.on_sent(now),
                    Ok(false) => Step::Blocked,
                    Err(_) => Step::Closed(None),
                };
            }
            match self.transport.write(&answer.rest()) {
                Ok(0) => return Step::Closed(None),
                Ok(length) => {
                    answer.advance(length);
                    self.since = now;
                }
                Err(error) => return step_after(&error),
            }
        }
        Step::Yield
    }

    fn on_sent(&mut self, now: Instant) -> Step {
        let is_last = matches!(&self.phase, Phase::Writing(answer) if answer.is_last);
        let report = if let Phase::Writing(answer) = &mut self.phase { answer.report.take() } else { None };
        (self.since, self.without_body) = (now, false);
        if is_last {
            self.transport.finish();
            self.phase = Phase::Draining;
            self.deadline = Some(now + CLOSE_TIME);
        } else {
            self.phase = Phase::Reading;
            self.deadline = Some(now + if self.buffer.is_empty() { IDLE_TIME } else { HEAD_TIME });
        }
        report.map_or(Step::Yield, Step::Delivered)
    }

    /// Reads on before closing: closing with unread bytes resets the connection, and the reset may overtake the
    /// response.
    fn drain(&mut self, read_buffer: &mut [u8; HEAD_BYTES]) -> Step {
        for _ in 0..TURN {
            match io::Read::read(&mut self.transport.socket, read_buffer) {
                Ok(0) => return Step::Closed(None),
                Ok(_) => {}
                Err(error) => return step_after(&error),
            }
        }
        Step::Yield
    }

    /// Starts to send a response.
    pub(super) fn respond(&mut self, answer: PendingResponse, now: Instant) {
        self.phase = Phase::Writing(answer);
        self.since = now;
        self.deadline = Some(now + ANSWER_TIME);
    }

    /// Whether the client wants to send another request after this response.
    pub(super) fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What to do once the deadline has passed.
    pub(super) fn on_deadline(&self) -> Step {
        match &self.phase {
            Phase::Reading if self.transport.is_handshaking() => Step::Closed(Some(Rejection::SlowHead)),
            Phase::Reading if self.buffer.is_empty() => Step::Closed(None),
            Phase::Reading => Step::Rejected(Rejection::SlowHead),
            Phase::Writing(_) => Step::Closed(Some(Rejection::SlowReader)),
            Phase::Waiting => Step::Rejected(Rejection::NoAnswer),
            Phase::Draining => Step::Closed(None),
        }
    }

    /// Since when the connection has been idle, if that is long enough to evict it.
    pub(super) fn idle_since(&self, now: Instant) -> Option<Instant> {
        let is_idle = matches!(self.phase, Phase::Reading | Phase::Draining) && self.since + GRACE <= now;
        is_idle.then_some(self.since)
    }

    /// When the client counts as stalled unless it reads on: [`STALL_TIME`] after its last byte, or after it fell behind
    /// the pace that ends the response within [`ANSWER_TIME`].
    pub(super) fn stall_deadline(&self) -> Option<Instant> {
        let (Phase::Writing(answer), Some(deadline)) = (&self.phase, self.deadline) else { return None };
        let behind = deadline.checked_sub(ANSWER_TIME.mul_f64(answer.unsent_share()))?;
        Some(self.since.min(behind) + STALL_TIME)
    }

    /// Since when the client has not read, if it has stalled and may be evicted.
    pub(super) fn stalled_since(&self, now: Instant) -> Option<Instant> {
        self.stall_deadline().is_some_and(|end| end <= now).then_some(self.since)
    }

    /// Whether nothing is owed to the client: every request is answered, and no byte of another one has arrived.
    pub(super) fn is_settled(&self) -> bool {
        match self.phase {
            Phase::Reading => self.buffer.is_empty(),
            Phase::Draining => true,
            Phase::Waiting | Phase::Writing(_) => false,
        }
    }

    /// Whether its request waits for a response.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting)
    }

    /// Memory of the response that the client has not received yet.
    pub(super) fn held_bytes(&self) -> usize {
        if let Phase::Writing(answer) = &self.phase { answer.held_bytes() } else { 0 }
    }
}

/// The step that follows an error of the client's socket.
fn step_after(error: &io::Error) -> Step {
    match error.kind() {
        ErrorKind::WouldBlock => Step::Blocked,
        ErrorKind::Interrupted => Step::Yield,
        ErrorKind::InvalidData => Step::Closed(Some(Rejection::Tls)),
        _ => Step::Closed(None),
    }
}
