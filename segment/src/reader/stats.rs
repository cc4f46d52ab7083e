//! The segment's own state.

use super::{
    catalogue::Catalogue,
    cells::Cells,
    slots::{Slots, missing_exits, process_labels, slot_value},
};
use crate::{
    format::{index, runtime::Runtime, settings},
    layout::{LIVENESS_DEGRADED, LIVENESS_KERNEL, PAGE, RECORD_UNIT, SHARED, Slot, UNSET, header},
    memory::{atomic::Word, mapping::Mapping, view::View},
    snapshot::{
        Blocker, Liveness, OtherSettings, Process, Reason, SlotState, SlotView, Snapshot, Stats, Taken,
    },
};
use std::mem::offset_of;

/// Owners of each slot that died without a clean exit, as far as known.
///
/// Semaphores and slots cannot be read at one instant, and a counter must not decrease. So a look at a slot
/// only counts deaths that are certain, and the highest result is kept.
#[derive(Debug, Default)]
pub(crate) struct Deaths(Vec<u64>);

impl Deaths {
    /// Reads the semaphores between two reads of the slots.
    pub(crate) fn look(&mut self, view: &View, ask: impl FnOnce() -> Option<Vec<u16>>) -> Option<Vec<u16>> {
        let look = |slot| tenants(view, slot);
        let high = view.head(header!(slots_high)).load_acquire() as usize; // pair: SLOT
        let before: Vec<_> = (0..high.min(view.geometry.slots)).map(look).collect();
        let values = ask()?;
        self.0.resize(before.len().max(self.0.len()), 0);
        for (slot, (known, before)) in self.0.iter_mut().zip(before).enumerate().skip(1) {
            let after = look(slot);
            // A process that came or went between the reads may be the living one.
            let living = u64::from(values[slot] > 0 || before != after);
            *known = (*known).max(before.0.saturating_sub(after.1).saturating_sub(living));
        }
        Some(values)
    }

    fn of(&self, slot: usize) -> u64 {
        self.0.get(slot).copied().unwrap_or(0)
    }

    fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, deaths| sum.saturating_add(*deaths))
    }
}

/// How many processes have claimed the slot, and how many of them exited cleanly.
fn tenants(view: &View, slot: usize) -> (u64, u64) {
    let word = |field| slot_value(view, slot, field);
    let said = word(offset_of!(Slot, clean)).wrapping_add(word(offset_of!(Slot, fatal)));
    (word(offset_of!(Slot, claims)), said)
}

pub(crate) fn collect(
    cells: &Cells<'_>,
    deaths: &Deaths,
    catalogue: &Catalogue,
    snapshot: &Snapshot,
    corrupt: u64,
) -> Stats {
    let Cells { view, slots, sight, .. } = *cells;
    let half = view.geometry.half(sight.now());
    let sum = |field| -> u64 {
        (0..slots.high).map(|slot| slot_value(view, slot, field)).fold(0, u64::wrapping_add)
    };
    let rows = snapshot.families.iter().map(|family| family.rows().count() as u64);
    let overflow = if slots.high == 0 { 0 } else { missing_exits(view, SHARED) };
    Stats {
        reserved_bytes: view.bytes(),
        used_bytes: used_bytes(cells),
        leaked_bytes: leaked_bytes(cells, catalogue),
        leaked_series: leaked_series(cells, catalogue),
        series: rows.sum(),
        hidden_series: 0,
        superseded_families: catalogue.superseded,
        max_series: view.max_series(half).into(),
        settings: settings::of_segment(view, sight.now()),
        most_series: view.geometry.most_series(),
        other_settings: other_settings(cells),
        index_entries: view.population(half).entries,
        max_index_entries: view.geometry.most_entries(),
        removed_series: removed_series(cells, catalogue),
        replaced_families: catalogue.outdated,
        taken: view.taken(half).map(|(part, whole)| Taken { part, whole }),
        generation: sight.now(),
        former_bytes: former_bytes(cells),
        blocked_by: blocked_by(cells),
        max_processes: u64::from(view.geometry.shape.max_processes),
        slots: slot_views(cells, deaths),
        dropped: Reason::ALL.map(|reason| sum(offset_of!(Slot, dropped) + 8 * reason as usize)),
        truncated_labels: sum(offset_of!(Slot, truncated)),
        worker_starts: sum(offset_of!(Slot, claims)),
        exits_clean: sum(offset_of!(Slot, clean)),
        exits_fatal: sum(offset_of!(Slot, fatal)),
        exits_abrupt: deaths.total(),
        overflow_processes: overflow,
        corrupt_records: corrupt,
        liveness: liveness(view, slots),
        created: f64::from_bits(view.head(header!(created)).load_relaxed()),
    }
}

/// What the youngest living process is configured with, if the segment has other settings.
fn other_settings(Cells { view, slots, sight, .. }: &Cells<'_>) -> Option<OtherSettings> {
    let living = || (SHARED + 1..slots.high).filter(|slot| slots.counts[*slot]);
    let (slot, settings) = settings::of_youngest(view, living())?;
    let has = settings::of_segment(view, sight.now());
    if has.differences(&settings, 0).is_empty() {
        return None;
    }
    let pid = slot_value(view, slot, offset_of!(Slot, pid)) as u32;
    let processes = living().filter(|slot| settings::of_slot(view, *slot) == Some(settings)).count() as u64;
    Some(OtherSettings { settings, pid, processes })
}

