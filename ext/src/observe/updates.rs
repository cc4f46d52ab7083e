//! Updates of metrics that are the extension's own.
#![allow(unsafe_code)]

use crate::{
    engine::panic::catch_panic,
    session::{
        attachment, gauge_cell,
        handle::{count_lost, with_packed},
        labels, lookup,
        metric::Metric,
        series::{Key, Series, Target},
    },
};
use promshm_segment::memory::atomic::Cell;
use std::{cell::Cell as Local, slice};

/// One update.
#[derive(Debug, Clone, Copy)]
pub(super) enum Update {
    /// Adds to a counter.
    Count(f64),
    /// Observes a value of a histogram.
    Observe(f64),
    /// Adds to a gauge.
    Change(f64),
    /// Sets a gauge.
    Set(f64),
}

/// Updates the series of these label values.
pub(super) fn update(metric: &Metric, values: &[&[u8]], by: Update) {
    catch_panic(|| {
        let pack = |key: &mut Vec<u8>| {
            values.iter().for_each(|value| labels::push_part(value, key));
            Ok(())
        };
        let _never_fails = with_packed(pack, |key| apply(metric, lookup::series(metric, key).1.target, by));
    });
}

/// A series that is updated often: it remembers where its updates go.
#[derive(Debug)]
pub(super) struct Bound {
    key: Key,
    series: Local<Series>,
}

impl Bound {
    pub(super) fn new(values: &[&[u8]]) -> Self {
        let mut key = Vec::new();
        values.iter().for_each(|value| labels::push_part(value, &mut key));
        Self { key: key.into(), series: Local::new(Series::UNKNOWN) }
    }

    /// Updates the series, which is one of `metric`.
    pub(super) fn update(&self, metric: &Metric, by: Update) {
        if !self.series.get().holds() {
            catch_panic(|| self.series.set(attachment::resolve(metric, &self.key).series));
        }
        apply(metric, self.series.get().target, by);
    }
}

/// Updates the series that this target is of.
pub(super) fn apply(metric: &Metric, target: Target, by: Update) {
    let (cells, is_shared) = match target {
        Target::Owned(cells) => (cells, false),
        Target::Shared(cells) => (cells, true),
        lost => return count_lost(lost),
    };
    // SAFETY: the target was just found to be valid: as many mapped cells as the definition has.
    let cells = unsafe { slice::from_raw_parts(cells, metric.definition.cells()) };
    let add = |cell: &Cell, by| if is_shared { cell.add_shared(by) } else { cell.add_owned(by) };
    match (by, cells) {
        (Update::Count(by), [cell, ..]) => add(cell, by),
        (Update::Observe(value), [buckets @ .., sum]) => {
            add(&buckets[metric.buckets.of(value)], 1.0);
            add(sum, value);
        }
        (Update::Change(by), [cell, ..]) => gauge_cell::add(cell, is_shared, by),
        (Update::Set(value), [cell, ..]) => cell.set(value),
        (_, []) => {}
    }
}
