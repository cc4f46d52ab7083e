//! The series of a metric that were asked for lately, found by the texts of their label values: a value that is put
//! together anew for each call has no address to be recognised by, and a handle that a request makes has not seen any.
//!
//! Clients may choose texts that displace others; those are looked up in the table of all series again. No text is
//! taken for another one, because all bytes are compared.

use crate::{
    engine::{
        globals::interpreter_local,
        zval::{IS_LONG, bytes_of, long_of, short_text, type_of},
    },
    session::{label_words::MOST_LABELS, labels, series::Key},
};
use ext_php_rs::types::Zval;
use promshm_segment::memory::atomic;
use std::{
    cell::{Cell, RefCell},
    ptr::NonNull,
};

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

/// A small cache: each set of label values has two lines where it may lie. All sets of a metric have the same size.
#[derive(Debug, Default)]
pub(crate) struct TextCache {
    sets: RefCell<Sets>,
    /// The first series is not kept: most metrics never need a second one.
    is_wanted: Cell<bool>,
}

#[derive(Debug, Default)]
struct Sets {
    /// A power of two, or none before the first series is kept.
    all: Vec<[Line; 2]>,
    bits: u32,
}

/// A series, in one line of the processor's cache.
#[derive(Debug, Default, PartialEq)]
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
    pub(crate) fn cells_of(&self, values: &[Zval], now: u64) -> Option<*const atomic::Cell> {
        match values.len() {
            1 => self.cells_of_some::<1>(values.first_chunk()?, now),
            2 => self.cells_of_some::<2>(values.first_chunk()?, now),
            3 => self.cells_of_some::<3>(values.first_chunk()?, now),
            4 => self.cells_of_some::<4>(values.first_chunk()?, now),
            _ => None,
        }
    }

    /// A case for each number of values, so that their words stay in registers.
    #[inline(never)] // so that values with identities save no registers for it
    pub(crate) fn cells_of_some<const N: usize>(
        &self,
        values: &[Zval; N],
        now: u64,
    ) -> Option<*const atomic::Cell> {
        self.sets.borrow().find(values, now)
    }

    /// Stores the cells, which were found in that generation, but not the first time. Does not allocate once it has as many
    /// sets as it needs.
    pub(crate) fn store<'v>(
        &self,
        values: impl Iterator<Item = &'v Zval>,
        key: &Key,
        (generation, cells): (u64, *const atomic::Cell),
    ) {
        if !self.is_wanted.replace(true) {
            return;
        }
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
            self.sets.borrow_mut().store(hash_of(&words[..count]), line);
        }
    }

    /// Forgets all series, and frees their memory.
    pub(crate) fn clear(&self) {
        self.sets.take();
    }
}

impl Sets {
    #[inline(always)]
    fn find<const N: usize>(&self, values: &[Zval; N], now: u64) -> Option<*const atomic::Cell> {
        let mut words = [Word::default(); N];
        for (word, value) in words.iter_mut().zip(values) {
            *word = Word::of(value)?;
        }
        let lines = self.all.get(self.place_of(hash_of(&words)))?;
        let line = lines.iter().find(|line| line.has(&words, now))?;
        let is_it = line.key.as_ref().is_none_or(|key| holds(key, values));
        if is_it { line.cells.map(|cells| cells.as_ptr().cast_const()) } else { None }
    }

    #[inline(always)]
    fn place_of(&self, hash: u64) -> usize {
        hash.wrapping_shr(u64::BITS - self.bits) as usize
    }

    fn store(&mut self, hash: u64, line: Line) {
        let lines = self.all.get(self.place_of(hash));
        if lines.is_some_and(|lines| lines.contains(&line)) {
            return; // a call with an exemplar does not look here
        }
        if lines.is_none_or(|[_, older]| older.generation == line.generation) {
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
    fn has(&self, words: &[Word], now: u64) -> bool {
        self.generation == now && self.words.iter().zip(words).all(|(known, word)| known == word)
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
        match short_text(value) {
            Some((bytes, length)) => Some(Self(bytes | (length as u64) << 56)),
            None if type_of(value) == IS_LONG => Self::of_integer(long_of(value)),
            None => bytes_of(value).map(Self::of_long),
        }
    }

    fn of_integer(number: i64) -> Option<Self> {
        let is_short = number << 8 >> 8 == number;
        is_short.then_some(Self(number as u64 & Self::REST | Self::INTEGER))
    }

    fn of_long(text: &[u8]) -> Self {
        let start = text.first_chunk().copied().map_or(0, u64::from_le_bytes);
        let end = text.last_chunk().copied().map_or(0, u64::from_le_bytes);
        Self((start ^ end.rotate_left(29) ^ text.len() as u64) & Self::REST | Self::LONG)
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
