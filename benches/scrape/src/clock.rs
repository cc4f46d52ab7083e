//! CPU time, of this process and of the exporter: other load on the machine does not count.

use nix::time::{ClockId, clock_gettime};
use std::{fs, time::Duration};

/// Milliseconds of this process's CPU time.
pub(crate) fn timed(work: impl FnOnce()) -> f64 {
    let start = cpu_time();
    work();
    cpu_time().saturating_sub(start).as_secs_f64() * 1e3
}

fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("a clock that Linux has").into()
}

/// Milliseconds of CPU time of all threads of another process. The kernel counts them in ticks of a hundredth of a
/// second in `stat`, but in nanoseconds in `schedstat`.
pub(crate) fn cpu_of(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it lives");
    let spent = tasks.map(|task| {
        let path = task.expect("a thread").path().join("schedstat");
        let text = fs::read_to_string(path).unwrap_or_default(); // of a thread that has ended
        text.split(' ').next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0)
    });
    spent.sum::<f64>() / 1e6
}
