//! Label values that a call keys by the labels' names.

use crate::engine::zval::{buckets_of, key_of};
use ext_php_rs::types::{ZendHashTable, Zval};

/// An array with more labels takes the way of unusual values.
const MOST_LABELS: usize = 16;

/// The values of an array that is keyed by the names of a metric's labels.
pub(crate) struct KeyedLabels<'a> {
    /// In the order of the label names.
    values: [&'a Zval; MOST_LABELS],
    count: usize,
}

impl<'a> KeyedLabels<'a> {
    /// `None` if the keys are not just these names; the errors are made where values are packed.
    pub(crate) fn of(names: &[String], table: &'a ZendHashTable) -> Option<Self> {
        let buckets = buckets_of(table)?;
        let count = names.len();
        if buckets.len() != count || count > MOST_LABELS {
            return None;
        }
        let mut values = [&buckets.first()?.val; MOST_LABELS];
        for (index, bucket) in buckets.iter().enumerate() {
            values[label_of(names, key_of(bucket)?, index)?] = &bucket.val;
        }
        Some(Self { values, count })
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &'a Zval> + Clone {
        self.values[..self.count].iter().copied()
    }
}

/// The index of the label with that name, which is probably the one at `guess`.
#[inline]
pub(crate) fn label_of(names: &[String], name: &[u8], guess: usize) -> Option<usize> {
    let is_it = |label: &String| label.as_bytes() == name;
    if names.get(guess).is_some_and(is_it) { Some(guess) } else { names.iter().position(is_it) }
}
