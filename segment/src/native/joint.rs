//! One set of cells for both forms of a histogram: the classic one with its own bounds, and a native one.
//!
//! There is a cell for what lies between any two neighbouring bounds of both, so each cell belongs to one bucket of the
//! classic form and to one of the native form, and both are sums of cells. An observation costs what it does without the
//! native form: one cell and the sum. A process that dies leaves both forms with the same counts.

use super::{EXPONENTS, NativeBuckets, NativeIndex, ceil_exponent, floor_exponent};
use crate::layout::PAGE_WORDS;

/// The finest schema: buckets that grow by 9 %.
const FINEST: i8 = 3;
/// How many powers of two the native form reaches beyond the classic bounds, on both sides.
const MARGIN: i64 = 8;
/// The cells besides those up to a bound: `+Inf` and the sum.
const OTHER_CELLS: usize = 2;

/// The native form of a histogram that has a classic one as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeForm {
    /// Its window.
    pub buckets: NativeBuckets,
    /// Number of cells of a series, which serve both forms.
    pub cells: usize,
}

impl NativeForm {
    /// A window around these classic bounds, as fine as fits; `None` if none fits.
    pub(crate) fn around(classic: &[f64]) -> Option<Self> {
        let (first, last) =
            (classic.iter().find(|bound| bound.is_normal() && **bound > 0.0)?, classic.last()?);
        let from = (floor_exponent(*first) - MARGIN).max(*EXPONENTS.start());
        let to = (ceil_exponent(*last) + MARGIN).min(*EXPONENTS.end());
        (0..=FINEST).rev().find_map(|schema| {
            let cells = u16::try_from((to - from) << schema).ok()?;
            Self::new(classic, NativeBuckets { schema, lowest: (from << schema) as i32 + 1, cells })
        })
    }

    /// This window beside these classic bounds; `None` if it is none that [`NativeForm::around`] makes, or a series has
    /// no room for so many cells.
    pub(crate) fn new(classic: &[f64], buckets: NativeBuckets) -> Option<Self> {
        let buckets = buckets.check().ok().filter(|buckets| (0..=FINEST).contains(&buckets.schema))?;
        let cells = bounds_of_both(classic, buckets).len() + OTHER_CELLS;
        (cells <= PAGE_WORDS).then_some(Self { buckets, cells })
    }
}

/// The cells of a series of a histogram that has both forms.
#[derive(Debug)]
pub struct JointCells {
    /// The upper bounds of the cells, increasing, without +Inf.
    bounds: Vec<f64>,
    /// For each cell but the sum's the bucket of the classic form, and the cell of the native one.
    places: Vec<(u16, u16)>,
}

impl JointCells {
    pub(crate) fn new(classic: &[f64], buckets: NativeBuckets) -> Self {
        let bounds = bounds_of_both(classic, buckets);
        let index = NativeIndex::new(buckets);
        let place = |bound: f64| {
            let bucket = classic.partition_point(|of_classic| *of_classic < bound);
            (bucket as u16, index.of(bound) as u16)
        };
        let places = bounds.iter().copied().chain([f64::INFINITY]).map(place).collect();
        Self { bounds, places }
    }

    /// The upper bounds of the cells, increasing, without +Inf.
    #[must_use]
    pub fn into_bounds(self) -> Vec<f64> {
        self.bounds
    }

    /// The bucket of the classic form that a cell belongs to; `None` for the sum.
    pub(crate) fn bucket(&self, cell: usize) -> Option<usize> {
        self.places.get(cell).map(|(bucket, _)| usize::from(*bucket))
    }

    /// Adds up the numbers of a series' cells to the rows of both forms. NaN is counted with +Inf in both.
    pub(crate) fn split(&self, sums: &[f64], classic: &mut [f64], native: &mut [f64]) {
        classic.fill(0.0);
        native.fill(0.0);
        for (count, (bucket, cell)) in sums.iter().zip(&self.places) {
            classic[usize::from(*bucket)] += count;
            native[usize::from(*cell)] += count;
        }
        for row in [classic, native] {
            if let (Some(total), Some(sum)) = (row.last_mut(), sums.last()) {
                *total = *sum;
            }
        }
    }
}

