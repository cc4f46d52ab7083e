//! Atomics and memory orderings: beside this file only `loom` and `crash` name them.
//!
//! A [`Word`] holds shared bookkeeping, a [`Cell`] a number that is counted into. The table lists each
//! publishing operation with its partner; call sites name the pair that they use in a comment
//! (`pair: INDEX` and so on). Methods without a type are those of [`Word`].
//!
//! | pair    | publisher                     | observer             | what is handed over          |
//! |---------|-------------------------------|----------------------|------------------------------|
//! | READY   | `compare_exchange` (state)    | `load_acquire`       | the header's other words     |
//! | INDEX   | `compare_exchange` (index)    | `load_acquire`       | a filled record              |
//! | PAGE    | `store_release`               | `load_acquire`       | an initialized page          |
//! | PAGE    | `compare_exchange`            | `load_acquire`       | an initialized page          |
//! | EPOCH   | `fetch_add`                   | `load_acquire`       | removed flags, retired state |
//! | EPOCH   | `fetch_add`                   | `load_relaxed`       | removed flags, retired state |
//! | SLOT    | `fetch_max` (high mark)       | `load_acquire`       | a slot that is in use        |
//! | RING    | `Cell::lead_to`               | `Cell::load_acquire` | a ring of samples            |
//! | SAMPLE  | `Sample::put…`                | `Sample::get`        | time and value of one sample |
//! | PLACE   | `store_release` (place cell)  | `load_acquire`       | a place with an exemplar     |
//! | HALF    | `store_release` (its words)   | `load_acquire`       | a complete half of a place   |
//! | PHASE   | `compare_exchange` (phase)    | `fetch_add` of 0     | which half is in use         |
//! | PHASE   | `before_stores`               | `load_after_all`     | that a half is given back    |
//! | PHASE   | `before_stores`               | `after_loads`        | the same, for who waits      |
//! | TURN    | `store_release` (generation)  | `load_acquire`       | a slot's cells in a half     |
//! | RUNTIME | `store_release` (start)       | `load_acquire`       | the other process stats      |
//!
//! HALF works like a seqlock, without a lock. The writer stores sequence 0, then each word, then the next
//! sequence, all with Release. A reader that reads a sequence sees all that was written before it. A reader
//! that reads any word of a later write also sees that the sequence was cleared, and reads again.
//!
//! All other accesses are `Relaxed`: a cell has one writer, and a scrape may see any update a moment late.
//! The word with the time at which a series was last touched has many writers and no partner: all of them
//! store the present time, so it does not matter which store is last, and nothing is handed over with it.
#![allow(unsafe_code)]

#[cfg(loom)]
use crate::memory::loom::Atomic;
#[cfg(not(loom))]
#[allow(clippy::disallowed_types)] // the module that the lint points to
type Atomic = std::sync::atomic::AtomicU64;
#[cfg(loom)]
use loom::sync::atomic::fence;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
#[cfg(not(loom))]
use std::sync::atomic::fence;

use crate::layout::BUSY;

/// A word of shared bookkeeping: an offset, a count, a state.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Word(Atomic);

