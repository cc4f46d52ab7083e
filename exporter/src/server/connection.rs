//! One client's connection: which phase it is in, and what it may do next.

use super::{
    limits::{ANSWER_TIME, GRACE, HEAD_BYTES, HEAD_TIME, IDLE_TIME, PARTING_TIME, STALLED, WAIT_TIME},
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

/// So many reads or writes in a row; then others have their turn.
const TURN: usize = 16;

#[derive(Debug)]
enum Phase {
    /// A head is awaited, or on its way; under TLS also the handshake.
    Reading,
    /// The request waits for its password to be compared, for a backend, or for its answer.
    Waiting,
    Writing(PendingResponse),
    /// All is sent, and what still comes is thrown away.
    Parting,
}

/// What came of a connection's turn.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing more can be done until the socket or somebody else says so.
    Wait,
    /// There is more to do, in another turn.
    Again,
    /// The client has taken an answer that is to be reported.
    Taken,
    /// A request is complete.
    Request(RequestHead),
    /// The client is to be told why not.
    Rejected(Rejection),
    /// It is over; with a cause if the client is at fault.
    Over(Option<Rejection>),
}

pub(super) struct Connection {
    transport: Transport,
    pub(super) peer: Peer,
    phase: Phase,
    /// Bytes of heads that are not complete yet.
    buffer: Vec<u8>,
    /// Whether `buffer` holds something that was not tried as a head.
    has_untried_bytes: bool,
    /// Whether the request that is being answered wants another one to follow.
    keeps_alive: bool,
    /// Whether it wants no body.
    pub(super) without_body: bool,
    /// Since when it is in its phase, or when its answer last made progress.
    since: Instant,
    deadline: Option<Instant>,
    /// Which settings it was admitted under.
    pub(super) generation: u64,
}

impl Connection {
    /// `made`: when the kernel made it; it may have waited to be accepted.
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

    /// Goes as far as it can without waiting.
    pub(super) fn advance(&mut self, read_buffer: &mut [u8; HEAD_BYTES], now: Instant) -> Step {
        match self.phase {
            Phase::Reading => self.read(read_buffer, now),
            Phase::Waiting => Step::Wait,
            Phase::Writing(_) => self.write(now),
            Phase::Parting => self.part(read_buffer),
        }
    }

    fn read(&mut self, read_buffer: &mut [u8; HEAD_BYTES], now: Instant) -> Step {
        if self.transport.falls_back() {
            return Step::Rejected(Rejection::NotTls);
        }
        for _ in 0..TURN {
            if mem::take(&mut self.has_untried_bytes) {
                match request_head::parse(&self.buffer) {
                    Ok(Some((head, length))) => return self.take(head, length, now),
                    Ok(None) => {}
                    Err(rejection) => return Step::Rejected(rejection),
                }
            }
            let room = HEAD_BYTES - self.buffer.len();
            if room == 0 {
                return Step::Rejected(Rejection::HeadTooLarge);
            }
            match self.transport.read(&mut read_buffer[..room]) {
                Ok(0) => return Step::Over(None),
                Ok(length) => self.add(&read_buffer[..length], now),
                Err(error) => return step_after(&error),
            }
        }
        Step::Again
    }

    fn add(&mut self, bytes: &[u8], now: Instant) {
        if self.buffer.is_empty() {
            // The first byte ends idleness. A connection's first head has its time from the beginning.
            let limit = now + HEAD_TIME;
            self.deadline = Some(self.deadline.map_or(limit, |deadline| deadline.min(limit)));
        }
        // A head ends in a line feed: one that trickles in is not looked at for each byte.
        self.has_untried_bytes = bytes.contains(&b'\n');
        self.buffer.extend_from_slice(bytes);
    }

