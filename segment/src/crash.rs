//! Crash points, for tests only. With the feature `crash-points`, every store to the segment and every
//! system call that changes state is a numbered point, at which this process can be made to die or stop.
//! Without the feature, a crash point compiles to nothing.
//!
//! Each writing method of `memory::atomic` and each such call in `os` calls [`point`] first, so a process
//! that dies at point *n* has done exactly *n* - 1 steps.

#[cfg(feature = "crash-points")]
pub use armed::{arm, disarm, ignore_undo, keep_memory, passed};
#[cfg(feature = "crash-points")]
pub(crate) use armed::{memory_is_kept, point, undo_has_no_effect};

/// Called before each step.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub(crate) fn point() {}

/// Whether `SEM_UNDO` is omitted: never without the feature.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub(crate) fn undo_has_no_effect() -> bool {
    false
}

/// Whether the system takes no memory back: never said without the feature.
#[cfg(not(feature = "crash-points"))]
#[inline(always)]
pub(crate) fn memory_is_kept() -> bool {
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

    /// Raises `signal` just before the `target`th step from now on; never if `target` is 0.
    pub fn arm(target: u64, signal: Signal) {
        PASSED.store(0, Relaxed);
        SIGNAL.store(signal as u64, Relaxed);
        TARGET.store(target, Relaxed);
    }

    /// Number of steps since [`arm`].
    #[must_use]
    pub fn passed() -> u64 {
        PASSED.load(Relaxed)
    }

    /// Cancels [`arm`]: no later step raises the signal.
    pub fn disarm() {
        TARGET.store(0, Relaxed);
    }

    /// Sets whether `SEM_UNDO` is omitted. Simulates gVisor, which accepts the flag and ignores it.
    pub fn ignore_undo(ignore: bool) {
        NO_UNDO.store(ignore.into(), Relaxed);
    }

    #[allow(clippy::disallowed_types)]
    static KEPT: AtomicU64 = AtomicU64::new(0);

    /// Sets whether the system refuses to take memory back. Simulates kernels that do.
    pub fn keep_memory(keep: bool) {
        KEPT.store(keep.into(), Relaxed);
    }

    pub(crate) fn memory_is_kept() -> bool {
        KEPT.load(Relaxed) != 0
    }

    pub(crate) fn undo_has_no_effect() -> bool {
        NO_UNDO.load(Relaxed) != 0
    }

    /// Called before each step.
    pub(crate) fn point() {
        if PASSED.fetch_add(1, Relaxed) + 1 == TARGET.load(Relaxed) {
            let signal = Signal::try_from(SIGNAL.load(Relaxed) as i32).unwrap_or(Signal::SIGKILL);
            let _raised = raise(signal);
        }
    }
}