impl Word {
    /// A word outside the segment, for tests and for the state "not attached".
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(Atomic::new(value))
    }

    /// A word that the model tracks from the start.
    #[cfg(loom)]
    pub(crate) fn modelled() -> Self {
        Self(Atomic::made(0))
    }

    /// Loads the value; orders nothing with respect to other words (Relaxed).
    #[inline]
    #[must_use]
    pub fn load_relaxed(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Loads the value, and sees all that was written before that value was published (Acquire).
    #[must_use]
    pub fn load_acquire(&self) -> u64 {
        self.0.load(Acquire)
    }

    /// Loads the value after all that was loaded before (Acquire fence): if one of those values was stored after
    /// [`before_stores`], this load sees what its caller saw. Pair PHASE.
    #[must_use]
    pub(crate) fn load_after_all(&self) -> u64 {
        fence(Acquire);
        self.0.load(Relaxed)
    }

    /// Stores the value; orders nothing (Relaxed). For filling a record that no other process can see yet,
    /// and for a word of the own slot.
    pub fn store_relaxed(&self, value: u64) {
        crate::crash::point();
        self.0.store(value, Relaxed);
    }

    /// Stores a value in a word that is part of no segment (Relaxed), so that no other process could miss it.
    pub(crate) fn note(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Stores the value, and hands over all that was written before (Release).
    pub fn store_release(&self, value: u64) {
        crate::crash::point();
        self.0.store(value, Release);
    }

    /// Replaces `old` by `new` and hands over what was written before; if the value is not `old`, returns
    /// the actual value (`AcqRel`).
    pub fn compare_exchange(&self, old: u64, new: u64) -> Result<(), u64> {
        crate::crash::point();
        self.0.compare_exchange(old, new, AcqRel, Acquire).map(drop)
    }

    /// Writes to the word's page without changing the word's value, whatever other processes store. (Adding
    /// 0 would not do, because the compiler turns that into a load.)
    #[cfg(not(loom))]
    pub(crate) fn touch(&self) {
        crate::crash::point();
        let _any = self.0.compare_exchange(0, 0, Relaxed, Relaxed);
    }

    /// Sets the word unless it is already set (not 0). Returns its value afterwards: `value`, or the earlier
    /// one.
    pub fn init_once(&self, value: u64) -> u64 {
        self.compare_exchange(0, value).map_or_else(|found| found, |()| value)
    }

    /// Adds where several processes may write; returns the value before (`AcqRel`).
    pub fn fetch_add(&self, by: u64) -> u64 {
        crate::crash::point();
        self.0.fetch_add(by, AcqRel)
    }

    /// Adds where this process is the only writer.
    pub fn add_owned(&self, by: u64) {
        self.store_relaxed(self.load_relaxed().wrapping_add(by));
    }

    /// Raises the word to at least `value` (`AcqRel`).
    pub fn fetch_max(&self, value: u64) {
        crate::crash::point();
        self.0.fetch_max(value, AcqRel);
    }

    /// Sets bits (`AcqRel`); does nothing if all of them are set.
    pub fn fetch_or(&self, bits: u64) {
        if self.load_relaxed() & bits != bits {
            crate::crash::point();
            self.0.fetch_or(bits, AcqRel);
        }
    }

    /// Replaces the value by `next(value)`, retrying while other processes interfere; fails if `next`
    /// returns `None`. Lock-free: each failed attempt means that another process succeeded.
    pub fn fetch_update(&self, next: impl FnMut(u64) -> Option<u64>) -> Result<u64, u64> {
        crate::crash::point();
        self.0.fetch_update(AcqRel, Acquire, next)
    }
}

/// What this process has read and stored so far comes before all that it stores from now on (Release fence).
/// Pair PHASE.
pub(crate) fn before_stores() {
    fence(Release);
}

/// What this thread has loaded so far comes before all that it loads from now on, and before what a thread loads that waits
/// for it (Acquire fence). Pair PHASE.
pub(crate) fn after_loads() {
    fence(Acquire);
}

/// A number that is unique within this process; not part of any segment.
#[must_use]
pub(crate) fn next_id() -> u64 {
    #[allow(clippy::disallowed_types)]
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// A number that is counted into: an `f64`, exact for integers up to 2^53.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Cell(Atomic);

impl Cell {
    /// A cell outside the segment, for tests.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        Self(Atomic::new(value.to_bits()))
    }

    /// Loads the number.
    #[inline(always)]
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }

    /// Stores the number.
    #[inline(always)]
    pub fn set(&self, value: f64) {
        crate::crash::point();
        self.0.store(value.to_bits(), Relaxed);
    }

    /// Adds where this process is the only writer: a load and a store, without a lock prefix.
    #[inline(always)]
    pub fn add_owned(&self, by: f64) {
        self.set(self.get() + by);
    }

    /// Adds where other processes may write too.
    pub fn add_shared(&self, by: f64) {
        self.change_shared(|value| value + by);
    }

    /// Replaces the number by `change(number)` where other processes may write too.
    pub fn change_shared(&self, change: impl Fn(f64) -> f64) {
        let step = |bits| Some(change(f64::from_bits(bits)).to_bits());
        crate::crash::point();
        let _never_gives_up = self.0.fetch_update(Relaxed, Relaxed, step);
    }
}

