//! For the tests alone: every store to the segment and every system call that changes something is
//! a numbered point, at which this process can be made to die or stop.
//!
//! Each writing method of `sync` and each such call in `backend` passes [`point`] first, so a
//! process that dies at point *n* has done exactly *n* - 1 steps.

use nix::sys::signal::{Signal, raise};
#[allow(clippy::disallowed_types)] // not part of the segment, and `Word` would count itself
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

#[allow(clippy::disallowed_types)]
static PASSED: AtomicU64 = AtomicU64::new(0);
#[allow(clippy::disallowed_types)]
static TARGET: AtomicU64 = AtomicU64::new(0);
#[allow(clippy::disallowed_types)]
static SIGNAL: AtomicU64 = AtomicU64::new(0);
#[allow(clippy::disallowed_types)]
static NO_UNDO: AtomicU64 = AtomicU64::new(0);

/// From now on: raises `signal` just before the `target`th step. 0 never does.
pub fn arm(target: u64, signal: Signal) {
    PASSED.store(0, Relaxed);
    SIGNAL.store(signal as u64, Relaxed);
    TARGET.store(target, Relaxed);
}

/// Steps since [`arm`].
#[must_use]
pub fn passed() -> u64 {
    PASSED.load(Relaxed)
}

/// Goes on without dying.
pub fn disarm() {
    TARGET.store(0, Relaxed);
}

/// Whether `SEM_UNDO` is left out from now on: gVisor accepts it, and does nothing.
pub fn ignore_undo(ignore: bool) {
    NO_UNDO.store(ignore.into(), Relaxed);
}

pub(crate) fn undo_has_no_effect() -> bool {
    NO_UNDO.load(Relaxed) != 0
}

/// One step is about to be taken.
pub(crate) fn point() {
    if PASSED.fetch_add(1, Relaxed) + 1 == TARGET.load(Relaxed) {
        let signal = Signal::try_from(SIGNAL.load(Relaxed) as i32).unwrap_or(Signal::SIGKILL);
        let _raised = raise(signal);
    }
}
