//! The label values that a handle was called with lately, recognised by the addresses of their
//! strings: what a script writes as a literal, or keeps in a variable, is the same string each time.

use crate::{
    stamp,
    zend::{Kept, string_address},
};
use ext_php_rs::types::Zval;
use promshm_segment::sync;
use std::{
    array,
    cell::{Cell, RefCell},
    ptr::null,
};

/// More labels than this go the longer way.
const MOST_LABELS: usize = 4;
/// Bits of a place's number.
const PLACE_BITS: u32 = 4;

/// A small cache, one place for each set of values.
#[derive(Debug)]
pub(crate) struct Recent([Place; 1 << PLACE_BITS]);

#[derive(Debug)]
struct Place {
    /// Kept, so that no other string can come to lie at their addresses.
    strings: RefCell<[Option<Kept>; MOST_LABELS]>,
    stamp: Cell<u64>,
    cells: Cell<*const sync::Cell>,
}

impl Default for Recent {
    fn default() -> Self {
        Self(array::from_fn(|_| Place {
            strings: RefCell::default(),
            stamp: Cell::new(0),
            cells: Cell::new(null()),
        }))
    }
}

impl Recent {
    /// This process's own cells of the series with these very strings, if they hold under the stamp `now`.
    #[inline(always)]
    pub(crate) fn cells_of(&self, values: &[Zval], now: u64) -> Option<*const sync::Cell> {
        let place = self.place_of(values)?;
        if place.stamp.get() != now || values.len() > MOST_LABELS {
            return None;
        }
        let strings = place.strings.borrow();
        let are_these =
            |(value, kept): (&Zval, &Option<Kept>)| kept.as_ref().is_some_and(|kept| kept.is(value));
        values.iter().zip(strings.iter()).all(are_these).then(|| place.cells.get())
    }

    /// Remembers the cells, unless one of the values will not come again.
    ///
    /// All lists that one handle is called with have the same length, the number of its labels.
    pub(crate) fn keep(&self, values: &[Zval], list_lives_on: bool, cells: *const sync::Cell) {
        let kept = |label| Kept::of(values.get(label)?, list_lives_on);
        let mut strings: [Option<Kept>; MOST_LABELS] = array::from_fn(kept);
        if values.len() > MOST_LABELS || strings[..values.len()].iter().any(Option::is_none) {
            return;
        }
        let Some(place) = self.place_of(values) else { return };
        place.stamp.set(stamp::current());
        place.cells.set(cells);
        std::mem::swap(&mut *place.strings.borrow_mut(), &mut strings);
    }

    #[inline(always)]
    fn place_of(&self, values: &[Zval]) -> Option<&Place> {
        let mut hash: usize = 0;
        for value in values {
            hash = (hash ^ string_address(value)?).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        Some(&self.0[hash >> (usize::BITS - PLACE_BITS)])
    }
}
