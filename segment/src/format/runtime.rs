//! Process stats: numbers that a process publishes in its own slot, exported while it lives.

use crate::{layout, layout::Slot};
use std::mem::offset_of;

/// The stats of one process.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Runtime {
    /// When the process started, in seconds since 1970.
    pub start: f64,
    /// Memory in use, in bytes.
    pub memory: f64,
    /// Peak of the memory in use, in bytes.
    pub memory_peak: f64,
    /// User and system processor time, in seconds.
    pub cpu: f64,
    /// Number of garbage collector runs.
    pub gc_runs: f64,
    /// Number of requests begun.
    pub requests: f64,
    /// Time in observed functions and timed work, in seconds: what is within other work counts once.
    pub busy: f64,
    /// The rest of the time since the process started, in seconds. Both are 0 where nothing is timed.
    pub idle: f64,
}

impl Runtime {
    /// Each number with its offset in a slot; the start time is last.
    pub(crate) fn fields(&mut self) -> [(usize, &mut f64); 8] {
        let at = |field: usize| offset_of!(Slot, runtime) + field;
        [
            (at(offset_of!(layout::RuntimeWords, memory)), &mut self.memory),
            (at(offset_of!(layout::RuntimeWords, memory_peak)), &mut self.memory_peak),
            (at(offset_of!(layout::RuntimeWords, cpu)), &mut self.cpu),
            (at(offset_of!(layout::RuntimeWords, gc_runs)), &mut self.gc_runs),
            (at(offset_of!(layout::RuntimeWords, requests)), &mut self.requests),
            (at(offset_of!(layout::RuntimeWords, busy)), &mut self.busy),
            (at(offset_of!(layout::RuntimeWords, idle)), &mut self.idle),
            (at(offset_of!(layout::RuntimeWords, start)), &mut self.start),
        ]
    }
}
