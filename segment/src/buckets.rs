//! Which bucket of a histogram a value belongs to.

use std::iter::repeat_n;

/// So many bounds are searched in two steps; where there are more, the right block is found by halving.
const BLOCK: usize = 16;

type Block = [f64; BLOCK];

/// A histogram's finite upper bounds, laid out to be searched.
#[derive(Debug)]
pub struct Buckets {
    /// The only block, if there is only one: in place, because that is one step less.
    only: Block,
    /// All blocks where there are more: increasing, the last with at least one +Inf at its end.
    blocks: Box<[Block]>,
    /// How many finite bounds there are.
    count: usize,
}

impl Buckets {
    /// Of bounds that increase, as those of a definition do.
    #[must_use]
    pub fn new(bounds: &[f64]) -> Self {
        let missing = BLOCK - bounds.len() % BLOCK;
        let filled: Vec<f64> = bounds.iter().copied().chain(repeat_n(f64::INFINITY, missing)).collect();
        let (blocks, _none_left) = filled.as_chunks();
        let (only, blocks) = if let [only] = blocks { (*only, &[][..]) } else { ([0.0; BLOCK], blocks) };
        Self { only, blocks: blocks.into(), count: bounds.len() }
    }

    /// The number of the first bucket whose bound is not below the value, which is its cell's; NaN goes to +Inf.
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

/// How many of a block's bounds, all but its last, are below the value. Three at a time do not wait for each
/// other, as the steps of halving do.
#[inline(always)]
fn below(block: &Block, value: f64) -> usize {
    let count = |bounds: [f64; 3]| bounds.iter().map(|bound| usize::from(*bound < value)).sum::<usize>();
    let first = 4 * count([block[3], block[7], block[11]]);
    first + count([block[first], block[first + 1], block[first + 2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition of a histogram's buckets.
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
