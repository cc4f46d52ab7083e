//! The series that a handle was called with lately, found by the identities of their label values: a literal of a
//! script, or a value that it keeps in a variable, is the same string at each call, and a literal array the same array.

use crate::{
    engine::{
        identity::{Identity, RetainedIdentity},
        zval::{self, buckets_of, list_values},
    },
    session::{
        keyed_labels::label_of,
        label_words::{LINES, MOST_LABELS, Permit, Words, identities, line_of, retain_all},
        series::Key,
        text_cache::TextCache,
    },
};
use ext_php_rs::{
    ffi::Bucket,
    types::{ZendHashTable, Zval},
};
use promshm_segment::memory::atomic;
use std::{
    array,
    cell::{Cell, RefCell},
    ptr::{from_ref, null},
    rc::Rc,
};

/// Bits of the index of a literal array's line.
const ARRAY_BITS: u32 = 3;
/// Literal arrays that are kept.
const ARRAYS: usize = 1 << ARRAY_BITS;
/// An array with room for more elements is not retained.
const MOST_ROOM: u32 = 64;
/// Bits of the index of a set of keys.
const KEY_BITS: u32 = 2;
/// Sets of keys that are kept.
const KEY_LINES: usize = 1 << KEY_BITS;
/// An array is retained after as many calls in a row.
const ENOUGH_HITS: u8 = 8;

/// The cells of a series, and the generation in which they are valid, which is 0 while there are none.
#[derive(Debug)]
struct Found {
    generation: Cell<u64>,
    cells: Cell<*const atomic::Cell>,
}

impl Found {
    const fn none() -> Self {
        Self { generation: Cell::new(0), cells: Cell::new(null()) }
    }

    fn set(&self, generation: u64, cells: *const atomic::Cell) {
        self.generation.set(generation);
        self.cells.set(cells);
    }
}

/// A small cache: each set of label values has one line where it may lie. All sets of a handle have the same size.
#[derive(Debug)]
pub(crate) struct SeriesCache {
    /// How many labels there are; 0 if they are too many for the lines.
    labels: usize,
    lines: [Line; LINES],
    arrays: [ArrayLine; ARRAYS],
    /// The retained arrays of `arrays`.
    retained: RefCell<[Zval; ARRAYS]>,
    /// Different pieces of a script have different strings as keys.
    keys: [Keys; KEY_LINES],
    /// The metric's series by texts: of values that have no identity which would come again.
    texts: Rc<TextCache>,
    _permit: Permit,
}

/// A set of values and its series, in one line of the processor's cache.
#[derive(Debug)]
#[repr(align(64))]
struct Line {
    words: [RetainedIdentity; MOST_LABELS],
    found: Found,
}

/// An array that comes again and again, as a literal does, and its series.
///
/// It is retained only after [`ENOUGH_HITS`] calls in a row: a script that changes its array between two calls would
/// have to copy it if others held it, too.
#[derive(Debug)]
struct ArrayLine {
    /// The latest array. Until it is retained, another one may come to lie there.
    address: Cell<usize>,
    /// How many calls in a row named the same series by this array.
    hits: Cell<u8>,
    /// The generation is 0 unless the array is retained.
    found: Found,
}

/// The keys of an array that was keyed by the labels' names, in its order.
#[derive(Debug, Default)]
struct Keys {
    keys: [RetainedIdentity; MOST_LABELS],
    /// For each key the index of its label.
    order: [Cell<u8>; MOST_LABELS],
}

impl SeriesCache {
    /// An empty cache for sets of that many labels; `None` if the process has too many caches.
    pub(crate) fn new(labels: usize, texts: Rc<TextCache>) -> Option<Self> {
        let permit = Permit::take()?;
        let line = |_| Line { words: Default::default(), found: Found::none() };
        let array_line = |_| ArrayLine { address: Cell::new(0), hits: Cell::new(0), found: Found::none() };
        Some(Self {
            labels: if labels > MOST_LABELS { 0 } else { labels },
            lines: array::from_fn(line),
            arrays: array::from_fn(array_line),
            retained: RefCell::default(),
            keys: Default::default(),
            texts,
            _permit: permit,
        })
    }

    /// This process's own cells of the series that the array names, if they are valid in the generation `now`.
    #[inline(always)]
    pub(crate) fn cells_of(&self, array: &Zval, now: u64) -> Option<*const atomic::Cell> {
        let table = zval::table_of(array)?;
        if !zval::is_shared(table) {
            return self.cells_of_values(table, now);
        }
        match self.cells_of_array(table, now) {
            Some(cells) => Some(cells),
            None => self.cells_of_shared(array, now),
        }
    }

    #[inline(always)]
    fn cells_of_array(&self, table: &ZendHashTable, now: u64) -> Option<*const atomic::Cell> {
        let address = from_ref(table).addr();
        let line = &self.arrays[array_line_of(address)];
        let is_it = line.address.get() == address && line.found.generation.get() == now;
        is_it.then(|| line.found.cells.get())
    }

    #[inline(never)] // so that a list of the call's own saves no registers for it
    fn cells_of_shared(&self, array: &Zval, now: u64) -> Option<*const atomic::Cell> {
        let cells = self.cells_of_values(zval::table_of(array)?, now)?;
        self.note_array(array, now, cells);
        Some(cells)
    }

