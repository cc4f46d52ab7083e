//! The record of a series.

use super::record::{Corrupt, HEAD_WORDS, HashKey, SERIES, copy_bytes, head, meta, place, words_of};
use crate::{
    clock,
    definition::MAX_LABELS,
    memory::{atomic::Word, mapping::Mapping, view::View},
};

/// Maximum size in bytes of a series' label values.
const MAX_VALUES: u64 = (MAX_LABELS * (65_535 + 2)) as u64;
/// Bytes from the start of a series record to its removed flag.
const REMOVED: u64 = 4 * 8;

/// Number of words with times and origin between the head and the text.
const TIMES: u64 = 3;
/// Bytes from the start of a series record to the word with the time of the last touch.
const TOUCHED: u64 = (HEAD_WORDS + 1) * 8;
/// Index of the word with the origin, after the head.
const ORIGIN: usize = 2;

/// State in a series' removed flag: a process is removing the series, or died while doing so. The series is
/// still exported, because others may still count into it; the next process that looks it up completes the
/// removal.
pub(crate) const LEAVING: u64 = 1;
/// State in a series' removed flag: no process counts into the series any more, and it is not exported.
pub(crate) const GONE: u64 = 2;

/// The state in a series' removed flag: 0 at first, [`LEAVING`] or [`GONE`].
///
/// The other bits are the record's own. So a process that stopped before it changed the flag, and goes on when the memory
/// was given back and belongs to another record, changes nothing there.
pub(crate) fn state(flag: u64) -> u64 {
    flag & 3
}

/// The flag in another state.
pub(crate) fn in_state(flag: u64, state: u64) -> u64 {
    flag & !3 | state
}

/// A series, as read from the segment, without its label values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeriesRecord {
    pub(crate) family: u64,
    pub(crate) hash: u64,
    /// Column of its first cell, in the plane of its family's kind.
    pub(crate) column: u64,
    pub(crate) removed: bool,
    /// Number of labels, according to the record.
    pub(crate) label_count: usize,
    /// When the series was created, in seconds since 1970; NaN if the stored value is not a time.
    pub(crate) created: f64,
    /// The record of the former generation that it was carried from; 0 if it was made in its generation.
    pub(crate) origin: u64,
    pub(crate) label_bytes: u64,
}

/// The times in a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// When the series was created, by the wall clock, in seconds since 1970.
    pub(crate) created: f64,
    /// When it was last touched, on the clock of [`clock::now`]. See [`ttl`](crate::format::ttl).
    pub(crate) touched: u64,
    /// The record of the former generation that the series is carried from; 0 for a fresh series.
    pub(crate) origin: u64,
}

impl Times {
    /// The times of a series that is created now.
    pub(crate) fn now() -> Self {
        // Rounded to milliseconds, the resolution of times in Prometheus.
        Self { created: (clock::unix_time() * 1e3).round() / 1e3, touched: clock::now(), origin: 0 }
    }
}

impl SeriesRecord {
    /// Index of the word with the column of the series' first cell.
    pub(crate) const COLUMN_WORD: usize = 3;

    /// Hash of the family and the label values.
    pub(crate) fn hash(key: HashKey, family: u64, labels: &[u8]) -> u64 {
        key.hash(&[&family.to_le_bytes(), labels])
    }

    /// The words of the record.
    pub(crate) fn compose(
        family: u64,
        hash: u64,
        column: u64,
        label_count: usize,
        labels: &[u8],
        times: Times,
    ) -> Vec<u64> {
        let meta = meta(SERIES, None, label_count, TIMES as usize);
        let mut words = Vec::with_capacity((HEAD_WORDS + TIMES) as usize + labels.len().div_ceil(8));
        let flag = in_state(hash ^ times.touched.rotate_left(20) | 1 << 63, 0);
        words.extend([meta, hash, family, column, flag, labels.len() as u64]);
        words.extend([times.created.to_bits(), times.touched, times.origin]);
        words.extend(words_of(labels));
        words
    }

    /// Reads and validates the head of the record at `offset`.
    pub(crate) fn parse(view: &View, offset: u64) -> Result<Self, Corrupt> {
        let [meta, hash, family, column, removed, label_bytes] = head(view, offset)?;
        let (label_count, times) = ((meta >> 32) & 0xffff, meta >> 48);
        let sensible = meta & 0xff == SERIES
            && label_bytes <= MAX_VALUES
            && label_count <= MAX_LABELS as u64
            && times == TIMES;
        if !sensible {
            return Err(Corrupt);
        }
        let (label_count, removed) = (label_count as usize, state(removed) == GONE);
        let mut series =
            Self { family, hash, column, removed, label_count, created: f64::NAN, origin: 0, label_bytes };
        let body = series.body(view, offset)?;
        let created = body.first().map(|bits| f64::from_bits(bits.load_relaxed()));
        let created = created.filter(|created| created.is_finite() && *created > 0.0);
        series.created = created.unwrap_or(f64::NAN);
        series.origin = body.get(ORIGIN).map_or(0, Word::load_relaxed);
        Ok(series)
    }

    /// Everything after the head.
    fn body<'r>(&self, view: &'r View, offset: u64) -> Result<&'r [Word], Corrupt> {
        Ok(&place(view, offset, self.bytes() / 8)?[HEAD_WORDS as usize..])
    }

    fn text<'r>(&self, view: &'r View, offset: u64) -> Result<&'r [Word], Corrupt> {
        Ok(&self.body(view, offset)?[TIMES as usize..])
    }

    /// Copies the label values, packed by [`pack_strings`](crate::format::strings::pack_strings). Does not
    /// validate them; [`are_strings`](crate::format::strings::are_strings) does.
    pub(crate) fn copy_labels(&self, view: &View, offset: u64, labels: &mut Vec<u8>) -> Result<(), Corrupt> {
        copy_bytes(self.text(view, offset)?, self.label_bytes, labels);
        Ok(())
    }

    /// Whether the record at `offset` is this series. Compares first what is cheap to compare, and copies
    /// nothing, so that a corrupt index does not make a search slow.
    pub(crate) fn is_at(view: &View, offset: u64, hash: u64, family: u64, labels: &[u8]) -> bool {
        let Ok(series) = Self::parse(view, offset) else { return false };
        series.hash == hash
            && series.family == family
            && series.label_bytes == labels.len() as u64
            && series
                .text(view, offset)
                .is_ok_and(|text| text.iter().map(Word::load_relaxed).eq(words_of(labels)))
    }

    /// Size of the record, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        (HEAD_WORDS + TIMES + self.label_bytes.div_ceil(8)) * 8
    }

    /// The word with the removed flag.
    pub(crate) fn removed(mapping: &Mapping, offset: u64) -> Option<&Word> {
        mapping.word(offset.checked_add(REMOVED)?)
    }

    /// The word with the time of the last touch.
    pub(crate) fn touched(mapping: &Mapping, offset: u64) -> Option<&Word> {
        mapping.word(offset.checked_add(TOUCHED)?)
    }
}
