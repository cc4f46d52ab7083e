//! What native histograms have of their own: fields in protobuf, and exemplars in the classic form of the text formats.

use crate::wire::{LENGTH, is_count, push_double, push_key, push_message, push_number, push_varint};
use promshm_segment::{Exemplar, NativeBuckets, order, snapshot::Row};

/// The fields of a histogram that hold its buckets, by sign: their spans, and in the next field their counts.
const NEGATIVE: u8 = 9;
const POSITIVE: u8 = 12;

/// So many empty buckets between two others are written as such: another span would take as much room.
const SHORT_GAP: i32 = 2;

/// The first number that is not less than 2^63: a difference of counts is an integer of 64 bits.
const TOO_MANY: f64 = 9_223_372_036_854_775_808.0;

/// Bytes of differences that take no second allocation.
const DELTAS: usize = 240;

/// Appends the fields of a native histogram's numbers. Returns whether the format can hold them: counts are integers
/// there, whose differences are integers of 64 bits as well.
///
/// NaN is counted, but in no bucket. Prometheus refuses the whole page where the count is not that of the buckets and
/// the sum is a number, so the sum is NaN then, whatever a process that died half-way has left.
pub(crate) fn push_native(page: &mut Vec<u8>, buckets: NativeBuckets, numbers: &[f64]) -> bool {
    let (zero, nan) = (buckets.zero(numbers), buckets.nan(numbers));
    let (below, above) = (buckets.below(numbers), buckets.above(numbers));
    let negative = if below == 0.0 {
        Some(0) // the usual case
    } else {
        push_buckets(page, NEGATIVE, |spans| spans.push_used(buckets.below_index(), below))
    };
    let positive = push_buckets(page, POSITIVE, |spans| {
        push_run(spans, buckets.lowest, buckets.positive(numbers));
        spans.push_used(buckets.above_index(), above);
    });
    let Some(total) = total([negative, positive, as_count(zero), as_count(nan)]) else { return false };
    if negative.max(positive) == Some(0) {
        push_span(page, POSITIVE, (0, 0)); // tells that it is native, even without an observation
    }
    push_number(page, 1, total);
    push_double(page, 2, if nan > 0.0 { f64::NAN } else { buckets.sum(numbers) });
    push_number(page, 5, zigzag(buckets.schema.into()));
    push_double(page, 6, buckets.zero_threshold());
    push_number(page, 7, zero as u64);
    true
}

fn as_count(count: f64) -> Option<u64> {
    is_count(count).then_some(count as u64)
}

/// The sum, if all are counts and it is a number of 63 bits.
fn total(counts: [Option<u64>; 4]) -> Option<u64> {
    let total = counts.into_iter().try_fold(0_u64, |total, count| total.checked_add(count?));
    total.filter(|total| i64::try_from(*total).is_ok())
}

/// Writes the buckets of one sign, which `push` adds: spans of neighbours, and of each bucket by how much its count exceeds
/// the one before. Returns the sum of the counts, if they are counts.
fn push_buckets(page: &mut Vec<u8>, field: u8, push: impl FnOnce(&mut Spans<'_>)) -> Option<u64> {
    let deltas = Vec::with_capacity(DELTAS);
    let mut spans = Spans { page, field, deltas, span: (0, 0), next: 0, last: 0, total: 0, are_counts: true };
    push(&mut spans);
    spans.end()
}

/// Adds neighbours, `index` being that of the first. Most buckets are empty, so eight are looked at in one go. All are read:
/// memory that is read in its order comes sooner than the few lines that were counted into would.
fn push_run(spans: &mut Spans<'_>, mut index: i32, counts: &[f64]) {
    for eight in counts.chunks(8) {
        let bits = eight.iter().fold(0, |bits, count| bits | count.to_bits());
        if bits << 1 != 0 {
            (index..).zip(eight).for_each(|(index, count)| spans.push_used(index, *count));
        }
        index += 8;
    }
}

struct Spans<'p> {
    page: &'p mut Vec<u8>,
    field: u8,
    deltas: Vec<u8>,
    /// How far the present span is from the end of the one before, and its length.
    span: (i32, u32),
    /// The index after the last bucket.
    next: i32,
    last: i64,
    /// The sum of the counts, if that is so small a number.
    total: u64,
    /// Whether each number so far is a count.
    are_counts: bool,
}

