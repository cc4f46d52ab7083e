//! The stamp: one number that changes whenever cells that were looked up may no longer be used.
//!
//! It is the segment's epoch (another process removed, wiped or redefined) mixed with a secret
//! number of this attachment (this process attached anew, or is a forked child). A handle whose
//! stamp is the present one may use its cells without another look. Where the segment has a TTL, the
//! number is replaced from time to time, because a look is what tells that a series is in use.
#![allow(unsafe_code)]

use crate::engine::globals::local;
use ext_php_rs::PHP_ZTS;
use promshm_segment::memory::atomic::Word;
use std::hash::{BuildHasher, RandomState};

static UNATTACHED: Word = Word::new(0);

/// What the stamp is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    epoch: *const Word,
    salt: u64,
}

impl Source {
    /// No stamp that anything was ever looked up under.
    pub(crate) const UNATTACHED: Self = Self { epoch: &raw const UNATTACHED, salt: 1 };
}

local! {
    static SOURCE: Source = Source::UNATTACHED;
}

/// The way to one interpreter's stamp.
///
/// Each object keeps one: in a thread-safe PHP, finding the present thread's data takes a function call,
/// which is a good part of what counting costs, and an object never leaves its thread. In any other PHP
/// this takes no room, because the way is always the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch([*const Source; PHP_ZTS as usize]);

impl Watch {
    /// The way to the running interpreter's stamp.
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Self([SOURCE.as_ptr().cast_const(); PHP_ZTS as usize])
    }

    /// The stamp as it is now. Never 0 but by a chance of 1 in 2^64, so 0 means "never looked up".
    #[inline(always)]
    pub(crate) fn stamp(self) -> u64 {
        let source = self.0.first().copied().unwrap_or_else(|| SOURCE.as_ptr());
        // SAFETY: the source is a static, or of the thread that made this, which is the running one.
        // Its epoch is a static, or in the mapped segment: `detach` comes before every unmapping.
        unsafe { (*(*source).epoch).peek() ^ (*source).salt }
    }
}

/// The running interpreter's stamp as it is now.
#[inline(always)]
pub(crate) fn current() -> u64 {
    Watch::here().stamp()
}

/// From now on the stamp follows this epoch; no earlier stamp holds.
///
/// The word's memory must stay mapped until [`detach`], which `process::State` sees to.
pub(crate) fn attach(epoch: &Word) {
    SOURCE.set(Source { epoch: &raw const *epoch, salt: salt() });
}

/// Stamps hold again that held when [`detach`] returned this, if their epoch has not changed since.
///
/// Its epoch's memory must be mapped still, as for [`attach`].
pub(crate) fn resume(source: Source) {
    SOURCE.set(source);
}

/// All that was looked up is to be looked up again, as after another [`attach`] of the same epoch.
pub(crate) fn renew() {
    let source = SOURCE.get();
    if !std::ptr::eq(source.epoch, &raw const UNATTACHED) {
        SOURCE.set(Source { salt: salt(), ..source });
    }
}

fn salt() -> u64 {
    RandomState::new().hash_one(0) | 1
}

/// From now on no stamp holds. Returns what the stamp was made of.
pub(crate) fn detach() -> Source {
    SOURCE.replace(Source::UNATTACHED)
}
