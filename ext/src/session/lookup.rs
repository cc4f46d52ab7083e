//! Finds where updates of a series go: as the process remembers it, or by asking the segment.

use crate::session::{
    attachment,
    attachment::Resolution,
    label_hash, labels,
    metric::Metric,
    series::{Key, Series},
    series_table,
};

/// Most bytes of label values that a remembered series may have if it has no cells of its own.
const MOST_BORROWING_BYTES: usize = 4096;

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
    let has_own_cells = series.has_cells() && !is_overflow;
    if may_remember(metric, hash, &key, has_own_cells) {
        metric.put(hash, &key, series, has_own_cells);
    }
    (key, series)
}

/// `has_own_cells`: whether these label values have cells that no others have. Only such are limited in number.
fn may_remember(metric: &Metric, hash: u64, key: &[u8], has_own_cells: bool) -> bool {
    if series_table::is_full() {
        attachment::forget_series();
    }
    // Clients may send other values without end, of which nothing is stored, or which count together.
    let is_worth_it = has_own_cells || key.len() <= MOST_BORROWING_BYTES && metric.wants_borrowing(hash);
    is_worth_it && labels::is_within_limit(key) && !series_table::is_full()
}