/// All bounds of both forms, increasing.
fn bounds_of_both(classic: &[f64], buckets: NativeBuckets) -> Vec<f64> {
    let threshold = buckets.zero_threshold();
    // What is below minus the threshold is not in the zero bucket, and a bound is part of what is up to it.
    let ends = [(-threshold).next_down(), threshold];
    let native = (0..buckets.cells.into()).map(|bucket| buckets.upper_bound(bucket));
    let mut bounds: Vec<f64> = classic.iter().copied().chain(ends).chain(native).collect();
    bounds.sort_unstable_by(f64::total_cmp); // what the window of a summary is sorted by, too
    bounds.dedup_by(|one, other| *one <= *other); // 0 and -0 are one bound
    bounds
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::buckets::Buckets;

    const DEFAULT: [f64; 14] =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

    #[test]
    fn both_forms_have_the_counts_that_they_would_have_alone() {
        let linear: Vec<f64> = (1..=200).map(f64::from).collect();
        let all: [&[f64]; 6] = [&DEFAULT, &linear, &[-1.0, 0.0, 1.0], &[-0.0, 3.0], &[1e9], &[1e-60, 1e60]];
        for classic in all {
            let NativeForm { buckets, cells } = NativeForm::around(classic).unwrap();
            let joint = JointCells::new(classic, buckets);
            let (finder, alone) = (Buckets::new(&joint.bounds), Buckets::new(classic));
            let native = NativeIndex::new(buckets);
            assert!(
                cells <= PAGE_WORDS && joint.bounds.is_sorted_by(|one, other| one < other),
                "{classic:?}"
            );
            let near = joint.bounds.iter().flat_map(|bound| [bound.next_down(), *bound, bound.next_up()]);
            let far = [0.0, -0.0, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY];
            let mut sums = vec![0.0; cells];
            let (mut of_classic, mut of_native) =
                (vec![0.0; classic.len() + 2], vec![0.0; buckets.numbers()]);
            let (mut split, mut split_native) = (of_classic.clone(), of_native.clone());
            for value in near.chain(far) {
                sums[finder.of(value)] += 1.0;
                of_classic[alone.of(value)] += 1.0;
                of_native[native.of(value)] += 1.0;
            }
            for row in [&mut sums, &mut of_classic, &mut of_native] {
                *row.last_mut().unwrap() = 5.0;
            }
            joint.split(&sums, &mut split, &mut split_native);
            assert_eq!((split, split_native), (of_classic, of_native), "{classic:?}");
        }
    }

    #[test]
    fn window_reaches_beyond_the_classic_bounds() {
        let form = NativeForm::around(&DEFAULT).unwrap();
        assert_eq!((form.buckets.schema, form.buckets.exponents()), (3, (-16, 12)));
        let of_both = ["0.25", "0.5", "1"].len();
        assert_eq!(form.cells, 28 * 8 + 2 + DEFAULT.len() - of_both + OTHER_CELLS);
    }

    #[test]
    fn window_is_as_fine_as_fits() {
        let many: Vec<f64> = (1..=400).map(|bound| f64::from(bound) + 0.3).collect();
        assert_eq!(NativeForm::around(&many).unwrap().buckets.schema, 2);
        let most: Vec<f64> = (1..=510).map(|bound| f64::from(bound) + 0.3).collect();
        assert_eq!(NativeForm::around(&most), None);
        assert_eq!(NativeForm::around(&[-2.0, -1.0]), None, "nothing positive");
        assert_eq!(NativeForm::around(&[1e-300, 1e300]), None, "too wide for any schema");
        assert_eq!(NativeForm::around(&[]), None);
    }
}
