//! Storage of a process's exemplars in its slot.

use super::{Writer, slot::PageAllocator};
use crate::{
    format::exemplar::{ExemplarLabels, Place, place_words, places},
    layout::{EXEMPLAR_SIZES, Half, PAGE_WORDS, Roots, SHARED, Space},
    memory::{atomic::Cell, view::View},
    snapshot::Reason,
};
use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    mem::offset_of,
};

/// The places of one size, cached by their only writer.
#[derive(Debug, Default)]
struct Places {
    /// From a cell to its place. Both are offsets.
    by_cell: HashMap<u64, u64, BuildHasherDefault<OffsetHasher>>,
    /// Places on the slot's pages that are not assigned to a cell.
    free: Vec<u64>,
    /// Pages that the slot has.
    pages: usize,
}

/// A hash of offsets. They are given out in order, whatever a client sends, so that no secret is needed.
#[derive(Debug, Default)]
struct OffsetHasher(u64);

impl Hasher for OffsetHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, offset: u64) {
        // The table looks at the highest bits and at the lowest ones; an offset's lowest three are zero.
        let product = u128::from(self.0 ^ offset) * 0x9e37_79b9_7f4a_7c15;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The slot's places, once they were read: a slot's next owner takes over those of its former owners.
#[derive(Debug, Default)]
pub(crate) struct ExemplarPlaces(Option<[Places; EXEMPLAR_SIZES]>);

impl Writer {
    /// Stores an exemplar of the update that was just made to `cell`, which [`Writer::resolve`] has returned
    /// to this process as its own. The pointer is not dereferenced, only converted to an offset. The exemplar
    /// is kept until the cell's next one. Allocates nothing once the cell has a place.
    ///
    /// An exemplar that finds no room is counted as dropped: the shared slot stores none, and exemplars leave
    /// half of the segment to values.
    pub fn note_exemplar(&mut self, cell: *const Cell, labels: &ExemplarLabels, value: f64, time: f64) {
        if self.place_exemplar(cell, labels, value, time).is_none() {
            self.count_drop(Reason::Exemplar);
        }
    }

    fn place_exemplar(
        &mut self,
        cell: *const Cell,
        labels: &ExemplarLabels,
        value: f64,
        time: f64,
    ) -> Option<()> {
        if self.slot.number == SHARED {
            return None;
        }
        let Self { attached, slot, generation, pages, exemplars, .. } = self;
        let view = &attached.view;
        let half = view.geometry.half(*generation);
        let cell = view.offset_of(cell)?;
        let at = SizeClass { view, half, slot: slot.number, size: labels.size() };
        let all =
            exemplars.0.get_or_insert_with(|| std::array::from_fn(|size| SizeClass { size, ..at }.find()));
        let places = &mut all[at.size];
        let known = places.by_cell.get(&cell).copied();
        let offset = known.or_else(|| at.free_place(places, pages))?;
        let place = at.place(offset)?;
        place.write(labels, value, time);
        if known.is_none() {
            place.give_to(cell);
            places.free.pop();
            places.by_cell.insert(cell, offset);
        }
        Some(())
    }
}

/// One size of places in one slot.
#[derive(Clone, Copy)]
struct SizeClass<'a> {
    view: &'a View,
    half: &'a Half,
    slot: usize,
    size: usize,
}

impl<'a> SizeClass<'a> {
    fn place(self, offset: u64) -> Option<Place<'a>> {
        self.view.words(offset, place_words(self.size) as u64).map(Place::over)
    }

    /// Reads the places that the slot's former owners have left.
    fn find(self) -> Places {
        let mut found = Places::default();
        for entry in 0..PAGE_WORDS {
            let Some(page) = self.page(entry) else { break };
            found.pages += 1;
            self.take_in(page, &mut found);
        }
        found
    }

    fn take_in(self, page: u64, found: &mut Places) {
        for offset in (0..places(self.size)).map(|place| page + 8 * (place * place_words(self.size)) as u64) {
            match self.place(offset).map_or(0, Place::cell) {
                0 => found.free.push(offset),
                cell => drop(found.by_cell.insert(cell, offset)),
            }
        }
    }

    /// The offset of the slot's `entry`th page, if it exists.
    fn page(self, entry: usize) -> Option<u64> {
        let Self { view, .. } = self;
        let directory = view.page_offset(view.word(self.root())?.load_acquire())?; // pair: PAGE
        view.page_offset(view.word(directory + 8 * entry as u64)?.load_acquire()) // pair: PAGE
    }

    fn root(self) -> u64 {
        self.half.roots_of(self.slot) + (offset_of!(Roots, exemplars) + 8 * self.size) as u64
    }

    /// A free place for another cell; creates a page if there is none.
    fn free_place(self, places: &mut Places, pages: &mut PageAllocator) -> Option<u64> {
        if places.free.is_empty() {
            let Self { view, half, .. } = self;
            if places.pages == PAGE_WORDS || !has_room(view, half) {
                return None;
            }
            let root = view.word(self.root())?;
            let directory = pages.page(view, half, root, 0).ok()?;
            let directory = view.page_offset(directory)?;
            let entry = view.word(directory + 8 * places.pages as u64)?;
            pages.page(view, half, entry, 0).ok()?;
            self.take_in(self.page(places.pages)?, places);
            places.pages += 1;
        }
        places.free.last().copied()
    }
}

/// Whether less than half of the room is taken: cells have priority over exemplars.
fn has_room(view: &View, half: &Half) -> bool {
    let space = view.space(half);
    let twice = |amount: u64| amount.checked_mul(2);
    let doubled = twice(space.units).zip(twice(space.pages));
    doubled.is_some_and(|(units, pages)| Space { units, pages }.pack(half).is_some())
}
