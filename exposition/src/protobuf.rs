//! Prometheus's protobuf format: each family is one `io.prometheus.client.MetricFamily`, preceded by its length.
//!
//! A length stands before its message, so a message is measured before it is written. Both walk the same code: what
//! it writes to is either a page, or a [`Size`].

use crate::{exemplar::is_exemplar, openmetrics::announced};
use promshm_segment::{Definition, Exemplar, Kind, snapshot::Row};

/// What a message is written to.
pub(crate) trait Sink {
    fn bytes(&mut self, bytes: &[u8]);

    fn varint(&mut self, number: u64);

    /// A field that is a message of its own, which takes `size` bytes.
    fn message(&mut self, field: u8, message: &impl Message);

    /// Fields beyond 15 would take two bytes.
    #[inline]
    fn key(&mut self, field: u8, wire: u8) {
        self.bytes(&[field << 3 | wire]);
    }

    fn text(&mut self, field: u8, text: &str) {
        self.key(field, LENGTH);
        self.varint(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    #[inline]
    fn double(&mut self, field: u8, value: f64) {
        let mut bytes = [field << 3 | FIXED_64; 9];
        bytes[1..].copy_from_slice(&value.to_le_bytes());
        self.bytes(&bytes);
    }

    fn number(&mut self, field: u8, number: u64) {
        self.key(field, VARINT);
        self.varint(number);
    }
}

/// Wire types.
const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH: u8 = 2;

/// The content of a message, without its length.
pub(crate) trait Message {
    fn write(&self, sink: &mut impl Sink);

    fn size(&self) -> usize {
        let mut size = Size(0);
        self.write(&mut size);
        size.0
    }
}

/// Counts bytes.
pub(crate) struct Size(usize);

impl Sink for Size {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    #[inline]
    fn varint(&mut self, number: u64) {
        self.0 += (number | 1).ilog2() as usize / 7 + 1;
    }

    fn message(&mut self, field: u8, message: &impl Message) {
        let size = message.size();
        self.key(field, LENGTH);
        self.varint(size as u64);
        self.0 += size;
    }
}

impl Sink for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.push(number as u8);
    }

    fn message(&mut self, field: u8, message: &impl Message) {
        self.key(field, LENGTH);
        self.varint(message.size() as u64);
        message.write(self);
    }
}

/// Whether the format can hold a row: counts are unsigned integers there.
pub(crate) fn can_hold(kind: Kind, values: &[f64]) -> bool {
    match (kind, values) {
        (Kind::Histogram, [counts @ .., _]) => {
            counts.iter().copied().all(is_count) && is_count(counts.iter().sum())
        }
        (Kind::Summary { .. }, [.., count]) => is_count(*count),
        (Kind::NativeHistogram(_), _) => false, // not exposed yet
        _ => true,
    }
}

/// Whether a number is a whole one of 64 bits.
fn is_count(count: f64) -> bool {
    (count as u64 as f64).to_bits() == (count + 0.0).to_bits() // -0 is 0
}

/// Appends a label of a metric.
pub(crate) fn push_label(bytes: &mut Vec<u8>, name: &str, value: &str) {
    bytes.message(1, &LabelPair { name, value });
}

/// Begins a family whose metrics take `metrics` bytes.
pub(crate) fn push_header(page: &mut Vec<u8>, definition: &Definition, metrics: usize) {
    let header = Header(definition);
    page.varint((header.size() + metrics) as u64);
    header.write(page);
}

/// A metric of a family. `labels`: its labels, as written by [`push_label`].
#[derive(Clone, Copy)]
pub(crate) struct Metric<'m> {
    pub(crate) definition: &'m Definition,
    pub(crate) row: Row<'m>,
    pub(crate) labels: &'m [u8],
}

impl Metric<'_> {
    /// Bytes that [`Metric::push`] appends for a metric of that [`Message::size`].
    pub(crate) fn size_as_field(size: usize) -> usize {
        let mut field = Size(size);
        field.key(METRIC, LENGTH);
        field.varint(size as u64);
        field.0
    }

    /// Appends it to its family. `size`: its [`Message::size`].
    pub(crate) fn push(self, size: usize, page: &mut Vec<u8>) {
        page.key(METRIC, LENGTH);
        page.varint(size as u64);
        self.write(page);
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

/// The field of a family that holds a metric.
const METRIC: u8 = 4;

/// A family without its metrics. The name is that of the text format; a unit is named where the name ends in it.
struct Header<'d>(&'d Definition);

impl Message for Header<'_> {
    fn write(&self, sink: &mut impl Sink) {
        let Self(definition) = self;
        sink.text(1, &definition.name);
        if !definition.help.is_empty() {
            sink.text(2, &definition.help);
        }
        let kind = match definition.kind {
            Kind::Counter => 0,
            Kind::Gauge(_) => 1,
            Kind::Summary { .. } => 2,
            Kind::Histogram | Kind::NativeHistogram(_) => 4,
        };
        sink.number(3, kind);
        if let Some(unit) = announced(definition).unit {
            sink.text(5, unit);
        }
    }
}

struct LabelPair<'l> {
    name: &'l str,
    value: &'l str,
}

impl Message for LabelPair<'_> {
    fn write(&self, sink: &mut impl Sink) {
        sink.text(1, self.name);
        sink.text(2, self.value);
    }
}

