//! Rings of recent samples, from which a summary's quantiles are computed, beside its count and its sum.
//!
//! The count of a series is also the ring's write index. It continues through all owners of the slot: the
//! next owner of a dead process's slot continues where that process was, whose samples count until they are
//! too old.

use crate::{
    config::Config,
    layout::{RING_CELL, header},
    memory::{
        atomic::{Cell, Sample},
        mapping::Mapping,
    },
};

/// Number of samples in each of the segment's rings; 0 if the stored number is invalid.
pub(crate) fn samples_of(mapping: &Mapping) -> u64 {
    let samples = mapping.head(header!(summary_samples)).load_acquire();
    if samples <= u64::from(Config::MAX_SUMMARY_SAMPLES) { samples } else { 0 }
}

/// Counts one observation where this process is the only writer. Returns whether its sample was kept.
///
/// The order is sample, count, sum. A process that dies in between leaves a sample that the next one
/// replaces, or a count without its share of the sum, but never a sum without its count.
#[inline(always)]
pub fn observe_owned(cells: &[Cell], ring: Option<&[Sample]>, when: u64, value: f64) -> bool {
    let [count, sum, ..] = cells else { return false };
    let place = ring.and_then(|ring| next(ring, count.get()));
    if let Some(sample) = place {
        sample.put_owned(when, value);
    }
    count.add_owned(1.0);
    sum.add_owned(value);
    place.is_some()
}

/// Counts one observation where other processes may write too. Returns whether its sample was kept.
pub fn observe_shared(cells: &[Cell], ring: Option<&[Sample]>, when: u64, value: f64) -> bool {
    let [count, sum, ..] = cells else { return false };
    let number = count.take_number(); // unique, and so is the place, until the ring is full
    sum.add_shared(value);
    ring.and_then(|ring| next(ring, number)).is_some_and(|sample| sample.put_shared(when, value))
}

#[inline(always)]
fn next(ring: &[Sample], number: f64) -> Option<&Sample> {
    ring.get((number as u64).checked_rem(ring.len() as u64)? as usize)
}

/// Number of the ring's last page, 0 if there is no ring.
#[inline(always)]
#[must_use]
pub fn ring_of(cells: &[Cell]) -> u64 {
    cells.get(RING_CELL).map_or(0, Cell::load_acquire) // pair: RING
}

/// The value at a quantile by nearest rank: the smallest value such that at least the fraction `quantile`
/// of all values is not above it. `sorted` must not be empty.
#[must_use]
pub fn nearest_rank(sorted: &[f64], quantile: f64) -> f64 {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // whole numbers
mod tests {
    use super::*;
    use crate::memory::atomic::{Word, samples};

    fn words(count: usize) -> Vec<Word> {
        (0..count).map(|_| Word::new(0)).collect()
    }

    fn cells() -> [Cell; 3] {
        std::array::from_fn(|_| Cell::new(0.0))
    }

    fn values(ring: &[Sample]) -> Vec<Option<(u64, f64)>> {
        ring.iter().map(Sample::get).collect()
    }

    #[test]
    fn full_ring_overwrites_the_oldest_sample() {
        for observe in [observe_owned, observe_shared] {
            let (words, cells) = (words(6), cells());
            let ring = samples(&words);
            for number in 0..5 {
                assert!(observe(&cells, Some(ring), 10 + number, number as f64));
            }
            assert_eq!(values(ring), [Some((13, 3.0)), Some((14, 4.0)), Some((12, 2.0))]);
            assert_eq!([cells[0].get(), cells[1].get()], [5.0, 10.0]);
        }
    }

    #[test]
    fn count_and_sum_continue_without_a_ring() {
        for observe in [observe_owned, observe_shared] {
            let cells = cells();
            assert!(!observe(&cells, None, 10, 2.5));
            assert!(!observe(&cells, Some(&[]), 10, 2.5));
            assert_eq!([cells[0].get(), cells[1].get()], [2.0, 5.0]);
        }
    }

    #[test]
    fn place_under_writing_is_skipped() {
        let (words, cells) = (words(4), cells());
        words[0].store_relaxed(crate::layout::BUSY);
        let ring = samples(&words);
        let kept: Vec<bool> = (0..3).map(|_| observe_shared(&cells, Some(ring), 10, 1.0)).collect();
        assert_eq!(kept, [false, true, false]);
        assert_eq!(values(ring), [None, Some((10, 1.0))]);
        assert_eq!(cells[0].get(), 3.0);
    }

    #[test]
    fn corrupt_count_maps_to_a_place_within_the_ring() {
        let words = words(6);
        for count in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            let cells = [Cell::new(count), Cell::new(0.0), Cell::new(0.0)];
            assert!(observe_owned(&cells, Some(samples(&words)), 10, 1.0), "{count}");
        }
    }

    #[test]
    fn ranks_are_the_nearest() {
        let sorted = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let of = |quantile| nearest_rank(&sorted, quantile);
        assert_eq!(
            [of(0.01), of(0.1), of(0.11), of(0.5), of(0.51), of(0.99)],
            [1.0, 1.0, 2.0, 5.0, 6.0, 10.0]
        );
        assert_eq!(nearest_rank(&[7.0], 0.5), 7.0);
    }
}
