//! How long this process is busy: within observed calls that are timed, and within what a script times itself, by
//! `time()` or a timer that is observed in the end.
//!
//! A generator is no work, because nobody tells when it is suspended: whoever asks it for an element works, and so does what
//! is observed or timed within it. A suspended fiber is work like any call that waits: what it waits for is its own.
//!
//! Nothing counts twice. Of observed calls only the first that runs counts: whatever runs within it, or beside it in a
//! fiber, ends before it, or the call that is first then goes on from there. What a script times remembers how long the process
//! was busy when it began, and adds what is missing when it ends. A timer that is never observed was no work: it may
//! have been left running for ever.
//!
//! The process is idle for the rest of its time. What of it was idle is known only up to the first thing that runs, so
//! that neither number ever goes back.

use crate::{
    engine::globals::{ModuleStatic, interpreter_local},
    session::countdown,
};
use promshm_segment::clock;

/// When the first of the observed calls that run and are work began; `None` if none does.
type FirstCall = fn() -> Option<u64>;

/// Set where functions are observed.
static FIRST_CALL: ModuleStatic<Option<FirstCall>> = ModuleStatic::new(None);

// Times are of the monotonic clock, in nanoseconds. Each value has its own static, so that a call touches only what it
// needs.
interpreter_local! {
    /// When the process started; 0 if a thread has not asked yet.
    static START: u64 = 0;
    /// Observed calls that run and are no work: those that are not timed, and generators.
    static NO_WORK: usize = 0;
    /// Time in which something ran, up to the first observed call that runs now.
    static BUSY: u64 = 0;
    /// When a call that ends is to publish the time.
    static DUE: u64 = 0;
    /// What a script times that runs.
    static TIMERS: u32 = 0;
    /// Busy and idle time as they were published.
    static PUBLISHED: (u64, u64) = (0, 0);
}

/// The most nanoseconds of calls after which their time is published.
const PUBLISH_EVERY: u64 = 1_000_000_000;

/// Something that a script times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed {
    start: u64,
    /// The busy time then.
    busy: u64,
}

/// Module startup: functions are observed, and this tells which of their calls runs.
pub(crate) fn ask_for_first_call(first_call: FirstCall) {
    FIRST_CALL.set(Some(first_call));
}

/// When the first of the observed calls that run began, at most `now`; `now` if none does.
fn first_call_or(now: u64) -> u64 {
    FIRST_CALL.get().and_then(|first_call| first_call()).map_or(now, |start| start.min(now))
}

/// An observed call ends at `now` that took so long, and leaves so many others running.
#[inline(always)]
pub(crate) fn end_call(running: usize, nanoseconds: u64, now: u64) {
    if running == NO_WORK.get() {
        BUSY.update(|busy| busy.wrapping_add(nanoseconds));
    }
    if now >= DUE.get() {
        publish_soon(now);
    }
}

#[cold]
fn publish_soon(now: u64) {
    DUE.set(now + PUBLISH_EVERY);
    countdown::hurry();
}

/// The first of the observed calls that run ends before others: from then on the next one counts.
#[cold]
pub(crate) fn hand_over(start: u64, next_start: u64) {
    BUSY.update(|busy| busy + next_start.saturating_sub(start));
}

/// An observed call begins that is no work.
#[inline(always)]
pub(crate) fn begin_no_work() {
    NO_WORK.update(|calls| calls.wrapping_add(1));
}

/// An observed call ends that is no work.
#[inline(always)]
pub(crate) fn end_no_work() {
    NO_WORK.update(|calls| calls.wrapping_sub(1));
}

/// The observed calls that ran are given up.
pub(crate) fn forget_calls() {
    NO_WORK.set(0);
}

/// Something begins that a script times.
#[inline]
pub(crate) fn begin() -> Timed {
    let start = clock::now();
    TIMERS.update(|timers| timers.wrapping_add(1));
    Timed { start, busy: BUSY.get() + (start - first_call_or(start)) }
}

/// It ends now. Returns how many seconds it took.
#[inline]
pub(crate) fn end(timed: Timed) -> f64 {
    let now = clock::now();
    give_up();
    let until = first_call_or(now);
    if until > timed.start {
        // What began before a fork has been there since the start of the child.
        let in_all = (timed.busy + (until - timed.start)).min(until.saturating_sub(START.get()));
        BUSY.update(|busy| busy.max(in_all));
    }
    now.saturating_sub(timed.start) as f64 / 1e9
}

/// It will never end.
#[inline]
pub(crate) fn give_up() {
    TIMERS.update(|timers| timers.saturating_sub(1));
}

/// The process starts, or a thread.
pub(crate) fn started() {
    START.set(clock::now());
    BUSY.set(0);
    DUE.set(0);
    PUBLISHED.set((0, 0));
}

/// A request begins: what has left the former one by a fatal error runs no more. A thread starts with its first request.
pub(crate) fn begin_request() {
    if START.get() == 0 {
        started();
    }
    TIMERS.set(0);
}

/// Seconds in which this process was busy, what runs included, and idle; 0 where neither functions are observed nor
/// scripts time anything.
pub(crate) fn seconds() -> (f64, f64) {
    if BUSY.get() == 0 && FIRST_CALL.get().is_none() {
        return (0.0, 0.0);
    }
    let (busy, idle) = PUBLISHED.update(|published| {
        let (busy, idle) = times(clock::now());
        (busy.max(published.0), idle.max(published.1))
    });
    (busy as f64 / 1e9, idle as f64 / 1e9)
}

/// Busy and idle time. While something runs that a script times, the idle time is not known, and is 0.
fn times(now: u64) -> (u64, u64) {
    let (busy, until) = (BUSY.get(), first_call_or(now));
    let idle = until.saturating_sub(START.get()).saturating_sub(busy);
    (busy + (now - until), if TIMERS.get() > 0 { 0 } else { idle })
}
