//! The series that a handle was called with lately, found by the addresses of their label values: a literal of a
//! script, or a value that it keeps in a variable, is the same string at each call.

use crate::{
    engine::{
        globals::interpreter_local,
        zval::{RetainedString, string_address},
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

/// A series with more labels is not cached.
const MOST_LABELS: usize = 4;
/// Bits of a line's index.
const LINE_BITS: u32 = 4;
const LINES: usize = 1 << LINE_BITS;

/// Most caches in a process, at 1.6 kB each. A handle without one compares the strings themselves at each call.
const MOST_CACHES: u32 = 8192;

interpreter_local! {
    static CACHES: u32 = 0;
}

/// A small cache: each set of label values has one line where it may lie. All sets of a handle have the same size.
#[derive(Debug)]
pub(crate) struct SeriesCache {
    labels: usize,
    lines: [Line; LINES],
    /// The strings whose addresses the lines hold, retained so that no other string can take their place in memory.
    strings: RefCell<[[Option<RetainedString>; MOST_LABELS]; LINES]>,
}

/// A set of values and its series, in one line of the processor's cache.
#[derive(Debug)]
#[repr(align(64))]
struct Line {
    addresses: [Cell<usize>; MOST_LABELS],
    /// The generation in which `cells` are valid; 0 while the line is empty.
    generation: Cell<u64>,
    cells: Cell<*const atomic::Cell>,
}

impl SeriesCache {
    /// An empty cache for sets of that many labels; `None` if the process has [`MOST_CACHES`].
    pub(crate) fn new(labels: usize) -> Option<Self> {
        if CACHES.get() >= MOST_CACHES {
            return None;
        }
        CACHES.update(|caches| caches + 1);
        let line =
            |_| Line { addresses: Default::default(), generation: Cell::new(0), cells: Cell::new(null()) };
        Some(Self { labels, lines: array::from_fn(line), strings: RefCell::default() })
    }

    /// This process's own cells of the series with these very strings, if they are valid in the generation `now`.
    #[inline(always)]
    pub(crate) fn cells_of(&self, values: &[Zval], now: u64) -> Option<*const atomic::Cell> {
        if values.len() != self.labels {
            return None;
        }
        let line = &self.lines[line_of(values)?];
        let are_these = |(value, known): (&Zval, &Cell<usize>)| string_address(value) == Some(known.get());
        let is_it = line.generation.get() == now && values.iter().zip(&line.addresses).all(are_these);
        is_it.then(|| line.cells.get())
    }

    /// Stores the cells, unless one of the strings ends with the running call.
    pub(crate) fn store(&self, values: &[Zval], list_lives_on: bool, cells: *const atomic::Cell) {
        let kept = |label| RetainedString::of(values.get(label)?, list_lives_on);
        let strings: [Option<RetainedString>; MOST_LABELS] = array::from_fn(kept);
        if values.len() != self.labels || strings.iter().flatten().count() != self.labels {
            return;
        }
        let Some(number) = line_of(values) else { return };
        let line = &self.lines[number];
        for (value, known) in values.iter().zip(&line.addresses) {
            known.set(string_address(value).unwrap_or_default());
        }
        line.generation.set(generation::current());
        line.cells.set(cells);
        self.strings.borrow_mut()[number] = strings;
    }
}

impl Drop for SeriesCache {
    fn drop(&mut self) {
        CACHES.update(|caches| caches.saturating_sub(1));
    }
}

/// The index of the line for these strings.
#[inline(always)]
fn line_of(values: &[Zval]) -> Option<usize> {
    let mut hash: usize = 0;
    for value in values {
        hash = (hash ^ string_address(value)?).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    Some(hash >> (usize::BITS - LINE_BITS))
}
