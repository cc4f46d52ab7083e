//! A mapping of shared memory, and checked access to it.
#![allow(unsafe_code)]

use crate::{
    layout::{Geometry, PAGE, PAGE_WORDS, RECORD_UNIT, SAMPLE_WORDS, Space, header, ring_pages},
    memory::atomic::{Cell, Sample, Word, cells, samples},
    memory::residency::Residency,
};
use std::{fmt, ptr::NonNull};

#[cfg(not(loom))]
use crate::memory::atomic::words_at;

/// Mapped memory, viewed as words; unmapped when dropped.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u64>,
    bytes: u64,
    /// Which parts may be touched; present where there may be less memory than address space.
    residency: Option<Residency>,
    guard: Box<dyn MappingGuard>,
    /// Memory of this process, which several mappings may share, as processes share a segment.
    #[cfg(any(test, fuzzing))]
    heap: Option<std::sync::Arc<[Word]>>,
}

/// Keeps memory mapped for as long as it lives.
pub(crate) trait MappingGuard: Send {
    /// Whether the memory is gone and zeros are mapped in its place.
    fn is_lost(&self) -> bool {
        false
    }
}

impl MappingGuard for () {}

impl fmt::Debug for dyn MappingGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MappingGuard")
    }
}

#[cfg(not(loom))]
// SAFETY: the memory is only accessed through atomics, and all else here may be sent to any thread.
unsafe impl Send for Mapping {}

#[cfg(not(loom))]
impl Mapping {
    /// Takes ownership of a mapping.
    ///
    /// # Safety
    /// `base` is page-aligned and valid for `bytes` bytes until `guard` is dropped, as far as `residency`
    /// finds memory behind them, and every access to that memory, by anyone, is atomic. If the memory is
    /// read-only, no writing method is called on its words.
    pub(crate) unsafe fn from_raw(
        base: NonNull<u64>,
        bytes: u64,
        guard: Box<dyn MappingGuard>,
        residency: Option<Residency>,
    ) -> Self {
        Self {
            base,
            bytes,
            residency,
            guard,
            #[cfg(any(test, fuzzing))]
            heap: None,
        }
    }

    /// Zeroed memory that is private to this process, for tests.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn heap(bytes: u64) -> Self {
        Self::over((0..bytes / 8).map(|_| Word::new(0)).collect())
    }

    /// A second mapping of the same memory, as another process would have it.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn share(&self) -> Option<Self> {
        self.heap.clone().map(Self::over)
    }

    #[cfg(any(test, fuzzing))]
    fn over(words: std::sync::Arc<[Word]>) -> Self {
        let base = NonNull::from(&*words).cast();
        // SAFETY: the words are atomics, and valid as long as `heap` keeps a reference to them, which is as
        // long as the mapping lives.
        let mut region = unsafe { Self::from_raw(base, words.len() as u64 * 8, Box::new(()), None) };
        region.heap = Some(words);
        region
    }

    /// Number of mapped bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the memory was truncated; what was read is then worthless.
    pub(crate) fn is_lost(&self) -> bool {
        self.guard.is_lost()
    }

    /// `count` words from `offset` on, if they lie inside the mapping, are aligned, and have memory.
    #[inline]
    pub(crate) fn words(&self, offset: u64, count: u64) -> Option<&[Word]> {
        let room = self.bytes.checked_sub(offset)?;
        if !offset.is_multiple_of(8) || count > room / 8 {
            return None;
        }
        if self.residency.as_ref().is_some_and(|residency| !residency.holds(offset, offset + 8 * count)) {
            return None;
        }
        // SAFETY: inside the mapping and aligned, as just checked; from_raw's caller promises the rest.
        Some(unsafe { words_at(self.base.as_ptr().add(offset as usize / 8), count as usize) })
    }

    /// Reserves `bytes` bytes from `offset` on, so that they may be touched. Returns whether there is memory
    /// for them.
    pub(crate) fn reserve(&self, offset: u64, bytes: u64) -> bool {
        let Some(residency) = &self.residency else { return true };
        let Some(end) = offset.checked_add(bytes).filter(|end| *end <= self.bytes) else { return false };
        residency.reserve(offset, end, |page| {
            // SAFETY: the page lies inside the mapping, as just checked, since a mapping consists of whole
            // pages, and there is memory for it now.
            let first = unsafe { words_at(self.base.as_ptr().add(page as usize / 8), 1) };
            first[0].touch();
        })
    }

    /// Offset of a cell, if it belongs to this memory. The pointer is only used as an address, never
    /// dereferenced.
    pub(crate) fn offset_of(&self, cell: *const Cell) -> Option<u64> {
        let offset = cell.addr().checked_sub(self.base.as_ptr().addr())? as u64 / 8 * 8;
        (offset < self.bytes).then_some(offset)
    }
}