    fn take(&mut self, head: RequestHead, length: usize, now: Instant) -> Step {
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
            let Phase::Writing(answer) = &mut self.phase else { return Step::Again };
            if answer.is_sent() {
                return match self.transport.flush() {
                    Ok(true) => self.sent(now),
                    Ok(false) => Step::Wait,
                    Err(_) => Step::Over(None),
                };
            }
            match self.transport.write(&answer.rest()) {
                Ok(0) => return Step::Over(None),
                Ok(length) => {
                    answer.advance(length);
                    self.since = now;
                }
                Err(error) => return step_after(&error),
            }
        }
        Step::Again
    }

    fn sent(&mut self, now: Instant) -> Step {
        let is_last = matches!(&self.phase, Phase::Writing(answer) if answer.is_last);
        let is_reported = matches!(&self.phase, Phase::Writing(answer) if answer.is_reported);
        (self.since, self.without_body) = (now, false);
        if is_last {
            self.transport.finish();
            self.phase = Phase::Parting;
            self.deadline = Some(now + PARTING_TIME);
        } else {
            self.phase = Phase::Reading;
            self.deadline = Some(now + if self.buffer.is_empty() { IDLE_TIME } else { HEAD_TIME });
        }
        if is_reported { Step::Taken } else { Step::Again }
    }

    /// Closing while bytes lie unread resets the connection, and the reset may overtake the answer.
    fn part(&mut self, read_buffer: &mut [u8; HEAD_BYTES]) -> Step {
        for _ in 0..TURN {
            match io::Read::read(&mut self.transport.socket, read_buffer) {
                Ok(0) => return Step::Over(None),
                Ok(_) => {}
                Err(error) => return step_after(&error),
            }
        }
        Step::Again
    }

    /// Begins to answer.
    pub(super) fn answer(&mut self, answer: PendingResponse, now: Instant) {
        self.phase = Phase::Writing(answer);
        self.since = now;
        self.deadline = Some(now + ANSWER_TIME);
    }

    /// Whether the client wants to ask again after its answer.
    pub(super) fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What to do when the deadline has passed.
    pub(super) fn late(&self) -> Step {
        match &self.phase {
            Phase::Reading if self.transport.is_handshaking() => Step::Over(Some(Rejection::SlowHead)),
            Phase::Reading if self.buffer.is_empty() => Step::Over(None),
            Phase::Reading => Step::Rejected(Rejection::SlowHead),
            Phase::Writing(_) => Step::Over(Some(Rejection::SlowReader)),
            Phase::Waiting => Step::Rejected(Rejection::NoAnswer),
            Phase::Parting => Step::Over(None),
        }
    }

    /// Since when it has been waiting for its client, if that is long enough to drop it for others.
    pub(super) fn idle_since(&self, now: Instant) -> Option<Instant> {
        let is_idle = matches!(self.phase, Phase::Reading | Phase::Parting) && self.since + GRACE <= now;
        is_idle.then_some(self.since)
    }

    /// When its client counts as stalled, if it does not read on: after [`STALLED`] without a byte, or so much behind
    /// the pace that brings the answer to its end in [`ANSWER_TIME`].
    pub(super) fn stalls_at(&self) -> Option<Instant> {
        let (Phase::Writing(answer), Some(deadline)) = (&self.phase, self.deadline) else { return None };
        let behind = deadline.checked_sub(ANSWER_TIME.mul_f64(answer.unsent_share()))?;
        Some(self.since.min(behind) + STALLED)
    }

    /// Since when its client has not read on, if it has stalled and may be dropped for others.
    pub(super) fn stalled_since(&self, now: Instant) -> Option<Instant> {
        self.stalls_at().is_some_and(|end| end <= now).then_some(self.since)
    }

    /// Whether nothing is owed to its client: all was answered, and no byte of another request has come.
    pub(super) fn is_settled(&self) -> bool {
        match self.phase {
            Phase::Reading => self.buffer.is_empty(),
            Phase::Parting => true,
            Phase::Waiting | Phase::Writing(_) => false,
        }
    }

    /// Whether its request waits for its answer.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting)
    }

    /// Memory of the answer that it has not taken yet.
    pub(super) fn held_bytes(&self) -> usize {
        if let Phase::Writing(answer) = &self.phase { answer.held_bytes() } else { 0 }
    }
}

/// What follows from an error of the client's socket.
fn step_after(error: &io::Error) -> Step {
    match error.kind() {
        ErrorKind::WouldBlock => Step::Wait,
        ErrorKind::Interrupted => Step::Again,
        ErrorKind::InvalidData => Step::Over(Some(Rejection::Tls)),
        _ => Step::Over(None),
    }
}
