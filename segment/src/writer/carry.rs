//! Carries the cells of one slot into the half of the next generation.

use super::{
    Writer,
    register::{
        Draft, FamilyDraft, Former, Home, SeriesDraft, finish_removals, leaving, remove_records, state_of,
    },
    slot::{fill_page, known_cells, pages_of, take_pages},
};
use crate::{
    definition::Definition,
    format::{
        family::FamilyRecord,
        index,
        record::Tag,
        ring,
        series::{GONE, SeriesRecord},
        strings::{pack_strings, strings},
    },
    layout::{Half, Plane, RING_CELL, Roots, UNSET, ring_pages},
    memory::{
        atomic::{Cell, Sample, Word},
        view::View,
    },
    snapshot::Reason,
};
use std::{
    collections::{HashMap, HashSet},
    mem::offset_of,
};

/// Whose cells are carried, and into whose roots. Several are added up.
pub(super) struct Load {
    pub(super) from: Vec<usize>,
    pub(super) to: usize,
    /// Gauges of a dead process do not count, and are not carried.
    pub(super) with_gauges: bool,
}

/// The work of one slot. The caller holds the slot's lock, or is its owner.
pub(super) struct Carrier<'w> {
    writer: &'w mut Writer,
    now: u64,
    /// From the offsets of families in the old half to their homes in the new one.
    families: HashMap<u64, Carried>,
    /// From the offsets of gauges' cells to those of their new cells.
    pub(super) moves: HashMap<u64, u64>,
}

/// A family in the new half.
#[derive(Clone, Copy)]
struct Carried {
    home: Home,
    /// Whether the new record has another order of labels; then the writer's permutation.
    order: Option<u32>,
}

impl<'w> Carrier<'w> {
    pub(super) fn new(writer: &'w mut Writer, now: u64) -> Self {
        Self { writer, now, families: HashMap::new(), moves: HashMap::new() }
    }

    fn view(&self) -> &View {
        &self.writer.attached.view
    }

    fn halves(&self) -> (Half, Half) {
        let geometry = &self.view().geometry;
        (*geometry.half(self.now + 1), *geometry.half(self.now))
    }

    /// Begins anew where another carrier of this slot died: its copies are zeroed first, so that they do not
    /// count twice.
    pub(super) fn carry(&mut self, load: &Load) -> Result<(), Reason> {
        let (old, new) = self.halves();
        empty(self.view(), &new, load.to);
        let (wanted, gone) = self.series_of(&old);
        self.remove_twins(&new, &gone);
        wanted.into_iter().try_for_each(|offset| self.carry_series(offset, load))
    }

    /// The offsets of a half's series: those that are there, in the order of their columns, and those that are gone. The
    /// records that are made for them have columns in the same order, so cells that shared a page share one again.
    fn series_of(&self, half: &Half) -> (Vec<u64>, HashSet<u64>) {
        let (mut wanted, mut gone) = (Vec::new(), HashSet::new());
        for (entry, offset) in index::entries(self.view(), half).map(|entry| (entry, index::offset_of(entry)))
        {
            if Tag::read(self.view(), offset, entry) != Ok(Tag::Series) {
                continue;
            }
            finish_removals(self.view(), &leaving(self.view(), offset));
            if state_of(self.view(), offset) == GONE {
                gone.insert(offset);
            } else if let Ok(series) = SeriesRecord::parse(self.view(), offset) {
                wanted.push((series.column, offset));
            }
        }
        wanted.sort_unstable();
        (wanted.into_iter().map(|(_, offset)| offset).collect(), gone)
    }

    /// Removes the series of the new half that were carried from ones that are gone: the process that removed those may
    /// have died before it came to these. Whoever carries one only now looks at the old one's flag after that.
    fn remove_twins(&self, half: &Half, gone: &HashSet<u64>) {
        if gone.is_empty() {
            return;
        }
        let view = self.view();
        let is_twin = |offset: &u64| {
            state_of(view, *offset) != GONE
                && SeriesRecord::parse(view, *offset).is_ok_and(|record| gone.contains(&record.origin))
        };
        let series = index::entries(view, half)
            .filter(|entry| Tag::read(view, index::offset_of(*entry), *entry) == Ok(Tag::Series));
        remove_records(view, series.map(index::offset_of).filter(is_twin), None);
    }

