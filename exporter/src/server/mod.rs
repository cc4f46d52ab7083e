//! The guard between an open port and the HTTP library.
//!
//! One thread owns every public socket and waits for none of them: it accepts, reads heads, and writes
//! answers. A request goes to the library only when its head is complete and sound, through a backend
//! ([`backend`]), and the answer is taken whole before the client sees its first byte. So a slow, silent or
//! hostile client costs one guarded connection, and nothing that others need. [`limits`] has the numbers.

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

pub(crate) use backend::{Handler, REPORT};
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

/// What a guard is made from.
pub(crate) struct ServerSettings {
    pub(crate) listeners: Listeners,
    /// The most requests at once; 0 for any number.
    pub(crate) max_requests: usize,
    pub(crate) metrics: HttpMetrics,
    pub(crate) live_config: LiveConfig,
    pub(crate) health: Health,
    /// Called when a client has taken an answer with the field [`REPORT`]; connections are told apart by the number.
    pub(crate) on_taken: Box<dyn Fn(usize) + Send>,
}

/// The page that says whether the server answers at all; the guard answers it by itself.
pub(crate) struct Health {
    pub(crate) path: String,
    pub(crate) text: &'static str,
}

/// A running guard, as seen by the thread that may end it.
pub(crate) struct ServerHandle {
    messages: Sender<Message>,
    waker: Arc<Waker>,
}

impl ServerHandle {
    /// Starts to accept and to answer with `handler`. `ended` is called when the guard has ended, by an
    /// error or because it was told to.
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
            // A guard that has ended asks for nothing.
            if outbox.send(Message::Compared(tag, is_right)).is_ok() {
                let _ = bell.wake();
            }
        })?;
        let mut event_loop = EventLoop::new(poll, inbox, settings, basic_auth, handler)?;
        thread::Builder::new().name("guard".into()).spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| event_loop.run()));
            ended(outcome.unwrap_or_else(|_| Err(io::Error::other("the guard ended in a panic"))));
        })?;
        Ok(Self { messages, waker })
    }

    /// Accepts nobody any more, answers what was asked, and ends.
    pub(crate) fn stop(&self) {
        self.tell(Message::Stop);
    }

    /// Reads the web configuration anew.
    pub(crate) fn reload(&self) {
        self.tell(Message::Reload);
    }

    fn tell(&self, message: Message) {
        // A guard that has ended needs no telling.
        if self.messages.send(message).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
