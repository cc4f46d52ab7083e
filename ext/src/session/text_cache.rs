//! The series that a handle was called with lately, found by the texts of their label values: a value that is put
//! together anew for each call has no address to be recognised by.
//!
//! Clients may choose texts that displace others; those are looked up in the table of all series again. No text is
//! taken for another one, because all bytes are compared.

use crate::{
    engine::{
        globals::interpreter_local,
        zval::{IS_LONG, bytes_of, long_of, type_of},
    },
    session::{label_words::MOST_LABELS, labels, series::Key},
};
use ext_php_rs::types::Zval;
use promshm_segment::memory::atomic;
use std::{cell::RefCell, ptr::NonNull};

/// Bits of the index of a set, at first and at most.
const FEWEST_BITS: u32 = 4;
const MOST_BITS: u32 = 9;
/// Most sets in a process, at 128 bytes each: 2 MB.
const MOST_SETS: usize = 1 << 14;
/// Long values with more bytes, together, are not kept.
const MOST_BYTES: usize = 256;

interpreter_local! {
    /// The sets of all caches together.
    static SETS: usize = 0;
}

/// A small cache: each set of label values has two lines where it may lie.
#[derive(Debug, Default)]
pub(crate) struct TextCache(RefCell<Sets>);

#[derive(Debug, Default)]
struct Sets {
    /// A power of two, or none before the first series is kept.
    all: Vec<[Line; 2]>,
    bits: u32,
}

/// A series, in one line of the processor's cache.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line {
    /// The generation in which the cells are valid, 0 while there are none.
    generation: u64,
    cells: Option<NonNull<atomic::Cell>>,
    words: [Word; MOST_LABELS],
    /// The values, if their words do not tell all of them.
    key: Option<Key>,
}

/// A value in one word: a short text or an integer as it is, and of others the length and the ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Word(u64);

impl TextCache {
    /// This process's own cells of the series with these values, if they are valid in the generation `now`.
    #[inline(never)] // so that values with identities save no registers for it
    pub(crate) fn cells_of(&self, values: &[Zval], now: u64) -> Option<*const atomic::Cell> {
        let sets = self.0.borrow();
        if sets.all.is_empty() { None } else { sets.find(values, now) }
    }

    /// Stores the cells, which were found in that generation. Does not allocate once it has as many sets as it needs.
    pub(crate) fn store<'v>(
        &self,
        values: impl Iterator<Item = &'v Zval>,
        key: &Key,
        (generation, cells): (u64, *const atomic::Cell),
    ) {
        let mut words = [Word::default(); MOST_LABELS];
        let mut count = 0;
        for value in values {
            let (Some(place), Some(word)) = (words.get_mut(count), Word::of(value)) else { return };
            *place = word;
            count += 1;
        }
        let key = words.iter().any(|word| !word.is_exact()).then(|| Key::clone(key));
        if key.as_ref().is_none_or(|key| key.len() <= MOST_BYTES) {
            let line = Line { generation, cells: NonNull::new(cells.cast_mut()), words, key };
            self.0.borrow_mut().store(hash_of(&words[..count]), line);
        }
    }
}

impl Sets {
    #[inline(always)]
    fn find(&self, values: &[Zval], now: u64) -> Option<*const atomic::Cell> {
        let mut words = [Word::default(); MOST_LABELS];
        for (word, value) in words.get_mut(..values.len())?.iter_mut().zip(values) {
            *word = Word::of(value)?;
        }
        let [newer, older] = self.all.get(self.place_of(hash_of(&words[..values.len()])))?;
        let line = if newer.has(&words, now) { newer } else { older };
        let is_it = line.has(&words, now) && line.key.as_ref().is_none_or(|key| holds(key, values));
        if is_it { line.cells.map(|cells| cells.as_ptr().cast_const()) } else { None }
    }

    #[inline(always)]
    fn place_of(&self, hash: u64) -> usize {
        (hash >> (u64::BITS - self.bits)) as usize
    }