    fn carry_series(&mut self, offset: u64, load: &Load) -> Result<(), Reason> {
        let Ok(series) = SeriesRecord::parse(self.view(), offset) else { return Ok(()) };
        let Some(former) = Former::read(self.view(), offset) else { return Ok(()) };
        finish_removals(self.view(), &leaving(self.view(), offset));
        let is_gone = state_of(self.view(), offset) == GONE;
        let Some(family) = self.family(series.family, !is_gone)? else { return Ok(()) };
        let Some(labels) = self.labels(&series, offset, family) else { return Ok(()) };
        let home = family.home;
        let mut draft = SeriesDraft::new(self.writer.attached.hash_key, home, &labels, Some(former));
        let (_, half) = self.halves();
        if is_gone {
            let twin = draft.find(self.view(), &half);
            twin.into_iter().for_each(|twin| remove_twin(self.view(), twin, offset));
            return Ok(());
        }
        draft.keep_gauge(self.view(), &half);
        let Some(twin) = self.find_or_make(&half, &mut draft)? else { return Ok(()) };
        // Looked at again, because the series may have been removed from both halves since, or from the old one
        // by a process that did not find it in the new one.
        if state_of(self.view(), offset) != 0 {
            remove_twin(self.view(), twin, offset);
            return Ok(());
        }
        self.keep_touch(former, twin);
        let Ok(record) = SeriesRecord::parse(self.view(), twin) else { return Ok(()) };
        match home.plane {
            Plane::Shared => {
                let cell = self.view().geometry.gauges + 8 * record.column;
                self.moves.insert(cell, cell);
                Ok(())
            }
            Plane::PerProcess if !load.with_gauges => Ok(()),
            _ => self.copy(load, home, series.column, record.column),
        }
    }

    /// The record in the new half; `None` if it was removed there.
    fn find_or_make(&mut self, half: &Half, draft: &mut SeriesDraft<'_>) -> Result<Option<u64>, Reason> {
        if let Some(known) = draft.find(self.view(), half) {
            return Ok((state_of(self.view(), known) == 0).then_some(known));
        }
        let made = self.writer.find_or_publish(half, draft)?.offset;
        Ok((state_of(self.view(), made) == 0).then_some(made))
    }

    /// The family in the new half, which is made if that is wanted.
    fn family(&mut self, offset: u64, is_wanted: bool) -> Result<Option<Carried>, Reason> {
        if let Some(known) = self.families.get(&offset) {
            return Ok(Some(*known));
        }
        let Ok(record) = FamilyRecord::parse(self.view(), offset) else { return Ok(None) };
        if !is_wanted && !self.exists(&record.definition) {
            return Ok(None);
        }
        let home = self.writer.family_home(self.now, &record.definition)?;
        let newest = FamilyRecord::newest_claim(self.view(), offset).map_or(0, Word::load_acquire);
        if let Some(word) = FamilyRecord::newest_claim(self.view(), home.offset) {
            word.fetch_max(newest);
        }
        let overflows = FamilyRecord::overflow_count(self.view(), offset).map_or(0, Word::load_relaxed);
        if let Some(word) = FamilyRecord::overflow_count(self.view(), home.offset) {
            word.fetch_max(overflows);
        }
        let carried = Carried { home, order: home.order };
        self.families.insert(offset, carried);
        Ok(Some(carried))
    }

    fn exists(&self, definition: &Definition) -> bool {
        let draft = FamilyDraft::new(self.writer.attached.hash_key, definition);
        draft.find(self.view(), &self.halves().1).is_some()
    }

    /// The label values, in the order of the new half's record.
    fn labels(&self, series: &SeriesRecord, offset: u64, family: Carried) -> Option<Vec<u8>> {
        let mut packed = Vec::new();
        series.copy_labels(self.view(), offset, &mut packed).ok()?;
        let Some(order) = family.order.and_then(|order| self.writer.orders.get(order as usize)) else {
            return Some(packed);
        };
        let values: Vec<&str> = strings(&packed).take(order.len()).collect::<Result<_, _>>().ok()?;
        let ordered: Option<Vec<&str>> =
            order.iter().map(|place| values.get(usize::from(*place)).copied()).collect();
        Some(pack_strings(ordered?))
    }