impl Spans<'_> {
    /// Adds a bucket if it has observations.
    #[inline]
    fn push_used(&mut self, index: i32, count: f64) {
        if count != 0.0 {
            self.push(index, count);
        }
    }

    /// Adds a bucket, whose index is larger than that of the one before.
    #[inline]
    fn push(&mut self, index: i32, count: f64) {
        let gap = index - self.next;
        if gap == 0 && self.span.1 > 0 {
            // the usual case
        } else if gap > SHORT_GAP || self.span.1 == 0 {
            self.end_span();
            self.span = (gap, 0);
        } else {
            (0..gap).for_each(|_| self.push_count(0));
        }
        self.next = index + 1;
        // As `is_count`, but of 63 bits: a signed number is converted by one instruction.
        let whole = count as i64;
        if (whole as f64).to_bits() != count.to_bits() || !(0.0..TOO_MANY).contains(&count) {
            return self.are_counts = false;
        }
        self.total = self.total.saturating_add(whole.cast_unsigned());
        self.push_count(whole);
    }

    #[inline]
    fn push_count(&mut self, count: i64) {
        let delta = zigzag(count - self.last);
        if delta < 0x80 {
            self.deltas.push(delta as u8); // the usual case
        } else {
            push_varint(&mut self.deltas, delta);
        }
        self.last = count;
        self.span.1 += 1;
    }

    fn end_span(&mut self) {
        if self.span.1 > 0 {
            push_span(self.page, self.field, self.span);
        }
    }

    fn end(mut self) -> Option<u64> {
        self.end_span();
        if !self.deltas.is_empty() {
            push_key(self.page, self.field + 1, LENGTH);
            push_varint(self.page, self.deltas.len() as u64);
            self.page.append(&mut self.deltas);
        }
        self.are_counts.then_some(self.total)
    }
}

fn push_span(page: &mut Vec<u8>, field: u8, (offset, length): (i32, u32)) {
    push_message(page, field, |page| {
        push_number(page, 1, zigzag(offset.into()));
        push_number(page, 2, length.into());
    });
}

/// Numbers with a sign as such without one: 0, -1, 1, -2 are 0, 1, 2, 3.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

