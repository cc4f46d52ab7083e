//! The hash index: publishes records and finds them. An insertion is one compare-and-swap, so a process that
//! dies or is stopped blocks no other process.

use crate::{
    layout::{Half, PAGE, PAGE_WORDS},
    memory::{atomic::Word, view::View},
    order,
};

const OFFSET_BITS: u32 = 40;
const OFFSET_MASK: u64 = (1 << OFFSET_BITS) - 1;

/// Maximum number of words that a search reads; more mean that the index is corrupt. At most three quarters
/// of the index are in use, and nobody can choose hashes, so even in the largest index the longest run of
/// used words is a few hundred long.
const MOST_STEPS: u64 = 4096;
/// Maximum number of records that a search compares: those that share the upper 24 bits of the hash.
const MOST_RECORDS: usize = 64;

/// A word of the index: the hash's upper bits and the record's offset.
pub(crate) fn entry(hash: u64, offset: u64) -> u64 {
    (hash & !OFFSET_MASK) | offset
}

/// The offset of the record that a word of the index refers to.
pub(crate) fn offset_of(entry: u64) -> u64 {
    entry & OFFSET_MASK
}

/// The result of a search.
pub(crate) enum Found {
    /// The word that refers to the wanted record.
    Record { place: u64, entry: u64 },
    /// The wanted record is absent; this is the empty word for it.
    Empty { place: u64 },
    /// There is no room for the record.
    Full,
}

/// Searches for the record with `hash` that `is_wanted` recognises by its offset. A corrupt index makes the
/// search fail, but never take long.
pub(crate) fn search(view: &View, half: &Half, hash: u64, mut is_wanted: impl FnMut(u64) -> bool) -> Found {
    let mask = view.geometry.index_words - 1;
    let mut records = 0;
    for step in 0..view.geometry.index_words.min(MOST_STEPS) {
        let place = hash.wrapping_add(step) & mask;
        let Some(word) = word(view, half, place) else { return Found::Full };
        let found = word.load_acquire(); // pair: INDEX
        if found == 0 {
            return Found::Empty { place };
        }
        if found & !OFFSET_MASK != hash & !OFFSET_MASK {
            continue;
        }
        if is_wanted(offset_of(found)) {
            return Found::Record { place, entry: found };
        }
        records += 1;
        if records == MOST_RECORDS {
            break;
        }
    }
    Found::Full
}

/// Publishes `new` at `place` if the word there is still `old`.
pub(crate) fn publish(view: &View, half: &Half, place: u64, old: u64, new: u64) -> bool {
    let page = place / PAGE_WORDS as u64;
    // The map is set first, because the reader would miss a record on a page whose bit is not set, while a
    // needless bit does no harm.
    let Some(map) = view.word(half.index_map(page / 64)) else { return false };
    map.fetch_or(1 << (page % 64));
    word(view, half, place).is_some_and(|word| word.compare_exchange(old, new).is_ok()) // pair: INDEX
}

/// The word of the index at `place`.
pub(crate) fn word<'r>(view: &'r View, half: &Half, place: u64) -> Option<&'r Word> {
    view.word(half.index + place * 8)
}

/// All words of a half's index that are in use.
pub(crate) fn entries<'r>(view: &'r View, half: &'r Half) -> impl Iterator<Item = u64> {
    let words = move |page| view.words(half.index + page * PAGE, PAGE_WORDS as u64);
    let words = touched_pages(view, half).filter_map(words).flatten();
    words.map(Word::load_acquire).filter(|entry| *entry != 0) // pair: INDEX
}

/// The same in the order of the records, which suits caches where each record is read.
pub(crate) fn entries_by_record(view: &View, half: &Half) -> Vec<u64> {
    let mut entries: Vec<(u64, u64)> = entries(view, half).map(|entry| (offset_of(entry), entry)).collect();
    order::sort_pairs(&mut entries);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// The pages of the index that have ever had an entry. 64 pages without entries cost one load.
pub(crate) fn touched_pages<'r>(view: &'r View, half: &'r Half) -> impl Iterator<Item = u64> {
    let pages = view.geometry.index_words / PAGE_WORDS as u64;
    (0..pages.div_ceil(64)).flat_map(move |word| {
        let map = view.word(half.index_map(word)).map_or(0, Word::load_acquire); // pair: INDEX
        let bits = std::iter::successors((map != 0).then_some(map), |map| {
            let rest = map & (map - 1); // clears the lowest bit
            (rest != 0).then_some(rest)
        });
        bits.map(move |map| word * 64 + u64::from(map.trailing_zeros())).filter(move |page| *page < pages)
    })
}
