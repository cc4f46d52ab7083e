//! The only file that names atomics and memory orderings.
//!
//! A [`Word`] is shared bookkeeping, a [`Cell`] a number that is counted into.
//! Each ordering here has its partner in the same table; call sites name the
//! pair they use in a comment (`pair: INDEX` and so on):
//!
//! | pair    | publisher                                       | observer                                   | what is handed over          |
//! |---------|-------------------------------------------------|--------------------------------------------|------------------------------|
//! | READY   | `Word::compare_exchange` on the header state    | `Word::load_acquire`                       | the header's other words     |
//! | INDEX   | `Word::compare_exchange` on an index word       | `Word::load_acquire`                       | a filled record              |
//! | PAGE    | `Word::store_release`, `Word::compare_exchange` | `Word::load_acquire`                       | a page fit to be read        |
//! | EPOCH   | `Word::fetch_add`                               | `Word::load_acquire`, `Word::load_relaxed` | removed flags, retired state |
//! | SLOT    | `Word::fetch_max` on the high mark              | `Word::load_acquire`                       | a slot that is in use        |
//! | RING    | `Cell::lead_to`                                 | `Cell::load_acquire`                       | a ring of samples            |
//! | SAMPLE  | `Sample::put…`                                  | `Sample::get`                              | when and what, of one sample |
//! | PLACE   | `Word::store_release` on a place's cell         | `Word::load_acquire`                       | a place with an exemplar     |
//! | HALF    | `Word::store_release` on its words              | `Word::load_acquire`                       | a whole half of a place      |
//! | RUNTIME | `Word::store_release` on the start              | `Word::load_acquire`                       | a process's other numbers    |
//!
//! HALF is a sequence lock without a lock. The writer publishes 0 for the sequence, each word, and then
//! the next sequence. A reader that sees a sequence sees all that was written before it; one that
//! sees any word of a later write sees by it that the sequence was taken away, and looks again.
//!
//! Everything else is `Relaxed`: a cell has one writer, and a scrape may see
//! any update a moment late. The word that says when a series was touched has many writers and no
//! partner: all store the present time, so any of them may be last, and nothing is handed over with it.
#![allow(unsafe_code)]

#[cfg(loom)]
use crate::memory::loom::Atomic;
#[cfg(not(loom))]
#[allow(clippy::disallowed_types)] // this is the room that the lint points to
type Atomic = std::sync::atomic::AtomicU64;
#[cfg(loom)]
use loom::sync::atomic::fence;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
#[cfg(not(loom))]
use std::sync::atomic::fence;

use crate::layout::BUSY;

/// A shared word of bookkeeping: offsets, counts, states.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Word(Atomic);

impl Word {
    /// A word outside the segment, for tests and for the state "not attached".
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(Atomic::new(value))
    }

    /// A word that the model knows from the start.
    #[cfg(loom)]
    pub(crate) fn modelled() -> Self {
        Self(Atomic::made(0))
    }

    /// Reads without any promise about other words.
    #[inline]
    #[must_use]
    pub fn load_relaxed(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Reads, and sees all that was written before the value was published (Acquire).
    #[must_use]
    pub fn load_acquire(&self) -> u64 {
        self.0.load(Acquire)
    }

    /// Writes without any promise: the filling of a record that nobody can see yet, or a word of one's own slot.
    pub fn store_relaxed(&self, value: u64) {
        crate::crash::point();
        self.0.store(value, Relaxed);
    }

    /// Writes, and hands over all that was written before (Release).
    pub fn store_release(&self, value: u64) {
        crate::crash::point();
        self.0.store(value, Release);
    }

    /// Replaces `old` by `new`, hands over what was written before, or answers what stands there (`AcqRel`).
    pub fn compare_exchange(&self, old: u64, new: u64) -> Result<(), u64> {
        crate::crash::point();
        self.0.compare_exchange(old, new, AcqRel, Acquire).map(drop)
    }

    /// Writes to a word's page and leaves its value, whatever others do. (The compiler makes a load of adding 0.)
    #[cfg(not(loom))]
    pub(crate) fn touch(&self) {
        crate::crash::point();
        let _any = self.0.compare_exchange(0, 0, Relaxed, Relaxed);
    }

    /// Sets the word once: answers the value that stands there afterwards, ours or an earlier one.
    pub fn init_once(&self, value: u64) -> u64 {
        self.compare_exchange(0, value).map_or_else(|found| found, |()| value)
    }

    /// Adds, from several processes, and answers the value before (`AcqRel`).
    pub fn fetch_add(&self, by: u64) -> u64 {
        crate::crash::point();
        self.0.fetch_add(by, AcqRel)
    }

    /// Adds where this process is the only writer.
    pub fn add_owned(&self, by: u64) {
        self.store_relaxed(self.load_relaxed().wrapping_add(by));
    }

    /// Raises the word to at least `value` (Release).
    pub fn fetch_max(&self, value: u64) {
        crate::crash::point();
        self.0.fetch_max(value, AcqRel);
    }

    /// Sets bits (Release).
    pub fn fetch_or(&self, bits: u64) {
        if self.load_relaxed() & bits != bits {
            crate::crash::point();
            self.0.fetch_or(bits, AcqRel);
        }
    }

    /// Replaces the value by `next(value)` until nobody interferes, or gives up where `next` does.
    /// Lock-free: each failed turn is another process's success.
    pub fn fetch_update(&self, next: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
        crate::crash::point();
        self.0.fetch_update(AcqRel, Acquire, next)
    }
}

