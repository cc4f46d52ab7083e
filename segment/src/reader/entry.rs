//! A family and its series: validates them against each other, and lays them out as rows.

use crate::{
    definition::{Definition, GaugeMode, Kind},
    format::{
        family::FamilyRecord,
        series::{GONE, SeriesRecord},
        strings::{are_strings, strings},
        ttl::{Activity, hides},
    },
    layout::{Geometry, PAGE_WORDS, Plane, RECORD_UNIT},
    memory::{atomic::Word, view::View},
    snapshot::{Family, Labels},
};
use std::{cmp::Ordering, sync::Arc};

/// A series without its label values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// The start of its record, in units from the start of the first record.
    pub(crate) unit: u32,
    /// First of its cells.
    pub(crate) column: u32,
    /// When it was created, in seconds since 1970; NaN if the record holds no valid time.
    pub(crate) created: f64,
}

impl Series {
    fn offset(&self, geometry: &Geometry) -> u64 {
        geometry.records + u64::from(self.unit) * RECORD_UNIT
    }
}

/// As [`Series::unit`]: removed, and to be left out of the next layout.
const LEFT: u32 = u32::MAX;

/// A family's record and its series.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) definition: Definition,
    pub(crate) offset: u64,
    pub(crate) claim_column: u64,
    /// Whether the index leads to it, not only its series.
    pub(crate) is_indexed: bool,
    /// Whether series came or went since the last layout, or there was no layout yet.
    pub(crate) dirty: bool,
    /// Number of series that were not removed.
    pub(crate) live: usize,
    /// The series that are laid out, sorted by labels.
    rows: Vec<Series>,
    /// The activity of each row, where the segment has a TTL.
    activities: Vec<Activity>,
    /// Whether each row is hidden, where the segment has a TTL.
    hidden: Vec<bool>,
    /// The rows' labels, shared with the snapshot.
    labels: Arc<Labels>,
    /// Series that are not laid out yet.
    fresh: Vec<Series>,
    fresh_labels: Labels,
}

impl Entry {
    pub(crate) fn new(family: FamilyRecord, offset: u64) -> Self {
        let FamilyRecord { definition, claim_column, .. } = family;
        Self {
            definition,
            offset,
            claim_column,
            is_indexed: false,
            dirty: true,
            live: 0,
            rows: Vec::new(),
            activities: Vec::new(),
            hidden: Vec::new(),
            labels: Arc::default(),
            fresh: Vec::new(),
            fresh_labels: Labels::default(),
        }
    }

    /// Whether the series' record is valid for the family.
    pub(crate) fn accepts(&self, series: &SeriesRecord, labels: &[u8]) -> bool {
        let cells = self.definition.cells() as u64;
        series.label_count == self.width()
            && series.column.checked_add(cells).is_some_and(|end| end <= self.plane().capacity())
            && series.column % PAGE_WORDS as u64 + cells <= PAGE_WORDS as u64
            && are_strings(labels, series.label_count)
            && self.labels.bytes() + self.fresh_labels.bytes() + labels.len() <= Labels::LIMIT
    }

    /// Adds a series that was accepted.
    pub(crate) fn take(&mut self, series: Series, labels: &[u8]) {
        strings(labels).map_while(Result::ok).for_each(|label| self.fresh_labels.push(label));
        self.fresh.push(series);
        self.live += 1;
        self.dirty = true;
    }

    /// Finds the removed series; they leave at the next layout.
    pub(crate) fn drop_removed(&mut self, view: &View) {
        for series in self.rows.iter_mut().chain(&mut self.fresh).filter(|series| series.unit != LEFT) {
            let flag = SeriesRecord::removed(view, series.offset(&view.geometry));
            if flag.is_none_or(|flag| flag.load_relaxed() == GONE) {
                series.unit = LEFT;
                self.live -= 1;
                self.dirty = true;
            }
        }
    }

    /// Whether no series is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The columns of the rows that are laid out.
    pub(crate) fn columns(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(|series| u64::from(series.column))
    }

    /// The columns of all series; those of the rows that are laid out come first.
    pub(crate) fn all_columns(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().chain(&self.fresh).map(|series| u64::from(series.column))
    }

