//! The guard's one thread: who is waiting for what, and whose turn it is.

mod accept;
mod dispatch;

use super::{
    Health, Settings,
    backend::{Handler, Lane},
    basic_auth::{Passwords, Tag},
    connection::{Connection, Step},
    fair_queue::Queue,
    limits,
    limits::{DRAIN_TIME, HEAD_BYTES},
    listeners::Listeners,
    rejection::Refusal,
    rejection_log::Journal,
    token_bucket::Bucket,
};
use crate::web_config::Door;
use log::{debug, warn};
use mio::{Events, Interest, Poll, Token, event::Event};
use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    mem,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

pub(super) const WAKER: usize = 0;
const FIRST_LANE: usize = 1;
/// One request scrapes; the others do not wait for it. Scrapes go one after the other anyway.
const LANES: usize = 2;
const FIRST_LISTENER: usize = FIRST_LANE + LANES;

/// So many connections are accepted in a row, and so many steps of one made; then others have their turn.
const ACCEPTS: usize = 64;
const STEPS: usize = 8;

/// What other threads tell the guard.
pub(super) enum Message {
    Stop,
    /// Read the web configuration anew.
    Reload,
    /// A password was compared.
    Compared(Tag, bool),
}

pub(super) struct Room {
    poll: Poll,
    inbox: Receiver<Message>,
    listeners: Listeners,
    handler: Arc<Handler>,
    lanes: Vec<Lane>,
    queue: Queue,
    connections: HashMap<usize, Connection>,
    most_connections: usize,
    /// The token of the next connection; none comes twice.
    next: usize,
    /// Connections that have more to do, which the poll will not tell again.
    again: Vec<usize>,
    /// Until when nobody is accepted.
    resting: Option<Instant>,
    /// Until when a guard that was told to stop goes on.
    stopping: Option<Instant>,
    door: Door,
    passwords: Passwords,
    journal: Journal,
    bucket: Bucket,
    health: Health,
    taken: Box<dyn Fn(usize) + Send>,
    scratch: Box<[u8; HEAD_BYTES]>,
}

impl Room {
    pub(super) fn new(
        poll: Poll,
        inbox: Receiver<Message>,
        settings: Settings,
        passwords: Passwords,
        handler: &Arc<Handler>,
    ) -> io::Result<Self> {
        let Settings { mut listeners, max_requests, metrics, door, health, taken } = settings;
        listeners.register(poll.registry(), FIRST_LISTENER)?;
        let mut room = Self {
            next: FIRST_LISTENER + listeners.len(),
            poll,
            inbox,
            listeners,
            handler: Arc::clone(handler),
            lanes: Vec::with_capacity(LANES),
            queue: Queue::new(max_requests),
            connections: HashMap::new(),
            most_connections: limits::connections(),
            again: Vec::new(),
            resting: None,
            stopping: None,
            door,
            passwords,
            journal: Journal::new(metrics),
            bucket: Bucket::default(),
            health,
            taken,
            scratch: Box::new([0; HEAD_BYTES]),
        };
        for number in 0..LANES {
            let lane = room.open_lane(number)?;
            room.lanes.push(lane);
        }
        Ok(room)
    }

