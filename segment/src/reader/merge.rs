//! The merge: sums over slots for what lasts, views over living processes for gauges.

use super::{
    catalogue::Catalogue,
    entry::Entry,
    exemplars::Exemplars,
    pages::{Page, Pages, Survey},
};
use crate::{
    definition::{GaugeMode, Kind},
    layout::{Geometry, PAGE_WORDS, Slot, UNSET, header},
    memory::{
        atomic::{Cell, Word, unique},
        mapping::{Region, memory_limit},
    },
    os::OPEN,
    snapshot::{ABSENT, Family, Snapshot},
    writer::SHARED,
};
use std::{collections::HashSet, mem::offset_of};

/// The slots that were ever used, as one scrape sees them.
#[derive(Debug)]
pub(crate) struct Slots {
    /// Semaphore value of each; `None` if there are no semaphores to ask.
    values: Option<Vec<u16>>,
    /// One more than the highest ever used.
    pub(crate) high: usize,
    /// Of each slot, whether its gauges count. The shared one's do while processes without a slot
    /// of their own may be alive.
    pub(crate) counts: Vec<bool>,
}

impl Slots {
    pub(crate) fn look(region: &Region, geometry: &Geometry, values: Option<Vec<u16>>) -> Self {
        let high = region.head(header!(slots_high)).observe() as usize; // pair: SLOT
        let mut slots = Self { values, high: high.min(geometry.slots), counts: Vec::new() };
        let is_open = |slot| slots.is_open(region, geometry, slot);
        slots.counts = (0..slots.high).map(is_open).collect();
        slots
    }

    /// Without semaphores a slot counts as living until its owner says goodbye.
    fn is_open(&self, region: &Region, geometry: &Geometry, slot: usize) -> bool {
        match &self.values {
            Some(values) if slot != SHARED => values[slot] >= OPEN,
            _ => unsaid_goodbyes(region, geometry, slot) > 0,
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

/// The way from a column to its cells.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'r> {
    pub(crate) region: &'r Region,
    pub(crate) geometry: &'r Geometry,
    pub(crate) slots: &'r Slots,
    pub(crate) survey: &'r Survey,
}

impl<'r> Cells<'r> {
    /// The highest number that a living process has written as its claim in that column.
    pub(crate) fn newest_claim(&self, column: u64) -> u64 {
        let claims = self.gauges(column).filter(|(slot, _)| *slot != SHARED).map(|(_, claim)| claim);
        claims.filter(|claim| *claim > 0.0).fold(0.0, f64::max) as u64
    }

    fn cell(&self, page: Page, column: u64) -> Option<&'r Cell> {
        page.cells(self.region, self.geometry).get(column as usize % PAGE_WORDS)
    }

    /// What is set in a column of the living plane by those whose gauges count.
    fn gauges(&self, column: u64) -> impl Iterator<Item = (usize, f64)> {
        let pages = self.survey.living.of(column).iter();
        let counting = pages.filter(|page| self.slots.counts[usize::from(page.slot)]);
        let values = counting.filter_map(move |page| Some((page, self.cell(*page, column)?.get())));
        values.filter(|(_, value)| !is_unset(*value)).map(|(page, value)| (usize::from(page.slot), value))
    }

    /// A number that is another when someone has updated the series, as far as its values show that. What
    /// is seen of gauges of one's own process also changes with the processes, so it says nothing.
    pub(crate) fn print(&self, totals: &Totals, kind: Kind, column: u64, count: usize) -> u64 {
        let mixed = |print: u64, value: &f64| {
            print.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ value.to_bits()
        };
        match kind {
            Kind::Gauge(GaugeMode::Last) => self.shared(column).to_bits(),
            Kind::Gauge(_) => 0,
            _ => totals.of(&self.survey.lasting, column, count).map_or(0, |sums| sums.iter().fold(0, mixed)),
        }
    }

    /// The value that all processes share.
    fn shared(&self, column: u64) -> f64 {
        let page = self.survey.living.of(column).first().filter(|page| usize::from(page.slot) == SHARED);
        page.and_then(|page| self.cell(*page, column)).map_or(ABSENT, Cell::get)
    }
}

/// The lasting plane, added up over all slots.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    sums: Vec<f64>,
}