/// The latest exemplar of each bucket of the classic form; none if there is no exemplar.
pub(crate) fn classic_exemplars(buckets: NativeBuckets, row: Row<'_>) -> Vec<(usize, &Exemplar)> {
    let of_cells = row.exemplars().map(|(cell, exemplar)| (buckets.classic_bucket(cell), exemplar));
    let mut all: Vec<_> = of_cells.collect();
    order::sort_elements(&mut all, &|(bucket, one), (other, two)| {
        bucket.cmp(other).then(two.time.total_cmp(&one.time))
    });
    all.dedup_by_key(|(bucket, _)| *bucket);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Format};
    use promshm_segment::{Definition, Family, Kind};

    /// Four powers of two, from 0.25 to 4, with two buckets each.
    const BUCKETS: NativeBuckets = NativeBuckets { schema: 1, lowest: -3, cells: 8 };

    fn family(numbers: &[f64]) -> Family {
        let kind = Kind::NativeHistogram(BUCKETS);
        let mut family = Family::new(Definition::new("n", "", kind, &[], &[]).expect("a good definition"));
        family.push([], numbers);
        family
    }

    /// The fields, or `None` where the format cannot hold the numbers.
    fn fields(numbers: &[f64]) -> Option<Vec<u8>> {
        let mut fields = Vec::new();
        push_native(&mut fields, BUCKETS, numbers).then_some(fields)
    }

    /// `zero`, the window, `above`, `below`, NaN and the sum.
    fn numbers(zero: f64, window: [f64; 8], others: [f64; 4]) -> Vec<f64> {
        [&[zero], &window[..], &others[..]].concat()
    }

    fn holds(fields: &[u8], part: &[u8]) -> bool {
        fields.windows(part.len()).any(|bytes| bytes == part)
    }

    #[test]
    fn zigzag_joins_both_signs() {
        let numbers = [0, -1, 1, -2, i64::MAX, i64::MIN].map(zigzag);
        assert_eq!(numbers, [0, 1, 2, 3, u64::MAX - 1, u64::MAX]);
    }

    #[test]
    fn short_gaps_are_filled_and_long_ones_end_a_span() {
        let window = [0.0, 5.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0];
        let found = fields(&numbers(0.0, window, [0.0, 0.0, 0.0, 12.5])).expect("counts");
        // Index -2, four buckets; 5, -5, 0, +7.
        assert!(holds(&found, b"\x62\x04\x08\x03\x10\x04\x6a\x04\x0a\x09\x00\x0e"), "{found:x?}");
        let window = [5.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0];
        let found = fields(&numbers(0.0, window, [1.0, 0.0, 0.0, 12.5])).expect("counts");
        // Index -3; three more; and that of +Inf, 2049, after 2; 5, +2, -6.
        let spans = b"\x62\x04\x08\x05\x10\x01\x62\x04\x08\x06\x10\x01\x62\x05\x08\xfe\x1f\x10\x01";
        assert!(holds(&found, &[&spans[..], b"\x6a\x03\x0a\x04\x0b"].concat()), "{found:x?}");
    }

    #[test]
    fn histogram_without_observations_has_an_empty_span() {
        let found = fields(&numbers(0.0, [0.0; 8], [0.0, -0.0, 0.0, 0.0])).expect("counts");
        assert!(found.starts_with(b"\x62\x04\x08\x00\x10\x00\x08\x00"), "{found:x?}");
        let found = fields(&numbers(1.0, [0.0; 8], [0.0, 1.0, 0.0, 0.0])).expect("counts");
        assert!(!holds(&found, b"\x62"), "one in a bucket suffices: {found:x?}");
    }

    /// Prometheus refuses another count than that of the buckets unless the sum is NaN.
    #[test]
    fn sum_is_nan_as_soon_as_nan_is_counted() {
        let sum = |nan| {
            let found = fields(&numbers(0.0, [1.0; 8], [0.0, 0.0, nan, 12.5])).expect("counts");
            let at = found.iter().rposition(|byte| *byte == 0x11).expect("a sum") + 1;
            f64::from_le_bytes(*found[at..].first_chunk().expect("eight bytes"))
        };
        assert_eq!((sum(0.0), sum(1.0).is_nan()), (12.5, true));
    }

    #[test]
    fn counts_that_are_no_integers_of_63_bits_cannot_be_held() {
        let most = (1_u64 << 62) as f64;
        for good in [0.0, -0.0, 1.0, most] {
            for place in 0..12 {
                let mut row = numbers(0.0, [0.0; 8], [0.0; 4]);
                row[place] = good;
                assert!(fields(&row).is_some(), "{good} at {place}");
            }
        }
        for bad in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e300, 2.0 * most] {
            for place in 0..12 {
                let mut row = numbers(1.0, [1.0; 8], [1.0; 4]);
                row[place] = bad;
                assert!(fields(&row).is_none(), "{bad} at {place}");
            }
        }
        assert!(fields(&numbers(most, [0.0; 8], [most, 0.0, 0.0, 0.0])).is_none(), "too many together");
        assert!(
            fields(&numbers(0.0, [0.0; 8], [0.0, 0.0, 0.0, f64::NAN])).is_some(),
            "the sum is any number"
        );
    }

    #[test]
    fn histogram_of_both_forms_has_the_fields_of_both() {
        let definition = Definition::new("h", "", Kind::Histogram, &[], &[1.0]).expect("a good definition");
        let mut family = Family::new(definition.with_native_form());
        family.push([], &[2.0, 1.0, 4.5]);
        let (classic, native) = family.forms_mut(0).expect("both forms");
        assert_eq!(classic.len(), 3);
        (native[0], native[1], native[2]) = (1.0, 1.0, 1.0);
        let last = native.len() - 1;
        native[last] = 4.5;
        let mut page = Vec::new();
        Encoder::new(Format::Protobuf).encode(&[family], &mut page);
        let (count, sum) = (b"\x08\x03\x11", 4.5_f64.to_le_bytes());
        assert!(holds(&page, &[&count[..], &sum].concat()), "count and sum once: {page:x?}");
        assert_eq!(
            page.windows(2).filter(|bytes| *bytes == b"\x08\x03").count(),
            2,
            "and in the last bucket"
        );
        let bucket =
            |total: u8, bound: f64| [&b"\x1a\x0b\x08"[..], &[total, 0x11], &bound.to_le_bytes()].concat();
        assert!(holds(&page, &bucket(2, 1.0)) && holds(&page, &bucket(3, f64::INFINITY)), "{page:x?}");
        assert!(holds(&page, b"\x6a\x02\x02\x00"), "1, +0 in two native buckets: {page:x?}");
    }

    #[test]
    fn classic_bucket_has_the_latest_exemplar_of_its_cells() {
        let mut family = family(&numbers(1.0, [1.0; 8], [1.0; 4]));
        let exemplar =
            |cell: usize, time: f64| ((0, cell), Exemplar { labels: Vec::new(), value: cell as f64, time });
        // The zero bucket, one of each power of two, above, below, NaN.
        let times = [(0, 5.0), (1, 9.0), (2, 3.0), (7, 2.0), (8, 4.0), (9, 7.0), (10, 6.0), (11, 8.0)];
        family.set_exemplars(times.map(|(cell, time)| exemplar(cell, time)));
        let row = family.rows().next().expect("a row");
        let found: Vec<_> =
            classic_exemplars(BUCKETS, row).iter().map(|(at, one)| (*at, one.value)).collect();
        assert_eq!(found, [(0, 10.0), (1, 1.0), (4, 8.0), (5, 11.0)]);
    }
}