    /// Finds the rows that were not used for `ttl` seconds. `print` returns the fingerprint of the numbers of
    /// a column's series. Returns how many rows are hidden now.
    pub(crate) fn look_for_use(
        &mut self,
        view: &View,
        (ttl, now): (u32, u64),
        print: impl Fn(u64) -> u64,
    ) -> u64 {
        self.activities.resize(self.rows.len(), Activity::default());
        self.hidden.clear();
        for (series, activity) in self.rows.iter().zip(&mut self.activities) {
            let touched =
                SeriesRecord::touched(view, series.offset(&view.geometry)).map_or(0, Word::load_relaxed);
            let idle = activity.look(touched, print(series.column.into()), now);
            self.hidden.push(hides(ttl, idle));
        }
        self.hidden.iter().map(|hidden| u64::from(*hidden)).sum()
    }

    /// Whether row `index` was unused for so long that it is hidden.
    pub(crate) fn is_hidden(&self, index: usize) -> bool {
        self.hidden.get(index).is_some_and(|hidden| *hidden)
    }

    /// The label values of row `index`.
    pub(crate) fn labels(&self, index: usize) -> impl Iterator<Item = &str> {
        self.labels.row(self.width(), index)
    }

    pub(crate) fn plane(&self) -> Plane {
        if matches!(self.definition.kind, Kind::Gauge(_)) { Plane::PerProcess } else { Plane::Cumulative }
    }

    fn width(&self) -> usize {
        self.definition.label_names.len()
    }

    /// An empty family for the export; that of an `all` gauge has one more label, which distinguishes its
    /// processes.
    pub(crate) fn empty_family(&self) -> Family {
        let mut definition = self.definition.clone();
        if definition.kind == Kind::Gauge(GaugeMode::All) {
            definition.label_names.push("pid".into());
        }
        Family::new(definition)
    }

    /// Sorts the rows and lays them out anew. Returns how many duplicates it dropped: two series with the
    /// same labels would make the exposition page invalid.
    pub(crate) fn lay_out(&mut self, exported: &mut Family, generation: u64) -> u64 {
        self.dirty = false;
        let doubles = if self.is_laid_out() { 0 } else { self.merge_fresh() };
        if self.is_laid_out_by_process() {
            exported.clear(generation);
        } else {
            exported.set_rows(self.labels.clone(), self.rows.len(), generation);
            self.rows.iter().enumerate().for_each(|(row, series)| exported.set_created(row, series.created));
        }
        doubles
    }

    /// Whether its rows in the snapshot are not its series, but one per series and process.
    pub(crate) fn is_laid_out_by_process(&self) -> bool {
        self.definition.kind == Kind::Gauge(GaugeMode::All)
    }

    fn is_laid_out(&self) -> bool {
        self.fresh.is_empty() && self.live == self.rows.len()
    }

    fn merge_fresh(&mut self) -> u64 {
        let mut order = self.order();
        let before = order.len();
        order.dedup_by(|b, a| self.compare(*a, *b) == Ordering::Equal);
        let bytes = self.labels.bytes() + self.fresh_labels.bytes();
        let mut labels = Labels::with_capacity(order.len() * self.width(), bytes);
        order.iter().for_each(|at| self.labels_at(*at).for_each(|label| labels.push(label)));
        if !self.activities.is_empty() {
            let activity = |at: &u32| self.activities.get(*at as usize).copied().unwrap_or_default();
            self.activities = order.iter().map(activity).collect();
        }
        self.rows = order.iter().map(|at| self.series_at(*at)).collect();
        self.labels = Arc::new(labels);
        (self.fresh, self.fresh_labels) = (Vec::new(), Labels::default());
        self.live = self.rows.len();
        (before - order.len()) as u64
    }

    /// The remaining series, old and fresh, sorted by labels. The old ones are sorted already, and come first
    /// among equals.
    fn order(&self) -> Vec<u32> {
        let all = 0..(self.rows.len() + self.fresh.len()) as u32;
        let mut order: Vec<u32> = all.filter(|at| self.series_at(*at).unit != LEFT).collect();
        order.sort_by(|a, b| self.compare(*a, *b));
        order
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        self.labels_at(a).cmp(self.labels_at(b))
    }

    fn series_at(&self, at: u32) -> Series {
        let at = at as usize;
        self.rows.get(at).copied().unwrap_or_else(|| self.fresh[at - self.rows.len()])
    }

    fn labels_at(&self, at: u32) -> impl Iterator<Item = &str> {
        let at = at as usize;
        let (labels, index) = match at.checked_sub(self.rows.len()) {
            None => (&*self.labels, at),
            Some(fresh) => (&self.fresh_labels, fresh),
        };
        labels.row(self.width(), index)
    }
}