    #[inline(always)]
    fn cells_of_values(&self, table: &ZendHashTable, now: u64) -> Option<*const atomic::Cell> {
        match list_values(table) {
            Some(values) => self.cells_of_list(values, now),
            None => self.cells_of_keyed(table, now),
        }
    }

    /// A case for each number of values, so that their identities stay in registers.
    #[inline(always)]
    fn cells_of_list(&self, values: &[Zval], now: u64) -> Option<*const atomic::Cell> {
        if values.len() != self.labels {
            return None;
        }
        match values.len() {
            1 => self.cells_of_some::<1>(values.first_chunk()?, now),
            2 => self.cells_of_some::<2>(values.first_chunk()?, now),
            3 => self.cells_of_some::<3>(values.first_chunk()?, now),
            4 => self.cells_of_some::<4>(values.first_chunk()?, now),
            _ => None,
        }
    }

    #[inline(always)]
    fn cells_of_some<const N: usize>(&self, values: &[Zval; N], now: u64) -> Option<*const atomic::Cell> {
        match self.cells_in_line(&identities(values.each_ref())?, now) {
            Some(cells) => Some(cells),
            None => self.texts.cells_of_some(values, now),
        }
    }

    #[inline(never)]
    fn cells_of_keyed(&self, table: &ZendHashTable, now: u64) -> Option<*const atomic::Cell> {
        let buckets = buckets_of(table).filter(|buckets| buckets.len() == self.labels)?;
        let mut words = Words::default();
        let Keys { keys, order } = &self.keys[keys_line_of(buckets)?];
        for (bucket, (key, label)) in buckets.iter().zip(keys.iter().zip(order)) {
            if !key.is(Identity::of_key(bucket)?) {
                return None;
            }
            *words.get_mut(usize::from(label.get()))? = Identity::of(&bucket.val)?;
        }
        self.cells_in_line(&words[..self.labels], now)
    }

    #[inline(always)]
    fn cells_in_line(&self, words: &[Identity], now: u64) -> Option<*const atomic::Cell> {
        let line = &self.lines[line_of(words)];
        let mut pairs = line.words.iter().zip(words);
        let is_it = line.found.generation.get() == now && pairs.all(|(known, word)| known.is(*word));
        is_it.then(|| line.found.cells.get())
    }

    /// Stores the cells, which were found in that generation. `values` are those of the array, in the order of the
    /// label names. Without identities that would come again, they are stored by their texts.
    #[inline(never)]
    pub(crate) fn store<'v>(
        &self,
        table: &ZendHashTable,
        names: &[String],
        values: impl ExactSizeIterator<Item = &'v Zval> + Clone,
        key: &Key,
        (generation, cells): (u64, *const atomic::Cell),
    ) {
        let lives_on = zval::is_shared(table);
        if values.len() != self.labels {
            return;
        }
        let retained = retain_all(values.clone(), lives_on, |number| &self.lines[number].words);
        let Some(number) = retained else {
            return self.texts.store(values, key, (generation, cells));
        };
        self.lines[number].found.set(generation, cells);
        if let Some(buckets) = buckets_of(table)
            && let Some(line) = keys_line_of(buckets)
        {
            self.keys[line].set(names, buckets);
        }
    }

    /// Notes that an array, which others hold, too, named the series with these cells.
    #[inline(never)]
    fn note_array(&self, array: &Zval, generation: u64, cells: *const atomic::Cell) {
        let address = zval::array_address(array).unwrap_or_default();
        let number = array_line_of(address);
        let ArrayLine { address: latest, hits, found } = &self.arrays[number];
        if latest.get() != address || found.cells.get() != cells {
            latest.set(address);
            hits.set(1);
            found.set(0, cells);
            self.retained.borrow_mut()[number] = Zval::new();
            return;
        }
        hits.set(hits.get().saturating_add(1));
        if hits.get() >= ENOUGH_HITS && may_retain(array) {
            self.retained.borrow_mut()[number] = array.shallow_clone();
            found.set(generation, cells);
        }
    }
}

impl Keys {
    /// Takes the keys of an array. The cells that were found by former ones stay valid: they lie in the lines of their
    /// values.
    fn set(&self, names: &[String], buckets: &[Bucket]) {
        for (index, bucket) in buckets.iter().enumerate() {
            let label = zval::key_of(bucket).and_then(|key| label_of(names, key, index));
            let (Some(known), Some(label)) = (self.keys.get(index), label) else { return };
            known.set_key(bucket);
            self.order[index].set(label as u8);
        }
    }
}

/// Whether nobody can change the array as long as it is retained, and it takes little memory.
fn may_retain(array: &Zval) -> bool {
    zval::table_of(array).is_some_and(|table| table.nTableSize <= MOST_ROOM && zval::is_plain(table))
}

/// The index of the line for a set of keys, by the first of them.
#[inline(always)]
fn keys_line_of(buckets: &[Bucket]) -> Option<usize> {
    let first = Identity::of_key(buckets.first()?)?;
    Some(first.to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - KEY_BITS))
}

/// The index of an array's line.
#[inline(always)]
fn array_line_of(address: usize) -> usize {
    address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - ARRAY_BITS)
}
