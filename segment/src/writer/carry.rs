//! Carries the cells of one slot into the half of the next generation.

use super::{
    Writer,
    register::{
        Draft, FamilyDraft, Former, Home, SeriesDraft, finish_removals, leaving, remove_records, state_of,
    },
    slot::{fill_page, page_number, pages_of, take_pages},
};
use crate::{
    definition::Definition,
    format::{
        family::FamilyRecord,
        hints, index,
        record::Tag,
        ring,
        series::{GONE, SeriesRecord},
        strings::{pack_strings, strings},
    },
    layout::{Half, PAGE_WORDS, Plane, RING_CELL, Roots, UNSET, ring_pages},
    memory::{
        atomic::{Cell, Sample, Word},
        view::View,
    },
    order,
    snapshot::Loss,
};
use std::{
    collections::{HashMap, HashSet},
    mem::offset_of,
};

/// Whose cells are carried, and into whose roots. Two are added up.
pub(super) struct Load {
    /// One slot or two.
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
    /// From the offsets of series in the old half to those that others have carried before.
    twins: HashMap<u64, u64>,
    /// The pages that were last found of each slot whose cells are carried, and of its own: neighbours share them.
    known_pages: Vec<KnownPage>,
    /// From the offsets of gauges' cells to those of their new cells.
    pub(super) moves: HashMap<u64, u64>,
}

/// A slot's page of cells.
struct KnownPage {
    /// The half's head.
    half: u64,
    slot: usize,
    plane: Plane,
    /// Its index in the plane.
    index: u64,
    number: u64,
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
        let (families, twins, moves) = <_>::default();
        Self { writer, now, families, twins, known_pages: Vec::new(), moves }
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
    pub(super) fn carry(&mut self, load: &Load) -> Result<(), Loss> {
        let (old, new) = self.halves();
        empty(self.view(), &new, load.to);
        let (wanted, gone) = self.series_of(&old);
        self.look_for_twins(&new, &gone);
        wanted.into_iter().try_for_each(|offset| self.carry_series(offset, load))
    }

