//! Hints of a native histogram: which groups of its cells were ever counted into, so that a scrape reads no others.
//!
//! A series has a cell for each number of a row, and one more before the last of them, the sum. The bits of that one
//! stand for groups of [`HINT_CELLS`] cells, the lowest for the first of them. A bit is set before its group is first
//! counted into: whoever counts sees that the cell is still 0, so a cell in use costs a comparison. No bit is ever taken
//! back. A process that dies after the bit leaves a group of zeros, never numbers without their bit.
//!
//! Nothing but numbers depends on a hint. A wrong one hides what its own slot has counted, or costs a look at zeros.

use crate::{layout::HINT_CELLS, memory::atomic::Cell};

/// Counts one observation into this process's own cells of a native histogram. The bucket comes before the sum: a process
/// that dies in between leaves a count without its share of the sum, never a sum that nothing counted.
#[inline(always)]
pub fn observe_owned(cells: &[Cell], cell: usize, value: f64) {
    let [.., _, sum] = cells else { return };
    let Some(bucket) = cells.get(cell) else { return };
    let before = bucket.get();
    if before.to_bits() == 0 {
        return observe_first(cells, cell, value);
    }
    bucket.set(before + 1.0);
    sum.add_owned(value);
}

/// Counts the first observation into a cell of this process's own.
#[cold]
#[inline(never)]
fn observe_first(cells: &[Cell], cell: usize, value: f64) {
    let (Some(bucket), [.., hint, sum]) = (cells.get(cell), cells) else { return };
    hint.set_bits_owned(bit(cell));
    bucket.add_owned(1.0);
    sum.add_owned(value);
}

/// Counts one observation where other processes may write too.
pub fn observe_shared(cells: &[Cell], cell: usize, value: f64) {
    let (Some(bucket), [.., hint, sum]) = (cells.get(cell), cells) else { return };
    hint.set_bits_shared(bit(cell));
    bucket.add_shared(1.0);
    sum.add_shared(value);
}

/// The bit of a cell's group.
fn bit(cell: usize) -> u64 {
    1_u64.checked_shl((cell / HINT_CELLS) as u32).unwrap_or(0)
}

/// The groups that a hint names, of the first `count`.
#[inline]
pub(crate) fn groups(hint: &Cell, count: usize) -> u64 {
    let others = u64::MAX.checked_shl(count as u32).unwrap_or(0);
    hint.bits() & !others
}

/// Replaces the cells of a series by the sums of others' cells, the hint first, as their numbers are: so a hint that
/// hid some does so no more.
pub(crate) fn add_up(sources: &[&[Cell]], target: &[Cell]) {
    let [counts @ .., hint, sum] = target else { return };
    let number = |at: usize| {
        let numbers = sources.iter().filter_map(|cells| cells.get(at)).map(Cell::get);
        numbers.reduce(|sum, number| sum + number).unwrap_or(0.0)
    };
    let used = (0..counts.len()).filter(|at| number(*at).to_bits() != 0);
    hint.set_bits_owned(used.fold(0, |bits, at| bits | bit(at)));
    counts.iter().enumerate().for_each(|(at, cell)| cell.set(number(at)));
    sum.set(number(target.len() - 1));
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::float_cmp)] // whole numbers
mod tests {
    use super::*;

    fn cells(counts: usize) -> Vec<Cell> {
        (0..counts + 2).map(|_| Cell::default()).collect()
    }

    fn numbers(cells: &[Cell]) -> Vec<f64> {
        let [counts @ .., _, sum] = cells else { unreachable!() };
        counts.iter().chain([sum]).map(Cell::get).collect()
    }

    #[test]
    fn observing_sets_the_bit_of_the_group_and_counts() {
        for observe in [observe_owned, observe_shared] {
            let cells = cells(18);
            for (cell, groups_then) in [(0, 0b1), (7, 0b1), (17, 0b101), (17, 0b101), (8, 0b111)] {
                observe(&cells, cell, 2.0);
                assert_eq!(groups(&cells[18], 3), groups_then, "{cell}");
            }
            let numbers = numbers(&cells);
            assert_eq!(
                [numbers[0], numbers[7], numbers[8], numbers[17], numbers[18]],
                [1.0, 1.0, 1.0, 2.0, 10.0]
            );
            assert_eq!(numbers.iter().sum::<f64>(), 15.0, "and nothing else");
        }
    }

    #[test]
    fn hint_names_no_group_that_is_not_there() {
        let hint = Cell::default();
        assert_eq!(groups(&hint, 64), 0);
        hint.set_bits_owned(u64::MAX);
        for (count, all) in [(0, 0), (1, 1), (2, 0b11), (63, u64::MAX >> 1), (64, u64::MAX)] {
            assert_eq!(groups(&hint, count), all, "{count} groups");
        }
    }

    #[test]
    fn cells_that_are_not_there_are_left_alone() {
        let cells = cells(9);
        for observe in [observe_owned, observe_shared] {
            observe(&cells, 11, 1.0);
            observe(&cells[..1], 0, 1.0);
            observe(&[], 0, 1.0);
        }
        assert_eq!(numbers(&cells), [0.0; 10]);
    }

    #[test]
    fn sums_have_the_hint_that_their_numbers_need() {
        let (one, other, target) = (cells(20), cells(20), cells(20));
        observe_owned(&one, 1, 2.0);
        observe_owned(&one, 19, 2.0);
        observe_owned(&other, 1, 3.0);
        other[9].set(4.0); // without its bit
        one[20].set_bits_owned(u64::MAX);
        add_up(&[&one, &other], &target);
        assert_eq!(groups(&target[20], 3), 0b111);
        let numbers = numbers(&target);
        assert_eq!([numbers[1], numbers[9], numbers[19], numbers[20]], [2.0, 4.0, 1.0, 7.0]);
        let lone = cells(20);
        add_up(&[&other], &lone);
        assert_eq!(groups(&lone[20], 3), 0b11);
    }
}
