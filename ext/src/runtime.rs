//! What this process tells of itself: memory, processor time, requests. Told from within calls that
//! happen anyway, never by a thread, and about once a second; the processor time, which alone costs
//! a system call, never more often.
//!
//! Each update counts down. When it comes to 0 somebody looks at the clock, which is memory that the
//! kernel shares, and sets out again: as many calls as were made in a quarter of a second lately, so
//! that who calls seldom looks at each call. Never more than [`MOST_CALLS`], so that a loop that gets
//! slow is noticed.

use crate::{guard::silenced, ini, local::local, process, usage};
use promshm_segment::{Runtime, now};

local! {
    /// Calls to the next look at the clock.
    static COUNTDOWN: u32 = 1;
    static PROCESS: Process = Process::new();
}

/// The most calls between two looks: a look costs some hundred instructions.
const MOST_CALLS: u32 = 500;
/// Seconds between two looks, where calls are many.
const LOOK_EVERY: f64 = 0.25;
/// Seconds between two times of telling.
const TELL_EVERY: f64 = 1.0;

#[derive(Debug, Clone, Copy)]
struct Process {
    /// When it started, in seconds since 1970.
    start: f64,
    requests: u32,
    /// Whether a request is running.
    in_request: bool,
    /// Runs of the collector in former requests; less what a fork's parent had run.
    gc_before: i64,
    cpu: f64,
    /// The countdown before the present one.
    calls: u32,
    looked_at: f64,
    told_at: f64,
}

impl Process {
    const fn new() -> Self {
        Self {
            start: 0.0,
            requests: 0,
            in_request: false,
            gc_before: 0,
            cpu: 0.0,
            calls: 1,
            looked_at: 0.0,
            told_at: f64::NEG_INFINITY,
        }
    }
}

/// An update was made.
#[inline(always)]
pub(crate) fn tick() {
    if COUNTDOWN.update(|left| left.wrapping_sub(1)) == 0 {
        look();
    }
}

#[cold]
#[inline(never)]
fn look() {
    silenced(|| {
        let (mut process, now) = (PROCESS.get(), usage::coarse_clock());
        process.calls = calls_until_next_look(process.calls, now - process.looked_at);
        process.looked_at = now;
        PROCESS.set(process);
        COUNTDOWN.set(process.calls);
        if now - process.told_at >= TELL_EVERY {
            tell(now);
        }
    });
}

fn calls_until_next_look(made: u32, seconds: f64) -> u32 {
    let wanted = f64::from(made) * LOOK_EVERY / seconds; // infinite within one tick of the clock
    wanted.clamp(1.0, f64::from(MOST_CALLS)) as u32
}

/// Publishes what is known now.
fn tell(now: f64) {
    if !ini::runtime_metrics() || !process::has_own_slot() {
        return;
    }
    let mut process = PROCESS.get();
    if now - process.told_at >= TELL_EVERY {
        (process.told_at, process.cpu) = (now, usage::cpu_seconds());
        PROCESS.set(process);
    }
    let (memory, peak) = usage::memory();
    process::publish_runtime(Runtime {
        start: process.start,
        memory: memory as f64,
        memory_peak: peak as f64,
        cpu: process.cpu,
        gc_runs: (process.gc_before + i64::from(usage::gc_runs())) as f64,
        requests: f64::from(process.requests),
    });
}

/// The process has a slot of its own from now on: the call that is running tells.
pub(crate) fn attached() {
    COUNTDOWN.set(1);
    let process = PROCESS.get();
    // Module startup has told the first thread alone.
    let start = if process.start > 0.0 { process.start } else { now() };
    PROCESS.set(Process { start, told_at: f64::NEG_INFINITY, ..process });
}

/// The process starts.
pub(crate) fn started() {
    PROCESS.set(Process { start: now(), ..Process::new() });
}

/// A forked child starts, perhaps within a request, which is its first one.
pub(crate) fn forked() {
    let in_request = PROCESS.get().in_request;
    let gc_before = if in_request { -i64::from(usage::gc_runs()) } else { 0 };
    let requests = in_request.into();
    PROCESS.set(Process { start: now(), requests, in_request, gc_before, ..Process::new() });
    COUNTDOWN.set(1);
}

/// A request begins.
pub(crate) fn begin_request() {
    let process = PROCESS.get();
    PROCESS.set(Process { requests: process.requests.wrapping_add(1), in_request: true, ..process });
    tell(usage::coarse_clock());
}

/// A request ends; the engine's own numbers of it are still there.
pub(crate) fn end_request() {
    tell(usage::coarse_clock());
    let process = PROCESS.get();
    let gc_before = process.gc_before + i64::from(usage::gc_runs());
    PROCESS.set(Process { in_request: false, gc_before, ..process });
}
