//! What a scrape reports about the segment itself.

use crate::{config::Settings, format::runtime::Runtime};

/// Why an update is lost: there is no cell for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Loss {
    /// `promshm.max_series` series exist already.
    SeriesLimit,
    /// No room for another record or page of cells.
    SegmentFull,
    /// A histogram has more cells than fit a page.
    TooManyBuckets,
    /// The segment's data was invalid where the update had to go.
    Corrupt,
}

impl From<Loss> for Reason {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::SeriesLimit => Self::SeriesLimit,
            Loss::SegmentFull => Self::SegmentFull,
            Loss::TooManyBuckets => Self::TooManyBuckets,
            Loss::Corrupt => Self::Corrupt,
        }
    }
}

/// What is counted as dropped: a lost update, or a part of one that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// See [`Loss::SeriesLimit`].
    SeriesLimit = 0,
    /// See [`Loss::SegmentFull`].
    SegmentFull = 1,
    /// See [`Loss::TooManyBuckets`].
    TooManyBuckets = 2,
    /// See [`Loss::Corrupt`].
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

/// What a generation can run out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Entries of the index: of families, of series, and of removed series.
    Index,
    /// Series that count against `promshm.max_series`.
    Series,
    /// Bytes for records and pages: one half of `promshm.size`.
    Room,
    /// Cells of gauges of mode `last`.
    Gauges,
}

impl Resource {
    /// All resources.
    pub const ALL: [Self; 4] = [Self::Index, Self::Series, Self::Room, Self::Gauges];

    /// Its name for people and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Series => "series",
            Self::Room => "room",
            Self::Gauges => "gauges",
        }
    }
}

/// How much of a resource is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// How much is taken, removed series included.
    pub part: u64,
    /// How much there is.
    pub whole: u64,
}

impl Taken {
    /// From 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.whole == 0 { 0.0 } else { self.part.min(self.whole) as f64 / self.whole as f64 }
    }
}

/// What keeps room from being given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blocker {
    /// Living processes whose counts are in the former generation: each moves them at its next metric call.
    Worker {
        /// The process id of one of them, in its own PID namespace.
        pid: u32,
        /// Its slot.
        slot: usize,
        /// How many processes there are, this one included.
        processes: u64,
    },
    /// Living processes without a slot of their own.
    NoSlot {
        /// How many there are, as far as is known.
        processes: u64,
    },
    /// The deaths of processes go unnoticed.
    Liveness,
}

impl Blocker {
    /// The kind's name for people and labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Worker { .. } => "worker",
            Self::NoSlot { .. } => "no_slot",
            Self::Liveness => "liveness",
        }
    }
}

/// Settings unlike the segment's, which the youngest living process is configured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OtherSettings {
    /// All of its settings.
    pub settings: Settings,
    /// Its process id, in its own PID namespace.
    pub pid: u32,
    /// How many living processes are configured so, this one included.
    pub processes: u64,
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
    /// Those of them that died abruptly, as far as is known.
    pub crashes: u64,
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
    /// The settings that the segment has.
    pub settings: Settings,
    /// The highest limit of series that a later generation of the segment may have.
    pub most_series: u32,
    /// What the youngest living process is configured with, if that is something else.
    pub other_settings: Option<OtherSettings>,
    /// Entries of the index in use: of families, of series, and of removed series.
    pub index_entries: u64,
    /// Maximum number of entries of the index.
    pub max_index_entries: u64,
    /// Series whose removed records take room until the next generation.
    pub removed_series: u64,
    /// Families that are not exported because another definition has replaced them, and that take room until the next
    /// generation; those of living processes included.
    pub replaced_families: u64,
    /// What the present generation has taken of each limited resource, in the order of [`Resource::ALL`].
    pub taken: [Taken; Resource::ALL.len()],
    /// The present generation: how often one has begun.
    pub generation: u64,
    /// Bytes of records and pages of the former generation that are not given back yet.
    pub former_bytes: u64,
    /// What keeps the former generation from being given back, or else the next one from beginning.
    pub blocked_by: Option<Blocker>,
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
    /// The resource of which the largest share is taken, and that share.
    #[must_use]
    pub fn scarcest(&self) -> (Resource, Taken) {
        let all = Resource::ALL.into_iter().zip(self.taken);
        let scarcest = all.max_by(|(_, a), (_, b)| a.share().total_cmp(&b.share()));
        scarcest.unwrap_or((Resource::Index, Taken::default()))
    }

    /// How many slots are in `state`; those never used count as free. The shared slot is not counted.
    #[must_use]
    pub fn slots_in(&self, state: SlotState) -> u64 {
        let owned = self.slots.iter().filter(|slot| slot.index != 0);
        let found = owned.clone().filter(|slot| slot.state == state).count() as u64;
        let untouched = self.max_processes.saturating_sub(owned.count() as u64);
        if state == SlotState::Free { found + untouched } else { found }
    }
}
