//! A segment as readers and writers see it: its mapping and the geometry that its header describes.

use crate::{
    layout::{
        Geometry, Half, PAGE, PAGE_WORDS, Phase, Population, RECORD_UNIT, SAMPLE_WORDS, Space, header,
        ring_pages,
    },
    memory::{
        atomic::{Cell, Sample, Word, cells, samples},
        mapping::Mapping,
    },
};
use std::ops::{Deref, Range};

/// A mapping and the geometry of the segment in it. All access stays checked, because other processes can
/// change the memory at any time.
#[derive(Debug)]
pub(crate) struct View {
    mapping: Mapping,
    pub(crate) geometry: Geometry,
    /// A further limit of [`View::memory_limit`].
    pub(crate) most_bytes: u64,
}

impl Deref for View {
    type Target = Mapping;

    #[inline]
    fn deref(&self) -> &Mapping {
        &self.mapping
    }
}

impl View {
    /// The caller took the geometry from the header of the mapping.
    pub(crate) fn new(mapping: Mapping, geometry: Geometry) -> Self {
        Self { mapping, geometry, most_bytes: u64::MAX }
    }

    /// The word of a slot that is `field` bytes from its start.
    pub(crate) fn slot_word(&self, slot: usize, field: usize) -> Option<&Word> {
        self.word(self.geometry.slot(slot) + field as u64)
    }

    /// The present generation, and what becomes of the other half.
    pub(crate) fn phase(&self) -> Phase {
        Phase(self.head(header!(phase)).load_acquire()) // pair: PHASE
    }

    /// As [`View::phase`], but in one order with all changes of the phase: what this process stored before is
    /// seen by whoever changes the phase later.
    pub(crate) fn phase_now(&self) -> Phase {
        Phase(self.head(header!(phase)).fetch_add(0)) // pair: PHASE
    }

    /// The space that is allocated for records and pages of a half, according to its head.
    pub(crate) fn space(&self, half: &Half) -> Space {
        Space::unpack(self.word(half.space()).map_or(0, Word::load_acquire))
    }

    /// Series and words of the index that a half has taken, according to its head.
    pub(crate) fn population(&self, half: &Half) -> Population {
        Population::unpack(self.word(half.population()).map_or(0, Word::load_relaxed))
    }

    /// Maximum number of series in a half's generation.
    pub(crate) fn max_series(&self, half: &Half) -> u32 {
        let shape = self.geometry.shape.max_series;
        match self.word(half.max_series()).map_or(0, Word::load_relaxed) {
            0 => shape,
            // Never more than there is room for, whatever the word says.
            limit => limit.min(self.geometry.most_series().max(shape).into()) as u32,
        }
    }

    /// Words of the index, series, room and gauges' cells that a half has taken, each with how many there are:
    /// in the order of [`Resource::ALL`](crate::snapshot::Resource::ALL).
    pub(crate) fn taken(&self, half: &Half) -> [(u64, u64); 4] {
        let Population { series, entries } = self.population(half);
        let gauges = self.word(half.gauges()).map_or(0, Word::load_relaxed);
        [
            (entries, self.geometry.most_entries()),
            (series, self.max_series(half).into()),
            (self.used_bytes_of(half), half.room()),
            (gauges, self.geometry.gauge_cells),
        ]
    }

    /// The cell of a `last` gauge.
    pub(crate) fn gauge(&self, column: u64) -> Option<&[Cell]> {
        Some(cells::<1>(self.words(self.geometry.gauge(column)?, 1)?)?)
    }

    /// The page of cells with this number, if it is allocated.
    pub(crate) fn page(&self, number: u64) -> Option<&[Cell; PAGE_WORDS]> {
        cells(self.words(self.page_offset(number)?, PAGE_WORDS as u64)?)
    }

    /// The page with this number, which was found to be allocated before, in the same scrape.
    #[inline]
    pub(crate) fn known_page(&self, number: u64) -> Option<&[Cell; PAGE_WORDS]> {
        cells(self.words(self.geometry.offset_of_page(number)?, PAGE_WORDS as u64)?)
    }

    /// The numbers of a half's pages that are allocated now and lie above all records: those of [`View::page_offset`], which
    /// asks for one, and finds those that were allocated since.
    pub(crate) fn allocated_pages(&self, half: &Half) -> Range<u64> {
        let space = self.space(half);
        let room = (half.end - half.records).saturating_sub(space.units * RECORD_UNIT) / PAGE;
        let first = half.first_page + 1;
        first..first + space.pages.min(room)
    }

    /// Offset of the page with this number, if it is allocated and lies above all records of its half.
    pub(crate) fn page_offset(&self, number: u64) -> Option<u64> {
        let (half, offset) = self.geometry.page(number)?;
        let space = self.space(half);
        let taken = number - half.first_page <= space.pages;
        let above = offset - half.records >= space.units * RECORD_UNIT;
        (taken && above && self.words(offset, PAGE_WORDS as u64).is_some()).then_some(offset)
    }

    /// The ring of `count` samples whose last page has this number; pages are numbered downwards.
    pub(crate) fn ring(&self, number: u64, count: u64) -> Option<&[Sample]> {
        if number < ring_pages(count) {
            return None;
        }
        Some(samples(self.words(self.page_offset(number)?, count * SAMPLE_WORDS)?))
    }

    /// Bytes of the segment that are allocated for records and pages, according to the heads of the halves;
    /// never more than there are.
    pub(crate) fn used_bytes(&self) -> u64 {
        let phase = self.phase();
        let now = self.used_bytes_of(self.geometry.half(phase.generation()));
        // Nobody looks at the head of an empty half: that would give it memory.
        if phase.is_settled() {
            return now;
        }
        now + self.used_bytes_of(self.geometry.half(phase.generation() + 1))
    }

    /// Bytes of a half that are allocated for records and pages.
    pub(crate) fn used_bytes_of(&self, half: &Half) -> u64 {
        let space = self.space(half);
        (space.units * RECORD_UNIT + space.pages * PAGE).min(half.room())
    }

    /// Maximum number of bytes that a reader may allocate for what it derives from a segment, which can
    /// exceed the segment's own contents: a summary's row has more numbers than cells, and each process's row
    /// repeats all labels.
    pub(crate) fn memory_limit(&self) -> u64 {
        (4 * self.used_bytes()).max(64 << 20).min(self.geometry.end).min(self.most_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Shape;

    #[test]
    fn pages_never_reach_into_records() {
        let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
        let size = Geometry::new(shape, 0).unwrap_err();
        let view = View::new(Mapping::heap(size), Geometry::new(shape, size).unwrap());
        let half = view.geometry.halves[1];
        let pages_with = |units: u64, pages: u64| {
            view.head(half.space()).store_relaxed(units | pages << 32);
            let found: Vec<u64> = (0..40).filter(|number| view.page(*number).is_some()).collect();
            assert!(view.allocated_pages(&half).eq(found.iter().copied()), "{found:?}");
            found.len()
        };
        assert_eq!([pages_with(0, 0), pages_with(0, 3), pages_with(1, 15)], [0, 3, 15]);
        assert_eq!(pages_with(1, 16), 15, "the last page would lie on a record");
        assert_eq!(
            [pages_with(256, 16), pages_with(u64::MAX >> 32, 16), pages_with(0, 1 << 31)],
            [15, 0, 16]
        );
    }
}
