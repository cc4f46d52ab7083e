//! What this process does now and then: it tells of itself (memory, processor time, requests), it looks whether
//! its segment is still there, and where series have a TTL, it forgets what it has looked up, so that it says again
//! what it uses. Done from within calls that happen anyway, never by a thread, and about once a second; what costs
//! a system call, which are the processor time and the look for the segment, never more often.
//!
//! Each update counts down. When it comes to 0 somebody looks at the clock, which is memory that the
//! kernel shares, and sets out again: as many calls as were made in a quarter of a second lately, so
//! that who calls seldom looks at each call. Never more than [`MOST_CALLS`], so that a loop that gets
//! slow is noticed; and much sooner where series have a TTL, because then what a slow loop uses may be hidden.

use crate::{
    engine::{globals::local, panic::silenced, process_stats},
    session::{attachment, generation, ini},
};
use promshm_segment::{Runtime, now};
use std::time::Duration;

local! {
    /// Calls to the next look at the clock.
    static COUNTDOWN: u32 = 1;
    static PROCESS: Process = Process::new();
}

/// The most calls between two looks: a look costs some hundred instructions.
const MOST_CALLS: u32 = 500;
/// The most where series have a TTL.
const MOST_CALLS_WITH_TTL: u32 = 16;
/// Seconds between two looks, where calls are many.
const LOOK_EVERY: f64 = 0.25;
/// Seconds between two times of telling.
const TELL_EVERY: f64 = 1.0;
/// Seconds between two looks for the segment.
const FOLLOW_EVERY: f64 = 1.0;

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
    followed_at: f64,
    renewed_at: f64,
    /// Seconds between two renewals.
    renew_every: f64,
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
            followed_at: f64::NEG_INFINITY,
            renewed_at: f64::NEG_INFINITY,
            renew_every: f64::INFINITY,
        }
    }

    /// Whether what was looked up is forgotten now and then.
    fn renews(&self) -> bool {
        self.renew_every.is_finite()
    }

    fn calls_until_next_look(&self, seconds: f64) -> u32 {
        let wanted = f64::from(self.calls) * LOOK_EVERY / seconds; // infinite within one tick of the clock
        let most = if self.renews() { MOST_CALLS_WITH_TTL } else { MOST_CALLS };
        wanted.clamp(1.0, f64::from(most)) as u32
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
        let (mut process, now) = (PROCESS.get(), process_stats::coarse_clock());
        process.calls = process.calls_until_next_look(now - process.looked_at);
        process.looked_at = now;
        PROCESS.set(process);
        COUNTDOWN.set(process.calls);
        renew(now);
        follow(now);
        if now - process.told_at >= TELL_EVERY {
            tell(now);
        }
    });
}

/// Looks whether the segment is still there, if that is long enough ago. If it is not, all is looked up again,
/// which attaches anew: nothing is unmapped here, in the midst of a call.
fn follow(now: f64) {
    let process = PROCESS.get();
    if now - process.followed_at >= FOLLOW_EVERY {
        PROCESS.set(Process { followed_at: now, ..process });
        if attachment::has_lost_segment() {
            generation::renew();
        }
    }
}

/// Forgets what was looked up, if that is long enough ago. Who calls seldom forgets at each look: the next call
/// may come at any time, and is the only one before the next look.
fn renew(now: f64) {
    let process = PROCESS.get();
    let is_due = process.renews() && (process.calls == 1 || now - process.renewed_at >= process.renew_every);
    if is_due {
        PROCESS.set(Process { renewed_at: now, ..process });
        generation::renew();
    }
}

/// Publishes what is known now.
fn tell(now: f64) {
    if !ini::runtime_metrics() || !attachment::has_own_slot() {
        return;
    }
    let mut process = PROCESS.get();
    if now - process.told_at >= TELL_EVERY {
        (process.told_at, process.cpu) = (now, process_stats::cpu_seconds());
        PROCESS.set(process);
    }
    let (memory, peak) = process_stats::memory();
    attachment::publish_runtime(Runtime {
        start: process.start,
        memory: memory as f64,
        memory_peak: peak as f64,
        cpu: process.cpu,
        gc_runs: (process.gc_before + i64::from(process_stats::gc_runs())) as f64,
        requests: f64::from(process.requests),
    });
}

/// The process is attached from now on, and forgets what it has looked up after `renew_after`, if ever. The
/// call that is running tells.
pub(crate) fn attached(renew_after: Option<Duration>) {
    COUNTDOWN.set(1);
    let process = PROCESS.get();
    let renew_every = renew_after.map_or(f64::INFINITY, |after| after.as_secs_f64());
    // Module startup has told the first thread alone.
    let start = if process.start > 0.0 { process.start } else { now() };
    PROCESS.set(Process { start, told_at: f64::NEG_INFINITY, renew_every, ..process });
}

/// The process starts.
pub(crate) fn started() {
    PROCESS.set(Process { start: now(), ..Process::new() });
}

/// A forked child starts, perhaps within a request, which is its first one.
pub(crate) fn forked() {
    let in_request = PROCESS.get().in_request;
    let gc_before = if in_request { -i64::from(process_stats::gc_runs()) } else { 0 };
    let requests = in_request.into();
    PROCESS.set(Process { start: now(), requests, in_request, gc_before, ..Process::new() });
    COUNTDOWN.set(1);
}

/// A request begins.
pub(crate) fn begin_request() {
    let process = PROCESS.get();
    PROCESS.set(Process { requests: process.requests.wrapping_add(1), in_request: true, ..process });
    let now = process_stats::coarse_clock();
    renew(now);
    tell(now);
}

/// A request ends; the engine's own numbers of it are still there.
pub(crate) fn end_request() {
    tell(process_stats::coarse_clock());
    let process = PROCESS.get();
    let gc_before = process.gc_before + i64::from(process_stats::gc_runs());
    PROCESS.set(Process { in_request: false, gc_before, ..process });
}
