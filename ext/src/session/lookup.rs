//! Finds where updates of a series go: as the process remembers it, or by asking the segment.

use crate::session::{
    attachment,
    attachment::Resolution,
    label_hash, labels,
    metric::Metric,
    series::{Key, Series},
    series_table,
};

/// Most series of one metric that a process remembers when they have no cells of their own.
const REMEMBERED_DROPS: usize = 1000;
/// Most bytes of label values that such a series may have.
const MOST_DROPPED_BYTES: usize = 4096;

/// The series with that key, looked up in the segment unless it is known and still holds.
pub(crate) fn series(metric: &Metric, key: &[u8]) -> (Key, Series) {
    let hash = label_hash::hash_key(key);
    match metric.get(hash, key) {
        Some((key, series)) if series.holds() => (key, series),
        Some((key, _)) => resolve(metric, hash, key),
        None => resolve(metric, hash, key.into()),
    }
}

fn resolve(metric: &Metric, hash: u64, key: Key) -> (Key, Series) {
    let Resolution { series, is_overflow } = attachment::resolve(metric, &key);
    if may_remember(metric, &key, series.has_cells() && !is_overflow) {
        metric.put(hash, &key, series);
    }
    (key, series)
}

/// `has_own_cells`: whether these label values have cells that no others have. Only such are limited in number.
fn may_remember(metric: &Metric, key: &[u8], has_own_cells: bool) -> bool {
    if series_table::is_full() {
        attachment::forget_series();
    }
    // Clients may send other values without end, of which nothing is stored, or which count together.
    let is_small = || metric.known_count() < REMEMBERED_DROPS && key.len() <= MOST_DROPPED_BYTES;
    let is_worth_it = has_own_cells || is_small();
    is_worth_it && labels::is_within_limit(key) && !series_table::is_full()
}