/// Operations of a summary's cells, one of which holds the page number of the ring of samples.
impl Cell {
    /// Loads a page number, and sees the ring that it refers to (Acquire). Pair RING.
    #[inline]
    #[must_use]
    pub fn load_acquire(&self) -> u64 {
        f64::from_bits(self.0.load(Acquire)) as u64
    }

    /// Stores a page number if there is none yet, and hands over what was written before (Release).
    /// Returns the page number that the cell holds afterwards. Pair RING.
    pub fn lead_to(&self, page: u64) -> u64 {
        crate::crash::point();
        let new = (page as f64).to_bits();
        let before = self.0.compare_exchange(0, new, AcqRel, Acquire);
        before.map_or_else(|found| f64::from_bits(found) as u64, |_| page)
    }

    /// Adds one where other processes may write too, and returns the number before; no two callers get the
    /// same number.
    pub fn take_number(&self) -> f64 {
        crate::crash::point();
        let step = |bits| Some((f64::from_bits(bits) + 1.0).to_bits());
        f64::from_bits(self.0.fetch_update(Relaxed, Relaxed, step).unwrap_or_else(|bits| bits))
    }
}

/// Operations of the cell of a native histogram that holds its hint, a bit for each group of its cells; see
/// [`hints`](crate::format::hints). It needs no order: who sees a number before the bit of its group reads it a moment late.
impl Cell {
    /// Loads the bits.
    #[must_use]
    pub(crate) fn bits(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Sets bits where this process is the only writer.
    pub(crate) fn set_bits_owned(&self, bits: u64) {
        crate::crash::point();
        self.0.store(self.bits() | bits, Relaxed);
    }

    /// Sets bits where other processes may write too; does nothing if all of them are set.
    pub(crate) fn set_bits_shared(&self, bits: u64) {
        if self.bits() & bits != bits {
            crate::crash::point();
            self.0.fetch_or(bits, Relaxed);
        }
    }

    /// Lets the processor begin to load the cell's cache line, while it does something else.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        #[cfg(all(target_arch = "x86_64", not(miri), not(loom)))]
        // SAFETY: a prefetch changes nothing that a program could see, and fails nowhere.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                std::ptr::from_ref(self).cast(),
            );
        }
    }
}

/// A sample of a summary: its time and its value. Both words are read consistently or not at all.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Sample {
    when: Word,
    what: Word,
}

impl Sample {
    /// Replaces the sample where this process is the only writer. Pair SAMPLE.
    ///
    /// A process that dies in between leaves this place without a sample, which is as if the old sample had
    /// been a little older.
    #[inline(always)]
    pub fn put_owned(&self, when: u64, what: f64) {
        self.when.store_relaxed(BUSY);
        self.finish(when, what);
    }

    /// Replaces the sample where other processes may write too. Returns false if another process is writing
    /// it, or died while doing so.
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
        fence(Release); // a reader of the new value then reads BUSY or the new time
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

/// A view of words as samples.
#[must_use]
pub(crate) fn samples(words: &[Word]) -> &[Sample] {
    // SAFETY: a Sample is two consecutive words, and the slice has at least two for each sample.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<Sample>(), words.len() / 2) }
}

/// A view of `count` 8-byte units of memory as words.
///
/// # Safety
/// `at` is valid for reads of `count` words for `'a`, 8-byte aligned, and only accessed through atomics
/// during that time; it is valid for writes if a writing method is called.
#[cfg(not(loom))]
#[must_use]
pub(crate) unsafe fn words_at<'a>(at: *const u64, count: usize) -> &'a [Word] {
    // SAFETY: Word is a transparent AtomicU64, so `count` of them have the layout of `count` u64; the caller
    // promises the rest.
    unsafe { std::slice::from_raw_parts(at.cast::<Word>(), count) }
}

/// A view of words as cells, if there are exactly `N`.
#[must_use]
pub(crate) fn cells<const N: usize>(words: &[Word]) -> Option<&[Cell; N]> {
    let words: &[Word; N] = words.try_into().ok()?;
    // SAFETY: Word and Cell are both transparent wrappers of the same atomic.
    Some(unsafe { &*std::ptr::from_ref(words).cast::<[Cell; N]>() })
}
