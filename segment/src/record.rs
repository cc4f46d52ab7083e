//! Records: how families and series are written down, and how they are read back with suspicion.
//!
//! ```text
//! family   meta | hash | name bytes, help bytes << 32 | label bytes, age << 32 | newest claim | claim column | bounds… | text
//! series   meta | hash | family's offset | column | removed | label bytes | text
//! ```
//! `meta` is a tag, the kind, the gauge mode, the number of labels and the number
//! of bounds; `age` is how many seconds a summary's samples count, whose quantiles stand as bounds. Texts are UTF-8; a list of texts has each one's length before it, in
//! two bytes. Everything but `newest claim` and `removed` is immutable once published.

use crate::{
    definition::{Definition, GaugeMode, Kind, MAX_HELP, MAX_LABELS, MAX_NAME},
    index,
    layout::{Geometry, PAGE_WORDS, Plane, RECORD_UNIT, Space, header},
    region::Region,
    sync::Word,
    texts::{pack_texts, texts},
};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

const FAMILY: u64 = 0x46;
const SERIES: u64 = 0x53;
const HEAD_WORDS: u64 = 6;
/// Most bytes of a series' label values.
const MAX_VALUES: u64 = (MAX_LABELS * (65_535 + 2)) as u64;
/// Most bytes of a family's label names.
const MAX_NAMES: u64 = (MAX_LABELS * (MAX_NAME + 2)) as u64;
/// Most bounds of a histogram: its cells, two more, lie in one page.
const MAX_BOUNDS: u64 = PAGE_WORDS as u64 - 2;

/// Bytes from a family record's begin to the word with its newest claim.
const NEWEST_CLAIM: u64 = 4 * 8;
/// Bytes from a series record's begin to its removed flag.
const REMOVED: u64 = 4 * 8;

/// A series' removed flag: someone is removing it, and may have died over it. It is still exported,
/// because others may still count into it; whoever looks it up finishes the removal.
pub(crate) const LEAVING: u64 = 1;
/// A series' removed flag: nobody counts into it any more, and it is not exported.
pub(crate) const GONE: u64 = 2;

/// A record that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Corrupt;

/// The segment's keyed hash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashKey(pub(crate) [u64; 2]);

impl HashKey {
    fn hash(self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        parts.iter().for_each(|part| hasher.write(part));
        hasher.finish()
    }
}

fn words_of(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Copies the first `count` bytes of the words into `bytes`.
fn copy_bytes(words: &[Word], count: u64, bytes: &mut Vec<u8>) {
    bytes.clear();
    words.iter().for_each(|word| bytes.extend_from_slice(&word.peek().to_le_bytes()));
    bytes.truncate(count as usize);
}

fn meta(tag: u64, definition_kind: Option<Kind>, labels: usize, bounds: usize) -> u64 {
    let (kind, mode) = match definition_kind {
        None | Some(Kind::Counter) => (0, 0),
        Some(Kind::Gauge(mode)) => (1, mode as u64),
        Some(Kind::Histogram) => (2, 0),
        Some(Kind::Summary { .. }) => (3, 0),
    };
    tag | kind << 8 | mode << 16 | (labels as u64) << 32 | (bounds as u64) << 48
}

/// What a summary's definition has besides; 0 for other kinds.
fn age_of(kind: Kind) -> u32 {
    if let Kind::Summary { max_age } = kind { max_age } else { 0 }
}

fn kind_of(meta: u64, max_age: u32) -> Result<Kind, Corrupt> {
    let mode = match (meta >> 16) & 0xff {
        0 => GaugeMode::Last,
        1 => GaugeMode::Sum,
        2 => GaugeMode::Min,
        3 => GaugeMode::Max,
        4 => GaugeMode::All,
        _ => return Err(Corrupt),
    };
    match (meta >> 8) & 0xff {
        0 => Ok(Kind::Counter),
        1 => Ok(Kind::Gauge(mode)),
        2 => Ok(Kind::Histogram),
        3 => Ok(Kind::Summary { max_age }),
        _ => Err(Corrupt),
    }
}

/// `count` words from `offset` on, if they lie among the records handed out so far. What lies
/// beyond is a hole: whoever reads it gets charged for its memory.
fn place<'r>(
    region: &'r Region,
    geometry: &Geometry,
    offset: u64,
    count: u64,
) -> Result<&'r [Word], Corrupt> {
    let space = Space::unpack(region.head(header!(space)).observe());
    let end = geometry.end.min(geometry.records + space.units * RECORD_UNIT);
    let room = end.checked_sub(offset).ok_or(Corrupt)?;
    let inside = offset >= geometry.records && offset.is_multiple_of(RECORD_UNIT) && count <= room / 8;
    inside.then(|| region.words(offset, count)).flatten().ok_or(Corrupt)
}

