//! The parts of the segment that are taken already, one bit each. A valid segment uses each part once, so
//! this bounds the work and the memory that a corrupt one can cost.

/// A set of small numbers; its memory is proportional to the largest of them.
#[derive(Debug, Default)]
pub(crate) struct ClaimedRanges(Vec<u64>);

impl ClaimedRanges {
    /// Takes `count` numbers from `first` on, or none of them if one is taken already.
    pub(crate) fn take(&mut self, first: u64, count: u64) -> bool {
        // The usual case, a page: it touches one word that is there already.
        if let (1, Some(bits)) = (count, self.0.get_mut((first / 64) as usize)) {
            let before = *bits;
            *bits |= 1 << (first % 64);
            return *bits != before;
        }
        let end = first + count;
        let words = (first / 64) as usize..end.div_ceil(64) as usize;
        let mask = |word: usize| {
            let (low, high) = (word as u64 * 64, word as u64 * 64 + 64);
            let (from, to) = (first.max(low) - low, end.min(high) - low);
            (u64::MAX >> (64 - (to - from))) << from
        };
        if words.clone().any(|word| self.0.get(word).is_some_and(|bits| bits & mask(word) != 0)) {
            return false;
        }
        if self.0.len() < words.end {
            self.0.resize(words.end, 0);
        }
        words.for_each(|word| self.0[word] |= mask(word));
        true
    }

    /// Empties the set.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_is_claimed_once() {
        let mut bits = ClaimedRanges::default();
        assert!(bits.take(3, 1) && !bits.take(3, 1));
        assert!(bits.take(60, 200), "over several words");
        for (first, count) in [(0, 4), (59, 2), (259, 1), (100, 1), (0, 1000)] {
            assert!(!bits.take(first, count), "{first} {count}");
        }
        for (first, count) in [(0, 3), (4, 56), (260, 64), (1 << 20, 512)] {
            assert!(bits.take(first, count), "{first} {count}");
        }
        bits.clear();
        assert!(bits.take(0, 1000));
    }

    #[test]
    #[cfg_attr(miri, ignore = "long, and nothing that Miri could see")]
    fn it_does_what_a_set_does() {
        let (mut bits, mut set) = (ClaimedRanges::default(), std::collections::BTreeSet::new());
        let mut random = 1_u64;
        for _ in 0..2000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (first, count) = (random >> 50, 1 + (random >> 20) % 90);
            let free = (first..first + count).all(|number| !set.contains(&number));
            assert_eq!(bits.take(first, count), free, "{first} {count}");
            if free {
                set.extend(first..first + count);
            }
        }
        assert!(set.len() > 1000);
    }
}