/// A number that this process has not had before; no part of any segment.
#[must_use]
pub(crate) fn next_id() -> u64 {
    #[allow(clippy::disallowed_types)]
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// A number that is counted into: an `f64`, exact for whole numbers up to 2^53.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Cell(Atomic);

impl Cell {
    /// A cell outside the segment, for tests.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        Self(Atomic::new(value.to_bits()))
    }

    /// The number as it is now.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    /// Writes the number.
    #[inline(always)]
    pub fn set(&self, value: f64) {
        crate::crash::point();
        self.0.store(value.to_bits(), Relaxed);
    }

    /// Adds where this process is the only writer: a load and a store, no lock prefix.
    #[inline(always)]
    pub fn add_owned(&self, by: f64) {
        self.set(self.get() + by);
    }

    /// Adds where others may write too.
    pub fn add_shared(&self, by: f64) {
        self.change_shared(|value| value + by);
    }

    /// Replaces the number by `change(number)` where others may write too.
    pub fn change_shared(&self, change: impl Fn(f64) -> f64) {
        let step = |bits| Some(change(f64::from_bits(bits)).to_bits());
        crate::crash::point();
        let _never_gives_up = self.0.fetch_update(Relaxed, Relaxed, step);
    }
}

/// How a summary counts: beside its numbers a cell leads to its ring of samples.
impl Cell {
    /// Reads the number of a page, and sees the ring that it leads to (Acquire). Pair RING.
    #[inline]
    #[must_use]
    pub fn load_acquire(&self) -> u64 {
        f64::from_bits(self.0.load(Acquire)) as u64
    }

    /// Writes the number of a page where there was none, and hands over what was written before (Release).
    /// Answers the number that stands there afterwards. Pair RING.
    pub fn lead_to(&self, page: u64) -> u64 {
        crate::crash::point();
        let new = (page as f64).to_bits();
        let before = self.0.compare_exchange(0, new, AcqRel, Acquire);
        before.map_or_else(|found| f64::from_bits(found) as u64, |_| page)
    }

    /// Adds one where others may write too, and answers the number before: each caller gets another.
    pub fn take_number(&self) -> f64 {
        crate::crash::point();
        let step = |bits| Some((f64::from_bits(bits) + 1.0).to_bits());
        f64::from_bits(self.0.fetch_update(Relaxed, Relaxed, step).unwrap_or_else(|bits| bits))
    }
}

/// A summary's sample: when it was taken, and its value. Two words that are read together or not at all.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Sample {
    when: Word,
    what: Word,
}

impl Sample {
    /// Replaces the sample where this process is the only writer. Pair SAMPLE.
    ///
    /// Who dies in between leaves no sample in this place, which is as if the old one were a little older.
    #[inline(always)]
    pub fn put_owned(&self, when: u64, what: f64) {
        self.when.store_relaxed(BUSY);
        self.finish(when, what);
    }

    /// Replaces the sample where others may write too. Answers false if another one is at it, or died over it.
    pub fn put_shared(&self, when: u64, what: f64) -> bool {
        let before = self.when.load_relaxed();
        let is_ours = before != BUSY && self.when.compare_exchange(before, BUSY).is_ok();
        if is_ours {
            self.finish(when, what);
        }
        is_ours
    }

    #[inline(always)]
    fn finish(&self, when: u64, what: f64) {
        fence(Release); // whoever reads the new value finds BUSY or the new time afterwards
        self.what.store_relaxed(what.to_bits());
        self.when.store_release(when.max(BUSY + 1));
    }

    /// The sample, unless there is none or it is being written. Pair SAMPLE.
    #[must_use]
    pub fn get(&self) -> Option<(u64, f64)> {
        let when = self.when.load_acquire();
        if when <= BUSY {
            return None;
        }
        let what = self.what.load_relaxed();
        fence(Acquire);
        (self.when.load_relaxed() == when).then(|| (when, f64::from_bits(what)))
    }
}

/// Looks at words as samples.
#[must_use]
pub(crate) fn samples(words: &[Word]) -> &[Sample] {
    // SAFETY: Sample is two words in a row, and there are at least as many.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<Sample>(), words.len() / 2) }
}

/// Looks at `count` places of memory as words.
///
/// # Safety
/// `at` is valid for reads of `count` words for `'a`, 8-byte aligned, and only touched through
/// atomics meanwhile; it is valid for writes if a writing method is called.
#[cfg(not(loom))]
#[must_use]
pub(crate) unsafe fn words_at<'a>(at: *const u64, count: usize) -> &'a [Word] {
    // SAFETY: Word is a transparent AtomicU64, so `count` of them are as many u64; the caller promises the rest.
    unsafe { std::slice::from_raw_parts(at.cast::<Word>(), count) }
}

/// Looks at words as cells, if there are `N`.
#[must_use]
pub(crate) fn cells<const N: usize>(words: &[Word]) -> Option<&[Cell; N]> {
    let words: &[Word; N] = words.try_into().ok()?;
    // SAFETY: Word and Cell are both transparent over the same atomic.
    Some(unsafe { &*std::ptr::from_ref(words).cast::<[Cell; N]>() })
}
