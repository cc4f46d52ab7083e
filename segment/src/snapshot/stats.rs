//! What a scrape reports about the segment itself.

use crate::format::runtime::Runtime;

/// Why updates were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// `promshm.max_series` series exist already.
    SeriesLimit = 0,
    /// No room for another record or page of cells.
    SegmentFull = 1,
    /// A histogram has more cells than fit a page.
    TooManyBuckets = 2,
    /// The segment's data was invalid where the update had to go.
    Corrupt = 3,
    /// A summary counted the observation, but had no room to keep its sample.
    SummarySample = 4,
    /// An exemplar that is not allowed, or found no room; its update was counted nevertheless.
    Exemplar = 5,
}

impl Reason {
    /// All reasons, in the order of their drop counters.
    pub const ALL: [Self; 6] = [
        Self::SeriesLimit,
        Self::SegmentFull,
        Self::TooManyBuckets,
        Self::Corrupt,
        Self::SummarySample,
        Self::Exemplar,
    ];

    /// The reason as the label of `promshm_dropped_total`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SeriesLimit => "series_limit",
            Self::SegmentFull => "segment_full",
            Self::TooManyBuckets => "too_many_buckets",
            Self::Corrupt => "corrupt",
            Self::SummarySample => "summary_sample",
            Self::Exemplar => "exemplar",
        }
    }
}

/// How the segment detects that a process has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Liveness {
    /// Not tested yet.
    #[default]
    Unknown,
    /// The kernel frees a dead process's slot at once.
    Kernel,
    /// The kernel ignores `SEM_UNDO` (gVisor does): a killed process's slot stays claimed.
    Degraded,
}

impl Liveness {
    /// The mode's name for people and labels: `unknown`, `kernel` or `degraded`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Kernel => "kernel",
            Self::Degraded => "degraded",
        }
    }
}

/// The state of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotState {
    /// A living process owns it.
    Live,
    /// No process owns it, and it holds no numbers.
    Free,
    /// Its process has ended; its numbers stay for the slot's next owner.
    Inherited,
}

/// One slot, for `status`.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotView {
    /// Its number; 0 is the shared slot, which has no owner.
    pub index: usize,
    /// Its state.
    pub state: SlotState,
    /// The last owner's process id, in that process's own PID namespace.
    pub pid: u32,
    /// When the last owner claimed it, in seconds since 1970.
    pub since: f64,
    /// Processes that have owned it.
    pub starts: u64,
    /// Bytes of cells it holds.
    pub bytes: u64,
    /// The stats that its living owner publishes; `None` without a living owner, or without published stats.
    pub process: Option<Process>,
}

/// A living process, by its own stats.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its process id, made unique within the segment: processes in two PID namespaces may have the same id.
    pub label: String,
    /// Its stats.
    pub runtime: Runtime,
}

/// The segment's own state, as one scrape saw it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// Address space of the segment, in bytes.
    pub reserved_bytes: u64,
    /// Bytes taken so far: header, slots in use, index, records and pages.
    pub used_bytes: u64,
    /// The unreachable ones among them: records and pages of processes that died midway, and removed series
    /// that were replaced. Includes the few that are being created.
    pub leaked_bytes: u64,
    /// Series that count against the limit although their creation was never completed.
    pub leaked_series: u64,
    /// Exported series.
    pub series: u64,
    /// Series that are not exported because they were not used for `promshm.series_ttl`.
    pub hidden_series: u64,
    /// Families of living processes that are not exported: see [`Superseded`](super::Superseded).
    pub superseded_families: u64,
    /// Maximum number of series in the segment.
    pub max_series: u64,
    /// Entries of the index in use: of families, of series, and of removed series.
    pub index_entries: u64,
    /// Maximum number of entries of the index, over the segment's whole life.
    pub max_index_entries: u64,
    /// Maximum number of processes with a slot of their own.
    pub max_processes: u64,
    /// The slots that were ever used, with the shared one first.
    pub slots: Vec<SlotView>,
    /// Updates dropped, in the order of [`Reason::ALL`].
    pub dropped: [u64; Reason::ALL.len()],
    /// Label values that were truncated at `promshm.max_label_length`.
    pub truncated_labels: u64,
    /// Processes that have attached.
    pub worker_starts: u64,
    /// Processes that exited cleanly.
    pub exits_clean: u64,
    /// Processes whose last request ended in a fatal error.
    pub exits_fatal: u64,
    /// Processes that died abruptly: killed, crashed, out of memory.
    pub exits_abrupt: u64,
    /// Processes without a slot of their own right now (they share slot 0).
    pub overflow_processes: u64,
    /// Invalid records since this reader attached.
    pub corrupt_records: u64,
    /// How deaths are detected.
    pub liveness: Liveness,
    /// When the segment was created, in seconds since 1970.
    pub created: f64,
}

impl Stats {
    /// How many slots are in `state`; those never used count as free. The shared slot is not counted.
    #[must_use]
    pub fn slots_in(&self, state: SlotState) -> u64 {
        let owned = self.slots.iter().filter(|slot| slot.index != 0);
        let found = owned.clone().filter(|slot| slot.state == state).count() as u64;
        let untouched = self.max_processes.saturating_sub(owned.count() as u64);
        if state == SlotState::Free { found + untouched } else { found }
    }
}
