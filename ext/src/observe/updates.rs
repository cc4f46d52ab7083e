//! Updates of metrics that are the extension's own.
#![allow(unsafe_code)]

use crate::{
    engine::panic::catch_panic,
    session::{
        attachment, gauge_cell,
        handle::{Cells, update_target, with_packed},
        histogram_cells, labels, lookup,
        metric::Metric,
        series::{Key, Series, Target},
    },
};
use std::cell::Cell;

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
    series: Cell<Series>,
}

impl Bound {
    pub(super) fn new(values: &[&[u8]]) -> Self {
        let mut key = Vec::new();
        values.iter().for_each(|value| labels::push_part(value, &mut key));
        Self { key: key.into(), series: Cell::new(Series::UNKNOWN) }
    }

    /// Updates the series, which is one of `metric`.
    pub(super) fn update(&self, metric: &Metric, by: Update) {
        catch_panic(|| {
            if !self.series.get().holds() {
                self.series.set(attachment::resolve(metric, &self.key).series);
            }
            apply(metric, self.series.get().target, by);
        });
    }
}

/// Updates the series that this target is of.
pub(super) fn apply(metric: &Metric, target: Target, by: Update) {
    let update = |cells: Cells<'_>| match by {
        Update::Count(by) => add(cells, by),
        Update::Observe(value) => histogram_cells::add(cells, metric.buckets.of(value), value),
        Update::Change(by) => gauge_cell::add(&cells.all[0], cells.shared, by),
        Update::Set(value) => cells.all[0].set(value),
    };
    // SAFETY: the target was just found to be valid, for a series of this metric.
    unsafe { update_target(target, metric.definition.cells(), update) }
}

fn add(Cells { all, shared }: Cells<'_>, by: f64) {
    if shared {
        all[0].add_shared(by);
    } else {
        all[0].add_owned(by);
    }
}