fn liveness(mapping: &Mapping, slots: &Slots) -> Liveness {
    match mapping.head(header!(liveness)).load_relaxed() {
        _ if !slots.knows_deaths() => Liveness::Unknown,
        LIVENESS_KERNEL => Liveness::Kernel,
        LIVENESS_DEGRADED => Liveness::Degraded,
        _ => Liveness::Unknown,
    }
}

/// Entries of the index that lead to removed series.
fn removed_series(Cells { view, sight, .. }: &Cells<'_>, catalogue: &Catalogue) -> u64 {
    let entries = view.population(view.geometry.half(sight.now())).entries;
    let wanted = catalogue.series_count(sight.half()) + catalogue.family_count(sight.half());
    entries.saturating_sub(wanted)
}

fn former_bytes(Cells { view, sight, .. }: &Cells<'_>) -> u64 {
    if sight.is_settled() { 0 } else { view.used_bytes_of(view.geometry.half(sight.now() + 1)) }
}

/// Counts of a living process in the former generation come first, because they hold up what has begun.
fn blocked_by(cells: &Cells<'_>) -> Option<Blocker> {
    let Cells { view, slots, sight, .. } = *cells;
    let word = |offset| view.head(offset).load_relaxed();
    if word(header!(liveness)) == LIVENESS_DEGRADED || word(header!(uncounted)) != 0 {
        return Some(Blocker::Liveness);
    }
    let mut behind = sight.behind().filter(|slot| slots.is_live(view, *slot));
    if let Some(slot) = behind.next() {
        let pid = slot_value(view, slot, offset_of!(Slot, pid)) as u32;
        return Some(Blocker::Worker { pid, slot, processes: 1 + behind.count() as u64 });
    }
    let processes = missing_exits(view, SHARED);
    (slots.are_shared() && processes > 0).then_some(Blocker::NoSlot { processes })
}

fn used_bytes(Cells { view, slots, sight, .. }: &Cells<'_>) -> u64 {
    let indexes = sight.halves(&view.geometry).map(|half| index::touched_pages(view, half).count() as u64);
    let slots = (slots.high * size_of::<Slot>()) as u64;
    PAGE + slots + indexes.sum::<u64>() * PAGE + view.used_bytes()
}

/// Taken but unreachable bytes: incomplete records and pages of dead processes, and replaced series. Nobody knows
/// them while slots are carried; they end with their generation.
fn leaked_bytes(Cells { view, page_map, sight, .. }: &Cells<'_>, catalogue: &Catalogue) -> u64 {
    if sight.former().is_some() {
        return 0;
    }
    let half = view.geometry.half(sight.now());
    let space = view.space(half);
    let units = catalogue.record_units(sight.half());
    let records = space.units.saturating_sub(units) * RECORD_UNIT;
    let pages = space.pages.saturating_sub(page_map.total) * PAGE;
    (records + pages).min(half.room())
}

/// Series that count against the limit although they cannot be found.
fn leaked_series(Cells { view, sight, .. }: &Cells<'_>, catalogue: &Catalogue) -> u64 {
    let counted = view.population(view.geometry.half(sight.now())).series;
    counted.saturating_sub(catalogue.series_count(sight.half()))
}

fn slot_views(cells: &Cells<'_>, deaths: &Deaths) -> Vec<SlotView> {
    let (pages, labels) =
        (cells.page_map.pages_by_slot(cells.slots.high), process_labels(cells.view, cells.slots));
    let slots = pages.iter().zip(labels).enumerate();
    let view = |(slot, (pages, label))| SlotView {
        crashes: deaths.of(slot),
        ..slot_view(cells, slot, pages * PAGE, label)
    };
    slots.map(view).collect()
}

fn slot_view(cells: &Cells<'_>, slot: usize, bytes: u64, label: String) -> SlotView {
    let Cells { view, slots, .. } = cells;
    let word = |field| slot_value(view, slot, field);
    let starts = word(offset_of!(Slot, claims));
    let state = match slots.is_live(view, slot) {
        _ if slot == SHARED => SlotState::Live,
        true => SlotState::Live,
        false if starts > 0 => SlotState::Inherited,
        false => SlotState::Free,
    };
    SlotView {
        index: slot,
        state,
        pid: word(offset_of!(Slot, pid)) as u32,
        since: f64::from_bits(word(offset_of!(Slot, since))),
        starts,
        crashes: 0,
        bytes,
        process: runtime(cells, slot).map(|runtime| Process { label, runtime }),
    }
}

/// The stats that the slot's living owner has published. The start is written last.
fn runtime(Cells { view, slots, .. }: &Cells<'_>, slot: usize) -> Option<Runtime> {
    let word = |field| view.slot_word(slot, field).map_or(0, Word::load_acquire); // pair: RUNTIME
    let start = word(offset_of!(Slot, runtime.start));
    let is_told = slot != SHARED && slots.counts[slot] && start != 0 && start != UNSET;
    let mut runtime = Runtime::default();
    runtime.fields().into_iter().for_each(|(field, number)| *number = f64::from_bits(word(field)));
    let makes_sense = runtime.fields().iter().all(|(_, number)| number.is_finite() && **number >= 0.0);
    (is_told && makes_sense).then_some(runtime)
}
