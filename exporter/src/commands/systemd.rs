//! What a service manager hears: that the server listens, that it ends, and that it does not hang.
//! Without `NOTIFY_SOCKET` in the environment there is nobody to tell.

use log::warn;
use sd_notify::{NotifyState, notify, watchdog_enabled};
use std::{io, thread};

/// The port is open.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The end has begun. How long it may take is for the unit to say (`TimeoutStopSec=`).
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells the watchdog, if there is one, at twice the pace that it wants, that all is well; after
/// `check` has returned each time, so that whatever keeps that from returning is noticed.
pub(crate) fn run_watchdog(check: impl Fn() + Send + 'static) -> io::Result<()> {
    let Some(limit) = watchdog_enabled().filter(|limit| !limit.is_zero()) else { return Ok(()) };
    let keep_quiet = move || {
        loop {
            check();
            tell(&[NotifyState::Watchdog]);
            thread::sleep(limit / 2);
        }
    };
    thread::Builder::new().name("watchdog".into()).spawn(keep_quiet).map(drop)
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        warn!(cause:% = error; "the service manager cannot be told");
    }
}
