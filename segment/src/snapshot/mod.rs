//! The result of one scrape, copied out of the segment and checked: plain owned data.
//!
//! The reader keeps one [`Snapshot`] and refreshes its numbers at each scrape, so names, labels and row order
//! stay in place while nothing is registered.

mod label_order;
mod stats;

use crate::{
    definition::{Definition, Kind},
    format::exemplar::Exemplar,
    native::NativeBuckets,
    order,
};
pub(crate) use label_order::sort_rows;
pub use stats::{
    Blocker, Liveness, Loss, OtherSettings, Process, Reason, Resource, SlotState, SlotView, Stats, Taken,
};
use std::{ops::Range, sync::Arc};

/// The result of a scrape.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The families, sorted by name; each name occurs once.
    pub families: Vec<Family>,
    /// The segment's own state.
    pub stats: Stats,
    /// Families of living processes that are not exported, because a younger process has another definition
    /// of their name; [`Snapshot::MOST_SUPERSEDED`] of them at most. Their total number is in [`Stats`].
    pub superseded: Vec<Superseded>,
}

impl Snapshot {
    /// The families with the most series, the largest first: who takes the room. Each with its number.
    #[must_use]
    pub fn largest(&self) -> Vec<(&Family, usize)> {
        let counted = self.families.iter().map(|family| (family, family.series()));
        let counted: Vec<_> = counted.filter(|(_, series)| *series > 0).collect();
        let compare = |a: usize, b: usize| {
            let ((a, more), (b, less)) = (counted[a], counted[b]);
            less.cmp(&more).then_with(|| a.definition.name.cmp(&b.definition.name))
        };
        order::sorted(counted.len(), &compare).into_iter().map(|at| counted[at]).collect()
    }

    /// Maximum number of superseded families that are listed.
    pub const MOST_SUPERSEDED: usize = 100;
}

/// A family whose numbers are not exported although a living process may count into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseded {
    /// Its definition.
    pub definition: Definition,
    /// The one of the same name that is exported.
    pub exported: Definition,
}

/// A family and its rows, one row per series, sorted by label values.
#[derive(Debug, Clone)]
pub struct Family {
    /// Name, kind, label names and bounds.
    pub definition: Definition,
    /// Shared with the reader, so that there is only one copy.
    labels: Arc<Labels>,
    /// `definition.numbers()` numbers per row.
    values: Vec<f64>,
    /// The numbers of the native form of a histogram that has both, row by row.
    native: Vec<f64>,
    /// One per row, in seconds since 1970; NaN, or missing, if unknown.
    created: Vec<f64>,
    /// One per row for a summary that was read from a segment.
    windows: Vec<Window>,
    /// Sorted by row and cell.
    exemplars: Vec<(CellPlace, Exemplar)>,
    rows: usize,
    generation: u64,
    overflows: u64,
}

/// The observations of a summary's series within its window, as far as its samples are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Window {
    /// How many samples.
    pub count: usize,
    /// Their sum.
    pub sum: f64,
}

/// A cell of a family: its row, and which of the row's cells it is.
pub type CellPlace = (usize, usize);

/// Label values of rows, one after the other. The owner knows how many a row has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    text: String,
    /// The end of each label value in `text`, row by row.
    ends: Vec<u32>,
}

