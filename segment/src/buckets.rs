//! Finds the bucket of a histogram that a value belongs to.

use std::iter::repeat_n;

/// Number of bounds that are searched in two steps. Where there are more bounds, a binary search finds the
/// right block first.
const BLOCK: usize = 16;

type Block = [f64; BLOCK];

/// A histogram's finite upper bounds, in a layout that is fast to search.
#[derive(Debug)]
pub struct Buckets {
    /// The block, if there is only one: stored inline, which saves an indirection.
    only: Block,
    /// All blocks, if there are more than one: increasing; the last one ends with at least one +Inf.
    blocks: Box<[Block]>,
    /// Number of finite bounds.
    count: usize,
}

impl Buckets {
    /// `bounds` must increase, as those of a definition do.
    #[must_use]
    pub fn new(bounds: &[f64]) -> Self {
        let missing = BLOCK - bounds.len() % BLOCK;
        let filled: Vec<f64> = bounds.iter().copied().chain(repeat_n(f64::INFINITY, missing)).collect();
        let (blocks, _none_left) = filled.as_chunks();
        let (only, blocks) = if let [only] = blocks { (*only, &[][..]) } else { ([0.0; BLOCK], blocks) };
        Self { only, blocks: blocks.into(), count: bounds.len() }
    }

    /// Index of the first bucket whose bound is not below the value, which is also the index of its cell.
    /// NaN belongs to +Inf.
    #[must_use]
    #[inline(always)]
    pub fn of(&self, value: f64) -> usize {
        if value.is_nan() {
            return self.count;
        }
        let Some((last, full)) = self.blocks.split_last() else { return below(&self.only, value) };
        let passed = full.partition_point(|block| block[BLOCK - 1] < value);
        passed * BLOCK + below(full.get(passed).unwrap_or(last), value)
    }
}

/// Number of a block's bounds, all but its last, that are below the value. Three comparisons at a time are
/// independent of each other, unlike the steps of a binary search.
#[inline(always)]
fn below(block: &Block, value: f64) -> usize {
    let count = |bounds: [f64; 3]| bounds.iter().map(|bound| usize::from(*bound < value)).sum::<usize>();
    let first = 4 * count([block[3], block[7], block[11]]);
    first + count([block[first], block[first + 1], block[first + 2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies the definition of a histogram's buckets literally.
    fn by_hand(bounds: &[f64], value: f64) -> usize {
        bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len())
    }

    #[test]
    fn every_value_finds_its_bucket() {
        for count in [0, 1, 2, 14, 15, 16, 17, 31, 32, 33, 60, 1000] {
            let bounds: Vec<f64> = (0..count).map(|bound| f64::from(bound) * 0.5 - 3.0).collect();
            let buckets = Buckets::new(&bounds);
            let near = bounds.iter().flat_map(|bound| [bound.next_down(), *bound, bound.next_up()]);
            let far = [f64::NEG_INFINITY, f64::MIN, -0.0, 0.0, f64::MAX, f64::INFINITY, f64::NAN];
            for value in near.chain(far) {
                assert_eq!(buckets.of(value), by_hand(&bounds, value), "{value} among {count} bounds");
            }
        }
    }
}
