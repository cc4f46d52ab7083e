//! The resolved series of one metric, by their label values.
//!
//! Clients may choose label values, so the remembered series are bounded in number and bytes, over all metrics of
//! the process. Values whose PHP hashes collide, which are easy to make, must stay cheap as well: the first few of a
//! hash lie in a table by that hash, which PHP keeps with its strings, and the others in a table that hashes their
//! bytes with a secret.

use crate::{
    engine::globals::interpreter_local,
    session::{
        label_hash, labels,
        series::{Key, Series},
    },
};
use ext_php_rs::types::Zval;
use hashbrown::HashTable;
use std::{collections::HashMap, rc::Rc};

/// Most series that a process remembers.
const MOST_ENTRIES: usize = 1 << 18;
/// Approximate bytes that they may take.
const MOST_BYTES: usize = 32 << 20;
/// Approximate bytes of an entry without its label values: its place in a table, and the head of its key.
const ENTRY_BYTES: usize = 96;
/// Most series of one metric that have no cells of their own: dropped, or counted together. Clients may send such values
/// without end.
const MOST_BORROWING: usize = 1000;
/// Places for the hashes of such values that were not remembered.
const SEEN: usize = 1024;
/// Most series of one hash in the table by PHP's hash.
const MOST_OF_ONE_HASH: usize = 4;

interpreter_local! {
    /// The size of all tables together.
    static REMEMBERED: Size = Size { entries: 0, bytes: 0 };
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    entries: usize,
    bytes: usize,
}

/// A resolved series.
#[derive(Debug)]
struct Known {
    hash: u64,
    key: Key,
    series: Series,
}

/// The series of one metric.
#[derive(Debug, Default)]
pub(crate) struct SeriesTable {
    by_hash: HashTable<Known>,
    /// Series whose hash [`MOST_OF_ONE_HASH`] others have.
    colliding: HashMap<Key, Series>,
    size: Size,
    borrowing: Borrowing,
}

/// The remembered series that had no cells of their own when they came.
#[derive(Debug, Default)]
struct Borrowing {
    /// Hash and key of each; when there is no room, the oldest makes way.
    all: Vec<(u64, Key)>,
    oldest: usize,
    /// Parts of hashes. A value that comes for the first time leaves its own, and is remembered if it comes again, so
    /// that values which never come again displace none that do.
    seen: Vec<u32>,
    /// How often that was asked.
    asked: u32,
}

impl Borrowing {
    /// Whether a value with that hash is to be remembered.
    fn wants(&mut self, hash: u64) -> bool {
        if self.all.len() < MOST_BORROWING {
            return true;
        }
        self.seen.resize(SEEN, 0);
        self.asked = self.asked.wrapping_add(1);
        let (place, part) = (&mut self.seen[hash as usize % SEEN], (hash >> 32) as u32);
        let is_known = *place == part;
        // Every other one only, so that two values which come by turns do not drive each other out of one place for ever.
        if self.asked.is_multiple_of(2) {
            *place = part;
        }
        is_known
    }

    /// Adds a series; returns the one that makes way.
    fn add(&mut self, hash: u64, key: &Key) -> Option<(u64, Key)> {
        let new = (hash, Rc::clone(key));
        if self.all.len() < MOST_BORROWING {
            self.all.push(new);
            return None;
        }
        let oldest = std::mem::replace(&mut self.all[self.oldest], new);
        self.oldest = (self.oldest + 1) % MOST_BORROWING;
        Some(oldest)
    }
}

/// Whether the process may remember no further series.
pub(crate) fn is_full() -> bool {
    let Size { entries, bytes } = REMEMBERED.get();
    entries >= MOST_ENTRIES || bytes >= MOST_BYTES
}

impl SeriesTable {
    /// Whether a series without cells of its own is to be remembered.
    pub(crate) fn wants_borrowing(&mut self, hash: u64) -> bool {
        self.borrowing.wants(hash)
    }

    /// Applies `take` to the series with these values, if it is known. Does not allocate.
    #[inline(always)]
    pub(crate) fn find<'v, R>(
        &self,
        values: &(impl Iterator<Item = &'v Zval> + Clone),
        take: impl FnOnce(&Key, Series) -> R,
    ) -> Option<R> {
        let hash = label_hash::hash_values(values.clone())?;
        let is_it = |known: &Known| known.hash == hash && labels::key_equals(values.clone(), &known.key);
        let known = self.by_hash.find(hash, is_it)?;
        Some(take(&known.key, known.series))
    }

    /// The series of that key, if it is known.
    pub(crate) fn get(&self, hash: u64, key: &[u8]) -> Option<(Key, Series)> {
        if let Some(known) = self.by_hash.find(hash, |known| *known.key == *key) {
            return Some((Rc::clone(&known.key), known.series));
        }
        let (key, series) = self.colliding.get_key_value(key)?;
        Some((Rc::clone(key), *series))
    }

    /// Stores a series. The caller checks [`is_full`] before it stores a new one.
    pub(crate) fn put(&mut self, hash: u64, key: &Key, series: Series, has_own_cells: bool) {
        if let Some(known) = self.by_hash.find_mut(hash, |known| known.key == *key) {
            known.series = series;
        } else if let Some(known) = self.colliding.get_mut(key) {
            *known = series;
        } else {
            let displaced = if has_own_cells { None } else { self.borrowing.add(hash, key) };
            displaced.into_iter().for_each(|(hash, key)| self.forget(hash, &key));
            self.insert(Known { hash, key: Rc::clone(key), series });
        }
    }

    fn insert(&mut self, known: Known) {
        self.grow(known.key.len() + ENTRY_BYTES);
        let of_this_hash = self.by_hash.iter_hash(known.hash).filter(|other| other.hash == known.hash);
        if of_this_hash.count() < MOST_OF_ONE_HASH {
            self.by_hash.insert_unique(known.hash, known, |known| known.hash);
        } else {
            self.colliding.insert(known.key, known.series);
        }
    }

    fn grow(&mut self, by: usize) {
        self.size.entries += 1;
        self.size.bytes += by;
        REMEMBERED.update(|Size { entries, bytes }| Size { entries: entries + 1, bytes: bytes + by });
    }

    fn forget(&mut self, hash: u64, key: &Key) {
        match self.by_hash.find_entry(hash, |known| known.key == *key) {
            Ok(known) => drop(known.remove()),
            Err(_) if self.colliding.remove(key).is_some() => {}
            Err(_) => return,
        }
        let by = key.len() + ENTRY_BYTES;
        self.size.entries -= 1;
        self.size.bytes -= by;
        REMEMBERED.update(|Size { entries, bytes }| Size { entries: entries - 1, bytes: bytes - by });
    }

    /// Forgets all series, and frees their memory.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Drop for SeriesTable {
    fn drop(&mut self) {
        let Size { entries, bytes } = self.size;
        REMEMBERED.update(|all| Size {
            entries: all.entries.saturating_sub(entries),
            bytes: all.bytes.saturating_sub(bytes),
        });
    }
}
