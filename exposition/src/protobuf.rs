//! Prometheus's protobuf format: each family is one `io.prometheus.client.MetricFamily`, preceded by its length.
//!
//! Of a metric, what does not change from page to page is cached as one line (see [`push_line`]). A counter or gauge
//! is that line and eight bytes; other metrics are written field by field.

use crate::{
    exemplar::is_exemplar,
    native::push_native,
    openmetrics::announced,
    wire::{
        FIXED_64, LENGTH, is_count, push_double, push_key, push_message, push_number, push_text, push_varint,
        varint_size,
    },
};
use promshm_segment::{Definition, Exemplar, Kind, snapshot::Row};

/// The field of a family that holds a metric.
const METRIC: u8 = 4;
/// The field of a metric that holds a label.
const LABEL: u8 = 1;
/// Bytes of a number of floating point, without its key.
const DOUBLE: usize = size_of::<f64>();

/// Appends the header of a family whose metrics take `metrics` bytes, with the length of all before it. The name is
/// that of the text format; a unit is named where the name ends in it.
pub(crate) fn push_header(page: &mut Vec<u8>, definition: &Definition, metrics: usize) {
    let mut header = Vec::new();
    push_text(&mut header, 1, &definition.name);
    if !definition.help.is_empty() {
        push_text(&mut header, 2, &definition.help);
    }
    push_number(&mut header, 3, family_type(definition.kind));
    if let Some(unit) = announced(definition).unit {
        push_text(&mut header, 5, unit);
    }
    push_varint(page, (header.len() + metrics) as u64);
    page.append(&mut header);
}

/// The number of a type.
fn family_type(kind: Kind) -> u64 {
    match kind {
        Kind::Counter => 0,
        Kind::Gauge(_) => 1,
        Kind::Summary { .. } => 2,
        Kind::Histogram | Kind::NativeHistogram(_) => 4,
    }
}

/// The field of a metric that holds its value.
fn value_field(kind: Kind) -> u8 {
    match kind {
        Kind::Gauge(_) => 2,
        Kind::Counter => 3,
        Kind::Summary { .. } => 4,
        Kind::Histogram | Kind::NativeHistogram(_) => 7,
    }
}

/// The field of a value that holds the time at which its series began.
fn created_field(kind: Kind) -> Option<u8> {
    match kind {
        Kind::Gauge(_) => None,
        Kind::Counter => Some(3),
        Kind::Summary { .. } => Some(4),
        Kind::Histogram | Kind::NativeHistogram(_) => Some(15),
    }
}

/// Appends what is cached of a metric: its labels, which `push_labels` writes; its end; and one byte with the length
/// of that end. The end of a counter or gauge is its value without the number; that of others is the field that tells
/// when the series began. That makes no series of its own, so it is always written.
pub(crate) fn push_line(
    bytes: &mut Vec<u8>,
    kind: Kind,
    row: Row<'_>,
    push_labels: impl FnOnce(&mut Vec<u8>),
) {
    push_labels(bytes);
    let end = bytes.len();
    let is_single = is_single(kind);
    if is_single {
        bytes.extend([value_field(kind) << 3 | LENGTH, 0]);
    }
    let is_time = |created: &f64| (0.0..1e12).contains(created);
    if let (Some(field), Some(created)) = (created_field(kind), row.created().filter(is_time)) {
        push_message(bytes, field, |bytes| push_time(bytes, created));
    }
    if is_single {
        push_key(bytes, 1, FIXED_64);
        bytes[end + 1] = (bytes.len() - end - 2 + DOUBLE) as u8;
    }
    bytes.push((bytes.len() - end) as u8);
}

/// Appends a label to what is cached of a metric.
pub(crate) fn push_label(bytes: &mut Vec<u8>, name: &str, value: &str) {
    push_message(bytes, LABEL, |bytes| push_label_pair(bytes, name, value));
}

fn push_label_pair(bytes: &mut Vec<u8>, name: &str, value: &str) {
    push_text(bytes, 1, name);
    push_text(bytes, 2, value);
}

/// Whether a metric's value is one number.
pub(crate) fn is_single(kind: Kind) -> bool {
    matches!(kind, Kind::Counter | Kind::Gauge(_))
}

/// Whether [`push_single`] writes the metric: a single number, without an exemplar.
#[inline]
pub(crate) fn is_plain(kind: Kind, row: Row<'_>) -> bool {
    match kind {
        Kind::Gauge(_) => true,
        Kind::Counter => row.exemplars().next().is_none(),
        Kind::Histogram | Kind::NativeHistogram(_) | Kind::Summary { .. } => false,
    }
}

/// Bytes that [`push_single`] appends, for a line of that length.
#[inline]
pub(crate) fn single_size(line: usize) -> usize {
    let metric = line - 1 + DOUBLE;
    1 + varint_size(metric) + metric
}

/// Appends a counter without an exemplar, or a gauge.
#[inline]
pub(crate) fn push_single(page: &mut Vec<u8>, line: &[u8], value: f64) {
    let Some((_, line)) = line.split_last() else { return };
    push_key(page, METRIC, LENGTH);
    push_varint(page, (line.len() + DOUBLE) as u64);
    page.extend_from_slice(line);
    page.extend_from_slice(&value.to_le_bytes());
}

