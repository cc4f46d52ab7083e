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
}

/// Whether the process may remember no further series.
pub(crate) fn is_full() -> bool {
    let Size { entries, bytes } = REMEMBERED.get();
    entries >= MOST_ENTRIES || bytes >= MOST_BYTES
}

impl SeriesTable {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.size.entries
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
    pub(crate) fn put(&mut self, hash: u64, key: &Key, series: Series) {
        if let Some(known) = self.by_hash.find_mut(hash, |known| known.key == *key) {
            known.series = series;
        } else if let Some(known) = self.colliding.get_mut(key) {
            *known = series;
        } else {
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
