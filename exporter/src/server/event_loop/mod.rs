//! The event loop: one thread that owns the connections and schedules requests.

mod accept;
mod dispatch;

use super::{
    Health, ServerSettings,
    backend::{Backend, Handler},
    basic_auth::{BasicAuth, CredentialTag},
    connection::{Connection, Step},
    fair_queue::RequestQueue,
    limits,
    limits::{DRAIN_TIME, HEAD_BYTES},
    listeners::Listeners,
    rejection::Rejection,
    rejection_log::RejectionLog,
    token_bucket::TokenBucket,
};
use crate::web_config::LiveConfig;
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
const FIRST_BACKEND: usize = 1;
/// One backend scrapes while the other answers. More are of no use, because scrapes run one after the other.
const BACKENDS: usize = 2;
const FIRST_LISTENER: usize = FIRST_BACKEND + BACKENDS;

/// Connections accepted in a row, and steps of one connection in a row, before others get their turn.
const ACCEPTS: usize = 64;
const STEPS: usize = 8;

/// What other threads send to the event loop.
pub(super) enum Message {
    Stop,
    /// Read the web configuration again.
    Reload,
    /// A password was compared: its tag, and whether it is right.
    Compared(CredentialTag, bool),
}

pub(super) struct EventLoop {
    poll: Poll,
    inbox: Receiver<Message>,
    listeners: Listeners,
    handler: Arc<Handler>,
    backends: Vec<Backend>,
    queue: RequestQueue,
    connections: HashMap<usize, Connection>,
    max_connections: usize,
    /// The token of the next connection; tokens are never reused.
    next: usize,
    /// Connections with more work, which the edge-triggered poll does not report again.
    ready: Vec<usize>,
    /// Accepting is paused until then.
    accept_paused_until: Option<Instant>,
    /// After it was told to stop, the loop ends then at the latest.
    stop_deadline: Option<Instant>,
    live_config: LiveConfig,
    basic_auth: BasicAuth,
    rejections: RejectionLog,
    bucket: TokenBucket,
    health: Health,
    on_taken: Box<dyn Fn(usize, String) + Send>,
    read_buffer: Box<[u8; HEAD_BYTES]>,
}

impl EventLoop {
    pub(super) fn new(
        poll: Poll,
        inbox: Receiver<Message>,
        settings: ServerSettings,
        basic_auth: BasicAuth,
        handler: &Arc<Handler>,
    ) -> io::Result<Self> {
        let ServerSettings { mut listeners, max_requests, metrics, live_config, health, on_taken } = settings;
        listeners.register(poll.registry(), FIRST_LISTENER)?;
        let mut event_loop = Self {
            next: FIRST_LISTENER + listeners.len(),
            poll,
            inbox,
            listeners,
            handler: Arc::clone(handler),
            backends: Vec::with_capacity(BACKENDS),
            queue: RequestQueue::new(max_requests),
            connections: HashMap::new(),
            max_connections: limits::connections(),
            ready: Vec::new(),
            accept_paused_until: None,
            stop_deadline: None,
            live_config,
            basic_auth,
            rejections: RejectionLog::new(metrics),
            bucket: TokenBucket::default(),
            health,
            on_taken,
            read_buffer: Box::new([0; HEAD_BYTES]),
        };
        for number in 0..BACKENDS {
            let backend = event_loop.open_backend(number)?;
            event_loop.backends.push(backend);
        }
        Ok(event_loop)
    }

