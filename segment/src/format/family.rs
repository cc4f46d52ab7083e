//! The record of a family.

use super::record::{
    Corrupt, FAMILY, HEAD_WORDS, HashKey, bytes_of, copy_bytes, head, meta, place, words_of,
};
use crate::{
    definition::{Definition, GaugeMode, Kind, MAX_HELP, MAX_LABELS, MAX_NAME},
    format::strings::{pack_strings, strings},
    layout::{PAGE_WORDS, Plane},
    memory::{atomic::Word, mapping::Mapping, view::View},
    native::NativeBuckets,
};

/// Maximum size in bytes of a family's label names.
const MAX_NAMES: u64 = (MAX_LABELS * (MAX_NAME + 2)) as u64;
/// Maximum number of bounds of a histogram: its cells, two more than bounds, must fit into one page.
const MAX_BOUNDS: u64 = PAGE_WORDS as u64 - 2;

/// Bytes from the start of a family record to the word with its newest claim.
const NEWEST_CLAIM: u64 = 4 * 8;
/// Number of words with counts between the head and the bounds.
const COUNTS: u64 = 2;
/// Bytes from the start of a family record to the number of its series.
const SERIES_COUNT: u64 = HEAD_WORDS * 8;
/// Bytes from the start of a family record to the number of its overflows.
const OVERFLOW_COUNT: u64 = (HEAD_WORDS + 1) * 8;

/// The maximum age, which only a summary's definition has; 0 for other kinds.
fn age_of(kind: Kind) -> u32 {
    if let Kind::Summary { max_age } = kind { max_age } else { 0 }
}

/// The flag of a histogram that has a native form as well, where a gauge has its mode.
const JOINT: u64 = 1 << 16;

/// The numbers of a definition as they are stored: a bound or quantile each, and a window of native buckets in a word.
fn shape_of(definition: &Definition) -> Vec<u64> {
    let native = match definition.kind {
        Kind::NativeHistogram(buckets) => Some(buckets),
        _ => definition.native.map(|native| native.buckets),
    };
    let window = native.map(|NativeBuckets { schema, lowest, cells }| {
        let schema = u64::from(schema.cast_unsigned());
        schema | u64::from(cells) << 16 | u64::from(lowest.cast_unsigned()) << 32
    });
    definition.bounds.iter().map(|bound| bound.to_bits()).chain(window).collect()
}

/// The first word of a definition's record.
fn meta_of(definition: &Definition, shape: &[u64]) -> u64 {
    let joint = if definition.native.is_some() { JOINT } else { 0 };
    meta(FAMILY, Some(definition.kind), definition.label_names.len(), shape.len()) | joint
}

/// The window of native buckets in a definition's word.
fn native_of(word: u64) -> Result<NativeBuckets, Corrupt> {
    let [schema, unused, ..] = word.to_le_bytes();
    let (lowest, cells) = ((word >> 32) as u32, (word >> 16) as u16);
    let buckets = NativeBuckets { schema: schema.cast_signed(), lowest: lowest.cast_signed(), cells };
    if unused == 0 { Ok(buckets) } else { Err(Corrupt) }
}

/// The window of native buckets, where there is one, and the other numbers.
fn split_shape(meta: u64, shape: &[u64]) -> Result<(Option<NativeBuckets>, Vec<f64>), Corrupt> {
    let numbers = |words: &[u64]| words.iter().copied().map(f64::from_bits).collect();
    let (kind, is_joint) = ((meta >> 8) & 0xff, meta & 0xff_0000 == JOINT);
    if kind != 4 && !(kind == 2 && is_joint) {
        return Ok((None, numbers(shape)));
    }
    let (window, bounds) = shape.split_last().ok_or(Corrupt)?;
    Ok((Some(native_of(*window)?), numbers(bounds)))
}

fn kind_of(meta: u64, max_age: u32, native: Option<NativeBuckets>) -> Result<Kind, Corrupt> {
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
        4 => Ok(Kind::NativeHistogram(native.ok_or(Corrupt)?)),
        _ => Err(Corrupt),
    }
}

/// A family, as read from the segment.
#[derive(Debug, Clone)]
pub(crate) struct FamilyRecord {
    pub(crate) definition: Definition,
    pub(crate) hash: u64,
    /// Column, in the per-process plane, where each living process writes the `claim_seq` at which it
    /// asserted this definition.
    pub(crate) claim_column: u64,
    /// Size of the record, in bytes.
    pub(crate) bytes: u64,
}

impl FamilyRecord {
    /// Index of the word with the column of the claims.
    pub(crate) const COLUMN_WORD: usize = 5;

    /// The size that the record at `offset` claims to have, in bytes, valid or not: the cost of reading it.
    pub(crate) fn claimed_bytes(view: &View, offset: u64) -> u64 {
        const MOST: u64 =
            (HEAD_WORDS + COUNTS + MAX_BOUNDS + 1) * 8 + MAX_NAME as u64 + MAX_HELP as u64 + MAX_NAMES;
        match head(view, offset) {
            Ok([meta, _, lengths, label_bytes, ..]) if meta & 0xff == FAMILY => {
                let texts = [lengths & 0xffff_ffff, lengths >> 32, label_bytes & 0xffff_ffff];
                let bytes = (HEAD_WORDS + COUNTS + (meta >> 48)) * 8;
                texts.into_iter().fold(bytes, u64::saturating_add).min(MOST)
            }
            _ => HEAD_WORDS * 8,
        }
    }