    fn open_lane(&self, number: usize) -> io::Result<Lane> {
        let mut lane = Lane::open(&self.handler)?;
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut lane.stream, Token(FIRST_LANE + number), interests)?;
        Ok(lane)
    }

    /// Until it was told to stop and all is answered, or an error of the system.
    pub(super) fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut now = Instant::now();
        while !self.is_over(now) {
            match self.poll.poll(&mut events, self.pause(now)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => outcome?,
            }
            now = Instant::now();
            for event in &events {
                self.meet(event, now)?;
            }
            for client in mem::take(&mut self.again) {
                self.go_on(client, now);
            }
            self.hear(now);
            self.accept(now);
            self.expire(now);
            self.hand_on(now)?;
            self.journal.note_connections(self.connections.len());
            self.journal.tell(now);
        }
        Ok(())
    }

    /// How long nothing has to be done by itself.
    fn pause(&self, now: Instant) -> Option<Duration> {
        if !self.again.is_empty() || self.resting.is_some_and(|until| until <= now) {
            return Some(Duration::ZERO);
        }
        let connections = self.connections.values().filter_map(Connection::deadline).min();
        let queue = [self.queue.deadline(self.busy()), self.release_deadline()];
        let others = [self.stopping, self.resting, self.journal.deadline()].into_iter().chain(queue);
        let first = others.flatten().chain(connections).min()?;
        // The poll counts whole milliseconds: a little later is not too late, a little early is in vain.
        Some(first.saturating_duration_since(now) + Duration::from_millis(1))
    }

    fn is_over(&self, now: Instant) -> bool {
        let Some(until) = self.stopping else { return false };
        let is_settled = self.connections.values().all(Connection::is_settled);
        if now >= until && !is_settled {
            warn!("some clients have not taken their answers");
        }
        is_settled || now >= until
    }

    fn meet(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        let token = event.token().0;
        let lanes = FIRST_LANE..FIRST_LANE + self.lanes.len();
        if lanes.contains(&token) {
            return self.run_lane(token - FIRST_LANE, now);
        }
        if let Some(client) = self.connections.get(&token) {
            if event.is_error() && client.is_waiting() {
                self.close(token, None); // it has gone before its answer
            } else {
                self.go_on(token, now);
            }
        } else if token >= FIRST_LISTENER {
            self.listeners.wake(token - FIRST_LISTENER);
        }
        Ok(())
    }

    fn hear(&mut self, now: Instant) {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Message::Stop => self.stop(now),
                Message::Reload => {
                    self.door.reload();
                    self.renew();
                }
                Message::Compared(tag, is_right) => self.settle(tag, is_right, now),
            }
        }
    }

    /// Those who asked in time get their answers: also who waits to be accepted, or whose bytes wait to be read.
    fn stop(&mut self, now: Instant) {
        self.resting = None;
        self.accept(now);
        self.listeners = Listeners::default();
        debug!("waiting for the answers on their way");
        for client in self.connections.keys().copied().collect::<Vec<_>>() {
            self.go_on(client, now);
        }
        self.stopping = Some(now + DRAIN_TIME);
    }

    /// Lets a connection do what it can do now.
    fn go_on(&mut self, client: usize, now: Instant) {
        for _ in 0..STEPS {
            let Some(connection) = self.connections.get_mut(&client) else { return };
            match connection.advance(&mut self.scratch, now) {
                Step::Wait => return,
                Step::Again => {}
                Step::Taken => (self.taken)(client),
                Step::Request(head) => self.admit(client, head, now),
                Step::Refused(refusal) => self.refuse(client, refusal, now),
                Step::Over(refusal) => return self.close(client, refusal),
            }
        }
        self.again.push(client);
    }

    fn close(&mut self, client: usize, refusal: Option<Refusal>) {
        if let Some(refusal) = refusal {
            self.journal.note(refusal);
        }
        self.resting = None; // there is room again
        if self.connections.remove(&client).is_some_and(|connection| connection.is_waiting()) {
            self.forget(client);
        }
    }

    /// Does no more for a request whose client does not wait for it any more.
    fn forget(&mut self, client: usize) {
        self.queue.forget(client);
        self.passwords.forget(client);
    }

    fn expire(&mut self, now: Instant) {
        let late = self.connections.iter().filter(|(_, each)| each.deadline().is_some_and(|end| end <= now));
        let late: Vec<_> = late.map(|(client, each)| (*client, each.late())).collect();
        for (client, step) in late {
            match step {
                Step::Refused(refusal) => {
                    self.forget(client);
                    self.refuse(client, refusal, now);
                    self.go_on(client, now);
                }
                Step::Over(refusal) => self.close(client, refusal),
                Step::Wait | Step::Again | Step::Taken | Step::Request(_) => {}
            }
        }
        while let Some(client) = self.queue.pop_refused(self.busy(), now) {
            self.refuse(client, Refusal::TooManyRequests, now);
            self.go_on(client, now);
        }
    }

    fn busy(&self) -> usize {
        self.lanes.iter().filter(|lane| !lane.is_free()).count()
    }
}