impl Totals {
    /// Adds up page by page; a page that no slot has takes no room.
    pub(crate) fn refresh(&mut self, region: &Region, geometry: &Geometry, pages: &Pages) {
        self.sums.clear();
        self.sums.resize(pages.count() * PAGE_WORDS, 0.0);
        for (sums, of_slots) in self.sums.chunks_exact_mut(PAGE_WORDS).zip(pages.by_rank()) {
            // Several at a time, for most of the time goes into waiting for memory.
            for several in of_slots.chunks(AT_ONCE) {
                add_up(sums, several.iter().map(|page| page.cells(region, geometry)));
            }
        }
    }

    /// The sums of `count` cells.
    fn of(&self, pages: &Pages, column: u64, count: usize) -> Option<&[f64]> {
        let first = pages.rank(column)? * PAGE_WORDS + column as usize % PAGE_WORDS;
        self.sums.get(first..first + count)
    }
}

/// How many slots' pages are added up at a time.
const AT_ONCE: usize = 4;

/// Adds to each sum the cells of its column, always in the order of slots: a sum of floating-point
/// numbers depends on it, and may not go back by a rounding.
fn add_up<'c>(sums: &mut [f64], pages: impl Iterator<Item = &'c [Cell]>) {
    let mut columns: [&[Cell]; AT_ONCE] = [&[]; AT_ONCE];
    columns.iter_mut().zip(pages).for_each(|(column, page)| *column = page);
    match columns {
        [a, b, c, d] if columns.iter().all(|column| !column.is_empty()) => {
            for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *sum = (((*sum + a.get()) + b.get()) + c.get()) + d.get();
            }
        }
        few => {
            for page in few {
                sums.iter_mut().zip(page).for_each(|(sum, cell)| *sum += cell.get());
            }
        }
    }
}

/// Refreshes the numbers of all rows. Answers how many rows found no room, and how many exemplars broke a rule.
pub(crate) fn values(
    cells: &Cells<'_>,
    catalogue: &Catalogue,
    totals: &Totals,
    snapshot: &mut Snapshot,
) -> u64 {
    let lasting = &cells.survey.lasting;
    let exemplars = Exemplars::look(cells);
    let mut processes = None;
    for (entry, view) in catalogue.chosen().zip(&mut snapshot.families) {
        match entry.definition.kind {
            Kind::Gauge(GaugeMode::All) => {
                processes.get_or_insert_with(|| Processes::look(cells)).rows(cells, entry, view);
            }
            Kind::Gauge(mode) => merged_gauges(cells, entry, mode, view),
            Kind::Counter | Kind::Histogram => {
                copy_totals(entry, totals, lasting, view);
                view.set_exemplars(exemplars.of(entry));
            }
            Kind::Summary { .. } => copy_summary_totals(entry, totals, lasting, view),
        }
    }
    processes.map_or(0, |processes| processes.left_out) + exemplars.bad
}

fn copy_totals(entry: &Entry, totals: &Totals, pages: &Pages, view: &mut Family) {
    let cells = entry.definition.cells();
    for (values, column) in view.all_values_mut().chunks_exact_mut(cells).zip(entry.columns()) {
        match totals.of(pages, column, cells) {
            Some(sums) => values.copy_from_slice(sums),
            None => values.fill(0.0),
        }
    }
}

/// Sum and count; the quantiles come from elsewhere.
fn copy_summary_totals(entry: &Entry, totals: &Totals, pages: &Pages, view: &mut Family) {
    for (row, column) in entry.columns().enumerate() {
        let numbers = view.values_mut(row);
        let at = numbers.len() - 2;
        let (count, sum) = match totals.of(pages, column, 2) {
            Some([count, sum]) => (*count, *sum),
            _ => (0.0, 0.0),
        };
        numbers[at..].copy_from_slice(&[sum, count]);
    }
}

