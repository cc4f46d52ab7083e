//! One scrape's worth of truth, copied out of the segment and checked: plain owned data.
//!
//! The reader keeps one [`Snapshot`] and refreshes its numbers at each scrape, so
//! names, labels and row order stay where they are while nothing is registered.

use crate::{
    definition::{Definition, Kind},
    exemplar::Exemplar,
    writer::Runtime,
};
use std::sync::Arc;

/// All that a scrape found.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The families, sorted by name; no name stands twice.
    pub families: Vec<Family>,
    /// The segment's own state.
    pub vitals: Vitals,
}

/// A family and its rows, one row per series, sorted by label values.
#[derive(Debug, Clone)]
pub struct Family {
    /// Name, kind, label names and bounds.
    pub definition: Definition,
    /// Shared with the reader, so that there is one copy.
    labels: Arc<Labels>,
    /// `definition.numbers()` numbers a row.
    values: Vec<f64>,
    /// One a row for a summary that was read from a segment.
    windows: Vec<Window>,
    /// In the order of rows and cells.
    exemplars: Vec<(CellPlace, Exemplar)>,
    rows: usize,
    generation: u64,
}

/// What a summary's series observed within its window, as far as its samples are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Window {
    /// How many samples.
    pub count: usize,
    /// Their sum.
    pub sum: f64,
}

/// A cell of a family: its row, and which of the row's cells it is.
pub type CellPlace = (usize, usize);

/// Label values of rows, one after the other. How many a row has is for the owner to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    text: String,
    /// Where each label value ends in `text`: row by row.
    ends: Vec<u32>,
}

impl Labels {
    /// Most bytes of text.
    pub(crate) const LIMIT: usize = u32::MAX as usize;

    pub(crate) fn with_capacity(values: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(values) }
    }

    pub(crate) fn push(&mut self, value: &str) {
        self.text.push_str(value);
        self.ends.push(self.text.len() as u32);
    }

    /// The `width` values of row `index`.
    pub(crate) fn row(&self, width: usize, index: usize) -> impl Iterator<Item = &str> {
        let first = index * width;
        (first..first + width).map(|at| {
            let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
            &self.text[start..self.ends[at] as usize]
        })
    }

    /// Bytes of text.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }
}

/// One series of a family.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    family: &'a Family,
    index: usize,
}

impl Family {
    /// A family without rows.
    #[must_use]
    pub fn new(definition: Definition) -> Self {
        Self {
            definition,
            labels: Arc::default(),
            values: Vec::new(),
            windows: Vec::new(),
            exemplars: Vec::new(),
            rows: 0,
            generation: 0,
        }
    }

    /// Adds a row: one label value per label name, and [`Definition::numbers`] numbers
    /// (see [`Row::values`]).
    ///
    /// # Panics
    /// If the numbers of labels or values do not fit the definition.
    pub fn push<'l>(&mut self, labels: impl IntoIterator<Item = &'l str>, values: &[f64]) {
        let all = Arc::make_mut(&mut self.labels);
        let before = all.ends.len();
        labels.into_iter().for_each(|label| all.push(label));
        assert_eq!(all.ends.len() - before, self.definition.label_names.len(), "a value for each label");
        assert_eq!(values.len(), self.definition.numbers(), "as many numbers as it has");
        self.values.extend_from_slice(values);
        self.rows += 1;
    }

    /// Takes all rows away and sets the generation that the next rows will have.
    pub fn clear(&mut self, generation: u64) {
        self.labels = Arc::default();
        self.values.clear();
        self.exemplars.clear();
        self.rows = 0;
        self.generation = generation;
    }

    /// Replaces all rows; their numbers are 0.
    pub(crate) fn set_rows(&mut self, labels: Arc<Labels>, rows: usize, generation: u64) {
        self.labels = labels;
        self.values = vec![0.0; rows * self.definition.numbers()];
        let is_summary = matches!(self.definition.kind, Kind::Summary { .. });
        self.windows = if is_summary { vec![Window::default(); rows] } else { Vec::new() };
        self.exemplars.clear();
        self.rows = rows;
        self.generation = generation;
    }

    /// Changes whenever rows come, go or move; the same number means the same labels row by row.
    /// Unique within the process that read the segment.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether both have the same labels row by row.
    pub(crate) fn same_rows(&self, other: &Self) -> bool {
        self.rows == other.rows && self.labels == other.labels
    }

    pub(crate) fn set_generation(&mut self, generation: u64) {
        self.generation = generation;
    }

    /// The series that have a value now.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows).map(|index| Row { family: self, index }).filter(|row| !row.is_absent())
    }

    /// How many rows there are, those without a value included.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// Bytes of all rows' label values together.
    #[must_use]
    pub fn label_bytes(&self) -> usize {
        self.labels.bytes()
    }

    /// The numbers of all rows, row by row.
    pub(crate) fn all_values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// Notes what row `index` of a summary observed lately.
    pub(crate) fn set_window(&mut self, index: usize, window: Window) {
        if let Some(place) = self.windows.get_mut(index) {
            *place = window;
        }
    }

    /// Takes the exemplars of cells, each given by its row and its number in it, and forgets the former ones.
    pub fn set_exemplars(&mut self, exemplars: impl IntoIterator<Item = (CellPlace, Exemplar)>) {
        self.exemplars.clear();
        self.exemplars.extend(exemplars);
        self.exemplars.sort_by_key(|(place, _)| *place);
    }

    /// The numbers of row `index`, to be refreshed in place.
    pub fn values_mut(&mut self, index: usize) -> &mut [f64] {
        let numbers = self.definition.numbers();
        &mut self.values[index * numbers..][..numbers]
    }
}

