//! A family and its series: validates them against each other, and lays them out as rows.

use crate::{
    definition::{Definition, GaugeMode, Kind},
    format::{
        series::{GONE, SeriesRecord, state},
        strings::{are_strings, are_these, strings},
        ttl::{Activity, hides},
    },
    layout::{Geometry, Half, PAGE_WORDS, Plane, RECORD_UNIT},
    memory::{atomic::Word, view::View},
    order,
    snapshot::{Family, Labels, sort_rows},
};
use std::{cmp::Ordering, hint::black_box, sync::Arc};

/// Series whose labels are loaded at a time.
const AT_ONCE: usize = 32;

/// Where a series lies in one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The start of its record, in units from the start of the half's first record.
    pub(crate) unit: u32,
    /// First of its cells.
    pub(crate) column: u32,
}

impl Spot {
    /// The offset of its record.
    fn offset(self, half: &Half) -> u64 {
        half.records + u64::from(self.unit) * RECORD_UNIT
    }
}

/// A series without its label values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    /// By half.
    pub(crate) at: [Option<Spot>; 2],
    /// When it was created, in seconds since 1970, by half; NaN if the record holds no valid time.
    pub(crate) created: [f64; 2],
}

impl Series {
    /// The offsets of its records.
    fn offsets(&self, view: &View) -> impl Iterator<Item = u64> {
        let halves = view.geometry.halves.iter().zip(self.at);
        halves.filter_map(|(half, spot)| Some(spot?.offset(half)))
    }

    /// Its columns, by half.
    pub(crate) fn columns(&self) -> [Option<u64>; 2] {
        [self.column(0), self.column(1)]
    }

    /// Its column in a half.
    pub(crate) fn column(&self, half: usize) -> Option<u64> {
        self.at[half].map(|spot| spot.column.into())
    }

    /// When it was created, as far as its records tell.
    fn created(&self) -> f64 {
        let of_half = |half: usize| self.at[half].map_or(f64::NAN, |_| self.created[half]);
        of_half(0).min(of_half(1)) // of a number and NaN the number
    }

    /// Whether it was removed, and is to be left out of the next layout.
    fn is_left(&self) -> bool {
        self.at == [None; 2]
    }

    /// Whether it has a record in a half that was removed.
    fn is_removed(&self, view: &View, half: usize) -> bool {
        let flag = self.offset(view, half).map(|offset| SeriesRecord::removed(view, offset));
        flag.is_some_and(|flag| flag.map_or(GONE, |flag| state(flag.load_relaxed())) == GONE)
    }

    /// Forgets its record in a half, which was removed, and the one of the new half (`now`) that was carried from it.
    fn drop_from(&mut self, view: &View, half: usize, now: usize) {
        let [removed, twin] = [half, now].map(|half| self.offset(view, half));
        self.at[half] = None;
        let twin = twin.filter(|_| half != now).map(|twin| SeriesRecord::parse(view, twin));
        if twin.is_some_and(|twin| twin.is_ok_and(|twin| Some(twin.origin) == removed)) {
            self.at[now] = None;
        }
    }

    /// The offset of its record in a half.
    fn offset(&self, view: &View, half: usize) -> Option<u64> {
        self.at[half].map(|spot| spot.offset(&view.geometry.halves[half]))
    }

    /// Adds the records of another series with the same labels; false if they are in the same half.
    fn join(&mut self, other: &Self) -> bool {
        let is_other = self.at.iter().zip(other.at).all(|(mine, theirs)| mine.is_none() || theirs.is_none());
        if is_other {
            self.at = std::array::from_fn(|half| self.at[half].or(other.at[half]));
            self.created = std::array::from_fn(|half| self.created[half].min(other.created[half]));
        }
        is_other
    }
}

/// Where a family lies in one half.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) offset: u64,
    pub(crate) claim_column: u64,
    /// Whether the index leads to it, not only its series.
    pub(crate) is_indexed: bool,
    /// The place of each of the entry's labels in the records of this half, if the order differs.
    pub(crate) order: Option<Box<[u8]>>,
}