/// The words that every record begins with.
fn head(region: &Region, geometry: &Geometry, offset: u64) -> Result<[u64; HEAD_WORDS as usize], Corrupt> {
    let words = place(region, geometry, offset, HEAD_WORDS)?;
    Ok(std::array::from_fn(|at| words[at].peek()))
}

/// A family as it stands in the segment.
#[derive(Debug, Clone)]
pub(crate) struct FamilyRecord {
    pub(crate) definition: Definition,
    pub(crate) hash: u64,
    /// Where living processes write when they asserted this definition, in the living plane.
    pub(crate) claim_column: u64,
    /// Bytes it takes.
    pub(crate) bytes: u64,
}

impl FamilyRecord {
    /// The bytes that the record at `offset` says it takes, honest or not: what reading it costs.
    pub(crate) fn claimed_bytes(region: &Region, geometry: &Geometry, offset: u64) -> u64 {
        const MOST: u64 = (HEAD_WORDS + MAX_BOUNDS + 1) * 8 + MAX_NAME as u64 + MAX_HELP as u64 + MAX_NAMES;
        match head(region, geometry, offset) {
            Ok([meta, _, lengths, label_bytes, ..]) if meta & 0xff == FAMILY => {
                let texts = [lengths & 0xffff_ffff, lengths >> 32, label_bytes & 0xffff_ffff];
                let bytes = (HEAD_WORDS + (meta >> 48)) * 8;
                texts.into_iter().fold(bytes, u64::saturating_add).min(MOST)
            }
            _ => HEAD_WORDS * 8,
        }
    }

    /// Hash of all that makes two definitions one family.
    pub(crate) fn hash(key: HashKey, definition: &Definition) -> u64 {
        let kind = meta(FAMILY, Some(definition.kind), definition.label_names.len(), definition.bounds.len());
        let labels = pack_texts(definition.label_names.iter().map(String::as_str));
        let bounds = bytes_of(&definition.bounds.iter().map(|bound| bound.to_bits()).collect::<Vec<_>>());
        let age = age_of(definition.kind).to_le_bytes();
        let age = if let Kind::Summary { .. } = definition.kind { &age[..] } else { &[] };
        key.hash(&[&kind.to_le_bytes(), definition.name.as_bytes(), &[0], &labels, &bounds, age])
    }

    /// The record's words.
    pub(crate) fn compose(definition: &Definition, hash: u64, claim_column: u64) -> Vec<u64> {
        let labels = pack_texts(definition.label_names.iter().map(String::as_str));
        let text = [definition.name.as_bytes(), definition.help.as_bytes(), &labels].concat();
        let lengths = definition.name.len() as u64 | (definition.help.len() as u64) << 32;
        let kind = meta(FAMILY, Some(definition.kind), definition.label_names.len(), definition.bounds.len());
        let label_bytes = labels.len() as u64 | u64::from(age_of(definition.kind)) << 32;
        let mut words = vec![kind, hash, lengths, label_bytes, 0, claim_column];
        words.extend(definition.bounds.iter().map(|bound| bound.to_bits()));
        words.extend(words_of(&text));
        words
    }

