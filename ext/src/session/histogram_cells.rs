//! How a histogram observes, a native one or not: a series is a cell for each bucket, and last the cell of the sum. A native
//! one also has a hint for the reader (see [`hints`]).

use crate::{
    engine::arguments::{Exemplar, Labels},
    session::{
        exemplar,
        handle::{Cells, Handle, SeriesOf},
        metric::Metric,
    },
};
use promshm_segment::{format::hints, memory::atomic::Cell};

/// Counts one observation into the series that the labels name. The metric is known to be a histogram.
pub(crate) fn observe(handle: &Handle, labels: Labels<'_>, exemplar: Exemplar<'_>, value: f64) {
    let Ok(metric) = handle.metric() else { return };
    let bucket = metric.bucket_of(value);
    let _thrown = handle.update(labels, |cells| {
        add_of(metric, cells, bucket, value);
        if let Some(exemplar) = exemplar {
            exemplar::note(&cells.all[bucket], cells.shared, value, exemplar);
        }
    });
}

/// Counts one observation into a series of a histogram.
#[inline]
pub(crate) fn observe_series(series: &SeriesOf, value: f64) {
    match series.own_cells() {
        Some(cells) if series.metric.native.is_none() => count(cells, series.metric.buckets.of(value), value),
        _ => observe_unusual(series, value),
    }
}

#[inline(never)] // so that the usual way saves no registers for it
fn observe_unusual(series: &SeriesOf, value: f64) {
    let bucket = series.metric.bucket_of(value);
    series.update(|cells| add_of(&series.metric, cells, bucket, value));
}

/// Counts one observation into a series of that histogram, a native one or not.
fn add_of(metric: &Metric, cells: Cells<'_>, bucket: usize, value: f64) {
    match cells {
        _ if metric.native.is_none() => add(cells, bucket, value),
        Cells { all, shared: true } => hints::observe_shared(all, bucket, value),
        Cells { all, shared: false } => hints::observe_owned(all, bucket, value),
    }
}

/// Counts one observation into a bucket and the sum of a histogram that is no native one.
#[inline(always)]
pub(crate) fn add(Cells { all, shared }: Cells<'_>, bucket: usize, value: f64) {
    if shared {
        all[bucket].add_shared(1.0);
        all[all.len() - 1].add_shared(value);
    } else {
        count(all, bucket, value);
    }
}

/// Counts one observation into this process's own cells, not those of a native histogram. The bucket comes first: a process that dies in between
/// leaves a count without its share of the sum, never a sum that nothing counted.
#[inline(always)]
pub(crate) fn count(cells: &[Cell], bucket: usize, value: f64) {
    if let (Some(bucket), Some(sum)) = (cells.get(bucket), cells.last()) {
        bucket.add_owned(1.0);
        sum.add_owned(value);
    }
}