/// A family's record and its series.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) definition: Definition,
    /// The hash in its records.
    pub(crate) hash: u64,
    /// By half.
    pub(crate) homes: [Option<Home>; 2],
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
    pub(crate) fn new(definition: Definition, hash: u64) -> Self {
        Self {
            definition,
            hash,
            homes: [None, None],
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

    /// Whether the series' record is valid for the family. Of one with the labels of a row those were validated before.
    pub(crate) fn accepts(
        &self,
        series: &SeriesRecord,
        labels: &[u8],
        (geometry, has_labels_of_row): (&Geometry, bool),
    ) -> bool {
        let cells = self.definition.cells() as u64;
        let columns = match self.definition.kind.plane() {
            Plane::Shared => geometry.gauge_cells,
            plane => plane.capacity(),
        };
        series.label_count == self.width()
            && series.column.checked_add(cells).is_some_and(|end| end <= columns)
            && series.column % PAGE_WORDS as u64 + cells <= PAGE_WORDS as u64
            && (has_labels_of_row || are_strings(labels, series.label_count))
            && self.labels.bytes() + self.fresh_labels.bytes() + labels.len() <= Labels::LIMIT
    }

    /// Adds a series that was accepted.
    pub(crate) fn take(&mut self, series: Series, half: usize, labels: &[u8]) {
        match self.homes[half].as_ref().and_then(|home| home.order.as_deref()) {
            None => strings(labels).map_while(Result::ok).for_each(|label| self.fresh_labels.push(label)),
            Some(order) => {
                let values: Vec<&str> = strings(labels).map_while(Result::ok).collect();
                let ordered = order.iter().filter_map(|place| values.get(usize::from(*place)));
                ordered.for_each(|label| self.fresh_labels.push(label));
            }
        }
        self.fresh.push(series);
        self.live += 1;
        self.dirty = true;
    }

    /// Whether a record of any half has the labels of a row, in their order.
    pub(crate) fn has_labels(&self, row: usize, labels: &[u8]) -> bool {
        let is_in_order = |home: &Option<Home>| home.as_ref().is_none_or(|home| home.order.is_none());
        row < self.rows.len() && self.homes.iter().all(is_in_order) && are_these(labels, self.labels(row))
    }

    /// Adds the record of the present half that a row's series was carried to, if the row has none there.
    pub(crate) fn take_carried(&mut self, row: usize, half: usize, carried: Spot, created: f64) -> bool {
        let row = self.rows.get_mut(row).filter(|row| row.at[half].is_none() && row.at[1 - half].is_some());
        row.is_some_and(|row| {
            row.at[half] = Some(carried);
            row.created[half] = created;
            true
        })
    }

    /// Finds the removed series; they leave at the next layout. One of the new half (`now`) also leaves if the record
    /// that it was carried from was removed.
    pub(crate) fn drop_removed(&mut self, view: &View, is_read: [bool; 2], now: usize) {
        for half in (0..2).filter(|half| is_read[*half]) {
            for several in self.rows.chunks_mut(AT_ONCE).chain(self.fresh.chunks_mut(AT_ONCE)) {
                // In a loop of its own, so that the processor waits for several records at once.
                let mut are_removed = [false; AT_ONCE];
                for (is_removed, series) in are_removed.iter_mut().zip(several.iter()) {
                    *is_removed = series.is_removed(view, half);
                }
                for (_, series) in are_removed.iter().zip(several).filter(|(is_removed, _)| **is_removed) {
                    series.drop_from(view, half, now);
                    self.dirty = true;
                    self.live -= usize::from(series.is_left());
                }
            }
        }
    }

    /// Forgets what lies in one half.
    pub(crate) fn forget(&mut self, half: usize) {
        self.homes[half] = None;
        for series in self.rows.iter_mut().chain(&mut self.fresh) {
            if series.at[half].take().is_some() && series.is_left() {
                self.live -= 1;
                self.dirty = true;
            }
        }
    }

    /// Whether it lies in no half any more.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.homes.iter().all(Option::is_none)
    }

    /// How many series lie in a half.
    pub(crate) fn count(&self, half: usize) -> usize {
        self.rows.iter().chain(&self.fresh).filter(|series| series.at[half].is_some()).count()
    }

    /// Whether no series is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The series that are laid out.
    pub(crate) fn rows(&self) -> &[Series] {
        &self.rows
    }

    /// All series; those that are laid out come first.
    pub(crate) fn all_series(&self) -> impl Iterator<Item = &Series> {
        self.rows.iter().chain(&self.fresh)
    }

    /// Finds the rows that were not used for `ttl` seconds. `print` returns the fingerprint of the numbers of
    /// a row's series. Returns how many rows are hidden now.
    pub(crate) fn look_for_use(
        &mut self,
        view: &View,
        (ttl, now): (u32, u64),
        print: impl Fn(usize, &Series) -> u64,
    ) -> u64 {
        self.activities.resize(self.rows.len(), Activity::default());
        self.hidden.clear();
        for (row, (series, activity)) in self.rows.iter().zip(&mut self.activities).enumerate() {
            let touched = |offset| SeriesRecord::touched(view, offset).map_or(0, Word::load_relaxed);
            let touched = series.offsets(view).map(touched).max().unwrap_or(0);
            let idle = activity.look(touched, print(row, series), now);
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
        let doubles = self.join_fresh();
        if self.is_laid_out_by_process() {
            exported.clear(generation);
        } else {
            exported.set_rows(self.labels.clone(), self.rows.len(), generation);
            self.rows
                .iter()
                .enumerate()
                .for_each(|(row, series)| exported.set_created(row, series.created()));
        }
        doubles
    }

    /// Whether its rows in the snapshot are not its series, but one per series and process.
    pub(crate) fn is_laid_out_by_process(&self) -> bool {
        self.definition.kind == Kind::Gauge(GaugeMode::All)
    }

    /// Puts the series that are not laid out yet, and came since, to the others. Returns how many duplicates it
    /// dropped.
    pub(crate) fn join_fresh(&mut self) -> u64 {
        if self.is_laid_out() { 0 } else { self.merge_fresh() }
    }

    fn is_laid_out(&self) -> bool {
        self.fresh.is_empty() && self.live == self.rows.len()
    }

    /// What is replaced is freed as soon as it is copied, because a segment may have millions of series.
    fn merge_fresh(&mut self) -> u64 {
        let order = self.order();
        let (labels, is_double) = self.labels_in(&order);
        (self.labels, self.fresh_labels) = (Arc::new(labels), Labels::default());
        let mut doubles = 0;
        let mut rows = Vec::<Series>::with_capacity(order.len());
        for (at, is_double) in order.iter().zip(&is_double) {
            let series = self.series_at(*at);
            match rows.last_mut().filter(|_| *is_double) {
                Some(row) => doubles += u64::from(!row.join(&series)),
                None => rows.push(series),
            }
        }
        if !self.activities.is_empty() {
            let activity = |at: &u32| self.activities.get(*at as usize).copied().unwrap_or_default();
            let kept = order.iter().zip(&is_double).filter(|(_, is_double)| !**is_double);
            self.activities = kept.map(|(at, _)| activity(at)).collect();
        }
        (self.rows, self.fresh) = (rows, Vec::new());
        self.live = self.rows.len();
        doubles
    }

    /// The labels of the series in that order, each once, and whether each series has those of the one before it.
    fn labels_in(&self, order: &[u32]) -> (Labels, Vec<bool>) {
        let (width, bytes) = (self.width(), self.labels.bytes() + self.fresh_labels.bytes());
        let mut labels = Labels::with_capacity(order.len() * width, bytes);
        let mut rows = 0;
        let is_double = order.chunks(AT_ONCE).flat_map(|several| self.load_labels(several)).map(|at| {
            let is_double = rows > 0 && labels.row(width, rows - 1).eq(self.labels_at(*at));
            if !is_double {
                self.labels_at(*at).for_each(|label| labels.push(label));
                rows += 1;
            }
            is_double
        });
        let is_double = is_double.collect();
        (labels, is_double)
    }

    /// Reads where the labels of several series begin: their order is that of labels and not that of memory, and in a loop
    /// that does nothing else the processor waits for all of them at once.
    fn load_labels<'a>(&self, several: &'a [u32]) -> &'a [u32] {
        several.iter().for_each(|at| _ = black_box(self.labels_at(*at).next()));
        several
    }

    /// The remaining series, old and fresh, sorted by labels. The old ones are sorted already, and come first
    /// among equals.
    fn order(&self) -> Vec<u32> {
        let old = self.rows.len() as u32;
        let is_there = |at: &u32| !self.series_at(*at).is_left();
        let fresh = 0..self.fresh.len() as u32;
        let mut fresh: Vec<u32> = fresh.filter(|at| is_there(&(old + at))).collect();
        sort_rows(&mut fresh, &self.fresh_labels, self.width());
        let mut order: Vec<u32> = (0..old).filter(is_there).collect();
        let is_first = order.is_empty();
        order.extend(fresh.iter().map(|at| old + at));
        if !is_first {
            order::sort(&mut order, &|a, b| self.compare(a, b)); // two sorted runs, which it merges
        }
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
