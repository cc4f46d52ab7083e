//! The merge: sums over slots for what lasts, views over living processes for gauges.

use super::catalogue::{Catalogue, Entry, next_generation};
use crate::{
    definition::{GaugeMode, Kind},
    layout::{Geometry, PAGE_WORDS, Plane, Slot, UNSET, header},
    region::Region,
    snapshot::{ABSENT, Family, Snapshot},
    sync::Word,
    writer::{SHARED, page_number},
};
use std::mem::offset_of;

/// Semaphore value of a slot whose owner has cleared the living plane.
const OPEN: u16 = 2;

/// The slots that were ever used, as one scrape sees them.
#[derive(Debug)]
pub(crate) struct Slots {
    /// Semaphore value of each; `None` if there are no semaphores to ask.
    values: Option<Vec<u16>>,
    /// One more than the highest ever used.
    pub(crate) high: usize,
    /// Those whose gauges count.
    open: Vec<usize>,
    /// Whether processes without a slot of their own may be alive.
    shared_in_use: bool,
}

impl Slots {
    pub(crate) fn look(region: &Region, geometry: &Geometry, values: Option<Vec<u16>>) -> Self {
        let high = region.head(header!(slots_high)).observe() as usize; // pair: SLOT
        let high = high.min(geometry.slots);
        let mut slots = Self { values, high, open: Vec::new(), shared_in_use: false };
        slots.shared_in_use = high > 0 && unsaid_goodbyes(region, geometry, SHARED) > 0;
        slots.open = (1..high).filter(|slot| slots.is_open(region, geometry, *slot)).collect();
        slots
    }

    /// Without semaphores a slot counts as living until its owner says goodbye.
    fn is_open(&self, region: &Region, geometry: &Geometry, slot: usize) -> bool {
        match &self.values {
            Some(values) => values[slot] >= OPEN,
            None => unsaid_goodbyes(region, geometry, slot) > 0,
        }
    }

    /// Whether a process owns the slot.
    pub(crate) fn is_live(&self, region: &Region, geometry: &Geometry, slot: usize) -> bool {
        match &self.values {
            Some(values) => values[slot] > 0,
            None => self.is_open(region, geometry, slot),
        }
    }

    /// Whether deaths can be told at all.
    pub(crate) fn knows_deaths(&self) -> bool {
        self.values.is_some()
    }

    /// The highest number that a living process has written as its claim in that column.
    pub(crate) fn newest_claim(&self, region: &Region, geometry: &Geometry, column: u64) -> u64 {
        let claims = self.open.iter().map(|slot| gauge(region, geometry, *slot, column));
        claims.filter(|claim| *claim > 0.0).fold(0.0, f64::max) as u64
    }

    /// The slots whose values of a gauge count.
    fn gauge_slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.shared_in_use.then_some(SHARED).into_iter().chain(self.open.iter().copied())
    }
}

/// Owners of the slot that never said goodbye: the present one, and those that died abruptly.
pub(crate) fn unsaid_goodbyes(region: &Region, geometry: &Geometry, slot: usize) -> u64 {
    let word = |field| slot_word(region, geometry, slot, field);
    let said = word(offset_of!(Slot, clean)).wrapping_add(word(offset_of!(Slot, fatal)));
    word(offset_of!(Slot, claims)).saturating_sub(said)
}

/// One word of a slot, 0 where there is none.
pub(crate) fn slot_word(region: &Region, geometry: &Geometry, slot: usize, field: usize) -> u64 {
    region.word(geometry.slot(slot) + field as u64).map_or(0, Word::peek)
}

/// Refreshes the numbers of all rows.
pub(crate) fn values(
    region: &Region,
    geometry: &Geometry,
    slots: &Slots,
    catalogue: &Catalogue,
    totals: &mut Vec<f64>,
    snapshot: &mut Snapshot,
) {
    sum_lasting(region, geometry, slots, totals);
    for (entry, view) in catalogue.chosen().zip(&mut snapshot.families) {
        match entry.definition.kind {
            Kind::Gauge(GaugeMode::All) => per_process(region, geometry, slots, entry, view),
            Kind::Gauge(mode) => merged_gauges(region, geometry, slots, entry, mode, view),
            Kind::Counter | Kind::Histogram => copy_totals(entry, totals, view),
        }
    }
}

