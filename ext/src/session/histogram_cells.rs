//! How a histogram observes, a native one or not: a series is a cell for each bucket, and last the cell of the sum.

use crate::{
    engine::arguments::{Exemplar, Labels},
    session::{
        exemplar,
        handle::{Cells, Handle, SeriesOf},
    },
};
use promshm_segment::memory::atomic::Cell;

/// Counts one observation into the series that the labels name. The metric is known to be a histogram.
pub(crate) fn observe(handle: &Handle, labels: Labels<'_>, exemplar: Exemplar<'_>, value: f64) {
    let Ok(metric) = handle.metric() else { return };
    let bucket = metric.bucket_of(value);
    let _thrown = handle.update(labels, |cells| {
        add(cells, bucket, value);
        if let Some(exemplar) = exemplar {
            exemplar::note(&cells.all[bucket], cells.shared, value, exemplar);
        }
    });
}

/// Counts one observation into a series of a histogram.
pub(crate) fn observe_series(series: &SeriesOf, value: f64) {
    let bucket = series.metric.bucket_of(value);
    series.update(|cells| add(cells, bucket, value));
}

/// Counts one observation into a bucket and the sum.
#[inline(always)]
pub(crate) fn add(Cells { all, shared }: Cells<'_>, bucket: usize, value: f64) {
    if shared {
        all[bucket].add_shared(1.0);
        all[all.len() - 1].add_shared(value);
    } else {
        count(all, bucket, value);
    }
}

/// Counts one observation into this process's own cells. The bucket comes first: a process that dies in between
/// leaves a count without its share of the sum, never a sum that nothing counted.
#[inline(always)]
pub(crate) fn count(cells: &[Cell], bucket: usize, value: f64) {
    if let (Some(bucket), Some(sum)) = (cells.get(bucket), cells.last()) {
        bucket.add_owned(1.0);
        sum.add_owned(value);
    }
}
