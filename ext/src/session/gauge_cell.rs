//! Additions to the cell of a gauge, whose first value may be missing.

use promshm_segment::{layout::UNSET, memory::atomic::Cell};

/// Adds to this process's own cell, or to one that other processes write too.
#[inline(always)]
pub(crate) fn add(cell: &Cell, is_shared: bool, by: f64) {
    if is_shared {
        cell.change_shared(|value| or_zero(value) + by);
    } else {
        cell.set(or_zero(cell.get()) + by);
    }
}

/// A gauge that was never set counts from zero.
#[inline(always)]
fn or_zero(value: f64) -> f64 {
    if value.to_bits() == UNSET { 0.0 } else { value }
}
