//! Records: how families and series are stored, and how they are read without trusting them.
//!
//! ```text
//! family   meta | hash | name bytes, help bytes << 32 | label bytes, age << 32
//!          | newest claim | claim column | bounds… | text
//! series   meta | hash | family's offset | column | removed | label bytes | created | touched | origin | text
//! ```
//! `meta` holds a tag, the kind, the gauge mode, the number of labels, and the number of words before the
//! text: a family's bounds, or a series' times and origin: the offset of the record of the former generation
//! that it was carried from, or 0. `age` is the number of seconds for which a summary's
//! samples count; a summary's quantiles are stored as bounds, and the window of a native histogram in one word after
//! them: its schema, its number of buckets << 16, the index of its first bucket << 32. Texts are UTF-8; in a list of
//! texts, each is preceded by its length in two bytes. Everything but `newest claim`, `removed` and `touched` is immutable
//! once published.

use crate::{
    definition::Kind,
    format::index,
    layout::RECORD_UNIT,
    memory::{atomic::Word, view::View},
};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

pub(super) const FAMILY: u64 = 0x46;
pub(super) const SERIES: u64 = 0x53;
pub(super) const HEAD_WORDS: u64 = 6;

/// The error for an invalid record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// The segment's keyed hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashKey(pub(crate) [u64; 2]);

impl HashKey {
    pub(super) fn hash(self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        parts.iter().for_each(|part| hasher.write(part));
        hasher.finish()
    }
}

pub(super) fn words_of(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

pub(super) fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Replaces `bytes` by the first `count` bytes of the words.
pub(super) fn copy_bytes(words: &[Word], count: u64, bytes: &mut Vec<u8>) {
    bytes.clear();
    words.iter().for_each(|word| bytes.extend_from_slice(&word.load_relaxed().to_le_bytes()));
    bytes.truncate(count as usize);
}

pub(super) fn meta(tag: u64, definition_kind: Option<Kind>, labels: usize, words: usize) -> u64 {
    let (kind, mode) = match definition_kind {
        None | Some(Kind::Counter) => (0, 0),
        Some(Kind::Gauge(mode)) => (1, mode as u64),
        Some(Kind::Histogram) => (2, 0),
        Some(Kind::Summary { .. }) => (3, 0),
        Some(Kind::NativeHistogram(_)) => (4, 0),
    };
    tag | kind << 8 | mode << 16 | (labels as u64) << 32 | (words as u64) << 48
}

/// `count` words from `offset` on, if they lie in the space allocated for records so far. The space beyond
/// is a hole, and a process that reads a hole is charged for its memory.
pub(super) fn place(view: &View, offset: u64, count: u64) -> Result<&[Word], Corrupt> {
    let half = view.geometry.half_around(offset).ok_or(Corrupt)?;
    let end = half.end.min(half.records + view.space(half).units * RECORD_UNIT);
    let room = end.checked_sub(offset).ok_or(Corrupt)?;
    let inside = offset.is_multiple_of(RECORD_UNIT) && count <= room / 8;
    inside.then(|| view.words(offset, count)).flatten().ok_or(Corrupt)
}

/// The head: the words that every record begins with.
pub(super) fn head(view: &View, offset: u64) -> Result<[u64; HEAD_WORDS as usize], Corrupt> {
    let words = place(view, offset, HEAD_WORDS)?;
    Ok(std::array::from_fn(|at| words[at].load_relaxed()))
}

/// The type of record that an index word refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Family,
    Series,
}

impl Tag {
    /// Reads the head of the record at `offset`. Its hash must have the upper bits of `entry`, an index
    /// word.
    pub(crate) fn read(view: &View, offset: u64, entry: u64) -> Result<Self, Corrupt> {
        let [meta, hash, ..] = head(view, offset)?;
        match meta & 0xff {
            _ if index::entry(hash, offset) != entry => Err(Corrupt),
            FAMILY => Ok(Self::Family),
            SERIES => Ok(Self::Series),
            _ => Err(Corrupt),
        }
    }
}