/// Access to the rings of a mapping, for code that counts into its cells.
#[cfg(not(loom))]
#[derive(Debug, Clone, Copy)]
pub struct Rings {
    /// The address where page number 0 would begin.
    end: NonNull<u64>,
    /// The highest page number that fits into the mapping.
    most: u64,
    /// Number of pages in a ring.
    pages: u64,
    samples: u64,
}

#[cfg(not(loom))]
impl Rings {
    pub(crate) fn new(region: &Mapping, geometry: &Geometry, samples: u64) -> Option<Self> {
        let most = (geometry.end - geometry.records) / PAGE;
        if geometry.end > region.bytes {
            return None;
        }
        // SAFETY: inside the mapping, as just checked, or one past its end.
        let end = unsafe { region.base.add(geometry.end as usize / 8) };
        Some(Self { end, most, pages: ring_pages(samples), samples })
    }

    /// The ring whose last page has this number; any number may be passed.
    ///
    /// # Safety
    /// The mapping that this was created from still exists for as long as the ring is used.
    #[inline(always)]
    #[must_use]
    pub unsafe fn ring<'r>(self, number: u64) -> Option<&'r [Sample]> {
        if number > self.most || number < self.pages {
            return None;
        }
        // SAFETY: `number` pages lie inside the mapping, below its end and above everything that is not a
        // page, and the samples of a ring fit into its pages; the caller promises that the mapping still
        // exists.
        unsafe {
            let first = self.end.as_ptr().sub(number as usize * PAGE_WORDS);
            Some(samples(words_at(first, (self.samples * SAMPLE_WORDS) as usize)))
        }
    }
}

/// In proofs: words that the model tracks, in place of memory.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Mapping(std::sync::Arc<[Word]>);

#[cfg(loom)]
impl Mapping {
    pub(crate) unsafe fn from_raw(
        _: NonNull<u64>,
        _: u64,
        _: Box<dyn MappingGuard>,
        _: Option<Residency>,
    ) -> Self {
        unimplemented!("the model knows no mapped memory")
    }

    pub(crate) fn heap(bytes: u64) -> Self {
        Self((0..bytes / 8).map(|_| Word::modelled()).collect())
    }

    pub(crate) fn share(&self) -> Option<Self> {
        Some(Self(self.0.clone()))
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.len() as u64 * 8
    }

    pub(crate) fn is_lost(&self) -> bool {
        false
    }

    pub(crate) fn words(&self, offset: u64, count: u64) -> Option<&[Word]> {
        let first = offset as usize / 8;
        let end = first.checked_add(usize::try_from(count).ok()?)?;
        self.0.get(first..end).filter(|_| offset.is_multiple_of(8))
    }

    pub(crate) fn reserve(&self, _: u64, _: u64) -> bool {
        true
    }

    pub(crate) fn offset_of(&self, cell: *const Cell) -> Option<u64> {
        let bytes = cell.addr().checked_sub(self.0.as_ptr().addr())?;
        let index = bytes / size_of::<Word>();
        (index < self.0.len()).then_some(index as u64 * 8)
    }
}

impl Mapping {
    /// The word at `offset`, if it lies inside the mapping and is aligned.
    #[inline]
    pub(crate) fn word(&self, offset: u64) -> Option<&Word> {
        self.words(offset, 1)?.first()
    }

