//! Stats of this process, from the engine and the kernel.
#![allow(unsafe_code)]

use ext_php_rs::{PHP_ZTS, ffi::ZEND_MODULE_API_NO};
use nix::time::{ClockId, clock_gettime};

unsafe extern "C" {
    fn zend_memory_usage(real: bool) -> usize;
    fn zend_memory_peak_usage(real: bool) -> usize;
    fn zend_gc_get_status(status: *mut GcStatus);
}

/// `zend_gc_status`, with room for that of every PHP version.
#[repr(C, align(8))]
struct GcStatus([u32; 64]);

/// Index of the number of runs: PHP 8.3 has three flags before it.
const GC_RUNS: usize = if ZEND_MODULE_API_NO >= 20_230_831 { 1 } else { 0 };

/// Bytes that PHP has allocated for the script, and their maximum in this request: the numbers that `memory_limit`
/// bounds and `memory_get_usage(true)` returns.
pub(crate) fn memory() -> (usize, usize) {
    // SAFETY: both read numbers of this interpreter's heap, which lives from before the module to after it.
    unsafe { (zend_memory_usage(true), zend_memory_peak_usage(true)) }
}

/// Runs of the cycle collector; the engine counts from 0 in each request.
pub(crate) fn gc_runs() -> u32 {
    let mut status = GcStatus([0; 64]);
    // SAFETY: the engine fills its own, smaller structure.
    unsafe { zend_gc_get_status(&raw mut status) };
    status.0[GC_RUNS]
}

/// User and system time of the process, or in a thread-safe PHP of the thread, in seconds. A system call.
pub(crate) fn cpu_seconds() -> f64 {
    seconds(if PHP_ZTS { ClockId::CLOCK_THREAD_CPUTIME_ID } else { ClockId::CLOCK_PROCESS_CPUTIME_ID })
}

/// Seconds on the coarse monotonic clock: no system call, and exact to some milliseconds.
pub(crate) fn coarse_clock() -> f64 {
    seconds(ClockId::CLOCK_MONOTONIC_COARSE)
}

fn seconds(clock: ClockId) -> f64 {
    clock_gettime(clock).map_or(0.0, |time| std::time::Duration::from(time).as_secs_f64())
}