    /// The offsets of a half's series: those that are there, in the order of their columns, and those that are gone. The
    /// records that are made for them have columns in the same order, so cells that shared a page share one again.
    fn series_of(&self, half: &Half) -> (Vec<u64>, HashSet<u64>) {
        let (mut wanted, mut gone) = (Vec::new(), HashSet::new());
        for entry in index::entries_by_record(self.view(), half) {
            let offset = index::offset_of(entry);
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
        let order = order::sorted(wanted.len(), &|a, b| wanted[a].cmp(&wanted[b]));
        (order.into_iter().map(|at| wanted[at].1).collect(), gone)
    }

    /// Finds the series of the new half that others have carried: so their labels need not be compared again. Removes those
    /// that were carried from ones that are gone: the process that removed those may have died before it came to these.
    /// Whoever carries one only now looks at the old one's flag after that.
    fn look_for_twins(&mut self, half: &Half, gone: &HashSet<u64>) {
        let view = self.view();
        let origin = |offset: u64, entry| {
            (Tag::read(view, offset, entry) == Ok(Tag::Series)).then_some(())?;
            SeriesRecord::parse(view, offset).ok().map(|record| record.origin)
        };
        let entries = index::entries_by_record(view, half).into_iter();
        let entries = entries.map(|entry| (entry, index::offset_of(entry)));
        let twins = entries.filter_map(|(entry, twin)| Some((origin(twin, entry)?, twin)));
        let twins: HashMap<u64, u64> = twins.filter(|(origin, _)| *origin != 0).collect();
        let of_gone = twins.iter().filter(|(origin, _)| gone.contains(origin)).map(|(_, twin)| *twin);
        remove_records(view, of_gone.filter(|twin| state_of(view, *twin) != GONE), None);
        self.twins = twins;
    }

    fn carry_series(&mut self, offset: u64, load: &Load) -> Result<(), Loss> {
        let Ok(series) = SeriesRecord::parse(self.view(), offset) else { return Ok(()) };
        let Some(former) = Former::read(self.view(), offset) else { return Ok(()) };
        let twin = self.twins.get(&offset).copied();
        if let Some(twin) = twin.filter(|twin| state_of(self.view(), *twin) == 0)
            && let Some(family) = self.family(series.family, true)?
        {
            return self.carry_into(twin, former, family.home, load);
        }
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
        self.carry_into(twin, former, home, load)
    }

    /// Adds the cells to those of the record in the new half.
    fn carry_into(&mut self, twin: u64, former: Former, home: Home, load: &Load) -> Result<(), Loss> {
        // Looked at again, because the series may have been removed from both halves since, or from the old one
        // by a process that did not find it in the new one.
        let offset = former.times.origin;
        if state_of(self.view(), offset) != 0 {
            remove_twin(self.view(), twin, offset);
            return Ok(());
        }
        self.keep_touch(former, twin);
        let Ok(record) = SeriesRecord::parse(self.view(), twin) else { return Ok(()) };
        match home.plane {
            Plane::Shared => {
                if let Some(cell) = self.view().geometry.gauge(record.column) {
                    self.moves.insert(cell, cell);
                }
                Ok(())
            }
            Plane::PerProcess if !load.with_gauges => Ok(()),
            _ => self.copy(load, home, former.column, record.column),
        }
    }

    /// The record in the new half; `None` if it was removed there.
    fn find_or_make(&mut self, half: &Half, draft: &mut SeriesDraft<'_>) -> Result<Option<u64>, Loss> {
        if let Some(known) = draft.find(self.view(), half) {
            return Ok((state_of(self.view(), known) == 0).then_some(known));
        }
        let made = self.writer.find_or_publish(half, draft)?.offset;
        Ok((state_of(self.view(), made) == 0).then_some(made))
    }

    /// The family in the new half, which is made if that is wanted.
    fn family(&mut self, offset: u64, is_wanted: bool) -> Result<Option<Carried>, Loss> {
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
        let touched = SeriesRecord::touched(self.view(), twin);
        if let Some(touched) = touched.filter(|touched| touched.load_relaxed() < former.times.touched) {
            touched.fetch_max(former.times.touched);
        }
    }

    /// The page of a slot that holds a column, if it exists.
    fn page(&mut self, half: &Half, slot: usize, plane: Plane, column: u64) -> Option<u64> {
        let index = column / PAGE_WORDS as u64;
        let is_of =
            |known: &&mut KnownPage| (known.half, known.slot, known.plane) == (half.head, slot, plane);
        let known = self.known_pages.iter_mut().find(is_of);
        if let Some(known) = &known
            && known.index == index
        {
            return Some(known.number);
        }
        let number = page_number(&self.writer.attached.view, half, slot, plane, index)?;
        let page = KnownPage { half: half.head, slot, plane, index, number };
        match known {
            Some(known) => *known = page,
            None => self.known_pages.push(page),
        }
        Some(number)
    }

    fn copy(&mut self, load: &Load, home: Home, from: u64, to: u64) -> Result<(), Loss> {
        let (old, new) = self.halves();
        let mut pages = [None; 2];
        for (page, slot) in pages.iter_mut().zip(&load.from) {
            *page = self.page(&old, *slot, home.plane, from);
        }
        let known_target = self.page(&new, load.to, home.plane, to);
        let Writer { attached, pages: allocator, .. } = &mut *self.writer;
        let view = &attached.view;
        let cells_of = |page: Option<u64>, column: u64| {
            let first = column as usize % PAGE_WORDS;
            view.page(page?)?.get(first..first + home.cells)
        };
        let (mut sources, mut count): ([&[Cell]; 2], usize) = ([&[]; 2], 0);
        for cells in pages.into_iter().filter_map(|page| cells_of(page, from)) {
            if cells.iter().any(|cell| !is_fresh(home.plane, cell)) {
                (sources[count], count) = (cells, count + 1);
            }
        }
        let sources = &sources[..count];
        if sources.is_empty() {
            return Ok(());
        }
        let target = match cells_of(known_target, to) {
            Some(target) => target,
            None => allocator.cells(view, &new, load.to, home.plane, (to, home.cells))?,
        };
        if home.has_hints {
            hints::add_up(sources, target);
            return Ok(());
        }
        let numbers = if home.has_rings { RING_CELL } else { home.cells };
        for (at, target) in target.iter().enumerate().take(numbers) {
            let former = sources.iter().map(|cells| cells[at].get());
            target.set(former.reduce(|sum, number| sum + number).unwrap_or(0.0));
        }
        if home.has_rings {
            copy_rings(view, &new, sources, target);
        }
        if let (Plane::PerProcess, [source]) = (home.plane, sources) {
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
        let all: Vec<(u64, f64)> =
            rings.iter().flat_map(|ring| ring.iter()).filter_map(Sample::get).collect();
        let order = order::sorted(all.len(), &|a, b| all[b].0.cmp(&all[a].0));
        order.iter().zip(ring).for_each(|(at, to)| to.put_owned(all[*at].0, all[*at].1));
    }
    target[RING_CELL].lead_to(last); // pair: RING
}
