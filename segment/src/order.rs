//! Sorting by comparisons that are passed as a value. The library's sort is compiled anew for each comparison and each
//! type, 5 to 10 kB at a time; what is not on a hot path shares these instances.

use std::cmp::Ordering;

/// Sorts numbers stably.
#[inline(never)]
pub fn sort(numbers: &mut [u32], compare: &dyn Fn(u32, u32) -> Ordering) {
    numbers.sort_by(|a, b| compare(*a, *b));
}

/// The indices of that many elements, in the order of what `compare` says of any two of them; of equal ones, the first
/// comes first.
#[must_use]
pub fn sorted(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    sort(&mut order, &|a, b| compare(a as usize, b as usize));
    order.into_iter().map(|at| at as usize).collect()
}

/// Sorts elements stably.
pub fn sort_elements<T>(elements: &mut Vec<T>, compare: &dyn Fn(&T, &T) -> Ordering) {
    let order = sorted(elements.len(), &|a, b| compare(&elements[a], &elements[b]));
    let mut taken: Vec<Option<T>> = elements.drain(..).map(Some).collect();
    elements.extend(order.into_iter().filter_map(|at| taken[at].take()));
}

/// Sorts pairs of numbers as fast as the library does: what there is one of for each series.
#[inline(never)]
pub fn sort_pairs(pairs: &mut [(u64, u64)]) {
    pairs.sort_unstable();
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn elements_are_sorted_and_equal_ones_keep_their_order() {
        let mut elements: Vec<(u32, String)> =
            [3, 1, 2, 1, 3].into_iter().zip(["a", "b", "c", "d", "e"].map(String::from)).collect();
        sort_elements(&mut elements, &|one, other| one.0.cmp(&other.0));
        let texts: String = elements.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, "bdcae");
    }
}
