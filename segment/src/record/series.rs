//! A series' record.

use super::{Corrupt, HEAD_WORDS, HashKey, SERIES, copy_bytes, head, meta, place, words_of};
use crate::{definition::MAX_LABELS, layout::Geometry, region::Region, sync::Word};

/// Most bytes of a series' label values.
const MAX_VALUES: u64 = (MAX_LABELS * (65_535 + 2)) as u64;
/// Bytes from a series record's begin to its removed flag.
const REMOVED: u64 = 4 * 8;

/// A series' removed flag: someone is removing it, and may have died over it. It is still exported,
/// because others may still count into it; whoever looks it up finishes the removal.
pub(crate) const LEAVING: u64 = 1;
/// A series' removed flag: nobody counts into it any more, and it is not exported.
pub(crate) const GONE: u64 = 2;

/// A series as it stands in the segment, without its label values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeriesRecord {
    pub(crate) family: u64,
    pub(crate) hash: u64,
    /// First of its cells, in the plane of its family's kind.
    pub(crate) column: u64,
    pub(crate) removed: bool,
    /// Number of labels, as the record says.
    pub(crate) label_count: usize,
    label_bytes: u64,
}

impl SeriesRecord {
    /// Hash of the family and the label values.
    pub(crate) fn hash(key: HashKey, family: u64, labels: &[u8]) -> u64 {
        key.hash(&[&family.to_le_bytes(), labels])
    }

    /// The record's words.
    pub(crate) fn compose(
        family: u64,
        hash: u64,
        column: u64,
        label_count: usize,
        labels: &[u8],
    ) -> Vec<u64> {
        let mut words =
            vec![meta(SERIES, None, label_count, 0), hash, family, column, 0, labels.len() as u64];
        words.extend(words_of(labels));
        words
    }

    /// Reads and checks the head of the record at `offset`.
    pub(crate) fn parse(region: &Region, geometry: &Geometry, offset: u64) -> Result<Self, Corrupt> {
        let [meta, hash, family, column, removed, label_bytes] = head(region, geometry, offset)?;
        let label_count = (meta >> 32) & 0xffff;
        if meta & 0xff != SERIES || label_bytes > MAX_VALUES || label_count > MAX_LABELS as u64 {
            return Err(Corrupt);
        }
        let label_count = label_count as usize;
        let series = Self { family, hash, column, removed: removed == GONE, label_count, label_bytes };
        series.text(region, geometry, offset).map(|_| series)
    }

    fn text<'r>(&self, region: &'r Region, geometry: &Geometry, offset: u64) -> Result<&'r [Word], Corrupt> {
        let words = place(region, geometry, offset, self.bytes() / 8)?;
        Ok(&words[HEAD_WORDS as usize..])
    }

    /// Copies the label values, as [`pack_texts`] packed them; their inner form is left to [`are_texts`](crate::texts::are_texts).
    pub(crate) fn copy_labels(
        &self,
        region: &Region,
        geometry: &Geometry,
        offset: u64,
        labels: &mut Vec<u8>,
    ) -> Result<(), Corrupt> {
        copy_bytes(self.text(region, geometry, offset)?, self.label_bytes, labels);
        Ok(())
    }

    /// Whether the record at `offset` is that series. Compares what is cheap first and copies
    /// nothing, so that a forged index does not make a search slow.
    pub(crate) fn is_at(
        region: &Region,
        geometry: &Geometry,
        offset: u64,
        hash: u64,
        family: u64,
        labels: &[u8],
    ) -> bool {
        let Ok(series) = Self::parse(region, geometry, offset) else { return false };
        series.hash == hash
            && series.family == family
            && series.label_bytes == labels.len() as u64
            && series
                .text(region, geometry, offset)
                .is_ok_and(|text| text.iter().map(Word::peek).eq(words_of(labels)))
    }

    /// Bytes it takes.
    pub(crate) fn bytes(&self) -> u64 {
        (HEAD_WORDS + self.label_bytes.div_ceil(8)) * 8
    }

    /// The word that says whether the series was removed.
    pub(crate) fn removed(region: &Region, offset: u64) -> Option<&Word> {
        region.word(offset.checked_add(REMOVED)?)
    }
}
