//! CPU time, of this process and of the exporter: other load on the machine does not count.

use nix::{
    time::{ClockId, clock_gettime},
    unistd::Pid,
};
use std::time::Duration;

/// Milliseconds of this process's CPU time.
pub(crate) fn timed(work: impl FnOnce()) -> f64 {
    let start = passed(ClockId::CLOCK_PROCESS_CPUTIME_ID);
    work();
    passed(ClockId::CLOCK_PROCESS_CPUTIME_ID) - start
}

/// Milliseconds of CPU time of the calling thread.
pub(crate) fn cpu_of_thread() -> f64 {
    passed(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// Milliseconds of CPU time of all threads of another process, those that have ended included.
pub(crate) fn cpu_of(pid: u32) -> f64 {
    passed(ClockId::pid_cpu_clock_id(Pid::from_raw(pid.cast_signed())).expect("it lives"))
}

fn passed(clock: ClockId) -> f64 {
    Duration::from(clock_gettime(clock).expect("a clock that Linux has")).as_secs_f64() * 1e3
}