impl Labels {
    /// Maximum bytes of text.
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
        (first..first + width).map(|at| self.value(at))
    }

    /// The value at that place among those of all rows.
    fn value(&self, at: usize) -> &str {
        &self.text[self.range(at)]
    }

    /// The same as bytes: that the text is whole characters need not be looked at.
    #[inline]
    fn value_bytes(&self, at: usize) -> &[u8] {
        &self.text.as_bytes()[self.range(at)]
    }

    #[inline]
    fn range(&self, at: usize) -> Range<usize> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        start..self.ends[at] as usize
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
            native: Vec::new(),
            created: Vec::new(),
            windows: Vec::new(),
            exemplars: Vec::new(),
            rows: 0,
            generation: 0,
            overflows: 0,
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

    /// Removes all rows and sets the generation of the next rows.
    pub fn clear(&mut self, generation: u64) {
        self.labels = Arc::default();
        self.values.clear();
        self.native.clear();
        self.created.clear();
        self.exemplars.clear();
        self.rows = 0;
        self.generation = generation;
    }

    /// Replaces all rows; their numbers are 0.
    pub(crate) fn set_rows(&mut self, labels: Arc<Labels>, rows: usize, generation: u64) {
        self.labels = labels;
        self.values = vec![0.0; rows * self.definition.numbers()];
        self.native = vec![0.0; rows * self.definition.native_numbers()];
        self.created.clear();
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

    /// How often processes looked up label values that found no room of their own in this family, and that count
    /// together since then. See `promshm.max_series_per_metric`.
    #[must_use]
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// Sets the number of overflows.
    pub fn set_overflows(&mut self, overflows: u64) {
        self.overflows = overflows;
    }

    /// The series that have a value now.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows_in(0..self.rows)
    }

    /// Those of the series with these indexes that have a value now.
    pub fn rows_in(&self, indexes: Range<usize>) -> impl Iterator<Item = Row<'_>> {
        let indexes = indexes.start..indexes.end.min(self.rows);
        indexes.map(|index| Row { family: self, index }).filter(|row| !row.is_absent())
    }

    /// How many series it has, without those that are not shown.
    #[must_use]
    pub fn series(&self) -> usize {
        let is_shown = |first: &&f64| !is_absent(**first);
        self.values.iter().step_by(self.definition.numbers()).filter(is_shown).count()
    }

    /// The series that have exemplars, those without a value included.
    pub fn rows_with_exemplars(&self) -> impl Iterator<Item = Row<'_>> {
        let of_rows = self.exemplars.chunk_by(|((row, _), _), ((other, _), _)| row == other);
        let rows = of_rows.map(|of_row| of_row[0].0.0).filter(|row| *row < self.rows);
        rows.map(|index| Row { family: self, index })
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

    /// Sets the creation time of row `index`'s series, in seconds since 1970.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn set_created(&mut self, index: usize, created: f64) {
        self.created.resize(self.rows, f64::NAN);
        self.created[index] = created;
    }

    /// Sets the window of row `index` of a summary.
    pub(crate) fn set_window(&mut self, index: usize, window: Window) {
        if let Some(place) = self.windows.get_mut(index) {
            *place = window;
        }
    }

    /// Replaces the exemplars. Each belongs to a cell, given by its row and its number in the row.
    pub fn set_exemplars(&mut self, exemplars: impl IntoIterator<Item = (CellPlace, Exemplar)>) {
        self.exemplars.clear();
        self.exemplars.extend(exemplars);
        order::sort_elements(&mut self.exemplars, &|(one, _), (other, _)| one.cmp(other));
    }

    /// The numbers of the classic and of the native form of row `index`, if the family is a histogram of both forms.
    pub fn forms_mut(&mut self, index: usize) -> Option<(&mut [f64], &mut [f64])> {
        let (numbers, natives) = (self.definition.numbers(), self.definition.native_numbers());
        self.native.resize(self.rows * natives, 0.0);
        let native = self.native.get_mut(index * natives..)?.get_mut(..natives)?;
        let classic = self.values.get_mut(index * numbers..)?.get_mut(..numbers)?;
        (natives > 0).then_some((classic, native))
    }

    /// The numbers of row `index`, to be refreshed in place.
    pub fn values_mut(&mut self, index: usize) -> &mut [f64] {
        let numbers = self.definition.numbers();
        &mut self.values[index * numbers..][..numbers]
    }
}

impl<'a> Row<'a> {
    /// The row's index in its family: from 0, constant within one generation.
    #[must_use]
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The label values, in the order of the definition's label names.
    pub fn labels(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.family.labels.row(self.family.definition.label_names.len(), self.index)
    }

    /// The numbers: one for a counter or gauge; a histogram's bucket counts (not cumulative, `+Inf` last) and
    /// its sum; a native histogram's, which its [`NativeBuckets`] take apart; a summary's values at its quantiles (NaN if there are no recent observations), its sum and
    /// its count.
    #[must_use]
    #[inline]
    pub fn values(&self) -> &'a [f64] {
        let numbers = self.family.definition.numbers();
        &self.family.values[self.index * numbers..][..numbers]
    }

    /// The numbers of the native form, if the family is a histogram that has both; its buckets take them apart.
    #[must_use]
    pub fn native(&self) -> Option<(NativeBuckets, &'a [f64])> {
        let buckets = self.family.definition.native?.buckets;
        let numbers = buckets.numbers();
        Some((buckets, self.family.native.get(self.index * numbers..)?.get(..numbers)?))
    }

    /// When the series was created, in seconds since 1970, if known. The counts of dead processes are kept,
    /// so this is when its total was 0.
    #[must_use]
    pub fn created(&self) -> Option<f64> {
        self.family.created.get(self.index).copied().filter(|created| !created.is_nan())
    }

    /// The observations of a summary's series within its window; empty for other kinds.
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
        is_absent(self.values()[0])
    }
}

/// Whether a row with this first number has no value.
fn is_absent(first: f64) -> bool {
    first.to_bits() == ABSENT.to_bits()
}

/// A gauge that no living process has set: a NaN with a payload that arithmetic does not produce.
pub const ABSENT: f64 = f64::from_bits(crate::layout::UNSET);
