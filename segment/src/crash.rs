//! Crash points, for tests alone: with the feature `crash-points` every store to the segment and every system call
//! that changes something is a numbered point, at which this process can be made to die or stop. Without the
//! feature a point is nothing.
//!
//! Each writing method of `memory::atomic` and each such call in `os` passes [`point`] first, so a
//! process that dies at point *n* has done exactly *n* - 1 steps.

#[cfg(feature = "crash-points")]
pub use armed::{arm, disarm, ignore_undo, passed};
#[cfg(feature = "crash-points")]
pub(crate) use armed::{point, undo_has_no_effect};

/// One step is about to be taken.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub(crate) fn point() {}

/// Whether `SEM_UNDO` is left out: never.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub(crate) fn undo_has_no_effect() -> bool {
    false
}

#[cfg(feature = "crash-points")]
mod armed {
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
}
