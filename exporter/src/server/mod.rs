//! The HTTP server in front of the HTTP library.
//!
//! One thread, the event loop, owns every public socket and never blocks: it accepts connections, reads request heads
//! and writes responses. A request is passed to the library, through a [`backend`], only when its head is complete
//! and valid, and the whole response is buffered before its first byte is sent. A slow, silent or hostile client
//! therefore costs one connection and nothing that others need. The numbers are in [`limits`].

pub(crate) mod address;
mod backend;
mod basic_auth;
mod connection;
mod event_loop;
mod fair_queue;
mod limits;
mod listeners;
mod peer;
mod rejection;
mod rejection_log;
mod request_head;
mod response;
mod round_robin;
mod tcp_info;
mod token_bucket;
mod transport;

pub(crate) use backend::{BodySlot, Handler, REPORT};
pub(crate) use listeners::{ListenError, Listeners};
pub(crate) use rejection::WANTS_TLS;

use crate::{self_metrics::HttpMetrics, web_config::LiveConfig};
use basic_auth::BasicAuth;
use event_loop::{EventLoop, Message, WAKER};
use mio::{Poll, Token, Waker};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
};

/// What the server is started with.
pub(crate) struct ServerSettings {
    pub(crate) listeners: Listeners,
    /// The most requests at once; 0 for no limit.
    pub(crate) max_requests: usize,
    pub(crate) metrics: HttpMetrics,
    pub(crate) live_config: LiveConfig,
    pub(crate) health: Health,
    /// Called with the connection's number and the field's value when a client has received a response with the field
    /// [`REPORT`].
    pub(crate) on_taken: Box<dyn Fn(usize, String) + Send>,
}

/// The health page, which the event loop answers itself.
pub(crate) struct Health {
    pub(crate) path: String,
    pub(crate) text: &'static str,
}

/// Controls the running server from another thread.
pub(crate) struct ServerHandle {
    messages: Sender<Message>,
    waker: Arc<Waker>,
}

impl ServerHandle {
    /// Starts to accept, and answers with `handler`. `ended` is called when the event loop has ended, by an error or
    /// because it was stopped.
    pub(crate) fn start(
        settings: ServerSettings,
        handler: &Arc<Handler>,
        ended: impl FnOnce(io::Result<()>) + Send + 'static,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), Token(WAKER))?);
        let (messages, inbox) = channel();
        let (outbox, bell) = (messages.clone(), Arc::clone(&waker));
        let basic_auth = BasicAuth::start(move |tag, is_right| {
            // Ignored: the event loop has ended.
            if outbox.send(Message::Compared(tag, is_right)).is_ok() {
                let _ = bell.wake();
            }
        })?;
        let mut event_loop = EventLoop::new(poll, inbox, settings, basic_auth, handler)?;
        thread::Builder::new().name("server".into()).spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| event_loop.run()));
            ended(outcome.unwrap_or_else(|_| Err(io::Error::other("the event loop panicked"))));
        })?;
        Ok(Self { messages, waker })
    }

    /// Stops accepting, answers the requests that have arrived, and ends.
    pub(crate) fn stop(&self) {
        self.send(Message::Stop);
    }

    /// Reads the web configuration again.
    pub(crate) fn reload(&self) {
        self.send(Message::Reload);
    }

    fn send(&self, message: Message) {
        // Ignored: the event loop has ended.
        if self.messages.send(message).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
