//! Sorting by comparisons that are passed as a value. The library's sort is compiled anew for each comparison and each
//! type, 10 kB at a time; what is not on a hot path shares this instance.

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
