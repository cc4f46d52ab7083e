//! The series of one metric that a process has looked up, by their label values.
//!
//! Clients may choose label values, so what is remembered is bounded in entries and bytes, over all metrics of the
//! process; and values that PHP's own string hash cannot tell apart, which are easy to make, stay cheap: the
//! first few lie in a table by that hash, which PHP keeps with its strings, and all others in a table that hashes
//! their bytes with a secret.

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
/// Most bytes that they may take, about.
const MOST_BYTES: usize = 32 << 20;
/// Bytes of an entry besides its label values, about: its place in a table, and its key's head.
const ENTRY_BYTES: usize = 96;
/// Most series of one hash in the table by PHP's hash.
const MOST_OF_ONE_HASH: usize = 4;

interpreter_local! {
    /// What all tables hold together.
    static REMEMBERED: Size = Size { entries: 0, bytes: 0 };
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    entries: usize,
    bytes: usize,
}

/// A series that the process has met.
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
    /// Whose hash too many others have.
    colliding: HashMap<Key, Series>,
    size: Size,
}

/// Whether the process may not remember one more.
pub(crate) fn is_full() -> bool {
    let Size { entries, bytes } = REMEMBERED.get();
    entries >= MOST_ENTRIES || bytes >= MOST_BYTES
}

impl SeriesTable {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.size.entries
    }

    /// What `take` makes of the series with these values, if it is known. Does not allocate.
    #[inline(always)]
    pub(crate) fn find<R>(&self, values: &[Zval], take: impl FnOnce(&Key, Series) -> R) -> Option<R> {
        let hash = label_hash::hash_values(values)?;
        let known =
            self.by_hash.find(hash, |known| known.hash == hash && labels::key_equals(values, &known.key))?;
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

    /// Remembers where updates of a series go. A new one must find room, see [`is_full`].
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

    /// Forgets all, and gives the room back.
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