    /// Hash of everything that identifies a family. The order of the labels is left out, because it is not
    /// part of the identity; the record has the order of the first definition.
    pub(crate) fn hash(key: HashKey, definition: &Definition) -> u64 {
        let shape = shape_of(definition);
        let kind = meta_of(definition, &shape);
        let labels = pack_strings(definition.sorted_labels());
        let shape = bytes_of(&shape);
        let age = age_of(definition.kind).to_le_bytes();
        let age = if let Kind::Summary { .. } = definition.kind { &age[..] } else { &[] };
        key.hash(&[&kind.to_le_bytes(), definition.name.as_bytes(), &[0], &labels, &shape, age])
    }

    /// The words of the record.
    pub(crate) fn compose(definition: &Definition, hash: u64, claim_column: u64) -> Vec<u64> {
        let labels = pack_strings(definition.label_names.iter().map(String::as_str));
        let text = [definition.name.as_bytes(), definition.help.as_bytes(), &labels].concat();
        let lengths = definition.name.len() as u64 | (definition.help.len() as u64) << 32;
        let shape = shape_of(definition);
        let kind = meta_of(definition, &shape);
        let label_bytes = labels.len() as u64 | u64::from(age_of(definition.kind)) << 32;
        let mut words = vec![kind, hash, lengths, label_bytes, 0, claim_column];
        words.extend([0; COUNTS as usize]);
        words.extend(shape);
        words.extend(words_of(&text));
        words
    }

    /// Whether the record at `offset` may be the one with this hash. Cheap, so that a corrupt index does not
    /// make a search slow.
    pub(crate) fn has_hash(view: &View, offset: u64, hash: u64) -> bool {
        head(view, offset).is_ok_and(|head| head[0] & 0xff == FAMILY && head[1] == hash)
    }

    /// Reads and validates the record at `offset`.
    pub(crate) fn parse(view: &View, offset: u64) -> Result<Self, Corrupt> {
        let [meta, hash, lengths, label_bytes, _, claim_column] = head(view, offset)?;
        let (name_bytes, help_bytes) = (lengths & 0xffff_ffff, lengths >> 32);
        let (label_bytes, max_age) = (label_bytes & 0xffff_ffff, (label_bytes >> 32) as u32);
        let (labels, shape) = ((meta >> 32) & 0xffff, meta >> 48);
        let sensible = meta & 0xff == FAMILY
            && name_bytes <= MAX_NAME as u64
            && help_bytes <= MAX_HELP as u64
            && label_bytes <= MAX_NAMES
            && labels <= MAX_LABELS as u64
            && shape <= MAX_BOUNDS
            && claim_column < Plane::PerProcess.capacity();
        if !sensible {
            return Err(Corrupt);
        }
        let text_bytes = name_bytes + help_bytes + label_bytes;
        let words = HEAD_WORDS + COUNTS + shape + text_bytes.div_ceil(8);
        let body = &place(view, offset, words)?[(HEAD_WORDS + COUNTS) as usize..];
        let (shape, body) = body.split_at(shape as usize);
        let shape: Vec<u64> = shape.iter().map(Word::load_relaxed).collect();
        let mut text = Vec::new();
        copy_bytes(body, text_bytes, &mut text);
        let (name, text) = text.split_at(name_bytes as usize);
        let (help, names) = text.split_at(help_bytes as usize);
        let names: Vec<&str> = strings(names).take(MAX_LABELS + 1).collect::<Result<_, _>>()?;
        let text_of = |bytes| std::str::from_utf8(bytes).map_err(|_| Corrupt);
        let (native, bounds) = split_shape(meta, &shape)?;
        let kind = kind_of(meta, max_age, native)?;
        let definition =
            Definition::new(text_of(name)?, text_of(help)?, kind, &names, &bounds).map_err(|_| Corrupt)?;
        let definition = match native.filter(|_| kind == Kind::Histogram) {
            Some(buckets) => definition.joined(buckets).ok_or(Corrupt)?,
            None => definition,
        };
        let valid = definition.bounds == bounds && names.len() as u64 == labels;
        if valid { Ok(Self { definition, hash, claim_column, bytes: words * 8 }) } else { Err(Corrupt) }
    }

    /// The word that holds the newest claim on the name.
    pub(crate) fn newest_claim(mapping: &Mapping, offset: u64) -> Option<&Word> {
        mapping.word(offset.checked_add(NEWEST_CLAIM)?)
    }
    /// The word that counts its series. A process that dies between a series and its count leaves it too low or too
    /// high by one, so it decides nothing but whether further series are welcome.
    pub(crate) fn series_count(mapping: &Mapping, offset: u64) -> Option<&Word> {
        mapping.word(offset.checked_add(SERIES_COUNT)?)
    }

    /// The word that counts how often label values were looked up that found no room of their own.
    pub(crate) fn overflow_count(mapping: &Mapping, offset: u64) -> Option<&Word> {
        mapping.word(offset.checked_add(OVERFLOW_COUNT)?)
    }
}