    /// Whether the record at `offset` may be the one with that hash; cheap, so that a forged index
    /// does not make a search slow.
    pub(crate) fn has_hash(region: &Region, geometry: &Geometry, offset: u64, hash: u64) -> bool {
        head(region, geometry, offset).is_ok_and(|head| head[0] & 0xff == FAMILY && head[1] == hash)
    }

    /// Reads and checks the record at `offset`.
    pub(crate) fn parse(region: &Region, geometry: &Geometry, offset: u64) -> Result<Self, Corrupt> {
        let [meta, hash, lengths, label_bytes, _, claim_column] = head(region, geometry, offset)?;
        let (name_bytes, help_bytes) = (lengths & 0xffff_ffff, lengths >> 32);
        let (label_bytes, max_age) = (label_bytes & 0xffff_ffff, (label_bytes >> 32) as u32);
        let (labels, bounds) = ((meta >> 32) & 0xffff, meta >> 48);
        let sensible = meta & 0xff == FAMILY
            && name_bytes <= MAX_NAME as u64
            && help_bytes <= MAX_HELP as u64
            && label_bytes <= MAX_NAMES
            && labels <= MAX_LABELS as u64
            && bounds <= MAX_BOUNDS
            && claim_column < Plane::Living.capacity();
        if !sensible {
            return Err(Corrupt);
        }
        let text_bytes = name_bytes + help_bytes + label_bytes;
        let words = HEAD_WORDS + bounds + text_bytes.div_ceil(8);
        let body = &place(region, geometry, offset, words)?[HEAD_WORDS as usize..];
        let (bounds, body) = body.split_at(bounds as usize);
        let bounds: Vec<f64> = bounds.iter().map(|bits| f64::from_bits(bits.peek())).collect();
        let mut text = Vec::new();
        copy_bytes(body, text_bytes, &mut text);
        let (name, text) = text.split_at(name_bytes as usize);
        let (help, names) = text.split_at(help_bytes as usize);
        let names: Vec<&str> = texts(names).take(MAX_LABELS + 1).collect::<Result<_, _>>()?;
        let text_of = |bytes| std::str::from_utf8(bytes).map_err(|_| Corrupt);
        let kind = kind_of(meta, max_age)?;
        let definition =
            Definition::new(text_of(name)?, text_of(help)?, kind, &names, &bounds).map_err(|_| Corrupt)?;
        let honest = definition.bounds == bounds && names.len() as u64 == labels;
        if honest { Ok(Self { definition, hash, claim_column, bytes: words * 8 }) } else { Err(Corrupt) }
    }

    /// The word that holds the newest claim on the name.
    pub(crate) fn newest_claim(region: &Region, offset: u64) -> Option<&Word> {
        region.word(offset.checked_add(NEWEST_CLAIM)?)
    }
}

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

/// What an index word points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Family,
    Series,
}