    fn store(&mut self, hash: u64, line: Line) {
        let is_displaced = |[_, older]: &[Line; 2]| older.generation == line.generation;
        if self.all.is_empty() || self.all.get(self.place_of(hash)).is_some_and(is_displaced) {
            self.grow();
        }
        if self.all.is_empty() {
            return;
        }
        let place = self.place_of(hash);
        let [newer, older] = &mut self.all[place];
        let displaced = std::mem::replace(newer, line);
        if displaced.generation == newer.generation {
            *older = displaced; // else it is of no use any more, but the older one may be
        }
    }

    /// Doubles the sets, if there may be more. They are empty then: what is of use comes again.
    fn grow(&mut self) {
        let bits = if self.all.is_empty() { FEWEST_BITS } else { self.bits + 1 };
        let more = (1 << bits) - self.all.len();
        if bits > MOST_BITS || SETS.get() + more > MOST_SETS {
            return;
        }
        SETS.update(|sets| sets + more);
        self.all.clear();
        self.all.resize_with(1 << bits, Default::default);
        self.bits = bits;
    }
}

impl Drop for Sets {
    fn drop(&mut self) {
        SETS.update(|sets| sets.saturating_sub(self.all.len()));
    }
}

impl Line {
    #[inline(always)]
    fn has(&self, words: &[Word; MOST_LABELS], now: u64) -> bool {
        self.generation == now && self.words == *words
    }
}

impl Word {
    /// The highest byte: the length of a short text, or one of these.
    const INTEGER: u64 = 0x10 << 56;
    const LONG: u64 = 0x20 << 56;
    const REST: u64 = !(0xff << 56);

    /// `None` if the value is neither a string nor an integer of at most 55 bits.
    #[inline(always)]
    fn of(value: &Zval) -> Option<Self> {
        match bytes_of(value) {
            Some(text) => Some(Self::of_text(text)),
            None if type_of(value) == IS_LONG => Self::of_integer(long_of(value)),
            None => None,
        }
    }

    fn of_integer(number: i64) -> Option<Self> {
        let is_short = number << 8 >> 8 == number;
        is_short.then_some(Self(number as u64 & Self::REST | Self::INTEGER))
    }

    #[inline(always)]
    fn of_text(text: &[u8]) -> Self {
        let length = text.len();
        match text {
            [] => Self(0),
            [only] => Self(u64::from(*only) | 1 << 56),
            [first, second] => Self(u64::from(*first) | u64::from(*second) << 8 | 2 << 56),
            [first, second, third] => {
                Self(u64::from(*first) | u64::from(*second) << 8 | u64::from(*third) << 16 | 3 << 56)
            }
            _ if length < 8 => {
                let start = text.first_chunk().copied().map_or(0, u32::from_le_bytes);
                let end = text.last_chunk().copied().map_or(0, u32::from_le_bytes);
                // The ends overlap: the second one loses what the first one has.
                Self(u64::from(start) | u64::from(end) >> (64 - 8 * length) << 32 | (length as u64) << 56)
            }
            _ => {
                let start = text.first_chunk().copied().map_or(0, u64::from_le_bytes);
                let end = text.last_chunk().copied().map_or(0, u64::from_le_bytes);
                Self((start ^ end.rotate_left(29) ^ length as u64) & Self::REST | Self::LONG)
            }
        }
    }

    /// Whether no other value has this word.
    fn is_exact(self) -> bool {
        self.0 < Self::LONG
    }
}

/// Whether the key holds just these values.
#[inline(never)]
fn holds(key: &Key, values: &[Zval]) -> bool {
    labels::key_equals(values.iter(), key)
}

/// A number by which values are found.
#[inline(always)]
fn hash_of(words: &[Word]) -> u64 {
    words.iter().fold(0_u64, |hash, word| (hash.rotate_left(29) ^ word.0).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
