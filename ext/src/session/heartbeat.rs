//! Periodic work: publish process stats (memory, processor time, requests), check that the segment is still there, move
//! to its present generation, and expire resolved series where the segment has a TTL, so that looking them up again
//! marks them as used.
//!
//! It is done within calls that are made anyway, never by a thread, and about once a second. The processor time and
//! the check of the segment cost a system call each, and are never done more often.

use crate::{
    engine::{globals::interpreter_local, panic::catch_panic_silent, process_stats},
    session::{attachment, countdown, generation, ini, work},
};
use promshm_segment::{Runtime, unix_time};
use std::sync::OnceLock;

/// No list behind a lock, which a fork could leave locked.
static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Told of the time, in seconds of the coarse clock. It may call the engine, and so not return.
type Listener = fn(f64);

interpreter_local! {
    static PROCESS: Process = Process::new();
}

#[derive(Debug, Clone, Copy)]
struct Process {
    /// When it started, in seconds since 1970; 0 if a thread has not asked yet.
    start: f64,
    requests: u32,
    /// Whether a request is running.
    in_request: bool,
    /// Runs of the cycle collector in former requests; less those of a fork's parent.
    gc_before: i64,
    /// Processor time at the last publication.
    cpu: f64,
}

impl Process {
    const fn new() -> Self {
        Self { start: 0.0, requests: 0, in_request: false, gc_before: 0, cpu: 0.0 }
    }
}

/// Module startup: calls `listener` after the periodic work, some times a second while calls are made.
pub(crate) fn listen(listener: Listener) {
    let _the_same_after_a_restart = LISTENER.set(listener);
}

/// Counts an update, and does the periodic work now and then. The caller owns nothing that is to be dropped.
#[inline(always)]
pub(crate) fn tick() {
    if countdown::count_down() {
        run();
    }
}

#[cold]
#[inline(never)]
fn run() {
    let now = process_stats::coarse_clock();
    catch_panic_silent(|| {
        countdown::restart(now);
        expire(now);
        check_segment(now);
        attachment::tend();
        if countdown::is_publication_due(now) {
            publish(now);
        }
    });
    if let Some(listener) = LISTENER.get() {
        listener(now); // last: it may not return
    }
}

/// Checks that the segment is still there, if a check is due. If it is not, all series are to be looked up again,
/// which attaches anew: nothing may be unmapped here, in the midst of a call.
fn check_segment(now: f64) {
    if countdown::take_check(now) && attachment::has_lost_segment() {
        generation::invalidate();
    }
}

/// Expires the series that were looked up, if that is due.
fn expire(now: f64) {
    if countdown::take_expiry(now) {
        generation::invalidate();
    }
}

/// Publishes the process stats. The processor time is read again only if a publication is due.
fn publish(now: f64) {
    if !ini::runtime_metrics() || !attachment::has_own_slot() {
        return;
    }
    let process = PROCESS.update(|process| with_current(process, now));
    let (memory, peak) = process_stats::memory();
    let (busy, idle) = work::seconds();
    attachment::publish_runtime(Runtime {
        start: process.start,
        memory: memory as f64,
        memory_peak: peak as f64,
        cpu: process.cpu,
        gc_runs: (process.gc_before + i64::from(process_stats::gc_runs())) as f64,
        requests: f64::from(process.requests),
        busy,
        idle,
    });
}

fn with_current(process: Process, time: f64) -> Process {
    // Module startup runs in the first thread alone.
    let start = if process.start > 0.0 { process.start } else { unix_time() };
    if !countdown::is_publication_due(time) {
        return Process { start, ..process };
    }
    countdown::published(time);
    Process { start, cpu: process_stats::cpu_seconds(), ..process }
}

/// The process starts.
pub(crate) fn started() {
    countdown::reset();
    work::started();
    PROCESS.set(Process { start: unix_time(), ..Process::new() });
}

/// A forked child starts, perhaps within a request, which is its first one.
pub(crate) fn forked() {
    countdown::reset();
    work::started();
    let in_request = PROCESS.get().in_request;
    let gc_before = if in_request { -i64::from(process_stats::gc_runs()) } else { 0 };
    PROCESS.set(Process {
        start: unix_time(),
        requests: in_request.into(),
        in_request,
        gc_before,
        ..Process::new()
    });
}

/// A request begins.
pub(crate) fn begin_request() {
    let process = PROCESS.get();
    PROCESS.set(Process { requests: process.requests.wrapping_add(1), in_request: true, ..process });
    work::begin_request();
    let now = process_stats::coarse_clock();
    expire(now);
    attachment::tend();
    publish(now);
}

/// A request ends; the engine still has its numbers of this request.
pub(crate) fn end_request() {
    attachment::tend(); // it may be idle for long
    publish(process_stats::coarse_clock());
    let process = PROCESS.get();
    let gc_before = process.gc_before + i64::from(process_stats::gc_runs());
    PROCESS.set(Process { in_request: false, gc_before, ..process });
}
