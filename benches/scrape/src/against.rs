//! The same families through the `prometheus` crate: built as its tree, and encoded.

use crate::{LABELS, Page, clock::timed, median};
use prometheus::{
    CounterVec, Encoder, Opts, TextEncoder,
    proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};
use promshm_segment::{Family, Kind, snapshot::Row};
use std::hint::black_box;

/// Milliseconds for building and encoding: the median, and the least CPU time.
pub(crate) fn prometheus_crate(snapshot: Page<'_>) -> (f64, f64) {
    let (mut page, mut least) = (Vec::new(), f64::INFINITY);
    let median = median(|| {
        let spent = timed(|| {
            page.clear();
            let families: Vec<MetricFamily> = snapshot.families.iter().map(family).collect();
            TextEncoder::new().encode(&families, &mut page).expect("memory");
            black_box(&page);
        });
        least = least.min(spent);
    });
    (median, least)
}

/// What a count of the crate costs: nanoseconds of CPU time with the values of two labels, and with a counter at hand.
pub(crate) fn count(rounds: u64) -> String {
    let counters =
        CounterVec::new(Opts::new("requests", "Requests."), &["method", "status"]).expect("good names");
    let values = black_box(["GET", "200"]);
    let counter = counters.with_label_values(&values);
    let labelled = timed(|| (0..rounds).for_each(|_| counters.with_label_values(&black_box(values)).inc()));
    let bound = timed(|| (0..rounds).for_each(|_| black_box(&counter).inc()));
    assert_eq!(counter.get() as u64, 2 * rounds, "each call has counted");
    let nanoseconds = |milliseconds: f64| milliseconds * 1e6 / rounds as f64;
    format!("labelled={:.3} bound={:.3}", nanoseconds(labelled), nanoseconds(bound))
}

fn family(family: &Family) -> MetricFamily {
    let mut built = MetricFamily::default();
    built.set_name(family.definition.name.clone());
    built.set_help(family.definition.help.clone());
    let is_histogram = family.definition.kind == Kind::Histogram;
    built.set_field_type(if is_histogram { MetricType::HISTOGRAM } else { MetricType::COUNTER });
    built.set_metric(family.rows().map(|row| metric(family, row, is_histogram)).collect::<Vec<_>>());
    built
}

fn metric(family: &Family, row: Row<'_>, is_histogram: bool) -> Metric {
    let mut built = Metric::default();
    let pairs = LABELS.iter().zip(row.labels()).map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).into());
        pair.set_value(value.into());
        pair
    });
    built.set_label(pairs.collect::<Vec<_>>());
    if is_histogram {
        built.set_histogram(histogram(&family.definition.bounds, row.values()));
    } else {
        let mut counter = Counter::default();
        counter.set_value(row.values()[0]);
        built.set_counter(counter);
    }
    built
}

fn histogram(bounds: &[f64], cells: &[f64]) -> Histogram {
    let mut built = Histogram::default();
    let mut total = 0.0;
    let buckets = bounds.iter().zip(cells).map(|(bound, count)| {
        total += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(total as u64);
        bucket
    });
    built.set_bucket(buckets.collect::<Vec<_>>());
    built.set_sample_count(cells[..=bounds.len()].iter().sum::<f64>() as u64);
    built.set_sample_sum(cells[bounds.len() + 1]);
    built
}