impl<'a> Row<'a> {
    /// The row's place in its family: from 0, the same for one generation.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The label values, in the order of the definition's label names.
    pub fn labels(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.family.labels.row(self.family.definition.label_names.len(), self.index)
    }

    /// The numbers: one for a counter or gauge; a histogram's bucket counts (not cumulative, `+Inf` last)
    /// and its sum; a summary's values at its quantiles (NaN if nothing was observed lately), its sum and
    /// its count.
    #[must_use]
    pub fn values(&self) -> &'a [f64] {
        let numbers = self.family.definition.numbers();
        &self.family.values[self.index * numbers..][..numbers]
    }

    /// What a summary's series observed within its window; nothing for other kinds.
    #[must_use]
    pub fn window(&self) -> Window {
        self.family.windows.get(self.index).copied().unwrap_or_default()
    }

    /// The row's exemplars, each with the number of its cell, in that order.
    pub fn exemplars(&self) -> impl Iterator<Item = (usize, &'a Exemplar)> + use<'a> {
        let all = &self.family.exemplars;
        let (index, first) = (self.index, all.partition_point(|((row, _), _)| *row < self.index));
        let of_row = all[first..].iter().take_while(move |((row, _), _)| *row == index);
        of_row.map(|((_, cell), exemplar)| (*cell, exemplar))
    }

    fn is_absent(&self) -> bool {
        self.values()[0].to_bits() == ABSENT.to_bits()
    }
}

/// A gauge that no living process has set: a NaN with a payload that arithmetic does not make.
pub const ABSENT: f64 = f64::from_bits(crate::layout::UNSET);

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
    /// The segment's bytes made no sense where the update had to go.
    Corrupt = 3,
    /// A summary counted the observation, but had no room to keep its sample.
    SummarySample = 4,
    /// An exemplar that is not allowed, or found no room; its update was counted all the same.
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

/// How the segment learns that a process has died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Liveness {
    /// Not tested yet.
    #[default]
    Unknown,
    /// The kernel frees a dead process's slot at once.
    Kernel,
    /// The kernel ignores `SEM_UNDO` (gVisor does): a killed process's slot stays taken.
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

/// What a slot is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotState {
    /// A living process owns it.
    Live,
    /// Nobody owns it and it holds no numbers.
    Free,
    /// Its process has gone; its numbers stay and wait for the next process to continue them.
    Inherited,
}

/// One slot, for `status`.
#[derive(Debug, Clone, PartialEq)]
pub struct SlotView {
    /// Its number; 0 is the shared slot, which nobody owns.
    pub index: usize,
    /// What it is doing.
    pub state: SlotState,
    /// The last owner's process id, in that process's own PID namespace.
    pub pid: u32,
    /// When the last owner claimed it, in seconds since 1970.
    pub since: f64,
    /// Processes that have owned it.
    pub starts: u64,
    /// Bytes of cells it holds.
    pub bytes: u64,
    /// What its living owner tells of itself; `None` where nobody lives, or nothing is told.
    pub process: Option<Process>,
}

/// A living process as it sees itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Its process id, made unlike all others of the segment: two PID namespaces may share one.
    pub label: String,
    /// Its numbers.
    pub runtime: Runtime,
}

/// The segment's own state, as one scrape saw it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vitals {
    /// Address space of the segment, in bytes.
    pub reserved_bytes: u64,
    /// Bytes handed out so far: header, slots in use, index, records and pages.
    pub used_bytes: u64,
    /// Those of them that lead nowhere: what died half-made, and removed series that were replaced.
    /// A little may be in the making.
    pub leaked_bytes: u64,
    /// Series that count against the limit although they died half-made.
    pub leaked_series: u64,
    /// Series exported.
    pub series: u64,
    /// The most series the segment takes.
    pub max_series: u64,
    /// The most processes that have a slot of their own.
    pub max_processes: u64,
    /// The slots that were ever used, the shared one first.
    pub slots: Vec<SlotView>,
    /// Updates dropped, in the order of [`Reason::ALL`].
    pub dropped: [u64; Reason::ALL.len()],
    /// Label values that were cut at `promshm.max_label_length`.
    pub truncated_labels: u64,
    /// Processes that have attached.
    pub worker_starts: u64,
    /// Processes that left with a goodbye.
    pub exits_clean: u64,
    /// Processes whose last request ended in a fatal error.
    pub exits_fatal: u64,
    /// Processes that the kernel buried: killed, crashed, out of memory.
    pub exits_abrupt: u64,
    /// Processes without a slot of their own right now (they share slot 0).
    pub overflow_processes: u64,
    /// Records that made no sense, since this reader attached.
    pub corrupt_records: u64,
    /// How deaths are noticed.
    pub liveness: Liveness,
    /// When the segment was created, in seconds since 1970.
    pub created: f64,
}

impl Vitals {
    /// How many slots are in `state`; those never touched count as free. The shared slot is left out.
    #[must_use]
    pub fn slots_in(&self, state: SlotState) -> u64 {
        let owned = self.slots.iter().filter(|slot| slot.index != 0);
        let found = owned.clone().filter(|slot| slot.state == state).count() as u64;
        let untouched = self.max_processes.saturating_sub(owned.count() as u64);
        if state == SlotState::Free { found + untouched } else { found }
    }
}