fn merged_gauges(cells: &Cells<'_>, entry: &Entry, mode: GaugeMode, view: &mut Family) {
    for (row, column) in entry.columns().enumerate() {
        let living = cells.gauges(column).map(|(_, value)| value);
        view.values_mut(row)[0] = match mode {
            GaugeMode::Last | GaugeMode::All => cells.shared(column),
            GaugeMode::Sum => living.fold(0.0, |sum, value| sum + value),
            GaugeMode::Min => living.reduce(f64::min).unwrap_or(ABSENT),
            GaugeMode::Max => living.reduce(f64::max).unwrap_or(ABSENT),
        };
    }
}

/// The processes that `all` gauges are told apart by.
struct Processes {
    /// The value of the label `pid`, by slot; empty where nobody lives.
    labels: Vec<String>,
    /// Where each slot stands in the order of these labels.
    ranks: Vec<usize>,
    /// Bytes that rows may still take: every process repeats all labels, and that can be more than
    /// the whole segment. See [`memory_limit`].
    room: usize,
    left_out: u64,
}

/// The label `pid` of each slot's owner, empty where nobody lives. Two containers may both have a
/// process 1: the elder keeps the plain number, the other gets its slot's number behind it.
pub(crate) fn process_labels(cells: &Cells<'_>) -> Vec<String> {
    let word = |slot, field| slot_word(cells.region, cells.geometry, slot, field);
    let mut living: Vec<usize> = (1..cells.slots.high).filter(|slot| cells.slots.counts[*slot]).collect();
    living.sort_by_key(|slot| word(*slot, offset_of!(Slot, birth)));
    let mut labels = vec![String::new(); cells.slots.high];
    let mut taken = HashSet::new();
    for slot in living {
        let pid = word(slot, offset_of!(Slot, pid));
        labels[slot] = if taken.insert(pid) { pid.to_string() } else { format!("{pid}-{slot}") };
    }
    if let Some(shared) = labels.first_mut() {
        *shared = "shared".into();
    }
    labels
}

impl Processes {
    fn look(cells: &Cells<'_>) -> Self {
        let labels = process_labels(cells);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_unstable_by(|a, b| labels[*a].cmp(&labels[*b]));
        let mut ranks = vec![0; labels.len()];
        order.iter().enumerate().for_each(|(rank, slot)| ranks[*slot] = rank);
        let room = memory_limit(cells.region, cells.geometry) as usize;
        Self { labels, ranks, room, left_out: 0 }
    }

    /// Lays out a row for each series and living process; keeps the generation if they are the same as before.
    fn rows(&mut self, cells: &Cells<'_>, entry: &Entry, view: &mut Family) {
        let mut fresh = Family::new(view.definition.clone());
        fresh.clear(view.generation());
        for (row, column) in entry.columns().enumerate().filter(|(row, _)| !entry.is_hidden(*row)) {
            let mut living: Vec<(usize, f64)> = cells.gauges(column).collect();
            living.sort_unstable_by_key(|(slot, _)| self.ranks[*slot]);
            let bytes: usize = entry.labels(row).map(|label| label.len() + ROW_BYTES).sum();
            for (slot, value) in living {
                if self.make_room(bytes + 2 * ROW_BYTES) {
                    let labels = entry.labels(row).chain([self.labels[slot].as_str()]);
                    fresh.push(labels, &[value]);
                }
            }
        }
        if !fresh.same_rows(view) {
            fresh.set_generation(unique());
        }
        *view = fresh;
    }

    fn make_room(&mut self, bytes: usize) -> bool {
        let left = self.room.checked_sub(bytes);
        self.left_out += u64::from(left.is_none());
        self.room = left.unwrap_or(self.room);
        left.is_some()
    }
}

/// Bytes that a label takes beside its text, and a number beside its row; generous.
const ROW_BYTES: usize = 16;

fn is_unset(value: f64) -> bool {
    value.to_bits() == UNSET
}
