//! The generation: one number that changes whenever cells that were looked up may no longer be used.
//!
//! It is the segment's epoch (which changes when another process removes, wipes or redefines) mixed with a nonce of
//! this attachment (which changes when this process attaches anew or forks). A handle whose generation is the
//! current one may use its cells without another lookup. Where the segment has a TTL, the nonce is replaced from
//! time to time, because a lookup is what marks a series as used.
#![allow(unsafe_code)]

use crate::engine::globals::interpreter_local;
use ext_php_rs::PHP_ZTS;
use promshm_segment::memory::atomic::Word;
use std::hash::{BuildHasher, RandomState};

static UNATTACHED: Word = Word::new(0);

/// The parts of a generation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    epoch: *const Word,
    nonce: u64,
}

impl Source {
    /// Of a generation in which nothing was ever looked up.
    pub(crate) const UNATTACHED: Self = Self { epoch: &raw const UNATTACHED, nonce: 1 };
}

interpreter_local! {
    static SOURCE: Source = Source::UNATTACHED;
}

/// A reference to one interpreter's generation.
///
/// Each object keeps one: in a thread-safe PHP, finding the data of the running thread takes a function call, which
/// is a good part of an update's cost, and an object never leaves its thread. In any other PHP there is one
/// generation, and this type has no size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GenerationRef([*const Source; PHP_ZTS as usize]);

impl GenerationRef {
    /// A reference to the running interpreter's generation.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Self([SOURCE.as_ptr().cast_const(); PHP_ZTS as usize])
    }

    /// The current generation. It is 0 by a chance of 1 in 2^64 only, so 0 stands for "never looked up".
    #[inline(always)]
    pub(crate) fn get(self) -> u64 {
        let source = self.0.first().copied().unwrap_or_else(|| SOURCE.as_ptr());
        // SAFETY: the source is a static, or of the thread that made this, which is the running one.
        // Its epoch is a static, or in the mapped segment: `detach` comes before every unmapping.
        unsafe { (*(*source).epoch).load_relaxed() ^ (*source).nonce }
    }
}

/// The running interpreter's current generation.
#[inline(always)]
pub(crate) fn current() -> u64 {
    GenerationRef::here().get()
}

/// Starts a generation that follows this epoch; all earlier ones are over.
///
/// The word's memory must stay mapped until [`detach`], which `attachment::State` ensures.
pub(crate) fn attach(epoch: &Word) {
    SOURCE.set(Source { epoch: &raw const *epoch, nonce: nonce() });
}

/// Returns to the generation that [`detach`] ended, if its epoch has not changed since.
///
/// The epoch's memory must still be mapped, as for [`attach`].
pub(crate) fn resume(source: Source) {
    SOURCE.set(source);
}

/// Starts a new generation of the same epoch, so that all series are looked up again.
pub(crate) fn invalidate() {
    let source = SOURCE.get();
    if !std::ptr::eq(source.epoch, &raw const UNATTACHED) {
        SOURCE.set(Source { nonce: nonce(), ..source });
    }
}

fn nonce() -> u64 {
    RandomState::new().hash_one(0) | 1
}

/// Ends the generation, and returns its parts for [`resume`].
pub(crate) fn detach() -> Source {
    SOURCE.replace(Source::UNATTACHED)
}
