//! Sets of label values as the identities of their strings, which caches compare instead of the texts.

use crate::engine::{
    globals::interpreter_local,
    identity::{Identity, RetainedIdentity},
};
use ext_php_rs::types::Zval;

/// A set of more labels is not cached.
pub(crate) const MOST_LABELS: usize = 4;
/// Bits of a line's index.
const LINE_BITS: u32 = 4;
/// The lines of a cache.
pub(crate) const LINES: usize = 1 << LINE_BITS;

/// Most caches in a process, at 1.5 kB each.
const MOST_CACHES: u32 = 8192;

interpreter_local! {
    static CACHES: u32 = 0;
}

/// Counts a cache as long as it lives.
#[derive(Debug)]
pub(crate) struct Permit(());

impl Permit {
    /// `None` if there are [`MOST_CACHES`].
    pub(crate) fn take() -> Option<Self> {
        let is_free = CACHES.get() < MOST_CACHES;
        is_free.then(|| {
            CACHES.update(|caches| caches + 1);
            Self(())
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        CACHES.update(|caches| caches.saturating_sub(1));
    }
}

/// The identities of a set, in the order of the label names.
pub(crate) type Words = [Identity; MOST_LABELS];

/// The identities of so many values; `None` if one has none.
#[inline(always)]
pub(crate) fn identities<const N: usize>(values: [&Zval; N]) -> Option<[Identity; N]> {
    let mut words = [Identity::default(); N];
    for (word, value) in words.iter_mut().zip(values) {
        *word = Identity::of(value)?;
    }
    Some(words)
}

/// The index of the line for these identities.
#[inline(always)]
pub(crate) fn line_of(words: &[Identity]) -> usize {
    let mix = |hash: usize, word: &Identity| (hash ^ word.to_bits()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    words.iter().fold(0, mix) >> (usize::BITS - LINE_BITS)
}

/// Retains the values in the line that is theirs, and returns its index; `None` if one of them has no identity or ends
/// with the running call. Releasing the former ones runs no script.
pub(crate) fn retain_all<'v, 'l>(
    values: impl ExactSizeIterator<Item = &'v Zval> + Clone,
    list_lives_on: bool,
    line: impl Fn(usize) -> &'l [RetainedIdentity; MOST_LABELS],
) -> Option<usize> {
    let mut words = Words::default();
    let count = values.len();
    for (word, value) in words.get_mut(..count)?.iter_mut().zip(values.clone()) {
        *word = Identity::of(value).filter(|_| RetainedIdentity::is_of_use(value, list_lives_on))?;
    }
    let number = line_of(&words[..count]);
    line(number).iter().zip(values).for_each(|(known, value)| known.set(value));
    Some(number)
}
