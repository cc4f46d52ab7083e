//! The two clocks: one that nobody sets, for ages, and the wall clock, for what people read.

use nix::time::{ClockId, clock_gettime};
use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds of `CLOCK_MONOTONIC`: one line for all processes of a machine, whatever container they
/// are in, and nobody sets it. It stands still while the machine sleeps, and asking costs no system call
/// on any kernel; `CLOCK_BOOTTIME` runs on through sleep, but older kernels and gVisor make a call of it.
/// Only a time namespace, which no usual container has, shifts it.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC);
    time.map_or(0, |time| time.tv_sec().cast_unsigned() * 1_000_000_000 + time.tv_nsec().cast_unsigned())
}

/// Wall clock, in seconds since 1970.
#[must_use]
pub fn unix_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
