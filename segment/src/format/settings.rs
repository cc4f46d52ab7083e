//! The settings that a segment has, and those that the processes in its slots are configured with.
//!
//! The process that creates a segment decides its settings. A later one may be configured differently: it uses the
//! segment as it is, and says in its slot what it is configured with. The limit of series, which bounds only how
//! much of an index is taken, follows the youngest process with each generation; all others would need another
//! segment.

use crate::{
    config::{Config, Settings},
    format::{record::HashKey, ring, ttl},
    layout::{Shape, Slot, TOLD, header},
    memory::{atomic::Word, view::View},
};
use std::mem::offset_of;

/// The words of [`Slot::configured`], with their offsets in a slot.
pub(crate) fn words(settings: &Settings) -> [(usize, u64); 3] {
    let shape = Shape {
        max_series: settings.max_series,
        max_processes: settings.max_processes as u16,
        max_label_length: settings.max_label_length as u16,
    };
    let rest = u64::from(settings.summary_samples) | u64::from(settings.series_ttl) << 32;
    let at = |word: usize| offset_of!(Slot, configured) + 8 * word;
    [(at(0), settings.size), (at(1), shape.pack()), (at(2), rest)]
}

/// What the owner of a slot is configured with; `None` if that makes no sense.
pub(crate) fn of_slot(view: &View, slot: usize) -> Option<Settings> {
    let word =
        |at: usize| view.slot_word(slot, offset_of!(Slot, configured) + 8 * at).map_or(0, Word::load_relaxed);
    let (size, shape, rest) = (word(0), Shape::unpack(word(1)), word(2));
    let settings = Settings {
        size,
        max_processes: shape.max_processes.into(),
        max_series: shape.max_series,
        max_label_length: shape.max_label_length.into(),
        summary_samples: rest as u32,
        series_ttl: (rest >> 32) as u32,
    };
    let is_valid = size > 0
        && (1..=Config::MAX_PROCESSES).contains(&settings.max_processes)
        && (1..=Config::MAX_SERIES).contains(&settings.max_series)
        && settings.max_label_length >= Config::MIN_LABEL_LENGTH
        && (1..=Config::MAX_SUMMARY_SAMPLES).contains(&settings.summary_samples)
        && settings.series_ttl <= Config::MAX_SERIES_TTL;
    is_valid.then_some(settings)
}

/// What the segment has in a generation.
pub(crate) fn of_segment(view: &View, generation: u64) -> Settings {
    let shape = view.geometry.shape;
    Settings {
        size: view.head(header!(size)).load_relaxed(),
        max_processes: shape.max_processes.into(),
        max_series: view.max_series(view.geometry.half(generation)),
        max_label_length: shape.max_label_length.into(),
        summary_samples: ring::samples_of(view) as u32,
        series_ttl: ttl::of(view),
    }
}

/// The settings of the youngest process among the owners of these slots.
pub(crate) fn of_youngest(view: &View, slots: impl Iterator<Item = usize>) -> Option<(usize, Settings)> {
    let claim =
        |slot: &usize| view.slot_word(*slot, offset_of!(Slot, claim_seq)).map_or(0, Word::load_relaxed);
    let youngest = slots.max_by_key(claim)?;
    Some((youngest, of_slot(view, youngest)?))
}

/// Whether a process has told its log of these settings before; otherwise this one is to do so. Nobody is, once too
/// many different ones were told of.
pub(crate) fn are_told(view: &View, key: HashKey, settings: &Settings) -> bool {
    let words = words(settings).map(|(_, word)| word.to_le_bytes());
    let hash = key.hash(&[&words[0], &words[1], &words[2]]) | 1; // never 0
    for at in 0..TOLD {
        match view.head(header!(told) + 8 * at as u64).compare_exchange(0, hash) {
            Ok(()) => return false,
            Err(known) if known == hash => return true,
            Err(_) => {}
        }
    }
    true
}