/// Adds the lasting plane up over all slots, page by page; a page that does not exist is not touched.
fn sum_lasting(region: &Region, geometry: &Geometry, slots: &Slots, totals: &mut Vec<f64>) {
    let columns = region.head(Plane::Lasting.columns_offset()).observe().min(Plane::Lasting.capacity());
    let pages = columns.div_ceil(PAGE_WORDS as u64).min(geometry.end / 4096);
    totals.clear();
    totals.resize(pages as usize * PAGE_WORDS, 0.0);
    for slot in 0..slots.high {
        for (page, sums) in totals.chunks_exact_mut(PAGE_WORDS).enumerate() {
            let number = page_number(region, geometry, slot, Plane::Lasting, page as u64);
            let Some(cells) = number.and_then(|number| region.page(geometry, number)) else { continue };
            sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell.get());
        }
    }
}

fn copy_totals(entry: &Entry, totals: &[f64], view: &mut Family) {
    let cells = entry.definition.cells();
    for (row, series) in entry.series.iter().enumerate() {
        let column = series.column as usize;
        if let Some(numbers) = totals.get(column..column + cells) {
            view.values_mut(row).copy_from_slice(numbers);
        }
    }
}

fn merged_gauges(
    region: &Region,
    geometry: &Geometry,
    slots: &Slots,
    entry: &Entry,
    mode: GaugeMode,
    view: &mut Family,
) {
    for (row, series) in entry.series.iter().enumerate() {
        let value = |slot| gauge(region, geometry, slot, series.column);
        let living = slots.gauge_slots().map(value).filter(|value| !is_unset(*value));
        view.values_mut(row)[0] = match mode {
            GaugeMode::Last | GaugeMode::All => value(SHARED),
            GaugeMode::Sum => living.sum(),
            GaugeMode::Min => living.reduce(f64::min).unwrap_or(ABSENT),
            GaugeMode::Max => living.reduce(f64::max).unwrap_or(ABSENT),
        };
    }
}

/// Lays out a row for each series and living process; keeps the generation if they are the same as before.
fn per_process(region: &Region, geometry: &Geometry, slots: &Slots, entry: &Entry, view: &mut Family) {
    let processes = process_labels(region, geometry, slots);
    let width = entry.definition.label_names.len();
    let mut fresh = Family::new(view.definition.clone());
    fresh.clear(view.generation());
    for series in &entry.series {
        for (slot, process) in &processes {
            let value = gauge(region, geometry, *slot, series.column);
            if !is_unset(value) {
                fresh.push(series.labels(width).into_iter().chain([process.as_str()]), &[value]);
            }
        }
    }
    if !fresh.same_rows(view) {
        fresh.set_generation(next_generation());
    }
    *view = fresh;
}

/// The label `pid` of each living process. Two containers may both have a process 1: the
/// elder keeps the plain number, the other gets its slot's number behind it.
fn process_labels(region: &Region, geometry: &Geometry, slots: &Slots) -> Vec<(usize, String)> {
    let mut living: Vec<(u64, usize, u64)> = slots
        .open
        .iter()
        .map(|slot| {
            let word = |field| slot_word(region, geometry, *slot, field);
            (word(offset_of!(Slot, birth)), *slot, word(offset_of!(Slot, pid)))
        })
        .collect();
    living.sort_unstable();
    let mut labels: Vec<(usize, String)> = Vec::with_capacity(living.len() + 1);
    for (_, slot, pid) in living {
        let plain = pid.to_string();
        let taken = labels.iter().any(|(_, label)| *label == plain);
        labels.push((slot, if taken { format!("{plain}-{slot}") } else { plain }));
    }
    if slots.shared_in_use {
        labels.push((SHARED, "shared".into()));
    }
    labels.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    labels
}

/// One cell of the living plane; unset where there is no page.
fn gauge(region: &Region, geometry: &Geometry, slot: usize, column: u64) -> f64 {
    let page = column / PAGE_WORDS as u64;
    let number = page_number(region, geometry, slot, Plane::Living, page);
    let cells = number.and_then(|number| region.page(geometry, number));
    cells.map_or(ABSENT, |cells| cells[column as usize % PAGE_WORDS].get())
}

fn is_unset(value: f64) -> bool {
    value.to_bits() == UNSET
}