impl Tag {
    /// Looks at the head of the record at `offset`: its hash must have the upper bits of `entry`,
    /// an index word.
    pub(crate) fn read(
        region: &Region,
        geometry: &Geometry,
        offset: u64,
        entry: u64,
    ) -> Result<Self, Corrupt> {
        let [meta, hash, ..] = head(region, geometry, offset)?;
        match meta & 0xff {
            _ if index::entry(hash, offset) != entry => Err(Corrupt),
            FAMILY => Ok(Self::Family),
            SERIES => Ok(Self::Series),
            _ => Err(Corrupt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Shape;
    use crate::texts::are_texts;

    fn place() -> (Region, Geometry) {
        let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
        let size = Geometry::new(shape, 0).unwrap_err();
        let region = Region::heap(size);
        region.head(header!(space)).fill(64);
        (region, Geometry::new(shape, size).unwrap())
    }

    fn histogram() -> Definition {
        Definition::new("h", "héλp", Kind::Histogram, &["a", "bc"], &[0.5, 1.0]).unwrap()
    }

    #[test]
    fn a_family_is_read_back() {
        let (region, geometry) = place();
        region.fill_words(geometry.records, &FamilyRecord::compose(&histogram(), 7, 3)).unwrap();
        let family = FamilyRecord::parse(&region, &geometry, geometry.records).unwrap();
        assert_eq!((family.definition, family.hash, family.claim_column), (histogram(), 7, 3));
    }

    #[test]
    fn a_summary_is_read_back_and_its_window_is_part_of_it() {
        let (region, geometry) = place();
        let of = |max_age| Definition::new("s", "", Kind::Summary { max_age }, &["a"], &[0.5, 0.99]).unwrap();
        region.fill_words(geometry.records, &FamilyRecord::compose(&of(600), 7, 3)).unwrap();
        let family = FamilyRecord::parse(&region, &geometry, geometry.records).unwrap();
        assert_eq!(family.definition, of(600));
        let key = HashKey([1, 2]);
        assert_ne!(FamilyRecord::hash(key, &of(600)), FamilyRecord::hash(key, &of(601)));
    }

    #[test]
    fn a_series_is_read_back() {
        let (region, geometry) = place();
        let labels = pack_texts(["", "x", "λ"]);
        let at = geometry.records;
        region.fill_words(at, &SeriesRecord::compose(64, 9, 5, 3, &labels)).unwrap();
        let series = SeriesRecord::parse(&region, &geometry, at).unwrap();
        let mut found = Vec::new();
        series.copy_labels(&region, &geometry, at, &mut found).unwrap();
        assert!(are_texts(&found, 3));
        assert_eq!(texts(&found).collect::<Result<Vec<_>, _>>(), Ok(vec!["", "x", "λ"]));
        assert_eq!((series.family, series.hash, series.column, series.removed), (64, 9, 5, false));
        assert!(SeriesRecord::is_at(&region, &geometry, at, 9, 64, &labels));
        for other in [pack_texts(["", "x", "y"]), pack_texts(["", "x", "λ", ""]), Vec::new()] {
            assert!(!SeriesRecord::is_at(&region, &geometry, at, 9, 64, &other));
        }
        assert!(!SeriesRecord::is_at(&region, &geometry, at, 8, 64, &labels));
        assert!(!SeriesRecord::is_at(&region, &geometry, at, 9, 80, &labels));
    }

    #[test]
    fn every_single_forged_word_is_survived() {
        let (region, geometry) = place();
        let words = FamilyRecord::compose(&histogram(), 7, 3);
        for at in 0..words.len() {
            for forged in [0, 1, 0x53, u64::MAX, 1 << 63, f64::NAN.to_bits(), words[at] ^ 1 << 40] {
                region.fill_words(geometry.records, &words).unwrap();
                region.word(geometry.records + 8 * at as u64).unwrap().fill(forged);
                let _survived = FamilyRecord::parse(&region, &geometry, geometry.records);
            }
        }
        for offset in [0, 8, geometry.records + 8, region.bytes(), u64::MAX - 7] {
            assert_eq!(Tag::read(&region, &geometry, offset, offset), Err(Corrupt), "{offset}");
            assert!(FamilyRecord::parse(&region, &geometry, offset).is_err(), "{offset}");
        }
    }

    #[test]
    fn what_was_not_handed_out_is_not_read() {
        let (region, geometry) = place();
        let words = FamilyRecord::compose(&histogram(), 7, 3);
        region.fill_words(geometry.records, &words).unwrap();
        let units = (words.len() as u64 * 8).div_ceil(RECORD_UNIT);
        for (units, readable) in [(units, true), (units - 1, false), (0, false), (u64::MAX >> 32, true)] {
            region.head(header!(space)).fill(units);
            let found = FamilyRecord::parse(&region, &geometry, geometry.records);
            assert_eq!(found.is_ok(), readable, "{units}");
        }
    }
}