    /// The series was touched when its latest touch in either half was.
    fn keep_touch(&self, former: Former, twin: u64) {
        if let Some(touched) = SeriesRecord::touched(self.view(), twin) {
            touched.fetch_max(former.times.touched);
        }
    }

    fn copy(&mut self, load: &Load, home: Home, from: u64, to: u64) -> Result<(), Reason> {
        let (old, new) = self.halves();
        let Writer { attached, pages, .. } = &mut *self.writer;
        let view = &attached.view;
        let sources: Vec<&[Cell]> = load
            .from
            .iter()
            .filter_map(|slot| known_cells(view, &old, *slot, home.plane, (from, home.cells)))
            .filter(|cells| cells.iter().any(|cell| !is_fresh(home.plane, cell)))
            .collect();
        if sources.is_empty() {
            return Ok(());
        }
        let target = pages.cells(view, &new, load.to, home.plane, (to, home.cells))?;
        let numbers = if home.has_rings { RING_CELL } else { home.cells };
        for (at, target) in target.iter().enumerate().take(numbers) {
            let former = sources.iter().map(|cells| cells[at].get());
            target.set(former.reduce(|sum, number| sum + number).unwrap_or(0.0));
        }
        if home.has_rings {
            copy_rings(view, &new, &sources, target);
        }
        if let (Plane::PerProcess, [source]) = (home.plane, &sources[..]) {
            let offset = |cells: &[Cell]| view.offset_of(cells.as_ptr());
            self.moves.extend(offset(source).zip(offset(target)));
        }
        Ok(())
    }
}

fn is_fresh(plane: Plane, cell: &Cell) -> bool {
    cell.get().to_bits() == if plane == Plane::PerProcess { UNSET } else { 0 }
}

/// Removes the record of the new half that was carried from one of the old half. A fresh one, made since the
/// removal, stays.
fn remove_twin(view: &View, twin: u64, origin: u64) {
    if SeriesRecord::parse(view, twin).is_ok_and(|record| record.origin == origin) {
        remove_records(view, Some(twin), None);
    }
}

/// Empties what a slot has in the new half.
fn empty(view: &View, half: &Half, slot: usize) {
    for (plane, fresh) in [(Plane::Cumulative, 0), (Plane::PerProcess, UNSET)] {
        pages_of(view, half, slot, plane).for_each(|page| fill_page(view, page, fresh));
    }
    let exemplars = half.roots_of(slot) + offset_of!(Roots, exemplars) as u64;
    for root in view.words(exemplars, crate::layout::EXEMPLAR_SIZES as u64).unwrap_or_default() {
        root.store_relaxed(0);
    }
}

/// Copies the samples of a summary. Those of one ring keep their places, because the count is the place of the
/// next one. Those of two are put together, the latest of them; nobody writes there any more.
fn copy_rings(view: &View, half: &Half, sources: &[&[Cell]], target: &[Cell]) {
    let samples = ring::samples_of(view);
    let pages = ring_pages(samples);
    let rings: Vec<&[Sample]> =
        sources.iter().filter_map(|cells| view.ring(ring::ring_of(cells), samples)).collect();
    if rings.is_empty() || pages == 0 {
        return;
    }
    let Ok(last) = take_pages(view, half, pages) else { return }; // the samples are lost, not the count
    let Some(ring) = view.ring(last, samples) else { return };
    if let [only] = rings[..] {
        let both = only.iter().zip(ring).filter_map(|(from, to)| Some((from.get()?, to)));
        both.for_each(|((when, what), to)| to.put_owned(when, what));
    } else {
        let mut all: Vec<(u64, f64)> =
            rings.iter().flat_map(|ring| ring.iter()).filter_map(Sample::get).collect();
        all.sort_unstable_by_key(|(when, _)| std::cmp::Reverse(*when));
        all.iter().zip(ring).for_each(|((when, what), to)| to.put_owned(*when, *what));
    }
    target[RING_CELL].lead_to(last); // pair: RING
}
