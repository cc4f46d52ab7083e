//! The stamp: one number that changes whenever cells that were looked up may no longer be used.
//!
//! It is the segment's epoch (another process removed, wiped or redefined) mixed with a secret
//! number of this attachment (this process attached anew, or is a forked child). A handle whose
//! stamp is the present one may use its cells without another look.
#![allow(unsafe_code)]

use crate::local::Local;
use promshm_segment::sync::Word;
use std::hash::{BuildHasher, RandomState};

static UNATTACHED: Word = Word::new(0);
static EPOCH: Local<*const Word> = Local::new(&raw const UNATTACHED);
static SALT: Local<u64> = Local::new(1);

/// The stamp as it is now. Never 0 but by a chance of 1 in 2^64, so 0 means "never looked up".
#[inline(always)]
pub(crate) fn current() -> u64 {
    // SAFETY: EPOCH points to a static, or to the mapped segment: `detach` comes before every unmapping.
    unsafe { (*EPOCH.get()).peek() ^ SALT.get() }
}

/// From now on the stamp follows this epoch; no earlier stamp holds.
///
/// The word's memory must stay mapped until [`detach`], which `process::State` sees to.
pub(crate) fn attach(epoch: &Word) {
    EPOCH.set(&raw const *epoch);
    SALT.set(RandomState::new().hash_one(0) | 1);
}

/// From now on no stamp holds.
pub(crate) fn detach() {
    EPOCH.set(&raw const UNATTACHED);
    SALT.set(1);
}
