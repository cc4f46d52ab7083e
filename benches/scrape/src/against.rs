//! The same families through the `prometheus` crate: built as its tree, and encoded.

use crate::{LABELS, Page, median};
use prometheus::{
    Encoder, TextEncoder,
    proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};
use promshm_segment::{Family, Kind, snapshot::Row};
use std::hint::black_box;

/// Milliseconds for building and encoding.
pub(crate) fn prometheus_crate(snapshot: Page<'_>, _rounds: usize) -> f64 {
    let mut page = Vec::new();
    median(|| {
        page.clear();
        let families: Vec<MetricFamily> = snapshot.families.iter().map(family).collect();
        TextEncoder::new().encode(&families, &mut page).expect("memory");
        black_box(&page);
    })
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