impl Message for Metric<'_> {
    fn write(&self, sink: &mut impl Sink) {
        sink.bytes(self.labels);
        let Self { definition, row, .. } = *self;
        let field = value_field(definition.kind);
        match definition.kind {
            Kind::Gauge(_) => sink.message(field, &Gauge(row.values()[0])),
            Kind::Counter => sink.message(field, &Counter(row)),
            Kind::Summary { .. } => sink.message(field, &Summary { definition, row }),
            Kind::Histogram => sink.message(field, &Histogram { definition, row }),
            Kind::NativeHistogram(_) => {}
        }
    }
}

struct Gauge(f64);

impl Message for Gauge {
    fn write(&self, sink: &mut impl Sink) {
        sink.double(1, self.0);
    }
}

struct Counter<'r>(Row<'r>);

impl Message for Counter<'_> {
    fn write(&self, sink: &mut impl Sink) {
        let Self(row) = self;
        write_created(sink, 3, *row);
        if let Some((_, exemplar)) = row.exemplars().next().filter(|(_, exemplar)| is_exemplar(exemplar)) {
            sink.message(2, &Marked(exemplar));
        }
        sink.double(1, row.values()[0]);
    }
}

struct Summary<'m> {
    definition: &'m Definition,
    row: Row<'m>,
}

impl Message for Summary<'_> {
    fn write(&self, sink: &mut impl Sink) {
        let Some((values, [sum, count])) = self.row.values().split_last_chunk() else { return };
        sink.number(1, *count as u64);
        sink.double(2, *sum);
        for (quantile, value) in self.definition.bounds.iter().zip(values) {
            sink.message(3, &Pair(*quantile, *value));
        }
        write_created(sink, 4, self.row);
    }
}

/// A quantile and its value.
struct Pair(f64, f64);

impl Message for Pair {
    fn write(&self, sink: &mut impl Sink) {
        sink.double(1, self.0);
        sink.double(2, self.1);
    }
}

struct Histogram<'m> {
    definition: &'m Definition,
    row: Row<'m>,
}

impl Message for Histogram<'_> {
    /// The segment counts each bucket separately; here they are running totals. The last bucket, of infinity, is
    /// written because it may have an exemplar.
    fn write(&self, sink: &mut impl Sink) {
        let Some((sum, buckets)) = self.row.values().split_last() else { return };
        let (mut exemplars, mut total) = (self.row.exemplars().peekable(), 0.0);
        let bounds = self.definition.bounds.iter().copied().chain([f64::INFINITY]);
        sink.number(1, buckets.iter().sum::<f64>() as u64);
        sink.double(2, *sum);
        for (cell, (count, bound)) in buckets.iter().zip(bounds).enumerate() {
            total += count;
            let exemplar = exemplars.next_if(|(of, _)| *of == cell).map(|(_, exemplar)| exemplar);
            let exemplar = exemplar.filter(|exemplar| is_exemplar(exemplar));
            sink.message(3, &Bucket { total: total as u64, bound, exemplar });
        }
        write_created(sink, 15, self.row);
    }
}

struct Bucket<'e> {
    total: u64,
    bound: f64,
    exemplar: Option<&'e Exemplar>,
}

impl Message for Bucket<'_> {
    fn write(&self, sink: &mut impl Sink) {
        sink.number(1, self.total);
        sink.double(2, self.bound);
        if let Some(exemplar) = self.exemplar {
            sink.message(3, &Marked(exemplar));
        }
    }
}

/// An exemplar.
struct Marked<'e>(&'e Exemplar);

impl Message for Marked<'_> {
    fn write(&self, sink: &mut impl Sink) {
        let Exemplar { labels, value, time } = self.0;
        for (name, value) in labels {
            sink.message(1, &LabelPair { name, value });
        }
        sink.double(2, *value);
        sink.message(3, &Timestamp(*time));
    }
}

/// A time in seconds since 1970, from 0 on.
struct Timestamp(f64);

impl Message for Timestamp {
    /// To the millisecond, which is the resolution of Prometheus.
    fn write(&self, sink: &mut impl Sink) {
        let milliseconds = (self.0 * 1e3).round() as u64;
        sink.number(1, milliseconds / 1000);
        sink.number(2, milliseconds % 1000 * 1_000_000);
    }
}

/// When the series began. This makes no series of its own, so it is always written.
fn write_created(sink: &mut impl Sink, field: u8, row: Row<'_>) {
    let is_time = |created: &f64| (0.0..1e12).contains(created);
    if let Some(created) = row.created().filter(is_time) {
        sink.message(field, &Timestamp(created));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        for (number, expected) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let (mut bytes, mut size) = (Vec::new(), Size(0));
            bytes.varint(number);
            size.varint(number);
            assert_eq!((&bytes[..], size.0), (expected, expected.len()), "{number}");
        }
    }

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

    #[test]
    fn size_is_that_of_the_written_message() {
        let long = "x".repeat(300);
        for value in ["", "é", &long] {
            let pair = LabelPair { name: "name", value };
            let mut bytes = Vec::new();
            pair.write(&mut bytes);
            assert_eq!(pair.size(), bytes.len());
        }
        for time in [0.0, 0.0004, 1_520_879_607.789, 999_999_999_999.999_9] {
            let mut bytes = Vec::new();
            Timestamp(time).write(&mut bytes);
            assert_eq!(Timestamp(time).size(), bytes.len(), "{time}");
        }
    }
}