    /// The word at an offset that is a constant of the layout and lies inside the header.
    ///
    /// # Panics
    /// If the mapping is shorter than a header; every attachment checks that first.
    pub(crate) fn head(&self, offset: u64) -> &Word {
        self.word(offset).expect("the header lies inside every segment")
    }

    /// The page of cells with this number, if it is allocated.
    pub(crate) fn page(&self, geometry: &Geometry, number: u64) -> Option<&[Cell; PAGE_WORDS]> {
        cells(self.words(self.page_offset(geometry, number)?, PAGE_WORDS as u64)?)
    }

    /// Offset of the page with this number, if it is allocated and lies above all records.
    pub(crate) fn page_offset(&self, geometry: &Geometry, number: u64) -> Option<u64> {
        let space = Space::unpack(self.head(header!(space)).load_acquire());
        let offset = geometry.page(number).filter(|_| number <= space.pages)?;
        let above = offset - geometry.records >= space.units * RECORD_UNIT;
        (above && self.words(offset, PAGE_WORDS as u64).is_some()).then_some(offset)
    }

    /// The ring of `count` samples whose last page has this number; pages are numbered downwards.
    pub(crate) fn ring(&self, geometry: &Geometry, number: u64, count: u64) -> Option<&[Sample]> {
        if number < ring_pages(count) {
            return None;
        }
        Some(samples(self.words(self.page_offset(geometry, number)?, count * SAMPLE_WORDS)?))
    }

    /// Writes words at `offset`; the caller has allocated the space.
    pub(crate) fn fill_words(&self, offset: u64, words: &[u64]) -> Option<()> {
        for (index, value) in words.iter().enumerate() {
            self.word(offset + 8 * index as u64)?.store_relaxed(*value);
        }
        Some(())
    }
}

/// Bytes of the segment that are allocated for records and pages, according to the header; never more than
/// there are.
pub(crate) fn used_bytes(region: &Mapping, geometry: &Geometry) -> u64 {
    let space = Space::unpack(region.head(header!(space)).load_acquire());
    (space.units * RECORD_UNIT + space.pages * PAGE).min(geometry.end - geometry.records)
}

/// Maximum number of bytes that a reader may allocate for what it derives from a segment, which can exceed
/// the segment's own contents: a summary's row has more numbers than cells, and each process's row repeats
/// all labels.
pub(crate) fn memory_limit(region: &Mapping, geometry: &Geometry) -> u64 {
    (4 * used_bytes(region, geometry)).max(64 << 20).min(geometry.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Shape;

    #[test]
    fn nothing_outside_or_unaligned_is_handed_out() {
        let region = Mapping::heap(4096);
        assert!(region.word(0).is_some() && region.word(4088).is_some());
        for bad in [1, 4, 4089, 4096, u64::MAX, u64::MAX - 7] {
            assert!(region.word(bad).is_none(), "{bad}");
        }
        assert_eq!(region.words(4080, 2).map(<[Word]>::len), Some(2));
        for (offset, count) in [(4088, 2), (0, u64::MAX), (0, 1 << 61), (u64::MAX, 1), (4, 1), (4104, 0)] {
            assert!(region.words(offset, count).is_none(), "{offset} {count}");
        }
    }

    #[test]
    fn pages_never_reach_into_records() {
        let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
        let size = Geometry::new(shape, 0).unwrap_err();
        let (region, geometry) = (Mapping::heap(size), Geometry::new(shape, size).unwrap());
        let pages_with = |units: u64, pages: u64| {
            region.head(header!(space)).store_relaxed(units | pages << 32);
            (0..40).filter(|number| region.page(&geometry, *number).is_some()).count()
        };
        assert_eq!([pages_with(0, 0), pages_with(0, 3), pages_with(1, 15)], [0, 3, 15]);
        assert_eq!(pages_with(1, 16), 15, "the last page would lie on a record");
        assert_eq!(
            [pages_with(256, 16), pages_with(u64::MAX >> 32, 16), pages_with(0, 1 << 31)],
            [15, 0, 16]
        );
    }
}
