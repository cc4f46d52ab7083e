//! When the periodic work of [`heartbeat`](crate::session::heartbeat) is due.
//!
//! Each update counts down. At 0 the work looks at the clock, which is memory that the kernel shares, and sets the
//! countdown anew: to as many calls as were made in a quarter of a second lately, so that a process that calls
//! seldom looks at each call. It is never more than [`MOST_CALLS`], so that a loop that gets slow is noticed; and
//! much less where series have a TTL, because what a slow loop uses may be hidden otherwise.

use crate::engine::globals::interpreter_local;
use std::time::Duration;

interpreter_local! {
    /// Calls until the next look at the clock.
    static COUNTDOWN: u32 = 1;
    static SCHEDULE: Schedule = Schedule::new();
}

/// The most calls between two looks: a look costs some hundred instructions.
const MOST_CALLS: u32 = 500;
/// The most where series have a TTL.
const MOST_CALLS_WITH_TTL: u32 = 16;
/// Seconds between two looks, where calls are many.
const LOOK_EVERY: f64 = 0.25;
/// Seconds between two publications, each of which makes a system call.
const PUBLISH_EVERY: f64 = 1.0;
/// Seconds between two checks of the segment, each of which makes a system call.
const CHECK_EVERY: f64 = 1.0;

/// Times are of the coarse clock, in seconds.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    /// The countdown before the present one.
    calls: u32,
    looked_at: f64,
    published_at: f64,
    checked_at: f64,
    expired_at: f64,
    /// Seconds after which what was looked up expires; infinite without a TTL.
    expire_every: f64,
}

impl Schedule {
    const fn new() -> Self {
        Self {
            calls: 1,
            looked_at: 0.0,
            published_at: f64::NEG_INFINITY,
            checked_at: f64::NEG_INFINITY,
            expired_at: f64::NEG_INFINITY,
            expire_every: f64::INFINITY,
        }
    }

    /// Whether series that were looked up expire.
    fn expires(&self) -> bool {
        self.expire_every.is_finite()
    }

    fn calls_until_next_look(&self, seconds: f64) -> u32 {
        let wanted = f64::from(self.calls) * LOOK_EVERY / seconds; // infinite within one tick of the clock
        let most = if self.expires() { MOST_CALLS_WITH_TTL } else { MOST_CALLS };
        wanted.clamp(1.0, f64::from(most)) as u32
    }
}

/// Counts an update; `true` if it is time to look at the clock.
#[inline(always)]
pub(crate) fn count_down() -> bool {
    COUNTDOWN.update(|left| left.wrapping_sub(1)) == 0
}

/// Sets the countdown anew after a look at the clock, which shows `now`.
pub(crate) fn restart(now: f64) {
    let schedule = SCHEDULE.get();
    let calls = schedule.calls_until_next_look(now - schedule.looked_at);
    SCHEDULE.set(Schedule { calls, looked_at: now, ..schedule });
    COUNTDOWN.set(calls);
}

/// Lets this call look at the clock: the countdown says little of calls that take long.
pub(crate) fn hurry() {
    COUNTDOWN.set(1);
}

/// Whether the last publication is long enough ago.
pub(crate) fn is_publication_due(now: f64) -> bool {
    now - SCHEDULE.get().published_at >= PUBLISH_EVERY
}

/// Notes a publication.
pub(crate) fn published(now: f64) {
    SCHEDULE.update(|schedule| Schedule { published_at: now, ..schedule });
}

/// Whether the last check of the segment is long enough ago; if so, one is noted.
pub(crate) fn take_check(now: f64) -> bool {
    let schedule = SCHEDULE.get();
    let is_due = now - schedule.checked_at >= CHECK_EVERY;
    if is_due {
        SCHEDULE.set(Schedule { checked_at: now, ..schedule });
    }
    is_due
}

/// Whether what was looked up expires now; if so, that is noted. In a process that calls seldom it expires at each
/// look: the next call may come at any time, and is the only one before the next look.
pub(crate) fn take_expiry(now: f64) -> bool {
    let schedule = SCHEDULE.get();
    let is_old = schedule.calls == 1 || now - schedule.expired_at >= schedule.expire_every;
    let is_due = schedule.expires() && is_old;
    if is_due {
        SCHEDULE.set(Schedule { expired_at: now, ..schedule });
    }
    is_due
}

/// The process is attached from now on, and what it looks up expires after `expire_after`, if ever. The call that
/// is running does the periodic work.
pub(crate) fn attached(expire_after: Option<Duration>) {
    COUNTDOWN.set(1);
    let expire_every = expire_after.map_or(f64::INFINITY, |after| after.as_secs_f64());
    SCHEDULE.update(|schedule| Schedule { published_at: f64::NEG_INFINITY, expire_every, ..schedule });
}

/// All work is due at the next call: the process is new.
pub(crate) fn reset() {
    COUNTDOWN.set(1);
    SCHEDULE.set(Schedule::new());
}
