//! The label values that a handle was called with lately, recognised by the addresses of their
//! strings: what a script writes as a literal, or keeps in a variable, is the same string each time.

use crate::{
    engine::{
        globals::local,
        zval::{Kept, string_address},
    },
    session::generation,
};
use ext_php_rs::types::Zval;
use promshm_segment::memory::atomic;
use std::{
    array,
    cell::{Cell, RefCell},
    ptr::null,
};

/// More labels than this go the longer way.
const MOST_LABELS: usize = 4;
/// Bits of a place's number.
const PLACE_BITS: u32 = 4;
const PLACES: usize = 1 << PLACE_BITS;

/// Most of these caches in a process, at 1.6 kB each. Handles beyond them do without, which costs each call a
/// look at the strings themselves.
const MOST_CACHES: u32 = 8192;

local! {
    static CACHES: u32 = 0;
}

/// A small cache, one place for each set of values. All sets of a handle are of one size.
#[derive(Debug)]
pub(crate) struct Recent {
    labels: usize,
    places: [Place; PLACES],
    /// What the places know the addresses of, kept, so that no other string can come to lie there.
    strings: RefCell<[[Option<Kept>; MOST_LABELS]; PLACES]>,
}

/// One line of the processor's cache.
#[derive(Debug)]
#[repr(align(64))]
struct Place {
    addresses: [Cell<usize>; MOST_LABELS],
    /// The stamp under which `cells` hold; 0 while the place is empty.
    stamp: Cell<u64>,
    cells: Cell<*const atomic::Cell>,
}

impl Recent {
    /// For sets of so many labels.
    /// An empty cache, unless the process has enough of them.
    pub(crate) fn new(labels: usize) -> Option<Self> {
        if CACHES.get() >= MOST_CACHES {
            return None;
        }
        CACHES.update(|caches| caches + 1);
        let place =
            |_| Place { addresses: Default::default(), stamp: Cell::new(0), cells: Cell::new(null()) };
        Some(Self { labels, places: array::from_fn(place), strings: RefCell::default() })
    }

    /// This process's own cells of the series with these very strings, if they hold under the stamp `now`.
    #[inline(always)]
    pub(crate) fn cells_of(&self, values: &[Zval], now: u64) -> Option<*const atomic::Cell> {
        if values.len() != self.labels {
            return None;
        }
        let place = &self.places[place_of(values)?];
        let are_these = |(value, known): (&Zval, &Cell<usize>)| string_address(value) == Some(known.get());
        let is_it = place.stamp.get() == now && values.iter().zip(&place.addresses).all(are_these);
        is_it.then(|| place.cells.get())
    }

    /// Remembers the cells, unless one of the values will not come again.
    pub(crate) fn keep(&self, values: &[Zval], list_lives_on: bool, cells: *const atomic::Cell) {
        let kept = |label| Kept::of(values.get(label)?, list_lives_on);
        let strings: [Option<Kept>; MOST_LABELS] = array::from_fn(kept);
        if values.len() != self.labels || strings.iter().flatten().count() != self.labels {
            return;
        }
        let Some(number) = place_of(values) else { return };
        let place = &self.places[number];
        for (value, known) in values.iter().zip(&place.addresses) {
            known.set(string_address(value).unwrap_or_default());
        }
        place.stamp.set(generation::current());
        place.cells.set(cells);
        self.strings.borrow_mut()[number] = strings;
    }
}

impl Drop for Recent {
    fn drop(&mut self) {
        CACHES.update(|caches| caches.saturating_sub(1));
    }
}

/// The number of the place for these strings.
#[inline(always)]
fn place_of(values: &[Zval]) -> Option<usize> {
    let mut hash: usize = 0;
    for value in values {
        hash = (hash ^ string_address(value)?).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    Some(hash >> (usize::BITS - PLACE_BITS))
}
