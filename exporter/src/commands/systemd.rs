//! Notifications for the service manager: ready, stopping, watchdog. Without `NOTIFY_SOCKET` in the environment
//! nothing is sent.

use log::warn;
use sd_notify::{NotifyState, notify, watchdog_enabled};
use std::{io, thread};

/// The port is open.
pub(crate) fn ready() {
    send(&[NotifyState::Ready]);
}

/// The server is stopping. The unit limits how long that may take (`TimeoutStopSec=`).
pub(crate) fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Notifies the watchdog, if it is enabled, at half of its interval. Each time `check` must return first, so that the
/// watchdog detects what blocks it.
pub(crate) fn run_watchdog(check: impl Fn() + Send + 'static) -> io::Result<()> {
    let Some(limit) = watchdog_enabled().filter(|limit| !limit.is_zero()) else { return Ok(()) };
    let keep_quiet = move || {
        loop {
            check();
            send(&[NotifyState::Watchdog]);
            thread::sleep(limit / 2);
        }
    };
    thread::Builder::new().name("watchdog".into()).spawn(keep_quiet).map(drop)
}

fn send(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        warn!(cause:% = error; "the service manager cannot be told");
    }
}