/// Appends a metric of any kind, or nothing if the format cannot hold it: counts are unsigned integers there.
pub(crate) fn push_metric(page: &mut Vec<u8>, definition: &Definition, row: Row<'_>, line: &[u8]) {
    let Some((end, line)) = line.split_last() else { return };
    if !can_hold(definition.kind, row.values()) {
        return;
    }
    let (labels, end) = line.split_at(line.len() - usize::from(*end));
    let (start, mut is_held) = (page.len(), true);
    push_message(page, METRIC, |page| {
        page.extend_from_slice(labels);
        match definition.kind {
            Kind::Counter | Kind::Gauge(_) => push_marked(page, definition.kind, row, end),
            Kind::Summary { .. } => push_summary(page, definition, row, end),
            Kind::Histogram => is_held = push_histogram(page, definition, row, end),
            Kind::NativeHistogram(buckets) => push_message(page, value_field(definition.kind), |page| {
                is_held = push_native(page, buckets, row.values());
                page.extend_from_slice(end);
                row.exemplars().for_each(|(_, exemplar)| push_exemplar(page, 16, Some(exemplar)));
            }),
        }
    });
    if !is_held {
        page.truncate(start);
    }
}

/// Whether the format can hold a row; of a native histogram that shows as it is written.
fn can_hold(kind: Kind, values: &[f64]) -> bool {
    match (kind, values) {
        (Kind::Histogram, [counts @ .., _]) => {
            counts.iter().copied().all(is_count) && is_count(counts.iter().sum())
        }
        (Kind::Summary { .. }, [.., count]) => is_count(*count),
        _ => true,
    }
}

/// A single number with its exemplar. `end`: see [`push_line`].
fn push_marked(page: &mut Vec<u8>, kind: Kind, row: Row<'_>, end: &[u8]) {
    push_message(page, value_field(kind), |page| {
        page.extend_from_slice(end.get(2..end.len() - 1).unwrap_or_default());
        let exemplar = row.exemplars().next().map(|(_, exemplar)| exemplar);
        push_exemplar(page, 2, exemplar);
        push_double(page, 1, row.values()[0]);
    });
}

fn push_summary(page: &mut Vec<u8>, definition: &Definition, row: Row<'_>, created: &[u8]) {
    let Some((values, [sum, count])) = row.values().split_last_chunk() else { return };
    push_message(page, value_field(definition.kind), |page| {
        push_number(page, 1, *count as u64);
        push_double(page, 2, *sum);
        for (quantile, value) in definition.bounds.iter().zip(values) {
            push_message(page, 3, |page| {
                push_double(page, 1, *quantile);
                push_double(page, 2, *value);
            });
        }
        page.extend_from_slice(created);
    });
}

/// The segment counts each bucket separately; here they are running totals. The last bucket, of infinity, is written
/// because it may have an exemplar. Returns whether the format can hold the numbers of the native form, if there is one.
fn push_histogram(page: &mut Vec<u8>, definition: &Definition, row: Row<'_>, created: &[u8]) -> bool {
    let Some((sum, buckets)) = row.values().split_last() else { return false };
    let mut is_held = true;
    let (mut exemplars, mut total) = (row.exemplars().peekable(), 0.0);
    let bounds = definition.bounds.iter().copied().chain([f64::INFINITY]);
    push_message(page, value_field(definition.kind), |page| {
        if let Some((window, numbers)) = row.native() {
            is_held = push_native(page, window, numbers);
        } else {
            push_number(page, 1, buckets.iter().sum::<f64>() as u64);
            push_double(page, 2, *sum);
        }
        for (cell, (count, bound)) in buckets.iter().zip(bounds).enumerate() {
            total += count;
            let exemplar = exemplars.next_if(|(of, _)| *of == cell).map(|(_, exemplar)| exemplar);
            push_message(page, 3, |page| {
                push_number(page, 1, total as u64);
                push_double(page, 2, bound);
                push_exemplar(page, 3, exemplar);
            });
        }
        page.extend_from_slice(created);
    });
    is_held
}

fn push_exemplar(page: &mut Vec<u8>, field: u8, exemplar: Option<&Exemplar>) {
    let Some(Exemplar { labels, value, time }) = exemplar.filter(|exemplar| is_exemplar(exemplar)) else {
        return;
    };
    push_message(page, field, |page| {
        labels.iter().for_each(|(name, value)| push_label(page, name, value));
        push_double(page, 2, *value);
        push_message(page, 3, |page| push_time(page, *time));
    });
}

/// A time in seconds since 1970, from 0 on. To the millisecond, which is the resolution of Prometheus.
fn push_time(bytes: &mut Vec<u8>, time: f64) {
    let milliseconds = (time * 1e3).round() as u64;
    push_number(bytes, 1, milliseconds / 1000);
    push_number(bytes, 2, milliseconds % 1000 * 1_000_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_whose_counts_are_no_integers_cannot_be_held() {
        let summary = Kind::Summary { max_age: 600 };
        for good in [0.0, -0.0, 1.0, 2_f64.powi(60)] {
            assert!(can_hold(Kind::Histogram, &[good, 1.0, f64::NAN]), "{good}: the sum is any number");
            assert!(can_hold(summary, &[-1.0, f64::NAN, good]), "{good}");
        }
        for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e300] {
            assert!(
                !can_hold(Kind::Histogram, &[1.0, bad, 1.0]) && !can_hold(summary, &[1.0, 1.0, bad]),
                "{bad}"
            );
            assert!(can_hold(Kind::Counter, &[bad]), "{bad}");
        }
    }
}
