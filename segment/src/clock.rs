//! The two clocks: the monotonic clock, which nobody can set, for ages, and the wall clock, for times that
//! people read.

use nix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds of `CLOCK_MONOTONIC`. All processes of a machine share this clock, whatever container they
/// are in, and nobody can set it. It stops while the machine sleeps, and reading it takes no system call on
/// any kernel. `CLOCK_BOOTTIME` continues during sleep, but reading it takes a system call on older kernels
/// and gVisor. Only a time namespace, which no usual container has, shifts this clock.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC);
    time.map_or(0, |time| time.tv_sec().cast_unsigned() * 1_000_000_000 + time.tv_nsec().cast_unsigned())
}

/// The wall clock, in seconds since 1970.
#[must_use]
pub fn unix_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