    fn open_backend(&self, number: usize) -> io::Result<Backend> {
        let mut backend = Backend::open(&self.handler)?;
        let interests = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut backend.stream, Token(FIRST_BACKEND + number), interests)?;
        Ok(backend)
    }

    /// Runs until it was told to stop and every request is answered, or until a system error.
    pub(super) fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut now = Instant::now();
        while !self.is_finished(now) {
            match self.poll.poll(&mut events, self.poll_timeout(now)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => outcome?,
            }
            now = Instant::now();
            for event in &events {
                self.on_event(event, now)?;
            }
            for client in mem::take(&mut self.ready) {
                self.drive(client, now);
            }
            self.receive_messages(now);
            self.accept(now);
            self.expire_deadlines(now);
            self.dispatch(now)?;
            self.rejections.note_connections(self.connections.len());
            self.rejections.flush(now);
        }
        Ok(())
    }

    /// How long the poll may block.
    fn poll_timeout(&self, now: Instant) -> Option<Duration> {
        if !self.ready.is_empty() || self.accept_paused_until.is_some_and(|until| until <= now) {
            return Some(Duration::ZERO);
        }
        let connections = self.connections.values().filter_map(Connection::deadline).min();
        let queue = [self.queue.deadline(self.busy()), self.memory_deadline()];
        let others = [self.stop_deadline, self.accept_paused_until, self.rejections.deadline()]
            .into_iter()
            .chain(queue);
        let first = others.flatten().chain(connections).min()?;
        // The poll counts whole milliseconds: waking up a little late is harmless, a little early is useless.
        Some(first.saturating_duration_since(now) + Duration::from_millis(1))
    }

    fn is_finished(&self, now: Instant) -> bool {
        let Some(until) = self.stop_deadline else { return false };
        let is_settled = self.connections.values().all(Connection::is_settled);
        if now >= until && !is_settled {
            warn!("some clients have not taken their answers");
        }
        is_settled || now >= until
    }

    fn on_event(&mut self, event: &Event, now: Instant) -> io::Result<()> {
        let token = event.token().0;
        let backends = FIRST_BACKEND..FIRST_BACKEND + self.backends.len();
        if backends.contains(&token) {
            return self.advance_backend(token - FIRST_BACKEND, now);
        }
        if let Some(client) = self.connections.get(&token) {
            if event.is_error() && client.is_waiting() {
                self.close(token, None); // it has gone before its answer
            } else {
                self.drive(token, now);
            }
        } else if token >= FIRST_LISTENER {
            self.listeners.wake(token - FIRST_LISTENER);
        }
        Ok(())
    }

    fn receive_messages(&mut self, now: Instant) {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Message::Stop => self.stop(now),
                Message::Reload => {
                    self.live_config.reload();
                    self.close_settled();
                }
                Message::Compared(tag, is_right) => self.complete(tag, is_right, now),
            }
        }
    }

    /// Answers everyone who asked in time, including connections that wait to be accepted and bytes that wait to be
    /// read.
    fn stop(&mut self, now: Instant) {
        self.accept_paused_until = None;
        self.accept(now);
        self.listeners = Listeners::default();
        debug!("waiting for the answers on their way");
        for client in self.connections.keys().copied().collect::<Vec<_>>() {
            self.drive(client, now);
        }
        self.stop_deadline = Some(now + DRAIN_TIME);
    }

    /// Lets a connection make the progress that is possible now.
    fn drive(&mut self, client: usize, now: Instant) {
        for _ in 0..STEPS {
            let Some(connection) = self.connections.get_mut(&client) else { return };
            match connection.advance(&mut self.read_buffer, now) {
                Step::Blocked => return,
                Step::Yield => {}
                Step::Delivered(report) => (self.on_taken)(client, report),
                Step::Request(head) => self.authenticate(client, head, now),
                Step::Rejected(rejection) => self.reject(client, rejection, now),
                Step::Closed(rejection) => return self.close(client, rejection),
            }
        }
        self.ready.push(client);
    }

    fn close(&mut self, client: usize, rejection: Option<Rejection>) {
        if let Some(rejection) = rejection {
            self.rejections.note(rejection);
        }
        self.accept_paused_until = None; // there is room again
        if self.connections.remove(&client).is_some_and(|connection| connection.is_waiting()) {
            self.cancel(client);
        }
    }

    /// Cancels the work for a request whose client has gone.
    fn cancel(&mut self, client: usize) {
        self.queue.cancel(client);
        self.basic_auth.cancel(client);
    }

    fn expire_deadlines(&mut self, now: Instant) {
        let late = self.connections.iter().filter(|(_, each)| each.deadline().is_some_and(|end| end <= now));
        let late: Vec<_> = late.map(|(client, each)| (*client, each.on_deadline())).collect();
        for (client, step) in late {
            match step {
                Step::Rejected(rejection) => {
                    self.cancel(client);
                    self.reject(client, rejection, now);
                    self.drive(client, now);
                }
                Step::Closed(rejection) => self.close(client, rejection),
                Step::Blocked | Step::Yield | Step::Delivered(_) | Step::Request(_) => {}
            }
        }
        while let Some(client) = self.queue.pop_rejected(self.busy(), now) {
            self.reject(client, Rejection::TooManyRequests, now);
            self.drive(client, now);
        }
    }

    fn busy(&self) -> usize {
        self.backends.iter().filter(|backend| !backend.is_free()).count()
    }
}
